"""Who the sessions of the matrix are with: one neighbour for each thing to try, at an address of its own.

A router is configured with all of them at once and started once. A cell then plays one or several of them, each with a
`Speaker` that connects from the neighbour's address. Each has an AS of its own, so that what one announces another
does not take for its own.
"""

from ipaddress import ip_address
from typing import Any, Final

import attrs

ROUTER_AS: Final = 4200000001
ROUTER4: Final = "192.0.2.1"
ROUTER6: Final = "2001:db8::1"
ROUTER_LINK_LOCAL: Final = "fe80::1"

NEXT_HOP6: Final = "2001:db8::2"
"""An IPv6 address of ours, for routes in sessions over IPv4."""

PASSWORD: Final = "k8sglue"
MAX_PREFIXES: Final = 5
RESTART_TIME: Final = 60
BFD_INTERVAL: Final = 100
"""How often the router sends, and receives, in milliseconds."""

BFD_MULTIPLIER: Final = 5


@attrs.frozen(kw_only=True)
class Neighbour:
    """One of us, as a router has to know it."""

    name: str
    """For people, and for identifiers in configurations: letters, digits and underscores."""

    address: str
    """Where it connects from, and where it is dialled."""

    asn: int

    ipv4: bool = True
    """Whether to exchange routes of IPv4 unicast."""

    ipv6: bool = True
    """Whether to exchange routes of IPv6 unicast."""

    dials: bool = False
    """Whether the router connects by itself; else it waits."""

    add_path: bool = False
    """Whether to exchange several paths to a prefix, both ways."""

    extended_next_hop: bool = False
    """Whether IPv4 routes may have next hops of IPv6."""

    graceful_restart: bool = False

    bfd: bool = False
    """Whether the router watches the path to it."""

    password: str | None = None
    """The key of TCP MD5."""

    ttl_security: bool = False
    """Whether the router wants to see that we are one hop away."""

    max_prefixes: int | None = None
    """How many prefixes of a family the router takes from us."""

    @property
    def is_internal(self) -> bool:
        """Whether it is in the router's AS."""
        return self.asn == ROUTER_AS

    @property
    def is_ipv6(self) -> bool:
        """Whether the session runs over IPv6."""
        return ip_address(self.address).version == 6

    @property
    def is_link_local(self) -> bool:
        """Whether both ends have addresses of the cable alone."""
        return ip_address(self.address).is_link_local

    @property
    def zone(self) -> str:
        """What follows its address, or the router's, in a configuration."""
        return "%eth0" if self.is_link_local else ""

    @property
    def router_address(self) -> str:
        """The router's end of the session."""
        if self.is_link_local:
            return ROUTER_LINK_LOCAL + self.zone
        return ROUTER6 if self.is_ipv6 else ROUTER4


def _external(cell: str, number: int, **options: Any) -> Neighbour:
    return Neighbour(name=cell, address=f"192.0.2.{number}", asn=64500 + number, **options)


def _over_ipv6(cell: str, number: int, **options: Any) -> Neighbour:
    return attrs.evolve(_external(cell, number), address=f"2001:db8::{number}", **options)


_OF_CELLS: Final = (
    _external("external_session", 11),
    attrs.evolve(_external("internal_session", 12), asn=ROUTER_AS),
    attrs.evolve(_external("four_octet_as", 13), asn=4200000002),
    _external("ipv4_to_it", 14),
    _external("ipv4_from_it", 15),
    _over_ipv6("ipv6", 16, ipv4=False),
    _external("ipv6_over_ipv4_to_it", 17),
    _external("ipv6_over_ipv4_from_it", 18),
    _over_ipv6("ipv4_over_ipv6", 19, extended_next_hop=True),
    _external("paths_to_it", 20, add_path=True),
    _external("paths_from_it", 21, add_path=True),
    _external("communities_to_it", 22),
    _external("communities_from_it", 23),
    _external("many_to_it", 24),
    _external("many_from_it", 25),
    _external("it_asks_for_refresh", 26),
    # FRR answers only whom it has sent an End-of-RIB, and sends that only to those who offer graceful restart.
    _external("we_ask_for_refresh", 27, graceful_restart=True),
    _external("we_restart", 28, graceful_restart=True),
    _external("it_restarts", 29, graceful_restart=True),
    _external("signed", 30, password=PASSWORD),
    _external("ttl_security", 31, ttl_security=True),
    _external("it_dials", 32, dials=True),
    _external("it_limits_us", 33, max_prefixes=MAX_PREFIXES),
    _external("we_limit_it", 34),
    _external("it_says_why", 35),
    _external("we_say_why", 36),
    _external("bfd", 37, bfd=True),
    attrs.evolve(_over_ipv6("ipv6_over_link_local", 38, ipv4=False), address="fe80::38"),
    attrs.evolve(_over_ipv6("ipv4_over_link_local", 39, extended_next_hop=True), address="fe80::39"),
)
NEIGHBOUR_OF: Final = {neighbour.name: neighbour for neighbour in _OF_CELLS}
"""By the names of the cells. No two share one: a router may make us wait after the end of a session."""

OTHERS: Final = tuple(_external(f"other{n}", 40 + n) for n in range(5))
"""Those who announce what a router is to pass on, or watch what it does."""

COLLIDING: Final = tuple(_external(f"colliding{n}", 50 + n, dials=True) for n in range(13))
"""Thirteen with each of four routers make fifty collisions."""

NEIGHBOURS: Final = (*_OF_CELLS, *OTHERS, *COLLIDING)


# What every router originates.

PLAIN4: Final = "198.51.100.0/24"
PLAIN6: Final = "2001:db8:100::/48"
LABELLED4: Final = "198.51.101.0/24"
LABELLED6: Final = "2001:db8:101::/48"
"""Those with communities of every kind."""

TWO_PATHS: Final = "203.0.113.16/28"
"""Of which a router is to tell two paths: those that two of us announced, or its own if it passes nothing on."""

TEN_THOUSAND: Final = tuple(f"10.{n >> 8}.{n & 255}.0/24" for n in range(10_000))
"""Of which it is to tell the observer, in the same way."""

COMMUNITY: Final = "64500:11"
LARGE_COMMUNITY: Final = "4200000003:1:2"
ROUTE_TARGET: Final = "64500:100"
