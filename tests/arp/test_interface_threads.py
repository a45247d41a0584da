"""Answers come from threads: whatever the event loop does, and with nothing left behind."""

import asyncio
import contextlib
import errno
import functools
import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

import pytest

from arp import (
    BROADCAST,
    ETHERTYPE_ARP,
    UNKNOWN,
    ARPPacket,
    Conflict,
    EthernetFrame,
    InterfaceError,
    Operation,
    Reason,
    Responder,
    Settings,
)
from arp.answerer import Answerer
from arp.interface import Interface
from tests.arp.namespaces import wait_until
from tests.arp.wire import CLIENT, CLIENT_MAC, NODE_MAC, Wire, answering, wire
from tests.conditions import DEADLINE, until
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

VIP, VIP6 = "203.0.113.7", "2001:db8::7"
ONCE = Settings(announce_duration=0, refresh_interval=0)
"""Nothing is announced again by itself."""


@pytest.fixture
def cable() -> Iterator[Wire]:
    """Give a node and a client; the test is on the node."""
    with wire() as made:
        yield made


def arp(sender: str, target: str) -> bytes:
    packet = ARPPacket(
        operation=Operation.REQUEST,
        sender_mac=CLIENT_MAC,
        sender_ip=sender,
        target_mac=UNKNOWN,
        target_ip=target,
    )
    return EthernetFrame(
        destination=BROADCAST, source=CLIENT_MAC, ethertype=ETHERTYPE_ARP, payload=packet.encode()
    ).encode()


@contextmanager
def flood(cable: Wire, *frames: bytes) -> Iterator[None]:
    """Let the client send these frames over and over, as fast as it can."""
    over = threading.Event()

    def send() -> None:
        while not over.is_set():
            with contextlib.suppress(BlockingIOError):
                cable.send(*frames)

    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield
    finally:
        over.set()
        sending.join()


def is_resolved(cable: Wire, address: str) -> bool:
    return cable.neighbour(address) == (NODE_MAC, "REACHABLE")


def answerers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("arp ")]


async def test_whoever_asks_while_the_event_loop_is_busy_is_answered(cable: Wire) -> None:
    async with answering(VIP, VIP6) as interface:
        for address in (VIP, VIP6):  # without a turn of the event loop
            cable.ask(address)
            wait_until(functools.partial(is_resolved, cable, address))
        assert set(interface.statistics.replies.values()) == {1}


async def test_what_the_event_loop_missed_it_is_told_of(cable: Wire) -> None:
    async with answering(VIP, settings=ONCE) as interface:
        events = interface.events()
        asking = asyncio.ensure_future(interface.probe(CLIENT, CLIENT_MAC, timeout=0.05))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        cable.send(arp(VIP, CLIENT))
        wait_until(lambda: interface.statistics.conflicts[IPv4Address(VIP)])
        (answer,) = await asking
        assert answer.mac == CLIENT_MAC
        assert isinstance(await anext(events), Conflict)


@pytest.mark.parametrize("owned", [[VIP], [VIP, VIP6]])
async def test_nothing_is_left_of_an_interface_that_is_closed_during_a_flood(
    cable: Wire, owned: list[str]
) -> None:
    before = set(os.listdir("/proc/self/fd"))
    with flood(cable, arp(CLIENT, VIP), arp(VIP, CLIENT)):
        async with answering(*owned) as interface:
            await until(lambda: interface.statistics.replies[IPv4Address(VIP)] > 100)
            assert answerers() == ["arp eth0"] * len(owned)
        assert answerers() == []
        assert set(os.listdir("/proc/self/fd")) == before


async def test_no_answer_is_sent_for_an_address_once_it_is_removed(
    cable: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[str] = []
    send = Answerer.send

    def send_and_log(answerer: Answerer, frame: bytes) -> None:
        send(answerer, frame)
        if frame.startswith(CLIENT_MAC.packed):
            log.append("answered")

    monkeypatch.setattr(Answerer, "send", send_and_log)
    async with answering(VIP, settings=ONCE) as interface:
        with flood(cable, arp(CLIENT, VIP)):
            for _ in range(300):  # in one turn of the event loop, so that the filter stays as it is
                answered = len(log)
                while len(log) == answered:
                    os.sched_yield()
                interface.remove(VIP)
                log.append("removed")
                ignored = interface.statistics.ignored[Reason.NOT_OURS]
                while interface.statistics.ignored[Reason.NOT_OURS] == ignored:
                    os.sched_yield()
                log.append("about to be added")
                interface.add(VIP)
    assert log.count("removed") == 300
    for first, second in itertools.pairwise(log):
        assert first != "removed" or second == "about to be added"


async def test_thousands_of_addresses_are_added_while_others_are_answered(cable: Wire) -> None:
    many = [str(IPv4Address("198.18.0.0") + number) for number in range(5_000)]
    async with answering(VIP, settings=Settings(announcements_per_second=100)) as interface:
        replies = [0]
        with flood(cable, arp(CLIENT, VIP)):
            for addresses in ([VIP, *many], [VIP]) * 2:
                interface.replace(addresses)
                assert len(interface.addresses) == len(addresses)
                replies.append(interface.statistics.replies[IPv4Address(VIP)])
    assert all(before < after for before, after in itertools.pairwise(replies))


async def test_an_interface_whose_thread_breaks_down_is_closed_and_says_so(
    cable: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(responder: Responder, frame: bytes, now: float) -> None:
        raise ZeroDivisionError

    async with answering(VIP) as interface:
        monkeypatch.setattr(Responder, "receive_frame", break_down)
        cable.send(arp(CLIENT, VIP))
        with pytest.raises(InterfaceError, match=r"^eth0: nobody answers any more \(ZeroDivisionError"):
            await asyncio.wait_for(interface.wait_closed(), DEADLINE)
        assert answerers() == []


@pytest.mark.parametrize(
    ("lacking", "error", "message"),
    [
        (
            "threading.Thread.start",
            RuntimeError("can't start new thread"),
            "no thread (can't start new thread)",
        ),
        ("os.eventfd", OSError(errno.EMFILE, "Too many open files"), "no eventfd (Too many open files)"),
    ],
)
async def test_a_system_without_room_is_named_and_nothing_is_left_open(
    cable: Wire, monkeypatch: pytest.MonkeyPatch, lacking: str, error: Exception, message: str
) -> None:
    def refuse(_: object) -> None:
        raise error

    before = set(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(lacking, refuse)
    with pytest.raises(InterfaceError) as raised:
        Interface("eth0").open()
    assert str(raised.value) == f"eth0: {message}"
    assert set(os.listdir("/proc/self/fd")) == before


def test_one_event_loop_after_the_other(cable: Wire) -> None:
    async def resolve() -> None:
        async with answering(VIP):
            cable.client.run("ip", "neigh", "flush", "dev", "eth0")
            cable.ask(VIP)
            await until(lambda: is_resolved(cable, VIP))

    for _ in range(2):
        assert answerers() == []
        asyncio.run(resolve())
    assert answerers() == []
