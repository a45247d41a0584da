"""The converters and validators that values share: what they refuse, and that they say what and why."""

from ipaddress import IPv6Address

import attrs
import pytest

from arp import AddressError, LocalError
from arp.values import Number, in_range, ipv6_address, is_flag, is_octets, several


@attrs.frozen
class Value:
    number: object = attrs.field(default=3, validator=in_range("number", 3, 5))
    flag: object = attrs.field(default=True, validator=is_flag("flag"))
    octets: object = attrs.field(default=b"12", validator=is_octets("octets", 2, 4))
    blocks: object = attrs.field(default=b"", validator=is_octets("blocks", 0, 16, step=8))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("number", 3),
        ("number", 5),
        ("flag", False),
        ("octets", b"1234"),
        ("blocks", bytes(8)),
        ("blocks", bytes(16)),
    ],
)
def test_what_lies_within_the_limits_is_taken_as_it_is(field: str, value: object) -> None:
    assert getattr(Value(**{field: value}), field) == value


@pytest.mark.parametrize(
    ("field", "value", "complaint"),
    [
        ("number", 2, "number 2, must be 3 to 5"),
        ("number", 6, "number 6, must be 3 to 5"),
        ("number", "4", "number '4', must be 3 to 5"),
        ("flag", 1, "flag 1, must be True or False"),
        ("octets", b"1", "octets of 1 octets, must be 2 to 4"),
        ("octets", b"12345", "octets of 5 octets, must be 2 to 4"),
        ("octets", "123", "octets '123', must be bytes"),
        ("blocks", bytes(7), "blocks of 7 octets, must be 0 to 16 in steps of 8"),
        ("blocks", bytes(24), "blocks of 24 octets, must be 0 to 16 in steps of 8"),
    ],
)
def test_what_lies_outside_is_refused_with_its_limit(field: str, value: object, complaint: str) -> None:
    with pytest.raises(LocalError) as raised:
        Value(**{field: value})
    assert str(raised.value) == complaint


def test_a_number_prints_as_its_name() -> None:
    class Colour(Number):
        RED = 1

    assert repr(Colour.RED) == "Colour.RED"
    assert f"{Colour.RED}" == "1"


def test_several_values_are_collected_and_all_of_one_kind() -> None:
    assert several("numbers", iter([1, 2]), int) == (1, 2)
    assert several("numbers", [], int) == ()
    with pytest.raises(LocalError, match="numbers with 'two' among them"):
        several("numbers", [1, "two"], int)


@pytest.mark.parametrize("value", ["2001:db8::7", IPv6Address("2001:db8::7"), "2001:db8::7%eth0"])
def test_an_ipv6_address_is_read_without_its_zone(value: IPv6Address | str) -> None:
    assert ipv6_address(value) == IPv6Address("2001:db8::7")
    assert ipv6_address(value).scope_id is None


@pytest.mark.parametrize("value", ["", "203.0.113.7", "2001:db8::/64", 7, bytes(16), None])
def test_what_is_no_ipv6_address_is_refused_with_its_text(value: str) -> None:
    with pytest.raises(AddressError) as raised:
        ipv6_address(value)
    assert str(raised.value) == f"{value!r} is no IPv6 address"
