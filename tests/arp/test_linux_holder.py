"""A Linux host that really has the address, or wants it: conflicts by each policy, and duplicate address detection."""

from ipaddress import ip_address

import pytest

from arp import Claimed, ClaimState, Conflict, ConflictPolicy, Outcome, Settings
from arp.interface import Interface
from tests.arp.lan import CLIENT, CLIENT6, NODE_MAC, OTHER_MAC, VIP, VIP6, Host, Lan, happened
from tests.arp.wire import answering
from tests.conditions import until
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

BOTH = pytest.mark.parametrize("vip", [VIP, VIP6])
PROBE = Settings(probe_count=2, reclaim_interval=0.3)


def speak(holder: Host, vip: str, towards: str) -> None:
    """Let the holder use its address: its kernel asks for another one in that name."""
    holder.ip(f"neigh flush to {towards} dev eth0")
    holder.ask(towards, source=vip)


def conflict(vip: str, outcome: Outcome) -> Conflict:
    """Give what is told of the other host's use of the address."""
    return Conflict(address=ip_address(vip), mac=OTHER_MAC, interface="eth0", outcome=outcome)


# While the address is held


@BOTH
async def test_with_policy_defend_the_clients_stay_ours(switched: Lan, vip: str) -> None:
    client, holder = switched.client, switched.other
    holder.take(vip)
    async with answering(vip, settings=Settings(announce_duration=0)) as interface:
        events = interface.events()
        client.ip(f"neigh replace {vip} lladdr {OTHER_MAC} nud reachable dev eth0")
        speak(holder, vip, CLIENT6 if ":" in vip else CLIENT)
        assert await happened(events) == conflict(vip, Outcome.DEFENDED)
        await until(lambda: client.neighbour(vip)[0] == NODE_MAC)
        for _ in range(5):
            speak(holder, vip, CLIENT6 if ":" in vip else CLIENT)
        await until(lambda: interface.statistics.conflicts[ip_address(vip)] > 3)
        assert interface.statistics.defences == {ip_address(vip): 1}
        assert interface.claims == {ip_address(vip): ClaimState.HELD}


@BOTH
async def test_with_policy_yield_the_second_conflict_leaves_it_to_the_other_host_until_he_is_gone(
    switched: Lan, vip: str
) -> None:
    client, holder, target = switched.client, switched.other, CLIENT6 if ":" in vip else CLIENT
    settings = Settings(conflict_policy=ConflictPolicy.YIELD, announce_duration=0, reclaim_interval=0.3)
    holder.take(vip)
    async with answering(vip, settings=settings) as interface:
        events = interface.events()
        speak(holder, vip, target)
        assert await happened(events) == conflict(vip, Outcome.DEFENDED)

        def is_given_up() -> bool:
            speak(holder, vip, target)
            return interface.claims[ip_address(vip)] is not ClaimState.HELD

        await until(is_given_up)  # at first, what comes within a tenth of a second is the same conflict
        assert await happened(events) == conflict(vip, Outcome.YIELDED)
        client.ip("neigh flush dev eth0")
        client.ask(vip)
        await until(lambda: client.neighbour(vip) == (OTHER_MAC, "REACHABLE"))
        holder.drop(vip)
        while not isinstance(await happened(events), Claimed):
            pass  # he was found again
        await until(lambda: client.neighbour(vip)[0] == NODE_MAC)


@BOTH
async def test_with_policy_ignore_there_is_an_event_and_nothing_else(switched: Lan, vip: str) -> None:
    settings = Settings(conflict_policy=ConflictPolicy.IGNORE, announce_duration=0)
    holder, target = switched.other, CLIENT6 if ":" in vip else CLIENT
    holder.take(vip)
    async with answering(vip, settings=settings) as interface:
        events = interface.events()
        before = interface.statistics.gratuitous
        speak(holder, vip, target)
        assert await happened(events) == conflict(vip, Outcome.IGNORED)
        assert interface.statistics.gratuitous == before
        assert interface.claims == {ip_address(vip): ClaimState.HELD}


# Before it is claimed


@BOTH
async def test_a_probe_finds_the_host_that_has_it_and_nothing_is_announced_until_he_is_gone(
    switched: Lan, vip: str
) -> None:
    client, holder = switched.client, switched.other
    holder.take(vip)
    client.ask(vip)
    await until(lambda: client.neighbour(vip) == (OTHER_MAC, "REACHABLE"))
    async with Interface("eth0", settings=PROBE) as interface:
        events = interface.events()
        interface.add(vip)
        assert await happened(events) == conflict(vip, Outcome.YIELDED)
        assert await happened(events) == conflict(vip, Outcome.YIELDED)  # found again
        assert interface.statistics.gratuitous == {ip_address(vip): 0}
        assert client.neighbour(vip)[0] == OTHER_MAC, "a probe pollutes no cache"
        holder.drop(vip)
        while not isinstance(await happened(events), Claimed):
            pass
        await until(lambda: client.neighbour(vip)[0] == NODE_MAC)


@BOTH
async def test_with_policy_ignore_a_holder_is_no_obstacle(switched: Lan, vip: str) -> None:
    switched.other.take(vip)
    settings = Settings(probe_count=2, conflict_policy=ConflictPolicy.IGNORE)
    async with Interface("eth0", settings=settings) as interface:
        events = interface.events()
        interface.add(vip)
        assert await happened(events) == conflict(vip, Outcome.IGNORED)
        assert isinstance(await happened(events), Claimed)
        await until(lambda: interface.statistics.gratuitous[ip_address(vip)])


# Duplicate address detection of Linux


async def test_linux_finds_an_address_of_ours_to_be_a_duplicate(switched: Lan) -> None:
    host = switched.other
    host.tune(conf_accept_dad=1)
    async with answering(VIP6) as interface:
        host.take(VIP6)
        await until(lambda: "dadfailed" in host.flags(VIP6))
        assert not sum(interface.statistics.conflicts.values()), "it has only asked"


async def test_linux_takes_our_probe_for_a_rivals_and_gives_way(switched: Lan) -> None:
    host = switched.other
    host.tune(conf_accept_dad=1, conf_dad_transmits=100, neigh_retrans_time_ms=200)
    host.take(VIP6)
    assert "tentative" in host.flags(VIP6)
    async with answering(VIP6, settings=PROBE) as interface:
        await until(lambda: "dadfailed" in host.flags(VIP6))
        await until(lambda: interface.claims == {ip_address(VIP6): ClaimState.HELD})


async def test_we_take_the_probe_of_linux_for_a_rivals_and_give_way(switched: Lan) -> None:
    host = switched.other
    host.tune(conf_accept_dad=1)
    async with answering(VIP6, settings=Settings(probe_count=2, probe_interval=600)) as interface:
        events = interface.events()
        host.take(VIP6)
        assert await happened(events) == conflict(VIP6, Outcome.YIELDED)
        await until(lambda: not host.flags(VIP6) & {"tentative", "dadfailed"})
        assert interface.statistics.gratuitous == {ip_address(VIP6): 0}


async def test_an_address_that_nobody_has_passes_the_duplicate_detection_of_linux(switched: Lan) -> None:
    host, free = switched.other, "2001:db8::9"
    host.tune(conf_accept_dad=1)
    async with answering(VIP6):
        host.take(free)
        await until(lambda: not host.flags(free) & {"tentative", "dadfailed"})
