"""The table: every input has an answer in every state, and the rows do what RFC 4271 8.2.2 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.errors import HeaderError, OpenError, RouteRefreshError, UpdateError
from bgp.fsm import transition
from bgp.messages import Keepalive, RouteRefresh
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import IPV4_UNICAST
from bgp.update import Update
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

OPEN = Open(my_as=64512, hold_time=90, router_id="192.0.2.1")
CEASE = Notification(6, 2)
REFRESH = RouteRefresh(IPV4_UNICAST)
ERRORS = [
    HeaderError("marker", 1),
    OpenError("version", 1, b"\x00\x04"),
    UpdateError("list", 1),
    RouteRefreshError("length", 1, b"whole"),
]

INPUTS: list[Input] = [
    Start(),
    Stop(CEASE),
    Reset(CEASE),
    ConnectionOpened(),
    ConnectionFailed("refused"),
    ConnectionLost("reset"),
    OpenReceived(OPEN),
    KeepaliveReceived(),
    UpdateReceived(Update()),
    RouteRefreshReceived(REFRESH),
    NotificationReceived(CEASE),
    *map(MessageRejected, ERRORS),
    *map(TimerExpired, Timer),
]
DIAL = Options()
PASSIVE = Options(passive=True)
DELAY = Options(delay_open=True)
ALL_OPTIONS = [DIAL, PASSIVE, DELAY, Options(passive=True, delay_open=True)]

HEARD = State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED
"""Our OPEN is out: the peer may be told what is wrong."""

NEXT = {
    State.IDLE: {State.CONNECT, State.ACTIVE},
    State.CONNECT: {State.ACTIVE, State.OPEN_SENT, State.OPEN_CONFIRM},
    State.ACTIVE: {State.CONNECT, State.OPEN_SENT, State.OPEN_CONFIRM},
    State.OPEN_SENT: {State.ACTIVE, State.OPEN_CONFIRM},
    State.OPEN_CONFIRM: {State.ESTABLISHED},
    State.ESTABLISHED: set[State](),
}
"""Where a state may lead, beside back to itself and down to Idle."""


def notifications(effects: tuple[Effect, ...]) -> list[Notification]:
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    return [message for message in sent if isinstance(message, Notification)]


def run_timers(running: set[Timer], effects: tuple[Effect, ...]) -> set[Timer]:
    for effect in effects:
        match effect:
            case StartTimer(timer):
                running = running | {timer}
            case StopTimer(timer):
                running = running - {timer}
    return running


@pytest.mark.parametrize("state", State, ids=str)
@pytest.mark.parametrize("event", INPUTS, ids=str)
@pytest.mark.parametrize("options", ALL_OPTIONS, ids=str)
def test_every_input_is_answered_in_every_state(state: State, event: Input, options: Options) -> None:
    after, effects = transition(state, event, options)
    kinds = [type(effect) for effect in effects]
    assert after in {state, State.IDLE} | NEXT[state]
    assert (ReportUp in kinds) == (after is State.ESTABLISHED and state is not after)
    if after is State.IDLE:
        assert run_timers(set(Timer) if state is not after else set(), effects) <= {Timer.IDLE_HOLD}
        assert state is after or kinds.count(CloseConnection) == kinds.count(ReportDown) == 1
    told = notifications(effects)
    assert len(told) <= 1
    if told:
        assert after is State.IDLE
        assert state in HEARD
        assert kinds.index(Send) < kinds.index(CloseConnection)
        assert [effect.sent for effect in effects if isinstance(effect, ReportDown)] == told
    if isinstance(event, NotificationReceived):
        assert not told
    if options.passive and state is not State.CONNECT:
        assert OpenConnection not in kinds


def test_the_inputs_above_are_all_there_are() -> None:
    assert {type(event) for event in INPUTS} == set(Input.__args__)


def expected_timers(state: State, options: Options) -> list[set[Timer]]:
    """The timers that may run in a state."""
    match state:
        case State.IDLE:
            return [set(), {Timer.IDLE_HOLD}]
        case State.CONNECT:
            return [{Timer.CONNECT_RETRY}, {Timer.DELAY_OPEN}]
        case State.ACTIVE:
            return [set() if options.passive else {Timer.CONNECT_RETRY}, {Timer.DELAY_OPEN}]
        case State.OPEN_SENT:
            return [{Timer.HOLD}]
        case State.OPEN_CONFIRM:
            return [{Timer.HOLD, Timer.KEEPALIVE}]
        case State.ESTABLISHED:
            return [{Timer.HOLD, Timer.KEEPALIVE, Timer.SEND_HOLD}]


@given(st.lists(st.sampled_from(INPUTS), max_size=40), st.sampled_from(ALL_OPTIONS))
def test_no_sequence_leaves_a_timer_running_that_should_not(events: list[Input], options: Options) -> None:
    state, running = State.IDLE, set[Timer]()
    for event in events:
        if isinstance(event, TimerExpired):
            if event.timer not in running:
                continue
            running = running - {event.timer}
        state, effects = transition(state, event, options)
        running = run_timers(running, effects)
        assert running in expected_timers(state, options)


Step = tuple[Input, State, tuple[Effect, ...]]


def climb(state: State, steps: list[Step], options: Options) -> None:
    for event, expected, effects in steps:
        state, found = transition(state, event, options)
        assert (state, found) == (expected, effects)


CONNECTED: Step = (
    ConnectionOpened(),
    State.OPEN_SENT,
    (StopTimer(Timer.CONNECT_RETRY), StopTimer(Timer.DELAY_OPEN), SendOpen(), StartTimer(Timer.HOLD)),
)


def test_the_way_up() -> None:
    retry, hold = StartTimer(Timer.CONNECT_RETRY), StartTimer(Timer.HOLD)
    steps: list[Step] = [
        (Start(), State.CONNECT, (StopTimer(Timer.IDLE_HOLD), retry, OpenConnection())),
        CONNECTED,
        (
            OpenReceived(OPEN),
            State.OPEN_CONFIRM,
            (Send(Keepalive()), StartTimer(Timer.KEEPALIVE), hold),
        ),
        (KeepaliveReceived(), State.ESTABLISHED, (hold, StartTimer(Timer.SEND_HOLD), ReportUp())),
        (KeepaliveReceived(), State.ESTABLISHED, (hold,)),
        (UpdateReceived(Update()), State.ESTABLISHED, (hold, Deliver(Update()))),
        (RouteRefreshReceived(REFRESH), State.ESTABLISHED, (hold, Deliver(REFRESH))),
        (
            TimerExpired(Timer.KEEPALIVE),
            State.ESTABLISHED,
            (Send(Keepalive()), StartTimer(Timer.KEEPALIVE)),
        ),
    ]
    climb(State.IDLE, steps, DIAL)


def test_a_passive_session_waits_to_be_called() -> None:
    stop = StopTimer(Timer.IDLE_HOLD), StopTimer(Timer.CONNECT_RETRY)
    climb(State.IDLE, [(Start(), State.ACTIVE, stop), CONNECTED], PASSIVE)
    climb(State.IDLE, [(TimerExpired(Timer.IDLE_HOLD), State.ACTIVE, stop)], PASSIVE)
    state, effects = transition(State.OPEN_SENT, ConnectionLost("reset"), PASSIVE)
    assert state is State.ACTIVE
    assert run_timers(set(), effects) == set()


@pytest.mark.parametrize("state", [State.CONNECT, State.ACTIVE], ids=str)
def test_delay_open_lets_the_peer_speak_first(state: State) -> None:
    # RFC 4271 8.2.2, events 16, 12 and 20 in Connect and Active.
    stop_retry, stop_delay = StopTimer(Timer.CONNECT_RETRY), StopTimer(Timer.DELAY_OPEN)
    waits: Step = (ConnectionOpened(), state, (stop_retry, StartTimer(Timer.DELAY_OPEN)))
    hold = StartTimer(Timer.HOLD)
    gives_in = (TimerExpired(Timer.DELAY_OPEN), State.OPEN_SENT, (stop_retry, stop_delay, SendOpen(), hold))
    answers = Send(Keepalive()), StartTimer(Timer.KEEPALIVE), hold
    hears = (OpenReceived(OPEN), State.OPEN_CONFIRM, (stop_retry, stop_delay, SendOpen(), *answers))
    climb(state, [waits, gives_in], DELAY)
    climb(state, [waits, hears], DELAY)


def test_a_connection_lost_before_our_open() -> None:
    # Connect 18 and Active 18.
    state, effects = transition(State.CONNECT, ConnectionLost("reset"), DELAY)
    assert state is State.ACTIVE
    assert run_timers({Timer.DELAY_OPEN}, effects) == {Timer.CONNECT_RETRY}
    assert transition(State.ACTIVE, ConnectionLost("reset"), DELAY)[0] is State.IDLE


@pytest.mark.parametrize("state", [State.CONNECT, State.ACTIVE], ids=str)
@pytest.mark.parametrize("error", ERRORS[:2], ids=repr)
def test_nobody_is_told_before_our_open(state: State, error: HeaderError | OpenError) -> None:
    after, effects = transition(state, MessageRejected(error), DELAY)
    assert after is State.IDLE
    assert ReportDown(str(error)) in effects


@pytest.mark.parametrize("state", HEARD, ids=str)
def test_a_notification_is_not_answered(state: State) -> None:
    # RFC 4271 6.4.
    after, effects = transition(state, NotificationReceived(CEASE), DIAL)
    assert after is State.IDLE
    assert ReportDown(f"the peer sent NOTIFICATION {CEASE}", received=CEASE) in effects


@pytest.mark.parametrize(
    ("state", "error", "notification"),
    [
        (State.OPEN_SENT, 0, Notification(1, 1)),
        (State.OPEN_SENT, 1, Notification(2, 1, b"\x00\x04")),
        (State.OPEN_SENT, 2, Notification(5, 1, b"\x02")),
        (State.OPEN_SENT, 3, Notification(5, 1, b"\x05")),
        (State.OPEN_CONFIRM, 0, Notification(1, 1)),
        (State.OPEN_CONFIRM, 1, Notification(2, 1, b"\x00\x04")),
        (State.OPEN_CONFIRM, 2, Notification(5, 2, b"\x02")),
        (State.OPEN_CONFIRM, 3, Notification(5, 2, b"\x05")),
        (State.ESTABLISHED, 0, Notification(1, 1)),
        (State.ESTABLISHED, 1, Notification(5, 3, b"\x01")),
        (State.ESTABLISHED, 2, Notification(3, 1)),
        (State.ESTABLISHED, 3, Notification(7, 1, b"whole")),
    ],
)
def test_a_broken_message(state: State, error: int, notification: Notification) -> None:
    # Its own error where it may come, else the error of the state machine.
    _, effects = transition(state, MessageRejected(ERRORS[error]), DIAL)
    assert notifications(effects) == [notification]


@pytest.mark.parametrize("state", HEARD, ids=str)
def test_silence(state: State) -> None:
    # RFC 4271 6.5.
    _, effects = transition(state, TimerExpired(Timer.HOLD), DIAL)
    assert notifications(effects) == [Notification(4)]


def test_a_peer_that_takes_nothing_is_told_nothing() -> None:
    # RFC 9687 3.3: it would not take the NOTIFICATION either.
    state, effects = transition(State.ESTABLISHED, TimerExpired(Timer.SEND_HOLD), DIAL)
    assert state is State.IDLE
    assert notifications(effects) == []
    (down,) = (effect for effect in effects if isinstance(effect, ReportDown))
    assert down.reason.startswith("Send Hold Timer Expired: ")


@pytest.mark.parametrize(
    ("state", "event", "subcode", "data"),
    [
        (State.OPEN_SENT, KeepaliveReceived(), 1, b"\x04"),
        (State.OPEN_SENT, UpdateReceived(Update()), 1, b"\x02"),
        (State.OPEN_SENT, RouteRefreshReceived(REFRESH), 1, b"\x05"),
        (State.OPEN_CONFIRM, OpenReceived(OPEN), 2, b"\x01"),
        (State.OPEN_CONFIRM, UpdateReceived(Update()), 2, b"\x02"),
        (State.ESTABLISHED, OpenReceived(OPEN), 3, b"\x01"),
        (State.ESTABLISHED, TimerExpired(Timer.IDLE_HOLD), 3, b""),
    ],
)
def test_messages_out_of_place(state: State, event: Input, subcode: int, data: bytes) -> None:
    # RFC 6608: the subcode is the state, the data the type of the message.
    _, effects = transition(state, event, DIAL)
    assert notifications(effects) == [Notification(5, subcode, data)]


def test_reasons_name_what_happened() -> None:
    def reason(state: State, event: Input) -> str:
        (down,) = (e for e in transition(state, event, DIAL)[1] if isinstance(e, ReportDown))
        return down.reason

    assert reason(State.ESTABLISHED, OpenReceived(OPEN)) == "OPEN in state Established"
    assert reason(State.CONNECT, TimerExpired(Timer.HOLD)) == "the hold timer before there was a session"
    assert reason(State.ACTIVE, Reset(CEASE)) == "Reset before there was a session"


def test_a_connection_lost_under_our_open_is_tried_again_from_active() -> None:
    state, effects = transition(State.OPEN_SENT, ConnectionLost("reset"), DIAL)
    assert state is State.ACTIVE
    assert StartTimer(Timer.CONNECT_RETRY) in effects
    assert transition(state, TimerExpired(Timer.CONNECT_RETRY), DIAL)[0] is State.CONNECT


@pytest.mark.parametrize("state", State, ids=str)
def test_stop_leaves_it_down(state: State) -> None:
    after, effects = transition(state, Stop(CEASE), DIAL)
    assert after is State.IDLE
    assert not run_timers(set(), effects)
    assert notifications(effects) == ([CEASE] if state in HEARD else [])


@pytest.mark.parametrize("state", [state for state in State if state is not State.IDLE], ids=str)
def test_reset_brings_it_up_again(state: State) -> None:
    after, effects = transition(state, Reset(CEASE), DIAL)
    assert after is State.IDLE
    assert run_timers(set(), effects) == {Timer.IDLE_HOLD}
    assert notifications(effects) == ([CEASE] if state in HEARD else [])


def test_values_print_as_they_are_written() -> None:
    assert repr(TimerExpired(Timer.HOLD)) == "TimerExpired(timer=Timer.HOLD)"
    assert repr(State.OPEN_SENT) == "State.OPEN_SENT"
