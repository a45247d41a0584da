"""Answers for a set of addresses that no interface holds, announces and defends them; one responder per interface.

It does no input or output and reads no clock: frames and the time go in, frames to send and events come out, and
`next_timeout` says when to call `handle_timeout`. `arp.interface` carries that out on a real interface; a test
moves a variable.

Here the parts meet. What a frame means is in `arp.reading`, what to say in `arp.frames`, how a claim goes on in
`arp.claim`, which claim is next in `arp.pacing`, and all figures are in `arp.settings`.

An answer was prepared when its address was added, but for the asker's addresses. Whatever is not answered has a
`Reason`, and each is counted.

*A question that comes again* is answered without being read again: neighbours repeat theirs for as long as they have
traffic for us, octet by octet the same, and hardly anything else gets through the filter. What the answer
to the same octets depends on is the set of owned addresses, our MAC address and the link, with any of which all that
is remembered is forgotten; and the state of the claim, which is looked at.
"""

from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.addresses import host_address, station
from arp.claim import Claim
from arp.errors import AddressError
from arp.ethernet import MACAddress
from arp.frames import frames_about
from arp.ipv6 import solicited_node_group
from arp.outputs import ClaimState, Ignored, Outcome, Output, Reason, SendFrame, Statistics
from arp.pacing import AT_ONCE, Schedule
from arp.reading import Question, Use, read
from arp.settings import Settings

_IGNORED = {reason: Ignored(reason) for reason in Reason}
_MOST_REMEMBERED = 1024  # questions; half a megabyte
_LONGEST_REMEMBERED = 128  # octets; of a question with common options and padding


def _always_half() -> float:
    return 0.5


@attrs.define(eq=False, kw_only=True)
class Responder:
    """The owned addresses of one interface, and what to send for them.

    Every verb takes `now`, seconds of any monotonic clock, and returns what to do in the order to do it. Carry it
    out, then ask `next_timeout`. Raises `AddressError` when `mac` is not the address of a single station.
    """

    mac: MACAddress = attrs.field(converter=station, on_setattr=attrs.setters.frozen)
    """The hardware address that is given as the answer, and that frames are sent from; see `change_mac`."""
    interface: str = attrs.field(default="", on_setattr=attrs.setters.frozen)
    """Name of the interface, which events carry."""
    settings: Settings = attrs.field(factory=Settings, on_setattr=attrs.setters.frozen)
    """How to announce, probe and defend; see `change_settings`."""
    random: Callable[[], float] = attrs.field(default=_always_half, repr=False)
    """Gives numbers from 0 to below 1, for jitter and nonces; such as `random.random`. The default gives 0.5."""
    _claims: dict[bytes, Claim] = attrs.field(init=False, factory=dict, repr=False)  # by packed address
    _schedule: Schedule = attrs.field(init=False, factory=Schedule, repr=False)
    _down: bool = attrs.field(init=False, default=False, repr=False)
    _answered: dict[bytes, tuple[Claim, SendFrame]] = attrs.field(init=False, factory=dict, repr=False)
    _ignored: dict[Reason, int] = attrs.field(
        init=False, factory=lambda: dict.fromkeys(Reason, 0), repr=False
    )

    def __attrs_post_init__(self) -> None:
        """Hand the limit on."""
        self._schedule.limit = self.settings.announcements_per_second

    @property
    def addresses(self) -> frozenset[IPv4Address | IPv6Address]:
        """The owned addresses, whatever the state of their claims."""
        return frozenset(claim.address for claim in self._claims.values())

    @property
    def claims(self) -> Mapping[IPv4Address | IPv6Address, ClaimState]:
        """The state of the claim to each owned address."""
        return {claim.address: claim.state for claim in self._claims.values()}

    @property
    def groups(self) -> frozenset[IPv6Address]:
        """The multicast groups in which the owned IPv6 addresses are asked for, to be joined on the interface."""
        return frozenset(
            solicited_node_group(address) for address in self.addresses if isinstance(address, IPv6Address)
        )

    @property
    def statistics(self) -> Statistics:
        """What has been counted until now."""
        claims = self._claims.values()
        return Statistics(
            ignored=dict(self._ignored),
            replies={claim.address: claim.replies for claim in claims},
            gratuitous={claim.address: claim.gratuitous for claim in claims},
            probes={claim.address: claim.probes for claim in claims},
            conflicts={claim.address: claim.conflicts for claim in claims},
            defences={claim.address: claim.defences for claim in claims},
        )

    def add(self, address: IPv4Address | IPv6Address | str, now: float) -> list[Output]:
        """Own an address: answer for it and announce it, after probing if so set. Nothing happens if it is owned.

        Raises `AddressError`, without any change, for what no host on the segment can own.
        """
        self._own(host_address(address), now)
        return self.handle_timeout(now)

    def remove(
        self,
        address: IPv4Address | IPv6Address | str,
        now: float,
        successor: MACAddress | str | None = None,
    ) -> list[Output]:
        """Disown an address: fall silent about it. Nothing happens if it is not owned.

        With the MAC address of a successor, a held address is announced once more, as the successor's. Raises
        `AddressError` as `add` does, and for a successor that is no other station.
        """
        key = host_address(address).packed
        heir = None if successor is None else station(successor)
        if heir == self.mac:
            raise AddressError(f"{heir} is our own MAC address, and no successor's")
        self._schedule.cancel(key)
        self._answered.clear()
        claim = self._claims.pop(key, None)
        if claim is None or heir is None or claim.state is not ClaimState.HELD or self._down:
            return []
        return [SendFrame(frame) for frame in claim.frames.gratuitous(heir)]

    def replace(self, addresses: Iterable[IPv4Address | IPv6Address | str], now: float) -> list[Output]:
        """Own exactly these addresses: remove what is missing here, then add what is new; leave the rest alone.

        Raises as `add` does, and then nothing has changed.
        """
        wanted = {address.packed: address for address in map(host_address, addresses)}
        for key in self._claims.keys() - wanted.keys():
            self._schedule.cancel(key)
            self._answered.clear()
            del self._claims[key]
        for address in wanted.values():
            self._own(address, now)
        return self.handle_timeout(now)

    def receive_frame(self, frame: bytes, now: float) -> list[Output]:
        """Judge a frame from the wire, any octets at all: give the answer to send, or the reason for silence.

        What else comes of a conflict stands behind its reason. Never raises for what a frame contains.
        """
        remembered = self._answered.get(frame)
        if remembered is not None:
            claim, answer = remembered
            if claim.state is ClaimState.HELD:
                claim.replies += 1
                return [answer]
        reading = read(frame, self.mac.packed, self._claims)
        if isinstance(reading, Reason):
            return self._ignore(reading)
        if self._down:
            return self._ignore(Reason.LINK_DOWN)
        if isinstance(reading, Use):
            return self._dispute(reading.key, reading.mac, now)
        return self._answer(frame, reading, now)

    def next_timeout(self) -> float | None:
        """Tell when to call `handle_timeout` next, on the clock of `now`; None if there is nothing to wait for."""
        return self._schedule.next_timeout()

    def handle_timeout(self, now: float) -> list[Output]:
        """Give the announcements and probes that are due; none if called early."""
        outputs: list[Output] = []
        while (key := self._schedule.take(now)) is not None:
            due, deadline = self._claims[key].advance(self.settings, self.random, now)
            outputs += due
            self._set_deadline(key, deadline)
        return outputs

    def change_mac(self, mac: MACAddress | str, now: float) -> list[Output]:
        """Answer with another MAC address from now on, and announce it as after a take-over; probing starts over.

        Nothing happens if it is the same. Raises `AddressError` when it is not the address of a single station.
        """
        new = station(mac)
        if new == self.mac:
            return []
        object.__setattr__(self, "mac", new)
        self._answered.clear()
        for claim in self._claims.values():
            claim.frames = frames_about(claim.address, new)
        return self._start_over(now)

    def link_down(self, now: float) -> list[Output]:
        """Send nothing until `link_up`. Addresses can be added and removed meanwhile."""
        self._down = True
        self._answered.clear()
        self._schedule.clear()
        return []

    def link_up(self, now: float) -> list[Output]:
        """Announce every held address as after a take-over, and probe for the others; nothing if it was not down."""
        if not self._down:
            return []
        self._down = False
        return self._start_over(now)

    def notify_peers(self, now: float) -> list[Output]:
        """Announce every held address as after a take-over, since the way to us has changed, as in a bond."""
        if self._down:
            return []
        for key, claim in self._claims.items():
            if claim.state is ClaimState.HELD:
                claim.hold(self.settings)
                self._schedule.expedite(key, now)
        return self.handle_timeout(now)

    def change_settings(self, settings: Settings, now: float) -> list[Output]:
        """Go on with other settings.

        Announcements and probes that have begun go on, at the new pace. A yielded address is probed again at once
        if the policy, the friends or the interval to reclaim it have changed.
        """
        old = self.settings
        object.__setattr__(self, "settings", settings)
        self._schedule.limit = settings.announcements_per_second
        if self._down:
            return []
        refreshed = settings.refresh_interval != old.refresh_interval
        reclaimed = _on_yielding(settings) != _on_yielding(old)
        for key, claim in self._claims.items():
            if claim.is_settled and refreshed:
                self._set_deadline(key, claim.refresh(settings, self.random, now))
            elif claim.state is ClaimState.YIELDED and reclaimed:
                self._schedule.set(key, now, AT_ONCE)
        return self.handle_timeout(now)

    def _own(self, address: IPv4Address | IPv6Address, now: float) -> None:
        key = address.packed
        if key in self._claims:
            return
        claim = Claim(address=address, frames=frames_about(address, self.mac), interface=self.interface)
        claim.begin(self.settings)
        self._claims[key] = claim
        self._answered.clear()
        if not self._down:
            self._schedule.set(key, now, AT_ONCE)

    def _start_over(self, now: float) -> list[Output]:
        for key, claim in self._claims.items():
            claim.start_over(self.settings)
            if not self._down:
                self._schedule.set(key, now, AT_ONCE)
        return self.handle_timeout(now)

    def _set_deadline(self, key: bytes, deadline: tuple[float, float] | None) -> None:
        if deadline is None:
            self._schedule.cancel(key)
        else:
            self._schedule.set(key, *deadline)

    def _ignore(self, reason: Reason) -> list[Output]:
        self._ignored[reason] += 1
        return [_IGNORED[reason]]

    def _answer(self, frame: bytes, question: Question, now: float) -> list[Output]:
        key, mac, asker, nonces = question
        claim = self._claims[key]
        if nonces and claim.is_own_probe(nonces):
            return self._ignore(Reason.OWN_FRAME)
        if claim.state is ClaimState.HELD:
            claim.replies += 1
            answer = SendFrame(claim.frames.answer(mac, asker))
            if len(self._answered) >= _MOST_REMEMBERED:
                self._answered.clear()
            if len(frame) <= _LONGEST_REMEMBERED and not nonces:
                self._answered[frame] = claim, answer
            return [answer]
        if claim.state is ClaimState.YIELDED:
            return self._ignore(Reason.YIELDED)
        if any(asker):
            return self._ignore(Reason.PROBING)  # RFC 4862 5.4.3: it resolves the address, and is no rival
        return self._dispute(key, mac, now)

    def _dispute(self, key: bytes, mac: bytes, now: float) -> list[Output]:
        if MACAddress(mac) in self.settings.friends:
            return self._ignore(Reason.FRIEND)
        claim, outputs = self._claims[key], self._ignore(Reason.CONFLICT)
        outcome = claim.dispute(self.settings, now)
        if outcome is None:
            return outputs
        if outcome is Outcome.DEFENDED:
            self._schedule.expedite(key, now)
        elif outcome is Outcome.YIELDED:
            self._set_deadline(key, claim.reclaim(self.settings, self.random, now))
        return outputs + self.handle_timeout(now) + claim.report(mac, outcome, self.settings, now)


def _on_yielding(settings: Settings) -> tuple[object, ...]:
    return settings.conflict_policy, settings.friends, settings.reclaim_interval
