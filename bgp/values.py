"""From what people type to what the library works with: converters and validators of public constructors.

They raise `LocalError` with the value and the limit that it missed, for a value of a wrong type as well: a constructor
that takes `med="10"` would only move the error to where nobody knows any more who wrote it. `shown` puts values into
messages, since not every value can be printed, and few are worth a whole page.
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import UnionType
from typing import Any, Final, TypeVar

import attrs

from bgp.errors import LocalError

Address = IPv4Address | IPv6Address

Validator = Callable[[Any, Any, Any], None]
"""What attrs calls with the instance, the attribute and the value."""

_T = TypeVar("_T")

_MAX_SHOWN: Final = 100


def shown(value: object) -> str:
    """Show any value in an error message, in at most 100 characters; a number without the name that it may have."""
    try:
        text = str(int(value)) if isinstance(value, int) else repr(value)
    except ValueError:  # Python refuses to print integers of more than 4300 digits
        return f"{type(value).__name__} of too many digits"
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 3]}..."


def printable(text: str) -> str:
    """Escape whatever in a peer's text could break a line, move the cursor or turn the direction of writing."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def ipv4_address(value: str | IPv4Address) -> IPv4Address:
    """Read an IPv4 address."""
    if type(value) is IPv4Address:
        return value
    try:
        if isinstance(value, str | IPv4Address):  # not integers and octets, which `ipaddress` takes too
            return IPv4Address(value)
    except ValueError as error:
        raise LocalError(f"{shown(value)} is not an IPv4 address") from error
    raise LocalError(f"{shown(value)} is not an IPv4 address")


def any_address(value: str | Address) -> Address:
    """Read an IPv4 or IPv6 address."""
    try:
        if isinstance(value, str | Address):
            return ip_address(value)
    except ValueError as error:
        raise LocalError(f"{shown(value)} is not an IP address") from error
    raise LocalError(f"{shown(value)} is not an IP address")


def plain_address(value: str | Address) -> Address:
    """Read an address, and drop its zone: that means nothing on another machine."""
    address = any_address(value)
    return IPv6Address(address.packed) if address.version == 6 else address


def optional_address(value: str | Address | None) -> Address | None:
    """Read an IPv4 or IPv6 address, or None."""
    return None if value is None else any_address(value)


def quoted(value: object) -> str:
    """Show an address as the text that its converter reads."""
    return "None" if value is None else repr(str(value))


def integer(name: str, value: object, low: int, high: int) -> int:
    """Return an integer that lies between `low` and `high`, both included."""
    if not isinstance(value, int) or not low <= value <= high:
        raise LocalError(f"{name} {shown(value)}, must be {low} to {high}")
    return value


def check_kind(name: str, value: object, kind: type | UnionType) -> None:
    """Raise `LocalError` for a value that is not of a kind."""
    if not isinstance(value, kind):
        wanted = kind.__name__ if isinstance(kind, type) else " or ".join(map(_name, kind.__args__))
        raise LocalError(f"{name} {shown(value)}, must be {wanted}")


def several(name: str, values: Iterable[_T], kind: type | UnionType = object) -> tuple[_T, ...]:
    """Collect values, all of them of a kind; text is no list, though Python could take it for one of letters."""
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise LocalError(f"{name} {shown(values)}, must be a list")
    found = tuple(values)
    for value in found:
        check_kind(name, value, kind)
    return found


def as_octets(data: bytes | bytearray | memoryview) -> bytes:
    """Return octets as `bytes`, of whichever type they are."""
    if not isinstance(data, bytes | bytearray | memoryview):
        raise LocalError(f"{shown(data)}, must be octets")
    return bytes(data)


def utf8(name: str, text: str) -> bytes:
    """Write text in UTF-8."""
    check_kind(name, text, str)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LocalError(f"{name} {shown(text)} cannot be written in UTF-8") from error


def in_range(low: int, high: int) -> Validator:
    """Validate that an integer lies between `low` and `high`, both included."""

    def validate(_instance: object, attribute: Any, value: object) -> None:
        integer(attribute.name, value, low, high)

    return validate


def seconds(low: float, high: float) -> Validator:
    """Validate that a time lies between `low` and `high` seconds, both included."""

    def validate(_instance: object, attribute: Any, value: object) -> None:
        if not isinstance(value, int | float) or not low <= value <= high:
            raise LocalError(f"{attribute.name} {shown(value)} s, must be {low} to {high}")

    return validate


def is_a(kind: type | UnionType) -> Validator:
    """Validate that a value is of a kind."""

    def validate(_instance: object, attribute: Any, value: object) -> None:
        check_kind(attribute.name, value, kind)

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

FLAG = is_a(bool)
"""Validates True or False."""


def octets(limit: int) -> Validator:
    """Validate that bytes are at most `limit` octets long."""

    def validate(_instance: object, attribute: Any, value: bytes) -> None:
        check_kind(attribute.name, value, bytes)
        if len(value) > limit:
            raise LocalError(f"{attribute.name} of {len(value)} octets, at most {limit} fit")

    return validate


def _name(kind: type) -> str:
    return "None" if kind is type(None) else kind.__name__
