"""TCP for the asyncio driver: one object per attempt at a connection.

`Connection` opens a socket as the configuration says, hands over what arrives in pieces as large as they come,
and closes so that the last message, usually a NOTIFICATION, is read before the connection is gone.
"""

import asyncio
import os
import socket
import struct
from typing import Final, Protocol

from bgp.config import PeerConfig
from bgp.values import Address, any_address

LINGER_TIME: Final = 2.0
"""Seconds that a peer has to read our last message and close its side."""

_TCP_MD5SIG: Final = 14  # linux/tcp.h; the socket module lacks it


class Owner(Protocol):
    """Who wants to know what becomes of a connection; told nothing any more once it has called `close`.

    `number` is what it calls the connection.
    """

    def connection_opened(self, number: int, local_address: Address, remote_address: Address) -> None:
        """TCP is up."""

    def connection_failed(self, number: int, why: str) -> None:
        """TCP did not come up."""

    def connection_lost(self, number: int, why: str) -> None:
        """TCP is gone."""

    def data_received(self, number: int, data: bytes) -> None:
        """Octets have arrived."""


class Connection(asyncio.Protocol):
    """An attempt to connect to a peer, and the connection if it succeeds."""

    def __init__(self, config: PeerConfig, owner: Owner, number: int) -> None:
        self._config = config
        self._owner: Owner | None = owner
        self._number = number
        self._handed_over = 0
        self._seen_taken = 0
        self._transport: asyncio.Transport | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._lost = asyncio.Event()
        self._opening = asyncio.get_running_loop().create_task(self._open())

    def send(self, data: bytes) -> None:
        """Write, or keep until it can be written."""
        if self._transport is not None and not self._transport.is_closing():
            self._handed_over += len(data)
            self._transport.write(data)

    def take_progress(self) -> bool:
        """Whether TCP has taken any of what was handed over since this was last asked."""
        if self._transport is None:
            return False
        taken = self._handed_over - self._transport.get_write_buffer_size()
        before, self._seen_taken = self._seen_taken, taken
        return taken > before

    def close(self) -> None:
        """Tell the owner nothing more; send what is to be sent; close."""
        self._owner = None
        if self._transport is None:
            self._opening.cancel()
        elif self._linger is None and not self._lost.is_set():
            # To close with octets unread would reset the connection, and the peer lose what we sent last.
            # So close our direction only, and wait a while for the peer to close its own.
            self._linger = asyncio.get_running_loop().call_later(LINGER_TIME, self._transport.abort)
            try:
                self._transport.write_eof()
            except OSError:
                # The peer has reset the connection, and what it sent before was read only now.
                self._transport.abort()

    async def wait_closed(self) -> None:
        """Wait until nothing is left of it; call `close` first."""
        await asyncio.wait([self._opening])
        if self._transport is not None:
            await self._lost.wait()

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left of it."""
        return self._opening.done() and (self._transport is None or self._lost.is_set())

    async def _open(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            sock = _make_socket(self._config)
            try:
                await loop.sock_connect(sock, (str(self._config.peer_address), self._config.port))
                await loop.create_connection(lambda: self, sock=sock)
            except BaseException:
                sock.close()
                raise
        except OSError as error:
            if self._owner is not None:
                self._owner.connection_failed(self._number, f"cannot connect: {_explain(error)}")

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass it on."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if self._owner is None:
            transport.abort()
            return
        local, remote = (any_address(transport.get_extra_info(name)[0]) for name in ("sockname", "peername"))
        self._owner.connection_opened(self._number, local, remote)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self._owner is not None:
            self._owner.data_received(self._number, data)

    def eof_received(self) -> None:
        """Take the peer's end for the end: a session has no use for half a connection."""
        if self._owner is not None:
            self._owner.connection_lost(self._number, "the peer closed the connection")

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on."""
        self._lost.set()
        if self._linger is not None:
            self._linger.cancel()
        if self._owner is not None:
            self._owner.connection_lost(self._number, f"connection lost: {_explain(error)}")


def _explain(error: Exception | None) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error or "closed")


def _make_socket(config: PeerConfig) -> socket.socket:
    assert config.peer_address is not None, "the speaker takes no peer without an address"
    family = socket.AF_INET if config.peer_address.version == 4 else socket.AF_INET6
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if config.password is not None:
            sock.setsockopt(
                socket.IPPROTO_TCP, _TCP_MD5SIG, _md5_signature(family, config.peer_address, config.password)
            )
        if config.local_address is not None:
            sock.bind((str(config.local_address), 0))
    except BaseException:
        sock.close()
        raise
    return sock


def _md5_signature(family: int, peer: Address, password: bytes) -> bytes:
    """struct tcp_md5sig of linux/tcp.h: a sockaddr_storage, flags, prefix length, key length, interface, key."""
    address = struct.pack("=HH4x16s", family, 0, peer.packed)
    if family == socket.AF_INET:
        address = struct.pack("=HH4s", family, 0, peer.packed)
    return struct.pack("=128sBBHi80s", address, 0, 0, len(password), 0, password)
