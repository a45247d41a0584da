"""AS_PATH: the autonomous systems that a route came through, newest first (RFC 4271 5.1.2, RFC 5065).

A path is a list of segments. Nearly always that is one AS_SEQUENCE, so the constructor takes plain numbers,
`ASPath([64512, 64513])`, or the text that people and looking glasses write:

    64512 64513                 AS_SEQUENCE: in the order in which the route came through them
    {64514 64515}               AS_SET: in no order, left by aggregation; a comma may stand for the space
    (65001 65002)               AS_CONFED_SEQUENCE: members of our confederation, in order
    [65003 65004]               AS_CONFED_SET: members of our confederation, in no order

Where one segment ends and the next begins is part of the value, since a path has to leave as it came. Text has
a bar, `1 2 | 3`, between two sequences that would otherwise read as one; a sequence of 255, which is full, needs
none.

On the wire AS numbers have four octets, or two on a session without that capability (RFC 6793). Reading is in
two steps, because an UPDATE has to be judged at once while few of its paths are ever looked at: `is_as_path`
judges without making an object, `ASPath.from_wire` reads what was found good. `decode_as_path` does both by the
cursor, slowly and plainly; a property test holds the three together.
"""

import re
from collections.abc import Container, Iterable, Iterator
from itertools import groupby
from struct import Struct
from typing import Final, Self

import attrs

from bgp.errors import LocalError
from bgp.iana import AS_TRANS, SegmentType
from bgp.values import check_kind, integer, several, shown
from bgp.wire import Reader, uint16, uint32

MAX_SEGMENT: Final = 255
"""A segment counts its AS numbers in one octet."""

MAX_PREPEND: Final = 0xFFFF // 4
"""More AS numbers than this fit into no message, however long."""

SEGMENT_TYPES: Final = frozenset(map(int, SegmentType))
"""All that a path may hold, for `is_as_path`."""

_TEXT: Final = "must be AS numbers, sets as {1 2}, confederations as (1 2) or [1 2]"

_BRACKETS: Final = {
    SegmentType.AS_SEQUENCE: "",
    SegmentType.AS_SET: "{}",
    SegmentType.AS_CONFED_SEQUENCE: "()",
    SegmentType.AS_CONFED_SET: "[]",
}
_BAR: Final = "|"
_TYPES: Final = {_BAR: SegmentType.AS_SEQUENCE} | {text: kind for kind, text in _BRACKETS.items()}

# Every character is in one of the three classes, so that findall() covers any text.
_PIECE = re.compile(r"([({\[|]?)([^](){}[|]*)([])}]?)")

_ASN = re.compile(r"(?:([0-9]{1,5})\.)?([0-9]{1,10})")

# By type and by count, in the order of the wire's own numbers.
_SEGMENT_TYPE: Final = (None, *SegmentType)
_IN_TWO: Final = tuple(Struct(f"!{count}H") for count in range(MAX_SEGMENT + 1))
_IN_FOUR: Final = tuple(Struct(f"!{count}I") for count in range(MAX_SEGMENT + 1))

# Fills a frozen value without the checks of its constructor: for octets that have been judged.
_set: Final = object.__setattr__


def read_asn(text: str) -> int:
    """Read an AS number of 0 to 4294967295, asplain `65546` or asdot `1.10` (RFC 5396).

    Raises `LocalError` for anything else.
    """
    check_kind("AS number", text, str)
    match = _ASN.fullmatch(text)
    if match is not None:
        high, low = match.groups()
        asn = int(low) if high is None else int(high) << 16 | int(low)
        if asn <= 0xFFFFFFFF and (high is None or int(low) <= 0xFFFF):
            return asn
    raise LocalError(
        f"AS number {shown(text)}, must be 0 to 4294967295, or two numbers up to 65535 as in 1.10"
    )


@attrs.frozen(init=False)
class ASSegment:
    """One segment of an AS path: `ASSegment(SegmentType.AS_SET, [64512, 64513])`.

    Raises `LocalError` for a type, a count or an AS number that cannot be.
    """

    type: SegmentType
    """In order (a sequence) or not (a set); of ASes or of members of a confederation."""

    asns: tuple[int, ...]
    """1 to 255 AS numbers, each 1 to 4294967295 (0 is reserved, RFC 7607)."""

    def __init__(self, type: int, asns: Iterable[int]) -> None:
        integer("AS_PATH segment type", type, 1, 4)
        asns = several("AS numbers", asns)
        if not 1 <= len(asns) <= MAX_SEGMENT:
            raise LocalError(f"AS_PATH segment of {len(asns)} AS numbers, must be 1 to {MAX_SEGMENT}")
        for asn in asns:
            integer("AS number", asn, 1, 0xFFFFFFFF)
        self.__attrs_init__(SegmentType(type), asns)

    @property
    def is_confederation(self) -> bool:
        """Whether it names members of a confederation, which nobody outside may see (RFC 5065)."""
        return self.type >= SegmentType.AS_CONFED_SEQUENCE

    @property
    def length(self) -> int:
        """For how many ASes route selection counts it (RFC 4271 9.1.2.2 a, RFC 5065 5.3)."""
        if self.is_confederation:
            return 0
        return 1 if self.type is SegmentType.AS_SET else len(self.asns)

    def __str__(self) -> str:
        brackets = _BRACKETS[self.type]
        return brackets[:1] + " ".join(map(str, self.asns)) + brackets[1:]


@attrs.frozen(init=False, repr=False)
class ASPath:
    """A whole path: `ASPath("64512 {64513 64514}")`, `ASPath([64512, 64513])`, or segments, or both mixed.

    A path is empty inside the AS of origin. More than 255 numbers become several segments. Raises `LocalError`
    for text that is no path, and as `ASSegment` does.
    """

    segments: tuple[ASSegment, ...]
    """The segments, that of the nearest AS first."""

    def __init__(self, path: "str | Iterable[int | ASSegment]" = ()) -> None:
        if isinstance(path, ASPath):
            self.__attrs_init__(path.segments)
        else:
            self.__attrs_init__(_read(path) if isinstance(path, str) else _gathered(path))

    @classmethod
    def from_wire(cls, value: bytes, four_octet_as: bool) -> Self:
        """Read the value of an attribute that `is_as_path` has found good."""
        octets, structs = (4, _IN_FOUR) if four_octet_as else (2, _IN_TWO)
        segments = []
        position = 0
        while position < len(value):
            count = value[position + 1]
            segment = ASSegment.__new__(ASSegment)
            _set(segment, "type", _SEGMENT_TYPE[value[position]])
            _set(segment, "asns", structs[count].unpack_from(value, position + 2))
            segments.append(segment)
            position += 2 + count * octets
        self = cls.__new__(cls)
        _set(self, "segments", tuple(segments))
        return self

    @property
    def asns(self) -> tuple[int, ...]:
        """All AS numbers of all segments."""
        return tuple(asn for segment in self.segments for asn in segment.asns)

    @property
    def length(self) -> int:
        """How long route selection takes it for: a set counts as one AS, members of a confederation as none."""
        return sum(segment.length for segment in self.segments)

    @property
    def neighbor_as(self) -> int | None:
        """The AS next to our own, or to our confederation; None for a path that does not begin with one AS."""
        for segment in self.segments:
            if not segment.is_confederation:
                return segment.asns[0] if segment.type is SegmentType.AS_SEQUENCE else None
        return None

    @property
    def origin_as(self) -> int | None:
        """The AS that the route began in; None for a path that does not end with one AS (RFC 6811 2)."""
        last = self.segments[-1] if self.segments else None
        return last.asns[-1] if last is not None and last.type is SegmentType.AS_SEQUENCE else None

    def prepend(self, asn: int, times: int = 1) -> "ASPath":
        """The path with an AS in front, `times` times; a segment that is full gets another before it.

        Raises `LocalError` unless `times` is 0 to 16383. (RFC 4271 5.1.2 b.)
        """
        integer("prepend times", times, 0, MAX_PREPEND)
        first, rest = self.segments[:1], self.segments[1:]
        if not first or first[0].type is not SegmentType.AS_SEQUENCE:
            return ASPath([*[asn] * times, *self.segments])
        joining = min(times, MAX_SEGMENT - len(first[0].asns))
        joined = ASSegment(SegmentType.AS_SEQUENCE, (asn,) * joining + first[0].asns)
        return ASPath([*[asn] * (times - joining), joined, *rest])

    def without_confederations(self) -> "ASPath":
        """The path as it leaves a confederation (RFC 5065 4.1 c)."""
        return ASPath(segment for segment in self.segments if not segment.is_confederation)

    def __contains__(self, asn: object) -> bool:
        return any(asn in segment.asns for segment in self.segments)

    def __iter__(self) -> Iterator[int | ASSegment]:
        """Yield what the constructor would take to make this path again."""
        for segment, melts in _with_boundaries(self.segments):
            if segment.type is SegmentType.AS_SEQUENCE and not melts:
                yield from segment.asns
            else:
                yield segment

    def __str__(self) -> str:
        return " ".join(
            f"{_BAR} {each}" if melts else str(each) for each, melts in _with_boundaries(self.segments)
        )

    def __repr__(self) -> str:
        return f"ASPath({str(self)!r})"


def _with_boundaries(segments: tuple[ASSegment, ...]) -> Iterator[tuple[ASSegment, bool]]:
    """Yield each segment, and whether as plain numbers it would melt into the sequence before it."""
    after_sequence = False
    for segment in segments:
        is_sequence = segment.type is SegmentType.AS_SEQUENCE
        yield segment, is_sequence and after_sequence
        after_sequence = is_sequence and len(segment.asns) < MAX_SEGMENT


def _read(text: str) -> tuple[ASSegment, ...]:
    segments: list[ASSegment] = []
    try:
        for opening, content, closing in _PIECE.findall(text):
            kind = _TYPES.get(opening + closing)
            if kind is None:
                raise LocalError(f"{opening or closing} stands alone")
            asns = map(read_asn, content.replace(",", " ").split())
            segments += _sequences(asns) if kind is SegmentType.AS_SEQUENCE else [ASSegment(kind, asns)]
    except LocalError as error:
        raise LocalError(f"AS path {shown(text)}, {_TEXT}: {error}") from error
    return tuple(segments)


def _gathered(path: Iterable[int | ASSegment]) -> tuple[ASSegment, ...]:
    segments: list[ASSegment] = []
    for is_segment, items in groupby(several("AS path", path), key=lambda item: isinstance(item, ASSegment)):
        if is_segment:
            segments += [item for item in items if isinstance(item, ASSegment)]
        else:
            segments += _sequences(item for item in items if not isinstance(item, ASSegment))
    return tuple(segments)


def _sequences(numbers: Iterable[int]) -> list[ASSegment]:
    asns = tuple(numbers)
    starts = range(0, len(asns), MAX_SEGMENT)
    return [ASSegment(SegmentType.AS_SEQUENCE, asns[start : start + MAX_SEGMENT]) for start in starts]


def is_as_path(value: bytes, four_octet_as: bool, types: Container[int] = SEGMENT_TYPES) -> bool:
    """Whether the value of an AS_PATH or AS4_PATH is well-formed (RFC 7606 7.2, RFC 7607 2).

    `types` says which segments are welcome: a confederation's are malformed from outside of it (RFC 5065 5),
    and a speaker may refuse sets (RFC 9774). An empty value is the empty path.
    """
    octets, zero = (4, b"\0\0\0\0") if four_octet_as else (2, b"\0\0")
    if len(value) > 2 and len(value) == 2 + value[1] * octets:  # one segment, as nearly always
        well_formed = value[0] in types
    else:
        well_formed = _is_chain(value, octets, types)
    # Octets of AS 0 are rare even across two numbers; only where they occur is it worth reading the numbers.
    # (`in` is slower than find(): it tries first whether the right side is an integer.)
    return well_formed and (value.find(zero) < 0 or 0 not in ASPath.from_wire(value, four_octet_as))


def _is_chain(value: bytes, octets: int, types: Container[int]) -> bool:
    end, position = len(value), 0
    while position < end - 1:
        count = value[position + 1]
        if not count or value[position] not in types:
            return False
        position += 2 + count * octets
    return position == end


def encode_as_path(path: ASPath, four_octet_as: bool) -> bytes:
    """The value of the attribute; AS_TRANS stands in for what does not fit into two octets (RFC 6793 4.2.2)."""
    encoded = []
    for segment in path.segments:
        asns = segment.asns
        encoded.append(bytes((segment.type, len(asns))))
        if four_octet_as:
            encoded.append(_IN_FOUR[len(asns)].pack(*asns))
        else:
            narrow = [asn if asn <= 0xFFFF else AS_TRANS for asn in asns]
            encoded.append(_IN_TWO[len(asns)].pack(*narrow))
    return b"".join(encoded)


def encode_asn(asn: int, four_octet_as: bool) -> bytes:
    """An AS number; AS_TRANS stands in where it does not fit (RFC 6793 4.2.2)."""
    if four_octet_as:
        return uint32(asn)
    return uint16(asn if asn <= 0xFFFF else AS_TRANS)


def decode_as_path(reader: Reader, four_octet_as: bool) -> ASPath:
    """Judge and read the value (RFC 7606 7.2).

    Raises `WireError` when a segment overruns, `LocalError` for what no segment may hold.
    """
    segments = []
    while reader.remaining:
        segment_type, count = reader.uint8(), reader.uint8()
        asns = [reader.uint32() if four_octet_as else reader.uint16() for _ in range(count)]
        segments.append(ASSegment(segment_type, asns))
    return ASPath(segments)
