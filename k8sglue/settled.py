"""What the allocator answers."""

import enum

import attrs

from k8sglue.config import IPAddress
from k8sglue.refusals import Refusal


class Change(enum.Enum):
    """What settling a Service did to its addresses."""

    NONE = enum.auto()
    """It has what its status says, if anything."""
    ASSIGNED = enum.auto()
    """It has other addresses than its status says."""
    CLEARED = enum.auto()
    """It lost its addresses, and there are no others for it."""


@attrs.frozen(kw_only=True)
class Settled:
    """What a Service's status should say."""

    addresses: tuple[IPAddress, ...] = ()
    """One, or one of each family: IPv4, then IPv6."""
    pool: str = ""
    """The pool that they are from; empty if there are none, or they are held while their pool is set aside."""
    change: Change = Change.NONE
    refusal: Refusal | None = None
    """Why there is no address, or why a wish was not met."""
    detail: str = ""
    """The value that the refusal is about."""
    warnings: tuple[str, ...] = ()
    """Deprecated annotations of the Service, each in a sentence."""


@attrs.frozen(kw_only=True)
class PoolCounters:
    """How many addresses of a pool are in use, and how many are left."""

    assigned_ipv4: int = 0
    """In use by Services; one that several share counts once."""
    assigned_ipv6: int = 0
    available_ipv4: int = 0
    """Not in use, and may be given to a Service, if only on request: reserved and resting ones count."""
    available_ipv6: int = 0
