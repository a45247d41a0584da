"""The examples do what they say."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgp import IPV4_UNICAST, Keepalive, Notification, PathAttributes, Route, Update
from tests.bgp.router import DEADLINE, Router
from tests.bgp.speakers import FAST, OPEN, Site, free_port, knows, up
from tests.conditions import until

FOLDER = Path(__file__).parents[2] / "examples"
A, B, C, D = (f"203.0.113.{number}/32" for number in (7, 71, 72, 73))
ROUTE = Update(
    announced=["192.0.2.0/24", "198.51.100.0/24"],
    attributes=PathAttributes(
        origin=0, as_path=[64513, 64514], next_hop="192.0.2.1", communities=["64513:1", "no-export"]
    ),
)


@contextlib.asynccontextmanager
async def running(name: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """An example, which is to end well when it is interrupted."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(FOLDER / name), *arguments),
        stdout=pipe,
        stderr=pipe,
        # The tree that is tested, and not what may be installed.
        env={**os.environ, "PYTHONPATH": str(FOLDER.parent)},
    )
    try:
        yield process
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE):
            _, complaints = await process.communicate()
        assert process.returncode == 0
        assert b"Traceback" not in complaints
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def lines(process: asyncio.subprocess.Process, until_line: str) -> list[str]:
    """What it prints, up to a line."""
    assert process.stdout is not None
    found: list[str] = []
    async with asyncio.timeout(DEADLINE):
        while until_line not in found:
            found.append((await process.stdout.readline()).decode().rstrip("\n"))
            assert found[-1], "it has ended"
    return found


@pytest.mark.parametrize("example", sorted(FOLDER.glob("*.py")), ids=lambda file: file.name)
def test_an_example_is_short(example: Path) -> None:
    assert sum(bool(line.strip()) for line in example.read_text().splitlines()) <= 60


async def test_announce() -> None:
    async with Router() as router:
        arguments = ["127.0.0.1", A, "--port", str(router.port), "--peer-as", "64513", "--local-as", "64512"]
        async with running("announce.py", *arguments) as process:
            assert await lines(process, f"announced {A}") == [f"announced {A}"]
            await until(lambda: set(router.routes) == {A})
        await until(lambda: router.received[-1] == Notification(6, 2))


async def test_print_routes() -> None:
    async with Router() as router:
        arguments = ["127.0.0.1", "--port", str(router.port), "--peer-as", "64513", "--local-as", "64512"]
        async with running("print_routes.py", *arguments) as process:
            await until(lambda: router.heard(Keepalive))
            router.send(ROUTE, Update(withdrawn=["192.0.2.0/24"]), Update())
            assert await lines(process, "# these were all routes of ipv4 unicast") == [
                "+ 192.0.2.0/24 via 192.0.2.1 path 64513 64514 64513:1 no-export",
                "+ 198.51.100.0/24 via 192.0.2.1 path 64513 64514 64513:1 no-export",
                "- 192.0.2.0/24",
                "# these were all routes of ipv4 unicast",
            ]


async def test_plain_sockets() -> None:
    async with Router() as router:
        async with running("plain_sockets.py", "127.0.0.1", str(router.port), "64513", A) as process:
            await lines(process, "OpenConfirm -> Established")
            await until(lambda: set(router.routes) == {A})
            router.send(Notification.shutdown("back soon"))
            await lines(process, "Established -> Idle")
            await until(lambda: router.connections == 2 and set(router.routes) == {A})
        await until(lambda: router.received[-1] == Notification(6, 2))


class Service:
    """A service that answers by HTTP, with a status of its own choice."""

    def __init__(self) -> None:
        self.status = 200

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a request."""
        if await reader.readline() == b"GET /healthz HTTP/1.0\r\n":
            writer.write(f"HTTP/1.0 {self.status} whatever\r\n\r\n".encode())
        writer.close()


@pytest.mark.parametrize("path", ["/healthz", None])
async def test_health_checked_anycast(path: str | None) -> None:
    service = Service()
    server = await asyncio.start_server(service.answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = ["--path", path] if path else []
    async with Router() as router:
        arguments = [A, "--check", f"127.0.0.1:{port}", *asked, "--interval", "0.02", "--fall", "2"]
        arguments += ["--router", "127.0.0.1", "--port", str(router.port)]
        arguments += ["--peer-as", "64513", "--local-as", "64512"]
        async with running("health_checked_anycast.py", *arguments):
            await until(lambda: set(router.routes) == {A})
            if path:
                service.status = 503
                await until(lambda: not router.routes)
                service.status = 200
                await until(lambda: set(router.routes) == {A})
            server.close()
            await until(lambda: not router.routes)
            assert router.connections == 1


async def test_route_server() -> None:
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:
        members = [await stack.enter_async_context(Site(number, port)) for number in (2, 3, 4)]
        one, two, _ = members
        known = [f"{member.address}={64512 + member.number}" for member in members]
        options = ["--local-as", "64500", "--router-id", "192.0.2.250"]
        options += ["--address", "127.0.0.1", "--port", str(port)]
        async with running("route_server.py", *options, *known) as process:
            await lines(process, "waiting for members")
            peers = [
                member.add_peer(
                    "127.0.0.1", peer_as=64500, port=port, local_address=member.address, **OPEN, **FAST
                )
                for member in members
            ]
            await up(*peers)
            from_one, from_two, from_three = peers
            one.announce(
                Route(A, next_hop="127.0.0.99", med=7, as_path=[64514, 64999]),
                Route(B, communities=["0:64515"]),
                Route(C, large_communities=["64500:0:64516"]),
            )
            two.announce(D)
            await until(lambda: knows(from_two, IPV4_UNICAST) == [A, C])
            await until(lambda: knows(from_three, IPV4_UNICAST) == [A, B, D])
            # No route comes back to who sent it.
            await until(lambda: knows(from_one, IPV4_UNICAST) == [D])
            route = next(route for route in from_two.received(IPV4_UNICAST) if str(route.prefix) == A)
            # RFC 7947 2.2: we are not in the path.
            assert (str(route.as_path), str(route.next_hop), route.med) == (
                "64514 64514 64999",
                "127.0.0.99",
                7,
            )
            two.withdraw(D)
            await until(lambda: knows(from_three, IPV4_UNICAST) == [A, B])
            await one.close()
            await until(lambda: knows(from_three, IPV4_UNICAST) == [])
