"""BFD on asyncio, over real sockets on the loopback interface."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from bgp import LocalError
from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged, PacketDiscarded, SocketFailed
from bgp.bfd.fsm import Reason
from bgp.bfd.monitor import BFDMonitor, MonitoredSession
from bgp.bfd.packet import BFDPacket, BFDState, Discard, encode
from tests.bgp.router import DEADLINE, no_leaks
from tests.conditions import until

ROOT = Path(__file__).parents[3]
HERE = {**os.environ, "PYTHONPATH": str(ROOT)}
"""What a program needs to import this package, not another that is installed."""

LEFT, RIGHT = "127.0.0.1", "127.0.0.2"
PATIENT = BFDConfig(transmit_interval=0.2, receive_interval=0.2, multiplier=50)
"""Of a session that a busy machine does not take down."""

EITHER = pytest.mark.parametrize("process", [True, False], ids=["process", "thread"])


def free_ports() -> tuple[int, int]:
    """Two ports that nobody uses, for IPv4 and IPv6."""
    kind = socket.AF_INET6, socket.SOCK_DGRAM
    with socket.socket(*kind) as one, socket.socket(*kind) as other:
        one.bind(("::", 0))
        other.bind(("::", 0))
        return one.getsockname()[1], other.getsockname()[1]


@attrs.frozen
class Pair:
    """Two monitors, and a session between them."""

    left_monitor: BFDMonitor
    right_monitor: BFDMonitor
    left: MonitoredSession
    right: MonitoredSession

    async def wait_up(self) -> None:
        async with asyncio.timeout(DEADLINE):
            await self.left.wait_up()
            await self.right.wait_up()


@contextlib.asynccontextmanager
async def pair(
    *, process: bool = True, config: BFDConfig = PATIENT, right: BFDConfig | None = None, **addresses: str
) -> AsyncIterator[Pair]:
    """Both ends, each with a server of its own."""
    here, there = addresses.get("here", LEFT), addresses.get("there", RIGHT)
    one, other = free_ports()
    async with BFDMonitor(process=process) as first, BFDMonitor(process=process) as second:
        yield Pair(
            first,
            second,
            first.add(there, attrs.evolve(config, port=other, local_port=one), local_address=here),
            second.add(here, attrs.evolve(right or config, port=one, local_port=other), local_address=there),
        )


@EITHER
@pytest.mark.parametrize(("here", "there"), [(LEFT, RIGHT), ("::1", "::1")], ids=["IPv4", "IPv6"])
async def test_comes_up(process: bool, here: str, there: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bgp.bfd")
    async with no_leaks(), pair(process=process, here=here, there=there) as ends:
        await ends.wait_up()
        assert ends.left.last_change is not None
        assert ends.left.last_change.reason is Reason.HANDSHAKE
        await until(lambda: ends.left.statistics().detection_time == pytest.approx(10.0))
        figures = ends.left.statistics()
        assert (figures.state, figures.remote_state, figures.ups) == (BFDState.UP, BFDState.UP, 1)
        assert figures.packets_sent >= 2
        assert repr(ends.left) == f"<MonitoredSession {there}, Up>"
        assert (ends.left_monitor.process_id is not None) is process
        assert ends.left_monitor.sessions == [ends.left]
    assert any(message.endswith("-> Up: the peer has answered") for message in caplog.messages)


@EITHER
async def test_figures_go_on_while_nothing_happens(process: bool) -> None:
    async with pair(process=process) as ends:
        await ends.wait_up()
        received = ends.left.statistics().packets_received
        await until(lambda: ends.left.statistics().packets_received > received)


@EITHER
async def test_a_removed_session_is_no_failure_for_the_peer(process: bool) -> None:
    async with pair(process=process) as ends:
        await ends.wait_up()
        events, theirs = ends.left.events(), ends.right.events()
        ends.left.remove()
        ends.left.remove()
        async with asyncio.timeout(DEADLINE):
            change = await anext(theirs)
            assert [event async for event in events] == [ends.left.last_change]
        assert isinstance(change, BFDStateChanged)
        assert (change.reason, change.is_failure) == (Reason.NEIGHBOR_DISABLED, False)
        assert ends.left.state is BFDState.ADMIN_DOWN
        assert ends.left_monitor.sessions == []
        with pytest.raises(LocalError, match=r"the BFD session to 127\.0\.0\.2 has been removed"):
            await ends.left.wait_up()
        assert [event async for event in ends.left.events()] == []


async def test_a_session_after_a_removed_one() -> None:
    async with pair() as ends:
        await ends.wait_up()
        config = ends.left.config
        ends.left.remove()
        again = ends.left_monitor.add(RIGHT, config, local_address=LEFT)
        async with asyncio.timeout(DEADLINE):
            await again.wait_up()


@EITHER
async def test_closing_is_no_failure_for_the_peer(process: bool) -> None:
    async with pair(process=process) as ends:
        await ends.wait_up()
        theirs = ends.right.events()
        await ends.left_monitor.close()
        await ends.left_monitor.close()
        async with asyncio.timeout(DEADLINE):
            change = await anext(theirs)
        assert isinstance(change, BFDStateChanged)
        assert change.reason is Reason.NEIGHBOR_DISABLED
        assert ends.left_monitor.process_id is None
        with pytest.raises(LocalError, match="the monitor is closed"):
            ends.left_monitor.add(RIGHT)


async def test_waiting_ends_when_the_session_is_removed() -> None:
    async with BFDMonitor() as monitor:
        session = monitor.add(RIGHT, BFDConfig(port=free_ports()[0]))
        waiting = asyncio.ensure_future(session.wait_up())
        given_up = asyncio.ensure_future(session.wait_up())
        await asyncio.sleep(0)
        given_up.cancel()
        session.remove()
        with pytest.raises(LocalError, match="removed"):
            await waiting


async def test_new_intervals_without_a_new_session() -> None:
    async with pair() as ends:
        await ends.wait_up()
        ends.left.change(
            attrs.evolve(ends.left.config, transmit_interval=0.1, receive_interval=0.5, multiplier=40)
        )
        await until(lambda: ends.right.statistics().transmit_interval == 0.5)
        await until(lambda: ends.right.statistics().detection_time == pytest.approx(8.0))
        assert ends.left.config.multiplier == 40
        assert ends.right.statistics().ups == 1
        for wrong in ({"port": 5}, {"local_port": 5}, {"multihop": True}):
            with pytest.raises(LocalError, match="need another session"):
                ends.left.change(attrs.evolve(ends.left.config, **wrong))


async def test_a_wrong_key_is_said_once_and_can_be_mended() -> None:
    keys = [BFDKey("meticulous-keyed-sha1", secret) for secret in ("right", "wrong")]
    ours, theirs = (attrs.evolve(PATIENT, authentication=key) for key in keys)
    async with pair(config=ours, right=theirs) as ends:
        events = ends.left.events()
        async with asyncio.timeout(DEADLINE):
            assert await anext(events) == PacketDiscarded(Discard.DIGEST)
        assert ends.left.last_trouble == "a packet was discarded: its password or digest is wrong"
        await until(lambda: ends.left.statistics().packets_discarded.get(Discard.DIGEST, 0) >= 2)
        assert ends.left.state is BFDState.DOWN
        ends.right.change(attrs.evolve(ends.right.config, authentication=keys[0]))
        await ends.wait_up()
        assert not ends.left.last_trouble
        async with asyncio.timeout(DEADLINE):
            assert isinstance(await anext(events), BFDStateChanged)


async def test_a_port_that_is_taken_is_tried_again() -> None:
    port, other = free_ports()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("", port))
        async with BFDMonitor() as monitor, BFDMonitor() as far:
            session = monitor.add(
                RIGHT, attrs.evolve(PATIENT, port=other, local_port=port), local_address=LEFT
            )
            far.add(LEFT, attrs.evolve(PATIENT, port=port, local_port=other), local_address=RIGHT)
            events = session.events()
            why = f"cannot receive on UDP port {port}: Address already in use"
            async with asyncio.timeout(DEADLINE):
                assert await anext(events) == SocketFailed(why)
            assert session.last_trouble == why
            taken.close()
            async with asyncio.timeout(DEADLINE):
                await session.wait_up()


async def test_a_port_that_nobody_needs_any_more_is_free_again() -> None:
    async with pair(config=attrs.evolve(PATIENT, multiplier=3)) as ends:
        await ends.wait_up()
        config = ends.left.config
        other = BFDConfig(port=config.destination_port, local_port=free_ports()[0])
        ends.left_monitor.add(RIGHT, other, local_address="127.0.0.3")
        ends.left.remove()

        def is_free() -> bool:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
                probe.bind(("", config.listening_port))
                return True
            return False

        await until(is_free)


async def test_an_address_that_is_not_ours() -> None:
    async with BFDMonitor() as monitor:
        session = monitor.add(RIGHT, BFDConfig(port=free_ports()[0]), local_address="203.0.113.1")
        async with asyncio.timeout(DEADLINE):
            assert await anext(session.events()) == SocketFailed(
                "cannot send: Cannot assign requested address"
            )


async def test_an_interface_that_is_not_there() -> None:
    async with BFDMonitor() as monitor:
        for peer in (RIGHT, "fe80::1"):
            session = monitor.add(peer, BFDConfig(port=free_ports()[0]), interface="no-such")
            async with asyncio.timeout(DEADLINE):
                assert await anext(session.events()) == SocketFailed("cannot send: No such device")


async def test_sessions_that_cannot_be() -> None:
    async with BFDMonitor() as monitor:
        port = free_ports()[0]
        session = monitor.add(RIGHT, BFDConfig(port=port))
        wrong: Any = 0.1
        with pytest.raises(LocalError, match=r"config 0\.1, must be BFDConfig"):
            monitor.add(RIGHT, wrong)
        with pytest.raises(LocalError, match=r"config 0\.1, must be BFDConfig"):
            session.change(wrong)
        with pytest.raises(LocalError, match=r"there is a session to 127\.0\.0\.2 already"):
            monitor.add(RIGHT, BFDConfig(port=port, multiplier=5))
        with pytest.raises(LocalError, match="is not an IP address"):
            monitor.add("router")
        assert len(monitor.sessions) == 1


async def test_a_monitor_without_sessions_starts_nothing() -> None:
    async with BFDMonitor() as monitor:
        assert monitor.process_id is None


# When the process dies.


async def test_the_death_of_the_process_is_a_failure_and_mended(caplog: pytest.LogCaptureFixture) -> None:
    async with pair() as ends:
        await ends.wait_up()
        events, process = ends.left.events(), ends.left_monitor.process_id
        assert process is not None
        os.kill(process, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE):
            change = await anext(events)
        assert isinstance(change, BFDStateChanged)
        assert (change.new, change.reason, change.is_failure) == (BFDState.DOWN, Reason.MONITOR_FAILED, True)
        assert ends.left.statistics().state is BFDState.DOWN
        await ends.wait_up()
        assert ends.left_monitor.process_id not in (None, process)
    assert any("has failed: signal 9" in message for message in caplog.messages)


async def test_a_process_that_does_not_start(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    async with BFDMonitor() as monitor:
        session = monitor.add(RIGHT, BFDConfig(port=free_ports()[0]))
        await until(lambda: any("does not start" in message for message in caplog.messages))
        monkeypatch.undo()
        await until(lambda: session.statistics().packets_sent)


def is_running(process: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False


ORPHAN = """
import asyncio
from bgp.bfd.monitor import BFDMonitor

async def main():
    monitor = BFDMonitor()
    session = monitor.add("127.0.0.2")
    while not session.statistics().packets_sent and session.last_trouble is None:
        await asyncio.sleep(0.01)
    print(monitor.process_id, flush=True)
    await asyncio.sleep(1000)

asyncio.run(main())
"""


async def test_the_process_dies_with_its_parent_and_no_sooner() -> None:
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", ORPHAN), stdout=asyncio.subprocess.PIPE, env=HERE
    )
    assert parent.stdout is not None
    async with asyncio.timeout(DEADLINE):
        process = int(await parent.stdout.readline())
    try:
        # What a terminal or a service manager sends to all is for the parent to act on.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(process, number)
        assert is_running(process)
    finally:
        parent.kill()
        await parent.wait()
    await until(lambda: not is_running(process))


# Packets from strangers.


async def test_garbage_does_no_harm() -> None:
    async with pair() as ends:
        await ends.wait_up()
        port = ends.left.config.listening_port
        stranger = encode(BFDPacket(state=BFDState.UP, my_discriminator=5, your_discriminator=6))
        far = encode(BFDPacket(state=BFDState.DOWN, my_discriminator=5, your_discriminator=0))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((RIGHT, 0))
            for data in (b"", b"\xff" * 600, stranger, far):
                sock.sendto(data, (LEFT, port))
        await until(lambda: ends.left.statistics().packets_discarded.get(Discard.TTL))
        assert ends.left.state is BFDState.UP
        assert ends.left.statistics().ups == 1


# The example.


async def test_the_example() -> None:
    port, other = free_ports()
    key = BFDKey("meticulous-keyed-sha1", "secret")
    async with BFDMonitor() as monitor:
        config = attrs.evolve(PATIENT, port=other, local_port=port, authentication=key)
        session = monitor.add(RIGHT, config, local_address=LEFT)
        example = await asyncio.create_subprocess_exec(
            *(
                sys.executable,
                str(ROOT / "examples" / "bfd_alone.py"),
                LEFT,
                "--local-address",
                RIGHT,
                "--multiplier",
                "50",
            ),
            *("--port", str(port), "--local-port", str(other), "--key", "secret"),
            stdout=asyncio.subprocess.PIPE,
            env=HERE,
        )
        assert example.stdout is not None
        try:
            async with asyncio.timeout(DEADLINE):
                while b"-> Up: the peer has answered" not in (line := await example.stdout.readline()):
                    assert line.startswith(b"127.0.0.1: ")
                await session.wait_up()
                events = session.events()
                example.send_signal(signal.SIGINT)
                assert await example.wait() == 0
                change = await anext(events)
        finally:
            if example.returncode is None:
                example.kill()
                await example.wait()
        assert isinstance(change, BFDStateChanged)
        assert change.reason is Reason.NEIGHBOR_DISABLED
