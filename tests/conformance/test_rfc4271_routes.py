"""RFC 4271, sections 5.1 and 9.2: what our routes look like to which peer."""

from bgp import ASPath, Open, Origin, Prefix, Route, RouteRefused, State, Update
from tests.conformance.neighbour import Neighbour
from tests.conformance.requirements import rfc

EXTERNAL_AS, INTERNAL_AS = 64513, 64512
MANDATORY = {1, 2, 3}


def announced(*routes: Route, peer_as: int = EXTERNAL_AS) -> list[Update]:
    """The UPDATEs that an established session sends about routes."""
    peer = Neighbour.at(State.ESTABLISHED, peer_as=peer_as)
    peer.hears()
    peer.perform(peer.session.announce(routes, peer.now))
    return [message for message in peer.hears() if isinstance(message, Update)]


def the_one(route: Route, peer_as: int = EXTERNAL_AS) -> Update:
    [update] = announced(route, peer_as=peer_as)
    assert list(update.announced) == [route.prefix]
    return update


ROUTE = Route("203.0.113.7/32")


@rfc("4271 5", "MUST send the mandatory attributes with every route")
def test_mandatory() -> None:
    for peer_as in (EXTERNAL_AS, INTERNAL_AS):
        assert the_one(ROUTE, peer_as).attributes.raw.keys() >= MANDATORY


@rfc("4271 5.1.1", "MUST send the ORIGIN that whoever originates the route has chosen")
def test_origin() -> None:
    for origin in Origin:
        assert the_one(Route("10.0.0.0/8", origin=origin)).attributes.origin is origin


@rfc("4271 5.1.2", "MUST send an external peer the own AS number in a sequence of AS_PATH")
def test_path_to_external() -> None:
    assert str(the_one(ROUTE).attributes.as_path) == "64512"
    assert str(the_one(Route("10.0.0.0/8", as_path=ASPath("{1 2}"))).attributes.as_path) == "64512 {1 2}"


@rfc("4271 5.1.2", "MUST send an internal peer an empty AS_PATH for routes of its own")
def test_path_to_internal() -> None:
    path = the_one(ROUTE, INTERNAL_AS).attributes.as_path
    assert path is not None
    assert path.segments == ()


@rfc("4271 5.1.3", "SHOULD send its address on the connection as the next hop")
def test_next_hop_self() -> None:
    assert str(the_one(ROUTE).attributes.next_hop) == "192.0.2.1"


@rfc("4271 5.1.3", "MUST NOT send a peer a route whose next hop is the peer")
def test_next_hop_of_the_peer() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.hears()
    peer.perform(peer.session.announce([Route("10.0.0.0/8", next_hop="192.0.2.2")], peer.now))
    assert peer.hears() == []
    assert len(peer.told(RouteRefused)) == 1


@rfc("4271 5.1.4", "MAY send an external peer a MULTI_EXIT_DISC of its own")
def test_med() -> None:
    assert the_one(Route("10.0.0.0/8", med=7)).attributes.med == 7
    assert the_one(ROUTE).attributes.med is None


@rfc("4271 5.1.5", "MUST send LOCAL_PREF with every route to an internal peer")
def test_local_pref_to_internal() -> None:
    assert the_one(ROUTE, INTERNAL_AS).attributes.local_pref == 100
    assert the_one(Route("10.0.0.0/8", local_pref=7), INTERNAL_AS).attributes.local_pref == 7


@rfc("4271 5.1.5", "MUST NOT send LOCAL_PREF to an external peer")
def test_local_pref_to_external() -> None:
    update = the_one(Route("10.0.0.0/8", local_pref=7))
    assert (update.attributes.local_pref, update.faults) == (None, ())


@rfc("4271 3.1", "MUST send all its routes to a new session, and only changes from then on")
@rfc("4271 9.2", "SHOULD NOT send a route again that the peer has")
def test_only_changes() -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.perform(peer.session.announce([ROUTE], peer.now))
    assert all(isinstance(message, Open) for message in peer.hears())
    peer.says(peer.greeting())
    peer.says(*peer.hears()[-1:])
    routes, end_of_rib = peer.hears()
    assert isinstance(routes, Update)
    assert (list(routes.announced), end_of_rib) == ([ROUTE.prefix], Update())
    peer.perform(peer.session.announce([ROUTE], peer.now))
    assert peer.hears() == []


@rfc(
    "4271 3.1", "MUST withdraw a route that it no longer has, by naming the prefix or by another route for it"
)
def test_withdrawal() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.perform(peer.session.announce([ROUTE], peer.now))
    peer.perform(peer.session.announce([Route(ROUTE.prefix, med=1)], peer.now))
    peer.perform(peer.session.withdraw([ROUTE.prefix], peer.now))
    replaced, gone = [message for message in peer.hears() if isinstance(message, Update)][-2:]
    assert (list(replaced.announced), list(replaced.withdrawn)) == ([ROUTE.prefix], [])
    assert gone == Update(withdrawn=[Prefix("203.0.113.7/32")])


@rfc("4271 4.3", "MAY send several routes that share their attributes in one UPDATE")
def test_shared_attributes() -> None:
    routes = [Route(f"10.{n}.0.0/16") for n in range(100)]
    [update] = announced(*routes)
    assert len(update.announced) == 100


@rfc("4271 4.3", "SHOULD NOT send a prefix as withdrawn and announced in one UPDATE")
def test_not_both() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.perform(peer.session.announce([ROUTE], peer.now))
    peer.hears()
    peer.perform(peer.session.replace([Route(ROUTE.prefix, med=1), Route("10.0.0.0/8")], peer.now))
    for message in peer.hears():
        assert isinstance(message, Update)
        assert not set(message.withdrawn) & set(message.announced)
