"""Who answers for an address on the LAN: `k8sglue lab who-has ADDRESS` asks once, and counts every reply.

The kernel's neighbour table shows one answer and hides the others. This asks by one ARP request of its own
(RFC 826) and listens on a raw socket, so two nodes that both answered would be seen.
"""

import socket
import struct
import time
from ipaddress import IPv4Address

import attrs

from k8sglue.lab.topology import LAN_INTERFACE

_ETH_P_ARP = 0x0806
_BROADCAST = b"\xff" * 6
_HEADER = struct.Struct("!6s6sH")
_PACKET = struct.Struct("!HHBBH6s4s6s4s")
_REQUEST, _REPLY = 1, 2


@attrs.frozen
class Reply:
    """One ARP reply."""

    mac: str
    after: float
    """Seconds after the request."""


def ask(address: IPv4Address, window: float) -> list[Reply]:
    """Broadcast one request, listen for `window` seconds, return the replies. Raise OSError if that can not be done.

    Needs CAP_NET_RAW.
    """
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ARP)) as wire:
        wire.bind((LAN_INTERFACE, _ETH_P_ARP))
        mac = wire.getsockname()[4]
        request = _request(mac, _own_address(address), address)
        started = time.monotonic()
        wire.send(request)
        replies = []
        while (left := started + window - time.monotonic()) > 0:
            wire.settimeout(left)
            try:
                frame = wire.recv(2048)
            except TimeoutError:
                break
            sender = sender_of(frame, address)
            if sender is not None:
                replies.append(Reply(sender, time.monotonic() - started))
    return replies


def sender_of(frame: bytes, address: IPv4Address) -> str | None:
    """Return the hardware address that a frame says `address` is at, or None if it is no reply of that kind.

    An announcement (RFC 5227) is no reply to us, although it says the same: its target is the address itself.
    """
    if len(frame) < _HEADER.size + _PACKET.size:
        return None
    fields = _PACKET.unpack_from(frame, _HEADER.size)
    operation, mac, sender, target = fields[4], fields[5], fields[6], fields[8]
    if operation != _REPLY or sender != address.packed or target == address.packed:
        return None
    return str(mac.hex(":"))


def _own_address(towards: IPv4Address) -> IPv4Address:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        # No packet is sent: the kernel only picks the source address that it would use.
        datagrams.connect((str(towards), 9))
        return IPv4Address(datagrams.getsockname()[0])


def _request(mac: bytes, own: IPv4Address, address: IPv4Address) -> bytes:
    packet = _PACKET.pack(1, 0x0800, 6, 4, _REQUEST, mac, own.packed, bytes(6), address.packed)
    return _HEADER.pack(_BROADCAST, mac, _ETH_P_ARP) + packet
