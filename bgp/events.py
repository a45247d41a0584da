"""What comes out of a session: work for the driver, and news for the application."""

import attrs

from bgp.attributes import PathAttributes
from bgp.faults import Fault
from bgp.fsm import CloseConnection, OpenConnection, State
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import Family
from bgp.rib import Route

# What a driver carries out, beside OpenConnection and CloseConnection.


@attrs.frozen
class SendBytes:
    """Write to the connection."""

    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} octets>")


# What an application wants to know.


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


@attrs.frozen(kw_only=True)
class RoutesReceived:
    """The peer announced or withdrew routes; faults have been acted on as RFC 7606 demands."""

    announced: NLRI
    """Prefixes that the peer now has a route for, with `attributes`."""

    withdrawn: NLRI
    """Prefixes that it has no route for any more."""

    attributes: PathAttributes
    faults: tuple[Fault, ...] = ()
    """What was wrong with the UPDATE."""


@attrs.frozen
class EndOfRib:
    """The peer has sent all its initial routes (RFC 4724 2)."""

    family: Family


@attrs.frozen
class RouteRefused:
    """A route that we are to announce cannot be told to this peer."""

    route: Route
    reason: str


@attrs.frozen
class SessionClosed:
    """A session, or an attempt at one, is over. Routes of the peer are no longer valid."""

    reason: str
    """Why, for a person."""

    sent: Notification | None = None
    """The NOTIFICATION that we sent."""

    received: Notification | None = None
    """The NOTIFICATION that the peer sent."""


Event = StateChanged | Established | RoutesReceived | EndOfRib | RouteRefused | SessionClosed
"""What an application wants to know."""

Output = OpenConnection | CloseConnection | SendBytes | Event
"""What a verb returns."""
