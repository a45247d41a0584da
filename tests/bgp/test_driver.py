"""One peer on asyncio: what it tells, what can be asked of it, and how it copes with one that does not read."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Final, Self

import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    EndOfRib,
    Keepalive,
    LocalError,
    Notification,
    PathAttributes,
    Prefix,
    Route,
    State,
    Update,
    decode,
    encode,
)
from bgp.candidate import OURSELVES, Candidate
from bgp.driver import jitter
from bgp.events import Established, RefreshRequested, RoutesReceived, SessionClosed
from bgp.framing import Framer
from bgp.speaker import Speaker
from bgp.statistics import PrefixCounts
from bgp.stream import EventsLost
from bgp.transport import HIGH_WATER
from tests.bgp.router import NEGOTIATED, Router, greeting
from tests.bgp.speakers import OPEN, free_port, knows, prefixes, sites, up
from tests.conditions import until

A, B, C = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"
MANY: Final = 200_000


def test_jitter() -> None:
    assert all(0.75 <= jitter() <= 1.0 for _ in range(100))


async def test_what_it_knows_of_a_peer() -> None:
    async with sites(2) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one, **OPEN)
        before = to_one.statistics()
        assert (before.state, before.uptime, before.established, before.prefixes) == (
            to_one.state,
            None,
            0,
            {},
        )
        one.announce(A)
        to_two.announce(B)
        await up(to_two, to_one)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A, B])
        statistics = to_one.statistics()
        assert statistics.state is State.ESTABLISHED
        assert statistics.uptime is not None
        assert 0 <= statistics.uptime < 60
        assert statistics.established == 1
        assert statistics.messages_received["open"] == statistics.messages_sent["open"] == 1
        assert statistics.messages_received["update"] >= 2
        assert statistics.octets_received > 100
        assert statistics.prefixes == {IPV4_UNICAST: PrefixCounts(received=2, accepted=2, advertised=0)}
        assert to_two.statistics().prefixes[IPV4_UNICAST].advertised == 2
        assert prefixes(to_two.advertised(IPV4_UNICAST)) == [A, B]
        assert [str(route.as_path) for route in to_two.advertised(IPV4_UNICAST)] == ["64513", "64513"]
        assert prefixes(to_two.routes) == [B]
        assert str(to_two) == "127.0.0.2"
        assert to_two.member.config is to_two.config
        to_two.withdraw(B)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A])
        to_two.replace([C])
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A, C])
        assert to_two.is_told_all


async def test_refresh_and_reset() -> None:
    async with sites(2) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one)
        with pytest.raises(LocalError, match="route refresh of ipv4 unicast was not negotiated"):
            to_one.request_refresh(IPV4_UNICAST)
        one.announce(A)
        await up(to_two, to_one)
        with pytest.raises(LocalError, match="route refresh of ipv6 unicast was not negotiated"):
            to_one.request_refresh(IPV6_UNICAST)
        asked, told = to_two.events(), to_one.events()
        to_one.request_refresh(IPV4_UNICAST)
        await anext(e async for e in asked if isinstance(e, RefreshRequested))
        again = await anext(e async for e in told if isinstance(e, RoutesReceived) and e.announced)
        assert again.announced == NLRI([A])
        with pytest.raises(LocalError, match="communication of 256 octets"):
            to_one.reset("x" * 256)
        to_one.reset("new cable")
        closed = await anext(e async for e in asked if isinstance(e, SessionClosed))
        assert closed.received == Notification.reset("new cable")
        await anext(e async for e in asked if isinstance(e, Established))


async def test_events_that_nobody_reads() -> None:
    attributes = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")
    async with Router() as router, Speaker(local_as=64512, router_id="192.0.2.1") as ours:
        peer = ours.add_peer("127.0.0.1", peer_as=64513, port=router.port)
        few, many = peer.events(limit=3), peer.events()
        await up(peer)
        sent = [f"10.0.{number}.0/24" for number in range(20)]
        router.send(*(Update(announced=[prefix], attributes=attributes) for prefix in sent))
        await until(lambda: knows(peer, IPV4_UNICAST) == sorted(sent))
        await ours.close()
        seen = [event async for event in few]
        assert len(seen) == 4
        [lost] = [event for event in seen if isinstance(event, EventsLost)]
        assert lost is seen[-1]
        everything = [event async for event in many]
        assert lost.count == len(everything) - 3
        assert sum(isinstance(event, RoutesReceived) for event in everything) == 20


async def test_a_waiter_may_give_up() -> None:
    port = free_port()
    async with Speaker(local_as=64512, router_id="192.0.2.1") as ours:
        peer = ours.add_peer("127.0.0.1", peer_as=64513, port=port)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await peer.wait_established()
        assert not peer._waiters
        await ours.remove_peer(peer)
        with pytest.raises(LocalError, match=r"peer 127\.0\.0\.1 has been removed"):
            await peer.wait_established()
        assert [event async for event in peer.events()] == []


async def test_a_family_that_cannot_be_followed(caplog: pytest.LogCaptureFixture) -> None:
    async with sites(2) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one)
        await up(to_two, to_one)
        # An MP_REACH_NLRI of IPv4 unicast with a next hop of three octets.
        value = bytes.fromhex("0001 01 03 010203 00 18 cb0071")
        attribute = bytes([0x80, 14, len(value)]) + value
        body = b"\0\0" + len(attribute).to_bytes(2, "big") + attribute
        [connection] = to_two._connections.values()
        connection.send(b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + b"\x02" + body)
        disabled = f"peer {one.address}: routes of ipv4 unicast cannot be followed any more"
        await until(lambda: disabled in caplog.messages)
        assert to_one.state is State.ESTABLISHED


async def test_an_end_of_rib_is_told() -> None:
    async with sites(2) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one)
        events = to_one.events()
        await up(to_two, to_one)
        ending = await anext(e async for e in events if isinstance(e, EndOfRib))
        assert ending.family == IPV4_UNICAST


def many_routes() -> Iterator[Route]:
    """More octets than the kernel takes from a sender whose peer reads nothing, which are 4 MiB: 25 to an UPDATE."""
    path = [65000] * 250
    for med in range(MANY // 25):
        attributes = PathAttributes(origin=0, as_path=path, med=med)
        candidate = Candidate(OURSELVES, attributes, None)
        for number in range(med * 25, med * 25 + 25):
            yield Route.of(IPV4_UNICAST, b"\x20\x0a" + number.to_bytes(3, "big"), candidate)


class Raw:
    """A peer at 127.0.0.N that comes up, and reads only while it is told to."""

    def __init__(self, number: int) -> None:
        self.address = f"127.0.0.{number}"
        self.listening = socket.create_server((self.address, 0))
        self.listening.setblocking(False)
        self.port: int = self.listening.getsockname()[1]
        self.connection: socket.socket | None = None
        self.framer = Framer()
        self.known: set[bytes] = set()
        self.told = 0

    async def comes(self) -> None:
        loop = asyncio.get_running_loop()
        self.connection, _ = await loop.sock_accept(self.listening)
        self.connection.setblocking(False)
        said = (encode(message, NEGOTIATED) for message in (greeting(), Keepalive()))
        await loop.sock_sendall(self.connection, b"".join(said))

    async def reads_until(self, holds: Callable[[], bool]) -> None:
        assert self.connection is not None
        async with asyncio.timeout(120):
            while not holds():
                data = await asyncio.get_running_loop().sock_recv(self.connection, 1 << 18)
                for raw in self.framer.feed(data):
                    message = decode(raw, NEGOTIATED)
                    if isinstance(message, Update):
                        self.known.difference_update(message.withdrawn.wire)
                        self.known.update(message.announced.wire)
                        self.told += len(message.announced)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.listening.close()
        if self.connection is not None:
            self.connection.close()


async def test_a_peer_that_does_not_read_holds_up_nobody() -> None:
    with Raw(2) as deaf, Raw(3) as quick:
        async with Speaker(local_as=64512, router_id="192.0.2.1") as ours:
            # First, since it takes so long that a connection would be tried anew.
            ours.announce(*many_routes())
            to_deaf, to_quick = (
                ours.add_peer(each.address, peer_as=64513, port=each.port) for each in (deaf, quick)
            )
            await deaf.comes()
            await quick.comes()
            await up(to_deaf, to_quick)
            await quick.reads_until(lambda: len(quick.known) == MANY)
            assert to_quick.is_told_all
            assert not to_deaf.is_told_all
            # What waits for TCP is bounded, and what is withdrawn in the meantime is never told.
            [connection] = to_deaf._connections.values()
            assert connection._transport is not None
            assert HIGH_WATER / 4 < connection._transport.get_write_buffer_size() < 4 * HIGH_WATER
            ours.replace([A])
            last = {Prefix(A).wire}
            await deaf.reads_until(lambda: deaf.known == last)
            assert deaf.told < MANY
            await quick.reads_until(lambda: quick.known == last)
