"""Waiting for what a test expects to happen, without guessing how long it takes."""

import asyncio
from collections.abc import Callable

DEADLINE = 30.0
"""Seconds after which a condition counts as never coming true; generous, for a busy machine."""


async def until(holds: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Wait until `holds()` is true, looking again and again. Raise TimeoutError after `deadline` seconds."""
    async with asyncio.timeout(deadline):
        while not holds():  # noqa: ASYNC110  # what is waited for happens in files and other processes
            await asyncio.sleep(0.01)
