"""Run an Interface until standard input ends, or what it cannot recover from; tests start this inside a namespace.

    respond.py [--unprivileged] INTERFACE ADDRESS...

Prints `ready` once it answers and, at the end, a JSON object with what there is to know.
"""

import asyncio
import json
import os
import sys

from arp import InterfaceError
from arp.interface import Interface


async def respond(name: str, addresses: list[str]) -> dict[str, object]:
    """Answer until told to stop; give the counts, the error if there was one, and what was left open."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, told.set)
    open_before = os.listdir("/proc/self/fd")
    interface = Interface(name)
    try:
        async with interface:
            interface.replace(addresses)
            print("ready", flush=True)
            waits = [asyncio.ensure_future(told.wait()), asyncio.ensure_future(interface.wait_closed())]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        told.set()
        await asyncio.gather(*waits)
        error = None
    except InterfaceError as raised:
        error = f"{type(raised).__name__}: {raised}"
    asyncio.get_running_loop().remove_reader(sys.stdin)
    return {
        "error": error,
        "left_open": len(os.listdir("/proc/self/fd")) - len(open_before),
        **counts(interface),
    }


def counts(interface: Interface) -> dict[str, object]:
    """Give the statistics by text, nothing if the interface was never opened."""
    try:
        statistics = interface.statistics
    except InterfaceError:
        return {}
    return {
        "mac": str(interface.info.mac),
        "unsent": interface.unsent,
        "replies": {str(address): count for address, count in statistics.replies.items()},
        "ignored": {reason.name: count for reason, count in statistics.ignored.items() if count},
    }


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[0] == "--unprivileged":
        os.setresuid(65534, 65534, 65534)  # nobody; the kernel takes all capabilities away with the user
        arguments = arguments[1:]
    print(json.dumps(asyncio.run(respond(arguments[0], arguments[1:]))))
