"""Deadlines and the limit on them, with time as a variable."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp.pacing import AT_ONCE, REFRESHED, REPEATED, Schedule


def drain(schedule: Schedule, now: float) -> list[bytes]:
    """Take all that may go now."""
    taken = []
    while (key := schedule.take(now)) is not None:
        taken.append(key)
    return taken


def run(schedule: Schedule, end: float) -> list[tuple[float, bytes]]:
    """Take all that goes until `end`, each as soon as the schedule says."""
    taken = []
    while (due := schedule.next_timeout()) is not None and due <= end:
        key = schedule.take(due)
        assert key is not None
        taken.append((round(due, 6), key))
    return taken


def test_without_a_limit_all_that_is_due_goes_in_order() -> None:
    schedule = Schedule()
    for key, deadline in ((b"c", 3.0), (b"a", 1.0), (b"b", 2.0), (b"d", 9.0)):
        schedule.set(key, deadline, AT_ONCE)
    assert schedule.take(0.5) is None
    assert drain(schedule, 3.0) == [b"a", b"b", b"c"]
    assert schedule.next_timeout() == 9.0


def test_nothing_is_due_in_an_empty_schedule() -> None:
    schedule = Schedule()
    assert schedule.next_timeout() is None
    assert schedule.take(1e9) is None


def test_a_deadline_replaces_the_one_before_wherever_that_waits() -> None:
    schedule = Schedule(limit=1)
    schedule.set(b"a", 1.0, AT_ONCE)
    schedule.set(b"a", 5.0, AT_ONCE)
    assert schedule.next_timeout() == 5.0
    schedule.set(b"b", 5.0, AT_ONCE)
    schedule.set(b"c", 5.0, AT_ONCE)
    assert drain(schedule, 5.0) == [b"a"]  # the others are due, and wait for a slot
    schedule.set(b"b", 7.5, AT_ONCE)
    assert run(schedule, 10.0) == [(6.0, b"c"), (7.5, b"b")]


def test_a_cancelled_deadline_is_gone() -> None:
    schedule = Schedule(limit=1)
    for key in (b"a", b"b", b"c"):
        schedule.set(key, 1.0, AT_ONCE)
    assert drain(schedule, 1.0) == [b"a"]
    schedule.cancel(b"b")
    schedule.cancel(b"never set")
    assert run(schedule, 10.0) == [(2.0, b"c")]
    schedule.set(b"d", 3.0, AT_ONCE)
    schedule.cancel(b"d")
    assert schedule.next_timeout() is None


def test_a_cancelled_deadline_does_not_come_back_with_others_that_are_due() -> None:
    schedule = Schedule()
    for deadline, key in enumerate((b"a", b"b", b"c")):
        schedule.set(key, deadline, AT_ONCE)
    schedule.cancel(b"b")
    assert drain(schedule, 2.0) == [b"a", b"c"]


def test_clear_keeps_what_the_limit_has_counted() -> None:
    schedule = Schedule(limit=1)
    schedule.set(b"a", 0.0, AT_ONCE)
    schedule.set(b"b", 0.0, AT_ONCE)
    assert drain(schedule, 0.0) == [b"a"]
    schedule.clear()
    assert schedule.next_timeout() is None
    schedule.set(b"c", 0.1, AT_ONCE)
    assert schedule.next_timeout() == 1.0


def test_a_limit_spreads_evenly_first_in_first_out() -> None:
    schedule = Schedule(limit=4)
    keys = [bytes([number]) for number in range(8)]
    for key in keys:
        schedule.set(key, 10.0, AT_ONCE)
    assert run(schedule, 20.0) == [(10 + 0.25 * number, key) for number, key in enumerate(keys)]


def test_a_take_over_passes_refreshes_and_repetitions_that_are_due() -> None:
    schedule = Schedule(limit=1)
    schedule.set(b"refresh", 0.0, REFRESHED)
    schedule.set(b"repeat", 0.0, REPEATED)
    schedule.set(b"first", 0.5, AT_ONCE)
    assert run(schedule, 9.0) == [(0.0, b"repeat"), (1.0, b"first"), (2.0, b"refresh")]


def test_nobody_waits_for_ever() -> None:
    schedule = Schedule(limit=1)
    schedule.set(b"refresh", 0.0, REFRESHED)
    taken = []
    for second in range(30):  # somebody takes over in every slot there is
        schedule.set(b"%d" % second, float(second), AT_ONCE)
        taken += drain(schedule, float(second))
    assert taken.index(b"refresh") == 10


def test_what_is_due_already_keeps_its_place_when_it_is_hastened() -> None:
    schedule = Schedule(limit=1)
    schedule.set(b"a", 0.0, AT_ONCE)
    schedule.set(b"b", 0.0, AT_ONCE)
    schedule.set(b"c", 0.0, AT_ONCE)
    schedule.set(b"refresh", 60.0, REFRESHED)
    assert drain(schedule, 0.0) == [b"a"]
    schedule.expedite(b"b", 0.5)
    schedule.expedite(b"refresh", 0.5)
    schedule.expedite(b"new", 0.5)
    assert [key for _, key in run(schedule, 10.0)] == [b"b", b"c", b"refresh", b"new"]


def test_a_timer_that_rings_a_little_late_costs_no_slot() -> None:
    schedule = Schedule(limit=100)
    for number in range(4):
        schedule.set(bytes([number]), 0.0, AT_ONCE)
    assert drain(schedule, 0.0) == [b"\0"]
    assert drain(schedule, 0.018) == [b"\1"]
    assert drain(schedule, 0.02) == [b"\2"]  # and not 10 ms after 0.018
    assert drain(schedule, 5.0) == [b"\3"]


def test_a_limit_that_changes_holds_at_once() -> None:
    schedule = Schedule(limit=0.001)
    for key in (b"a", b"b", b"c"):
        schedule.set(key, 0.0, AT_ONCE)
    assert drain(schedule, 0.0) == [b"a"]
    schedule.limit = 1
    assert schedule.next_timeout() == 1.0
    schedule.limit = None
    assert drain(schedule, 0.5) == [b"b", b"c"]


def test_entries_that_are_void_are_cleared_away() -> None:
    schedule = Schedule()
    for number in range(10_000):
        schedule.set(b"a", 60.0 + number, AT_ONCE)
    assert len(schedule._waiting) < 100
    assert run(schedule, 1e9) == [(60.0 + 9_999, b"a")]


@given(
    limit=st.floats(0.5, 500),
    arrivals=st.lists(
        st.tuples(st.floats(0, 3), st.sampled_from([AT_ONCE, REPEATED, REFRESHED])), max_size=60
    ),
    pauses=st.lists(st.floats(0, 0.3), min_size=1, max_size=60),
)
def test_never_more_than_the_limit_and_everybody_in_the_end(
    limit: float, arrivals: list[tuple[float, float]], pauses: list[float]
) -> None:
    schedule = Schedule(limit=limit)
    for number, (deadline, slack) in enumerate(arrivals):
        schedule.set(bytes([number]), deadline, slack)
    now, times, keys = 0.0, [], []
    for pause in pauses:
        now += pause
        for key in drain(schedule, now):
            times.append(now)
            keys.append(key)
        due = schedule.next_timeout()
        assert due is None or due > now
    for due, key in run(schedule, 1e9):
        times.append(due)
        keys.append(key)
    assert sorted(keys) == [bytes([number]) for number in range(len(arrivals))]
    for first, start in enumerate(times):
        for last in range(first, len(times)):
            assert last - first + 1 <= 1 + limit * (times[last] - start + 0.01 + 2e-6)


@pytest.mark.parametrize("limit", [None, 3.0])
def test_a_deadline_is_not_met_early(limit: float | None) -> None:
    schedule = Schedule(limit=limit)
    schedule.set(b"a", 1.0, AT_ONCE)
    schedule.set(b"b", 2.0, AT_ONCE)
    taken = run(schedule, 5.0)
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(taken))
    assert taken == [(1.0, b"a"), (2.0, b"b")]
