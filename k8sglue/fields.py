"""Reading untrusted nested data: typed look-ups that note every problem with its place and go on.

Cluster objects, manifests and configuration documents all arrive as mappings that somebody typed. `Fields` is a
mapping with a path. Its look-ups return a value of the type asked for, or the default after having noted a
`Problem`; so a parser reads straight through, finds every problem in one pass, and decides at the end whether
what it built may be used.

Scalars come in two kinds: JSON's own (from an API server) and `Plain`, the text of an unquoted YAML scalar whose
type only the reader of the field knows (see documents.py). The look-ups accept both.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs

Path: TypeAlias = tuple[str | int, ...]


class Plain(str):
    """An unquoted YAML scalar: `80`, `true`, `65535:10`. Its type depends on who reads it."""

    __slots__ = ()


@attrs.frozen
class Problem:
    """Something wrong with what a person wrote, and where."""

    path: Path
    """Keys and list positions from the top of the document."""
    message: str
    """What was found, and why it will not do: `hold time 2s, must be 0 or at least 3s`."""

    def __str__(self) -> str:
        return f"{render_path(self.path)}: {self.message}" if self.path else self.message


def render_path(path: Path) -> str:
    """Write a path as people read it: `address-pools[0].addresses[1]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,19})")
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"})


@attrs.define
class Fields:
    """A mapping being read; `path` is its own place, `problems` the list that all problems go to."""

    _mapping: Mapping[object, object]
    path: Path
    problems: list[Problem]

    @classmethod
    def of(cls, value: object, problems: list[Problem], path: Path = ()) -> "Fields":
        """Read `value`, or an empty mapping (with a problem noted) if it is none."""
        if isinstance(value, Mapping):
            return cls(value, path, problems)
        if value is not None:
            problems.append(Problem(path, f"{show(value)}, must be a mapping"))
        return cls({}, path, problems)

    def problem(self, message: str, *steps: str | int) -> None:
        """Note a problem at this mapping, or at a place below it."""
        self.problems.append(Problem(self.path + steps, message))

    def __contains__(self, key: str) -> bool:
        return self._mapping.get(key) is not None

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that are given."""
        return tuple(map(str, self._mapping))

    def apart(self, problems: list[Problem]) -> "Fields":
        """Return the same mapping for a look whose problems go to another list."""
        return Fields(self._mapping, self.path, problems)

    def only(self, *keys: str) -> None:
        """Note every key that is not one of `keys`."""
        for key in self._mapping:
            if key not in keys:
                self.problem(f"unknown key, must be one of {', '.join(keys)}", str(key))

    def text(self, key: str, default: str = "") -> str:
        """Return a string."""
        value = self._mapping.get(key)
        if value is None:
            return default
        if isinstance(value, str):
            return str(value)
        self.problem(f"{show(value)}, must be a string", key)
        return default

    def text_or_integer(self, key: str) -> str:
        """Return a string, or a whole number as one (Kubernetes' IntOrString)."""
        value = self._mapping.get(key)
        return str(value) if isinstance(value, int) else self.text(key)

    def integer(self, key: str, default: int = 0, *, lowest: int = 0, highest: int = 2**63 - 1) -> int:
        """Return a whole number from `lowest` to `highest`."""
        value = self._mapping.get(key)
        if value is None:
            return default
        if isinstance(value, Plain) and _INTEGER.fullmatch(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            self.problem(f"{show(value)}, must be a whole number", key)
            return default
        if not lowest <= value <= highest:
            self.problem(f"{value}, must be from {lowest} to {highest}", key)
            return default
        return value

    def boolean(self, key: str, default: bool) -> bool:
        """Return a truth value; YAML 1.1's words for it (`yes`, `off`, …) count when they are not quoted."""
        value = self._mapping.get(key)
        if value is None:
            return default
        if isinstance(value, bool):
            return value
        if isinstance(value, Plain) and value in _TRUE | _FALSE:
            return value in _TRUE
        self.problem(f"{show(value)}, must be true or false", key)
        return default

    def fields(self, key: str) -> "Fields":
        """Return the mapping below `key`, empty if there is none."""
        return Fields.of(self._mapping.get(key), self.problems, (*self.path, key))

    def each(self, key: str) -> Iterator["Fields"]:
        """Go through a list of mappings; an empty item counts as an empty mapping."""
        for index, value in enumerate(self._list(key)):
            yield Fields.of(value, self.problems, (*self.path, key, index))

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of strings; items that are none are noted and left out."""
        found = []
        for index, value in enumerate(self._list(key)):
            if isinstance(value, str):
                found.append(str(value))
            else:
                self.problem(f"{show(value)}, must be a string", key, index)
        return tuple(found)

    def text_map(self, key: str) -> dict[str, str]:
        """Return a mapping of strings to strings; values that are none are noted and left out."""
        below = self.fields(key)
        return {
            str(name): below.text(str(name)) for name, value in below._mapping.items() if value is not None
        }

    def _list(self, key: str) -> Sequence[object]:
        value = self._mapping.get(key)
        if value is None:
            return ()
        if isinstance(value, list | tuple):
            return value
        self.problem(f"{show(value)}, must be a list", key)
        return ()


def show(value: object) -> str:
    """Quote a value for a message, cut to a length that a person reads."""
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    return f'"{printable(value)}"' if isinstance(value, str) else printable(repr(value))


def printable(text: str) -> str:
    """Cut what somebody typed to a length that a person reads, with control characters shown rather than acted on."""
    shown = text if len(text) <= 80 else text[:76] + " …"
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in shown)
