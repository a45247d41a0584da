import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from bgp.mrt import UnknownRecord, encode, read
from bgp.mrt.file import open_mrt

RECORD = UnknownRecord(timestamp=1, type=99, subtype=0, data=b"abc")


@pytest.mark.parametrize("compress", [bytes, gzip.compress, bz2.compress])
def test_files(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "dump"
    path.write_bytes(compress(encode(RECORD) * 3))
    for name in (path, str(path)):
        with open_mrt(name) as file:
            assert list(read(file)) == [RECORD] * 3


def test_compressed_data_that_end_early(tmp_path: Path) -> None:
    path = tmp_path / "dump"
    path.write_bytes(gzip.compress(encode(RECORD))[:-9])
    with open_mrt(path) as file, pytest.raises(EOFError):
        list(read(file))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_mrt(tmp_path / "dump")
