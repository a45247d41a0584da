"""Short ways to write down the objects that the tests are about."""

from ipaddress import ip_address
from typing import Any

from k8sglue.config import AddressRange, BGPAdvertisement, Config, IPAddress, L2Advertisement, Pool
from k8sglue.configmap import CONFIG_KEY, read_text
from k8sglue.customresources import CustomResource
from k8sglue.declarations import Declaration, ObjectName
from k8sglue.documents import load
from k8sglue.judgement import Reading, judge
from k8sglue.kinds import Key, Kind, kind_of
from k8sglue.resources import ConfigMap, Endpoint, EndpointSlice, Node, Service, ServicePort, parse, unfold
from k8sglue.specs import Spec

ARTICLE_CONFIG = """\
address-pools:
- name: my-ip-space
  protocol: layer2
  addresses:
  - 10.211.55.240/28
"""


CONFIG_NAME = ObjectName(Kind.CONFIG_MAP, Key("metallb-system", "config"))


def config(text: str = ARTICLE_CONFIG) -> Config:
    """Read the document of a ConfigMap that has no problems."""
    read = read_text(text, CONFIG_NAME)
    assert not read.problems
    reading = judge(read.declarations)
    assert not reading.problems
    return reading.config


def judged(text: str, previous: Reading | None = None, **arguments: Any) -> Reading:
    """Judge the manifests in a text, and the ConfigMaps among them; `arguments` are those of `judge`."""
    declarations: list[Declaration[Spec]] = []
    for document in load(text):
        for _, manifest in unfold(document.data):
            kind = kind_of(manifest)
            assert kind is not None, manifest
            parsed = parse(kind, manifest)
            if isinstance(parsed, CustomResource):
                declarations.append(parsed.declaration)
            elif isinstance(parsed, ConfigMap):
                declarations += read_text(parsed.data[CONFIG_KEY], ObjectName(kind, parsed.key)).declarations
    return judge(declarations, previous=previous, **arguments)


def resource(kind: str, name: str, spec: str, **metadata: str) -> str:
    """Write a custom resource down; `spec` is YAML in one line."""
    version = "v1beta2" if kind == "BGPPeer" else "v1beta1"
    beside = "".join(f", {key}: {value}" for key, value in metadata.items())
    return (
        f"---\napiVersion: metallb.io/{version}\nkind: {kind}\n"
        f"metadata: {{name: {name}, namespace: metallb-system{beside}}}\nspec: {spec}\n"
    )


def pool(
    name: str, *ranges: str, auto_assign: bool = True, bgp: bool = False, avoid_buggy_ips: bool = False
) -> Pool:
    """Make a pool from ranges such as `10.0.0.1-10.0.0.9`."""
    ends = [each.split("-") for each in ranges]
    return Pool(
        name=name,
        ranges=tuple(AddressRange(ip_address(first), ip_address(last)) for first, last in ends),
        auto_assign=auto_assign,
        avoid_buggy_ips=avoid_buggy_ips,
        layer2=() if bgp else (L2Advertisement(),),
        bgp=(BGPAdvertisement(),) if bgp else (),
    )


def pools(*members: Pool, complete: bool = True) -> Config:
    """Make a configuration of pools alone."""
    return Config(pools={each.name: each for each in members}, complete=complete)


def service(name: str = "nginx", **fields: object) -> Service:
    """Make a Service of type LoadBalancer in the namespace `default`."""
    values: dict[str, object] = {
        "type": "LoadBalancer",
        "cluster_ips": ("10.96.245.212",),
        "ports": (ServicePort(80, node_port=32207),),
        **fields,
    }
    return Service(key=Key("default", name), **values)  # type: ignore[arg-type]  # as the caller says


def endpoints(name: str, *nodes: str, can_serve: bool = True) -> EndpointSlice:
    """Make the slice of a Service that has one endpoint on each of these nodes."""
    return EndpointSlice(
        key=Key("default", f"{name}-1"),
        service=Key("default", name),
        endpoints=tuple(
            Endpoint((f"10.244.{index}.5",), node_name=node, can_serve=can_serve)
            for index, node in enumerate(nodes)
        ),
    )


def node(name: str, network_unavailable: bool = False, **labels: str) -> Node:
    """Make a Node; underscores in the names of labels stand for dashes."""
    return Node(
        key=Key("", name),
        labels={label.replace("_", "-"): value for label, value in labels.items()},
        network_unavailable=network_unavailable,
    )


def addresses(*texts: str) -> tuple[IPAddress, ...]:
    """Read addresses."""
    return tuple(map(ip_address, texts))
