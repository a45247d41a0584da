from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import AFI, IPV4_UNICAST, IPV6_UNICAST, SAFI, Family, LocalError, Prefix
from bgp.prefix import (
    IPV4_MULTICAST,
    IPV6_MULTICAST,
    IPV6_VPN,
    address_bits,
    decode_network,
    encode_network,
    known_family,
    octets_of,
    parse_network,
    per_family,
)
from bgp.testing import families, networks, prefixes
from tests.bgp.pasting import pasted

FAMILIES = (IPV4_UNICAST, IPV4_MULTICAST, IPV6_UNICAST, IPV6_MULTICAST)
ANY = st.sampled_from(FAMILIES).flatmap(prefixes)


def test_is_the_octets_of_the_wire() -> None:
    assert Prefix("203.0.113.0/24").wire == b"\x18\xcb\x00\x71"
    assert Prefix("0.0.0.0/0").wire == b"\x00"
    assert Prefix("2001:db8::/29").wire == b"\x1d\x20\x01\x0d\xb8"


@pytest.mark.parametrize("text", ["203.0.113.0/24", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0"])
def test_prints_as_it_was_typed(text: str) -> None:
    assert str(Prefix(text)) == text
    assert repr(Prefix(text)) == f"Prefix('{text}')"


def test_shows_itself_as_a_network() -> None:
    assert Prefix("192.0.2.0/25").network == IPv4Network("192.0.2.0/25")
    assert Prefix("2001:db8::/32").network == IPv6Network("2001:db8::/32")
    assert Prefix("2001:db8::/32").family == IPV6_UNICAST


@given(ANY)
def test_reads_every_form(prefix: Prefix) -> None:
    family = prefix.family
    assert Prefix(str(prefix), family) == Prefix(prefix.network, family) == Prefix(prefix) == prefix
    assert Prefix.from_wire(family, prefix.wire) == prefix
    assert hash(Prefix(str(prefix), family)) == hash(prefix)
    assert pasted(prefix) == prefix


@given(st.sampled_from([AFI.IPV4, AFI.IPV6]).flatmap(networks))
def test_networks_are_octets(network: IPv4Network | IPv6Network) -> None:
    wire = encode_network(network)
    afi = AFI.IPV4 if network.version == 4 else AFI.IPV6
    assert len(wire) == 1 + octets_of(network.prefixlen)
    assert decode_network(afi, wire[0], wire[1:]) == network
    assert parse_network(str(network)) == parse_network(Prefix(network)) == network


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV6_MULTICAST])
@given(data=st.data())
def test_orders_as_networks_do(family: Family, data: st.DataObject) -> None:
    several = data.draw(st.lists(prefixes(family)))
    assert [str(p.network) for p in sorted(several)] == list(map(str, sorted(p.network for p in several)))


@given(ANY, ANY)
def test_orders_by_family_first(one: Prefix, other: Prefix) -> None:
    if one.family != other.family:
        assert (one < other) is (one.family < other.family)


def test_belongs_to_another_family_if_asked_to() -> None:
    prefix = Prefix("224.0.0.0/8", IPV4_MULTICAST)
    assert prefix.family == Prefix(prefix).family == IPV4_MULTICAST
    assert Prefix(prefix, IPV4_UNICAST) == Prefix("224.0.0.0/8") != prefix
    assert repr(prefix) == f"Prefix('224.0.0.0/8', {IPV4_MULTICAST!r})"


@pytest.mark.parametrize("prefix", ["2001:db8::/32", Prefix("2001:db8::/32")])
def test_refuses_a_family_of_other_addresses(prefix: str | Prefix) -> None:
    with pytest.raises(LocalError, match="a prefix of AFI 2 cannot be in family ipv4 multicast"):
        Prefix(prefix, IPV4_MULTICAST)


def test_how_much_room_addresses_take() -> None:
    assert [octets_of(length) for length in (0, 1, 8, 9, 32, 128)] == [0, 1, 1, 2, 4, 16]
    assert address_bits(IPV4_MULTICAST) == 32
    assert address_bits(IPV6_VPN) == 128


@pytest.mark.parametrize("text", ["203.0.113.7/24", "203.0.113.0/33", "example", "", "1.2.3/24"])
def test_refuses_what_is_no_prefix(text: str) -> None:
    with pytest.raises(LocalError, match="is not a prefix"):
        Prefix(text)


def test_does_not_compare_with_other_things() -> None:
    with pytest.raises(TypeError):
        assert Prefix("0.0.0.0/0") < "0.0.0.0/0"


def test_a_family_knows_names_and_keeps_numbers() -> None:
    assert repr(Family(1, 1)) == "Family(afi=AFI.IPV4, safi=SAFI.UNICAST)"
    assert Family(AFI.IPV4, SAFI.UNICAST) == IPV4_UNICAST
    assert str(Family(7, 200)) == "7 200"
    assert str(IPV4_UNICAST) == "ipv4 unicast"
    assert str(Family(2, 4)) == "ipv6 labelled-unicast"
    with pytest.raises(LocalError, match="afi 65536, must be 0 to 65535"):
        Family(65536, 1)
    with pytest.raises(LocalError, match="safi 256, must be 0 to 255"):
        Family(1, 256)


@given(st.lists(families()))
def test_families_order_by_their_numbers(several: list[Family]) -> None:
    assert sorted(several) == sorted(several, key=lambda family: (int(family.afi), int(family.safi)))


@pytest.mark.parametrize(
    "value",
    [
        *(256, b"\1\2\3\4", (), ("10.0.0.0", 8), None, pytest.param(10**5000, id="huge")),
        *("1.1.1.0/0.0.0.255", "1.1.1.0/255.255.255.0", "fe80::%eth0/64", IPv6Network("fe80::%eth0/64")),
        *(" 10.0.0.0/8", "10.0.0.0/8\0", "10.0.0.0/\uff18", "\uff110.0.0.0/8", "10.0.0.0/8/8", "10.0.0.0/"),
    ],
)
def test_refuses_what_ipaddress_would_take(value: Any) -> None:
    with pytest.raises(
        LocalError, match=r"is not a prefix|prefix .*, must be str or IPv4Network or IPv6Network"
    ):
        Prefix(value)


def test_the_key_is_the_prefix() -> None:
    assert Prefix("10.0.0.0/8").key == b"\x08\x0a"


@pytest.mark.parametrize(
    "number", ["1", "\uff11", "x", 1.0, 1.5, None, [], pytest.param(10**5000, id="huge"), -1]
)
def test_a_family_has_integers(number: Any) -> None:
    with pytest.raises(LocalError, match=r"afi .*, must be 0 to 65535"):
        Family(number, 1)
    with pytest.raises(LocalError, match=r"safi .*, must be 0 to 255"):
        Family(1, number)


def test_a_prefix_belongs_to_a_family() -> None:
    wrong: Any = "ipv4"
    with pytest.raises(LocalError, match="family 'ipv4', must be Family"):
        Prefix("10.0.0.0/8", wrong)


def test_what_belongs_to_families() -> None:
    assert per_family("times", {IPV4_UNICAST: 5}) == per_family("times", [(IPV4_UNICAST, 5)])
    for wrong in ([5], [(IPV4_UNICAST,)], [("ipv4", 5)], {1: 5}, 5, "ab"):
        values: Any = wrong
        with pytest.raises(LocalError, match=r"times .*, must be"):
            per_family("times", values)


def test_families_by_their_numbers() -> None:
    assert known_family(2, 1) is IPV6_UNICAST
    assert known_family(25, 65) == Family(25, 65)
