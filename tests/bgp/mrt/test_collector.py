"""The example that collects dumps, as a program, beside a router on the loopback interface."""

import asyncio
import signal
import sys
from pathlib import Path

from bgp import Keepalive, PathAttributes, Update
from bgp.iana import MRTState
from bgp.mrt import BGPMessage, Record, StateChange, read
from bgp.mrt.file import open_mrt
from tests.bgp.router import DEADLINE, Router
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
    assert messages[0].microseconds is not None
    assert len({record.timestamp for record in found}) >= 3
    states = [record.new for record in found if isinstance(record, StateChange)]
    assert MRTState.ESTABLISHED in states
