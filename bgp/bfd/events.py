"""What comes out of a BFD session: packets to send, news for the application, figures."""

from collections.abc import Iterable, Mapping

import attrs

from bgp.bfd.fsm import Reason
from bgp.bfd.packet import BFDState, Diagnostic, Discard
from bgp.bfd.packet import diagnostic as as_diagnostic


def _by_reason(counts: Mapping[Discard, int] | Iterable[tuple[Discard, int]]) -> dict[Discard, int]:
    return dict(counts)


@attrs.frozen
class SendPacket:
    """Send this to the peer, as the payload of a UDP datagram with TTL 255."""

    data: bytes = attrs.field(repr=lambda data: f"<{len(data)} octets>")


@attrs.frozen(kw_only=True)
class BFDStateChanged:
    """The session has changed its state."""

    old: BFDState = attrs.field(converter=BFDState)
    new: BFDState = attrs.field(converter=BFDState)
    reason: Reason
    """Why."""

    diagnostic: int = attrs.field(default=Diagnostic.NONE, converter=as_diagnostic)
    """What we tell the peer about it."""

    remote_diagnostic: int = attrs.field(default=Diagnostic.NONE, converter=as_diagnostic)
    """What the peer has told last about its own state."""

    remote_is_independent: bool = False
    """Whether the peer's BFD goes on without its control plane (C bit), so that its silence means a dead path."""

    @property
    def is_failure(self) -> bool:
        """Whether what depends on the path should take it for dead.

        A session that the peer has disabled says nothing about the path (RFC 5882 3.2), nor does one disabled here.
        """
        return (
            self.old is BFDState.UP
            and self.new is BFDState.DOWN
            and self.reason is not Reason.NEIGHBOR_DISABLED
        )


@attrs.frozen
class PacketDiscarded:
    """A packet was not taken."""

    reason: Discard


@attrs.frozen
class SocketFailed:
    """A socket could not be opened or written to; it is tried again."""

    reason: str
    """Why, for a person."""


BFDOutput = SendPacket | BFDStateChanged | PacketDiscarded
"""What a session without I/O puts out."""

BFDEvent = BFDStateChanged | PacketDiscarded | SocketFailed
"""What an application learns of a session that a monitor runs."""


@attrs.frozen(kw_only=True)
class BFDStatistics:
    """What a session has done so far, and how it stands."""

    state: BFDState = attrs.field(default=BFDState.DOWN, converter=BFDState)

    remote_state: BFDState = attrs.field(default=BFDState.DOWN, converter=BFDState)
    """What the peer has reported last; Down if it is not heard."""

    diagnostic: int = attrs.field(default=Diagnostic.NONE, converter=as_diagnostic)
    """Why the session left Up, or is kept down."""

    remote_diagnostic: int = attrs.field(default=Diagnostic.NONE, converter=as_diagnostic)
    """The same from the peer."""

    reason: Reason | None = None
    """Why the state changed last; None: it did not."""

    uptime: float | None = None
    """For how many seconds the session has been up; None: it is not."""

    discriminator: int = 0
    """What we call the session."""

    remote_discriminator: int = 0
    """What the peer calls it; 0: not known."""

    transmit_interval: float | None = None
    """How often we send, in seconds, before jitter; None: not periodically."""

    detection_time: float | None = None
    """The silence of the peer, in seconds, after which it counts as dead; None: it is not heard."""

    ups: int = 0
    """How often the session came up."""

    failures: int = 0
    """How often it went down for another reason than that somebody disabled it."""

    packets_sent: int = 0
    """How many packets were made for sending."""

    packets_received: int = 0
    """How many packets were taken."""

    packets_discarded: dict[Discard, int] = attrs.field(factory=dict, converter=_by_reason)
    """By reason, those that there were."""
