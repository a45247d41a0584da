"""What there is to say on the wire about one address: the answers, announcements and probes of both families.

*IPv4.* An announcement is a request and a reply whose sender and target are both the address, sent to everyone (RFC
5944 4.6; the request is also the announcement of RFC 5227 2.3): either alone is ignored by some stacks.

*IPv6.* Every advertisement has the override flag (RFC 4861 7.2.4, for an address that is no anycast address):
without it caches that know another link-layer address keep that one. It comes from the address itself. Probes carry
a nonce, by which they are known if something sends them back (RFC 7527).

*A farewell* is an announcement of the successor's MAC address. It comes from ours, or switches would learn that the
successor is behind our port.

Answers and announcements are joined here from octets, since there are many: thousands of addresses are taken over at
once, and the codecs' checks take a hundred times as long. They say the same, and tests hold this file to them. Probes
are few, and left to the codecs.
"""

from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.ethernet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV6, UNKNOWN, EthernetFrame, MACAddress
from arp.ipv6 import ALL_NODES, ICMPV6, UNSPECIFIED, group_mac, solicited_node_group
from arp.ndp import HOP_LIMIT, NDPType, NeighborSolicitation, encode_packet
from arp.options import Nonce
from arp.packet import IPV4_OVER_ETHERNET, ARPPacket, Operation

NONCE_LENGTH = 6
"""Octets of the nonce of a probe, the least that RFC 3971 5.3.2 allows."""

_ARP = ETHERTYPE_ARP.to_bytes(2, "big") + IPV4_OVER_ETHERNET
_REQUEST, _REPLY = (operation.to_bytes(2, "big") for operation in (Operation.REQUEST, Operation.REPLY))
_ADVERTISEMENT_LENGTH = 32  # with the option for the link-layer address
_IPV6 = (
    ETHERTYPE_IPV6.to_bytes(2, "big")
    + bytes([0x60, 0, 0, 0])  # version 6
    + _ADVERTISEMENT_LENGTH.to_bytes(2, "big")
    + bytes([ICMPV6, HOP_LIMIT])
)
_TYPE = bytes([NDPType.NEIGHBOR_ADVERTISEMENT, 0])
_SOLICITED, _UNSOLICITED = b"\x60\0\0\0", b"\x20\0\0\0"  # RFC 4861 4.4: override, with and without solicited
_OPTION = b"\x02\x01"  # RFC 4861 4.6.1: the target's link-layer address, 8 octets
_ALL_NODES, _ALL_NODES_MAC = ALL_NODES.packed, group_mac(ALL_NODES).packed


@attrs.frozen
class ARPFrames:
    """The frames about an IPv4 address, from the station with this MAC address."""

    mac: MACAddress
    address: IPv4Address
    _answer: bytes = attrs.field(
        init=False, repr=False
    )  # without the asker's addresses, of which one is in front

    def __attrs_post_init__(self) -> None:
        """Prepare the answer."""
        ours = self.mac.packed
        object.__setattr__(self, "_answer", ours + _ARP + _REPLY + ours + self.address.packed)

    def answer(self, asker_mac: bytes, asker: bytes) -> bytes:
        """Answer the station that asked, and that has the address `asker`, all zero in a probe."""
        return b"".join((asker_mac, self._answer, asker_mac, asker))

    def gratuitous(self, holder: MACAddress) -> tuple[bytes, ...]:
        """Tell everyone that `holder` has the address: ourselves, or our successor."""
        address = self.address.packed
        head, sender = BROADCAST.packed + self.mac.packed + _ARP, holder.packed + address
        return (
            head + _REQUEST + sender + UNKNOWN.packed + address,  # RFC 5227 2.3, 2.1.1: no target
            head + _REPLY + sender + sender,  # RFC 5944 4.6: the sender's own
        )

    def probe(self, nonce: bytes) -> bytes:
        """Ask everyone whether the address is in use (RFC 5227 2.1.1); ARP has no place for a nonce."""
        packet = ARPPacket(
            operation=Operation.REQUEST,
            sender_mac=self.mac,
            sender_ip=IPv4Address(0),
            target_mac=UNKNOWN,
            target_ip=self.address,
        )
        return EthernetFrame(
            destination=BROADCAST, source=self.mac, ethertype=ETHERTYPE_ARP, payload=packet.encode()
        ).encode()


@attrs.frozen
class NDPFrames:
    """The frames about an IPv6 address, from the station with this MAC address."""

    mac: MACAddress
    address: IPv6Address
    _head: bytes = attrs.field(
        init=False, repr=False
    )  # what is before the receiver's address, but for its MAC
    _answer: bytes = attrs.field(init=False, repr=False)  # what is behind the checksum of an answer
    _answer_sum: int = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        """Prepare the answer."""
        answer = _SOLICITED + self.address.packed + _OPTION + self.mac.packed
        object.__setattr__(self, "_head", self.mac.packed + _IPV6 + self.address.packed)
        object.__setattr__(self, "_answer", answer)
        object.__setattr__(self, "_answer_sum", self._sum(answer))

    def answer(self, asker_mac: bytes, asker: bytes) -> bytes:
        """Answer the station that asked, and that has the address `asker`.

        One that asks from the unspecified address wants the target for itself, and cannot be answered but by telling
        everyone (RFC 4861 7.2.4).
        """
        if not any(asker):
            return self.gratuitous(self.mac)[0]
        return self._advertisement(asker_mac, asker, self._answer, self._answer_sum)

    def gratuitous(self, holder: MACAddress) -> tuple[bytes, ...]:
        """Tell all nodes that `holder` has the address: ourselves, or our successor (RFC 4861 7.2.6)."""
        message = _UNSOLICITED + self.address.packed + _OPTION + holder.packed
        return (self._advertisement(_ALL_NODES_MAC, _ALL_NODES, message, self._sum(message)),)

    def probe(self, nonce: bytes) -> bytes:
        """Ask the solicited-node group whether the address is in use (RFC 4862 5.4.2, RFC 7527 4.1)."""
        group = solicited_node_group(self.address)
        packet = encode_packet(NeighborSolicitation(self.address, [Nonce(nonce)]), UNSPECIFIED, group)
        return EthernetFrame(
            destination=group_mac(group), source=self.mac, ethertype=ETHERTYPE_IPV6, payload=packet
        ).encode()

    def _advertisement(self, receiver_mac: bytes, receiver: bytes, message: bytes, total: int) -> bytes:
        # RFC 8200 8.1: adding 16-bit words with an end-around carry is arithmetic modulo 0xffff (RFC 1071 2).
        checksum = -(total + int.from_bytes(receiver, "big")) % 0xFFFF
        return b"".join((receiver_mac, self._head, receiver, _TYPE, checksum.to_bytes(2, "big"), message))

    def _sum(self, message: bytes) -> int:
        """Add up what the checksum covers, but for the receiver's address."""
        return (
            _ADVERTISEMENT_LENGTH
            + ICMPV6
            + int.from_bytes(self.address.packed + _TYPE + b"\0\0" + message, "big") % 0xFFFF
        )


Frames = ARPFrames | NDPFrames
"""The frames about an address of either family."""


def frames_about(address: IPv4Address | IPv6Address, mac: MACAddress) -> Frames:
    """Give the frames about an address, from the station with this MAC address."""
    return NDPFrames(mac, address) if isinstance(address, IPv6Address) else ARPFrames(mac, address)
