"""Hypothesis strategies for prefixes, path attributes, routes and messages.

They yield only legal values. Those that depend on what was negotiated take a `Negotiated`, so that
`decode(encode(message, negotiated), negotiated) == message` holds for all they yield.
"""

from ipaddress import IPv4Address, IPv4Network

from hypothesis import strategies as st

from bgp.attributes import PathAttributes, UnknownAttribute
from bgp.attributetable import Aggregator
from bgp.iana import AttributeCode, AttributeFlag, Origin
from bgp.messages import Keepalive, Message
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import NLRI
from bgp.prefix import Prefix
from bgp.rib import Route
from bgp.testing.labels import as_paths, asns, communities, numbers
from bgp.testing.opens import notifications, opens
from bgp.update import Update

# Values.


def prefixes() -> st.SearchStrategy[Prefix]:
    """IPv4 prefixes of every length."""
    return st.builds(_prefix, numbers(0xFFFFFFFF), numbers(32))


def _prefix(address: int, length: int) -> Prefix:
    return Prefix(IPv4Network((address, length), strict=False))


def nlris() -> st.SearchStrategy[NLRI]:
    """Lists of IPv4 prefixes, the empty one too."""
    return st.lists(prefixes(), max_size=12).map(NLRI)


def unknown_attributes() -> st.SearchStrategy[UnknownAttribute]:
    """Optional attributes that the library does not interpret, short and long."""
    transitivity = st.sampled_from([AttributeFlag(0), AttributeFlag.TRANSITIVE, AttributeFlag.PARTIAL])
    return st.builds(
        UnknownAttribute,
        transitivity.map(lambda flag: AttributeFlag.OPTIONAL | flag),
        numbers(255).filter(lambda code: not AttributeCode.has(code)),
        st.binary(max_size=20) | st.just(bytes(300)),
    )


def path_attributes(negotiated: Negotiated) -> st.SearchStrategy[PathAttributes]:
    """The attributes of a route, as a peer in such a session may send them."""
    wide = negotiated.four_octet_as
    addresses = numbers(0xFFFFFFFF).map(IPv4Address)
    number = st.none() | numbers(0xFFFFFFFF)
    return st.builds(
        PathAttributes,
        origin=st.sampled_from(Origin),
        as_path=as_paths(wide),
        next_hop=addresses,
        med=number,
        local_pref=number if negotiated.peer_type is PeerType.INTERNAL else st.none(),
        atomic_aggregate=st.booleans(),
        aggregator=st.none() | st.builds(Aggregator, asns(wide), addresses),
        communities=st.lists(communities(), max_size=8),
        unknown=st.lists(unknown_attributes(), max_size=3, unique_by=lambda attribute: attribute.code),
    )


def routes() -> st.SearchStrategy[Route]:
    """Routes as an application announces them."""
    number = st.none() | numbers(0xFFFFFFFF)
    return st.builds(
        Route,
        prefixes(),
        next_hop=st.none() | numbers(0xFFFFFFFF).map(IPv4Address),
        communities=st.lists(communities(), max_size=5),
        med=number,
        local_pref=number,
        as_path=as_paths(),
        origin=st.sampled_from(Origin),
    )


# Messages.


def updates(negotiated: Negotiated) -> st.SearchStrategy[Update]:
    """UPDATE messages without faults, End-of-RIB among them."""
    withdrawals = st.builds(Update, withdrawn=nlris())
    announced = st.lists(prefixes(), min_size=1, max_size=12).map(NLRI)
    return withdrawals | st.builds(
        Update, withdrawn=nlris(), announced=announced, attributes=path_attributes(negotiated)
    )


def messages(negotiated: Negotiated) -> st.SearchStrategy[Message]:
    """Messages of every type."""
    return opens() | updates(negotiated) | st.just(Keepalive()) | notifications()
