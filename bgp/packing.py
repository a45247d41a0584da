"""As few UPDATEs as the changes fit into (RFC 4271 9.2, RFC 4760).

Withdrawals go first, many to a message; then the routes, those that share their attributes sharing messages. No message
is longer than the session allows.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from bgp.framing import HEADER_LENGTH, MAX_EXTENDED, MAX_MESSAGE
from bgp.look import Look
from bgp.multiprotocol import MPReach, MPUnreach
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI, is_readable, withdrawal_of
from bgp.prefix import IPV4_UNICAST, Family
from bgp.ribout import Changes
from bgp.update import Update, encode_attributes


def pack(changes: Changes, negotiated: Negotiated) -> Iterator[Update]:
    """Yield the UPDATEs that tell the changes; what ends them is not among them."""
    family = changes.family
    add_path = has_path_ids(family, negotiated)
    gone = [withdrawal_of(family, key, add_path) for key in changes.withdrawn]
    for chunk in _chunks(gone, room(family, None, negotiated)):
        nlri = NLRI.from_wire(chunk, family, add_path)
        yield Update(withdrawn=nlri) if family == IPV4_UNICAST else Update(mp_unreach=MPUnreach(nlri))
    for look, wires in changes.announced.items():
        for chunk in _chunks(wires, room(family, look, negotiated)):
            yield _update(look, NLRI.from_wire(chunk, family, add_path))


def has_path_ids(family: Family, negotiated: Negotiated) -> bool:
    """Whether we send path identifiers; in a family that is not read, they are among the octets of its routes."""
    return family in negotiated.add_path_send and is_readable(family)


def room(family: Family, look: Look | None, negotiated: Negotiated) -> int:
    """How many octets of destinations fit into an UPDATE beside a look, or beside nothing for withdrawals."""
    left = (MAX_EXTENDED if negotiated.extended_message else MAX_MESSAGE) - HEADER_LENGTH - _LENGTHS
    if look is None:
        return left if family == IPV4_UNICAST else left - _UNREACH
    left -= len(encode_attributes(look.attributes, negotiated))
    if look.next_hop is None:
        return left
    # In VPN families a next hop has route distinguishers, which MPReach puts in.
    return left - _REACH - len(MPReach(NLRI((), family), look.next_hop).next_hop.wire)


_LENGTHS: Final = 4
"""Octets that say how long the withdrawn routes and the attributes are."""

_UNREACH: Final = 4 + 3
"""Octets of MP_UNREACH_NLRI: flags, code and length of an attribute, and the family."""

_REACH: Final = _UNREACH + 2
"""Octets of MP_REACH_NLRI beside the next hop: its length, and a reserved one."""


def _update(look: Look, nlri: NLRI) -> Update:
    if look.next_hop is None:
        return Update(announced=nlri, attributes=look.attributes)
    return Update(attributes=look.attributes, mp_reach=MPReach(nlri, look.next_hop))


def _chunks(wires: Sequence[bytes], room: int) -> Iterator[Sequence[bytes]]:
    start = taken = 0
    for position, wire in enumerate(wires):
        if taken + len(wire) > room:
            yield wires[start:position]
            start, taken = position, 0
        taken += len(wire)
    if wires:
        yield wires[start:]
