"""A cursor over received bytes, and integers in network order. Knows no BGP.

BGP nests counted blocks four deep: message, optional parameters, parameter, capability. `Reader.limited_to`
lowers the end of the input to the length that a block declares, and insists on the way out that exactly this
much was read, so that a length that lies is caught at the level where it lies and decoders do no arithmetic.
"""

import contextlib
from collections.abc import Iterator


class WireError(Exception):
    """Bytes and declared lengths disagree. Decoders turn it into the `PeerError` of their message."""


class Reader:
    """Reads `data` from the front; never past the end, nor past the end of the block it is in."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._end = len(data)

    @property
    def remaining(self) -> int:
        """How many octets are left in the current block."""
        return self._end - self._position

    def take(self, count: int) -> bytes:
        """Read exactly `count` octets, or raise `WireError`."""
        if count > self.remaining:
            raise WireError(f"{count} octets expected, {self.remaining} left")
        start = self._position
        self._position += count
        return self._data[start : self._position]

    def rest(self) -> bytes:
        """Read all that is left in the current block."""
        return self.take(self.remaining)

    def uint8(self) -> int:
        """Read an unsigned integer of one octet."""
        return self.take(1)[0]

    def uint16(self) -> int:
        """Read an unsigned integer of two octets."""
        return int.from_bytes(self.take(2), "big")

    def uint32(self) -> int:
        """Read an unsigned integer of four octets."""
        return int.from_bytes(self.take(4), "big")

    @contextlib.contextmanager
    def limited_to(self, count: int) -> Iterator[None]:
        """Make the next `count` octets the whole input; raise `WireError` if they are not all read."""
        if count > self.remaining:
            raise WireError(f"a block of {count} octets declared, {self.remaining} left")
        outer, self._end = self._end, self._position + count
        yield
        if self.remaining:
            raise WireError(f"{self.remaining} octets left over in a block of {count}")
        self._end = outer


def uint8(value: int) -> bytes:
    """One octet."""
    return value.to_bytes(1, "big")


def uint16(value: int) -> bytes:
    """Two octets, network order."""
    return value.to_bytes(2, "big")


def uint32(value: int) -> bytes:
    """Four octets, network order."""
    return value.to_bytes(4, "big")
