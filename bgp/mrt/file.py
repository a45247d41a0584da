"""Opening dumps: the files that collectors publish are compressed. The driver beside mrt.py, which reads no file."""

import bz2
import gzip
from pathlib import Path
from typing import BinaryIO, Final, cast

_GZIP: Final = b"\x1f\x8b"
_BZIP2: Final = b"BZh"


def open_mrt(path: str | Path) -> BinaryIO:
    """Open a dump for `bgp.mrt.read`, compressed by gzip or bzip2 or not at all, whatever its name says.

    It raises `OSError` if it cannot be opened. Reading raises `EOFError` where compressed data end early, and `OSError`
    or `zlib.error` where they are broken.
    """
    with Path(path).open("rb") as file:
        start = file.read(3)
    if start.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path, "rb"))
    if start.startswith(_BZIP2):
        return cast(BinaryIO, bz2.open(path, "rb"))
    return Path(path).open("rb")
