"""RFC 4724, section 4: what a router does with routes through its own restart, and a peer's."""

from typing import Any

from bgp import IPV4_UNICAST, Update
from bgp.config import GracefulRestartConfig
from tests.bgp.lab import Lab, graceful
from tests.conformance.requirements import rfc

A, B = "10.0.0.0/24", "10.0.1.0/24"
KEPT: dict[str, Any] = {"graceful_restart": GracefulRestartConfig(notification=False)}


@rfc("4724 4.1", "MUST defer selection until all peers have said End-of-RIB, or a timer ends")
def test_selection_is_deferred() -> None:
    lab = Lab(restarting=True)
    one, two = lab.open_peer(64513, graceful(), **KEPT), lab.open_peer(64514, graceful(), **KEPT)
    one.announces(A).ends()
    released = [lab.router.may_release]
    assert two.routes == {}
    assert Update() not in two.heard
    two.ends()
    released.append(lab.router.may_release)
    assert released == [False, True]
    # Then, or when the time is over, whoever drives the router says so.
    lab.router.release()
    for peer in (one, two):
        peer.perform(peer.member.peering.release(lab.now))
    lab.settle()
    assert set(two.routes) == {A}
    assert two.heard[-1] == Update()


@rfc("4724 4.2", "MUST NOT forward by stale routes otherwise than by fresh ones")
def test_stale_routes_are_as_good() -> None:
    lab = Lab()
    one, two = lab.open_peer(64513, graceful(), **KEPT), lab.open_peer(64514)
    watcher = lab.open_peer(64515)
    one.announces(A)
    two.announces(A, as_path=[64514, 1])
    before = watcher.routes[A]
    watcher.updates()
    one.leaves()
    assert watcher.updates() == []
    assert watcher.routes[A] == before
    [best] = lab.router.best(IPV4_UNICAST)
    assert best.source is not None
    assert str(best.source.address) == one.address
    one.comes().ends()
    assert watcher.path(A) == "64512 64514 1"
