"""ARP packets: octets to values and back."""

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arp
from arp import AddressError, ARPPacket, DecodeError, EthernetFrame, LocalError, Operation
from arp.testing import arp_packets
from tests.arp.neighbours import LINUX

# RFC 826 "Packet format", field by field: who has 203.0.113.7, tell 203.0.113.1.
REQUEST = bytes.fromhex("0001 0800 06 04 0001 020000000002 cb007101 000000000000 cb007107")


def request(**changes: object) -> ARPPacket:
    fields = {
        "operation": Operation.REQUEST,
        "sender_mac": "02:00:00:00:00:02",
        "sender_ip": "203.0.113.1",
        "target_mac": "00:00:00:00:00:00",
        "target_ip": "203.0.113.7",
    }
    return ARPPacket(**(fields | changes))  # type: ignore[arg-type]  # tests pass what types forbid


def test_a_request_has_the_octets_of_rfc_826() -> None:
    assert request().encode() == REQUEST
    assert ARPPacket.decode(REQUEST) == request()


def test_what_linux_sends_is_read_as_it_was_meant_and_written_as_it_was() -> None:
    asked, answered = (EthernetFrame.decode(LINUX[kind]) for kind in ("ARP request", "ARP reply"))
    client, host = asked.source, answered.source
    question = request(sender_mac=client, target_ip="203.0.113.2")
    answer = ARPPacket(
        operation=Operation.REPLY,
        sender_mac=host,
        sender_ip="203.0.113.2",
        target_mac=client,
        target_ip="203.0.113.1",
    )
    for frame, packet in ((asked, question), (answered, answer)):
        assert ARPPacket.decode(frame.payload) == packet
        assert packet.encode() == frame.payload


@given(arp_packets(), st.binary(max_size=18))
def test_a_packet_survives_the_round_trip_and_padding(packet: ARPPacket, padding: bytes) -> None:
    assert ARPPacket.decode(packet.encode() + padding) == packet


@given(st.binary(max_size=40) | st.binary(min_size=22, max_size=30).map(lambda tail: REQUEST[:6] + tail))
def test_any_octets_decode_to_themselves_or_raise_the_documented_error(data: bytes) -> None:
    try:
        packet = ARPPacket.decode(data)
    except DecodeError:
        assert len(data) < 28 or data[:6] != REQUEST[:6]
    else:
        assert packet.encode() == data[:28]


@pytest.mark.parametrize("position", range(6))
def test_another_pair_of_protocols_or_lengths_is_refused(position: int) -> None:
    data = bytearray(REQUEST)
    data[position] ^= 1
    with pytest.raises(DecodeError, match="IPv4 over Ethernet"):
        ARPPacket.decode(bytes(data))


@given(arp_packets())
def test_a_packet_prints_as_something_to_paste_back(packet: ARPPacket) -> None:
    assert eval(repr(packet), vars(arp) | {"IPv4Address": IPv4Address}) == packet


def test_operations_have_names_where_they_are_known_and_keep_their_number_otherwise() -> None:
    assert isinstance(request(operation=2).operation, Operation)
    assert request(operation=8).operation == 8
    assert ARPPacket.decode(request(operation=8).encode()).operation == 8


@pytest.mark.parametrize("operation", [-1, 0x10000])
def test_an_operation_out_of_range_cannot_be_built(operation: int) -> None:
    with pytest.raises(LocalError):
        request(operation=operation)


@pytest.mark.parametrize(
    ("field", "value"), [("sender_ip", "203.0.113"), ("target_ip", "2001:db8::1"), ("sender_mac", "02")]
)
def test_what_is_no_address_cannot_be_built(field: str, value: str) -> None:
    with pytest.raises(AddressError):
        request(**{field: value})


def test_addresses_come_out_as_objects() -> None:
    assert request().target_ip == IPv4Address("203.0.113.7")
