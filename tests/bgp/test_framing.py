import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import HeaderError, Negotiated, encode
from bgp.framing import MARKER, Framer
from bgp.testing import messages

NEGOTIATED = Negotiated(four_octet_as=True)
STREAMS = st.lists(messages(NEGOTIATED).map(lambda message: encode(message, NEGOTIATED)), max_size=5)


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


def test_waits_for_the_rest() -> None:
    framer = Framer()
    assert list(framer.feed(MARKER + b"\x00")) == []
    assert list(framer.feed(b"\x13\x04" + MARKER)) == [MARKER + b"\x00\x13\x04"]
