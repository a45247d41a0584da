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
from bgp.errors import LocalError, UpdateError
from bgp.faults import Fault, Treatment
from bgp.framing import HEADER_LENGTH, MAX_EXTENDED
from bgp.iana import AttributeCode, AttributeFlag, UpdateSubcode
from bgp.judgement import has_multiprotocol, judge
from bgp.multiprotocol import (
    FamilyDisabled,
    MPReach,
    MPUnreach,
    decode_reach,
    decode_unreach,
    encode_reach,
    encode_unreach,
)
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import NLRI, Destination, Path, decoder
from bgp.prefix import IPV4_UNICAST, Family
from bgp.wire import uint16


def _ipv4(value: "NLRI | Iterable[str | Destination | Path]") -> NLRI:
    nlri = value if isinstance(value, NLRI) else NLRI(value)
    if nlri.family != IPV4_UNICAST:
        raise LocalError(f"NLRI of {nlri.family}, must be in mp_reach or mp_unreach")
    return nlri


def _faults(values: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class Update:
    """UPDATE: `Update(announced=["203.0.113.7/32"], attributes=PathAttributes(…))` (RFC 4271 4.3)."""

    withdrawn: NLRI = attrs.field(default=NLRI(), converter=_ipv4)
    """IPv4 prefixes without a route from now on; a list of strings is accepted."""

    announced: NLRI = attrs.field(default=NLRI(), converter=_ipv4)
    """IPv4 prefixes with a route from now on; a list of strings is accepted."""

    attributes: PathAttributes = attrs.field(default=PathAttributes())
    """The attributes of the announced routes."""

    mp_reach: MPReach | None = None
    """Destinations of another family with a route from now on, and its next hop."""

    mp_unreach: MPUnreach | None = None
    """Destinations of another family without a route from now on."""

    faults: tuple[Fault, ...] = attrs.field(default=(), converter=_faults)
    """What was wrong with a received UPDATE, and survived (RFC 7606)."""

    _received: "_Received | None" = attrs.field(default=None, init=False, eq=False, repr=False)

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


class _Received(NamedTuple):
    """The attributes of an UPDATE as they came."""

    block: bytes
    four_octet_as: bool


# What a frozen class does in its constructor, in a third of the time.
(
    _set_withdrawn,
    _set_announced,
    _set_attributes,
    _set_reach,
    _set_unreach,
    _set_faults,
    _set_received,
) = (getattr(Update, field.name).__set__ for field in attrs.fields(Update))

_EMPTY: Final = NLRI()


def encode_update(update: Update, negotiated: Negotiated) -> bytes:
    """The body of the message; raises `LocalError` for one that cannot be in such a session."""
    withdrawn = _encode_nlri(update.withdrawn, negotiated)
    announced = _encode_nlri(update.announced, negotiated)
    block = _encode_attributes(update, negotiated)
    if max(len(withdrawn), len(block)) > MAX_EXTENDED:
        raise LocalError(f"UPDATE of more than {MAX_EXTENDED} octets")
    return b"".join((uint16(len(withdrawn)), withdrawn, uint16(len(block)), block, announced))


def _encode_nlri(nlri: NLRI, negotiated: Negotiated) -> bytes:
    if not nlri.wire:
        return b""
    if nlri.add_path is not (nlri.family in negotiated.add_path_send) and nlri.is_known:
        given, wanted = ("with", "without") if nlri.add_path else ("without", "with")
        raise LocalError(f"NLRI of {nlri.family} {given} path identifiers, this session is {wanted}")
    return nlri.encode()


def _encode_attributes(update: Update, negotiated: Negotiated) -> bytes:
    routes = [part.nlri for part in (update.mp_reach, update.mp_unreach) if part is not None]
    fields = [_encode_nlri(nlri, negotiated) for nlri in routes]
    received = update._received
    if received is not None and received.four_octet_as is negotiated.four_octet_as:
        return received.block
    encoded = update.attributes.wire if negotiated.four_octet_as else _narrowed(update.attributes)
    if not fields:
        return encoded
    # RFC 7606 5.1: they come first.
    first = b""
    if update.mp_reach is not None:
        value = encode_reach(update.mp_reach)
        first += encode_attribute(NON_TRANSITIVE, AttributeCode.MP_REACH_NLRI, value)
    if update.mp_unreach is not None:
        value = encode_unreach(update.mp_unreach)
        first += encode_attribute(NON_TRANSITIVE, AttributeCode.MP_UNREACH_NLRI, value)
    return first + encoded


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
        raise _cut_short("withdrawn routes", attributes_at + 2 - end)
    nlri_at = attributes_at + (message[attributes_at - 2] << 8 | message[attributes_at - 1])
    if nlri_at > end:
        raise _cut_short("path attributes", nlri_at - end)
    block = message[attributes_at:nlri_at]

    add_path = bool(negotiated.add_path_receive) and IPV4_UNICAST in negotiated.add_path_receive
    decode = decoder(IPV4_UNICAST, add_path)
    withdrawn = (
        decode(message[withdrawn_at : attributes_at - 2]) if attributes_at > withdrawn_at + 2 else _EMPTY
    )
    announced = decode(message[nlri_at:]) if nlri_at < end else _EMPTY

    parts = _NO_PARTS
    if any(sign in block for sign in _SIGNS):
        parts, block_left = _cut(block, negotiated)
        judged = judge(block_left, negotiated)
    else:
        judged = judge(block, negotiated)
        if has_multiprotocol(judged.present):
            # Their flags are wrong, or somebody else's value looks like them.
            parts, block_left = _cut(block, negotiated)
            judged = judge(block_left, negotiated)

    faults = judged.faults + parts.faults
    reachable = bool(announced) or (parts.reach is not None and bool(parts.reach.nlri))
    if reachable:
        wanted = _MANDATORY[negotiated.peer_type] | (_NEXT_HOP if announced else 0)
        if wanted & ~judged.present:
            faults += _missing(wanted & ~judged.present)
    elif faults and not parts.disables:
        _demand_reachable(faults, judged.present, parts)
    received = None if faults else _Received(block, negotiated.four_octet_as)
    update = Update.__new__(Update)
    _set_withdrawn(update, withdrawn)
    _set_announced(update, announced)
    _set_attributes(update, judged.attributes)
    _set_reach(update, parts.reach)
    _set_unreach(update, parts.unreach)
    _set_faults(update, faults)
    _set_received(update, received)
    return update


def _cut_short(what: str, octets: int) -> UpdateError:
    # RFC 7606 3 (b): without these lengths nothing can be found.
    return UpdateError(f"{octets} octets of the {what} are missing", UpdateSubcode.MALFORMED_ATTRIBUTE_LIST)


def _demand_reachable(faults: tuple[Fault, ...], present: int, parts: "_Parts") -> None:
    """Raise `UpdateError` if routes would have to be withdrawn that the UPDATE does not name (RFC 7606 5.2)."""
    severe = [fault for fault in faults if fault.treatment > Treatment.ATTRIBUTE_DISCARD]
    if severe and (present or parts.reach is not None or any(not fault.code for fault in severe)):
        raise severe[0].as_error()


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


_ORIGIN_AND_PATH: Final = 1 << AttributeCode.ORIGIN | 1 << AttributeCode.AS_PATH

_MANDATORY: Final = {
    PeerType.EXTERNAL: _ORIGIN_AND_PATH,
    PeerType.CONFEDERATION: _ORIGIN_AND_PATH,
    PeerType.INTERNAL: _ORIGIN_AND_PATH | 1 << AttributeCode.LOCAL_PREF,
}
"""What every route has to have; `1 << code` each."""

_NEXT_HOP: Final = 1 << AttributeCode.NEXT_HOP


# MP_REACH_NLRI and MP_UNREACH_NLRI among the attributes.

_SIGNS: Final = (b"\x80\x0e", b"\x90\x0e", b"\x80\x0f", b"\x90\x0f")
"""How they begin. A block without these has none, or one with wrong flags, which `judge` sees."""


class _Parts(NamedTuple):
    """The routes that travel among the attributes."""

    reach: MPReach | None = None
    unreach: MPUnreach | None = None
    faults: tuple[Fault, ...] = ()

    @property
    def disables(self) -> bool:
        """Whether a family has to be given up."""
        return any(fault.treatment is Treatment.AFI_SAFI_DISABLE for fault in self.faults)


_NO_PARTS: Final = _Parts()


def _cut(block: bytes, negotiated: Negotiated) -> tuple[_Parts, bytes]:
    """Take the routes out of the attributes; returns the octets of the other attributes as well."""
    found: dict[int, RawAttribute] = {}
    rest = []
    position, end = 0, len(block)
    while position < end:
        start = position
        long = block[start] & AttributeFlag.EXTENDED_LENGTH
        value_at = start + (4 if long else 3)
        if value_at > end:
            break
        length = block[value_at - 2] << 8 | block[value_at - 1] if long else block[value_at - 1]
        if value_at + length > end:
            break
        position = value_at + length
        code = block[start + 1]
        if code not in (AttributeCode.MP_REACH_NLRI, AttributeCode.MP_UNREACH_NLRI):
            rest.append(block[start:position])
        elif code in found:
            # RFC 7606 3 (g).
            reason = f"{AttributeCode(code).name} occurs more than once"
            raise UpdateError(reason, UpdateSubcode.MALFORMED_ATTRIBUTE_LIST)
        else:
            found[code] = RawAttribute(block[start], code, block[value_at:position])
    rest.append(block[position:])  # what is cut short is for `judge` to complain about
    parts = _NO_PARTS
    for attribute in found.values():
        parts = _read_part(parts, attribute, negotiated)
    return parts, b"".join(rest)


def _read_part(parts: _Parts, attribute: RawAttribute, negotiated: Negotiated) -> _Parts:
    code = AttributeCode(attribute.code)
    flags = attribute.flags & _CATEGORY
    if flags != NON_TRANSITIVE:
        # RFC 7606 3 (c).
        reason = f"{code.name}: flags {AttributeFlag(flags)!r}, must be {NON_TRANSITIVE!r}"
        fault = Fault(code, Treatment.TREAT_AS_WITHDRAW, reason, UpdateSubcode.ATTRIBUTE_FLAGS_ERROR)
        parts = parts._replace(faults=(*parts.faults, fault))
    try:
        if code is AttributeCode.MP_REACH_NLRI:
            return parts._replace(reach=decode_reach(attribute.value, negotiated))
        return parts._replace(unreach=decode_unreach(attribute.value, negotiated))
    except FamilyDisabled as error:
        subcode = UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR
        reason = f"{code.name}: {error}"
        fault = Fault(code, Treatment.AFI_SAFI_DISABLE, reason, subcode, family=error.family)
        return parts._replace(faults=(*parts.faults, fault))


_CATEGORY: Final = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE
