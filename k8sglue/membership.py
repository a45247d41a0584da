"""Which speakers are alive, judged by their heartbeats.

Every speaker renews a Lease of its own, and reads those of the others through the source. A Lease is alive for its
duration from when its last change was *seen*: what the holder's clock wrote into it is never compared with ours.

A speaker that has lost the API server sees nobody's heartbeat any more, and must not conclude that it is alone:
it would announce every address of the cluster while the others do so, too. So its own heartbeat is the witness.
While that does not come back either, nobody is judged, and the last view stays; when it does come back, all get
their full duration anew, for the others were cut off just as long.

Whoever has no Lease is no candidate, and that goes for ourselves: before the others can see us they do not count
with us, and two nodes would answer for one address.
"""

import json
from collections.abc import Iterable

import attrs

from arp import MACAddress
from k8sglue.resources import Lease

LEASE_PREFIX = "k8sglue-speaker-"
"""How the names of speakers' Leases begin."""

SESSIONS_ANNOTATION = "k8sglue.io/bgp-sessions"
"""On a speaker's Lease: the state of its BGP sessions as a JSON object, peer to state."""

MACS_ANNOTATION = "k8sglue.io/macs"
"""On a speaker's Lease: the hardware addresses that it answers with on the LAN, as a JSON array."""

_LONG_DEAD = 3
"""A Lease is removed by others once it has been expired for so many of its durations."""


def lease_name(node: str) -> str:
    """Name the Lease of a node's speaker."""
    return LEASE_PREFIX + node


def macs(leases: Iterable[Lease], but: str) -> frozenset[MACAddress]:
    """Return the hardware addresses that the speakers of all nodes but one say they answer with."""
    found = set()
    for lease in leases:
        if lease.key.name.startswith(LEASE_PREFIX) and lease.holder != but:
            found.update(_macs(lease.annotations.get(MACS_ANNOTATION, "")))
    return frozenset(found)


def _macs(text: str) -> list[MACAddress]:
    try:
        listed = json.loads(text)
        return [MACAddress(each) for each in listed] if isinstance(listed, list) else []
    except (ValueError, TypeError, RecursionError):
        return []  # somebody else has written it


@attrs.define
class _Seen:
    lease: Lease
    expires: float


@attrs.define
class Membership:
    """The speakers that are alive, as the one on `node` sees them."""

    node: str
    """Whose view it is. Empty for an onlooker, who judges by what it sees."""
    _seen: dict[str, _Seen] = attrs.field(init=False, factory=dict)
    _alive: frozenset[str] = attrs.field(init=False, default=frozenset())

    def observe(self, leases: Iterable[Lease], now: float) -> None:
        """Take in all Leases as they are now, at `now` seconds of a monotonic clock."""
        was_judge = self._is_judge(now)
        current = {
            lease.holder: lease
            for lease in leases
            if lease.holder and lease.key.name.startswith(LEASE_PREFIX)
        }
        for gone in self._seen.keys() - current.keys():
            del self._seen[gone]
        for holder, lease in current.items():
            seen = self._seen.get(holder)
            if seen is None or seen.lease != lease:
                self._seen[holder] = _Seen(lease, now + lease.duration)
        if self._is_judge(now) and not was_judge:
            for seen in self._seen.values():
                seen.expires = now + seen.lease.duration

    def alive(self, now: float) -> frozenset[str]:
        """Return the names of the nodes whose speakers are alive."""
        if self._is_judge(now):
            fresh = {holder for holder, seen in self._seen.items() if seen.expires > now}
        else:
            # Who is new, or has said goodbye, is so without a judgement.
            known = self._alive | {self.node}
            fresh = {holder for holder, seen in self._seen.items() if holder in known or seen.expires > now}
        self._alive = frozenset(fresh)
        return self._alive

    def long_dead(self, now: float) -> frozenset[str]:
        """Return the nodes whose speakers have been dead for so long that their Leases should be removed."""
        if not self._is_judge(now):
            return frozenset()
        return frozenset(
            holder
            for holder, seen in self._seen.items()
            if now - seen.expires > _LONG_DEAD * seen.lease.duration
        )

    def next_timeout(self, now: float) -> float | None:
        """Return when the next Lease expires, if nothing changes before; None if nobody would be judged then."""
        if not self._is_judge(now):
            return None
        return min((seen.expires for seen in self._seen.values() if seen.expires > now), default=None)

    def _is_judge(self, now: float) -> bool:
        if not self.node:
            return True
        own = self._seen.get(self.node)
        return own is not None and own.expires > now
