"""What one pool has to give: free addresses, addresses to join, and what each namespace may still take.

A `Demand` says what a Service would take of a pool, whichever addresses they are, and nothing else about the Service.
Finding it changes nothing, so the same search answers whether it is worth while to ask again.

Of each family, a Service that shares gets the lowest address that it may join, and a free one only if there is none:
to save addresses is why people let Services share. Where there is a quota, those that its namespace already has come
first, since they are not counted twice.
"""

import itertools
import math
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address

import attrs

from k8sglue.addressspace import AddressSpace
from k8sglue.config import IPAddress, Pool
from k8sglue.freelist import Draw, FreeList, Return
from k8sglue.resources import Key
from k8sglue.settled import PoolCounters
from k8sglue.sharing import ALONE, Claim, Group

VERSIONS = (4, 6)


@attrs.frozen(kw_only=True)
class Demand:
    """One address of each of these IP versions, of this pool."""

    pool: str
    versions: tuple[int, ...]
    namespace: str = ""
    """Whose quota they count for; empty if the pool has none."""
    claim: Claim = ALONE
    claimant: Key | None = None
    """The Service, if it may have addresses that rest for all others."""


def lowest(count: int) -> int:
    """Draw the first of so many, where no chance is called for."""
    del count
    return 0


@attrs.define
class Stock:
    """The addresses of one pool, of both families."""

    pool: Pool
    _usable: dict[int, AddressSpace] = attrs.field(init=False)
    """All that somebody may get, if only on request; of the families that the pool has."""
    _free: dict[int, FreeList] = attrs.field(init=False)
    _groups: dict[tuple[int, str, tuple[tuple[str, str], ...]], Group] = attrs.field(init=False, factory=dict)
    """Addresses that are shared, and not only for those who ask for them, by version, sharing key and backends."""
    _namespaces: dict[str, dict[IPAddress, int]] = attrs.field(init=False, factory=dict)
    """How many Services of each namespace have an address, by namespace; only if there is a quota."""
    _assigned: dict[int, int] = attrs.field(init=False)
    """How many addresses are in use, by version."""
    _assigned_usable: dict[int, int] = attrs.field(init=False)
    """How many of those are of `_usable`."""

    def __attrs_post_init__(self) -> None:
        pool = self.pool
        self._usable = {}
        self._free = {}
        for version in VERSIONS:
            usable = AddressSpace.of(version, pool.ranges, avoid_buggy=pool.avoid_buggy_ips)
            unasked = AddressSpace.of(version, pool.ranges, pool.reserved, pool.avoid_buggy_ips)
            self._usable[version] = usable
            self._free[version] = FreeList(unasked, pool.order, pool.reuse_delay)
        self._assigned = dict.fromkeys(VERSIONS, 0)
        self._assigned_usable = dict.fromkeys(VERSIONS, 0)

    @property
    def counters(self) -> PoolCounters:
        """How many addresses are in use, and how many are left."""
        left = {version: self._usable[version].size - self._assigned_usable[version] for version in VERSIONS}
        return PoolCounters(
            assigned_ipv4=self._assigned[4],
            assigned_ipv6=self._assigned[6],
            available_ipv4=left[4],
            available_ipv6=left[6],
        )

    def has(self, versions: tuple[int, ...]) -> bool:
        """Tell whether the pool gives out addresses of all of these IP versions unasked, free or not."""
        return all(self._free[version].space.size for version in versions)

    def offers(self, address: IPAddress) -> bool:
        """Tell whether a Service that asks for it may get this address: it is not only kept, and not avoided."""
        return self._usable[address.version].position(address) is not None

    def demand(self, versions: tuple[int, ...], key: Key, claim: Claim) -> Demand:
        """Return what it is that a Service would take of this pool."""
        rests = any(self._free[version].has_rest_of(key) for version in versions)
        return Demand(
            pool=self.pool.name,
            versions=versions,
            namespace=key.namespace if self.pool.quota is not None else "",
            claim=claim,
            claimant=key if rests else None,
        )

    def find(
        self, demand: Demand, draw: Draw = lowest, room: float | None = None
    ) -> tuple[IPAddress, ...] | None:
        """Return addresses that meet a demand, all or none. `room` is instead of what the quota leaves."""
        left = self.room(demand.namespace) if room is None else room
        found = []
        for version in demand.versions:
            address, counts = self._find_one(version, demand, left, draw)
            if address is None:
                return None
            left -= counts
            found.append(address)
        return tuple(found)

    def room(self, namespace: str) -> float:
        """Return how many more addresses a namespace may take, less than 0 if the quota was lowered."""
        if self.pool.quota is None or not namespace:
            return math.inf
        return self.pool.quota - len(self._namespaces.get(namespace, ()))

    def services_of(self, namespace: str, address: IPAddress) -> int:
        """Return how many Services of a namespace have an address; always 0 if there is no quota."""
        return self._namespaces.get(namespace, {}).get(address, 0)

    def occupy(self, address: IPAddress) -> None:
        """Note that an address has its first Service."""
        self._free[address.version].take(address)
        self._assigned[address.version] += 1
        self._assigned_usable[address.version] += self.offers(address)

    def vacate(self, returned: Return) -> None:
        """Note that an address has no Service any more."""
        version = returned.address.version
        self._free[version].give_back(returned)
        self._assigned[version] -= 1
        self._assigned_usable[version] -= self.offers(returned.address)

    def share(self, address: IPAddress, claim: Claim, first: bool) -> None:
        """Note that a Service has an address on these terms, and whether nobody else has it."""
        if claim.sharing_key and self._is_given_unasked(address):
            group = self._groups.setdefault((address.version, claim.sharing_key, claim.backends), Group())
            if first:
                group.add(int(address))
            group.use(int(address), claim.ports)

    def unshare(self, address: IPAddress, claim: Claim, last: bool) -> None:
        """Note that a Service has an address on these terms no longer, and whether nobody else has it."""
        if claim.sharing_key and self._is_given_unasked(address):
            key = (address.version, claim.sharing_key, claim.backends)
            group = self._groups[key]
            group.leave(int(address), claim.ports)
            if last:
                group.remove(int(address))
            if not group:
                del self._groups[key]

    def charge(self, namespace: str, address: IPAddress) -> None:
        """Note that one more Service of a namespace has an address."""
        if self.pool.quota is not None:
            addresses = self._namespaces.setdefault(namespace, {})
            addresses[address] = addresses.get(address, 0) + 1

    def discharge(self, namespace: str, address: IPAddress) -> None:
        """Note that one Service less of a namespace has an address."""
        if self.pool.quota is not None:
            addresses = self._namespaces[namespace]
            addresses[address] -= 1
            if not addresses[address]:
                del addresses[address]
            if not addresses:
                del self._namespaces[namespace]

    def recall(self, returned: Return) -> None:
        """Note that an address, which nobody has, was given back some time ago."""
        self._free[returned.address.version].recall(returned)

    def returns(self) -> Iterator[Return]:
        """Go through the addresses that were given back, as far as that still matters."""
        return itertools.chain.from_iterable(free.returns() for free in self._free.values())

    def expire(self, now: float) -> list[int]:
        """Let addresses rest no longer that have done so for long enough; return their IP versions."""
        return [version for version, free in self._free.items() if free.expire(now)]

    def next_due(self, version: int) -> float | None:
        """Return when the next address of an IP version has rested for long enough, or None if none rests."""
        return self._free[version].next_due()

    def _is_given_unasked(self, address: IPAddress) -> bool:
        return self._free[address.version].space.position(address) is not None

    def _find_one(
        self, version: int, demand: Demand, left: float, draw: Draw
    ) -> tuple[IPAddress | None, int]:
        """Return an address, if any, and whether it counts for the quota."""
        claim = demand.claim
        group = self._groups.get((version, claim.sharing_key, claim.backends))
        if group is not None:
            mine = self._namespaces.get(demand.namespace, {})
            fitting = (
                each for each in mine if each.version == version and group.fits(int(each), claim.ports)
            )
            if (address := min(fitting, key=int, default=None)) is not None:
                return address, 0
        if left < 1:
            return None, 0
        if group is not None and (number := group.lowest(claim.ports)) is not None:
            return IPv4Address(number) if version == 4 else IPv6Address(number), 1
        return self._free[version].choose(draw, demand.claimant), 1
