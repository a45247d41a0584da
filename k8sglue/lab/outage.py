"""Measuring an outage: two clients that ask all the time, one that knows an address and one that has to find it."""

import shlex
import signal
import sys
from collections.abc import Collection
from pathlib import Path
from types import TracebackType
from typing import Self

import attrs

from k8sglue.lab.errors import LabError
from k8sglue.lab.lab import Lab
from k8sglue.lab.processes import send
from k8sglue.lab.topology import CLIENT, NEWCOMER, url


@attrs.frozen
class _Probe:
    host: str
    address: str
    arguments: tuple[str, ...]
    log: Path
    pid: int = 0

    def is_answered(self) -> bool:
        return "first answer" in self.log.read_text()


class Outage:
    """A context within which `k8sglue lab probe` runs on two clients, for each of some addresses.

    Raises LabError if they are not answered.
    """

    def __init__(self, lab: Lab, addresses: Collection[str]) -> None:
        self._lab = lab
        self._wanted = [
            _Probe(
                host,
                address,
                ("lab", "probe", *options, url(address)),
                lab.state.log(f"probe {turn} on {host}"),
            )
            for host, options in ((CLIENT, ()), (NEWCOMER, ("--forget",)))
            for turn, address in enumerate(addresses, start=1)
        ]
        self._probes: list[_Probe] = []

    @property
    def commands(self) -> list[str]:
        """The commands, as a person would type them."""
        return [
            self._lab.typed(f"exec {probe.host} -- {shlex.join(['k8sglue', *probe.arguments])} &")
            for probe in self._wanted
        ]

    def __enter__(self) -> Self:
        for probe in self._wanted:
            self._start(probe)
        for probe in self._probes:
            self._lab.require(f"{probe.host} gets answers from {probe.address}", probe.is_answered)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        send([probe.pid for probe in self._probes if probe.pid in self._lab.runner.running()], signal.SIGKILL)

    def measure(self) -> list[tuple[str, str, str]]:
        """Have all stop once they are answered again; return of each its host, its address and what it measured."""
        send([probe.pid for probe in self._probes], signal.SIGINT)
        return [(probe.host, probe.address, self._figure(probe)) for probe in self._probes]

    def _figure(self, probe: _Probe) -> str:
        self._lab.require(f"{probe.host} has counted", lambda: probe.pid not in self._lab.runner.running())
        line = probe.log.read_text().splitlines()[-1]
        if "longest time" not in line:
            raise LabError(f"the probe on {probe.host} failed", log=probe.log)
        return line

    def _start(self, probe: _Probe) -> None:
        command = [sys.executable, "-m", "k8sglue", *probe.arguments]
        inside = self._lab.namespaces.inside(probe.host, command)
        with self._lab.runner.starting(inside, probe.log) as process:
            self._probes.append(attrs.evolve(probe, pid=process.pid))
