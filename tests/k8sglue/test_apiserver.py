"""The stand-in answers as a real API server was recorded to, also where our own source never goes."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.k8sglue.apiserver import ApiServer

SERVICES = "/api/v1/namespaces/demo/services"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/demo/leases"
EVENTS = "/apis/events.k8s.io/v1/namespaces/demo/events"
MERGE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer() as api:
        yield api


@pytest.fixture
async def client(api: ApiServer) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {api.token}"}
    async with aiohttp.ClientSession(f"http://127.0.0.1:{api.port}", headers=headers) as client:
        yield client


async def ask(client: aiohttp.ClientSession, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = MERGE if method == "PATCH" else {}
    async with client.request(method, path, json=body, headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text) if text.startswith("{") else text


async def watch(client: aiohttp.ClientSession, path: str, version: str) -> list[Any]:
    query = f"?watch=1&resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=0"
    async with client.get(path + query) as response:
        assert response.status == 200
        return [json.loads(line) async for line in response.content]


async def create(client: aiohttp.ClientSession, name: str = "nginx", **spec: object) -> Any:
    manifest = {
        "metadata": {"name": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}], **spec},
    }
    status, made = await ask(client, "POST", SERVICES, manifest)
    assert status == 201
    return made


async def test_a_service_gets_what_its_maker_left_out(client: aiohttp.ClientSession) -> None:
    made = await create(client)
    spec = made["spec"]
    assert (spec["externalTrafficPolicy"], spec["ipFamilies"]) == ("Cluster", ["IPv4"])
    assert spec["clusterIPs"] == [spec["clusterIP"]]
    assert spec["ports"][0]["nodePort"] >= 30000
    assert made["status"] == {"loadBalancer": {}}
    dual = await create(client, "dual", ipFamilyPolicy="PreferDualStack")
    assert dual["spec"]["ipFamilies"] == ["IPv4", "IPv6"]
    assert len(dual["spec"]["clusterIPs"]) == 2


async def test_items_of_a_list_carry_no_kind(client: aiohttp.ClientSession) -> None:
    for name in ("api", "nginx", "web"):
        await create(client, name)
    _, first = await ask(client, "GET", f"{SERVICES}?limit=2")
    assert (first["kind"], first["metadata"]["remainingItemCount"]) == ("ServiceList", 1)
    assert [set(item) for item in first["items"]] == [{"metadata", "spec", "status"}] * 2
    await create(client, "later")
    _, second = await ask(client, "GET", f"{SERVICES}?limit=2&continue={first['metadata']['continue']}")
    assert [item["metadata"]["name"] for item in second["items"]] == ["web"]
    assert second["metadata"] == {"resourceVersion": first["metadata"]["resourceVersion"]}


async def test_continue_tokens_can_be_unreadable_or_too_old(
    api: ApiServer, client: aiohttp.ClientSession
) -> None:
    status, answer = await ask(client, "GET", f"{SERVICES}?limit=2&continue=abc")
    assert (status, answer["reason"]) == (400, "BadRequest")
    for name in ("a", "b"):
        await create(client, name)
    _, page = await ask(client, "GET", f"{SERVICES}?limit=1")
    api.expire()
    status, answer = await ask(client, "GET", f"{SERVICES}?limit=1&continue={page['metadata']['continue']}")
    assert (status, answer["reason"]) == (410, "Expired")


async def test_a_watch_shows_every_change_after_a_version(
    api: ApiServer, client: aiohttp.ClientSession
) -> None:
    version = (await create(client))["metadata"]["resourceVersion"]
    api.patch("Service", "demo", "nginx", {"metadata": {"labels": {"a": "b"}}})
    api.delete("Service", "demo", "nginx")
    api.create({"kind": "Service", "metadata": {"namespace": "other", "name": "elsewhere"}})
    events = await watch(client, SERVICES, version)
    assert [event["type"] for event in events] == ["MODIFIED", "DELETED", "BOOKMARK"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))
    assert events[1]["object"]["metadata"]["labels"] == {"a": "b"}
    assert events[0]["object"]["kind"] == "Service"


async def test_a_watch_from_the_future_is_silent_and_one_from_long_ago_an_error(
    api: ApiServer, client: aiohttp.ClientSession
) -> None:
    await create(client)
    assert await watch(client, SERVICES, "99999999") == []
    api.expire()
    (event,) = await watch(client, SERVICES, "1")
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)
    api.expire(as_status=True)
    status, answer = await ask(client, "GET", f"{SERVICES}?watch=1&resourceVersion=1")
    assert (status, answer["reason"]) == (410, "Expired")


async def test_a_patch_that_changes_nothing_does_not_move_the_version(client: aiohttp.ClientSession) -> None:
    await create(client)
    patch = {"status": {"loadBalancer": {"ingress": [{"ip": "10.211.55.240"}]}}}
    answers = [await ask(client, "PATCH", f"{SERVICES}/nginx/status", patch) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0][1]["status"]["loadBalancer"]["ingress"] == [{"ip": "10.211.55.240", "ipMode": "VIP"}]


async def test_status_and_the_rest_are_written_apart(client: aiohttp.ClientSession) -> None:
    await create(client)
    both = {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {"loadBalancerClass": "x"},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.211.55.240"}]}},
    }
    _, made = await ask(client, "PATCH", f"{SERVICES}/nginx/status", both)
    assert made["metadata"]["annotations"] == {"a": "b"}
    assert "loadBalancerClass" not in made["spec"]
    _, made = await ask(client, "PATCH", f"{SERVICES}/nginx", {"status": None, **both, "spec": {"x": "y"}})
    assert made["spec"]["x"] == "y"
    assert made["status"]["loadBalancer"]["ingress"]


async def test_status_is_cleared_when_the_type_changes(client: aiohttp.ClientSession) -> None:
    await create(client)
    patch = {"status": {"loadBalancer": {"ingress": [{"ip": "10.211.55.240"}]}}}
    await ask(client, "PATCH", f"{SERVICES}/nginx/status", patch)
    _, made = await ask(client, "PATCH", f"{SERVICES}/nginx", {"spec": {"type": "ClusterIP"}})
    assert made["status"] == {"loadBalancer": {}}
    assert "externalTrafficPolicy" not in made["spec"]
    assert "nodePort" not in made["spec"]["ports"][0]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason"),
    [
        ("GET", f"{SERVICES}/none", None, 404, "NotFound"),
        ("PATCH", f"{SERVICES}/none/status", {"status": {}}, 404, "NotFound"),
        ("DELETE", f"{LEASES}/none", None, 404, "NotFound"),
        ("PATCH", f"{SERVICES}/nginx", {"metadata": {"resourceVersion": "1"}}, 409, "Conflict"),
        ("POST", SERVICES, {"metadata": {"name": "nginx"}}, 409, "AlreadyExists"),
        ("POST", LEASES, {"metadata": {"name": "a"}, "spec": {"renewTime": "2026-11-23T07:00:05Z"}}, 422, "Invalid"),
        ("POST", EVENTS, {"metadata": {"generateName": "nginx."}, "reason": "x"}, 422, "Invalid"),
        ("PUT", f"{SERVICES}/nginx", {}, 405, "MethodNotAllowed"),
    ],
)  # fmt: skip
async def test_refusals(
    client: aiohttp.ClientSession, method: str, path: str, body: object, status: int, reason: str
) -> None:
    await create(client)
    got, answer = await ask(client, method, path, body)
    assert (got, answer["kind"], answer["code"], answer["reason"]) == (status, "Status", status, reason)


async def test_a_kind_that_is_not_installed_is_plain_text(client: aiohttp.ClientSession) -> None:
    assert await ask(client, "GET", "/apis/metallb.io/v1beta1/ipaddresspools") == (
        404,
        "404 page not found\n",
    )


async def test_a_wrong_token_is_unauthorized(api: ApiServer, client: aiohttp.ClientSession) -> None:
    api.token = "another"
    status, answer = await ask(client, "GET", SERVICES)
    assert (status, answer["message"]) == (401, "Unauthorized")
