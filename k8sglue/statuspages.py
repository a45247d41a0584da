"""The pages for machines that a program serves about itself: /metrics, /healthz, /readyz.

A web server that knows one thing: GET of a few paths, answered at once and in full, after which the connection is
closed. Whoever is slow, or says too much, is hung up on.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus

import attrs

from k8sglue.cluster import SourceError

_log = logging.getLogger("k8sglue")

_LONGEST_HEAD = 8192  # octets
_PATIENCE = 5.0
_MOST_AT_ONCE = 64


@attrs.frozen
class Page:
    """An answer."""

    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK


class StatusPages:
    """Serves pages by path until closed."""

    def __init__(self, pages: Mapping[str, Callable[[], Page]]) -> None:
        self._pages = pages
        self._server: asyncio.Server | None = None
        self._open = 0

    @property
    def port(self) -> int:
        """Where it listens, 0 if it does not."""
        sockets = self._server.sockets if self._server else ()
        return int(sockets[0].getsockname()[1]) if sockets else 0

    async def listen(self, port: int, host: str | None = None) -> None:
        """Listen on all addresses of this host, or on `host`. Raise SourceError if that can not be."""
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_LONGEST_HEAD)
        except OSError as error:
            raise SourceError(f"port {port} can not be listened on: {error}") from error

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            if self._open <= _MOST_AT_ONCE:
                async with asyncio.timeout(_PATIENCE):
                    writer.write(self._answer(await reader.readuntil(b"\r\n\r\n")))
                    await writer.drain()
        except (OSError, EOFError, asyncio.LimitOverrunError, TimeoutError):
            pass  # whoever asked has gone, or is not worth waiting for
        finally:
            self._open -= 1
            with contextlib.suppress(OSError):
                writer.close()

    def _answer(self, head: bytes) -> bytes:
        words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        page = self._page(*words) if len(words) == 3 else _refusal(HTTPStatus.BAD_REQUEST)
        lines = (
            f"HTTP/1.1 {page.status.value} {page.status.phrase}",
            f"Content-Type: {page.content_type}",
            f"Content-Length: {len(page.body)}",
            "Connection: close",
        )
        body = b"" if words[0] == "HEAD" else page.body
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _page(self, method: str, target: str, _: str) -> Page:
        make = self._pages.get(target.partition("?")[0])
        if make is None:
            return _refusal(HTTPStatus.NOT_FOUND)
        if method not in ("GET", "HEAD"):
            return _refusal(HTTPStatus.METHOD_NOT_ALLOWED)
        try:
            return make()
        # A page that fails must not look like a program that is dead.
        except Exception:
            _log.exception("%s could not be served", target)
            return _refusal(HTTPStatus.INTERNAL_SERVER_ERROR)


def _refusal(status: HTTPStatus) -> Page:
    return Page(f"{status.phrase}\n".encode(), status=status)
