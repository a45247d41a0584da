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

from bgp.aspath import ASPath
from bgp.attributes import PathAttributes
from bgp.framing import HEADER_LENGTH, MAX_MESSAGE
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import NLRI
from bgp.rib import Changes, Route
from bgp.update import Update, encode_update
from bgp.values import Address

DEFAULT_LOCAL_PREF = 100
"""What LOCAL_PREF is where nobody chose one, with us as with every other router."""

_ROOM = MAX_MESSAGE - HEADER_LENGTH
"""Octets of an UPDATE without its header."""


@attrs.frozen(kw_only=True)
class Egress:
    """How our routes look to one peer."""

    local_as: int
    peer_type: PeerType
    local_address: Address
    """Our address on the connection."""

    remote_address: Address
    """The peer's."""

    def obstacle(self, route: Route) -> str | None:
        """Why a route cannot be told to the peer; None: it can."""
        next_hop = route.next_hop or self.local_address
        if not isinstance(next_hop, IPv4Address):
            return "it names no next hop, and our address on the connection is not IPv4"
        if next_hop == self.remote_address != self.local_address:
            return "its next hop is the peer itself"  # RFC 4271 5.1.3
        return None

    def attributes_of(self, route: Route) -> PathAttributes | None:
        """The attributes to send with a route; None if there is an obstacle."""
        next_hop = route.next_hop or self.local_address
        if self.obstacle(route) or not isinstance(next_hop, IPv4Address):
            return None
        internal = self.peer_type is PeerType.INTERNAL
        local_pref = DEFAULT_LOCAL_PREF if route.local_pref is None else route.local_pref
        return PathAttributes(
            origin=route.origin,
            as_path=route.as_path if internal else ASPath([self.local_as, *route.as_path]),
            next_hop=next_hop,
            med=route.med,
            local_pref=local_pref if internal else None,
            communities=route.communities,
        )


def pack(changes: Changes, negotiated: Negotiated) -> Iterator[Update]:
    """Yield the UPDATEs that tell the changes, none longer than 4096 octets."""
    for chunk in _chunks(changes.withdrawn, _ROOM - len(encode_update(Update(), negotiated))):
        yield Update(withdrawn=NLRI.from_wire(chunk))
    for attributes, prefixes in changes.announced.items():
        room = _ROOM - len(encode_update(Update(attributes=attributes), negotiated))
        for chunk in _chunks(prefixes, room):
            yield Update(announced=NLRI.from_wire(chunk), attributes=attributes)


def _chunks(prefixes: Sequence[bytes], room: int) -> Iterator[Sequence[bytes]]:
    start = taken = 0
    for position, prefix in enumerate(prefixes):
        if taken + len(prefix) > room:
            yield prefixes[start:position]
            start, taken = position, 0
        taken += len(prefix)
    if prefixes:
        yield prefixes[start:]
