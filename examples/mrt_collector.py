"""Collect what routers say: MRT files (BGP4MP_ET, gzip) in this folder, one for each quarter of an hour, until Ctrl-C.

python examples/mrt_collector.py --local-as 64512 192.0.2.1=64513 2001:db8::1=64514

It dials the routers; with --listen they dial it.
"""

import argparse
import asyncio
import contextlib
import gzip
import time
from collections.abc import Generator
from typing import Any

import bgp.mrt
from bgp.speaker import Peer, Speaker

FAMILIES = [bgp.IPV4_UNICAST, bgp.IPV6_UNICAST]


def archive(seconds: int) -> Generator[None, bgp.mrt.Record, None]:
    """Take records, and write each into the file of its time."""
    record = yield
    while True:
        start = record.timestamp - record.timestamp % seconds
        with gzip.open(time.strftime("updates.%Y%m%d.%H%M%S.gz", time.gmtime(start)), "ab") as file:
            while start <= record.timestamp < start + seconds:
                file.write(bgp.mrt.encode(record))
                record = yield


async def collect(peer: Peer, dump: Generator[None, bgp.mrt.Record, None]) -> None:
    """Write down what becomes of a peer."""
    who: dict[str, Any] = {"peer_as": peer.config.peer_as, "local_as": peer.config.local_as}
    # Before there is a connection, nobody knows our address on it.
    who |= {"peer_address": str(peer), "local_address": "::" if ":" in str(peer) else "0.0.0.0"}
    async for event in peer.events():
        if peer.endpoints is not None:
            who["local_address"] = peer.endpoints[0][0]
        who["timestamp"], who["microseconds"] = divmod(time.time_ns() // 1000, 1_000_000)
        match event:
            case bgp.StateChanged(old, new):
                dump.send(bgp.mrt.StateChange(**who, old=old, new=new))
            case bgp.RoutesReceived(update=bgp.Update() as update):
                data = bgp.encode(update, bgp.Negotiated(four_octet_as=True, extended_message=True))
                dump.send(bgp.mrt.BGPMessage(**who, data=data))


async def main() -> None:
    """Keep sessions up, and write."""
    parser = argparse.ArgumentParser(description="Write what routers say into MRT files.")
    parser.add_argument("peer", nargs="+", help="address and AS number of a router, such as 192.0.2.1=64513")
    parser.add_argument("--port", type=int, default=179, help="TCP port of the routers, and ours")
    parser.add_argument("--listen", help="address of ours that the routers dial; if not given, we dial them")
    parser.add_argument("--router-id", help="our BGP Identifier; if not given, our IPv4 address")
    parser.add_argument("--local-as", type=int, required=True, help="our AS number")
    parser.add_argument("--seconds", type=int, default=900, help="how much time there is in a file")
    options = parser.parse_args()
    with contextlib.closing(archive(options.seconds)) as dump:
        next(dump)
        speaker = Speaker(local_as=options.local_as, router_id=options.router_id)
        async with speaker, asyncio.TaskGroup() as group:
            if options.listen:
                await speaker.listen(options.listen, options.port)
            wanted = {"families": FAMILIES, "port": options.port, "passive": options.listen is not None}
            for host, asn in (text.split("=") for text in options.peer):
                group.create_task(collect(speaker.add_peer(host, peer_as=int(asn), **wanted), dump))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main())
