"""The floor: how fast a BGP codec in plain Python gets that does all of the work at once.

It decodes every attribute of every UPDATE into values, and it checks what RFC 4271 6.3 and RFC 7606 tell to check:
lengths, flags, duplicates, the segments of the path, the form of every prefix. It remembers nothing from one message
to the next. In exchange it gives up what makes a library: one session type alone, any fault is a `ValueError`, and
values are bare numbers in a slotted object. Whoever is slower than this pays for something else; whoever is faster
saves work, by caching or by leaving values undecoded until somebody looks.

What makes it fast, each measured: one struct per count of numbers, made once; slices instead of views; no objects for
prefixes, only their octets on the wire; and one compiled pattern that finds all prefixes of a field in one call.
"""

import re
import struct
from collections.abc import Iterator

from tests.benchmarks import measure

_MARKER = b"\xff" * 16
_HEADER = struct.Struct("!16sHB")
_UINT8, _UINT16, _UINT32 = struct.Struct("!B"), struct.Struct("!H"), struct.Struct("!I")
_ATTRIBUTE = struct.Struct("!BBB")
_EXTENDED = struct.Struct("!BBH")
_AGGREGATOR = struct.Struct("!II")
_REACH = struct.Struct("!HBB")
_NUMBERS = [struct.Struct(f"!{count}I") for count in range(1024)]

_FLAGS = {1: 0x40, 2: 0x40, 3: 0x40, 4: 0x80, 6: 0x40, 7: 0xC0, 8: 0xC0, 14: 0x80, 15: 0x80, 32: 0xC0}
_KIND = 0xC0
_EXTENDED_LENGTH = 0x10
_IPV6_UNICAST = b"\0\2\1"


class Update:
    """An UPDATE, all of it decoded; absent values are None or empty."""

    __slots__ = (
        "aggregator",
        "announced",
        "as_path",
        "atomic_aggregate",
        "communities",
        "large_communities",
        "med",
        "next_hop",
        "origin",
        "reach",
        "unknown",
        "unreach",
        "withdrawn",
    )

    withdrawn: list[bytes]
    """IPv4 prefixes as canonical octets: length, then as much of the address as it needs."""
    announced: list[bytes]
    origin: int | None
    as_path: list[tuple[int, tuple[int, ...]]] | None
    """Segments: type and AS numbers."""
    next_hop: int | None
    med: int | None
    atomic_aggregate: bool
    aggregator: tuple[int, int] | None
    """AS number and address."""
    communities: tuple[int, ...]
    large_communities: tuple[int, ...]
    """Three numbers each."""
    reach: tuple[bytes, list[bytes]] | None
    """Next hop and IPv6 prefixes of MP_REACH_NLRI."""
    unreach: list[bytes] | None
    unknown: list[tuple[int, int, bytes]]
    """Flags, code and value of all other attributes."""


def decode(message: bytes) -> Update:
    """Decode an UPDATE of a session with four-octet AS numbers; raise `ValueError` for any fault in it."""
    if not 23 <= len(message) <= 4096:
        raise ValueError("bad length")
    marker, length, kind = _HEADER.unpack_from(message)
    if marker != _MARKER or length != len(message) or kind != 2:
        raise ValueError("bad header")
    update = Update()
    start = 21 + _UINT16.unpack_from(message, 19)[0]
    if start + 2 > length:
        raise ValueError("withdrawn routes overrun")
    update.withdrawn = _prefixes(message[21:start], _IPV4_PREFIX, 32) if start > 21 else []
    end = start + 2 + _UINT16.unpack_from(message, start)[0]
    if end > length:
        raise ValueError("path attributes overrun")
    _decode_attributes(update, message, start + 2, end)
    update.announced = _prefixes(message[end:], _IPV4_PREFIX, 32) if end < length else []
    if update.announced and (update.origin is None or update.as_path is None or update.next_hop is None):
        raise ValueError("missing attribute")
    return update


def _decode_attributes(update: Update, message: bytes, position: int, end: int) -> None:
    # One function with locals and no dispatch: calls are what costs most here.
    origin = as_path = next_hop = med = aggregator = reach = unreach = None
    atomic_aggregate = False
    communities: tuple[int, ...] = ()
    large_communities: tuple[int, ...] = ()
    unknown = []
    seen = set()
    while position < end:
        if position + 3 > end:
            raise ValueError("attribute cut short")
        flags, code, size = _ATTRIBUTE.unpack_from(message, position)
        position += 3
        if flags & _EXTENDED_LENGTH:
            if position + 1 > end:
                raise ValueError("attribute cut short")
            size = size << 8 | message[position]
            position += 1
        start, position = position, position + size
        if position > end:
            raise ValueError("attribute overruns")
        if code in seen:
            raise ValueError("attribute occurs twice")
        seen.add(code)
        if flags & _KIND != _FLAGS.get(code, flags & _KIND):
            raise ValueError("attribute flags")
        if code == 1:
            if size != 1 or message[start] > 2:
                raise ValueError("ORIGIN")
            origin = message[start]
        elif code == 2:
            as_path = _as_path(message, start, position)
        elif code == 3:
            if size != 4:
                raise ValueError("NEXT_HOP")
            next_hop = _UINT32.unpack_from(message, start)[0]
        elif code == 8:
            if size % 4 or not size:
                raise ValueError("COMMUNITIES")
            communities = _NUMBERS[size >> 2].unpack_from(message, start)
        elif code == 4:
            if size != 4:
                raise ValueError("MULTI_EXIT_DISC")
            med = _UINT32.unpack_from(message, start)[0]
        elif code == 6:
            if size:
                raise ValueError("ATOMIC_AGGREGATE")
            atomic_aggregate = True
        elif code == 7:
            if size != 8:
                raise ValueError("AGGREGATOR")
            aggregator = _AGGREGATOR.unpack_from(message, start)
        elif code == 32:
            if size % 12 or not size:
                raise ValueError("LARGE_COMMUNITIES")
            large_communities = _NUMBERS[size >> 2].unpack_from(message, start)
        elif code == 14:
            reach = _reach(message[start:position])
        elif code == 15:
            unreach = _unreach(message[start:position])
        elif flags & 0x80:
            unknown.append((flags, code, message[start:position]))
        else:
            raise ValueError("unknown well-known attribute")
    update.origin, update.as_path, update.next_hop, update.med = origin, as_path, next_hop, med
    update.atomic_aggregate, update.aggregator = atomic_aggregate, aggregator
    update.communities, update.large_communities = communities, large_communities
    update.reach, update.unreach, update.unknown = reach, unreach, unknown


def _as_path(message: bytes, position: int, end: int) -> list[tuple[int, tuple[int, ...]]]:
    segments = []
    while position < end:
        if position + 2 > end:
            raise ValueError("AS_PATH")
        kind, count = message[position], message[position + 1]
        start, position = position + 2, position + 2 + 4 * count
        if position > end or not count or not 1 <= kind <= 4:
            raise ValueError("AS_PATH segment")
        asns = _NUMBERS[count].unpack_from(message, start)
        if 0 in asns:
            raise ValueError("AS number 0")
        segments.append((kind, asns))
    return segments


def _reach(value: bytes) -> tuple[bytes, list[bytes]]:
    if len(value) < 5 or value[:3] != _IPV6_UNICAST:
        raise ValueError("MP_REACH_NLRI")
    end = 4 + value[3]
    if value[3] not in (16, 32) or end >= len(value):
        raise ValueError("MP_REACH_NLRI next hop")
    return value[4:end], _prefixes(value[end + 1 :], _IPV6_PREFIX, 128)


def _unreach(value: bytes) -> list[bytes]:
    if value[:3] != _IPV6_UNICAST:
        raise ValueError("MP_UNREACH_NLRI")
    return _prefixes(value[3:], _IPV6_PREFIX, 128)


# Prefixes


def _pattern(lengths: list[int]) -> re.Pattern[bytes]:
    """Match one canonical prefix: its length, whole octets, and an octet without bits beyond the length."""
    choices = []
    for length in lengths:
        whole, rest = divmod(length, 8)
        choice = re.escape(bytes([length])) + b"." * whole
        if rest:
            last = b"".join(b"\\x%02x" % (octet << 8 - rest) for octet in range(1 << rest))
            choice += b"[" + last + b"]"
        choices.append(choice)
    return re.compile(b"|".join(choices), re.DOTALL)


# Alternatives are tried in turn: those first that the Internet's tables have most of.
_IPV4_PREFIX = _pattern([24, 22, 23, 20, 21, *sorted({*range(33)} - {20, 21, 22, 23, 24}, reverse=True)])
_IPV6_PREFIX = _pattern([48, 32, 44, 40, 36, *sorted({*range(129)} - {48, 32, 44, 40, 36}, reverse=True)])


def _prefixes(field: bytes, pattern: re.Pattern[bytes], bits: int) -> list[bytes]:
    found: list[bytes] = pattern.findall(field)
    # The pattern passes over what it cannot match: then octets are missing.
    if len(b"".join(found)) != len(field):
        return _walk(field, bits)
    return found


def _walk(field: bytes, bits: int) -> list[bytes]:
    """Read prefixes that may have bits set after their length, which do not count (RFC 4271 4.3)."""
    found = []
    position = 0
    while position < len(field):
        length = field[position]
        start, position = position, position + 1 + (length + 7 >> 3)
        if length > bits or position > len(field):
            raise ValueError("prefix")
        spare = -length % 8
        last = field[position - 1] >> spare << spare if spare else field[position - 1]
        found.append(field[start : position - 1] + bytes([last]))
    return found


# Encoding


def encode(update: Update) -> bytes:
    """Encode an UPDATE from its values; attributes in order of their codes, MP_REACH_NLRI first."""
    withdrawn = b"".join(update.withdrawn)
    block = b"".join(_encode_attributes(update))
    announced = b"".join(update.announced)
    length = 23 + len(withdrawn) + len(block) + len(announced)
    if length > 4096:
        raise ValueError("too long")
    head = _HEADER.pack(_MARKER, length, 2) + _UINT16.pack(len(withdrawn))
    return b"".join((head, withdrawn, _UINT16.pack(len(block)), block, announced))


_ORIGINS = [bytes([0x40, 1, 1, origin]) for origin in range(3)]


def _encode_attributes(update: Update) -> list[bytes]:
    parts = []
    if update.reach is not None:
        next_hop, prefixes = update.reach
        head = _IPV6_UNICAST + _UINT8.pack(len(next_hop)) + next_hop
        parts.append(_encode_attribute(0x80, 14, head + b"\0" + b"".join(prefixes)))
    if update.unreach is not None:
        parts.append(_encode_attribute(0x80, 15, _IPV6_UNICAST + b"".join(update.unreach)))
    if update.origin is not None:
        parts.append(_ORIGINS[update.origin])
    if update.as_path is not None:
        segments = [
            bytes((kind, len(asns))) + _NUMBERS[len(asns)].pack(*asns) for kind, asns in update.as_path
        ]
        parts.append(_encode_attribute(0x40, 2, b"".join(segments)))
    if update.next_hop is not None:
        parts.append(b"\x40\x03\x04" + _UINT32.pack(update.next_hop))
    if update.med is not None:
        parts.append(b"\x80\x04\x04" + _UINT32.pack(update.med))
    if update.atomic_aggregate:
        parts.append(b"\x40\x06\x00")
    if update.aggregator is not None:
        parts.append(b"\xc0\x07\x08" + _AGGREGATOR.pack(*update.aggregator))
    if communities := update.communities:
        parts.append(_encode_attribute(0xC0, 8, _NUMBERS[len(communities)].pack(*communities)))
    if large := update.large_communities:
        parts.append(_encode_attribute(0xC0, 32, _NUMBERS[len(large)].pack(*large)))
    if update.unknown:
        parts += [
            _encode_attribute(flags & ~_EXTENDED_LENGTH, code, value) for flags, code, value in update.unknown
        ]
    return parts


def _encode_attribute(flags: int, code: int, value: bytes) -> bytes:
    if len(value) > 0xFF:
        return _EXTENDED.pack(flags | _EXTENDED_LENGTH, code, len(value)) + value
    return _ATTRIBUTE.pack(flags, code, len(value)) + value


# As a subject


def _count(update: Update) -> int:
    reach = update.reach[1] if update.reach else []
    return len(update.withdrawn) + len(update.announced) + len(reach) + len(update.unreach or [])


def _routes(update: Update) -> Iterator[tuple[bytes, object]]:
    path = (
        update.origin,
        update.as_path,
        update.next_hop,
        update.med,
        update.atomic_aggregate,
        update.aggregator,
        update.communities,
        update.large_communities,
        update.unknown,
    )
    for prefix in update.announced:
        yield prefix, path


if __name__ == "__main__":
    measure.main(measure.Subject(decode, encode, _count, _routes))
