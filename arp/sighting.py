"""One frame of a segment in words: what it says, which address its sender claims, and which one it asks for.

Whoever sends an ARP request claims the sender address in it just as one who replies does, and RFC 826 has receivers
learn from both; a solicitation claims its source address (RFC 4861 7.2.3). So nearly every frame claims something, and
`Sighting` keeps that beside what the frame is mainly there for. A probe, by ARP from 0.0.0.0 or by neighbour discovery
from ::, claims nothing: its sender only wants to (RFC 5227 2.1.1, RFC 4862 5.4.2).

Text and facts hold addresses, numbers and words of ours, and nothing that a sender could have written: no name, no
octet that could move a cursor.

Left out: Redirect messages, and packets in which extension headers hide neighbour discovery.
"""

import enum
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address

import attrs

from arp.errors import DecodeError
from arp.ethernet import ETHERTYPE_ARP, ETHERTYPE_IPV6, EthernetFrame, MACAddress
from arp.ipv6 import ICMPV6, UNSPECIFIED, IPv6Packet
from arp.ndp import (
    NDPMessage,
    NDPType,
    NeighborAdvertisement,
    NeighborSolicitation,
    RouterAdvertisement,
    decode_packet,
)
from arp.options import (
    NDPOption,
    OptionKind,
    PrefixInformation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
)
from arp.packet import ARPPacket, Operation

IPAddress = IPv4Address | IPv6Address
Fact = str | int | float | bool | None | Sequence[str] | Sequence[int]
"""What the values of `Seen.facts` are, all of which JSON has."""

_NOBODY = IPv4Address(0)
_LIMITED_BROADCAST = IPv4Address("255.255.255.255")
_ICMPV6_TYPE_AT = 40  # behind the fixed header of IPv6


class What(enum.Enum):
    """What was seen: a frame of a kind, or something that several frames tell together."""

    ARP_REQUEST = "ARP request"
    """A station with an address asks for another one."""
    ARP_REPLY = "ARP reply"
    """A station tells another one that it has an address."""
    ARP_PROBE = "ARP probe"
    """A station without an address asks for one: it wants it (RFC 5227 2.1.1), or wants to know who has it."""
    ARP_ANNOUNCEMENT = "ARP announcement"
    """Gratuitous ARP, of either operation: a station tells that it has an address (RFC 5227 2.3)."""
    ARP_OTHER = "ARP other"
    """A packet of another operation than request and reply."""
    SOLICITATION = "ND solicitation"
    """A station asks for an IPv6 address, or whether the holder is still there (RFC 4861 4.3)."""
    DUPLICATE_DETECTION = "ND probe"
    """A station wants an IPv6 address and asks whether it is free (RFC 4862 5.4)."""
    ADVERTISEMENT = "ND advertisement"
    """A station tells another one that it has an IPv6 address (RFC 4861 4.4)."""
    ANNOUNCEMENT = "ND announcement"
    """A station tells everyone that it has an IPv6 address: unsolicited, or as the answer to an `ND probe`."""
    ROUTER_SOLICITATION = "router solicitation"
    """A station asks for routers (RFC 4861 4.1)."""
    ROUTER_ADVERTISEMENT = "router advertisement"
    """A router tells about itself and the link (RFC 4861 4.2)."""
    MALFORMED = "malformed"
    """ARP or neighbour discovery that every receiver has to drop."""

    CONFLICT = "CONFLICT"
    """Two stations use an address at the same time."""
    MOVED = "MOVED"
    """An address is used by another station than before: a fail-over, or the beginning of a conflict."""
    UNANSWERED = "UNANSWERED"
    """A station asks for an address again and again, and no answer is seen."""

    @property
    def is_finding(self) -> bool:
        """Whether it is told beside a frame, and not a frame itself."""
        return self in (What.CONFLICT, What.MOVED, What.UNANSWERED)


@attrs.frozen(kw_only=True)
class Seen:
    """Something that happened on a segment, for a person and for a program."""

    what: What
    """What it is."""
    time: float
    """The `now` with which the frame was received."""
    text: str
    """In words; one line of printable ASCII."""
    facts: Mapping[str, Fact]
    """The same, by name."""
    addresses: frozenset[IPAddress] = frozenset()
    """The IP addresses that it is about, of holders as well as of those who ask."""

    def to_dict(self) -> dict[str, Fact]:
        """Give `what` and the facts, as they can be made JSON."""
        return {"what": self.what.name.lower(), **self.facts}


@attrs.frozen(kw_only=True)
class Sighting:
    """What one frame says."""

    what: What
    words: str
    facts: Mapping[str, Fact]
    segment: tuple[int, ...]
    """The VLANs that it belongs to, the outermost first; nothing if it is untagged."""
    sender: MACAddress
    """The station that it speaks for, which need not be the one that it comes from."""
    claimed: IPAddress | None = None
    """The address that it says `sender` has."""
    asked: IPAddress | None = None
    """The address that it asks for."""
    is_answer: bool = False
    """Whether it claims because it was asked."""
    to_all: bool = True
    """Whether it went to a group, and not to a single station."""

    @property
    def addresses(self) -> frozenset[IPAddress]:
        """The IP addresses that it is about."""
        return frozenset(address for address in (self.claimed, self.asked) if address is not None)

    def seen(self, now: float) -> Seen:
        """Give it as what was seen."""
        return Seen(what=self.what, time=now, text=self.words, facts=self.facts, addresses=self.addresses)


def sight(octets: bytes) -> Sighting | None:
    """Read a frame, any octets at all; None if it is neither ARP nor neighbour discovery. Raises nothing."""
    try:
        frame = EthernetFrame.decode(octets)
    except DecodeError:
        return None
    try:
        if frame.ethertype == ETHERTYPE_ARP:
            return _sight_arp(frame, ARPPacket.decode(frame.payload))
        if frame.ethertype == ETHERTYPE_IPV6 and _is_discovery(frame.payload):
            return _sight_discovery(frame, *decode_packet(frame.payload))
    except DecodeError as error:
        return _malformed(frame, str(error))
    return None


def vlan_note(segment: tuple[int, ...]) -> str:
    """Give what to write behind a line about a VLAN; nothing for untagged frames."""
    return f" [VLAN {'.'.join(map(str, segment))}]" if segment else ""


def _is_discovery(payload: bytes) -> bool:
    return len(payload) > _ICMPV6_TYPE_AT and payload[6] == ICMPV6 and payload[_ICMPV6_TYPE_AT] in _TYPES


_TYPES = frozenset(NDPType)


def _is_station(mac: MACAddress) -> bool:
    return not (mac.is_multicast or mac.is_zero)


def _own(address: IPAddress) -> IPAddress | None:
    """The address of a sender, if a host can have it."""
    none = address.is_multicast or address.is_unspecified or address.is_loopback
    return None if none or address == _LIMITED_BROADCAST else address


def _make(
    frame: EthernetFrame,
    what: What,
    words: str,
    facts: Mapping[str, Fact],
    *,
    sender: MACAddress,
    claimed: IPAddress | None = None,
    asked: IPAddress | None = None,
    is_answer: bool = False,
) -> Sighting:
    # Tag 0 carries a priority only. Two tags are what providers use; more do not make yet another segment here.
    segment = tuple(tag.vlan for tag in frame.tags if tag.vlan)[:2]
    headers: dict[str, Fact] = {"source": str(frame.source), "destination": str(frame.destination)}
    if segment:
        headers["vlans"] = segment
    by = "" if frame.source == sender else f", sent by {frame.source}"
    return Sighting(
        what=what,
        words=words + by + vlan_note(segment),
        facts={**facts, **headers},
        segment=segment,
        sender=sender,
        claimed=claimed,
        asked=asked,
        is_answer=is_answer,
        to_all=frame.destination.is_multicast,
    )


def _malformed(frame: EthernetFrame, reason: str) -> Sighting:
    words = f"from {frame.source}: {reason}"
    return _make(frame, What.MALFORMED, words, {"reason": reason}, sender=frame.source)


# ARP


def _sight_arp(frame: EthernetFrame, packet: ARPPacket) -> Sighting:
    mac, address, target = packet.sender_mac, packet.sender_ip, packet.target_ip
    if not _is_station(mac):
        return _malformed(frame, f"ARP sender {mac}, must be a single station")
    facts: dict[str, Fact] = {"mac": str(mac), "address": str(address), "target": str(target)}
    claimed = _own(address)
    if packet.operation not in (Operation.REQUEST, Operation.REPLY):
        words = f"{mac} sends operation {int(packet.operation)} about {target}"
        facts["operation"] = int(packet.operation)
        return _make(frame, What.ARP_OTHER, words, facts, sender=mac)
    if address == target and claimed is not None:
        kind = "request" if packet.operation == Operation.REQUEST else "reply"
        words = f"{address} is at {mac}, {_told(frame)} by gratuitous {kind}"
        facts["operation"] = int(packet.operation)
        return _make(frame, What.ARP_ANNOUNCEMENT, words, facts, sender=mac, claimed=claimed)
    if packet.operation == Operation.REPLY:
        asker = "one without address" if target == _NOBODY else str(target)
        words = f"{address} is at {mac}, told to {asker} ({packet.target_mac})"
        return _make(frame, What.ARP_REPLY, words, facts, sender=mac, claimed=claimed, is_answer=True)
    what = What.ARP_PROBE if address == _NOBODY else What.ARP_REQUEST
    who = str(mac) if address == _NOBODY else f"{address} ({mac})"
    return _make(
        frame, what, f"{who} {_asks(frame)} {target}", facts, sender=mac, claimed=claimed, asked=_own(target)
    )


def _told(frame: EthernetFrame) -> str:
    return "told to all" if frame.destination.is_multicast else f"told to {frame.destination}"


def _asks(frame: EthernetFrame) -> str:
    return "asks who has" if frame.destination.is_multicast else f"asks {frame.destination} whether it has"


# Neighbour discovery


def _sight_discovery(frame: EthernetFrame, packet: IPv6Packet, message: NDPMessage) -> Sighting:
    kind = OptionKind.SOURCE_LINK_LAYER_ADDRESS
    if isinstance(message, NeighborAdvertisement):
        kind = OptionKind.TARGET_LINK_LAYER_ADDRESS
    mac = _link_layer(message.options, kind) or frame.source
    if not _is_station(mac):
        return _malformed(frame, f"link-layer address {mac}, must be a single station's")
    match message:
        case NeighborSolicitation():
            return _solicitation(frame, packet.source, mac, message)
        case NeighborAdvertisement():
            return _advertisement(frame, packet, mac, message)
        case RouterAdvertisement():
            return _router(frame, packet.source, mac, message)
        case _:
            return _router_solicitation(frame, packet.source, mac)


def _link_layer(options: tuple[NDPOption, ...], kind: OptionKind) -> MACAddress | None:
    known = (
        option for option in options if isinstance(option, SourceLinkLayerAddress | TargetLinkLayerAddress)
    )
    return next((option.mac for option in known if option.kind == kind), None)


def _solicitation(
    frame: EthernetFrame, source: IPv6Address, mac: MACAddress, message: NeighborSolicitation
) -> Sighting:
    target = message.target
    facts: dict[str, Fact] = {"mac": str(mac), "address": str(source), "target": str(target)}
    if source == UNSPECIFIED:
        words = f"{mac} wants {target} and asks whether it is free"
        return _make(frame, What.DUPLICATE_DETECTION, words, facts, sender=mac, asked=_own(target))
    words = f"{source} ({mac}) {_asks(frame)} {target}"
    return _make(frame, What.SOLICITATION, words, facts, sender=mac, claimed=_own(source), asked=_own(target))


def _advertisement(
    frame: EthernetFrame, packet: IPv6Packet, mac: MACAddress, message: NeighborAdvertisement
) -> Sighting:
    named = ("router", message.router), ("solicited", message.solicited), ("override", message.override)
    flags = [name for name, is_set in named if is_set]
    to_all = packet.destination.is_multicast
    words = (
        f"{message.target} is at {mac}, told to {'all' if to_all else packet.destination}"
        f" ({', '.join(flags) or 'no flags'})"
    )
    facts: dict[str, Fact] = {
        "mac": str(mac),
        "address": str(message.target),
        "target": str(packet.destination),
        "flags": flags,
    }
    what = What.ANNOUNCEMENT if to_all else What.ADVERTISEMENT
    claimed = _own(message.target)
    return _make(frame, what, words, facts, sender=mac, claimed=claimed, is_answer=message.solicited)


def _router(
    frame: EthernetFrame, source: IPv6Address, mac: MACAddress, message: RouterAdvertisement
) -> Sighting:
    prefixes = [str(option.prefix) for option in message.options if isinstance(option, PrefixInformation)]
    lifetime = message.router_lifetime
    role = f"is a default router for {lifetime} s" if lifetime else "is no default router"
    words = f"{source} ({mac}) {role}"
    if prefixes:
        words += f", prefixes {' '.join(prefixes)}"
    facts: dict[str, Fact] = {
        "mac": str(mac),
        "address": str(source),
        "lifetime": lifetime,
        "managed": message.managed,
        "other": message.other,
        "prefixes": prefixes,
    }
    return _make(frame, What.ROUTER_ADVERTISEMENT, words, facts, sender=mac, claimed=_own(source))


def _router_solicitation(frame: EthernetFrame, source: IPv6Address, mac: MACAddress) -> Sighting:
    who = str(mac) if source == UNSPECIFIED else f"{source} ({mac})"
    facts: dict[str, Fact] = {"mac": str(mac), "address": str(source)}
    return _make(
        frame,
        What.ROUTER_SOLICITATION,
        f"{who} asks for routers",
        facts,
        sender=mac,
        claimed=_own(source),
    )
