"""Prefixes with MPLS labels, and those of VPNs (RFC 8277, 4364, 4659).

On the wire both are a prefix that begins with something else, all of it counted by one length in bits:

    LabelledPrefix   length | label, label, … | prefix
    VPNPrefix        length | label, label, … | route distinguisher | prefix

A label is 20 bits, three bits of traffic class and the bottom-of-stack bit. The stack ends where that bit is set,
or where a withdrawal puts 0x800000 or 0x000000 in the place of a label that nobody needs (RFC 8277 2.4, RFC 3107).
Like `Prefix`, these values are their wire octets, so that whatever was received is sent on as it was. So labels count
when two of them are compared; their `key` leaves the labels out, as a withdrawal does, which need not repeat them.
"""

import functools
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import ClassVar, Final, Self

import attrs

from bgp.errors import LocalError
from bgp.iana import AFI, SAFI
from bgp.prefix import (
    Family,
    Prefix,
    address_bits,
    decode_network,
    encode_network,
    octets_of,
    parse_network,
)
from bgp.values import check_kind, integer, several, shown
from bgp.wire import uint16, uint32

MAX_LABEL: Final = 0xFFFFF
"""Labels have 20 bits."""

WITHDRAWN_LABEL: Final = b"\x80\x00\x00"
"""Stands where a withdrawal has a label on the wire (RFC 8277 2.4)."""

_ENDS_A_STACK: Final = (WITHDRAWN_LABEL, b"\0\0\0")

_RD_OCTETS: Final = 8
_HEX: Final = re.compile(r"0x[0-9a-fA-F]{16}")

Network = IPv4Network | IPv6Network


@attrs.frozen(init=False, repr=False, order=True)
class RouteDistinguisher:
    """Tells apart the same prefix in two VPNs: `RouteDistinguisher("64512:1")` (RFC 4364 4.2).

    Text is `AS:number`, `IPv4 address:number`, or `0x` and 16 digits. An AS of four octets is meant where the
    number does not fit into two, or where `L` follows it: `64512L:1`. Raises `LocalError` for anything else.
    """

    wire: bytes
    """The eight octets: two of type, six of value."""

    def __init__(self, value: "str | bytes | RouteDistinguisher") -> None:
        if isinstance(value, RouteDistinguisher):
            value = value.wire
        wire = _distinguisher(value) if isinstance(value, str) else value
        check_kind("route distinguisher", wire, bytes)
        if len(wire) != _RD_OCTETS:
            raise LocalError(f"route distinguisher of {len(wire)} octets, must be {_RD_OCTETS}")
        self.__attrs_init__(wire)

    def __str__(self) -> str:
        kind, value = int.from_bytes(self.wire[:2], "big"), self.wire[2:]
        long, short = int.from_bytes(value[2:], "big"), int.from_bytes(value[4:], "big")
        match kind:
            case 0:
                return f"{int.from_bytes(value[:2], 'big')}:{long}"
            case 1:
                return f"{IPv4Address(value[:4])}:{short}"
            case 2:
                asn = int.from_bytes(value[:4], "big")
                return f"{asn}{'' if asn > 0xFFFF else 'L'}:{short}"
            case _:
                return f"0x{self.wire.hex()}"

    def __repr__(self) -> str:
        return f"RouteDistinguisher({str(self)!r})"


def _distinguisher(text: str) -> bytes:
    try:
        if _HEX.fullmatch(text):
            return bytes.fromhex(text[2:])
        administrator, number = text.split(":")
        if "." in administrator:
            return uint16(1) + IPv4Address(administrator).packed + uint16(_decimal(number))
        asn = _decimal(administrator.removesuffix("L"))
        if asn > 0xFFFF or administrator.endswith("L"):
            return uint16(2) + uint32(asn) + uint16(_decimal(number))
        return uint16(0) + uint16(asn) + uint32(_decimal(number))
    except (ValueError, OverflowError) as error:
        reason = "must be AS:number, address:number or 0x and 16 digits"
        raise LocalError(f"route distinguisher {shown(text)}, {reason}") from error


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise ValueError(text)
    return int(text)


@functools.total_ordering
@attrs.frozen(init=False, repr=False, order=False)
class _Labelled:
    """What prefixes with labels have in common."""

    family: Family
    """IPv4 or IPv6."""

    wire: bytes
    """The octets in an UPDATE."""

    _RD_OCTETS: ClassVar = 0

    @classmethod
    def from_wire(cls, family: Family, wire: bytes) -> Self:
        """Wrap octets that `check` finds nothing wrong with."""
        self = cls.__new__(cls)
        self.__attrs_init__(family, wire)
        return self

    @property
    def labels(self) -> tuple[int, ...]:
        """The labels, top of the stack first; none in a withdrawal."""
        return _labels(self.wire)

    @property
    def network(self) -> Network:
        """The prefix itself."""
        start = _end_of_stack(self.wire) + self._RD_OCTETS
        return decode_network(self.family.afi, self.wire[0] - 8 * (start - 1), self.wire[start:])

    @property
    def key(self) -> bytes:
        """What the announcement and the withdrawal of a destination have in common: the octets without labels."""
        return without_labels(self.wire)

    def _order(self) -> tuple[object, ...]:
        return self.family, self.network, self.wire

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, _Labelled) or type(other) is not type(self):
            return NotImplemented
        return self._order() < other._order()

    def __str__(self) -> str:
        return f"{self.network}{_show_labels(self.labels)}"

    def __repr__(self) -> str:
        name = type(self).__name__
        if not _is_usual(self.wire):
            return f"{name}.from_wire({self.family!r}, {self.wire!r})"
        return f"{name}({str(self.network)!r}, {self._arguments()}labels={list(self.labels)})"

    def _arguments(self) -> str:
        return ""


@attrs.frozen(init=False, repr=False, order=False)
class LabelledPrefix(_Labelled):
    """A prefix and the labels to send packets for it with: `LabelledPrefix("192.0.2.0/24", labels=[100])`.

    Without labels it is one to withdraw. Raises `LocalError` for what cannot be. Orders by family, prefix, labels.
    """

    def __init__(self, prefix: "str | Network | Prefix", *, labels: Iterable[int] = ()) -> None:
        network = parse_network(prefix)
        self.__attrs_init__(_family(network, SAFI.LABELLED_UNICAST), _encode(labels, b"", network))


@attrs.frozen(init=False, repr=False, order=False)
class VPNPrefix(_Labelled):
    """A prefix of a VPN: `VPNPrefix("10.0.0.0/8", rd="64512:1", labels=[100])`.

    Without labels it is one to withdraw. Raises `LocalError` for what cannot be. Orders by family, route
    distinguisher, prefix, labels.
    """

    _RD_OCTETS: ClassVar = _RD_OCTETS

    def __init__(
        self,
        prefix: "str | Network | Prefix",
        *,
        rd: "str | bytes | RouteDistinguisher",
        labels: Iterable[int] = (),
    ) -> None:
        network = parse_network(prefix)
        self.__attrs_init__(_family(network, SAFI.VPN), _encode(labels, RouteDistinguisher(rd).wire, network))

    @property
    def rd(self) -> RouteDistinguisher:
        """Which VPN's prefix it is."""
        start = _end_of_stack(self.wire)
        return RouteDistinguisher(self.wire[start : start + _RD_OCTETS])

    def _order(self) -> tuple[object, ...]:
        return self.family, self.rd, self.network, self.wire

    def __str__(self) -> str:
        return f"{self.rd}:{super().__str__()}"

    def _arguments(self) -> str:
        return f"rd={str(self.rd)!r}, "


def without_labels(wire: bytes) -> bytes:
    """The octets of a labelled prefix, or of a prefix of a VPN, as they would be if there were no labels at all."""
    start = _end_of_stack(wire)
    return bytes([wire[0] - 8 * (start - 1)]) + wire[start:]


def withdrawal(key: bytes) -> bytes:
    """The octets that withdraw a destination, from those without labels (RFC 8277 2.4)."""
    return bytes([key[0] + 8 * len(WITHDRAWN_LABEL)]) + WITHDRAWN_LABEL + key[1:]


def check_labelled(family: Family, wire: bytes) -> None:
    """Raise `LocalError` unless the octets, as many as their length says, are a labelled prefix."""
    _check_bits(family, wire[0] - 8 * (_end_of_stack(wire) - 1))


def check_vpn(family: Family, wire: bytes) -> None:
    """Raise `LocalError` unless the octets, as many as their length says, are a prefix of a VPN."""
    _check_bits(family, wire[0] - 8 * (_end_of_stack(wire) - 1 + _RD_OCTETS))


def _check_bits(family: Family, length: int) -> None:
    if not 0 <= length <= address_bits(family):
        raise LocalError(f"{length} bits beside the labels, must be 0 to {address_bits(family)}")


def _end_of_stack(wire: bytes) -> int:
    """Where the labels end; raises `LocalError` if they do not."""
    for position in range(1, len(wire) - 2, 3):
        label = wire[position : position + 3]
        if label[2] & 1 or (position == 1 and label in _ENDS_A_STACK):
            return position + 3
    raise LocalError("a stack of labels that does not end")


def _labels(wire: bytes) -> tuple[int, ...]:
    stack = wire[1 : _end_of_stack(wire)]
    if stack in _ENDS_A_STACK:
        return ()
    return tuple(int.from_bytes(stack[at : at + 3], "big") >> 4 for at in range(0, len(stack), 3))


def _is_usual(wire: bytes) -> bool:
    """Whether the labels are written as we would: without a traffic class, and with 0x800000 in a withdrawal."""
    try:
        return wire.startswith(_encode_stack(_labels(wire)), 1)
    except LocalError:
        return False


def _show_labels(labels: tuple[int, ...]) -> str:
    return f" label {'/'.join(map(str, labels))}" if labels else ""


def _family(network: Network, safi: SAFI) -> Family:
    return Family(AFI.IPV4 if network.version == 4 else AFI.IPV6, safi)


def _encode(labels: Iterable[int], rd: bytes, network: Network) -> bytes:
    octets = _encode_stack(several("labels", labels)) + rd
    prefix = encode_network(network)
    length = 8 * len(octets) + prefix[0]
    if length > 0xFF:
        raise LocalError(f"{len(octets) // 3} labels, so many do not fit into {octets_of(0xFF)} octets")
    return bytes([length]) + octets + prefix[1:]


def _encode_stack(labels: tuple[int, ...]) -> bytes:
    for label in labels:
        integer("label", label, 0, MAX_LABEL)
    if not labels:
        return WITHDRAWN_LABEL
    if len(labels) > 1 and labels[0] << 4 in (0, 0x800000):
        raise LocalError(f"label {labels[0]} on top of others, which would be read as a withdrawal")
    fields = [label << 4 for label in labels]
    fields[-1] |= 1
    return b"".join(field.to_bytes(3, "big") for field in fields)
