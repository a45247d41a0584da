"""The decision process: which of several paths to a destination is the best (RFC 4271 9.1).

What the RFC says (9.1.1, 9.1.2.1 and the tie-breaking of 9.1.2.2), beside ours in `STEPS`, in order:

        RFC 4271                                        ours
        9.1.2.1 leave out what cannot be reached        REACHABLE: `cost` says so
        -                                               OURS: what we announce, before what others do
        -                                               FRESH: long-lived stale routes come last, RFC 9494 4.3
        9.1.1 highest degree of preference              LOCAL_PREF: 100 where there is none
        -                                               AIGP: lowest sum with the cost, none last, RFC 7311 4.1
        a) fewest ASes in AS_PATH, a set is one         AS_PATH: confederation segments count 0, RFC 5065 5.3
        b) lowest ORIGIN                                ORIGIN
        c) lowest MED of each neighbouring AS           MED: none is 0; of all ASes if `always_compare_med`
        d) external before internal                     EXTERNAL: confederation peers are internal, RFC 5065 5.3
        e) lowest interior cost to the next hop         COST: of `cost`, all 0 without
        f) lowest BGP Identifier                        ROUTER_ID: ORIGINATOR_ID before it, RFC 4456 9
        -                                               CLUSTER_LIST: shortest, RFC 4456 9
        g) lowest peer address                          PEER_ADDRESS: IPv4 before IPv6, then the zone
        -                                               PATH_ID: lowest, RFC 7911
        -                                               OCTETS: of the attributes

What differs, and why:

- The degree of preference is LOCAL_PREF for external peers too: import policy is what sets it for them, a function
  of the path alone as 9.1.1 demands. The attribute does not arrive from outside (RFC 7606 7.5).
- What we announce wins at once. It is there because somebody wants it to be, and nobody's LOCAL_PREF may undo that.
- RFC 7311 4.1 takes a path without AIGP out as soon as one has it. To compare AIGP only where both have it, as one
  could also think, would be no order: A before B and B before C by AS_PATH, C before A by AIGP.
- RFC 5065 has two kinds of peers in step d): those in our confederation, and the others. Some texts speak of three,
  with peers of other member ASes in the middle; the RFC, BIRD, FRR and GoBGP do not.
- Path identifiers mean nothing (RFC 7911), and the octets of attributes less. They stand at the end so that the order
  is total: restarts and replays choose alike. So there is no step by age, as others have before f): which path is the
  best would be a matter of who came up first, and nobody could tell it from the table.

MED is no order among paths of several ASes. Be X of AS 1 with MED 20, Y of AS 1 with MED 10, Z of AS 2: Y beats X
by MED, and by router ID alone X may beat Z, and Z beat Y. Whoever compares in pairs gets another best path for another
order of arrival. The RFC's own procedure is no comparison: each step takes candidates out until one is left. To get the
same from sorting, the candidates of each AS are sorted by all steps; then the heads of those lists are compared
without MED, and the best goes next. Each place has the path that would be the best if those before it went away.
"""

from collections.abc import Callable, Iterable
from heapq import merge
from ipaddress import IPv4Address
from typing import Final

import attrs

from bgp.candidate import Candidate, Measured, Metrics, metrics
from bgp.iana import Origin
from bgp.negotiated import PeerType
from bgp.values import FLAG, Address

Cost = Callable[[Address], int | None]
"""The interior cost to a next hop, 0 or more; None: it cannot be reached."""


@attrs.frozen
class DecisionConfig:
    """What can be chosen; a whole AS has to choose alike, or packets may go in circles."""

    always_compare_med: bool = attrs.field(default=False, validator=FLAG, kw_only=True)
    """Compare MED of paths from different ASes too, which makes sense if they agree on what it means."""


@attrs.frozen(eq=False)
class Step:
    """A step of the decision process."""

    name: str
    """What is compared, in a word or two."""

    value: Callable[[Metrics], object] = attrs.field(repr=False)
    """What a candidate has; the lowest is preferred."""

    reason: Callable[[Metrics, Metrics], str] = attrs.field(repr=False)
    """Why a candidate lost, and to what: a predicate for a person."""

    def __str__(self) -> str:
        return self.name


@attrs.frozen
class Verdict:
    """What became of a candidate: `str(verdict)` says it to a person."""

    candidate: Candidate
    step: Step | None
    """The step in which it lost; None: it is the best."""

    against: Candidate | None
    """Which candidate it lost to: the best one, except for MED; None if it lost to none."""

    reason: str
    """Why, such as "has a longer AS path (3 ASes, the best has 2)"."""

    def __str__(self) -> str:
        return self.reason


def rank(
    candidates: Iterable[Candidate], cost: Cost | None = None, config: DecisionConfig = DecisionConfig()
) -> list[Candidate]:
    """Order the candidates of a destination, the best first; without those that cannot be reached.

    `cost` is the interior cost to next hops; None: all can be reached, and cost the same. The order that candidates
    come in does not matter.
    """
    given = list(candidates)
    if len(given) < 2 and cost is None:
        return given  # nothing to measure
    measured = {candidate: _measured(candidate, cost) for candidate in given}
    if cost is not None:
        measured = {candidate: found for candidate, found in measured.items() if found.cost is not None}
    return _ranked(measured, config)


def explain(
    candidates: Iterable[Candidate], cost: Cost | None = None, config: DecisionConfig = DecisionConfig()
) -> list[Verdict]:
    """Say of all candidates of a destination why they are where they are: as `rank`, then the unreachable ones."""
    measured = {candidate: _measured(candidate, cost) for candidate in candidates}
    contest = _Contest(_ranked(measured, config), measured, config)
    return [contest.verdict(candidate) for candidate in contest.ranked]


def _measured(candidate: Candidate, cost_of: Cost | None) -> Measured:
    cost: int | None = 0
    if cost_of is not None and candidate.address is not None:
        cost = cost_of(candidate.address)
    known = candidate.measured
    if known is None or known.cost != cost:
        found = metrics(candidate, cost)
        known = Measured(cost, found.neighbor_as, tuple(step.value(found) for step in STEPS))
        candidate.keep(known)
    return known


def _ranked(measured: dict[Candidate, Measured], config: DecisionConfig) -> list[Candidate]:
    def with_med(candidate: Candidate) -> tuple[object, ...]:
        return measured[candidate].values

    def without_med(candidate: Candidate) -> tuple[object, ...]:
        values = measured[candidate].values
        return values[:_MED_AT] + values[_MED_AT + 1 :]

    if config.always_compare_med:
        return sorted(measured, key=with_med)
    by_neighbor: dict[int | None, list[Candidate]] = {}
    for candidate, found in measured.items():
        by_neighbor.setdefault(found.neighbor_as, []).append(candidate)
    if len(by_neighbor) == len(measured):
        return sorted(measured, key=without_med)
    lists = [sorted(group, key=with_med) for group in by_neighbor.values()]
    # These lists are not in the order of this key. What counts is that merge() takes the lowest of their heads.
    return list(merge(*lists, key=without_med))


@attrs.frozen
class _Contest:
    """Who was left in which step."""

    ranked: list[Candidate]
    measured: dict[Candidate, Measured]
    config: DecisionConfig

    def verdict(self, candidate: Candidate) -> Verdict:
        best, mine = self.ranked[0], self.measured[candidate]
        if mine.cost is None:
            return self._lost(candidate, REACHABLE, None)
        if candidate is best:
            return Verdict(candidate, None, None, "is the best")
        for at, step in enumerate(STEPS[:-1]):
            rival = self._rival(candidate) if step is MED else best
            if self.measured[rival].values[at] != mine.values[at]:
                return self._lost(candidate, step, rival)
        return self._lost(candidate, STEPS[-1], best)

    def _rival(self, candidate: Candidate) -> Candidate:
        """The one with the lowest MED of those left that a candidate is compared with; maybe itself."""
        if self.config.always_compare_med:
            return self.ranked[0]
        # A candidate that is left has the least in all steps before, and so has the first of its AS.
        neighbor_as = self.measured[candidate].neighbor_as
        return next(each for each in self.ranked if self.measured[each].neighbor_as == neighbor_as)

    def _lost(self, candidate: Candidate, step: Step, against: Candidate | None) -> Verdict:
        mine, theirs = (metrics(each, self.measured[each].cost) for each in (candidate, against or candidate))
        return Verdict(candidate, step, against, step.reason(mine, theirs))


# The steps. A value is what compares; a reason is for people.


def _more(what: str, shown: Callable[[Metrics], object]) -> Callable[[Metrics, Metrics], str]:
    return lambda it, best: f"has {what} ({shown(it)}, the best has {shown(best)})"


_NO_AIGP: Final = (True, 0)


def _total_aigp(it: Metrics) -> tuple[bool, int]:
    return _NO_AIGP if it.aigp is None else (False, it.aigp + (it.cost or 0))


def _why_aigp(it: Metrics, best: Metrics) -> str:
    if it.aigp is None:
        return "has no AIGP, the best has"
    mine, theirs = _total_aigp(it)[1], _total_aigp(best)[1]
    return f"has a higher AIGP, with the cost to the next hop ({mine}, the best has {theirs})"


def _why_as_path(it: Metrics, best: Metrics) -> str:
    ases = "1 AS" if it.path_length == 1 else f"{it.path_length} ASes"
    return f"has a longer AS path ({ases}, the best has {best.path_length})"


def _origin(it: Metrics) -> str:
    return Origin(it.origin).name


def _why_med(it: Metrics, rival: Metrics) -> str:
    neighbor = "our own AS" if rival.neighbor_as is None else f"AS {rival.neighbor_as}"
    return f"has a higher MED ({it.med}, a path from {neighbor} has {rival.med})"


def _is_internal(it: Metrics) -> bool:
    return it.candidate.source.peer_type in (PeerType.INTERNAL, PeerType.CONFEDERATION)


def _router_id(it: Metrics) -> IPv4Address:
    return IPv4Address(it.router_id)


REACHABLE: Final = Step(
    "next hop",
    lambda it: it.cost is None,
    lambda it, _: f"has a next hop that cannot be reached ({it.candidate.address})",
)
"""A next hop that can be reached (RFC 4271 9.1.2.1)."""

OURS: Final = Step(
    "ours",
    lambda it: it.candidate.source.peer is not None,
    lambda _, __: "comes from a peer, the best is our own",
)
"""Announced by ourselves."""

FRESH: Final = Step(
    "long-lived stale",
    lambda it: it.is_long_lived_stale,
    lambda _, __: "is long-lived stale, the best is not",
)
"""Not long-lived stale (RFC 9494 4.3)."""

LOCAL_PREF: Final = Step(
    "LOCAL_PREF",
    lambda it: -it.local_pref,
    _more("a lower LOCAL_PREF", lambda it: it.local_pref),
)
"""The highest LOCAL_PREF (RFC 4271 9.1.1)."""

AIGP: Final = Step("AIGP", _total_aigp, _why_aigp)
"""The lowest accumulated metric, ours to the next hop included (RFC 7311 4.1)."""

AS_PATH: Final = Step("AS path", lambda it: it.path_length, _why_as_path)
"""The shortest AS_PATH (RFC 4271 9.1.2.2 a, RFC 5065 5.3)."""

ORIGIN: Final = Step("ORIGIN", lambda it: it.origin, _more("a higher ORIGIN", _origin))
"""The lowest ORIGIN (RFC 4271 9.1.2.2 b)."""

MED: Final = Step("MED", lambda it: it.med, _why_med)
"""The lowest MULTI_EXIT_DISC of one neighbouring AS (RFC 4271 9.1.2.2 c)."""

EXTERNAL: Final = Step(
    "external",
    _is_internal,
    lambda _, __: "comes from an internal peer, the best from an external one",
)
"""From outside of our AS, or confederation (RFC 4271 9.1.2.2 d, RFC 5065 5.3)."""

COST: Final = Step(
    "cost",
    lambda it: it.cost or 0,
    _more("a higher cost to the next hop", lambda it: it.cost),
)
"""The lowest interior cost to the next hop (RFC 4271 9.1.2.2 e)."""

ROUTER_ID: Final = Step("router ID", lambda it: it.router_id, _more("a higher router ID", _router_id))
"""The lowest ORIGINATOR_ID or BGP Identifier (RFC 4271 9.1.2.2 f, RFC 4456 9)."""

CLUSTER_LIST: Final = Step(
    "CLUSTER_LIST",
    lambda it: it.clusters,
    _more("a longer CLUSTER_LIST", lambda it: it.clusters),
)
"""The shortest CLUSTER_LIST (RFC 4456 9)."""

PEER_ADDRESS: Final = Step(
    "peer address",
    lambda it: it.candidate.source.order,
    _more("a higher peer address", lambda it: it.candidate.source.address),
)
"""The lowest address of a peer (RFC 4271 9.1.2.2 g)."""

PATH_ID: Final = Step(
    "path identifier",
    lambda it: it.candidate.path_id,
    _more("a higher path identifier", lambda it: it.candidate.path_id),
)
"""The lowest path identifier."""

OCTETS: Final = Step(
    "octets",
    lambda it: it.candidate.attributes.wire,
    lambda _, __: "has attributes of higher octets, and differs from the best in nothing else",
)
"""The lowest octets of attributes."""

STEPS: Final = (
    REACHABLE,
    OURS,
    FRESH,
    LOCAL_PREF,
    AIGP,
    AS_PATH,
    ORIGIN,
    MED,
    EXTERNAL,
    COST,
    ROUTER_ID,
    CLUSTER_LIST,
    PEER_ADDRESS,
    PATH_ID,
    OCTETS,
)
"""The decision process: a candidate that has more than another in a step is out, unless they differ in one before."""

_MED_AT: Final = STEPS.index(MED)
