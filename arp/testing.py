"""Hypothesis strategies for what a responder can meet, for the tests of this package and of programs that use it.

    @given(testing.frames(mac=MAC, addresses=["203.0.113.7", "2001:db8::7"]))
    def test_my_virtual_ip(frame): ...

Frames made of independent random fields would nearly all be ignored for the first rule. So `frames` draws each field
mostly from values that matter to the responder under test, and sometimes damages the result.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import TypeVar

from hypothesis import strategies as st

from arp.ethernet import (
    BROADCAST,
    C_TAG,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    S_TAG,
    UNKNOWN,
    EthernetFrame,
    MACAddress,
    VLANTag,
)
from arp.ipv6 import (
    ALL_NODES,
    ALL_ROUTERS,
    ICMPV6,
    UNSPECIFIED,
    IPv6Packet,
    group_mac,
    icmpv6_checksum,
    solicited_node_group,
)
from arp.ndp import (
    HOP_LIMIT,
    NDPMessage,
    NeighborAdvertisement,
    NeighborSolicitation,
    RouterAdvertisement,
    RouterSolicitation,
)
from arp.options import (
    MTU,
    NDPOption,
    Nonce,
    OptionKind,
    PrefixInformation,
    RedirectedHeader,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
)
from arp.packet import ARPPacket, Operation

__all__ = [
    "arp_packets",
    "ethernet_frames",
    "frames",
    "ip_addresses",
    "ipv6_addresses",
    "ipv6_packets",
    "mac_addresses",
    "ndp_messages",
    "ndp_options",
    "ndp_packets",
    "stations",
    "vlan_tags",
]

_T = TypeVar("_T")
_STRANGER = IPv6Address("fe80::200:ff:fe00:99")


def mac_addresses() -> st.SearchStrategy[MACAddress]:
    """Give any MAC address: a station's, a group's, broadcast or all-zero."""
    return st.one_of(
        st.sampled_from([BROADCAST, UNKNOWN]), st.binary(min_size=6, max_size=6).map(MACAddress), stations()
    )


def stations() -> st.SearchStrategy[MACAddress]:
    """Give the MAC address of a single station, which can be a sender."""
    octets = st.binary(min_size=6, max_size=6).map(lambda drawn: bytes([drawn[0] & 0xFE]) + drawn[1:])
    return octets.filter(any).map(MACAddress)


def ip_addresses() -> st.SearchStrategy[IPv4Address]:
    """Give an IPv4 address that a host on a segment can own."""
    return (
        st.integers(0x01000000, 0xDFFFFFFF).map(IPv4Address).filter(lambda address: not address.is_loopback)
    )


def ipv6_addresses() -> st.SearchStrategy[IPv6Address]:
    """Give an IPv6 address that a host on a segment can own: global, unique local or link-local."""
    starts = st.sampled_from([0x2001_0DB8 << 96, 0xFD00 << 112, 0xFE80 << 112])
    return st.builds(lambda start, rest: IPv6Address(start | rest), starts, st.integers(1, (1 << 64) - 1))


@st.composite
def vlan_tags(draw: st.DrawFn) -> VLANTag:
    """Give any VLAN tag."""
    return VLANTag(
        draw(st.integers(0, 0xFFF)),
        priority=draw(st.integers(0, 7)),
        drop_eligible=draw(st.booleans()),
        protocol=draw(st.sampled_from([C_TAG, S_TAG])),
    )


@st.composite
def ethernet_frames(draw: st.DrawFn) -> EthernetFrame:
    """Give any Ethernet II frame with a short payload, and VLAN tags now and then."""
    return EthernetFrame(
        destination=draw(mac_addresses()),
        source=draw(mac_addresses()),
        tags=draw(_tags()),
        ethertype=draw(_ethertypes()),
        payload=draw(st.binary(max_size=64)),
    )


def arp_packets(
    *, macs: Sequence[MACAddress] = (), addresses: Sequence[IPv4Address] = ()
) -> st.SearchStrategy[ARPPacket]:
    """Give any ARP packet; its addresses are often taken from those given here, and its operation is often 1 or 2."""
    any_mac = _preferring(macs, mac_addresses())
    any_address = _preferring(addresses, st.ip_addresses(v=4).map(lambda address: IPv4Address(int(address))))
    return st.builds(
        ARPPacket,
        operation=st.sampled_from(list(Operation)) | st.integers(0, 0xFFFF),
        sender_mac=any_mac,
        sender_ip=any_address,
        target_mac=any_mac,
        target_ip=any_address,
    )


@st.composite
def ipv6_packets(draw: st.DrawFn) -> IPv6Packet:
    """Give any IPv6 packet with a short payload, which is nothing in particular."""
    return IPv6Packet(
        source=draw(_any_ipv6_address()),
        destination=draw(_any_ipv6_address()),
        next_header=draw(st.just(ICMPV6) | st.integers(0, 0xFF)),
        hop_limit=draw(st.just(HOP_LIMIT) | st.integers(0, 0xFF)),
        payload=draw(st.binary(max_size=64)),
        traffic_class=draw(st.integers(0, 0xFF)),
        flow_label=draw(st.integers(0, 0xFFFFF)),
    )


def ndp_options(*, macs: Sequence[MACAddress] = ()) -> st.SearchStrategy[NDPOption]:
    """Give any option of Neighbor Discovery; its MAC addresses are often taken from those given here."""
    any_mac = _preferring(macs, mac_addresses())
    return st.one_of(
        any_mac.map(SourceLinkLayerAddress),
        any_mac.map(TargetLinkLayerAddress),
        _prefix_information(),
        _blocks(0).map(RedirectedHeader),
        st.integers(0, 0xFFFF_FFFF).map(MTU),
        _blocks(6).map(Nonce),
        _unknown_options(),
    )


def ndp_messages(
    *, macs: Sequence[MACAddress] = (), addresses: Sequence[IPv6Address] = ()
) -> st.SearchStrategy[NDPMessage]:
    """Give any message of Neighbor Discovery; MAC addresses and targets are often taken from those given here."""
    targets = _preferring(addresses, _any_ipv6_address().filter(lambda address: not address.is_multicast))
    link_layer = _preferring(macs, mac_addresses())
    either: st.SearchStrategy[NDPOption] = link_layer.map(SourceLinkLayerAddress)
    either |= link_layer.map(TargetLinkLayerAddress)
    options = st.lists(either, max_size=1) | st.lists(ndp_options(macs=macs), max_size=3)
    return st.one_of(
        st.builds(NeighborSolicitation, targets, options),
        st.builds(
            NeighborAdvertisement,
            targets,
            router=st.booleans(),
            solicited=st.booleans(),
            override=st.booleans(),
            options=options,
        ),
        st.builds(RouterSolicitation, options),
        _router_advertisements(options),
    )


def ndp_packets(
    *, macs: Sequence[MACAddress] = (), addresses: Sequence[IPv6Address] = ()
) -> st.SearchStrategy[IPv6Packet]:
    """Give an IPv6 packet with a message of Neighbor Discovery and its checksum, which may not be valid even so.

    Most have the hop limit 255. Source and destination are often such as belong to the message, or taken from
    `addresses`; but they may break the rules that `decode_packet` enforces.
    """
    return _ndp_packets(ndp_messages(macs=macs, addresses=addresses), addresses)


def frames(
    *, mac: MACAddress | str, addresses: Sequence[IPv4Address | IPv6Address | str]
) -> st.SearchStrategy[bytes]:
    """Give the octets of a frame as they could reach a responder with this MAC address and these addresses.

    Most are ARP or, if there are IPv6 addresses among those, Neighbor Discovery, and often about an owned address or
    one beside it; some are tagged, truncated, altered, or noise.
    """
    ours = MACAddress(mac)
    owned = [ip_address(address) if isinstance(address, str) else address for address in addresses]
    ipv6 = [address for address in owned if isinstance(address, IPv6Address)]
    meaningful = _arp_frames(ours, [address for address in owned if isinstance(address, IPv4Address)])
    if ipv6:
        meaningful |= _ndp_frames(ours, ipv6)
    octets = meaningful.map(lambda frame: frame.encode())
    return octets | octets | octets.flatmap(_damaged) | st.binary(max_size=64)


def _arp_frames(ours: MACAddress, owned: Sequence[IPv4Address]) -> st.SearchStrategy[EthernetFrame]:
    beside = [address + 1 for address in owned]
    packets = arp_packets(macs=[ours, UNKNOWN], addresses=[*owned, *beside, IPv4Address(0)])
    return st.builds(
        EthernetFrame,
        destination=st.sampled_from([BROADCAST, ours]) | mac_addresses(),
        source=stations() | mac_addresses() | st.just(ours),
        tags=_tags(),
        ethertype=_mostly(ETHERTYPE_ARP, _ethertypes()),
        payload=st.builds(lambda packet, padding: packet.encode() + padding, packets, _padding()),
    )


def _ndp_frames(ours: MACAddress, owned: Sequence[IPv6Address]) -> st.SearchStrategy[EthernetFrame]:
    beside = [address + 1 for address in owned]
    return st.builds(
        lambda packet, destination, padding, **others: EthernetFrame(
            destination=destination or _usual_destination(packet, ours),
            payload=packet.encode() + padding,
            **others,
        ),
        ndp_packets(macs=[ours], addresses=[*owned, *beside]),
        _mostly(None, mac_addresses()),
        _padding(),
        source=stations() | mac_addresses() | st.just(ours),
        tags=_tags(),
        ethertype=_mostly(ETHERTYPE_IPV6, _ethertypes()),
    )


def _usual_destination(packet: IPv6Packet, ours: MACAddress) -> MACAddress:
    return group_mac(packet.destination) if packet.destination.is_multicast else ours


@st.composite
def _ndp_packets(
    draw: st.DrawFn, messages: st.SearchStrategy[NDPMessage], addresses: Sequence[IPv6Address]
) -> IPv6Packet:
    message = draw(messages)
    likely = [ALL_NODES, ALL_ROUTERS, *addresses]
    if isinstance(message, NeighborSolicitation | NeighborAdvertisement):
        likely += [message.target, solicited_node_group(message.target)]
    source = draw(_preferring([_STRANGER, UNSPECIFIED, *addresses], _any_ipv6_address()))
    destination = draw(_preferring(likely, _any_ipv6_address()))
    octets = message.encode()
    checksum = icmpv6_checksum(source, destination, octets)
    return IPv6Packet(
        source=source,
        destination=destination,
        next_header=ICMPV6,
        hop_limit=draw(_mostly(HOP_LIMIT, st.integers(0, 0xFF))),
        payload=octets[:2] + checksum.to_bytes(2, "big") + octets[4:],
    )


@st.composite
def _damaged(draw: st.DrawFn, frame: bytes) -> bytes:
    position = draw(st.integers(0, len(frame) - 1))
    altered = frame[:position] + bytes([draw(st.integers(0, 255))]) + frame[position + 1 :]
    return draw(st.sampled_from([altered, frame[:position]]))


def _tags() -> st.SearchStrategy[list[VLANTag]]:
    return _mostly([], st.lists(vlan_tags(), max_size=3))  # nothing that is tagged is answered


def _padding() -> st.SearchStrategy[bytes]:
    return st.just(b"") | st.binary(max_size=18)


def _ethertypes() -> st.SearchStrategy[int]:
    return st.integers(0x0600, 0xFFFF).filter(lambda ethertype: ethertype not in (C_TAG, S_TAG))


def _any_ipv6_address() -> st.SearchStrategy[IPv6Address]:
    return st.ip_addresses(v=6).map(lambda address: IPv6Address(int(address)))


def _router_advertisements(
    options: st.SearchStrategy[list[NDPOption]],
) -> st.SearchStrategy[RouterAdvertisement]:
    return st.builds(
        RouterAdvertisement,
        hop_limit=st.integers(0, 0xFF),
        managed=st.booleans(),
        other=st.booleans(),
        router_lifetime=st.integers(0, 0xFFFF),
        reachable_time=st.integers(0, 0xFFFF_FFFF),
        retrans_timer=st.integers(0, 0xFFFF_FFFF),
        options=options,
    )


@st.composite
def _prefix_information(draw: st.DrawFn) -> PrefixInformation:
    length = draw(st.just(64) | st.integers(0, 128))
    return PrefixInformation(
        prefix=IPv6Network((int(draw(_any_ipv6_address())), length), strict=False),
        on_link=draw(st.booleans()),
        autonomous=draw(st.booleans()),
        valid_lifetime=draw(st.integers(0, 0xFFFF_FFFF)),
        preferred_lifetime=draw(st.integers(0, 0xFFFF_FFFF)),
    )


def _unknown_options() -> st.SearchStrategy[UnknownOption]:
    """Kinds that have no class, and kinds that have one with a length, or a prefix length, that they may not have."""
    foreign = st.integers(0, 0xFF).filter(lambda kind: kind not in list(OptionKind))
    fixed = [OptionKind.SOURCE_LINK_LAYER_ADDRESS, OptionKind.TARGET_LINK_LAYER_ADDRESS, OptionKind.MTU]
    no_prefix = st.binary(min_size=29, max_size=29).map(lambda data: b"\x81" + data)
    return st.one_of(
        st.builds(UnknownOption, foreign, _blocks(6)),
        st.builds(UnknownOption, st.sampled_from(fixed), _blocks(14)),
        st.builds(UnknownOption, st.just(OptionKind.PREFIX_INFORMATION), _blocks(6) | no_prefix),
    )


def _blocks(shortest: int) -> st.SearchStrategy[bytes]:
    """Octets of that number, or of one that is 8 or 16 higher."""
    return st.sampled_from([0, 8, 16]).flatmap(
        lambda more: st.binary(min_size=shortest + more, max_size=shortest + more)
    )


def _preferring(likely: Sequence[_T], others: st.SearchStrategy[_T]) -> st.SearchStrategy[_T]:
    """One of the likely, if there are any, as often as anything."""
    return st.sampled_from(likely) | others if likely else others


def _mostly(usual: _T, others: st.SearchStrategy[_T]) -> st.SearchStrategy[_T]:
    return st.integers(0, 7).flatmap(lambda drawn: others if drawn == 7 else st.just(usual))
