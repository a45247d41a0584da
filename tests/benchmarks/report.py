"""From figures to tables, and to a verdict on each target."""

import datetime
import platform
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import attrs

from tests.benchmarks.generator import WORKLOADS, Workload
from tests.benchmarks.measure import Figures

_DECODING = {
    ("ours", "decode"): "bgp",
    ("ours", "read"): "bgp, and all of it read",
    ("ours", "warm"): "bgp, same file again",
    ("floor", "decode"): "floor",
}
_ENCODING = {
    ("ours", "encode"): "bgp, of what was decoded",
    ("ours", "built"): "bgp, of what was built from values",
    ("ours", "build"): "bgp, and the building counts too",
    ("floor", "encode"): "floor",
}


@attrs.frozen
class Sample:
    """What one process found out about one task."""

    messages: int
    prefixes: int
    figures: Figures

    @property
    def rate(self) -> float:
        """Messages a second of processor time; 0 if none succeeded."""
        return self.messages / self.figures["seconds"] if self.figures["failures"] < self.messages else 0.0

    @property
    def passed_over(self) -> float:
        """How many prefixes decoding did not find."""
        return self.prefixes - self.figures["prefixes"]


@attrs.define
class Results:
    """All samples, by subject, workload and task."""

    _samples: dict[tuple[str, str, str], list[Sample]] = attrs.field(factory=dict, init=False)
    workloads: dict[str, Workload] = attrs.field(factory=dict, init=False)
    """The largest part of each workload that a subject got."""

    def add(self, subject: str, name: str, workload: Workload, figures: dict[str, Figures]) -> None:
        """Take in what a process printed."""
        if len(workload.messages) > len(self.workloads.get(name, Workload((), ())).messages):
            self.workloads[name] = workload
        for task, found in figures.items():
            sample = Sample(len(workload.messages), workload.prefixes, found)
            self._samples.setdefault((subject, name, task), []).append(sample)

    def subjects(self) -> list[str]:
        """Everybody who was measured, in the order of their turns."""
        return list(dict.fromkeys(subject for subject, _, _ in self._samples))

    def of(self, subject: str, workload: str, task: str, value: Callable[[Sample], float]) -> float:
        """The median of a value over the rounds; 0 if it was not measured."""
        return median(self._values(subject, workload, task, value) or [0.0])

    def best(self, subject: str, workload: str, task: str) -> float:
        """The best rate of the rounds: whatever else a machine does makes nobody faster."""
        return max(self._values(subject, workload, task, lambda sample: sample.rate), default=0.0)

    def _values(
        self, subject: str, workload: str, task: str, value: Callable[[Sample], float]
    ) -> list[float]:
        return [value(sample) for sample in self._samples.get((subject, workload, task), [])]

    def rate(self, subject: str, workload: str, task: str) -> float:
        """Messages a second; 0 if it was not measured, or if prefixes are passed over in decoding."""
        if self.of(subject, workload, "decode", lambda sample: sample.passed_over) > 0:
            return 0.0
        return self.best(subject, workload, task)

    def spread(self, subject: str, workload: str, task: str) -> float:
        """How far the rates of the rounds lie apart: as a share of the best."""
        rates = self._values(subject, workload, task, lambda sample: sample.rate)
        return _divide(max(rates) - min(rates), max(rates)) if rates else 0.0

    def exact(self, subject: str, workload: str, task: str) -> float:
        """The share of messages that came back octet for octet."""
        return self.of(subject, workload, task, lambda sample: sample.figures["exact"] / sample.messages)

    def failed(self, subject: str, workload: str, task: str) -> float:
        """The share of messages that it could not do."""
        return self.of(subject, workload, task, lambda sample: sample.figures["failures"] / sample.messages)

    def octets_a_route(self, subject: str) -> float:
        """Memory that a table takes, by route."""
        return self.of(
            subject, "realistic", "memory", lambda sample: sample.figures["octets"] / sample.figures["routes"]
        )


@attrs.frozen
class Table:
    """A table: what it shows, its head, its rows."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


def render(results: Results, *, markdown: bool) -> str:
    """All tables as text for a terminal, or what matters most in one table of Markdown."""
    system = f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    when = f"Measured on {datetime.date.today().isoformat()}, {system}; the best of each one's rounds, processor time."
    if markdown:
        return f"{when}\n\n{as_markdown(_summary(results))}"
    tables = [*_rate_tables(results), _memory_table(results), _target_table(results)]
    return "\n\n".join([when, *(as_text(table) for table in tables if table.rows)])


def _rate_tables(results: Results) -> Iterator[Table]:
    for name in filter(results.workloads.__contains__, WORKLOADS):
        workload = results.workloads[name]
        of = f"{name}: {len(workload.messages):,} UPDATEs, {workload.prefixes:,} prefixes"
        yield _rates(results, name, f"Decode, {of}", "decode", _DECODING)
        yield _rates(results, name, f"Encode, {of}", "encode", _ENCODING)


def _rates(
    results: Results, workload: str, title: str, task: str, labels: dict[tuple[str, str], str]
) -> Table:
    """Rates, and the ratio of each to what every rival reaches."""
    rivals = [subject for subject in results.subjects() if subject != "ours"]
    lines = labels | {(subject, task): subject for subject in rivals if subject != "floor"}
    scale = results.workloads[workload]
    a_message = scale.prefixes / len(scale.messages)
    rows = []
    for (subject, its_task), label in lines.items():
        if subject not in results.subjects():
            continue
        rate = results.rate(subject, workload, its_task)
        spread = f"{results.spread(subject, workload, its_task):.0%}" if rate else "-"
        quality = [_quality(results, subject, workload, its_task)] if task == "encode" else []
        ratios = [_ratio(rate, results.rate(rival, workload, task)) for rival in rivals]
        rows.append((label, _number(rate), spread, _number(rate * a_message), *quality, *ratios))
    quality_head = ["exact"] if task == "encode" else []
    head = ("", "messages/s", "+-", "prefixes/s", *quality_head, *(f"x {rival}" for rival in rivals))
    return Table(title, head, rows)


def _quality(results: Results, subject: str, workload: str, task: str) -> str:
    if results.rate(subject, workload, task):
        return f"{results.exact(subject, workload, task):.1%}"
    return "fails" if results.failed(subject, workload, task) else "-"


def _memory_table(results: Results) -> Table:
    kept = [(subject, results.octets_a_route(subject)) for subject in results.subjects()]
    rows = [(_name(subject), f"{octets:,.0f}") for subject, octets in kept if octets]
    return Table("Memory of a table with the routes of realistic", ("", "octets a route"), rows)


def _name(subject: str) -> str:
    return "bgp" if subject == "ours" else subject


def _summary(results: Results) -> Table:
    """One row a subject, one column for each figure that has a target."""
    rows = [_summary_row(results, subject, _name(subject)) for subject in results.subjects()]
    if "ours" in results.subjects():
        rows.insert(1, _summary_row(results, "ours", "bgp, reading or building all values", "read", "build"))
    head = (
        "",
        "decode, UPDATEs/s",
        "decode packed, prefixes/s",
        "encode, UPDATEs/s",
        "octet for octet",
        "memory, octets a route",
    )
    return Table("", head, rows)


def _summary_row(
    results: Results, subject: str, label: str, decode: str = "decode", encode: str = "encode"
) -> tuple[str, ...]:
    packed = results.workloads.get("packed")
    a_message = packed.prefixes / len(packed.messages) if packed else 0.0
    octets = results.octets_a_route(subject) if decode == "decode" else 0.0
    return (
        label,
        _number(results.rate(subject, "realistic", decode)),
        _number(results.rate(subject, "packed", decode) * a_message),
        _number(results.rate(subject, "realistic", encode)),
        _quality(results, subject, "realistic", encode),
        _number(octets),
    )


# Targets


@attrs.frozen
class Target:
    """What is to be reached; `measure` says what was, or 0 if it was not measured."""

    what: str
    limit: float
    measure: Callable[[Results], float]
    at_most: bool = False

    def row(self, results: Results) -> tuple[str, ...]:
        """What, how much, measured, and whether that will do."""
        value = self.measure(results)
        met = value <= self.limit if self.at_most else value >= self.limit
        verdict = "not measured" if not value else "met" if met else "MISSED"
        sign = "at most" if self.at_most else "at least"
        return self.what, f"{sign} {self.limit:g}", f"{value:,.2f}" if value else "-", verdict


def _faster(workload: str, task: str, rival: str, limit: float) -> Target:
    return Target(
        f"{task} {workload}, times {rival}",
        limit,
        lambda results: _divide(results.rate("ours", workload, task), results.rate(rival, workload, task)),
    )


_TARGETS = (
    _faster("realistic", "decode", "exabgp", 13),
    _faster("realistic", "decode", "yabgp", 2.8),
    _faster("realistic", "decode", "floor", 0.8),
    _faster("packed", "decode", "exabgp", 40),
    _faster("realistic", "encode", "yabgp", 7),
    Target("encode realistic, share exact", 1, lambda results: results.exact("ours", "realistic", "encode")),
    Target("octets a route", 350, lambda results: results.octets_a_route("ours"), at_most=True),
    Target(
        "floor: decode realistic, times yabgp",
        3.3,
        lambda results: _divide(
            results.rate("floor", "realistic", "decode"), results.rate("yabgp", "realistic", "decode")
        ),
    ),
)


def _target_table(results: Results) -> Table:
    rows = [target.row(results) for target in _TARGETS]
    return Table("Targets", ("", "to reach", "measured", ""), rows)


# Numbers and tables as text


def _divide(value: float, by: float) -> float:
    return value / by if by else 0.0


def _number(value: float) -> str:
    if not value:
        return "-"
    return f"{float(f'{value:.3g}'):,.0f}"


def _ratio(value: float, by: float) -> str:
    ratio = _divide(value, by)
    return f"{float(f'{ratio:.2g}'):g}" if ratio else "-"


def as_text(table: Table) -> str:
    """A table for a terminal."""
    widths = [max(map(len, column)) for column in zip(table.head, *table.rows, strict=True)]
    lines = [table.title]
    for row in (table.head, *table.rows):
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown(table: Table) -> str:
    """A table in Markdown, without its title."""

    def line(cells: Sequence[str]) -> str:
        return f"| {' | '.join(cells)} |"

    rule = line(["---", *("---:" for _ in table.head[1:])])
    return "\n".join([line(table.head), rule, *map(line, table.rows)])
