"""The table of paths to all destinations (RFC 4271 3.2, Loc-RIB), and what of it is whose.

One table holds the candidates of all sources, the best first. So an Adj-RIB-In that no policy has changed is not kept
twice: it is the candidates of one peer. A destination with one path costs an entry of a dict and its key, the octets
that stood in the UPDATE; only one with several costs a tuple and a comparison (decision.py).
"""

from collections.abc import Callable, Iterable, Iterator, KeysView, Sequence

import attrs

from bgp.candidate import Candidate
from bgp.prefix import Family

Rank = Callable[[Sequence[Candidate]], Sequence[Candidate]]
"""Puts candidates for one destination into their order, the best first."""

_Entry = Candidate | tuple[Candidate, ...]


def by_path_id(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    """The order of paths that one application states: that of their identifiers."""
    return sorted(candidates, key=lambda candidate: candidate.path_id)


@attrs.define(eq=False)
class Rib:
    """Candidates by family and destination; of one peer, one for each path identifier."""

    rank: Rank = by_path_id
    """How candidates for one destination are ordered."""

    _tables: dict[Family, dict[bytes, _Entry]] = attrs.field(factory=dict, init=False)

    @property
    def families(self) -> KeysView[Family]:
        """The families of which there has been a candidate."""
        return self._tables.keys()

    def __len__(self) -> int:
        """How many destinations there are."""
        return sum(map(len, self._tables.values()))

    def keys(self, family: Family) -> Iterable[bytes]:
        """The destinations of a family; it changes when the table does."""
        return self._tables.get(family, _EMPTY).keys()

    def best(self, family: Family, key: bytes) -> Candidate | None:
        """The best candidate."""
        entry = self._tables.get(family, _EMPTY).get(key)
        return entry[0] if type(entry) is tuple else entry  # type: ignore[return-value]

    def finder(self, family: Family) -> Callable[[bytes], Candidate | None]:
        """What `best` does, for those who ask about many destinations of a family; good until something changes."""
        get = self._tables.get(family, _EMPTY).get

        def find(key: bytes) -> Candidate | None:
            entry = get(key)
            return entry[0] if type(entry) is tuple else entry  # type: ignore[return-value]

        return find

    def candidates(self, family: Family, key: bytes) -> tuple[Candidate, ...]:
        """All candidates, the best first."""
        return _several(self._tables.get(family, _EMPTY).get(key))

    def shared(self, family: Family, keys: Iterable[bytes], peer: object) -> list[bytes]:
        """Those destinations for which there are candidates of others than this peer."""
        get = self._tables.get(family, _EMPTY).get
        return [
            key
            for key in keys
            if (entry := get(key)) is not None and (type(entry) is tuple or entry.source.peer is not peer)  # type: ignore[union-attr]
        ]

    def items(self, family: Family) -> Iterator[tuple[bytes, tuple[Candidate, ...]]]:
        """All destinations of a family with their candidates; the table must not change meanwhile."""
        for key, entry in self._tables.get(family, _EMPTY).items():
            yield key, _several(entry)

    def put(self, family: Family, keys: Iterable[bytes], candidate: Candidate) -> list[bytes]:
        """Add a candidate for destinations, in place of the one with its source's peer and path identifier.

        Returns the destinations for which that makes a difference.
        """
        table = self._tables.setdefault(family, {})
        changed: list[bytes] = []
        for key in keys:
            entry = table.get(key)
            if entry is None:
                table[key] = candidate
                changed.append(key)
            elif self._replace(table, key, _several(entry), candidate):
                changed.append(key)
        return changed

    def _replace(
        self, table: dict[bytes, _Entry], key: bytes, present: tuple[Candidate, ...], new: Candidate
    ) -> bool:
        peer, path_id = new.source.peer, new.path_id
        old = next((c for c in present if c.path_id == path_id and c.source.peer is peer), None)
        others = tuple(c for c in present if c is not old)
        table[key] = new if not others else tuple(self.rank((*others, new)))
        return old is None or not _is_same(old, new)

    def remove(
        self, family: Family, keys: Iterable[bytes], peer: object, path_id: int | None = None
    ) -> list[bytes]:
        """Take away the candidates of a peer, all or the one with a path identifier.

        Returns the destinations that had any.
        """
        table = self._tables.get(family, _EMPTY)
        changed: list[bytes] = []
        for key in keys:
            present = _several(table.get(key))
            left = tuple(c for c in present if c.source.peer is not peer or path_id not in (None, c.path_id))
            if len(left) < len(present):
                _store(table, key, left)
                changed.append(key)
        return changed

    def revise(self, family: Family, revision: Callable[[bytes, Candidate], Candidate | None]) -> list[bytes]:
        """Replace every candidate of a family by what `revision` makes of it, None to take it away.

        It is called with destination and candidate. Returns the destinations for which that makes a difference.
        """
        table = self._tables.get(family, _EMPTY)
        changed: list[tuple[bytes, tuple[Candidate, ...]]] = []
        for key, entry in table.items():
            present = _several(entry)
            revised = tuple(new for old in present if (new := revision(key, old)) is not None)
            if revised != present:
                changed.append((key, revised))
        for key, revised in changed:
            _store(table, key, revised if len(revised) < 2 else tuple(self.rank(revised)))
        return [key for key, _ in changed]

    def clear(self) -> None:
        """Forget everything."""
        self._tables.clear()


_EMPTY: dict[bytes, _Entry] = {}


def _several(entry: _Entry | None) -> tuple[Candidate, ...]:
    if entry is None:
        return ()
    return entry if type(entry) is tuple else (entry,)  # type: ignore[return-value]


def _store(table: dict[bytes, _Entry], key: bytes, left: tuple[Candidate, ...]) -> None:
    if left:
        table[key] = left if len(left) > 1 else left[0]
    else:
        table.pop(key, None)


def _is_same(old: Candidate, new: Candidate) -> bool:
    """Whether nobody has to be told that a candidate took the place of another."""
    if old is new:
        return True
    return (old.attributes, old.next_hop, old.wire) == (new.attributes, new.next_hop, new.wire) and (
        old.source.router_id,
        old.source.is_client,
        old.source.is_long_lived_stale,
    ) == (new.source.router_id, new.source.is_client, new.source.is_long_lived_stale)
