"""Waiting for what a source over the Kubernetes API has been told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from k8sglue.kube import KubeSource
from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer


@contextlib.asynccontextmanager
async def following(source: KubeSource, api: ApiServer) -> AsyncIterator[None]:
    """Run a source; enter once it has listed and watches everything; leave nothing of it behind."""
    running = asyncio.create_task(source.run())
    try:
        await until(lambda: source.store.synced and api.watching >= len(source.store.kinds))
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await source.close()
