"""Hypothesis strategies for what a responder can meet, for the tests of this package and of programs that use it.

    @given(testing.frames(mac=MAC, addresses=["203.0.113.7"]))
    def test_my_virtual_ip(frame): ...

Frames made of independent random fields would nearly all be ignored for the first rule. So `frames` draws each field
mostly from values that matter to the responder under test, and sometimes damages the result.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address

from hypothesis import strategies as st

from arp.ethernet import BROADCAST, C_TAG, ETHERTYPE_ARP, S_TAG, UNKNOWN, EthernetFrame, MACAddress, VLANTag
from arp.packet import ARPPacket, Operation

__all__ = ["arp_packets", "ethernet_frames", "frames", "ip_addresses", "mac_addresses", "stations"]


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


@st.composite
def arp_packets(
    draw: st.DrawFn, *, macs: Sequence[MACAddress] = (), addresses: Sequence[IPv4Address] = ()
) -> ARPPacket:
    """Give any ARP packet; its addresses are often taken from those given here, and its operation is often 1 or 2."""
    any_mac = st.sampled_from(macs) | mac_addresses() if macs else mac_addresses()
    any_address = st.ip_addresses(v=4).map(lambda address: IPv4Address(int(address)))
    if addresses:
        any_address = st.sampled_from(addresses) | any_address
    return ARPPacket(
        operation=draw(st.sampled_from(list(Operation)) | st.integers(0, 0xFFFF)),
        sender_mac=draw(any_mac),
        sender_ip=draw(any_address),
        target_mac=draw(any_mac),
        target_ip=draw(any_address),
    )


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


@st.composite
def frames(draw: st.DrawFn, *, mac: MACAddress | str, addresses: Sequence[IPv4Address | str]) -> bytes:
    """Give the octets of a frame as they could reach a responder with this MAC address and these addresses.

    Most are ARP, often about an owned address or one beside it; some are truncated, altered, or noise.
    """
    ours = MACAddress(mac)
    owned = [IPv4Address(address) for address in addresses]
    beside = [address + 1 for address in owned]
    packet = arp_packets(macs=[ours, UNKNOWN], addresses=[*owned, *beside, IPv4Address(0)])
    frame = EthernetFrame(
        destination=draw(st.sampled_from([BROADCAST, ours]) | mac_addresses()),
        source=draw(stations() | mac_addresses() | st.just(ours)),
        tags=draw(_tags()),
        ethertype=draw(st.just(ETHERTYPE_ARP) | _ethertypes()),
        payload=draw(packet).encode() + draw(st.just(b"") | st.binary(max_size=18)),
    ).encode()
    return draw(st.just(frame) | st.just(frame) | _damaged(frame) | st.binary(max_size=64))


def _tags() -> st.SearchStrategy[list[VLANTag]]:
    # Rarely: nothing that is tagged is answered.
    return st.integers(0, 7).flatmap(lambda rare: st.lists(vlan_tags(), max_size=0 if rare else 3))


def _ethertypes() -> st.SearchStrategy[int]:
    return st.integers(0x0600, 0xFFFF).filter(lambda ethertype: ethertype not in (C_TAG, S_TAG))


@st.composite
def _damaged(draw: st.DrawFn, frame: bytes) -> bytes:
    position = draw(st.integers(0, len(frame) - 1))
    altered = frame[:position] + bytes([draw(st.integers(0, 255))]) + frame[position + 1 :]
    return draw(st.sampled_from([altered, frame[:position]]))
