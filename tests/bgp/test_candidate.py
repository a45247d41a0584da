"""What the decision process looks at: read from octets, as `PathAttributes` reads it."""

from ipaddress import IPv4Address, ip_address

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import LocalError, Negotiated, PathAttributes, PeerType
from bgp import candidate as module
from bgp.candidate import DEFAULT_LOCAL_PREF, Candidate, CandidatePool, Source, metrics
from bgp.iana import WELL_KNOWN_COMMUNITIES, Origin
from bgp.multiprotocol import NextHop
from bgp.testing import path_attributes

ROUTER_ID = IPv4Address("192.0.2.9")


def source(
    address: str = "192.0.2.1", peer_type: PeerType = PeerType.EXTERNAL, stale: bool = False
) -> Source:
    return Source("peer", ip_address(address), 64513, ROUTER_ID, peer_type, is_long_lived_stale=stale)


OURS = Source(None, None, 64512, ROUTER_ID, None)
SOURCES = [*(source(peer_type=kind) for kind in PeerType), source(stale=True), OURS]


@given(
    st.sampled_from(PeerType).flatmap(
        lambda kind: path_attributes(Negotiated(four_octet_as=True, peer_type=kind))
    ),
    st.sampled_from(SOURCES),
)
def test_metrics_are_what_the_attributes_say(attributes: PathAttributes, source: Source) -> None:
    found = metrics(Candidate(source, attributes, None), 7)
    path, local_pref, originator = attributes.as_path, attributes.local_pref, attributes.originator_id
    neighbor = source.asn if source.peer_type is PeerType.EXTERNAL else None
    if path is not None and path.neighbor_as is not None:
        neighbor = path.neighbor_as
    assert found.cost == 7
    assert found.local_pref == (DEFAULT_LOCAL_PREF if local_pref is None else local_pref)
    assert found.aigp == attributes.aigp
    assert found.path_length == (path.length if path is not None else 0)
    assert found.neighbor_as == neighbor
    assert found.origin == (Origin.INCOMPLETE if attributes.origin is None else attributes.origin)
    assert found.med == (attributes.med or 0)
    assert found.router_id == int(ROUTER_ID if originator is None else originator)
    assert found.clusters == len(attributes.cluster_list)
    stale = WELL_KNOWN_COMMUNITIES["llgr-stale"] in attributes.communities
    assert found.is_long_lived_stale == (stale or source.is_long_lived_stale)


@pytest.mark.parametrize(
    ("communities", "stale"),
    [
        (["llgr-stale"], True),
        (["64512:1", "llgr-stale", "64512:2"], True),
        (["64512:65535", "6:1"], False),  # the same four octets, but across two communities
        (["64512:65535", "6:1", "llgr-stale"], True),
        ([], False),
    ],
)
def test_llgr_stale_is_a_community_and_not_any_octets(communities: list[str], stale: bool) -> None:
    found = metrics(Candidate(source(), PathAttributes(communities=communities), None), 0)
    assert found.is_long_lived_stale is stale


def test_to_look_leaves_nothing_behind_in_the_attributes() -> None:
    attributes = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.1", communities=["64512:1"])
    untouched = PathAttributes.from_wire(attributes.wire)
    candidate = Candidate(source(), untouched, None)
    metrics(candidate, 0)
    assert candidate.address == IPv4Address("192.0.2.1")
    assert untouched._seen is None


@pytest.mark.parametrize(
    ("attributes", "next_hop", "address"),
    [
        (PathAttributes(next_hop="192.0.2.1"), None, "192.0.2.1"),
        (PathAttributes(next_hop="192.0.2.1"), NextHop("2001:db8::1"), "2001:db8::1"),
        (PathAttributes(), NextHop("2001:db8::1", "fe80::1"), "2001:db8::1"),
        (PathAttributes(), NextHop("::", "fe80::1"), "fe80::1"),
        (PathAttributes(), NextHop(b""), None),  # of a family that needs none
        (PathAttributes(), None, None),  # ours
    ],
)
def test_next_hop(attributes: PathAttributes, next_hop: NextHop | None, address: str | None) -> None:
    candidate = Candidate(source(), attributes, next_hop)
    expected = None if address is None else ip_address(address)
    assert candidate.address == expected
    assert candidate.address is candidate.address


def test_addresses_of_all_kinds_have_an_order() -> None:
    peers = [
        source(each) for each in ("9.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0", "fe80::1%eth1", "fe80::2")
    ]
    assert sorted([*reversed(peers), OURS], key=lambda each: each.order) == [OURS, *peers]


def test_a_source_is_a_peer_or_we() -> None:
    with pytest.raises(LocalError, match="must have both or none"):
        Source(None, None, 64512, ROUTER_ID, PeerType.INTERNAL)
    with pytest.raises(LocalError, match="must have both or none"):
        Source("peer", IPv4Address("192.0.2.1"), 64513, ROUTER_ID, None)


def test_compared_by_identity() -> None:
    one, other = (Candidate(OURS, PathAttributes(), None) for _ in range(2))
    assert one != other
    assert len({one, other, one}) == 2
    assert source() != source()


# The pool of one source.

ROUTE = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.1")


def test_equal_candidates_of_a_source_are_one_object() -> None:
    pool = CandidatePool(OURS)
    found = pool.get(ROUTE)
    assert found.source is OURS
    assert pool.get(PathAttributes.from_wire(ROUTE.wire)) is found
    hop = NextHop("2001:db8::1")
    others = [pool.get(ROUTE, hop), pool.get(ROUTE, None, 7), pool.get(ROUTE.evolve(med=1))]
    assert len({found, *others, CandidatePool(OURS).get(ROUTE)}) == 5
    assert (others[0].next_hop, others[1].path_id) == (hop, 7)


def test_candidates_with_octets_of_their_own_are_not_shared() -> None:
    pool = CandidatePool(OURS)
    first, second = (pool.get(ROUTE, wire=b"\x20\0\0\x11\x0a") for _ in range(2))
    assert first is not second
    assert attrs.asdict(first, recurse=False) == attrs.asdict(second, recurse=False)
    assert first.wire == b"\x20\0\0\x11\x0a"


def test_the_pool_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LIMIT", 10)
    pool = CandidatePool(OURS)
    for med in range(100):
        assert pool.get(ROUTE.evolve(med=med)).attributes.med == med
    assert len(pool._known) <= 10


def test_what_was_measured_is_kept() -> None:
    candidate = CandidatePool(OURS).get(ROUTE)
    assert candidate.measured is None
    measured = module.Measured(7, 64513, (1, 2))
    candidate.keep(measured)
    assert candidate.measured is measured
