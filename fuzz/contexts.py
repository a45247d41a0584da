"""What the targets share: kinds of sessions, and what holds for every decoded value."""

import functools
import ipaddress
from typing import Any

import arp
import bgp
from bgp import Negotiated, PeerType, capabilities, faults, iana, messages, negotiated, nlri, offers
from bgp import open as opens
from bgp.prefix import (
    IPV4_LABELLED,
    IPV4_MULTICAST,
    IPV4_UNICAST,
    IPV4_VPN,
    IPV6_LABELLED,
    IPV6_MULTICAST,
    IPV6_UNICAST,
    IPV6_VPN,
)

FAMILIES = (
    IPV4_UNICAST,
    IPV6_UNICAST,
    IPV4_LABELLED,
    IPV6_LABELLED,
    IPV4_VPN,
    IPV6_VPN,
    IPV4_MULTICAST,
    IPV6_MULTICAST,
)
"""The families of which the library reads the destinations."""

_WIDE, _ADD_PATH, _EXTENDED, _NO_SETS = 1, 2, 4, 8
_PEER_TYPES = tuple(PeerType)

_NAMES = {
    name: value
    for module in (ipaddress, arp, iana, faults, offers, capabilities, opens, negotiated, nlri, messages, bgp)
    for name, value in vars(module).items()
    if not name.startswith("_")
}


@functools.cache
def session_of(octet: int) -> Negotiated:
    """The kind of session that an octet stands for."""
    add_path = FAMILIES if octet & _ADD_PATH else ()
    return Negotiated(
        four_octet_as=bool(octet & _WIDE),
        peer_type=_PEER_TYPES[(octet >> 4) % len(_PEER_TYPES)],
        add_path_send=frozenset(add_path),
        add_path_receive=frozenset(add_path),
        extended_message=bool(octet & _EXTENDED),
        reject_as_sets=bool(octet & _NO_SETS),
    )


def octet_of(session: Negotiated) -> int:
    """The octet that comes closest to a kind of session."""
    chosen = session.four_octet_as * _WIDE | bool(session.add_path_receive) * _ADD_PATH
    chosen |= session.extended_message * _EXTENDED | session.reject_as_sets * _NO_SETS
    return chosen | _PEER_TYPES.index(session.peer_type) << 4


def check_value(value: Any) -> Any:
    """A value compares and hashes, and prints as something that can be pasted back; return what that makes."""
    assert value in {value}
    str(value)
    text = repr(value)
    pasted = eval(text, _NAMES)
    # Sets have no order, and an AIGP may hold more than its metric.
    assert pasted == value or repr(pasted) == text
    return pasted
