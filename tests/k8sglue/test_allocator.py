"""The allocator: the order of preference, refusals by name, and what holds whatever happens."""

import attrs

from k8sglue.allocator import Allocator, Change, Refusal, Settled
from k8sglue.resources import Key, Service
from k8sglue.stock import lowest
from tests.k8sglue.objects import addresses, config, pool, pools, service


def allocator(*members: object, **options: bool) -> Allocator:
    made = Allocator(lowest)
    made.configure(pools(*members, **options))  # type: ignore[arg-type]  # pools and nothing else
    return made


def written(settled: Settled, of: Service) -> Service:
    """The Service as it is once its status has been written."""
    return attrs.evolve(of, ingress=tuple(map(str, settled.addresses)))


SMALL = pool("small", "10.0.0.1-10.0.0.2")
OTHER = pool("other", "10.0.1.1-10.0.1.9")


def test_the_article_s_service_gets_the_first_address_of_the_pool() -> None:
    made = Allocator(lowest)
    made.configure(config())
    settled = made.settle(service(), 0.0)
    assert settled == Settled(
        addresses=addresses("10.211.55.240"), pool="my-ip-space", change=Change.ASSIGNED
    )


def test_the_lowest_free_address_comes_first_also_after_one_was_given_back() -> None:
    made = allocator(OTHER)
    for name in "abc":
        made.settle(service(name), 0.0)
    made.release(Key("default", "b"), 0.0)
    made.release(Key("default", "a"), 0.0)
    assert made.settle(service("d"), 0.0).addresses == addresses("10.0.1.1")
    assert made.settle(service("e"), 0.0).addresses == addresses("10.0.1.2")
    assert made.settle(service("f"), 0.0).addresses == addresses("10.0.1.4")


def test_an_address_that_was_asked_for_and_given_back_does_not_come_before_lower_ones() -> None:
    made = allocator(OTHER)
    made.settle(service("a", load_balancer_ip="10.0.1.8"), 0.0)
    made.release(Key("default", "a"), 0.0)
    assert [made.settle(service(name), 0.0).addresses for name in "bc"] == [
        addresses("10.0.1.1"),
        addresses("10.0.1.2"),
    ]


def test_an_exhausted_pool_refuses_and_serves_again_after_a_release() -> None:
    made = allocator(SMALL)
    made.settle(service("a"), 0.0)
    made.settle(service("b"), 0.0)
    assert made.settle(service("c"), 0.0) == Settled(refusal=Refusal.NO_FREE_ADDRESS)
    assert made.release(Key("default", "a"), 0.0)
    assert made.settle(service("c"), 0.0).addresses == addresses("10.0.0.1")


def test_pools_are_used_in_the_order_of_their_names() -> None:
    made = allocator(SMALL, OTHER, pool("aside", "10.9.0.0-10.9.0.9", auto_assign=False))
    assert made.settle(service("a"), 0.0).pool == "other"


def test_the_next_pool_serves_when_one_is_exhausted() -> None:
    made = allocator(SMALL, pool("tiny", "10.0.2.1-10.0.2.1"))
    assert [made.settle(service(name), 0.0).pool for name in "abc"] == ["small", "small", "tiny"]


def test_a_pool_can_be_asked_for_by_either_annotation() -> None:
    made = allocator(SMALL, OTHER)
    for index, prefix in enumerate(("metallb.io", "metallb.universe.tf")):
        settled = made.settle(service(f"s{index}", annotations={f"{prefix}/address-pool": "small"}), 0.0)
        assert settled.pool == "small"
    refused = made.settle(service("c", annotations={"metallb.io/address-pool": "small"}), 0.0)
    assert (refused.refusal, refused.detail) == (Refusal.POOL_EXHAUSTED, "small")
    refused = made.settle(service("d", annotations={"metallb.io/address-pool": "none"}), 0.0)
    assert (refused.refusal, refused.detail) == (Refusal.UNKNOWN_POOL, "none")


def test_an_address_can_be_asked_for_even_from_a_pool_that_does_not_assign() -> None:
    made = allocator(pool("aside", "10.0.0.0-10.0.0.9", auto_assign=False))
    assert made.settle(service("a", load_balancer_ip="10.0.0.0"), 0.0).addresses == addresses("10.0.0.0")


def test_wishes_that_can_not_be_met_are_refused_by_name() -> None:
    made = allocator(SMALL, OTHER)
    made.settle(service("a", load_balancer_ip="10.0.0.1"), 0.0)
    wishes: dict[Refusal, dict[str, object]] = {
        Refusal.ADDRESS_TAKEN: {"load_balancer_ip": "10.0.0.1"},
        Refusal.OUTSIDE_ALL_POOLS: {"load_balancer_ip": "192.0.2.1"},
        Refusal.MALFORMED_ADDRESS: {"load_balancer_ip": "10.0.0.256"},
        Refusal.WRONG_FAMILY: {"load_balancer_ip": "2001:db8::1"},
        Refusal.OUTSIDE_THE_POOL: {
            "load_balancer_ip": "10.0.0.2",
            "annotations": {"metallb.universe.tf/address-pool": "other"},
        },
    }
    for refusal, fields in wishes.items():
        settled = made.settle(service("b", **fields), 0.0)
        assert settled.refusal is refusal
        assert settled.addresses == ()
        assert str(fields["load_balancer_ip"]) in settled.detail


def test_a_wish_that_can_not_be_met_does_not_cost_the_address_that_one_has() -> None:
    made = allocator(SMALL)
    has = written(made.settle(service("a"), 0.0), service("a"))
    settled = made.settle(attrs.evolve(has, load_balancer_ip="192.0.2.1"), 0.0)
    assert settled.addresses == addresses("10.0.0.1")
    assert (settled.refusal, settled.change) == (Refusal.OUTSIDE_ALL_POOLS, Change.NONE)


def test_a_new_wish_moves_a_service() -> None:
    made = allocator(SMALL, OTHER)
    has = written(made.settle(service("a"), 0.0), service("a"))
    moved = made.settle(attrs.evolve(has, load_balancer_ip="10.0.0.2"), 0.0)
    assert (moved.addresses, moved.change) == (addresses("10.0.0.2"), Change.ASSIGNED)
    assert made.settle(service("b", load_balancer_ip="10.0.1.1"), 0.0).addresses == addresses("10.0.1.1")


def test_what_the_status_says_is_kept_after_a_restart() -> None:
    made = allocator(SMALL)
    settled = made.settle(service("z", ingress=("10.0.0.2",)), 0.0)
    assert settled == Settled(addresses=addresses("10.0.0.2"), pool="small")
    assert made.settle(service("a"), 0.0).addresses == addresses("10.0.0.1")


def test_of_two_services_with_one_address_the_first_keeps_it() -> None:
    made = allocator(SMALL)
    assert made.settle(service("a", ingress=("10.0.0.1",)), 0.0).change is Change.NONE
    settled = made.settle(service("b", ingress=("10.0.0.1",)), 0.0)
    assert (settled.addresses, settled.change) == (addresses("10.0.0.2"), Change.ASSIGNED)


def test_an_address_outside_of_all_pools_is_exchanged_or_taken_back() -> None:
    made = allocator(SMALL)
    settled = made.settle(service("a", ingress=("192.0.2.1",)), 0.0)
    assert (settled.addresses, settled.change) == (addresses("10.0.0.1"), Change.ASSIGNED)
    made.settle(service("b"), 0.0)
    settled = made.settle(service("c", ingress=("192.0.2.1",)), 0.0)
    assert (settled.addresses, settled.change) == ((), Change.CLEARED)


def test_nothing_is_taken_while_there_is_no_configuration() -> None:
    made = Allocator(lowest)
    assert made.settle(service("a", ingress=("192.0.2.1",)), 0.0).addresses == addresses("192.0.2.1")
    assert made.settle(service("b"), 0.0).refusal is Refusal.NO_CONFIG


def test_an_address_that_may_be_of_a_pool_set_aside_is_kept_and_given_to_nobody_else() -> None:
    made = allocator(SMALL, complete=False)
    settled = made.settle(service("a", ingress=("192.0.2.1",)), 0.0)
    assert (settled.addresses, settled.pool, settled.change) == (addresses("192.0.2.1"), "", Change.NONE)
    assert made.settle(service("b", ingress=("192.0.2.1",)), 0.0).addresses == addresses("10.0.0.1")


def test_a_pool_that_shrinks_moves_its_services() -> None:
    made = allocator(OTHER)
    has = written(made.settle(service("a"), 0.0), service("a"))
    made.configure(pools(SMALL))
    assert made.settle(has, 0.0).addresses == addresses("10.0.0.1")
    assert len(made.assignments) == 1


def test_addresses_that_break_old_networks_are_not_given_out() -> None:
    made = allocator(pool("a", "10.0.0.254-10.0.1.1", avoid_buggy_ips=True))
    assert [made.settle(service(name), 0.0).addresses for name in "abc"] == [
        addresses("10.0.0.254"),
        addresses("10.0.1.1"),
        (),
    ]


def test_an_ipv6_pool_of_any_size_costs_nothing() -> None:
    made = allocator(pool("six", "2001:db8::-2001:db8::ffff:ffff:ffff:ffff"))
    assert made.settle(service("a", cluster_ips=("fd00::1",)), 0.0).addresses == addresses("2001:db8::")
    assert made.settle(service("b"), 0.0).refusal is Refusal.NO_POOL


DUAL = pool("dual", "10.0.0.1-10.0.0.1", "2001:db8::1-2001:db8::9")


def test_a_dual_stack_service_gets_both_families_from_one_pool() -> None:
    made = allocator(DUAL, pool("four", "10.0.5.1-10.0.5.9"))
    both = ("fd00::1", "10.96.0.1")
    first = made.settle(service("a", cluster_ips=both, ip_family_policy="RequireDualStack"), 0.0)
    assert first.addresses == addresses("10.0.0.1", "2001:db8::1")
    assert (
        made.settle(service("b", cluster_ips=both, ip_family_policy="RequireDualStack"), 0.0).addresses == ()
    )
    preferred = made.settle(service("c", cluster_ips=both, ip_family_policy="PreferDualStack"), 0.0)
    assert preferred.addresses == addresses("2001:db8::2")


def test_an_address_that_the_pool_avoids_can_not_be_asked_for_but_is_kept() -> None:
    made = allocator(pool("a", "10.0.0.0-10.0.0.9", avoid_buggy_ips=True))
    assert made.settle(service("a", load_balancer_ip="10.0.0.0"), 0.0).refusal is Refusal.BUGGY_ADDRESS
    has = service("b", load_balancer_ip="10.0.0.0", ingress=("10.0.0.0",))
    assert made.settle(has, 0.0).addresses == addresses("10.0.0.0")


def test_an_address_that_a_status_has_twice_counts_once() -> None:
    made = Allocator(lowest)
    made.settle(service("a", ingress=("10.0.0.1", "10.0.0.1")), 0.0)
    made.configure(pools(SMALL))
    settled = made.settle(
        service("a", ingress=("10.0.0.1", "10.0.0.1"), cluster_ips=("10.96.0.1", "10.96.0.2")), 0.0
    )
    assert settled.addresses == addresses("10.0.0.1")
    assert made.release(Key("default", "a"), 0.0)
