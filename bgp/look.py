"""What a route looks like to one peer: the part of an UPDATE that routes can share."""

import attrs

from bgp.attributes import PathAttributes
from bgp.multiprotocol import NextHop


@attrs.frozen(cache_hash=True)
class Look:
    """The attributes to send with a route."""

    attributes: PathAttributes
    """The path attributes, NEXT_HOP among them if the route travels outside of MP_REACH_NLRI."""

    next_hop: NextHop | None = None
    """The next hop in MP_REACH_NLRI; None: the route travels outside of it."""

    wire: bytes | None = None
    """The octets of the NLRI where they hold more than the key, namely labels; None: they are the key."""

    def without_wire(self) -> "Look":
        """What the route shares with others."""
        return Look(self.attributes, self.next_hop)
