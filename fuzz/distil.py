"""Add to the corpus what a hunt has learnt: `python -m fuzz.distil` takes from `found/` what goes new ways.

Of the inputs that the hunt kept, the short ones first, it copies each that makes `bgp` or `arp` step from one line to
another that no input of the corpus does, until there are enough. They are called `found-…`; `fuzz.seeds` leaves them
alone.
"""

import hashlib
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from fuzz.hunt import TARGETS

_HERE = Path(__file__).parent
_ENOUGH = 24
_LONGEST = 300
_MANY = 4000
"""More inputs than this are not looked at."""

_Steps = set[tuple[str, int, int]]
"""From line to line of a file."""


def main() -> None:
    """Go through all targets."""
    for target in TARGETS:
        check: Callable[[bytes], None] = importlib.import_module(f"fuzz.{target}").check
        folder = _HERE / "corpus" / target
        known = [path.read_bytes() for path in sorted(folder.iterdir())]
        # Once without looking, so that what is remembered from input to input is remembered.
        for data in known:
            check(data)
        seen = _Steps().union(*(_steps(check, data) for data in known))
        found = sorted((path.read_bytes() for path in (_HERE / "found" / target).glob("*")), key=len)
        room = _ENOUGH
        for data in [each for each in found if len(each) <= _LONGEST][:_MANY]:
            steps = _steps(check, data) - seen
            if steps and room:
                seen |= steps
                room -= 1
                (folder / f"found-{hashlib.sha256(data).hexdigest()[:8]}").write_bytes(data)
        print(f"{target}: {len(known)} inputs, and {_ENOUGH - room} more")


def _steps(check: Callable[[bytes], None], data: bytes) -> _Steps:
    steps = _Steps()

    def enter(frame: FrameType, _event: str, _argument: Any) -> Any:
        name = frame.f_code.co_filename
        if "/bgp/" not in name and "/arp/" not in name:
            return None
        last = frame.f_code.co_firstlineno

        def step(inner: FrameType, _event: str, _argument: Any) -> Any:
            nonlocal last
            steps.add((name, last, inner.f_lineno))
            last = inner.f_lineno
            return step

        return step

    sys.settrace(enter)
    try:
        check(data)
    finally:
        sys.settrace(None)
    return steps


if __name__ == "__main__":
    main()
