"""The words of the state machine: states, timers, options, inputs and effects (RFC 4271 8.1, 8.2.2).

The numbers are those of the RFC's events; fsm.py says how they fold and what each input means in each state. The
session (session.py) makes inputs from octets, time and wishes, and carries effects out.

The members of an enum are singletons, so two of them here are hashed as such: a session looks them up several times
for each message, and an enum's own hash is that of its name.
"""

import enum

import attrs

from bgp.errors import PeerError
from bgp.messages import Keepalive, RouteRefresh
from bgp.notification import Notification
from bgp.open import Open
from bgp.update import Update


class State(enum.Enum):
    """Where a session is on its way up (RFC 4271 8.2.2)."""

    IDLE = "Idle"
    CONNECT = "Connect"
    ACTIVE = "Active"
    OPEN_SENT = "OpenSent"
    OPEN_CONFIRM = "OpenConfirm"
    ESTABLISHED = "Established"

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"State.{self.name}"


class Timer(enum.Enum):
    """What a session waits for (RFC 4271 8.1.3, 10; RFC 9687)."""

    CONNECT_RETRY = "connect-retry"
    """TCP should be up by now; and the pause in ACTIVE."""

    DELAY_OPEN = "delay-open"
    """The peer has had its chance to send its OPEN first."""

    HOLD = "hold"
    """The peer should have been heard by now."""

    KEEPALIVE = "keepalive"
    """The peer should hear from us now."""

    SEND_HOLD = "send-hold"
    """The peer's TCP should have taken something of what we sent by now."""

    IDLE_HOLD = "idle-hold"
    """The pause after a failure is over."""

    __hash__ = object.__hash__

    def __repr__(self) -> str:
        return f"Timer.{self.name}"


@attrs.frozen(kw_only=True)
class Options:
    """The optional session attributes that change what an event means (RFC 4271 8.1.1)."""

    passive: bool = False
    """PassiveTcpEstablishment: do not dial, wait for the peer's connection."""

    delay_open: bool = False
    """DelayOpen: let the peer send its OPEN first, for as long as the DelayOpen timer runs."""


# Inputs: what happens to a session.


@attrs.frozen
class Start:
    """Bring the session up. Events 1 and 3 to 7."""


@attrs.frozen
class Stop:
    """Take the session down and leave it down. Events 2 and 23."""

    notification: Notification
    """What to tell the peer, if it listens."""


@attrs.frozen
class Reset:
    """Take the session down; it comes up again after a pause. Event 8."""

    notification: Notification
    """What to tell the peer, if it listens."""

    reason: str | None = None
    """Why, for a person on our side; None: the notification says it."""


@attrs.frozen
class ConnectionOpened:
    """TCP is up. Events 16 and 17."""


@attrs.frozen
class ConnectionFailed:
    """TCP could not be opened. Event 18 without a connection."""

    reason: str


@attrs.frozen
class ConnectionLost:
    """TCP is gone. Event 18 with a connection."""

    reason: str


@attrs.frozen
class OpenReceived:
    """An OPEN that we agree to. Event 19; event 20 while the DelayOpen timer runs."""

    message: Open


@attrs.frozen
class KeepaliveReceived:
    """A KEEPALIVE. Event 26."""


@attrs.frozen
class UpdateReceived:
    """An UPDATE, maybe with faults that RFC 7606 says to survive. Event 27."""

    message: Update


@attrs.frozen
class RouteRefreshReceived:
    """A ROUTE-REFRESH (RFC 2918); where an UPDATE may come, it may."""

    message: RouteRefresh


@attrs.frozen
class NotificationReceived:
    """A NOTIFICATION. Events 24 and 25."""

    message: Notification


@attrs.frozen
class MessageRejected:
    """Octets that are no message, or a message that cannot be accepted. Events 21, 22 and 28, by its error."""

    error: PeerError


@attrs.frozen
class TimerExpired:
    """A timer has run out. Events 9 to 13, and 29 of RFC 9687."""

    timer: Timer


Input = (
    Start
    | Stop
    | Reset
    | ConnectionOpened
    | ConnectionFailed
    | ConnectionLost
    | OpenReceived
    | KeepaliveReceived
    | UpdateReceived
    | RouteRefreshReceived
    | NotificationReceived
    | MessageRejected
    | TimerExpired
)


# Effects: what is to be done.


@attrs.frozen
class OpenConnection:
    """Open TCP to the peer; report `connection_opened` or `connection_failed`."""

    connection: int = 0
    """Which of the connections with the peer; the machine knows of one only."""


@attrs.frozen
class CloseConnection:
    """Close TCP, or give up opening it, once everything sent is out. Report nothing more about it."""

    connection: int = 0
    """Which of the connections with the peer; the machine knows of one only."""


@attrs.frozen
class SendOpen:
    """Send our OPEN; what it says is not the machine's business."""


@attrs.frozen
class Send:
    """Send a message."""

    message: Keepalive | Notification


@attrs.frozen
class StartTimer:
    """Let a timer run from now, whether or not it runs already.

    How long is up to the session; a timer of zero seconds does not run. So a hold time of zero means no hold timer
    and no KEEPALIVEs (RFC 4271 4.4).
    """

    timer: Timer


@attrs.frozen
class StopTimer:
    """See that a timer does not run."""

    timer: Timer


@attrs.frozen
class ReportUp:
    """The session is established: say so, and send the routes."""


@attrs.frozen
class ReportDown:
    """The session, or an attempt at one, is over."""

    reason: str
    """Why, for a person."""

    sent: Notification | None = None
    received: Notification | None = None


@attrs.frozen
class Deliver:
    """Hand routes, or a word about routes, to the application."""

    message: Update | RouteRefresh


Effect = (
    OpenConnection
    | CloseConnection
    | SendOpen
    | Send
    | StartTimer
    | StopTimer
    | ReportUp
    | ReportDown
    | Deliver
)
