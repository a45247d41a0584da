"""The allocator's rules once more, with lists and loops, to hold the real one to.

Every question is answered by going through all addresses of all pools and all Services, and nothing is remembered but
who has what and, in order, who gave back what. Slow, and meant for pools of a few addresses.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs

from k8sglue.config import AllocationOrder, Config, IPAddress, Pool, parse_address
from k8sglue.refusals import Refusal
from k8sglue.resources import Key, Service
from k8sglue.settled import PoolCounters

Addresses: TypeAlias = tuple[IPAddress, ...]
Outcome: TypeAlias = tuple[Addresses, Refusal | None]


def is_usable(pool: Pool, address: IPAddress) -> bool:
    """Tell whether the pool may give out this address of its own."""
    return not (pool.avoid_buggy_ips and address.version == 4 and int(address) & 0xFF in (0, 255))


def annotation(service: Service, name: str) -> str:
    """Return what a Service says, under either prefix."""
    return service.annotations.get(f"metallb.io/{name}") or service.annotations.get(
        f"metallb.universe.tf/{name}", ""
    )


def may_share(one: Service, other: Service) -> bool:
    """Tell whether two Services may have the same address."""
    keys = {annotation(each, "allow-shared-ip") for each in (one, other)}
    backends = [each.selector if each.external_traffic_policy == "Local" else {} for each in (one, other)]
    used = [{(port.protocol, port.port) for port in each.ports} for each in (one, other)]
    return len(keys) == 1 and "" not in keys and backends[0] == backends[1] and not used[0] & used[1]


def addresses_of(pool: Pool, version: int) -> list[IPAddress]:
    """Return all addresses of a pool that somebody may ask for, ascending."""
    found = [
        type(each.first)(number)
        for each in pool.ranges
        if each.first.version == version
        for number in range(int(each.first), int(each.last) + 1)
    ]
    return sorted((address for address in found if is_usable(pool, address)), key=int)


def versions_of(service: Service) -> list[int]:
    """Return the IP versions that a Service wants, by its cluster IPs."""
    return [parsed.version for text in service.cluster_ips if (parsed := parse_address(text))]


@attrs.define
class Naive:
    """Who has what, and what should become of a Service."""

    config: Config
    namespaces: Mapping[str, Mapping[str, str]]
    services: dict[Key, Service] = attrs.field(factory=dict)
    held: dict[Key, Addresses] = attrs.field(factory=dict)
    given_back: list[tuple[IPAddress, Key, float]] = attrs.field(factory=list)

    def settle(self, service: Service, now: float) -> Outcome:
        """Decide on a Service, and remember it."""
        self.expire(now)
        self.services[service.key] = service
        written = tuple(parsed for text in service.ingress if (parsed := parse_address(text)))
        self._change(service.key, self.keepable(service, self.held.get(service.key, written)), now)
        outcome = self.decide(service, now)
        self._change(service.key, outcome[0], now)
        return outcome

    def configure(self, config: Config, namespaces: Mapping[str, Mapping[str, str]]) -> None:
        """Put other pools in force."""
        self.config, self.namespaces = config, namespaces
        self.given_back = [each for each in self.given_back if self._remembers(each[0])]

    def release(self, key: Key, now: float) -> None:
        """Forget a Service."""
        self._change(key, (), now)
        self.services.pop(key, None)

    def _change(self, key: Key, addresses: Addresses, now: float) -> None:
        for address in self.held.pop(key, ()):
            if address not in addresses and not self.holders(address) and self._remembers(address):
                self.given_back = [each for each in self.given_back if each[0] != address]
                self.given_back.append((address, key, now))
        if addresses:
            self.held[key] = addresses
        self.given_back = [each for each in self.given_back if each[0] not in addresses]

    def expire(self, now: float) -> None:
        """Forget what was given back for long enough, where nothing but that matters."""
        for entry in list(self.given_back):
            pool = self.pool_of(entry[0])
            assert pool is not None
            if pool.order is not AllocationOrder.LEAST_RECENTLY_USED and entry[2] + pool.reuse_delay <= now:
                self.given_back.remove(entry)

    def _remembers(self, address: IPAddress) -> bool:
        pool = self.pool_of(address)
        if pool is None or address not in self._unasked(pool, address.version):
            return False
        return pool.reuse_delay > 0 or pool.order is AllocationOrder.LEAST_RECENTLY_USED

    def holders(self, address: IPAddress) -> list[Key]:
        """Return who has an address."""
        return [key for key, addresses in self.held.items() if address in addresses]

    def pool_of(self, address: IPAddress) -> Pool | None:
        """Return the pool that an address is in."""
        for pool in self.config.pools.values():
            if any(address in each for each in pool.ranges):
                return pool
        return next((pool for pool in self.config.pools.values() if address in pool), None)

    def admits(self, pool: Pool, service: Service) -> bool:
        """Tell whether a Service may have addresses of a pool."""
        labels = self.namespaces.get(service.key.namespace, {})
        return pool.scope is None or pool.scope.admits(service.key.namespace, labels, service.labels)

    def fits(self, address: IPAddress, service: Service) -> bool:
        """Tell whether nobody who has an address objects to a Service."""
        others = [self.services[key] for key in self.holders(address) if key != service.key]
        return all(may_share(service, other) for other in others)

    def keepable(self, service: Service, addresses: Sequence[IPAddress]) -> Addresses:
        """Return what a Service may keep."""
        kept: list[IPAddress] = []
        for version in versions_of(service):
            for address in addresses:
                pool = self.pool_of(address)
                legal = self.admits(pool, service) if pool else not self.config.complete
                same = not kept or self.pool_of(kept[0]) is pool
                if address.version == version and legal and same and self.fits(address, service):
                    kept.append(address)
                    break
        return tuple(sorted(kept, key=lambda address: address.version))

    def decide(self, service: Service, now: float) -> Outcome:
        """Return what a Service should have, given what it has, and why that is not what it wants."""
        has = self.held.get(service.key, ())
        versions = versions_of(service)
        required = service.ip_family_policy == "RequireDualStack"
        if required and len(versions) < 2:
            return has, Refusal.NOT_ENOUGH_CLUSTER_IPS
        wanted = annotation(service, "address-pool")
        asked = annotation(service, "loadBalancerIPs")
        if asked:
            return self._requested(service, [parse_address(text) for text in asked.split(",")], wanted, now)
        if not wanted:
            return self._from(list(self._tiers(service)), service, has, Refusal.NO_FREE_ADDRESS, now)
        pool = self.config.pools.get(wanted)
        if pool is None:
            return has, Refusal.UNKNOWN_POOL
        if not self.admits(pool, service):
            return has, Refusal.NOT_ADMITTED
        inside = tuple(address for address in has if self.pool_of(address) is pool)
        found, refusal = self._from([[pool]], service, inside, Refusal.POOL_EXHAUSTED, now)
        return found or has, Refusal.LACKS_FAMILY if refusal is Refusal.NO_POOL else refusal

    def _tiers(self, service: Service) -> Iterator[list[Pool]]:
        pools = [pool for _, pool in sorted(self.config.pools.items())]
        pools = [pool for pool in pools if pool.auto_assign and self.admits(pool, service)]
        for priority in (1, 2, 3, 0):
            yield [pool for pool in pools if pool.scope is not None and pool.scope.priority == priority]
        yield [pool for pool in pools if pool.scope is None]

    def _from(
        self, tiers: list[list[Pool]], service: Service, has: Addresses, none: Refusal, now: float
    ) -> Outcome:
        versions = versions_of(service)
        required = service.ip_family_policy == "RequireDualStack"
        missing = [version for version in versions if version not in {address.version for address in has}]
        if has and not missing:
            return has, None
        if has:
            completed = self._complete(service, has, missing, self._room(self.pool_of(has[0]), service), now)
            if not required or completed[1] is None or self.pool_of(has[0]) is None:
                return completed
        none_has_it = True
        over_quota = False
        for tier in tiers:
            for choice in (
                [versions] if required or len(versions) == 1 else [versions, versions[:1], versions[1:]]
            ):
                for pool in tier:
                    if not self._gives(pool, choice):
                        continue
                    none_has_it = False
                    room = self._room(pool, service)
                    if found := self._take(pool, choice, service, room, now):
                        left = [version for version in versions if version not in choice]
                        return self._complete(service, found, left, room - len(found), now)
                    over_quota |= bool(self._take(pool, choice, service, 99, now))
        if has:
            return completed
        return (), Refusal.NO_POOL if none_has_it else Refusal.QUOTA_EXCEEDED if over_quota else none

    def _complete(
        self, service: Service, has: Addresses, missing: list[int], room: int, now: float
    ) -> Outcome:
        """Add addresses to others of the same pool."""
        if not missing:
            return tuple(sorted(has, key=lambda address: address.version)), None
        pool = self.pool_of(has[0])
        if pool is None or not self._gives(pool, missing):
            return has, Refusal.INCOMPLETE if service.ip_family_policy == "RequireDualStack" else None
        if found := self._take(pool, missing, service, room, now):
            return tuple(sorted(has + found, key=lambda address: address.version)), None
        over_quota = pool.quota is not None and self._take(pool, missing, service, 99, now)
        return has, Refusal.QUOTA_EXCEEDED if over_quota else Refusal.INCOMPLETE

    def _requested(self, service: Service, asked: list[IPAddress | None], wanted: str, now: float) -> Outcome:
        has = self.held.get(service.key, ())
        addresses = [address for address in asked if address is not None]
        if len(addresses) < len(asked):
            return has, Refusal.MALFORMED_ADDRESS
        if any(address.version not in versions_of(service) for address in addresses):
            return has, Refusal.WRONG_FAMILY
        if len(addresses) == 2 and addresses[0].version == addresses[1].version:
            return has, Refusal.TOO_MANY_ADDRESSES
        for address in addresses:
            pool = self.pool_of(address)
            if address not in has and not any(
                address in each for other in self.config.pools.values() for each in other.ranges
            ):
                return has, Refusal.OUTSIDE_ALL_POOLS
            if pool is None:
                continue
            if wanted not in ("", pool.name):
                return has, Refusal.OUTSIDE_THE_POOL
            if not self.admits(pool, service):
                return has, Refusal.NOT_ADMITTED
            if address not in has and not is_usable(pool, address):
                return has, Refusal.BUGGY_ADDRESS
        pools = [self.pool_of(address) for address in addresses]
        if any(pool is not pools[0] for pool in pools):
            return has, Refusal.DIFFERENT_POOLS
        for address in addresses:
            if not self.fits(address, service):
                return has, Refusal.ADDRESS_TAKEN
        return self._granted(service, addresses, pools[0], now)

    def _granted(
        self, service: Service, addresses: list[IPAddress], pool: Pool | None, now: float
    ) -> Outcome:
        has = self.held.get(service.key, ())
        required = service.ip_family_policy == "RequireDualStack"
        asked = {address.version for address in addresses}
        addresses += [each for each in has if each.version not in asked and self.pool_of(each) is pool]
        chosen = tuple(sorted(addresses, key=lambda address: address.version))
        there = {address.version for address in chosen}
        missing = [version for version in versions_of(service) if version not in there]
        if pool is None:
            return chosen, Refusal.INCOMPLETE if missing and required else None
        before = self._charged(pool, service.key.namespace)
        others = {
            address
            for key, held in self.held.items()
            if key != service.key and key.namespace == service.key.namespace
            for address in held
            if self.pool_of(address) is pool
        }
        after = others | set(chosen)
        if pool.quota is not None and len(after) > max(pool.quota, len(before)):
            return has, Refusal.QUOTA_EXCEEDED
        if not missing or (not self._gives(pool, missing) and not required):
            return chosen, None
        if not self._gives(pool, missing):
            return has, Refusal.LACKS_FAMILY
        room = 99 if pool.quota is None else pool.quota - len(after)
        found, refusal = self._complete(service, chosen, missing, room, now)
        if refusal is not None and required:
            return has, Refusal.INCOMPLETE
        return found, refusal

    def _charged(self, pool: Pool, namespace: str) -> set[IPAddress]:
        held = [addresses for key, addresses in self.held.items() if key.namespace == namespace]
        return {address for addresses in held for address in addresses if self.pool_of(address) is pool}

    def _room(self, pool: Pool | None, service: Service) -> int:
        if pool is None or pool.quota is None:
            return 99
        return pool.quota - len(self._charged(pool, service.key.namespace))

    def _gives(self, pool: Pool, versions: Sequence[int]) -> bool:
        return all(self._unasked(pool, version) for version in versions)

    def _unasked(self, pool: Pool, version: int) -> list[IPAddress]:
        found = addresses_of(pool, version)
        return [address for address in found if not any(address in each for each in pool.reserved)]

    def _take(
        self, pool: Pool, versions: Sequence[int], service: Service, room: int, now: float
    ) -> Addresses:
        found: list[IPAddress] = []
        for version in versions:
            address, costs = self._take_one(pool, version, service, room, now)
            if address is None:
                return ()
            found.append(address)
            room -= costs
        return tuple(found)

    def _take_one(
        self, pool: Pool, version: int, service: Service, room: int, now: float
    ) -> tuple[IPAddress | None, int]:
        unasked = self._unasked(pool, version)
        mine = self._charged(pool, service.key.namespace)
        joinable = [each for each in unasked if self.holders(each) and self.fits(each, service)]
        joinable = [each for each in joinable if service.key not in self.holders(each)]
        if pool.quota is not None:
            for address in joinable:
                if address in mine:
                    return address, 0
        if room < 1:
            return None, 0
        if joinable:
            return joinable[0], 1
        free = [address for address in unasked if not self.holders(address)]
        back = {address: (key, time) for address, key, time in self.given_back if address in free}
        resting = {
            each for each, (_, time) in back.items() if pool.reuse_delay and time + pool.reuse_delay > now
        }
        own = [each for each in free if each in resting and back[each][0] == service.key]
        free = [each for each in free if each not in resting]
        if own:
            return own[0], 1
        if pool.order is AllocationOrder.LEAST_RECENTLY_USED:
            free.sort(key=lambda each: list(back).index(each) if each in back else -1)
        return (free[0] if free else None), 1

    def counters(self, pool: Pool) -> PoolCounters:
        """Count the addresses of a pool."""
        held = {address for addresses in self.held.values() for address in addresses}
        held = {address for address in held if self.pool_of(address) is pool}
        assigned = [len([each for each in held if each.version == version]) for version in (4, 6)]
        left = [len([each for each in addresses_of(pool, version) if each not in held]) for version in (4, 6)]
        return PoolCounters(
            assigned_ipv4=assigned[0],
            assigned_ipv6=assigned[1],
            available_ipv4=left[0],
            available_ipv6=left[1],
        )
