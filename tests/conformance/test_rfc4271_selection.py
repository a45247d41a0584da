"""RFC 4271, sections 3.1, 5.1, 6.3 and 9: which routes take part, and that the best ones reach the peers.

How the best one is found is in test_rfc4271_decision.py.
"""

import inspect
from typing import Final

import pytest

from bgp import IPV4_UNICAST, State
from bgp.ingress import Refusal
from bgp.listener import Listener
from bgp.policy import Policy, accept_all
from bgp.speaker import Speaker
from tests.bgp.lab import OURS, Lab
from tests.conformance.requirements import rfc

A, B = "10.0.0.0/24", "10.0.1.0/24"

EITHER_POLICY: Final = pytest.mark.parametrize("policy", [accept_all, lambda route: route])
"""One that is never called, and one that is."""


def loc_rib(lab: Lab) -> list[str]:
    """The destinations that have a best route."""
    return sorted(str(route.prefix) for route in lab.router.best(IPV4_UNICAST))


def reasons(lab: Lab, prefix: str) -> list[object]:
    return [each.reason for each in lab.router.explain(prefix)]


@rfc("4271 3.1", "MUST put routes into the Loc-RIB only if their next hop can be resolved")
@rfc("4271 9.1.2.1", "MUST take into account how next hops resolve, and changes to that")
def test_next_hops_that_resolve() -> None:
    reachable = {"192.0.2.11"}
    lab = Lab(cost=lambda address: 1 if str(address) in reachable else None)
    peer = lab.open_peer()
    peer.announces(A).announces(B, next_hop="198.51.100.1")
    assert loc_rib(lab) == [A]
    assert reasons(lab, B) == [Refusal.NO_ROUTE_TO_NEXT_HOP]
    reachable.add("198.51.100.1")
    reachable.discard("192.0.2.11")
    lab.router.next_hops_changed()
    assert loc_rib(lab) == [B]


@rfc("4271 5.1.3", "MUST NOT install a route with itself as the next hop")
@rfc("4271 6.3", "SHOULD ignore a route with a next hop that makes no sense here, and keep the session")
@EITHER_POLICY
def test_ourselves_as_the_next_hop(policy: Policy) -> None:
    lab = Lab()
    peer = lab.peer(import_policy=policy).announces(A, next_hop=OURS)
    assert reasons(lab, A) == [Refusal.NEXT_HOP_OURSELVES]
    assert loc_rib(lab) == []
    assert peer.state is State.ESTABLISHED


@rfc("4271 6.3", "SHOULD ignore a prefix that unicast routes do not have, such as 224.0.0.0/4")
@EITHER_POLICY
def test_multicast_prefix(policy: Policy) -> None:
    lab = Lab()
    peer = lab.peer(import_policy=policy).announces(A, "224.0.0.0/4", "239.1.2.3/32")
    assert loc_rib(lab) == [A]
    assert peer.state is State.ESTABLISHED


@rfc("4271 5.1.4", "MUST be able to remove MULTI_EXIT_DISC before it selects routes")
def test_no_med() -> None:
    def compete(policy: Policy) -> str:
        lab = Lab()
        # Both of one AS, so that MED decides; then the lower BGP Identifier.
        peers = [lab.peer(64513, import_policy=policy) for _ in range(2)]
        for peer, med in zip(peers, (9, 1), strict=True):
            peer.announces(A, med=med)
        [best] = lab.router.best(IPV4_UNICAST)
        assert best.source is not None
        return str(best.source.address)

    assert compete(accept_all) == "192.0.2.12"
    assert compete(lambda route: route.evolve(med=None)) == "192.0.2.11"


@rfc("4271 5.1.5", "MUST calculate how much it prefers each external route")
@rfc("4271 9.1.1", "MUST prefer by configured policy, and by nothing about other routes")
def test_preference_by_policy() -> None:
    lab = Lab()
    liked = lab.peer(import_policy=lambda route: route.evolve(local_pref=200), export_policy=accept_all)
    other, internal = lab.open_peer(64514), lab.open_peer(64512)
    liked.announces(A, as_path=[64513, 1, 2, 3])
    other.announces(A)
    assert internal.path(A) == "64513 1 2 3"
    assert internal.routes[A][0].local_pref == 200
    liked.withdraws(A)
    assert (internal.path(A), internal.routes[A][0].local_pref) == ("64514", 100)


@rfc("4271 9", "MUST select anew whenever an Adj-RIB-In has changed")
@rfc("4271 9.1.2", "MUST install the best route of each destination in the Loc-RIB")
@rfc("4271 9.1.3", "MUST tell peers of the routes that were selected")
def test_selection_follows_the_adj_ribs_in() -> None:
    lab = Lab()
    one, two, watcher = lab.open_peer(), lab.open_peer(64514), lab.open_peer(64515)

    def seen() -> tuple[list[str], list[str]]:
        best = [str(route.as_path) for route in lab.router.best(IPV4_UNICAST)]
        return best, [watcher.path(name) for name in watcher.routes]

    one.announces(A, as_path=[64513, 1])
    assert seen() == (["64513 1"], ["64512 64513 1"])
    two.announces(A)
    assert seen() == (["64514"], ["64512 64514"])
    one.announces(A, as_path=[64513])
    assert seen() == (["64513"], ["64512 64513"])
    one.withdraws(A)
    assert seen() == (["64514"], ["64512 64514"])
    two.leaves()
    assert seen() == ([], [])


@rfc("4271 9.1.2", "MUST leave out routes with a loop in the path")
def test_loop() -> None:
    lab = Lab()
    watcher = lab.open_peer(64515)
    lab.open_peer().announces(A, as_path=[64513, 64512, 1])
    assert (loc_rib(lab), watcher.routes) == ([], {})
    assert reasons(lab, A) == [Refusal.AS_LOOP]


@rfc("4271 9.1.4", "MUST handle routes that overlap")
def test_overlap() -> None:
    lab = Lab()
    one, two, watcher = lab.open_peer(), lab.open_peer(64514), lab.open_peer(64515)
    one.announces("10.0.0.0/8")
    two.announces("10.0.0.0/24", "10.0.0.0/16")
    assert set(watcher.routes) == {"10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24"}
    two.withdraws("10.0.0.0/16")
    assert set(watcher.routes) == {"10.0.0.0/8", "10.0.0.0/24"}


@rfc("4271 8.2.1", "MUST listen on TCP port 179")
def test_port() -> None:
    # Whether it listens at all is up to its user: to bind this port takes a privilege.
    assert inspect.signature(Speaker.listen).parameters["port"].default == 179
    assert "port" in inspect.signature(Listener.open).parameters
