import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import ASPath
from bgp.as4 import as4_path_of, counts_as4, merge_as4_path
from bgp.aspath import encode_as_path
from bgp.iana import AS_TRANS
from bgp.testing import as_paths, asns


def as_seen_by_an_old_speaker(path: ASPath) -> ASPath:
    return ASPath.from_wire(encode_as_path(path, four_octet_as=False), four_octet_as=False)


def test_a_path_of_short_numbers_needs_no_as4_path() -> None:
    assert as4_path_of(ASPath("1 {65535}")) is None
    assert as4_path_of(ASPath("(70000) 1")) is None
    assert as4_path_of(ASPath()) is None
    assert as4_path_of(ASPath("(7) 1 70000 [8]")) == ASPath("1 70000")


@pytest.mark.parametrize(
    ("as_path", "as4_path", "merged"),
    [
        ("1 23456 23456", "70000 70001", "1 70000 70001"),
        ("23456 23456", "70000 70001", "70000 70001"),
        ("1 2 | 23456", "70000", "1 2 | 70000"),
        ("1 2 {3 4} 23456", "{3 4} 70000", "1 2 {3 4} 70000"),
        ("1 {2 3} 23456", "70000", "1 {2 3} 70000"),
        ("1 2 23456", "{70000 70001}", "1 2 {70000 70001}"),
        # The AS4_PATH is empty, or holds nothing that counts.
        ("1 2 (3)", "", "1 2 (3)"),
        ("1 2", "(70000)", "1 2"),
        ("1 23456", "(70000) 70001 [70002]", "1 70001"),
        # It is longer than AS_PATH, though that has more numbers: a set counts once.
        ("1 2", "70000 70001 70002", "1 2"),
        ("{1 2 3}", "70000 70001", "{1 2 3}"),
        # A confederation's segments are kept in front, and beside what is kept.
        ("(7 8) 23456", "70000", "(7 8) 70000"),
        ("(7 8) [9] 1 23456", "70000", "(7 8) [9] 1 70000"),
        ("1 (7) 23456", "70000", "1 (7) 70000"),
        ("1 23456 (7) 23456", "70000 70001", "1 70000 70001"),
    ],
)
def test_merges(as_path: str, as4_path: str, merged: str) -> None:
    assert merge_as4_path(ASPath(as_path), ASPath(as4_path)) == ASPath(merged)


def test_merged_segments_stay_within_their_limit() -> None:
    merged = merge_as4_path(ASPath([1] * 101), ASPath([70000] * 100))
    assert [len(segment.asns) for segment in merged.segments] == [101]
    old = ASPath([*[1] * 255, *[AS_TRANS] * 45])
    merged = merge_as4_path(old, ASPath([70000] * 200))
    assert [len(segment.asns) for segment in merged.segments] == [100, 200]
    merged = merge_as4_path(old, ASPath([70000] * 45))
    assert [len(segment.asns) for segment in merged.segments] == [255, 45]
    merged = merge_as4_path(old, ASPath([70000] * 250))
    assert [len(segment.asns) for segment in merged.segments] == [50, 250]
    assert merge_as4_path(ASPath([1] * 255), ASPath([70000] * 250)) == ASPath([*[1] * 5, *[70000] * 250])


@given(as_paths(), st.lists(asns(four_octet_as=False), max_size=5))
def test_old_speakers_on_the_way_lose_nothing(path: ASPath, way: list[int]) -> None:
    path = path.without_confederations()
    old = as_seen_by_an_old_speaker(path)
    expected = path
    for asn in way:
        old, expected = old.prepend(asn), expected.prepend(asn)
    merged = merge_as4_path(old, as4_path_of(path) or ASPath())
    if as4_path_of(path) is None:
        assert merged == old == expected
    else:
        assert merged.asns == expected.asns
        assert merged.length == expected.length


@given(as_paths(four_octet_as=False), as_paths())
def test_the_length_is_that_of_as_path(as_path: ASPath, as4_path: ASPath) -> None:
    assert merge_as4_path(as_path, as4_path).length == as_path.length


@pytest.mark.parametrize(
    ("aggregator", "as4_aggregator", "counts"),
    [
        (None, None, True),
        (None, 70000, True),
        (64512, None, True),
        (AS_TRANS, 70000, True),
        (64512, 70000, False),
    ],
)
def test_who_aggregated_last(aggregator: int | None, as4_aggregator: int | None, counts: bool) -> None:
    assert counts_as4(aggregator, as4_aggregator) is counts
