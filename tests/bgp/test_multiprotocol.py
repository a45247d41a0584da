import contextlib
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    Family,
    LabelledPrefix,
    LocalError,
    MPReach,
    MPUnreach,
    Negotiated,
    NextHop,
    Path,
    VPNPrefix,
)
from bgp.multiprotocol import (
    FamilyDisabled,
    decode_reach,
    decode_unreach,
    encode_reach,
    encode_unreach,
    family_of,
)
from bgp.nlri import OpaqueNLRI
from bgp.prefix import IPV4_LABELLED, IPV4_MULTICAST, IPV4_VPN, IPV6_LABELLED, IPV6_MULTICAST, IPV6_VPN
from bgp.testing import (
    READABLE_FAMILIES,
    families,
    mp_reaches,
    mp_unreaches,
    negotiated_sessions,
    next_hops,
    nlris,
)
from bgp.wire import WireError
from tests.bgp.pasting import pasted

NEGOTIATED = Negotiated(four_octet_as=True)
WITH_PATHS = Negotiated(four_octet_as=True, add_path_receive={IPV6_UNICAST}, add_path_send={IPV6_UNICAST})
EVPN = Family(25, 70)

# Next hops.


@pytest.mark.parametrize(
    ("wire", "text", "arguments"),
    [
        ("c0000201", "192.0.2.1", "'192.0.2.1'"),
        ("20010db8" + "00" * 12, "2001:db8::", "'2001:db8::'"),
        (
            "20010db8" + "00" * 12 + "fe80" + "00" * 13 + "01",
            "2001:db8::, fe80::1",
            "'2001:db8::', 'fe80::1'",
        ),
        ("00" * 8 + "c0000201", "192.0.2.1", None),
        ("00" * 8 + "20010db8" + "00" * 12, "2001:db8::", None),
        (
            ("00" * 8 + "20010db8" + "00" * 12) + ("00" * 8 + "fe80" + "00" * 13 + "01"),
            "2001:db8::, fe80::1",
            None,
        ),
        ("0102030405", "0x0102030405", None),
        ("", "0x", None),
    ],
)
def test_next_hops_of_every_length(wire: str, text: str, arguments: str | None) -> None:
    hop = NextHop(bytes.fromhex(wire))
    assert str(hop) == text
    assert repr(hop) == f"NextHop({arguments or repr(bytes.fromhex(wire))})"
    assert pasted(hop) == hop
    assert [str(address) for address in hop.addresses] == ([] if "0x" in text else text.split(", "))
    assert hop.address == hop.nearest == next(iter(hop.addresses), None)
    assert hop.link_local == (hop.addresses[1] if len(hop.addresses) > 1 else None)


def test_a_next_hop_with_a_link_local_address_alone() -> None:
    # So BIRD says it.
    hop = NextHop("::", "fe80::1")
    assert hop.nearest == hop.link_local == IPv6Address("fe80::1")
    assert NextHop("::").nearest is None
    assert pasted(hop) == hop


def test_next_hops_of_addresses() -> None:
    assert (
        NextHop("192.0.2.1").address == NextHop(IPv4Address("192.0.2.1")).address == IPv4Address("192.0.2.1")
    )
    hop = NextHop("2001:db8::1", IPv6Address("fe80::1"))
    assert hop.addresses == (IPv6Address("2001:db8::1"), IPv6Address("fe80::1"))
    assert hop.in_vpn().wire == bytes(8) + hop.wire[:16] + bytes(8) + hop.wire[16:]
    assert hop.in_vpn().addresses == hop.addresses
    with pytest.raises(LocalError, match="'x' is not an IP address"):
        NextHop("x")


# Routes as values.


def test_takes_what_people_type() -> None:
    reach = MPReach(["2001:db8::/32"], "2001:db8::1")
    assert reach == MPReach(NLRI(["2001:db8::/32"]), NextHop("2001:db8::1"))
    assert reach.family == IPV6_UNICAST
    assert MPUnreach(["2001:db8::/32"]).family == IPV6_UNICAST
    assert MPUnreach(NLRI([], EVPN)).family == EVPN


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_vpn_next_hops_get_their_distinguisher(address: str) -> None:
    routes = [VPNPrefix("10.0.0.0/8", rd="64512:1", labels=[100])]
    hop = MPReach(routes, address).next_hop
    assert hop == NextHop(address).in_vpn()
    assert MPReach(routes, hop).next_hop == hop
    assert MPReach([LabelledPrefix("10.0.0.0/8", labels=[1])], address).next_hop == NextHop(address)


def test_a_vpn_next_hop_with_a_link_local_address() -> None:
    hop = NextHop("2001:db8::1", "fe80::1")
    assert MPReach([VPNPrefix("2001:db8::/32", rd="64512:1")], hop).next_hop == hop.in_vpn()


def test_the_longest_next_hop() -> None:
    routes = [OpaqueNLRI(EVPN, b"x")]
    assert len(MPReach(routes, bytes(255)).next_hop.wire) == 255
    with pytest.raises(LocalError, match="next hop of 256 octets, at most 255 fit"):
        MPReach(routes, bytes(256))


@given(st.data(), negotiated_sessions())
def test_round_trip(data: st.DataObject, negotiated: Negotiated) -> None:
    reach = data.draw(mp_reaches(negotiated))
    assert decode_reach(encode_reach(reach), negotiated) == reach
    assert pasted(reach) == reach
    unreach = data.draw(mp_unreaches(negotiated))
    assert decode_unreach(encode_unreach(unreach), negotiated) == unreach
    assert pasted(unreach) == unreach


def test_known_octets() -> None:
    value = bytes.fromhex("0002 01 10 20010db8000000000000000000000001 00 20 20010db8")
    reach = MPReach(["2001:db8::/32"], "2001:db8::1")
    assert encode_reach(reach) == value
    assert decode_reach(value, NEGOTIATED) == reach
    assert encode_unreach(MPUnreach(["2001:db8::/32"])) == bytes.fromhex("0002 01 20 20010db8")
    # RFC 4724 2: End-of-RIB.
    assert decode_unreach(bytes.fromhex("0002 01"), NEGOTIATED) == MPUnreach(NLRI([], IPV6_UNICAST))


def test_paths_are_read_where_they_were_negotiated() -> None:
    value = bytes.fromhex("0002 01 00000007 20 20010db8")
    assert decode_unreach(value, WITH_PATHS) == MPUnreach([Path("2001:db8::/32", 7)])
    reach = MPReach([Path("2001:db8::/32", 7)], "2001:db8::1")
    assert decode_reach(encode_reach(reach), WITH_PATHS) == reach
    with_others = Negotiated(four_octet_as=True, add_path_receive={IPV4_UNICAST})
    assert decode_unreach(bytes.fromhex("0002 01 20 20010db8"), with_others) == MPUnreach(["2001:db8::/32"])


def test_the_reserved_octet_is_ignored() -> None:
    # RFC 4760 3.
    value = bytes.fromhex("0001 01 04 c0000201 ff 18 c00002")
    assert decode_reach(value, NEGOTIATED) == MPReach(["192.0.2.0/24"], "192.0.2.1")


def test_other_families_may_have_any_next_hop() -> None:
    value = bytes.fromhex("0019 46 03 010203 00 ffff")
    reach = decode_reach(value, NEGOTIATED)
    assert reach == MPReach([OpaqueNLRI(EVPN, b"\xff\xff")], b"\1\2\3")
    assert encode_reach(reach) == value


LENGTHS = {
    IPV4_UNICAST: {4, 16, 32},  # RFC 8950 3
    IPV4_MULTICAST: {4, 16, 32},
    IPV4_LABELLED: {4, 16, 32},
    IPV4_VPN: {12, 24, 48},
    IPV6_UNICAST: {16, 32},  # RFC 2545 3
    IPV6_MULTICAST: {16, 32},
    IPV6_LABELLED: {16, 32},
    IPV6_VPN: {24, 48},  # RFC 4659 3.2.1
}


@pytest.mark.parametrize("family", READABLE_FAMILIES)
def test_next_hops_of_other_lengths_disable_the_family(family: Family) -> None:
    # RFC 7606 7.11.
    head = family.afi.to_bytes(2, "big") + bytes([family.safi])
    for length in range(60):
        value = head + bytes([length]) + bytes(length + 1)
        if length in LENGTHS[family]:
            assert len(decode_reach(value, NEGOTIATED).next_hop.wire) == length
        else:
            with pytest.raises(
                FamilyDisabled, match=f"next hop of {length} octets for {family}, must be"
            ) as caught:
                decode_reach(value, NEGOTIATED)
            assert caught.value.family == family


@given(st.data())
def test_next_hops_of_the_strategies_are_legal(data: st.DataObject) -> None:
    family = data.draw(st.sampled_from(READABLE_FAMILIES))
    reach = MPReach(data.draw(nlris(family)), data.draw(next_hops(family)))
    assert len(reach.next_hop.wire) in LENGTHS[family]


@pytest.mark.parametrize("value", ["", "00", "0002"])
def test_without_a_family_nothing_can_be_told(value: str) -> None:
    # RFC 7606 5.3.
    for decode in (decode_reach, decode_unreach):
        with pytest.raises(WireError, match="too few for AFI and SAFI"):
            decode(bytes.fromhex(value), NEGOTIATED)
    with pytest.raises(WireError, match="too few for AFI and SAFI"):
        family_of(bytes.fromhex(value))


@pytest.mark.parametrize(
    ("value", "family"),
    [
        ("0002 01", IPV6_UNICAST),
        ("0002 01 00", IPV6_UNICAST),
        ("0001 01 04 c0000201", IPV4_UNICAST),
        ("0001 01 04 c00002", IPV4_UNICAST),
        ("0001 01 ff c0000201 00 18 c00002", IPV4_UNICAST),
        ("0019 46 04 c0000201", EVPN),
        ("0001 01 04 c0000201 00 21 c000020100", IPV4_UNICAST),
        ("0001 01 04 c0000201 00 18 c000", IPV4_UNICAST),
        ("0001 04 04 c0000201 00 18 000640", IPV4_LABELLED),
    ],
)
def test_routes_that_cannot_be_told_disable_the_family(value: str, family: Family) -> None:
    # RFC 7606 5.3.
    with pytest.raises(FamilyDisabled) as caught:
        decode_reach(bytes.fromhex(value), NEGOTIATED)
    assert caught.value.family == family
    assert str(caught.value)


@pytest.mark.parametrize("nlri", ["81" + "00" * 17, "20 20010d", "7f"])
def test_withdrawals_that_cannot_be_told_disable_the_family(nlri: str) -> None:
    with pytest.raises(FamilyDisabled, match="ipv6 unicast NLRI at octet 0") as caught:
        decode_unreach(bytes.fromhex("0002 01" + nlri), NEGOTIATED)
    assert caught.value.family == IPV6_UNICAST


@given(st.binary(max_size=60), families() | st.sampled_from(READABLE_FAMILIES), negotiated_sessions())
def test_any_octets_are_routes_or_disable_the_family(
    rest: bytes, family: Family, negotiated: Negotiated
) -> None:
    value = family.afi.to_bytes(2, "big") + bytes([family.safi]) + rest
    with contextlib.suppress(FamilyDisabled):
        reach = decode_reach(value, negotiated)
        assert reach.family == family
        assert decode_reach(encode_reach(reach), negotiated) == reach
    with contextlib.suppress(FamilyDisabled):
        unreach = decode_unreach(value, negotiated)
        assert unreach.family == family
        assert decode_unreach(encode_unreach(unreach), negotiated) == unreach
        assert len(encode_unreach(unreach)) == len(value)


@pytest.mark.parametrize(
    "addresses",
    [
        ("2001:db8::1", "2001:db8::2"),
        ("192.0.2.1", "fe80::1"),
        ("192.0.2.1", "192.0.2.2"),
        (bytes(16), "fe80::1"),
    ],
)
def test_the_second_next_hop_is_link_local_beside_an_ipv6_address(addresses: Any) -> None:
    # RFC 2545 3.
    with pytest.raises(LocalError, match="must be an IPv6 address with a link-local one"):
        NextHop(*addresses)


def test_a_second_next_hop_of_another_kind_can_be_received() -> None:
    octets = IPv6Address("2001:db8::1").packed + IPv6Address("2001:db8::2").packed
    hop = NextHop(octets)
    assert str(hop) == "2001:db8::1, 2001:db8::2"
    assert repr(hop) == f"NextHop({octets!r})"


def test_a_zone_means_nothing_to_others() -> None:
    for addresses in (("fe80::1%eth0",), ("2001:db8::1", "fe80::1%eth0")):
        with pytest.raises(LocalError, match="next hop fe80::1%eth0 has a zone"):
            NextHop(*addresses)


@pytest.mark.parametrize("wrong", [5, None, "10.0.0.0/8"])
def test_routes_are_lists_and_have_addresses(wrong: Any) -> None:
    with pytest.raises(LocalError, match="must be a list"):
        MPReach(wrong, "192.0.2.1")
    with pytest.raises(LocalError, match="must be a list"):
        MPUnreach(wrong)
    with pytest.raises(LocalError, match="is not an IP address"):
        MPReach(["10.0.0.0/8"], wrong)
