"""What a peer is told of routes, and when.

Routes go one way: `AdjRibOut` (ribout.py) says what has changed, `Egress` (egress.py) how that looks to this peer,
`pack` (packing.py) puts it into UPDATEs. Here is decided when there is a turn: not while the driver has enough to send,
not before the interval since the last burst is over (RFC 4271 9.2.1.1), End-of-RIB (RFC 4724) and the answers to
ROUTE-REFRESH (RFC 2918, RFC 7313) each in their place. The session sends what `take` returns.

An outflow belongs to the peer. It outlives connections, and what was wanted while there was none holds for the next.
"""

from collections.abc import Iterable

import attrs

from bgp.config import PeerConfig
from bgp.egress import Egress
from bgp.events import RouteRefused
from bgp.iana import RefreshSubtype
from bgp.messages import Message, RouteRefresh
from bgp.multiprotocol import MPUnreach
from bgp.nlri import NLRI
from bgp.packing import pack
from bgp.prefix import IPV4_UNICAST, Family
from bgp.ribout import AdjRibOut
from bgp.route import Route
from bgp.update import Update


@attrs.define(eq=False)
class Outflow:
    """The routes on their way to one peer."""

    rib_out: AdjRibOut = attrs.field(factory=AdjRibOut)
    """The routes that the peer is to have, and what it was told of them."""

    holds_back: bool = attrs.field(default=False, kw_only=True)
    """Whether End-of-RIB waits for `release`: we have restarted, and do not know all our routes yet (RFC 4724 4.1)."""

    is_draining: bool = attrs.field(default=False, init=False)
    """Whether the peer is told all routes as the last resort, since we are about to go (RFC 8326)."""

    _egress: Egress | None = attrs.field(default=None, init=False)
    _is_paused: bool = attrs.field(default=False, init=False)
    _next_burst: float = attrs.field(default=0.0, init=False)
    _asked: set[Family] = attrs.field(factory=set, init=False)
    """Whose routes the peer wants again, once End-of-RIB has been sent."""

    # While there is a session.

    def begin(self, egress: Egress, now: float) -> list[RouteRefused]:
        """Note that a session is up, to which routes look like this; return what it has no family for."""
        self._egress, self._next_burst = egress, now
        if self.is_draining:
            egress.drain()
        self.rib_out.begin(egress.negotiated.families)
        if not self.holds_back:
            self._conclude(egress)
        return self.refuse(self.rib_out.beyond(egress.negotiated.families))

    def end(self) -> None:
        """Note that the session, if there was one, is gone."""
        if self._egress is not None:
            self.rib_out.end()
        self._egress, self._is_paused = None, False
        self._asked.clear()

    def take(self, now: float) -> tuple[list[RouteRefused], list[Message]]:
        """Return a piece of what the peer does not know yet: what it cannot be told, and what to send; take it as told.

        There may be more; see `next_turn`.
        """
        turn = self.next_turn()
        if self._egress is None or turn is None or now < turn:
            return [], []
        changes = self.rib_out.take_changes(self._egress)
        assert changes is not None, "something is pending"
        if not self.rib_out.is_under_way:
            # RFC 4271 9.2.1.1: what changes from now on waits.
            self._next_burst = now + self._egress.config.advertisement_interval
        updates = pack(changes, self._egress.negotiated)
        refused = [RouteRefused(route, why) for route, why in changes.refused]
        return refused, [*changes.openings, *updates, *changes.endings]

    def next_turn(self) -> float | None:
        """When `take` has something; None: as long as nothing happens, never."""
        if self._egress is None or self._is_paused or not self.rib_out.is_pending:
            return None
        return self._next_burst

    def pause(self) -> None:
        """Note that there is enough to send: no more until `resume`."""
        self._is_paused = True

    def resume(self) -> None:
        """Note that most of it has been sent."""
        self._is_paused = False

    def repeat(self, family: Family) -> None:
        """Note that the peer of the session wants to be told all of a family again (RFC 2918)."""
        assert self._egress is not None
        if not self._egress.negotiated.enhanced_route_refresh:
            self.rib_out.repeat(family, (), ())
        elif self.holds_back:
            # RFC 7313 4: End-of-RIB comes before the beginning.
            self._asked.add(family)
        else:
            begin, end = RouteRefresh(family, RefreshSubtype.BEGIN), RouteRefresh(family, RefreshSubtype.END)
            self.rib_out.repeat(family, (begin,), (end,))

    # At any time.

    def refuse(self, routes: Iterable[Route]) -> list[RouteRefused]:
        """Name those of a family that the session does not speak; they wait for one that does."""
        families = self._egress.negotiated.families if self._egress else None
        return [
            RouteRefused(route, f"{route.family} was not negotiated")
            for route in routes
            if families is not None and route.family not in families
        ]

    def reconfigure(self, config: PeerConfig) -> None:
        """Go by another configuration, at once as far as it is about how routes look."""
        if self._egress is not None:
            self._egress = attrs.evolve(self._egress, config=config)
            self._review(self._egress)

    def drain(self) -> None:
        """Tell the peer to prefer any other route to ours, since we are about to go (RFC 8326)."""
        self.is_draining = True
        if self._egress is not None:
            self._egress.drain()
            self._review(self._egress)

    def release(self) -> None:
        """Let End-of-RIB go, now that all our routes are known (RFC 4724 4.1)."""
        held, self.holds_back = self.holds_back, False
        if held and self._egress is not None:
            self._conclude(self._egress)
            for family in sorted(self._asked):
                self.repeat(family)
            self._asked.clear()

    def _review(self, egress: Egress) -> None:
        for family in egress.negotiated.families:
            self.rib_out.review(family)

    def _conclude(self, egress: Egress) -> None:
        families = sorted(egress.negotiated.families)
        self.rib_out.conclude((family, _end_of_rib(family)) for family in families)


def _end_of_rib(family: Family) -> Update:
    """What says that the routes of a family have all been sent (RFC 4724 2)."""
    if family == IPV4_UNICAST:
        return Update()
    return Update(mp_unreach=MPUnreach(NLRI((), family)))
