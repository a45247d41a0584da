"""What comes out of a responder: frames to send, reasons for silence, events, and counts of them all."""

import enum
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.ethernet import MACAddress


class Reason(enum.Enum):
    """Why a frame is not answered, in the order in which the rules apply, to ARP and neighbour discovery alike."""

    # Members are singletons. Enum hashes their names, in Python, and that for each frame that is counted.
    __hash__ = object.__hash__

    TAGGED = "VLAN tag"
    """It carries a VLAN tag in its octets, and so belongs to another interface."""
    OTHER_PROTOCOL = "neither ARP nor neighbour discovery"
    """It is of another protocol. So is what hides neighbour discovery behind an IPv6 extension header."""
    TRUNCATED = "truncated"
    """It says that it is ARP, or a message of neighbour discovery, and is too short for one."""
    NOT_IPV4 = "not IPv4 over Ethernet"
    """It is ARP for another pair of protocols, or its address lengths are not those of IPv4 over Ethernet."""
    NOT_OURS = "not ours"
    """It is about addresses that are not owned here."""
    INVALID = "invalid"
    """It is neighbour discovery that has to be discarded: a hop limit below 255, so that it came from another link;
    a wrong checksum, code, length or option; addresses that it may not have (RFC 4861 7.1.1, 7.1.2)."""
    OWN_FRAME = "our own frame"
    """It comes from our MAC address, or is a probe of ours: a switch or an access point has sent it back."""
    BAD_SENDER = "impossible sender"
    """Its sender, in the Ethernet header or in the packet, is a multicast or the all-zero address."""
    NOT_A_REQUEST = "not a request"
    """It is no question, and does not come from an owned address: a reply to somebody, or another operation of ARP."""
    NOT_TO_US = "not to us"
    """It is addressed neither to everyone (IPv6: to the solicited-node group of the address) nor to us."""
    LINK_DOWN = "link down"
    """It was received before the link went down, and could not be answered."""
    FRIEND = "friend"
    """A station that is declared a friend uses an owned address as its own."""
    CONFLICT = "conflict"
    """Another station uses an owned address as its own, or probes for one that we are probing for."""
    PROBING = "still probing"
    """It asks for an address that is being probed for, and not yet held."""
    YIELDED = "yielded"
    """It asks for an address that was left to another station."""


class ClaimState(enum.Enum):
    """How far the claim to an owned address has come."""

    PROBING = "probing"
    """We ask whether another station has it, and answer nothing."""
    HELD = "held"
    """We answer for it and announce it."""
    YIELDED = "yielded"
    """Another station has it. We are silent until it is probed for again."""


class Outcome(enum.Enum):
    """What came of a conflict."""

    DEFENDED = "defended"
    """The address is announced again."""
    TOLERATED = "tolerated"
    """Nothing: it was defended less than a defence interval ago."""
    YIELDED = "yielded"
    """The address is left to the other station for now."""
    IGNORED = "ignored"
    """Nothing: the policy is to ignore conflicts."""


@attrs.frozen
class SendFrame:
    """Send these octets on the interface, a whole Ethernet frame without padding and check sequence."""

    frame: bytes
    """The frame."""


@attrs.frozen
class Ignored:
    """The frame that was received gets no answer."""

    reason: Reason
    """Why."""


@attrs.frozen(kw_only=True)
class Claimed:
    """Nobody answered our probes: the address is held from now on."""

    address: IPv4Address | IPv6Address
    """The address."""
    interface: str = ""
    """Name of the responder's interface."""


@attrs.frozen(kw_only=True)
class Conflict:
    """Another station uses an owned address as its own, or probes for one while we do.

    Told once in a defence interval for an address and station, and once more when the address is yielded; of more
    than 16 stations in that time, only the first are told. `Statistics.conflicts` counts each frame.
    """

    address: IPv4Address | IPv6Address
    """The address."""
    mac: MACAddress
    """The other station."""
    interface: str = ""
    """Name of the responder's interface."""
    outcome: Outcome
    """What came of it."""


Output = SendFrame | Ignored | Claimed | Conflict
"""What the verbs of a `Responder` return a list of, in the order to carry it out."""


@attrs.frozen(kw_only=True)
class Statistics:
    """Counts at one moment. Those of an address begin at zero when it is added and end with it."""

    ignored: Mapping[Reason, int]
    """Frames not answered, for each reason, since the responder was made."""
    replies: Mapping[IPv4Address | IPv6Address, int]
    """Answers, for each owned address."""
    gratuitous: Mapping[IPv4Address | IPv6Address, int]
    """Gratuitous frames, for each owned address; an announcement or defence of an IPv4 address is two."""
    probes: Mapping[IPv4Address | IPv6Address, int]
    """Probes sent, for each owned address."""
    conflicts: Mapping[IPv4Address | IPv6Address, int]
    """Frames of other stations in conflict with ours, for each owned address."""
    defences: Mapping[IPv4Address | IPv6Address, int]
    """Conflicts that made us announce again, for each owned address."""
