"""A stand-in for a Kubernetes API server, over real HTTP, to test sources and programs against.

    async with ApiServer() as api:
        api.create({"apiVersion": "v1", "kind": "Service", "metadata": {…}, "spec": {…}})
        source = KubeSource([Kind.SERVICE], kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"))
        …
        api.fail(429, times=2, retry_after=1)
        api.cut_watches()
        assert api.get("Service", "demo", "nginx")["status"] == …

kmock serves HTTP; discovery and everything else that no rule here is about are its own. What its emulator would
answer differs from what a real API server does in nearly every respect that matters here (it has no resource
versions, and so no resuming, no pages, no conflicts; no status subresource; no validation; it takes the collection
of Namespaces for a Namespace without a name), so objects are kept in apiobjects.py, by rules recorded from a real one.
"""

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import attrs
import kmock
import yaml
from aiohttp import web

from tests.k8sglue.apiobjects import RESOURCES, Json, Objects, RefusedError, Resource, selected

_MESSAGES = {
    401: ("Unauthorized", "Unauthorized"),
    404: ("NotFound", "not found"),
    403: ("Forbidden", 'forbidden: User "system:serviceaccount:metallb-system:controller" cannot do that'),
    410: ("Expired", "too old resource version"),
    429: ("TooManyRequests", "Too many requests, please try again later."),
    500: ("InternalError", "an error on the server has prevented the request from succeeding"),
}
_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>v[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>[^/]+))?)?"
)
_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


@attrs.frozen(kw_only=True)
class Call:
    """A request that was made, in the words of RBAC."""

    verb: str
    group: str
    version: str
    resource: str
    """`services`, `services/status`."""
    namespace: str
    name: str
    query: Mapping[str, str]
    body: Any
    content_type: str
    time: float
    """When it came, by the event loop's clock."""


@attrs.define
class Fault:
    """Requests of `verb` and `resource` (empty: all) fail, after `after` that do not.

    `times`: only so many; None: until `recover`.
    """

    status: int
    verb: str
    resource: str
    times: int | None
    retry_after: int | None
    after: int
    hits: int = 0

    def strikes(self, call: Call) -> bool:
        """Count this request in, if it is one of those."""
        if self.verb not in ("", call.verb) or self.resource not in ("", call.resource):
            return False
        if self.after:
            self.after -= 1
            return False
        if self.times is not None and self.hits >= self.times:
            return False
        self.hits += 1
        return True


@attrs.define(eq=False)
class _Watch:
    """One open watch. The server sets what is to happen to it, and wakes it up."""

    request: web.BaseRequest
    wake: asyncio.Event = attrs.field(factory=asyncio.Event)
    bookmark: bool = False
    end: str = ""
    """How to end: `abort`, `half`, `error`, `clean`."""


class _Handler(kmock.KubernetesScaffold):
    """kmock's server, with our answers first."""

    serve: Callable[[web.BaseRequest], Any]

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        answer: web.StreamResponse | None = await self.serve(request)
        return answer if answer is not None else await super().__call__(request)


class ApiServer:
    """The stand-in. Methods of its own act at once and are noticed by whoever watches."""

    def __init__(self) -> None:
        self.objects = Objects()
        self.requests: list[Call] = []
        """What was asked, in order, including what was refused."""
        self.token = "secret"
        """The bearer token that is accepted; `kubeconfig` writes the one of its time."""
        self.delay = 0.0
        """Seconds before every answer."""
        self.installed = False
        """The custom resources are defined."""
        self._handler = _Handler()
        self._handler.serve = self._serve
        self._server: kmock.Server | None = None
        self._port: int | None = None
        self._faults: list[Fault] = []
        self._watches: set[_Watch] = set()
        self._answering = asyncio.Event()
        self._answering.set()
        self._expired_as_status = False
        self._holding = False

    async def __aenter__(self) -> Self:
        await self._handler.__aenter__()
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self._handler.__aexit__(None, None, None)

    async def start(self) -> None:
        """Listen; after `stop`, on the same port as before."""
        self._server = kmock.Server(self._handler, port=self._port)
        await self._server.__aenter__()
        self._port = self._server.port

    async def stop(self) -> None:
        """Break off everything, and refuse connections."""
        if self._server is not None:
            self._answering.set()
            self.cut_watches()
            await self._server.__aexit__(None, None, None)
            self._server = None

    def kubeconfig(self, path: Path) -> Path:
        """Write a kubeconfig that points here, and return its path."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "here", "user": "us"}}],
            "clusters": [{"name": "here", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}],
            "users": [{"name": "us", "user": {"token": self.token}}],
        }
        path.write_text(yaml.safe_dump(config))
        return path

    def create(self, manifest: Json) -> Json:
        """Add an object."""
        return self.objects.create(RESOURCES[manifest["kind"]], "", manifest)

    def get(self, kind: str, namespace: str, name: str) -> Json:
        """Return an object; RefusedError if there is none."""
        return self.objects.get(RESOURCES[kind], namespace, name)

    def list(self, kind: str, namespace: str = "") -> list[Json]:
        """Return all objects of a kind."""
        return self.objects.list(RESOURCES[kind], namespace)

    def patch(self, kind: str, namespace: str, name: str, patch: Json) -> Json:
        """Change an object by a merge patch; `status` is out of reach, as it is for users."""
        return self.objects.patch(RESOURCES[kind], namespace, name, patch)

    def delete(self, kind: str, namespace: str, name: str) -> None:
        """Remove an object."""
        self.objects.delete(RESOURCES[kind], namespace, name)

    def count(self, verb: str, resource: str) -> int:
        """Return how many such requests there were."""
        return sum(call.verb == verb and call.resource == resource for call in self.requests)

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._port is not None
        return self._port

    @property
    def watching(self) -> int:
        """How many watches are open."""
        return sum(watch.request.transport is not None for watch in self._watches)

    def bookmark(self) -> None:
        """Send a bookmark on every watch."""
        for watch in self._watches:
            watch.bookmark = True
            watch.wake.set()

    def cut_watches(self, how: str = "abort") -> None:
        """End every watch: break the connection off (`abort`), or stop in mid-line (`half`), with an ERROR event
        (`error`), or as when its time is over (`clean`).
        """
        for watch in self._watches:
            watch.end = how
            watch.wake.set()

    def expire(self, *, as_status: bool = False) -> None:
        """Forget all history and end the watches: older versions get 410, as an ERROR event or as a status."""
        self.objects.expire()
        self._expired_as_status = as_status
        self.cut_watches("clean")

    def fail(
        self,
        status: int,
        *,
        verb: str = "",
        resource: str = "",
        times: int | None = None,
        retry_after: int | None = None,
        after: int = 0,
    ) -> Fault:
        """Refuse requests from now on; the fault returned counts them."""
        fault = Fault(status, verb, resource, times, retry_after, after)
        self._faults.append(fault)
        return fault

    def recover(self) -> None:
        """End all faults."""
        self._faults.clear()

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Take requests, and answer none of them until the end of the block."""
        self._answering.clear()
        try:
            yield
        finally:
            self.answer()

    def answer(self) -> None:
        """End `hanging` before the end of its block."""
        self._answering.set()

    @contextlib.contextmanager
    def holding_watches(self) -> Iterator[None]:
        """Keep changes back from those who watch until the end of the block."""
        self._holding = True
        try:
            yield
        finally:
            self._holding = False
            for watch in self._watches:
                watch.wake.set()

    async def _serve(self, raw: web.BaseRequest) -> web.StreamResponse | None:
        call = _call(raw, await raw.read())
        if call is None:
            return None  # discovery
        self.requests.append(call)
        await asyncio.sleep(self.delay)
        await self._answering.wait()
        resource = next((known for known in RESOURCES.values() if _same(known, call)), None)
        if resource is None or (resource.custom and not self.installed):
            return web.Response(status=404, text="404 page not found\n")
        try:
            self._check(call, raw)
            if call.verb == "watch":
                return await self._watch(resource, call, raw)
            return web.json_response(
                self._answer(resource, call), status=201 if call.verb == "create" else 200
            )
        except RefusedError as error:
            headers = {"Retry-After": str(error.retry_after)} if error.retry_after else {}
            return web.json_response(error.body, status=error.status, headers=headers)

    def _check(self, call: Call, raw: web.BaseRequest) -> None:
        if raw.headers.get("Authorization") != f"Bearer {self.token}":
            raise RefusedError(401, *_MESSAGES[401])
        for fault in self._faults:
            if fault.strikes(call):
                error = RefusedError(fault.status, *_MESSAGES[fault.status])
                error.retry_after = fault.retry_after
                raise error

    def _answer(self, resource: Resource, call: Call) -> Json:
        match call.verb:
            case "list":
                limit = int(call.query.get("limit", 0))
                token = call.query.get("continue")
                return self.objects.page(resource, call.namespace, _fields(call), limit, token)
            case "get":
                return self.objects.get(resource, call.namespace, call.name)
            case "create":
                return self.objects.create(resource, call.namespace, call.body)
            case "patch" if call.content_type == "application/merge-patch+json":
                status = call.resource.endswith("/status")
                return self.objects.patch(resource, call.namespace, call.name, call.body, status=status)
            case "delete":
                self.objects.delete(resource, call.namespace, call.name)
                return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
        raise RefusedError(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )

    async def _watch(self, resource: Resource, call: Call, raw: web.BaseRequest) -> web.StreamResponse:
        since = int(call.query.get("resourceVersion", 0))
        message = f"too old resource version: {since} ({self.objects.oldest})"
        expired = RefusedError(410, "Expired", message) if since < self.objects.oldest else None
        if expired and self._expired_as_status:
            raise expired
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(raw)
        if expired:
            await response.write(_line("ERROR", expired.body))
            return response
        watch = _Watch(raw)
        self._watches.add(watch)
        self.objects.listeners.append(watch.wake.set)
        try:
            async with asyncio.timeout(int(call.query.get("timeoutSeconds", 1800))):
                await self._follow(watch, response, resource, call, since)
        except TimeoutError:
            if since <= self.objects.version:
                await response.write(_bookmark(resource, self.objects.version))
        except ConnectionError:
            pass  # the client has gone
        finally:
            self._watches.discard(watch)
            self.objects.listeners.remove(watch.wake.set)
        return response

    async def _follow(
        self, watch: _Watch, response: web.StreamResponse, resource: Resource, call: Call, since: int
    ) -> None:
        while watch.bookmark or not watch.end:
            watch.wake.clear()
            for change in [] if self._holding else self.objects.changes_since(since):
                since = change.version
                if change.resource is resource and selected(change.object, call.namespace, _fields(call)):
                    await response.write(_line(change.type, change.object))
            if watch.bookmark:
                watch.bookmark = False
                await response.write(_bookmark(resource, max(since, self.objects.version)))
            if not watch.end:
                await watch.wake.wait()
        if watch.end == "half":
            await response.write(b'{"type":"MODIFIED","object":{"kind":"Serv')
        if watch.end == "error":
            await response.write(_line("ERROR", RefusedError(500, *_MESSAGES[500]).body))
        if watch.end == "abort" and watch.request.transport is not None:
            watch.request.transport.abort()


def _call(raw: web.BaseRequest, body: bytes) -> Call | None:
    found = _PATH.fullmatch(raw.path)
    if found is None:
        return None
    part = found.groupdict(default="")
    verb = _VERBS.get(raw.method, raw.method)
    if verb == "get" and raw.query.get("watch") in ("1", "true"):
        verb = "watch"
    elif verb == "get" and not part["name"]:
        verb = "list"
    return Call(
        verb=verb,
        group=part["group"],
        version=part["version"],
        resource=f"{part['plural']}/{part['subresource']}" if part["subresource"] else part["plural"],
        namespace=part["namespace"],
        name=part["name"],
        query=dict(raw.query),
        body=json.loads(body) if body else None,
        content_type=raw.headers.get("Content-Type", ""),
        time=asyncio.get_running_loop().time(),
    )


def _same(known: Resource, call: Call) -> bool:
    version = f"{call.group}/{call.version}" if call.group else call.version
    return (known.api_version, known.plural) == (version, call.resource.partition("/")[0])


def _fields(call: Call) -> Mapping[str, str]:
    """Take the field selector apart: `metadata.name=config`."""
    text = call.query.get("fieldSelector", "")
    return dict(each.split("=", 1) for each in text.split(",")) if text else {}


def _line(change: str, made: Json) -> bytes:
    return json.dumps({"type": change, "object": made}).encode() + b"\n"


def _bookmark(resource: Resource, version: int) -> bytes:
    made = {
        "kind": resource.kind,
        "apiVersion": resource.api_version,
        "metadata": {"resourceVersion": str(version)},
    }
    return _line("BOOKMARK", made)
