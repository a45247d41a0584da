"""The commands that look and do not touch, as a person types them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from k8sglue.cli import main
from k8sglue.resources import NAME_RULE
from tests.k8sglue.objects import ARTICLE_CONFIG, resource

MANIFESTS = {
    "config": "kind: ConfigMap\nmetadata: {namespace: metallb-system, name: config}\ndata:\n  config: |\n    "
    + ARTICLE_CONFIG.replace("\n", "\n    ").rstrip()
    + "\n    peers:\n    - {my-asn: 64512, peer-asn: 64513, peer-address: 10.211.55.2}\n",
    "nginx": """\
kind: Service
metadata: {name: nginx}
spec: {type: LoadBalancer, clusterIP: 10.96.245.212, ports: [{port: 80, nodePort: 32207}]}
---
kind: EndpointSlice
metadata: {name: nginx-1, labels: {kubernetes.io/service-name: nginx}}
endpoints: [{addresses: [10.244.1.5], nodeName: node-a}]
---
kind: Service
metadata: {name: plain}
spec: {clusterIP: 10.96.0.9, ports: [{port: 53, protocol: UDP}]}
""",
    "nodes": "kind: Node\nmetadata: {name: node-a}\n---\nkind: Node\nmetadata: {name: node-b}\n",
}


@pytest.fixture
def source(tmp_path: Path) -> str:
    for name, text in MANIFESTS.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    return str(tmp_path)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_services_pending_and_served(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "get", "services", "--source", source) == (
        "NAME    TYPE           CLUSTER-IP      EXTERNAL-IP   PORT(S)\n"
        "nginx   LoadBalancer   10.96.245.212   <pending>     80:32207/TCP\n"
        "plain   ClusterIP      10.96.0.9       <none>        53/UDP\n"
    )
    assert main(["controller", "--source", source, "--once"]) == 0
    served = shown(capsys, "get", "services", "--source", source)
    assert "nginx   LoadBalancer   10.96.245.212   10.211.55.240   80:32207/TCP\n" in served


def test_services_of_other_namespaces_show_them(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    (Path(source) / "more.yaml").write_text("kind: Service\nmetadata: {namespace: shop, name: cart}\n")
    assert shown(capsys, "get", "services", "--source", source).splitlines()[-1].split()[:2] == [
        "shop",
        "cart",
    ]


def test_pools_and_peers(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["controller", "--source", source, "--once"]) == 0
    assert shown(capsys, "get", "pools", "--source", source).splitlines()[1].split() == [
        "my-ip-space",
        "layer2",
        "10.211.55.240-10.211.55.255",
        "yes",
        "1/16",
    ]
    assert [
        line.split()[:5] for line in shown(capsys, "get", "peers", "--source", source).splitlines()[1:]
    ] == [
        ["10.211.55.2:179", "64513", "64512", "90s", "node-a"],
        ["10.211.55.2:179", "64513", "64512", "90s", "node-b"],
    ]


def test_a_plan_says_what_and_why_not(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    pending = shown(capsys, "plan", "--source", source, "--node", "node-a")
    assert "Node node-a announces nothing." in pending
    assert "default/nginx   any        it has no address" in pending
    assert "default/plain" not in pending
    assert main(["controller", "--source", source, "--once"]) == 0
    capsys.readouterr()
    plans = {node: shown(capsys, "plan", "--source", source, "--node", node) for node in ("node-a", "node-b")}
    assert sorted("default/nginx   10.211.55.240   layer2" in plan for plan in plans.values()) == [
        False,
        True,
    ]
    assert any("default/nginx   layer2     node-" in plan for plan in plans.values())
    document = json.loads(shown(capsys, "plan", "--source", source, "--node", "node-z", "-o", "json"))
    assert document["layer2"] == []
    assert document["services"]["default/nginx"]["refused"] == [
        {"reason": "NODE_UNKNOWN", "protocol": None, "text": "there is no Node node-z"}
    ]
    assert document["services"]["default/plain"]["refused"][0]["reason"] == "NOT_LOAD_BALANCER"


def test_check_is_content_with_what_is_right(source: str, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(Path(source) / f"{name}.yaml") for name in MANIFESTS]
    assert shown(capsys, "check", *files) == "6 objects, no problems\n"
    document = json.loads(shown(capsys, "check", "-o", "json", *files))
    assert document["pools"][0]["ranges"] == ["10.211.55.240-10.211.55.255"]
    assert document["peers"][0]["holdTime"] == 90.0


def test_check_names_file_line_path_and_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrapped = tmp_path / "wrapped.yaml"
    wrapped.write_text(MANIFESTS["config"].replace("/28", "/33").replace("64513", "0"))
    bare = tmp_path / "bare.yaml"
    bare.write_text(ARTICLE_CONFIG.replace("layer2", "layer3"))
    other = tmp_path / "other.yaml"
    other.write_text("kind: Service\nmetadata: {name: A}\n---\nkind: Pod\n---\nhello: world\n")
    broken = tmp_path / "broken.yaml"
    broken.write_text("a: 1\nb: [\n")
    inner = tmp_path / "inner.yaml"
    inner.write_text("kind: ConfigMap\nmetadata: {name: config}\ndata:\n  config: |\n    a: 1\n     b: 2\n")
    missing = tmp_path / "missing.yaml"
    files = (wrapped, bare, other, broken, inner, missing)
    assert main(["check", *map(str, files)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f'{wrapped}:9: address-pools[0].addresses[0]: "10.211.55.240/33", must be a network (10.0.0.0/24) '
        "or a range (10.0.0.1-10.0.0.9)",
        f"{wrapped}:11: peers[0].peer-asn: missing, must be an AS number from 1 to 4294967295",
        f'{bare}:3: address-pools[0].protocol: "layer3", must be layer2 or bgp',
        f'{other}:2: metadata.name: "A", must be {NAME_RULE}',
        f"{other}:6: neither an object with a kind nor a configuration "
        "(peers, bgp-communities, bfd-profiles, address-pools)",
        f"{broken}:2: not YAML: did not find expected node content",
        f"{inner}:6: data.config: not YAML: mapping values are not allowed in this context",
        f"{missing}:1: [Errno 2] No such file or directory: '{missing}'",
    ]


def test_check_reads_the_standard_input() -> None:
    command = [sys.executable, "-m", "k8sglue", "check", "-"]
    result = subprocess.run(command, input=b"address-pools: 5", capture_output=True, check=False)
    assert (result.returncode, result.stdout) == (1, b'<stdin>:1: address-pools: "5", must be a list\n')
    result = subprocess.run(command, input=b"a: \xff", capture_output=True, check=False)
    assert result.returncode == 1
    assert result.stdout.startswith(b"<stdin>:1: 'utf-8' codec can't decode byte 0xff")


def test_a_name_that_no_node_has_is_refused(capsys: pytest.CaptureFixture[str], source: str) -> None:
    assert main(["speaker", "--source", source, "--node-name", "../N1"]) == 2
    assert "--node-name '../N1', must be the name of a Node: lower case" in capsys.readouterr().err


def test_a_directory_that_is_missing_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["get", "services"], ["plan", "--node", "a"], ["controller"]):
        assert main([*command, "--source", str(tmp_path / "none")]) == 1
        assert capsys.readouterr().err.endswith(f"k8sglue: {tmp_path}/none is not a directory\n")


@pytest.mark.parametrize("command", ["", "controller", "speaker", "get", "check", "plan", "manifests", "lab"])
def test_every_command_helps(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([*command.split(), "--help"])
    assert caught.value.code == 0
    assert "usage: k8sglue" in capsys.readouterr().out


def test_help_loads_neither_yaml_nor_the_kubernetes_client() -> None:
    script = (
        "import sys; from k8sglue.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'yaml', 'kubernetes', 'aiohttp'} & sys.modules.keys()))"
    )
    assert (
        subprocess.run([sys.executable, "-c", script], stdout=subprocess.DEVNULL, check=False).returncode == 0
    )


def test_problems_are_listed_uncut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "pool.yaml").write_text(resource("IPAddressPool", "p", "{addresses: [ten], autAssign: no}"))
    lines = shown(capsys, "get", "problems", "--source", str(tmp_path)).splitlines()
    assert lines[0].startswith("PROBLEM   IPAddressPool metallb-system/p: spec.addresses[0]: ")
    assert lines[1].startswith(
        "WARNING   IPAddressPool metallb-system/p: spec.autAssign: unknown key, must be one of "
    )
    assert lines[1].endswith("quota")
    (tmp_path / "pool.yaml").write_text(resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}"))
    assert shown(capsys, "get", "problems", "--source", str(tmp_path)) == "No problems found.\n"
