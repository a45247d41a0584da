import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Capability,
    Family,
    FourOctetASCapability,
    LocalError,
    MultiprotocolCapability,
    Negotiated,
    OpenError,
    PeerType,
    UnknownCapability,
)
from bgp.capabilities import decode_capability, encode_capability
from bgp.testing import capabilities
from bgp.wire import Reader, WireError


@given(capabilities())
def test_round_trip(capability: Capability) -> None:
    assert decode_capability(Reader(encode_capability(capability))) == capability


@given(st.binary(max_size=30))
def test_any_octets_are_a_capability_or_an_error(data: bytes) -> None:
    reader = Reader(data)
    try:
        capability = decode_capability(reader)
    except (OpenError, WireError):
        return
    assert decode_capability(Reader(encode_capability(capability))) == capability


def test_known_octets() -> None:
    assert encode_capability(MultiprotocolCapability(IPV4_UNICAST)) == b"\x01\x04\x00\x01\x00\x01"
    assert encode_capability(FourOctetASCapability(70000)) == b"\x41\x04\x00\x01\x11\x70"


@pytest.mark.parametrize(
    "data", [b"\x01\x03\x00\x01\x00", b"\x01\x05\x00\x01\x00\x01\x00", b"\x41\x02\x00\x01"]
)
def test_a_known_capability_of_another_length(data: bytes) -> None:
    with pytest.raises(OpenError) as caught:
        decode_capability(Reader(data))
    assert (caught.value.code, caught.value.subcode) == (2, 0)


def test_as_number_zero() -> None:
    with pytest.raises(OpenError) as caught:
        decode_capability(Reader(b"\x41\x04\x00\x00\x00\x00"))
    assert (caught.value.code, caught.value.subcode) == (2, 2)


def test_a_known_code_is_not_unknown() -> None:
    with pytest.raises(LocalError, match="capability 1 has a class of its own"):
        UnknownCapability(1, b"")
    with pytest.raises(LocalError, match="value of 256 octets, at most 255 fit"):
        UnknownCapability(200, bytes(256))


FOUR = FourOctetASCapability(64512)
V4 = MultiprotocolCapability(IPV4_UNICAST)
V6 = MultiprotocolCapability(IPV6_UNICAST)


@pytest.mark.parametrize(
    ("theirs", "families", "four_octet_as"),
    [
        ([V4, FOUR], {IPV4_UNICAST}, True),
        ([FOUR], {IPV4_UNICAST}, True),
        ([V4], {IPV4_UNICAST}, False),
        ([], {IPV4_UNICAST}, False),
        ([V6, FOUR], set(), True),
        ([V6, V4], {IPV4_UNICAST}, False),
    ],
)
def test_what_two_opens_amount_to(
    theirs: list[Capability], families: set[Family], four_octet_as: bool
) -> None:
    negotiated = Negotiated.between([V4, FOUR], theirs, peer_type=PeerType.INTERNAL, hold_time=30)
    assert negotiated == Negotiated(
        four_octet_as=four_octet_as,
        families=families,
        peer_type=PeerType.INTERNAL,
        hold_time=30,
    )
