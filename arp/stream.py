"""Events for whoever iterates: bounded, so that a reader who does not keep up costs a limited amount of memory.

The oldest are dropped, since the newest tell how things are.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from arp.errors import LocalError
from arp.events import Event

__all__ = ["EventStream"]


class EventStream(AsyncIterator[Event]):
    """One reader's queue of events: an async iterator that ends when the interface is closed.

    A second reader needs a stream of his own; `LocalError` tells him so if he waits while the first one does.
    """

    lost: int
    """Events that were dropped, because so many newer ones waited."""

    def __init__(self, limit: int) -> None:
        """Let `limit` events wait, 1 or more; raises `LocalError` for less."""
        if limit < 1:
            raise LocalError(f"limit {limit}, must be 1 or more")
        self.lost = 0
        self._waiting: deque[Event] = deque(maxlen=limit)
        self._is_closed = False
        self._reader: asyncio.Future[None] | None = None

    def put(self, event: Event) -> None:
        """Add an event."""
        self.lost += len(self._waiting) == self._waiting.maxlen
        self._waiting.append(event)
        self._wake()

    def close(self) -> None:
        """End the stream after what is in it."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def __anext__(self) -> Event:
        while not self._waiting:
            if self._is_closed:
                raise StopAsyncIteration
            if self._reader is not None and not self._reader.done():
                raise LocalError(
                    "somebody waits for these events already: each reader needs a stream of his own"
                )
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._waiting.popleft()
