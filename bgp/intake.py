"""What the peer tells us: from received UPDATEs to events.

Faults cost what RFC 7606 says: an attribute (the codec has left it out), the routes (they turn into withdrawals), or
the family. And the prefixes of families with a limit are counted (RFC 4271 6.7, RFC 4486).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from bgp.config import PrefixLimit
from bgp.drafts import draft_of
from bgp.events import EndOfRib, FamilyDisabled, Output, PrefixLimitWarning, RoutesReceived
from bgp.faults import Treatment
from bgp.multiprotocol import NextHop
from bgp.nlri import NLRI, key_of
from bgp.notification import Notification
from bgp.prefix import IPV4_UNICAST, Family
from bgp.update import Update


@attrs.define(eq=False)
class _Counter:
    """The prefixes of one family that has a limit."""

    limit: PrefixLimit
    _prefixes: set[bytes] = attrs.field(factory=set, init=False)
    _warned: bool = attrs.field(default=False, init=False)

    def judge(self, routes: RoutesReceived) -> PrefixLimitWarning | Notification | None:
        """Count; return the warning, once, or how to end the session."""
        self._prefixes.difference_update(_keys(routes.withdrawn))
        self._prefixes.update(_keys(routes.announced))
        count = len(self._prefixes)
        if count > self.limit.maximum:
            return Notification.maximum_prefixes(routes.family, self.limit.maximum)
        if count <= self.limit.warning_count:
            self._warned = False
        elif not self._warned:
            self._warned = True
            return PrefixLimitWarning(routes.family, count, self.limit.maximum)
        return None


def _keys(nlri: NLRI) -> Iterator[bytes]:
    # A withdrawal does not repeat the labels of what it withdraws (RFC 8277 2.4).
    return (key_of(nlri.family, wire, nlri.add_path) for wire in nlri.wire)


@attrs.define(eq=False)
class Intake:
    """Turns what arrives in one session into events."""

    # RFC 4760 7, 8: what was not negotiated, or is given up, is not read.
    _wanted: set[Family]
    _counters: Mapping[Family, _Counter]

    complete: set[Family] = attrs.field(factory=set, init=False)
    """The families of which the peer has sent all its initial routes (RFC 4724 2)."""

    @classmethod
    def of(cls, families: frozenset[Family], limits: Iterable[tuple[Family, PrefixLimit]]) -> "Intake":
        """Begin a session in which routes of these families are exchanged."""
        return cls(set(families), {family: _Counter(limit) for family, limit in limits})

    def take(self, update: Update) -> tuple[list[Output], Notification | None]:
        """Return what an UPDATE amounts to, and how to end the session if it brought too many prefixes."""
        events: list[Output] = [*self._disable(update)] if update.faults else []
        ending = None if update.announced.wire else update.end_of_rib
        if ending is not None:
            self.complete.add(ending)
            return [EndOfRib(ending)] if ending in self._wanted else [], None
        for routes in _routes(update):
            if routes.family not in self._wanted:
                continue
            events.append(routes)
            counter = self._counters.get(routes.family) if self._counters else None
            verdict = counter.judge(routes) if counter else None
            if isinstance(verdict, Notification):
                return events, verdict
            if verdict is not None:
                events.append(verdict)
        return events, None

    def _disable(self, update: Update) -> Iterator[FamilyDisabled]:
        for fault in update.faults:
            if fault.family is not None and fault.family in self._wanted:
                self._wanted.discard(fault.family)
                yield FamilyDisabled(fault.family, update.faults)


def _routes(update: Update) -> Sequence[RoutesReceived]:
    """The routes of an UPDATE: those in its own fields, and those among its attributes."""
    if update.mp_reach is None and update.mp_unreach is None and not update.faults:
        return (_received(update, IPV4_UNICAST, update.announced, update.withdrawn),)
    return list(_routes_anywhere(update))


def _routes_anywhere(update: Update) -> Iterator[RoutesReceived]:
    reach, unreach = update.mp_reach, update.mp_unreach
    if update.announced or update.withdrawn or not (reach or unreach or update.treatment is _DISABLE):
        yield _received(update, IPV4_UNICAST, update.announced, update.withdrawn)
    if reach is not None:
        withdrawn = NLRI((), reach.family)
        if unreach is not None and unreach.family == reach.family:
            withdrawn, unreach = unreach.nlri, None
        yield _received(update, reach.family, reach.nlri, withdrawn, reach.next_hop)
    if unreach is not None:
        yield _received(update, unreach.family, NLRI((), unreach.family), unreach.nlri)


_Draft: Final = draft_of(RoutesReceived)

_DISABLE: Final = Treatment.AFI_SAFI_DISABLE


def _received(
    update: Update, family: Family, announced: NLRI, withdrawn: NLRI, next_hop: NextHop | None = None
) -> RoutesReceived:
    if update.faults and any(fault.treatment is Treatment.TREAT_AS_WITHDRAW for fault in update.faults):
        wire, add_path = withdrawn.wire + announced.wire, withdrawn.add_path or announced.add_path
        withdrawn, announced = NLRI.from_wire(wire, family, add_path), NLRI((), family)
    routes = _Draft()
    routes.family = family
    routes.announced = announced
    routes.withdrawn = withdrawn
    routes.attributes = update.attributes
    routes.next_hop = next_hop
    routes.faults = update.faults
    routes.__class__ = RoutesReceived
    return routes  # type: ignore[no-any-return]
