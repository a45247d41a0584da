"""How often a BFD session sends, how long it waits, and Poll Sequences: RFC 5880 6.5, 6.6, 6.8.2 to 6.8.4, 6.8.7."""

import attrs
import pytest

from bgp.bfd.config import BFDConfig
from bgp.bfd.session import BFDSession
from bgp.testing import BFDLink
from tests.bgp.bfd.ends import (
    DOWN,
    FAST,
    INIT,
    UP,
    alone,
    established,
    gaps,
    packets,
    said,
    sent,
)


@pytest.mark.parametrize(
    ("ours", "theirs", "our_gap", "their_gap"),
    [
        ((0.1, 0.1), (0.1, 0.1), 0.1, 0.1),
        ((0.1, 0.5), (0.2, 0.3), 0.3, 0.5),
        ((2.0, 0.1), (0.1, 3.0), 3.0, 0.1),
    ],
)
def test_the_slower_wish_counts(
    ours: tuple[float, float], theirs: tuple[float, float], our_gap: float, their_gap: float
) -> None:
    configs = (BFDConfig(transmit_interval=tx, receive_interval=rx) for tx, rx in (ours, theirs))
    link = established(*configs)
    link.run(20)
    since = link.now
    link.run(20)
    assert gaps(link.left, since) == {our_gap}
    assert gaps(link.right, since) == {their_gap}
    figures = link.left.session.statistics(link.now)
    assert figures.transmit_interval == our_gap
    assert figures.detection_time == pytest.approx(3 * their_gap)


def test_jitter_shortens_each_interval() -> None:
    factors = iter([0.75, 1.0, 0.9] * 1000)
    link = BFDLink(FAST, FAST, jitter=lambda: next(factors))
    link.start()
    link.run(5.0)
    since = link.now
    link.run(5.0)
    assert gaps(link.left, since) <= {0.075, 0.09, 0.1}
    assert len(gaps(link.left, since)) > 1


@pytest.mark.parametrize(("factor", "gap"), [(1.0, 0.09), (0.75, 0.075)])
def test_a_multiplier_of_one_leaves_a_tenth_to_spare(factor: float, gap: float) -> None:
    config = attrs.evolve(FAST, multiplier=1)
    link = BFDLink(config, config, jitter=lambda: factor)
    link.start()
    link.run(10.0)
    since = link.now
    link.run(2.0)
    assert link.left.state is UP
    assert gaps(link.left, since) == {gap}


def test_a_poll_sequence_tells_of_the_interval_when_the_session_is_up() -> None:
    link = BFDLink(FAST, FAST, latency=0.03)
    link.start()
    link.run(3.0)
    polls = [(moment, packet) for moment, packet in packets(link.left) if packet.poll]
    assert polls
    assert {packet.desired_min_tx_us for _, packet in polls} == {100_000}
    replies = [packet for _, packet in packets(link.right) if packet.final]
    assert len(replies) == len(polls)
    assert not any(packet.poll for packet in replies)
    # It ends with the reply.
    assert polls[-1][0] < 1.0


def test_sending_slows_down_only_once_the_peer_knows() -> None:
    link = established()
    link.left.deaf = True  # the reply cannot get here
    link.left.session.change(attrs.evolve(FAST, transmit_interval=0.25))
    changed = link.now
    link.run(0.25)
    assert gaps(link.left, changed) == {0.1}
    assert [packet.poll for _, packet in packets(link.left, changed)] == [True, True, True]
    link.left.deaf = False
    link.run(1.0)
    since = link.now
    link.run(3.0)
    assert gaps(link.left, since) == {0.25}
    assert link.right.state is UP


def test_sending_speeds_up_at_once() -> None:
    link = established(attrs.evolve(FAST, transmit_interval=0.5), FAST)
    link.left.session.change(FAST)
    since = link.now
    link.run(1.0)
    assert max(gaps(link.left, since)) == 0.1


def test_less_patience_only_once_the_peer_knows() -> None:
    link = established(BFDConfig(receive_interval=1.0), BFDConfig(transmit_interval=0.1))
    session = link.left.session
    assert session.statistics(link.now).detection_time == 3.0
    link.left.deaf = True
    session.change(BFDConfig(receive_interval=0.1))
    link.run(0.5)
    assert session.statistics(link.now).detection_time == 3.0
    link.left.deaf = False
    link.run(2.0)
    assert session.statistics(link.now).detection_time == pytest.approx(0.3)
    assert link.left.state is UP


def test_more_patience_at_once() -> None:
    link = established()
    link.left.session.change(attrs.evolve(FAST, receive_interval=1.0))
    assert link.left.session.statistics(link.now).detection_time == 3.0


def test_a_new_multiplier_is_told_and_used() -> None:
    link = established()
    link.left.session.change(attrs.evolve(FAST, multiplier=7))
    link.run(1.0)
    assert link.right.session.statistics(link.now).detection_time == pytest.approx(0.7)


def test_nothing_is_polled_for_when_nothing_changes() -> None:
    link = established()
    since = link.now
    link.left.session.change(attrs.evolve(FAST))
    link.run(1.0)
    assert not any(packet.poll for _, packet in packets(link.left, since))


def test_one_poll_sequence_at_a_time() -> None:
    session = alone(UP)
    session.change(attrs.evolve(FAST, transmit_interval=0.2))
    session.change(attrs.evolve(FAST, transmit_interval=0.3))
    (poll,) = sent(session.handle_timeout(0.1))
    assert (poll.poll, poll.desired_min_tx_us) == (True, 200_000)
    session.receive_data(said(UP, final=True), 0.11)
    # 6.8.3: another reply to the first may still come.
    (packet,) = sent(session.handle_timeout(0.31))
    assert (packet.poll, packet.desired_min_tx_us) == (False, 200_000)
    session.receive_data(said(UP, final=True), 0.32)
    assert not sent(session.handle_timeout(0.52))[0].poll
    session.receive_data(said(UP), 0.53)
    (packet,) = sent(session.handle_timeout(0.73))
    assert (packet.poll, packet.desired_min_tx_us) == (True, 300_000)


def test_a_change_before_the_peer_is_there() -> None:
    session = BFDSession(FAST, discriminator=1)
    session.change(attrs.evolve(FAST, multiplier=9))
    (packet,) = sent(session.start(0.0))
    assert (packet.multiplier, packet.poll) == (9, False)


def test_a_change_that_waits_is_not_forgotten_with_the_peer() -> None:
    session = alone(UP)
    session.change(attrs.evolve(FAST, multiplier=4))
    session.change(attrs.evolve(FAST, multiplier=5))
    session.handle_timeout(1.0)
    assert session.state is DOWN
    (packet,) = sent(session.handle_timeout(9.0))
    assert (packet.multiplier, packet.poll) == (5, False)


def test_a_change_just_after_a_poll_sequence_waits_too() -> None:
    session = alone(UP)
    session.change(attrs.evolve(FAST, multiplier=4))
    session.handle_timeout(0.1)
    session.receive_data(said(UP, final=True), 0.15)
    session.change(attrs.evolve(FAST, multiplier=5))
    (packet,) = sent(session.handle_timeout(0.21))
    assert (packet.multiplier, packet.poll) == (4, False)


def test_a_change_that_waits_while_the_session_is_down() -> None:
    session = alone(UP)
    session.receive_data(said(DOWN), 0.1)  # begins a Poll Sequence about the slower interval
    session.change(attrs.evolve(FAST, multiplier=5))
    assert session.state is DOWN
    session.handle_timeout(0.5)
    (packet,) = sent(session.handle_timeout(2.0))
    assert (packet.multiplier, packet.poll) == (5, False)


def test_patience_for_a_peer_that_never_knew_of_less() -> None:
    slow = BFDConfig(transmit_interval=2.0, receive_interval=1.0)
    session = alone(UP, slow)
    session.change(attrs.evolve(slow, receive_interval=0.1))
    session.handle_timeout(5.0)
    session.receive_data(said(DOWN), 5.1)
    assert session.statistics(5.1).detection_time == pytest.approx(0.3)


def test_a_poll_that_changes_the_state_is_answered_by_one_packet() -> None:
    (reply,) = sent(alone(INIT).receive_data(said(INIT, poll=True), 0.1))
    assert (reply.state, reply.final) == (UP, True)


def test_a_poll_is_answered_at_once_beside_the_periodic_packets() -> None:
    session = alone(UP)
    (before,) = {session.next_timeout()}
    (reply,) = sent(session.receive_data(said(UP, poll=True), 0.05))
    assert (reply.final, reply.poll) == (True, False)
    assert session.next_timeout() == before


def test_a_peer_that_wants_no_periodic_packets() -> None:
    session = alone(UP)
    session.receive_data(said(UP, required_min_rx_us=0), 0.05)
    assert session.statistics(0.05).transmit_interval is None
    assert session.next_timeout() == pytest.approx(0.35)  # the detection time alone
    (reply,) = sent(session.receive_data(said(UP, required_min_rx_us=0, poll=True), 0.1))
    assert reply.final


def test_demand_mode_of_the_peer() -> None:
    session = alone(UP)
    session.receive_data(said(UP, demand=True), 0.05)
    assert session.statistics(0.05).transmit_interval is None
    # 6.6: a poll all the same.
    session.change(attrs.evolve(FAST, multiplier=5))
    (poll,) = sent(session.handle_timeout(0.1))
    assert (poll.poll, poll.demand) == (True, False)
    session.receive_data(said(UP, demand=True, final=True), 0.11)
    assert session.statistics(0.11).transmit_interval is None
    # It is active only while both sides are up.
    session.receive_data(said(INIT, demand=True), 0.12)
    assert session.statistics(0.12).transmit_interval == 0.1
    session.receive_data(said(UP), 0.13)
    assert session.statistics(0.13).transmit_interval == 0.1
