"""Answers and announcements joined from octets, beside what the codecs say in their place."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st

from arp import (
    ALL_NODES,
    BROADCAST,
    ETHERTYPE_IPV6,
    UNKNOWN,
    UNSPECIFIED,
    EthernetFrame,
    MACAddress,
    NeighborAdvertisement,
    NeighborSolicitation,
    Nonce,
    Operation,
    TargetLinkLayerAddress,
    encode_packet,
    group_mac,
    solicited_node_group,
)
from arp.frames import ARPFrames, NDPFrames, frames_about
from arp.testing import ip_addresses, ipv6_addresses, stations
from tests.arp.octets import arp


@given(stations(), ip_addresses(), stations(), st.ip_addresses(v=4))
def test_an_arp_answer(
    mac: MACAddress, address: IPv4Address, asker_mac: MACAddress, asker: IPv4Address
) -> None:
    assert ARPFrames(mac, address).answer(asker_mac.packed, asker.packed) == arp(
        destination=asker_mac,
        source=mac,
        operation=Operation.REPLY,
        sender_ip=str(address),
        target_mac=asker_mac,
        target_ip=str(asker),
    )


@given(stations(), ip_addresses(), stations())
def test_gratuitous_arp_has_both_operations(
    mac: MACAddress, address: IPv4Address, holder: MACAddress
) -> None:
    expected = [
        arp(
            destination=BROADCAST,
            source=mac,
            operation=operation,
            sender_mac=holder,
            sender_ip=str(address),
            target_mac=target_mac,
            target_ip=str(address),
        )
        for operation, target_mac in ((Operation.REQUEST, UNKNOWN), (Operation.REPLY, holder))
    ]
    assert list(ARPFrames(mac, address).gratuitous(holder)) == expected


@given(stations(), ip_addresses())
def test_an_arp_probe_has_no_sender(mac: MACAddress, address: IPv4Address) -> None:
    assert ARPFrames(mac, address).probe(bytes(6)) == arp(
        source=mac, sender_ip="0.0.0.0", target_ip=str(address)
    )


def advertisement(
    mac: MACAddress,
    address: IPv6Address,
    holder: MACAddress,
    to: tuple[MACAddress, IPv6Address],
    solicited: bool,
) -> bytes:
    message = NeighborAdvertisement(
        address, router=False, solicited=solicited, override=True, options=[TargetLinkLayerAddress(holder)]
    )
    packet = encode_packet(message, address, to[1])
    return EthernetFrame(destination=to[0], source=mac, ethertype=ETHERTYPE_IPV6, payload=packet).encode()


@given(stations(), ipv6_addresses(), stations(), ipv6_addresses())
def test_an_answer_to_a_host(
    mac: MACAddress, address: IPv6Address, asker_mac: MACAddress, asker: IPv6Address
) -> None:
    expected = advertisement(mac, address, mac, (asker_mac, asker), solicited=True)
    assert NDPFrames(mac, address).answer(asker_mac.packed, asker.packed) == expected


def test_a_checksum_of_zero_is_sent_as_zero() -> None:
    frames = NDPFrames(MACAddress("02:00:00:00:00:01"), IPv6Address("2001:db8::7"))
    zero = [
        asker
        for asker in range(1, 0x10000)
        if frames.answer(bytes(6), asker.to_bytes(16, "big"))[56:58] == b"\0\0"
    ]
    assert len(zero) == 1
    expected = advertisement(
        frames.mac, frames.address, frames.mac, (UNKNOWN, IPv6Address(zero[0])), solicited=True
    )
    assert frames.answer(bytes(6), zero[0].to_bytes(16, "big")) == expected


@given(stations(), ipv6_addresses(), stations())
def test_unsolicited_advertisements_go_to_all_nodes(
    mac: MACAddress, address: IPv6Address, other: MACAddress
) -> None:
    frames, everyone = NDPFrames(mac, address), (group_mac(ALL_NODES), ALL_NODES)
    assert frames.gratuitous(other) == (advertisement(mac, address, other, everyone, solicited=False),)
    assert frames.answer(other.packed, UNSPECIFIED.packed) == advertisement(
        mac, address, mac, everyone, solicited=False
    )


@given(stations(), ipv6_addresses(), st.binary(min_size=6, max_size=6))
def test_a_solicitation_that_probes_comes_from_nowhere_with_a_nonce(
    mac: MACAddress, address: IPv6Address, nonce: bytes
) -> None:
    group = solicited_node_group(address)
    packet = encode_packet(NeighborSolicitation(address, [Nonce(nonce)]), UNSPECIFIED, group)
    assert (
        NDPFrames(mac, address).probe(nonce)
        == EthernetFrame(
            destination=group_mac(group), source=mac, ethertype=ETHERTYPE_IPV6, payload=packet
        ).encode()
    )


def test_the_family_is_that_of_the_address() -> None:
    mac = MACAddress("02:00:00:00:00:01")
    assert frames_about(IPv4Address("203.0.113.7"), mac) == ARPFrames(mac, IPv4Address("203.0.113.7"))
    assert frames_about(IPv6Address("2001:db8::7"), mac) == NDPFrames(mac, IPv6Address("2001:db8::7"))
