"""Numbers of the IANA registries that BGP uses, and nothing else.

Each enum stands under the registry it copies, each member has the RFC that assigned it. A number that is
missing here is not an error anywhere: the codec keeps it as a plain int.

https://www.iana.org/assignments/bgp-parameters
https://www.iana.org/assignments/address-family-numbers
https://www.iana.org/assignments/safi-namespace
https://www.iana.org/assignments/capability-codes
https://www.iana.org/assignments/mrt
https://www.iana.org/assignments/bmp-parameters
"""

import enum
from typing import Final, Self


class _Registry(enum.IntEnum):
    """Numbers with names; prints as it is written in code."""

    @classmethod
    def name_of(cls, number: int) -> Self | int:
        """The member for a number, or the plain number if the registry here has none."""
        return cls(number) if cls.has(number) else int(number)

    @classmethod
    def has(cls, number: int) -> bool:
        """Whether there is a member for a number."""
        return number in cls._value2member_map_

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class MessageType(_Registry):
    """BGP Message Types."""

    OPEN = 1  # RFC 4271
    UPDATE = 2  # RFC 4271
    NOTIFICATION = 3  # RFC 4271
    KEEPALIVE = 4  # RFC 4271
    ROUTE_REFRESH = 5  # RFC 2918


class AFI(_Registry):
    """Address Family Numbers."""

    IPV4 = 1
    IPV6 = 2
    L2VPN = 25  # RFC 4761
    BGP_LS = 16388  # RFC 9552


class SAFI(_Registry):
    """Subsequent Address Family Identifiers."""

    UNICAST = 1  # RFC 4760
    MULTICAST = 2  # RFC 4760
    LABELLED_UNICAST = 4  # RFC 8277
    MCAST_VPN = 5  # RFC 6514
    VPLS = 65  # RFC 4761
    EVPN = 70  # RFC 7432
    BGP_LS = 71  # RFC 9552
    BGP_LS_VPN = 72  # RFC 9552
    SR_POLICY = 73  # RFC 9830
    VPN = 128  # RFC 4364
    MULTICAST_VPN = 129  # RFC 6513
    ROUTE_TARGET = 132  # RFC 4684
    FLOW_SPECIFICATION = 133  # RFC 8955
    FLOW_SPECIFICATION_VPN = 134  # RFC 8955


class CapabilityCode(_Registry):
    """Capability Codes."""

    MULTIPROTOCOL = 1  # RFC 4760
    ROUTE_REFRESH = 2  # RFC 2918
    OUTBOUND_ROUTE_FILTERING = 3  # RFC 5291
    EXTENDED_NEXT_HOP = 5  # RFC 8950
    EXTENDED_MESSAGE = 6  # RFC 8654
    BGPSEC = 7  # RFC 8205
    MULTIPLE_LABELS = 8  # RFC 8277
    ROLE = 9  # RFC 9234
    GRACEFUL_RESTART = 64  # RFC 4724
    FOUR_OCTET_AS = 65  # RFC 6793
    DYNAMIC_CAPABILITY = 67  # draft-ietf-idr-dynamic-cap
    MULTISESSION = 68  # draft-ietf-idr-bgp-multisession
    ADD_PATH = 69  # RFC 7911
    ENHANCED_ROUTE_REFRESH = 70  # RFC 7313
    LONG_LIVED_GRACEFUL_RESTART = 71  # RFC 9494
    FQDN = 73  # draft-walton-bgp-hostname-capability
    SOFTWARE_VERSION = 75  # draft-abraitis-bgp-version-capability
    PATHS_LIMIT = 76  # draft-abraitis-idr-addpath-paths-limit


class ParameterType(_Registry):
    """BGP OPEN Optional Parameter Types."""

    CAPABILITIES = 2  # RFC 5492
    EXTENDED_LENGTH = 255  # RFC 9072


class Role(_Registry):
    """BGP Role Value: what the sender is to the receiver."""

    PROVIDER = 0  # RFC 9234
    ROUTE_SERVER = 1  # RFC 9234
    ROUTE_SERVER_CLIENT = 2  # RFC 9234
    CUSTOMER = 3  # RFC 9234
    PEER = 4  # RFC 9234


class AddPathDirection(enum.IntFlag):
    """Send/Receive of the ADD-PATH capability: what the sender of the capability is able to do (RFC 7911 4)."""

    RECEIVE = 1
    SEND = 2

    def __repr__(self) -> str:
        return " | ".join(f"AddPathDirection.{flag.name}" for flag in self) or "AddPathDirection(0)"


class RefreshSubtype(_Registry):
    """BGP Route Refresh Subcodes."""

    REQUEST = 0  # RFC 2918
    BEGIN = 1  # RFC 7313, BoRR
    END = 2  # RFC 7313, EoRR


class AttributeFlag(enum.IntFlag):
    """The first octet of a path attribute (RFC 4271 4.3)."""

    OPTIONAL = 0x80
    TRANSITIVE = 0x40
    PARTIAL = 0x20
    EXTENDED_LENGTH = 0x10

    def __repr__(self) -> str:
        return " | ".join(f"AttributeFlag.{flag.name}" for flag in self) or "AttributeFlag(0)"


class AttributeCode(_Registry):
    """BGP Path Attributes."""

    ORIGIN = 1  # RFC 4271
    AS_PATH = 2  # RFC 4271
    NEXT_HOP = 3  # RFC 4271
    MULTI_EXIT_DISC = 4  # RFC 4271
    LOCAL_PREF = 5  # RFC 4271
    ATOMIC_AGGREGATE = 6  # RFC 4271
    AGGREGATOR = 7  # RFC 4271
    COMMUNITIES = 8  # RFC 1997
    ORIGINATOR_ID = 9  # RFC 4456
    CLUSTER_LIST = 10  # RFC 4456
    MP_REACH_NLRI = 14  # RFC 4760
    MP_UNREACH_NLRI = 15  # RFC 4760
    EXTENDED_COMMUNITIES = 16  # RFC 4360
    AS4_PATH = 17  # RFC 6793
    AS4_AGGREGATOR = 18  # RFC 6793
    PMSI_TUNNEL = 22  # RFC 6514
    TUNNEL_ENCAPSULATION = 23  # RFC 9012
    TRAFFIC_ENGINEERING = 24  # RFC 5543
    IPV6_EXTENDED_COMMUNITIES = 25  # RFC 5701
    AIGP = 26  # RFC 7311
    PE_DISTINGUISHER_LABELS = 27  # RFC 6514
    BGP_LS = 29  # RFC 9552
    LARGE_COMMUNITIES = 32  # RFC 8092
    BGPSEC_PATH = 33  # RFC 8205
    ONLY_TO_CUSTOMER = 35  # RFC 9234
    SFP = 37  # RFC 9015
    BFD_DISCRIMINATOR = 38  # RFC 9026
    PREFIX_SID = 40  # RFC 8669
    ATTR_SET = 128  # RFC 6368


class Origin(_Registry):
    """BGP Origin Types: how the route came into BGP (RFC 4271 5.1.1)."""

    IGP = 0  # RFC 4271
    EGP = 1  # RFC 4271
    INCOMPLETE = 2  # RFC 4271


class SegmentType(_Registry):
    """BGP AS_PATH Segment Types."""

    AS_SET = 1  # RFC 4271
    AS_SEQUENCE = 2  # RFC 4271
    AS_CONFED_SEQUENCE = 3  # RFC 5065
    AS_CONFED_SET = 4  # RFC 5065


class ErrorCode(_Registry):
    """BGP Error (Notification) Codes."""

    MESSAGE_HEADER_ERROR = 1  # RFC 4271
    OPEN_MESSAGE_ERROR = 2  # RFC 4271
    UPDATE_MESSAGE_ERROR = 3  # RFC 4271
    HOLD_TIMER_EXPIRED = 4  # RFC 4271
    FINITE_STATE_MACHINE_ERROR = 5  # RFC 4271
    CEASE = 6  # RFC 4271
    ROUTE_REFRESH_MESSAGE_ERROR = 7  # RFC 7313
    SEND_HOLD_TIMER_EXPIRED = 8  # RFC 9687
    LOSS_OF_LSDB_SYNCHRONIZATION = 9  # RFC 9815


class HeaderSubcode(_Registry):
    """Message Header Error subcodes."""

    UNSPECIFIC = 0
    CONNECTION_NOT_SYNCHRONIZED = 1  # RFC 4271
    BAD_MESSAGE_LENGTH = 2  # RFC 4271
    BAD_MESSAGE_TYPE = 3  # RFC 4271


class OpenSubcode(_Registry):
    """OPEN Message Error subcodes."""

    UNSPECIFIC = 0
    UNSUPPORTED_VERSION_NUMBER = 1  # RFC 4271
    BAD_PEER_AS = 2  # RFC 4271
    BAD_BGP_IDENTIFIER = 3  # RFC 4271
    UNSUPPORTED_OPTIONAL_PARAMETER = 4  # RFC 4271
    AUTHENTICATION_FAILURE = 5  # RFC 1771, deprecated
    UNACCEPTABLE_HOLD_TIME = 6  # RFC 4271
    UNSUPPORTED_CAPABILITY = 7  # RFC 5492
    ROLE_MISMATCH = 11  # RFC 9234


class UpdateSubcode(_Registry):
    """UPDATE Message Error subcodes."""

    UNSPECIFIC = 0
    MALFORMED_ATTRIBUTE_LIST = 1  # RFC 4271
    UNRECOGNIZED_WELL_KNOWN_ATTRIBUTE = 2  # RFC 4271
    MISSING_WELL_KNOWN_ATTRIBUTE = 3  # RFC 4271
    ATTRIBUTE_FLAGS_ERROR = 4  # RFC 4271
    ATTRIBUTE_LENGTH_ERROR = 5  # RFC 4271
    INVALID_ORIGIN_ATTRIBUTE = 6  # RFC 4271
    AS_ROUTING_LOOP = 7  # RFC 1771, deprecated
    INVALID_NEXT_HOP_ATTRIBUTE = 8  # RFC 4271
    OPTIONAL_ATTRIBUTE_ERROR = 9  # RFC 4271
    INVALID_NETWORK_FIELD = 10  # RFC 4271
    MALFORMED_AS_PATH = 11  # RFC 4271


class FSMSubcode(_Registry):
    """Finite State Machine Error subcodes: the state that a message was not expected in."""

    UNSPECIFIED = 0  # RFC 6608
    UNEXPECTED_MESSAGE_IN_OPEN_SENT = 1  # RFC 6608
    UNEXPECTED_MESSAGE_IN_OPEN_CONFIRM = 2  # RFC 6608
    UNEXPECTED_MESSAGE_IN_ESTABLISHED = 3  # RFC 6608


class CeaseSubcode(_Registry):
    """Cease NOTIFICATION subcodes."""

    MAXIMUM_NUMBER_OF_PREFIXES_REACHED = 1  # RFC 4486
    ADMINISTRATIVE_SHUTDOWN = 2  # RFC 4486
    PEER_DE_CONFIGURED = 3  # RFC 4486
    ADMINISTRATIVE_RESET = 4  # RFC 4486
    CONNECTION_REJECTED = 5  # RFC 4486
    OTHER_CONFIGURATION_CHANGE = 6  # RFC 4486
    CONNECTION_COLLISION_RESOLUTION = 7  # RFC 4486
    OUT_OF_RESOURCES = 8  # RFC 4486
    HARD_RESET = 9  # RFC 8538
    BFD_DOWN = 10  # RFC 9384


class RouteRefreshSubcode(_Registry):
    """BGP ROUTE-REFRESH Message Error subcodes."""

    INVALID_MESSAGE_LENGTH = 1  # RFC 7313


class MRTType(_Registry):
    """MRT Types."""

    OSPFV2 = 11  # RFC 6396
    TABLE_DUMP = 12  # RFC 6396
    TABLE_DUMP_V2 = 13  # RFC 6396
    BGP4MP = 16  # RFC 6396
    BGP4MP_ET = 17  # RFC 6396
    ISIS = 32  # RFC 6396
    ISIS_ET = 33  # RFC 6396
    OSPFV3 = 48  # RFC 6396
    OSPFV3_ET = 49  # RFC 6396


class TableDumpV2Subtype(_Registry):
    """TABLE_DUMP_V2 Subtype Codes."""

    PEER_INDEX_TABLE = 1  # RFC 6396
    RIB_IPV4_UNICAST = 2  # RFC 6396
    RIB_IPV4_MULTICAST = 3  # RFC 6396
    RIB_IPV6_UNICAST = 4  # RFC 6396
    RIB_IPV6_MULTICAST = 5  # RFC 6396
    RIB_GENERIC = 6  # RFC 6396
    GEO_PEER_TABLE = 7  # RFC 6397
    RIB_IPV4_UNICAST_ADDPATH = 8  # RFC 8050
    RIB_IPV4_MULTICAST_ADDPATH = 9  # RFC 8050
    RIB_IPV6_UNICAST_ADDPATH = 10  # RFC 8050
    RIB_IPV6_MULTICAST_ADDPATH = 11  # RFC 8050
    RIB_GENERIC_ADDPATH = 12  # RFC 8050


class BGP4MPSubtype(_Registry):
    """BGP4MP and BGP4MP_ET Subtype Codes."""

    STATE_CHANGE = 0  # RFC 6396
    MESSAGE = 1  # RFC 6396
    MESSAGE_AS4 = 4  # RFC 6396
    STATE_CHANGE_AS4 = 5  # RFC 6396
    MESSAGE_LOCAL = 6  # RFC 6396
    MESSAGE_AS4_LOCAL = 7  # RFC 6396
    MESSAGE_ADDPATH = 8  # RFC 8050
    MESSAGE_AS4_ADDPATH = 9  # RFC 8050
    MESSAGE_LOCAL_ADDPATH = 10  # RFC 8050
    MESSAGE_AS4_LOCAL_ADDPATH = 11  # RFC 8050


class MRTState(_Registry):
    """The states of a session as MRT numbers them (RFC 6396 4.4.1)."""

    IDLE = 1
    CONNECT = 2
    ACTIVE = 3
    OPEN_SENT = 4
    OPEN_CONFIRM = 5
    ESTABLISHED = 6


class BMPMessageType(_Registry):
    """BMP Message Types."""

    ROUTE_MONITORING = 0  # RFC 7854
    STATISTICS_REPORT = 1  # RFC 7854
    PEER_DOWN = 2  # RFC 7854
    PEER_UP = 3  # RFC 7854
    INITIATION = 4  # RFC 7854
    TERMINATION = 5  # RFC 7854
    ROUTE_MIRRORING = 6  # RFC 7854


class BMPPeerType(_Registry):
    """BMP Peer Types."""

    GLOBAL = 0  # RFC 7854
    RD = 1  # RFC 7854
    LOCAL = 2  # RFC 7854
    LOC_RIB = 3  # RFC 9069


class BMPPeerFlag(enum.IntFlag):
    """BMP Peer Flags of peers of the types 0 to 2."""

    IPV6 = 0x80  # RFC 7854, V
    POST_POLICY = 0x40  # RFC 7854, L
    TWO_OCTET_AS = 0x20  # RFC 7854, A
    ADJ_RIB_OUT = 0x10  # RFC 8671, O


class BMPStatistic(_Registry):
    """BMP Statistics Types."""

    REJECTED_PREFIXES = 0  # RFC 7854
    DUPLICATE_ADVERTISEMENTS = 1  # RFC 7854
    DUPLICATE_WITHDRAWALS = 2  # RFC 7854
    CLUSTER_LIST_LOOPS = 3  # RFC 7854
    AS_PATH_LOOPS = 4  # RFC 7854
    ORIGINATOR_ID_LOOPS = 5  # RFC 7854
    CONFEDERATION_LOOPS = 6  # RFC 7854
    ADJ_RIB_IN_ROUTES = 7  # RFC 7854
    LOC_RIB_ROUTES = 8  # RFC 7854
    ADJ_RIB_IN_ROUTES_OF_FAMILY = 9  # RFC 7854
    LOC_RIB_ROUTES_OF_FAMILY = 10  # RFC 7854
    UPDATES_TREATED_AS_WITHDRAW = 11  # RFC 7854
    PREFIXES_TREATED_AS_WITHDRAW = 12  # RFC 7854
    DUPLICATE_UPDATES = 13  # RFC 7854
    PRE_POLICY_ADJ_RIB_OUT_ROUTES = 14  # RFC 8671
    POST_POLICY_ADJ_RIB_OUT_ROUTES = 15  # RFC 8671
    PRE_POLICY_ADJ_RIB_OUT_ROUTES_OF_FAMILY = 16  # RFC 8671
    POST_POLICY_ADJ_RIB_OUT_ROUTES_OF_FAMILY = 17  # RFC 8671


class BMPInformationType(_Registry):
    """BMP Initiation and Peer Up Information TLVs."""

    STRING = 0  # RFC 7854
    SYS_DESCR = 1  # RFC 7854
    SYS_NAME = 2  # RFC 7854
    TABLE_NAME = 3  # RFC 9069
    ADMIN_LABEL = 4  # RFC 8671


class BMPTerminationType(_Registry):
    """BMP Termination Message TLVs."""

    STRING = 0  # RFC 7854
    REASON = 1  # RFC 7854


class BMPTerminationReason(_Registry):
    """BMP Termination Message Reason Codes."""

    ADMINISTRATIVELY_CLOSED = 0  # RFC 7854
    UNSPECIFIED = 1  # RFC 7854
    OUT_OF_RESOURCES = 2  # RFC 7854
    REDUNDANT_CONNECTION = 3  # RFC 7854
    PERMANENTLY_CLOSED = 4  # RFC 7854


class BMPPeerDownReason(_Registry):
    """BMP Peer Down Reason Codes."""

    LOCAL_NOTIFICATION = 1  # RFC 7854
    LOCAL_EVENT = 2  # RFC 7854
    REMOTE_NOTIFICATION = 3  # RFC 7854
    REMOTE = 4  # RFC 7854
    DE_CONFIGURED = 5  # RFC 7854
    LOCAL_WITH_TABLE_NAME = 6  # RFC 9069


class BMPMirroringType(_Registry):
    """BMP Route Mirroring TLVs."""

    BGP_MESSAGE = 0  # RFC 7854
    INFORMATION = 1  # RFC 7854


SUBCODES: Final[dict[int, type[_Registry]]] = {
    ErrorCode.MESSAGE_HEADER_ERROR: HeaderSubcode,
    ErrorCode.OPEN_MESSAGE_ERROR: OpenSubcode,
    ErrorCode.UPDATE_MESSAGE_ERROR: UpdateSubcode,
    ErrorCode.FINITE_STATE_MACHINE_ERROR: FSMSubcode,
    ErrorCode.CEASE: CeaseSubcode,
    ErrorCode.ROUTE_REFRESH_MESSAGE_ERROR: RouteRefreshSubcode,
}
"""The registry of subcodes under each error code that has one."""

WELL_KNOWN_COMMUNITIES: Final[dict[str, int]] = {
    "graceful-shutdown": 0xFFFF0000,  # RFC 8326
    "accept-own": 0xFFFF0001,  # RFC 7611
    "llgr-stale": 0xFFFF0006,  # RFC 9494
    "no-llgr": 0xFFFF0007,  # RFC 9494
    "standby-pe": 0xFFFF0009,  # RFC 9026
    "blackhole": 0xFFFF029A,  # RFC 7999
    "no-export": 0xFFFFFF01,  # RFC 1997
    "no-advertise": 0xFFFFFF02,  # RFC 1997
    "no-export-subconfed": 0xFFFFFF03,  # RFC 1997
    "no-peer": 0xFFFFFF04,  # RFC 3765
}
"""BGP Well-known Communities, by the names that people type."""

AS_TRANS: Final = 23456
"""Stands for an AS number that does not fit into two octets (RFC 6793)."""
