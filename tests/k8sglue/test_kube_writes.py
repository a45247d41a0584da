"""The Kubernetes source against a stand-in that answers as a real API server does: what it writes."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from k8sglue.cluster import ConflictError, Event, EventType, SourceError
from k8sglue.kube import KubeSource
from k8sglue.reflector import Pace
from k8sglue.resources import Key, Kind, Service, parse
from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer
from tests.k8sglue.following import following

NGINX = Key("demo", "nginx")
POOL = "metallb.io/ip-allocated-from-pool"
MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer() as api:
        api.create(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"namespace": "demo", "name": "nginx"},
                "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
            }
        )
        yield api


@pytest.fixture
async def source(api: ApiServer, tmp_path: Path) -> AsyncIterator[KubeSource]:
    """A source that does not watch yet."""
    pace = Pace(first_delay=0.001, longest_delay=0.01)
    path = api.kubeconfig(tmp_path / "kubeconfig")
    source = KubeSource([Kind.SERVICE], kubeconfig=path, program="tester", pace=pace)
    yield source
    await source.close()


def read(api: ApiServer, source: KubeSource) -> Service:
    """Put the Service into the store as it is now; the store learns of nothing that comes later."""
    service = parse(Kind.SERVICE, api.get("Service", "demo", "nginx"))
    assert isinstance(service, Service)
    source.store.put(service)
    return service


def ingress(api: ApiServer) -> Any:
    return api.get("Service", "demo", "nginx")["status"]["loadBalancer"].get("ingress")


async def test_address_and_annotation_are_one_request(api: ApiServer, source: KubeSource) -> None:
    async with following(source, api):
        before = source.store.services[NGINX]
        await source.write_service_status(before, ("10.211.55.240", "fd00::1"), {POOL: "my-ip-space"})
        after = source.store.services[NGINX]
    assert after.ingress == ("10.211.55.240", "fd00::1")
    assert after.annotations == {POOL: "my-ip-space"}
    assert after.resource_version != before.resource_version
    assert ingress(api) == [{"ip": "10.211.55.240", "ipMode": "VIP"}, {"ip": "fd00::1", "ipMode": "VIP"}]
    (patch,) = (call for call in api.requests if call.verb == "patch")
    assert (patch.resource, patch.namespace, patch.name) == ("services/status", "demo", "nginx")
    assert patch.body["metadata"]["resourceVersion"] == before.resource_version


async def test_an_address_and_an_annotation_can_be_taken_back(api: ApiServer, source: KubeSource) -> None:
    await source.write_service_status(read(api, source), ("10.211.55.240",), {POOL: "my-ip-space"})
    await source.write_service_status(source.store.services[NGINX], (), {POOL: None})
    assert ingress(api) is None
    after = source.store.services[NGINX]
    assert (after.ingress, after.annotations) == ((), {})
    assert api.requests[-1].body["status"] == {"loadBalancer": {"ingress": None}}


async def test_a_write_that_changes_nothing_is_not_sent(api: ApiServer, source: KubeSource) -> None:
    await source.write_service_status(read(api, source), (), {POOL: None})
    await source.write_service_status(source.store.services[NGINX], ("10.211.55.240",), {POOL: "a"})
    await source.write_service_status(source.store.services[NGINX], ("10.211.55.240",), {POOL: "a"})
    assert api.count("patch", "services/status") == 1
    await source.write_service_status(source.store.services[NGINX], ("10.211.55.240",), {POOL: "b"})
    assert api.count("patch", "services/status") == 2


async def test_a_service_that_has_changed_since_is_a_conflict(api: ApiServer, source: KubeSource) -> None:
    service = read(api, source)
    api.patch("Service", "demo", "nginx", {"metadata": {"labels": {"a": "b"}}})
    with pytest.raises(ConflictError, match=r"409 Conflict: .* the object has been modified"):
        await source.write_service_status(service, ("10.211.55.240",), {})
    assert ingress(api) is None
    # It was read again, so that the next attempt need not wait for the watch.
    assert source.store.services[NGINX].labels == {"a": "b"}
    await source.write_service_status(source.store.services[NGINX], ("10.211.55.240",), {})
    assert ingress(api)


async def test_a_watch_that_lags_behind_does_not_undo_what_was_read(
    api: ApiServer, source: KubeSource
) -> None:
    seen: list[str] = []
    async with following(source, api):
        source.store.subscribe(lambda: seen.append(source.store.services[NGINX].labels.get("n", "")))
        with api.holding_watches():
            before = source.store.services[NGINX]
            for number in range(3):
                api.patch("Service", "demo", "nginx", {"metadata": {"labels": {"n": str(number)}}})
            with pytest.raises(ConflictError):
                await source.write_service_status(before, ("10.211.55.240",), {})
            await source.write_service_status(source.store.services[NGINX], ("10.211.55.240",), {})
        api.patch("Service", "demo", "nginx", {"metadata": {"labels": {"n": "last"}}})
        await until(lambda: seen[-1] == "last")
    assert [text for text, _ in itertools.groupby(seen)] == ["2", "last"]


async def test_writes_keep_to_their_rate(api: ApiServer, tmp_path: Path) -> None:
    path = api.kubeconfig(tmp_path / "kubeconfig")
    source = KubeSource([Kind.SERVICE], kubeconfig=path, write_rate=10.0)
    about = read(api, source)
    event = Event(regarding=about, reason="R", action="A", note="")
    await asyncio.gather(*(source.record(event) for _ in range(5)))
    await source.close()
    times = [call.time for call in api.requests]
    # The first one may be late, for it had to connect.
    assert times[-1] - times[0] >= 0.25


async def test_the_status_of_other_objects_is_written_too(api: ApiServer, tmp_path: Path) -> None:
    api.create({"kind": "Node", "metadata": {"name": "a"}})
    source = KubeSource([Kind.NODE], kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"))
    async with following(source, api):
        node = source.store.nodes[Key("", "a")]
        await source.write_status(node, {"phase": "x"})
        assert api.get("Node", "", "a")["status"] == {"phase": "x"}
        assert source.store.nodes[Key("", "a")].resource_version != node.resource_version
        await source.record(Event(regarding=node, reason="R", action="A", note="n"))
    (made,) = api.list("Event", "default")
    assert (made["regarding"]["kind"], made["regarding"]["name"]) == ("Node", "a")


async def test_what_is_known_to_be_a_conflict_is_not_sent(api: ApiServer, source: KubeSource) -> None:
    service = read(api, source)
    api.patch("Service", "demo", "nginx", {"metadata": {"labels": {"a": "b"}}})
    read(api, source)
    with pytest.raises(ConflictError, match="demo/nginx has changed"):
        await source.write_service_status(service, ("10.211.55.240",), {})
    source.store.remove(Kind.SERVICE, NGINX)
    with pytest.raises(ConflictError):
        await source.write_service_status(service, ("10.211.55.240",), {})
    assert not api.requests


async def test_a_service_that_is_gone_is_a_conflict(api: ApiServer, source: KubeSource) -> None:
    service = read(api, source)
    api.delete("Service", "demo", "nginx")
    with pytest.raises(ConflictError, match='404 Not Found: services "nginx" not found'):
        await source.write_service_status(service, ("10.211.55.240",), {})


async def test_an_address_that_is_none_is_refused_with_the_servers_words(
    api: ApiServer, source: KubeSource
) -> None:
    with pytest.raises(SourceError, match=r"422 .*: must be a valid IP address") as caught:
        await source.write_service_status(read(api, source), ("10.211.55.400",), {})
    assert not isinstance(caught.value, ConflictError)


async def test_an_answer_never_replaces_something_newer(api: ApiServer, source: KubeSource) -> None:
    service = read(api, source)
    with api.hanging():
        writing = asyncio.create_task(source.write_service_status(service, ("10.211.55.240",), {}))
        await until(lambda: api.requests)
        newer = attrs.evolve(service, resource_version="newer")
        source.store.put(newer)
    await writing
    assert source.store.services[NGINX] == newer


async def test_an_answer_does_not_bring_back_what_was_deleted(api: ApiServer, source: KubeSource) -> None:
    service = read(api, source)
    with api.hanging():
        writing = asyncio.create_task(source.write_service_status(service, ("10.211.55.240",), {}))
        await until(lambda: api.requests)
        source.store.remove(Kind.SERVICE, NGINX)
    await writing
    assert NGINX not in source.store.services


@pytest.mark.parametrize("relist", [False, True])
async def test_a_watch_that_lags_behind_does_not_undo_writes(
    api: ApiServer, source: KubeSource, relist: bool
) -> None:
    seen: list[tuple[str, ...]] = []
    async with following(source, api):
        source.store.subscribe(lambda: seen.append(source.store.services[NGINX].ingress))
        with api.holding_watches():
            for address in ("10.211.55.240", "10.211.55.241", "10.211.55.242"):
                await source.write_service_status(source.store.services[NGINX], (address,), {})
            if relist:
                api.expire()
        api.create({"kind": "Service", "metadata": {"namespace": "demo", "name": "other"}})
        await until(lambda: Key("demo", "other") in source.store.services)
        api.patch("Service", "demo", "nginx", {"spec": {"type": "ClusterIP"}})
        await until(lambda: seen[-1] == ())
    changes = [ingress for ingress, _ in itertools.groupby(seen)]
    assert changes == [("10.211.55.240",), ("10.211.55.241",), ("10.211.55.242",), ()]


async def test_a_list_that_was_begun_before_a_write_does_not_undo_it(
    api: ApiServer, source: KubeSource
) -> None:
    for number in range(500):
        api.create({"kind": "Service", "metadata": {"namespace": "demo", "name": f"web{number}"}})
    seen: list[tuple[str, ...]] = []
    async with following(source, api):
        source.store.subscribe(lambda: seen.append(source.store.services[NGINX].ingress))
        api.delay = 0.3
        api.expire()
        await until(lambda: api.count("list", "services") == 4)  # on its second page
        api.delay = 0.0
        with api.holding_watches():
            for address in ("10.211.55.240", "10.211.55.241"):
                await source.write_service_status(source.store.services[NGINX], (address,), {})
            watches = api.count("watch", "services")
            await until(lambda: api.count("watch", "services") > watches)
        api.create({"kind": "Service", "metadata": {"namespace": "demo", "name": "other"}})
        await until(lambda: Key("demo", "other") in source.store.services)
    changes = [ingress for ingress, _ in itertools.groupby(seen)]
    assert changes == [("10.211.55.240",), ("10.211.55.241",)]


async def test_an_event_says_what_a_person_should_see(api: ApiServer, source: KubeSource) -> None:
    service = read(api, source)
    event = Event(
        regarding=service,
        type=EventType.WARNING,
        reason="AllocationFailed",
        action="Allocate",
        note="no pool has an address left",
    )
    await source.record(event)
    (made,) = api.list("Event", "demo")
    assert made["metadata"]["name"].startswith("nginx-")
    assert (made["type"], made["reason"], made["action"]) == ("Warning", "AllocationFailed", "Allocate")
    assert made["note"] == "no pool has an address left"
    assert made["reportingController"] == "k8sglue-tester"
    assert made["reportingInstance"]
    assert made["regarding"]["uid"] == service.uid
    assert (made["regarding"]["kind"], made["regarding"]["name"]) == ("Service", "nginx")


async def test_an_event_that_is_refused_is_a_source_error(api: ApiServer, source: KubeSource) -> None:
    event = Event(regarding=read(api, source), reason="IPAllocated", action="", note="")
    with pytest.raises(SourceError, match=r"422 Unprocessable Entity: .* action: Required value"):
        await source.record(event)


async def test_a_lease_is_made_renewed_and_released(api: ApiServer, source: KubeSource) -> None:
    await source.renew_lease("speaker-a", "a", {"k8sglue.io/x": "1"})
    first = api.get("Lease", "metallb-system", "speaker-a")
    assert MICRO_TIME.fullmatch(first["spec"]["renewTime"])
    assert first["spec"]["holderIdentity"] == "a"
    assert first["spec"]["leaseDurationSeconds"] == 15
    await source.renew_lease("speaker-a", "a", {"k8sglue.io/x": "2"})
    second = api.get("Lease", "metallb-system", "speaker-a")
    assert second["metadata"]["annotations"] == {"k8sglue.io/x": "2"}
    assert second["spec"]["renewTime"] > first["spec"]["renewTime"]
    assert (api.count("patch", "leases"), api.count("create", "leases")) == (2, 1)
    for _ in range(2):
        await source.release_lease("speaker-a")
    assert not api.list("Lease")


async def test_a_lease_that_appears_meanwhile_is_renewed_after_all(
    api: ApiServer, source: KubeSource
) -> None:
    await source.renew_lease("speaker-a", "someone", {})
    api.fail(404, verb="patch", resource="leases", times=1)
    await source.renew_lease("speaker-a", "a", {})
    assert api.get("Lease", "metallb-system", "speaker-a")["spec"]["holderIdentity"] == "a"


async def test_a_heartbeat_is_given_up_in_time_for_the_next(api: ApiServer, source: KubeSource) -> None:
    source.heartbeat_interval = 0.05
    with api.hanging(), pytest.raises(SourceError, match="Lease speaker-a: no answer in time"):
        await source.renew_lease("speaker-a", "a", {})


@pytest.mark.parametrize("verb", ["patch", "create", "delete"])
async def test_a_lease_that_can_not_be_written_is_a_source_error(
    api: ApiServer, source: KubeSource, verb: str
) -> None:
    api.fail(403, verb=verb)
    with pytest.raises(SourceError, match="403 Forbidden"):
        await (source.release_lease("a") if verb == "delete" else source.renew_lease("a", "a", {}))


async def test_no_server_is_a_source_error(api: ApiServer, source: KubeSource) -> None:
    await api.stop()
    with pytest.raises(
        SourceError, match=r"PATCH http://127.0.0.1:\d+/api/v1/.*/nginx/status: Cannot connect"
    ):
        await source.write_service_status(read(api, source), ("10.211.55.240",), {})
