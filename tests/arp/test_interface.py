"""The driver against real kernels: interfaces, neighbour tables and frames in network namespaces."""

import asyncio
import os
import shutil
from collections.abc import Iterator

import pytest

from arp import InterfaceClosedError, InterfaceNotFoundError, NotEthernetError
from arp.interface import Interface, list_interfaces
from tests.arp.namespaces import Segment, segment, wait_until

VIP = "203.0.113.7"
NOBODY = "203.0.113.8"

# Sends one frame from eth0; its octets in hexadecimal, MINE for the MAC address of eth0.
SEND = """
import socket, sys
from arp.interface import list_interfaces
mac = next(info.mac for info in list_interfaces() if info.name == "eth0")
sending = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
sending.bind(("eth0", 0))
for text in sys.argv[1:]:
    sending.send(bytes.fromhex(text.replace("MINE", mac.packed.hex())))
"""
ARP_REQUEST = "0806 0001080006040001 MINE cb007101 000000000000 cb007107"


@pytest.fixture
def lan() -> Iterator[Segment]:
    """Give a client and two nodes on one segment."""
    if os.geteuid() != 0:
        pytest.skip("needs root, to make network namespaces")
    if shutil.which("ip") is None:
        pytest.skip("needs the program ip (Debian: iproute2)")
    with segment() as made:
        yield made


@pytest.mark.root
def test_the_kernel_of_another_host_resolves_an_address_that_no_interface_holds(lan: Segment) -> None:
    with lan.responder("node-a", VIP) as running:
        lan.ask(VIP)
        assert wait_until(lambda: lan.neighbour(VIP)[0]) == lan.mac("node-a")
        wait_until(lambda: lan.neighbour(VIP) == (lan.mac("node-a"), "REACHABLE"))
    assert running.report["replies"] == {VIP: 1}
    assert running.report["left_open"] == 0
    assert running.report["error"] is None


@pytest.mark.root
def test_an_address_that_is_not_owned_gets_no_answer(lan: Segment) -> None:
    with lan.responder("node-a", VIP) as running:
        lan.ask(NOBODY)
        wait_until(lambda: lan.neighbour(NOBODY)[1] == "FAILED")
        lan.ask(VIP)
        wait_until(lambda: lan.neighbour(VIP)[1] == "REACHABLE")
    assert running.report["ignored"] == {}  # the kernel kept the question about another address from us


@pytest.mark.root
def test_a_hand_over_reaches_clients_that_do_not_ask(lan: Segment) -> None:
    with lan.responder("node-a", VIP):
        lan.ask(VIP)
        wait_until(lambda: lan.neighbour(VIP)[0] == lan.mac("node-a"))
    with lan.responder("node-b", VIP) as running:
        wait_until(lambda: lan.neighbour(VIP)[0] == lan.mac("node-b"))
    assert running.report["replies"] == {VIP: 0}


@pytest.mark.root
def test_announcements_go_out_on_time_by_themselves(lan: Segment) -> None:
    with lan.responder("node-a", VIP):
        lan.ip(
            "client", "neigh", "replace", VIP, "lladdr", "02:00:00:00:00:99", "nud", "stale", "dev", "eth0"
        )
        wait_until(lambda: lan.neighbour(VIP)[0] == lan.mac("node-a"))


@pytest.mark.root
def test_whoever_probes_an_address_before_using_it_hears_that_it_is_taken(lan: Segment) -> None:
    probe = "ffffffffffff MINE 0806 0001080006040001 MINE 00000000 000000000000 cb007107"  # RFC 5227 2.1.1
    with lan.responder("node-a", VIP) as running:
        lan.python("client", SEND, probe)
        lan.ask(VIP)
        wait_until(lambda: lan.neighbour(VIP)[1] == "REACHABLE")
    assert running.report["replies"] == {VIP: 2}


@pytest.mark.root
@pytest.mark.parametrize("with_interface", [False, True])
def test_frames_of_a_vlan_are_not_ours_and_those_with_a_mere_priority_are(
    lan: Segment, with_interface: bool
) -> None:
    if with_interface:
        make_vlan_interface(lan)
    vlan_5 = f"ffffffffffff MINE 8100 0005 {ARP_REQUEST}"
    priority_3 = f"ffffffffffff MINE 8100 6000 {ARP_REQUEST}"
    with lan.responder("node-a", VIP) as running:
        lan.python("client", SEND, *[vlan_5] * 10, priority_3)
        lan.ask(VIP)
        wait_until(lambda: lan.neighbour(VIP)[1] == "REACHABLE")
    assert running.report["replies"] == {VIP: 2}
    assert running.report["ignored"] == {}


def make_vlan_interface(lan: Segment) -> None:
    """Give node-a an interface for VLAN 5 on eth0."""
    try:
        lan.ip("node-a", "link", "add", "link", "eth0", "name", "eth0.5", "type", "vlan", "id", "5")
    except AssertionError as error:
        pytest.skip(f"needs a kernel with CONFIG_VLAN_8021Q: {error}")
    lan.ip("node-a", "link", "set", "eth0.5", "up")


@pytest.mark.root
def test_the_filter_keeps_everything_else_from_the_process(lan: Segment) -> None:
    reply = "ffffffffffff MINE 0806 0001080006040002 MINE cb007101 000000000000 cb007101"
    ip = "ffffffffffff MINE 0800 4500"
    other_station = f"020000000077 MINE {ARP_REQUEST}"
    lan.ip("node-a", "link", "set", "eth0", "promisc", "on")
    with lan.responder("node-a", VIP) as running:
        lan.python("client", SEND, reply, ip, other_station)
        lan.ask(VIP)
        wait_until(lambda: lan.neighbour(VIP)[1] == "REACHABLE")
    assert running.report["replies"] == {VIP: 1}
    assert running.report["ignored"] == {}


@pytest.mark.root
def test_questions_that_come_all_at_once_are_all_answered(lan: Segment) -> None:
    addresses = [f"198.51.100.{last}" for last in range(1, 255)]
    ask = "ffffffffffff MINE 0806 0001080006040001 MINE cb007101 000000000000 c63364{:02x}"
    with lan.responder("node-a", *addresses) as running:
        lan.python("client", SEND, *[ask.format(last) for last in range(1, 255)])
        lan.ip("client", "route", "add", "198.51.100.0/24", "dev", "eth0")
        lan.ask(addresses[-1])
        wait_until(lambda: lan.neighbour(addresses[-1])[1] == "REACHABLE")
    replies = running.report["replies"]
    assert isinstance(replies, dict)
    assert set(replies) == set(addresses)
    assert all(replies.values())
    assert running.report["unsent"] == 0


@pytest.mark.root
def test_without_the_privilege_the_error_names_it(lan: Segment) -> None:
    output, _ = lan.start("node-a", "--unprivileged", "eth0", VIP).communicate(timeout=20)
    assert "PrivilegeError: eth0: " in output
    assert "CAP_NET_RAW" in output
    assert '"left_open": 0' in output


@pytest.mark.root
def test_root_without_the_capability_is_told_the_same(lan: Segment) -> None:
    if shutil.which("setpriv") is None:
        pytest.skip("needs the program setpriv (Debian: util-linux)")
    output, _ = lan.start("node-a", "eth0", VIP, before=("setpriv", "--bounding-set=-net_raw")).communicate(
        timeout=20
    )
    assert "PrivilegeError: eth0: a packet socket needs the capability CAP_NET_RAW" in output
    assert '"left_open": 0' in output


@pytest.mark.root
def test_interfaces_are_listed_with_what_decides_about_their_use(lan: Segment) -> None:
    show = "from arp.interface import *\nfor info in list_interfaces(): print(info)"
    switch = lan.python("switch", show)
    for port in ("client", "node-a", "node-b"):
        (line,) = [line for line in switch.splitlines() if f"name='{port}'" in line]
        assert "enslaved='br0'" in line
    lan.ip("node-a", "link", "set", "eth0", "arp", "off")
    node = lan.python("node-a", show)
    assert f"mac=MACAddress('{lan.mac('node-a')}'), up=True, broadcast=True, noarp=True" in node
    assert "name='lo', index=1, mac=None, up=False, broadcast=False, noarp=False, loopback=True" in node
    output, _ = lan.start("node-a", "eth0", VIP).communicate(timeout=20)
    assert "NotEthernetError" in output


# Without privileges


def test_every_host_has_a_loopback() -> None:
    (loopback,) = [info for info in list_interfaces() if info.loopback]
    assert loopback.mac is None
    assert loopback.enslaved is None


@pytest.mark.parametrize("name", ["no-such-link", "", "a-name-of-sixteen"])
async def test_an_interface_that_does_not_exist_is_named(name: str) -> None:
    with pytest.raises(InterfaceNotFoundError, match=f"^{name}: no such interface"):
        Interface(name).open()


async def test_the_loopback_is_refused() -> None:
    with pytest.raises(NotEthernetError, match=r"^lo: "):
        Interface("lo").open()


async def test_an_interface_that_is_not_open_says_so() -> None:
    interface = Interface("eth0")
    assert not interface.is_open
    interface.close()
    with pytest.raises(InterfaceClosedError):
        interface.replace([VIP])
    with pytest.raises(InterfaceClosedError):
        _ = interface.statistics
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(interface.wait_closed(), 0)
