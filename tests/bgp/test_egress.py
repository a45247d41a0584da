"""What routes look like to whom: the table at the head of egress.py, cell by cell, and who is told at all."""

from ipaddress import IPv4Address, ip_address
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    AFI,
    IPV4_UNICAST,
    IPV6_UNICAST,
    ASPath,
    Community,
    Family,
    LabelledPrefix,
    Negotiated,
    NextHop,
    PathAttributes,
    PeerConfig,
    PeerType,
    Role,
    Route,
    UnknownAttribute,
    VPNPrefix,
)
from bgp import egress as module
from bgp.candidate import OURSELVES, Candidate, CandidatePool, Source
from bgp.capabilities import LongLivedGracefulRestartCapability
from bgp.config import Confederation
from bgp.egress import Egress
from bgp.look import Look
from bgp.nlri import OpaqueNLRI
from bgp.prefix import IPV4_LABELLED, IPV4_MULTICAST, IPV4_VPN, IPV6_LABELLED, IPV6_VPN
from bgp.testing import routes

PREFIX = "203.0.113.7/32"
EVPN = Family(25, 70)
EXTERNAL, INTERNAL, CONFEDERATION = PeerType.EXTERNAL, PeerType.INTERNAL, PeerType.CONFEDERATION
OURS, THEIRS = "192.0.2.1", "192.0.2.2"
OURS6, THEIRS6 = "2001:db8::1", "2001:db8::2"
LINK6 = "fe80::1%eth0", "fe80::2%eth0"

CONFED = Confederation(100, [65001, 65002])
PEERS: dict[PeerType, dict[str, Any]] = {
    EXTERNAL: {"local_as": 64512, "peer_as": 64513},
    INTERNAL: {"local_as": 64512, "peer_as": 64512},
    CONFEDERATION: {"local_as": 65001, "peer_as": 65002, "confederation": CONFED},
}


def egress(
    peer_type: PeerType = EXTERNAL,
    addresses: tuple[str, str] = (OURS, THEIRS),
    session: dict[str, Any] | None = None,
    **values: Any,
) -> Egress:
    """Towards a peer of a type; `session` is what was negotiated, `values` what is configured."""
    usual = {"four_octet_as": True, "peer_type": peer_type}
    return Egress(
        PeerConfig(**{**PEERS[peer_type], **values}),
        Negotiated(**{**usual, **(session or {})}),
        ip_address(addresses[0]),
        ip_address(addresses[1]),
        IPv4Address("10.0.0.1"),
    )


def learned(peer_type: PeerType = EXTERNAL, **values: Any) -> Source:
    usual = {"asn": 64999, "router_id": IPv4Address("10.0.0.9")}
    address = IPv4Address("198.51.100.9")
    return Source(peer="sender", address=address, peer_type=peer_type, **{**usual, **values})


PATH: dict[str, Any] = {"as_path": [64999, 7], "next_hop": "198.51.100.9"}


def seen(to: Egress, route: Route, source: Source = OURSELVES) -> Look | str:
    return to.look(route.family, route.candidate(CandidatePool(source)))


def told(to: Egress, source: Source = OURSELVES, prefix: Any = PREFIX, **values: Any) -> PathAttributes:
    """The attributes that the peer is sent."""
    look = seen(to, Route(prefix, **values), source)
    assert isinstance(look, Look), look
    return look.attributes


def refused(to: Egress, source: Source = OURSELVES, prefix: Any = PREFIX, **values: Any) -> str:
    """Why the peer is told nothing."""
    look = seen(to, Route(prefix, **values), source)
    assert isinstance(look, str), look
    return look


def hop(to: Egress, source: Source = OURSELVES, prefix: Any = "2001:db8::/32", **values: Any) -> NextHop:
    """The next hop of a route that travels in MP_REACH_NLRI."""
    look = seen(to, Route(prefix, **values), source)
    assert isinstance(look, Look), look
    assert look.next_hop is not None
    assert look.attributes.next_hop is None
    return look.next_hop


@pytest.mark.parametrize("source", [OURSELVES, learned(INTERNAL, is_client=True)])
def test_reflection_is_nobodys_business_outside(source: Source) -> None:
    outside = told(egress(), source, **PATH, originator_id="10.0.0.7", cluster_list=["10.0.0.8"])
    assert (outside.originator_id, outside.cluster_list) == (None, ())


# AS_PATH.


@pytest.mark.parametrize(
    ("peer_type", "given_path", "expected"),
    [
        (EXTERNAL, "", "64512"),
        (EXTERNAL, "7", "64512 7"),
        (EXTERNAL, "{1 2}", "64512 {1 2}"),
        (EXTERNAL, "(65001) 7", "64512 7"),
        (INTERNAL, "", ""),
        (INTERNAL, "7", "7"),
        (CONFEDERATION, "", "(65001)"),
        (CONFEDERATION, "7", "(65001) 7"),
        (CONFEDERATION, "(65003) 7", "(65001 65003) 7"),
        (CONFEDERATION, "[65003 65004] 7", "(65001) [65003 65004] 7"),
    ],
)
def test_as_path(peer_type: PeerType, given_path: str, expected: str) -> None:
    path = ASPath(given_path)
    assert told(egress(peer_type), as_path=path).as_path == ASPath(expected)
    for source in (learned(), learned(CONFEDERATION)):
        assert told(egress(peer_type), source, as_path=path).as_path == ASPath(expected)


def test_a_full_segment_of_the_confederation_gets_another_before_it() -> None:
    path = ASPath(f"({' '.join(['65003'] * 255)}) 7")
    sent = told(egress(CONFEDERATION), learned(CONFEDERATION), as_path=path).as_path
    assert sent is not None
    assert [len(segment.asns) for segment in sent.segments] == [1, 255, 1]
    assert sent.segments[0].asns == (65001,)


def test_a_confederation_is_one_as_from_outside() -> None:
    outside = egress(EXTERNAL, confederation=CONFED, local_as=65001)
    assert told(outside, learned(CONFEDERATION), as_path="(65002) 7").as_path == ASPath("100 7")
    assert told(outside).as_path == ASPath("100")


def test_candidates_without_an_as_path_or_origin_of_their_own() -> None:
    # Nobody can announce or send such a route; still, no UPDATE is to be without a path.
    bare = Candidate(OURSELVES, PathAttributes(origin=0), None)
    for peer_type, path in ((EXTERNAL, "64512"), (CONFEDERATION, "(65001)")):
        look = egress(peer_type).look(IPV4_UNICAST, bare)
        assert isinstance(look, Look)
        assert look.attributes.as_path == ASPath(path)


# LOCAL_PREF, MED, AIGP, and what is about reflection.


@pytest.mark.parametrize("source", [OURSELVES, learned(), learned(CONFEDERATION)])
def test_local_pref(source: Source) -> None:
    assert told(egress(EXTERNAL), source, local_pref=200).local_pref is None
    for peer_type in (INTERNAL, CONFEDERATION):
        assert told(egress(peer_type), source, local_pref=200).local_pref == 200
        assert told(egress(peer_type), source, local_pref=0).local_pref == 0
        assert told(egress(peer_type), source).local_pref == 100


def test_med_and_aigp() -> None:
    assert told(egress(EXTERNAL), med=7, aigp=8) == PathAttributes(
        origin=0, as_path=[64512], next_hop=OURS, med=7, aigp=8
    )
    # RFC 4271 5.1.4.
    assert told(egress(EXTERNAL), learned(), med=7, aigp=8).med is None
    assert told(egress(EXTERNAL), learned(), med=7, aigp=8).aigp is None
    for peer_type in (INTERNAL, CONFEDERATION):
        for source in (OURSELVES, learned()):
            sent = told(egress(peer_type), source, med=7, aigp=8)
            assert (sent.med, sent.aigp) == (7, 8)


@pytest.mark.parametrize("source", [OURSELVES, learned(), learned(INTERNAL, is_client=True)])
@pytest.mark.parametrize("peer_type", PeerType)
def test_what_nobody_changes(peer_type: PeerType, source: Source) -> None:
    kept: dict[str, Any] = {
        "origin": 2,
        "atomic_aggregate": True,
        "communities": ["64512:1"],
        "large_communities": ["64512:1:2"],
        "extended_communities": ["rt:64512:7"],
    }
    sent = told(egress(peer_type), source, **kept)
    assert {name: getattr(sent, name) for name in kept} == {
        name: getattr(Route(PREFIX, **kept).attributes, name) for name in kept
    }


def test_attributes_that_are_not_known() -> None:
    strange = [UnknownAttribute(0xC0, 98, b"x"), UnknownAttribute(0x80, 99, b"y")]
    passed = UnknownAttribute(0xE0, 98, b"x")
    for peer_type in PeerType:
        assert told(egress(peer_type), learned(), unknown=strange).unknown == (passed,)
        assert told(egress(peer_type), unknown=strange).unknown == tuple(strange)


REFLECTED = learned(INTERNAL, is_client=True)


def test_reflection() -> None:
    # RFC 4456 8.
    sent = told(egress(INTERNAL), REFLECTED, **PATH)
    assert sent.originator_id == IPv4Address("10.0.0.9")
    assert sent.cluster_list == (IPv4Address("10.0.0.1"),)
    assert sent.next_hop == IPv4Address("198.51.100.9")
    assert sent.as_path == ASPath([64999, 7])
    again = told(egress(INTERNAL), REFLECTED, originator_id="10.0.0.8", cluster_list=["10.0.0.7"], **PATH)
    assert again.originator_id == IPv4Address("10.0.0.8")
    assert again.cluster_list == (IPv4Address("10.0.0.1"), IPv4Address("10.0.0.7"))
    in_cluster = told(egress(INTERNAL, cluster_id="0.0.0.5"), REFLECTED, **PATH)
    assert in_cluster.cluster_list == (IPv4Address("0.0.0.5"),)


def test_who_is_told_of_internal_routes() -> None:
    # RFC 4271 9.2, RFC 4456 6.
    client = egress(INTERNAL, route_reflector_client=True)
    assert refused(egress(INTERNAL), learned(INTERNAL)) == (
        "it comes from an internal peer, and neither is a client"
    )
    assert isinstance(seen(client, Route(PREFIX), learned(INTERNAL)), Look)
    assert isinstance(seen(client, Route(PREFIX), REFLECTED), Look)
    for other in (EXTERNAL, CONFEDERATION):
        assert isinstance(seen(egress(other), Route(PREFIX), learned(INTERNAL)), Look)
        assert isinstance(seen(egress(INTERNAL), Route(PREFIX), learned(other)), Look)
    assert isinstance(seen(egress(INTERNAL), Route(PREFIX)), Look)


@pytest.mark.parametrize("peer_type", [EXTERNAL, CONFEDERATION])
def test_what_is_about_reflection_stays_inside(peer_type: PeerType) -> None:
    sent = told(egress(peer_type), REFLECTED, originator_id="10.0.0.8", cluster_list=["10.0.0.7"])
    assert (sent.originator_id, sent.cluster_list) == (None, ())


def test_a_route_that_comes_into_the_as_here_has_no_originator_yet() -> None:
    for source in (OURSELVES, learned(), learned(CONFEDERATION)):
        sent = told(egress(INTERNAL), source)
        assert (sent.originator_id, sent.cluster_list) == (None, ())


def test_route_server() -> None:
    # RFC 7947 2.2.
    client = egress(route_server_client=True)
    sent = told(client, learned(), med=7, local_pref=200, **PATH)
    assert sent == PathAttributes(origin=0, as_path=[64999, 7], next_hop="198.51.100.9", med=7)
    assert refused(client, learned(), next_hop=THEIRS) == "its next hop is the peer itself"
    assert told(client, as_path=[7]).as_path == ASPath([64512, 7])


# Communities.


@pytest.mark.parametrize(
    ("community", "peer_types"),
    [
        ("no-advertise", []),
        ("no-export", [INTERNAL, CONFEDERATION]),
        ("no-export-subconfed", [INTERNAL]),
        ("64512:1", [EXTERNAL, INTERNAL, CONFEDERATION]),
    ],
)
def test_well_known_communities(community: str, peer_types: list[PeerType]) -> None:
    for peer_type in PeerType:
        look = seen(egress(peer_type), Route(PREFIX, communities=[community]), learned())
        expected = None if peer_type in peer_types else f"it has the community {community}"
        assert (look if isinstance(look, str) else None) == expected
        # Ours are told to everybody.
        assert told(egress(peer_type), communities=[community]).communities == (Community(community),)


def test_long_lived_stale_routes() -> None:
    # RFC 9494 4.6.
    stale = {"communities": ["llgr-stale"]}
    understands = {"long_lived_graceful_restart": LongLivedGracefulRestartCapability()}
    assert "long-lived stale" in refused(egress(), learned(), **stale)
    assert told(egress(session=understands), learned(), **stale).communities == (Community("llgr-stale"),)


@pytest.mark.parametrize("source", [OURSELVES, learned()])
def test_draining(source: Source) -> None:
    # RFC 8326 4.2.
    external, internal, inside = map(egress, PeerType)
    before = told(external, source, communities=["64512:1"])
    for each in (external, internal, inside):
        assert not each.is_draining
        for _ in range(2):
            each.drain()
        assert each.is_draining
    sent = told(external, source, communities=["64512:1"])
    assert sent == before.evolve(communities=["64512:1", "graceful-shutdown"])
    assert told(external, source, communities=["graceful-shutdown"]) == before.evolve(
        communities=["graceful-shutdown"]
    )
    for each in (internal, inside):
        assert told(each, source, local_pref=200).local_pref == 0
        assert told(each, source).communities == (Community("graceful-shutdown"),)


# Roles (RFC 9234 5).

DOWN = (Role.PROVIDER, Role.ROUTE_SERVER)
UP = (Role.CUSTOMER, Role.ROUTE_SERVER_CLIENT)
LEAK = "it has been sent to a customer or a lateral peer, and must not go up or across again (OTC)"


@pytest.mark.parametrize("source", [OURSELVES, learned(), learned(INTERNAL)])
@pytest.mark.parametrize("prefix", [PREFIX, "2001:db8::/32"])
def test_only_to_customer(source: Source, prefix: str) -> None:
    def to(role: Role | None) -> Egress:
        return egress(role=role, next_hop_ipv6=OURS6)

    for role in (*DOWN, Role.PEER):
        assert told(to(role), source, prefix).only_to_customer == 64512
    for role in DOWN:
        assert told(to(role), source, prefix, only_to_customer=7).only_to_customer == 7
    for role in (*UP, Role.PEER):
        assert refused(to(role), source, prefix, only_to_customer=7) == LEAK
    for each in (*UP, None):
        assert told(to(each), source, prefix).only_to_customer is None
    assert told(to(None), source, prefix, only_to_customer=7).only_to_customer == 7


def test_a_confederation_attaches_its_identifier() -> None:
    outside = egress(role=Role.PROVIDER, confederation=CONFED, local_as=65001)
    assert told(outside).only_to_customer == 100


@pytest.mark.parametrize("role", Role)
def test_roles_mean_nothing_inside_and_in_other_families(role: Role) -> None:
    for peer_type in (INTERNAL, CONFEDERATION):
        assert told(egress(peer_type, role=role)).only_to_customer is None
        assert told(egress(peer_type, role=role), only_to_customer=7).only_to_customer == 7
    vpn = VPNPrefix("10.0.0.0/8", rd="1:1", labels=[7])
    assert told(egress(role=role), prefix=vpn).only_to_customer is None
    assert told(egress(role=role), prefix=vpn, only_to_customer=7).only_to_customer == 7


# NEXT_HOP of IPv4 unicast.


def test_next_hop_of_ours() -> None:
    for peer_type in PeerType:
        assert told(egress(peer_type)).next_hop == IPv4Address(OURS)
        assert told(egress(peer_type), next_hop="198.51.100.9").next_hop == IPv4Address("198.51.100.9")
        elsewhere = egress(peer_type, next_hop_ipv4="198.51.100.1")
        assert told(elsewhere).next_hop == IPv4Address("198.51.100.1")


def test_next_hop_of_others() -> None:
    assert told(egress(EXTERNAL), learned(), **PATH).next_hop == IPv4Address(OURS)
    assert told(egress(EXTERNAL, next_hop_ipv4="198.51.100.1"), learned(), **PATH).next_hop == IPv4Address(
        "198.51.100.1"
    )
    for peer_type in (INTERNAL, CONFEDERATION):
        assert told(egress(peer_type), learned(), **PATH).next_hop == IPv4Address("198.51.100.9")
        through_us = egress(peer_type, next_hop_self=True)
        assert told(through_us, learned(), **PATH).next_hop == IPv4Address(OURS)
        assert told(through_us, next_hop="198.51.100.9").next_hop == IPv4Address("198.51.100.9")


def test_reflection_changes_no_next_hop() -> None:
    # RFC 4456 10.
    sent = told(egress(INTERNAL, next_hop_self=True), REFLECTED, **PATH)
    assert sent.next_hop == IPv4Address("198.51.100.9")
    sent = told(egress(CONFEDERATION, next_hop_self=True), REFLECTED, **PATH)
    assert sent.next_hop == IPv4Address(OURS)


def test_the_peer_is_no_next_hop_for_itself() -> None:
    # RFC 4271 5.1.3.
    for peer_type in PeerType:
        assert refused(egress(peer_type), next_hop=THEIRS) == "its next hop is the peer itself"
    assert refused(egress(INTERNAL), learned(), next_hop=THEIRS) == "its next hop is the peer itself"
    assert told(egress(EXTERNAL), learned(), next_hop=THEIRS).next_hop == IPv4Address(OURS)
    # Two speakers on one host.
    loopback = egress(addresses=("127.0.0.1", "127.0.0.1"))
    assert told(loopback, next_hop="127.0.0.1").next_hop == IPv4Address("127.0.0.1")


def test_the_peer_is_no_next_hop_by_its_link_local_address_either() -> None:
    to = egress(addresses=LINK6, next_hop_ipv6=OURS6)
    for given_hop in ("fe80::2", NextHop("2001:db8::7", "fe80::2")):
        assert refused(to, prefix="2001:db8::/32", next_hop=given_hop) == "its next hop is the peer itself"
    assert hop(to, next_hop=NextHop("2001:db8::7", "fe80::7")) == NextHop("2001:db8::7", "fe80::7")


# IPv4 over IPv6, RFC 8950.

TAKES_IPV6 = {"extended_next_hop": [(IPV4_UNICAST, AFI.IPV6)]}


def test_ipv4_over_ipv6() -> None:
    over6 = egress(addresses=(OURS6, THEIRS6))
    reason = "it names no next hop, and our address on the connection is not IPv4"
    assert refused(over6) == refused(over6, learned(), **PATH) == reason
    assert told(over6, next_hop="192.0.2.9").next_hop == IPv4Address("192.0.2.9")
    named = egress(addresses=(OURS6, THEIRS6), next_hop_ipv4="192.0.2.9", session=TAKES_IPV6)
    assert told(named).next_hop == IPv4Address("192.0.2.9")


def test_ipv4_with_an_ipv6_next_hop() -> None:
    extended = egress(addresses=(OURS6, THEIRS6), session=TAKES_IPV6)
    assert hop(extended, prefix=PREFIX) == NextHop(OURS6)
    assert hop(extended, learned(), prefix=PREFIX, **PATH) == NextHop(OURS6)
    inside = egress(INTERNAL, (OURS6, THEIRS6), TAKES_IPV6, next_hop_self=True)
    assert hop(inside, learned(), prefix=PREFIX, **PATH) == NextHop(OURS6)
    assert hop(extended, prefix=PREFIX, next_hop="2001:db8::9") == NextHop("2001:db8::9")
    assert hop(egress(addresses=LINK6, session=TAKES_IPV6), prefix=PREFIX) == NextHop("fe80::1", "fe80::1")
    elsewhere = egress(addresses=LINK6, session=TAKES_IPV6, next_hop_ipv6="2001:db8::7")
    assert hop(elsewhere, prefix=PREFIX) == NextHop("2001:db8::7")
    # On an IPv4 connection, IPv4 is what everybody can read.
    assert told(egress(session=TAKES_IPV6)).next_hop == IPv4Address(OURS)
    assert refused(egress(), next_hop="2001:db8::9") == (
        "its next hop is 2001:db8::9, and IPv6 next hops for ipv4 unicast were not negotiated"
    )


# Other families.


def test_ipv6() -> None:
    over6, over4 = egress(addresses=(OURS6, THEIRS6)), egress()
    assert hop(over6) == hop(over6, learned(), next_hop="2001:db8::9") == NextHop(OURS6)
    assert hop(over6, next_hop="2001:db8::9") == NextHop("2001:db8::9")
    both = NextHop("2001:db8::9", "fe80::9")
    assert hop(over6, next_hop=both) == both
    reason = "it names no next hop, and our address on the connection is not IPv6"
    assert refused(over4, prefix="2001:db8::/32") == reason
    assert hop(egress(next_hop_ipv6=OURS6)) == NextHop(OURS6)
    assert hop(egress(addresses=(OURS6, THEIRS6), next_hop_ipv6="2001:db8::7")) == NextHop("2001:db8::7")
    assert refused(over6, prefix="2001:db8::/32", next_hop="192.0.2.9") == (
        "its next hop is 192.0.2.9, and ipv6 unicast needs one of IPv6"
    )


def test_link_local() -> None:
    # RFC 2545 3; a zone means nothing to others.
    to = egress(addresses=LINK6)
    assert hop(to) == NextHop("fe80::1", "fe80::1")
    assert hop(to, learned(), next_hop="2001:db8::9") == NextHop("fe80::1", "fe80::1")


@pytest.mark.parametrize(
    ("given_hop", "abroad"),
    [
        (NextHop("2001:db8::9", "fe80::9"), "2001:db8::9"),
        (NextHop("2001:db8::9"), "2001:db8::9"),
        # So FRR, BIRD, and others say it.
        (NextHop("fe80::9", "fe80::9"), OURS6),
        (NextHop("::", "fe80::9"), OURS6),
        (NextHop("fe80::9"), OURS6),
    ],
)
def test_the_next_hops_of_others_on_another_link(given_hop: NextHop, abroad: str) -> None:
    # RFC 2545 3.
    to = egress(INTERNAL, addresses=(OURS6, THEIRS6))
    assert hop(to, learned(), next_hop=given_hop) == NextHop(abroad)
    # All members of an exchange are on one.
    server = egress(addresses=(OURS6, THEIRS6), route_server_client=True)
    assert hop(server, learned(), next_hop=given_hop) == given_hop


@pytest.mark.parametrize(
    ("prefix", "over4", "over6"),
    [
        (LabelledPrefix("10.0.0.0/8", labels=[7]), OURS, None),
        (LabelledPrefix("2001:db8::/32", labels=[7]), None, OURS6),
        (VPNPrefix("10.0.0.0/8", rd="1:1", labels=[7]), OURS, None),
        (VPNPrefix("2001:db8::/32", rd="1:1", labels=[7]), None, OURS6),
        (OpaqueNLRI(EVPN, b"\1\2"), OURS, OURS6),
    ],
    ids=str,
)
def test_families_beyond(prefix: Any, over4: str | None, over6: str | None) -> None:
    for addresses, expected in (((OURS, THEIRS), over4), ((OURS6, THEIRS6), over6)):
        to = egress(addresses=addresses)
        if expected is None:
            assert "names no next hop" in refused(to, prefix=prefix)
        else:
            assert hop(to, prefix=prefix) == NextHop(expected)


def test_a_family_that_is_not_read_takes_any_next_hop() -> None:
    opaque = OpaqueNLRI(EVPN, b"\1\2")
    assert hop(egress(), prefix=opaque, next_hop=b"\1\2\3") == NextHop(b"\1\2\3")
    assert hop(egress(), prefix=opaque, next_hop="2001:db8::9") == NextHop("2001:db8::9")
    assert hop(egress(next_hop_ipv4="192.0.2.9"), prefix=opaque) == NextHop("192.0.2.9")


def test_labels_pass_and_share_the_rest() -> None:
    to = egress()
    one, two = (Route(LabelledPrefix("10.0.0.0/8", labels=[label])) for label in (7, 8))
    looks = [seen(to, route) for route in (one, two)]
    assert all(isinstance(look, Look) for look in looks)
    assert [look.wire for look in looks if isinstance(look, Look)] == [one.prefix.wire, two.prefix.wire]
    assert len({look.without_wire() for look in looks if isinstance(look, Look)}) == 1
    assert isinstance(refused(egress(addresses=(OURS6, THEIRS6)), prefix=one.prefix), str)


@pytest.mark.parametrize("family", [IPV4_UNICAST, IPV4_MULTICAST, IPV4_VPN, IPV6_LABELLED, IPV6_VPN, EVPN])
def test_path_identifiers(family: Family) -> None:
    with_ids = {"families": [family], "add_path_send": [family]}
    assert egress(session=with_ids).has_path_ids(family) is (family != EVPN)
    assert not egress().has_path_ids(family)


# Room.


def test_attributes_that_leave_no_room() -> None:
    # A peer with AS numbers of two octets gets the path twice (RFC 6793 4.2.2).
    path = range(100_000, 100_990)
    narrow = {"four_octet_as": False}
    assert "too long for an UPDATE" in refused(egress(session=narrow, local_as=400_000), as_path=path)
    assert told(egress(local_as=400_000), as_path=path)
    assert told(egress(session={**narrow, "extended_message": True}, local_as=400_000), as_path=path)


def test_the_last_octet_that_fits() -> None:
    # Header, two lengths, ORIGIN, AS_PATH, NEXT_HOP, the head of COMMUNITIES, the prefix.
    room = (4096 - 19 - 4 - 4 - 9 - 7 - 4 - 5) // 4
    assert told(egress(), communities=range(room))
    assert refused(egress(), communities=range(room + 1)) == (
        "its attributes are 4 octets too long for an UPDATE"
    )
    with_ids = {"add_path_send": [IPV4_UNICAST]}
    assert "4 octets" in refused(egress(session=with_ids), communities=range(room))


# What a policy returns.


def finished(to: Egress, route: Route) -> Look | str:
    return to.finish(route.family, route.look())


def test_a_policy_has_the_last_word() -> None:
    route = Route(PREFIX, next_hop="192.0.2.9", as_path=[1, 2], med=7, communities=["no-export"])
    assert finished(egress(), route) == Look(route.attributes)
    labelled = Route(LabelledPrefix("10.0.0.0/8", labels=[7]), next_hop="192.0.2.9")
    assert finished(egress(), labelled) == labelled.look()


def test_a_policy_may_ask_for_ourselves() -> None:
    assert finished(egress(), Route(PREFIX)) == Look(PathAttributes(origin=0, as_path=[], next_hop=OURS))
    six = Route("2001:db8::/32")
    assert finished(egress(addresses=(OURS6, THEIRS6)), six) == Look(six.attributes, NextHop(OURS6))
    assert "names no next hop" in str(finished(egress(), six))


def test_a_policy_cannot_break_the_session() -> None:
    assert "not negotiated" in str(finished(egress(), Route(PREFIX, next_hop="2001:db8::9")))
    assert finished(egress(), Route(PREFIX, next_hop=THEIRS)) == "its next hop is the peer itself"
    assert "too long" in str(finished(egress(), Route(PREFIX, communities=range(1100))))


def test_a_policy_cannot_put_local_pref_where_it_does_not_belong() -> None:
    # RFC 4271 5.1.5.
    for local_pref in (None, 7):
        route = Route(PREFIX, local_pref=local_pref)
        look = finished(egress(EXTERNAL), route)
        assert isinstance(look, Look)
        assert look.attributes.local_pref is None
        for peer_type in (INTERNAL, CONFEDERATION):
            look = finished(egress(peer_type), route)
            assert isinstance(look, Look)
            assert look.attributes.local_pref == (local_pref or 100)


def test_a_policy_cannot_leak() -> None:
    # RFC 9234 5: nobody is to be able to change these procedures.
    look = finished(egress(role=Role.PROVIDER), Route(PREFIX))
    assert isinstance(look, Look)
    assert look.attributes.only_to_customer == 64512
    assert finished(egress(role=Role.CUSTOMER), Route(PREFIX, only_to_customer=7)) == LEAK


# Memory.


def test_looks_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    to, pool = egress(), CandidatePool(OURSELVES)
    candidate = Route(PREFIX).candidate(pool)
    assert to.look(IPV4_UNICAST, candidate) is to.look(IPV4_UNICAST, candidate)
    monkeypatch.setattr(module, "_LOOKS", 10)
    for med in range(100):
        to.look(IPV4_UNICAST, Route(PREFIX, med=med).candidate(pool))
    assert len(to._looks[IPV4_UNICAST]) <= 10


def test_families_have_looks_of_their_own() -> None:
    to = egress(INTERNAL, addresses=(OURS6, THEIRS6), session=TAKES_IPV6)
    candidate = Candidate(OURSELVES, Route(PREFIX).attributes, None)
    for family in (IPV4_UNICAST, IPV6_UNICAST):
        assert isinstance(to.look(family, candidate), Look)
    plain = egress(role=Role.PROVIDER)
    looks = [plain.look(family, candidate) for family in (IPV4_UNICAST, IPV4_LABELLED)]
    marked = [look.attributes.only_to_customer for look in looks if isinstance(look, Look)]
    assert marked == [64512, None]


def test_another_configuration_makes_other_looks() -> None:
    before = egress(INTERNAL)
    candidate = Route(PREFIX, next_hop="198.51.100.9").candidate(CandidatePool(learned()))
    kept = before.look(IPV4_UNICAST, candidate)
    after = attrs.evolve(before, config=attrs.evolve(before.config, next_hop_self=True))
    assert after.look(IPV4_UNICAST, candidate) != kept


@given(routes(), st.sampled_from(PeerType), st.sampled_from([OURSELVES, learned(), learned(INTERNAL)]))
def test_whatever_is_told_can_be(route: Route, peer_type: PeerType, source: Source) -> None:
    to = egress(peer_type, next_hop_ipv6=OURS6, session={"extended_message": True})
    look = seen(to, route, source)
    if isinstance(look, str):
        assert source is not OURSELVES or "next hop" in look
        return
    assert look.attributes.origin is not None
    assert look.attributes.as_path is not None
    assert (look.next_hop is None) is (look.attributes.next_hop is not None)
    assert (look.attributes.local_pref is None) is (peer_type is EXTERNAL)
    again = to.finish(route.family, look)
    assert again == look
