"""What a session is, once both sides have said what they can do.

`Negotiated` is the outcome of two OPENs. The codec demands one for every message, since the same octets mean
different things in different sessions: nobody can forget that the peer speaks two-octet AS numbers, or that
each prefix has a path identifier in front of it.
"""

import enum
from collections.abc import Iterable
from typing import Self

import attrs

from bgp.capabilities import Capability, MultiprotocolCapability, four_octet_as
from bgp.prefix import IPV4_UNICAST, Family


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


def _family_set(families: Iterable[Family]) -> frozenset[Family]:
    return frozenset(families)


@attrs.frozen(kw_only=True)
class Negotiated:
    """What both sides of a session agreed on; everything that the codec has to know beside the message."""

    four_octet_as: bool
    """AS numbers in AS_PATH and AGGREGATOR have four octets (RFC 6793), not two."""

    peer_type: PeerType = PeerType.EXTERNAL
    """Whether the peer is in our AS."""

    families: frozenset[Family] = attrs.field(default=frozenset({IPV4_UNICAST}), converter=_family_set)
    """The families whose routes both sides exchange."""

    hold_time: float = 0.0
    """Seconds of silence that end the session, the smaller of both offers; 0: none do (RFC 4271 4.2)."""

    extended_message: bool = False
    """UPDATE, NOTIFICATION and ROUTE-REFRESH may have up to 65535 octets, not 4096 (RFC 8654)."""

    add_path_receive: frozenset[Family] = attrs.field(default=frozenset(), converter=_family_set)
    """The families whose prefixes have path identifiers when the peer sends them (RFC 7911)."""

    add_path_send: frozenset[Family] = attrs.field(default=frozenset(), converter=_family_set)
    """The families whose prefixes have path identifiers when we send them (RFC 7911)."""

    extended_next_hop: frozenset[tuple[Family, int]] = frozenset()
    """Families that may have a next hop of another AFI, each with that AFI (RFC 8950)."""

    reject_as_sets: bool = False
    """Treat routes with AS_SET or AS_CONFED_SET in their path as withdrawn (RFC 9774); ours to choose."""

    @classmethod
    def between(
        cls,
        ours: Iterable[Capability],
        theirs: Iterable[Capability],
        *,
        peer_type: PeerType,
        hold_time: float,
    ) -> Self:
        """Work out what the capabilities of both OPENs amount to."""
        ours, theirs = list(ours), list(theirs)
        return cls(
            four_octet_as=four_octet_as(ours) is not None and four_octet_as(theirs) is not None,
            peer_type=peer_type,
            families=_families(ours) & _families(theirs),
            hold_time=hold_time,
        )


def _families(capabilities: Iterable[Capability]) -> frozenset[Family]:
    stated = frozenset(c.family for c in capabilities if isinstance(c, MultiprotocolCapability))
    # A speaker that states no family at all is one from before RFC 4760.
    return stated or frozenset({IPV4_UNICAST})
