import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bgp import NLRI, LocalError, Prefix, UpdateError
from bgp.testing import nlris


@given(nlris())
def test_round_trip(nlri: NLRI) -> None:
    assert NLRI.decode(nlri.encode()) == nlri
    assert NLRI(nlri) == nlri


@given(st.binary(max_size=60))
@example(b"\x20\xff\xff\xff\xff")
def test_any_octets_are_prefixes_or_an_error(data: bytes) -> None:
    try:
        nlri = NLRI.decode(data)
    except UpdateError:
        return
    assert NLRI.decode(nlri.encode()) == nlri
    assert len(nlri.encode()) == len(data)
    assert all(prefix.network.version == 4 for prefix in nlri)


def test_bits_after_the_length_do_not_count() -> None:
    assert NLRI.decode(b"\x14\xc0\x00\x2f") == NLRI(["192.0.32.0/20"])
    assert NLRI.decode(b"\x00\x09\xff\xff") == NLRI(["0.0.0.0/0", "255.128.0.0/9"])


@pytest.mark.parametrize("data", [b"\x21\x01\x02\x03\x04\x05", b"\x18\xc0\x00", b"\x08\x0a\x20"])
def test_a_field_that_cannot_be_read_resets_the_session(data: bytes) -> None:
    with pytest.raises(UpdateError) as caught:
        NLRI.decode(data)
    assert (caught.value.code, caught.value.subcode) == (3, 10)


def test_is_a_sequence_of_prefixes() -> None:
    nlri = NLRI(["192.0.2.0/24", "198.51.100.0/24"])
    assert nlri[1] == Prefix("198.51.100.0/24")
    assert nlri[1:] == NLRI(["198.51.100.0/24"])
    assert Prefix("192.0.2.0/24") in nlri
    assert repr(nlri) == "NLRI(['192.0.2.0/24', '198.51.100.0/24'])"
    assert not NLRI()


def test_takes_ipv4_only() -> None:
    with pytest.raises(LocalError, match="2001:db8::/32 is ipv6 unicast"):
        NLRI(["2001:db8::/32"])
