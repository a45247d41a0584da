from ipaddress import IPv4Address, IPv6Address

import attrs
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    ASPath,
    ASSegment,
    Negotiated,
    PathAttributes,
    PeerType,
    Route,
    SegmentType,
    Update,
    decode,
    encode,
)
from bgp.egress import Egress, pack
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST
from bgp.rib import AdjRibOut, Changes
from bgp.testing import routes

ENDS = IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")
NEGOTIATED = Negotiated(four_octet_as=True)
EXTERNAL = Egress(64512, *ENDS, NEGOTIATED)
INTERNAL = Egress(64512, *ENDS, Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL))
PREFIX = "203.0.113.7/32"


def test_to_an_external_peer() -> None:
    route = Route(PREFIX, local_pref=200, communities=["64512:1"])
    assert EXTERNAL.look(route) == PathAttributes(
        origin=0, as_path=[64512], next_hop="192.0.2.1", communities=["64512:1"]
    )


def test_to_an_internal_peer() -> None:
    assert INTERNAL.look(Route(PREFIX)) == PathAttributes(
        origin=0, as_path=[], next_hop="192.0.2.1", local_pref=100
    )
    attributes = INTERNAL.look(Route(PREFIX, local_pref=0, med=7, origin=2, next_hop="192.0.2.9"))
    assert attributes == PathAttributes(origin=2, as_path=[], next_hop="192.0.2.9", med=7, local_pref=0)


def test_our_as_goes_in_front_of_the_path() -> None:
    a_set = ASSegment(SegmentType.AS_SET, [1, 2])
    paths: list[tuple[list[int | ASSegment], list[int | ASSegment]]] = [
        ([64512], [64512, 64512]),
        ([a_set], [64512, a_set]),
    ]
    for path, expected in paths:
        attributes = EXTERNAL.look(Route(PREFIX, as_path=path))
        assert isinstance(attributes, PathAttributes)
        assert attributes.as_path == ASPath(expected)


def test_without_a_next_hop_to_name() -> None:
    egress = Egress(1, IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2"), NEGOTIATED)
    assert egress.look(Route(PREFIX)) == "it names no next hop, and our address on the connection is not IPv4"
    assert isinstance(egress.look(Route(PREFIX, next_hop="192.0.2.9")), PathAttributes)


def test_the_peer_is_no_next_hop_for_itself() -> None:
    # RFC 4271 5.1.3.
    assert EXTERNAL.look(Route(PREFIX, next_hop="192.0.2.2")) == "its next hop is the peer itself"
    loopback = Egress(1, IPv4Address("127.0.0.1"), IPv4Address("127.0.0.1"), NEGOTIATED)
    assert isinstance(loopback.look(Route(PREFIX)), PathAttributes)


def test_attributes_that_leave_no_room() -> None:
    # A peer with AS numbers of two octets gets the path twice (RFC 6793 4.2.2).
    path = range(100_000, 100_990)
    narrow = Egress(400_000, *ENDS, Negotiated(four_octet_as=False))
    look = narrow.look(Route(PREFIX, as_path=path))
    assert isinstance(look, str)
    assert "too long for an UPDATE" in look
    assert isinstance(EXTERNAL.look(Route(PREFIX, as_path=path)), PathAttributes)
    extended = Egress(400_000, *ENDS, Negotiated(four_octet_as=False, extended_message=True))
    assert isinstance(extended.look(Route(PREFIX, as_path=path)), PathAttributes)


def test_routes_that_look_the_same_share_their_look() -> None:
    looks = [EXTERNAL.look(Route(f"10.0.{third}.0/24", communities=["64512:7"])) for third in range(3)]
    assert looks[0] is looks[1] is looks[2]
    for med in range(2000):
        EXTERNAL.look(Route(PREFIX, med=med))
    assert len(EXTERNAL._looks) <= 1024


def changes_of(some: list[Route]) -> Changes:
    rib = AdjRibOut()
    rib.announce(some)
    return rib.take_changes(EXTERNAL.look)


def test_routes_share_messages() -> None:
    updates = list(pack(changes_of([Route(f"10.0.{n}.0/24", med=n % 2) for n in range(256)]), NEGOTIATED))
    assert [len(update.announced) for update in updates] == [128, 128]


def test_full_messages() -> None:
    some = [Route(f"10.{n >> 8}.{n & 255}.1/32") for n in range(2000)]
    updates = list(pack(changes_of(some), NEGOTIATED))
    lengths = [len(encode(update, NEGOTIATED)) for update in updates]
    assert len(lengths) == 3
    assert all(4091 < length <= 4096 for length in lengths[:-1])


def test_withdrawals_share_messages() -> None:
    wires = [Route(f"10.{n >> 8}.{n & 255}.1/32").prefix.wire for n in range(2000)]
    updates = list(pack(Changes(withdrawn=wires), NEGOTIATED))
    assert [len(update.withdrawn) for update in updates] == [814, 814, 372]
    assert all(len(encode(update, NEGOTIATED)) <= 4096 for update in updates)


def test_nothing_to_tell() -> None:
    assert list(pack(Changes(), NEGOTIATED)) == []


def test_the_longest_route_fits() -> None:
    full = Route(PREFIX, communities=range(500), as_path=[1] * 498, med=1)
    for update in pack(changes_of([full]), NEGOTIATED):
        assert len(encode(update, NEGOTIATED)) <= 4096


@given(st.lists(routes(), max_size=8))
def test_what_arrives_is_what_was_to_be_told(some: list[Route]) -> None:
    # RFC 5065 5: what an external peer gets names no member of a confederation.
    some = [attrs.evolve(route, as_path=route.as_path.without_confederations()) for route in some]
    arrived = {}
    for update in pack(changes_of(some), NEGOTIATED):
        received = decode(encode(update, NEGOTIATED), NEGOTIATED)
        assert isinstance(received, Update)
        assert received == update
        arrived.update(dict.fromkeys(received.announced, received.attributes))
    assert arrived == {route.prefix: EXTERNAL.look(route) for route in some}


def test_a_session_that_cannot_carry_the_route() -> None:
    other = Egress(1, *ENDS, Negotiated(four_octet_as=True, families={IPV6_UNICAST}))
    assert other.look(Route(PREFIX)) == "ipv4 unicast was not negotiated"
    paths = Egress(1, *ENDS, Negotiated(four_octet_as=True, add_path_send={IPV4_UNICAST}))
    assert paths.look(Route(PREFIX)) == "its path has no identifier, and one was negotiated for each"
