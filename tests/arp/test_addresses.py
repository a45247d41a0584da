"""Which addresses can be owned, and which MAC addresses are those of a station."""

from ipaddress import IPv6Address, ip_address

import pytest

from arp import AddressError, MACAddress
from arp.addresses import host_address, station


@pytest.mark.parametrize("text", ["203.0.113.7", "169.254.1.1", "2001:db8::7", "fe80::7", "fd00::7"])
def test_unicast_addresses_are_taken_as_text_and_as_objects(text: str) -> None:
    assert host_address(text) == host_address(ip_address(text)) == ip_address(text)


def test_a_zone_is_dropped() -> None:
    assert host_address("fe80::7%eth0") == IPv6Address("fe80::7")


@pytest.mark.parametrize(
    "text",
    [
        *("224.0.0.1", "0.0.0.0", "127.0.0.1", "255.255.255.255"),
        *("ff02::1", "::", "::1", "::ffff:203.0.113.7"),
    ],
)
def test_what_no_host_on_a_segment_can_have_is_refused_by_name(text: str) -> None:
    with pytest.raises(AddressError, match=str(ip_address(text))):
        host_address(text)


@pytest.mark.parametrize("value", ["203.0.113", "", "203.0.113.7/32", 7, None])
def test_what_is_no_address_is_refused(value: object) -> None:
    with pytest.raises(AddressError, match="is no IP address"):
        host_address(value)  # type: ignore[arg-type]  # a caller without a type checker


def test_a_station_is_neither_a_group_nor_nobody() -> None:
    assert station("02:00:00:00:00:01") == MACAddress("02:00:00:00:00:01")
    for text in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02:00"):
        with pytest.raises(AddressError):
            station(text)
