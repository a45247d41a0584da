"""From figures to tables, and to a verdict on each target."""

import datetime
import platform
from collections.abc import Callable, Iterator, Mapping

import attrs

from tests.benchmarks.report import Table, as_markdown, as_text
from tests.benchmarks.scale.courses import SCENARIOS, Figures
from tests.benchmarks.scale.latency import POLL

LATENCY = "latency"
"""The name of the scenario that latency.py is about."""


@attrs.define
class Results:
    """All figures, by scenario and subject, and how many prefixes each scenario had."""

    prefixes: Mapping[str, int]
    _rounds: dict[tuple[str, str], list[Figures]] = attrs.field(factory=dict, init=False)

    def add(self, scenario: str, subject: str, figures: Figures) -> None:
        """Take in what a round found."""
        self._rounds.setdefault((scenario, subject), []).append(figures)

    def subjects(self, scenario: str) -> list[str]:
        """Everybody who was measured in a scenario, in the order of their turns."""
        return [subject for name, subject in self._rounds if name == scenario]

    def best(self, scenario: str, subject: str, figure: str) -> float | None:
        """The least of the rounds; None if it was not measured."""
        rounds = self._rounds.get((scenario, subject), [])
        return min((found[figure] for found in rounds if figure in found), default=None)

    def octets_a_prefix(self, scenario: str, subject: str) -> float | None:
        """Memory that a table takes, by prefix."""
        octets = self.best(scenario, subject, "octets")
        return None if octets is None else octets / self.prefixes[scenario]

    def ratio(self, scenario: str, rival: str, figure: str = "seconds") -> float | None:
        """How many times as long as ours a rival takes."""
        ours, its = self.best(scenario, "ours", figure), self.best(scenario, rival, figure)
        return its / ours if ours and its is not None else None


def render(results: Results, *, markdown: bool) -> str:
    """All tables as text for a terminal, or what matters most in one table of Markdown."""
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    when = f"Measured on {datetime.date.today().isoformat()}, {system}; the best of each one's rounds."
    if markdown:
        return f"{when}\n\n{as_markdown(_summary(results))}"
    tables = [*_tables(results), _target_table(results)]
    return "\n\n".join([when, *(as_text(table) for table in tables if table.rows)])


def _tables(results: Results) -> Iterator[Table]:
    for scenario in SCENARIOS:
        name = scenario.name
        rows = [
            (
                _label(subject),
                _seconds(results.best(name, subject, "seconds")),
                _seconds(results.best(name, subject, "told")),
                _seconds(results.best(name, subject, "processor")),
                _count(results.octets_a_prefix(name, subject)),
                _count(results.best(name, subject, "updates")),
            )
            for subject in results.subjects(name)
        ]
        head = ("", "full, s", "told, s", "processor, s", "octets a prefix", "UPDATEs sent")
        title = f"{name}: {scenario.title}, {results.prefixes.get(name, 0):,} prefixes"
        yield Table(title, head, rows)
    latencies = [
        (_label(subject), _milliseconds(results.best(LATENCY, subject, "seconds")))
        for subject in results.subjects(LATENCY)
    ]
    yield Table(f"{LATENCY}: 500 routes until BIRD has them", ("", "ms"), latencies)


def _summary(results: Results) -> Table:
    """One row a subject, one column for what people ask."""
    columns: dict[str, Callable[[str], str]] = {
        "table received, s": lambda subject: _seconds(results.best("receive", subject, "seconds")),
        "and told to a peer, s": lambda subject: _seconds(results.best("readvertise", subject, "told")),
        "octets a prefix": lambda subject: _count(results.octets_a_prefix("readvertise", subject)),
        "told to four, s": lambda subject: _seconds(results.best("spread", subject, "told")),
        "a million received, s": lambda subject: _seconds(results.best("million", subject, "seconds")),
        "octets a prefix ": lambda subject: _count(results.octets_a_prefix("million", subject)),
        "after a flap, s": lambda subject: _seconds(results.best("flap", subject, "told")),
        "500 routes to BIRD, ms": lambda subject: _milliseconds(results.best(LATENCY, subject, "seconds")),
    }
    names = (*(scenario.name for scenario in SCENARIOS), LATENCY)
    subjects = dict.fromkeys(subject for name in names for subject in results.subjects(name))
    rows = [(_label(each), *(show(each) for show in columns.values())) for each in subjects]
    return Table("", ("", *(title.strip() for title in columns)), rows)


# Targets


@attrs.frozen
class Target:
    """What is to be reached; `measure` says what was, None if it was not measured."""

    what: str
    limit: float
    measure: Callable[[Results], float | None]
    at_most: bool = False

    def row(self, results: Results) -> tuple[str, ...]:
        """What, how much, measured, and whether that will do."""
        value = self.measure(results)
        limit = f"{'at most' if self.at_most else 'at least'} {self.limit:g}"
        if value is None:
            return self.what, limit, "-", "not measured"
        met = value <= self.limit if self.at_most else value >= self.limit
        return self.what, limit, f"{value:,.3g}", "met" if met else "MISSED"


def _faster(rival: str, limit: float) -> Target:
    return Target(f"receive, times {rival}", limit, lambda results: results.ratio("receive", rival))


_TARGETS = (
    _faster("openbgpd", 1),
    _faster("frr", 1),
    _faster("gobgp", 1),
    _faster("exabgp", 10),
    Target(
        "readvertise, octets a prefix",
        350,
        lambda results: results.octets_a_prefix("readvertise", "ours"),
        at_most=True,
    ),
    Target("latency, s", 0.11, lambda results: results.best(LATENCY, "ours", "seconds"), at_most=True),
)


def _target_table(results: Results) -> Table:
    rows = [target.row(results) for target in _TARGETS]
    return Table("Targets", ("", "to reach", "measured", ""), rows)


# Numbers as text


def _label(subject: str) -> str:
    return "bgp" if subject == "ours" else subject


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    return f"under {1000 * POLL:.0f}" if value < POLL else f"{1000 * value:.0f}"


def _count(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"
