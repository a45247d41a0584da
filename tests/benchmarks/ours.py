"""`bgp` as a subject.

`decode` is what a session does with an UPDATE: everything is judged, and values wait until somebody looks. So a second
figure, `read`, looks at all of it: every attribute, every prefix as an object.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from typing import Any

import bgp
from tests.benchmarks import measure

_NEGOTIATED = bgp.Negotiated(four_octet_as=True, families=[bgp.IPV4_UNICAST, bgp.IPV6_UNICAST])


def _public_values(kind: type) -> list[str]:
    return [name for name in dir(kind) if not name.startswith("_") and not callable(getattr(kind, name))]


_ATTRIBUTES = _public_values(bgp.PathAttributes)
_all_attributes = attrgetter(*_ATTRIBUTES)
_GIVEN_ATTRIBUTES = [name for name in inspect.signature(bgp.PathAttributes).parameters if name in _ATTRIBUTES]
_MULTIPROTOCOL = [name for name in _public_values(bgp.Update) if name in ("mp_reach", "mp_unreach")]


decode: Callable[[bytes], Any] = partial(bgp.decode, negotiated=_NEGOTIATED)
encode: Callable[[bgp.Update], bytes] = partial(bgp.encode, negotiated=_NEGOTIATED)


def prefixes(update: bgp.Update) -> int:
    """Count them; an UPDATE with faults would be no decoding of what is sent here."""
    return 0 if update.faults else sum(map(len, _nlri(update)))


def routes(update: bgp.Update) -> Iterator[tuple[bytes, bgp.PathAttributes]]:
    """Yield what a table keeps: octets of the prefix, and the attributes that routes share."""
    attributes = update.attributes
    for wire in update.announced.wire:
        yield wire, attributes


def read(message: bytes) -> None:
    """Decode, and look at all of it."""
    update = decode(message)
    _all_attributes(update.attributes)
    for nlri in _nlri(update):
        for _prefix in nlri:
            pass


def rebuild(update: bgp.Update) -> bgp.Update:
    """Make the same UPDATE from values: nothing of what was decoded stands behind it."""
    attributes = {name: getattr(update.attributes, name) for name in _GIVEN_ATTRIBUTES}
    if update.attributes.as_path is not None:
        attributes["as_path"] = list(update.attributes.as_path)
    return bgp.Update(
        withdrawn=list(update.withdrawn),
        announced=list(update.announced),
        attributes=bgp.PathAttributes(**attributes),
        **{name: getattr(update, name) for name in _MULTIPROTOCOL},
    )


def _nlri(update: bgp.Update) -> Iterator[bgp.NLRI]:
    yield update.withdrawn
    yield update.announced
    for name in _MULTIPROTOCOL:
        if (part := getattr(update, name)) is not None:
            yield part.nlri


if __name__ == "__main__":
    measure.main(measure.Subject(decode, encode, prefixes, routes, read, rebuild))
