"""What a peer is to be told, and what it was told (RFC 4271 3.2, Adj-RIB-Out).

A peer is to have the routes that the application announced to it alone, and for other destinations what the rest of the
router supplies (router.py). `AdjRibOut` remembers what the peer was told, and yields the difference, piece by piece: a
new session has a run through all destinations before it, and whatever changes is touched, to be compared once there is
room for it in the connection. So a destination that changes ten times while a peer is slow costs it one UPDATE, a peer
that takes nothing costs no more memory than one that does, and without a session nothing is remembered at all.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final, Protocol

import attrs

from bgp.candidate import OURSELVES, Candidate, CandidatePool
from bgp.look import Look
from bgp.messages import Message
from bgp.prefix import Family
from bgp.rib import Rib
from bgp.route import Named, Route

BATCH: Final = 8192
"""How many destinations are compared at a time: enough for UPDATEs to be full, few enough to give others their turn."""


class Supply(Protocol):
    """Where routes come from that the application has not announced to the peer itself."""

    def keys(self, family: Family) -> Iterable[bytes]:
        """The destinations that there may be something to tell about."""

    def offer(self, family: Family, key: bytes) -> Candidate | None:
        """What there is for a destination."""

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

    def offer(self, family: Family, key: bytes) -> Candidate | None:
        return None

    def offers(self, family: Family, key: bytes) -> Sequence[tuple[int, Candidate]]:
        return ()

    def export(self, family: Family, key: bytes, candidate: Candidate, look: Look) -> Look | str | None:
        return look


@attrs.define(eq=False)
class Changes:
    """A piece of what the peer has to be told of a family."""

    family: Family

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

    keys: Iterator[bytes]
    again: bool = False
    """Whether the peer is to be told even what it knows (RFC 2918)."""
    endings: tuple[Message, ...] = ()


@attrs.define(eq=False)
class _Told:
    """What the peer was told of one family in this session, and what is to be compared with it."""

    plain: dict[bytes, Look] = attrs.field(factory=dict)
    paths: dict[bytes, dict[int, Look]] = attrs.field(factory=dict)
    """The same where there are path identifiers."""
    runs: deque[_Run] = attrs.field(factory=deque)
    touched: dict[bytes, None] = attrs.field(factory=dict)


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
        return [
            Route.of(family, key, candidate)
            for family in self._own.families
            for key, candidates in self._own.items(family)
            for candidate in candidates
        ]

    def announce(self, routes: Iterable[Route]) -> None:
        """Add routes; each replaces the one for its destination and path identifier."""
        for route in routes:
            offer = route.candidate(self._pool)
            self.touch(route.family, self._own.put(route.family, [route.prefix.key], offer))

    def withdraw(self, names: Iterable[Named]) -> None:
        """Drop the routes to these destinations, where there are any."""
        for destination, path_id in names:
            gone = self._own.remove(destination.family, [destination.key], None, path_id)
            self.touch(destination.family, gone)

    def replace(self, routes: Iterable[Route]) -> None:
        """State all the routes that this peer is to have alone."""
        for family, keys in replace(self._own, self._pool, routes):
            self.touch(family, keys)

    # What has changed.

    @property
    def is_pending(self) -> bool:
        """Whether there is something to compare."""
        return any(told.runs or told.touched for told in self._told.values())

    def begin(self, families: Iterable[Family]) -> None:
        """Note that a session is up: all is to be told of these families."""
        self._told = {family: _Told() for family in sorted(families)}
        for family, told in self._told.items():
            told.runs.append(_Run(self._all_keys(family)))

    def conclude(self, endings: Iterable[tuple[Family, Message]]) -> None:
        """Send each family's message after what there is to tell now."""
        for family, ending in endings:
            runs = self._told[family].runs
            if runs:
                runs[-1].endings += (ending,)
            else:
                runs.append(_Run(iter(()), endings=(ending,)))

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
        if told is not None:
            told.runs.append(_Run(self._all_keys(family)))

    def repeat(self, family: Family, ending: Message | None) -> None:
        """Note that the peer wants to be told everything of a family again (RFC 2918), with a message at the end."""
        told = self._told[family]
        endings = tuple(chain.from_iterable(run.endings for run in told.runs))
        if ending is not None:
            endings += (ending,)
        told.runs = deque([_Run(self._all_keys(family), again=True, endings=endings)])
        told.touched.clear()

    def retract(self) -> None:
        """Note that the peer is to have nothing any more."""
        self.supply = _Nothing()
        self._own.clear()
        for told in self._told.values():
            told.runs.clear()
            told.touched = dict.fromkeys(chain(told.plain, told.paths))

    def _all_keys(self, family: Family) -> Iterator[bytes]:
        told = self._told[family]
        everything = dict.fromkeys(chain(self._own.keys(family), told.plain, told.paths))
        everything.update(dict.fromkeys(self.supply.keys(family)))
        return iter(everything)

    # What to tell.

    def take_changes(self, view: View) -> Changes | None:
        """Return the next piece of what the peer does not know yet, and take it as told; None: it knows all."""
        for family, told in self._told.items():
            if told.touched and not told.runs:
                told.runs.append(_Run(iter(told.touched)))
                told.touched = {}
            if told.runs:
                return self._take(family, told, view)
        return None

    def _take(self, family: Family, told: _Told, view: View) -> Changes:
        run, changes = told.runs[0], Changes(family)
        compare = self._compare_paths if view.has_path_ids(family) else self._compare
        for count, key in enumerate(run.keys, 1):
            compare(family, key, told, view, run.again, changes)
            if count == BATCH:
                return changes
        told.runs.popleft()
        changes.endings = run.endings
        return changes

    def _compare(
        self, family: Family, key: bytes, told: _Told, view: View, again: bool, changes: Changes
    ) -> None:
        own = self._own.best(family, key)
        look: Look | None
        if own is not None:
            look = self._look(family, key, own, view, changes)
        else:
            offer = self.supply.offer(family, key)
            look = None if offer is None else self._supplied(family, key, offer, view, changes)
        known = told.plain.get(key)
        if look is None:
            if known is not None:
                changes.withdrawn.append(key)
                del told.plain[key]
        elif again or (look is not known and look != known):
            told.plain[key] = look
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
