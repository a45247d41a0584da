"""One session with one peer, without I/O (RFC 4271 section 8).

The state machine (fsm.py) decides; this class remembers. It turns octets into the machine's inputs and the
machine's effects into outputs, keeps the deadlines of the timers, and knows which routes the peer is to have.

A driver has four steps and a timer. Call a verb with the time; carry out, in order, the outputs it returns; call
`handle_timeout` when the time of `next_timeout` has come. Time is any clock that only goes forward, in seconds.

    session = Session(config)
    session.start(now=0.0)                          # [StateChanged(IDLE, CONNECT), OpenConnection()]
    session.connection_opened(0.1, local_address="192.0.2.1", remote_address="192.0.2.2")
    session.receive_data(chunk, now=0.2)            # [SendBytes(...), ..., Established(...)]

A session outlives its connections: after a failure it pauses and asks for the next one, until `stop`. No octets
that a peer may send make a verb raise.
"""

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Address

import attrs

from bgp import fsm
from bgp.capabilities import Capability, FourOctetASCapability, MultiprotocolCapability, encode_capability
from bgp.config import PeerConfig
from bgp.errors import OpenError, PeerError
from bgp.events import (
    EndOfRib,
    Established,
    Output,
    RouteRefused,
    RoutesReceived,
    SendBytes,
    SessionClosed,
    StateChanged,
)
from bgp.faults import Treatment
from bgp.framing import Framer
from bgp.fsm import CloseConnection, OpenConnection, State, Timer
from bgp.iana import AS_TRANS, CeaseSubcode, OpenSubcode
from bgp.messages import Keepalive, Message, RouteRefresh, decode, encode
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import NLRI
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import IPV4_UNICAST, Prefix
from bgp.rib import AdjRibOut, Route
from bgp.update import Update
from bgp.updates import Egress, pack
from bgp.values import Address, any_address

MAX_IDLE_HOLD_TIME = 120.0
"""The longest pause between two attempts, in seconds."""

_STABLE_TIME = 30.0
"""A session that was established for so many seconds makes earlier failures forgotten."""


def _no_jitter() -> float:
    return 1.0


@attrs.define(eq=False)
class Session:
    """One session; see the head of the module for how to drive it."""

    config: PeerConfig
    """What is wanted."""

    jitter: Callable[[], float] = _no_jitter
    """Called for a factor to each duration; RFC 4271 10 wants 0.75 to 1.0, at random."""

    state: State = attrs.field(default=State.IDLE, init=False)
    """Where the state machine is."""

    negotiated: Negotiated | None = attrs.field(default=None, init=False)
    """What both sides agreed on, from the peer's OPEN until the end of the connection."""

    _framer: Framer = attrs.field(factory=Framer, init=False)
    _deadlines: dict[Timer, float] = attrs.field(factory=dict, init=False)
    _failures: int = attrs.field(default=0, init=False)
    _established_at: float | None = attrs.field(default=None, init=False)
    _greeting: Open | None = attrs.field(default=None, init=False)
    _peer_open: Open | None = attrs.field(default=None, init=False)
    _egress: Egress | None = attrs.field(default=None, init=False)
    _rib_out: AdjRibOut = attrs.field(factory=AdjRibOut, init=False)

    # Verbs.

    def start(self, now: float) -> list[Output]:
        """Bring the session up, and up again whenever it goes down."""
        return self._apply(fsm.Start(), now)

    def stop(self, now: float, subcode: CeaseSubcode = CeaseSubcode.ADMINISTRATIVE_SHUTDOWN) -> list[Output]:
        """Take the session down and leave it down; the peer is told with a Cease (RFC 4486)."""
        outputs = self._apply(fsm.Stop(Notification.cease(subcode)), now)
        self._failures = 0
        return outputs

    def connection_opened(
        self, now: float, *, local_address: str | Address, remote_address: str | Address
    ) -> list[Output]:
        """Note that TCP is up, between these two addresses."""
        local = any_address(local_address)
        router_id = self.config.router_id or local
        if not isinstance(router_id, IPv4Address):
            reason = f"no router ID: none is configured, and our address towards {remote_address} is {local}"
            return self._apply(fsm.ConnectionFailed(reason), now)
        self._egress = Egress(
            local_as=self.config.local_as, peer_type=self.config.peer_type, local_address=local
        )
        self._greeting = greeting(self.config, router_id)
        return self._apply(fsm.ConnectionOpened(self._greeting), now)

    def connection_failed(self, now: float, why: str) -> list[Output]:
        """Note that TCP did not come up."""
        return self._apply(fsm.ConnectionFailed(why), now)

    def connection_lost(self, now: float, why: str = "the peer closed the connection") -> list[Output]:
        """Note that TCP is gone."""
        return self._apply(fsm.ConnectionFailed(why), now)

    def receive_data(self, data: bytes, now: float) -> list[Output]:
        """Take octets that arrived."""
        outputs: list[Output] = []
        for event in self._inputs(data):
            outputs += self._apply(event, now)
            if self.state is State.IDLE:
                break
        return outputs

    def handle_timeout(self, now: float) -> list[Output]:
        """Act on the timers that have run out; call it when the time of `next_timeout` has come."""
        outputs: list[Output] = []
        due = [timer for timer, deadline in self._deadlines.items() if deadline <= now]
        for timer in sorted(due, key=self._deadlines.__getitem__):
            # One timer's effects may have stopped another.
            if self._deadlines.get(timer, now + 1) <= now:
                del self._deadlines[timer]
                outputs += self._apply(fsm.TimerExpired(timer), now)
        return outputs

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`; None: no timer runs."""
        return min(self._deadlines.values(), default=None)

    @property
    def routes(self) -> list[Route]:
        """The routes that the peer is to have."""
        return list(self._rib_out.routes)

    def announce(self, routes: Iterable[Route], now: float) -> list[Output]:
        """Add routes to those that the peer is to have; possible in every state."""
        self._rib_out.announce(routes)
        return self._advertise()

    def withdraw(self, prefixes: Iterable[Prefix], now: float) -> list[Output]:
        """Drop routes from those that the peer is to have; possible in every state."""
        self._rib_out.withdraw(prefixes)
        return self._advertise()

    def replace(self, routes: Iterable[Route], now: float) -> list[Output]:
        """State all routes that the peer is to have; only the difference is sent."""
        self._rib_out.replace(routes)
        return self._advertise()

    # From octets to inputs of the state machine.

    def _inputs(self, data: bytes) -> Iterator[fsm.Input]:
        if self.state not in _CONNECTED:
            return
        try:
            for raw in self._framer.feed(data):
                # What the OPEN negotiates holds from the next message on, hence one by one.
                yield self._input(decode(raw, self.negotiated or _BEFORE_OPEN))
        except PeerError as error:
            yield fsm.MessageRejected(error)

    def _input(self, message: Message) -> fsm.Input:
        match message:
            case Open():
                self._agree(message)
                return fsm.OpenReceived(message)
            case Keepalive():
                return fsm.KeepaliveReceived()
            case Update():
                return fsm.UpdateReceived(message)
            case Notification():
                return fsm.NotificationReceived(message)
            case RouteRefresh():
                return fsm.KeepaliveReceived()

    def _agree(self, theirs: Open) -> None:
        """Accept the peer's OPEN, or raise `OpenError` (RFC 4271 6.2)."""
        ours = self._greeting
        assert ours is not None, "an OPEN cannot arrive before ours has been sent"
        if theirs.asn != self.config.peer_as:
            reason = f"the peer says AS {theirs.asn}, configured is {self.config.peer_as}"
            raise OpenError(reason, OpenSubcode.BAD_PEER_AS)
        internal = self.config.peer_type is PeerType.INTERNAL
        if internal and theirs.router_id == ours.router_id:
            # RFC 6286 2.2: within an AS, router IDs are unique.
            reason = f"the peer has our router ID {theirs.router_id}"
            raise OpenError(reason, OpenSubcode.BAD_BGP_IDENTIFIER)
        negotiated = Negotiated.between(
            ours.capabilities,
            theirs.capabilities,
            peer_type=self.config.peer_type,
            hold_time=min(ours.hold_time, theirs.hold_time),
        )
        if not negotiated.families:
            # RFC 5492 5: the data is the capability that we cannot do without.
            missing = encode_capability(MultiprotocolCapability(IPV4_UNICAST))
            reason = f"the peer does not offer {IPV4_UNICAST}"
            raise OpenError(reason, OpenSubcode.UNSUPPORTED_CAPABILITY, missing)
        self.negotiated, self._peer_open = negotiated, theirs

    # From effects of the state machine to outputs.

    def _apply(self, event: fsm.Input, now: float) -> list[Output]:
        old = self.state
        self.state, effects = fsm.transition(old, event, self._durations(now))
        outputs: list[Output] = [] if self.state is old else [StateChanged(old, self.state)]
        for effect in effects:
            outputs += self._carry_out(effect, now)
        return outputs

    def _durations(self, now: float) -> fsm.Durations:
        hold = self.negotiated.hold_time if self.negotiated else 0.0
        pause = self.config.idle_hold_time * 2.0 ** min(self._recent_failures(now), 16)
        return fsm.Durations(
            connect_retry=self.config.connect_retry_time * self.jitter(),
            hold=hold,
            # RFC 4271 4.4: a third of the hold time is a reasonable interval.
            keepalive=hold / 3 * self.jitter(),
            idle_hold=min(pause, MAX_IDLE_HOLD_TIME) * self.jitter(),
        )

    def _recent_failures(self, now: float) -> int:
        stable = self._established_at is not None and now - self._established_at >= _STABLE_TIME
        return 0 if stable else self._failures

    def _carry_out(self, effect: fsm.Effect, now: float) -> list[Output]:
        match effect:
            case OpenConnection() | CloseConnection():
                return [effect]
            case fsm.Send(message):
                return [SendBytes(encode(message, self.negotiated or _BEFORE_OPEN))]
            case fsm.StartTimer(timer, seconds):
                self._deadlines[timer] = now + seconds
                return []
            case fsm.StopTimer(timer):
                self._deadlines.pop(timer, None)
                return []
            case fsm.ReportUp():
                return self._up(now)
            case fsm.ReportDown(reason, sent, received):
                self._down(now)
                return [SessionClosed(reason, sent, received)]
            case fsm.Deliver(update):
                return [_received(update)]

    def _up(self, now: float) -> list[Output]:
        assert self.negotiated is not None
        assert self._peer_open is not None
        self._established_at = now
        self._rib_out.forget()
        end_of_rib = SendBytes(encode(Update(), self.negotiated))
        return [Established(self.negotiated, self._peer_open), *self._advertise(), end_of_rib]

    def _down(self, now: float) -> None:
        self._failures = self._recent_failures(now) + 1
        self._established_at = self.negotiated = self._greeting = self._peer_open = self._egress = None
        self._framer = Framer()
        self._rib_out.forget()

    def _advertise(self) -> list[Output]:
        """Tell the peer what it does not know yet of the routes that it is to have."""
        if self.state is not State.ESTABLISHED:
            return []
        assert self._egress is not None
        assert self.negotiated is not None
        changes = self._rib_out.take_changes(self._egress.attributes_of)
        outputs: list[Output] = [RouteRefused(route, _NO_NEXT_HOP) for route in changes.refused]
        data = b"".join(encode(update, self.negotiated) for update in pack(changes, self.negotiated))
        return [*outputs, SendBytes(data)] if data else outputs


_CONNECTED = frozenset({State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED})

_BEFORE_OPEN = Negotiated(four_octet_as=False)
"""Nothing is negotiated yet; OPEN, KEEPALIVE and NOTIFICATION do not depend on it."""

_NO_NEXT_HOP = "it names no next hop, and our address on the connection is not IPv4"


def greeting(config: PeerConfig, router_id: IPv4Address) -> Open:
    """The OPEN that we send (RFC 4271 4.2)."""
    capabilities: list[Capability] = [MultiprotocolCapability(family) for family in sorted(config.families)]
    return Open(
        my_as=config.local_as if config.local_as <= 0xFFFF else AS_TRANS,
        hold_time=config.hold_time,
        router_id=router_id,
        capabilities=[*capabilities, FourOctetASCapability(config.local_as)],
    )


def _received(update: Update) -> RoutesReceived | EndOfRib:
    if update.end_of_rib is not None:
        return EndOfRib(update.end_of_rib)
    announced, withdrawn = update.announced, update.withdrawn
    if update.treatment is Treatment.TREAT_AS_WITHDRAW:
        withdrawn, announced = NLRI.from_wire(withdrawn.wire + announced.wire), NLRI()
    return RoutesReceived(
        announced=announced, withdrawn=withdrawn, attributes=update.attributes, faults=update.faults
    )
