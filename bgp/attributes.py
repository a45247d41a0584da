"""Path attributes: what an UPDATE says about its routes (RFC 4271 5).

Reading them takes two steps. First the block is cut into (flags, code, value). Then each attribute is judged
alone by its row in `_KNOWN`: its flags, its length, its meaning. RFC 7606 says what a fault costs: the
attribute, or the routes, seldom the session. Since most faults are survived they are values, `Fault`, not
exceptions. An attribute that we do not know is kept as it came.
"""

import enum
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import Any, NamedTuple

import attrs

from bgp.aspath import ASPath, ASSegment, decode_as_path, encode_as_path, encode_asn
from bgp.communities import Community, communities
from bgp.errors import LocalError, UpdateError
from bgp.iana import AttributeCode, AttributeFlag, Origin, UpdateSubcode
from bgp.negotiated import Negotiated, PeerType
from bgp.values import ASN, OPTIONAL_UINT32, in_range, ipv4_address, octets, optional_ipv4_address, quoted
from bgp.wire import Reader, WireError, uint8, uint16, uint32


class Treatment(enum.IntEnum):
    """What a fault in an UPDATE costs, from weak to strong (RFC 7606 2)."""

    NONE = 0
    """Nothing is wrong."""

    ATTRIBUTE_DISCARD = 1
    """The attribute is ignored, the routes count."""

    TREAT_AS_WITHDRAW = 2
    """The routes are handled as if they had been withdrawn."""

    def __repr__(self) -> str:
        return f"Treatment.{self.name}"


@attrs.frozen
class Fault:
    """Something wrong with one attribute of a received UPDATE."""

    code: int
    """Which attribute."""

    treatment: Treatment
    """What it costs."""

    reason: str
    """What is wrong, for a person."""


@attrs.frozen
class Aggregator:
    """Who made an aggregate: `Aggregator(64512, "192.0.2.1")` (RFC 4271 5.1.7)."""

    asn: int = attrs.field(validator=ASN)
    address: IPv4Address = attrs.field(converter=ipv4_address, repr=quoted)


_KEPT_FLAGS = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE | AttributeFlag.PARTIAL


def _flags(value: int) -> AttributeFlag:
    # The extended-length bit follows from the length; the low four bits are to be ignored (RFC 4271 4.3).
    return AttributeFlag(value) & _KEPT_FLAGS


def _unknown(_instance: object, _attribute: object, code: int) -> None:
    if AttributeCode.ORIGIN <= code <= AttributeCode.COMMUNITIES:
        raise LocalError(f"attribute {code} has a field of its own")


@attrs.frozen
class UnknownAttribute:
    """An attribute that this library does not interpret."""

    flags: AttributeFlag = attrs.field(converter=_flags)
    """Optional, transitive, partial."""

    code: int = attrs.field(validator=[in_range(0, 255), _unknown])
    value: bytes = attrs.field(default=b"", validator=octets(0xFFFF))


def _path(value: Iterable[int | ASSegment] | None) -> ASPath | None:
    return None if value is None else ASPath(value)


def origin(value: int) -> Origin:
    """Read an ORIGIN."""
    if not Origin.has(value):
        raise LocalError(f"origin {value}, must be 0 to 2")
    return Origin(value)


def _optional_origin(value: int | None) -> Origin | None:
    return None if value is None else origin(value)


def _by_code(values: Iterable[UnknownAttribute]) -> tuple[UnknownAttribute, ...]:
    ordered = tuple(sorted(values, key=lambda attribute: attribute.code))
    if len({attribute.code for attribute in ordered}) < len(ordered):
        raise LocalError("an attribute code occurs twice among the unknown attributes")
    return ordered


@attrs.frozen(kw_only=True)
class PathAttributes:
    """The attributes that the routes of one UPDATE share; None or empty where there is none."""

    origin: Origin | None = attrs.field(default=None, converter=_optional_origin)
    """ORIGIN: how the route came into BGP."""

    as_path: ASPath | None = attrs.field(default=None, converter=_path)
    """AS_PATH; a list of AS numbers is accepted."""

    next_hop: IPv4Address | None = attrs.field(default=None, converter=optional_ipv4_address, repr=quoted)
    """NEXT_HOP: where to send the packets."""

    med: int | None = attrs.field(default=None, validator=OPTIONAL_UINT32)
    """MULTI_EXIT_DISC, 0 to 4294967295; lower is preferred."""

    local_pref: int | None = attrs.field(default=None, validator=OPTIONAL_UINT32)
    """LOCAL_PREF, 0 to 4294967295; higher is preferred. Only between internal peers."""

    atomic_aggregate: bool = False
    """ATOMIC_AGGREGATE: the path leaves ASes out."""

    aggregator: Aggregator | None = None
    """AGGREGATOR: who made the aggregate."""

    communities: tuple[Community, ...] = attrs.field(default=(), converter=communities)
    """COMMUNITIES; text such as "64512:100" is accepted."""

    unknown: tuple[UnknownAttribute, ...] = attrs.field(default=(), converter=_by_code)
    """All others, by code."""


class _Known(NamedTuple):
    """How one attribute is read, judged and written.

    `decode` raises `WireError` or `LocalError` on a bad value; `malformed` says what that costs.
    """

    field: str
    flags: AttributeFlag
    decode: Callable[[Reader, Negotiated], Any]
    encode: Callable[[Any, Negotiated], bytes]
    malformed: Treatment = Treatment.TREAT_AS_WITHDRAW


_WELL_KNOWN = AttributeFlag.TRANSITIVE
_NON_TRANSITIVE = AttributeFlag.OPTIONAL
_TRANSITIVE = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE
_CATEGORY = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE


def _decode_address(reader: Reader, _negotiated: Negotiated) -> IPv4Address:
    return IPv4Address(reader.take(4))


def _decode_aggregator(reader: Reader, negotiated: Negotiated) -> Aggregator:
    asn = reader.uint32() if negotiated.four_octet_as else reader.uint16()
    return Aggregator(asn, IPv4Address(reader.take(4)))


def _encode_aggregator(value: Aggregator, negotiated: Negotiated) -> bytes:
    return encode_asn(value.asn, negotiated.four_octet_as) + value.address.packed


def _decode_communities(reader: Reader, _negotiated: Negotiated) -> tuple[Community, ...]:
    found = [Community(reader.uint32())]
    while reader.remaining:
        found.append(Community(reader.uint32()))
    return tuple(found)


_KNOWN: dict[int, _Known] = {
    # RFC 7606 7.1 to 7.8, row by row.
    AttributeCode.ORIGIN: _Known(
        "origin",
        _WELL_KNOWN,
        lambda reader, _: origin(reader.uint8()),
        lambda value, _: uint8(value),
    ),
    AttributeCode.AS_PATH: _Known(
        "as_path",
        _WELL_KNOWN,
        lambda reader, negotiated: decode_as_path(reader, negotiated.four_octet_as),
        lambda value, negotiated: encode_as_path(value, negotiated.four_octet_as),
    ),
    AttributeCode.NEXT_HOP: _Known("next_hop", _WELL_KNOWN, _decode_address, lambda value, _: value.packed),
    AttributeCode.MULTI_EXIT_DISC: _Known(
        "med",
        _NON_TRANSITIVE,
        lambda reader, _: reader.uint32(),
        lambda value, _: uint32(value),
    ),
    AttributeCode.LOCAL_PREF: _Known(
        "local_pref",
        _WELL_KNOWN,
        lambda reader, _: reader.uint32(),
        lambda value, _: uint32(value),
    ),
    AttributeCode.ATOMIC_AGGREGATE: _Known(
        "atomic_aggregate",
        _WELL_KNOWN,
        lambda reader, _: True,
        lambda value, _: b"",
        Treatment.ATTRIBUTE_DISCARD,
    ),
    AttributeCode.AGGREGATOR: _Known(
        "aggregator",
        _TRANSITIVE,
        _decode_aggregator,
        _encode_aggregator,
        Treatment.ATTRIBUTE_DISCARD,
    ),
    AttributeCode.COMMUNITIES: _Known(
        "communities",
        _TRANSITIVE,
        _decode_communities,
        lambda value, _: b"".join(map(uint32, value)),
    ),
}


def encode_attributes(attributes: PathAttributes, negotiated: Negotiated) -> bytes:
    """The attributes in order of their codes, as RFC 4271 5 advises."""
    encoded = {other.code: _encode(other.flags, other.code, other.value) for other in attributes.unknown}
    for code, known in _KNOWN.items():
        value = getattr(attributes, known.field)
        if value is None or value is False or value == ():
            continue
        encoded[code] = _encode(known.flags, code, known.encode(value, negotiated))
    return b"".join(encoded[code] for code in sorted(encoded))


def _encode(flags: AttributeFlag, code: int, value: bytes) -> bytes:
    if len(value) > 0xFF:
        return uint8(flags | AttributeFlag.EXTENDED_LENGTH) + uint8(code) + uint16(len(value)) + value
    return uint8(flags) + uint8(code) + uint8(len(value)) + value


class _RawAttribute(NamedTuple):
    flags: AttributeFlag
    code: int
    value: bytes


def decode_attributes(block: bytes, negotiated: Negotiated) -> tuple[PathAttributes, tuple[Fault, ...]]:
    """Read and judge the attributes of an UPDATE.

    Returns those that hold, and the faults. Raises `UpdateError` only for an attribute that claims to be
    well-known and is not.
    """
    raw, faults = _split(block)
    values: dict[str, Any] = {}
    unknown: list[UnknownAttribute] = []
    for attribute in raw:
        known = _KNOWN.get(attribute.code)
        if known is None:
            unknown.append(_keep(attribute))
            continue
        verdict = _judge(attribute, known, negotiated)
        if isinstance(verdict, Fault):
            faults.append(verdict)
        else:
            values[known.field] = verdict.value
    return PathAttributes(**values, unknown=unknown), tuple(faults)


def _split(block: bytes) -> tuple[list[_RawAttribute], list[Fault]]:
    reader = Reader(block)
    found: dict[int, _RawAttribute] = {}
    faults: list[Fault] = []
    while reader.remaining:
        code = 0
        try:
            flags, code = AttributeFlag(reader.uint8()), reader.uint8()
            length = reader.uint16() if flags & AttributeFlag.EXTENDED_LENGTH else reader.uint8()
            value = reader.take(length)
        except WireError as error:
            # RFC 7606 4: the NLRI can still be found, so the routes can be withdrawn.
            faults.append(Fault(code, Treatment.TREAT_AS_WITHDRAW, f"attribute list cut short: {error}"))
            break
        if code in found:
            # RFC 7606 3 (g): all but the first are discarded.
            faults.append(Fault(code, Treatment.ATTRIBUTE_DISCARD, "attribute occurs more than once"))
        else:
            found[code] = _RawAttribute(flags, code, value)
    return list(found.values()), faults


def _keep(attribute: _RawAttribute) -> UnknownAttribute:
    if not attribute.flags & AttributeFlag.OPTIONAL:
        # RFC 4271 6.3; RFC 7606 leaves it alone. The data is the attribute.
        raise UpdateError(
            f"well-known attribute {attribute.code} is not known",
            UpdateSubcode.UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE,
            _encode(attribute.flags & _KEPT_FLAGS, attribute.code, attribute.value),
        )
    return UnknownAttribute(attribute.flags, attribute.code, attribute.value)


class _Holds(NamedTuple):
    value: Any


def _judge(attribute: _RawAttribute, known: _Known, negotiated: Negotiated) -> _Holds | Fault:
    code = attribute.code
    if code == AttributeCode.LOCAL_PREF and negotiated.peer_type is PeerType.EXTERNAL:
        return Fault(code, Treatment.ATTRIBUTE_DISCARD, "LOCAL_PREF from an external peer")  # RFC 7606 7.5
    if attribute.flags & _CATEGORY != known.flags:
        # RFC 7606 3 (c).
        return Fault(code, Treatment.TREAT_AS_WITHDRAW, f"flags {attribute.flags!r}, must be {known.flags!r}")
    reader = Reader(attribute.value)
    try:
        with reader.limited_to(reader.remaining):
            value = known.decode(reader, negotiated)
    except (WireError, LocalError) as error:
        return Fault(code, known.malformed, f"{known.field}: {error}")
    return _Holds(value)
