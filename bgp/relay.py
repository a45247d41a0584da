"""The usual route on its way from one external peer to another: a short cut through egress.py.

Nearly all that a transit router passes on is like this: a plain AS path that gets our AS in front, a next hop that
becomes ourselves, MULTI_EXIT_DISC left out, everything else as it came. That can be done with a handful of slices,
without reading a value. Whatever is not so usual is left to `Egress`, of which a property test says that it finds the
same.
"""

from ipaddress import IPv4Address
from typing import Final

from bgp.attributes import PathAttributes
from bgp.iana import AttributeCode, AttributeFlag, SegmentType
from bgp.wire import uint32

_EXTENDED_LENGTH: Final = int(AttributeFlag.EXTENDED_LENGTH)
_AS_PATH: Final = int(AttributeCode.AS_PATH)
_STAYS: Final = frozenset({int(AttributeCode.NEXT_HOP), int(AttributeCode.MULTI_EXIT_DISC)})
"""What we do not pass on, or have put in ourselves."""
_TRAVELS: Final = frozenset(
    map(
        int,
        (
            AttributeCode.ORIGIN,
            AttributeCode.ATOMIC_AGGREGATE,
            AttributeCode.AGGREGATOR,
            AttributeCode.COMMUNITIES,
            AttributeCode.EXTENDED_COMMUNITIES,
            AttributeCode.LARGE_COMMUNITIES,
        ),
    )
)
"""What goes on as it is."""
_SEQUENCE: Final = int(SegmentType.AS_SEQUENCE)
_MAX_VALUE: Final = 0xFF - 4
_WELL_KNOWN: Final = b"\xff\xff"
"""What well-known communities begin with, some of which forbid to pass a route on."""


class Relay:
    """Rewrites the attributes of usual routes for external peers."""

    def __init__(self, asn: int, next_hop: IPv4Address | None) -> None:
        """`asn` goes in front of the path; `next_hop` is NEXT_HOP, None: there is none, it is in MP_REACH_NLRI."""
        self._asn = uint32(asn)
        self._next_hop = b"" if next_hop is None else b"\x40\x03\x04" + next_hop.packed

    def rewrite(self, attributes: PathAttributes) -> PathAttributes | None:
        """Return the attributes as they go out, or None: this is not a usual route."""
        return _rewrite(attributes.wire, self._asn, self._next_hop)


def _rewrite(block: bytes, asn: bytes, next_hop: bytes) -> PathAttributes | None:
    if _WELL_KNOWN in block:
        return None
    pieces: list[bytes] = []
    has_path = False
    position, end = 0, len(block)
    while position < end:
        start, code = position, block[position + 1]
        if block[start] & _EXTENDED_LENGTH:
            return None
        position = start + 3 + block[start + 2]
        if code in _TRAVELS:
            pieces.append(block[start:position])
        elif code == _AS_PATH:
            path = _longer(block[start + 3 : position], asn)
            if path is None:
                return None
            pieces += (path, next_hop)
            has_path = True
        elif code not in _STAYS:
            return None
    return PathAttributes.from_wire(b"".join(pieces)) if has_path else None


def _longer(path: bytes, asn: bytes) -> bytes | None:
    """AS_PATH with our AS in front; None unless the path is one sequence, or empty."""
    if not path:
        value = bytes((_SEQUENCE, 1)) + asn
    elif path[0] == _SEQUENCE and len(path) == 2 + 4 * path[1] <= _MAX_VALUE:
        value = bytes((_SEQUENCE, path[1] + 1)) + asn + path[2:]
    else:
        return None
    return bytes((0x40, _AS_PATH, len(value))) + value
