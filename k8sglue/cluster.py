"""What a source of cluster objects is: a store of watched objects, and the few writes that the programs make.

There are two sources, the Kubernetes API (kube.py) and a directory of manifests (files.py). The programs know
only what stands here. A source keeps its `Store` true in the background; a program waits for the store to say
that something changed, looks at what is there now, and acts on the difference. Nothing is lost when ten changes
come as one: what counts is the state, not the events (level-triggered).
"""

import enum
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Protocol, TypeVar, cast

import attrs

from k8sglue.customresources import CustomResource
from k8sglue.kinds import CUSTOM_KINDS, Key, Kind
from k8sglue.resources import ConfigMap, EndpointSlice, Lease, Namespace, Node, Resource, Secret, Service

R = TypeVar("R", Service, EndpointSlice, Node, Namespace, ConfigMap, Secret, Lease)


class SourceError(Exception):
    """A write or a read did not succeed, for a reason that may pass: try again later.

    The message says what was asked, of whom, and what the answer was.
    """


class ConflictError(SourceError):
    """The object was changed or removed since it was read: wait for its new state, then judge again."""


class EventType(enum.Enum):
    """How much an event matters, in Kubernetes' words."""

    NORMAL = "Normal"
    WARNING = "Warning"


@attrs.frozen(kw_only=True)
class Event:
    """Something that a person who looks at a Service should see."""

    regarding: Service
    type: EventType = EventType.NORMAL
    reason: str
    """One word, for machines: `IPAllocated`."""
    action: str
    """What was attempted, one word: `Allocate`."""
    note: str
    """One sentence for people, at most 1,024 octets."""


@attrs.define
class Store:
    """The objects as last seen, by kind and key.

    A source calls `put`, `remove` and `replace`; whoever uses it reads the typed mappings (which stay the same
    objects, so that a reader may hold on to them) and takes what changed. Not for use from several threads.
    """

    kinds: frozenset[Kind]
    """The kinds that are watched; the others stay empty."""
    _objects: dict[Kind, dict[Key, Resource]] = attrs.field(init=False)
    _unlisted: set[Kind] = attrs.field(init=False)
    _changed: set[tuple[Kind, Key]] = attrs.field(init=False, factory=set)
    _listeners: list[Callable[[], None]] = attrs.field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._objects = {kind: {} for kind in Kind}
        self._unlisted = set(self.kinds)

    @property
    def synced(self) -> bool:
        """Every watched kind has been listed once: what is not in the store does not exist."""
        return not self._unlisted

    @property
    def services(self) -> Mapping[Key, Service]:
        """Every Service, by key."""
        return self._of(Service)

    @property
    def endpoint_slices(self) -> Mapping[Key, EndpointSlice]:
        """Every EndpointSlice, by key."""
        return self._of(EndpointSlice)

    @property
    def nodes(self) -> Mapping[Key, Node]:
        """Every Node, by key."""
        return self._of(Node)

    @property
    def config_maps(self) -> Mapping[Key, ConfigMap]:
        """Every ConfigMap, by key."""
        return self._of(ConfigMap)

    @property
    def namespaces(self) -> Mapping[Key, Namespace]:
        """Every Namespace, by key."""
        return self._of(Namespace)

    @property
    def secrets(self) -> Mapping[Key, Secret]:
        """Every Secret that may hold a password, by key."""
        return self._of(Secret)

    @property
    def custom_resources(self) -> list[CustomResource]:
        """Every custom resource of the configuration, by kind and key."""
        return [
            cast(CustomResource, resource)
            for kind in CUSTOM_KINDS
            for _, resource in sorted(self._objects[kind].items())
        ]

    @property
    def leases(self) -> Mapping[Key, Lease]:
        """Every Lease, by key."""
        return self._of(Lease)

    def get(self, kind: Kind, key: Key) -> Resource | None:
        """Return the object as last seen, or None if there is none."""
        return self._objects[kind].get(key)

    def put(self, resource: Resource) -> None:
        """Take in a new or changed object. One that equals what is known changes nothing."""
        objects = self._objects[resource.kind]
        if objects.get(resource.key) != resource:
            objects[resource.key] = resource
            self._note({(resource.kind, resource.key)})

    def remove(self, kind: Kind, key: Key) -> None:
        """Forget an object that is gone."""
        if self._objects[kind].pop(key, None) is not None:
            self._note({(kind, key)})

    def replace(self, kind: Kind, resources: Iterable[Resource]) -> None:
        """Take in a whole list: what it does not name is gone. The kind counts as listed from now on."""
        objects = self._objects[kind]
        listed = {resource.key: resource for resource in resources}
        changed = {key for key, resource in listed.items() if objects.get(key) != resource}
        changed |= objects.keys() - listed.keys()
        first = kind in self._unlisted
        self._unlisted.discard(kind)
        for key in changed:
            if key in listed:
                objects[key] = listed[key]
            else:
                del objects[key]
        if changed or first:
            self._note({(kind, key) for key in changed})

    def take_changes(self) -> Collection[tuple[Kind, Key]]:
        """Return what changed since the last call, and start anew."""
        changed, self._changed = self._changed, set()
        return changed

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Have `listener` called after every change. It must be quick and must not change the store."""
        self._listeners.append(listener)

    def _note(self, changed: set[tuple[Kind, Key]]) -> None:
        self._changed |= changed
        for listener in self._listeners:
            listener()

    def _of(self, resource_type: type[R]) -> Mapping[Key, R]:
        return cast(Mapping[Key, R], self._objects[resource_type.kind])


class Source(Protocol):
    """Where objects come from, and where status, events and heartbeats go."""

    store: Store
    heartbeat_interval: float
    """Seconds between two renewals of a Lease that this source bears."""
    heartbeat_duration: float
    """Seconds without a renewal after which a speaker counts as gone, a whole number."""

    async def run(self) -> None:
        """Keep the store true until cancelled. Outages are logged, waited out and caught up with.

        Raise SourceError only if waiting can not help: no such directory, no credentials.
        """

    async def close(self) -> None:
        """Let go of connections and files. Nothing may be called afterwards."""

    async def write_service_status(
        self, service: Service, addresses: tuple[str, ...], annotations: Mapping[str, str | None]
    ) -> None:
        """Write `status.loadBalancer.ingress`, and annotations (None removes one), and put the result in the store.

        Raise ConflictError if `service` is no longer the newest, SourceError if the write failed otherwise.
        """

    async def record(self, event: Event) -> None:
        """Publish an event. Raise SourceError if that failed."""

    async def renew_lease(self, name: str, holder: str, annotations: Mapping[str, str]) -> None:
        """Make or renew the Lease `name` in the programs' namespace. Raise SourceError if that failed."""

    async def release_lease(self, name: str) -> None:
        """Remove the Lease, so that others need not wait for it to expire. Raise SourceError if that failed."""
