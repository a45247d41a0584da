"""The little web server, over real sockets."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from k8sglue import statuspages
from k8sglue.cluster import SourceError
from k8sglue.metrics import CONTENT_TYPE, Metrics, PoolUse
from k8sglue.statuspages import Page, StatusPages


def fail() -> Page:
    raise ZeroDivisionError


@pytest.fixture
async def pages() -> AsyncIterator[StatusPages]:
    made = StatusPages({"/x": lambda: Page(b"hello", "text/x"), "/fails": fail})
    assert made.port == 0
    await made.listen(0, "127.0.0.1")
    yield made
    await made.close()
    await made.close()


async def ask(pages: StatusPages, octets: bytes) -> tuple[str, dict[str, str], bytes]:
    """Return status line, header fields and body of the answer; all are empty if there is none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", pages.port)
    writer.write(octets)
    answer = await reader.read()
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return status, dict(line.split(": ", 1) for line in lines), body


async def test_a_page_is_served(pages: StatusPages) -> None:
    status, fields, body = await ask(pages, b"GET /x?a=b HTTP/1.1\r\nHost: here\r\n\r\n")
    assert (status, body) == ("HTTP/1.1 200 OK", b"hello")
    assert fields == {"Content-Type": "text/x", "Content-Length": "5", "Connection": "close"}
    status, fields, body = await ask(pages, b"HEAD /x HTTP/1.1\r\n\r\n")
    assert (status, fields["Content-Length"], body) == ("HTTP/1.1 200 OK", "5", b"")


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET /y HTTP/1.1", 404),
        (b"POST /x HTTP/1.1", 405),
        (b"nonsense", 400),
        (b"GET /fails HTTP/1.1", 500),
    ],
)
async def test_anything_else_is_refused(pages: StatusPages, request_line: bytes, status: int) -> None:
    answer, _, _ = await ask(pages, request_line + b"\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ")


async def test_who_says_too_much_or_too_little_is_hung_up_on(
    pages: StatusPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statuspages, "_PATIENCE", 0.1)
    assert await ask(pages, b"GET /x HTTP/1.1\r\n") == ("", {}, b"")
    assert await ask(pages, b"x" * 20_000) == ("", {}, b"")


async def test_a_port_that_is_taken_is_named(pages: StatusPages) -> None:
    with pytest.raises(SourceError, match=f"port {pages.port} can not be listened on"):
        await StatusPages({}).listen(pages.port, "127.0.0.1")


def test_metrics_have_the_names_that_dashboards_know() -> None:
    use = PoolUse(pool="p", ipv4=14, ipv6=2**64, ipv4_in_use=3, ipv6_in_use=1)
    metrics = Metrics(lambda: [use])
    metrics.updated()
    metrics.write_failed()
    metrics.config_loaded.set(True)
    metrics.status_written(0.02)
    metrics.answered("patch", 200, 0.01)
    lines = metrics.exposition().decode().splitlines()
    for expected in (
        'metallb_allocator_addresses_total{pool="p"} 1.8446744073709552e+019',
        'metallb_allocator_ipv4_addresses_total{pool="p"} 14.0',
        'metallb_allocator_addresses_in_use_total{pool="p"} 4.0',
        'metallb_allocator_ipv6_addresses_in_use_total{pool="p"} 1.0',
        "metallb_k8s_client_updates_total 1.0",
        "metallb_k8s_client_update_errors_total 1.0",
        "metallb_k8s_client_config_loaded_bool 1.0",
        "metallb_k8s_client_config_stale_bool 0.0",
        "k8sglue_controller_allocation_seconds_count 1.0",
        'k8sglue_api_request_seconds_count{code="200",verb="patch"} 1.0',
        "k8sglue_controller_queue_depth 0.0",
    ):
        assert expected in lines or expected.replace("e+019", "e+19") in lines, expected
    assert CONTENT_TYPE.startswith("text/plain")
