"""What a BFD monitor and the process that runs its sessions say to each other: values, and a line of JSON for each.

Both ends are the same release of this library on the two ends of a socket pair, so there is no version and no check.
"""

import enum
import json
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import attrs

from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDEvent, BFDStateChanged, BFDStatistics, PacketDiscarded, SocketFailed
from bgp.bfd.fsm import Reason
from bgp.bfd.packet import Discard
from bgp.bfd.table import BFDPath

# From the monitor; `number` is what it calls the session.


@attrs.frozen
class AddSession:
    """Begin a session."""

    number: int
    path: BFDPath
    config: BFDConfig


@attrs.frozen
class ChangeSession:
    """Give a session another configuration."""

    number: int
    config: BFDConfig


@attrs.frozen
class RemoveSession:
    """Disable a session and forget it."""

    number: int


@attrs.frozen
class Close:
    """Disable all sessions and end."""


Order = AddSession | ChangeSession | RemoveSession | Close

# To the monitor.


@attrs.frozen
class Happened:
    """News of a session."""

    number: int
    event: BFDEvent


@attrs.frozen
class Figures:
    """How a session stands."""

    number: int
    statistics: BFDStatistics


Report = Happened | Figures


def encode(message: Order | Report) -> bytes:
    """Write a message as a line."""
    return json.dumps(message, default=_plain).encode() + b"\n"


def decode_order(line: bytes) -> Order:
    """Read a line from the monitor."""
    message: Order = json.loads(line, object_hook=_value)
    return message


def decode_report(line: bytes) -> Report:
    """Read a line to the monitor."""
    message: Report = json.loads(line, object_hook=_value)
    return message


_VALUES: Final = (
    *(AddSession, ChangeSession, RemoveSession, Close, Happened, Figures),
    *(BFDPath, BFDConfig, BFDKey, BFDStateChanged, PacketDiscarded, SocketFailed, BFDStatistics),
)
_CLASSES: Final[dict[str, Callable[..., object]]] = {kind.__name__: kind for kind in _VALUES}
_ENUMS: Final[dict[str, type[enum.Enum]]] = {kind.__name__: kind for kind in (Reason, Discard)}

# An object has the name of its class under this key; the fields of no class are called so.
_CLASS: Final = "class"


def _plain(value: object) -> object:
    """Make of a value what JSON knows; integers with names have been written as integers already."""
    match value:
        case bytes():
            return {_CLASS: "bytes", "hex": value.hex()}
        case IPv4Address() | IPv6Address():
            return str(value)
        case enum.Enum():
            return {_CLASS: type(value).__name__, "name": value.name}
    kind = type(value)
    assert attrs.has(kind), value
    fields = {field.name: getattr(value, field.name) for field in attrs.fields(kind)}
    # JSON has no tables but by text.
    rows = {name: list(field.items()) if isinstance(field, dict) else field for name, field in fields.items()}
    return {_CLASS: kind.__name__, **rows}


def _value(fields: dict[str, object]) -> object:
    name = str(fields.pop(_CLASS))
    if name == "bytes":
        return bytes.fromhex(str(fields["hex"]))
    if name in _ENUMS:
        return _ENUMS[name][str(fields["name"])]
    return _CLASSES[name](**fields)
