# The body of a NOTIFICATION is always one, that of a ROUTE-REFRESH one or a `RouteRefreshError`; both encode to the
# very same octets. A NOTIFICATION prints as one line, however hostile, and tells what it holds without raising.
"""Fuzz NOTIFICATION and ROUTE-REFRESH: an octet that says which, then the body."""

from bgp import Negotiated, decode, encode
from bgp.errors import RouteRefreshError
from bgp.framing import HEADER_LENGTH, MARKER
from bgp.notification import Notification
from fuzz.contexts import check_value

_SESSION = Negotiated(four_octet_as=True, extended_message=True)


def check(data: bytes) -> None:
    """Check one input."""
    kind = b"\3" if data[:1] < b"\x80" else b"\5"
    body = data[1:].ljust(2, b"\0")
    octets = MARKER + (HEADER_LENGTH + len(body)).to_bytes(2, "big") + kind + body
    try:
        message = decode(octets, _SESSION)
    except RouteRefreshError:
        assert kind == b"\5"
        return
    assert encode(message, _SESSION) == octets
    assert check_value(message) == message
    if isinstance(message, Notification):
        assert str(message).isprintable()
        for found in (message.communication, message.prefix_limit, message.encapsulated):
            assert found is None or found
