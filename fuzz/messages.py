# Any octets are a message or a documented error. A message prints, compares and hashes, and encodes to octets that
# decode to the same; to the very same octets unless it is an UPDATE: that may have faults, or bits behind a prefix.
"""Fuzz whole messages of every type: an octet for the kind of session, then the message."""

import attrs

from bgp import Message, Negotiated, PeerError, Update, decode, encode
from bgp.notification import Notification
from fuzz.contexts import check_value, session_of


def check(data: bytes) -> None:
    """Check one input."""
    session = session_of(data[0] if data else 0)
    try:
        message = decode(data[1:], session)
    except PeerError as error:
        check_value(Notification.from_error(error))
        return
    check_message(data[1:], message, session)


def check_message(octets: bytes, message: Message, session: Negotiated) -> None:
    """Check a message and the octets that it was decoded from."""
    check_value(message)
    if not isinstance(message, Update):
        assert encode(message, session) == octets
        return
    assert message.treatment in {fault.treatment for fault in message.faults} | {0}
    if not message.faults:
        again = encode(message, session)
        assert len(again) == len(octets)
        assert decode(again, session) == message
    # As for a peer with AS numbers of four octets, and with room for whatever grows.
    wide = attrs.evolve(session, four_octet_as=True, extended_message=True)
    mended = decode(encode(attrs.evolve(message, faults=()), wide), wide)
    assert isinstance(mended, Update)
    assert attrs.evolve(mended, faults=()) == attrs.evolve(message, faults=())
