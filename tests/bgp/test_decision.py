"""The decision process: RFC 4271 9.1.2, with what RFC 4456, 5065, 7311 and 9494 add to it."""

from collections.abc import Iterable
from itertools import permutations

import pytest
from hypothesis import given

from bgp import PeerType
from bgp.candidate import Candidate, Metrics, metrics
from bgp.decision import (
    AIGP,
    AS_PATH,
    CLUSTER_LIST,
    COST,
    EXTERNAL,
    FRESH,
    LOCAL_PREF,
    MED,
    OCTETS,
    ORIGIN,
    OURS,
    PATH_ID,
    PEER_ADDRESS,
    REACHABLE,
    ROUTER_ID,
    STEPS,
    DecisionConfig,
    Step,
    Verdict,
    explain,
    rank,
)
from tests.bgp.contenders import candidate, contests, cost, cost_of, ourselves, peer

INTERNAL, CONFEDERATION = PeerType.INTERNAL, PeerType.CONFEDERATION
ALWAYS = DecisionConfig(always_compare_med=True)

DIFFERENCES: list[tuple[Step, Candidate, Candidate, str]] = [
    # The step, the better one, the worse one, what is said of that.
    (
        REACHABLE,
        candidate(next_hop="198.51.100.2"),
        candidate(next_hop="198.51.100.9"),
        "has a next hop that cannot be reached (198.51.100.9)",
    ),
    (OURS, candidate(ourselves()), candidate(), "comes from a peer, the best is our own"),
    (FRESH, candidate(), candidate(peer(stale=True)), "is long-lived stale, the best is not"),
    (
        FRESH,
        candidate(communities=["no-export"]),
        candidate(communities=["llgr-stale"]),
        "is long-lived stale, the best is not",
    ),
    (
        LOCAL_PREF,
        candidate(local_pref=101),
        candidate(),
        "has a lower LOCAL_PREF (100, the best has 101)",
    ),
    (LOCAL_PREF, candidate(), candidate(local_pref=99), "has a lower LOCAL_PREF (99, the best has 100)"),
    (AIGP, candidate(aigp=7), candidate(), "has no AIGP, the best has"),
    (
        AIGP,
        candidate(aigp=7),
        candidate(aigp=8),
        "has a higher AIGP, with the cost to the next hop (9, the best has 8)",
    ),
    (
        AIGP,  # 11 and 1 are less than 11 and 2
        candidate(aigp=11, next_hop="198.51.100.1"),
        candidate(aigp=11, next_hop="198.51.100.2"),
        "has a higher AIGP, with the cost to the next hop (13, the best has 12)",
    ),
    (
        AS_PATH,
        candidate(as_path="64513"),
        candidate(),
        "has a longer AS path (2 ASes, the best has 1)",
    ),
    (
        AS_PATH,
        candidate(as_path=""),
        candidate(as_path="64513"),
        "has a longer AS path (1 AS, the best has 0)",
    ),
    (
        AS_PATH,
        candidate(as_path="64513 {64514 64515 64516}"),
        candidate(as_path="64513 64514 64515"),
        "has a longer AS path (3 ASes, the best has 2)",
    ),
    (
        AS_PATH,
        candidate(as_path="(65001 65002 65003) 64513"),
        candidate(as_path="64513 64513"),
        "has a longer AS path (2 ASes, the best has 1)",
    ),
    (ORIGIN, candidate(), candidate(origin=1), "has a higher ORIGIN (EGP, the best has IGP)"),
    (ORIGIN, candidate(origin=1), candidate(origin=2), "has a higher ORIGIN (INCOMPLETE, the best has EGP)"),
    (MED, candidate(), candidate(med=11), "has a higher MED (11, a path from AS 64513 has 10)"),
    (MED, candidate(med=None), candidate(), "has a higher MED (10, a path from AS 64513 has 0)"),
    (
        MED,
        candidate(peer(peer_type=CONFEDERATION), as_path="(65001)"),
        candidate(peer(peer_type=INTERNAL), as_path="", med=11),
        "has a higher MED (11, a path from our own AS has 10)",
    ),
    (
        EXTERNAL,
        candidate(),
        candidate(peer(peer_type=INTERNAL)),
        "comes from an internal peer, the best from an external one",
    ),
    (
        EXTERNAL,
        candidate(),
        candidate(peer(peer_type=CONFEDERATION)),
        "comes from an internal peer, the best from an external one",
    ),
    (
        COST,
        candidate(next_hop="198.51.100.1"),
        candidate(next_hop="198.51.100.2"),
        "has a higher cost to the next hop (2, the best has 1)",
    ),
    (
        ROUTER_ID,  # as numbers, not as text
        candidate(peer(router_id="9.0.0.1")),
        candidate(peer(router_id="10.0.0.1")),
        "has a higher router ID (10.0.0.1, the best has 9.0.0.1)",
    ),
    (
        ROUTER_ID,
        candidate(peer(router_id="192.0.2.20"), originator_id="192.0.2.9"),
        candidate(peer(router_id="192.0.2.10")),
        "has a higher router ID (192.0.2.10, the best has 192.0.2.9)",
    ),
    (
        CLUSTER_LIST,
        candidate(),
        candidate(cluster_list=["192.0.2.1"]),
        "has a longer CLUSTER_LIST (1, the best has 0)",
    ),
    (
        PEER_ADDRESS,
        candidate(peer("192.0.2.9")),
        candidate(),
        "has a higher peer address (192.0.2.10, the best has 192.0.2.9)",
    ),
    (
        PEER_ADDRESS,
        candidate(peer("203.0.113.1")),
        candidate(peer("2001:db8::1")),
        "has a higher peer address (2001:db8::1, the best has 203.0.113.1)",
    ),
    (
        PATH_ID,
        candidate(),
        candidate(path_id=1),
        "has a higher path identifier (1, the best has 0)",
    ),
    (
        OCTETS,
        candidate(communities=["64512:1"]),
        candidate(communities=["64512:2"]),
        "has attributes of higher octets, and differs from the best in nothing else",
    ),
]


@pytest.mark.parametrize(("step", "better", "worse", "reason"), DIFFERENCES)
def test_one_difference(step: Step, better: Candidate, worse: Candidate, reason: str) -> None:
    for order in ([better, worse], [worse, better]):
        best, loser = explain(order, cost)
        assert best == Verdict(better, None, None, "is the best")
        assert loser == Verdict(worse, step, None if step is REACHABLE else better, reason)
        assert rank(order, cost) == ([better] if step is REACHABLE else [better, worse])


def test_each_step_has_a_difference() -> None:
    assert [step for step in STEPS if step in {each[0] for each in DIFFERENCES}] == list(STEPS)
    assert len({str(step) for step in STEPS}) == len(STEPS)


def look(contender: Candidate) -> Metrics:
    return metrics(contender, cost_of(contender))


def is_less(step: Step, one: Metrics, other: Metrics) -> bool:
    return (step.value(one),) < (step.value(other),)


# For each pair of steps that follow one another: two paths, where the earlier step prefers the first and all later
# ones the second.
CONFLICTS = [
    (OURS, candidate(ourselves(), communities=["llgr-stale"]), candidate()),
    (FRESH, candidate(local_pref=99), candidate(peer(stale=True))),
    (LOCAL_PREF, candidate(), candidate(local_pref=99, aigp=1)),
    (AIGP, candidate(aigp=9), candidate(as_path="64513")),
    (AS_PATH, candidate(as_path="64513", origin=2), candidate()),
    (ORIGIN, candidate(med=11), candidate(origin=1)),
    (MED, candidate(peer(peer_type=INTERNAL)), candidate(med=11)),
    (
        EXTERNAL,
        candidate(next_hop="198.51.100.2"),
        candidate(peer(peer_type=INTERNAL), next_hop="198.51.100.1"),
    ),
    (
        COST,
        candidate(peer(router_id="192.0.2.11"), next_hop="198.51.100.1"),
        candidate(next_hop="198.51.100.2"),
    ),
    (
        ROUTER_ID,
        candidate(cluster_list=["192.0.2.1"]),
        candidate(peer(router_id="192.0.2.11")),
    ),
    (CLUSTER_LIST, candidate(peer("192.0.2.11")), candidate(cluster_list=["192.0.2.1"])),
    (PEER_ADDRESS, candidate(path_id=2), candidate(peer("192.0.2.11"), path_id=1)),
    (PATH_ID, candidate(path_id=1, communities=["64512:2"]), candidate(path_id=2, communities=["64512:1"])),
]


@pytest.mark.parametrize(("step", "better", "worse"), CONFLICTS)
def test_a_step_comes_before_the_next(step: Step, better: Candidate, worse: Candidate) -> None:
    assert rank([worse, better], cost) == [better, worse]
    assert explain([worse, better], cost)[1].step is step
    later = STEPS[STEPS.index(step) + 1]
    assert is_less(later, look(worse), look(better))


def test_every_step_but_the_outer_ones_has_a_conflict() -> None:
    # What cannot be reached is out whatever else it has; and nothing is left to conflict with the last step.
    assert tuple(each[0] for each in CONFLICTS) == STEPS[1:-1]


# MED.

X = candidate(peer(router_id="192.0.2.1"), as_path=[64513, 1], med=20)
Y = candidate(peer(router_id="192.0.2.3"), as_path=[64513, 2], med=10)
Z = candidate(peer(router_id="192.0.2.2"), as_path=[64514, 3], med=30)
"""Y before X by MED, X before Z and Z before Y by router ID."""


def test_med_is_compared_among_paths_of_one_as_in_every_order() -> None:
    assert [rank(pair)[0] for pair in ([X, Y], [X, Z], [Z, Y])] == [Y, X, Z]
    for order in permutations([X, Y, Z]):
        assert rank(order) == [Z, Y, X]
        assert [(each.candidate, each.step, each.against) for each in explain(order)] == [
            (Z, None, None),
            (Y, ROUTER_ID, Z),
            (X, MED, Y),  # it would beat the best one, were it not for Y
        ]


def test_med_may_be_compared_among_all() -> None:
    for order in permutations([X, Y, Z]):
        assert rank(order, config=ALWAYS) == [Y, X, Z]
        last = explain(order, config=ALWAYS)[2]
        assert (last.step, last.against) == (MED, Y)
        assert str(last) == "has a higher MED (30, a path from AS 64513 has 10)"


def test_med_of_paths_that_are_out_before_does_not_count() -> None:
    lower = candidate(as_path=[64513, 1, 2], med=0)
    for order in permutations([X, Z, lower]):
        assert rank(order) == [X, Z, lower]


def test_which_as_a_path_came_from() -> None:
    # A path that says nothing is from the AS of an external peer, and from ours if it came from inside.
    outside, inside = peer(asn=64515, router_id="192.0.2.11"), peer(peer_type=INTERNAL, asn=64512)
    aggregate = candidate(outside, as_path="{1 2} 3", med=5)
    assert rank([candidate(as_path=[64515, 1]), aggregate])[0] is aggregate
    assert rank([candidate(as_path=[64516, 1]), aggregate])[1] is aggregate
    two = candidate(inside, as_path="{1}", med=5), candidate(inside, as_path="(65001) {1}", med=6)
    assert [each.step for each in explain(two)] == [None, MED]


# Any set of candidates.


def eliminate(candidates: Iterable[Candidate], always_compare_med: bool) -> Candidate:
    """The procedure of RFC 4271 9.1.2.2 word by word: each step takes out what is worse than another that is left."""
    left = [look(each) for each in candidates]
    for step in STEPS:
        everyone = step is not MED or always_compare_med
        left = [
            each
            for each in left
            if not any(
                is_less(step, rival, each)
                for rival in left
                if everyone or rival.neighbor_as == each.neighbor_as
            )
        ]
    [best] = left
    return best.candidate


@given(contests())
def test_each_place_has_what_the_procedure_of_the_rfc_leaves(candidates: list[Candidate]) -> None:
    for config in (DecisionConfig(), ALWAYS):
        ranked = rank(candidates, cost, config)
        left = {each for each in candidates if cost_of(each) is not None}
        assert set(ranked) == left
        for place in ranked:
            assert place is eliminate(left, config.always_compare_med)
            left.remove(place)


@given(contests())
def test_the_order_of_arrival_does_not_matter(candidates: list[Candidate]) -> None:
    for config in (DecisionConfig(), ALWAYS):
        ranked, explained = rank(candidates, cost, config), explain(candidates, cost, config)
        for order in permutations(candidates):
            assert rank(order, cost, config) == ranked
            assert explain(order, cost, config) == explained


@given(contests())
def test_all_are_explained(candidates: list[Candidate]) -> None:
    for config in (DecisionConfig(), ALWAYS):
        ranked, explained = rank(candidates, cost, config), explain(candidates, cost, config)
        reached, unreached = explained[: len(ranked)], explained[len(ranked) :]
        assert [each.candidate for each in reached] == ranked
        assert {each.candidate for each in unreached} == set(candidates) - set(ranked)
        assert all(each.step is REACHABLE and each.against is None for each in unreached)
        assert all(each.step is None for each in reached[:1])
        for place, each in enumerate(reached[1:], start=1):
            assert each.step is not None
            assert each.against in ranked[:place]
            assert each.against is ranked[0] or each.step is MED
            assert is_less(each.step, look(each.against), look(each.candidate))


# Costs, and what is kept.


def test_one_candidate_is_the_best_if_it_can_be_reached() -> None:
    assert rank([]) == []
    assert explain([]) == []
    assert rank([candidate()], cost)
    far = candidate(next_hop="198.51.100.9")
    assert rank([far], cost) == []
    assert [str(each) for each in explain([far], cost)] == [
        "has a next hop that cannot be reached (198.51.100.9)"
    ]


def test_a_lone_candidate_is_not_even_measured() -> None:
    lone = candidate()
    assert rank([lone]) == [lone]
    assert lone.measured is None


def test_without_costs_all_can_be_reached_and_cost_the_same() -> None:
    far = candidate(peer(router_id="192.0.2.1"), next_hop="198.51.100.9")
    assert rank([candidate(next_hop="198.51.100.1"), far])[0] is far


def test_a_path_without_an_address_costs_nothing() -> None:
    mine = candidate(ourselves(), next_hop=None)
    assert rank([mine], lambda _: None) == [mine]


def test_costs_may_change() -> None:
    one, other = candidate(next_hop="198.51.100.1"), candidate(next_hop="198.51.100.2")
    costs = {one.address: 1, other.address: 2}
    assert rank([one, other], costs.get) == [one, other]
    costs[one.address] = 3
    assert rank([one, other], costs.get) == [other, one]
    del costs[other.address]
    assert rank([one, other], costs.get) == [one]
    costs[other.address] = 0
    assert rank([one, other], costs.get) == [other, one]


def test_what_is_measured_is_measured_once() -> None:
    one, other = candidate(), candidate(med=11)
    rank([one, other])
    kept = one.measured
    rank([one, other])
    assert one.measured is kept


def test_a_candidate_given_twice_counts_once() -> None:
    assert rank([X, Y, X]) == [Y, X]


# An explanation as a person reads it.


def test_a_whole_explanation() -> None:
    candidates = [
        candidate(peer("192.0.2.1", "192.0.2.1"), as_path=[64513, 64520]),
        candidate(peer("192.0.2.2", "192.0.2.2", asn=64514), as_path=[64514, 64520]),
        candidate(peer("192.0.2.3", "192.0.2.3"), as_path=[64513, 64521], med=20),
        candidate(
            peer("192.0.2.4", "192.0.2.4", INTERNAL, 64512), as_path=[64514, 64520], next_hop="198.51.100.2"
        ),
        candidate(peer("192.0.2.5", "192.0.2.5", asn=64515), as_path=[64515, 64516, 64520]),
        candidate(peer("192.0.2.6", "192.0.2.6", INTERNAL, 64512), local_pref=90),
        candidate(peer("192.0.2.7", "192.0.2.7", stale=True)),
        candidate(peer("192.0.2.8", "192.0.2.8"), next_hop="198.51.100.9"),
    ]
    said = [f"{each.candidate.source.address} {each}" for each in explain(reversed(candidates), cost)]
    assert said == [
        "192.0.2.1 is the best",
        "192.0.2.2 has a higher router ID (192.0.2.2, the best has 192.0.2.1)",
        "192.0.2.3 has a higher MED (20, a path from AS 64513 has 10)",
        "192.0.2.4 comes from an internal peer, the best from an external one",
        "192.0.2.5 has a longer AS path (3 ASes, the best has 2)",
        "192.0.2.6 has a lower LOCAL_PREF (90, the best has 100)",
        "192.0.2.7 is long-lived stale, the best is not",
        "192.0.2.8 has a next hop that cannot be reached (198.51.100.9)",
    ]
