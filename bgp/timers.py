"""The timers of a session: how long each runs (RFC 4271 10), and which runs out next."""

from collections.abc import Callable, Iterator

import attrs

from bgp.config import PeerConfig
from bgp.vocabulary import Timer

OPEN_HOLD_TIME = 240.0
"""How long to wait for the peer's OPEN, in seconds: the "large value" of RFC 4271 8.2.2, four minutes."""

SEND_HOLD_TIME = 480.0
"""The least time that a peer's TCP may take nothing, unless configured, in seconds (RFC 9687 6)."""

MIN_KEEPALIVE_TIME = 1.0
"""The shortest time between two KEEPALIVEs, in seconds (RFC 4271 4.4)."""


def no_jitter() -> float:
    """Change no duration."""
    return 1.0


@attrs.define(eq=False)
class Timers:
    """Those that run, each with its deadline."""

    _deadlines: dict[Timer, float] = attrs.field(factory=dict, init=False)

    def start(self, timer: Timer, seconds: float, now: float) -> None:
        """Let a timer run, from the beginning if it does so already; for 0 seconds: not at all."""
        if seconds:
            self._deadlines[timer] = now + seconds
        else:
            self.stop(timer)

    def stop(self, timer: Timer) -> None:
        """See that a timer does not run."""
        self._deadlines.pop(timer, None)

    def runs(self, timer: Timer) -> bool:
        """Whether it does."""
        return timer in self._deadlines

    def expired(self, now: float) -> Iterator[Timer]:
        """Yield those whose time has come, and stop each; what is done about one may stop or start another."""
        due = [timer for timer, deadline in self._deadlines.items() if deadline <= now]
        for timer in sorted(due, key=self._deadlines.__getitem__):
            if timer in self._deadlines and self._deadlines[timer] <= now:
                del self._deadlines[timer]
                yield timer

    def next_deadline(self) -> float | None:
        """When the next one runs out; None: no timer runs."""
        return min(self._deadlines.values(), default=None)


def duration(timer: Timer, config: PeerConfig, hold_time: float | None, jitter: Callable[[], float]) -> float:
    """How many seconds a timer runs that starts now; 0: not at all. `hold_time`: as negotiated; None: not yet.

    The pause after a failure is none of this; `Damping` knows it.
    """
    match timer:
        case Timer.HOLD:
            return OPEN_HOLD_TIME if hold_time is None else hold_time
        case Timer.KEEPALIVE:
            # RFC 4271 4.4: a third of the hold time is a reasonable interval, and no KEEPALIVE without one.
            return max(hold_time / 3 * jitter(), MIN_KEEPALIVE_TIME) if hold_time else 0.0
        case Timer.SEND_HOLD:
            return _send_hold_time(config, hold_time) if hold_time else 0.0
        case Timer.CONNECT_RETRY:
            return config.connect_retry_time * jitter()
        case _:
            return config.delay_open_time


def _send_hold_time(config: PeerConfig, hold_time: float) -> float:
    # RFC 9687 4.1, 4.4: always longer than the hold time.
    return max(SEND_HOLD_TIME, 2 * hold_time) if config.send_hold_time is None else config.send_hold_time
