import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.errors import HeaderError, LocalError
from bgp.framing import MARKER, MAX_EXTENDED, MAX_MESSAGE, Framer, judge_header
from bgp.iana import MessageType
from bgp.wire import uint16

BODIES = {
    MessageType.OPEN: st.binary(min_size=10, max_size=40),
    MessageType.UPDATE: st.binary(min_size=4, max_size=40) | st.just(bytes(MAX_MESSAGE - 19)),
    MessageType.NOTIFICATION: st.binary(min_size=2, max_size=40),
    MessageType.KEEPALIVE: st.just(b""),
    MessageType.ROUTE_REFRESH: st.binary(max_size=40),
}


def message(kind: int, body: bytes) -> bytes:
    return MARKER + uint16(19 + len(body)) + bytes([kind]) + body


# Bodies of any octets, those of a marker too: a framer does not look into them.
MESSAGES = st.sampled_from(MessageType).flatmap(
    lambda kind: (BODIES[kind] | BODIES[kind].map(lambda body: b"\xff" * len(body))).map(
        lambda body: message(kind, body)
    )
)
STREAMS = st.lists(MESSAGES, max_size=5)


def read(chunks: list[bytes]) -> tuple[list[bytes], tuple[int, bytes] | None]:
    """What a framer makes of these chunks: messages, and the error that ends the stream."""
    framer, found = Framer(), []
    try:
        for chunk in chunks:
            for message in framer.feed(chunk):
                found.append(message)
    except HeaderError as error:
        return found, (error.subcode, error.data)
    return found, None


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(stream) + 1) for place in places), len(stream)]
    return [stream[start:end] for start, end in itertools.pairwise(edges)]


@given(STREAMS, st.lists(st.integers(0, 20_000)))
def test_every_split_yields_the_same_messages(stream: list[bytes], places: list[int]) -> None:
    assert read(cut(b"".join(stream), places)) == (stream, None)


@given(STREAMS, st.binary(max_size=60), st.lists(st.integers(0, 20_000)))
def test_every_split_of_a_broken_stream_yields_the_same(
    stream: list[bytes], rubbish: bytes, places: list[int]
) -> None:
    data = b"".join(stream) + rubbish
    whole = read([data])
    assert read(cut(data, places)) == whole
    assert read([data[i : i + 1] for i in range(len(data))]) == whole


@pytest.mark.parametrize(
    ("header", "subcode", "data"),
    [
        (b"\xff" * 15 + b"\xfe\x00\x13\x04", 1, b""),
        (MARKER + b"\x00\x12\x04", 2, b"\x00\x12"),
        (MARKER + b"\x00\x14\x04", 2, b"\x00\x14"),
        (MARKER + b"\x00\x1c\x01", 2, b"\x00\x1c"),
        (MARKER + b"\x00\x16\x02", 2, b"\x00\x16"),
        (MARKER + b"\x00\x14\x03", 2, b"\x00\x14"),
        (MARKER + b"\x10\x01\x02", 2, b"\x10\x01"),
        (MARKER + b"\x00\x13\x00", 3, b"\x00"),
        (MARKER + b"\x00\x17\x06", 3, b"\x06"),
        (MARKER + b"\x00\x12\x09", 2, b"\x00\x12"),
    ],
)
def test_a_bad_header_is_found_before_the_body_arrives(header: bytes, subcode: int, data: bytes) -> None:
    # RFC 4271 6.1, with the data of each NOTIFICATION.
    assert read([header]) == ([], (subcode, data))


@pytest.mark.parametrize(
    ("kind", "low", "high", "extended"),
    [
        (MessageType.OPEN, 29, 4096, 4096),  # RFC 8654 4
        (MessageType.UPDATE, 23, 4096, 65535),
        (MessageType.NOTIFICATION, 21, 4096, 65535),
        (MessageType.KEEPALIVE, 19, 19, 19),
        (MessageType.ROUTE_REFRESH, 19, 4096, 65535),
    ],
)
def test_every_type_has_its_lengths(kind: MessageType, low: int, high: int, extended: int) -> None:
    for longest, limit in ((high, MAX_MESSAGE), (extended, MAX_EXTENDED)):
        for length in (low, longest):
            assert judge_header(MARKER + uint16(length) + bytes([kind]), 0, limit) == (kind, length)
        for length in {low - 1, min(longest + 1, 65535)} - {longest}:
            with pytest.raises(HeaderError) as caught:
                judge_header(MARKER + uint16(length) + bytes([kind]), 0, limit)
            assert (caught.value.subcode, caught.value.data) == (2, uint16(length))
            assert f"must be {low} to {longest}" in str(caught.value)


def test_octets_that_are_no_header() -> None:
    with pytest.raises(HeaderError, match="18 octets are no header") as caught:
        judge_header(message(MessageType.KEEPALIVE, b"")[:-1])
    assert (caught.value.code, caught.value.subcode, caught.value.data) == (1, 1, b"")


def test_a_header_in_the_middle() -> None:
    assert judge_header(b"--" + message(MessageType.KEEPALIVE, b""), 2) == (MessageType.KEEPALIVE, 19)


def test_long_messages_once_they_are_negotiated() -> None:
    framer = Framer()
    long = message(MessageType.UPDATE, bytes(MAX_MESSAGE))
    framer.max_message = MAX_EXTENDED
    assert list(framer.feed(long)) == [long]


def test_waits_for_the_rest() -> None:
    framer = Framer()
    assert list(framer.feed(MARKER + b"\x00")) == []
    assert list(framer.feed(b"\x13\x04" + MARKER)) == [MARKER + b"\x00\x13\x04"]


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_takes_octets_of_any_type(kind: Callable[[bytes], bytearray | memoryview]) -> None:
    keepalive = message(MessageType.KEEPALIVE, b"")
    framer = Framer()
    found = [each for part in (keepalive[:7], keepalive[7:]) for each in framer.feed(kind(part))]
    assert found == [keepalive]
    assert type(found[0]) is bytes


@pytest.mark.parametrize("wrong", ["\xff" * 19, None, 19])
def test_keeps_nothing_of_what_are_no_octets(wrong: Any) -> None:
    keepalive = message(MessageType.KEEPALIVE, b"")
    framer = Framer()
    assert list(framer.feed(keepalive[:7])) == []
    with pytest.raises(LocalError, match="must be octets"):
        framer.feed(wrong)  # at once, not when somebody iterates
    assert list(framer.feed(keepalive[7:])) == [keepalive]


@pytest.mark.parametrize("length", [18, 65536, "4096", None])
def test_the_longest_message_has_limits(length: Any) -> None:
    with pytest.raises(LocalError, match=r"max_message .*, must be 19 to 65535"):
        Framer(length)
