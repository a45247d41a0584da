"""Peers, their routes, and what each of them is told of the others', without I/O (RFC 4271 3, 9).

A router is a table of routes and its members, the peers. The application announces routes, members send some; the table
ranks them (decision.py), and members are told of the best ones. What passes is settled on the way: `Ingress` and the
import policy when a route comes in (member.py), `Egress` and the export policy when it goes out.

Without a policy the router is safe (RFC 8212): external peers are told what the application announces, and nothing
else; what they send is kept for whoever looks, and takes no part. Internal peers' routes take part, but pass to nobody.

    router = Router()
    member = router.add(PeerConfig(local_as=64512, peer_as=64513), export_policy=accept_all)
    for output in member.peering.start(now=0.0):        # and its other verbs
        match output:
            case OpenConnection() | CloseConnection() | SendBytes():
                ...                                     # carry it out
            case event:
                news = router.take(member, event)       # for the table, and what else there is to tell the application
    for member in router.take_awake():                  # who has something to be told; see `Peering.next_timeout`
        ...
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import attrs

from bgp.candidate import OURSELVES, Candidate, CandidatePool
from bgp.config import PeerConfig
from bgp.decision import Cost, Verdict, explain, rank
from bgp.events import Event
from bgp.ingress import Refusal
from bgp.member import Member
from bgp.nlri import Destination
from bgp.policy import Policy, check_policy
from bgp.prefix import Family
from bgp.rib import Rib
from bgp.ribout import replace
from bgp.route import Route, as_destination, as_names, as_routes
from bgp.table import Table
from bgp.timers import no_jitter
from bgp.values import Address, check_kind


@attrs.frozen
class Explanation:
    """What became of a route: `str` says it to a person."""

    route: Route
    """The route; as it was sent, if it does not take part."""

    reason: Verdict | Refusal
    """Which step of the decision process it lost in, or why it does not take part at all."""

    @property
    def is_best(self) -> bool:
        """Whether it is the one that counts."""
        return isinstance(self.reason, Verdict) and self.reason.step is None

    def __str__(self) -> str:
        sender = self.route.source.address if self.route.source is not None else None
        whose = "ours" if sender is None else f"from {sender}"
        return f"{self.route.prefix} {whose}: {self.reason}"


_FAR: Final = 1 << 64


class Router:
    """A table of routes and the peers around it."""

    def __init__(
        self, *, cost: Cost | None = None, jitter: Callable[[], float] = no_jitter, restarting: bool = False
    ) -> None:
        """Begin without peers and routes.

        `cost` rates next hops; None: all are reachable, and equally far. `jitter` is for the peers. `restarting`: we
        have just restarted, and our forwarding went on (RFC 4724 4.1): until `release`, members are told of no others'
        routes, and not that they have been told everything.
        """
        self._cost = cost
        self._jitter = jitter
        self._distance = None if cost is None else self._cost_to
        reachable = None if cost is None else self._is_reachable
        self._table = Table(Rib(self._rank), reachable, is_deferring=restarting)
        self._members: list[Member] = []
        self._pool = CandidatePool(OURSELVES)

    def _rank(self, candidates: Sequence[Candidate]) -> list[Candidate]:
        return rank(candidates, self._distance)

    def _cost_to(self, address: Address) -> int:
        # What cannot be reached does not get into the table, but it may become so before anybody says.
        assert self._cost is not None
        cost = self._cost(address)
        return _FAR if cost is None else cost

    def _is_reachable(self, address: Address) -> bool:
        assert self._cost is not None
        return self._cost(address) is not None

    # Members.

    @property
    def members(self) -> list[Member]:
        """The peers, in the order in which they came."""
        return list(self._members)

    def add(
        self, config: PeerConfig, *, import_policy: Policy | None = None, export_policy: Policy | None = None
    ) -> Member:
        """Add a peer; drive its `peering`. Raises `LocalError` for what is no policy."""
        check_policy("import_policy", import_policy)
        check_policy("export_policy", export_policy)
        member = Member(
            config,
            self._table,
            self._jitter,
            import_policy=import_policy,
            export_policy=export_policy,
            restarting=self._table.is_deferring,
        )
        self._members.append(member)
        self._table.add(member)
        return member

    def remove(self, member: Member) -> None:
        """Forget a peer, whose session is to be stopped already, and its routes."""
        member.leave()
        self._members.remove(member)
        self._table.remove(member)

    def take(self, member: Member, event: Event) -> list[Event]:
        """Act on an event of a peer; returns what else there is to tell the application."""
        return member.take(event)

    def check_free(self) -> None:
        """Raise `LocalError` while a policy is being asked: no verb of a member's `peering` may be called then."""
        self._table.check_free()

    def take_awake(self) -> list[Member]:
        """The members for which the last changes mean something: look at their `next_timeout` again."""
        awake = self._table.take_awake()
        return [member for member in self._members if member in awake] if awake else []

    # Our own routes.

    def announce(self, routes: Iterable[Route | Destination | str]) -> None:
        """Add routes of ours to the table; each replaces the one for its destination and path identifier.

        Raises `LocalError` if one of them is no route, and takes none; so it is with the other verbs.
        """
        for route in as_routes(routes):
            changed = self._table.rib.put(route.family, [route.prefix.key], route.candidate(self._pool))
            self._table.touch(route.family, changed, None)

    def withdraw(self, routes: Iterable[Route | Destination | str]) -> None:
        """Take routes of ours out of the table, where there are any."""
        for destination, path_id in as_names(routes):
            gone = self._table.rib.remove(destination.family, [destination.key], None, path_id)
            self._table.touch(destination.family, gone, None)

    def replace(self, routes: Iterable[Route | Destination | str]) -> None:
        """State all routes of ours."""
        for family, changed in replace(self._table.rib, self._pool, as_routes(routes)):
            self._table.touch(family, changed, None)

    @property
    def originated(self) -> list[Route]:
        """The routes of ours."""
        rib = self._table.rib
        return [
            Route.of(family, key, candidate)
            for family in rib.families
            for key, candidates in rib.items(family)
            for candidate in candidates
            if candidate.source is OURSELVES
        ]

    # What is known.

    def best(self, family: Family) -> list[Route]:
        """The best routes to all destinations of a family (RFC 4271 3.2, Loc-RIB)."""
        check_kind("family", family, Family)
        return [Route.of(family, key, candidates[0]) for key, candidates in self._table.rib.items(family)]

    def explain(self, prefix: Route | Destination | str) -> list[Explanation]:
        """All routes to a destination, the best first, then those that do not take part; each with the reason why."""
        found = as_destination(prefix)
        family, key = found.family, found.key
        candidates = self._table.rib.candidates(family, key)
        verdicts = explain(candidates, self._distance)
        ranked = [Explanation(Route.of(family, key, verdict.candidate), verdict) for verdict in verdicts]
        refused = (each for member in self.members for each in member.refused(family, key))
        return [*ranked, *(Explanation(route, refusal) for route, refusal in refused)]

    # What is not in the routes.

    def next_hops_changed(self) -> list[tuple[Member, Event]]:
        """Judge and rank all routes anew, since `cost` says something else now; returns failures of policies."""
        failures = [(member, event) for member in self.members for event in member.judge_anew()]
        rib = self._table.rib
        for family in rib.families:
            for key, candidates in list(rib.items(family)):
                rib.put(family, [key], candidates[0])  # which ranks them
        for member in self.members:
            member.review()
        return failures

    @property
    def is_deferring(self) -> bool:
        """Whether we have restarted, and are not released yet."""
        return self._table.is_deferring

    @property
    def may_release(self) -> bool:
        """Whether all peers that restart gracefully have said End-of-RIB (RFC 4724 4.1)."""
        return all(member.is_complete for member in self.members)

    def release(self) -> None:
        """End the time of restarting; `Peering.release` is to follow for each member."""
        self._table.is_deferring = False
        for member in self.members:
            member.review()
