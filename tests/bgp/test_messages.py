import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import (
    HeaderError,
    Keepalive,
    LocalError,
    Negotiated,
    Notification,
    Open,
    PathAttributes,
    PeerError,
    Treatment,
    UnknownCapability,
    Update,
    UpdateError,
    decode,
    encode,
)
from bgp.framing import MARKER
from bgp.testing import messages, negotiated_sessions
from bgp.wire import uint16

NEGOTIATED = Negotiated(four_octet_as=True)
ROUTE = PathAttributes(origin=0, as_path=[64512], next_hop="192.0.2.1")


def message(message_type: int, body: str) -> bytes:
    data = bytes.fromhex(body)
    return MARKER + uint16(19 + len(data)) + bytes([message_type]) + data


def refusal(data: bytes) -> tuple[type[PeerError], int, int, bytes]:
    with pytest.raises(PeerError) as caught:
        decode(data, NEGOTIATED)
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


@given(st.data(), negotiated_sessions())
def test_repr_can_be_pasted_back(data: st.DataObject, negotiated: Negotiated) -> None:
    value = data.draw(messages(negotiated))
    assert eval(repr(value), vars(bgp).copy()) == value


@given(st.integers(0, 6), st.binary(max_size=100), negotiated_sessions())
def test_any_octets_are_a_message_or_a_peer_error(kind: int, body: bytes, negotiated: Negotiated) -> None:
    try:
        value = decode(MARKER + uint16(19 + len(body)) + bytes([kind]) + body, negotiated)
    except PeerError as error:
        Notification.from_error(error)
        return
    assert hash(value) == hash(value)
    assert repr(value)


@given(st.data(), st.integers(0, 4095), st.integers(0, 255), negotiated_sessions())
def test_a_changed_octet_is_a_message_or_a_peer_error(
    data: st.DataObject, place: int, octet: int, negotiated: Negotiated
) -> None:
    octets = bytearray(encode(data.draw(messages(negotiated)), negotiated))
    octets[place % len(octets)] = octet
    try:
        decode(bytes(octets), negotiated)
    except PeerError as error:
        Notification.from_error(error)


@given(st.binary(max_size=40))
def test_no_octets_raise_anything_else(data: bytes) -> None:
    with pytest.raises(HeaderError):
        decode(data, NEGOTIATED)


# UPDATE: RFC 4271 6.3, RFC 7606.


def test_the_snippet_of_the_package() -> None:
    negotiated = bgp.Negotiated(four_octet_as=True)
    update = bgp.Update(
        announced=["203.0.113.7/32"],
        attributes=bgp.PathAttributes(origin=bgp.Origin.IGP, as_path=[64512], next_hop="192.0.2.1"),
    )
    assert bgp.decode(bgp.encode(update, negotiated), negotiated) == update


def test_known_update() -> None:
    update = Update(withdrawn=["10.0.0.0/8"], announced=["203.0.113.7/32"], attributes=ROUTE)
    attributes = "400101 00 400206 0201 0000fc00 400304 c0000201"
    octets = message(2, "0002 080a 0014" + attributes + "20cb007107")
    assert encode(update, NEGOTIATED) == octets
    assert decode(octets, NEGOTIATED) == update


def test_end_of_rib() -> None:
    assert encode(Update(), NEGOTIATED) == message(2, "0000 0000")
    assert Update().is_end_of_rib
    assert not Update(withdrawn=["10.0.0.0/8"]).is_end_of_rib
    broken = decode(message(2, "0000 0001 40"), NEGOTIATED)
    assert isinstance(broken, Update)
    assert not broken.is_end_of_rib


@pytest.mark.parametrize(
    ("body", "subcode"),
    [
        ("0001 0000", 1),  # withdrawn routes overrun
        ("0000 0001", 1),  # attributes overrun
        ("0002 18c0 0000", 10),
        ("0000 0000 21 0000000000", 10),
        ("0000 0003 406300", 2),
    ],
)
def test_update_errors(body: str, subcode: int) -> None:
    error, code, found, _ = refusal(message(2, body))
    assert (error, code, found) == (UpdateError, 3, subcode)


@pytest.mark.parametrize("missing", [{"origin": None}, {"as_path": None}, {"next_hop": None}])
def test_a_route_without_a_mandatory_attribute(missing: dict[str, None]) -> None:
    values = {"origin": 0, "as_path": [64512], "next_hop": "192.0.2.1", **missing}
    attributes = PathAttributes(**values)  # type: ignore[arg-type]  # built from a mapping
    octets = encode(Update(announced=["10.0.0.0/8"], attributes=attributes), NEGOTIATED)
    update = decode(octets, NEGOTIATED)
    assert isinstance(update, Update)
    assert update.treatment is Treatment.TREAT_AS_WITHDRAW
    assert [fault.reason for fault in update.faults] == [f"{next(iter(missing)).upper()} is missing"]


def test_the_strongest_treatment_counts() -> None:
    octets = message(2, "0000 000b 400601 00 400504 00000064 20cb007107")
    update = decode(octets, NEGOTIATED)
    assert isinstance(update, Update)
    assert {fault.treatment for fault in update.faults} == {
        Treatment.ATTRIBUTE_DISCARD,
        Treatment.TREAT_AS_WITHDRAW,
    }
    assert update.treatment is Treatment.TREAT_AS_WITHDRAW
    assert Update().treatment is Treatment.NONE


def test_an_update_that_does_not_fit() -> None:
    prefixes = [f"10.{high}.{low}.0/24" for high in range(16) for low in range(64)]
    with pytest.raises(LocalError, match="UPDATE of 4139 octets, at most 4096 fit"):
        encode(Update(announced=prefixes, attributes=ROUTE), NEGOTIATED)
    with pytest.raises(LocalError, match="UPDATE of more than 4096 octets"):
        encode(Update(withdrawn=prefixes * 20), NEGOTIATED)


# NOTIFICATION and KEEPALIVE; what an OPEN and a NOTIFICATION say is tested with their modules.


def test_known_octets() -> None:
    assert encode(Notification(6, 2, b"\x00"), NEGOTIATED) == message(3, "06 02 00")
    assert encode(Keepalive(), NEGOTIATED) == message(4, "")


def test_an_open_that_does_not_fit() -> None:
    many = [UnknownCapability(200, bytes(255))] * 16
    with pytest.raises(LocalError, match="OPEN of 4147 octets, at most 4096 fit"):
        encode(Open(my_as=1, hold_time=0, router_id="192.0.2.1", capabilities=many), NEGOTIATED)


def test_a_message_of_another_length_than_it_says() -> None:
    error, code, subcode, data = refusal(message(4, "") + b"\x00")
    assert (error, code, subcode, data) == (HeaderError, 1, 2, b"\x00\x13")
