"""Writing what the controller decided, through the source: some requests side by side, until all of it is written.

Each Service takes two requests, its status and an Event. How many may be on their way keeps a slow API server from
being swamped by us alone; how many a second is the source's business.
"""

import asyncio
import logging
import time

import attrs

from k8sglue.cluster import ConflictError, EventType, RefusedError, Source, SourceError
from k8sglue.kinds import Key
from k8sglue.metrics import Metrics
from k8sglue.outbox import Draft, Outbox
from k8sglue.running import wait_at_most

_log = logging.getLogger("k8sglue")

IN_FLIGHT = 16
"""Requests on their way at once, at most."""

ALLOCATED_FROM_ANNOTATION = "metallb.io/ip-allocated-from-pool"
"""On a Service that was given an address: the name of the pool."""

_GOODBYE_TIME = 2.0


@attrs.define
class Publisher:
    """Sends drafts. One that came too late waits for what is decided about the new state of its Service."""

    _source: Source
    _metrics: Metrics
    _outbox: Outbox = attrs.field(init=False, factory=Outbox)
    _wake: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)
    _idle: asyncio.Event = attrs.field(init=False, factory=asyncio.Event)
    failures: int = attrs.field(init=False, default=0)
    """Requests that failed, so far."""
    conflicts: int = attrs.field(init=False, default=0)
    """Those that came too late."""

    def __attrs_post_init__(self) -> None:
        self._idle.set()

    @property
    def depth(self) -> int:
        """How many Services have something that is to be written."""
        return self._outbox.depth

    def put(self, draft: Draft) -> None:
        """Write this, instead of what still waits for the same Service."""
        self._outbox.put(draft)
        self._changed()

    def withdraw(self, key: Key) -> None:
        """Write nothing any more about a Service that is gone, or is no longer ours."""
        self._outbox.withdraw(key)
        self._changed()

    async def wait_idle(self) -> None:
        """Wait until everything is written, or something has failed and has to wait."""
        await self._idle.wait()

    async def run(self) -> None:
        """Send until cancelled; what is on its way then still has a moment to arrive."""
        tasks: set[asyncio.Task[None]] = set()
        try:
            while True:
                self._wake.clear()
                while len(tasks) < IN_FLIGHT and (draft := self._outbox.take(time.monotonic())):
                    tasks.add(asyncio.create_task(self._send(draft)))
                timeout = self._outbox.next_timeout()
                pause = None if timeout is None or len(tasks) == IN_FLIGHT else timeout - time.monotonic()
                await wait_at_most(self._wake, pause)
                done = {task for task in tasks if task.done()}
                tasks -= done
                for task in done:
                    task.result()
        finally:
            # A request that may still arrive must not do so after others have taken over.
            if tasks:
                await asyncio.wait(tasks, timeout=_GOODBYE_TIME)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, draft: Draft) -> None:
        key = draft.service.key
        try:
            if draft.write:
                await self._write(draft)
                draft = attrs.evolve(draft, write=False, outcome=(), events=draft.outcome + draft.events)
            if draft.check:
                await self._source.read_again(draft.service)
                self._outbox.checked(draft)
                draft = attrs.evolve(draft, check=False)
            while draft.events:
                await self._record(draft)
                draft = attrs.evolve(draft, events=draft.events[1:])
        except ConflictError as error:
            _log.info("%s; its new state will be judged", error)
            self.conflicts += 1
            self._outbox.failed(draft, time.monotonic(), alone=True)
        except SourceError as error:
            self._fail(draft, error)
        else:
            if self._outbox.failing:
                _log.info("writing works again")
            self._outbox.done(key)
        finally:
            self._changed()

    async def _write(self, draft: Draft) -> None:
        annotations = {ALLOCATED_FROM_ANNOTATION: draft.pool or None}
        await self._source.write_service_status(draft.service, draft.addresses, annotations)
        self._outbox.written(draft)
        self._metrics.status_written(time.monotonic() - draft.since)

    async def _record(self, draft: Draft) -> None:
        event = draft.events[0]
        level = logging.INFO if event.type is EventType.NORMAL else logging.WARNING
        try:
            await self._source.record(event)
        except RefusedError as error:
            _log.warning("%s", error)
        _log.log(level, "%s %s: %s", event.regarding.kind.value, event.regarding.key, event.note)

    def _fail(self, draft: Draft, error: SourceError) -> None:
        self.failures += 1
        self._metrics.write_failed()
        alone = isinstance(error, RefusedError)
        if alone or not self._outbox.failing:
            _log.warning("%s; trying again", error)
        self._outbox.failed(draft, time.monotonic(), alone=alone, pause=error.retry_after)

    def _changed(self) -> None:
        self._wake.set()
        self._metrics.queue_depth.set(self._outbox.depth)
        if self._outbox.depth and not self.failures:
            self._idle.clear()
        else:
            self._idle.set()
