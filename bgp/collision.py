"""Which of two connections with the same peer survives (RFC 4271 6.8, RFC 6286 2.3).

When both sides dial at the same moment there are two connections, and both sides have to give up the same one
without asking each other. They compare BGP Identifiers: the connection that the side with the higher one has dialled
goes on. Equal identifiers are possible in different ASes only; then the higher AS number decides.

What else there is to judge:

- An established session is not given up for a newcomer. But a peer that has promised to restart gracefully, and dials
  while a session is up, has lost that without our noticing (RFC 4724 5): then the newcomer goes on. If it dialled
  before, both sides have just dialled at once.
- Two connections dialled by the same side are no collision, since nobody wants two: whoever dialled has given up
  on the first.
"""

import enum
from ipaddress import IPv4Address

import attrs


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

    def __repr__(self) -> str:
        return f"Survivor.{self.name}"


@attrs.frozen(kw_only=True)
class Existing:
    """The connection that was there when an OPEN arrived on another; it is at least in OpenConfirm."""

    dialled_by: Side
    established: bool = False
    abandoned: bool = False
    """The peer has promised to restart gracefully, and has dialled the newcomer while the session was up."""


def resolve(existing: Existing, newcomer: Side, *, ours: Identity, theirs: Identity) -> Survivor:
    """Judge a collision: `newcomer` is who dialled the connection on which `theirs` stood in an OPEN."""
    if existing.established:
        return Survivor.NEWCOMER if existing.abandoned else Survivor.EXISTING
    if existing.dialled_by is newcomer:
        return Survivor.NEWCOMER
    winner = Side.LOCAL if ours > theirs else Side.REMOTE
    return Survivor.NEWCOMER if winner is newcomer else Survivor.EXISTING
