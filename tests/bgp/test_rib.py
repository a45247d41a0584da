"""The table of candidates, its order left to an order by path identifier or to one that a test makes up."""

from collections.abc import Sequence
from ipaddress import IPv4Address

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import IPV4_UNICAST, IPV6_UNICAST, NextHop, PathAttributes, PeerType
from bgp.candidate import OURSELVES, Candidate, Source
from bgp.rib import Rib, by_path_id

A, B, C = b"\x08\x0a", b"\x08\x0b", b"\x08\x0c"
ROUTE = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")


def source(peer: str, **values: bool | IPv4Address) -> Source:
    """A peer in one session; its name is its identity."""
    usual = {"asn": 64513, "router_id": IPv4Address("192.0.2.2"), "peer_type": PeerType.EXTERNAL}
    return Source(peer=peer, address=IPv4Address("192.0.2.2"), **{**usual, **values})  # type: ignore[arg-type]


LEFT, RIGHT = source("left"), source("right")


def path(
    offered_by: Source = LEFT, path_id: int = 0, med: int | None = None, wire: bytes | None = None
) -> Candidate:
    return Candidate(offered_by, ROUTE.evolve(med=med), None, path_id, wire)


def test_one_path() -> None:
    rib, offer = Rib(), path()
    assert rib.put(IPV4_UNICAST, [A, B], offer) == [A, B]
    assert rib.best(IPV4_UNICAST, A) is offer
    find = rib.finder(IPV4_UNICAST)
    assert (find(A), find(C)) == (offer, None)
    assert rib.candidates(IPV4_UNICAST, B) == (offer,)
    assert list(rib.keys(IPV4_UNICAST)) == [A, B]
    assert list(rib.items(IPV4_UNICAST)) == [(A, (offer,)), (B, (offer,))]
    assert len(rib) == 2


def test_what_others_have_paths_to_as_well() -> None:
    rib = Rib()
    assert rib.shared(IPV4_UNICAST, [A], "left") == []
    rib.put(IPV4_UNICAST, [A], path())
    assert rib.shared(IPV4_UNICAST, [A, B], "left") == []
    assert rib.shared(IPV4_UNICAST, [A, B], "right") == [A]
    rib.put(IPV4_UNICAST, [A], path(RIGHT))
    assert rib.finder(IPV4_UNICAST)(A) is rib.best(IPV4_UNICAST, A)
    assert rib.shared(IPV4_UNICAST, [A, B], "left") == [A]


def test_nothing() -> None:
    rib = Rib()
    assert rib.best(IPV4_UNICAST, A) is None
    assert rib.candidates(IPV4_UNICAST, A) == ()
    assert not list(rib.keys(IPV4_UNICAST))
    assert not list(rib.items(IPV4_UNICAST))
    assert not rib.families
    assert rib.remove(IPV4_UNICAST, [A], "left") == []
    assert rib.revise(IPV4_UNICAST, lambda key, old: old) == []
    assert len(rib) == 0


def test_families_are_apart() -> None:
    rib = Rib()
    four, six = path(), path()
    rib.put(IPV4_UNICAST, [A], four)
    assert rib.put(IPV6_UNICAST, [A], six) == [A]
    assert (rib.best(IPV4_UNICAST, A), rib.best(IPV6_UNICAST, A)) == (four, six)
    assert rib.remove(IPV6_UNICAST, [A], "left") == [A]
    assert rib.best(IPV4_UNICAST, A) is four
    assert set(rib.families) == {IPV4_UNICAST, IPV6_UNICAST}


def test_a_path_takes_the_place_of_its_forerunner() -> None:
    rib, old, new = Rib(), path(med=1), path(med=2)
    rib.put(IPV4_UNICAST, [A], old)
    assert rib.put(IPV4_UNICAST, [A], new) == [A]
    assert rib.candidates(IPV4_UNICAST, A) == (new,)


def test_paths_of_other_peers_and_with_other_identifiers_stay() -> None:
    rib = Rib()
    first, second, other, new = path(path_id=1), path(path_id=2), path(RIGHT, 3), path(path_id=1, med=2)
    for offer in (second, other, first):
        assert rib.put(IPV4_UNICAST, [A], offer) == [A]
    assert rib.candidates(IPV4_UNICAST, A) == (first, second, other)
    rib.put(IPV4_UNICAST, [A], new)
    assert rib.candidates(IPV4_UNICAST, A) == (new, second, other)
    assert rib.best(IPV4_UNICAST, A) is new
    assert len(rib) == 1


def test_what_is_the_same_for_everybody_makes_no_difference() -> None:
    rib, old = Rib(), path()
    rib.put(IPV4_UNICAST, [A], old)
    assert rib.put(IPV4_UNICAST, [A], old) == []
    # A new session of the same peer sends its routes again: what is stale is seen by the source.
    fresh = path(source("left"))
    assert rib.put(IPV4_UNICAST, [A], fresh) == []
    assert rib.best(IPV4_UNICAST, A) is fresh


@pytest.mark.parametrize(
    "new",
    [
        path(med=1),
        path(wire=b"\x20\0\0\x11\x0a"),
        attrs.evolve(path(), next_hop=NextHop("2001:db8::1")),
        path(source("left", router_id=IPv4Address("192.0.2.3"))),
        path(source("left", is_client=True)),
        path(source("left", is_long_lived_stale=True)),
    ],
    ids=["attributes", "labels", "next hop", "identifier", "client", "stale"],
)
def test_what_somebody_may_have_to_be_told(new: Candidate) -> None:
    rib = Rib()
    rib.put(IPV4_UNICAST, [A, B], path())
    assert rib.put(IPV4_UNICAST, [A], new) == [A]


def test_removes_all_of_a_peer_or_one() -> None:
    rib = Rib()
    first, second, zero, other = path(path_id=1), path(path_id=2), path(), path(RIGHT)
    for offer in (first, second, zero, other):
        rib.put(IPV4_UNICAST, [A], offer)
    assert rib.remove(IPV4_UNICAST, [A, B], "left", 0) == [A]
    assert rib.candidates(IPV4_UNICAST, A) == (other, first, second)
    assert rib.remove(IPV4_UNICAST, [A], "left", 7) == []
    assert rib.remove(IPV4_UNICAST, [A], "left") == [A]
    assert rib.candidates(IPV4_UNICAST, A) == (other,)
    assert rib.remove(IPV4_UNICAST, [A], "right") == [A]
    assert rib.best(IPV4_UNICAST, A) is None
    assert len(rib) == 0


def test_revises() -> None:
    rib, newer = Rib(), path(med=9)
    kept, aged, dropped, other = path(), path(med=1), path(med=2), path(RIGHT, 1)
    rib.put(IPV4_UNICAST, [A], kept)
    rib.put(IPV4_UNICAST, [B], aged)
    rib.put(IPV4_UNICAST, [B], other)
    rib.put(IPV4_UNICAST, [C], dropped)
    seen: list[tuple[bytes, Candidate]] = []

    def revision(key: bytes, old: Candidate) -> Candidate | None:
        seen.append((key, old))
        return {aged: newer, dropped: None}.get(old, old)

    assert rib.revise(IPV4_UNICAST, revision) == [B, C]
    assert seen == [(A, kept), (B, aged), (B, other), (C, dropped)]
    assert dict(rib.items(IPV4_UNICAST)) == {A: (kept,), B: (newer, other)}


def test_revision_ranks_anew() -> None:
    rib = Rib(_by_med)
    low, high = path(med=1), path(RIGHT, med=2)
    rib.put(IPV4_UNICAST, [A], low)
    rib.put(IPV4_UNICAST, [A], high)
    assert rib.best(IPV4_UNICAST, A) is low
    higher = path(med=3)
    assert rib.revise(IPV4_UNICAST, lambda key, old: higher if old is low else old) == [A]
    assert rib.candidates(IPV4_UNICAST, A) == (high, higher)


def test_clear() -> None:
    rib = Rib()
    rib.put(IPV4_UNICAST, [A], path())
    rib.clear()
    assert len(rib) == 0
    assert rib.best(IPV4_UNICAST, A) is None


def test_by_path_id() -> None:
    ours = [path(OURSELVES, path_id) for path_id in (2, 0, 1)]
    assert [each.path_id for each in by_path_id(ours)] == [0, 1, 2]


def _by_med(candidates: Sequence[Candidate]) -> Sequence[Candidate]:
    return sorted(candidates, key=lambda each: (each.attributes.med or 0, each.path_id, each.source.peer))


SOURCES = {name: source(name) for name in ("left", "middle", "right")}
PUT = st.tuples(
    st.lists(st.sampled_from([A, B, C]), max_size=3, unique=True),
    st.sampled_from(sorted(SOURCES)),
    st.integers(0, 2),
    st.integers(0, 2) | st.none(),
)


@given(st.lists(PUT, max_size=30))
def test_agrees_with_a_table_that_is_plain(steps: list[tuple[list[bytes], str, int, int | None]]) -> None:
    rib, plain = Rib(_by_med), dict[bytes, dict[tuple[str, int], Candidate]]()
    for keys, peer, path_id, med in steps:
        if med is None:
            had = [key for key in keys if any(each[0] == peer for each in plain.get(key, {}))]
            assert rib.remove(IPV4_UNICAST, keys, peer) == had
            for key in had:
                plain[key] = {each: c for each, c in plain[key].items() if each[0] != peer}
        else:
            offer = path(SOURCES[peer], path_id, med)
            before = {key: plain.setdefault(key, {}).get((peer, path_id)) for key in keys}
            changed = [key for key, old in before.items() if old is None or old.attributes.med != med]
            assert rib.put(IPV4_UNICAST, keys, offer) == changed
            for key in keys:
                plain[key][peer, path_id] = offer
        for key, paths in plain.items():
            assert rib.candidates(IPV4_UNICAST, key) == tuple(_by_med(list(paths.values())))
            assert rib.best(IPV4_UNICAST, key) is next(iter(_by_med(list(paths.values()))), None)
    assert len(rib) == sum(map(bool, plain.values()))
