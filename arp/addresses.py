"""Which addresses a host on a segment can have: the checks of what callers pass."""

from ipaddress import IPv4Address, IPv6Address, ip_address

from arp.errors import AddressError
from arp.ethernet import MACAddress

_LIMITED_BROADCAST = IPv4Address("255.255.255.255")


def station(value: MACAddress | str | bytes) -> MACAddress:
    """Give the MAC address of a single station; raise `AddressError` for a group's, the all-zero one, or none."""
    mac = MACAddress(value)
    if mac.is_multicast or mac.is_zero:
        raise AddressError(f"{mac} is no station's own MAC address")
    return mac


def host_address(value: IPv4Address | IPv6Address | str) -> IPv4Address | IPv6Address:
    """Give the unicast address of a host on a segment, without its zone; raise `AddressError` for others.

    Multicast, unspecified and loopback addresses, 255.255.255.255 and IPv4-mapped addresses are refused.
    """
    try:
        address = ip_address(value) if isinstance(value, str) else value
    except ValueError as error:
        raise AddressError(f"{value!r} is no IP address") from error
    if not isinstance(address, IPv4Address | IPv6Address):
        raise AddressError(f"{value!r} is no IP address")
    never = address.is_multicast or address.is_unspecified or address.is_loopback
    if never or address == _LIMITED_BROADCAST or getattr(address, "ipv4_mapped", None):
        raise AddressError(f"{address} is no address that a host on the segment can own")
    # The zone says which link, and a responder has only one.
    return IPv6Address(address.packed) if isinstance(address, IPv6Address) else address
