"""A route: a destination, and the path to it (RFC 4271 1.1), as applications give it and get it.

Applications announce routes by values, `Route("203.0.113.7/32", communities=["64512:100"])`; policies look at routes
that peers sent, and return them, changed or not. Inside, both are octets: a destination in its wire form and
`PathAttributes`, which thousands of routes share. Values that are written alike give the same attributes object, so
that a program which announces a hundred thousand routes with a dozen sets of attributes reads and holds a dozen.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address
from types import NoneType
from typing import Final, Self, Unpack, cast

import attrs

from bgp.aspath import ASPath
from bgp.attributes import AttributeValues, CommonValues, PathAttributes, shown_values
from bgp.attributetable import BY_FIELD
from bgp.candidate import Candidate, CandidatePool, Source
from bgp.communities import Community, LargeCommunity
from bgp.errors import LocalError
from bgp.extended import ExtendedCommunity
from bgp.iana import AFI, SAFI, Origin
from bgp.labelled import LabelledPrefix, VPNPrefix
from bgp.look import Look
from bgp.multiprotocol import NextHop
from bgp.nlri import Destination, destination
from bgp.prefix import IPV4_UNICAST, Family, Prefix
from bgp.values import Address, integer, several, shown

_ROOM: Final = 65000
"""Octets of attributes for which there surely is room in an UPDATE of the longest kind (RFC 8654)."""

NextHopValue = str | Address | bytes | NextHop
"""What people may pass for a next hop."""


class _Unset:
    """Stands for an argument that was not given."""


_UNSET: Final = _Unset()


@attrs.frozen(init=False, repr=False)
class Route:
    """A route: `Route("203.0.113.7/32", next_hop="192.0.2.1", communities=["64512:100"])`.

    Takes the destination, the next hop, and any field of `PathAttributes`. Raises `LocalError` for values that cannot
    be, for ORIGIN or AS_PATH of None, which no route is without (RFC 4271 5.1.1, 5.1.2), and for a labelled prefix
    without labels. Compares by these, not by `source`.
    """

    prefix: Destination
    """The destination, of any family; text is accepted for a unicast prefix."""

    attributes: PathAttributes
    """The path attributes, NEXT_HOP among them where the route travels outside of MP_REACH_NLRI."""

    path_id: int
    """Tells several paths to one destination apart, 0 to 4294967295 (RFC 7911)."""

    source: Source | None = attrs.field(eq=False)
    """Who sent the route; None: it was made by the application."""

    _next_hop: NextHop | None

    def __init__(
        self,
        prefix: str | Destination,
        *,
        next_hop: NextHopValue | None = None,
        path_id: int = 0,
        **values: Unpack[CommonValues],
    ) -> None:
        found = as_destination(prefix)
        if isinstance(found, LabelledPrefix | VPNPrefix) and not found.labels:
            # RFC 8277 2.4: that is how a withdrawal looks.
            raise LocalError(f"route to {found}, must have a label")
        attributes, beside = _made(_PLAIN_PATH, values, next_hop, found.family)
        self.__attrs_init__(found, attributes, _path_id(path_id), None, beside)

    @classmethod
    def of(cls, family: Family, key: bytes, candidate: Candidate) -> Self:
        """Show a candidate of a RIB."""
        self = cls.__new__(cls)
        self.__attrs_init__(
            destination(family, key if candidate.wire is None else candidate.wire),
            candidate.attributes,
            candidate.path_id,
            candidate.source,
            candidate.next_hop,
        )
        return self

    @classmethod
    def told(cls, family: Family, key: bytes, path_id: int, look: Look) -> Self:
        """Show what a peer was told."""
        self = cls.__new__(cls)
        wire = key if look.wire is None else look.wire
        self.__attrs_init__(destination(family, wire), look.attributes, path_id, None, look.next_hop)
        return self

    def candidate(self, pool: CandidatePool) -> Candidate:
        """The path as a RIB holds it; `pool` says who offers it."""
        wire = self.prefix.wire
        extra = None if wire == self.prefix.key else wire
        return pool.get(self.attributes, self._next_hop, self.path_id, extra)

    def look(self) -> Look:
        """The route as a policy wants it to be told to a peer."""
        wire = self.prefix.wire
        return Look(self.attributes, self._next_hop, None if wire == self.prefix.key else wire)

    @property
    def family(self) -> Family:
        """The family of the destination."""
        return self.prefix.family

    @property
    def next_hop(self) -> NextHop | None:
        """Where to send the packets; None: to us, at our address on the connection to whichever peer."""
        if self._next_hop is None and self.attributes.next_hop is not None:
            return NextHop(self.attributes.next_hop)
        return self._next_hop

    @property
    def origin(self) -> Origin | None:
        """How the route came into BGP."""
        return self.attributes.origin

    @property
    def as_path(self) -> ASPath:
        """The ASes that it came through; our own is put in front when it is sent."""
        return self.attributes.as_path or ASPath()

    @property
    def med(self) -> int | None:
        """MULTI_EXIT_DISC, 0 to 4294967295; None: none."""
        return self.attributes.med

    @property
    def local_pref(self) -> int | None:
        """LOCAL_PREF for internal peers, 0 to 4294967295; None: 100. External peers do not see it."""
        return self.attributes.local_pref

    @property
    def communities(self) -> tuple[Community, ...]:
        """Labels such as "64512:100" or "no-export"."""
        return self.attributes.communities

    @property
    def large_communities(self) -> tuple[LargeCommunity, ...]:
        """Labels such as "64512:1:2" (RFC 8092)."""
        return self.attributes.large_communities

    @property
    def extended_communities(self) -> tuple[ExtendedCommunity, ...]:
        """Labels such as "rt:64512:7" (RFC 4360)."""
        return self.attributes.extended_communities

    def evolve(
        self,
        *,
        next_hop: NextHopValue | _Unset | None = _UNSET,
        path_id: int | None = None,
        **values: Unpack[CommonValues],
    ) -> "Route":
        """A copy with other values; `next_hop=None` means ourselves. The source stays."""
        attributes, beside = _made(self.attributes, values, next_hop, self.family)
        if isinstance(next_hop, _Unset):
            beside = self._next_hop
        route = Route.__new__(Route)
        number = self.path_id if path_id is None else _path_id(path_id)
        route.__attrs_init__(self.prefix, attributes, number, self.source, beside)
        return route

    def __repr__(self) -> str:
        unicast = isinstance(self.prefix, Prefix) and self.family.safi == SAFI.UNICAST
        parts = [repr(str(self.prefix) if unicast else self.prefix)]
        if self.next_hop is not None:
            parts.append(f"next_hop={_show(self.next_hop)}")
        if self.path_id:
            parts.append(f"path_id={self.path_id}")
        shown = shown_values(self.attributes)
        shown.pop("next_hop", None)
        usual = {("origin", repr(Origin.IGP)), ("as_path", repr(ASPath()))}
        parts += [f"{field}={text}" for field, text in shown.items() if (field, text) not in usual]
        return f"Route({', '.join(parts)})"


def _show(next_hop: NextHop) -> str:
    plain = len(next_hop.addresses) == 1 and NextHop(next_hop.addresses[0]) == next_hop
    return repr(str(next_hop)) if plain else repr(next_hop)


def as_routes(values: "Iterable[Route | Destination | str]") -> "list[Route]":
    """Read a list of what stands for routes."""
    return [as_route(value) for value in several("routes", values)]


def as_route(value: "Route | Destination | str") -> Route:
    """Read what stands for a route: a Route, or a destination to be reached through us."""
    return value if isinstance(value, Route) else Route(value)


Named = tuple[Destination, int | None]
"""What is to be withdrawn: a destination, and the path identifier; None: all of its paths."""


def as_names(values: "Iterable[Route | Destination | str]") -> list[Named]:
    """Read a list of what stands for something to withdraw."""
    return [as_named(value) for value in several("routes", values)]


def as_named(value: "Route | Destination | str") -> Named:
    """Read what stands for something to withdraw: a Route, or a destination with all of its paths."""
    return (value.prefix, value.path_id) if isinstance(value, Route) else (as_destination(value), None)


def as_destination(value: "Route | Destination | str") -> Destination:
    """Read what stands for a destination: a Route to it, a destination, or text."""
    if isinstance(value, Route):
        return value.prefix
    return value if isinstance(value, Destination) else Prefix(value)


def _path_id(value: int) -> int:
    return integer("path_id", value, 0, 0xFFFFFFFF)


# From values to octets. What is written alike leads to the same object.

_PLAIN_PATH: Final = PathAttributes(origin=Origin.IGP, as_path=())

_Made = tuple[PathAttributes, NextHop | None]

_LIMIT: Final = 4096
_memo: Final[dict[object, _Made]] = {}

_PLAIN: Final = (str, int, list, tuple, NoneType, ASPath)
"""What prints as what it is, and can be read twice; values of other types are not remembered."""


def _made(
    attributes: PathAttributes, values: CommonValues, next_hop: NextHopValue | _Unset | None, family: Family
) -> _Made:
    """Attributes with other values, and the next hop where that has to be beside them."""
    if isinstance(next_hop, bytes | NextHop):
        _check_octets(next_hop if isinstance(next_hop, bytes) else next_hop.wire, family)
    if not all(isinstance(value, _PLAIN) for value in values.values()):
        return _make(attributes, values, next_hop, family)
    # What values print as tells 1 from True and from "1", which as keys are the same, or look so.
    key = attributes, repr(values), repr(next_hop), family == IPV4_UNICAST
    made = _memo.get(key)
    if made is None:
        if len(_memo) >= _LIMIT:
            _memo.clear()
        made = _memo[key] = _make(attributes, values, next_hop, family)
    return made


def _make(
    attributes: PathAttributes, values: CommonValues, next_hop: NextHopValue | _Unset | None, family: Family
) -> _Made:
    beside: NextHop | None = None
    changes = cast(AttributeValues, {field: _in_order(field, value) for field, value in values.items()})
    if not isinstance(next_hop, _Unset):
        changes["next_hop"] = None
        if next_hop is not None:
            beside = next_hop if isinstance(next_hop, NextHop) else NextHop(next_hop)
            _check_host(beside)
            address = beside.address
            if family == IPV4_UNICAST and isinstance(address, IPv4Address):
                changes["next_hop"], beside = address, None
    changed = attributes.evolve(**changes) if changes else attributes
    for field, value in (("origin", changed.origin), ("as_path", changed.as_path)):
        if value is None:
            raise LocalError(f"{field} None, every route has one")
    if len(changed.wire) > _ROOM:
        raise LocalError(f"path attributes of {len(changed.wire)} octets, at most {_ROOM} fit")
    return changed, beside


_SETS: Final = frozenset(
    {"communities", "large_communities", "extended_communities", "ipv6_extended_communities"}
)


def _in_order(field: str, value: object) -> object:
    """Communities are sets (RFC 1997, RFC 8092 5): in one order, equal ones make equal routes."""
    if field not in _SETS or not value:
        return value
    distinct: dict[bytes, object] = {each.wire: each for each in BY_FIELD[field].convert(value)}
    return [distinct[wire] for wire in sorted(distinct)]


_PLAIN_LENGTHS: Final = (4, 16, 32)
_LENGTHS: Final[Mapping[int, tuple[int, ...]]] = {
    SAFI.UNICAST: _PLAIN_LENGTHS,
    SAFI.MULTICAST: _PLAIN_LENGTHS,
    SAFI.LABELLED_UNICAST: _PLAIN_LENGTHS,
    SAFI.VPN: (*_PLAIN_LENGTHS, 12, 24, 48),
}


def _check_octets(next_hop: bytes, family: Family) -> None:
    # Peers give up a family, or the session, over a next hop of a length that cannot be (RFC 7606 7.11).
    lengths = _LENGTHS.get(family.safi) if family.afi in (AFI.IPV4, AFI.IPV6) else None
    if lengths is not None and len(next_hop) not in lengths:
        wanted = " or ".join(map(str, lengths))
        raise LocalError(f"next hop {shown(next_hop)} of {family}, must be of {wanted} octets")


def _check_host(next_hop: NextHop) -> None:
    for address in next_hop.addresses:
        # Before a link-local one, "::" says that there is no other.
        if address.is_multicast or (address.is_unspecified and next_hop.nearest is None):
            raise LocalError(f"next hop {address}, must be the address of a host")
