"""BFD that watches the paths to peers: BGP and BFD over real sockets on the loopback interface.

Of the two speakers of a test one wants BFD; at the other end is a `BFDMonitor` of the test's own, which can be stopped
and killed without BGP there.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from typing import Any

import attrs
import pytest

from bgp import IPV4_UNICAST, Notification, SessionClosed, State
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged
from bgp.bfd.fsm import Reason
from bgp.bfd.monitor import BFDMonitor, MonitoredSession
from bgp.bfd.packet import BFDState
from bgp.config import GracefulRestartConfig
from bgp.events import RoutesStale, StaleRoutesGone
from bgp.iana import CeaseSubcode
from bgp.liveness import _Wanted
from bgp.speaker import Peer
from tests.bgp.bfd.test_monitor import PATIENT, free_ports
from tests.bgp.speakers import DEADLINE, OPEN, Site, free_port, knows, prefixes, sites
from tests.bgp.speakers import up as connected
from tests.conditions import until

A = "203.0.113.1/32"
EXPIRED = "BFD: the path to the peer is dead: nothing was heard from the peer for the detection time"
BFD_DOWN = Notification.cease(CeaseSubcode.BFD_DOWN)
QUICK = BFDConfig(transmit_interval=0.1, receive_interval=0.1, multiplier=10)
"""Of a session that fails soon, and yet not because the machine is busy."""


@attrs.frozen
class Path:
    """Two speakers, and BFD at the far one's end."""

    near: Site
    far: Site
    far_monitor: BFDMonitor
    config: BFDConfig
    """For the near one."""

    far_session: MonitoredSession

    @contextlib.contextmanager
    def frozen(self) -> Any:
        """Let the far end of BFD stand still."""
        process = self.far_monitor.process_id
        assert process is not None
        os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process, signal.SIGCONT)


@contextlib.asynccontextmanager
async def path(config: BFDConfig = PATIENT) -> AsyncIterator[Path]:
    """Both of them, without peers as yet."""
    one, other = free_ports()
    async with sites(2) as (near, far), BFDMonitor() as monitor:
        there = attrs.evolve(config, port=one, local_port=other)
        session = monitor.add(near.address, there, local_address=far.address)
        yield Path(near, far, monitor, attrs.evolve(config, port=other, local_port=one), session)


def state(peer: Peer) -> BFDState | None:
    return None if peer.bfd is None else peer.bfd.state


async def bfd_up(*peers: Peer) -> None:
    await until(lambda: all(state(peer) is BFDState.UP for peer in peers))


async def joined(ends: Path, **options: Any) -> tuple[Peer, Peer]:
    """The near one's peer, which is watched, and the far one's, both up."""
    near = ends.near.joined(ends.far, **{"bfd": ends.config, **OPEN, **options})
    far = ends.far.joined(ends.near, **OPEN, **{name: options[name] for name in options if name != "bfd"})
    await connected(near, far)
    await bfd_up(near)
    # Its end is up one packet later.
    await until(lambda: ends.far_session.state is BFDState.UP)
    return near, far


async def test_a_peer_that_stands_still() -> None:
    async with path(QUICK) as ends:
        near = ends.near.joined(ends.far, bfd=ends.config)
        assert state(near) is None
        far = ends.far.joined(ends.near)
        await connected(near, far)
        await bfd_up(near)
        assert near.bfd is not None
        assert str(near.bfd.path.local_address) == ends.near.address
        events = near.events()
        with ends.frozen():
            closed = await anext(event async for event in events if isinstance(event, SessionClosed))
            assert (closed.reason, closed.sent) == (EXPIRED, BFD_DOWN)
            await until(lambda: far.last_error)
            assert far.last_error == "the peer sent NOTIFICATION Cease / BFD Down"
            # BFD that is down says nothing: the peer may have lost it for good.
            await connected(near, far)
            assert near.last_error == EXPIRED
            assert state(near) is BFDState.DOWN
        await bfd_up(near)
        with ends.frozen():
            await until(lambda: near.statistics().established == 3)


async def test_a_peer_that_disables_bfd_has_not_failed() -> None:
    async with path() as ends:
        near, _ = await joined(ends)
        ends.far_session.remove()
        await until(lambda: state(near) is not BFDState.UP)
        assert near.bfd is not None
        assert near.bfd.last_change is not None
        assert near.bfd.last_change.reason is Reason.NEIGHBOR_DISABLED
        ends.near.announce(A)
        await until(lambda: prefixes(near.advertised(IPV4_UNICAST)) == [A])
        assert near.statistics().established == 1


async def test_a_peer_without_bfd() -> None:
    async with path() as ends:
        ends.far_session.remove()
        near, far = ends.near.joined(ends.far, bfd=ends.config), ends.far.joined(ends.near)
        await connected(near, far)
        await until(lambda: near.bfd and near.bfd.statistics().packets_sent)
        assert near.state is State.ESTABLISHED


async def test_our_own_monitor_that_fails() -> None:
    async with path() as ends:
        near, _ = await joined(ends)
        assert near.bfd is not None
        process = ends.near._liveness._monitor.process_id  # type: ignore[union-attr]
        assert process is not None
        events = near.bfd.events()
        os.kill(process, signal.SIGKILL)
        async with asyncio.timeout(DEADLINE):
            change = await anext(events)
        assert isinstance(change, BFDStateChanged)
        assert (change.reason, change.is_failure) == (Reason.MONITOR_FAILED, True)
        await bfd_up(near)
        assert (near.statistics().established, near.last_error) == (1, None)


async def test_closing_leaves_no_process() -> None:
    async with path() as ends:
        near, _ = await joined(ends)
        process = ends.near._liveness._monitor.process_id  # type: ignore[union-attr]
        assert process is not None
        events = ends.far_session.events()
        await ends.near.close()
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
        async with asyncio.timeout(DEADLINE):
            change = await anext(events)
        assert isinstance(change, BFDStateChanged)
        assert change.reason is Reason.NEIGHBOR_DISABLED
        assert near.bfd is None


# Changes.


async def test_bfd_that_is_wanted_later_and_no_more() -> None:
    async with path() as ends:
        near, far = ends.near.joined(ends.far), ends.far.joined(ends.near)
        await connected(near, far)
        for _ in range(2):
            ends.near.change_peer(near, bfd=ends.config)
            await bfd_up(near)
            ends.near.change_peer(near, bfd=None)
            assert near.bfd is None
            await until(lambda: ends.far_session.state is BFDState.DOWN)
        assert near.statistics().established == 1


async def test_other_intervals_need_no_other_session() -> None:
    async with path() as ends:
        near, _ = await joined(ends)
        before = near.bfd
        assert before is not None
        ends.near.change_peer(near, bfd=attrs.evolve(ends.config, multiplier=60))
        assert near.bfd is before
        assert before.config.multiplier == 60
        await until(lambda: ends.far_session.statistics().detection_time == pytest.approx(12))
        assert (before.statistics().ups, near.statistics().established) == (1, 1)


async def test_other_ports_need_another_session() -> None:
    async with path() as ends:
        near, _ = await joined(ends)
        before = near.bfd
        one, other = free_ports()
        await until(lambda: ends.far_session.state is BFDState.UP)
        ends.near.change_peer(near, bfd=attrs.evolve(ends.config, port=other, local_port=one))
        ends.far_session.remove()
        ends.far_monitor.add(
            ends.near.address,
            attrs.evolve(PATIENT, port=one, local_port=other),
            local_address=ends.far.address,
        )
        await bfd_up(near)
        assert near.bfd is not before
        assert near.statistics().established == 1


async def test_a_peer_that_is_removed_is_watched_no_more() -> None:
    async with path() as ends:
        near, _ = await joined(ends)
        await ends.near.remove_peer(near)
        await until(lambda: ends.far_session.state is BFDState.DOWN)
        assert ends.far_session.last_change is not None
        assert ends.far_session.last_change.reason is Reason.NEIGHBOR_DISABLED
        assert near.bfd is None


async def test_a_peer_of_a_range() -> None:
    async with path(QUICK) as ends:
        found = ends.near.add_range("127.0.0.2/32", bfd=ends.config, **OPEN)
        far = ends.far.joined(ends.near, passive=False)
        await connected(far)
        [first] = found.peers
        await bfd_up(first)
        with ends.frozen():
            await until(lambda: far.statistics().established == 2)
            assert first.last_error == EXPIRED
            assert first.bfd is None
        await until(lambda: found.peers and first not in found.peers)
        [second] = found.peers
        await bfd_up(second)


# What becomes of routes (RFC 5882 4.3).


def hearing(peer: Peer, independent: bool) -> Callable[[], None]:
    """Let the peer's BFD seem to be independent of its control plane or not, and fail."""
    change = BFDStateChanged(
        old=BFDState.UP,
        new=BFDState.DOWN,
        reason=Reason.DETECTION_TIME_EXPIRED,
        remote_is_independent=independent,
    )
    assert peer.bfd is not None
    session = peer.bfd
    return lambda: session._happened(change)


@pytest.mark.parametrize("notification", [True, False])
@pytest.mark.parametrize("independent", [True, False])
async def test_graceful_restart(independent: bool, notification: bool) -> None:
    restart = GracefulRestartConfig(restart_time=3600, notification=notification)
    async with path() as ends:
        ends.far.announce(A)
        near, far = await joined(ends, graceful_restart=restart)
        await until(lambda: knows(near, IPV4_UNICAST) == [A])
        events = near.events()
        hearing(near, independent)()
        async with asyncio.timeout(DEADLINE):
            closed = await anext(event async for event in events if isinstance(event, SessionClosed))
        assert closed.reason == EXPIRED
        assert prefixes(ends.near.best(IPV4_UNICAST)) == ([] if independent else [A])
        if not notification and not independent:
            # A NOTIFICATION would have ended the routes.
            assert closed.sent is None
        else:
            assert closed.sent in (BFD_DOWN, Notification.hard_reset(BFD_DOWN))
            assert (closed.sent == BFD_DOWN) is not (independent and notification)
        await connected(near, far)
        await until(lambda: knows(near, IPV4_UNICAST) == [A])


async def test_forwarding_that_fails_ends_the_grace_of_a_restart() -> None:
    restart = GracefulRestartConfig(restart_time=3600)
    async with path() as ends:
        ends.far.announce(A)
        near, _ = await joined(ends, graceful_restart=restart)
        await until(lambda: knows(near, IPV4_UNICAST) == [A])
        events = near.events()
        await ends.far.close(restarting=True)
        await until(lambda: near.state is not State.ESTABLISHED)
        hearing(near, independent=False)()
        await asyncio.sleep(0)
        assert prefixes(ends.near.best(IPV4_UNICAST)) == [A]
        hearing(near, independent=True)()
        async with asyncio.timeout(DEADLINE):
            kinds = (RoutesStale, StaleRoutesGone)
            assert isinstance(
                await anext(event async for event in events if isinstance(event, kinds)), RoutesStale
            )
            assert await anext(
                event async for event in events if isinstance(event, kinds)
            ) == StaleRoutesGone(IPV4_UNICAST)
        assert ends.near.best(IPV4_UNICAST) == []


# Paths.


@contextlib.asynccontextmanager
async def beside(ends: Path, config: BFDConfig) -> AsyncIterator[Peer]:
    """One more speaker at the far one's address, and the near one's peer there, up."""
    async with Site(2, free_port()) as third:
        await third.listen(third.address, third.port)
        third.joined(ends.near, passive=True)
        peer = ends.near.joined(third, passive=False, port=third.port, bfd=config)
        await connected(peer)
        yield peer


async def test_two_peers_at_the_end_of_one_path() -> None:
    async with path(QUICK) as ends:
        first, _ = await joined(ends)
        wanted = attrs.evolve(ends.config, multiplier=12)
        async with beside(ends, wanted) as second:
            await bfd_up(second)
            session = first.bfd
            assert session is second.bfd
            assert session is not None
            # What was wanted last counts, however much happens with the other.
            ends.near.announce(A)
            assert session.config == wanted
            with ends.frozen():
                await until(lambda: first.last_error == second.last_error == EXPIRED)
            await connected(first, second)
            await bfd_up(first, second)
            ends.near.change_peer(first, bfd=None)
            assert first.bfd is None
            assert state(second) is BFDState.UP
            ends.near.change_peer(second, bfd=None)
            assert session.state is BFDState.ADMIN_DOWN


async def test_two_peers_that_want_different_things_of_one_path(caplog: pytest.LogCaptureFixture) -> None:
    async with path() as ends:
        first, _ = await joined(ends)
        async with beside(ends, attrs.evolve(ends.config, port=9)) as second:
            ends.near.announce(A)
            await until(lambda: prefixes(second.advertised(IPV4_UNICAST)) == [A])
            assert second.bfd is None
            assert [line for line in caplog.messages if "no BFD" in line] == [
                "peer 127.0.0.2: no BFD: there is a session to 127.0.0.2 already"
            ]
            assert state(first) is BFDState.UP


async def test_a_session_from_another_address() -> None:
    async with path() as ends:
        near, far = ends.near.joined(ends.far, bfd=ends.config), ends.far.joined(ends.near)
        await connected(near, far)
        assert near.bfd is not None
        assert str(near.bfd.path.local_address) == ends.near.address
        elsewhere = "127.0.0.11"
        await ends.near.listen(elsewhere, ends.near.port)
        await ends.far.remove_peer(far)
        ends.near.change_peer(near, local_address=elsewhere)
        again = ends.far.add_peer(
            elsewhere, peer_as=64513, port=ends.near.port, local_address=ends.far.address
        )
        await connected(near, again)
        assert str(near.bfd.path.local_address) == elsewhere


@pytest.mark.parametrize(
    ("here", "there", "interface", "shown"),
    [
        ("192.0.2.1", "192.0.2.2", None, "192.0.2.2"),
        ("192.0.2.1", "192.0.2.2", "eth0", "192.0.2.2%eth0"),
        ("fe80::1%eth0", "fe80::2%eth0", None, "fe80::2%eth0"),
        # The interface is the VRF that eth0 is in.
        ("fe80::1%eth0", "fe80::2%eth0", "red", "fe80::2%eth0"),
    ],
)
def test_where_a_path_leads(here: str, there: str, interface: str | None, shown: str) -> None:
    wanted = _Wanted((ip_address(here), ip_address(there)), interface, QUICK)
    assert str(wanted.path) == shown
    assert str(wanted.path.local_address) == here.partition("%")[0]
