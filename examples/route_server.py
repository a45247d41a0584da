"""A tiny route server: pass the routes of every member of an exchange on to all others, and stay out of their way.

python examples/route_server.py --local-as 64500 --router-id 192.0.2.250 --lan 192.0.2.0/24

Members dial us, from any address of the LAN and any AS. AS path, next hop and MED stay as they are (RFC 7947). A member
that does not want its routes to go to AS 64513 attaches the community 0:64513.
"""

import argparse
import asyncio
import contextlib
import logging

import bgp
from bgp.policy import accept_all
from bgp.speaker import Speaker


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="A tiny route server.")
    parser.add_argument("--local-as", type=int, required=True, help="our AS number")
    parser.add_argument("--router-id", required=True, help="our BGP Identifier, such as 192.0.2.250")
    parser.add_argument("--lan", required=True, help="where members are, such as 192.0.2.0/24")
    parser.add_argument("--address", help="our address; all if not given")
    parser.add_argument("--port", type=int, default=179, help="TCP port to listen on")
    return parser.parse_args()


async def serve(options: argparse.Namespace) -> None:
    """Take members as they come, until Ctrl-C."""
    async with Speaker(local_as=options.local_as, router_id=options.router_id) as speaker:
        speaker.add_range(
            options.lan,
            limit=500,
            route_server_client=True,
            families=[bgp.IPV4_UNICAST, bgp.IPV6_UNICAST],
            prefix_limits={bgp.IPV4_UNICAST: bgp.PrefixLimit(10_000)},
            import_policy=accept_all,
            export_policy=accept_all,
        )
        await speaker.listen(options.address, options.port)
        print("waiting for members", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments()))
