"""Ranges that are in each other's way, against looking at every pair."""

from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from k8sglue.addresses import Territory, parse_range
from k8sglue.config import AddressRange

RANGES = st.tuples(st.integers(0, 60), st.integers(0, 9)).map(
    lambda pair: AddressRange(IPv4Address(pair[0]), IPv4Address(pair[0] + pair[1]))
)


@given(st.lists(RANGES))
def test_a_clash_is_found_where_there_is_one(ranges: list[AddressRange]) -> None:
    territory = Territory()
    taken: dict[AddressRange, str] = {}
    for index, each in enumerate(ranges):
        clash = territory.clash(each)
        others = [(other, owner) for other, owner in taken.items() if other.overlaps(each)]
        assert (clash in others) if others else clash is None
        if clash is None:
            taken[each] = str(index)
            territory.add(each, str(index))


def test_host_bits_are_masked_away_and_blanks_do_no_harm() -> None:
    assert str(parse_range("10.0.0.77/24")) == "10.0.0.0-10.0.0.255"
    assert str(parse_range("10.0.0.1 - 10.0.0.9")) == "10.0.0.1-10.0.0.9"
    assert str(parse_range("10.0.0.1", single=True)) == "10.0.0.1-10.0.0.1"
