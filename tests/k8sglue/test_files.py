"""The directory as a source of objects, with real files and inotify."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from k8sglue.cluster import ConflictError, Event, EventType, SourceError
from k8sglue.files import FileSource
from k8sglue.resources import Key, Kind
from tests.conditions import until
from tests.k8sglue.objects import service

NGINX = "kind: Service\nmetadata: {name: nginx}\nspec: {type: LoadBalancer}\n"
KEY = Key("default", "nginx")
KINDS = (Kind.SERVICE, Kind.NODE, Kind.LEASE)


@contextlib.asynccontextmanager
async def running(path: Path, *, keeps_status: bool = False) -> AsyncIterator[FileSource]:
    source = FileSource(path, KINDS, keeps_status=keeps_status)
    task = asyncio.create_task(source.run())
    try:
        await until(lambda: source.store.synced)
        yield source
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_files_are_noticed_as_they_come_change_and_go(tmp_path: Path) -> None:
    async with running(tmp_path) as source:
        (tmp_path / "a.yaml").write_text(NGINX)
        await until(lambda: KEY in source.store.services)
        (tmp_path / "a.yaml").write_text(NGINX.replace("LoadBalancer", "ClusterIP"))
        await until(lambda: source.store.services[KEY].type == "ClusterIP")
        (tmp_path / "a.yaml").unlink()
        await until(lambda: not source.store.services)


async def test_a_file_that_is_written_slowly_is_not_read_before_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NGINX)
    async with running(tmp_path) as source:
        seen: list[int] = []
        source.store.subscribe(lambda: seen.append(len(source.store.services)))
        with (tmp_path / "a.yaml").open("w") as file:
            for number in range(20):
                file.write(f"---\nkind: Node\nmetadata: {{name: n{number}}}\n")
                file.flush()
                await asyncio.sleep(0)
            file.write("---\n" + NGINX)
        await until(lambda: len(source.store.nodes) == 20)
        assert set(seen) == {1}


async def test_what_is_broken_is_reported_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "a.yaml").write_text(NGINX)
    async with running(tmp_path) as source:
        (tmp_path / "a.yaml").write_text("kind: [")
        await until(lambda: bool(source.errors))
        (tmp_path / "b.yaml").write_text("kind: Node\nmetadata: {name: n}\n")
        await until(lambda: bool(source.store.nodes))
        assert KEY in source.store.services
        assert [record.message for record in caplog.records if "a.yaml" in record.message] == [
            f"{tmp_path}/a.yaml:1: not YAML: did not find expected node content; what was good before stays in force"
        ]
        caplog.set_level("INFO")
        (tmp_path / "a.yaml").write_text(NGINX)
        await until(lambda: "can be read again" in caplog.text)


async def test_an_object_in_two_files_is_that_of_the_first(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NGINX)
    (tmp_path / "b.yaml").write_text(NGINX.replace("LoadBalancer", "ClusterIP"))
    async with running(tmp_path) as source:
        assert source.store.services[KEY].type == "LoadBalancer"
        assert source.errors == ["b.yaml:1: Service default/nginx is in a.yaml already, which counts"]


async def test_status_is_written_beside_the_manifests_and_read_by_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NGINX)
    async with running(tmp_path, keeps_status=True) as writer, running(tmp_path) as reader:
        annotations = {"metallb.io/ip-allocated-from-pool": "p"}
        await writer.write_service_status(writer.store.services[KEY], ("10.0.0.1",), annotations)
        assert writer.store.services[KEY].ingress == ("10.0.0.1",)
        await until(lambda: reader.store.services[KEY].ingress == ("10.0.0.1",))
        assert reader.store.services[KEY].annotations == annotations
        await writer.write_service_status(writer.store.services[KEY], (), {})
        await until(lambda: reader.store.services[KEY].ingress == ())


async def test_a_write_to_what_has_changed_is_a_conflict(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NGINX)
    async with running(tmp_path) as source:
        with pytest.raises(ConflictError, match="Service default/nginx has changed"):
            await source.write_service_status(service("nginx"), ("10.0.0.1",), {})


async def test_the_status_of_a_service_that_is_gone_is_removed_but_not_while_a_file_is_broken(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.yaml").write_text(NGINX)
    async with running(tmp_path, keeps_status=True) as source:
        await source.write_service_status(source.store.services[KEY], ("10.0.0.1",), {})
    status = tmp_path / "status" / "services" / "default.nginx.yaml"
    (tmp_path / "a.yaml").write_text("kind: [")
    async with running(tmp_path, keeps_status=True) as source:
        # It goes on from what was written: nobody else may have its address.
        assert source.store.services[KEY].ingress == ("10.0.0.1",)
        assert status.exists()
        (tmp_path / "a.yaml").unlink()
        await until(lambda: not status.exists())
        await until(lambda: not source.store.services)


async def test_heartbeats_come_change_and_go(tmp_path: Path) -> None:
    async with running(tmp_path) as source, running(tmp_path) as other:
        key = Key("default", "k8sglue-speaker-a")
        await source.renew_lease("k8sglue-speaker-a", "a", {"x": "y"})
        await until(lambda: key in other.store.leases)
        first = other.store.leases[key]
        assert (first.holder, first.duration, first.annotations) == ("a", 2.0, {"x": "y"})
        await source.renew_lease("k8sglue-speaker-a", "a", {})
        await until(lambda: other.store.leases[key].renew_time != first.renew_time)
        await source.release_lease("k8sglue-speaker-a")
        await source.release_lease("k8sglue-speaker-a")
        await until(lambda: not other.store.leases)


async def test_the_log_of_events_is_cut_when_it_gets_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("k8sglue.files._EVENTS_SIZE", 200)
    async with running(tmp_path) as source:
        for number in range(9):
            event = Event(
                regarding=service(), type=EventType.WARNING, reason="R", action="A", note=f"note {number}"
            )
            await source.record(event)
    status = tmp_path / "status"
    assert (status / "events.log").stat().st_size < 400
    assert (status / "events.log").read_text().endswith("Warning R Service default/nginx: note 8\n")
    assert (status / "events.log.1").exists()


async def test_a_directory_that_vanishes_and_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("k8sglue.files._POLL_INTERVAL", 0.05)
    home = tmp_path / "manifests"
    home.mkdir()
    (home / "a.yaml").write_text(NGINX)
    async with running(home) as source:
        home.rename(tmp_path / "elsewhere")
        await asyncio.sleep(0)
        assert KEY in source.store.services
        home.mkdir()
        (home / "b.yaml").write_text("kind: Node\nmetadata: {name: n}\n")
        await until(lambda: bool(source.store.nodes))
        assert not source.store.services


async def test_writes_that_fail_are_source_errors(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(NGINX)
    async with running(tmp_path) as source:
        for folder in ("services", "leases"):
            (tmp_path / "status" / folder).rmdir()
            (tmp_path / "status" / folder).write_text("in the way")
        (tmp_path / "status" / "events.log").mkdir()
        with pytest.raises(SourceError, match=r"default\.nginx\.yaml can not be written"):
            await source.write_service_status(source.store.services[KEY], ("10.0.0.1",), {})
        with pytest.raises(SourceError, match="can not be written"):
            await source.renew_lease("x", "a", {})
        with pytest.raises(SourceError, match="can not be removed"):
            await source.release_lease("x")
        with pytest.raises(SourceError, match=r"events\.log can not be written"):
            await source.record(Event(regarding=service(), reason="R", action="A", note=""))
