"""UPDATE: routes that are gone, and routes that are there and share their attributes (RFC 4271 4.3, RFC 4760).

Routes of IPv4 unicast have fields of their own, those of other families travel among the attributes, one family
for those that are there and one for those that are gone. `decode_update` avoids what is not needed: prefixes are
cut but not looked at (nlri.py), attributes are judged but not read (judgement.py). It returns an `Update` for every
UPDATE of which the routes can be told, with its faults, and raises `UpdateError` for the rest (RFC 7606 3, 5).

An UPDATE goes out as it came in, octet for octet: a received one keeps the octets of its attributes, in which
order and flags may differ from ours.
"""

import functools
from collections.abc import Iterable
from typing import Final, NamedTuple

import attrs

from bgp.as4 import as4_path_of
from bgp.aspath import encode_as_path, encode_asn
from bgp.attributes import PathAttributes, RawAttribute, encode_attribute, join
from bgp.attributetable import NON_TRANSITIVE, TRANSITIVE
from bgp.drafts import draft_of
from bgp.errors import LocalError, UpdateError
from bgp.faults import Fault, Treatment
from bgp.framing import HEADER_LENGTH, MAX_EXTENDED
from bgp.iana import AttributeCode, AttributeFlag, UpdateSubcode
from bgp.judgement import JUDGES
from bgp.multiprotocol import (
    FamilyDisabled,
    MPReach,
    MPUnreach,
    decode_reach,
    decode_unreach,
    encode_reach,
    encode_unreach,
    family_of,
)
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI, Destination, Path, decoder
from bgp.prefix import IPV4_UNICAST, Family
from bgp.values import is_a, several
from bgp.wire import WireError, uint16


def _ipv4(value: "NLRI | Iterable[str | Destination | Path]") -> NLRI:
    nlri = value if isinstance(value, NLRI) else NLRI(value)
    if nlri.family != IPV4_UNICAST:
        raise LocalError(f"NLRI of {nlri.family}, must be in mp_reach or mp_unreach")
    return nlri


def _faults(values: Iterable[Fault]) -> tuple[Fault, ...]:
    return several("faults", values, Fault)


@attrs.frozen(kw_only=True, weakref_slot=False)
class Update:
    """UPDATE: `Update(announced=["203.0.113.7/32"], attributes=PathAttributes(…))` (RFC 4271 4.3)."""

    withdrawn: NLRI = attrs.field(default=NLRI(), converter=_ipv4)
    """IPv4 prefixes without a route from now on; a list of strings is accepted."""

    announced: NLRI = attrs.field(default=NLRI(), converter=_ipv4)
    """IPv4 prefixes with a route from now on; a list of strings is accepted."""

    attributes: PathAttributes = attrs.field(default=PathAttributes(), validator=is_a(PathAttributes))
    """The attributes of the announced routes."""

    mp_reach: MPReach | None = attrs.field(default=None, validator=is_a(MPReach | None))
    """Destinations of another family with a route from now on, and its next hop."""

    mp_unreach: MPUnreach | None = attrs.field(default=None, validator=is_a(MPUnreach | None))
    """Destinations of another family without a route from now on."""

    faults: tuple[Fault, ...] = attrs.field(default=(), converter=_faults)
    """What was wrong with a received UPDATE, and survived (RFC 7606)."""

    _received: tuple[bytes, bool] | None = attrs.field(default=None, init=False, eq=False, repr=False)
    """The attributes as they came, and whether their AS numbers have four octets."""

    @property
    def treatment(self) -> Treatment:
        """What the faults cost: the strongest of their treatments."""
        return max((fault.treatment for fault in self.faults), default=Treatment.NONE)

    @property
    def end_of_rib(self) -> Family | None:
        """The family of which this UPDATE says that the initial routes have all been sent (RFC 4724 2)."""
        if self.withdrawn or self.announced or self.attributes or self.mp_reach or self.faults:
            return None
        if self.mp_unreach is None:
            return IPV4_UNICAST
        return None if self.mp_unreach.nlri else self.mp_unreach.family


_Draft: Final = draft_of(Update)

_EMPTY: Final = NLRI()

_NO_ATTRIBUTES: Final = PathAttributes()

_decode_ipv4: Final = decoder(IPV4_UNICAST, False)


def encode_update(update: Update, negotiated: Negotiated) -> bytes:
    """The body of the message; raises `LocalError` for one that cannot be in such a session."""
    parts = [part.nlri for part in (update.mp_reach, update.mp_unreach) if part is not None]
    for nlri in (update.withdrawn, update.announced, *parts):
        _check_path_ids(nlri, negotiated)
    withdrawn, announced = update.withdrawn.encode(), update.announced.encode()
    block = _encode_attributes(update, negotiated)
    if max(len(withdrawn), len(block)) > MAX_EXTENDED:
        raise LocalError(f"UPDATE of more than {MAX_EXTENDED} octets")
    return b"".join((uint16(len(withdrawn)), withdrawn, uint16(len(block)), block, announced))


def _check_path_ids(nlri: NLRI, negotiated: Negotiated) -> None:
    if nlri.wire and nlri.add_path is not (nlri.family in negotiated.add_path_send) and nlri.is_known:
        given, wanted = ("with", "without") if nlri.add_path else ("without", "with")
        raise LocalError(f"NLRI of {nlri.family} {given} path identifiers, this session is {wanted}")


def _encode_attributes(update: Update, negotiated: Negotiated) -> bytes:
    if update._received is not None:
        block, four_octet_as = update._received
        if four_octet_as is negotiated.four_octet_as:
            return block
    encoded = encode_attributes(update.attributes, negotiated)
    # RFC 7606 5.1: they come first.
    first = b""
    if update.mp_reach is not None:
        value = encode_reach(update.mp_reach)
        first += encode_attribute(NON_TRANSITIVE, AttributeCode.MP_REACH_NLRI, value)
    if update.mp_unreach is not None:
        value = encode_unreach(update.mp_unreach)
        first += encode_attribute(NON_TRANSITIVE, AttributeCode.MP_UNREACH_NLRI, value)
    return first + encoded


def encode_attributes(attributes: PathAttributes, negotiated: Negotiated) -> bytes:
    """The octets of the attributes in an UPDATE, but for MP_REACH_NLRI and MP_UNREACH_NLRI."""
    return attributes.wire if negotiated.four_octet_as else _narrowed(attributes)


@functools.lru_cache(maxsize=1024)
def _narrowed(attributes: PathAttributes) -> bytes:
    """The attributes for an OLD speaker: AS numbers of two octets, and the true ones beside them (RFC 6793 4.2.2)."""
    raw = dict(attributes.raw)
    path, aggregator = attributes.as_path, attributes.aggregator
    if path is not None:
        code = AttributeCode.AS_PATH
        raw[code] = raw[code]._replace(value=encode_as_path(path, four_octet_as=False))
        as4_path = as4_path_of(path)
        if as4_path is not None:
            value = encode_as_path(as4_path, four_octet_as=True)
            raw[AttributeCode.AS4_PATH] = RawAttribute(TRANSITIVE, AttributeCode.AS4_PATH, value)
    if aggregator is not None:
        wide = raw[AttributeCode.AGGREGATOR]
        narrow = encode_asn(aggregator.asn, four_octet_as=False) + aggregator.address.packed
        raw[wide.code] = wide._replace(value=narrow)
        if aggregator.asn > 0xFFFF:
            raw[AttributeCode.AS4_AGGREGATOR] = wide._replace(code=AttributeCode.AS4_AGGREGATOR)
    return join(raw.values())


def decode_update(message: bytes, negotiated: Negotiated) -> Update:
    """Read a whole message of which the header holds; raises `UpdateError` for what resets the session."""
    withdrawn_at, end = HEADER_LENGTH + 2, len(message)
    attributes_at = withdrawn_at + (message[HEADER_LENGTH] << 8 | message[HEADER_LENGTH + 1]) + 2
    if attributes_at > end:
        raise _cut_short("withdrawn routes", attributes_at - end)
    nlri_at = attributes_at + (message[attributes_at - 2] << 8 | message[attributes_at - 1])
    if nlri_at > end:
        raise _cut_short("path attributes", nlri_at - end)
    block = message[attributes_at:nlri_at]

    add_path = bool(negotiated.add_path_receive) and IPV4_UNICAST in negotiated.add_path_receive
    decode = decoder(IPV4_UNICAST, True) if add_path else _decode_ipv4
    withdrawn = (
        decode(message[withdrawn_at : attributes_at - 2]) if attributes_at > withdrawn_at + 2 else _EMPTY
    )
    announced = decode(message[nlri_at:]) if nlri_at < end else _EMPTY

    judge = JUDGES[negotiated.context]
    parts, lacks, has_routes = _NO_PARTS, 0, False
    faults: tuple[Fault, ...] = ()
    attributes: PathAttributes | None
    if block[1:2] in _ROUTE_CODES:
        parts, rest = _cut(block, negotiated, only_first=True)
        attributes, lacks, faults, has_routes = judge.judge(rest)
    elif block or announced.wire:
        attributes = judge.accept(block)
        if attributes is None:
            attributes, lacks, faults, has_routes = judge.judge(block)
    else:
        attributes = _NO_ATTRIBUTES
    if has_routes:
        parts, rest = _cut(block, negotiated)
        attributes, lacks, faults, _ = judge.judge(rest)

    reach, unreach, faults_of_parts = parts
    if faults_of_parts:
        faults += faults_of_parts
    if announced.wire:
        if lacks:
            faults += _missing(lacks)
    elif reach is not None and reach.nlri.wire:
        if lacks & ~_NEXT_HOP:
            faults += _missing(lacks & ~_NEXT_HOP)
    elif faults and not parts.hides_routes:
        _demand_reachable(faults)
    received = None if faults else (block, negotiated.four_octet_as)
    update = _Draft()
    update.withdrawn = withdrawn
    update.announced = announced
    update.attributes = attributes
    update.mp_reach = reach
    update.mp_unreach = unreach
    update.faults = faults
    update._received = received
    update.__class__ = Update
    return update  # type: ignore[no-any-return]


def _cut_short(what: str, octets: int) -> UpdateError:
    # RFC 7606 3 (b): without these lengths nothing can be found.
    return UpdateError(f"{octets} octets of the {what} are missing", UpdateSubcode.MALFORMED_ATTRIBUTE_LIST)


def _demand_reachable(faults: tuple[Fault, ...]) -> None:
    """Raise `UpdateError` if routes would have to be withdrawn that the UPDATE does not name (RFC 7606 5.2)."""
    for fault in faults:
        if fault.treatment > Treatment.ATTRIBUTE_DISCARD and fault.code != AttributeCode.MP_UNREACH_NLRI:
            raise fault.as_error()


def _missing(codes: int) -> tuple[Fault, ...]:
    """Faults for the attributes that a route cannot be without (RFC 4271 5, RFC 7606 3 (d))."""
    missing = [code for code in AttributeCode if codes & 1 << code]
    return tuple(
        Fault(
            code,
            Treatment.TREAT_AS_WITHDRAW,
            f"{code.name} is missing",
            UpdateSubcode.MISSING_WELL_KNOWN_ATTRIBUTE,
            bytes([code]),
        )
        for code in missing
    )


_NEXT_HOP: Final = 1 << AttributeCode.NEXT_HOP


# MP_REACH_NLRI and MP_UNREACH_NLRI among the attributes.

_ROUTE_CODES: Final = (b"\x0e", b"\x0f")
"""The first attribute has one of these codes in all UPDATEs with such routes, if the peer heeds RFC 7606 5.1."""


class _Parts(NamedTuple):
    """The routes that travel among the attributes."""

    reach: MPReach | None = None
    unreach: MPUnreach | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def hides_routes(self) -> bool:
        """Whether there may be routes that cannot be read."""
        return any(fault.code == _REACH for fault in self.faults)


_NO_PARTS: Final = _Parts()


def _cut(block: bytes, negotiated: Negotiated, only_first: bool = False) -> tuple[_Parts, bytes]:
    """Take the routes out of the attributes; returns the octets of the other attributes as well.

    `only_first` looks no further than the first attribute. What is cut short is for the judge to complain about.
    """
    reach: MPReach | None = None
    unreach: MPUnreach | None = None
    faults: tuple[Fault, ...] = ()
    seen = 0
    rest = b""
    position, end = 0, len(block)
    while position < end:
        start = position
        flags = block[start]
        value_at = start + (4 if flags & _EXTENDED_LENGTH else 3)
        if value_at > end:
            break
        length = block[value_at - 1]
        if flags & _EXTENDED_LENGTH:
            length |= block[value_at - 2] << 8
        if value_at + length > end:
            break
        position = value_at + length
        code = block[start + 1]
        if code not in (_REACH, _UNREACH):
            rest += block[start:position]
            continue
        if seen & 1 << code:
            # RFC 7606 3 (g).
            reason = f"{AttributeCode(code).name} occurs more than once"
            raise UpdateError(reason, UpdateSubcode.MALFORMED_ATTRIBUTE_LIST)
        seen |= 1 << code
        value = block[value_at:position]
        try:
            if flags & _CATEGORY != NON_TRANSITIVE:
                raise _wrong_flags(value, flags)
            if code == _REACH:
                reach = decode_reach(value, negotiated)
            else:
                unreach = decode_unreach(value, negotiated)
        except FamilyDisabled as error:
            faults += (_disabling(code, error, block[start:position]),)
        except WireError as error:
            # RFC 7606 5.3.
            reason = f"{AttributeCode(code).name}: {error}"
            data = block[start:position]
            raise UpdateError(reason, UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR, data) from error
        if only_first:
            break
    return _Parts(reach, unreach, faults), rest + block[position:]


def _wrong_flags(value: bytes, flags: int) -> FamilyDisabled:
    # RFC 7606 5.3: so the attribute is not one to be read, and its routes cannot be told.
    found = AttributeFlag(flags & _CATEGORY)
    return FamilyDisabled(family_of(value), f"flags {found!r}, must be {AttributeFlag.OPTIONAL!r}")


def _disabling(code: int, error: FamilyDisabled, attribute: bytes) -> Fault:
    return Fault(
        AttributeCode(code),
        Treatment.AFI_SAFI_DISABLE,
        f"{AttributeCode(code).name}: {error}",
        UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR,
        attribute,
        family=error.family,
    )


# Plain numbers: to combine members of an enum takes longer than to decode a prefix.
_REACH: Final = int(AttributeCode.MP_REACH_NLRI)
_UNREACH: Final = int(AttributeCode.MP_UNREACH_NLRI)
_CATEGORY: Final = TRANSITIVE
_EXTENDED_LENGTH: Final = int(AttributeFlag.EXTENDED_LENGTH)
