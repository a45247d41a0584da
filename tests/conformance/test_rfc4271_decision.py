"""RFC 4271, section 9.1: which of several routes to a destination is selected.

Steps one by one, and what other RFCs add, are in tests/bgp/test_decision.py.
"""

from itertools import pairwise, permutations
from typing import Final

from bgp import PeerType
from bgp.decision import explain, rank
from tests.bgp.contenders import candidate, cost, peer
from tests.conformance.requirements import rfc

INTERNAL: Final = PeerType.INTERNAL

# From the best to the worst, each for the next step of 9.1.2.2; what a later step would prefer is against the better.
A_TO_G: Final = [
    ("AS path", candidate(peer("192.0.2.99", "192.0.2.99", INTERNAL), as_path="64513", origin=2, med=99)),
    ("ORIGIN", candidate(peer("192.0.2.98", "192.0.2.98", INTERNAL), origin=0, med=98)),
    ("MED", candidate(peer("192.0.2.97", "192.0.2.97", INTERNAL), origin=1, med=10)),
    ("external", candidate(peer("192.0.2.96", "192.0.2.96"), origin=1, med=11, next_hop="198.51.100.2")),
    ("cost", candidate(peer("192.0.2.95", "192.0.2.95", INTERNAL), origin=1, med=11)),
    (
        "router ID",
        candidate(peer("192.0.2.94", "192.0.2.1", INTERNAL), origin=1, med=11, next_hop="198.51.100.2"),
    ),
    (
        "peer address",
        candidate(peer("192.0.2.2", "192.0.2.2", INTERNAL), origin=1, med=11, next_hop="198.51.100.2"),
    ),
    ("", candidate(peer("192.0.2.3", "192.0.2.2", INTERNAL), origin=1, med=11, next_hop="198.51.100.2")),
]


@rfc("4271 9.1.2.2", "MUST break ties in the given order")
def test_order() -> None:
    candidates = [each for _, each in A_TO_G]
    assert rank(reversed(candidates), cost) == candidates
    for (step, better), (_, worse) in pairwise(A_TO_G):
        loser = explain([worse, better], cost)[1]
        assert (loser.candidate, str(loser.step)) == (worse, step)


@rfc("4271 9.1.2.2", "MUST count an AS_SET as one AS")
def test_set() -> None:
    aggregate = candidate(as_path="64513 {1 2 3}")
    assert rank([candidate(as_path="64513 1 2"), aggregate])[0] is aggregate


@rfc("4271 9.1.2.2", "MUST compare MULTI_EXIT_DISC of one neighbouring AS alone")
def test_med_of_one_as() -> None:
    first = candidate(peer(router_id="192.0.2.1"), as_path=[64513, 1], med=20)
    other = candidate(peer(router_id="192.0.2.2"), as_path=[64514, 1], med=10)
    assert rank([other, first]) == [first, other]


@rfc("4271 9.1.2.2", "MUST take a route without MULTI_EXIT_DISC for one with the lowest")
def test_no_med() -> None:
    without = candidate(peer(router_id="192.0.2.2"), med=None)
    assert rank([candidate(peer(router_id="192.0.2.1"), med=1), without])[0] is without
    zero = candidate(peer(router_id="192.0.2.1"), med=0)
    assert rank([without, zero])[0] is zero


@rfc("4271 9.1.2.2", "MAY select by another algorithm if the result is the same")
def test_any_order() -> None:
    # By MED the second is before the first, by router ID the first before the third and that before the second.
    circle = [
        candidate(peer(router_id=f"192.0.2.{host}"), as_path=[asn, host], med=med)
        for host, asn, med in ((1, 64513, 20), (3, 64513, 10), (2, 64514, 0))
    ]
    assert {rank(order)[0] for order in permutations(circle)} == {circle[2]}


@rfc("4271 9.1.2.2", "SHOULD take all costs for equal if none can be determined")
def test_no_costs() -> None:
    near, far = candidate(next_hop="198.51.100.1"), candidate(next_hop="198.51.100.2")
    assert str(explain([near, far])[1].step) == "octets"


@rfc("4271 9.1.1", "MUST use LOCAL_PREF of internal peers as the preference")
def test_local_pref() -> None:
    preferred = candidate(peer(peer_type=INTERNAL), local_pref=101, as_path=[64513] * 9, origin=2)
    assert rank([candidate(peer(peer_type=INTERNAL), local_pref=100), preferred])[0] is preferred


@rfc("4271 9.1.2", "MUST leave out routes with unresolvable next hops")
def test_next_hop() -> None:
    near, nowhere = candidate(), candidate(local_pref=200, next_hop="198.51.100.9")
    assert rank([nowhere, near], cost) == [near]
    assert rank([nowhere], cost) == []
