"""Routing tables in dumps: TABLE_DUMP_V2 (RFC 6396 4.3, RFC 8050 4) and its predecessor TABLE_DUMP (4.2).

A table is a `PeerIndexTable`, which says who the peers are, and after it one `RIB` for each destination, with an entry
for each route to it; an entry names its peer by the place in the index. TABLE_DUMP has a record for each route.

An entry keeps its attributes as octets until somebody looks (parts.py).

Paths with identifiers in RIB_GENERIC_ADDPATH have them in their entries, as in the other subtypes. RFC 8050 puts the
identifier before the NLRI there, but those who write such records, GoBGP and OpenBGPD, do not; what can be read only in
the way of the RFC is read so. The destinations of a family that this library does not read have no end that it could
find: such records stay octets (`bgp.mrt.UnknownRecord`).
"""

import struct
from ipaddress import IPv4Address
from typing import Any, Final

import attrs

from bgp.attributes import PathAttributes
from bgp.errors import LocalError, UpdateError
from bgp.iana import AFI, TableDumpV2Subtype
from bgp.labelled import LabelledPrefix, VPNPrefix
from bgp.mrt.parts import BLOCK, Attributed, check_asn, encode_block, read_address
from bgp.multiprotocol import NextHop
from bgp.nlri import NLRI, decoder
from bgp.prefix import (
    IPV4_MULTICAST,
    IPV4_UNICAST,
    IPV6_MULTICAST,
    IPV6_UNICAST,
    Family,
    Prefix,
    octets_of,
)
from bgp.values import (
    FLAG,
    UINT8,
    UINT16,
    UINT32,
    Address,
    check_kind,
    ipv4_address,
    plain_address,
    quoted,
    several,
    shown,
)
from bgp.wire import Reader, WireError, uint8, uint16, uint32


def _text(_instance: object, attribute: Any, value: str) -> None:
    check_kind(attribute.name, value, str)
    try:
        size = len(_encode_text(value))
    except UnicodeEncodeError as error:
        raise LocalError(f"{attribute.name} {shown(value)} cannot be written in UTF-8") from error
    if size > 0xFFFF:
        raise LocalError(f"{attribute.name} of {size} octets, at most 65535 fit")


def _encode_text(text: str) -> bytes:
    # Whatever was read is written again, UTF-8 or not.
    return text.encode(errors="surrogateescape")


@attrs.frozen(kw_only=True)
class Peer:
    """A peer of the collector: `Peer(address="192.0.2.2", asn=64513, router_id="192.0.2.2")`."""

    address: Address = attrs.field(converter=plain_address, repr=quoted)
    """Its address; collectors write 0.0.0.0 for themselves."""

    asn: int = attrs.field(validator=UINT32)
    """Its AS number, 0 to 4294967295."""

    router_id: IPv4Address = attrs.field(default=IPv4Address(0), converter=ipv4_address, repr=quoted)
    """Its BGP Identifier."""

    four_octet_as: bool = attrs.field(default=True, validator=FLAG)
    """Whether the AS number has four octets in the record; that says nothing about AS_PATHs."""

    def __attrs_post_init__(self) -> None:
        check_asn("asn", self.asn, self.four_octet_as)


def _peers(values: Any) -> tuple[Peer, ...]:
    return several("peers", values, Peer)


def _at_most_65535(_instance: object, attribute: Any, values: tuple[object, ...]) -> None:
    if len(values) > 0xFFFF:
        raise LocalError(f"{len(values)} {attribute.name}, at most 65535 fit")


@attrs.frozen(kw_only=True)
class PeerIndexTable:
    """Who the peers are whose routes follow (RFC 6396 4.3.1)."""

    timestamp: int = attrs.field(validator=UINT32)
    """Seconds since 1970, UTC."""

    collector_id: IPv4Address = attrs.field(converter=ipv4_address, repr=quoted)
    """The BGP Identifier of the collector."""

    view_name: str = attrs.field(default="", validator=_text)
    """The name of the table; octets that are no UTF-8 are escaped as Python's `surrogateescape` does it."""

    peers: tuple[Peer, ...] = attrs.field(converter=_peers, validator=_at_most_65535)
    """The peers; `RIBEntry.peer_index` counts from 0."""


@attrs.frozen(kw_only=True)
class RIBEntry(Attributed):
    """A route of one peer; `RIBEntry.of` makes one from values (RFC 6396 4.3.4)."""

    peer_index: int = attrs.field(validator=UINT16)
    """Whose it is: the place in `PeerIndexTable.peers`, 0 to 65535; whether there is one is for the reader to see."""

    originated: int = attrs.field(default=0, validator=UINT32)
    """When it came: seconds since 1970, UTC."""

    path_id: int | None = attrs.field(default=None, validator=attrs.validators.optional(UINT32))
    """The peer's identifier of the path (RFC 8050); None without."""

    block: bytes = attrs.field(validator=BLOCK)
    """The octets of the attributes."""

    _four_octet_as = True  # RFC 6396 4.3.4

    @classmethod
    def of(
        cls,
        attributes: PathAttributes,
        next_hop: NextHop | None = None,
        *,
        peer_index: int,
        originated: int = 0,
        path_id: int | None = None,
    ) -> "RIBEntry":
        """Make an entry; `next_hop` is for families that do not have it in `attributes`."""
        block = encode_block(attributes, next_hop)
        return cls(peer_index=peer_index, originated=originated, path_id=path_id, block=block)


def _entries(values: Any) -> tuple[RIBEntry, ...]:
    return several("entries", values, RIBEntry)


Target = Prefix | LabelledPrefix | VPNPrefix
"""What the routes of a `RIB` lead to."""


def _destination(value: str | Target) -> Target:
    if isinstance(value, str):
        return Prefix(value)
    check_kind("destination", value, Target)
    return value


@attrs.frozen(kw_only=True)
class RIB:
    """The routes to one destination (RFC 6396 4.3.2, 4.3.3; RFC 8050 4)."""

    timestamp: int = attrs.field(validator=UINT32)
    """Seconds since 1970, UTC."""

    sequence: int = attrs.field(default=0, validator=UINT32)
    """The number of the record in its table, from 0; it begins again after 4294967295."""

    destination: Target = attrs.field(converter=_destination)
    """Where the routes lead; text is accepted for a unicast prefix."""

    entries: tuple[RIBEntry, ...] = attrs.field(converter=_entries, validator=_at_most_65535)
    """The routes; all with path identifiers, or none."""

    def __attrs_post_init__(self) -> None:
        if len({entry.path_id is None for entry in self.entries}) > 1:
            raise LocalError(f"entries of {self.destination} with and without path identifiers")


@attrs.frozen(kw_only=True)
class TableDump(Attributed):
    """A route of one peer in the old form of tables (RFC 6396 4.2)."""

    timestamp: int = attrs.field(validator=UINT32)
    """Seconds since 1970, UTC."""

    view: int = attrs.field(default=0, validator=UINT16)
    """The number of the table."""

    sequence: int = attrs.field(default=0, validator=UINT16)
    """The number of the record, modulo 65536."""

    prefix: Prefix = attrs.field(converter=Prefix, repr=quoted)
    """Where the route leads: a unicast prefix; text is accepted."""

    status: int = attrs.field(default=1, validator=UINT8)
    """Means nothing, and should be 1."""

    originated: int = attrs.field(default=0, validator=UINT32)
    """When it came: seconds since 1970, UTC."""

    peer_address: Address = attrs.field(converter=plain_address, repr=quoted)
    """The peer's address, of the same version as the prefix."""

    peer_as: int = attrs.field(validator=UINT16)
    """The peer's AS number, 0 to 65535."""

    block: bytes = attrs.field(validator=BLOCK)
    """The octets of the attributes, AS numbers of two octets."""

    _four_octet_as = False

    def __attrs_post_init__(self) -> None:
        family = IPV4_UNICAST if self.peer_address.version == 4 else IPV6_UNICAST
        if self.prefix.family != family:
            raise LocalError(f"{self.prefix} is {self.prefix.family}, must be {family} as the peer's address")


# TABLE_DUMP_V2: what follows the common header.


def encode_peer_index_table(table: PeerIndexTable) -> bytes:
    """Write the body of the record."""
    name = _encode_text(table.view_name)
    head = table.collector_id.packed + uint16(len(name)) + name + uint16(len(table.peers))
    return head + b"".join(map(_encode_peer, table.peers))


_IPV6, _FOUR_OCTET_AS = 1, 2


def _encode_peer(peer: Peer) -> bytes:
    kind = _IPV6 * (peer.address.version == 6) | _FOUR_OCTET_AS * peer.four_octet_as
    asn = uint32(peer.asn) if peer.four_octet_as else uint16(peer.asn)
    return uint8(kind) + peer.router_id.packed + peer.address.packed + asn


def decode_peer_index_table(timestamp: int, reader: Reader) -> PeerIndexTable:
    """Read the body of the record; raises `WireError`."""
    collector_id = IPv4Address(reader.take(4))
    view_name = reader.take(reader.uint16()).decode(errors="surrogateescape")
    peers = [_decode_peer(reader) for _ in range(reader.uint16())]
    return PeerIndexTable(timestamp=timestamp, collector_id=collector_id, view_name=view_name, peers=peers)


def _decode_peer(reader: Reader) -> Peer:
    kind, router_id = reader.uint8(), IPv4Address(reader.take(4))
    address = read_address(reader, AFI.IPV6 if kind & _IPV6 else AFI.IPV4)
    wide = bool(kind & _FOUR_OCTET_AS)
    asn = reader.uint32() if wide else reader.uint16()
    return Peer(address=address, asn=asn, router_id=router_id, four_octet_as=wide)


_OF_FAMILY: Final[dict[Family, tuple[TableDumpV2Subtype, TableDumpV2Subtype]]] = {
    IPV4_UNICAST: (TableDumpV2Subtype.RIB_IPV4_UNICAST, TableDumpV2Subtype.RIB_IPV4_UNICAST_ADDPATH),
    IPV4_MULTICAST: (TableDumpV2Subtype.RIB_IPV4_MULTICAST, TableDumpV2Subtype.RIB_IPV4_MULTICAST_ADDPATH),
    IPV6_UNICAST: (TableDumpV2Subtype.RIB_IPV6_UNICAST, TableDumpV2Subtype.RIB_IPV6_UNICAST_ADDPATH),
    IPV6_MULTICAST: (TableDumpV2Subtype.RIB_IPV6_MULTICAST, TableDumpV2Subtype.RIB_IPV6_MULTICAST_ADDPATH),
}

_GENERIC: Final = (TableDumpV2Subtype.RIB_GENERIC, TableDumpV2Subtype.RIB_GENERIC_ADDPATH)

RIB_SUBTYPES: Final[dict[int, tuple[Family | None, bool]]] = {
    int(subtype): (family, add_path)
    for family, subtypes in [*_OF_FAMILY.items(), (None, _GENERIC)]
    for subtype, add_path in zip(subtypes, (False, True), strict=True)
}
"""The family of each subtype that is a `RIB`, None where the record says it, and whether there are path identifiers."""


def encode_rib(rib: RIB) -> tuple[TableDumpV2Subtype, bytes]:
    """Choose the subtype and write the body of the record."""
    family = rib.destination.family
    add_path = any(entry.path_id is not None for entry in rib.entries)
    head = uint32(rib.sequence)
    if family not in _OF_FAMILY:
        head += uint16(family.afi) + uint8(family.safi)
    parts = [head, rib.destination.wire, uint16(len(rib.entries))]
    for entry in rib.entries:
        path_id = b"" if entry.path_id is None else uint32(entry.path_id)
        parts += (
            uint16(entry.peer_index),
            uint32(entry.originated),
            path_id,
            uint16(len(entry.block)),
            entry.block,
        )
    return _OF_FAMILY.get(family, _GENERIC)[add_path], b"".join(parts)


_NLRI, _GENERIC_NLRI = 4, 7
"""Where the destination stands, behind AFI and SAFI where the record has them."""


def decode_rib(timestamp: int, subtype: int, body: bytes) -> RIB | None:
    """Read the body of a record; None for a family whose destinations are not read.

    Raises `WireError`, and `UpdateError` for a destination that cannot be.
    """
    family, add_path = RIB_SUBTYPES[subtype]
    at = _NLRI
    if family is None:
        at = _GENERIC_NLRI
        if len(body) < at:
            raise WireError(f"{len(body)} octets, too few for AFI and SAFI")
        family = Family(body[4] << 8 | body[5], body[6])
        if not NLRI((), family).is_known:
            return None
    sequence = int.from_bytes(body[:4], "big")
    try:
        destination, entries_at = _decode_destination(body, at, family)
        entries = _decode_entries(body, entries_at, add_path)
    except (WireError, UpdateError):
        if not (add_path and at == _GENERIC_NLRI):
            raise
        # As RFC 8050 has it; the subtypes of one family have but one form.
        destination, entries_at = _decode_destination(body, at + 4, family)
        path_id = int.from_bytes(body[at : at + 4], "big")
        entries = [attrs.evolve(entry, path_id=path_id) for entry in _decode_entries(body, entries_at, False)]
    rib = _new(RIB)
    _set_timestamp(rib, timestamp)
    _set_sequence(rib, sequence)
    _set_destination(rib, destination)
    _set_entries(rib, tuple(entries))
    return rib


def _decode_destination(body: bytes, at: int, family: Family) -> tuple[Target, int]:
    """The destination at a place, and where it ends."""
    if at >= len(body):
        raise WireError(f"{len(body)} octets, too few for a destination")
    end = at + 1 + octets_of(body[at])
    nlri = decoder(family, False)(body[at:end])
    if family in _OF_FAMILY:
        return Prefix.from_wire(family, nlri.wire[0]), end
    destination = nlri[0]
    assert isinstance(destination, Target)  # the family is known, and without path identifiers
    return destination, end


# By hand and not by the cursor: a table has millions of entries.
_WITHOUT_PATH_ID: Final = struct.Struct("!HIH")
_WITH_PATH_ID: Final = struct.Struct("!HIIH")


def _decode_entries(body: bytes, at: int, add_path: bool) -> list[RIBEntry]:
    """The entries from a place to the end of the record."""
    header = _WITH_PATH_ID if add_path else _WITHOUT_PATH_ID
    unpack, size = header.unpack_from, header.size
    count = int.from_bytes(body[at : at + 2], "big")
    at += 2
    found = []
    path_id = None
    try:
        for _ in range(count):
            if add_path:
                index, originated, path_id, length = unpack(body, at)
            else:
                index, originated, length = unpack(body, at)
            start = at + size
            at = start + length
            entry = _new(RIBEntry)
            _set_index(entry, index)
            _set_originated(entry, originated)
            _set_path_id(entry, path_id)
            _set_block(entry, body[start:at])
            found.append(entry)
    except struct.error as error:
        raise WireError(f"entry {len(found)} of {count} is cut short") from error
    if at != len(body):
        raise WireError(f"{count} entries end at octet {at} of {len(body)}")
    return found


# What a frozen class does in its constructor, in a third of the time.
_new: Final = object.__new__
_set_timestamp, _set_sequence, _set_destination, _set_entries = (
    getattr(RIB, name).__set__ for name in ("timestamp", "sequence", "destination", "entries")
)
_set_index, _set_originated, _set_path_id, _set_block = (
    getattr(RIBEntry, name).__set__ for name in ("peer_index", "originated", "path_id", "block")
)


# TABLE_DUMP: what follows the common header.


def encode_table_dump(record: TableDump) -> tuple[int, bytes]:
    """Choose the subtype, an AFI, and write the body of the record."""
    width = len(record.peer_address.packed)
    return record.prefix.family.afi, b"".join(
        (
            uint16(record.view),
            uint16(record.sequence),
            record.prefix.wire[1:].ljust(width, b"\0"),
            uint8(record.prefix.length),
            uint8(record.status),
            uint32(record.originated),
            record.peer_address.packed,
            uint16(record.peer_as),
            uint16(len(record.block)),
            record.block,
        )
    )


def decode_table_dump(timestamp: int, afi: int, reader: Reader) -> TableDump:
    """Read the body of a record; raises `WireError`, and `UpdateError` for a prefix that cannot be."""
    view, sequence = reader.uint16(), reader.uint16()
    address = read_address(reader, afi).packed
    length = reader.take(1)
    family = IPV4_UNICAST if afi == AFI.IPV4 else IPV6_UNICAST
    # One octet too many, of an impossible length, is cut off and judged there.
    wire = decoder(family, False)(length + address[: octets_of(length[0])]).wire[0]
    return TableDump(
        timestamp=timestamp,
        view=view,
        sequence=sequence,
        prefix=Prefix.from_wire(family, wire),
        status=reader.uint8(),
        originated=reader.uint32(),
        peer_address=read_address(reader, afi),
        peer_as=reader.uint16(),
        block=reader.take(reader.uint16()),
    )
