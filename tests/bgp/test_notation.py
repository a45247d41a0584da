"""The fields, one by one; what they make together is tested with extended communities, which are made of them."""

import struct
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import LocalError
from bgp.notation import AS, MAC, Field, Float, IPv4, IPv6, Kind, Notation, Number, Opaque, Reserved, Value

NAMED = Number(1, {0: "valid", 2: "invalid"})
PAIR = Kind("pair", 0x0102, Number(1), Reserved(1), Number(2))
TOY = Notation("toy", 6, (PAIR, Kind("bare", 0x0103, Reserved(4))), {0x05: (IPv4(),)})


@pytest.mark.parametrize(
    ("field", "text", "octets", "value"),
    [
        (Number(2), "65535", "ffff", 65535),
        (Number(3), "7", "000007", 7),
        (NAMED, "valid", "00", 0),
        (NAMED, "invalid", "02", 2),
        (NAMED, "7", "07", 7),
        (AS(2), "64512", "fc00", 64512),
        (AS(4), "4200000000", "fa56ea00", 4200000000),
        (AS(4), "65536", "00010000", 65536),
        (AS(4), "65535L", "0000ffff", 65535),
        (IPv4(), "192.0.2.1", "c0000201", IPv4Address("192.0.2.1")),
        (IPv6(), "[2001:db8::1]", "20010db8000000000000000000000001", IPv6Address("2001:db8::1")),
        (MAC(), "02:00:5e:00:53:01", "02005e005301", "02:00:5e:00:53:01"),
        (Float(), "12500000", "4b3ebc20", 12500000.0),
        (Float(), "0", "00000000", 0.0),
        (Float(), "0.5", "3f000000", 0.5),
        (Float(), "3.40282347e+38", "7f7fffff", (2 - 2**-23) * 2.0**127),
    ],
)
def test_text_octets_and_value(field: Field, text: str, octets: str, value: Value) -> None:
    wire = bytes.fromhex(octets)
    assert field.width == len(wire)
    assert field.read(text) == wire
    assert field.text(wire) == text
    assert field.value(wire) == value


@pytest.mark.parametrize(
    ("field", "text", "octets"),
    [
        (NAMED, "VALID", "00"),
        (AS(2), "0.10", "000a"),
        (AS(4), "1.10", "0001000a"),
        (AS(4), "64512", "0000fc00"),
        (MAC(), "02:00:5E:00:53:01", "02005e005301"),
        (Float(), "1.25e7", "4b3ebc20"),
        (Float(), "16777217", "4b800000"),  # rounded
    ],
)
def test_reads_other_text_too(field: Field, text: str, octets: str) -> None:
    assert field.read(text) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (Number(2), "65536"),
        (Number(2), "-1"),
        (Number(2), ""),
        (Number(2), "²"),
        (NAMED, "other"),
        (AS(2), "65536"),
        (AS(2), "64512L"),
        (AS(4), "64512LL"),
        (AS(4), "4294967296"),
        (IPv4(), "192.0.2"),
        (IPv6(), "2001:db8::1"),
        (IPv6(), "[2001:db8::1"),
        (IPv6(), "[fe80::1%eth0]"),
        (IPv6(), "[192.0.2.1]"),
        (MAC(), "02:00:5e:00:53"),
        (MAC(), "02-00-5e-00-53-01"),
        (Float(), "-1"),
        (Float(), "nan"),
        (Float(), "inf"),
        (Float(), "3.5e38"),
        (Float(), "1e999"),
        (Opaque(2), "0000"),
    ],
)
def test_refuses(field: Field, text: str) -> None:
    with pytest.raises(ValueError):
        field.read(text)


@pytest.mark.parametrize("octets", ["7fc00000", "ffc00001", "7f800000", "bf800000", "80000000"])
def test_a_float_that_is_no_amount_has_no_text(octets: str) -> None:
    assert Float().text(bytes.fromhex(octets)) is None


@given(st.floats(0, allow_nan=False, allow_infinity=False, width=32))
def test_every_amount_reads_back(number: float) -> None:
    octets = struct.pack("!f", abs(number))
    text = Float().text(octets)
    assert text is not None
    assert Float().read(text) == octets


def test_kinds() -> None:
    wire = PAIR.read("pair:1:2")
    assert wire == b"\1\2\1\0\0\2"
    assert PAIR.values(wire) == (1, 2)
    assert PAIR.text(wire) == "pair:1:2"
    assert PAIR.text(b"\1\2\1\7\0\2") is None
    assert PAIR.form == "pair:<0-255>:<0-65535>"
    assert Kind("x", 1, NAMED).form == "x:<valid|invalid|0-255>"


@pytest.mark.parametrize("text", ["pair", "pair:", "pair:1", "pair:1:2:3"])
def test_a_kind_takes_as_many_fields_as_it_has(text: str) -> None:
    with pytest.raises(ValueError):
        PAIR.read(text)


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("pair:1:2", "010201000002"),
        ("bare", "010300000000"),
        ("0x0599:192.0.2.1", "0599c0000201"),
        ("0x010201070002", "010201070002"),
        ("0x077700000001", "077700000001"),
    ],
)
def test_a_notation_reads_and_writes(text: str, octets: str) -> None:
    assert TOY.read(text) == bytes.fromhex(octets)
    assert TOY.text(bytes.fromhex(octets)) == text


@pytest.mark.parametrize("text", ["PAIR:1:2", "0x0102:1:2", "0x010201000002", "0X010201000002".lower()])
def test_one_value_has_several_texts(text: str) -> None:
    assert TOY.text(TOY.read(text)) == "pair:1:2"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("pair:1", "pair:<0-255>:<0-65535>, or 0x and 12 digits"),
        ("bare:", "bare, or 0x and 12 digits"),
        ("0x0599:1", "0x0599:<IPv4>, or 0x"),
        ("0x0777:1", "0x0777:<not known>, or 0x"),
        ("0x0102", "pair:<0-255>:<0-65535>, or 0x"),
        ("other:1", "one of bare, pair, or 0x"),
        ("0x01020", "one of bare, pair, or 0x"),
    ],
)
def test_says_what_would_be_right(text: str, right: str) -> None:
    with pytest.raises(LocalError, match=f"toy '{text}', must be {right}"):
        TOY.read(text)


def test_what_octets_without_a_layout_hold() -> None:
    assert TOY.kind_of(0x0777).name == "0x0777"
    assert TOY.kind_of(0x0777).values(b"\7\x77abcd") == (b"abcd",)


def test_numbers_tell_their_range() -> None:
    assert (Number(1).form, AS(2).form) == ("0-255", "0-65535")
