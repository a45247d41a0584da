"""Routes of families beyond IPv4 unicast: MP_REACH_NLRI and MP_UNREACH_NLRI (RFC 4760).

They travel as path attributes, but they are not about the routes, they are the routes; so an `Update` holds them beside
its attributes. What a next hop looks like depends on the family, `_NEXT_HOP_LENGTHS`; the length is all that can be
wrong with it (RFC 7606 7.11).
"""

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import attrs

from bgp.errors import LocalError, UpdateError
from bgp.iana import AFI, SAFI
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI, Destination, Path, decoder
from bgp.prefix import Family, known_family
from bgp.values import Address, any_address, shown
from bgp.wire import WireError, uint8, uint16

_ZERO_RD: Final = bytes(8)

_NEXT_HOP_LENGTHS: Final[dict[tuple[int, int], tuple[int, ...]]] = {
    (AFI.IPV4, SAFI.UNICAST): (4, 16, 32),  # RFC 4760, 8950 3
    (AFI.IPV4, SAFI.MULTICAST): (4, 16, 32),
    (AFI.IPV4, SAFI.LABELLED_UNICAST): (4, 16, 32),  # RFC 8277
    (AFI.IPV4, SAFI.VPN): (12, 24, 48),  # RFC 4364 4.3.2, 8950 3
    (AFI.IPV6, SAFI.UNICAST): (16, 32),  # RFC 2545 3
    (AFI.IPV6, SAFI.MULTICAST): (16, 32),
    (AFI.IPV6, SAFI.LABELLED_UNICAST): (16, 32),  # RFC 4798
    (AFI.IPV6, SAFI.VPN): (24, 48),  # RFC 4659 3.2.1
}
"""IPv6 next hops of IPv4 routes are read without RFC 8950 having been negotiated: GoBGP sends them, and the routes can
be told all the same."""


@attrs.frozen(init=False, repr=False)
class NextHop:
    """Where to send the packets: `NextHop("192.0.2.1")`, `NextHop("2001:db8::1", "fe80::1")`.

    Takes an address, text too, and for IPv6 the link-local address of the same router (RFC 2545 3), or the octets
    of the field. Raises `LocalError` for addresses that cannot stand there, such as one with a zone.
    """

    wire: bytes
    """The octets of the field; in a VPN family a route distinguisher of zeros stands before each address."""

    def __init__(self, address: str | Address | bytes, link_local: str | Address | None = None) -> None:
        wire = address if isinstance(address, bytes) else _without_zone(address).packed
        if link_local is not None:
            second = _without_zone(link_local)
            if isinstance(address, bytes) or len(wire) != 16 or not _is_link_local(second):
                raise LocalError(
                    f"next hop {shown(address)} with {shown(link_local)}, must be an IPv6 address with a link-local one"
                )
            wire += second.packed
        self.__attrs_init__(wire)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """The addresses, the global one first; none for octets of an unknown shape."""
        match len(self.wire):
            case 4:
                return (IPv4Address(self.wire),)
            case 12:
                return (IPv4Address(self.wire[8:]),)
            case 16 | 32:
                return tuple(IPv6Address(self.wire[at : at + 16]) for at in range(0, len(self.wire), 16))
            case 24 | 48:
                return tuple(IPv6Address(self.wire[at + 8 : at + 24]) for at in range(0, len(self.wire), 24))
            case _:
                return ()

    @property
    def address(self) -> Address | None:
        """The first address; None for octets of an unknown shape."""
        return self.addresses[0] if self.addresses else None

    @property
    def nearest(self) -> Address | None:
        """The first address that packets can be sent to: some write "::" before a link-local one without another."""
        return next((each for each in self.addresses if not each.is_unspecified), None)

    @property
    def link_local(self) -> Address | None:
        """The second address, the link-local one; None if there is none."""
        return self.addresses[1] if len(self.addresses) > 1 else None

    def in_vpn(self) -> "NextHop":
        """The same next hop as VPN families write it (RFC 4364 4.3.2)."""
        return NextHop(b"".join(_ZERO_RD + address.packed for address in self.addresses))

    def __str__(self) -> str:
        return ", ".join(map(str, self.addresses)) or f"0x{self.wire.hex()}"

    def __repr__(self) -> str:
        found = self.addresses
        plain = bool(found) and self.wire == b"".join(address.packed for address in found)
        if not plain or not all(map(_is_link_local, found[1:])):
            return f"NextHop({self.wire!r})"
        return f"NextHop({', '.join(repr(str(address)) for address in found)})"


def _without_zone(value: str | Address) -> Address:
    address = any_address(value)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise LocalError(f"next hop {address} has a zone, which means nothing to other routers")
    return address


def _is_link_local(address: Address) -> bool:
    return isinstance(address, IPv6Address) and address.is_link_local


def _nlri(value: "NLRI | Iterable[str | Destination | Path]") -> NLRI:
    return value if isinstance(value, NLRI) else NLRI(value)


def _next_hop(value: "str | Address | bytes | NextHop") -> NextHop:
    return value if isinstance(value, NextHop) else NextHop(value)


@attrs.frozen
class MPReach:
    """MP_REACH_NLRI: routes that are there: `MPReach(["2001:db8::/32"], "2001:db8::1")` (RFC 4760 3)."""

    nlri: NLRI = attrs.field(converter=_nlri)
    """The destinations; a list of strings is accepted for a unicast family."""

    next_hop: NextHop = attrs.field(converter=_next_hop)
    """Where to send the packets; an address is accepted. VPN families get their route distinguishers by themselves."""

    def __attrs_post_init__(self) -> None:
        if len(self.next_hop.wire) > 0xFF:
            raise LocalError(f"next hop of {len(self.next_hop.wire)} octets, at most 255 fit")
        if self.family.safi == SAFI.VPN and len(self.next_hop.wire) in (4, 16, 32):
            object.__setattr__(self, "next_hop", self.next_hop.in_vpn())

    @property
    def family(self) -> Family:
        """The family of the routes."""
        return self.nlri.family


@attrs.frozen
class MPUnreach:
    """MP_UNREACH_NLRI: routes that are gone: `MPUnreach(["2001:db8::/32"])` (RFC 4760 4)."""

    nlri: NLRI = attrs.field(converter=_nlri)
    """The destinations; `NLRI([], family)` says End-of-RIB (RFC 4724 2)."""

    @property
    def family(self) -> Family:
        """The family of the routes."""
        return self.nlri.family


class FamilyDisabled(Exception):  # noqa: N818  it is the treatment's name
    """What RFC 7606 calls AFI/SAFI disable: the routes of a family can no longer be followed."""

    def __init__(self, family: Family, reason: str) -> None:
        super().__init__(reason)
        self.family = family


def encode_reach(value: MPReach) -> bytes:
    """The value of the attribute."""
    hop = value.next_hop.wire
    # RFC 4760 3: one octet is reserved.
    return _encode_family(value.family) + uint8(len(hop)) + hop + uint8(0) + value.nlri.encode()


def encode_unreach(value: MPUnreach) -> bytes:
    """The value of the attribute."""
    return _encode_family(value.family) + value.nlri.encode()


def decode_reach(value: bytes, negotiated: Negotiated) -> MPReach:
    """Read the value of the attribute.

    Raises `FamilyDisabled` when the routes cannot be told (RFC 7606 5.3, 7.11), and `WireError` when not even the
    family can.
    """
    family, lengths = _family(value[:3])
    # RFC 4760 3: the octet after the next hop is reserved, to be ignored.
    hop = value[4 : 4 + value[3]] if len(value) > 3 else b""
    nlri_at = 5 + len(hop)
    if nlri_at > len(value):
        raise FamilyDisabled(family, f"{len(value)} octets, too few for a next hop")
    if lengths and len(hop) not in lengths:
        limits = " or ".join(map(str, lengths))
        raise FamilyDisabled(family, f"next hop of {len(hop)} octets for {family}, must be {limits}")
    reach = _new(MPReach)
    _set_reach_nlri(reach, _decode_nlri(value[nlri_at:], family, negotiated))
    next_hop = _new(NextHop)
    _set_hop_wire(next_hop, hop)
    _set_reach_hop(reach, next_hop)
    return reach


def decode_unreach(value: bytes, negotiated: Negotiated) -> MPUnreach:
    """Read the value of the attribute; raises what `decode_reach` raises."""
    family, _ = _family(value[:3])
    unreach = _new(MPUnreach)
    _set_unreach_nlri(unreach, _decode_nlri(value[3:], family, negotiated))
    return unreach


def family_of(value: bytes) -> Family:
    """The family that the value of either attribute is about; raises `WireError` when it cannot be told."""
    return _family(value[:3])[0]


# What a frozen class does in its constructor, in a third of the time.
_new: Final = object.__new__
_set_hop_wire = NextHop.wire.__set__  # type: ignore[attr-defined]  # a slot
_set_reach_nlri, _set_reach_hop = MPReach.nlri.__set__, MPReach.next_hop.__set__  # type: ignore[attr-defined]
_set_unreach_nlri = MPUnreach.nlri.__set__  # type: ignore[attr-defined]


def _encode_family(family: Family) -> bytes:
    return uint16(family.afi) + uint8(family.safi)


@functools.lru_cache(maxsize=256)
def _family(octets: bytes) -> tuple[Family, tuple[int, ...]]:
    """The family that AFI and SAFI say, and the lengths that its next hops may have; none: any."""
    if len(octets) < 3:
        raise WireError(f"{len(octets)} octets, too few for AFI and SAFI")
    family = known_family(int.from_bytes(octets[:2], "big"), octets[2])
    return family, _NEXT_HOP_LENGTHS.get((family.afi, family.safi), ())


def _decode_nlri(field: bytes, family: Family, negotiated: Negotiated) -> NLRI:
    add_path = bool(negotiated.add_path_receive) and family in negotiated.add_path_receive
    try:
        return decoder(family, add_path)(field)
    except UpdateError as error:
        raise FamilyDisabled(family, str(error)) from error
