"""What makes no sense is left out, and what is changed on the way in."""

from ipaddress import IPv4Address, ip_address
from typing import Any

import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    PathAttributes,
    PeerConfig,
    Role,
)
from bgp import ingress as module
from bgp.candidate import Candidate, Source
from bgp.config import Confederation
from bgp.ingress import Ingress, Refusal
from bgp.multiprotocol import NextHop
from bgp.prefix import IPV4_MULTICAST, Family

OURS, THEIRS, ELSEWHERE = "192.0.2.1", "192.0.2.2", "198.51.100.1"
CONFEDERATION = Confederation(100, [64512, 64513])


def config(peer_as: int = 64513, **values: Any) -> PeerConfig:
    return PeerConfig(local_as=64512, peer_as=peer_as, **values)


def candidate(wanted: PeerConfig, beside: NextHop | None = None, **values: Any) -> Candidate:
    peer_as = wanted.peer_as
    assert peer_as is not None
    source = Source("peer", ip_address(THEIRS), peer_as, IPv4Address(THEIRS), wanted.peer_type)
    usual: dict[str, Any] = {"origin": 0, "as_path": [64513], "next_hop": THEIRS}
    return Candidate(source, PathAttributes(**{**usual, **values}), beside)


def ingress(wanted: PeerConfig, local_address: str = OURS) -> Ingress:
    return Ingress(wanted, wanted.peer_as or 0, ip_address(local_address), IPv4Address("192.0.2.1"))


def admit(
    wanted: PeerConfig | None = None, family: Family = IPV4_UNICAST, **values: Any
) -> Candidate | Refusal | None:
    """What becomes of a route; None: nothing, it takes part as it is."""
    wanted = wanted or config()
    given = candidate(wanted, **values)
    judge = ingress(wanted)
    verdict = judge.admit(family, given)
    assert verdict == judge.examine(family, given), "the short cut leads to the same place"
    return None if verdict is given else verdict


INTERNAL = config(64512)
INSIDE = config(64513, confederation=CONFEDERATION)
OUTSIDE = config(7, confederation=CONFEDERATION)


@pytest.mark.parametrize(
    ("wanted", "values", "verdict"),
    [
        (config(), {}, None),
        (config(), {"as_path": None}, None),
        (config(), {"as_path": [64513, 64512]}, Refusal.AS_LOOP),
        (config(), {"as_path": "64513 {64512 1}"}, Refusal.AS_LOOP),
        (config(), {"communities": [64512]}, None),
        (config(allow_own_as=1), {"as_path": [64513, 64512]}, None),
        (config(allow_own_as=1), {"as_path": [64512, 64513, 64512]}, Refusal.AS_LOOP),
        (INSIDE, {"as_path": "(64513 64512) 9"}, Refusal.AS_LOOP),
        (INSIDE, {"as_path": "(64513) 100"}, Refusal.CONFEDERATION_LOOP),
        (OUTSIDE, {"as_path": [7, 100]}, Refusal.CONFEDERATION_LOOP),
        (OUTSIDE, {"as_path": [7, 9]}, None),
        (INTERNAL, {"originator_id": OURS}, Refusal.ORIGINATED_HERE),
        (INTERNAL, {"originator_id": ELSEWHERE}, None),
        (INTERNAL, {"cluster_list": [ELSEWHERE, OURS]}, Refusal.CLUSTER_LOOP),
        (INTERNAL, {"cluster_list": [ELSEWHERE], "originator_id": THEIRS}, None),
        (config(64512, cluster_id="9.9.9.9"), {"cluster_list": [OURS]}, None),
        (config(64512, cluster_id="9.9.9.9"), {"cluster_list": ["9.9.9.9"]}, Refusal.CLUSTER_LOOP),
        (config(), {"cluster_list": [OURS], "originator_id": OURS}, None),
        (config(), {"next_hop": OURS}, Refusal.NEXT_HOP_OURSELVES),
    ],
)
def test_what_is_left_out(wanted: PeerConfig, values: dict[str, Any], verdict: Refusal | None) -> None:
    assert admit(wanted, **values) is verdict


def test_refusals_print_as_sentences() -> None:
    assert str(Refusal.AS_LOOP) == "our own AS is in its AS path"
    assert repr(Refusal.AS_LOOP) == "Refusal.AS_LOOP"


def test_next_hops_of_other_families() -> None:
    assert admit(beside=NextHop("::ffff:192.0.2.1")) is None
    assert admit(beside=NextHop(OURS)) is Refusal.NEXT_HOP_OURSELVES
    assert admit(beside=NextHop("2001:db8::1")) is None


def test_two_speakers_at_one_address() -> None:
    wanted = config()
    given = candidate(wanted)
    assert ingress(wanted, THEIRS).admit(IPV4_UNICAST, given) is given


def test_a_link_local_address_of_ours_has_a_zone() -> None:
    wanted = config()
    ours = ingress(wanted, "fe80::1%eth0")
    named = NextHop("2001:db8::1", "fe80::1")
    assert ours.admit(IPV6_UNICAST, candidate(wanted, named)) is Refusal.NEXT_HOP_OURSELVES
    other = candidate(wanted, NextHop("2001:db8::1", "fe80::2"))
    assert ours.admit(IPV6_UNICAST, other) is other


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("otc", [None, 64513, 9])
def test_roles(role: Role, otc: int | None) -> None:
    # RFC 9234 5, the three rules for what comes in; 64513 is the peer.
    verdict = admit(config(role=role), only_to_customer=otc)
    if role in (Role.PROVIDER, Role.ROUTE_SERVER):
        assert verdict is (None if otc is None else Refusal.LEAKED)
    elif role is Role.PEER and otc == 9:
        assert verdict is Refusal.LEAKED
    elif otc is None:
        assert isinstance(verdict, Candidate)
        assert verdict.attributes.only_to_customer == 64513
    else:
        assert verdict is None


@pytest.mark.parametrize("otc", [None, 9])
def test_roles_are_for_unicast_of_external_peers(otc: int | None) -> None:
    assert admit(config(role=Role.PEER), IPV4_MULTICAST, only_to_customer=otc) is None
    assert admit(config(64512, role=Role.PEER), only_to_customer=otc) is None
    assert admit(config(), only_to_customer=otc) is None


def test_a_router_that_is_about_to_go() -> None:
    drained = admit(communities=["graceful-shutdown"])
    assert isinstance(drained, Candidate)
    assert drained.attributes.local_pref == 0
    assert drained.attributes.communities == drained.attributes.evolve(local_pref=None).communities
    assert admit(config(honour_graceful_shutdown=False), communities=["graceful-shutdown"]) is None
    assert admit(INTERNAL, communities=["graceful-shutdown"]) is None
    # The same octets, elsewhere.
    assert admit(med=0xFFFF0000) is None


def test_both_changes_at_once() -> None:
    changed = admit(config(role=Role.CUSTOMER), communities=["graceful-shutdown"])
    assert isinstance(changed, Candidate)
    assert (changed.attributes.local_pref, changed.attributes.only_to_customer) == (0, 64513)


def test_changes_are_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MEMO", 2)
    wanted = config(role=Role.CUSTOMER)
    ours = ingress(wanted)
    given = [candidate(wanted, med=med) for med in range(3)]
    first = ours.admit(IPV4_UNICAST, given[0])
    assert ours.admit(IPV4_UNICAST, given[0]) is first
    for each in given:
        ours.admit(IPV4_UNICAST, each)
    again = ours.admit(IPV4_UNICAST, given[0])
    assert again is not first
    assert isinstance(again, Candidate)
    assert isinstance(first, Candidate)
    assert again.attributes == first.attributes
