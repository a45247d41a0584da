"""What the kernel tells of interfaces: octets that a kernel sent, and others built as its headers say."""

import contextlib
import errno
import json
import struct
import sys
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import DecodeError, MACAddress
from arp.netlink import (
    AddressFound,
    AddressRemoved,
    Link,
    LinkEvent,
    LinkRemoved,
    ListEnd,
    ListInterrupted,
    Message,
    Refused,
    decode,
    ipv6_addresses_request,
    link_request,
    links_request,
)

DATA = Path(__file__).parents[1] / "data" / "netlink.json"
RECORDED: dict[str, list[bytes]] = {
    step: [bytes.fromhex(datagram) for datagram in datagrams]
    for step, datagrams in json.loads(DATA.read_text()).items()
}
pytestmark = pytest.mark.skipif(sys.byteorder != "little", reason="recorded on a little-endian machine")

UP, RUNNING, BROADCAST, NOARP = 0x1, 0x40, 0x2, 0x80


def told(step: str) -> list[Message]:
    """Give what the kernel told at a step of the record."""
    return [message for datagram in RECORDED[step] for message in decode(datagram)]


def links(step: str) -> list[Link]:
    """Give the descriptions among that."""
    return [message for message in told(step) if isinstance(message, Link)]


def attribute(kind: int, value: bytes) -> bytes:
    """Build a struct nlattr with its padding."""
    return struct.pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def message(kind: int, body: bytes, flags: int = 0) -> bytes:
    """Build a netlink message."""
    return struct.pack("=IHHII", 16 + len(body), kind, flags, 0, 0) + body


def link(
    *attributes: bytes, kind: int = 16, hardware: int = 1, flags: int = UP | RUNNING | BROADCAST
) -> bytes:
    """Build a message about interface 7: struct ifinfomsg, then attributes, IFLA_ADDRESS and IFLA_IFNAME first."""
    named = attribute(1, bytes.fromhex("020000000007")) + attribute(3, b"eth0\0")
    return message(kind, struct.pack("=BxHiII", 0, hardware, 7, flags, 0) + named + b"".join(attributes))


def linkinfo(kind: bytes, slave_kind: bytes | None = None) -> bytes:
    """Build IFLA_LINKINFO, with NLA_F_NESTED as some kernels set it."""
    slave = b"" if slave_kind is None else attribute(4, slave_kind + b"\0")
    return attribute(18 | 0x8000, attribute(1, kind + b"\0") + slave)


def one(octets: bytes) -> Link:
    """Read one description."""
    (found,) = decode(octets)
    assert isinstance(found, Link)
    return found


def test_an_interface_is_described_step_by_step() -> None:
    _, added = links("veth added")
    assert added == Link(
        index=3,
        name="eth0",
        mac=MACAddress("02:00:00:00:00:01"),
        up=False,
        running=False,
        broadcast=True,
        noarp=False,
        loopback=False,
        carrier=False,
        master=None,
        master_kind=None,
        parent=None,
        kind="veth",
    )
    assert [(state.up, state.running) for state in links("veth up")] == [(True, False)]
    assert [(state.up, state.running, state.carrier) for state in links("peer up")][-1] == (True, True, True)
    assert links("mac changed")[-1].mac == MACAddress("02:00:00:00:00:02")
    assert (links("peer down")[-1].name, links("peer down")[-1].running) == ("eth0", False)
    assert links("renamed")[-1].name == "wan0"


def test_a_bridge_has_ports_until_they_are_released() -> None:
    enslaved, released = links("enslaved")[0], links("released")
    (bridge,) = links("bridge added")
    assert (enslaved.master, enslaved.master_kind) == (bridge.index, bridge.kind) == (4, "bridge")
    assert [state.master for state in released if state.name == "eth0"][-1] is None


def test_a_port_that_is_released_is_not_gone_although_the_bridge_says_so_in_the_same_words() -> None:
    kinds = [struct.unpack_from("=4xH10xB", datagram) for datagram in RECORDED["released"]]
    assert (17, 7) in kinds  # RTM_DELLINK, AF_BRIDGE
    assert not [removed for removed in told("released") if isinstance(removed, LinkRemoved)]


def test_a_macvlan_interface_has_a_parent() -> None:
    _, made = links("macvlan added")
    assert (made.kind, made.parent, made.mac) == ("macvlan", 3, MACAddress("02:00:00:00:00:04"))
    assert links("arp off")[-1].noarp


def test_what_is_removed_is_told_by_its_number() -> None:
    removed = [gone for gone in told("veth removed") if isinstance(gone, LinkRemoved)]
    assert removed == [LinkRemoved(5), LinkRemoved(3), LinkRemoved(2)]


def test_questions_are_answered_with_one_interface_or_all_or_a_refusal() -> None:
    assert [found.name for found in links("one link")] == ["eth0"]
    assert told("no link") == [Refused(errno.ENODEV)]
    loopback, *others, end = told("all links")
    assert isinstance(loopback, Link)
    assert (loopback.name, loopback.mac, loopback.loopback) == ("lo", None, True)
    assert len(others) == 4
    assert end == ListEnd()


def test_an_address_is_of_use_once_it_is_known_to_be_unique() -> None:
    address = IPv6Address("fe80::1")
    mine = [found for found in told("ipv6 address added") if found == AddressFound(3, address, usable=True)]
    assert mine
    assert told("ipv6 address added")[0] == AddressFound(3, address, usable=False)
    assert AddressRemoved(3, address) in told("ipv6 address removed")
    assert told("ipv4 address added") == []
    assert told("all ipv6 addresses")[0] == AddressFound(1, IPv6Address("::1"), usable=True)


# Built as linux/if_link.h, linux/if_addr.h and the kernel's net/core/rtnetlink.c say; not recorded


def test_a_vlan_interface_has_a_parent_and_its_kind() -> None:
    found = one(link(attribute(5, struct.pack("=i", 3)), linkinfo(b"vlan")))
    assert (found.kind, found.parent) == ("vlan", 3)


def test_a_parent_in_another_namespace_and_the_number_zero_are_none() -> None:
    other_namespace = attribute(37, struct.pack("=i", 0))
    assert one(link(attribute(5, struct.pack("=i", 3)), other_namespace)).parent is None
    assert one(link(attribute(5, struct.pack("=i", 0)))).parent is None


@pytest.mark.parametrize(
    ("number", "event"),
    [(3, LinkEvent.BONDING_FAILOVER), (4, LinkEvent.NOTIFY_PEERS), (0, None), (6, None), (99, None)],
)
def test_a_bond_tells_that_it_changed_over(number: int, event: LinkEvent | None) -> None:
    plain = one(link(linkinfo(b"bond")))
    found = one(link(linkinfo(b"bond"), attribute(44, struct.pack("=I", number))))
    assert found.event is event
    assert found == plain  # an event is no change
    assert (found.kind, plain.event) == ("bond", None)


def test_an_interface_in_a_bond_or_a_vrf_says_in_what() -> None:
    master = attribute(10, struct.pack("=i", 9))
    assert (found := one(link(master, linkinfo(b"veth", b"bond")))).master_kind == "bond"
    assert found.master == 9
    assert one(link(master, linkinfo(b"vlan", b"vrf"))).master_kind == "vrf"


def test_an_event_of_a_wireless_driver_is_no_description() -> None:
    # net/wireless/wext-core.c: the name and IFLA_WIRELESS, and no address.
    body = struct.pack("=BxHiII", 0, 1, 7, UP | BROADCAST, 0)
    event = attribute(3, b"wlan0\0") + attribute(11, bytes.fromhex("10001b8b00000000"))
    assert decode(message(16, body + event)) == []


def test_a_wireless_interface_is_running_once_it_is_admitted() -> None:
    assert not one(link(flags=UP | BROADCAST)).running  # operational state "dormant"
    assert one(link()).running


def test_only_ethernet_has_mac_addresses() -> None:
    infiniband = struct.pack("=BxHiII", 0, 32, 7, UP, 0) + attribute(3, b"ib0\0") + attribute(1, bytes(20))
    assert one(message(16, infiniband)).mac is None
    assert one(link(hardware=776)).mac is None  # a tunnel with an address of six octets, if there were one
    short = struct.pack("=BxHiII", 0, 1, 7, UP, 0) + attribute(3, b"eth0\0") + attribute(1, bytes(5))
    assert one(message(16, short)).mac is None


def test_names_may_have_octets_that_are_no_text() -> None:
    body = struct.pack("=BxHiII", 0, 1, 7, UP, 0) + attribute(3, b"\xff0\0")
    assert link_request(one(message(16, body)).name).count(b"\xff0\0") == 1


def test_an_address_with_a_peer_is_the_local_one() -> None:
    local, peer = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
    body = struct.pack("=BBBBi", 10, 128, 0x80, 0, 7)
    body += attribute(1, peer.packed) + attribute(2, local.packed)
    assert decode(message(20, body)) == [AddressFound(7, local, usable=True)]
    failed = attribute(
        8, struct.pack("=I", 0x08)
    )  # IFA_F_DADFAILED, in place of the eight bits of the header
    assert decode(message(20, body + failed)) == [AddressFound(7, local, usable=False)]


def test_a_list_that_changed_meanwhile_says_so() -> None:
    assert decode(message(3, bytes(4), flags=0x12)) == [ListInterrupted(), ListEnd()]


def test_messages_of_other_families_and_types_are_left_out() -> None:
    ipv4 = struct.pack("=BBBBi", 2, 24, 0, 0, 7)
    route = message(24, bytes(12))
    assert decode(route + message(20, ipv4) + link()) == [one(link())]


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (bytes(15), "netlink header of 15 octets, must have 16"),
        (struct.pack("=IHHII", 15, 16, 0, 0, 0), "netlink message of 15 octets, must have 16 to 16"),
        (struct.pack("=IHHII", 17, 16, 0, 0, 0), "netlink message of 17 octets, must have 16 to 16"),
        (message(16, bytes(15)), "link message of 15 octets, must have 16"),
        (message(20, bytes(7)), "address message of 7 octets, must have 8"),
        (message(2, bytes(3)), "netlink error of 3 octets, must have 4"),
        (message(16, struct.pack("=BxHiII", 0, 1, 7, 0, 0)), "interface 7 without a name"),
        (message(16, bytes(16) + bytes(3)), "netlink attribute of 3 octets, must have 4"),
        (message(16, bytes(16) + b"\3\0\0\0"), "netlink attribute of 3 octets, must have 4 to 4"),
        (message(16, bytes(16) + b"\5\0\0\0"), "netlink attribute of 5 octets, must have 4 to 4"),
        (link(attribute(10, b"\1")), "number in a netlink attribute of 1 octets, must have 4"),
        (
            message(20, struct.pack("=BBBBi", 10, 64, 0, 0, 7)),
            "IPv6 address of 0 octets on interface 7, must have 16",
        ),
    ],
)
def test_octets_that_no_kernel_sends_are_refused_with_what_was_wrong(octets: bytes, complaint: str) -> None:
    with pytest.raises(DecodeError, match=complaint):
        decode(octets)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Give a datagram of the record with an octet altered, or cut off."""
    octets = draw(st.sampled_from([datagram for datagrams in RECORDED.values() for datagram in datagrams]))
    position = draw(st.integers(0, min(len(octets) - 1, 120)) | st.integers(0, len(octets) - 1))
    altered = octets[:position] + bytes([draw(st.integers(0, 255))]) + octets[position + 1 :]
    return draw(st.sampled_from([altered, octets[:position]]))


@given(damaged() | st.binary(max_size=80))
def test_any_octets_are_read_or_refused(octets: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode(octets)


def test_requests_have_the_lengths_that_they_tell_and_ask_for_no_counters() -> None:
    for request, kind in ((link_request("eth0"), 18), (links_request(), 18), (ipv6_addresses_request(), 22)):
        length, told_kind, flags = struct.unpack_from("=IHH", request)
        assert (length, told_kind) == (len(request), kind)
        assert flags == (0x301 if b"eth0" not in request else 0x1)
        assert (attribute(29, struct.pack("=I", 8)) in request) == (kind == 18)
