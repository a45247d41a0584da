import io
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp.errors import LocalError, MRTError
from bgp.mrt import (
    MAX_RECORD,
    RIB,
    BGPMessage,
    PeerIndexTable,
    Record,
    RIBEntry,
    StateChange,
    UnknownRecord,
    decode,
    encode,
    is_mrt,
    read,
)
from bgp.testing import mrt_records
from bgp.wire import uint16, uint32

RECORDS = st.lists(mrt_records(), max_size=4)
BROKEN = uint32(7) + uint16(13) + uint16(2) + uint32(3) + b"abc"
"""A RIB_IPV4_UNICAST that ends within its sequence number."""

ONE = UnknownRecord(timestamp=1, type=11, subtype=0, data=b"x")
OTHER = UnknownRecord(timestamp=2, type=99, subtype=3, data=b"")


@given(mrt_records())
def test_round_trip(record: Record) -> None:
    octets = encode(record)
    assert decode(octets) == record
    assert hash(decode(octets)) == hash(record)


@given(RECORDS, st.lists(st.integers(1, 50)))
def test_every_split_yields_the_same_records(records: list[Record], sizes: list[int]) -> None:
    stream = b"".join(map(encode, records))

    def pieces() -> Iterator[bytes]:
        start = 0
        for size in sizes:
            yield stream[start : start + size]
            start += size
        yield stream[start:]

    assert list(read(pieces())) == records
    assert list(read(stream)) == records
    assert list(read(bytearray(stream))) == records
    assert list(read(io.BytesIO(stream))) == records


class Sips(io.BytesIO):
    """A file that never gives as much as was asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(5)


def test_a_file_may_give_less_than_was_asked_for() -> None:
    assert list(read(Sips(encode(ONE) + encode(OTHER)))) == [ONE, OTHER]


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_any_octets_are_records_or_an_error(header: bytes, body: bytes) -> None:
    errors: list[MRTError] = []
    found = list(read(header + body, errors.append))
    assert all(0 <= error.offset <= len(header + body) for error in errors)
    assert all(decode(encode(record)) == record for record in found)


@given(
    st.sampled_from([(13, subtype) for subtype in range(1, 13)] + [(12, 1), (12, 2)])
    | st.tuples(st.sampled_from([16, 17]), st.integers(0, 12)),
    st.binary(max_size=80),
)
def test_any_body_is_a_record_or_an_error(kind: tuple[int, int], body: bytes) -> None:
    octets = uint32(5) + uint16(kind[0]) + uint16(kind[1]) + uint32(len(body)) + body
    try:
        record = decode(octets)
    except MRTError:
        return
    again = decode(encode(record))
    assert again == record


@given(mrt_records(), st.data())
def test_a_record_cut_short_is_an_error_or_octets(record: Record, data: st.DataObject) -> None:
    octets = encode(record)
    body = octets[12 : data.draw(st.integers(12, len(octets) - 1))] if len(octets) > 12 else b""
    try:
        found = decode(octets[:8] + uint32(len(body)) + body)
    except MRTError:
        return
    # A message may be of any length, as may what is not read.
    assert isinstance(found, BGPMessage | UnknownRecord) or octets == encode(found)


def test_a_broken_record_says_where_it_is() -> None:
    stream = encode(ONE) + BROKEN + encode(OTHER)
    records = read(stream)
    assert next(records) == ONE
    with pytest.raises(
        MRTError, match=f"^MRT record at octet {len(encode(ONE))}: 3 octets, too few"
    ) as caught:
        next(records)
    assert caught.value.offset == len(encode(ONE))
    assert caught.value.reason == "3 octets, too few for a destination"


def test_a_broken_record_can_be_left_out() -> None:
    errors: list[MRTError] = []
    stream = encode(ONE) + BROKEN + encode(OTHER) + BROKEN
    for pieces in ([stream], [stream[at : at + 1] for at in range(len(stream))]):
        errors.clear()
        assert list(read(pieces, errors.append)) == [ONE, OTHER]
        assert [error.offset for error in errors] == [13, 13 + 15 + 12]


@pytest.mark.parametrize("cut", [1, 11, 12])
def test_the_end_of_a_stream_may_be_missing(cut: int) -> None:
    stream = encode(OTHER) + encode(ONE)
    errors: list[MRTError] = []
    assert list(read(stream[: 12 + cut], errors.append)) == [OTHER]
    assert [(error.offset, error.reason) for error in errors] == [(12, f"it is cut short after {cut} octets")]


def test_a_record_that_is_too_long_ends_the_stream_before_it_is_there() -> None:
    header = uint32(1) + uint16(99) + uint16(0) + uint32(MAX_RECORD + 1)
    errors: list[MRTError] = []
    assert list(read(encode(ONE) + header + encode(ONE), errors.append)) == [ONE]
    assert [error.offset for error in errors] == [13]
    with pytest.raises(MRTError, match="16777217 octets, at most 16777216 are read"):
        next(read(header))


def test_a_table_that_is_too_long() -> None:
    entry = RIBEntry(peer_index=0, block=bytes(0xFFFF))
    with pytest.raises(LocalError, match="at most 16777216 are read"):
        encode(RIB(timestamp=0, destination="0.0.0.0/0", entries=[entry] * 257))


@pytest.mark.parametrize("count", [0, 2])
def test_decode_takes_one_record(count: int) -> None:
    with pytest.raises(MRTError, match=f"{count} records, must be one"):
        decode(encode(ONE) * count)


def test_octets_left_over_are_an_error() -> None:
    table = encode(PeerIndexTable(timestamp=0, collector_id="192.0.2.1", peers=[]))
    longer = table[:8] + uint32(len(table) - 12 + 1) + table[12:] + b"x"
    with pytest.raises(MRTError, match="1 octets left over"):
        decode(longer)


def test_what_is_no_record_cannot_be_encoded() -> None:
    with pytest.raises(LocalError, match="'x' is no record"):
        encode("x")  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "subtype"), [(13, 7), (13, 99), (12, 3), (16, 2), (17, 3), (16, 12)])
def test_unknown_subtypes_stay_octets(kind: int, subtype: int) -> None:
    record = UnknownRecord(timestamp=3, type=kind, subtype=subtype, data=b"abc")
    assert decode(encode(record)) == record


@pytest.mark.parametrize(
    "values",
    [
        {"type": "x"},
        {"type": -1},
        {"type": 0x10000},
        {"subtype": 0x10000},
        {"timestamp": -1},
        {"data": "x"},
    ],
)
def test_what_an_unknown_record_cannot_be(values: dict[str, object]) -> None:
    with pytest.raises(LocalError):
        UnknownRecord(**{"timestamp": 1, "type": 1, "subtype": 1, "data": b"", **values})  # type: ignore[arg-type]


def test_microseconds_choose_the_type() -> None:
    change = StateChange(
        timestamp=1, peer_as=1, local_as=2, peer_address="192.0.2.1", local_address="192.0.2.2", old=1, new=2
    )
    assert encode(change)[4:6] == uint16(16)
    assert len(encode(change)) == 12 + 4 + 4 + 4 + 8 + 4


def bare(kind: int, body: bytes = b"body") -> bytes:
    """An MRT record."""
    return bytes(4) + kind.to_bytes(2, "big") + bytes(2) + len(body).to_bytes(4, "big") + body


def test_mrt_files_are_recognised() -> None:
    assert is_mrt(bare(13))
    assert is_mrt(bare(13) + bare(16) + b"rest")
    keepalive = bgp.encode(bgp.Keepalive(), bgp.Negotiated(four_octet_as=True))
    for other in (b"", bare(13)[:11], bare(14), bare(13)[:-1], bare(13) + b"rest", keepalive * 2):
        assert not is_mrt(other)
