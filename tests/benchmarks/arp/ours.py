"""`arp.interface`, as a program that does nothing else, or that keeps its event loop busy.

ours.py FAMILY COUNT [asleep | computing]           on eth0, until it is killed
"""

import asyncio
import sys
import time
from collections.abc import Callable

from arp.interface import Interface
from arp.settings import Settings
from tests.benchmarks.arp.family import FAMILIES

# Answers are measured, not announcements: one of each address, and then a timer that is armed but does not ring.
_SETTINGS = Settings(announce_duration=0, refresh_interval=3600)


_BUSY = 0.5
_IDLE = 0.05


async def main(family: str, count: int, occupation: str = "") -> None:
    """Say `ready`, then answer."""
    async with Interface("eth0", _SETTINGS) as interface:
        interface.replace(FAMILIES[family].owned(count))
        print("ready", flush=True)
        if occupation:
            await _stay_busy(_OCCUPATIONS[occupation])
        await interface.wait_closed()


async def _stay_busy(occupy: Callable[[float], None]) -> None:
    while True:
        await asyncio.sleep(_IDLE)
        occupy(_BUSY)


def _compute(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        sum(number * number for number in range(1_000))


_OCCUPATIONS = {"asleep": time.sleep, "computing": _compute}


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
