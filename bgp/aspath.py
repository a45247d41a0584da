"""AS_PATH: the autonomous systems that a route came through, newest first (RFC 4271 5.1.2, RFC 5065).

A path is a list of segments. Nearly always that is one AS_SEQUENCE, so the constructor takes plain numbers:
`ASPath([64512, 64513])`.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby

import attrs

from bgp.errors import LocalError
from bgp.iana import AS_TRANS, SegmentType
from bgp.values import ASN
from bgp.wire import Reader, uint8, uint16, uint32

MAX_SEGMENT = 255
"""A segment counts its AS numbers in one octet."""


def _segment_type(value: int) -> SegmentType:
    if not SegmentType.has(value):
        raise LocalError(f"AS_PATH segment type {value}, must be 1 to 4")
    return SegmentType(value)


def _ints(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(values)


def _asns(segment: object, attribute: object, value: tuple[int, ...]) -> None:
    if not 1 <= len(value) <= MAX_SEGMENT:
        raise LocalError(f"AS_PATH segment of {len(value)} AS numbers, must be 1 to {MAX_SEGMENT}")
    for asn in value:
        ASN(segment, attribute, asn)


@attrs.frozen
class ASSegment:
    """One segment of an AS path: `ASSegment(SegmentType.AS_SET, [64512, 64513])`."""

    type: SegmentType = attrs.field(converter=_segment_type)
    """In order (a sequence) or not (a set); of ASes or of members of a confederation."""

    asns: tuple[int, ...] = attrs.field(converter=_ints, validator=_asns)
    """1 to 255 AS numbers, each 1 to 4294967295."""


def _segments(path: "Iterable[int | ASSegment]") -> tuple[ASSegment, ...]:
    if isinstance(path, ASPath):
        return path.segments
    segments: list[ASSegment] = []
    for is_segment, items in groupby(path, key=lambda item: isinstance(item, ASSegment)):
        if is_segment:
            segments += [item for item in items if isinstance(item, ASSegment)]
            continue
        asns = [item for item in items if isinstance(item, int)]
        for start in range(0, len(asns), MAX_SEGMENT):
            segments.append(ASSegment(SegmentType.AS_SEQUENCE, asns[start : start + MAX_SEGMENT]))
    return tuple(segments)


@attrs.frozen(repr=False)
class ASPath:
    """A whole path: `ASPath([64512, 64513])`, or segments, or both mixed; empty inside the AS of origin."""

    segments: tuple[ASSegment, ...] = attrs.field(default=(), converter=_segments)
    """The segments, that of the nearest AS first."""

    @property
    def asns(self) -> tuple[int, ...]:
        """All AS numbers of all segments."""
        return tuple(asn for segment in self.segments for asn in segment.asns)

    def __iter__(self) -> Iterator[int | ASSegment]:
        """Yield what the constructor would take to make this path again."""
        for previous, segment in zip((None, *self.segments), self.segments, strict=False):
            follows_sequence = previous is not None and previous.type is SegmentType.AS_SEQUENCE
            if segment.type is SegmentType.AS_SEQUENCE and not follows_sequence:
                yield from segment.asns
            else:
                yield segment

    def __repr__(self) -> str:
        return f"ASPath({list(self)})"


def encode_as_path(path: ASPath, four_octet_as: bool) -> bytes:
    """The value of the attribute, for a session with AS numbers of four or of two octets."""
    encoded = []
    for segment in path.segments:
        encoded += [uint8(segment.type), uint8(len(segment.asns))]
        encoded += [encode_asn(asn, four_octet_as) for asn in segment.asns]
    return b"".join(encoded)


def encode_asn(asn: int, four_octet_as: bool) -> bytes:
    """An AS number; AS_TRANS stands in where it does not fit (RFC 6793 4.2.2)."""
    if four_octet_as:
        return uint32(asn)
    return uint16(asn if asn <= 0xFFFF else AS_TRANS)


def decode_as_path(reader: Reader, four_octet_as: bool) -> ASPath:
    """Read the value (RFC 7606 7.2).

    Raises `WireError` when a segment overruns, `LocalError` for what no segment may hold.
    """
    segments = []
    while reader.remaining:
        segment_type, count = reader.uint8(), reader.uint8()
        asns = [reader.uint32() if four_octet_as else reader.uint16() for _ in range(count)]
        segments.append(ASSegment(segment_type, asns))
    return ASPath(segments)
