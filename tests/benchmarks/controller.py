"""What the controller takes for many Services, beside a stand-in for an API server: `-m tests.benchmarks.controller`.

The stand-in runs in this process and the program in one of its own, so that memory and CPU time are the program's.
Services have managedFields and annotations as real ones do, about 2.5 kB of JSON each.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer

CONFIG = "address-pools: [{name: p, protocol: layer2, addresses: [10.0.0.0/16]}]"


def service(number: int) -> dict[str, object]:
    """Make a Service as large as they are in practice."""
    fields: dict[str, object] = {
        f"f:field{index}": {".": {}, f'k:{{"port":{index},"protocol":"TCP"}}': {}} for index in range(20)
    }
    return {
        "kind": "Service",
        "metadata": {
            "namespace": f"team-{number % 50}",
            "name": f"service-{number}",
            "labels": {"app": f"app-{number}", "tier": "frontend", "team": f"team-{number % 50}"},
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "x" * 600},
            "managedFields": [{"manager": "kubectl", "operation": "Update", "fieldsV1": fields}],
        },
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": f"app-{number}"},
            "ports": [{"name": "http", "port": 80}, {"name": "https", "port": 443}],
        },
    }


def resident(pid: int) -> dict[str, float]:
    """Return the memory of a process in MB: now, and at most so far."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM")}


def cpu_time(pid: int) -> float:
    """Return the seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def measure(count: int, rate: int) -> None:
    """Print what `count` Services cost."""
    async with ApiServer() as api:
        metadata = {"namespace": "metallb-system", "name": "config"}
        api.create({"kind": "ConfigMap", "metadata": metadata, "data": {"config": CONFIG}})
        for number in range(count):
            api.create(service(number))
        with tempfile.TemporaryDirectory() as folder:
            kubeconfig = api.kubeconfig(Path(folder) / "kubeconfig")
            options = ("--kubeconfig", str(kubeconfig), "--port", "0", "--write-rate", str(rate))
            command = (sys.executable, "-m", "k8sglue", "controller", "--log-level", "warning", *options)
            begun = time.monotonic()
            process = await asyncio.create_subprocess_exec(*command)
            try:
                await until(lambda: api.count("patch", "services/status") > 0, 120.0)
                listed, idle = time.monotonic() - begun, cpu_time(process.pid)
                print(f"listed after {listed:.1f} s, {idle:.1f} s CPU, memory {resident(process.pid)}")
                first = time.monotonic()
                await until(lambda: api.count("create", "events") >= count, 1200.0)
                seconds, busy = time.monotonic() - first, cpu_time(process.pid) - idle
            finally:
                memory = resident(process.pid)
                process.terminate()
                await process.wait()
        patches, events = api.count("patch", "services/status"), api.count("create", "events")
        print(
            f"{count} Services in {seconds:.1f} s: {count / seconds:.0f}/s, {patches} patches, {events} Events"
        )
        print(f"CPU {1000 * busy / count:.2f} ms a Service; memory {memory}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=600)
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.services, arguments.rate))
