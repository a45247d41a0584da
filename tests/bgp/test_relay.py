"""The short cut for usual routes finds what the long way finds."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given

from bgp import IPV4_UNICAST, IPV6_UNICAST, Negotiated, NextHop, PathAttributes, PeerConfig, PeerType
from bgp.candidate import Candidate, Source
from bgp.egress import Egress
from bgp.relay import Relay
from bgp.testing import path_attributes

NEGOTIATED = Negotiated(four_octet_as=True, families=[IPV4_UNICAST, IPV6_UNICAST])
OURS, THEIRS, SENDER = (IPv4Address(f"192.0.2.{number}") for number in (1, 2, 3))
SOURCE = Source(object(), SENDER, 64513, SENDER, PeerType.EXTERNAL)
USUAL = PathAttributes(
    origin=0,
    as_path=[64513, 64514],
    next_hop="192.0.2.3",
    med=7,
    atomic_aggregate=True,
    communities=["64513:1"],
    large_communities=["64513:1:2"],
    extended_communities=["rt:64513:1"],
)


def egress(**options: object) -> Egress:
    config = PeerConfig(
        local_as=64512,
        peer_as=64515,
        next_hop_ipv6="2001:db8::1",
        **options,  # type: ignore[arg-type]
    )
    return Egress(config, NEGOTIATED, OURS, THEIRS, OURS)


@given(path_attributes(NEGOTIATED))
def test_finds_what_the_long_way_finds(attributes: PathAttributes) -> None:
    view = egress()
    for family, next_hop in ((IPV4_UNICAST, None), (IPV6_UNICAST, NextHop("2001:db8::3"))):
        candidate = Candidate(SOURCE, attributes, next_hop)
        assert view.look(family, candidate) == view.plain_look(family, candidate)


def test_rewrites_a_usual_route() -> None:
    expected = USUAL.evolve(as_path=[64512, 64513, 64514], next_hop="192.0.2.1", med=None)
    assert Relay(64512, OURS).rewrite(USUAL) == expected
    assert Relay(64512, None).rewrite(USUAL) == expected.evolve(next_hop=None)
    assert Relay(64512, OURS).rewrite(USUAL.evolve(as_path=[])) == expected.evolve(as_path=[64512])


@pytest.mark.parametrize(
    "unusual",
    [
        USUAL.evolve(communities=["no-export"]),
        USUAL.evolve(as_path="{1 2}"),
        USUAL.evolve(as_path="1 {2}"),
        USUAL.evolve(as_path=None),
        USUAL.evolve(as_path=range(1, 64)),
        USUAL.evolve(communities=range(64)),
        USUAL.evolve(local_pref=1),
        USUAL.evolve(aigp=1),
    ],
)
def test_leaves_the_unusual_alone(unusual: PathAttributes) -> None:
    assert Relay(64512, OURS).rewrite(unusual) is None


def test_the_longest_path_that_it_takes() -> None:
    longest = USUAL.evolve(as_path=range(1, 63))
    rewritten = Relay(64512, OURS).rewrite(longest)
    expected = longest.evolve(as_path=[64512, *range(1, 63)], next_hop="192.0.2.1", med=None)
    assert rewritten == expected


def test_serves_only_plain_external_sessions_and_routes() -> None:
    from_inside = Source(object(), SENDER, 64512, SENDER, PeerType.INTERNAL)
    for view, source in (
        (egress(), from_inside),
        (egress(route_server_client=True), SOURCE),
        (egress(role=3), SOURCE),
    ):
        candidate = Candidate(source, USUAL, None)
        assert view.look(IPV4_UNICAST, candidate) == view.plain_look(IPV4_UNICAST, candidate)
    draining = egress()
    draining.look(IPV4_UNICAST, Candidate(SOURCE, USUAL, None))
    draining.drain()
    candidate = Candidate(SOURCE, USUAL, None)
    assert draining.look(IPV4_UNICAST, candidate) == draining.plain_look(IPV4_UNICAST, candidate)
