"""RFC 8654: messages of up to 65535 octets."""

import pytest

from bgp import (
    Keepalive,
    LocalError,
    Negotiated,
    Notification,
    Open,
    PeerType,
    RouteRefresh,
    Update,
    UpdateError,
    decode,
    encode,
)
from bgp.iana import ErrorCode, HeaderSubcode, MessageType
from bgp.offers import ExtendedMessageCapability
from bgp.prefix import IPV4_UNICAST
from tests.conformance.octets import EXTERNAL, capabilities, message, open_message, received, refusal, update
from tests.conformance.requirements import rfc

OFFER = [ExtendedMessageCapability()]


def between(ours: bool, theirs: bool) -> Negotiated:
    """A session of two speakers of which these offer extended messages."""
    sides = [OFFER if offers else [] for offers in (ours, theirs)]
    return Negotiated.between(*sides, peer_type=PeerType.EXTERNAL, hold_time=0)


LONG = Update(withdrawn=[f"10.{n >> 8}.{n & 255}.0/24" for n in range(1100)])

BAD_LENGTH = (ErrorCode.MESSAGE_HEADER_ERROR, HeaderSubcode.BAD_MESSAGE_LENGTH)


def answer(data: bytes, negotiated: Negotiated) -> tuple[int, int]:
    notification = refusal(data, negotiated)
    return notification.code, notification.subcode


@rfc("8654 3", "MUST offer long messages by capability 6, which has no value")
def test_capability() -> None:
    value = Open(my_as=1, hold_time=90, router_id="192.0.2.1", capabilities=OFFER)
    assert encode(value, EXTERNAL).endswith(bytes.fromhex("0202 0600"))
    assert (
        decode(open_message(my_as=1, router_id="c0000201", parameters=capabilities("0600")), EXTERNAL)
        == value
    )


@rfc("8654 4", "MUST be able to read 65535 octets if it offers long messages")
@pytest.mark.parametrize("theirs", [True, False])
def test_longest(theirs: bool) -> None:
    longest = update(withdrawn="20 0a000001" * 13102 + "08 0a")
    assert len(longest) == 65535
    assert len(received(longest, between(True, theirs)).withdrawn) == 13103


@rfc("8654 4", "MAY send long messages only to a peer that has offered them")
def test_sent() -> None:
    assert len(encode(LONG, between(True, True))) > 4096
    with pytest.raises(LocalError, match="4096"):
        encode(LONG, between(True, False))


@rfc("8654 4", "MUST apply to UPDATE, NOTIFICATION and ROUTE-REFRESH")
def test_kinds() -> None:
    negotiated = between(True, True)
    for value in (LONG, Notification(6, 2, bytes(5000)), RouteRefresh(IPV4_UNICAST, data=bytes(5000))):
        assert decode(encode(value, negotiated), negotiated) == value


@rfc("8654 4", "MUST NOT apply to OPEN and KEEPALIVE")
def test_other_kinds() -> None:
    negotiated = between(True, True)
    long_open = message(MessageType.OPEN, bytes(5000))
    assert answer(long_open, negotiated) == BAD_LENGTH
    assert answer(message(MessageType.KEEPALIVE, bytes(5000)), negotiated) == BAD_LENGTH
    assert len(encode(Keepalive(), negotiated)) == 19


@rfc("8654 5", "MUST NOT take a long message if it has not offered to, with Bad Message Length")
@pytest.mark.parametrize("theirs", [True, False])
def test_not_offered(theirs: bool) -> None:
    sent = encode(LONG, between(True, True))
    assert answer(sent, between(False, theirs)) == BAD_LENGTH


@rfc(
    "8654 5",
    "MUST NOT send a NOTIFICATION of more than 4096 octets to a peer that has not offered long messages",
)
def test_notification() -> None:
    about = Notification.from_error(UpdateError("it is wrong", data=bytes(60000)))
    assert len(encode(about, between(True, False))) == 4096
    with pytest.raises(LocalError, match="4096"):
        encode(Notification(6, 2, bytes(5000)), between(True, False))


@rfc("8654 6", "MUST take lengths from 19 to 65535 where long messages are offered, and to 4096 where not")
def test_lengths() -> None:
    negotiated = between(True, True)
    for length in (18, 0):
        assert answer(message(2, bytes(10), length=length), negotiated) == BAD_LENGTH
    assert answer(message(2, bytes(10), length=4097), between(False, False)) == BAD_LENGTH
