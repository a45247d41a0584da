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

IPV6_CONFIG = """\
      - fd10:211:55::240/124
"""
"""What the ConfigMap goes on with once the pool is to have IPv6 addresses beside those of IPv4."""

BGP_CONFIG = f"""\
    - name: behind-routers
      protocol: bgp
      addresses:
      - 198.51.100.16/28
      - 2001:db8:100::10/124
      auto-assign: false
    peers:
    - my-asn: {NODES_ASN}
      peer-asn: {ROUTER_ASN}
      peer-address: {host(ROUTER).addresses[0]}
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
  ipFamilyPolicy: {family_policy}
  ipFamilies: [{families}]
  clusterIP: {cluster_ip}
  clusterIPs: [{cluster_ips}]
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
  name: {name}-{suffix}
  namespace: default
  labels:
    kubernetes.io/service-name: {name}
addressType: {family}
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
    address: {addresses[0]}
  - type: InternalIP
    address: {addresses[1]}
"""

ALL_NODES = tuple(node.name for node in NODES)


_FAMILIES = ("IPv4", "IPv6")


@attrs.frozen(kw_only=True)
class DemoService:
    """A Service of the demonstration, in front of the web servers."""

    name: str
    cluster_ips: tuple[str, ...]
    """One of each family that the Service is to have addresses of."""
    node_port: int
    annotations: str = ""

    @property
    def families(self) -> tuple[str, ...]:
        """What stands in `ipFamilies`."""
        return tuple("IPv6" if ":" in address else "IPv4" for address in self.cluster_ips)

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
            family_policy="RequireDualStack" if len(self.families) > 1 else "SingleStack",
            families=", ".join(self.families),
            cluster_ip=self.cluster_ips[0],
            cluster_ips=", ".join(f'"{address}"' for address in self.cluster_ips),
            node_port=self.node_port,
            annotations=self.annotations,
            policy=policy,
        )

    def endpoints(self, ready: Collection[str] = ALL_NODES) -> str:
        """Return the manifests of its endpoints, a slice a family: the pods of all nodes, ready on those named."""
        return "---\n".join(self._slice(family, ready) for family in self.families)

    def _slice(self, family: str, ready: Collection[str]) -> str:
        lines = [
            _ENDPOINT.format(
                address=node.pod_addresses[_FAMILIES.index(family)],
                node=node.name,
                ready=str(node.name in ready).lower(),
            )
            for node in NODES
        ]
        return _SLICE.format(name=self.name, suffix=family.lower(), family=family) + "".join(lines)


NGINX = DemoService(name="nginx", cluster_ips=("10.96.245.212",), node_port=32207)
NGINX_IPV6 = DemoService(name="nginx-ipv6", cluster_ips=("fd10:96::5:212",), node_port=32208)
NGINX_DUAL = DemoService(name="nginx-dual", cluster_ips=("10.96.78.30", "fd10:96::78:30"), node_port=32209)
NGINX_BGP = DemoService(
    name="nginx-bgp", cluster_ips=("10.96.101.18", "fd10:96::101:18"), node_port=32210, annotations=_POOL
)
SERVICES = (NGINX, NGINX_IPV6, NGINX_DUAL, NGINX_BGP)


def nodes() -> str:
    """Return the manifests of the nodes."""
    return "---\n".join(_NODE.format(name=node.name, addresses=node.addresses) for node in NODES)


def write(directory: Path, name: str, text: str) -> None:
    """Write a manifest whole: the programs that watch see the old one or the new one."""
    temporary = directory / f".{name}"
    temporary.write_text(text)
    os.replace(temporary, directory / name)
