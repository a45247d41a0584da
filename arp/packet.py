"""ARP packets for IPv4 over Ethernet (RFC 826), as values.

RFC 826 lets a packet describe any pair of protocols and lengths. Only one pair is in use, and a value whose lengths
could contradict its addresses would need checking wherever it is used. So an `ARPPacket` is an operation and four
addresses; everything else is constant, written by `encode` and demanded by `decode`.

Operations other than request and reply (RARP, InARP) keep their number, so that a packet decodes and encodes to the
same octets.
"""

import struct
from ipaddress import IPv4Address
from typing import Self

import attrs

from arp.errors import AddressError, DecodeError, LocalError
from arp.ethernet import MACAddress
from arp.values import Number

IPV4_OVER_ETHERNET = bytes.fromhex("0001 0800 06 04")
"""How each of our packets begins: hardware type 1, protocol type 0x0800, address lengths 6 and 4."""

_PACKET = struct.Struct("!6sH6s4s6s4s")


class Operation(Number):
    """What a packet wants (IANA registry "ARP Parameters", Operation Codes)."""

    REQUEST = 1
    """Who has the target address? (RFC 826)"""
    REPLY = 2
    """The sender has the sender address. (RFC 826)"""


def _operation(value: int) -> int:
    if not 0 <= value <= 0xFFFF:
        raise LocalError(f"ARP operation {value}, must be 0 to 65535")
    return Operation(value) if value in (Operation.REQUEST, Operation.REPLY) else value


def _ipv4_address(value: IPv4Address | str) -> IPv4Address:
    try:
        return IPv4Address(value)
    except ValueError as error:
        raise AddressError(f"{value!r} is no IPv4 address") from error


@attrs.frozen(kw_only=True)
class ARPPacket:
    """One ARP packet: an operation and four addresses.

    Raises `LocalError` (`AddressError` for an address) when a field is out of range.
    """

    operation: int = attrs.field(converter=_operation)
    """An `Operation`, or the plain number of one that has no name here, 0 to 65535."""
    sender_mac: MACAddress = attrs.field(converter=MACAddress)
    """Hardware address of the sender."""
    sender_ip: IPv4Address = attrs.field(converter=_ipv4_address)
    """Protocol address of the sender; 0.0.0.0 in a probe (RFC 5227 1.1)."""
    target_mac: MACAddress = attrs.field(converter=MACAddress)
    """Hardware address of the target; all-zero in a request, where it is the question."""
    target_ip: IPv4Address = attrs.field(converter=_ipv4_address)
    """Protocol address of the target."""

    def encode(self) -> bytes:
        """Give the packet's 28 octets, without padding."""
        return _PACKET.pack(
            IPV4_OVER_ETHERNET,
            self.operation,
            self.sender_mac.packed,
            self.sender_ip.packed,
            self.target_mac.packed,
            self.target_ip.packed,
        )

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the payload of an Ethernet frame, padding allowed; raise `DecodeError` if it is not such a packet."""
        if len(data) < _PACKET.size:
            raise DecodeError(f"ARP packet of {len(data)} octets, IPv4 over Ethernet takes {_PACKET.size}")
        head, operation, sender_mac, sender_ip, target_mac, target_ip = _PACKET.unpack_from(data)
        if head != IPV4_OVER_ETHERNET:
            raise DecodeError(
                f"ARP packet begins with {head.hex()}, IPv4 over Ethernet with {IPV4_OVER_ETHERNET.hex()}"
            )
        return cls(
            operation=operation,
            sender_mac=sender_mac,
            sender_ip=IPv4Address(sender_ip),
            target_mac=target_mac,
            target_ip=IPv4Address(target_ip),
        )
