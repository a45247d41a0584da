"""Durations in Go's notation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sglue.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90.0),
        ("1m30s", 90.0),
        ("1.5h", 5400.0),
        ("500ms", 0.5),
        (".5s", 0.5),
        ("1h1m1s1ms", 3661.001),
        ("0", 0.0),
        ("-3s", -3.0),
        ("+3s", 3.0),
        ("7us", 7e-6),
        ("7µs", 7e-6),
        ("7ns", 7e-9),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "90", "s", "1 s", "1d", "1s ", "--1s", ".s", "1sm", "٣s"])
def test_what_is_no_duration(text: str) -> None:
    assert parse_duration(text) is None


@given(st.integers(0, 10**9))
def test_a_duration_is_written_as_it_is_read(milliseconds: int) -> None:
    assert parse_duration(format_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)
