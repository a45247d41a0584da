"""Announce an anycast address while the service behind it answers, until Ctrl-C.

python examples/health_checked_anycast.py 203.0.113.53/32 --check 127.0.0.1:8080 --path /healthz \
    --router 192.0.2.1 --peer-as 64513 --local-as 64512
"""

import argparse
import asyncio
import contextlib

from bgp.speaker import Speaker


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Announce an address while a service answers.")
    parser.add_argument("prefix", help="what to announce")
    parser.add_argument("--check", required=True, metavar="HOST:PORT", help="where the service listens")
    parser.add_argument("--path", help="ask for this by HTTP, and want status 200; else TCP alone is enough")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds from one check to the next")
    parser.add_argument("--fall", type=int, default=3, help="so many failures in a row withdraw the address")
    parser.add_argument("--router", required=True, help="address of the router")
    parser.add_argument("--port", type=int, default=179, help="TCP port of the router")
    parser.add_argument("--peer-as", type=int, required=True, help="AS number of the router")
    parser.add_argument("--local-as", type=int, required=True, help="our AS number")
    return parser.parse_args()


async def answers(host: str, port: int, path: str | None) -> bool:
    """Whether the service does what it is for, within a second."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_connection(host, port)
            with contextlib.closing(writer):
                if path is None:
                    return True
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode())
                return (await reader.readline()).split()[1:2] == [b"200"]
    return False


async def announce(options: argparse.Namespace) -> None:
    """Check again and again; the speaker sends what changes."""
    host, _, port = options.check.rpartition(":")
    failures = options.fall
    async with Speaker(local_as=options.local_as) as speaker:
        speaker.add_peer(options.router, peer_as=options.peer_as, port=options.port)
        while True:
            failures = 0 if await answers(host, int(port), options.path) else failures + 1
            speaker.replace([options.prefix] if failures < options.fall else [])
            await asyncio.sleep(options.interval)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(announce(arguments()))
