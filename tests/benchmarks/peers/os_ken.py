"""os-ken (the maintained Ryu), by its packet library."""

# mypy: disable-error-code="import-not-found"

from collections.abc import Hashable, Iterable
from typing import Any

from os_ken.lib.packet import bgp

from tests.benchmarks import measure

_REACH, _UNREACH = bgp.BGP_ATTR_TYPE_MP_REACH_NLRI, bgp.BGP_ATTR_TYPE_MP_UNREACH_NLRI


def decode(message: bytes) -> Any:
    """Decode a whole message."""
    return bgp.BGPMessage.parser(message)[0]


def encode(update: Any) -> bytes:
    """Encode."""
    return bytes(update.serialize())


def prefixes(update: Any) -> int:
    """Count them."""
    attributes = update.pathattr_map
    return (
        len(update.nlri)
        + len(update.withdrawn_routes)
        + (len(attributes[_REACH].nlri) if _REACH in attributes else 0)
        + (len(attributes[_UNREACH].withdrawn_routes) if _UNREACH in attributes else 0)
    )


def routes(update: Any) -> Iterable[tuple[Hashable, Any]]:
    """Yield prefixes as its speaker's tables name them, and the attributes."""
    attributes = update.pathattr_map
    for nlri in update.nlri:
        yield nlri.prefix, attributes


if __name__ == "__main__":
    measure.main(measure.Subject(decode, encode, prefixes, routes))
