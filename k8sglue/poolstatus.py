"""The counters in the status of IPAddressPools: how many addresses are in use, and how many are left.

They may change a thousand times a second, and nobody reads them so often: they are written at intervals, each pool
only if it differs. Pools of the ConfigMap have no status.
"""

import logging
from collections.abc import Callable, Iterable, Mapping

import attrs

from k8sglue.cluster import Source, SourceError
from k8sglue.customresources import CustomResource
from k8sglue.kinds import Key, Kind
from k8sglue.settled import PoolCounters

_log = logging.getLogger("k8sglue")

INTERVAL = 2.0
"""Seconds between two looks at the counters."""

_HIGHEST = 2**63 - 1
"""An integer of a status has no more than 64 bits; the /64 of a pool of IPv6 addresses has more."""


@attrs.define
class PoolStatus:
    """Writes the counters of pools."""

    source: Source
    namespace: str
    """Where the resources are."""
    counters: Callable[[str], PoolCounters]
    """Tells the counters of a pool."""
    _written: dict[Key, tuple[object, Mapping[str, int]]] = attrs.field(init=False, factory=dict)
    """What was written last, and what the store had of the resource then."""
    _failing: bool = attrs.field(init=False, default=False)

    async def write(self, pools: Iterable[str]) -> None:
        """Write what differs from what the resources say. What fails is written the next time."""
        failed = False
        for pool in pools:
            resource = self.source.store.get(Kind.IP_ADDRESS_POOL, Key(self.namespace, pool))
            if isinstance(resource, CustomResource):
                failed |= not await self._write(resource, _status(self.counters(pool)))
        self._failing = failed

    async def _write(self, resource: CustomResource, status: Mapping[str, int]) -> bool:
        is_shown = all(resource.status.get(name) == value for name, value in status.items())
        if is_shown or self._written.get(resource.key) == (resource, status):
            return True
        try:
            await self.source.write_status(resource, status)
        except SourceError as error:
            if not self._failing:
                _log.info("%s; trying again", error)
            return False
        self._written[resource.key] = (self.source.store.get(resource.kind, resource.key), status)
        return True


def _status(counters: PoolCounters) -> dict[str, int]:
    return {
        "assignedIPv4": min(counters.assigned_ipv4, _HIGHEST),
        "assignedIPv6": min(counters.assigned_ipv6, _HIGHEST),
        "availableIPv4": min(counters.available_ipv4, _HIGHEST),
        "availableIPv6": min(counters.available_ipv6, _HIGHEST),
    }
