"""The matrix: how sessions come up."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from bgp import PeerType, SessionClosed, State
from bgp.bfd.config import BFDConfig
from bgp.bfd.packet import BFDState
from bgp.events import AttemptFailed
from bgp.speaker import Peer, Speaker
from tests.conditions import DEADLINE, until
from tests.interop.matrix.neighbours import (
    BFD_INTERVAL,
    BFD_MULTIPLIER,
    COLLIDING,
    PLAIN4,
    ROUTER_AS,
    Neighbour,
)
from tests.interop.matrix.ours import connected, established, options_of, router_id, speaking
from tests.interop.matrix.router import Router, wait_until
from tests.interop.netns import needs_namespaces, run

pytestmark = [*needs_namespaces]

A = "203.0.113.1/32"


async def _session(router: Router, neighbour: Neighbour, as_path: tuple[int, ...]) -> PeerType:
    """Have a session and a route each way; return the kind of session."""
    async with connected(neighbour, A) as side:
        await until(lambda: [route.as_path for route in router.routes(neighbour)] == [as_path])
        await until(lambda: side.find(PLAIN4))
        (route,) = side.find(PLAIN4)
        assert route.as_path == (() if neighbour.is_internal else (ROUTER_AS,))
        assert router.is_established(neighbour)
        assert side.peer.negotiated is not None
        return side.peer.negotiated.peer_type


async def test_external_session(router: Router, neighbour: Neighbour) -> None:
    assert await _session(router, neighbour, (neighbour.asn,)) is PeerType.EXTERNAL
    await until(lambda: not router.is_established(neighbour))


async def test_internal_session(router: Router, neighbour: Neighbour) -> None:
    assert await _session(router, neighbour, ()) is PeerType.INTERNAL


async def test_four_octet_as(router: Router, neighbour: Neighbour) -> None:
    assert await _session(router, neighbour, (neighbour.asn,)) is PeerType.EXTERNAL


async def test_bfd(router: Router, neighbour: Neighbour) -> None:
    interval = BFD_INTERVAL / 1000
    config = BFDConfig(transmit_interval=interval, receive_interval=interval, multiplier=BFD_MULTIPLIER)
    async with connected(neighbour, A, bfd=config) as side:
        await until(lambda: _detection_time(side.peer) == pytest.approx(interval * BFD_MULTIPLIER))
        router.freeze()
        try:
            begun = time.monotonic()
            closed = await side.wait_for(SessionClosed)
            # Ten times as long, for a busy machine; the hold time is 90 s.
            assert time.monotonic() - begun < 10 * interval * BFD_MULTIPLIER
        finally:
            router.thaw()
        assert closed.reason.startswith("BFD: the path to the peer is dead: nothing was heard")
        await established(side.peer)
        await until(lambda: side.peer.bfd and side.peer.bfd.state is BFDState.UP)
        await until(lambda: router.count(neighbour) == 1)


def _detection_time(peer: Peer) -> float | None:
    if peer.bfd is None or peer.bfd.state is not BFDState.UP:
        return None
    return peer.bfd.statistics().detection_time


async def test_signed(router: Router, neighbour: Neighbour) -> None:
    async with speaking(neighbour, password="wrong", connect_retry_time=0.3) as side:
        await until(lambda: "another password" in (side.peer.last_error or ""))
    async with connected(neighbour, A):
        await until(lambda: router.count(neighbour) == 1)


async def test_ttl_security(router: Router, neighbour: Neighbour) -> None:
    async with connected(neighbour, A):
        await until(lambda: router.count(neighbour) == 1)


async def test_it_dials(router: Router, neighbour: Neighbour) -> None:
    async with speaking(neighbour, listening=True, passive=True) as side:
        router.dial(neighbour)
        await established(side.peer)
        side.speaker.announce(A)
        await until(lambda: router.count(neighbour) == 1)


async def test_collision(router: Router) -> None:
    async with contextlib.AsyncExitStack() as stack:
        speakers = [
            await stack.enter_async_context(Speaker(local_as=each.asn, router_id=router_id(each)))
            for each in COLLIDING
        ]
        for speaker, each in zip(speakers, COLLIDING, strict=True):
            await speaker.listen(each.address)
            router.dial(each)
        # The kernel takes the router's connections while this thread waits without running the event loop. So all of
        # them have come, and an OPEN on each, when we dial.
        wait_until(lambda: len(_connections()) == len(COLLIDING))
        peers = [
            speaker.add_peer(each.router_address, **options_of(each))
            for speaker, each in zip(speakers, COLLIDING, strict=True)
        ]
        streams = [peer.events() for peer in peers]
        await established(*peers)
        for speaker in speakers:
            speaker.announce(A)
        await until(lambda: all(router.count(each) == 1 for each in COLLIDING))
        await until(lambda: len(_connections()) == len(COLLIDING))
        assert {peer.state for peer in peers} == {State.ESTABLISHED}
        # A router on a busy machine may have settled some before we have seen both connections.
        endings = [asyncio.create_task(_wait_ending(stream)) for stream in streams]
        done, others = await asyncio.wait(endings, timeout=DEADLINE, return_when=asyncio.FIRST_COMPLETED)
        assert done
        for task in others:
            task.cancel()


async def _wait_ending(events: AsyncIterator[object]) -> None:
    """Wait for the news that one of two connections is over.

    GoBGP says nothing before it closes one. If the router judges after we have taken the session for established, one
    more of those is over.
    """
    async for event in events:
        if isinstance(event, AttemptFailed | SessionClosed):
            return


def _connections() -> set[str]:
    """The addresses of ours that the router is connected to."""
    shown = run("ss", "--no-header", "--tcp", "--numeric", "state", "established")
    return {line.split()[2] for line in shown.splitlines()}
