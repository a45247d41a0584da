"""The fuzz targets hold for every input of their corpus; `make hunt` looks for inputs that they do not hold for."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest

from fuzz.hunt import TARGETS

_FOLDER = Path(__file__).parents[2] / "fuzz"
_INPUTS = [
    pytest.param(target, path, id=f"{target}-{path.name}")
    for target in TARGETS
    for path in sorted((_FOLDER / "corpus" / target).iterdir())
]


@pytest.mark.parametrize(("target", "path"), _INPUTS)
def test_input(target: str, path: Path) -> None:
    check: Callable[[bytes], None] = import_module(f"fuzz.{target}").check
    check(path.read_bytes())


def test_every_target_has_inputs() -> None:
    assert {path.name for path in (_FOLDER / "corpus").iterdir()} == set(TARGETS)
    assert all(len(list((_FOLDER / "corpus" / target).iterdir())) >= 5 for target in TARGETS)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_says_its_invariant_and_fits_on_a_page(target: str) -> None:
    lines = (_FOLDER / f"{target}.py").read_text().splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) <= 50
