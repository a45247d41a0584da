"""What has happened with a peer, counted."""

from collections.abc import Mapping
from typing import Final

import attrs

from bgp.messages import Keepalive, Message, RouteRefresh
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import Family
from bgp.update import Update
from bgp.vocabulary import State

_KINDS: Final[dict[type[Message], str]] = {
    Open: "open",
    Update: "update",
    Notification: "notification",
    Keepalive: "keepalive",
    RouteRefresh: "route_refresh",
}


def _none_yet() -> dict[str, int]:
    return dict.fromkeys(_KINDS.values(), 0)


@attrs.define(eq=False)
class Counters:
    """Messages and octets in both directions, since the peer was added."""

    received: dict[str, int] = attrs.field(factory=_none_yet, init=False)
    """Messages of the peer by kind, as in `Statistics`."""

    sent: dict[str, int] = attrs.field(factory=_none_yet, init=False)
    """Messages of ours by kind."""

    octets_received: int = attrs.field(default=0, init=False)
    """All that came, headers and what could not be read included."""

    octets_sent: int = attrs.field(default=0, init=False)
    """All that was handed over to TCP."""

    established: int = attrs.field(default=0, init=False)
    """How many sessions there have been."""

    def count_received(self, message: Message) -> None:
        """Count a message of the peer."""
        self.received[_KINDS[type(message)]] += 1

    def count_sent(self, message: Message) -> None:
        """Count a message of ours."""
        self.sent[_KINDS[type(message)]] += 1


@attrs.frozen(kw_only=True)
class PrefixCounts:
    """Destinations of one family that a peer has to do with; each path counts where there are path identifiers."""

    received: int
    """In its Adj-RIB-In."""

    accepted: int
    """Of these, how many the import policy let through."""

    advertised: int
    """Told to it in the present session."""


@attrs.frozen(kw_only=True)
class Statistics:
    """How a peer is, at one moment."""

    state: State
    """Where its session is."""

    uptime: float | None
    """For how many seconds the session has been up; None: it is not."""

    last_error: str | None
    """Why the last session, or the last attempt at one, ended; None: none did."""

    established: int
    """How many sessions there have been."""

    messages_received: Mapping[str, int]
    """By kind: open, update, notification, keepalive, route_refresh; those that could be read."""

    messages_sent: Mapping[str, int]
    """By kind, as above; handed over to TCP."""

    octets_received: int
    """All that came, headers and what could not be read included."""

    octets_sent: int
    """All that was handed over to TCP."""

    prefixes: Mapping[Family, PrefixCounts]
    """By family; of those negotiated, or kept for the peer while it restarts."""
