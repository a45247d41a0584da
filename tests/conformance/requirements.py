"""Where the demands are written down, and how they are collected."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

import attrs
import pytest

rfc: Final = pytest.mark.rfc
"""Marks a test with what it shows: `@rfc("4271 6.1", "MUST …")`."""

_PLACE = re.compile(r"(\d{4}) (\d+(?:\.\d+)*)")
_DEMAND = re.compile(r"(MUST|MUST NOT|SHOULD|SHOULD NOT|MAY) \S")


@attrs.frozen
class Place:
    """A section of an RFC: `Place.read("4271 6.1")`."""

    rfc: int
    section: tuple[int, ...]

    @classmethod
    def read(cls, text: str) -> "Place":
        """Read the number of an RFC and of a section."""
        match = _PLACE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r}, must be an RFC and a section as in 4271 6.1")
        return cls(int(match[1]), tuple(map(int, match[2].split("."))))

    def __str__(self) -> str:
        return f"{self.rfc} {'.'.join(map(str, self.section))}"


def _place(text: str) -> Place:
    return Place.read(text)


def _demand(_instance: object, _attribute: object, text: str) -> None:
    if not _DEMAND.match(text) or text.endswith("."):
        raise ValueError(f"{text!r}, must begin with MUST, SHOULD or MAY, and not end with a full stop")


@attrs.frozen
class Requirement:
    """Something that an RFC demands, and the test for it."""

    place: Place = attrs.field(converter=_place)
    demand: str = attrs.field(validator=_demand)
    test: str = attrs.field(default="", kw_only=True)
    """The test's name, with its file."""

    bug: str | None = attrs.field(default=None, kw_only=True)
    """Why the test fails, for the moment; None: it holds."""


@attrs.frozen
class NotYet:
    """Something that an RFC demands, and why the library does not do it."""

    place: Place = attrs.field(converter=_place)
    demand: str = attrs.field(validator=_demand)
    why: str
    """What is missing, in the few words that the README has room for."""


def requirements() -> list[Requirement]:
    """All demands that have a test, in the order of the files."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("test_rfc*.py"))
    modules = (importlib.import_module(f"{__package__}.{name}") for name in names)
    return [requirement for module in modules for requirement in _marked(module)]


def marks() -> Iterator[tuple[str, list[pytest.Mark]]]:
    """The name of each test in the files of the RFCs, and its marks."""
    for path in sorted(Path(__file__).parent.glob("test_rfc*.py")):
        module = importlib.import_module(f"{__package__}.{path.stem}")
        yield from ((f"{path.stem}::{name}", _marks(test)) for name, test in _functions(module))


def _functions(module: ModuleType) -> Iterator[tuple[str, object]]:
    for name, value in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_"):
            yield name, value


def _marks(test: object) -> list[pytest.Mark]:
    marks: list[pytest.Mark] = getattr(test, "pytestmark", [])
    return marks


def _marked(module: ModuleType) -> Iterator[Requirement]:
    for name, test in _functions(module):
        bugs = [mark.kwargs["reason"] for mark in _marks(test) if mark.name == "xfail"]
        for mark in _marks(test):
            if mark.name == rfc.name:
                where = f"{module.__name__.rpartition('.')[2]}::{name}"
                yield Requirement(*mark.args, test=where, bug=bugs[0] if bugs else None)
