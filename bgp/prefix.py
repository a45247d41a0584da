"""Prefixes and address families.

A prefix is kept as the octets that stand for it in an UPDATE: its length in bits, then as many octets of the
address as the length needs, all bits after the length zero (RFC 4271 4.3, its canonical form). That is what
arrives, what is sent, and what RIBs use as a key; `Prefix` is the face that it shows to a person.
"""

import functools
import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, Self, TypeVar

import attrs

from bgp.errors import LocalError
from bgp.iana import AFI, SAFI
from bgp.values import check_kind, integer, is_a, several, shown

_T = TypeVar("_T")


def _afi(number: int) -> int:
    return AFI.name_of(integer("afi", number, 0, 0xFFFF))


def _safi(number: int) -> int:
    return SAFI.name_of(integer("safi", number, 0, 0xFF))


@attrs.frozen(order=True, cache_hash=True)
class Family:
    """What kind of routes a session carries: an address family and what the addresses are for (RFC 4760)."""

    afi: int = attrs.field(converter=_afi)
    """Address Family Identifier, 16 bits; an `AFI` where we know it."""

    safi: int = attrs.field(converter=_safi)
    """Subsequent Address Family Identifier, 8 bits; a `SAFI` where we know it."""

    def __str__(self) -> str:
        names = (getattr(number, "name", str(number)) for number in (self.afi, self.safi))
        return " ".join(names).lower().replace("_", "-")


FAMILY: Final = is_a(Family)
"""Validates a family."""


def per_family(
    name: str, values: Mapping[Family, _T] | Iterable[tuple[Family, _T]]
) -> tuple[tuple[Family, _T], ...]:
    """Collect what belongs to families, given as a mapping or as pairs; raise `LocalError` if it is neither."""
    pairs: tuple[Any, ...] = several(name, values.items() if isinstance(values, Mapping) else values, tuple)
    for pair in pairs:
        if len(pair) != 2 or not isinstance(pair[0], Family):
            raise LocalError(f"{name} {shown(pair)}, must be a Family and what belongs to it")
    return pairs


IPV4_UNICAST: Final = Family(AFI.IPV4, SAFI.UNICAST)
"""The one family that BGP-4 has without capabilities."""

IPV6_UNICAST: Final = Family(AFI.IPV6, SAFI.UNICAST)
"""IPv6 unicast (RFC 2545)."""

IPV4_MULTICAST: Final = Family(AFI.IPV4, SAFI.MULTICAST)
"""IPv4 routes for the reverse path checks of multicast (RFC 4760)."""

IPV6_MULTICAST: Final = Family(AFI.IPV6, SAFI.MULTICAST)
"""IPv6 routes for the reverse path checks of multicast (RFC 4760)."""

IPV4_LABELLED: Final = Family(AFI.IPV4, SAFI.LABELLED_UNICAST)
"""IPv4 routes with MPLS labels (RFC 8277)."""

IPV6_LABELLED: Final = Family(AFI.IPV6, SAFI.LABELLED_UNICAST)
"""IPv6 routes with MPLS labels (RFC 8277)."""

IPV4_VPN: Final = Family(AFI.IPV4, SAFI.VPN)
"""IPv4 routes of VPNs (RFC 4364)."""

IPV6_VPN: Final = Family(AFI.IPV6, SAFI.VPN)
"""IPv6 routes of VPNs (RFC 4659)."""

_SHARED: Final = {
    (family.afi, family.safi): family
    for family in (
        IPV4_UNICAST,
        IPV6_UNICAST,
        IPV4_MULTICAST,
        IPV6_MULTICAST,
        IPV4_LABELLED,
        IPV6_LABELLED,
        IPV4_VPN,
        IPV6_VPN,
    )
}


def known_family(afi: int, safi: int) -> Family:
    """The family with these numbers, for decoders; a constant above where there is one.

    Tables are looked up by family for each UPDATE, and a key that is the very object needs no comparison.
    """
    return _SHARED.get((afi, safi)) or Family(afi, safi)


@functools.total_ordering
@attrs.frozen(init=False, repr=False, order=False)
class Prefix:
    """An IP prefix: `Prefix("203.0.113.0/24")`.

    Accepts text (an address alone is one of full length), an `ipaddress` network or another Prefix; raises
    `LocalError` for anything else, and when bits beyond the length are set. Prefixes order by family, address, length.
    """

    family: Family
    """The address family, unicast unless another was asked for."""

    wire: bytes
    """The canonical octets of the prefix in an UPDATE."""

    def __init__(
        self, prefix: "str | IPv4Network | IPv6Network | Prefix", family: Family | None = None
    ) -> None:
        if isinstance(prefix, Prefix):
            self.__attrs_init__(_fitting(family or prefix.family, prefix.family.afi), prefix.wire)
            return
        network = parse_network(prefix)
        afi = AFI.IPV4 if network.version == 4 else AFI.IPV6
        self.__attrs_init__(_fitting(family or Family(afi, SAFI.UNICAST), afi), encode_network(network))

    @classmethod
    def from_wire(cls, family: Family, wire: bytes) -> Self:
        """Wrap octets that are known to be canonical."""
        self = cls.__new__(cls)
        self.__attrs_init__(family, wire)
        return self

    @property
    def key(self) -> bytes:
        """What the announcement and the withdrawal of a destination have in common: here all of `wire`."""
        return self.wire

    @property
    def length(self) -> int:
        """How many bits of the address count, 0 to 32 or 128."""
        return self.wire[0]

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The same prefix as an `ipaddress` network."""
        return decode_network(self.family.afi, self.length, self.wire[1:])

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Prefix):
            return NotImplemented
        # Padding with zeros does not change the order of two addresses of one family.
        mine = (self.family, self.wire[1:].ljust(16, b"\0"), self.length)
        return mine < (other.family, other.wire[1:].ljust(16, b"\0"), other.length)

    def __str__(self) -> str:
        return str(self.network)

    def __repr__(self) -> str:
        if self.family.safi == SAFI.UNICAST:
            return f"Prefix({str(self)!r})"
        return f"Prefix({str(self)!r}, {self.family!r})"


# Stricter than `ipaddress`, which takes netmasks, hostmasks and zones as well.
_TEXT: Final = re.compile(r"[^/%]+(?:/[0-9]{1,3})?")


def parse_network(prefix: "str | IPv4Network | IPv6Network | Prefix") -> IPv4Network | IPv6Network:
    """Read a prefix as a network; raise `LocalError` if it is none."""
    if isinstance(prefix, Prefix):
        return prefix.network
    check_kind("prefix", prefix, str | IPv4Network | IPv6Network)
    text = str(prefix)
    if not _TEXT.fullmatch(text):
        raise LocalError(f"{shown(prefix)} is not a prefix: must be an address, without zone, and /length")
    try:
        return ip_network(text)
    except ValueError as error:
        raise LocalError(f"{shown(prefix)} is not a prefix: {error}") from error


def encode_network(network: IPv4Network | IPv6Network) -> bytes:
    """The canonical octets of a prefix."""
    length = network.prefixlen
    return bytes([length]) + network.network_address.packed[: octets_of(length)]


def decode_network(afi: int, length: int, address: bytes) -> IPv4Network | IPv6Network:
    """The network of `length` bits that begins with these octets."""
    if afi == AFI.IPV4:
        return IPv4Network((address.ljust(4, b"\0"), length))
    return IPv6Network((address.ljust(16, b"\0"), length))


def octets_of(length: int) -> int:
    """How many octets a prefix of `length` bits needs."""
    return (length + 7) // 8


def address_bits(family: Family) -> int:
    """How many bits an address of the family has: 32 or 128."""
    return 32 if family.afi == AFI.IPV4 else 128


def _fitting(family: Family, afi: int) -> Family:
    check_kind("family", family, Family)
    if family.afi != afi:
        raise LocalError(f"a prefix of AFI {afi} cannot be in family {family}")
    return family
