# Any octets are records or documented errors, however they are cut. A record compares, hashes and prints, and encodes
# to octets that decode to the same; its attributes and its message are values or a `PeerError`.
"""Fuzz dumps: an octet for the cuts, then the stream."""

from bgp import PeerError
from bgp.mrt import RIB, BGPMessage, MRTError, Record, RIBEntry, TableDump, decode, encode, read


def check(data: bytes) -> None:
    """Check one input."""
    step, stream = (data[0] if data else 0) + 1, data[1:]
    errors: list[MRTError] = []
    found = list(read(stream, errors.append))
    offsets = [error.offset for error in errors]
    assert offsets == sorted(offsets)
    again: list[MRTError] = []
    assert list(read((stream[at : at + step] for at in range(0, len(stream), step)), again.append)) == found
    assert [str(error) for error in again] == [str(error) for error in errors]
    for record in found:
        _check_record(record)


def _check_record(record: Record) -> None:
    assert record in {record}
    assert repr(record)
    assert decode(encode(record)) == record
    match record:
        case RIB(entries=entries):
            for entry in entries:
                _check_attributes(entry)
        case TableDump():
            _check_attributes(record)
        case BGPMessage():
            try:
                assert repr(record.message)
            except PeerError:
                return


def _check_attributes(entry: RIBEntry | TableDump) -> None:
    try:
        assert repr((entry.attributes, entry.next_hop, entry.faults))
    except PeerError:
        return
