"""ARP responder for addresses that no interface holds: virtual IPs that other machinery delivers once traffic arrives.

    responder = arp.Responder(mac="02:00:00:00:00:01")
    responder.add("203.0.113.7", now=0.0)       # -> frames that announce it
    responder.receive_frame(frame, now=0.5)     # -> [SendFrame(reply)] or [Ignored(Reason.NOT_OURS)]

This package does no input or output. `arp.interface`, imported by its own name, runs a responder on a network interface
with asyncio (Linux, CAP_NET_RAW); `arp.testing` has hypothesis strategies for tests.
"""

from arp.errors import (
    AddressError,
    ARPError,
    DecodeError,
    InterfaceClosedError,
    InterfaceDownError,
    InterfaceError,
    InterfaceNotFoundError,
    LocalError,
    NotEthernetError,
    PrivilegeError,
)
from arp.ethernet import BROADCAST, ETHERTYPE_ARP, UNKNOWN, EthernetFrame, MACAddress
from arp.outputs import Ignored, Output, Reason, SendFrame, Statistics
from arp.packet import ARPPacket, Operation
from arp.responder import Responder

__all__ = [
    "ARPError",
    "ARPPacket",
    "AddressError",
    "BROADCAST",
    "DecodeError",
    "ETHERTYPE_ARP",
    "EthernetFrame",
    "Ignored",
    "InterfaceClosedError",
    "InterfaceDownError",
    "InterfaceError",
    "InterfaceNotFoundError",
    "LocalError",
    "MACAddress",
    "NotEthernetError",
    "Operation",
    "Output",
    "PrivilegeError",
    "Reason",
    "Responder",
    "SendFrame",
    "Statistics",
    "UNKNOWN",
]
