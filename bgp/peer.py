"""Everything between us and one peer, without I/O: its connections, its routes, its failures.

RFC 4271 has a state machine for each connection, hence a `Session` (session.py) knows of one only. But a peer dials us
while we dial it. A `Peering` holds a session for each connection, at most two, and what outlives them:

- It takes incoming connections. A session that waits for one gets it; else there is a second session for it. In the
  pause after a failure there is none (RFC 4271 8.2.2, Idle), unless the failure was none of the peer's: we could not
  reach it, or it has just given up the connection that we dialled in favour of its own.
- When an OPEN arrives on one of two, it is time to ask which goes on (collision.py). The survivor is *the* session from
  then on, the other is forgotten, its state machine included.
- The routes on their way to the peer (outflow.py), and the pause after failures (damping.py), belong to the peer; a
  session that takes over goes on with both.
- Families with stale routes, while a peer that restarts gracefully is away (stale.py).

The verbs are those of a session, and name a connection where that is in question. So do outputs for the driver:
`OpenConnection`, `CloseConnection` and `SendBytes` have its number, which is a session's own: it serves again when the
session opens its next connection. Reports on a number that no session has any more are ignored.

    peering = Peering(config)
    peering.start(now=0.0)                        # [StateChanged(IDLE, CONNECT), OpenConnection(1)]
    peering.connection_opened(1, 0.1, local_address="192.0.2.1", remote_address="192.0.2.2")
    number, outputs = peering.connection_accepted(0.2, local_address=…, remote_address=…)
"""

from collections.abc import Callable, Iterable
from itertools import count

import attrs

from bgp.agreement import RouterID
from bgp.collision import Existing, Identity, Side, Survivor, resolve
from bgp.config import PeerConfig, needs_new_session
from bgp.damping import Damping
from bgp.events import (
    AttemptFailed,
    EndOfRib,
    Established,
    Event,
    Output,
    RoutesReceived,
    SessionClosed,
    StateChanged,
)
from bgp.iana import CeaseSubcode
from bgp.negotiated import Negotiated
from bgp.nlri import Destination
from bgp.notification import Notification
from bgp.offers import GracefulRestartCapability
from bgp.open import Open
from bgp.outflow import Outflow
from bgp.prefix import Family
from bgp.ribout import AdjRibOut
from bgp.route import Route
from bgp.session import Session
from bgp.stale import StaleRoutes
from bgp.statistics import Counters
from bgp.timers import no_jitter
from bgp.values import Address
from bgp.vocabulary import CloseConnection, ConnectionLost, OpenReceived, State, Stop

_COLLISION = Notification.cease(CeaseSubcode.CONNECTION_COLLISION_RESOLUTION)

OPEN_PATIENCE = 5.0
"""Seconds in which the peer's OPEN should arrive on a connection that is up."""

_PROGRESS = list(State)
"""The states in the order of the way up."""


@attrs.define(eq=False)
class _Line:
    """A connection with the peer, wanted or real: a session, and what `Peering` notes about it."""

    session: Session
    state: State = State.IDLE
    """The session's, as far as its outputs have been looked at."""
    dialled_by: Side = Side.LOCAL
    opened_at: float = 0.0
    """When TCP came up."""
    came_late: bool = False
    """Whether the peer dialled it while a session was up."""
    is_welcoming: bool = False
    """Whether the peer may come during the pause after the last failure, since it was none of its own."""


def _damping(peering: "Peering") -> Damping:
    return Damping(peering.config.idle_hold_time)


def _stale_routes(peering: "Peering") -> StaleRoutes:
    restart = peering.config.graceful_restart
    return StaleRoutes(restart.stale_time if restart else 0.0)


@attrs.define(eq=False)
class Peering:
    """One peer; see the head of the module for how to drive it."""

    config: PeerConfig
    """What is wanted."""

    jitter: Callable[[], float] = no_jitter
    """Called for a factor to durations; RFC 4271 10 wants 0.75 to 1.0, at random."""

    restarting: bool = attrs.field(default=False, kw_only=True)
    """Whether we have just restarted and forwarding went on (RFC 4724 4.1); over once a session was up."""

    identity: RouterID = attrs.field(factory=RouterID, kw_only=True)
    """Our BGP Identifier, if none is configured."""

    outflow: Outflow = attrs.field(factory=Outflow, kw_only=True)
    """The routes on their way to the peer."""

    counters: Counters = attrs.field(factory=Counters, init=False)
    """What has come and gone."""

    _damping: Damping = attrs.field(default=attrs.Factory(_damping, takes_self=True), init=False)
    _stale: StaleRoutes = attrs.field(default=attrs.Factory(_stale_routes, takes_self=True), init=False)
    _numbers: "count[int]" = attrs.field(factory=lambda: count(1), init=False)
    _main: _Line = attrs.field(init=False)
    _second: _Line | None = attrs.field(default=None, init=False)
    _told: State = attrs.field(default=State.IDLE, init=False)

    def __attrs_post_init__(self) -> None:
        self._main = _Line(self._make_session(self._damping))

    # What there is.

    @property
    def state(self) -> State:
        """Where the session is that has come farthest."""
        return max((line.state for line in self._lines), key=_PROGRESS.index)

    @property
    def negotiated(self) -> Negotiated | None:
        """What both sides agreed on, while there is a session or nearly one."""
        return self._main.session.negotiated

    @property
    def our_open(self) -> Open | None:
        """The OPEN that we sent in the present session."""
        return self._main.session.our_open

    @property
    def peer_open(self) -> Open | None:
        """The OPEN that the peer sent in the present session."""
        return self._main.session.peer_open

    @property
    def addresses(self) -> tuple[Address, Address] | None:
        """Our address and the peer's on the connection of the present session."""
        return self._main.session.addresses

    @property
    def rib_out(self) -> AdjRibOut:
        """The routes that the peer is to have, and what it was told of them."""
        return self.outflow.rib_out

    @property
    def routes(self) -> list[Route]:
        """The routes that were announced to the peer."""
        return self.rib_out.routes

    @property
    def stale_families(self) -> frozenset[Family]:
        """The families of which the peer's routes may be stale."""
        return self._stale.families

    @property
    def connection(self) -> int:
        """The number of the connection of the present session."""
        return self._main.session.connection

    # Verbs: what somebody wants.

    def start(self, now: float) -> list[Output]:
        """Bring the session up, and up again whenever it goes down."""
        return self._look_at(self._main, self._main.session.start(now), now)

    def stop(self, now: float, farewell: Notification | None = None) -> list[Output]:
        """Take everything down and leave it down; `farewell` tells the peer, or an Administrative Shutdown does.

        Raises `LocalError` for a farewell that is too long for a session.
        """
        outputs: list[Output] = []
        if farewell is not None:
            for line in self._lines:
                line.session.farewell(farewell, for_good=True)
        for line in reversed(self._lines):
            outputs += self._look_at(line, line.session.stop(now, farewell), now)
        return [*outputs, *self._stale.clear()]

    def retract(self, now: float) -> list[Output]:
        """Take everything back that the peer was told; `stop` is to follow."""
        self.rib_out.retract()
        outputs: list[Output] = []
        while more := self._main.session.advertise(now):
            outputs += more
        return outputs

    def suspend(self, now: float) -> list[Output]:
        """Take everything down and leave it down, so that the peer keeps our routes until we are back (RFC 4724)."""
        outputs: list[Output] = []
        for line in reversed(self._lines):
            outputs += self._look_at(line, line.session.suspend(now), now)
        return [*outputs, *self._stale.clear()]

    def path_failed(self, now: float, why: str, *, forwarding: bool) -> list[Output]:
        """Give the session up, since BFD says that the path to the peer is dead; see `Session.path_failed`."""
        outputs: list[Output] = []
        for line in reversed(self._lines):
            outputs += self._look_at(line, line.session.path_failed(now, why, forwarding=forwarding), now)
        # RFC 5882 4.3.1: this ends the grace for a peer that was restarting, too.
        return [*outputs, *self._stale.clear()] if forwarding else outputs

    def reset(self, now: float, farewell: Notification | None = None) -> list[Output]:
        """Take the session down and, after a pause, up again; `farewell` tells the peer, or an Administrative Reset.

        Raises `LocalError` for a farewell that is too long for a session.
        """
        outputs: list[Output] = []
        if farewell is not None:
            for line in self._lines:
                line.session.farewell(farewell)
        for line in reversed(self._lines):
            outputs += self._look_at(line, line.session.reset(now, farewell), now)
        return outputs

    def announce(self, routes: Iterable[Route | Destination | str], now: float) -> list[Output]:
        """Add routes to those that the peer is to have; possible in every state."""
        return self._main.session.announce(routes, now)

    def withdraw(self, prefixes: Iterable[Route | Destination | str], now: float) -> list[Output]:
        """Drop routes from those that the peer is to have; possible in every state."""
        return self._main.session.withdraw(prefixes, now)

    def replace(self, routes: Iterable[Route | Destination | str], now: float) -> list[Output]:
        """State all routes that the peer is to have; only the difference is sent."""
        return self._main.session.replace(routes, now)

    def drain(self, now: float) -> list[Output]:
        """Tell the peer to prefer any other route to ours, since we are about to go (RFC 8326)."""
        return self._main.session.drain(now)

    def release(self, now: float) -> list[Output]:
        """Let End-of-RIB go, now that all our routes are known (RFC 4724 4.1)."""
        return self._main.session.release(now)

    def reconfigure(self, config: PeerConfig, now: float) -> list[Output]:
        """Want something else of the peer; a session that this cannot be done in is reset (Other Configuration Change).

        Raises `LocalError` if the change makes it another peer.
        """
        old, self.config = self.config, config
        self._damping.idle_hold_time = config.idle_hold_time
        self._stale.stale_time = config.graceful_restart.stale_time if config.graceful_restart else 0.0
        outputs: list[Output] = []
        for line in self._lines:
            line.session.reconfigure(config)
        if needs_new_session(old, config):
            farewell = Notification.cease(CeaseSubcode.OTHER_CONFIGURATION_CHANGE)
            for line in reversed(self._lines):
                outputs += self._look_at(line, line.session.reset(now, farewell), now)
        return outputs

    def request_refresh(self, family: Family) -> list[Output]:
        """Ask the peer to send its routes of a family again (RFC 2918 4).

        Raises `LocalError` unless there is a session with a peer that can do it.
        """
        return self._main.session.request_refresh(family)

    # Verbs: what happened.

    def connection_opened(
        self, connection: int, now: float, *, local_address: str | Address, remote_address: str | Address
    ) -> list[Output]:
        """Note that TCP is up on a connection that we dialled, between these two addresses."""
        line = self._line(connection)
        if line is None or line.session.our_open is not None:
            return []
        line.dialled_by, line.came_late, line.opened_at = Side.LOCAL, False, now
        outputs = line.session.connection_opened(
            now, local_address=local_address, remote_address=remote_address
        )
        return self._look_at(line, outputs, now)

    def connection_accepted(
        self, now: float, *, local_address: str | Address, remote_address: str | Address
    ) -> tuple[int, list[Output]]:
        """Note that the peer has dialled us; return the number of the connection, and outputs.

        The outputs close it at once if nobody wants it: when stopped, or in the pause after a failure.
        """
        main, outputs = self._main, list[Output]()
        line = main
        if main.state is State.IDLE and not (main.is_welcoming and main.session.is_pausing):
            # RFC 4271 8.2.2: in Idle all incoming connections are refused.
            number = next(self._numbers)
            return number, [CloseConnection(number)]
        if main.state is not State.ACTIVE or main.session.our_open is not None:
            outputs = self._give_up_second(now)
            line = self._second = self._listening_line(now)
        line.dialled_by, line.came_late = Side.REMOTE, main.state is State.ESTABLISHED
        line.opened_at = now
        opened = line.session.connection_opened(
            now, local_address=local_address, remote_address=remote_address
        )
        return line.session.connection, [*outputs, *self._look_at(line, opened, now)]

    def connection_failed(self, connection: int, now: float, why: str) -> list[Output]:
        """Note that TCP did not come up."""
        line = self._line(connection)
        if line is None:
            return []
        dialling = line.session.our_open is None
        outputs = self._look_at(line, line.session.connection_failed(now, why), now)
        # A peer that does not listen, or cannot be reached from here, may well dial.
        line.is_welcoming = dialling
        return outputs

    def connection_lost(
        self, connection: int, now: float, why: str = "the peer closed the connection"
    ) -> list[Output]:
        """Note that TCP is gone."""
        line = self._line(connection)
        return self._look_at(line, line.session.connection_lost(now, why), now) if line else []

    def receive_data(self, connection: int, data: bytes, now: float) -> list[Output]:
        """Take octets that arrived."""
        line = self._line(connection)
        if line is None:
            return []
        outputs: list[Output] = []
        for event in line.session.read(data):
            if isinstance(event, OpenReceived) and line.state in _AWAITING_OPEN:
                # If this connection loses, it is closed and takes no input any more.
                outputs += self._settle(line, event.message, now)
            outputs += self._look_at(line, line.session.apply(event, now), now)
        return outputs

    def pause_sending(self, connection: int) -> None:
        """Note that the driver has enough to send: no more routes until `resume_sending`."""
        line = self._line(connection)
        if line is not None:
            line.session.pause_sending()

    def resume_sending(self, connection: int, now: float) -> list[Output]:
        """Note that the driver has got rid of most of it."""
        line = self._line(connection)
        return line.session.resume_sending(now) if line else []

    def data_sent(self, connection: int, now: float) -> None:
        """Note that TCP has taken octets of what was handed over for sending; see `Session.data_sent`."""
        line = self._line(connection)
        if line is not None:
            line.session.data_sent(now)

    def handle_timeout(self, now: float) -> list[Output]:
        """Act on the timers that have run out; call it when the time of `next_timeout` has come."""
        outputs: list[Output] = []
        for line in self._lines:
            outputs += self._look_at(line, line.session.handle_timeout(now), now)
        return [*outputs, *self._stale.handle_timeout(now)]

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`; None: no timer runs."""
        deadlines = [line.session.next_timeout() for line in self._lines]
        deadlines.append(self._stale.next_timeout())
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    # Connections.

    @property
    def _lines(self) -> list[_Line]:
        return [self._main] if self._second is None else [self._main, self._second]

    def _line(self, connection: int) -> _Line | None:
        return next((line for line in self._lines if line.session.connection == connection), None)

    def _make_session(self, damping: Damping) -> Session:
        return Session(
            self.config,
            self.jitter,
            connection=next(self._numbers),
            restarting=self.restarting,
            outflow=self.outflow,
            damping=damping,
            counters=self.counters,
            identity=self.identity,
        )

    def _listening_line(self, now: float) -> _Line:
        """A session that waits for a connection, beside the main one; its failures are not yet the peer's."""
        session = self._make_session(Damping(self.config.idle_hold_time))
        session.options = attrs.evolve(session.options, passive=True)
        session.start(now)
        return _Line(session, session.state)

    def _settle(self, line: _Line, theirs: Open, now: float) -> list[Output]:
        """End the collision, if there is one, that an OPEN on `line` makes known (RFC 4271 6.8)."""
        ours, rival = line.session.our_open, self._main if line is self._second else self._second
        if ours is None or rival is None:
            return []
        if rival.session.our_open is None:
            # There is no connection yet to collide with, and none is needed any more.
            return self._promote(line)
        existing = Existing(
            state=rival.state,
            dialled_by=rival.dialled_by,
            overdue=now - rival.opened_at >= OPEN_PATIENCE,
            abandoned=line.came_late and _has_restarted(rival, line, theirs),
        )
        mine, other = Identity(ours.router_id, ours.asn), Identity(theirs.router_id, theirs.asn)
        survivor = resolve(existing, line.dialled_by, ours=mine, theirs=other)
        if survivor is Survivor.BOTH:
            return []
        loser = line if survivor is Survivor.EXISTING else rival
        # RFC 4724 4.2: a peer that has restarted need not hear about its old connection.
        restarted = loser.state is State.ESTABLISHED
        ending = ConnectionLost("the peer has restarted") if restarted else Stop(_COLLISION)
        return self._look_at(loser, loser.session.apply(ending, now), now)

    def _give_up_second(self, now: float) -> list[Output]:
        if self._second is None:
            return []
        return self._look_at(self._second, self._second.session.apply(Stop(_COLLISION), now), now)

    # Outputs of a session, and what they are to whoever looks at the peer.

    def _look_at(self, line: _Line, outputs: list[Output], now: float) -> list[Output]:
        seen: list[Output] = []
        for output in outputs:
            match output:
                case RoutesReceived():
                    seen.append(output)
                case StateChanged(_, new):
                    line.state = new
                    seen += self._tell_state()
                case Established(negotiated):
                    seen += [output, *self._up(negotiated, now)]
                case EndOfRib(family):
                    seen += [output, *self._stale.end_of_rib(family)]
                case SessionClosed(_, sent, received):
                    line.is_welcoming = received == _COLLISION
                    seen += [output, *self._stale.closed(now, sent, received)]
                case AttemptFailed(_, _, received):
                    # The connection that the peer prefers may come to our notice after this.
                    line.is_welcoming = received == _COLLISION
                    seen.append(output)
                case _:
                    seen.append(output)
        return seen if self._second is None else [*seen, *self._tidy(self._second), *self._tell_state()]

    def _tell_state(self) -> list[Output]:
        old, self._told = self._told, self.state
        return [] if old is self._told else [StateChanged(old, self._told)]

    def _up(self, negotiated: Negotiated, now: float) -> list[Event]:
        self.restarting = False
        self._damping.established(now)
        for other in self._lines:
            other.session.restarting = False
        return self._stale.established(negotiated, now)

    def _tidy(self, second: _Line) -> list[Output]:
        """Drop the second session if it has no connection; let it take the main one's place if that is no good."""
        if second.session.our_open is None:
            self._second = None
        elif self._main.state is State.IDLE or second.state is State.ESTABLISHED:
            return self._promote(second)
        return []

    def _promote(self, second: _Line) -> list[Output]:
        """Let the second session take the main one's place, and forget that unless it has a connection."""
        main = self._main
        self._main, self._second = second, main if main.session.our_open is not None else None
        main.session.damping, second.session.damping = Damping(self.config.idle_hold_time), self._damping
        second.session.options = attrs.evolve(second.session.options, passive=self.config.passive)
        if self._second is None and main.state is not State.IDLE:
            # It was dialling, or waiting for a connection: neither is of use any more.
            return [CloseConnection(main.session.connection)]
        return []


_AWAITING_OPEN = frozenset({State.CONNECT, State.ACTIVE, State.OPEN_SENT})


def _has_restarted(session: _Line, newcomer: _Line, theirs: Open) -> bool:
    """Whether the peer has lost an established session, since it has promised to restart and now says an OPEN."""
    promise = session.session.negotiated and session.session.negotiated.graceful_restart
    if not promise or not promise.families:
        return False
    # What it dialled when it dialled the other, too, may have come here late. But then it says nothing new.
    says_so = any(
        isinstance(said, GracefulRestartCapability) and said.restarting for said in theirs.capabilities
    )
    return newcomer.opened_at - session.opened_at >= OPEN_PATIENCE or (says_so and not promise.restarting)
