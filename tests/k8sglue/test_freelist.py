"""Free addresses: which one is next, and what becomes of those given back."""

import collections
import random

import pytest

from k8sglue import freelist
from k8sglue.addressspace import AddressSpace
from k8sglue.config import AllocationOrder, IPAddress
from k8sglue.freelist import FreeList, Return
from k8sglue.resources import Key
from k8sglue.stock import lowest
from tests.k8sglue.allocating import ranges
from tests.k8sglue.objects import addresses

FIVE = AddressSpace.of(4, ranges("10.0.0.1-10.0.0.5"))
ONE, TWO, THREE, FOUR, FIFTH = addresses("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5")
A, B = Key("default", "a"), Key("default", "b")
LRU = AllocationOrder.LEAST_RECENTLY_USED


def taken(free: FreeList, count: int) -> list[IPAddress | None]:
    """Take what comes next, so many times."""
    found = []
    for _ in range(count):
        found.append(free.choose(lowest))
        if found[-1] is not None:
            free.take(found[-1])
    return found


def test_the_lowest_comes_first_until_there_is_none() -> None:
    free = FreeList(FIVE)
    free.take(THREE)
    assert taken(free, 5) == [ONE, TWO, FOUR, FIFTH, None]
    free.give_back(Return(FOUR, A, 0.0))
    free.give_back(Return(TWO, A, 0.0))
    assert taken(free, 3) == [TWO, FOUR, None]


def test_addresses_of_others_do_not_matter() -> None:
    free = FreeList(FIVE, LRU)
    stranger = addresses("10.0.0.9")[0]
    free.take(stranger)
    free.give_back(Return(stranger, A, 0.0))
    free.recall(Return(stranger, A, 0.0))
    assert list(free.returns()) == []
    assert len(taken(free, 5)) == 5


def test_a_random_one_is_as_likely_as_any_other() -> None:
    free = FreeList(FIVE, AllocationOrder.RANDOM)
    free.take(TWO)
    draw = random.Random(6).randrange
    counts = collections.Counter(free.choose(draw) for _ in range(4000))
    assert set(counts) == {ONE, THREE, FOUR, FIFTH}
    assert min(counts.values()) > 850


def test_the_least_recently_used_is_one_that_never_was_in_use_or_came_back_first() -> None:
    free = FreeList(FIVE, LRU)
    assert taken(free, 3) == [ONE, TWO, THREE]
    free.give_back(Return(TWO, A, 1.0))
    free.give_back(Return(ONE, A, 2.0))
    assert taken(free, 5) == [FOUR, FIFTH, TWO, ONE, None]


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freelist, "MEMORY", 2)
    free = FreeList(FIVE, LRU)
    taken(free, 3)
    for address in (THREE, TWO, ONE):
        free.give_back(Return(address, A, 0.0))
    assert taken(free, 5) == [THREE, FOUR, FIFTH, TWO, ONE]


def test_an_address_rests_for_all_but_the_one_that_gave_it_back() -> None:
    free = FreeList(FIVE, delay=10.0)
    taken(free, 5)
    free.give_back(Return(THREE, A, 1.0))
    free.give_back(Return(TWO, A, 2.0))
    assert free.choose(lowest) is None
    assert free.choose(lowest, B) is None
    assert free.choose(lowest, A) == TWO
    assert free.next_due() == 11.0
    assert not free.expire(10.9)
    assert free.expire(11.0)
    assert taken(free, 2) == [THREE, None]
    assert free.has_rest_of(A)
    free.take(TWO)  # by somebody who asked for it
    assert not free.has_rest_of(A)
    assert free.next_due() is None
    assert taken(free, 1) == [None]


def test_what_has_rested_is_remembered_after_that() -> None:
    free = FreeList(FIVE, LRU, delay=1.0)
    taken(free, 2)
    free.give_back(Return(ONE, A, 0.0))
    assert taken(free, 4) == [THREE, FOUR, FIFTH, None]
    assert free.expire(1.0)
    assert taken(free, 1) == [ONE]


@pytest.mark.parametrize(("order", "delay"), [(LRU, 0.0), (LRU, 5.0), (AllocationOrder.LOWEST, 5.0)])
def test_what_was_given_back_is_known_to_the_next_list(order: AllocationOrder, delay: float) -> None:
    free = FreeList(FIVE, order, delay)
    taken(free, 1)
    free.give_back(Return(ONE, A, 3.0))
    after = FreeList(FIVE, order, delay)
    for returned in free.returns():
        after.recall(returned)
    assert taken(after, 4) == [TWO, THREE, FOUR, FIFTH]
    after.expire(8.0)
    assert taken(after, 2) == [ONE, None]


def test_a_list_that_has_no_use_for_the_past_forgets_it() -> None:
    free = FreeList(FIVE)
    free.recall(Return(ONE, A, 0.0))
    assert list(free.returns()) == []
    assert taken(free, 1) == [ONE]
