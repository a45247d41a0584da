"""Attributes as values: what goes in comes out, whenever somebody looks, and is octets all the time."""

from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    Aggregator,
    ASPath,
    AttributeCode,
    AttributeFlag,
    Community,
    ExtendedCommunity,
    IPv6ExtendedCommunity,
    LargeCommunity,
    LocalError,
    Negotiated,
    Origin,
    PathAttributes,
    PeerType,
    UnknownAttribute,
)
from bgp.attributes import RawAttribute, encode_attribute, join, split
from bgp.attributetable import ROWS
from bgp.testing import path_attributes
from bgp.wire import WireError
from tests.bgp.pasting import pasted

INTERNAL = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL)
OPTIONAL, TRANSITIVE, PARTIAL = AttributeFlag.OPTIONAL, AttributeFlag.TRANSITIVE, AttributeFlag.PARTIAL
FIELDS = [row.field for row in ROWS]

EVERY: dict[str, Any] = {
    "origin": Origin.EGP,
    "as_path": ASPath("64512 {64513}"),
    "next_hop": IPv4Address("192.0.2.1"),
    "med": 0,
    "local_pref": 100,
    "atomic_aggregate": True,
    "aggregator": Aggregator(70000, "192.0.2.9"),
    "communities": (Community("64512:100"), Community("no-export")),
    "large_communities": (LargeCommunity("64512:1:2"),),
    "extended_communities": (ExtendedCommunity("rt:64512:7"),),
    "ipv6_extended_communities": (IPv6ExtendedCommunity("rt:[2001:db8::1]:7"),),
    "originator_id": IPv4Address("192.0.2.2"),
    "cluster_list": (IPv4Address("192.0.2.3"),),
    "aigp": 7,
    "only_to_customer": 64512,
    "partial": frozenset({AttributeCode.COMMUNITIES}),
    "unknown": (UnknownAttribute(OPTIONAL, 99, b"x"),),
}
NOTHING = PathAttributes()


def test_every_field_is_read_as_it_was_given() -> None:
    attributes = PathAttributes(**EVERY)
    assert {name: getattr(attributes, name) for name in EVERY} == EVERY
    received = PathAttributes.from_wire(attributes.wire)
    assert {name: getattr(received, name) for name in reversed(EVERY)} == EVERY
    assert set(EVERY) == {*FIELDS, "partial", "unknown"}


@pytest.mark.parametrize("name", EVERY)
def test_each_field_stands_alone(name: str) -> None:
    present = {"communities": EVERY["communities"]} if name == "partial" else {}
    attributes = PathAttributes(**present, **{name: EVERY[name]})
    for other in EVERY.keys() - {name} - present.keys():
        assert getattr(attributes, other) == getattr(NOTHING, other)
    assert getattr(attributes, name) == EVERY[name] != getattr(NOTHING, name)
    assert attributes.evolve(**{name: getattr(NOTHING, name)}) == PathAttributes(**present)


def test_takes_what_people_type() -> None:
    typed = PathAttributes(
        origin=1,
        as_path="64512 {64513}",
        next_hop="192.0.2.1",
        communities=["64512:100", "no-export"],
        large_communities=["64512:1:2"],
        extended_communities=["rt:64512:7"],
        ipv6_extended_communities=["rt:[2001:db8::1]:7"],
        originator_id="192.0.2.2",
        cluster_list=["192.0.2.3"],
    )
    assert typed == PathAttributes(**{name: EVERY[name] for name in EVERY if getattr(typed, name)}).evolve(
        med=None
    )
    assert typed.as_path == EVERY["as_path"]


def test_none_and_empty_are_no_attribute() -> None:
    nothing: dict[str, Any] = {name: getattr(NOTHING, name) for name in EVERY}
    assert PathAttributes(**nothing) == NOTHING == PathAttributes(atomic_aggregate=False, unknown=[])
    assert NOTHING.wire == b""
    assert not NOTHING
    assert repr(NOTHING) == "PathAttributes()"
    # An empty path is one, and so is a zero.
    assert PathAttributes(as_path=[]).as_path == ASPath()
    assert PathAttributes(med=0).med == 0
    assert PathAttributes(origin=0).origin is Origin.IGP


def test_known_octets() -> None:
    attributes = PathAttributes(
        communities=["64512:100"],
        atomic_aggregate=True,
        med=5,
        next_hop="192.0.2.1",
        as_path=[64512],
        origin=0,
    )
    assert attributes.wire == bytes.fromhex(
        "400101 00 400206 02010000fc00 400304 c0000201 800404 00000005 400600 c00804 fc000064"
    )


@given(path_attributes(INTERNAL))
def test_are_their_octets(attributes: PathAttributes) -> None:
    again = PathAttributes.from_wire(attributes.wire)
    assert again == attributes
    assert hash(again) == hash(attributes)
    assert {again: 1} == {attributes: 1}
    assert pasted(again) == attributes
    values: dict[str, Any] = {name: getattr(again, name) for name in EVERY}
    assert PathAttributes(**values) == attributes
    assert [raw.code for raw in split(attributes.wire)] == sorted(attributes.raw)
    assert join(split(attributes.wire)) == attributes.wire


def test_a_value_is_read_once() -> None:
    attributes = PathAttributes.from_wire(PathAttributes(**EVERY).wire)
    for field in ("as_path", "communities", "aggregator"):
        assert getattr(attributes, field) is getattr(attributes, field)
    assert attributes.raw is attributes.raw
    # What was read is not compared.
    assert attributes == PathAttributes(**EVERY)


def test_a_field_can_be_asked_for_on_the_class() -> None:
    assert PathAttributes.med is PathAttributes.__dict__["med"]


def test_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        PathAttributes().med = 5


# Changed copies.


@pytest.mark.parametrize("name", EVERY)
def test_evolve_changes_one_thing(name: str) -> None:
    attributes = PathAttributes(**EVERY)
    without: dict[str, Any] = {name: getattr(NOTHING, name)}
    if name == "communities":
        without["partial"] = ()
    changed = attributes.evolve(**without)
    assert {each: getattr(changed, each) for each in EVERY} == {
        **EVERY,
        **without,
        "partial": changed.partial,
    }
    assert changed.evolve(**{each: EVERY[each] for each in without}) == attributes
    assert attributes == PathAttributes(**EVERY)


def test_evolve_keeps_and_sets_partial_bits() -> None:
    attributes = PathAttributes(communities=[1], large_communities=["1:2:3"], partial=[8])
    assert attributes.evolve(med=5).partial == {8}
    assert attributes.evolve(partial=[32]).partial == {32}
    assert attributes.evolve(partial=[]).partial == frozenset()
    # A new value is one of our own.
    assert attributes.evolve(communities=[2]).partial == frozenset()
    assert attributes.evolve(communities=[2], partial=[8]).partial == {8}


def test_attributes_that_nobody_knows_travel_on_if_they_are_transitive() -> None:
    # RFC 4271 5.
    travelling = UnknownAttribute(OPTIONAL | TRANSITIVE, 99, b"x")
    attributes = PathAttributes(med=5, unknown=[travelling, UnknownAttribute(OPTIONAL, 100)])
    passed = attributes.passed_on()
    assert passed.unknown == (UnknownAttribute(OPTIONAL | TRANSITIVE | PARTIAL, 99, b"x"),)
    assert passed.passed_on() == passed
    assert passed.med == 5
    plain = PathAttributes(med=5)
    assert plain.passed_on() is plain


# Unknown attributes.


def test_unknown_attributes_keep_what_counts() -> None:
    attribute = UnknownAttribute(AttributeFlag(0xFF), 40, b"x")
    assert attribute.flags == OPTIONAL | TRANSITIVE | PARTIAL
    assert isinstance(attribute.code, AttributeCode)
    assert UnknownAttribute(OPTIONAL, 99).value == b""
    assert pasted(attribute) == attribute


@pytest.mark.parametrize("code", [1, 2, 8, 14, 15, 17, 18, 35])
def test_known_attributes_are_not_unknown(code: int) -> None:
    with pytest.raises(LocalError, match=f"attribute {code} has a field of its own"):
        UnknownAttribute(OPTIONAL, code)


@pytest.mark.parametrize(
    ("code", "value", "message"),
    [
        (-1, b"", "code -1, must be 0 to 255"),
        (256, b"", "code 256, must be 0 to 255"),
        (99, bytes(65536), "value of 65536 octets, at most 65535 fit"),
    ],
)
def test_unknown_attributes_that_cannot_be(code: int, value: bytes, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        UnknownAttribute(OPTIONAL, code, value)


# What cannot be.


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"origin": 3}, "origin 3, must be 0 to 2"),
        ({"med": -1}, "med -1, must be 0 to 4294967295"),
        ({"next_hop": "2001:db8::1"}, "'2001:db8::1' is not an IPv4 address"),
        ({"communities": ["x"]}, "community 'x'"),
        ({"communities": range(16384)}, "attribute 8 of 65536 octets, at most 65535 fit"),
        ({"unknown": [UnknownAttribute(OPTIONAL, 99)] * 2}, "attribute 99 occurs twice"),
        ({"partial": [8]}, r"partial \[8\], there are no such attributes"),
        ({"communities": [1], "partial": [8, 9, 32]}, r"partial \[9, 32\], there are no such"),
        ({"unknown": [UnknownAttribute(OPTIONAL, 99)], "partial": [99]}, "there are no such attributes"),
    ],
)
def test_refuses_what_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        PathAttributes(**values)


def test_refuses_fields_that_are_not_there() -> None:
    with pytest.raises(TypeError, match="path attributes have no field mde"):
        PathAttributes(mde=5)  # type: ignore[call-arg]  # the point of the test


# Octets.


@pytest.mark.parametrize(
    ("size", "head"), [(0, "c06300"), (255, "c063ff"), (256, "d0630100"), (65535, "d063ffff")]
)
def test_lengths_are_as_short_as_can_be(size: int, head: str) -> None:
    octets = encode_attribute(0xC0, 99, bytes(size))
    assert octets == bytes.fromhex(head) + bytes(size)
    assert list(split(octets)) == [RawAttribute(0xC0, 99, bytes(size))]


@pytest.mark.parametrize("block", ["c0", "c063", "d06300", "c06302 00"])
def test_a_block_that_ends_too_early(block: str) -> None:
    found = split(bytes.fromhex("c06200" + block))
    assert next(found) == RawAttribute(0xC0, 98, b"")
    with pytest.raises(WireError):
        next(found)


def test_an_aigp_without_a_metric() -> None:
    # RFC 7311 3: it holds TLVs of other types only.
    attributes = PathAttributes.from_wire(bytes.fromhex("801a05 02 0005 0102"))
    assert attributes.aigp is None
    assert repr(attributes) == "PathAttributes()"


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=300)), max_size=6))
def test_joined_attributes_are_in_order(raws: list[tuple[int, int, bytes]]) -> None:
    block = join(RawAttribute(flags & 0xE0, code, value) for flags, code, value in raws)
    found = list(split(block))
    assert [each.code for each in found] == sorted(code for _, code, _ in raws)
    assert sorted(found) == sorted((flags & 0xE0, code, value) for flags, code, value in raws)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"aggregator": 5}, "aggregator 5, must be Aggregator"),
        ({"as_path": 5}, "AS path 5, must be a list"),
        ({"as_path": [1.5]}, "AS number 1.5, must be 1 to 4294967295"),
        ({"communities": "64512:1"}, "communities '64512:1', must be a list"),
        ({"communities": 5}, "communities 5, must be a list"),
        ({"large_communities": "1:1:1"}, "large_communities '1:1:1', must be a list"),
        ({"extended_communities": "rt:1:1"}, "extended_communities 'rt:1:1', must be a list"),
        ({"cluster_list": "192.0.2.1"}, "cluster_list '192.0.2.1', must be a list"),
        ({"cluster_list": [5]}, "5 is not an IPv4 address"),
        ({"next_hop": 5}, "5 is not an IPv4 address"),
        ({"atomic_aggregate": "no"}, "atomic_aggregate 'no', must be bool"),
        ({"origin": "igp"}, "origin 'igp', must be 0 to 2"),
        ({"med": "5"}, "med '5', must be 0 to 4294967295"),
        ({"aigp": 1.5}, "aigp 1.5, must be 0 to 18446744073709551615"),
        ({"med": 10**5000}, "med int of too many digits, must be"),
        ({"unknown": [5]}, "unknown 5, must be UnknownAttribute"),
        ({"unknown": 5}, "unknown 5, must be a list"),
        ({"partial": 5}, "partial 5, must be a list"),
        ({"partial": ["x"]}, "partial 'x', must be 0 to 255"),
    ],
)
def test_refuses_values_of_other_types(values: Any, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        PathAttributes(**values)
    with pytest.raises(LocalError, match=message):
        PathAttributes(med=1).evolve(**values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((-1, 99), "flags -1, must be 0 to 255"),
        (("x", 99), "flags 'x', must be 0 to 255"),
        ((OPTIONAL, "x"), "code 'x', must be 0 to 255"),
        ((OPTIONAL, 99, "x"), "value 'x', must be bytes"),
    ],
)
def test_refuses_an_unknown_attribute_of_other_types(values: Any, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        UnknownAttribute(*values)
