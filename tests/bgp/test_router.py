"""What peers are told of each other's routes and of ours, and what a person is told of that."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from bgp import IPV4_UNICAST, LocalError, Path, PeerConfig, Prefix, Role, Route, Update
from bgp.config import Confederation, GracefulRestartConfig
from bgp.decision import Verdict
from bgp.events import PolicyFailed, RoutesReceived
from bgp.ingress import Refusal
from bgp.offers import RoleCapability
from bgp.router import Router
from tests.bgp.lab import BOTH, Lab, graceful, paths

A, B, C = "10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"
ADD_PATH = {IPV4_UNICAST: BOTH}
CONFEDERATION = Confederation(100, [64512, 64513, 64514])


def prefixes(routes: list[Route]) -> list[str]:
    return [str(route.prefix) for route in routes]


# Safe by default (RFC 8212).


def test_nothing_passes_without_policies() -> None:
    lab = Lab()
    one, two, internal = lab.peer(), lab.peer(64514), lab.peer(64512)
    one.announces(A)
    internal.announces(B)
    assert [peer.routes for peer in lab.remotes] == [{}, {}, {}]
    assert prefixes(lab.router.best(IPV4_UNICAST)) == [B]
    assert one.received() == [A]
    assert one.told(RoutesReceived)
    lab.router.announce([C])
    lab.settle()
    assert [set(peer.routes) for peer in lab.remotes] == [{C}] * 3
    assert two.path(C) == "64512"


def test_a_peer_without_export_policy_keeps_our_route_whatever_others_say() -> None:
    lab = Lab()
    one, two = lab.open_peer(), lab.peer(64514)
    lab.router.announce([A])
    one.announces(A)
    lab.settle()
    assert two.path(A) == "64512"
    lab.router.withdraw([A])
    lab.settle()
    assert two.routes == {}
    assert prefixes(lab.router.best(IPV4_UNICAST)) == [A]
    late = lab.peer(64515)
    assert late.routes == {}


# Our own routes.


def test_what_is_no_policy() -> None:
    router, config = Router(), PeerConfig(local_as=64512, peer_as=64513)
    for name in ("import_policy", "export_policy"):
        with pytest.raises(LocalError, match=f"{name} 5, must be callable"):
            router.add(config, **{name: 5})  # type: ignore[arg-type]
    assert router.members == []


def test_a_policy_judges_and_does_nothing_else() -> None:
    lab = Lab()

    def busy(route: Route) -> Route:
        lab.router.check_free()
        return route

    one = lab.peer(import_policy=busy)
    one.announces(A)
    [failure] = one.told(PolicyFailed)
    assert failure.reason == "LocalError: a policy is being asked: do this afterwards, by `loop.call_soon`"
    lab.router.check_free()


def test_our_own_routes() -> None:
    router = Router()
    router.announce([A, Route(B, med=1), Prefix("2001:db8::/32")])
    assert prefixes(router.originated) == [A, B, "2001:db8::/32"]
    router.announce([Route(B, med=2)])
    router.withdraw([A, Route(B, path_id=1), C])
    assert [route.med for route in router.originated] == [2, None]
    router.replace([C])
    assert prefixes(router.originated) == [C]
    assert router.members == []
    assert router.take_awake() == []


def test_routes_that_cannot_be() -> None:
    lab = Lab()
    one = lab.open_peer()
    lab.router.announce([A])
    verbs: list[Callable[[Any], None]] = [lab.router.announce, lab.router.withdraw, lab.router.replace]
    for verb in verbs:
        for wrong in ([B, "x"], [A, 5], A, "", None):
            with pytest.raises(LocalError):
                verb(wrong)
    lab.settle()
    assert (prefixes(lab.router.originated), list(one.routes)) == ([A], [A])


def test_what_is_no_family() -> None:
    lab = Lab()
    member = lab.open_peer().member
    asked: list[Callable[[Any], object]] = [lab.router.best, member.received, member.accepted]
    for ask in asked:
        with pytest.raises(LocalError, match="family 'ipv4', must be Family"):
            ask("ipv4")


def test_our_route_is_the_best_and_others_stay() -> None:
    lab = Lab()
    one, two = lab.open_peer(), lab.open_peer(64514)
    one.announces(A)
    lab.router.announce([A])
    lab.settle()
    assert two.path(A) == "64512"
    assert one.path(A) == "64512"
    lab.router.replace([])
    lab.settle()
    assert two.path(A) == "64512 64513"
    assert one.routes == {}


# Others' routes.


def test_the_second_takes_over() -> None:
    lab = Lab()
    one, two, three = lab.open_peer(), lab.open_peer(64514), lab.open_peer(64515)
    one.announces(A)
    two.announces(A, as_path=[64514, 1])
    assert (three.path(A), two.path(A)) == ("64512 64513", "64512 64513")
    assert one.routes == {}
    one.withdraws(A)
    assert three.path(A) == "64512 64514 1"
    assert one.path(A) == "64512 64514 1"
    assert two.routes == {}
    one.announces(A)
    assert one.routes == {}, "what it offers is the best, so it is told of nothing"


def test_the_routes_of_a_peer_go_with_it() -> None:
    lab = Lab()
    one, two = lab.open_peer(), lab.open_peer(64514)
    one.announces(A, B)
    one.leaves()
    assert two.routes == {}
    assert one.received() == []
    one.comes().announces(B)
    assert set(two.routes) == {B}
    lab.remove(one)
    assert two.routes == {}
    assert lab.router.members == [two.member]


def test_nobody_keeps_a_peer_that_is_gone() -> None:
    lab = Lab()
    one, two = lab.open_peer(), lab.open_peer(64514)
    one.announces(A)
    assert two.path(A) == "64512 64513"
    member = weakref.ref(one.member)
    lab.remove(one)
    del one
    lab.settle()
    gc.collect()
    # What `two` was told still stands in the memory of its session.
    assert two.routes == {}
    assert member() is None


def test_internal_routes_stay_with_external_peers_and_reflection_clients() -> None:
    lab = Lab()
    client = lab.open_peer(64512, route_reflector_client=True)
    internal, other, external = lab.open_peer(64512), lab.open_peer(64512), lab.open_peer()
    internal.announces(A)
    assert (set(client.routes), set(other.routes), set(external.routes)) == ({A}, set(), {A})
    attributes, _ = client.routes[A]
    assert (str(attributes.originator_id), list(map(str, attributes.cluster_list))) == (
        internal.address,
        ["192.0.2.1"],
    )
    assert str(attributes.next_hop) == internal.address
    client.announces(B)
    assert B in internal.routes
    assert B in other.routes
    assert B in external.routes
    client.announces(C, cluster_list=["192.0.2.1"])
    internal.announces(C, originator_id="192.0.2.1")
    assert C not in external.routes
    assert [each.reason for each in lab.router.explain(C)] == [
        Refusal.CLUSTER_LOOP,
        Refusal.ORIGINATED_HERE,
    ]


def test_confederations() -> None:
    lab = Lab()
    inside, other = (lab.open_peer(asn, confederation=CONFEDERATION) for asn in (64513, 64514))
    outside = lab.open_peer(7, confederation=CONFEDERATION)
    outside.announces(A)
    assert inside.path(A) == "(64512) 7"
    assert str(inside.routes[A][0].next_hop) == outside.address
    inside.announces(B, as_path="(64513) 9", local_pref=100)
    assert other.path(B) == "(64512 64513) 9"
    assert outside.path(B) == "100 9"
    inside.announces(B, as_path="(64513 64512) 9", local_pref=100)
    assert B not in other.routes
    outside.announces(C, as_path=[7, 100])
    assert C not in inside.routes


def test_roles() -> None:
    lab = Lab()
    up = lab.open_peer(64513, RoleCapability(Role.PROVIDER), role=Role.CUSTOMER)
    down = lab.open_peer(64514, RoleCapability(Role.CUSTOMER), role=Role.PROVIDER)
    across = lab.open_peer(64515, RoleCapability(Role.PEER), role=Role.PEER)
    up.announces(A)
    assert (set(down.routes), set(across.routes)) == ({A}, set())
    assert down.routes[A][0].only_to_customer == 64513
    down.announces(B, only_to_customer=64999)
    assert B not in up.routes
    assert [each.reason for each in lab.router.explain(B)] == [Refusal.LEAKED]
    down.announces(C)
    assert C in up.routes
    assert across.routes[C][0].only_to_customer == 64512


def test_next_hop_self() -> None:
    lab = Lab()
    one = lab.open_peer()
    plain, taken_over = lab.open_peer(64512), lab.open_peer(64512, next_hop_self=True)
    one.announces(A)
    assert str(plain.routes[A][0].next_hop) == one.address
    assert str(taken_over.routes[A][0].next_hop) == "192.0.2.1"


def test_a_router_that_is_about_to_go_is_the_last_resort() -> None:
    lab = Lab()
    one, two, three = lab.open_peer(), lab.open_peer(64514), lab.open_peer(64515)
    one.announces(A)
    two.announces(A, as_path=[64514, 1, 2])
    one.announces(A, communities=["graceful-shutdown"])
    assert three.path(A) == "64512 64514 1 2"
    two.withdraws(A)
    assert three.path(A) == "64512 64513"


# Several paths.


def test_paths_get_identifiers_of_ours() -> None:
    lab = Lab()
    one = lab.open_peer(64513, paths(), add_path=ADD_PATH)
    two = lab.open_peer(64514)
    three = lab.open_peer(64515, paths(), add_path=ADD_PATH)
    one.announces(Path(A, 70)).announces(Path(A, 71), as_path=[64513, 1])
    two.announces(A)
    lab.router.announce([Route(A, path_id=5)])
    lab.settle()
    first = dict(three.routes)
    assert sorted(str(attributes.as_path) for attributes, _ in first.values()) == [
        "64512",
        "64512 64513",
        "64512 64513 1",
        "64512 64514",
    ]
    # What changes keeps its identifier, and what goes frees none.
    named = {str(attributes.as_path): name for name, (attributes, _) in first.items()}
    one.announces(Path(A, 71), as_path=[64513, 2])
    assert three.path(named["64512 64513 1"]) == "64512 64513 2"
    one.withdraws(Path(A, 70))
    assert named["64512 64513"] not in three.routes
    one.announces(Path(A, 72), as_path=[64513, 3])
    [new] = three.routes.keys() - first.keys()
    assert three.path(new) == "64512 64513 3"
    one.announces(Path(A, 70))
    assert three.path(named["64512 64513"]) == "64512 64513"
    # Another session is another matter: numbers that are not used any more are not kept.
    one.leaves()
    one.comes().announces(Path(A, 70))
    assert "64512 64513" in {str(attributes.as_path) for attributes, _ in three.routes.values()}
    assert named["64512 64513"] not in three.routes
    assert {str(attributes.as_path) for attributes, _ in one.routes.values()} == {"64512", "64512 64514"}
    one.withdraws(Path(A, 70))
    lab.remove(two)
    assert {str(attributes.as_path) for attributes, _ in three.routes.values()} == {"64512"}
    assert [route.path_id for route in lab.router.originated] == [5]


def test_one_path_is_refused_by_itself() -> None:
    lab = Lab()
    one = lab.peer(
        64513,
        paths(),
        add_path=ADD_PATH,
        import_policy=lambda route: route if route.med else None,
    )
    one.announces(Path(A, 1), med=1)
    one.announces(Path(A, 2))
    assert [route.path_id for route in one.member.accepted(IPV4_UNICAST)] == [1]
    assert [route.path_id for route in one.member.received(IPV4_UNICAST)] == [2, 1]
    assert len(lab.router.explain(A)) == 2
    one.announces(Path(A, 2), med=2)
    one.announces(Path(A, 1))
    assert [route.path_id for route in one.member.accepted(IPV4_UNICAST)] == [2]
    one.withdraws(Path(A, 2), Path(A, 1))
    assert one.received() == []
    assert lab.router.explain(A) == []


# Next hops.


def test_next_hops_that_cannot_be_reached() -> None:
    costs: dict[str, int | None] = {"192.0.2.11": 10, "192.0.2.12": 20, "198.51.100.1": 1}
    lab = Lab(cost=lambda address: costs.get(str(address)))
    one, two, three = lab.open_peer(), lab.open_peer(64514), lab.open_peer(64515)
    one.announces(A)
    two.announces(A)
    one.announces(B, next_hop="198.51.100.9")
    assert three.path(A) == "64512 64513"
    assert B not in three.routes
    assert [str(each.reason) for each in lab.router.explain(B)] == ["its next hop cannot be reached"]
    assert str(lab.router.explain(A)[1].reason) == "has a higher cost to the next hop (20, the best has 10)"
    costs["192.0.2.11"], costs["198.51.100.9"] = 30, 1
    assert lab.router.next_hops_changed() == []
    lab.settle()
    assert three.path(A) == "64512 64514"
    assert three.path(B) == "64512 64513"
    del costs["192.0.2.12"]
    lab.router.next_hops_changed()
    lab.settle()
    assert three.path(A) == "64512 64513"
    assert two.accepted() == []


def test_cost_that_changes_behind_our_back() -> None:
    costs: dict[str, int | None] = {"192.0.2.11": 1, "192.0.2.12": 2}
    lab = Lab(cost=lambda address: costs.get(str(address)))
    one, two, three = lab.open_peer(), lab.open_peer(64514), lab.open_peer(64515)
    one.announces(A)
    two.announces(A)
    costs["192.0.2.11"] = None
    # Still in the table, and far away, until somebody says so.
    lab.open_peer(64516).announces(A, as_path=[64516, 1])
    two.announces(A)
    lab.router.next_hops_changed()
    lab.settle()
    assert three.path(A) == "64512 64514"


def test_the_costs_of_our_own_paths() -> None:
    costs = {"198.51.100.1": 1, "198.51.100.2": 2}
    lab = Lab(cost=lambda address: costs.get(str(address)))
    one = lab.peer()
    lab.router.announce([Route(A, next_hop=hop, path_id=at) for at, hop in enumerate(costs)])
    lab.settle()
    assert str(one.routes[A][0].next_hop) == "198.51.100.1"
    costs["198.51.100.1"] = 3
    lab.router.next_hops_changed()
    lab.settle()
    assert str(one.routes[A][0].next_hop) == "198.51.100.2"


def test_policies_that_fail_when_next_hops_change() -> None:
    lab = Lab(cost=lambda address: 1)
    one = lab.peer(import_policy=lambda route: route.evolve(med=-1))
    one.announces(A)
    [(member, event)] = lab.router.next_hops_changed()
    assert member is one.member
    assert isinstance(event, PolicyFailed)


# After a restart of ours (RFC 4724 4.1).

KEPT: dict[str, Any] = {"graceful_restart": GracefulRestartConfig(notification=False)}


def test_a_router_that_restarts_waits_for_everybody() -> None:
    lab = Lab(restarting=True)
    lab.router.announce([C])
    one, two = lab.open_peer(64513, graceful(), **KEPT), lab.open_peer(64514, graceful(), up=False, **KEPT)
    one.announces(A)
    assert set(one.routes) == {C}
    assert Update() not in one.heard
    one.ends()
    released = [lab.router.may_release]
    two.comes()
    assert set(two.routes) == {C}
    two.announces(B).ends()
    released.append(lab.router.may_release)
    assert released == [False, True], "at first the other was not there yet"
    assert A not in two.routes
    lab.router.release()
    for peer in (one, two):
        peer.perform(peer.member.peering.release(lab.now))
    lab.settle()
    assert (set(one.routes), set(two.routes)) == ({B, C}, {A, C})
    assert one.heard[-1] == two.heard[-1] == Update()
    assert not lab.router.is_deferring


def test_who_need_not_be_waited_for() -> None:
    lab = Lab(restarting=True)
    plain = lab.open_peer(64513, **KEPT)
    assert plain.member.is_complete, "it does not restart gracefully"
    restarted = lab.open_peer(64514, graceful(restarting=True), **KEPT)
    assert restarted.member.is_complete, "it has restarted itself, and waits for us"
    waited_for = lab.open_peer(64515, graceful(), **KEPT)
    released = [lab.router.may_release]
    for change in (waited_for.ends, waited_for.leaves):
        change()
        released.append(lab.router.may_release)
    assert released == [False, True, False]


# What a person is told.


def test_explanations() -> None:
    lab = Lab()
    one, two, three = lab.open_peer(), lab.open_peer(64514), lab.peer(64515)
    one.announces(A)
    two.announces(A, as_path=[64514, 1])
    three.announces(A)
    lab.router.announce([A])
    explanations = lab.router.explain(A)
    assert [str(each) for each in explanations] == [
        "10.0.0.0/24 ours: is the best",
        "10.0.0.0/24 from 192.0.2.11: comes from a peer, the best is our own",
        "10.0.0.0/24 from 192.0.2.12: comes from a peer, the best is our own",
        "10.0.0.0/24 from 192.0.2.13: no import policy is set for this external peer",
    ]
    assert [each.is_best for each in explanations] == [True, False, False, False]
    lab.router.withdraw([A])
    assert [str(each) for each in lab.router.explain(Route(A))][:2] == [
        "10.0.0.0/24 from 192.0.2.11: is the best",
        "10.0.0.0/24 from 192.0.2.12: has a longer AS path (2 ASes, the best has 1)",
    ]
    assert lab.router.explain(B) == []
    assert isinstance(explanations[0].reason, Verdict)
