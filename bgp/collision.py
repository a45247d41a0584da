"""Which of two connections with the same peer survives (RFC 4271 6.8, RFC 6286 2.3).

When both sides dial at the same moment there are two connections, and both sides have to give up the same one
without asking each other. They compare BGP Identifiers: the connection that the side with the higher one has dialled
goes on. Equal identifiers are possible in different ASes only; then the higher AS number decides.

Whoever decides must know that the other will not decide otherwise, in whatever order things arrive. So the side whose
connection wins decides, and early, where RFC 4271 allows it: when an OPEN arrives on the other's connection while its
own OPEN is out and the answer may be on its way. If it decided later, it would have agreed to the loser by then, and
the other might take that for established. Before its OPEN is out it may still go without its own connection, since
nothing that the other has seen speaks for it. The side whose connection loses gives it up once the other's OPEN
arrives, and never the other's connection for want of an OPEN.

What else there is to judge:

- A connection on which nothing comes must not stand in the way of a good one for long, so there is a patience.
- An established session is not given up for a newcomer. But a peer that has promised to restart gracefully, and dials
  while a session is up, has lost that without our noticing (RFC 4724 5): then the newcomer goes on. Unless the
  session has just begun: then it may be that both sides have dialled at once.
- Two connections dialled by the same side are no collision, since nobody wants two: whoever dialled has given up
  on the first.
"""

import enum
from ipaddress import IPv4Address

import attrs

from bgp.vocabulary import State


class Side(enum.Enum):
    """Who dialled a connection."""

    LOCAL = "local"
    """We."""

    REMOTE = "remote"
    """The peer."""

    def __repr__(self) -> str:
        return f"Side.{self.name}"


@attrs.frozen(order=True)
class Identity:
    """Who a speaker is, in the order that decides collisions."""

    router_id: IPv4Address
    asn: int


class Survivor(enum.Enum):
    """Which connection goes on."""

    EXISTING = "existing"
    """The one that was there."""

    NEWCOMER = "newcomer"
    """The one on which an OPEN has just arrived."""

    BOTH = "both"
    """Each, until an OPEN arrives on the one that was there or it ends."""

    def __repr__(self) -> str:
        return f"Survivor.{self.name}"


@attrs.frozen(kw_only=True)
class Existing:
    """The connection that was there, or was being opened, when an OPEN arrived on another."""

    state: State
    """Where its session is."""

    dialled_by: Side

    overdue: bool = False
    """The peer's OPEN should have arrived long ago."""

    abandoned: bool = False
    """The peer has promised to restart gracefully, and has dialled the newcomer while the session was up."""


def resolve(existing: Existing, newcomer: Side, *, ours: Identity, theirs: Identity) -> Survivor:
    """Judge a collision: `newcomer` is who dialled the connection on which `theirs` stood in an OPEN."""
    if existing.state is State.ESTABLISHED:
        return Survivor.NEWCOMER if existing.abandoned else Survivor.EXISTING
    winner = Side.LOCAL if ours > theirs else Side.REMOTE
    if existing.state is not State.OPEN_CONFIRM:
        return _without_open(existing, newcomer, winner)
    if existing.dialled_by is newcomer or winner is newcomer:
        return Survivor.NEWCOMER
    return Survivor.EXISTING


def _without_open(existing: Existing, newcomer: Side, winner: Side) -> Survivor:
    """Judge if the peer's OPEN has arrived on the newcomer only."""
    if existing.dialled_by is Side.REMOTE or newcomer is Side.LOCAL:
        return Survivor.BOTH
    if existing.state is State.OPEN_SENT and winner is Side.LOCAL and not existing.overdue:
        return Survivor.EXISTING
    return Survivor.NEWCOMER
