"""The example that collects dumps, as a program, beside a router on the loopback interface."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bgp import IPV4_UNICAST, IPV6_UNICAST, Keepalive, Message, PathAttributes, Update
from bgp.events import RefreshEnded
from bgp.iana import MRTState
from bgp.mrt import BGPMessage, Record, StateChange, read
from bgp.mrt.file import open_mrt
from bgp.speaker import Speaker
from tests.bgp.router import DEADLINE, Router
from tests.bgp.speakers import FAST, free_port, up
from tests.conditions import until

EXAMPLE = Path(__file__).parents[3] / "examples" / "mrt_collector.py"
PLAIN = PathAttributes(origin=0, as_path=[64513, 70000], next_hop="192.0.2.2")


def records(folder: Path) -> list[Record]:
    found = []
    for path in sorted(folder.glob("updates.*.gz")):
        with open_mrt(path) as file:
            found += list(read(file))
    return found


async def test_collects_and_rotates(tmp_path: Path) -> None:
    async with Router() as router:
        command = ("--local-as", "64512", "--seconds", "1", "--port", str(router.port))
        collector = await asyncio.create_subprocess_exec(
            *(sys.executable, str(EXAMPLE), *command, "127.0.0.1=64513"), cwd=tmp_path
        )
        sent: list[Update] = []

        def has_several_files() -> bool:
            if router.is_up:
                sent.append(
                    Update(announced=[f"10.{len(sent) // 256}.{len(sent) % 256}.0/24"], attributes=PLAIN)
                )
                router.send(sent[-1])
            return len(list(tmp_path.iterdir())) >= 3

        try:
            await until(lambda: router.heard(Keepalive))
            await until(has_several_files)
        finally:
            collector.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE):
            assert await collector.wait() == 0
    found = records(tmp_path)
    messages = [record for record in found if isinstance(record, BGPMessage)]
    updates = [record.message for record in messages]
    assert updates == sent[: len(updates)]
    assert messages[0].peer_as == 64513
    assert str(messages[0].local_address) == "127.0.0.1"
    assert messages[0].microseconds is not None
    assert len({record.timestamp for record in found}) >= 3
    states = [record.new for record in found if isinstance(record, StateChange)]
    assert MRTState.ESTABLISHED in states


@contextlib.asynccontextmanager
async def collecting(folder: Path, *arguments: str) -> AsyncIterator[None]:
    """The example, which ends well when it is interrupted."""
    collector = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLE), "--local-as", "64512", *arguments), cwd=folder
    )
    try:
        yield
    finally:
        collector.send_signal(signal.SIGINT)
        async with asyncio.timeout(DEADLINE):
            assert await collector.wait() == 0


@pytest.mark.parametrize(
    ("here", "there", "listens", "prefix"),
    [
        ("127.0.0.1", "127.0.0.2", True, "203.0.113.0/24"),
        ("::1", "::1", False, "2001:db8::/32"),
    ],
    ids=["dialled", "IPv6"],
)
async def test_routers_that_dial_and_those_with_ipv6(
    tmp_path: Path, here: str, there: str, listens: bool, prefix: str
) -> None:
    port = free_port()
    command = ["--port", str(port), "--router-id", "192.0.2.1", f"{there}=64514"]
    async with Speaker(local_as=64514, router_id="192.0.2.2") as router:
        router.announce(prefix)
        if not listens:
            await router.listen(there, port)
        async with collecting(tmp_path, *command, *(["--listen", here] if listens else [])):
            peer = router.add_peer(
                here,
                peer_as=64512,
                port=port,
                local_address=there,
                passive=not listens,
                families=[IPV4_UNICAST, IPV6_UNICAST],
                **FAST,
            )
            await up(peer)
            await until(lambda: peer.advertised(IPV4_UNICAST) + peer.advertised(IPV6_UNICAST))
            events = peer.events()
            peer.request_refresh(IPV4_UNICAST)
            async with asyncio.timeout(DEADLINE):
                # The answer: what we sent before the request has been read.
                await anext(event async for event in events if isinstance(event, RefreshEnded))
    messages = [record for record in records(tmp_path) if isinstance(record, BGPMessage)]
    assert {(str(each.peer_address), str(each.local_address)) for each in messages} == {(there, here)}
    announced = [each for message in messages for each in _announced(message.message)]
    assert set(announced) == {prefix}


def _announced(message: Message) -> list[str]:
    assert isinstance(message, Update)
    found = message.mp_reach.nlri if message.mp_reach else message.announced
    return list(map(str, found))
