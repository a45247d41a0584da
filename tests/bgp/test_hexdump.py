"""Octets are read from all the forms that people paste."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.errors import LocalError
from bgp.hexdump import read_hex

KEEPALIVE = b"\xff" * 16 + b"\x00\x13\x04"

TCPDUMP = """\
\t0x0000:  ffff ffff ffff ffff ffff ffff ffff ffff  ................
\t0x0010:  0013 04                                  ...
"""

XXD = """\
00000000: ffff ffff ffff ffff ffff ffff ffff ffff  ................
00000010: 0013 04                                  ...
"""

HEXDUMP = """\
00000000  ff ff ff ff ff ff ff ff  ff ff ff ff ff ff ff ff  |................|
00000010  00 13 04                                          |...|
"""


@pytest.mark.parametrize(
    "text",
    [
        "ffffffffffffffffffffffffffffffff001304",
        "FFFFFFFF ffffffff ffffffff ffffffff\n0013 04\n",
        ":".join(["ff"] * 16 + ["00", "13", "04"]),
        ", ".join(["0xff"] * 16 + ["0x00", "0x13", "0x04"]),
        "\\xff" * 16 + "\\x00\\x13\\x04",
        "0xffffffffffffffffffffffffffffffff001304",
        TCPDUMP,
        TCPDUMP.replace("  .", "").replace(".", ""),
        XXD,
        HEXDUMP,
        TCPDUMP.replace("  ...", "  ab cd 0f |"),
        HEXDUMP.replace("|.", "|  ab cd 0f  |"),
    ],
)
def test_forms(text: str) -> None:
    assert read_hex(text) == KEEPALIVE


@given(st.binary(max_size=80))
def test_what_hexdump_writes(octets: bytes) -> None:
    lines = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    shown = ["".join(chr(c) if 32 <= c < 127 else "." for c in line) for line in lines]
    left = [line[:8].hex(" ") + ("  " + line[8:].hex(" ") if line[8:] else "") for line in lines]
    dump = [
        f"{16 * number:08x}  {digits:48}  |{text}|"
        for number, (digits, text) in enumerate(zip(left, shown, strict=True))
    ]
    assert read_hex("\n".join(dump)) == octets


@given(st.binary(max_size=80))
def test_what_xxd_writes(octets: bytes) -> None:
    lines = [octets[at : at + 16] for at in range(0, len(octets), 16)]
    shown = ["".join(chr(c) if 32 <= c < 127 else "." for c in line) for line in lines]
    dump = [
        f"{16 * number:08x}: {line.hex(' ', -2):40} {text}"
        for number, (line, text) in enumerate(zip(lines, shown, strict=True))
    ]
    assert read_hex("\n".join(dump)) == octets


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ff 0g", "'g' after 3 hexadecimal digits is none"),
        ("fff", "3 hexadecimal digits, must be two for each octet"),
    ],
)
def test_what_is_none(text: str, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        read_hex(text)
