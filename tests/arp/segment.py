"""A segment without hardware: responders on one wire that delays and loses, and a clock that is a variable."""

import heapq
import itertools
import random
from collections.abc import Sequence

from arp import Claimed, Conflict, Output, Responder, SendFrame


class Segment:
    """Carries each frame of a responder to all others, later or never."""

    def __init__(self, *responders: Responder, seed: int = 0, delay: float = 0.0, loss: float = 0.0) -> None:
        self.responders = responders
        self.now = 0.0
        self.delay, self.loss = delay, loss
        self.events: list[tuple[float, Claimed | Conflict]] = []
        self.sent: list[tuple[float, Responder, bytes]] = []
        self._random = random.Random(seed)
        self._numbers = itertools.count()
        self._wire: list[tuple[float, int, int, bytes]] = []  # by arrival, then order; the receiver

    def carry_out(self, sender: Responder, outputs: Sequence[Output]) -> None:
        """Do what a responder wants."""
        for output in outputs:
            if isinstance(output, Claimed | Conflict):
                self.events.append((self.now, output))
            elif isinstance(output, SendFrame):
                self.sent.append((self.now, sender, output.frame))
                for number, receiver in enumerate(self.responders):
                    if receiver is not sender and self._random.random() >= self.loss:
                        arrival = self.now + self.delay * self._random.random()
                        heapq.heappush(self._wire, (arrival, next(self._numbers), number, output.frame))

    def run(self, end: float) -> None:
        """Let everything happen that is due until then, in its order."""
        while (due := self._next()) is not None and due <= end:
            self.now = max(self.now, due)
            if self._wire and self._wire[0][0] <= self.now:
                _, _, number, frame = heapq.heappop(self._wire)
                receiver = self.responders[number]
                self.carry_out(receiver, receiver.receive_frame(frame, self.now))
                continue
            for responder in self.responders:
                self.carry_out(responder, responder.handle_timeout(self.now))
        self.now = end

    def _next(self) -> float | None:
        timeouts = [responder.next_timeout() for responder in self.responders]
        due = [timeout for timeout in timeouts if timeout is not None]
        due += [self._wire[0][0]] if self._wire else []
        return min(due, default=None)
