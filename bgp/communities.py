"""Communities: labels that routes carry, and that routers act on (RFC 1997).

32 bits each; people write them as two numbers, the AS that gives the label its meaning and the label.
"""

from collections.abc import Iterable

from bgp.errors import LocalError
from bgp.iana import WELL_KNOWN_COMMUNITIES


class Community(int):
    """A community: `Community("64512:100")`, `Community("no-export")` or the 32-bit number (RFC 1997)."""

    def __new__(cls, value: str | int) -> "Community":
        """Read text or a number; raise `LocalError` if it is no community."""
        number = value if isinstance(value, int) else _community_number(value)
        if not 0 <= number <= 0xFFFFFFFF:
            raise LocalError(f"community {value}, must be 0 to 4294967295")
        return super().__new__(cls, number)

    def __str__(self) -> str:
        return f"{self >> 16}:{self & 0xFFFF}"

    def __repr__(self) -> str:
        return f"Community({str(self)!r})"


def _community_number(text: str) -> int:
    if text.lower() in WELL_KNOWN_COMMUNITIES:
        return WELL_KNOWN_COMMUNITIES[text.lower()]
    asn, _, number = text.partition(":")
    valid = all(part.isascii() and part.isdecimal() and int(part) <= 0xFFFF for part in (asn, number))
    if not valid:
        raise LocalError(f"community {text!r}, must be two numbers up to 65535 or a known name")
    return int(asn) << 16 | int(number)


def communities(values: Iterable[str | int]) -> tuple[Community, ...]:
    """Read several communities."""
    return tuple(Community(value) for value in values)
