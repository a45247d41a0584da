"""Measure, print tables, and say which targets are met.

Every subject is started anew in every round, and all of them take turns: whatever else the machine does hits all of
them alike.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator

from tests.benchmarks.arp import course
from tests.benchmarks.arp.asker import WrongAnswerError
from tests.benchmarks.arp.course import Amounts
from tests.benchmarks.arp.family import FAMILIES, Family
from tests.benchmarks.arp.report import SCENARIOS, Results, render
from tests.benchmarks.arp.subjects import SUBJECTS, Subject
from tests.interop.netns import exit_when_terminated


def main() -> int:
    """Run what the command line asks for; return 1 if somebody broke down."""
    options = _options()
    if os.geteuid() != 0:
        sys.exit("this needs root, to make network namespaces")
    exit_when_terminated()
    amounts = (
        Amounts(latency=500, burst=2_000, busy=10_000, gaps=10_000, waits=300) if options.quick else Amounts()
    )
    scenarios = _chosen(SCENARIOS, options.only)
    results, broken = Results(amounts), []
    with course.segment() as where:
        for number in range(options.rounds):
            for family, subject in _turns(options.only):
                _tell(f"round {number + 1}: {subject.name}, {family.title}")
                try:
                    found = course.run(subject, family, scenarios, amounts, where)
                except (OSError, RuntimeError, WrongAnswerError) as error:
                    broken.append(f"{subject.name}, {family.title}: {type(error).__name__}: {error}")
                    continue
                for scenario, figures in found.items():
                    results.add(family.name, scenario, subject.name, figures)
    _tell("")
    print(render(results, markdown=options.markdown))
    print("".join(f"\nBROKEN: {what}" for what in broken), end="")
    return 1 if broken else 0


def _options() -> argparse.Namespace:
    names = [*SUBJECTS, *FAMILIES, *SCENARIOS]
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.arp.run",
        description="Compare how fast addresses are answered for. Needs root.",
    )
    parser.add_argument("--rounds", type=int, default=5, help="how often all is measured (default 5)")
    parser.add_argument("--quick", action="store_true", help="one round, with a tenth of the questions")
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--markdown", action="store_true", help="print the table that the README shows")
    options = parser.parse_args()
    options.rounds = 1 if options.quick else options.rounds
    return options


def _turns(only: list[str]) -> Iterator[tuple[Family, Subject]]:
    for family in _chosen(FAMILIES, only):
        for subject in _chosen(SUBJECTS, only):
            yield FAMILIES[family], SUBJECTS[subject]


def _chosen(names: Iterable[str], only: list[str]) -> list[str]:
    """Those of the names that are asked for; all if none is."""
    names = list(names)
    return [name for name in names if name in only] or names


def _tell(what: str) -> None:
    print(f"\r\033[K{what}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
