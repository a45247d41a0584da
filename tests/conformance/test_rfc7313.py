"""RFC 7313, and RFC 2918 before it: asking for routes again. What a session does with it is at the end."""

from typing import Any

import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Capability,
    Keepalive,
    Message,
    Negotiated,
    Notification,
    Open,
    PeerType,
    Route,
    RouteRefresh,
    State,
    Update,
    decode,
    encode,
)
from bgp.config import GracefulRestartConfig
from bgp.events import RefreshBegun, RefreshEnded, RefreshRequested
from bgp.iana import ErrorCode, MessageType, RefreshSubtype, RouteRefreshSubcode
from bgp.offers import EnhancedRouteRefreshCapability, GracefulRestartCapability, RouteRefreshCapability
from tests.conformance.neighbour import Neighbour
from tests.conformance.octets import EXTERNAL, capabilities, message, open_message, refusal
from tests.conformance.requirements import rfc

REFRESH = MessageType.ROUTE_REFRESH


@rfc("7313 3.1", "MUST offer the subtypes by capability 70, which has no value")
def test_capability() -> None:
    offers: list[Capability] = [RouteRefreshCapability(), EnhancedRouteRefreshCapability()]
    value = Open(my_as=64513, hold_time=90, router_id="192.0.2.2", capabilities=offers)
    assert encode(value, EXTERNAL).endswith(bytes.fromhex("0200 4600"))
    assert decode(open_message(parameters=capabilities("0200", "4600")), EXTERNAL) == value


@rfc("7313 3.2", "MUST write AFI, subtype and SAFI; subtype 0 asks, 1 begins, 2 ends")
def test_layout() -> None:
    for subtype in RefreshSubtype:
        data = encode(RouteRefresh(IPV6_UNICAST, subtype), EXTERNAL)
        assert data == message(REFRESH, f"0002 {subtype:02x} 01")
        assert decode(data, EXTERNAL) == RouteRefresh(IPV6_UNICAST, subtype)


@rfc("7313 4", "MUST mark where an answer begins and ends only if both sides have offered it")
def test_both_sides() -> None:
    offer = [EnhancedRouteRefreshCapability()]
    found = [
        Negotiated.between(ours, theirs, peer_type=PeerType.EXTERNAL, hold_time=0).enhanced_route_refresh
        for ours in ([], offer)
        for theirs in ([], offer)
    ]
    assert found == [False, False, False, True]


@rfc("7313 5", "MUST answer a beginning or an end that is not of 4 octets with Invalid Message Length")
@rfc("7313 5", "MUST put the whole message into the data of that NOTIFICATION")
@pytest.mark.parametrize("body", ["0001 01", "0001 01 01 00", "0001 02 01 00"])
def test_length(body: str) -> None:
    broken = message(REFRESH, body)
    answer = Notification(
        ErrorCode.ROUTE_REFRESH_MESSAGE_ERROR, RouteRefreshSubcode.INVALID_MESSAGE_LENGTH, broken
    )
    assert refusal(broken) == answer


@rfc("7313 5", "MUST NOT find fault with a subtype that it does not know")
@pytest.mark.parametrize("subtype", [3, 255])
def test_unknown_subtype(subtype: int) -> None:
    assert decode(message(REFRESH, f"0001 {subtype:02x} 01"), EXTERNAL) == RouteRefresh(IPV4_UNICAST, subtype)


# What a session does.

ENHANCED: list[Capability] = [RouteRefreshCapability(), EnhancedRouteRefreshCapability()]


def asked(*offers: Capability, **values: Any) -> list[Message]:
    """What a session answers that has one route and is asked for its routes."""
    peer = Neighbour.at(State.ESTABLISHED, *offers, **values)
    peer.perform(peer.session.announce([Route("10.0.0.0/8")], peer.now))
    peer.hears()
    peer.says(RouteRefresh(IPV4_UNICAST))
    return peer.waits(0).hears()


BEGIN, END = (RouteRefresh(IPV4_UNICAST, subtype) for subtype in (RefreshSubtype.BEGIN, RefreshSubtype.END))


@rfc(
    "7313 4",
    "MUST say that it begins before it sends its routes again, and that it ends once they are all sent",
)
def test_answer() -> None:
    first, routes, last = asked(*ENHANCED)
    assert (first, last) == (BEGIN, END)
    assert isinstance(routes, Update)
    assert list(map(str, routes.announced)) == ["10.0.0.0/8"]


@rfc("7313 4", "MUST NOT say where its answer begins and ends to a peer that has not offered it")
def test_plain_answer() -> None:
    [routes] = asked(RouteRefreshCapability())
    assert isinstance(routes, Update)
    assert asked(*ENHANCED, route_refresh=False) == []


@rfc("7313 4", "MUST NOT say that it begins before it has said End-of-RIB")
def test_end_of_rib_first() -> None:
    peer = Neighbour.at(State.OPEN_CONFIRM, *ENHANCED)
    peer.hears()
    peer.says(Keepalive(), RouteRefresh(IPV4_UNICAST))
    assert peer.waits(0).hears() == [Update(), BEGIN, END]


@rfc(
    "7313 4",
    "MUST heed the subtype: mark routes as stale at the beginning, remove those that still are at the end",
)
def test_stale() -> None:
    peer = Neighbour.at(State.ESTABLISHED, *ENHANCED)
    peer.says(BEGIN, END)
    assert peer.events[-2:] == [RefreshBegun(IPV4_UNICAST), RefreshEnded(IPV4_UNICAST)]
    assert peer.told(RefreshRequested) == []


@rfc("7313 4", "MUST ignore the beginning of a peer with graceful restart until that has said End-of-RIB")
def test_too_early() -> None:
    offer = GracefulRestartCapability(restart_time=60, families={IPV4_UNICAST: True})
    peer = Neighbour.at(State.ESTABLISHED, *ENHANCED, offer, graceful_restart=GracefulRestartConfig())
    peer.says(BEGIN)
    assert peer.told(RefreshBegun) == []
    peer.says(Update(), BEGIN)
    assert len(peer.told(RefreshBegun)) == 1


@rfc("7313 5", "MUST ignore subtypes that it does not know")
def test_ignored() -> None:
    peer = Neighbour.at(State.ESTABLISHED, *ENHANCED)
    peer.hears()
    before = list(peer.events)
    peer.says(RouteRefresh(IPV4_UNICAST, 3), RouteRefresh(IPV4_UNICAST, 255))
    assert (peer.events, peer.hears(), peer.state) == (before, [], State.ESTABLISHED)


@rfc("7313 5", "MUST end the session with that NOTIFICATION")
def test_end_of_the_session() -> None:
    peer = Neighbour.at(State.ESTABLISHED, *ENHANCED)
    broken = message(REFRESH, "0001 01")
    peer.says(broken)
    assert peer.last_word() == Notification(ErrorCode.ROUTE_REFRESH_MESSAGE_ERROR, 1, broken)


@rfc("7313 4", "SHOULD offer what it can do")
def test_offered() -> None:
    [opening] = Neighbour.at(State.OPEN_SENT).hears()
    assert isinstance(opening, Open)
    assert set(ENHANCED) <= set(opening.capabilities)
