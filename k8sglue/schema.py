"""What people may write in a field: its names, its type and range, and what it is for, as data.

The attributes of a class in specs.py are fields of a custom resource. Each is declared by one of the functions below,
which leave a `Property` in the attribute's metadata. From that one declaration everything else follows: `read` takes
an object or a part of the ConfigMap in, with a problem for each value that will not do; `dump` writes it as a
resource; and whoever makes CRDs or documentation finds names, defaults, ranges and descriptions in `properties`.

MetalLB's two forms differ in the spelling of keys (`peerASN`, `peer-asn`) and in which of them there are.
"""

import abc
import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import attrs

from k8sglue.config import parse_address
from k8sglue.durations import format_duration, parse_duration
from k8sglue.fields import Fields, Path, show
from k8sglue.selectors import Selector, dump_selector, read_selector

T = TypeVar("T")
S = TypeVar("S", bound=attrs.AttrsInstance)

UINT32 = 2**32 - 1


class Form(enum.Enum):
    """How a thing is written down."""

    RESOURCE = "resource"
    """As a custom resource: `peerASN`."""
    CONFIG_MAP = "ConfigMap"
    """As a part of the ConfigMap: `peer-asn`."""


class Type(abc.ABC):
    """What a field holds."""

    @property
    @abc.abstractmethod
    def rule(self) -> str:
        """What it must be, for the message about one that is missing."""

    @abc.abstractmethod
    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        """Return the value; None if there is none, or none that will do, which is a problem then."""

    def dump(self, value: object) -> object:
        """Return a value as JSON has it."""
        return value


@attrs.frozen
class Text(Type):
    """A string."""

    rule: str = "a string"
    longest: int = 0
    """In octets; 0 for no limit."""

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        text = fields.text(key)
        size = len(text.encode(errors="replace"))
        if self.longest and size > self.longest:
            fields.problem(f"{size} octets, must be at most {self.longest}", key)
            return None
        return text or None


@attrs.frozen
class Integer(Type):
    """A whole number in a range."""

    lowest: int
    highest: int
    what: str = "a number"

    @property
    def rule(self) -> str:
        return f"{self.what} from {self.lowest} to {self.highest}"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        number = fields.integer(key, self.lowest - 1, lowest=self.lowest, highest=self.highest)
        return None if number < self.lowest else number


@attrs.frozen
class Boolean(Type):
    """A truth value."""

    rule: str = "true or false"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        return fields.boolean(key, False) if key in fields else None


@attrs.frozen
class Duration(Type):
    """A time as Go writes it, `90s` or `1m30s`, in whole seconds."""

    lowest: int
    highest: int
    zero: str = ""
    """What 0 means, if that may be given too."""
    words: tuple[str, ...] = ()
    """Words that stand for times: the first for 0, the second for for ever."""

    @property
    def rule(self) -> str:
        zero = f"0 ({self.zero}) or " if self.zero else ""
        words = f"{', '.join(self.words)} or " if self.words else ""
        return f"{words}{zero}from {self.lowest}s to {self.highest}s"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        text = fields.text(key)
        if not text:
            return None
        if text in self.words:
            return (0.0, float("inf"))[self.words.index(text)]
        seconds = parse_duration(text)
        if seconds is None:
            unit = f', for example "{text}s"' if text.isdigit() and len(text) < 10 else ""
            words = f"{', '.join(self.words)} or " if self.words else ""
            fields.problem(f"{show(text)}, must be {words}a duration with a unit{unit}", key)
            return None
        if (
            not (seconds == 0 and (self.zero or self.words))
            and not self.lowest <= int(seconds) <= self.highest
        ):
            fields.problem(f"{show(text).strip(chr(34))}, must be {self.rule}", key)
            return None
        return float(int(seconds))

    def dump(self, value: object) -> object:
        seconds = cast(float, value)
        if self.words and seconds in (0.0, float("inf")):
            return self.words[seconds > 0]
        return format_duration(seconds)


@attrs.frozen
class Choice(Type):
    """One of the values of an enumeration."""

    kind: type[enum.Enum]

    @property
    def rule(self) -> str:
        return " or ".join(str(each.value) for each in self.kind)

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        text = fields.text(key)
        found = next((each for each in self.kind if each.value == text), None)
        if text and found is None:
            fields.problem(f"{show(text)}, must be {self.rule}", key)
        return found

    def dump(self, value: object) -> object:
        return cast(enum.Enum, value).value


@attrs.frozen
class Address(Type):
    """An IP address without a zone."""

    rule: str = "an IP address"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        text = fields.text(key)
        address = parse_address(text)
        if text and address is None:
            fields.problem(f"{show(text)}, must be {self.rule}", key)
        return address

    def dump(self, value: object) -> object:
        return str(value)


@attrs.frozen
class Texts(Type):
    """A list of strings."""

    rule: str = "a list of strings"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        return fields.texts(key) or None

    def dump(self, value: object) -> object:
        return list(cast(Sequence[str], value))


@attrs.frozen
class Selectors(Type):
    """A list of label selectors."""

    rule: str = "a list of label selectors"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        dashed = form is Form.CONFIG_MAP
        found = tuple(read_selector(each, dashed=dashed) for each in fields.each(key))
        for index, selector in enumerate(found):
            if selector in found[:index]:
                fields.problem("the same as one above", key, index)
        return found or None

    def dump(self, value: object) -> object:
        return [dump_selector(selector) for selector in cast(Sequence[Selector], value)]


@attrs.frozen
class OneSelector(Type):
    """A label selector."""

    rule: str = "a label selector"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        return read_selector(fields.fields(key)) if key in fields else None

    def dump(self, value: object) -> object:
        return dump_selector(cast(Selector, value))


@attrs.frozen
class Each(Type):
    """A list of mappings."""

    spec: type[attrs.AttrsInstance]
    rule: str = "a list of mappings"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        return tuple(read(self.spec, each, form) for each in fields.each(key)) or None

    def dump(self, value: object) -> object:
        return [dump(each) for each in cast(Sequence[attrs.AttrsInstance], value)]


@attrs.frozen
class One(Type):
    """A mapping."""

    spec: type[attrs.AttrsInstance]
    rule: str = "a mapping"

    def read(self, fields: Fields, key: str, form: Form) -> object | None:
        return read(self.spec, fields.fields(key), form) if key in fields else None

    def dump(self, value: object) -> object:
        return dump(cast(attrs.AttrsInstance, value))


@attrs.frozen(kw_only=True)
class Property:
    """One field, as people write it."""

    name: str
    """In a resource."""
    type: Type
    about: str
    """What it is for, in a sentence."""
    key: str = ""
    """In the ConfigMap; empty if it has no such key."""
    required: bool = False
    version: str = ""
    """The only version of the resource that has it; empty for all."""
    ours: bool = False
    """MetalLB does not have it."""

    def name_in(self, form: Form) -> str:
        """Return its key in a form; empty if it is not in it."""
        return self.name if form is Form.RESOURCE else self.key


_PROPERTY = "k8sglue.schema"


def declared(
    name: str,
    kind: Type,
    about: str,
    default: T,
    *,
    key: str = "",
    required: bool = False,
    version: str = "",
    ours: bool = False,
    secret: bool = False,
) -> T:
    """Declare an attribute to be the field `name`; `default` is what stands for one that is not given."""
    meant = Property(
        name=name, type=kind, about=about, key=key, required=required, version=version, ours=ours
    )
    field: Any = attrs.field(default=default, metadata={_PROPERTY: meant}, repr=not secret)
    return cast(T, field)


def properties(spec: type[attrs.AttrsInstance]) -> Mapping[str, Property]:
    """Return the fields of a class of specs.py, by the names of its attributes."""
    return {
        attribute.name: attribute.metadata[_PROPERTY]
        for attribute in attrs.fields(spec)
        if _PROPERTY in attribute.metadata
    }


def read(spec: type[S], fields: Fields, form: Form) -> S:
    """Read what `fields` hold. Values that will not do are problems, and have their defaults."""
    values: dict[str, object] = {}
    for attribute, meant in properties(spec).items():
        key = meant.name_in(form)
        if not key:
            continue
        found = len(fields.problems)
        value = meant.type.read(fields, key, form)
        if value is not None:
            values[attribute] = value
        elif meant.required and len(fields.problems) == found:
            fields.problem(f"missing, must be {meant.type.rule}", key)
    return spec(**values)


def unknown(
    spec: type[attrs.AttrsInstance], fields: Fields, form: Form, version: str = ""
) -> Iterator[tuple[Path, str]]:
    """Find the keys that mean nothing here, at any depth: their places, and what is wrong with them."""
    meanings = {
        meant.name_in(form): meant
        for meant in properties(spec).values()
        if meant.name_in(form) and meant.version in ("", version)
    }
    for key in fields.keys:
        meant = meanings.get(key)
        if meant is None:
            yield (*fields.path, key), f"unknown key, must be one of {', '.join(meanings)}"
        elif isinstance(meant.type, One):
            yield from unknown(meant.type.spec, fields.apart([]).fields(key), form, version)
        elif isinstance(meant.type, Each):
            for each in fields.apart([]).each(key):
                yield from unknown(meant.type.spec, each, form, version)


def dump(spec: attrs.AttrsInstance) -> dict[str, object]:
    """Write a value of specs.py as a resource has it, without what is as by default."""
    return {
        meant.name: meant.type.dump(getattr(spec, attribute.name))
        for attribute in attrs.fields(type(spec))
        if (meant := attribute.metadata.get(_PROPERTY))
        and (meant.required or getattr(spec, attribute.name) != attribute.default)
    }
