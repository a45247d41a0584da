"""What an interface tells besides `Claimed` and `Conflict`: what became of the link, as values."""

import enum

import attrs

from arp.ethernet import MACAddress
from arp.outputs import Claimed, Conflict


class State(enum.Enum):
    """Whether an interface can be used."""

    UP = "up"
    """Frames can pass: owned addresses are answered for."""
    DOWN = "down"
    """It is switched off or has no carrier, it is part of a bridge or bond that takes its frames, or it does no ARP."""
    MISSING = "missing"
    """There is no interface of that name."""


@attrs.frozen
class LinkUp:
    """Frames can pass again; what is owned is announced, or probed for, again."""

    interface: str
    """Name of the interface."""


@attrs.frozen
class LinkDown:
    """Frames can not pass for now."""

    interface: str
    """Name of the interface."""


@attrs.frozen
class MACChanged:
    """The interface has another hardware address; what is owned is announced, or probed for, again."""

    interface: str
    """Name of the interface."""
    mac: MACAddress
    """The new address."""


@attrs.frozen
class InterfaceGone:
    """The interface was removed, renamed, or moved to another network namespace. What is owned, is kept.

    It follows `LinkDown`, if the link was up.
    """

    interface: str
    """Name of the interface."""


@attrs.frozen
class InterfaceBack:
    """There is an interface of that name again. `LinkUp` follows once frames can pass."""

    interface: str
    """Name of the interface."""


Event = Claimed | Conflict | LinkUp | LinkDown | MACChanged | InterfaceGone | InterfaceBack
"""What `Interface.events` gives."""
