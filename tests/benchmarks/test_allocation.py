"""The benchmark of the allocator does what it says, with few Services."""

import sys

import pytest

from tests.benchmarks import allocation


def test_every_course_does_its_work() -> None:
    figures = dict(allocation.measure(services=40, rounds=1))
    assert list(figures) == [course.title for course in allocation.COURSES]
    assert all(seconds < 30 for seconds in figures.values())


def test_a_table_is_printed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["allocation", "--services", "10", "--rounds", "1"])
    assert allocation.main() == 0
    printed = capsys.readouterr().out
    assert all(course.title in printed for course in allocation.COURSES)


def test_a_missed_target_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(allocation, "SERVICES", 10)
    monkeypatch.setattr(allocation, "TARGET", 0.0)
    monkeypatch.setattr(sys, "argv", ["allocation", "--services", "10", "--rounds", "1"])
    assert allocation.main() == 1
    assert "MISSED" in capsys.readouterr().out
