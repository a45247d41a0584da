"""How long to pause after a failure (RFC 4271 8.1.1, DampPeerOscillations and IdleHoldTime).

The pause doubles with each failure, up to a limit. What belongs to one peer counts together, whichever of its
connections failed; hence this is a thing of its own and not a part of a session.
"""

import attrs

MAX_IDLE_HOLD_TIME = 120.0
"""The longest pause between two attempts, in seconds."""

STABLE_TIME = 30.0
"""A session that was established for so many seconds makes earlier failures forgotten."""


@attrs.define(eq=False)
class Damping:
    """Counts failures in a row: the ConnectRetryCounter of RFC 4271 8."""

    idle_hold_time: float
    """The pause after the first failure, in seconds."""

    _failures: int = attrs.field(default=0, init=False)
    _established_at: float | None = attrs.field(default=None, init=False)

    def established(self, now: float) -> None:
        """Note that a session came up."""
        self._established_at = now

    def failed(self, now: float) -> float:
        """Note that a session went down, or an attempt at one failed; return how long to pause, in seconds."""
        if self._established_at is not None and now - self._established_at >= STABLE_TIME:
            self._failures = 0
        self._established_at = None
        # A limit to the exponent, since floats have one.
        pause = self.idle_hold_time * 2.0 ** min(self._failures, 16)
        self._failures += 1
        return min(pause, MAX_IDLE_HOLD_TIME)

    def forget(self) -> None:
        """Start anew: somebody wanted the session down."""
        self._failures = 0
        self._established_at = None
