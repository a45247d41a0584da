"""What comes out of a session or a peering: work for the driver, and news for the application."""

import attrs

from bgp.attributes import PathAttributes
from bgp.faults import Fault
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import IPV4_UNICAST, Family
from bgp.route import Route
from bgp.update import Update
from bgp.vocabulary import CloseConnection, OpenConnection, State

# What a driver carries out, beside OpenConnection and CloseConnection.


@attrs.frozen
class SendBytes:
    """Write to the connection."""

    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} octets>")

    connection: int = 0
    """Which of the connections with the peer."""


# What an application wants to know of sessions.


@attrs.frozen
class StateChanged:
    """The state machine moved."""

    old: State
    new: State


@attrs.frozen
class Established:
    """The session is up; routes flow."""

    negotiated: Negotiated
    """What both sides agreed on."""

    peer_open: Open
    """What the peer said of itself."""


@attrs.frozen
class SessionClosed:
    """A session that was established is over.

    Routes of the peer are no longer valid, but for the families that `RoutesStale` tells of right after this.
    """

    reason: str
    """Why, for a person."""

    sent: Notification | None = None
    """The NOTIFICATION that we sent."""

    received: Notification | None = None
    """The NOTIFICATION that the peer sent."""


@attrs.frozen
class AttemptFailed:
    """An attempt at a session is over before it was established; or one of two connections, the other goes on.

    It says nothing about routes: whatever the peer has said before holds as it did.
    """

    reason: str
    """Why, for a person."""

    sent: Notification | None = None
    """The NOTIFICATION that we sent."""

    received: Notification | None = None
    """The NOTIFICATION that the peer sent."""


# What it wants to know of the peer's routes.


@attrs.frozen(kw_only=True, weakref_slot=False)
class RoutesReceived:
    """The peer announced or withdrew routes of one family; faults have been acted on as RFC 7606 demands."""

    family: Family
    """The family of all of them."""

    announced: NLRI
    """Destinations that the peer now has a route for, with `attributes`."""

    withdrawn: NLRI
    """Destinations that it has no route for any more; those that are announced too have one (RFC 4271 4.3)."""

    attributes: PathAttributes
    """What the announced routes share."""

    next_hop: NextHop | None = None
    """Where to send the packets, for routes that came in MP_REACH_NLRI; None: `attributes` has it."""

    faults: tuple[Fault, ...] = ()
    """What was wrong with the UPDATE."""

    @property
    def update(self) -> Update | None:
        """An UPDATE that says as much, without the faults; None if there are no routes."""
        attributes = self.attributes if self.announced else PathAttributes()
        if not (self.announced or self.withdrawn):
            return None
        if self.family == IPV4_UNICAST and self.next_hop is None:
            return Update(withdrawn=self.withdrawn, announced=self.announced, attributes=attributes)
        return Update(
            attributes=attributes,
            mp_reach=MPReach(self.announced, self.next_hop) if self.announced and self.next_hop else None,
            mp_unreach=MPUnreach(self.withdrawn) if self.withdrawn else None,
        )


@attrs.frozen
class EndOfRib:
    """The peer has sent all its initial routes (RFC 4724 2)."""

    family: Family


@attrs.frozen
class RefreshBegun:
    """The peer begins to send all routes of a family again (BoRR); those that it has sent become stale (RFC 7313 4)."""

    family: Family


@attrs.frozen
class RefreshEnded:
    """It has sent them all (EoRR): the routes of the family that are still stale are gone (RFC 7313 4)."""

    family: Family


@attrs.frozen
class FamilyDisabled:
    """The peer's routes of a family cannot be followed any more: drop them, none will come (RFC 7606 2)."""

    family: Family
    faults: tuple[Fault, ...]
    """Why."""


@attrs.frozen
class PrefixLimitWarning:
    """The peer announces so many prefixes of a family that the end of the session is near (RFC 4271 6.7)."""

    family: Family
    count: int
    """How many there are."""
    maximum: int
    """How many there may be."""


@attrs.frozen
class RoutesStale:
    """The peer's routes of a family outlive the session: go on using them, mark them as stale (RFC 4724 4.2).

    A route that the peer sends again is fresh. For the others wait for `RoutesLongLivedStale` or `StaleRoutesGone`.
    """

    family: Family


@attrs.frozen
class RoutesLongLivedStale:
    """The stale routes of a family are the last resort from now on (RFC 9494 4.3).

    Drop those with the community NO_LLGR, attach LLGR_STALE to the others, prefer any other route.
    """

    family: Family


@attrs.frozen
class StaleRoutesGone:
    """The routes of a family that are still stale are not valid any more."""

    family: Family


@attrs.frozen
class PolicyFailed:
    """An import policy raised an exception for a route, which counts as a refusal."""

    route: Route
    reason: str


# What it wants to know of our routes.


@attrs.frozen
class RefreshRequested:
    """The peer asked for our routes of a family; they are sent again (RFC 2918)."""

    family: Family


@attrs.frozen
class RouteRefused:
    """A route that we are to announce cannot be told to this peer."""

    route: Route
    reason: str


Event = (
    StateChanged
    | Established
    | SessionClosed
    | AttemptFailed
    | RoutesReceived
    | EndOfRib
    | RefreshBegun
    | RefreshEnded
    | FamilyDisabled
    | PrefixLimitWarning
    | RoutesStale
    | RoutesLongLivedStale
    | StaleRoutesGone
    | PolicyFailed
    | RefreshRequested
    | RouteRefused
)
"""What an application wants to know."""

Output = OpenConnection | CloseConnection | SendBytes | Event
"""What a verb returns."""
