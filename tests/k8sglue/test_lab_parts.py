"""The parts of the lab that need no network of their own: manifests, measuring, ARP frames, signals, the lock."""

import contextlib
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from k8sglue.directory import read_manifest
from k8sglue.lab import manifests, state, web, whohas
from k8sglue.lab.errors import Interrupted, LabError
from k8sglue.lab.interrupts import Interrupts
from k8sglue.lab.probe import Measurement
from k8sglue.lab.processes import Runner
from k8sglue.lab.state import Program, State
from k8sglue.lab.topology import HOSTS, NODES
from k8sglue.resources import ConfigMap, EndpointSlice, Service
from tests.k8sglue.objects import config

ARTICLE = """\
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


def test_the_walk_through_begins_with_the_configuration_that_everybody_begins_with() -> None:
    assert manifests.CONFIG == ARTICLE


@pytest.mark.parametrize(
    ("text", "pools"),
    [
        (manifests.CONFIG, ["my-ip-space"]),
        (manifests.CONFIG + manifests.BGP_CONFIG, ["my-ip-space", "behind-routers"]),
    ],
)
def test_its_configurations_have_no_problem(text: str, pools: list[str]) -> None:
    (config_map,) = read_manifest(text).objects
    assert isinstance(config_map, ConfigMap)
    assert list(config(config_map.data["config"]).pools) == pools


def test_its_services_and_endpoints_belong_together() -> None:
    for demo in (manifests.NGINX, manifests.NGINX_BGP):
        service, slices = (
            *read_manifest(demo.manifest("Local")).objects,
            *read_manifest(demo.endpoints()).objects,
        )
        assert isinstance(service, Service)
        assert isinstance(slices, EndpointSlice)
        assert slices.service == service.key
        assert service.external_traffic_policy == "Local"
        assert [endpoint.node_name for endpoint in slices.endpoints] == [node.name for node in NODES]


def test_an_endpoint_is_ready_where_that_is_said() -> None:
    (slices,) = read_manifest(manifests.NGINX.endpoints(["node-b"])).objects
    assert isinstance(slices, EndpointSlice)
    assert [endpoint.can_serve for endpoint in slices.endpoints] == [False, True, False]


def test_no_two_interfaces_share_an_address() -> None:
    interfaces = [interface for host in HOSTS for interface in host.interfaces]
    assert len({interface.mac for interface in interfaces}) == len(interfaces)
    assert len({interface.address.ip for interface in interfaces}) == len(interfaces)


def test_the_longest_time_between_two_answers_is_measured() -> None:
    measurement = Measurement(unanswered=1)
    for now in (10.0, 10.02, 12.5, 12.52):
        measurement.note_answer(now)
    assert str(measurement) == "5 requests, 1 of them unanswered, longest time without an answer 2.48 s"


def arp_reply(*, operation: int = 2, sender: str = "192.0.2.240", target: str = "192.0.2.10") -> bytes:
    ours, theirs = bytes.fromhex("0200000000c1"), bytes.fromhex("02000000000a")
    header = ours + theirs + bytes.fromhex("0806 0001 0800 06 04") + operation.to_bytes(2)
    return header + theirs + IPv4Address(sender).packed + ours + IPv4Address(target).packed


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (arp_reply(), "02:00:00:00:00:0a"),
        (arp_reply() + bytes(18), "02:00:00:00:00:0a"),
        (arp_reply()[:-1], None),
        (arp_reply(operation=1), None),
        (arp_reply(sender="192.0.2.241"), None),
        (arp_reply(target="192.0.2.240"), None),
    ],
    ids=["reply", "padded", "short", "request", "another address", "announcement"],
)
def test_a_reply_for_the_address_is_told_from_other_frames(frame: bytes, found: str | None) -> None:
    assert whohas.sender_of(frame, IPv4Address("192.0.2.240")) == found


def test_the_stand_in_for_nginx_says_who_answered_whom() -> None:
    with web.serve(NODES[0], port=0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/") as answer:
                text = answer.read().decode()
        finally:
            server.shutdown()
            thread.join()
    assert "Welcome to" in text
    assert "Answered by pod-a on node-a, asked by 127.0.0.1." in text


def test_a_signal_waits_until_it_is_allowed() -> None:
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(Interrupted) as caught, interrupts.allowed():
            pytest.fail("a signal that came before must be raised at once")
        assert caught.value.number == signal.SIGTERM


def test_a_signal_interrupts_only_once_and_not_where_it_is_deferred() -> None:
    deferred = None
    with Interrupts() as interrupts:
        with pytest.raises(Interrupted), interrupts.allowed(), interrupts.deferred():
            signal.raise_signal(deferred := signal.SIGINT)
        with interrupts.allowed():
            signal.raise_signal(signal.SIGINT)
    assert deferred == signal.SIGINT, "it came too early"


def test_an_interrupted_command_is_ended() -> None:
    with Interrupts() as interrupts:
        started = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
        started.start()
        with pytest.raises(Interrupted), interrupts.allowed():
            Runner(interrupts).run(["sleep", "60"])
        started.join()
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_command_that_fails_says_how() -> None:
    with pytest.raises(LabError, match=r"exit status 3: sh -c .*\nso it is"):
        Runner(Interrupts()).check(["sh", "-c", "echo so it is >&2; exit 3"])


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(LabError, match="no-such-program can not be run: No such file"):
        Runner(Interrupts()).run(["no-such-program"])


def test_an_error_quotes_the_end_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "controller.log"
    log.write_text("".join(f"line {number}\n" for number in range(100)))
    text = str(LabError("it has ended", log=log))
    assert text.startswith(f"it has ended\n    The end of {log}:\n    line 80\n")
    assert text.endswith("line 99")
    assert str(LabError("it has ended", log=tmp_path / "none.log")) == "it has ended"


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    monkeypatch.setattr(state, "_ROOT", tmp_path / "labs")
    yield State("here")
    assert not (tmp_path / "labs").exists(), "the last lab takes the folder of all labs away"


def test_a_lab_is_locked_while_somebody_works_on_it(files: State) -> None:
    with files.lock():
        with pytest.raises(LabError, match=f"process {os.getpid()}"), files.lock():
            pytest.fail("two hold the lock")
        with State("there").lock():
            pass
    with files.lock():
        pass


def test_a_lock_on_a_file_that_is_gone_is_no_lock(files: State, tmp_path: Path) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(files.lock())
        (tmp_path / "labs" / "here.lock").unlink()
        stack.enter_context(files.lock())


def test_programs_are_remembered_by_their_titles(files: State) -> None:
    def program(title: str, pid: int) -> Program:
        return Program(title=title, host="node-a", pid=pid, log="/x")

    with files.lock():
        files.create()
        assert files.programs() == []
        files.remember(program("BIRD", 1))
        files.remember(program("speaker", 2))
        files.remember(program("BIRD", 3))
        assert files.programs() == [program("speaker", 2), program("BIRD", 3)]
        files.remove()
        files.remove()
