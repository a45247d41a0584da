"""Routes and wishes as people type them, on the command line of `python -m bgp peer` and while it runs.

    announce 203.0.113.7/32
    announce 203.0.113.7/32 203.0.113.8/32 next-hop 192.0.2.9 community 64512:100 no-export med 7
    announce 203.0.113.7/32 as-path 64512 64512 origin incomplete
    withdraw 203.0.113.7/32

A word that is a keyword of `KEYWORDS` begins the values of that field; those before the first are prefixes. Empty
lines, and lines that begin with #, say nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import attrs

from bgp.aspath import ASPath
from bgp.errors import LocalError
from bgp.iana import Origin
from bgp.prefix import Prefix
from bgp.route import Route
from bgp.values import shown


@attrs.frozen
class Announcement:
    """These routes are to be there."""

    routes: tuple[Route, ...]


@attrs.frozen
class Withdrawal:
    """These destinations are to have no route any more."""

    prefixes: tuple[Prefix, ...]


@attrs.frozen(kw_only=True)
class Keyword:
    """How one field of a route is typed."""

    field: str
    """Its name in `Route`."""

    read: Callable[[Sequence[str]], object]
    """From the words to the value; raises `LocalError`."""

    help: str
    """What it is, for a person."""

    value: str
    """What stands for a value in a usage line."""

    several: bool = False
    """Whether it may have more than one value."""


def _one(words: Sequence[str]) -> str:
    if len(words) != 1:
        raise LocalError(f"{len(words)} values, must be one")
    return words[0]


def _number(words: Sequence[str]) -> int:
    text = _one(words)
    if not (text.isascii() and text.isdecimal() and len(text) <= 10):
        raise LocalError(f"{shown(text)}, must be 0 to 4294967295")
    return int(text)


def _origin(words: Sequence[str]) -> Origin:
    text = _one(words)
    for origin in Origin:
        if origin.name == text.upper():
            return origin
    raise LocalError(f"{shown(text)}, must be igp, egp or incomplete")


KEYWORDS: Final[Mapping[str, Keyword]] = {
    "next-hop": Keyword(
        field="next_hop", read=_one, help="where packets are to go; us if not given", value="ADDRESS"
    ),
    "community": Keyword(
        field="communities",
        read=tuple,
        help="such as 64512:100 or no-export",
        value="COMMUNITY",
        several=True,
    ),
    "large-community": Keyword(
        field="large_communities", read=tuple, help="such as 64512:1:2", value="COMMUNITY", several=True
    ),
    "extended-community": Keyword(
        field="extended_communities", read=tuple, help="such as rt:64512:7", value="COMMUNITY", several=True
    ),
    "med": Keyword(field="med", read=_number, help="MULTI_EXIT_DISC", value="NUMBER"),
    "local-pref": Keyword(
        field="local_pref", read=_number, help="LOCAL_PREF, for internal peers", value="NUMBER"
    ),
    "as-path": Keyword(
        field="as_path",
        read=lambda words: ASPath(" ".join(words)),
        help="the path behind us, such as 64512 64512 {64513}",
        value="AS",
        several=True,
    ),
    "origin": Keyword(field="origin", read=_origin, help="igp, egp or incomplete", value="ORIGIN"),
}
"""The fields of routes that can be typed, by their keywords."""


def read_routes(prefixes: Iterable[str], words: Mapping[str, Sequence[str]]) -> tuple[Route, ...]:
    """Make routes to prefixes, with the same values, given by keyword; raise `LocalError` for what cannot be."""
    values: dict[str, Any] = {}
    for name, some in words.items():
        keyword = KEYWORDS[name]
        try:
            values[keyword.field] = keyword.read(some)
        except LocalError as error:
            raise LocalError(f"{name}: {error}") from error
    return tuple(Route(prefix, **values) for prefix in prefixes)


def read_line(line: str) -> Announcement | Withdrawal | None:
    """Read a line; None if it says nothing; raise `LocalError` if it cannot be read."""
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    verb, *rest = words
    if verb not in ("announce", "withdraw"):
        raise LocalError(f"{shown(verb)}, must be announce or withdraw")
    first = next((position for position, word in enumerate(rest) if word in KEYWORDS), len(rest))
    prefixes, options = rest[:first], _by_keyword(rest[first:])
    if not prefixes:
        raise LocalError(f"{shown(line.strip())} has no prefix")
    if verb == "announce":
        return Announcement(read_routes(prefixes, options))
    if options:
        raise LocalError(f"withdraw takes prefixes alone, not {next(iter(options))}")
    return Withdrawal(tuple(map(Prefix, prefixes)))


def _by_keyword(words: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for word in words:
        if word in KEYWORDS:
            values = found.setdefault(word, [])
        else:
            values.append(word)
    return found
