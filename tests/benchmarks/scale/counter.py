"""Run by ExaBGP: counts the prefixes in what it says, and keeps the number in a file; no more, to be no brake."""

import os
import sys
from pathlib import Path


def count(path: Path) -> None:
    """Count until ExaBGP ends."""
    total, rest = 0, b""
    number = path.open("w")
    while True:
        number.seek(0)
        number.write(str(total))
        number.flush()
        data = os.read(0, 1 << 20)
        if not data:
            return
        lines, newline, rest = (rest + data).rpartition(b"\n")
        total += (lines + newline).count(b'"nlri"')


if __name__ == "__main__":
    count(Path(sys.argv[1]))
