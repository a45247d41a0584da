"""scapy, by the BGP layers among its contributions."""

# mypy: disable-error-code="import-not-found"

import logging
from collections.abc import Hashable, Iterable
from typing import Any

from scapy.contrib import bgp

from tests.benchmarks import measure

_REACH = 14

bgp.bgp_module_conf.use_2_bytes_asn = False


def decode(message: bytes) -> Any:
    """Dissect a whole message."""
    return bgp.BGPHeader(message)


def encode(packet: Any) -> bytes:
    """Build the packet from its fields, not from the octets that it was dissected from."""
    packet.clear_cache()
    octets: bytes = packet.build()
    return octets


def prefixes(packet: Any) -> int:
    """Count them."""
    update = packet.payload
    reach = [part.attribute for part in update.path_attr if part.type_code == _REACH]
    return len(update.nlri) + len(update.withdrawn_routes) + sum(len(attribute.nlri) for attribute in reach)


def routes(packet: Any) -> Iterable[tuple[Hashable, Any]]:
    """Yield prefixes as text, and the attributes."""
    update = packet.payload
    for nlri in update.nlri:
        yield nlri.prefix, update.path_attr


if __name__ == "__main__":
    logging.disable()
    measure.main(measure.Subject(decode, encode, prefixes, routes))
