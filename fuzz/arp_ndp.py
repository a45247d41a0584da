# Octets are an IPv6 packet or a `DecodeError`, and so is the message of Neighbor Discovery in it. A packet encodes to
# the very same octets; a message compares, hashes and prints, and may be sent again just as it came.
"""Fuzz Neighbor Discovery: an octet, then the packet; if the octet is odd, all that every packet needs is put right."""

from arp import ICMPV6, DecodeError, IPv6Packet, decode_packet, encode_packet, icmpv6_checksum
from arp.ndp import HOP_LIMIT
from fuzz.contexts import check_value

_HEADER = 40


def check(data: bytes) -> None:
    """Check one input."""
    octets = _put_right(data[1:]) if data and data[0] & 1 else data[1:]
    try:
        packet = IPv6Packet.decode(octets)
    except DecodeError:
        return
    assert octets.startswith(packet.encode())
    assert check_value(packet) == packet
    try:
        again, message = decode_packet(octets)
    except DecodeError:
        return
    assert again == packet
    assert check_value(message) == message
    sent = encode_packet(message, packet.source, packet.destination)
    assert len(sent) == len(packet.encode())
    assert decode_packet(sent)[1] == message


def _put_right(octets: bytes) -> bytes:
    """Make it version 6, ICMPv6 as long as it is, sent on this link, with a right checksum."""
    padded = octets.ljust(_HEADER + 4, b"\0")
    length = (len(padded) - _HEADER).to_bytes(2, "big")
    packet = IPv6Packet.decode(b"\x60\0\0\0" + length + bytes([ICMPV6, HOP_LIMIT]) + padded[8:])
    zeroed = packet.payload[:2] + bytes(2) + packet.payload[4:]
    checksum = icmpv6_checksum(packet.source, packet.destination, zeroed).to_bytes(2, "big")
    return packet.encode()[: _HEADER + 2] + checksum + packet.payload[4:]
