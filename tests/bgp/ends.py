"""The two ends of a connection on real sockets, for tests of the transport."""

import asyncio
import os
import socket
from collections.abc import Callable

from bgp import LocalError, PeerConfig
from bgp.listener import Incoming, Listener
from bgp.transport import Connection
from bgp.values import Address
from tests.conditions import until


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
    """Claims every connection for one peer; remembers why it could not."""

    def __init__(self, config: PeerConfig, greeting: bytes = b"") -> None:
        super().__init__()
        self.config = config
        self.greeting = greeting
        self.connections: list[Connection] = []
        self.sockets: list[socket.socket] = []

    def accept(self, incoming: Incoming) -> None:
        self.addresses = (incoming.local_address, incoming.remote_address)
        try:
            sock = incoming.claim(self.config)
        except LocalError as error:
            self.told.append(f"not claimed: {error}")
            return
        self.sockets.append(sock)
        connection = Connection.accepted(sock, self, len(self.connections))
        connection.send(self.greeting)
        self.connections.append(connection)

    async def close(self) -> None:
        for connection in self.connections:
            connection.close()
        for connection in self.connections:
            await connection.wait_closed()


def config(address: str, port: int = 179, **options: object) -> PeerConfig:
    """A peer there."""
    values = {"local_as": 64512, "peer_as": 64513, "peer_address": address, "port": port, **options}
    return PeerConfig(**values)  # type: ignore[arg-type]  # any option


def listen(
    accept: Callable[[Incoming], None], address: str = "127.0.0.1", port: int = 0
) -> tuple[Listener, int]:
    """A listener, and the port that it is on."""
    listener = Listener.open(address, port, accept)
    return listener, listener.addresses[0][1]


async def opened(owner: Owner, *connections: Connection) -> None:
    """Wait until a dialled connection is up."""
    await until(lambda: any("opened" in line for line in owner.told))


async def closed(*connections: Connection) -> None:
    """Close connections, and wait until nothing is left of them."""
    for connection in connections:
        connection.close()
    for connection in connections:
        await asyncio.wait_for(connection.wait_closed(), 20)
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
