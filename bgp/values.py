"""From what people type to what the library works with: converters and validators of public constructors.

They raise `LocalError` with the value and the limit that it missed.
"""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import attrs

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


def optional_address(value: str | Address | None) -> Address | None:
    """Read an IPv4 or IPv6 address, or None."""
    return None if value is None else any_address(value)


def quoted(value: object) -> str:
    """Show an address as the text that its converter reads."""
    return "None" if value is None else repr(str(value))


def in_range(low: int, high: int) -> Validator:
    """Validate that an integer lies between `low` and `high`, both included."""

    def validate(_instance: object, attribute: Any, value: object) -> None:
        if not isinstance(value, int) or not low <= value <= high:
            raise LocalError(f"{attribute.name} {value}, must be {low} to {high}")

    return validate


def seconds(low: float, high: float) -> Validator:
    """Validate that a time lies between `low` and `high` seconds, both included."""

    def validate(_instance: object, attribute: Any, value: object) -> None:
        if not isinstance(value, int | float) or not low <= value <= high:
            raise LocalError(f"{attribute.name} {value} s, must be {low} to {high}")

    return validate


ASN = in_range(1, 0xFFFFFFFF)
"""Validates an AS number; 0 is reserved (RFC 7607)."""

UINT8 = in_range(0, 0xFF)
"""Validates a number of one octet."""

UINT16 = in_range(0, 0xFFFF)
"""Validates a number of two octets."""

UINT32 = in_range(0, 0xFFFFFFFF)
"""Validates a number of four octets."""

OPTIONAL_UINT32 = attrs.validators.optional(UINT32)
"""Validates a number of four octets, or None."""


def octets(limit: int) -> Validator:
    """Validate that bytes are at most `limit` octets long."""

    def validate(_instance: object, attribute: Any, value: bytes) -> None:
        if len(value) > limit:
            raise LocalError(f"{attribute.name} of {len(value)} octets, at most {limit} fit")

    return validate
