"""What makes no sense in one thing that is configured, whatever else there is.

The rules are MetalLB's (its webhooks and its parser), less those that only say what its backends can not do, plus
those about our own fields. A finding names the attribute of the spec, and the steps below it, so that it can be shown
at its place in either form.
"""

import re
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, TypeAlias

from k8sglue.addresses import Territory, parse_range
from k8sglue.communities import COMMUNITY_RULE, parse_community, parse_extended_community
from k8sglue.config import AddressRange, DynamicASN, IPAddress
from k8sglue.fields import show
from k8sglue.peerspecs import BFDProfileSpec, BGPPeerSpec
from k8sglue.specs import (
    BGPAdvertisementSpec,
    CommunitySpec,
    IPAddressPoolSpec,
    L2AdvertisementSpec,
    Spec,
)

_MOST_COMMUNITIES = 63
_BROADCAST = IPv4Address("255.255.255.255")
# What Linux takes for the name of a device, less the names that no tool can write.
_INTERFACE = re.compile(r"(?!\.{1,2}\Z)[^\s/:]{1,15}")


class Finding(NamedTuple):
    """Something wrong."""

    message: str
    attribute: str = ""
    """Of the spec; empty for the whole."""
    steps: tuple[str | int, ...] = ()
    """Below the attribute."""


_Findings: TypeAlias = Iterator[Finding]


def problems(spec: Spec) -> Iterator[Finding]:
    """Find what makes a spec unusable."""
    match spec:
        case IPAddressPoolSpec():
            yield from _pool(spec)
        case BGPPeerSpec():
            yield from _peer(spec)
        case BGPAdvertisementSpec():
            yield from _bgp_advertisement(spec)
        case L2AdvertisementSpec():
            yield from _l2_advertisement(spec)
        case CommunitySpec():
            yield from _community(spec)
        case BFDProfileSpec():
            pass


def warnings(spec: Spec) -> Iterator[Finding]:
    """Find what is legal, and yet does not mean what one might think."""
    match spec:
        case BFDProfileSpec(echo_mode=True):
            yield Finding("true, without effect: the profile runs as plain BFD", "echo_mode")
        case BGPPeerSpec(disable_mp=True):
            yield Finding("true, without effect: both families may be announced", "disable_mp")
        case _:
            pass


def _pool(spec: IPAddressPoolSpec) -> _Findings:
    ranges: list[AddressRange] = []
    territory = Territory()
    for index, text in enumerate(spec.addresses):
        found = parse_range(text)
        if isinstance(found, str):
            yield Finding(f"{show(text)}, {found}", "addresses", (index,))
            continue
        clash = territory.clash(found)
        if clash:
            yield Finding(f"{show(text)} overlaps with {clash[0]} of the same pool", "addresses", (index,))
            continue
        territory.add(found)
        ranges.append(found)
    for index, text in enumerate(spec.reserved):
        found = parse_range(text, single=True)
        if isinstance(found, str):
            yield Finding(f"{show(text)}, {found}", "reserved", (index,))
        elif not any(found.overlaps(each) for each in ranges):
            yield Finding(f"{show(text)}, none of it is in the pool's addresses", "reserved", (index,))
    if spec.service_allocation:
        yield from _doubles(spec.service_allocation.namespaces, "service_allocation", ("namespaces",))


def _doubles(names: Sequence[str], attribute: str, steps: tuple[str | int, ...] = ()) -> _Findings:
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Finding(f"{show(name)}, the same as one above", attribute, (*steps, index))


def _peer(spec: BGPPeerSpec) -> _Findings:
    if spec.peer_asn and spec.dynamic_asn:
        yield Finding("given together with peerASN, must be one of them", "dynamic_asn")
    if not spec.peer_asn and not spec.dynamic_asn:
        yield Finding("missing, must be an AS number from 1 to 4294967295", "peer_asn")
    internal = spec.dynamic_asn is DynamicASN.INTERNAL or (spec.my_asn and spec.my_asn == spec.peer_asn)
    if spec.ebgp_multi_hop and internal:
        yield Finding("true, but a peer of our own AS is never external", "ebgp_multi_hop")
    yield from _peer_addresses(spec)
    for attribute, name in (("interface", spec.interface), ("vrf", spec.vrf)):
        if name and not _INTERFACE.fullmatch(name):
            yield Finding(f"{show(name)}, must be at most 15 octets without white space, / and :", attribute)
    hold_time = 90.0 if spec.hold_time is None else spec.hold_time
    if spec.keepalive_time and spec.hold_time is not None and spec.keepalive_time > hold_time:
        yield Finding(
            f"{spec.keepalive_time:g}s, must be at most the hold time of {hold_time:g}s", "keepalive_time"
        )
    if spec.keepalive_time and spec.hold_time is None and spec.keepalive_time * 3 > 65535:
        yield Finding(
            f"{spec.keepalive_time:g}s, must be at most 21845s, a third of the longest hold time",
            "keepalive_time",
        )
    if spec.password_secret and spec.password:
        yield Finding("given together with password, must be one of them", "password_secret")
    if spec.password_secret and not spec.password_secret.name:
        yield Finding("missing, must be the name of a Secret", "password_secret", ("name",))


def _peer_addresses(spec: BGPPeerSpec) -> _Findings:
    if spec.peer_address is None and not spec.interface:
        yield Finding("missing, a peer needs the address of the router", "peer_address")
    if spec.peer_address is not None:
        if spec.interface:
            yield Finding("given together with peerAddress, must be one of them", "interface")
        yield from _host(spec.peer_address, "peer_address", "the address of one router")
        if spec.peer_address.is_link_local and spec.peer_address.version == 6:
            yield Finding(
                f"{spec.peer_address} is on every link, name the interface in its place", "peer_address"
            )
    if spec.source_address is not None:
        yield from _host(spec.source_address, "source_address", "an address of the node")
        if spec.peer_address is not None and spec.source_address.version != spec.peer_address.version:
            yield Finding(
                f"{spec.source_address}, must be IPv{spec.peer_address.version} as peerAddress is",
                "source_address",
            )
    if spec.router_id is not None and spec.router_id.version != 4:
        yield Finding(f"{spec.router_id}, must be an IPv4 address", "router_id")
    elif spec.router_id is not None and spec.router_id.is_unspecified:
        yield Finding(f"{spec.router_id}, must not be zero", "router_id")


def _host(address: IPAddress, attribute: str, what: str) -> _Findings:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if mapped is not None:
        yield Finding(f"{address}, must be written as IPv4: {mapped}", attribute)
    elif address.is_multicast or address.is_unspecified or address == _BROADCAST:
        yield Finding(f"{address}, must be {what}", attribute)


def _bgp_advertisement(spec: BGPAdvertisementSpec) -> _Findings:
    if spec.service_selectors:
        for attribute, length, whole in (
            ("aggregation_length", spec.aggregation_length, 32),
            ("aggregation_length_v6", spec.aggregation_length_v6, 128),
        ):
            if length != whole:
                yield Finding(
                    f"{length}, must be {whole} with serviceSelectors: a prefix has addresses of other Services too",
                    attribute,
                )
    if len(spec.communities) > _MOST_COMMUNITIES:
        yield Finding(
            f"{len(spec.communities)} communities, must be at most {_MOST_COMMUNITIES}", "communities"
        )
    for index, text in enumerate(spec.extended_communities):
        if parse_extended_community(text) is None:
            yield Finding(
                f"{show(text)}, must be an extended community such as rt:64512:7",
                "extended_communities",
                (index,),
            )
    yield from _doubles(spec.ip_address_pools, "ip_address_pools")
    yield from _doubles(spec.peers, "peers")


def _l2_advertisement(spec: L2AdvertisementSpec) -> _Findings:
    yield from _doubles(spec.ip_address_pools, "ip_address_pools")
    for index, name in enumerate(spec.interfaces):
        if not _INTERFACE.fullmatch(name):
            yield Finding(
                f"{show(name)}, must be 1 to 15 octets without white space, / and :", "interfaces", (index,)
            )
    yield from _doubles(spec.interfaces, "interfaces")


def _community(spec: CommunitySpec) -> _Findings:
    names = [alias.name for alias in spec.communities]
    for index, alias in enumerate(spec.communities):
        if alias.value and parse_community(alias.value) is None:
            yield Finding(f"{show(alias.value)}, must be {COMMUNITY_RULE}", "communities", (index, "value"))
        if alias.name and alias.name in names[:index]:
            yield Finding(f"{show(alias.name)}, the same as one above", "communities", (index, "name"))
