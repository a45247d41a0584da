"""Hypothesis strategies for OPEN, NOTIFICATION and what they hold."""

from ipaddress import IPv4Address

from hypothesis import strategies as st

from bgp.capabilities import Capability, FourOctetASCapability, MultiprotocolCapability, UnknownCapability
from bgp.iana import CapabilityCode
from bgp.negotiated import Negotiated, PeerType
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import Family
from bgp.testing.labels import asns, numbers


def families() -> st.SearchStrategy[Family]:
    """Address families, unassigned numbers too."""
    return st.builds(Family, numbers(0xFFFF), numbers(0xFF))


def capabilities() -> st.SearchStrategy[Capability]:
    """Capabilities, known and unknown."""
    unknown = st.builds(
        UnknownCapability,
        numbers(255).filter(lambda code: not CapabilityCode.has(code)),
        st.binary(max_size=20),
    )
    return st.builds(MultiprotocolCapability, families()) | st.builds(FourOctetASCapability, asns()) | unknown


def negotiated_sessions() -> st.SearchStrategy[Negotiated]:
    """Outcomes of a negotiation that the codec has to tell apart."""
    return st.builds(Negotiated, four_octet_as=st.booleans(), peer_type=st.sampled_from(PeerType))


def router_ids() -> st.SearchStrategy[IPv4Address]:
    """BGP Identifiers: any four octets but zero."""
    return numbers(0xFFFFFFFF, low=1).map(IPv4Address)


def opens() -> st.SearchStrategy[Open]:
    """OPEN messages."""
    return st.builds(
        Open,
        my_as=numbers(0xFFFF, low=1),
        hold_time=st.just(0) | numbers(0xFFFF, low=3),
        router_id=router_ids(),
        capabilities=st.lists(capabilities(), max_size=8),
    )


def notifications() -> st.SearchStrategy[Notification]:
    """NOTIFICATION messages, unassigned codes too."""
    return st.builds(Notification, numbers(255), numbers(255), st.binary(max_size=40))
