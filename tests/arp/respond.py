"""Run an Interface until standard input ends, or what it cannot recover from; tests start this inside a namespace.

    respond.py [--unprivileged] [--friend MAC] INTERFACE ADDRESS...

A line of standard input, such as `remove 203.0.113.7 02:00:00:00:00:0b`, calls the verb of that name.
Prints `ready` once it answers and, at the end, a JSON object with what there is to know.
"""

import argparse
import asyncio
import json
import os
import sys

from arp import InterfaceError, Settings
from arp.interface import Interface


async def respond(name: str, addresses: list[str], friends: list[str]) -> dict[str, object]:
    """Answer until told to stop; give the counts, the error if there was one, and what was left open."""
    told = asyncio.Event()
    interface = Interface(name, settings=Settings(friends=friends))

    def obey() -> None:
        lines = os.read(sys.stdin.fileno(), 4096).decode().splitlines()
        for line in lines:
            verb, *arguments = line.split()
            getattr(interface, verb)(*arguments)
        if not lines:
            told.set()

    asyncio.get_running_loop().add_reader(sys.stdin, obey)
    open_before = os.listdir("/proc/self/fd")
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
        "defences": sum(statistics.defences.values()),
        "replies": {str(address): count for address, count in statistics.replies.items()},
        "ignored": {reason.name: count for reason, count in statistics.ignored.items() if count},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--unprivileged", action="store_true")
    parser.add_argument("--friend", action="append", default=[], dest="friends")
    parser.add_argument("interface")
    parser.add_argument("addresses", nargs="*")
    given = parser.parse_args()
    if given.unprivileged:
        os.setresuid(65534, 65534, 65534)  # nobody; the kernel takes all capabilities away with the user
    print(json.dumps(asyncio.run(respond(given.interface, given.addresses, given.friends))))
