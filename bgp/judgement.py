"""What is wrong with the attributes of an UPDATE, and what it costs (RFC 4271 6.3, RFC 7606).

A `Judge` takes the octets of the attributes, without MP_REACH_NLRI and MP_UNREACH_NLRI, and returns those that hold,
and the faults. It raises `UpdateError` for the one fault that RFC 7606 leaves fatal here, an attribute that claims to
be well-known and is not. There is one judge for each kind of session, since the same octets may be fine from one peer
and not from another.

`_examine` is the rule: it takes a block of attributes apart, whatever there is. But nearly all UPDATEs are faultless
and orderly, and their attributes repeat, a third to a half of them on a live feed. So there are two short cuts. A judge
remembers what it said about the last few thousand blocks; routes with equal attributes share them, too. And it has an
expression, put together from the rows of the table, that matches blocks with which all is well (`recognise`); where
nothing lacks either, no judgement is made and kept, but the attributes alone (`accept`). Property tests hold both
against the rule.
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from bgp.as4 import counts_as4, merge_as4_path
from bgp.aspath import SEGMENT_TYPES, ASPath, decode_as_path, encode_as_path
from bgp.attributes import PathAttributes, RawAttribute, encode_attribute, join, split
from bgp.attributetable import BY_CODE, ROWS, SPECIAL, TRANSITIVE, Row
from bgp.communities import LargeCommunity, encode_communities
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

    lacks: int = 0
    """Which attributes that every IPv4 route has to have are not there: bit `1 << code`."""

    faults: tuple[Fault, ...] = ()

    has_routes: bool = False
    """MP_REACH_NLRI or MP_UNREACH_NLRI is among the octets, and has to be taken out before."""


class Judge:
    """Judges the attributes in one kind of session."""

    def __init__(self, negotiated: Negotiated) -> None:
        self._rules = _rules(negotiated)
        self._recognise = _expression(self._rules)
        self._accepted: dict[bytes, PathAttributes] = {}
        self._memo: dict[bytes, Judgement] = {}

    def accept(self, block: bytes) -> PathAttributes | None:
        """The attributes, if nothing is wrong with them and nothing lacks. None: there is more to say, ask `judge`."""
        attributes = self._accepted.get(block)
        if attributes is not None or block in self._memo:
            return attributes
        found = self._look(block)
        if found is None or not found[1]:
            return None
        attributes = found[0]
        if len(block) <= MEMO_OCTETS:
            if len(self._accepted) >= MEMO_BLOCKS:
                self._accepted.clear()
            self._accepted[block] = attributes
        return attributes

    def judge(self, block: bytes) -> Judgement:
        """Judge a block of attributes; raise `UpdateError` for what resets the session."""
        known = self._memo.get(block)
        if known is not None:
            return known
        judgement = self.recognise(block) or self.examine(block)
        if len(block) <= MEMO_OCTETS and not judgement.has_routes:
            if len(self._memo) >= MEMO_BLOCKS:
                self._memo.clear()
            self._memo[block] = judgement
        return judgement

    def recognise(self, block: bytes) -> Judgement | None:
        """Judge a block with which all is well at a glance; None if it has to be examined."""
        found = self._look(block)
        return Judgement(found[0], 0 if found[1] else _NEXT_HOP) if found else None

    def _look(self, block: bytes) -> tuple[PathAttributes, bool] | None:
        """The attributes of a block with which all is well, and whether NEXT_HOP is among them."""
        match = self._recognise(block)
        if match is None:
            return None
        # The whole; a length of the path in two octets; the path; the next hop; large communities. -1 for none.
        _, (long, _), (start, end), (hop, _), (large, large_end) = match.regs
        if block.find(_AS_0, start, end) >= 0:
            return None
        if large_end - large > _ONE_LARGE and _repeats(block[large:large_end]):
            return None
        return PathAttributes.from_wire(block if long < 0 else join(split(block))), hop >= 0

    def examine(self, block: bytes) -> Judgement:
        """Judge a block attribute by attribute."""
        return _examine(block, self._rules)


class _Rules(NamedTuple):
    """What one kind of session demands of attributes."""

    four_octet_as: bool
    external: bool
    mandatory: int
    """What an IPv4 route has to have: bit `1 << code`."""

    segments: frozenset[int]
    """The types of AS_PATH segments that are welcome."""

    rejects_sets: bool
    """Sets are not, in AS4_PATH either."""

    from_member: bool
    """AS_PATH has to begin with a member of our confederation, the peer (RFC 5065 5)."""


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
    whole = _merged(kept)
    path = whole.get(AttributeCode.AS_PATH)
    if path is not None and len(path.value) > 0xFFFF:
        del whole[path.code]
        reason = f"AS_PATH: {len(path.value)} octets with AS numbers of four octets, at most 65535 fit"
        subcode = UpdateSubcode.MALFORMED_AS_PATH
        faults.append(Fault(AttributeCode.AS_PATH, Treatment.TREAT_AS_WITHDRAW, reason, subcode))
    attributes = PathAttributes.from_wire(join(whole.values()))
    return Judgement(attributes, rules.mandatory & ~present, tuple(faults), bool(present & _ROUTES))


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
        flags, wanted = AttributeFlag(attribute.flags), AttributeFlag(row.flags)
        reason = f"flags {flags!r}, must be {wanted!r}"
        return _fault(attribute, row.misflagged, reason, UpdateSubcode.ATTRIBUTE_FLAGS_ERROR)
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
        first = read.segments[0].type if read.segments else None
        if rules.from_member and first is not SegmentType.AS_CONFED_SEQUENCE:
            raise LocalError("it does not begin with AS_CONFED_SEQUENCE")
    if row.code is AttributeCode.LARGE_COMMUNITIES:
        return encode_communities(dict.fromkeys(read))  # RFC 8092 3: repeats are removed
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
    """Judge AS4_PATH and AS4_AGGREGATOR, the faults of which cost only themselves (RFC 6793 4.1, 6), but for sets."""
    discard = Treatment.ATTRIBUTE_DISCARD
    if rules.four_octet_as:
        return _fault(attribute, discard, "both sides know AS numbers of four octets")
    if attribute.flags & _CATEGORY != _CATEGORY:
        reason = f"flags {AttributeFlag(attribute.flags)!r}, must be optional and transitive"
        return _fault(attribute, discard, reason, UpdateSubcode.ATTRIBUTE_FLAGS_ERROR)
    if attribute.code == AttributeCode.AS4_PATH and not attribute.value:
        return _fault(attribute, discard, "it is empty", UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR)
    try:
        _read(
            attribute,
            _AS4[attribute.code],
            rules._replace(four_octet_as=True, segments=SEGMENT_TYPES, from_member=False),
        )
    except (WireError, LocalError) as error:
        return _fault(attribute, discard, str(error), UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR)
    if attribute.code == AttributeCode.AS4_PATH and rules.rejects_sets:
        path = ASPath.from_wire(attribute.value, four_octet_as=True)
        if any(segment.type in _SETS for segment in path.segments):
            # RFC 9774 3 names both paths.
            withdraw = Treatment.TREAT_AS_WITHDRAW
            return _fault(attribute, withdraw, "sets are not welcome", UpdateSubcode.MALFORMED_AS_PATH)
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


_CATEGORY: Final = TRANSITIVE

_KNOWN: Final = BY_CODE.keys() | SPECIAL

_SETS: Final = frozenset({SegmentType.AS_SET, SegmentType.AS_CONFED_SET})

_ROUTES: Final = 1 << AttributeCode.MP_REACH_NLRI | 1 << AttributeCode.MP_UNREACH_NLRI

_NEXT_HOP: Final = 1 << AttributeCode.NEXT_HOP

_AS_0: Final = bytes(4)

_ONE_LARGE: Final = 3 + LargeCommunity.WIDTH
"""Octets of an attribute with one large community."""


def _repeats(large: bytes) -> bool:
    """Whether an attribute holds a large community twice."""
    values = [large[at : at + LargeCommunity.WIDTH] for at in range(3, len(large), LargeCommunity.WIDTH)]
    return len(set(values)) < len(values)


_AS4: Final[dict[int, Row]] = {
    AttributeCode.AS4_PATH: BY_CODE[AttributeCode.AS_PATH],
    AttributeCode.AS4_AGGREGATOR: BY_CODE[AttributeCode.AGGREGATOR],
}


def _rules(negotiated: Negotiated) -> _Rules:
    external = negotiated.peer_type is PeerType.EXTERNAL
    mandatory = {AttributeCode.ORIGIN, AttributeCode.AS_PATH, AttributeCode.NEXT_HOP}
    if negotiated.peer_type is PeerType.INTERNAL:
        mandatory.add(AttributeCode.LOCAL_PREF)  # RFC 4271 5.1.5
    segments = set(SEGMENT_TYPES)
    if negotiated.reject_as_sets:
        segments -= _SETS  # RFC 9774 3
    if external:
        segments -= {SegmentType.AS_CONFED_SEQUENCE, SegmentType.AS_CONFED_SET}  # RFC 5065 5
    return _Rules(
        four_octet_as=negotiated.four_octet_as,
        external=external,
        mandatory=sum(1 << code for code in mandatory),
        segments=frozenset(segments),
        rejects_sets=negotiated.reject_as_sets,
        from_member=negotiated.peer_type is PeerType.CONFEDERATION,
    )


def _expression(rules: _Rules) -> Callable[[bytes], re.Match[bytes] | None]:
    """Recognises blocks in the order of the codes with which all is well, whichever they lack beside NEXT_HOP."""
    if not rules.four_octet_as or rules.from_member:
        return lambda block: None
    parts = [_pattern(row, rules) for row in ROWS if not (row.internal and rules.external)]
    return re.compile(b"".join(parts), re.DOTALL).fullmatch


def _pattern(row: Row, rules: _Rules) -> bytes:
    head = b"\\x%02x\\x%02x" % (row.flags, row.code)
    match row.code:
        case AttributeCode.AS_PATH:
            # Many send its length in two octets always.
            return rb"(?:%s|(\x50\x02\x00))(%s)" % (head, row.pattern)
        case AttributeCode.NEXT_HOP | AttributeCode.LARGE_COMMUNITIES:
            return b"(%s%s)?" % (head, row.pattern)
        case code if rules.mandatory & 1 << code:
            return head + row.pattern
        case _:
            return b"(?:%s%s)?" % (head, row.pattern)


JUDGES: Final = {
    negotiated.context: Judge(negotiated)
    for negotiated in (
        Negotiated(four_octet_as=wide, peer_type=peer_type, reject_as_sets=reject)
        for wide in (False, True)
        for peer_type in PeerType
        for reject in (False, True)
    )
}
"""The judge of every kind of session, by its `context`."""
