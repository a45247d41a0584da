import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import (
    FourOctetASCapability,
    HeaderError,
    Keepalive,
    LocalError,
    Negotiated,
    Notification,
    Open,
    OpenError,
    PathAttributes,
    PeerError,
    Treatment,
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


# OPEN: RFC 4271 6.2.

OPEN = "04 fc00 005a c0000201"


def test_known_open() -> None:
    value = Open(
        my_as=23456, hold_time=90, router_id="192.0.2.1", capabilities=[FourOctetASCapability(70000)]
    )
    octets = message(1, "04 5ba0 005a c0000201 08 0206 4104 00011170")
    assert encode(value, NEGOTIATED) == octets
    assert decode(octets, NEGOTIATED) == value
    assert value.asn == 70000


def test_capabilities_may_come_in_several_parameters() -> None:
    octets = message(1, OPEN + "0c 0206 4104 0000fc00 0202 0200")
    value = decode(octets, NEGOTIATED)
    assert isinstance(value, Open)
    assert len(value.capabilities) == 2


@pytest.mark.parametrize(
    ("body", "subcode", "data"),
    [
        ("03 fc00 005a c0000201 00", 1, b"\x00\x04"),
        ("04 0000 005a c0000201 00", 2, b""),
        ("04 fc00 005a 00000000 00", 3, b""),
        (OPEN + "03 01 01 00", 4, b""),
        ("04 fc00 0001 c0000201 00", 6, b""),
        ("04 fc00 0002 c0000201 00", 6, b""),
        (OPEN + "08 0206 4104 00000000", 2, b""),
        (OPEN + "09 0206 4104 0000fc00", 0, b""),  # declares an octet too many
        (OPEN + "07 0206 4104 0000fc00", 0, b""),  # declares an octet too few
        (OPEN + "08 0206 4105 0000fc00", 0, b""),  # so does a capability
        (OPEN + "00 00", 0, b""),  # octets after the parameters
    ],
)
def test_open_errors(body: str, subcode: int, data: bytes) -> None:
    assert refusal(message(1, body)) == (OpenError, 2, subcode, data)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hold_time": 2}, "hold time 2 s, must be 0 or 3 to 65535"),
        ({"hold_time": 65536}, "hold time 65536 s"),
        ({"my_as": 0}, "my_as 0, must be 1 to 65535"),
        ({"my_as": 70000}, "my_as 70000"),
        ({"router_id": "0.0.0.0"}, "must not be zero"),
        ({"router_id": "x"}, "'x' is not an IPv4 address"),
    ],
)
def test_refuses_an_open_that_cannot_be(values: dict[str, object], message: str) -> None:
    legal: dict[str, object] = {"my_as": 64512, "hold_time": 90, "router_id": "192.0.2.1"}
    with pytest.raises(LocalError, match=message):
        Open(**{**legal, **values})  # type: ignore[arg-type]  # the point of the test


def test_too_many_capabilities() -> None:
    many = [FourOctetASCapability(64512)] * 43
    with pytest.raises(LocalError, match="capabilities of 258 octets, at most 253 fit"):
        encode(Open(my_as=1, hold_time=0, router_id="192.0.2.1", capabilities=many), NEGOTIATED)


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


# NOTIFICATION and KEEPALIVE.


def test_known_notification() -> None:
    assert encode(Notification(6, 2, b"\x00"), NEGOTIATED) == message(3, "06 02 00")
    assert encode(Keepalive(), NEGOTIATED) == message(4, "")


@pytest.mark.parametrize(
    ("notification", "text"),
    [
        (Notification(6, 2), "Cease / Administrative Shutdown"),
        (Notification(4), "Hold Timer Expired"),
        (Notification(2, 2), "OPEN Message Error / Bad Peer AS"),
        (Notification(6, 99), "Cease / 99"),
        (Notification(6), "Cease"),
        (Notification(77, 1), "error 77/1"),
    ],
)
def test_notifications_explain_themselves(notification: Notification, text: str) -> None:
    assert str(notification) == text


def test_a_message_of_another_length_than_it_says() -> None:
    error, code, subcode, data = refusal(message(4, "") + b"\x00")
    assert (error, code, subcode, data) == (HeaderError, 1, 2, b"\x00\x13")
