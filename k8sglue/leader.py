"""Competing for leadership through a source: renewing in time, giving up in time, and handing over on a clean stop."""

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable

from k8sglue.cluster import ConflictError, Source, SourceError
from k8sglue.leadership import LEASE_NAME, Leadership
from k8sglue.resources import Key, Kind
from k8sglue.running import wait_at_most

_log = logging.getLogger("k8sglue")

_GOODBYE_TIME = 2.0


class Leader:
    """Takes part in the election, and does what only one may do while it is elected."""

    def __init__(self, source: Source, namespace: str, *, duration: float | None = None) -> None:
        """Compete for the Lease in `namespace`; the source must watch Leases.

        `duration`: whole seconds after which others may take over from a leader that fell silent; None for what
        the source bears.
        """
        self._source = source
        self._leadership = Leadership(
            key=Key(namespace, LEASE_NAME),
            # Several may run on one host, and a name must not outlive the one who bears it.
            identity=f"{socket.gethostname()}_{os.urandom(8).hex()}",
            duration=duration or source.heartbeat_duration,
        )
        self._changed = asyncio.Event()
        self._next_attempt = 0.0
        self._troubled = False
        self.leading = False
        """We are the leader now."""
        source.store.subscribe(self._changed.set)

    @property
    def identity(self) -> str:
        """The name that we go by in the Lease."""
        return self._leadership.identity

    async def run(self, work: Callable[[], Awaitable[object]], *, patience: float | None = None) -> None:
        """Do `work` whenever we lead: until it returns, else until cancelled. It is cancelled if we lead no more.

        Raise SourceError if we do not lead after `patience` seconds. When cancelled, and when `work` returns or
        raises, hand over to the others.
        """
        try:
            finished = False
            while not finished:
                try:
                    async with asyncio.timeout(patience):
                        await self._wait_elected()
                except TimeoutError as error:
                    raise SourceError(f"there is a leader already: {self._leadership.holder}") from error
                finished = await self._lead(work)
        finally:
            await self._resign()

    async def _wait_elected(self) -> None:
        while not await self._is_elected():
            now = time.monotonic()
            free = self._leadership.free_at()
            await wait_at_most(self._changed, max(free or now, self._next_attempt, now + 0.01) - now)

    async def _is_elected(self) -> bool:
        """Look at the Lease as the store has it, and claim it if it is free."""
        self._changed.clear()
        store = self._source.store
        if not store.listed(Kind.LEASE):
            return False
        before = self._leadership.holder
        self._leadership.observe(store.leases.get(self._leadership.key), time.monotonic())
        if self._leadership.holder not in ("", before):
            _log.info("standing by; the leader is %s", self._leadership.holder)
        return await self._claim_if_free()

    async def _claim_if_free(self) -> bool:
        now = time.monotonic()
        free = self._leadership.free_at()
        if free is None or max(free, self._next_attempt) > now:
            return False
        self._next_attempt = now + self._leadership.renew_interval
        # What the store has may be old, if the watch is slow.
        await self._attempt(self._look())
        free = self._leadership.free_at()
        if free is None or free > time.monotonic():
            return False
        await self._attempt(self._claim())
        return self._may_act()

    async def _lead(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Work and renew. Return True once the work is done, False when we no longer lead."""
        _log.info("leading, as %s", self.identity)
        self.leading = True
        task = asyncio.ensure_future(work())
        try:
            while self._may_act():
                await asyncio.wait({task}, timeout=self._pause())
                if task.done():
                    task.result()
                    return True
                await self._attempt(self._claim())
        finally:
            self.leading = False
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        _log.warning("leading no more: the Lease could not be renewed in time, or somebody else has it")
        return False

    def _may_act(self) -> bool:
        until = self._leadership.leading_until()
        return until is not None and time.monotonic() < until

    def _pause(self) -> float:
        """Return the seconds to the next renewal, at most as long as we may act."""
        until = self._leadership.leading_until() or 0.0
        return max(0.0, min(self._leadership.renew_interval, until - time.monotonic()))

    async def _claim(self) -> None:
        asked = time.monotonic()
        try:
            written = await self._source.write_lease(self._leadership.claim(), self._leadership.lease)
        except ConflictError:
            # Whoever else wrote, or an attempt of ours that was given up and succeeded: this tells.
            await self._look()
            return
        self._leadership.written(written, asked)

    async def _look(self) -> None:
        self._leadership.observe(await self._source.read_lease(self._leadership.key), time.monotonic())

    async def _attempt(self, request: Awaitable[None]) -> None:
        """Make a request that must not take so long that there is no time for another; report trouble once."""
        try:
            async with asyncio.timeout(self._leadership.patience):
                await request
        except (SourceError, TimeoutError) as error:
            if not self._troubled:
                reason = str(error) or "no answer in time"
                _log.warning("Lease %s: %s; trying again", self._leadership.key, reason)
            self._troubled = True
        else:
            self._troubled = False

    async def _resign(self) -> None:
        before = self._leadership.lease
        lease = self._leadership.resign()
        if lease is None:
            return
        try:
            async with asyncio.timeout(_GOODBYE_TIME):
                await self._source.write_lease(lease, before)
        except (SourceError, TimeoutError) as error:
            _log.warning("the Lease could not be given up, so others have to wait for its end: %s", error)
