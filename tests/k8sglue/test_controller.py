"""The controller over a directory of manifests: what a person would see happen."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from k8sglue.cluster import SourceError
from k8sglue.controller import KINDS, Controller
from k8sglue.files import FileSource
from k8sglue.resources import Key
from tests.conditions import until
from tests.k8sglue.objects import ARTICLE_CONFIG

CONFIG_KEY = Key("metallb-system", "config")


class Lab:
    """A directory of manifests, and what is in its status folder."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def configure(self, text: str = ARTICLE_CONFIG) -> None:
        metadata = {"namespace": "metallb-system", "name": "config"}
        self.write("config", {"kind": "ConfigMap", "metadata": metadata, "data": {"config": text}})

    def service(self, name: str, *, kind: str = "LoadBalancer", pool: str = "", **spec: object) -> None:
        metadata: dict[str, object] = {"name": name}
        if pool:
            metadata["annotations"] = {"metallb.universe.tf/address-pool": pool}
        self.write(name, {"kind": "Service", "metadata": metadata, "spec": {"type": kind, **spec}})

    def write(self, name: str, manifest: object) -> None:
        temporary = self.path / f".{name}"
        temporary.write_text(yaml.safe_dump(manifest))
        temporary.rename(self.path / f"{name}.yaml")

    def delete(self, name: str) -> None:
        (self.path / f"{name}.yaml").unlink()

    def addresses(self) -> dict[str, str]:
        found = {}
        for path in sorted((self.path / "status" / "services").glob("*.yaml")):
            manifest = yaml.safe_load(path.read_text())
            for ingress in manifest["status"]["loadBalancer"]["ingress"]:
                found[manifest["metadata"]["name"]] = ingress["ip"]
        return found

    def events(self) -> str:
        log = self.path / "status" / "events.log"
        return log.read_text() if log.exists() else ""

    def source(self) -> FileSource:
        return FileSource(self.path, KINDS, keeps_status=True)

    async def once(self) -> dict[str, str]:
        assert await Controller(self.source(), CONFIG_KEY).run_once()
        return self.addresses()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(Controller(self.source(), CONFIG_KEY).run())
        try:
            yield
            assert not task.done()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    made = Lab(tmp_path)
    made.configure()
    return made


TINY = "address-pools: [{name: tiny, protocol: layer2, addresses: [10.0.0.1-10.0.0.2]}]"


async def test_the_article(lab: Lab) -> None:
    lab.service("nginx", clusterIP="10.96.245.212")
    assert await lab.once() == {"nginx": "10.211.55.240"}
    assert 'Normal IPAllocated Service default/nginx: Assigned IP ["10.211.55.240"]' in lab.events()


async def test_services_come_change_and_go_while_it_runs(lab: Lab) -> None:
    async with lab.running():
        lab.service("a")
        await until(lambda: lab.addresses() == {"a": "10.211.55.240"})
        lab.service("b", loadBalancerIP="10.211.55.250")
        await until(lambda: lab.addresses() == {"a": "10.211.55.240", "b": "10.211.55.250"})
        lab.service("b", loadBalancerIP="10.211.55.251")
        await until(lambda: lab.addresses() == {"a": "10.211.55.240", "b": "10.211.55.251"})
        lab.delete("a")
        await until(lambda: lab.addresses() == {"b": "10.211.55.251"})
        lab.service("c")
        await until(lambda: lab.addresses() == {"b": "10.211.55.251", "c": "10.211.55.240"})


async def test_a_pool_that_is_exhausted_serves_the_next_when_an_address_comes_back(lab: Lab) -> None:
    lab.configure(TINY)
    async with lab.running():
        for name in "abc":
            lab.service(name)
        await until(lambda: "AllocationFailed" in lab.events() and len(lab.addresses()) == 2)
        [waiting] = set("abc") - lab.addresses().keys()
        assert f"default/{waiting}: Failed to allocate IP: no pool has a free address" in lab.events()
        lab.delete(min(lab.addresses()))
        await until(lambda: waiting in lab.addresses())
    assert lab.events().count("AllocationFailed") == 1


async def test_a_larger_pool_helps_those_that_wait(lab: Lab) -> None:
    lab.configure(TINY)
    for name in "abc":
        lab.service(name)
    assert len(await lab.once()) == 2
    lab.configure(TINY.replace("10.0.0.2", "10.0.0.3"))
    assert await lab.once() == {"a": "10.0.0.1", "b": "10.0.0.2", "c": "10.0.0.3"}


async def test_two_pools(lab: Lab) -> None:
    lab.configure(
        ARTICLE_CONFIG + "- {name: other, protocol: bgp, addresses: [192.0.2.0/24], auto-assign: false}\n"
    )
    lab.service("a")
    lab.service("b", pool="other")
    lab.service("c", loadBalancerIP="192.0.2.7")
    assert await lab.once() == {"a": "10.211.55.240", "b": "192.0.2.0", "c": "192.0.2.7"}


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("10.211.55.240", "belongs to another Service (10.211.55.240 of default/a)"),
        ("192.0.2.1", "is in no pool (192.0.2.1)"),
        ("10.211.55", "is not an IP address (10.211.55)"),
    ],
)
async def test_an_address_that_can_not_be_had(lab: Lab, asked: str, why: str) -> None:
    lab.service("a")
    await lab.once()
    lab.service("b", loadBalancerIP=asked)
    assert await lab.once() == {"a": "10.211.55.240"}
    assert f"default/b: Failed to allocate IP: the address that it asks for {why}" in lab.events()


async def test_a_service_whose_type_changes_gives_its_address_back(lab: Lab) -> None:
    async with lab.running():
        lab.service("a")
        await until(lambda: lab.addresses() == {"a": "10.211.55.240"})
        lab.service("a", kind="ClusterIP")
        await until(lambda: lab.addresses() == {})
        lab.service("b")
        await until(lambda: lab.addresses() == {"b": "10.211.55.240"})
        lab.service("a")
        await until(lambda: lab.addresses() == {"a": "10.211.55.241", "b": "10.211.55.240"})


async def test_a_service_of_another_class_is_left_alone(lab: Lab) -> None:
    lab.service("a", loadBalancerClass="example.com/other")
    assert await lab.once() == {}


async def test_no_address_changes_hands_over_a_restart(lab: Lab) -> None:
    for name in "cab":
        lab.service(name)
        await lab.once()
    lab.delete("c")
    before = {"a": "10.211.55.241", "b": "10.211.55.242"}
    lab.service("aa")
    async with lab.running():
        await until(lambda: lab.addresses() == before | {"aa": "10.211.55.240"})


async def test_a_configuration_that_is_no_yaml_leaves_all_as_it_was_even_over_a_restart(lab: Lab) -> None:
    lab.service("a")
    async with lab.running():
        await until(lambda: "a" in lab.addresses())
        lab.configure("address-pools: [")
        lab.service("b")
        await until(lambda: "b" in lab.addresses())
    before = lab.addresses()
    lab.service("c")
    assert await lab.once() == before
    lab.configure()
    assert (await lab.once()) == before | {"c": "10.211.55.242"}


async def test_a_pool_that_is_set_aside_keeps_its_services_over_a_restart(lab: Lab) -> None:
    lab.service("a")
    before = await lab.once()
    good = "- {name: tiny, protocol: layer2, addresses: [10.0.0.1-10.0.0.2]}\n"
    lab.configure(ARTICLE_CONFIG.replace("/28", "/280") + good)
    lab.service("b")
    assert await lab.once() == before | {"b": "10.0.0.1"}


async def test_a_broken_manifest_changes_nothing_for_the_others(lab: Lab) -> None:
    lab.service("a")
    async with lab.running():
        await until(lambda: "a" in lab.addresses())
        (lab.path / "broken.yaml").write_text("kind: Service\nmetadata: {name: x")
        (lab.path / "a.yaml").write_text("kind: Service\nmetadata: [")
        lab.service("b")
        await until(lambda: "b" in lab.addresses())
        assert lab.addresses() == {"a": "10.211.55.240", "b": "10.211.55.241"}
    # A controller that never saw the good file goes on from the status that was written.
    lab.service("c")
    assert (await lab.once())["c"] == "10.211.55.242"
    assert lab.addresses()["a"] == "10.211.55.240"


async def test_a_status_in_the_manifest_itself_counts_until_the_controller_decides_otherwise(
    lab: Lab,
) -> None:
    status = {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}
    spec = {"type": "LoadBalancer", "loadBalancerIP": "192.0.2.2"}
    lab.write("a", {"kind": "Service", "metadata": {"name": "a"}, "spec": spec, "status": status})
    async with lab.running():
        await until(lambda: "AllocationFailed" in lab.events())
    assert lab.addresses() == {}
    assert lab.events().count("ClearAssignment") == 1


async def test_nothing_is_written_twice(lab: Lab) -> None:
    lab.service("a")
    await lab.once()
    path = lab.path / "status" / "services" / "default.a.yaml"
    before = path.stat()
    await lab.once()
    assert path.stat() == before
    assert lab.events().count("\n") == 1


async def test_a_directory_that_is_missing_is_said(tmp_path: Path) -> None:
    controller = Controller(FileSource(tmp_path / "none", KINDS), CONFIG_KEY)
    with pytest.raises(SourceError, match="none is not a directory"):
        await controller.run()


async def test_a_status_that_can_not_be_written_is_tried_again(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("k8sglue.outbox._DELAYS", (0.05,))
    folder = lab.path / "status" / "services"
    async with lab.running():
        await until(folder.is_dir)
        folder.rmdir()
        folder.write_text("in the way")
        lab.service("a")
        await until(lambda: "can not be written" in caplog.text)
        folder.unlink()
        folder.mkdir()
        await until(lambda: lab.addresses() == {"a": "10.211.55.240"})


async def test_a_controller_that_is_killed_again_and_again_loses_nothing(lab: Lab) -> None:
    """The real program, ended without a chance to clean up, while Services come and go."""
    command = (sys.executable, "-m", "k8sglue", "controller", "--source", str(lab.path))
    expected: dict[str, str] = {}
    for number in range(5):
        lab.service(f"s{number}")
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
        try:
            await until(lambda: f"s{number}" in lab.addresses())  # noqa: B023  # awaited right here
            lab.service(f"t{number}")
        finally:
            process.kill()
            await process.wait()
        assert lab.addresses().items() >= expected.items()
        expected = lab.addresses()
        assert len(set(expected.values())) == len(expected)
    final = await lab.once()
    assert final.items() >= expected.items()
    assert len(set(final.values())) == len(final) == 10


async def test_everybody_keeps_what_they_have_before_anybody_is_given_something_new(lab: Lab) -> None:
    lab.service("a")
    lab.service("b")
    before = await lab.once()
    lab.service("a", loadBalancerIP=before["b"])
    assert await lab.once() == before
    lab.service("a")
    lab.configure(ARTICLE_CONFIG.replace("10.211.55.240/28", "10.211.55.241-10.211.55.250"))
    assert await lab.once() == {"a": "10.211.55.242", "b": "10.211.55.241"}
