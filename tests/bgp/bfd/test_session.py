"""One BFD session without I/O, mostly two of them on a fake wire: RFC 5880 6."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import LocalError
from bgp.bfd.authentication import BFDKey, sign
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDStateChanged, PacketDiscarded, SendPacket
from bgp.bfd.fsm import Reason
from bgp.bfd.packet import BFDPacket, Diagnostic, Discard, decode, encode
from bgp.bfd.session import SLOW_INTERVAL, BFDSession
from bgp.testing import BFDLink, bfd_configs, bfd_packets
from tests.bgp.bfd.ends import (
    ADMIN_DOWN,
    DOWN,
    FAST,
    INIT,
    PEER,
    UP,
    alone,
    established,
    gaps,
    packets,
    said,
    sent,
)

# Coming up.


def test_a_handshake_of_three_packets() -> None:
    link = BFDLink(FAST, FAST)
    link.start()
    link.run(1.0)
    changes = [(change.old, change.new, change.reason) for change in link.left.changes]
    assert changes == [(DOWN, INIT, Reason.HANDSHAKE), (INIT, UP, Reason.HANDSHAKE)]
    first, second = (packet for _, packet in packets(link.left)[:2])
    assert (first.state, first.your_discriminator) == (DOWN, 0)
    assert (second.state, second.your_discriminator) == (INIT, 2)


def test_once_a_second_until_it_is_up() -> None:
    link = BFDLink(FAST, FAST)
    link.right.deaf = link.left.deaf = True
    link.start()
    link.run(10.0)
    assert gaps(link.left, 0.0) == {SLOW_INTERVAL}
    assert {packet.desired_min_tx_us for _, packet in packets(link.left)} == {1_000_000}
    assert {packet.your_discriminator for _, packet in packets(link.left)} == {0}


def test_a_passive_side_waits_for_the_other() -> None:
    link = BFDLink(attrs.evolve(FAST, passive=True), FAST)
    link.perform(link.left, link.left.session.start(0.0))
    link.run(5.0)
    assert link.left.sent == []
    assert link.left.session.next_timeout() is None
    link.perform(link.right, link.right.session.start(link.now))
    link.run(1.0)
    assert link.left.state is link.right.state is UP


def test_two_passive_sides_never_meet() -> None:
    config = attrs.evolve(FAST, passive=True)
    link = BFDLink(config, config)
    link.start()
    link.run(10.0)
    assert [end.sent for end in link.ends] == [[], []]


def test_a_passive_side_falls_silent_with_its_peer() -> None:
    link = established(attrs.evolve(FAST, passive=True))
    link.left.deaf = True
    link.run(1.0)
    before = len(link.left.sent)
    link.run(10.0)
    assert link.left.state is DOWN
    assert len(link.left.sent) == before


# Going down.


def test_silence_is_noticed_after_the_detection_time() -> None:
    link = established()
    link.left.deaf = True
    last = max(moment for moment, _ in packets(link.right))
    assert link.run_until(lambda: link.left.state is not UP, link.now + 5)
    assert link.now - last == pytest.approx(0.3, abs=0.01)
    change = link.left.changes[-1]
    assert (change.new, change.reason, change.is_failure) == (DOWN, Reason.DETECTION_TIME_EXPIRED, True)
    assert change.diagnostic is Diagnostic.CONTROL_DETECTION_TIME_EXPIRED
    link.run(0.01)
    assert link.right.changes[-1].reason is Reason.NEIGHBOR_DOWN
    assert link.right.changes[-1].remote_diagnostic is Diagnostic.CONTROL_DETECTION_TIME_EXPIRED


def test_a_single_packet_may_be_lost() -> None:
    link = established()
    for _ in range(20):
        link.left.deaf = True
        link.run(0.1)
        link.left.deaf = False
        link.run(0.33)
    assert link.left.state is UP
    assert len(link.left.changes) == 2


def test_after_silence_nothing_holds_that_the_peer_said() -> None:
    session = alone(UP)
    session.receive_data(
        said(UP, control_plane_independent=True, diagnostic=5, required_min_rx_us=5_000_000), 0.1
    )
    change, packet = session.handle_timeout(1.0)
    assert isinstance(change, BFDStateChanged)
    assert (change.remote_is_independent, change.remote_diagnostic) == (True, Diagnostic.PATH_DOWN)
    assert sent([packet])[0].your_discriminator == 0
    figures = session.statistics(1.0)
    assert (figures.remote_discriminator, figures.remote_state, figures.detection_time) == (0, DOWN, None)
    assert figures.transmit_interval == SLOW_INTERVAL


def test_a_session_that_is_down_forgets_too() -> None:
    session = alone(DOWN)
    session.receive_data(said(ADMIN_DOWN, your_discriminator=0), 0.0)
    assert session.statistics(0.0).remote_discriminator == PEER
    assert session.handle_timeout(0.31) == []
    assert session.statistics(0.31).remote_discriminator == 0


def test_it_comes_up_again() -> None:
    link = established()
    link.left.deaf = True
    link.run(5.0)
    link.left.deaf = False
    link.run(5.0)
    assert link.left.state is link.right.state is UP
    figures = link.left.session.statistics(link.now)
    assert (figures.ups, figures.failures) == (2, 1)
    assert 0 < (figures.uptime or 0) < 5.0
    assert figures.diagnostic is Diagnostic.NONE


def test_a_disabled_session_tells_the_peer() -> None:
    link = established()
    link.perform(link.left, link.left.session.stop(link.now))
    stopped = link.now
    link.run(5.0)
    change = link.right.changes[-1]
    assert (change.new, change.reason, change.is_failure) == (DOWN, Reason.NEIGHBOR_DISABLED, False)
    assert change.remote_diagnostic is Diagnostic.ADMINISTRATIVELY_DOWN
    assert link.left.changes[-1].reason is Reason.DISABLED
    assert {packet.state for _, packet in packets(link.left, stopped)} == {ADMIN_DOWN}
    assert len(packets(link.left, stopped)) == 6  # at once, then every second
    assert PacketDiscarded(Discard.ADMINISTRATIVELY_DOWN) in link.left.events
    link.perform(link.left, link.left.session.start(link.now))
    link.run(5.0)
    assert link.left.state is link.right.state is UP


def test_stopping_before_the_start_and_starting_twice() -> None:
    session = BFDSession(attrs.evolve(FAST, passive=True), discriminator=1)
    (change,) = session.stop(0.0)
    assert isinstance(change, BFDStateChanged)
    assert session.stop(0.1) == []
    (change,) = session.start(0.2)
    assert isinstance(change, BFDStateChanged)
    assert change.reason is Reason.ENABLED
    assert session.start(0.3) == []


# What is discarded.


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Discard.TOO_SHORT),
        (said(UP, your_discriminator=2), Discard.NO_SESSION),
        (said(UP, your_discriminator=0), Discard.STATE),
        (said(INIT, your_discriminator=0), Discard.STATE),
        (sign(BFDPacket(state=UP, my_discriminator=1), BFDKey("keyed-md5", "x")), Discard.STATE),
        (
            sign(BFDPacket(state=DOWN, my_discriminator=1), BFDKey("keyed-md5", "x")),
            Discard.UNEXPECTED_AUTHENTICATION,
        ),
    ],
)
def test_a_packet_that_is_not_taken(data: bytes, reason: Discard) -> None:
    session = alone(UP)
    before = session.next_timeout()
    assert session.receive_data(data, 0.01) == [PacketDiscarded(reason)]
    assert (session.state, session.next_timeout()) == (UP, before)
    assert session.statistics(0.01).packets_discarded == {reason: 1}


@pytest.mark.parametrize(
    ("config", "ttl", "taken"),
    [
        (BFDConfig(), 255, True),
        (BFDConfig(), 254, False),
        (BFDConfig(multihop=True), 1, True),
        (BFDConfig(multihop=True, minimum_ttl=250), 250, True),
        (BFDConfig(multihop=True, minimum_ttl=250), 249, False),
    ],
)
def test_how_far_away_the_peer_may_be(config: BFDConfig, ttl: int, taken: bool) -> None:
    session = BFDSession(config, discriminator=1)
    session.start(0.0)
    outputs = session.receive_data(said(DOWN), 0.0, ttl=ttl)
    assert (PacketDiscarded(Discard.TTL) in outputs) is not taken
    assert (session.state is INIT) is taken


def test_discriminators_that_cannot_be() -> None:
    for discriminator in (0, 2**32):
        with pytest.raises(LocalError, match="discriminator"):
            BFDSession(FAST, discriminator=discriminator)


# Whatever happens.


@given(
    bfd_configs(),
    st.lists(st.tuples(st.floats(0, 5), st.binary(max_size=60) | bfd_packets(), st.booleans()), max_size=30),
)
def test_no_packet_breaks_the_rules(
    config: BFDConfig, steps: list[tuple[float, bytes | BFDPacket, bool]]
) -> None:
    session = BFDSession(config, discriminator=1)
    now, state = 0.0, session.state
    history = session.start(now)
    for pause, packet, is_known in steps:
        now += pause
        if isinstance(packet, BFDPacket):
            packet = encode(attrs.evolve(packet, your_discriminator=int(is_known)))
        due = session.next_timeout()
        if due is not None and due <= now:
            history += session.handle_timeout(now)
            again = session.next_timeout()
            assert again is None or again > now
        history += session.receive_data(packet, now)
        session.statistics(now)
    for output in history:
        match output:
            case BFDStateChanged(old=old, new=new):
                assert old is state is not new
                assert (old, new) not in {(UP, INIT), (DOWN, ADMIN_DOWN)}
                state = new
            case SendPacket(data):
                whole = decode(data)
                assert isinstance(whole, BFDPacket)
                assert (whole.demand, whole.required_min_echo_rx_us) == (False, 0)
                assert not (whole.poll and whole.final)
                assert whole.state is UP or whole.desired_min_tx_us >= 1_000_000
    assert session.state is state


@given(bfd_configs(), bfd_configs(), st.floats(0.0, 0.02))
def test_any_two_sides_come_up_and_stay_up(left: BFDConfig, right: BFDConfig, latency: float) -> None:
    both = attrs.evolve(left, passive=False, authentication=None), attrs.evolve(right, authentication=None)
    link = BFDLink(*both, latency=latency)
    link.start()
    assert link.run_until(lambda: all(end.state is UP for end in link.ends), 600)
    link.run(5.0)
    assert all(end.state is UP for end in link.ends)
