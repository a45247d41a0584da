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
    meaning: str
    pid: int
    log: Path

    def is_answered(self) -> bool:
        return "first answer" in self.log.read_text()


class Outage:
    """A context within which `k8sglue lab probe` runs on two clients. Raise LabError if they are not answered."""

    def __init__(self, lab: Lab, address: str) -> None:
        self._lab = lab
        self._url = f"http://{address}"
        self._probes: list[_Probe] = []

    def __enter__(self) -> Self:
        self._start(CLIENT, "knows the hardware address already")
        self._start(NEWCOMER, "has to ask for it anew each time", "--forget")
        for probe in self._probes:
            self._lab.require(f"{probe.host} gets answers", probe.is_answered)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        send([probe.pid for probe in self._probes if probe.pid in self._lab.runner.running()], signal.SIGKILL)

    def measure(self) -> list[str]:
        """Stop asking once both clients are answered again; return a line about each."""
        send([probe.pid for probe in self._probes], signal.SIGINT)
        return [self._figure(probe) for probe in self._probes]

    def _figure(self, probe: _Probe) -> str:
        self._lab.require(f"{probe.host} has counted", lambda: probe.pid not in self._lab.runner.running())
        lines = probe.log.read_text().splitlines()
        if "requests" not in lines[-1]:
            raise LabError(f"the probe on {probe.host} failed", log=probe.log)
        return f"{probe.host}, which {probe.meaning}:\n      {lines[-1]}"

    def _start(self, host: str, meaning: str, *options: str) -> None:
        log = self._lab.state.log(f"probe on {host}")
        command = [sys.executable, "-m", "k8sglue", "lab", "probe", self._url, *options]
        with self._lab.runner.starting(self._lab.namespaces.inside(host, command), log) as process:
            self._probes.append(_Probe(host, meaning, process.pid, log))
