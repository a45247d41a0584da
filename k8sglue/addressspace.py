"""The addresses that a pool may give out, numbered without gaps.

Whether an address is free, which is the lowest, and which is the k-th: all of that is easier to say of positions 0,
1, 2, ... than of addresses with ranges, holes and forbidden endings. The numbering is arithmetic, so a /64 costs as
much as a /30, and an address ending in .0 or .255 needs no entry in any list: every 256 addresses have 254 positions.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

import attrs

from k8sglue.config import AddressRange, IPAddress

_PER_256 = 254
"""Addresses of 256 that do not end in .0 or .255."""


@attrs.frozen
class AddressSpace:
    """Addresses of one family, each with its position, the lowest first. Make it with `of`."""

    version: int
    """4 or 6."""
    size: int
    """How many addresses there are."""
    _avoid_buggy: bool
    _lows: list[int]
    """Rank of the first address of each stretch, ascending; a rank counts all usable addresses below, from 0.0.0.0."""
    _starts: list[int]
    """Position of the first address of each stretch."""

    @classmethod
    def of(
        cls,
        version: int,
        ranges: Iterable[AddressRange],
        without: Iterable[AddressRange] = (),
        avoid_buggy: bool = False,
    ) -> "AddressSpace":
        """Number the addresses of `ranges`, which do not overlap, that are of this IP version and not in `without`.

        `avoid_buggy` leaves out IPv4 addresses that end in .0 or .255.
        """
        avoid_buggy = avoid_buggy and version == 4
        lows, starts, size = [], [], 0
        for first, last in _subtract(_ends(version, ranges), _ends(version, without)):
            low, high = _rank(first, avoid_buggy), _rank(last + 1, avoid_buggy)
            if low < high:
                lows.append(low)
                starts.append(size)
                size += high - low
        return cls(version, size, avoid_buggy, lows, starts)

    def address(self, position: int) -> IPAddress:
        """Return the address at a position from 0 to `size` - 1."""
        stretch = bisect_right(self._starts, position) - 1
        rank = self._lows[stretch] + position - self._starts[stretch]
        number = (rank // _PER_256 << 8) + rank % _PER_256 + 1 if self._avoid_buggy else rank
        return IPv4Address(number) if self.version == 4 else IPv6Address(number)

    def position(self, address: IPAddress) -> int | None:
        """Return the position of an address of this IP version, or None if it has none."""
        number = int(address)
        if self._avoid_buggy and number & 0xFF in (0, 255):
            return None
        rank = _rank(number, self._avoid_buggy)
        stretch = bisect_right(self._lows, rank) - 1
        if stretch < 0:
            return None
        position = self._starts[stretch] + rank - self._lows[stretch]
        end = self._starts[stretch + 1] if stretch + 1 < len(self._starts) else self.size
        return position if position < end else None


def _rank(number: int, avoid_buggy: bool) -> int:
    """Count the usable addresses below one, which need not be usable itself."""
    if not avoid_buggy:
        return number
    return (number >> 8) * _PER_256 + min(max((number & 0xFF) - 1, 0), _PER_256)


def _ends(version: int, ranges: Iterable[AddressRange]) -> list[tuple[int, int]]:
    return sorted((int(each.first), int(each.last)) for each in ranges if each.first.version == version)


def _subtract(ranges: list[tuple[int, int]], holes: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Go through what is left of ascending ranges without ascending holes, which may overlap one another."""
    next_hole = 0
    for first, last in ranges:
        while next_hole < len(holes) and holes[next_hole][1] < first:
            next_hole += 1
        for hole_first, hole_last in holes[next_hole:]:
            if hole_first > last:
                break
            if hole_first > first:
                yield first, hole_first - 1
            first = max(first, hole_last + 1)
        if first <= last:
            yield first, last
