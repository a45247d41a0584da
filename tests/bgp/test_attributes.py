"""Attributes alone: round trips, and each fault with what RFC 7606 says that it costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    Aggregator,
    AttributeFlag,
    LocalError,
    Negotiated,
    PathAttributes,
    PeerType,
    Treatment,
    UnknownAttribute,
    UpdateError,
)
from bgp.attributes import decode_attributes, encode_attributes
from bgp.testing import negotiated_sessions, path_attributes

EXTERNAL = Negotiated(four_octet_as=True)
INTERNAL = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL)
TWO_OCTETS = Negotiated(four_octet_as=False)


@given(st.data(), negotiated_sessions())
def test_round_trip(data: st.DataObject, negotiated: Negotiated) -> None:
    attributes = data.draw(path_attributes(negotiated))
    block = encode_attributes(attributes, negotiated)
    assert decode_attributes(block, negotiated) == (attributes, ())


@given(st.binary(max_size=80), negotiated_sessions())
def test_any_octets_are_attributes_or_an_error(block: bytes, negotiated: Negotiated) -> None:
    try:
        attributes, _ = decode_attributes(block, negotiated)
    except UpdateError:
        return
    assert decode_attributes(encode_attributes(attributes, negotiated), negotiated) == (attributes, ())


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(1, 8), st.binary(max_size=10)), max_size=4))
def test_malformed_known_attributes_are_faults(tlvs: list[tuple[int, int, bytes]]) -> None:
    block = b"".join(bytes([flags & 0xE0, code, len(value)]) + value for flags, code, value in tlvs)
    attributes, faults = decode_attributes(block, EXTERNAL)
    assert decode_attributes(encode_attributes(attributes, EXTERNAL), EXTERNAL) == (attributes, ())
    assert all(fault.treatment > Treatment.NONE and fault.reason for fault in faults)


def test_known_octets() -> None:
    attributes = PathAttributes(
        origin=0,
        as_path=[64512],
        next_hop="192.0.2.1",
        med=5,
        atomic_aggregate=True,
        communities=["64512:100"],
    )
    assert encode_attributes(attributes, EXTERNAL) == bytes.fromhex(
        "400101 00400206 02010000fc00400304 c0000201800404 00000005400600c00804 fc000064"
    )


def test_a_long_attribute_has_a_long_length() -> None:
    attributes = PathAttributes(communities=range(64))
    block = encode_attributes(attributes, EXTERNAL)
    assert block[:4] == b"\xd0\x08\x01\x00"
    assert decode_attributes(block, EXTERNAL) == (attributes, ())


WITHDRAW = Treatment.TREAT_AS_WITHDRAW
DISCARD = Treatment.ATTRIBUTE_DISCARD


@pytest.mark.parametrize(
    ("block", "negotiated", "code", "treatment"),
    [
        ("400102 0000", EXTERNAL, 1, WITHDRAW),  # 7.1
        ("400101 03", EXTERNAL, 1, WITHDRAW),  # 7.1
        ("400206 05010000fc00", EXTERNAL, 2, WITHDRAW),  # 7.2, segment type
        ("400206 02020000fc00", EXTERNAL, 2, WITHDRAW),  # 7.2, overrun
        ("400207 02010000fc0002", EXTERNAL, 2, WITHDRAW),  # 7.2, one octet left
        ("400202 0200", EXTERNAL, 2, WITHDRAW),  # 7.2, empty segment
        ("400206 020100000000", EXTERNAL, 2, WITHDRAW),  # RFC 7607 2
        ("400206 02010000fc00", TWO_OCTETS, 2, WITHDRAW),  # 7.2, other AS width
        ("400305 c000020100", EXTERNAL, 3, WITHDRAW),  # 7.3
        ("800403 000005", EXTERNAL, 4, WITHDRAW),  # 7.4
        ("400504 00000064", EXTERNAL, 5, DISCARD),  # 7.5
        ("400503 000064", EXTERNAL, 5, DISCARD),  # 7.5
        ("400503 000064", INTERNAL, 5, WITHDRAW),  # 7.5
        ("400601 00", EXTERNAL, 6, DISCARD),  # 7.6
        ("c00706 fc00c0000201", EXTERNAL, 7, DISCARD),  # 7.7
        ("c00708 0000fc00c0000201", TWO_OCTETS, 7, DISCARD),  # 7.7
        ("c00706 0000c0000201", TWO_OCTETS, 7, DISCARD),  # RFC 7607 2
        ("c00800", EXTERNAL, 8, WITHDRAW),  # 7.8
        ("c00803 fc0000", EXTERNAL, 8, WITHDRAW),  # 7.8
        ("800101 00", EXTERNAL, 1, WITHDRAW),  # 3 (c)
        ("400804 fc000064", EXTERNAL, 8, WITHDRAW),  # 3 (c)
        ("400101 00 400101 00", EXTERNAL, 1, DISCARD),  # 3 (g)
        ("400102 00", EXTERNAL, 1, WITHDRAW),  # 4, overrun
        ("40", EXTERNAL, 0, WITHDRAW),  # 4, no room for a header
        ("4001", EXTERNAL, 1, WITHDRAW),  # 4
    ],
)
def test_what_a_fault_costs(block: str, negotiated: Negotiated, code: int, treatment: Treatment) -> None:
    _, faults = decode_attributes(bytes.fromhex(block), negotiated)
    assert [(fault.code, fault.treatment) for fault in faults] == [(code, treatment)]


def test_the_first_of_two_counts() -> None:
    attributes, faults = decode_attributes(bytes.fromhex("800404 00000001 800404 00000002"), EXTERNAL)
    assert attributes.med == 1
    assert len(faults) == 1


def test_an_unknown_well_known_attribute_resets_the_session() -> None:
    with pytest.raises(UpdateError) as caught:
        decode_attributes(bytes.fromhex("400101 00 406302 abcd"), EXTERNAL)
    # RFC 4271 6.3: the data is the attribute.
    assert (caught.value.subcode, caught.value.data) == (2, bytes.fromhex("406302abcd"))


def test_as_trans_in_the_aggregator() -> None:
    attributes = PathAttributes(aggregator=Aggregator(70000, "192.0.2.1"))
    assert encode_attributes(attributes, TWO_OCTETS) == bytes.fromhex("c00706 5ba0 c0000201")


def test_unknown_attributes_keep_their_flags() -> None:
    block = bytes.fromhex("e06301 07 806401 08")
    attributes, faults = decode_attributes(block, EXTERNAL)
    partial = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE | AttributeFlag.PARTIAL
    assert attributes.unknown == (
        UnknownAttribute(partial, 99, b"\x07"),
        UnknownAttribute(AttributeFlag.OPTIONAL, 100, b"\x08"),
    )
    assert not faults
    assert encode_attributes(attributes, EXTERNAL) == block


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"origin": 3}, "origin 3, must be 0 to 2"),
        ({"med": -1}, "med -1, must be 0 to 4294967295"),
        ({"local_pref": 1 << 32}, "local_pref 4294967296"),
        ({"next_hop": "2001:db8::1"}, "'2001:db8::1' is not an IPv4 address"),
        ({"communities": ["x"]}, "community 'x'"),
    ],
)
def test_refuses_what_cannot_be(values: dict[str, object], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        PathAttributes(**values)  # type: ignore[arg-type]  # the point of the test


def test_refuses_unknown_attributes_that_are_known_or_double() -> None:
    with pytest.raises(LocalError, match="attribute 1 has a field of its own"):
        UnknownAttribute(AttributeFlag.OPTIONAL, 1)
    twice = UnknownAttribute(AttributeFlag.OPTIONAL, 99)
    with pytest.raises(LocalError, match="occurs twice"):
        PathAttributes(unknown=[twice, twice])
