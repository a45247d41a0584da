"""The path attributes that this library reads, one row each (RFC 4271 5 and 6.3, RFC 7606 7).

Values are those of a session with AS numbers of four octets; as4.py is for the others. `decode` reads a value by the
cursor, and so judges it. `pattern` is a part of the expression by which judgement.py recognises blocks that nothing is
wrong with; it may miss a good value, but never matches a bad one, which a property test looks after. MP_REACH_NLRI and
MP_UNREACH_NLRI are routes rather than attributes of routes, see multiprotocol.py.

A new attribute is a row here and a field of `PathAttributes`.
"""

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address
from typing import Any, Final, NamedTuple

import attrs

from bgp.aspath import ASPath, decode_as_path, encode_as_path, is_as_path
from bgp.communities import (
    Community,
    LargeCommunity,
    communities,
    decode_communities,
    encode_communities,
    large_communities,
)
from bgp.errors import LocalError
from bgp.extended import (
    ExtendedCommunity,
    IPv6ExtendedCommunity,
    extended_communities,
    ipv6_extended_communities,
)
from bgp.faults import Treatment
from bgp.iana import AttributeCode, AttributeFlag, Origin, UpdateSubcode
from bgp.values import ASN, check_kind, integer, ipv4_address, quoted, several
from bgp.wire import Reader, uint8, uint16, uint32

# Plain numbers: to combine members of an enum takes longer than to encode an attribute.
WELL_KNOWN: Final = int(AttributeFlag.TRANSITIVE)
"""The flags of a well-known attribute."""

NON_TRANSITIVE: Final = int(AttributeFlag.OPTIONAL)
"""The flags of an optional attribute that stays with the next router."""

TRANSITIVE: Final = int(AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE)
"""The flags of an optional attribute that travels on."""


@attrs.frozen
class Aggregator:
    """Who made an aggregate: `Aggregator(64512, "192.0.2.1")` (RFC 4271 5.1.7)."""

    asn: int = attrs.field(validator=ASN)
    """Its AS number, 1 to 4294967295 (0 is reserved, RFC 7607)."""

    address: IPv4Address = attrs.field(converter=ipv4_address, repr=quoted)
    """Its BGP Identifier; text is accepted."""


class Row(NamedTuple):
    """How one attribute is made, written, judged and read."""

    code: AttributeCode
    field: str
    """Its name in `PathAttributes`."""

    flags: int
    """Optional and transitive, as they have to be: `AttributeFlag`."""

    convert: Callable[[Any], Any]
    """From what people pass to the value; raises `LocalError`."""

    encode: Callable[[Any], bytes]
    decode: Callable[[Reader], Any]
    """Raises `WireError` or `LocalError`."""

    pattern: bytes
    """An expression for length and value in their usual form; without AS 0 in AS_PATH, which it cannot see."""

    malformed: Treatment = Treatment.TREAT_AS_WITHDRAW
    """What it costs if `decode` fails."""

    misflagged: Treatment = Treatment.TREAT_AS_WITHDRAW
    """What it costs if the flags are wrong (RFC 7606 3 (c))."""

    internal: bool = False
    """Only internal peers may send it; from others it is discarded (RFC 7606 7.5, 7.9, 7.10)."""

    subcode: UpdateSubcode = UpdateSubcode.OPTIONAL_ATTRIBUTE_ERROR
    """What RFC 4271 6.3 calls a value that cannot be, beside a wrong length."""


def origin(value: int) -> Origin:
    """Read an ORIGIN."""
    return Origin(integer("origin", value, 0, 2))


def _read_as_path(reader: Reader) -> ASPath:
    value = reader.rest()
    if is_as_path(value, four_octet_as=True):
        return ASPath.from_wire(value, four_octet_as=True)
    return decode_as_path(Reader(value), four_octet_as=True)  # which says what is wrong


def next_hop(value: str | IPv4Address) -> IPv4Address:
    """Read a NEXT_HOP: the address of a host (RFC 4271 6.3), as those of 0.0.0.0/8 and 224.0.0.0/3 are not."""
    address = ipv4_address(value)
    if not 1 <= address.packed[0] <= 0xDF:
        raise LocalError(f"next hop {address}, must be the address of a host")
    return address


def _uint32(name: str) -> Callable[[int], int]:
    def convert(value: int) -> int:
        return integer(name, value, 0, 0xFFFFFFFF)

    return convert


def _aggregator(value: Aggregator) -> Aggregator:
    check_kind("aggregator", value, Aggregator)
    return value


def _flag(value: bool) -> bool:
    check_kind("atomic_aggregate", value, bool)
    return value


def _address(reader: Reader) -> IPv4Address:
    return IPv4Address(reader.take(4))


def _packed(address: IPv4Address) -> bytes:
    return address.packed


def _encode_aggregator(value: Aggregator) -> bytes:
    return uint32(value.asn) + value.address.packed


def _decode_aggregator(reader: Reader) -> Aggregator:
    return Aggregator(reader.uint32(), IPv4Address(reader.take(4)))


def _addresses(values: Iterable[str | IPv4Address]) -> tuple[IPv4Address, ...]:
    return tuple(map(ipv4_address, several("cluster_list", values)))


def _decode_addresses(reader: Reader) -> tuple[IPv4Address, ...]:
    found = [_address(reader)]
    while reader.remaining:
        found.append(_address(reader))
    return tuple(found)


def _exactly(size: int) -> bytes:
    return b"\\x%02x.{%d}" % (size, size)


def _multiple_of(size: int) -> bytes:
    return b"(?:%s)" % b"|".join(map(_exactly, range(size, 0x100, size)))


def _one_sequence() -> bytes:
    """No AS_PATH segment, or one AS_SEQUENCE."""
    sequences = (b"\\x%02x\\x02\\x%02x.{%d}" % (2 + 4 * n, n, 4 * n) for n in range(1, 64))
    return b"(?:%s)" % b"|".join((b"\\x00", *sequences))


_AIGP_TLV: Final = 1
_AIGP_LENGTH: Final = 11


def _encode_aigp(metric: int) -> bytes:
    return uint8(_AIGP_TLV) + uint16(_AIGP_LENGTH) + metric.to_bytes(8, "big")


def _decode_aigp(reader: Reader) -> int | None:
    """The metric of the first AIGP TLV (RFC 7311 3); None if there are only TLVs of other types."""
    if not reader.remaining:
        raise LocalError("it is empty")  # RFC 7606 4
    metric = None
    while reader.remaining:
        kind, length = reader.uint8(), reader.uint16()
        if length < 3 or (kind == _AIGP_TLV and length != _AIGP_LENGTH):
            raise LocalError(f"TLV {kind} of {length} octets")
        value = reader.take(length - 3)
        if kind == _AIGP_TLV and metric is None:
            metric = int.from_bytes(value, "big")
    return metric


def _aigp(metric: int) -> int:
    return integer("aigp", metric, 0, 0xFFFFFFFFFFFFFFFF)


ROWS: Final = (
    Row(
        AttributeCode.ORIGIN,
        "origin",
        WELL_KNOWN,
        origin,
        uint8,
        lambda reader: origin(reader.uint8()),
        rb"\x01[\x00-\x02]",
        subcode=UpdateSubcode.INVALID_ORIGIN_ATTRIBUTE,
    ),
    Row(
        AttributeCode.AS_PATH,
        "as_path",
        WELL_KNOWN,
        ASPath,
        lambda path: encode_as_path(path, four_octet_as=True),
        _read_as_path,
        _one_sequence(),
        subcode=UpdateSubcode.MALFORMED_AS_PATH,
    ),
    Row(
        AttributeCode.NEXT_HOP,
        "next_hop",
        WELL_KNOWN,
        next_hop,
        _packed,
        lambda reader: next_hop(_address(reader)),
        rb"\x04[\x01-\xdf].{3}",
        subcode=UpdateSubcode.INVALID_NEXT_HOP_ATTRIBUTE,
    ),
    Row(
        AttributeCode.MULTI_EXIT_DISC,
        "med",
        NON_TRANSITIVE,
        _uint32("med"),
        uint32,
        Reader.uint32,
        _exactly(4),
    ),
    Row(
        AttributeCode.LOCAL_PREF,
        "local_pref",
        WELL_KNOWN,
        _uint32("local_pref"),
        uint32,
        Reader.uint32,
        _exactly(4),
        internal=True,
    ),
    Row(
        AttributeCode.ATOMIC_AGGREGATE,
        "atomic_aggregate",
        WELL_KNOWN,
        _flag,
        lambda _: b"",
        lambda _: True,
        _exactly(0),
        Treatment.ATTRIBUTE_DISCARD,
    ),
    Row(
        AttributeCode.AGGREGATOR,
        "aggregator",
        TRANSITIVE,
        _aggregator,
        _encode_aggregator,
        _decode_aggregator,
        rb"\x08(?!\x00\x00\x00\x00).{8}",
        Treatment.ATTRIBUTE_DISCARD,
    ),
    Row(
        AttributeCode.COMMUNITIES,
        "communities",
        TRANSITIVE,
        communities,
        encode_communities,
        lambda reader: decode_communities(Community, reader.rest()),
        _multiple_of(4),
    ),
    Row(
        AttributeCode.ORIGINATOR_ID,
        "originator_id",
        NON_TRANSITIVE,
        ipv4_address,
        _packed,
        _address,
        _exactly(4),
        internal=True,
    ),
    Row(
        AttributeCode.CLUSTER_LIST,
        "cluster_list",
        NON_TRANSITIVE,
        _addresses,
        lambda addresses: b"".join(map(_packed, addresses)),
        _decode_addresses,
        _multiple_of(4),
        internal=True,
    ),
    Row(
        AttributeCode.EXTENDED_COMMUNITIES,
        "extended_communities",
        TRANSITIVE,
        extended_communities,
        encode_communities,
        lambda reader: decode_communities(ExtendedCommunity, reader.rest()),
        _multiple_of(8),
    ),
    Row(
        AttributeCode.IPV6_EXTENDED_COMMUNITIES,
        "ipv6_extended_communities",
        TRANSITIVE,
        ipv6_extended_communities,
        encode_communities,
        lambda reader: decode_communities(IPv6ExtendedCommunity, reader.rest()),
        _multiple_of(20),
    ),
    Row(
        AttributeCode.AIGP,
        "aigp",
        NON_TRANSITIVE,
        _aigp,
        _encode_aigp,
        _decode_aigp,
        rb"\x0b\x01\x00\x0b.{8}",
        Treatment.ATTRIBUTE_DISCARD,  # RFC 7311 3.2
        Treatment.ATTRIBUTE_DISCARD,  # RFC 7311 3.2
    ),
    Row(
        AttributeCode.LARGE_COMMUNITIES,
        "large_communities",
        TRANSITIVE,
        large_communities,
        encode_communities,
        lambda reader: decode_communities(LargeCommunity, reader.rest()),
        _multiple_of(12),
    ),
    Row(
        AttributeCode.ONLY_TO_CUSTOMER,
        "only_to_customer",
        TRANSITIVE,
        _uint32("only_to_customer"),
        uint32,
        Reader.uint32,
        _exactly(4),  # RFC 9234 5
    ),
)
"""In the order of the codes."""

BY_CODE: Final = {int(row.code): row for row in ROWS}
"""The rows by their attribute codes."""

BY_FIELD: Final = {row.field: row for row in ROWS}
"""The rows by their names in `PathAttributes`."""

SPECIAL: Final = frozenset(
    {
        AttributeCode.MP_REACH_NLRI,
        AttributeCode.MP_UNREACH_NLRI,
        AttributeCode.AS4_PATH,
        AttributeCode.AS4_AGGREGATOR,
    }
)
"""Attributes that are known, but are no fields of `PathAttributes`."""
