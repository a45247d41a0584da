"""The state machine of a BGP session (RFC 4271 section 8), as a table.

Nothing in this file reads a clock, holds a socket or remembers anything. `transition` takes the state that a
session is in, what has happened, and how long its timers run. It returns the next state and the effects: what
is to be done, in this order. The session (session.py) remembers the state and carries the effects out.

The way up is the diagonal of the table:

    IDLE           nothing runs, or the pause after a failure does
    CONNECT        TCP is being opened
    ACTIVE         TCP failed under an OPEN; wait for the connect-retry timer, then try again
    OPEN_SENT      TCP is up, our OPEN is out, the peer's is awaited
    OPEN_CONFIRM   both OPENs are fine; the peer's KEEPALIVE, its agreement, is awaited
    ESTABLISHED    routes flow

Every way down ends in IDLE. It stops all timers, closes TCP and, unless somebody wanted the session down,
starts IdleHold, the pause before the next attempt, which grows while attempts fail (RFC 4271 8.1.1,
IdleHoldTime). A fault of the peer is answered by exactly one NOTIFICATION, a NOTIFICATION by none, since
otherwise two speakers that find fault with each other's fault reports would go on for ever.

What is here of the RFC's options: AllowAutomaticStart, and DampPeerOscillations by the growing pause. What is
not: DelayOpen, passive establishment and unconfigured peers, TrackTcpState, collision detection. The RFC's 28
events fold into ten inputs: how something was started or configured makes no difference here. Each input names
its events.

The table has one row per thing that may happen in a state; a timer has a row for each of its states. All
other inputs are answered by the state's own rule for "any other event". So every input has an answer in every
state.
"""

import enum
from collections.abc import Callable
from typing import Any

import attrs

from bgp.errors import FSMError, HoldTimerExpired, PeerError
from bgp.iana import FSMSubcode, MessageType
from bgp.messages import Keepalive
from bgp.notification import Notification
from bgp.open import Open
from bgp.update import Update
from bgp.wire import uint8

OPEN_HOLD_TIME = 240.0
"""How long to wait for the peer's OPEN: the "large value" of RFC 4271 8.2.2, four minutes."""


class State(enum.Enum):
    """Where a session is on its way up (RFC 4271 8.2.2)."""

    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPEN_SENT = "OpenSent"
    OPEN_CONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"

    def __repr__(self) -> str:
        return f"State.{self.name}"


class Timer(enum.Enum):
    """What a session waits for (RFC 4271 8.1.3, 10)."""

    CONNECT_RETRY = "connect-retry"
    """TCP should be up by now; and the pause in ACTIVE."""

    HOLD = "hold"
    """The peer should have been heard by now."""

    KEEPALIVE = "keepalive"
    """The peer should hear from us now."""

    IDLE_HOLD = "idle-hold"
    """The pause after a failure is over."""

    def __repr__(self) -> str:
        return f"Timer.{self.name}"


@attrs.frozen(kw_only=True)
class Durations:
    """How long each timer runs when it is started now, in seconds."""

    connect_retry: float
    hold: float
    """0: neither hold nor keepalive timer run."""
    keepalive: float
    idle_hold: float


# Inputs: what happens to a session.


@attrs.frozen
class Start:
    """Bring the session up. Events 1 and 3 to 7."""


@attrs.frozen
class Stop:
    """Take the session down and leave it down. Events 2 and 8."""

    notification: Notification
    """What to tell the peer, if it listens."""


@attrs.frozen
class ConnectionOpened:
    """TCP is up. Events 16 and 17."""

    greeting: Open
    """The OPEN to send."""


@attrs.frozen
class ConnectionFailed:
    """TCP could not be opened, or is gone. Event 18."""

    reason: str


@attrs.frozen
class OpenReceived:
    """An OPEN that we agree to. Event 19."""

    message: Open


@attrs.frozen
class KeepaliveReceived:
    """A KEEPALIVE. Event 26."""


@attrs.frozen
class UpdateReceived:
    """An UPDATE, maybe with faults that RFC 7606 says to survive. Event 27."""

    message: Update


@attrs.frozen
class NotificationReceived:
    """A NOTIFICATION. Events 24 and 25."""

    message: Notification


@attrs.frozen
class MessageRejected:
    """Octets that are no message, or a message that cannot be accepted. Events 21, 22 and 28."""

    error: PeerError


@attrs.frozen
class TimerExpired:
    """A timer has run out. Events 9, 10, 11 and 13."""

    timer: Timer


Input = (
    Start
    | Stop
    | ConnectionOpened
    | ConnectionFailed
    | OpenReceived
    | KeepaliveReceived
    | UpdateReceived
    | NotificationReceived
    | MessageRejected
    | TimerExpired
)


# Effects: what is to be done.


@attrs.frozen
class OpenConnection:
    """Open TCP to the peer; report `connection_opened` or `connection_failed`."""


@attrs.frozen
class CloseConnection:
    """Close TCP, or give up opening it, once everything sent is out. Report nothing more about it."""


@attrs.frozen
class Send:
    """Send a message."""

    message: Open | Keepalive | Notification


@attrs.frozen
class StartTimer:
    """Let a timer run for some seconds from now, whether or not it runs already."""

    timer: Timer
    seconds: float


@attrs.frozen
class StopTimer:
    """See that a timer does not run."""

    timer: Timer


@attrs.frozen
class ReportUp:
    """The session is established: say so, and send the routes."""


@attrs.frozen
class ReportDown:
    """The session, or an attempt at one, is over."""

    reason: str
    """Why, for a person."""

    sent: Notification | None = None
    received: Notification | None = None


@attrs.frozen
class Deliver:
    """Hand routes to the application."""

    message: Update


Effect = OpenConnection | CloseConnection | Send | StartTimer | StopTimer | ReportUp | ReportDown | Deliver

Transition = tuple[State, tuple[Effect, ...]]


def transition(state: State, event: Input, durations: Durations) -> Transition:
    """Look up what `event` means in `state`: the next state, and the effects in their order."""
    key = event.timer if isinstance(event, TimerExpired) else type(event)
    handler = _TRANSITIONS.get((state, key), _OTHERWISE[state])
    return handler(event, durations)


# Handlers. Each answers one or more rows of the table.


def _ignore(state: State) -> "_Handler":
    def stay(_event: Input, _durations: Durations) -> Transition:
        return state, ()

    return stay


def _connect(_event: Input, durations: Durations) -> Transition:
    return State.CONNECT, (
        StopTimer(Timer.IDLE_HOLD),
        StartTimer(Timer.CONNECT_RETRY, durations.connect_retry),
        OpenConnection(),
    )


def _too_slow(event: TimerExpired, durations: Durations) -> Transition:
    state, effects = _reconnect(event, durations)
    return state, (ReportDown("TCP did not come up within the connect-retry time"), *effects)


def _reconnect(_event: TimerExpired, durations: Durations) -> Transition:
    return State.CONNECT, (
        CloseConnection(),
        StartTimer(Timer.CONNECT_RETRY, durations.connect_retry),
        OpenConnection(),
    )


def _refuse(_event: ConnectionOpened, _durations: Durations) -> Transition:
    return State.IDLE, (CloseConnection(),)


def _stay_down(_event: Stop, _durations: Durations) -> Transition:
    return State.IDLE, (StopTimer(Timer.IDLE_HOLD),)


def _send_open(event: ConnectionOpened, _durations: Durations) -> Transition:
    return State.OPEN_SENT, (
        StopTimer(Timer.CONNECT_RETRY),
        Send(event.greeting),
        StartTimer(Timer.HOLD, OPEN_HOLD_TIME),
    )


def _accept_open(_event: OpenReceived, durations: Durations) -> Transition:
    return State.OPEN_CONFIRM, (Send(Keepalive()), *_restart_keepalive(durations), *_restart_hold(durations))


def _establish(_event: KeepaliveReceived, durations: Durations) -> Transition:
    return State.ESTABLISHED, (*_restart_hold(durations), ReportUp())


def _keepalive(state: State) -> "_Handler":
    def send(_event: TimerExpired, durations: Durations) -> Transition:
        return state, (Send(Keepalive()), *_restart_keepalive(durations))

    return send


def _heard(_event: KeepaliveReceived, durations: Durations) -> Transition:
    return State.ESTABLISHED, _restart_hold(durations)


def _deliver(event: UpdateReceived, durations: Durations) -> Transition:
    return State.ESTABLISHED, (*_restart_hold(durations), Deliver(event.message))


def _wait(event: ConnectionFailed, durations: Durations) -> Transition:
    return State.ACTIVE, (
        CloseConnection(),
        StopTimer(Timer.HOLD),
        ReportDown(event.reason),
        StartTimer(Timer.CONNECT_RETRY, durations.connect_retry),
    )


def _lost(event: ConnectionFailed, durations: Durations) -> Transition:
    return _go_down(ReportDown(event.reason), durations)


def _told_to_go(event: NotificationReceived, durations: Durations) -> Transition:
    reason = f"the peer sent NOTIFICATION {event.message}"
    return _go_down(ReportDown(reason, received=event.message), durations)


def _reject(event: MessageRejected, durations: Durations) -> Transition:
    return _complain(event.error, durations)


def _silent(_event: TimerExpired, durations: Durations) -> Transition:
    return _complain(HoldTimerExpired("nothing heard from the peer for the hold time"), durations)


def _give_up(event: Input, durations: Durations) -> Transition:
    return _go_down(ReportDown(f"{type(event).__name__} without a connection"), durations)


def _unexpected(state: State, subcode: FSMSubcode) -> "_Handler":
    def complain(event: Input, durations: Durations) -> Transition:
        # RFC 6608 3: the data is the type of the message.
        message_type = _MESSAGE_TYPES.get(type(event))
        data = b"" if message_type is None else uint8(message_type)
        name = type(event).__name__ if message_type is None else message_type.name
        return _complain(FSMError(f"{name} in state {state.value}", subcode, data), durations)

    return complain


def _stop(event: Stop, _durations: Durations) -> Transition:
    down = ReportDown("stopped", sent=event.notification)
    return State.IDLE, (Send(event.notification), *_teardown(down))


def _stop_connecting(_event: Stop, _durations: Durations) -> Transition:
    return State.IDLE, _teardown(ReportDown("stopped"))


# What handlers share.


def _restart_hold(durations: Durations) -> tuple[Effect, ...]:
    # RFC 4271 4.4: a hold time of zero means no hold timer and no KEEPALIVEs.
    return (StartTimer(Timer.HOLD, durations.hold) if durations.hold else StopTimer(Timer.HOLD),)


def _restart_keepalive(durations: Durations) -> tuple[Effect, ...]:
    return (StartTimer(Timer.KEEPALIVE, durations.keepalive),) if durations.hold else ()


def _complain(error: PeerError, durations: Durations) -> Transition:
    notification = Notification.from_error(error)
    state, effects = _go_down(ReportDown(str(error), sent=notification), durations)
    return state, (Send(notification), *effects)


def _go_down(down: ReportDown, durations: Durations) -> Transition:
    return State.IDLE, (*_teardown(down), StartTimer(Timer.IDLE_HOLD, durations.idle_hold))


def _teardown(down: ReportDown) -> tuple[Effect, ...]:
    return (
        StopTimer(Timer.CONNECT_RETRY),
        StopTimer(Timer.HOLD),
        StopTimer(Timer.KEEPALIVE),
        CloseConnection(),
        down,
    )


_MESSAGE_TYPES = {
    OpenReceived: MessageType.OPEN,
    UpdateReceived: MessageType.UPDATE,
    KeepaliveReceived: MessageType.KEEPALIVE,
}

_Handler = Callable[[Any, Durations], Transition]

# The table. At the end of each row, the paragraph of RFC 4271 8.2.2 ("Connect 16": event 16 in state
# Connect).
_TRANSITIONS: dict[tuple[State, type[Input] | Timer], _Handler] = {
    (State.IDLE, Start): _connect,  # Idle 1, 3
    (State.IDLE, Timer.IDLE_HOLD): _connect,  # Idle 13
    (State.IDLE, Stop): _stay_down,  # Idle 2, 8, and no automatic start any more
    (State.IDLE, ConnectionOpened): _refuse,  # Idle: refuses all connections
    #
    (State.CONNECT, Start): _ignore(State.CONNECT),  # Connect 1, 3-7
    (State.CONNECT, Stop): _stop_connecting,  # Connect 2
    (State.CONNECT, Timer.CONNECT_RETRY): _too_slow,  # Connect 9
    (State.CONNECT, ConnectionOpened): _send_open,  # Connect 16, 17
    (State.CONNECT, ConnectionFailed): _lost,  # Connect 18
    #
    (State.ACTIVE, Start): _ignore(State.ACTIVE),  # Active 1, 3-7
    (State.ACTIVE, Stop): _stop_connecting,  # Active 2
    (State.ACTIVE, Timer.CONNECT_RETRY): _reconnect,  # Active 9
    (State.ACTIVE, ConnectionOpened): _send_open,  # Active 16, 17
    (State.ACTIVE, ConnectionFailed): _lost,  # Active 18
    #
    (State.OPEN_SENT, Start): _ignore(State.OPEN_SENT),  # OpenSent 1, 3-7
    (State.OPEN_SENT, Stop): _stop,  # OpenSent 2, 8
    (State.OPEN_SENT, Timer.HOLD): _silent,  # OpenSent 10
    (State.OPEN_SENT, ConnectionFailed): _wait,  # OpenSent 18
    (State.OPEN_SENT, OpenReceived): _accept_open,  # OpenSent 19
    (State.OPEN_SENT, MessageRejected): _reject,  # OpenSent 21, 22
    (State.OPEN_SENT, NotificationReceived): _told_to_go,  # OpenSent 24; 25 by 6.4: no answer
    #
    (State.OPEN_CONFIRM, Start): _ignore(State.OPEN_CONFIRM),  # OpenConfirm 1, 3-7
    (State.OPEN_CONFIRM, Stop): _stop,  # OpenConfirm 2, 8
    (State.OPEN_CONFIRM, Timer.HOLD): _silent,  # OpenConfirm 10
    (State.OPEN_CONFIRM, Timer.KEEPALIVE): _keepalive(State.OPEN_CONFIRM),  # OpenConfirm 11
    (State.OPEN_CONFIRM, ConnectionFailed): _lost,  # OpenConfirm 18
    (State.OPEN_CONFIRM, MessageRejected): _reject,  # OpenConfirm 21, 22
    (State.OPEN_CONFIRM, NotificationReceived): _told_to_go,  # OpenConfirm 24, 25
    (State.OPEN_CONFIRM, KeepaliveReceived): _establish,  # OpenConfirm 26
    #
    (State.ESTABLISHED, Start): _ignore(State.ESTABLISHED),  # Established 1, 3-7
    (State.ESTABLISHED, Stop): _stop,  # Established 2, 8
    (State.ESTABLISHED, Timer.HOLD): _silent,  # Established 10
    (State.ESTABLISHED, Timer.KEEPALIVE): _keepalive(State.ESTABLISHED),  # Established 11
    (State.ESTABLISHED, ConnectionFailed): _lost,  # Established 18
    (State.ESTABLISHED, MessageRejected): _reject,  # Established 21, 28
    (State.ESTABLISHED, NotificationReceived): _told_to_go,  # Established 24, 25
    (State.ESTABLISHED, KeepaliveReceived): _heard,  # Established 26
    (State.ESTABLISHED, UpdateReceived): _deliver,  # Established 27
}

# "In response to any other event": the last paragraph of each state in RFC 4271 8.2.2.
_OTHERWISE: dict[State, _Handler] = {
    State.IDLE: _ignore(State.IDLE),
    State.CONNECT: _give_up,
    State.ACTIVE: _give_up,
    State.OPEN_SENT: _unexpected(State.OPEN_SENT, FSMSubcode.UNEXPECTED_MESSAGE_IN_OPEN_SENT),
    State.OPEN_CONFIRM: _unexpected(State.OPEN_CONFIRM, FSMSubcode.UNEXPECTED_MESSAGE_IN_OPEN_CONFIRM),
    State.ESTABLISHED: _unexpected(State.ESTABLISHED, FSMSubcode.UNEXPECTED_MESSAGE_IN_ESTABLISHED),
}
