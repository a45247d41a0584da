# A message of BMP is a value or a `BMPError`. A value compares, hashes and prints, and encodes to octets that decode to
# the same; routes are an UPDATE or a `PeerError`, and what is told of a session that ended never raises.
"""Fuzz BMP: an octet for the kind of session of routes, then the message."""

from bgp import PeerError
from bgp.bmp import BMPError, BMPMessage, Framer, PeerDown, PeerUp, RouteMonitoring, decode, encode
from fuzz.contexts import session_of


def check(data: bytes) -> None:
    """Check one input."""
    octet, octets = data[0] if data else 0, data[1:]
    try:
        framed = list(Framer().feed(octets))
    except BMPError:
        framed = []
    assert octets.startswith(b"".join(framed)[: len(octets)])
    for each in {octets, *framed}:
        try:
            message = decode(each)
        except BMPError:
            continue
        _check_message(message, octet)


def _check_message(message: BMPMessage, octet: int) -> None:
    assert message in {message}
    assert repr(message)
    assert decode(encode(message)) == message
    match message:
        case RouteMonitoring():
            try:
                assert repr(message.message_in(session_of(octet)))
            except PeerError:
                return
        case PeerDown():
            assert repr((message.notification, message.fsm_event))
        case PeerUp():
            assert repr(message.negotiated)
