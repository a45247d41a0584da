"""A queue of events for one reader, which forgets rather than grow."""

import asyncio
import weakref
from typing import ClassVar, TypeVar

import pytest

from bgp import LocalError
from bgp.stream import LIMIT, Audience, EventsLost, EventStream

T = TypeVar("T")


async def read(stream: EventStream[T]) -> list[T | EventsLost]:
    """All that there is until the end."""
    return [event async for event in stream]


async def waiting(stream: EventStream[T]) -> "asyncio.Task[T | EventsLost]":
    """A reader that waits for an event."""
    task = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_events_come_in_their_order() -> None:
    stream: EventStream[int] = EventStream()
    for event in range(3):
        stream.put(event)
    stream.close()
    assert await read(stream) == [0, 1, 2]
    assert await read(stream) == []


async def test_a_reader_that_waits() -> None:
    stream: EventStream[str] = EventStream()
    reader = await waiting(stream)
    stream.put("one")
    stream.put("two")
    assert await reader == "one"
    assert await anext(stream) == "two"


async def test_the_end_wakes_the_reader() -> None:
    stream: EventStream[str] = EventStream()
    reader = asyncio.ensure_future(read(stream))
    await asyncio.sleep(0)
    stream.close()
    stream.close()
    assert await reader == []


async def test_one_reader_at_a_time() -> None:
    stream: EventStream[str] = EventStream()
    reader = await waiting(stream)
    with pytest.raises(LocalError, match="somebody waits for these events already"):
        await anext(stream)
    stream.put("one")
    assert await reader == "one"


async def test_a_reader_that_gives_up_loses_nothing() -> None:
    stream: EventStream[str] = EventStream()
    reader = await waiting(stream)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    stream.put("one")
    assert await anext(stream) == "one"


async def test_what_does_not_fit_is_counted_where_it_would_have_been() -> None:
    stream: EventStream[int] = EventStream(limit=2)
    for event in range(5):
        stream.put(event)
    assert await anext(stream) == 0
    stream.put(5)
    stream.put(6)
    stream.close()
    assert await read(stream) == [1, EventsLost(3), 5, EventsLost(1)]


async def test_the_reader_is_told_of_losses_before_he_waits() -> None:
    stream: EventStream[int] = EventStream(limit=1)
    stream.put(0)
    stream.put(1)
    assert await anext(stream) == 0
    assert await anext(stream) == EventsLost(1)
    reader = await waiting(stream)
    stream.put(2)
    assert await reader == 2


async def test_nothing_is_added_after_the_end() -> None:
    stream: EventStream[int] = EventStream(limit=1)
    stream.close()
    stream.put(1)
    stream.put(2)
    assert await read(stream) == []


def test_a_limit_of_none() -> None:
    for limit in (0, -1):
        with pytest.raises(LocalError, match=f"limit {limit}, must be 1 to"):
            EventStream[int](limit)
    assert LIMIT == 65536


async def test_all_readers_hear_the_same() -> None:
    audience = Audience[int]()
    first, second = EventStream[int](), EventStream[int]()
    audience.add(first)
    audience.put(1)
    audience.add(second)
    audience.put(2)
    audience.close()
    assert (await read(first), await read(second)) == ([1, 2], [2])


async def test_a_stream_that_nobody_holds_is_forgotten() -> None:
    audience = Audience[int]()
    kept, left = EventStream[int](), EventStream[int]()
    audience.add(left)
    audience.add(kept)
    watched = weakref.ref(left)
    del left
    assert watched() is None
    audience.put(1)
    audience.close()
    assert await read(kept) == [1]


async def test_a_stream_that_goes_while_others_are_told() -> None:
    class Careless(EventStream[int]):
        """Drops another stream when it is told."""

        others: ClassVar[list[EventStream[int]]] = []

        def put(self, event: int) -> None:
            self.others.clear()
            super().put(event)

        def close(self) -> None:
            self.others.clear()
            super().close()

    audience = Audience[int]()
    first, last = Careless(), EventStream[int]()
    audience.add(first)
    Careless.others = [EventStream[int]()]
    audience.add(Careless.others[0])
    audience.add(last)
    audience.put(1)
    Careless.others = [EventStream[int]()]
    audience.add(Careless.others[0])
    audience.close()
    assert (await read(first), await read(last)) == ([1], [1])
