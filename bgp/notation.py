"""How people write values that are made of fixed fields: a name, and the fields, apart by colons.

Extended communities have dozens of layouts with two numbers in front that say which. Here is what all layouts
have in common, so that a layout is one line where it is used:

    Kind("color", 0x030B, Number(2), Number(4))                   color:0:100
    Kind("ovs", 0x4300, Reserved(5), Number(1, {0: "valid"}))     ovs:valid

A value is its octets, so octets that no text would make must still print as something that reads back: a
reserved bit that is set, a float that is no number, a kind that nobody has named. They print in hexadecimal,
and hexadecimal is read for every value.
"""

import abc
import math
import re
import struct
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Final

import attrs

from bgp.aspath import read_asn
from bgp.errors import LocalError
from bgp.values import shown

Value = int | float | str | bytes | IPv4Address | IPv6Address
"""What a field holds."""


class Field(abc.ABC):
    """Some octets of a layout, and their text."""

    width: int
    """How many octets."""

    @property
    @abc.abstractmethod
    def form(self) -> str:
        """What its text has to be, for an error message."""

    @abc.abstractmethod
    def read(self, text: str) -> bytes:
        """The octets that a text stands for; raises `ValueError` if it stands for none."""

    @abc.abstractmethod
    def value(self, octets: bytes) -> Value:
        """What the octets mean."""

    def text(self, octets: bytes) -> str | None:
        """The text that reads back as these octets, None if there is none."""
        return str(self.value(octets))


@attrs.frozen
class Number(Field):
    """An unsigned integer, which may have names for some of its values."""

    width: int
    names: Mapping[int, str] = attrs.field(factory=dict)

    @property
    def form(self) -> str:
        """Names, and the range."""
        return "|".join([*self.names.values(), f"0-{(1 << 8 * self.width) - 1}"])

    def read(self, text: str) -> bytes:
        """Read a name or a decimal number."""
        for number, name in self.names.items():
            if text.lower() == name:
                return number.to_bytes(self.width, "big")
        return _in_octets(_decimal(text), self.width)

    def value(self, octets: bytes) -> int:
        """The number."""
        return int.from_bytes(octets, "big")

    def text(self, octets: bytes) -> str:
        """The name, or the number."""
        number = self.value(octets)
        return self.names.get(number, str(number))


@attrs.frozen
class AS(Field):
    """An AS number; four octets read as such even if two would do when an L follows: `64512L`."""

    width: int

    @property
    def form(self) -> str:
        """The range."""
        return f"0-{(1 << 8 * self.width) - 1}"

    def read(self, text: str) -> bytes:
        """Read asplain or asdot."""
        return _in_octets(read_asn(text.removesuffix("L") if self.width == 4 else text), self.width)

    def value(self, octets: bytes) -> int:
        """The number."""
        return int.from_bytes(octets, "big")

    def text(self, octets: bytes) -> str:
        """Asplain."""
        asn = self.value(octets)
        return f"{asn}L" if self.width == 4 and asn <= 0xFFFF else str(asn)


@attrs.frozen
class IPv4(Field):
    """An IPv4 address."""

    width = 4
    form = "IPv4"

    def read(self, text: str) -> bytes:
        """Read dotted decimal."""
        return IPv4Address(text).packed

    def value(self, octets: bytes) -> IPv4Address:
        """The address."""
        return IPv4Address(octets)


@attrs.frozen
class IPv6(Field):
    """An IPv6 address, in brackets because it has colons of its own."""

    width = 16
    form = "[IPv6]"

    def read(self, text: str) -> bytes:
        """Read an address in brackets."""
        if not (text.startswith("[") and text.endswith("]")) or "%" in text:
            raise ValueError(f"{text!r} is no IPv6 address in brackets")
        return IPv6Address(text[1:-1]).packed

    def value(self, octets: bytes) -> IPv6Address:
        """The address."""
        return IPv6Address(octets)

    def text(self, octets: bytes) -> str:
        """The address in brackets."""
        return f"[{self.value(octets)}]"


@attrs.frozen
class Float(Field):
    """A number of 32-bit IEEE 754, at least 0; read to the nearest that there is."""

    width = 4
    form = "NUMBER"

    def read(self, text: str) -> bytes:
        """Read a decimal number with or without fraction and exponent."""
        if not _DECIMAL_FLOAT.fullmatch(text) or float(text) > _FLOAT_MAX:
            raise ValueError(f"{text!r} is no number from 0 to {_FLOAT_MAX}")
        return struct.pack("!f", float(text))

    def value(self, octets: bytes) -> float:
        """The number."""
        (number,) = struct.unpack("!f", octets)
        return float(number)

    def text(self, octets: bytes) -> str | None:
        """A plain integer, or nine digits, which suffice; None for infinity, no number, and with a sign."""
        number = self.value(octets)
        if not math.isfinite(number) or math.copysign(1, number) < 0:
            return None
        return str(int(number)) if number.is_integer() and number < 1e15 else f"{number:.9g}"


@attrs.frozen
class MAC(Field):
    """A hardware address of six octets. Has colons of its own: only for a kind without other fields."""

    width = 6
    form = "MAC"

    def read(self, text: str) -> bytes:
        """Read six octets apart by colons."""
        if not _MAC.fullmatch(text):
            raise ValueError(f"{text!r} is no hardware address")
        return bytes.fromhex(text.replace(":", ""))

    def value(self, octets: bytes) -> str:
        """The address as text."""
        return octets.hex(":")


@attrs.frozen
class Opaque(Field):
    """Octets that we do not interpret; have no text but that of the whole value."""

    width: int
    form = "not known"

    def read(self, text: str) -> bytes:
        """Raise `ValueError`."""
        raise ValueError(f"{text!r}, but what these octets hold is not known")

    def value(self, octets: bytes) -> bytes:
        """The octets."""
        return octets

    def text(self, octets: bytes) -> None:
        """None."""


@attrs.frozen
class Reserved:
    """Octets that have to be zero, and that text does not mention."""

    width: int


@attrs.frozen(init=False)
class Kind:
    """One kind of value: its name in text, the number of two octets that it begins with, the layout of the rest.

    Several kinds may share a name, if their texts can be told apart or the first is the one that is meant.
    """

    name: str
    number: int
    layout: tuple[Field | Reserved, ...]

    def __init__(self, name: str, number: int, *layout: Field | Reserved) -> None:
        self.__attrs_init__(name, number, layout)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The layout without what is reserved."""
        return tuple(each for each in self.layout if isinstance(each, Field))

    @property
    def form(self) -> str:
        """What its text has to be, for an error message."""
        return ":".join([self.name, *(f"<{field.form}>" for field in self.fields)])

    def read(self, text: str) -> bytes:
        """All octets of the value that a text stands for; raises `ValueError` if it stands for none.

        The name in the text is not looked at.
        """
        _, colon, rest = text.partition(":")
        count = len(self.fields)
        texts = rest.rsplit(":", count - 1) if colon else []
        if len(texts) != count:
            raise ValueError(f"{len(texts)} fields, must be {count}")
        remaining = iter(texts)
        octets = [
            each.read(next(remaining)) if isinstance(each, Field) else bytes(each.width)
            for each in self.layout
        ]
        return _in_octets(self.number, 2) + b"".join(octets)

    def values(self, wire: bytes) -> tuple[Value, ...]:
        """What the fields hold."""
        return tuple(each.value(octets) for each, octets in self._cut(wire) if isinstance(each, Field))

    def text(self, wire: bytes) -> str | None:
        """The text that reads back as these octets, None if there is none."""
        texts = [self.name]
        for each, octets in self._cut(wire):
            if isinstance(each, Reserved):
                if any(octets):
                    return None
                continue
            text = each.text(octets)
            if text is None:
                return None
            texts.append(text)
        return ":".join(texts)

    def _cut(self, wire: bytes) -> Iterator[tuple[Field | Reserved, bytes]]:
        position = 2
        for each in self.layout:
            yield each, wire[position : position + each.width]
            position += each.width


@attrs.frozen
class Notation:
    """All kinds of a family of values that are equally long, and what to do with those that have no name."""

    what: str
    """What the values are, for error messages."""

    width: int
    """How many octets a value has."""

    kinds: tuple[Kind, ...]
    """The kinds that have a name; of those that share one, the first that takes a text counts."""

    layouts: Mapping[int, tuple[Field, ...]]
    """How to lay out, by their first octet, kinds without a name: `0x000a:64512:7`."""

    def kind_of(self, number: int) -> Kind:
        """The kind with a number of two octets, under its name or, if it has none, its number."""
        for kind in self.kinds:
            if kind.number == number:
                return kind
        return Kind(f"0x{number:04x}", number, *self.layouts.get(number >> 8, (Opaque(self.width - 2),)))

    def read(self, text: str) -> bytes:
        """The octets of the value that a text stands for; raises `LocalError` if it stands for none."""
        if re.fullmatch(rf"0x[0-9a-fA-F]{{{2 * self.width}}}", text):
            return bytes.fromhex(text[2:])
        name = text.partition(":")[0].lower()
        kinds = [kind for kind in self.kinds if kind.name == name]
        if _KIND_NUMBER.fullmatch(name):
            kinds = [self.kind_of(int(name, 16))]
        for kind in kinds:
            try:
                return kind.read(text)
            except ValueError:
                continue
        forms = [kind.form for kind in kinds] or [
            f"one of {', '.join(sorted({each.name for each in self.kinds}))}"
        ]
        raise LocalError(
            f"{self.what} {shown(text)}, must be {' or '.join(forms)}, or 0x and {2 * self.width} digits"
        )

    def text(self, wire: bytes) -> str:
        """The text of a value: by name if that says all of it, else in hexadecimal."""
        return self.kind_of(int.from_bytes(wire[:2], "big")).text(wire) or f"0x{wire.hex()}"


_FLOAT_MAX: Final = 3.40282347e38  # the largest of 32 bits, in as many digits as `Float` writes
_DECIMAL_FLOAT = re.compile(r"[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,3})?")
_DECIMAL = re.compile(r"[0-9]{1,20}")
_KIND_NUMBER = re.compile(r"0x[0-9a-f]{4}")
_MAC = re.compile(r"(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")


def _decimal(text: str) -> int:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"{text!r} is no decimal number")
    return int(text)


def _in_octets(number: int, width: int) -> bytes:
    if number >> 8 * width:
        raise ValueError(f"{number} does not fit into {width} octets")
    return number.to_bytes(width, "big")
