"""The configuration in force: pools of addresses, how each is advertised, and the BGP peers.

There is one form of it, whichever way people write it down: as the `metallb.io` resources (customresources.py) or as
MetalLB's ConfigMap (configmap.py). judgement.py makes it of them, so it is legal by construction, and whoever holds a
`Config` need not check it again. How a pool is advertised is a property of its advertisements, as in today's MetalLB,
not a protocol per pool as in v0.7; a pool may have both kinds.

An empty tuple of selectors selects everything, here and everywhere below. All times are in seconds.
"""

import enum
import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, summarize_address_range
from typing import TypeAlias

import attrs

from k8sglue.selectors import Selector, selected

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


class AllocationOrder(enum.Enum):
    """Which of a pool's free addresses a Service gets that asks for none."""

    LOWEST = "Lowest"
    """The lowest one, as in MetalLB."""
    RANDOM = "Random"
    """Any one: an address tells nothing about when it was given."""
    LEAST_RECENTLY_USED = "LeastRecentlyUsed"
    """One that never was in use, else the one that was given back longest ago."""


class Placement(enum.Enum):
    """How layer-2 addresses are spread over nodes."""

    HASH = "Hash"
    """Each by itself, by a hash of node and address, as in MetalLB."""
    BALANCED = "Balanced"
    """No node has more than its share, rounded up."""


class ConflictPolicy(enum.Enum):
    """What to do about another station that uses an address of ours (RFC 5227 2.4)."""

    DEFEND = "Defend"
    """Announce the address again, and never give it up."""
    YIELD = "Yield"
    """Announce it again, but give it up if the conflict goes on."""
    IGNORE = "Ignore"
    """Do nothing but tell."""


class DynamicASN(enum.Enum):
    """Which AS numbers are accepted of a peer whose number is not written down."""

    INTERNAL = "internal"
    """Ours."""
    EXTERNAL = "external"
    """Any but ours."""


class Weight(enum.Enum):
    """What a node's routes tell of its share of the traffic."""

    ENDPOINT_COUNT = "EndpointCount"
    """As many parts as it has endpoints, by the link bandwidth extended community."""


@attrs.frozen(kw_only=True)
class ServiceScope:
    """Which Services a pool is for (`spec.serviceAllocation`). A pool that has a scope refuses all others.

    The namespace must be named or selected, and the Service selected; what is empty restricts nothing.
    """

    priority: int = 0
    """Pools that admit a Service are tried in this order, 1 first; 0 is after all others. Ties go by name."""
    namespaces: frozenset[str] = frozenset()
    namespace_selectors: tuple[Selector, ...] = ()
    service_selectors: tuple[Selector, ...] = ()

    def admits(
        self, namespace: str, namespace_labels: Mapping[str, str], service_labels: Mapping[str, str]
    ) -> bool:
        """Tell whether a Service in this namespace, with these labels, may have an address of the pool."""
        restricted = self.namespaces or self.namespace_selectors
        there = namespace in self.namespaces or (
            bool(self.namespace_selectors) and selected(self.namespace_selectors, namespace_labels)
        )
        return (not restricted or there) and selected(self.service_selectors, service_labels)


@attrs.frozen
class WeightedSelector:
    """Nodes that should rather announce: those of the highest sum of weights win."""

    weight: int
    """1 to 100."""
    selector: Selector


@attrs.frozen(kw_only=True)
class L2Advertisement:
    """One way to announce a pool's addresses by ARP and Neighbor Discovery."""

    name: str = "default"
    node_selectors: tuple[Selector, ...] = ()
    """Nodes that may announce."""
    service_selectors: tuple[Selector, ...] = ()
    """Services that are announced so."""
    interfaces: tuple[str, ...] = ()
    """The only interfaces to answer on; empty for all."""
    preferred_node_selectors: tuple[WeightedSelector, ...] = ()
    placement: Placement = Placement.HASH
    failback: float = 0.0
    """How long a node must be back until it takes its addresses again: 0 at once, `math.inf` never."""
    gratuitous_interval: float = 60.0
    """Between two announcements of an address that has been announced before, 1 to 3600; 0: none."""
    conflict_policy: ConflictPolicy = ConflictPolicy.DEFEND
    probe_before_claim: bool = False
    """Ask whether somebody has the address before answering for it (RFC 5227 2.1, RFC 4862 5.4)."""


@attrs.frozen(kw_only=True)
class BGPAdvertisement:
    """One way to announce a pool's addresses by BGP. Several for one pool are all announced."""

    name: str = "default"
    aggregation_length: int = 32
    """Prefix length that IPv4 addresses are announced with, 1 to 32."""
    aggregation_length_v6: int = 128
    """Prefix length that IPv6 addresses are announced with, 1 to 128."""
    local_pref: int | None = None
    """LOCAL_PREF towards internal peers, 0 to 2**32-1; None for BGP's usual 100."""
    communities: tuple[str, ...] = ()
    """Sorted: `a:b`, each half from 0 to 65535, or `large:a:b:c`, each part from 0 to 2**32-1 (RFC 8092)."""
    peers: tuple[str, ...] = ()
    """Names of the peers to announce to, sorted; empty for all."""
    node_selectors: tuple[Selector, ...] = ()
    """Nodes that may announce."""
    service_selectors: tuple[Selector, ...] = ()
    """Services that are announced so."""
    med: int | None = None
    """MULTI_EXIT_DISC, 0 to 2**32-1; None for none."""
    as_path_prepend: int = 0
    """How often our AS number is put into AS_PATH once more, 0 to 10."""
    extended_communities: tuple[str, ...] = ()
    """As `bgp.ExtendedCommunity` writes them, sorted: `rt:64512:7`."""
    weight: Weight | None = None
    """None for none: all nodes get the same share."""


@attrs.frozen(kw_only=True)
class Pool:
    """Addresses that Services may get, and how they are announced."""

    name: str
    ranges: tuple[AddressRange, ...]
    """What may be given out; no two overlap, in this pool or others."""
    kept: tuple[AddressRange, ...] = ()
    """Addresses that the pool used to have, and that Services still have: given to nobody else, announced as ever."""
    labels: Mapping[str, str] = attrs.field(factory=dict)
    auto_assign: bool = True
    """Give addresses to Services that do not ask for this pool."""
    avoid_buggy_ips: bool = False
    """Never give out IPv4 addresses that end in .0 or .255."""
    scope: ServiceScope | None = None
    """Which Services it is for; None for all."""
    order: AllocationOrder = AllocationOrder.LOWEST
    reuse_delay: float = 0.0
    """For so long an address that was given back is not given to another Service that does not ask for it."""
    reserved: tuple[AddressRange, ...] = ()
    """Parts of `ranges` that only Services get that ask for the address."""
    quota: int | None = None
    """How many addresses the Services of one namespace may have at most, 1 or more; None for no limit."""
    layer2: tuple[L2Advertisement, ...] = ()
    """Announce by ARP and Neighbor Discovery, in each of these ways."""
    bgp: tuple[BGPAdvertisement, ...] = ()
    """Announce by BGP, in each of these ways."""

    def __contains__(self, address: IPAddress) -> bool:
        return any(address in addresses for addresses in self.ranges + self.kept)

    @property
    def protocols(self) -> tuple[Protocol, ...]:
        """The ways in which the pool is announced."""
        return (Protocol.LAYER2,) * bool(self.layer2) + (Protocol.BGP,) * bool(self.bgp)


@attrs.frozen(kw_only=True)
class BFDProfile:
    """How fast to notice that the path to a peer is broken (RFC 5880)."""

    name: str
    receive_interval: float = 0.3
    """0.01 to 60."""
    transmit_interval: float = 0.3
    """0.01 to 60."""
    multiplier: int = 3
    """How many packets in a row may be missed, 2 to 255."""
    passive: bool = False
    """Send nothing before the peer does (RFC 5880 6.1)."""
    minimum_ttl: int = 254
    """The smallest TTL to take of a peer that is several hops away, 1 to 254."""


@attrs.frozen(kw_only=True)
class Peer:
    """A BGP router that the speakers of some nodes have sessions with."""

    name: str
    """Of the BGPPeer, by which advertisements name it."""
    address: IPAddress | None = None
    """Exactly one of `address` and `interface` is given."""
    interface: str = ""
    """The interface that the peer is the only other router on; its address is the link-local one that it announces."""
    asn: int | None = None
    """The peer's AS number; exactly one of `asn` and `dynamic_asn` is given."""
    dynamic_asn: DynamicASN | None = None
    my_asn: int
    local_asn: int | None = None
    """An AS number to show to this peer instead of `my_asn`; None for `my_asn`."""
    port: int = 179
    source_address: IPAddress | None = None
    """Of ours, to connect from; None leaves it to the kernel."""
    hold_time: float = 90.0
    """To propose: 0 (no keepalives) or 3 to 65535, a whole number."""
    keepalive_time: float | None = None
    """Between two KEEPALIVEs, a whole number; None for a third of the hold time that is agreed on."""
    connect_time: float | None = None
    """Between two attempts to connect, 1 to 65535, a whole number; None for the library's default."""
    router_id: IPv4Address | None = None
    """BGP Identifier; None takes the address that the connection leaves from."""
    password: str = attrs.field(default="", repr=False)
    """For TCP MD5 signatures (RFC 2385), empty for none."""
    bfd_profile: BFDProfile | None = None
    graceful_restart: bool = False
    """Ask the peer to keep our routes while we restart (RFC 4724)."""
    ebgp_multihop: bool = False
    """The peer may be several hops away."""
    vrf: str = ""
    """The Linux VRF that the peer is in, empty for none."""
    dual_stack: bool = False
    """Carry the routes of both families over this one session."""
    listen: bool = False
    """Take connections of the peer too."""
    passive: bool = False
    """Never connect, wait for the peer to; implies `listen`."""
    ttl_security: int | None = None
    """At most how many hops away the peer is, 1 to 254 (GTSM, RFC 5082); None: not checked."""
    max_prefixes: int | None = None
    """How many prefixes the peer may announce until the session is ended; None for no limit."""
    shutdown_message: str = ""
    """Told to the peer when a session is ended on purpose (RFC 9003), at most 255 octets."""
    node_selectors: tuple[Selector, ...] = ()
    """Nodes that connect, by label."""

    @property
    def endpoint(self) -> str:
        """`address:port`, which metrics and people know the peer by."""
        host = self.interface if self.address is None else str(self.address)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"

    @property
    def accepted_asn(self) -> int | None:
        """The AS number that the peer must have; None for any but ours."""
        return self.my_asn if self.dynamic_asn is DynamicASN.INTERNAL else self.asn

    def selects(self, labels: Mapping[str, str]) -> bool:
        """Tell whether a node with these labels connects to the peer."""
        return selected(self.node_selectors, labels)


@attrs.frozen(kw_only=True)
class Config:
    """All that is configured, checked against each other: no two pools share an address or a name."""

    pools: Mapping[str, Pool] = attrs.field(factory=dict)
    """By name, in the order in which they were written down; resources before the ConfigMap, by name."""
    peers: tuple[Peer, ...] = ()
    """No two of one name."""
    complete: bool = True
    """False if a pool had to be set aside: an address outside of all pools may then be one of its."""

    _spans: tuple[tuple[int, int, int, str], ...] = attrs.field(init=False, eq=False, repr=False)
    """IP version, first, last and pool of each range, sorted."""

    @_spans.default
    def _sorted_spans(self) -> tuple[tuple[int, int, int, str], ...]:
        return tuple(
            sorted(
                (each.first.version, int(each.first), int(each.last), pool.name)
                for pool in self.pools.values()
                for each in pool.ranges + pool.kept
            )
        )

    def pool_of(self, address: IPAddress) -> Pool | None:
        """Return the pool that an address is in."""
        number = int(address)
        index = bisect_right(self._spans, (address.version, number, math.inf)) - 1
        if index < 0:
            return None
        version, _, last, name = self._spans[index]
        return self.pools[name] if version == address.version and number <= last else None


def parse_address(text: str) -> IPAddress | None:
    """Read an IP address, without a zone; None if it is none."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return None if isinstance(address, IPv6Address) and address.scope_id else address
