"""Waiting for what a source over the Kubernetes API has been told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from k8sglue.kube import KubeSource
from tests.k8sglue.apiserver import ApiServer


async def wait_until(condition: Callable[[], object]) -> None:
    """Wait until something holds, and fail if that takes unreasonably long."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # no event tells of all that tests wait for
            await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def following(source: KubeSource, api: ApiServer) -> AsyncIterator[None]:
    """Run a source; enter once it has listed and watches everything; leave nothing of it behind."""
    running = asyncio.create_task(source.run())
    try:
        await wait_until(lambda: source.store.synced and api.watching >= len(source.store.kinds))
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await source.close()
