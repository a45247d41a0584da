"""RFC 7911: several paths to a prefix, told apart by path identifiers."""

import attrs
import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    AddPathDirection,
    Capability,
    LocalError,
    MPReach,
    Negotiated,
    Open,
    Origin,
    Path,
    PathAttributes,
    PeerType,
    Prefix,
    Route,
    State,
    Update,
    decode,
    encode,
)
from bgp.capabilities import UnknownCapability
from bgp.iana import AttributeCode
from bgp.offers import AddPathCapability, MultiprotocolCapability
from bgp.router import Router
from tests.conformance import routing
from tests.conformance.neighbour import Neighbour
from tests.conformance.octets import (
    AS_PATH,
    EXTERNAL,
    ORIGIN,
    PREFIX,
    attribute,
    capabilities,
    open_message,
    received,
    update,
)
from tests.conformance.requirements import rfc

BOTH = Negotiated(
    four_octet_as=True,
    families=[IPV4_UNICAST, IPV6_UNICAST],
    add_path_send=[IPV4_UNICAST, IPV6_UNICAST],
    add_path_receive=[IPV4_UNICAST, IPV6_UNICAST],
)
ROUTE = PathAttributes(origin=Origin.IGP, as_path=[64512], next_hop="192.0.2.1")

RECEIVE, SEND = AddPathDirection.RECEIVE, AddPathDirection.SEND


def offers_of(*values: str) -> tuple[Capability, ...]:
    value = decode(open_message(parameters=capabilities(*values)), EXTERNAL)
    assert isinstance(value, Open)
    return value.capabilities


def between(ours: AddPathDirection | None, theirs: AddPathDirection | None) -> Negotiated:
    """A session of two speakers that offer this for IPv4 unicast."""
    sides: list[list[Capability]] = [
        [MultiprotocolCapability(IPV4_UNICAST), AddPathCapability({IPV4_UNICAST: able} if able else {})]
        for able in (ours, theirs)
    ]
    return Negotiated.between(*sides, peer_type=PeerType.EXTERNAL, hold_time=0)


@rfc("7911 2", "MUST tell paths apart by prefix and path identifier together")
def test_identity() -> None:
    nlri = received(update(withdrawn="00000001" + PREFIX + "00000002" + PREFIX), BOTH).withdrawn
    assert list(nlri) == [Path("203.0.113.0/24", 1), Path("203.0.113.0/24", 2)]
    assert len(set(nlri.wire)) == 2


@rfc("7911 2", "MUST take any identifier of four octets, 0 too")
def test_any_identifier() -> None:
    nlri = received(update(withdrawn="00000000 00 ffffffff 00"), BOTH).withdrawn
    assert list(nlri) == [Path("0.0.0.0/0", 0), Path("0.0.0.0/0", 0xFFFFFFFF)]


@rfc("7911 3", "MUST write an identifier of four octets in front of each prefix")
def test_ipv4() -> None:
    value = Update(withdrawn=[Path("203.0.113.0/24", 7)])
    assert encode(value, BOTH) == update(withdrawn="00000007" + PREFIX)
    value = Update(announced=[Path("203.0.113.0/24", 7)], attributes=ROUTE)
    assert encode(value, BOTH).endswith(bytes.fromhex("00000007" + PREFIX))


@rfc("7911 3", "MUST write identifiers in MP_REACH_NLRI and MP_UNREACH_NLRI too")
def test_ipv6() -> None:
    value = "0002 01 10 20010db8000000000000000000000001 00 00000007 20 20010db8"
    block = attribute(AttributeCode.MP_REACH_NLRI, value) + ORIGIN + AS_PATH
    assert received(update("", block), BOTH).mp_reach == MPReach([Path("2001:db8::/32", 7)], "2001:db8::1")
    assert encode(received(update("", block), BOTH), BOTH) == update("", block)


@rfc("7911 4", "MUST offer identifiers by capability 69: AFI, SAFI and direction of each family")
@rfc("7911 4", "MUST state all families in one capability")
def test_capability() -> None:
    offer = AddPathCapability({IPV4_UNICAST: SEND | RECEIVE, IPV6_UNICAST: RECEIVE})
    value = Open(my_as=64512, hold_time=90, router_id="192.0.2.1", capabilities=[offer])
    assert encode(value, EXTERNAL).endswith(bytes.fromhex("4508 0001 01 03 0002 01 01"))
    assert offers_of("4508 0001 01 03 0002 01 01") == (offer,)


@rfc("7911 4", "SHOULD ignore a capability with a direction that is not 1, 2 or 3")
@pytest.mark.parametrize("direction", ["00", "04", "ff"])
def test_unknown_direction(direction: str) -> None:
    [offer] = offers_of(f"4504 0001 01 {direction}")
    assert isinstance(offer, UnknownCapability)


@rfc("7911 5", "MUST send identifiers only if it has offered to send them and the peer to receive them")
def test_send() -> None:
    sending = {
        (a, b) for a in (None, RECEIVE, SEND) for b in (None, RECEIVE, SEND) if between(a, b).add_path_send
    }
    assert sending == {(SEND, RECEIVE)}


@rfc(
    "7911 5",
    "MUST expect identifiers if the peer has offered to send them and it has offered to receive them",
)
def test_receive() -> None:
    negotiated = between(RECEIVE, SEND)
    assert negotiated.add_path_receive == {IPV4_UNICAST}
    assert list(received(update(withdrawn="00000007" + PREFIX), negotiated).withdrawn) == [
        Path("203.0.113.0/24", 7)
    ]


@rfc("7911 5", "MUST write and read prefixes as RFC 4271 does where identifiers were not negotiated")
def test_one_direction() -> None:
    only_received = between(RECEIVE, SEND)
    assert encode(Update(withdrawn=["203.0.113.0/24"]), only_received) == update(withdrawn=PREFIX)
    with pytest.raises(LocalError, match="path identifiers"):
        encode(Update(withdrawn=[Path("203.0.113.0/24", 7)]), only_received)
    assert list(received(update(withdrawn=PREFIX), between(SEND, RECEIVE)).withdrawn) == [
        Prefix("203.0.113.0/24")
    ]


@rfc("7911 5", "MUST take a prefix that is withdrawn for that path alone")
def test_withdrawn_path() -> None:
    value = received(update("00000001" + PREFIX, b"".join(_route()), "00000002" + PREFIX), BOTH)
    assert list(value.withdrawn) == [Path("203.0.113.0/24", 1)]
    assert list(value.announced) == [Path("203.0.113.0/24", 2)]


@rfc("7911 5", "MUST NOT send a route without an identifier once it has agreed to send them")
@rfc("7911 5", "MUST send its own routes with identifiers where it has agreed to")
def test_session() -> None:
    offer = AddPathCapability({IPV4_UNICAST: RECEIVE})
    peer = Neighbour.at(State.ESTABLISHED, offer, add_path={IPV4_UNICAST: SEND})
    peer.hears()
    peer.negotiated = attrs.evolve(peer.negotiated, add_path_receive=[IPV4_UNICAST])
    some = [Route("203.0.113.0/24"), Route("203.0.113.0/24", path_id=7)]
    peer.perform(peer.session.announce(some, peer.now))
    peer.perform(peer.session.withdraw(some[1:], peer.now))
    there, gone = peer.hears()
    assert isinstance(there, Update)
    assert list(there.announced) == [Path("203.0.113.0/24", 0), Path("203.0.113.0/24", 7)]
    assert gone == Update(withdrawn=[Path("203.0.113.0/24", 7)])


@rfc("7911 2", "MUST give paths that it passes on identifiers of its own")
@rfc("7911 5", "SHOULD send the best path among several")
def test_passing_on() -> None:
    router, both = Router(), {IPV4_UNICAST: SEND | RECEIVE}
    first, second, listener = (
        routing.Neighbour.of(router, f"192.0.2.{host}", 64511 + host, AddPathCapability(both), add_path=both)
        for host in (2, 3, 4)
    )
    said = Path("203.0.113.0/24", 1)
    for sender, asn in ((first, 64513), (second, 64514)):
        path = ROUTE.evolve(as_path=[asn], next_hop=sender.address)
        sender.says(Update(announced=[said], attributes=path))
    heard = [each for update in listener.updates() for each in update.announced]
    assert len(set(heard)) == 2
    assert {each.destination for each in heard if isinstance(each, Path)} == {said.destination}
    second.says(Update(withdrawn=[said]))
    [gone] = listener.updates()
    assert list(gone.withdrawn) == heard[1:]


def _route() -> list[bytes]:
    return [ORIGIN, AS_PATH, attribute(AttributeCode.NEXT_HOP, "c0000202")]
