"""The configuration in force: pools of addresses, how each is advertised, and the BGP peers.

There is one form of it, whichever way people write it down (configmap.py reads MetalLB v0.7's ConfigMap), and it
is legal by construction: whoever holds a `Config` need not check it again. How a pool is advertised is a property
of its advertisements, as in today's MetalLB, not a protocol per pool as in v0.7; a pool may have both kinds.
"""

import enum
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, summarize_address_range
from typing import TypeAlias

import attrs

from k8sglue.selectors import Selector

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network


@attrs.frozen
class AddressRange:
    """All addresses from `first` to `last`, both included, of one family."""

    first: IPAddress
    last: IPAddress

    def __contains__(self, address: IPAddress) -> bool:
        return self.first.version == address.version and int(self.first) <= int(address) <= int(self.last)

    @property
    def size(self) -> int:
        """How many addresses it has."""
        return int(self.last) - int(self.first) + 1

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"

    def overlaps(self, other: "AddressRange") -> bool:
        """Tell whether an address is in both."""
        return self.first in other or other.first in self

    def networks(self) -> Iterator[IPNetwork]:
        """Go through the fewest networks that make up the range."""
        return summarize_address_range(self.first, self.last)


class Protocol(enum.Enum):
    """A way to attract traffic for an address."""

    LAYER2 = "layer2"
    BGP = "bgp"


@attrs.frozen
class BGPAdvertisement:
    """One way to announce a pool's addresses by BGP. Several for one pool are all announced."""

    aggregation_length: int = 32
    """Prefix length that IPv4 addresses are announced with, 1 to 32; IPv6 addresses are with 128."""
    local_pref: int | None = None
    """LOCAL_PREF towards internal peers, 0 to 2**32-1; None for BGP's usual 100."""
    communities: tuple[str, ...] = ()
    """`a:b`, sorted, each half from 0 to 65535."""


@attrs.frozen(kw_only=True)
class Pool:
    """Addresses that Services may get, and how they are announced."""

    name: str
    ranges: tuple[AddressRange, ...]
    auto_assign: bool = True
    """Give addresses to Services that do not ask for this pool."""
    avoid_buggy_ips: bool = False
    """Never give out IPv4 addresses that end in .0 or .255."""
    layer2: bool = False
    """Announce by ARP and Neighbor Discovery."""
    bgp: tuple[BGPAdvertisement, ...] = ()
    """Announce by BGP, in each of these ways."""

    def __contains__(self, address: IPAddress) -> bool:
        return any(address in addresses for addresses in self.ranges)

    def is_usable(self, address: IPAddress) -> bool:
        """Tell whether the pool may give out this address of its own."""
        return not (self.avoid_buggy_ips and address.version == 4 and int(address) & 0xFF in (0, 255))

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The ways in which the pool is announced."""
        return (Protocol.LAYER2,) * self.layer2 + (Protocol.BGP,) * bool(self.bgp)


@attrs.frozen(kw_only=True)
class Peer:
    """A BGP router that the speakers of some nodes connect to."""

    address: IPAddress
    asn: int
    my_asn: int
    port: int = 179
    hold_time: float = 90.0
    """Seconds to propose, 0 (no keepalives) or 3 to 65535."""
    router_id: IPv4Address | None = None
    """BGP Identifier; None takes the address that the connection leaves from."""
    password: str = attrs.field(default="", repr=False)
    """For TCP MD5 signatures (RFC 2385), empty for none."""
    node_selectors: tuple[Selector, ...] = (Selector(),)
    """Nodes that connect, by label: those that any of the selectors selects."""

    @property
    def name(self) -> str:
        """`address:port`, which metrics and people know the peer by."""
        return f"[{self.address}]:{self.port}" if self.address.version == 6 else f"{self.address}:{self.port}"

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Tell whether a node with these labels connects to the peer."""
        return any(selector.matches(labels) for selector in self.node_selectors)


@attrs.frozen(kw_only=True)
class Config:
    """All that is configured, checked against each other: no two pools share an address or a name."""

    pools: Mapping[str, Pool] = attrs.field(factory=dict)
    """By name, in the order in which they were written down."""
    peers: tuple[Peer, ...] = ()
    complete: bool = True
    """False if a pool had to be set aside: an address outside of all pools may then be one of its."""

    def pool_of(self, address: IPAddress) -> Pool | None:
        """Return the pool that an address is in."""
        return next((pool for pool in self.pools.values() if address in pool), None)

    def keeping(self, previous: "Config", pools: frozenset[str], peers: frozenset[str]) -> "Config":
        """Take back what was in force before of the pools and peers that had to be set aside.

        `pools` and `peers` are their names. A pool whose old ranges overlap with what is now in force stays out.
        """
        kept = dict(self.pools)
        for name in pools & previous.pools.keys() - kept.keys():
            if overlap(previous.pools[name], kept) is None:
                kept[name] = previous.pools[name]
        taken = {(peer.name, peer.node_selectors) for peer in self.peers}
        old_peers = tuple(
            peer
            for peer in previous.peers
            if peer.name in peers and (peer.name, peer.node_selectors) not in taken
        )
        return attrs.evolve(self, pools=kept, peers=self.peers + old_peers)


def overlap(pool: Pool, others: Mapping[str, Pool]) -> tuple[AddressRange, Pool, AddressRange] | None:
    """Return a range of `pool`, a pool among `others` and a range of that pool that overlaps it, if any does."""
    return next(
        (
            (mine, other, theirs)
            for other in others.values()
            for theirs in other.ranges
            for mine in pool.ranges
            if mine.overlaps(theirs)
        ),
        None,
    )


def parse_address(text: str) -> IPAddress | None:
    """Read an IP address, without a zone; None if it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id else address
