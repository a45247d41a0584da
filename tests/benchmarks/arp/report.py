"""From figures to tables, and to a verdict on each target."""

import datetime
import platform
from collections.abc import Callable, Iterator

import attrs

from tests.benchmarks.arp.asker import Figures
from tests.benchmarks.arp.course import Amounts
from tests.benchmarks.arp.family import FAMILIES
from tests.benchmarks.arp.subjects import OCCUPIED, OURS
from tests.benchmarks.report import Table, as_markdown, as_text

SCENARIOS = tuple(field.name for field in attrs.fields(Amounts))
"""The names of the scenarios."""

_REMARKS = """\
MetalLB v0.7.1, on a machine where the kernel took 12 us and the loop 34 us, took 52 us, and answered 8,000 to 10,000
questions of the burst, 21,000 a second.

For each solicitation that arrives the kernel looks through all groups that are joined on the interface, one after the
other. With a thousand that does not show; with ten thousand the bare loop, too, takes four times as long."""


@attrs.define
class Results:
    """All figures, by family, scenario and subject, and how many questions there were."""

    amounts: Amounts
    _rounds: dict[tuple[str, str, str], list[Figures]] = attrs.field(factory=dict, init=False)

    def add(self, family: str, scenario: str, subject: str, figures: Figures) -> None:
        """Take in what a round found."""
        self._rounds.setdefault((family, scenario, subject), []).append(figures)

    def subjects(self, family: str, scenario: str = "") -> list[str]:
        """Everybody who was measured with a family, in the order of their turns."""
        found = (key[2] for key in self._rounds if key[0] == family and scenario in ("", key[1]))
        return list(dict.fromkeys(found))

    def values(self, family: str, scenario: str, subject: str, figure: str) -> list[float]:
        """A figure in each round."""
        return [found[figure] for found in self._rounds.get((family, scenario, subject), [])]

    def least(self, family: str, scenario: str, subject: str, figure: str) -> float | None:
        """The least of the rounds: what a machine does besides makes nobody faster. None if it was not measured."""
        return min(self.values(family, scenario, subject, figure), default=None)

    def spread(self, family: str, scenario: str, subject: str, figure: str) -> float | None:
        """How far the rounds lie apart: as a share of the least."""
        values = self.values(family, scenario, subject, figure)
        return (max(values) - min(values)) / min(values) if values else None

    def ratio(self, family: str, subject: str, other: str) -> float | None:
        """How many times as long as another a subject takes for an answer, by the median."""
        its, others = (self.least(family, "latency", name, "median") for name in (subject, other))
        return its / others if its is not None and others else None

    def answered(self, family: str, subject: str) -> float | None:
        """The share of a burst that was answered, in the worst of the rounds."""
        least = self.least(family, "burst", subject, "answered")
        return None if least is None else least / self.amounts.burst

    def rate(self, family: str, subject: str) -> float | None:
        """Answers a second in a burst, in the best of the rounds."""
        rounds = self._rounds.get((family, "burst", subject), [])
        return max(
            (found["answered"] / found["seconds"] for found in rounds if found["answered"]), default=None
        )

    def sending(self, family: str) -> float | None:
        """Questions a second that the asker sent in a burst, in the fastest of all rounds."""
        seconds = (self.least(family, "burst", each, "sending") for each in self.subjects(family, "burst"))
        return max((self.amounts.burst / each for each in seconds if each), default=None)


def render(results: Results, *, markdown: bool) -> str:
    """All tables as text for a terminal, or one table of Markdown."""
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    when = f"Measured on {datetime.date.today().isoformat()}, {system}; the best of each one's rounds."
    if markdown:
        return f"{when}\n\n{as_markdown(_summary(results))}"
    tables = [*_tables(results), Table("Targets", ("", "to reach", "measured", ""), _target_rows(results))]
    return "\n\n".join([when, *(as_text(table) for table in tables if table.rows), _REMARKS])


def _tables(results: Results) -> Iterator[Table]:
    for family in FAMILIES:
        yield _latency_table(results, family)
        yield _burst_table(results, family)
        yield _flood_table(results, family, "busy", "of others", results.amounts.busy)
        yield _flood_table(results, family, "gaps", "between the owned ones", results.amounts.gaps)
        yield _waits_table(results, family)


def _latency_table(results: Results, family: str) -> Table:
    title = f"{FAMILIES[family].title}, latency: {results.amounts.latency:,} questions, one after the other"
    head = ("", "median, us", "+-", "99 %, us", "x loop", "x kernel")
    rows = [
        (
            subject,
            _microseconds(results.least(family, "latency", subject, "median")),
            _percent(results.spread(family, "latency", subject, "median")),
            _microseconds(results.least(family, "latency", subject, "p99")),
            _ratio(results.ratio(family, subject, "loop")),
            _ratio(results.ratio(family, subject, "kernel")),
        )
        for subject in results.subjects(family, "latency")
    ]
    return Table(title, head, rows)


def _burst_table(results: Results, family: str) -> Table:
    sent = f"{results.amounts.burst:,} questions, {_count(results.sending(family))} a second"
    rows = [(each, *_burst(results, family, each)) for each in results.subjects(family, "burst")]
    return Table(f"{FAMILIES[family].title}, burst: {sent}", ("", "answered", "answers/s"), rows)


def _burst(results: Results, family: str, subject: str) -> tuple[str, str]:
    return _percent(results.answered(family, subject)), _count(results.rate(family, subject))


def _flood_table(results: Results, family: str, scenario: str, which: str, count: int) -> Table:
    title = f"{FAMILIES[family].title}, {scenario}: {count:,} questions about addresses {which}"
    rows = []
    for subject in results.subjects(family, scenario):
        processor = results.least(family, scenario, subject, "processor")
        rows.append((subject, _seconds(processor), _microseconds(processor and processor / count)))
    return Table(title, ("", "processor, s", "us a question"), rows)


def _waits_table(results: Results, family: str) -> Table:
    title = f"{FAMILIES[family].title}, waits: {results.amounts.waits:,} questions to somebody busy"
    rows = [
        (
            subject,
            _milliseconds(results.least(family, "waits", subject, "longest")),
            _milliseconds(max(results.values(family, "waits", subject, "longest"))),
        )
        for subject in results.subjects(family, "waits")
    ]
    return Table(title, ("", "longest wait, ms", "in the worst round"), rows)


def _summary(results: Results) -> Table:
    """One row a subject, for each family one column for each figure that has a target, but for how long they wait."""
    rows = []
    subjects = dict.fromkeys(each for name in FAMILIES for each in results.subjects(name))
    for subject in (each for each in subjects if each not in OCCUPIED):
        row = [subject]
        for name in FAMILIES:
            row += [
                _microseconds(results.least(name, "latency", subject, "median")),
                _microseconds(results.least(name, "latency", subject, "p99")),
                *_burst(results, name, subject),
                _seconds(results.least(name, "busy", subject, "processor")),
            ]
        rows.append(tuple(row))
    figures = ("median, us", "99 %, us", "of a burst", "a second", "busy, s")
    head = ("", *(f"{family.title} {figure}" for family in FAMILIES.values() for figure in figures))
    return Table("", head, rows)


# Targets


@attrs.frozen
class Target:
    """What is to be reached, for each family; `measure` says what was, None if it was not measured."""

    what: str
    limit: float
    measure: Callable[[Results, str], float | None]
    at_most: bool = True

    def row(self, results: Results, family: str) -> tuple[str, ...]:
        """What, how much, measured, and whether that will do."""
        what = f"{FAMILIES[family].title}: {self.what}"
        limit = f"{'at most' if self.at_most else 'at least'} {self.limit:g}"
        value = self.measure(results, family)
        if value is None:
            return what, limit, "-", "not measured"
        met = value <= self.limit if self.at_most else value >= self.limit
        return what, limit, f"{value:,.3g}", "met" if met else "MISSED"


def _quickly(subject: str) -> Target:
    return Target(
        f"{subject}, median, times loop", 1.2, lambda results, family: results.ratio(family, subject, "loop")
    )


def _wholly(subject: str) -> Target:
    return Target(
        f"{subject}, share of the burst answered",
        1,
        lambda results, family: results.answered(family, subject),
        at_most=False,
    )


def _idly(subject: str) -> Target:
    return Target(
        f"{subject}, busy, processor seconds",
        0.01,
        lambda results, family: results.least(family, "busy", subject, "processor"),
    )


def _promptly(subject: str) -> Target:
    return Target(
        f"{subject}, longest wait, seconds",
        0.1,
        lambda results, family: results.least(family, "waits", subject, "longest"),
    )


_TARGETS = (
    *map(_quickly, OURS),
    Target(
        f"{OURS[-1]}, median, times {OURS[0]}",
        1.1,
        lambda results, family: results.ratio(family, OURS[-1], OURS[0]),
    ),
    *map(_wholly, OURS),
    *map(_idly, OURS),
    *map(_promptly, OCCUPIED),
)


def _target_rows(results: Results) -> list[tuple[str, ...]]:
    measured = (family for family in FAMILIES if results.subjects(family))
    return [target.row(results, family) for family in measured for target in _TARGETS]


# Numbers as text


def _microseconds(value: float | None) -> str:
    return "-" if value is None else f"{1e6 * value:.1f}"


def _milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{1e3 * value:.1f}"


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{float(f'{value:.3g}'):,.0f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.4g}%"


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
