"""What there is to say on the wire about one address: the answers, announcements and probes of both families.

An answer differs from asker to asker in two addresses alone, and for IPv6 in the checksum that covers one of them.
All else is made once, by the codecs, and an answer is those octets joined. What is said rarely is made by the
codecs each time.

*IPv4.* An announcement is a request and a reply whose sender and target are both the address, sent to everyone (RFC
5944 4.6; the request is also the announcement of RFC 5227 2.3): either alone is ignored by some stacks.

*IPv6.* Every advertisement has the override flag (RFC 4861 7.2.4, for an address that is no anycast address):
without it caches that know another link-layer address keep that one. It comes from the address itself. Probes carry
a nonce, by which they are known if something sends them back (RFC 7527).

*A farewell* is an announcement of the successor's MAC address. It comes from ours, or switches would learn that the
successor is behind our port.
"""

from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.ethernet import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_IPV6, UNKNOWN, EthernetFrame, MACAddress
from arp.ipv6 import ALL_NODES, UNSPECIFIED, group_mac, solicited_node_group
from arp.ndp import NDPMessage, NeighborAdvertisement, NeighborSolicitation, encode_packet
from arp.options import Nonce, TargetLinkLayerAddress
from arp.packet import ARPPacket, Operation

NONCE_LENGTH = 6
"""Octets of the nonce of a probe, the least that RFC 3971 5.3.2 allows."""

_NOBODY = IPv4Address(0)
_CHECKSUM = slice(56, 58)  # of a frame: Ethernet header 14, IPv6 header 40, type and code


@attrs.frozen
class ARPFrames:
    """The frames about an IPv4 address, from the station with this MAC address."""

    mac: MACAddress
    address: IPv4Address
    _middle: bytes = attrs.field(
        init=False, repr=False
    )  # of an answer, between the copies of the asker's MAC address

    def __attrs_post_init__(self) -> None:
        """Prepare the answer."""
        answer = self._frame(BROADCAST, Operation.REPLY, self.mac, self.address, BROADCAST, _NOBODY)
        object.__setattr__(self, "_middle", answer[6:32])

    def answer(self, asker_mac: bytes, asker: bytes) -> bytes:
        """Answer the station that asked, and that has the address `asker`, all zero in a probe."""
        return b"".join((asker_mac, self._middle, asker_mac, asker))

    def gratuitous(self, holder: MACAddress) -> tuple[bytes, ...]:
        """Tell everyone that `holder` has the address: ourselves, or our successor."""
        address = self.address
        return (
            # RFC 5227 2.3, 2.1.1: the target's is all zero
            self._frame(BROADCAST, Operation.REQUEST, holder, address, UNKNOWN, address),
            # RFC 5944 4.6: the target's is the sender's
            self._frame(BROADCAST, Operation.REPLY, holder, address, holder, address),
        )

    def probe(self, nonce: bytes) -> bytes:
        """Ask everyone whether the address is in use (RFC 5227 2.1.1); ARP has no place for a nonce."""
        return self._frame(BROADCAST, Operation.REQUEST, self.mac, _NOBODY, UNKNOWN, self.address)

    def _frame(
        self,
        destination: MACAddress,
        operation: Operation,
        sender_mac: MACAddress,
        sender: IPv4Address,
        target_mac: MACAddress,
        target: IPv4Address,
    ) -> bytes:
        packet = ARPPacket(
            operation=operation,
            sender_mac=sender_mac,
            sender_ip=sender,
            target_mac=target_mac,
            target_ip=target,
        )
        return EthernetFrame(
            destination=destination, source=self.mac, ethertype=ETHERTYPE_ARP, payload=packet.encode()
        ).encode()


@attrs.frozen
class NDPFrames:
    """The frames about an IPv6 address, from the station with this MAC address."""

    mac: MACAddress
    address: IPv6Address
    _to_everyone: bytes = attrs.field(init=False, repr=False)  # the unsolicited advertisement
    _head: bytes = attrs.field(
        init=False, repr=False
    )  # of an answer, between the asker's MAC and IPv6 addresses
    _checksum: int = attrs.field(init=False, repr=False)  # of an answer to ::
    _tail: bytes = attrs.field(init=False, repr=False)  # of an answer, behind the checksum

    def __attrs_post_init__(self) -> None:
        """Prepare the answers."""
        answer = self._frame(
            BROADCAST, self._advertisement(self.mac, solicited=True), self.address, self.address
        )
        # Ones' complement arithmetic: another destination changes the checksum by the difference of the two.
        checksum = int.from_bytes(answer[_CHECKSUM], "big") + int(self.address)
        object.__setattr__(self, "_to_everyone", self.gratuitous(self.mac)[0])
        object.__setattr__(self, "_head", answer[6:38])
        object.__setattr__(self, "_checksum", checksum % 0xFFFF)
        object.__setattr__(self, "_tail", answer[58:])

    def answer(self, asker_mac: bytes, asker: bytes) -> bytes:
        """Answer the station that asked, and that has the address `asker`.

        One that asks from the unspecified address wants the target for itself, and cannot be answered but by
        telling everyone (RFC 4861 7.2.4).
        """
        if not any(asker):
            return self._to_everyone
        checksum = (self._checksum - int.from_bytes(asker, "big")) % 0xFFFF
        return b"".join((asker_mac, self._head, asker, b"\x88\0", checksum.to_bytes(2, "big"), self._tail))

    def gratuitous(self, holder: MACAddress) -> tuple[bytes, ...]:
        """Tell all nodes that `holder` has the address: ourselves, or our successor (RFC 4861 7.2.6)."""
        message = self._advertisement(holder, solicited=False)
        return (self._frame(group_mac(ALL_NODES), message, self.address, ALL_NODES),)

    def probe(self, nonce: bytes) -> bytes:
        """Ask the solicited-node group whether the address is in use (RFC 4862 5.4.2, RFC 7527 4.1)."""
        group = solicited_node_group(self.address)
        return self._frame(
            group_mac(group), NeighborSolicitation(self.address, [Nonce(nonce)]), UNSPECIFIED, group
        )

    def _advertisement(self, holder: MACAddress, *, solicited: bool) -> NeighborAdvertisement:
        return NeighborAdvertisement(
            self.address,
            router=False,
            solicited=solicited,
            override=True,
            options=[TargetLinkLayerAddress(holder)],
        )

    def _frame(
        self, destination: MACAddress, message: NDPMessage, source: IPv6Address, receiver: IPv6Address
    ) -> bytes:
        packet = encode_packet(message, source, receiver)
        return EthernetFrame(
            destination=destination, source=self.mac, ethertype=ETHERTYPE_IPV6, payload=packet
        ).encode()


Frames = ARPFrames | NDPFrames
"""The frames about an address of either family."""


def frames_about(address: IPv4Address | IPv6Address, mac: MACAddress) -> Frames:
    """Give the frames about an address, from the station with this MAC address."""
    return NDPFrames(mac, address) if isinstance(address, IPv6Address) else ARPFrames(mac, address)
