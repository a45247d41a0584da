"""Services come and go, pools change, time passes, the controller restarts: the allocator does what a naive one does.

The naive one (naive.py) says for each Service what becomes of it, and what could become of those that wait. What must
hold of any allocator is said here once more, in terms of the statuses alone.
"""

from collections.abc import Mapping

import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from k8sglue.config import AllocationOrder, Config, ServiceScope, parse_address
from k8sglue.refusals import Refusal
from k8sglue.resources import Key, Service
from k8sglue.selectors import Operator, Requirement, Selector
from k8sglue.settled import Settled
from tests.k8sglue.allocating import Cluster, Labels, asking, ports, ranges
from tests.k8sglue.naive import Naive, may_share
from tests.k8sglue.objects import pool, pools

RED = Selector((Requirement("team", Operator.IN, frozenset({"red"})),))
TEAM = ServiceScope(priority=2, namespaces=frozenset({"team"}))
SELECTED = ServiceScope(priority=0, namespace_selectors=(RED,))
LABELLED = ServiceScope(priority=1, service_selectors=(RED,))
SMALL = pool("small", "10.0.0.1-10.0.0.3", "2001:db8::1-2001:db8::2")
FOUR = pool("four", "10.0.1.0-10.0.1.2", avoid_buggy_ips=True)
SIX = pool("six", "2001:db8::10-2001:db8::11")
RESERVING = attrs.evolve(
    pool("reserving", "10.0.2.1-10.0.2.5", "2001:db8::21-2001:db8::23"),
    reserved=ranges("10.0.2.1-10.0.2.2", "2001:db8::23-2001:db8::23"),
    quota=2,
)
CONFIGS = [
    pools(SMALL),
    pools(SMALL, FOUR, SIX),
    pools(
        attrs.evolve(SMALL, quota=1), attrs.evolve(SIX, scope=SELECTED), attrs.evolve(FOUR, scope=LABELLED)
    ),
    pools(attrs.evolve(SMALL, reuse_delay=10.0), RESERVING),
    pools(
        attrs.evolve(SMALL, order=AllocationOrder.LEAST_RECENTLY_USED), attrs.evolve(SIX, auto_assign=False)
    ),
    pools(
        attrs.evolve(RESERVING, order=AllocationOrder.LEAST_RECENTLY_USED, reuse_delay=5.0), complete=False
    ),
    pools(
        attrs.evolve(SMALL, ranges=SMALL.ranges[1:], kept=SMALL.ranges[:1]), attrs.evolve(FOUR, scope=TEAM)
    ),
    # With the lowest number drawn, "at random" is predictable.
    pools(attrs.evolve(SMALL, order=AllocationOrder.RANDOM), RESERVING),
    pools(attrs.evolve(SMALL, name="renamed"), attrs.evolve(FOUR, auto_assign=False, quota=1)),
]
NAMES = st.sampled_from([*"abcdef", "team/a", "team/b", "team/c"])
FAMILIES = st.sampled_from(
    [
        (("10.96.0.1",), "SingleStack"),
        (("10.96.0.1",), "SingleStack"),
        (("fd00::1",), "SingleStack"),
        (("10.96.0.1", "fd00::1"), "PreferDualStack"),
        (("fd00::1", "10.96.0.1"), "PreferDualStack"),
        (("10.96.0.1", "fd00::1"), "RequireDualStack"),
        (("10.96.0.1",), "RequireDualStack"),
    ]
)
ADDRESSES = st.sampled_from(
    [
        *("", "", "", "", "10.0.0.2", "10.0.1.0", "10.0.1.2", "10.0.2.1", "2001:db8::1", "192.0.2.1"),
        *("2001:db8::1,10.0.0.1", "10.0.0.1,2001:db8::10", "10.0.0.1,10.0.0.2", "10.0.0.999"),
    ]
)
WANTED = st.sampled_from(["", "", "", "small", "four", "six", "reserving", "gone"])
SHARING = st.sampled_from(["", "", "key", "key", "other"])
PORTS = st.sampled_from([(80,), (443,), (80, 443), (53,), ()])
LABELS = st.sampled_from([{}, {}, {"team": "red"}])
POLICIES = st.sampled_from(["Cluster", "Cluster", "Local"])
PODS = st.sampled_from([{"app": "web"}, {"app": "mail"}])
_CONFLICTS = (Refusal.DIFFERENT_BACKENDS, Refusal.PORT_TAKEN)


@st.composite
def services(draw: st.DrawFn) -> Service:
    cluster_ips, policy = draw(FAMILIES)
    return asking(
        draw(NAMES),
        draw(ADDRESSES),
        draw(WANTED),
        draw(SHARING),
        cluster_ips=cluster_ips,
        ip_family_policy=policy,
        ports=ports(*draw(PORTS)),
        labels=draw(LABELS),
        external_traffic_policy=draw(POLICIES),
        selector=draw(PODS),
    )


@st.composite
def plain_services(draw: st.DrawFn) -> Service:
    """Services that only crowd one another."""
    return asking(draw(NAMES), sharing=draw(SHARING), ports=ports(*draw(PORTS)))


class AllocatorLife(RuleBasedStateMachine):
    """A cluster, and the naive allocator beside it."""

    @initialize(config=st.sampled_from(CONFIGS))
    def start(self, config: Config) -> None:
        self.cluster = _Compared(config)

    @rule(changed=st.one_of(plain_services(), services()))
    def apply(self, changed: Service) -> None:
        self.cluster.apply(changed)
        self.cluster.retry()

    @precondition(lambda self: self.cluster.services)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.cluster.services)))
        self.cluster.naive.release(key, self.cluster.now)
        self.cluster.delete(str(key))
        self.cluster.retry()

    @rule(config=st.sampled_from(CONFIGS))
    def reconfigure(self, config: Config) -> None:
        self.cluster.reconfigure(config, self.cluster.namespaces)

    @rule(label=st.sampled_from(["red", "blue"]))
    def label_namespace(self, label: str) -> None:
        self.cluster.reconfigure(self.cluster.config, {"team": {"team": label}})

    @rule(seconds=st.sampled_from([1.0, 4.0, 20.0]))
    def wait(self, seconds: float) -> None:
        due = self.cluster.allocator.next_retry()
        self.cluster.now += seconds
        asked = self.cluster.retry()
        assert not asked or (due is not None and due <= self.cluster.now)

    @rule()
    def restart(self) -> None:
        before = {key: each.ingress for key, each in self.cluster.services.items() if each.ingress}
        self.cluster.restart()
        self.cluster.retry()
        after = {key: self.cluster.services[key].ingress for key in before}
        # Whoever had nothing, or was incomplete, may have been served: what rested is free now.
        assert all(set(before[key]) <= set(after[key]) for key in before), (before, after)

    @invariant()
    def nobody_waits_for_what_it_could_have(self) -> None:
        for key, settled in self.cluster.last.items():
            addresses, refusal = self.cluster.naive.decide(self.cluster.services[key], self.cluster.now)
            # Why it waits may be another reason by now.
            assert (addresses, refusal is None) == (settled.addresses, settled.refusal is None), key

    @invariant()
    def the_counters_are_exact(self) -> None:
        for each in self.cluster.config.pools.values():
            assert self.cluster.counters(each) == self.cluster.naive.counters(each)

    @invariant()
    def statuses_are_legal(self) -> None:
        config, naive = self.cluster.config, self.cluster.naive
        owners: dict[str, list[Service]] = {}
        for each in self.cluster.services.values():
            assert len(each.ingress) <= 2
            for text in each.ingress:
                address = parse_address(text)
                assert address is not None
                where = naive.pool_of(address)
                assert (where is not None and naive.admits(where, each)) or not config.complete
                assert all(may_share(each, other) for other in owners.get(text, ()))
                owners.setdefault(text, []).append(each)


class _Compared(Cluster):
    """A cluster that asks the naive allocator about everything, too."""

    naive: Naive

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.naive = Naive(self.config, self.namespaces)

    def reconfigure(self, config: Config, namespaces: Mapping[str, Labels]) -> None:
        self.naive.configure(config, namespaces)
        self.configure(config, namespaces)
        self.retry()

    def restart(self) -> None:
        self.naive = Naive(self.config, self.namespaces)
        for key, each in self.services.items():
            if each.ingress:
                written = tuple(parsed for text in each.ingress if (parsed := parse_address(text)))
                self.naive.services[key], self.naive.held[key] = each, written
        super().restart()

    def retry(self) -> list[Key]:
        self.naive.expire(self.now)
        return super().retry()

    def settle(self, key: Key) -> Settled:
        expected = self.naive.settle(self.services[key], self.now)
        settled = super().settle(key)
        assert (settled.addresses, _plain(settled.refusal)) == expected, (key, self.services[key])
        return settled


def _plain(refusal: Refusal | None) -> Refusal | None:
    """The naive allocator does not tell apart why an address can not be shared."""
    return Refusal.ADDRESS_TAKEN if refusal in _CONFLICTS else refusal


TestAllocatorLife = AllocatorLife.TestCase
TestAllocatorLife.settings = settings(stateful_step_count=40, max_examples=max(300, settings().max_examples))
