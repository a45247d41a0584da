"""Keep the objects of one kind in the store as the API server has them: list, watch, and start over when told to.

A list gives all objects and a resource version; a watch from that version brings every later change, in order, and
bookmarks that move the version on in quiet times. When a watch ends, for whatever reason, the next one resumes at the
newest version seen. 410 Gone says that the server no longer knows what happened since then: list again. Until
that list is complete, what is known stays known.

An object that makes no sense to us is reported and set aside; the last good state of it stays, the others go on.
"""

import asyncio
import logging
import random
import time
from collections.abc import Mapping

import attrs

from k8sglue.apiclient import ApiClient, ApiError
from k8sglue.cluster import Store
from k8sglue.resources import Key, Kind, Resource, ResourceError, parse

_log = logging.getLogger("k8sglue")

_GONE = 410
_MISSING = 404
_PAGE = 500
_SHORT = 1.0  # seconds; a watch that ends sooner and brought nothing did not work


@attrs.frozen
class Collection:
    """The objects of one kind that are of interest, and where the API has them."""

    kind: Kind
    path: str
    """Of the collection, which is that of a namespace or of the cluster."""
    field_selector: str = ""
    optional: bool = False
    """The API server may not know the kind; then there are no objects of it."""

    @property
    def api_version(self) -> str:
        """What manifests of the kind say in `apiVersion`."""
        _, root, *parts = self.path.split("/")
        return parts[0] if root == "api" else f"{parts[0]}/{parts[1]}"

    def path_of(self, key: Key) -> str:
        """Return the path of one object of the kind, wherever it is."""
        _, root, *parts = self.path.split("/")
        group, plural = parts[: 1 if root == "api" else 2], parts[-1]
        place = ["namespaces", key.namespace] if key.namespace else []
        return "/".join(["", root, *group, *place, plural, key.name])


@attrs.frozen(kw_only=True)
class Pace:
    """How long watches last, and how fast failures are followed by another attempt."""

    watch: float = 300.0
    """Seconds that a watch lasts at least; at most twice that, so that not all of them end at once."""
    silence: float = 30.0
    """Seconds by which a watch may outlive its time before it counts as dead."""
    first_delay: float = 0.5
    """Seconds between a failure and the next attempt; doubled by every further failure."""
    longest_delay: float = 30.0
    missing: float = 60.0
    """Seconds between two looks for a kind that the API server does not know."""


@attrs.frozen
class _Ahead:
    """The store has a newer state of an object than the watch has told of yet."""

    version: str
    """What the store has, and what the watch will come to."""
    older: frozenset[str]
    """Versions that are known to come before it."""


class Reflector:
    """Fills the store with one collection."""

    def __init__(self, client: ApiClient, collection: Collection, store: Store, pace: Pace) -> None:
        self._client = client
        self._collection = collection
        self._store = store
        self._pace = pace
        self._version = ""  # where to resume; empty: list first
        self._failures = 0
        self._outage: int | None = None  # status of the failure that was reported last
        self._missing = False  # the API server does not know the kind, which was reported
        self._refused: dict[Key, str] = {}  # versions of objects that were reported
        self._ahead: dict[Key, _Ahead] = {}
        self._listing = False
        self._catching_up: list[asyncio.Future[None]] = []
        self._list_wanted = asyncio.Event()

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            try:
                if not self._version or self._list_wanted.is_set():
                    self._version = await self._list_for_all()
                await self._watch_until_list_wanted()
            except ApiError as error:
                if error.status == _MISSING and self._collection.optional:
                    await self._wait_for_kind()
                else:
                    await self._wait_after(error)

    async def catch_up(self) -> None:
        """Return once a list that was begun after the call is in the store."""
        listed = asyncio.get_running_loop().create_future()
        self._catching_up.append(listed)
        self._list_wanted.set()
        await listed

    def put_written(self, before: Resource, after: Resource) -> None:
        """Take in what a write of ours made of `before`, unless the watch was quicker.

        Versions are opaque: which of two is newer can not be computed. But a write that names the version which it
        changes follows directly on it. So if the store still has that version, the answer is newer, and everything
        that the watch tells of the object before it comes to that answer is old news.
        """
        held = self._store.get(before.kind, before.key)
        if held is None or held.resource_version != before.resource_version:
            return
        if after.resource_version != before.resource_version:
            ahead = self._ahead.get(before.key)
            older = ahead.older if ahead else frozenset[str]()
            self._ahead[before.key] = _Ahead(after.resource_version, older | {before.resource_version})
        self._store.put(after)

    def put_read(self, before: Resource, after: Resource) -> None:
        """Take in a state that was read because `before`, which the store had then, turned out to be old.

        It is left to a list that is under way: whether that is older or newer nobody can tell.
        """
        if not self._listing:
            self.put_written(before, after)

    async def _list_for_all(self) -> str:
        """List, and tell those who wait for a list that begins now."""
        self._list_wanted.clear()
        waiting, self._catching_up = self._catching_up, []
        self._listing = True
        try:
            version = await self._list()
        except BaseException:
            self._catching_up += waiting
            self._list_wanted.set()
            raise
        finally:
            self._listing = False
        for listed in waiting:
            if not listed.done():
                listed.set_result(None)
        return version

    async def _watch_until_list_wanted(self) -> None:
        watching = asyncio.ensure_future(self._watch())
        wanted = asyncio.ensure_future(self._list_wanted.wait())
        try:
            await asyncio.wait((watching, wanted), return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
        finally:
            for task in (watching, wanted):
                task.cancel()
            await asyncio.gather(watching, wanted, return_exceptions=True)

    async def _list(self) -> str:
        """Fetch all pages, then replace what the store has. Return the version of the list."""
        found: dict[Key, Resource] = {}
        refused: dict[Key, str] = {}
        query = {"limit": str(_PAGE), **self._selector}
        while True:
            page = await self._client.list(self._collection.path, query)
            self._reached()
            self._succeeded()
            items = page.get("items")
            for item in items if isinstance(items, list) else ():
                resource = self._parse(item, refused)
                if resource is not None:
                    found[resource.key] = resource
            metadata = _mapping(page.get("metadata"))
            token = metadata.get("continue")
            if not token:
                break
            query["continue"] = str(token)
        self._refused = refused
        self._store.replace(self._collection.kind, [self._newer(resource) for resource in found.values()])
        for key in self._ahead.keys() - found.keys():
            del self._ahead[key]
        return _version(page)

    async def _watch(self) -> None:
        """Follow the changes since the version, until the server ends the stream. Raise ApiError if it fails."""
        seconds = int(self._pace.watch * random.uniform(1, 2))
        query = {
            "watch": "true",
            "resourceVersion": self._version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
            **self._selector,
        }
        useful = False
        silence = seconds + self._pace.silence
        async with self._client.stream(self._collection.path, query, silence) as events:
            self._reached()
            opened = time.monotonic()
            try:
                async for event in events:
                    self._handle(event)
                    self._succeeded()
                    useful = True
            finally:
                if time.monotonic() - opened > _SHORT:
                    self._succeeded()
                    useful = True
        if not useful:
            raise ApiError(f"watch of {self._collection.path}: closed as soon as it was open")

    def _handle(self, event: Mapping[str, object]) -> None:
        manifest = _mapping(event.get("object"))
        match event.get("type"):
            case "ADDED" | "MODIFIED" | "DELETED" if self._is_old_news(manifest):
                pass
            case "ADDED" | "MODIFIED":
                resource = self._parse(manifest, self._refused)
                if resource is not None:
                    self._store.put(resource)
            case "DELETED":
                key = self._key(manifest)
                self._store.remove(self._collection.kind, key)
                self._refused.pop(key, None)
            case "ERROR":
                self._version = ""
                code = manifest.get("code")
                message = f"watch of {self._collection.path}: {code} {manifest.get('message')}"
                raise ApiError(message, code if isinstance(code, int) else 0)
        self._version = _version(manifest) or self._version

    def _parse(self, manifest: object, refused: dict[Key, str]) -> Resource | None:
        """Return the object that a manifest describes, or if it makes no sense, its last good state."""
        try:
            resource = parse(self._collection.kind, manifest)
        except ResourceError as error:
            key, version = self._key(manifest), _version(manifest)
            if self._refused.get(key) != version:
                kind = self._collection.kind.value
                _log.warning("%s %s is set aside, its last good state stays: %s", kind, key, error)
            refused[key] = version
            return self._store.get(self._collection.kind, key)
        self._refused.pop(resource.key, None)
        return resource

    def _is_old_news(self, manifest: object) -> bool:
        """Tell whether the store is ahead of what the watch tells, which comes in order and leaves nothing out."""
        key = self._key(manifest)
        ahead = self._ahead.get(key)
        if ahead is not None and ahead.version == _version(manifest):
            del self._ahead[key]
            return False
        return ahead is not None

    def _newer(self, resource: Resource) -> Resource:
        """Return what the store has instead of an item of a list, if that is known to be older."""
        ahead = self._ahead.get(resource.key)
        if ahead is not None and resource.resource_version in ahead.older:
            return self._store.get(resource.kind, resource.key) or resource
        self._ahead.pop(resource.key, None)
        return resource

    def _key(self, manifest: object) -> Key:
        metadata = _mapping(_mapping(manifest).get("metadata"))
        namespace = (metadata.get("namespace") or "default") if self._collection.kind.is_namespaced else ""
        return Key(str(namespace), str(metadata.get("name", "")))

    @property
    def _selector(self) -> dict[str, str]:
        selector = self._collection.field_selector
        return {"fieldSelector": selector} if selector else {}

    async def _wait_after(self, error: ApiError) -> None:
        self._failures += 1
        if error.status == _GONE:
            self._version = ""
            _log.info("%s; listing again", error)
        # One failure is weather: a server that restarts, a connection that was idle for too long.
        elif self._failures > 1 and error.status != self._outage:
            self._outage = error.status
            _log.warning("%s; trying again", error)
        delay = min(self._pace.longest_delay, self._pace.first_delay * 2 ** min(self._failures - 1, 30))
        await asyncio.sleep(max(delay * random.uniform(0.5, 1), error.retry_after))

    async def _wait_for_kind(self) -> None:
        """Wait until it is worth while to look for the kind again; meanwhile there are no objects of it.

        One that was there, and whose definition is gone without a word about the objects, keeps them: an API
        server that has just started may not know all of its kinds.
        """
        kind = self._collection.kind
        if not self._missing:
            _log.info("%s is not installed (no %s); going on without", kind.value, self._collection.path)
        self._missing = True
        if not self._store.listed(kind):
            self._store.replace(kind, [])
        await asyncio.sleep(self._pace.missing * random.uniform(0.5, 1))

    def _reached(self) -> None:
        """The API server answers as it should: an outage, if there was one, is over."""
        if self._missing:
            _log.info("%s is installed now", self._collection.kind.value)
            self._missing = False
        if self._outage is not None:
            _log.info("%s: the API server answers again", self._collection.path)
            self._outage = None

    def _succeeded(self) -> None:
        """There was progress, so the next failure is a new one."""
        self._failures = 0


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _version(manifest: object) -> str:
    return str(_mapping(_mapping(manifest).get("metadata")).get("resourceVersion") or "")
