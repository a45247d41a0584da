"""What the benchmark says of its figures: made-up ones, since no test knows a time."""

import pytest

from tests.benchmarks.generator import Workload
from tests.benchmarks.measure import Figures
from tests.benchmarks.report import Results, render

WORKLOAD = Workload((b"m",) * 10, (4,) * 10)


def decoding(seconds: float, prefixes: int = 40, failures: int = 0) -> dict[str, Figures]:
    return {"decode": {"seconds": seconds, "failures": failures, "prefixes": prefixes}}


def measured(**subjects: list[float]) -> Results:
    results = Results()
    for subject, rounds in subjects.items():
        for seconds in rounds:
            results.add(subject, "realistic", WORKLOAD, decoding(seconds))
    return results


def line(text: str, start: str) -> str:
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(start))


def test_the_best_of_the_rounds_counts_and_how_far_they_lie_apart_is_said() -> None:
    results = measured(ours=[2.0, 1.0, 4.0])
    assert results.rate("ours", "realistic", "decode") == 10
    assert results.spread("ours", "realistic", "decode") == pytest.approx((10 - 2.5) / 10)


def test_a_ratio_is_to_what_a_rival_reaches() -> None:
    text = render(measured(ours=[1.0], floor=[0.8], exabgp=[14.0]), markdown=False)
    assert line(text, "bgp ").split()[1:] == ["10", "0%", "40", "0.8", "14"]
    assert line(text, "floor ").split()[1:] == ["12", "0%", "50", "1", "18"]


def test_a_target_is_met_missed_or_not_measured() -> None:
    text = render(measured(ours=[1.0], floor=[0.8], exabgp=[12.9]), markdown=False)
    assert line(text, "decode realistic, times floor").endswith(" met")
    assert line(text, "decode realistic, times exabgp").endswith("MISSED")
    assert line(text, "decode realistic, times yabgp").endswith("not measured")


def test_who_passes_over_prefixes_has_no_rate() -> None:
    results = Results()
    results.add("ours", "realistic", WORKLOAD, decoding(1.0, prefixes=39))
    assert results.rate("ours", "realistic", "decode") == 0
    # ExaBGP makes two of a prefix with two next hops: more is no fault.
    results.add("exabgp", "realistic", WORKLOAD, decoding(1.0, prefixes=41))
    assert results.rate("exabgp", "realistic", "decode") == 10


def test_who_fails_at_every_message_has_no_rate() -> None:
    results = measured(scapy=[1.0])
    results.add("scapy", "realistic", WORKLOAD, {"encode": {"seconds": 1.0, "failures": 10, "exact": 0}})
    assert results.rate("scapy", "realistic", "encode") == 0
    assert results.failed("scapy", "realistic", "encode") == 1
    assert "fails" in render(results, markdown=False)


def test_markdown_is_one_table() -> None:
    results = measured(ours=[0.001], exabgp=[0.1])
    results.add("ours", "realistic", WORKLOAD, {"encode": {"seconds": 0.01, "failures": 0, "exact": 10}})
    results.add("ours", "realistic", WORKLOAD, {"memory": {"octets": 12_000, "routes": 40}})
    text = render(results, markdown=True)
    assert line(text, "| bgp |") == "| bgp | 10,000 | - | 1,000 | 100.0% | 300 |"
    assert line(text, "| exabgp |") == "| exabgp | 100 | - | - | - | - |"
    assert text.count("| --- |") == 1
