"""`python -m bgp` beside a real router: BIRD 2, in two network namespaces joined by a cable."""

import asyncio
import json
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bgp.router import DEADLINE
from tests.conditions import until
from tests.interop.bird import Bird
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces

pytestmark = [
    *needs_namespaces,
    pytest.mark.skipif(shutil.which("bird") is None, reason="needs BIRD 2 (Debian: bird2)"),
]

A, B = "203.0.113.1/32", "203.0.113.2/32"
PEER = ("10.0.0.2", "--local-as", "64512", "--peer-as", "64513")


@pytest.fixture
def bird(tmp_path: Path) -> Iterator[Bird]:
    """A running BIRD in another AS; the test itself is at the other end of the cable."""
    with NetworkNamespace("ours") as ours, NetworkNamespace("bird") as there:
        connect(ours, "10.0.0.1/24", there, "10.0.0.2/24")
        with ours.entered():
            bird = Bird(there, tmp_path)
            bird.start()
            yield bird


async def started(*arguments: str) -> asyncio.subprocess.Process:
    """The command; it is in the namespace that the test is in."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bgp", "peer", *PEER, *arguments), stdin=pipe, stdout=pipe, stderr=pipe
    )


async def test_routes_are_injected(bird: Bird) -> None:
    process = await started(
        *(
            "--announce",
            A,
            "--community",
            "64512:100",
            "no-export",
            "--med",
            "7",
            "--as-path",
            "64999",
            "64999",
        )
    )
    await until(lambda: A in bird.routes())
    shown = bird.routes()[A]
    assert "BGP.as_path: 64512 64999 64999\n" in shown
    assert "BGP.community: (64512,100) (65535,65281)" in shown
    assert "BGP.med: 7" in shown
    assert process.stdin is not None
    process.stdin.write(f"announce {B} next-hop 10.0.0.9\nwithdraw {A}\n".encode())
    await until(lambda: set(bird.routes()) == {B})
    assert "BGP.next_hop: 10.0.0.9" in bird.routes()[B]
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(DEADLINE):
        _, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
    await until(lambda: bird.last_error() == "Received: Administrative shutdown")
    assert bird.routes() == {}


async def test_routes_are_collected(bird: Bird) -> None:
    await until(lambda: "speaker" in bird.show("protocols"))
    process = await started("--until-eor", "--json")
    async with asyncio.timeout(DEADLINE):
        output, complaints = await process.communicate()
    assert (process.returncode, complaints) == (0, b"")
    events = [json.loads(line) for line in output.splitlines()]
    (routes,) = (event for event in events if event["type"] == "RoutesReceived")
    assert routes["announced"] == [{"prefix": "198.51.100.0/24"}]
    assert routes["attributes"]["as_path"] == [{"type": "as-sequence", "asns": [64513]}]
    assert events[-1]["type"] == "EndOfRib"


async def test_a_wrong_as_number_is_refused(bird: Bird) -> None:
    await until(lambda: "speaker" in bird.show("protocols"))
    process = await started("--timeout", "3", "--local-as", "64999")
    async with asyncio.timeout(DEADLINE):
        output, _ = await process.communicate()
    assert process.returncode == 1
    assert b"attempt failed: the peer sent NOTIFICATION OPEN Message Error / Bad Peer AS" in output
