"""The rows: what they write, read and refuse, and that their expressions match nothing that `decode` refuses."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import Aggregator, ASPath, AttributeCode, Community, LocalError, Origin
from bgp.attributetable import BY_CODE, BY_FIELD, ROWS, SPECIAL, Row
from bgp.wire import Reader, WireError

BY_NAME = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.field)

# Code, field, flags, whether internal: RFC 4271 5, 1997, 4456, 4360, 5701, 7311, 8092, 9234.
EXPECTED = [
    (1, "origin", 0x40, False),
    (2, "as_path", 0x40, False),
    (3, "next_hop", 0x40, False),
    (4, "med", 0x80, False),
    (5, "local_pref", 0x40, True),
    (6, "atomic_aggregate", 0x40, False),
    (7, "aggregator", 0xC0, False),
    (8, "communities", 0xC0, False),
    (9, "originator_id", 0x80, True),
    (10, "cluster_list", 0x80, True),
    (16, "extended_communities", 0xC0, False),
    (25, "ipv6_extended_communities", 0xC0, False),
    (26, "aigp", 0x80, False),
    (32, "large_communities", 0xC0, False),
    (35, "only_to_customer", 0xC0, False),
]


def test_the_rows_are_what_the_rfcs_say_in_the_order_of_their_codes() -> None:
    assert [(row.code, row.field, row.flags, row.internal) for row in ROWS] == EXPECTED
    assert [BY_CODE[code] for code, *_ in EXPECTED] == list(ROWS)
    assert [BY_FIELD[field] for _, field, *_ in EXPECTED] == list(ROWS)


def test_special_attributes_have_no_row() -> None:
    assert sorted(SPECIAL) == [14, 15, 17, 18]
    assert not SPECIAL & BY_CODE.keys()


def read(row: Row, value: bytes) -> object:
    reader = Reader(value)
    with reader.limited_to(len(value)):
        return row.decode(reader)


GIVEN: list[tuple[str, object, object, str]] = [
    ("origin", 1, Origin.EGP, "01"),
    ("as_path", "64512 {1}", ASPath("64512 {1}"), "0201 0000fc00 0101 00000001"),
    ("as_path", [], ASPath(), ""),
    ("next_hop", "192.0.2.1", IPv4Address("192.0.2.1"), "c0000201"),
    ("med", 4294967295, 4294967295, "ffffffff"),
    ("local_pref", 100, 100, "00000064"),
    ("atomic_aggregate", True, True, ""),
    (
        "aggregator",
        Aggregator(70000, "192.0.2.1"),
        Aggregator(70000, IPv4Address("192.0.2.1")),
        "00011170 c0000201",
    ),
    ("communities", ["64512:1", 2], (Community("64512:1"), Community(2)), "fc000001 00000002"),
    ("originator_id", "192.0.2.1", IPv4Address("192.0.2.1"), "c0000201"),
    (
        "cluster_list",
        ["192.0.2.1", IPv4Address("192.0.2.2")],
        (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.2")),
        "c0000201 c0000202",
    ),
    ("aigp", 1 << 63, 1 << 63, "01 000b 8000000000000000"),
    ("only_to_customer", 64512, 64512, "0000fc00"),
]


@pytest.mark.parametrize(("field", "given", "value", "wire"), GIVEN, ids=[each[0] for each in GIVEN])
def test_known_octets(field: str, given: object, value: object, wire: str) -> None:
    row = BY_FIELD[field]
    assert row.convert(given) == value
    assert row.encode(row.convert(given)) == bytes.fromhex(wire)
    assert read(row, bytes.fromhex(wire)) == value


@pytest.mark.parametrize(
    ("field", "text", "wire"),
    [
        ("extended_communities", "rt:64512:7", "0002fc0000000007"),
        ("ipv6_extended_communities", "rt:[2001:db8::1]:7", "0002 20010db8000000000000000000000001 0007"),
        ("large_communities", "64512:1:2", "0000fc00 00000001 00000002"),
    ],
)
def test_other_communities(field: str, text: str, wire: str) -> None:
    row = BY_FIELD[field]
    (value,) = row.convert([text])
    assert str(value) == text
    assert row.encode((value,)) == bytes.fromhex(wire)
    assert read(row, bytes.fromhex(wire)) == (value,)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("origin", 3, "origin 3, must be 0 to 2"),
        ("origin", -1, "origin -1, must be 0 to 2"),
        ("as_path", "x", "AS path 'x'"),
        ("next_hop", "2001:db8::1", "is not an IPv4 address"),
        ("next_hop", "224.0.0.1", "next hop 224.0.0.1, must be the address of a host"),
        ("next_hop", "0.0.0.0", "next hop 0.0.0.0, must be the address of a host"),
        ("med", -1, "med -1, must be 0 to 4294967295"),
        ("local_pref", 1 << 32, "local_pref 4294967296, must be 0 to 4294967295"),
        ("only_to_customer", 1 << 32, "only_to_customer 4294967296, must be 0 to 4294967295"),
        ("communities", ["x"], "community 'x'"),
        ("large_communities", ["1:2"], "large community '1:2'"),
        ("extended_communities", ["x"], "extended community 'x'"),
        ("ipv6_extended_communities", ["x"], "IPv6 extended community 'x'"),
        ("originator_id", "x", "is not an IPv4 address"),
        ("cluster_list", ["x"], "is not an IPv4 address"),
        ("aigp", -1, "aigp -1, must be 0 to 18446744073709551615"),
        ("aigp", 1 << 64, "aigp 18446744073709551616, must be"),
    ],
)
def test_what_people_must_not_pass(field: str, value: object, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        BY_FIELD[field].convert(value)


def test_an_aggregator_is_not_as_0() -> None:
    assert repr(Aggregator(1, "192.0.2.1")) == "Aggregator(asn=1, address='192.0.2.1')"
    with pytest.raises(LocalError, match="asn 0, must be 1 to 4294967295"):
        Aggregator(0, "192.0.2.1")


@pytest.mark.parametrize(
    ("wire", "metric"),
    [
        ("01 000b 0000000000000007", 7),
        # RFC 7311 3: the first counts, and TLVs of other types are no fault.
        ("01 000b 0000000000000007 01 000b 0000000000000008", 7),
        ("02 0003 01 000b 0000000000000007", 7),
        ("02 0005 0102", None),
    ],
)
def test_aigp_of_several_tlvs(wire: str, metric: int | None) -> None:
    assert read(BY_FIELD["aigp"], bytes.fromhex(wire)) == metric


@pytest.mark.parametrize(
    "wire",
    ["", "01", "01 000a 00000000000000", "01 000c 000000000000000000", "02 0002", "02 0004", "01 000b 00"],
)
def test_aigp_that_cannot_be_read(wire: str) -> None:
    with pytest.raises((WireError, LocalError)):
        read(BY_FIELD["aigp"], bytes.fromhex(wire))


@pytest.mark.parametrize("wire", ["0501 00000001", "0201 00000000", "0202 00000001", "0200", "02"])
def test_paths_that_cannot_be_read(wire: str) -> None:
    with pytest.raises((WireError, LocalError)):
        read(BY_FIELD["as_path"], bytes.fromhex(wire))


@BY_NAME
def test_no_value_is_empty_but_two(row: Row) -> None:
    # RFC 7606 4.
    if row.code in (AttributeCode.AS_PATH, AttributeCode.ATOMIC_AGGREGATE):
        read(row, b"")
    else:
        with pytest.raises((WireError, LocalError)):
            read(row, b"")


# The expressions.

VALUES: dict[str, Sequence[bytes]] = {
    "origin": [b"\0", b"\2"],
    "as_path": [b"", b"\2\1\0\0\xfc\0", b"\2\3" + b"\xff" * 12, b"\2\x3f" + b"\1" * 252],
    "atomic_aggregate": [b""],
    "next_hop": [b"\1\0\0\0", b"\xdf\n\xff\n"],
    "aggregator": [b"\0\0\0\1\0\0\0\0", b"\1\0\0\0\0\0\0\0"],
    "extended_communities": [bytes(8), b"\xff" * 248],
    "ipv6_extended_communities": [bytes(20), b"\xff" * 240],
    "aigp": [b"\1\0\x0b" + bytes(8)],
    "large_communities": [bytes(12), b"\xff" * 252],
    "communities": [bytes(4), b"\xff" * 252],
    "cluster_list": [bytes(4), b"\xff" * 252],
}


def expressed(row: Row, value: bytes) -> bool:
    return bool(re.fullmatch(row.pattern, bytes([len(value)]) + value, re.DOTALL))


@BY_NAME
def test_expressions_know_the_usual_values(row: Row) -> None:
    for value in VALUES.get(row.field, [bytes(4), b"\xff\n\xff\n"]):
        assert expressed(row, value)
        read(row, value)


@BY_NAME
@given(data=st.data())
def test_expressions_match_nothing_bad(row: Row, data: st.DataObject) -> None:
    usual = st.sampled_from(VALUES.get(row.field, [bytes(4)]))
    value = bytearray(data.draw(usual | st.binary(max_size=30)))
    for place in data.draw(st.lists(st.integers(0, 300), max_size=2)):
        if value:
            value[place % len(value)] = data.draw(st.integers(0, 255))
    value = value[: len(value) - data.draw(st.sampled_from([0, 0, 1, 4]))]
    has_as_0 = row.field == "as_path" and bytes(4) in value
    if expressed(row, bytes(value)) and not has_as_0:
        read(row, bytes(value))
