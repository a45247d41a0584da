import pytest
from hypothesis import given

from bgp import ASPath, ASSegment, LocalError, SegmentType
from bgp.aspath import decode_as_path, encode_as_path
from bgp.testing import as_paths
from bgp.wire import Reader

SET = ASSegment(SegmentType.AS_SET, [3, 4])


def test_numbers_make_one_sequence() -> None:
    assert ASPath([1, 2]).segments == (ASSegment(SegmentType.AS_SEQUENCE, [1, 2]),)
    assert ASPath([1, 2, SET, 5]).segments == (
        ASSegment(SegmentType.AS_SEQUENCE, [1, 2]),
        SET,
        ASSegment(SegmentType.AS_SEQUENCE, [5]),
    )
    assert ASPath([1, 2, SET, 5]).asns == (1, 2, 3, 4, 5)


def test_a_long_path_takes_several_segments() -> None:
    path = ASPath([1] * 300)
    assert [len(segment.asns) for segment in path.segments] == [255, 45]


@given(as_paths())
def test_prints_what_makes_it_again(path: ASPath) -> None:
    assert ASPath(path) == path
    assert ASPath(list(path)) == path
    assert eval(repr(path)) == path


@given(as_paths())
def test_round_trip_four_octets(path: ASPath) -> None:
    assert decode_as_path(Reader(encode_as_path(path, True)), True) == path


@given(as_paths(four_octet_as=False))
def test_round_trip_two_octets(path: ASPath) -> None:
    assert decode_as_path(Reader(encode_as_path(path, False)), False) == path


def test_as_trans_stands_for_what_does_not_fit() -> None:
    assert encode_as_path(ASPath([70000, 64512]), False) == b"\x02\x02\x5b\xa0\xfc\x00"


@pytest.mark.parametrize(
    ("segment_type", "asns", "message"),
    [
        (5, [1], "segment type 5, must be 1 to 4"),
        (2, [], "segment of 0 AS numbers, must be 1 to 255"),
        (2, [1] * 256, "segment of 256 AS numbers"),
        (2, [0], "asns 0, must be 1 to 4294967295"),
    ],
)
def test_refuses_what_no_segment_may_hold(segment_type: int, asns: list[int], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        ASSegment(segment_type, asns)
