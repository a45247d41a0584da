"""Messages to measure with: always the same ones, from a seed.

They look like what a border router hears from a transit provider, and are written with `struct` alone, so that a
mistake of the library's encoder cannot hide in what its decoder is fed.

    realistic     what a session carries all day: about 25,000 UPDATEs that announce 100,000 IPv4 prefixes, some four
                  each, 93 octets on average. 35 % of the attribute blocks have been seen before; the others are new
                  as a whole, though not in their parts: lists of communities come from a few thousand, as they do
                  on real feeds, where nine of ten repeat.
    packed        the same prefixes in as few messages as can be: 4096 octets each, about 100 of them.
    ipv6          about 6,600 UPDATEs with 20,000 IPv6 prefixes in MP_REACH_NLRI, the first attribute (RFC 7606 5.1).
    withdrawals   100,000 IPv4 prefixes going away, about four at a time.

The session is external (no LOCAL_PREF), with four-octet AS numbers. Attributes stand in the order of their codes
(but for MP_REACH_NLRI), with the flags and the short lengths that RFC 4271 asks for, prefixes have no bits set after
their length: whoever decodes and encodes faithfully gets the same octets again.
"""

import random
import struct
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate

import attrs

WORKLOADS = ("realistic", "packed", "ipv6", "withdrawals")
"""The names that `generate` knows."""

SEED = 4271
"""The seed of the workloads that are measured; warming up takes another one."""

_HEADER = struct.Struct("!16sHB")
_MARKER = b"\xff" * 16
_UPDATE = 2
_MAX_MESSAGE = 4096
_WELL_KNOWN, _OPTIONAL, _TRANSITIVE = 0x40, 0x80, 0xC0
_EXTENDED_LENGTH = 0x10

_IPV4_PREFIXES, _IPV6_PREFIXES = 100_000, 20_000
_LOOPBACK = 127

# Per cent of all prefixes by length, after the size of the Internet's tables: more than half are as long as filters
# allow.
_IPV4_LENGTHS = {
    24: 59,
    23: 9,
    22: 11,
    21: 5,
    20: 5,
    19: 3,
    18: 2,
    17: 1,
    16: 2,
    15: 1,
    14: 1,
    12: 0.5,
    32: 0.5,
}
_IPV6_LENGTHS = {48: 46, 32: 13, 44: 10, 40: 9, 36: 6, 47: 4, 46: 4, 29: 3, 45: 2, 33: 2, 56: 0.5, 64: 0.5}
_PREFIXES_A_MESSAGE = {1: 34, 2: 19, 3: 12, 4: 9, 5: 6, 6: 5, 8: 5, 10: 4, 14: 3, 20: 2, 28: 1}
_IPV6_PREFIXES_A_MESSAGE = {1: 38, 2: 22, 3: 13, 4: 9, 5: 7, 7: 6, 10: 3, 15: 2}


@attrs.frozen
class Workload:
    """UPDATEs, whole with their headers, and how many prefixes each is about."""

    messages: tuple[bytes, ...]
    counts: tuple[int, ...]

    def first(self, octets: int) -> "Workload":
        """The same kind of messages, but no more than fit into so many octets."""
        count = bisect_right(list(accumulate(map(len, self.messages))), octets)
        return Workload(self.messages[:count], self.counts[:count])

    @property
    def prefixes(self) -> int:
        """How many prefixes all messages are about."""
        return sum(self.counts)


def generate(name: str, seed: int = SEED) -> Workload:
    """Make the workload called `name`; the same seed gives the same octets."""
    return _MAKERS[name](random.Random(seed))


def realistic(prefixes: int, seed: int = SEED) -> Workload:
    """Make the like of `realistic` with any number of prefixes, none of them one that routers refuse."""
    candidates = _ipv4_prefixes(random.Random(seed), prefixes + prefixes // 50 + 100)
    usable = [each for each in candidates if each[1] != _LOOPBACK]
    return _realistic(random.Random(seed), usable[:prefixes])


def _realistic(rng: random.Random, prefixes: list[bytes] | None = None) -> Workload:
    blocks = _Feed(rng).blocks(_NEXT_HOPS)
    portions = list(_portions(rng, prefixes or _ipv4_prefixes(rng), _PREFIXES_A_MESSAGE))
    messages = tuple(_update(b"", next(blocks), b"".join(portion)) for portion in portions)
    return Workload(messages, tuple(map(len, portions)))


def _packed(rng: random.Random) -> Workload:
    blocks = _Feed(rng).blocks(_NEXT_HOPS, repeated=0)
    prefixes = _ipv4_prefixes(rng)
    ends = [0, *accumulate(map(len, prefixes))]
    messages, counts, start = [], [], 0
    while start < len(prefixes):
        block = next(blocks)
        room = _MAX_MESSAGE - _HEADER.size - 4 - len(block)
        end = bisect_right(ends, ends[start] + room) - 1
        messages.append(_update(b"", block, b"".join(prefixes[start:end])))
        counts.append(end - start)
        start = end
    return Workload(tuple(messages), tuple(counts))


def _ipv6(rng: random.Random) -> Workload:
    blocks = _Feed(rng).blocks([])
    messages, counts = [], []
    for portion in _portions(rng, _ipv6_prefixes(rng), _IPV6_PREFIXES_A_MESSAGE):
        next_hop = rng.choice(_IPV6_NEXT_HOPS)
        value = struct.pack("!HBB", 2, 1, len(next_hop)) + next_hop + b"\0" + b"".join(portion)
        messages.append(_update(b"", _attribute(_OPTIONAL, 14, value) + next(blocks), b""))
        counts.append(len(portion))
    return Workload(tuple(messages), tuple(counts))


def _withdrawals(rng: random.Random) -> Workload:
    portions = list(_portions(rng, _ipv4_prefixes(rng), _PREFIXES_A_MESSAGE))
    messages = tuple(_update(b"".join(portion), b"", b"") for portion in portions)
    return Workload(messages, tuple(map(len, portions)))


_MAKERS: dict[str, Callable[[random.Random], Workload]] = {
    "realistic": _realistic,
    "packed": _packed,
    "ipv6": _ipv6,
    "withdrawals": _withdrawals,
}


def _update(withdrawn: bytes, attributes: bytes, announced: bytes) -> bytes:
    body = struct.pack("!H", len(withdrawn)) + withdrawn
    body += struct.pack("!H", len(attributes)) + attributes + announced
    return _HEADER.pack(_MARKER, _HEADER.size + len(body), _UPDATE) + body


def _attribute(flags: int, code: int, value: bytes) -> bytes:
    if len(value) > 0xFF:
        return struct.pack("!BBH", flags | _EXTENDED_LENGTH, code, len(value)) + value
    return struct.pack("!BBB", flags, code, len(value)) + value


# Prefixes


def _weighted(rng: random.Random, weights: Mapping[int, float], count: int) -> list[int]:
    return rng.choices(list(weights), list(weights.values()), k=count)


def _ipv4_prefixes(rng: random.Random, count: int = _IPV4_PREFIXES) -> list[bytes]:
    """Distinct prefixes of the unicast space, in their octets on the wire."""
    return _distinct(rng, count, _IPV4_LENGTHS, 32, lambda: rng.randint(1 << 24, (224 << 24) - 1))


def _ipv6_prefixes(rng: random.Random) -> list[bytes]:
    """The same of 2000::/3, from a few blocks of the registries, as there."""
    return _distinct(
        rng,
        _IPV6_PREFIXES,
        _IPV6_LENGTHS,
        128,
        lambda: rng.choice((0x2001, 0x2400, 0x2600, 0x2800, 0x2A00)) << 112 | rng.getrandbits(112),
    )


def _distinct(
    rng: random.Random, count: int, lengths: Mapping[int, float], bits: int, address: Callable[[], int]
) -> list[bytes]:
    found: dict[bytes, None] = {}
    while len(found) < count:
        for length in _weighted(rng, lengths, count - len(found)):
            network = address() >> (bits - length) << (bits - length)
            octets = network.to_bytes(bits // 8, "big")[: (length + 7) // 8]
            found[bytes([length]) + octets] = None
    return list(found)


def _portions(
    rng: random.Random, prefixes: list[bytes], weights: Mapping[int, float]
) -> Iterator[list[bytes]]:
    start = 0
    for count in _weighted(rng, weights, len(prefixes)):
        if start >= len(prefixes):
            return
        yield prefixes[start : start + count]
        start += count


# Attributes

_PEER_AS = 64496
_NEXT_HOPS = [bytes([192, 0, 2, host]) for host in (1, 2, 3, 5)]
_GLOBAL = [bytes.fromhex("20010db8") + bytes(11) + bytes([host]) for host in (1, 2)]
_LINK_LOCAL = bytes.fromhex("fe80") + bytes(13) + b"\x01"
# RFC 2545 3: a global address, or it and a link-local one.
_IPV6_NEXT_HOPS = [*_GLOBAL, _GLOBAL[0] + _LINK_LOCAL]


class _Feed:
    """What one transit provider sees of the Internet, and says about it."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._transit = self._as_numbers(400)
        self._origins = self._as_numbers(20_000)
        self._community_lists = [self._community_list() for _ in range(3_000)]

    def blocks(self, next_hops: Sequence[bytes], repeated: float = 0.35) -> Iterator[bytes]:
        """Attribute blocks without end, of which a part repeats one of the last thousand."""
        seen: list[bytes] = []
        while True:
            if seen and self._rng.random() < repeated:
                yield self._rng.choice(seen[-1000:])
            else:
                seen.append(self._block(next_hops))
                yield seen[-1]

    def _block(self, next_hops: Sequence[bytes]) -> bytes:
        rng = self._rng
        origin_as = rng.choice(self._origins)
        path = [_PEER_AS, *rng.choices(self._transit, k=rng.choice((1, 1, 2, 2, 2, 3, 4))), origin_as]
        block = _attribute(_WELL_KNOWN, 1, bytes(rng.choices((0, 1, 2), (88, 1, 11))))
        block += _attribute(_WELL_KNOWN, 2, struct.pack(f"!BB{len(path)}I", 2, len(path), *path))
        if next_hops:  # RFC 4760 3: none beside MP_REACH_NLRI.
            block += _attribute(_WELL_KNOWN, 3, rng.choice(next_hops))
        if rng.random() < 0.3:
            block += _attribute(
                _OPTIONAL, 4, struct.pack("!I", rng.choice((0, 10, 100, rng.getrandbits(16))))
            )
        if rng.random() < 0.05:
            block += _attribute(_WELL_KNOWN, 6, b"")
        if rng.random() < 0.08:
            block += _attribute(_TRANSITIVE, 7, struct.pack("!I", origin_as) + rng.randbytes(4))
        if rng.random() < 0.65:
            # Squared: some lists are on every second route.
            communities = self._community_lists[int(len(self._community_lists) * rng.random() ** 2)]
            block += _attribute(_TRANSITIVE, 8, struct.pack(f"!{len(communities)}I", *communities))
        if rng.random() < 0.06:
            large = [
                part
                for _ in range(rng.randint(1, 3))
                for part in (origin_as, rng.getrandbits(8), rng.getrandbits(8))
            ]
            block += _attribute(_TRANSITIVE, 32, struct.pack(f"!{len(large)}I", *large))
        return block

    def _as_numbers(self, count: int) -> list[int]:
        # Four in ten of today's AS numbers need four octets.
        rng = self._rng
        return [
            rng.randint(131_072, 402_000) if rng.random() < 0.4 else rng.randint(1, 64_000)
            for _ in range(count)
        ]

    def _community_list(self) -> tuple[int, ...]:
        rng = self._rng
        length = min(20, 1 + int(rng.expovariate(1 / 4.8)))
        ases = [rng.choice(self._transit) & 0xFFFF for _ in range(2)]
        return tuple(sorted({rng.choice(ases) << 16 | rng.randint(1, 9_999) for _ in range(length)}))
