"""What the records of a dump are made of: addresses, AS numbers, and the attributes of a route in a table (RFC 6396).

A table holds millions of routes, and few readers look at all of them. So their attributes are kept as octets and judged
when somebody looks, as they would be in an UPDATE of an internal peer: routers dump LOCAL_PREF, too. In a dump no peer
is to blame, and what is in it is what a router made of an UPDATE, so three things are taken as they come:

    MP_REACH_NLRI says no more than the next hop (RFC 6396 4.3.4); FRR writes the whole attribute
    flags are those that the code asks for; BIRD 2.0 leaves out the ones of NEXT_HOP and LOCAL_PREF
    the next hop 0.0.0.0 is the router itself; FRR has it with routes of its own
"""

from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar, Final, NamedTuple

from bgp.attributes import PathAttributes, RawAttribute, encode_attribute, split
from bgp.attributetable import BY_CODE, NON_TRANSITIVE
from bgp.errors import LocalError
from bgp.faults import Fault, Treatment
from bgp.iana import AFI, AttributeCode, AttributeFlag, UpdateSubcode
from bgp.judgement import JUDGES
from bgp.multiprotocol import NextHop
from bgp.negotiated import Negotiated, PeerType
from bgp.values import Address, octets
from bgp.wire import Reader, WireError, uint8


def check_asn(name: str, asn: int, four_octet_as: bool) -> None:
    """Raise `LocalError` for an AS number that does not fit."""
    if asn > 0xFFFF and not four_octet_as:
        raise LocalError(f"{name} {asn} in two octets, must be 0 to 65535")


def read_address(reader: Reader, afi: int) -> Address:
    """Read an address of an AFI; raises `WireError` for one that has none."""
    match afi:
        case AFI.IPV4:
            return IPv4Address(reader.take(4))
        case AFI.IPV6:
            return IPv6Address(reader.take(16))
        case _:
            raise WireError(f"AFI {afi}, must be 1 or 2")


class _Read(NamedTuple):
    """What the attributes of an entry amount to."""

    attributes: PathAttributes
    hop: NextHop | None
    """The next hop that is not among the attributes."""
    faults: tuple[Fault, ...]


_JUDGES: Final = {
    wide: JUDGES[Negotiated(four_octet_as=wide, peer_type=PeerType.INTERNAL).context]
    for wide in (False, True)
}

_REACH: Final = int(AttributeCode.MP_REACH_NLRI)
_UNREACH: Final = int(AttributeCode.MP_UNREACH_NLRI)
_OURSELVES: Final = bytes(4)


def _read(block: bytes, four_octet_as: bool) -> _Read:
    judge = _JUDGES[four_octet_as]
    accepted = judge.accept(block)
    if accepted is not None:
        return _Read(accepted, None, ())
    hop: NextHop | None = None
    faults: tuple[Fault, ...] = ()
    kept = []
    try:
        for attribute in split(block):
            if attribute.code == _REACH:
                hop = _next_hop(attribute.value)
            elif attribute.code == AttributeCode.NEXT_HOP and attribute.value == _OURSELVES:
                hop = NextHop(_OURSELVES)
            elif attribute.code != _UNREACH:
                kept.append(encode_attribute(*_mended(attribute)))
    except WireError as error:
        reason = f"the list of attributes is cut short: {error}"
        subcode = UpdateSubcode.MALFORMED_ATTRIBUTE_LIST
        faults = (Fault(0, Treatment.TREAT_AS_WITHDRAW, reason, subcode),)
    judgement = judge.judge(b"".join(kept))
    return _Read(judgement.attributes, hop, judgement.faults + faults)


def _mended(attribute: RawAttribute) -> RawAttribute:
    row = BY_CODE.get(attribute.code)
    if row is None:
        return attribute
    return attribute._replace(flags=row.flags | attribute.flags & AttributeFlag.PARTIAL)


def _next_hop(value: bytes) -> NextHop:
    """The next hop of MP_REACH_NLRI, shortened or whole: an AFI that we know begins with 0, a length never does."""
    if value[:1] == b"\0":
        return NextHop(value[4 : 4 + value[3]] if len(value) > 3 else b"")
    return NextHop(value[1 : 1 + value[0]] if value else b"")


def encode_block(attributes: PathAttributes, next_hop: NextHop | None = None) -> bytes:
    """The attributes of a route as they stand in a table; `next_hop` for families that have it in MP_REACH_NLRI."""
    if next_hop is None:
        return attributes.wire
    value = uint8(len(next_hop.wire)) + next_hop.wire
    return encode_attribute(NON_TRANSITIVE, AttributeCode.MP_REACH_NLRI, value) + attributes.wire


class Attributed:
    """What an entry of either kind of table says about its route.

    Each of the properties raises `UpdateError` for attributes of which RFC 7606 says that they are worth a session.
    """

    __slots__ = ()

    _four_octet_as: ClassVar[bool]
    block: bytes

    @property
    def attributes(self) -> PathAttributes:
        """The attributes that hold, without MP_REACH_NLRI."""
        return _read(self.block, self._four_octet_as).attributes

    @property
    def next_hop(self) -> NextHop | None:
        """The next hop, be it in MP_REACH_NLRI or in NEXT_HOP; None if there is none. 0.0.0.0: the router itself."""
        attributes, hop, _ = _read(self.block, self._four_octet_as)
        address = attributes.next_hop
        return hop if hop is not None or address is None else NextHop(address)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the attributes (RFC 7606)."""
        return _read(self.block, self._four_octet_as).faults


BLOCK: Final = octets(0xFFFF)
"""Validates the octets of attributes."""
