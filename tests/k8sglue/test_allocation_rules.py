"""The allocator's rules beyond one address for one Service: dual stack, sharing, scopes, quotas, rest, and retries."""

import itertools
import random
from typing import Any

import attrs

from k8sglue.allocator import Allocator, Change, PoolCounters, Refusal
from k8sglue.config import AllocationOrder, ServiceScope
from k8sglue.resources import Key
from k8sglue.selectors import Operator, Requirement, Selector
from tests.k8sglue.allocating import BOTH, Cluster, asking, ports, ranges
from tests.k8sglue.objects import addresses, pool, pools

PREFERS: dict[str, Any] = {"cluster_ips": BOTH, "ip_family_policy": "PreferDualStack"}
REQUIRES: dict[str, Any] = {"cluster_ips": BOTH, "ip_family_policy": "RequireDualStack"}
SIX: dict[str, Any] = {"cluster_ips": ("fd00::1",)}
TWO = pool("two", "10.0.0.1-10.0.0.2")
DUAL = pool("dual", "10.0.0.1-10.0.0.2", "2001:db8::1-2001:db8::1")


def selecting(**labels: str) -> tuple[Selector, ...]:
    return tuple(
        Selector((Requirement(key, Operator.IN, frozenset({value})),)) for key, value in labels.items()
    )


# Dual stack


def test_one_who_prefers_dual_stack_is_completed_from_the_same_pool_later() -> None:
    made = Cluster(pools(DUAL, pool("more", "2001:db8:1::1-2001:db8:1::9")))
    made.apply(asking("six", pool="dual", **SIX))
    settled = made.apply(asking("a", pool="dual", **PREFERS))
    assert (settled.addresses, settled.change) == (addresses("10.0.0.1"), Change.ASSIGNED)
    assert (settled.refusal, settled.detail) == (Refusal.INCOMPLETE, "dual")
    made.apply(asking("a", **PREFERS))
    assert made.has("a") == ("10.0.0.1",)
    made.delete("six")
    assert made.retry() == [Key("default", "a")]
    assert made.has("a") == ("10.0.0.1", "2001:db8::1")
    assert made.last[Key("default", "a")].refusal is None


def test_a_preference_that_the_pool_was_not_made_for_is_no_reason_to_complain() -> None:
    made = Cluster(pools(TWO))
    settled = made.apply(asking("a", **PREFERS))
    assert (settled.addresses, settled.refusal) == (addresses("10.0.0.1"), None)
    assert made.apply(asking("a", **PREFERS)).refusal is None
    made.configure(pools(DUAL))
    assert made.has("a") == ("10.0.0.1", "2001:db8::1")


def test_dual_stack_that_is_required_is_worth_a_move() -> None:
    made = Cluster(pools(DUAL, TWO))
    made.apply(asking("six", **SIX), asking("a", pool="dual"))
    settled = made.apply(asking("a", **REQUIRES))
    assert (settled.addresses, settled.refusal) == (addresses("10.0.0.1"), Refusal.INCOMPLETE)
    other = pool("other", "10.0.9.1-10.0.9.1", "2001:db8:9::1-2001:db8:9::1")
    made.configure(pools(DUAL, other))
    assert made.has("a") == ("10.0.9.1", "2001:db8:9::1")


def test_one_that_has_only_one_family_left_keeps_the_address_of_that() -> None:
    made = Cluster(pools(DUAL))
    made.apply(asking("a", **REQUIRES))
    settled = made.apply(asking("a"))
    assert (settled.addresses, settled.change) == (addresses("10.0.0.1"), Change.ASSIGNED)
    assert made.counters(DUAL) == PoolCounters(assigned_ipv4=1, available_ipv4=1, available_ipv6=1)


def test_one_address_that_is_asked_for_is_completed_with_another_one() -> None:
    made = Cluster(pools(DUAL))
    assert made.apply(asking("a", "10.0.0.2", **PREFERS)).addresses == addresses("10.0.0.2", "2001:db8::1")
    settled = made.apply(asking("b", "10.0.0.1", **REQUIRES))
    assert (settled.addresses, settled.refusal) == ((), Refusal.INCOMPLETE)
    settled = made.apply(asking("c", "10.0.0.1", **PREFERS))
    assert (settled.addresses, settled.refusal) == (addresses("10.0.0.1"), Refusal.INCOMPLETE)
    made.delete("c")
    made.delete("a")
    made.retry()
    assert made.has("b") == ("10.0.0.1", "2001:db8::1")


def test_both_addresses_that_are_asked_for_are_of_one_pool() -> None:
    made = Cluster(pools(DUAL, pool("other", "10.0.9.1-10.0.9.1")))
    settled = made.apply(asking("a", "10.0.9.1,2001:db8::1", **PREFERS))
    assert settled.refusal is Refusal.DIFFERENT_POOLS
    assert made.apply(asking("a", "2001:db8::1,10.0.0.2", **PREFERS)).addresses == addresses(
        "10.0.0.2", "2001:db8::1"
    )


def test_a_status_in_another_order_is_no_change() -> None:
    made = Cluster(pools(DUAL))
    settled = made.apply(asking("a", ingress=("2001:DB8::1", "10.0.0.1"), **PREFERS))
    assert (settled.addresses, settled.change) == (addresses("10.0.0.1", "2001:db8::1"), Change.NONE)


def test_a_pool_that_lacks_a_family_that_is_required_is_of_no_use() -> None:
    made = Cluster(pools(TWO))
    assert made.apply(asking("a", **REQUIRES)).refusal is Refusal.NO_POOL
    assert made.apply(asking("a", pool="two", **REQUIRES)).refusal is Refusal.LACKS_FAMILY
    assert made.apply(asking("a", "10.0.0.1", **REQUIRES)).refusal is Refusal.LACKS_FAMILY
    assert made.apply(asking("a", "10.0.0.1", **PREFERS)).refusal is None
    settled = made.apply(asking("a", **REQUIRES))
    assert (settled.addresses, settled.refusal) == (addresses("10.0.0.1"), Refusal.INCOMPLETE)


def test_an_address_of_a_pool_set_aside_is_kept_but_not_completed() -> None:
    for wish in ("", "192.0.2.1"):
        made = Cluster(pools(DUAL, complete=False))
        settled = made.apply(asking("a", wish, ingress=("192.0.2.1",), **REQUIRES))
        assert (settled.addresses, settled.pool) == (addresses("192.0.2.1"), "")
        assert settled.refusal is Refusal.INCOMPLETE


# Sharing


def test_one_who_lost_a_family_in_part_is_completed_at_once() -> None:
    made = Cluster(pools(DUAL))
    settled = made.apply(asking("a", ingress=("10.0.0.2", "2001:db8:9::1"), **PREFERS))
    assert (settled.addresses, settled.change) == (addresses("10.0.0.2", "2001:db8::1"), Change.ASSIGNED)


def test_those_who_share_get_the_lowest_address_that_they_can_join() -> None:
    made = Cluster(pools(pool("p", "10.0.0.1-10.0.0.9")))
    made.apply(asking("first"))
    for name, number in (("a", 80), ("b", 80), ("c", 443), ("d", 80)):
        made.apply(asking(name, sharing="key", ports=ports(number)))
    assert [made.has(name) for name in "abcd"] == [("10.0.0.2",), ("10.0.0.3",), ("10.0.0.2",), ("10.0.0.4",)]
    assert made.counters(made.config.pools["p"]).assigned_ipv4 == 4


def test_an_address_that_was_shared_and_is_somebody_else_s_now_can_not_be_joined() -> None:
    made = Cluster(pools(TWO))
    made.apply(asking("a", sharing="key", ports=ports(80)))
    made.delete("a")
    made.apply(asking("b"), asking("c", sharing="key", ports=ports(80)))
    assert (made.has("b"), made.has("c")) == (("10.0.0.1",), ("10.0.0.2",))


def test_why_an_address_can_not_be_shared_is_told() -> None:
    made = Cluster(pools(TWO))
    local: dict[str, Any] = {"external_traffic_policy": "Local"}
    made.apply(asking("a", "10.0.0.1", sharing="key", ports=ports(80), selector={"app": "web"}, **local))
    reasons = [
        made.apply(asking("b", "10.0.0.1", ports=ports(443))),
        made.apply(asking("b", "10.0.0.1", sharing="key", ports=ports(443), selector={"app": "b"}, **local)),
        made.apply(asking("b", "10.0.0.1", sharing="key", ports=ports(80), selector={"app": "web"}, **local)),
    ]
    assert [(each.refusal, each.detail) for each in reasons] == [
        (Refusal.ADDRESS_TAKEN, "10.0.0.1 of default/a"),
        (Refusal.DIFFERENT_BACKENDS, "10.0.0.1 of default/a"),
        (Refusal.PORT_TAKEN, "10.0.0.1 TCP port 80 of default/a"),
    ]


def test_a_partner_who_leaves_makes_room() -> None:
    made = Cluster(pools(pool("p", "10.0.0.1-10.0.0.1")))
    made.apply(
        *(asking(name, sharing="key", ports=ports(number)) for name, number in (("a", 80), ("b", 443)))
    )
    made.apply(*(asking(name, sharing="key", ports=ports(443)) for name in ("c", "d")))
    made.apply(asking("e", "10.0.0.1", sharing="other"))
    made.delete("b")
    assert made.retry() == [Key("default", "c")]
    assert made.has("c") == ("10.0.0.1",)
    made.apply(asking("a", sharing="key", ports=ports(443, 80)))
    assert made.has("a") == ()


def test_a_sole_owner_may_change_its_key_and_whoever_waits_may_join_it_then() -> None:
    made = Cluster(pools(pool("p", "10.0.0.1-10.0.0.1")))
    made.apply(asking("a"), asking("b", sharing="key", ports=ports(443)))
    assert made.has("b") == ()
    settled = made.apply(asking("a", sharing="key", ports=ports(80)))
    assert (settled.addresses, settled.change) == (addresses("10.0.0.1"), Change.NONE)
    assert made.retry() == [Key("default", "b")]
    assert made.has("b") == ("10.0.0.1",)


# Scopes


def test_pools_for_some_come_before_pools_for_all_by_priority_then_by_name() -> None:
    scopes = {"z": 1, "m": 2, "b": 2, "y": 0}
    made = Cluster(
        pools(
            pool("a", "10.1.0.1-10.1.0.1"),
            *(
                attrs.evolve(
                    pool(name, f"10.0.{number}.1-10.0.{number}.1"),
                    scope=ServiceScope(priority=priority, namespaces=frozenset({"team"})),
                )
                for number, (name, priority) in enumerate(scopes.items())
            ),
        )
    )
    assert [made.apply(asking(f"team/{name}")).pool for name in "abcdef"] == ["z", "b", "m", "y", "a", ""]
    assert made.apply(asking("a")).refusal is Refusal.NO_FREE_ADDRESS


def test_a_pool_for_others_refuses_also_who_asks_for_it() -> None:
    mine = attrs.evolve(TWO, scope=ServiceScope(service_selectors=selecting(tier="front")))
    made = Cluster(pools(mine))
    assert made.apply(asking("a")).refusal is Refusal.NO_POOL
    assert made.apply(asking("a", pool="two")).refusal is Refusal.NOT_ADMITTED
    settled = made.apply(asking("a", "10.0.0.1"))
    assert (settled.refusal, settled.detail) == (Refusal.NOT_ADMITTED, "two of 10.0.0.1")
    assert made.apply(asking("a", labels={"tier": "front"})).addresses == addresses("10.0.0.1")
    assert made.apply(asking("a")).change is Change.CLEARED


def test_labels_of_a_namespace_decide_and_only_its_services_are_settled_again() -> None:
    mine = attrs.evolve(TWO, scope=ServiceScope(namespace_selectors=selecting(team="red")))
    made = Cluster(pools(mine, pool("rest", "10.0.5.1-10.0.5.9")), namespaces={"team": {"team": "red"}})
    made.apply(asking("team/a"), asking("b"), asking("c", "10.0.9.9"))
    assert (made.has("team/a"), made.has("b")) == (("10.0.0.1",), ("10.0.5.1",))
    assert made.configure(made.config, {"team": {"team": "red"}, "default": {}}) == {Key("default", "c")}
    assert made.configure(made.config, {"team": {"team": "blue"}, "default": {}}) == {Key("team", "a")}
    assert made.has("team/a") == ("10.0.5.2",)


# What a pool does not give to everybody


def test_reserved_addresses_are_given_to_those_who_ask() -> None:
    made = Cluster(pools(attrs.evolve(TWO, reserved=ranges("10.0.0.1-10.0.0.1"))))
    made.apply(asking("a"), asking("b"))
    assert (made.has("a"), made.has("b")) == (("10.0.0.2",), ())
    made.apply(asking("c", "10.0.0.1", sharing="key", ports=ports(80)))
    assert made.has("c") == ("10.0.0.1",)
    assert made.apply(asking("b", sharing="key", ports=ports(443))).addresses == ()
    assert made.apply(asking("d", "10.0.0.1", sharing="key", ports=ports(443))).addresses == addresses(
        "10.0.0.1"
    )


def test_a_namespace_gets_no_more_than_its_quota() -> None:
    made = Cluster(pools(attrs.evolve(pool("p", "10.0.0.1-10.0.0.9"), quota=2)))
    made.apply(asking("a"), asking("b", sharing="key", ports=ports(80)), asking("team/a"))
    settled = made.apply(asking("c"))
    assert (settled.refusal, settled.detail) == (Refusal.QUOTA_EXCEEDED, "2 of p in default")
    assert made.apply(asking("d", sharing="key", ports=ports(443))).addresses == addresses("10.0.0.2")
    assert made.apply(asking("e", "10.0.0.9")).refusal is Refusal.QUOTA_EXCEEDED
    assert made.apply(asking("a", "10.0.0.8")).addresses == addresses("10.0.0.8")
    made.delete("team/a")
    assert made.retry() == []
    made.delete("a")
    made.retry()
    assert sum(bool(made.has(name)) for name in "ce") == 1


def test_an_address_counts_for_the_quota_until_its_last_service_of_the_namespace_left() -> None:
    made = Cluster(pools(attrs.evolve(TWO, quota=1)))
    made.apply(
        *(asking(name, sharing="key", ports=ports(number)) for name, number in (("a", 80), ("b", 443)))
    )
    assert made.apply(asking("c")).refusal is Refusal.QUOTA_EXCEEDED
    made.delete("a")
    assert made.retry() == []
    made.delete("b")
    assert made.retry() == [Key("default", "c")]
    assert made.has("c") == ("10.0.0.1",)


def test_a_shared_address_that_the_namespace_has_costs_nothing_of_its_quota() -> None:
    made = Cluster(pools(attrs.evolve(DUAL, quota=2)))
    made.apply(asking("a", sharing="key", ports=ports(80)))
    settled = made.apply(asking("b", sharing="key", ports=ports(443), **REQUIRES))
    assert settled.addresses == addresses("10.0.0.1", "2001:db8::1")


def test_room_under_a_quota_helps_who_waits_for_it_though_no_address_became_free() -> None:
    made = Cluster(pools(attrs.evolve(TWO, quota=1)))
    made.apply(
        *(asking(name, sharing="key", ports=ports(number)) for name, number in (("a", 80), ("team/a", 443)))
    )
    made.apply(asking("b"))
    made.delete("a")
    assert made.retry() == [Key("default", "b")]
    assert (made.has("b"), made.has("team/a")) == (("10.0.0.2",), ("10.0.0.1",))


def test_ports_that_a_service_no_longer_has_are_for_others() -> None:
    made = Cluster(pools(pool("p", "10.0.0.1-10.0.0.1")))
    made.apply(asking("a", sharing="key", ports=ports(80, 443)), asking("b", sharing="key", ports=ports(443)))
    made.apply(asking("c", "10.0.0.1", sharing="key", ports=ports(8443)))
    made.apply(asking("d", "10.0.0.1", sharing="key", ports=ports(80)))
    made.apply(asking("a", sharing="key", ports=ports(22)))
    assert sorted(made.retry()) == [Key("default", "b"), Key("default", "d")]
    made.delete("c")
    made.delete("b")
    made.delete("d")
    made.delete("a")
    assert made.apply(asking("e", sharing="key", ports=ports(443))).addresses == addresses("10.0.0.1")
    assert made.apply(asking("f", sharing="other")).addresses == ()


def test_addresses_above_a_quota_that_was_lowered_are_kept() -> None:
    made = Cluster(pools(TWO))
    made.apply(asking("a"), asking("b"))
    assert made.configure(pools(attrs.evolve(TWO, quota=1))) == set()
    made.restart()
    assert (made.has("a"), made.has("b")) == (("10.0.0.1",), ("10.0.0.2",))


def test_an_address_rests_before_somebody_else_gets_it() -> None:
    made = Cluster(pools(attrs.evolve(TWO, reuse_delay=30.0)))
    made.apply(asking("a"), asking("b"), asking("c"))
    assert made.allocator.next_retry() is None
    made.delete("a")
    assert made.retry() == []
    assert made.allocator.next_retry() == 30.0
    made.now = 29.0
    assert made.retry() == []
    assert made.apply(asking("a")).addresses == addresses("10.0.0.1")
    made.delete("a")
    assert made.retry() == []
    made.now = 59.0
    assert made.retry() == [Key("default", "c")]
    assert made.has("c") == ("10.0.0.1",)
    assert made.allocator.next_retry() is None


def test_what_rests_survives_other_pools() -> None:
    resting = attrs.evolve(TWO, reuse_delay=30.0)
    made = Cluster(pools(resting))
    made.apply(asking("a"))
    made.delete("a")
    made.configure(pools(resting, pool("unlike", "10.0.7.1-10.0.7.1", auto_assign=False)))
    assert made.apply(asking("b")).addresses == addresses("10.0.0.2")
    assert made.apply(asking("c", "10.0.0.1")).addresses == addresses("10.0.0.1")


def test_random_addresses_are_all_of_a_pool_of_any_size() -> None:
    huge = attrs.evolve(pool("p", "2001:db8::-2001:db8::ffff:ffff:ffff:ffff"), order=AllocationOrder.RANDOM)
    made = Cluster(pools(huge), draw=random.Random(6).randrange)
    found = {made.apply(asking(f"s{number}", **SIX)).addresses[0] for number in range(50)}
    assert len(found) == 50
    assert max(map(int, found)) - min(map(int, found)) > 2**60
    assert made.counters(huge) == PoolCounters(assigned_ipv6=50, available_ipv6=2**64 - 50)


def test_a_random_address_is_drawn_only_for_somebody_who_gets_it() -> None:
    drawn: list[int] = []

    def draw(count: int) -> int:
        drawn.append(count)
        return count - 1

    made = Cluster(pools(attrs.evolve(TWO, order=AllocationOrder.RANDOM)), draw=draw)
    made.apply(asking("a"), asking("b"), asking("c"))
    assert (made.has("a"), made.has("b")) == (("10.0.0.2",), ("10.0.0.1",))
    made.delete("a")
    assert made.retry() == [Key("default", "c")]
    assert drawn == [2, 1, 1]


def test_a_kept_range_is_for_those_who_have_it() -> None:
    made = Cluster(pools(TWO))
    made.apply(asking("a"), asking("b"))
    made.delete("b")
    kept = attrs.evolve(TWO, ranges=ranges("10.0.3.1-10.0.3.1"), kept=TWO.ranges)
    assert made.configure(pools(kept)) == set()
    made.restart()
    assert made.has("a") == ("10.0.0.1",)
    assert made.counters(kept) == PoolCounters(assigned_ipv4=1, available_ipv4=1)
    assert made.apply(asking("c", "10.0.0.2")).refusal is Refusal.OUTSIDE_ALL_POOLS
    assert made.apply(asking("c")).addresses == addresses("10.0.3.1")
    assert made.apply(asking("a", "10.0.0.1")).refusal is None
    made.delete("a")
    assert made.counters(kept) == PoolCounters(assigned_ipv4=1)


def test_an_address_that_is_avoided_or_of_another_pool_can_not_be_asked_for() -> None:
    made = Cluster(
        pools(pool("buggy", "10.0.0.0-10.0.0.9", avoid_buggy_ips=True), pool("other", "10.0.1.1-10.0.1.9"))
    )
    assert made.apply(asking("a", "10.0.0.0")).refusal is Refusal.BUGGY_ADDRESS
    settled = made.apply(asking("a", "10.0.0.1", pool="other"))
    assert (settled.refusal, settled.detail) == (Refusal.OUTSIDE_THE_POOL, "10.0.0.1 and other")


def test_an_address_of_a_pool_set_aside_is_nobody_s_to_ask_for_but_may_be_shared_by_who_has_it() -> None:
    made = Cluster(pools(TWO, complete=False))
    made.apply(asking("a", ingress=("192.0.2.1",), sharing="key", ports=ports(80)))
    assert made.apply(asking("b", "192.0.2.1")).refusal is Refusal.OUTSIDE_ALL_POOLS
    both = asking("c", "192.0.2.1", ingress=("192.0.2.1",), sharing="key", ports=ports(443))
    assert made.apply(both).addresses == addresses("192.0.2.1")
    made.delete("a")
    assert made.has("c") == ("192.0.2.1",)


def test_what_rests_in_a_pool_that_is_gone_is_forgotten() -> None:
    made = Cluster(pools(attrs.evolve(TWO, reuse_delay=30.0)))
    made.apply(asking("a"))
    made.delete("a")
    made.configure(pools())
    made.configure(pools(attrs.evolve(TWO, reuse_delay=30.0)))
    assert made.apply(asking("b")).addresses == addresses("10.0.0.1")


# Who is asked again


def test_one_address_that_is_given_back_is_offered_to_one_service() -> None:
    made = Cluster(pools(TWO, pool("other", "10.0.1.1-10.0.1.1", auto_assign=False)))
    made.apply(
        *(asking(f"s{number}") for number in range(40)),
        asking("pool", pool="other"),
        asking("p2", pool="other"),
    )
    made.delete("s1")
    assert made.retry() == [Key("default", "s2")]
    made.delete("pool")
    assert made.retry() == [Key("default", "p2")]
    made.delete("s0")
    made.delete("s2")
    assert made.allocator.take_retries(0.0) == {Key("default", "s3"), Key("default", "s4")}


def test_one_who_left_the_line_is_not_asked() -> None:
    made = Cluster(pools(pool("p", "10.0.0.1-10.0.0.1")))
    made.apply(asking("a"), asking("b"), asking("c", "10.0.0.1"), asking("d"))
    made.delete("b")
    made.apply(asking("c", "10.9.9.9"))
    made.delete("a")
    assert made.retry() == [Key("default", "d")]


def test_an_address_that_is_asked_for_is_offered_to_those_who_asked() -> None:
    made = Cluster(pools(TWO))
    made.apply(
        asking("a", "10.0.0.1"), asking("b", "10.0.0.1"), asking("c", "10.0.0.1"), asking("d", "10.0.0.2")
    )
    made.apply(asking("a", "10.0.9.9"))
    assert made.has("a") == ("10.0.0.1",)
    made.delete("a")
    assert made.retry() == [Key("default", "b")]


def test_other_pools_concern_those_who_wait_and_those_whose_pool_is_not_what_it_was() -> None:
    made = Cluster(pools(TWO, pool("other", "10.0.1.1-10.0.1.9", auto_assign=False)))
    made.apply(asking("a"), asking("b"), asking("c"), asking("d", pool="other"))
    assert made.configure(pools(*made.config.pools.values())) == set()
    renamed = attrs.evolve(made.config.pools["other"], name="renamed")
    assert made.configure(pools(TWO, renamed)) == {Key("default", "c"), Key("default", "d")}
    settled = made.last[Key("default", "d")]
    assert (settled.addresses, settled.pool, settled.refusal) == (
        addresses("10.0.1.1"),
        "renamed",
        Refusal.UNKNOWN_POOL,
    )


def test_whoever_was_there_before_the_configuration_is_settled_by_it() -> None:
    made = Allocator(random.Random(1).randrange)
    named = asking("a"), asking("b", ingress=("10.0.0.1",))
    assert [made.settle(each, 0.0).refusal for each in named] == [Refusal.NO_CONFIG, None]
    assert made.configure(pools(TWO)) == {each.key for each in named}


def test_whatever_the_order_of_restart_nothing_moves() -> None:
    made = Cluster(pools(DUAL, pool("two", "10.0.1.1-10.0.1.2")))
    made.apply(
        asking("a", sharing="key", ports=ports(80), **PREFERS),
        asking("b", sharing="key", ports=ports(443)),
        asking("c", "10.0.1.2"),
    )
    before = {name: made.has(name) for name in "abc"}
    for order in itertools.permutations(made.services.values()):
        again = Allocator(random.Random(1).randrange)
        again.configure(made.config)
        assert again.keep(asking("new")) == ()
        for each in order:
            assert again.keep(each) == again.keep(attrs.evolve(each, ingress=()))
        assert {each.key.name: tuple(map(str, again.settle(each, 0.0).addresses)) for each in order} == before
