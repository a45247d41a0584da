"""The lines of `respond`, on a terminal and elsewhere."""

import io
from ipaddress import IPv4Address, ip_address

import pytest

from arp import Claimed, ClaimState, Conflict, MACAddress, Outcome, Statistics
from arp.board import Board, Row, counted, event_text, make_rows
from arp.events import Event, InterfaceBack, InterfaceGone, LinkDown, LinkUp, MACChanged

A, B = IPv4Address("203.0.113.7"), IPv4Address("203.0.113.8")
MAC = MACAddress("02:00:00:00:00:0a")


def row(address: IPv4Address = A, answers: int = 0) -> Row:
    """Make the row of an address that is held."""
    return Row(address=address, state=ClaimState.HELD, answers=answers)


def board(height: int | None = None) -> Board:
    """Make a board on paper, of a terminal if there is a height."""
    return Board(io.StringIO(), lambda: "12:00:00", None if height is None else lambda: height)


def written(on: Board) -> str:
    """Give what was written since the last look."""
    assert isinstance(on.stream, io.StringIO)
    text = on.stream.getvalue()
    on.stream.seek(0)
    on.stream.truncate()
    return text


def test_a_row_tells_what_there_is() -> None:
    assert str(row()) == "203.0.113.7: held, 0 answers"
    full = Row(
        address=A,
        state=ClaimState.YIELDED,
        answers=1,
        gratuitous=2,
        probes=3,
        conflicts=4,
        defences=1,
    )
    assert (
        str(full) == "203.0.113.7: yielded, 1 answer, 2 gratuitous frames, 3 probes, 4 conflicts, 1 defence"
    )


def test_rows_are_in_order_and_complete() -> None:
    addresses = [ip_address(text) for text in ("2001:db8::1", "203.0.113.9", "203.0.113.10")]
    counts = dict.fromkeys(addresses[:2], 5)
    statistics = Statistics(
        ignored={}, replies=counts, gratuitous=counts, probes=counts, conflicts=counts, defences=counts
    )
    rows = make_rows(dict.fromkeys(addresses, ClaimState.PROBING), statistics)
    assert [str(each.address) for each in rows] == ["203.0.113.9", "203.0.113.10", "2001:db8::1"]
    assert rows[1] == Row(address=addresses[2], state=ClaimState.PROBING)
    assert rows[0] == Row(
        address=addresses[1],
        state=ClaimState.PROBING,
        answers=5,
        gratuitous=5,
        probes=5,
        conflicts=5,
        defences=5,
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Claimed(address=A, interface="eth0"), "eth0: 203.0.113.7 is free, and ours from now on"),
        (
            Conflict(address=A, mac=MAC, interface="eth0", outcome=Outcome.DEFENDED),
            f"eth0: CONFLICT, 203.0.113.7 is used by {MAC}; defended",
        ),
        (LinkUp("eth0"), "eth0: the link is up"),
        (LinkDown("eth0"), "eth0: the link is down"),
        (MACChanged("eth0", MAC), f"eth0: the MAC address is {MAC} now"),
        (InterfaceGone("eth0"), "eth0: the interface is gone; waiting for it"),
        (InterfaceBack("eth0"), "eth0: the interface is back"),
    ],
)
def test_every_event_has_words(event: Event, text: str) -> None:
    assert event_text(event) == text


def test_numbers_of_things() -> None:
    assert [counted(number, "frame") for number in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]


# In a log


def test_a_log_gets_a_line_for_each_change() -> None:
    log = board()
    log.show([row(), row(B)])
    assert written(log) == "12:00:00 203.0.113.7: held, 0 answers\n12:00:00 203.0.113.8: held, 0 answers\n"
    log.show([row(), row(B)])
    assert written(log) == ""
    log.show([row(), row(B, answers=1)])
    assert written(log) == "12:00:00 203.0.113.8: held, 1 answer\n"
    log.say("something")
    assert written(log) == "12:00:00 something\n"
    log.finish([row(), row(B, answers=1)])
    assert len(written(log).splitlines()) == 2


# On a terminal


def test_a_terminal_has_the_rows_below_what_happens() -> None:
    terminal = board(24)
    terminal.show([row(), row(B)])
    rows = "\x1b[?7l203.0.113.7: held, 0 answers\n203.0.113.8: held, 0 answers\n\x1b[?7h"
    assert written(terminal) == rows
    terminal.show([row(), row(B)])
    assert written(terminal) == ""
    terminal.say("something")
    assert written(terminal) == f"\x1b[2F\x1b[J12:00:00 something\n{rows}"
    terminal.finish([row(answers=1)])
    assert written(terminal) == "\x1b[2F\x1b[J\x1b[?7l203.0.113.7: held, 1 answer\n\x1b[?7h"


def test_rows_for_which_a_terminal_is_too_small_are_counted() -> None:
    terminal = board(4)
    terminal.show([row(A + number) for number in range(10)])
    lines = written(terminal).splitlines()
    assert lines[0].endswith("203.0.113.7: held, 0 answers")
    assert lines[2] == "and 8 more"
    terminal.say("something")
    assert written(terminal).startswith("\x1b[3F\x1b[J")


def test_a_terminal_without_room_still_has_one_line() -> None:
    terminal = board(0)
    terminal.show([row(), row(B)])
    assert written(terminal) == "\x1b[?7land 2 more\n\x1b[?7h"
