"""`bgp` as a subject.

`decode` is what a session does with an UPDATE: everything is judged, and values wait until somebody looks. So a second
figure, `read`, looks at all of it: every attribute, every prefix as an object. And since what was decoded still has
its octets, `encode` finds most of its work done; `build` starts from values such as a person would write.
"""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import bgp
from bgp.attributes import AttributeValues
from tests.benchmarks import measure

_NEGOTIATED = bgp.Negotiated(four_octet_as=True, families=[bgp.IPV4_UNICAST, bgp.IPV6_UNICAST])
_ATTRIBUTES = list(AttributeValues.__annotations__)


def decode(message: bytes) -> Any:
    """Decode as a session does."""
    return bgp.decode(message, _NEGOTIATED)


def encode(update: bgp.Update) -> bytes:
    """Encode as a session does."""
    return bgp.encode(update, _NEGOTIATED)


_all_attributes = attrgetter(*_ATTRIBUTES)


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


def values(update: bgp.Update) -> dict[str, Any]:
    """Prefixes, numbers and addresses, without anything that decoding left behind."""
    attributes = {name: getattr(update.attributes, name) for name in _ATTRIBUTES}
    path = attributes["as_path"]
    reach, unreach = update.mp_reach, update.mp_unreach
    return {
        "withdrawn": list(update.withdrawn),
        "announced": list(update.announced),
        "attributes": {**attributes, "as_path": None if path is None else list(path)},
        "reach": reach and (list(reach.nlri), *reach.next_hop.addresses),
        "unreach": unreach and list(unreach.nlri),
    }


def build(values: dict[str, Any]) -> bgp.Update:
    """Make the same UPDATE again."""
    reach, unreach = values["reach"], values["unreach"]
    return bgp.Update(
        withdrawn=values["withdrawn"],
        announced=values["announced"],
        attributes=bgp.PathAttributes(**values["attributes"]),
        mp_reach=reach and bgp.MPReach(reach[0], bgp.NextHop(*reach[1:])),
        mp_unreach=unreach and bgp.MPUnreach(unreach),
    )


def _nlri(update: bgp.Update) -> Iterator[bgp.NLRI]:
    yield update.withdrawn
    yield update.announced
    for part in (update.mp_reach, update.mp_unreach):
        if part is not None:
            yield part.nlri


if __name__ == "__main__":
    measure.main(measure.Subject(decode, encode, prefixes, routes, read, values, build))
