"""Network Layer Reachability Information: lists of destinations on the wire (RFC 4271 4.3, RFC 4760 5).

`NLRI` is a sequence that yields objects to those who look, and holds plain bytes for those who do not: a table of
a hundred thousand routes is read, compared and stored without making an object for each.

What a destination looks like depends on the family, `_KINDS`: a prefix, one with labels, one of a VPN. The NLRI of
a family that is not in that table passes through as one piece of octets. Where path identifiers were negotiated
(RFC 7911), each destination has four octets in front of it, in `wire` as on the wire, so that a RIB's key for a path
is again a piece of the message.

Prefixes come by the thousand, so they are cut by a regular expression, made for each family, that matches canonical
prefixes only. Where its matches do not add up to the field, the field is read again, octet by octet, by `_walk`: it
clears padding bits, or finds what is wrong and where. The walk is the rule, the expression a short cut.
"""

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple, Self, overload

import attrs

from bgp.errors import LocalError, UpdateError
from bgp.iana import UpdateSubcode
from bgp.labelled import LabelledPrefix, VPNPrefix, check_labelled, check_vpn, withdrawal, without_labels
from bgp.prefix import (
    FAMILY,
    IPV4_LABELLED,
    IPV4_MULTICAST,
    IPV4_UNICAST,
    IPV4_VPN,
    IPV6_LABELLED,
    IPV6_MULTICAST,
    IPV6_UNICAST,
    IPV6_VPN,
    Family,
    Prefix,
    address_bits,
    octets_of,
)
from bgp.values import UINT32, as_octets, check_kind, is_a, several
from bgp.wire import Reader, WireError

MAX_OPAQUE: Final = 2048
"""How many octets of a family that this library does not read can be announced as one route."""


@attrs.frozen
class OpaqueNLRI:
    """The whole NLRI field of a family that this library does not read."""

    family: Family = attrs.field(validator=FAMILY)
    """The family."""

    wire: bytes = attrs.field(validator=is_a(bytes))
    """The octets of the field."""

    @property
    def key(self) -> bytes:
        """What the announcement and the withdrawal of destinations have in common: as far as we know, all octets."""
        return self.wire


Destination = Prefix | LabelledPrefix | VPNPrefix | OpaqueNLRI
"""What a route leads to."""


def _destination(value: str | Destination) -> Destination:
    return value if isinstance(value, Destination) else Prefix(value)


@attrs.frozen
class Path:
    """One of several routes to a destination: `Path("203.0.113.0/24", 7)` (RFC 7911)."""

    destination: Destination = attrs.field(converter=_destination)
    """Where it leads; text is accepted for a unicast prefix."""

    path_id: int = attrs.field(validator=UINT32)
    """Tells the sender's paths to the destination apart, 0 to 4294967295; means nothing else."""

    @property
    def family(self) -> Family:
        """The family of the destination."""
        return self.destination.family

    @property
    def wire(self) -> bytes:
        """Identifier and destination, as in an UPDATE."""
        return self.path_id.to_bytes(4, "big") + self.destination.wire

    @property
    def key(self) -> bytes:
        """What the announcement and the withdrawal of a path have in common: its identifier, and no labels."""
        return self.path_id.to_bytes(4, "big") + self.destination.key

    def __str__(self) -> str:
        return f"{self.destination} path {self.path_id}"


class _Kind(NamedTuple):
    """What the destinations of a family look like."""

    wrap: Callable[[Family, bytes], Destination]

    check: Callable[[Family, bytes], None]
    """Raises `LocalError`; is called with octets that begin with their length in bits, and are so many."""

    common: tuple[int, ...] = ()
    """Frequent lengths, which the expression tries first; none: there is no expression."""

    has_labels: bool = False
    """Whether labels stand before them, which their keys leave out."""


_IPV4_LENGTHS: Final = (24, 32, 22, 23, 16, 21, 20, 19, 18, 17, 25, 30, 29)
_IPV6_LENGTHS: Final = (48, 32, 64, 44, 128, 40, 36, 47, 46, 29, 56, 42, 45, 33, 34, 35, 43)


def _check_prefix(family: Family, wire: bytes) -> None:
    if wire[0] > address_bits(family):
        raise LocalError(f"{wire[0]} bits, must be 0 to {address_bits(family)}")


_IPV4_PREFIX: Final = _Kind(Prefix.from_wire, _check_prefix, _IPV4_LENGTHS)
_IPV6_PREFIX: Final = _Kind(Prefix.from_wire, _check_prefix, _IPV6_LENGTHS)
_LABELLED: Final = _Kind(LabelledPrefix.from_wire, check_labelled, has_labels=True)
_VPN: Final = _Kind(VPNPrefix.from_wire, check_vpn, has_labels=True)

_KINDS: Final = {
    IPV4_UNICAST: _IPV4_PREFIX,
    IPV4_MULTICAST: _IPV4_PREFIX,
    IPV4_LABELLED: _LABELLED,
    IPV4_VPN: _VPN,
    IPV6_UNICAST: _IPV6_PREFIX,
    IPV6_MULTICAST: _IPV6_PREFIX,
    IPV6_LABELLED: _LABELLED,
    IPV6_VPN: _VPN,
}


@attrs.frozen(init=False, repr=False)
class NLRI(Sequence[Destination | Path]):
    """Destinations of one family in the order of the wire: `NLRI(["203.0.113.7/32", "192.0.2.0/24"])`.

    Takes text for prefixes, `Prefix` and its relatives, or `Path`s; not paths and others mixed. Raises
    `LocalError` for a mixture of families.
    """

    family: Family
    """The family of all of them."""

    wire: tuple[bytes, ...]
    """Each destination in its canonical octets, its path identifier in front of it if it has one."""

    add_path: bool
    """Whether there are path identifiers; never in an empty list."""

    def __init__(
        self, items: "Iterable[str | Destination | Path]" = (), family: Family | None = None
    ) -> None:
        """Take destinations; `family` is that of an empty list, IPv4 unicast unless given."""
        check_kind("family", family, Family | None)
        if isinstance(items, NLRI):
            self.__attrs_init__(items.family, items.wire, items.add_path)
        else:
            found = [
                item if isinstance(item, Path) else _destination(item) for item in several("NLRI", items)
            ]
            families = {item.family for item in found} or {family or IPV4_UNICAST}
            kinds = {isinstance(item, Path) for item in found} or {False}
            if len(families) > 1 or len(kinds) > 1:
                raise LocalError(
                    f"NLRI of {', '.join(sorted(map(str, families)))}, with and without path identifiers"
                )
            self.__attrs_init__(families.pop(), tuple(item.wire for item in found), kinds.pop())
        if family not in (None, self.family):
            raise LocalError(f"NLRI of {self.family}, must be {family}")

    @classmethod
    def from_wire(cls, wire: Iterable[bytes], family: Family = IPV4_UNICAST, add_path: bool = False) -> Self:
        """Wrap destinations that are known to be canonical."""
        self = cls.__new__(cls)
        pieces = tuple(wire)
        self.__attrs_init__(family, pieces, add_path and bool(pieces))
        return self

    @overload
    def __getitem__(self, index: int) -> Destination | Path: ...
    @overload
    def __getitem__(self, index: slice) -> "NLRI": ...
    def __getitem__(self, index: int | slice) -> "Destination | Path | NLRI":
        if isinstance(index, slice):
            return NLRI.from_wire(self.wire[index], self.family, self.add_path)
        return next(iter(NLRI.from_wire((self.wire[index],), self.family, self.add_path)))

    def __iter__(self) -> Iterator[Destination | Path]:
        kind, family = _KINDS.get(self.family), self.family
        wrap = kind.wrap if kind else OpaqueNLRI
        if self.add_path:
            return (Path(wrap(family, wire[4:]), int.from_bytes(wire[:4], "big")) for wire in self.wire)
        return (wrap(family, wire) for wire in self.wire)

    @property
    def has_labels(self) -> bool:
        """Whether destinations of the family have labels, which their keys leave out."""
        kind = _KINDS.get(self.family)
        return kind is not None and kind.has_labels

    def __len__(self) -> int:
        return len(self.wire)

    def __contains__(self, item: object) -> bool:
        """Whether a destination or path is in the list; text stands for what the constructor makes of it."""
        try:
            wanted = Prefix(item) if isinstance(item, str) else item
        except LocalError:
            return False
        if not isinstance(wanted, Destination | Path) or isinstance(wanted, Path) is not self.add_path:
            return False
        return wanted.family == self.family and wanted.wire in self.wire

    def __repr__(self) -> str:
        if not self.wire:
            return "NLRI()" if self.family == IPV4_UNICAST else f"NLRI([], {self.family!r})"
        plain = self.family in (IPV4_UNICAST, IPV6_UNICAST) and not self.add_path
        return f"NLRI({[str(item) if plain else item for item in self]})"

    @property
    def is_known(self) -> bool:
        """Whether the library can read the destinations; if not, all are one `OpaqueNLRI`."""
        return self.family in _KINDS

    def encode(self) -> bytes:
        """The octets of the field."""
        return b"".join(self.wire)

    @staticmethod
    def decode(
        data: bytes | bytearray | memoryview, family: Family = IPV4_UNICAST, add_path: bool = False
    ) -> "NLRI":
        """Read a whole field; `add_path` says whether path identifiers were negotiated for the family.

        Raises `UpdateError`: the routes that an UPDATE is about cannot be told when the field cannot be read to
        its end (RFC 7606 3 (j), 5.3).
        """
        return decoder(family, add_path)(as_octets(data))


def destination(family: Family, wire: bytes) -> Destination:
    """The destination that octets without a path identifier stand for; they are known to be canonical."""
    kind = _KINDS.get(family)
    return kind.wrap(family, wire) if kind else OpaqueNLRI(family, wire)


def key_of(family: Family, wire: bytes, add_path: bool) -> bytes:
    """The `key` of one destination or path from its octets in `NLRI.wire`, without making an object of it."""
    kind = _KINDS.get(family)
    if kind is None or not kind.has_labels:
        return wire
    return wire[:4] + without_labels(wire[4:]) if add_path else without_labels(wire)


def withdrawal_of(family: Family, key: bytes, add_path: bool) -> bytes:
    """The octets that withdraw what `key_of` names."""
    kind = _KINDS.get(family)
    if kind is None or not kind.has_labels:
        return key
    return key[:4] + withdrawal(key[4:]) if add_path else withdrawal(key)


def is_readable(family: Family) -> bool:
    """Whether the library reads the destinations of a family; those of others have no path identifiers either."""
    return family in _KINDS


def longest(family: Family) -> int:
    """The most octets that a destination takes, its labels included and a path identifier not."""
    kind = _KINDS.get(family)
    if kind is None:
        return MAX_OPAQUE
    return 1 + octets_of(0xFF if kind.has_labels else address_bits(family))


# What a frozen class does in its constructor, in half the time.
_new = object.__new__
_set_family, _set_wire, _set_add_path = (
    getattr(NLRI, name).__set__ for name in ("family", "wire", "add_path")
)


@functools.lru_cache(maxsize=64)
def decoder(family: Family, add_path: bool) -> Callable[[bytes], NLRI]:
    """What `NLRI.decode` does, for those who read many fields of one kind."""
    kind = _KINDS.get(family)
    empty = NLRI((), family)
    if kind is None:
        return lambda data: NLRI.from_wire((data,), family) if data else empty
    check, find = kind.check, _finder(address_bits(family), kind.common, add_path)

    def decode(data: bytes) -> NLRI:
        found = find(data) if data else []
        if len(b"".join(found)) != len(data):
            found = list(_walk(data, family, check, add_path))
        if not found:
            return empty
        nlri = _new(NLRI)
        _set_family(nlri, family)
        _set_wire(nlri, tuple(found))
        _set_add_path(nlri, add_path)
        return nlri

    return decode


def _walk(
    data: bytes, family: Family, check: Callable[[Family, bytes], None], add_path: bool
) -> Iterator[bytes]:
    """Cut a field piece by piece."""
    reader = Reader(data)
    while reader.remaining:
        start = len(data) - reader.remaining
        try:
            path_id = reader.take(4) if add_path else b""
            length = reader.take(1)
            wire = length + reader.take(octets_of(length[0]))
            check(family, wire)
        except (WireError, LocalError) as error:
            reason = f"{family} NLRI at octet {start} of {len(data)}: {error}"
            raise UpdateError(reason, UpdateSubcode.INVALID_NETWORK_FIELD) from error
        yield path_id + _canonical(wire)


def _canonical(wire: bytes) -> bytes:
    # RFC 4271 4.3: bits after the length are padding, their value is irrelevant.
    spare = -wire[0] % 8
    if not spare or not wire[-1] & ((1 << spare) - 1):
        return wire
    return wire[:-1] + bytes([wire[-1] >> spare << spare])


def _finder(bits: int, common: tuple[int, ...], add_path: bool) -> Callable[[bytes], list[bytes]]:
    """A function that finds the canonical prefixes in a field; what it finds is all, or the field is odd."""
    if not common:
        return lambda data: []
    rest = (length for length in range(bits + 1) if length not in common)
    pattern = b"|".join(map(_prefix_of_length, (*common, *rest)))
    path_id = b"...." if add_path else b""
    return re.compile(path_id + b"(?:" + pattern + b")", re.DOTALL).findall


def _prefix_of_length(length: int) -> bytes:
    """An expression that matches the canonical prefixes of one length."""
    octets, bits = divmod(length, 8)
    last = bytes(range(0, 256, 1 << (8 - bits))) if bits else b""
    ending = b"[" + b"".join(b"\\x%02x" % octet for octet in last) + b"]" if bits else b""
    return b"\\x%02x" % length + b"." * octets + ending
