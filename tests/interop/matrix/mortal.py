"""A speaker in a process of its own, to be killed: `python -m tests.interop.matrix.mortal PREFIX…`."""

import asyncio
import sys

from tests.interop.matrix.neighbours import NEIGHBOUR_OF
from tests.interop.matrix.ours import connected


async def main(prefixes: list[str]) -> None:
    """Announce these to the router for ever."""
    async with connected(NEIGHBOUR_OF["we_restart"], *prefixes):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
