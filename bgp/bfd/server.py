"""The process that runs BFD sessions: `python -m bgp.bfd.server DESCRIPTOR`, started by a `BFDMonitor`.

A session at 100 ms with a multiplier of 3 is lost once its packets, or its look at the clock, are 200 ms late. A thread
of a program that fills a large table waits longer than that for the interpreter lock. Hence this process, which has a
lock of its own, does nothing else, and asks for a high priority. It takes orders from its parent over a socket pair
and reports what happens (orders.py). The same class runs in a thread of the parent if there is to be no process.

It ends when told to, which it lets the peers know (AdminDown), or when its parent is gone, which it does not: then the
sessions go down as they should when the program that needs them is dead. That a program hangs is not seen here: what
it speaks with the peer, such as BGP with its hold time, has to see to that. The signals that a terminal or a service
manager sends to all processes at once are for the parent to act on, so they are ignored here.
"""

import contextlib
import gc
import os
import random
import selectors
import signal
import socket
import sys
import time
from typing import Final

import attrs

from bgp.bfd.events import (
    BFDOutput,
    BFDStateChanged,
    BFDStatistics,
    PacketDiscarded,
    SendPacket,
    SocketFailed,
)
from bgp.bfd.orders import (
    AddSession,
    ChangeSession,
    Close,
    Figures,
    Happened,
    Order,
    RemoveSession,
    Report,
    decode_order,
    encode,
)
from bgp.bfd.packet import Discard
from bgp.bfd.sockets import Listener, Sender
from bgp.bfd.table import BFDTable, Outputs

HOUSEKEEPING: Final = 1.0
"""Seconds between two looks at figures, at ports that were taken, and at whether the parent is alive."""

_NICENESS: Final = -15


@attrs.define(eq=False)
class _Line:
    """What the server keeps of a session."""

    order: AddSession
    sender: Sender
    unheard: str | None = None
    """Why nothing can be received; None: it can."""

    unsent: str | None = None
    """Why nothing can be sent; None: it can."""

    discards: set[Discard] = attrs.field(factory=set)
    """What was told about its packets since its state changed."""

    figures: BFDStatistics | None = None
    """What was told last of how it stands."""

    @property
    def key(self) -> tuple[int, int]:
        """Which of the sockets it receives on: IP version and port."""
        return self.order.path.peer.version, self.order.config.listening_port


class BFDServer:
    """Runs the sessions that it is told of over `control`, a connected stream socket, until that is closed."""

    def __init__(self, control: socket.socket, *, parent: int | None = None) -> None:
        """Take the socket over. `parent`: end if that process is not our parent any more."""
        self._control = control
        self._parent = parent
        self._inbox = b""
        self._outbox = b""
        self._running = True
        self._table = BFDTable(lambda: _random.getrandbits(32), lambda: _random.uniform(0.75, 1.0))
        self._lines: dict[int, _Line] = {}
        self._listeners: dict[tuple[int, int], Listener] = {}
        self._selector = selectors.DefaultSelector()
        control.setblocking(False)
        self._selector.register(control, selectors.EVENT_READ, self._converse)

    def run(self) -> None:
        """Go on until there is nobody to do it for."""
        try:
            housekeeping = time.monotonic() + HOUSEKEEPING
            while self._running:
                due = min(housekeeping, self._table.next_timeout() or housekeeping)
                ready = self._selector.select(max(0.0, due - time.monotonic()))
                # What arrived before this moment is read before it is judged who was silent until this moment.
                now = time.monotonic()
                for key, _ in ready:
                    key.data(now)
                self._perform(self._table.handle_timeout(now), now)
                if now >= housekeeping:
                    housekeeping = now + HOUSEKEEPING
                    self._keep_house(now)
        finally:
            self._release()

    def _release(self) -> None:
        self._selector.close()
        self._control.close()
        for listener in self._listeners.values():
            listener.socket.close()
        for line in self._lines.values():
            line.sender.close()

    # The parent.

    def _converse(self, now: float) -> None:
        """Read orders, and write reports that had to wait."""
        self._flush()
        try:
            data = self._control.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._running = False
            return
        *lines, self._inbox = (self._inbox + data).split(b"\n")
        for line in lines:
            self._obey(decode_order(line), now)

    def _obey(self, order: Order, now: float) -> None:
        match order:
            case AddSession(number, path, config):
                self._lines[number] = line = _Line(order, Sender(path, config))
                self._listen(number, line)
                self._perform(self._table.add(number, path, config, now), now)
            case ChangeSession(number, config):
                self._table.change(number, config)
            case RemoveSession(number):
                self._perform(self._table.remove(number, now), now)
            case Close():
                self._perform(self._table.close(now), now)
                self._running = False

    def _report(self, report: Report) -> None:
        self._outbox += encode(report)
        self._flush()

    def _flush(self) -> None:
        """Write what the parent takes; it may be busy, which must not hold up the sessions."""
        with contextlib.suppress(OSError):  # if it is gone, reading says so
            while self._outbox:
                self._outbox = self._outbox[self._control.send(self._outbox) :]
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self._outbox else 0)
        if self._selector.get_key(self._control).events != wanted:
            self._selector.modify(self._control, wanted, self._converse)

    # The peers.

    def _listen(self, number: int, line: _Line) -> None:
        """See that there is a socket for a session to receive on."""
        if line.key in self._listeners:
            return
        try:
            listener = Listener(*line.key)
        except OSError as error:
            why = f"cannot receive on UDP port {line.key[1]}: {_explain(error)}"
            line.unheard = self._tell_trouble(number, line.unheard, why)
        else:
            self._listeners[line.key] = listener
            self._selector.register(
                listener.socket, selectors.EVENT_READ, lambda now: self._receive(listener, now)
            )

    def _receive(self, listener: Listener, now: float) -> None:
        for arrival in listener.receive():
            self._perform(self._table.receive(arrival, now), now)

    def _perform(self, outputs: Outputs, now: float) -> None:
        for number, output in outputs:
            self._carry_out(number, self._lines[number], output, now)

    def _carry_out(self, number: int, line: _Line, output: BFDOutput, now: float) -> None:
        match output:
            case SendPacket(data):
                try:
                    line.sender.send(data)
                except OSError as error:
                    line.unsent = self._tell_trouble(number, line.unsent, f"cannot send: {_explain(error)}")
                else:
                    line.unsent = None
            case PacketDiscarded(reason):
                # Each reason once, or a peer could keep the parent busy.
                if reason not in line.discards:
                    line.discards.add(reason)
                    self._report(Happened(number, output))
            case BFDStateChanged():
                line.discards.clear()
                self._report(Happened(number, output))
                self._tell_figures(number, line, now)

    # News.

    def _tell_trouble(self, number: int, told: str | None, why: str) -> str:
        if told != why:
            self._report(Happened(number, SocketFailed(why)))
        return why

    def _tell_figures(self, number: int, line: _Line, now: float) -> None:
        figures = self._table.statistics(number, now)
        if figures != line.figures:
            line.figures = figures
            self._report(Figures(number, figures))

    def _keep_house(self, now: float) -> None:
        if self._parent is not None and os.getppid() != self._parent:
            self._running = False
        for number, line in list(self._lines.items()):
            if number not in self._table:
                line.sender.close()
                del self._lines[number]
                continue
            self._listen(number, line)
            if not self._outbox:
                self._tell_figures(number, line, now)
        for key in self._listeners.keys() - {line.key for line in self._lines.values()}:
            listener = self._listeners.pop(key)
            self._selector.unregister(listener.socket)
            listener.socket.close()


_random: Final = random.SystemRandom()


def _explain(error: OSError) -> str:
    return os.strerror(error.errno) if error.errno else str(error)


def raise_priority() -> None:
    """Ask the system to run this process before others; without the privilege it has to do without.

    Real-time scheduling is better than a low niceness where the program has a limit to its processor time (as
    containers have), which does not count for it.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def main() -> None:
    """Run the sessions that the parent asks for over the socket whose descriptor is the only argument."""
    parent = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise_priority()
    gc.freeze()
    BFDServer(socket.socket(fileno=int(sys.argv[1])), parent=parent).run()


if __name__ == "__main__":
    main()
