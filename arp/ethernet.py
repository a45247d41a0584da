"""MAC addresses and Ethernet II frames, as values.

A `MACAddress` is its six octets, an `EthernetFrame` two of them, an EtherType and the octets that follow. Both can only
be legal: what people build is checked at construction, what arrives is checked by `decode`, and nothing
re-checks later.

Left out: the frame check sequence, which the hardware adds and removes, and padding to the minimum of 60 octets,
which the driver adds. Padding that arrives stays at the end of the payload, since only the protocol inside knows
its own length. A frame with an 802.1Q tag decodes to EtherType 0x8100 with the tag in the payload. IEEE 802.3
frames, with a length where Ethernet II has its EtherType, are refused: no host has to understand ARP or IP in them
(RFC 1122 2.3.3).
"""

import re
from typing import Self

import attrs

from arp.errors import AddressError, DecodeError, LocalError

ETHERTYPE_ARP = 0x0806
"""EtherType of ARP (RFC 826)."""

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


def _check_ethertype(_: object, __: object, value: int) -> None:
    if not _MINIMUM_ETHERTYPE <= value <= 0xFFFF:
        raise LocalError(f"EtherType {value:#x}, must be {_MINIMUM_ETHERTYPE:#06x} to 0xffff")


@attrs.frozen(kw_only=True)
class EthernetFrame:
    """An Ethernet II frame without its check sequence.

    Raises `LocalError` when a field is out of range.
    """

    destination: MACAddress = attrs.field(converter=MACAddress)
    """Where it goes: a station, a group, or `BROADCAST`."""
    source: MACAddress = attrs.field(converter=MACAddress)
    """Which station sent it."""
    ethertype: int = attrs.field(validator=_check_ethertype)
    """The protocol of the payload, 0x0600 to 0xffff."""
    payload: bytes
    """What follows the header, with any padding."""

    def encode(self) -> bytes:
        """Give the octets to hand to a raw socket."""
        header = self.destination.packed + self.source.packed + self.ethertype.to_bytes(2, "big")
        return header + self.payload

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a frame as a raw socket gives it; raise `DecodeError` if it is none."""
        if len(data) < _HEADER_LENGTH:
            raise DecodeError(f"Ethernet frame of {len(data)} octets, the header alone has {_HEADER_LENGTH}")
        ethertype = int.from_bytes(data[12:14], "big")
        if ethertype < _MINIMUM_ETHERTYPE:
            raise DecodeError(f"IEEE 802.3 frame with length {ethertype} in place of an EtherType")
        return cls(destination=data[0:6], source=data[6:12], ethertype=ethertype, payload=data[14:])
