"""One peer as a router sees it: what it sends goes into the common table, what it is told comes from there.

A route that a peer sends passes `Ingress`, which knows what makes no sense, and the import policy. If both let it
through unchanged, the table of the router is the only place where it is. What they change or refuse is kept beside
that, as it was sent (Adj-RIB-In before policy), so that a new policy needs no new session, and a person can ask for
reasons.

Which of its routes are stale needs no mark on them: a route remembers the `Source` that sent it, a peer gets a new one
with every session and every refresh, and stale is what has not come again from that.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import Final

import attrs

from bgp.candidate import OURSELVES, Candidate, CandidatePool, Source
from bgp.communities import Community
from bgp.config import PeerConfig
from bgp.events import (
    EndOfRib,
    Established,
    Event,
    FamilyDisabled,
    PolicyFailed,
    RefreshBegun,
    RefreshEnded,
    RoutesLongLivedStale,
    RoutesReceived,
    RoutesStale,
    SessionClosed,
    StaleRoutesGone,
)
from bgp.iana import WELL_KNOWN_COMMUNITIES
from bgp.ingress import FIRST_MARTIANS, Ingress, Refusal
from bgp.look import Look
from bgp.negotiated import PeerType
from bgp.nlri import NLRI, key_of
from bgp.outflow import Outflow
from bgp.peer import Peering
from bgp.policy import Policy, accept_all
from bgp.prefix import Family
from bgp.ribout import AdjRibOut
from bgp.route import Route
from bgp.statistics import PrefixCounts
from bgp.table import Table
from bgp.values import check_kind
from bgp.vocabulary import State

_NO_LLGR: Final = WELL_KNOWN_COMMUNITIES["no-llgr"]
_LLGR_STALE: Final = Community(WELL_KNOWN_COMMUNITIES["llgr-stale"])
_NONE_ABOVE: Final = b"\xff\xff"


class Member:
    """One peer of a router; `Router.add` makes it."""

    def __init__(
        self,
        config: PeerConfig,
        table: Table,
        jitter: Callable[[], float],
        *,
        import_policy: Policy | None,
        export_policy: Policy | None,
        restarting: bool,
    ) -> None:
        self.token = object()
        self.import_policy = import_policy
        self.export_policy = export_policy
        self.peering = Peering(
            config,
            jitter,
            restarting=restarting,
            identity=table.identity,
            outflow=Outflow(AdjRibOut(self), holds_back=restarting),
        )
        self._table = table
        self._ingress: Ingress | None = None
        self._source: Source | None = None
        self._pools: dict[Family, CandidatePool] = {}
        self._complete: set[Family] = set()
        self._aside: dict[Family, dict[_PathKey, Candidate]] = {}

    @property
    def config(self) -> PeerConfig:
        """What is wanted of the peer."""
        return self.peering.config

    @property
    def passes_on(self) -> bool:
        """Whether the peer may be told routes of others; never without a policy (RFC 8212)."""
        return self.export_policy is not None and not self._table.is_deferring

    @property
    def is_complete(self) -> bool:
        """Whether it need not be waited for before routes are selected after our restart (RFC 4724 4.1)."""
        negotiated = self.peering.negotiated if self.peering.state is State.ESTABLISHED else None
        if negotiated is None:
            return False
        said = negotiated.graceful_restart
        # A peer that has restarted as well waits for us.
        return said is None or said.restarting or self._complete >= negotiated.families

    # What the peer says.

    def take(self, event: Event) -> list[Event]:
        """Act on what came out of the peer's session; returns what else there is to tell the application."""
        match event:
            case RoutesReceived():
                return self._take_routes(event)
            case Established():
                self._begin(event)
            case SessionClosed():
                self._complete.clear()
                self._lose(set(self._pools) - self.peering.stale_families)
                if not self.peering.stale_families:
                    self._table.forget_path_ids(self)
            case EndOfRib(family):
                self._complete.add(family)
            case RefreshBegun(family) | RoutesStale(family):
                self._renew(family)
            case RefreshEnded(family) | StaleRoutesGone(family):
                self._sweep(family)
            case FamilyDisabled(family):
                # No End-of-RIB will come.
                self._complete.add(family)
                self._lose([family])
            case RoutesLongLivedStale(family):
                self._age(family)
        return []

    def leave(self) -> None:
        """Take away whatever the peer has sent."""
        self._lose(list(self._pools))

    def _begin(self, event: Established) -> None:
        # The session may be over already, and its OPEN forgotten: events come in batches.
        config, addresses = self.config, self.peering.addresses
        assert addresses is not None
        local, remote = addresses
        router_id = config.router_id or self._table.identity.chosen
        assert router_id is not None, "else there would have been no session"
        self._ingress = Ingress(config, event.peer_open.asn, local, router_id)
        self._source = Source(
            self.token,
            remote,
            event.peer_open.asn,
            event.peer_open.router_id,
            config.peer_type,
            config.route_reflector_client,
        )
        for family in event.negotiated.families:
            self._renew(family)

    def _renew(self, family: Family) -> None:
        """From now on, what the peer has sent before is stale."""
        assert self._source is not None
        self._pools[family] = CandidatePool(attrs.evolve(self._source))

    def _take_routes(self, event: RoutesReceived) -> list[Event]:
        family = event.family
        if event.withdrawn.wire:
            for path_id, keys in _by_path_id(event.withdrawn):
                self._withdraw(family, path_id, keys)
        if not event.announced.wire:
            return []
        pool = self._pools[family]
        if event.announced.add_path or event.announced.has_labels:
            failures: list[Event] = []
            for wire in event.announced.wire:
                path_id, key, extra = _dissect(family, wire, event.announced.add_path)
                candidate = pool.get(event.attributes, event.next_hop, path_id, extra)
                failures += self._announce(family, candidate, (key,))
            return failures
        return self._announce(family, pool.get(event.attributes, event.next_hop), event.announced.wire)

    def _announce(self, family: Family, candidate: Candidate, keys: Sequence[bytes]) -> list[Event]:
        first_martian = FIRST_MARTIANS.get(family, _NONE_ABOVE)
        martians = [key for key in keys if key[1:2] >= first_martian]
        if martians:
            self._refuse(family, candidate, martians)
            keys = [key for key in keys if key[1:2] < first_martian]
        admitted = self._admit(family, candidate)
        if isinstance(admitted, Refusal):
            self._refuse(family, candidate, keys)
        elif self.import_policy is None or self.import_policy is accept_all:
            self._accept(family, candidate, admitted, keys)
        else:
            return self._judge(self.import_policy, family, candidate, admitted, keys)
        return []

    def _admit(self, family: Family, candidate: Candidate) -> Candidate | Refusal:
        assert self._ingress is not None
        if self.import_policy is None and candidate.source.peer_type is PeerType.EXTERNAL:
            return Refusal.NO_POLICY
        reachable = self._table.reachable
        if reachable is not None and candidate.address is not None and not reachable(candidate.address):
            return Refusal.NO_ROUTE_TO_NEXT_HOP
        return self._ingress.admit(family, candidate)

    def _judge(
        self, policy: Policy, family: Family, candidate: Candidate, admitted: Candidate, keys: Sequence[bytes]
    ) -> list[Event]:
        """Ask the policy, route by route."""
        failures: list[Event] = []
        for key in keys:
            verdict = self._ask(policy, family, key, admitted)
            if isinstance(verdict, Candidate):
                self._accept(family, candidate, verdict, (key,))
                continue
            self._refuse(family, candidate, (key,))
            if isinstance(verdict, PolicyFailed):
                failures.append(verdict)
        return failures

    def _ask(
        self, policy: Policy, family: Family, key: bytes, admitted: Candidate
    ) -> Candidate | PolicyFailed | None:
        route = Route.of(family, key, admitted)
        try:
            verdict = self._table.judge(policy, route)
            if verdict is None:
                return None
            if verdict.prefix != route.prefix or verdict.path_id != route.path_id:
                return PolicyFailed(route, f"it returned another route, {verdict}")
            pool = self._pools[family]
            if pool.source is not admitted.source:
                pool = CandidatePool(admitted.source)
            return admitted if verdict == route else verdict.candidate(pool)
        except Exception as error:
            return PolicyFailed(route, f"{type(error).__name__}: {error}")

    def _accept(self, family: Family, sent: Candidate, candidate: Candidate, keys: Sequence[bytes]) -> None:
        aside = self._aside.get(family) if self._aside else None
        if candidate is not sent:
            self._set_aside(family, sent, keys)
        elif aside:
            for key in keys:
                aside.pop(_path_key(sent.path_id, key), None)
        self._table.touch(family, self._table.rib.put(family, keys, candidate), self)

    def _refuse(self, family: Family, sent: Candidate, keys: Sequence[bytes]) -> None:
        self._set_aside(family, sent, keys)
        gone = self._table.rib.remove(family, keys, self.token, sent.path_id)
        self._table.touch(family, gone, self)

    def _set_aside(self, family: Family, sent: Candidate, keys: Sequence[bytes]) -> None:
        aside = self._aside.setdefault(family, {})
        aside.update((_path_key(sent.path_id, key), sent) for key in keys)

    def _withdraw(self, family: Family, path_id: int, keys: Sequence[bytes]) -> None:
        aside = self._aside.get(family)
        if aside:
            for key in keys:
                aside.pop(_path_key(path_id, key), None)
        self._table.touch(family, self._table.rib.remove(family, keys, self.token, path_id), self)

    # What becomes of its routes when something becomes of the session.

    def _lose(self, families: Iterable[Family]) -> None:
        for family in families:
            self._revise(family, lambda candidate: None)

    def _sweep(self, family: Family) -> None:
        """Drop the stale routes."""
        fresh = self._pools[family].source
        self._revise(family, lambda candidate: candidate if candidate.source is fresh else None)

    def _age(self, family: Family) -> None:
        """Make the stale routes the last resort (RFC 9494 4.3)."""
        source = attrs.evolve(self._pools[family].source, is_long_lived_stale=True)
        aged: dict[Candidate, Candidate] = {}

        def age(candidate: Candidate) -> Candidate | None:
            communities = candidate.attributes.communities
            if _NO_LLGR in communities:
                return None
            if candidate not in aged:
                marked = communities if _LLGR_STALE in communities else (*communities, _LLGR_STALE)
                attributes = candidate.attributes.evolve(communities=marked)
                aged[candidate] = attrs.evolve(candidate, source=source, attributes=attributes)
            return aged[candidate]

        self._revise(family, age)

    def _revise(self, family: Family, revision: Callable[[Candidate], Candidate | None]) -> None:
        aside = self._aside.get(family, {})
        kept = {key: new for key, old in aside.items() if (new := revision(old)) is not None}
        if kept:
            self._aside[family] = kept
        else:
            self._aside.pop(family, None)
        changed = self._table.rib.revise(
            family, lambda _, old: revision(old) if old.source.peer is self.token else old
        )
        self._table.touch(family, changed, self)

    # Policies that change.

    def change_import(self, policy: Policy | None) -> list[Event]:
        """Judge everything anew that the peer has sent."""
        self.import_policy = policy
        return self.judge_anew()

    def judge_anew(self) -> list[Event]:
        """Judge everything anew, since something that is not in the routes has changed."""
        failures: list[Event] = []
        if self._ingress is None:
            return failures
        self._ingress = attrs.evolve(self._ingress, config=self.config)
        for family in self._pools:
            for key, candidate in list(self._sent(family)):
                failures += self._announce(family, candidate, (key,))
        return failures

    def reconfigured(self) -> list[Event]:
        """Go by what the peering's configuration says now, as far as a session can go on with it."""
        self._renew_sources(self.config.route_reflector_client)
        failures = self.judge_anew()
        self.review()
        return failures

    def _renew_sources(self, is_client: bool) -> None:
        if self._source is None or self._source.is_client == is_client:
            return

        @cache
        def renewed(source: Source) -> Source:
            return attrs.evolve(source, is_client=is_client)

        @cache
        def revised(candidate: Candidate) -> Candidate:
            return attrs.evolve(candidate, source=renewed(candidate.source))

        self._source = renewed(self._source)
        for family, pool in self._pools.items():
            self._pools[family] = CandidatePool(renewed(pool.source))
            self._revise(family, revised)

    def change_export(self, policy: Policy | None) -> None:
        """Compare everything anew that the peer is told."""
        self.export_policy = policy
        self.review()

    def review(self) -> None:
        """Compare everything anew that the peer is told, since something that is not in the routes has changed."""
        for family in self._pools:
            self.peering.rib_out.review(family)
        self._table.wake(self)

    # What is known of the peer's routes.

    def received(self, family: Family) -> Iterator[Route]:
        """The routes of its Adj-RIB-In, as they were sent."""
        check_kind("family", family, Family)
        return (Route.of(family, key, candidate) for key, candidate in self._sent(family))

    def accepted(self, family: Family) -> Iterator[Route]:
        """The routes that take part, as its import policy left them."""
        check_kind("family", family, Family)
        return (Route.of(family, key, candidate) for key, candidate in self._in_table(family))

    def refused(self, family: Family, key: bytes) -> Iterator[tuple[Route, Refusal]]:
        """The routes to a destination that do not take part, and why."""
        for path_key, candidate in self._aside.get(family, {}).items():
            if (path_key[1] if isinstance(path_key, tuple) else path_key) != key:
                continue
            refusal = self._refusal(family, key, candidate)
            if refusal is not None:
                yield Route.of(family, key, candidate), refusal

    def _refusal(self, family: Family, key: bytes, candidate: Candidate) -> Refusal | None:
        if key[1:2] >= FIRST_MARTIANS.get(family, _NONE_ABOVE):
            return Refusal.MARTIAN
        admitted = self._admit(family, candidate)
        if isinstance(admitted, Refusal):
            return admitted
        policy = self.import_policy
        verdict = (
            admitted if policy is None or policy is accept_all else self._ask(policy, family, key, admitted)
        )
        if isinstance(verdict, Candidate):
            return None
        return Refusal.POLICY if verdict is None else Refusal.POLICY_FAILED

    def count(self, family: Family) -> PrefixCounts:
        """How many routes of a family there are; walks through the table."""
        aside = self._aside.get(family, {})
        known = set(aside)
        in_table = [_path_key(candidate.path_id, key) for key, candidate in self._in_table(family)]
        known.update(in_table)
        return PrefixCounts(
            received=len(known), accepted=len(in_table), advertised=self.peering.rib_out.count(family)
        )

    def _sent(self, family: Family) -> Iterator[tuple[bytes, Candidate]]:
        aside = self._aside.get(family, {})
        for path_key, candidate in aside.items():
            yield (path_key[1] if isinstance(path_key, tuple) else path_key), candidate
        for key, candidate in self._in_table(family):
            if not aside or _path_key(candidate.path_id, key) not in aside:
                yield key, candidate

    def _in_table(self, family: Family) -> Iterator[tuple[bytes, Candidate]]:
        for key, candidates in self._table.rib.items(family):
            for candidate in candidates:
                if candidate.source.peer is self.token:
                    yield key, candidate

    # What the peer is to be told: bgp.ribout.Supply.

    def keys(self, family: Family) -> Iterable[bytes]:
        """The destinations that there may be something to tell about."""
        rib = self._table.rib
        if self.passes_on:
            return rib.keys(family)
        return (key for key, candidates in rib.items(family) if candidates[0].source is OURSELVES)

    def finder(self, family: Family) -> Callable[[bytes], Candidate | None]:
        """The best route, unless the peer has sent it itself, or is to be told nothing of others."""
        find, passes_on, token = self._table.rib.finder(family), self.passes_on, self.token

        def offer(key: bytes) -> Candidate | None:
            best = find(key)
            if best is None or best.source is OURSELVES or (passes_on and best.source.peer is not token):
                return best
            return None

        return offer

    def offers(self, family: Family, key: bytes) -> Sequence[tuple[int, Candidate]]:
        """All routes, but the peer's own."""
        rib, path_id = self._table.rib, self._table.path_id
        return [(path_id(each), each) for each in rib.candidates(family, key) if self._may_hear_of(each)]

    def _may_hear_of(self, candidate: Candidate) -> bool:
        source = candidate.source
        return source is OURSELVES or (source.peer is not self.token and self.passes_on)

    def export(self, family: Family, key: bytes, candidate: Candidate, look: Look) -> Look | str | None:
        """Let the export policy judge what the peer would be told."""
        policy = self.export_policy
        if policy is None or policy is accept_all:
            return look
        seen = Candidate(candidate.source, look.attributes, look.next_hop, candidate.path_id, look.wire)
        route = Route.of(family, key, seen)
        try:
            verdict = self._table.judge(policy, route)
            if verdict is None:
                return None
            if verdict == route:
                return look
            if verdict.prefix != route.prefix:
                return f"the export policy returned another route, {verdict}"
            return verdict.look()
        except Exception as error:
            return f"the export policy raised {type(error).__name__}: {error}"


_PathKey = bytes | tuple[int, bytes]


def _path_key(path_id: int, key: bytes) -> _PathKey:
    return (path_id, key) if path_id else key


def _dissect(family: Family, wire: bytes, add_path: bool) -> tuple[int, bytes, bytes | None]:
    """Path identifier, key, and the octets if they hold more."""
    path_id, rest = (int.from_bytes(wire[:4], "big"), wire[4:]) if add_path else (0, wire)
    key = key_of(family, rest, add_path=False)
    return path_id, key, None if key == rest else rest


def _by_path_id(nlri: NLRI) -> Iterator[tuple[int, Sequence[bytes]]]:
    if not nlri.add_path and not nlri.has_labels:
        yield 0, nlri.wire
        return
    for wire in nlri.wire:
        path_id, key, _ = _dissect(nlri.family, wire, nlri.add_path)
        yield path_id, (key,)
