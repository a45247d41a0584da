"""What we offer in our OPEN, and whether we can agree to the peer's (RFC 4271 6.2).

The peer's OPEN has been read without fault when it gets here; now it is compared with what is configured. What is
refused ends the session with the subcode and data that the RFC in question asks for.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address

import attrs

from bgp.capabilities import (
    AddPathCapability,
    Capability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    GracefulRestartCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RoleCapability,
    RouteRefreshCapability,
    encode_capability,
)
from bgp.config import GracefulRestartConfig, PeerConfig
from bgp.errors import OpenError
from bgp.iana import AS_TRANS, OpenSubcode, Role
from bgp.negotiated import Negotiated, PeerType, RoleAgreement
from bgp.offers import RestartFamily
from bgp.open import Open
from bgp.values import Address


@attrs.define(eq=False)
class RouterID:
    """Our BGP Identifier for peers for which none is configured: one for all of them (RFC 4271 4.2)."""

    chosen: IPv4Address | None = None
    """It; None: there was no IPv4 address yet to choose."""

    def of(self, address: Address) -> IPv4Address | None:
        """Choose it, if that is still to be done: our address on the first connection over IPv4."""
        if self.chosen is None and isinstance(address, IPv4Address):
            self.chosen = address
        return self.chosen


def offer(config: PeerConfig, router_id: IPv4Address, *, restarting: bool = False) -> Open:
    """Make the OPEN that we send (RFC 4271 4.2); `restarting`: we have just restarted (RFC 4724 4.1)."""
    return Open(
        my_as=config.presented_as if config.presented_as <= 0xFFFF else AS_TRANS,
        hold_time=config.hold_time,
        router_id=router_id,
        capabilities=[*_capabilities(config, restarting), *config.capabilities],
    )


def _capabilities(config: PeerConfig, restarting: bool) -> Iterator[Capability]:
    yield from map(MultiprotocolCapability, sorted(config.families))
    yield FourOctetASCapability(config.presented_as)
    if config.route_refresh:
        yield RouteRefreshCapability()
        yield EnhancedRouteRefreshCapability()
    if config.extended_message:
        yield ExtendedMessageCapability()
    if config.extended_next_hop:
        yield ExtendedNextHopCapability(config.extended_next_hop)
    if config.add_path:
        yield AddPathCapability(config.add_path)
    if config.role is not None and config.peer_type is PeerType.EXTERNAL:
        # RFC 9234 4.1: not for internal sessions.
        yield RoleCapability(config.role)
    if config.graceful_restart is not None:
        yield from _graceful_restart(config, config.graceful_restart, restarting)


def _graceful_restart(
    config: PeerConfig, wanted: GracefulRestartConfig, restarting: bool
) -> Iterator[Capability]:
    preserved = wanted.forwarding_preserved
    yield GracefulRestartCapability(
        restart_time=wanted.restart_time,
        families=[RestartFamily(family, preserved) for family in sorted(config.families)],
        restarting=restarting,
        notification=wanted.notification,
    )
    if wanted.long_lived:
        yield LongLivedGracefulRestartCapability(
            [LongLivedFamily(family, time, preserved) for family, time in wanted.long_lived]
        )


def agree(config: PeerConfig, ours: Open, theirs: Open) -> Negotiated:
    """Work out what both OPENs amount to; raise `OpenError` if that is no session that we want."""
    wanted = theirs.asn != config.local_as if config.peer_as is None else theirs.asn == config.peer_as
    if not wanted:
        configured = "any other than ours" if config.peer_as is None else str(config.peer_as)
        reason = f"the peer says AS {theirs.asn}, configured is {configured}"
        raise OpenError(reason, OpenSubcode.BAD_PEER_AS)
    if config.peer_type is PeerType.INTERNAL and theirs.router_id == ours.router_id:
        # RFC 6286 2.2: within an AS, router IDs are unique.
        reason = f"the peer has our router ID {theirs.router_id}"
        raise OpenError(reason, OpenSubcode.BAD_BGP_IDENTIFIER)
    negotiated = Negotiated.between(
        ours.capabilities,
        theirs.capabilities,
        peer_type=config.peer_type,
        hold_time=min(ours.hold_time, theirs.hold_time),
        reject_as_sets=config.reject_as_sets,
    )
    _check_families(config, negotiated)
    _check_role(config, negotiated)
    return negotiated


def _check_families(config: PeerConfig, negotiated: Negotiated) -> None:
    if not negotiated.families:
        # RFC 5492 5: the data is the capabilities that we cannot do without.
        families = sorted(config.families)
        missing = b"".join(encode_capability(MultiprotocolCapability(family)) for family in families)
        reason = f"the peer does not offer {' or '.join(map(str, families))}"
        raise OpenError(reason, OpenSubcode.UNSUPPORTED_CAPABILITY, missing)


def _check_role(config: PeerConfig, negotiated: Negotiated) -> None:
    # RFC 9234 4.2.
    strict = config.role_strict and config.peer_type is PeerType.EXTERNAL
    if strict and not negotiated.peer_roles:
        raise OpenError("the peer does not say its role", OpenSubcode.ROLE_MISMATCH)
    if negotiated.role_agreement is RoleAgreement.MISMATCH:
        stated = " and ".join(map(_role_name, sorted(negotiated.peer_roles)))
        reason = f"the peer says that its role is {stated}, ours is {_role_name(negotiated.role)}"
        raise OpenError(reason, OpenSubcode.ROLE_MISMATCH)


def _role_name(role: int | None) -> str:
    return Role(role).name.lower().replace("_", " ") if role is not None and Role.has(role) else str(role)
