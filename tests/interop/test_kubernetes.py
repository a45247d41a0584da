"""Controller and speaker as a cluster runs them: against the API over HTTP, with a real BIRD and a real kernel."""

import shutil
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conditions import until
from tests.interop.bird import Bird
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces
from tests.k8sglue.apiserver import ApiServer
from tests.k8sglue.test_kubernetes import address, config_map, service

pytestmark = [
    *needs_namespaces,
    pytest.mark.skipif(shutil.which("bird", path="/usr/sbin:/usr/bin") is None, reason="needs bird2"),
]

CONFIG = """\
peers:
- {my-asn: 64512, peer-asn: 64513, peer-address: 10.0.0.2}
address-pools:
- {name: routed, protocol: bgp, addresses: [203.0.113.0/24]}
- {name: x-local, protocol: layer2, addresses: [10.0.0.128/25]}
"""


def endpoints(name: str) -> dict[str, object]:
    return {
        "kind": "EndpointSlice",
        "metadata": {
            "namespace": "default",
            "name": f"{name}-x7k",
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.244.1.5"], "nodeName": "node-a", "conditions": {"ready": True}}],
    }


@pytest.fixture
async def namespaces() -> AsyncIterator[tuple[NetworkNamespace, NetworkNamespace]]:
    with NetworkNamespace("node") as node, NetworkNamespace("router") as router:
        connect(node, "10.0.0.1/24", router, "10.0.0.2/24")
        yield node, router


def holders(api: ApiServer) -> dict[str, str]:
    """Who holds each Lease."""
    return {each["metadata"]["name"]: each["spec"].get("holderIdentity", "") for each in api.list("Lease")}


async def test_both_programs_over_http(
    namespaces: tuple[NetworkNamespace, NetworkNamespace], tmp_path: Path
) -> None:
    node, router = namespaces
    bird = Bird(router, tmp_path)
    bird.start()
    with node.entered():
        api = await ApiServer().__aenter__()
    try:
        api.create(config_map(CONFIG))
        api.create({"kind": "Node", "metadata": {"name": "node-a"}})
        config = str(api.kubeconfig(tmp_path / "kubeconfig"))
        program = (sys.executable, "-m", "k8sglue")
        controller = node.start(*program, "controller", "--kubeconfig", config, "--port", "0")
        speaker = node.start(*program, "speaker", "--kubeconfig", config, "--node-name", "node-a")

        api.create(service("web"))
        api.create(endpoints("web"))
        await until(lambda: address(api, "web") == "203.0.113.0")
        await until(lambda: set(bird.routes()) == {"203.0.113.0/32"})
        # Announcing by BGP does not wait for the first heartbeat.
        await until(lambda: holders(api).get("k8sglue-speaker-node-a"))
        assert holders(api)["k8sglue-speaker-node-a"] == "node-a"
        assert holders(api)["k8sglue-controller"]

        api.cut_watches("half")
        api.create(service("more", loadBalancerIP="203.0.113.9"))
        api.create(endpoints("more"))
        await until(lambda: set(bird.routes()) == {"203.0.113.0/32", "203.0.113.9/32"})
        api.delete("Service", "default", "web")
        api.expire()
        await until(lambda: set(bird.routes()) == {"203.0.113.9/32"})

        # Layer 2 beside it: the router's kernel finds the address.
        api.create(service("local", loadBalancerIP="10.0.0.200"))
        api.create(endpoints("local"))
        probe = (
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('10.0.0.200', 9))"
        )

        def found() -> bool:
            router.run("ip", "neigh", "flush", "to", "10.0.0.200")
            router.run(sys.executable, "-c", probe)
            return "lladdr" in router.run("ip", "neigh", "show", "to", "10.0.0.200")

        await until(found)

        speaker.send_signal(signal.SIGTERM)
        await until(lambda: speaker.poll() is not None)
        assert speaker.returncode == 0
        await until(lambda: not bird.routes())
        assert bird.last_error() == "Received: Administrative shutdown"
        controller.send_signal(signal.SIGTERM)
        await until(lambda: controller.poll() is not None)
        assert controller.returncode == 0
        # The speaker's is gone, the controller's is free for the next one.
        assert holders(api) == {"k8sglue-controller": ""}
    finally:
        await api.__aexit__(None, None, None)
