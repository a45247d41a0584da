"""Hypothesis strategies for the records of dumps (`bgp.mrt`) and the messages of BMP (`bgp.bmp`)."""

from hypothesis import strategies as st

from bgp.bmp.messages import (
    GAUGES,
    OF_FAMILY,
    BMPMessage,
    Information,
    Initiation,
    PeerDown,
    PeerUp,
    RouteMirroring,
    RouteMonitoring,
    Statistic,
    StatisticsReport,
    Termination,
    UnknownMessage,
    UnknownStatistic,
)
from bgp.bmp.peer import MonitoredPeer
from bgp.iana import BMPPeerType, BMPStatistic, MRTState
from bgp.messages import encode
from bgp.mrt import (
    RIB,
    BGPMessage,
    Peer,
    PeerIndexTable,
    Record,
    RIBEntry,
    StateChange,
    TableDump,
    UnknownRecord,
)
from bgp.mrt.session import session_of
from bgp.negotiated import Negotiated, PeerType
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family
from bgp.testing.labels import asns, numbers
from bgp.testing.opens import families, notifications, opens
from bgp.testing.strategies import (
    READABLE_FAMILIES,
    destinations,
    ipv4_addresses,
    ipv6_addresses,
    messages,
    next_hops,
    path_attributes,
    prefixes,
    route_distinguishers,
    updates,
)
from bgp.update import Update

_SESSION = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL)
_SECONDS = numbers(0xFFFFFFFF)
_BODY = 23
"""Octets of an UPDATE before its attributes: header, no withdrawn routes, their length."""


def mrt_records() -> st.SearchStrategy[Record]:
    """Records of every kind, with octets of UPDATEs and attributes that can be read."""
    return st.one_of(
        peer_index_tables(), ribs(), table_dumps(), bgp_messages(), state_changes(), unknown_records()
    )


@st.composite
def _peers(draw: st.DrawFn) -> Peer:
    wide = draw(st.booleans())
    return Peer(
        address=draw(ipv4_addresses() | ipv6_addresses()),
        asn=draw(numbers(0xFFFFFFFF if wide else 0xFFFF)),
        router_id=draw(ipv4_addresses()),
        four_octet_as=wide,
    )


def peer_index_tables() -> st.SearchStrategy[PeerIndexTable]:
    """Tables of peers, with names in UTF-8 and in other octets."""
    names = st.binary(max_size=20).map(lambda name: name.decode(errors="surrogateescape"))
    return st.builds(
        PeerIndexTable,
        timestamp=_SECONDS,
        collector_id=ipv4_addresses(),
        view_name=names,
        peers=st.lists(_peers(), max_size=5),
    )


def rib_entries(family: Family, with_path_id: bool = False) -> st.SearchStrategy[RIBEntry]:
    """Routes of peers, as tables hold those of a family."""
    ipv4 = family == IPV4_UNICAST
    attributes = path_attributes(_SESSION).map(lambda each: each if ipv4 else each.evolve(next_hop=None))
    return st.builds(
        RIBEntry.of,
        attributes,
        st.none() if ipv4 else next_hops(family).filter(lambda hop: bool(hop.wire)),
        peer_index=numbers(0xFFFF),
        originated=_SECONDS,
        path_id=_SECONDS if with_path_id else st.none(),
    )


@st.composite
def ribs(draw: st.DrawFn) -> RIB:
    """Routes to a destination of any family that can be read, with path identifiers and without."""
    family, with_path_id = draw(st.sampled_from(READABLE_FAMILIES)), draw(st.booleans())
    return RIB(
        timestamp=draw(_SECONDS),
        sequence=draw(numbers(0xFFFFFFFF)),
        destination=draw(destinations(family)),  # type: ignore[arg-type]  # the family is one of those that are read
        entries=draw(st.lists(rib_entries(family, with_path_id), max_size=3)),
    )


def table_dumps() -> st.SearchStrategy[TableDump]:
    """Routes in the old form of tables."""
    narrow = Negotiated(four_octet_as=False, peer_type=PeerType.INTERNAL)
    block = path_attributes(narrow).map(lambda each: encode(Update(attributes=each), narrow)[_BODY:])
    of_version = {IPV4_UNICAST: ipv4_addresses(), IPV6_UNICAST: ipv6_addresses()}
    return st.sampled_from(list(of_version)).flatmap(
        lambda family: st.builds(
            TableDump,
            timestamp=_SECONDS,
            view=numbers(0xFFFF),
            sequence=numbers(0xFFFF),
            prefix=prefixes(family),
            status=numbers(0xFF),
            originated=_SECONDS,
            peer_address=of_version[family],
            peer_as=numbers(0xFFFF),
            block=block,
        )
    )


@st.composite
def _happenings(draw: st.DrawFn, wide: bool) -> dict[str, object]:
    addresses = ipv4_addresses() if draw(st.booleans()) else ipv6_addresses()
    peer_as = draw(asns(wide))
    return {
        "timestamp": draw(_SECONDS),
        "microseconds": draw(st.none() | numbers(999_999)),
        "peer_as": peer_as,
        "local_as": draw(st.just(peer_as) | asns(wide)),
        "interface_index": draw(numbers(0xFFFF)),
        "peer_address": draw(addresses),
        "local_address": draw(addresses),
        "four_octet_as": wide,
    }


@st.composite
def bgp_messages(draw: st.DrawFn) -> BGPMessage:
    """Messages of peers, decodable as their records say."""
    wide, add_path = draw(st.booleans()), draw(st.booleans())
    head = draw(_happenings(wide))
    session = session_of(wide, head["peer_as"] == head["local_as"], add_path)
    data = encode(draw(messages(session)), session)
    return BGPMessage(**head, add_path=add_path, local=draw(st.booleans()), data=data)  # type: ignore[arg-type]  # drawn above


def state_changes() -> st.SearchStrategy[StateChange]:
    """Changes of state, to states of other software too."""
    states = st.sampled_from(MRTState) | numbers(0xFFFF)
    return st.booleans().flatmap(
        lambda wide: st.builds(
            lambda head, old, new: StateChange(**head, old=old, new=new), _happenings(wide), states, states
        )
    )


def unknown_records() -> st.SearchStrategy[UnknownRecord]:
    """Records that the library does not read."""
    return st.builds(
        UnknownRecord,
        timestamp=_SECONDS,
        type=numbers(0xFFFF).filter(lambda kind: kind not in (12, 13, 16, 17)),
        subtype=numbers(0xFFFF),
        data=st.binary(max_size=40),
    )


# BMP.

_TYPES_OF_PEERS = st.just(BMPPeerType.GLOBAL) | numbers(0xFF).filter(lambda kind: kind != BMPPeerType.LOC_RIB)


@st.composite
def monitored_peers(draw: st.DrawFn) -> MonitoredPeer:
    """Peers of every type, their tables, and Loc-RIBs."""
    ours = draw(st.booleans())
    flag = st.just(False) if ours else st.booleans()
    return MonitoredPeer(
        type=BMPPeerType.LOC_RIB if ours else draw(_TYPES_OF_PEERS),
        distinguisher=draw(route_distinguishers()),
        address=None if ours else draw(ipv4_addresses() | ipv6_addresses()),
        asn=draw(numbers(0xFFFFFFFF)),
        router_id=draw(ipv4_addresses()),
        timestamp=draw(_SECONDS),
        microseconds=draw(numbers(999_999)),
        post_policy=draw(flag),
        two_octet_as=draw(flag),
        adj_rib_out=draw(flag),
        filtered=ours and draw(st.booleans()),
    )


def _information() -> st.SearchStrategy[list[Information]]:
    return st.lists(st.builds(Information, numbers(5) | numbers(0xFFFF), st.binary(max_size=20)), max_size=4)


@st.composite
def _statistics(draw: st.DrawFn) -> Statistic | UnknownStatistic:
    kind = draw(st.sampled_from(BMPStatistic) | numbers(0xFFFF))
    if not BMPStatistic.has(kind):
        return UnknownStatistic(kind, draw(st.binary(max_size=20)))
    value = draw(numbers(0xFFFFFFFFFFFFFFFF if kind in GAUGES else 0xFFFFFFFF))
    return Statistic(kind, value, draw(families()) if kind in OF_FAMILY else None)


@st.composite
def peer_ups(draw: st.DrawFn) -> PeerUp:
    """Sessions that came up."""
    peer = draw(monitored_peers())
    version = peer.address.version if peer.address else None
    addresses = {None: st.none(), 4: ipv4_addresses(), 6: ipv6_addresses()}
    return PeerUp(
        peer=peer,
        local_address=draw(addresses[version]),
        local_port=draw(numbers(0xFFFF)),
        remote_port=draw(numbers(0xFFFF)),
        sent_open=draw(opens()),
        received_open=draw(opens()),
        information=draw(_information()),
    )


@st.composite
def route_monitorings(draw: st.DrawFn) -> RouteMonitoring:
    """Routes of peers, without path identifiers."""
    peer = draw(monitored_peers())
    session = Negotiated(four_octet_as=not peer.two_octet_as, extended_message=True)
    return RouteMonitoring(peer, encode(draw(updates(session)), session))


def peer_downs() -> st.SearchStrategy[PeerDown]:
    """Sessions that ended, for every reason."""
    session = Negotiated(four_octet_as=True)
    data = notifications().map(lambda each: encode(each, session)) | st.binary(max_size=20)
    return st.builds(PeerDown, monitored_peers(), numbers(7) | numbers(0xFF), data)


def bmp_messages() -> st.SearchStrategy[BMPMessage]:
    """Messages of every type."""
    return st.one_of(
        route_monitorings(),
        peer_ups(),
        peer_downs(),
        st.builds(StatisticsReport, monitored_peers(), st.lists(_statistics(), max_size=5)),
        st.builds(Initiation, _information()),
        st.builds(Termination, _information()),
        st.builds(RouteMirroring, monitored_peers(), _information()),
        st.builds(UnknownMessage, numbers(0xFF, low=7), st.binary(max_size=20)),
    )
