"""Network Layer Reachability Information: lists of prefixes on the wire (RFC 4271 4.3).

`NLRI` is a sequence that yields `Prefix` objects to those who look, and holds plain bytes for those who do
not: a table of a hundred thousand routes is read, compared and stored without making an object for each.
"""

from collections.abc import Iterable, Sequence
from typing import Self, overload

import attrs

from bgp.errors import LocalError, UpdateError
from bgp.iana import UpdateSubcode
from bgp.prefix import IPV4_UNICAST, Prefix, octets_of

_IPV4_BITS = 32


@attrs.frozen(init=False, repr=False)
class NLRI(Sequence[Prefix]):
    """IPv4 unicast prefixes in the order of the wire: `NLRI(["203.0.113.7/32", "192.0.2.0/24"])`."""

    wire: tuple[bytes, ...]
    """Each prefix in its canonical octets."""

    def __init__(self, prefixes: "Iterable[str | Prefix]" = ()) -> None:
        if isinstance(prefixes, NLRI):
            self.__attrs_init__(prefixes.wire)
            return
        self.__attrs_init__(tuple(ipv4_prefix(prefix).wire for prefix in prefixes))

    @classmethod
    def from_wire(cls, wire: Iterable[bytes]) -> Self:
        """Wrap prefixes that are known to be canonical."""
        self = cls.__new__(cls)
        self.__attrs_init__(tuple(wire))
        return self

    @overload
    def __getitem__(self, index: int) -> Prefix: ...
    @overload
    def __getitem__(self, index: slice) -> "NLRI": ...
    def __getitem__(self, index: int | slice) -> "Prefix | NLRI":
        if isinstance(index, slice):
            return NLRI.from_wire(self.wire[index])
        return Prefix.from_wire(IPV4_UNICAST, self.wire[index])

    def __len__(self) -> int:
        return len(self.wire)

    def __repr__(self) -> str:
        return f"NLRI({[str(prefix) for prefix in self]})"

    def encode(self) -> bytes:
        """The octets of the field."""
        return b"".join(self.wire)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a whole field.

        Raises `UpdateError`: RFC 7606 3 (j) allows nothing milder, since the routes that an UPDATE is about
        cannot be told when the field cannot be read to its end.
        """
        found = []
        position = 0
        while position < len(data):
            length = data[position]
            end = position + 1 + octets_of(length)
            if length > _IPV4_BITS or end > len(data):
                reason = f"prefix of {length} bits at octet {position} of {len(data)}"
                raise UpdateError(reason, UpdateSubcode.INVALID_NETWORK_FIELD)
            found.append(_canonical(data[position:end]))
            position = end
        return cls.from_wire(found)


def ipv4_prefix(prefix: str | Prefix) -> Prefix:
    """Read a prefix; raise `LocalError` for one that is not IPv4."""
    prefix = Prefix(prefix)
    if prefix.family != IPV4_UNICAST:
        raise LocalError(f"{prefix} is {prefix.family}; only {IPV4_UNICAST} can be announced")
    return prefix


def _canonical(wire: bytes) -> bytes:
    # RFC 4271 4.3: bits after the length are padding, their value is irrelevant.
    spare = -wire[0] % 8
    if not spare or not wire[-1] & ((1 << spare) - 1):
        return wire
    return wire[:-1] + bytes([wire[-1] >> spare << spare])
