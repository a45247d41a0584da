"""A speaker of ours that does what it is told: `python -m tests.soak.agent SOCKET SETUP`.

SETUP is a JSON object, see `Setup`. A line on the Unix socket is a JSON object as well, with the name of a method of
`Agent` under "do" and its arguments beside it; it is answered by a line with "result", or with "error".

A relay can stand between a speaker and its peer, both of which it looks like the other to, and flip octets.
"""

import asyncio
import contextlib
import gc
import json
import os
import random
import socket
import sys
from collections import Counter
from typing import Any, TypedDict

import bgp
from bgp.config import GracefulRestartConfig
from bgp.errors import LocalError
from bgp.iana import AddPathDirection
from bgp.policy import Policy, accept_all
from bgp.route import Route
from bgp.speaker import Peer, PeerOptions, Speaker
from tests.benchmarks.scale import usage

FAMILY = bgp.IPV4_UNICAST
HOLD_TIME = 9
TAG = "64998:1"
VARIANTS = 5
"""In how many ways a route can be announced: 0 without anything, others with a MED and a community each."""


class PeerSetup(TypedDict, total=False):
    """How a peer is wanted; all but its AS has a default."""

    asn: int
    passive: bool
    restarts: bool
    add_path: bool
    hold_time: int
    imports: str
    exports: str


class Setup(TypedDict):
    """What an agent begins with."""

    asn: int
    address: str
    peers: dict[str, PeerSetup]
    routes: dict[str, int]
    """Prefixes and variants."""

    restarting: bool
    relay: str
    """The address of a relay to this agent's own one; "" for none."""


def is_odd(prefix: str) -> bool:
    """Whether the policy `even` refuses a prefix: by its third octet."""
    return int(prefix.split(".")[2]) % 2 == 1


def even(route: Route) -> Route | None:
    """Refuse every other prefix."""
    return None if is_odd(str(route.prefix)) else route


def tagged(route: Route) -> Route:
    """Add a community."""
    return route.evolve(communities=[*route.communities, TAG])


POLICIES: dict[str, Policy | None] = {"all": accept_all, "even": even, "tagged": tagged, "none": None}
"""The policies, by the names that the socket knows."""


def route(prefix: str, variant: int) -> Route:
    """The route to a prefix, in one of the variants."""
    if not variant:
        return Route(prefix)
    return Route(prefix, med=10 * variant, communities=[f"64999:{variant}"])


Row = list[Any]
"""A route as JSON: prefix, path identifier, AS path, communities, MED."""


def row(shown: Route) -> Row:
    """A route as JSON."""
    communities = sorted(map(str, shown.communities))
    return [str(shown.prefix), shown.path_id, str(shown.as_path), communities, shown.med]


class Agent:
    """The speaker, and what it needs to be made anew."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._peers = dict(setup["peers"])
        self._routes = dict(setup["routes"])
        self._speaker: Speaker | None = None
        self._relay = Relay(setup["relay"], setup["address"]) if setup["relay"] else None

    async def start(self, restarting: bool) -> None:
        """Make the speaker, with all routes and peers."""
        asn, address = self._setup["asn"], self._setup["address"]
        self._speaker = Speaker(local_as=asn, router_id=address, restarting=restarting)
        await self._speaker.listen(address)
        self._speaker.announce(*(route(*each) for each in self._routes.items()))
        for its_address, wanted in self._peers.items():
            self._speaker.add_peer(its_address, **_options(wanted, self._setup["address"]))
        if self._relay is not None:
            await self._relay.start()

    @property
    def speaker(self) -> Speaker:
        """The speaker of now."""
        assert self._speaker is not None
        return self._speaker

    def _peer(self, address: str) -> Peer:
        return next(peer for peer in self.speaker.peers if str(peer) == address)

    # What can be asked for.

    async def announce(self, routes: dict[str, int]) -> None:
        """Announce routes, each in a variant."""
        self._routes.update(routes)
        self.speaker.announce(*(route(*each) for each in routes.items()))

    async def withdraw(self, prefixes: list[str]) -> None:
        """Withdraw routes."""
        for prefix in prefixes:
            self._routes.pop(prefix, None)
        self.speaker.withdraw(*prefixes)

    async def states(self) -> dict[str, str]:
        """The states of the sessions, by peer."""
        return {str(peer): peer.state.value for peer in self.speaker.peers}

    async def last_errors(self) -> dict[str, str | None]:
        """Why the last sessions ended, by peer."""
        return {str(peer): peer.last_error for peer in self.speaker.peers}

    async def received(self, peer: str) -> list[Row]:
        """What a peer has sent."""
        return sorted(map(row, self._peer(peer).received(FAMILY)))

    async def advertised(self, peer: str) -> list[Row]:
        """What a peer was told."""
        return sorted(map(row, self._peer(peer).advertised(FAMILY)))

    async def best(self) -> dict[str, str]:
        """The prefixes with a best path, and who sent it; "" is ourselves."""
        found = {}
        for each in self.speaker.best(FAMILY):
            address = each.source.address if each.source is not None else None
            found[str(each.prefix)] = "" if address is None else str(address)
        return found

    async def change(self, peer: str, wanted: PeerSetup) -> None:
        """Want something else of a peer."""
        self._peers[peer].update(wanted)
        self.speaker.change_peer(self._peer(peer), **_options(self._peers[peer], self._setup["address"]))

    async def remove(self, peer: str) -> None:
        """Forget a peer."""
        self._peers.pop(peer)
        await self.speaker.remove_peer(self._peer(peer))

    async def add(self, peer: str, wanted: PeerSetup) -> None:
        """Add a peer."""
        self._peers[peer] = wanted
        self.speaker.add_peer(peer, **_options(wanted, self._setup["address"]))

    async def reset(self, peer: str) -> None:
        """End a session, to come back."""
        self._peer(peer).reset("soak")

    async def refresh(self, peer: str) -> None:
        """Ask a peer for its routes, if there is a session."""
        with contextlib.suppress(LocalError):
            self._peer(peer).request_refresh(FAMILY)

    async def restart(self, gracefully: bool) -> None:
        """End the speaker and make another one."""
        await self.speaker.close(restarting=gracefully)
        await self.start(gracefully)

    async def drain(self) -> None:
        """Drain the speaker for a moment, and make another one."""
        await self.speaker.drain(1.0, "soak")
        await self.start(False)

    async def corrupt(self, count: int, seed: int) -> None:
        """Let the relay flip an octet in so many of the next pieces of the stream."""
        assert self._relay is not None
        self._relay.corrupt(count, seed)

    async def garbage(self, source: str, target: str, octets: str) -> None:
        """Send octets to a listener, from an address, and hang up."""
        loop = asyncio.get_running_loop()
        with socket.socket() as sock, contextlib.suppress(OSError, TimeoutError):
            sock.setblocking(False)
            sock.bind((source, 0))
            async with asyncio.timeout(2):
                await loop.sock_connect(sock, (target, 179))
                await loop.sock_sendall(sock, bytes.fromhex(octets))
                await loop.sock_recv(sock, 4096)

    async def health(self) -> dict[str, int]:
        """How much of everything there is that must not grow."""
        gc.collect()
        found = Counter(type(each).__name__ for each in gc.get_objects() if _is_counted(each))
        return {
            "tasks": len(asyncio.all_tasks()),
            "descriptors": len(os.listdir("/proc/self/fd")),
            "resident": usage.resident([os.getpid()]),
            **found,
        }


_COUNTED = (
    "Speaker",
    "Peer",
    "Peering",
    "Session",
    "Member",
    "Connection",
    "Incoming",
    "Listener",
    "TimerHandle",
)


def _is_counted(each: object) -> bool:
    if isinstance(each, asyncio.TimerHandle):
        return not each.cancelled()
    return type(each).__name__ in _COUNTED and type(each).__module__.startswith("bgp.")


def _options(wanted: PeerSetup, address: str) -> PeerOptions:
    return {
        "peer_as": wanted["asn"],
        "local_address": address,
        "passive": wanted.get("passive", False),
        "hold_time": wanted.get("hold_time", HOLD_TIME),
        "idle_hold_time": 0.2,
        "connect_retry_time": 1.0,
        "import_policy": POLICIES[wanted.get("imports", "all")],
        "export_policy": POLICIES[wanted.get("exports", "none")],
        "graceful_restart": GracefulRestartConfig(restart_time=20) if wanted.get("restarts") else None,
        "add_path": {FAMILY: AddPathDirection.SEND | AddPathDirection.RECEIVE}
        if wanted.get("add_path")
        else {},
    }


class Relay:
    """Takes connections at an address and passes them on to another, from that same address."""

    def __init__(self, address: str, target: str) -> None:
        self._address, self._target = address, target
        self._server: asyncio.Server | None = None
        self._left = 0
        self._random = random.Random()

    async def start(self) -> None:
        """Listen, if it does not yet."""
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, self._address, 179)

    def corrupt(self, count: int, seed: int) -> None:
        """Flip an octet in so many of the next pieces."""
        self._left, self._random = count, random.Random(seed)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            onward, back = await asyncio.open_connection(self._target, 179, local_addr=(self._address, 0))
            await asyncio.gather(self._pass(reader, back), self._pass(onward, writer))
        writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(4096):
                writer.write(self._maybe_flipped(data))
                await writer.drain()
        writer.close()

    def _maybe_flipped(self, data: bytes) -> bytes:
        if not self._left:
            return data
        self._left -= 1
        place = self._random.randrange(len(data))
        return data[:place] + bytes([data[place] ^ self._random.randrange(1, 256)]) + data[place + 1 :]


async def serve(path: str, setup: Setup) -> None:
    """Do what is asked, until killed."""
    agent = Agent(setup)
    await agent.start(setup["restarting"])

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            request = json.loads(line)
            try:
                reply = {"result": await getattr(agent, request.pop("do"))(**request)}
            except Exception as error:  # whatever it is, the one who asked is to know
                reply = {"error": f"{type(error).__name__}: {error}"}
            writer.write(json.dumps(reply).encode() + b"\n")
            await writer.drain()
        writer.close()

    async with await asyncio.start_unix_server(answer, path, limit=1 << 24) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], json.loads(sys.argv[2])))
