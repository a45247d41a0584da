"""A BMP exporter on asyncio: tells a station what the peers of a speaker say (RFC 7854).

    async with Speaker(...) as speaker, BMPExporter(speaker, "station.example", port=11019):
        ...

It connects, tells of all peers that are up with all their routes, and follows what happens; when the connection is
lost, it comes back after a pause that grows, and begins anew. What is to be told is feed.py's; this file moves it.

A station may be slow. Dumps wait for it: they are made while they are sent. News does not, since it would have to wait
in memory: when more than `max_waiting` octets of it do, or the station takes nothing for `patience` seconds, the
connection is let go, and the next one begins with a dump of how things are then.

A dump is made from what the Adj-RIB-In holds when its turn comes, and what has happened since the peer was found up
follows it. So some of the news may repeat what the dump said already; the station ends with the same routes.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Hashable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Final, Protocol, Self

import attrs

from bgp.bmp.feed import Feed, MonitoredSession, ReceivedRoute
from bgp.events import (
    EndOfRib,
    Established,
    Event,
    FamilyDisabled,
    RefreshEnded,
    RoutesReceived,
    SessionClosed,
    StaleRoutesGone,
)
from bgp.iana import BMPTerminationReason
from bgp.negotiated import Negotiated
from bgp.open import Open
from bgp.prefix import Family
from bgp.stream import EventsLost
from bgp.values import Address, in_range, is_a, seconds

__all__ = ["BMPExporter", "Peer", "Speaker"]

_log = logging.getLogger("bgp")

_LOOK: Final = 1.0
"""Seconds between two looks for peers that were added."""

_FAREWELL: Final = 2.0
"""Seconds that the last words to a station may take."""


class PrefixCounts(Protocol):
    """How many routes of a family there are."""

    @property
    def received(self) -> int:
        """In the Adj-RIB-In."""


class Statistics(Protocol):
    """How a peer is."""

    @property
    def prefixes(self) -> Mapping[Family, PrefixCounts]:
        """How many routes there are, by family."""


class Peer(Hashable, Protocol):
    """What the exporter has to know of a peer; `bgp.speaker.Peer` is one."""

    @property
    def negotiated(self) -> Negotiated | None:
        """What both sides agreed on; None while there is no session."""

    @property
    def opens(self) -> tuple[Open, Open] | None:
        """The OPENs of the session, ours and the peer's; None while there is none."""

    @property
    def endpoints(self) -> tuple[tuple[Address, int], tuple[Address, int]] | None:
        """Address and TCP port of the session, ours and the peer's; None while there is none."""

    def received(self, family: Family, /) -> Sequence[ReceivedRoute]:
        """Its Adj-RIB-In, before the import policy."""

    def statistics(self) -> Statistics:
        """Numbers about it."""

    def events(self) -> AsyncIterator[Event | EventsLost]:
        """What happens from now on; ends when the peer is removed."""


class Speaker(Protocol):
    """What the exporter has to know of a speaker."""

    @property
    def peers(self) -> Sequence[Peer]:
        """Its peers."""


class _Lost(Exception):  # noqa: N818  not an error: it comes back
    """The connection is of no use any more."""


@attrs.define(eq=False)
class _Outbox:
    """What the station is to be told, in order: octets, and dumps, which make theirs when it is their turn."""

    _limit: int
    _items: deque[bytes | Iterator[bytes]] = attrs.field(factory=deque, init=False)
    _waiting: int = attrs.field(default=0, init=False)
    _filled: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)

    def put(self, item: bytes | Iterator[bytes]) -> None:
        """Add octets or a dump; raise `_Lost` if too many octets wait."""
        if isinstance(item, bytes):
            self._waiting += len(item)
            if self._waiting > self._limit:
                raise _Lost(f"more than {self._limit} octets wait to be sent")
        self._items.append(item)
        self._filled.set()

    async def take(self) -> Iterator[bytes]:
        """Wait for an item, and return what yields its octets."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if not isinstance(item, bytes):
            return item
        self._waiting -= len(item)
        return iter((item,))


@attrs.define(eq=False, kw_only=True)
class BMPExporter:
    """Tells one station of the peers of a speaker. An async context manager; leaving it says goodbye."""

    speaker: Speaker = attrs.field(kw_only=False)
    """Whose peers."""

    host: str = attrs.field(kw_only=False, validator=is_a(str))
    """Name or address of the station."""

    port: int = attrs.field(validator=in_range(1, 0xFFFF))
    """Its TCP port."""

    system_name: str = "bgp"
    """What the station is to call us."""

    system_description: str = "bgp speaker in Python"
    """What we are."""

    statistics_interval: float = attrs.field(default=60.0, validator=seconds(1, 86400))
    """Seconds between two reports of how many routes there are."""

    retry: float = attrs.field(default=30.0, validator=seconds(0, 3600))
    """Seconds before the second attempt to connect; each pause is twice the one before (RFC 7854 3.2)."""

    max_retry: float = attrs.field(default=720.0, validator=seconds(0, 86400))
    """The longest pause, in seconds."""

    patience: float = attrs.field(default=60.0, validator=seconds(0, 3600))
    """Seconds for which the station may take nothing although there is something."""

    max_waiting: int = attrs.field(default=16 << 20, validator=in_range(1, 1 << 40))
    """So many octets of news may wait."""

    connected: bool = attrs.field(default=False, init=False)
    """Whether there is a connection to the station."""

    _task: asyncio.Task[None] | None = attrs.field(default=None, init=False)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        pause = self.retry
        while True:
            try:
                async with asyncio.timeout(self.patience):
                    reader, writer = await asyncio.open_connection(self.host, self.port)
            except OSError as error:  # TimeoutError is one
                _log.info("BMP station %s: cannot connect: %s", self.host, str(error) or "no answer")
            else:
                began = time.monotonic()
                await self._serve(reader, writer)
                if time.monotonic() - began > self.max_retry:
                    pause = self.retry
            await asyncio.sleep(pause * random.uniform(0.75, 1.0))
            pause = min(2 * pause, self.max_retry)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Feed a connection until it is lost."""
        _log.info("BMP station %s: connected", self.host)
        self.connected = True
        conversation = _Conversation(self, Feed(), _Outbox(self.max_waiting), writer)
        try:
            await self._hold(conversation, reader)
        except asyncio.CancelledError:
            await conversation.say_goodbye()
            raise
        finally:
            self.connected = False
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _hold(self, conversation: "_Conversation", reader: asyncio.StreamReader) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_listen(reader))
                group.create_task(conversation.speak())
                group.create_task(conversation.follow_peers(group))
                group.create_task(conversation.report())
        except* (_Lost, OSError) as errors:
            _log.info("BMP station %s: connection lost: %s", self.host, errors.exceptions[0])


async def _listen(reader: asyncio.StreamReader) -> None:
    """Wait for the station to go; it has nothing to say (RFC 7854 3.1)."""
    while await reader.read(4096):
        pass
    raise _Lost("closed by the station")


@attrs.define(eq=False)
class _Conversation:
    """One connection with the station."""

    _exporter: BMPExporter
    _feed: Feed
    _outbox: _Outbox
    _writer: asyncio.StreamWriter

    async def speak(self) -> None:
        """Write what there is to say, as fast as the station takes it."""
        self._writer.write(self._feed.begin(self._exporter.system_name, self._exporter.system_description))
        while True:
            for octets in await self._outbox.take():
                self._writer.write(octets)
                try:
                    async with asyncio.timeout(self._exporter.patience):
                        await self._writer.drain()
                except TimeoutError as error:
                    raise _Lost(f"nothing was taken for {self._exporter.patience} s") from error
                # A dump is long, and others want to do something, too.
                await asyncio.sleep(0)

    async def say_goodbye(self) -> None:
        """Tell the station that no more will come; briefly."""
        self._writer.write(self._feed.end(BMPTerminationReason.ADMINISTRATIVELY_CLOSED))
        with contextlib.suppress(OSError):
            async with asyncio.timeout(_FAREWELL):
                self._writer.close()
                await self._writer.wait_closed()

    async def follow_peers(self, group: asyncio.TaskGroup) -> None:
        """Follow each peer, those too that are added later."""
        followed: dict[int, tuple[Peer, asyncio.Task[None]]] = {}
        while True:
            for peer in self._exporter.speaker.peers:
                if id(peer) not in followed:
                    followed[id(peer)] = peer, group.create_task(self._follow(peer))
            followed = {key: value for key, value in followed.items() if not value[1].done()}
            await asyncio.sleep(_LOOK)

    async def _follow(self, peer: Peer) -> None:
        events = peer.events()
        self._begin(peer)
        async for event in events:
            now = time.time()
            match event:
                case Established():
                    session = _session_of(peer)
                    if session is not None:
                        self._outbox.put(self._feed.peer_up(peer, session, now))
                case SessionClosed():
                    self._outbox.put(self._feed.peer_down(peer, event, now))
                case RoutesReceived():
                    self._outbox.put(self._feed.routes(peer, event, now))
                case EndOfRib(family):
                    self._outbox.put(self._feed.end_of_rib(peer, family, now))
                case FamilyDisabled() | RefreshEnded() | StaleRoutesGone() | EventsLost():
                    # Routes may be gone that nobody names; to the station, all are, and what is left comes again.
                    self._begin(peer)
        self._outbox.put(self._feed.peer_down(peer, None, time.time()))

    def _begin(self, peer: Peer) -> None:
        """Tell of a peer that is up, and all its routes; or that it is not up."""
        session = _session_of(peer)
        if session is None:
            self._outbox.put(self._feed.peer_down(peer, None, time.time()))
        else:
            self._outbox.put(self._feed.peer_up(peer, session, time.time()))
            self._outbox.put(self._dump(peer, session))

    def _dump(self, peer: Peer, session: MonitoredSession) -> Iterator[bytes]:
        for family in sorted(session.negotiated.families):
            now = time.time()
            yield from self._feed.dump(peer, family, peer.received(family), now)
            yield self._feed.end_of_rib(peer, family, now)

    async def report(self) -> None:
        """Tell how many routes there are, now and then."""
        while True:
            await asyncio.sleep(self._exporter.statistics_interval)
            for peer in self._exporter.speaker.peers:
                if self._feed.is_up(peer):
                    counts = {family: found.received for family, found in peer.statistics().prefixes.items()}
                    self._outbox.put(self._feed.statistics(peer, counts, time.time()))


def _session_of(peer: Peer) -> MonitoredSession | None:
    opens, endpoints, negotiated = peer.opens, peer.endpoints, peer.negotiated
    if opens is None or endpoints is None or negotiated is None:
        return None
    return MonitoredSession(
        local_address=endpoints[0][0],
        local_port=endpoints[0][1],
        peer_address=endpoints[1][0],
        peer_port=endpoints[1][1],
        sent_open=opens[0],
        received_open=opens[1],
        negotiated=negotiated,
    )
