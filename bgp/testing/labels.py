"""Hypothesis strategies for AS paths and communities."""

from hypothesis import strategies as st

from bgp.aspath import ASPath, ASSegment
from bgp.communities import Community
from bgp.iana import SegmentType


def numbers(high: int, low: int = 0) -> st.SearchStrategy[int]:
    """Integers up to `high`."""
    return st.integers(low, high)


def asns(four_octet_as: bool = True) -> st.SearchStrategy[int]:
    """AS numbers of four octets, or of two."""
    return numbers(0xFFFFFFFF if four_octet_as else 0xFFFF, low=1)


def as_paths(four_octet_as: bool = True) -> st.SearchStrategy[ASPath]:
    """AS paths of all four segment types, the empty one too."""
    members = st.lists(asns(four_octet_as), min_size=1, max_size=6)
    segment = st.builds(ASSegment, st.sampled_from(SegmentType), members)
    return st.lists(segment, max_size=4).map(ASPath)


def communities() -> st.SearchStrategy[Community]:
    """Communities of every value."""
    return numbers(0xFFFFFFFF).map(Community)
