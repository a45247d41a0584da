"""One Kubernetes API server as the programs see it: credentials, requests, streams of objects, and what went wrong.

Of the official client (`kubernetes.aio`) this uses what is worth having: in-cluster credentials, kubeconfigs with
contexts, exec plugins and tokens that rotate, TLS, proxies, and its pool of connections. Its model classes are left
alone: objects go from JSON straight into our own small values.

Every request has limits of time, and the kernel probes every connection, so that an API server that went silent
(a dead node, a firewall that lost its state) is noticed on an idle watch, too, and before a Lease has expired.
"""

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlencode

import aiohttp
import attrs
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.client.rest import RESTClientObject
from kubernetes.aio.config import ConfigException, load_incluster_config, load_kube_config

from k8sglue.cluster import SourceError

_IN_POD = "KUBERNETES_SERVICE_HOST"
_LONGEST_LINE = 2**25
"""Octets: etcd takes objects of 1.5 MiB, which JSON may make some times as long."""
_PROBES = {
    socket.TCP_KEEPIDLE: 5,
    socket.TCP_KEEPINTVL: 2,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 10_000,  # milliseconds
}


class ApiError(SourceError):
    """The API server did not do what was asked; the message says what was asked, and what it answered."""

    def __init__(self, message: str, status: int = 0, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.status = status
        """The HTTP status, 0 if there was no answer."""
        self.retry_after = retry_after


@attrs.frozen(kw_only=True)
class TimeLimits:
    """How long to wait for an API server."""

    connect: float = 5.0
    """For a connection, with its TLS handshake."""
    answer: float = 30.0
    """For a whole answer; of a stream, for its start."""


Observer: TypeAlias = Callable[[str, int, float], None]
"""Told of every answer: verb in the words of RBAC, HTTP status (0 if there was none), seconds that it took."""


@attrs.frozen
class _Request:
    method: str
    verb: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict)
    body: Mapping[str, object] | None = None

    @property
    def content_type(self) -> str:
        return "application/merge-patch+json" if self.method == "PATCH" else "application/json"


@attrs.define
class _Seen:
    status: int = 0


class ApiClient:
    """Requests to one API server, until `close`. Credentials are loaded by the first one, or by `connect`."""

    def __init__(
        self, kubeconfig: Path | None, user_agent: str, limits: TimeLimits, observer: Observer | None = None
    ) -> None:
        """Without a `kubeconfig`, the credentials of the pod are used, or else kubectl's default."""
        self._kubeconfig = kubeconfig
        self._observer = observer
        self._user_agent = user_agent
        self._limits = limits
        self._configuration = Configuration()
        self._connections: _Connections | None = None
        self._loading = asyncio.Lock()

    async def connect(self) -> None:
        """Load credentials, once. Raise SourceError if there are none. Nothing is asked of the server yet."""
        async with self._loading:
            if self._connections is None:
                await self._load_credentials()
                try:
                    self._connections = _Connections(self._configuration)
                except OSError as error:
                    raise SourceError(f"the certificates can not be used: {error}") from error

    async def close(self) -> None:
        """Close all connections."""
        if self._connections is not None:
            await self._connections.close()

    async def get(self, path: str) -> dict[str, object]:
        """Read an object. Raise ApiError if that failed, as all of these do."""
        return await self._ask(_Request("GET", "get", path))

    async def list(self, path: str, query: Mapping[str, str]) -> dict[str, object]:
        """Read a list, or a page of it."""
        return await self._ask(_Request("GET", "list", path, query))

    async def create(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Create an object, and return it as the server has it now."""
        return await self._ask(_Request("POST", "create", path, body=body))

    async def patch(self, path: str, body: Mapping[str, object]) -> dict[str, object]:
        """Change an object by a merge patch (RFC 7396), and return it as the server has it now."""
        return await self._ask(_Request("PATCH", "patch", path, body=body))

    async def delete(self, path: str) -> None:
        """Remove an object."""
        await self._ask(_Request("DELETE", "delete", path))

    @contextlib.asynccontextmanager
    async def stream(
        self, path: str, query: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[dict[str, object]]]:
        """Open an answer of one object a line, which may stay silent for up to `silence` seconds.

        The objects end when the server ends the stream; if it breaks off, they raise ApiError.
        """
        limits = aiohttp.ClientTimeout(sock_connect=self._limits.connect, sock_read=silence)
        request = _Request("GET", "watch", path, query)
        async with (
            await self._open(request, limits) as response,
            contextlib.aclosing(self._objects(request, response)) as objects,
        ):
            yield objects

    async def _objects(
        self, request: _Request, response: aiohttp.ClientResponse
    ) -> AsyncGenerator[dict[str, object], None]:
        with self._failures_named(request):
            async with contextlib.aclosing(_lines(response.content)) as lines:
                async for line in lines:
                    yield _object(line)

    async def _ask(self, request: _Request) -> dict[str, object]:
        limits = aiohttp.ClientTimeout(total=self._limits.answer, sock_connect=self._limits.connect)
        async with await self._open(request, limits) as response:
            with self._failures_named(request):
                return _object(await response.read())

    async def _open(self, request: _Request, limits: aiohttp.ClientTimeout) -> aiohttp.ClientResponse:
        """Send a request. Return the answer, still to be read, if it is one of success."""
        await self.connect()
        with self._observed(request) as seen, self._failures_named(request):
            async with asyncio.timeout(self._limits.answer):
                token = await self._configuration.get_api_key_with_prefix("BearerToken")
                response = await self._send(request, token, limits)
                seen.status = response.status
                if response.ok:
                    return response
                async with response:
                    text = (await response.read()).decode(errors="replace")
        if response.status == 401:
            await self._renew_credentials(token)
        raise _refusal(self._name(request), response, text)

    @contextlib.contextmanager
    def _observed(self, request: _Request) -> Iterator[_Seen]:
        """Report what became of a request; one that was given up before there was an answer has the status 0."""
        begun = time.monotonic()
        seen = _Seen()
        try:
            yield seen
        finally:
            if self._observer is not None:
                self._observer(request.verb, seen.status, time.monotonic() - begun)

    @contextlib.contextmanager
    def _failures_named(self, request: _Request) -> Iterator[None]:
        """Turn whatever can go wrong between here and there into an ApiError that says what was asked."""
        asked = self._name(request)
        try:
            yield
        except TimeoutError as error:
            raise ApiError(f"{asked}: no answer in time") from error
        except (aiohttp.ClientError, OSError, ConfigException) as error:
            raise ApiError(f"{asked}: {str(error) or type(error).__name__}") from error
        except ValueError as error:
            raise ApiError(f"{asked}: the answer is not a JSON object, or was cut short ({error})") from error

    def _name(self, request: _Request) -> str:
        return f"{request.method} {self._configuration.host}{request.path}"

    async def _send(
        self, request: _Request, token: str | None, limits: aiohttp.ClientTimeout
    ) -> aiohttp.ClientResponse:
        headers = {
            "Accept": "application/json",
            "User-Agent": self._user_agent,
            "Content-Type": request.content_type,
        }
        if token:
            headers["Authorization"] = token
        url = f"{self._configuration.host}{request.path}"
        if request.query:
            url += f"?{urlencode(request.query)}"
        assert self._connections is not None
        answer = await self._connections.request(  # type: ignore[no-untyped-call]  # as is all of the library
            request.method, url, headers=headers, body=request.body, _request_timeout=limits
        )
        response: aiohttp.ClientResponse = answer.response
        return response

    async def _renew_credentials(self, refused: str | None) -> None:
        """Load credentials anew, unless another request has done so since `refused` was current."""
        async with self._loading:
            if self._configuration.api_key.get("BearerToken") == refused:
                with contextlib.suppress(SourceError):
                    await self._load_credentials()

    async def _load_credentials(self) -> None:
        if self._kubeconfig is None and _IN_POD in os.environ:
            try:
                load_incluster_config(self._configuration)  # type: ignore[no-untyped-call]
            except (ConfigException, OSError) as error:
                raise SourceError(f"the credentials of this pod can not be used: {error}") from error
            return
        paths = self._kubeconfig_paths()
        try:
            await load_kube_config(  # type: ignore[no-untyped-call]
                paths, client_configuration=self._configuration, persist_config=False
            )
        # The loader raises whatever a wrong line happens to cause, from TypeError to YAMLError.
        except Exception as error:
            raise SourceError(f"kubeconfig {paths} can not be used: {error}") from error

    def _kubeconfig_paths(self) -> str:
        """Return the kubeconfig to use, or several, as $KUBECONFIG names them. Raise SourceError if there is none."""
        paths = str(self._kubeconfig or os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        if not any(Path(path).is_file() for path in paths.split(os.pathsep)):
            reason = "" if self._kubeconfig else f"this is no pod ({_IN_POD} is not set), and "
            raise SourceError(f"no credentials for a Kubernetes API server: {reason}{paths} does not exist")
        return paths


class _Connections(RESTClientObject):
    """The library's pool of connections, which the kernel is to probe."""

    def _create_connector(self) -> aiohttp.TCPConnector:
        return aiohttp.TCPConnector(limit=self.maxsize, ssl=self.ssl_context, socket_factory=_probed_socket)


def _probed_socket(address: tuple[Any, ...]) -> socket.socket:
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PROBES.items():
        made.setsockopt(socket.IPPROTO_TCP, option, value)
    return made


async def _lines(content: aiohttp.StreamReader) -> AsyncGenerator[bytes, None]:
    """Cut a stream into lines. The stream's own way refuses what is longer than its buffer, as ConfigMaps may be."""
    pieces: list[bytes] = []
    size = 0
    async for chunk in content.iter_any():
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            pieces.append(end)
            if line := b"".join(pieces):
                yield line
            pieces, size = [], 0
        pieces.append(rest)
        size += len(rest)
        if size > _LONGEST_LINE:
            raise ValueError(f"a line of more than {_LONGEST_LINE} octets")
    if line := b"".join(pieces):
        yield line


def _object(text: str | bytes) -> dict[str, object]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{type(value).__name__} instead of an object")
    return value


def _refusal(asked: str, response: aiohttp.ClientResponse, text: str) -> ApiError:
    """Put an answer into words: the message of the Status object that it should be, or else its text."""
    with contextlib.suppress(ValueError, KeyError):
        text = str(_object(text)["message"])
    wait = response.headers.get("Retry-After", "")
    return ApiError(
        f"{asked}: {response.status} {response.reason}: {text.strip()[:1000]}",
        response.status,
        float(wait) if wait.isdecimal() else 0.0,
    )
