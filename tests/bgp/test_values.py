from ipaddress import IPv4Address, IPv6Address
from typing import Any

import attrs
import pytest

from bgp import AFI, LocalError
from bgp.values import (
    ASN,
    FLAG,
    OPTIONAL_UINT32,
    UINT8,
    UINT32,
    Validator,
    any_address,
    as_octets,
    in_range,
    integer,
    ipv4_address,
    is_a,
    octets,
    optional_address,
    plain_address,
    printable,
    quoted,
    seconds,
    several,
    shown,
    utf8,
)


def accept(validator: Validator, value: object) -> None:
    """Build a value of which the one field, `number`, is validated so."""
    attrs.make_class("Value", {"number": attrs.field(validator=validator)})(value)


def test_reads_addresses() -> None:
    address = IPv4Address("192.0.2.1")
    assert ipv4_address("192.0.2.1") == ipv4_address(address) == address
    assert any_address("192.0.2.1") == address
    assert any_address("2001:db8::1") == any_address(IPv6Address("2001:db8::1")) == IPv6Address("2001:db8::1")
    assert optional_address("192.0.2.1") == address
    assert optional_address(None) is None


def test_a_plain_address_has_no_zone() -> None:
    assert plain_address("fe80::1%eth0") == IPv6Address("fe80::1")
    assert plain_address("192.0.2.1") == IPv4Address("192.0.2.1")


@pytest.mark.parametrize("text", ["", "192.0.2.256", "2001:db8::1", "192.0.2.1/32", "example"])
def test_refuses_what_is_no_ipv4_address(text: str) -> None:
    with pytest.raises(LocalError, match=f"'{text}' is not an IPv4 address"):
        ipv4_address(text)


@pytest.mark.parametrize("text", ["", "2001:db8:::1", "2001:db8::/32", "example"])
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(LocalError, match=f"'{text}' is not an IP address"):
        any_address(text)


def test_quotes_what_is_there() -> None:
    assert quoted(IPv4Address("192.0.2.1")) == "'192.0.2.1'"
    assert quoted(None) == "None"


@pytest.mark.parametrize(
    ("validator", "low", "high"),
    [
        (ASN, 1, 4294967295),
        (UINT8, 0, 255),
        (in_range(0, 65535), 0, 65535),
        (UINT32, 0, 4294967295),
        (OPTIONAL_UINT32, 0, 4294967295),
    ],
)
def test_numbers_have_both_their_limits(validator: Validator, low: int, high: int) -> None:
    accept(validator, low)
    accept(validator, high)
    for value in (low - 1, high + 1, float(low), str(low)):
        with pytest.raises(LocalError, match=f"number {value!r}, must be {low} to {high}"):
            accept(validator, value)


def test_an_optional_number_may_be_missing() -> None:
    accept(OPTIONAL_UINT32, None)
    with pytest.raises(LocalError, match="number None, must be"):
        accept(UINT32, None)


def test_times_have_both_their_limits() -> None:
    accept(seconds(0.5, 10), 0.5)
    accept(seconds(0.5, 10), 10)
    for value in (0.4, 10.5, "1", None):
        with pytest.raises(LocalError, match=rf"number {value!r} s, must be 0.5 to 10"):
            accept(seconds(0.5, 10), value)


def test_octets_have_a_limit() -> None:
    accept(octets(3), b"abc")
    with pytest.raises(LocalError, match="number of 4 octets, at most 3 fit"):
        accept(octets(3), b"abcd")


HUGE = 10**5000
"""Python refuses to print it."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (AFI.IPV6, "2"),
        ("a\0b", r"'a\x00b'"),
        pytest.param(HUGE, "int of too many digits", id="huge"),
        ([HUGE], "list of too many digits"),
        ("x" * 200, f"'{'x' * 96}..."),
    ],
)
def test_shows_every_value_in_little_room(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("value", [5, b"\1\2\3\4", None, ("192.0.2.1",)])
def test_addresses_are_text_or_addresses(value: Any) -> None:
    for read in (ipv4_address, any_address):
        with pytest.raises(LocalError, match="is not an IP"):
            read(value)


def test_integers_of_any_size_are_refused_with_their_limits() -> None:
    assert integer("number", 3, 3, 3) == 3
    for value in (HUGE, -HUGE, 2.0, "3", None):
        with pytest.raises(LocalError, match=r"number .*, must be 2 to 4"):
            integer("number", value, 2, 4)


@pytest.mark.parametrize("values", ["1.2.3.4", b"ab", 5, None])
def test_text_is_no_list(values: Any) -> None:
    with pytest.raises(LocalError, match=r"numbers .*, must be a list"):
        several("numbers", values)


def test_lists_may_be_of_one_kind() -> None:
    assert several("numbers", iter([1, 2]), int) == (1, 2)
    with pytest.raises(LocalError, match="numbers 'a', must be int or None"):
        several("numbers", [1, None, "a"], int | None)


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_octets_of_any_type_become_bytes(data: bytes | bytearray | memoryview) -> None:
    assert as_octets(data) == b"abc"
    assert type(as_octets(data)) is bytes


@pytest.mark.parametrize("data", ["abc", 3, None, [1, 2]])
def test_what_are_no_octets(data: Any) -> None:
    with pytest.raises(LocalError, match="must be octets"):
        as_octets(data)
    with pytest.raises(LocalError, match=r"number .*, must be bytes"):
        accept(octets(3), data)


def test_text_that_utf8_has() -> None:
    assert utf8("name", "é") == b"\xc3\xa9"
    for text, message in (
        ("\ud800", r"name '\\ud800' cannot be written in UTF-8"),
        (5, "name 5, must be str"),
    ):
        with pytest.raises(LocalError, match=message):
            utf8("name", text)  # type: ignore[arg-type]  # on purpose


def test_kinds() -> None:
    accept(is_a(int | str), "a")
    accept(FLAG, True)
    for validator, value, message in ((is_a(int | str), None, "int or str"), (FLAG, 1, "bool")):
        with pytest.raises(LocalError, match=f"number {value}, must be {message}"):
            accept(validator, value)


def test_what_a_peer_writes_breaks_no_line() -> None:
    assert printable("grüße\n\x1b[2J\u202e") == r"grüße\n\x1b[2J\u202e"
