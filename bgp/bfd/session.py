"""One BFD session without I/O (RFC 5880, 5881, 5883).

Both sides send packets at an interval that they agree on, and say in each what they have seen of the other. Whoever
has heard nothing for the detection time takes the path for dead. A driver has three steps and a timer. Call a verb
with the time; carry out, in order, the outputs it returns; call `handle_timeout` when the time of `next_timeout` has
come. Time is any clock that only goes forward, in seconds. Octets that arrived before a timeout are to be handed over
before it, since they may be the sign of life that it is about.

    session = BFDSession(BFDConfig(), discriminator=1)
    session.start(now=0.0)                     # [SendPacket(...)]
    session.receive_data(octets, now=0.2)      # [BFDStateChanged(DOWN, INIT, ...), SendPacket(...)]

No octets that a peer may send make a verb raise. What the RFC leaves open, or leaves to choose:

- Demand mode is honoured when the peer asks for it, and never asked for (6.6). The Echo function is not implemented:
  we say that we return no Echo packets, and send none (6.8.8, 6.8.9).
- The C bit is always clear: who runs this ends with its program (RFC 5882 4.3 says what a client makes of that).
- A Poll Sequence is begun when the intervals or the multiplier change, if there is a peer that could answer. One that
  is due while another is running, or whose Final replies could still be on the way, waits until the peer has sent a
  packet that is no such reply (6.8.3, the third way).
- Congestion control (7) amounts to this: a session that goes down sends one packet a second.
"""

import enum
from collections.abc import Callable
from typing import Final

import attrs

from bgp.bfd.authentication import follows, sequence_of, sign, verify
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDOutput, BFDStateChanged, BFDStatistics, PacketDiscarded, SendPacket
from bgp.bfd.fsm import TRANSITIONS, Local, Reason
from bgp.bfd.packet import AuthenticationType, BFDPacket, BFDState, Diagnostic, Discard, decode, encode
from bgp.values import UINT32, in_range

SLOW_INTERVAL: Final = 1.0
"""The shortest interval to send at while the session is not up (RFC 5880 6.8.3)."""


class _Poll(enum.Enum):
    """Where a Poll Sequence is (6.5)."""

    NONE = enum.auto()
    RUNNING = enum.auto()
    SETTLING = enum.auto()
    """Answered; answers to repetitions of the question may still come (6.8.3)."""


@attrs.frozen
class _Terms:
    """What we tell the peer that it has to know in time: intervals in seconds, and the multiplier."""

    desired_tx: float
    required_rx: float
    multiplier: int


@attrs.frozen
class _Remote:
    """What the peer has told us, and what holds as long as it has told nothing (6.8.1)."""

    discriminator: int = 0
    state: BFDState = BFDState.DOWN
    diagnostic: int = Diagnostic.NONE
    demand: bool = False
    is_independent: bool = False
    required_rx: float = 1e-6
    desired_tx: float = 0.0
    multiplier: int = 0


@attrs.define
class _Counts:
    """What statistics are made of."""

    sent: int = 0
    received: int = 0
    discarded: dict[Discard, int] = attrs.field(factory=dict)
    ups: int = 0
    failures: int = 0
    reason: Reason | None = None
    up_since: float | None = None

    def count(self, change: BFDStateChanged, now: float) -> None:
        """Take note of a change of state."""
        is_up = change.new is BFDState.UP
        self.reason, self.up_since = change.reason, now if is_up else None
        self.ups += is_up
        self.failures += change.is_failure


def no_jitter() -> float:
    """Change no interval."""
    return 1.0


@attrs.define(eq=False)
class BFDSession:
    """One BFD session. Outputs come from the verbs, in the order to carry them out."""

    config: BFDConfig
    """What is wanted; `change` sets it."""

    discriminator: int = attrs.field(validator=in_range(1, 0xFFFFFFFF), kw_only=True)
    """What we call the session, 1 to 4294967295: unlike any other, and better not to be guessed (6.8.1)."""

    jitter: Callable[[], float] = attrs.field(default=no_jitter, kw_only=True)
    """Called for a factor to each interval; RFC 5880 6.8.7 wants 0.75 to 1.0, at random."""

    sequence: int = attrs.field(default=0, validator=UINT32, kw_only=True)
    """The sequence number of the last packet that was signed; RFC 5880 6.8.1 wants a random one to begin with."""

    state: BFDState = attrs.field(default=BFDState.DOWN, init=False)
    """Where the session is."""

    diagnostic: int = attrs.field(default=Diagnostic.NONE, init=False)
    """Why it left Up, or is kept down."""

    # What we tell the peer, and what we do until it has heard; the same unless a Poll Sequence runs (6.8.3).
    _told: _Terms = attrs.field(init=False)
    _used: _Terms = attrs.field(init=False)
    _poll: _Poll = attrs.field(default=_Poll.NONE, init=False)

    _sent_at: float | None = attrs.field(default=None, init=False)
    _sent: BFDPacket | None = attrs.field(default=None, init=False)
    _factor: float = attrs.field(default=1.0, init=False)

    _remote: _Remote = attrs.field(factory=_Remote, init=False)
    _heard_at: float | None = attrs.field(default=None, init=False)
    _last_sequence: int = attrs.field(default=0, init=False)
    _sequence_expires: float = attrs.field(default=0.0, init=False)

    _counts: _Counts = attrs.field(factory=_Counts, init=False)

    def __attrs_post_init__(self) -> None:
        self._told = self._used = self._wanted

    # What somebody wants.

    def start(self, now: float) -> list[BFDOutput]:
        """Begin; or enable a session that `stop` has disabled (6.8.16)."""
        if self._sent_at is not None:
            return self._announced(self._move(Local.ENABLE, now), now)
        self._sent_at = now
        return [] if self._is_mute else [self._send(now)]

    def stop(self, now: float) -> list[BFDOutput]:
        """Disable the session, and go on to tell the peer so, once a second, until `start` (6.8.16)."""
        self._sent_at = now if self._sent_at is None else self._sent_at
        return self._announced(self._move(Local.DISABLE, now), now)

    def change(self, config: BFDConfig) -> None:
        """Take another configuration, without losing the session if the peer can follow.

        New intervals and a new multiplier are announced by a Poll Sequence. A new key is used at once: let the peer
        know it before.
        """
        before, self.config = self.config, config
        if _types(before) != _types(config):
            self._sequence_expires = 0.0
        self._renegotiate()

    def statistics(self, now: float) -> BFDStatistics:
        """What the session has done so far, and how it stands."""
        counts, remote = self._counts, self._remote
        return BFDStatistics(
            state=self.state,
            remote_state=remote.state,
            diagnostic=self.diagnostic,
            remote_diagnostic=remote.diagnostic,
            reason=counts.reason,
            uptime=None if counts.up_since is None else now - counts.up_since,
            discriminator=self.discriminator,
            remote_discriminator=remote.discriminator,
            transmit_interval=self._transmit_interval,
            detection_time=None if self._heard_at is None else self._detection_time,
            ups=counts.ups,
            failures=counts.failures,
            packets_sent=counts.sent,
            packets_received=counts.received,
            packets_discarded=dict(counts.discarded),
        )

    # What happens.

    def receive_data(self, data: bytes, now: float, *, ttl: int = 255) -> list[BFDOutput]:
        """Take the payload of a datagram that is meant for this session; `ttl` is its TTL or hop limit (6.8.6)."""
        packet = self._judge(data, now, ttl)
        if isinstance(packet, Discard):
            return [self._discard(packet)]
        self._learn(packet, now)
        if self.state is BFDState.ADMIN_DOWN:
            return [self._discard(Discard.ADMINISTRATIVELY_DOWN)]
        self._counts.received += 1
        changes = self._move(packet.state, now)
        if packet.poll:
            # It says all that a packet about a change of state would have said.
            return [*changes, self._send(now, final=True)]
        return self._announced(changes, now)

    def handle_timeout(self, now: float) -> list[BFDOutput]:
        """Act on what is due; call it when the time of `next_timeout` has come."""
        outputs: list[BFDOutput] = []
        if self._heard_at is not None and now >= self._heard_at + self._detection_time:
            outputs += self._expire(now)
        due = self._transmit_at
        if due is not None and now >= due:
            outputs.append(self._send(now))
        return outputs

    def next_timeout(self) -> float | None:
        """When to call `handle_timeout`; None: nothing will be due unless something happens before."""
        expiry = None if self._heard_at is None else self._heard_at + self._detection_time
        return min((moment for moment in (expiry, self._transmit_at) if moment is not None), default=None)

    # Reception.

    def _judge(self, data: bytes, now: float, ttl: int) -> BFDPacket | Discard:
        """Apply the rules of 6.8.6, and of RFC 5881 5 on how far away the peer may be."""
        if ttl < self.config.least_ttl:
            return Discard.TTL
        packet = decode(data)
        if isinstance(packet, Discard):
            return packet
        if packet.your_discriminator not in (0, self.discriminator):
            return Discard.NO_SESSION
        if not packet.your_discriminator and packet.state in (BFDState.INIT, BFDState.UP):
            return Discard.STATE
        return self._fault_of_authentication(data, packet, now) or packet

    def _fault_of_authentication(self, data: bytes, packet: BFDPacket, now: float) -> Discard | None:
        section, keys = packet.authentication, self.config.authentication
        if section is None:
            return Discard.MISSING_AUTHENTICATION if keys else None
        if not keys:
            return Discard.UNEXPECTED_AUTHENTICATION
        key = verify(data, section, keys)
        if isinstance(key, Discard):
            return key
        # 6.8.1: after twice the detection time without a packet any number will do again.
        is_known = now < self._sequence_expires
        if is_known and not follows(section, key, self._last_sequence, packet.multiplier):
            return Discard.SEQUENCE
        self._last_sequence = sequence_of(section)
        return None

    def _learn(self, packet: BFDPacket, now: float) -> None:
        self._remote = _Remote(
            discriminator=packet.my_discriminator,
            state=packet.state,
            diagnostic=packet.diagnostic,
            demand=packet.demand,
            is_independent=packet.control_plane_independent,
            required_rx=packet.required_min_rx_us / 1_000_000,
            desired_tx=packet.desired_min_tx_us / 1_000_000,
            multiplier=packet.multiplier,
        )
        self._heard_at = now
        self._sequence_expires = now + 2 * self._detection_time
        if packet.final and self._poll is _Poll.RUNNING:
            self._poll, self._used = _Poll.SETTLING, self._told
        elif not packet.final and self._poll is _Poll.SETTLING:
            self._poll = _Poll.NONE
            self._renegotiate()

    def _expire(self, now: float) -> list[BFDOutput]:
        """Forget a peer that is not heard any more (6.8.1, 6.8.18), but for what it said of itself last."""
        remote = self._remote
        self._remote = _Remote(diagnostic=remote.diagnostic, is_independent=remote.is_independent)
        self._heard_at = None
        self._poll, self._used = _Poll.NONE, self._told
        outputs = self._announced(self._move(Local.SILENCE, now), now)
        self._renegotiate()
        return outputs

    def _discard(self, reason: Discard) -> PacketDiscarded:
        discarded = self._counts.discarded
        discarded[reason] = discarded.get(reason, 0) + 1
        return PacketDiscarded(reason)

    # The state machine.

    def _move(self, event: BFDState | Local, now: float) -> list[BFDOutput]:
        transition = TRANSITIONS.get((self.state, event))
        if transition is None:
            return []
        old, (self.state, diagnostic, reason) = self.state, transition
        if diagnostic is not None:
            self.diagnostic = diagnostic
        self._renegotiate(anew=True)
        change = BFDStateChanged(
            old=old,
            new=self.state,
            reason=reason,
            diagnostic=self.diagnostic,
            remote_diagnostic=self._remote.diagnostic,
            remote_is_independent=self._remote.is_independent,
        )
        self._counts.count(change, now)
        return [change]

    def _announced(self, changes: list[BFDOutput], now: float) -> list[BFDOutput]:
        """Tell the peer of a change of state at once (6.8.7)."""
        return [*changes, self._send(now)] if changes and not self._is_mute else changes

    # Intervals.

    @property
    def _wanted(self) -> _Terms:
        config = self.config
        slowest = 0.0 if self.state is BFDState.UP else SLOW_INTERVAL
        return _Terms(max(config.transmit_interval, slowest), config.receive_interval, config.multiplier)

    def _renegotiate(self, *, anew: bool = False) -> None:
        """See that the peer learns what we want; `anew`: a change of state ends a Poll Sequence that is under way."""
        wanted = self._wanted
        if wanted == self._told or (self._poll is not _Poll.NONE and not anew):
            return
        self._told = wanted
        self._poll = _Poll.RUNNING if self._remote.discriminator else _Poll.NONE
        if self.state is not BFDState.UP:
            self._used = wanted
        else:
            # 6.8.3: send no slower, and expect nothing sooner, before the peer knows.
            self._used = _Terms(
                min(self._used.desired_tx, wanted.desired_tx),
                max(self._used.required_rx, wanted.required_rx),
                wanted.multiplier,
            )

    @property
    def _detection_time(self) -> float:
        """How long the peer may be silent (6.8.4)."""
        return self._remote.multiplier * max(self._used.required_rx, self._remote.desired_tx)

    # Transmission (6.8.7).

    @property
    def _is_mute(self) -> bool:
        """Whether nothing at all may be sent."""
        return self.config.passive and self._remote.discriminator == 0

    @property
    def _transmit_interval(self) -> float | None:
        """How often to send; None: not periodically."""
        remote = self._remote
        in_demand = remote.demand and self.state is remote.state is BFDState.UP
        if self._is_mute or remote.required_rx == 0 or (in_demand and self._poll is not _Poll.RUNNING):
            return None
        return max(self._used.desired_tx, remote.required_rx)

    @property
    def _transmit_at(self) -> float | None:
        interval = self._transmit_interval
        if interval is None or self._sent_at is None:
            return None
        # With a multiplier of one, jitter must leave the peer a tenth of the interval to spare.
        factor = self._factor if self._used.multiplier > 1 else 0.75 + (self._factor - 0.75) * 0.6
        return self._sent_at + interval * factor

    def _send(self, now: float, *, final: bool = False) -> SendPacket:
        """Make a packet; a Final reply does not count as one of the periodic ones."""
        packet = BFDPacket(
            diagnostic=self.diagnostic,
            state=self.state,
            poll=self._poll is _Poll.RUNNING and not final,
            final=final,
            multiplier=self._told.multiplier,
            my_discriminator=self.discriminator,
            your_discriminator=self._remote.discriminator,
            desired_min_tx_us=round(self._told.desired_tx * 1_000_000),
            required_min_rx_us=round(self._told.required_rx * 1_000_000),
        )
        if not final:
            self._sent_at, self._factor = now, self.jitter()
        self._counts.sent += 1
        return SendPacket(self._encode(packet))

    def _encode(self, packet: BFDPacket) -> bytes:
        if not self.config.authentication:
            return encode(packet)
        key = self.config.authentication[0]
        if key.is_meticulous or packet != self._sent:
            self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        self._sent = packet
        return sign(packet, key, self.sequence)


def _types(config: BFDConfig) -> set[AuthenticationType]:
    return {key.type for key in config.authentication}
