"""From routes to UPDATEs: what a route looks like to a peer, and as few messages as it fits into.

The attributes of a route depend on who is told (RFC 4271 5.1):

                internal peer               external peer
    AS_PATH     as the route says           our AS in front
    LOCAL_PREF  as the route says, or 100   none
    NEXT_HOP    as the route says, or our address on the connection
    MED         as the route says, or none

Withdrawals go out first, many to a message; then the routes, those that share their attributes sharing messages.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

import attrs

from bgp.attributes import PathAttributes
from bgp.framing import HEADER_LENGTH, MAX_EXTENDED, MAX_MESSAGE
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import NLRI
from bgp.prefix import IPV4_UNICAST
from bgp.rib import Changes, Route
from bgp.update import Update, encode_update
from bgp.values import Address

DEFAULT_LOCAL_PREF = 100
"""What LOCAL_PREF is where nobody chose one, with us as with every other router."""

_LOOKS = 1024
"""How many different looks of routes are remembered."""

_PREFIX = 5
"""The most octets of an IPv4 prefix."""


@attrs.define(eq=False)
class Egress:
    """How our routes look to one peer."""

    local_as: int
    local_address: Address
    """Our address on the connection."""

    remote_address: Address
    """The peer's."""

    negotiated: Negotiated

    _looks: dict[object, PathAttributes | str] = attrs.field(factory=dict, init=False)

    def look(self, route: Route) -> PathAttributes | str:
        """The attributes to send with a route; or why it cannot be told to the peer."""
        # All but the prefix, which most routes differ in alone.
        key = (route.next_hop, route.as_path, route.communities, route.med, route.local_pref, route.origin)
        look = self._looks.get(key)
        if look is None:
            if len(self._looks) >= _LOOKS:
                self._looks.clear()
            look = self._looks[key] = self._new_look(route)
        return look

    def _new_look(self, route: Route) -> PathAttributes | str:
        if IPV4_UNICAST not in self.negotiated.families:
            return f"{IPV4_UNICAST} was not negotiated"
        if IPV4_UNICAST in self.negotiated.add_path_send:
            return "its path has no identifier, and one was negotiated for each"
        next_hop = route.next_hop or self.local_address
        if not isinstance(next_hop, IPv4Address):
            return "it names no next hop, and our address on the connection is not IPv4"
        if next_hop == self.remote_address != self.local_address:
            return "its next hop is the peer itself"  # RFC 4271 5.1.3
        internal = self.negotiated.peer_type is PeerType.INTERNAL
        local_pref = DEFAULT_LOCAL_PREF if route.local_pref is None else route.local_pref
        attributes = PathAttributes(
            origin=route.origin,
            as_path=route.as_path if internal else route.as_path.prepend(self.local_as),
            next_hop=next_hop,
            med=route.med,
            local_pref=local_pref if internal else None,
            communities=route.communities,
        )
        missing = _PREFIX - _room(attributes, self.negotiated)
        return f"its attributes are {missing} octets too long for an UPDATE" if missing > 0 else attributes


def pack(changes: Changes, negotiated: Negotiated) -> Iterator[Update]:
    """Yield the UPDATEs that tell the changes, none longer than the session allows."""
    for chunk in _chunks(changes.withdrawn, _room(PathAttributes(), negotiated)):
        yield Update(withdrawn=NLRI.from_wire(chunk))
    for attributes, prefixes in changes.announced.items():
        for chunk in _chunks(prefixes, _room(attributes, negotiated)):
            yield Update(announced=NLRI.from_wire(chunk), attributes=attributes)


def _room(attributes: PathAttributes, negotiated: Negotiated) -> int:
    """How many octets of prefixes fit into an UPDATE beside these attributes."""
    longest = MAX_EXTENDED if negotiated.extended_message else MAX_MESSAGE
    return longest - HEADER_LENGTH - len(encode_update(Update(attributes=attributes), negotiated))


def _chunks(prefixes: Sequence[bytes], room: int) -> Iterator[Sequence[bytes]]:
    start = taken = 0
    for position, prefix in enumerate(prefixes):
        if taken + len(prefix) > room:
            yield prefixes[start:position]
            start, taken = position, 0
        taken += len(prefix)
    if prefixes:
        yield prefixes[start:]
