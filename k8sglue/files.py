"""The source of objects that is a directory of manifests: for hosts without a cluster, for trying out, for the lab.

    DIR/*.yaml                              Services, EndpointSlices, Nodes, the ConfigMap, as kubectl would take them
    DIR/status/services/NS.NAME.yaml        Services that have addresses, written by the controller
    DIR/status/leases/NAME.yaml             heartbeats, written by the speakers
    DIR/status/events.log                   what happened to Services, one line each

What is written goes to `status` only, each file whole (a new file is renamed over the old one). inotify wakes the
source up; what counts is what the folders hold then, and they are also looked at every few seconds, for file
systems on which inotify sees nothing.

As an API server would, the source clears the status of a Service that is no longer of type LoadBalancer. A status
file is a whole manifest: while a file of the user's can not be read, the Services in it go on from there, even
after a restart, so that nobody else is given their addresses.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import attrs
from asyncinotify import Inotify, Mask

from k8sglue.cluster import ConflictError, Event, SourceError, Store
from k8sglue.directory import SETTLE_TIME, Folder
from k8sglue.resources import Key, Kind, Lease, Resource, Service
from k8sglue.running import wait_at_most, wait_synced
from k8sglue.statusfiles import (
    lease_manifest,
    locked,
    remove_file,
    service_manifest,
    status_name,
    write_file,
)

_log = logging.getLogger("k8sglue")

_POLL_INTERVAL = 5.0
_LEASES_INTERVAL = 0.5
"""The heartbeats are looked at so often even if inotify tells nothing: a dead speaker says nothing at all."""
_EVENTS_SIZE = 2**20
_CLOSED = Mask.CLOSE_WRITE | Mask.MOVED_TO
_WATCHED = _CLOSED | Mask.MODIFY | Mask.CREATE | Mask.MOVED_FROM | Mask.DELETE


@attrs.define
class _Noticed:
    """Names in one folder that something happened to."""

    names: set[str] = attrs.field(factory=set)
    closed: set[str] = attrs.field(factory=set)


class FileSource:
    """A `cluster.Source` over a directory."""

    heartbeat_interval = 0.5
    heartbeat_duration = 2.0

    def __init__(self, directory: Path, kinds: Iterable[Kind], *, keeps_status: bool = False) -> None:
        """Take the objects of these kinds from `directory`.

        `keeps_status`: this program is the one that writes the status of Services, and so removes that of Services
        that are gone.
        """
        self.store = Store(frozenset[Kind](kinds))
        self.directory = directory
        self._keeps_status = keeps_status
        self._manifests = Folder(directory)
        self._services = Folder(directory / "status" / "services")
        self._leases = Folder(directory / "status" / "leases")
        self._noticed: dict[Path, _Noticed] = {folder.path: _Noticed() for folder in self._folders}
        self._filled: tuple[int, ...] = ()
        self._cleaned: tuple[int, ...] = ()
        # An editor may be saving a file in the very moment in which we start.
        self._orphans_after = time.monotonic() + 2 * SETTLE_TIME
        self._reported: set[str] = set()
        self._unreadable = False

    @property
    def errors(self) -> list[str]:
        """What is wrong in the manifests: `file:line: path: what`."""
        return self._manifests.errors + self._doubles()

    async def run(self) -> None:
        """Keep the store true until cancelled. Raise SourceError if there is no such directory."""
        if not self.directory.is_dir():
            raise SourceError(f"{self.directory} is not a directory")
        for folder in (self._services.path, self._leases.path):
            # Who may only read can read without them.
            with contextlib.suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
        wake = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch(wake))
            poll = 0.0
            leases = Kind.LEASE in self.store.kinds
            while True:
                wake.clear()
                everything = poll <= time.monotonic()
                if everything:
                    poll = time.monotonic() + _POLL_INTERVAL
                elif leases:
                    self._noticed[self._leases.path].names |= self._leases.names
                again = self.refresh(everything=everything)
                pauses = [poll - time.monotonic()]
                pauses += [again] if again is not None else []
                pauses += [_LEASES_INTERVAL] if leases else []
                await wait_at_most(wake, max(0.0, min(pauses)))

    def refresh(self, *, everything: bool = True) -> float | None:
        """Look at the directory, or only at what was noticed to have changed.

        Return in how many seconds a file that is being written should be settled.
        """
        now = time.monotonic()
        again = None
        try:
            for folder in self._folders:
                noticed, self._noticed[folder.path] = self._noticed[folder.path], _Noticed()
                only = None if everything else noticed.names
                if folder is self._manifests:
                    again = folder.refresh(now, only=only, closed=noticed.closed)
                elif folder.path.is_dir():
                    folder.refresh(now, only=only, trusted=True)
        except OSError as error:
            if not self._unreadable:
                _log.warning("%s can not be read (%s); going on with what is known", self.directory, error)
            self._unreadable = True
            return None
        self._unreadable = False
        if self._keeps_status and again is None and now >= self._orphans_after:
            if self._cleaned != self._generations():
                self._remove_orphans(now)
            self._cleaned = self._generations()
        self._fill_store()
        if again is None and self._keeps_status and now < self._orphans_after:
            return self._orphans_after - now
        return again

    async def close(self) -> None:
        """Nothing is held open between two calls."""

    async def catch_up(self) -> None:
        """Look at all files now: those in `status` are always whole."""
        self.refresh()
        await wait_synced(self.store)

    async def write_service_status(
        self, service: Service, addresses: tuple[str, ...], annotations: Mapping[str, str | None]
    ) -> None:
        """Write the status file of a Service."""
        if self.store.services.get(service.key) != service:
            raise ConflictError(f"Service {service.key} has changed")
        kept = {name: text for name, text in annotations.items() if text is not None}
        changed = attrs.evolve(service, ingress=addresses, annotations={**service.annotations, **kept})
        name = status_name(service.key)
        # Without addresses, too: what the manifest itself says of its status must not come back.
        write_file(
            self._services.path / name,
            service_manifest(attrs.evolve(changed, annotations=kept)),
            durable=True,
        )
        before = self._generations()
        self._services.refresh(time.monotonic(), only=(name,), trusted=True)
        self.store.put(changed)
        # What was just done need not be done again because the folder has changed.
        self._filled = self._generations() if self._filled == before else self._filled
        self._cleaned = self._generations() if self._cleaned == before else self._cleaned
        # Writing a thousand of them must not keep signals and heartbeats waiting.
        await asyncio.sleep(0)

    async def read_again(self, service: Service) -> None:
        """Look at the file of its status now."""
        self._services.refresh(time.monotonic(), only=(status_name(service.key),), trusted=True)
        self._fill_store()

    async def write_status(self, resource: Resource, status: Mapping[str, object]) -> None:
        """Write the status of another object into a file of its own, for people and tools; nobody reads it here."""
        folder = self.directory / "status" / f"{resource.kind.value.lower()}s"
        metadata = {"namespace": resource.key.namespace, "name": resource.key.name}
        manifest = {"kind": resource.kind.value, "metadata": metadata, "status": dict(status)}
        write_file(folder / status_name(resource.key), manifest)

    async def record(self, event: Event) -> None:
        """Add a line to the log of events, which is cut in two when it gets long."""
        path = self.directory / "status" / "events.log"
        moment = datetime.now(UTC).isoformat(timespec="milliseconds")
        about = f"{event.regarding.kind.value} {event.regarding.key}"
        line = f"{moment} {event.type.value} {event.reason} {about}: {event.note}\n"
        try:
            if path.exists() and path.stat().st_size > _EVENTS_SIZE:
                path.replace(path.with_name("events.log.1"))
            with path.open("a") as file:
                file.write(line)
        except OSError as error:
            raise SourceError(f"{path} can not be written: {error}") from error

    async def renew_lease(self, name: str, holder: str, annotations: Mapping[str, str]) -> None:
        """Write the heartbeat file `name`."""
        key = Key("default", name)
        lease = Lease(key=key, holder=holder, duration=self.heartbeat_duration, annotations=annotations)
        write_file(self._leases.path / f"{name}.yaml", lease_manifest(lease))

    async def release_lease(self, name: str) -> None:
        """Remove the heartbeat file `name`."""
        remove_file(self._leases.path / f"{name}.yaml")

    async def read_lease(self, key: Key) -> Lease | None:
        """Look at the file of one Lease now."""
        self._leases.refresh(time.monotonic(), only=(f"{key.name}.yaml",), trusted=True)
        found = (lease for _, lease in self._leases.objects if isinstance(lease, Lease))
        return next((lease for lease in found if lease.key == key), None)

    async def write_lease(self, lease: Lease, before: Lease | None) -> Lease:
        """Write the file of a Lease, under a lock that is held for no longer than that."""
        with locked(self._leases.path / ".lock"):
            if await self.read_lease(lease.key) != before:
                raise ConflictError(f"Lease {lease.key} has changed")
            write_file(self._leases.path / f"{lease.key.name}.yaml", lease_manifest(lease))
            written = await self.read_lease(lease.key)
        if written is None:
            raise SourceError(f"Lease {lease.key} was written, and can not be read")
        return written

    @property
    def _folders(self) -> tuple[Folder, ...]:
        return (self._manifests, self._services, self._leases)

    async def _watch(self, wake: asyncio.Event) -> None:
        """Set `wake` whenever something happens in the folders; without inotify, polling has to do."""
        while True:
            try:
                await self._watch_folders(wake)
                pause = SETTLE_TIME
            except OSError as error:
                _log.warning("inotify: %s; looking every %g s instead", error, _POLL_INTERVAL)
                pause = _POLL_INTERVAL
            await asyncio.sleep(pause)

    async def _watch_folders(self, wake: asyncio.Event) -> None:
        """Watch until a folder is replaced, which takes its watch with it, or one that was missing may be there."""
        paths = {folder.path for folder in self._folders if folder.path.is_dir()}
        complete = len(paths) == len(self._folders)
        with contextlib.suppress(TimeoutError), Inotify() as inotify:
            watches = {inotify.add_watch(path, _WATCHED): path for path in paths}
            wake.set()
            async with asyncio.timeout(None if complete else _POLL_INTERVAL):
                async for event in inotify:
                    if event.mask & Mask.IGNORED or event.watch is None:
                        return
                    noticed = self._noticed[watches[event.watch]]
                    if event.name:
                        noticed.names.add(str(event.name))
                        if event.mask & _CLOSED:
                            noticed.closed.add(str(event.name))
                    wake.set()

    def _generations(self) -> tuple[int, ...]:
        return tuple(folder.generation for folder in self._folders)

    def _fill_store(self) -> None:
        """Put into the store what the folders hold, as far as that has changed."""
        filled, self._filled = self._filled, self._generations()
        if filled[2:] != self._filled[2:] and Kind.LEASE in self.store.kinds:
            self.store.replace(Kind.LEASE, [resource for _, resource in self._leases.objects])
        if filled[:2] == self._filled[:2]:
            return
        self._report(self.errors)
        found: dict[Kind, dict[Key, Resource]] = {kind: {} for kind in Kind}
        for _, resource in self._manifests.objects:
            found[resource.kind].setdefault(resource.key, resource)
        found[Kind.SERVICE] = dict(self._with_status(found[Kind.SERVICE]))
        for kind in self.store.kinds - {Kind.LEASE}:
            self.store.replace(kind, found[kind].values())

    def _with_status(self, services: Mapping[Key, Resource]) -> Iterable[tuple[Key, Resource]]:
        written = {
            resource.key: resource for _, resource in self._services.objects if isinstance(resource, Service)
        }
        if self._manifests.hides_objects:
            hidden = {
                key: each for key, each in written.items() if (Kind.SERVICE, key) not in self._manifests.gone
            }
            services = {**hidden, **services}
        for key, service in services.items():
            status = written.get(key)
            if status is None or not isinstance(service, Service) or service.type != "LoadBalancer":
                yield key, service
            else:
                annotations = {**status.annotations, **service.annotations}
                yield key, attrs.evolve(service, ingress=status.ingress, annotations=annotations)

    def _remove_orphans(self, now: float) -> None:
        """Remove the status of Services that are gone, or are not to have an address any more."""
        wanted = {
            status_name(resource.key)
            for _, resource in self._manifests.objects
            if isinstance(resource, Service) and resource.type == "LoadBalancer"
        }
        orphans = {name for name, _ in self._services.objects} - wanted
        if self._manifests.hides_objects:
            orphans &= {status_name(key) for kind, key in self._manifests.gone if kind is Kind.SERVICE}
        for name in orphans:
            try:
                remove_file(self._services.path / name)
            except SourceError as error:
                _log.warning("%s", error)
        self._services.refresh(now, only=orphans, trusted=True)

    def _doubles(self) -> list[str]:
        first: dict[tuple[Kind, Key], str] = {}
        doubles = []
        for name, resource in self._manifests.objects:
            other = first.setdefault((resource.kind, resource.key), name)
            if other != name:
                doubles.append(
                    f"{name}:1: {resource.kind.value} {resource.key} is in {other} already, which counts"
                )
        return doubles

    def _report(self, errors: list[str]) -> None:
        for error in errors:
            if error not in self._reported:
                _log.warning("%s/%s; what was good before stays in force", self.directory, error)
        if self._reported and not errors:
            _log.info("%s: all manifests can be read again", self.directory)
        self._reported = set(errors)
