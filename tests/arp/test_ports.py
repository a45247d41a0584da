"""IPv6 through a switch that snoops MLD, from an ordinary interface, a macvlan, a bridge and one of its ports."""

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from arp import MACAddress, State
from tests.arp.lan import NODE_MAC, VIP, VIP6, Host, Lan
from tests.arp.wire import answering
from tests.conditions import until
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

SECOND_MAC = MACAddress("02:00:00:00:00:02")
MEMBERSHIP = "port to-node grp ff02::1:ff00:7"


def make_macvlan(node: Host) -> None:
    """Put a second interface on eth0."""
    node.ip(f"link add link eth0 name macvlan0 address {SECOND_MAC} type macvlan mode bridge")
    node.ip("link set macvlan0 up")


def make_bridge(node: Host) -> None:
    """Make eth0 a port of a bridge that snoops too."""
    node.ip(f"link add br0 address {SECOND_MAC} type bridge mcast_snooping 1")
    node.ip("link set eth0 master br0")
    node.ip("link set br0 up")


def knows_membership(switched: Lan) -> bool:
    """Tell whether the switch forwards the group of the address to the node."""
    return MEMBERSHIP in switched.switch.run("bridge", "mdb", "show")


async def resolved(client: Host, vip: str, mac: MACAddress) -> None:
    """Wait until the client's kernel, which is made to ask, has an answer."""
    client.ask(vip)
    await until(lambda: client.neighbour(vip) == (mac, "REACHABLE"))


@pytest.mark.parametrize(
    ("name", "make", "mac"),
    [
        ("eth0", None, NODE_MAC),
        ("macvlan0", make_macvlan, SECOND_MAC),
        ("br0", make_bridge, SECOND_MAC),
    ],
)
async def test_a_snooping_switch_learns_of_the_group_and_is_told_again_when_it_forgets(
    switched: Lan, name: str, make: Callable[[Host], None] | None, mac: MACAddress
) -> None:
    if make is not None:
        make(switched.node)
    async with answering(VIP, VIP6, name=name) as interface:
        await until(lambda: knows_membership(switched))
        switched.switch.run("ip", "link", "set", "to-node", "nomaster")  # the port forgets
        assert not knows_membership(switched)
        switched.switch.run("ip", "link", "set", "to-node", "master", "br0")  # and asks as it comes back
        await until(lambda: knows_membership(switched))
        for vip in (VIP, VIP6):
            await resolved(switched.client, vip, mac)
        interface.remove(VIP6)
        await until(lambda: not knows_membership(switched))


async def test_a_port_of_a_bridge_says_nothing_and_the_bridge_can_answer_beside_it(switched: Lan) -> None:
    make_bridge(switched.node)
    async with answering(VIP, VIP6) as port, answering(VIP, VIP6, name="br0") as bridge:
        assert (port.state, bridge.state) == (State.DOWN, State.UP)
        for vip in (VIP, VIP6):
            await resolved(switched.client, vip, SECOND_MAC)
            assert port.statistics.replies[ip_address(vip)] == 0
            assert bridge.statistics.replies[ip_address(vip)] == 1
            assert not port.statistics.gratuitous[ip_address(vip)]
