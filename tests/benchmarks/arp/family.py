"""ARP and Neighbor Discovery, as far as an asker needs them: addresses, questions, and what an answer looks like."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.ethernet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV6, UNKNOWN, EthernetFrame, MACAddress
from arp.ipv6 import group_mac, solicited_node_group
from arp.ndp import NDPType, NeighborSolicitation, SourceLinkLayerAddress, encode_packet
from arp.packet import ARPPacket, Operation

Address = IPv4Address | IPv6Address

_STEP = 3


@attrs.frozen(kw_only=True)
class Family:
    """One of the two protocols, and the addresses that are used with it."""

    name: str
    """As on the command line."""
    title: str
    """As people know it."""
    asker: Address
    """The address of who asks."""
    owned_from: Address
    """The first address that a subject owns."""
    others_from: Address
    """The first address of somebody else; no subject owns anything near."""
    length: int
    """Of the prefix that all of them are in."""
    ethertype: int
    mark: tuple[int, int]
    """Where in an answer is an octet that no question has, and which."""
    target_at: int
    """Where in an answer is the address that it is about."""
    ask: Callable[[MACAddress, Address, Address], bytes]
    """Make the frame that asks, from the MAC address and the address of who asks and the one that is asked for."""

    def owned(self, count: int) -> list[Address]:
        """The addresses of a subject that owns so many: every third."""
        return [self.owned_from + _STEP * number for number in range(count)]

    def gaps(self, count: int) -> list[Address]:
        """Addresses beside those, one each."""
        return [address + 1 for address in self.owned(count)]

    def others(self, count: int) -> list[Address]:
        """Addresses of somebody else."""
        return [self.others_from + number for number in range(count)]

    def questions(self, asker: MACAddress, targets: list[Address]) -> list[bytes]:
        """A frame for each, from this MAC address."""
        return [self.ask(asker, self.asker, target) for target in targets]

    def target(self, answer: bytes) -> bytes:
        """The address that an answer is about, packed."""
        return answer[self.target_at : self.target_at + len(self.asker.packed)]


def _request(mac: MACAddress, source: Address, target: Address) -> bytes:
    assert isinstance(source, IPv4Address)
    assert isinstance(target, IPv4Address)
    packet = ARPPacket(
        operation=Operation.REQUEST, sender_mac=mac, sender_ip=source, target_mac=UNKNOWN, target_ip=target
    )
    return _frame(BROADCAST, mac, ETHERTYPE_ARP, packet.encode())


def _solicitation(mac: MACAddress, source: Address, target: Address) -> bytes:
    assert isinstance(source, IPv6Address)
    assert isinstance(target, IPv6Address)
    group = solicited_node_group(target)
    message = NeighborSolicitation(target, (SourceLinkLayerAddress(mac),))
    packet = encode_packet(message, source, group)
    return _frame(group_mac(group), mac, ETHERTYPE_IPV6, packet)


def _frame(destination: MACAddress, source: MACAddress, ethertype: int, payload: bytes) -> bytes:
    frame = EthernetFrame(destination=destination, source=source, ethertype=ethertype, payload=payload)
    return frame.encode()


ARP = Family(
    name="arp",
    title="ARP",
    asker=IPv4Address("198.19.255.254"),
    owned_from=IPv4Address("198.18.0.1"),  # RFC 2544 C.2.2: set aside for benchmarks
    others_from=IPv4Address("198.19.128.1"),
    length=15,
    ethertype=ETHERTYPE_ARP,
    mark=(21, Operation.REPLY),
    target_at=28,
    ask=_request,
)
"""RFC 826."""

NDP = Family(
    name="ndp",
    title="NDP",
    asker=IPv6Address("2001:2:0:ffff::1"),
    owned_from=IPv6Address("2001:2::1"),  # RFC 5180 8: set aside for benchmarks
    others_from=IPv6Address("2001:2:0:8000::1"),
    length=48,
    ethertype=ETHERTYPE_IPV6,
    mark=(54, NDPType.NEIGHBOR_ADVERTISEMENT),
    target_at=62,
    ask=_solicitation,
)
"""RFC 4861."""

FAMILIES = {family.name: family for family in (ARP, NDP)}
"""Both, by name."""
