"""All BFD sessions of a system, without I/O: which packet is whose, and what is due next (RFC 5880 6.3, 6.8.6).

A packet that names our discriminator belongs to that session. The first ones cannot: they go by the addresses and
the interface that they came by, to the session that asks for most of these. A session that is removed stays for the
time that the peer may need to hear of it (6.8.16).

Verbs return outputs, each with the number that the caller has given to its session.
"""

import heapq
from collections.abc import Callable
from ipaddress import IPv6Address

import attrs

from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDOutput, BFDStatistics, SendPacket
from bgp.bfd.packet import your_discriminator
from bgp.bfd.session import BFDSession, no_jitter
from bgp.errors import LocalError
from bgp.values import Address, any_address, is_a, optional_address, quoted

Outputs = list[tuple[int, BFDOutput]]


@attrs.frozen(kw_only=True)
class BFDPath:
    """Where a session leads: `BFDPath(peer="192.0.2.2")`.

    A zone in a link-local address ("fe80::1%eth0") is its interface.
    """

    peer: Address = attrs.field(converter=any_address, repr=quoted)
    """The address of the peer; without a zone, which becomes `interface`."""

    local_address: Address | None = attrs.field(default=None, converter=optional_address, repr=quoted)
    """The address of ours to send from and to receive at, without a zone too; None: any."""

    interface: str | None = attrs.field(default=None, validator=is_a(str | None))
    """The interface to send by and to receive on; None: any."""

    def __attrs_post_init__(self) -> None:
        if self.local_address is not None and self.local_address.version != self.peer.version:
            raise LocalError(f"local_address {self.local_address}, must be of the IP version of {self.peer}")
        for name, address in (("peer", self.peer), ("local_address", self.local_address)):
            if isinstance(address, IPv6Address) and address.scope_id is not None:
                if self.interface not in (None, address.scope_id):
                    raise LocalError(f"interface {self.interface!r}, must be the zone of {address}")
                object.__setattr__(self, name, IPv6Address(address.packed))
                object.__setattr__(self, "interface", address.scope_id)
        if self.peer.version == 6 and self.peer.is_link_local and self.interface is None:
            raise LocalError(f"peer {self.peer} without a zone, must be such as {self.peer}%eth0")

    def __str__(self) -> str:
        return f"{self.peer}%{self.interface}" if self.interface else str(self.peer)


@attrs.frozen(kw_only=True)
class Arrival:
    """A datagram, and how it came."""

    data: bytes
    """Its payload."""

    peer: Address
    """Its source."""

    local_address: Address | None = None
    """Its destination."""

    interface: str | None = None
    """The interface that it came by."""

    port: int
    """The port that it came to."""

    ttl: int
    """Its TTL or hop limit."""


@attrs.define(eq=False)
class _Entry:
    path: BFDPath
    session: BFDSession
    forget_at: float | None = None
    """When a session that has been removed is to be forgotten."""

    def fits(self, arrival: Arrival) -> int | None:
        """How much of what the session asks for is so of a packet; None: something is not."""
        path, asked = self.path, 0
        for wanted, found in (
            (path.local_address, arrival.local_address),
            (path.interface, arrival.interface),
        ):
            if wanted is not None and wanted != found:
                return None
            asked += wanted is not None
        listens = self.session.config.listening_port == arrival.port
        return asked if listens and path.peer == arrival.peer and self.forget_at is None else None

    def next_timeout(self) -> float | None:
        moments = (self.forget_at, self.session.next_timeout())
        return min((moment for moment in moments if moment is not None), default=None)


class BFDTable:
    """Sessions by number; the caller chooses the numbers.

    `random32` returns integers of 32 random bits: discriminators and sequence numbers; `jitter` is for `BFDSession`.
    """

    def __init__(self, random32: Callable[[], int], jitter: Callable[[], float] = no_jitter) -> None:
        self._random32 = random32
        self._jitter = jitter
        self._entries: dict[int, _Entry] = {}
        self._by_discriminator: dict[int, int] = {}
        self._by_peer: dict[Address, list[int]] = {}
        self._heap: list[tuple[float, int]] = []
        self._planned: dict[int, float] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._entries

    def add(self, number: int, path: BFDPath, config: BFDConfig, now: float) -> Outputs:
        """Begin a session; raise `LocalError` if there is one by that number, or to that peer on the same path."""
        if number in self._entries:
            raise LocalError(f"there is a session {number} already")
        for other in list(self._by_peer.get(path.peer, ())):
            entry = self._entries[other]
            if entry.path == path and entry.session.config.listening_port == config.listening_port:
                if entry.forget_at is None:
                    raise LocalError(f"there is a session to {path} already")
                # Two sessions to a peer that knows of one, the farewell of the other among them, would confuse it.
                self._forget(other)
        session = BFDSession(
            config, discriminator=self._new_discriminator(), jitter=self._jitter, sequence=self._random32()
        )
        self._entries[number] = _Entry(path, session)
        self._by_discriminator[session.discriminator] = number
        self._by_peer.setdefault(path.peer, []).append(number)
        return self._tagged(number, session.start(now))

    def change(self, number: int, config: BFDConfig) -> None:
        """Give a session another configuration; see `BFDSession.change`."""
        self._entries[number].session.change(config)
        self._plan(number)

    def remove(self, number: int, now: float) -> Outputs:
        """Disable a session and forget it once the peer has had the time to hear of it."""
        entry = self._entries[number]
        outputs = entry.session.stop(now)
        figures = entry.session.statistics(now)
        patience = entry.session.config.multiplier * (figures.transmit_interval or 0.0)
        entry.forget_at = now + (patience if figures.remote_discriminator else 0.0)
        return self._tagged(number, outputs)

    def close(self, now: float) -> Outputs:
        """Disable all sessions and forget them; the peers hear of it once."""
        numbers = list(self._entries)
        outputs = [output for number in numbers for output in self.remove(number, now)]
        for number in numbers:
            self._forget(number)
        return outputs

    def statistics(self, number: int, now: float) -> BFDStatistics:
        """How a session stands."""
        return self._entries[number].session.statistics(now)

    def receive(self, arrival: Arrival, now: float) -> Outputs:
        """Take a datagram; one that is for no session is ignored."""
        number = self._find(arrival)
        if number is None:
            return []
        return self._tagged(
            number, self._entries[number].session.receive_data(arrival.data, now, ttl=arrival.ttl)
        )

    def handle_timeout(self, now: float) -> Outputs:
        """Act on what is due; call it when the time of `next_timeout` has come."""
        outputs: Outputs = []
        while self._heap and self._heap[0][0] <= now:
            moment, number = heapq.heappop(self._heap)
            if self._planned.get(number) != moment:
                continue
            del self._planned[number]
            entry = self._entries[number]
            if entry.forget_at is not None and entry.forget_at <= now:
                self._forget(number)
            else:
                outputs += self._tagged(number, entry.session.handle_timeout(now))
        return outputs

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`, at the latest; None: nothing is due."""
        return self._heap[0][0] if self._heap else None

    def _find(self, arrival: Arrival) -> int | None:
        discriminator = your_discriminator(arrival.data)
        if discriminator:
            number = self._by_discriminator.get(discriminator)
            if number is None:
                return None
            # RFC 5883 5: which port a packet came to tells single hop from multihop.
            return number if self._entries[number].session.config.listening_port == arrival.port else None
        fitting = (
            (fit, number)
            for number in self._by_peer.get(arrival.peer, ())
            if (fit := self._entries[number].fits(arrival)) is not None
        )
        return max(fitting, default=(0, None))[1]

    def _new_discriminator(self) -> int:
        while True:
            discriminator = self._random32()
            if discriminator and discriminator not in self._by_discriminator:
                return discriminator

    def _forget(self, number: int) -> None:
        entry = self._entries.pop(number)
        del self._by_discriminator[entry.session.discriminator]
        self._by_peer[entry.path.peer].remove(number)
        if not self._by_peer[entry.path.peer]:
            del self._by_peer[entry.path.peer]
        self._planned.pop(number, None)

    def _tagged(self, number: int, outputs: list[BFDOutput]) -> Outputs:
        self._plan(number)
        if self._entries[number].forget_at is not None:
            # Nobody is interested in it any more, but the peer.
            return [(number, output) for output in outputs if isinstance(output, SendPacket)]
        return [(number, output) for output in outputs]

    def _plan(self, number: int) -> None:
        """Have `handle_timeout` look at a session in time. One that it looks at too early is planned anew then.

        So a detection time that each packet puts off costs nothing.
        """
        moment = self._entries[number].next_timeout()
        if moment is not None and moment < self._planned.get(number, float("inf")):
            self._planned[number] = moment
            heapq.heappush(self._heap, (moment, number))
