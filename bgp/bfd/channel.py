"""Between a BFD monitor and what runs its sessions: the line between them, and how the other end is started."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

from bgp.bfd.orders import Order, Report, decode_report, encode
from bgp.bfd.server import BFDServer


class Channel(asyncio.Protocol):
    """Our end of the line to the process."""

    def __init__(self, take: Callable[[Report], None]) -> None:
        self._take = take
        self._inbox = b""
        self._transport: asyncio.WriteTransport | None = None
        self._lost = asyncio.get_running_loop().create_future()

    def send(self, order: Order) -> None:
        """Write an order."""
        assert self._transport is not None
        self._transport.write(encode(order))

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.close()

    async def wait_closed(self) -> None:
        """Wait until the other end has hung up."""
        await asyncio.wait([self._lost])

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called by the loop."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        *lines, self._inbox = (self._inbox + data).split(b"\n")
        for line in lines:
            self._take(decode_report(line))

    def connection_lost(self, error: Exception | None) -> None:
        """Called by the loop."""
        if not self._lost.done():
            self._lost.set_result(None)


class ServerProcess:
    """The server in a process of its own."""

    def __init__(self, control: socket.socket) -> None:
        # It has to find this package where we found it; an empty entry is the working directory.
        path = os.pathsep.join(map(os.path.abspath, sys.path))
        with control:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "bgp.bfd.server", str(control.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[control.fileno()],
                env={**os.environ, "PYTHONPATH": path},
            )

    @property
    def process_id(self) -> int | None:
        """Its number."""
        return self._process.pid

    async def wait_ended(self) -> str:
        """Wait for it to end; return how it did."""
        status = await asyncio.to_thread(self._process.wait)
        return f"signal {-status}" if status < 0 else f"exit status {status}"

    def kill(self) -> None:
        """See that it is gone."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class ServerThread:
    """The server in a thread of this process."""

    process_id = None

    def __init__(self, control: socket.socket) -> None:
        self._thread = threading.Thread(target=BFDServer(control).run, name="bfd", daemon=True)
        self._thread.start()

    async def wait_ended(self) -> str:
        """Wait for it to end."""
        await asyncio.to_thread(self._thread.join)
        return "its thread has ended"

    def kill(self) -> None:
        """Do nothing: it ends when its line to us is closed."""
