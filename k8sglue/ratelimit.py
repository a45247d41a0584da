"""How many requests may be made in a time: a bucket of tokens, which fills up again at a steady rate."""

import attrs


@attrs.define
class TokenBucket:
    """Lets `rate` requests a second through, and up to `burst` at once after a quiet time."""

    rate: float = attrs.field(validator=attrs.validators.gt(0))
    burst: float = attrs.field(validator=attrs.validators.ge(1))
    _level: float = attrs.field(init=False)
    _filled: float = attrs.field(init=False, default=float("-inf"))

    def __attrs_post_init__(self) -> None:
        self._level = self.burst

    def take(self, now: float) -> float:
        """Take a token at `now` seconds of a monotonic clock; return the seconds to wait before using it.

        Tokens that are not there yet are taken in advance, so that whoever comes later waits longer.
        """
        if now > self._filled:
            self._level = min(self.burst, self._level + (now - self._filled) * self.rate)
            self._filled = now
        self._level -= 1
        return max(0.0, -self._level / self.rate)
