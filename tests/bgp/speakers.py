"""Speakers on addresses of the loopback interface, for tests over real sockets."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator
from typing import Any, Final

from bgp import Family, Route
from bgp.policy import accept_all
from bgp.speaker import Peer, Speaker

OPEN: Final[dict[str, Any]] = {"import_policy": accept_all, "export_policy": accept_all}
"""Take all, tell all."""

FAST: Final[dict[str, Any]] = {"idle_hold_time": 0.05, "connect_retry_time": 0.5}
"""Come back at once."""

DEADLINE: Final = 30.0


def free_port() -> int:
    """A port that is free at all loopback addresses, most likely."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        port: int = probe.getsockname()[1]
        return port


class Site(Speaker):
    """A speaker that listens at 127.0.0.N as AS 64512 + N, BGP Identifier 192.0.2.N."""

    def __init__(self, number: int, port: int, **options: Any) -> None:
        super().__init__(local_as=64512 + number, router_id=f"192.0.2.{number}", **options)
        self.number = number
        self.port = port
        self.address = f"127.0.0.{number}"

    def joined(self, other: "Site", **options: Any) -> Peer:
        """Add another one as a peer; the one with the lower number waits for the other, unless told otherwise."""
        usual: dict[str, Any] = {
            "passive": self.number < other.number,
            "peer_as": 64512 + other.number,
            "port": self.port,
            "local_address": self.address,
            **FAST,
        }
        return self.add_peer(other.address, **{**usual, **options})


@contextlib.asynccontextmanager
async def sites(count: int, *, listen: bool = True, **options: Any) -> AsyncIterator[list[Site]]:
    """So many speakers, which know nothing of each other yet; nothing is left of them afterwards."""
    port = free_port()
    async with nothing_left(), contextlib.AsyncExitStack() as stack:
        found = [
            await stack.enter_async_context(Site(number, port, **options)) for number in range(1, count + 1)
        ]
        if listen:
            for site in found:
                await site.listen(site.address, port)
        yield found


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Check that no task and no transport is left that was not there before."""
    tasks, transports = asyncio.all_tasks(), _transports()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= tasks
    gc.collect()
    assert _transports() <= transports


def _transports() -> set[int]:
    return {
        id(each) for each in gc.get_objects() if isinstance(each, asyncio.Transport) and not each.is_closing()
    }


async def up(*peers: Peer) -> None:
    """Wait until sessions are up."""
    async with asyncio.timeout(DEADLINE):
        for peer in peers:
            await peer.wait_established()


def prefixes(routes: list[Route]) -> list[str]:
    """Their destinations."""
    return sorted(str(route.prefix) for route in routes)


def knows(peer: Peer, family: Family) -> list[str]:
    """The destinations that a peer has sent."""
    return prefixes(peer.received(family))
