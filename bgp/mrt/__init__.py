"""Dumps of routing tables and of sessions: the MRT format (RFC 6396, RFC 8050).

    with open_mrt("rib.20261123.1600.bz2") as file:          # bgp.mrt.file
        for record in mrt.read(file):
            match record:
                case mrt.PeerIndexTable(peers=peers): ...
                case mrt.RIB(destination=prefix, entries=entries): ...
                case mrt.BGPMessage(): print(record.time, record.peer_as, record.message)

A dump is a sequence of records, each with a header that says its length. So memory holds one record at a time, and one
that cannot be read can be left out. The records:

    PeerIndexTable, RIB    a table: who the peers are, then the routes to each destination     rib.py
    TableDump              the old form of a table: one record for each route                  rib.py
    BGPMessage             what a peer said                                                    session.py
    StateChange            a session came up, or went down                                     session.py
    UnknownRecord          anything else, as octets

What is read with its octets untouched, attributes and messages, is written again to the same octets.
"""

import functools
from collections.abc import Callable, Iterable, Iterator
from struct import Struct
from typing import Final, Protocol, TypeVar, runtime_checkable

import attrs

from bgp.errors import LocalError, MRTError, UpdateError
from bgp.iana import MRTType, TableDumpV2Subtype
from bgp.mrt.parts import encode_block
from bgp.mrt.rib import (
    RIB,
    RIB_SUBTYPES,
    Peer,
    PeerIndexTable,
    RIBEntry,
    TableDump,
    decode_peer_index_table,
    decode_rib,
    decode_table_dump,
    encode_peer_index_table,
    encode_rib,
    encode_table_dump,
)
from bgp.mrt.session import (
    SESSION_SUBTYPES,
    BGPMessage,
    StateChange,
    decode_session_record,
    encode_session_record,
)
from bgp.values import UINT16, UINT32, as_octets, check_kind, octets, shown
from bgp.wire import Reader, WireError, uint32

__all__ = [
    "MAX_RECORD",
    "RIB",
    "BGPMessage",
    "MRTError",
    "Peer",
    "PeerIndexTable",
    "RIBEntry",
    "Readable",
    "Record",
    "StateChange",
    "TableDump",
    "UnknownRecord",
    "decode",
    "encode",
    "encode_block",
    "is_mrt",
    "read",
]

MAX_RECORD: Final = 1 << 24
"""The longest record that is read, in octets behind its header. The format has no limit; real ones stay far below."""

_HEADER: Final = Struct("!IHHI")
_CHUNK: Final = 1 << 18


def _type(number: int) -> int:
    check_kind("type", number, int)
    return MRTType.name_of(number)


@attrs.frozen(kw_only=True)
class UnknownRecord:
    """A record of a type, a subtype or an address family that this library does not read."""

    timestamp: int = attrs.field(validator=UINT32)
    """Seconds since 1970, UTC."""

    type: int = attrs.field(converter=_type, validator=UINT16)
    """An `MRTType`, or a number that we do not know."""

    subtype: int = attrs.field(validator=UINT16)
    """Its meaning depends on the type."""

    data: bytes = attrs.field(validator=octets(MAX_RECORD))
    """The octets behind the header; those of a type with microseconds begin with these."""


Record = PeerIndexTable | RIB | TableDump | BGPMessage | StateChange | UnknownRecord
"""Any record."""


@runtime_checkable
class Readable(Protocol):
    """What is open for reading in binary mode."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` octets; none at the end."""


Source = Readable | Iterable[bytes] | bytes | bytearray | memoryview
"""Where octets come from: an open file, pieces cut anywhere, or all of them."""


def read(source: Source, on_error: Callable[[MRTError], object] | None = None) -> Iterator[Record]:
    """Yield the records of a dump.

    A record that cannot be read raises `MRTError`; with `on_error` that is called with it instead, and reading goes
    on behind the record. Behind one that is cut short, or longer than `MAX_RECORD`, there is nothing to go on with: the
    iterator ends there. What the file raises, such as `EOFError` for compressed data that end early, goes through.
    """

    def fail(reason: str) -> None:
        error = MRTError(reason, offset)
        if on_error is None:
            raise error
        on_error(error)

    offset, buffer = 0, b""
    for piece in _pieces(source):
        buffer = buffer + piece if buffer else piece
        position, size = 0, len(buffer)
        while size - position >= _HEADER.size:
            timestamp, kind, subtype, length = _HEADER.unpack_from(buffer, position)
            if length > MAX_RECORD:
                fail(f"{length} octets, at most {MAX_RECORD} are read")
                return
            start = position + _HEADER.size
            end = start + length
            if end > size:
                break
            try:
                record = _decode(timestamp, kind, subtype, buffer[start:end])
            except (WireError, LocalError, UpdateError) as error:
                fail(str(error))
            else:
                yield record
            offset += end - position
            position = end
        buffer = buffer[position:]
    if buffer:
        fail(f"it is cut short after {len(buffer)} octets")


def _pieces(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes | bytearray | memoryview):
        return iter((bytes(source),))
    if isinstance(source, Readable):
        return iter(functools.partial(source.read, _CHUNK), b"")
    return map(as_octets, source)


def is_mrt(data: bytes) -> bool:
    """Whether a file seems to be a dump: its first record has a known type, and another or nothing after it."""
    if not _begins_record(data, 0):
        return False
    *_, length = _HEADER.unpack_from(data)
    following = _HEADER.size + length
    return following == len(data) or _begins_record(data, following)


def _begins_record(data: bytes, start: int) -> bool:
    if len(data) - start < _HEADER.size:
        return False
    _, kind, _, _ = _HEADER.unpack_from(data, start)
    return MRTType.has(kind)


def decode(data: bytes | bytearray | memoryview) -> Record:
    """Read one whole record; raise `MRTError` if it is none."""
    found = list(read(as_octets(data)))
    if len(found) != 1:
        raise MRTError(f"{len(found)} records, must be one")
    return found[0]


def encode(record: Record) -> bytes:
    """Turn a record into octets, header included; raise `LocalError` for what is no record."""
    kind: int
    subtype: int
    match record:
        case RIB():
            kind = MRTType.TABLE_DUMP_V2
            subtype, body = encode_rib(record)
        case BGPMessage() | StateChange():
            kind = MRTType.BGP4MP
            subtype, body = encode_session_record(record)
            if record.microseconds is not None:
                kind, body = MRTType.BGP4MP_ET, uint32(record.microseconds) + body
        case PeerIndexTable():
            kind, subtype = MRTType.TABLE_DUMP_V2, TableDumpV2Subtype.PEER_INDEX_TABLE
            body = encode_peer_index_table(record)
        case TableDump():
            kind = MRTType.TABLE_DUMP
            subtype, body = encode_table_dump(record)
        case UnknownRecord():
            kind, subtype, body = record.type, record.subtype, record.data
        case _:
            raise LocalError(f"{shown(record)} is no record, such as a BGPMessage")
    if len(body) > MAX_RECORD:
        raise LocalError(f"record of {len(body)} octets, at most {MAX_RECORD} are read")
    return _HEADER.pack(record.timestamp, kind, subtype, len(body)) + body


_TABLE_DUMP_V2: Final = int(MRTType.TABLE_DUMP_V2)
_TABLE_DUMP: Final = int(MRTType.TABLE_DUMP)
_SESSIONS: Final = (int(MRTType.BGP4MP), int(MRTType.BGP4MP_ET))
_PEER_INDEX_TABLE: Final = int(TableDumpV2Subtype.PEER_INDEX_TABLE)
_AFIS: Final = (1, 2)
"""The subtypes of TABLE_DUMP (RFC 6396 4.2)."""


def _decode(timestamp: int, kind: int, subtype: int, body: bytes) -> Record:
    """Read what stands behind a header; raises `WireError`, `LocalError` or `UpdateError`."""
    record: Record | None = None
    if kind == _TABLE_DUMP_V2 and subtype in RIB_SUBTYPES:
        record = decode_rib(timestamp, subtype, body)
    elif kind == _TABLE_DUMP_V2 and subtype == _PEER_INDEX_TABLE:
        record = _whole(body, lambda reader: decode_peer_index_table(timestamp, reader))
    elif kind == _TABLE_DUMP and subtype in _AFIS:
        record = _whole(body, lambda reader: decode_table_dump(timestamp, subtype, reader))
    elif kind in _SESSIONS and subtype in SESSION_SUBTYPES:
        has_microseconds = kind == MRTType.BGP4MP_ET

        def decode_body(reader: Reader) -> BGPMessage | StateChange:
            microseconds = reader.uint32() if has_microseconds else None
            return decode_session_record(timestamp, microseconds, subtype, reader)

        record = _whole(body, decode_body)
    return record or UnknownRecord(timestamp=timestamp, type=kind, subtype=subtype, data=body)


_T = TypeVar("_T")


def _whole(body: bytes, decode_body: Callable[[Reader], _T]) -> _T:
    """Read a body to its end."""
    reader = Reader(body)
    with reader.limited_to(len(body)):
        return decode_body(reader)
