"""The claim to one owned address: whether it is held, what comes next and when, and what to do about a conflict.

             probes sent, nobody answered
    PROBING ------------------------------> HELD
      ^   \\                                  |
      |    \\ somebody has it, or wants it    | a second conflict, policy yield
      |     v                                |
      +--- YIELDED <-------------------------+
       after the reclaim interval

A claim begins in PROBING, or at once in HELD where no probes are wanted. A yielded address is always probed before
it is claimed again, by two probes if the settings have none: claiming it on suspicion would make an outage of each
try.

*What a conflict is* (RFC 5227 2.4, 2.1.1; RFC 4862 5.4.3, 5.4.4): while HELD, somebody else's use of the address;
while PROBING, also a probe for it. Whether a frame is one is the responder's to see; what comes of it is settled
here.

*Defence* is one announcement in each defence interval, counted from the last defence and not from the last conflict
as one may read RFC 5227 2.4 (c): against a station that is heard every nine seconds that would be no defence at
all. Policy `yield` gives up at the next conflict within the interval, as (b) has it. But stations like ours
announce with two frames at once, so conflicts within a tenth of a second from the one that was defended against
count as that one.
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.ethernet import MACAddress
from arp.frames import NONCE_LENGTH, Frames
from arp.outputs import Claimed, ClaimState, Conflict, Outcome, Output, SendFrame
from arp.pacing import AT_ONCE, REFRESHED, REPEATED
from arp.settings import ConflictPolicy, Settings

RECLAIM_PROBES = 2
"""How often a yielded address is probed where the settings have no probes."""

_ONE_CONFLICT = 0.1
_STATIONS_TOLD = 16


@attrs.define(eq=False)
class Claim:
    """An owned address, and all that is known about it."""

    address: IPv4Address | IPv6Address
    """The address."""
    frames: Frames
    """What is sent about it, with the MAC address that we have now."""
    interface: str
    """Name of the interface, for events."""
    state: ClaimState = ClaimState.PROBING
    """How far it has come."""
    replies: int = 0
    """Answers given; the responder counts them."""
    gratuitous: int = 0
    """Gratuitous frames sent."""
    probes: int = 0
    """Probes sent."""
    conflicts: int = 0
    """Frames of others in conflict with it."""
    defences: int = 0
    """Conflicts that made us announce it again."""
    _probes_left: int = 0
    _announcements_left: int = 0
    _nonces: frozenset[bytes] = frozenset()  # of the probes since probing began
    _defended: float | None = None  # when it was last defended
    _told: dict[bytes, float] = attrs.field(factory=dict)  # when a conflict with a MAC address was last told

    def begin(self, settings: Settings) -> None:
        """Claim the address: probe for it, or hold it at once. `advance` does the first step."""
        if settings.probe_count:
            self.probe(settings)
        else:
            self.hold(settings)

    def start_over(self, settings: Settings) -> None:
        """Begin anew on a link that has changed: announce a held address again, probe for any other."""
        if self.state is ClaimState.HELD:
            self.hold(settings)
        else:
            self.probe(settings)

    def probe(self, settings: Settings) -> None:
        """Start to probe for the address, from wherever the claim stands."""
        self.state = ClaimState.PROBING
        self._probes_left = settings.probe_count or RECLAIM_PROBES
        self._nonces = frozenset()

    def hold(self, settings: Settings) -> None:
        """Hold the address from now on, and start to announce it."""
        self.state = ClaimState.HELD
        self._announcements_left = settings.announce_count

    def advance(
        self, settings: Settings, random: Callable[[], float], now: float
    ) -> tuple[list[Output], tuple[float, float] | None]:
        """Do what is due: give it, and the deadline and slack of the next step if there is one."""
        outputs: list[Output] = []
        if self.state is ClaimState.YIELDED:
            self.probe(settings)
        if self.state is ClaimState.PROBING:
            if self._probes_left:
                return [self._next_probe(random)], (now + settings.probe_interval, AT_ONCE)
            self.hold(settings)
            outputs.append(Claimed(address=self.address, interface=self.interface))
        announcement = self.frames.gratuitous(self.frames.mac)
        self.gratuitous += len(announcement)
        self._announcements_left = max(0, self._announcements_left - 1)
        if self._announcements_left:
            deadline: tuple[float, float] | None = (now + settings.announce_interval, REPEATED)
        else:
            deadline = self.refresh(settings, random, now)
        return outputs + [SendFrame(frame) for frame in announcement], deadline

    @property
    def is_settled(self) -> bool:
        """Whether all announcements of the claim were made, and only refreshes are to come."""
        return self.state is ClaimState.HELD and not self._announcements_left

    def refresh(
        self, settings: Settings, random: Callable[[], float], now: float
    ) -> tuple[float, float] | None:
        """Give the deadline and slack of the next refresh, if there is to be one."""
        if not settings.refresh_interval:
            return None
        return now + settings.refresh_interval * (0.75 + 0.25 * random()), REFRESHED

    def reclaim(
        self, settings: Settings, random: Callable[[], float], now: float
    ) -> tuple[float, float] | None:
        """Give the deadline and slack of the next try, if any, to claim an address that was just yielded."""
        if not settings.reclaim_interval:
            return None
        # Two that yielded to each other's probes would do so again if they came back at the same time.
        return now + settings.reclaim_interval * (1 + 0.25 * random()), AT_ONCE

    def is_own_probe(self, nonces: Iterable[bytes]) -> bool:
        """Tell whether a probe with these nonces is ours, sent back to us (RFC 7527 4.2)."""
        return not self._nonces.isdisjoint(nonces)

    def dispute(self, settings: Settings, now: float) -> Outcome | None:
        """Settle what comes of another station's use of the address; None if it was yielded before."""
        self.conflicts += 1
        if self.state is ClaimState.YIELDED:
            return None
        if settings.conflict_policy is ConflictPolicy.IGNORE:
            return Outcome.IGNORED
        if self.state is ClaimState.PROBING:
            self.state = ClaimState.YIELDED
            return Outcome.YIELDED
        if self._defended is None or now - self._defended >= settings.defend_interval:
            self._defended = now
            self.defences += 1
            self._announcements_left += 1
            return Outcome.DEFENDED
        if settings.conflict_policy is ConflictPolicy.YIELD and now - self._defended >= _ONE_CONFLICT:
            self.state = ClaimState.YIELDED
            return Outcome.YIELDED
        return Outcome.TOLERATED

    def report(self, mac: bytes, outcome: Outcome, settings: Settings, now: float) -> list[Output]:
        """Give the event for a conflict with a station, unless one was told less than a defence interval ago."""
        self._told = {
            told: when for told, when in self._told.items() if now - when < settings.defend_interval
        }
        if outcome is not Outcome.YIELDED and (mac in self._told or len(self._told) >= _STATIONS_TOLD):
            return []
        self._told[mac] = now
        return [
            Conflict(address=self.address, mac=MACAddress(mac), interface=self.interface, outcome=outcome)
        ]

    def _next_probe(self, random: Callable[[], float]) -> SendFrame:
        # The MAC address keeps apart the nonces of two stations that draw the same numbers.
        drawn = int(random() * (1 << 48)) ^ int.from_bytes(self.frames.mac.packed, "big")
        nonce = drawn.to_bytes(NONCE_LENGTH, "big")
        self._nonces |= {nonce}
        self._probes_left -= 1
        self.probes += 1
        return SendFrame(self.frames.probe(nonce))
