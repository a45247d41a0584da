"""Listening for peers, on the loopback interface."""

import asyncio
import errno
import logging
import os
import resource
import socket
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

import pytest

import bgp.listener
from bgp import LocalError
from bgp.listener import MAX_WAITING, Incoming, Listener
from bgp.sockets import listening
from bgp.values import Address
from tests.bgp.ends import LOOPBACK, config, needs_ipv6, needs_signing, sockets_open
from tests.conditions import until

_IP_MINTTL = 21


class Door:
    """A listener whose connections nobody has decided on, and sockets that knock."""

    def __init__(self, address: str = "127.0.0.1", **options: object) -> None:
        self.address = address
        self.waiting: list[Incoming] = []
        self.knocking: list[socket.socket] = []
        self.listener = Listener.open(address, 0, self.waiting.append, **options)  # type: ignore[arg-type]  # any
        self.port = self.listener.addresses[0][1]

    def __enter__(self) -> "Door":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        for sock in self.knocking:
            sock.close()

    def knock(self, *options: tuple[int, int, int | bytes]) -> socket.socket:
        sock = socket.socket(socket.AF_INET6 if ":" in self.address else socket.AF_INET)
        self.knocking.append(sock)
        for level, option, value in options:
            sock.setsockopt(level, option, value)
        sock.connect((self.address, self.port))
        sock.setblocking(False)
        return sock

    async def came(self, count: int = 1) -> Incoming:
        await until(lambda: len(self.waiting) == count)
        return self.waiting[-1]


async def was_reset(sock: socket.socket) -> bool:
    """Whether the connection comes to its end by a RST."""
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 1), 20)
    except ConnectionResetError:
        return True
    return False


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    before = sockets_open()
    yield
    assert sockets_open() <= before


@pytest.mark.parametrize("address", LOOPBACK)
async def test_a_connection_is_claimed(address: str) -> None:
    with Door(address) as door:
        knocking = door.knock()
        incoming = await door.came()
        assert (str(incoming.local_address), str(incoming.remote_address)) == (address, address)
        with incoming.claim(config(address)) as sock:
            assert sock.getpeername() == knocking.getsockname()
            assert not sock.getblocking()
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            with pytest.raises(
                LocalError, match=f"the connection from {address} is claimed or refused already"
            ):
                incoming.claim(config(address))
            incoming.refuse()
            door.listener.close()
            sock.sendall(b"still here")
            assert await asyncio.get_running_loop().sock_recv(knocking, 100) == b"still here"


async def test_a_connection_is_refused() -> None:
    with Door() as door:
        knocking = door.knock()
        incoming = await door.came()
        incoming.refuse()
        assert await was_reset(knocking)
        incoming.refuse()
        with pytest.raises(LocalError, match="is claimed or refused already"):
            incoming.claim(config("127.0.0.1"))


@pytest.mark.parametrize("address", LOOPBACK)
async def test_the_options_of_a_peer(address: str) -> None:
    level, ttl, traffic_class = (
        (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, socket.IPV6_TCLASS)
        if address == "::1"
        else (socket.IPPROTO_IP, socket.IP_TTL, socket.IP_TOS)
    )
    with Door(address) as door:
        for count, (options, wanted) in enumerate(
            [
                ({}, (64, 48 << 2)),
                ({"ttl": 7, "dscp": 10, "user_timeout": 3}, (7, 10 << 2)),
                ({"ttl_security": 254}, (255, 48 << 2)),
            ],
            1,
        ):
            door.knock()
            incoming = await door.came(count)
            with incoming.claim(config(address, **options)) as sock:
                assert (sock.getsockopt(level, ttl), sock.getsockopt(level, traffic_class)) == wanted
                milliseconds = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
                assert milliseconds == (3000 if "user_timeout" in options else 0)


@pytest.mark.parametrize("listen_on", [None, "lo"])
async def test_the_interface_of_a_peer(listen_on: str | None) -> None:
    with Door(interface=listen_on) as door:
        door.knock()
        with (await door.came()).claim(config("127.0.0.1", interface="lo")) as sock:
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16) == b"lo\0"
        knocking = door.knock()
        incoming = await door.came(2)
        with pytest.raises(
            LocalError, match="interface none7: no SO_BINDTODEVICE: there is no such interface"
        ):
            incoming.claim(config("127.0.0.1", interface="none7"))
        assert await was_reset(knocking)


@pytest.mark.parametrize(
    ("address", "hops", "minimum"),
    [("127.0.0.1", 1, 255), ("127.0.0.1", 191, 65), pytest.param("::1", 1, 255, marks=needs_ipv6)],
)
async def test_who_comes_from_too_far_is_refused(address: str, hops: int, minimum: int) -> None:
    # RFC 5082 3. Sockets of the loopback interface send with 64, as if from 192 hops away.
    with Door(address) as door:
        knocking = door.knock()
        incoming = await door.came()
        why = f"its SYN came with a TTL of 64, ttl_security {hops} wants {minimum} or more"
        with pytest.raises(LocalError, match=why):
            incoming.claim(config(address, ttl_security=hops))
        assert await was_reset(knocking)


@pytest.mark.parametrize("hops", [1, 2])
async def test_who_comes_from_near_enough_is_not(hops: int) -> None:
    with Door() as door:
        door.knock((socket.IPPROTO_IP, socket.IP_TTL, 256 - hops))
        with (await door.came()).claim(config("127.0.0.1", ttl_security=hops)) as sock:
            # What comes from farther away is dropped by the kernel from now on.
            assert sock.getsockopt(socket.IPPROTO_IP, _IP_MINTTL) == 256 - hops


@needs_signing
@pytest.mark.parametrize("address", LOOPBACK)
async def test_who_does_not_sign_though_there_is_a_password(address: str) -> None:
    # The key is set only once the handshake is over.
    with Door(address) as door:
        knocking = door.knock()
        incoming = await door.came()
        door.listener.set_key(address, b"secret")
        with pytest.raises(LocalError, match="its SYN was not signed, though there is a password"):
            incoming.claim(config(address, password="secret"))
        assert await was_reset(knocking)


@needs_signing
@pytest.mark.parametrize("network", ["127.0.0.0/8", ip_network("127.0.0.0/8"), ip_address("127.0.0.1")])
async def test_a_key_keeps_those_without_it_out_until_it_is_removed(network: str | Address) -> None:
    with Door() as door:
        door.listener.set_key(network, b"secret")
        with pytest.raises(TimeoutError):
            door.knock((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300))
        assert not door.waiting
        door.listener.remove_key(network)
        door.knock()
        await door.came()
        with pytest.raises(
            LocalError, match=r"password for 127\.0\.0\.\d/\d+: no TCP_MD5SIG_EXT: there is none"
        ):
            door.listener.remove_key(network)


@needs_signing
async def test_a_key_from_the_beginning() -> None:
    with Door(keys={ip_network("127.0.0.0/8"): b"secret", ip_network("::/0"): b"other"}) as door:
        with pytest.raises(TimeoutError):
            door.knock((socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 300))
        door.listener.remove_key("127.0.0.0/8")
        door.listener.set_key("2001:db8::/32", b"of no effect")


@pytest.mark.parametrize(
    ("network", "password", "message"),
    [
        ("10.0.0.1/24", b"x", "'10.0.0.1/24' is not a network: .* has host bits set"),
        ("router", b"x", "'router' is not an IP address"),
        ("10.0.0.1", b"", "password of 0 octets, must be 1 to 80"),
        ("10.0.0.1", b"x" * 81, "password of 81 octets, must be 1 to 80"),
    ],
)
async def test_keys_that_cannot_be(network: str, password: bytes, message: str) -> None:
    with Door() as door, pytest.raises(LocalError, match=message):
        door.listener.set_key(network, password)


def nobody(_incoming: Incoming) -> None:
    """Forget it."""


@pytest.mark.parametrize(
    ("address", "port", "options", "message"),
    [
        ("192.0.2.1", 0, {}, "cannot listen on 192.0.2.1 port 0: not an address of this machine"),
        ("2001:db8::1", 0, {}, "cannot listen on 2001:db8::1 port 0: not an address of this machine"),
        ("127.0.0.1", 65536, {}, "port 65536, must be 0 to 65535"),
        (None, 0, {}, "port 0, must be 1 to 65535"),
        ("localhost", 0, {}, "'localhost' is not an IP address"),
        ("fe80::1", 0, {}, "address fe80::1, must have a zone, such as fe80::1%eth0"),
        ("fe80::1%none7", 0, {}, "address fe80::1%none7: there is no interface none7"),
        ("::1", 0, {"interface": ""}, "interface '', must be 1 to 15 octets"),
        ("::1", 0, {"interface": 5}, "interface 5, must be str"),
        ("::1", 0, {"interface": "none7"}, "interface none7: no SO_BINDTODEVICE: there is no such interface"),
        ("::1", 0, {"keys": {ip_network("::/0"): b""}}, "password of 0 octets"),
    ],
)
async def test_where_it_cannot_listen(
    address: str | None, port: int, options: dict[str, object], message: str
) -> None:
    with pytest.raises(LocalError, match=message):
        Listener.open(address, port, nobody, **options)  # type: ignore[arg-type]  # any option


async def test_a_port_that_is_taken() -> None:
    with Door() as door:
        message = f"cannot listen on 127.0.0.1 port {door.port}: something listens there already"
        with pytest.raises(LocalError, match=message):
            Listener.open("127.0.0.1", door.port, nobody)


async def test_a_port_is_free_again_at_once() -> None:
    with Door() as door:
        door.knock()
        with (await door.came()).claim(config("127.0.0.1")):
            pass
        door.listener.close()
        door.listener.close()
        assert door.listener.addresses == []
        Listener.open("127.0.0.1", door.port, nobody).close()


async def test_close_refuses_whatever_nobody_has_claimed() -> None:
    with Door() as door:
        knocking = [door.knock() for _ in range(3)]
        await door.came(3)
        unseen = door.knock()
        door.listener.close()
        for sock in (*knocking, unseen):
            assert await was_reset(sock)


async def test_more_knock_than_may_wait(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bgp")
    with Door() as door:
        for count in range(1, MAX_WAITING + 1):
            door.knock()
            await door.came(count)
        assert await was_reset(door.knock())
        assert caplog.messages == ["connection from 127.0.0.1 refused: 64 others wait"]
        door.waiting[0].refuse()
        door.knock()
        await door.came(MAX_WAITING + 1)


async def test_more_knock_at_once_than_are_accepted_at_once() -> None:
    with Door() as door:

        def accept(incoming: Incoming) -> None:
            door.waiting.append(incoming)
            incoming.refuse()

        door.listener._accept = accept
        for _ in range(100):
            door.knock()
        await door.came(100)


async def test_whoever_decides_may_fail() -> None:
    loop = asyncio.get_running_loop()
    failures: list[object] = []
    loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))

    def fail(incoming: Incoming) -> None:
        raise RuntimeError(str(incoming.remote_address))

    listener = Listener.open("127.0.0.1", 0, fail)
    for count in (1, 2):
        with socket.create_connection(("127.0.0.1", listener.addresses[0][1])) as knocking:
            knocking.setblocking(False)
            assert await was_reset(knocking)
        assert list(map(repr, failures)) == ["RuntimeError('127.0.0.1')"] * count
    listener.close()


async def test_whoever_decides_may_close_the_listener() -> None:
    with Door() as door:

        def close(incoming: Incoming) -> None:
            incoming.refuse()
            door.listener.close()

        door.listener._accept = close
        assert await was_reset(door.knock())
        assert door.listener.addresses == []


async def test_no_descriptor_is_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bgp.listener, "PAUSE", 0.05)
    with Door() as door:
        knocking = [door.knock() for _ in range(3)]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        # None but those that are open.
        resource.setrlimit(resource.RLIMIT_NOFILE, (min_free_descriptor(), hard))
        try:
            await until(lambda: caplog.messages)
            started = asyncio.get_running_loop().time()
            await until(lambda: asyncio.get_running_loop().time() > started + 0.2)
            assert caplog.messages == [
                "cannot accept connections: Too many open files; trying again every 0.05 s"
            ]
            assert not door.waiting
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await door.came(3)
        assert len(knocking) == 3
        # The next time it is news again.
        door.listener._pause(OSError(errno.ENFILE, os.strerror(errno.ENFILE)))
        assert len(caplog.messages) == 2


async def test_closing_in_the_pause(caplog: pytest.LogCaptureFixture) -> None:
    with Door() as door:
        door.listener._pause(OSError(errno.ENFILE, os.strerror(errno.ENFILE)))
        door.knock()
        door.listener.close()
        assert caplog.messages == [
            "cannot accept connections: Too many open files in system; trying again every 1.0 s"
        ]
        assert door.listener._resumption is not None
        assert door.listener._resumption.cancelled()


def min_free_descriptor() -> int:
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor


class Absent:
    """Makes the sockets of some versions of IP unknown to the system."""

    def __init__(self, *versions: int) -> None:
        self.versions = versions

    def __call__(self, address: Address, _port: int, **_options: object) -> socket.socket:
        if address.version in self.versions:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        # The loopback address alone, whatever was asked for.
        return listening(ip_address("127.0.0.1"), 0)


async def test_a_machine_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bgp.listener, "listening", Absent(6))
    listener = Listener.open(None, 1790, nobody)
    assert [str(address) for address, _ in listener.addresses] == ["127.0.0.1"]
    listener.close()
    with pytest.raises(LocalError, match="cannot listen on ::1 port 1790: no IP of this version here"):
        Listener.open("::1", 1790, nobody)


async def test_no_descriptor_for_a_listening_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **_options: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(bgp.listener, "listening", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        Listener.open("127.0.0.1", 0, nobody)


def test_it_needs_an_event_loop() -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        Listener.open("127.0.0.1", 0, nobody)
