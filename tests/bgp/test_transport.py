"""Connections over real sockets on the loopback interface."""

import asyncio
import socket
import struct

import pytest

from bgp.listener import Incoming, Listener
from bgp.transport import HIGH_WATER, Connection
from tests.bgp.ends import Owner, Passive, closed, config, listen, opened, sockets_open
from tests.bgp.router import no_leaks
from tests.conditions import until

LOOPBACK = ["127.0.0.1", "::1"]


@pytest.mark.parametrize("address", LOOPBACK)
async def test_both_ends(address: str) -> None:
    before = sockets_open()
    async with no_leaks():
        passive, active = Passive(config(address), b"first "), Owner()
        listener, port = listen(passive.accept, address)
        connection = Connection.dial(config(address, port), active, 7)
        assert not connection.is_closed
        await opened(active)
        connection.send(b"hello")
        await until(lambda: passive.received == b"hello")
        passive.connections[0].send(b"second")
        await until(lambda: active.received == b"first second")
        assert list(map(str, active.addresses or ())) == [address, address]
        assert passive.addresses == active.addresses
        assert passive.told == []
        assert active.told == ["7 opened"]
        listener.close()
        await closed(connection, *passive.connections)
    assert passive.told == ["0 lost: the peer closed the connection"]
    assert sockets_open() == before


async def test_small_messages_are_not_held_back() -> None:
    passive, active = Passive(config("127.0.0.1")), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    await until(lambda: passive.connections and passive.connections[0]._transport)
    await opened(active)
    for end in (connection, passive.connections[0]):
        assert end._transport is not None
        sock = end._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    listener.close()
    await closed(connection, *passive.connections)


@pytest.mark.parametrize(
    ("address", "options", "why"),
    [
        ("127.0.0.1", {}, "Connection refused"),
        ("::1", {}, "Connection refused"),
        (
            "127.0.0.1",
            {"local_address": "192.0.2.1"},
            "local_address 192.0.2.1: not an address of this machine",
        ),
        (
            "127.0.0.1",
            {"local_address": "::1"},
            "local_address ::1 cannot reach peer_address 127.0.0.1: not the same version of IP",
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
        ("::ffff:127.0.0.1", {}, "Network is unreachable"),
        ("127.0.0.1", {"password": ""}, "password of 0 octets, must be 1 to 80"),
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
    passive, active = Passive(config("127.0.0.1")), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port, local_address="127.0.0.9"), active, 7)
    await opened(active)
    assert list(map(str, active.addresses or ())) == ["127.0.0.9", "127.0.0.1"]
    listener.close()
    await closed(connection, *passive.connections)


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
            heard = await asyncio.wait_for(loop.sock_recv(peer, 100), 20)
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
    passive, active = Passive(config("127.0.0.1")), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    await opened(active)
    await until(lambda: passive.connections)
    connection.pause_reading()
    passive.connections[0].send(bytes(1 << 20))
    connection.send(b"NOTIFICATION")
    connection.close()
    connection.close()
    await until(lambda: passive.told)
    assert passive.received == b"NOTIFICATION"
    assert passive.told[-1] == "0 lost: the peer closed the connection"
    listener.close()
    await closed(connection, *passive.connections)


async def test_all_that_waits_is_sent_before_it_closes() -> None:
    passive, active = Passive(config("127.0.0.1")), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    await opened(active)
    await until(lambda: passive.connections)
    passive.connections[0].pause_reading()
    connection.send(bytes(32 << 20))
    connection.close(patience=60)
    passive.connections[0].resume_reading()
    await until(lambda: passive.told)
    assert len(passive.received) == 32 << 20
    listener.close()
    await closed(connection, *passive.connections)


async def test_a_peer_that_does_not_read_is_not_waited_for_long() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        active = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
        await opened(active)
        connection.send(bytes(32 << 20))
        connection.close(patience=0.05)
        await asyncio.wait_for(connection.wait_closed(), 20)
        assert active.told == ["7 opened", "7 paused"]


async def test_abort_resets() -> None:
    passive, active = Passive(config("127.0.0.1")), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    await opened(active)
    await until(lambda: passive.connections)
    passive.connections[0].pause_reading()
    connection.send(bytes(32 << 20))
    connection.close()
    assert not connection.is_closed
    connection.abort()
    await asyncio.wait_for(connection.wait_closed(), 20)
    connection.abort()
    passive.connections[0].resume_reading()
    await until(lambda: passive.told)
    assert passive.told == ["0 lost: connection lost: Connection reset by peer"]
    assert active.told == ["7 opened", "7 paused"]
    listener.close()


async def test_nothing_is_sent_on_what_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        active = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
        await opened(active)
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
        for _ in range(20):
            active = Owner()
            connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
            await asyncio.sleep(0)
            peer, _ = listening.accept()
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            peer.close()
            await until(
                lambda told=active.told: "lost" in told[-1] or "failed" in told[-1] if told else False
            )
            await closed(connection)


async def test_a_close_that_comes_with_a_reset() -> None:
    # The peer's reset is known to the kernel when we close our direction, and to us only afterwards.
    with socket.create_server(("127.0.0.1", 0)) as listening:
        active = Owner()
        connection = Connection.dial(config("127.0.0.1", listening.getsockname()[1]), active, 7)
        await opened(active)
        peer, _ = listening.accept()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        await closed(connection)


async def test_back_pressure() -> None:
    passive, active = Passive(config("127.0.0.1")), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    await opened(active)
    await until(lambda: passive.connections)
    passive.connections[0].pause_reading()
    sent = 0
    while active.told[-1] != "7 paused":
        connection.send(bytes(HIGH_WATER // 8))
        sent += HIGH_WATER // 8
        await asyncio.sleep(0)
    assert connection._transport is not None
    assert connection._transport.get_write_buffer_size() > HIGH_WATER
    connection.send(b"one more")
    assert passive.received == b""
    passive.connections[0].resume_reading()
    await until(lambda: len(passive.received) == sent + 8)
    assert active.told == ["7 opened", "7 paused", "7 resumed"]
    listener.close()
    await closed(connection, *passive.connections)


async def test_reading_can_be_paused_before_it_begins() -> None:
    passive, active = Passive(config("127.0.0.1"), b"hello"), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    connection.pause_reading()
    await opened(active)
    await until(lambda: passive.connections and passive.connections[0].take_progress())
    assert active.received == b""
    connection.resume_reading()
    await until(lambda: active.received == b"hello")
    listener.close()
    await closed(connection, *passive.connections)


async def test_reading_paused_and_resumed_before_it_begins() -> None:
    passive, active = Passive(config("127.0.0.1"), b"hello"), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    connection.pause_reading()
    connection.resume_reading()
    await until(lambda: active.received == b"hello")
    listener.close()
    await closed(connection, *passive.connections)


async def test_whether_tcp_takes_anything() -> None:
    # RFC 9687: for the send hold timer.
    passive, active = Passive(config("127.0.0.1")), Owner()
    listener, port = listen(passive.accept)
    connection = Connection.dial(config("127.0.0.1", port), active, 7)
    assert not connection.take_progress()
    await opened(active)
    await until(lambda: passive.connections)
    passive.connections[0].pause_reading()
    assert not connection.take_progress()
    connection.send(bytes(64 << 20))
    assert connection.take_progress()
    # Nobody reads; the kernel's buffers fill up.
    await until(lambda: not connection.take_progress())
    passive.connections[0].resume_reading()
    await until(connection.take_progress)
    listener.close()
    await closed(connection, *passive.connections)


@pytest.mark.parametrize("address", LOOPBACK)
async def test_a_range_of_peers_that_sign(address: str) -> None:
    network = "127.0.0.0/8" if address == "127.0.0.1" else "::/64"
    passive, active = Passive(config(address, password="secret")), Owner()
    listener = Listener.open(address, 0, passive.accept)
    listener.set_key(network, b"secret")
    port = listener.addresses[0][1]
    connection = Connection.dial(config(address, port, password="secret"), active, 7)
    await opened(active)
    connection.send(b"signed")
    await until(lambda: passive.received == b"signed")
    # A wrong key is met with silence; that none comes cannot be waited for, but what comes can.
    wrong = Owner()
    other = Connection.dial(config(address, port, password="wrong", user_timeout=0.5), wrong, 8)
    await until(lambda: wrong.told)
    assert wrong.told == ["8 failed: cannot connect: Connection timed out"]
    assert len(passive.connections) == 1
    listener.close()
    await closed(connection, other, *passive.connections)
