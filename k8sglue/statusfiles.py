"""The files in the folder `status` of a directory of manifests: names, contents, and how they are written."""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import yaml

from k8sglue.cluster import ConflictError, SourceError
from k8sglue.resources import Key, Lease, Service

_LONGEST_NAME = 200
"""Octets: a file name may have 255, and there must be room for a suffix, and for that of a temporary file."""


def status_name(key: Key) -> str:
    """Name the file that has the status of an object."""
    # A namespace has no dots, so the first one ends it.
    name = f"{key.namespace}.{key.name}"
    if len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME]}-{sha256(name.encode()).hexdigest()[:16]}"
    return f"{name}.yaml"


def service_manifest(service: Service) -> dict[str, object]:
    """Write a Service down whole, so that it can go on from there if its own manifest can not be read."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "namespace": service.key.namespace,
            "name": service.key.name,
            "annotations": dict(service.annotations),
        },
        "spec": {
            "type": service.type,
            "clusterIPs": list(service.cluster_ips),
            "ipFamilies": list(service.ip_families),
            "ipFamilyPolicy": service.ip_family_policy,
            "loadBalancerIP": service.load_balancer_ip,
            "loadBalancerClass": service.load_balancer_class,
            "externalTrafficPolicy": service.external_traffic_policy,
            "ports": [
                {
                    "name": port.name,
                    "port": port.port,
                    "protocol": port.protocol,
                    "nodePort": port.node_port,
                    "targetPort": port.target_port,
                }
                for port in service.ports
            ],
        },
        "status": {
            "loadBalancer": {"ingress": [{"ip": address, "ipMode": "VIP"} for address in service.ingress]},
        },
    }


def write_file(path: Path, manifest: Mapping[str, object], *, durable: bool = False) -> None:
    """Write a file whole: readers see the old one or the new one. Raise SourceError if that failed.

    `durable`: it survives a host that loses its power.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w") as file:
            yaml.safe_dump(manifest, file, sort_keys=False)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise SourceError(f"{path} can not be written: {error}") from error


def remove_file(path: Path) -> None:
    """Remove a file, if it is there. Raise SourceError if that failed."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise SourceError(f"{path} can not be removed: {error}") from error


def lease_manifest(lease: Lease) -> dict[str, object]:
    """Write a Lease down as it is when it is renewed now."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {
            "namespace": lease.key.namespace,
            "name": lease.key.name,
            "annotations": dict(lease.annotations),
        },
        "spec": {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": int(lease.duration),
            "leaseTransitions": lease.transitions,
            "renewTime": datetime.now(UTC).isoformat(timespec="microseconds"),
        },
    }


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep the others out of what this lock file stands for, while the block runs.

    Raise ConflictError if somebody else is in there, SourceError if there can be no such file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.open("w")
    except OSError as error:
        raise SourceError(f"{path} can not be written: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConflictError(f"{path} is locked by somebody else") from error
        yield
