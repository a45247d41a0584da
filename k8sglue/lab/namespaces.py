"""The hosts of a lab as network namespaces: made, cabled, looked into and taken away.

Cables are made between two namespaces directly, with not even a moment in the host's own. That, and doing all
else inside the namespaces too, is why nothing of the host is ever touched, and why deleting the namespaces
leaves nothing.
"""

import os
import signal
from collections.abc import Collection, Iterator
from pathlib import Path

import attrs

from k8sglue.lab.errors import LabError
from k8sglue.lab.processes import Runner, send, wait_until
from k8sglue.lab.topology import HOST_NAMES, HOSTS, LAN, Host, Interface

_FOLDER = Path("/run/netns")
_GOODBYE_TIME = 5.0
_TERM_TIME = 2.0
_KILL_TIME = 10.0

_FIRST_TO_STOP = ("control-plane", "node-a", "node-b", "node-c")
"""Hosts whose programs say goodbye to the others, so the others have to be there still."""


@attrs.frozen
class Namespaces:
    """The network namespaces of the lab `name`."""

    name: str
    _runner: Runner

    def of(self, host: str) -> str:
        """Return the name of a host's namespace, as `ip netns` shows it."""
        return f"k8sglue-{self.name}-{host}"

    def inside(self, host: str, command: Collection[str]) -> list[str]:
        """Return the command that runs `command` on a host."""
        return ["ip", "netns", "exec", self.of(host), *command]

    def present(self) -> list[str]:
        """Return the hosts that have a namespace."""
        return [host for host in HOST_NAMES if (_FOLDER / self.of(host)).exists()]

    def processes(self) -> dict[int, str]:
        """Return the processes that run in the namespaces, with their hosts."""
        inodes = {}
        for host in self.present():
            status = (_FOLDER / self.of(host)).stat()
            inodes[status.st_dev, status.st_ino] = host
        found = {}
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))):
            try:
                status = os.stat(f"/proc/{pid}/ns/net")
            except OSError:
                continue
            if (status.st_dev, status.st_ino) in inodes:
                found[pid] = inodes[status.st_dev, status.st_ino]
        return found

    def build(self) -> None:
        """Make all hosts and plug in the cables. Raise LabError if a command fails."""
        for host in HOSTS:
            self._runner.check(["ip", "netns", "add", self.of(host.name)])
            self._run(host.name, _settings(host))
        for host in HOSTS:
            for interface in host.interfaces:
                if interface.first:
                    self._plug(host.name, interface)
        for host in HOSTS:
            self._run(host.name, _switch() if host.name == LAN else _addresses(host))

    def remove(self) -> None:
        """Stop every process in the namespaces and delete these. Raise LabError if some process will not end."""
        self._stop(_FIRST_TO_STOP, signal.SIGTERM, _GOODBYE_TIME)
        self._stop(HOST_NAMES, signal.SIGTERM, _TERM_TIME)
        self._stop(HOST_NAMES, signal.SIGKILL, _KILL_TIME)
        left = self._running(HOST_NAMES)
        if left:
            raise LabError(f"these processes do not end, even on SIGKILL: {', '.join(map(str, left))}")
        for host in self.present():
            self._runner.check(["ip", "netns", "del", self.of(host)])

    def _stop(self, hosts: Collection[str], number: signal.Signals, timeout: float) -> None:
        """Send a signal to the processes of some hosts, and wait a while for them to end."""
        if pids := self._running(hosts):
            send(pids, number)
            wait_until(lambda: not self._running(hosts), timeout)

    def _running(self, hosts: Collection[str]) -> set[int]:
        """Return the processes on some hosts, and, if that is all hosts, those still on their way there."""
        own = self._runner.running()
        found = {pid for pid, host in self.processes().items() if host in hosts}
        return found | own if set(hosts) == set(HOST_NAMES) else found

    def _plug(self, host: str, interface: Interface) -> None:
        command = ["ip", "-n", self.of(host), "link", "add", interface.name, "type", "veth"]
        self._runner.check([*command, "peer", "name", interface.peer_name, "netns", self.of(interface.peer)])

    def _run(self, host: str, lines: Iterator[str]) -> None:
        self._runner.check(self.inside(host, ["sh", "-eu"]), stdin="\n".join(lines))


def _settings(host: Host) -> Iterator[str]:
    # Namespaces may begin with the settings of the machine; these here matter before there are interfaces.
    common = (
        ("ipv4/conf/all/rp_filter", "0"),
        ("ipv4/conf/default/rp_filter", "0"),
        ("ipv6/conf/all/disable_ipv6", "0"),
        ("ipv6/conf/default/disable_ipv6", "0"),
        # Nobody else has these addresses: no need to make each wait a second for duplicates (RFC 4862 5.4).
        ("ipv6/conf/default/accept_dad", "0"),
    )
    for key, value in (*common, *host.settings):
        yield f"echo {value} >/proc/sys/net/{key}"
    yield "ip link set lo up"


def _addresses(host: Host) -> Iterator[str]:
    for interface in host.interfaces:
        yield f"ip link set {interface.name} address {interface.mac} up"
        for address in interface.addresses:
            yield f"ip address add {address} dev {interface.name}"
    for destination, next_hop in host.routes:
        yield f"ip route add {destination} via {next_hop}"


def _switch() -> Iterator[str]:
    yield "ip link add bridge type bridge stp_state 0 forward_delay 0"
    yield "ip link set bridge up"
    for host in HOSTS:
        for interface in host.interfaces:
            if interface.peer == LAN:
                yield f"ip link set {interface.peer_name} master bridge up"
