"""Who answers for an address on the LAN: `k8sglue lab who-has ADDRESS` asks once, and counts every reply.

The kernel's neighbour table shows one answer and hides the others. This asks by one ARP request (RFC 826) or neighbor
solicitation (RFC 4861) of its own and listens on a raw socket, so two nodes that both answered would be seen.
"""

import socket
import time
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp import (
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    UNKNOWN,
    ARPPacket,
    DecodeError,
    EthernetFrame,
    MACAddress,
    NeighborAdvertisement,
    NeighborSolicitation,
    Operation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    decode_packet,
    encode_packet,
    group_mac,
    solicited_node_group,
)
from k8sglue.config import IPAddress
from k8sglue.lab.topology import LAN_INTERFACE


@attrs.frozen
class Reply:
    """One reply."""

    mac: MACAddress
    after: float
    """Seconds after the question."""


def ask(address: IPAddress, window: float) -> list[Reply]:
    """Ask everybody once, listen for `window` seconds, return the replies. Raise OSError if that can not be done.

    Needs CAP_NET_RAW.
    """
    ethertype = ETHERTYPE_ARP if address.version == 4 else ETHERTYPE_IPV6
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ethertype)) as wire:
        wire.bind((LAN_INTERFACE, ethertype))
        question = _question(address, MACAddress(wire.getsockname()[4])).encode()
        started = time.monotonic()
        wire.send(question)
        replies = []
        while (left := started + window - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                frame = wire.recv(2048)
            except TimeoutError:
                break
            after = time.monotonic() - started
            holder = holder_in(frame, address)
            if holder is not None:
                replies.append(Reply(holder, after))
    return replies


def holder_in(octets: bytes, address: IPAddress) -> MACAddress | None:
    """Return the hardware address that a frame says `address` is at, or None if it is no reply of that kind.

    An announcement is no reply to us, although it says the same: its target is the address itself (RFC 5227 3), or it
    does not say that it was solicited (RFC 4861 4.4).
    """
    try:
        frame = EthernetFrame.decode(octets)
        if isinstance(address, IPv4Address):
            return _arp_holder(frame, address)
        return _ndp_holder(frame, address)
    except DecodeError:
        return None


def _arp_holder(frame: EthernetFrame, address: IPv4Address) -> MACAddress | None:
    if frame.ethertype != ETHERTYPE_ARP:
        return None
    packet = ARPPacket.decode(frame.payload)
    is_reply = packet.operation == Operation.REPLY and packet.target_ip != address
    return packet.sender_mac if is_reply and packet.sender_ip == address else None


def _ndp_holder(frame: EthernetFrame, address: IPv6Address) -> MACAddress | None:
    if frame.ethertype != ETHERTYPE_IPV6:
        return None
    _, message = decode_packet(frame.payload)
    if not isinstance(message, NeighborAdvertisement) or not message.solicited or message.target != address:
        return None
    told = (option.mac for option in message.options if isinstance(option, TargetLinkLayerAddress))
    return next(told, frame.source)


def _question(address: IPAddress, mac: MACAddress) -> EthernetFrame:
    own = _own_address(address)
    if isinstance(address, IPv4Address):
        assert isinstance(own, IPv4Address)
        request = ARPPacket(
            operation=Operation.REQUEST, sender_mac=mac, sender_ip=own, target_mac=UNKNOWN, target_ip=address
        )
        return EthernetFrame(
            destination=BROADCAST, source=mac, ethertype=ETHERTYPE_ARP, payload=request.encode()
        )
    assert isinstance(own, IPv6Address)
    group = solicited_node_group(address)
    solicitation = NeighborSolicitation(address, options=[SourceLinkLayerAddress(mac)])
    return EthernetFrame(
        destination=group_mac(group),
        source=mac,
        ethertype=ETHERTYPE_IPV6,
        payload=encode_packet(solicitation, own, group),
    )


def _own_address(towards: IPAddress) -> IPAddress:
    family = socket.AF_INET if towards.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
        # No packet is sent: the kernel only picks the source address that it would use.
        datagrams.connect((str(towards), 9))
        return type(towards)(datagrams.getsockname()[0])
