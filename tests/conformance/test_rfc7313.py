"""RFC 7313, and RFC 2918 before it: asking for routes again. What a session does with it is at the end."""

import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Capability,
    EnhancedRouteRefreshCapability,
    Negotiated,
    Notification,
    Open,
    PeerType,
    RouteRefresh,
    RouteRefreshCapability,
    decode,
    encode,
)
from bgp.iana import ErrorCode, MessageType, RefreshSubtype, RouteRefreshSubcode
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
