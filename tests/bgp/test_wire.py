import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.wire import Reader, WireError, uint8, uint16, uint32


def test_reads_integers_in_network_order() -> None:
    reader = Reader(b"\x01\x02\x03\x04\x05\x06\x07")
    assert (reader.uint8(), reader.uint16(), reader.uint32()) == (0x01, 0x0203, 0x04050607)
    assert reader.remaining == 0


@given(st.integers(0, 0xFF), st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF))
def test_writes_what_it_reads(a: int, b: int, c: int) -> None:
    reader = Reader(uint8(a) + uint16(b) + uint32(c))
    assert (reader.uint8(), reader.uint16(), reader.uint32()) == (a, b, c)


def test_never_reads_past_the_end() -> None:
    with pytest.raises(WireError, match="3 octets expected, 2 left"):
        Reader(b"ab").take(3)


def test_a_block_ends_the_input() -> None:
    reader = Reader(b"abcd")
    with reader.limited_to(2):
        assert reader.rest() == b"ab"
        with pytest.raises(WireError):
            reader.uint8()
    assert reader.rest() == b"cd"


def test_a_block_that_declares_too_much() -> None:
    with pytest.raises(WireError, match="5 octets declared, 4 left"), Reader(b"abcd").limited_to(5):
        pass


def test_a_block_that_is_not_read_to_its_end() -> None:
    reader = Reader(b"abcd")
    with pytest.raises(WireError, match="1 octets left over"), reader.limited_to(3):
        reader.uint16()
