"""RFC 5880: Bidirectional Forwarding Detection."""

import attrs
import pytest

from bgp import LocalError
from bgp.bfd.authentication import BFDKey, sign
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import PacketDiscarded
from bgp.bfd.packet import AuthenticationType, BFDPacket, Diagnostic, Discard, encode
from bgp.bfd.session import BFDSession
from bgp.bfd.table import Arrival, BFDPath, BFDTable
from bgp.testing import BFDLink
from bgp.values import any_address
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
from tests.conformance.requirements import rfc

KEY = BFDKey("meticulous-keyed-sha1", "secret")


def discards(session: BFDSession, data: bytes) -> Discard | None:
    """Why a session does not take octets; None: it does."""
    outputs = session.receive_data(data, 0.01)
    return next((output.reason for output in outputs if isinstance(output, PacketDiscarded)), None)


def altered(data: bytes, position: int, value: int) -> bytes:
    return data[:position] + bytes([value]) + data[position + 1 :]


# 6.1, 6.3: roles and discriminators.


@rfc("5880 6.1", "MUST send in the active role, whether or not anything was received")
def test_active() -> None:
    assert sent(BFDSession(FAST, discriminator=1).start(0.0))


@rfc("5880 6.1", "MUST NOT begin to send in the passive role before a packet was received")
@rfc("5880 6.8.7", "MUST NOT send in the passive role while the peer's discriminator is not known")
def test_passive() -> None:
    session = alone(config=attrs.evolve(FAST, passive=True))
    assert session.next_timeout() is None
    assert sent(session.receive_data(said(DOWN, your_discriminator=0), 5.0))
    # Silence, after which the discriminator counts as unknown.
    assert not sent(session.handle_timeout(9.0))
    assert session.next_timeout() is None


@rfc("5880 6.3", "MUST choose a discriminator unlike any other of the system, and not zero")
@rfc("5880 6.8.6", "MUST select the session by Your Discriminator if that is not zero, or discard the packet")
@rfc("5880 6.8.6", "MUST select the session by other fields if Your Discriminator is zero")
def test_discriminators() -> None:
    drawn = iter([0, 1, 9, 1, 2, 9])
    sessions = BFDTable(lambda: next(drawn))
    for number in (1, 2):
        sessions.add(number, BFDPath(peer=f"192.0.2.{number}"), FAST, 0.0)

    def meant(yours: int, last: int) -> set[int]:
        data = said(DOWN, your_discriminator=yours)
        arrival = Arrival(data=data, peer=any_address(f"192.0.2.{last}"), port=3784, ttl=255)
        return {number for number, _ in sessions.receive(arrival, 0.1)}

    assert meant(2, last=1) == {2}
    assert meant(3, last=1) == set()
    assert meant(0, last=1) == {1}


# 6.5, 6.8.3: Poll Sequences and intervals.


@rfc("5880 6.5", "MUST NOT set both Poll and Final")
@rfc("5880 6.8.7", "MUST answer Poll with Final, and Poll clear, as soon as practicable")
def test_final() -> None:
    session = alone(UP)
    session.change(attrs.evolve(FAST, multiplier=9))  # a Poll Sequence of our own runs
    (reply,) = sent(session.receive_data(said(UP, poll=True), 0.01))
    assert (reply.poll, reply.final) == (False, True)


@rfc("5880 6.5", "MUST poll by the periodic packets, and MUST NOT send others for it")
@rfc("5880 6.8.3", "MUST begin a Poll Sequence when DesiredMinTxInterval or RequiredMinRxInterval changes")
@pytest.mark.parametrize(("transmit", "receive"), [(0.2, 0.1), (0.1, 0.2)])
def test_poll(transmit: float, receive: float) -> None:
    link = established()
    since = link.now
    link.left.session.change(BFDConfig(transmit_interval=transmit, receive_interval=receive))
    link.run(0.1)
    ((_, packet),) = packets(link.left, since)
    assert packet.poll


@rfc("5880 6.8.6", "MUST end the Poll Sequence when a packet with Final is received")
def test_poll_ends() -> None:
    session = alone(UP)
    session.change(attrs.evolve(FAST, multiplier=9))
    assert sent(session.handle_timeout(0.1))[0].poll
    session.receive_data(said(UP), 0.15)
    assert sent(session.handle_timeout(0.21))[0].poll
    session.receive_data(said(UP, final=True), 0.25)
    assert not sent(session.handle_timeout(0.32))[0].poll


@rfc("5880 6.8.3", "MUST separate two Poll Sequences by a packet with Final clear, or by time")
def test_poll_again() -> None:
    session = alone(UP)
    session.change(attrs.evolve(FAST, multiplier=9))
    session.change(attrs.evolve(FAST, multiplier=8))
    session.handle_timeout(0.1)
    session.receive_data(said(UP, final=True), 0.15)
    assert not sent(session.handle_timeout(0.21))[0].poll
    session.receive_data(said(UP), 0.25)
    assert sent(session.handle_timeout(0.32))[0].poll


@rfc("5880 6.8.1", "MUST begin with a DesiredMinTxInterval of at least a second")
@rfc("5880 6.8.3", "MUST have a DesiredMinTxInterval of at least a second while the session is not up")
def test_slow() -> None:
    link = established()
    link.left.deaf = True
    link.run(5.0)
    for _, packet in packets(link.left):
        assert packet.desired_min_tx_us == (100_000 if packet.state is UP else 1_000_000)


@rfc("5880 6.8.3", "MUST NOT send more slowly before the Poll Sequence about it is over")
def test_slower_later() -> None:
    session = alone(UP)
    session.change(attrs.evolve(FAST, transmit_interval=5.0))
    assert session.statistics(0.0).transmit_interval == 0.1
    session.handle_timeout(0.1)
    session.receive_data(said(UP, final=True), 0.15)
    assert session.statistics(0.15).transmit_interval == 5.0


@rfc(
    "5880 6.8.3",
    "MUST calculate with the old RequiredMinRxInterval until the Poll Sequence about less is over",
)
def test_stricter_later() -> None:
    session = alone(UP, BFDConfig(receive_interval=1.0))
    session.change(FAST)
    assert session.statistics(0.0).detection_time == 3.0
    session.handle_timeout(0.5)
    session.receive_data(said(UP, final=True), 0.55)
    assert session.statistics(0.55).detection_time == pytest.approx(0.3)


@rfc("5880 6.8.3", "MUST honour at once that the peer can take packets more often")
@rfc("5880 6.8.7", "MUST recalculate the transmit interval when either side's part of it changes")
def test_faster_at_once() -> None:
    session = alone(UP)
    session.receive_data(said(UP, required_min_rx_us=5_000_000), 0.1)
    assert session.statistics(0.1).transmit_interval == 5.0
    session.receive_data(said(UP), 0.2)
    assert (session.next_timeout() or 9.0) <= 0.2


# 6.6: demand mode.


@rfc("5880 6.6", "MUST NOT set Demand unless demand mode is wanted and both sides are up")
def test_demand_is_never_set() -> None:
    assert not any(packet.demand for _, packet in packets(established().left))


@rfc("5880 6.8.6", "MUST cease periodic packets while demand mode is active at the peer")
@rfc("5880 6.8.6", "MUST send periodic packets while it is not")
@rfc("5880 6.8.7", "MUST NOT send periodic packets in demand mode unless a Poll Sequence runs")
@rfc("5880 6.6", "MUST poll when the next packet would say something new, while demand mode is active")
def test_demand() -> None:
    session = alone(UP)
    session.receive_data(said(UP, demand=True), 0.0)
    assert session.statistics(0.0).transmit_interval is None
    session.change(attrs.evolve(FAST, multiplier=9))
    assert sent(session.handle_timeout(0.1))[0].poll
    session.receive_data(said(UP, demand=True, final=True), 0.15)
    assert session.statistics(0.15).transmit_interval is None
    session.receive_data(said(UP), 0.2)
    assert session.statistics(0.2).transmit_interval == 0.1


# 6.7: authentication.


@rfc("5880 6.7", "MUST support both types of SHA1")
@rfc("5880 6.7.2", "MUST accept passwords of 1 to 16 octets, of ASCII too")
@rfc("5880 6.7.3", "MUST accept ASCII keys, padded to the length of the digest")
@rfc("5880 6.7.3", "MUST calculate the digest over the whole packet")
@rfc("5880 6.7.4", "MUST calculate the hash over the whole packet")
@rfc("5880 6.7.4", "MUST NOT carry the key in the packet")
@pytest.mark.parametrize("kind", AuthenticationType, ids=lambda kind: kind.name)
def test_authentication(kind: AuthenticationType) -> None:
    config = attrs.evolve(FAST, authentication=BFDKey(kind, "s", 3))
    link = established(config, config)
    assert (link.left.state, link.left.events) == (UP, link.left.changes)
    signed = sign(BFDPacket(state=DOWN, my_discriminator=PEER), BFDKey(kind, "s", 3), 5)
    is_password = kind is AuthenticationType.SIMPLE_PASSWORD
    assert (b"s" in signed) is is_password
    if not is_password:
        for place in range(8, len(signed)):
            spoilt = discards(alone(config=config), altered(signed, place, signed[place] ^ 1))
            assert spoilt in (Discard.DIGEST, *_BEFORE_DIGEST), place
    with pytest.raises(LocalError):
        BFDKey(kind, "x" * 21)


_BEFORE_DIGEST = (
    *(Discard.NO_SESSION, Discard.AUTHENTICATION_TYPE, Discard.AUTHENTICATION_LENGTH),
    Discard.KEY_ID,
)


@rfc(
    "5880 6.7.3", "MUST increment the sequence number with each packet, in a circle, in the meticulous types"
)
def test_meticulous() -> None:
    session = BFDSession(attrs.evolve(FAST, authentication=KEY), discriminator=1, sequence=0xFFFFFFFE)
    found = [
        *sent(session.start(0.0)),
        *sent(session.handle_timeout(1.0)),
        *sent(session.handle_timeout(2.0)),
    ]
    contents = [packet.authentication.content for packet in found if packet.authentication]
    assert [int.from_bytes(content[1:5], "big") for content in contents] == [0xFFFFFFFF, 0, 1]


@rfc("5880 6.7.3", "SHOULD increment it when the packet says something new")
def test_not_meticulous() -> None:
    session = BFDSession(attrs.evolve(FAST, authentication=BFDKey("keyed-md5", "s")), discriminator=1)
    for moment in (1.0, 2.0):
        session.handle_timeout(moment)
    before = session.sequence
    session.stop(3.0)
    assert session.sequence == before + 1


@rfc("5880 6.7.3", "MUST discard sequence numbers out of the window that follows the last one")
@rfc("5880 6.8.1", "MUST forget the sequence number after twice the detection time without packets")
@pytest.mark.parametrize(
    ("sequence", "moment", "reason"),
    [
        (10, 0.1, Discard.SEQUENCE),
        (11, 0.1, None),
        (19, 0.1, None),
        (20, 0.1, Discard.SEQUENCE),
        (10, 7.0, None),
    ],
)
def test_sequence(sequence: int, moment: float, reason: Discard | None) -> None:
    session = alone(config=attrs.evolve(FAST, authentication=KEY))
    packet = BFDPacket(state=DOWN, my_discriminator=PEER)
    session.receive_data(sign(packet, KEY, 10), 0.0)
    outputs = session.receive_data(sign(packet, KEY, sequence), moment)
    assert (PacketDiscarded(Discard.SEQUENCE) in outputs) is (reason is not None)


@rfc("5880 6.8.6", "MUST discard authenticated packets if there is to be no authentication")
@rfc("5880 6.8.6", "MUST discard packets that are not authenticated if they are to be")
@rfc("5880 6.8.6", "MUST authenticate packets by the type in use")
@rfc("5880 6.7.2", "MUST discard packets with another type, key ID, length or password")
def test_authentic() -> None:
    packet = BFDPacket(state=DOWN, my_discriminator=PEER)
    password = BFDKey("simple-password", "right", 1)
    strict = attrs.evolve(FAST, authentication=password)
    assert discards(alone(), sign(packet, password)) is Discard.UNEXPECTED_AUTHENTICATION
    assert discards(alone(config=strict), encode(packet)) is Discard.MISSING_AUTHENTICATION
    assert discards(alone(config=strict), sign(packet, KEY)) is Discard.AUTHENTICATION_TYPE
    for wrong in (BFDKey("simple-password", "wrong", 1), BFDKey("simple-password", "righ", 1)):
        assert discards(alone(config=strict), sign(packet, wrong)) is Discard.DIGEST
    assert (
        discards(alone(config=strict), sign(packet, BFDKey("simple-password", "right", 2))) is Discard.KEY_ID
    )
    assert discards(alone(config=strict), sign(packet, password)) is None


# 6.8.1, 6.8.4: what is remembered, and for how long.


@rfc("5880 6.8.1", "MUST set the peer's discriminator to zero after a detection time without packets")
@rfc("5880 6.8.1", "MUST keep the state for at least a detection time")
@rfc("5880 6.8.4", "MUST go Down with diagnostic 1 when the detection time passes without packets")
@rfc("5880 6.8.18", "SHOULD reset the peer's RequiredMinRxInterval then")
@pytest.mark.parametrize("state", [INIT, UP])
def test_silence(state: object) -> None:
    session = alone(UP if state is UP else INIT)
    session.receive_data(said(UP if state is UP else DOWN, required_min_rx_us=7_000_000), 0.0)
    session.handle_timeout(0.29)
    assert session.state is state
    session.handle_timeout(0.31)
    figures = session.statistics(0.31)
    assert (figures.state, figures.diagnostic) == (DOWN, Diagnostic.CONTROL_DETECTION_TIME_EXPIRED)
    assert (figures.remote_discriminator, figures.transmit_interval) == (0, 1.0)


@rfc("5880 6.8.1", "MUST begin in Down, without a diagnostic, and with a multiplier that is not zero")
def test_beginning() -> None:
    (packet,) = sent(BFDSession(FAST, discriminator=5).start(0.0))
    assert packet == BFDPacket(state=DOWN, my_discriminator=5, required_min_rx_us=100_000)
    with pytest.raises(LocalError):
        BFDConfig(multiplier=0)


# 6.8.6: packets that are no good.


@rfc("5880 6.8.6", "MUST discard packets of another version")
@rfc("5880 6.8.6", "MUST discard packets with a length field below the minimum")
@rfc("5880 6.8.6", "MUST discard packets with a length field beyond the payload")
@rfc("5880 6.8.6", "MUST discard packets with a multiplier of zero")
@rfc("5880 6.8.6", "MUST discard packets with the multipoint bit")
@rfc("5880 6.8.6", "MUST discard packets without My Discriminator")
@rfc("5880 6.8.6", "MUST discard packets without Your Discriminator in another state than Down or AdminDown")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (altered(said(DOWN), 0, 0x40), Discard.VERSION),
        (altered(said(DOWN), 3, 23), Discard.LENGTH),
        (altered(altered(said(DOWN), 1, 0x44), 3, 25) + b"\0\0", Discard.LENGTH),
        (altered(said(DOWN), 3, 25), Discard.LENGTH),
        (altered(said(DOWN), 2, 0), Discard.MULTIPLIER),
        (altered(said(DOWN), 1, 0x41), Discard.MULTIPOINT),
        (altered(said(DOWN), 7, 0), Discard.MY_DISCRIMINATOR),
        (said(INIT, your_discriminator=0), Discard.STATE),
        (said(UP, your_discriminator=0), Discard.STATE),
    ],
)
def test_discarded(data: bytes, reason: Discard) -> None:
    assert discards(alone(), data) is reason


# 6.8.7: sending.


@rfc("5880 6.8.7", "MUST NOT send more often than the larger of our wish and the peer's, less jitter")
@rfc("5880 6.8.7", "MUST shorten each interval by up to a quarter, at random")
def test_jitter() -> None:
    factors = iter([0.75, 0.8, 0.9, 1.0] * 500)
    link = BFDLink(FAST, BFDConfig(transmit_interval=0.1, receive_interval=0.5), jitter=lambda: next(factors))
    link.start()
    link.run(10.0)
    since = link.now
    link.run(10.0)
    assert gaps(link.left, since) <= {0.375, 0.4, 0.45, 0.5}
    assert len(gaps(link.left, since)) > 1


@rfc("5880 6.8.7", "MUST NOT take more than nine tenths of the interval with a multiplier of one")
@pytest.mark.parametrize(("factor", "gap"), [(1.0, 0.09), (0.75, 0.075)])
def test_multiplier_of_one(factor: float, gap: float) -> None:
    config = attrs.evolve(FAST, multiplier=1)
    link = BFDLink(config, config, jitter=lambda: factor)
    link.start()
    link.run(5.0)
    since = link.now
    link.run(1.0)
    assert gaps(link.left, since) == {gap}


@rfc("5880 6.8.7", "MUST NOT send periodic packets while the peer's RequiredMinRxInterval is zero")
def test_no_periodic_packets() -> None:
    session = alone(UP)
    session.receive_data(said(UP, required_min_rx_us=0), 0.01)
    assert session.handle_timeout(0.25) == []


@rfc("5880 6.8.7", "SHOULD tell of a change of state between periodic packets")
def test_news_at_once() -> None:
    (packet,) = sent(alone().receive_data(said(DOWN), 0.5))
    assert packet.state is INIT


@rfc("5880 4.1", "MUST send version 1, and the multipoint bit as zero")
def test_constants() -> None:
    for _, data in established().left.sent:
        assert (data[0] >> 5, data[1] & 1) == (1, 0)


@rfc("5880 6.8.9", "MUST NOT send Echo packets unless the peer takes them")
def test_no_echo() -> None:
    for _, packet in packets(established().left):
        assert packet.required_min_echo_rx_us == 0


# 6.8.16: administrative control.


@rfc("5880 6.8.16", "MUST go to AdminDown with diagnostic 7 when disabled, and to Down when enabled")
@rfc("5880 6.8.16", "SHOULD go on sending for a detection time after that")
def test_disabled() -> None:
    session = alone(UP)
    (packet,) = sent(session.stop(1.0))
    assert (packet.state, packet.diagnostic) == (ADMIN_DOWN, Diagnostic.ADMINISTRATIVELY_DOWN)
    assert sent(session.handle_timeout(2.0))
    (packet,) = sent(session.start(3.0))
    assert packet.state is DOWN
