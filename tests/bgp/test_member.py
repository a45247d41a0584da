"""A peer as a router sees it: what is taken from it, what is kept aside, what becomes of its routes."""

from typing import Any

import attrs
import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Keepalive,
    LabelledPrefix,
    Notification,
    Path,
    Route,
    RouteRefresh,
    VPNPrefix,
)
from bgp.config import GracefulRestartConfig
from bgp.events import Established, FamilyDisabled, PolicyFailed, RouteRefused, SessionClosed
from bgp.iana import RefreshSubtype
from bgp.ingress import Refusal
from bgp.nlri import Destination, OpaqueNLRI
from bgp.offers import EnhancedRouteRefreshCapability, RouteRefreshCapability
from bgp.policy import accept_all, reject_all
from bgp.prefix import IPV4_LABELLED, IPV4_VPN, Family
from bgp.statistics import PrefixCounts
from tests.bgp.lab import BOTH, Lab, Remote, graceful, long_lived, paths

A, B, C = "10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"
REFRESH = (RouteRefreshCapability(), EnhancedRouteRefreshCapability())
KEPT = GracefulRestartConfig(stale_time=300, notification=False)
KEPT_LONG = attrs.evolve(KEPT, long_lived={IPV4_UNICAST: 600})
EVPN = Family(25, 70)


def reasons(lab: Lab, prefix: str) -> list[str]:
    return [str(each).partition(": ")[2] for each in lab.router.explain(prefix)]


def last_announced(peer: Remote) -> list[Destination | Path]:
    """What stands in the last UPDATE that a peer got."""
    reach = peer.updates()[-1].mp_reach
    assert reach is not None
    return list(reach.nlri)


# What is taken.


def test_external_peers_need_a_policy() -> None:
    lab = Lab()
    one, internal = lab.peer(), lab.peer(64512)
    one.announces(A, B)
    internal.announces(C)
    assert (one.received(), one.accepted()) == ([A, B], [])
    assert (internal.received(), internal.accepted()) == ([C], [C])
    assert reasons(lab, A) == ["no import policy is set for this external peer"]
    assert one.member.count(IPV4_UNICAST) == PrefixCounts(received=2, accepted=0, advertised=0)
    assert internal.member.count(IPV4_UNICAST) == PrefixCounts(received=1, accepted=1, advertised=0)
    one.withdraws(A)
    assert one.received() == [B]


def test_policies_change_and_refuse() -> None:
    def policy(route: Route) -> Route | None:
        if str(route.prefix) == B:
            return None
        return route.evolve(med=7) if str(route.prefix) == C else route

    lab = Lab()
    one = lab.peer(import_policy=policy)
    one.announces(A, B, C, med=1)
    assert (one.received(), one.accepted()) == ([A, B, C], [A, C])
    assert {route.med for route in one.member.received(IPV4_UNICAST)} == {1}
    assert {route.med for route in one.member.accepted(IPV4_UNICAST)} == {1, 7}
    assert reasons(lab, B) == ["the import policy refuses it"]
    assert reasons(lab, C) == ["is the best"]
    one.withdraws(C)
    assert (one.received(), one.accepted()) == ([A, B], [A])


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (ZeroDivisionError("by nothing"), "ZeroDivisionError: by nothing"),
        (Route(B), "it returned another route, "),
        (17, "LocalError: it returned 17, must be a Route or None"),
    ],
)
def test_policies_that_fail(verdict: object, reason: str) -> None:
    def policy(route: Route) -> Any:
        if isinstance(verdict, Exception):
            raise verdict
        return verdict

    lab = Lab()
    one = lab.peer(import_policy=policy)
    one.announces(A)
    [failure] = one.told(PolicyFailed)
    assert str(failure.route.prefix) == A
    assert failure.reason.startswith(reason)
    assert (one.received(), one.accepted()) == ([A], [])
    assert [each.reason for each in lab.router.explain(A)] == [Refusal.POLICY_FAILED]
    one.announces(A)
    assert len(one.told(PolicyFailed)) == 2
    assert not one.told(SessionClosed)


def test_a_policy_may_not_move_a_route_to_another_path() -> None:
    lab = Lab()
    one = lab.peer(
        64513,
        paths(),
        add_path={IPV4_UNICAST: BOTH},
        import_policy=lambda route: route.evolve(path_id=route.path_id + 1),
    )
    one.announces(Path(A, 1))
    assert one.told(PolicyFailed)


def test_a_new_policy_judges_what_was_set_aside() -> None:
    lab = Lab()
    one, two = lab.peer(), lab.open_peer(64514)
    one.announces(A, B)
    assert two.routes == {}
    assert one.member.change_import(accept_all) == []
    lab.settle()
    assert set(two.routes) == {A, B}
    one.member.change_import(lambda route: None if str(route.prefix) == A else route.evolve(med=1))
    lab.settle()
    assert set(two.routes) == {B}
    [failure, _] = one.member.change_import(lambda route: route.evolve(med=-1))
    assert isinstance(failure, PolicyFailed)
    one.member.change_import(None)
    lab.settle()
    assert two.routes == {}
    assert one.received() == [A, B]


def test_nothing_to_judge_without_a_session() -> None:
    one = Lab().peer(up=False)
    assert one.member.change_import(accept_all) == []
    assert one.member.reconfigured() == []
    assert not one.member.is_complete


@pytest.mark.parametrize("policy", [accept_all, lambda route: route.evolve(med=1)])
def test_prefixes_of_no_hosts(policy: Any) -> None:
    lab = Lab()
    one = lab.peer(import_policy=policy, families=[IPV4_UNICAST, IPV6_UNICAST])
    one.announces(A, "224.0.0.0/4", "240.0.0.0/8", "0.0.0.0/0")
    one.announces("2001:db8::/32", "ff00::/8", "::/0")
    assert one.accepted() == ["0.0.0.0/0", A]
    assert one.accepted(IPV6_UNICAST) == ["2001:db8::/32", "::/0"]
    assert len(one.received()) == 4
    assert reasons(lab, "224.0.0.0/4") == ["its prefix is none of unicast addresses"]
    assert reasons(lab, "ff00::/8") == ["its prefix is none of unicast addresses"]


def test_what_ingress_changes_is_kept_as_sent() -> None:
    lab = Lab()
    one = lab.peer(import_policy=accept_all)
    one.announces(A, communities=["graceful-shutdown"])
    [received], [accepted] = one.member.received(IPV4_UNICAST), one.member.accepted(IPV4_UNICAST)
    assert (received.local_pref, accepted.local_pref) == (None, 0)
    one.announces(A)
    assert [route.local_pref for route in one.member.accepted(IPV4_UNICAST)] == [None]
    assert one.member.count(IPV4_UNICAST).received == 1


def test_a_policy_sees_what_ingress_has_changed() -> None:
    seen: list[Route] = []

    def policy(route: Route) -> Route:
        seen.append(route)
        return route.evolve(med=1)

    one = Lab().peer(import_policy=policy)
    one.announces(A, communities=["graceful-shutdown"])
    assert [route.local_pref for route in seen] == [0]
    assert [(r.local_pref, r.med) for r in one.member.accepted(IPV4_UNICAST)] == [(0, 1)]
    assert seen[0].source is not None
    assert str(seen[0].source.address) == one.address


def test_explained_while_the_reason_is_gone() -> None:
    # Who changes a policy behind our back is told what it says now.
    open_now: list[bool] = []
    lab = Lab()
    one = lab.peer(import_policy=lambda route: route if open_now else None)
    one.announces(A)
    open_now.append(True)
    assert reasons(lab, A) == []


def test_labels_and_opaque_octets_pass_through() -> None:
    families = [IPV4_LABELLED, IPV4_VPN, EVPN]
    lab = Lab()
    one, two = lab.open_peer(families=families), lab.open_peer(64514, families=families)
    labelled, vpn = LabelledPrefix(A, labels=[100]), VPNPrefix(B, rd="64512:1", labels=[200])
    opaque = OpaqueNLRI(EVPN, b"\x02\x03abc")
    for route in (labelled, vpn, opaque):
        one.announces(route, next_hop="192.0.2.11")
        assert last_announced(two) == [route]
        [received] = one.member.received(route.family)
        assert received.prefix == route
        one.withdraws(route)
        assert two.routes == {}
    one.announces(labelled, next_hop="192.0.2.11")
    one.announces(LabelledPrefix(A, labels=[101]), next_hop="192.0.2.11")
    assert last_announced(two) == [LabelledPrefix(A, labels=[101])]
    assert len(two.routes) == 1


# What becomes of routes when something becomes of the session.


def test_events_of_a_session_that_is_over_already() -> None:
    lab = Lab()
    one = lab.open_peer(up=False)
    announcement = one.announcement(A)
    one.comes(then=[announcement, Notification(6, 4), Keepalive()])
    assert [type(e) for e in one.events if isinstance(e, Established | SessionClosed)] == [
        Established,
        SessionClosed,
    ]
    assert one.received() == []
    one.comes().announces(B)
    assert one.received() == [B]


def test_stale_routes_stay_until_the_peer_has_sent_all() -> None:
    lab = Lab()
    one, two = lab.open_peer(64513, graceful(), graceful_restart=KEPT), lab.open_peer(64514)
    one.announces(A, B).leaves()
    assert set(two.routes) == {A, B}
    one.comes(graceful())
    one.announces(B, C)
    assert set(two.routes) == {A, B, C}
    one.ends()
    assert set(two.routes) == {B, C}
    assert len(two.updates()) == 4, "End-of-RIB, two routes, one more, one gone"


def test_stale_routes_go_when_the_time_is_over() -> None:
    lab = Lab()
    one, two = lab.open_peer(64513, graceful(), graceful_restart=KEPT), lab.open_peer(64514)
    one.announces(A).leaves()
    lab.run(59)
    assert set(two.routes) == {A}
    lab.run(1)
    assert two.routes == {}
    assert one.received() == []


def test_stale_routes_go_even_while_the_peer_comes_back() -> None:
    # The time is over between its OPEN and its KEEPALIVE.
    lab = Lab()
    one, two = lab.open_peer(64513, graceful(), graceful_restart=KEPT), lab.open_peer(64514)
    one.announces(A).leaves()
    lab.run(30)
    one.comes(graceful(), keepalive=False)
    lab.run(31)
    assert two.routes == {}


def test_without_the_forwarding_state_routes_go_at_once() -> None:
    lab = Lab()
    one, two = lab.open_peer(64513, graceful_restart=KEPT, up=False), lab.open_peer(64514)
    one.comes(graceful()).announces(A).leaves()
    one.comes(graceful(preserved=False))
    assert two.routes == {}


def test_the_last_resort() -> None:
    lab = Lab()
    one = lab.open_peer(64513, graceful(), long_lived(), graceful_restart=KEPT_LONG)
    two = lab.open_peer(64514)
    three = lab.open_peer(64515, graceful(), long_lived(), graceful_restart=KEPT_LONG)
    one.announces(A, C)
    one.announces(B, communities=["no-llgr"])
    one.announces("10.0.3.0/24", communities=["llgr-stale"])
    two.announces(C, as_path=[64514, 1, 2, 3])
    assert C not in one.routes
    assert two.path(C) == "64512 64513"
    one.leaves()
    lab.run(60)
    assert two.routes == {}, "it would not understand"
    assert set(three.routes) == {A, C, "10.0.3.0/24"}
    for name in (A, "10.0.3.0/24"):
        assert list(map(str, three.routes[name][0].communities)) == ["llgr-stale"]
    assert three.path(C) == "64512 64514 1 2 3"
    assert C not in two.routes
    assert "is long-lived stale, the best is not" in reasons(lab, C)
    lab.run(600)
    assert set(three.routes) == {C}
    assert one.received() == []


def test_a_long_lived_stale_route_that_comes_again_is_fresh() -> None:
    lab = Lab()
    one = lab.open_peer(64513, graceful(), long_lived(), graceful_restart=KEPT_LONG)
    three = lab.open_peer(64515, graceful(), long_lived(), graceful_restart=KEPT_LONG)
    one.announces(A, B).leaves()
    lab.run(60)
    one.comes().announces(A)
    assert not three.routes[A][0].communities
    one.ends()
    assert set(three.routes) == {A}


def test_what_was_set_aside_grows_old_as_well() -> None:
    lab = Lab()
    one = lab.peer(
        64513, graceful(), long_lived(), graceful_restart=KEPT_LONG, import_policy=lambda r: r.evolve(med=1)
    )
    one.announces(A)
    one.announces(B, communities=["no-llgr"])
    one.leaves()
    lab.run(60)
    assert (one.received(), one.accepted()) == ([A], [A])
    one.member.change_import(reject_all)
    assert (one.received(), one.accepted()) == ([A], [])
    one.member.change_import(lambda route: route.evolve(med=2))
    [accepted] = one.member.accepted(IPV4_UNICAST)
    assert accepted.med == 2
    assert accepted.source is not None
    assert accepted.source.is_long_lived_stale
    lab.run(600)
    assert one.received() == []


def test_a_peer_that_sends_everything_again() -> None:
    lab = Lab()
    one, two = lab.open_peer(64513, *REFRESH), lab.open_peer(64514)
    one.announces(A, B)
    one.says(RouteRefresh(IPV4_UNICAST, RefreshSubtype.BEGIN)).announces(B)
    assert set(two.routes) == {A, B}
    one.says(RouteRefresh(IPV4_UNICAST, RefreshSubtype.END))
    assert set(two.routes) == {B}


def test_a_family_that_cannot_be_followed() -> None:
    lab = Lab()
    both = [IPV4_UNICAST, IPV6_UNICAST]
    one = lab.open_peer(families=both)
    two = lab.open_peer(64514, families=both, next_hop_ipv6="2001:db8::1")
    one.announces(A).announces("2001:db8::/32", next_hop="2001:db8::1")
    assert len(two.routes) == 2
    # An MP_REACH_NLRI of IPv6 unicast with a next hop of three octets.
    value = bytes.fromhex("0002 01 03 010203 00 20 20010db8")
    attribute = bytes([0x80, 14, len(value)]) + value
    body = b"\0\0" + len(attribute).to_bytes(2, "big") + attribute
    one.says(b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + b"\x02" + body)
    assert one.told(FamilyDisabled)
    assert list(two.routes) == [A]


# What a peer is told.


def test_export_policies() -> None:
    lab = Lab()
    one = lab.open_peer()
    two = lab.peer(64514, export_policy=lambda route: None if str(route.prefix) == A else route.evolve(med=9))
    one.announces(A, B)
    assert list(two.routes) == [B]
    attributes, _ = two.routes[B]
    assert (str(attributes.as_path), attributes.med) == ("64512 64513", 9)
    two.member.change_export(accept_all)
    lab.settle()
    assert (set(two.routes), two.routes[B][0].med) == ({A, B}, None)
    two.member.change_export(None)
    lab.settle()
    assert two.routes == {}
    lab.router.announce([C])
    lab.settle()
    assert list(two.routes) == [C]


def test_an_export_policy_that_changes_nothing() -> None:
    lab = Lab()
    one, two = lab.open_peer(), lab.peer(64514, export_policy=lambda route: route.evolve())
    one.announces(A)
    assert list(two.routes) == [A]


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (lambda route: route.evolve(med=-1), "the export policy raised LocalError: "),
        (lambda route: Route(B), "the export policy returned another route, "),
        (lambda route: 17, "the export policy raised LocalError: it returned 17"),
    ],
)
def test_export_policies_that_fail(policy: Any, reason: str) -> None:
    lab = Lab()
    one, two = lab.open_peer(), lab.peer(64514, export_policy=policy)
    one.announces(A)
    assert two.routes == {}
    [refused] = two.told(RouteRefused)
    assert str(refused.route.prefix) == A
    assert refused.reason.startswith(reason)
    assert not two.told(SessionClosed)


def test_a_peer_becomes_a_client_without_a_new_session() -> None:
    lab = Lab()
    one, two = lab.open_peer(64512), lab.open_peer(64512)
    one.announces(A)
    assert two.routes == {}
    for is_client, expected in ((True, [A]), (False, [])):
        peering = one.member.peering
        config = attrs.evolve(peering.config, route_reflector_client=is_client)
        one.perform(peering.reconfigure(config, lab.now))
        assert one.member.reconfigured() == []
        lab.settle()
        assert list(two.routes) == expected
    assert not one.told(SessionClosed)
    assert one.withdraws(A).received() == []


def test_all_paths_for_a_peer_that_takes_them() -> None:
    lab = Lab()
    one, two = lab.open_peer(), lab.open_peer(64514)
    three = lab.open_peer(64515, paths(), add_path={IPV4_UNICAST: BOTH})
    one.announces(A)
    two.announces(A)
    assert len(three.routes) == 2
    one.leaves()
    one.comes().announces(A)
    assert len(three.routes) == 2
    lab.remove(two)
    assert len(three.routes) == 1


def test_next_hops_that_cannot_be_reached() -> None:
    lab = Lab(cost=lambda address: None if str(address) == "198.51.100.9" else 1)
    one = lab.peer(import_policy=accept_all)
    one.announces(A).announces(B, next_hop="198.51.100.9")
    assert (one.received(), one.accepted()) == ([A, B], [A])
    assert reasons(lab, B) == ["its next hop cannot be reached"]


def test_complete_once_it_has_said_all() -> None:
    lab = Lab(restarting=True)
    one = lab.open_peer(64513, graceful(), graceful_restart=KEPT)
    complete = [one.member.is_complete]
    for change in (one.ends, one.leaves, one.comes):
        change()
        complete.append(one.member.is_complete)
    assert complete == [False, True, False, False]
    assert lab.open_peer(64514).member.is_complete


def test_a_family_that_cannot_be_followed_says_no_end() -> None:
    lab = Lab(restarting=True)
    one = lab.open_peer(64513, graceful(), graceful_restart=KEPT)
    lab.router.take(one.member, FamilyDisabled(IPV4_UNICAST, ()))
    assert one.member.is_complete
