"""Two sessions on a fake wire, with a virtual clock."""

import heapq
from collections.abc import Callable
from functools import partial
from itertools import count

import attrs

from bgp.config import PeerConfig
from bgp.events import Event, Output, SendBytes
from bgp.fsm import CloseConnection, OpenConnection
from bgp.session import Session


@attrs.define(eq=False)
class End:
    """One end of a `Link`."""

    session: Session
    address: str
    events: list[Event] = attrs.field(factory=list, init=False)
    """All events of the session so far."""

    sent: list[bytes] = attrs.field(factory=list, init=False)
    """All that the session sent so far, piece by piece."""

    wants_connection: bool = attrs.field(default=False, init=False)
    """The session has asked for a connection and not got it yet."""


class Link:
    """Two sessions, a fake wire and a virtual clock; `left` is at 192.0.2.1, `right` at 192.0.2.2.

    A connection comes up as soon as both sessions want one. `latency` is how many seconds octets take.
    """

    def __init__(self, left: PeerConfig, right: PeerConfig, *, latency: float = 0.001) -> None:
        self.left = End(Session(left), "192.0.2.1")
        self.right = End(Session(right), "192.0.2.2")
        self.latency = latency
        self.now = 0.0
        self.connected = False
        self.silent = False
        """While set, octets vanish on the way, and neither side is told of anything."""
        self._order = count()
        self._deliveries: list[tuple[float, int, Callable[[], None]]] = []
        self._connections = 0

    def start(self) -> None:
        """Start both sessions."""
        for end in (self.left, self.right):
            self.perform(end, end.session.start(self.now))

    def cut(self) -> None:
        """Break the connection; both sides notice."""
        self.connected = False
        for end in (self.left, self.right):
            self.perform(end, end.session.connection_lost(self.now))

    def run(self, seconds: float) -> None:
        """Let so much time pass, with all that happens in it."""
        self.run_until(lambda: False, self.now + seconds)

    def run_until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Let time pass until the condition holds or the clock shows `deadline`; return whether it holds."""
        while not condition():
            moment = self._next_moment()
            if moment is None or moment > deadline:
                self.now = max(self.now, deadline)
                return False
            self.now = max(self.now, moment)
            self._step()
        return True

    def perform(self, end: End, outputs: list[Output]) -> None:
        """Carry out what one of the sessions returned from a verb."""
        for output in outputs:
            match output:
                case OpenConnection():
                    end.wants_connection = True
                    self._connect()
                case CloseConnection():
                    end.wants_connection = False
                    self._close(end)
                case SendBytes(data):
                    end.sent.append(data)
                    self._send(end, data)
                case _:
                    end.events.append(output)

    def _other(self, end: End) -> End:
        return self.right if end is self.left else self.left

    def _connect(self) -> None:
        if not (self.left.wants_connection and self.right.wants_connection):
            return
        self.connected = True
        self._connections += 1
        for end in (self.left, self.right):
            end.wants_connection = False
            self._later(partial(self._open, end))

    def _open(self, end: End) -> None:
        other = self._other(end)
        outputs = end.session.connection_opened(
            self.now, local_address=end.address, remote_address=other.address
        )
        self.perform(end, outputs)

    def _close(self, end: End) -> None:
        if self.connected:
            self.connected = False
            other = self._other(end)
            self._tell(other, lambda: other.session.connection_lost(self.now))

    def _send(self, end: End, data: bytes) -> None:
        other = self._other(end)
        self._tell(other, lambda: other.session.receive_data(data, self.now))

    def _tell(self, end: End, verb: Callable[[], list[Output]]) -> None:
        """Let an end hear something over the present connection, if it gets through and still stands then."""
        connection = self._connections

        def hear() -> None:
            if connection == self._connections:
                self.perform(end, verb())

        if not self.silent:
            self._later(hear)

    def _later(self, action: Callable[[], None]) -> None:
        heapq.heappush(self._deliveries, (self.now + self.latency, next(self._order), action))

    def _next_moment(self) -> float | None:
        moments = [end.session.next_timeout() for end in (self.left, self.right)]
        if self._deliveries:
            moments.append(self._deliveries[0][0])
        return min((moment for moment in moments if moment is not None), default=None)

    def _step(self) -> None:
        while self._deliveries and self._deliveries[0][0] <= self.now:
            heapq.heappop(self._deliveries)[2]()
        for end in (self.left, self.right):
            self.perform(end, end.session.handle_timeout(self.now))
