"""Connections over real sockets on the loopback interface."""

import asyncio
import socket
import struct

import pytest

from bgp.listener import Incoming
from bgp.transport import HIGH_WATER, LOW_WATER, Connection
from tests.bgp.ends import (
    LOOPBACK,
    Owner,
    Passive,
    closed,
    config,
    ends,
    listen,
    needs_ipv6,
    needs_signing,
    sockets_open,
)
from tests.bgp.router import no_leaks
from tests.conditions import DEADLINE, until


@pytest.mark.parametrize("address", LOOPBACK)
async def test_both_ends(address: str) -> None:
    before = sockets_open()
    async with no_leaks():
        async with ends(address, b"first ") as joined:
            joined.dialled.send(b"hello")
            joined.accepted.send(b"second")
            await until(lambda: joined.passive.received == b"hello")
            await until(lambda: joined.active.received == b"first second")
            assert list(map(str, joined.active.addresses or ())) == [address, address]
            assert joined.passive.addresses == joined.active.addresses
            assert joined.passive.told == []
            joined.dialled.close()
            assert not joined.dialled.is_closed
            await until(lambda: joined.passive.told == ["0 lost: the peer closed the connection"])
        assert joined.active.told == ["7 opened"]
        assert joined.passive.told == ["0 lost: the peer closed the connection"]
    assert sockets_open() == before


async def test_small_messages_are_not_held_back() -> None:
    async with ends(greeting=b"x") as joined:
        await until(lambda: joined.active.received)
        for end in (joined.dialled, joined.accepted):
            assert end._transport is not None
            assert end._transport.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize(
    ("address", "options", "why"),
    [
        ("127.0.0.1", {}, "Connection refused"),
        pytest.param("::1", {}, "Connection refused", marks=needs_ipv6),
        (
            "127.0.0.1",
            {"local_address": "192.0.2.1"},
            "local_address 192.0.2.1: not an address of this machine",
        ),
        (
            "127.0.0.1",
            {"interface": "none7"},
            "interface none7: no SO_BINDTODEVICE: there is no such interface",
        ),
        ("fe80::1", {}, "peer_address fe80::1, must have a zone, such as fe80::1%eth0"),
        ("fe80::1%none7", {}, "peer_address fe80::1%none7: there is no interface none7"),
        (
            "fe80::1",
            {"interface": "none7"},
            "interface none7: no SO_BINDTODEVICE: there is no such interface",
        ),
        (
            "::1",
            {"local_address": "fe80::1"},
            "local_address fe80::1, must have a zone, such as fe80::1%eth0",
        ),
    ],
)
async def test_why_it_does_not_come_up(address: str, options: dict[str, object], why: str) -> None:
    before = sockets_open()
    async with no_leaks():
        owner = Owner()
        connection = Connection.dial(config(address, 1, **options), owner, 7)
        await until(lambda: owner.told)
        assert owner.told == [f"7 failed: cannot connect: {why}"]
        await closed(connection)
    assert sockets_open() == before


async def test_connections_from_an_address_of_ours() -> None:
    async with ends(local_address="127.0.0.9") as joined:
        assert list(map(str, joined.active.addresses or ())) == ["127.0.0.9", "127.0.0.1"]
        assert list(map(str, joined.passive.addresses or ())) == ["127.0.0.1", "127.0.0.9"]


async def test_closing_while_dialling() -> None:
    # 192.0.2.0/24 is for documentation: nothing answers, or the network refuses at once.
    async with no_leaks():
        for end in (Connection.close, Connection.abort):
            owner = Owner()
            connection = Connection.dial(config("192.0.2.77"), owner, 7)
            await asyncio.sleep(0)
            end(connection)
            await connection.wait_closed()
            assert owner.told == []


async def test_closing_the_moment_that_tcp_is_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        before = sockets_open()
        async with no_leaks():
            for steps in range(12):
                owner = Owner()
                connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), owner, 7)
                for _ in range(steps):
                    await asyncio.sleep(0)
                connection.abort()
                await connection.wait_closed()
                assert owner.told in ([], ["7 opened"])
        assert sockets_open() == before


async def accepted(end: str, greeting: bytes = b"") -> tuple[Owner, bytes | None]:
    """Accept a connection and end it before anything else could happen; return what the peer then reads."""
    passive = Passive(config("127.0.0.1"), greeting)

    def accept(incoming: Incoming) -> None:
        passive.accept(incoming)
        getattr(passive.connections[0], end)()

    listener, port = listen(accept)
    with socket.socket() as peer:
        peer.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(peer, ("127.0.0.1", port))
        try:
            heard = await asyncio.wait_for(loop.sock_recv(peer, 100), DEADLINE)
        except ConnectionResetError:
            heard = None
    await passive.connections[0].wait_closed()
    listener.close()
    return passive, heard


async def test_closing_what_has_just_been_accepted() -> None:
    before = sockets_open()
    async with no_leaks():
        assert (await accepted("close", b"NOTIFICATION"))[1] == b"NOTIFICATION"
        assert (await accepted("close"))[1] == b""
        owner, heard = await accepted("abort", b"NOTIFICATION")
        assert heard is None
        assert owner.told == []
    assert sockets_open() == before


async def test_the_last_words_are_heard_though_the_peer_has_said_something_unread() -> None:
    async with ends() as joined:
        joined.dialled.pause_reading()
        joined.accepted.send(bytes(1 << 20))
        joined.dialled.send(b"NOTIFICATION")
        # The end of the peer's side is waited for behind all that it has said, far longer than this test takes.
        joined.dialled.close(patience=600)
        joined.dialled.close()
        await until(lambda: joined.passive.told)
        assert joined.passive.received == b"NOTIFICATION"
        assert joined.passive.told[-1] == "0 lost: the peer closed the connection"


async def test_all_that_waits_is_sent_before_it_closes() -> None:
    async with ends() as joined:
        joined.accepted.pause_reading()
        joined.dialled.send(bytes(32 << 20))
        joined.dialled.close(patience=60)
        joined.accepted.resume_reading()
        await until(lambda: joined.passive.told)
        assert len(joined.passive.received) == 32 << 20


async def test_a_peer_that_does_not_read_is_not_waited_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        active = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
        await until(lambda: active.told)
        connection.send(bytes(32 << 20))
        connection.close(patience=0.05)
        await asyncio.wait_for(connection.wait_closed(), DEADLINE)
        assert active.told == ["7 opened", "7 paused"]


async def test_abort_resets() -> None:
    async with ends() as joined:
        joined.accepted.pause_reading()
        joined.dialled.send(bytes(32 << 20))
        joined.dialled.close()
        joined.dialled.abort()
        await asyncio.wait_for(joined.dialled.wait_closed(), DEADLINE)
        joined.dialled.abort()
        joined.accepted.resume_reading()
        await until(lambda: joined.passive.told)
        assert joined.passive.told == ["0 lost: connection lost: Connection reset by peer"]
        assert joined.active.told == ["7 opened", "7 paused"]


async def test_nothing_is_sent_on_what_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        active = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
        await until(lambda: active.told)
        peer, _ = listening.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await until(lambda: len(active.told) == 2)
        assert active.told == ["7 opened", "7 lost: connection lost: Connection reset by peer"]
        connection.send(b"too late")
        assert not connection.take_progress()
        await closed(connection)


async def test_a_peer_that_resets_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        active = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
        await asyncio.sleep(0)
        peer, _ = listening.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await until(lambda: any("lost" in line or "failed" in line for line in active.told))
        await closed(connection)


async def test_a_close_that_comes_with_a_reset() -> None:
    # The peer's reset is known to the kernel when we close our direction, and to us only afterwards.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        active = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
        await until(lambda: active.told)
        peer, _ = listening.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await closed(connection)


async def test_back_pressure() -> None:
    async with ends() as joined:
        joined.accepted.pause_reading()
        sent = 0
        while joined.active.told[-1] != "7 paused":
            joined.dialled.send(bytes(HIGH_WATER // 8))
            sent += HIGH_WATER // 8
            await asyncio.sleep(0)
        joined.dialled.send(b"one more")
        assert joined.passive.received == b""
        joined.accepted.resume_reading()
        await until(lambda: len(joined.passive.received) == sent + 8)
        assert joined.active.told == ["7 opened", "7 paused", "7 resumed"]


async def test_how_much_may_wait() -> None:
    async with ends() as joined:
        assert joined.dialled._transport is not None
        assert joined.dialled._transport.get_write_buffer_limits() == (LOW_WATER, HIGH_WATER)


@pytest.mark.parametrize("is_resumed", [False, True])
async def test_reading_can_be_paused_before_it_begins(is_resumed: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        owner = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), owner, 7)
        connection.pause_reading()
        if is_resumed:
            connection.resume_reading()
        await until(lambda: owner.told)
        peer, _ = listening.accept()
        with peer:
            peer.sendall(b"hello")
            if not is_resumed:
                for _ in range(5):
                    await asyncio.sleep(0)
                assert not owner.received
                connection.resume_reading()
            await until(lambda: owner.received == b"hello")
            peer.close()
            await closed(connection)


async def test_whether_tcp_takes_anything() -> None:
    # RFC 9687: for the send hold timer.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), Owner(), 7)
        assert not connection.take_progress()
        connection.abort()
        await connection.wait_closed()
    async with ends() as joined:
        joined.accepted.pause_reading()
        assert not joined.dialled.take_progress()
        joined.dialled.send(bytes(64 << 20))
        assert joined.dialled.take_progress()
        # Nobody reads; the kernel's buffers fill up.
        await until(lambda: not joined.dialled.take_progress())
        joined.accepted.resume_reading()
        await until(joined.dialled.take_progress)


@needs_signing
@pytest.mark.parametrize(
    ("address", "network"), [("127.0.0.1", "127.0.0.0/8"), pytest.param("::1", "::/64", marks=needs_ipv6)]
)
async def test_a_range_of_peers_that_sign(address: str, network: str) -> None:
    passive, active, wrong = Passive(config(address, password="secret")), Owner(), Owner()
    listener, port = listen(passive.accept, address)
    listener.set_key(network, b"secret")
    right = Connection.dial(config(address, port, password="secret"), active, 7)
    await until(lambda: active.told == ["7 opened"])
    right.send(b"signed")
    await until(lambda: passive.received == b"signed")
    # A wrong key is met with silence.
    other = Connection.dial(config(address, port, password="wrong", user_timeout=0.5), wrong, 8)
    await until(lambda: wrong.told)
    assert wrong.told == ["8 failed: cannot connect: Connection timed out"]
    assert len(passive.connections) == 1
    listener.close()
    await closed(right, other, *passive.connections)
