"""Frames of a small segment, for tests: two stations that may hold an address, and a client that asks for it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address

from arp import (
    ALL_NODES,
    BROADCAST,
    UNKNOWN,
    UNSPECIFIED,
    MACAddress,
    NDPMessage,
    NeighborAdvertisement,
    NeighborSolicitation,
    Operation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    VLANTag,
    group_mac,
    solicited_node_group,
)
from tests.arp import octets

CLIENT = MACAddress("02:00:00:00:00:01")
A = MACAddress("02:00:00:00:00:0a")
B = MACAddress("02:00:00:00:00:0b")
CLIENT_4, CLIENT_6 = IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1")
VIP_4, VIP_6 = IPv4Address("203.0.113.7"), IPv6Address("2001:db8::7")
NOBODY = IPv4Address(0)


def arp(
    operation: int,
    sender: tuple[MACAddress, IPv4Address],
    target: IPv4Address,
    *,
    to: MACAddress = BROADCAST,
    source: MACAddress | None = None,
    tags: Sequence[VLANTag] = (),
) -> bytes:
    """Make an ARP frame."""
    return octets.arp(
        destination=to,
        source=source or sender[0],
        operation=operation,
        sender_mac=sender[0],
        sender_ip=str(sender[1]),
        target_mac=UNKNOWN if to.is_multicast else to,
        target_ip=str(target),
        tags=tags,
    )


def request(target: IPv4Address = VIP_4, *, to: MACAddress = BROADCAST, asker: MACAddress = CLIENT) -> bytes:
    """Make the client's question for an IPv4 address."""
    return arp(Operation.REQUEST, (asker, CLIENT_4), target, to=to)


def reply(holder: MACAddress, address: IPv4Address = VIP_4) -> bytes:
    """Make the answer to it."""
    return arp(Operation.REPLY, (holder, address), CLIENT_4, to=CLIENT)


def announcement(
    holder: MACAddress, *, source: MACAddress | None = None, tags: Sequence[VLANTag] = ()
) -> bytes:
    """Make gratuitous ARP for the IPv4 address."""
    return arp(Operation.REQUEST, (holder, VIP_4), VIP_4, source=source, tags=tags)


def probe(asker: MACAddress) -> bytes:
    """Make a station's question whether the IPv4 address is free."""
    return arp(Operation.REQUEST, (asker, NOBODY), VIP_4)


def discovery(
    message: NDPMessage,
    source: IPv6Address,
    destination: IPv6Address,
    *,
    mac: MACAddress,
    to: MACAddress = CLIENT,
) -> bytes:
    """Make a frame of Neighbor Discovery; `to` is the receiver of one that goes to no group."""
    address = group_mac(destination) if destination.is_multicast else to
    return octets.ndp(message, source=mac, sender=source, receiver=destination, destination=address)


def solicitation(*, to: MACAddress | None = None) -> bytes:
    """Make the client's question for the IPv6 address."""
    message = NeighborSolicitation(VIP_6, [SourceLinkLayerAddress(CLIENT)])
    destination = solicited_node_group(VIP_6) if to is None else VIP_6
    return discovery(message, CLIENT_6, destination, mac=CLIENT, to=to or CLIENT)


def duplicate_detection(asker: MACAddress) -> bytes:
    """Make a station's question whether the IPv6 address is free."""
    return discovery(NeighborSolicitation(VIP_6), UNSPECIFIED, solicited_node_group(VIP_6), mac=asker)


def advertisement(
    holder: MACAddress,
    *,
    to_all: bool = False,
    router: bool = False,
    override: bool = True,
    bare: bool = False,
) -> bytes:
    """Make the answer for the IPv6 address, or its announcement; a `bare` one has no option."""
    message = NeighborAdvertisement(
        VIP_6,
        router=router,
        solicited=not to_all,
        override=override,
        options=() if bare else (TargetLinkLayerAddress(holder),),
    )
    return discovery(message, VIP_6, ALL_NODES if to_all else CLIENT_6, mac=holder)
