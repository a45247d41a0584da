"""The rows of the matrix: a test function `test_<name>` for each, and what the README calls it."""

from typing import Final

CELLS: Final = {
    "external_session": "external session (eBGP)",
    "internal_session": "internal session (iBGP)",
    "four_octet_as": "AS numbers of four octets on both sides",
    "ipv4_to_it": "IPv4 routes to it: announced, changed, withdrawn",
    "ipv4_from_it": "IPv4 routes from it: announced, withdrawn",
    "ipv6": "IPv6 routes over IPv6, both ways",
    "ipv6_over_ipv4_to_it": "IPv6 routes over IPv4 to it",
    "ipv6_over_ipv4_from_it": "IPv6 routes over IPv4 from it",
    "ipv4_over_ipv6": "IPv4 routes over IPv6 with IPv6 next hops, both ways (RFC 8950)",
    "ipv6_over_link_local": "IPv6 routes over link-local addresses, both ways",
    "ipv4_over_link_local": "IPv4 routes over link-local addresses, both ways (RFC 8950)",
    "paths_to_it": "several paths to a prefix to it (RFC 7911)",
    "paths_from_it": "several paths to a prefix from it",
    "communities_to_it": "communities, large and extended ones to it",
    "communities_from_it": "communities, large and extended ones from it",
    "many_to_it": "10,000 routes to it",
    "many_from_it": "10,000 routes from it",
    "it_asks_for_refresh": "it asks for our routes again",
    "we_ask_for_refresh": "we ask for its routes again",
    "we_restart": "we are killed and come back: it keeps our routes (RFC 4724)",
    "it_restarts": "it is killed and comes back: we keep its routes",
    "bfd": "a router that stands still is noticed by BFD at once, and taken back (RFC 5882)",
    "signed": "TCP MD5 signatures (RFC 2385)",
    "ttl_security": "TTL security (RFC 5082)",
    "it_dials": "it connects to us",
    "collision": "both connect at once: one session",
    "it_limits_us": "it limits our prefixes, and we know why the session ends",
    "we_limit_it": "we limit its prefixes, and it knows why the session ends (RFC 4486)",
    "it_says_why": "its operator's text reaches ours (RFC 9003)",
    "we_say_why": "our operator's text reaches its",
}
"""Titles by name, in the order of the table."""


def cell_of(test: str) -> str:
    """The name of the cell that a test fills, from the test's name with its parameters."""
    return test.partition("[")[0].removeprefix("test_")
