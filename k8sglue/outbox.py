"""What is decided about Services and still to be written: in which order, how often again, and what must wait for what.

Writes go out side by side, and any of them may fail, or fail to say that it succeeded. So that no address ever stands
in the status of two Services that may not share it, not even if the program is killed between two writes, the status
that an address leaves is written before one that it comes to. An address *leaves* a Service as long as the status
may show it, for all we know, and the allocator has taken it back. A Service that waits for an address, and itself
shows one that leaves it, is given its status in two steps; so nobody waits in a circle. If a request got no answer
and is not wanted any more, the status is read again before anybody else gets the address: what got no answer
arrives, if at all, before what is asked of the same Service later.

A failure that is about one Service delays that Service; any other one delays all, and longer each time.
"""

import heapq
from collections import deque

import attrs

from k8sglue.cluster import Event
from k8sglue.kinds import Key
from k8sglue.resources import Service

_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds to wait after the first failure in a row, the second, and so on, when all are concerned."""
_DELAYS_OF_ONE = (1.0, 5.0, 30.0, 120.0, 300.0)
_KEPT_EVENTS = 4
"""Events of a Service that wait for the API server at most."""


@attrs.frozen(kw_only=True)
class Draft:
    """What is to be written about one Service."""

    service: Service
    """As it was when this was decided."""
    addresses: tuple[str, ...] = ()
    """What its status should show."""
    pool: str = ""
    write: bool = False
    """The status differs, and has to be written."""
    check: bool = False
    """The status is as it should be, if nothing arrived that was sent before: it has to be read again."""
    outcome: tuple[Event, ...] = ()
    """To be published once the status is written, and only if it is."""
    events: tuple[Event, ...] = ()
    """To be published in any case."""
    since: float = 0.0
    """When it was first known that there is something to do."""


@attrs.frozen
class _Sent:
    """Addresses that a status may show because they were sent, whether or not that succeeded."""

    version: str
    """The version that the requests would change: if there is another one, they came too late."""
    addresses: frozenset[str] = frozenset()


@attrs.define
class Outbox:
    """Drafts, at most one of each Service waiting and one on its way; `now` is of a monotonic clock."""

    _waiting: dict[Key, Draft] = attrs.field(init=False, factory=dict)
    _order: deque[Key] = attrs.field(init=False, factory=deque)
    _later: list[tuple[float, Key]] = attrs.field(init=False, factory=list)
    _busy: set[Key] = attrs.field(init=False, factory=set)
    _newer: dict[Key, Draft | None] = attrs.field(init=False, factory=dict)
    """What was decided while another draft was on its way, if only that there is nothing to write."""
    _held: set[Key] = attrs.field(init=False, factory=set)
    _leaving: dict[Key, frozenset[str]] = attrs.field(init=False, factory=dict)
    _left_by: dict[str, set[Key]] = attrs.field(init=False, factory=dict)
    _sent: dict[Key, _Sent] = attrs.field(init=False, factory=dict)
    _failures_of: dict[Key, int] = attrs.field(init=False, factory=dict)
    _failures: int = attrs.field(init=False, default=0)
    _quiet_until: float = attrs.field(init=False, default=float("-inf"))

    @property
    def depth(self) -> int:
        """How many drafts wait or are on their way."""
        return len(self._waiting) + len(self._busy)

    @property
    def failing(self) -> bool:
        """The last thing that was tried failed for everybody."""
        return self._failures > 0

    def put(self, draft: Draft) -> None:
        """Take in what was decided; it replaces what waits for the same Service."""
        key = draft.service.key
        self._note_shown(draft)
        before = self._waiting.pop(key, None)
        draft = _telling(before.events if before else (), draft)
        self._outdate(key, draft)
        if not draft.write and key in self._sent and key not in self._busy:
            draft = attrs.evolve(draft, check=True)
        if draft.check or draft.write or draft.events:
            self._waiting[key] = draft
            self._order.append(key)

    def withdraw(self, key: Key) -> None:
        """Forget a Service that is gone, or no longer ours: its status shows nothing any more."""
        self._waiting.pop(key, None)
        self._outdate(key, None)
        self._sent.pop(key, None)
        self._set_leaving(key, frozenset())

    def take(self, now: float) -> Draft | None:
        """Return the next draft to send, None if there is none now. It is on its way until `done` or `failed`."""
        if now < self._quiet_until:
            return None
        while self._later and self._later[0][0] <= now:
            self._order.append(heapq.heappop(self._later)[1])
        while self._order:
            key = self._order.popleft()
            draft = self._waiting.get(key)
            if draft is None or key in self._busy or (draft := self._sendable(draft)) is None:
                continue
            del self._waiting[key]
            self._busy.add(key)
            if draft.write:
                before = self._sent.get(key, _Sent(draft.service.resource_version)).addresses
                self._sent[key] = _Sent(draft.service.resource_version, before | set(draft.addresses))
            return draft
        return None

    def next_timeout(self) -> float | None:
        """Return when to call `take` again even if nothing happens, None for never."""
        if not self._waiting:
            return None
        if self._order:
            return self._quiet_until
        return max(self._later[0][0], self._quiet_until) if self._later else None

    def written(self, draft: Draft) -> None:
        """Take in that a status was written: it shows these addresses, and no others."""
        key = draft.service.key
        self._sent.pop(key, None)
        wanted = newer.addresses if (newer := self._newer.get(key)) else draft.addresses
        self._set_leaving(key, frozenset(draft.addresses) - frozenset(wanted))

    def checked(self, draft: Draft) -> None:
        """Take in that a status was read again. If it is not what we knew, that is put here as something new."""
        self._sent.pop(draft.service.key, None)
        self._note_shown(self._newer.get(draft.service.key) or draft)

    def done(self, key: Key) -> None:
        """Take in that a draft is dealt with."""
        self._busy.discard(key)
        self._newer.pop(key, None)
        self._failures = 0
        self._failures_of.pop(key, None)
        self._order.append(key)

    def failed(self, draft: Draft, now: float, *, alone: bool, pause: float = 0.0) -> None:
        """Take in that what is left of a draft could not be sent; it will be tried again, unless there is a newer one.

        `alone`: that is no reason to expect that others will fail. `pause`: seconds that the source asks for.
        """
        key = draft.service.key
        self._busy.discard(key)
        current = key not in self._newer
        if current:
            self._waiting[key] = draft
        elif decided := self._newer.pop(key):
            self._note_shown(decided)
            waiting = self._waiting.get(key)
            if waiting is None and (key in self._sent or draft.events):
                waiting = attrs.evolve(decided, check=key in self._sent, events=())
            if waiting is not None:
                self._waiting[key] = _telling(draft.events, waiting)
        if alone and current:
            count = self._failures_of.get(key, 0)
            self._failures_of[key] = count + 1
            delay = _DELAYS_OF_ONE[min(count, len(_DELAYS_OF_ONE) - 1)]
            heapq.heappush(self._later, (now + max(delay, pause), key))
            return
        self._order.append(key)
        if alone:
            return
        # Of those that were on their way together, one failure counts.
        if now >= self._quiet_until:
            delay = _DELAYS[min(self._failures, len(_DELAYS) - 1)]
            self._failures += 1
            self._quiet_until = now + delay
        self._quiet_until = max(self._quiet_until, now + pause)

    def _sendable(self, draft: Draft) -> Draft | None:
        """Return as much of a draft as may be sent before others are, None if that is nothing."""
        key = draft.service.key
        if not draft.write:
            return draft
        free = tuple(address for address in draft.addresses if self._left_by.get(address, set()) <= {key})
        if free == draft.addresses:
            return draft
        if not set(draft.service.ingress) - set(draft.addresses):
            self._held.add(key)
            return None
        # The rest is decided again when the store has the new status.
        return attrs.evolve(draft, addresses=free, pool=draft.pool if free else "", outcome=())

    def _outdate(self, key: Key, decided: Draft | None) -> None:
        self._failures_of.pop(key, None)
        if key in self._busy:
            self._newer[key] = decided

    def _note_shown(self, draft: Draft) -> None:
        """Work out what leaves a Service, given what its status may show and what it should."""
        key = draft.service.key
        sent = self._sent.get(key)
        if sent and key not in self._busy and sent.version != draft.service.resource_version:
            del self._sent[key]
            sent = None
        shown = frozenset(draft.service.ingress) | (sent.addresses if sent else frozenset())
        self._set_leaving(key, shown - frozenset(draft.addresses))

    def _set_leaving(self, key: Key, addresses: frozenset[str]) -> None:
        before = self._leaving.pop(key, frozenset())
        for address in before - addresses:
            self._left_by[address].discard(key)
            if not self._left_by[address]:
                del self._left_by[address]
        for address in addresses:
            self._left_by.setdefault(address, set()).add(key)
        if addresses:
            self._leaving[key] = addresses
        if before - addresses and self._held:
            self._order += sorted(self._held)
            self._held.clear()


def _telling(events: tuple[Event, ...], draft: Draft) -> Draft:
    return attrs.evolve(draft, events=(events + draft.events)[-_KEPT_EVENTS:]) if events else draft
