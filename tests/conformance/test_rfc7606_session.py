"""RFC 7606: what a session does about UPDATEs with faults."""

from bgp import IPV4_UNICAST, IPV6_UNICAST, Route, RoutesReceived, State, Update
from bgp.events import FamilyDisabled
from bgp.iana import ErrorCode, UpdateSubcode
from bgp.offers import MultiprotocolCapability
from tests.conformance.neighbour import Neighbour
from tests.conformance.octets import AS_PATH, IPV6_ROUTE, NEXT_HOP, ORIGIN, PREFIX, attribute, update
from tests.conformance.requirements import rfc

USUAL = ORIGIN + AS_PATH + NEXT_HOP


@rfc("7606 2", "MUST keep the session, and withdraw the routes, where that is the treatment")
def test_session_withdraws() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(update("08 0a", attribute(1, "03") + AS_PATH + NEXT_HOP, PREFIX))
    [routes] = peer.told(RoutesReceived)
    assert sorted(map(str, routes.withdrawn)) == ["10.0.0.0/8", "203.0.113.0/24"]
    assert (list(routes.announced), peer.state) == ([], State.ESTABLISHED)


@rfc("7606 2", "MUST withdraw routes of other families in the same way")
def test_session_withdraws_ipv6() -> None:
    peer = Neighbour.at(State.ESTABLISHED, MultiprotocolCapability(IPV6_UNICAST), families=[IPV6_UNICAST])
    peer.says(update("", attribute(14, IPV6_ROUTE) + attribute(1, "03") + AS_PATH))
    [routes] = peer.told(RoutesReceived)
    assert (routes.family, list(map(str, routes.withdrawn))) == (IPV6_UNICAST, ["2001:db8::/32"])
    assert list(routes.announced) == []


@rfc("7606 2", "MAY ignore all later routes of a family that it has disabled")
def test_session_disables() -> None:
    families = [IPV4_UNICAST, IPV6_UNICAST]
    peer = Neighbour.at(State.ESTABLISHED, *map(MultiprotocolCapability, families), families=families)
    peer.says(update("", attribute(14, "0002 01 00") + ORIGIN + AS_PATH))
    assert [event.family for event in peer.told(FamilyDisabled)] == [IPV6_UNICAST]
    peer.says(update("", attribute(14, IPV6_ROUTE) + ORIGIN + AS_PATH), update("", USUAL, PREFIX))
    routes = [str(prefix) for event in peer.told(RoutesReceived) for prefix in event.announced]
    assert routes == ["203.0.113.0/24"]
    assert peer.state is State.ESTABLISHED


@rfc("7606 3", "MUST send one NOTIFICATION and end the session where nothing less will do")
def test_session_resets() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(update("", USUAL, "18 0a00"))
    word = peer.last_word()
    assert word is not None
    assert (word.code, word.subcode) == (ErrorCode.UPDATE_MESSAGE_ERROR, UpdateSubcode.INVALID_NETWORK_FIELD)
    assert peer.told(RoutesReceived) == []


@rfc(
    "7606 5.1",
    "MUST NOT send more than one field with routes in an UPDATE",
)
def test_session_sends() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.perform(peer.session.announce([Route("10.0.0.0/8"), Route("10.1.0.0/16")], peer.now))
    peer.perform(peer.session.replace([Route("10.2.0.0/16"), Route("10.1.0.0/16", med=1)], peer.now))
    sent = [each for each in peer.hears() if isinstance(each, Update) and each != Update()]
    assert len(sent) >= 3
    assert all(bool(each.withdrawn) + bool(each.announced) == 1 for each in sent)


@rfc("7606 6", "MUST tell which attribute of which routes was malformed")
def test_session_tells() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(update("", attribute(1, "03") + AS_PATH + NEXT_HOP, PREFIX))
    [routes] = peer.told(RoutesReceived)
    assert [(fault.code, fault.data) for fault in routes.faults] == [(1, attribute(1, "03"))]
