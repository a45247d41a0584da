"""The asyncio speaker over real sockets on the loopback interface."""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

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
from bgp.config import GracefulRestartConfig, PrefixLimit
from bgp.events import PolicyFailed
from bgp.iana import CeaseSubcode
from bgp.policy import accept_all
from bgp.speaker import Peer, PeerOptions, Speaker
from bgp.stream import EventsLost
from bgp.vocabulary import Timer
from tests.bgp.ends import needs_signing
from tests.bgp.router import DEADLINE, NEGOTIATED, Router, greeting, no_leaks
from tests.bgp.speakers import OPEN, Site, knows, prefixes, sites
from tests.bgp.speakers import up as connected
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
        events: list[Event | EventsLost] = []

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


async def test_what_is_no_peer_of_ours() -> None:
    async with Router() as router, speaker() as ours, speaker() as others:
        peer = add(others, router)
        with pytest.raises(LocalError, match=r"peer 127\.0\.0\.1 is one of another speaker"):
            await ours.remove_peer(peer)
        with pytest.raises(LocalError, match="or is one of another speaker"):
            ours.change_peer(peer, hold_time=30)
        assert others.peers == [peer]
        wrong: Any = "127.0.0.1"
        with pytest.raises(LocalError, match=r"peer '127\.0\.0\.1', must be Peer"):
            await ours.remove_peer(wrong)
        with pytest.raises(LocalError, match=r"peer '127\.0\.0\.1', must be Peer"):
            ours.change_peer(wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"local_as": 0}, "local_as 0, must be 1 to 4294967295"),
        ({"router_id": "router"}, "'router' is not an IPv4 address"),
        ({"cluster_id": 5}, "5 is not an IPv4 address"),
        ({"confederation": 100}, "confederation 100, must be Confederation or None"),
        ({"cost": 5}, "cost 5, must be callable, or None"),
        ({"restarting": "yes"}, "restarting 'yes', must be bool"),
    ],
)
def test_speakers_that_cannot_be(options: Any, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        Speaker(**options)


def test_no_peer_without_an_event_loop() -> None:
    ours = speaker()
    with pytest.raises(RuntimeError, match="no running event loop"):
        ours.add_peer("127.0.0.1", peer_as=64513)
    assert (ours.peers, ours._router.members) == ([], [])


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
        ({"peer_as": 64513, "export_policy": "accept_all"}, "export_policy 'accept_all', must be callable"),
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
            return peer._peering._main.session._timers._deadlines[Timer.SEND_HOLD]

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


# Listening.


async def test_both_ends_dial_at_once() -> None:
    for _ in range(30):
        async with sites(2) as (one, two):
            one.announce(A)
            to_two, to_one = one.joined(two, passive=False), two.joined(one)
            await connected(to_two, to_one)
            await until(lambda peer=to_one: knows(peer, IPV4_UNICAST) == [A])  # type: ignore[misc]
            await until(lambda peers=(to_two, to_one): all(len(p._connections) == 1 for p in peers))  # type: ignore[misc]
            assert to_one.state is to_two.state is State.ESTABLISHED
            # Neither took the connection that is given up for a session.
            assert [peer.statistics().established for peer in (to_two, to_one)] == [1, 1]


async def test_a_passive_peer_is_waited_for() -> None:
    async with sites(2) as (one, two):
        to_two = one.joined(two, passive=True)
        to_one = two.joined(one)
        await connected(to_two, to_one)
        assert to_two.opens is not None
        assert [opened.asn for opened in to_two.opens] == [to_two.config.local_as, to_two.config.peer_as]
        assert to_two.endpoints is not None
        assert to_one.endpoints == to_two.endpoints[::-1]
        assert [str(address) for address in to_two.addresses or ()] == [one.address, two.address]


async def test_strangers_are_refused() -> None:
    async with sites(2) as (one, two):
        # To the address that is configured, from another; and from one that is not configured at all.
        one.add_peer(two.address, peer_as=64514, port=one.port, local_address="127.0.0.99", passive=True)
        stranger = two.joined(one)
        await until(lambda: stranger.last_error)
        assert "Connection reset by peer" in (stranger.last_error or "")
        assert one.peers[0].last_error is None


async def test_a_range_of_peers() -> None:
    async with sites(4) as (one, *others):
        found = one.add_range("127.0.0.0/28", limit=2, **OPEN)
        first, second, third = (other.joined(one) for other in others)
        others[0].announce(A)
        await connected(first, second)
        await until(lambda: third.last_error)
        assert len(found.peers) == len(one.peers) == 2
        await until(lambda: knows(second, IPV4_UNICAST) == [A])
        assert {peer.negotiated is not None for peer in one.peers} == {True}
        assert third.state is not State.ESTABLISHED
        await others[0].close()
        await connected(third)
        assert {str(peer) for peer in found.peers} == {"127.0.0.3", "127.0.0.4"}
        await until(lambda: knows(second, IPV4_UNICAST) == [])


@needs_signing
async def test_a_range_that_is_removed() -> None:
    async with sites(3) as (one, two, three):
        found = one.add_range("127.0.0.0/8", password="secret", **OPEN)
        to_one = two.joined(one, password="secret")
        await connected(to_one)
        await one.remove_range(found)
        await one.remove_range(found)
        assert not one.peers
        await until(lambda: "de-configured" in (to_one.last_error or "").lower())
        # Neither does the network have to sign any more, nor is it known.
        one.add_range("127.0.0.0/8", **OPEN)
        await connected(three.joined(one))


async def test_a_peer_with_an_address_is_no_business_of_a_range() -> None:
    async with sites(2) as (one, two):
        found = one.add_range("127.0.0.0/8", limit=1)
        to_two = one.joined(two, passive=True)
        await connected(two.joined(one), to_two)
        assert not found.peers


async def test_the_narrowest_range_counts() -> None:
    async with sites(2) as (one, two):
        wide, narrow = (one.add_range(network) for network in ("127.0.0.0/8", "127.0.0.0/29"))
        await connected(two.joined(one))
        assert (len(wide.peers), len(narrow.peers)) == (0, 1)


async def test_a_range_of_one_as_alone() -> None:
    async with sites(2) as (one, two):
        found = one.add_range("127.0.0.0/8", peer_as=64999)
        stranger = two.joined(one)
        await until(lambda: stranger.last_error)
        assert stranger.last_error == "the peer sent NOTIFICATION OPEN Message Error / Bad Peer AS"
        await until(lambda: not found.peers)
        assert one.peers == []


async def test_a_peer_of_a_range_that_is_refused_is_forgotten() -> None:
    async with sites(2) as (one, two):
        # Loopback packets have a TTL of 64.
        found = one.add_range("127.0.0.0/8", ttl_security=1, limit=1)
        stranger = two.joined(one)
        await until(lambda: stranger.last_error)
        assert not found.peers
        assert one.peers == []


async def test_a_peer_of_a_range_that_restarts_is_waited_for() -> None:
    kept: dict[str, Any] = {"graceful_restart": GracefulRestartConfig(restart_time=3600)}
    async with sites(2) as (one, two):
        found = one.add_range("127.0.0.0/8", **OPEN, **kept)
        two.announce(A)
        await connected(two.joined(one, **kept))
        [peer] = found.peers
        await until(lambda: knows(peer, IPV4_UNICAST) == [A])
        await two.close(restarting=True)
        await until(lambda: peer.state is not State.ESTABLISHED)
        assert found.peers == {peer}
        assert prefixes(one.best(IPV4_UNICAST)) == [A]


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("127.0.0.0/8", {"limit": 0}, "limit 0, must be 1 to 65535"),
        ("127.0.0.0/8", {"hold_time": 1}, "hold time 1 s"),
        ("127.0.0.0/8", {"import_policy": 5}, "import_policy 5, must be callable"),
        ("127.0.0.1/8", {}, "127.0.0.1/8"),
        ("224.0.0.0/4", {}, "peer_address 224.0.0.1, must be the address of a host"),
        ("::/128", {}, "peer_address ::, must be"),
    ],
)
async def test_ranges_that_cannot_be(network: str, options: Any, message: str) -> None:
    async with speaker() as ours:
        with pytest.raises(LocalError, match=message):
            ours.add_range(network, **options)


async def test_a_range_of_everybody() -> None:
    async with speaker() as ours:
        assert ours.add_range("0.0.0.0/0").welcomes(ip_address("192.0.2.7"))
        with pytest.raises(LocalError, match=r"there is a range 0\.0\.0\.0/0 already"):
            ours.add_range("0.0.0.0/0", peer_as=64513)


async def test_a_closed_speaker_takes_nothing_more() -> None:
    ours = speaker()
    await ours.close()
    for attempt in (
        lambda: ours.add_range("127.0.0.0/8"),
        lambda: ours.add_peer("127.0.0.1", peer_as=1),
    ):
        with pytest.raises(LocalError, match="the speaker is closed"):
            attempt()
    with pytest.raises(LocalError, match="the speaker is closed"):
        await ours.listen("127.0.0.1", 0)
    ours.announce(A)
    await ours.close()


async def test_passwords_of_peers_and_ranges() -> None:
    async with sites(3) as (one, two, three):
        one.add_range("127.0.0.3/32", password="range")
        to_two = one.joined(two, password="secret", passive=True)
        await connected(two.joined(one, password="secret"), to_two)
        await connected(three.joined(one, password="range"))
        late = await one.listen("127.0.0.101", one.port)
        assert late.addresses == [(ip_address("127.0.0.101"), one.port)]
        one.change_peer(to_two, password=None)
        await one.remove_peer(to_two)
        await one.remove_peer(to_two)


# Passing on.


async def test_routes_pass_by_policy() -> None:
    async with sites(3) as (one, two, three):
        from_one = one.joined(two)
        to_one, to_three = two.joined(one), two.joined(three)
        from_three = three.joined(two)
        one.announce(A)
        await connected(from_one, to_one, to_three, from_three)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A])
        # RFC 8212: nobody said that it may.
        assert two.best(IPV4_UNICAST) == []
        two.change_peer(to_one, import_policy=accept_all)
        assert prefixes(two.best(IPV4_UNICAST)) == [A]
        two.change_peer(to_three, export_policy=accept_all)
        await until(lambda: knows(from_three, IPV4_UNICAST) == [A])
        [route] = from_three.received(IPV4_UNICAST)
        assert str(route.as_path) == "64514 64513"
        assert prefixes(to_three.advertised(IPV4_UNICAST)) == prefixes(to_one.accepted(IPV4_UNICAST)) == [A]
        assert [str(each) for each in two.explain(A)] == [f"{A} from 127.0.0.1: is the best"]
        two.change_peer(to_one, import_policy=lambda route: route.evolve(communities=["64514:1"]))
        await until(lambda: from_three.received(IPV4_UNICAST)[0].communities)
        two.change_peer(to_one, import_policy=None)
        await until(lambda: knows(from_three, IPV4_UNICAST) == [])
        assert all(peer.statistics().established == 1 for peer in (to_one, to_three))


async def test_two_speakers_in_one_process_share_nothing() -> None:
    async with sites(3) as (one, two, three):
        to_two, to_one = one.joined(two), two.joined(one)
        three.announce(B)
        one.announce(A)
        await connected(to_two, to_one)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A])
        assert (prefixes(one.routes), two.routes, prefixes(three.routes)) == ([A], [], [B])


async def test_policies_that_raise(caplog: pytest.LogCaptureFixture) -> None:
    def broken(route: Route) -> Route:
        raise RuntimeError("it is broken")

    async with sites(2) as (one, two):
        to_two = one.joined(two, export_policy=broken)
        to_one = two.joined(one, import_policy=broken)
        events = to_one.events()
        one.announce(A)
        await connected(to_two, to_one)
        await until(lambda: any("cannot announce" in line for line in caplog.messages))
        one.change_peer(to_two, export_policy=accept_all)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A])
        failed = await anext(event async for event in events if isinstance(event, PolicyFailed))
        assert failed.reason == "RuntimeError: it is broken"
        assert f"peer {one.address}: import policy, for {A}: RuntimeError: it is broken" in caplog.messages
        assert two.best(IPV4_UNICAST) == []
        two.change_peer(to_one, import_policy=broken)
        two.change_peer(to_one, allow_own_as=1)
        two.next_hops_changed()
        assert sum("it is broken" in line for line in caplog.messages) == 5
        assert to_one.statistics().established == 1


async def test_policies_judge_and_do_nothing_else() -> None:
    verbs: list[Callable[[], object]] = []

    def busy(route: Route) -> Route:
        for verb in verbs:
            with pytest.raises(LocalError, match="a policy is being asked"):
                verb()
        one.announce(B)
        raise RuntimeError("it is through")

    async with sites(2) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one, import_policy=busy, export_policy=busy)
        two.announce(C)
        one.announce(A)
        events = to_one.events()
        verbs += [
            lambda: to_one.announce(C),
            lambda: to_one.withdraw(C),
            lambda: to_one.replace([C]),
            to_one.reset,
            lambda: to_one.request_refresh(IPV4_UNICAST),
            lambda: two.change_peer(to_one, import_policy=accept_all),
            two.next_hops_changed,
        ]
        await connected(to_two, to_one)
        failed = await anext(event async for event in events if isinstance(event, PolicyFailed))
        assert failed.reason == "RuntimeError: it is through"
        await until(lambda: sorted(prefixes(to_one.received(IPV4_UNICAST))) == [A, B])
        assert to_one.advertised(IPV4_UNICAST) == []
        assert to_one.state is State.ESTABLISHED


async def test_next_hops_that_move() -> None:
    reachable: set[str] = set()
    async with sites(2, cost=lambda address: 1 if str(address) in reachable else None) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one, **OPEN)
        one.announce(A)
        await connected(to_two, to_one)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A])
        assert two.best(IPV4_UNICAST) == []
        reachable.add(one.address)
        two.next_hops_changed()
        assert prefixes(two.best(IPV4_UNICAST)) == [A]


# Changes.


@pytest.mark.parametrize(
    ("change", "sessions"),
    [
        ({"next_hop_self": True}, 1),
        ({"idle_hold_time": 0.06}, 1),
        ({"prefix_limits": {IPV4_UNICAST: PrefixLimit(9)}}, 1),
        ({}, 1),
        ({"hold_time": 30}, 2),
        ({"families": [IPV4_UNICAST, bgp.IPV6_UNICAST]}, 2),
        ({"role": bgp.Role.PEER}, 2),
    ],
)
async def test_what_needs_a_new_session(change: PeerOptions, sessions: int) -> None:
    async with sites(2) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one, **OPEN)
        one.announce(A)
        await connected(to_two, to_one)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A])
        events = to_one.events()
        one.change_peer(to_two, **change)
        one.announce(B)
        await until(lambda: knows(to_one, IPV4_UNICAST) == [A, B])
        assert to_two.statistics().established == sessions
        if sessions > 1:
            closed = await anext(event async for event in events if isinstance(event, SessionClosed))
            assert closed.received == Notification.cease(CeaseSubcode.OTHER_CONFIGURATION_CHANGE)


async def test_changes_that_cannot_be() -> None:
    async with Router() as router, speaker() as ours:
        peer = add(ours, router)
        for options, message in (
            ({"port": 1}, r"peer 127\.0\.0\.1 cannot move to 127\.0\.0\.1 port 1: add another"),
            ({"hold_time": 2}, "hold time 2 s"),
            ({"hold_time": 9, "import_policy": 5}, "import_policy 5, must be callable"),
        ):
            before = peer.config
            with pytest.raises(LocalError, match=message):
                ours.change_peer(peer, **options)  # type: ignore[arg-type]
            assert peer.config is before
        await ours.remove_peer(peer)
        with pytest.raises(LocalError, match=r"peer 127\.0\.0\.1 has been removed"):
            ours.change_peer(peer, hold_time=30)


async def test_a_peer_that_is_removed_by_who_reads_its_events() -> None:
    async with sites(2) as (one, two):
        to_two, to_one = one.joined(two), two.joined(one)
        one.announce(A)

        async def remove_at_first_route() -> None:
            async for event in to_one.events():
                if isinstance(event, RoutesReceived):
                    await two.remove_peer(to_one)

        await asyncio.wait_for(remove_at_first_route(), DEADLINE)
        assert two.peers == []
        await until(lambda: to_two.last_error)
        assert to_two.last_error == "the peer sent NOTIFICATION Cease / Peer De-configured"
        # Nothing comes of what is wanted of it now.
        to_one.reset()
        to_one.announce(B)
        assert to_one.state is State.IDLE


# The end.


async def test_drain() -> None:
    async with Router() as router, speaker() as ours:
        peer = add(ours, router)
        ours.announce(A)
        await up(peer)
        await until(lambda: A in router.routes)
        with pytest.raises(LocalError, match="communication of 256 octets"):
            await ours.drain(0, "x" * 256)
        draining = asyncio.create_task(ours.drain(0.3, "maintenance"))
        await until(lambda: router.routes[A].attributes.communities)
        assert list(map(str, router.routes[A].attributes.communities)) == ["graceful-shutdown"]
        await draining
        assert router.received[-1] == Notification.shutdown("maintenance")
        assert router.routes == {}


async def test_draining_holds_for_peers_that_come_later() -> None:
    async with Router() as router, speaker() as ours:
        ours.announce(A)
        draining = asyncio.create_task(ours.drain(60))
        await asyncio.sleep(0)
        await up(add(ours, router))
        await until(lambda: A in router.routes)
        assert list(map(str, router.routes[A].attributes.communities)) == ["graceful-shutdown"]
        draining.cancel()


@pytest.mark.parametrize("seconds", [-1, float("nan"), "5", 65536])
async def test_no_time_to_drain(seconds: Any) -> None:
    async with Router() as router, speaker() as ours:
        peer = add(ours, router)
        with pytest.raises(LocalError, match=r"seconds .*, must be (0 to 65535|int or float)"):
            await ours.drain(seconds)
        ours.announce(A)
        await up(peer)
        await until(lambda: A in router.routes)
        assert router.routes[A].attributes.communities == ()


async def test_close_waits_however_often_it_is_called() -> None:
    async with Router() as router:
        ours = speaker()
        peer = await up(add(ours, router))
        first = asyncio.create_task(ours.close())
        await asyncio.sleep(0)
        assert peer.state is State.IDLE
        first.cancel()
        await ours.close()
        assert Notification.shutdown() in router.received
        assert all(connection.is_closed for connection in peer._closing)


async def test_close_to_come_back() -> None:
    async with Router() as router, no_leaks():
        ours = speaker()
        ours.announce(A)
        await up(add(ours, router))
        await until(lambda: A in router.routes)
        await ours.close(restarting=True)
        await until(lambda: not router.is_up)
        assert A in router.routes
        assert router.heard(Notification) == 0


async def test_a_restart_loses_no_route() -> None:
    kept: dict[str, Any] = {"graceful_restart": GracefulRestartConfig(restart_time=120)}
    async with sites(3) as (one, two, three):
        to_one, to_three = two.joined(one, **OPEN, **kept), two.joined(three, **OPEN, **kept)
        from_three = three.joined(two, **OPEN, **kept)
        one.announce(A, B)
        await connected(one.joined(two, **OPEN, **kept), to_one, to_three, from_three)
        await until(lambda: knows(from_three, IPV4_UNICAST) == [A, B])
        await one.close(restarting=True)
        await until(lambda: to_one.state is not State.ESTABLISHED)
        assert prefixes(two.best(IPV4_UNICAST)) == [A, B]
        async with Site(1, one.port, restarting=True) as again:
            await again.listen(again.address, again.port)
            again.announce(A)
            back = again.joined(two, **OPEN, **kept)
            await connected(back, to_one)
            await until(lambda: prefixes(two.best(IPV4_UNICAST)) == [A])
            await until(lambda: knows(from_three, IPV4_UNICAST) == [A])
            assert from_three.statistics().established == 1
            three.announce(C)
            await until(lambda: knows(back, IPV4_UNICAST) == [C])


async def test_the_time_to_wait_for_others_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bgp.speaker.DEFERRAL_TIME", 0.2)
    kept: dict[str, Any] = {"graceful_restart": GracefulRestartConfig()}
    async with sites(2, restarting=True) as (one, two):
        to_two, to_one = one.joined(two, **kept), two.joined(one)
        one.joined(Site(9, one.port), **kept)
        one.announce(A)
        events = to_one.events()
        await connected(to_two, to_one)
        async with asyncio.timeout(DEADLINE):
            ending = await anext(event async for event in events if isinstance(event, bgp.EndOfRib))
            assert ending.family == IPV4_UNICAST
