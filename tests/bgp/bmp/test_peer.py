from ipaddress import IPv4Address, IPv6Address
from typing import Any

import pytest
from hypothesis import given

from bgp.bmp.peer import (
    MonitoredPeer,
    address_or_none,
    decode_address,
    decode_peer,
    encode_address,
    encode_peer,
)
from bgp.errors import LocalError
from bgp.iana import BMPPeerType
from bgp.testing import monitored_peers
from bgp.wire import Reader, WireError

HEAD: dict[str, Any] = {"address": "192.0.2.2", "asn": 64513, "router_id": "192.0.2.3"}


def peer(**values: Any) -> MonitoredPeer:
    return MonitoredPeer(**{**HEAD, **values})


@given(monitored_peers())
def test_round_trip(peer: MonitoredPeer) -> None:
    octets = encode_peer(peer)
    assert len(octets) == 42
    assert decode_peer(Reader(octets)) == peer


@pytest.mark.parametrize(
    ("values", "octets"),
    [
        ({}, "0000 0000000000000000 000000000000000000000000c0000202 0000fc01 c0000203 00000000 00000000"),
        (
            {"address": "2001:db8::2", "timestamp": 5, "microseconds": 7, "post_policy": True},
            "00c0 0000000000000000 20010db8000000000000000000000002 0000fc01 c0000203 00000005 00000007",
        ),
        (
            {"type": 1, "distinguisher": "64512:7", "two_octet_as": True, "adj_rib_out": True},
            "0130 0000fc0000000007 000000000000000000000000c0000202 0000fc01 c0000203 00000000 00000000",
        ),
        (
            {"type": 3, "address": None, "filtered": True},
            "0380 0000000000000000 00000000000000000000000000000000 0000fc01 c0000203 00000000 00000000",
        ),
    ],
    ids=["plain", "IPv6 behind the policy", "VRF", "Loc-RIB"],
)
def test_octets(values: dict[str, Any], octets: str) -> None:
    assert encode_peer(peer(**values)) == bytes.fromhex(octets)
    assert decode_peer(Reader(bytes.fromhex(octets))) == peer(**values)


def test_flags_that_nobody_has_assigned_are_ignored() -> None:
    octets = bytearray(encode_peer(peer()))
    octets[1] |= 0x0F
    assert decode_peer(Reader(bytes(octets))) == peer()
    octets[0:2] = b"\x03\x7f"
    assert decode_peer(Reader(bytes(octets))) == peer(type=BMPPeerType.LOC_RIB, address=None)


def test_a_header_cut_short() -> None:
    with pytest.raises(WireError):
        decode_peer(Reader(encode_peer(peer())[:-1]))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"address": None}, "address None of a peer of type BMPPeerType.GLOBAL"),
        ({"type": 3}, "address 192.0.2.2 of a peer of type BMPPeerType.LOC_RIB"),
        ({"filtered": True}, "flags that a peer of type BMPPeerType.GLOBAL does not have"),
        ({"type": 3, "address": None, "post_policy": True}, "flags that a peer of type BMPPeerType.LOC_RIB"),
        ({"type": 3, "address": None, "two_octet_as": True}, "flags that a peer of type BMPPeerType.LOC_RIB"),
        ({"type": 3, "address": None, "adj_rib_out": True}, "flags that a peer of type BMPPeerType.LOC_RIB"),
        ({"type": 256}, "type 256, must be 0 to 255"),
        ({"distinguisher": b"x"}, "route distinguisher of 1 octets, must be 8"),
    ],
)
def test_peers_that_cannot_be(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        peer(**values)


def test_at_another_time() -> None:
    assert peer().at(5, 7) == peer(timestamp=5, microseconds=7)


def test_addresses() -> None:
    assert address_or_none(None) is None
    assert address_or_none("fe80::1%eth0") == IPv6Address("fe80::1")
    for address in (IPv4Address("192.0.2.1"), IPv6Address("2001:db8::1"), None):
        assert decode_address(encode_address(address), address) == address
