"""What a session is, once both sides have said what they can do.

`Negotiated` is the outcome of two OPENs. The codec demands one for every message, since the same octets mean
different things in different sessions: nobody can forget that the peer speaks two-octet AS numbers, or that
each prefix has a path identifier in front of it.

`Negotiated.between` judges nothing: that a session has no family in common, or that two roles exclude each other, is
told here and acted on in `bgp.agreement`, which knows what is configured.
"""

import enum
from collections.abc import Iterable
from typing import Self, TypeVar

import attrs

from bgp.capabilities import (
    AddPathCapability,
    Capability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    ExtendedNextHopCapability,
    FQDNCapability,
    GracefulRestartCapability,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RoleCapability,
    RouteRefreshCapability,
    SoftwareVersionCapability,
    four_octet_as,
    last_of,
)
from bgp.iana import AddPathDirection, Role
from bgp.offers import next_hop_afis
from bgp.prefix import IPV4_UNICAST, Family
from bgp.values import FLAG, UINT8, integer, is_a, seconds, several


class PeerType(enum.Enum):
    """Whose router the peer is; RFC 4271, 5065 and 7606 have different rules for each."""

    EXTERNAL = "external"
    """In another AS (eBGP)."""

    INTERNAL = "internal"
    """In our own AS (iBGP)."""

    CONFEDERATION = "confederation"
    """In another member AS of our confederation (RFC 5065)."""

    def __repr__(self) -> str:
        return f"PeerType.{self.name}"


class RoleAgreement(enum.Enum):
    """Whether two sides agree on what they are to each other (RFC 9234 4.2)."""

    UNKNOWN = "unknown"
    """One side or both state no role: go on, unless ours is strict."""

    AGREED = "agreed"
    """The roles fit."""

    MISMATCH = "mismatch"
    """They do not, or the peer contradicts itself: reject the OPEN with the subcode Role Mismatch."""

    def __repr__(self) -> str:
        return f"RoleAgreement.{self.name}"


_OPPOSITE: dict[int, Role] = {
    Role.PROVIDER: Role.CUSTOMER,
    Role.CUSTOMER: Role.PROVIDER,
    Role.ROUTE_SERVER: Role.ROUTE_SERVER_CLIENT,
    Role.ROUTE_SERVER_CLIENT: Role.ROUTE_SERVER,
    Role.PEER: Role.PEER,
}
"""RFC 9234 4.2, table 2."""


def role_agreement(ours: int | None, theirs: Iterable[int]) -> RoleAgreement:
    """Compare our role, None without one, with the role or roles that the peer states (RFC 9234 4.2)."""
    stated = frozenset(theirs)
    if len(stated) > 1:
        return RoleAgreement.MISMATCH
    if ours is None or not stated:
        return RoleAgreement.UNKNOWN
    return RoleAgreement.AGREED if {_OPPOSITE.get(ours)} == stated else RoleAgreement.MISMATCH


def _family_set(families: Iterable[Family]) -> frozenset[Family]:
    return frozenset(several("families", families, Family))


def _number_set(numbers: Iterable[int]) -> frozenset[int]:
    return frozenset(integer("role", number, 0, 0xFF) for number in several("roles", numbers))


def _pair_set(pairs: Iterable[tuple[Family, int]]) -> frozenset[tuple[Family, int]]:
    return frozenset(next_hop_afis(pairs))


@attrs.frozen(kw_only=True)
class Negotiated:
    """What both sides of a session agreed on; everything that the codec has to know beside the message.

    Scripts that have seen no OPEN make their own: `Negotiated(four_octet_as=True)`.
    """

    four_octet_as: bool = attrs.field(validator=FLAG)
    """AS numbers in AS_PATH and AGGREGATOR have four octets (RFC 6793), not two."""

    peer_type: PeerType = attrs.field(default=PeerType.EXTERNAL, validator=is_a(PeerType))
    """Whether the peer is in our AS."""

    families: frozenset[Family] = attrs.field(default=frozenset({IPV4_UNICAST}), converter=_family_set)
    """The families whose routes both sides exchange."""

    hold_time: float = attrs.field(default=0.0, validator=seconds(0, 0xFFFF))
    """Seconds of silence that end the session, the smaller of both offers; 0: none do (RFC 4271 4.2)."""

    extended_message: bool = attrs.field(default=False, validator=FLAG)
    """UPDATE, NOTIFICATION and ROUTE-REFRESH that we send may have up to 65535 octets, not 4096 (RFC 8654)."""

    extended_message_receive: bool = attrs.field(validator=FLAG)
    """Those that the peer sends may. Who offers extended messages has to read them, whatever the other side offers."""

    @extended_message_receive.default
    def _extended_message_receive(self) -> bool:
        return self.extended_message

    add_path_receive: frozenset[Family] = attrs.field(default=frozenset(), converter=_family_set)
    """The families whose prefixes have path identifiers when the peer sends them (RFC 7911)."""

    add_path_send: frozenset[Family] = attrs.field(default=frozenset(), converter=_family_set)
    """The families whose prefixes have path identifiers when we send them (RFC 7911)."""

    extended_next_hop: frozenset[tuple[Family, int]] = attrs.field(default=frozenset(), converter=_pair_set)
    """Families that may have a next hop of another AFI, each with that AFI (RFC 8950)."""

    route_refresh: bool = attrs.field(default=False, validator=FLAG)
    """The peer answers ROUTE-REFRESH, so that we may ask for its routes again (RFC 2918 4)."""

    enhanced_route_refresh: bool = attrs.field(default=False, validator=FLAG)
    """Both sides mark where the answer to a ROUTE-REFRESH begins and ends (RFC 7313 4)."""

    role: int | None = attrs.field(default=None, validator=attrs.validators.optional(UINT8))
    """What we are to the peer, a `Role`; None if we did not say, or if the session is not external (RFC 9234)."""

    peer_roles: frozenset[int] = attrs.field(default=frozenset(), converter=_number_set)
    """What the peer says that it is to us; more than one role contradict each other."""

    graceful_restart: GracefulRestartCapability | None = attrs.field(
        default=None, validator=is_a(GracefulRestartCapability | None)
    )
    """What the peer says of its restarts (RFC 4724); None unless both sides offer graceful restart."""

    graceful_notification: bool = attrs.field(default=False, validator=FLAG)
    """NOTIFICATIONs other than a hard reset, and the hold timer, keep routes too (RFC 8538 4): both set the N bit."""

    long_lived_graceful_restart: LongLivedGracefulRestartCapability | None = attrs.field(
        default=None, validator=is_a(LongLivedGracefulRestartCapability | None)
    )
    """How long the peer's routes may be kept (RFC 9494); None unless both offer it beside graceful restart."""

    peer_name: FQDNCapability | None = attrs.field(default=None, validator=is_a(FQDNCapability | None))
    """The name that the peer gives itself."""

    peer_software: str | None = attrs.field(default=None, validator=is_a(str | None))
    """The software that the peer says it runs."""

    reject_as_sets: bool = attrs.field(default=False, validator=FLAG)
    """Treat routes with AS_SET or AS_CONFED_SET in their path as withdrawn (RFC 9774); ours to choose."""

    context: int = attrs.field(init=False, eq=False, repr=False)
    """A number that differs where AS width, peer type or `reject_as_sets` do.

    What an attribute's octets amount to depends on these three and nothing else, except for MP_REACH_NLRI and
    MP_UNREACH_NLRI: a memo of judged attributes needs a key that is quick to hash.
    """

    def __attrs_post_init__(self) -> None:
        # Not a default, which would be worked out before it is known that the three can be what they are.
        context = _PEER_TYPES[self.peer_type] << 2 | self.four_octet_as << 1 | self.reject_as_sets
        object.__setattr__(self, "context", context)

    @property
    def role_agreement(self) -> RoleAgreement:
        """Whether both sides agree on what they are to each other (RFC 9234 4.2)."""
        return role_agreement(self.role, self.peer_roles)

    @classmethod
    def between(
        cls,
        ours: Iterable[Capability],
        theirs: Iterable[Capability],
        *,
        peer_type: PeerType,
        hold_time: float,
        reject_as_sets: bool = False,
    ) -> Self:
        """Work out what the capabilities of both OPENs amount to.

        `hold_time` is the smaller of both offers, in seconds. Which of several instances of a capability count is
        told at the head of `bgp.capabilities`.
        """
        ours, theirs = several("ours", ours, Capability), several("theirs", theirs, Capability)
        families = _families(ours) & _families(theirs)
        role, peer_roles = _roles(ours, theirs) if peer_type is PeerType.EXTERNAL else (None, frozenset())
        graceful_restart = _theirs_if_both(GracefulRestartCapability, ours, theirs)
        long_lived = _theirs_if_both(LongLivedGracefulRestartCapability, ours, theirs)
        software = last_of(SoftwareVersionCapability, theirs)
        return cls(
            four_octet_as=four_octet_as(ours) is not None and four_octet_as(theirs) is not None,
            peer_type=peer_type,
            families=families,
            hold_time=hold_time,
            extended_message=_theirs_if_both(ExtendedMessageCapability, ours, theirs) is not None,
            extended_message_receive=last_of(ExtendedMessageCapability, ours) is not None,
            add_path_receive=families & _add_path(ours, _RECEIVE) & _add_path(theirs, _SEND),
            add_path_send=families & _add_path(ours, _SEND) & _add_path(theirs, _RECEIVE),
            extended_next_hop=_next_hops(ours, families) & _next_hops(theirs, families),
            route_refresh=last_of(RouteRefreshCapability, theirs) is not None,
            enhanced_route_refresh=_theirs_if_both(EnhancedRouteRefreshCapability, ours, theirs) is not None,
            role=role,
            peer_roles=peer_roles,
            graceful_restart=graceful_restart,
            graceful_notification=_sets_n_bit(ours) and _sets_n_bit(theirs),
            # RFC 9494 4.5: without graceful restart it is as if it were not there.
            long_lived_graceful_restart=long_lived if graceful_restart else None,
            peer_name=last_of(FQDNCapability, theirs),
            peer_software=software.text if software else None,
            reject_as_sets=reject_as_sets,
        )


_PEER_TYPES = {peer_type: number for number, peer_type in enumerate(PeerType)}

_RECEIVE, _SEND = AddPathDirection.RECEIVE, AddPathDirection.SEND

_Capabilities = tuple[Capability, ...]
_T = TypeVar("_T")


def _theirs_if_both(kind: type[_T], ours: _Capabilities, theirs: _Capabilities) -> _T | None:
    return None if last_of(kind, ours) is None else last_of(kind, theirs)


def _families(capabilities: _Capabilities) -> frozenset[Family]:
    stated = frozenset(c.family for c in capabilities if isinstance(c, MultiprotocolCapability))
    # A speaker that states no family at all is one from before RFC 4760.
    return stated or frozenset({IPV4_UNICAST})


def _add_path(capabilities: _Capabilities, direction: AddPathDirection) -> frozenset[Family]:
    """The families for which one side is able to do what `direction` says (RFC 7911 4)."""
    directions: dict[Family, AddPathDirection] = {}
    for capability in capabilities:
        if isinstance(capability, AddPathCapability):
            directions.update(capability.families)
    return frozenset(family for family, able in directions.items() if direction in able)


def _next_hops(capabilities: _Capabilities, families: frozenset[Family]) -> frozenset[tuple[Family, int]]:
    return frozenset(
        (family, afi)
        for capability in capabilities
        if isinstance(capability, ExtendedNextHopCapability)
        for family, afi in capability.next_hops
        if family in families
    )


def _roles(ours: _Capabilities, theirs: _Capabilities) -> tuple[int | None, frozenset[int]]:
    mine = last_of(RoleCapability, ours)
    return mine.role if mine else None, frozenset(c.role for c in theirs if isinstance(c, RoleCapability))


def _sets_n_bit(capabilities: _Capabilities) -> bool:
    capability = last_of(GracefulRestartCapability, capabilities)
    return capability is not None and capability.notification
