"""What a peer is told, against a peer that remembers it and a plain account of what it is to have."""

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import IPv4Address

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Family,
    LabelledPrefix,
    Message,
    PathAttributes,
    PeerType,
    Prefix,
    Route,
    RouteRefresh,
    Update,
)
from bgp import ribout as module
from bgp.candidate import OURSELVES, Candidate, CandidatePool, Source
from bgp.iana import RefreshSubtype
from bgp.look import Look
from bgp.nlri import MAX_OPAQUE, OpaqueNLRI, key_of
from bgp.prefix import IPV4_LABELLED
from bgp.rib import Rib
from bgp.ribout import AdjRibOut, Changes, Supply, replace
from bgp.route import as_named

FAMILIES = (IPV4_UNICAST, IPV6_UNICAST, IPV4_LABELLED)
A, B, C = "192.0.2.1/32", "192.0.2.2/32", "192.0.2.3/32"
UNLUCKY = 13
PEER = Source("another", IPv4Address("192.0.2.2"), 64513, IPv4Address("192.0.2.2"), PeerType.EXTERNAL)


@attrs.define
class Glass:
    """How a peer sees routes: by their MED alone, and not at all where that is 13."""

    path_ids: frozenset[Family] = frozenset()
    shade: int = 0

    def look(self, family: Family, candidate: Candidate) -> Look | str:
        med = candidate.attributes.med
        if med == UNLUCKY:
            return "bad luck"
        return Look(PathAttributes(origin=self.shade, med=med), None, candidate.wire)

    def finish(self, family: Family, look: Look) -> Look | str:
        return "bad luck" if look.attributes.med == UNLUCKY else look

    def has_path_ids(self, family: Family) -> bool:
        return family in self.path_ids


PLAIN = Glass()
PATHS = Glass(frozenset(FAMILIES))


class Told(dict[tuple[Family, int, bytes], tuple[PathAttributes, bytes]]):
    """The Adj-RIB-In of the peer: path identifier and destination, what it looks like, and its octets."""

    def __init__(self, view: Glass) -> None:
        super().__init__()
        self.view = view
        self.messages: list[Message] = []
        self.stale: set[tuple[Family, int, bytes]] = set()

    def hear(self, changes: Changes) -> None:
        """Do what the UPDATEs would say, withdrawals first."""
        family = changes.family
        self.messages += changes.openings
        if changes.openings:
            # RFC 7313 4.
            self.stale = {each for each in self if each[0] == family}
        for wire in changes.withdrawn:
            name = self._name(family, wire)
            self.stale.discard(name)
            del self[name]
        for look, wires in changes.announced.items():
            assert look.wire is None, "looks that routes share have no octets of their own"
            for wire in wires:
                name = self._name(family, wire)
                self.stale.discard(name)
                self[name] = look.attributes, wire[4:] if self.view.has_path_ids(family) else wire
        self.messages += changes.endings
        if changes.endings and changes.endings[-1] == END:
            for name in self.stale:
                del self[name]
            self.stale.clear()

    def _name(self, family: Family, wire: bytes) -> tuple[Family, int, bytes]:
        number, rest = (int.from_bytes(wire[:4]), wire[4:]) if self.view.has_path_ids(family) else (0, wire)
        labelled = family == IPV4_LABELLED and len(rest) > 3 and rest[1:2] == b"\0"
        return family, number, key_of(family, rest, False) if labelled else rest

    def catch_up(self, rib: AdjRibOut) -> "list[Changes]":
        """Hear all that there is to hear."""
        pieces = []
        while (changes := rib.take_changes(self.view)) is not None:
            pieces.append(changes)
            self.hear(changes)
        assert not rib.is_pending
        assert not rib.is_under_way
        return pieces


BEGIN, END = (RouteRefresh(IPV4_UNICAST, subtype) for subtype in (RefreshSubtype.BEGIN, RefreshSubtype.END))
EOR = Update()
"""Nothing looks at the messages, but for the peer."""


def up(*routes: Route, view: Glass = PLAIN, supply: Supply | None = None) -> tuple[AdjRibOut, Told]:
    """A session that has been told these routes."""
    rib = AdjRibOut() if supply is None else AdjRibOut(supply)
    rib.announce(routes)
    rib.begin(FAMILIES)
    told = Told(view)
    told.catch_up(rib)
    return rib, told


def meds(told: Told) -> dict[str, int | None]:
    return {str(Prefix.from_wire(family, key)): each[0].med for (family, _, key), each in told.items()}


def announced(pieces: Iterable[Changes]) -> list[bytes]:
    return [wire for changes in pieces for wires in changes.announced.values() for wire in wires]


def withdrawn(pieces: Iterable[Changes]) -> list[bytes]:
    return [wire for changes in pieces for wire in changes.withdrawn]


# One peer's own routes.


def test_without_a_session_nothing_is_told_or_remembered() -> None:
    rib = AdjRibOut()
    for third in range(100):
        rib.announce([Route(f"10.0.{third}.0/24")])
        rib.withdraw([as_named(f"10.0.{third}.0/24")])
        rib.review(IPV4_UNICAST)
    assert not rib.is_pending
    assert rib.take_changes(PLAIN) is None
    assert rib.routes == []
    assert rib.count(IPV4_UNICAST) == 0
    assert list(rib.told(IPV4_UNICAST)) == []


def test_yields_what_is_new_once() -> None:
    rib, told = up()
    rib.announce([Route(A), Route(B, med=1)])
    assert rib.is_pending
    told.catch_up(rib)
    assert meds(told) == {A: None, B: 1}
    assert told.catch_up(rib) == []
    assert [str(route.prefix) for route in rib.routes] == [A, B]


def test_yields_the_net_effect() -> None:
    rib, told = up()
    rib.announce([Route(A)])
    rib.withdraw([as_named(A), as_named(B)])
    pieces = told.catch_up(rib)
    assert announced(pieces) == withdrawn(pieces) == []
    rib.announce([Route(A)])
    told.catch_up(rib)
    rib.withdraw([as_named(A)])
    rib.announce([Route(A)])
    pieces = told.catch_up(rib)
    assert announced(pieces) == withdrawn(pieces) == []


def test_a_route_that_looks_the_same_to_the_peer_is_not_told_again() -> None:
    rib, told = up(Route(A, med=1))
    rib.announce([Route(A, med=1, local_pref=200)])
    assert announced(told.catch_up(rib)) == []


def test_withdraws() -> None:
    rib, told = up(Route(A), Route(B))
    rib.withdraw([as_named(A)])
    assert withdrawn(told.catch_up(rib)) == [Prefix(A).wire]
    assert meds(told) == {B: None}


def test_a_route_that_cannot_be_told_is_refused_and_its_forerunner_withdrawn() -> None:
    rib, told = up(Route(A))
    rib.announce([Route(A, med=UNLUCKY)])
    [changes] = told.catch_up(rib)
    assert changes.refused == [(Route(A, med=UNLUCKY), "bad luck")]
    assert changes.withdrawn == [Prefix(A).wire]
    assert [route.med for route in rib.routes] == [UNLUCKY]
    rib.announce([Route(A)])
    told.catch_up(rib)
    assert meds(told) == {A: None}


def test_a_field_of_a_family_that_is_not_read_has_to_fit() -> None:
    family = Family(25, 70)
    rib, told = AdjRibOut(), Told(PLAIN)
    rib.announce(Route(OpaqueNLRI(family, bytes(length))) for length in (MAX_OPAQUE, MAX_OPAQUE + 1))
    rib.begin([family])
    [changes] = told.catch_up(rib)
    assert list(map(len, announced([changes]))) == [MAX_OPAQUE]
    [(_, reason)] = changes.refused
    assert reason == "it has 2049 octets of a family that is not read, at most 2048 can be told"


def test_a_new_session_is_told_everything() -> None:
    rib, _ = up(Route(A), Route(B))
    rib.withdraw([as_named(A)])
    rib.end()
    rib.announce([Route(C)])
    rib.begin(FAMILIES)
    told = Told(PLAIN)
    assert withdrawn(told.catch_up(rib)) == []
    assert meds(told) == {B: None, C: None}


def test_families_are_apart() -> None:
    rib, told = up(Route("32.1.0.0/16"), Route("2001::/16", med=1))
    rib.withdraw([as_named("2001::/16")])
    told.catch_up(rib)
    assert meds(told) == {"32.1.0.0/16": None}


def test_families_that_are_not_spoken() -> None:
    rib = AdjRibOut()
    rib.announce([Route(A), Route("2001:db8::/32")])
    rib.begin([IPV4_UNICAST])
    told = Told(PLAIN)
    told.catch_up(rib)
    assert meds(told) == {A: None}
    rib.announce([Route("2001:db8:1::/48")])
    assert not rib.is_pending
    assert rib.beyond([IPV4_UNICAST]) == [Route("2001:db8::/32"), Route("2001:db8:1::/48")]
    assert rib.beyond(FAMILIES) == []


def test_labels_that_change() -> None:
    one, two = (LabelledPrefix("10.0.0.0/8", labels=[label]) for label in (100, 200))
    rib, told = up(Route(one))
    assert announced(told.catch_up(rib)) == []
    rib.announce([Route(two)])
    assert announced(told.catch_up(rib)) == [two.wire]
    assert len(told) == 1
    rib.withdraw([as_named(one)])
    assert withdrawn(told.catch_up(rib)) == [one.key]
    assert not told


def test_replace_states_everything() -> None:
    rib, told = up(Route(A), Route(B), Route("2001:db8::/32"))
    rib.replace([Route(B, med=1), Route(C)])
    pieces = told.catch_up(rib)
    assert set(withdrawn(pieces)) == {Prefix(A).wire, Prefix("2001:db8::/32").wire}
    assert meds(told) == {B: 1, C: None}


def test_unchanged_routes_are_not_looked_at() -> None:
    some = [Route(f"10.0.{third}.0/24") for third in range(100)]
    rib, told = up(*some)
    rib.replace(some[1:])
    rib.announce([Route("10.0.7.0/24")])
    looked: list[Candidate] = []

    class Noting(Glass):
        def look(self, family: Family, candidate: Candidate) -> Look | str:
            looked.append(candidate)
            return super().look(family, candidate)

    told.view = Noting()
    assert withdrawn(told.catch_up(rib)) == [some[0].prefix.wire]
    assert looked == []


@pytest.mark.parametrize("verb", ["announce", "replace"])
def test_an_iterable_that_fails_changes_nothing(verb: str) -> None:
    rib, told = up(Route(A))

    def failing() -> Iterator[Route]:
        yield Route(B)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        getattr(rib, verb)(failing())
    assert [str(route.prefix) for route in rib.routes] == [A]
    assert told.catch_up(rib) == []


def test_a_generator_that_looks_at_the_routes() -> None:
    rib, told = up(Route(A), Route(B))
    rib.replace(route.evolve(med=5) for route in rib.routes)
    told.catch_up(rib)
    assert meds(told) == {A: 5, B: 5}
    rib.withdraw(as_named(route) for route in rib.routes)
    told.catch_up(rib)
    assert meds(told) == {}


# Several paths to a destination.


def test_paths() -> None:
    rib, told = up(Route(A, path_id=1), Route(A, path_id=2, med=7), view=PATHS)
    assert set(told) == {(IPV4_UNICAST, 1, Prefix(A).wire), (IPV4_UNICAST, 2, Prefix(A).wire)}
    rib.announce([Route(A, path_id=2, med=8)])
    assert announced(told.catch_up(rib)) == [b"\0\0\0\2" + Prefix(A).wire]
    rib.withdraw([as_named(Route(A, path_id=1))])
    assert withdrawn(told.catch_up(rib)) == [b"\0\0\0\1" + Prefix(A).wire]
    rib.announce([Route(A, path_id=3)])
    rib.withdraw([as_named(A)])
    assert withdrawn(told.catch_up(rib)) == [b"\0\0\0\2" + Prefix(A).wire]
    assert not told
    assert rib.count(IPV4_UNICAST) == 0


def test_a_path_that_cannot_be_told_leaves_the_others() -> None:
    rib, told = up(Route(A, path_id=1), Route(A, path_id=2), view=PATHS)
    rib.announce([Route(A, path_id=1, med=UNLUCKY)])
    [changes] = told.catch_up(rib)
    assert [str(why) for _, why in changes.refused] == ["bad luck"]
    assert [each[1] for each in told] == [2]


def test_without_identifiers_the_first_path_is_told() -> None:
    rib, told = up(Route(A, path_id=2, med=2), Route(A, path_id=1, med=1))
    assert meds(told) == {A: 1}
    rib.withdraw([as_named(Route(A, path_id=1))])
    told.catch_up(rib)
    assert meds(told) == {A: 2}


def test_what_was_told() -> None:
    rib, _ = up(Route(A, path_id=1), Route(A, path_id=2, med=7), Route("2001:db8::/32"), view=PATHS)
    assert (rib.count(IPV4_UNICAST), rib.count(IPV6_UNICAST)) == (1, 1)
    found = [(key, number, look.attributes.med) for key, number, look in rib.told(IPV4_UNICAST)]
    assert found == [(Prefix(A).wire, 1, None), (Prefix(A).wire, 2, 7)]
    rib, _ = up(Route(A, path_id=1))
    assert [(key, number) for key, number, _ in rib.told(IPV4_UNICAST)] == [(Prefix(A).wire, 0)]


# Pieces, endings and refresh.


def test_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    rib, told = AdjRibOut(), Told(PLAIN)
    rib.announce(Route(f"10.0.{third}.0/24") for third in range(25))
    rib.begin([IPV4_UNICAST])
    rib.conclude([(IPV4_UNICAST, EOR)])
    pieces = told.catch_up(rib)
    assert [len(announced([piece])) for piece in pieces] == [10, 10, 5]
    assert [piece.endings for piece in pieces] == [(), (), (EOR,)]


def test_changes_between_pieces_come_after_the_initial_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    rib, told = AdjRibOut(), Told(PLAIN)
    rib.announce([Route(A), Route(B), Route(C)])
    rib.begin([IPV4_UNICAST])
    rib.conclude([(IPV4_UNICAST, EOR)])
    first = rib.take_changes(PLAIN)
    assert first is not None
    told.hear(first)
    assert rib.is_under_way
    rib.announce([Route(A, med=1)])
    rib.withdraw([as_named(B), as_named(C)])
    rib.announce([Route("10.0.0.0/8"), Route(C, med=3)])
    pieces = told.catch_up(rib)
    assert [piece.endings for piece in pieces if piece.endings] == [(EOR,)]
    assert meds(told) == {A: 1, C: 3, "10.0.0.0/8": None}
    # C had not been told before it changed.
    assert announced(pieces).count(Prefix(C).wire) == 1
    assert withdrawn(pieces) == []


def test_a_withdrawal_between_pieces_of_what_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    rib, told = AdjRibOut(), Told(PLAIN)
    rib.announce([Route(A), Route(B)])
    rib.begin([IPV4_UNICAST])
    told.hear(rib.take_changes(PLAIN) or Changes(IPV4_UNICAST))
    rib.withdraw([as_named(A)])
    assert withdrawn(told.catch_up(rib)) == [Prefix(A).wire]
    assert meds(told) == {B: None}


def test_a_session_that_ends_between_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    rib = AdjRibOut()
    rib.announce([Route(A), Route(B)])
    rib.begin([IPV4_UNICAST])
    assert rib.take_changes(PLAIN) is not None
    rib.end()
    assert rib.take_changes(PLAIN) is None
    rib.begin([IPV4_UNICAST])
    told = Told(PLAIN)
    told.catch_up(rib)
    assert meds(told) == {A: None, B: None}


def test_no_family_starves_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    rib, told = up()
    rib.announce([Route(A), Route(B), Route("2001:db8::/32")])
    for med in range(3):
        told.hear(rib.take_changes(PLAIN) or Changes(IPV4_UNICAST))
        rib.announce([Route(A, med=med)])
    while rib.is_under_way and "2001:db8::/32" not in meds(told):
        told.hear(rib.take_changes(PLAIN) or Changes(IPV4_UNICAST))
    assert "2001:db8::/32" in meds(told)


def test_an_ending_comes_after_what_has_changed() -> None:
    rib, told = up()
    rib.announce([Route(A)])
    rib.conclude([(IPV4_UNICAST, EOR), (IPV6_UNICAST, EOR)])
    pieces = told.catch_up(rib)
    assert [(piece.family, len(announced([piece])), piece.endings) for piece in pieces] == [
        (IPV4_UNICAST, 1, (EOR,)),
        (IPV6_UNICAST, 0, (EOR,)),
    ]


def test_an_ending_for_a_run_that_is_under_way_comes_after_what_has_changed_since(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    rib, told = AdjRibOut(), Told(PLAIN)
    rib.announce([Route(A), Route(B)])
    rib.begin([IPV4_UNICAST])
    told.hear(rib.take_changes(PLAIN) or Changes(IPV4_UNICAST))
    rib.announce([Route(C)])
    rib.conclude([(IPV4_UNICAST, EOR)])
    pieces = told.catch_up(rib)
    assert announced(pieces)[-1] == Prefix(C).wire
    assert pieces[-1].endings == (EOR,)


def test_a_refresh_tells_everything_again() -> None:
    rib, told = up(Route(A), Route(B, med=1), Route("2001:db8::/32"))
    rib.withdraw([as_named(A)])
    rib.repeat(IPV4_UNICAST, (BEGIN,), (END,))
    [changes] = told.catch_up(rib)
    assert (changes.openings, changes.endings) == ((BEGIN,), (END,))
    assert announced([changes]) == [Prefix(B).wire]
    assert withdrawn([changes]) == [Prefix(A).wire]


def test_a_refresh_of_paths() -> None:
    rib, told = up(Route(A, path_id=1), Route(A, path_id=2), view=PATHS)
    rib.repeat(IPV4_UNICAST, (), ())
    assert len(announced(told.catch_up(rib))) == 2


def test_a_refresh_waits_for_the_end_of_the_initial_routes(monkeypatch: pytest.MonkeyPatch) -> None:
    # RFC 7313 4: BoRR is not to be sent before End-of-RIB.
    monkeypatch.setattr(module, "BATCH", 1)
    rib, told = AdjRibOut(), Told(PLAIN)
    rib.announce([Route(A), Route(B)])
    rib.begin([IPV4_UNICAST])
    rib.conclude([(IPV4_UNICAST, EOR)])
    told.hear(rib.take_changes(PLAIN) or Changes(IPV4_UNICAST))
    rib.repeat(IPV4_UNICAST, (BEGIN,), (END,))
    told.catch_up(rib)
    assert told.messages == [EOR, BEGIN, END]
    assert meds(told) == {A: None, B: None}


def test_one_answer_serves_all_requests_that_came_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 1)
    rib, told = up(Route(A), Route(B))
    for _ in range(3):
        rib.repeat(IPV4_UNICAST, (BEGIN,), (END,))
    told.hear(rib.take_changes(PLAIN) or Changes(IPV4_UNICAST))
    assert told.messages == [BEGIN]
    for _ in range(3):
        rib.repeat(IPV4_UNICAST, (BEGIN,), (END,))
    pieces = told.catch_up(rib)
    assert told.messages == [BEGIN, END, BEGIN, END]
    assert len(announced(pieces)) == 3


def test_refreshes_of_two_families() -> None:
    rib, told = up(Route(A), Route("2001:db8::/32"))
    for family in (IPV6_UNICAST, IPV4_UNICAST):
        rib.repeat(family, (BEGIN,), (END,))
    pieces = told.catch_up(rib)
    assert [(piece.family, piece.openings, piece.endings) for piece in pieces] == [
        (family, (BEGIN,), (END,)) for family in (IPV4_UNICAST, IPV6_UNICAST)
    ]


def test_what_comes_back_between_a_request_and_its_answer_is_in_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Else the peer would take it for stale at the end, RFC 7313 4.
    monkeypatch.setattr(module, "BATCH", 1)
    rib, told = AdjRibOut(), Told(PLAIN)
    rib.announce([Route(A), Route(B)])
    rib.begin([IPV4_UNICAST])
    told.hear(rib.take_changes(PLAIN) or Changes(IPV4_UNICAST))
    rib.withdraw([as_named(B)])
    rib.repeat(IPV4_UNICAST, (BEGIN,), (END,))
    rib.announce([Route(B)])
    told.catch_up(rib)
    assert meds(told) == {A: None, B: None}


def test_a_review_tells_what_looks_different() -> None:
    rib, told = up(Route(A), Route(B, med=1))
    rib.review(IPV4_UNICAST)
    assert announced(told.catch_up(rib)) == []
    told.view = Glass(shade=2)
    rib.review(IPV4_UNICAST)
    rib.review(IPV4_UNICAST)
    pieces = told.catch_up(rib)
    assert len(pieces) == 1
    assert len(announced(pieces)) == 2


def test_a_route_that_is_refused_after_it_was_told() -> None:
    rib, told = up(Route(A), Route(B))

    class Stricter(Glass):
        def look(self, family: Family, candidate: Candidate) -> Look | str:
            return "not any more"

    told.view = Stricter()
    rib.review(IPV4_UNICAST)
    [changes] = told.catch_up(rib)
    assert [why for _, why in changes.refused] == ["not any more"] * 2
    assert not told


@pytest.mark.parametrize("view", [PLAIN, PATHS])
def test_retract(view: Glass) -> None:
    supply = Shelf()
    supply.stock(Route(C), PEER)
    rib, told = up(Route(A), Route("2001:db8::/32"), view=view, supply=supply)
    rib.announce([Route(B)])
    rib.repeat(IPV4_UNICAST, (BEGIN,), (END,))
    rib.retract()
    pieces = told.catch_up(rib)
    assert not told
    assert len(withdrawn(pieces)) == 3
    assert announced(pieces) == []
    assert rib.routes == []


# What comes from elsewhere.


@attrs.define(eq=False)
class Shelf:
    """A supply with one table, and a policy that may be anything."""

    rib: Rib = attrs.field(factory=Rib)
    policy: Callable[[Look], Look | str | None] = lambda look: look
    numbers: dict[Source, int] = attrs.field(factory=dict)

    def stock(self, route: Route, source: Source = OURSELVES) -> list[bytes]:
        return self.rib.put(route.family, [route.prefix.key], route.candidate(CandidatePool(source)))

    def keys(self, family: Family) -> Iterable[bytes]:
        return self.rib.keys(family)

    def finder(self, family: Family) -> Callable[[bytes], Candidate | None]:
        return functools.partial(self._offer, family)

    def _offer(self, family: Family, key: bytes) -> Candidate | None:
        return self.rib.best(family, key)

    def offers(self, family: Family, key: bytes) -> Sequence[tuple[int, Candidate]]:
        return [(each.path_id + 100, each) for each in self.rib.candidates(family, key)]

    def export(self, family: Family, key: bytes, candidate: Candidate, look: Look) -> Look | str | None:
        return self.policy(look)


def test_supplied_routes_are_told_and_own_ones_hide_them() -> None:
    supply = Shelf()
    supply.stock(Route(A, med=1), PEER)
    supply.stock(Route(B, med=2))
    rib, told = up(Route(A, med=7), supply=supply)
    assert meds(told) == {A: 7, B: 2}
    assert [str(route.prefix) for route in rib.routes] == [A]
    rib.withdraw([as_named(A)])
    told.catch_up(rib)
    assert meds(told) == {A: 1, B: 2}
    rib.touch(IPV4_UNICAST, supply.rib.remove(IPV4_UNICAST, [Prefix(B).wire], None))
    assert withdrawn(told.catch_up(rib)) == [Prefix(B).wire]


def test_supplied_paths_have_the_identifiers_of_the_supply() -> None:
    supply = Shelf()
    supply.stock(Route(A, path_id=1), PEER)
    supply.stock(Route(A, path_id=2), PEER)
    rib, told = up(view=PATHS, supply=supply)
    assert [each[1] for each in told] == [101, 102]
    rib.announce([Route(A, path_id=101), Route(A, path_id=5)])
    told.catch_up(rib)
    assert {each[1] for each in told} == {101, 5}


def test_only_routes_of_the_application_are_refused_aloud() -> None:
    supply = Shelf()
    supply.stock(Route(A, med=UNLUCKY), PEER)
    supply.stock(Route(B, med=UNLUCKY))
    rib = AdjRibOut(supply)
    rib.begin([IPV4_UNICAST])
    [changes] = Told(PLAIN).catch_up(rib)
    assert changes.refused == [(Route(B, med=UNLUCKY), "bad luck")]


def _raise_med(look: Look) -> Look:
    return attrs.evolve(look, attributes=look.attributes.evolve(med=(look.attributes.med or 0) + 1))


@pytest.mark.parametrize(
    ("policy", "told_meds", "refused"),
    [
        (lambda look: look, {A: None, B: 12}, []),
        (lambda look: None, {}, []),
        (lambda look: "it broke", {}, ["it broke", "it broke"]),
        (_raise_med, {A: 1}, ["bad luck"]),
    ],
    ids=["everything", "nothing", "failure", "what cannot be told"],
)
@pytest.mark.parametrize("view", [PLAIN, PATHS], ids=["plain", "paths"])
def test_export_policies(
    policy: Callable[[Look], Look | str | None],
    told_meds: dict[str, int | None],
    refused: list[str],
    view: Glass,
) -> None:
    supply = Shelf(policy=policy)
    supply.stock(Route(A), PEER)
    supply.stock(Route(B, med=12), PEER)
    rib = AdjRibOut(supply)
    rib.begin([IPV4_UNICAST])
    told = Told(view)
    [changes] = told.catch_up(rib)
    assert meds(told) == told_meds
    assert [why for _, why in changes.refused] == refused


def test_a_policy_is_not_asked_about_own_routes() -> None:
    _, told = up(Route(A), supply=Shelf(policy=lambda look: None))
    assert meds(told) == {A: None}


def test_without_a_supply() -> None:
    rib = AdjRibOut()
    look = Look(PathAttributes())
    candidate = Candidate(OURSELVES, look.attributes, None)
    assert rib.supply.export(IPV4_UNICAST, b"", candidate, look) is look


def test_replacing_in_a_common_table_leaves_what_peers_have_sent() -> None:
    table, pool = Rib(), CandidatePool(OURSELVES)
    theirs = Route(A, path_id=1).candidate(CandidatePool(PEER))
    table.put(IPV4_UNICAST, [Prefix(A).wire], theirs)
    assert dict(replace(table, pool, [Route(A), Route(B)])) == {
        IPV4_UNICAST: [Prefix(A).wire, Prefix(B).wire]
    }
    assert dict(replace(table, pool, [])) == {IPV4_UNICAST: [Prefix(A).wire, Prefix(B).wire]}
    assert dict(table.items(IPV4_UNICAST)) == {Prefix(A).wire: (theirs,)}


# All of it at once.

DESTINATIONS = [
    Prefix(A),
    Prefix(B),
    Prefix("2001:db8::/32"),
    LabelledPrefix("10.0.0.0/8", labels=[1]),
    LabelledPrefix("10.0.0.0/8", labels=[2]),
]
SOME_ROUTES = st.builds(
    Route,
    st.sampled_from(DESTINATIONS),
    path_id=st.integers(0, 2),
    med=st.sampled_from([None, 1, 2, UNLUCKY]),
)
CHANGES = ["announce", "announce", "withdraw", "withdraw", "replace", "supply", "recall"]
TURNS = ["take", "take", "repeat", "review", "shade", "conclude", "end", "begin"]
STEPS: st.SearchStrategy[tuple[str, list[Route]]] = st.one_of(
    st.tuples(st.sampled_from(CHANGES), st.lists(SOME_ROUTES, max_size=4)),
    st.tuples(st.sampled_from(TURNS), st.just([])),
)


def wanted(rib: AdjRibOut, shelf: Shelf, view: Glass) -> dict[tuple[Family, int, bytes], object]:
    """What the peer is to have, worked out from scratch."""
    wanted: dict[tuple[Family, int, bytes], object] = {}
    offers: dict[tuple[Family, bytes], list[tuple[int, Candidate]]] = {}
    for family in FAMILIES:
        for key, _ in shelf.rib.items(family):
            plain = [(0, each) for each in shelf.rib.candidates(family, key)[:1]]
            offers[family, key] = [*shelf.offers(family, key)] if view.has_path_ids(family) else plain
    own = {(route.family, route.prefix.key): list[tuple[int, Candidate]]() for route in rib.routes}
    for route in sorted(rib.routes, key=lambda route: route.path_id):
        number = route.path_id if view.has_path_ids(route.family) else 0
        paths = own[route.family, route.prefix.key]
        if number or not paths or view.has_path_ids(route.family):
            paths.append((number, route.candidate(CandidatePool(OURSELVES))))
    for (family, key), paths in {**offers, **own}.items():
        for number, candidate in paths:
            look = view.look(family, candidate)
            if isinstance(look, Look):
                wanted[family, number, key] = look.attributes, look.wire or key
    return wanted


@pytest.mark.parametrize(
    "path_ids", [(), FAMILIES, (IPV6_UNICAST, IPV4_LABELLED)], ids=["plain", "paths", "both"]
)
@settings(max_examples=200)
@given(st.lists(STEPS, max_size=40))
def test_the_peer_always_ends_up_with_what_is_wanted(
    path_ids: tuple[Family, ...], steps: list[tuple[str, list[Route]]]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BATCH", 2)
        _play(frozenset(path_ids), steps)


def _play(path_ids: frozenset[Family], steps: list[tuple[str, list[Route]]]) -> None:
    shelf, view = Shelf(), Glass(path_ids)
    rib, told = AdjRibOut(shelf), Told(view)
    rib.begin(FAMILIES)
    is_up, endings, requests = True, 0, 0
    for verb, some in steps:
        match verb:
            case "announce" | "replace":
                getattr(rib, verb)(some)
            case "withdraw":
                rib.withdraw(map(as_named, some))
            case "supply":
                for route in some:
                    rib.touch(route.family, shelf.stock(route, PEER))
            case "recall":
                for route in some:
                    gone = shelf.rib.remove(route.family, [route.prefix.key], "another", route.path_id)
                    rib.touch(route.family, gone)
            case "end":
                rib.end()
                is_up = False
            case "begin":
                rib.begin(FAMILIES)
                told, is_up, endings, requests = Told(view), True, 0, 0
            case "review":
                rib.review(IPV4_UNICAST)
            case "shade":
                view.shade = 1 - view.shade
                for family in FAMILIES:
                    rib.review(family)
            case "conclude" if is_up:
                rib.conclude([(IPV4_UNICAST, EOR)])
                endings += 1
            case "repeat" if is_up:
                rib.repeat(IPV4_UNICAST, (BEGIN,), (END,))
                requests += 1
            case "take":
                changes = rib.take_changes(view)
                if changes is not None:
                    told.hear(changes)
    told.catch_up(rib)
    assert told == (wanted(rib, shelf, view) if is_up else told)
    assert told.messages.count(EOR) == endings or not is_up
    begun, ended = (told.messages.count(each) for each in (BEGIN, END))
    assert begun == ended or not is_up
    assert bool(requests) is bool(begun) or not is_up
