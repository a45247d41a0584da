"""One session on one connection at a time, without I/O (RFC 4271 section 8).

The state machine (fsm.py) decides; this class remembers. It turns octets into the machine's inputs and the
machine's effects into outputs, keeps the deadlines of the timers, and tells the peer the routes that it is to have.

A driver has four steps and a timer. Call a verb with the time; carry out, in order, the outputs it returns; call
`handle_timeout` when the time of `next_timeout` has come. Time is any clock that only goes forward, in seconds.

    session = Session(config)
    session.start(now=0.0)                          # [StateChanged(IDLE, CONNECT), OpenConnection()]
    session.connection_opened(0.1, local_address="192.0.2.1", remote_address="192.0.2.2")
    session.receive_data(chunk, now=0.2)            # [SendBytes(...), ..., Established(...)]

A session outlives its connections: after a failure it pauses and asks for the next one, until `stop`. No octets that
a peer may send make a verb raise, and no report from the driver that comes late does any harm.

A session is enough to collect routes, or to talk to a peer that does not dial. A peer that does may cause two
connections at once: for that there is a `Peering` (peer.py), which has a session for each and the same verbs.
"""

from collections.abc import Callable, Iterable, Iterator

import attrs

from bgp import fsm
from bgp.agreement import RouterID, agree, offer
from bgp.config import PeerConfig
from bgp.damping import Damping
from bgp.egress import Egress
from bgp.errors import LocalError, PeerError
from bgp.events import (
    AttemptFailed,
    Established,
    Output,
    RefreshBegun,
    RefreshEnded,
    RefreshRequested,
    SendBytes,
    SessionClosed,
    StateChanged,
)
from bgp.framing import MAX_EXTENDED, Framer
from bgp.iana import CeaseSubcode, RefreshSubtype
from bgp.intake import Intake
from bgp.messages import Keepalive, Message, RouteRefresh, decode, encode
from bgp.negotiated import Negotiated
from bgp.nlri import Destination
from bgp.notification import Notification
from bgp.open import Open
from bgp.outflow import Outflow
from bgp.prefix import Family
from bgp.route import Route, as_names, as_routes
from bgp.statistics import Counters
from bgp.timers import Timers, duration, no_jitter
from bgp.update import Update
from bgp.values import Address, any_address
from bgp.vocabulary import (
    CloseConnection,
    ConnectionFailed,
    ConnectionLost,
    ConnectionOpened,
    Deliver,
    Effect,
    Input,
    KeepaliveReceived,
    MessageRejected,
    NotificationReceived,
    OpenConnection,
    OpenReceived,
    Options,
    ReportDown,
    Reset,
    RouteRefreshReceived,
    Send,
    SendOpen,
    Start,
    StartTimer,
    State,
    Stop,
    StopTimer,
    Timer,
    TimerExpired,
    UpdateReceived,
)


def _damping(session: "Session") -> Damping:
    return Damping(session.config.idle_hold_time)


def _options(session: "Session") -> Options:
    return Options(passive=session.config.passive, delay_open=session.config.delay_open_time > 0)


@attrs.define(eq=False)
class Session:
    """One session; see the head of the module for how to drive it."""

    config: PeerConfig
    """What is wanted."""

    jitter: Callable[[], float] = no_jitter
    """Called for a factor to durations; RFC 4271 10 wants 0.75 to 1.0, at random."""

    connection: int = attrs.field(default=0, kw_only=True)
    """What outputs for the driver call its connection."""

    options: Options = attrs.field(default=attrs.Factory(_options, takes_self=True), kw_only=True)
    """Whether it waits for the peer's connection instead of dialling, and for the peer's OPEN."""

    restarting: bool = attrs.field(default=False, kw_only=True)
    """Whether we have just restarted, and our OPEN is to say so (RFC 4724 4.1); over once the session was up."""

    outflow: Outflow = attrs.field(factory=Outflow, kw_only=True)
    """The routes on their way to the peer."""

    damping: Damping = attrs.field(default=attrs.Factory(_damping, takes_self=True), kw_only=True)
    """How long to pause after failures."""

    identity: RouterID = attrs.field(factory=RouterID, kw_only=True)
    """Our BGP Identifier, if none is configured."""

    counters: Counters = attrs.field(factory=Counters, kw_only=True)
    """What has come and gone."""

    state: State = attrs.field(default=State.IDLE, init=False)
    """Where the state machine is."""

    negotiated: Negotiated | None = attrs.field(default=None, init=False)
    """What both sides agreed on, from the peer's OPEN until the end of the connection."""

    our_open: Open | None = attrs.field(default=None, init=False)
    """The OPEN that we send on the present connection; None: there is no connection."""

    peer_open: Open | None = attrs.field(default=None, init=False)
    """The OPEN that the peer sent, if we agree to it."""

    addresses: tuple[Address, Address] | None = attrs.field(default=None, init=False)
    """Our address and the peer's on the connection, or on the last one."""

    _was_up: bool = attrs.field(default=False, init=False)
    _framer: Framer = attrs.field(factory=Framer, init=False)
    _intake: Intake | None = attrs.field(default=None, init=False)
    _timers: Timers = attrs.field(factory=Timers, init=False)

    @property
    def is_pausing(self) -> bool:
        """Whether it waits for the pause after a failure to end."""
        return self._timers.runs(Timer.IDLE_HOLD)

    # Verbs: what somebody wants.

    def start(self, now: float) -> list[Output]:
        """Bring the session up, and up again whenever it goes down."""
        return self.apply(Start(), now)

    def stop(self, now: float, farewell: Notification | None = None) -> list[Output]:
        """Take the session down and leave it down; `farewell` tells the peer, or an Administrative Shutdown does.

        Raises `LocalError` for a farewell that is too long for the session.
        """
        outputs = self.apply(Stop(self.farewell(farewell or Notification.shutdown(), for_good=True)), now)
        self.damping.forget()
        return outputs

    def suspend(self, now: float) -> list[Output]:
        """Take the session down and leave it down, so that a peer keeps our routes until we are back (RFC 4724).

        Only a peer that keeps them after a NOTIFICATION too gets one (RFC 8538); for others TCP ends.
        """
        if self.negotiated is not None and self.negotiated.graceful_notification:
            outputs = self.apply(Stop(Notification.reset("restarting")), now)
        else:
            outputs = [*self._gone("we are restarting", now), *self.apply(Stop(Notification.reset()), now)]
        self.damping.forget()
        return outputs

    def path_failed(self, now: float, why: str, *, forwarding: bool) -> list[Output]:
        """Give an established session up, since BFD says that the path to the peer is dead (RFC 5882 4.3, RFC 9384).

        `why` is what a person is told beside that. `forwarding`: what has failed is not just the peer's control plane,
        so that its routes must not outlive the session, whatever graceful restart says.
        """
        if self.state is not State.ESTABLISHED or self.negotiated is None:
            return []
        reason = f"BFD: the path to the peer is dead: {why}"
        if self.negotiated.graceful_restart and not forwarding and not self.negotiated.graceful_notification:
            # A NOTIFICATION, if it got through, would end the peer's routes, and ours at the peer.
            return self._gone(reason, now)
        farewell = Notification.cease(CeaseSubcode.BFD_DOWN)
        return self.apply(Reset(self.farewell(farewell, for_good=forwarding), reason), now)

    def reset(self, now: float, farewell: Notification | None = None) -> list[Output]:
        """Take the session down and, after a pause, up again; `farewell` tells the peer, or an Administrative Reset.

        Raises `LocalError` for a farewell that is too long for the session.
        """
        return self.apply(Reset(self.farewell(farewell or Notification.reset())), now)

    def farewell(self, wanted: Notification, *, for_good: bool = False) -> Notification:
        """The NOTIFICATION to end the session with; `for_good` lets the peer keep no route of ours (RFC 8538 3).

        Raises `LocalError` for one that is too long for the session.
        """
        if not isinstance(wanted, Notification):
            raise LocalError(
                f"farewell {wanted!r}, must be a Notification such as Notification.shutdown(text)"
            )
        graceful = for_good and self.negotiated is not None and self.negotiated.graceful_notification
        notification = Notification.hard_reset(wanted) if graceful else wanted
        encode(notification, self.negotiated or _BEFORE_OPEN)
        return notification

    @property
    def routes(self) -> list[Route]:
        """The routes that were announced to the peer."""
        return self.outflow.rib_out.routes

    def announce(self, routes: Iterable[Route | Destination | str], now: float) -> list[Output]:
        """Add routes to those that the peer is to have; possible in every state."""
        stated = as_routes(routes)
        self.outflow.rib_out.announce(stated)
        return [*self.outflow.refuse(stated), *self.advertise(now)]

    def withdraw(self, routes: Iterable[Route | Destination | str], now: float) -> list[Output]:
        """Drop routes from those that the peer is to have; possible in every state."""
        self.outflow.rib_out.withdraw(as_names(routes))
        return self.advertise(now)

    def replace(self, routes: Iterable[Route | Destination | str], now: float) -> list[Output]:
        """State all routes that the peer is to have; only the difference is sent."""
        stated = as_routes(routes)
        self.outflow.rib_out.replace(stated)
        return [*self.outflow.refuse(stated), *self.advertise(now)]

    def reconfigure(self, config: PeerConfig) -> None:
        """Go by another configuration: in part at once, as a whole from the next connection on."""
        self.config = config
        self.options = attrs.evolve(self.options, delay_open=config.delay_open_time > 0)
        self.outflow.reconfigure(config)

    def drain(self, now: float) -> list[Output]:
        """Tell the peer to prefer any other route to ours, since we are about to go (RFC 8326)."""
        self.outflow.drain()
        return self.advertise(now)

    def release(self, now: float) -> list[Output]:
        """Let End-of-RIB go, now that all our routes are known (RFC 4724 4.1)."""
        self.outflow.release()
        return self.advertise(now)

    def advertise(self, now: float) -> list[Output]:
        """Tell the peer, if it is there and takes it, a piece of what it does not know yet.

        If there is more, the time of `next_timeout` has come, so that `handle_timeout` goes on.
        """
        if self.state is not State.ESTABLISHED:
            return []
        refused, messages = self.outflow.take(now)
        outputs = self._send(*messages)
        if outputs and self._timers.runs(Timer.KEEPALIVE):
            # RFC 4271 8.2.2, Established: an UPDATE tells the peer as well that we are there.
            self._start_timer(Timer.KEEPALIVE, now)
        return [*refused, *outputs]

    def pause_sending(self) -> None:
        """Note that the driver has enough to send: no more routes until `resume_sending`."""
        if self.state is State.ESTABLISHED:
            self.outflow.pause()

    def resume_sending(self, now: float) -> list[Output]:
        """Note that the driver has got rid of most of it."""
        if self.state is State.ESTABLISHED:
            self.outflow.resume()
        return self.advertise(now)

    def request_refresh(self, family: Family) -> list[Output]:
        """Ask the peer to send its routes of a family again (RFC 2918 4).

        Raises `LocalError` unless there is a session with a peer that can do it.
        """
        negotiated = self.negotiated if self.state is State.ESTABLISHED else None
        if negotiated is None or not negotiated.route_refresh or family not in negotiated.families:
            raise LocalError(f"route refresh of {family} was not negotiated, or there is no session")
        return self._send(RouteRefresh(family))

    # Verbs: what happened.

    def connection_opened(
        self, now: float, *, local_address: str | Address, remote_address: str | Address
    ) -> list[Output]:
        """Note that TCP is up, between these two addresses."""
        if self.our_open is not None:
            # RFC 4271 gives a second connection a state machine of its own, and so does `Peering`.
            return []
        local, remote = any_address(local_address), any_address(remote_address)
        router_id = self.config.router_id or self.identity.of(local)
        if router_id is None:
            reason = f"no router ID: none is configured, and our address towards {remote_address} is {local}"
            return self.apply(ConnectionFailed(reason), now)
        self.our_open = offer(self.config, router_id, restarting=self.restarting)
        self.addresses = local, remote
        return self.apply(ConnectionOpened(), now)

    def connection_failed(self, now: float, why: str) -> list[Output]:
        """Note that TCP did not come up."""
        return self._gone(why, now)

    def connection_lost(self, now: float, why: str = "the peer closed the connection") -> list[Output]:
        """Note that TCP is gone."""
        return self._gone(why, now)

    def receive_data(self, data: bytes, now: float) -> list[Output]:
        """Take octets that arrived."""
        outputs: list[Output] = []
        for event in self.read(data):
            outputs += self.apply(event, now)
        return outputs

    def data_sent(self, now: float) -> None:
        """Note that TCP has taken octets of what was handed over for sending; call it at least before each timeout.

        A peer that takes nothing for the send hold time is given up, however much it sends (RFC 9687).
        """
        if self._timers.runs(Timer.SEND_HOLD):
            self._start_timer(Timer.SEND_HOLD, now)

    def handle_timeout(self, now: float) -> list[Output]:
        """Act on the timers that have run out; call it when the time of `next_timeout` has come."""
        outputs: list[Output] = []
        for timer in self._timers.expired(now):
            outputs += self.apply(TimerExpired(timer), now)
        return [*outputs, *self.advertise(now)]

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`; None: no timer runs, and there is nothing to tell."""
        turn = self.outflow.next_turn() if self.state is State.ESTABLISHED else None
        moments = self._timers.next_deadline(), turn
        return min((moment for moment in moments if moment is not None), default=None)

    # From octets to inputs of the state machine, and to what comes of them. For `Peering`, which looks in between.

    def read(self, data: bytes) -> Iterator[Input]:
        """Yield what octets mean, one by one; `apply` each before asking for the next."""
        connection = self.our_open
        if connection is None:
            return
        self.counters.octets_received += len(data)
        try:
            for raw in self._framer.feed(data):
                # What the OPEN negotiates holds from the next message on.
                message = decode(raw, self.negotiated or _BEFORE_OPEN)
                self.counters.count_received(message)
                yield self._input(message)
                if self.our_open is not connection:
                    # It is gone, and what came after it came for nobody.
                    return
        except PeerError as error:
            yield MessageRejected(error)

    def apply(self, event: Input, now: float) -> list[Output]:
        """Give an input to the state machine, and carry its effects out."""
        if type(event) is UpdateReceived and self.state is State.ESTABLISHED:
            # The row of the table that sessions consist of, without its detours.
            assert self.negotiated is not None
            self._timers.start(Timer.HOLD, self.negotiated.hold_time, now)
            return self._take(event.message, now)
        return self.look_up(event, now)

    def look_up(self, event: Input, now: float) -> list[Output]:
        """What `apply` does, in every case by the table."""
        old = self.state
        self.state, effects = fsm.transition(old, event, self.options)
        outputs: list[Output] = [] if self.state is old else [StateChanged(old, self.state)]
        for effect in effects:
            outputs += self._carry_out(effect, now)
        return outputs

    def _input(self, message: Message) -> Input:
        match message:
            case Update():
                return UpdateReceived(message)
            case Open():
                self._judge(message)
                return OpenReceived(message)
            case Keepalive():
                return KeepaliveReceived()
            case Notification():
                return NotificationReceived(message)
            case _:
                return RouteRefreshReceived(message)

    def _judge(self, theirs: Open) -> None:
        if self.negotiated is not None:
            # A second OPEN: the state machine will find it out of place.
            return
        assert self.our_open is not None, "no octets are read without a connection"
        self.negotiated = agree(self.config, self.our_open, theirs)
        self.peer_open = theirs
        if self.negotiated.extended_message_receive:
            self._framer.max_message = MAX_EXTENDED

    def _gone(self, why: str, now: float) -> list[Output]:
        lost = self.our_open is not None
        return self.apply(ConnectionLost(why) if lost else ConnectionFailed(why), now)

    # From effects of the state machine to outputs.

    def _carry_out(self, effect: Effect, now: float) -> list[Output]:
        match effect:
            case StartTimer(timer):
                self._start_timer(timer, now)
                return []
            case StopTimer(timer):
                self._timers.stop(timer)
                return []
            case Deliver(message):
                return self._deliver(message, now)
            case Send(message):
                return self._send(message)
            case SendOpen():
                assert self.our_open is not None
                return self._send(self.our_open)
            case OpenConnection():
                return [OpenConnection(self.connection)]
            case CloseConnection():
                self._disconnect()
                return [CloseConnection(self.connection)]
            case ReportDown(reason, sent, received):
                was_up, self._was_up = self._was_up, False
                ending = SessionClosed if was_up else AttemptFailed
                if reason == fsm.TOO_SLOW and self.config.password is not None:
                    # RFC 2385 2.0: segments that are not signed as they should be get no answer.
                    reason += "; the peer may have another password"
                return [ending(reason, sent, received)]
            case _:
                return self._up(now)

    def _start_timer(self, timer: Timer, now: float) -> None:
        hold_time = self.negotiated.hold_time if self.negotiated else None
        if timer is Timer.IDLE_HOLD:
            seconds = self.damping.failed(now) * self.jitter()
        else:
            seconds = duration(timer, self.config, hold_time, self.jitter)
        self._timers.start(timer, seconds, now)

    def _disconnect(self) -> None:
        """Forget whatever belongs to the connection."""
        if self._intake is not None:
            self.outflow.end()
        self.negotiated = self.our_open = self.peer_open = self._intake = None
        self._framer = Framer()

    def _up(self, now: float) -> list[Output]:
        assert self.negotiated is not None
        assert self.our_open is not None
        assert self.peer_open is not None
        assert self.addresses is not None
        self._was_up, self.restarting = True, False
        self.damping.established(now)
        self.counters.established += 1
        self._intake = Intake.of(self.negotiated.families, self.config.prefix_limits)
        egress = Egress(self.config, self.negotiated, *self.addresses, self.our_open.router_id)
        refused = self.outflow.begin(egress, now)
        return [Established(self.negotiated, self.peer_open), *refused, *self.advertise(now)]

    def _deliver(self, message: Update | RouteRefresh, now: float) -> list[Output]:
        if isinstance(message, RouteRefresh):
            return self._refresh(message)
        return self._take(message, now)

    def _take(self, update: Update, now: float) -> list[Output]:
        assert self._intake is not None
        outputs, farewell = self._intake.take(update)
        return [*outputs, *self.reset(now, farewell)] if farewell else outputs

    def _refresh(self, message: RouteRefresh) -> list[Output]:
        assert self.negotiated is not None
        assert self._intake is not None
        family, subtype = message.family, message.subtype
        if family not in self.negotiated.families or not self.config.route_refresh:
            # RFC 2918 4: ignore what was not negotiated.
            return []
        if subtype == RefreshSubtype.REQUEST:
            self.outflow.repeat(family)
            # The answer waits for its turn, `next_timeout`: a hundred requests that come at once get one.
            return [RefreshRequested(family)]
        enhanced = self.negotiated.enhanced_route_refresh
        if self.negotiated.graceful_restart and family not in self._intake.complete:
            # RFC 7313 4: until then, what is not sent again is not yet gone.
            return []
        if enhanced and subtype == RefreshSubtype.BEGIN:
            return [RefreshBegun(family)]
        if enhanced and subtype == RefreshSubtype.END:
            return [RefreshEnded(family)]
        # RFC 7313 5: other subtypes are to be ignored.
        return []

    def _send(self, *messages: Message) -> list[Output]:
        negotiated = self.negotiated or _BEFORE_OPEN
        data = b"".join(encode(message, negotiated) for message in messages)
        for message in messages:
            self.counters.count_sent(message)
        self.counters.octets_sent += len(data)
        return [SendBytes(data, self.connection)] if data else []


_BEFORE_OPEN = Negotiated(four_octet_as=False)
"""Nothing is negotiated yet; OPEN, KEEPALIVE and NOTIFICATION do not depend on it."""
