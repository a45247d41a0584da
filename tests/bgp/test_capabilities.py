"""Capabilities: their values, and how they stand on the wire (RFC 5492)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.capabilities import (
    AddPathCapability,
    Capability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RestartFamily,
    RoleCapability,
    RouteRefreshCapability,
    SoftwareVersionCapability,
    UnknownCapability,
    decode_capability,
    encode_capability,
    four_octet_as,
    last_of,
)
from bgp.errors import LocalError, OpenError
from bgp.iana import AFI, AddPathDirection, CapabilityCode, Role
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family
from bgp.testing import capabilities
from bgp.wire import Reader
from tests.bgp.pasting import pasted

BOTH_WAYS = AddPathDirection.RECEIVE | AddPathDirection.SEND


def octets_of(code: int, value: bytes) -> bytes:
    return bytes([code, len(value)]) + value


@given(capabilities())
def test_round_trip(capability: Capability) -> None:
    octets = encode_capability(capability)
    decoded = decode_capability(Reader(octets))
    assert decoded == capability
    assert hash(decoded) == hash(capability)
    assert encode_capability(decoded) == octets


@given(capabilities())
def test_repr_can_be_pasted_back(capability: Capability) -> None:
    copy = pasted(capability)
    assert copy == capability
    assert encode_capability(copy) == encode_capability(capability)


@given(st.integers(0, 255) | st.sampled_from(CapabilityCode), st.binary(max_size=30))
def test_any_value_is_a_capability_with_the_same_octets_or_an_error(code: int, value: bytes) -> None:
    octets = octets_of(code, value)
    if code == CapabilityCode.FOUR_OCTET_AS and (len(value) != 4 or not any(value)):
        with pytest.raises(OpenError):
            decode_capability(Reader(octets))
    else:
        assert encode_capability(decode_capability(Reader(octets))) == octets


@pytest.mark.parametrize(
    ("capability", "octets"),
    [
        (MultiprotocolCapability(IPV4_UNICAST), "01 04 0001 00 01"),  # RFC 4760 8
        (RouteRefreshCapability(), "02 00"),  # RFC 2918 2
        (ExtendedNextHopCapability({(IPV4_UNICAST, AFI.IPV6)}), "05 06 0001 0001 0002"),  # RFC 8950 4
        (ExtendedMessageCapability(), "06 00"),  # RFC 8654 3
        (RoleCapability(Role.CUSTOMER), "09 01 03"),  # RFC 9234 4.1
        (GracefulRestartCapability(restart_time=120), "40 02 0078"),  # RFC 4724 3
        (
            GracefulRestartCapability(
                restart_time=4095, families={IPV4_UNICAST: True, IPV6_UNICAST: False}, restarting=True
            ),
            "40 0a 8fff 0001 01 80 0002 01 00",
        ),
        (GracefulRestartCapability(notification=True), "40 02 4000"),  # RFC 8538 2
        (FourOctetASCapability(70000), "41 04 00011170"),  # RFC 6793 3
        (AddPathCapability({IPV4_UNICAST: BOTH_WAYS}), "45 04 0001 01 03"),  # RFC 7911 4
        (EnhancedRouteRefreshCapability(), "46 00"),  # RFC 7313 3.1
        (
            LongLivedGracefulRestartCapability([LongLivedFamily(IPV6_UNICAST, 3600, True)]),
            "47 07 0002 01 80 000e10",  # RFC 9494 3.1
        ),
        (FQDNCapability("r1", "example.net"), "49 0f 02 7231 0b 6578616d706c652e6e6574"),
        (SoftwareVersionCapability("x 1"), "4b 04 03 782031"),
        (UnknownCapability(128), "80 00"),  # route refresh, from before RFC 2918
    ],
)
def test_known_octets(capability: Capability, octets: str) -> None:
    data = bytes.fromhex(octets)
    assert encode_capability(capability) == data
    assert decode_capability(Reader(data)) == capability


@pytest.mark.parametrize(
    ("capability", "usual"),
    [
        (MultiprotocolCapability(IPV4_UNICAST, reserved=7), MultiprotocolCapability(IPV4_UNICAST)),
        (
            GracefulRestartCapability(families=[RestartFamily(IPV4_UNICAST, reserved=1)], reserved=3),
            GracefulRestartCapability(families={IPV4_UNICAST: False}),
        ),
        (
            LongLivedGracefulRestartCapability([LongLivedFamily(IPV4_UNICAST, 60, reserved=127)]),
            LongLivedGracefulRestartCapability({IPV4_UNICAST: 60}),
        ),
    ],
)
def test_reserved_bits_are_kept_and_mean_nothing(capability: Capability, usual: Capability) -> None:
    octets = encode_capability(capability)
    assert capability == usual
    assert octets != encode_capability(usual)
    assert encode_capability(decode_capability(Reader(octets))) == octets


@pytest.mark.parametrize(
    ("code", "value"),
    [
        (CapabilityCode.MULTIPROTOCOL, "000100"),
        (CapabilityCode.MULTIPROTOCOL, "0001000100"),
        (CapabilityCode.ROUTE_REFRESH, "00"),
        (CapabilityCode.EXTENDED_NEXT_HOP, "00010001"),
        (CapabilityCode.EXTENDED_NEXT_HOP, "000101010002"),  # there is no SAFI 257
        (CapabilityCode.EXTENDED_MESSAGE, "00"),
        (CapabilityCode.ROLE, ""),
        (CapabilityCode.ROLE, "0303"),
        (CapabilityCode.GRACEFUL_RESTART, "00"),
        (CapabilityCode.GRACEFUL_RESTART, "0078 000101"),
        (CapabilityCode.ADD_PATH, "000101"),
        (CapabilityCode.ADD_PATH, "00010100"),  # RFC 7911 4: neither receive nor send
        (CapabilityCode.ADD_PATH, "00010103 00020104"),
        (CapabilityCode.ENHANCED_ROUTE_REFRESH, "00"),
        (CapabilityCode.LONG_LIVED_GRACEFUL_RESTART, "000101000000"),
        (CapabilityCode.FQDN, "0172"),
        (CapabilityCode.FQDN, "01ff00"),
        (CapabilityCode.SOFTWARE_VERSION, "0278"),
        (CapabilityCode.SOFTWARE_VERSION, "01c3"),
    ],
)
def test_what_is_not_understood_is_kept_and_no_fault(code: CapabilityCode, value: str) -> None:
    octets = octets_of(code, bytes.fromhex(value))
    capability = decode_capability(Reader(octets))
    assert capability == UnknownCapability(code, bytes.fromhex(value))
    assert encode_capability(capability) == octets


@pytest.mark.parametrize(
    ("octets", "subcode", "reason"),
    [
        ("41 02 0001", 0, "four-octet AS capability of 2 octets, must be 4"),  # RFC 4271 6.2
        ("41 05 0000000001", 0, "of 5 octets, must be 4"),
        ("41 04 00000000", 2, "AS number 0"),  # RFC 7607
        ("41 04 000001", 0, "capability: 4 octets expected, 3 left"),
        ("41", 0, "capability: 1 octets expected, 0 left"),
    ],
)
def test_errors(octets: str, subcode: int, reason: str) -> None:
    with pytest.raises(OpenError, match=reason) as caught:
        decode_capability(Reader(bytes.fromhex(octets)))
    assert (caught.value.code, caught.value.subcode, caught.value.data) == (2, subcode, b"")


def test_a_capability_can_be_written_in_one_way_only() -> None:
    with pytest.raises(LocalError, match="capability 9 can be written as RoleCapability"):
        UnknownCapability(CapabilityCode.ROLE, b"\x03")
    with pytest.raises(LocalError, match="capability 65: four-octet AS capability of 2 octets"):
        UnknownCapability(CapabilityCode.FOUR_OCTET_AS, b"\x00\x01")


def test_refuses_an_unknown_one_that_cannot_be() -> None:
    with pytest.raises(LocalError, match="code 256, must be 0 to 255"):
        UnknownCapability(256)
    with pytest.raises(LocalError, match="value of 256 octets, at most 255 fit"):
        UnknownCapability(200, bytes(256))


MANY = [Family(1, number) for number in range(256)]


def test_the_longest_values_fit() -> None:
    longest: list[Capability] = [
        ExtendedNextHopCapability([(f, 2) for f in MANY[:42]]),
        GracefulRestartCapability(families=dict.fromkeys(MANY[:63], True)),
        LongLivedGracefulRestartCapability(dict.fromkeys(MANY[:36], 1)),
        AddPathCapability(dict.fromkeys(MANY[:63], BOTH_WAYS)),
        FQDNCapability("h" * 127, "d" * 126),
        SoftwareVersionCapability("x" * 254),
    ]
    for capability in longest:
        assert decode_capability(Reader(encode_capability(capability))) == capability


def test_the_last_of_several_counts() -> None:
    v4 = MultiprotocolCapability(IPV4_UNICAST)
    stated: list[Capability] = [FourOctetASCapability(1), v4, FourOctetASCapability(2)]
    assert last_of(FourOctetASCapability, stated) == FourOctetASCapability(2)
    assert last_of(RoleCapability, stated) is None
    assert four_octet_as(iter(stated)) == 2
    assert four_octet_as([]) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [(("x",), "code 'x', must be 0 to 255"), ((200, "x"), "value 'x', must be bytes")],
)
def test_refuses_an_unknown_capability_of_other_types(values: Any, message: str) -> None:
    with pytest.raises(LocalError, match=message):
        UnknownCapability(*values)
