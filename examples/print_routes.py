"""Print the routes that a router sends, a line for each, and those that it takes back, until Ctrl-C.

python examples/print_routes.py 192.0.2.1 --peer-as 64513 --local-as 64512
"""

import argparse
import asyncio
import contextlib

import bgp
from bgp.speaker import Speaker


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="Print the routes that a BGP router sends.")
    parser.add_argument("router", help="address of the router")
    parser.add_argument("--port", type=int, default=179, help="TCP port of the router")
    parser.add_argument("--peer-as", type=int, required=True, help="AS number of the router")
    parser.add_argument("--local-as", type=int, required=True, help="our AS number")
    return parser.parse_args()


def show(event: bgp.RoutesReceived) -> None:
    """Print what one UPDATE amounts to."""
    for destination in event.withdrawn:
        print("-", destination, flush=True)
    attributes = event.attributes
    next_hop = event.next_hop or attributes.next_hop
    communities = " ".join(map(str, attributes.communities))
    for destination in event.announced:
        print(f"+ {destination} via {next_hop} path {attributes.as_path} {communities}".rstrip(), flush=True)


async def collect(options: argparse.Namespace) -> None:
    """Keep a session up, and print whatever comes."""
    async with Speaker(local_as=options.local_as) as speaker:
        peer = speaker.add_peer(
            options.router,
            peer_as=options.peer_as,
            port=options.port,
            families=[bgp.IPV4_UNICAST, bgp.IPV6_UNICAST],
        )
        async for event in peer.events():
            match event:
                case bgp.RoutesReceived():
                    show(event)
                case bgp.EndOfRib(family):
                    print(f"# these were all routes of {family}", flush=True)
                case bgp.SessionClosed(reason):
                    print(f"# the session is over, no route holds any more: {reason}", flush=True)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(collect(arguments()))
