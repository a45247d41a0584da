"""From what people type to what is put on the wire: what the values of this package share.

Converters and validators raise `LocalError` with the value and the limit that it missed, for a value of a wrong type as
well.
"""

import enum
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from types import UnionType
from typing import Any, TypeVar

from arp.errors import AddressError, LocalError

Validator = Callable[[Any, Any, Any], None]
"""What attrs calls with the instance, the attribute and the value."""

_T = TypeVar("_T")


class Number(enum.IntEnum):
    """A number of a registry; it prints as its name, which can be pasted back."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


def in_range(what: str, low: int, high: int) -> Validator:
    """Make a validator for an integer from `low` to `high`, both included."""

    def check(_instance: object, _attribute: object, value: object) -> None:
        if not isinstance(value, int) or not low <= value <= high:
            raise LocalError(f"{what} {value!r}, must be {low} to {high}")

    return check


def is_flag(what: str) -> Validator:
    """Make a validator for a bool: `"no"` would be true."""

    def check(_instance: object, _attribute: object, value: object) -> None:
        if not isinstance(value, bool):
            raise LocalError(f"{what} {value!r}, must be True or False")

    return check


def is_octets(what: str, shortest: int, longest: int, step: int = 1) -> Validator:
    """Make a validator for `bytes` whose length is `shortest`, or more by a multiple of `step`, up to `longest`."""
    steps = f" in steps of {step}" if step > 1 else ""

    def check(_instance: object, _attribute: object, value: object) -> None:
        if not isinstance(value, bytes):
            raise LocalError(f"{what} {value!r}, must be bytes")
        if not shortest <= len(value) <= longest or (len(value) - shortest) % step:
            raise LocalError(f"{what} of {len(value)} octets, must be {shortest} to {longest}{steps}")

    return check


def several(what: str, values: Iterable[_T], kind: type | UnionType) -> tuple[_T, ...]:
    """Collect values, all of them of a kind."""
    found = tuple(values)
    for value in found:
        if not isinstance(value, kind):
            raise LocalError(f"{what} with {value!r} among them")
    return found


def ipv6_address(value: IPv6Address | str) -> IPv6Address:
    """Read an IPv6 address and drop its zone (RFC 4007 11), which is not put on the wire."""
    try:
        if isinstance(value, IPv6Address | str):  # not integers and octets, which `ipaddress` takes too
            address = IPv6Address(value)
            return address if address.scope_id is None else IPv6Address(address.packed)
    except ValueError as error:
        raise AddressError(f"{value!r} is no IPv6 address") from error
    raise AddressError(f"{value!r} is no IPv6 address")
