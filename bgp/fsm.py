"""The state machine of a BGP connection (RFC 4271 section 8), as a table.

Nothing in this file reads a clock, holds a socket or remembers anything. `transition` takes the state that a
connection is in, what has happened, and the options in force. It returns the next state and the effects: what
is to be done, in this order. The session (session.py) remembers the state and carries the effects out.

The way up is the diagonal of the table:

    IDLE           nothing runs, or the pause after a failure does
    CONNECT        TCP is being opened, or is open and the DelayOpen timer runs
    ACTIVE         the peer's connection is awaited, and our next attempt if we make any
    OPEN_SENT      TCP is up, our OPEN is out, the peer's is awaited
    OPEN_CONFIRM   both OPENs are fine; the peer's KEEPALIVE, its agreement, is awaited
    ESTABLISHED    routes flow

From a connection lost under our OPEN the way leads back to ACTIVE. Every other way down ends in IDLE: it stops all
timers, closes TCP and, unless somebody wanted the session down, starts IdleHold, the pause before the next attempt,
which grows while attempts fail (DampPeerOscillations and IdleHoldTime of RFC 4271 8.1.1). A fault of the peer is
answered by exactly one NOTIFICATION, a NOTIFICATION by none, since otherwise two speakers that find fault with each
other's fault reports would go on for ever. Before our OPEN is out there is none either (SendNOTIFICATIONwithoutOPEN
is off).

One machine is about one connection. The RFC gives a second connection with the same peer a machine of its own,
and so does peer.py; which of two goes on (6.8) is a question of its own (collision.py).

The RFC numbers its events; each input names its own (vocabulary.py). Most are one to one. Where they fold, the
difference is none of this table's business:

    1, 3 to 7     who started it, and how, makes no difference; whether we dial is an option
    13            the pause is over: it starts the machine, as 6 and 7 do
    14, 15        TrackTcpState: who may connect is judged before there is a machine
    16, 17        which side dialled makes no difference
    23 into 2     the loser of a collision is stopped, with a Cease of its own, and its machine forgotten
    24 into 25    a peer without version 4 cannot be talked to in another: we know no other

18 has two inputs, since the machine would otherwise have to remember whether TCP was up. 19 in OpenConfirm is about the
other connection; a second OPEN on this one is out of place. 29 is RFC 9687's.

The table has one row per thing that may happen in a state. A timer has a row for each of its states, and a broken
message one for each kind of message (21, 22, 28). All other inputs are answered by the state's own rule for "any
other event". So every input has an answer in every state.
"""

from collections.abc import Callable
from typing import Any

from bgp.errors import (
    FSMError,
    HeaderError,
    HoldTimerExpired,
    OpenError,
    PeerError,
    RouteRefreshError,
    SendHoldTimerExpired,
    UpdateError,
)
from bgp.iana import FSMSubcode, MessageType
from bgp.messages import Keepalive
from bgp.notification import Notification
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
    ReportUp,
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
from bgp.wire import uint8

Transition = tuple[State, tuple[Effect, ...]]

TOO_SLOW = "TCP did not come up within the connect-retry time"
"""What is reported when a peer's host does not answer."""


def transition(state: State, event: Input, options: Options) -> Transition:
    """Look up what `event` means in `state`: the next state, and the effects in their order."""
    return _TRANSITIONS.get((state, _key(event)), _OTHERWISE[state])(event, options)


_Key = type[Input] | type[PeerError] | Timer


def _key(event: Input) -> _Key:
    match event:
        case TimerExpired(timer):
            return timer
        case MessageRejected(error):
            return type(error)
        case _:
            return type(event)


# Handlers. Each answers one or more rows of the table.


def _ignore(state: State) -> "_Handler":
    def stay(_event: Input, _options: Options) -> Transition:
        return state, ()

    return stay


def _start(_event: Input, options: Options) -> Transition:
    state, effects = _try(options)
    return state, (StopTimer(Timer.IDLE_HOLD), *effects)


def _too_slow(event: TimerExpired, options: Options) -> Transition:
    state, effects = _reconnect(event, options)
    return state, (ReportDown(TOO_SLOW), *effects)


def _reconnect(_event: TimerExpired, options: Options) -> Transition:
    state, effects = _try(options)
    return state, (StopTimer(Timer.DELAY_OPEN), CloseConnection(), *effects)


def _refuse(_event: ConnectionOpened, _options: Options) -> Transition:
    return State.IDLE, (CloseConnection(),)


def _stay_down(_event: Stop, _options: Options) -> Transition:
    return State.IDLE, (StopTimer(Timer.IDLE_HOLD),)


def _connected(state: State) -> "_Handler":
    def send_open_or_wait(event: ConnectionOpened, options: Options) -> Transition:
        if options.delay_open:
            return state, (StopTimer(Timer.CONNECT_RETRY), StartTimer(Timer.DELAY_OPEN))
        return _send_open(event, options)

    return send_open_or_wait


def _send_open(_event: Input, _options: Options) -> Transition:
    return State.OPEN_SENT, (
        StopTimer(Timer.CONNECT_RETRY),
        StopTimer(Timer.DELAY_OPEN),
        SendOpen(),
        StartTimer(Timer.HOLD),
    )


def _answer_open(event: OpenReceived, options: Options) -> Transition:
    state, effects = _accept_open(event, options)
    stop = StopTimer(Timer.CONNECT_RETRY), StopTimer(Timer.DELAY_OPEN)
    return state, (*stop, SendOpen(), *effects)


def _accept_open(_event: OpenReceived, _options: Options) -> Transition:
    return State.OPEN_CONFIRM, (Send(Keepalive()), StartTimer(Timer.KEEPALIVE), StartTimer(Timer.HOLD))


def _establish(_event: KeepaliveReceived, _options: Options) -> Transition:
    return State.ESTABLISHED, (StartTimer(Timer.HOLD), StartTimer(Timer.SEND_HOLD), ReportUp())


def _keepalive(state: State) -> "_Handler":
    def send(_event: TimerExpired, _options: Options) -> Transition:
        return state, (Send(Keepalive()), StartTimer(Timer.KEEPALIVE))

    return send


def _heard(_event: KeepaliveReceived, _options: Options) -> Transition:
    return State.ESTABLISHED, (_RESTART_HOLD,)


def _deliver(event: UpdateReceived | RouteRefreshReceived, _options: Options) -> Transition:
    return State.ESTABLISHED, (_RESTART_HOLD, Deliver(event.message))


def _listen(event: ConnectionLost, options: Options) -> Transition:
    retry = StopTimer(Timer.CONNECT_RETRY) if options.passive else StartTimer(Timer.CONNECT_RETRY)
    return State.ACTIVE, (
        StopTimer(Timer.DELAY_OPEN),
        StopTimer(Timer.HOLD),
        CloseConnection(),
        ReportDown(event.reason),
        retry,
    )


def _lost(event: ConnectionFailed | ConnectionLost, _options: Options) -> Transition:
    return _go_down(ReportDown(event.reason))


def _told_to_go(event: NotificationReceived, _options: Options) -> Transition:
    return _go_down(ReportDown(f"the peer sent NOTIFICATION {event.message}", received=event.message))


def _reject(event: MessageRejected, _options: Options) -> Transition:
    return _complain(event.error)


def _reject_silently(event: MessageRejected, _options: Options) -> Transition:
    return _go_down(ReportDown(str(event.error)))


def _silent(_event: TimerExpired, _options: Options) -> Transition:
    return _complain(HoldTimerExpired("nothing heard from the peer for the hold time"))


def _stuck(_event: TimerExpired, _options: Options) -> Transition:
    # A NOTIFICATION would wait behind what the peer does not take.
    fault = Notification.from_error(SendHoldTimerExpired(""))
    return _go_down(ReportDown(f"{fault}: the peer took nothing of what was sent for the send hold time"))


def _give_up(event: Input, _options: Options) -> Transition:
    return _go_down(ReportDown(f"{_name(event)} before there was a session"))


def _unexpected(state: State, subcode: FSMSubcode) -> "_Handler":
    def complain(event: Input, _options: Options) -> Transition:
        # RFC 6608 3: the data is the type of the message.
        message_type = _MESSAGE_TYPES.get(_key(event))
        data = b"" if message_type is None else uint8(message_type)
        return _complain(FSMError(f"{_name(event)} in state {state.value}", subcode, data))

    return complain


def _stop(event: Stop, _options: Options) -> Transition:
    down = ReportDown(f"stopped: {event.notification}", sent=event.notification)
    return State.IDLE, (Send(event.notification), *_teardown(down))


def _stop_unheard(_event: Stop, _options: Options) -> Transition:
    return State.IDLE, _teardown(ReportDown("stopped"))


def _reset(event: Reset, _options: Options) -> Transition:
    reason = event.reason or f"reset: {event.notification}"
    state, effects = _go_down(ReportDown(reason, sent=event.notification))
    return state, (Send(event.notification), *effects)


# What handlers share.

_RESTART_HOLD = StartTimer(Timer.HOLD)


def _try(options: Options) -> Transition:
    if options.passive:
        return State.ACTIVE, (StopTimer(Timer.CONNECT_RETRY),)
    return State.CONNECT, (StartTimer(Timer.CONNECT_RETRY), OpenConnection())


def _complain(error: PeerError) -> Transition:
    notification = Notification.from_error(error)
    state, effects = _go_down(ReportDown(str(error), sent=notification))
    return state, (Send(notification), *effects)


def _go_down(down: ReportDown) -> Transition:
    return State.IDLE, (*_teardown(down), StartTimer(Timer.IDLE_HOLD))


def _teardown(down: ReportDown) -> tuple[Effect, ...]:
    return (*map(StopTimer, Timer), CloseConnection(), down)


def _name(event: Input) -> str:
    message_type = _MESSAGE_TYPES.get(_key(event))
    if message_type is not None:
        return message_type.name
    return f"the {event.timer.value} timer" if isinstance(event, TimerExpired) else type(event).__name__


_MESSAGE_TYPES: dict[_Key, MessageType] = {
    OpenReceived: MessageType.OPEN,
    OpenError: MessageType.OPEN,
    UpdateReceived: MessageType.UPDATE,
    UpdateError: MessageType.UPDATE,
    KeepaliveReceived: MessageType.KEEPALIVE,
    RouteRefreshReceived: MessageType.ROUTE_REFRESH,
    RouteRefreshError: MessageType.ROUTE_REFRESH,
}

_Handler = Callable[[Any, Options], Transition]

# The table. At the end of each row, the paragraph of RFC 4271 8.2.2 ("Connect 16": event 16 in state
# Connect), or what else demands it.
_TRANSITIONS: dict[tuple[State, _Key], _Handler] = {
    (State.IDLE, Start): _start,  # Idle 1, 3-7
    (State.IDLE, Timer.IDLE_HOLD): _start,  # Idle 13
    (State.IDLE, Stop): _stay_down,  # Idle 2, and no automatic start any more
    (State.IDLE, ConnectionOpened): _refuse,  # Idle: refuses all connections
    #
    (State.CONNECT, Start): _ignore(State.CONNECT),  # Connect 1, 3-7
    (State.CONNECT, Stop): _stop_unheard,  # Connect 2
    (State.CONNECT, Timer.CONNECT_RETRY): _too_slow,  # Connect 9
    (State.CONNECT, Timer.DELAY_OPEN): _send_open,  # Connect 12
    (State.CONNECT, ConnectionOpened): _connected(State.CONNECT),  # Connect 16, 17
    (State.CONNECT, ConnectionFailed): _lost,  # Connect 18
    (State.CONNECT, ConnectionLost): _listen,  # Connect 18, the DelayOpen timer running
    (State.CONNECT, OpenReceived): _answer_open,  # Connect 20
    (State.CONNECT, HeaderError): _reject_silently,  # Connect 21
    (State.CONNECT, OpenError): _reject_silently,  # Connect 22
    (State.CONNECT, NotificationReceived): _told_to_go,  # Connect 24, 25
    #
    (State.ACTIVE, Start): _ignore(State.ACTIVE),  # Active 1, 3-7
    (State.ACTIVE, Stop): _stop_unheard,  # Active 2
    (State.ACTIVE, Timer.CONNECT_RETRY): _reconnect,  # Active 9
    (State.ACTIVE, Timer.DELAY_OPEN): _send_open,  # Active 12
    (State.ACTIVE, ConnectionOpened): _connected(State.ACTIVE),  # Active 16, 17
    (State.ACTIVE, ConnectionFailed): _lost,  # Active 18
    (State.ACTIVE, ConnectionLost): _lost,  # Active 18
    (State.ACTIVE, OpenReceived): _answer_open,  # Active 20
    (State.ACTIVE, HeaderError): _reject_silently,  # Active 21
    (State.ACTIVE, OpenError): _reject_silently,  # Active 22
    (State.ACTIVE, NotificationReceived): _told_to_go,  # Active 24, 25
    #
    (State.OPEN_SENT, Start): _ignore(State.OPEN_SENT),  # OpenSent 1, 3-7
    (State.OPEN_SENT, Stop): _stop,  # OpenSent 2, 23
    (State.OPEN_SENT, Reset): _reset,  # OpenSent 8
    (State.OPEN_SENT, Timer.HOLD): _silent,  # OpenSent 10
    (State.OPEN_SENT, ConnectionOpened): _ignore(State.OPEN_SENT),  # OpenSent 16, 17: not this machine's
    (State.OPEN_SENT, ConnectionLost): _listen,  # OpenSent 18
    (State.OPEN_SENT, OpenReceived): _accept_open,  # OpenSent 19
    (State.OPEN_SENT, HeaderError): _reject,  # OpenSent 21
    (State.OPEN_SENT, OpenError): _reject,  # OpenSent 22
    (State.OPEN_SENT, NotificationReceived): _told_to_go,  # OpenSent 24; 25 by 6.4: no answer
    #
    (State.OPEN_CONFIRM, Start): _ignore(State.OPEN_CONFIRM),  # OpenConfirm 1, 3-7
    (State.OPEN_CONFIRM, Stop): _stop,  # OpenConfirm 2, 23
    (State.OPEN_CONFIRM, Reset): _reset,  # OpenConfirm 8
    (State.OPEN_CONFIRM, Timer.HOLD): _silent,  # OpenConfirm 10
    (State.OPEN_CONFIRM, Timer.KEEPALIVE): _keepalive(State.OPEN_CONFIRM),  # OpenConfirm 11
    (State.OPEN_CONFIRM, ConnectionOpened): _ignore(State.OPEN_CONFIRM),  # OpenConfirm 16, 17: likewise
    (State.OPEN_CONFIRM, ConnectionLost): _lost,  # OpenConfirm 18
    (State.OPEN_CONFIRM, HeaderError): _reject,  # OpenConfirm 21
    (State.OPEN_CONFIRM, OpenError): _reject,  # OpenConfirm 22
    (State.OPEN_CONFIRM, NotificationReceived): _told_to_go,  # OpenConfirm 24, 25
    (State.OPEN_CONFIRM, KeepaliveReceived): _establish,  # OpenConfirm 26
    #
    (State.ESTABLISHED, Start): _ignore(State.ESTABLISHED),  # Established 1, 3-7
    (State.ESTABLISHED, Stop): _stop,  # Established 2, 23
    (State.ESTABLISHED, Reset): _reset,  # Established 8
    (State.ESTABLISHED, Timer.HOLD): _silent,  # Established 10
    (State.ESTABLISHED, Timer.KEEPALIVE): _keepalive(State.ESTABLISHED),  # Established 11
    (State.ESTABLISHED, Timer.SEND_HOLD): _stuck,  # Established 29, RFC 9687 4.3
    (State.ESTABLISHED, ConnectionOpened): _ignore(State.ESTABLISHED),  # Established 16, 17: likewise
    (State.ESTABLISHED, ConnectionLost): _lost,  # Established 18
    (State.ESTABLISHED, HeaderError): _reject,  # Established 21: RFC 4271 6.1
    (State.ESTABLISHED, NotificationReceived): _told_to_go,  # Established 24, 25
    (State.ESTABLISHED, KeepaliveReceived): _heard,  # Established 26
    (State.ESTABLISHED, UpdateReceived): _deliver,  # Established 27
    (State.ESTABLISHED, UpdateError): _reject,  # Established 28
    (State.ESTABLISHED, RouteRefreshReceived): _deliver,  # RFC 2918 4
    (State.ESTABLISHED, RouteRefreshError): _reject,  # RFC 7313 5
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
