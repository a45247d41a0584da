"""BGP-4 speaker library.

Messages, state machine and session are here and do no I/O; `bgp.speaker` drives them with asyncio.

    update = bgp.decode(octets, bgp.Negotiated(four_octet_as=True))     # one message
    session = bgp.Session(bgp.PeerConfig(local_as=64512, peer_as=64513))  # one session, without I/O
    from bgp.speaker import Speaker                                     # the whole thing

To learn BGP from the code, read the files in this order: iana, errors, values, wire, prefix, nlri, capabilities,
aspath, communities, attributes, framing, messages; then vocabulary, fsm, config, agreement, rib, updates, events,
intake, damping, session; then collision, stale, peer; last transport, speaker.
"""

from bgp.aspath import ASPath, ASSegment
from bgp.attributes import PathAttributes, UnknownAttribute
from bgp.attributetable import Aggregator
from bgp.capabilities import (
    AddPathCapability,
    Capability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RestartFamily,
    RoleCapability,
    RouteRefreshCapability,
    SoftwareVersionCapability,
    UnknownCapability,
)
from bgp.communities import Community, LargeCommunity
from bgp.config import GracefulRestartConfig, PeerConfig, PrefixLimit
from bgp.errors import (
    BGPError,
    FSMError,
    HeaderError,
    HoldTimerExpired,
    LocalError,
    OpenError,
    PeerError,
    UpdateError,
)
from bgp.events import (
    AttemptFailed,
    EndOfRib,
    Established,
    Event,
    FamilyDisabled,
    Output,
    PrefixLimitWarning,
    RefreshBegun,
    RefreshEnded,
    RefreshRequested,
    RouteRefused,
    RoutesLongLivedStale,
    RoutesReceived,
    RoutesStale,
    SendBytes,
    SessionClosed,
    StaleRoutesGone,
    StateChanged,
)
from bgp.extended import ExtendedCommunity, IPv6ExtendedCommunity
from bgp.faults import Fault, Treatment
from bgp.iana import (
    AFI,
    SAFI,
    AddPathDirection,
    AttributeCode,
    AttributeFlag,
    CapabilityCode,
    CeaseSubcode,
    ErrorCode,
    Origin,
    RefreshSubtype,
    Role,
    SegmentType,
)
from bgp.labelled import LabelledPrefix, RouteDistinguisher, VPNPrefix
from bgp.messages import Keepalive, Message, RouteRefresh, decode, encode
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.negotiated import Negotiated, PeerType, RoleAgreement
from bgp.nlri import NLRI, OpaqueNLRI, Path
from bgp.notification import Notification
from bgp.open import Open, ParameterLayout
from bgp.peer import Peering
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family, Prefix
from bgp.rib import Route
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
    "RefreshSubtype",
    "Negotiated",
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
    "OpaqueNLRI",
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
    "ParameterLayout",
    "Capability",
    "MultiprotocolCapability",
    "RouteRefreshCapability",
    "EnhancedRouteRefreshCapability",
    "ExtendedMessageCapability",
    "ExtendedNextHopCapability",
    "RoleCapability",
    "Role",
    "GracefulRestartCapability",
    "RestartFamily",
    "LongLivedGracefulRestartCapability",
    "LongLivedFamily",
    "FourOctetASCapability",
    "AddPathCapability",
    "AddPathDirection",
    "FQDNCapability",
    "SoftwareVersionCapability",
    "UnknownCapability",
    "CapabilityCode",
    "ErrorCode",
    "CeaseSubcode",
    # what can be wrong with them
    "BGPError",
    "LocalError",
    "PeerError",
    "HeaderError",
    "OpenError",
    "UpdateError",
    "HoldTimerExpired",
    "FSMError",
    "Fault",
    "Treatment",
    # sessions
    "PeerConfig",
    "PrefixLimit",
    "GracefulRestartConfig",
    "PeerType",
    "RoleAgreement",
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
    "AttemptFailed",
    "RefreshRequested",
    "RefreshBegun",
    "RefreshEnded",
    "FamilyDisabled",
    "PrefixLimitWarning",
    "RoutesStale",
    "RoutesLongLivedStale",
    "StaleRoutesGone",
]
