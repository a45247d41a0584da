"""The program that gives Services their addresses: watch -> allocator -> status.

Any number of it may run; one leads. That one looks at what changed, asks the allocator, and writes what differs, each
Service on its own and some side by side (publisher.py). The others follow what happens and write nothing, so that
one of them can go on where the leader stopped. Whoever begins to lead knows nothing but what the status of the
Services says: first it makes sure that it has seen all that its predecessor wrote, then every Service says what it
has, and only then is anybody given anything.

A Service that could not be served waits until something changes that could help, which the allocator knows: its own
manifest, the pools, or an address that somebody gave back; nothing is polled.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from http import HTTPStatus
from typing import Any

import attrs

from k8sglue import poolstatus
from k8sglue.allocator import Allocator, Change, Refusal, Settled
from k8sglue.cluster import Event, EventType, Source
from k8sglue.inforce import CONFIG_KINDS, ConfigInForce
from k8sglue.leader import Leader
from k8sglue.metrics import CONTENT_TYPE, Metrics, PoolUse
from k8sglue.outbox import Draft
from k8sglue.poolstatus import PoolStatus
from k8sglue.publisher import Publisher
from k8sglue.resources import Key, Kind, Service
from k8sglue.running import run_beside, wait_at_most, wait_synced
from k8sglue.statuspages import Page

_log = logging.getLogger("k8sglue")

KINDS = (Kind.SERVICE, Kind.NAMESPACE, Kind.LEASE, *CONFIG_KINDS)
"""What the controller watches."""

_AT_ONCE = 200
"""Services that are dealt with before anything else gets a turn: heartbeats, signals, answers."""


@attrs.define
class Controller:
    """Follows a source and keeps the status of its Services right, while it leads."""

    source: Source
    config_key: Key
    """The ConfigMap's namespace and name."""
    lb_class: str = ""
    """Services are ours if this is their `loadBalancerClass`; empty for those that have none."""
    leader: Leader | None = None
    """Who tells whether we lead; None if there are no others."""
    metrics: Metrics = attrs.field(factory=Metrics)
    _config: ConfigInForce = attrs.field(init=False)
    _allocator: Allocator = attrs.field(init=False)
    _publisher: Publisher = attrs.field(init=False)
    _wake: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)
    """There is something to do."""
    _dirty: dict[Key, float] = attrs.field(init=False, factory=dict)
    """Services to settle, and since when."""
    _leading: bool = attrs.field(init=False, default=False)
    _said: dict[Key, tuple[Event, ...]] = attrs.field(init=False, factory=dict)
    """What has been said about Services, and still holds."""

    def __attrs_post_init__(self) -> None:
        self._config = ConfigInForce(self.config_key)
        self._allocator = Allocator(random.randrange)
        self.metrics.watch_pools(self._pools_in_use)
        self._publisher = Publisher(self.source, self.metrics)
        self.source.store.subscribe(self._wake.set)

    @property
    def pages(self) -> dict[str, Callable[[], Page]]:
        """What there is to serve to machines."""
        return {
            "/metrics": lambda: Page(self.metrics.exposition(), CONTENT_TYPE),
            "/healthz": lambda: Page(b"ok\n"),
            "/readyz": self._readiness,
        }

    async def run(self) -> None:
        """Work until cancelled. Raise SourceError if the source can not be used at all."""
        await run_beside(self._follow(), self._when_leading(self._settle_forever))

    async def run_once(self) -> bool:
        """Work until nothing is left to do, and return; tell whether every write succeeded at once.

        Raise SourceError if the source can not be used at all, or somebody else leads.
        """
        patience = 2 * self.source.heartbeat_duration
        await run_beside(self._follow(), self._when_leading(self._settle_all, patience))
        return not self._publisher.failures and not self._publisher.conflicts

    async def _follow(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.source.run())
            tasks.create_task(self._stand_by())

    async def _stand_by(self) -> None:
        """Follow the configuration while somebody else leads: what was good once may be needed later."""
        news = asyncio.Event()
        self.source.store.subscribe(news.set)
        while True:
            await news.wait()
            news.clear()
            if self.source.store.synced and not self._leading:
                self._config.update(self.source.store)

    async def _when_leading(
        self, settle: Callable[[], Coroutine[Any, Any, None]], patience: float | None = None
    ) -> None:
        async def lead() -> None:
            await self._begin()
            self._set_leading(True)
            try:
                await run_beside(self._write(), settle())
            finally:
                self._set_leading(False)

        if self.leader is None:
            await lead()
        else:
            await self.leader.run(lead, patience=patience)

    async def _write(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publisher.run())
            tasks.create_task(self._write_pools())

    async def _write_pools(self) -> None:
        pools = PoolStatus(self.source, self.config_key.namespace, self._allocator.counters)
        while True:
            await asyncio.sleep(poolstatus.INTERVAL)
            await pools.write(self._allocator.config.pools if self._allocator.config else ())

    async def _begin(self) -> None:
        """Forget what we knew when we led the last time, and learn what there is."""
        await self.source.catch_up()
        await wait_synced(self.source.store)
        now = time.monotonic()
        self._allocator = Allocator(random.randrange)
        self._publisher = Publisher(self.source, self.metrics)
        self._said.clear()
        self._config.update(self.source.store)
        self._configure(now)
        self._dirty = dict.fromkeys(self.source.store.services, now)
        self._wake.set()

    def _set_leading(self, leading: bool) -> None:
        self._leading = leading
        self.metrics.leading.set(leading)

    async def _settle_forever(self) -> None:
        while True:
            retry = self._allocator.next_retry()
            await wait_at_most(self._wake, None if retry is None else retry - time.monotonic())
            await self._settle_dirty()

    async def _settle_all(self) -> None:
        while self._wake.is_set() and not self._publisher.failures:
            await self._settle_dirty()
            await self._publisher.wait_idle()

    async def _settle_dirty(self) -> None:
        """Settle the Services for which something changed. What that changes in turn sets `_wake` again."""
        self._wake.clear()
        now = time.monotonic()
        store = self.source.store
        changes = store.take_changes()
        self._mark((key for kind, key in changes if kind is Kind.SERVICE), now)
        if self._config.update(store) or any(kind is Kind.NAMESPACE for kind, _ in changes):
            self._configure(now)
        self._mark(self._allocator.take_retries(now), now)
        dirty, self._dirty = self._dirty, {}
        # Whoever has an address says so before anybody is given one, be it a new one for an old.
        async for key in _in_turns(sorted(dirty)):
            service = store.services.get(key)
            if service is not None and self._is_ours(service) and service.ingress:
                self._allocator.keep(service)
        order = sorted(dirty, key=lambda key: (key not in self._allocator.assignments, key))
        async for key in _in_turns(order):
            self._settle(key, dirty[key])
        self._mark(self._allocator.take_retries(time.monotonic()), now)

    def _configure(self, now: float) -> None:
        config = self._config.config
        self.metrics.config_loaded.set(config is not None)
        if config is not None:
            self.metrics.config_stale.set(self._config.has_problems)
            labels = {key.name: namespace.labels for key, namespace in self.source.store.namespaces.items()}
            self._mark(self._allocator.configure(config, labels), now)

    def _settle(self, key: Key, since: float) -> None:
        self.metrics.updated()
        service = self.source.store.services.get(key)
        if service is None or not self._is_ours(service):
            before = self._allocator.assignments.get(key, ())
            if self._allocator.release(key, time.monotonic()):
                _log.info("Service %s: released %s", key, _text(before))
            self._said.pop(key, None)
            self._publisher.withdraw(key)
            return
        settled = self._allocator.settle(service, time.monotonic())
        said, now_said = self._said.pop(key, ()), tuple(_complaints(service, settled))
        if now_said:
            self._said[key] = now_said
        known = {(event.reason, event.note) for event in said}
        self._publisher.put(
            Draft(
                service=service,
                addresses=tuple(map(str, settled.addresses)),
                pool=settled.pool,
                write=settled.change is not Change.NONE,
                outcome=tuple(_outcome(service, settled)),
                events=tuple(event for event in now_said if (event.reason, event.note) not in known),
                since=since,
            )
        )

    def _pools_in_use(self) -> Iterator[PoolUse]:
        config = self._allocator.config
        for pool in config.pools if config else ():
            counters = self._allocator.counters(pool)
            yield PoolUse(
                pool=pool,
                ipv4=counters.assigned_ipv4 + counters.available_ipv4,
                ipv6=counters.assigned_ipv6 + counters.available_ipv6,
                ipv4_in_use=counters.assigned_ipv4,
                ipv6_in_use=counters.assigned_ipv6,
            )

    def _readiness(self) -> Page:
        """A standby that follows is as ready as a leader: it is ready to take over."""
        if self.source.store.synced:
            return Page(b"ok\n")
        return Page(b"not everything has been listed yet\n", status=HTTPStatus.SERVICE_UNAVAILABLE)

    def _is_ours(self, service: Service) -> bool:
        return is_ours(service, self.lb_class)

    def _mark(self, keys: Iterable[Key], now: float) -> None:
        for key in keys:
            self._dirty.setdefault(key, now)
        if self._dirty:
            self._wake.set()


async def _in_turns(keys: Iterable[Key]) -> AsyncIterator[Key]:
    """Go through keys, and let others have a turn now and then."""
    for number, key in enumerate(keys, 1):
        yield key
        if number % _AT_ONCE == 0:
            await asyncio.sleep(0)


def is_ours(service: Service, lb_class: str = "") -> bool:
    """Tell whether a Service wants an address from us: one with another class is somebody else's."""
    return service.type == "LoadBalancer" and service.load_balancer_class == lb_class


def _outcome(service: Service, settled: Settled) -> Iterator[Event]:
    if settled.change is Change.ASSIGNED:
        note = f"Assigned IP {_text(settled.addresses)}"
        yield Event(regarding=service, reason="IPAllocated", action="Allocate", note=note)
    if settled.change is Change.CLEARED:
        note = f"Took back {_text(service.ingress)}: it is no longer possible"
        yield Event(regarding=service, reason="ClearAssignment", action="Clear", note=note)


def _complaints(service: Service, settled: Settled) -> Iterator[Event]:
    """Tell why a wish can not be met, and what a Service should no longer say."""
    for warning in settled.warnings:
        yield _warning(service, "deprecatedAnnotation", warning)
    if settled.refusal is not None:
        detail = f" ({settled.detail})" if settled.detail else ""
        kept = f"; it keeps {_text(settled.addresses)}" if settled.addresses else ""
        reason = "AdditionalAssignFailed" if settled.refusal is Refusal.INCOMPLETE else "AllocationFailed"
        yield _warning(service, reason, f"Failed to allocate IP: {settled.refusal.value}{detail}{kept}")


def _warning(service: Service, reason: str, note: str) -> Event:
    return Event(regarding=service, type=EventType.WARNING, reason=reason, action="Allocate", note=note)


def _text(addresses: Iterable[object]) -> str:
    return json.dumps([str(address) for address in addresses])
