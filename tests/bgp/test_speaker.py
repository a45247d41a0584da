"""The asyncio speaker over real sockets on the loopback interface."""

import asyncio
import logging
import os
import socket
import struct

import pytest

import bgp
from bgp import (
    IPV4_UNICAST,
    Established,
    Event,
    LocalError,
    Notification,
    Open,
    PathAttributes,
    PeerConfig,
    Route,
    RoutesReceived,
    SessionClosed,
    State,
    Update,
    encode,
)
from bgp.config import PrefixLimit
from bgp.speaker import Peer, PeerOptions, Speaker
from bgp.vocabulary import Timer
from tests.bgp.router import DEADLINE, NEGOTIATED, Router, greeting, no_leaks
from tests.conditions import until

A, B, C = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"


def speaker() -> Speaker:
    return Speaker(local_as=64512, router_id="192.0.2.1")


def add(to: Speaker, router: Router) -> Peer:
    return to.add_peer("127.0.0.1", peer_as=64513, port=router.port, idle_hold_time=0.05)


async def up(peer: Peer) -> Peer:
    async with asyncio.timeout(DEADLINE):
        await peer.wait_established()
    return peer


async def test_announces_to_a_peer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bgp")
    async with no_leaks(), Router() as router, speaker() as ours:
        peer = add(ours, router)
        ours.announce(Route(A, next_hop="192.0.2.9", communities=["64512:100"]), B)
        await up(peer)
        await until(lambda: set(router.routes) == {A, B})
        assert router.routes[A].attributes == PathAttributes(
            origin=0, as_path=[64512], next_hop="192.0.2.9", communities=["64512:100"]
        )
        assert str(router.routes[B].attributes.next_hop) == "127.0.0.1"
        assert peer.negotiated is not None
        assert repr(peer) == "<Peer 127.0.0.1 AS 64513, Established>"
        assert "peer 127.0.0.1: OpenConfirm -> Established" in caplog.messages


async def test_close_withdraws_and_says_why() -> None:
    async with no_leaks(), Router() as router:
        async with speaker() as ours:
            peer = add(ours, router)
            ours.announce(A)
            await up(peer)
            await until(lambda: A in router.routes)
        withdrawal, farewell = router.received[-2:]
        assert withdrawal == Update(withdrawn=[A])
        assert farewell == Notification(6, 2)
        assert peer.state is State.IDLE
        with pytest.raises(LocalError, match="the speaker is closed"):
            ours.add_peer("127.0.0.1", peer_as=1)


async def test_only_differences_are_sent() -> None:
    async with Router() as router, speaker() as ours:
        peer = add(ours, router)
        ours.replace([A, B])
        await up(peer)
        await until(lambda: set(router.routes) == {A, B})
        before = router.heard(Update)
        ours.replace([B, C])
        await until(lambda: set(router.routes) == {B, C})
        assert router.heard(Update) == before + 2
        ours.announce(B, C)
        ours.withdraw(A)
        ours.withdraw(Route(B))
        await until(lambda: set(router.routes) == {C})
        assert router.heard(Update) == before + 3
        assert [str(route.prefix) for route in ours.routes] == [C]


async def test_routes_of_one_peer_stand_before_those_of_all() -> None:
    async with Router() as one, Router() as two, speaker() as ours:
        ours.announce(Route(A, med=1))
        first = add(ours, one)
        first.announce(Route(A, med=2), B)
        second = add(ours, two)
        assert ours.peers == [first, second]
        await asyncio.gather(up(first), up(second))
        await until(lambda: set(one.routes) == {A, B} and set(two.routes) == {A})
        assert (one.routes[A].attributes.med, two.routes[A].attributes.med) == (2, 1)
        first.withdraw(A)
        await until(lambda: one.routes[A].attributes.med == 1)
        ours.replace([])
        await until(lambda: set(one.routes) == {B} and not two.routes)
        first.replace([C])
        await until(lambda: set(one.routes) == {C})
        assert first.routes == [Route(C)]


async def test_comes_back_when_the_peer_does() -> None:
    async with Router() as router, speaker() as ours:
        peer = add(ours, router)
        ours.announce(A)
        await up(peer)
        await router.shut()
        await until(lambda: peer.state is not State.ESTABLISHED)
        assert peer.last_error
        await until(lambda: peer.last_error == "cannot connect: Connection refused")
        ours.announce(B)
        await router.listen()
        await up(peer)
        await until(lambda: set(router.routes) == {A, B})


async def test_events() -> None:
    async with Router() as router, speaker() as ours:
        peer = add(ours, router)
        events: list[Event] = []

        async def collect() -> None:
            async for event in peer.events():
                events.append(event)

        collector = asyncio.create_task(collect())
        await up(peer)
        attributes = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")
        router.send(Update(announced=[B], attributes=attributes))
        router.send(Update(announced=[C], attributes=PathAttributes(origin=0)))
        await until(lambda: sum(isinstance(event, RoutesReceived) for event in events) == 2)
        await ours.remove_peer(peer)
        await asyncio.wait_for(collector, DEADLINE)
        kinds = [type(event) for event in events]
        assert kinds.index(Established) < kinds.index(RoutesReceived) < kinds.index(SessionClosed)
        received = next(event for event in events if isinstance(event, RoutesReceived))
        assert (received.announced, received.attributes) == (bgp.NLRI([B]), attributes)
        assert [event async for event in peer.events()] == []


async def test_remove_peer_says_that_it_was_removed() -> None:
    async with no_leaks(), Router() as router, speaker() as ours:
        peer = await up(add(ours, router))
        await ours.remove_peer(peer)
        assert router.received[-1] == Notification(6, 3)
        assert ours.peers == []
        await up(add(ours, router))


async def test_waiting_for_a_peer_that_is_removed() -> None:
    async with Router(answers=False) as router, speaker() as ours:
        peer = add(ours, router)
        waiter = asyncio.create_task(peer.wait_established())
        await until(lambda: router.heard(Open))
        await ours.remove_peer(peer)
        with pytest.raises(LocalError, match=r"peer 127\.0\.0\.1 has been removed"):
            await waiter


async def test_a_wrong_as_number_is_told_to_both_sides() -> None:
    async with Router(answers=False) as router, speaker() as ours:
        peer = add(ours, router)
        await until(lambda: router.heard(Open))
        router.send(greeting(64999))
        await until(lambda: router.heard(Notification))
        assert Notification(2, 2) in router.received
        assert peer.last_error == "the peer says AS 64999, configured is 64513"


async def test_the_reason_that_the_peer_gives() -> None:
    async with Router() as router, speaker() as ours:
        peer = await up(add(ours, router))
        router.send(Notification(6, 4))
        await until(lambda: peer.state is not State.ESTABLISHED)
        assert peer.last_error == "the peer sent NOTIFICATION Cease / Administrative Reset"


async def test_a_peer_that_complains_and_resets_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with speaker() as ours:
            port = listening.getsockname()[1]
            peer = ours.add_peer("127.0.0.1", peer_as=64513, port=port, idle_hold_time=0.05)
            for _ in range(2):
                await until(lambda: peer.state is State.OPEN_SENT)
                connection, _ = listening.accept()
                connection.sendall(encode(greeting(), NEGOTIATED))
                await until(lambda: peer.state is State.OPEN_CONFIRM)
                # All of this happens before the speaker reads.
                connection.sendall(encode(Notification(2, 2), NEGOTIATED))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                await until(lambda: peer.state is State.IDLE)
                assert peer.last_error == "the peer sent NOTIFICATION OPEN Message Error / Bad Peer AS"


async def test_a_peer_that_reads_nothing_cannot_hold_up_close() -> None:
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with no_leaks():
            async with speaker() as ours:
                # The kernel takes the connection, nobody accepts it.
                peer = ours.add_peer("127.0.0.1", peer_as=64513, port=listening.getsockname()[1])
                await until(lambda: peer.state is State.OPEN_SENT)
                started = loop.time()
            assert loop.time() - started < DEADLINE


async def test_close_while_dialling() -> None:
    # 192.0.2.0/24 is for documentation: nothing answers, or the network refuses at once.
    async with no_leaks(), speaker() as ours:
        ours.add_peer("192.0.2.77", peer_as=64513)


async def test_no_descriptor_is_leaked() -> None:
    async with Router() as router:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(5):
            async with speaker() as ours:
                await up(add(ours, router))
        await until(lambda: not router.is_up)
        assert len(os.listdir("/proc/self/fd")) == before


async def test_a_local_address_that_is_not_ours() -> None:
    async with Router() as router, speaker() as ours:
        peer = ours.add_peer("127.0.0.1", peer_as=64513, port=router.port, local_address="192.0.2.1")
        await until(lambda: peer.last_error)
        assert peer.last_error == "cannot connect: local_address 192.0.2.1: not an address of this machine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "peer_as of peer 127.0.0.1 is not given"),
        ({"peer_as": 64513, "hold_time": 1}, "hold time 1 s"),
        ({"peer_as": 64513, "port": 1}, "there is a peer at 127.0.0.1 port 1 already"),
    ],
)
async def test_peers_that_cannot_be(options: PeerOptions, message: str) -> None:
    async with speaker() as ours:
        ours.add_peer(PeerConfig(peer_address="127.0.0.1", peer_as=64513, local_as=64514, port=1))
        with pytest.raises(LocalError, match=message):
            ours.add_peer("127.0.0.1", **options)


async def test_a_peer_needs_an_address_and_an_as_number_of_ours() -> None:
    async with Speaker() as ours:
        with pytest.raises(LocalError, match="local_as of peer"):
            ours.add_peer("127.0.0.1", peer_as=1)
        with pytest.raises(LocalError, match="peer_address is None"):
            ours.add_peer(PeerConfig(peer_as=1, local_as=2))


async def test_a_peer_that_takes_what_is_sent_is_not_given_up() -> None:
    # RFC 9687: KEEPALIVEs are taken, so the send hold timer starts anew; with them it takes a second.
    async with Router() as router, speaker() as ours:
        peer = await up(ours.add_peer("127.0.0.1", peer_as=64513, port=router.port, hold_time=3))

        def deadline() -> float:
            return peer._peering._main.session._deadlines[Timer.SEND_HOLD]

        before = deadline()
        await until(lambda: deadline() > before)


async def test_a_peer_is_told_why_we_close() -> None:
    async with Router() as router:
        ours = speaker()
        await up(add(ours, router))
        with pytest.raises(LocalError, match="communication of 256 octets"):
            await ours.close("x" * 256)
        await ours.close("new fan")
        assert router.received[-1] == Notification.shutdown("new fan")


async def test_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bgp")
    attributes = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")
    async with Router() as router, speaker() as ours:
        limit = PrefixLimit(2, warning=0.5)
        peer = ours.add_peer(
            "127.0.0.1", peer_as=64513, port=router.port, prefix_limits={IPV4_UNICAST: limit}
        )
        await up(peer)
        router.send(Update(announced=[A], attributes=PathAttributes(origin=0)))
        router.send(Update(announced=[A, B], attributes=attributes))
        router.send(Update(announced=[C], attributes=attributes))
        await until(lambda: peer.state is State.IDLE)
        await until(lambda: router.heard(Notification))
    assert Notification.maximum_prefixes(IPV4_UNICAST, 2) in router.received
    for message in (
        "peer 127.0.0.1: UPDATE: attribute 2: AS_PATH is missing",
        "peer 127.0.0.1: 2 prefixes of ipv4 unicast, at most 2 are taken",
        "peer 127.0.0.1: session closed: reset: Cease / Maximum Number of Prefixes Reached: 2 of ipv4 unicast",
    ):
        assert message in caplog.messages
