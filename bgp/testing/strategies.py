"""Hypothesis strategies for prefixes, path attributes, routes and messages.

They yield only legal values. Those that depend on what was negotiated take a `Negotiated`, so that
`decode(encode(message, negotiated), negotiated) == message` holds for all they yield.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from hypothesis import strategies as st

from bgp.aspath import ASSegment
from bgp.attributes import PathAttributes, UnknownAttribute
from bgp.attributetable import BY_CODE, SPECIAL, Aggregator
from bgp.iana import AFI, SAFI, AttributeFlag, Origin, RefreshSubtype, SegmentType
from bgp.labelled import MAX_LABEL, LabelledPrefix, RouteDistinguisher, VPNPrefix
from bgp.messages import Keepalive, Message, RouteRefresh
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import NLRI, Destination, OpaqueNLRI, Path
from bgp.prefix import (
    IPV4_LABELLED,
    IPV4_MULTICAST,
    IPV4_UNICAST,
    IPV4_VPN,
    IPV6_LABELLED,
    IPV6_MULTICAST,
    IPV6_UNICAST,
    IPV6_VPN,
    Family,
    Prefix,
)
from bgp.route import Route
from bgp.testing.labels import (
    as_paths,
    asns,
    communities,
    extended_communities,
    ipv6_extended_communities,
    large_communities,
    numbers,
    octets,
)
from bgp.testing.opens import families, notifications, opens
from bgp.update import Update

# Destinations.

READABLE_FAMILIES = (
    IPV4_UNICAST,
    IPV4_MULTICAST,
    IPV4_LABELLED,
    IPV4_VPN,
    IPV6_UNICAST,
    IPV6_MULTICAST,
    IPV6_LABELLED,
    IPV6_VPN,
)
"""The families of which the library reads the destinations."""


def ipv4_addresses() -> st.SearchStrategy[IPv4Address]:
    """IPv4 addresses of every value."""
    return numbers(0xFFFFFFFF).map(IPv4Address)


def host_addresses() -> st.SearchStrategy[IPv4Address]:
    """IPv4 addresses that a next hop may have."""
    return numbers(0xDFFFFFFF, low=0x01000000).map(IPv4Address)


def ipv6_addresses() -> st.SearchStrategy[IPv6Address]:
    """IPv6 addresses of every value."""
    return octets(16).map(IPv6Address)


def networks(afi: int = AFI.IPV4) -> st.SearchStrategy[IPv4Network | IPv6Network]:
    """Networks of every length."""
    if afi == AFI.IPV4:
        return st.builds(
            lambda a, length: IPv4Network((a, length), strict=False), ipv4_addresses(), numbers(32)
        )
    return st.builds(lambda a, length: IPv6Network((a, length), strict=False), ipv6_addresses(), numbers(128))


def prefixes(family: Family = IPV4_UNICAST) -> st.SearchStrategy[Prefix]:
    """Prefixes of every length, unicast or multicast."""
    return st.builds(Prefix, networks(family.afi), st.just(family))


def route_distinguishers() -> st.SearchStrategy[RouteDistinguisher]:
    """Route distinguishers of the three types, and of unassigned ones."""
    typed = st.builds(bytes.__add__, st.sampled_from([b"\0\0", b"\0\1", b"\0\2"]), octets(6))
    return (typed | octets(8)).map(RouteDistinguisher)


def label_stacks() -> st.SearchStrategy[list[int]]:
    """No labels, or some."""
    labels = st.lists(numbers(MAX_LABEL), max_size=3)
    return labels.filter(lambda stack: len(stack) < 2 or stack[0] << 4 not in (0, 0x800000))


def labelled_prefixes(afi: int = AFI.IPV4) -> st.SearchStrategy[LabelledPrefix]:
    """Prefixes with labels, and ones to withdraw."""
    return st.builds(LabelledPrefix, networks(afi), labels=label_stacks())


def vpn_prefixes(afi: int = AFI.IPV4) -> st.SearchStrategy[VPNPrefix]:
    """Prefixes of VPNs."""
    stacks = label_stacks().filter(lambda stack: len(stack) < 3)  # there is no room for more
    return st.builds(VPNPrefix, networks(afi), rd=route_distinguishers(), labels=stacks)


def destinations(family: Family) -> st.SearchStrategy[Destination]:
    """Destinations of a family; octets if it is not one of `READABLE_FAMILIES`."""
    if family not in READABLE_FAMILIES:
        return st.builds(OpaqueNLRI, st.just(family), st.binary(min_size=1, max_size=30))
    match family.safi:
        case SAFI.LABELLED_UNICAST:
            return labelled_prefixes(family.afi)
        case SAFI.VPN:
            return vpn_prefixes(family.afi)
        case _:
            return prefixes(family)


def paths(family: Family = IPV4_UNICAST) -> st.SearchStrategy[Path]:
    """Destinations with path identifiers."""
    return st.builds(Path, destinations(family), numbers(0xFFFFFFFF))


def nlris(
    family: Family = IPV4_UNICAST, add_path: bool = False, *, min_size: int = 0
) -> st.SearchStrategy[NLRI]:
    """Lists of destinations of a family, the empty one too unless `min_size` says otherwise."""
    readable = family in READABLE_FAMILIES
    items = paths(family) if add_path and readable else destinations(family)
    some = st.lists(items, min_size=min_size, max_size=12 if readable else 1)
    return some.map(lambda several: NLRI(several, family))


# Path attributes.


def unknown_attributes() -> st.SearchStrategy[UnknownAttribute]:
    """Optional attributes that the library does not interpret, short and long."""
    transitivity = st.sampled_from([AttributeFlag(0), AttributeFlag.TRANSITIVE, AttributeFlag.PARTIAL])
    return st.builds(
        UnknownAttribute,
        transitivity.map(lambda flag: AttributeFlag.OPTIONAL | flag),
        numbers(255).filter(lambda code: code not in BY_CODE and code not in SPECIAL),
        st.binary(max_size=20) | st.just(bytes(300)),
    )


def path_attributes(negotiated: Negotiated) -> st.SearchStrategy[PathAttributes]:
    """The attributes of a route, as a peer in such a session may send them."""
    wide = negotiated.four_octet_as
    external = negotiated.peer_type is PeerType.EXTERNAL
    number = st.none() | numbers(0xFFFFFFFF)
    attributes = st.builds(
        PathAttributes,
        origin=st.sampled_from(Origin),
        as_path=_as_paths(negotiated),
        next_hop=host_addresses(),
        med=number,
        local_pref=st.none() if external else numbers(0xFFFFFFFF),
        atomic_aggregate=st.booleans(),
        aggregator=st.none() | st.builds(Aggregator, asns(wide), ipv4_addresses()),
        communities=st.lists(communities(), max_size=8),
        large_communities=st.lists(large_communities(), max_size=4),
        extended_communities=st.lists(extended_communities(), max_size=4),
        ipv6_extended_communities=st.lists(ipv6_extended_communities(), max_size=2),
        originator_id=st.none() if external else st.none() | ipv4_addresses(),
        cluster_list=st.just([]) if external else st.lists(ipv4_addresses(), max_size=3),
        aigp=st.none() | numbers(0xFFFFFFFFFFFFFFFF),
        only_to_customer=number,
        unknown=st.lists(unknown_attributes(), max_size=3, unique_by=lambda attribute: attribute.code),
    )
    return attributes.flatmap(_partly)


def _as_paths(negotiated: Negotiated) -> st.SearchStrategy[list[ASSegment]]:
    paths = as_paths(negotiated.four_octet_as).map(
        lambda path: [s for s in path.segments if s.type in _segments(negotiated)]
    )
    if negotiated.peer_type is not PeerType.CONFEDERATION:
        return paths
    # RFC 5065 5: it begins with the peer.
    member = asns(negotiated.four_octet_as).map(lambda asn: ASSegment(SegmentType.AS_CONFED_SEQUENCE, [asn]))
    return st.builds(lambda first, others: [first, *others], member, paths)


def _segments(negotiated: Negotiated) -> set[SegmentType]:
    welcome = set(SegmentType)
    if negotiated.peer_type is PeerType.EXTERNAL:
        welcome -= {SegmentType.AS_CONFED_SEQUENCE, SegmentType.AS_CONFED_SET}
    if negotiated.reject_as_sets:
        welcome -= {SegmentType.AS_SET, SegmentType.AS_CONFED_SET}
    return welcome


def _partly(attributes: PathAttributes) -> st.SearchStrategy[PathAttributes]:
    """The same, some of its optional transitive attributes marked as partial."""
    travelling = AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE
    codes = [code for code in attributes.raw if code in BY_CODE and BY_CODE[code].flags == travelling]
    if not codes:
        return st.just(attributes)
    partial = st.just(frozenset[int]()) | st.frozensets(st.sampled_from(codes))
    return partial.map(lambda some: attributes.evolve(partial=some))


def next_hops(family: Family) -> st.SearchStrategy[NextHop]:
    """Next hops as routes of a family have them, without a route distinguisher in VPN families."""
    if family not in READABLE_FAMILIES:
        return st.builds(NextHop, st.binary(max_size=20))
    link_local = octets(14).map(lambda rest: IPv6Address(b"\xfe\x80" + rest))
    # Peers put other things than a link-local address in the second place, too.
    ipv6 = st.builds(NextHop, ipv6_addresses(), st.none() | link_local) | octets(32).map(NextHop)
    return ipv6 if family.afi == AFI.IPV6 else st.builds(NextHop, ipv4_addresses()) | ipv6


def mp_reaches(negotiated: Negotiated) -> st.SearchStrategy[MPReach]:
    """Routes of all families that are there."""
    return _any_family().flatmap(
        lambda family: st.builds(
            MPReach, nlris(family, family in negotiated.add_path_send, min_size=1), next_hops(family)
        )
    )


def mp_unreaches(negotiated: Negotiated) -> st.SearchStrategy[MPUnreach]:
    """Routes of all families that are gone, and none, which says End-of-RIB."""
    return _any_family().flatmap(
        lambda family: st.builds(MPUnreach, nlris(family, family in negotiated.add_path_send))
    )


def _any_family() -> st.SearchStrategy[Family]:
    return st.sampled_from(READABLE_FAMILIES) | families()


# Routes and messages.


def routes(family: Family | None = None) -> st.SearchStrategy[Route]:
    """Routes as an application announces them, of one family or of all that the library reads."""
    return (st.sampled_from(READABLE_FAMILIES) if family is None else st.just(family)).flatmap(_routes_of)


def _routes_of(family: Family) -> st.SearchStrategy[Route]:
    ipv4 = st.none() | host_addresses()
    ipv6 = st.none() | octets(15).map(lambda rest: IPv6Address(b"\x20" + rest))
    number = st.none() | numbers(0xFFFFFFFF)
    announced = destinations(family)
    if family.safi in (SAFI.LABELLED_UNICAST, SAFI.VPN):
        announced = announced.filter(lambda prefix: bool(_labels(prefix)))
    return st.builds(
        Route,
        announced,
        next_hop=ipv6 if family.afi == AFI.IPV6 else ipv4,
        path_id=st.just(0) | numbers(0xFFFFFFFF),
        communities=st.lists(communities(), max_size=3),
        large_communities=st.lists(large_communities(), max_size=2),
        extended_communities=st.lists(extended_communities(), max_size=2),
        med=number,
        local_pref=number,
        as_path=as_paths(),
        origin=st.sampled_from(Origin),
    )


def _labels(prefix: Destination) -> tuple[int, ...]:
    return prefix.labels if isinstance(prefix, LabelledPrefix | VPNPrefix) else ()


def updates(negotiated: Negotiated) -> st.SearchStrategy[Update]:
    """UPDATE messages without faults, End-of-RIB among them.

    Path identifiers are where `negotiated.add_path_send` has them; make `add_path_receive` equal to decode with the
    same `negotiated`.
    """
    add_path = IPV4_UNICAST in negotiated.add_path_send
    withdrawn = nlris(IPV4_UNICAST, add_path)
    unreach = st.none() | mp_unreaches(negotiated)
    attributes = path_attributes(negotiated)
    return (
        st.builds(Update, withdrawn=withdrawn)
        | st.builds(Update, mp_unreach=unreach)
        | st.builds(
            Update,
            withdrawn=withdrawn,
            announced=nlris(IPV4_UNICAST, add_path, min_size=1),
            attributes=attributes,
        )
        | st.builds(
            Update,
            attributes=attributes.map(lambda each: each.evolve(next_hop=None)),
            mp_reach=mp_reaches(negotiated),
            mp_unreach=unreach,
        )
    )


def route_refreshes() -> st.SearchStrategy[RouteRefresh]:
    """ROUTE-REFRESH messages, of unassigned subtypes too."""
    markers = st.sampled_from([RefreshSubtype.BEGIN, RefreshSubtype.END])
    plain = st.builds(RouteRefresh, families(), markers)
    subtypes = numbers(255).filter(lambda subtype: subtype not in (RefreshSubtype.BEGIN, RefreshSubtype.END))
    return plain | st.builds(RouteRefresh, families(), subtypes, st.binary(max_size=20))


def messages(negotiated: Negotiated) -> st.SearchStrategy[Message]:
    """Messages of every type."""
    return opens() | updates(negotiated) | st.just(Keepalive()) | notifications() | route_refreshes()
