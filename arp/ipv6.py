"""IPv6 packets with nothing but the fixed header, the checksum of ICMPv6, and the groups that neighbours meet in.

Enough of IPv6 to carry Neighbor Discovery, and no more: extension headers stay in the payload, where `next_header` says
what they are, and what follows the packet in a frame is padding, which is dropped.

A host does not ask everyone for an address, as ARP does, but the group of all whose addresses end in the same 24 bits
(RFC 4291 2.7.1): nearly always the one host that it looks for, and the hardware of all others filters the frame.
"""

import struct
from ipaddress import IPv6Address
from typing import Self

import attrs

from arp.errors import AddressError, DecodeError
from arp.ethernet import MACAddress
from arp.values import in_range, ipv6_address, is_octets

UNSPECIFIED = IPv6Address("::")
"""No address: the source of those who do not have one yet (RFC 4291 2.5.2)."""

ALL_NODES = IPv6Address("ff02::1")
"""Every host on the link (RFC 4291 2.7.1)."""

ALL_ROUTERS = IPv6Address("ff02::2")
"""Every router on the link (RFC 4291 2.7.1)."""

ICMPV6 = 58
"""The next header value of ICMPv6 (RFC 4443 1)."""

_HEADER = struct.Struct("!IHBB16s16s")
_GROUP_START = IPv6Address("ff02::1:ff00:0").packed[:13]


def solicited_node_group(address: IPv6Address | str) -> IPv6Address:
    """Give the group in which a unicast address is asked for (RFC 4291 2.7.1).

    Raises `AddressError` for what is no IPv6 address, or is a group itself.
    """
    unicast = ipv6_address(address)
    if unicast.is_multicast:
        raise AddressError(
            f"{unicast} is a multicast address, a solicited-node group is one of unicast addresses"
        )
    return IPv6Address(_GROUP_START + unicast.packed[13:])


def is_solicited_node_group(address: IPv6Address) -> bool:
    """Tell whether this is the solicited-node group of some address."""
    return address.packed.startswith(_GROUP_START)


def group_mac(group: IPv6Address | str) -> MACAddress:
    """Give the MAC address that frames to an IPv6 multicast group are sent to (RFC 2464 7).

    Raises `AddressError` for what is no IPv6 multicast address.
    """
    address = ipv6_address(group)
    if not address.is_multicast:
        raise AddressError(f"{address} is no multicast address, only groups have a MAC address of their own")
    return MACAddress(b"\x33\x33" + address.packed[12:])


def icmpv6_checksum(source: IPv6Address, destination: IPv6Address, message: bytes) -> int:
    """Calculate the checksum of an ICMPv6 message over it and the pseudo-header (RFC 4443 2.3, RFC 8200 8.1).

    With zero in the place of the checksum, octets 2 and 3, this is what belongs there. With the checksum in place it
    is 0 if that is right, and anything else if not.
    """
    pseudo_header = source.packed + destination.packed + struct.pack("!II", len(message), ICMPV6)
    covered = pseudo_header + message + bytes(len(message) % 2)
    # Adding 16-bit words with an end-around carry is arithmetic modulo 0xffff (RFC 1071 2), where one huge number
    # leaves the same as the sum of its words. The sum is never zero, since the next header value is part of it.
    return -int.from_bytes(covered, "big") % 0xFFFF


@attrs.frozen(kw_only=True)
class IPv6Packet:
    """An IPv6 packet: the fixed header and what follows it (RFC 8200 3).

    Raises `LocalError` (`AddressError` for an address) when a field is out of range.
    """

    source: IPv6Address = attrs.field(converter=ipv6_address)
    """Who sent it; `UNSPECIFIED` for a host without an address."""
    destination: IPv6Address = attrs.field(converter=ipv6_address)
    """Who is to receive it, a host or a group."""
    next_header: int = attrs.field(validator=in_range("next header", 0, 0xFF))
    """What the payload begins with, 0 to 255: an extension header, or a protocol, such as `ICMPV6`."""
    hop_limit: int = attrs.field(validator=in_range("hop limit", 0, 0xFF))
    """How many more routers may forward it, 0 to 255; one that arrives with 255 came from this link."""
    payload: bytes = attrs.field(validator=is_octets("IPv6 payload", 0, 0xFFFF))
    """What follows the header, up to 65535 octets."""
    traffic_class: int = attrs.field(default=0, validator=in_range("traffic class", 0, 0xFF))
    """Differentiated services and congestion, 0 to 255 (RFC 8200 7)."""
    flow_label: int = attrs.field(default=0, validator=in_range("flow label", 0, 0xFFFFF))
    """The flow that it belongs to, 0 to 0xfffff (RFC 8200 6); 0 is none."""

    def encode(self) -> bytes:
        """Give the packet's octets."""
        header = _HEADER.pack(
            6 << 28 | self.traffic_class << 20 | self.flow_label,
            len(self.payload),
            self.next_header,
            self.hop_limit,
            self.source.packed,
            self.destination.packed,
        )
        return header + self.payload

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the payload of an Ethernet frame, padding allowed; raise `DecodeError` if it is no IPv6 packet."""
        if len(data) < _HEADER.size:
            raise DecodeError(f"IPv6 packet of {len(data)} octets, the header alone has {_HEADER.size}")
        start, length, next_header, hop_limit, source, destination = _HEADER.unpack_from(data)
        if start >> 28 != 6:
            raise DecodeError(f"IP version {start >> 28}, must be 6")
        if length > len(data) - _HEADER.size:
            raise DecodeError(
                f"IPv6 payload of {length} octets declared, {len(data) - _HEADER.size} are there"
            )
        return cls(
            source=IPv6Address(source),
            destination=IPv6Address(destination),
            next_header=next_header,
            hop_limit=hop_limit,
            payload=data[_HEADER.size : _HEADER.size + length],
            traffic_class=start >> 20 & 0xFF,
            flow_label=start & 0xFFFFF,
        )
