"""Addresses that Services have and that no pool has any longer.

Whoever shrinks or removes a pool seldom means to cut off the Services in it. They keep their addresses, announced as
before, until they are gone or ask for others; nobody else is given these addresses.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

import attrs

from k8sglue.config import AddressRange, Config, IPAddress, Pool
from k8sglue.declarations import ObjectName
from k8sglue.fields import Problem
from k8sglue.findings import Finding, Findings, Severity


def with_kept(
    config: Config,
    previous: Config,
    in_use: Collection[IPAddress],
    origins: Mapping[str, ObjectName],
    findings: Findings,
) -> Config:
    """Return `config` with the addresses in use that only `previous` has, each in the pool that it was in."""
    stranded: dict[str, set[IPAddress]] = defaultdict(set)
    for address in in_use:
        if config.pool_of(address) is None:
            pool = previous.pool_of(address)
            if pool is not None:
                stranded[pool.name].add(address)
    pools = dict(config.pools)
    for name, addresses in sorted(stranded.items()):
        kept = tuple(_joined(addresses))
        gone = attrs.evolve(previous.pools[name], ranges=(), reserved=(), auto_assign=False)
        pools[name] = attrs.evolve(pools.get(name, gone), kept=kept)
        findings.found.append(
            Finding(origins[name], Severity.WARNING, _problem(pools[name], name in config.pools))
        )
    return attrs.evolve(config, pools=pools)


def _problem(pool: Pool, remains: bool) -> Problem:
    count = sum(addresses.size for addresses in pool.kept)
    shown = ", ".join(map(str, pool.kept[:3])) + (", …" if len(pool.kept) > 3 else "")
    what = f'the pool "{pool.name}" has no longer' if remains else f'the pool "{pool.name}" that is gone had'
    return Problem((), f"{shown}: {count} in use that {what}; the Services keep them")


def _joined(addresses: Iterable[IPAddress]) -> Iterator[AddressRange]:
    """Go through addresses as the fewest ranges."""
    current: AddressRange | None = None
    for address in sorted(addresses, key=lambda each: (each.version, int(each))):
        if (
            current is not None
            and current.last.version == address.version
            and int(current.last) + 1 == int(address)
        ):
            current = AddressRange(current.first, address)
            continue
        if current is not None:
            yield current
        current = AddressRange(address, address)
    if current is not None:
        yield current
