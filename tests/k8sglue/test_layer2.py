"""The responders of a node on real interfaces, in a network namespace."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import pytest

from arp import BROADCAST, ETHERTYPE_ARP, ARPPacket, EthernetFrame, MACAddress, Operation, PrivilegeError
from arp.interface import Interface
from k8sglue import layer2
from k8sglue.layer2 import Layer2
from tests.conditions import DEADLINE, until
from tests.interop.netns import NetworkNamespace, needs_namespaces
from tests.k8sglue.objects import addresses

pytestmark = [*needs_namespaces]

OURS, OTHER = MACAddress("02:00:00:00:00:01"), MACAddress("02:00:00:00:00:02")
OWNED = addresses("203.0.113.7", "2001:db8::7")
PAIR = f"link add eth0 address {OURS} type veth peer name veth1 address {OTHER}"


@pytest.fixture
def node() -> Iterator[NetworkNamespace]:
    """Give a namespace where eth0 is cabled to veth1, and go there."""
    with NetworkNamespace("layer2") as made:
        ip(made, PAIR)
        ip(made, "link set eth0 up")
        ip(made, "link set veth1 up")
        with made.entered():
            yield made


@pytest.fixture
async def responders(node: NetworkNamespace) -> AsyncIterator[Layer2]:
    """Own an address of each family wherever that can be."""
    made = Layer2()
    made.replace(frozenset(OWNED))
    made.rescan()
    yield made
    made.close()


def ip(node: NetworkNamespace, command: str) -> None:
    node.run("ip", *command.split())


async def holders(address: str) -> list[MACAddress]:
    """Ask from the other end of the cable who has an address."""
    async with Interface("veth1") as asking:
        return [answer.mac for answer in await asking.probe(address, OURS, timeout=0.3)]


async def is_answered() -> bool:
    return [await holders(str(address)) for address in OWNED] == [[OURS]] * 2


async def wait_answered() -> None:
    async with asyncio.timeout(DEADLINE):
        while not await is_answered():  # which takes its time
            pass


def claim(address: str) -> None:
    """Say, from the other end of the cable, that an address is there."""
    packet = ARPPacket(
        operation=Operation.REQUEST, sender_mac=OTHER, sender_ip=address, target_mac=OTHER, target_ip=address
    )
    frame = EthernetFrame(
        destination=BROADCAST, source=OTHER, ethertype=ETHERTYPE_ARP, payload=packet.encode()
    )
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("veth1", 0))
        wire.send(frame.encode())


async def test_interfaces_of_the_lan_are_answered_on_and_no_others(
    node: NetworkNamespace, responders: Layer2
) -> None:
    ip(node, "link add br0 type bridge")
    for number, name in enumerate(("cali0", "eth1", "lan0", "lan1"), start=2):
        ip(node, f"link add {name} type veth peer name veth{number}")
    ip(node, "link set eth1 master br0")
    for name in ("br0", "cali0", "eth1", "lan0"):
        ip(node, f"link set {name} up")
    responders.rescan()
    # cali0 belongs to a container, eth1 to the bridge, lan1 is switched off.
    assert responders.interfaces == ["br0", "eth0", "lan0"]
    assert OURS in responders.macs
    assert len(responders.macs) == 3


async def test_both_families_are_answered(responders: Layer2) -> None:
    assert await is_answered()
    responders.replace(frozenset(OWNED[:1]))
    assert await holders(str(OWNED[0])) == [OURS]
    assert await holders(str(OWNED[1])) == []
    responders.close()
    assert await holders(str(OWNED[0])) == []


async def test_an_interface_that_is_made_anew_goes_on(node: NetworkNamespace, responders: Layer2) -> None:
    ip(node, "link delete eth0")
    responders.rescan()
    assert responders.interfaces == ["eth0"]
    ip(node, PAIR)
    ip(node, "link set eth0 up")
    ip(node, "link set veth1 up")
    await wait_answered()


async def test_an_interface_that_stays_away_is_given_up_and_found_again(
    node: NetworkNamespace, responders: Layer2
) -> None:
    ip(node, "link delete eth0")
    for _ in range(layer2._PATIENCE):
        responders.rescan()
    assert responders.interfaces == ["eth0"]
    responders.rescan()
    assert responders.interfaces == []
    ip(node, PAIR)
    ip(node, "link set eth0 up")
    ip(node, "link set veth1 up")
    responders.rescan()
    assert responders.interfaces == ["eth0"]
    await wait_answered()


async def test_another_station_with_our_address_is_told_of(
    responders: Layer2, caplog: pytest.LogCaptureFixture
) -> None:
    assert await is_answered()
    claim("203.0.113.7")
    await until(
        lambda: f"203.0.113.7 on eth0 is also used by {OTHER}, which is no speaker: defended" in caplog.text
    )


async def test_speakers_are_no_conflict(responders: Layer2, caplog: pytest.LogCaptureFixture) -> None:
    responders.befriend([OTHER])
    claim("203.0.113.7")
    # What was said before has been judged once a question that came after it is answered.
    assert await is_answered()
    assert "also used" not in caplog.text
    responders.befriend([])
    claim("203.0.113.7")
    await until(lambda: "also used" in caplog.text)


async def test_without_the_privilege_nothing_is_done(
    node: NetworkNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(interface: Interface) -> None:
        raise PrivilegeError(f"{interface.name}: no")

    monkeypatch.setattr(Interface, "open", refuse)
    with pytest.raises(PrivilegeError):
        Layer2().rescan()
