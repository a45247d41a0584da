"""The custom resources of the group `metallb.io`, field by field: MetalLB's, and the ones that we add.

The values are as people write them: what a name refers to, and whether several values go together, is not known here
but judged by rules.py (one thing alone) and judgement.py (all of them). The ConfigMap is read into the same values.
"""

from typing import TypeAlias

import attrs

from k8sglue.config import AllocationOrder, ConflictPolicy, Placement, Weight
from k8sglue.peerspecs import BFDProfileSpec, BGPPeerSpec
from k8sglue.schema import (
    UINT32,
    Boolean,
    Choice,
    Duration,
    Each,
    Integer,
    One,
    OneSelector,
    Selectors,
    Text,
    Texts,
    declared,
)
from k8sglue.selectors import Selector


@attrs.frozen(kw_only=True)
class ServiceAllocationSpec:
    """Which Services a pool is for."""

    priority: int = declared(
        "priority", Integer(0, 2**31 - 1), "Pools are tried in this order, 1 first, 0 last.", 0
    )
    namespaces: tuple[str, ...] = declared("namespaces", Texts(), "Namespaces whose Services it is for.", ())
    namespace_selectors: tuple[Selector, ...] = declared(
        "namespaceSelectors", Selectors(), "Namespaces whose Services it is for, by label.", ()
    )
    service_selectors: tuple[Selector, ...] = declared(
        "serviceSelectors", Selectors(), "Services that it is for, by label.", ()
    )


@attrs.frozen(kw_only=True)
class IPAddressPoolSpec:
    """IPAddressPool: addresses that Services may get."""

    addresses: tuple[str, ...] = declared(
        "addresses",
        Texts("a list of networks (10.0.0.0/24) and ranges (10.0.0.1-10.0.0.9)"),
        "Networks and ranges, of IPv4 and IPv6.",
        (),
        key="addresses",
        required=True,
    )
    auto_assign: bool = declared(
        "autoAssign",
        Boolean(),
        "Give addresses to Services that do not ask for the pool.",
        True,
        key="auto-assign",
    )
    avoid_buggy_ips: bool = declared(
        "avoidBuggyIPs",
        Boolean(),
        "Never give out IPv4 addresses that end in .0 or .255.",
        False,
        key="avoid-buggy-ips",
    )
    service_allocation: ServiceAllocationSpec | None = declared(
        "serviceAllocation",
        One(ServiceAllocationSpec),
        "Which Services the pool is for; all others are refused.",
        None,
    )
    allocation: AllocationOrder = declared(
        "allocation",
        Choice(AllocationOrder),
        "Which of the free addresses a Service gets.",
        AllocationOrder.LOWEST,
        ours=True,
    )
    reuse_delay: float = declared(
        "reuseDelay",
        Duration(1, 31536000, zero="at once"),
        "How long an address that was given back is not given to another Service.",
        0.0,
        ours=True,
    )
    reserved: tuple[str, ...] = declared(
        "reserved",
        Texts("a list of addresses, networks and ranges"),
        "Addresses, networks and ranges that only Services get that ask for the address.",
        (),
        ours=True,
    )
    quota: int | None = declared(
        "quota", Integer(1, 2**31 - 1), "How many addresses one namespace may have at most.", None, ours=True
    )


@attrs.frozen(kw_only=True)
class BGPAdvertisementSpec:
    """BGPAdvertisement: a way to announce the addresses of pools by BGP."""

    aggregation_length: int = declared(
        "aggregationLength",
        Integer(1, 32),
        "The length of the prefixes that IPv4 addresses are announced by.",
        32,
        key="aggregation-length",
    )
    aggregation_length_v6: int = declared(
        "aggregationLengthV6",
        Integer(1, 128),
        "The length of the prefixes that IPv6 addresses are announced by.",
        128,
        key="aggregation-length-v6",
    )
    local_pref: int | None = declared(
        "localPref", Integer(0, UINT32), "LOCAL_PREF towards internal peers.", None, key="localpref"
    )
    communities: tuple[str, ...] = declared(
        "communities", Texts(), "a:b, large:a:b:c, or an alias of a Community.", (), key="communities"
    )
    ip_address_pools: tuple[str, ...] = declared(
        "ipAddressPools", Texts(), "The pools to announce (default: all, if no selector is given).", ()
    )
    ip_address_pool_selectors: tuple[Selector, ...] = declared(
        "ipAddressPoolSelectors", Selectors(), "The pools to announce, by label.", ()
    )
    node_selectors: tuple[Selector, ...] = declared(
        "nodeSelectors", Selectors(), "The nodes that announce (default: all).", ()
    )
    peers: tuple[str, ...] = declared("peers", Texts(), "The BGPPeers to announce to (default: all).", ())
    service_selectors: tuple[Selector, ...] = declared(
        "serviceSelectors", Selectors(), "The Services to announce (default: all).", ()
    )
    med: int | None = declared(
        "med", Integer(0, UINT32), "MULTI_EXIT_DISC (RFC 4271 5.1.4).", None, ours=True
    )
    as_path_prepend: int = declared(
        "asPathPrepend",
        Integer(0, 10),
        "How often to put our AS number into AS_PATH once more.",
        0,
        ours=True,
    )
    extended_communities: tuple[str, ...] = declared(
        "extendedCommunities", Texts(), "Extended communities, such as rt:64512:7 (RFC 4360).", (), ours=True
    )
    weight: Weight | None = declared(
        "weight",
        Choice(Weight),
        "What share of the traffic a node gets, by the link bandwidth community (default: all the same).",
        None,
        ours=True,
    )


@attrs.frozen(kw_only=True)
class PreferredNodeSelectorSpec:
    """Nodes that should rather announce than others."""

    weight: int = declared("weight", Integer(1, 100), "How much rather.", 0, required=True)
    preference: Selector = declared("preference", OneSelector(), "The nodes.", Selector(), required=False)


@attrs.frozen(kw_only=True)
class L2AdvertisementSpec:
    """L2Advertisement: a way to announce the addresses of pools by ARP and Neighbor Discovery."""

    ip_address_pools: tuple[str, ...] = declared(
        "ipAddressPools", Texts(), "The pools to announce (default: all, if no selector is given).", ()
    )
    ip_address_pool_selectors: tuple[Selector, ...] = declared(
        "ipAddressPoolSelectors", Selectors(), "The pools to announce, by label.", ()
    )
    node_selectors: tuple[Selector, ...] = declared(
        "nodeSelectors", Selectors(), "The nodes that may announce (default: all).", ()
    )
    interfaces: tuple[str, ...] = declared(
        "interfaces", Texts(), "The interfaces to answer on (default: all).", ()
    )
    service_selectors: tuple[Selector, ...] = declared(
        "serviceSelectors", Selectors(), "The Services to announce (default: all).", ()
    )
    preferred_node_selectors: tuple[PreferredNodeSelectorSpec, ...] = declared(
        "preferredNodeSelectors",
        Each(PreferredNodeSelectorSpec),
        "Nodes that should rather announce: the highest sum of weights wins.",
        (),
    )
    placement: Placement = declared(
        "placement", Choice(Placement), "How addresses are spread over nodes.", Placement.HASH, ours=True
    )
    failback: float = declared(
        "failback",
        Duration(1, 31536000, words=("Immediate", "Never")),
        "How long a node must be back until it takes its addresses again.",
        0.0,
        ours=True,
    )
    gratuitous_interval: float = declared(
        "gratuitousInterval",
        Duration(1, 3600, zero="never"),
        "How often an address is announced again, to keep caches fresh.",
        60.0,
        ours=True,
    )
    conflict_policy: ConflictPolicy = declared(
        "conflictPolicy",
        Choice(ConflictPolicy),
        "What to do about another station that uses an address (RFC 5227 2.4).",
        ConflictPolicy.DEFEND,
        ours=True,
    )
    probe_before_claim: bool = declared(
        "probeBeforeClaim",
        Boolean(),
        "Ask whether somebody has an address before answering for it (RFC 5227 2.1).",
        False,
        ours=True,
    )


@attrs.frozen(kw_only=True)
class AliasSpec:
    """A name for a BGP community."""

    name: str = declared("name", Text("the name to use in advertisements"), "The alias.", "", required=True)
    value: str = declared("value", Text("a:b or large:a:b:c"), "a:b or large:a:b:c.", "", required=True)


@attrs.frozen(kw_only=True)
class CommunitySpec:
    """Community: names for BGP communities."""

    communities: tuple[AliasSpec, ...] = declared("communities", Each(AliasSpec), "The names.", ())


Spec: TypeAlias = (
    IPAddressPoolSpec
    | BGPPeerSpec
    | BGPAdvertisementSpec
    | L2AdvertisementSpec
    | CommunitySpec
    | BFDProfileSpec
)
