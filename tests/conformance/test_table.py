"""The marks are what they should be, and the README tells what they say."""

import re

import pytest

from tests.conformance.notyet import NOT_YET
from tests.conformance.requirements import NotYet, Place, Requirement, marks, requirements, rfc
from tests.conformance.table import README, TITLES, table, with_table


def _everything() -> list[Requirement | NotYet]:
    return [*requirements(), *NOT_YET]


def test_the_readme_tells_what_the_marks_say() -> None:
    text = README.read_text()
    assert with_table(text) == text, "run make rfc-table"


def test_every_test_has_a_mark_of_the_rfc_in_its_file() -> None:
    for name, found in marks():
        places = [Place.read(mark.args[0]) for mark in found if mark.name == rfc.name]
        assert places, f"{name} has no mark"
        number = re.match(r"test_rfc(\d+)", name)
        assert number
        assert {place.rfc for place in places} == {int(number[1])}, name


def test_each_demand_is_made_once() -> None:
    demands = [f"{each.place}: {each.demand}" for each in _everything()]
    assert sorted(demands) == sorted(set(demands))


def test_each_rfc_has_a_title() -> None:
    assert {each.place.rfc for each in _everything()} == set(TITLES)


def test_each_known_fault_says_where() -> None:
    for requirement in requirements():
        assert requirement.bug is None or re.match(r"bgp/\w+\.py", requirement.bug), requirement.test


def test_rows() -> None:
    lines = [line for line in table().splitlines() if line.startswith("| 4271 ")]
    assert len(lines) == 1
    assert lines[0].startswith("| 4271 | BGP-4 | ")
    assert "making aggregates of routes (" in lines[0]


@pytest.mark.parametrize("place", ["4271", "RFC 4271 6", "4271 6.", "4271 section 6"])
def test_a_place_is_an_rfc_and_a_section(place: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        Place.read(place)


@pytest.mark.parametrize("demand", ["answer", "MUST", "must answer", "MUST answer."])
def test_a_demand_begins_with_its_level(demand: str) -> None:
    with pytest.raises(ValueError, match="must begin"):
        Requirement("4271 6", demand)
    with pytest.raises(ValueError, match="must begin"):
        NotYet("4271 6", demand, "nobody knows")
