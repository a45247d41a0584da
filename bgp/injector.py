"""One peer from the command line: announce routes to it, show what it says, and do as further lines ask.

The driver below `python -m bgp peer`. It keeps a session up through `Speaker`, and ends it with Cease / Administrative
Shutdown, because of a signal or because enough was seen. What is shown, and how, is the caller's business.

Lines come from a file descriptor that a thread of its own reads: an event loop can wait for pipes and terminals, but
not for files. The thread uses no buffer of Python's, of which it would hold the lock when the interpreter ends.
"""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator

import attrs

from bgp.config import PeerConfig
from bgp.errors import LocalError
from bgp.events import EndOfRib, Established, Event, RoutesReceived
from bgp.prefix import Family
from bgp.route import Route
from bgp.routetext import Announcement, Withdrawal, read_line
from bgp.speaker import Peer, Speaker
from bgp.stream import EventsLost
from bgp.vocabulary import State


@attrs.define(eq=False, kw_only=True)
class Injector:
    """A peer, what it is to have, and when enough was seen of it."""

    config: PeerConfig
    """The peer."""

    routes: Iterable[Route] = ()
    """What to announce from the beginning."""

    show: Callable[[Event], None]
    """Called for each event."""

    complain: Callable[[str], None]
    """Called with what is wrong with a line, and when events are lost."""

    listen: int | None = None
    """The TCP port at which the peer may dial us, beside our dialling it; None: it may not."""

    refresh: bool = False
    """Ask for all routes again once the session is established, in every family that was negotiated (RFC 2918)."""

    lines: int | None = None
    """The file descriptor to read lines from; None: none."""

    count: int | None = None
    """End after so many routes that the peer announced or withdrew; None: do not."""

    until_eor: bool = False
    """End when the peer has sent all its initial routes, of every family that was negotiated."""

    timeout: float | None = None
    """How many seconds to wait until the session is established; None: for ever."""

    was_established: bool = attrs.field(default=False, init=False)
    """Whether there was a session."""

    _seen: int = attrs.field(default=0, init=False)
    _awaited: frozenset[Family] = attrs.field(default=frozenset(), init=False)

    async def run(self) -> bool:
        """Keep the session up until enough was seen, or until SIGINT or SIGTERM; return `was_established`.

        Call it in the main thread, in a task of its own. Raises `LocalError` for a peer that cannot be.
        """
        async with Speaker() as speaker:
            speaker.announce(*self.routes)
            peer = speaker.add_peer(self.config)
            if self.listen is not None:
                await speaker.listen(self.config.local_address, self.listen)
            with _until_a_signal(), contextlib.suppress(TimeoutError):
                if self.lines is not None:
                    _start_reading(self.lines, lambda line: self._obey(line, speaker))
                async with asyncio.timeout(self.timeout) as limit:
                    async for event in peer.events():
                        if isinstance(event, EventsLost):
                            self.complain(
                                f"{event.count} events are lost, since what was shown was not taken"
                            )
                            continue
                        self.show(event)
                        if isinstance(event, Established):
                            limit.reschedule(None)
                            self._ask_again(peer, event)
                        if self._is_enough(event):
                            break
        return self.was_established

    def _ask_again(self, peer: Peer, event: Established) -> None:
        if self.refresh and peer.state is State.ESTABLISHED and event.negotiated.route_refresh:
            for family in sorted(event.negotiated.families):
                peer.request_refresh(family)

    def _is_enough(self, event: Event) -> bool:
        match event:
            case Established(negotiated):
                self.was_established = True
                self._awaited = negotiated.families
            case RoutesReceived(announced=announced, withdrawn=withdrawn):
                self._seen += len(announced) + len(withdrawn)
                return self.count is not None and self._seen >= self.count
            case EndOfRib(family):
                self._awaited -= {family}
                return self.until_eor and not self._awaited
        return False

    def _obey(self, line: str, speaker: Speaker) -> None:
        try:
            match read_line(line):
                case Announcement(routes):
                    speaker.announce(*routes)
                case Withdrawal(prefixes):
                    speaker.withdraw(*prefixes)
        except LocalError as error:
            self.complain(str(error))


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


_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def _start_reading(descriptor: int, take: Callable[[str], None]) -> None:
    """Read lines until there are no more; `take` is called for each in the event loop, while that runs."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        rest = b""
        with contextlib.suppress(OSError, RuntimeError):  # unreadable; or the loop is closed
            while data := os.read(descriptor, 65536):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    loop.call_soon_threadsafe(take, line.decode(errors="replace"))
            loop.call_soon_threadsafe(take, rest.decode(errors="replace"))

    threading.Thread(target=read, daemon=True).start()
