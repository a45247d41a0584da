"""Communities: labels that routes carry, and that routers act on (RFC 1997, RFC 8092).

A community has 32 bits; people write them as two numbers of 16, the AS that gives the label its meaning and the
label. An AS number of four octets leaves no room for a label, hence large communities: three numbers of 32 bits.
Extended communities, which say what kind of label they are, have a file of their own.

All of them travel the same way, one after the other in the value of an attribute: `decode_communities` and
`encode_communities` serve every kind. RFC 7606 judges such a value by its length alone.
"""

import abc
import re
from collections.abc import Iterable
from typing import ClassVar, Final, Protocol, Self, TypeVar

import attrs

from bgp.errors import LocalError
from bgp.iana import WELL_KNOWN_COMMUNITIES
from bgp.values import check_kind, integer, several, shown
from bgp.wire import WireError, uint32

_NUMBERS = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
_HEX = re.compile(r"0x[0-9a-fA-F]{1,8}")
_NAMES: Final = {number: name for name, number in WELL_KNOWN_COMMUNITIES.items()}


class Community(int):
    """A community (RFC 1997): `Community("64512:100")`, `Community("no-export")`, `Community(0xFC000064)`.

    Reads hexadecimal text too, and names as others write them: `NO_EXPORT`. Prints the name of a well-known one, two
    numbers otherwise. Raises `LocalError` for what is none of this.
    """

    __slots__ = ()

    WIDTH: ClassVar = 4
    """Octets on the wire."""

    def __new__(cls, value: str | int) -> Self:
        """Read text or a number."""
        check_kind("community", value, str | int)
        number = _community_number(value) if isinstance(value, str) else value
        return super().__new__(cls, integer("community", number, 0, 0xFFFFFFFF))

    @classmethod
    def from_wire(cls, wire: bytes) -> Self:
        """Read four octets."""
        return int.__new__(cls, int.from_bytes(wire, "big"))

    @property
    def wire(self) -> bytes:
        """The four octets."""
        return uint32(self)

    @property
    def asn(self) -> int:
        """The upper half: the AS that gives the label its meaning, 0 to 65535."""
        return self >> 16

    @property
    def label(self) -> int:
        """The lower half: 0 to 65535."""
        return self & 0xFFFF

    @property
    def numeric(self) -> str:
        """The two numbers, for well-known communities too: `65535:65281`."""
        return f"{self.asn}:{self.label}"

    def __str__(self) -> str:
        return _NAMES.get(self) or self.numeric

    def __repr__(self) -> str:
        return f"Community({str(self)!r})"


def _community_number(text: str) -> int:
    name = text.lower().replace("_", "-")
    if name in WELL_KNOWN_COMMUNITIES:
        return WELL_KNOWN_COMMUNITIES[name]
    if _HEX.fullmatch(text):
        return int(text, 16)
    match = _NUMBERS.fullmatch(text)
    asn, label = map(int, match.groups()) if match else (-1, -1)
    if match is None or max(asn, label) > 0xFFFF:
        raise LocalError(f"community {shown(text)}, must be two numbers up to 65535, or a well-known name")
    return asn << 16 | label


@attrs.frozen(init=False, repr=False, order=True)
class Octets(abc.ABC):
    """A value that is exactly its octets on the wire, and text for people: equal, hashed and ordered by octets.

    Takes text, octets or a value of its own kind; raises `LocalError` for what is none of them.
    """

    WIDTH: ClassVar[int]
    """Octets on the wire."""

    wire: bytes
    """The octets."""

    def __init__(self, value: str | bytes | Self) -> None:
        if isinstance(value, str):
            value = self._read(value)
        if not isinstance(value, bytes):
            check_kind(type(self).__name__, value, type(self))
            value = value.wire
        if len(value) != self.WIDTH:
            raise LocalError(f"{type(self).__name__} of {len(value)} octets, must be {self.WIDTH}")
        self.__attrs_init__(value)

    @classmethod
    def from_wire(cls, wire: bytes) -> Self:
        """Wrap octets that are known to be as many as they have to be."""
        self = cls.__new__(cls)
        object.__setattr__(self, "wire", wire)
        return self

    @staticmethod
    @abc.abstractmethod
    def _read(text: str) -> bytes:
        """Read what `str()` prints; raise `LocalError` for anything else."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


_THREE = re.compile(r"([0-9]{1,10}):([0-9]{1,10}):([0-9]{1,10})")


@attrs.frozen(init=False, repr=False, order=True)
class LargeCommunity(Octets):
    """A large community (RFC 8092): `LargeCommunity("64512:1:2")`, three numbers of 0 to 4294967295."""

    WIDTH: ClassVar = 12

    @property
    def numbers(self) -> tuple[int, int, int]:
        """The global administrator, which is an AS, and the two numbers that it has given a meaning."""
        wire = self.wire
        return (
            int.from_bytes(wire[:4], "big"),
            int.from_bytes(wire[4:8], "big"),
            int.from_bytes(wire[8:], "big"),
        )

    @property
    def asn(self) -> int:
        """The AS that gives the numbers their meaning."""
        return self.numbers[0]

    @staticmethod
    def _read(text: str) -> bytes:
        match = _THREE.fullmatch(text)
        numbers = list(map(int, match.groups())) if match else []
        if match is None or max(numbers) > 0xFFFFFFFF:
            raise LocalError(
                f"large community {shown(text)}, must be three numbers up to 4294967295 as in 64512:1:2"
            )
        return b"".join(map(uint32, numbers))

    def __str__(self) -> str:
        return "{}:{}:{}".format(*self.numbers)


def communities(values: Iterable[str | int]) -> tuple[Community, ...]:
    """Read several communities."""
    return tuple(map(Community, several("communities", values)))


def large_communities(values: Iterable[str | LargeCommunity]) -> tuple[LargeCommunity, ...]:
    """Read several large communities; none is to be sent twice (RFC 8092 3)."""
    return tuple(dict.fromkeys(map(LargeCommunity, several("large_communities", values))))


class AnyCommunity(Protocol):
    """What all kinds of communities have in common."""

    WIDTH: ClassVar[int]

    @classmethod
    def from_wire(cls, wire: bytes) -> Self:
        """Wrap `WIDTH` octets."""

    @property
    def wire(self) -> bytes:
        """The octets."""


_Community = TypeVar("_Community", bound=AnyCommunity)


def decode_communities(kind: type[_Community], value: bytes) -> tuple[_Community, ...]:
    """Read the value of an attribute that is a list of such communities: `decode_communities(Community, value)`.

    Raises `WireError` unless the length is a multiple of theirs, and not zero (RFC 7606 7.8, 7.14, 7.15;
    RFC 8092 6).
    """
    width = kind.WIDTH
    if not value or len(value) % width:
        raise WireError(f"{len(value)} octets of communities, must be a multiple of {width}")
    return tuple([kind.from_wire(value[at : at + width]) for at in range(0, len(value), width)])


def encode_communities(values: Iterable[AnyCommunity]) -> bytes:
    """The value of the attribute that lists such communities."""
    return b"".join([each.wire for each in values])
