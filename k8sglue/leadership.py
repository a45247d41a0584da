"""Which of several controllers leads: the one whose name is in the Lease, while it goes on renewing it.

Clocks of different machines are never compared. Whoever waits measures, on a clock of its own, how long the Lease has
stayed as it is; what its `renewTime` says is of no interest, only that it changes. The leader measures from when it
*asked* for its last renewal that succeeded, so before anybody can have seen that, and gives up after two thirds of
the duration. In between lies a third, in which a request that was on its way may still arrive, and clocks may run at
different speeds. A Lease is written only if it is still what it was when it was read, so of several who want it one
gets it.

Nothing here does I/O: leader.py does.
"""

import attrs

from k8sglue.resources import Key, Lease

LEASE_NAME = "k8sglue-controller"
"""The Lease that the controllers of a cluster, or of a directory of manifests, compete for."""

_RENEWALS = 6
"""The leader renews so often in one duration."""
_SAFE_PART = 2 / 3
"""Of the duration: how long a leader may go on without another renewal."""


@attrs.define(kw_only=True)
class Leadership:
    """One controller's view of the Lease; `now` is in seconds, of any clock that only runs forward."""

    key: Key
    """Where the Lease is."""
    identity: str
    """A name that nobody else has, not even an earlier life of this program."""
    duration: float
    """Whole seconds that our own renewals last."""
    _lease: Lease | None = attrs.field(init=False, default=None)
    _changed: float | None = attrs.field(init=False, default=None)
    _renewed: float | None = attrs.field(init=False, default=None)

    @property
    def lease(self) -> Lease | None:
        """The Lease as last seen, which `claim` is meant to replace."""
        return self._lease

    @property
    def renew_interval(self) -> float:
        """Seconds between two renewals, and between two attempts to renew."""
        return self.duration / _RENEWALS

    @property
    def holder(self) -> str:
        """Who leads, as far as we know; empty if nobody does."""
        return self._lease.holder if self._lease else ""

    @property
    def patience(self) -> float:
        """Seconds to wait for the answer to one attempt: there is time for another one while we may act."""
        return self.duration / 3

    def observe(self, lease: Lease | None, now: float) -> None:
        """Take in the Lease as it is now, None if there is none."""
        if self._changed is None or lease != self._lease:
            self._lease, self._changed = lease, now
        if self.holder != self.identity:
            self._renewed = None

    def written(self, lease: Lease, asked: float) -> None:
        """Take in that our claim succeeded; `asked` is when the request was begun."""
        self._lease, self._changed = lease, asked
        self._renewed = asked

    def leading_until(self) -> float | None:
        """Return the time up to which we may act as the leader, None if we may not."""
        return None if self._renewed is None else self._renewed + self.duration * _SAFE_PART

    def free_at(self) -> float | None:
        """Return the time from when we may claim the Lease, None if it was never seen. The past means: at once."""
        if self._changed is None:
            return None
        if self._lease is None or self.holder in ("", self.identity):
            return self._changed
        return self._changed + max(self._lease.duration, 1.0)

    def claim(self) -> Lease:
        """Return the Lease to write in order to lead, or to go on leading."""
        transitions = self._lease.transitions if self._lease else 0
        if self._lease is not None and self.holder != self.identity:
            transitions += 1
        return Lease(key=self.key, holder=self.identity, duration=self.duration, transitions=transitions)

    def resign(self) -> Lease | None:
        """Stop leading. Return the Lease to write so that others need not wait, None if it is not ours."""
        self._renewed = None
        if self._lease is None or self.holder != self.identity:
            return None
        return attrs.evolve(self._lease, holder="", duration=1.0)
