"""Looking at a cluster without changing it: what `k8sglue get` and `k8sglue plan` do with a source."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from k8sglue import tables
from k8sglue.cluster import Source, SourceError
from k8sglue.config import Config
from k8sglue.desired import Cluster, Desired, desire
from k8sglue.inforce import CONFIG_KINDS, ConfigInForce
from k8sglue.membership import LEASE_PREFIX, Membership
from k8sglue.resources import Key, Kind
from k8sglue.running import run_beside, wait_synced

T = TypeVar("T")

KINDS = {
    "services": (Kind.SERVICE,),
    "pools": (Kind.SERVICE, *CONFIG_KINDS),
    "peers": (Kind.NODE, Kind.LEASE, *CONFIG_KINDS),
    "problems": (Kind.SERVICE, *CONFIG_KINDS),
    "plan": (Kind.SERVICE, Kind.ENDPOINT_SLICE, Kind.NODE, Kind.LEASE, *CONFIG_KINDS),
}
"""What has to be listed for each."""


async def with_objects(source: Source, use: Callable[[], Awaitable[T]]) -> T:
    """Wait until everything is listed, await `use`, and let go of the source."""
    found: list[T] = []

    async def work() -> None:
        await wait_synced(source.store)
        found.append(await use())

    try:
        await run_beside(source.run(), work())
    finally:
        await source.close()
    return found[0]


async def get(source: Source, what: str, config_key: Key) -> str:
    """Return the table of `services`, `pools`, `peers` or `problems`."""

    async def table() -> str:
        if what == "services":
            return tables.services(source.store)
        if what == "problems":
            in_force = ConfigInForce(config_key)
            in_force.update(source.store)
            return tables.problems(in_force.reading.findings if in_force.reading else ())
        config = _config(source, config_key)
        return (tables.pools if what == "pools" else tables.peers)(config, source.store)

    return await with_objects(source, table)


async def plan(source: Source, node: str, config_key: Key, lb_class: str = "") -> Desired:
    """Decide what a node would announce now, of the Services of a `loadBalancerClass`, or without one."""

    async def decide() -> Desired:
        store = source.store
        cluster = Cluster(
            config=_config(source, config_key),
            services=store.services,
            endpoint_slices=store.endpoint_slices,
            nodes=store.nodes,
            alive=await _alive(source),
            lb_class=lb_class,
        )
        return desire(cluster, node)

    return await with_objects(source, decide)


def _config(source: Source, key: Key) -> Config:
    in_force = ConfigInForce(key)
    in_force.update(source.store)
    if in_force.config is None:
        raise SourceError(f"there is no configuration: neither ConfigMap {key} nor any resource")
    return in_force.config


async def _alive(source: Source) -> frozenset[str]:
    """Listen until every speaker has renewed its heartbeat or missed it; without speakers, all nodes count."""
    first = {key: lease for key, lease in source.store.leases.items() if key.name.startswith(LEASE_PREFIX)}
    if not first:
        return frozenset(node.name for node in source.store.nodes.values())
    renewed = asyncio.Event()
    source.store.subscribe(renewed.set)
    membership = Membership("")
    membership.observe(first.values(), time.monotonic())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(source.heartbeat_duration):
            while any(source.store.leases.get(key) == lease for key, lease in first.items()):
                renewed.clear()
                await renewed.wait()
                membership.observe(source.store.leases.values(), time.monotonic())
    return membership.alive(time.monotonic())
