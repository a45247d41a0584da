"""What happens on a segment, for the target of the responder: frames to receive, and the address that one is about.

Frames of independent octets would never have a right checksum. So an input says which of some frames it starts
from, which octets are other ones, and whether the checksum is put right after that.
"""

from ipaddress import IPv4Address, IPv6Address

from arp import (
    ALL_NODES,
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    UNKNOWN,
    UNSPECIFIED,
    ARPPacket,
    EthernetFrame,
    MACAddress,
    NDPMessage,
    NeighborAdvertisement,
    NeighborSolicitation,
    Nonce,
    Output,
    SendFrame,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    decode_packet,
    encode_packet,
    group_mac,
    icmpv6_checksum,
    solicited_node_group,
)
from bgp.wire import Reader

MAC, OTHER_MAC = MACAddress("02:00:00:00:00:01"), MACAddress("02:00:00:00:00:11")
ADDRESSES = ("203.0.113.7", "203.0.113.8", "2001:db8::7", "2001:db8:1::7")
_RIVAL = MACAddress("02:00:00:00:00:66")
_IPV6, _ICMPV6 = 14, 54


def frame(reader: Reader) -> bytes:
    """Read a frame: an octet for what it starts from and how many edits follow, each a position and a value.

    The last kind has a length and its octets instead. Raises `WireError` where the input ends.
    """
    octet = reader.uint8()
    kind, edits = octet & 0xF, octet >> 4 & 7
    if kind >= len(_FRAMES):
        return reader.take(min(reader.remaining, reader.uint8() if reader.remaining else 0))
    made = bytearray(_FRAMES[kind])
    for _ in range(edits):
        position = reader.uint8() % len(made)
        made[position] = reader.uint8()
    return bytes(made) if octet & 0x80 else _put_right(bytes(made))


def spoken_of(output: Output) -> IPv4Address | IPv6Address:
    """Give the address that a frame of a responder is about."""
    assert isinstance(output, SendFrame)
    sent = EthernetFrame.decode(output.frame)
    if sent.ethertype == ETHERTYPE_ARP:
        packet = ARPPacket.decode(sent.payload)
        return packet.sender_ip if int(packet.sender_ip) else packet.target_ip
    _, message = decode_packet(sent.payload)
    assert isinstance(message, NeighborSolicitation | NeighborAdvertisement)
    return message.target


def _put_right(octets: bytes) -> bytes:
    message = octets[_ICMPV6:]
    if octets[12:14] != ETHERTYPE_IPV6.to_bytes(2, "big") or len(message) < 4:
        return octets
    source, destination = IPv6Address(octets[22:38]), IPv6Address(octets[38:54])
    checksum = icmpv6_checksum(source, destination, message[:2] + bytes(2) + message[4:])
    return octets[: _ICMPV6 + 2] + checksum.to_bytes(2, "big") + message[4:]


def _arp(operation: int, sender: str, target: str) -> bytes:
    packet = ARPPacket(
        operation=operation, sender_mac=_RIVAL, sender_ip=sender, target_mac=UNKNOWN, target_ip=target
    )
    return EthernetFrame(
        destination=BROADCAST, source=_RIVAL, ethertype=ETHERTYPE_ARP, payload=packet.encode()
    ).encode()


def _ndp(message: NDPMessage, sender: str, receiver: IPv6Address) -> bytes:
    return EthernetFrame(
        destination=group_mac(receiver),
        source=_RIVAL,
        ethertype=ETHERTYPE_IPV6,
        payload=encode_packet(message, sender, receiver),
    ).encode()


_TARGET = IPv6Address(ADDRESSES[2])
_GROUP = solicited_node_group(_TARGET)
_FRAMES = (
    _arp(1, "203.0.113.1", ADDRESSES[0]),
    _arp(1, "0.0.0.0", ADDRESSES[0]),
    _arp(1, ADDRESSES[0], ADDRESSES[0]),
    _arp(2, ADDRESSES[1], ADDRESSES[1]),
    _ndp(NeighborSolicitation(_TARGET, [SourceLinkLayerAddress(_RIVAL)]), "fe80::2", _GROUP),
    _ndp(NeighborSolicitation(_TARGET), "fe80::2", _GROUP),
    _ndp(NeighborSolicitation(_TARGET, [Nonce(bytes(6))]), str(UNSPECIFIED), _GROUP),
    _ndp(
        NeighborAdvertisement(
            _TARGET, router=False, solicited=False, override=True, options=[TargetLinkLayerAddress(_RIVAL)]
        ),
        ADDRESSES[2],
        ALL_NODES,
    ),
)
