"""What `python -m arp` does once its arguments are read: answer, watch or ask on an interface, until enough is seen.

Each command runs in the main thread, in a task of its own, ends at SIGINT or SIGTERM as well, and then still tells what
there was to see. What people read goes to standard output, and what is said beside that through `complain`, so that a
pipe gets nothing but what was asked for. Output is written by the command's own task alone, so that a reader who has
gone ends it with `BrokenPipeError`.
"""

import asyncio
import contextlib
import json
import shutil
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.board import Board, counted, event_text, make_rows
from arp.errors import InterfaceNotFoundError
from arp.ethernet import MACAddress
from arp.events import Event
from arp.interface import Interface
from arp.links import LinkWatcher
from arp.prober import Answer
from arp.settings import Settings
from arp.sighting import Seen, What
from arp.tally import Tally, milliseconds
from arp.tap import Tap
from arp.watcher import Watcher

__all__ = ["Ask", "Respond", "Watch"]

# Between two looks at the counts; longer for thousands of addresses, lest those who ask have to wait for us to count.
_LOOK_INTERVAL, _LOOK_SHARE = 1.0, 0.02
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

Complain = Callable[[str], None]


@contextlib.contextmanager
def _until_a_signal() -> Iterator[None]:
    """Leave the block when SIGINT or SIGTERM comes."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    came = False

    def leave() -> None:
        nonlocal came
        came = True
        task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, leave)
    try:
        yield
    except asyncio.CancelledError:
        if not came:
            raise
        task.uncancel()
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _time_of_day() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]


@attrs.frozen(kw_only=True)
class Respond:
    """Answer for addresses, and show what comes of it."""

    interface: str
    """Name of the interface."""
    addresses: Iterable[IPv4Address | IPv6Address]
    """What to answer for."""
    settings: Settings
    """How."""
    complain: Complain
    """Called with what is said beside the output."""

    async def run(self) -> int:
        """Answer until a signal and give the exit status, 0; raises `ARPError` if that cannot be."""
        board = Board(sys.stdout, _time_of_day, _terminal_height if sys.stdout.isatty() else None)
        async with Interface(self.interface, settings=self.settings) as interface:
            events = interface.events()
            interface.replace(self.addresses)
            with _until_a_signal():
                board.say(
                    f"{self.interface}: answering as {interface.info.mac}, the link is {interface.state.value}"
                )
                await _show(interface, events, board)
                await interface.wait_closed()
        board.finish(make_rows(interface.claims, interface.statistics))
        for reason, count in interface.statistics.ignored.items():
            if count:
                self.complain(f"not answered: {counted(count, 'frame')}, {reason.value}")
        if interface.unsent or events.lost:
            self.complain(f"lost: {counted(interface.unsent, 'frame')}, {counted(events.lost, 'event')}")
        return 0


async def _show(interface: Interface, events: AsyncIterator[Event], board: Board) -> None:
    """Write events at once and counts now and then, until the interface is closed."""
    loop = asyncio.get_running_loop()
    look = loop.time()
    while True:
        try:
            async with asyncio.timeout_at(look):
                board.say(event_text(await anext(events)))
        except TimeoutError:
            began = loop.time()
            board.show(make_rows(interface.claims, interface.statistics))
            look = loop.time() + max(_LOOK_INTERVAL, (loop.time() - began) / _LOOK_SHARE)
        except StopAsyncIteration:
            return


def _terminal_height() -> int:
    return shutil.get_terminal_size().lines


@attrs.define(eq=False, kw_only=True)
class Watch:
    """Show what happens on a segment."""

    interface: str
    """Name of the interface."""
    watcher: Watcher
    """Judges the frames."""
    addresses: frozenset[IPv4Address | IPv6Address] = frozenset()
    """Show only what is about one of these; everything if there are none."""
    promiscuous: bool = False
    """Whether frames to other stations are wanted too."""
    count: int | None = None
    """End after so many frames that were shown; None: do not."""
    seconds: float | None = None
    """End after so long; None: do not."""
    as_json: bool = False
    """Whether to write JSON."""
    complain: Complain
    """Called with what is said beside the output."""
    _shown: Counter[What] = attrs.field(init=False, factory=Counter)

    async def run(self) -> int:
        """Show frames until enough was seen and give the exit status; raises `ARPError` if that cannot be.

        It is 1 if there was a conflict, otherwise 0.
        """
        awake = asyncio.Event()
        links = LinkWatcher(self.interface, lambda _: awake.set())
        with Tap(self.interface, promiscuous=self.promiscuous) as tap:
            links.open()
            loop = asyncio.get_running_loop()
            loop.add_reader(tap, awake.set)
            try:
                with _until_a_signal(), contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self.seconds):
                        await self._follow(tap, links, awake)
            finally:
                loop.remove_reader(tap)
                links.close()
        self._sum_up(tap.lost)
        return 1 if self._shown[What.CONFLICT] else 0

    async def _follow(self, tap: Tap, links: LinkWatcher, awake: asyncio.Event) -> None:
        was_up = True
        while True:
            if links.link is None or links.link.index != tap.index:
                raise InterfaceNotFoundError(f"{self.interface}: the interface was removed")
            is_up = links.link.up and bool(links.link.carrier)
            if is_up != was_up:
                self.complain(f"{self.interface}: the link is {'up' if is_up else 'down'}")
            was_up = is_up
            if not self._take(tap.read(), asyncio.get_running_loop().time()):
                return
            sys.stdout.flush()
            awake.clear()
            await awake.wait()

    def _take(self, frames: Iterable[bytes], now: float) -> bool:
        """Show frames; tell whether more are wanted."""
        for frame in frames:
            for seen in self.watcher.receive_frame(frame, now):
                self._show(seen)
            if self.count is not None and self._frames >= self.count:
                return False
        return True

    @property
    def _frames(self) -> int:
        return sum(count for what, count in self._shown.items() if not what.is_finding)

    def _show(self, seen: Seen) -> None:
        if self.addresses and not self.addresses & seen.addresses:
            return
        self._shown[seen.what] += 1
        if self.as_json:
            print(json.dumps({"time": datetime.now(UTC).isoformat()} | seen.to_dict()))
        else:
            mark = "!" if seen.what.is_finding else " "
            print(f"{_time_of_day()} {mark} {seen.what.value:20} {seen.text}")

    def _sum_up(self, lost: int) -> None:
        found = [f"{count} {what.value}" for what, count in self._shown.items() if what.is_finding]
        missed = [f"{lost} lost"] if lost else []
        self.complain(", ".join([f"{counted(self._frames, 'frame')} shown", *found, *missed]))


@attrs.frozen(kw_only=True)
class Ask:
    """Ask who has an address."""

    interface: str
    """Name of the interface."""
    address: IPv4Address | IPv6Address
    """The address."""
    mac: MACAddress | None = None
    """The station to ask; None: everyone."""
    count: int = 1
    """How often to ask."""
    timeout: float = 1.0
    """How many seconds to wait for answers to a question, and so from one question to the next."""
    as_json: bool = False
    """Whether to write JSON."""
    complain: Complain
    """Called with what is said beside the output."""

    async def run(self) -> int:
        """Ask and give the exit status, a `Verdict`; raises `ARPError` if that cannot be."""
        tally = Tally(self.address)
        async with Interface(self.interface) as interface:
            with _until_a_signal():
                await self._ask(interface, tally)
        if not self.as_json:
            print("\n".join(tally.lines()))
        return tally.verdict

    async def _ask(self, interface: Interface, tally: Tally) -> None:
        loop = asyncio.get_running_loop()
        for turn in range(1, self.count + 1):
            next_turn = loop.time() + self.timeout
            answers = await interface.probe(self.address, self.mac, self.timeout)
            tally.add(answers)
            self._show(turn, answers)
            if turn < self.count:
                await asyncio.sleep(next_turn - loop.time())  # one that was asked alone has answered sooner

    def _show(self, turn: int, answers: Sequence[Answer]) -> None:
        if self.as_json:
            told = [{"mac": str(answer.mac), "elapsed": answer.elapsed} for answer in answers]
            said = {"question": turn, "address": str(self.address), "answers": told}
            print(json.dumps({"time": datetime.now(UTC).isoformat()} | said))
        elif answers:
            for answer in answers:
                print(f"{turn}: {self.address} is at {answer.mac}, after {milliseconds(answer.elapsed)}")
        else:
            print(f"{turn}: no answer within {self.timeout:g} s")
        sys.stdout.flush()
