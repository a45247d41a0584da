"""ARP and Neighbor Discovery for addresses that no interface holds: virtual IPs, whose traffic others deliver.

    responder = arp.Responder(mac="02:00:00:00:00:01")
    responder.add("203.0.113.7", now=0.0)       # -> frames that announce it
    responder.receive_frame(frame, now=0.5)     # -> [SendFrame(reply)] or [Ignored(Reason.NOT_OURS)]

This package does no input or output. `arp.interface`, imported by its own name, runs a responder on a network interface
with asyncio (Linux, CAP_NET_RAW), and `python -m arp` from a shell; `arp.testing` has hypothesis strategies for tests.

To learn from the code how neighbours find each other, read the files in this order.

Values and codecs: errors, values, ethernet, packet, ipv6, options, ndp.
Behaviour: addresses, settings, outputs, reading, frames, pacing, claim, responder, prober, sighting, watcher.
On Linux: bpf, netlink, events.
With asyncio and threads: links, memberships, exchange, answerer, channel, asker, stream, interface.
On the command line: board, tally, tap, commands, __main__.
Beside them: testing.
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
from arp.ethernet import (
    BROADCAST,
    C_TAG,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    S_TAG,
    UNKNOWN,
    EthernetFrame,
    MACAddress,
    VLANTag,
)
from arp.events import Event, InterfaceBack, InterfaceGone, LinkDown, LinkUp, MACChanged, State
from arp.ipv6 import (
    ALL_NODES,
    ALL_ROUTERS,
    ICMPV6,
    UNSPECIFIED,
    IPv6Packet,
    group_mac,
    icmpv6_checksum,
    solicited_node_group,
)
from arp.ndp import (
    NDPMessage,
    NDPType,
    NeighborAdvertisement,
    NeighborSolicitation,
    RouterAdvertisement,
    RouterSolicitation,
    decode_packet,
    encode_packet,
)
from arp.options import (
    MTU,
    NDPOption,
    Nonce,
    OptionKind,
    PrefixInformation,
    RedirectedHeader,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
)
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
from arp.sighting import Fact, Seen, What
from arp.watcher import Watcher

__all__ = [
    "ALL_NODES",
    "ALL_ROUTERS",
    "ARPError",
    "ARPPacket",
    "AddressError",
    "Answer",
    "BROADCAST",
    "C_TAG",
    "ClaimState",
    "Claimed",
    "Conflict",
    "ConflictPolicy",
    "DecodeError",
    "ETHERTYPE_ARP",
    "ETHERTYPE_IPV6",
    "EthernetFrame",
    "Event",
    "Fact",
    "ICMPV6",
    "IPv6Packet",
    "Ignored",
    "InterfaceBack",
    "InterfaceClosedError",
    "InterfaceDownError",
    "InterfaceError",
    "InterfaceGone",
    "InterfaceNotFoundError",
    "LinkDown",
    "LinkUp",
    "LocalError",
    "MACAddress",
    "MACChanged",
    "MTU",
    "NDPMessage",
    "NDPOption",
    "NDPType",
    "NeighborAdvertisement",
    "NeighborSolicitation",
    "Nonce",
    "NotEthernetError",
    "Operation",
    "OptionKind",
    "Outcome",
    "Output",
    "PrefixInformation",
    "PrivilegeError",
    "Prober",
    "Reason",
    "RedirectedHeader",
    "Responder",
    "RouterAdvertisement",
    "RouterSolicitation",
    "S_TAG",
    "Seen",
    "SendFrame",
    "Settings",
    "SourceLinkLayerAddress",
    "State",
    "Statistics",
    "TargetLinkLayerAddress",
    "UNKNOWN",
    "UNSPECIFIED",
    "UnknownOption",
    "VLANTag",
    "Watcher",
    "What",
    "decode_packet",
    "encode_packet",
    "group_mac",
    "icmpv6_checksum",
    "solicited_node_group",
]
