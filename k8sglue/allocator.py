"""Which Service has which address: pools in, assignments out, without I/O.

The allocator holds the assignments in memory; the truth that survives a restart is the status of the Services.
`settle` is asked about one Service at a time and answers what its status should say. Its order of preference is
what keeps addresses where they are:

1. what the status says is kept while it is legal, even if it could not be given out anew;
2. an address that the user asks for, then a pool that the user asks for, then any pool that assigns by itself, in
   the order of their names, so that nothing is left to chance;
3. a wish that can not be met does not cost a Service the address it has.

While the configuration is incomplete (a pool had to be set aside), an address outside of all pools may belong to
what is missing: it is kept, too, and not given to anybody else.

Finding the lowest free address costs O(log n): below a pool's cursor every address is taken, unusable, or in a
heap of those given back; nothing above it has been looked at.
"""

import enum
import heapq
from collections.abc import Iterable, Mapping

import attrs

from k8sglue.config import AddressRange, Config, IPAddress, Pool, parse_address
from k8sglue.fields import printable
from k8sglue.resources import Key, Service

POOL_ANNOTATIONS = ("metallb.io/address-pool", "metallb.universe.tf/address-pool")
"""Where a user asks for a pool; the first one that is set counts."""


class Refusal(enum.Enum):
    """Why a Service gets no address, or not the one it asks for."""

    NO_CONFIG = "there is no configuration yet"
    """Nothing is decided before the pools are known."""
    MALFORMED_ADDRESS = "the address that it asks for is not an IP address"
    """`spec.loadBalancerIP` can not be read."""
    WRONG_FAMILY = "the address that it asks for is not of its IP family"
    """An IPv6 address for an IPv4 Service, or the reverse."""
    OUTSIDE_ALL_POOLS = "the address that it asks for is in no pool"
    """`spec.loadBalancerIP` names an address that nobody configured."""
    OUTSIDE_THE_POOL = "the address that it asks for is not in the pool that it asks for"
    """`spec.loadBalancerIP` and the annotation contradict each other."""
    BUGGY_ADDRESS = "the address that it asks for ends in .0 or .255, which its pool avoids"
    """`avoid-buggy-ips` holds for requests, too."""
    ADDRESS_TAKEN = "the address that it asks for belongs to another Service"
    """`spec.loadBalancerIP` names an address in use."""
    UNKNOWN_POOL = "the pool that it asks for does not exist"
    """The annotation names no pool in force."""
    POOL_EXHAUSTED = "the pool that it asks for has no free address"
    """Of the families that the Service needs."""
    NO_FREE_ADDRESS = "no pool has a free address"
    """None that assigns by itself, of the families that the Service needs."""


class Change(enum.Enum):
    """What `settle` did to a Service's address."""

    NONE = enum.auto()
    """It has what it had, if anything."""
    ASSIGNED = enum.auto()
    """It has a new address."""
    CLEARED = enum.auto()
    """It lost its address, and there is no other for it."""


@attrs.frozen(kw_only=True)
class Settled:
    """What a Service's status should say."""

    addresses: tuple[IPAddress, ...] = ()
    """One, or one of each family, the Service's primary family first."""
    pool: str = ""
    """The pool that they are from; empty if there are none, or they are held while their pool is set aside."""
    change: Change = Change.NONE
    refusal: Refusal | None = None
    """Why there is no address, or why a wish was not met."""
    detail: str = ""
    """The value that the refusal is about."""


class _RefusedError(Exception):
    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(refusal, detail)
        self.refusal = refusal
        self.detail = detail


@attrs.define
class _FreeList:
    """The free addresses of one pool, of one family, lowest first."""

    pool: Pool
    ranges: list[AddressRange]
    position: int = 0
    """Index of the range that the cursor is in."""
    cursor: int = 0
    """The next address that nobody has looked at, as a number; before the range's first one means that one."""
    returned: list[int] = attrs.field(factory=list)
    """Heap of addresses below the cursor that were given back."""
    waiting: set[int] = attrs.field(factory=set)
    """What is in the heap, so that nothing is in it twice."""

    def take_lowest(self, owners: Mapping[IPAddress, Key]) -> IPAddress | None:
        """Return the lowest free address, which whoever does not use it must give back."""
        while self.returned:
            number = heapq.heappop(self.returned)
            self.waiting.discard(number)
            if (address := self._address(number)) not in owners:
                return address
        while self.position < len(self.ranges):
            current = self.ranges[self.position]
            number = max(self.cursor, int(current.first))
            if number > int(current.last):
                self.position += 1
                continue
            self.cursor = number + 1
            address = self._address(number)
            if self.pool.is_usable(address) and address not in owners:
                return address
        return None

    def give_back(self, address: IPAddress) -> None:
        """Note that an address of this list is free again."""
        number = int(address)
        if number < self.cursor and number not in self.waiting and self.pool.is_usable(address):
            heapq.heappush(self.returned, number)
            self.waiting.add(number)

    def _address(self, number: int) -> IPAddress:
        return type(self.ranges[0].first)(number)


@attrs.define
class Allocator:
    """Assigns addresses of pools to Services."""

    config: Config | None = attrs.field(init=False, default=None)
    """What is in force; change it with `configure`."""
    _owners: dict[IPAddress, Key] = attrs.field(init=False, factory=dict)
    _assigned: dict[Key, tuple[IPAddress, ...]] = attrs.field(init=False, factory=dict)
    _free: dict[tuple[str, int], _FreeList] = attrs.field(init=False, factory=dict)

    @property
    def assignments(self) -> Mapping[Key, tuple[IPAddress, ...]]:
        """The addresses of each Service that has any."""
        return self._assigned

    def configure(self, config: Config) -> None:
        """Put other pools in force. Assignments stay as they are until their Services are settled again."""
        self.config = config
        self._free = {
            (pool.name, version): _FreeList(pool, ranges)
            for pool in config.pools.values()
            for version in (4, 6)
            if (
                ranges := _ordered(
                    addresses for addresses in pool.ranges if addresses.first.version == version
                )
            )
        }

    def settle(self, service: Service) -> Settled:
        """Decide on the addresses of a Service of type LoadBalancer, and remember them.

        Never raises, whatever the Service says.
        """
        current = self.keep(service)
        if self.config is None:
            return Settled(addresses=current, refusal=None if current else Refusal.NO_CONFIG)
        try:
            wanted = self._meet(service, current)
        except _RefusedError as refused:
            return Settled(
                addresses=current,
                pool=self._pool_name(current),
                change=Change.CLEARED if service.ingress and not current else Change.NONE,
                refusal=refused.refusal,
                detail=printable(refused.detail),
            )
        self._assign(service.key, wanted)
        change = Change.NONE if set(map(str, wanted)) == set(service.ingress) else Change.ASSIGNED
        return Settled(addresses=wanted, pool=self._pool_name(wanted), change=change)

    def release(self, key: Key) -> bool:
        """Take the addresses of a Service back. Tell whether it had any."""
        addresses = self._assigned.pop(key, ())
        for address in addresses:
            del self._owners[address]
            pool = self.config.pool_of(address) if self.config else None
            if pool is not None:
                self._free[pool.name, address.version].give_back(address)
        return bool(addresses)

    def keep(self, service: Service) -> tuple[IPAddress, ...]:
        """Return the addresses that the Service has and may keep, remembered; else take back what it had."""
        written = (address for text in dict.fromkeys(service.ingress) if (address := parse_address(text)))
        current = self._assigned.get(service.key) or tuple(written)
        if current and self._may_keep(service, current):
            self._assign(service.key, current)
            return current
        self.release(service.key)
        return ()

    def _may_keep(self, service: Service, addresses: tuple[IPAddress, ...]) -> bool:
        if any(self._owners.get(address, service.key) != service.key for address in addresses):
            return False
        if self.config is None:
            return True
        versions = [address.version for address in addresses]
        if len(set(versions)) < len(versions) or not set(versions) <= set(_families(service)):
            return False
        pools = {pool.name if (pool := self.config.pool_of(address)) else None for address in addresses}
        return len(pools) == 1 and (None not in pools or not self.config.complete)

    def _meet(self, service: Service, current: tuple[IPAddress, ...]) -> tuple[IPAddress, ...]:
        """Find the addresses that the Service should have, given what it may keep, or raise _RefusedError."""
        assert self.config is not None
        pool_name = next(filter(None, map(service.annotations.get, POOL_ANNOTATIONS)), None)
        if service.load_balancer_ip:
            return (self._requested(service, pool_name),)
        if pool_name is None:
            pools = sorted(
                (pool for pool in self.config.pools.values() if pool.auto_assign), key=lambda pool: pool.name
            )
            return current or self._from_pools(pools, service, _RefusedError(Refusal.NO_FREE_ADDRESS))
        pool = self.config.pools.get(pool_name)
        if pool is None:
            raise _RefusedError(Refusal.UNKNOWN_POOL, pool_name)
        if current and current[0] in pool:
            return current
        return self._from_pools([pool], service, _RefusedError(Refusal.POOL_EXHAUSTED, pool_name))

    def _requested(self, service: Service, pool_name: str | None) -> IPAddress:
        assert self.config is not None
        text = service.load_balancer_ip
        address = parse_address(text)
        if address is None:
            raise _RefusedError(Refusal.MALFORMED_ADDRESS, text)
        if address.version not in _families(service):
            raise _RefusedError(Refusal.WRONG_FAMILY, text)
        pool = self.config.pool_of(address)
        if pool is None and address not in self._assigned.get(service.key, ()):
            raise _RefusedError(Refusal.OUTSIDE_ALL_POOLS, text)
        if pool is not None and pool_name not in (None, pool.name):
            raise _RefusedError(Refusal.OUTSIDE_THE_POOL, f"{text} and {pool_name}")
        if (
            pool is not None
            and not pool.is_usable(address)
            and address not in self._assigned.get(service.key, ())
        ):
            raise _RefusedError(Refusal.BUGGY_ADDRESS, text)
        if self._owners.get(address, service.key) != service.key:
            raise _RefusedError(Refusal.ADDRESS_TAKEN, f"{text} of {self._owners[address]}")
        return address

    def _from_pools(
        self, pools: Iterable[Pool], service: Service, refused: _RefusedError
    ) -> tuple[IPAddress, ...]:
        """Take an address of each family from one pool, or of one family where that is good enough."""
        families = _families(service)
        pools = list(pools)
        choices = [families]
        if len(families) > 1 and service.ip_family_policy != "RequireDualStack":
            choices += [[family] for family in families]
        for choice in choices:
            for pool in pools:
                if addresses := self._from_pool(pool, choice):
                    return addresses
        raise refused

    def _from_pool(self, pool: Pool, families: list[int]) -> tuple[IPAddress, ...]:
        taken: list[IPAddress] = []
        for version in families:
            free = self._free.get((pool.name, version))
            address = free.take_lowest(self._owners) if free else None
            if address is None:
                break
            taken.append(address)
        if len(taken) == len(families):
            return tuple(taken)
        for address in taken:
            self._free[pool.name, address.version].give_back(address)
        return ()

    def _assign(self, key: Key, addresses: tuple[IPAddress, ...]) -> None:
        if self._assigned.get(key) != addresses:
            self.release(key)
            self._assigned[key] = addresses
            self._owners.update(dict.fromkeys(addresses, key))

    def _pool_name(self, addresses: tuple[IPAddress, ...]) -> str:
        pool = self.config.pool_of(addresses[0]) if self.config and addresses else None
        return pool.name if pool else ""


def _ordered(ranges: Iterable[AddressRange]) -> list[AddressRange]:
    return sorted(ranges, key=lambda addresses: int(addresses.first))


def _families(service: Service) -> list[int]:
    """Return the IP versions that the Service wants addresses of, the primary one first.

    Its cluster IPs decide. A manifest that no API server has completed may have none; then what it says of its
    families does, and IPv4 if it says nothing.
    """
    versions = [address.version for address in filter(None, map(parse_address, service.cluster_ips))]
    versions = versions or [6 if family == "IPv6" else 4 for family in service.ip_families] or [4]
    return list(dict.fromkeys(versions))
