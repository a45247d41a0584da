"""Measuring an outage: two clients that ask all the time, one that knows the address and one that has to find it."""

import signal
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from k8sglue.lab.errors import LabError
from k8sglue.lab.lab import Lab
from k8sglue.lab.processes import send
from k8sglue.lab.topology import CLIENT, NEWCOMER


@attrs.frozen
class _Probe:
    host: str
    pid: int
    log: Path

    def is_answered(self) -> bool:
        return "first answer" in self.log.read_text()


class Outage:
    """A context within which `k8sglue lab probe` runs on two clients. Raise LabError if they are not answered."""

    def __init__(self, lab: Lab, address: str) -> None:
        self._lab = lab
        url = f"http://{address}"
        self._arguments = {CLIENT: ["lab", "probe", url], NEWCOMER: ["lab", "probe", "--forget", url]}
        self._probes: list[_Probe] = []

    @property
    def commands(self) -> list[str]:
        """The two commands, as a person would type them."""
        return [
            self._lab.typed(f"exec {host} -- k8sglue {' '.join(arguments)} &")
            for host, arguments in self._arguments.items()
        ]

    def __enter__(self) -> Self:
        for host in self._arguments:
            self._start(host)
        for probe in self._probes:
            self._lab.require(f"{probe.host} gets answers", probe.is_answered)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        send([probe.pid for probe in self._probes if probe.pid in self._lab.runner.running()], signal.SIGKILL)

    def measure(self) -> list[str]:
        """Have both stop once they are answered again; return what they say, the one who knew the address first."""
        send([probe.pid for probe in self._probes], signal.SIGINT)
        return [self._figure(probe) for probe in self._probes]

    def _figure(self, probe: _Probe) -> str:
        self._lab.require(f"{probe.host} has counted", lambda: probe.pid not in self._lab.runner.running())
        line = probe.log.read_text().splitlines()[-1]
        if "longest time" not in line:
            raise LabError(f"the probe on {probe.host} failed", log=probe.log)
        return line

    def _start(self, host: str) -> None:
        log = self._lab.state.log(f"probe on {host}")
        command = [sys.executable, "-m", "k8sglue", *self._arguments[host]]
        with self._lab.runner.starting(self._lab.namespaces.inside(host, command), log) as process:
            self._probes.append(_Probe(host, process.pid, log))
