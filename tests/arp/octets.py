"""Frames for tests, made by the codecs: what clients and rivals of a responder send, and what it says itself, read."""

from collections.abc import Iterable, Sequence
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
    NDPOption,
    NeighborAdvertisement,
    NeighborSolicitation,
    Operation,
    Output,
    SendFrame,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    VLANTag,
    decode_packet,
    encode_packet,
    group_mac,
    solicited_node_group,
)

MAC = MACAddress("02:00:00:00:00:01")
CLIENT = MACAddress("02:00:00:00:00:02")
RIVAL = MACAddress("02:00:00:00:00:66")
GROUP = MACAddress("01:00:5e:00:00:01")
VIP, OTHER_VIP, CLIENT_IP = "203.0.113.7", "203.0.113.9", "203.0.113.1"
VIP6, OTHER_VIP6, CLIENT_IP6 = "2001:db8::7", "2001:db8::1:9", "fe80::2"


def arp(
    *,
    destination: MACAddress = BROADCAST,
    source: MACAddress = CLIENT,
    operation: int = Operation.REQUEST,
    sender_mac: MACAddress | None = None,
    sender_ip: str = CLIENT_IP,
    target_mac: MACAddress = UNKNOWN,
    target_ip: str = VIP,
    tags: Sequence[VLANTag] = (),
) -> bytes:
    """Make a client's question for VIP, or what is left of one after the changes."""
    packet = ARPPacket(
        operation=operation,
        sender_mac=sender_mac or source,
        sender_ip=sender_ip,
        target_mac=target_mac,
        target_ip=target_ip,
    )
    return EthernetFrame(
        destination=destination, source=source, tags=tags, ethertype=ETHERTYPE_ARP, payload=packet.encode()
    ).encode()


def ndp(
    message: NDPMessage,
    *,
    source: MACAddress = CLIENT,
    sender: IPv6Address | str = CLIENT_IP6,
    receiver: IPv6Address | str = ALL_NODES,
    destination: MACAddress | None = None,
) -> bytes:
    """Make a frame with a message of Neighbor Discovery."""
    to = IPv6Address(receiver)
    return EthernetFrame(
        destination=destination or (group_mac(to) if to.is_multicast else MAC),
        source=source,
        ethertype=ETHERTYPE_IPV6,
        payload=encode_packet(message, sender, receiver),
    ).encode()


def solicitation(
    *,
    target: str = VIP6,
    source: MACAddress = CLIENT,
    sender: IPv6Address | str = CLIENT_IP6,
    options: Sequence[NDPOption] | None = None,
    receiver: IPv6Address | str | None = None,
    destination: MACAddress | None = None,
) -> bytes:
    """Make a client's solicitation for VIP6, with its link-layer address, or what is left after the changes."""
    told = [SourceLinkLayerAddress(source)] if options is None else options
    to = solicited_node_group(target) if receiver is None else receiver
    return ndp(
        NeighborSolicitation(IPv6Address(target), told),
        source=source,
        sender=sender,
        receiver=to,
        destination=destination,
    )


def duplicate_detection(
    *, target: str = VIP6, source: MACAddress = RIVAL, options: Sequence[NDPOption] = ()
) -> bytes:
    """Make another host's probe for VIP6 (RFC 4862 5.4.2)."""
    return solicitation(target=target, source=source, sender=UNSPECIFIED, options=options)


def advertisement(
    *,
    target: str = VIP6,
    source: MACAddress = RIVAL,
    sender: IPv6Address | str | None = None,
    options: Sequence[NDPOption] | None = None,
    receiver: IPv6Address | str = ALL_NODES,
    destination: MACAddress | None = None,
    solicited: bool = False,
) -> bytes:
    """Make a rival's advertisement of VIP6."""
    told = [TargetLinkLayerAddress(source)] if options is None else options
    return ndp(
        NeighborAdvertisement(
            IPv6Address(target), router=False, solicited=solicited, override=True, options=told
        ),
        source=source,
        sender=target if sender is None else sender,
        receiver=receiver,
        destination=destination,
    )


def rival(address: str, source: MACAddress = RIVAL) -> bytes:
    """Make a frame by which another station uses an address as its own."""
    if ":" in address:
        return advertisement(target=address, source=source)
    return arp(source=source, sender_ip=address, target_ip=address)


def probe(address: str, source: MACAddress = RIVAL) -> bytes:
    """Make another station's probe for an address."""
    if ":" in address:
        return duplicate_detection(target=address, source=source)
    return arp(source=source, sender_ip="0.0.0.0", target_ip=address)


def question(address: str, source: MACAddress = CLIENT) -> bytes:
    """Make a client's question for an address."""
    return (
        solicitation(target=address, source=source)
        if ":" in address
        else arp(target_ip=address, source=source)
    )


def sent(outputs: Iterable[Output]) -> list[bytes]:
    """Give the frames among some outputs."""
    return [output.frame for output in outputs if isinstance(output, SendFrame)]


def said(frame: bytes) -> tuple[str, str]:
    """Read a frame of a responder as what it does, and for which address.

    This is `announce` (twice for IPv4), `probe` or `answer`.
    """
    ethernet = EthernetFrame.decode(frame)
    if ethernet.ethertype == ETHERTYPE_ARP:
        packet = ARPPacket.decode(ethernet.payload)
        if packet.sender_ip == IPv4Address(0):
            return "probe", str(packet.target_ip)
        return ("announce" if packet.sender_ip == packet.target_ip else "answer"), str(packet.sender_ip)
    _, message = decode_packet(ethernet.payload)
    if isinstance(message, NeighborSolicitation):
        return "probe", str(message.target)
    assert isinstance(message, NeighborAdvertisement)
    return ("answer" if message.solicited else "announce"), str(message.target)
