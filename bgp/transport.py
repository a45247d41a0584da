"""TCP for the asyncio driver: one object per connection, or attempt at one.

`Connection.dial` opens a socket as the configuration says, `Connection.accepted` takes one that a `Listener`
(listener.py) has accepted. Either hands over what arrives in pieces as large as they come, and closes so that the last
message, usually a NOTIFICATION, is read before the connection is gone.

Flow control goes both ways. What TCP does not take waits here without limit, but the owner is told when that becomes
much (`sending_paused`) and little again, so that it makes no more UPDATEs meanwhile. `pause_reading` lets the peer's
TCP feel that we do not keep up.

Reading is `asyncio.Protocol` with the 256 KiB a read that asyncio has: a `BufferedProtocol`, and reads of 64 KiB or
1 MiB, were measured to be no faster, neither with full buffers nor with single small messages.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from typing import Final, Protocol, Self

from bgp.config import PeerConfig
from bgp.errors import LocalError
from bgp.sockets import address_of, destination, dialling, reset_on_close
from bgp.values import Address

LINGER_TIME: Final = 2.0
"""Seconds that a peer has to read our last message and close its side."""

HIGH_WATER: Final = 256 << 10
"""Octets waiting for TCP that are too many: `sending_paused`."""

LOW_WATER: Final = 64 << 10
"""Octets waiting for TCP that are few again: `sending_resumed`."""


class Owner(Protocol):
    """Who wants to know what becomes of a connection; told nothing any more once it has called `close` or `abort`.

    `number` is what it calls the connection.
    """

    def connection_opened(self, number: int, local_address: Address, remote_address: Address) -> None:
        """TCP is up on a connection that we dialled."""

    def connection_failed(self, number: int, why: str) -> None:
        """TCP did not come up."""

    def connection_lost(self, number: int, why: str) -> None:
        """TCP is gone, or the peer has closed its side, which is the same to us; nothing is told after that."""

    def data_received(self, number: int, data: bytes) -> None:
        """Octets have arrived."""

    def sending_paused(self, number: int) -> None:
        """Much waits to be sent. Nothing is lost if more comes. May be called from within `Connection.send`."""

    def sending_resumed(self, number: int) -> None:
        """Little waits to be sent."""


class Connection(asyncio.Protocol):
    """A connection with a peer; made by `dial` or `accepted`, in a running event loop."""

    def __init__(self, owner: Owner, number: int) -> None:
        self._owner: Owner | None = owner
        self._number = number
        self._is_dialled = False
        self._remote_address: Address | None = None
        self._is_reading = True
        self._backlog: list[bytes] = []
        self._handed_over = 0
        self._seen_taken = 0
        self._transport: asyncio.Transport | None = None
        self._ending: Callable[[], None] | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._lost = asyncio.Event()
        self._opening: asyncio.Task[None]

    @classmethod
    def dial(cls, config: PeerConfig, owner: Owner, number: int) -> Self:
        """Begin to connect to a peer. The owner hears how it went, never from within this call."""
        connection = cls(owner, number)
        connection._is_dialled = True
        connection._opening = asyncio.get_running_loop().create_task(connection._dial(config))
        return connection

    @classmethod
    def accepted(cls, sock: socket.socket, owner: Owner, number: int) -> Self:
        """Go on with a socket that `Incoming.claim` returned; what is sent at once waits until it is ready."""
        connection = cls(owner, number)
        connection._opening = asyncio.get_running_loop().create_task(connection._adopt(sock))
        return connection

    def send(self, data: bytes) -> None:
        """Write, or keep until it can be written."""
        if self._transport is None:
            self._backlog.append(data)
        elif self._transport.is_closing():
            return
        else:
            self._transport.write(data)
        self._handed_over += len(data)

    def take_progress(self) -> bool:
        """Whether TCP has taken any of what was handed over since this was last asked."""
        if self._transport is None:
            return False
        taken = self._handed_over - self._transport.get_write_buffer_size()
        before, self._seen_taken = self._seen_taken, taken
        return taken > before

    def pause_reading(self) -> None:
        """Hand over nothing, until `resume_reading`; not that the connection is lost, either."""
        self._is_reading = False
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Hand over again what arrives."""
        self._is_reading = True
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self, patience: float = LINGER_TIME) -> None:
        """Tell the owner nothing more; send what is to be sent; close.

        Whatever was handed over reaches a peer that reads on and closes its side within `patience` seconds, be it a
        NOTIFICATION or, before a graceful restart, the last UPDATE. Then what is left is dropped.
        """
        self._owner = None
        self._end(lambda: self._finish(patience))

    def abort(self) -> None:
        """Tell the owner nothing more; drop what is not sent yet; reset the connection."""
        self._owner = None
        self._backlog.clear()
        self._end(self._reset)

    async def wait_closed(self) -> None:
        """Wait until nothing is left of it; call `close` or `abort` first."""
        await asyncio.wait([self._opening])
        if self._transport is not None:
            await self._lost.wait()

    @property
    def endpoints(self) -> tuple[tuple[Address, int], tuple[Address, int]] | None:
        """Address and TCP port, ours and the peer's; None before it is up, and once it is down."""
        found = (
            [self._transport.get_extra_info(end) for end in ("sockname", "peername")]
            if self._transport
            else []
        )
        if not all(found):
            return None
        (local, remote) = ((address_of(end), end[1]) for end in found)
        return local, remote

    @property
    def is_closed(self) -> bool:
        """Whether nothing is left of it."""
        return self._opening.done() and (self._transport is None or self._lost.is_set())

    async def _dial(self, config: PeerConfig) -> None:
        loop = asyncio.get_running_loop()
        try:
            sock = dialling(config)
            try:
                where = destination(config)
                self._remote_address = address_of(where)
                await loop.sock_connect(sock, where)
                await loop.create_connection(lambda: self, sock=sock)
            except BaseException:
                sock.close()
                raise
        except (OSError, LocalError) as error:
            if self._owner is not None:
                self._owner.connection_failed(self._number, f"cannot connect: {_explain(error)}")

    async def _adopt(self, sock: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self, sock)

    def _end(self, how: Callable[[], None]) -> None:
        if self._transport is not None:
            how()
            return
        self._ending = how
        if self._is_dialled:
            self._opening.cancel()

    def _finish(self, patience: float) -> None:
        assert self._transport is not None
        if self._linger is not None or self._lost.is_set():
            return
        # To close with octets unread would reset the connection, and the peer lose what we sent last.
        # So close our direction only, and wait a while for the peer to close its own.
        self._linger = asyncio.get_running_loop().call_later(patience, self._transport.abort)
        self.resume_reading()
        try:
            self._transport.write_eof()
        except OSError:
            # The peer has reset the connection, and what it sent before was read only now.
            self._transport.abort()

    def _reset(self) -> None:
        assert self._transport is not None
        if not self._lost.is_set():
            reset_on_close(self._transport.get_extra_info("socket"))
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Pass it on, if it was dialled; catch up on what was wanted meanwhile."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(HIGH_WATER, LOW_WATER)
        if not self._is_reading:
            transport.pause_reading()
        if self._backlog:
            transport.write(b"".join(self._backlog))
            self._backlog.clear()
        if self._ending is not None:
            self._ending()
        elif self._owner is not None and self._remote_address is not None:
            # Not the transport's `peername`: if the peer has reset the connection already, there is none.
            local_address = address_of(transport.get_extra_info("sockname"))
            self._owner.connection_opened(self._number, local_address, self._remote_address)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self._owner is not None:
            self._owner.data_received(self._number, data)

    def pause_writing(self) -> None:
        """Pass it on."""
        if self._owner is not None:
            self._owner.sending_paused(self._number)

    def resume_writing(self) -> None:
        """Pass it on."""
        if self._owner is not None:
            self._owner.sending_resumed(self._number)

    def eof_received(self) -> None:
        """Take the peer's end for the end: a session has no use for half a connection."""
        self._tell_loss("the peer closed the connection")

    def connection_lost(self, error: Exception | None) -> None:
        """Pass it on."""
        self._lost.set()
        if self._linger is not None:
            self._linger.cancel()
        self._tell_loss(f"connection lost: {_explain(error)}")

    def _tell_loss(self, why: str) -> None:
        owner, self._owner = self._owner, None
        if owner is not None:
            owner.connection_lost(self._number, why)


def _explain(error: Exception | None) -> str:
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error or "closed")
