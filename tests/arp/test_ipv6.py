"""IPv6 packets, the checksum of ICMPv6, and the groups of neighbours."""

import functools
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import (
    ALL_NODES,
    AddressError,
    DecodeError,
    EthernetFrame,
    IPv6Packet,
    LocalError,
    MACAddress,
    group_mac,
    icmpv6_checksum,
    solicited_node_group,
)
from arp.ipv6 import is_solicited_node_group
from arp.testing import ipv6_addresses, ipv6_packets
from tests.arp.neighbours import LINUX

# RFC 8200 3, field by field: traffic class 0x12, flow label 0x34567, 3 octets, next header 58, hop limit 64.
PACKET = bytes.fromhex(
    "61234567 0003 3a 40 20010db8000000000000000000000001 20010db8000000000000000000000002 abcdef"
)


def packet(**changes: object) -> IPv6Packet:
    fields = {
        "source": "2001:db8::1",
        "destination": "2001:db8::2",
        "next_header": 58,
        "hop_limit": 64,
        "payload": b"\xab\xcd\xef",
        "traffic_class": 0x12,
        "flow_label": 0x34567,
    }
    return IPv6Packet(**(fields | changes))  # type: ignore[arg-type]  # tests pass what types forbid


def test_a_packet_has_the_octets_of_rfc_8200() -> None:
    assert packet().encode() == PACKET
    assert IPv6Packet.decode(PACKET) == packet()


@given(ipv6_packets(), st.binary(max_size=18))
def test_a_packet_survives_the_round_trip_and_padding(made: IPv6Packet, padding: bytes) -> None:
    assert IPv6Packet.decode(made.encode() + padding) == made


@given(st.binary(max_size=60) | st.binary(min_size=30, max_size=50).map(lambda tail: PACKET[:5] + tail))
def test_any_octets_decode_to_themselves_or_raise_the_documented_error(data: bytes) -> None:
    try:
        decoded = IPv6Packet.decode(data)
    except DecodeError:
        assert len(data) < 40 or data[0] >> 4 != 6 or int.from_bytes(data[4:6], "big") > len(data) - 40
    else:
        assert decoded.encode() == data[: 40 + len(decoded.payload)]


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (PACKET[:39], "IPv6 packet of 39 octets, the header alone has 40"),
        (b"\x45" + PACKET[1:], "IP version 4, must be 6"),
        (PACKET[:42], "IPv6 payload of 3 octets declared, 2 are there"),
    ],
)
def test_what_is_no_packet_is_refused_with_the_reason(data: bytes, complaint: str) -> None:
    with pytest.raises(DecodeError) as raised:
        IPv6Packet.decode(data)
    assert str(raised.value) == complaint


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("next_header", 256),
        ("hop_limit", -1),
        ("payload", bytes(0x10000)),
        ("traffic_class", 256),
        ("flow_label", 1 << 20),
    ],
)
def test_a_field_out_of_range_cannot_be_built(field: str, value: object) -> None:
    with pytest.raises(LocalError, match=field.replace("_", " ")):
        packet(**{field: value})


@pytest.mark.parametrize("field", ["source", "destination"])
def test_what_is_no_ipv6_address_cannot_be_built(field: str) -> None:
    with pytest.raises(AddressError):
        packet(**{field: "203.0.113.7"})


# The checksum


def slow_checksum(source: IPv6Address, destination: IPv6Address, message: bytes) -> int:
    """RFC 1071: the complement of the ones' complement sum of 16-bit words."""
    covered = source.packed + destination.packed + len(message).to_bytes(4, "big") + b"\0\0\0\x3a" + message
    words = [int.from_bytes(covered[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(covered), 2)]

    def add(total: int, word: int) -> int:
        return (total + word) % 0x10000 + (total + word) // 0x10000

    return 0xFFFF - functools.reduce(add, words, 0)


@given(ipv6_packets())
def test_the_checksum_is_that_of_rfc_1071(made: IPv6Packet) -> None:
    expected = slow_checksum(made.source, made.destination, made.payload)
    assert icmpv6_checksum(made.source, made.destination, made.payload) == expected


@given(ipv6_packets(), st.binary(max_size=40), st.data())
def test_with_the_checksum_in_place_nothing_is_left_and_a_changed_octet_shows(
    made: IPv6Packet, rest: bytes, data: st.DataObject
) -> None:
    checksum = icmpv6_checksum(made.source, made.destination, b"\x87\0\0\0" + rest)
    message = b"\x87\0" + checksum.to_bytes(2, "big") + rest
    assert icmpv6_checksum(made.source, made.destination, message) == 0
    changed = bytearray(message)
    changed[data.draw(st.integers(0, len(message) - 1))] ^= data.draw(st.integers(1, 0xFF))
    assert icmpv6_checksum(made.source, made.destination, bytes(changed)) != 0


def test_a_checksum_of_zero_is_sent_as_zero() -> None:
    source, destination = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
    without = icmpv6_checksum(source, destination, b"\x87\0\0\0\0\0")
    message = b"\x87\0\0\0" + without.to_bytes(2, "big")
    assert icmpv6_checksum(source, destination, message) == 0 == slow_checksum(source, destination, message)


@pytest.mark.parametrize("kind", [kind for kind in LINUX if not kind.startswith("ARP")])
def test_linux_calculates_the_same_checksum(kind: str) -> None:
    sent = IPv6Packet.decode(EthernetFrame.decode(LINUX[kind]).payload)
    message = sent.payload[:2] + b"\0\0" + sent.payload[4:]
    assert icmpv6_checksum(sent.source, sent.destination, message).to_bytes(2, "big") == sent.payload[2:4]


# Groups


@pytest.mark.parametrize(
    ("address", "group", "mac"),
    [
        # RFC 4291 2.7.1 gives the group of this address, RFC 2464 7 the way to the MAC address.
        ("4037::01:800:200e:8c6c", "ff02::1:ff0e:8c6c", "33:33:ff:0e:8c:6c"),
        ("2001:db8::7", "ff02::1:ff00:7", "33:33:ff:00:00:07"),
        ("fe80::ffff:ffff%eth0", "ff02::1:ffff:ffff", "33:33:ff:ff:ff:ff"),
    ],
)
def test_neighbours_meet_in_the_group_of_their_last_24_bits(address: str, group: str, mac: str) -> None:
    assert solicited_node_group(address) == IPv6Address(group)
    assert group_mac(group) == MACAddress(mac)


@given(ipv6_addresses())
def test_every_address_has_a_group_that_is_one(address: IPv6Address) -> None:
    group = solicited_node_group(address)
    assert is_solicited_node_group(group)
    assert not is_solicited_node_group(address)
    assert group_mac(group).is_multicast
    assert int(group) & 0xFFFFFF == int(address) & 0xFFFFFF


def test_all_nodes_is_no_solicited_node_group_and_has_a_mac_address() -> None:
    assert not is_solicited_node_group(ALL_NODES)
    assert not is_solicited_node_group(IPv6Address("ff02::1:fe00:7"))
    assert group_mac(ALL_NODES) == MACAddress("33:33:00:00:00:01")


def test_linux_sends_to_the_same_groups() -> None:
    frame = EthernetFrame.decode(LINUX["neighbour solicitation, multicast"])
    sent = IPv6Packet.decode(frame.payload)
    assert sent.destination == solicited_node_group(IPv6Address(sent.payload[8:24]))
    assert frame.destination == group_mac(sent.destination)


def test_groups_have_no_group_and_hosts_no_mac_address_of_a_group() -> None:
    with pytest.raises(AddressError, match="ff02::1 is a multicast address"):
        solicited_node_group("ff02::1")
    with pytest.raises(AddressError, match="2001:db8::7 is no multicast address"):
        group_mac("2001:db8::7")
