"""RFC 4271, sections 5 and 9.1.3 to 9.2: routes of one peer that others are told of."""

from typing import Any

from bgp import ASPath, Origin, Update
from bgp.router import Router
from tests.conformance.requirements import rfc
from tests.conformance.routing import US, Neighbour, announcement

P = "203.0.113.0/24"


def two(first: int, second: int, **values: Any) -> tuple[Neighbour, Neighbour]:
    """A neighbour that says something, and one of another AS that hears of it; `values` configure the second."""
    router = Router()
    sender = Neighbour.of(router, "192.0.2.2", first)
    return sender, Neighbour.of(router, "192.0.2.3", second, **values)


@rfc("4271 5", "MUST pass on well-known attributes that it has updated")
def test_passed_on() -> None:
    sender, listener = two(64513, 64514)
    sender.says(announcement(64513, 7))
    attributes = listener.routes()[P]
    assert attributes.as_path == ASPath([US, 64513, 7])
    assert str(attributes.next_hop) == "192.0.2.1"
    assert sender.routes() == {}


@rfc("4271 5.1.1", "SHOULD NOT change the ORIGIN of others")
def test_origin() -> None:
    for peer_as in (US, 64514):
        for origin in Origin:
            sender, listener = two(64513, peer_as)
            sender.says(announcement(64513, origin=origin))
            assert listener.routes()[P].origin is origin


@rfc("4271 5.1.2", "MUST NOT change AS_PATH towards an internal peer")
def test_path_to_internal() -> None:
    sender, listener = two(64513, US)
    sender.says(announcement(64513, 7))
    assert listener.routes()[P].as_path == ASPath([64513, 7])


@rfc("4271 5.1.3", "MUST be able not to name a third party as the next hop")
def test_third_party() -> None:
    for peer_as in (64514, US):
        sender, listener = two(64513, peer_as, next_hop_self=True)
        sender.says(announcement(64513, next_hop="192.0.2.77"))
        assert str(listener.routes()[P].next_hop) == "192.0.2.1"


@rfc("4271 5.1.4", "MUST NOT pass MULTI_EXIT_DISC of one neighbouring AS on to another")
def test_med() -> None:
    for peer_as, med in ((64514, None), (US, 7)):
        sender, listener = two(64513, peer_as)
        sender.says(announcement(64513, med=7))
        assert listener.routes()[P].med == med


@rfc("4271 5.1.6", "SHOULD NOT remove ATOMIC_AGGREGATE when it passes a route on")
def test_atomic_aggregate() -> None:
    for peer_as in (US, 64514):
        sender, listener = two(64513, peer_as)
        sender.says(announcement(64513, atomic_aggregate=True))
        assert listener.routes()[P].atomic_aggregate


@rfc("4271 9.2", "MUST NOT pass routes of internal peers on to internal peers")
def test_internal_to_internal() -> None:
    sender, listener = two(US, US)
    sender.says(announcement(7, local_pref=100))
    assert listener.updates() == []
    external = Neighbour.of(sender.router, "192.0.2.4", 64514)
    sender.says(announcement(8, local_pref=100))
    assert listener.updates() == []
    assert external.routes()[P].as_path == ASPath([US, 8])


@rfc("4271 9.2", "MUST withdraw what it has passed on and is no longer to pass on")
def test_withdrawn() -> None:
    sender, listener = two(64513, 64514)
    sender.says(announcement(64513))
    assert listener.routes()
    sender.says(announcement(64513, communities=["no-export"]))
    assert listener.updates() == [Update(withdrawn=[P])]
    sender.says(announcement(64513))
    assert listener.routes()
    sender.says(Update(withdrawn=[P]))
    assert listener.updates() == [Update(withdrawn=[P])]


@rfc("4271 9.2.1.1", "MUST let time pass between UPDATEs for one destination")
def test_interval() -> None:
    sender, listener = two(64513, 64514, advertisement_interval=30)
    listener.waits(30)
    sender.says(announcement(64513))
    assert listener.routes()
    sender.says(announcement(64513, 7))
    assert listener.routes() == {}
    listener.waits(29)
    sender.says(announcement(64513, 8))
    assert listener.routes() == {}
    listener.waits(1)
    assert listener.routes()[P].as_path == ASPath([US, 64513, 8])


@rfc("4271 9.2.1.2", "MUST let time pass between UPDATEs that it originates")
def test_interval_of_ours() -> None:
    _, listener = two(64513, 64514, advertisement_interval=15)
    listener.waits(15)
    listener.router.announce([P])
    assert listener.routes()
    listener.router.withdraw([P])
    assert listener.updates() == []
    listener.waits(15)
    assert listener.updates() == [Update(withdrawn=[P])]
