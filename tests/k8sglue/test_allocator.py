"""The allocator: the order of preference, refusals by name, and what holds whatever happens."""

import attrs
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule

from k8sglue.allocator import Allocator, Change, Refusal, Settled
from k8sglue.config import Config
from k8sglue.resources import Key, Service
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
    settled = made.settle(service())
    assert settled == Settled(
        addresses=addresses("10.211.55.240"), pool="my-ip-space", change=Change.ASSIGNED
    )


def test_the_lowest_free_address_comes_first_also_after_one_was_given_back() -> None:
    made = allocator(OTHER)
    for name in "abc":
        made.settle(service(name))
    made.release(Key("default", "b"))
    made.release(Key("default", "a"))
    assert made.settle(service("d")).addresses == addresses("10.0.1.1")
    assert made.settle(service("e")).addresses == addresses("10.0.1.2")
    assert made.settle(service("f")).addresses == addresses("10.0.1.4")


def test_an_address_that_was_asked_for_and_given_back_does_not_come_before_lower_ones() -> None:
    made = allocator(OTHER)
    made.settle(service("a", load_balancer_ip="10.0.1.8"))
    made.release(Key("default", "a"))
    assert [made.settle(service(name)).addresses for name in "bc"] == [
        addresses("10.0.1.1"),
        addresses("10.0.1.2"),
    ]


def test_an_exhausted_pool_refuses_and_serves_again_after_a_release() -> None:
    made = allocator(SMALL)
    made.settle(service("a"))
    made.settle(service("b"))
    assert made.settle(service("c")) == Settled(refusal=Refusal.NO_FREE_ADDRESS)
    assert made.release(Key("default", "a"))
    assert made.settle(service("c")).addresses == addresses("10.0.0.1")


def test_pools_are_used_in_the_order_of_their_names() -> None:
    made = allocator(SMALL, OTHER, pool("aside", "10.9.0.0-10.9.0.9", auto_assign=False))
    assert made.settle(service("a")).pool == "other"


def test_the_next_pool_serves_when_one_is_exhausted() -> None:
    made = allocator(SMALL, pool("tiny", "10.0.2.1-10.0.2.1"))
    assert [made.settle(service(name)).pool for name in "abc"] == ["small", "small", "tiny"]


def test_a_pool_can_be_asked_for_by_either_annotation() -> None:
    made = allocator(SMALL, OTHER)
    for index, prefix in enumerate(("metallb.io", "metallb.universe.tf")):
        settled = made.settle(service(f"s{index}", annotations={f"{prefix}/address-pool": "small"}))
        assert settled.pool == "small"
    refused = made.settle(service("c", annotations={"metallb.io/address-pool": "small"}))
    assert (refused.refusal, refused.detail) == (Refusal.POOL_EXHAUSTED, "small")
    refused = made.settle(service("d", annotations={"metallb.io/address-pool": "none"}))
    assert (refused.refusal, refused.detail) == (Refusal.UNKNOWN_POOL, "none")


def test_an_address_can_be_asked_for_even_from_a_pool_that_does_not_assign() -> None:
    made = allocator(pool("aside", "10.0.0.0-10.0.0.9", auto_assign=False))
    assert made.settle(service("a", load_balancer_ip="10.0.0.0")).addresses == addresses("10.0.0.0")


def test_wishes_that_can_not_be_met_are_refused_by_name() -> None:
    made = allocator(SMALL, OTHER)
    made.settle(service("a", load_balancer_ip="10.0.0.1"))
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
        settled = made.settle(service("b", **fields))
        assert settled.refusal is refusal
        assert settled.addresses == ()
        assert str(fields["load_balancer_ip"]) in settled.detail


def test_a_wish_that_can_not_be_met_does_not_cost_the_address_that_one_has() -> None:
    made = allocator(SMALL)
    has = written(made.settle(service("a")), service("a"))
    settled = made.settle(attrs.evolve(has, load_balancer_ip="192.0.2.1"))
    assert settled.addresses == addresses("10.0.0.1")
    assert (settled.refusal, settled.change) == (Refusal.OUTSIDE_ALL_POOLS, Change.NONE)


def test_a_new_wish_moves_a_service() -> None:
    made = allocator(SMALL, OTHER)
    has = written(made.settle(service("a")), service("a"))
    moved = made.settle(attrs.evolve(has, load_balancer_ip="10.0.0.2"))
    assert (moved.addresses, moved.change) == (addresses("10.0.0.2"), Change.ASSIGNED)
    assert made.settle(service("b", load_balancer_ip="10.0.1.1")).addresses == addresses("10.0.1.1")


def test_what_the_status_says_is_kept_after_a_restart() -> None:
    made = allocator(SMALL)
    settled = made.settle(service("z", ingress=("10.0.0.2",)))
    assert settled == Settled(addresses=addresses("10.0.0.2"), pool="small")
    assert made.settle(service("a")).addresses == addresses("10.0.0.1")


def test_of_two_services_with_one_address_the_first_keeps_it() -> None:
    made = allocator(SMALL)
    assert made.settle(service("a", ingress=("10.0.0.1",))).change is Change.NONE
    settled = made.settle(service("b", ingress=("10.0.0.1",)))
    assert (settled.addresses, settled.change) == (addresses("10.0.0.2"), Change.ASSIGNED)


def test_an_address_outside_of_all_pools_is_exchanged_or_taken_back() -> None:
    made = allocator(SMALL)
    settled = made.settle(service("a", ingress=("192.0.2.1",)))
    assert (settled.addresses, settled.change) == (addresses("10.0.0.1"), Change.ASSIGNED)
    made.settle(service("b"))
    settled = made.settle(service("c", ingress=("192.0.2.1",)))
    assert (settled.addresses, settled.change) == ((), Change.CLEARED)


def test_nothing_is_taken_while_there_is_no_configuration() -> None:
    made = Allocator(lowest)
    assert made.settle(service("a", ingress=("192.0.2.1",))).addresses == addresses("192.0.2.1")
    assert made.settle(service("b")).refusal is Refusal.NO_CONFIG


def test_an_address_that_may_be_of_a_pool_set_aside_is_kept_and_given_to_nobody_else() -> None:
    made = allocator(SMALL, complete=False)
    settled = made.settle(service("a", ingress=("192.0.2.1",)))
    assert (settled.addresses, settled.pool, settled.change) == (addresses("192.0.2.1"), "", Change.NONE)
    assert made.settle(service("b", ingress=("192.0.2.1",))).addresses == addresses("10.0.0.1")


def test_a_pool_that_shrinks_moves_its_services() -> None:
    made = allocator(OTHER)
    has = written(made.settle(service("a")), service("a"))
    made.configure(pools(SMALL))
    assert made.settle(has).addresses == addresses("10.0.0.1")
    assert len(made.assignments) == 1


def test_addresses_that_break_old_networks_are_not_given_out() -> None:
    made = allocator(pool("a", "10.0.0.254-10.0.1.1", avoid_buggy_ips=True))
    assert [made.settle(service(name)).addresses for name in "abc"] == [
        addresses("10.0.0.254"),
        addresses("10.0.1.1"),
        (),
    ]


def test_an_ipv6_pool_of_any_size_costs_nothing() -> None:
    made = allocator(pool("six", "2001:db8::-2001:db8::ffff:ffff:ffff:ffff"))
    assert made.settle(service("a", cluster_ips=("fd00::1",))).addresses == addresses("2001:db8::")
    assert made.settle(service("b")).refusal is Refusal.NO_FREE_ADDRESS


DUAL = pool("dual", "10.0.0.1-10.0.0.1", "2001:db8::1-2001:db8::9")


def test_a_dual_stack_service_gets_both_families_from_one_pool() -> None:
    made = allocator(DUAL, pool("four", "10.0.5.1-10.0.5.9"))
    both = ("fd00::1", "10.96.0.1")
    first = made.settle(service("a", cluster_ips=both, ip_family_policy="RequireDualStack"))
    assert first.addresses == addresses("2001:db8::1", "10.0.0.1")
    assert made.settle(service("b", cluster_ips=both, ip_family_policy="RequireDualStack")).addresses == ()
    preferred = made.settle(service("c", cluster_ips=both, ip_family_policy="PreferDualStack"))
    assert preferred.addresses == addresses("2001:db8::2")


def test_an_address_that_the_pool_avoids_can_not_be_asked_for_but_is_kept() -> None:
    made = allocator(pool("a", "10.0.0.0-10.0.0.9", avoid_buggy_ips=True))
    assert made.settle(service("a", load_balancer_ip="10.0.0.0")).refusal is Refusal.BUGGY_ADDRESS
    has = service("b", load_balancer_ip="10.0.0.0", ingress=("10.0.0.0",))
    assert made.settle(has).addresses == addresses("10.0.0.0")


def test_an_address_that_a_status_has_twice_counts_once() -> None:
    made = Allocator(lowest)
    made.settle(service("a", ingress=("10.0.0.1", "10.0.0.1")))
    made.configure(pools(SMALL))
    settled = made.settle(
        service("a", ingress=("10.0.0.1", "10.0.0.1"), cluster_ips=("10.96.0.1", "10.96.0.2"))
    )
    assert settled.addresses == addresses("10.0.0.1")
    assert made.release(Key("default", "a"))


NAMES = st.sampled_from([f"s{number}" for number in range(12)])
WISHES = st.sampled_from(
    ["", "", "", "10.0.0.2", "10.0.1.4", "10.0.2.1", "10.0.2.0", "nonsense", "2001:db8::2"]
)
WANTED_POOLS = st.sampled_from(["", "", "", "small", "other", "six", "gone"])
CONFIGS = st.sampled_from(
    [
        pools(SMALL, OTHER, pool("six", "2001:db8::1-2001:db8::3")),
        pools(SMALL),
        pools(OTHER, pool("third", "10.0.2.0-10.0.2.3", avoid_buggy_ips=True)),
        pools(OTHER, complete=False),
        pools(pool("small", "10.0.0.2-10.0.0.6"), pool("six", "2001:db8::2-2001:db8::2")),
    ]
)


class AllocatorLife(RuleBasedStateMachine):
    """Services come and go, pools change, the controller restarts: no address twice, none invented, none lost."""

    services = Bundle("services")

    @initialize(chosen=CONFIGS)
    def start(self, chosen: Config) -> None:
        self.config = chosen
        self.known: dict[Key, Service] = {}
        self.restart()

    @rule(
        target=services,
        name=NAMES,
        wish=WISHES,
        wanted=WANTED_POOLS,
        families=st.sampled_from([("10.96.0.1",), ("fd00::1",), ("10.96.0.1", "fd00::1")]),
    )
    def apply(self, name: str, wish: str, wanted: str, families: tuple[str, ...]) -> Key:
        annotations = {"metallb.io/address-pool": wanted} if wanted else {}
        changed = service(
            name,
            load_balancer_ip=wish,
            annotations=annotations,
            cluster_ips=families,
            ip_family_policy="PreferDualStack",
        )
        old = self.known.get(changed.key)
        self.known[changed.key] = attrs.evolve(changed, ingress=old.ingress if old else ())
        self.settle(changed.key)
        return changed.key

    @rule(key=consumes(services))
    def delete(self, key: Key) -> None:
        self.known.pop(key, None)
        self.allocator.release(key)

    @rule(chosen=CONFIGS)
    def reconfigure(self, chosen: Config) -> None:
        self.config = chosen
        self.allocator.configure(chosen)
        self.settle_all()

    @rule()
    def restart(self) -> None:
        before = {key: known.ingress for key, known in self.known.items()}
        self.allocator = Allocator(lowest)
        self.allocator.configure(self.config)
        self.settle_all()
        assert {key: known.ingress for key, known in self.known.items() if before[key]} == {
            key: ingress for key, ingress in before.items() if ingress
        }

    def settle_all(self) -> None:
        for key in sorted(self.known, key=lambda key: (not self.known[key].ingress, key)):
            self.settle(key)

    def settle(self, key: Key) -> None:
        settled = self.allocator.settle(self.known[key])
        assert bool(settled.addresses) or settled.refusal is not None
        self.known[key] = written(settled, self.known[key])

    @invariant()
    def no_address_twice(self) -> None:
        held = [address for assigned in self.allocator.assignments.values() for address in assigned]
        assert len(held) == len(set(held))

    @invariant()
    def status_and_memory_agree(self) -> None:
        assert {key: tuple(map(str, assigned)) for key, assigned in self.allocator.assignments.items()} == {
            key: known.ingress for key, known in self.known.items() if known.ingress
        }

    @invariant()
    def none_outside_a_pool(self) -> None:
        if self.config.complete:
            held = [address for assigned in self.allocator.assignments.values() for address in assigned]
            assert all(self.config.pool_of(address) for address in held)

    @invariant()
    def none_lost(self) -> None:
        """Whoever asks for every address one after the other gets all that are free."""
        copy = Allocator(lowest)
        copy.configure(self.config)
        free = {
            each.name: sum(addresses.size for addresses in each.ranges if addresses.first.version == 4)
            - sum(address in each and address.version == 4 for address in self.allocator._owners)
            - len([1 for text in self._buggy(each) if text not in map(str, self.allocator._owners)])
            for each in self.config.pools.values()
        }
        probes = [service(f"probe-{number}") for number in range(sum(free.values()) + 1)]
        served = [probe for probe in probes if self.allocator.settle(probe).addresses]
        for probe in probes:
            self.allocator.release(probe.key)
        assert len(served) == sum(free.values())

    @staticmethod
    def _buggy(each: object) -> list[str]:
        return ["10.0.2.0"] if getattr(each, "avoid_buggy_ips", False) else []


TestAllocatorLife = AllocatorLife.TestCase
