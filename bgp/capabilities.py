"""Capabilities: what each side offers in its OPEN (RFC 5492).

`UnknownCapability` keeps one that we do not know, octet for octet.
"""

from collections.abc import Iterable

import attrs

from bgp.errors import LocalError, OpenError
from bgp.iana import CapabilityCode, OpenSubcode
from bgp.prefix import Family
from bgp.values import ASN, in_range, octets
from bgp.wire import Reader, WireError, uint8, uint16, uint32


@attrs.frozen
class MultiprotocolCapability:
    """Routes of `family` can be exchanged (RFC 4760 8)."""

    family: Family


@attrs.frozen
class FourOctetASCapability:
    """AS numbers have four octets, and this is ours (RFC 6793)."""

    asn: int = attrs.field(validator=ASN)


def _unknown(_instance: object, _attribute: object, code: int) -> None:
    if code in (CapabilityCode.MULTIPROTOCOL, CapabilityCode.FOUR_OCTET_AS):
        raise LocalError(f"capability {code} has a class of its own")


@attrs.frozen
class UnknownCapability:
    """A capability that this library does not interpret."""

    code: int = attrs.field(validator=[in_range(0, 255), _unknown])
    value: bytes = attrs.field(default=b"", validator=octets(255))


Capability = MultiprotocolCapability | FourOctetASCapability | UnknownCapability
"""Any capability."""


def four_octet_as(capabilities: Iterable[Capability]) -> int | None:
    """The AS number that the four-octet AS capability states; None without one."""
    return next((c.asn for c in capabilities if isinstance(c, FourOctetASCapability)), None)


def encode_capability(capability: Capability) -> bytes:
    """Code, length and value."""
    match capability:
        case MultiprotocolCapability(family):
            # RFC 4760 8: the octet between AFI and SAFI is reserved.
            code: int = CapabilityCode.MULTIPROTOCOL
            value = uint16(family.afi) + uint8(0) + uint8(family.safi)
        case FourOctetASCapability(asn):
            code, value = CapabilityCode.FOUR_OCTET_AS, uint32(asn)
        case UnknownCapability(code, value):
            pass
    return uint8(code) + uint8(len(value)) + value


def decode_capability(reader: Reader) -> Capability:
    """Read one; raise `OpenError` if a known one cannot be read, `WireError` if the length lies."""
    code = reader.uint8()
    value = reader.take(reader.uint8())
    try:
        return _decode_value(code, Reader(value))
    except WireError as error:
        name = CapabilityCode(code).name
        raise OpenError(f"capability {name}: {error}", OpenSubcode.UNSPECIFIC) from error


def _decode_value(code: int, reader: Reader) -> Capability:
    capability: Capability
    with reader.limited_to(reader.remaining):
        match code:
            case CapabilityCode.MULTIPROTOCOL:
                afi, _reserved, safi = reader.uint16(), reader.uint8(), reader.uint8()
                capability = MultiprotocolCapability(Family(afi, safi))
            case CapabilityCode.FOUR_OCTET_AS:
                asn = reader.uint32()
                if asn == 0:
                    raise OpenError("AS number 0 in the four-octet AS capability", OpenSubcode.BAD_PEER_AS)
                capability = FourOctetASCapability(asn)
            case _:
                capability = UnknownCapability(code, reader.rest())
    return capability
