"""Whether a route of a peer may take part, and what it is to us (RFC 4271 9, before any policy).

What makes no sense is left out without a fault on the session: loops (RFC 4271 9.1.2, RFC 4456 8, RFC 5065 4), next
hops that are ourselves (RFC 4271 5.1.3), leaks that roles reveal (RFC 9234 5). And two kinds of routes are changed on
the way in: those that come down get ONLY_TO_CUSTOMER (RFC 9234 5), those of a router that is about to go become the
last resort (RFC 8326).

Values are read from the octets only where a search in them finds what it looks for: most routes contain neither our AS
number nor our address, anywhere.
"""

import enum
from ipaddress import IPv4Address
from typing import Final

import attrs

from bgp.attributes import PathAttributes
from bgp.candidate import Candidate
from bgp.config import PeerConfig
from bgp.iana import WELL_KNOWN_COMMUNITIES, Role
from bgp.negotiated import PeerType
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family
from bgp.values import Address


class Refusal(enum.Enum):
    """Why a route does not take part."""

    AS_LOOP = "our own AS is in its AS path"
    CONFEDERATION_LOOP = "our confederation is in its AS path"
    ORIGINATED_HERE = "we have brought it into this AS ourselves (ORIGINATOR_ID)"
    CLUSTER_LOOP = "it has come through our cluster before (CLUSTER_LIST)"
    NEXT_HOP_OURSELVES = "its next hop is our own address"
    MARTIAN = "its prefix is none of unicast addresses"
    LEAKED = "it has gone down to a customer, and comes up or across again (ONLY_TO_CUSTOMER)"
    NO_ROUTE_TO_NEXT_HOP = "its next hop cannot be reached"
    NO_POLICY = "no import policy is set for this external peer"
    POLICY = "the import policy refuses it"
    POLICY_FAILED = "the import policy fails for it"

    def __str__(self) -> str:
        return self.value

    def __repr__(self) -> str:
        return f"Refusal.{self.name}"


FIRST_MARTIANS: Final = {IPV4_UNICAST: b"\xe0", IPV6_UNICAST: b"\xff"}
"""The first octets of addresses from which on prefixes lead to no host: multicast, and with IPv4 what is behind."""

_GRACEFUL_SHUTDOWN: Final = WELL_KNOWN_COMMUNITIES["graceful-shutdown"]
_MEMO: Final = 16384


@attrs.define(eq=False)
class Ingress:
    """How the routes of one peer are taken in one session."""

    config: PeerConfig

    peer_as: int
    """The peer's AS."""

    local_address: Address
    """Our address on the connection."""

    router_id: IPv4Address
    """Our BGP Identifier."""

    _telltales: tuple[bytes, ...] = attrs.field(init=False)
    _changed: dict[tuple[Candidate, Family], Candidate] = attrs.field(factory=dict, init=False)

    @_telltales.default
    def _find_telltales(self) -> tuple[bytes, ...]:
        """The octets of which a route without a role to judge by contains some, if any rule concerns it."""
        config = self.config
        asns = {config.local_as, config.confederation.identifier if config.confederation else config.local_as}
        addresses = {self.local_address, self.router_id, config.cluster_id or self.router_id}
        return (
            *(asn.to_bytes(4, "big") for asn in asns),
            *(address.packed for address in addresses),
            _GRACEFUL_SHUTDOWN.to_bytes(4, "big"),
        )

    def admit(self, family: Family, candidate: Candidate) -> Candidate | Refusal:
        """Return the candidate as it takes part, or why it does not."""
        if self.config.role is None:
            next_hop, wire = candidate.next_hop, candidate.attributes.wire
            if next_hop is not None:
                wire += next_hop.wire
            for octets in self._telltales:
                if octets in wire:
                    break
            else:
                return candidate
        return self.examine(family, candidate)

    def examine(self, family: Family, candidate: Candidate) -> Candidate | Refusal:
        """What `admit` does, by the rules one by one."""
        refusal = self._loop(candidate) or self._own_next_hop(candidate)
        if refusal is not None:
            return refusal
        role = self._role(family)
        drained = self._is_drained(candidate)
        if role is None and not drained:
            return candidate
        otc = candidate.attributes.only_to_customer
        if _is_leak(role, otc, self.peer_as):
            return Refusal.LEAKED
        added = self.peer_as if otc is None and role in _FROM_ABOVE else None
        return self._change(family, candidate, added, drained) if added or drained else candidate

    def _change(self, family: Family, candidate: Candidate, otc: int | None, drained: bool) -> Candidate:
        key = candidate, family
        changed = self._changed.get(key)
        if changed is None:
            if len(self._changed) >= _MEMO:
                self._changed.clear()
            attributes = candidate.attributes
            if otc is not None:
                attributes = attributes.evolve(only_to_customer=otc)
            if drained:
                attributes = attributes.evolve(local_pref=0)
            changed = self._changed[key] = attrs.evolve(candidate, attributes=attributes)
        return changed

    def _loop(self, candidate: Candidate) -> Refusal | None:
        attributes, wire, config = candidate.attributes, candidate.attributes.wire, self.config
        if _occurs(config.local_as, attributes, config.allow_own_as):
            return Refusal.AS_LOOP
        identifier = config.confederation.identifier if config.confederation else config.local_as
        if identifier != config.local_as and _occurs(identifier, attributes, config.allow_own_as):
            # RFC 5065 4: outside of confederation segments; inside, members have other numbers.
            return Refusal.CONFEDERATION_LOOP
        if candidate.source.peer_type is PeerType.INTERNAL:
            if self.router_id.packed in wire and attributes.originator_id == self.router_id:
                return Refusal.ORIGINATED_HERE
            cluster = config.cluster_id or self.router_id
            if cluster.packed in wire and cluster in attributes.cluster_list:
                return Refusal.CLUSTER_LOOP
        return None

    def _own_next_hop(self, candidate: Candidate) -> Refusal | None:
        # Without its zone, which next hops do not have.
        ours, attributes = self.local_address.packed, candidate.attributes
        if candidate.next_hop is not None:
            is_own = any(address.packed == ours for address in candidate.next_hop.addresses)
        else:
            is_own = ours in attributes.wire and attributes.next_hop == self.local_address
        # Both ends may have one address, where two speakers run on one host.
        if is_own and self.local_address != candidate.source.address:
            return Refusal.NEXT_HOP_OURSELVES
        return None

    def _role(self, family: Family) -> Role | None:
        """What we are to the peer, where that matters (RFC 9234 5)."""
        applies = family in (IPV4_UNICAST, IPV6_UNICAST) and self.config.peer_type is PeerType.EXTERNAL
        return self.config.role if applies else None

    def _is_drained(self, candidate: Candidate) -> bool:
        wire = candidate.attributes.wire
        return (
            self.config.honour_graceful_shutdown
            and _GRACEFUL_SHUTDOWN.to_bytes(4, "big") in wire
            and candidate.source.peer_type is not PeerType.INTERNAL
            and _GRACEFUL_SHUTDOWN in candidate.attributes.communities
        )


_FROM_ABOVE: Final = frozenset({Role.CUSTOMER, Role.ROUTE_SERVER_CLIENT, Role.PEER})
"""What we are to those from whom routes come down or across."""


def _occurs(asn: int, attributes: PathAttributes, tolerated: int) -> bool:
    """Whether an AS is in the path more often than it may be."""
    if asn.to_bytes(4, "big") not in attributes.wire or attributes.as_path is None:
        return False
    return attributes.as_path.asns.count(asn) > tolerated


def _is_leak(role: Role | None, otc: int | None, peer_as: int) -> bool:
    # RFC 9234 5.
    if otc is None or role is None:
        return False
    return role in (Role.PROVIDER, Role.ROUTE_SERVER) or (role is Role.PEER and otc != peer_as)
