"""Extended communities: labels that say what kind of label they are (RFC 4360, RFC 5701, RFC 7153).

Eight octets: a type, in most cases a subtype, and a value whose layout the two decide. Bit 0x40 of the type says
that the label does not leave the AS. Text names the kind first:

    rt:64512:7   rt:192.0.2.1:7   rt:4200000000:7   rt:64512L:7     route target, by who administers the number
    bandwidth:64512:12500000                                        octets per second
    0x000a:64512:7                                                  no name, but a layout that its type prescribes
    0x4302000000000001                                              anything else, and anything at all

An AS number that fits into two octets is written in two; one that does not, or that an L follows, in four. Other
layouts are rows of `KINDS`: a new kind is one row there. Some types have no subtype, their second octet is data
already (RFC 4360 2); we name none of those, so they are in hexadecimal.

With an IPv6 address as the administrator, a community has 20 octets and travels in an attribute of its own:
`rt:[2001:db8::1]:7`.
"""

from collections.abc import Iterable
from typing import ClassVar, Final

import attrs

from bgp.communities import Octets
from bgp.notation import AS, MAC, Float, IPv4, IPv6, Kind, Notation, Number, Reserved, Value
from bgp.values import several

_NOT_TRANSITIVE: Final = 0x40

_TWO_OCTET_AS: Final = (AS(2), Number(4))  # RFC 4360 3.1
_IPV4: Final = (IPv4(), Number(2))  # RFC 4360 3.2
_FOUR_OCTET_AS: Final = (AS(4), Number(2))  # RFC 5668 2
_IPV6: Final = (IPv6(), Number(2))  # RFC 5701 2

_VALIDITY: Final = {0: "valid", 1: "not-found", 2: "invalid"}

# BGP Tunnel Encapsulation Attribute Tunnel Types.
_TUNNELS: Final = {
    1: "l2tpv3",  # RFC 9012
    2: "gre",  # RFC 9012
    7: "ip-in-ip",  # RFC 9012
    8: "vxlan",  # RFC 8365
    9: "nvgre",  # RFC 8365
    10: "mpls",  # RFC 8365
    11: "mpls-in-gre",  # RFC 9012
    12: "vxlan-gpe",  # RFC 8365
    13: "mpls-in-udp",  # RFC 7510
    19: "geneve",  # RFC 8926
}


def _by_administrator(name: str, subtype: int, experimental: int = 0) -> tuple[Kind, Kind, Kind]:
    """A kind whose number is administered by an AS of two octets, the owner of an address, or an AS of four."""
    return (
        Kind(name, experimental | 0x0000 | subtype, *_TWO_OCTET_AS),
        Kind(name, experimental | 0x0100 | subtype, *_IPV4),
        Kind(name, experimental | 0x0200 | subtype, *_FOUR_OCTET_AS),
    )


KINDS: Final = (
    *_by_administrator("rt", 0x02),  # RFC 4360 4, route target
    *_by_administrator("soo", 0x03),  # RFC 4360 5, route origin
    Kind("bandwidth", 0x4004, AS(2), Float()),  # RFC 10005, octets per second
    Kind("bandwidth-transitive", 0x0004, AS(2), Float()),  # RFC 10005
    *_by_administrator("ospf-domain-id", 0x05),  # RFC 4577 4.2.4
    Kind("ospf-route-type", 0x0306, IPv4(), Number(1), Number(1)),  # RFC 4577 4.2.6: area, type, options
    Kind("ospf-router-id", 0x0107, IPv4(), Reserved(2)),  # RFC 4577 4.2.6
    Kind("source-as", 0x0009, *_TWO_OCTET_AS),  # RFC 6514 6
    Kind("source-as", 0x0209, *_FOUR_OCTET_AS),  # RFC 6514 6
    Kind("vrf-route-import", 0x010B, *_IPV4),  # RFC 6514 7
    Kind("color", 0x030B, Number(2), Number(4)),  # RFC 9012 4.3: flags, color
    Kind("encapsulation", 0x030C, Reserved(4), Number(2, _TUNNELS)),  # RFC 9012 4.1
    Kind("default-gateway", 0x030D, Reserved(6)),  # RFC 7432 7.8
    Kind("ovs", 0x4300, Reserved(5), Number(1, _VALIDITY)),  # RFC 8097 2, origin validation state
    Kind("mac-mobility", 0x0600, Number(1), Reserved(1), Number(4)),  # RFC 7432 7.7: flags, sequence number
    Kind("esi-label", 0x0601, Number(1), Reserved(2), Number(3)),  # RFC 7432 7.5: flags, label
    Kind("es-import", 0x0602, MAC()),  # RFC 7432 7.6
    Kind("router-mac", 0x0603, MAC()),  # RFC 9135 8.1
    Kind("traffic-rate-bytes", 0x8006, AS(2), Float()),  # RFC 8955 7.1
    Kind("traffic-rate-packets", 0x800C, AS(2), Float()),  # RFC 8955 7.2
    Kind("traffic-action", 0x8007, Reserved(5), Number(1)),  # RFC 8955 7.3: 1 not the last rule, 2 sample
    *_by_administrator("rt-redirect", 0x08, experimental=0x8000),  # RFC 8955 7.4
    Kind("traffic-marking", 0x8009, Reserved(5), Number(1)),  # RFC 8955 7.5: DSCP
)
"""The kinds of extended communities that have a name here."""

IPV6_KINDS: Final = (
    Kind("rt", 0x0002, *_IPV6),  # RFC 5701 3
    Kind("soo", 0x0003, *_IPV6),  # RFC 5701 3
    Kind("vrf-route-import", 0x000B, *_IPV6),  # RFC 6515
    Kind("rt-redirect", 0x000D, *_IPV6),  # RFC 8956 6.1
)
"""The kinds of IPv6 address specific extended communities that have a name here."""

_LAYOUTS: Final = {
    0x00: _TWO_OCTET_AS,
    0x01: _IPV4,
    0x02: _FOUR_OCTET_AS,
    0x40: _TWO_OCTET_AS,
    0x41: _IPV4,
    0x42: _FOUR_OCTET_AS,
}

_NOTATION: Final = Notation("extended community", 8, KINDS, _LAYOUTS)
_IPV6_NOTATION: Final = Notation("IPv6 extended community", 20, IPV6_KINDS, {0x00: _IPV6, 0x40: _IPV6})


@attrs.frozen(init=False, repr=False, order=True)
class _Typed(Octets):
    """What both forms of extended communities have in common."""

    _notation: ClassVar[Notation]

    @property
    def type(self) -> int:
        """The first octet: the class of the value, and whether it is transitive."""
        return self.wire[0]

    @property
    def subtype(self) -> int:
        """The second octet: which kind within the type."""
        return self.wire[1]

    @property
    def is_transitive(self) -> bool:
        """Whether it stays on the route from one AS to the next (RFC 4360 2)."""
        return not self.type & _NOT_TRANSITIVE

    @property
    def kind(self) -> str:
        """The name of type and subtype, such as "rt"; the number, such as "0x4302", where there is no name."""
        return self._kind.name

    @property
    def values(self) -> tuple[Value, ...]:
        """What it holds, by the layout of its kind: `(64512, 7)`, `(IPv4Address("192.0.2.1"), 7)`.

        Numbers that text has names for are numbers here; of an unknown kind it is the octets.
        """
        return self._kind.values(self.wire)

    @property
    def _kind(self) -> Kind:
        return self._notation.kind_of(self.type << 8 | self.subtype)

    @classmethod
    def _read(cls, text: str) -> bytes:
        return cls._notation.read(text)

    def __str__(self) -> str:
        return self._notation.text(self.wire)


@attrs.frozen(init=False, repr=False, order=True)
class ExtendedCommunity(_Typed):
    """An extended community: `ExtendedCommunity("rt:64512:7")`, or its eight octets (RFC 4360)."""

    WIDTH: ClassVar = 8

    _notation: ClassVar = _NOTATION


@attrs.frozen(init=False, repr=False, order=True)
class IPv6ExtendedCommunity(_Typed):
    """One with an IPv6 address: `IPv6ExtendedCommunity("rt:[2001:db8::1]:7")`, or its 20 octets (RFC 5701)."""

    WIDTH: ClassVar = 20

    _notation: ClassVar = _IPV6_NOTATION


def extended_communities(values: Iterable[str | ExtendedCommunity]) -> tuple[ExtendedCommunity, ...]:
    """Read several extended communities."""
    return tuple(map(ExtendedCommunity, several("extended_communities", values)))


def ipv6_extended_communities(
    values: Iterable[str | IPv6ExtendedCommunity],
) -> tuple[IPv6ExtendedCommunity, ...]:
    """Read several IPv6 address specific extended communities."""
    return tuple(map(IPv6ExtendedCommunity, several("ipv6_extended_communities", values)))
