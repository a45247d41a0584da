"""What we want of one neighbour: parsed and judged once, legal ever after.

All times are in seconds. What is a mapping here (per family) is kept as a tuple of pairs, so that a configuration is a
value: it can be compared, hashed and used as a key.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeVar

import attrs

from bgp.attributetable import next_hop
from bgp.bfd.config import BFDConfig
from bgp.capabilities import Capability
from bgp.errors import LocalError
from bgp.iana import AddPathDirection, Role
from bgp.negotiated import PeerType
from bgp.offers import directions, next_hop_afis
from bgp.open import capability_list, hold_time_in_range, router_id
from bgp.prefix import IPV4_UNICAST, Family, per_family
from bgp.values import (
    ASN,
    FLAG,
    Address,
    check_kind,
    in_range,
    integer,
    is_a,
    octets,
    optional_address,
    quoted,
    seconds,
    several,
    shown,
    utf8,
)

_T = TypeVar("_T")
_PerFamily = Mapping[Family, _T] | Iterable[tuple[Family, _T]]


def _pairs(name: str, values: _PerFamily[_T]) -> tuple[tuple[Family, _T], ...]:
    return tuple(sorted(dict(per_family(name, values)).items(), key=lambda pair: pair[0]))


def _directions(values: _PerFamily[AddPathDirection]) -> tuple[tuple[Family, AddPathDirection], ...]:
    return _pairs("add_path", directions(values))


def _limits(values: "_PerFamily[PrefixLimit]") -> "tuple[tuple[Family, PrefixLimit], ...]":
    pairs = _pairs("prefix_limits", values)
    for family, limit in pairs:
        check_kind(f"limit of {family}", limit, PrefixLimit)
    return pairs


def _stale_times(values: _PerFamily[int]) -> tuple[tuple[Family, int], ...]:
    pairs = _pairs("long_lived", values)
    for family, time in pairs:
        integer(f"long-lived stale time of {family}", time, 0, 0xFFFFFF)
    return pairs


def _optional_router_id(value: str | IPv4Address | None) -> IPv4Address | None:
    return None if value is None else router_id(value)


def _ipv4(value: str | IPv4Address | None) -> IPv4Address | None:
    return None if value is None else next_hop(value)


def _ipv6(value: str | IPv6Address | None) -> IPv6Address | None:
    address = optional_address(value)
    if address is None or (isinstance(address, IPv6Address) and address.scope_id is None):
        return address
    raise LocalError(f"next_hop_ipv6 {address}, must be an IPv6 address without a zone")


def _secret(value: str | bytes | None) -> bytes | None:
    if value is None:
        return None
    try:
        secret = value if isinstance(value, bytes) else utf8("password", value)
    except LocalError:
        # Whose message would show it.
        raise LocalError("password, must be octets or text that can be written in UTF-8") from None
    if not secret:
        # To the kernel that is to sign nothing, with which nobody would reckon who names a password.
        raise LocalError("password of 0 octets, must be 1 to 80; None: no password")
    return secret


def _host(_instance: object, attribute: "attrs.Attribute[Address]", value: Address | None) -> None:
    if value is None:
        return
    mapped = value.ipv4_mapped if isinstance(value, IPv6Address) else None
    if mapped is not None:
        # Sockets are of one version of IP: nothing would ever come from there.
        raise LocalError(f"{attribute.name} {value}, must be written as IPv4: {mapped}")
    if value.is_multicast or value.is_unspecified or value == _BROADCAST:
        raise LocalError(f"{attribute.name} {value}, must be the address of a host")


_BROADCAST: Final = IPv4Address("255.255.255.255")


def _interface(_instance: object, _attribute: object, value: str | None) -> None:
    if value is not None:
        check_interface(value)


def check_interface(value: str) -> None:
    """Raise `LocalError` for what cannot be the name of a network interface."""
    # What Linux takes for the name of a device, dev_valid_name().
    name = utf8("interface", value)
    if (
        not 1 <= len(name) <= 15
        or name in (b".", b"..")
        or set(name) & set(b"/:\0")
        or len(name.split()) != 1
    ):
        raise LocalError(f"interface {shown(value)}, must be 1 to 15 octets without white space, / and :")


def _families(values: Iterable[Family]) -> frozenset[Family]:
    families = frozenset(several("families", values, Family))
    if not families:
        raise LocalError("families empty, must be one or more")
    return families


def _next_hops(values: Iterable[tuple[Family, int]]) -> frozenset[tuple[Family, int]]:
    return frozenset(next_hop_afis(values))


def _role(value: int | None) -> Role | None:
    return None if value is None else Role(integer("role", value, 0, 4))


def _members(values: Iterable[int]) -> frozenset[int]:
    return frozenset(integer("member AS", asn, 1, 0xFFFFFFFF) for asn in several("members", values))


@attrs.frozen
class Confederation:
    """An AS that consists of others: `Confederation(64512, [65001, 65002])` (RFC 5065)."""

    identifier: int = attrs.field(validator=ASN)
    """The AS number that the rest of the world sees."""

    members: frozenset[int] = attrs.field(converter=_members)
    """The AS numbers inside, ours among them or not."""


@attrs.frozen
class PrefixLimit:
    """How many prefixes of a family a peer may announce: `PrefixLimit(1000)` (RFC 4271 6.7).

    With ADD-PATH each path counts. A prefix that changes its labels is the same prefix.
    """

    maximum: int = attrs.field(validator=in_range(1, 0xFFFFFFFF))
    """One more ends the session (RFC 4486 4), 1 to 4294967295."""

    warning: float = attrs.field(default=0.75, validator=is_a(int | float))
    """The share of them that is worth a `PrefixLimitWarning`, 0 to 1; 1: no warning before the end."""

    @warning.validator
    def _check_warning(self, _attribute: object, value: float) -> None:
        if not 0 <= value <= 1:
            raise LocalError(f"warning {shown(value)}, must be 0 to 1")

    @property
    def warning_count(self) -> int:
        """The number of prefixes that is worth a warning."""
        return int(self.maximum * self.warning)


@attrs.frozen(kw_only=True)
class GracefulRestartConfig:
    """What we offer for the time that one side restarts: `GracefulRestartConfig(restart_time=60)` (RFC 4724)."""

    restart_time: int = attrs.field(default=120, validator=in_range(0, 0xFFF))
    """How long our own restart may take until the session is back, 0 to 4095."""

    forwarding_preserved: bool = attrs.field(default=True, validator=FLAG)
    """Whether packets for our routes are still forwarded while we restart (F bit)."""

    notification: bool = attrs.field(default=True, validator=FLAG)
    """Offer to keep routes after a NOTIFICATION or an expired hold timer too (N bit, RFC 8538)."""

    stale_time: float = attrs.field(default=360.0, validator=seconds(1, 65535))
    """How long the peer may take, once it is back, to send its routes again; then the stale ones go (RFC 4724 4.2)."""

    long_lived: tuple[tuple[Family, int], ...] = attrs.field(default=(), converter=_stale_times)
    """Families whose routes may be kept as a last resort, each for so long, 0 to 16777215 (RFC 9494); a mapping."""


@attrs.frozen(kw_only=True)
class PeerConfig:
    """One neighbour: `PeerConfig(peer_address="192.0.2.2", peer_as=64513, local_as=64512)`.

    Raises `LocalError` for a value that cannot be, with the value and its limit.
    """

    local_as: int = attrs.field(validator=ASN)
    """Our AS number, 1 to 4294967295."""

    peer_as: int | None = attrs.field(validator=attrs.validators.optional(ASN))
    """The peer's AS number, 1 to 4294967295; equal to ours for an internal peer. None: any other than ours."""

    router_id: IPv4Address | None = attrs.field(default=None, converter=_optional_router_id, repr=quoted)
    """Our BGP Identifier; None: our IPv4 address on the connection."""

    # The connection.

    peer_address: Address | None = attrs.field(
        default=None, converter=optional_address, validator=_host, repr=quoted
    )
    """Where the peer is. A `Speaker` needs it; a `Session` without I/O does not.

    A link-local one has its zone, the name of an interface: "fe80::1%eth0" (RFC 4007 11).
    """

    port: int = attrs.field(default=179, validator=in_range(1, 65535))
    """The TCP port that the peer listens on."""

    local_address: Address | None = attrs.field(
        default=None, converter=optional_address, validator=_host, repr=quoted
    )
    """The address of ours to connect from, of the peer's version of IP; None: whichever the route to it has."""

    password: bytes | None = attrs.field(
        default=None, converter=_secret, validator=attrs.validators.optional(octets(80)), repr=False
    )
    """Signs each TCP segment (TCP MD5, RFC 2385), 1 to 80 octets; None: not signed."""

    interface: str | None = attrs.field(default=None, validator=_interface)
    """The network interface, or VRF, to use and no other (SO_BINDTODEVICE), 1 to 15 octets; None: any."""

    ttl: int | None = attrs.field(default=None, validator=attrs.validators.optional(in_range(1, 255)))
    """The TTL, or hop limit, of our packets, 1 to 255; None: the system's."""

    ttl_security: int | None = attrs.field(
        default=None, validator=attrs.validators.optional(in_range(1, 254))
    )
    """At most how many hops away the peer is, 1 to 254, a direct neighbour being 1 (GTSM, RFC 5082).

    We send with a TTL of 255 and take no packet with less than 256 - `ttl_security`; the peer has to do so too.
    None: not checked. Excludes `ttl`.
    """

    user_timeout: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(seconds(0.1, 65535))
    )
    """How long what we sent may go unacknowledged until TCP gives up (TCP_USER_TIMEOUT), 0.1 to 65535.

    None: as long as the system likes, about 15 minutes on Linux; the hold timer is usually sooner.
    """

    dscp: int = attrs.field(default=48, validator=in_range(0, 63))
    """The DSCP of our packets (RFC 2474), 0 to 63; 48: CS6, network control (RFC 4594 3.1)."""

    passive: bool = attrs.field(default=False, validator=FLAG)
    """Never dial; wait for the peer's connection (PassiveTcpEstablishment, RFC 4271 8.1.1)."""

    bfd: BFDConfig | None = attrs.field(default=None, validator=is_a(BFDConfig | None))
    """Watch the path to the peer by BFD once the session is up, and end it when that fails (RFC 5882); None: do not."""

    # Times.

    hold_time: int = attrs.field(default=90, validator=hold_time_in_range)
    """The silence that we offer to tolerate, 0 (for ever) or 3 to 65535; the smaller of both offers counts."""

    send_hold_time: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(seconds(0, 0xFFFF))
    )
    """How long the peer's TCP may take nothing of what we send, more than `hold_time`; 0: for ever.

    None: eight minutes, or twice the negotiated hold time if that is longer (RFC 9687 6).
    """

    connect_retry_time: float = attrs.field(default=5.0, validator=seconds(0.1, 65535))
    """How long to wait for TCP to come up before trying anew, 0.1 to 65535; the RFC's 120 is from slower days."""

    idle_hold_time: float = attrs.field(default=1.0, validator=seconds(0.05, 120))
    """The pause after a first failure, 0.05 to 120; it doubles with each further one, up to 120."""

    delay_open_time: float = attrs.field(default=0.0, validator=seconds(0, 240))
    """How long to let the peer send its OPEN first, 0 (do not wait) to 240 (DelayOpen, RFC 4271 8.1.1)."""

    # What to offer.

    families: frozenset[Family] = attrs.field(default=frozenset({IPV4_UNICAST}), converter=_families)
    """The kinds of routes to exchange (RFC 4760); those that both sides offer are."""

    add_path: tuple[tuple[Family, AddPathDirection], ...] = attrs.field(default=(), converter=_directions)
    """Families in which to send several paths to a prefix, or to receive them (RFC 7911); a mapping."""

    extended_next_hop: frozenset[tuple[Family, int]] = attrs.field(default=frozenset(), converter=_next_hops)
    """Families whose routes may have a next hop of another AFI, each with that AFI (RFC 8950)."""

    extended_message: bool = attrs.field(default=False, validator=FLAG)
    """Offer messages of up to 65535 octets (RFC 8654)."""

    route_refresh: bool = attrs.field(default=True, validator=FLAG)
    """Offer to send routes again when asked, and to mark where that begins and ends (RFC 2918, RFC 7313)."""

    graceful_restart: GracefulRestartConfig | None = attrs.field(
        default=None, validator=is_a(GracefulRestartConfig | None)
    )
    """Offer to keep routes through a restart; None: do not."""

    role: Role | None = attrs.field(default=None, converter=_role)
    """What we are to an external peer, such as its customer (RFC 9234); None: not said."""

    role_strict: bool = attrs.field(default=False, validator=FLAG)
    """Refuse an external peer that does not say its role (RFC 9234 4.2)."""

    capabilities: tuple[Capability, ...] = attrs.field(default=(), converter=capability_list)
    """Capabilities to offer beside those that follow from the rest, such as a host name."""

    # Whose routes go where, and how they look there.

    next_hop_self: bool = attrs.field(default=False, validator=FLAG)
    """Name ourselves as the next hop of others' routes to an internal peer too; external peers always get that."""

    next_hop_ipv4: IPv4Address | None = attrs.field(default=None, converter=_ipv4, repr=quoted)
    """What is "ourselves" in IPv4 routes; None: our address on the connection, if it is an IPv4 address."""

    next_hop_ipv6: IPv6Address | None = attrs.field(default=None, converter=_ipv6, repr=quoted)
    """What is "ourselves" in IPv6 routes; None: our address on the connection, if it is an IPv6 address."""

    route_reflector_client: bool = attrs.field(default=False, validator=FLAG)
    """Pass other internal peers' routes on to this internal peer, and its routes to them (RFC 4456)."""

    cluster_id: IPv4Address | None = attrs.field(default=None, converter=_optional_router_id, repr=quoted)
    """The cluster that our reflection clients are in (RFC 4456 7); None: the one named by our router ID."""

    route_server_client: bool = attrs.field(default=False, validator=FLAG)
    """Pass others' routes on to this external peer as they are: AS_PATH, NEXT_HOP and MED unchanged (RFC 7947)."""

    confederation: Confederation | None = attrs.field(default=None, validator=is_a(Confederation | None))
    """The confederation that we are a member of, `local_as` being our number inside (RFC 5065)."""

    allow_own_as: int = attrs.field(default=0, validator=in_range(0, 10))
    """How often our own AS number may occur in the peer's AS_PATHs, 0 to 10; more is a loop (RFC 4271 9.1.2)."""

    advertisement_interval: float = attrs.field(default=0.0, validator=seconds(0, 600))
    """The least time between two bursts of UPDATEs, 0 to 600 (MinRouteAdvertisementInterval, RFC 4271 9.2.1.1)."""

    honour_graceful_shutdown: bool = attrs.field(default=True, validator=FLAG)
    """Prefer any other route to one with the community GRACEFUL_SHUTDOWN (RFC 8326 4.1)."""

    # What to tolerate.

    reject_as_sets: bool = attrs.field(default=False, validator=FLAG)
    """Treat routes with an AS_SET in their path as withdrawn (RFC 9774)."""

    prefix_limits: tuple[tuple[Family, PrefixLimit], ...] = attrs.field(default=(), converter=_limits)
    """How many prefixes the peer may announce; a mapping from families, no limit for others."""

    @local_address.validator
    def _check_local_address(self, _attribute: object, value: Address | None) -> None:
        if value is not None and self.peer_address is not None and value.version != self.peer_address.version:
            raise LocalError(
                f"local_address {value} cannot reach peer_address {self.peer_address}: "
                "not the same version of IP"
            )

    @send_hold_time.validator
    def _check_send_hold_time(self, _attribute: object, value: float | None) -> None:
        # RFC 9687 4.4: it must be greater than the hold time.
        if value and value <= self.hold_time:
            raise LocalError(
                f"send_hold_time {value} s, must be 0, or more than {self.hold_time} and to 65535"
            )

    @ttl_security.validator
    def _check_ttl_security(self, _attribute: object, value: int | None) -> None:
        if value is not None and self.ttl is not None:
            raise LocalError(f"ttl_security {value} with ttl {self.ttl}: it sends with 255")

    @role_strict.validator
    def _check_role_strict(self, _attribute: object, value: bool) -> None:
        if value and self.role is None:
            raise LocalError("role_strict without a role")

    @property
    def peer_type(self) -> PeerType:
        """Internal if the peer is in our AS, a confederation peer if in another AS of ours, else external."""
        if self.peer_as == self.local_as:
            return PeerType.INTERNAL
        inside = self.confederation is not None and self.peer_as in self.confederation.members
        return PeerType.CONFEDERATION if inside else PeerType.EXTERNAL

    @property
    def presented_as(self) -> int:
        """The AS number that the peer knows us by: that of the confederation outside of it (RFC 5065 4)."""
        if self.confederation is not None and self.peer_type is PeerType.EXTERNAL:
            return self.confederation.identifier
        return self.local_as


_LIVE: Final = frozenset(
    {
        "bfd",
        "idle_hold_time",
        "connect_retry_time",
        "delay_open_time",
        "send_hold_time",
        "passive",
        "next_hop_self",
        "next_hop_ipv4",
        "next_hop_ipv6",
        "route_reflector_client",
        "route_server_client",
        "cluster_id",
        "allow_own_as",
        "advertisement_interval",
        "honour_graceful_shutdown",
        "prefix_limits",
    }
)
"""What can change while a session is up; limits of prefixes count from the next session on."""


def needs_new_session(old: PeerConfig, new: PeerConfig) -> bool:
    """Whether a session that came up with the one configuration cannot go on with the other."""
    names = (field.name for field in attrs.fields(PeerConfig) if field.name not in _LIVE)
    return any(getattr(old, name) != getattr(new, name) for name in names)
