"""Which packet is whose, and what is due next: RFC 5880 6.3, 6.8.6."""

import itertools
from ipaddress import ip_address

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import LocalError
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDOutput, BFDStateChanged, SendPacket
from bgp.bfd.packet import BFDPacket, BFDState, decode, encode
from bgp.bfd.table import Arrival, BFDPath, BFDTable, Outputs
from bgp.testing import bfd_packets

FAST = BFDConfig(transmit_interval=0.1, receive_interval=0.1)
MULTI = attrs.evolve(FAST, multihop=True)
A, B = BFDPath(peer="192.0.2.1"), BFDPath(peer="192.0.2.2")


def table() -> BFDTable:
    """A table whose discriminators are 1, 2, 3; every other number drawn is a sequence number."""
    numbers = itertools.count(2)
    return BFDTable(lambda: next(numbers) // 2)


def arrival(state: BFDState = BFDState.DOWN, yours: int = 0, **how: object) -> Arrival:
    """A packet from 192.0.2.1."""
    packet = BFDPacket(
        state=state,
        my_discriminator=99,
        your_discriminator=yours,
        desired_min_tx_us=100_000,
        required_min_rx_us=100_000,
    )
    whole = {"peer": ip_address("192.0.2.1"), "port": 3784, "ttl": 255, "data": encode(packet), **how}
    return Arrival(**whole)  # type: ignore[arg-type]  # any field


def numbers(outputs: Outputs) -> set[int]:
    return {number for number, _ in outputs}


def changes(outputs: Outputs) -> list[tuple[int, BFDState]]:
    return [(number, output.new) for number, output in outputs if isinstance(output, BFDStateChanged)]


def sent(output: BFDOutput) -> BFDPacket:
    assert isinstance(output, SendPacket)
    packet = decode(output.data)
    assert isinstance(packet, BFDPacket)
    return packet


# Which session is meant.


def test_by_discriminator_whatever_the_address() -> None:
    sessions = table()
    sessions.add(5, A, FAST, 0.0)
    sessions.add(6, B, FAST, 0.0)
    assert numbers(sessions.receive(arrival(yours=2), 0.1)) == {6}
    assert sessions.receive(arrival(yours=3), 0.1) == []
    assert sessions.receive(arrival(yours=2, port=4784), 0.1) == []


def test_by_address_before_our_discriminator_is_known() -> None:
    sessions = table()
    sessions.add(5, A, FAST, 0.0)
    sessions.add(6, B, FAST, 0.0)
    assert changes(sessions.receive(arrival(), 0.1)) == [(5, BFDState.INIT)]
    assert sessions.receive(arrival(peer=ip_address("192.0.2.3")), 0.1) == []
    assert sessions.receive(arrival(port=4784), 0.1) == []
    assert sessions.receive(arrival(data=b""), 0.1) != []  # discarded by the session


def test_the_session_that_asks_for_most_is_meant() -> None:
    sessions = table()
    sessions.add(1, A, FAST, 0.0)
    sessions.add(2, BFDPath(peer="192.0.2.1", interface="eth0"), FAST, 0.0)
    sessions.add(3, BFDPath(peer="192.0.2.1", interface="eth0", local_address="192.0.2.9"), FAST, 0.0)
    sessions.add(4, A, MULTI, 0.0)
    ours = ip_address("192.0.2.9")

    def meant(**how: object) -> set[int]:
        packet = attrs.evolve(arrival(BFDState.UP), **how)  # type: ignore[arg-type]  # any field
        return numbers(sessions.receive(packet, 0.1))  # the session discards it, each time

    assert meant() == {1}
    assert meant(interface="eth1") == {1}
    assert meant(interface="eth0") == {2}
    assert meant(interface="eth0", local_address=ours) == {3}
    assert meant(port=4784, ttl=9) == {4}
    sessions.close(0.2)
    assert meant() == set()


def test_discriminators_are_not_zero_and_unlike() -> None:
    drawn = iter([0, 7, 70, 7, 8, 80])
    sessions = BFDTable(lambda: next(drawn))
    found = [sent(sessions.add(number, path, FAST, 0.0)[0][1]) for number, path in enumerate((A, B))]
    assert [packet.my_discriminator for packet in found] == [7, 8]


@pytest.mark.parametrize(
    ("number", "path", "config"), [(1, B, FAST), (2, A, FAST), (2, BFDPath(peer="192.0.2.1"), MULTI)]
)
def test_two_sessions_on_the_same_path(number: int, path: BFDPath, config: BFDConfig) -> None:
    sessions = table()
    sessions.add(1, A, FAST, 0.0)
    if config.multihop:
        sessions.add(number, path, config, 0.0)
    else:
        with pytest.raises(LocalError, match="there is a session"):
            sessions.add(number, path, config, 0.0)


# Removing.


def up(sessions: BFDTable, number: int = 1) -> None:
    """Add a session to 192.0.2.1 and bring it up at 0."""
    sessions.add(number, A, FAST, 0.0)
    for state in (BFDState.DOWN, BFDState.INIT):
        sessions.receive(arrival(state, yours=1), 0.0)
    assert sessions.statistics(number, 0.0).state is BFDState.UP


def test_a_removed_session_says_goodbye_for_a_while() -> None:
    sessions = table()
    up(sessions)
    ((number, output),) = sessions.remove(1, 1.0)
    assert (number, sent(output).state) == (1, BFDState.ADMIN_DOWN)
    # It hears no one any more, and nobody hears of it.
    assert sessions.receive(arrival(), 1.1) == []
    later: Outputs = []
    while (due := sessions.next_timeout()) is not None:
        assert due < 4.2
        later += sessions.handle_timeout(due)
    assert [sent(output).state for _, output in later] == [BFDState.ADMIN_DOWN] * 2
    assert 1 not in sessions


def test_a_session_without_a_peer_is_forgotten_at_once() -> None:
    sessions = table()
    sessions.add(1, A, FAST, 0.0)
    assert len(sessions.remove(1, 0.5)) == 1
    assert 1 in sessions
    sessions.handle_timeout(0.5)
    assert 1 not in sessions
    assert sessions.handle_timeout(9.0) == []
    assert sessions.next_timeout() is None


def test_a_session_takes_the_place_of_a_removed_one() -> None:
    sessions = table()
    up(sessions)
    sessions.add(2, B, FAST, 1.0)
    sessions.remove(1, 1.0)
    sessions.add(3, A, FAST, 1.0)
    assert 1 not in sessions
    assert numbers(sessions.receive(arrival(), 1.1)) == {3}


def test_closing_disables_all() -> None:
    sessions = table()
    up(sessions)
    sessions.add(2, B, FAST, 0.0)
    outputs = sessions.close(1.0)
    assert [(number, sent(output).state) for number, output in outputs] == [
        (1, BFDState.ADMIN_DOWN),
        (2, BFDState.ADMIN_DOWN),
    ]
    assert sessions.handle_timeout(100.0) == []
    assert sessions.next_timeout() is None


# Time.


def test_what_is_due_is_done() -> None:
    sessions = table()
    sessions.add(1, A, FAST, 0.0)
    sessions.add(2, B, attrs.evolve(FAST, passive=True), 0.25)
    assert sessions.next_timeout() == 1.0
    assert sessions.handle_timeout(0.9) == []
    assert numbers(sessions.handle_timeout(1.0)) == {1}
    assert sessions.next_timeout() == 2.0


def test_a_change_is_planned_for() -> None:
    sessions = table()
    up(sessions)
    sessions.handle_timeout(0.0)
    sessions.change(1, attrs.evolve(FAST, transmit_interval=0.01))
    assert sessions.statistics(1, 0.0).transmit_interval == 0.1  # the peer takes no more
    assert (sessions.next_timeout() or 9.0) <= 0.1


@given(st.lists(st.tuples(st.integers(1, 3), st.floats(0, 2), bfd_packets(), st.integers(0, 4)), max_size=40))
def test_time_goes_on_whatever_arrives(steps: list[tuple[int, float, BFDPacket, int]]) -> None:
    sessions, now = table(), 0.0
    paths = {1: A, 2: B, 3: BFDPath(peer="192.0.2.1", interface="eth0")}
    for number, pause, packet, yours in steps:
        now += pause
        while (due := sessions.next_timeout()) is not None and due <= now:
            sessions.handle_timeout(due)
            again = sessions.next_timeout()
            assert again is None or again >= due
        if number not in sessions:
            sessions.add(number, paths[number], FAST, now)
        elif packet.poll:
            sessions.remove(number, now)
        data = encode(attrs.evolve(packet, your_discriminator=yours, authentication=None))
        sessions.receive(arrival(data=data, interface="eth0"), now)


# Paths.


def test_the_zone_of_an_address_is_an_interface() -> None:
    path = BFDPath(peer="fe80::1%eth0", local_address="fe80::2%eth0")
    assert path == BFDPath(peer="fe80::1", local_address="fe80::2", interface="eth0")
    assert str(path) == "fe80::1%eth0"
    assert str(A) == "192.0.2.1"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"peer": "fe80::1%eth0", "interface": "eth1"}, "interface 'eth1', must be the zone of fe80::1%eth0"),
        ({"peer": "fe80::1%a", "local_address": "fe80::2%b"}, "interface 'a', must be the zone of fe80::2%b"),
        ({"peer": "fe80::1"}, "peer fe80::1 without a zone, must be such as fe80::1%eth0"),
        ({"peer": "192.0.2.1", "local_address": "2001:db8::1"}, "must be of the IP version of 192.0.2.1"),
        ({"peer": "router"}, "'router' is not an IP address"),
        ({"peer": "192.0.2.1", "interface": 1}, "interface 1, must be str or None"),
    ],
)
def test_paths_that_cannot_be(values: dict[str, str], why: str) -> None:
    with pytest.raises(LocalError, match=why):
        BFDPath(**values)
