"""Measure, print tables, and say which targets are met.

Every subject is started anew for every scenario and round, and all of them take turns: whatever else the machine does
hits all of them alike. A subject whose programs are not installed is left out, with a word.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from tests.benchmarks.generator import Workload, realistic
from tests.benchmarks.scale import courses, latency
from tests.benchmarks.scale.courses import SCENARIOS, Figures, Scenario
from tests.benchmarks.scale.feeds import PEER_AS, SECOND_AS, worse
from tests.benchmarks.scale.latency import Origin
from tests.benchmarks.scale.report import LATENCY, Results, render
from tests.benchmarks.scale.routers import ROUTERS, Router
from tests.interop.netns import exit_when_terminated

_LATENCY_REPEATS = 5
Job = tuple[str, str, Callable[[], Figures]]
"""Scenario, subject, and what to do."""


def main() -> int:
    """Run what the command line asks for; return 1 if somebody broke down."""
    options = _options()
    if os.geteuid() != 0:
        sys.exit("this needs root, to make network namespaces")
    exit_when_terminated()
    chosen = [each for each in SCENARIOS if _is_chosen(each.name, options)]
    results = Results({each.name: options.prefixes * each.factor for each in chosen})
    broken: list[str] = []
    with tempfile.TemporaryDirectory(prefix="k8sglue-feeds-") as directory:
        jobs = [*_router_jobs(options, chosen, Path(directory)), *_latency_jobs(options)]
        for number in range(options.rounds):
            for scenario, subject, job in jobs:
                print(
                    f"\r\033[Kround {number + 1}: {subject}, {scenario}", end="", file=sys.stderr, flush=True
                )
                try:
                    results.add(scenario, subject, job())
                except (OSError, RuntimeError) as error:
                    broken.append(f"{subject}, {scenario}: {type(error).__name__}: {error}")
    print("\r\033[K", end="", file=sys.stderr)
    print(render(results, markdown=options.markdown))
    print("".join(f"\nBROKEN: {what}" for what in broken), end="")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    names = [*ROUTERS, *(each.name for each in SCENARIOS), LATENCY]
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.scale.run",
        description="Compare whole speakers, with the routes of a real table. Needs root.",
    )
    parser.add_argument("--prefixes", type=int, default=100_000, help="how large a table is (default 100000)")
    parser.add_argument("--rounds", type=int, default=3, help="how often all is measured (default 3)")
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--markdown", action="store_true", help="print the table that the README shows")
    return parser.parse_args()


def _is_chosen(name: str, options: argparse.Namespace, among: Iterable[str] = ()) -> bool:
    """Whether it is asked for, or nothing of its kind is."""
    kind = set(among or (*(each.name for each in SCENARIOS), LATENCY))
    return name in options.only or not kind & set(options.only)


def _router_jobs(options: argparse.Namespace, scenarios: list[Scenario], directory: Path) -> Iterator[Job]:
    subjects = list(_present(options, ROUTERS))
    for scenario in scenarios:
        workload, feeds = _workload(options.prefixes * scenario.factor, directory)
        for subject in subjects:
            kind = ROUTERS[subject]
            if kind.passes_on or not scenario.needs_passing_on:
                yield scenario.name, subject, _bound(scenario, subject, workload, feeds)


def _bound(
    scenario: Scenario, subject: str, workload: Workload, feeds: Mapping[int, Path]
) -> Callable[[], Figures]:
    return lambda: courses.run(scenario, ROUTERS[subject], workload, feeds)


def _latency_jobs(options: argparse.Namespace) -> Iterator[Job]:
    if not _is_chosen(LATENCY, options):
        return
    for subject in _present(options, latency.ORIGINS):
        kind = latency.ORIGINS[subject]
        yield LATENCY, subject, lambda kind=kind: latency.run(kind, _LATENCY_REPEATS)  # type: ignore[misc]


def _present(
    options: argparse.Namespace, kinds: Mapping[str, type[Router]] | Mapping[str, type[Origin]]
) -> Iterator[str]:
    for name, kind in kinds.items():
        if not _is_chosen(name, options, ROUTERS):
            continue
        if missing := kind.missing():
            print(f"{name} is left out: there is no {', '.join(missing)}", file=sys.stderr)
            continue
        yield name


def _workload(prefixes: int, directory: Path) -> tuple[Workload, dict[int, Path]]:
    """Messages, and files of them as each of the peers that play has them."""
    workload = realistic(prefixes)
    feeds = {asn: directory / f"{prefixes}-{asn}" for asn in (PEER_AS, SECOND_AS)}
    if not feeds[PEER_AS].exists():
        feeds[PEER_AS].write_bytes(b"".join(workload.messages))
        feeds[SECOND_AS].write_bytes(b"".join(worse(workload).messages))
    return workload, feeds


if __name__ == "__main__":
    sys.exit(main())
