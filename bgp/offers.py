"""What a speaker can offer: a value for each capability that this library understands.

How they stand on the wire, and what becomes of those that are not understood, is in `bgp.capabilities`.

Bits that an RFC reserves, and tells receivers to ignore, are kept in fields `reserved`, so that what was read can be
written again as it was. They do not count when values are compared: a peer that sets them offers nothing else.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

import attrs

from bgp.errors import LocalError
from bgp.iana import AFI, AddPathDirection, Role
from bgp.prefix import FAMILY, Family, per_family
from bgp.values import ASN, FLAG, in_range, integer, octets, several, utf8

MAX_VALUE = 0xFF
"""The most octets that the value of a capability can have: its length is one octet."""


def _fit(size: int) -> Callable[[object, Any, tuple[object, ...]], None]:
    """Validate that entries of `size` octets each fit into a capability."""

    def validate(_instance: object, attribute: Any, value: tuple[object, ...]) -> None:
        if len(value) > MAX_VALUE // size:
            raise LocalError(f"{len(value)} {attribute.name}, at most {MAX_VALUE // size} fit")

    return validate


def _reserved(bits: int) -> int:
    """Make a field for bits that a sender should leave 0 and a receiver has to ignore."""
    validator = in_range(0, (1 << bits) - 1)
    field: int = attrs.field(default=0, kw_only=True, eq=False, validator=validator)
    return field


@attrs.frozen
class MultiprotocolCapability:
    """Routes of `family` can be exchanged; one capability for each family (RFC 4760 8)."""

    family: Family = attrs.field(validator=FAMILY)
    """The family."""

    reserved: int = _reserved(8)
    """The octet between AFI and SAFI: 0, ignored by receivers."""


@attrs.frozen
class RouteRefreshCapability:
    """The sender answers ROUTE-REFRESH (RFC 2918 2)."""


@attrs.frozen
class EnhancedRouteRefreshCapability:
    """The sender marks where its answer to ROUTE-REFRESH begins and ends (RFC 7313 3.1)."""


@attrs.frozen
class ExtendedMessageCapability:
    """The sender takes UPDATE, NOTIFICATION and ROUTE-REFRESH of up to 65535 octets (RFC 8654 3)."""


def _next_hops(values: Iterable[tuple[Family, int]]) -> tuple[tuple[Family, int], ...]:
    pairs = next_hop_afis(values)
    return tuple(sorted(pairs)) if isinstance(values, Set) else pairs


def next_hop_afis(values: Iterable[tuple[Family, int]]) -> tuple[tuple[Family, int], ...]:
    """Read pairs of a family and an AFI of next hops."""
    return tuple(
        (family, AFI.name_of(integer("AFI of next hops", afi, 0, 0xFFFF)))
        for family, afi in per_family("next hops", values)
    )


@attrs.frozen
class ExtendedNextHopCapability:
    """Routes of some families may have a next hop of another AFI (RFC 8950 4).

    `ExtendedNextHopCapability({(IPV4_UNICAST, AFI.IPV6)})`
    """

    next_hops: tuple[tuple[Family, int], ...] = attrs.field(
        default=(), converter=_next_hops, validator=_fit(6)
    )
    """Pairs of a family and an AFI of next hops, at most 42; a set is sorted."""


def _role(number: int) -> int:
    return Role.name_of(integer("role", number, 0, 0xFF))


@attrs.frozen
class RoleCapability:
    """What the sender is to the receiver (RFC 9234 4.1)."""

    role: int = attrs.field(converter=_role)
    """A `Role`; or 5 to 255, which match no role of the other side."""


@attrs.frozen
class RestartFamily:
    """A family whose routes survive a restart of BGP (RFC 4724 3)."""

    family: Family = attrs.field(validator=FAMILY)
    """The family."""

    forwarding_preserved: bool = attrs.field(default=False, validator=FLAG)
    """Whether the sender went on forwarding during the restart that it has just made (F bit)."""

    reserved: int = _reserved(7)
    """The flags beside: 0, ignored by receivers."""


def _restart_families(values: Mapping[Family, bool] | Iterable[RestartFamily]) -> tuple[RestartFamily, ...]:
    if isinstance(values, Mapping):
        return tuple(RestartFamily(family, preserved) for family, preserved in values.items())
    return several("families", values, RestartFamily)


@attrs.frozen(kw_only=True)
class GracefulRestartCapability:
    """The sender marks the end of its initial routes, and may restart without losing them (RFC 4724 3).

    `GracefulRestartCapability(restart_time=120, families={IPV4_UNICAST: True})`
    """

    restart_time: int = attrs.field(default=0, validator=in_range(0, 0xFFF))
    """Seconds that a restart may take until the session is back, 0 to 4095."""

    families: tuple[RestartFamily, ...] = attrs.field(
        default=(), converter=_restart_families, validator=_fit(4)
    )
    """The families that survive, at most 63; accepts a mapping from family to whether forwarding was preserved."""

    restarting: bool = attrs.field(default=False, validator=FLAG)
    """Whether the sender has just restarted (R bit): its peer need not wait for its End-of-RIB."""

    notification: bool = attrs.field(default=False, validator=FLAG)
    """Whether NOTIFICATIONs and the hold timer lead to a graceful restart too (N bit, RFC 8538 2)."""

    reserved: int = _reserved(2)
    """The other two flags: 0, ignored by receivers."""


@attrs.frozen
class LongLivedFamily:
    """A family whose routes may be kept for long without a session (RFC 9494 3.1)."""

    family: Family = attrs.field(validator=FAMILY)
    """The family."""

    stale_time: int = attrs.field(validator=in_range(0, 0xFFFFFF))
    """Seconds that the routes may be kept after the restart time, 0 to 16777215."""

    forwarding_preserved: bool = attrs.field(default=False, validator=FLAG)
    """Whether the sender went on forwarding during the restart that it has just made (F bit)."""

    reserved: int = _reserved(7)
    """The flags beside: 0, ignored by receivers."""


def _long_lived(values: Mapping[Family, int] | Iterable[LongLivedFamily]) -> tuple[LongLivedFamily, ...]:
    if isinstance(values, Mapping):
        return tuple(LongLivedFamily(family, seconds) for family, seconds in values.items())
    return several("families", values, LongLivedFamily)


@attrs.frozen
class LongLivedGracefulRestartCapability:
    """Routes may be kept for long, as a last resort (RFC 9494 3.1); means nothing without graceful restart."""

    families: tuple[LongLivedFamily, ...] = attrs.field(default=(), converter=_long_lived, validator=_fit(7))
    """The families, at most 36; accepts a mapping from family to stale time."""


@attrs.frozen
class FourOctetASCapability:
    """AS numbers have four octets, and this is ours (RFC 6793 3)."""

    asn: int = attrs.field(validator=ASN)
    """The sender's AS number, 1 to 4294967295."""


_Directions = tuple[tuple[Family, AddPathDirection], ...]


def directions(
    values: Mapping[Family, AddPathDirection] | Iterable[tuple[Family, AddPathDirection]],
) -> _Directions:
    """Read families and the directions in which each has path identifiers."""
    return tuple(
        (family, AddPathDirection(integer(f"{family} direction", direction, 1, 3)))
        for family, direction in per_family("directions", values)
    )


@attrs.frozen
class AddPathCapability:
    """Prefixes of some families have path identifiers, in one direction or both (RFC 7911 4).

    `AddPathCapability({IPV4_UNICAST: AddPathDirection.RECEIVE})`
    """

    families: _Directions = attrs.field(default=(), converter=directions, validator=_fit(4))
    """Families, at most 63, and what the sender can do with each; accepts a mapping."""


def _names_fit(instance: "FQDNCapability", _attribute: object, domain: str) -> None:
    length = len(utf8("host", instance.host)) + len(utf8("domain", domain))
    if length > MAX_VALUE - 2:
        raise LocalError(f"host and domain of {length} octets, at most {MAX_VALUE - 2} fit")


@attrs.frozen
class FQDNCapability:
    """The sender's name, for people to read (draft-walton-bgp-hostname-capability)."""

    host: str
    """The host name; with the domain at most 253 octets of UTF-8."""

    domain: str = attrs.field(default="", validator=_names_fit)
    """The domain name."""


def _text_fits(instance: object, attribute: Any, text: str) -> None:
    octets(MAX_VALUE - 1)(instance, attribute, utf8("text", text))


@attrs.frozen
class SoftwareVersionCapability:
    """The sender's software, for people to read (draft-abraitis-bgp-version-capability)."""

    text: str = attrs.field(validator=_text_fits)
    """Name and version, at most 254 octets of UTF-8."""


KnownCapability = (
    MultiprotocolCapability
    | RouteRefreshCapability
    | ExtendedNextHopCapability
    | ExtendedMessageCapability
    | RoleCapability
    | GracefulRestartCapability
    | FourOctetASCapability
    | AddPathCapability
    | EnhancedRouteRefreshCapability
    | LongLivedGracefulRestartCapability
    | FQDNCapability
    | SoftwareVersionCapability
)
"""A capability that this library understands."""
