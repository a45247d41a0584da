"""Messages of every type as octets; what each type says is tested with its module."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Family,
    Keepalive,
    LocalError,
    Negotiated,
    Notification,
    Open,
    PeerError,
    RouteRefresh,
    Update,
    decode,
    encode,
)
from bgp.capabilities import UnknownCapability
from bgp.errors import HeaderError, RouteRefreshError
from bgp.framing import MARKER
from bgp.iana import RefreshSubtype
from bgp.testing import messages, negotiated_sessions, notifications, opens, route_refreshes
from bgp.wire import uint16
from tests.bgp.pasting import pasted

NEGOTIATED = Negotiated(four_octet_as=True)
EXTENDED = Negotiated(four_octet_as=True, extended_message=True)


def message(message_type: int, body: str | bytes) -> bytes:
    data = body if isinstance(body, bytes) else bytes.fromhex(body)
    return MARKER + uint16(19 + len(data)) + bytes([message_type]) + data


def refusal(data: bytes, negotiated: Negotiated = NEGOTIATED) -> tuple[type[PeerError], int, int, bytes]:
    with pytest.raises(PeerError) as caught:
        decode(data, negotiated)
    error = caught.value
    assert str(error)
    assert Notification.from_error(error) == Notification(error.code, error.subcode, error.data)
    return type(error), error.code, error.subcode, error.data


@given(st.data(), negotiated_sessions())
def test_round_trip(data: st.DataObject, negotiated: Negotiated) -> None:
    value = data.draw(messages(negotiated))
    octets = encode(value, negotiated)
    assert decode(octets, negotiated) == value
    assert encode(decode(octets, negotiated), negotiated) == octets
    assert pasted(value) == value


@given(st.integers(0, 6), st.binary(max_size=60), negotiated_sessions())
def test_any_octets_are_a_message_or_a_peer_error(kind: int, body: bytes, negotiated: Negotiated) -> None:
    try:
        value = decode(MARKER + uint16(19 + len(body)) + bytes([kind]) + body, negotiated)
    except PeerError as error:
        Notification.from_error(error)
        return
    assert hash(value) == hash(value)
    assert repr(value)


@given(opens() | notifications() | route_refreshes(), st.integers(0, 4095), st.integers(0, 255))
def test_a_changed_octet_is_a_message_or_a_peer_error(
    value: Open | Notification | RouteRefresh, place: int, octet: int
) -> None:
    octets = bytearray(encode(value, NEGOTIATED))
    octets[place % len(octets)] = octet
    with contextlib.suppress(PeerError):
        assert encode(decode(bytes(octets), NEGOTIATED), NEGOTIATED) == octets


@given(st.binary(max_size=40))
def test_no_octets_raise_anything_else(data: bytes) -> None:
    with pytest.raises(HeaderError):
        decode(data, NEGOTIATED)


def test_known_octets() -> None:
    assert encode(Update(), NEGOTIATED) == message(2, "0000 0000")
    assert encode(Notification(6, 2, b"\x00"), NEGOTIATED) == message(3, "06 02 00")
    assert encode(Keepalive(), NEGOTIATED) == message(4, "")


def test_an_open_that_does_not_fit() -> None:
    many = [UnknownCapability(200, bytes(255))] * 16
    with pytest.raises(LocalError, match="OPEN of 4147 octets, at most 4096 fit"):
        encode(Open(my_as=1, hold_time=0, router_id="192.0.2.1", capabilities=many), NEGOTIATED)


@pytest.mark.parametrize("octets", [message(4, ""), message(2, "0000 0000"), message(3, "0602")])
def test_a_message_of_another_length_than_it_says(octets: bytes) -> None:
    expected = (HeaderError, 1, 2, uint16(len(octets)))
    assert refusal(octets + b"\x00") == expected
    if len(octets) > 20:
        assert refusal(octets[:-1]) == expected


def test_a_header_is_judged_even_on_the_short_cut() -> None:
    update = message(2, "0000 0000")
    assert refusal(b"\x00" + update[1:]) == (HeaderError, 1, 1, b"")
    assert refusal(update[:15] + b"\xfe" + update[16:]) == (HeaderError, 1, 1, b"")
    assert refusal(message(2, "0000 00")) == (HeaderError, 1, 2, b"\x00\x16")


# Long messages: RFC 8654.


@pytest.mark.parametrize("kind", [2, 3, 5])
def test_messages_are_long_where_that_was_negotiated(kind: int) -> None:
    body = {
        2: b"\x00\x00" + uint16(5000) + b"\xd0\x63" + uint16(4996) + bytes(4996),
        3: b"\x06\x02" + bytes(5000),
        5: b"\x00\x01\x00\x01" + bytes(5000),
    }[kind]
    octets = message(kind, body)
    assert encode(decode(octets, EXTENDED), EXTENDED) == octets
    assert refusal(octets) == (HeaderError, 1, 2, uint16(len(octets)))
    with pytest.raises(LocalError, match="at most 4096 fit"):
        encode(decode(octets, EXTENDED), NEGOTIATED)


def test_who_offers_long_messages_reads_them() -> None:
    one_way = Negotiated(four_octet_as=True, extended_message_receive=True)
    value = Notification(6, 2, bytes(5000))
    assert decode(encode(value, EXTENDED), one_way) == value
    with pytest.raises(LocalError, match="NOTIFICATION of 5021 octets, at most 4096 fit"):
        encode(value, one_way)


def test_opens_are_never_long() -> None:
    many = [UnknownCapability(200, bytes(255))] * 16
    with pytest.raises(LocalError, match="OPEN of 4147 octets, at most 4096 fit"):
        encode(Open(my_as=1, hold_time=0, router_id="192.0.2.1", capabilities=many), EXTENDED)
    assert refusal(message(1, bytes(4078)), EXTENDED) == (HeaderError, 1, 2, uint16(4097))


# ROUTE-REFRESH: RFC 2918, RFC 7313.


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (RouteRefresh(IPV4_UNICAST), "0001 00 01"),
        (RouteRefresh(IPV6_UNICAST, RefreshSubtype.BEGIN), "0002 01 01"),
        (RouteRefresh(Family(25, 70), RefreshSubtype.END), "0019 02 46"),
        (RouteRefresh(IPV4_UNICAST, 7, b"xyz"), "0001 07 01 78797a"),
        (RouteRefresh(IPV4_UNICAST, data=b"orf"), "0001 00 01 6f7266"),
    ],
)
def test_refreshes(value: RouteRefresh, body: str) -> None:
    assert encode(value, NEGOTIATED) == message(5, body)
    assert decode(message(5, body), NEGOTIATED) == value


def test_subtypes_of_a_refresh() -> None:
    assert isinstance(RouteRefresh(IPV4_UNICAST, 1).subtype, RefreshSubtype)
    with pytest.raises(LocalError, match="subtype 256, must be 0 to 255"):
        RouteRefresh(IPV4_UNICAST, 256)


@pytest.mark.parametrize("body", ["", "0001", "0001 00", "0001 01", "0001 01 01 00", "0001 02 01 0000"])
def test_refreshes_of_another_length(body: str) -> None:
    # RFC 7313 5: the data is the whole message.
    octets = message(5, body)
    assert refusal(octets) == (RouteRefreshError, 7, 1, octets)


@pytest.mark.parametrize("wrong", [None, Keepalive, b"", "KEEPALIVE", [Keepalive()]])
def test_encodes_messages_alone(wrong: Any) -> None:
    with pytest.raises(LocalError, match="is no message"):
        encode(wrong, NEGOTIATED)


@pytest.mark.parametrize("kind", [bytearray, memoryview])
@given(data=st.data())
def test_decodes_octets_of_any_type(
    kind: Callable[[bytes], bytearray | memoryview], data: st.DataObject
) -> None:
    message = data.draw(messages(NEGOTIATED))
    octets = encode(message, NEGOTIATED)
    decoded = decode(kind(octets), NEGOTIATED)
    assert decoded == message
    assert hash(decoded) == hash(message)


@pytest.mark.parametrize("wrong", ["x" * 19, None, 19, [255] * 19])
def test_decodes_octets_alone(wrong: Any) -> None:
    with pytest.raises(LocalError, match="must be octets"):
        decode(wrong, NEGOTIATED)


@pytest.mark.parametrize(
    "values", [(None,), ("ipv4",), (IPV4_UNICAST, "1"), (IPV4_UNICAST, 256), (IPV4_UNICAST, 0, "x")]
)
def test_a_route_refresh_has_a_family_a_number_and_octets(values: Any) -> None:
    with pytest.raises(LocalError, match="must be"):
        RouteRefresh(*values)
