"""Whatever happens around a router, in whatever order: each peer has been told what it is to have, and nothing else.

Four peers of different kinds announce, withdraw, come and go, restart, ask for and send everything again; policies,
costs and our own routes change. A naive model works out from scratch, from what was said last, what each peer must
know.
"""

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any, Final

import attrs
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bgp import IPV4_UNICAST, Keepalive, Path, Route, RouteRefresh
from bgp.communities import Community
from bgp.config import GracefulRestartConfig
from bgp.iana import RefreshSubtype
from bgp.offers import EnhancedRouteRefreshCapability, RouteRefreshCapability
from bgp.policy import Policy, accept_all, reject_all
from bgp.values import Address
from tests.bgp.lab import OURS, Lab, Remote, graceful, paths

PREFIXES: Final = [f"10.0.{number}.0/24" for number in range(4)]
INTERNAL: Final = 64512
HOSTS: Final = [f"192.0.2.{host}" for host in range(11, 15)]
RESTART_TIME: Final = 60
REFRESH: Final = (RouteRefreshCapability(), EnhancedRouteRefreshCapability())


def is_odd(prefix: object) -> bool:
    return int(str(prefix).split(".")[2]) % 2 == 1


def even(route: Route) -> Route | None:
    """Refuse half of the prefixes."""
    return None if is_odd(route.prefix) else route


def prefer(route: Route) -> Route:
    """Change half of the prefixes' routes."""
    return route.evolve(local_pref=200) if is_odd(route.prefix) else route


def tag(route: Route) -> Route:
    """Change all."""
    return route.evolve(communities=[*route.communities, "64512:9"])


def broken(route: Route) -> Route:
    """Fail for half of them."""
    return route.evolve(med=-1 if is_odd(route.prefix) else 7)


IMPORT: Final[list[Policy | None]] = [None, accept_all, reject_all, even, prefer, broken]
EXPORT: Final[list[Policy | None]] = [None, accept_all, reject_all, even, tag, broken]


@attrs.frozen
class Said:
    """A route as its sender describes it."""

    asns: tuple[int, ...]
    communities: tuple[str, ...] = ()
    local_pref: int | None = 100
    med: int | None = None


@attrs.frozen
class Shown:
    """A route as a peer sees it."""

    as_path: str
    next_hop: str
    communities: tuple[str, ...]
    local_pref: int | None
    med: int | None
    reflected: bool


@attrs.define(eq=False)
class Modelled:
    """What is known of a peer without looking at the router."""

    remote: Remote
    restarts: bool = False
    refreshes: bool = False
    has_paths: bool = False
    is_client: bool = False
    is_up: bool = True
    import_policy: Policy | None = None
    export_policy: Policy | None = None
    sent: dict[tuple[str, int], Said] = attrs.field(factory=dict)
    stale: set[tuple[str, int]] = attrs.field(factory=set)
    left_at: float = 0.0

    @property
    def is_internal(self) -> bool:
        return self.remote.asn == INTERNAL

    def sweep(self) -> None:
        for name in self.stale:
            del self.sent[name]
        self.stale.clear()


@attrs.frozen
class Contender:
    """A path that takes part."""

    said: Said
    sender: Modelled | None
    path_id: int
    cost: int

    @property
    def rank(self) -> tuple[object, ...]:
        sender = self.sender
        return (
            sender is not None,
            -(self.said.local_pref or 0),
            len(self.said.asns),
            sender is not None and sender.is_internal,
            self.cost,
            int(IPv4Address(sender.remote.address)) if sender else 0,
            self.path_id,
        )


def judged(policy: Policy | None, prefix: str, said: Said) -> Said | None:
    """What the policies above do, without them."""
    odd = is_odd(prefix)
    if policy is reject_all or (odd and policy in (even, broken)):
        return None
    if policy is prefer and odd:
        return attrs.evolve(said, local_pref=200)
    if policy is broken:
        return attrs.evolve(said, med=7)
    return said


saids = st.builds(
    Said,
    asns=st.sampled_from([(), (1,), (1, 2)]),
    communities=st.sampled_from([(), ("64512:1",), ("no-export",), ("no-advertise",)]),
)
which = st.integers(0, 3)
prefixes = st.sampled_from(PREFIXES)
path_ids = st.sampled_from([0, 7])


class RouterMachine(RuleBasedStateMachine):
    """A router, four peers, and the model."""

    @initialize(is_open=st.booleans())
    def begin(self, is_open: bool) -> None:
        self.costs: dict[str, int | None] = {}
        self.lab = Lab(cost=self.cost)
        self.own: dict[str, Said] = {}
        kept = GracefulRestartConfig(stale_time=65535, notification=False)
        self.peers = [
            Modelled(
                self.lab.peer(64513, graceful(restart_time=RESTART_TIME), graceful_restart=kept),
                restarts=True,
            ),
            Modelled(
                self.lab.peer(64514, paths(), *REFRESH, add_path={IPV4_UNICAST: 3}),
                refreshes=True,
                has_paths=True,
            ),
            Modelled(self.lab.peer(INTERNAL)),
            Modelled(self.lab.peer(INTERNAL, route_reflector_client=True), is_client=True),
        ]
        if is_open:
            self.open_all()

    def cost(self, address: Address) -> int | None:
        return self.costs.get(str(address), 1)

    # What peers do.

    @rule(at=which, prefix=prefixes, path_id=path_ids, said=saids, local_pref=st.sampled_from([50, 100, 150]))
    def announce(self, at: int, prefix: str, path_id: int, said: Said, local_pref: int) -> None:
        peer = self.peers[at]
        if peer.is_up:
            said = attrs.evolve(said, local_pref=local_pref if peer.is_internal else 100)
            self.say(peer, (prefix, path_id if peer.has_paths else 0), said)

    def say(self, peer: Modelled, name: tuple[str, int], said: Said) -> None:
        values: dict[str, Any] = {"local_pref": said.local_pref, "as_path": said.asns}
        if not peer.is_internal:
            said = attrs.evolve(said, asns=(peer.remote.asn, *said.asns))
            values = {"as_path": said.asns}
        route = Path(*name) if peer.has_paths else name[0]
        peer.remote.announces(route, communities=said.communities, **values)
        peer.sent[name] = said
        peer.stale.discard(name)

    @rule(at=which, prefix=prefixes, path_id=path_ids)
    def withdraw(self, at: int, prefix: str, path_id: int) -> None:
        peer = self.peers[at]
        if peer.is_up:
            name = prefix, path_id if peer.has_paths else 0
            peer.remote.withdraws(Path(*name) if peer.has_paths else prefix)
            peer.sent.pop(name, None)
            peer.stale.discard(name)

    @rule(at=which)
    def flap(self, at: int) -> None:
        """A session goes, if there is one, or comes."""
        peer = self.peers[at]
        if not peer.is_up:
            peer.remote.comes()
            if self.lab.now >= peer.left_at + RESTART_TIME:
                # It had to wait longer and longer.
                peer.sweep()
        else:
            peer.remote.leaves()
            peer.left_at = self.lab.now
            peer.sweep()
            if peer.restarts:
                peer.stale = set(peer.sent)
            else:
                peer.sent.clear()
        peer.is_up = not peer.is_up

    @rule(at=which)
    def end_of_rib(self, at: int) -> None:
        peer = self.peers[at]
        if peer.is_up:
            peer.remote.ends()
            peer.sweep()

    @precondition(lambda self: self.peers[0].is_up)
    @rule(late=st.booleans(), again=st.sets(prefixes), said=saids)
    def restart(self, late: bool, again: set[str], said: Said) -> None:
        """A peer restarts, in time or not, and sends everything again, or forgets to."""
        self.flap(0)
        self.everybody_knows()
        if late:
            self.wait()
            self.everybody_knows()
        self.flap(0)
        for prefix in sorted(again):
            self.say(self.peers[0], (prefix, 0), said)
        self.everybody_knows()
        self.end_of_rib(0)

    @rule()
    def wait(self) -> None:
        """The time to come back ends."""
        self.lab.run(RESTART_TIME)
        for peer in self.peers:
            if not peer.is_up and self.lab.now >= peer.left_at + RESTART_TIME:
                peer.sweep()

    @precondition(lambda self: self.peers[1].is_up)
    @rule(again=st.sets(st.tuples(prefixes, path_ids)), said=saids)
    def refresh(self, again: set[tuple[str, int]], said: Said) -> None:
        """A peer sends everything again, or forgets to."""
        peer = self.peers[1]
        peer.stale = set(peer.sent)
        peer.remote.says(RouteRefresh(IPV4_UNICAST, RefreshSubtype.BEGIN))
        for name in sorted(again):
            self.say(peer, name, said)
        peer.remote.says(RouteRefresh(IPV4_UNICAST, RefreshSubtype.END))
        peer.sweep()

    @rule(at=which)
    def ask(self, at: int) -> None:
        """A peer wants to be told everything again."""
        peer = self.peers[at]
        if peer.is_up:
            known = dict(peer.remote.routes)
            peer.remote.routes.clear()
            peer.remote.says(RouteRefresh(IPV4_UNICAST), Keepalive())
            assert peer.remote.routes == known

    # What we do.

    @rule(at=which, policy=st.sampled_from(IMPORT))
    def change_import(self, at: int, policy: Policy | None) -> None:
        self.peers[at].import_policy = policy
        self.peers[at].remote.member.change_import(policy)

    @rule(at=which, policy=st.sampled_from(EXPORT))
    def change_export(self, at: int, policy: Policy | None) -> None:
        self.peers[at].export_policy = policy
        self.peers[at].remote.member.change_export(policy)

    @rule()
    def open_all(self) -> None:
        for at in range(len(self.peers)):
            self.change_import(at, accept_all)
            self.change_export(at, accept_all)

    @rule(prefix=prefixes, said=saids)
    def originate(self, prefix: str, said: Said) -> None:
        self.own[prefix] = said
        self.lab.router.announce([Route(prefix, as_path=said.asns, communities=said.communities)])

    @rule(prefix=prefixes)
    def take_back(self, prefix: str) -> None:
        self.own.pop(prefix, None)
        self.lab.router.withdraw([prefix])

    @rule(host=st.sampled_from(HOSTS), cost=st.sampled_from([None, 1, 2]))
    def change_cost(self, host: str, cost: int | None) -> None:
        self.costs[host] = cost
        self.lab.router.next_hops_changed()

    @rule(prefix=prefixes, said=saids, costs=st.lists(st.sampled_from([None, 1, 2]), min_size=2, max_size=2))
    def compete(self, prefix: str, said: Said, costs: list[int | None]) -> None:
        """Two paths differ in nothing but the cost."""
        for peer, cost in zip(self.peers, costs, strict=False):
            if peer.is_up:
                self.say(peer, (prefix, 0), said)
                self.everybody_knows()
            self.change_cost(peer.remote.address, cost)

    @rule(is_client=st.booleans())
    def change_client(self, is_client: bool) -> None:
        peer = self.peers[3]
        peering = peer.remote.member.peering
        config = attrs.evolve(peering.config, route_reflector_client=is_client)
        peer.remote.perform(peering.reconfigure(config, self.lab.now))
        peer.remote.member.reconfigured()
        peer.is_client = is_client

    # What has to be true.

    @invariant()
    def everybody_knows(self) -> None:
        self.lab.settle()
        for peer in self.peers:
            if peer.is_up:
                assert self.told(peer) == self.expected(peer)

    @invariant()
    def tables_agree(self) -> None:
        for peer in self.peers:
            received = {(str(r.prefix), r.path_id) for r in peer.remote.member.received(IPV4_UNICAST)}
            assert received == set(peer.sent)
            taken = [c for prefix in PREFIXES for c in self.contenders(prefix) if c.sender is peer]
            assert len(list(peer.remote.member.accepted(IPV4_UNICAST))) == len(taken)
            count = peer.remote.member.count(IPV4_UNICAST)
            assert (count.received, count.accepted) == (len(peer.sent), len(taken))
        best = {str(route.prefix): route for route in self.lab.router.best(IPV4_UNICAST)}
        for prefix in PREFIXES:
            contenders = self.contenders(prefix)
            assert (prefix in best) is bool(contenders)
            if contenders:
                first = contenders[0].sender
                source = best[prefix].source
                assert source is not None
                assert str(source.address) == (first.remote.address if first else "None")
            explained = self.lab.router.explain(prefix)
            total = sum(name == prefix for peer in self.peers for name, _ in peer.sent) + (prefix in self.own)
            assert len(explained) == total
            assert sum(each.is_best for each in explained) == bool(contenders)

    def contenders(self, prefix: str) -> list[Contender]:
        """The paths to a destination that take part, the best first."""
        found = [Contender(self.own[prefix], None, 0, 0)] if prefix in self.own else []
        for peer in self.peers:
            cost = self.costs.get(peer.remote.address, 1)
            if cost is None or (peer.import_policy is None and not peer.is_internal):
                continue
            for (name, path_id), said in peer.sent.items():
                taken = judged(peer.import_policy, prefix, said)
                if name == prefix and taken is not None:
                    found.append(Contender(taken, peer, path_id, cost))
        return sorted(found, key=lambda contender: contender.rank)

    def expected(self, peer: Modelled) -> dict[str, list[Shown]]:
        """What a peer has to know: one path to each destination, or all of them."""
        expected: dict[str, list[Shown]] = {}
        for prefix in PREFIXES:
            contenders = self.contenders(prefix)
            offered = contenders if peer.has_paths else contenders[:1]
            shown = [self.shown(peer, prefix, each) for each in offered]
            if any(shown):
                expected[prefix] = sorted(filter(None, shown), key=repr)
        return expected

    def shown(self, peer: Modelled, prefix: str, path: Contender) -> Shown | None:
        said, sender = path.said, path.sender
        if sender is not None and not self.may_pass(peer, said, sender):
            return None
        if not peer.is_internal:
            said = attrs.evolve(said, asns=(64512, *said.asns), local_pref=None, med=None)
        judgement = judged(peer.export_policy, prefix, said)
        if judgement is None:
            return None
        communities = judgement.communities
        if peer.export_policy is tag:
            communities = (*communities, "64512:9")
        # A set, which routes keep in the order of its numbers.
        communities = tuple(map(str, sorted(map(Community, communities))))
        keeps_next_hop = peer.is_internal and sender is not None
        return Shown(
            " ".join(map(str, judgement.asns)),
            sender.remote.address if keeps_next_hop and sender else OURS,
            communities,
            judgement.local_pref,
            judgement.med,
            peer.is_internal and sender is not None and sender.is_internal,
        )

    def may_pass(self, peer: Modelled, said: Said, sender: Modelled) -> bool:
        if sender is peer or peer.export_policy is None or "no-advertise" in said.communities:
            return False
        if not peer.is_internal:
            return "no-export" not in said.communities
        return not sender.is_internal or sender.is_client or peer.is_client

    def told(self, peer: Modelled) -> dict[str, list[Shown]]:
        """What a peer knows."""
        told: dict[str, list[Shown]] = {}
        for name, (attributes, _) in peer.remote.routes.items():
            shown = Shown(
                str(attributes.as_path),
                str(attributes.next_hop),
                tuple(map(str, sorted(attributes.communities))),
                attributes.local_pref,
                attributes.med,
                attributes.originator_id is not None,
            )
            told.setdefault(name.partition(" ")[0], []).append(shown)
        return {prefix: sorted(shown, key=repr) for prefix, shown in told.items()}


# Whoever wants the shortest example waits for minutes: take Phase.shrink in.
_PHASES: Final = [Phase.explicit, Phase.reuse, Phase.generate]
TestRouter: Callable[[], object] = RouterMachine.TestCase
TestRouter.settings = settings(max_examples=100, stateful_step_count=40, phases=_PHASES)  # type: ignore[attr-defined]
