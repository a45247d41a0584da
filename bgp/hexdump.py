"""Octets in hexadecimal, as people paste them: from a log, a packet dump, a test, an RFC.

    ffffffff ffffffff ffffffff ffffffff 0013 04         spaces and lines wherever they are
    FF:FF:FF-ff,ff  0xff, 0xff  \\xff\\xff                other separators, prefixes, upper case
    0x0010:  ffff ffff 0013 04    ........              tcpdump -x and -X, xxd
    00000010  ff ff ff ff  00 13 04  |.......|          hexdump -C

Offsets and the characters at the right of a dump are left out. There is nothing of BGP in here.
"""

import re
from typing import Final

from bgp.errors import LocalError
from bgp.values import check_kind, shown

_MARGINS: Final = (
    # Groups of digits with one space between, and what follows two.
    re.compile(r"\s*(?:0x)?[0-9a-fA-F]{4,8}:\s+(.*?)(?:\s{2,}.*)?"),
    # Two groups of eight octets with two spaces between, and what follows a bar.
    re.compile(r"[0-9a-fA-F]{8}  ([^|]*)\|.*"),
)
"""Lines of a dump, with the digits apart from what is beside them."""

_BETWEEN: Final = re.compile(r"0x|\\x|[\s:,;-]")
_STRANGE: Final = re.compile(r"[^0-9a-fA-F]")


def read_hex(text: str) -> bytes:
    """Read octets; raise `LocalError`, with the character in question, for text that is no hexadecimal."""
    check_kind("hexadecimal text", text, str)
    digits = "".join(_BETWEEN.sub("", _without_margins(line)) for line in text.splitlines())
    strange = _STRANGE.search(digits)
    if strange:
        raise LocalError(f"{shown(strange.group())} after {strange.start()} hexadecimal digits is none")
    if len(digits) % 2:
        raise LocalError(f"{len(digits)} hexadecimal digits, must be two for each octet")
    return bytes.fromhex(digits)


def _without_margins(line: str) -> str:
    for margins in _MARGINS:
        match = margins.fullmatch(line)
        if match:
            return match.group(1)
    return line
