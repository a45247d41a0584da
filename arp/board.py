"""The lines of `python -m arp respond`: one for each address, and between them what happens.

On a terminal the lines of the addresses stay at the bottom and are written anew where they are; what happens scrolls
away above them. Anywhere else, in a log or a pipe, nothing can be taken back, and so a line is written for an address
when its counts have changed.
"""

from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import TextIO

import attrs

from arp.events import Event, InterfaceBack, InterfaceGone, LinkDown, LinkUp, MACChanged
from arp.outputs import Claimed, ClaimState, Conflict, Statistics

_CLEAR_BELOW = "\x1b[J"
_NO_WRAP, _WRAP = "\x1b[?7l", "\x1b[?7h"


@attrs.frozen(kw_only=True)
class Row:
    """One address and its counts."""

    address: IPv4Address | IPv6Address
    state: ClaimState
    answers: int = 0
    gratuitous: int = 0
    probes: int = 0
    conflicts: int = 0
    defences: int = 0

    def __str__(self) -> str:
        """Give the line: state and answers always, the rest if there is any."""
        counts = (
            (self.gratuitous, "gratuitous frame"),
            (self.probes, "probe"),
            (self.conflicts, "conflict"),
            (self.defences, "defence"),
        )
        words = [self.state.value, counted(self.answers, "answer")]
        words += [counted(count, what) for count, what in counts if count]
        return f"{self.address}: {', '.join(words)}"


def counted(count: int, what: str) -> str:
    """Give a number of things: "1 frame", "2 frames"."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def make_rows(claims: Mapping[IPv4Address | IPv6Address, ClaimState], statistics: Statistics) -> list[Row]:
    """Give the rows of all owned addresses, IPv4 before IPv6, each in order."""
    return [
        Row(
            address=address,
            state=claims[address],
            answers=statistics.replies.get(address, 0),
            gratuitous=statistics.gratuitous.get(address, 0),
            probes=statistics.probes.get(address, 0),
            conflicts=statistics.conflicts.get(address, 0),
            defences=statistics.defences.get(address, 0),
        )
        for address in sorted(claims, key=lambda address: (address.version, int(address)))
    ]


def event_text(event: Event) -> str:
    """Say what happened; a conflict stands out."""
    match event:
        case Claimed():
            return f"{event.interface}: {event.address} is free, and ours from now on"
        case Conflict():
            return (
                f"{event.interface}: CONFLICT, {event.address} is used by {event.mac}; {event.outcome.value}"
            )
        case MACChanged():
            return f"{event.interface}: the MAC address is {event.mac} now"
        case _:
            return f"{event.interface}: {_NEWS[type(event)]}"


_NEWS = {
    LinkUp: "the link is up",
    LinkDown: "the link is down",
    InterfaceGone: "the interface is gone; waiting for it",
    InterfaceBack: "the interface is back",
}


@attrs.define(eq=False)
class Board:
    """Where the lines are written."""

    stream: TextIO
    """What to write to."""
    clock: Callable[[], str]
    """Gives the time of day to put before what happens."""
    height: Callable[[], int] | None = None
    """Gives the number of lines of the terminal; None if it is none."""
    _shown: Sequence[Row] = attrs.field(init=False, default=())
    _lines: int = attrs.field(init=False, default=0)  # of them on the terminal

    def say(self, line: str) -> None:
        """Write what happens, above the rows."""
        self._erase()
        self.stream.write(f"{self.clock()} {line}\n")
        self._draw()
        self.stream.flush()

    def show(self, rows: Sequence[Row]) -> None:
        """Write the rows that are not yet shown like this."""
        if self.height is None:
            before = set(self._shown)
            for row in rows:
                if row not in before:
                    self.stream.write(f"{self.clock()} {row}\n")
            self._shown = rows
        elif rows != self._shown:
            self._erase()
            self._shown = rows
            self._draw()
        self.stream.flush()

    def finish(self, rows: Sequence[Row]) -> None:
        """Write the rows for the last time: all of them, wherever it is."""
        if self.height is None:
            self._shown = ()
        self.show(rows)

    def _erase(self) -> None:
        if self._lines:
            self.stream.write(f"\x1b[{self._lines}F{_CLEAR_BELOW}")
            self._lines = 0

    def _draw(self) -> None:
        if self.height is None:
            return
        # One line stays free for the cursor. What does not fit is told, and not scrolled, or it could not be erased.
        room = max(self.height() - 1, 1)
        lines = [str(row) for row in self._shown]
        if len(lines) > room:
            lines = [*lines[: room - 1], f"and {len(lines) - room + 1} more"]
        self.stream.write(_NO_WRAP + "".join(f"{line}\n" for line in lines) + _WRAP)
        self._lines = len(lines)
