"""Events for whoever iterates: bounded, so that a reader who does not keep up costs a limited amount of memory.

What does not fit any more is counted, and the reader is told how many events he has missed when he gets to that place.
The state of things is not lost with them: `Peer.received` and `Peer.statistics` have it.
"""

import asyncio
import sys
import weakref
from collections import deque
from collections.abc import AsyncIterator
from typing import Final, Generic, TypeVar

import attrs

from bgp.errors import LocalError
from bgp.values import integer

_T = TypeVar("_T")

LIMIT: Final = 65536
"""Events that wait for a reader, unless he wants another limit."""


@attrs.frozen
class EventsLost:
    """So many events did not wait for the reader any more, here: look at the state of things instead."""

    count: int


class EventStream(AsyncIterator[_T | EventsLost], Generic[_T]):
    """One reader's queue; an async iterator that ends when what it tells of does.

    A second reader needs a stream of his own; `LocalError` tells him so if he waits while the first one does.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        """Let `limit` events wait, 1 or more; raises `LocalError` for less."""
        self._limit = integer("limit", limit, 1, sys.maxsize)
        self._waiting: deque[_T | EventsLost] = deque()
        self._lost = 0
        self._is_closed = False
        self._reader: asyncio.Future[None] | None = None

    def put(self, event: _T) -> None:
        """Add an event, or count it as lost; after `close` nobody waits for it any more."""
        if self._is_closed:
            return
        if len(self._waiting) >= self._limit:
            self._lost += 1
            return
        if self._lost:
            self._waiting.append(EventsLost(self._lost))
            self._lost = 0
        self._waiting.append(event)
        self._wake()

    def close(self) -> None:
        """End the stream after what is in it."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def __anext__(self) -> _T | EventsLost:
        while not self._waiting:
            if self._lost:
                lost, self._lost = self._lost, 0
                return EventsLost(lost)
            if self._is_closed:
                raise StopAsyncIteration
            if self._reader is not None and not self._reader.done():
                raise LocalError(
                    "somebody waits for these events already: each reader needs an iterator of his own"
                )
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        return self._waiting.popleft()


class Audience(Generic[_T]):
    """All the readers of what happens in one place; one whose stream nobody holds any more drops out by himself."""

    def __init__(self) -> None:
        self._streams: list[weakref.ref[EventStream[_T]]] = []

    def add(self, stream: EventStream[_T]) -> None:
        """Let a reader hear of what happens from now on."""
        self._streams.append(weakref.ref(stream, self._streams.remove))

    def put(self, event: _T) -> None:
        """Tell all readers."""
        for reference in tuple(self._streams):
            if (stream := reference()) is not None:
                stream.put(event)

    def close(self) -> None:
        """End all streams."""
        for reference in tuple(self._streams):
            if (stream := reference()) is not None:
                stream.close()
