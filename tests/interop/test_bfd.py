"""BFD beside real daemons, BIRD 2 and FRR, in network namespaces joined by a cable."""

import asyncio
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import attrs
import pytest

from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged
from bgp.bfd.fsm import Reason
from bgp.bfd.monitor import BFDMonitor, MonitoredSession
from bgp.bfd.packet import AuthenticationType, BFDState, Discard
from tests.bgp.router import DEADLINE
from tests.conditions import until
from tests.interop.bfd_daemons import FAR, FRRBFD, PEERS, BFDDaemon, BirdBFD, lay_cable
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces

pytestmark = [*needs_namespaces]

needs_bird = pytest.mark.skipif(shutil.which("bird") is None, reason="needs BIRD 2 (Debian: bird2)")
needs_frr = pytest.mark.skipif(not Path("/usr/lib/frr/bfdd").exists(), reason="needs FRR (Debian: frr)")

CONFIG = BFDConfig(transmit_interval=0.05, receive_interval=0.2, multiplier=5)
"""We send every 100 ms, which is what the daemons take; they send every 200 ms, which is what we take."""

OURS = ("10.0.0.1", "2001:db8::1", "fe80::1", FAR)
"""What the daemons call us."""


@pytest.fixture
def there() -> Iterator[NetworkNamespace]:
    """Where the daemon is to run; the test itself is at the other end of the cable."""
    with NetworkNamespace("ours") as ours, NetworkNamespace("daemon") as there:
        lay_cable(ours, there)
        with ours.entered():
            yield there


def watch(monitor: BFDMonitor, config: BFDConfig = CONFIG) -> list[MonitoredSession]:
    """Sessions of every kind: IPv4, IPv6, link-local, multihop."""
    single = [monitor.add(address, config) for address in PEERS]
    return [*single, monitor.add("10.0.0.2", attrs.evolve(config, multihop=True), local_address=FAR)]


async def all_up(sessions: list[MonitoredSession]) -> None:
    async with asyncio.timeout(DEADLINE):
        for session in sessions:
            await session.wait_up()


def in_state(daemon: BFDDaemon, state: str) -> bool:
    seen = daemon.sessions()
    return [seen[address].state for address in OURS if address in seen] == [state] * len(OURS)


async def agreed(daemon: BFDDaemon, sessions: list[MonitoredSession]) -> None:
    """Wait until both sides show the intervals that follow from what both want."""
    theirs = {(0.2, 0.5)}
    await until(lambda: intervals(daemon) == theirs)
    await until(lambda: {detection_time(session) for session in sessions} == {0.8})
    assert {session.statistics().transmit_interval for session in sessions} == {0.1}


def detection_time(session: MonitoredSession) -> float:
    """The silence that we tolerate."""
    return round(session.statistics().detection_time or 0.0, 3)


def intervals(daemon: BFDDaemon) -> set[tuple[float, float]]:
    """The intervals at which a daemon sends, each with the silence that it tolerates."""
    return {(seen.transmit_interval, round(seen.detection_time, 3)) for seen in daemon.sessions().values()}


async def frozen_and_thawed(daemon: BFDDaemon, sessions: list[MonitoredSession]) -> None:
    """A daemon that stands still is noticed in time, and comes back."""
    streams = [session.events() for session in sessions]
    begun = time.monotonic()
    daemon.signal(signal.SIGSTOP)
    async with asyncio.timeout(DEADLINE):
        changes = [await anext(stream) for stream in streams]
    # The detection time is 0.8 s; the rest is for a busy machine.
    assert time.monotonic() - begun < 4
    for change in changes:
        assert isinstance(change, BFDStateChanged)
        assert (change.reason, change.is_failure) == (Reason.DETECTION_TIME_EXPIRED, True)
    daemon.signal(signal.SIGCONT)
    await all_up(sessions)


KINDS = [None, *AuthenticationType]


def with_key(kind: AuthenticationType | None, *secrets: str) -> BFDConfig:
    keys = [BFDKey(kind, secret, number) for number, secret in enumerate(secrets, 7)] if kind else []
    return attrs.evolve(CONFIG, authentication=keys)


def bird_options(kind: AuthenticationType | None, *secrets: str) -> str:
    """The same for BIRD."""
    if kind is None:
        return ""
    name = kind.name.lower().replace("_", " ").removesuffix(" password")
    passwords = (f'password "{secret}" {{ id {number}; }};' for number, secret in enumerate(secrets, 7))
    return f"authentication {name}; {' '.join(passwords)}"


@needs_bird
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name if kind else "none")
async def test_bird(there: NetworkNamespace, tmp_path: Path, kind: AuthenticationType | None) -> None:
    bird = BirdBFD(there, tmp_path, options=bird_options(kind, "secret"))
    await bird.start()
    async with BFDMonitor() as monitor:
        sessions = watch(monitor, with_key(kind, "secret"))
        await all_up(sessions)
        await until(lambda: in_state(bird, "up"))
        await agreed(bird, sessions)
        assert all(not session.statistics().packets_discarded for session in sessions)
        if kind is None:
            await frozen_and_thawed(bird, sessions)
        for session in sessions:
            session.remove()
        await until(lambda: in_state(bird, "down"))


METICULOUS = AuthenticationType.METICULOUS_KEYED_SHA1


@needs_bird
@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (BFDKey(METICULOUS, "wrong", 7), Discard.DIGEST),
        (BFDKey(METICULOUS, "secret", 99), Discard.KEY_ID),
        (BFDKey(AuthenticationType.KEYED_SHA1, "secret", 7), Discard.AUTHENTICATION_TYPE),
        (None, Discard.UNEXPECTED_AUTHENTICATION),
    ],
    ids=["wrong secret", "wrong key ID", "wrong type", "no key"],
)
async def test_bird_with_another_key(
    there: NetworkNamespace, tmp_path: Path, key: BFDKey | None, reason: Discard
) -> None:
    bird = BirdBFD(there, tmp_path, options=bird_options(METICULOUS, "secret"))
    await bird.start()
    async with BFDMonitor() as monitor:
        session = monitor.add("10.0.0.2", attrs.evolve(CONFIG, authentication=key))
        await until(lambda: session.statistics().packets_discarded.get(reason, 0) > 1)
        assert session.state is BFDState.DOWN
        assert session.last_trouble == f"a packet was discarded: {reason.value}"
        assert bird.sessions()["10.0.0.1"].state == "down"


@needs_bird
async def test_bird_while_keys_change(there: NetworkNamespace, tmp_path: Path) -> None:
    bird = BirdBFD(there, tmp_path, options=bird_options(METICULOUS, "old", "new"))
    await bird.start()
    async with BFDMonitor() as monitor:
        config = with_key(METICULOUS, "old", "new")
        session = monitor.add("10.0.0.2", config)
        await all_up([session])
        session.change(attrs.evolve(config, authentication=config.authentication[::-1]))
        before = session.statistics().packets_received
        await until(lambda: session.statistics().packets_received > before + 20)
        assert (session.statistics().ups, session.state) == (1, BFDState.UP)
        assert bird.sessions()["10.0.0.1"].state == "up"


@needs_bird
async def test_bird_while_intervals_change(there: NetworkNamespace, tmp_path: Path) -> None:
    bird = BirdBFD(there, tmp_path)
    await bird.start()
    async with BFDMonitor() as monitor:
        sessions = watch(monitor)
        await all_up(sessions)
        slower = BFDConfig(transmit_interval=0.4, receive_interval=0.5, multiplier=3)
        faster = BFDConfig(transmit_interval=0.1, receive_interval=0.1, multiplier=9)
        for config, expected in ((slower, (0.5, 1.2)), (faster, (0.15, 0.9))):
            for session in sessions:
                session.change(attrs.evolve(config, multihop=session.config.multihop))
            await until(partial(lambda wanted: intervals(bird) == {wanted}, expected))
        assert all(session.statistics().ups == 1 for session in sessions)


@needs_bird
async def test_bird_behind_a_router(tmp_path: Path) -> None:
    with (
        NetworkNamespace("ours") as ours,
        NetworkNamespace("router") as router,
        NetworkNamespace("daemon") as there,
    ):
        connect(ours, "10.1.0.1/24", router, "10.1.0.254/24")
        router.run("ip", "link", "set", "eth0", "down")
        router.run("ip", "link", "set", "eth0", "name", "eth1")
        router.run("ip", "link", "set", "eth1", "up")
        connect(router, "10.2.0.254/24", there, "10.2.0.2/24")
        router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        for namespace, gateway in ((ours, "10.1.0.254"), (there, "10.2.0.254")):
            namespace.run("ip", "route", "add", "default", "via", gateway)
        bird = BirdBFD(there, tmp_path, far="10.1.0.1", local="10.2.0.2")
        await bird.start()
        with ours.entered():
            async with BFDMonitor() as monitor:
                # BIRD leaves the TTL of multihop packets to the system, which takes 64.
                session = monitor.add("10.2.0.2", attrs.evolve(CONFIG, multihop=True, minimum_ttl=64))
                await until(lambda: session.statistics().packets_discarded.get(Discard.TTL))
                session.change(attrs.evolve(session.config, minimum_ttl=63))
                await all_up([session])
                assert bird.sessions()["10.1.0.1"].state == "up"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that FRR can use, which gives up root; pytest's own are for root alone."""
    with tempfile.TemporaryDirectory(prefix="k8sglue-frr-") as name:
        yield Path(name)


@needs_frr
async def test_frr(there: NetworkNamespace, folder: Path) -> None:
    frr = FRRBFD(there, folder)
    await frr.start()
    async with BFDMonitor() as monitor:
        sessions = watch(monitor)
        await all_up(sessions)
        await until(lambda: in_state(frr, "up"))
        await agreed(frr, sessions)
        await frozen_and_thawed(frr, sessions)
        for session in sessions:
            session.remove()
        await until(lambda: in_state(frr, "down"))
        await until(
            lambda: {seen.remote_diagnostic for seen in frr.sessions().values()} == {"administratively down"}
        )


@needs_frr
async def test_frr_calls_and_we_answer(there: NetworkNamespace, folder: Path) -> None:
    frr = FRRBFD(there, folder)
    await frr.start()
    async with BFDMonitor() as monitor:
        sessions = watch(monitor, attrs.evolve(CONFIG, passive=True))
        await all_up(sessions)
        assert all(session.last_change and session.last_change.old is BFDState.INIT for session in sessions)
