"""The BMP exporter against a station on the loopback interface; the speaker is a stand-in."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from ipaddress import IPv4Address
from typing import Any

import attrs
import pytest

from bgp import (
    IPV4_UNICAST,
    NLRI,
    EndOfRib,
    Established,
    Event,
    Family,
    LocalError,
    Negotiated,
    Notification,
    Open,
    PathAttributes,
    PeerType,
    Prefix,
    RoutesReceived,
    SessionClosed,
    Update,
)
from bgp.bmp import (
    BMPMessage,
    Framer,
    Initiation,
    PeerDown,
    PeerUp,
    RouteMonitoring,
    StatisticsReport,
    Termination,
    decode,
)
from bgp.bmp.exporter import BMPExporter
from bgp.events import FamilyDisabled, RefreshEnded, StaleRoutesGone
from bgp.multiprotocol import NextHop
from bgp.nlri import Destination
from bgp.stream import EventsLost
from bgp.values import Address
from tests.conditions import until

PLAIN = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")
OURS, THEIRS = (Open(my_as=asn, hold_time=90, router_id="192.0.2.9") for asn in (64512, 64513))
SESSION = Negotiated.between([], [], peer_type=PeerType.EXTERNAL, hold_time=90)
LOCAL, REMOTE = (IPv4Address("192.0.2.1"), 179), (IPv4Address("192.0.2.2"), 40000)


@attrs.frozen
class Received:
    """A route in an Adj-RIB-In."""

    prefix: Destination
    attributes: PathAttributes = PLAIN
    next_hop: NextHop | None = None
    path_id: int = 0


@attrs.frozen
class Count:
    """How many routes there are."""

    received: int


@attrs.frozen
class Counts:
    """How many routes there are, by family."""

    prefixes: dict[Family, Count]


@attrs.define(eq=False)
class StandIn:
    """A peer whose session does as it is told."""

    rib: list[Received] = attrs.field(factory=list)
    queues: list[asyncio.Queue[Event | EventsLost | None]] = attrs.field(factory=list)
    opens: tuple[Open, Open] | None = None
    endpoints: tuple[tuple[Address, int], tuple[Address, int]] | None = (LOCAL, REMOTE)
    negotiated: Negotiated | None = SESSION

    def received(self, _family: Family, /) -> list[Received]:
        return list(self.rib)

    def statistics(self) -> Counts:
        return Counts({IPV4_UNICAST: Count(len(self.rib))})

    async def events(self) -> AsyncIterator[Event | EventsLost]:
        queue: asyncio.Queue[Event | EventsLost | None] = asyncio.Queue()
        self.queues.append(queue)
        while (event := await queue.get()) is not None:
            yield event

    def tell(self, event: Event | EventsLost | None) -> None:
        for queue in self.queues:
            queue.put_nowait(event)

    def come_up(self) -> None:
        self.opens = OURS, THEIRS
        self.tell(Established(SESSION, THEIRS))

    def announce(self, *prefixes: str) -> None:
        self.tell(
            RoutesReceived(family=IPV4_UNICAST, announced=NLRI(prefixes), withdrawn=NLRI(), attributes=PLAIN)
        )


@attrs.define(eq=False)
class Speaker:
    """A speaker with such peers."""

    peers: list[StandIn] = attrs.field(factory=list)


class Station:
    """A BMP station that keeps what it hears of each connection."""

    def __init__(self) -> None:
        self.heard: list[list[BMPMessage]] = []
        self.reads = True
        self.writers: list[asyncio.StreamWriter] = []
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    async def __aenter__(self) -> "Station":
        self.server = await asyncio.start_server(self.listen, sock=self.socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        heard: list[BMPMessage] = []
        self.heard.append(heard)
        framer = Framer()
        with contextlib.suppress(ConnectionError):
            while self.reads and (data := await reader.read(4096)):
                heard += map(decode, framer.feed(data))

    def kinds(self, connection: int = -1) -> list[type]:
        return [type(message) for message in self.heard[connection]] if self.heard else []

    def updates(self, connection: int = -1) -> list[Any]:
        reports = [each for each in self.heard[connection] if isinstance(each, RouteMonitoring)]
        return [report.message_in(SESSION) for report in reports]


def exporter(speaker: Speaker, station: Station, **options: Any) -> BMPExporter:
    return BMPExporter(speaker, "127.0.0.1", port=station.port, **{"retry": 0.01, **options})


A, B, C = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"


@pytest.fixture
def peer() -> StandIn:
    """A peer that is up, with two routes."""
    return StandIn([Received(Prefix(A)), Received(Prefix(B))], opens=(OURS, THEIRS))


async def test_tells_of_a_peer_that_is_up_and_follows_it(peer: StandIn) -> None:
    speaker = Speaker([peer])
    async with Station() as station:
        async with exporter(speaker, station, system_name="router") as telling:
            await until(lambda: len(station.kinds()) == 4)
            assert telling.connected
            assert station.kinds() == [Initiation, PeerUp, RouteMonitoring, RouteMonitoring]
            up = station.heard[0][1]
            assert isinstance(up, PeerUp)
            assert (up.local_address, up.local_port) == LOCAL
            assert (up.peer.address, up.remote_port) == REMOTE
            assert (up.sent_open, up.received_open) == (OURS, THEIRS)
            dump, ending = station.updates()
            assert (dump, ending) == (Update(announced=[A, B], attributes=PLAIN), Update())
            peer.announce(C)
            peer.tell(EndOfRib(IPV4_UNICAST))
            peer.tell(SessionClosed("shut down", received=Notification(6, 2)))
            await until(lambda: station.kinds()[4:] == [RouteMonitoring, RouteMonitoring, PeerDown])
            assert station.updates()[2] == Update(announced=[C], attributes=PLAIN)
        await until(lambda: station.kinds()[-1] is Termination)
        assert not telling.connected


async def test_a_peer_that_comes_up_later() -> None:
    peer, speaker = StandIn(), Speaker()
    async with Station() as station, exporter(speaker, station):
        await until(lambda: station.kinds() == [Initiation])
        speaker.peers.append(peer)
        await until(lambda: bool(peer.queues))
        peer.come_up()
        peer.announce(A)
        await until(lambda: station.kinds() == [Initiation, PeerUp, RouteMonitoring])
        speaker.peers.clear()
        peer.tell(None)
        await until(lambda: station.kinds()[3:] == [PeerDown])


async def test_an_established_session_that_is_gone_already() -> None:
    peer = StandIn()
    async with Station() as station, exporter(Speaker([peer]), station):
        await until(lambda: bool(peer.queues))
        peer.tell(Established(SESSION, THEIRS))
        peer.announce(A)
        peer.tell(SessionClosed("lost"))
        await until(peer.queues[0].empty)
        peer.come_up()
        await until(lambda: station.kinds() == [Initiation, PeerUp])


@pytest.mark.parametrize(
    "event",
    [
        FamilyDisabled(IPV4_UNICAST, ()),
        RefreshEnded(IPV4_UNICAST),
        StaleRoutesGone(IPV4_UNICAST),
        EventsLost(7),
    ],
    ids=lambda event: type(event).__name__,
)
async def test_routes_that_vanish_without_a_name(peer: StandIn, event: Event | EventsLost) -> None:
    async with Station() as station, exporter(Speaker([peer]), station):
        await until(lambda: len(station.kinds()) == 4)
        peer.rib.pop()
        peer.tell(event)
        await until(lambda: station.kinds()[4:] == [PeerDown, PeerUp, RouteMonitoring, RouteMonitoring])
        down = station.heard[0][4]
        assert isinstance(down, PeerDown)
        assert down.reason == 5
        assert station.updates()[2] == Update(announced=[A], attributes=PLAIN)


async def test_a_session_whose_end_is_among_the_events_lost(peer: StandIn) -> None:
    async with Station() as station, exporter(Speaker([peer]), station):
        await until(lambda: len(station.kinds()) == 4)
        peer.opens = None
        peer.tell(EventsLost(7))
        await until(lambda: station.kinds()[4:] == [PeerDown])


async def test_comes_back_with_a_fresh_dump(peer: StandIn) -> None:
    async with Station() as station, exporter(Speaker([peer]), station):
        await until(lambda: len(station.kinds()) == 4)
        station.writers[0].transport.abort()
        await until(lambda: len(station.heard) == 2 and len(station.kinds()) == 4)
        assert station.heard[1][0] == station.heard[0][0]
        assert station.updates(0) == station.updates(1)


async def test_waits_for_a_station_that_is_not_there(peer: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bgp")
    station = Station()
    station.socket.close()
    async with exporter(Speaker([peer]), station):
        await until(lambda: "cannot connect" in caplog.text)
        again = Station.__new__(Station)
        again.__dict__.update(station.__dict__, socket=socket.create_server(("127.0.0.1", station.port)))
        async with again:
            await until(lambda: len(again.kinds()) == 4)


async def test_a_slow_station_is_let_go_when_too_much_waits(
    peer: StandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "bgp")
    async with Station() as station:
        station.reads = False
        async with exporter(Speaker([peer]), station, max_waiting=1 << 16):
            await until(lambda: bool(peer.queues))
            await until(lambda: _keeps_announcing(peer) or "more than 65536 octets wait" in caplog.text)
            station.reads = True
            await until(lambda: any(len(heard) >= 4 for heard in station.heard))


def _keeps_announcing(peer: StandIn) -> bool:
    for _ in range(200):
        peer.announce(*(f"10.0.{n}.0/24" for n in range(250)))
    return False


async def test_a_station_that_takes_nothing_is_let_go(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "bgp")
    long = PLAIN.evolve(communities=[f"1:{number}" for number in range(900)])
    routes = [Received(Prefix(f"10.{n >> 8}.{n & 255}.0/24"), long.evolve(med=n)) for n in range(3000)]
    peer = StandIn(routes, opens=(OURS, THEIRS))
    async with Station() as station:
        station.reads = False
        async with exporter(Speaker([peer]), station, patience=0.2):
            await until(lambda: "nothing was taken for 0.2 s" in caplog.text)
            assert any(len(heard) == 0 for heard in station.heard)


async def test_statistics(peer: StandIn) -> None:
    async with Station() as station, exporter(Speaker([peer, StandIn()]), station, statistics_interval=1):
        await until(lambda: StatisticsReport in station.kinds())
        report = next(each for each in station.heard[0] if isinstance(each, StatisticsReport))
        assert [(each.type, each.value) for each in report.statistics] == [(7, 2), (9, 2)]


async def test_what_was_sent_does_not_count_as_waiting(peer: StandIn) -> None:
    async with Station() as station, exporter(Speaker([peer]), station, max_waiting=2000):
        for number in range(40):
            await until(lambda wanted=4 + number: len(station.kinds()) == wanted)  # type: ignore[misc]
            peer.announce(C)
        await until(lambda: len(station.kinds()) == 44)
        assert len(station.heard) == 1


def test_a_station_that_cannot_be() -> None:
    wrong: Any = 5
    with pytest.raises(LocalError, match="host 5, must be str"):
        BMPExporter(wrong, wrong, port=11019)
