"""Hypothesis strategies for AS paths and communities."""

from hypothesis import strategies as st

from bgp.aspath import ASPath, ASSegment
from bgp.communities import Community, LargeCommunity
from bgp.extended import IPV6_KINDS, KINDS, ExtendedCommunity, IPv6ExtendedCommunity
from bgp.iana import WELL_KNOWN_COMMUNITIES, SegmentType
from bgp.notation import Kind, Reserved


def numbers(high: int, low: int = 0) -> st.SearchStrategy[int]:
    """Integers up to `high`."""
    return st.integers(low, high)


def octets(count: int) -> st.SearchStrategy[bytes]:
    """So many octets."""
    return st.binary(min_size=count, max_size=count)


def asns(four_octet_as: bool = True) -> st.SearchStrategy[int]:
    """AS numbers of four octets, or of two."""
    return numbers(0xFFFFFFFF if four_octet_as else 0xFFFF, low=1)


def as_paths(four_octet_as: bool = True) -> st.SearchStrategy[ASPath]:
    """AS paths of all four segment types, the empty one, some with a segment that is (nearly) full."""
    number = asns(four_octet_as)
    few = st.lists(number, min_size=1, max_size=6)
    many = st.builds(lambda asn, count: [asn] * count, number, numbers(255, low=253))
    segment, long_segment = (st.builds(ASSegment, st.sampled_from(SegmentType), asns) for asns in (few, many))
    short = st.lists(segment, max_size=4)
    # One full segment at most: messages of several attributes have to fit into 4096 octets.
    long = st.builds(lambda full, others: [*others[:1], full, *others[1:]], long_segment, short)
    return (short | short | short | long).map(ASPath)


def communities() -> st.SearchStrategy[Community]:
    """Communities of every value, well-known ones among them."""
    well_known = st.sampled_from(sorted(WELL_KNOWN_COMMUNITIES.values()))
    return (numbers(0xFFFFFFFF) | well_known).map(Community)


def large_communities() -> st.SearchStrategy[LargeCommunity]:
    """Large communities of every value."""
    return octets(LargeCommunity.WIDTH).map(LargeCommunity)


def extended_communities() -> st.SearchStrategy[ExtendedCommunity]:
    """Extended communities of every value: kinds with a name, with a layout only, and others."""
    laid_out = st.builds(
        bytes.__add__, st.sampled_from([b"\0", b"\1", b"\2", b"\x40", b"\x41", b"\x42"]), octets(7)
    )
    known = st.sampled_from(KINDS).flatmap(_of_kind)
    return (known | laid_out | octets(ExtendedCommunity.WIDTH)).map(ExtendedCommunity)


def ipv6_extended_communities() -> st.SearchStrategy[IPv6ExtendedCommunity]:
    """IPv6 address specific extended communities of every value."""
    laid_out = st.builds(bytes.__add__, st.sampled_from([b"\0", b"\x40"]), octets(19))
    known = st.sampled_from(IPV6_KINDS).flatmap(_of_kind)
    return (known | laid_out | octets(IPv6ExtendedCommunity.WIDTH)).map(IPv6ExtendedCommunity)


def _of_kind(kind: Kind) -> st.SearchStrategy[bytes]:
    parts = [
        st.just(bytes(each.width)) if isinstance(each, Reserved) else octets(each.width)
        for each in kind.layout
    ]
    return st.tuples(st.just(kind.number.to_bytes(2, "big")), *parts).map(b"".join)
