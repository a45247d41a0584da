"""The table: every input has an answer in every state, and the rows do what RFC 4271 8.2.2 says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import HeaderError, Keepalive, Notification, Open, State, Update
from bgp.fsm import (
    OPEN_HOLD_TIME,
    CloseConnection,
    ConnectionFailed,
    ConnectionOpened,
    Deliver,
    Durations,
    Effect,
    Input,
    KeepaliveReceived,
    MessageRejected,
    NotificationReceived,
    OpenConnection,
    OpenReceived,
    ReportDown,
    ReportUp,
    Send,
    Start,
    StartTimer,
    Stop,
    StopTimer,
    Timer,
    TimerExpired,
    UpdateReceived,
    transition,
)

OPEN = Open(my_as=64512, hold_time=90, router_id="192.0.2.1")
CEASE = Notification(6, 2)
ERROR = HeaderError("marker", 1)

INPUTS: list[Input] = [
    Start(),
    Stop(CEASE),
    ConnectionOpened(OPEN),
    ConnectionFailed("refused"),
    OpenReceived(OPEN),
    KeepaliveReceived(),
    UpdateReceived(Update()),
    NotificationReceived(CEASE),
    MessageRejected(ERROR),
    *map(TimerExpired, Timer),
]
DURATIONS = Durations(connect_retry=5, hold=90, keepalive=30, idle_hold=1)
NO_HOLD = Durations(connect_retry=5, hold=0, keepalive=0, idle_hold=1)
CONNECTED = {State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED}


def notifications(effects: tuple[Effect, ...]) -> list[Notification]:
    sent = [effect.message for effect in effects if isinstance(effect, Send)]
    return [message for message in sent if isinstance(message, Notification)]


def run_timers(running: set[Timer], effects: tuple[Effect, ...]) -> set[Timer]:
    for effect in effects:
        match effect:
            case StartTimer(timer, seconds):
                assert seconds > 0
                running = running | {timer}
            case StopTimer(timer):
                running = running - {timer}
    return running


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", INPUTS, ids=str)
@pytest.mark.parametrize("durations", [DURATIONS, NO_HOLD], ids=["hold", "no-hold"])
def test_every_input_is_answered_in_every_state(state: State, event: Input, durations: Durations) -> None:
    after, effects = transition(state, event, durations)
    kinds = [type(effect) for effect in effects]
    assert isinstance(after, State)
    assert len(notifications(effects)) <= 1
    assert (ReportUp in kinds) == (after is State.ESTABLISHED and state is not after)
    if after is State.IDLE and state is not State.IDLE:
        assert run_timers(set(Timer), effects) <= {Timer.IDLE_HOLD}
        assert kinds.count(CloseConnection) == kinds.count(ReportDown) == 1
    if Send in kinds:
        assert state in CONNECTED or after is State.OPEN_SENT
        if CloseConnection in kinds:
            assert kinds.index(Send) < kinds.index(CloseConnection)


def test_the_inputs_above_are_all_there_are() -> None:
    assert {type(event) for event in INPUTS} == set(Input.__args__)


@given(st.lists(st.sampled_from(INPUTS), max_size=40), st.sampled_from([DURATIONS, NO_HOLD]))
def test_no_sequence_leaves_a_timer_running_in_idle(events: list[Input], durations: Durations) -> None:
    state, running = State.IDLE, set[Timer]()
    for event in events:
        if isinstance(event, TimerExpired):
            if event.timer not in running:
                continue
            running = running - {event.timer}
        state, effects = transition(state, event, durations)
        running = run_timers(running, effects)
        if state is State.IDLE:
            assert running <= {Timer.IDLE_HOLD}
        if state in {State.CONNECT, State.ACTIVE}:
            assert running == {Timer.CONNECT_RETRY}
        if state is State.OPEN_SENT:
            assert running == {Timer.HOLD}
        if state in {State.OPEN_CONFIRM, State.ESTABLISHED}:
            assert running == ({Timer.HOLD, Timer.KEEPALIVE} if durations.hold else set())


def test_the_way_up() -> None:
    connect = StartTimer(Timer.CONNECT_RETRY, 5)
    steps: list[tuple[Input, State, tuple[Effect, ...]]] = [
        (Start(), State.CONNECT, (StopTimer(Timer.IDLE_HOLD), connect, OpenConnection())),
        (
            ConnectionOpened(OPEN),
            State.OPEN_SENT,
            (StopTimer(Timer.CONNECT_RETRY), Send(OPEN), StartTimer(Timer.HOLD, OPEN_HOLD_TIME)),
        ),
        (
            OpenReceived(OPEN),
            State.OPEN_CONFIRM,
            (Send(Keepalive()), StartTimer(Timer.KEEPALIVE, 30), StartTimer(Timer.HOLD, 90)),
        ),
        (KeepaliveReceived(), State.ESTABLISHED, (StartTimer(Timer.HOLD, 90), ReportUp())),
        (UpdateReceived(Update()), State.ESTABLISHED, (StartTimer(Timer.HOLD, 90), Deliver(Update()))),
        (
            TimerExpired(Timer.KEEPALIVE),
            State.ESTABLISHED,
            (Send(Keepalive()), StartTimer(Timer.KEEPALIVE, 30)),
        ),
    ]
    state = State.IDLE
    for event, expected, effects in steps:
        state, found = transition(state, event, DURATIONS)
        assert (state, found) == (expected, effects)


@pytest.mark.parametrize("state", CONNECTED, ids=str)
def test_a_notification_is_not_answered(state: State) -> None:
    after, effects = transition(state, NotificationReceived(CEASE), DURATIONS)
    assert after is State.IDLE
    assert not notifications(effects)


@pytest.mark.parametrize("state", CONNECTED, ids=str)
def test_a_rejected_message_is_answered_with_its_error(state: State) -> None:
    _, effects = transition(state, MessageRejected(ERROR), DURATIONS)
    assert notifications(effects) == [Notification(1, 1)]


@pytest.mark.parametrize("state", CONNECTED, ids=str)
def test_silence(state: State) -> None:
    _, effects = transition(state, TimerExpired(Timer.HOLD), DURATIONS)
    assert notifications(effects) == [Notification(4)]


@pytest.mark.parametrize(
    ("state", "event", "subcode", "data"),
    [
        (State.OPEN_SENT, KeepaliveReceived(), 1, b"\x04"),
        (State.OPEN_SENT, UpdateReceived(Update()), 1, b"\x02"),
        (State.OPEN_CONFIRM, OpenReceived(OPEN), 2, b"\x01"),
        (State.OPEN_CONFIRM, UpdateReceived(Update()), 2, b"\x02"),
        (State.ESTABLISHED, OpenReceived(OPEN), 3, b"\x01"),
        (State.ESTABLISHED, TimerExpired(Timer.IDLE_HOLD), 3, b""),
    ],
)
def test_messages_out_of_place(state: State, event: Input, subcode: int, data: bytes) -> None:
    # RFC 6608: the subcode is the state, the data the type of the message.
    _, effects = transition(state, event, DURATIONS)
    assert notifications(effects) == [Notification(5, subcode, data)]


def test_a_connection_lost_under_our_open_is_tried_again_from_active() -> None:
    state, effects = transition(State.OPEN_SENT, ConnectionFailed("reset"), DURATIONS)
    assert state is State.ACTIVE
    assert StartTimer(Timer.CONNECT_RETRY, 5) in effects
    assert transition(state, TimerExpired(Timer.CONNECT_RETRY), DURATIONS)[0] is State.CONNECT


def test_stop_leaves_it_down() -> None:
    for state in State:
        after, effects = transition(state, Stop(CEASE), DURATIONS)
        assert after is State.IDLE
        assert not run_timers(set(), effects)
        assert notifications(effects) == ([CEASE] if state in CONNECTED else [])


def test_values_print_as_they_are_written() -> None:
    assert repr(TimerExpired(Timer.HOLD)) == "TimerExpired(timer=Timer.HOLD)"
    assert repr(State.OPEN_SENT) == "State.OPEN_SENT"
