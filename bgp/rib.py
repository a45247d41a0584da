"""Routes, and the table of those that a peer is to have (RFC 4271 3.2, Adj-RIB-Out).

The application says what the peer should have. `AdjRibOut` remembers what the peer was told, and yields the
difference. To announce a route twice costs nothing; to announce and withdraw it before anything could be sent
costs nothing either; after a lost session the difference is the whole table.
"""

from collections.abc import Callable, Iterable, ValuesView
from ipaddress import IPv4Address

import attrs

from bgp.aspath import ASPath, ASSegment
from bgp.attributes import PathAttributes
from bgp.attributetable import next_hop, origin
from bgp.communities import Community
from bgp.errors import LocalError
from bgp.iana import Origin
from bgp.prefix import IPV4_UNICAST, Prefix
from bgp.values import OPTIONAL_UINT32, quoted

_ROOM = 4000
"""Octets of AS_PATH and COMMUNITIES for which there surely is room in an UPDATE beside everything else."""


def _distinct(values: Iterable[str | int]) -> tuple[Community, ...]:
    # RFC 1997: a set. One order, so that equal sets are equal values.
    return tuple(sorted({Community(value) for value in values}))


def _next_hop(value: str | IPv4Address | None) -> IPv4Address | None:
    return None if value is None else next_hop(value)


def _path(value: Iterable[int | ASSegment]) -> ASPath:
    return ASPath(value)


def _ipv4_prefix(value: str | Prefix) -> Prefix:
    prefix = Prefix(value)
    if prefix.family != IPV4_UNICAST:
        raise LocalError(f"{prefix} is {prefix.family}; only {IPV4_UNICAST} can be announced")
    return prefix


@attrs.frozen
class Route:
    """A route to announce: `Route("203.0.113.7/32", communities=["64512:100"])`.

    Raises `LocalError` for a value that cannot be, and for a route too long for an UPDATE.
    """

    prefix: Prefix = attrs.field(converter=_ipv4_prefix, repr=quoted)
    """The destination; text is accepted."""

    next_hop: IPv4Address | None = attrs.field(default=None, converter=_next_hop, repr=quoted, kw_only=True)
    """Where to send the packets; None: to us, at our address on the connection to the peer."""

    communities: tuple[Community, ...] = attrs.field(default=(), converter=_distinct, kw_only=True)
    """Labels such as "64512:100" or "no-export"."""

    med: int | None = attrs.field(default=None, validator=OPTIONAL_UINT32, kw_only=True)
    """MULTI_EXIT_DISC, 0 to 4294967295; None: none."""

    local_pref: int | None = attrs.field(default=None, validator=OPTIONAL_UINT32, kw_only=True)
    """LOCAL_PREF for internal peers, 0 to 4294967295; None: 100. External peers do not see it."""

    as_path: ASPath = attrs.field(default=ASPath(), converter=_path, kw_only=True)
    """The path before us, such as our own AS number again to be less preferred; ours is put in front of it."""

    origin: Origin = attrs.field(default=Origin.IGP, converter=origin, kw_only=True)
    """How the route came into BGP."""

    def __attrs_post_init__(self) -> None:
        needed = 4 * len(self.communities) + 4 * len(self.as_path.asns) + 2 * len(self.as_path.segments)
        if needed > _ROOM:
            raise LocalError(
                f"AS path and communities of {self.prefix} take {needed} octets, at most {_ROOM} fit"
            )


def prefix(value: "Route | Prefix | str") -> Prefix:
    """Read what stands for a destination: a Route to it, a Prefix, or text."""
    return value.prefix if isinstance(value, Route) else Prefix(value)


def route(value: "Route | Prefix | str") -> Route:
    """Read what stands for a route: a Route, or a prefix to be reached through us."""
    return value if isinstance(value, Route) else Route(value)


@attrs.define(eq=False)
class Changes:
    """What a peer has to be told."""

    announced: dict[PathAttributes, list[bytes]] = attrs.field(factory=dict)
    """New and changed routes: prefixes in wire form, by the attributes that they share."""

    withdrawn: list[bytes] = attrs.field(factory=list)
    """Prefixes that are gone, in wire form."""

    refused: list[tuple[Route, str]] = attrs.field(factory=list)
    """Routes that cannot be told to this peer, and why."""


@attrs.define(eq=False)
class AdjRibOut:
    """The IPv4 unicast routes that a peer is to have, and what it was told of them."""

    _wanted: dict[bytes, Route] = attrs.field(factory=dict, init=False)
    _told: dict[bytes, PathAttributes] = attrs.field(factory=dict, init=False)
    _touched: dict[bytes, None] = attrs.field(factory=dict, init=False)

    @property
    def routes(self) -> ValuesView[Route]:
        """The routes that the peer is to have."""
        return self._wanted.values()

    def announce(self, routes: Iterable[Route]) -> None:
        """Add routes; each replaces the one for its prefix."""
        for route in routes:
            self._want(route.prefix.wire, route)

    def withdraw(self, prefixes: Iterable[Prefix]) -> None:
        """Drop the routes for these prefixes, where there are any."""
        for prefix in prefixes:
            if prefix.family == IPV4_UNICAST:
                self._drop(prefix.wire)

    def replace(self, routes: Iterable[Route]) -> None:
        """State the whole table."""
        wanted = {route.prefix.wire: route for route in routes}
        for wire in self._wanted.keys() - wanted.keys():
            self._drop(wire)
        for wire, route in wanted.items():
            self._want(wire, route)

    def _want(self, wire: bytes, route: Route) -> None:
        known = self._wanted.get(wire)
        if known is not route and known != route:
            self._wanted[wire] = route
            self._touched[wire] = None

    def _drop(self, wire: bytes) -> None:
        if self._wanted.pop(wire, None) is None:
            return
        if wire in self._told:
            self._touched[wire] = None
        else:
            self._touched.pop(wire, None)

    def forget(self) -> None:
        """Note that the peer has been told nothing: its session is new, or gone."""
        self._told.clear()
        self._touched = dict.fromkeys(self._wanted)

    def take_changes(self, look: Callable[[Route], PathAttributes | str]) -> Changes:
        """Return what the peer does not know yet, and take it as told.

        `look` says what a route looks like to the peer, or why it cannot be told to it.
        """
        changes = Changes()
        for wire in self._touched:
            route = self._wanted.get(wire)
            seen = None if route is None else look(route)
            attributes = seen if isinstance(seen, PathAttributes) else None
            if route is not None and isinstance(seen, str):
                changes.refused.append((route, seen))
            if attributes == self._told.get(wire):
                continue
            if attributes is None:
                changes.withdrawn.append(wire)
                del self._told[wire]
            else:
                changes.announced.setdefault(attributes, []).append(wire)
                self._told[wire] = attributes
        self._touched.clear()
        return changes
