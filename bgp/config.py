"""What we want of one neighbour: parsed and judged once, legal ever after."""

from collections.abc import Iterable
from ipaddress import IPv4Address

import attrs

from bgp.errors import LocalError
from bgp.negotiated import PeerType
from bgp.open import hold_time_in_range, router_id
from bgp.prefix import IPV4_UNICAST, Family
from bgp.values import ASN, Address, in_range, octets, optional_address, quoted, seconds

_SUPPORTED = frozenset({IPV4_UNICAST})


def _optional_router_id(value: str | IPv4Address | None) -> IPv4Address | None:
    return None if value is None else router_id(value)


def _secret(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


def _password(instance: object, attribute: object, value: bytes | None) -> None:
    if value is not None:
        octets(80)(instance, attribute, value)


def _families(values: Iterable[Family]) -> frozenset[Family]:
    families = frozenset(values)
    if not families or families - _SUPPORTED:
        raise LocalError(f"families {', '.join(map(str, families)) or 'empty'}, must be {IPV4_UNICAST}")
    return families


@attrs.frozen(kw_only=True)
class PeerConfig:
    """One neighbour: `PeerConfig(peer_address="192.0.2.2", peer_as=64513, local_as=64512)`.

    Raises `LocalError` for a value that cannot be, with the value and its limit. Times are in seconds.
    """

    local_as: int = attrs.field(validator=ASN)
    """Our AS number, 1 to 4294967295."""

    peer_as: int = attrs.field(validator=ASN)
    """The peer's AS number, 1 to 4294967295; equal to ours for an internal peer."""

    router_id: IPv4Address | None = attrs.field(default=None, converter=_optional_router_id, repr=quoted)
    """Our BGP Identifier; None: our IPv4 address on the connection."""

    peer_address: Address | None = attrs.field(default=None, converter=optional_address, repr=quoted)
    """Where the peer is. A `Speaker` needs it; a `Session` without I/O does not."""

    port: int = attrs.field(default=179, validator=in_range(1, 65535))
    """The TCP port that the peer listens on."""

    local_address: Address | None = attrs.field(default=None, converter=optional_address, repr=quoted)
    """The address of ours to connect from; None: whichever the route to the peer has."""

    password: bytes | None = attrs.field(default=None, converter=_secret, validator=_password, repr=False)
    """Signs each TCP segment (TCP MD5, RFC 2385), at most 80 octets; None: not signed."""

    hold_time: int = attrs.field(default=90, validator=hold_time_in_range)
    """The silence that we offer to tolerate, 0 (for ever) or 3 to 65535; the smaller of both offers counts."""

    connect_retry_time: float = attrs.field(default=5.0, validator=seconds(0.1, 65535))
    """How long to wait for TCP to come up before trying anew; the RFC's 120 is from slower days."""

    idle_hold_time: float = attrs.field(default=1.0, validator=seconds(0.05, 120))
    """The pause after a first failure; it doubles with each further one, up to 120."""

    families: frozenset[Family] = attrs.field(default=_SUPPORTED, converter=_families)
    """The kinds of routes to exchange; IPv4 unicast."""

    @property
    def peer_type(self) -> PeerType:
        """Internal if the peer is in our AS, else external."""
        return PeerType.INTERNAL if self.peer_as == self.local_as else PeerType.EXTERNAL
