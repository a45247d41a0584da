"""What one node should announce, and for everything else the reason why not.

All that the cluster says goes in, one value comes out; nothing is remembered between two calls. The speaker hands
the result to `bgp` and `arp`, which send the difference to what they announced before. `k8sglue plan` prints it.
The rules are today's MetalLB's: layer 2 needs one node that all speakers agree on, BGP wants every node that can
deliver; with `externalTrafficPolicy: Local` that is a node with an endpoint of its own, otherwise any node as long
as there is an endpoint somewhere.

Both families are announced in both ways. One BGP session carries the routes of both (RFC 4760): those of its own
family lead to the address that the session leaves from, those of the other one to the node's InternalIP of that family.
"""

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping
from ipaddress import ip_network

import attrs

import bgp
from bgp.nlri import Destination
from k8sglue.config import Config, IPAddress, Peer, Pool, Protocol, parse_address
from k8sglue.election import rank
from k8sglue.fields import printable
from k8sglue.resources import Endpoint, EndpointSlice, Key, Node, Service

EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
"""A node with this label announces nothing."""


class Silence(enum.Enum):
    """Why a node does not announce a Service."""

    NO_CONFIG = "there is no configuration yet"
    """The ConfigMap is missing, or was never readable."""
    NOT_LOAD_BALANCER = "it is not of type LoadBalancer"
    """Nobody asked for it to be announced."""
    OTHER_CLASS = "it belongs to {}"
    """`spec.loadBalancerClass` names somebody else's implementation."""
    NO_ADDRESS = "it has no address"
    """The controller has not given it one; its events say why."""
    INVALID_ADDRESS = "its status has {}, which is not an IP address"
    """Somebody else wrote its status."""
    IN_NO_POOL = "{} is in no pool"
    """How to announce an address is a property of its pool."""
    POOL_SET_ASIDE = "{} is in no pool, but a pool had to be set aside"
    """How it was announced is not known since this speaker started: the configuration has a problem."""
    NODE_UNKNOWN = "there is no Node {}"
    """The speaker's --node-name, or the Node was deleted."""
    NODE_EXCLUDED = f"the node has the label {EXCLUDE_LABEL}"
    """Somebody took the node out of load balancing."""
    NETWORK_UNAVAILABLE = "the node's condition NetworkUnavailable is True"
    """The node can not deliver."""
    NO_ENDPOINTS = "no endpoint can serve"
    """No pod of the Service is ready, anywhere."""
    NO_LOCAL_ENDPOINTS = "no endpoint on this node can serve, and externalTrafficPolicy is Local"
    """Another node may announce it."""
    NOT_ELECTED = "{} announces it"
    """Layer 2: one node answers for an address, and it is another one."""
    NO_CANDIDATE = "no node with a living speaker can deliver it"
    """Layer 2: there is nobody to elect."""
    NO_PEER = "no BGP peer is configured for this node"
    """There is nobody to announce it to."""
    NO_NEXT_HOP = "the node has no {} address that its route could lead to"
    """BGP: every peer is reached by the other family, and no InternalIP of the Node is of this one."""


@attrs.frozen
class Refusal:
    """One Service that is not announced, or not in one way, and why."""

    reason: Silence
    protocol: Protocol | None = None
    """The way in which it is not; None for in no way at all."""
    detail: str = ""

    def __str__(self) -> str:
        return self.reason.value.format(self.detail)


@attrs.frozen
class Announcement:
    """One address of a Service that is announced, and how."""

    address: IPAddress
    protocol: Protocol


@attrs.frozen(kw_only=True)
class Verdict:
    """What becomes of one Service on one node."""

    announced: tuple[Announcement, ...] = ()
    refused: tuple[Refusal, ...] = ()


@attrs.frozen(kw_only=True)
class Desired:
    """All that one node should announce."""

    addresses: frozenset[IPAddress] = frozenset()
    """What to answer for on the LAN, by ARP and Neighbor Discovery."""
    peers: tuple[Peer, ...] = ()
    """Whom to have BGP sessions with, no two of one name."""
    routes: tuple[bgp.Route, ...] = ()
    """What to announce to each of them, one route a prefix."""
    next_hops: frozenset[IPAddress] = frozenset()
    """The node's own address of each family that it has: where routes of that family lead, by peers of the other."""
    services: Mapping[Key, Verdict] = attrs.field(factory=dict)
    """What becomes of each Service, and why."""


@attrs.frozen(kw_only=True)
class Cluster:
    """All that the decision depends on."""

    config: Config | None
    services: Mapping[Key, Service]
    endpoint_slices: Mapping[Key, EndpointSlice]
    nodes: Mapping[Key, Node]
    alive: frozenset[str]
    """Names of the nodes whose speakers are alive."""
    lb_class: str = ""
    """The `loadBalancerClass` of the Services that are ours; empty for those without one."""


def desire(cluster: Cluster, node_name: str) -> Desired:
    """Decide what the node should announce."""
    return _Decision(cluster, node_name).desired()


class _Decision:
    def __init__(self, cluster: Cluster, node_name: str) -> None:
        self.cluster = cluster
        self.node_name = node_name
        self.node = cluster.nodes.get(Key("", node_name))
        self.node_silence = _node_silence(self.node, node_name)
        self.peers = _peers(cluster.config, self.node) if self.node_silence is None else ()
        self.next_hops = _next_hops(self.node)
        self.serving: dict[Key, list[Endpoint]] = defaultdict(list)
        for part in cluster.endpoint_slices.values():
            self.serving[part.service] += [endpoint for endpoint in part.endpoints if endpoint.can_serve]
        self.eligible = frozenset(
            node.name
            for node in cluster.nodes.values()
            if node.name in cluster.alive and _node_silence(node, node.name) is None
        )

    def desired(self) -> Desired:
        addresses: set[IPAddress] = set()
        routes: dict[Destination, bgp.Route] = {}
        verdicts: dict[Key, Verdict] = {}
        for key, service in sorted(self.cluster.services.items()):
            verdicts[key] = verdict = self._verdict(service)
            for announcement in verdict.announced:
                if announcement.protocol is Protocol.LAYER2:
                    addresses.add(announcement.address)
                else:
                    self._add_routes(routes, announcement.address)
        return Desired(
            addresses=frozenset(addresses),
            peers=self.peers,
            routes=tuple(routes.values()),
            next_hops=self.next_hops,
            services=verdicts,
        )

    def _verdict(self, service: Service) -> Verdict:
        refusal = _service_refusal(service, self.cluster.lb_class) or self._general_refusal(service)
        if refusal:
            return Verdict(refused=(refusal,))
        announced: list[Announcement] = []
        refused: list[Refusal] = []
        for text in service.ingress:
            for outcome in self._address_outcomes(service, text):
                if isinstance(outcome, Announcement):
                    announced.append(outcome)
                else:
                    refused.append(outcome)
        return Verdict(announced=tuple(announced), refused=tuple(refused))

    def _general_refusal(self, service: Service) -> Refusal | None:
        if self.cluster.config is None:
            return Refusal(Silence.NO_CONFIG)
        if self.node_silence:
            return Refusal(self.node_silence, detail=self.node_name)
        if not self.serving[service.key]:
            return Refusal(Silence.NO_ENDPOINTS)
        return None

    def _address_outcomes(self, service: Service, text: str) -> Iterable[Announcement | Refusal]:
        assert self.cluster.config is not None
        address = parse_address(text)
        if address is None:
            return [Refusal(Silence.INVALID_ADDRESS, detail=printable(text))]
        pool = self.cluster.config.pool_of(address)
        if pool is None:
            complete = self.cluster.config.complete
            return [Refusal(Silence.IN_NO_POOL if complete else Silence.POOL_SET_ASIDE, detail=text)]
        return [
            self._protocol_refusal(service, address, protocol) or Announcement(address, protocol)
            for protocol in pool.protocols
        ]

    def _protocol_refusal(self, service: Service, address: IPAddress, protocol: Protocol) -> Refusal | None:
        match protocol:
            case Protocol.LAYER2:
                return self._layer2_refusal(service)
            case Protocol.BGP:
                return self._bgp_refusal(service, address)

    def _layer2_refusal(self, service: Service) -> Refusal | None:
        candidates = self.eligible
        if service.external_traffic_policy == "Local":
            candidates &= {endpoint.node_name for endpoint in self.serving[service.key]}
        # One node for all addresses of a Service: its first address decides, as in MetalLB.
        address = parse_address(service.ingress[0])
        if not candidates or address is None:
            return Refusal(Silence.NO_CANDIDATE, Protocol.LAYER2)
        winner = rank(candidates, address)[0]
        if winner != self.node_name:
            return Refusal(Silence.NOT_ELECTED, Protocol.LAYER2, winner)
        return None

    def _bgp_refusal(self, service: Service, address: IPAddress) -> Refusal | None:
        local = any(endpoint.node_name == self.node_name for endpoint in self.serving[service.key])
        if service.external_traffic_policy == "Local" and not local:
            return Refusal(Silence.NO_LOCAL_ENDPOINTS, Protocol.BGP)
        if not self.peers:
            return Refusal(Silence.NO_PEER, Protocol.BGP)
        if not any(address.version in versions(peer, self.next_hops) for peer in self.peers):
            return Refusal(Silence.NO_NEXT_HOP, Protocol.BGP, f"IPv{address.version}")
        return None

    def _add_routes(self, routes: dict[Destination, bgp.Route], address: IPAddress) -> None:
        assert self.cluster.config is not None
        pool = self.cluster.config.pool_of(address)
        assert pool is not None
        for route in _routes(pool, address):
            other = routes.get(route.prefix)
            routes[route.prefix] = _merged(route, other) if other else route


def versions(peer: Peer, next_hops: frozenset[IPAddress]) -> frozenset[int]:
    """Return the IP versions whose routes a peer can be told, by a node with these addresses."""
    own = () if peer.address is None else (peer.address.version,)
    return frozenset({*own, *(address.version for address in next_hops)})


def _node_silence(node: Node | None, name: str) -> Silence | None:
    if node is None:
        return Silence.NODE_UNKNOWN
    if EXCLUDE_LABEL in node.labels:
        return Silence.NODE_EXCLUDED
    return Silence.NETWORK_UNAVAILABLE if node.network_unavailable else None


def _service_refusal(service: Service, lb_class: str) -> Refusal | None:
    if service.type != "LoadBalancer":
        return Refusal(Silence.NOT_LOAD_BALANCER)
    if service.load_balancer_class != lb_class:
        theirs = service.load_balancer_class
        return Refusal(
            Silence.OTHER_CLASS,
            detail=f"the load balancer class {theirs}" if theirs else "no load balancer class",
        )
    return None if service.ingress else Refusal(Silence.NO_ADDRESS)


def _peers(config: Config | None, node: Node | None) -> tuple[Peer, ...]:
    """Return the node's peers; of several at one address and port the first counts."""
    if config is None or node is None:
        return ()
    by_endpoint: dict[str, Peer] = {}
    for peer in config.peers:
        # Peers that are found by their interface, and those in a VRF, are not connected to yet.
        if peer.selects(node.labels) and peer.address is not None and not peer.vrf:
            by_endpoint.setdefault(peer.endpoint, peer)
    return tuple(by_endpoint.values())


def _next_hops(node: Node | None) -> frozenset[IPAddress]:
    """Return the first address of each family that the Node says it has, and that a packet can be sent to."""
    first: dict[int, IPAddress] = {}
    for address in map(parse_address, node.internal_ips if node else ()):
        if address is not None and not (
            address.is_multicast or address.is_unspecified or address.is_loopback or address.is_link_local
        ):
            first.setdefault(address.version, address)
    return frozenset(first.values())


def _routes(pool: Pool, address: IPAddress) -> Iterable[bgp.Route]:
    for advertisement in pool.bgp:
        length = (
            advertisement.aggregation_length if address.version == 4 else advertisement.aggregation_length_v6
        )
        network = ip_network(f"{address}/{length}", strict=False)
        large = "large:"
        yield bgp.Route(
            str(network),
            communities=[each for each in advertisement.communities if not each.startswith(large)],
            large_communities=[
                each.removeprefix(large) for each in advertisement.communities if each.startswith(large)
            ],
            local_pref=advertisement.local_pref,
        )


def _merged(route: bgp.Route, other: bgp.Route) -> bgp.Route:
    """Join two ways of announcing one prefix: all communities, the higher preference."""
    return route.evolve(
        communities=[*route.communities, *other.communities],
        large_communities=[*route.large_communities, *other.large_communities],
        local_pref=max((p for p in (route.local_pref, other.local_pref) if p is not None), default=None),
    )
