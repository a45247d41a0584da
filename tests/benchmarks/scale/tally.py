"""Count what a peer is told: which prefixes, by which neighbour of the router, when, in how many UPDATEs.

What arrives is only kept, with its time, until `digest` is called, which is for when nothing arrives any more: counting
in between would take the processor from those who are measured.
"""

from functools import lru_cache

_UPDATE, _NOTIFICATION = 2, 3
_AS_PATH = 2
_EXTENDED_LENGTH = 0x10


class Tally:
    """What one peer was told."""

    def __init__(self) -> None:
        self._chunks: list[tuple[float, bytes]] = []
        self._rest = b""
        self._via: dict[bytes, int] = {}
        self._since: dict[int, float] = {}
        self._counts: dict[int, int] = {}
        self.updates = 0
        self.octets = 0
        self.last_change = 0.0
        """When the last prefix came, or went, or changed its neighbour."""

        self.notification: bytes | None = None
        """Code, subcode and data of a NOTIFICATION, if there was one."""

    def add(self, when: float, data: bytes) -> None:
        """Keep what has arrived."""
        self._chunks.append((when, data))

    @property
    def prefixes(self) -> int:
        """How many prefixes there are."""
        return len(self._via)

    def via(self, asn: int) -> int:
        """How many of them come from this neighbour of the router."""
        return self._counts.get(asn, 0)

    def digest(self) -> None:
        """Count what was kept."""
        for when, data in self._chunks:
            self.octets += len(data)
            self._rest += data
            position = 0
            while len(self._rest) - position >= 19:
                end = position + int.from_bytes(self._rest[position + 16 : position + 18])
                if end > len(self._rest):
                    break
                self._message(when, self._rest[position:end])
                position = end
            self._rest = self._rest[position:]
        self._chunks.clear()

    def _message(self, when: float, message: bytes) -> None:
        if message[18] == _NOTIFICATION:
            self.notification = message[19:]
        if message[18] != _UPDATE:
            return
        self.updates += 1
        start = 21 + int.from_bytes(message[19:21])
        end = start + 2 + int.from_bytes(message[start : start + 2])
        for prefix in split_prefixes(message[21:start]):
            self._move(when, prefix, None)
        if end < len(message):
            asn = _second_as(message[start + 2 : end])
            for prefix in split_prefixes(message[end:]):
                self._move(when, prefix, asn)

    def _move(self, when: float, prefix: bytes, asn: int | None) -> None:
        old = self._via.pop(prefix, None)
        if asn is not None:
            self._via[prefix] = asn
        if old == asn:
            return
        self.last_change = when
        for each, change in ((old, -1), (asn, 1)):
            if each is not None:
                self._counts[each] = self._counts.get(each, 0) + change


def split_prefixes(field: bytes) -> list[bytes]:
    """Cut a field of IPv4 prefixes into them."""
    found, position = [], 0
    while position < len(field):
        end = position + 1 + (field[position] + 7 >> 3)
        found.append(field[position:end])
        position = end
    return found


@lru_cache(maxsize=4096)
def _second_as(block: bytes) -> int:
    """The AS behind the router's own, from a block of attributes; 0: there is none."""
    position = 0
    while position < len(block):
        flags, code, length = block[position], block[position + 1], block[position + 2]
        position += 3
        if flags & _EXTENDED_LENGTH:
            length = length << 8 | block[position]
            position += 1
        if code == _AS_PATH:
            return int.from_bytes(block[position + 6 : position + 10]) if length >= 10 else 0
        position += length
    return 0
