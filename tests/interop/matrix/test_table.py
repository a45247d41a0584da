"""The README tells what the matrix does, and each cell has its test."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.interop.matrix.cells import CELLS, cell_of
from tests.interop.matrix.neighbours import NEIGHBOUR_OF, NEIGHBOURS
from tests.interop.matrix.router import Router
from tests.interop.matrix.routers import ROUTERS
from tests.interop.matrix.table import README, table, with_table

FOLDER = Path(__file__).parent


def test_the_readme_tells_what_the_cells_do() -> None:
    text = README.read_text()
    assert with_table(text) == text, "run make interop-table"


def test_each_cell_has_one_test() -> None:
    found = [
        cell_of(name)
        for path in FOLDER.glob("test_*.py")
        for name in re.findall(r"^async def (test_\w+)\(router: Router", path.read_text(), flags=re.MULTILINE)
    ]
    assert sorted(found) == sorted(CELLS)


def test_what_routers_cannot_do_are_cells() -> None:
    for router in ROUTERS:
        assert set(router.cannot) <= set(CELLS), router.name
        assert all(router.cannot.values()), router.name


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="needs Debian, to know a package's version")
@pytest.mark.parametrize("kind", ROUTERS, ids=lambda kind: kind.name)
def test_the_table_is_of_the_version_that_is_here(kind: type[Router]) -> None:
    query = ["dpkg-query", "--show", "--showformat", "${Version}", kind.package]
    version = subprocess.run(query, capture_output=True, text=True, check=False).stdout
    if not version.startswith(f"{kind.version}-"):
        pytest.skip(f"the table is of {kind.version}, here is {version or 'none'}: try what it cannot do")


def test_neighbours_are_of_cells_and_differ() -> None:
    assert set(NEIGHBOUR_OF) <= set(CELLS)
    for values in zip(*((each.name, each.address) for each in NEIGHBOURS), strict=True):
        assert len(set(values)) == len(NEIGHBOURS)


def test_rows() -> None:
    lines = table().splitlines()
    assert lines[0].startswith("| | FRR ")
    assert "| yes | yes | yes | yes | yes |" in lines[2]
    marks = [int(number) for number in re.findall(r"no \((\d+)\)", table())]
    assert marks == list(range(1, len(marks) + 1))
    assert f"{len(marks)}. " in lines[-1]
