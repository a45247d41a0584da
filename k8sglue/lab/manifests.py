"""What stands in the directory of manifests: the cluster of the lab, as kubectl would take it.

The first ConfigMap is, octet for octet, the one that MetalLB's users start with. Kubernetes would write the nodes
and the endpoints by itself; here the lab does.
"""

import os
from collections.abc import Collection
from pathlib import Path

import attrs

from k8sglue.lab.topology import NODES, NODES_ASN, ROUTER, ROUTER_ASN, host

CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  namespace: metallb-system
  name: config
data:
  config: |
    address-pools:
    - name: my-ip-space
      protocol: layer2
      addresses:
      - 10.211.55.240/28
"""

BGP_CONFIG = f"""\
    - name: behind-routers
      protocol: bgp
      addresses:
      - 198.51.100.16/28
      auto-assign: false
    peers:
    - my-asn: {NODES_ASN}
      peer-asn: {ROUTER_ASN}
      peer-address: {host(ROUTER).address}
"""
"""What the ConfigMap goes on with once the router is to be told."""

_SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: {name}
  namespace: default
{annotations}spec:
  type: LoadBalancer
  clusterIP: {cluster_ip}
  externalTrafficPolicy: {policy}
  selector:
    app: nginx
  ports:
  - port: 80
    protocol: TCP
    targetPort: 80
    nodePort: {node_port}
"""

_POOL = """\
  annotations:
    metallb.universe.tf/address-pool: behind-routers
"""

_SLICE = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: {name}
  namespace: default
  labels:
    kubernetes.io/service-name: {name}
addressType: IPv4
ports:
- name: ""
  port: 80
  protocol: TCP
endpoints:
"""

_ENDPOINT = """\
- addresses: [{address}]
  nodeName: {node}
  conditions:
    ready: {ready}
"""

_NODE = """\
apiVersion: v1
kind: Node
metadata:
  name: {name}
  labels:
    kubernetes.io/hostname: {name}
status:
  addresses:
  - type: InternalIP
    address: {address}
"""

ALL_NODES = tuple(node.name for node in NODES)


@attrs.frozen(kw_only=True)
class DemoService:
    """A Service of the demonstration, in front of the web servers."""

    name: str
    cluster_ip: str
    node_port: int
    annotations: str = ""

    @property
    def file(self) -> str:
        """The file that has its manifest."""
        return f"{self.name}.yaml"

    @property
    def endpoints_file(self) -> str:
        return f"{self.name}-endpoints.yaml"

    def manifest(self, policy: str = "Cluster") -> str:
        """Return the Service's manifest with this externalTrafficPolicy."""
        return _SERVICE.format(
            name=self.name,
            cluster_ip=self.cluster_ip,
            node_port=self.node_port,
            annotations=self.annotations,
            policy=policy,
        )

    def endpoints(self, ready: Collection[str] = ALL_NODES) -> str:
        """Return the manifest of its endpoints: the pods of all nodes, ready on those named."""
        lines = [
            _ENDPOINT.format(address=node.pod_address, node=node.name, ready=str(node.name in ready).lower())
            for node in NODES
        ]
        return _SLICE.format(name=self.name) + "".join(lines)


NGINX = DemoService(name="nginx", cluster_ip="10.96.245.212", node_port=32207)
NGINX_BGP = DemoService(name="nginx-bgp", cluster_ip="10.96.101.18", node_port=32208, annotations=_POOL)


def nodes() -> str:
    """Return the manifests of the nodes."""
    return "---\n".join(_NODE.format(name=node.name, address=node.address) for node in NODES)


def write(directory: Path, name: str, text: str) -> None:
    """Write a manifest whole: the programs that watch see the old one or the new one."""
    temporary = directory / f".{name}"
    temporary.write_text(text)
    os.replace(temporary, directory / name)
