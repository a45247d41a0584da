"""A BGP speaker on asyncio: dials its peers, keeps their sessions up, announces routes.

    async with Speaker(local_as=64512, router_id="192.0.2.1") as speaker:
        peer = speaker.add_peer("192.0.2.2", peer_as=64513)
        speaker.announce(bgp.Route("203.0.113.7/32", communities=["64512:100"]))
        await peer.wait_established()
        async for event in peer.events():
            ...

Announcements are declarative. Say at any time what the peers are to have; the library sends the difference, now
or once there is a session. All of BGP is in peer.py and below. This file feeds a `Peering` with octets and time,
carries its outputs out, and arms one timer. One event loop per speaker; call everything from within it. Any number of
speakers can live in a process.
"""

import asyncio
import logging
import random
import weakref
from collections.abc import AsyncIterator, Iterable, Mapping
from ipaddress import IPv4Address
from types import TracebackType
from typing import Self, TypedDict, Unpack

import attrs

from bgp.capabilities import Capability
from bgp.config import GracefulRestartConfig, PeerConfig, PrefixLimit
from bgp.errors import LocalError
from bgp.events import (
    AttemptFailed,
    Event,
    FamilyDisabled,
    Output,
    PrefixLimitWarning,
    RouteRefused,
    RoutesReceived,
    SendBytes,
    SessionClosed,
    StateChanged,
)
from bgp.iana import AddPathDirection, CeaseSubcode, Role
from bgp.negotiated import Negotiated
from bgp.notification import Notification
from bgp.peer import Peering
from bgp.prefix import Family, Prefix
from bgp.rib import Route
from bgp.rib import prefix as as_prefix
from bgp.rib import route as as_route
from bgp.transport import Connection
from bgp.values import Address
from bgp.vocabulary import CloseConnection, OpenConnection, State

__all__ = ["Peer", "PeerOptions", "Speaker"]

_log = logging.getLogger("bgp")


class PeerOptions(TypedDict, total=False):
    """What `Speaker.add_peer` takes beside an address: the fields of `PeerConfig`, with its defaults."""

    peer_as: int
    local_as: int
    router_id: str | IPv4Address | None
    port: int
    local_address: str | Address | None
    password: str | bytes | None
    interface: str | None
    ttl: int | None
    ttl_security: int | None
    user_timeout: float | None
    dscp: int
    hold_time: int
    passive: bool
    send_hold_time: float | None
    connect_retry_time: float
    idle_hold_time: float
    delay_open_time: float
    families: Iterable[Family]
    add_path: Mapping[Family, AddPathDirection]
    extended_next_hop: Iterable[tuple[Family, int]]
    extended_message: bool
    route_refresh: bool
    graceful_restart: GracefulRestartConfig | None
    role: Role | None
    role_strict: bool
    capabilities: Iterable[Capability]
    reject_as_sets: bool
    prefix_limits: Mapping[Family, PrefixLimit]


class Speaker:
    """A BGP speaker with any number of peers. An async context manager; `close` does what leaving it does."""

    def __init__(self, *, local_as: int | None = None, router_id: str | IPv4Address | None = None) -> None:
        """Take what holds for peers that do not say otherwise.

        `local_as` is our AS number, 1 to 4294967295. `router_id` is our BGP Identifier; None: our IPv4 address on
        each connection.
        """
        self._defaults: PeerOptions = {"router_id": router_id}
        if local_as is not None:
            self._defaults["local_as"] = local_as
        self._routes: dict[Prefix, Route] = {}
        self._peers: dict[tuple[Address, int], Peer] = {}
        self._closed = False

    @property
    def peers(self) -> list["Peer"]:
        """The peers, in the order in which they were added."""
        return list(self._peers.values())

    @property
    def routes(self) -> list[Route]:
        """The routes that all peers are to have."""
        return list(self._routes.values())

    def add_peer(self, peer: PeerConfig | str | Address, **options: Unpack[PeerOptions]) -> "Peer":
        """Add a peer and begin to connect to it.

        Takes the peer's address, or a whole `PeerConfig`, and any field of `PeerConfig`. Raises `LocalError` for
        what cannot be, such as a second peer at the same address and port. Call it in a running event loop.
        """
        if self._closed:
            raise LocalError("the speaker is closed")
        config = (
            attrs.evolve(peer, **options) if isinstance(peer, PeerConfig) else self._config(peer, options)
        )
        if config.peer_address is None:
            raise LocalError("peer_address is None, must be the address of the peer")
        key = (config.peer_address, config.port)
        if key in self._peers:
            raise LocalError(f"there is a peer at {config.peer_address} port {config.port} already")
        self._peers[key] = Peer(config, self._routes)
        return self._peers[key]

    def _config(self, address: str | Address, options: PeerOptions) -> PeerConfig:
        values: PeerOptions = {**self._defaults, **options}
        for name in ("local_as", "peer_as"):
            if name not in values:
                raise LocalError(f"{name} of peer {address} is not given")
        return PeerConfig(peer_address=address, **values)

    async def remove_peer(self, peer: "Peer") -> None:
        """End the session with Cease / Peer De-configured, which withdraws all routes, and forget the peer."""
        self._peers = {key: other for key, other in self._peers.items() if other is not peer}
        await peer._close(Notification.cease(CeaseSubcode.PEER_DE_CONFIGURED))

    def announce(self, *routes: Route | Prefix | str) -> None:
        """Let all peers, later ones too, have these routes; each replaces the one for its prefix."""
        self._change({route.prefix: route for route in map(as_route, routes)})

    def withdraw(self, *prefixes: Route | Prefix | str) -> None:
        """Let no peer have these routes any more, but for those announced to a single peer."""
        self._change(dict.fromkeys(map(as_prefix, prefixes)))

    def replace(self, routes: Iterable[Route | Prefix | str]) -> None:
        """State all the routes that all peers are to have; only differences are sent."""
        wanted = {route.prefix: route for route in map(as_route, routes)}
        self._change({**dict.fromkeys(self._routes), **wanted})

    def _change(self, changes: Mapping[Prefix, Route | None]) -> None:
        _update(self._routes, changes)
        for peer in self.peers:
            peer._sync(changes)

    async def close(self, communication: str = "") -> None:
        """Withdraw all routes, end the sessions with Cease / Administrative Shutdown, release everything.

        `communication` tells the peers' operators why, in at most 255 octets of UTF-8 (RFC 9003); `LocalError` is
        raised if it is longer. Takes no longer than two seconds or so, however the peers behave. Nothing can be added
        any more.
        """
        farewell = Notification.shutdown(communication)
        self._closed = True
        peers = self.peers
        self._peers.clear()
        await asyncio.gather(*(peer._close(farewell) for peer in peers))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


class Peer:
    """A neighbour of a speaker; `Speaker.add_peer` makes it."""

    def __init__(self, config: PeerConfig, common: Mapping[Prefix, Route]) -> None:
        self._loop = asyncio.get_running_loop()
        self._peering = Peering(config, _jitter)
        self._common = common
        self._own: dict[Prefix, Route] = {}
        self._last_error: str | None = None
        self._closed = False
        self._connections: dict[int, Connection] = {}
        self._closing: list[Connection] = []
        self._timer: asyncio.TimerHandle | None = None
        self._waiters: list[asyncio.Future[None]] = []
        self._streams: weakref.WeakSet[_EventStream] = weakref.WeakSet()
        self._peering.announce(common.values(), self._loop.time())
        self._perform(self._peering.start(self._loop.time()))

    def __repr__(self) -> str:
        return f"<Peer {self} AS {self.config.peer_as}, {self.state.value}>"

    def __str__(self) -> str:
        return str(self.config.peer_address)

    @property
    def config(self) -> PeerConfig:
        """What is wanted of it."""
        return self._peering.config

    @property
    def state(self) -> State:
        """Where its session is."""
        return self._peering.state

    @property
    def negotiated(self) -> Negotiated | None:
        """What both sides agreed on, while there is a session."""
        return self._peering.negotiated

    @property
    def last_error(self) -> str | None:
        """Why the last session, or the last attempt at one, ended; None as long as none did."""
        return self._last_error

    @property
    def routes(self) -> list[Route]:
        """The routes that it is to have, the speaker's among them."""
        return self._peering.routes

    def announce(self, *routes: Route | Prefix | str) -> None:
        """Let this peer have these routes, in place of the speaker's for the same prefixes."""
        self._change({route.prefix: route for route in map(as_route, routes)})

    def withdraw(self, *prefixes: Route | Prefix | str) -> None:
        """Take back what was announced to this peer alone; the speaker's route for the prefix, if any, stays."""
        self._change(dict.fromkeys(map(as_prefix, prefixes)))

    def replace(self, routes: Iterable[Route | Prefix | str]) -> None:
        """State all the routes that this peer is to have beside the speaker's; only differences are sent."""
        wanted = {route.prefix: route for route in map(as_route, routes)}
        self._change({**dict.fromkeys(self._own), **wanted})

    async def wait_established(self) -> None:
        """Wait until the session is established; raise `LocalError` if the peer is removed meanwhile.

        There is no limit: put `asyncio.timeout` around it.
        """
        while self.state is not State.ESTABLISHED:
            if self._closed:
                raise LocalError(f"peer {self} has been removed")
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            await waiter

    def events(self) -> AsyncIterator[Event]:
        """Return an iterator over what happens from now on; it ends when the peer is removed.

        Events wait for you in memory: go on iterating, or drop the iterator.
        """
        stream = _EventStream()
        if self._closed:
            stream.put(None)
        self._streams.add(stream)
        return stream

    # What the application wants.

    def _change(self, changes: Mapping[Prefix, Route | None]) -> None:
        _update(self._own, changes)
        self._sync(changes)

    def _sync(self, prefixes: Iterable[Prefix]) -> None:
        wanted = {prefix: self._own.get(prefix) or self._common.get(prefix) for prefix in prefixes}
        now = self._loop.time()
        self._perform(self._peering.announce([route for route in wanted.values() if route], now))
        self._perform(self._peering.withdraw([prefix for prefix, route in wanted.items() if not route], now))

    async def _close(self, farewell: Notification) -> None:
        self._closed = True
        now = self._loop.time()
        self._perform(self._peering.replace([], now))
        self._perform(self._peering.stop(now, farewell))
        for stream in self._streams:
            stream.put(None)
        self._wake()
        for connection in self._closing:
            await connection.wait_closed()

    # What the network says: bgp.transport.Owner.

    def connection_opened(self, number: int, local_address: Address, remote_address: Address) -> None:
        """Called by the transport."""
        now = self._loop.time()
        self._perform(
            self._peering.connection_opened(
                number, now, local_address=local_address, remote_address=remote_address
            )
        )

    def connection_failed(self, number: int, why: str) -> None:
        """Called by the transport."""
        self._perform(self._peering.connection_failed(number, self._loop.time(), why))

    def connection_lost(self, number: int, why: str) -> None:
        """Called by the transport."""
        self._perform(self._peering.connection_lost(number, self._loop.time(), why))

    def data_received(self, number: int, data: bytes) -> None:
        """Called by the transport."""
        self._perform(self._peering.receive_data(number, data, self._loop.time()))

    def sending_paused(self, number: int) -> None:
        """Called by the transport."""

    def sending_resumed(self, number: int) -> None:
        """Called by the transport."""

    def _timeout(self) -> None:
        now = self._loop.time()
        self._tell_what_was_sent(now)
        self._perform(self._peering.handle_timeout(now))

    def _tell_what_was_sent(self, now: float) -> None:
        # TCP does not tell when it takes octets. To look before each timeout is enough: KEEPALIVEs see to it that
        # there are some, and that there is something to take.
        for number, connection in self._connections.items():
            if connection.take_progress():
                self._peering.data_sent(number, now)

    # What the peering wants.

    def _perform(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case OpenConnection(number):
                    self._connections[number] = Connection.dial(self.config, self, number)
                case SendBytes(data, number):
                    if number in self._connections:
                        self._connections[number].send(data)
                case CloseConnection(number):
                    self._drop_connection(number)
                case _:
                    self._report(output)
        if self._timer is not None:
            self._timer.cancel()
        deadline = self._peering.next_timeout()
        self._timer = None if deadline is None else self._loop.call_at(deadline, self._timeout)

    def _drop_connection(self, number: int) -> None:
        self._closing = [connection for connection in self._closing if not connection.is_closed]
        connection = self._connections.pop(number, None)
        if connection is not None:
            connection.close()
            self._closing.append(connection)

    def _report(self, event: Event) -> None:
        match event:
            case StateChanged(old, new):
                _log.info("peer %s: %s -> %s", self, old.value, new.value)
                self._wake()
            case SessionClosed(reason):
                self._last_error = reason
                _log.info("peer %s: session closed: %s", self, reason)
            case AttemptFailed(reason):
                if self.state not in (State.OPEN_CONFIRM, State.ESTABLISHED):
                    # Else it was one of two connections, and the other does well.
                    self._last_error = reason
                _log.info("peer %s: attempt failed: %s", self, reason)
            case RouteRefused(route, reason):
                _log.warning("peer %s: cannot announce %s: %s", self, route.prefix, reason)
            case RoutesReceived(faults=faults):
                for fault in faults:
                    _log.warning("peer %s: UPDATE: attribute %s: %s", self, fault.code, fault.reason)
            case FamilyDisabled(family):
                _log.error("peer %s: routes of %s cannot be followed any more", self, family)
            case PrefixLimitWarning(family, count, maximum):
                _log.warning("peer %s: %s prefixes of %s, at most %s are taken", self, count, family, maximum)
        for stream in self._streams:
            stream.put(event)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()


class _EventStream(AsyncIterator[Event]):
    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event | None) -> None:
        """Add an event; None ends the stream."""
        self._queue.put_nowait(event)

    async def __anext__(self) -> Event:
        event = await self._queue.get()
        if event is None:
            self.put(None)
            raise StopAsyncIteration
        return event


def _jitter() -> float:
    return random.uniform(0.75, 1.0)


def _update(table: dict[Prefix, Route], changes: Mapping[Prefix, Route | None]) -> None:
    for prefix, route in changes.items():
        if route is None:
            table.pop(prefix, None)
        else:
            table[prefix] = route
