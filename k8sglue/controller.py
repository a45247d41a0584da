"""The program that gives Services their addresses: watch -> allocator -> status.

There is one of it in a cluster. It looks at what changed, asks the allocator, and writes what differs. A Service
that could not be served waits until something changes that could help: its own manifest, the pools, or an address
that somebody gave back; nothing is polled.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import Iterable

import attrs

from k8sglue.allocator import Allocator, Change, Settled
from k8sglue.cluster import ConflictError, Event, EventType, Source, SourceError
from k8sglue.inforce import CONFIG_KINDS, ConfigInForce
from k8sglue.resources import Key, Kind, Service
from k8sglue.running import run_beside, wait_at_most, wait_synced

_log = logging.getLogger("k8sglue")

KINDS = (Kind.SERVICE, *CONFIG_KINDS)
"""What the controller watches."""

ALLOCATED_FROM_ANNOTATION = "metallb.io/ip-allocated-from-pool"
"""On a Service that was given an address: the name of the pool."""

_RETRY_TIMES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between attempts to write to a source that refuses."""


@attrs.define
class Controller:
    """Follows a source and keeps the status of its Services right."""

    source: Source
    config_key: Key
    """The ConfigMap's namespace and name."""
    _config: ConfigInForce = attrs.field(init=False)
    _allocator: Allocator = attrs.field(init=False, factory=lambda: Allocator(random.randrange))
    _wake: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)
    """There is something to do."""
    _dirty: set[Key] = attrs.field(init=False, factory=set)
    """Services to settle."""
    _waiting: dict[Key, Settled] = attrs.field(init=False, factory=dict)
    """Services with a wish that could not be met, and what was said about that."""
    _conflicts: int = attrs.field(init=False, default=0)
    """Writes that came too late, so far."""
    _failed: set[Key] = attrs.field(init=False, factory=set)
    """Services whose status could not be written."""
    _failures: int = attrs.field(init=False, default=0)
    """Passes in a row with a write that failed."""

    def __attrs_post_init__(self) -> None:
        self._config = ConfigInForce(self.config_key)
        self.source.store.subscribe(self._wake.set)

    async def run(self) -> None:
        """Work until cancelled. Raise SourceError if the source can not be used at all."""
        await run_beside(self.source.run(), self._run())

    async def run_once(self) -> bool:
        """Work until nothing is left to do, and return; tell whether every write succeeded at once.

        Raise SourceError if the source can not be used at all.
        """
        await run_beside(self.source.run(), self._run_once())
        return not self._failed and not self._conflicts

    async def _run(self) -> None:
        while True:
            pause = _RETRY_TIMES[min(self._failures, len(_RETRY_TIMES)) - 1] if self._failures else None
            await wait_at_most(self._wake, pause)
            await self._settle_dirty()

    async def _run_once(self) -> None:
        await wait_synced(self.source.store)
        while self._wake.is_set() and not self._failed:
            await self._settle_dirty()

    async def _settle_dirty(self) -> None:
        """Settle the Services for which something changed. What that changes in turn sets `_wake` again."""
        self._wake.clear()
        store = self.source.store
        if not store.synced:
            return
        self._dirty |= self._failed | {key for kind, key in store.take_changes() if kind is Kind.SERVICE}
        if self._config.update(store) and self._config.config:
            self._allocator.configure(self._config.config)
            self._dirty |= store.services.keys()
        self._failed.clear()
        dirty, self._dirty = self._dirty, set()
        # Whoever has an address says so before anybody is given one, be it a new one for an old.
        for key in sorted(dirty):
            service = store.services.get(key)
            if service is not None and is_ours(service) and service.ingress:
                self._allocator.keep(service)
        for key in sorted(dirty, key=lambda key: (key not in self._allocator.assignments, key)):
            await self._try_to_settle(key)
        self._failures = self._failures + 1 if self._failed else 0

    async def _try_to_settle(self, key: Key) -> None:
        try:
            await self._settle(key)
        except ConflictError as error:
            _log.info("%s; its new state will come", error)
            self._conflicts += 1
        except SourceError as error:
            _log.warning("%s; trying again", error)
            self._failed.add(key)

    async def _settle(self, key: Key) -> None:
        service = self.source.store.services.get(key)
        before = self._allocator.assignments.get(key)
        if service is None or not is_ours(service):
            self._allocator.release(key, time.monotonic())
            self._waiting.pop(key, None)
            if before:
                _log.info("Service %s: released %s", key, _text(before))
                self._wake_waiting()
            return
        settled = self._allocator.settle(service, time.monotonic())
        if before and before != settled.addresses:
            self._wake_waiting()
        if settled.change is not Change.NONE:
            addresses = tuple(map(str, settled.addresses))
            pool = {ALLOCATED_FROM_ANNOTATION: settled.pool or None}
            await self.source.write_service_status(service, addresses, pool)
        await self._tell(service, settled)

    async def _tell(self, service: Service, settled: Settled) -> None:
        """Log and publish what became of a Service, but nothing that was said before."""
        events = []
        if settled.change is Change.ASSIGNED:
            note = f"Assigned IP {_text(settled.addresses)}"
            events.append(Event(regarding=service, reason="IPAllocated", action="Allocate", note=note))
        if settled.change is Change.CLEARED:
            note = f"Took back {_text(service.ingress)}: it is no longer possible"
            events.append(Event(regarding=service, reason="ClearAssignment", action="Clear", note=note))
        said = self._waiting.pop(service.key, None)
        if settled.refusal is not None:
            self._waiting[service.key] = settled
            if said is None or (said.refusal, said.detail) != (settled.refusal, settled.detail):
                events.append(_failure(service, settled))
        for event in events:
            level = logging.INFO if event.type is EventType.NORMAL else logging.WARNING
            _log.log(level, "Service %s: %s", service.key, event.note)
            try:
                await self.source.record(event)
            except SourceError as error:
                _log.warning("%s", error)

    def _wake_waiting(self) -> None:
        """An address was given back: whoever waits may have a chance now."""
        self._dirty |= self._waiting.keys()
        if self._dirty:
            self._wake.set()


def is_ours(service: Service) -> bool:
    """Tell whether a Service wants an address from us: one with a class is somebody else's."""
    return service.type == "LoadBalancer" and not service.load_balancer_class


def _failure(service: Service, settled: Settled) -> Event:
    assert settled.refusal is not None
    detail = f" ({settled.detail})" if settled.detail else ""
    kept = f"; it keeps {_text(settled.addresses)}" if settled.addresses else ""
    return Event(
        regarding=service,
        type=EventType.WARNING,
        reason="AllocationFailed",
        action="Allocate",
        note=f"Failed to allocate IP: {settled.refusal.value}{detail}{kept}",
    )


def _text(addresses: Iterable[object]) -> str:
    return json.dumps([str(address) for address in addresses])
