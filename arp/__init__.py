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
from arp.outputs import (
    Claimed,
    ClaimState,
    Conflict,
    Ignored,
    Outcome,
    Output,
    Reason,
    SendFrame,
    Statistics,
)
from arp.packet import ARPPacket, Operation
from arp.prober import Answer, Prober
from arp.responder import Responder
from arp.settings import ConflictPolicy, Settings

__all__ = [
    "ARPError",
    "ARPPacket",
    "AddressError",
    "Answer",
    "BROADCAST",
    "ClaimState",
    "Claimed",
    "Conflict",
    "ConflictPolicy",
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
    "Outcome",
    "Output",
    "PrivilegeError",
    "Prober",
    "Reason",
    "Responder",
    "SendFrame",
    "Settings",
    "Statistics",
    "UNKNOWN",
]
