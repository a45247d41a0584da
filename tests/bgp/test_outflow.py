"""When a peer is told of routes, and what stands between them: RFC 4271 9.2.1.1, 2918, 4724, 7313, 8326."""

from collections.abc import Iterator
from ipaddress import IPv4Address, ip_address
from typing import Any

import attrs
import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    Message,
    MPUnreach,
    Negotiated,
    PeerConfig,
    Route,
    RouteRefused,
    Update,
)
from bgp import ribout as ribout_module
from bgp.egress import Egress
from bgp.iana import RefreshSubtype
from bgp.messages import RouteRefresh
from bgp.outflow import Outflow

A, B, C = "203.0.113.1/32", "203.0.113.2/32", "203.0.113.3/32"
SIX = "2001:db8::/32"
CONFIG = PeerConfig(local_as=64512, peer_as=64513)
PLAIN = Negotiated(four_octet_as=True)
ENHANCED = Negotiated(four_octet_as=True, route_refresh=True, enhanced_route_refresh=True)
BOTH = Negotiated(four_octet_as=True, families=[IPV4_UNICAST, IPV6_UNICAST])
BEGIN, END = (RouteRefresh(IPV4_UNICAST, subtype) for subtype in (RefreshSubtype.BEGIN, RefreshSubtype.END))


def egress(negotiated: Negotiated = PLAIN, **config: Any) -> Egress:
    wanted = attrs.evolve(CONFIG, **config)
    return Egress(
        wanted, negotiated, ip_address("192.0.2.1"), ip_address("192.0.2.2"), IPv4Address("192.0.2.1")
    )


def outflow(*routes: str, holds_back: bool = False) -> Outflow:
    found = Outflow(holds_back=holds_back)
    found.rib_out.announce(map(Route, routes))
    return found


def begun(*routes: str, negotiated: Negotiated = PLAIN, holds_back: bool = False) -> Outflow:
    found = outflow(*routes, holds_back=holds_back)
    assert found.begin(egress(negotiated), 0.0) == []
    return found


def spoken(found: Outflow, now: float = 0.0) -> list[Message | str]:
    """All that comes until that time: destinations that are announced as text, and other messages."""
    said: list[Message | str] = []
    while (turn := found.next_turn()) is not None and turn <= now:
        refused, messages = found.take(now)
        assert refused == []
        said += [word for message in messages for word in _words(message)]
    return said


def _words(message: Message) -> Iterator[Message | str]:
    told = message.announced if isinstance(message, Update) else ()
    if told:
        yield from map(str, told)
    else:
        yield message


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """A destination at a time."""
    monkeypatch.setattr(ribout_module, "BATCH", 1)


# Turns.


def test_without_a_session() -> None:
    found = outflow(A)
    assert found.next_turn() is None
    assert found.take(0.0) == ([], [])
    found.end()
    assert found.rib_out.routes == [Route(A)]


def test_all_routes_and_end_of_rib() -> None:
    found = begun(A, B)
    assert spoken(found) == [A, B, Update()]
    assert found.next_turn() is None
    assert found.take(1.0) == ([], [])


def test_end_of_rib_for_each_family() -> None:
    assert spoken(begun(negotiated=BOTH)) == [Update(), Update(mp_unreach=MPUnreach(NLRI((), IPV6_UNICAST)))]


@pytest.mark.usefixtures("slowly")
def test_a_pause() -> None:
    found = begun(A, B)
    assert len(found.take(0.0)[1]) == 1
    found.pause()
    assert found.next_turn() is None
    assert found.take(1.0) == ([], [])
    found.resume()
    assert spoken(found, 1.0) == [B, Update()]


def test_a_pause_ends_with_the_session() -> None:
    found = begun(A)
    found.pause()
    found.end()
    found.begin(egress(), 5.0)
    assert spoken(found, 4.9) == []
    assert spoken(found, 5.0) == [A, Update()]


@pytest.mark.usefixtures("slowly")
def test_bursts_are_apart() -> None:
    found = outflow(A, B)
    found.begin(egress(advertisement_interval=5), 1.0)
    found.take(1.0)
    found.rib_out.announce([Route(A, med=1)])
    # What has begun goes on, with what changes meanwhile, if it is not past that.
    assert spoken(found, 1.0)[-1] == Update()
    assert found.next_turn() == 6.0
    assert found.take(5.9) == ([], [])
    assert spoken(found, 6.0) == [A]
    found.rib_out.announce([Route(C)])
    assert found.next_turn() == 11.0


# What cannot be told.


def test_families_that_the_session_does_not_speak() -> None:
    found = outflow(A, SIX)
    six = Route(SIX)
    why = "ipv6 unicast was not negotiated"
    assert found.refuse([six]) == []
    assert found.begin(egress(), 0.0) == [RouteRefused(six, why)]
    assert found.refuse([Route(A), six]) == [RouteRefused(six, why)]
    assert spoken(found) == [A, Update()]


def test_routes_that_cannot_be_told() -> None:
    found = outflow()
    found.rib_out.announce([Route(SIX)])
    # Over IPv4, we have no next hop of our own for it.
    found.begin(egress(BOTH), 0.0)
    refused: list[RouteRefused] = []
    while found.next_turn() is not None:
        refused += found.take(0.0)[0]
    assert [each.route for each in refused] == [Route(SIX)]


# Asked again.


def test_a_refresh() -> None:
    found = begun(A)
    spoken(found)
    found.repeat(IPV4_UNICAST)
    assert spoken(found) == [A]


def test_an_enhanced_refresh() -> None:
    found = begun(A, negotiated=ENHANCED)
    spoken(found)
    found.repeat(IPV4_UNICAST)
    assert spoken(found) == [BEGIN, A, END]


def test_a_refresh_waits_for_end_of_rib() -> None:
    # RFC 7313 4.
    found = begun(A, negotiated=ENHANCED, holds_back=True)
    assert spoken(found) == [A]
    found.repeat(IPV4_UNICAST)
    found.repeat(IPV4_UNICAST)
    assert spoken(found) == []
    found.release()
    assert spoken(found) == [Update(), BEGIN, A, END]
    found.release()
    assert spoken(found) == []


def test_without_marks_a_refresh_need_not_wait() -> None:
    found = begun(A, holds_back=True)
    spoken(found)
    found.repeat(IPV4_UNICAST)
    assert spoken(found) == [A]


def test_what_was_asked_is_forgotten_with_the_session() -> None:
    found = begun(A, negotiated=ENHANCED, holds_back=True)
    found.repeat(IPV4_UNICAST)
    found.end()
    found.begin(egress(ENHANCED), 0.0)
    found.release()
    assert spoken(found) == [A, Update()]


# After a restart.


def test_end_of_rib_waits_for_the_release() -> None:
    # RFC 4724 4.1.
    found = begun(A, holds_back=True)
    assert spoken(found) == [A]
    found.rib_out.announce([Route(B)])
    found.release()
    assert spoken(found) == [B, Update()]
    assert not found.holds_back


def test_a_release_before_the_session() -> None:
    found = outflow(holds_back=True)
    found.release()
    found.begin(egress(), 0.0)
    assert spoken(found) == [Update()]


# Before we go, and after a change.


def communities(found: Outflow) -> list[list[str]]:
    """Those of the routes that are told next."""
    _, messages = found.take(0.0)
    return [[*map(str, m.attributes.communities)] for m in messages if isinstance(m, Update) and m.announced]


@pytest.mark.parametrize("is_up", [False, True])
def test_draining(is_up: bool) -> None:
    # RFC 8326.
    found = begun(A) if is_up else outflow(A)
    if is_up:
        assert communities(found) == [[]]
    found.drain()
    assert found.is_draining
    if not is_up:
        found.begin(egress(), 0.0)
    assert communities(found) == [["graceful-shutdown"]]
    found.rib_out.announce([Route(B)])
    assert communities(found) == [["graceful-shutdown"]]


def test_another_configuration() -> None:
    found = outflow(A)
    other = attrs.evolve(CONFIG, next_hop_ipv4="192.0.2.9")
    found.reconfigure(other)
    found.begin(egress(), 0.0)
    spoken(found)
    found.reconfigure(other)
    [update] = found.take(0.0)[1]
    assert isinstance(update, Update)
    assert str(update.attributes.next_hop) == "192.0.2.9"
    found.reconfigure(other)
    assert found.take(0.0) == ([], [])
