"""A tiny route server: pass the routes of every member of an exchange on to all others, and stay out of their way.

python examples/route_server.py --local-as 64500 --router-id 192.0.2.250 192.0.2.1=64513 192.0.2.2=64514

Members dial us. AS path, next hop and MED stay as they are (RFC 7947). A member that does not want its routes to go to
AS 64513 attaches the community 0:64513, or the large community 64500:0:64513.
"""

import argparse
import asyncio
import contextlib
import logging

import bgp
from bgp.policy import Policy, accept_all
from bgp.speaker import Speaker


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description="A tiny route server.")
    parser.add_argument("member", nargs="+", help="address and AS number, such as 192.0.2.1=64513")
    parser.add_argument("--local-as", type=int, required=True, help="our AS number")
    parser.add_argument("--router-id", required=True, help="our BGP Identifier, such as 192.0.2.250")
    parser.add_argument("--address", help="our address; all if not given")
    parser.add_argument("--port", type=int, default=179, help="TCP port to listen on")
    return parser.parse_args()


def what_may_go_to(asn: int, local_as: int) -> Policy:
    """Keep routes from a member that they are not meant for."""
    large = bgp.LargeCommunity(f"{local_as}:0:{asn}")
    plain = bgp.Community(f"0:{asn}") if asn < 1 << 16 else None

    def judge(route: bgp.Route) -> bgp.Route | None:
        return None if large in route.large_communities or plain in route.communities else route

    return judge


async def serve(options: argparse.Namespace) -> None:
    """Serve the members until Ctrl-C."""
    async with Speaker(local_as=options.local_as, router_id=options.router_id) as speaker:
        for host, asn in (text.split("=") for text in options.member):
            speaker.add_peer(
                host,
                peer_as=int(asn),
                passive=True,
                route_server_client=True,
                families=[bgp.IPV4_UNICAST, bgp.IPV6_UNICAST],
                prefix_limits={bgp.IPV4_UNICAST: bgp.PrefixLimit(10_000)},
                import_policy=accept_all,
                export_policy=what_may_go_to(int(asn), options.local_as),
            )
        await speaker.listen(options.address, options.port)
        print("waiting for members", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(arguments()))
