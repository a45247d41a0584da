"""The BMP exporter of a real speaker: what a station knows in the end, over real sockets on the loopback interface."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import attrs

from bgp import IPV4_UNICAST, IPV6_UNICAST, Notification, Open, PathAttributes, Route, Update
from bgp.bmp import BMPMessage, PeerDown, PeerUp, RouteMonitoring, StatisticsReport, Termination
from bgp.bmp.exporter import BMPExporter
from bgp.speaker import Speaker
from tests.bgp.bmp.test_exporter import Station
from tests.bgp.speakers import OPEN, knows, sites, up
from tests.conditions import until

A, B, C, D6 = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32", "2001:db8::/32"
FAMILIES: dict[str, Any] = {"families": [IPV4_UNICAST, IPV6_UNICAST], "next_hop_ipv6": "2001:db8::1"}


@attrs.define
class Known:
    """What a station makes of what it hears: the peers that are up, and their routes."""

    ups: dict[str, PeerUp] = attrs.field(factory=dict)
    routes: dict[str, dict[str, PathAttributes]] = attrs.field(factory=dict)
    downs: list[PeerDown] = attrs.field(factory=list)

    def hear(self, message: BMPMessage) -> None:
        """Take a message."""
        match message:
            case PeerUp(peer=peer):
                assert str(peer.address) not in self.ups
                self.ups[str(peer.address)] = message
                self.routes[str(peer.address)] = {}
            case PeerDown(peer=peer):
                del self.ups[str(peer.address)], self.routes[str(peer.address)]
                self.downs.append(message)
            case RouteMonitoring(peer=peer):
                update = message.message_in(self.ups[str(peer.address)].negotiated)
                assert isinstance(update, Update)
                self._update(self.routes[str(peer.address)], update)

    def _update(self, routes: dict[str, PathAttributes], update: Update) -> None:
        for gone in (*update.withdrawn, *(update.mp_unreach.nlri if update.mp_unreach else ())):
            routes.pop(str(gone), None)
        for come in (*update.announced, *(update.mp_reach.nlri if update.mp_reach else ())):
            routes[str(come)] = update.attributes


def known(station: Station) -> Known:
    """What the station knows from its last connection."""
    found = Known()
    for message in station.heard[-1] if station.heard else ():
        found.hear(message)
    return found


def prefixes(station: Station) -> dict[str, list[str]]:
    """The destinations that it knows of each peer."""
    return {peer: sorted(routes) for peer, routes in known(station).routes.items()}


@contextlib.asynccontextmanager
async def exporting(speaker: Speaker, station: Station, **options: Any) -> AsyncIterator[None]:
    """An exporter that is quick to come back."""
    async with BMPExporter(speaker, "127.0.0.1", port=station.port, retry=0.01, **options):
        yield


async def test_a_station_knows_what_the_peers_say() -> None:
    async with sites(3) as (one, two, three), Station() as station:
        to_two = one.joined(two, **FAMILIES)
        from_two = two.joined(one, **FAMILIES)
        two.announce(Route(A, communities=["64514:1"], med=7), D6)
        await up(to_two, from_two)
        await until(lambda: knows(to_two, IPV4_UNICAST) == [A] and knows(to_two, IPV6_UNICAST) == [D6])
        async with exporting(one, station, statistics_interval=1):
            # What was there before, by a dump.
            await until(lambda: prefixes(station) == {two.address: [D6, A]})
            found = known(station)
            assert found.routes[two.address][A] == to_two.received(IPV4_UNICAST)[0].attributes
            peer_up = found.ups[two.address]
            assert to_two.endpoints == (
                (peer_up.local_address, peer_up.local_port),
                (peer_up.peer.address, peer_up.remote_port),
            )
            assert to_two.opens == (peer_up.sent_open, peer_up.received_open)
            assert isinstance(peer_up.sent_open, Open)
            # What comes later.
            two.announce(B)
            two.withdraw(A)
            await until(lambda: prefixes(station) == {two.address: [D6, B]})
            three.announce(C)
            await up(one.joined(three, **OPEN), three.joined(one))
            await until(lambda: prefixes(station) == {two.address: [D6, B], three.address: [C]})
            await until(lambda: _counts(station) >= {2, 1})
            await three.close("new fan")
            await until(lambda: prefixes(station) == {two.address: [D6, B]})
            assert known(station).downs[-1].notification == Notification.shutdown("new fan")
            await one.remove_peer(to_two)
            await until(lambda: prefixes(station) == {})
        await until(lambda: station.kinds()[-1] is Termination)


def _counts(station: Station) -> set[int]:
    """How many routes in all peers are said to have."""
    reports = [each for each in station.heard[-1] if isinstance(each, StatisticsReport)]
    return {report.statistics[0].value for report in reports if isinstance(report.statistics[0].value, int)}


async def test_a_station_that_comes_back() -> None:
    async with sites(2) as (one, two), Station() as station, exporting(one, station):
        to_two = one.joined(two)
        two.announce(A)
        await up(to_two, two.joined(one))
        await until(lambda: prefixes(station) == {two.address: [A]})
        station.writers[-1].transport.abort()
        two.announce(B)
        await until(lambda: len(station.heard) == 2 and prefixes(station) == {two.address: [A, B]})
        assert to_two.statistics().established == 1
