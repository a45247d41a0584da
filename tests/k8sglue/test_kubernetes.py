"""The controller over the Kubernetes API: the article's walk-through, with trouble in between."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from k8sglue.controller import KINDS, Controller
from k8sglue.kube import KubeSource
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
