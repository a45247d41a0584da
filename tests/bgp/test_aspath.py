from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bgp import ASPath, ASSegment, LocalError, SegmentType
from bgp.aspath import MAX_PREPEND, decode_as_path, encode_as_path, encode_asn, is_as_path, read_asn
from bgp.testing import as_paths, asns
from bgp.wire import Reader, WireError

SET = ASSegment(SegmentType.AS_SET, [3, 4])


def sequence(*asns: int) -> ASSegment:
    return ASSegment(SegmentType.AS_SEQUENCE, asns)


# Numbers and segments.


@given(asns())
def test_as_numbers_read_plain_and_with_a_dot(asn: int) -> None:
    assert read_asn(str(asn)) == asn
    assert read_asn(f"{asn >> 16}.{asn & 0xFFFF}") == asn


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "4294967296", "65536.0", "1.65536", "1.", ".1", "1.2.3", "²"]
)
def test_refuses_what_is_no_as_number(text: str) -> None:
    with pytest.raises(LocalError, match="must be 0 to 4294967295, or two numbers up to 65535"):
        read_asn(text)


def test_numbers_make_one_sequence() -> None:
    assert ASPath([1, 2]).segments == (sequence(1, 2),)
    assert ASPath([1, 2, SET, 5]).segments == (sequence(1, 2), SET, sequence(5))
    assert ASPath([1, 2, SET, 5]).asns == (1, 2, 3, 4, 5)


def test_a_long_path_takes_several_segments() -> None:
    path = ASPath([1] * 300)
    assert [len(segment.asns) for segment in path.segments] == [255, 45]
    assert ASPath(" ".join(["1"] * 300)) == path


@pytest.mark.parametrize(
    ("segment_type", "asns", "message"),
    [
        (0, [1], "segment type 0, must be 1 to 4"),
        (5, [1], "segment type 5, must be 1 to 4"),
        (2, [], "segment of 0 AS numbers, must be 1 to 255"),
        (2, [1] * 256, "segment of 256 AS numbers"),
        (2, [0], "AS number 0, must be 1 to 4294967295"),
        (2, [1 << 32], "AS number 4294967296"),
    ],
)
def test_refuses_what_no_segment_may_hold(segment_type: int, asns: list[int], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        ASSegment(segment_type, asns)


# Text.


def test_reads_and_writes_what_people_type() -> None:
    path = ASPath("64512 64513 {64514 64515} (65001 65002) [65003 65004]")
    assert path.segments == (
        sequence(64512, 64513),
        ASSegment(SegmentType.AS_SET, [64514, 64515]),
        ASSegment(SegmentType.AS_CONFED_SEQUENCE, [65001, 65002]),
        ASSegment(SegmentType.AS_CONFED_SET, [65003, 65004]),
    )
    assert str(path) == "64512 64513 {64514 64515} (65001 65002) [65003 65004]"
    assert repr(ASPath("1.10{7,8}9")) == "ASPath('65546 {7 8} 9')"


def test_the_empty_path() -> None:
    assert ASPath() == ASPath("") == ASPath("  ") == ASPath([])
    assert repr(ASPath()) == "ASPath('')"


def test_a_bar_keeps_sequences_apart() -> None:
    apart = ASPath([sequence(1, 2), sequence(3)])
    assert apart != ASPath("1 2 3")
    assert str(apart) == "1 2 | 3"
    assert ASPath("1 2 | 3") == ASPath("1 2|3") == apart
    assert ASPath("1 | {2}") == ASPath("1 {2}")
    full = ASPath([sequence(*[1] * 255), sequence(2)])
    assert "|" not in str(full)
    assert ASPath(str(full)) == full


@given(as_paths())
@example(ASPath([sequence(*[1] * 45), sequence(*[2] * 255), sequence(3), SET, sequence(4)]))
def test_prints_what_makes_it_again(path: ASPath) -> None:
    assert ASPath(path) == path
    assert ASPath(list(path)) == path
    assert ASPath(str(path)) == path
    assert eval(repr(path)) == path
    assert hash(eval(repr(path))) == hash(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 2}", "} stands alone"),
        ("{1 2", "{ stands alone"),
        ("(1]", r"\( stands alone"),
        ("{1 {2}}", "{ stands alone"),
        ("{}", "segment of 0 AS numbers"),
        ("1 0", "AS number 0, must be"),
        ("AS1", "AS number 'AS1'"),
        ("1-2", "AS number '1-2'"),
    ],
)
def test_refuses_text_that_is_no_path(text: str, reason: str) -> None:
    with pytest.raises(LocalError, match=f"AS path .*, must be AS numbers, sets as .*{reason}"):
        ASPath(text)


@given(st.text() | st.text("0123456789 ,.|{}()[]"))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        path = ASPath(text)
    except LocalError:
        return
    assert ASPath(str(path)) == path


# What routers ask of a path.


def test_length_counts_a_set_once_and_confederations_not() -> None:
    assert ASPath("1 2 {3 4 5} 6").length == 4
    assert ASPath("(1 2) [3 4] 5").length == 1
    assert ASPath().length == 0


@pytest.mark.parametrize(
    ("text", "neighbor", "origin"),
    [
        ("", None, None),
        ("1", 1, 1),
        ("1 2 3", 1, 3),
        ("1 {2 3}", 1, None),
        ("{1 2} 3", None, 3),
        ("(7 8) [9] 1 2", 1, 2),
        ("(7 8)", None, None),
        ("(7) {1}", None, None),
    ],
)
def test_both_ends(text: str, neighbor: int | None, origin: int | None) -> None:
    path = ASPath(text)
    assert path.neighbor_as == neighbor
    assert path.origin_as == origin


def test_finds_an_as_in_every_segment() -> None:
    path = ASPath("1 {2 3} (4)")
    assert all(asn in path for asn in (1, 2, 3, 4))
    assert 5 not in path


def test_prepends_into_the_first_segment() -> None:
    assert ASPath("1 2 | 3").prepend(9, 2) == ASPath("9 9 1 2 | 3")
    assert ASPath("{1}").prepend(9) == ASPath("9 {1}")
    assert ASPath("(1) 2").prepend(9) == ASPath("9 (1) 2")
    assert ASPath().prepend(9) == ASPath("9")
    assert ASPath("1").prepend(9, 0) == ASPath("1")


def test_prepends_a_segment_when_the_first_is_full() -> None:
    path = ASPath([1] * 254).prepend(9, 300)
    assert [len(segment.asns) for segment in path.segments] == [255, 44, 255]
    assert path.asns == (9,) * 300 + (1,) * 254


@given(as_paths(), asns(), st.integers(0, 600))
def test_prepending_changes_nothing_behind(path: ASPath, asn: int, times: int) -> None:
    longer = path.prepend(asn, times)
    assert longer.asns == (asn,) * times + path.asns
    assert longer.length == path.length + times


def test_refuses_to_prepend_less_than_nothing() -> None:
    with pytest.raises(LocalError, match="prepend times -1, must be 0 to 16383"):
        ASPath().prepend(1, -1)


def test_leaves_a_confederation() -> None:
    assert ASPath("(1) 2 [3] {4}").without_confederations() == ASPath("2 {4}")
    assert [segment.is_confederation for segment in ASPath("1 {2} (3) [4]").segments] == [
        False,
        False,
        True,
        True,
    ]


# The wire.


@given(as_paths())
def test_round_trip_four_octets(path: ASPath) -> None:
    value = encode_as_path(path, True)
    assert is_as_path(value, True)
    assert ASPath.from_wire(value, True) == path


@given(as_paths(four_octet_as=False))
def test_round_trip_two_octets(path: ASPath) -> None:
    value = encode_as_path(path, False)
    assert is_as_path(value, False)
    assert ASPath.from_wire(value, False) == path


def test_as_trans_stands_for_what_does_not_fit() -> None:
    assert encode_as_path(ASPath([70000, 64512]), False) == b"\x02\x02\x5b\xa0\xfc\x00"
    assert encode_asn(70000, False) == b"\x5b\xa0"
    assert encode_asn(64512, False) == b"\xfc\x00"
    assert encode_asn(70000, True) == b"\0\x01\x11\x70"


def segments() -> st.SearchStrategy[bytes]:
    """Octets with the shape of a segment, right more often than not."""
    numbers = st.lists(st.sampled_from([b"\0\0", b"\0\1", b"\xfc\0"]), max_size=8).map(b"".join)
    header = st.tuples(st.sampled_from([1, 2, 2, 2, 3, 4, 0, 5]), st.integers(0, 5)).map(bytes)
    return st.builds(bytes.__add__, header, numbers)


@given(st.binary(max_size=30) | st.lists(segments(), max_size=3).map(b"".join), st.booleans())
@example(b"", True)
@example(b"\2", False)
@example(b"\2\0", True)
@example(b"\2\1\0\0\0\1\2", True)
@example(b"\2\1\0\0\0\0", True)
@example(b"\2\2\0\1\0\0\0\0\0\1", True)  # the octets of AS 0, across two numbers
@example(b"\5\1\0\0\0\1", True)
@example(b"\1\1\0\1\2\1\0\0", False)
def test_judges_and_reads_as_the_cursor_does(value: bytes, four_octet_as: bool) -> None:
    try:
        path = decode_as_path(Reader(value), four_octet_as)
    except (WireError, LocalError):
        assert not is_as_path(value, four_octet_as)
        return
    assert is_as_path(value, four_octet_as)
    assert ASPath.from_wire(value, four_octet_as) == path
    assert encode_as_path(path, four_octet_as) == value


@pytest.mark.parametrize("text", ["(1)", "1 (2)", "(1) 2"])
def test_judges_by_the_segments_that_are_welcome(text: str) -> None:
    value = encode_as_path(ASPath(text), True)
    assert is_as_path(value, True)
    assert not is_as_path(value, True, {SegmentType.AS_SET, SegmentType.AS_SEQUENCE})


@pytest.mark.parametrize(
    "path", [[1.5], ["1"], [None], [10**5000], [[1]], 5, None, b"\1\2", "1\x002", "\uff11"]
)
def test_refuses_what_is_no_path(path: Any) -> None:
    with pytest.raises(LocalError, match=r"AS (path|number) .*, must be"):
        ASPath(path)


@pytest.mark.parametrize(("kind", "asns"), [([], [1]), ("2", [1]), (2.0, [1]), (2, 5), (2, "12"), (2, ["1"])])
def test_refuses_what_is_no_segment(kind: Any, asns: Any) -> None:
    with pytest.raises(LocalError, match="must be"):
        ASSegment(kind, asns)


@pytest.mark.parametrize("times", [MAX_PREPEND + 1, 2**32, pytest.param(10**5000, id="huge"), "1", 1.0, None])
def test_refuses_to_prepend_more_than_any_message_holds(times: Any) -> None:
    with pytest.raises(LocalError, match=r"prepend times .*, must be 0 to 16383"):
        ASPath().prepend(1, times)
    assert ASPath().prepend(1, MAX_PREPEND).length == MAX_PREPEND


def test_an_as_number_is_read_from_text() -> None:
    wrong: Any = 64512
    with pytest.raises(LocalError, match="AS number 64512, must be str"):
        read_asn(wrong)
