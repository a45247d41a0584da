"""BGP-4 speaker library.

Messages, sessions and routing tables are here and do no I/O; `bgp.speaker` drives them with asyncio.

    update = bgp.decode(octets, bgp.Negotiated(four_octet_as=True))     # one message
    session = bgp.Session(bgp.PeerConfig(local_as=64512, peer_as=64513))  # one session, without I/O
    from bgp.speaker import Speaker                                     # the whole thing

To learn BGP from the code, read the files in this order.

Values: iana, errors, values, drafts, wire, prefix, labelled, nlri, aspath, as4, communities, notation, extended,
offers, capabilities, negotiated, faults, attributetable, attributes, judgement, multiprotocol, open, update,
notification, messages, framing.
Behaviour: vocabulary, fsm, config, agreement, candidate, decision, look, route, rib, ribout, packing, relay, egress,
events, outflow, intake, timers, statistics, damping, session, collision, stale, peer, policy, ingress, table, member,
router.
With asyncio: syn, sockets, listener, transport, stream, liveness, driver, speaker.
To look at: jsonform, textform, hexdump, recording, routetext, injector.
Beside BGP: bfd, mrt, bmp, testing.
"""

from bgp.aspath import ASPath, ASSegment
from bgp.attributes import PathAttributes, UnknownAttribute
from bgp.attributetable import Aggregator
from bgp.capabilities import Capability
from bgp.communities import Community, LargeCommunity
from bgp.config import GracefulRestartConfig, PeerConfig, PrefixLimit
from bgp.errors import BGPError, LocalError, PeerError, UpdateError
from bgp.events import (
    EndOfRib,
    Established,
    Event,
    Output,
    RouteRefused,
    RoutesReceived,
    SendBytes,
    SessionClosed,
    StateChanged,
)
from bgp.extended import ExtendedCommunity, IPv6ExtendedCommunity
from bgp.faults import Fault, Treatment
from bgp.framing import Framer
from bgp.iana import (
    AFI,
    SAFI,
    AddPathDirection,
    AttributeCode,
    AttributeFlag,
    CeaseSubcode,
    ErrorCode,
    Origin,
    Role,
    SegmentType,
)
from bgp.labelled import LabelledPrefix, RouteDistinguisher, VPNPrefix
from bgp.messages import Keepalive, Message, RouteRefresh, decode, encode
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import NLRI, Path
from bgp.notification import Notification
from bgp.open import Open
from bgp.peer import Peering
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family, Prefix
from bgp.route import Route
from bgp.session import Session
from bgp.update import Update
from bgp.vocabulary import CloseConnection, OpenConnection, State

__all__ = [
    # messages
    "decode",
    "encode",
    "Message",
    "Open",
    "Update",
    "Keepalive",
    "Notification",
    "RouteRefresh",
    "Negotiated",
    "Framer",
    # what they are made of
    "AFI",
    "SAFI",
    "Family",
    "IPV4_UNICAST",
    "IPV6_UNICAST",
    "Prefix",
    "LabelledPrefix",
    "VPNPrefix",
    "RouteDistinguisher",
    "Path",
    "NLRI",
    "PathAttributes",
    "Origin",
    "ASPath",
    "ASSegment",
    "SegmentType",
    "Aggregator",
    "Community",
    "LargeCommunity",
    "ExtendedCommunity",
    "IPv6ExtendedCommunity",
    "UnknownAttribute",
    "MPReach",
    "MPUnreach",
    "NextHop",
    "AttributeCode",
    "AttributeFlag",
    "Capability",
    "Role",
    "AddPathDirection",
    "ErrorCode",
    "CeaseSubcode",
    # what can be wrong with them
    "BGPError",
    "LocalError",
    "PeerError",
    "UpdateError",
    "Fault",
    "Treatment",
    # sessions
    "PeerConfig",
    "PrefixLimit",
    "GracefulRestartConfig",
    "PeerType",
    "Route",
    "Session",
    "Peering",
    "State",
    "Output",
    "OpenConnection",
    "CloseConnection",
    "SendBytes",
    "Event",
    "StateChanged",
    "Established",
    "RoutesReceived",
    "EndOfRib",
    "RouteRefused",
    "SessionClosed",
]
