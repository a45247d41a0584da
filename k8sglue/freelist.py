"""The free addresses of one pool, of one family.

All that is kept is what is *not* simply free: a sorted list of positions that are taken, at rest, or remembered. The
k-th free position follows from it by binary search, because the entry at index i has `entry - i` free positions below
it. So the lowest free address and a random one, each as likely as any other, cost the same, and a /64 costs as much as
its Services do. (Inserting moves the entries above: 20 microseconds with 65,536 of them.)

An address that was given back goes through up to three states: it *rests* for as long as the pool says, when only
the Service that gave it back may have it again unasked; then, if the pool prefers what was not used for long, it is
*remembered* in the order of return; then it is free like any that never was in use. What rests and what is remembered
is known to this process only: after a restart, all that is not in use is free.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from typing import TypeAlias

import attrs

from k8sglue.addressspace import AddressSpace
from k8sglue.config import AllocationOrder, IPAddress
from k8sglue.resources import Key

Draw: TypeAlias = Callable[[int], int]
"""Draws a number from 0 to its argument - 1; `random.randrange` is one."""

MEMORY = 65_536
"""How many addresses are remembered in the order of their return; the oldest count as never used beyond that."""


@attrs.frozen
class Return:
    """An address that was given back."""

    address: IPAddress
    key: Key
    """The Service that had it last."""
    time: float


@attrs.define
class FreeList:
    """Which addresses of a space are free, and which one is next."""

    space: AddressSpace
    order: AllocationOrder = AllocationOrder.LOWEST
    delay: float = 0.0
    """Seconds that an address rests."""
    _blocked: list[int] = attrs.field(init=False, factory=list)
    """Positions that are taken, at rest or remembered, ascending."""
    _resting: dict[int, Return] = attrs.field(init=False, factory=dict)
    """By position, the oldest first."""
    _resting_of: dict[Key, dict[int, None]] = attrs.field(init=False, factory=dict)
    """The positions in `_resting` that each Service gave back."""
    _remembered: dict[int, Return] = attrs.field(init=False, factory=dict)
    """By position, the oldest first."""

    def take(self, address: IPAddress) -> None:
        """Note that an address is in use, free or not. Does nothing if it is not of this space."""
        position = self.space.position(address)
        if position is None:
            return
        if position in self._resting:
            self._wake(position)
        elif position in self._remembered:
            del self._remembered[position]
        else:
            insort(self._blocked, position)

    def give_back(self, returned: Return) -> None:
        """Note that an address is not in use any more. Does nothing if it is not of this space."""
        position = self.space.position(returned.address)
        if position is not None:
            self._settle(position, returned, rest=self.delay > 0)

    def recall(self, returned: Return) -> None:
        """Note that an address that is free was given back some time ago."""
        position = self.space.position(returned.address)
        if position is not None and (self.delay > 0 or self.order is AllocationOrder.LEAST_RECENTLY_USED):
            insort(self._blocked, position)
            self._settle(position, returned, rest=self.delay > 0)

    def returns(self) -> Iterator[Return]:
        """Go through all that rests or is remembered."""
        yield from self._remembered.values()
        yield from self._resting.values()

    def expire(self, now: float) -> bool:
        """Let addresses rest no longer that have done so for long enough; tell whether there were any."""
        found = False
        while (due := self.next_due()) is not None and due <= now:
            position = next(iter(self._resting))
            self._settle(position, self._wake(position), rest=False)
            found = True
        return found

    def next_due(self) -> float | None:
        """Return when the next address has rested for long enough, or None if none rests."""
        return next((returned.time + self.delay for returned in self._resting.values()), None)

    def choose(self, draw: Draw, key: Key | None = None) -> IPAddress | None:
        """Return the address that comes next for a Service, or None; whoever uses it must `take` it."""
        if key in self._resting_of:
            return self.space.address(min(self._resting_of[key]))
        if unused := self.space.size - len(self._blocked):
            return self.space.address(self._nth(draw(unused) if self.order is AllocationOrder.RANDOM else 0))
        return next((returned.address for returned in self._remembered.values()), None)

    def has_rest_of(self, key: Key) -> bool:
        """Tell whether an address rests that this Service may have again."""
        return key in self._resting_of

    def _nth(self, count: int) -> int:
        """Return the position that so many unblocked ones are below."""
        blocked = self._blocked
        below = bisect_right(range(len(blocked)), count, key=lambda index: blocked[index] - index)
        return count + below

    def _settle(self, position: int, returned: Return, rest: bool) -> None:
        """Let an address, which is blocked, rest, or remember it, or else unblock it."""
        if rest:
            self._resting[position] = returned
            self._resting_of.setdefault(returned.key, {})[position] = None
        elif self.order is AllocationOrder.LEAST_RECENTLY_USED:
            self._remembered[position] = returned
            if len(self._remembered) > MEMORY:
                oldest = next(iter(self._remembered))
                del self._remembered[oldest]
                self._unblock(oldest)
        else:
            self._unblock(position)

    def _wake(self, position: int) -> Return:
        returned = self._resting.pop(position)
        mine = self._resting_of[returned.key]
        del mine[position]
        if not mine:
            del self._resting_of[returned.key]
        return returned

    def _unblock(self, position: int) -> None:
        del self._blocked[bisect_left(self._blocked, position)]
