"""The Kubernetes objects that the programs read, as values parsed from what an API server or a manifest says.

Only the fields that somebody uses are kept, so ten thousand Services stay small. A field that is missing has the
default that an API server would have filled in, because manifests in a directory were never near one.
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import ClassVar, TypeAlias

import attrs

from k8sglue.customresources import CustomResource, custom_resource
from k8sglue.fields import Fields, Path, Problem, show
from k8sglue.kinds import CUSTOM_KINDS
from k8sglue.kinds import Key as Key
from k8sglue.kinds import Kind as Kind
from k8sglue.kinds import kind_of as kind_of


class ResourceError(Exception):
    """The manifest of an object does not describe one that can be used; `problems` lists every reason."""

    def __init__(self, kind: Kind, key: Key, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.kind = kind
        self.key = key
        self.problems = tuple(problems)


@attrs.frozen
class ServicePort:
    """One port of a Service."""

    port: int
    protocol: str = "TCP"
    name: str = ""
    node_port: int = 0
    """Port on every node, 0 if there is none."""
    target_port: str = ""
    """Port number or name on the pods, empty for the same as `port`."""


@attrs.frozen(kw_only=True)
class Service:
    """core/v1 Service."""

    kind: ClassVar[Kind] = Kind.SERVICE

    key: Key
    type: str = "ClusterIP"
    labels: Mapping[str, str] = attrs.field(factory=dict)
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    cluster_ips: tuple[str, ...] = ()
    ip_families: tuple[str, ...] = ()
    """`IPv4`, `IPv6` or both, the primary one first; an API server always fills them in."""
    ip_family_policy: str = "SingleStack"
    ports: tuple[ServicePort, ...] = ()
    selector: Mapping[str, str] = attrs.field(factory=dict)
    """The labels of its pods; empty if somebody else makes its EndpointSlices."""
    load_balancer_ip: str = ""
    """`spec.loadBalancerIP`, what the user asks for, unchecked; empty if nothing."""
    load_balancer_class: str = ""
    external_traffic_policy: str = "Cluster"
    ingress: tuple[str, ...] = ()
    """The addresses in `status.loadBalancer.ingress`, as they stand there."""
    uid: str = ""
    resource_version: str = ""


@attrs.frozen
class Endpoint:
    """One backend of a Service."""

    addresses: tuple[str, ...]
    node_name: str = ""
    can_serve: bool = True
    """Ready, or at least serving while it terminates: MetalLB's rule, and kube-proxy's."""


@attrs.frozen(kw_only=True)
class EndpointSlice:
    """discovery.k8s.io/v1 EndpointSlice: some of the backends of one Service, of one address family."""

    kind: ClassVar[Kind] = Kind.ENDPOINT_SLICE

    key: Key
    service: Key
    """The Service that the label kubernetes.io/service-name points to; an empty name if it has none."""
    address_type: str = "IPv4"
    endpoints: tuple[Endpoint, ...] = ()
    ports: tuple[ServicePort, ...] = ()
    resource_version: str = ""


@attrs.frozen(kw_only=True)
class Node:
    """core/v1 Node."""

    kind: ClassVar[Kind] = Kind.NODE

    key: Key
    labels: Mapping[str, str] = attrs.field(factory=dict)
    network_unavailable: bool = False
    """The condition NetworkUnavailable is True."""
    resource_version: str = ""

    @property
    def name(self) -> str:
        """The node's name, which its speaker goes by."""
        return self.key.name


@attrs.frozen(kw_only=True)
class Namespace:
    """core/v1 Namespace."""

    kind: ClassVar[Kind] = Kind.NAMESPACE

    key: Key
    labels: Mapping[str, str] = attrs.field(factory=dict)
    resource_version: str = ""


@attrs.frozen(kw_only=True)
class Secret:
    """core/v1 Secret: the password of a BGP peer."""

    kind: ClassVar[Kind] = Kind.SECRET

    key: Key
    type: str = "Opaque"
    password: str | None = attrs.field(default=None, repr=False)
    """The value of its key `password`; None if it has none."""
    resource_version: str = ""


@attrs.frozen(kw_only=True)
class ConfigMap:
    """core/v1 ConfigMap."""

    kind: ClassVar[Kind] = Kind.CONFIG_MAP

    key: Key
    data: Mapping[str, str] = attrs.field(factory=dict)
    resource_version: str = ""


@attrs.frozen(kw_only=True)
class Lease:
    """coordination.k8s.io/v1 Lease: the heartbeat of one speaker."""

    kind: ClassVar[Kind] = Kind.LEASE

    key: Key
    holder: str = ""
    """Name of the node whose speaker renews it; empty once that speaker has stopped."""
    duration: float = 0.0
    """Seconds after which it counts as expired, from when its last change was seen."""
    renew_time: str = ""
    """What the holder's clock said. Never compared with another clock: only its changing means anything."""
    annotations: Mapping[str, str] = attrs.field(factory=dict)
    resource_version: str = ""


Resource: TypeAlias = Service | EndpointSlice | Node | Namespace | ConfigMap | Secret | Lease | CustomResource

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")  # RFC 1123 label
_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")  # RFC 1123 subdomain
SERVICE_NAME_LABEL = "kubernetes.io/service-name"


NAME_RULE = "lower case letters, digits, - and ., at most 253, the first and the last no - or ."


def is_name(text: str) -> bool:
    """Tell whether an object may have this name (RFC 1123 subdomain)."""
    return _NAME.fullmatch(text) is not None


def unfold(manifest: object) -> Iterator[tuple[Path, object]]:
    """Go through the objects of a manifest with their places in it: the items of a List, else the one object."""
    items = (
        manifest.get("items") if isinstance(manifest, Mapping) and manifest.get("kind") == "List" else None
    )
    if isinstance(items, list):
        yield from ((("items", index), item) for index, item in enumerate(items))
    else:
        yield (), manifest


def parse(kind: Kind, manifest: object) -> Resource:
    """Turn an object, as JSON or YAML has it, into a value. Raise ResourceError if it can not be one."""
    problems: list[Problem] = []
    fields = Fields.of(manifest, problems)
    metadata = fields.fields("metadata")
    namespace = metadata.text("namespace", "default") if kind.is_namespaced else ""
    key = Key(namespace, metadata.text("name"))
    if not is_name(key.name):
        wrong = f"{show(key.name)}, must be {NAME_RULE}" if key.name else "missing"
        metadata.problem(wrong, "name")
    if not _LABEL.fullmatch(key.namespace) and kind.is_namespaced:
        metadata.problem(f"{show(key.namespace)}, must be lower case letters, digits and -", "namespace")
    resource = _PARSERS[kind](key, metadata, fields)
    if problems:
        raise ResourceError(kind, key, problems)
    return resource


def _service(key: Key, metadata: Fields, fields: Fields) -> Service:
    spec = fields.fields("spec")
    cluster_ip = spec.text("clusterIP")
    balancer = fields.fields("status").fields("loadBalancer")
    return Service(
        key=key,
        type=spec.text("type", "ClusterIP"),
        labels=metadata.text_map("labels"),
        annotations=metadata.text_map("annotations"),
        cluster_ips=spec.texts("clusterIPs") or ((cluster_ip,) if cluster_ip else ()),
        ip_families=spec.texts("ipFamilies"),
        ip_family_policy=spec.text("ipFamilyPolicy", "SingleStack"),
        ports=tuple(map(_port, spec.each("ports"))),
        selector=spec.text_map("selector"),
        load_balancer_ip=spec.text("loadBalancerIP"),
        load_balancer_class=spec.text("loadBalancerClass"),
        external_traffic_policy=spec.text("externalTrafficPolicy", "Cluster"),
        ingress=tuple(filter(None, (point.text("ip") for point in balancer.each("ingress")))),
        uid=metadata.text("uid"),
        resource_version=metadata.text("resourceVersion"),
    )


def _port(fields: Fields) -> ServicePort:
    return ServicePort(
        port=fields.integer("port", highest=65535),
        protocol=fields.text("protocol", "TCP"),
        name=fields.text("name"),
        node_port=fields.integer("nodePort", highest=65535),
        target_port=fields.text_or_integer("targetPort"),
    )


def _endpoint_slice(key: Key, metadata: Fields, fields: Fields) -> EndpointSlice:
    return EndpointSlice(
        key=key,
        service=Key(key.namespace, metadata.text_map("labels").get(SERVICE_NAME_LABEL, "")),
        address_type=fields.text("addressType", "IPv4"),
        endpoints=tuple(map(_endpoint, fields.each("endpoints"))),
        ports=tuple(map(_port, fields.each("ports"))),
        resource_version=metadata.text("resourceVersion"),
    )


def _endpoint(fields: Fields) -> Endpoint:
    conditions = fields.fields("conditions")
    return Endpoint(
        addresses=fields.texts("addresses"),
        node_name=fields.text("nodeName"),
        # An absent condition counts as ready: that is how the API defines nil.
        can_serve=conditions.boolean("ready", True) or conditions.boolean("serving", False),
    )


def _node(key: Key, metadata: Fields, fields: Fields) -> Node:
    conditions = fields.fields("status").each("conditions")
    return Node(
        key=key,
        labels=metadata.text_map("labels"),
        network_unavailable=any(
            condition.text("type") == "NetworkUnavailable" and condition.text("status") == "True"
            for condition in conditions
        ),
        resource_version=metadata.text("resourceVersion"),
    )


def _config_map(key: Key, metadata: Fields, fields: Fields) -> ConfigMap:
    return ConfigMap(key=key, data=fields.text_map("data"), resource_version=metadata.text("resourceVersion"))


def _namespace(key: Key, metadata: Fields, fields: Fields) -> Namespace:
    return Namespace(
        key=key, labels=metadata.text_map("labels"), resource_version=metadata.text("resourceVersion")
    )


def _secret(key: Key, metadata: Fields, fields: Fields) -> Secret:
    return Secret(
        key=key,
        type=fields.text("type", "Opaque"),
        password=_password(fields),
        resource_version=metadata.text("resourceVersion"),
    )


def _password(fields: Fields) -> str | None:
    plain, encoded = fields.fields("stringData"), fields.fields("data")
    if "password" in plain:
        return plain.text("password")
    if "password" not in encoded:
        return None
    try:
        return b64decode(encoded.text("password"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        # Without the value: it is a secret, if perhaps a wrong one.
        encoded.problem("must be base64 of text in UTF-8", "password")
        return None


def _lease(key: Key, metadata: Fields, fields: Fields) -> Lease:
    spec = fields.fields("spec")
    return Lease(
        key=key,
        holder=spec.text("holderIdentity"),
        duration=spec.integer("leaseDurationSeconds"),
        renew_time=spec.text("renewTime"),
        annotations=metadata.text_map("annotations"),
        resource_version=metadata.text("resourceVersion"),
    )


_PARSERS: dict[Kind, Callable[[Key, Fields, Fields], Resource]] = {
    Kind.SERVICE: _service,
    Kind.ENDPOINT_SLICE: _endpoint_slice,
    Kind.NODE: _node,
    Kind.NAMESPACE: _namespace,
    Kind.CONFIG_MAP: _config_map,
    Kind.SECRET: _secret,
    Kind.LEASE: _lease,
    **{kind: partial(custom_resource, kind) for kind in CUSTOM_KINDS},
}
