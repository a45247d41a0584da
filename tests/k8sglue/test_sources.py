"""What every source of objects does, whichever it is: one suite over a directory and over the Kubernetes API."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from k8sglue.cluster import ConflictError, Event, EventType, Source
from k8sglue.files import FileSource
from k8sglue.kube import KubeSource
from k8sglue.leader import Leader
from k8sglue.reflector import Pace
from k8sglue.resources import Key, Kind, Lease
from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer

KINDS = (Kind.SERVICE, Kind.NODE, Kind.NAMESPACE, Kind.LEASE)
NAMESPACE = "metallb-system"
NGINX = Key("default", "nginx")
LEASE = Key(NAMESPACE, "k8sglue-controller")
POOL = "metallb.io/ip-allocated-from-pool"


class World(ABC):
    """Where objects are, as their users see it."""

    @abstractmethod
    def source(self) -> Source:
        """Make another source of these objects."""

    @abstractmethod
    def put(self, manifest: dict[str, Any]) -> None:
        """Create or change an object, as a user would."""

    @abstractmethod
    def delete(self, kind: str, name: str) -> None:
        """Remove an object."""

    @abstractmethod
    def events(self) -> list[str]:
        """Return what was published: type, reason, object, note."""

    def service(self, name: str = "nginx", **spec: object) -> None:
        metadata = {"namespace": "default", "name": name}
        self.put({"kind": "Service", "metadata": metadata, "spec": {"type": "LoadBalancer", **spec}})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Source]:
        """Run a source, which has listed everything when the block begins."""
        source = self.source()
        task = asyncio.create_task(source.run())
        try:
            await until(lambda: source.store.synced)
            yield source
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await source.close()


@attrs.define
class Directory(World):
    path: Path

    def source(self) -> Source:
        return FileSource(self.path, KINDS, keeps_status=True)

    def put(self, manifest: dict[str, Any]) -> None:
        temporary = self.path / ".new"
        temporary.write_text(yaml.safe_dump(manifest))
        temporary.rename(self._file(manifest["kind"], manifest["metadata"]["name"]))

    def delete(self, kind: str, name: str) -> None:
        self._file(kind, name).unlink()

    def events(self) -> list[str]:
        lines = (self.path / "status" / "events.log").read_text().splitlines()
        return [line.split(" ", 1)[1] for line in lines]

    def _file(self, kind: str, name: str) -> Path:
        return self.path / f"{kind}-{name}.yaml"


@attrs.define
class Cluster(World):
    api: ApiServer
    kubeconfig: Path

    def source(self) -> Source:
        pace = Pace(first_delay=0.001, longest_delay=0.01)
        return KubeSource(KINDS, kubeconfig=self.kubeconfig, pace=pace)

    def put(self, manifest: dict[str, Any]) -> None:
        metadata = manifest["metadata"]
        place = (manifest["kind"], metadata.get("namespace", ""), metadata["name"])
        if any(made["metadata"]["name"] == place[2] for made in self.api.list(place[0])):
            self.api.patch(*place, manifest)
        else:
            self.api.create({"apiVersion": "v1", **manifest})

    def delete(self, kind: str, name: str) -> None:
        self.api.delete(kind, "default", name)

    def events(self) -> list[str]:
        return [
            f"{made['type']} {made['reason']} {made['regarding']['kind']} "
            f"{made['regarding']['namespace']}/{made['regarding']['name']}: {made['note']}"
            for made in self.api.list("Event")
        ]


@pytest.fixture(params=["directory", "kubernetes"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    if request.param == "directory":
        yield Directory(tmp_path)
        return
    async with ApiServer() as api:
        yield Cluster(api, api.kubeconfig(tmp_path / "kubeconfig"))


async def test_objects_come_change_and_go(world: World) -> None:
    world.service("old")
    async with world.running() as source:
        store = source.store
        assert set(store.services) == {Key("default", "old")}
        world.service()
        world.put({"kind": "Node", "metadata": {"name": "a", "labels": {"rack": "1"}}})
        world.put({"kind": "Namespace", "metadata": {"name": "default", "labels": {"team": "x"}}})
        await until(lambda: NGINX in store.services and store.nodes and store.namespaces)
        assert store.nodes[Key("", "a")].labels == {"rack": "1"}
        assert store.namespaces[Key("", "default")].labels == {"team": "x"}
        world.service(type="ClusterIP")
        await until(lambda: store.services[NGINX].type == "ClusterIP")
        world.delete("Service", "old")
        await until(lambda: set(store.services) == {NGINX})
        assert store.listed(Kind.SERVICE)
        assert not store.listed(Kind.SECRET)


async def test_what_is_written_is_in_the_store_at_once_and_everybody_sees_it(world: World) -> None:
    world.service()
    async with world.running() as source, world.running() as other:
        await source.write_service_status(source.store.services[NGINX], ("10.0.0.1", "fd00::1"), {POOL: "p"})
        assert source.store.services[NGINX].ingress == ("10.0.0.1", "fd00::1")
        assert source.store.services[NGINX].annotations[POOL] == "p"
        await until(lambda: other.store.services[NGINX].ingress == ("10.0.0.1", "fd00::1"))
        await source.write_service_status(source.store.services[NGINX], (), {POOL: None})
        await until(lambda: other.store.services[NGINX].ingress == ())
        assert POOL not in other.store.services[NGINX].annotations


async def test_what_is_written_survives(world: World) -> None:
    world.service()
    async with world.running() as source:
        await source.write_service_status(source.store.services[NGINX], ("10.0.0.1",), {POOL: "p"})
    async with world.running() as source:
        assert source.store.services[NGINX].ingress == ("10.0.0.1",)
        assert source.store.services[NGINX].annotations[POOL] == "p"


async def test_a_type_that_changes_takes_the_status_away(world: World) -> None:
    world.service()
    async with world.running() as source:
        await source.write_service_status(source.store.services[NGINX], ("10.0.0.1",), {})
        world.service(type="ClusterIP")
        await until(lambda: source.store.services[NGINX].type == "ClusterIP")
        await until(lambda: source.store.services[NGINX].ingress == ())


async def test_a_write_to_an_older_state_is_a_conflict(world: World) -> None:
    world.service()
    async with world.running() as source:
        before = source.store.services[NGINX]
        await source.write_service_status(before, ("10.0.0.1",), {})
        with pytest.raises(ConflictError, match="Service default/nginx has changed"):
            await source.write_service_status(before, ("10.0.0.2",), {})
        world.delete("Service", "nginx")
        await until(lambda: not source.store.services)
        with pytest.raises(ConflictError):
            await source.write_service_status(before, ("10.0.0.2",), {})


async def test_catching_up_is_seeing_what_others_wrote(world: World) -> None:
    world.service()
    async with world.running() as source, world.running() as other:
        for number in range(3):
            address = f"10.0.0.{number}"
            await source.write_service_status(source.store.services[NGINX], (address,), {})
            await other.catch_up()
            assert other.store.services[NGINX].ingress == (address,)


async def test_events_are_published(world: World) -> None:
    world.service()
    async with world.running() as source:
        about = source.store.services[NGINX]
        await source.record(Event(regarding=about, reason="IPAllocated", action="Allocate", note="good"))
        event = Event(regarding=about, type=EventType.WARNING, reason="R", action="A", note="x" * 2000)
        await source.record(event)
    assert world.events()[0] == "Normal IPAllocated Service default/nginx: good"
    assert world.events()[1].startswith("Warning R Service default/nginx: xxx")


async def test_a_heartbeat_comes_changes_and_goes(world: World) -> None:
    async with world.running() as source, world.running() as other:

        def seen() -> list[Lease]:
            return [lease for key, lease in other.store.leases.items() if key.name == "speaker-a"]

        await source.renew_lease("speaker-a", "a", {"x": "y"})
        await until(seen)
        (first,) = seen()
        assert (first.holder, first.duration, first.annotations) == (
            "a",
            source.heartbeat_duration,
            {"x": "y"},
        )
        await source.renew_lease("speaker-a", "a", {})
        await until(lambda: seen()[0].renew_time != first.renew_time)
        await source.release_lease("speaker-a")
        await source.release_lease("speaker-a")
        await until(lambda: not seen())


async def test_of_those_who_want_a_lease_one_gets_it(world: World) -> None:
    async with world.running() as one, world.running() as other:
        claims = [Lease(key=LEASE, holder=name, duration=15.0) for name in "ab"]
        assert await one.read_lease(LEASE) is None
        written = await one.write_lease(claims[0], None)
        assert (written.holder, written.duration, written.key) == ("a", 15.0, LEASE)
        with pytest.raises(ConflictError):
            await other.write_lease(claims[1], None)
        assert await other.read_lease(LEASE) == written
        again = await one.write_lease(attrs.evolve(written, transitions=4), written)
        assert again.renew_time != written.renew_time
        with pytest.raises(ConflictError):
            await other.write_lease(claims[1], written)
        await until(lambda: other.store.leases.get(LEASE) == again)
        taken = await other.write_lease(attrs.evolve(claims[1], transitions=5), again)
        assert (taken.holder, taken.transitions) == ("b", 5)
        free = await other.write_lease(attrs.evolve(taken, holder=""), taken)
        assert free.holder == ""


@contextlib.asynccontextmanager
async def leading(source: Source, duration: float = 60.0) -> AsyncIterator[tuple[Leader, asyncio.Task[None]]]:
    leader = Leader(source, NAMESPACE, duration=duration)
    task = asyncio.create_task(leader.run(asyncio.Event().wait))
    try:
        yield leader, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_leader_that_stops_hands_over_at_once(world: World) -> None:
    async with world.running() as one, world.running() as other, leading(one) as (first, task):
        await until(lambda: first.leading)
        async with leading(other) as (second, _):
            await until(lambda: LEASE in other.store.leases)
            assert not second.leading
            task.cancel()
            # The Lease would last for a minute, twice as long as this waits.
            await until(lambda: second.leading)
            assert not first.leading
            lease = await one.read_lease(LEASE)
            assert lease is not None
            assert (lease.holder, lease.transitions) == (second.identity, 1)


async def test_a_leader_that_falls_silent_is_replaced_when_its_lease_is_over(world: World) -> None:
    async with world.running() as one, world.running() as other:
        silent = Lease(key=LEASE, holder="dead", duration=1.0)
        await one.write_lease(silent, None)
        begun = asyncio.get_running_loop().time()
        async with leading(other, duration=1.0) as (leader, _):
            await until(lambda: leader.leading)
        assert asyncio.get_running_loop().time() - begun >= 0.9


async def test_a_leader_whose_lease_is_taken_stops_at_once(world: World) -> None:
    async with world.running() as one, world.running() as other, leading(one, 1.0) as (leader, _):
        await until(lambda: leader.leading)
        robbed = None
        while robbed is None:
            before = await other.read_lease(LEASE)
            with contextlib.suppress(ConflictError):
                robbed = await other.write_lease(Lease(key=LEASE, holder="thief", duration=60.0), before)
        await until(lambda: not leader.leading)
