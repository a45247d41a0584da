"""Routes as applications make them and see them."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    ASPath,
    Community,
    ExtendedCommunity,
    Family,
    LabelledPrefix,
    LargeCommunity,
    LocalError,
    NextHop,
    Origin,
    PathAttributes,
    PeerType,
    Prefix,
    Route,
    UnknownAttribute,
    VPNPrefix,
)
from bgp import route as module
from bgp.candidate import OURSELVES, Candidate, CandidatePool, Source
from bgp.look import Look
from bgp.nlri import OpaqueNLRI
from bgp.prefix import IPV4_LABELLED, IPV4_VPN
from bgp.route import as_destination, as_named, as_names, as_route, as_routes
from bgp.testing import next_hops, routes
from tests.bgp.pasting import pasted

A = "192.0.2.1/32"
EVPN = Family(25, 70)
PEER = Source("peer", IPv4Address("192.0.2.2"), 64513, IPv4Address("192.0.2.2"), PeerType.EXTERNAL)


# Values.


def test_a_route_through_us() -> None:
    route = Route(A)
    assert (route.prefix, route.family) == (Prefix(A), IPV4_UNICAST)
    assert (route.next_hop, route.path_id, route.source) == (None, 0, None)
    assert (route.origin, route.as_path) == (Origin.IGP, ASPath())
    assert (route.med, route.local_pref) == (None, None)
    assert not any((route.communities, route.large_communities, route.extended_communities))
    assert route.attributes == PathAttributes(origin=0, as_path=[])


def test_a_route_with_everything() -> None:
    values: dict[str, Any] = {
        "origin": Origin.EGP,
        "as_path": "64512 {1 2}",
        "med": 7,
        "local_pref": 200,
        "communities": ["64512:100", "no-export"],
        "large_communities": ["64512:1:2"],
        "extended_communities": ["rt:64512:7"],
        "aigp": 5,
        "atomic_aggregate": True,
        "originator_id": "192.0.2.7",
        "cluster_list": ["192.0.2.8"],
        "only_to_customer": 64512,
        "unknown": [UnknownAttribute(0xC0, 99, b"x")],
    }
    route = Route(A, next_hop="192.0.2.9", path_id=3, **values)
    assert route.attributes == PathAttributes(next_hop="192.0.2.9", **values)
    assert (route.path_id, route.next_hop) == (3, NextHop("192.0.2.9"))
    assert (route.origin, route.as_path, route.med, route.local_pref) == (1, ASPath("64512 {1 2}"), 7, 200)
    assert route.communities == (Community("64512:100"), Community("no-export"))
    assert route.large_communities == (LargeCommunity("64512:1:2"),)
    assert route.extended_communities == (ExtendedCommunity("rt:64512:7"),)
    assert pasted(route) == route


@pytest.mark.parametrize(
    ("given_hop", "family", "in_attributes"),
    [
        ("192.0.2.9", A, True),
        (IPv4Address("192.0.2.9"), A, True),
        (NextHop("192.0.2.9"), A, True),
        (b"\xc0\0\2\x09", A, True),
        ("2001:db8::9", A, False),
        (IPv6Address("2001:db8::9"), "2001:db8::/32", False),
        (NextHop("2001:db8::9", "fe80::9"), "2001:db8::/32", False),
        (NextHop("::", "fe80::9"), "2001:db8::/32", False),
        ("192.0.2.9", VPNPrefix("10.0.0.0/8", rd="1:1", labels=[7]), False),
    ],
)
def test_next_hops(given_hop: Any, family: Any, in_attributes: bool) -> None:
    route = Route(family, next_hop=given_hop)
    assert route.next_hop == (given_hop if isinstance(given_hop, NextHop) else NextHop(given_hop))
    assert (route.attributes.next_hop is not None) is in_attributes
    assert (route.look().next_hop is None) is in_attributes
    assert pasted(route) == route


DESTINATIONS = [
    Prefix("10.0.0.0/8"),
    Prefix("2001:db8::/32"),
    Prefix("10.0.0.0/8", Family(1, 2)),
    LabelledPrefix("10.0.0.0/8", labels=[7, 8]),
    VPNPrefix("2001:db8::/32", rd="64512:1", labels=[7]),
    OpaqueNLRI(EVPN, b"\1\2\3"),
]


@pytest.mark.parametrize("prefix", DESTINATIONS, ids=str)
def test_every_family(prefix: Any) -> None:
    route = Route(prefix)
    assert route.family == prefix.family
    assert route.prefix is prefix
    assert pasted(route) == route


def test_text_is_a_unicast_prefix_of_either_version() -> None:
    assert Route("2001:db8::/32").family == IPV6_UNICAST
    assert Route("0.0.0.0/0").prefix == Prefix("0.0.0.0/0")


def test_what_compares() -> None:
    assert Route(A) == Route(A)
    assert hash(Route(A)) == hash(Route(Prefix(A)))
    different = [{"path_id": 1}, {"med": 1}, {"next_hop": "192.0.2.9"}, {"next_hop": "2001:db8::9"}]
    assert len({Route(A), Route("192.0.2.2/32"), *(Route(A, **each) for each in different)}) == 6  # type: ignore[arg-type]
    assert Route.of(IPV4_UNICAST, Prefix(A).wire, Candidate(PEER, Route(A).attributes, None)) == Route(A)


@given(routes())
def test_prints_what_makes_it_again(route: Route) -> None:
    assert pasted(route) == route


@given(st.sampled_from([IPV4_VPN, IPV6_UNICAST, EVPN]).flatmap(next_hops), st.booleans())
def test_prints_next_hops_that_peers_send(next_hop: NextHop, in_vpn: bool) -> None:
    prefix = VPNPrefix("10.0.0.0/8", rd="1:1", labels=[7])
    hop = next_hop.in_vpn() if in_vpn and next_hop.addresses else next_hop
    seen = Route.of(IPV4_VPN, prefix.key, Candidate(PEER, Route(A).attributes, hop, 0, prefix.wire))
    if hop.addresses and not any(each.is_multicast or each.is_unspecified for each in hop.addresses):
        assert pasted(seen) == seen
        assert pasted(seen).next_hop == hop


def test_how_it_prints() -> None:
    assert repr(Route(A)) == f"Route('{A}')"
    shown = "Route('192.0.2.1/32', next_hop='192.0.2.9', path_id=2, communities=[Community('64512:1')])"
    assert repr(Route(A, next_hop="192.0.2.9", path_id=2, communities=["64512:1"])) == shown
    assert "next_hop=NextHop('2001:db8::1', 'fe80::1')" in repr(
        Route("::/0", next_hop=NextHop("2001:db8::1", "fe80::1"))
    )


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"prefix": "x"}, "'x' is not a prefix"),
        ({"prefix": 7}, "prefix 7, must be str"),
        ({"prefix": LabelledPrefix("10.0.0.0/8")}, "route to 10.0.0.0/8, must have a label"),
        ({"prefix": VPNPrefix("10.0.0.0/8", rd="1:1")}, "route to 1:1:10.0.0.0/8, must have a label"),
        ({"next_hop": "x"}, "'x' is not an IP address"),
        ({"next_hop": "224.0.0.5"}, "next hop 224.0.0.5, must be the address of a host"),
        ({"next_hop": "ff02::5"}, "next hop ff02::5, must be the address of a host"),
        ({"next_hop": "::"}, "next hop ::, must be the address of a host"),
        ({"next_hop": "fe80::1%eth0"}, "next hop fe80::1%eth0 has a zone"),
        ({"next_hop": "240.0.0.1"}, "next hop 240.0.0.1, must be the address of a host"),
        ({"path_id": -1}, "path_id -1, must be 0 to 4294967295"),
        ({"path_id": 1 << 32}, "path_id 4294967296, must be 0 to 4294967295"),
        ({"path_id": "1"}, "path_id '1', must be 0 to 4294967295"),
        ({"origin": 3}, "origin 3, must be 0 to 2"),
        ({"origin": None}, "origin None, every route has one"),
        ({"as_path": None}, "as_path None, every route has one"),
        ({"local_pref": -1}, "local_pref -1, must be 0 to 4294967295"),
        ({"med": 1 << 32}, "med 4294967296, must be 0 to 4294967295"),
        ({"communities": "64512:1"}, "communities '64512:1', must be a list"),
        ({"communities": ["64512"]}, "community '64512', must be two numbers"),
        ({"communities": range(16250)}, "path attributes of 65011 octets, at most 65000 fit"),
    ],
)
def test_refuses_what_cannot_be(values: dict[str, Any], message: str) -> None:
    with pytest.raises(LocalError) as caught:
        Route(**{"prefix": A, **values})
    assert message in str(caught.value)


def test_a_field_that_there_is_not() -> None:
    with pytest.raises(TypeError, match="path attributes have no field colour"):
        Route(A, colour="red")  # type: ignore[call-arg]


def test_as_much_as_fits() -> None:
    assert len(Route(A, communities=range(16240)).communities) == 16240


# Copies.


def test_evolve() -> None:
    route = Route(A, next_hop="192.0.2.9", path_id=3, med=1)
    assert route.evolve() == route
    assert route.evolve(med=2) == Route(A, next_hop="192.0.2.9", path_id=3, med=2)
    assert route.evolve(next_hop=None) == Route(A, path_id=3, med=1)
    assert route.evolve(next_hop="2001:db8::9", path_id=0) == Route(A, next_hop="2001:db8::9", med=1)
    assert route.evolve(path_id=4).path_id == 4
    with pytest.raises(LocalError, match="path_id -1"):
        route.evolve(path_id=-1)
    with pytest.raises(LocalError, match="origin None"):
        route.evolve(origin=None)


def test_evolve_keeps_a_next_hop_beside_the_attributes() -> None:
    route = Route("::/0", next_hop="2001:db8::9")
    assert route.evolve(med=1).next_hop == NextHop("2001:db8::9")
    assert route.evolve(next_hop=None).next_hop is None
    four = Route(A, next_hop="2001:db8::9").evolve(next_hop="192.0.2.9")
    assert four == Route(A, next_hop="192.0.2.9")


def test_evolve_keeps_the_source() -> None:
    route = Route.of(IPV4_UNICAST, Prefix(A).wire, Candidate(PEER, Route(A).attributes, None))
    assert route.source is PEER
    assert route.evolve(local_pref=7).source is PEER


@given(routes())
def test_evolve_changes_what_it_is_told(route: Route) -> None:
    changed = route.evolve(communities=["1:1"], next_hop=None)
    assert (changed.communities, changed.next_hop) == ((Community("1:1"),), None)
    assert changed.evolve(communities=route.communities, next_hop=route.next_hop) == route


# Octets that are shared.


def test_what_is_written_alike_is_the_same_object() -> None:
    first, second = (Route(prefix, communities=["64512:1"], med=7) for prefix in (A, "192.0.2.2/32"))
    assert first.attributes is second.attributes
    six = [Route(prefix, next_hop="2001:db8::1", med=7) for prefix in ("::/1", "::/2")]
    assert six[0].attributes is six[1].attributes
    assert first.evolve(med=8).attributes is second.evolve(med=8).attributes


def test_the_family_decides_where_the_next_hop_is() -> None:
    label = LabelledPrefix("10.0.0.0/8", labels=[7])
    plain, labelled = Route(A, next_hop="192.0.2.9"), Route(label, next_hop="192.0.2.9")
    assert plain.attributes.next_hop == IPv4Address("192.0.2.9")
    assert labelled.attributes.next_hop is None
    assert labelled.next_hop == plain.next_hop


def test_true_is_not_taken_for_one_nor_text_for_a_number() -> None:
    assert Route(A, med=1).med == 1
    with pytest.raises(LocalError, match="med '1', must be 0"):
        Route(A, med="1")  # type: ignore[arg-type]
    assert Route(A, atomic_aggregate=True).attributes.atomic_aggregate
    for number in (1, "1"):
        with pytest.raises(LocalError, match="must be bool"):
            Route(A, atomic_aggregate=number)  # type: ignore[arg-type]


def test_a_list_that_changes_later() -> None:
    labels = ["64512:1"]
    first = Route(A, communities=labels)
    labels.append("64512:2")
    assert len(Route(A, communities=labels).communities) == 2
    assert len(first.communities) == 1


def test_values_that_can_be_read_once() -> None:
    for _ in range(2):
        assert len(Route(A, communities=(f"64512:{n}" for n in range(2))).communities) == 2
    before = len(module._memo)
    Route(A, communities=iter(["64512:4711"]))
    assert len(module._memo) == before


def test_the_memo_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIMIT", 10)
    module._memo.clear()
    for med in range(100):
        assert Route(A, med=med).med == med
    assert len(module._memo) <= 10


def test_errors_are_not_remembered() -> None:
    for _ in range(2):
        with pytest.raises(LocalError):
            Route(A, med=-1)


# Between applications and RIBs.


@given(routes())
def test_there_and_back(route: Route) -> None:
    candidate = route.candidate(CandidatePool(OURSELVES))
    assert Route.of(route.family, route.prefix.key, candidate) == route
    assert candidate.source is OURSELVES
    look = route.look()
    assert Route.told(route.family, route.prefix.key, route.path_id, look) == route


def test_candidates_are_shared_but_for_labels() -> None:
    pool = CandidatePool(OURSELVES)
    assert Route(A, med=1).candidate(pool) is Route("10.0.0.0/8", med=1).candidate(pool)
    label = LabelledPrefix("10.0.0.0/8", labels=[7])
    first, second = Route(label).candidate(pool), Route(label).candidate(pool)
    assert first is not second
    assert first.wire == label.wire
    assert Route.of(IPV4_LABELLED, label.key, first).prefix == label


def test_what_was_told() -> None:
    look = Look(PathAttributes(origin=0, as_path=[64512], next_hop="192.0.2.1"))
    told = Route.told(IPV4_UNICAST, Prefix(A).wire, 7, look)
    assert told == Route(A, next_hop="192.0.2.1", as_path=[64512], path_id=7)
    assert told.source is None


def test_what_stands_for_a_route() -> None:
    assert as_route(A) == as_route(Prefix(A)) == as_route(Route(A)) == Route(A)
    assert as_destination(A) == as_destination(Prefix(A)) == as_destination(Route(A)) == Prefix(A)
    label = LabelledPrefix("10.0.0.0/8")
    assert as_destination(label) is label


def test_what_stands_for_something_to_withdraw() -> None:
    assert as_named(A) == as_named(Prefix(A)) == (Prefix(A), None)
    assert as_named(Route(A)) == (Prefix(A), 0)
    assert as_named(Route(A, path_id=7)) == (Prefix(A), 7)
    with pytest.raises(LocalError, match="'x' is not a prefix"):
        as_named("x")


def test_what_stands_for_several() -> None:
    assert as_routes([A, Route(A)]) == [Route(A)] * 2
    assert as_names([A, Route(A)]) == [(Prefix(A), None), (Prefix(A), 0)]
    wrong: Any
    for wrong in (A, "", b"", 5, None):
        for read in as_routes, as_names:
            with pytest.raises(LocalError, match="must be a list"):
                read(wrong)


@pytest.mark.parametrize(
    ("prefix", "good", "bad"),
    [
        (A, (4, 16, 32), (0, 1, 12, 24, 48)),
        ("2001:db8::/32", (4, 16, 32), (0, 1, 12, 24, 48)),
        (VPNPrefix("10.0.0.0/8", rd="64512:1", labels=[16]), (4, 12, 16, 24, 48), (0, 1, 20)),
        (OpaqueNLRI(EVPN, b"\x02\x01\x00"), (0, 1, 4, 12, 16, 24), ()),
    ],
)
def test_octets_of_a_next_hop(prefix: Any, good: tuple[int, ...], bad: tuple[int, ...]) -> None:
    for length in good:
        assert Route(prefix, next_hop=b"\x01" * length).next_hop == NextHop(b"\x01" * length)
    for length in bad:
        with pytest.raises(LocalError, match="must be of 4 or 16 or 32"):
            Route(prefix, next_hop=b"\x01" * length)


def test_is_frozen() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Route(A).path_id = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("communities", ["1:2", "no-export", "0:7"]),
        ("large_communities", ["1:2:3", "1:2:1"]),
        ("extended_communities", ["rt:1:2", "rt:1:1"]),
        ("ipv6_extended_communities", ["rt:[2001:db8::1]:7", "rt:[2001:db8::1]:6"]),
    ],
)
def test_communities_are_sets(field: str, values: list[str]) -> None:
    one = Route("192.0.2.0/24", **{field: values})  # type: ignore[arg-type]
    other = Route("192.0.2.0/24", **{field: (each for each in [*values, *values][::-1])})  # type: ignore[arg-type]
    assert one == other
    assert len(getattr(one.attributes, field)) == len(values)
