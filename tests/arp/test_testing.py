"""The strategies themselves: that they draw what they promise, and do not only ever draw the same."""

from collections.abc import Callable
from ipaddress import IPv6Address

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from arp import (
    ETHERTYPE_IPV6,
    ARPPacket,
    DecodeError,
    EthernetFrame,
    NDPMessage,
    NeighborAdvertisement,
    NeighborSolicitation,
    RouterAdvertisement,
    RouterSolicitation,
    decode_packet,
)
from arp.testing import frames, ip_addresses, ipv6_addresses, stations

MAC = "02:00:00:00:00:01"
VIP, VIP6 = "203.0.113.7", "2001:db8::7"


def decoded(octets: bytes) -> tuple[EthernetFrame | None, ARPPacket | NDPMessage | None]:
    """Give the frame and what is in it, None for what is none."""
    try:
        frame = EthernetFrame.decode(octets)
    except DecodeError:
        return None, None
    try:
        if frame.ethertype == ETHERTYPE_IPV6:
            return frame, decode_packet(frame.payload)[1]
        return frame, ARPPacket.decode(frame.payload)
    except DecodeError:
        return frame, None


@pytest.fixture(scope="module")
def some_frames() -> list[bytes]:
    """Give what a test with a few hundred examples meets."""
    drawn: list[bytes] = []

    @settings(derandomize=True, database=None, max_examples=500, phases=[Phase.generate])
    @given(frames(mac=MAC, addresses=[VIP, IPv6Address(VIP6)]))
    def collect(octets: bytes) -> None:
        drawn.append(octets)

    collect()
    return drawn


Wanted = Callable[[EthernetFrame | None, ARPPacket | NDPMessage | None], bool]


@pytest.mark.parametrize(
    "wanted",
    [
        lambda frame, _: frame is None,
        lambda frame, _: bool(frame and len(frame.tags) > 1),
        lambda frame, content: bool(frame and frame.ethertype == ETHERTYPE_IPV6 and content is None),
        lambda _, content: isinstance(content, RouterSolicitation),
        lambda _, content: isinstance(content, RouterAdvertisement),
        lambda _, content: isinstance(content, ARPPacket) and str(content.target_ip) == VIP,
        lambda _, content: isinstance(content, NeighborSolicitation) and str(content.target) == VIP6,
        lambda _, content: isinstance(content, NeighborAdvertisement) and str(content.target) == VIP6,
    ],
)
def test_frames_of_both_families_come_in_all_kinds_and_damaged(
    wanted: Wanted, some_frames: list[bytes]
) -> None:
    assert any(wanted(*decoded(octets)) for octets in some_frames)


@given(frames(mac=MAC, addresses=[VIP]))
def test_without_ipv6_addresses_there_is_no_neighbor_discovery(octets: bytes) -> None:
    _, content = decoded(octets)
    assert content is None or isinstance(content, ARPPacket)


@given(st.data())
def test_addresses_and_stations_are_those_of_hosts(data: st.DataObject) -> None:
    mac = data.draw(stations())
    assert not mac.is_multicast
    assert not mac.is_zero
    for address in (data.draw(ip_addresses()), data.draw(ipv6_addresses())):
        assert not address.is_multicast
        assert not address.is_loopback
        assert not address.is_unspecified
