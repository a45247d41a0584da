"""Two peers on a fake network, with a virtual clock."""

import heapq
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Final

import attrs

from bgp.config import PeerConfig
from bgp.events import Event, Output, SendBytes
from bgp.peer import Peering
from bgp.timers import no_jitter
from bgp.vocabulary import CloseConnection, OpenConnection, State

REFUSED: Final = "Connection refused"
"""What a dialling end is told when the other does not listen."""


@attrs.define(eq=False)
class _Wire:
    """A TCP connection: what each of its ends calls it, by address; an end that has closed it is not there."""

    numbers: dict[str, int]

    arrivals: dict[str, float] = attrs.field(factory=dict, init=False)
    """When the last thing so far gets to each end, by address: nothing overtakes on a connection."""


@attrs.define(eq=False)
class End:
    """One end of a `Link`."""

    peering: Peering
    address: str

    listens: bool = attrs.field(default=True, init=False)
    """Whether the other end can connect to this one."""

    deaf: bool = attrs.field(default=False, init=False)
    """While set, nothing gets here; it waits, as TCP would, until this is unset and `Link.run` goes on."""

    events: list[Event] = attrs.field(factory=list, init=False)
    """All events so far."""

    sent: list[bytes] = attrs.field(factory=list, init=False)
    """All octets sent so far, piece by piece."""

    _wires: dict[int, _Wire] = attrs.field(factory=dict, init=False)
    _held: list[tuple[int, Callable[[], None]]] = attrs.field(factory=list, init=False)

    @property
    def state(self) -> State:
        """Where its session is."""
        return self.peering.state

    @property
    def connections(self) -> int:
        """How many connections it has, those that are being opened included."""
        return len(self._wires)


class Link:
    """Two peers, a fake network and a virtual clock; `left` is at 192.0.2.1, `right` at 192.0.2.2.

    Both dial, unless configured to be passive, and both listen. `latency` is how many seconds anything takes to get
    to the other end, or a function that is called for that each time: then what is on different connections arrives in
    any order. `jitter` is that of both peers.
    """

    def __init__(
        self,
        left: PeerConfig,
        right: PeerConfig,
        *,
        latency: float | Callable[[], float] = 0.001,
        jitter: Callable[[], float] = no_jitter,
    ) -> None:
        self.left = End(Peering(left, jitter), "192.0.2.1")
        self.right = End(Peering(right, jitter), "192.0.2.2")
        self.latency = latency
        self.now = 0.0
        self._order = count()
        self._arrivals: list[tuple[float, int, End, Callable[[], None]]] = []

    @property
    def ends(self) -> tuple[End, End]:
        """Both ends."""
        return self.left, self.right

    @property
    def silent(self) -> bool:
        """While set, nothing gets through in either direction, and neither end is told of anything."""
        return self.left.deaf and self.right.deaf

    @silent.setter
    def silent(self, value: bool) -> None:
        self.left.deaf = self.right.deaf = value

    def start(self) -> None:
        """Start both ends."""
        for end in self.ends:
            self.perform(end, end.peering.start(self.now))

    def cut(self) -> None:
        """Break all connections; both ends notice."""
        for end in self.ends:
            lost = list(end._wires)
            end._wires.clear()
            for number in lost:
                self.perform(end, end.peering.connection_lost(number, self.now))

    def crash(self, end: End) -> None:
        """Let one end lose its memory and start again; the other notices when it sends something."""
        end._wires.clear()
        end.peering = Peering(end.peering.config, end.peering.jitter, restarting=True)
        self.perform(end, end.peering.start(self.now))

    def run(self, seconds: float) -> None:
        """Let so much time pass, with all that happens in it."""
        self.run_until(lambda: False, self.now + seconds)

    def run_until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Let time pass until the condition holds or the clock shows `deadline`; return whether it holds."""
        while not condition():
            self._release()
            moment = self._next_moment()
            if moment is None or moment > deadline:
                self.now = max(self.now, deadline)
                return False
            self.now = max(self.now, moment)
            self._step()
        return True

    def perform(self, end: End, outputs: list[Output]) -> None:
        """Carry out what a verb of one end returned."""
        for output in outputs:
            match output:
                case OpenConnection(number):
                    end._wires[number] = wire = _Wire({end.address: number})
                    self._later(self._other(end), wire, partial(self._arrive, self._other(end), wire))
                case CloseConnection(number):
                    self._close(end, number)
                case SendBytes(data, number):
                    end.sent.append(data)
                    self._send(end, number, data)
                case _:
                    end.events.append(output)

    def _other(self, end: End) -> End:
        return self.right if end is self.left else self.left

    # What becomes of a connection.

    def _arrive(self, end: End, wire: _Wire) -> None:
        dialler = self._other(end)
        if dialler.address not in wire.numbers:
            return
        if not end.listens:
            self._later(dialler, wire, partial(self._refuse, dialler, wire))
            return
        # TCP is up; either end may be the first to look.
        self._later(end, wire, partial(self._accept, end, wire))
        self._later(dialler, wire, partial(self._opened, dialler, wire))

    def _accept(self, end: End, wire: _Wire) -> None:
        addresses = {"local_address": end.address, "remote_address": self._other(end).address}
        number, outputs = end.peering.connection_accepted(self.now, **addresses)
        end._wires[number], wire.numbers[end.address] = wire, number
        self.perform(end, outputs)

    def _opened(self, end: End, wire: _Wire) -> None:
        number = self._number(end, wire)
        if number is not None:
            addresses = {"local_address": end.address, "remote_address": self._other(end).address}
            self.perform(end, end.peering.connection_opened(number, self.now, **addresses))

    def _refuse(self, end: End, wire: _Wire) -> None:
        number = self._number(end, wire)
        if number is not None:
            del end._wires[number]
            self.perform(end, end.peering.connection_failed(number, self.now, REFUSED))

    def _close(self, end: End, number: int) -> None:
        wire = end._wires.pop(number, None)
        if wire is not None:
            del wire.numbers[end.address]
            self._later(self._other(end), wire, partial(self._lose, self._other(end), wire))

    def _lose(self, end: End, wire: _Wire) -> None:
        number = self._number(end, wire)
        if number is not None:
            del end._wires[number]
            self.perform(end, end.peering.connection_lost(number, self.now))

    def _send(self, end: End, number: int, data: bytes) -> None:
        wire = end._wires.get(number)
        if wire is not None:
            self._later(self._other(end), wire, partial(self._receive, self._other(end), wire, data))

    def _receive(self, end: End, wire: _Wire, data: bytes) -> None:
        sender, number = self._other(end), self._number(end, wire)
        if number is None:
            if end.address in wire.numbers:
                # It crashed, and its kernel knows of no such connection.
                self._later(sender, wire, partial(self._lose, sender, wire))
            return
        taken = self._number(sender, wire)
        if taken is not None:
            sender.peering.data_sent(taken, self.now)
        self.perform(end, end.peering.receive_data(number, data, self.now))

    @staticmethod
    def _number(end: End, wire: _Wire) -> int | None:
        """What an end calls a connection; None if it has none such any more."""
        number = wire.numbers.get(end.address)
        return number if number is not None and end._wires.get(number) is wire else None

    # Time.

    def _later(self, end: End, wire: _Wire, action: Callable[[], None]) -> None:
        latency = self.latency() if callable(self.latency) else self.latency
        moment = max(self.now + latency, wire.arrivals.get(end.address, 0.0))
        wire.arrivals[end.address] = moment
        heapq.heappush(self._arrivals, (moment, next(self._order), end, action))

    def _release(self) -> None:
        """Let what had to wait arrive now, in its order."""
        for end in self.ends:
            while end._held and not end.deaf:
                order, action = end._held.pop()
                heapq.heappush(self._arrivals, (self.now, order, end, action))

    def _next_moment(self) -> float | None:
        moments = [end.peering.next_timeout() for end in self.ends]
        if self._arrivals:
            moments.append(self._arrivals[0][0])
        return min((moment for moment in moments if moment is not None), default=None)

    def _step(self) -> None:
        while self._arrivals and self._arrivals[0][0] <= self.now:
            _, order, end, action = heapq.heappop(self._arrivals)
            if end.deaf:
                end._held.append((order, action))
            else:
                action()
        for end in self.ends:
            self.perform(end, end.peering.handle_timeout(self.now))
