"""The two ends of a connection on real sockets, for tests of the transport."""

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network

import attrs
import pytest

from bgp import LocalError, PeerConfig
from bgp.listener import Incoming, Listener
from bgp.sockets import set_key
from bgp.transport import Connection
from bgp.values import Address
from tests.conditions import DEADLINE, until


def _kernel_signs() -> bool:
    with socket.socket() as probe:
        try:
            set_key(probe, ip_network("192.0.2.0/24"), b"key")
        except LocalError:
            return False
    return True


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


needs_signing = pytest.mark.skipif(not _kernel_signs(), reason="needs a kernel with CONFIG_TCP_MD5SIG")
"""Marks a test that signs segments."""

needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="needs IPv6 on the loopback interface")
"""Marks a test that uses the address ::1."""

LOOPBACK = [pytest.param("127.0.0.1"), pytest.param("::1", marks=needs_ipv6)]
"""Parameters: the loopback address of each version of IP."""


class Owner:
    """Remembers what a connection tells it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.addresses: tuple[Address, Address] | None = None
        self.received = bytearray()

    def connection_opened(self, number: int, local_address: Address, remote_address: Address) -> None:
        self.addresses = (local_address, remote_address)
        self.told.append(f"{number} opened")

    def connection_failed(self, number: int, why: str) -> None:
        self.told.append(f"{number} failed: {why}")

    def connection_lost(self, number: int, why: str) -> None:
        self.told.append(f"{number} lost: {why}")

    def data_received(self, number: int, data: bytes) -> None:
        self.received += data

    def sending_paused(self, number: int) -> None:
        self.told.append(f"{number} paused")

    def sending_resumed(self, number: int) -> None:
        self.told.append(f"{number} resumed")


class Passive(Owner):
    """Claims every connection for one peer, or remembers why it could not."""

    def __init__(self, config: PeerConfig, greeting: bytes = b"") -> None:
        super().__init__()
        self.config = config
        self.greeting = greeting
        self.connections: list[Connection] = []

    def accept(self, incoming: Incoming) -> None:
        self.addresses = (incoming.local_address, incoming.remote_address)
        try:
            sock = incoming.claim(self.config)
        except LocalError as error:
            self.told.append(f"not claimed: {error}")
            return
        connection = Connection.accepted(sock, self, len(self.connections))
        if self.greeting:
            connection.send(self.greeting)
        self.connections.append(connection)


@attrs.frozen
class Ends:
    """A connection dialled, number 7, and the same one accepted, number 0."""

    listener: Listener
    port: int
    passive: Passive
    active: Owner
    dialled: Connection

    @property
    def accepted(self) -> Connection:
        """The connection as it is at the other end."""
        return self.passive.connections[0]


@contextlib.asynccontextmanager
async def ends(address: str = "127.0.0.1", greeting: bytes = b"", **options: object) -> AsyncIterator[Ends]:
    """Join two ends, and let go of everything in the end. The options are those of the one that dials."""
    passive, active = Passive(config(address), greeting), Owner()
    listener, port = listen(passive.accept, address)
    dialled = Connection.dial(config(address, port, **options), active, 7)
    try:
        await until(lambda: active.told and passive.connections)
        yield Ends(listener, port, passive, active, dialled)
    finally:
        listener.close()
        await closed(dialled, *passive.connections)


def config(address: str, port: object = 179, **options: object) -> PeerConfig:
    """A peer there."""
    values = {"local_as": 64512, "peer_as": 64513, "peer_address": address, "port": port, **options}
    return PeerConfig(**values)  # type: ignore[arg-type]  # any option


def listen(
    accept: Callable[[Incoming], None], address: str = "127.0.0.1", port: int = 0
) -> tuple[Listener, int]:
    """A listener, and the port that it is on."""
    listener = Listener.open(address, port, accept)
    return listener, listener.addresses[0][1]


async def closed(*connections: Connection) -> None:
    """Close connections, and wait until nothing is left of them."""
    for connection in connections:
        connection.close()
    for connection in connections:
        await asyncio.wait_for(connection.wait_closed(), DEADLINE)
        assert connection.is_closed


def sockets_open() -> int:
    """How many sockets this process has."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
        except FileNotFoundError:
            # The one that listed them.
            continue
    return count
