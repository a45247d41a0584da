"""Announce prefixes to a router until Ctrl-C, and show what becomes of the session.

python examples/announce.py 192.0.2.1 --peer-as 64513 --local-as 64512 203.0.113.7/32 --community 64512:100
"""

import argparse
import asyncio
import contextlib
import logging

import bgp
from bgp.speaker import Speaker


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Announce prefixes to a BGP router.")
    parser.add_argument("peer", help="address of the router")
    parser.add_argument("prefix", nargs="+", help="what to announce, such as 203.0.113.7/32")
    parser.add_argument("--port", type=int, default=179, help="TCP port of the router")
    parser.add_argument("--peer-as", type=int, required=True, help="AS number of the router")
    parser.add_argument("--local-as", type=int, required=True, help="our AS number")
    parser.add_argument("--next-hop", help="where packets are to go; to us if not given")
    parser.add_argument("--community", action="append", default=[], help="such as 64512:100 or no-export")
    return parser.parse_args()


async def announce(options: argparse.Namespace) -> None:
    """Keep a session up, and print the routes that the router has for us."""
    async with Speaker(local_as=options.local_as) as speaker:
        for prefix in options.prefix:
            speaker.announce(bgp.Route(prefix, next_hop=options.next_hop, communities=options.community))
        peer = speaker.add_peer(options.peer, peer_as=options.peer_as, port=options.port)
        async for event in peer.events():
            match event:
                case bgp.Established():
                    print("announced", *options.prefix, flush=True)
                case bgp.RoutesReceived(announced=announced, withdrawn=withdrawn):
                    print(*(f"+{prefix}" for prefix in announced), *(f"-{prefix}" for prefix in withdrawn))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(announce(arguments()))
