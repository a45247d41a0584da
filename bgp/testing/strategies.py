"""Hypothesis strategies for every value and message of BGP.

They yield only legal values. Those that depend on what was negotiated take a `Negotiated`, so that
`decode(encode(message, negotiated), negotiated) == message` holds for all they yield.
"""

from ipaddress import IPv4Address, IPv4Network

from hypothesis import strategies as st

from bgp.aspath import ASPath, ASSegment
from bgp.attributes import Aggregator, PathAttributes, UnknownAttribute
from bgp.capabilities import (
    Capability,
    FourOctetASCapability,
    MultiprotocolCapability,
    Negotiated,
    PeerType,
    UnknownCapability,
)
from bgp.communities import Community
from bgp.iana import AttributeCode, AttributeFlag, CapabilityCode, Origin, SegmentType
from bgp.messages import Keepalive, Message, Notification, Open, Update
from bgp.nlri import NLRI
from bgp.prefix import Family, Prefix
from bgp.rib import Route

# Values.


def _numbers(high: int, low: int = 0) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def asns(four_octet_as: bool = True) -> st.SearchStrategy[int]:
    """AS numbers of four octets, or of two."""
    return _numbers(0xFFFFFFFF if four_octet_as else 0xFFFF, low=1)


def router_ids() -> st.SearchStrategy[IPv4Address]:
    """BGP Identifiers: any four octets but zero."""
    return _numbers(0xFFFFFFFF, low=1).map(IPv4Address)


def prefixes() -> st.SearchStrategy[Prefix]:
    """IPv4 prefixes of every length."""
    return st.builds(_prefix, _numbers(0xFFFFFFFF), _numbers(32))


def _prefix(address: int, length: int) -> Prefix:
    return Prefix(IPv4Network((address, length), strict=False))


def nlris() -> st.SearchStrategy[NLRI]:
    """Lists of IPv4 prefixes, the empty one too."""
    return st.lists(prefixes(), max_size=12).map(NLRI)


def families() -> st.SearchStrategy[Family]:
    """Address families, unassigned numbers too."""
    return st.builds(Family, _numbers(0xFFFF), _numbers(0xFF))


def as_paths(four_octet_as: bool = True) -> st.SearchStrategy[ASPath]:
    """AS paths of all four segment types, the empty one too."""
    members = st.lists(asns(four_octet_as), min_size=1, max_size=6)
    segment = st.builds(ASSegment, st.sampled_from(SegmentType), members)
    return st.lists(segment, max_size=4).map(ASPath)


def communities() -> st.SearchStrategy[Community]:
    """Communities of every value."""
    return _numbers(0xFFFFFFFF).map(Community)


def unknown_attributes() -> st.SearchStrategy[UnknownAttribute]:
    """Optional attributes that the library does not interpret, short and long."""
    transitivity = st.sampled_from([AttributeFlag(0), AttributeFlag.TRANSITIVE, AttributeFlag.PARTIAL])
    return st.builds(
        UnknownAttribute,
        transitivity.map(lambda flag: AttributeFlag.OPTIONAL | flag),
        _numbers(255).filter(lambda code: not AttributeCode.has(code)),
        st.binary(max_size=20) | st.just(bytes(300)),
    )


def path_attributes(negotiated: Negotiated) -> st.SearchStrategy[PathAttributes]:
    """The attributes of a route, as a peer in such a session may send them."""
    wide = negotiated.four_octet_as
    addresses = _numbers(0xFFFFFFFF).map(IPv4Address)
    number = st.none() | _numbers(0xFFFFFFFF)
    return st.builds(
        PathAttributes,
        origin=st.sampled_from(Origin),
        as_path=as_paths(wide),
        next_hop=addresses,
        med=number,
        local_pref=number if negotiated.peer_type is PeerType.INTERNAL else st.none(),
        atomic_aggregate=st.booleans(),
        aggregator=st.none() | st.builds(Aggregator, asns(wide), addresses),
        communities=st.lists(communities(), max_size=8),
        unknown=st.lists(unknown_attributes(), max_size=3, unique_by=lambda attribute: attribute.code),
    )


def capabilities() -> st.SearchStrategy[Capability]:
    """Capabilities, known and unknown."""
    unknown = st.builds(
        UnknownCapability,
        _numbers(255).filter(lambda code: not CapabilityCode.has(code)),
        st.binary(max_size=20),
    )
    return st.builds(MultiprotocolCapability, families()) | st.builds(FourOctetASCapability, asns()) | unknown


def negotiated_sessions() -> st.SearchStrategy[Negotiated]:
    """Outcomes of a negotiation that the codec has to tell apart."""
    return st.builds(Negotiated, four_octet_as=st.booleans(), peer_type=st.sampled_from(PeerType))


def routes() -> st.SearchStrategy[Route]:
    """Routes as an application announces them."""
    number = st.none() | _numbers(0xFFFFFFFF)
    return st.builds(
        Route,
        prefixes(),
        next_hop=st.none() | _numbers(0xFFFFFFFF).map(IPv4Address),
        communities=st.lists(communities(), max_size=5),
        med=number,
        local_pref=number,
        as_path=as_paths(),
        origin=st.sampled_from(Origin),
    )


# Messages.


def opens() -> st.SearchStrategy[Open]:
    """OPEN messages."""
    return st.builds(
        Open,
        my_as=_numbers(0xFFFF, low=1),
        hold_time=st.just(0) | _numbers(0xFFFF, low=3),
        router_id=router_ids(),
        capabilities=st.lists(capabilities(), max_size=8),
    )


def updates(negotiated: Negotiated) -> st.SearchStrategy[Update]:
    """UPDATE messages without faults, End-of-RIB among them."""
    withdrawals = st.builds(Update, withdrawn=nlris())
    announced = st.lists(prefixes(), min_size=1, max_size=12).map(NLRI)
    return withdrawals | st.builds(
        Update, withdrawn=nlris(), announced=announced, attributes=path_attributes(negotiated)
    )


def notifications() -> st.SearchStrategy[Notification]:
    """NOTIFICATION messages, unassigned codes too."""
    return st.builds(Notification, _numbers(255), _numbers(255), st.binary(max_size=40))


def messages(negotiated: Negotiated) -> st.SearchStrategy[Message]:
    """Messages of every type."""
    return opens() | updates(negotiated) | st.just(Keepalive()) | notifications()
