from ipaddress import IPv4Address, IPv6Address

import attrs
import pytest

from bgp import LocalError
from bgp.values import (
    ASN,
    OPTIONAL_UINT32,
    UINT8,
    UINT16,
    UINT32,
    Validator,
    any_address,
    ipv4_address,
    octets,
    optional_address,
    quoted,
    seconds,
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
        (UINT16, 0, 65535),
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
