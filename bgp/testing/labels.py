"""Hypothesis strategies for AS paths and communities."""

from hypothesis import strategies as st

from bgp.aspath import ASPath, ASSegment
from bgp.communities import Community
from bgp.iana import WELL_KNOWN_COMMUNITIES, SegmentType


def numbers(high: int, low: int = 0) -> st.SearchStrategy[int]:
    """Integers up to `high`."""
    return st.integers(low, high)


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
