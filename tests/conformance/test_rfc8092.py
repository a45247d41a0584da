"""RFC 8092: large communities."""

import pytest

from bgp import AttributeFlag, LargeCommunity, Origin, PathAttributes, Treatment, Update, encode
from bgp.iana import AttributeCode
from tests.conformance.octets import EXTERNAL, attribute, received, route_with
from tests.conformance.requirements import rfc

ONE, TWO = "0000fbf0 00000001 00000002", "0000fbf0 00000001 00000003"


def large(value: str) -> Update:
    """Receive a route with such an attribute."""
    return route_with(attribute(AttributeCode.LARGE_COMMUNITIES, value))


def sent(*communities: str) -> bytes:
    """The octets that such communities are sent as, from the flags on."""
    route = PathAttributes(
        origin=Origin.IGP, as_path=[1], next_hop="192.0.2.1", large_communities=communities
    )
    update = received(encode(Update(announced=["10.0.0.0/8"], attributes=route), EXTERNAL))
    raw = update.attributes.raw[AttributeCode.LARGE_COMMUNITIES]
    assert raw.flags == AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE
    return raw.value


@rfc("8092 3", "MUST write a community as three numbers of four octets, in an optional transitive attribute")
def test_layout() -> None:
    assert sent("64496:1:2") == bytes.fromhex(ONE)
    assert large(ONE + TWO).attributes.large_communities == (
        LargeCommunity("64496:1:2"),
        LargeCommunity("64496:1:3"),
    )


@rfc("8092 3", "MUST NOT send a community twice")
def test_sent_once() -> None:
    assert sent("64496:1:2", "64496:1:2", "64496:1:3") == bytes.fromhex(ONE + TWO)


@rfc("8092 3", "MUST remove a community that a received attribute repeats")
def test_received_once() -> None:
    twice = large(ONE + TWO + ONE)
    assert sorted(map(str, twice.attributes.large_communities)) == ["64496:1:2", "64496:1:3"]


@rfc(
    "8092 5",
    "SHOULD write communities for people as three decimal numbers with colons, none left out, no zeros in front",
)
def test_text() -> None:
    assert str(LargeCommunity("64496:0:4294967295")) == "64496:0:4294967295"
    assert str(LargeCommunity("0:0:0")) == "0:0:0"


@rfc("8092 6", "MUST treat as withdrawn if the length is not a multiple of 12, or 0")
@pytest.mark.parametrize("value", ["", "00" * 11, "00" * 13])
def test_length(value: str) -> None:
    assert large(value).treatment is Treatment.TREAT_AS_WITHDRAW


@rfc("8092 6", "MUST NOT find fault with a reserved AS number in front")
@pytest.mark.parametrize("asn", ["00000000", "0000ffff", "ffffffff"])
def test_reserved_numbers(asn: str) -> None:
    assert large(asn + "00000001" * 2).treatment is Treatment.NONE


@rfc("8092 6", "MUST NOT find fault with repeated communities")
def test_repeated() -> None:
    assert large(ONE + ONE).faults == ()
