"""Routes that outlive their session: the receiving side of graceful restart (RFC 4724 4.2, RFC 8538, RFC 9494).

A peer that has promised to go on forwarding while its BGP restarts keeps its routes for a while. Each family goes
through these phases, and an event tells of every step:

    fresh        the session is up, or nothing is known
    stale        the session is gone; the peer has its restart time to come back      RoutesStale
    long-lived   it has not; for the long-lived stale time, as a last resort          RoutesLongLivedStale
    confirming   it has, its forwarding state kept, and is sending its routes again
    fresh        it has sent them all (End-of-RIB), or the time of a phase is over    StaleRoutesGone

Which routes are stale is known to whoever keeps them: those that have not come again since `RoutesStale`.
"""

import enum
from collections.abc import Iterable

import attrs

from bgp.events import Event, RoutesLongLivedStale, RoutesStale, StaleRoutesGone
from bgp.iana import CeaseSubcode, ErrorCode
from bgp.negotiated import Negotiated
from bgp.notification import Notification
from bgp.prefix import Family


class _Phase(enum.Enum):
    STALE = enum.auto()
    LONG_LIVED = enum.auto()
    CONFIRMING = enum.auto()


@attrs.frozen
class _Stale:
    """A family with stale routes."""

    phase: _Phase
    deadline: float
    long_lived_time: int
    """How long the phase LONG_LIVED will last, in seconds; 0: there is none."""


@attrs.define(eq=False)
class StaleRoutes:
    """The families of one peer that have stale routes."""

    stale_time: float
    """How long a peer that is back may take to send its routes again, in seconds."""

    _promise: Negotiated | None = attrs.field(default=None, init=False)
    _stale: dict[Family, _Stale] = attrs.field(factory=dict, init=False)

    @property
    def families(self) -> frozenset[Family]:
        """The families that have stale routes now."""
        return frozenset(self._stale)

    def established(self, negotiated: Negotiated, now: float) -> list[Event]:
        """Note that a session is up."""
        self._promise = negotiated
        events: list[Event] = []
        for family, stale in list(self._stale.items()):
            # RFC 4724 4.2, RFC 9494 4.2: without its F bit, the stale routes of a family go at once. And time that
            # the last resort has left is not made longer by a session.
            long_lived = stale.phase is _Phase.LONG_LIVED
            if not _preserved(negotiated, family, long_lived):
                events += self._drop([family])
            elif not long_lived:
                self._stale[family] = _Stale(_Phase.CONFIRMING, now + self.stale_time, 0)
        return events

    def end_of_rib(self, family: Family) -> list[Event]:
        """Note that the peer has sent all its routes of a family."""
        return self._drop([family])

    def closed(self, now: float, sent: Notification | None, received: Notification | None) -> list[Event]:
        """Note that a session that was up is gone, and which NOTIFICATION went with it."""
        promise, self._promise = self._promise, None
        # RFC 4724 4.2: what was stale before, and has not come again, goes.
        events = self._drop(list(self._stale))
        said = promise.graceful_restart if promise else None
        if promise is None or said is None or not _is_graceful(promise, sent or received):
            return events
        for family in sorted({entry.family for entry in said.families} & promise.families):
            self._stale[family] = _Stale(
                _Phase.STALE, now + said.restart_time, _long_lived_time(promise, family)
            )
            events.append(RoutesStale(family))
        return events

    def clear(self) -> list[Event]:
        """Note that nobody waits for the peer any more."""
        self._promise = None
        return self._drop(list(self._stale))

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`; None: no phase runs."""
        return min((stale.deadline for stale in self._stale.values()), default=None)

    def handle_timeout(self, now: float) -> list[Event]:
        """End the phases whose time is over."""
        events: list[Event] = []
        for family, stale in list(self._stale.items()):
            if stale.deadline > now:
                continue
            if stale.long_lived_time:
                self._stale[family] = _Stale(_Phase.LONG_LIVED, now + stale.long_lived_time, 0)
                events.append(RoutesLongLivedStale(family))
            else:
                events += self._drop([family])
        return events

    def _drop(self, families: Iterable[Family]) -> list[Event]:
        return [StaleRoutesGone(family) for family in families if self._stale.pop(family, None)]


def _preserved(negotiated: Negotiated, family: Family, long_lived: bool) -> bool:
    """Whether the peer says that it has gone on forwarding (F bit)."""
    said = negotiated.long_lived_graceful_restart if long_lived else negotiated.graceful_restart
    entries = said.families if said and family in negotiated.families else ()
    return any(entry.family == family and entry.forwarding_preserved for entry in entries)


def _long_lived_time(promise: Negotiated, family: Family) -> int:
    said = promise.long_lived_graceful_restart
    return next((entry.stale_time for entry in said.families if entry.family == family), 0) if said else 0


def _is_graceful(promise: Negotiated, last_word: Notification | None) -> bool:
    """Whether a session that ended so is expected back."""
    if last_word is None:
        return True
    if last_word == Notification.cease(CeaseSubcode.CONNECTION_COLLISION_RESOLUTION):
        # RFC 4724 5: only a peer that has restarted makes an established session lose a collision.
        return True
    hard = last_word.code == ErrorCode.CEASE and last_word.subcode == CeaseSubcode.HARD_RESET
    return promise.graceful_notification and not hard
