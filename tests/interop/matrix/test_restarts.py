"""The matrix: graceful restart (RFC 4724), with processes that are really killed."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from bgp import EndOfRib
from bgp.events import RoutesStale
from tests.conditions import until
from tests.interop.matrix.neighbours import OTHERS, PLAIN4, Neighbour
from tests.interop.matrix.ours import connected, established
from tests.interop.matrix.router import Router
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

ROOT = Path(__file__).parents[3]
A, B, C = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"


@contextlib.asynccontextmanager
async def mortal(*prefixes: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A speaker in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.interop.matrix.mortal", *prefixes), cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def keeping(is_there: Callable[[], object], until_this: Callable[[], object]) -> None:
    """Wait for something, while something else has to stay true."""

    def holds() -> object:
        assert is_there()
        return until_this()

    await until(holds)


async def test_we_restart(router: Router, neighbour: Neighbour) -> None:
    def routes() -> set[str]:
        return {route.prefix for route in router.routes(neighbour)}

    async with connected(OTHERS[2]) as observer:
        async with mortal(A, B):
            await until(lambda: {A, B} <= observer.prefixes())
        await until(lambda: not router.is_established(neighbour))
        assert routes() == {A, B}
        async with connected(neighbour, A, C, restarting=True):
            await keeping(lambda: A in routes(), lambda: C in routes())
            # What we do not announce again is dropped once we say that this was all.
            await keeping(lambda: A in routes(), lambda: B not in routes())
            await until(lambda: B not in observer.prefixes())
            assert observer.withdrawals(A) == 0
            assert A in observer.prefixes()


async def test_it_restarts(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour) as side:
        await until(lambda: side.of(EndOfRib) and side.find(PLAIN4))
        router.kill()
        await keeping(lambda: side.find(PLAIN4), lambda: side.of(RoutesStale))
        before = len(side.of(EndOfRib))
        router.start()
        await established(side.peer)
        await keeping(lambda: side.find(PLAIN4), lambda: len(side.of(EndOfRib)) > before)
        assert side.find(PLAIN4)
