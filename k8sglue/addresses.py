"""Networks and ranges of addresses as pools have them, and which of them are in each other's way."""

from bisect import bisect_right, insort
from ipaddress import ip_network

import attrs

from k8sglue.config import AddressRange, parse_address

_RESERVED = tuple(
    AddressRange(network[0], network[-1])
    for network in map(
        ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3", "::/127", "ff00::/8", "fe80::/10")
    )
)
"""This host, loopback, multicast and what lies beyond, link-local."""


def parse_range(text: str, *, single: bool = False) -> AddressRange | str:
    """Read a network or a range, or if it may be `single` one address; or say what is wrong with it.

    Blanks around the dash are allowed, and host bits are masked away, as MetalLB does.
    """
    if "-" in text:
        first, last = (parse_address(end.strip()) for end in text.split("-", 1))
        if first is None or last is None:
            return "must be first-last with an IP address on either side"
        if first.version != last.version:
            return "mixes IPv4 and IPv6"
        if int(first) > int(last):
            return "ends before it begins"
        return _usable(AddressRange(first, last))
    try:
        network = ip_network(text, strict=False) if "/" in text or single else None
    except ValueError:
        network = None
    if network is None:
        alone = "an address (10.0.0.1), " if single else ""
        return f"must be {alone}a network (10.0.0.0/24) or a range (10.0.0.1-10.0.0.9)"
    return _usable(AddressRange(network[0], network[-1]))


def _usable(addresses: AddressRange) -> AddressRange | str:
    clash = next((reserved for reserved in _RESERVED if addresses.overlaps(reserved)), None)
    return f"overlaps with {clash}, which no Service can have" if clash else addresses


@attrs.define
class Territory:
    """Ranges that do not overlap, each with the name of its owner."""

    _ranges: dict[int, list[tuple[int, int, str]]] = attrs.field(init=False, factory=lambda: {4: [], 6: []})
    """First, last and owner, sorted, by version of IP."""

    def clash(self, addresses: AddressRange) -> tuple[AddressRange, str] | None:
        """Return a range that overlaps, and its owner; None if all of these addresses are free."""
        ranges = self._ranges[addresses.first.version]
        # Ranges that do not overlap end in the order in which they begin: only the last to begin can reach in.
        index = bisect_right(ranges, int(addresses.last), key=lambda each: each[0]) - 1
        if index < 0 or ranges[index][1] < int(addresses.first):
            return None
        kind = type(addresses.first)
        first, last, owner = ranges[index]
        return AddressRange(kind(first), kind(last)), owner

    def add(self, addresses: AddressRange, owner: str = "") -> None:
        """Take a range in that clashes with nothing."""
        insort(self._ranges[addresses.first.version], (int(addresses.first), int(addresses.last), owner))
