"""Where the event loop of an interface and the threads that answer on it meet: at the responder, one at a time.

*Why threads.* Neighbours wait for answers, and an event loop may be busy with other things for a tenth of a second
or more. So each packet socket has a thread of its own, an `arp.answerer.Answerer`, which reads, has the frame judged
and sends the answer; everything else remains the event loop's.

*The rules.*

1. Who calls a verb of the responder holds the exchange: `with exchange as responder`.
2. A thread lets go of it only once the answer is sent. So once `remove` has returned and the exchange is free, nothing
   is said about that address any more.
3. Who holds it waits for nothing and nobody.
4. The loop may read `responder.addresses`, `claims`, `groups` and `statistics` without it: only the loop adds and
   removes addresses, and what a thread changes beside it are counts and states, one at a time.
5. Events, and frames that are none of the responder's business, are left here for the loop. It is woken once, however
   many there are, until it has collected them.

*Turns.* A thread that lets go of a lock and wants it again at once gets it again, and whoever waits goes on waiting:
in a flood of questions the loop, and while thousands of addresses are added those who ask. Hence two locks. Who waits
for the second one holds the first, before which everybody else has to queue.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType

import attrs

from arp.errors import InterfaceError
from arp.events import Event
from arp.outputs import Ignored, Output, SendFrame
from arp.responder import Responder

__all__ = ["Exchange", "Left"]

_MOST_EVENTS = 4096
_MOST_FRAMES = 1024


@attrs.frozen
class Left:
    """What the threads have left for the event loop."""

    events: list[Event]
    """The newest events, oldest first."""
    frames: list[tuple[bytes, float]]
    """The newest frames that were not answered, and when they came; only while somebody is asking."""


@attrs.define(eq=False)
class Exchange:
    """A responder that several threads use."""

    responder: Responder
    """The responder; for its verbs, use what `with` gives."""
    loop: asyncio.AbstractEventLoop = attrs.field(repr=False)
    """The event loop, whose clock is used for everything."""
    wake: Callable[[], None] = attrs.field(repr=False)
    """What to call, in the event loop, when something was left for it, or `next_timeout` is earlier than before."""
    is_asking: Callable[[], bool] = attrs.field(repr=False)
    """Whether frames that are not answered are wanted; called by any thread."""
    failure: InterfaceError | None = attrs.field(init=False, default=None)
    """Why a thread has ended before it was told to."""
    _clock: Callable[[], float] = attrs.field(init=False, repr=False)
    _next: threading.Lock = attrs.field(init=False, factory=threading.Lock, repr=False)
    _held: threading.Lock = attrs.field(init=False, factory=threading.Lock, repr=False)
    _events: deque[Event] = attrs.field(init=False, factory=lambda: deque(maxlen=_MOST_EVENTS), repr=False)
    _frames: deque[tuple[bytes, float]] = attrs.field(
        init=False, factory=lambda: deque(maxlen=_MOST_FRAMES), repr=False
    )
    _timeout: float | None = attrs.field(init=False, default=None, repr=False)  # as the loop knows it
    _is_woken: bool = attrs.field(init=False, default=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Look at the clock of the event loop."""
        self._clock = self.loop.time

    def __enter__(self) -> Responder:
        """Wait for one's turn, which comes after one frame for each thread."""
        with self._next:
            self._held.acquire()
        return self.responder

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the others have their turn."""
        self._held.release()

    # For threads

    def judge(self, frame: bytes, send: Callable[[bytes], None]) -> None:
        """Take in a frame, send what is due in reply, and leave the rest for the event loop."""
        with self._next:  # as __enter__, whose call would be a noticeable part of the time of an answer
            self._held.acquire()
        try:
            now = self._clock()
            outputs = self.responder.receive_frame(frame, now)
            for output in outputs:
                if isinstance(output, SendFrame):
                    send(output.frame)
            if isinstance(outputs[0], Ignored):
                self._leave(outputs, frame, now)
        finally:
            self._held.release()

    def fail(self, error: InterfaceError) -> None:
        """Tell the event loop that nobody answers any more, and why."""
        with self:
            self.failure = error
            self._wake_loop()

    def _leave(self, outputs: Sequence[Output], frame: bytes, now: float) -> None:
        for output in outputs:
            if not isinstance(output, SendFrame | Ignored):
                self._events.append(output)
        if self.is_asking():
            self._frames.append((frame, now))
        # An answer changes no deadline, so it is enough to look here.
        timeout = self.responder.next_timeout()
        is_earlier = timeout is not None and (self._timeout is None or timeout < self._timeout)
        if self._events or self._frames or is_earlier:
            self._wake_loop()

    def _wake_loop(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            with suppress(RuntimeError):  # the loop is closed, and the thread about to notice
                self.loop.call_soon_threadsafe(self.wake)

    # For the event loop

    def collect(self) -> Left:
        """Give what was left since the last time."""
        with self:
            self._is_woken = False
            left = Left(list(self._events), list(self._frames))
            self._events.clear()
            self._frames.clear()
        return left

    def next_timeout(self) -> float | None:
        """Tell when to call the responder's `handle_timeout`; should it have to be earlier, the loop is woken."""
        with self as responder:
            self._timeout = responder.next_timeout()
            return self._timeout
