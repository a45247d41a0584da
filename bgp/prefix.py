"""Prefixes and address families.

A prefix is kept as the octets that stand for it in an UPDATE: its length in bits, then as many octets of the
address as the length needs, all bits after the length zero (RFC 4271 4.3, its canonical form). That is what
arrives, what is sent, and what RIBs use as a key; `Prefix` is the face that it shows to a person.
"""

import functools
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final, Self

import attrs

from bgp.errors import LocalError
from bgp.iana import AFI, SAFI
from bgp.values import in_range


def _afi(number: int) -> int:
    return AFI.name_of(number)


def _safi(number: int) -> int:
    return SAFI.name_of(number)


@attrs.frozen(order=True)
class Family:
    """What kind of routes a session carries: an address family and what the addresses are for (RFC 4760)."""

    afi: int = attrs.field(converter=_afi, validator=in_range(0, 0xFFFF))
    """Address Family Identifier, 16 bits; an `AFI` where we know it."""

    safi: int = attrs.field(converter=_safi, validator=in_range(0, 0xFF))
    """Subsequent Address Family Identifier, 8 bits; a `SAFI` where we know it."""

    def __str__(self) -> str:
        afi, safi = (getattr(number, "name", str(number)) for number in (self.afi, self.safi))
        return f"{afi} {safi}".lower()


IPV4_UNICAST: Final = Family(AFI.IPV4, SAFI.UNICAST)
"""The one family that BGP-4 has without capabilities."""

IPV6_UNICAST: Final = Family(AFI.IPV6, SAFI.UNICAST)
"""IPv6 unicast (RFC 2545)."""

_ADDRESS_OCTETS = {AFI.IPV4: 4, AFI.IPV6: 16}


@functools.total_ordering
@attrs.frozen(init=False, repr=False, order=False)
class Prefix:
    """An IP prefix: `Prefix("203.0.113.0/24")`.

    Accepts text, an `ipaddress` network or another Prefix; raises `LocalError` when bits beyond the length
    are set. Prefixes order by family, address, length.
    """

    family: Family
    """The address family, unicast."""

    wire: bytes
    """The canonical octets of the prefix in an UPDATE."""

    def __init__(self, prefix: "str | IPv4Network | IPv6Network | Prefix") -> None:
        if isinstance(prefix, Prefix):
            self.__attrs_init__(prefix.family, prefix.wire)
            return
        try:
            network = ip_network(prefix)
        except ValueError as error:
            raise LocalError(f"{str(prefix)!r} is not a prefix: {error}") from error
        family = IPV4_UNICAST if network.version == 4 else IPV6_UNICAST
        length = network.prefixlen
        self.__attrs_init__(family, bytes([length]) + network.network_address.packed[: octets_of(length)])

    @classmethod
    def from_wire(cls, family: Family, wire: bytes) -> Self:
        """Wrap octets that are known to be canonical."""
        self = cls.__new__(cls)
        self.__attrs_init__(family, wire)
        return self

    @property
    def length(self) -> int:
        """How many bits of the address count, 0 to 32 or 128."""
        return self.wire[0]

    @property
    def network(self) -> IPv4Network | IPv6Network:
        """The same prefix as an `ipaddress` network."""
        packed = self._packed()
        return IPv4Network((packed, self.length)) if len(packed) == 4 else IPv6Network((packed, self.length))

    def _packed(self) -> bytes:
        return self.wire[1:].ljust(_ADDRESS_OCTETS[AFI(self.family.afi)], b"\0")

    def __lt__(self, other: object) -> bool:
        if not isinstance(other, Prefix):
            return NotImplemented
        mine = (self.family, self._packed(), self.length)
        return mine < (other.family, other._packed(), other.length)

    def __str__(self) -> str:
        return str(self.network)

    def __repr__(self) -> str:
        return f"Prefix({str(self)!r})"


def octets_of(length: int) -> int:
    """How many octets a prefix of `length` bits needs."""
    return (length + 7) // 8
