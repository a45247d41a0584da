"""What `arp.reading` must say, by the codecs and in the words of the RFCs: slow, and the oracle of several tests."""

from collections.abc import Set

from arp import (
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    ICMPV6,
    ARPPacket,
    DecodeError,
    EthernetFrame,
    IPv6Packet,
    MACAddress,
    NDPMessage,
    NDPType,
    NeighborAdvertisement,
    NeighborSolicitation,
    Nonce,
    Operation,
    Reason,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    decode_packet,
    group_mac,
    solicited_node_group,
)
from arp.reading import Question, Reading, Use


def slow_reading(frame: bytes, ours: MACAddress, owned: Set[bytes]) -> Reading:
    """Read a frame by the codecs, in the words of the RFCs; only lengths are read from the octets."""
    if frame[12:14] in (b"\x81\x00", b"\x88\xa8"):
        return Reason.TAGGED
    try:
        ethernet = EthernetFrame.decode(frame)
    except DecodeError:
        return Reason.OTHER_PROTOCOL
    if ethernet.ethertype == ETHERTYPE_ARP:
        return _arp(ethernet, ours, owned)
    return _ipv6(ethernet, ours, owned) if ethernet.ethertype == ETHERTYPE_IPV6 else Reason.OTHER_PROTOCOL


def _arp(frame: EthernetFrame, ours: MACAddress, owned: Set[bytes]) -> Reading:
    try:
        packet = ARPPacket.decode(frame.payload)
    except DecodeError:
        return Reason.TRUNCATED if len(frame.payload) < 28 else Reason.NOT_IPV4
    sender, target = packet.sender_ip.packed, packet.target_ip.packed
    if not {sender, target} & owned:
        return Reason.NOT_OURS
    reason = _distrust(frame, packet.sender_mac, ours)
    if reason is not None:
        return reason
    if sender in owned:
        return Use(sender, packet.sender_mac.packed)
    if packet.operation != Operation.REQUEST:
        return Reason.NOT_A_REQUEST
    if frame.destination not in (BROADCAST, ours):
        return Reason.NOT_TO_US
    return Question(target, packet.sender_mac.packed, sender)


def _ipv6(frame: EthernetFrame, ours: MACAddress, owned: Set[bytes]) -> Reading:
    # Whom a packet is about has to be known even if it is none that the codecs would read.
    header, message = frame.payload[:40], frame.payload[40:]
    kind = message[0] if message else NDPType.NEIGHBOR_SOLICITATION
    if len(header) > 6 and (header[6] != ICMPV6 or kind not in list(NDPType)):
        return Reason.OTHER_PROTOCOL
    of_neighbors = kind in (NDPType.NEIGHBOR_SOLICITATION, NDPType.NEIGHBOR_ADVERTISEMENT)
    if len(message) < (24 if of_neighbors else 8):
        return Reason.TRUNCATED
    if header[8:24] not in owned and not (of_neighbors and message[8:24] in owned):
        return Reason.NOT_OURS
    try:
        packet, decoded = decode_packet(frame.payload)
    except DecodeError:
        return Reason.INVALID
    told = [
        option.mac
        for option in decoded.options
        if isinstance(option, SourceLinkLayerAddress | TargetLinkLayerAddress)
        and isinstance(option, TargetLinkLayerAddress) == isinstance(decoded, NeighborAdvertisement)
    ]
    mac = told[0] if told else frame.source
    return _distrust(frame, mac, ours) or _message(frame, packet, decoded, mac, ours, owned)


def _message(
    frame: EthernetFrame,
    packet: IPv6Packet,
    message: NDPMessage,
    mac: MACAddress,
    ours: MACAddress,
    owned: Set[bytes],
) -> Reading:
    if packet.source.packed in owned:
        return Use(packet.source.packed, mac.packed)
    assert isinstance(message, NeighborSolicitation | NeighborAdvertisement)
    if isinstance(message, NeighborAdvertisement):
        return Use(message.target.packed, mac.packed)
    group = solicited_node_group(message.target)
    ways = [(group_mac(group), group), (ours, group), (ours, message.target)]
    if (frame.destination, packet.destination) not in ways:
        return Reason.NOT_TO_US
    nonces = tuple(option.nonce for option in message.options if isinstance(option, Nonce))
    return Question(message.target.packed, mac.packed, packet.source.packed, nonces)


def _distrust(frame: EthernetFrame, mac: MACAddress, ours: MACAddress) -> Reason | None:
    if ours in (frame.source, mac):
        return Reason.OWN_FRAME
    impossible = any(each.is_multicast or each.is_zero for each in (frame.source, mac))
    return Reason.BAD_SENDER if impossible else None
