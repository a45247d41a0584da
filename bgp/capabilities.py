"""Capabilities: what each side offers in its OPEN (RFC 5492).

Their values are in `bgp.offers`; here is how they stand on the wire: a table with an entry for each, made of its code,
its class, and how to write and to read its value field.

Every capability that is read is written again octet for octet. What its class cannot hold (a wrong length, a direction
of ADD-PATH that does not exist, text that is not UTF-8) is not understood, and what is not understood is no fault but
an `UnknownCapability` (RFC 5492 3; RFC 7911 4 says so for ADD-PATH). One capability is an exception: a four-octet AS
number that cannot be read would leave both sides with different ideas of every AS_PATH, so it is the malformed
parameter that RFC 4271 6.2 has in mind.

Repeats (RFC 5492 4): families, pairs of `ExtendedNextHopCapability` and directions of `AddPathCapability` add up;
roles must not differ (`bgp.negotiated`); of all others the last one counts, as RFC 4724 3 says of its own.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

import attrs

from bgp.errors import LocalError, OpenError
from bgp.iana import AddPathDirection, CapabilityCode, OpenSubcode
from bgp.offers import (
    MAX_VALUE,
    AddPathCapability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    KnownCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RestartFamily,
    RoleCapability,
    RouteRefreshCapability,
    SoftwareVersionCapability,
)
from bgp.prefix import Family, known_family
from bgp.values import integer, octets
from bgp.wire import Reader, WireError, uint8, uint16, uint32

__all__ = [
    "AddPathCapability",
    "Capability",
    "EnhancedRouteRefreshCapability",
    "ExtendedMessageCapability",
    "ExtendedNextHopCapability",
    "FQDNCapability",
    "FourOctetASCapability",
    "GracefulRestartCapability",
    "KnownCapability",
    "LongLivedFamily",
    "LongLivedGracefulRestartCapability",
    "MultiprotocolCapability",
    "RestartFamily",
    "RoleCapability",
    "RouteRefreshCapability",
    "SoftwareVersionCapability",
    "UnknownCapability",
    "decode_capability",
    "encode_capability",
    "four_octet_as",
    "last_of",
]


def _not_understood(instance: "UnknownCapability", _attribute: object, value: bytes) -> None:
    try:
        known = _interpret(instance.code, value)
    except OpenError as error:
        raise LocalError(f"capability {int(instance.code)}: {error}") from error
    if known is not None:
        raise LocalError(f"capability {int(instance.code)} can be written as {known}")


def _code(number: int) -> int:
    return CapabilityCode.name_of(integer("code", number, 0, 0xFF))


@attrs.frozen
class UnknownCapability:
    """A capability that this library does not know, or whose value it does not understand.

    A value that has a class of its own is refused, so that no capability can be written in two ways.
    """

    code: int = attrs.field(converter=_code)
    """The capability code, 0 to 255; a `CapabilityCode` where it has a name."""

    value: bytes = attrs.field(default=b"", validator=[octets(MAX_VALUE), _not_understood])
    """The capability's value, at most 255 octets."""


Capability = KnownCapability | UnknownCapability
"""Any capability."""

_T = TypeVar("_T")


def last_of(kind: type[_T], capabilities: Iterable[Capability]) -> _T | None:
    """Return the last capability of a class, the one that counts if there are several; None without one."""
    return next((c for c in reversed(tuple(capabilities)) if isinstance(c, kind)), None)


def four_octet_as(capabilities: Iterable[Capability]) -> int | None:
    """Return the AS number that the four-octet AS capability states; None without one."""
    capability = last_of(FourOctetASCapability, capabilities)
    return None if capability is None else capability.asn


def encode_capability(capability: Capability) -> bytes:
    """Write code, length and value."""
    if isinstance(capability, UnknownCapability):
        code, value = capability.code, capability.value
    else:
        codec = _CODEC_OF[type(capability)]
        code, value = codec.code, codec.encode(capability)
    return uint8(code) + uint8(len(value)) + value


def decode_capability(reader: Reader) -> Capability:
    """Read one capability.

    Raises `OpenError`: subcode 0 if its length lies or if it is a four-octet AS number that cannot be read, and
    Bad Peer AS if that number is 0 (RFC 4271 6.2, RFC 7607).
    """
    try:
        code = reader.uint8()
        value = reader.take(reader.uint8())
    except WireError as error:
        raise OpenError(f"capability: {error}", OpenSubcode.UNSPECIFIC) from error
    return _interpret(code, value) or UnknownCapability(code, value)


def _interpret(code: int, value: bytes) -> KnownCapability | None:
    """Read a value field; None if it is not understood."""
    codec = _CODEC_FOR.get(code)
    if codec is None:
        return None
    reader = Reader(value)
    try:
        with reader.limited_to(len(value)):
            capability: KnownCapability = codec.decode(reader)
    except (WireError, ValueError):
        return None
    return capability


# The value fields.


def _encode_family(family: Family) -> bytes:
    return uint16(family.afi) + uint8(family.safi)


def _decode_family(reader: Reader) -> Family:
    return known_family(reader.uint16(), reader.uint8())


def _encode_multiprotocol(capability: MultiprotocolCapability) -> bytes:
    return uint16(capability.family.afi) + uint8(capability.reserved) + uint8(capability.family.safi)


def _decode_multiprotocol(reader: Reader) -> MultiprotocolCapability:
    afi, reserved, safi = reader.uint16(), reader.uint8(), reader.uint8()
    return MultiprotocolCapability(known_family(afi, safi), reserved=reserved)


def _encode_next_hops(capability: ExtendedNextHopCapability) -> bytes:
    # RFC 8950 4: here the SAFI has two octets.
    return b"".join(
        uint16(family.afi) + uint16(family.safi) + uint16(afi) for family, afi in capability.next_hops
    )


def _decode_next_hops(reader: Reader) -> ExtendedNextHopCapability:
    found = []
    while reader.remaining:
        found.append((Family(reader.uint16(), reader.uint16()), reader.uint16()))
    return ExtendedNextHopCapability(found)


_RESTARTING, _NOTIFICATION, _PRESERVED = 0x8, 0x4, 0x80


def _encode_graceful_restart(capability: GracefulRestartCapability) -> bytes:
    flags = (
        capability.restarting * _RESTARTING | capability.notification * _NOTIFICATION | capability.reserved
    )
    return uint16(flags << 12 | capability.restart_time) + b"".join(
        _encode_family(entry.family) + uint8(entry.forwarding_preserved * _PRESERVED | entry.reserved)
        for entry in capability.families
    )


def _decode_graceful_restart(reader: Reader) -> GracefulRestartCapability:
    flags, restart_time = divmod(reader.uint16(), 1 << 12)
    families = []
    while reader.remaining:
        family, octet = _decode_family(reader), reader.uint8()
        families.append(RestartFamily(family, octet >= _PRESERVED, reserved=octet % _PRESERVED))
    return GracefulRestartCapability(
        restart_time=restart_time,
        families=families,
        restarting=bool(flags & _RESTARTING),
        notification=bool(flags & _NOTIFICATION),
        reserved=flags % _NOTIFICATION,
    )


def _encode_long_lived(capability: LongLivedGracefulRestartCapability) -> bytes:
    # Flags of one octet and a time of three.
    return b"".join(
        _encode_family(entry.family)
        + uint32((entry.forwarding_preserved * _PRESERVED | entry.reserved) << 24 | entry.stale_time)
        for entry in capability.families
    )


def _decode_long_lived(reader: Reader) -> LongLivedGracefulRestartCapability:
    found = []
    while reader.remaining:
        family = _decode_family(reader)
        flags, stale_time = divmod(reader.uint32(), 1 << 24)
        preserved, reserved = flags >= _PRESERVED, flags % _PRESERVED
        found.append(LongLivedFamily(family, stale_time, preserved, reserved=reserved))
    return LongLivedGracefulRestartCapability(found)


def _decode_four_octet_as(reader: Reader) -> FourOctetASCapability:
    if reader.remaining != 4:
        reason = f"four-octet AS capability of {reader.remaining} octets, must be 4"
        raise OpenError(reason, OpenSubcode.UNSPECIFIC)
    asn = reader.uint32()
    if asn == 0:
        raise OpenError("AS number 0 in the four-octet AS capability", OpenSubcode.BAD_PEER_AS)
    return FourOctetASCapability(asn)


def _encode_add_path(capability: AddPathCapability) -> bytes:
    return b"".join(_encode_family(family) + uint8(direction) for family, direction in capability.families)


def _decode_add_path(reader: Reader) -> AddPathCapability:
    found = []
    while reader.remaining:
        found.append((_decode_family(reader), AddPathDirection(reader.uint8())))
    return AddPathCapability(found)


def _encode_text(text: str) -> bytes:
    data = text.encode()
    return uint8(len(data)) + data


def _decode_text(reader: Reader) -> str:
    return reader.take(reader.uint8()).decode()


@attrs.frozen
class _Codec(Generic[_T]):
    """How one capability is written and read; `decode` gets a reader of exactly the value field."""

    code: CapabilityCode
    kind: type[_T]
    encode: Callable[[_T], bytes]
    decode: Callable[[Reader], _T]


def _without_value(code: CapabilityCode, kind: type[_T]) -> _Codec[_T]:
    return _Codec(code, kind, lambda _: b"", lambda _: kind())


_CODECS: Final[tuple[_Codec[Any], ...]] = (
    _Codec(
        CapabilityCode.MULTIPROTOCOL, MultiprotocolCapability, _encode_multiprotocol, _decode_multiprotocol
    ),
    _without_value(CapabilityCode.ROUTE_REFRESH, RouteRefreshCapability),
    _Codec(CapabilityCode.EXTENDED_NEXT_HOP, ExtendedNextHopCapability, _encode_next_hops, _decode_next_hops),
    _without_value(CapabilityCode.EXTENDED_MESSAGE, ExtendedMessageCapability),
    _Codec(
        CapabilityCode.ROLE,
        RoleCapability,
        lambda capability: uint8(capability.role),
        lambda reader: RoleCapability(reader.uint8()),
    ),
    _Codec(
        CapabilityCode.GRACEFUL_RESTART,
        GracefulRestartCapability,
        _encode_graceful_restart,
        _decode_graceful_restart,
    ),
    _Codec(
        CapabilityCode.FOUR_OCTET_AS,
        FourOctetASCapability,
        lambda capability: uint32(capability.asn),
        _decode_four_octet_as,
    ),
    _Codec(CapabilityCode.ADD_PATH, AddPathCapability, _encode_add_path, _decode_add_path),
    _without_value(CapabilityCode.ENHANCED_ROUTE_REFRESH, EnhancedRouteRefreshCapability),
    _Codec(
        CapabilityCode.LONG_LIVED_GRACEFUL_RESTART,
        LongLivedGracefulRestartCapability,
        _encode_long_lived,
        _decode_long_lived,
    ),
    _Codec(
        CapabilityCode.FQDN,
        FQDNCapability,
        lambda capability: _encode_text(capability.host) + _encode_text(capability.domain),
        lambda reader: FQDNCapability(_decode_text(reader), _decode_text(reader)),
    ),
    _Codec(
        CapabilityCode.SOFTWARE_VERSION,
        SoftwareVersionCapability,
        lambda capability: _encode_text(capability.text),
        lambda reader: SoftwareVersionCapability(_decode_text(reader)),
    ),
)

_CODEC_FOR: Final[dict[int, _Codec[Any]]] = {codec.code: codec for codec in _CODECS}
_CODEC_OF: Final[dict[type, _Codec[Any]]] = {codec.kind: codec for codec in _CODECS}
