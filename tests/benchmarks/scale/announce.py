"""`bgp` with 500 routes of its own: `python -m tests.benchmarks.scale.announce`."""

import asyncio
import contextlib
import signal

from bgp.speaker import Speaker
from tests.benchmarks.scale.latency import PREFIXES


async def announce() -> None:
    """Announce until terminated."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    async with Speaker(local_as=64496, router_id="192.0.2.1") as speaker:
        speaker.announce(*PREFIXES)
        speaker.add_peer("192.0.2.254", peer_as=64500)
        with contextlib.suppress(asyncio.CancelledError):
            await over.wait()


if __name__ == "__main__":
    asyncio.run(announce())
