"""Two responders on one segment: hand-overs, both at once, and what holds however the wire delays and loses."""

import random
from ipaddress import ip_address
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import (
    ClaimState,
    Conflict,
    ConflictPolicy,
    EthernetFrame,
    MACAddress,
    Outcome,
    Responder,
    Settings,
)
from tests.arp.octets import VIP, VIP6, question, said, sent
from tests.arp.segment import Segment

LEFT, RIGHT = MACAddress("02:00:00:00:00:01"), MACAddress("02:00:00:00:00:02")
BOTH = pytest.mark.parametrize("vip", [VIP, VIP6])
SEEDS = st.integers(0, 1 << 32)


def pair(
    settings: Settings, *, seed: int = 0, delay: float = 0.001, loss: float = 0.0
) -> tuple[Responder, Responder, Segment]:
    """Put two responders with the same settings on a segment."""
    left = Responder(mac=LEFT, settings=settings, random=random.Random(f"{seed} left").random)
    right = Responder(mac=RIGHT, settings=settings, random=random.Random(f"{seed} right").random)
    return left, right, Segment(left, right, seed=seed, delay=delay, loss=loss)


def add(segment: Segment, responder: Responder, vip: str) -> None:
    """Let a responder own the address from now on."""
    segment.carry_out(responder, responder.add(vip, segment.now))


def holders(segment: Segment, vip: str) -> list[Responder]:
    """Give those who would answer for the address."""
    return [each for each in segment.responders if each.claims.get(ip_address(vip)) is ClaimState.HELD]


def conflicts(segment: Segment) -> list[Outcome]:
    """Give what came of each conflict that was told."""
    return [event.outcome for _, event in segment.events if isinstance(event, Conflict)]


def announcements(segment: Segment, since: float) -> list[tuple[float, MACAddress]]:
    """Give when and by whom the address was announced, IPv4's pairs as one."""
    found = [
        (when, sender.mac)
        for when, sender, frame in segment.sent
        if when >= since and said(frame)[0] == "announce"
    ]
    return list(dict.fromkeys(found))


@BOTH
def test_a_hand_over_to_a_successor_makes_no_conflict(vip: str) -> None:
    left, right, segment = pair(Settings())
    add(segment, left, vip)
    segment.run(10.0)
    segment.carry_out(left, left.remove(vip, segment.now, successor=RIGHT))
    farewell = [EthernetFrame.decode(frame) for when, _, frame in segment.sent if when == 10.0]
    assert farewell
    assert all(frame.source == LEFT for frame in farewell)
    add(segment, right, vip)
    segment.run(30.0)
    assert segment.events == []
    assert holders(segment, vip) == [right]
    assert not any(right.statistics.conflicts.values())


@BOTH
def test_a_farewell_that_comes_after_the_take_over_makes_no_conflict_either(vip: str) -> None:
    left, right, segment = pair(Settings(friends=[LEFT, RIGHT]))
    add(segment, left, vip)
    segment.run(10.0)
    add(segment, right, vip)
    segment.run(10.5)
    segment.carry_out(left, left.remove(vip, segment.now, successor=RIGHT))
    segment.run(30.0)
    assert segment.events == []
    assert holders(segment, vip) == [right]


@BOTH
def test_friends_who_both_own_an_address_for_a_moment_do_not_fight(vip: str) -> None:
    left, right, segment = pair(Settings(friends=[LEFT, RIGHT]))
    add(segment, left, vip)
    segment.run(10.0)
    add(segment, right, vip)
    segment.run(12.0)
    assert {mac for _, mac in announcements(segment, 10.0)} == {RIGHT}  # the last word is the newcomer's
    segment.carry_out(left, left.remove(vip, segment.now))
    segment.run(40.0)
    assert segment.events == []


@BOTH
def test_strangers_who_both_defend_an_address_do_so_once_in_an_interval(vip: str) -> None:
    left, right, segment = pair(Settings(refresh_interval=0))
    add(segment, left, vip)
    segment.run(10.0)
    add(segment, right, vip)
    segment.run(110.0)
    assert holders(segment, vip) == [left, right]
    for mac in (LEFT, RIGHT):
        # After the burst of the newcomer nothing but defences goes on, and these answer each other.
        moments = [when for when, by in announcements(segment, 16.0) if by == mac]
        assert len(moments) <= 11
        assert all(later - earlier >= 10 for earlier, later in pairwise(moments))
    assert set(conflicts(segment)) <= {Outcome.DEFENDED, Outcome.TOLERATED}
    assert len(conflicts(segment)) <= 24


@BOTH
def test_of_strangers_who_yield_the_one_who_announces_last_stays(vip: str) -> None:
    left, right, segment = pair(Settings(conflict_policy=ConflictPolicy.YIELD))
    add(segment, left, vip)
    segment.run(20.0)
    add(segment, right, vip)
    segment.run(25.0)
    assert holders(segment, vip) == [right]
    segment.run(120.0)  # left probes again, and is answered
    assert holders(segment, vip) == [right]
    assert left.claims == {ip_address(vip): ClaimState.YIELDED}


@BOTH
@pytest.mark.parametrize("policy", [ConflictPolicy.DEFEND, ConflictPolicy.YIELD])
def test_a_prober_finds_the_holder_and_takes_over_once_he_is_gone(vip: str, policy: ConflictPolicy) -> None:
    left, right, segment = pair(Settings(probe_count=2, conflict_policy=policy))
    add(segment, left, vip)
    segment.run(20.0)
    add(segment, right, vip)
    segment.run(100.0)
    assert right.claims == {ip_address(vip): ClaimState.YIELDED}
    assert left.statistics.conflicts == {ip_address(vip): 0}, "a probe is a question"
    segment.carry_out(left, left.remove(vip, segment.now))
    segment.run(140.0)
    assert holders(segment, vip) == [right]


@given(
    vip=st.sampled_from([VIP, VIP6]),
    seed=SEEDS,
    lag=st.floats(0, 0.5),
    delay=st.floats(0, 0.09),
    policy=st.sampled_from([ConflictPolicy.DEFEND, ConflictPolicy.YIELD]),
)
def test_of_two_that_probe_there_is_never_more_than_one_holder_without_loss(
    vip: str, seed: int, lag: float, delay: float, policy: ConflictPolicy
) -> None:
    # The delay is below the probe interval: each hears the other's probe, or its answer, before it claims.
    left, right, segment = pair(Settings(probe_count=2, conflict_policy=policy), seed=seed, delay=delay)
    add(segment, left, vip)
    segment.run(lag)
    add(segment, right, vip)
    held = 0
    for tenth in range(2000):
        segment.run(lag + tenth / 10)
        held = len(holders(segment, vip))
        assert held <= 1
    assert held == 1, "and in the end somebody holds it"


@given(vip=st.sampled_from([VIP, VIP6]), seed=SEEDS, lag=st.floats(0, 8), loss=st.floats(0, 0.5))
def test_two_that_yield_end_with_one_holder_despite_loss(
    vip: str, seed: int, lag: float, loss: float
) -> None:
    # For a while both may hold it, or neither; not for long after the loss has ended.
    settings = Settings(probe_count=2, conflict_policy=ConflictPolicy.YIELD, refresh_interval=8)
    left, right, segment = pair(settings, seed=seed, loss=loss)
    add(segment, left, vip)
    segment.run(lag)
    add(segment, right, vip)
    segment.run(60.0)
    segment.loss = 0.0
    segment.run(240.0)
    assert len(holders(segment, vip)) == 1


@given(vip=st.sampled_from([VIP, VIP6]), seed=SEEDS, loss=st.floats(0, 0.9))
def test_whoever_holds_an_address_answers_a_client(vip: str, seed: int, loss: float) -> None:
    left, right, segment = pair(Settings(probe_count=1), seed=seed, loss=loss)
    add(segment, left, vip)
    add(segment, right, vip)
    for second in range(50):
        segment.run(float(second))
        for responder in segment.responders:
            answers = sent(
                responder.receive_frame(question(vip, MACAddress("02:00:00:00:00:09")), segment.now)
            )
            assert len(answers) == (responder in holders(segment, vip))
