"""A small scripted peer on a real socket, for tests of the speaker."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Self

from bgp import Keepalive, Message, Negotiated, Open, Update, decode, encode
from bgp.framing import Framer
from bgp.offers import FourOctetASCapability

NEGOTIATED = Negotiated(four_octet_as=True)
DEADLINE = 20.0
"""Far more seconds than anything here takes, however busy the machine."""


class Router:
    """Listens on the loopback address, answers an OPEN, and remembers what it hears."""

    def __init__(self, *, answers: bool = True) -> None:
        self.answers = answers
        self.port = 0
        self.connections = 0
        self.received: list[Message] = []
        self.routes: dict[str, Update] = {}
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.shut()

    async def listen(self) -> None:
        """Open the port; the same one when called again."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Close the port and all connections."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        if self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def is_up(self) -> bool:
        """Whether a peer is connected."""
        return bool(self._writers)

    def send(self, *messages: Message) -> None:
        """Say something to all peers."""
        for writer in self._writers:
            writer.write(b"".join(encode(message, NEGOTIATED) for message in messages))

    def heard(self, kind: type[Message]) -> int:
        """How many messages of a type have been received."""
        return sum(isinstance(message, kind) for message in self.received)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        self._writers.add(writer)
        self.routes.clear()
        with contextlib.suppress(ConnectionError):
            await self._converse(reader)
        self._writers.discard(writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader) -> None:
        framer = Framer()
        while data := await reader.read(65536):
            for raw in framer.feed(data):
                self._hear(decode(raw, NEGOTIATED))

    def _hear(self, message: Message) -> None:
        self.received.append(message)
        match message:
            case Open() if self.answers:
                self.send(greeting(), Keepalive())
            case Update():
                for prefix in message.withdrawn:
                    self.routes.pop(str(prefix), None)
                self.routes.update(dict.fromkeys(map(str, message.announced), message))


def greeting(asn: int = 64513) -> Open:
    """The OPEN of a router."""
    return Open(my_as=asn, hold_time=90, router_id="192.0.2.2", capabilities=[FourOctetASCapability(asn)])


@contextlib.asynccontextmanager
async def no_leaks() -> AsyncIterator[None]:
    """Check that no task is left that was not there before."""
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
