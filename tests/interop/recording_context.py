"""What two OPENs amount to: all that one has to know beside the octets of a message to read it.

Worked out here and not by the `bgp` package, so that the one tests the other.
"""

from collections.abc import Iterable, Iterator, Sequence

import attrs

from tests.interop.recording_peer import IPV4_UNICAST

Family = tuple[int, int]


@attrs.frozen
class Context:
    """What the two OPENs of a session amount to, as far as a decoder has to know."""

    is_internal: bool
    four_octet_as: bool
    families: frozenset[Family]
    add_path: frozenset[Family]
    """Those in which the daemon sends path identifiers."""

    add_path_to_daemon: frozenset[Family]
    extended_next_hop: frozenset[Family]
    extended_message: bool

    @classmethod
    def between(cls, ours: bytes, theirs: bytes, *, is_internal: bool) -> "Context":
        """Work it out."""
        left, right = list(_capabilities(ours)), list(_capabilities(theirs))
        both = {code for code, _ in left} & {code for code, _ in right}
        return cls(
            is_internal=is_internal,
            four_octet_as=65 in both,
            families=_families(left) & _families(right),
            add_path=_add_path(right, 2) & _add_path(left, 1),
            add_path_to_daemon=_add_path(left, 2) & _add_path(right, 1),
            extended_next_hop=_extended_next_hop(left) & _extended_next_hop(right),
            extended_message=6 in both,
        )

    def as_json(self) -> dict[str, object]:
        """In the form of the files."""
        return {
            "peer_type": "internal" if self.is_internal else "external",
            "four_octet_as": self.four_octet_as,
            "families": _names(self.families),
            "add_path": _names(self.add_path & self.families),
            "extended_next_hop": _names(self.extended_next_hop & self.families),
            "extended_message": self.extended_message,
        }


def _names(families: Iterable[Family]) -> list[str]:
    return [f"{afi}/{safi}" for afi, safi in sorted(families)]


def _capabilities(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Code and value of every capability in an OPEN."""
    parameters, width = octets[29:], 1
    if octets[28:30] == b"\xff\xff":  # RFC 9072: lengths of two octets, and another place for the total
        parameters, width = octets[32:], 2
    while parameters:
        kind, length = parameters[0], int.from_bytes(parameters[1 : 1 + width])
        value, parameters = parameters[1 + width : 1 + width + length], parameters[1 + width + length :]
        while kind == 2 and value:
            yield value[0], value[2 : 2 + value[1]]
            value = value[2 + value[1] :]


_Offers = Sequence[tuple[int, bytes]]


def _families(offers: _Offers) -> frozenset[Family]:
    found = {(int.from_bytes(value[:2]), value[3]) for code, value in offers if code == 1}
    return frozenset(found or {IPV4_UNICAST})


def _add_path(offers: _Offers, direction: int) -> frozenset[Family]:
    """The families of an offer to receive (1) or send (2) path identifiers (RFC 7911 4)."""
    values = b"".join(value for code, value in offers if code == 69)
    rows = [values[i : i + 4] for i in range(0, len(values), 4)]
    return frozenset((int.from_bytes(row[:2]), row[2]) for row in rows if row[3] & direction)


def _extended_next_hop(offers: _Offers) -> frozenset[Family]:
    """The families whose next hop may be of IPv6 (RFC 8950 4)."""
    values = b"".join(value for code, value in offers if code == 5)
    rows = [values[i : i + 6] for i in range(0, len(values), 6)]
    return frozenset((int.from_bytes(row[:2]), row[3]) for row in rows if row[5] == 2)
