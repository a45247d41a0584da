"""BFD Control packets: RFC 5880 4 and those rules of 6.8.6 that need no session."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import LocalError
from bgp.bfd.packet import (
    AuthenticationSection,
    AuthenticationType,
    BFDPacket,
    BFDState,
    Diagnostic,
    Discard,
    decode,
    diagnostic,
    encode,
    your_discriminator,
)
from bgp.testing import bfd_packets
from tests.bgp.pasting import pasted

PLAIN = bytes.fromhex("20 48 03 18  00000001  00000002  000f4240  000493e0  00000000")
"""A packet written out by hand: version 1, Down, C bit, three times 1 s and 300 ms."""

SIGNED = bytes.fromhex("23 c4 05 1d  0a000001  00000000  000186a0  000186a0  0000c350  01 05 07 6869")


def test_fields_are_where_the_rfc_has_them() -> None:
    packet = BFDPacket(
        state=BFDState.DOWN,
        control_plane_independent=True,
        my_discriminator=1,
        your_discriminator=2,
        required_min_rx_us=300_000,
    )
    assert encode(packet) == PLAIN
    assert decode(PLAIN) == packet


def test_an_authentication_section_follows() -> None:
    packet = BFDPacket(
        diagnostic=Diagnostic.NEIGHBOR_SIGNALED_SESSION_DOWN,
        state=BFDState.UP,
        multiplier=5,
        my_discriminator=0x0A000001,
        desired_min_tx_us=100_000,
        required_min_rx_us=100_000,
        required_min_echo_rx_us=50_000,
        authentication=AuthenticationSection(AuthenticationType.SIMPLE_PASSWORD, 7, b"hi"),
    )
    assert encode(packet) == SIGNED
    assert decode(SIGNED) == packet


@pytest.mark.parametrize(
    ("flag", "bit"), [("poll", 0x20), ("final", 0x10), ("control_plane_independent", 0x08), ("demand", 0x02)]
)
def test_a_bit_for_each_flag(flag: str, bit: int) -> None:
    options: dict[str, bool] = {flag: True}
    packet = BFDPacket(state=BFDState.INIT, my_discriminator=1, **options)  # type: ignore[arg-type]  # one of the flags
    assert encode(packet)[1] == 0x80 | bit
    assert decode(encode(packet)) == packet


@given(bfd_packets())
def test_what_is_encoded_decodes_to_the_same(packet: BFDPacket) -> None:
    assert decode(encode(packet)) == packet
    assert pasted(packet) == packet


@given(
    st.binary(max_size=64) | st.binary(min_size=24, max_size=40).map(lambda tail: b"\x20\x40\x03\x18" + tail)
)
def test_octets_are_a_packet_or_discarded(data: bytes) -> None:
    packet = decode(data)
    if isinstance(packet, BFDPacket):
        assert encode(packet) == data[: data[3]]
    else:
        assert isinstance(packet, Discard)


def altered(data: bytes, *changes: tuple[int, int]) -> bytes:
    """Octets with some of them replaced, by position."""
    octets = bytearray(data)
    for position, value in changes:
        octets[position] = value
    return bytes(octets)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Discard.TOO_SHORT),
        (PLAIN[:23], Discard.TOO_SHORT),
        (altered(PLAIN, (0, 0x00)), Discard.VERSION),
        (altered(PLAIN, (0, 0x40)), Discard.VERSION),
        (altered(PLAIN, (3, 23)), Discard.LENGTH),
        (altered(PLAIN, (3, 25)), Discard.LENGTH),
        (altered(SIGNED, (3, 25)), Discard.LENGTH),
        (SIGNED[:-1], Discard.LENGTH),
        (altered(PLAIN, (2, 0)), Discard.MULTIPLIER),
        (altered(PLAIN, (1, 0x49)), Discard.MULTIPOINT),
        (altered(PLAIN, (7, 0)), Discard.MY_DISCRIMINATOR),
        (altered(SIGNED, (3, 26)), Discard.AUTHENTICATION_LENGTH),
        (altered(SIGNED, (25, 4)), Discard.AUTHENTICATION_LENGTH),
        (altered(SIGNED, (25, 6)), Discard.AUTHENTICATION_LENGTH),
        # The first fault counts, in the order of the RFC.
        (altered(PLAIN, (0, 0), (2, 0), (3, 0)), Discard.VERSION),
        (altered(PLAIN, (1, 1), (2, 0), (3, 0)), Discard.LENGTH),
        (altered(PLAIN, (1, 1), (2, 0)), Discard.MULTIPLIER),
    ],
)
def test_why_a_packet_is_discarded(data: bytes, reason: Discard) -> None:
    assert decode(data) is reason


def test_octets_behind_the_packet_are_ignored() -> None:
    assert decode(PLAIN + b"more") == decode(PLAIN)
    assert decode(SIGNED + b"more") == decode(SIGNED)


def test_the_discriminator_is_found_without_a_look_at_the_rest() -> None:
    assert your_discriminator(PLAIN) == 2
    assert your_discriminator(b"") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"my_discriminator": 0},
        {"multiplier": 0},
        {"multiplier": 256},
        {"diagnostic": 32},
        {"state": 1},
        {"desired_min_tx_us": 2**32},
        {"poll": 1},
        {"authentication": b""},
    ],
    ids=str,
)
def test_values_that_a_packet_cannot_have(wrong: dict[str, object]) -> None:
    values: dict[str, object] = {"state": BFDState.UP, "my_discriminator": 1, **wrong}
    with pytest.raises(LocalError, match=next(iter(wrong))):
        BFDPacket(**values)  # type: ignore[arg-type]  # wrong on purpose


def test_names() -> None:
    assert [state.text for state in BFDState] == ["AdminDown", "Down", "Init", "Up"]
    assert (
        repr([BFDState.UP, Diagnostic.PATH_DOWN, Discard.TTL])
        == "[BFDState.UP, Diagnostic.PATH_DOWN, Discard.TTL]"
    )
    assert diagnostic(5) is Diagnostic.PATH_DOWN
    assert diagnostic(31) == 31
