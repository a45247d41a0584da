"""The routes that scripted peers announce for a daemon to pass on: every attribute and family that one may meet.

Written as octets by hand, for the reason that `recording_peer` gives.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from tests.interop.recording_peer import (
    IPV4_LABELLED,
    IPV4_MULTICAST,
    IPV4_UNICAST,
    IPV4_VPN,
    IPV6_LABELLED,
    IPV6_UNICAST,
    IPV6_VPN,
    UPDATE,
    Account,
    family_octets,
    message,
)

Family = tuple[int, int]

_WELL_KNOWN, _OPTIONAL, _TRANSITIVE = 0x40, 0x80, 0xC0
_EXTENDED_LENGTH = 0x10
_RD = bytes.fromhex("0000 fbf4 00000064")
"""Route distinguisher 64500:100."""


def attribute(flags: int, code: int, value: bytes) -> bytes:
    """A path attribute; the length has two octets where one is not enough."""
    if len(value) > 0xFF:
        flags |= _EXTENDED_LENGTH
    length = len(value).to_bytes(2 if flags & _EXTENDED_LENGTH else 1)
    return bytes([flags, code]) + length + value


def origin(value: int) -> bytes:
    """ORIGIN."""
    return attribute(_WELL_KNOWN, 1, bytes([value]))


def as_path(sequence: Iterable[int], as_set: Iterable[int] = (), *, width: int = 4) -> bytes:
    """AS_PATH: a sequence, in as many segments as it takes, and a set behind it."""
    numbers, members = list(sequence), list(as_set)
    segments = [(2, numbers[i : i + 255]) for i in range(0, len(numbers), 255)]
    segments += [(1, members)] if members else []
    value = b"".join(
        bytes([kind, len(asns)]) + b"".join(asn.to_bytes(width) for asn in asns) for kind, asns in segments
    )
    return attribute(_WELL_KNOWN, 2, value)


def next_hop(address: str) -> bytes:
    """NEXT_HOP."""
    return attribute(_WELL_KNOWN, 3, ip_address(address).packed)


def communities(*values: str) -> bytes:
    """COMMUNITIES, as "64500:1"."""
    parts = [part for value in values for part in value.split(":")]
    return attribute(_TRANSITIVE, 8, b"".join(int(part).to_bytes(2) for part in parts))


def large_communities(*values: str) -> bytes:
    """LARGE_COMMUNITIES, as "64500:1:2"."""
    parts = [part for value in values for part in value.split(":")]
    return attribute(_TRANSITIVE, 32, b"".join(int(part).to_bytes(4) for part in parts))


def extended_communities(*values: str) -> bytes:
    """EXTENDED_COMMUNITIES, as hexadecimal octets."""
    return attribute(_TRANSITIVE, 16, b"".join(map(bytes.fromhex, values)))


_ROUTE_TARGETS = ("0002 fbf4 00000064", "0102 cb007101 0007", "0202 00010004 0009")
"""Of a two-octet AS, an IPv4 address and a four-octet AS."""

_OTHER_EXTENDED = ("0003 fbf4 00000065", "030b 0000 00000080", "4004 fbf4 49742400", "030c 0000 0000 0008")
"""Route origin, colour, link bandwidth and encapsulation."""


def prefix_octets(prefix: str) -> bytes:
    """A prefix as NLRI."""
    network = ip_network(prefix)
    return bytes([network.prefixlen]) + _significant(network)


def labelled(prefix: str, label: int, distinguisher: bytes = b"") -> bytes:
    """A prefix with one label, and a route distinguisher for a VPN."""
    network = ip_network(prefix)
    bits = 24 + 8 * len(distinguisher) + network.prefixlen
    return bytes([bits]) + (label << 4 | 1).to_bytes(3) + distinguisher + _significant(network)


def _significant(network: IPv4Network | IPv6Network) -> bytes:
    return network.network_address.packed[: (network.prefixlen + 7) // 8]


def with_path(identifier: int, nlri: bytes) -> bytes:
    """NLRI with a path identifier before it."""
    return identifier.to_bytes(4) + nlri


def update(attributes: bytes, nlri: bytes = b"", withdrawn: bytes = b"") -> bytes:
    """An UPDATE."""
    body = len(withdrawn).to_bytes(2) + withdrawn + len(attributes).to_bytes(2) + attributes + nlri
    return message(UPDATE, body)


def reach(family: Family, hop: bytes, nlri: bytes) -> bytes:
    """MP_REACH_NLRI."""
    return attribute(_OPTIONAL, 14, family_octets([family]) + bytes([len(hop)]) + hop + b"\0" + nlri)


def unreach(family: Family, nlri: bytes) -> bytes:
    """MP_UNREACH_NLRI."""
    return attribute(_OPTIONAL, 15, family_octets([family]) + nlri)


def end_of_rib(families: Iterable[Family]) -> list[bytes]:
    """An End-of-RIB marker a family."""
    return [update(b"" if family == IPV4_UNICAST else unreach(family, b"")) for family in families]


def _ipv4_routes(account: Account) -> list[tuple[bytes, list[str]]]:
    """What differs between the IPv4 unicast routes of a source: attributes and prefixes."""
    path, hop = _own_path(account), next_hop(account.address)
    plain = origin(0) + as_path(path) + hop
    local_pref = attribute(_WELL_KNOWN, 5, (250).to_bytes(4))
    rest = local_pref if account.is_client else b""
    aggregator = attribute(_TRANSITIVE, 7, (65551).to_bytes(4) + bytes([192, 0, 2, 77]))
    aggregate = attribute(_WELL_KNOWN, 6, b"")
    tunnel = attribute(_TRANSITIVE, 23, bytes.fromhex("0008 000c 01 04 00000064 06 04 cb007105"))
    long_path = as_path([*path, *range(65536, 65552)] + [64496] * 245)
    long = [
        (origin(0) + long_path + hop + rest, ["192.0.0.0/22"]),
        (plain + rest + communities(*(f"64500:{n}" for n in range(64))), ["198.51.100.64/27"]),
    ]
    return [
        *(long if account.has_long_attributes else []),
        (origin(0) + as_path(path) + hop + rest, ["198.51.100.0/26", "203.0.113.0/29", "0.0.0.0/0"]),
        (plain + rest + communities("64500:1", "64500:2", "65535:0"), ["198.51.100.64/26"]),
        (plain + rest + large_communities("64500:1:2", "65551:4294967295:0"), ["198.51.100.80/28"]),
        (plain + rest + extended_communities(*_ROUTE_TARGETS, *_OTHER_EXTENDED), ["198.51.100.96/28"]),
        (origin(1) + as_path([*path, *[64499] * 5]) + hop + rest, ["198.51.100.128/25", "203.0.113.128/31"]),
        (
            origin(2) + as_path([*path, 64499]) + hop + attribute(_OPTIONAL, 4, b"\0\0\0\x32") + rest,
            ["203.0.113.255/32"],
        ),
        (
            origin(2) + as_path([*path, 65551], [64498, 65537]) + hop + rest + aggregate + aggregator,
            ["203.0.112.0/23"],
        ),
        (plain + rest + attribute(_TRANSITIVE, 35, (65549).to_bytes(4)), ["203.0.113.64/27"]),
        (
            plain + rest + attribute(_OPTIONAL, 26, bytes.fromhex("01 000b 0000000000000064")),
            ["203.0.113.96/27"],
        ),
        (plain + rest + tunnel + attribute(_TRANSITIVE, 250, b"unknown"), ["203.0.113.32/30"]),
    ]


def _own_path(account: Account) -> list[int]:
    """What a source puts in front of a path: its AS number, unless that is the daemon's too."""
    return [] if account.is_client else [account.asn]


def announcements(account: Account, families: frozenset[Family], paths: frozenset[Family]) -> list[bytes]:
    """All UPDATEs of a source in a session with these families, `paths` those with path identifiers."""

    def numbered(family: Family, nlri: bytes, identifier: int = 1) -> bytes:
        return with_path(identifier, nlri) if family in paths else nlri

    found = [
        update(attributes, b"".join(numbered(IPV4_UNICAST, prefix_octets(prefix)) for prefix in prefixes))
        for attributes, prefixes in _ipv4_routes(account)
    ]
    base = origin(0) + as_path([*_own_path(account), 65551])
    base += attribute(_WELL_KNOWN, 5, (150).to_bytes(4)) if account.is_client else b""
    if IPV4_UNICAST in paths:
        more = base + next_hop(account.address) + communities("64500:99")
        found.append(update(more, numbered(IPV4_UNICAST, prefix_octets("198.51.100.0/26"), 2)))
    for family, hop, nlris in _multiprotocol_routes(account):
        if family in families:
            extra = communities("64500:3") + extended_communities(_ROUTE_TARGETS[0])
            nlri = b"".join(numbered(family, one) for one in nlris)
            found.append(update(base + extra + reach(family, hop, nlri)))
    return found


def _multiprotocol_routes(account: Account) -> list[tuple[Family, bytes, list[bytes]]]:
    number = int(account.address.split(".")[-1]) if "." in account.address else 99
    hop4 = bytes([192, 0, 2, number])
    hop6 = ip_address(f"2001:db8::{number:x}").packed
    link_local = ip_address(f"fe80::{number:x}").packed
    net6 = ["2001:db8:1::/48", "2001:db8:2::/47", "2001:db8:1:2::3/128", "::/0"]
    return [
        (IPV6_UNICAST, hop6, [prefix_octets(prefix) for prefix in net6]),
        (IPV6_UNICAST, hop6 + link_local, [prefix_octets("2001:db8:a000::/35")]),
        (IPV4_MULTICAST, hop4, [prefix_octets("203.0.113.0/24"), prefix_octets("198.51.100.0/24")]),
        (IPV4_LABELLED, hop4, [labelled("198.51.100.0/25", 1000), labelled("203.0.113.8/32", 3)]),
        (IPV6_LABELLED, hop6, [labelled("2001:db8:40::/44", 1001)]),
        (
            IPV4_VPN,
            bytes(8) + hop4,
            [labelled("10.1.0.0/16", 1048575, _RD), labelled("10.2.3.4/32", 16, _RD)],
        ),
        (IPV6_VPN, bytes(8) + hop6, [labelled("2001:db8:100::/40", 17, _RD)]),
    ]


def withdrawals(account: Account, families: frozenset[Family], paths: frozenset[Family]) -> list[bytes]:
    """Withdraw some routes of every family."""
    prefixes = ["198.51.100.0/26", "198.51.100.64/26", "203.0.113.255/32"]
    path = with_path
    nlri4 = [prefix_octets(prefix) for prefix in prefixes]
    found = [update(b"", withdrawn=b"".join(path(1, one) if IPV4_UNICAST in paths else one for one in nlri4))]
    for family, _, nlris in _multiprotocol_routes(account):
        if family in families:
            gone = path(1, nlris[0]) if family in paths else nlris[0]
            found.append(update(unreach(family, gone)))
    return found


MALFORMED = message(UPDATE, bytes.fromhex("0000 0fff 40010100"))
"""An UPDATE whose attributes are longer than itself."""
