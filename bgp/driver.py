"""One peer of a `Speaker` on asyncio: its connections, its timer, its events.

All of BGP is in member.py, peer.py and below. This file feeds a `Peering` with octets and time, carries its outputs
out, and arms one timer.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterable
from typing import Final

from bgp.bfd.monitor import MonitoredSession
from bgp.config import PeerConfig
from bgp.errors import LocalError
from bgp.events import (
    AttemptFailed,
    Established,
    Event,
    FamilyDisabled,
    Output,
    PolicyFailed,
    PrefixLimitWarning,
    RouteRefused,
    RoutesReceived,
    SendBytes,
    SessionClosed,
    StateChanged,
)
from bgp.listener import Incoming
from bgp.member import Member
from bgp.negotiated import Negotiated
from bgp.nlri import Destination
from bgp.notification import Notification
from bgp.open import Open
from bgp.policy import Policy
from bgp.prefix import Family
from bgp.route import Route
from bgp.router import Router
from bgp.statistics import Statistics
from bgp.stream import LIMIT, Audience, EventStream
from bgp.transport import Connection
from bgp.values import Address, check_kind
from bgp.vocabulary import CloseConnection, OpenConnection, State

_log = logging.getLogger("bgp")

_UP: Final = (State.OPEN_CONFIRM, State.ESTABLISHED)


class Peer:
    """A neighbour of a speaker; `Speaker.add_peer` makes it."""

    def __init__(self, member: Member, router: Router, changed: Callable[["Peer"], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._member = member
        self._peering = member.peering
        self._router = router
        self._changed = changed
        self.bfd: MonitoredSession | None = None
        """The BFD session that watches the path to it, if one is wanted and there has been a BGP session."""
        self._last_error: str | None = None
        self._established_at = 0.0
        self._is_closed = False
        self._connections: dict[int, Connection] = {}
        self._closing: list[Connection] = []
        self._timer: asyncio.TimerHandle | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._audience = Audience[Event]()

    def __repr__(self) -> str:
        return f"<Peer {self} AS {self.config.peer_as}, {self.state.value}>"

    def __str__(self) -> str:
        return str(self.config.peer_address)

    @property
    def member(self) -> Member:
        """It without I/O, among the others of its router."""
        return self._member

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
    def opens(self) -> tuple[Open, Open] | None:
        """The OPENs of the session, ours and the peer's; None while there is none."""
        ours, theirs = self._peering.our_open, self._peering.peer_open
        if self.state is not State.ESTABLISHED or ours is None or theirs is None:
            return None
        return ours, theirs

    @property
    def endpoints(self) -> tuple[tuple[Address, int], tuple[Address, int]] | None:
        """Address and TCP port of the session, ours and the peer's; None while there is none."""
        connection = self._connections.get(self._peering.connection)
        return None if connection is None or self.opens is None else connection.endpoints

    @property
    def addresses(self) -> tuple[Address, Address] | None:
        """Our address and its own on the connection of the present session, or of the last one."""
        return self._peering.addresses

    @property
    def last_error(self) -> str | None:
        """Why the last session, or the last attempt at one, ended; None as long as none did."""
        return self._last_error

    def statistics(self) -> Statistics:
        """How it is now. Counting prefixes walks through the tables."""
        counters = self._peering.counters
        is_up = self.state is State.ESTABLISHED
        families = self.negotiated.families if is_up and self.negotiated else self._peering.stale_families
        return Statistics(
            state=self.state,
            uptime=self._loop.time() - self._established_at if is_up else None,
            last_error=self._last_error,
            established=counters.established,
            messages_received=dict(counters.received),
            messages_sent=dict(counters.sent),
            octets_received=counters.octets_received,
            octets_sent=counters.octets_sent,
            prefixes={family: self._member.count(family) for family in sorted(families)},
        )

    # Routes.

    @property
    def routes(self) -> list[Route]:
        """The routes that were announced to this peer alone."""
        return self._peering.routes

    def received(self, family: Family) -> list[Route]:
        """The routes of a family that it has sent, as it has sent them (Adj-RIB-In before policy)."""
        return list(self._member.received(family))

    def accepted(self, family: Family) -> list[Route]:
        """The routes of a family that it has sent and that take part, as the import policy left them."""
        return list(self._member.accepted(family))

    def advertised(self, family: Family) -> list[Route]:
        """The routes of a family that it was told in the present session (Adj-RIB-Out)."""
        check_kind("family", family, Family)
        return [Route.told(family, *told) for told in self._peering.rib_out.told(family)]

    def announce(self, *routes: Route | Destination | str) -> None:
        """Let this peer have these routes, in place of the speaker's for the same destinations."""
        self._router.check_free()
        self._perform(self._peering.announce(routes, self._loop.time()))

    def withdraw(self, *routes: Route | Destination | str) -> None:
        """Take back what was announced to this peer alone; the speaker's route for the destination, if any, stays."""
        self._router.check_free()
        self._perform(self._peering.withdraw(routes, self._loop.time()))

    def replace(self, routes: Iterable[Route | Destination | str]) -> None:
        """State all the routes that this peer is to have beside the speaker's; only differences are sent."""
        self._router.check_free()
        self._perform(self._peering.replace(routes, self._loop.time()))

    def request_refresh(self, family: Family) -> None:
        """Ask it to send its routes of a family again (RFC 2918).

        Raises `LocalError` unless there is a session with a peer that can do it.
        """
        self._router.check_free()
        self._perform(self._peering.request_refresh(family))

    def reset(self, communication: str = "") -> None:
        """End the session with Cease / Administrative Reset, and bring it up again after a pause.

        `communication` tells the peer's operator why, in at most 255 octets of UTF-8 (RFC 9003).
        """
        self._router.check_free()
        self._perform(self._peering.reset(self._loop.time(), Notification.reset(communication)))

    async def wait_established(self) -> None:
        """Wait until the session is established; raise `LocalError` if the peer is removed meanwhile.

        There is no limit: put `asyncio.timeout` around it.
        """
        while self.state is not State.ESTABLISHED:
            if self._is_closed:
                raise LocalError(f"peer {self} has been removed")
            waiter = self._loop.create_future()
            self._waiters.add(waiter)
            try:
                await waiter
            finally:
                self._waiters.discard(waiter)

    def events(self, limit: int = LIMIT) -> EventStream[Event]:
        """Return an async iterator over what happens from now on; it ends when the peer is removed.

        Up to `limit` events wait for you; then `EventsLost` stands for those that did not. An iterator that nobody
        holds any more costs nothing.
        """
        stream = EventStream[Event](limit)
        if self._is_closed:
            stream.close()
        self._audience.add(stream)
        return stream

    # For the speaker.

    def start(self) -> None:
        """Called by the speaker: dial, or wait for the peer."""
        self._perform(self._peering.start(self._loop.time()))

    def accept(self, incoming: Incoming) -> None:
        """Called by the speaker: the peer has dialled us."""
        try:
            sock = incoming.claim(self.config)
        except LocalError as error:
            _log.warning("peer %s: connection refused: %s", self, error)
            self._last_error = str(error)
            self._changed(self)
            return
        number, outputs = self._peering.connection_accepted(
            self._loop.time(), local_address=incoming.local_address, remote_address=incoming.remote_address
        )
        self._connections[number] = Connection.accepted(sock, self, number)
        self._perform(outputs)

    def reconfigure(self, config: PeerConfig) -> None:
        """Called by the speaker: want something else."""
        self._perform(self._peering.reconfigure(config, self._loop.time()))
        for event in self._member.reconfigured():
            self.publish(event)
        self._changed(self)

    def change_policies(self, policies: dict[str, Policy | None]) -> None:
        """Called by the speaker: judge routes by something else."""
        if "import_policy" in policies:
            for event in self._member.change_import(policies["import_policy"]):
                self.publish(event)
        if "export_policy" in policies:
            self._member.change_export(policies["export_policy"])
        self._changed(self)

    def drain(self) -> None:
        """Called by the speaker: let the peer prefer any other route (RFC 8326)."""
        self._perform(self._peering.drain(self._loop.time()))

    def release(self) -> None:
        """Called by the speaker: after our restart, all routes are known (RFC 4724 4.1)."""
        self._perform(self._peering.release(self._loop.time()))

    def look_again(self) -> None:
        """Called by the speaker: there may be something to tell the peer."""
        self._arm()

    def path_failed(self, why: str, *, forwarding: bool) -> None:
        """Called by the speaker: BFD says that the path is dead, why, and whether the peer's forwarding is."""
        self._perform(self._peering.path_failed(self._loop.time(), why, forwarding=forwarding))

    @property
    def is_told_all(self) -> bool:
        """Whether the peer's TCP was given all that the peer is to know."""
        return not self._peering.rib_out.is_pending

    @property
    def is_gone(self) -> bool:
        """Whether there is neither a connection, nor a route that outlives one."""
        return not self._connections and not self._peering.stale_families

    def end(self, farewell: Notification | None) -> None:
        """Called by the speaker: withdraw all and say farewell; None: be silent, so that the peer waits for us."""
        now = self._loop.time()
        if farewell is None:
            self._perform(self._peering.suspend(now))
        else:
            self._perform(self._peering.retract(now))
            self._perform(self._peering.stop(now, farewell))
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._audience.close()
        self._wake()

    @property
    def is_ended(self) -> bool:
        """Whether it has been removed, or its speaker closed."""
        return self._is_closed

    async def wait_closed(self) -> None:
        """Called by the speaker: wait until the connections are gone."""
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
        self._peering.pause_sending(number)

    def sending_resumed(self, number: int) -> None:
        """Called by the transport."""
        self._perform(self._peering.resume_sending(number, self._loop.time()))

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
        self._arm()
        self._changed(self)

    def _arm(self) -> None:
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
        self.publish(event)
        for further in self._router.take(self._member, event):
            self.publish(further)

    def publish(self, event: Event) -> None:
        """Called by the speaker as well: tell whoever wants to know."""
        match event:
            case RoutesReceived(faults=()):
                pass
            case RoutesReceived(faults=faults):
                for fault in faults:
                    _log.warning("peer %s: UPDATE: attribute %s: %s", self, fault.code, fault.reason)
            case StateChanged(old, new):
                _log.info("peer %s: %s -> %s", self, old.value, new.value)
                self._wake()
            case Established():
                self._established_at = self._loop.time()
            case SessionClosed(reason):
                self._last_error = reason
                _log.info("peer %s: session closed: %s", self, reason)
            case AttemptFailed(reason):
                if self.state not in _UP:
                    # Else it was one of two connections, and the other does well.
                    self._last_error = reason
                _log.info("peer %s: attempt failed: %s", self, reason)
            case RouteRefused(route, reason):
                _log.warning("peer %s: cannot announce %s: %s", self, route.prefix, reason)
            case PolicyFailed(route, reason):
                _log.error("peer %s: import policy, for %s: %s", self, route.prefix, reason)
            case FamilyDisabled(family):
                _log.error("peer %s: routes of %s cannot be followed any more", self, family)
            case PrefixLimitWarning(family, count, maximum):
                _log.warning("peer %s: %s prefixes of %s, at most %s are taken", self, count, family, maximum)
        self._audience.put(event)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters.clear()


def jitter() -> float:
    """A factor for timers (RFC 4271 10)."""
    return random.uniform(0.75, 1.0)
