"""What `k8sglue manifests` prints, and whether its rights are exactly those that the programs use."""

import contextlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8sglue import controller, speaker
from k8sglue.cluster import ConflictError, Event
from k8sglue.kube import KubeSource
from k8sglue.leadership import LEASE_NAME
from k8sglue.manifests import render
from k8sglue.resources import Key, Lease
from tests.conditions import until
from tests.k8sglue.apiserver import ApiServer, Call
from tests.k8sglue.following import following

NAMESPACE = "metallb-system"
Right = tuple[str, str, str, str, str]
"""Where it holds (a namespace, or all), API group, resource, name (or any), verb."""


def load(**arguments: str) -> dict[tuple[str, str], Any]:
    documents = yaml.safe_load_all(render(**arguments))
    return {(document["kind"], document["metadata"]["name"]): document for document in documents}


def rights_of(account: str) -> set[Right]:
    """Collect the rules of all roles that are bound to a service account."""
    documents = load()
    rights = set()
    for (kind, _), binding in documents.items():
        subject = {"kind": "ServiceAccount", "namespace": NAMESPACE, "name": account}
        if not kind.endswith("RoleBinding") or subject not in binding["subjects"]:
            continue
        role = documents[binding["roleRef"]["kind"], binding["roleRef"]["name"]]
        rights |= {
            (role["metadata"].get("namespace", ""), group, resource, name, verb)
            for rule in role["rules"]
            for group in rule["apiGroups"]
            for resource in rule["resources"]
            for name in rule.get("resourceNames", [""])
            for verb in rule["verbs"]
        }
    return rights


def rights_used(calls: Iterable[Call]) -> set[Right]:
    """Work out the least rights for what was asked of an API server."""
    rights = set()
    for call in calls:
        # Services may be in any namespace, and so may what is written about them.
        place = NAMESPACE if call.namespace == NAMESPACE else ""
        found = re.fullmatch("metadata.name=(.*)", call.query.get("fieldSelector", ""))
        name = found[1] if found else ""
        # A namespace's Leases are not for everybody who leads.
        if call.resource == "leases" and call.name == LEASE_NAME:
            name = call.name
        rights.add((place, call.group, call.resource, name, call.verb))
    return rights


async def test_the_controller_may_do_what_it_does_and_no_more(tmp_path: Path) -> None:
    async with ApiServer() as api:
        api.installed = True
        kubeconfig = api.kubeconfig(tmp_path / "kubeconfig")
        source = KubeSource(controller.KINDS, kubeconfig=kubeconfig, lease=LEASE_NAME)
        api.create(
            {
                "kind": "Service",
                "metadata": {"namespace": "demo", "name": "nginx"},
                "spec": {"type": "LoadBalancer"},
            }
        )
        async with following(source, api):
            service = source.store.services[Key("demo", "nginx")]
            await source.write_service_status(service, ("10.0.0.1",), {})
            event = Event(regarding=service, reason="IPAllocated", action="Allocate", note="10.0.0.1")
            await source.record(event)
            with api.holding_watches(), contextlib.suppress(ConflictError):
                api.patch("Service", "demo", "nginx", {"metadata": {"labels": {"a": "b"}}})
                await source.write_service_status(source.store.services[service.key], ("10.0.0.2",), {})
            api.create({"kind": "IPAddressPool", "metadata": {"namespace": NAMESPACE, "name": "p"}})
            await until(lambda: source.store.custom_resources)
            await source.write_status(source.store.custom_resources[0], {"assignedIPv4": 1})
            key = Key(NAMESPACE, LEASE_NAME)
            lease = await source.write_lease(Lease(key=key, holder="a", duration=15.0), None)
            await source.write_lease(lease, await source.read_lease(key))
    assert rights_used(api.requests) == rights_of("controller")


async def test_a_speaker_may_do_what_it_does_and_no_more(tmp_path: Path) -> None:
    async with ApiServer() as api:
        api.installed = True
        source = KubeSource(speaker.KINDS, kubeconfig=api.kubeconfig(tmp_path / "kubeconfig"))
        async with following(source, api):
            for _ in range(2):
                await source.renew_lease("speaker-a", "a", {})
            await source.release_lease("speaker-a")
    assert rights_used(api.requests) == rights_of("speaker")


@pytest.mark.parametrize("kind_and_name", [("Deployment", "controller"), ("DaemonSet", "speaker")])
def test_pods_have_as_little_power_as_they_can(kind_and_name: tuple[str, str]) -> None:
    documents = load(image="registry.example/k8sglue:1")
    workload = documents[kind_and_name]
    pod = workload["spec"]["template"]["spec"]
    assert workload["spec"]["selector"]["matchLabels"] == workload["spec"]["template"]["metadata"]["labels"]
    assert ("ServiceAccount", pod["serviceAccountName"]) in documents
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod.get("volumes")
    (container,) = pod["containers"]
    assert container["image"] == "registry.example/k8sglue:1"
    power = container["securityContext"]
    assert power["readOnlyRootFilesystem"] is True
    assert power["allowPrivilegeEscalation"] is False
    assert "privileged" not in power
    assert power["capabilities"]["drop"] == ["ALL"]


def test_the_controller_needs_no_capability_and_there_are_two_of_it() -> None:
    spec = load()["Deployment", "controller"]["spec"]
    pod = spec["template"]["spec"]
    assert spec["replicas"] == 2
    (container,) = pod["containers"]
    probes = [container[name]["httpGet"]["path"] for name in ("livenessProbe", "readinessProbe")]
    assert probes == ["/healthz", "/readyz"]
    assert container["ports"][0]["containerPort"] == 7472
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65534
    assert "hostNetwork" not in pod
    assert "add" not in pod["containers"][0]["securityContext"]["capabilities"]


def test_a_speaker_gets_raw_sockets_of_its_node_and_time_to_say_goodbye() -> None:
    pod = load()["DaemonSet", "speaker"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["hostNetwork"] is True
    assert container["securityContext"]["capabilities"]["add"] == ["NET_RAW"]
    assert pod["terminationGracePeriodSeconds"] >= 10
    node_name = {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}
    assert node_name in container["env"]
    assert "node-role.kubernetes.io/control-plane" in {taint["key"] for taint in pod["tolerations"]}


def test_the_command_lines_are_those_of_the_programs() -> None:
    documents = load(namespace="balancing")
    commands = [
        container["command"] + container["args"]
        for kind, name in (("Deployment", "controller"), ("DaemonSet", "speaker"))
        for container in documents[kind, name]["spec"]["template"]["spec"]["containers"]
    ]
    place = ["--namespace", "balancing", "--config", "config"]
    assert commands == [
        ["k8sglue", "controller", *place],
        ["k8sglue", "speaker", *place, "--node-name", "$(NODE_NAME)"],
    ]


def test_the_order_can_be_applied_and_the_namespace_is_the_one_asked_for() -> None:
    documents = list(yaml.safe_load_all(render(namespace="balancing")))
    kinds = [document["kind"] for document in documents]
    assert kinds[0] == "Namespace"
    assert documents[0]["metadata"]["name"] == "balancing"
    assert kinds.index("ServiceAccount") < kinds.index("ClusterRoleBinding") < kinds.index("Deployment")
    places = {document["metadata"].get("namespace", "balancing") for document in documents}
    places |= {subject["namespace"] for document in documents for subject in document.get("subjects", ())}
    assert places == {"balancing"}
