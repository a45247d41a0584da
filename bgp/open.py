"""OPEN: who the sender is and what it can do; the first message of each side (RFC 4271 4.2)."""

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any

import attrs

from bgp.capabilities import Capability, decode_capability, encode_capability, four_octet_as
from bgp.errors import LocalError, OpenError
from bgp.iana import OpenSubcode, ParameterType
from bgp.values import in_range, ipv4_address, quoted
from bgp.wire import Reader, WireError, uint8, uint16

VERSION = 4
"""The version of BGP."""


def router_id(value: str | IPv4Address) -> IPv4Address:
    """Read a BGP Identifier: four octets written as an IPv4 address, not 0 (RFC 6286)."""
    address = ipv4_address(value)
    if not int(address):
        raise LocalError("router ID 0.0.0.0, must not be zero")
    return address


def hold_time_in_range(_instance: object, _attribute: object, value: Any) -> None:
    """Validate a hold time (RFC 4271 4.2)."""
    if not isinstance(value, int) or not (value == 0 or 3 <= value <= 0xFFFF):
        raise LocalError(f"hold time {value} s, must be 0 or 3 to 65535")


def _capabilities(values: Iterable[Capability]) -> tuple[Capability, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class Open:
    """OPEN: who the sender is and what it can do (RFC 4271 4.2)."""

    my_as: int = attrs.field(validator=in_range(1, 0xFFFF))
    """The sender's AS number, 1 to 65535; AS_TRANS if it needs four octets and stands in a capability."""

    hold_time: int = attrs.field(validator=hold_time_in_range)
    """Seconds: 0 or 3 to 65535."""

    router_id: IPv4Address = attrs.field(converter=router_id, repr=quoted)
    """The BGP Identifier of the sender."""

    capabilities: tuple[Capability, ...] = attrs.field(default=(), converter=_capabilities)
    """What the sender offers."""

    @property
    def asn(self) -> int:
        """The sender's AS number, wherever it stands."""
        return four_octet_as(self.capabilities) or self.my_as


def encode_open(message: Open) -> bytes:
    capabilities = b"".join(map(encode_capability, message.capabilities))
    if len(capabilities) > 0xFF - 2:
        raise LocalError(f"capabilities of {len(capabilities)} octets, at most {0xFF - 2} fit into an OPEN")
    parameter = b""
    if capabilities:
        parameter = uint8(ParameterType.CAPABILITIES) + uint8(len(capabilities)) + capabilities
    return (
        uint8(VERSION)
        + uint16(message.my_as)
        + uint16(message.hold_time)
        + message.router_id.packed
        + uint8(len(parameter))
        + parameter
    )


def decode_open(reader: Reader) -> Open:
    # RFC 4271 6.2, in its order.
    version = reader.uint8()
    if version != VERSION:
        raise OpenError(f"BGP version {version}", OpenSubcode.UNSUPPORTED_VERSION_NUMBER, uint16(VERSION))
    my_as, hold_time, identifier = reader.uint16(), reader.uint16(), IPv4Address(reader.take(4))
    if my_as == 0:
        raise OpenError("AS number 0", OpenSubcode.BAD_PEER_AS)
    if hold_time in (1, 2):
        raise OpenError(f"hold time {hold_time} s, must not be 1 or 2", OpenSubcode.UNACCEPTABLE_HOLD_TIME)
    if not int(identifier):
        raise OpenError("router ID 0.0.0.0", OpenSubcode.BAD_BGP_IDENTIFIER)
    try:
        with reader.limited_to(reader.remaining):
            capabilities = _decode_parameters(reader)
    except WireError as error:
        raise OpenError(f"optional parameters: {error}", OpenSubcode.UNSPECIFIC) from error
    return Open(my_as=my_as, hold_time=hold_time, router_id=identifier, capabilities=capabilities)


def _decode_parameters(reader: Reader) -> Iterable[Capability]:
    found: list[Capability] = []
    with reader.limited_to(reader.uint8()):
        while reader.remaining:
            parameter_type = reader.uint8()
            if parameter_type != ParameterType.CAPABILITIES:
                reason = f"optional parameter {parameter_type} is not known"
                raise OpenError(reason, OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER)
            with reader.limited_to(reader.uint8()):
                while reader.remaining:
                    found.append(decode_capability(reader))
    return found
