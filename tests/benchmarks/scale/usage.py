"""What processes have used, from /proc."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_TICK = 1 / os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def tree(pid: int) -> list[int]:
    """A process and all that descend from it."""
    found = [pid]
    for parent in found:
        found += _children(parent)
    return found


def _children(pid: int) -> Iterator[int]:
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        yield from map(int, path.read_text().split())


def processor_seconds(pids: Iterable[int]) -> float:
    """User and system time so far, a hundredth of a second exact."""
    return sum(of_stat(Path(f"/proc/{pid}/stat").read_text()) for pid in pids) * _TICK


def of_stat(text: str) -> int:
    """Ticks of user and system time, from /proc/PID/stat."""
    # The second field, the name, is in parentheses and may hold anything.
    fields = text.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def resident(pids: Iterable[int]) -> int:
    """Octets of memory that they really have."""
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids) * _PAGE
