"""Which peer a message of BMP is about, and which of its tables: the per-peer header (RFC 7854 4.2, 8671 4, 9069 4.1).

A router has several tables for a peer, and each is to the station a peer of its own: the Adj-RIB-In before the import
policy (no flag), the one after it (`post_policy`), and the Adj-RIB-Out, again before and after (`adj_rib_out`). The
Loc-RIB is a peer of a type of its own, without an address.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import Final

import attrs

from bgp.errors import LocalError
from bgp.iana import BMPPeerFlag, BMPPeerType
from bgp.labelled import RouteDistinguisher
from bgp.values import FLAG, UINT32, Address, integer, ipv4_address, plain_address, quoted
from bgp.wire import Reader, uint8, uint32


def _type(number: int) -> int:
    return BMPPeerType.name_of(integer("type", number, 0, 0xFF))


def address_or_none(value: str | Address | None) -> Address | None:
    """Read an address, without its zone, or None."""
    return None if value is None else plain_address(value)


_FILTERED: Final = 0x80
"""The flag F of a Loc-RIB (RFC 9069 4.2)."""

_NO_DISTINGUISHER: Final = RouteDistinguisher(bytes(8))


@attrs.frozen(kw_only=True)
class MonitoredPeer:
    """A peer of the router, and one of its tables: `MonitoredPeer(address="192.0.2.2", asn=64513, router_id=…)`.

    Raises `LocalError` for a Loc-RIB with an address or flags of a peer, and for a peer without an address.
    """

    type: int = attrs.field(default=BMPPeerType.GLOBAL, converter=_type)
    """A `BMPPeerType`: whether `distinguisher` means something, or this is the Loc-RIB."""

    distinguisher: RouteDistinguisher = attrs.field(default=_NO_DISTINGUISHER, converter=RouteDistinguisher)
    """Whose peer it is where addresses repeat: the VRF's route distinguisher, or a number of the router's own."""

    address: Address | None = attrs.field(default=None, converter=address_or_none, repr=quoted)
    """Its address; None for a Loc-RIB."""

    asn: int = attrs.field(validator=UINT32)
    """Its AS number; the router's for a Loc-RIB."""

    router_id: IPv4Address = attrs.field(converter=ipv4_address, repr=quoted)
    """Its BGP Identifier; the router's for a Loc-RIB."""

    timestamp: int = attrs.field(default=0, validator=UINT32)
    """When it happened: seconds since 1970, UTC; 0: not known."""

    microseconds: int = attrs.field(default=0, validator=UINT32)
    """And so many microseconds, fewer than a million."""

    post_policy: bool = attrs.field(default=False, validator=FLAG)
    """The table behind the policy, not the one before it."""

    two_octet_as: bool = attrs.field(default=False, validator=FLAG)
    """AS_PATHs in the routes have AS numbers of two octets, as this peer sends them."""

    adj_rib_out: bool = attrs.field(default=False, validator=FLAG)
    """What the peer is told, not what it says (RFC 8671)."""

    filtered: bool = attrs.field(default=False, validator=FLAG)
    """A Loc-RIB of which the station gets a part (RFC 9069)."""

    def __attrs_post_init__(self) -> None:
        ours = self.type == BMPPeerType.LOC_RIB
        if ours is not (self.address is None):
            raise LocalError(f"address {self.address} of a peer of type {self.type!r}")
        if self.filtered if not ours else self.post_policy or self.two_octet_as or self.adj_rib_out:
            raise LocalError(f"flags that a peer of type {self.type!r} does not have")

    def at(self, timestamp: int, microseconds: int) -> "MonitoredPeer":
        """The same peer at another time."""
        return attrs.evolve(self, timestamp=timestamp, microseconds=microseconds)


def _flags(peer: MonitoredPeer) -> int:
    if peer.address is None:
        return _FILTERED * peer.filtered
    return (
        BMPPeerFlag.IPV6 * (peer.address.version == 6)
        | BMPPeerFlag.POST_POLICY * peer.post_policy
        | BMPPeerFlag.TWO_OCTET_AS * peer.two_octet_as
        | BMPPeerFlag.ADJ_RIB_OUT * peer.adj_rib_out
    )


def encode_peer(peer: MonitoredPeer) -> bytes:
    """The 42 octets of the header."""
    return b"".join(
        (
            uint8(peer.type),
            uint8(_flags(peer)),
            peer.distinguisher.wire,
            encode_address(peer.address),
            uint32(peer.asn),
            peer.router_id.packed,
            uint32(peer.timestamp),
            uint32(peer.microseconds),
        )
    )


def encode_address(address: Address | None) -> bytes:
    """An address in 16 octets, zeros for none."""
    return bytes(16) if address is None else address.packed.rjust(16, b"\0")


def decode_address(octets: bytes, peer: Address | None) -> Address | None:
    """The address in 16 octets, of the version of that of the peer; None for a peer without."""
    if peer is None:
        return None
    return IPv4Address(octets[12:]) if peer.version == 4 else IPv6Address(octets)


def decode_peer(reader: Reader) -> MonitoredPeer:
    """Read the header; raises `WireError`. Flags that nobody has assigned are ignored (RFC 7854 4.2)."""
    kind, flags = reader.uint8(), reader.uint8()
    distinguisher, octets = RouteDistinguisher(reader.take(8)), reader.take(16)
    ours = kind == BMPPeerType.LOC_RIB
    version = IPv6Address(0) if flags & BMPPeerFlag.IPV6 else IPv4Address(0)
    return MonitoredPeer(
        type=kind,
        distinguisher=distinguisher,
        address=decode_address(octets, None if ours else version),
        asn=reader.uint32(),
        router_id=IPv4Address(reader.take(4)),
        timestamp=reader.uint32(),
        microseconds=reader.uint32(),
        post_policy=not ours and bool(flags & BMPPeerFlag.POST_POLICY),
        two_octet_as=not ours and bool(flags & BMPPeerFlag.TWO_OCTET_AS),
        adj_rib_out=not ours and bool(flags & BMPPeerFlag.ADJ_RIB_OUT),
        filtered=ours and bool(flags & _FILTERED),
    )
