"""The source of objects that is a Kubernetes cluster.

Each kind is listed and watched by a `Reflector`; writes are single requests, and name the version that they change
wherever somebody else may write too:

    Service    PATCH …/services/NAME/status: addresses and annotations in one merge patch
    others     PATCH …/PLURAL/NAME/status
    Event      POST …/events
    Lease      PATCH …/leases/NAME, or POST if there is none yet; DELETE on leaving

All of them but Leases share a budget of requests a second, so that ten thousand Services at once are no storm.
"""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from k8sglue.apiclient import ApiClient, ApiError, Observer, TimeLimits
from k8sglue.cluster import ConflictError, Event, RefusedError, SourceError, Store
from k8sglue.kinds import CUSTOM_KINDS, GROUP
from k8sglue.ratelimit import TokenBucket
from k8sglue.reflector import Collection, Pace, Reflector
from k8sglue.resources import Key, Kind, Lease, Resource, ResourceError, Service, parse

WRITE_RATE = 600.0
"""Requests a second: an API server that was measured took 700 status patches and more."""

_LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
_LONGEST_NOTE = 1024  # octets of an Event's note
_WRONG = frozenset({400, 405, 413, 415, 422})  # statuses that say that the request itself is no good


class KubeSource:
    """A `cluster.Source` over the Kubernetes API.

    Services, EndpointSlices, Nodes and Namespaces of the whole cluster; of `namespace`, the Leases, the one ConfigMap,
    the Secrets that hold passwords, and the custom resources.
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
        lease: str = "",
        program: str = "controller",
        write_rate: float = WRITE_RATE,
        pace: Pace | None = None,
        limits: TimeLimits | None = None,
        observer: Observer | None = None,
    ) -> None:
        """Take the objects of these kinds.

        Without a `kubeconfig`, the credentials are those of the pod, or else those that kubectl would use. Of
        Leases, only the one named `lease` is watched, or all if that is empty. Events are reported by
        `k8sglue-{program}`. At most `write_rate` requests to write are made a second. `observer` is told of every
        answer.
        """
        self.store = Store(frozenset[Kind](kinds))
        self._reporter = f"k8sglue-{program}"
        self._leases = _LEASES.format(namespace)
        self._client = ApiClient(kubeconfig, self._reporter, limits or TimeLimits(), observer)
        self._budget = TokenBucket(write_rate, max(1.0, write_rate / 10))
        self._collections = _collections(namespace, config, lease)
        self._reflectors = {
            kind: Reflector(self._client, self._collections[kind], self.store, pace or Pace())
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

    async def catch_up(self) -> None:
        """List all Services anew."""
        await self._reflectors[Kind.SERVICE].catch_up()

    async def write_service_status(
        self, service: Service, addresses: tuple[str, ...], annotations: Mapping[str, str | None]
    ) -> None:
        """Patch the status of a Service, unless that would change nothing."""
        known = all(service.annotations.get(name) == text for name, text in annotations.items())
        if known and addresses == service.ingress:
            return
        ingress = [{"ip": address} for address in addresses]
        status = {"loadBalancer": {"ingress": ingress or None}}
        await self._patch_status(service, status, {"annotations": dict(annotations)})

    async def read_again(self, service: Service) -> None:
        """Ask for the one Service, and put the answer into the store if it is newer."""
        await self._take_turn()
        try:
            answer = await self._client.get(self._collections[service.kind].path_of(service.key))
            self._reflectors[service.kind].put_read(service, parse(service.kind, answer))
        except ApiError as error:
            if error.status != 404:  # the watch will tell
                raise
        except ResourceError as error:
            raise SourceError(f"Service {service.key} makes no sense: {error}") from error

    async def write_status(self, resource: Resource, status: Mapping[str, object]) -> None:
        """Patch the status of another object; the caller knows what would change nothing."""
        await self._patch_status(resource, status, {})

    async def record(self, event: Event) -> None:
        """Create an Event in the namespace of the object that it is about."""
        about = event.regarding
        namespace = about.key.namespace or "default"
        body = {
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": {"generateName": f"{about.key.name}-"},
            "eventTime": _now(),
            "reportingController": self._reporter,
            "reportingInstance": socket.gethostname(),
            "type": event.type.value,
            "reason": event.reason,
            "action": event.action,
            "note": event.note.encode()[:_LONGEST_NOTE].decode(errors="ignore"),
            "regarding": {
                "apiVersion": self._collections[about.kind].api_version,
                "kind": about.kind.value,
                "namespace": about.key.namespace,
                "name": about.key.name,
                "resourceVersion": about.resource_version,
                # kubectl describe looks for Events by uid.
                **({"uid": about.uid} if isinstance(about, Service) else {}),
            },
        }
        await self._take_turn()
        try:
            await self._client.create(f"/apis/events.k8s.io/v1/namespaces/{namespace}/events", body)
        except ApiError as error:
            if error.status in _WRONG or error.status == 404:  # there may be no such namespace any more
                raise RefusedError(str(error)) from error
            raise

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

    async def read_lease(self, key: Key) -> Lease | None:
        """Ask for one Lease."""
        try:
            return _lease(await self._client.get(self._lease_path(key)))
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def write_lease(self, lease: Lease, before: Lease | None) -> Lease:
        """Create the Lease, or patch the version of it that `before` is."""
        now = _now()
        spec = {
            "holderIdentity": lease.holder or None,
            "leaseDurationSeconds": int(lease.duration),
            "leaseTransitions": lease.transitions,
            "renewTime": now,
            **({} if before and before.holder == lease.holder else {"acquireTime": now}),
        }
        try:
            if before is None:
                body = {"metadata": {"name": lease.key.name}, "spec": spec}
                return _lease(await self._client.create(self._leases_path(lease.key), body))
            body = {"metadata": {"resourceVersion": before.resource_version}, "spec": spec}
            return _lease(await self._client.patch(self._lease_path(lease.key), body))
        except ApiError as error:
            if error.status in (404, 409):
                raise ConflictError(str(error)) from error
            raise

    async def _patch_status(
        self, before: Resource, status: Mapping[str, object], metadata: Mapping[str, object]
    ) -> None:
        """Patch the status subresource of what the store has as `before`, and put the answer there."""
        await self._take_turn()
        held = self.store.get(before.kind, before.key)
        if held is None or held.resource_version != before.resource_version:
            raise ConflictError(f"{before.kind.value} {before.key} has changed")
        path = self._collections[before.kind].path_of(before.key)
        body = {"metadata": {"resourceVersion": before.resource_version, **metadata}, "status": status}
        try:
            answer = await self._client.patch(f"{path}/status", body)
        except ApiError as error:
            if error.status in (404, 409):
                # Until the watch tells, too.
                if isinstance(before, Service):
                    with contextlib.suppress(SourceError):
                        await self.read_again(before)
                raise ConflictError(str(error)) from error
            if error.status in _WRONG:
                raise RefusedError(str(error)) from error
            raise
        try:
            written = parse(before.kind, answer)
        except ResourceError as error:
            raise SourceError(f"PATCH {path}/status: the answer makes no sense: {error}") from error
        self._reflectors[before.kind].put_written(before, written)

    async def _take_turn(self) -> None:
        pause = self._budget.take(time.monotonic())
        if pause > 0:
            await asyncio.sleep(pause)

    def _leases_path(self, key: Key) -> str:
        return _LEASES.format(key.namespace)

    def _lease_path(self, key: Key) -> str:
        return f"{self._leases_path(key)}/{key.name}"

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


def _collections(namespace: str, config: str, lease: str) -> dict[Kind, Collection]:
    found = (
        Collection(Kind.SERVICE, "/api/v1/services"),
        Collection(Kind.ENDPOINT_SLICE, "/apis/discovery.k8s.io/v1/endpointslices"),
        Collection(Kind.NODE, "/api/v1/nodes"),
        Collection(Kind.NAMESPACE, "/api/v1/namespaces"),
        Collection(Kind.SECRET, f"/api/v1/namespaces/{namespace}/secrets"),
        Collection(Kind.NAMESPACE, "/api/v1/namespaces"),
        Collection(Kind.SECRET, f"/api/v1/namespaces/{namespace}/secrets", "type=kubernetes.io/basic-auth"),
        Collection(Kind.CONFIG_MAP, f"/api/v1/namespaces/{namespace}/configmaps", f"metadata.name={config}"),
        Collection(Kind.LEASE, _LEASES.format(namespace), f"metadata.name={lease}" if lease else ""),
        *(
            Collection(
                kind, f"/apis/{GROUP}/{kind.versions[0]}/namespaces/{namespace}/{kind.plural}", optional=True
            )
            for kind in CUSTOM_KINDS
        ),
    )
    return {collection.kind: collection for collection in found}


def _lease(manifest: object) -> Lease:
    try:
        lease = parse(Kind.LEASE, manifest)
    except ResourceError as error:
        raise SourceError(f"this Lease makes no sense: {error}") from error
    assert isinstance(lease, Lease)
    return lease


def _now() -> str:
    # An API server refuses a MicroTime that does not have all six digits.
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
