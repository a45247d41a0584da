"""The stand-in for kube-proxy: keeps the packet rewriting of one node true to the Services and their endpoints.

`k8sglue lab proxy --source DIR --node-name NAME` runs in the network namespace of a node, one per node. It watches
the directory of manifests as the other programs do, and hands rules.py's text to `nft`.
"""

import asyncio
import contextlib
import logging
from pathlib import Path

from k8sglue.files import FileSource
from k8sglue.lab.rules import ruleset
from k8sglue.resources import Kind
from k8sglue.running import run_beside, run_until_stopped

_log = logging.getLogger("k8sglue.lab.proxy")


async def run(directory: Path, node: str) -> None:
    """Apply the rules of `node` until SIGTERM or SIGINT. Raise SourceError if there is no such directory."""
    source = FileSource(directory, (Kind.SERVICE, Kind.ENDPOINT_SLICE))
    await run_until_stopped(run_beside(source.run(), _apply(source, node)))
    await source.close()


async def _apply(source: FileSource, node: str) -> None:
    changed = asyncio.Event()
    changed.set()
    source.store.subscribe(changed.set)
    applied = ""
    while True:
        await changed.wait()
        changed.clear()
        script = ruleset(source.store.services.values(), source.store.endpoint_slices.values(), node)
        if source.store.synced and script != applied and await _load(script):
            applied = script


async def _load(script: str) -> bool:
    """Put the rules in force; return whether that went well."""
    process = await asyncio.create_subprocess_exec(
        "nft", "-f", "-", stdin=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        _, errors = await process.communicate(script.encode())
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
    if process.returncode != 0:
        _log.error("nft refused the rules, the old ones stay in force: %s", errors.decode().strip())
        return False
    _log.info("rules in force:\n%s", script)
    return True
