"""What is said of interfaces, against what a real kernel does with them in network namespaces."""

from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv6Address

import pytest

from arp import InterfaceNotFoundError, MACAddress
from arp.links import LinkWatcher, list_interfaces
from arp.netlink import Link
from tests.conditions import until
from tests.interop.netns import NetworkNamespace, needs_namespaces

pytestmark = [*needs_namespaces]


@pytest.fixture
def node() -> Iterator[NetworkNamespace]:
    """Give a namespace with a pair of interfaces, eth0 and eth1, and go there."""
    with NetworkNamespace("links") as made:
        pair = "eth0 address 02:00:00:00:00:01 type veth peer name eth1 address 02:00:00:00:00:02"
        made.run("ip", "link", "add", *pair.split())
        made.run("ip", "link", "set", "eth0", "up")
        made.run("ip", "link", "set", "eth1", "up")
        with made.entered():
            yield made


class Follower:
    """A watcher, and what it was told."""

    def __init__(self, name: str) -> None:
        self.told: list[Link | None] = []
        self.watcher = LinkWatcher(name, self.told.append)

    @property
    def link(self) -> Link | None:
        """The present description."""
        return self.watcher.link


@pytest.fixture
async def follower(node: NetworkNamespace) -> AsyncIterator[Follower]:
    """Follow eth0."""
    made = Follower("eth0")
    made.watcher.open()
    yield made
    made.watcher.close()


def ip(node: NetworkNamespace, command: str) -> None:
    node.run("ip", *command.split())


def test_interfaces_are_listed_with_what_decides_about_their_use(node: NetworkNamespace) -> None:
    ip(node, "link add br0 type bridge")
    ip(node, "link set eth1 master br0")
    ip(node, "link add link eth0 name macvlan0 type macvlan")
    ip(node, "link set eth0 arp off")
    found = {info.name: info for info in list_interfaces()}
    assert found.keys() == {"lo", "eth0", "eth1", "br0", "macvlan0"}
    assert (found["eth0"].mac, found["eth0"].noarp) == (MACAddress("02:00:00:00:00:01"), True)
    assert (found["eth1"].enslaved, found["eth1"].noarp, found["eth1"].up) == ("br0", False, True)
    assert (found["br0"].kind, found["br0"].enslaved, found["br0"].up) == ("bridge", None, False)
    assert (found["macvlan0"].kind, found["macvlan0"].parent) == ("macvlan", "eth0")
    assert (found["lo"].loopback, found["lo"].mac, found["lo"].broadcast) == (True, None, False)


def test_a_cable_that_is_unplugged_is_told_from_an_interface_that_is_off(node: NetworkNamespace) -> None:
    ip(node, "link set eth1 down")
    found = {info.name: (info.up, info.carrier) for info in list_interfaces()}
    assert (found["eth0"], found["eth1"]) == ((True, False), (False, False))


async def test_down_and_up_and_another_address_are_told(node: NetworkNamespace, follower: Follower) -> None:
    await until(lambda: follower.link and follower.link.running)
    follower.told.clear()
    ip(node, "link set eth1 down")
    await until(lambda: follower.link and not follower.link.running)
    ip(node, "link set eth1 up")
    await until(lambda: follower.link and follower.link.running)
    ip(node, "link set eth0 address 02:00:00:00:00:03")
    await until(lambda: follower.link and follower.link.mac == MACAddress("02:00:00:00:00:03"))
    assert follower.told[-1] == follower.link
    assert all(one != other for one, other in zip(follower.told, follower.told[1:], strict=False))


async def test_an_interface_that_is_removed_and_made_again_is_another_one(
    node: NetworkNamespace, follower: Follower
) -> None:
    assert follower.link is not None
    before = follower.link.index
    ip(node, "link delete eth0")
    await until(lambda: follower.link is None)
    assert follower.told[-1] is None
    ip(node, "link add eth0 type veth peer name eth1")
    await until(lambda: follower.link is not None and follower.link.index != before)


async def test_an_interface_of_another_name_is_not_followed_and_one_that_takes_the_name_is(
    node: NetworkNamespace, follower: Follower
) -> None:
    ip(node, "link set eth0 name wan0")
    await until(lambda: follower.link is None)
    ip(node, "link set eth1 name eth0")
    await until(lambda: follower.link is not None and follower.link.mac == MACAddress("02:00:00:00:00:02"))


async def test_a_port_that_leaves_its_bridge_is_still_there(
    node: NetworkNamespace, follower: Follower
) -> None:
    ip(node, "link add br0 type bridge")
    ip(node, "link set eth0 master br0")
    await until(lambda: follower.link and follower.link.master_kind == "bridge")
    ip(node, "link set eth0 nomaster")
    await until(lambda: follower.link and follower.link.master is None)
    assert None not in follower.told


async def test_the_link_local_address_is_known_once_it_is_unique(
    node: NetworkNamespace, follower: Follower
) -> None:
    made_of_mac = IPv6Address("fe80::ff:fe00:1")
    await until(lambda: follower.watcher.link_local == made_of_mac)
    ip(node, "address add 2001:db8::1/64 dev eth0 nodad")
    ip(node, "-6 address del fe80::ff:fe00:1/64 dev eth0")
    await until(lambda: follower.watcher.link_local is None)


async def test_news_that_are_lost_are_made_up_for(node: NetworkNamespace, follower: Follower) -> None:
    flood = "\n".join(f"link set eth1 mtu {mtu}\nlink set eth0 mtu {mtu}" for mtu in range(1280, 1500))
    node.run("sh", "-c", f"echo '{flood}' | ip -batch -")
    ip(node, "link set eth0 address 02:00:00:00:00:03")  # told to nobody: the queue is full
    await until(lambda: follower.link and follower.link.mac == MACAddress("02:00:00:00:00:03"))


@pytest.mark.parametrize("name", ["no-such-link", "", "a-name-of-sixteen", "eth0\0"])
async def test_an_interface_that_does_not_exist_is_named(node: NetworkNamespace, name: str) -> None:
    with pytest.raises(InterfaceNotFoundError, match=f"^{name}: no such interface"):
        LinkWatcher(name, print).open()


async def test_nothing_is_told_after_the_end(node: NetworkNamespace, follower: Follower) -> None:
    other = Follower("eth1")

    def close(link: Link | None) -> None:
        other.told.append(link)
        other.watcher.close()

    other.watcher.changed = close
    other.watcher.open()
    ip(node, "link set eth1 mtu 1400")
    ip(node, "link set eth1 address 02:00:00:00:00:04")
    ip(node, "link set eth0 address 02:00:00:00:00:05")
    await until(lambda: follower.link and follower.link.mac == MACAddress("02:00:00:00:00:05"))
    other.watcher.close()
    assert len(other.told) == 1
