"""The controller over the Kubernetes API: the article's walk-through, with trouble in between."""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from k8sglue.controller import KINDS, Controller
from k8sglue.kube import KubeSource
from k8sglue.leader import Leader
from k8sglue.leadership import LEASE_NAME
from k8sglue.reflector import Pace
from k8sglue.resources import Key
from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer
from tests.k8sglue.objects import ARTICLE_CONFIG

CONFIG_KEY = Key("metallb-system", "config")


def service(name: str, **spec: object) -> dict[str, object]:
    ports = [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "default", "name": name},
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.96.245.212",
            "clusterIPs": ["10.96.245.212"],
            "ports": ports,
            **spec,
        },
    }


def config_map(text: str = ARTICLE_CONFIG) -> dict[str, object]:
    metadata = {"namespace": "metallb-system", "name": "config"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"config": text}}


def address(api: ApiServer, name: str) -> str | None:
    ingress = api.get("Service", "default", name)["status"]["loadBalancer"].get("ingress")
    return ingress[0]["ip"] if ingress else None


def notes(api: ApiServer) -> list[str]:
    return [f"{event['reason']} {event['regarding']['name']}: {event['note']}" for event in api.list("Event")]


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer() as api:
        api.create(config_map())
        yield api


@contextlib.asynccontextmanager
async def controlling(api: ApiServer, tmp_path: Path) -> AsyncIterator[None]:
    pace = Pace(first_delay=0.001, longest_delay=0.01)
    source = KubeSource(KINDS, kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"), pace=pace)
    task = asyncio.create_task(Controller(source, CONFIG_KEY).run())
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()


async def test_the_article_with_a_cut_watch_and_a_410_in_between(api: ApiServer, tmp_path: Path) -> None:
    async with controlling(api, tmp_path):
        api.create(service("nginx"))
        await until(lambda: address(api, "nginx") == "10.211.55.240")
        assert (
            api.get("Service", "default", "nginx")["status"]["loadBalancer"]["ingress"][0]["ipMode"] == "VIP"
        )
        annotations = api.get("Service", "default", "nginx")["metadata"]["annotations"]
        assert annotations == {"metallb.io/ip-allocated-from-pool": "my-ip-space"}
        api.cut_watches("half")
        api.create(service("second"))
        await until(lambda: address(api, "second") == "10.211.55.241")
        api.delete("Service", "default", "nginx")
        api.create(service("third"))
        api.expire()
        await until(lambda: address(api, "third") == "10.211.55.240")
        api.expire(as_status=True)
        api.patch("Service", "default", "third", {"spec": {"loadBalancerIP": "10.211.55.250"}})
        await until(lambda: address(api, "third") == "10.211.55.250")
        assert address(api, "second") == "10.211.55.241"
    assert notes(api)[:2] == [
        'IPAllocated nginx: Assigned IP ["10.211.55.240"]',
        'IPAllocated second: Assigned IP ["10.211.55.241"]',
    ]


async def test_nothing_is_moved_or_written_again_over_a_restart(api: ApiServer, tmp_path: Path) -> None:
    for name in "ba":
        api.create(service(name))
    async with controlling(api, tmp_path):
        await until(lambda: address(api, "a") and address(api, "b"))
    before = {name: address(api, name) for name in "ab"}
    writes = api.count("patch", "services/status")
    api.create(service("c"))
    async with controlling(api, tmp_path):
        await until(lambda: address(api, "c"))
    assert {name: address(api, name) for name in "ab"} == before
    assert api.count("patch", "services/status") == writes + 1


async def test_a_type_that_changes_gives_the_address_back(api: ApiServer, tmp_path: Path) -> None:
    async with controlling(api, tmp_path):
        api.create(service("a"))
        await until(lambda: address(api, "a") == "10.211.55.240")
        api.patch("Service", "default", "a", {"spec": {"type": "ClusterIP"}})
        api.create(service("b"))
        await until(lambda: address(api, "b") == "10.211.55.240")
        api.patch("Service", "default", "a", {"spec": {"type": "LoadBalancer"}})
        await until(lambda: address(api, "a") == "10.211.55.241")


async def test_a_service_with_a_class_is_left_alone(api: ApiServer, tmp_path: Path) -> None:
    async with controlling(api, tmp_path):
        api.create(service("theirs", loadBalancerClass="example.com/other"))
        api.create(service("ours"))
        await until(lambda: address(api, "ours"))
    assert address(api, "theirs") is None


async def test_writes_that_fail_are_tried_again(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8sglue.outbox._DELAYS", (0.01,))
    fault = api.fail(500, verb="patch", resource="services/status", times=3)
    async with controlling(api, tmp_path):
        api.create(service("a"))
        await until(lambda: address(api, "a") == "10.211.55.240")
    assert fault.hits == 3


async def test_a_service_that_changes_while_it_is_written_is_judged_again(
    api: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with controlling(api, tmp_path):
        api.create(service("first"))
        await until(lambda: address(api, "first"))
        writes = api.count("patch", "services/status")
        # The request has arrived, and is carried out only after the Service has changed.
        api.delay = 0.5
        api.create(service("a"))
        await until(lambda: api.count("patch", "services/status") > writes)
        api.patch("Service", "default", "a", {"spec": {"loadBalancerIP": "10.211.55.250"}})
        api.delay = 0.0
        await until(lambda: address(api, "a") == "10.211.55.250")
    assert "the object has been modified" in caplog.text


async def test_what_can_not_be_served_gets_an_event_once(api: ApiServer, tmp_path: Path) -> None:
    async with controlling(api, tmp_path):
        api.create(service("a", loadBalancerIP="192.0.2.1"))
        await until(lambda: len(notes(api)) == 1)
        api.patch("Service", "default", "a", {"metadata": {"labels": {"x": "y"}}})
        api.create(service("b"))
        await until(lambda: address(api, "b"))
        await until(lambda: len(notes(api)) == 2)
    assert (
        "AllocationFailed a: Failed to allocate IP: the address that it asks for is in no pool (192.0.2.1)"
        in notes(api)
    )


def leader_of(api: ApiServer) -> str:
    leases = [made for made in api.list("Lease") if made["metadata"]["name"] == LEASE_NAME]
    return leases[0]["spec"].get("holderIdentity", "") if leases else ""


@contextlib.asynccontextmanager
async def replica(
    api: ApiServer, tmp_path: Path, duration: float = 60.0
) -> AsyncIterator[tuple[Controller, asyncio.Task[None]]]:
    """Run a controller that takes part in the election."""
    pace = Pace(first_delay=0.001, longest_delay=0.01)
    source = KubeSource(
        KINDS, kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"), pace=pace, lease=LEASE_NAME
    )
    leader = Leader(source, "metallb-system", duration=duration)
    controller = Controller(source, CONFIG_KEY, leader=leader)
    task = asyncio.create_task(controller.run())
    try:
        yield controller, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await source.close()


def writes(api: ApiServer) -> int:
    return api.count("patch", "services/status") + api.count("create", "events")


async def test_a_standby_follows_writes_nothing_and_takes_over_without_moving_anything(
    api: ApiServer, tmp_path: Path
) -> None:
    for name in "ba":
        api.create(service(name))
    async with replica(api, tmp_path) as (first, task):
        await until(lambda: address(api, "a") and address(api, "b"))
        async with replica(api, tmp_path) as (second, _):
            await until(lambda: second.source.store.synced)
            before = {name: address(api, name) for name in "ab"}
            api.create(service("c"))
            await until(lambda: address(api, "c") and writes(api) == 6)
            task.cancel()
            await until(lambda: leader_of(api) not in ("", first.leader.identity if first.leader else ""))
            api.delete("Service", "default", "c")
            api.create(service("d"))
            await until(lambda: address(api, "d") and writes(api) == 8)
            assert {name: address(api, name) for name in "ab"} == before
    assert leader_of(api) == ""


async def test_a_leader_without_an_api_server_stops_and_goes_on_where_it_was(
    api: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with replica(api, tmp_path, duration=1.0) as (controller, _):
        api.create(service("a"))
        await until(lambda: address(api, "a"))
        assert controller.leader is not None
        await api.stop()
        api.create(service("b"))
        await until(lambda: not (controller.leader and controller.leader.leading))
        await api.start()
        await until(lambda: address(api, "b") == "10.211.55.241")
        assert address(api, "a") == "10.211.55.240"
    assert "leading no more" in caplog.text
    assert writes(api) == 4


async def test_a_service_takes_two_requests(api: ApiServer, tmp_path: Path) -> None:
    for number in range(14):
        api.create(service(f"s{number}"))
    async with controlling(api, tmp_path):
        await until(lambda: len(notes(api)) == 14)
        # Their own changes come back from the watch, and lead to nothing.
        api.create(service("last", loadBalancerIP="192.0.2.1"))
        await until(lambda: len(notes(api)) == 15)
    assert (api.count("patch", "services/status"), api.count("create", "events")) == (14, 15)
    assert api.count("get", "services") == 0


async def test_an_api_server_that_is_busy_is_left_alone_for_as_long_as_it_asks(
    api: ApiServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    api.fail(429, verb="patch", resource="services/status", times=1, retry_after=1)
    api.fail(500, verb="create", resource="events", times=1)
    async with controlling(api, tmp_path):
        api.create(service("a"))
        await until(lambda: len(notes(api)) == 1)
    first, second = (call.time for call in api.requests if call.resource == "services/status")
    assert second - first >= 0.9
    assert "Too many requests, please try again later." in caplog.text


async def test_an_address_that_moves_is_never_in_two_places(api: ApiServer, tmp_path: Path) -> None:
    """The status that it leaves can not be written for a while: whoever comes next has to wait."""
    async with controlling(api, tmp_path):
        api.create(service("a", loadBalancerIP="10.211.55.245"))
        await until(lambda: address(api, "a"))
        fault = api.fail(500, verb="patch", resource="services/status", times=2)
        api.patch("Service", "default", "a", {"spec": {"loadBalancerIP": "10.211.55.246"}})
        await until(lambda: fault.hits)
        api.create(service("b", loadBalancerIP="10.211.55.245"))
        await until(lambda: address(api, "b") == "10.211.55.245")
        assert address(api, "a") == "10.211.55.246"
    statuses = [
        (call.name, call.body["status"]["loadBalancer"]["ingress"][0]["ip"])
        for call in api.requests
        if call.resource == "services/status"
    ]
    assert statuses.index(("b", "10.211.55.245")) > statuses.index(("a", "10.211.55.246"))


async def test_a_class_of_services_can_be_asked_for(api: ApiServer, tmp_path: Path) -> None:
    source = KubeSource(KINDS, kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"))
    task = asyncio.create_task(Controller(source, CONFIG_KEY, "example.com/ours").run())
    api.create(service("theirs"))
    api.create(service("ours", loadBalancerClass="example.com/ours"))
    await until(lambda: address(api, "ours"))
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await source.close()
    assert address(api, "theirs") is None


async def test_the_program_says_how_it_is_and_gives_the_lease_up_when_it_ends(
    api: ApiServer, tmp_path: Path
) -> None:
    kubeconfig = str(api.kubeconfig(tmp_path / "kubeconfig"))
    with socket.create_server(("", 0)) as free:
        port = free.getsockname()[1]
    options = ("--kubeconfig", kubeconfig, "--port", str(port), "--log-level", "error")
    command = (sys.executable, "-m", "k8sglue", "controller", *options)
    api.create(service("a"))
    process = await asyncio.create_subprocess_exec(*command)
    try:
        await until(lambda: address(api, "a") and leader_of(api))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
            pages = {}
            for path in ("/healthz", "/readyz", "/metrics"):
                async with client.get(path) as answer:
                    pages[path] = (answer.status, await answer.text())
    finally:
        process.terminate()
        status = await process.wait()
    assert status == 0
    assert leader_of(api) == ""
    assert pages["/healthz"] == pages["/readyz"] == (200, "ok\n")
    for line in (
        'metallb_allocator_addresses_in_use_total{pool="my-ip-space"} 1.0',
        'metallb_allocator_addresses_total{pool="my-ip-space"} 16.0',
        "metallb_k8s_client_config_loaded_bool 1.0",
        "k8sglue_controller_leading_bool 1.0",
        "k8sglue_controller_allocation_seconds_count 1.0",
        'k8sglue_api_request_seconds_count{code="200",verb="patch"}',
    ):
        assert f"\n{line}" in pages["/metrics"][1]


async def test_the_status_of_a_pool_counts_its_addresses(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8sglue.poolstatus.INTERVAL", 0.01)
    api.installed = True
    spec = {"addresses": ["192.0.2.0/28", "2001:db8::/64"]}
    metadata = {"namespace": "metallb-system", "name": "resource"}
    api.create({"kind": "IPAddressPool", "metadata": metadata, "spec": spec})

    def status() -> object:
        return api.get("IPAddressPool", "metallb-system", "resource").get("status")

    async with controlling(api, tmp_path):
        empty = {"assignedIPv4": 0, "assignedIPv6": 0, "availableIPv4": 16, "availableIPv6": 2**63 - 1}
        await until(lambda: status() == empty)
        fault = api.fail(500, verb="patch", resource="ipaddresspools/status", times=2)
        api.create(service("a", loadBalancerIP="192.0.2.7"))
        await until(lambda: status() == {**empty, "assignedIPv4": 1, "availableIPv4": 15})
        assert fault.hits == 2
        writes = api.count("patch", "ipaddresspools/status")
        api.create(service("b"))
        await until(lambda: len(notes(api)) == 2)
    assert api.count("patch", "ipaddresspools/status") == writes == 4
