"""Options of Neighbor Discovery messages, as values (RFC 4861 4.6).

Each begins with an octet for its kind and one for its length, in units of 8 octets and with these two counted in. A
receiver has to skip kinds that it does not know, so those are kept as they are, in an `UnknownOption`. The same happens
to an option of a known kind whose length, or whose prefix length, is not what its kind demands: RFC 4861 makes no
message invalid for that, and what it is worth, nothing as a rule, is for the reader to say. An `UnknownOption` never
holds what would be read as one of the others.

Bits that are reserved are written as zero and not looked at.
"""

import struct
from ipaddress import IPv6Address, IPv6Network
from typing import ClassVar

import attrs

from arp.errors import AddressError, DecodeError, LocalError
from arp.ethernet import MACAddress
from arp.values import Number, in_range, is_flag, is_octets

_PREFIX = struct.Struct("!BBII4x16s")
_MTU = struct.Struct("!2xI")
_ON_LINK, _AUTONOMOUS = 0x80, 0x40
_SHORTEST, _LONGEST = 6, 255 * 8 - 2  # what is left of the 8 octets, or the 2040, for the data
_MAC_LENGTH = 6


class OptionKind(Number):
    """Kinds of options (IANA registry "IPv6 Neighbor Discovery Option Formats")."""

    SOURCE_LINK_LAYER_ADDRESS = 1
    """RFC 4861 4.6.1"""
    TARGET_LINK_LAYER_ADDRESS = 2
    """RFC 4861 4.6.1"""
    PREFIX_INFORMATION = 3
    """RFC 4861 4.6.2"""
    REDIRECTED_HEADER = 4
    """RFC 4861 4.6.3"""
    MTU = 5
    """RFC 4861 4.6.4"""
    NONCE = 14
    """RFC 3971 5.3.2"""


def _encode(kind: int, data: bytes) -> bytes:
    return bytes([kind, (2 + len(data)) // 8]) + data


@attrs.frozen
class SourceLinkLayerAddress:
    """The MAC address of the sender, in solicitations and router advertisements (RFC 4861 4.6.1)."""

    kind: ClassVar[OptionKind] = OptionKind.SOURCE_LINK_LAYER_ADDRESS
    mac: MACAddress = attrs.field(converter=MACAddress)
    """The address; `AddressError` if it is none."""

    def encode(self) -> bytes:
        """Give the option's octets."""
        return _encode(self.kind, self.mac.packed)


@attrs.frozen
class TargetLinkLayerAddress:
    """The MAC address of the target, in neighbour advertisements (RFC 4861 4.6.1)."""

    kind: ClassVar[OptionKind] = OptionKind.TARGET_LINK_LAYER_ADDRESS
    mac: MACAddress = attrs.field(converter=MACAddress)
    """The address; `AddressError` if it is none."""

    def encode(self) -> bytes:
        """Give the option's octets."""
        return _encode(self.kind, self.mac.packed)


def _network(value: IPv6Network | str) -> IPv6Network:
    try:
        network = IPv6Network(value)
    except ValueError as error:
        raise AddressError(f"{value!r} is no IPv6 prefix") from error
    if network.network_address.scope_id is not None:
        raise AddressError(f"{value!r} has a zone, which is not put on the wire")
    return network


@attrs.frozen(kw_only=True)
class PrefixInformation:
    """A prefix that hosts may take for on-link, or make addresses from (RFC 4861 4.6.2).

    Raises `LocalError` (`AddressError` for the prefix) when a field is out of range. Nothing compares the two
    lifetimes; RFC 4862 5.5.3 has hosts disregard a prefix that is preferred for longer than it is valid.
    """

    kind: ClassVar[OptionKind] = OptionKind.PREFIX_INFORMATION
    prefix: IPv6Network = attrs.field(converter=_network)
    """The prefix. Bits behind it, which hosts have to ignore, are dropped when it is read."""
    on_link: bool = attrs.field(validator=is_flag("on-link"))
    """L: its addresses are on this link; if not set, nothing is said about that."""
    autonomous: bool = attrs.field(validator=is_flag("autonomous"))
    """A: hosts may make addresses from it (RFC 4862 5.5.3)."""
    valid_lifetime: int = attrs.field(validator=in_range("valid lifetime", 0, 0xFFFF_FFFF))
    """Seconds for which L holds, from when it was sent; 0xffffffff is for ever."""
    preferred_lifetime: int = attrs.field(validator=in_range("preferred lifetime", 0, 0xFFFF_FFFF))
    """Seconds for which addresses made from it are preferred; 0xffffffff is for ever."""

    def encode(self) -> bytes:
        """Give the option's octets."""
        data = _PREFIX.pack(
            self.prefix.prefixlen,
            self.on_link * _ON_LINK | self.autonomous * _AUTONOMOUS,
            self.valid_lifetime,
            self.preferred_lifetime,
            self.prefix.network_address.packed,
        )
        return _encode(self.kind, data)


@attrs.frozen
class RedirectedHeader:
    """The beginning of the packet that caused a redirect (RFC 4861 4.6.3)."""

    kind: ClassVar[OptionKind] = OptionKind.REDIRECTED_HEADER
    packet: bytes = attrs.field(validator=is_octets("redirected packet", 0, _LONGEST - _SHORTEST, step=8))
    """The packet's octets, cut or padded to a multiple of 8, up to 2032; `LocalError` for another length."""

    def encode(self) -> bytes:
        """Give the option's octets."""
        return _encode(self.kind, bytes(_SHORTEST) + self.packet)


@attrs.frozen
class MTU:
    """The MTU that all on this link are to use (RFC 4861 4.6.4)."""

    kind: ClassVar[OptionKind] = OptionKind.MTU
    mtu: int = attrs.field(validator=in_range("MTU", 0, 0xFFFF_FFFF))
    """Octets, 0 to 0xffffffff; `LocalError` for another. RFC 2464 2 has hosts ignore what is not 1280 to 1500."""

    def encode(self) -> bytes:
        """Give the option's octets."""
        return _encode(self.kind, _MTU.pack(self.mtu))


@attrs.frozen
class Nonce:
    """A random number, by which the sender of a solicitation knows it again (RFC 3971 5.3.2).

    RFC 7527 uses it to tell a probe of our own that a loop in the network brings back from that of another station.
    """

    kind: ClassVar[OptionKind] = OptionKind.NONCE
    nonce: bytes = attrs.field(validator=is_octets("nonce", _SHORTEST, _LONGEST, step=8))
    """The number, 6 octets or more by a multiple of 8, up to 2038; `LocalError` for another length."""

    def encode(self) -> bytes:
        """Give the option's octets."""
        return _encode(self.kind, self.nonce)


@attrs.frozen
class UnknownOption:
    """An option of another kind, or one that its kind does not allow to look like this.

    Raises `LocalError` when a field is out of range, or when the two are one of the other classes.
    """

    kind: int = attrs.field(validator=in_range("option kind", 0, 0xFF))
    """Its number, 0 to 255."""
    data: bytes = attrs.field(validator=is_octets("option data", _SHORTEST, _LONGEST, step=8))
    """What follows the length, 6 octets or more by a multiple of 8, up to 2038."""

    def __attrs_post_init__(self) -> None:
        """Refuse what `decode_options` would read as another class."""
        known = _recognise(self.kind, self.data)
        if known is not None:
            raise LocalError(
                f"option {self.kind} with {len(self.data)} octets of data is a {type(known).__name__}"
            )

    def encode(self) -> bytes:
        """Give the option's octets."""
        return _encode(self.kind, self.data)


_KnownOption = (
    SourceLinkLayerAddress | TargetLinkLayerAddress | PrefixInformation | RedirectedHeader | MTU | Nonce
)
NDPOption = _KnownOption | UnknownOption
"""What the options of a message are."""


def decode_options(message: bytes, start: int) -> tuple[NDPOption, ...]:
    """Read the options that fill an ICMPv6 message from octet `start` to its end.

    Raises `DecodeError`, which tells the octet, when one has no length or reaches beyond the end (RFC 4861 7.1.1).
    """
    found: list[NDPOption] = []
    while start < len(message):
        header = message[start : start + 2]
        if len(header) < 2:
            raise DecodeError(f"option at octet {start}: 1 octet is left, kind and length take 2")
        kind, length = header[0], 8 * header[1]
        if not length:
            raise DecodeError(f"option {kind} at octet {start}: length 0, must be at least 1")
        end = start + length
        if end > len(message):
            raise DecodeError(
                f"option {kind} at octet {start}: {length} octets, {len(message) - start} are left"
            )
        data = message[start + 2 : end]
        found.append(_recognise(kind, data) or UnknownOption(kind, data))
        start = end
    return tuple(found)


def _recognise(kind: int, data: bytes) -> _KnownOption | None:
    """Read the data of a known kind, if they are as it demands."""
    match kind:
        case OptionKind.SOURCE_LINK_LAYER_ADDRESS if len(data) == _MAC_LENGTH:
            return SourceLinkLayerAddress(data)
        case OptionKind.TARGET_LINK_LAYER_ADDRESS if len(data) == _MAC_LENGTH:
            return TargetLinkLayerAddress(data)
        case OptionKind.PREFIX_INFORMATION if len(data) == _PREFIX.size and data[0] <= 128:
            return _recognise_prefix(data)
        case OptionKind.REDIRECTED_HEADER:
            return RedirectedHeader(data[_SHORTEST:])
        case OptionKind.MTU if len(data) == _MTU.size:
            return MTU(*_MTU.unpack(data))
        case OptionKind.NONCE:
            return Nonce(data)
    return None


def _recognise_prefix(data: bytes) -> PrefixInformation:
    length, flags, valid_lifetime, preferred_lifetime, prefix = _PREFIX.unpack(data)
    return PrefixInformation(
        prefix=IPv6Network((IPv6Address(prefix), length), strict=False),
        on_link=bool(flags & _ON_LINK),
        autonomous=bool(flags & _AUTONOMOUS),
        valid_lifetime=valid_lifetime,
        preferred_lifetime=preferred_lifetime,
    )
