"""The lab end to end: the walk-through holds, and whatever happens to it, nothing is left and nothing is touched."""

import os
import re
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k8sglue.lab.processes import wait_until

pytestmark = pytest.mark.root

LAB = [sys.executable, "-m", "k8sglue", "lab"]
TOOLS = ("ip", "nft", "bird", "birdc", "curl")
TIMEOUT = 120.0


@pytest.fixture(autouse=True, scope="module")
def _machine() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make network namespaces")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [tool for tool in TOOLS if shutil.which(tool, path=path) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


@pytest.fixture
def name() -> Iterator[str]:
    """The name of a lab of this test's own, whose remains are taken away in the end."""
    lab = f"t{uuid.uuid4().hex[:8]}"
    yield lab
    run(lab, "down")


def run(lab: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*LAB, "--name", lab, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)


def start(lab: str, *arguments: str) -> subprocess.Popen[str]:
    command = [*LAB, "--name", lab, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def namespaces(lab: str) -> list[str]:
    folder = Path("/run/netns")
    return sorted(path.name for path in folder.glob(f"k8sglue-{lab}-*")) if folder.exists() else []


def processes(lab: str) -> list[str]:
    """Return the command lines of processes that have to do with a lab."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text(errors="replace").replace("\0", " ")
        except OSError:
            continue
        if f"k8sglue-{lab}-" in words or f"/k8sglue-lab/{lab}/" in words:
            found.append(words)
    return found


def files(lab: str) -> list[Path]:
    return list(Path("/run/k8sglue-lab").glob(f"{lab}*"))


def assert_nothing_is_left(lab: str) -> None:
    assert namespaces(lab) == []
    assert processes(lab) == []
    assert files(lab) == []


def host_network() -> str:
    """Return what the lab must not touch: the interfaces, addresses, routes and packet rules of this machine."""
    commands = ("ip -o link", "ip -o address", "ip route show table all", "ip rule", "nft list ruleset")
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    outputs = [
        subprocess.run(
            command.split(), capture_output=True, text=True, check=True, env={**os.environ, "PATH": path}
        ).stdout
        for command in commands
    ]
    # Remaining lifetimes count down by themselves.
    return re.sub(r"(valid_lft|preferred_lft|expires) \S+", "", "".join(outputs))


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read what a lab prints, up to a line with `text`."""
    assert process.stdout is not None
    lines: list[str] = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    pytest.fail(f"{text!r} was never printed:\n{''.join(lines)}")


def test_the_walk_through_holds_and_leaves_nothing(name: str) -> None:
    before = host_network()
    completed = run(name)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    for expected in (
        r"nginx +LoadBalancer +10\.96\.245\.212 +<pending> +80:32207/TCP",
        r"nginx +LoadBalancer +10\.96\.245\.212 +10\.211\.55\.240 +80:32207/TCP",
        r"Welcome to ",
        r"10\.211\.55\.240 dev eth0 lladdr 02:00:00:00:00:0[abc]",
        r"ok: node-[abc] alone answers",
        r"nginx-ipv6 +LoadBalancer +fd10:96::5:212 +fd10:211:55::240 ",
        r"nginx-dual +LoadBalancer +\S+ +10\.211\.55\.241,fd10:211:55::241 ",
        r"asked by fd10:211:55::1[0123]\.",
        r"fd10:211:55::240 dev eth0 lladdr 02:00:00:00:00:0[abc]",
        r"fd10:211:55::241 is at 02:00:00:00:00:0[abc], says a reply",
        r"198\.51\.100\.16/32 +unicast \[node_",
        r"2001:db8:100::10/128 +unicast \[node_",
        r"via fd10:211:55::11 on eth0",
        r"asked by 2001:db8:2::10\.",
        r"ok: routes from node-a, node-b, node-c, ",
        r"ok: routes from node-a, node-b, which",
        r"ok: node-[abc] has taken both over",
        r"newcomer +10\.211\.55\.241 .* longest time without an answer \d+\.\d\d s",
        r"newcomer +fd10:211:55::241 .* longest time without an answer \d+\.\d\d s",
        r"nobody answered within",
        r"Every step held",
    ):
        assert re.search(expected, completed.stdout), f"{expected} is not in:\n{completed.stdout}"
    assert "\033" not in completed.stdout
    assert host_network() == before
    assert_nothing_is_left(name)


@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, "Building"),
        (signal.SIGTERM, "k8sglue controller --source"),
        (signal.SIGHUP, "3. "),
        (signal.SIGINT, "kill -9"),
        (signal.SIGTERM, "Another Service comes"),
    ],
)
def test_a_signal_ends_it_and_leaves_nothing(name: str, number: signal.Signals, moment: str) -> None:
    with start(name) as process:
        read_until(process, moment)
        process.send_signal(number)
        output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + number, output
    assert_nothing_is_left(name)


@pytest.mark.parametrize("count", [1, 4, 9, 12])
def test_a_signal_while_it_is_built_leaves_nothing(name: str, count: int) -> None:
    with start(name, "up") as process:
        assert wait_until(lambda: len(namespaces(name)) >= count, TIMEOUT)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 128 + signal.SIGTERM, output
    assert_nothing_is_left(name)


def test_a_reader_who_goes_away_leaves_nothing(name: str) -> None:
    with start(name) as process:
        read_until(process, "1. ")
        assert process.stdout is not None
        process.stdout.close()
        process.wait(TIMEOUT)
    assert process.returncode == 1
    assert_nothing_is_left(name)


def test_a_step_that_does_not_hold_is_reported_and_leaves_nothing(name: str) -> None:
    with start(name) as process:
        read_until(process, "5. ")
        os.kill(program_pid(name, "controller"), signal.SIGKILL)
        output, _ = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 1
    assert "k8sglue lab: controller has ended, while waiting for this: the Service nginx" in output
    assert "The end of " in output
    assert_nothing_is_left(name)


def test_what_a_killed_lab_left_is_taken_away(name: str) -> None:
    with start(name) as process:
        read_until(process, "3. ")
        process.kill()
    assert namespaces(name)
    assert processes(name)
    completed = run(name, "status")
    assert completed.returncode == 1
    assert "left behind" in completed.stdout
    completed = run(name, "down")
    assert completed.returncode == 0, completed.stderr
    assert_nothing_is_left(name)


def test_down_kills_what_does_not_want_to_end(name: str) -> None:
    with start(name) as process:
        read_until(process, "2. ")
        process.kill()
    stubborn = ["ip", "netns", "exec", f"k8sglue-{name}-client", "sh", "-c"]
    with subprocess.Popen(
        [*stubborn, "trap '' TERM; echo ready; while :; do sleep 9; done"], stdout=-1
    ) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        assert run(name, "down").returncode == 0
        assert deaf.wait(TIMEOUT) == -signal.SIGKILL
    assert_nothing_is_left(name)


def test_a_lab_stays_up_to_play_in(name: str) -> None:
    with start(name, "up") as killed:
        assert wait_until(lambda: len(namespaces(name)) >= 6, TIMEOUT)
        killed.kill()
    before = host_network()
    completed = run(name, "up")
    assert completed.returncode == 0, completed.stdout + completed.stderr
    assert f"k8sglue lab --name {name} exec client -- curl -s http://10.211.55.240" in completed.stdout
    assert "left behind" in completed.stdout
    assert host_network() == before

    completed = run(name, "exec", "client", "--", "curl", "-s", "http://10.211.55.240")
    assert "Welcome to" in completed.stdout
    assert run(name, "exec", "node-b", "--", "sh", "-c", "exit 7").returncode == 7
    assert "nobody answered" in run(name, "exec", "client", "--", *LAB, "who-has", "10.211.55.250").stdout
    completed = run(name, "status")
    assert completed.returncode == 0, completed.stdout
    assert re.search(r"nginx-bgp +LoadBalancer +\S+ +198\.51\.100\.16,2001:db8:100::10 ", completed.stdout)
    assert re.search(r"^client2 +192\.0\.2\.10,2001:db8:2::10 ", completed.stdout, re.MULTILINE)

    completed = run(name, "up")
    assert completed.returncode == 1
    assert "is up already" in completed.stderr

    os.kill(program_pid(name, "speaker on node-a"), signal.SIGKILL)
    completed = run(name, "status")
    assert completed.returncode == 1
    assert re.search(r"speaker on node-a +\d+ +gone", completed.stdout)

    assert run(name, "down").returncode == 0
    assert_nothing_is_left(name)
    assert run(name, "exec", "client", "true").returncode == 1


def test_two_do_not_work_on_one_lab(name: str) -> None:
    with start(name) as process:
        read_until(process, "1. ")
        completed = run(name, "down")
        assert completed.returncode == 1
        assert f"process {process.pid}" in completed.stderr
        process.terminate()
        process.communicate(timeout=TIMEOUT)
    assert_nothing_is_left(name)


def test_the_proxy_passes_udp_on_and_rejects_what_nobody_serves(name: str) -> None:
    """One Service for TCP with no endpoint on any node, one for UDP with all of them."""
    assert run(name, "up").returncode == 0
    folder = Path(f"/run/k8sglue-lab/{name}/manifests")
    text = (folder / "nginx.yaml").read_text().replace("name: nginx\n", "name: clock\n")
    text = text.replace("TCP", "UDP").replace("32207", "32300").replace("10.96.245.212", "10.96.0.3")
    slices = (folder / "nginx-endpoints.yaml").read_text()
    for path, content in (
        (folder / "clock.yaml", text),
        (folder / "clock-endpoints.yaml", slices.replace("nginx", "clock").replace("TCP", "UDP")),
        (folder / "nginx-endpoints.yaml", slices.replace("ready: true", "ready: false")),
    ):
        temporary = path.with_name(f".{path.name}")
        temporary.write_text(content)
        temporary.rename(path)

    def rules() -> str:
        return run(name, "exec", "node-a", "--", "nft", "list", "table", "ip", "k8sglue-lab").stdout

    until(lambda: "ip daddr 10.96.0.3 udp dport 80 dnat" in rules() and 'default/nginx"' not in rules())
    refused = run(name, "exec", "node-a", "--", "curl", "-sS", "--max-time", "3", "http://10.96.245.212")
    assert refused.returncode == 7, refused.stderr


def program_pid(lab: str, title: str) -> int:
    found = re.search(rf"^{title} +(\d+) +running", run(lab, "status").stdout, re.MULTILINE)
    assert found, f"no {title} runs in {lab}"
    return int(found[1])


def until(condition: Callable[[], bool]) -> None:
    assert wait_until(condition, TIMEOUT)
