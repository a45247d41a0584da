"""Running the programs: one task beside another, until done or asked to stop."""

import asyncio
import contextlib
import signal
from collections.abc import Coroutine
from typing import Any

from k8sglue.cluster import Store


async def run_beside(background: Coroutine[Any, Any, None], work: Coroutine[Any, Any, None]) -> None:
    """Run `work` to its end, with `background` beside it, which is then cancelled.

    Whichever fails ends both, and what it raised is raised here; of a group of errors the first one.
    """
    tasks = [asyncio.ensure_future(background), asyncio.ensure_future(work)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if tasks[1] not in done:
            # A source that ends by itself ends with an error.
            await tasks[0]
        await tasks[1]
    except BaseExceptionGroup as group:
        raise _first(group) from group
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error


async def wait_at_most(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for an event, but no longer than some seconds; None means for ever.

    Not `asyncio.wait_for`, which forgets a cancellation that comes together with the event until Python 3.12.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


async def wait_synced(store: Store) -> None:
    """Wait until a store has everything that it watches."""
    changed = asyncio.Event()
    store.subscribe(changed.set)
    while not store.synced:
        changed.clear()
        await changed.wait()


async def run_until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run `work` until it ends, or cancel it on SIGTERM or SIGINT and wait until it has cleaned up."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    stopped = False

    def stop() -> None:
        nonlocal stopped
        # A second signal must not interrupt the goodbye that the first one began.
        if not stopped:
            task.cancel()
        stopped = True

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise
