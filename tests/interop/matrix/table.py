"""Writes the README's table of what works with which router.

python -m tests.interop.matrix.table       or: make interop-table

It says what the tests in this folder do, with the routers' versions that `cannot` was found out on; a test fails if
the README says something else.
"""

from pathlib import Path
from typing import Final

from tests.interop.matrix.cells import CELLS
from tests.interop.matrix.router import Router
from tests.interop.matrix.routers import ROUTERS

README: Final = Path(__file__).parents[3] / "README.md"
BEGIN: Final = "<!-- The table of routers is made by make interop-table -->\n"
END: Final = "<!-- The table of routers ends here -->\n"


def table() -> str:
    """The table and its footnotes."""
    notes: list[str] = []
    names = [f"{router.name} {router.version}" for router in ROUTERS]
    lines = [f"| | {' | '.join(names)} |", "|---|" + ":-:|" * len(ROUTERS)]
    for cell, title in CELLS.items():
        marks = [_mark(router, cell, notes) for router in ROUTERS]
        lines.append(f"| {title} | {' | '.join(marks)} |")
    lines.append("")
    lines += [f"{number}. {note}" for number, note in enumerate(notes, start=1)]
    return "\n".join(lines) + "\n"


def _mark(router: type[Router], cell: str, notes: list[str]) -> str:
    if cell in router.cannot:
        notes.append(f"{router.name} {router.cannot[cell]}")
        return f"no ({len(notes)})"
    return "yes"


def with_table(text: str) -> str:
    """The text with the table between its marks as it should be."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return before + BEGIN + table() + END + after


if __name__ == "__main__":
    README.write_text(with_table(README.read_text()))
