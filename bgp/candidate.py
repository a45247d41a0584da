"""Candidates: the paths to a destination that compete in the decision process (RFC 4271 9.1).

A `Candidate` is made once for all destinations of an UPDATE, so there are by the hundred thousand; and what is compared
of it is read once, when a second path to one of its destinations turns up, and kept in a slot. `Metrics` are read
from the octets and not from the fields of `PathAttributes`, which would keep what they have read: 1.5 kB beside an
attribute block of 60 octets. A property test holds the two together.

Who may be a candidate is decided before: a path whose AS_PATH has our own AS in it, or that policy refuses, gets no
further than the Adj-RIB-In.
"""

from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple

import attrs

from bgp.aspath import ASPath
from bgp.attributes import PathAttributes, split
from bgp.attributetable import BY_CODE
from bgp.communities import Community
from bgp.drafts import draft_of
from bgp.errors import LocalError
from bgp.iana import AttributeCode, Origin, SegmentType
from bgp.multiprotocol import NextHop
from bgp.negotiated import PeerType
from bgp.values import Address
from bgp.wire import Reader

DEFAULT_LOCAL_PREF: Final = 100
"""Preference of a path without LOCAL_PREF. RFC 4271 names no number; this is what other implementations have."""

# Plain numbers and octets: this is done for every candidate.
_ORIGIN: Final = int(AttributeCode.ORIGIN)
_AS_PATH: Final = int(AttributeCode.AS_PATH)
_NEXT_HOP: Final = int(AttributeCode.NEXT_HOP)
_MED: Final = int(AttributeCode.MULTI_EXIT_DISC)
_LOCAL_PREF: Final = int(AttributeCode.LOCAL_PREF)
_COMMUNITIES: Final = int(AttributeCode.COMMUNITIES)
_ORIGINATOR_ID: Final = int(AttributeCode.ORIGINATOR_ID)
_CLUSTER_LIST: Final = int(AttributeCode.CLUSTER_LIST)
_AIGP: Final = int(AttributeCode.AIGP)

# A frozen value may still remember what was worked out from it.
_set: Final = object.__setattr__

_AS_SEQUENCE: Final = int(SegmentType.AS_SEQUENCE)
_INCOMPLETE: Final = int(Origin.INCOMPLETE)
_LLGR_STALE: Final = Community("llgr-stale").wire


def _order(source: "Source") -> tuple[int, int, str]:
    address = source.address
    if address is None:
        return (0, 0, "")
    zone = address.scope_id or "" if isinstance(address, IPv6Address) else ""
    return (address.version, int(address), zone)


@attrs.frozen(eq=False)
class Source:
    """Who offers a path: ourselves, or a peer in one session. Compared by identity.

    Raises `LocalError` for a peer without a type, and for a type without a peer.
    """

    peer: object | None
    """The identity of the peer, opaque; None: ourselves."""

    address: Address | None
    """The peer's address; None: ourselves."""

    asn: int
    """The peer's AS, or ours."""

    router_id: IPv4Address
    """The peer's BGP Identifier, or ours."""

    peer_type: PeerType | None
    """Whose router the peer is; None: ourselves."""

    is_client: bool = False
    """Whether the peer is a client of route reflection (RFC 4456)."""

    is_long_lived_stale: bool = False
    """Whether its paths are a last resort, since it has not come back for long (RFC 9494)."""

    order: tuple[int, int, str] = attrs.field(
        init=False, repr=False, default=attrs.Factory(_order, takes_self=True)
    )
    """The address in a form that compares with that of every other source: version, number, zone."""

    def __attrs_post_init__(self) -> None:
        if (self.peer is None) is not (self.peer_type is None):
            raise LocalError(
                f"source with peer {self.peer} and type {self.peer_type}, must have both or none"
            )


class Measured(NamedTuple):
    """What the decision process keeps with a candidate."""

    cost: int | None
    """To the next hop; None: it cannot be reached. When this changes, `values` have to be made anew."""

    neighbor_as: int | None
    """See `Metrics`."""

    values: tuple[object, ...]
    """What the candidate has in each step."""


@attrs.frozen(eq=False, weakref_slot=False)
class Candidate:
    """A path that a source offers; shared by all destinations of an UPDATE. Compared by identity.

    A source offers at most one path with the same `path_id` to a destination.
    """

    source: Source
    """Who offers it."""

    attributes: PathAttributes
    """Its attributes, as policy left them."""

    next_hop: NextHop | None
    """The next hop of MP_REACH_NLRI; None: that of the attributes, or ourselves."""

    path_id: int = 0
    """Its path identifier as received (RFC 7911)."""

    wire: bytes | None = None
    """The octets of the NLRI where they hold more than the key, such as labels; None: the key."""

    measured: Measured | None = attrs.field(init=False, repr=False, default=None)
    """Belongs to `bgp.decision`."""

    _address: Address | None = attrs.field(init=False, repr=False, default=None)

    @property
    def address(self) -> Address | None:
        """The next hop, as far as it is an address that packets could be sent to; the global one of two."""
        if self._address is None:
            _set(self, "_address", _next_hop(self))
        return self._address

    def keep(self, measured: Measured) -> None:
        """Remember what was measured; for `bgp.decision`."""
        _set(self, "measured", measured)


def _next_hop(candidate: Candidate) -> Address | None:
    if candidate.next_hop is not None:
        return candidate.next_hop.nearest
    found = next((value for _, code, value in split(candidate.attributes.wire) if code == _NEXT_HOP), None)
    return None if found is None else IPv4Address(found)


class Metrics(NamedTuple):
    """What the decision process looks at in a candidate."""

    candidate: Candidate
    cost: int | None
    """To the next hop; None: it cannot be reached."""

    is_long_lived_stale: bool
    """By its source, or by LLGR_STALE (RFC 9494 4.3)."""

    local_pref: int
    aigp: int | None
    """The accumulated IGP metric, without the cost to the next hop (RFC 7311)."""

    path_length: int
    neighbor_as: int | None
    """Which AS it came from, for MED (RFC 4271 9.1.2.2 c, RFC 5065 5.3); None: ours."""

    origin: int
    med: int
    router_id: int
    """ORIGINATOR_ID if there is one, else the source's BGP Identifier (RFC 4456 9)."""

    clusters: int
    """How many route reflectors it came through."""


def metrics(candidate: Candidate, cost: int | None) -> Metrics:
    """Read what the decision process looks at; `cost` is that to the next hop."""
    source = candidate.source
    values = {code: value for _, code, value in split(candidate.attributes.wire)}
    path_length, neighbor_as = _look_at_path(values.get(_AS_PATH, b""))
    if neighbor_as is None and source.peer_type is PeerType.EXTERNAL:
        # RFC 4271 9.1.2.2 c: the AS from which the path came, where AS_PATH does not say it.
        neighbor_as = source.asn
    origin, originator = values.get(_ORIGIN), values.get(_ORIGINATOR_ID)
    return Metrics(
        candidate,
        cost,
        source.is_long_lived_stale or _is_stale(values.get(_COMMUNITIES, b"")),
        int.from_bytes(values[_LOCAL_PREF], "big") if _LOCAL_PREF in values else DEFAULT_LOCAL_PREF,
        BY_CODE[_AIGP].decode(Reader(values[_AIGP])) if _AIGP in values else None,
        path_length,
        neighbor_as,
        origin[0] if origin else _INCOMPLETE,
        # RFC 4271 9.1.2.2 c: no MULTI_EXIT_DISC is the lowest one.
        int.from_bytes(values.get(_MED, b""), "big"),
        int.from_bytes(originator, "big") if originator else int(source.router_id),
        len(values.get(_CLUSTER_LIST, b"")) // 4,
    )


def _is_stale(communities: bytes) -> bool:
    if _LLGR_STALE not in communities:
        return False
    return _LLGR_STALE in (communities[at : at + 4] for at in range(0, len(communities), 4))


def _look_at_path(value: bytes) -> tuple[int, int | None]:
    """The length of a path, and the AS that it came into ours, or into our confederation, from.

    None for a path that is empty, begins with a set or has confederation segments alone: it is of the local AS
    (RFC 4271 9.1.2.2 c, RFC 5065 5.3).
    """
    if len(value) > 2 and value[0] == _AS_SEQUENCE and len(value) == 2 + value[1] * 4:
        # One sequence, as nearly always.
        return value[1], int.from_bytes(value[2:6], "big")
    path = ASPath.from_wire(value, four_octet_as=True)
    return path.length, path.neighbor_as


OURSELVES: Final = Source(None, None, 0, IPv4Address(0), None)
"""The source of what the application announces."""

_LIMIT: Final = 16384


@attrs.define(eq=False)
class CandidatePool:
    """The candidates of one source, so that equal ones are the same object: a table of them is smaller for it."""

    source: Source

    # Attributes are equal if their octets are, which Python hashes once and without calling us.
    _known: dict[bytes | tuple[bytes, NextHop | None, int], Candidate] = attrs.field(factory=dict, init=False)

    def get(
        self,
        attributes: PathAttributes,
        next_hop: NextHop | None = None,
        path_id: int = 0,
        wire: bytes | None = None,
    ) -> Candidate:
        """Make a candidate, or find it."""
        if wire is not None:
            # Labels are a destination's own.
            return Candidate(self.source, attributes, next_hop, path_id, wire)
        octets = attributes.wire
        key = octets if next_hop is None and not path_id else (octets, next_hop, path_id)
        candidate = self._known.get(key)
        if candidate is None:
            if len(self._known) >= _LIMIT:
                self._known.clear()
            candidate = _Draft()
            candidate.source = self.source
            candidate.attributes = attributes
            candidate.next_hop = next_hop
            candidate.path_id = path_id
            candidate.wire = candidate.measured = candidate._address = None
            candidate.__class__ = Candidate
            self._known[key] = candidate
        return candidate


_Draft: Final = draft_of(Candidate)
