"""Path attributes: what an UPDATE says about its routes (RFC 4271 5).

`PathAttributes` is its octets: the attributes in the order of their codes, with AS numbers of four octets, as they
would stand in an UPDATE. That makes it cheap to compare, to hash, to share among a thousand routes and to send. A
value such as `attributes.as_path` is read from the octets when somebody looks, and kept. So an UPDATE that passes
through costs no more than a judgement of its octets (judgement.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address
from typing import Any, Final, Generic, NamedTuple, Self, TypedDict, TypeVar, Unpack, overload

import attrs

from bgp.aspath import ASPath, ASSegment
from bgp.attributetable import BY_CODE, BY_FIELD, ROWS, SPECIAL, Aggregator
from bgp.communities import Community, LargeCommunity
from bgp.errors import LocalError
from bgp.extended import ExtendedCommunity, IPv6ExtendedCommunity
from bgp.iana import AttributeCode, AttributeFlag, Origin
from bgp.values import integer, octets, several
from bgp.wire import Reader, WireError, uint16

_EXTENDED_LENGTH: Final = int(AttributeFlag.EXTENDED_LENGTH)
_KEPT_FLAGS: Final = int(AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE | AttributeFlag.PARTIAL)


def _flags(value: int) -> AttributeFlag:
    # The extended-length bit follows from the length; the low four bits are to be ignored (RFC 4271 4.3).
    return AttributeFlag(integer("flags", value, 0, 0xFF)) & _KEPT_FLAGS


def _code(number: int) -> int:
    return AttributeCode.name_of(integer("code", number, 0, 0xFF))


def _unknown(_instance: object, _attribute: object, code: int) -> None:
    if code in BY_CODE or code in SPECIAL:
        raise LocalError(f"attribute {code} has a field of its own")


@attrs.frozen
class UnknownAttribute:
    """An attribute that this library does not interpret."""

    flags: AttributeFlag = attrs.field(converter=_flags)
    """Optional, transitive, partial."""

    code: int = attrs.field(converter=_code, validator=_unknown)
    """An `AttributeCode` where it has a name."""

    value: bytes = attrs.field(default=b"", validator=octets(0xFFFF))


class RawAttribute(NamedTuple):
    """One attribute as it stands in an UPDATE."""

    flags: int
    code: int
    value: bytes


class CommonValues(TypedDict, total=False):
    """The fields of `PathAttributes` but for the next hop, in the forms in which people write them."""

    origin: int | None
    as_path: str | Iterable[int | ASSegment] | None
    med: int | None
    local_pref: int | None
    atomic_aggregate: bool
    aggregator: Aggregator | None
    communities: Iterable[str | int]
    large_communities: Iterable[str | LargeCommunity]
    extended_communities: Iterable[str | ExtendedCommunity]
    ipv6_extended_communities: Iterable[str | IPv6ExtendedCommunity]
    originator_id: str | IPv4Address | None
    cluster_list: Iterable[str | IPv4Address]
    aigp: int | None
    only_to_customer: int | None
    partial: Iterable[int]
    unknown: Iterable[UnknownAttribute]


class AttributeValues(CommonValues, total=False):
    """What `PathAttributes` takes: its fields, in the forms in which people write them; None for no attribute."""

    next_hop: str | IPv4Address | None


T = TypeVar("T")


class _Field(Generic[T]):
    """A field of `PathAttributes`: reads its attribute when somebody looks."""

    def __init__(self, code: AttributeCode, missing: T) -> None:
        self._code = int(code)
        self._missing = missing

    @overload
    def __get__(self, attributes: None, owner: type) -> Self: ...
    @overload
    def __get__(self, attributes: "PathAttributes", owner: type) -> T: ...
    def __get__(self, attributes: "PathAttributes | None", owner: type) -> T | Self:
        if attributes is None:
            return self
        seen, code = attributes._values(), self._code
        if code not in seen:
            raw = attributes.raw.get(code)
            if raw is None:
                return self._missing
            seen[code] = BY_CODE[code].decode(Reader(raw.value))
        value: T = seen[code]
        return value


@attrs.frozen(init=False, repr=False)
class PathAttributes:
    """The attributes that the routes of one UPDATE share; None or empty where there is none.

    `PathAttributes(origin=Origin.IGP, as_path=[64512], next_hop="192.0.2.1", communities=["64512:100"])`. Raises
    `LocalError` for a value that cannot be.
    """

    wire: bytes
    """The octets: in the order of the codes, AS numbers of four octets, no length longer than needed."""

    _seen: dict[int, Any] | None = attrs.field(eq=False)
    """Values that were read already, by code; and under `_INDEX` where each attribute is. None: nobody has looked."""

    def __init__(self, **values: Unpack[AttributeValues]) -> None:
        self.__attrs_init__(join(_change({}, values).values()), None)

    @classmethod
    def from_wire(cls, wire: bytes) -> Self:
        """Wrap octets that are known to be in order."""
        self = _new(cls)
        _set_wire(self, wire)
        _set_seen(self, None)
        return self

    def _values(self) -> dict[int, Any]:
        seen = self._seen
        if seen is None:
            seen = {}
            _set_seen(self, seen)
        return seen

    origin = _Field[Origin | None](AttributeCode.ORIGIN, None)
    """ORIGIN: how the route came into BGP."""

    as_path = _Field[ASPath | None](AttributeCode.AS_PATH, None)
    """AS_PATH; text or a list of AS numbers is accepted."""

    next_hop = _Field[IPv4Address | None](AttributeCode.NEXT_HOP, None)
    """NEXT_HOP: where to send the packets. Families beyond IPv4 unicast have it in MP_REACH_NLRI."""

    med = _Field[int | None](AttributeCode.MULTI_EXIT_DISC, None)
    """MULTI_EXIT_DISC, 0 to 4294967295; lower is preferred."""

    local_pref = _Field[int | None](AttributeCode.LOCAL_PREF, None)
    """LOCAL_PREF, 0 to 4294967295; higher is preferred. Only between internal peers."""

    atomic_aggregate = _Field[bool](AttributeCode.ATOMIC_AGGREGATE, False)
    """ATOMIC_AGGREGATE: the path leaves ASes out."""

    aggregator = _Field[Aggregator | None](AttributeCode.AGGREGATOR, None)
    """AGGREGATOR: who made the aggregate."""

    communities = _Field[tuple[Community, ...]](AttributeCode.COMMUNITIES, ())
    """COMMUNITIES; text such as "64512:100" is accepted."""

    large_communities = _Field[tuple[LargeCommunity, ...]](AttributeCode.LARGE_COMMUNITIES, ())
    """LARGE_COMMUNITY; text such as "64512:1:2" is accepted (RFC 8092)."""

    extended_communities = _Field[tuple[ExtendedCommunity, ...]](AttributeCode.EXTENDED_COMMUNITIES, ())
    """EXTENDED COMMUNITIES; text such as "rt:64512:7" is accepted (RFC 4360)."""

    ipv6_extended_communities = _Field[tuple[IPv6ExtendedCommunity, ...]](
        AttributeCode.IPV6_EXTENDED_COMMUNITIES, ()
    )
    """IPv6 Address Specific Extended Community; text such as "rt:[2001:db8::1]:7" is accepted (RFC 5701)."""

    originator_id = _Field[IPv4Address | None](AttributeCode.ORIGINATOR_ID, None)
    """ORIGINATOR_ID: the router that brought the route into our AS (RFC 4456)."""

    cluster_list = _Field[tuple[IPv4Address, ...]](AttributeCode.CLUSTER_LIST, ())
    """CLUSTER_LIST: the route reflectors that it came through, newest first (RFC 4456)."""

    aigp = _Field[int | None](AttributeCode.AIGP, None)
    """AIGP: the accumulated IGP metric, 0 to 18446744073709551615 (RFC 7311)."""

    only_to_customer = _Field[int | None](AttributeCode.ONLY_TO_CUSTOMER, None)
    """OTC: the AS that has sent the route down or across; it must not go up again (RFC 9234)."""

    @property
    def partial(self) -> frozenset[int]:
        """The codes of those attributes, among the ones above, that a router has passed on without knowing them."""
        return frozenset(a.code for a in self.raw.values() if a.code in BY_CODE and a.flags & _PARTIAL)

    @property
    def unknown(self) -> tuple[UnknownAttribute, ...]:
        """All attributes that are not above, by code."""
        return tuple(UnknownAttribute(*raw) for code, raw in self.raw.items() if code not in BY_CODE)

    @property
    def raw(self) -> Mapping[int, RawAttribute]:
        """The attributes as octets, by code."""
        seen = self._values()
        if _INDEX not in seen:
            seen[_INDEX] = {attribute.code: attribute for attribute in split(self.wire)}
        index: dict[int, RawAttribute] = seen[_INDEX]
        return index

    def evolve(self, **changes: Unpack[AttributeValues]) -> "PathAttributes":
        """A copy with other values for some fields; None or empty takes an attribute away."""
        return PathAttributes.from_wire(join(_change(self.raw, changes).values()))

    def passed_on(self) -> "PathAttributes":
        """A copy as a router that does not know the unknown attributes has to send it on (RFC 4271 5).

        The transitive ones get the partial bit, the others go.
        """
        travelling = [attribute for attribute in self.unknown if attribute.flags & AttributeFlag.TRANSITIVE]
        marked = [attrs.evolve(attribute, flags=attribute.flags | _PARTIAL) for attribute in travelling]
        return self.evolve(unknown=marked) if self.unknown else self

    def __bool__(self) -> bool:
        """Whether there is any attribute."""
        return bool(self.wire)

    def __repr__(self) -> str:
        return f"PathAttributes({', '.join(f'{field}={text}' for field, text in shown_values(self).items())})"


# What a frozen class does in its constructor, in half the time.
_new = object.__new__
_set_wire, _set_seen = (getattr(PathAttributes, name).__set__ for name in ("wire", "_seen"))

_INDEX: Final = -1
_PARTIAL: Final = int(AttributeFlag.PARTIAL)


def shown_values(attributes: PathAttributes) -> dict[str, str]:
    """What to pass to make attributes again, as text, by field."""
    # An AIGP that holds no metric is there, and says nothing.
    found = [row for row in ROWS if row.code in attributes.raw and getattr(attributes, row.field) is not None]
    values = {row.field: _show(getattr(attributes, row.field)) for row in found}
    if partial := [int(row.code) for row in found if row.code in attributes.partial]:
        values["partial"] = str(partial)
    if attributes.unknown:
        values["unknown"] = str(list(attributes.unknown))
    return values


def _show(value: object) -> str:
    match value:
        case IPv4Address():
            return repr(str(value))
        case [IPv4Address(), *_]:
            return repr(list(map(str, value)))
        case tuple():
            return repr(list(value))
        case _:
            return repr(value)


def _change(raw: Mapping[int, RawAttribute], values: AttributeValues) -> dict[int, RawAttribute]:
    """The attributes with some values changed, as octets."""
    changed = dict(raw)
    for field, value in values.items():
        row = BY_FIELD.get(field)
        if row is None:
            if field not in ("unknown", "partial"):
                raise TypeError(f"path attributes have no field {field}")
            continue
        changed.pop(row.code, None)
        converted = None if value is None else row.convert(value)
        if not (converted is None or converted is False or converted == ()):
            changed[row.code] = RawAttribute(row.flags, row.code, row.encode(converted))
    if "unknown" in values:
        changed = _with_unknown(changed, values["unknown"])
    if "partial" in values:
        changed = _with_partial(changed, values["partial"])
    return changed


def _with_unknown(
    raw: dict[int, RawAttribute], unknown: Iterable[UnknownAttribute]
) -> dict[int, RawAttribute]:
    changed = {code: attribute for code, attribute in raw.items() if code in BY_CODE}
    for other in several("unknown", unknown, UnknownAttribute):
        if other.code in changed:
            raise LocalError(f"attribute {other.code} occurs twice among the unknown attributes")
        changed[other.code] = RawAttribute(int(other.flags), other.code, other.value)
    return changed


def _with_partial(raw: dict[int, RawAttribute], partial: Iterable[int]) -> dict[int, RawAttribute]:
    codes = {integer("partial", code, 0, 0xFF) for code in several("partial", partial)}
    if codes - (raw.keys() & BY_CODE.keys()):
        raise LocalError(f"partial {sorted(codes - raw.keys())}, there are no such attributes")
    changed = dict(raw)
    for code, attribute in raw.items():
        if code in BY_CODE and bool(attribute.flags & _PARTIAL) is not (code in codes):
            changed[code] = attribute._replace(flags=attribute.flags ^ _PARTIAL)
    return changed


def split(block: bytes) -> Iterator[RawAttribute]:
    """Cut the attributes of an UPDATE; raises `WireError` after those that are whole."""
    # By hand and not by the cursor: whoever looks at an attribute comes this way.
    position, end = 0, len(block)
    while position < end:
        flags = block[position]
        long = flags & _EXTENDED_LENGTH
        start = position + (4 if long else 3)
        if start > end:
            raise WireError(f"{start - end} octets are missing before a value")
        code = block[start - 3 if long else start - 2]
        length = block[start - 2] << 8 | block[start - 1] if long else block[start - 1]
        position = start + length
        if position > end:
            raise WireError(f"{length} octets expected, {end - start} left")
        yield RawAttribute(flags & _KEPT_FLAGS, code, block[start:position])


def join(attributes: Iterable[RawAttribute]) -> bytes:
    """The attributes in the order of their codes, as RFC 4271 5 advises, each with the shortest length."""
    return b"".join(encode_attribute(*attribute) for attribute in sorted(attributes, key=_by_code))


def encode_attribute(flags: int, code: int, value: bytes) -> bytes:
    """Flags, code, length and value; raises `LocalError` for a value of more than 65535 octets."""
    if len(value) <= 0xFF:
        return bytes((flags, code, len(value))) + value
    if len(value) > 0xFFFF:
        raise LocalError(f"attribute {code} of {len(value)} octets, at most 65535 fit")
    return bytes((flags | AttributeFlag.EXTENDED_LENGTH, code)) + uint16(len(value)) + value


def _by_code(attribute: RawAttribute) -> int:
    return attribute.code
