"""Measure, print tables, and say which targets are met.

Every subject does its work in fresh processes, and all subjects take turns, round after round: whatever else the
machine does hits all of them alike. What is printed is the best of each one's rounds.
"""

import argparse
import functools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import attrs

from tests.benchmarks import report, venvs
from tests.benchmarks.generator import SEED, WORKLOADS, Workload, generate
from tests.benchmarks.measure import Figures

_ROOT = Path(__file__).parents[2]
_WARMUP_OCTETS = 21_000
_TIME_LIMIT = 300
_UNLIMITED = sys.maxsize
_TASKS = {
    # Decoding must be the first that a process does: caches are empty then. So must reading, and what follows no
    # decoding, and what looks at the memory of the process.
    "ours": (("decode", "warm", "encode"), ("read",), ("built", "build"), ("memory",)),
}
_TASKS_OF_OTHERS = (("decode", "encode"), ("memory",))


@attrs.frozen
class Subject:
    """An implementation: its name, how to start it, and how many octets of a workload it gets at most."""

    name: str
    command: tuple[str, ...]
    octets: int


@attrs.frozen
class Job:
    """What one process does: these tasks with this file."""

    subject: Subject
    workload: str
    tasks: tuple[str, ...]


def main() -> int:
    """Run what the command line asks for; return 1 if a subject of ours, or a peer that is there, broke down."""
    options = _options()
    subjects = list(_subjects(options))
    workloads = {name: generate(name) for name in _chosen(WORKLOADS, options.only)}
    jobs = list(_jobs(subjects, workloads))
    results = report.Results()
    broken: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(options.rounds):
            for job in jobs:
                print(f"round {number + 1}/{options.rounds}: {_describe(job)}", file=sys.stderr)
                workload = workloads[job.workload].first(min(job.subject.octets, options.octets))
                try:
                    figures = _run(job, workload, Path(directory))
                except subprocess.SubprocessError as error:
                    broken.append(f"{_describe(job)}: {_reason(error)}")
                    continue
                results.add(job.subject.name, job.workload, workload, figures)
    print(report.render(results, markdown=options.markdown))
    print("".join(f"\nBROKEN: {what}" for what in broken), end="")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    names = ["ours", "floor", *venvs.PEERS, *WORKLOADS]
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.run",
        description="Compare the codec of bgp with others, and with the fastest that Python can do.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often all is measured (default 5)")
    parser.add_argument("--quick", action="store_true", help="one round, with a fifth of the messages")
    parser.add_argument(
        "--no-peers", action="store_true", help="only ours and the floor: nothing is installed"
    )
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--markdown", action="store_true", help="print the tables as the README shows them")
    options = parser.parse_args()
    options.octets = 500_000 if options.quick else _UNLIMITED
    options.rounds = 1 if options.quick else options.rounds
    return options


def _chosen(names: Iterable[str], only: Iterable[str]) -> list[str]:
    """Those of the names that are asked for; all if none is."""
    names = list(names)
    return [name for name in names if name in only] or names


def _subjects(options: argparse.Namespace) -> Iterator[Subject]:
    peers = [] if options.no_peers else list(venvs.PEERS)
    for name in _chosen(["ours", "floor", *peers], options.only):
        if name not in venvs.PEERS:
            yield Subject(name, (sys.executable, "-m", f"tests.benchmarks.{name}"), _UNLIMITED)
            continue
        peer = venvs.PEERS[name]
        try:
            command = (str(venvs.python(name)), "-m", f"tests.benchmarks.peers.{peer.module}")
        except venvs.InstallError as error:
            print(f"{name} cannot be installed and is left out: {error}", file=sys.stderr)
            continue
        yield Subject(name, command, peer.octets)


def _jobs(subjects: Iterable[Subject], workloads: Mapping[str, Workload]) -> Iterator[Job]:
    for workload in workloads:
        for subject in subjects:
            for tasks in _TASKS.get(subject.name, _TASKS_OF_OTHERS):
                if tasks != ("memory",) or workload == "realistic":
                    yield Job(subject, workload, tasks)


def _describe(job: Job) -> str:
    return f"{job.subject.name}, {job.workload}: {' '.join(job.tasks)}"


def _run(job: Job, workload: Workload, directory: Path) -> dict[str, Figures]:
    messages, warmup = directory / "messages", directory / "warmup"
    messages.write_bytes(b"".join(workload.messages))
    warmup.write_bytes(_warmup(job.workload))
    command = [*job.subject.command, str(messages), str(warmup), *job.tasks]
    result = subprocess.run(command, cwd=_ROOT, capture_output=True, timeout=_TIME_LIMIT, check=True)
    figures: dict[str, Figures] = json.loads(result.stdout)
    return figures


def _reason(error: subprocess.SubprocessError) -> str:
    """The last line that it said, or that it took too long."""
    if isinstance(error, subprocess.CalledProcessError):
        lines = error.stderr.decode(errors="replace").splitlines()
        return str(lines[-1]) if lines else f"exit code {error.returncode}"
    return str(error)


@functools.cache
def _warmup(name: str) -> bytes:
    return b"".join(generate(name, SEED + 1).first(_WARMUP_OCTETS).messages)


if __name__ == "__main__":
    sys.exit(main())
