"""MAC addresses, VLAN tags and Ethernet II frames, as values.

A `MACAddress` is its six octets, an `EthernetFrame` two of them, VLAN tags, an EtherType and the octets that follow.
All can only be legal: what people build is checked at construction, what arrives is checked by `decode`, and nothing
re-checks later.

A tag stands where the EtherType is expected and names itself by one of two values there: 0x8100, the C-tag of
IEEE 802.1Q, or 0x88a8, the S-tag that providers put before it (IEEE 802.1ad). Any number of them decodes to `tags`,
the outermost first; the EtherType of a frame is that behind the last, and never one of the two. Values that some
devices used for tags before 802.1ad, such as 0x9100, are EtherTypes like all others.

Left out: the frame check sequence, which the hardware adds and removes, and padding to the minimum of 60 octets,
which the driver adds. Padding that arrives stays at the end of the payload, since only the protocol inside knows
its own length. IEEE 802.3 frames, with a length where Ethernet II has its EtherType, are refused: no host has to
understand ARP or IP in them (RFC 1122 2.3.3).
"""

import re
from collections.abc import Iterable
from typing import Self

import attrs

from arp.errors import AddressError, DecodeError, LocalError
from arp.values import in_range, is_flag, several

ETHERTYPE_ARP = 0x0806
"""EtherType of ARP (RFC 826)."""

ETHERTYPE_IPV6 = 0x86DD
"""EtherType of IPv6 (RFC 2464 3)."""

C_TAG, S_TAG = 0x8100, 0x88A8
"""What announces a VLAN tag in place of the EtherType: customers' (IEEE 802.1Q) and service providers' (802.1ad)."""

_MINIMUM_ETHERTYPE = 0x0600  # IEEE 802.3: below are lengths
_MAC_TEXT = re.compile("[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2})(?:\\1[0-9a-fA-F]{2}){4}")
_HEADER_LENGTH = 14


def _mac_octets(value: "MACAddress | str | bytes") -> bytes:
    if isinstance(value, MACAddress):
        return value.packed
    if isinstance(value, bytes) and len(value) == 6:
        return value
    if isinstance(value, str) and _MAC_TEXT.fullmatch(value):
        return bytes.fromhex(value.replace(value[2], ""))
    raise AddressError(f"{value!r} is no MAC address: neither six octets nor text like 02:00:00:00:00:01")


@attrs.frozen(repr=False, order=True)
class MACAddress:
    """A 48-bit hardware address, from text with colons or hyphens, from six octets, or from another one.

    Raises `AddressError` for anything else.
    """

    packed: bytes = attrs.field(converter=_mac_octets)
    """The six octets, as on the wire."""

    @property
    def is_multicast(self) -> bool:
        """Whether the group bit is set: multicast, or broadcast. Such an address is never a sender's."""
        return bool(self.packed[0] & 1)

    @property
    def is_zero(self) -> bool:
        """Whether it is 00:00:00:00:00:00, which ARP puts where an address is not known."""
        return not any(self.packed)

    def __str__(self) -> str:
        return self.packed.hex(":")

    def __repr__(self) -> str:
        return f"MACAddress('{self}')"


BROADCAST = MACAddress("ff:ff:ff:ff:ff:ff")
"""Every station on the segment."""

UNKNOWN = MACAddress("00:00:00:00:00:00")
"""The all-zero address, ARP's target hardware address in a question."""


def _check_tag_protocol(_: object, __: object, value: int) -> None:
    if value not in (C_TAG, S_TAG):
        raise LocalError(f"VLAN tag protocol {value:#x}, must be {C_TAG:#x} or {S_TAG:#x}")


@attrs.frozen
class VLANTag:
    """A VLAN tag of a frame (IEEE 802.1Q 9.6).

    Raises `LocalError` when a field is out of range.
    """

    vlan: int = attrs.field(validator=in_range("VLAN", 0, 0xFFF))
    """The VLAN identifier, 0 to 4095: 0 is no VLAN, the tag is there for its priority alone; 4095 is reserved."""
    priority: int = attrs.field(default=0, kw_only=True, validator=in_range("VLAN priority", 0, 7))
    """The priority code point, 0 to 7."""
    drop_eligible: bool = attrs.field(default=False, kw_only=True, validator=is_flag("drop eligible"))
    """Whether the frame may go first where there is no room; before 802.1Q-2011 this bit said something else."""
    protocol: int = attrs.field(default=C_TAG, kw_only=True, validator=_check_tag_protocol)
    """`C_TAG` or `S_TAG`."""

    def encode(self) -> bytes:
        """Give the tag's 4 octets, protocol first."""
        control = self.priority << 13 | self.drop_eligible << 12 | self.vlan
        return self.protocol.to_bytes(2, "big") + control.to_bytes(2, "big")


def _tags(values: Iterable[VLANTag]) -> tuple[VLANTag, ...]:
    return several("VLAN tags", values, VLANTag)


def _check_ethertype(_: object, __: object, value: int) -> None:
    if not _MINIMUM_ETHERTYPE <= value <= 0xFFFF:
        raise LocalError(f"EtherType {value:#x}, must be {_MINIMUM_ETHERTYPE:#06x} to 0xffff")
    if value in (C_TAG, S_TAG):
        raise LocalError(f"EtherType {value:#x} announces a VLAN tag, which belongs into `tags`")


@attrs.frozen(kw_only=True)
class EthernetFrame:
    """An Ethernet II frame without its check sequence.

    Raises `LocalError` when a field is out of range.
    """

    destination: MACAddress = attrs.field(converter=MACAddress)
    """Where it goes: a station, a group, or `BROADCAST`."""
    source: MACAddress = attrs.field(converter=MACAddress)
    """Which station sent it."""
    tags: tuple[VLANTag, ...] = attrs.field(default=(), converter=_tags)
    """Its VLAN tags, the outermost first."""
    ethertype: int = attrs.field(validator=_check_ethertype)
    """The protocol of the payload, 0x0600 to 0xffff, but none that announces a tag."""
    payload: bytes
    """What follows the header, with any padding."""

    def encode(self) -> bytes:
        """Give the octets to hand to a raw socket."""
        tags = b"".join(tag.encode() for tag in self.tags)
        header = self.destination.packed + self.source.packed + tags + self.ethertype.to_bytes(2, "big")
        return header + self.payload

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a frame as a raw socket gives it; raise `DecodeError` if it is none."""
        if len(data) < _HEADER_LENGTH:
            raise DecodeError(f"Ethernet frame of {len(data)} octets, the header alone has {_HEADER_LENGTH}")
        tags, offset = [], 12
        while (ethertype := int.from_bytes(data[offset : offset + 2], "big")) in (C_TAG, S_TAG):
            if len(data) < offset + 6:
                raise DecodeError(
                    f"Ethernet frame of {len(data)} octets, the VLAN tag at octet {offset} and an EtherType take"
                    f" {offset + 6}"
                )
            tags.append(_decode_tag(ethertype, int.from_bytes(data[offset + 2 : offset + 4], "big")))
            offset += 4
        if ethertype < _MINIMUM_ETHERTYPE:
            raise DecodeError(f"IEEE 802.3 frame with length {ethertype} in place of an EtherType")
        return cls(
            destination=data[0:6],
            source=data[6:12],
            tags=tags,
            ethertype=ethertype,
            payload=data[offset + 2 :],
        )


def _decode_tag(protocol: int, control: int) -> VLANTag:
    return VLANTag(
        control & 0xFFF,
        priority=control >> 13,
        drop_eligible=bool(control & 0x1000),
        protocol=protocol,
    )
