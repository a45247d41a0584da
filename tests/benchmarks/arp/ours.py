"""`arp.interface`, as a program that does nothing else.

ours.py FAMILY COUNT            on eth0, until it is killed
"""

import asyncio
import sys

from arp.interface import Interface
from arp.settings import Settings
from tests.benchmarks.arp.family import FAMILIES

# Answers are measured, not announcements: one of each address, and then a timer that is armed but does not ring.
_SETTINGS = Settings(announce_duration=0, refresh_interval=3600)


async def main(family: str, count: int) -> None:
    """Say `ready`, then answer."""
    async with Interface("eth0", _SETTINGS) as interface:
        interface.replace(FAMILIES[family].owned(count))
        print("ready", flush=True)
        await interface.wait_closed()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
