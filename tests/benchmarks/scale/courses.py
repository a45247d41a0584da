"""What happens in a scenario: who connects to the router when, and what is measured from when to when."""

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import attrs

from tests.benchmarks.generator import Workload
from tests.benchmarks.scale import usage
from tests.benchmarks.scale.feeds import PEER_AS, SECOND_AS
from tests.benchmarks.scale.routers import ADDRESS, Neighbor, Router
from tests.interop.netns import NetworkNamespace, connect

Figures = dict[str, float]
"""What was found out: seconds, octets, counts."""

_ROOT = Path(__file__).parents[3]
_FEEDER = Neighbor("192.0.2.11", PEER_AS)
_SECOND = Neighbor("192.0.2.12", SECOND_AS)
_READERS = tuple(Neighbor(f"192.0.2.{20 + number}", 64520 + number) for number in range(4))
_LIMIT = 600.0


@attrs.frozen
class Scenario:
    """One of the scenarios that have a router and peers around it."""

    name: str
    title: str
    course: "Callable[[Course], Figures]"
    neighbors: tuple[Neighbor, ...]
    needs_passing_on: bool = False
    """Whether a router that tells nobody of the routes of others has no part in it."""

    factor: int = 1
    """How many times the prefixes that were asked for it takes."""


class Player:
    """A peer in a process of its own; see player.py."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        assert process.stdout is not None
        self._descriptor = process.stdout.fileno()
        self._rest = b""
        self._lines: list[dict[str, float]] = []

    def wait_for(self, key: str) -> dict[str, float]:
        """The next thing that it reports under this name; raise if it ends without."""
        deadline = time.monotonic() + _LIMIT
        while True:
            for line in self._lines:
                if key in line:
                    self._lines.remove(line)
                    return line
            self._read(deadline - time.monotonic(), key)

    def _read(self, patience: float, key: str) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._descriptor, selectors.EVENT_READ)
            if patience < 0 or not selector.select(patience):
                raise TimeoutError(f"no {key!r} of a peer within {_LIMIT:.0f} s")
        data = os.read(self._descriptor, 1 << 16)
        if not data:
            raise RuntimeError(f"a peer's session ended before {key!r}")
        *lines, self._rest = (self._rest + data).split(b"\n")
        self._lines += map(json.loads, lines)

    def kill(self) -> float:
        """End it at once, and its connection; returns when."""
        when = time.monotonic()
        self._process.kill()
        return when


@attrs.frozen
class Course:
    """One run: a router that is ready, and what its peers have to play."""

    router: Router
    outside: NetworkNamespace
    feeds: Mapping[Neighbor, Path]
    workload: Workload

    def player(self, neighbor: Neighbor, *, plays: bool = False, goals: Sequence[int] = ()) -> Player:
        """Start a peer."""
        command = ["env", f"PYTHONPATH={_ROOT}", sys.executable, "-m", "tests.benchmarks.scale.player"]
        command += ["--source", neighbor.address, "--to", ADDRESS, "--asn", str(neighbor.asn)]
        command += ["--prefixes", str(self.workload.prefixes), "--goals", *map(str, goals)]
        if plays:
            command += ["--feed", str(self.feeds[neighbor])]
        return Player(self.outside.start(*command, piped=True))

    def wait_full(self, number: int = 0) -> float:
        """Poll the router until it says that it has all of a peer; returns when it said so."""
        deadline = time.monotonic() + _LIMIT
        while True:
            is_full = self.router.has_all(self.workload, number)
            now = time.monotonic()
            if is_full:
                return now
            if now > deadline:
                raise TimeoutError(f"the router does not have all after {_LIMIT:.0f} s")
            time.sleep(self.router.poll)


def _receive(course: Course) -> Figures:
    return _with_readers(course, 0)


def _readvertise(course: Course) -> Figures:
    return _with_readers(course, 1)


def _with_readers(course: Course, count: int) -> Figures:
    readers = [course.player(each, goals=[0]) for each in _READERS[:count]]
    for reader in readers:
        reader.wait_for("established")
    with measured(course.router) as figures:
        feeder = course.player(_FEEDER, plays=True)
        begun = feeder.wait_for("connected")["connected"]
        figures["seconds"] = course.wait_full() - begun
        told = [reader.wait_for("goal") for reader in readers]
    if told:
        figures["told"] = max(each["at"] for each in told) - begun
        figures["updates"] = max(each["updates"] for each in told)
    return figures


def _spread(course: Course) -> Figures:
    feeder = course.player(_FEEDER, plays=True)
    feeder.wait_for("established")
    course.wait_full()
    with measured(course.router) as figures:
        readers = [course.player(each, goals=[0]) for each in _READERS]
        begun = min(reader.wait_for("connected")["connected"] for reader in readers)
        told = [reader.wait_for("goal") for reader in readers]
    figures["told"] = max(each["at"] for each in told) - begun
    figures["updates"] = max(each["updates"] for each in told)
    return figures


def _flap(course: Course) -> Figures:
    reader = course.player(_READERS[0], goals=[_FEEDER.asn, _SECOND.asn])
    reader.wait_for("established")
    feeder = course.player(_FEEDER, plays=True)
    feeder.wait_for("established")
    reader.wait_for("goal")
    second = course.player(_SECOND, plays=True)
    second.wait_for("established")
    course.wait_full(1)
    with measured(course.router) as figures:
        begun = feeder.kill()
        told = reader.wait_for("goal")
    figures["told"] = told["at"] - begun
    figures["updates"] = told["updates"]
    return figures


SCENARIOS = (
    Scenario("receive", "a table received from a peer", _receive, (_FEEDER,)),
    Scenario("readvertise", "the same, and told to another", _readvertise, (_FEEDER, _READERS[0]), True),
    Scenario("spread", "a table told to four peers at once", _spread, (_FEEDER, *_READERS), True),
    Scenario("million", "a table of ten times the size received", _receive, (_FEEDER,), factor=10),
    Scenario("flap", "the better of two peers dies", _flap, (_FEEDER, _SECOND, _READERS[0]), True),
)
"""All but `latency`, in the order in which they are measured."""


@contextlib.contextmanager
def measured(router: Router) -> Iterator[Figures]:
    """Add what the router used meanwhile to the figures that are found meanwhile."""
    figures: Figures = {}
    pids = router.pids()
    memory, seconds = usage.resident(pids), usage.processor_seconds(pids)
    yield figures
    pids = router.pids()
    figures["processor"] = usage.processor_seconds(pids) - seconds
    time.sleep(0.5)  # what is freed late is not needed
    figures["octets"] = usage.resident(pids) - memory


def run(scenario: Scenario, kind: type[Router], workload: Workload, feeds: Mapping[int, Path]) -> Figures:
    """Make the namespaces, start the router, and let happen what happens."""
    with (
        tempfile.TemporaryDirectory(prefix="k8sglue-scale-") as folder,
        NetworkNamespace("router") as inside,
        NetworkNamespace("peers") as outside,
    ):
        connect(inside, f"{ADDRESS}/24", outside, "192.0.2.1/24")
        for address in {each.address for each in scenario.neighbors}:
            outside.run("ip", "address", "add", f"{address}/24", "dev", "eth0")
        Path(folder).chmod(0o755)
        router = kind(inside, Path(folder), scenario.neighbors)
        by_neighbor = {each: feeds[each.asn] for each in scenario.neighbors if each.asn in feeds}
        try:
            router.start()
            router.wait_ready()
            return scenario.course(Course(router, outside, by_neighbor, workload))
        except (OSError, RuntimeError) as error:
            raise RuntimeError(f"{error} (its log: {router.last_words()})") from error
