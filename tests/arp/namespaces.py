"""A segment of real network namespaces: a client and two nodes, each with an `eth0` on one bridge.

Namespaces have names of their own for each segment, so tests can run side by side, and all are removed at the end,
also of a test that failed. Nothing of the host's own network is touched.
"""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import attrs

from arp import MACAddress

CLIENT = "203.0.113.1"
DEADLINE = 20.0
"""Seconds after which a condition that should come true is given up; far above what any of them takes."""

_ROOT = Path(__file__).parents[2]
_HOSTS = ("client", "node-a", "node-b")
T = TypeVar("T")


def run(*command: str) -> str:
    """Run a command to its end and give its output; fail with what it complained about."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}{done.stdout}"
    return done.stdout


def wait_until(condition: Callable[[], T]) -> T:
    """Wait until the condition gives something true, and give that."""
    end = time.monotonic() + DEADLINE
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {DEADLINE} s"
        time.sleep(0.02)
    return result


@attrs.frozen
class Segment:
    """The namespaces of one test, by the part that each plays."""

    prefix: str

    def namespace(self, host: str) -> str:
        """Name the namespace of `switch`, `client`, `node-a` or `node-b`."""
        return f"{self.prefix}-{host}"

    def ip(self, host: str, *arguments: str) -> str:
        """Run `ip` on a host."""
        return run("ip", "-n", self.namespace(host), *arguments)

    def python(self, host: str, code: str, *arguments: str) -> str:
        """Run Python code on a host."""
        return run("ip", "netns", "exec", self.namespace(host), sys.executable, "-c", code, *arguments)

    def mac(self, host: str) -> str:
        """Give the MAC address of a host's eth0."""
        (link,) = json.loads(self.ip(host, "-j", "link", "show", "eth0"))
        return str(MACAddress(link["address"]))

    def neighbour(self, address: str) -> tuple[str, str]:
        """Give the MAC address and the state that the client's kernel has for an address; empty if none."""
        entries = json.loads(self.ip("client", "-j", "neigh", "show", address, "dev", "eth0") or "[]")
        entry = entries[0] if entries else {}
        return entry.get("lladdr", ""), " ".join(entry.get("state", []))

    def ask(self, address: str) -> None:
        """Make the client's kernel want to send to an address, and so resolve it."""
        code = "import socket, sys; socket.socket(2, 2).sendto(b'?', (sys.argv[1], 9))"
        self.python("client", code, address)

    @contextmanager
    def responder(self, host: str, *addresses: str) -> Iterator["Running"]:
        """Answer on a host for these addresses, from entry to exit."""
        running = Running(self.start(host, "eth0", *addresses))
        try:
            assert running.process.stdout is not None
            assert running.process.stdout.readline() == "ready\n"
            yield running
        finally:
            running.stop()

    def start(self, host: str, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.Popen[str]:
        """Start respond.py on a host, through the command `before`; a warning, such as of a socket left open, is an
        error there."""
        command = [*before, sys.executable, "-X", "dev", "-W", "error", "-m", "tests.arp.respond", *arguments]
        return subprocess.Popen(
            ["ip", "netns", "exec", self.namespace(host), *command],
            cwd=_ROOT,  # what is tested is the package beside these tests, whichever is installed
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@attrs.define
class Running:
    """A respond.py that runs, and its report once it has stopped."""

    process: subprocess.Popen[str]
    report: dict[str, object] = attrs.field(factory=dict)
    log: str = ""

    def stop(self) -> None:
        """Let it end and read its report; the second time, nothing happens."""
        if self.process.returncode is not None:
            return
        try:
            output, self.log = self.process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            _, self.log = self.process.communicate()
            raise
        assert "Traceback" not in self.log, self.log
        self.report = json.loads(output) if output else {}


@contextmanager
def segment() -> Iterator[Segment]:
    """Make a segment, and remove it whatever happens."""
    made = Segment(f"arp-{secrets.token_hex(4)}")
    try:
        _build(made)
        yield made
    finally:
        for host in ("switch", *_HOSTS):
            subprocess.run(["ip", "netns", "delete", made.namespace(host)], capture_output=True, check=False)


def _build(made: Segment) -> None:
    for host in ("switch", *_HOSTS):
        run("ip", "netns", "add", made.namespace(host))
    made.ip("switch", "link", "add", "br0", "type", "bridge")
    made.ip("switch", "link", "set", "br0", "up")
    for host in _HOSTS:
        peer = ("peer", "name", "eth0", "netns", made.namespace(host))
        made.ip("switch", "link", "add", host, "type", "veth", *peer)
        made.ip("switch", "link", "set", host, "master", "br0", "up")
        made.ip(host, "link", "set", "eth0", "up")
    made.ip("client", "address", "add", f"{CLIENT}/24", "dev", "eth0")
    # The client's kernel asks three times at this distance before it gives up, instead of one second.
    setting = "open('/proc/sys/net/ipv4/neigh/eth0/retrans_time_ms', 'w').write('100')"
    made.python("client", setting)
