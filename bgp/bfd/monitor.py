"""BFD on asyncio: watches peers, alone or for BGP.

    async with BFDMonitor() as monitor:
        session = monitor.add("192.0.2.2", BFDConfig(transmit_interval=0.1, receive_interval=0.1))
        await session.wait_up()
        async for event in session.events():
            ...

The sessions themselves run in a process of their own (server.py says why), which the monitor starts, talks to and
starts again if it dies. Here is only what the application sees of them: reports, a few milliseconds old, and figures
that are at most a second old. One event loop per monitor; call everything from within it.
"""

import asyncio
import itertools
import logging
import socket
import weakref
from types import TracebackType
from typing import Final, Self

from bgp.bfd.channel import Channel, ServerProcess, ServerThread
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDEvent, BFDStateChanged, BFDStatistics, PacketDiscarded, SocketFailed
from bgp.bfd.fsm import Reason
from bgp.bfd.orders import (
    AddSession,
    ChangeSession,
    Close,
    Figures,
    Happened,
    Order,
    RemoveSession,
    Report,
)
from bgp.bfd.packet import BFDState, Diagnostic
from bgp.bfd.table import BFDPath
from bgp.errors import LocalError
from bgp.stream import LIMIT, EventStream
from bgp.values import Address, check_kind

__all__ = ["BFDMonitor", "MonitoredSession"]

_log = logging.getLogger("bgp.bfd")

CLOSING_TIME: Final = 2.0
"""Seconds that the process has to say goodbye to the peers."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 10.0


class BFDMonitor:
    """Runs BFD sessions. An async context manager; `close` does what leaving it does.

    The process is started with the first session. `process=False`: a thread instead, for a program that leaves the
    interpreter idle most of the time, or whose intervals are of several seconds.
    """

    def __init__(self, *, process: bool = True) -> None:
        self._use_process = process
        self._sessions: dict[int, MonitoredSession] = {}
        self._numbers = itertools.count(1)
        self._channel: Channel | None = None
        self._runner: ServerProcess | ServerThread | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def sessions(self) -> list["MonitoredSession"]:
        """The sessions, in the order in which they were added."""
        return list(self._sessions.values())

    @property
    def process_id(self) -> int | None:
        """The process that runs the sessions; None: there is none at the moment, or a thread does."""
        return None if self._runner is None else self._runner.process_id

    def add(
        self,
        peer: str | Address,
        config: BFDConfig | None = None,
        *,
        local_address: str | Address | None = None,
        interface: str | None = None,
    ) -> "MonitoredSession":
        """Begin a session with a peer; without `config`, with the defaults of `BFDConfig`.

        `local_address` is the address of ours to use, `interface` the one to send and receive by; the zone of a
        link-local address ("fe80::1%eth0") is one too. Raises `LocalError` for what cannot be, such as a second session
        with the same peer on the same path. Call it in a running event loop.
        """
        if self._closed:
            raise LocalError("the monitor is closed")
        path = BFDPath(peer=peer, local_address=local_address, interface=interface)
        config = BFDConfig() if config is None else config
        check_kind("config", config, BFDConfig)
        for other in self._sessions.values():
            if other.path == path and other.config.listening_port == config.listening_port:
                raise LocalError(f"there is a session to {path} already")
        session = MonitoredSession(self, next(self._numbers), path, config)
        self._sessions[session.number] = session
        self._order(AddSession(session.number, path, config))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._supervise())
        return session

    async def close(self) -> None:
        """Disable all sessions, so that their peers know it is no failure, and end the process; takes 2 s at most."""
        if self._closed:
            return
        self._closed = True
        for session in self.sessions:
            session.remove()
        if self._task is not None:
            if self._channel is not None:
                self._order(Close())
                await asyncio.wait([self._task], timeout=CLOSING_TIME)
            self._task.cancel()
            await asyncio.wait([self._task])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def _order(self, order: Order) -> None:
        if self._channel is not None:
            self._channel.send(order)

    def _forget(self, session: "MonitoredSession") -> None:
        self._sessions.pop(session.number, None)
        self._order(RemoveSession(session.number))

    # The process.

    async def _supervise(self) -> None:
        loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
        while True:
            begun = loop.time()
            try:
                why = await self._serve()
            except OSError as error:
                why = f"it does not start: {error}"
            if self._closed:
                return
            _log.error("BFD: what runs the sessions has failed: %s; it is started again", why)
            for session in self.sessions:
                session._fail()
            pause = _FIRST_PAUSE if loop.time() - begun > _LONGEST_PAUSE else pause
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _serve(self) -> str:
        """Start the process and talk to it until it ends; return why it did."""
        ours, theirs = socket.socketpair()
        try:
            self._runner = ServerProcess(theirs) if self._use_process else ServerThread(theirs)
            _, channel = await asyncio.get_running_loop().create_connection(
                lambda: Channel(self._take), sock=ours
            )
        except BaseException:
            ours.close()
            theirs.close()
            raise
        try:
            self._channel = channel
            for session in self.sessions:
                channel.send(AddSession(session.number, session.path, session.config))
            await channel.wait_closed()
            return await self._runner.wait_ended()
        finally:
            self._channel = None
            channel.close()
            self._runner.kill()
            self._runner = None

    def _take(self, report: Report) -> None:
        session = self._sessions.get(report.number)
        if session is None:  # removed meanwhile
            return
        match report:
            case Happened(_, event):
                session._happened(event)
            case Figures(_, statistics):
                session._statistics = statistics


class MonitoredSession:
    """A session of a monitor; `BFDMonitor.add` makes it."""

    def __init__(self, monitor: BFDMonitor, number: int, path: BFDPath, config: BFDConfig) -> None:
        self._monitor = monitor
        self.number = number
        """What its monitor calls it."""
        self.path = path
        """Where it leads."""
        self._config = config
        self._state = BFDState.DOWN
        self._statistics = BFDStatistics()
        self._last_change: BFDStateChanged | None = None
        self._last_trouble: str | None = None
        self._removed = False
        self._waiters: list[asyncio.Future[None]] = []
        self._streams: weakref.WeakSet[EventStream[BFDEvent]] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"<MonitoredSession {self}, {self.state.text}>"

    def __str__(self) -> str:
        return str(self.path)

    @property
    def config(self) -> BFDConfig:
        """What is wanted of it."""
        return self._config

    @property
    def state(self) -> BFDState:
        """Where it is."""
        return self._state

    @property
    def last_change(self) -> BFDStateChanged | None:
        """How it came to its state; None: it has been there from the beginning."""
        return self._last_change

    @property
    def last_trouble(self) -> str | None:
        """What was wrong last since its state changed, with its sockets or with the peer's packets."""
        return self._last_trouble

    def statistics(self) -> BFDStatistics:
        """What it has done so far, and how it stood at its last change or within the last second."""
        return self._statistics

    async def wait_up(self) -> None:
        """Wait until it is up; raise `LocalError` if it is removed meanwhile.

        There is no limit: put `asyncio.timeout` around it.
        """
        while self._state is not BFDState.UP:
            if self._removed:
                raise LocalError(f"the BFD session to {self} has been removed")
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter

    def events(self, limit: int = LIMIT) -> EventStream[BFDEvent]:
        """Return an async iterator over what happens from now on; it ends when the session is removed.

        Up to `limit` events wait for you; then `EventsLost` stands for those that did not. An iterator that nobody
        holds any more costs nothing.
        """
        stream = EventStream[BFDEvent](limit)
        if self._removed:
            stream.close()
        self._streams.add(stream)
        return stream

    def change(self, config: BFDConfig) -> None:
        """Take another configuration without losing the session; see `BFDSession.change`.

        Raises `LocalError` for other ports, and for a change between single hop and multihop: that is another session.
        """
        check_kind("config", config, BFDConfig)
        ports = {(each.destination_port, each.listening_port) for each in (config, self._config)}
        if len(ports) > 1 or config.multihop is not self._config.multihop:
            raise LocalError(f"other ports for the session to {self}, which need another session")
        self._config = config
        self._monitor._order(ChangeSession(self.number, config))

    def remove(self) -> None:
        """Disable it, so that the peer knows it is no failure, and forget it."""
        if not self._removed:
            self._removed = True
            self._monitor._forget(self)
            if self._state is not BFDState.ADMIN_DOWN:
                self._happened(
                    BFDStateChanged(
                        old=self._state,
                        new=BFDState.ADMIN_DOWN,
                        reason=Reason.DISABLED,
                        diagnostic=Diagnostic.ADMINISTRATIVELY_DOWN,
                    )
                )
            for stream in self._streams:
                stream.close()
            self._wake()

    # What the process says.

    def _fail(self) -> None:
        if self._state is not BFDState.DOWN:
            self._happened(BFDStateChanged(old=self._state, new=BFDState.DOWN, reason=Reason.MONITOR_FAILED))
        self._statistics = BFDStatistics(reason=Reason.MONITOR_FAILED)

    def _happened(self, event: BFDEvent) -> None:
        match event:
            case BFDStateChanged(old=old, new=new, reason=reason):
                self._state, self._last_change, self._last_trouble = new, event, None
                _log.info("BFD %s: %s -> %s: %s", self, old.text, new.text, reason.value)
                self._wake()
            case PacketDiscarded(reason):
                self._last_trouble = f"a packet was discarded: {reason.value}"
                _log.warning("BFD %s: %s", self, self._last_trouble)
            case SocketFailed(why):
                self._last_trouble = why
                _log.warning("BFD %s: %s", self, why)
        for stream in self._streams:
            stream.put(event)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()
