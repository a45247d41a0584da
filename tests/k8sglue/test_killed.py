"""The controller, killed again and again while Services come and go: nobody ever notices more than a delay.

The real program runs against the stand-in, which is asked at every single change whether an address stands in two
places. KILLED_SERVICES=2000 makes it long.
"""

import asyncio
import contextlib
import os
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import attrs

from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer

SERVICES = int(os.environ.get("KILLED_SERVICES", "150"))
ADDRESSES = SERVICES // 3
"""Fewer than there are Services at times, so that some wait for what others give back."""
KILLS = max(4, SERVICES // 60)
LAST = f"10.0.{ADDRESSES // 256}.{ADDRESSES % 256}"
CONFIG = f"address-pools: [{{name: p, protocol: layer2, addresses: [10.0.0.0-{LAST}]}}]"
POOL_SIZE = ADDRESSES + 1


@attrs.define
class Crowd:
    """Services that come, change and go, and what has been shown in their status so far."""

    api: ApiServer
    random: random.Random
    made: int = 0
    shown_twice: list[str] = attrs.field(factory=list)
    seen: int = 0
    of: dict[str, list[str]] = attrs.field(factory=dict)
    shown: Counter[str] = attrs.field(factory=Counter)

    def watch(self) -> None:
        """Look at the last change."""
        (change,) = self.api.objects.changes_since(self.api.objects.version - 1)
        if change.resource.kind != "Service":
            return
        self.seen += 1
        name = change.object["metadata"]["name"]
        points = (
            () if change.type == "DELETED" else change.object["status"]["loadBalancer"].get("ingress", ())
        )
        self.shown.subtract(self.of.pop(name, ()))
        self.of[name] = [point["ip"] for point in points]
        self.shown.update(self.of[name])
        self.shown_twice += [f"{each} at {change.version}" for each in self.of[name] if self.shown[each] > 1]

    def addresses(self) -> dict[str, list[str]]:
        """Return what every Service shows."""
        return {
            made["metadata"]["name"]: [
                point["ip"] for point in made["status"]["loadBalancer"].get("ingress", ())
            ]
            for (kind, _, _), made in self.api.objects.everything()
            if kind == "Service"
        }

    def create(self) -> None:
        metadata = {"namespace": "default", "name": f"s{self.made}"}
        spec: dict[str, Any] = {"type": "LoadBalancer", "ports": [{"port": 80}]}
        if self.random.random() < 0.1:
            spec["loadBalancerIP"] = self.some_address()
        self.api.create({"kind": "Service", "metadata": metadata, "spec": spec})
        self.made += 1

    def step(self) -> None:
        """Let something happen."""
        names = sorted(self.addresses())
        what = self.random.random()
        if not names or (what < 0.5 and len(names) < SERVICES // 2):
            self.create()
            return
        place = ("Service", "default", self.random.choice(names))
        if what < 0.75:
            self.api.delete(*place)
        elif what < 0.85:
            self.api.patch(*place, {"spec": {"type": self.random.choice(["ClusterIP", "LoadBalancer"])}})
        elif what < 0.95:
            self.api.patch(
                *place, {"spec": {"loadBalancerIP": self.random.choice([None, self.some_address()])}}
            )
        else:
            self.api.patch(*place, {"metadata": {"labels": {"x": str(what)}}})

    def some_address(self) -> str:
        number = self.random.randrange(POOL_SIZE)
        return f"10.0.{number // 256}.{number % 256}"

    async def live(self) -> None:
        """Let things happen, as fast as the machine bears, until all Services have been there."""
        while self.made < SERVICES:
            self.step()
            await asyncio.sleep(self.random.uniform(0, 0.02))


@contextlib.asynccontextmanager
async def controller(kubeconfig: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    options = (
        "--kubeconfig",
        str(kubeconfig),
        "--port",
        "0",
        "--lease-duration",
        "1",
        "--log-level",
        "warning",
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "k8sglue", "controller", *options)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_controller_that_is_killed_at_any_time_leaves_nothing_wrong(tmp_path: Path) -> None:
    chance = random.Random(7)
    async with ApiServer() as api:
        metadata = {"namespace": "metallb-system", "name": "config"}
        api.create({"kind": "ConfigMap", "metadata": metadata, "data": {"config": CONFIG}})
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        crowd = Crowd(api, chance)
        api.objects.listeners.append(crowd.watch)
        living = asyncio.create_task(crowd.live())
        for _ in range(KILLS):
            writes = api.count("patch", "services/status")
            target = writes + chance.randrange(SERVICES // 4)
            async with controller(kubeconfig) as process:
                with contextlib.suppress(TimeoutError):
                    # Wherever it is then, if nothing is left to do.
                    await until(lambda: api.count("patch", "services/status") > target, 4.0)  # noqa: B023
                assert process.returncode is None
        await living
        async with controller(kubeconfig) as process:
            await until(lambda: settled(crowd), 60.0)
            writes = api.count("patch", "services/status")
            for name in crowd.addresses():
                api.delete("Service", "default", name)
            for _ in range(POOL_SIZE):
                metadata = {"namespace": "default", "name": f"last{_}"}
                api.create({"kind": "Service", "metadata": metadata, "spec": {"type": "LoadBalancer"}})
            # Whatever had leaked would be missing now.
            await until(lambda: all(crowd.addresses().values()), 60.0)
            process.terminate()
            assert await process.wait() == 0
        assert crowd.shown_twice == []
        assert crowd.seen > SERVICES


def settled(crowd: Crowd) -> bool:
    """Tell whether every Service that could have an address has one: as many as there are addresses, or all."""
    wanted = {
        made["metadata"]["name"]: made["spec"]
        for made in crowd.api.list("Service")
        if made["spec"]["type"] == "LoadBalancer"
    }
    shown = crowd.addresses()
    taken = {address for each in shown.values() for address in each}
    waiting = [spec for name, spec in wanted.items() if not shown[name]]
    free = POOL_SIZE - len(taken)
    return not any(
        spec.get("loadBalancerIP") not in taken if "loadBalancerIP" in spec else free for spec in waiting
    )
