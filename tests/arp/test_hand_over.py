"""Two responders that hand an address over while a client fetches a page every 10 ms from whoever has it.

Behind each is a server that takes connections for the address, as a node of a cluster does for the address of a
Service. What counts is the longest time without a page; it is printed.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import attrs
import pytest

from arp import Reason, Settings
from arp.interface import Interface
from tests.arp.lan import NODE_MAC, OTHER_MAC, VIP, VIP6, Host, Lan
from tests.conditions import DEADLINE, until
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

VIPS = (VIP, VIP6)
LONGEST_GAP = 1.0
"""Seconds; on a quiet machine it is some hundredths."""
_ROOT = Path(__file__).parents[2]
_PYTHON = (sys.executable, "-m")


@attrs.frozen
class Pages:
    """What the client has got until now."""

    output: Path

    def got(self, address: str) -> list[tuple[float, str]]:
        """Give when a page came, and from whom."""
        rows = [
            line.split() for line in self.output.read_text().splitlines(keepends=True) if line.endswith("\n")
        ]
        return [(float(when), name) for when, from_address, name in rows if from_address == address]

    async def wait_come_from(self, name: str, count: int = 50) -> None:
        """Wait until the last pages from each address all came from one server."""
        await until(lambda: all([by for _, by in self.got(vip)][-count:] == [name] * count for vip in VIPS))

    def longest_gaps(self, since: float) -> dict[str, float]:
        """Give the longest time without a page for each address, from a moment on."""
        found = {}
        for vip in VIPS:
            moments = [when for when, _ in self.got(vip)]
            found[vip] = max(later - earlier for earlier, later in pairwise(moments) if later >= since)
        return found


async def serve(host: Host, name: str, folder: Path) -> None:
    """Let a host serve its page for both addresses, which no interface of it holds."""
    # The answers to ARP are ours to give, and no question is to come from an address that may be another's.
    host.tune(conf_arp_ignore=1, conf_arp_announce=2)
    host.ip(f"route add local {VIP} dev lo")
    host.ip(f"-6 route add local {VIP6} dev lo")
    output = folder / name
    host.namespace.start(*_PYTHON, "tests.arp.pages", "serve", name, output=output)
    await until(lambda: output.exists() and output.read_text() == "ready\n")


@asynccontextmanager
async def owning(host: Host, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run respond.py on a host, with both addresses; kill it at last."""
    command = ["ip", "netns", "exec", host.namespace.name, *_PYTHON, "tests.arp.respond"]
    command += [*arguments, "eth0", *VIPS]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def defences_of(owner: asyncio.subprocess.Process) -> int:
    """End a respond.py; give how often it has defended its addresses."""
    output, _ = await asyncio.wait_for(owner.communicate(b""), DEADLINE)
    count = json.loads(output)["defences"]
    assert isinstance(count, int)
    return count


@pytest.fixture
async def pages(switched: Lan, tmp_path: Path) -> Pages:
    """Give what the client fetches, from `former` on the other host and `next` on the node."""
    switched.node.take("203.0.113.3")
    switched.node.take("2001:db8::3")
    await serve(switched.other, "former", tmp_path)
    await serve(switched.node, "next", tmp_path)
    output = tmp_path / "pages"
    switched.client.namespace.start(*_PYTHON, "tests.arp.pages", "fetch", *VIPS, output=output)
    await until(output.exists)
    return Pages(output)


def report(capsys: pytest.CaptureFixture[str], what: str, gaps: dict[str, float]) -> None:
    """Print the longest gaps, and hold them to the limit."""
    told = ", ".join(f"{gap * 1000:.0f} ms from {address}" for address, gap in gaps.items())
    with capsys.disabled():
        print(f"\n{what}: longest time without a page {told}")
    assert max(gaps.values()) < LONGEST_GAP


@pytest.mark.parametrize("order", ["the former holder goes first", "both hold it for a while"])
async def test_a_hand_over_to_a_successor(
    switched: Lan, pages: Pages, order: str, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(friends=[OTHER_MAC])
    async with (
        owning(switched.other, "--friend", str(NODE_MAC)) as owner,
        Interface("eth0", settings) as heir,
    ):
        await pages.wait_come_from("former")
        began = time.monotonic()
        assert owner.stdin is not None
        farewell = "".join(f"remove {vip} {NODE_MAC}\n" for vip in VIPS).encode()
        if order == "both hold it for a while":
            heir.replace(VIPS)
            await pages.wait_come_from("next")
            owner.stdin.write(farewell)
        else:
            owner.stdin.write(farewell)
            heir.replace(VIPS)
        await pages.wait_come_from("next", 100)
        gaps = pages.longest_gaps(began)
        assert await defences_of(owner) == 0
        assert not sum(heir.statistics.conflicts.values())
    report(capsys, f"hand-over, {order}", gaps)


@pytest.mark.parametrize("death", ["the process is killed", "its host is cut off too"])
async def test_a_take_over_from_an_owner_that_dies(
    switched: Lan, pages: Pages, death: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with owning(switched.other) as owner, Interface("eth0") as heir:
        await pages.wait_come_from("former")
        began = time.monotonic()
        owner.kill()
        await owner.wait()
        if death == "its host is cut off too":
            switched.switch.run("ip", "link", "set", "to-other", "down")
        heir.replace(VIPS)
        await pages.wait_come_from("next", 100)
        gaps = pages.longest_gaps(began)
    report(capsys, f"take-over, {death}", gaps)


@pytest.mark.parametrize("friends", [True, False])
async def test_friends_who_both_hold_an_address_do_not_fight_over_it(
    switched: Lan, pages: Pages, friends: bool
) -> None:
    arguments = ["--friend", str(NODE_MAC)] if friends else []
    settings = Settings(friends=[OTHER_MAC] if friends else [])
    async with owning(switched.other, *arguments) as owner, Interface("eth0", settings) as heir:
        await pages.wait_come_from("former")
        heir.replace(VIPS)
        await until(lambda: heir.statistics.ignored[Reason.FRIEND if friends else Reason.CONFLICT] >= 3)
        defences = sum(heir.statistics.defences.values()) + await defences_of(owner)
    assert defences == 0 if friends else defences > 0
