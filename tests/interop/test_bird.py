"""Our speaker beside a real router: BIRD 2, in two network namespaces joined by a cable."""

import asyncio
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bgp
from bgp import EndOfRib, Established, Event, PeerType, Route, RoutesReceived, SessionClosed
from bgp.speaker import Peer, Speaker
from bgp.stream import EventsLost
from tests.bgp.ends import needs_signing
from tests.bgp.router import DEADLINE
from tests.conditions import until
from tests.interop.bird import Bird
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces

pytestmark = [
    *needs_namespaces,
    pytest.mark.skipif(shutil.which("bird") is None, reason="needs BIRD 2 (Debian: bird2)"),
]

EXAMPLE = Path(__file__).parents[2] / "examples" / "announce.py"
A, B = "203.0.113.1/32", "203.0.113.2/32"


@pytest.fixture
def there() -> Iterator[NetworkNamespace]:
    """Where BIRD is to run; the test itself is at the other end of the cable."""
    with NetworkNamespace("ours") as ours, NetworkNamespace("bird") as there:
        connect(ours, "10.0.0.1/24", there, "10.0.0.2/24")
        with ours.entered():
            yield there


@pytest.fixture
def bird(there: NetworkNamespace, tmp_path: Path) -> Bird:
    """A running BIRD in another AS."""
    bird = Bird(there, tmp_path)
    bird.start()
    return bird


def speaker() -> Speaker:
    return Speaker(local_as=64512, router_id="10.0.0.1")


def add(to: Speaker, peer_as: int = 64513, **options: object) -> Peer:
    values = {"idle_hold_time": 0.05, "peer_as": peer_as, **options}
    return to.add_peer("10.0.0.2", **values)  # type: ignore[arg-type]  # any option


async def up(peer: Peer) -> Peer:
    async with asyncio.timeout(DEADLINE):
        await peer.wait_established()
    return peer


async def test_external_peer(bird: Bird) -> None:
    async with speaker() as ours:
        peer = add(ours)
        ours.announce(Route(A, communities=["64512:100", "no-export"], med=7), Route(B, next_hop="10.0.0.9"))
        await up(peer)
        await until(lambda: set(bird.routes()) == {A, B})
        shown = bird.routes()
        for line in (
            "BGP.origin: IGP",
            "BGP.as_path: 64512\n",
            "BGP.next_hop: 10.0.0.1",
            "BGP.med: 7",
            "BGP.community: (64512,100) (65535,65281)",
        ):
            assert line in shown[A]
        assert "BGP.next_hop: 10.0.0.9" in shown[B]
        assert "BGP.med" not in shown[B]


async def test_internal_peer(there: NetworkNamespace, tmp_path: Path) -> None:
    bird = Bird(there, tmp_path, asn=64512)
    bird.start()
    async with speaker() as ours:
        peer = add(ours, peer_as=64512)
        ours.announce(A, Route(B, local_pref=200))
        await up(peer)
        assert peer.negotiated is not None
        assert peer.negotiated.peer_type is PeerType.INTERNAL
        await until(lambda: set(bird.routes()) == {A, B})
        shown = bird.routes()
        assert "BGP.as_path: \n" in shown[A]
        assert "BGP.local_pref: 100" in shown[A]
        assert "BGP.local_pref: 200" in shown[B]


async def test_as_numbers_of_four_octets(there: NetworkNamespace, tmp_path: Path) -> None:
    bird = Bird(there, tmp_path, asn=4200000001)
    bird.start()
    async with speaker() as ours:
        await up(add(ours, peer_as=4200000001))
        ours.announce(Route(A, as_path=[4200000002]))
        await until(lambda: "BGP.as_path: 64512 4200000002" in bird.routes().get(A, ""))


async def test_withdraw_and_replace(bird: Bird) -> None:
    async with speaker() as ours:
        peer = await up(add(ours))
        peer.announce(A, B)
        await until(lambda: set(bird.routes()) == {A, B})
        peer.withdraw(A)
        await until(lambda: set(bird.routes()) == {B})
        peer.replace([Route(A, communities=["64512:1"])])
        await until(lambda: "(64512,1)" in bird.routes().get(A, ""))
        assert set(bird.routes()) == {A}
        peer.announce(Route(A, communities=["64512:2"]))
        await until(lambda: "(64512,2)" in bird.routes().get(A, ""))


async def test_many_routes(bird: Bird) -> None:
    async with speaker() as ours:
        peer = add(ours)
        ours.replace(f"10.{n >> 8}.{n & 255}.0/24" for n in range(10_000))
        await up(peer)
        await until(lambda: "10000 of " in bird.show("route count protocol speaker"))
        ours.replace([])
        await until(lambda: "\n0 of " in bird.show("route count protocol speaker"))


async def test_hears_routes(bird: Bird) -> None:
    async with speaker() as ours:
        peer = add(ours)
        events: list[Event | EventsLost] = []
        async with asyncio.timeout(DEADLINE):
            async for event in peer.events():
                events.append(event)
                if isinstance(event, EndOfRib):
                    break
        assert Established in map(type, events)
        received = [event for event in events if isinstance(event, RoutesReceived)]
        assert [event.announced for event in received] == [bgp.NLRI(["198.51.100.0/24"])]
        assert received[0].attributes.as_path == bgp.ASPath([64513])
        assert str(received[0].attributes.next_hop) == "10.0.0.2"
        assert not received[0].faults


async def test_routes_come_back_after_bird_was_killed(bird: Bird) -> None:
    async with speaker() as ours:
        peer = add(ours)
        ours.announce(A)
        await up(peer)
        await until(lambda: A in bird.routes())
        bird.kill()
        await until(lambda: peer.last_error == "cannot connect: Connection refused")
        bird.start()
        await until(lambda: A in bird.routes())


async def test_close_is_an_administrative_shutdown(bird: Bird) -> None:
    async with speaker() as ours:
        await up(add(ours))
        ours.announce(A)
        await until(lambda: A in bird.routes())
    await until(lambda: bird.last_error() == "Received: Administrative shutdown")
    assert bird.routes() == {}


async def test_a_removed_peer_is_told_so(bird: Bird) -> None:
    async with speaker() as ours:
        await ours.remove_peer(await up(add(ours)))
        await until(lambda: bird.last_error() == "Received: Peer de-configured")


async def test_the_hold_timer_notices_a_frozen_bird(bird: Bird) -> None:
    async with speaker() as ours:
        peer = add(ours, hold_time=3)
        ours.announce(A)
        await up(peer)
        await until(lambda: A in bird.routes())
        events = peer.events()
        bird.signal(signal.SIGSTOP)
        async with asyncio.timeout(DEADLINE):
            closing = await anext(event async for event in events if isinstance(event, SessionClosed))
        assert closing.sent == bgp.Notification(bgp.ErrorCode.HOLD_TIMER_EXPIRED)
        bird.signal(signal.SIGCONT)
        await up(peer)
        await until(lambda: A in bird.routes())


async def test_the_example(bird: Bird) -> None:
    example = await asyncio.create_subprocess_exec(
        *(sys.executable, str(EXAMPLE), "10.0.0.2", "--peer-as", "64513", "--local-as", "64512"),
        *(A, B, "--community", "64512:100"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert example.stdout is not None
    async with asyncio.timeout(DEADLINE):
        assert await example.stdout.readline() == f"announced {A} {B}\n".encode()
    await until(lambda: set(bird.routes()) == {A, B})
    assert "(64512,100)" in bird.routes()[A]
    example.send_signal(signal.SIGINT)
    async with asyncio.timeout(DEADLINE):
        assert await example.wait() == 0
    assert bird.last_error() == "Received: Administrative shutdown"


async def test_bird_refuses_another_as(bird: Bird) -> None:
    async with Speaker(local_as=64999) as ours:
        peer = add(ours)
        refusal = "the peer sent NOTIFICATION OPEN Message Error / Bad Peer AS"
        await until(lambda: peer.last_error == refusal)


@needs_signing
@pytest.mark.parametrize("password", ["secret", "wrong", None])
async def test_password(there: NetworkNamespace, tmp_path: Path, password: str | None) -> None:
    bird = Bird(there, tmp_path, extra='password "secret";')
    bird.start()
    await until(lambda: "speaker" in bird.show("protocols"))
    async with speaker() as ours:
        peer = add(ours, password=password, connect_retry_time=0.5)
        if password == "secret":
            await up(peer)
        else:
            await until(lambda: peer.last_error)
            hint = "" if password is None else "; the peer may have another password"
            assert peer.last_error == f"TCP did not come up within the connect-retry time{hint}"
