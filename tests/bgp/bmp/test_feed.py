from collections.abc import Iterable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    AddPathDirection,
    MPReach,
    NextHop,
    Notification,
    Open,
    Path,
    PathAttributes,
    Prefix,
    RoutesReceived,
    SessionClosed,
    Update,
    encode,
)
from bgp.bmp import (
    BMPMessage,
    Framer,
    Information,
    PeerDown,
    PeerUp,
    RouteMonitoring,
    StatisticsReport,
    decode,
)
from bgp.bmp.feed import Feed, MonitoredSession
from bgp.intake import Intake
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import Destination, OpaqueNLRI
from bgp.offers import AddPathCapability, FourOctetASCapability, MultiprotocolCapability
from bgp.prefix import Family
from bgp.testing import READABLE_FAMILIES, updates

NOW = 1_700_000_000.25
FLOWS = Family(1, 133)
PLAIN = PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")


@attrs.frozen
class Received:
    """A route in an Adj-RIB-In."""

    prefix: Destination
    attributes: PathAttributes = PLAIN
    next_hop: NextHop | None = None
    path_id: int = 0


def session(*, wide: bool = True, add_path: bool = False) -> MonitoredSession:
    def greeting(asn: int, direction: AddPathDirection) -> Open:
        capabilities: list[Any] = [MultiprotocolCapability(family) for family in (*READABLE_FAMILIES, FLOWS)]
        capabilities += [FourOctetASCapability(asn)] if wide else []
        if add_path:
            capabilities.append(AddPathCapability([(family, direction) for family in READABLE_FAMILIES]))
        return Open(my_as=asn, hold_time=90, router_id="192.0.2.9", capabilities=capabilities)

    ours, theirs = greeting(64512, AddPathDirection.RECEIVE), greeting(64513, AddPathDirection.SEND)
    return MonitoredSession(
        local_address=Prefix("192.0.2.1").network[0],
        local_port=179,
        peer_address=Prefix("192.0.2.2").network[0],
        peer_port=40000,
        sent_open=ours,
        received_open=theirs,
        negotiated=Negotiated.between(
            ours.capabilities, theirs.capabilities, peer_type=PeerType.EXTERNAL, hold_time=90
        ),
    )


def told(octets: bytes) -> list[BMPMessage]:
    return [decode(message) for message in Framer().feed(octets)]


def up(**kind: bool) -> tuple[Feed, Negotiated]:
    """A feed with one peer, and the session as the station has it."""
    feed = Feed()
    (message,) = told(feed.peer_up(1, session(**kind), NOW))
    assert isinstance(message, PeerUp)
    return feed, message.negotiated


def seen(octets: bytes, negotiated: Negotiated) -> list[Update]:
    found = []
    for report in told(octets):
        assert isinstance(report, RouteMonitoring)
        update = report.message_in(negotiated)
        assert isinstance(update, Update)
        assert not update.faults
        found.append(update)
    return found


def test_begin_and_end() -> None:
    (first,) = told(Feed().begin("router", "a speaker"))
    assert first.information[1] == Information(2, "router")  # type: ignore[union-attr]
    (last,) = told(Feed().end(0, "bye"))
    assert last.reason == 0  # type: ignore[union-attr]


def test_peer_up() -> None:
    feed = Feed()
    assert not feed.is_up(1)
    (message,) = told(feed.peer_up(1, session(), NOW))
    assert feed.is_up(1)
    assert isinstance(message, PeerUp)
    assert (str(message.peer.address), message.peer.asn, str(message.peer.router_id)) == (
        "192.0.2.2",
        64513,
        "192.0.2.9",
    )
    assert (message.peer.timestamp, message.peer.microseconds) == (1_700_000_000, 250_000)
    peer = message.peer
    assert (peer.post_policy, peer.adj_rib_out, peer.two_octet_as) == (False, False, False)
    assert (str(message.local_address), message.local_port, message.remote_port) == ("192.0.2.1", 179, 40000)
    assert (message.sent_open, message.received_open) == (session().sent_open, session().received_open)


def test_a_session_that_comes_up_again_went_down() -> None:
    feed, _ = up()
    down, again = told(feed.peer_up(1, session(), NOW))
    assert isinstance(down, PeerDown)
    assert isinstance(again, PeerUp)
    assert feed.is_up(1)


@pytest.mark.parametrize(
    ("closed", "reason", "notification"),
    [
        (None, 5, None),
        (SessionClosed("we", sent=Notification(6, 2)), 1, Notification(6, 2)),
        (SessionClosed("they", received=Notification(6, 4)), 3, Notification(6, 4)),
        (SessionClosed("connection lost"), 4, None),
    ],
)
def test_peer_down(closed: SessionClosed | None, reason: int, notification: Notification | None) -> None:
    feed, _ = up()
    (down,) = told(feed.peer_down(1, closed, NOW))
    assert isinstance(down, PeerDown)
    assert (down.reason, down.notification) == (reason, notification)
    assert not feed.is_up(1)


def test_nothing_is_told_of_a_peer_that_is_not_up() -> None:
    feed, _ = up()
    event = RoutesReceived(
        family=IPV4_UNICAST, announced=NLRI(["10.0.0.0/8"]), withdrawn=NLRI(), attributes=PLAIN
    )
    assert feed.peer_down(2, None, NOW) == b""
    assert feed.routes(2, event, NOW) == b""
    assert feed.update(2, Update(), NOW) == b""
    assert feed.end_of_rib(2, IPV4_UNICAST, NOW) == b""
    assert feed.statistics(2, {}, NOW) == b""
    assert list(feed.dump(2, IPV4_UNICAST, [Received(Prefix("10.0.0.0/8"))], NOW)) == []


def test_octets_as_they_came() -> None:
    feed, negotiated = up()
    update = Update(announced=["10.0.0.0/8"], attributes=PLAIN)
    assert seen(feed.update(1, encode(update, negotiated), NOW), negotiated) == [update]


@given(st.booleans(), st.booleans(), st.data())
def test_routes_arrive_as_the_peer_sent_them(wide: bool, add_path: bool, data: st.DataObject) -> None:
    feed, station = up(wide=wide, add_path=add_path)
    sending = session(wide=wide, add_path=add_path).mirrored
    sent = data.draw(updates(attrs.evolve(sending, extended_message=True)))
    families = frozenset(part.family for part in (sent.mp_reach, sent.mp_unreach) if part) | {IPV4_UNICAST}
    events, _ = Intake.of(families, []).take(sent)
    routes = [event for event in events if isinstance(event, RoutesReceived)]
    found = [update for event in routes for update in seen(feed.routes(1, event, NOW), station)]
    assert len(found) == sum(bool(event.announced or event.withdrawn) for event in routes)
    again = [e for update in found for e in Intake.of(families, []).take(update)[0]]
    for event, arrived in zip([e for e in routes if e.announced or e.withdrawn], again, strict=True):
        assert isinstance(arrived, RoutesReceived)
        assert (arrived.family, arrived.announced, arrived.withdrawn) == (
            event.family,
            event.announced,
            event.withdrawn,
        )
        if event.announced:
            assert (arrived.attributes, arrived.next_hop) == (event.attributes, event.next_hop)


def test_end_of_rib() -> None:
    feed, negotiated = up()
    for family in (IPV4_UNICAST, IPV6_UNICAST):
        (update,) = seen(feed.end_of_rib(1, family, NOW), negotiated)
        assert update.end_of_rib == family


def dumped(family: Family, routes: Iterable[Any], **kind: bool) -> list[Update]:
    feed, negotiated = up(**kind)
    return [update for piece in feed.dump(1, family, routes, NOW) for update in seen(piece, negotiated)]


def test_a_dump_puts_together_what_is_alike() -> None:
    prefixes = [Prefix(f"10.{n // 256}.{n % 256}.0/24") for n in range(2500)]
    found = dumped(IPV4_UNICAST, map(Received, prefixes))
    assert [prefix for update in found for prefix in update.announced] == prefixes
    assert {update.attributes for update in found} == {PLAIN}
    assert len(found) == 5  # a thousand do not quite fit into one


def test_a_dump_keeps_to_the_length_of_messages() -> None:
    long = PLAIN.evolve(communities=[f"1:{n}" for n in range(900)])
    longest = PLAIN.evolve(communities=[f"1:{n}" for n in range(2000)])
    prefixes = [Prefix(f"10.0.{n}.0/24") for n in range(200)]
    for attributes, count in ((long, 3), (longest, 200)):
        found = dumped(IPV4_UNICAST, [Received(prefix, attributes) for prefix in prefixes])
        assert [prefix for update in found for prefix in update.announced] == prefixes
        assert len(found) == count


IPV6_HOP = NextHop("2001:db8::1")


@pytest.mark.parametrize(
    ("family", "route", "expected"),
    [
        (
            IPV4_UNICAST,
            Received(Prefix("10.0.0.0/8"), PLAIN, NextHop("192.0.2.2")),
            Update(announced=["10.0.0.0/8"], attributes=PLAIN),
        ),
        (
            IPV4_UNICAST,
            Received(Prefix("10.0.0.0/8"), PLAIN, IPV6_HOP),
            Update(attributes=PLAIN, mp_reach=MPReach(["10.0.0.0/8"], IPV6_HOP)),
        ),
        (
            IPV6_UNICAST,
            Received(Prefix("2001:db8::/32"), PLAIN, IPV6_HOP),
            Update(attributes=PLAIN, mp_reach=MPReach(["2001:db8::/32"], IPV6_HOP)),
        ),
        (
            FLOWS,
            Received(OpaqueNLRI(FLOWS, b"\x03\x01\x08\x0a"), PLAIN),
            Update(
                attributes=PLAIN, mp_reach=MPReach([OpaqueNLRI(FLOWS, b"\x03\x01\x08\x0a")], NextHop(b""))
            ),
        ),
    ],
    ids=["IPv4", "IPv4 over IPv6", "IPv6", "without next hop"],
)
def test_a_dump_of_each_kind_of_route(family: Family, route: Received, expected: Update) -> None:
    assert dumped(family, [route]) == [expected]


def test_a_dump_with_path_identifiers() -> None:
    routes = [Received(Prefix("10.0.0.0/8"), path_id=number) for number in (1, 2)]
    (update,) = dumped(IPV4_UNICAST, routes, add_path=True)
    assert list(update.announced) == [Path("10.0.0.0/8", 1), Path("10.0.0.0/8", 2)]


def test_a_dump_ends_when_the_session_does() -> None:
    feed, _ = up()
    pieces = feed.dump(1, IPV4_UNICAST, [Received(Prefix("10.0.0.0/8"))] * 1500, NOW)
    assert next(pieces)
    feed.peer_down(1, None, NOW)
    assert list(pieces) == []


def test_statistics() -> None:
    feed, _ = up()
    (report,) = told(feed.statistics(1, {IPV4_UNICAST: 3, IPV6_UNICAST: 4}, NOW))
    assert isinstance(report, StatisticsReport)
    assert [(each.type, each.value) for each in report.statistics] == [(7, 7), (9, 3), (9, 4)]
