# Octets are a frame or a `DecodeError`, and what a frame carries is an ARP packet or a `DecodeError`. A value compares,
# hashes and prints, and encodes to the very same octets.
"""Fuzz Ethernet, VLAN tags and ARP: a frame."""

from arp import ARPPacket, DecodeError, EthernetFrame
from fuzz.contexts import check_value


def check(data: bytes) -> None:
    """Check one input."""
    try:
        frame = EthernetFrame.decode(data)
    except DecodeError:
        return
    assert frame.encode() == data
    assert check_value(frame) == frame
    try:
        packet = ARPPacket.decode(frame.payload)
    except DecodeError:
        return
    assert packet.encode() == frame.payload[:28]
    assert check_value(packet) == packet
