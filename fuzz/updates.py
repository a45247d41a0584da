# The body of an UPDATE is an `Update`, faults and all, or an `UpdateError`; what holds for messages holds for it.
"""Fuzz UPDATEs: an octet for the kind of session, then the body; the header is always right."""

from bgp import UpdateError, decode
from bgp.framing import HEADER_LENGTH, MARKER
from fuzz.contexts import session_of
from fuzz.messages import check_message


def check(data: bytes) -> None:
    """Check one input."""
    session = session_of(data[0] | 4 if data else 4)
    body = data[1:].ljust(4, b"\0")
    message = MARKER + (HEADER_LENGTH + len(body)).to_bytes(2, "big") + b"\2" + body
    try:
        update = decode(message, session)
    except UpdateError:
        return
    check_message(message, update, session)
