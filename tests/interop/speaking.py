"""A peer of our own that waits to be dialled: a `Peering` behind a `Listener`, in less than the speaker has."""

import asyncio
from collections.abc import Iterable

from bgp import LocalError, State
from bgp.events import Output, SendBytes
from bgp.listener import Incoming, Listener
from bgp.peer import Peering
from bgp.transport import Connection
from bgp.values import Address
from bgp.vocabulary import CloseConnection
from tests.bgp.ends import closed, config


class Waiting:
    """Listens on port 179 of all addresses and claims what comes for one passive peer.

    Its timers never run out: no test takes that long.
    """

    def __init__(self, address: str, **options: object) -> None:
        self.refusals: list[str] = []
        self._loop = asyncio.get_running_loop()
        self._peering = Peering(config(address, router_id="10.0.0.1", passive=True, **options))
        self._connections: dict[int, Connection] = {}
        self._all: list[Connection] = []
        self.listener = Listener.open(None, 179, self._accept)
        self._peering.start(self._loop.time())

    @property
    def state(self) -> State:
        """Where the session is."""
        return self._peering.state

    async def close(self) -> None:
        """Say goodbye."""
        self.listener.close()
        self._perform(self._peering.stop(self._loop.time()))
        await closed(*self._all)

    def _accept(self, incoming: Incoming) -> None:
        try:
            sock = incoming.claim(self._peering.config)
        except LocalError as error:
            self.refusals.append(str(error))
            return
        number, outputs = self._peering.connection_accepted(
            self._loop.time(), local_address=incoming.local_address, remote_address=incoming.remote_address
        )
        self._connections[number] = Connection.accepted(sock, self, number)
        self._all.append(self._connections[number])
        self._perform(outputs)

    def _perform(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case SendBytes(data, number) if number in self._connections:
                    self._connections[number].send(data)
                case CloseConnection(number) if number in self._connections:
                    self._connections.pop(number).close()

    # bgp.transport.Owner

    def connection_opened(self, number: int, local_address: Address, remote_address: Address) -> None:
        """Never: it does not dial."""

    def connection_failed(self, number: int, why: str) -> None:
        """Never: it does not dial."""

    def connection_lost(self, number: int, why: str) -> None:
        """Pass it on."""
        self._perform(self._peering.connection_lost(number, self._loop.time(), why))

    def data_received(self, number: int, data: bytes) -> None:
        """Pass it on."""
        self._perform(self._peering.receive_data(number, data, self._loop.time()))

    def sending_paused(self, number: int) -> None:
        """Never: there is little to say."""

    def sending_resumed(self, number: int) -> None:
        """Never: there is little to say."""
