"""The timers of a session: RFC 4271 10, RFC 9687 4."""

from math import inf

import pytest

from bgp import PeerConfig
from bgp.timers import MIN_KEEPALIVE_TIME, OPEN_HOLD_TIME, SEND_HOLD_TIME, Timers, duration, no_jitter
from bgp.vocabulary import Timer

CONFIG = PeerConfig(local_as=64512, peer_as=64513, connect_retry_time=8, delay_open_time=3)


def running(**deadlines: float) -> Timers:
    timers = Timers()
    for name, deadline in deadlines.items():
        timers.start(Timer[name], deadline, 0.0)
    return timers


def test_no_timer() -> None:
    timers = Timers()
    assert timers.next_deadline() is None
    assert not timers.runs(Timer.HOLD)
    assert list(timers.expired(inf)) == []
    timers.stop(Timer.HOLD)


def test_start_and_stop() -> None:
    timers = running(HOLD=90, KEEPALIVE=30)
    assert timers.next_deadline() == 30
    timers.start(Timer.KEEPALIVE, 30, 25.0)
    assert timers.next_deadline() == 55
    timers.stop(Timer.KEEPALIVE)
    assert (timers.runs(Timer.KEEPALIVE), timers.runs(Timer.HOLD)) == (False, True)
    assert timers.next_deadline() == 90


def test_no_seconds_are_no_timer() -> None:
    timers = running(HOLD=90)
    timers.start(Timer.HOLD, 0.0, 1.0)
    assert not timers.runs(Timer.HOLD)


def test_what_has_run_out_comes_in_order() -> None:
    timers = running(HOLD=90, KEEPALIVE=30, SEND_HOLD=60)
    assert list(timers.expired(29.9)) == []
    assert list(timers.expired(60.0)) == [Timer.KEEPALIVE, Timer.SEND_HOLD]
    assert timers.next_deadline() == 90


def test_one_may_stop_or_start_another() -> None:
    timers = running(KEEPALIVE=1, HOLD=2, SEND_HOLD=3)
    seen = []
    for timer in timers.expired(10.0):
        seen.append(timer)
        timers.stop(Timer.HOLD)
        timers.start(Timer.SEND_HOLD, 5.0, 10.0)
    assert seen == [Timer.KEEPALIVE]
    assert timers.next_deadline() == 15


def test_at_the_end_of_time() -> None:
    timers = running(KEEPALIVE=inf, HOLD=inf)
    for _ in timers.expired(inf):
        timers.stop(Timer.HOLD)
        timers.stop(Timer.KEEPALIVE)
    assert timers.next_deadline() is None


@pytest.mark.parametrize(
    ("timer", "hold_time", "expected"),
    [
        (Timer.HOLD, None, OPEN_HOLD_TIME),
        (Timer.HOLD, 0.0, 0.0),
        (Timer.HOLD, 9.0, 9.0),
        (Timer.KEEPALIVE, 0.0, 0.0),
        (Timer.KEEPALIVE, 90.0, 22.5),
        (Timer.KEEPALIVE, 3.0, MIN_KEEPALIVE_TIME),
        (Timer.SEND_HOLD, 0.0, 0.0),
        (Timer.SEND_HOLD, 90.0, SEND_HOLD_TIME),
        (Timer.SEND_HOLD, 300.0, 600.0),
        (Timer.CONNECT_RETRY, None, 6.0),
        (Timer.DELAY_OPEN, None, 3.0),
    ],
)
def test_durations(timer: Timer, hold_time: float | None, expected: float) -> None:
    assert duration(timer, CONFIG, hold_time, lambda: 0.75) == expected


def test_a_configured_send_hold_time() -> None:
    config = PeerConfig(local_as=64512, peer_as=64513, hold_time=90, send_hold_time=100)
    assert duration(Timer.SEND_HOLD, config, 90.0, no_jitter) == 100
    assert duration(Timer.SEND_HOLD, config, 0.0, no_jitter) == 0
    assert duration(Timer.KEEPALIVE, config, 90.0, no_jitter) == 30
