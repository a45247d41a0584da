"""The Kubernetes source against a stand-in that answers as a real API server does: keeping the store true."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import certifi
import pytest

from k8sglue.apiclient import TimeLimits
from k8sglue.cluster import SourceError
from k8sglue.kube import KubeSource
from k8sglue.reflector import Pace
from k8sglue.resources import Key, Kind
from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer
from tests.k8sglue.following import following

NGINX = Key("demo", "nginx")
IMPATIENT = Pace(first_delay=0.001, longest_delay=0.01)


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer() as api:
        yield api


@pytest.fixture
def kubeconfig(api: ApiServer, tmp_path: Path) -> Path:
    return api.kubeconfig(tmp_path / "kubeconfig")


@pytest.fixture
def source(kubeconfig: Path) -> KubeSource:
    """A source of Services that does not wait long between attempts."""
    return KubeSource([Kind.SERVICE], kubeconfig=kubeconfig, pace=IMPATIENT)


def service(name: str = "nginx") -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"namespace": "demo", "name": name},
        "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
    }


def annotate(api: ApiServer, text: object, name: str = "nginx") -> None:
    api.patch("Service", "demo", name, {"metadata": {"annotations": {"note": text}}})


def note(source: KubeSource, name: str = "nginx") -> str | None:
    found = source.store.services.get(Key("demo", name))
    return None if found is None else found.annotations.get("note")


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno == logging.WARNING]


async def test_all_kinds_are_listed_and_watched(api: ApiServer, kubeconfig: Path) -> None:
    api.create(service())
    api.create({"kind": "Node", "metadata": {"name": "a", "labels": {"rack": "1"}}})
    api.create(
        {
            "kind": "ConfigMap",
            "metadata": {"namespace": "metallb-system", "name": "config"},
            "data": {"config": ""},
        }
    )
    api.create(
        {"kind": "ConfigMap", "metadata": {"namespace": "metallb-system", "name": "other"}, "data": {}}
    )
    api.create({"kind": "Lease", "metadata": {"namespace": "demo", "name": "elsewhere"}, "spec": {}})
    api.installed = True
    source = KubeSource(Kind, kubeconfig=kubeconfig, pace=IMPATIENT)
    async with following(source, api):
        store = source.store
        assert store.services[NGINX].ports[0].port == 80
        assert store.nodes[Key("", "a")].labels == {"rack": "1"}
        assert list(store.config_maps) == [Key("metallb-system", "config")]
        assert (store.leases, store.endpoint_slices) == ({}, {})
        api.create(
            {
                "kind": "EndpointSlice",
                "metadata": {"namespace": "demo", "name": "nginx-1"},
                "endpoints": [{"addresses": ["10.244.1.5"]}],
            }
        )
        api.create(
            {
                "kind": "Lease",
                "metadata": {"namespace": "metallb-system", "name": "speaker-a"},
                "spec": {"holderIdentity": "a"},
            }
        )
        annotate(api, "changed")
        api.delete("Node", "", "a")
        await until(lambda: note(source) == "changed" and store.leases and store.endpoint_slices)
        await until(lambda: not store.nodes)
        assert store.endpoint_slices[Key("demo", "nginx-1")].endpoints[0].can_serve
    assert all(api.count(verb, "services") == 1 for verb in ("list", "watch"))


async def test_long_lists_come_in_pages(api: ApiServer, source: KubeSource) -> None:
    for number in range(1001):
        api.create(service(f"s{number}"))
    async with following(source, api):
        assert len(source.store.services) == 1001
    lists = [call.query for call in api.requests if call.verb == "list"]
    assert [query["limit"] for query in lists] == ["500"] * 3
    assert ["continue" in query for query in lists] == [False, True, True]


async def test_a_list_that_expires_between_pages_starts_over(api: ApiServer, source: KubeSource) -> None:
    for number in range(501):
        api.create(service(f"s{number}"))
    api.fail(410, verb="list", after=1, times=1)
    async with following(source, api):
        assert len(source.store.services) == 501
    assert ["continue" in call.query for call in api.requests if call.verb == "list"] == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("how", ["abort", "half", "clean"])
async def test_a_watch_that_ends_is_resumed(api: ApiServer, source: KubeSource, how: str) -> None:
    api.create(service())
    api.create(service("old"))
    async with following(source, api):
        annotate(api, "seen")
        await until(lambda: note(source) == "seen")
        api.cut_watches(how)
        annotate(api, "missed")
        api.delete("Service", "demo", "old")
        await until(lambda: note(source) == "missed" and len(source.store.services) == 1)
    assert api.count("list", "services") == 1


async def test_bookmarks_move_the_version_on_where_a_watch_resumes(
    api: ApiServer, source: KubeSource
) -> None:
    async with following(source, api):
        for number in range(3):
            api.create({"kind": "Node", "metadata": {"name": f"n{number}"}})
        api.bookmark()
        api.cut_watches("clean")
        await until(lambda: api.count("watch", "services") == 2)
    versions = [call.query["resourceVersion"] for call in api.requests if call.verb == "watch"]
    assert versions[1] == str(int(versions[0]) + 3)
    assert all(call.query["allowWatchBookmarks"] == "true" for call in api.requests if call.verb == "watch")


@pytest.mark.parametrize("as_status", [False, True])
async def test_a_version_that_is_gone_leads_to_a_new_list_and_nothing_is_forgotten_meanwhile(
    api: ApiServer, source: KubeSource, as_status: bool
) -> None:
    api.create(service())
    api.create(service("old"))
    async with following(source, api):
        refused = api.fail(500, verb="list")
        api.delete("Service", "demo", "old")
        api.create(service("new"))
        api.expire(as_status=as_status)
        await until(lambda: refused.hits >= 2)
        assert NGINX in source.store.services
        api.recover()
        await until(lambda: set(source.store.services) == {NGINX, Key("demo", "new")})
        annotate(api, "watched again")
        await until(lambda: note(source) == "watched again")


async def test_any_other_error_in_a_watch_leads_to_a_new_list(api: ApiServer, source: KubeSource) -> None:
    async with following(source, api):
        api.cut_watches("error")
        await until(lambda: api.count("list", "services") == 2)


async def test_a_watch_that_closes_at_once_is_not_repeated_at_full_speed(
    api: ApiServer, source: KubeSource, caplog: pytest.LogCaptureFixture
) -> None:
    def cut_again() -> list[str]:
        api.cut_watches("clean")
        return warnings(caplog)

    async with following(source, api):
        await until(cut_again)
    assert "closed as soon as it was open" in warnings(caplog)[0]


async def test_an_object_that_makes_no_sense_is_set_aside(
    api: ApiServer, source: KubeSource, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("nginx", "web", "wrong"):
        api.create(service(name))
    annotate(api, 1, "wrong")
    annotate(api, "good")
    async with following(source, api):
        assert set(source.store.services) == {NGINX, Key("demo", "web")}
        annotate(api, 2)
        annotate(api, "fine", "web")
        await until(lambda: note(source, "web") == "fine")
        assert note(source) == "good"
        api.expire()
        await until(lambda: api.count("list", "services") == 2 and api.watching)
        assert note(source) == "good"
        set_aside = [text for text in warnings(caplog) if "set aside" in text]
        assert len(set_aside) == 2
        assert "demo/nginx" in set_aside[1]
        assert "metadata.annotations.note: 2, must be a string" in set_aside[1]
        annotate(api, "good again")
        api.delete("Service", "demo", "wrong")
        await until(lambda: note(source) == "good again")
        annotate(api, 3)
        api.delete("Service", "demo", "nginx")
        await until(lambda: set(source.store.services) == {Key("demo", "web")})


async def test_an_outage_is_reported_once_waited_out_and_caught_up_with(
    api: ApiServer, source: KubeSource, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "k8sglue")
    api.create(service())
    async with following(source, api):
        await api.stop()
        annotate(api, "missed")
        await until(lambda: warnings(caplog))
        assert NGINX in source.store.services
        await api.start()
        await until(lambda: note(source) == "missed")
    assert len(warnings(caplog)) == 1
    assert "/api/v1/services: Cannot connect to host 127.0.0.1" in warnings(caplog)[0]
    assert "answers again" in caplog.text


async def test_rights_that_come_late_are_waited_for(
    api: ApiServer, source: KubeSource, caplog: pytest.LogCaptureFixture
) -> None:
    api.create(service())
    refused = api.fail(403)
    running = asyncio.create_task(until(lambda: refused.hits >= 4))
    running.add_done_callback(lambda _: api.recover())
    async with following(source, api):
        assert NGINX in source.store.services
    (warning,) = warnings(caplog)
    assert "GET http://127.0.0.1" in warning
    assert "403 Forbidden: forbidden: User" in warning


async def test_a_server_that_asks_for_time_gets_it(api: ApiServer, source: KubeSource) -> None:
    api.fail(429, verb="list", times=1, retry_after=1)
    async with following(source, api):
        first, second = (call.time for call in api.requests if call.verb == "list")
    assert second - first >= 1


async def test_a_token_that_was_replaced_is_read_again(
    api: ApiServer, source: KubeSource, kubeconfig: Path
) -> None:
    async with following(source, api):
        api.token = "rotated"
        api.kubeconfig(kubeconfig)
        api.cut_watches()
        api.create(service())
        await until(lambda: NGINX in source.store.services)


async def test_a_server_that_does_not_answer_is_noticed(api: ApiServer, kubeconfig: Path) -> None:
    limits = TimeLimits(answer=0.1)
    source = KubeSource([Kind.SERVICE], kubeconfig=kubeconfig, pace=IMPATIENT, limits=limits)
    with api.hanging():
        with pytest.raises(SourceError, match=r"DELETE .*/leases/speaker-a: no answer in time"):
            await source.release_lease("speaker-a")
        running = asyncio.create_task(until(lambda: api.count("list", "services") >= 2))
        running.add_done_callback(lambda _: api.answer())
        async with following(source, api):
            assert source.store.synced


async def test_a_watch_that_does_not_begin_is_noticed(api: ApiServer, kubeconfig: Path) -> None:
    limits = TimeLimits(answer=0.1)
    source = KubeSource([Kind.SERVICE], kubeconfig=kubeconfig, pace=IMPATIENT, limits=limits)
    async with following(source, api):
        with api.hanging():
            api.cut_watches()
            await until(lambda: api.count("watch", "services") >= 3)


async def test_a_watch_that_is_silent_for_too_long_is_replaced(
    api: ApiServer, kubeconfig: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", min)
    pace = Pace(first_delay=0.001, longest_delay=0.01, watch=100.0, silence=-99.9)
    source = KubeSource([Kind.SERVICE], kubeconfig=kubeconfig, pace=pace)
    async with following(source, api):
        await until(lambda: api.count("watch", "services") >= 2)
        api.create(service())
        await until(lambda: NGINX in source.store.services)
    assert api.count("list", "services") == 1


async def test_the_kernel_probes_idle_connections(api: ApiServer, source: KubeSource) -> None:
    def timers() -> set[str]:
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {line[5].partition(":")[0] for line in lines if line[2].endswith(f":{api.port:04X}")}

    async with following(source, api):
        # proc_net_tcp(5): 02 is the timer of keep-alive probes.
        await until(lambda: timers() == {"02"})


async def test_a_kind_that_is_not_installed_holds_nothing_up_and_is_said_once(
    api: ApiServer, kubeconfig: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "k8sglue")
    api.create(service())
    pace = Pace(first_delay=0.001, longest_delay=0.01, missing=0.01)
    source = KubeSource([Kind.SERVICE, Kind.COMMUNITY], kubeconfig=kubeconfig, pace=pace)
    running = asyncio.create_task(source.run())
    try:
        await until(lambda: source.store.synced and NGINX in source.store.services)
        await until(lambda: api.count("list", "communities") > 2)
        api.installed = True
        await until(lambda: api.count("watch", "communities"))
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await source.close()
    messages = [record.message for record in caplog.records if "Community" in record.message]
    assert messages == [
        "Community is not installed (no /apis/metallb.io/v1beta1/namespaces/metallb-system/communities); "
        "going on without",
        "Community is installed now",
    ]


async def test_a_line_may_be_long(api: ApiServer, source: KubeSource) -> None:
    async with following(source, api):
        api.create(service())
        annotate(api, "x" * 1_000_000)
        await until(lambda: len(note(source) or "") == 1_000_000)
    assert (api.count("list", "services"), api.count("watch", "services")) == (1, 1)


async def test_catching_up_waits_for_a_list_that_is_begun_now(api: ApiServer, source: KubeSource) -> None:
    async with following(source, api):
        with api.holding_watches():
            api.create(service())
            await source.catch_up()
            assert NGINX in source.store.services
            api.fail(500, verb="list", times=2)
            annotate(api, "newer")
            await asyncio.gather(source.catch_up(), source.catch_up())
            assert note(source) == "newer"


async def test_every_answer_is_told_to_the_observer(api: ApiServer, kubeconfig: Path) -> None:
    answers: list[tuple[str, int]] = []
    source = KubeSource(
        [Kind.SERVICE],
        kubeconfig=kubeconfig,
        pace=IMPATIENT,
        observer=lambda verb, status, seconds: answers.append((verb, status)),
    )
    api.fail(429, verb="list", times=1)
    async with following(source, api):
        pass
    assert answers[:3] == [("list", 429), ("list", 200), ("watch", 200)]


async def test_a_server_that_is_away_for_long_is_caught_up_with(api: ApiServer, source: KubeSource) -> None:
    """It has lost its history when it is back, refuses at first, and is slow."""
    api.create(service())
    api.create(service("old"))
    async with following(source, api):
        await api.stop()
        annotate(api, "missed")
        api.delete("Service", "demo", "old")
        api.objects.expire()
        refused = api.fail(403, times=3)
        api.delay = 0.05
        await api.start()
        await until(lambda: note(source) == "missed" and len(source.store.services) == 1)
        assert refused.hits == 3


async def test_closing_leaves_neither_sockets_nor_tasks(api: ApiServer, source: KubeSource) -> None:
    def sockets() -> int:
        return sum(fd.is_socket() for fd in Path("/proc/self/fd").iterdir())

    before, tasks = sockets(), len(asyncio.all_tasks())
    async with following(source, api):
        await source.renew_lease("speaker-a", "a", {})
    await until(lambda: sockets() == before and len(asyncio.all_tasks()) == tasks)
    assert api.watching == 0


async def test_without_credentials_there_is_nothing_to_wait_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(SourceError, match=r"no credentials .* this is no pod .* and .*/none does not exist"):
        await KubeSource(Kind).run()
    with pytest.raises(SourceError, match=r"no credentials .*: .*/nowhere does not exist"):
        await KubeSource(Kind, kubeconfig=tmp_path / "nowhere").run()


@pytest.mark.parametrize("text", ["", "[]", "a: [", "current-context: none"])
async def test_a_broken_kubeconfig_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(text)
    with pytest.raises(SourceError, match=rf"kubeconfig {path} can not be used: "):
        await KubeSource(Kind, kubeconfig=path).run()


async def test_a_pod_without_a_token_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(SourceError, match="credentials of this pod can not be used: Service token file"):
        await KubeSource(Kind).run()


async def test_a_pod_uses_its_own_credentials(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(api.port))
    for name, file in (("TOKEN", "token"), ("CERT", "ca.crt")):
        path = tmp_path / file
        path.write_text("x")
        monkeypatch.setattr(f"kubernetes.aio.config.incluster_config.SERVICE_{name}_FILENAME", str(path))
    with pytest.raises(SourceError, match="the certificates can not be used"):
        await KubeSource(Kind).run()
    path.write_text(certifi.contents())
    source = KubeSource(Kind)
    # The stand-in speaks no TLS, so this is as far as it gets.
    with pytest.raises(SourceError, match=rf"DELETE https://127.0.0.1:{api.port}/.*: Cannot connect"):
        await source.release_lease("speaker-a")
    await source.close()
