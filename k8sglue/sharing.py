"""Several Services on one address: who may join whom.

Services share an address if they agree on a sharing key, lead to the same pods where that matters, and have no
protocol and port in common. All Services of an address agree in the first two, so joining means comparing with any one
of them, and with the ports in use.

A Service that would share is given the lowest address that it can join. The addresses of those who agree with it
are a `Group`. Those of them on which a port is in use are some of them, in the same order: up to the first on which
it is not, both lists are equal, so a binary search finds it.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import attrs

from k8sglue.refusals import Refusal
from k8sglue.resources import Key

Port: TypeAlias = tuple[str, int]
"""Protocol and number."""


@attrs.frozen
class Claim:
    """On what terms a Service uses an address."""

    sharing_key: str = ""
    """Empty for alone; then nothing else here counts."""
    backends: tuple[tuple[str, str], ...] = ()
    """The pods that it leads to, by label; empty where every node leads to all pods of every Service."""
    ports: frozenset[Port] = frozenset()

    def agrees_with(self, other: "Claim") -> bool:
        """Tell whether the two could share an address if they had no port in common."""
        return (
            bool(self.sharing_key)
            and self.sharing_key == other.sharing_key
            and self.backends == other.backends
        )


ALONE = Claim()
"""Of all Services that do not share."""


@attrs.frozen
class Conflict:
    """Why a Service can not have an address."""

    refusal: Refusal
    other: Key
    """The Service that has it."""
    port: Port | None = None
    """The port that both have, if that is the reason."""

    def __str__(self) -> str:
        port = f"{self.port[0]} port {self.port[1]} " if self.port else ""
        return f"{port}of {self.other}"


@attrs.define
class Holding:
    """Who has an address."""

    claims: dict[Key, Claim] = attrs.field(factory=dict)
    """Of each Service that has it; all agree with one another."""
    _ports: dict[Port, Key] = attrs.field(factory=dict)

    def conflict(self, key: Key, claim: Claim) -> Conflict | None:
        """Tell what keeps a Service, new here or not, from having the address on these terms."""
        other = next((holder for holder in self.claims if holder != key), None)
        if other is None:
            return None
        if not claim.agrees_with(self.claims[other]):
            only_backends = bool(claim.sharing_key) and claim.sharing_key == self.claims[other].sharing_key
            return Conflict(Refusal.DIFFERENT_BACKENDS if only_backends else Refusal.ADDRESS_TAKEN, other)
        for port in sorted(claim.ports):
            if self._ports.get(port, key) != key:
                return Conflict(Refusal.PORT_TAKEN, self._ports[port], port)
        return None

    def add(self, key: Key, claim: Claim) -> None:
        """Note that a Service has the address on these terms, on which there must be no conflict."""
        self.claims[key] = claim
        self._ports.update(dict.fromkeys(claim.ports, key))

    def remove(self, key: Key) -> Claim:
        """Note that a Service has the address no longer, and return what its terms were."""
        claim = self.claims.pop(key)
        for port in claim.ports:
            del self._ports[port]
        return claim


@attrs.define
class Group:
    """Addresses of one family and pool whose Services agree with one another, as numbers."""

    _numbers: list[int] = attrs.field(factory=list)
    """All of them, ascending."""
    _used: dict[Port, list[int]] = attrs.field(factory=dict)
    """Those on which each port is in use, ascending."""

    def __bool__(self) -> bool:
        return bool(self._numbers)

    def add(self, number: int) -> None:
        """Note that an address has its first Service."""
        insort(self._numbers, number)

    def remove(self, number: int) -> None:
        """Note that an address has no Service any more; none of its ports is in use."""
        _remove(self._numbers, number)

    def use(self, number: int, ports: Iterable[Port]) -> None:
        """Note that a Service uses these ports of an address."""
        for port in ports:
            insort(self._used.setdefault(port, []), number)

    def leave(self, number: int, ports: Iterable[Port]) -> None:
        """Note that a Service uses these ports of an address no longer."""
        for port in ports:
            used = self._used[port]
            _remove(used, number)
            if not used:
                del self._used[port]

    def fits(self, number: int, ports: Iterable[Port]) -> bool:
        """Tell whether an address is in the group, and none of these ports is in use on it."""
        return _has(self._numbers, number) and not any(
            _has(self._used.get(port, ()), number) for port in ports
        )

    def lowest(self, ports: Iterable[Port]) -> int | None:
        """Return the lowest address on which none of these ports is in use, or None.

        O(log n) for every address that only some of the ports are in the way of.
        """
        used = [self._used[port] for port in ports if port in self._used]
        index, before = 0, -1
        while index != before and index < len(self._numbers):
            before = index
            for numbers in used:
                index = self._first_not_in(numbers, index)
        return self._numbers[index] if index < len(self._numbers) else None

    def _first_not_in(self, used: list[int], index: int) -> int:
        """Return the first index from this one on whose address is not in `used`."""
        if index >= len(self._numbers):
            return index
        start = bisect_left(used, self._numbers[index])
        length = min(len(used) - start, len(self._numbers) - index)
        return index + bisect_left(
            range(length), True, key=lambda step: used[start + step] != self._numbers[index + step]
        )


def _has(numbers: Sequence[int], number: int) -> bool:
    index = bisect_left(numbers, number)
    return index < len(numbers) and numbers[index] == number


def _remove(numbers: list[int], number: int) -> None:
    del numbers[bisect_left(numbers, number)]
