"""What a row of frames tells, on a virtual clock."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import LocalError, MACAddress, Seen, VLANTag, Watcher, What
from arp.testing import frames
from tests.arp import made
from tests.arp.made import CLIENT, CLIENT_4, VIP_4, VIP_6, A, B

OTHER_CLIENT = MACAddress("02:00:00:00:00:02")


def findings(watcher: Watcher, *row: tuple[float, bytes]) -> list[tuple[float, What]]:
    """Feed frames at their times; give what was found beside them."""
    told = [seen for now, frame in row for seen in watcher.receive_frame(frame, now)]
    return [(seen.time, seen.what) for seen in told if seen.what.is_finding]


def last(watcher: Watcher, frame: bytes, now: float) -> Seen:
    """Feed a frame; give the last that it tells."""
    return watcher.receive_frame(frame, now)[-1]


def test_a_frame_of_another_protocol_is_nothing() -> None:
    assert Watcher().receive_frame(b"rubbish", 0.0) == []


def test_holders_are_learned_from_questions_as_well_as_from_answers() -> None:
    watcher = Watcher()
    for frame in (made.request(), made.reply(A), made.solicitation(), made.advertisement(B, to_all=True)):
        (seen,) = watcher.receive_frame(frame, 1.0)
        assert not seen.what.is_finding
    assert watcher.holders == {CLIENT_4: CLIENT, VIP_4: A, made.CLIENT_6: CLIENT, VIP_6: B}


@pytest.mark.parametrize(
    ("question", "answer"), [(made.request, made.reply), (made.solicitation, made.advertisement)]
)
def test_two_answers_to_one_question_are_a_conflict(question, answer) -> None:  # type: ignore[no-untyped-def]
    watcher = Watcher()
    assert not findings(watcher, (10.0, question()), (10.001, answer(A)))
    conflict = last(watcher, answer(B), 10.251)
    assert conflict.what is What.CONFLICT
    address = VIP_4 if question is made.request else VIP_6
    assert conflict.text == f"{address} is used by {B} and by {A}, heard 250 ms ago"
    assert conflict.addresses == {address}
    assert conflict.to_dict() == {
        "what": "conflict",
        "address": str(address),
        "mac": str(B),
        "other": str(A),
        "ago": pytest.approx(0.25),
    }


def test_answers_to_two_questions_by_two_stations_are_a_move() -> None:
    row = [(0.0, made.request()), (0.1, made.reply(A)), (0.2, made.request()), (0.3, made.reply(B))]
    watcher = Watcher()
    assert findings(watcher, *row) == [(0.3, What.MOVED)]


def test_answers_that_are_far_apart_are_a_move_even_if_no_question_was_seen_between() -> None:
    assert findings(Watcher(), (0.0, made.reply(A)), (1.1, made.reply(B))) == [(1.1, What.MOVED)]
    assert findings(Watcher(), (0.0, made.reply(A)), (0.9, made.reply(B))) == [(0.9, What.CONFLICT)]


def test_announcements_are_no_answers() -> None:
    row = [(0.0, made.advertisement(A, to_all=True)), (0.1, made.advertisement(B, to_all=True))]
    assert findings(Watcher(), *row) == [(0.1, What.MOVED)]


def test_a_move_names_both_stations_and_when_the_former_was_heard() -> None:
    watcher = Watcher()
    watcher.receive_frame(made.announcement(A), 0.0)
    moved = last(watcher, made.announcement(B), 40.0)
    assert moved.what is What.MOVED
    assert moved.text == f"{VIP_4} moved from {A}, heard 40.0 s ago, to {B}"
    assert watcher.holders == {VIP_4: B}


def test_an_address_that_comes_back_at_once_is_in_conflict_however_long_it_was_held_before() -> None:
    row = [(0.0, made.announcement(A)), (900.0, made.announcement(B)), (900.1, made.announcement(A))]
    assert findings(Watcher(), *row) == [(900.0, What.MOVED), (900.1, What.CONFLICT)]


def test_a_return_after_the_window_is_a_move() -> None:
    taken = [(0.0, made.announcement(A)), (10.0, made.announcement(B)), (60.0, made.announcement(B))]
    assert findings(Watcher(), *taken, (70.0, made.announcement(A)))[-1] == (70.0, What.CONFLICT)
    assert findings(Watcher(), *taken, (70.1, made.announcement(A)))[-1] == (70.1, What.MOVED)


def test_two_that_only_refresh_their_announcements_are_found() -> None:
    row = [(30.0 * turn, made.announcement((A, B)[turn % 2])) for turn in range(5)]
    assert [what for _, what in findings(Watcher(), *row)] == [What.MOVED] + [What.CONFLICT] * 3


def test_a_farewell_in_the_name_of_the_successor_makes_a_move_of_its_announcement() -> None:
    row = [
        (0.0, made.announcement(A)),
        (5.0, made.announcement(B, source=A)),
        (5.1, made.announcement(B)),
        (6.2, made.announcement(B)),
    ]
    assert findings(Watcher(), *row) == [(5.0, What.MOVED)]


def test_only_the_latest_former_holders_are_remembered() -> None:
    stations = [MACAddress(bytes([2, 0, 0, 0, 1, number])) for number in range(10)]
    row = [(float(number), made.announcement(mac)) for number, mac in enumerate(stations)]
    forgotten, remembered = Watcher(), Watcher()
    assert findings(forgotten, *row, (10.0, made.announcement(stations[0])))[-1][1] is What.MOVED
    assert findings(remembered, *row, (10.0, made.announcement(stations[1])))[-1][1] is What.CONFLICT


# With claims


def test_whoever_uses_an_address_that_is_known_to_be_anothers_is_in_conflict_at_once() -> None:
    watcher = Watcher({str(VIP_4): str(A)})
    conflict = last(watcher, made.announcement(B), 0.0)
    assert conflict.what is What.CONFLICT
    assert conflict.text == f"{VIP_4} is used by {B} and by {A}, which was not heard yet"
    assert conflict.facts["ago"] is None
    assert last(watcher, made.announcement(B), 1.0).what is What.CONFLICT
    assert last(watcher, made.announcement(A), 2.0).what is What.MOVED
    assert last(watcher, made.announcement(B), 2.5).text.endswith("heard 500 ms ago")
    assert last(watcher, made.announcement(B), 3.0).text.endswith("heard 1.0 s ago")


def test_other_addresses_have_no_known_holder() -> None:
    assert not findings(Watcher({VIP_4: A}), (0.0, made.advertisement(B)), (1.0, made.announcement(A)))


# Questions


def test_a_question_that_is_repeated_is_told_the_third_time_and_then_ever_more_rarely() -> None:
    watcher = Watcher()
    told = findings(watcher, *((float(second), made.request()) for second in range(1, 13)))
    assert told == [(now, What.UNANSWERED) for now in (3.0, 6.0, 12.0)]


def test_what_is_said_about_a_question_without_an_answer() -> None:
    watcher = Watcher()
    assert not findings(watcher, (0.0, made.solicitation()), (1.0, made.solicitation()))
    seen = last(watcher, made.solicitation(), 2.0)
    assert (
        seen.text
        == f"2001:db8::1 ({CLIENT}) asked 3 times in 2.0 s who has 2001:db8::7, and no answer was seen"
    )
    assert seen.addresses == {made.CLIENT_6, VIP_6}
    assert seen.to_dict() == {
        "what": "unanswered",
        "address": "2001:db8::1",
        "mac": str(CLIENT),
        "target": "2001:db8::7",
        "count": 3,
        "seconds": 2.0,
    }


@pytest.mark.parametrize(
    "frame",
    [made.probe(CLIENT), made.duplicate_detection(CLIENT), made.request(to=A), made.announcement(CLIENT)],
)
def test_probes_and_questions_to_one_station_may_stay_without_answer(frame: bytes) -> None:
    assert not findings(Watcher(), *((float(second), frame) for second in range(10)))


def test_an_answer_ends_a_question_and_so_does_a_pause() -> None:
    ask = made.request()
    assert not findings(Watcher(), (0.0, ask), (1.0, ask), (1.1, made.reply(A)), (2.0, ask), (3.0, ask))
    assert not findings(Watcher(), (0.0, ask), (1.0, ask), (6.1, ask), (7.0, ask))
    assert findings(Watcher(), (0.0, ask), (1.0, ask), (6.0, ask)) == [(6.0, What.UNANSWERED)]


def test_an_old_answer_does_not_hide_that_the_holder_is_silent_now() -> None:
    ask = made.request()
    row = [(0.0, ask), (0.1, made.reply(A)), (9.0, ask), (10.0, ask), (11.0, ask)]
    assert findings(Watcher(), *row) == [(11.0, What.UNANSWERED)]


def test_each_asker_counts_for_itself() -> None:
    row = [
        (0.1 * turn, made.arp(1, (mac, CLIENT_4), VIP_4))
        for turn in range(2)
        for mac in (CLIENT, OTHER_CLIENT)
    ]
    assert What.UNANSWERED not in {what for _, what in findings(Watcher(), *row)}


# VLANs and memory


def test_a_vlan_is_a_segment_of_its_own() -> None:
    watcher = Watcher()
    tagged = [made.announcement(mac, tags=[VLANTag(5)]) for mac in (A, B)]
    assert not findings(watcher, (0.0, made.announcement(B)), (1.0, tagged[0]))
    seen = last(watcher, tagged[1], 2.0)
    assert seen.text == f"{VIP_4} moved from {A}, heard 1.0 s ago, to {B} [VLAN 5]"
    assert seen.facts["vlans"] == (5,)
    assert watcher.holders == {VIP_4: B}


def test_a_priority_tag_makes_no_segment() -> None:
    row = [(0.0, made.announcement(A)), (1.0, made.announcement(B, tags=[VLANTag(0, priority=7)]))]
    assert findings(Watcher(), *row) == [(1.0, What.MOVED)]


def test_memory_is_bounded_and_a_flood_of_questions_displaces_no_holder() -> None:
    watcher = Watcher(capacity=4)
    watcher.receive_frame(made.reply(A), 0.0)
    for number in range(20):
        watcher.receive_frame(made.request(IPv4Address("198.51.100.0") + number), 1.0)
    assert watcher.holders == {VIP_4: A, CLIENT_4: CLIENT}
    for number in range(20):
        watcher.receive_frame(made.reply(A, IPv4Address("198.51.100.0") + number), 1.0)
    assert list(watcher.holders) == [IPv4Address("198.51.100.16") + number for number in range(4)]


def test_who_was_heard_of_longest_ago_is_forgotten_first() -> None:
    watcher = Watcher(capacity=2)
    first, second, third = (IPv4Address("198.51.100.1") + number for number in range(3))
    for address in (first, second, first, third):
        watcher.receive_frame(made.reply(A, address), 0.0)
    assert set(watcher.holders) == {first, third}


def test_questions_are_forgotten_where_there_are_too_many() -> None:
    watcher = Watcher(capacity=1)
    other = made.request(IPv4Address("198.51.100.1"))
    assert not findings(
        watcher, *((0.1 * turn, frame) for turn in range(9) for frame in (made.request(), other))
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"window": 0.0}, "window 0.0, must be a number of seconds above 0"),
        ({"patience": float("nan")}, "patience nan, must be a number of seconds above 0"),
        ({"capacity": 0}, "capacity 0, must be 1 or more"),
        ({"claims": {"224.0.0.1": "02:00:00:00:00:01"}}, "224.0.0.1 is no address"),
    ],
)
def test_what_a_watcher_cannot_have(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        Watcher(**wrong)  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.floats(0.0, 3.0), frames(mac=A, addresses=[VIP_4, VIP_6])), max_size=20))
def test_any_frames_are_taken(row: list[tuple[float, bytes]]) -> None:
    watcher, now = Watcher(capacity=2), 0.0
    for later, frame in row:
        now += later
        for seen in watcher.receive_frame(frame, now):
            assert seen.text.isascii()
            assert seen.text.isprintable()
            assert seen.time == now
    assert len(watcher.holders) <= 2
