"""BFD sessions whose packets are signed: RFC 5880 6.7."""

from itertools import pairwise

import attrs
import pytest

from bgp.bfd.authentication import BFDKey, sign
from bgp.bfd.events import PacketDiscarded
from bgp.bfd.packet import BFDPacket, Discard
from bgp.testing import BFDEnd, BFDLink
from tests.bgp.bfd.ends import (
    DOWN,
    FAST,
    PEER,
    UP,
    alone,
    established,
    packets,
)

KINDS = ["simple-password", "keyed-md5", "meticulous-keyed-md5", "keyed-sha1", "meticulous-keyed-sha1"]


@pytest.mark.parametrize("kind", KINDS)
def test_with_authentication(kind: str) -> None:
    config = attrs.evolve(FAST, authentication=BFDKey(kind, "secret", 3))
    link = established(config, config)
    assert link.left.events == link.left.changes  # nothing was discarded
    link.run(60.0)
    assert link.left.state is UP


def sequences(end: BFDEnd) -> list[int]:
    sections = [packet.authentication for _, packet in packets(end)]
    return [int.from_bytes(section.content[1:5], "big") for section in sections if section is not None]


def test_a_meticulous_sequence_number_for_each_packet() -> None:
    config = attrs.evolve(FAST, authentication=BFDKey("meticulous-keyed-sha1", "secret"))
    numbers = sequences(established(config, config).left)
    assert numbers == [(0xFFFFFFFF + place) % 2**32 for place in range(len(numbers))]


def test_a_sequence_number_for_each_change_of_content() -> None:
    config = attrs.evolve(FAST, authentication=BFDKey("keyed-sha1", "secret"))
    link = established(config, config)
    contents = [packet for _, packet in packets(link.left)]
    steps = [(b - a) % 2**32 for a, b in pairwise(sequences(link.left))]
    bare = [attrs.evolve(packet, authentication=None) for packet in contents]
    assert steps == [int(a != b) for a, b in pairwise(bare)]


@pytest.mark.parametrize(
    ("theirs", "reason"),
    [
        (None, Discard.MISSING_AUTHENTICATION),
        (BFDKey("keyed-sha1", "wrong"), Discard.DIGEST),
        (BFDKey("keyed-sha1", "secret", 2), Discard.KEY_ID),
        (BFDKey("keyed-md5", "secret"), Discard.AUTHENTICATION_TYPE),
    ],
)
def test_a_wrong_key_keeps_the_session_down(theirs: BFDKey | None, reason: Discard) -> None:
    ours = attrs.evolve(FAST, authentication=BFDKey("keyed-sha1", "secret"))
    link = BFDLink(ours, attrs.evolve(FAST, authentication=theirs))
    link.start()
    link.run(10.0)
    assert (link.left.state, link.right.state) == (DOWN, DOWN)
    assert set(link.left.events) == {PacketDiscarded(reason)}


def test_keys_are_changed_without_losing_the_session() -> None:
    old, new = BFDKey("meticulous-keyed-sha1", "old", 1), BFDKey("meticulous-keyed-sha1", "new", 2)
    link = established(*[attrs.evolve(FAST, authentication=old)] * 2)
    for step in ([old, new], [new, old], [new]):
        for end in link.ends:
            end.session.change(attrs.evolve(FAST, authentication=step))
            link.run(1.0)
    assert all(len(end.changes) == 2 for end in link.ends)
    assert {
        packet.authentication.key_id
        for _, packet in packets(link.left, link.now - 1)
        if packet.authentication
    } == {2}


def test_another_type_begins_its_own_sequence() -> None:
    first, second = (BFDKey(kind, "secret") for kind in ("meticulous-keyed-md5", "meticulous-keyed-sha1"))
    session = alone(DOWN, attrs.evolve(FAST, authentication=first))
    down = BFDPacket(state=DOWN, my_discriminator=PEER)
    session.receive_data(sign(down, first, 1000), 0.0)
    session.change(attrs.evolve(FAST, authentication=second))
    session.receive_data(sign(down, second, 5), 0.1)
    assert session.statistics(0.1).packets_received == 2


def test_a_recorded_packet_is_not_taken_again() -> None:
    key = BFDKey("meticulous-keyed-sha1", "secret")
    session = alone(DOWN, attrs.evolve(FAST, authentication=key))
    down = BFDPacket(state=DOWN, my_discriminator=PEER, desired_min_tx_us=100_000)
    data = sign(down, key, 5)
    session.receive_data(data, 0.0)
    for moment in (0.1, 0.59):  # 6.8.1: known for twice the detection time
        assert session.receive_data(data, moment) == [PacketDiscarded(Discard.SEQUENCE)]
    session.receive_data(data, 0.61)
    assert session.statistics(0.61).packets_received == 2


def test_a_packet_with_a_wrong_digest_does_not_move_the_window() -> None:
    key = BFDKey("meticulous-keyed-sha1", "secret")
    session = alone(DOWN, attrs.evolve(FAST, authentication=key))
    down = BFDPacket(state=DOWN, my_discriminator=PEER)
    session.receive_data(sign(down, key, 5), 0.0)
    session.receive_data(sign(down, BFDKey("meticulous-keyed-sha1", "wrong"), 12), 0.1)
    session.receive_data(sign(down, key, 6), 0.2)
    assert session.statistics(0.2).packets_received == 2
