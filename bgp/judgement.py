"""What is wrong with the attributes of an UPDATE, and what it costs (RFC 4271 6.3, RFC 7606).

`judge` takes the octets of the attributes, without MP_REACH_NLRI and MP_UNREACH_NLRI, and returns those that hold, and
the faults. It raises `UpdateError` for the one fault that RFC 7606 leaves fatal here, an attribute that claims to be
well-known and is not.

Nearly all UPDATEs are faultless and orderly, and their attributes repeat: a third to a half of them on a live feed.
So there are two short cuts on the way. `judge` remembers what it said about the last few thousand blocks; the key is
the block with the session's `context`, since the same octets may be fine from one peer and not from another. And
`_is_plain` looks whether there is anything to say at all. Where there is, `_examine` takes the block apart. That is
the rule; it calls a block that `_is_plain` has found plain just so, and a property test holds the two together.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from bgp.as4 import counts_as4, merge_as4_path
from bgp.aspath import SEGMENT_TYPES, ASPath, decode_as_path, encode_as_path, is_as_path
from bgp.attributes import PathAttributes, RawAttribute, encode_attribute, join, split
from bgp.attributetable import BY_CODE, SPECIAL, Row
from bgp.errors import LocalError
from bgp.faults import Fault, Treatment
from bgp.iana import AttributeCode, AttributeFlag, SegmentType, UpdateSubcode
from bgp.negotiated import Negotiated, PeerType
from bgp.wire import Reader, WireError, uint32

MEMO_BLOCKS: Final = 16384
"""How many blocks are remembered."""

MEMO_OCTETS: Final = 1024
"""Longer blocks are not, so that a peer cannot fill our memory with them."""


class Judgement(NamedTuple):
    """What became of the attributes of an UPDATE."""

    attributes: PathAttributes
    """Those that hold."""

    present: int
    """Which were there, whether they hold or not: bit 1 << code."""

    faults: tuple[Fault, ...] = ()


def judge(block: bytes, negotiated: Negotiated) -> Judgement:
    """Judge the attributes of an UPDATE; raise `UpdateError` for what resets the session."""
    if len(block) > MEMO_OCTETS:
        return _judge(block, negotiated.context)
    return _remembered(block, negotiated.context)


def has_multiprotocol(present: int) -> bool:
    """Whether MP_REACH_NLRI or MP_UNREACH_NLRI is among the attributes."""
    return bool(present & _MULTIPROTOCOL)


def _judge(block: bytes, context: int) -> Judgement:
    rules = _RULES[context]
    return _plain(block, rules) or _examine(block, rules)


_remembered = functools.lru_cache(maxsize=MEMO_BLOCKS)(_judge)


class _Rules(NamedTuple):
    """What one kind of session demands of attributes."""

    four_octet_as: bool
    external: bool
    segments: frozenset[int]
    """The types of AS_PATH segments that are welcome."""

    lengths: Mapping[int, int]
    """The length of an attribute, by flags << 8 | code."""

    checks: Mapping[int, Callable[[bytes], bool]]
    """Whether a value is well-formed, by flags << 8 | code."""


def _plain(block: bytes, rules: _Rules) -> Judgement | None:
    """Read a block with which all is well; None if it has to be examined."""
    if not rules.four_octet_as:
        return None
    lengths, checks = rules.lengths, rules.checks
    position, end = 0, len(block)
    last = present = 0
    tidy = True
    try:
        while position < end:
            flags, code = block[position], block[position + 1]
            if flags & 0x10:
                length = block[position + 2] << 8 | block[position + 3]
                start = position + 4
                tidy = tidy and length > 0xFF
                flags ^= 0x10
            else:
                length = block[position + 2]
                start = position + 3
            position = start + length
            key = flags << 8 | code
            expected = lengths.get(key)
            if expected is None:
                check = checks.get(key)
                if check is None:
                    if code in _KNOWN or flags not in _UNKNOWN_FLAGS:
                        return None
                elif not check(block[start:position]):
                    return None
            elif expected != length:
                return None
            bit = 1 << code
            if code <= last:
                if present & bit:
                    return None
                tidy = False
            last = code
            present |= bit
    except IndexError:
        return None
    if position != end:
        return None
    return Judgement(PathAttributes.from_wire(block if tidy else join(split(block))), present)


def _examine(block: bytes, rules: _Rules) -> Judgement:
    """Judge attribute by attribute, whatever there is."""
    present = 0
    faults: list[Fault] = []
    kept: dict[int, RawAttribute] = {}
    try:
        for attribute in split(block):
            bit = 1 << attribute.code
            if present & bit:
                # RFC 7606 3 (g): all but the first are discarded.
                faults.append(_fault(attribute, Treatment.ATTRIBUTE_DISCARD, "it occurs more than once"))
                continue
            present |= bit
            verdict = _verdict(attribute, rules)
            if isinstance(verdict, Fault):
                faults.append(verdict)
            else:
                kept[attribute.code] = verdict
    except WireError as error:
        # RFC 7606 4: the NLRI can still be found, so the routes can be withdrawn.
        reason = f"the list of attributes is cut short: {error}"
        faults.append(Fault(0, Treatment.TREAT_AS_WITHDRAW, reason, UpdateSubcode.MALFORMED_ATTRIBUTE_LIST))
    return Judgement(PathAttributes.from_wire(join(_merged(kept).values())), present, tuple(faults))


def _verdict(attribute: RawAttribute, rules: _Rules) -> RawAttribute | Fault:
    """The attribute with AS numbers of four octets, or what is wrong with it."""
    if attribute.code in _AS4:
        return _verdict_as4(attribute, rules)
    row = BY_CODE.get(attribute.code)
    if row is None:
        if attribute.code not in _KNOWN and not attribute.flags & AttributeFlag.OPTIONAL:
            # RFC 4271 6.3; RFC 7606 leaves it alone. The data is the attribute.
            raise _fault(
                attribute,
                Treatment.NONE,
                "it claims to be well-known, and is not",
                UpdateSubcode.UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE,
            ).as_error()
        return attribute
    if row.internal and rules.external:
        # RFC 7606 7.5, 7.9, 7.10.
        return _fault(attribute, Treatment.ATTRIBUTE_DISCARD, "it comes from an external peer")
    if attribute.flags & _CATEGORY != row.flags:
        # RFC 7606 3 (c).
        flags, wanted = AttributeFlag(attribute.flags), row.flags
        reason = f"flags {flags!r}, must be {wanted!r}"
        return _fault(attribute, Treatment.TREAT_AS_WITHDRAW, reason, UpdateSubcode.ATTRIBUTE_FLAGS_ERROR)
    try:
        return attribute._replace(value=_read(attribute, row, rules))
    except WireError as error:
        subcode = row.subcode if row.code is AttributeCode.AS_PATH else UpdateSubcode.ATTRIBUTE_LENGTH_ERROR
        return _fault(attribute, row.malformed, str(error), subcode)
    except LocalError as error:
        return _fault(attribute, row.malformed, str(error), row.subcode)


def _read(attribute: RawAttribute, row: Row, rules: _Rules) -> bytes:
    """The value in four-octet form; raises `WireError` or `LocalError` if it cannot be read."""
    value = attribute.value if rules.four_octet_as else _widened(attribute)
    reader = Reader(value)
    with reader.limited_to(len(value)):
        read = row.decode(reader)
    if isinstance(read, ASPath):
        for segment in read.segments:
            if segment.type not in rules.segments:
                raise LocalError(f"{segment.type.name} is not welcome from this peer")
    return value


def _widened(attribute: RawAttribute) -> bytes:
    """What an OLD speaker sent, with AS numbers of four octets."""
    reader = Reader(attribute.value)
    match attribute.code:
        case AttributeCode.AS_PATH:
            return encode_as_path(decode_as_path(reader, four_octet_as=False), four_octet_as=True)
        case AttributeCode.AGGREGATOR:
            return uint32(reader.uint16()) + reader.rest()
        case _:
            return attribute.value


def _verdict_as4(attribute: RawAttribute, rules: _Rules) -> RawAttribute | Fault:
    """Judge AS4_PATH and AS4_AGGREGATOR, the faults of which cost only themselves (RFC 6793 4.1, 6)."""
    discard = Treatment.ATTRIBUTE_DISCARD
    if rules.four_octet_as:
        return _fault(attribute, discard, "both sides know AS numbers of four octets")
    if attribute.flags & _CATEGORY != _CATEGORY:
        reason = f"flags {AttributeFlag(attribute.flags)!r}, must be optional and transitive"
        return _fault(attribute, discard, reason, UpdateSubcode.ATTRIBUTE_FLAGS_ERROR)
    if attribute.code == AttributeCode.AS4_PATH and not attribute.value:
        return _fault(attribute, discard, "it is empty", UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR)
    try:
        _read(attribute, _AS4[attribute.code], rules._replace(four_octet_as=True, segments=SEGMENT_TYPES))
    except (WireError, LocalError) as error:
        return _fault(attribute, discard, str(error), UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR)
    return attribute


def _merged(kept: dict[int, RawAttribute]) -> dict[int, RawAttribute]:
    """Put AS4_PATH and AS4_AGGREGATOR in where they belong (RFC 6793 4.2.3)."""
    as4_path = kept.pop(AttributeCode.AS4_PATH, None)
    as4_aggregator = kept.pop(AttributeCode.AS4_AGGREGATOR, None)
    aggregator = kept.get(AttributeCode.AGGREGATOR)
    path = kept.get(AttributeCode.AS_PATH)
    if not counts_as4(*(a and int.from_bytes(a.value[:4], "big") for a in (aggregator, as4_aggregator))):
        return kept
    if aggregator and as4_aggregator:
        kept[aggregator.code] = aggregator._replace(value=as4_aggregator.value)
    if path and as4_path:
        merged = merge_as4_path(ASPath.from_wire(path.value, True), ASPath.from_wire(as4_path.value, True))
        kept[path.code] = path._replace(value=encode_as_path(merged, four_octet_as=True))
    return kept


def _fault(attribute: RawAttribute, treatment: Treatment, reason: str, subcode: int = 0) -> Fault:
    code = AttributeCode.name_of(attribute.code)
    name = code.name if isinstance(code, AttributeCode) else f"attribute {code}"
    data = encode_attribute(attribute.flags, code, attribute.value)
    return Fault(code, treatment, f"{name}: {reason}", subcode, data)


_CATEGORY: Final = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE

_KNOWN: Final = BY_CODE.keys() | SPECIAL

_UNKNOWN_FLAGS: Final = frozenset({0x80, 0xA0, 0xC0, 0xE0})

_MULTIPROTOCOL: Final = 1 << AttributeCode.MP_REACH_NLRI | 1 << AttributeCode.MP_UNREACH_NLRI

_AS4: Final[dict[int, Row]] = {
    AttributeCode.AS4_PATH: BY_CODE[AttributeCode.AS_PATH],
    AttributeCode.AS4_AGGREGATOR: BY_CODE[AttributeCode.AGGREGATOR],
}


def _rules(negotiated: Negotiated) -> _Rules:
    external = negotiated.peer_type is PeerType.EXTERNAL
    segments = set(SEGMENT_TYPES)
    if negotiated.reject_as_sets:
        segments -= {SegmentType.AS_SET, SegmentType.AS_CONFED_SET}  # RFC 9774 3
    if external:
        segments -= {SegmentType.AS_CONFED_SEQUENCE, SegmentType.AS_CONFED_SET}  # RFC 5065 5
    lengths: dict[int, int] = {}
    checks: dict[int, Callable[[bytes], bool]] = {}
    for row in BY_CODE.values():
        if row.internal and external:
            continue
        for flags in (row.flags, row.flags | AttributeFlag.PARTIAL):
            if isinstance(row.fits, int):
                lengths[flags << 8 | row.code] = row.fits
            else:
                checks[flags << 8 | row.code] = row.fits
    welcome = frozenset(segments)
    path = AttributeFlag.TRANSITIVE << 8 | AttributeCode.AS_PATH
    checks[path] = lambda value: is_as_path(value, True, welcome)
    return _Rules(negotiated.four_octet_as, external, welcome, lengths, checks)


_RULES: Final = {
    negotiated.context: _rules(negotiated)
    for negotiated in (
        Negotiated(four_octet_as=wide, peer_type=peer_type, reject_as_sets=reject)
        for wide in (False, True)
        for peer_type in PeerType
        for reject in (False, True)
    )
}
"""The rules of every kind of session, by its `context`."""
