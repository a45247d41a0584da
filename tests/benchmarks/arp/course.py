"""What a subject goes through: it is started on a segment, asked in each scenario, and ended."""

import functools
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs

from tests.benchmarks.arp.asker import Asker, Figures, wait_quiet
from tests.benchmarks.arp.family import ARP, NDP, Family
from tests.benchmarks.arp.subjects import Subject
from tests.interop.netns import NetworkNamespace, connect

_DIFFERENT = 1_000
"""How many addresses of others are asked for in turn."""


@attrs.frozen(kw_only=True)
class Amounts:
    """How many questions each scenario has."""

    latency: int = 5_000
    burst: int = 20_000
    busy: int = 100_000
    gaps: int = 100_000
    waits: int = 1_500


@attrs.frozen
class Segment:
    """Two namespaces with a cable between them."""

    asker: NetworkNamespace
    answerer: NetworkNamespace


@contextmanager
def segment() -> Iterator[Segment]:
    """Make one, and remove it whatever happens."""
    with NetworkNamespace("asker") as asker, NetworkNamespace("answerer") as answerer:
        # No subject owns the address on the other side; the kernel's own are added when it is the kernel's turn.
        connect(asker, f"{ARP.asker}/{ARP.length}", answerer, "192.0.2.1/32")
        asker.run("ip", "address", "add", f"{NDP.asker}/{NDP.length}", "dev", "eth0", "nodad")
        yield Segment(asker, answerer)


def run(
    subject: Subject, family: Family, scenarios: Sequence[str], amounts: Amounts, where: Segment
) -> dict[str, Figures]:
    """Let it go through the scenarios; gives what was found in each. The kernel has no processor time of its own."""
    owned = family.owned(subject.owns)
    with (
        subject.running(where.answerer, family) as pid,
        where.asker.entered(),
        Asker(family) as asker,
    ):
        asker.wait_answered([owned[0], owned[-1]])
        courses: dict[str, Callable[[], Figures]] = {
            "latency": lambda: asker.latency(owned, amounts.latency),
            "burst": lambda: asker.burst(owned, amounts.burst),
        }
        if subject.occupation:
            courses = {"waits": lambda: asker.waits(owned, amounts.waits)}
        elif pid is not None:
            processor = functools.partial(_processor_seconds, pid)
            wait_quiet(processor)  # until it has joined its groups, say
            others, gaps = family.others(_DIFFERENT), family.gaps(min(subject.owns, _DIFFERENT))
            courses["busy"] = lambda: asker.flood(others, amounts.busy, processor)
            courses["gaps"] = lambda: asker.flood(gaps, amounts.gaps, processor)
        return {scenario: courses[scenario]() for scenario in scenarios if scenario in courses}


def _processor_seconds(pid: int) -> float:
    """User and system time that a process has used, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((tasks / task / "schedstat").read_text().split()[0]) for task in os.listdir(tasks)) / 1e9
