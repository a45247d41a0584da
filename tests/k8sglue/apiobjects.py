"""The objects of the stand-in for an API server: what is kept, filled in, refused and numbered, without any HTTP.

Every rule was recorded from a Kubernetes 1.36 API server. Manifests and objects are plain JSON values.
"""

import base64
import bisect
import copy
import ipaddress
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import attrs

Json = dict[str, Any]
_MICRO_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[-+]\d\d:\d\d)")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class RefusedError(Exception):
    """An answer other than success, with what its Status object says."""

    def __init__(self, status: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after: int | None = None
        self.body: Json = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason,
            **({"details": details} if details else {}),
            "code": status,
        }


@attrs.frozen
class Resource:
    """A kind of objects, as the API knows it."""

    kind: str
    api_version: str
    plural: str
    namespaced: bool = True

    @property
    def custom(self) -> bool:
        """It has to be installed."""
        return self.group == "metallb.io"

    @property
    def has_status(self) -> bool:
        """Status and the rest are written apart."""
        return self.custom or self.kind in ("Service", "Node", "Namespace")

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]

    @property
    def qualified(self) -> str:
        """The name in messages: `leases.coordination.k8s.io`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


RESOURCES = {
    resource.kind: resource
    for resource in (
        Resource("Service", "v1", "services"),
        Resource("Node", "v1", "nodes", namespaced=False),
        Resource("Namespace", "v1", "namespaces", namespaced=False),
        Resource("ConfigMap", "v1", "configmaps"),
        Resource("Secret", "v1", "secrets"),
        Resource("EndpointSlice", "discovery.k8s.io/v1", "endpointslices"),
        Resource("Lease", "coordination.k8s.io/v1", "leases"),
        Resource("Event", "events.k8s.io/v1", "events"),
        Resource("IPAddressPool", "metallb.io/v1beta1", "ipaddresspools"),
        Resource("BGPPeer", "metallb.io/v1beta2", "bgppeers"),
        Resource("BGPAdvertisement", "metallb.io/v1beta1", "bgpadvertisements"),
        Resource("L2Advertisement", "metallb.io/v1beta1", "l2advertisements"),
        Resource("Community", "metallb.io/v1beta1", "communities"),
        Resource("BFDProfile", "metallb.io/v1beta1", "bfdprofiles"),
    )
}


@attrs.frozen
class Change:
    """One line of history."""

    version: int
    resource: Resource
    type: str
    object: Json


@attrs.define
class Objects:
    """All objects, and their history since `oldest`. Versions count through all kinds, as etcd's do."""

    version: int = 4000
    oldest: int = 0
    changes: list[Change] = attrs.field(factory=list)
    listeners: list[Callable[[], None]] = attrs.field(factory=list)
    _objects: dict[tuple[str, str, str], Json] = attrs.field(factory=dict)
    _pages: dict[str, tuple[int, Any]] = attrs.field(factory=dict)
    _numbers: Iterator[int] = attrs.field(factory=lambda: itertools.count(1))

    def get(self, resource: Resource, namespace: str, name: str) -> Json:
        """Return an object. Raise RefusedError (404) if there is none."""
        found = self._objects.get((resource.kind, namespace, name))
        if found is None:
            details = _details(resource, name)
            raise RefusedError(404, "NotFound", f'{resource.qualified} "{name}" not found', details)
        return copy.deepcopy(found)

    def list(self, resource: Resource, namespace: str = "") -> list[Json]:
        """Return all objects of a kind, of one namespace or of all, in the order of their keys."""
        return [
            copy.deepcopy(found)
            for (kind, place, _), found in sorted(self._objects.items(), key=lambda item: item[0])
            if kind == resource.kind and namespace in ("", place)
        ]

    def everything(self) -> Iterator[tuple[tuple[str, str, str], Json]]:
        """Go through all objects with kind, namespace and name, to look at: they are not copied."""
        yield from self._objects.items()

    def changes_since(self, version: int) -> Sequence[Change]:
        """Return what happened after a version."""
        return self.changes[bisect.bisect_right(self.changes, version, key=lambda change: change.version) :]

    def page(
        self, resource: Resource, namespace: str, fields: Mapping[str, str], limit: int, token: str | None
    ) -> Json:
        """Answer a list request: `limit` objects of the state at one version, and where to go on. 0: all."""
        if token is None:
            version = self.version
            found = [made for made in self.list(resource, namespace) if selected(made, namespace, fields)]
        else:
            version, found = self._continued(token)
        rest = found[limit:] if limit else []
        metadata: Json = {"resourceVersion": str(version)}
        if rest:
            place = json.dumps({"v": "meta.k8s.io/v1", "rv": version, "start": rest[0]["metadata"]["name"]})
            metadata["continue"] = base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")
            self._pages[metadata["continue"]] = (version, rest)
            if not fields:
                metadata["remainingItemCount"] = len(rest)
        items = [
            {field: value for field, value in made.items() if field not in ("kind", "apiVersion")}
            for made in found[: limit or None]
        ]
        kind = f"{resource.kind}List"
        return {"kind": kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items}

    def create(self, resource: Resource, namespace: str, manifest: Json) -> Json:
        """Add an object, with what an API server fills in."""
        made = copy.deepcopy(manifest)
        made.update(kind=resource.kind, apiVersion=resource.api_version)
        metadata = made.setdefault("metadata", {})
        if resource.namespaced:
            metadata.setdefault("namespace", namespace or "default")
        if "name" not in metadata and "generateName" in metadata:
            metadata["name"] = f"{metadata['generateName']}{next(self._numbers):05x}"
        key = (resource.kind, metadata.get("namespace", ""), metadata["name"])
        if key in self._objects:
            message = f'{resource.qualified} "{key[2]}" already exists'
            raise RefusedError(409, "AlreadyExists", message, _details(resource, key[2]))
        metadata["uid"] = f"b8f3edba-709d-4802-9e13-{next(self._numbers):012x}"
        metadata["creationTimestamp"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._complete(made)
        return self._keep(resource, "ADDED", key, made)

    def patch(
        self, resource: Resource, namespace: str, name: str, patch: Json, *, status: bool = False
    ) -> Json:
        """Apply a merge patch to an object, or to its status subresource (which lets metadata through, too)."""
        before = self.get(resource, namespace, name)
        asked = patch.get("metadata", {}).get("resourceVersion")
        if asked not in (None, before["metadata"]["resourceVersion"]):
            message = f'Operation cannot be fulfilled on {resource.qualified} "{name}": the object has been modified; '
            message += "please apply your changes to the latest version and try again"
            raise RefusedError(409, "Conflict", message, _details(resource, name))
        after: Json = _merge(before, patch)
        for field in before.keys() | after.keys() if resource.has_status else ():
            if field != "metadata" and (field == "status") != status:
                after[field] = before.get(field)
        after = {field: value for field, value in after.items() if value is not None}
        after = copy.deepcopy(after)  # from here on nothing is shared with `before`
        self._complete(after)
        if after == before:
            return before
        return self._keep(resource, "MODIFIED", (resource.kind, namespace, name), after)

    def delete(self, resource: Resource, namespace: str, name: str) -> None:
        """Remove an object; the change shows it as it was, with a newer version."""
        self._keep(resource, "DELETED", (resource.kind, namespace, name), self.get(resource, namespace, name))
        del self._objects[resource.kind, namespace, name]

    def expire(self) -> None:
        """Forget all history, as compaction does."""
        self.version += 10
        self.oldest = self.version
        self.changes.clear()

    def _continued(self, token: str) -> tuple[int, Any]:
        try:
            version = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["rv"]
        except ValueError as error:
            message = f"invalid continue token: continue key is not valid: {error}"
            raise RefusedError(400, "BadRequest", message) from error
        if version < self.oldest:
            message = "The provided continue parameter is too old to display a consistent list result."
            raise RefusedError(410, "Expired", message)
        return self._pages[token]

    def _keep(self, resource: Resource, change: str, key: tuple[str, str, str], made: Json) -> Json:
        self.version += 1
        made["metadata"]["resourceVersion"] = str(self.version)
        self._objects[key] = copy.deepcopy(made)
        self.changes.append(Change(self.version, resource, change, copy.deepcopy(made)))
        for listener in self.listeners:
            listener()
        return made

    def _complete(self, made: Json) -> None:
        match made["kind"]:
            case "Service":
                self._complete_service(made)
            case "EndpointSlice":
                made["metadata"].setdefault("generation", 1)
                for endpoint in made.get("endpoints") or ():
                    endpoint.setdefault("conditions", {})
            case "Lease":
                _check_lease(made)
            case "Event":
                _check_event(made)

    def _complete_service(self, made: Json) -> None:
        spec, status = made.setdefault("spec", {}), made.setdefault("status", {})
        spec.setdefault("type", "ClusterIP")
        spec.setdefault("ipFamilyPolicy", "SingleStack")
        dual = spec["ipFamilyPolicy"] != "SingleStack"
        spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if dual else ["IPv4"])
        spec.setdefault("sessionAffinity", "None")
        spec.setdefault("internalTrafficPolicy", "Cluster")
        if "clusterIP" not in spec:
            blocks = {"IPv4": "10.96.0.0", "IPv6": "fd00:10:96::"}
            number = next(self._numbers)
            spec.setdefault(
                "clusterIPs",
                [str(ipaddress.ip_address(blocks[family]) + number) for family in spec["ipFamilies"]],
            )
            spec["clusterIP"] = spec["clusterIPs"][0]
        balanced = spec["type"] == "LoadBalancer"
        for port in spec.get("ports") or ():
            port.setdefault("protocol", "TCP")
            port.setdefault("targetPort", port["port"])
            if spec["type"] == "ClusterIP":
                port.pop("nodePort", None)
            elif "nodePort" not in port:
                port["nodePort"] = 30000 + next(self._numbers) % 2768
        for field, value in (("externalTrafficPolicy", "Cluster"), ("allocateLoadBalancerNodePorts", True)):
            if balanced:
                spec.setdefault(field, value)
            else:
                spec.pop(field, None)
        ingress = status.get("loadBalancer", {}).get("ingress") if balanced else None
        status["loadBalancer"] = {"ingress": ingress} if ingress else {}
        for index, point in enumerate(ingress or ()):
            point.setdefault("ipMode", "VIP")
            _check_address(made, f"status.loadBalancer.ingress[{index}].ip", point["ip"])


def selected(made: Json, namespace: str, fields: Mapping[str, str]) -> bool:
    """Tell whether an object is in a namespace, or any if that is empty, and has these values in these fields."""
    metadata = made["metadata"]
    known = {"metadata.name": metadata["name"], "type": made.get("type", "")}
    return namespace in ("", metadata.get("namespace")) and all(
        known[name] == text for name, text in fields.items()
    )


def _details(resource: Resource, name: str) -> Json:
    return {"name": name, **({"group": resource.group} if resource.group else {}), "kind": resource.plural}


def _invalid(made: Json, causes: list[tuple[str, str, str]]) -> RefusedError:
    """Refuse an object for `causes`: reason, message and field of each."""
    name = made["metadata"]["name"]
    texts = [f"{field}: {message}" for _, message, field in causes]
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = {
        "name": name,
        "kind": made["kind"],
        "causes": [
            {"reason": reason, "message": message, "field": field} for reason, message, field in causes
        ],
    }
    return RefusedError(422, "Invalid", f'{made["kind"]} "{name}" is invalid: {text}', details)


def _check_address(made: Json, field: str, text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        message = f'Invalid value: "{text}": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'
        raise _invalid(made, [("FieldValueInvalid", message, field)]) from None


def _check_lease(made: Json) -> None:
    for field in ("acquireTime", "renewTime"):
        text = made.get("spec", {}).get(field)
        if text is not None and not _MICRO_TIME.fullmatch(text):
            message = f' "" is invalid: patch: Invalid value: {json.dumps(json.dumps(made))}: parsing time "{text}" as '
            message += '"2006-01-02T15:04:05.000000Z07:00": cannot parse'
            raise RefusedError(422, "Invalid", message)


def _check_event(made: Json) -> None:
    fields = ("eventTime", "reportingController", "reportingInstance", "action", "reason")
    causes = [("FieldValueRequired", "Required value", field) for field in fields if not made.get(field)]
    if made.get("eventTime") and not _MICRO_TIME.fullmatch(made["eventTime"]):
        causes.append(("FieldValueInvalid", f'Invalid value: "{made["eventTime"]}"', "eventTime"))
    if made.get("type") not in ("Normal", "Warning"):
        causes.append(("FieldValueInvalid", f'Invalid value: "{made.get("type")}"', "type"))
    if len(made.get("note", "").encode()) > 1024:
        causes.append(("FieldValueInvalid", "Invalid value: can have at most 1024 characters", "note"))
    # Objects without a namespace have their Events in `default`.
    if (made.get("regarding", {}).get("namespace") or "default") != made["metadata"]["namespace"]:
        causes.append(
            ("FieldValueInvalid", "Invalid value: does not match event.namespace", "regarding.namespace")
        )
    prefix = made["metadata"].get("generateName", "")
    if not _SUBDOMAIN.fullmatch(prefix.removesuffix("-")):
        message = (
            f'Invalid value: "{prefix}": a lowercase RFC 1123 subdomain must consist of lower case letters'
        )
        causes.append(("FieldValueInvalid", message, "metadata.generateName"))
    if causes:
        raise _invalid(made, causes)


def _merge(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge(merged.get(key), value)
    return merged
