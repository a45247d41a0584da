"""The messages that the benchmark measures with are what they should be, and two decoders agree on them."""

from collections.abc import Iterator
from ipaddress import IPv4Address

import pytest

import bgp
from tests.benchmarks import floor, measure, ours
from tests.benchmarks.generator import WORKLOADS, Workload, generate

NEGOTIATED = bgp.Negotiated(four_octet_as=True, families=[bgp.IPV4_UNICAST, bgp.IPV6_UNICAST])
WHOLE = {name: generate(name) for name in WORKLOADS}
SAMPLE = 300


def sample(name: str) -> Iterator[bytes]:
    messages = WHOLE[name].messages
    return iter(messages[:: max(1, len(messages) // SAMPLE)][:SAMPLE])


@pytest.mark.parametrize(
    ("name", "messages", "prefixes", "octets"),
    [
        ("realistic", (24_000, 26_000), 100_000, (88, 98)),
        ("packed", (95, 105), 100_000, (4_000, 4_096)),
        ("ipv6", (6_200, 7_000), 20_000, (100, 130)),
        ("withdrawals", (24_000, 26_000), 100_000, (35, 45)),
    ],
)
def test_a_workload_has_the_size_that_it_promises(
    name: str, messages: tuple[int, int], prefixes: int, octets: tuple[int, int]
) -> None:
    workload = WHOLE[name]
    assert messages[0] <= len(workload.messages) <= messages[1]
    assert workload.prefixes == prefixes
    assert octets[0] <= sum(map(len, workload.messages)) / len(workload.messages) <= octets[1]


def test_a_seed_decides_everything() -> None:
    assert generate("ipv6") == WHOLE["ipv6"]
    assert generate("ipv6", seed=1) != WHOLE["ipv6"]


def test_a_third_of_the_attribute_blocks_has_been_seen_before() -> None:
    blocks = [attribute_block(message) for message in WHOLE["realistic"].messages]
    assert 0.33 < 1 - len(set(blocks)) / len(blocks) < 0.37


def attribute_block(message: bytes) -> bytes:
    length = int.from_bytes(message[21:23], "big")
    return message[23 : 23 + length]


def test_no_attribute_block_of_the_warm_up_is_measured() -> None:
    warmup = generate("realistic", seed=1).first(21_000)
    measured = {attribute_block(message) for message in WHOLE["realistic"].messages}
    assert measured.isdisjoint(map(attribute_block, warmup.messages))


def test_the_first_octets_of_a_workload_are_whole_messages() -> None:
    workload = Workload((b"abc", b"de", b"f"), (3, 2, 1))
    assert workload.first(5) == Workload((b"abc", b"de"), (3, 2))
    assert workload.first(4) == Workload((b"abc",), (3,))
    assert workload.first(100) == workload


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_file_of_messages_splits_into_them_again(name: str) -> None:
    workload = WHOLE[name].first(100_000)
    assert tuple(measure.split(b"".join(workload.messages))) == workload.messages


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_floor_decodes_every_prefix_and_encodes_the_same_octets(name: str) -> None:
    workload = WHOLE[name]
    for message, count in zip(workload.messages[::10], workload.counts[::10], strict=True):
        update = floor.decode(message)
        reach = update.reach[1] if update.reach else []
        assert len(update.announced) + len(update.withdrawn) + len(reach) == count
        assert floor.encode(update) == message


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_library_and_the_floor_read_the_same(name: str) -> None:
    for message in sample(name):
        update, theirs = bgp.decode(message, NEGOTIATED), floor.decode(message)
        assert isinstance(update, bgp.Update)
        assert not update.faults
        assert list(update.announced.wire) == theirs.announced
        assert list(update.withdrawn.wire) == theirs.withdrawn
        assert reached(update) == theirs.reach
        assert_same_attributes(update.attributes, theirs)


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_library_builds_the_same_octets_from_values(name: str) -> None:
    for message in sample(name):
        assert ours.encode(ours.build(ours.values(ours.decode(message)))) == message


def reached(update: bgp.Update) -> tuple[bytes, list[bytes]] | None:
    reach = update.mp_reach
    return None if reach is None else (reach.next_hop.wire, list(reach.nlri.wire))


def assert_same_attributes(attributes: bgp.PathAttributes, theirs: floor.Update) -> None:
    path = (
        None
        if attributes.as_path is None
        else [(part.type, part.asns) for part in attributes.as_path.segments]
    )
    assert attributes.origin == theirs.origin
    assert path == theirs.as_path
    assert attributes.next_hop == (None if theirs.next_hop is None else IPv4Address(theirs.next_hop))
    assert attributes.med == theirs.med
    assert attributes.atomic_aggregate == theirs.atomic_aggregate
    assert tuple(map(int, attributes.communities)) == theirs.communities
    large = [number for item in attributes.large_communities for number in item.numbers]
    assert tuple(large) == theirs.large_communities
    if theirs.aggregator is None:
        assert attributes.aggregator is None
    else:
        assert attributes.aggregator == bgp.Aggregator(
            theirs.aggregator[0], IPv4Address(theirs.aggregator[1])
        )


def changed(message: bytes, old: bytes, new: bytes) -> bytes:
    assert message.count(old) == 1
    return message.replace(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\x40\x01\x01\x00", b"\x40\x01\x01\x03"),  # ORIGIN 3
        (b"\x40\x01\x01\x00", b"\xc0\x01\x01\x00"),  # an optional ORIGIN
        (b"\x40\x03\x04", b"\x40\x03\x03"),  # a short NEXT_HOP, and what follows is out of step
        (b"\x40\x02\x06\x02\x01\x00\x01", b"\x40\x02\x06\x02\x02\x00\x01"),  # a segment that overruns
        (b"\x40\x02\x06\x02\x01\x00\x01\x00\x00", b"\x40\x02\x06\x02\x01\x00\x00\x00\x00"),  # AS 0
        (b"\xc0\x08\x04", b"\x40\x03\x04"),  # NEXT_HOP twice
        (b"\xc0\x08\x04", b"\x40\x63\x04"),  # unknown, but called well-known
        (b"\x18\xcb\x00\x71", b"\x21\xcb\x00\x71"),  # a prefix of 33 bits
        (b"\x18\xcb\x00\x71", b"\x19\xcb\x00\x71"),  # a prefix cut short
    ],
)
def test_the_floor_does_check_what_it_reads(old: bytes, new: bytes) -> None:
    message = update(b"\x18\xcb\x00\x71")
    assert floor.decode(message).as_path == [(2, (65536,))]
    with pytest.raises(ValueError):
        floor.decode(changed(message, old, new))


def test_the_floor_clears_the_bits_after_a_prefix() -> None:
    assert floor.decode(update(b"\x16\xcb\x00\x71\x18\xcb\x00\x72")).announced == [
        b"\x16\xcb\x00\x70",
        b"\x18\xcb\x00\x72",
    ]


def update(announced: bytes) -> bytes:
    block = bytes.fromhex("40010100 4002 06 0201 00010000 400304 c0000201 c00804 fde80064")
    body = b"\0\0" + len(block).to_bytes(2, "big") + block + announced
    return b"\xff" * 16 + (19 + len(body)).to_bytes(2, "big") + b"\x02" + body
