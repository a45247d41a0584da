"""How a responder announces, probes and defends; every figure that the RFCs leave open or that we choose otherwise.

*Announcing.* RFC 5227 sends two announcements two seconds apart, RFC 4861 up to three a second apart. Here they go
out at once and then every 1.1 s for 5 s, as MetalLB does: a take-over whose only two frames are lost leaves clients
without service until their caches expire. The odd interval steps over Linux's `locktime` of 1 s, in which a fresh
neighbour entry resists change. A refresh follows every minute, for the stations that were asleep, rebooting or
partitioned then.

*Probing* is off by default: a virtual address is moved by somebody who knows that it is free, and each moment of
probing is one without service. Where it is wanted, the RFCs' own schedules take 4 to 7 s (RFC 5227 1.1) and 1 s
(RFC 4862 5.1). Two probes 0.1 s apart, and as much to wait for an answer, take 200 ms. That is a deliberate
departure: on a wired segment a station that is awake answers within milliseconds, and one that was missed is seen
by the watch that goes on after.
"""

import enum
import math
from collections.abc import Iterable
from typing import TypeAlias

import attrs

from arp.addresses import station
from arp.errors import LocalError
from arp.ethernet import MACAddress

_Number: TypeAlias = "attrs.Attribute[float]"


class ConflictPolicy(enum.Enum):
    """What to do when another station uses an owned address as its own."""

    DEFEND = "defend"
    """Announce it again, once in each defence interval, and never give it up (RFC 5227 2.4 (c))."""
    YIELD = "yield"
    """Announce it again, but give it up at a second conflict within the defence interval (RFC 5227 2.4 (b))."""
    IGNORE = "ignore"
    """Do nothing but tell; a holder that is found by probing is no obstacle either."""


_SHORTEST, _LONGEST = 0.01, 3600


def _interval(_: object, field: _Number, value: float) -> None:
    if not (math.isfinite(value) and value >= _SHORTEST):
        raise LocalError(f"{field.name} {value!r}, must be {_SHORTEST} s or more")


def _interval_or_never(_: object, field: _Number, value: float) -> None:
    if value != 0 and not (math.isfinite(value) and value >= _SHORTEST):
        raise LocalError(f"{field.name} {value!r}, must be {_SHORTEST} s or more, or 0")


def _duration(_: object, field: _Number, value: float) -> None:
    if not 0 <= value <= _LONGEST:
        raise LocalError(f"{field.name} {value!r}, must be 0 to {_LONGEST} s")


def _rate(_: object, field: "attrs.Attribute[float | None]", value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise LocalError(f"{field.name} {value!r}, must be above 0, or None for no limit")


def _count(_: object, field: "attrs.Attribute[int]", value: int) -> None:
    if not 0 <= value <= 10:
        raise LocalError(f"{field.name} {value!r}, must be 0 to 10")


def _stations(values: Iterable[MACAddress | str]) -> frozenset[MACAddress]:
    return frozenset(map(station, values))


@attrs.frozen(kw_only=True)
class Settings:
    """The figures of a responder; all times are seconds.

    Raises `LocalError`, naming the value and its limit, for one out of range.
    """

    announce_interval: float = attrs.field(default=1.1, validator=_interval)
    """Between the announcements of an address that was taken over; 0.01 or more."""
    announce_duration: float = attrs.field(default=5.0, validator=_duration)
    """How long after the first of them more are sent, 0 to 3600: with the defaults five in all. 0: only the first."""
    refresh_interval: float = attrs.field(default=60.0, validator=_interval_or_never)
    """After these, between the announcements that keep caches fresh; each is drawn from 0.75 to 1 times this, lest
    addresses that arrived together stay together. 0.01 or more, or 0: none."""
    announcements_per_second: float | None = attrs.field(default=None, validator=_rate)
    """At most so many probes, announcements and defences in a second, of all addresses together, evenly spread.
    None: no limit. Answers and farewells are not limited."""
    probe_count: int = attrs.field(default=0, validator=_count)
    """Probes before an address is claimed, 0 to 10. 0: it is claimed at once."""
    probe_interval: float = attrs.field(default=0.1, validator=_interval)
    """Between probes, and from the last one to the claim; 0.01 or more."""
    conflict_policy: ConflictPolicy = ConflictPolicy.DEFEND
    """What to do about another station with an owned address."""
    defend_interval: float = attrs.field(default=10.0, validator=_interval)
    """In which an address is defended once; 0.01 or more. RFC 5227 1.1: DEFEND_INTERVAL."""
    reclaim_interval: float = attrs.field(default=30.0, validator=_interval_or_never)
    """After which a yielded address is probed again, and claimed if nobody answers; drawn from 1 to 1.25 times
    this. 0.01 or more, or 0: never."""
    friends: frozenset[MACAddress] = attrs.field(default=frozenset(), converter=_stations)
    """Stations that may hold our addresses for a moment, such as other responders of the same cluster: what they
    send is no conflict. Raises `AddressError` for what is no station's address."""

    @property
    def announce_count(self) -> int:
        """How many announcements a take-over has in all, the first one among them."""
        # A ratio such as 3.3 / 1.1 is a hair less than whole.
        return 1 + int(self.announce_duration / self.announce_interval + 1e-9)
