"""From what people type to what the library works with: converters and validators of public constructors.

They raise `LocalError` with the value and the limit that it missed.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from bgp.errors import LocalError

Address = IPv4Address | IPv6Address

Validator = Callable[[Any, Any, Any], None]
"""What attrs calls with the instance, the attribute and the value."""


def ipv4_address(value: str | IPv4Address) -> IPv4Address:
    """Read an IPv4 address."""
    try:
        return IPv4Address(value)
    except ValueError as error:
        raise LocalError(f"{str(value)!r} is not an IPv4 address") from error


def any_address(value: str | Address) -> Address:
    """Read an IPv4 or IPv6 address."""
    try:
        return ip_address(value)
    except ValueError as error:
        raise LocalError(f"{str(value)!r} is not an IP address") from error


def quoted(value: object) -> str:
    """Show an address as the text that its converter reads."""
    return "None" if value is None else repr(str(value))


def in_range(low: float, high: float, unit: str = "") -> Validator:
    """Validate that a number lies between `low` and `high`, both included; None passes."""

    def validate(_instance: object, attribute: Any, value: float | None) -> None:
        if value is not None and not low <= value <= high:
            raise LocalError(f"{attribute.name} {value}{unit}, must be {low}{unit} to {high}{unit}")

    return validate


ASN = in_range(1, 0xFFFFFFFF)
"""Validates an AS number; 0 is reserved (RFC 7607)."""

UINT32 = in_range(0, 0xFFFFFFFF)
"""Validates a number of four octets."""


def octets(limit: int) -> Validator:
    """Validate that bytes are at most `limit` octets long."""

    def validate(_instance: object, attribute: Any, value: bytes) -> None:
        if len(value) > limit:
            raise LocalError(f"{attribute.name} of {len(value)} octets, at most {limit} fit")

    return validate
