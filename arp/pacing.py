"""When each address is to be announced next, and which of those that are due may go first.

Every address has at most one deadline. Without a limit, what is due goes. With one, a second is cut into as many
slots as the limit allows, and each slot takes one address.

Who goes first is settled when a deadline is set: the address with the smallest sum of deadline and slack, where
slack is none for what somebody waits for (a first announcement, a probe, a defence), a second for repetitions and
ten seconds for refreshes. So a take-over passes all refreshes that became due in the last ten seconds; equals go
first in, first out; and as the sum never changes while later arrivals have greater ones, nobody waits for ever.

A timer rings late. A slot that was missed by less than 10 ms is not lost, or else a limit of a thousand a second
would turn into half of that on a clock of milliseconds. In any t seconds there go at most 1 + limit * (t + 0.01)
addresses.
"""

import heapq
import math

import attrs

AT_ONCE = 0.0
"""Slack of what somebody waits for."""
REPEATED = 1.0
"""Slack of the announcements that repeat a first one."""
REFRESHED = 10.0
"""Slack of refreshes."""

_LATENESS = 0.01
_VOID_ENTRIES = 64


@attrs.define(eq=False)
class Schedule:
    """The deadlines of some keys, and the limit on how many may go in a second (None: no limit)."""

    limit: float | None = None
    _pending: dict[bytes, tuple[float, int]] = attrs.field(init=False, factory=dict)  # key: rank, ticket
    # An entry of these heaps is void unless its rank and ticket are what the key has in _pending.
    _waiting: list[tuple[float, float, int, bytes]] = attrs.field(init=False, factory=list)  # by deadline
    _due: list[tuple[float, int, float, bytes]] = attrs.field(init=False, factory=list)  # by rank
    _tickets: int = attrs.field(init=False, default=0)
    _taken: float = attrs.field(init=False, default=-math.inf)  # the slot that was taken last

    def set(self, key: bytes, deadline: float, slack: float) -> None:
        """Give a key its deadline, in place of any that it has."""
        self._tickets += 1
        rank = deadline + slack
        self._pending[key] = rank, self._tickets
        heapq.heappush(self._waiting, (deadline, rank, self._tickets, key))
        if len(self._waiting) > 2 * len(self._pending) + _VOID_ENTRIES:
            self._waiting = [entry for entry in self._waiting if self._pending.get(entry[3]) == entry[1:3]]
            heapq.heapify(self._waiting)

    def expedite(self, key: bytes, now: float) -> None:
        """Make a key due now, unless it is and has a better place in the queue already."""
        rank, _ = self._pending.get(key, (math.inf, 0))
        if rank > now:
            self.set(key, now, AT_ONCE)

    def cancel(self, key: bytes) -> None:
        """Take a key's deadline away, if it has one."""
        self._pending.pop(key, None)

    def clear(self) -> None:
        """Take all deadlines away. The limit still counts what went before."""
        self._pending.clear()
        self._waiting.clear()
        self._due.clear()

    def next_timeout(self) -> float | None:
        """Tell when `take` will have something; None if never."""
        while self._due and self._pending.get(self._due[0][3]) != self._due[0][:2]:
            heapq.heappop(self._due)
        if self._due:
            return self._slot
        while self._waiting and self._pending.get(self._waiting[0][3]) != self._waiting[0][1:3]:
            heapq.heappop(self._waiting)
        return max(self._waiting[0][0], self._slot) if self._waiting else None

    def take(self, now: float) -> bytes | None:
        """Take out the key that is to go now; None if there is none, or no slot for it yet."""
        timeout = self.next_timeout()
        if timeout is None or timeout > now:
            return None
        while self._waiting and self._waiting[0][0] <= now:
            deadline, rank, ticket, key = heapq.heappop(self._waiting)
            if self._pending.get(key) == (rank, ticket):
                heapq.heappush(self._due, (rank, ticket, deadline, key))
        _, _, deadline, key = heapq.heappop(self._due)
        self._taken = max(self._slot, deadline, now - _LATENESS)
        del self._pending[key]
        return key

    @property
    def _slot(self) -> float:
        """The next slot that is free."""
        return self._taken if self.limit is None else self._taken + 1 / self.limit
