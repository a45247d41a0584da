"""The records of a dump as text and as JSON, by the rules of textform.py and jsonform.py.

In JSON, the message of a `BGPMessage` is an object under `message`, or under `error` if it cannot be read; a route of a
table has its attributes as objects.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from bgp.errors import PeerError
from bgp.jsonform import JSON, fields_to_json, to_json
from bgp.mrt import (
    RIB,
    BGPMessage,
    PeerIndexTable,
    Record,
    RIBEntry,
    StateChange,
    TableDump,
    UnknownRecord,
)
from bgp.textform import path_text, registry_name, to_text


def record_to_json(record: Record) -> dict[str, JSON]:
    """The JSON object that stands for a record."""
    fields = fields_to_json(record)
    if isinstance(record, UnknownRecord):
        fields["mrt_type"] = fields.pop("type")
    found: dict[str, JSON] = {"type": type(record).__name__, **fields}
    match record:
        case BGPMessage():
            del found["data"]
            found |= _message(record)
        case RIB():
            found["entries"] = [_entry(entry) for entry in record.entries]
        case TableDump():
            found |= {"attributes": to_json(record.attributes)}
            del found["block"]
        case _:
            pass
    return found


def _message(record: BGPMessage) -> dict[str, JSON]:
    try:
        return {"message": to_json(record.message)}
    except PeerError as error:
        return {"error": to_json(error), "octets": record.data.hex()}


def _entry(entry: RIBEntry) -> dict[str, JSON]:
    found = fields_to_json(entry) | {"attributes": to_json(entry.attributes)}
    del found["block"]
    return found


def record_to_text(record: Record) -> str:
    """Text for a person: a line, or several of which all but the first are indented; no newline at the end."""
    return "\n  ".join(_lines(record))


def _lines(record: Record) -> Iterator[str]:
    when = datetime.fromtimestamp(record.timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S")
    match record:
        case BGPMessage():
            direction = "to" if record.local else "from"
            yield f"{when} {direction} {record.peer_address} AS {record.peer_as}: {_said(record)}"
        case StateChange():
            old, new = registry_name(record.old), registry_name(record.new)
            yield f"{when} {record.peer_address} AS {record.peer_as}: state {old} -> {new}"
        case PeerIndexTable():
            yield f"{when} peers of {record.collector_id}{f', {record.view_name}' if record.view_name else ''}"
            for number, peer in enumerate(record.peers):
                yield f"{number}: {peer.address} AS {peer.asn}, router ID {peer.router_id}"
        case RIB():
            yield f"{when} {record.destination}"
            for entry in record.entries:
                path = "" if entry.path_id is None else f" path {entry.path_id}"
                yield f"of peer {entry.peer_index}{path}: {_path(entry)}"
        case TableDump():
            yield f"{when} {record.prefix} of {record.peer_address} AS {record.peer_as}: {_path(record)}"
        case _:
            kind = registry_name(record.type)
            yield f"{when} type {kind} subtype {record.subtype:d}: 0x{record.data.hex()}"


def _path(route: RIBEntry | TableDump) -> str:
    attributes = route.attributes
    return path_text(attributes, route.next_hop if attributes.next_hop is None else None)


def _said(record: BGPMessage) -> str:
    try:
        return to_text(record.message).replace("\n", "\n  ")
    except PeerError as error:
        return to_text(error).replace("\n", "\n  ")
