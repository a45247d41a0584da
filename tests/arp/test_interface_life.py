"""The driver from within: what it does while its interface comes, goes and changes, on real kernels."""

import asyncio
import logging
import os
import resource
import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import attrs
import pytest

from arp import (
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    UNKNOWN,
    ARPPacket,
    Claimed,
    Conflict,
    EthernetFrame,
    InterfaceBack,
    InterfaceClosedError,
    InterfaceDownError,
    InterfaceError,
    InterfaceGone,
    LinkDown,
    LinkUp,
    LocalError,
    MACAddress,
    MACChanged,
    NeighborSolicitation,
    Operation,
    Outcome,
    PrivilegeError,
    Settings,
    State,
    encode_packet,
    group_mac,
    netlink,
    solicited_node_group,
)
from arp.interface import Interface
from tests.arp.wire import CLIENT, CLIENT6, CLIENT_MAC, NODE_MAC, Wire, answering, ask, plug_in, wire
from tests.conditions import DEADLINE, until
from tests.interop.netns import NetworkNamespace, needs_namespaces

pytestmark = [*needs_namespaces]

VIP, VIP6 = "203.0.113.7", "2001:db8::7"
ONCE = Settings(announce_duration=0, refresh_interval=0)
"""Nothing is announced again by itself."""
NEW_MAC = MACAddress("02:00:00:00:00:99")


@pytest.fixture
def cable() -> Iterator[Wire]:
    """Give a node and a client; the test is on the node."""
    with wire() as made:
        yield made


def arp(sender: str, target: str, *, operation: int = Operation.REQUEST) -> bytes:
    """Build an ARP frame of the client's, to everyone."""
    packet = ARPPacket(
        operation=operation, sender_mac=CLIENT_MAC, sender_ip=sender, target_mac=UNKNOWN, target_ip=target
    )
    return EthernetFrame(
        destination=BROADCAST, source=CLIENT_MAC, ethertype=ETHERTYPE_ARP, payload=packet.encode()
    ).encode()


async def resolved(cable: Wire, address: str, mac: MACAddress = NODE_MAC) -> None:
    """Wait until the client's kernel, which is made to ask, has an answer."""
    cable.ask(address)
    await until(lambda: cable.neighbour(address) == (mac, "REACHABLE"))


async def announced(cable: Wire, *claims: tuple[str, MACAddress]) -> None:
    """Wait until all this was announced."""
    heard: list[tuple[str, MACAddress]] = []

    def all_are_heard() -> bool:
        heard.extend(cable.announced())
        return set(claims) <= set(heard)

    await until(all_are_heard)


# Both families


async def test_the_kernel_of_another_host_finds_addresses_of_both_families(cable: Wire) -> None:
    async with answering(VIP, VIP6) as interface:
        await resolved(cable, VIP)
        await resolved(cable, VIP6)
        replies = interface.statistics.replies
        assert interface.addresses == {IPv4Address(VIP), IPv6Address(VIP6)}
    assert replies == {IPv4Address(VIP): 1, IPv6Address(VIP6): 1}


async def test_addresses_of_both_families_are_announced(cable: Wire) -> None:
    async with answering(VIP, VIP6):
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))


async def test_an_address_that_is_removed_is_silent_and_its_successor_is_named(cable: Wire) -> None:
    async with answering(VIP, VIP6) as interface:
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))
        interface.remove(VIP, successor=NEW_MAC)
        interface.remove(VIP6, successor=NEW_MAC)
        assert interface.addresses == frozenset()
    last = cable.heard()
    assert all(EthernetFrame.decode(frame).source == NODE_MAC for frame in last)  # no switch learns anything
    said = [frame for frame in last if NEW_MAC.packed in frame]
    assert {EthernetFrame.decode(frame).ethertype for frame in said} == {ETHERTYPE_ARP, ETHERTYPE_IPV6}
    cable.ask(VIP)
    await until(lambda: cable.neighbour(VIP)[1] == "FAILED")


async def test_another_station_with_the_address_is_told_and_answered(cable: Wire) -> None:
    async with answering(VIP, settings=ONCE) as interface:
        events = interface.events()
        await announced(cable, (VIP, NODE_MAC))
        cable.send(arp(VIP, CLIENT))
        event = await anext(events)
        assert event == Conflict(
            address=IPv4Address(VIP), mac=CLIENT_MAC, interface="eth0", outcome=Outcome.DEFENDED
        )
        await announced(cable, (VIP, NODE_MAC))


async def test_probing_ends_in_a_claim(cable: Wire) -> None:
    async with Interface("eth0", settings=Settings(probe_count=2)) as interface:
        events = interface.events()
        interface.add(VIP)
        interface.add(VIP6)
        claimed = {await anext(events), await anext(events)}
        assert {claim.address for claim in claimed if isinstance(claim, Claimed)} == interface.claims.keys()
        interface.change_settings(Settings())
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))


# The link


@pytest.mark.parametrize("end", ["cable", "switch"])
async def test_all_is_announced_again_when_the_link_comes_back(cable: Wire, end: str) -> None:
    turn = cable.client_ip if end == "cable" else cable.ip
    async with answering(VIP, VIP6, settings=ONCE) as interface:
        events = interface.events()
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))
        turn("link set eth0 down")
        assert await anext(events) == LinkDown("eth0")
        assert interface.state is State.DOWN
        turn("link set eth0 up")
        assert await anext(events) == LinkUp("eth0")
        cable.heard()
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))
        await resolved(cable, VIP)
        await resolved(cable, VIP6)


async def test_an_interface_that_is_down_can_be_opened_and_given_addresses(cable: Wire) -> None:
    cable.ip("link set eth0 down")
    async with answering(VIP) as interface:
        states = [interface.state]
        cable.ip("link set eth0 up")
        await announced(cable, (VIP, NODE_MAC))
        await resolved(cable, VIP)
        assert [*states, interface.state] == [State.DOWN, State.UP]


async def test_another_mac_address_is_announced(cable: Wire) -> None:
    async with answering(VIP, VIP6, settings=ONCE) as interface:
        events = interface.events()
        cable.ip(f"link set eth0 address {NEW_MAC}")
        assert await anext(events) == MACChanged("eth0", NEW_MAC)
        await announced(cable, (VIP, NEW_MAC), (VIP6, NEW_MAC))
        await resolved(cable, VIP, NEW_MAC)
        assert interface.info.mac == NEW_MAC


async def test_an_interface_that_is_removed_and_made_again_goes_on(cable: Wire) -> None:
    async with answering(VIP, VIP6) as interface:
        events = interface.events()
        cable.ip("link delete eth0")
        assert [await anext(events), await anext(events)] == [LinkDown("eth0"), InterfaceGone("eth0")]
        assert interface.state is State.MISSING
        interface.add("203.0.113.8")
        interface.remove(VIP6)
        cable.ip("link add padding type veth")  # so that the number is another one
        plug_in(cable.node, cable.client)
        assert [await anext(events), await anext(events)] == [InterfaceBack("eth0"), LinkUp("eth0")]
        interface.add(VIP6)
        await asyncio.sleep(0)
        for address in (VIP, "203.0.113.8", VIP6):
            await resolved(cable, address)


async def test_a_port_of_a_bridge_is_silent_until_it_is_released(
    cable: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    cable.ip("link add br0 type bridge")
    async with answering(VIP, settings=ONCE) as interface:
        events = interface.events()
        cable.ip("link set eth0 master br0")
        assert await anext(events) == LinkDown("eth0")
        assert "it is part of br0" in caplog.text
        assert interface.info.enslaved == "br0"
        cable.ip("link set eth0 nomaster")
        assert await anext(events) == LinkUp("eth0")
        cable.heard()
        await announced(cable, (VIP, NODE_MAC))


async def test_arp_that_is_switched_off_is_respected(cable: Wire) -> None:
    async with answering(VIP) as interface:
        events = interface.events()
        cable.ip("link set eth0 arp off")
        assert await anext(events) == LinkDown("eth0")
        cable.ip("link set eth0 arp on")
        assert await anext(events) == LinkUp("eth0")


async def test_a_bridge_answers(cable: Wire) -> None:
    cable.ip(f"link add br0 address {NEW_MAC} type bridge")
    cable.ip("link set eth0 master br0")
    cable.ip("link set br0 up")
    async with answering(VIP, VIP6, name="br0"):
        await resolved(cable, VIP, NEW_MAC)
        await resolved(cable, VIP6, NEW_MAC)


async def test_a_macvlan_interface_answers_beside_its_parent(cable: Wire) -> None:
    cable.ip(f"link add link eth0 name macvlan0 address {NEW_MAC} type macvlan mode bridge")
    cable.ip("link set macvlan0 up")
    async with answering(VIP, VIP6, name="macvlan0"), answering("203.0.113.8") as parent:
        await resolved(cable, VIP, NEW_MAC)
        await resolved(cable, VIP6, NEW_MAC)
        await resolved(cable, "203.0.113.8")
        assert not sum(parent.statistics.ignored.values())


@pytest.mark.parametrize("tags", ["8100 0005", "88a8 0005", "88a8 0005 8100 0007"])
async def test_frames_with_a_tag_are_not_answered(cable: Wire, tags: str) -> None:
    question = arp(CLIENT, VIP)
    tagged = question[:12] + bytes.fromhex(tags) + question[12:]
    async with answering(VIP) as interface:
        cable.send(*[tagged] * 10)
        await resolved(cable, VIP)
        assert interface.statistics.replies == {IPv4Address(VIP): 1}


async def test_a_vlan_interface_answers_with_a_tag(cable: Wire) -> None:
    try:
        cable.ip("link add link eth0 name eth0.5 type vlan id 5")
    except RuntimeError as error:
        pytest.skip(f"needs a kernel with CONFIG_VLAN_8021Q: {error}")
    cable.ip("link set eth0.5 up")
    cable.client_ip("link add link eth0 name eth0.5 type vlan id 5")
    cable.client_ip("link set eth0.5 up")
    cable.client_ip("address add 198.51.100.1/24 dev eth0.5")
    async with answering("198.51.100.7", name="eth0.5") as interface, answering("198.51.100.7") as parent:
        cable.ask("198.51.100.7")
        await until(lambda: sum(interface.statistics.replies.values()))
        assert parent.statistics.replies == {IPv4Address("198.51.100.7"): 0}


async def test_a_bond_that_changes_over_announces_again(cable: Wire) -> None:
    try:
        cable.ip("link add bond0 type bond mode active-backup miimon 10")
    except RuntimeError as error:
        pytest.skip(f"needs a kernel with CONFIG_BONDING: {error}")
    cable.ip("link add spare type veth peer name other")
    for port in ("eth0", "spare"):
        cable.ip(f"link set {port} down")
        cable.ip(f"link set {port} master bond0")
    for link in ("other", "bond0"):
        cable.ip(f"link set {link} up")
    cable.ip("link set bond0 type bond active_slave spare")
    async with answering(VIP, name="bond0") as interface:
        await until(lambda: interface.state is State.UP)
        cable.heard()
        cable.ip("link set bond0 type bond active_slave eth0")
        await until(lambda: [said for said in cable.announced() if said[0] == VIP])


async def test_an_event_of_a_bond_or_a_vlan_on_it_announces_again(
    cable: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decode_with_an_event(datagram: bytes) -> list[netlink.Message]:
        return [
            attrs.evolve(message, event=netlink.LinkEvent.NOTIFY_PEERS)
            if isinstance(message, netlink.Link)
            else message
            for message in decode(datagram)
        ]

    decode = netlink.decode
    async with answering(VIP, VIP6, settings=ONCE):
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))
        # Only bonds and the like send this; here a kernel without them is made to say it of a cable.
        monkeypatch.setattr(netlink, "decode", decode_with_an_event)
        before = cable.announced()
        cable.ip("link set eth0 alias changed-over")
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))
        assert before == []


# Groups


async def test_a_snooping_switch_forwards_since_we_are_known_to_want_it() -> None:
    with (
        NetworkNamespace("switch") as switch,
        NetworkNamespace("node") as node,
        NetworkNamespace("client") as client,
    ):
        make_switch(switch, {"to-node": node, "to-client": client})
        client.run("ip", "address", "add", f"{CLIENT6}/64", "dev", "eth0", "nodad")
        membership = "port to-node grp ff02::1:ff00:7"
        with node.entered(), packet_socket() as tap:
            async with answering(VIP6) as interface:
                await until(lambda: membership in switch.run("bridge", "mdb", "show"))
                # A bridge forwards everything until its first query has been answered.
                await until(lambda: only_wanted_groups_arrive(client, tap))
                ask(client, VIP6)
                await until(lambda: interface.statistics.replies[IPv6Address(VIP6)])
                interface.remove(VIP6)
                await until(lambda: membership not in switch.run("bridge", "mdb", "show"))


def make_switch(switch: NetworkNamespace, ports: dict[str, NetworkNamespace]) -> None:
    """Make a bridge that snoops MLD and sends its queries, with short intervals (hundredths of a second)."""
    intervals = "mcast_query_response_interval 20 mcast_last_member_interval 10"
    switch.run("ip", "link", "add", "br0", "type", "bridge", "mcast_snooping", "1", *intervals.split())
    for port, host in ports.items():
        switch.run(*f"ip link add {port} type veth peer name eth0 netns {host.name}".split())
        switch.run(*f"ip link set {port} master br0 up".split())
        host.run("ip", "link", "set", "eth0", "up")
    # It asks twice, and then only after minutes: it needs an address to ask from before it begins.
    switch.run("ip", "link", "set", "br0", "up")
    switch.run("ip", "address", "add", "fe80::b/64", "dev", "br0", "nodad")
    switch.run("ip", "link", "set", "br0", "type", "bridge", "mcast_querier", "1")


def packet_socket() -> socket.socket:
    """Open a tap on eth0 of the namespace that we are in."""
    tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    tap.bind(("eth0", 3))
    tap.settimeout(DEADLINE)
    return tap


def only_wanted_groups_arrive(client: NetworkNamespace, tap: socket.socket) -> bool:
    """Send from the client to a group that nobody joined and then to ours, and tell whether only ours arrives."""
    nobodys, ours = (solicitation_for(address) for address in ("2001:db8::9", VIP6))
    with client.entered(), packet_socket() as sending:
        sending.send(nobodys)
        sending.send(ours)
    arrived: list[bytes] = []
    while ours not in arrived:
        arrived.append(tap.recv(2048))
    return nobodys not in arrived


def solicitation_for(address: str) -> bytes:
    """Build a solicitation to the group of an address."""
    target = IPv6Address(address)
    group = solicited_node_group(target)
    return EthernetFrame(
        destination=group_mac(group),
        source=CLIENT_MAC,
        ethertype=ETHERTYPE_IPV6,
        payload=encode_packet(NeighborSolicitation(target), IPv6Address("fe80::c1"), group),
    ).encode()


def groups_joined(cable: Wire) -> int:
    """Count the groups of eth0 on the node."""
    return cable.node.run("cat", "/proc/net/igmp6").count(" eth0 ")


async def test_thousands_of_groups_are_joined_and_left(cable: Wire) -> None:
    addresses = [str(IPv6Address("2001:db8::1:0") + number) for number in range(5000)]
    async with Interface("eth0") as interface:
        before = groups_joined(cable)
        interface.replace([*addresses, VIP])
        await resolved(cable, VIP)  # joining keeps nobody waiting
        await until(lambda: groups_joined(cable) == before + 5000)
        await resolved(cable, addresses[-1])
        interface.replace(addresses[:10])
        await until(lambda: groups_joined(cable) == before + 10)
    assert groups_joined(cable) == before


async def test_without_ipv6_in_the_kernel_the_card_is_opened_for_the_group_and_the_log_tells(
    cable: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    cable.node.run("sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6")
    async with answering(VIP6) as interface:
        await resolved(cable, VIP6)
        assert "33:33:ff:00:00:07" in cable.node.run("ip", "maddr", "show", "dev", "eth0")
        interface.remove(VIP6)
        await until(lambda: "33:33:ff:00:00:07" not in cable.node.run("ip", "maddr", "show", "dev", "eth0"))
    assert caplog.text.count("MLD snooping") == 1


# The filter


@pytest.mark.parametrize("count", [1, 100, 10_000])
async def test_what_is_owned_passes_and_the_noise_is_kept_out(cable: Wire, count: int) -> None:
    owned = [IPv4Address("198.18.0.0") + 3 * number + 1 for number in range(count)]
    async with Interface("eth0", settings=Settings(announcements_per_second=100)) as interface:
        interface.replace(owned)
        asked = owned[:: max(1, count // 50)]
        noise = [IPv4Address("192.0.2.0") + number for number in range(256)]
        noise += [address + 1 for address in asked]
        await asyncio.sleep(0)  # the filter is there at the end of the turn
        cable.send(*(arp(CLIENT, str(address)) for address in [*noise, *asked]))
        await until(lambda: sum(interface.statistics.replies.values()) == len(asked))
        read_in_vain = sum(interface.statistics.ignored.values())
    assert read_in_vain == 0 if count <= 100 else read_in_vain <= len(asked)


async def test_a_system_without_room_is_named_and_nothing_is_left_open(cable: Wire) -> None:
    before = set(os.listdir("/proc/self/fd"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for room in (0, 1):  # for the netlink socket, and for the packet socket
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free_number() + room, hard))
        try:
            with pytest.raises(
                InterfaceError, match=r"^eth0: no (netlink|packet) socket \(Too many open files\)"
            ):
                Interface("eth0").open()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert set(os.listdir("/proc/self/fd")) == before


def lowest_free_number() -> int:
    """Give the number that the next file gets."""
    opened = os.dup(0)
    os.close(opened)
    return opened


# Questions


async def test_stations_are_asked_for_addresses_of_both_families(cable: Wire) -> None:
    async with Interface("eth0") as interface:
        for address in (CLIENT, CLIENT6):
            (answer,) = await interface.probe(address, CLIENT_MAC, timeout=DEADLINE)
            assert (str(answer.address), answer.mac) == (address, CLIENT_MAC)
            assert 0 < answer.elapsed < DEADLINE
        everyone = await interface.probe(CLIENT, timeout=0.5)
        assert [answer.mac for answer in everyone] == [CLIENT_MAC]
        assert await interface.probe("203.0.113.99", timeout=0.05) == []
        assert await interface.probe(CLIENT, NEW_MAC, timeout=0.05) == []


async def test_several_questions_are_open_at_once(cable: Wire) -> None:
    async with Interface("eth0") as interface:
        asked = [CLIENT, CLIENT6, *(f"203.0.113.{last}" for last in range(100, 200))]
        found = await asyncio.gather(*(interface.probe(address, timeout=1.0) for address in asked))
        assert [len(answers) for answers in found] == [1, 1, *[0] * 100]
        (answer,) = await interface.probe(CLIENT, CLIENT_MAC, timeout=DEADLINE)
        assert str(answer.address) == CLIENT


async def test_nobody_is_blamed_for_silence_while_the_link_is_down(cable: Wire) -> None:
    async with Interface("eth0") as interface:
        asking = asyncio.ensure_future(interface.probe("203.0.113.99", timeout=DEADLINE))
        await until(cable.heard)
        cable.client_ip("link set eth0 down")
        with pytest.raises(InterfaceDownError, match="eth0: the link went down"):
            await asking
        with pytest.raises(InterfaceDownError, match="eth0: the link is down"):
            await interface.probe(CLIENT)


async def test_who_waits_for_an_answer_is_told_of_the_end(cable: Wire) -> None:
    async with Interface("eth0") as interface:
        asking = asyncio.ensure_future(interface.probe("203.0.113.99", timeout=DEADLINE))
        waiting = asyncio.ensure_future(interface.wait_closed())
        given_up = asyncio.ensure_future(interface.probe("203.0.113.98", timeout=DEADLINE))
        await until(cable.heard)
        given_up.cancel()
    with pytest.raises(InterfaceClosedError):
        await asking
    await waiting


# The end


async def test_events_end_with_the_interface_and_the_oldest_are_dropped(cable: Wire) -> None:
    async with Interface("eth0") as interface:
        few, other = interface.events(limit=2), interface.events()
        for last in range(3):
            cable.ip(f"link set eth0 address 02:00:00:00:01:0{last}")
            await anext(other)
        with pytest.raises(LocalError, match="limit 0, must be 1 or more"):
            interface.events(limit=0)
        waiting = asyncio.ensure_future(anext(other))
        await asyncio.sleep(0)
        with pytest.raises(LocalError, match="each reader needs a stream of his own"):
            await anext(other)
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert [event.mac.packed[-1] async for event in few if isinstance(event, MACChanged)] == [1, 2]
    assert few.lost == 1


async def test_a_privilege_that_is_missing_when_the_interface_is_back_is_the_end(cable: Wire) -> None:
    async with answering(VIP) as interface:
        cable.ip("link delete eth0")
        plug_in(cable.node, cable.client)
        os.seteuid(65534)
        try:
            with pytest.raises(PrivilegeError, match="CAP_NET_RAW"):
                await interface.wait_closed()
        finally:
            os.seteuid(0)
        assert not interface.is_open


async def test_it_lives_once(cable: Wire) -> None:
    interface = Interface("eth0")
    interface.open()
    with pytest.raises(LocalError, match="opened before"):
        interface.open()
    interface.close()
    interface.close()
    with pytest.raises(LocalError, match="opened before"):
        interface.open()
    with pytest.raises(InterfaceClosedError, match="closed"):
        interface.add(VIP)


async def test_nothing_is_left_open(cable: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "arp")
    before = set(os.listdir("/proc/self/fd"))
    async with answering(VIP, VIP6):
        await announced(cable, (VIP, NODE_MAC), (VIP6, NODE_MAC))
        assert set(os.listdir("/proc/self/fd")) > before
    assert set(os.listdir("/proc/self/fd")) == before
    assert caplog.messages[-1] == "eth0: closed"
