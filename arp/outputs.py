"""What comes out of a responder: frames to send, reasons for silence, and counts of both."""

import enum
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address

import attrs


class Reason(enum.Enum):
    """Why a frame is not answered, in the order in which the rules apply."""

    NOT_ARP = "not ARP"
    """It is no ARP frame; one that still carries a VLAN tag in its octets is none either."""
    TRUNCATED = "truncated"
    """It says that it is ARP, and is too short for a packet (RFC 826)."""
    NOT_IPV4 = "not IPv4 over Ethernet"
    """It is ARP for another pair of protocols, or its address lengths are not those of IPv4 over Ethernet."""
    OWN_FRAME = "our own frame"
    """It comes from our MAC address: a switch or an access point has sent it back."""
    BAD_SENDER = "impossible sender"
    """Its sender, in the Ethernet header or in the packet, is a multicast or the all-zero address."""
    CONFLICT = "conflict"
    """Another station uses an owned address as its own (RFC 5227 2.4)."""
    NOT_A_REQUEST = "not a request"
    """It is a reply or has another operation, and is no question."""
    NOT_TO_US = "not to us"
    """It is addressed neither to everyone nor to our MAC address."""
    NOT_OURS = "not ours"
    """It asks for an address that is not owned here."""


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


Output = SendFrame | Ignored
"""What `Responder.receive_frame` returns a list of."""


@attrs.frozen(kw_only=True)
class Statistics:
    """Counts at one moment. Those of an address begin at zero when it is added and end with it."""

    ignored: Mapping[Reason, int]
    """Frames not answered, for each reason, since the responder was made."""
    replies: Mapping[IPv4Address | IPv6Address, int]
    """Replies, for each owned address."""
    gratuitous: Mapping[IPv4Address | IPv6Address, int]
    """Gratuitous frames, for each owned address; an announcement is two."""
