"""Hypothesis strategies for OPEN, NOTIFICATION, what they hold and what two OPENs amount to.

Reserved bits and odd layouts are drawn too: they change no meaning, and have to survive a round trip.
"""

from ipaddress import IPv4Address
from itertools import pairwise

import attrs
from hypothesis import reject
from hypothesis import strategies as st

from bgp.capabilities import (
    AddPathCapability,
    Capability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    KnownCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RestartFamily,
    RoleCapability,
    RouteRefreshCapability,
    SoftwareVersionCapability,
    UnknownCapability,
)
from bgp.errors import LocalError
from bgp.iana import AFI, SAFI, AddPathDirection, CapabilityCode, CeaseSubcode, ErrorCode
from bgp.negotiated import Negotiated, PeerType
from bgp.notification import Notification
from bgp.open import Open, ParameterLayout, encode_open
from bgp.prefix import (
    IPV4_LABELLED,
    IPV4_UNICAST,
    IPV4_VPN,
    IPV6_LABELLED,
    IPV6_UNICAST,
    IPV6_VPN,
    Family,
)
from bgp.testing.labels import asns, numbers


def families() -> st.SearchStrategy[Family]:
    """Address families: those that have a name, and unassigned numbers too."""
    named = st.builds(Family, st.sampled_from(AFI), st.sampled_from(SAFI))
    return named | st.builds(Family, numbers(0xFFFF), numbers(0xFF))


# Capabilities.


def multiprotocol_capabilities() -> st.SearchStrategy[MultiprotocolCapability]:
    """Multiprotocol capabilities of every family (RFC 4760)."""
    return st.builds(MultiprotocolCapability, families(), reserved=_reserved(8))


def extended_next_hop_capabilities() -> st.SearchStrategy[ExtendedNextHopCapability]:
    """Extended next hop capabilities, the empty one too (RFC 8950)."""
    pairs = st.tuples(families(), st.sampled_from(AFI) | numbers(0xFFFF))
    return st.builds(ExtendedNextHopCapability, st.lists(pairs, max_size=4))


def role_capabilities() -> st.SearchStrategy[RoleCapability]:
    """Role capabilities, of unassigned roles too (RFC 9234)."""
    return st.builds(RoleCapability, numbers(4) | numbers(255))


def graceful_restart_capabilities() -> st.SearchStrategy[GracefulRestartCapability]:
    """Graceful restart capabilities, with and without families (RFC 4724, RFC 8538)."""
    entries = st.builds(RestartFamily, families(), st.booleans(), reserved=_reserved(7))
    return st.builds(
        GracefulRestartCapability,
        restart_time=numbers(0xFFF),
        families=st.lists(entries, max_size=4),
        restarting=st.booleans(),
        notification=st.booleans(),
        reserved=_reserved(2),
    )


def long_lived_graceful_restart_capabilities() -> st.SearchStrategy[LongLivedGracefulRestartCapability]:
    """Long-lived graceful restart capabilities, with and without families (RFC 9494)."""
    entries = st.builds(LongLivedFamily, families(), numbers(0xFFFFFF), st.booleans(), reserved=_reserved(7))
    return st.builds(LongLivedGracefulRestartCapability, st.lists(entries, max_size=4))


def four_octet_as_capabilities() -> st.SearchStrategy[FourOctetASCapability]:
    """Four-octet AS capabilities of small and large numbers (RFC 6793)."""
    return st.builds(FourOctetASCapability, asns())


def add_path_capabilities() -> st.SearchStrategy[AddPathCapability]:
    """ADD-PATH capabilities, the empty one and those that repeat a family too (RFC 7911)."""
    pairs = st.tuples(families(), numbers(3, low=1).map(AddPathDirection))
    return st.builds(AddPathCapability, st.lists(pairs, max_size=4))


def fqdn_capabilities() -> st.SearchStrategy[FQDNCapability]:
    """Host and domain names of any text."""
    return st.builds(FQDNCapability, _texts(), _texts())


def software_version_capabilities() -> st.SearchStrategy[SoftwareVersionCapability]:
    """Software versions of any text."""
    return st.builds(SoftwareVersionCapability, _texts())


@st.composite
def unknown_capabilities(draw: st.DrawFn) -> UnknownCapability:
    """Capabilities of unknown codes, and of known ones with values that mean nothing."""
    code = draw(numbers(255) | st.sampled_from(CapabilityCode))
    try:
        return UnknownCapability(code, draw(st.binary(max_size=20)))
    except LocalError:
        reject()


def known_capabilities() -> st.SearchStrategy[KnownCapability]:
    """Capabilities of every class that has a meaning."""
    flags = RouteRefreshCapability(), EnhancedRouteRefreshCapability(), ExtendedMessageCapability()
    return st.one_of(
        st.sampled_from(flags),
        multiprotocol_capabilities(),
        extended_next_hop_capabilities(),
        role_capabilities(),
        graceful_restart_capabilities(),
        long_lived_graceful_restart_capabilities(),
        four_octet_as_capabilities(),
        add_path_capabilities(),
        fqdn_capabilities(),
        software_version_capabilities(),
    )


def capabilities() -> st.SearchStrategy[Capability]:
    """Capabilities, known and unknown."""
    return known_capabilities() | unknown_capabilities()


def _reserved(bits: int) -> st.SearchStrategy[int]:
    return st.just(0) | numbers((1 << bits) - 1)


def _texts() -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="utf-8"), max_size=20)


# OPEN.


def router_ids() -> st.SearchStrategy[IPv4Address]:
    """BGP Identifiers: any four octets but zero."""
    return numbers(0xFFFFFFFF, low=1).map(IPv4Address)


@st.composite
def layouts(draw: st.DrawFn, count: int) -> ParameterLayout:
    """Ways to spread `count` capabilities over parameters, those that leave some empty too (RFC 5492, RFC 9072)."""
    cuts = [0, *sorted(draw(st.lists(numbers(count), max_size=4))), count]
    groups = [end - start for start, end in pairwise(cuts)]
    return ParameterLayout(groups, draw(st.booleans()), draw(st.just(255) | numbers(255, low=1)))


@st.composite
def opens(draw: st.DrawFn) -> Open:
    """OPEN messages, in the usual layout and in others."""
    message = Open(
        my_as=draw(numbers(0xFFFF, low=1)),
        hold_time=draw(st.just(0) | numbers(0xFFFF, low=3)),
        router_id=draw(router_ids()),
        capabilities=draw(st.lists(capabilities(), max_size=6)),
    )
    message = attrs.evolve(message, layout=draw(st.none() | layouts(len(message.capabilities))))
    try:
        encode_open(message)
    except LocalError:
        # Too much for lengths of one octet.
        reject()
    return message


# NOTIFICATION.


def notifications() -> st.SearchStrategy[Notification]:
    """NOTIFICATION messages: with communications, hard resets, prefix limits, unassigned codes, any data."""
    return _plain_notifications() | st.builds(Notification.hard_reset, _plain_notifications())


def _plain_notifications() -> st.SearchStrategy[Notification]:
    data = st.binary(max_size=40)
    return st.one_of(
        st.builds(Notification, numbers(255), numbers(255), data),
        st.builds(Notification, st.just(ErrorCode.CEASE), st.sampled_from(CeaseSubcode), data),
        st.builds(Notification.shutdown, _texts()),
        st.builds(Notification.reset, _texts()),
        st.builds(Notification.maximum_prefixes, families(), numbers(0xFFFFFFFF)),
    )


# What two OPENs amount to.


_WITH_PATHS = (IPV4_UNICAST, IPV4_LABELLED, IPV4_VPN, IPV6_UNICAST, IPV6_LABELLED, IPV6_VPN)


def negotiated_sessions() -> st.SearchStrategy[Negotiated]:
    """Outcomes of a negotiation that the codec has to tell apart, the same in both directions."""
    return st.builds(
        lambda add_path, **others: Negotiated(add_path_send=add_path, add_path_receive=add_path, **others),
        four_octet_as=st.booleans(),
        peer_type=st.sampled_from(PeerType),
        reject_as_sets=st.booleans(),
        extended_message=st.booleans(),
        add_path=st.frozensets(st.sampled_from(_WITH_PATHS) | families(), max_size=5),
    )
