"""The speaker program beside a real BIRD and a real kernel, over a directory of manifests."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conditions import until
from tests.interop.bird import Bird
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces

pytestmark = [
    *needs_namespaces,
    pytest.mark.skipif(shutil.which("bird", path="/usr/sbin:/usr/bin") is None, reason="needs bird2"),
]

CONFIG = """\
kind: ConfigMap
metadata: {namespace: metallb-system, name: config}
data:
  config: |
    peers:
    - {my-asn: 64512, peer-asn: 64513, peer-address: 10.0.0.2, hold-time: 9s}
    bgp-communities: {red: "64512:7"}
    address-pools:
    - name: routed
      protocol: bgp
      addresses: [203.0.113.0/24]
      bgp-advertisements: [{communities: [red]}]
    - {name: local, protocol: layer2, addresses: [10.0.0.128/25]}
"""
WITHOUT_PEER = "\n".join(line for line in CONFIG.splitlines() if "peer" not in line)
NODE = "kind: Node\nmetadata: {name: node-a}\n"


def service(name: str, address: str) -> str:
    """A Service with an address and an endpoint, as they are once the controller has seen it."""
    return f"""\
kind: Service
metadata: {{name: {name}}}
spec: {{type: LoadBalancer, clusterIP: 10.96.0.9, ports: [{{port: 80}}]}}
status: {{loadBalancer: {{ingress: [{{ip: {address}}}]}}}}
---
kind: EndpointSlice
metadata: {{name: {name}-1, labels: {{kubernetes.io/service-name: {name}}}}}
endpoints: [{{addresses: [10.244.1.5], nodeName: node-a}}]
"""


class Scene:
    """A node with a speaker at 10.0.0.1, a router with BIRD at 10.0.0.2, and the manifests."""

    def __init__(self, node: NetworkNamespace, router: NetworkNamespace, path: Path) -> None:
        self.node = node
        self.router = router
        self.manifests = path / "manifests"
        self.manifests.mkdir()
        self.bird = Bird(router, path)
        self.bird.start()
        for name, text in {"config": CONFIG, "node": NODE, "web": service("web", "203.0.113.7")}.items():
            self.write(name, text)
        self.speaker = self.start_speaker()

    def write(self, name: str, text: str) -> None:
        """Write a manifest whole."""
        temporary = self.manifests / f".{name}"
        temporary.write_text(text)
        temporary.rename(self.manifests / f"{name}.yaml")

    def start_speaker(self) -> subprocess.Popen[bytes]:
        """Start the real program."""
        command = ("-m", "k8sglue", "speaker", "--source", str(self.manifests), "--node-name", "node-a")
        return self.node.start(sys.executable, *command)

    def routes(self) -> set[str]:
        """The prefixes that BIRD has from the speaker."""
        return set(self.bird.routes())

    def answers(self, address: str) -> bool:
        """Tell whether the router's kernel finds somebody who has the address."""
        self.router.run("ip", "neigh", "flush", "to", address)
        probe = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'', ('{}', 9))"
        self.router.run(sys.executable, "-c", probe.format(address))
        return "lladdr" in self.router.run("ip", "neigh", "show", "to", address)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with NetworkNamespace("node") as node, NetworkNamespace("router") as router:
        connect(node, "10.0.0.1/24", router, "10.0.0.2/24")
        yield Scene(node, router, tmp_path)


async def test_routes_follow_the_manifests(scene: Scene) -> None:
    await until(lambda: scene.routes() == {"203.0.113.7/32"})
    assert "BGP.community: (64512,7)" in scene.bird.routes()["203.0.113.7/32"]
    scene.write("more", service("more", "203.0.113.9"))
    await until(lambda: scene.routes() == {"203.0.113.7/32", "203.0.113.9/32"})
    (scene.manifests / "web.yaml").unlink()
    await until(lambda: scene.routes() == {"203.0.113.9/32"})


async def test_a_speaker_that_is_stopped_withdraws_and_says_goodbye(scene: Scene) -> None:
    await until(lambda: scene.routes() == {"203.0.113.7/32"})
    lease = scene.manifests / "status" / "leases" / "k8sglue-speaker-node-a.yaml"
    assert lease.exists()
    scene.speaker.send_signal(signal.SIGTERM)
    await until(lambda: scene.speaker.poll() is not None)
    assert scene.speaker.returncode == 0
    await until(lambda: not scene.routes())
    assert scene.bird.last_error() == "Received: Administrative shutdown"
    assert not lease.exists()


async def test_routes_come_back_when_bird_does(scene: Scene) -> None:
    await until(lambda: scene.routes() == {"203.0.113.7/32"})
    scene.bird.kill()
    assert not scene.routes()
    scene.bird.start()
    await until(lambda: scene.routes() == {"203.0.113.7/32"})


async def test_a_peer_that_is_taken_out_of_the_configuration_is_told(scene: Scene) -> None:
    await until(lambda: scene.routes() == {"203.0.113.7/32"})
    scene.write("config", WITHOUT_PEER)
    await until(lambda: not scene.routes())
    assert scene.bird.last_error() == "Received: Peer de-configured"
    scene.write("config", CONFIG)
    await until(lambda: scene.routes() == {"203.0.113.7/32"})


async def test_broken_files_change_nothing(scene: Scene) -> None:
    await until(lambda: scene.routes() == {"203.0.113.7/32"})
    (scene.manifests / "web.yaml").write_text("kind: [")
    scene.write("config", CONFIG.replace("203.0.113.0/24", "203.0.113.0/240"))
    scene.write("more", service("more", "10.0.0.200"))
    await until(lambda: scene.answers("10.0.0.200"))
    assert scene.routes() == {"203.0.113.7/32"}


async def test_layer_2_answers_for_its_address_and_no_other(scene: Scene) -> None:
    scene.write("more", service("more", "10.0.0.200"))
    await until(lambda: scene.answers("10.0.0.200"))
    assert not scene.answers("10.0.0.201")
    (scene.manifests / "more.yaml").unlink()
    await until(lambda: not scene.answers("10.0.0.200"))
