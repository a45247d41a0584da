"""Options of Neighbor Discovery: octets to values and back, known kinds and unknown ones."""

from collections.abc import Callable
from ipaddress import IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import (
    MTU,
    AddressError,
    DecodeError,
    LocalError,
    MACAddress,
    NDPOption,
    Nonce,
    PrefixInformation,
    RedirectedHeader,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
)
from arp.options import decode_options
from arp.testing import ndp_options

MAC = MACAddress("02:00:00:00:00:01")


def prefix_information(**changes: object) -> PrefixInformation:
    fields = {
        "prefix": "2001:db8:1::/48",
        "on_link": True,
        "autonomous": False,
        "valid_lifetime": 0xFFFF_FFFF,
        "preferred_lifetime": 3600,
    }
    return PrefixInformation(**(fields | changes))  # type: ignore[arg-type]  # tests pass what types forbid


# Field by field as in the figures of RFC 4861 4.6.1 to 4.6.4 and RFC 3971 5.3.2.
FIGURES: list[tuple[NDPOption, str]] = [
    (SourceLinkLayerAddress(MAC), "01 01 020000000001"),
    (TargetLinkLayerAddress(MAC), "02 01 020000000001"),
    (
        prefix_information(),
        "03 04 30 80 ffffffff 00000e10 00000000 20010db8000100000000000000000000",
    ),
    (
        prefix_information(on_link=False, autonomous=True, prefix="::/0"),
        "03 04 00 40 ffffffff 00000e10" + "00" * 20,
    ),
    (RedirectedHeader(b"\x60" + bytes(7)), "04 02 0000 00000000 6000000000000000"),
    (RedirectedHeader(b""), "04 01 0000 00000000"),
    (MTU(1500), "05 01 0000 000005dc"),
    (Nonce(b"random"), "0e 01 72616e646f6d"),
    (UnknownOption(0xFF, bytes(14)), "ff 02" + "00" * 14),
]


@pytest.mark.parametrize(("option", "octets"), FIGURES)
def test_an_option_has_the_octets_of_its_rfc(option: NDPOption, octets: str) -> None:
    assert option.encode() == bytes.fromhex(octets)
    assert decode_options(bytes.fromhex(octets), 0) == (option,)


@given(st.lists(ndp_options(), max_size=4), st.binary(max_size=8))
def test_options_survive_the_round_trip_behind_anything(options: list[NDPOption], before: bytes) -> None:
    octets = before + b"".join(option.encode() for option in options)
    assert list(decode_options(octets, len(before))) == options


def sum_of_lengths(data: bytes) -> int:
    """Follow the lengths to where they lead, a zero or the end."""
    at = 0
    while at + 1 < len(data) and data[at + 1]:
        at += 8 * data[at + 1]
    return at


@given(st.binary(max_size=80) | st.binary(max_size=40).map(lambda tail: b"\3\4\x40\xc0" + tail))
def test_any_octets_decode_or_raise_the_documented_error(data: bytes) -> None:
    try:
        options = decode_options(data, 0)
    except DecodeError:
        assert sum_of_lengths(data) != len(data)
    else:
        assert sum_of_lengths(data) == len(data)
        again = b"".join(option.encode() for option in options)
        assert len(again) == len(data)
        assert decode_options(again, 0) == options
        for option in options:
            assert (
                eval(repr(option), globals() | {"MACAddress": MACAddress, "IPv6Network": IPv6Network})
                == option
            )


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        ("0e01000000000000 05", "option at octet 8: 1 octet is left, kind and length take 2"),
        ("0e01000000000000 0500000005dc0000", "option 5 at octet 8: length 0, must be at least 1"),
        ("0e01000000000000 0502000005dc0000", "option 5 at octet 8: 16 octets, 8 are left"),
        ("0e01", "option 14 at octet 0: 8 octets, 2 are left"),
    ],
)
def test_a_length_that_lies_is_told_with_its_place(octets: str, complaint: str) -> None:
    with pytest.raises(DecodeError) as raised:
        decode_options(bytes.fromhex(octets), 0)
    assert str(raised.value) == complaint


@pytest.mark.parametrize("kind", [1, 2, 3, 5])
def test_a_known_kind_of_another_length_is_kept_as_it_is(kind: int) -> None:
    octets = bytes([kind, 2]) + bytes(14)
    (option,) = decode_options(octets, 0)
    assert option == UnknownOption(kind, bytes(14))
    assert option.encode() == octets


def test_a_prefix_of_more_than_128_bits_is_kept_as_it_is() -> None:
    octets = b"\x03\x04\x80" + bytes(29)
    assert isinstance(decode_options(octets, 0)[0], PrefixInformation)
    (option,) = decode_options(octets[:2] + b"\x81" + octets[3:], 0)
    assert option == UnknownOption(3, b"\x81" + bytes(29))


def test_reserved_bits_and_those_behind_a_prefix_are_not_looked_at() -> None:
    octets = bytes.fromhex("0304 30bf ffffffff 00000e10 12345678 20010db80001ffffffffffffffffffff")
    assert decode_options(octets, 0) == (prefix_information(),)
    assert decode_options(bytes.fromhex("0501ffff000005dc 0401ffffffffffff"), 0) == (
        MTU(1500),
        RedirectedHeader(b""),
    )


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        (1, bytes(6), "SourceLinkLayerAddress"),
        (3, bytes(30), "PrefixInformation"),
        (4, bytes(14), "RedirectedHeader"),
        (14, bytes(14), "Nonce"),
    ],
)
def test_what_has_a_class_cannot_be_built_as_unknown(kind: int, data: bytes, name: str) -> None:
    with pytest.raises(LocalError, match=f"option {kind} with {len(data)} octets of data is a {name}"):
        UnknownOption(kind, data)


@pytest.mark.parametrize("length", [0, 5, 7, 2046])
def test_data_that_no_length_fits_cannot_be_built(length: int) -> None:
    with pytest.raises(LocalError, match="6 to 2038 in steps of 8"):
        UnknownOption(0xFF, bytes(length))
    with pytest.raises(LocalError, match="6 to 2038 in steps of 8"):
        Nonce(bytes(length))


def test_the_longest_data_can_be_built() -> None:
    for option in (UnknownOption(0xFF, bytes(2038)), Nonce(bytes(2038)), RedirectedHeader(bytes(2032))):
        assert decode_options(option.encode(), 0) == (option,)
    with pytest.raises(LocalError, match="0 to 2032 in steps of 8"):
        RedirectedHeader(bytes(2040))


@pytest.mark.parametrize(
    "changes", [{"on_link": 1}, {"autonomous": "no"}, {"valid_lifetime": 1 << 32}, {"preferred_lifetime": -1}]
)
def test_a_prefix_with_a_field_out_of_range_cannot_be_built(changes: dict[str, object]) -> None:
    with pytest.raises(LocalError):
        prefix_information(**changes)


@pytest.mark.parametrize("prefix", ["2001:db8::1/64", "203.0.113.0/24", "2001:db8::/129", "fe80::%eth0/64"])
def test_what_is_no_prefix_cannot_be_built(prefix: str) -> None:
    with pytest.raises(AddressError) as raised:
        prefix_information(prefix=prefix)
    assert repr(prefix) in str(raised.value)


@pytest.mark.parametrize("build", [lambda: MTU(1 << 32), lambda: UnknownOption(256, bytes(6))])
def test_a_number_out_of_range_cannot_be_built(build: Callable[[], NDPOption]) -> None:
    with pytest.raises(LocalError):
        build()


@pytest.mark.parametrize("kind", [SourceLinkLayerAddress, TargetLinkLayerAddress])
def test_what_is_no_mac_address_cannot_be_built(
    kind: type[SourceLinkLayerAddress] | type[TargetLinkLayerAddress],
) -> None:
    with pytest.raises(AddressError):
        kind("02:00")
