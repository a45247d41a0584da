"""What a route looks like to a peer, and whether the peer may have it at all.

The attributes of a route depend on where it comes from and on who is told (RFC 4271 5.1, 9.2; RFC 5065 4; RFC 4456 8):

                internal peer               confederation peer          external peer
    AS_PATH     as it is                    our member AS in front      our AS in front, no confederation segments
    LOCAL_PREF  as it is, or 100            as it is, or 100            none
    MED         as it is                    as it is                    ours only
    NEXT_HOP    as it is                    as it is                    ourselves, but for what we originate
    AIGP        as it is                    as it is                    ours only
    reflection  ORIGINATOR_ID, CLUSTER_LIST none                        none

Our own routes are told to everybody, the way their makers want it. Routes of others are subject to what follows from
their communities, from route reflection, and from roles; whether they are told at all is a matter of policy before
that (router.py). A policy sees the result, and has the last word about it, except for what would break the session or
the rules of roles: a next hop that the peer could not read, LOCAL_PREF on the wrong side, a leak.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import Final

import attrs

from bgp.aspath import ASPath, ASSegment
from bgp.attributes import AttributeValues, PathAttributes
from bgp.candidate import OURSELVES, Candidate
from bgp.config import PeerConfig
from bgp.iana import AFI, WELL_KNOWN_COMMUNITIES, Role, SegmentType
from bgp.look import Look
from bgp.multiprotocol import NextHop
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import longest
from bgp.packing import has_path_ids, room
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family
from bgp.relay import Relay
from bgp.values import Address

DEFAULT_LOCAL_PREF: Final = 100
"""What LOCAL_PREF is where nobody chose one, with us as with every other router."""

_LOOKS: Final = 16384
"""How many different looks of routes are remembered."""

_NO_ADVERTISE: Final = WELL_KNOWN_COMMUNITIES["no-advertise"]
_NO_EXPORT: Final = WELL_KNOWN_COMMUNITIES["no-export"]
_NO_EXPORT_SUBCONFED: Final = WELL_KNOWN_COMMUNITIES["no-export-subconfed"]
_LLGR_STALE: Final = WELL_KNOWN_COMMUNITIES["llgr-stale"]
_GRACEFUL_SHUTDOWN: Final = WELL_KNOWN_COMMUNITIES["graceful-shutdown"]

_DOWNWARDS: Final = frozenset({Role.PROVIDER, Role.ROUTE_SERVER, Role.PEER})
"""What we are to whom we send routes with ONLY_TO_CUSTOMER (RFC 9234 5)."""

_UPWARDS: Final = frozenset({Role.CUSTOMER, Role.ROUTE_SERVER_CLIENT, Role.PEER})
"""What we are to whom we must not send them."""

_LEAK: Final = "it has been sent to a customer or a lateral peer, and must not go up or across again (OTC)"


@attrs.define(eq=False)
class Egress:
    """How routes look to one peer in one session."""

    config: PeerConfig
    negotiated: Negotiated

    local_address: Address
    """Our address on the connection."""

    remote_address: Address
    """The peer's."""

    router_id: IPv4Address
    """Our BGP Identifier."""

    is_draining: bool = False
    """Whether we are about to go: routes are told as the last resort (RFC 8326 4.2)."""

    _looks: dict[Family, dict[object, Look | str]] = attrs.field(factory=dict, init=False)
    """By candidate; by what they have in common where candidates have octets of their own."""

    _relays: dict[Family, tuple[Relay | None, NextHop | None]] = attrs.field(factory=dict, init=False)

    def has_path_ids(self, family: Family) -> bool:
        """Whether several paths to a destination can be told (RFC 7911)."""
        return has_path_ids(family, self.negotiated)

    def look(self, family: Family, candidate: Candidate) -> Look | str:
        """What to send to the peer, in a family that was negotiated; or why it cannot be told."""
        looks = self._looks.get(family)
        if looks is None:
            looks = self._looks[family] = {}
        own = candidate.wire
        key = candidate if own is None else (candidate.source, candidate.attributes, candidate.next_hop)
        look = looks.get(key)
        if look is None:
            if len(looks) >= _LOOKS:
                looks.clear()
            look = looks[key] = self._relayed(family, candidate) or self.plain_look(family, candidate)
        return look if own is None or isinstance(look, str) else Look(look.attributes, look.next_hop, own)

    def drain(self) -> None:
        """Tell routes as the last resort from now on (RFC 8326 4.2)."""
        self.is_draining = True
        self._looks.clear()
        self._relays.clear()

    def finish(self, family: Family, look: Look) -> Look | str:
        """Hold what a policy made of a look to what the session demands."""
        attributes = look.attributes
        if self._leaks(family, attributes):
            return _LEAK
        next_hop = self._tellable(family, _given(look))
        if isinstance(next_hop, str):
            return next_hop
        changes: AttributeValues = {}
        # RFC 4271 5.1.5.
        if self.negotiated.peer_type is PeerType.EXTERNAL:
            changes["local_pref"] = None
        elif attributes.local_pref is None:
            changes["local_pref"] = DEFAULT_LOCAL_PREF
        self._mark(family, attributes, changes)
        final = self._put_together(family, attributes, changes, next_hop)
        return final if look.wire is None or isinstance(final, str) else attrs.evolve(final, wire=look.wire)

    def _relayed(self, family: Family, candidate: Candidate) -> Look | None:
        """What `plain_look` finds, if the candidate is a usual route; else None."""
        if candidate.source.peer_type is not PeerType.EXTERNAL or candidate.wire is not None:
            return None
        if family not in self._relays:
            self._relays[family] = self._new_relay(family)
        relay, next_hop = self._relays[family]
        attributes = None if relay is None else relay.rewrite(candidate.attributes)
        if attributes is None:
            return None
        look = self._fitting(family, Look(attributes, next_hop))
        return look if isinstance(look, Look) else None

    def _new_relay(self, family: Family) -> tuple[Relay | None, NextHop | None]:
        config = self.config
        # PROVIDER is 0.
        has_role = config.role is not None
        unusual = has_role or config.confederation or config.route_server_client or self.is_draining
        next_hop = self._ourselves(family)
        if self.negotiated.peer_type is not PeerType.EXTERNAL or unusual or isinstance(next_hop, str):
            return None, None
        address = next_hop.address
        if family == IPV4_UNICAST and isinstance(address, IPv4Address):
            return Relay(config.presented_as, address), None
        return Relay(config.presented_as, None), next_hop

    def plain_look(self, family: Family, candidate: Candidate) -> Look | str:
        """What `look` finds but for octets of its own, without its short cuts."""
        attributes = candidate.attributes
        refusal = self._refusal(family, candidate)
        if refusal is not None:
            return refusal
        next_hop = self._next_hop(family, candidate)
        if isinstance(next_hop, str):
            return next_hop
        changes = self._ours(attributes) if candidate.source is OURSELVES else self._theirs(candidate)
        self._mark(family, attributes, changes)
        if self.is_draining and _GRACEFUL_SHUTDOWN not in attributes.communities:
            changes["communities"] = (*attributes.communities, _GRACEFUL_SHUTDOWN)
        return self._put_together(family, attributes, changes, next_hop)

    def _put_together(
        self, family: Family, attributes: PathAttributes, changes: AttributeValues, next_hop: NextHop
    ) -> Look | str:
        beside: NextHop | None = next_hop
        address = next_hop.address
        if family == IPV4_UNICAST and isinstance(address, IPv4Address):
            changes["next_hop"], beside = address, None
        elif attributes.next_hop is not None:
            changes["next_hop"] = None
        return self._fitting(family, Look(attributes.evolve(**changes), beside))

    def _fitting(self, family: Family, look: Look) -> Look | str:
        needed = longest(family) + 4 * self.has_path_ids(family)
        missing = needed - room(family, look, self.negotiated)
        return f"its attributes are {missing} octets too long for an UPDATE" if missing > 0 else look

    # Whether the peer may have it.

    def _leaks(self, family: Family, attributes: PathAttributes) -> bool:
        """Whether a route that went down would go up or across (RFC 9234 5)."""
        return attributes.only_to_customer is not None and self._role(family) in _UPWARDS

    def _refusal(self, family: Family, candidate: Candidate) -> str | None:
        attributes, peer_type = candidate.attributes, self.negotiated.peer_type
        if self._leaks(family, attributes):
            return _LEAK
        if candidate.source is OURSELVES:
            return None
        communities = attributes.communities
        if _NO_ADVERTISE in communities:
            return "it has the community no-advertise"
        if peer_type is PeerType.EXTERNAL and _NO_EXPORT in communities:
            return "it has the community no-export"
        if peer_type is not PeerType.INTERNAL and _NO_EXPORT_SUBCONFED in communities:
            return "it has the community no-export-subconfed"
        if _LLGR_STALE in communities and not self.negotiated.long_lived_graceful_restart:
            # RFC 9494 4.6.
            return "it is long-lived stale, which the peer would not understand"
        if peer_type is PeerType.INTERNAL is candidate.source.peer_type and not self._reflects(candidate):
            # RFC 4271 9.2.
            return "it comes from an internal peer, and neither is a client"
        return None

    def _reflects(self, candidate: Candidate) -> bool:
        return candidate.source.is_client or self.config.route_reflector_client

    def _role(self, family: Family) -> Role | None:
        """What we are to the peer, where that matters (RFC 9234 5)."""
        applies = family in (IPV4_UNICAST, IPV6_UNICAST) and self.negotiated.peer_type is PeerType.EXTERNAL
        return self.config.role if applies else None

    # Where the packets are to go.

    def _next_hop(self, family: Family, candidate: Candidate) -> NextHop | str:
        given = _given(candidate)
        if candidate.source is not OURSELVES:
            given = None if self._takes_over(candidate) else self._abroad(given)
        return self._tellable(family, given)

    def _abroad(self, given: NextHop | None) -> NextHop | None:
        """What of others' next hop this peer can use, which may be on another link (RFC 2545 3); None: nothing."""
        if given is None or self.config.route_server_client or len(given.wire) not in (16, 32):
            return given
        nearest = given.nearest
        return None if nearest is None or nearest.is_link_local else NextHop(nearest)

    def _takes_over(self, candidate: Candidate) -> bool:
        """Whether packets for others' routes are to come through us."""
        if self.config.route_server_client:
            return False
        if self.negotiated.peer_type is PeerType.EXTERNAL:
            return True
        # RFC 4456 10: reflection changes no next hop.
        reflected = self.negotiated.peer_type is PeerType.INTERNAL is candidate.source.peer_type
        return self.config.next_hop_self and not reflected

    def _tellable(self, family: Family, given: NextHop | None) -> NextHop | str:
        """The next hop as the peer can be told it, ourselves for None; or why it cannot."""
        if given is None:
            return self._ourselves(family)
        remote = self.remote_address.packed
        if remote != self.local_address.packed and any(each.packed == remote for each in given.addresses):
            return "its next hop is the peer itself"  # RFC 4271 5.1.3
        address = given.address
        if isinstance(address, IPv6Address) and family.afi == AFI.IPV4 and not self._takes_ipv6(family):
            # RFC 8950 4.
            return f"its next hop is {address}, and IPv6 next hops for {family} were not negotiated"
        if isinstance(address, IPv4Address) and family.afi == AFI.IPV6:
            return f"its next hop is {address}, and {family} needs one of IPv6"
        return given

    def _ourselves(self, family: Family) -> NextHop | str:
        local, config = self.local_address, self.config
        ipv4 = config.next_hop_ipv4 or (local if isinstance(local, IPv4Address) else None)
        ipv6 = config.next_hop_ipv6 or (local if isinstance(local, IPv6Address) else None)
        match family.afi:
            case AFI.IPV4:
                found = ipv4 or (ipv6 if self._takes_ipv6(family) else None)
            case AFI.IPV6:
                found = ipv6
            case _:
                found = ipv4 if isinstance(local, IPv4Address) else ipv6
        if found is None:
            version = "IPv4" if family.afi == AFI.IPV4 else "IPv6"
            return f"it names no next hop, and our address on the connection is not {version}"
        return _named(found)

    def _takes_ipv6(self, family: Family) -> bool:
        """Whether routes of an IPv4 family may have IPv6 next hops (RFC 8950 4)."""
        return (family, AFI.IPV6) in self.negotiated.extended_next_hop

    # What it says.

    def _ours(self, attributes: PathAttributes) -> AttributeValues:
        path = attributes.as_path or ASPath()
        match self.negotiated.peer_type:
            case PeerType.INTERNAL:
                return {"local_pref": self._local_pref(attributes)}
            case PeerType.CONFEDERATION:
                return {"as_path": self._inside(path), "local_pref": self._local_pref(attributes)}
            case _:
                # RFC 5065 4.1 c.
                path = path.without_confederations().prepend(self.config.presented_as)
                # RFC 4456 8: they mean nothing outside.
                inner: AttributeValues = {"originator_id": None, "cluster_list": ()}
                return {"as_path": path, "local_pref": None, **inner}

    def _theirs(self, candidate: Candidate) -> AttributeValues:
        attributes = candidate.attributes
        path = attributes.as_path or ASPath()
        passed_on = attributes.passed_on().unknown
        changes: AttributeValues = {"unknown": passed_on} if attributes.unknown else {}
        match self.negotiated.peer_type:
            case PeerType.INTERNAL if candidate.source.peer_type is PeerType.INTERNAL:
                # RFC 4456 8.
                originator = attributes.originator_id or candidate.source.router_id
                cluster = self.config.cluster_id or self.router_id
                changes["originator_id"] = originator
                changes["cluster_list"] = (cluster, *attributes.cluster_list)
                changes["local_pref"] = self._local_pref(attributes)
            case PeerType.INTERNAL:
                changes["local_pref"] = self._local_pref(attributes)
            case PeerType.CONFEDERATION:
                changes["as_path"] = self._inside(path)
                changes["local_pref"] = self._local_pref(attributes)
                changes["originator_id"], changes["cluster_list"] = None, ()
            case _:
                changes["local_pref"] = changes["originator_id"] = changes["aigp"] = None
                changes["cluster_list"] = ()
                if not self.config.route_server_client:
                    changes["med"] = None  # RFC 4271 5.1.4
                    path = path.without_confederations().prepend(self.config.presented_as)
                    changes["as_path"] = path
        return changes

    def _inside(self, path: ASPath) -> ASPath:
        """A path as it goes to another member of the confederation (RFC 5065 4.1 b)."""
        kind = SegmentType.AS_CONFED_SEQUENCE
        first, rest = path.segments[:1], path.segments[1:]
        if first and first[0].type is kind and len(first[0].asns) < 255:
            return ASPath([ASSegment(kind, (self.config.local_as, *first[0].asns)), *rest])
        return ASPath([ASSegment(kind, [self.config.local_as]), *path.segments])

    def _local_pref(self, attributes: PathAttributes) -> int:
        if self.is_draining:
            return 0  # RFC 8326 4.2
        return DEFAULT_LOCAL_PREF if attributes.local_pref is None else attributes.local_pref

    def _mark(self, family: Family, attributes: PathAttributes, changes: AttributeValues) -> None:
        if self._role(family) in _DOWNWARDS and attributes.only_to_customer is None:
            # RFC 9234 5.
            changes["only_to_customer"] = self.config.presented_as


def _given(route: Candidate | Look) -> NextHop | None:
    """The next hop that a route has; None: none, so it leads to us."""
    if route.next_hop is not None:
        return route.next_hop
    address = route.attributes.next_hop
    return None if address is None else NextHop(address)


def _named(address: Address) -> NextHop:
    """Our address as a next hop; a link-local one stands in both places (RFC 2545 3)."""
    if isinstance(address, IPv6Address) and address.is_link_local:
        plain = IPv6Address(address.packed)
        return NextHop(plain, plain)
    return NextHop(address)
