"""Neighbor Discovery for IPv6 (RFC 4861): solicitations and advertisements of neighbours and routers, as values.

What ARP is for IPv4, these are for IPv6, inside of ICMPv6. A message encodes to the octets of ICMPv6 with a checksum of
zero, because the checksum covers the addresses of the packet as well; `encode_packet` makes the packet, and
`decode_packet` reads one.

A receiver has to drop messages that break a rule of RFC 4861 6.1.1, 6.1.2, 7.1.1 or 7.1.2. Most important is the hop
limit of 255, which proves that the packet was sent on this very link: a router would have lowered it. Some of these
rules are about the message alone, and no value breaks them; others are about message and addresses together. The second
kind stands in one function, `_objection`, by which we refuse to send what we would refuse to receive.

Left out: Redirect messages, for only routers send them; packets with extension headers, which no sender of such
messages has a use for (RFC 6980 forbids fragments); Secure Neighbor Discovery, but for its nonce. Reserved bits and
those of later RFCs, such as the preference of a router (RFC 4191), are written as zero and not looked at.
"""

import struct
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address
from typing import ClassVar

import attrs

from arp.errors import AddressError, DecodeError, LocalError
from arp.ipv6 import ICMPV6, UNSPECIFIED, IPv6Packet, icmpv6_checksum, is_solicited_node_group
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
    decode_options,
)
from arp.values import Number, in_range, ipv6_address, is_flag, several

__all__ = [
    "HOP_LIMIT",
    "MTU",
    "NDPMessage",
    "NDPOption",
    "NDPType",
    "NeighborAdvertisement",
    "NeighborSolicitation",
    "Nonce",
    "OptionKind",
    "PrefixInformation",
    "RedirectedHeader",
    "RouterAdvertisement",
    "RouterSolicitation",
    "SourceLinkLayerAddress",
    "TargetLinkLayerAddress",
    "UnknownOption",
    "decode_packet",
    "encode_packet",
]

HOP_LIMIT = 255
"""The hop limit of every packet of Neighbor Discovery."""

_HEADER = struct.Struct("!BBH")  # type, code, checksum
_SOLICIT_ROUTER = struct.Struct("!BBH4x")
_ADVERTISE_ROUTER = struct.Struct("!BBHBBHII")
_SOLICIT = struct.Struct("!BBH4x16s")
_ADVERTISE = struct.Struct("!BBHB3x16s")
_MANAGED, _OTHER = 0x80, 0x40
_ROUTER, _SOLICITED, _OVERRIDE = 0x80, 0x40, 0x20


class NDPType(Number):
    """Types of ICMPv6 messages (IANA registry "ICMPv6 Parameters"), those that are read here."""

    ROUTER_SOLICITATION = 133
    """RFC 4861 4.1"""
    ROUTER_ADVERTISEMENT = 134
    """RFC 4861 4.2"""
    NEIGHBOR_SOLICITATION = 135
    """RFC 4861 4.3"""
    NEIGHBOR_ADVERTISEMENT = 136
    """RFC 4861 4.4"""


def _target(value: IPv6Address | str) -> IPv6Address:
    address = ipv6_address(value)
    if address.is_multicast:  # RFC 4861 7.1.1, 7.1.2
        raise AddressError(f"target {address} is a multicast address")
    return address


def _options(values: Iterable[NDPOption]) -> tuple[NDPOption, ...]:
    return several("options", values, NDPOption)


@attrs.frozen
class RouterSolicitation:
    """A host asks the routers of the link to advertise themselves at once (RFC 4861 4.1)."""

    type: ClassVar[NDPType] = NDPType.ROUTER_SOLICITATION
    options: tuple[NDPOption, ...] = attrs.field(default=(), converter=_options)
    """Its options, in their order."""

    def encode(self) -> bytes:
        """Give the octets of ICMPv6, with a checksum of zero."""
        return _SOLICIT_ROUTER.pack(self.type, 0, 0) + _encode_options(self.options)


@attrs.frozen(kw_only=True)
class RouterAdvertisement:
    """A router tells about itself and the link (RFC 4861 4.2).

    Raises `LocalError` when a field is out of range.
    """

    type: ClassVar[NDPType] = NDPType.ROUTER_ADVERTISEMENT
    hop_limit: int = attrs.field(validator=in_range("advertised hop limit", 0, 0xFF))
    """The hop limit that hosts should send with, 1 to 255; 0 says nothing."""
    managed: bool = attrs.field(validator=is_flag("managed"))
    """M: addresses are to be had by DHCPv6."""
    other: bool = attrs.field(validator=is_flag("other"))
    """O: other information is to be had by DHCPv6."""
    router_lifetime: int = attrs.field(validator=in_range("router lifetime", 0, 0xFFFF))
    """Seconds for which it is a default router, 0 to 65535 (RFC 8319 4); 0 is not at all."""
    reachable_time: int = attrs.field(validator=in_range("reachable time", 0, 0xFFFF_FFFF))
    """Milliseconds for which a neighbour that was heard of counts as reachable, up to 0xffffffff; 0 says nothing."""
    retrans_timer: int = attrs.field(validator=in_range("retransmission timer", 0, 0xFFFF_FFFF))
    """Milliseconds between two solicitations, up to 0xffffffff; 0 says nothing."""
    options: tuple[NDPOption, ...] = attrs.field(default=(), converter=_options)
    """Its options, in their order."""

    def encode(self) -> bytes:
        """Give the octets of ICMPv6, with a checksum of zero."""
        fixed = _ADVERTISE_ROUTER.pack(
            self.type,
            0,
            0,
            self.hop_limit,
            self.managed * _MANAGED | self.other * _OTHER,
            self.router_lifetime,
            self.reachable_time,
            self.retrans_timer,
        )
        return fixed + _encode_options(self.options)


@attrs.frozen
class NeighborSolicitation:
    """Who has the target? Or: is it still there? Or, from no address: may I have it? (RFC 4861 4.3, RFC 4862 5.4)"""

    type: ClassVar[NDPType] = NDPType.NEIGHBOR_SOLICITATION
    target: IPv6Address = attrs.field(converter=_target)
    """The address that is asked for; `AddressError` if it is none, or that of a group."""
    options: tuple[NDPOption, ...] = attrs.field(default=(), converter=_options)
    """Its options, in their order."""

    def encode(self) -> bytes:
        """Give the octets of ICMPv6, with a checksum of zero."""
        return _SOLICIT.pack(self.type, 0, 0, self.target.packed) + _encode_options(self.options)


@attrs.frozen
class NeighborAdvertisement:
    """The sender has the target (RFC 4861 4.4).

    Raises `LocalError` when a flag is no bool.
    """

    type: ClassVar[NDPType] = NDPType.NEIGHBOR_ADVERTISEMENT
    target: IPv6Address = attrs.field(converter=_target)
    """The address that the sender has; `AddressError` if it is none, or that of a group."""
    router: bool = attrs.field(kw_only=True, validator=is_flag("router"))
    """R: the sender forwards packets."""
    solicited: bool = attrs.field(kw_only=True, validator=is_flag("solicited"))
    """S: the answer to a solicitation, and so a proof that both directions work."""
    override: bool = attrs.field(kw_only=True, validator=is_flag("override"))
    """O: a cache that has another link-layer address is to take the one in here."""
    options: tuple[NDPOption, ...] = attrs.field(default=(), kw_only=True, converter=_options)
    """Its options, in their order."""

    def encode(self) -> bytes:
        """Give the octets of ICMPv6, with a checksum of zero."""
        flags = self.router * _ROUTER | self.solicited * _SOLICITED | self.override * _OVERRIDE
        return _ADVERTISE.pack(self.type, 0, 0, flags, self.target.packed) + _encode_options(self.options)


NDPMessage = RouterSolicitation | RouterAdvertisement | NeighborSolicitation | NeighborAdvertisement
"""What `decode_packet` reads and `encode_packet` writes."""


def encode_packet(message: NDPMessage, source: IPv6Address | str, destination: IPv6Address | str) -> bytes:
    """Give the octets of a whole IPv6 packet, to be put into a frame: hop limit 255, checksum in place.

    Raises `AddressError` for what is no address, and `LocalError` for what every receiver would have to drop: see
    `decode_packet`.
    """
    sender, receiver = ipv6_address(source), ipv6_address(destination)
    objection = _objection(message, sender, receiver)
    if objection is not None:
        raise LocalError(objection)
    octets = message.encode()
    checksum = icmpv6_checksum(sender, receiver, octets)
    return IPv6Packet(
        source=sender,
        destination=receiver,
        next_header=ICMPV6,
        hop_limit=HOP_LIMIT,
        payload=octets[:2] + checksum.to_bytes(2, "big") + octets[4:],
    ).encode()


def decode_packet(data: bytes) -> tuple[IPv6Packet, NDPMessage]:
    """Read the payload of an Ethernet frame, padding allowed: the packet, and the message in it.

    Raises `DecodeError` if it is no such packet, or one that has to be dropped: a hop limit other than 255, a wrong
    checksum, a code other than 0, too short, an option without length or beyond the end, a multicast address as
    source or target; a router advertisement that is not from a link-local address; a solicitation from the
    unspecified address with a source link-layer address, or, if for a neighbour, to anything but a solicited-node
    group; a neighbour advertisement to a group that says it was solicited.
    """
    packet = IPv6Packet.decode(data)
    if packet.next_header != ICMPV6:
        raise DecodeError(f"next header {packet.next_header}, must be {ICMPV6} for ICMPv6")
    if packet.hop_limit != HOP_LIMIT:
        raise DecodeError(f"hop limit {packet.hop_limit}, must be {HOP_LIMIT}: it may come from another link")
    if len(packet.payload) < _HEADER.size:
        raise DecodeError(
            f"ICMPv6 message of {len(packet.payload)} octets, the header alone has {_HEADER.size}"
        )
    if icmpv6_checksum(packet.source, packet.destination, packet.payload):
        raise DecodeError(f"ICMPv6 checksum {packet.payload[2:4].hex()} does not fit the message")
    message = _decode_message(packet.payload)
    objection = _objection(message, packet.source, packet.destination)
    if objection is not None:
        raise DecodeError(objection)
    return packet, message


def _encode_options(options: tuple[NDPOption, ...]) -> bytes:
    return b"".join(option.encode() for option in options)


def _objection(message: NDPMessage, source: IPv6Address, destination: IPv6Address) -> str | None:
    """Say why nobody may take this message from and to these addresses, if so."""
    if source.is_multicast:  # RFC 4291 2.7
        return f"source {source} is a multicast address"
    match message:
        case RouterAdvertisement() if not source.is_link_local:  # RFC 4861 6.1.2
            return f"source {source} of a router advertisement, must be link-local"
        case NeighborAdvertisement(solicited=True) if destination.is_multicast:  # RFC 4861 7.1.2
            return f"destination {destination} of a solicited neighbour advertisement is a multicast address"
        case RouterSolicitation() | NeighborSolicitation() if source == UNSPECIFIED:
            # RFC 4861 6.1.1, 7.1.1; by its kind, since a malformed one is one as well.
            if any(option.kind == OptionKind.SOURCE_LINK_LAYER_ADDRESS for option in message.options):
                return f"source {source} of a solicitation with a source link-layer address"
            if isinstance(message, NeighborSolicitation) and not is_solicited_node_group(destination):
                return f"destination {destination} of a solicitation from {source}, must be a solicited-node group"
    return None


def _decode_message(data: bytes) -> NDPMessage:
    kind, code, _ = _HEADER.unpack_from(data)
    if kind not in _DECODERS:
        raise DecodeError(f"ICMPv6 type {kind}, must be {min(_DECODERS)} to {max(_DECODERS)}")
    if code:
        raise DecodeError(f"code {code} of ICMPv6 type {kind}, must be 0")
    fixed, decode = _DECODERS[kind]
    if len(data) < fixed.size:
        raise DecodeError(
            f"message of ICMPv6 type {kind} with {len(data)} octets, must be at least {fixed.size}"
        )
    return decode(data, decode_options(data, fixed.size))


def _router_solicitation(_data: bytes, options: tuple[NDPOption, ...]) -> RouterSolicitation:
    return RouterSolicitation(options)


def _router_advertisement(data: bytes, options: tuple[NDPOption, ...]) -> RouterAdvertisement:
    _, _, _, hop_limit, flags, lifetime, reachable_time, retrans_timer = _ADVERTISE_ROUTER.unpack_from(data)
    return RouterAdvertisement(
        hop_limit=hop_limit,
        managed=bool(flags & _MANAGED),
        other=bool(flags & _OTHER),
        router_lifetime=lifetime,
        reachable_time=reachable_time,
        retrans_timer=retrans_timer,
        options=options,
    )


def _neighbor_solicitation(data: bytes, options: tuple[NDPOption, ...]) -> NeighborSolicitation:
    _, _, _, target = _SOLICIT.unpack_from(data)
    return NeighborSolicitation(_unicast(target), options)


def _neighbor_advertisement(data: bytes, options: tuple[NDPOption, ...]) -> NeighborAdvertisement:
    _, _, _, flags, target = _ADVERTISE.unpack_from(data)
    return NeighborAdvertisement(
        _unicast(target),
        router=bool(flags & _ROUTER),
        solicited=bool(flags & _SOLICITED),
        override=bool(flags & _OVERRIDE),
        options=options,
    )


def _unicast(octets: bytes) -> IPv6Address:
    try:
        return _target(IPv6Address(octets))
    except AddressError as error:
        raise DecodeError(str(error)) from error


_DECODERS: dict[int, tuple[struct.Struct, Callable[[bytes, tuple[NDPOption, ...]], NDPMessage]]] = {
    NDPType.ROUTER_SOLICITATION: (_SOLICIT_ROUTER, _router_solicitation),
    NDPType.ROUTER_ADVERTISEMENT: (_ADVERTISE_ROUTER, _router_advertisement),
    NDPType.NEIGHBOR_SOLICITATION: (_SOLICIT, _neighbor_solicitation),
    NDPType.NEIGHBOR_ADVERTISEMENT: (_ADVERTISE, _neighbor_advertisement),
}
