"""What a peer is to be told, and what it was told (RFC 4271 3.2, Adj-RIB-Out).

A peer is to have the routes that the application announced to it alone, and for other destinations what the rest of the
router supplies (router.py). `AdjRibOut` remembers what the peer was told, and yields the difference, piece by piece: a
new session has a run through all destinations before it, and whatever changes is touched, to be compared once the runs
are through and there is room for it in the connection. So a destination that changes ten times while a peer is slow
costs it one UPDATE, a peer that takes nothing costs no more memory than one that does, and without a session nothing is
remembered at all.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Final, Protocol

import attrs

from bgp.candidate import OURSELVES, Candidate, CandidatePool
from bgp.look import Look
from bgp.messages import Message
from bgp.nlri import MAX_OPAQUE
from bgp.prefix import Family
from bgp.rib import Rib
from bgp.route import Named, Route

BATCH: Final = 8192
"""How many destinations are compared at a time: enough for UPDATEs to be full, few enough to give others their turn."""


class Supply(Protocol):
    """Where routes come from that the application has not announced to the peer itself."""

    def keys(self, family: Family) -> Iterable[bytes]:
        """The destinations that there may be something to tell about."""

    def finder(self, family: Family) -> Callable[[bytes], Candidate | None]:
        """A function that returns what there is for a destination of a family, until something changes."""

    def offers(self, family: Family, key: bytes) -> Sequence[tuple[int, Candidate]]:
        """All that there is for a destination, best first, each with the path identifier to send it with."""

    def export(self, family: Family, key: bytes, candidate: Candidate, look: Look) -> Look | str | None:
        """Let the policy for the peer judge what it would be told; None: nothing; text: what went wrong."""


class View(Protocol):
    """How candidates look to the peer in the present session."""

    def look(self, family: Family, candidate: Candidate) -> Look | str:
        """What to tell, or why it cannot be told."""

    def finish(self, family: Family, look: Look) -> Look | str:
        """Hold what a policy made of a look to what the session demands."""

    def has_path_ids(self, family: Family) -> bool:
        """Whether several paths to a destination can be told (RFC 7911)."""


class _Nothing:
    """The supply of a session that belongs to no router."""

    def keys(self, family: Family) -> Iterable[bytes]:
        return ()

    def finder(self, family: Family) -> Callable[[bytes], Candidate | None]:
        return _nothing

    def offers(self, family: Family, key: bytes) -> Sequence[tuple[int, Candidate]]:
        return ()

    def export(self, family: Family, key: bytes, candidate: Candidate, look: Look) -> Look | str | None:
        return look


def _nothing(_key: bytes) -> None:
    return None


@attrs.define(eq=False)
class Changes:
    """A piece of what the peer has to be told of a family."""

    family: Family

    openings: tuple[Message, ...] = ()
    """What to send before them, such as the beginning of a route refresh."""

    announced: dict[Look, list[bytes]] = attrs.field(factory=dict)
    """New and changed routes: destinations as in an UPDATE, by what they have in common."""

    withdrawn: list[bytes] = attrs.field(factory=list)
    """Destinations that are gone, as in an UPDATE."""

    refused: list[tuple[Route, str]] = attrs.field(factory=list)
    """Routes of the application that cannot be told to this peer, and why."""

    endings: tuple[Message, ...] = ()
    """What to send after them, such as End-of-RIB."""


@attrs.define(eq=False)
class _Run:
    """A way through destinations."""

    keys: Iterator[bytes] | None = None
    """Those that are left; None: it has not begun, and will go through all that there are then."""
    again: bool = False
    """Whether the peer is to be told even what it knows (RFC 2918)."""
    openings: tuple[Message, ...] = ()
    endings: tuple[Message, ...] = ()


@attrs.define(eq=False)
class _Told:
    """What the peer was told of one family in this session, and what is to be compared with it."""

    plain: dict[bytes, Look] = attrs.field(factory=dict)
    paths: dict[bytes, dict[int, Look]] = attrs.field(factory=dict)
    """The same where there are path identifiers."""
    runs: deque[_Run] = attrs.field(factory=deque)
    touched: dict[bytes, None] = attrs.field(factory=dict)

    @property
    def last_to_begin(self) -> _Run | None:
        """The last run, if it has not begun: it will see whatever has changed until it does."""
        last = self.runs[-1] if self.runs else None
        return last if last is not None and last.keys is None else None

    def run_touched(self) -> None:
        """Queue a run through what is touched."""
        self.runs.append(_Run(iter(self.touched)))
        self.touched = {}


@attrs.define(eq=False)
class AdjRibOut:
    """The routes that one peer is to have, and what it was told of them."""

    supply: Supply = attrs.field(factory=_Nothing)
    """Whatever is not announced to this peer alone."""

    _own: Rib = attrs.field(factory=Rib, init=False)
    _pool: CandidatePool = attrs.field(factory=lambda: CandidatePool(OURSELVES), init=False)
    _told: dict[Family, _Told] = attrs.field(factory=dict, init=False)

    # What the peer is to have.

    @property
    def routes(self) -> list[Route]:
        """The routes that were announced to this peer alone."""
        return self._shown(self._own.families)

    def _shown(self, families: Iterable[Family]) -> list[Route]:
        return [
            Route.of(family, key, candidate)
            for family in families
            for key, candidates in self._own.items(family)
            for candidate in candidates
        ]

    def announce(self, routes: Iterable[Route]) -> None:
        """Add routes; each replaces the one for its destination and path identifier.

        If to iterate raises an exception, none of them is added; so it is with the other verbs.
        """
        for route in list(routes):
            offer = route.candidate(self._pool)
            self.touch(route.family, self._own.put(route.family, [route.prefix.key], offer))

    def withdraw(self, names: Iterable[Named]) -> None:
        """Drop the routes to these destinations, where there are any."""
        for destination, path_id in list(names):
            gone = self._own.remove(destination.family, [destination.key], None, path_id)
            self.touch(destination.family, gone)

    def replace(self, routes: Iterable[Route]) -> None:
        """State all the routes that this peer is to have alone."""
        for family, keys in replace(self._own, self._pool, routes):
            self.touch(family, keys)

    def beyond(self, families: Collection[Family]) -> list[Route]:
        """The routes that were announced to this peer alone, and are of other families than these."""
        return self._shown(family for family in self._own.families if family not in families)

    # What has changed.

    @property
    def is_pending(self) -> bool:
        """Whether there is something to compare."""
        return any(told.runs or told.touched for told in self._told.values())

    @property
    def is_under_way(self) -> bool:
        """Whether that has begun: what is touched from now on waits until all is told that was to be told before."""
        return any(told.runs for told in self._told.values())

    def begin(self, families: Iterable[Family]) -> None:
        """Note that a session is up: all is to be told of these families."""
        self._told = {family: _Told(runs=deque([_Run()])) for family in sorted(families)}

    def conclude(self, endings: Iterable[tuple[Family, Message]]) -> None:
        """Send each family's message after what there is to tell now."""
        for family, ending in endings:
            told = self._told[family]
            if told.touched or not told.runs:
                told.run_touched()
            told.runs[-1].endings += (ending,)

    def end(self) -> None:
        """Note that the session is gone."""
        self._told.clear()

    def touch(self, family: Family, keys: Iterable[bytes]) -> None:
        """Note that something about these destinations has changed."""
        told = self._told.get(family)
        if told is not None:
            told.touched.update(dict.fromkeys(keys))

    def review(self, family: Family) -> None:
        """Note that everything may look different now."""
        told = self._told.get(family)
        if told is not None and told.last_to_begin is None:
            told.runs.append(_Run())

    def repeat(self, family: Family, opening: tuple[Message, ...], ending: tuple[Message, ...]) -> None:
        """Note that the peer wants to be told everything of a family again (RFC 2918), between these messages.

        That comes after what has begun, so that a peer which asks again and again gets to the end of an answer; and
        one answer serves all requests that came before it begins.
        """
        told = self._told[family]
        last = told.last_to_begin
        if last is None or not last.again:
            told.runs.append(_Run(again=True, openings=opening, endings=ending))

    def retract(self) -> None:
        """Note that the peer is to have nothing any more."""
        self.supply = _Nothing()
        self._own.clear()
        for told in self._told.values():
            told.runs.clear()
            told.touched = dict.fromkeys(chain(told.plain, told.paths))

    def _all_keys(self, family: Family, told: _Told) -> Iterator[bytes]:
        everything = dict.fromkeys(chain(self._own.keys(family), told.plain, told.paths))
        everything.update(dict.fromkeys(self.supply.keys(family)))
        return iter(everything)

    # What to tell.

    def take_changes(self, view: View) -> Changes | None:
        """Return the next piece of what the peer does not know yet, and take it as told; None: it knows all."""
        if not self.is_under_way:
            for told in self._told.values():
                if told.touched:
                    told.run_touched()
        for family, told in self._told.items():
            if told.runs:
                return self._take(family, told, view)
        return None

    def _take(self, family: Family, told: _Told, view: View) -> Changes:
        run, changes = told.runs[0], Changes(family)
        if run.keys is None:
            run.keys = self._all_keys(family, told)
            told.touched.clear()
            changes.openings = run.openings
        keys = list(islice(run.keys, BATCH))
        if view.has_path_ids(family):
            for key in keys:
                self._compare_paths(family, key, told, view, run.again, changes)
        else:
            self._compare(family, keys, told, view, run.again, changes)
        if len(keys) < BATCH:
            told.runs.popleft()
            changes.endings = run.endings
        return changes

    def _compare(
        self, family: Family, keys: Sequence[bytes], told: _Told, view: View, again: bool, changes: Changes
    ) -> None:
        own, supplied, plain = self._own.finder(family), self.supply.finder(family), told.plain
        for key in keys:
            look: Look | None = None
            offer = own(key)
            if offer is not None:
                look = self._look(family, key, offer, view, changes)
            else:
                offer = supplied(key)
                if offer is not None:
                    look = self._supplied(family, key, offer, view, changes)
            known = plain.get(key)
            if look is None:
                if known is not None:
                    changes.withdrawn.append(key)
                    del plain[key]
            elif again or known is None or (look is not known and look != known):
                plain[key] = look
                _announce(changes, look, b"", key)

    def _compare_paths(
        self, family: Family, key: bytes, told: _Told, view: View, again: bool, changes: Changes
    ) -> None:
        looks: dict[int, Look | None] = {
            own.path_id: self._look(family, key, own, view, changes)
            for own in self._own.candidates(family, key)
        }
        if not looks:
            looks = {
                path_id: self._supplied(family, key, candidate, view, changes)
                for path_id, candidate in self.supply.offers(family, key)
            }
        wanted = {path_id: look for path_id, look in looks.items() if look is not None}
        known = told.paths.get(key, {})
        for path_id in known.keys() - wanted.keys():
            changes.withdrawn.append(_identifier(path_id) + key)
        for path_id, look in wanted.items():
            if again or look != known.get(path_id):
                _announce(changes, look, _identifier(path_id), key)
        if wanted:
            told.paths[key] = wanted
        else:
            told.paths.pop(key, None)

    def _supplied(
        self, family: Family, key: bytes, candidate: Candidate, view: View, changes: Changes
    ) -> Look | None:
        look = self._look(family, key, candidate, view, changes)
        if look is None:
            return None
        exported = self.supply.export(family, key, candidate, look)
        if exported is look or exported is None:
            return exported
        final = view.finish(family, exported) if isinstance(exported, Look) else exported
        if isinstance(final, Look):
            return final
        changes.refused.append((Route.of(family, key, candidate), final))
        return None

    def _look(
        self, family: Family, key: bytes, candidate: Candidate, view: View, changes: Changes
    ) -> Look | None:
        look = view.look(family, candidate)
        if len(key) > MAX_OPAQUE:
            look = f"it has {len(key)} octets of a family that is not read, at most {MAX_OPAQUE} can be told"
        if isinstance(look, Look):
            return look
        if candidate.source is OURSELVES:
            changes.refused.append((Route.of(family, key, candidate), look))
        return None

    # What was told.

    def count(self, family: Family) -> int:
        """How many destinations of a family the peer was told of."""
        told = self._told.get(family)
        return len(told.plain) + len(told.paths) if told else 0

    def told(self, family: Family) -> Iterator[tuple[bytes, int, Look]]:
        """What the peer was told of a family: destination, path identifier, and how it looks."""
        told = self._told.get(family)
        if told is not None:
            yield from ((key, 0, look) for key, look in told.plain.items())
            for key, looks in told.paths.items():
                yield from ((key, path_id, look) for path_id, look in looks.items())


def replace(rib: Rib, pool: CandidatePool, routes: Iterable[Route]) -> Iterator[tuple[Family, list[bytes]]]:
    """Make the application's routes in a table be these; yields the destinations that are different from before."""
    wanted: dict[Family, dict[tuple[bytes, int], Candidate]] = {}
    for route in routes:
        wanted.setdefault(route.family, {})[route.prefix.key, route.path_id] = route.candidate(pool)
    for family in {*rib.families, *wanted}:
        stated = wanted.get(family, {})
        changed = rib.revise(
            family,
            lambda key, old, stated=stated: (  # type: ignore[misc]
                old if old.source is not OURSELVES or (key, old.path_id) in stated else None
            ),
        )
        for (key, _), offer in stated.items():
            changed += rib.put(family, [key], offer)
        yield family, changed


def _announce(changes: Changes, look: Look, path_id: bytes, key: bytes) -> None:
    if look.wire is None:
        changes.announced.setdefault(look, []).append(path_id + key if path_id else key)
    else:
        changes.announced.setdefault(look.without_wire(), []).append(path_id + look.wire)


def _identifier(path_id: int) -> bytes:
    return path_id.to_bytes(4, "big")
