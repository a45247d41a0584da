"""The source of objects that is a Kubernetes cluster.

Each kind is listed and watched by a `Reflector`; writes are single requests, and name the version that they change
wherever somebody else may write too:

    Service    PATCH …/services/NAME/status: addresses and annotations in one merge patch
    Event      POST …/events
    Lease      PATCH …/leases/NAME, or POST if there is none yet; DELETE on leaving
"""

import asyncio
import socket
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from k8sglue.apiclient import ApiClient, ApiError, TimeLimits
from k8sglue.cluster import ConflictError, Event, SourceError, Store
from k8sglue.kinds import CUSTOM_KINDS, GROUP
from k8sglue.reflector import Collection, Pace, Reflector
from k8sglue.resources import Kind, ResourceError, Service, parse

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"


class KubeSource:
    """A `cluster.Source` over the Kubernetes API.

    Services, EndpointSlices and Nodes of the whole cluster; of `namespace`, all Leases and the one ConfigMap.
    """

    heartbeat_interval = 5.0
    heartbeat_duration = 15.0

    def __init__(
        self,
        kinds: Iterable[Kind],
        *,
        namespace: str = "metallb-system",
        config: str = "config",
        kubeconfig: Path | None = None,
        program: str = "controller",
        pace: Pace | None = None,
        limits: TimeLimits | None = None,
    ) -> None:
        """Take the objects of these kinds.

        Without a `kubeconfig`, the credentials are those of the pod, or else those that kubectl would use. Events
        are reported by `k8sglue-{program}`.
        """
        self.store = Store(frozenset[Kind](kinds))
        self._reporter = f"k8sglue-{program}"
        self._leases = _LEASES.format(namespace)
        self._client = ApiClient(kubeconfig, self._reporter, limits or TimeLimits())
        collections = _collections(namespace, config)
        self._reflectors = {
            kind: Reflector(self._client, collections[kind], self.store, pace or Pace())
            for kind in self.store.kinds
        }

    async def run(self) -> None:
        """Keep the store true until cancelled. Raise SourceError if there are no credentials."""
        await self._client.connect()
        async with asyncio.TaskGroup() as tasks:
            for reflector in self._reflectors.values():
                tasks.create_task(reflector.run())

    async def close(self) -> None:
        """Close all connections; `run` must have been cancelled."""
        await self._client.close()

    async def write_service_status(
        self, service: Service, addresses: tuple[str, ...], annotations: Mapping[str, str | None]
    ) -> None:
        """Patch the status of a Service, unless that would change nothing."""
        known = all(service.annotations.get(name) == text for name, text in annotations.items())
        if known and addresses == service.ingress:
            return
        held = self.store.services.get(service.key)
        if held is None or held.resource_version != service.resource_version:
            raise ConflictError(f"Service {service.key} has changed")
        ingress = [{"ip": address} for address in addresses]
        body = {
            "metadata": {"resourceVersion": service.resource_version, "annotations": dict(annotations)},
            "status": {"loadBalancer": {"ingress": ingress or None}},
        }
        path = f"/api/v1/namespaces/{service.key.namespace}/services/{service.key.name}/status"
        try:
            written = parse(Kind.SERVICE, await self._client.patch(path, body))
        except ApiError as error:
            if error.status in (404, 409):
                raise ConflictError(str(error)) from error
            raise
        except ResourceError as error:
            raise SourceError(f"PATCH {path}: the answer is no Service: {error}") from error
        self._reflectors[Kind.SERVICE].put_written(service, written)

    async def record(self, event: Event) -> None:
        """Create an Event in the namespace of the Service that it is about."""
        service = event.regarding
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"generateName": f"{service.key.name}-"},
            "eventTime": _now(),
            "reportingController": self._reporter,
            "reportingInstance": socket.gethostname(),
            "type": event.type.value,
            "reason": event.reason,
            "action": event.action,
            "note": event.note,
            "regarding": {
                "apiVersion": "v1",
                "kind": "Service",
                "namespace": service.key.namespace,
                "name": service.key.name,
                "uid": service.uid,
                "resourceVersion": service.resource_version,
            },
        }
        await self._client.create(f"/apis/events.k8s.io/v1/namespaces/{service.key.namespace}/events", body)

    async def renew_lease(self, name: str, holder: str, annotations: Mapping[str, str]) -> None:
        """Renew the Lease `name`, or create it if there is none."""
        body = {
            "metadata": {"name": name, "annotations": dict(annotations)},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": int(self.heartbeat_duration),
                "renewTime": _now(),
            },
        }
        try:
            # An attempt that takes longer is in the way of the next one.
            async with asyncio.timeout(self.heartbeat_interval):
                await self._renew(name, body)
        except TimeoutError as error:
            raise SourceError(f"Lease {name}: no answer in time") from error

    async def release_lease(self, name: str) -> None:
        """Delete the Lease `name`; if it is gone already, all the better."""
        try:
            await self._client.delete(f"{self._leases}/{name}")
        except ApiError as error:
            if error.status != 404:
                raise

    async def _renew(self, name: str, body: Mapping[str, object]) -> None:
        try:
            await self._client.patch(f"{self._leases}/{name}", body)
            return
        except ApiError as error:
            if error.status != 404:
                raise
        try:
            await self._client.create(self._leases, body)
        except ApiError as error:
            if error.status != 409:
                raise
            # Somebody else, or an earlier attempt of ours that was given up, has created it meanwhile.
            await self._client.patch(f"{self._leases}/{name}", body)


def _collections(namespace: str, config: str) -> dict[Kind, Collection]:
    found = (
        Collection(Kind.SERVICE, "/api/v1/services"),
        Collection(Kind.ENDPOINT_SLICE, "/apis/discovery.k8s.io/v1/endpointslices"),
        Collection(Kind.NODE, "/api/v1/nodes"),
        Collection(Kind.NAMESPACE, "/api/v1/namespaces"),
        Collection(Kind.SECRET, f"/api/v1/namespaces/{namespace}/secrets"),
        Collection(Kind.CONFIG_MAP, f"/api/v1/namespaces/{namespace}/configmaps", f"metadata.name={config}"),
        Collection(Kind.LEASE, _LEASES.format(namespace)),
        *(
            Collection(kind, f"/apis/{GROUP}/{kind.versions[0]}/namespaces/{namespace}/{kind.plural}")
            for kind in CUSTOM_KINDS
        ),
    )
    return {collection.kind: collection for collection in found}


def _now() -> str:
    # An API server refuses a MicroTime that does not have all six digits.
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
