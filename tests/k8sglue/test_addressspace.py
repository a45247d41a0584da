"""Numbering addresses: the same as writing them all down."""

from hypothesis import given
from hypothesis import strategies as st

from k8sglue.addressspace import AddressSpace
from k8sglue.config import AddressRange, IPAddress
from tests.k8sglue.allocating import ranges
from tests.k8sglue.objects import addresses


def listed(space: AddressSpace) -> list[IPAddress]:
    return [space.address(position) for position in range(space.size)]


def test_what_is_left_out_has_no_position() -> None:
    space = AddressSpace.of(
        4, ranges("10.0.0.1-10.0.0.6", "2001:db8::1-2001:db8::9"), ranges("10.0.0.2-10.0.0.3")
    )
    assert listed(space) == list(addresses("10.0.0.1", "10.0.0.4", "10.0.0.5", "10.0.0.6"))
    assert [
        space.position(address) for address in addresses("10.0.0.0", "10.0.0.2", "10.0.0.4", "10.0.0.7")
    ] == [
        None,
        None,
        1,
        None,
    ]


def test_endings_that_are_avoided_are_skipped_in_ipv4_alone() -> None:
    both = ranges("10.0.0.254-10.0.1.1", "10.0.2.0-10.0.2.0", "2001:db8::-2001:db8::1")
    assert listed(AddressSpace.of(4, both, avoid_buggy=True)) == list(addresses("10.0.0.254", "10.0.1.1"))
    assert listed(AddressSpace.of(6, both, avoid_buggy=True)) == list(addresses("2001:db8::", "2001:db8::1"))


def test_the_largest_spaces_cost_nothing() -> None:
    all_of_it = AddressSpace.of(6, ranges("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
    assert all_of_it.size == 2**128
    assert all_of_it.position(all_of_it.address(2**128 - 1)) == 2**128 - 1
    all_of_it = AddressSpace.of(4, ranges("0.0.0.0-255.255.255.255"), avoid_buggy=True)
    assert all_of_it.size == 254 << 24
    assert all_of_it.address(all_of_it.size - 1) == addresses("255.255.255.254")[0]


STRETCHES = st.tuples(st.integers(0, 1200), st.integers(0, 300))


@given(st.lists(STRETCHES, max_size=5), st.lists(STRETCHES, max_size=5), st.booleans())
def test_it_is_as_if_the_addresses_were_written_down(
    found: list[tuple[int, int]], holes: list[tuple[int, int]], avoid_buggy: bool
) -> None:
    base = addresses("10.0.0.0")[0]
    apart, end = [], 0
    for gap, length in found:
        apart.append(AddressRange(base + end + gap % 400, base + end + gap % 400 + length))
        end += gap % 400 + length + 1
    without = [AddressRange(base + first, base + first + length) for first, length in holes]
    expected = [
        base + number
        for number in range(end)
        if any(base + number in each for each in apart)
        and not any(base + number in each for each in without)
        and not (avoid_buggy and number % 256 in (0, 255))
    ]
    space = AddressSpace.of(4, reversed(apart), without, avoid_buggy)
    assert listed(space) == expected
    positions = {address: position for position, address in enumerate(expected)}
    for number in range(end + 2):
        assert space.position(base + number) == positions.get(base + number)
