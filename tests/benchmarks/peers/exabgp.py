"""ExaBGP, as its `decode` command and its sessions call it.

A session has to be made up: a configuration in its own language gives a neighbour, and two OPENs that agree give what
was negotiated. Its log is silenced, as that command does.
"""

# mypy: disable-error-code="import-not-found"

from collections.abc import Hashable, Iterable
from typing import Any

from exabgp.bgp.message import Update
from exabgp.bgp.message.direction import Direction
from exabgp.configuration.check import _negotiated
from exabgp.configuration.configuration import Configuration
from exabgp.environment import getenv
from exabgp.logger import log
from exabgp.rib.change import Change

from tests.benchmarks import measure

_CONFIGURATION = """
neighbor 192.0.2.1 {
    router-id 192.0.2.2;
    local-address 192.0.2.2;
    local-as 64512;
    peer-as 64496;
    family { ipv4 unicast; ipv6 unicast; }
    capability { asn4 enable; }
}
"""


def _session() -> Any:
    log.silence()
    log.init(getenv())
    configuration = Configuration([_CONFIGURATION], text=True)
    if not configuration.reload():
        raise RuntimeError(configuration.error)
    (neighbor,) = configuration.neighbors.values()
    negotiated = _negotiated(neighbor)
    if not negotiated.asn4:
        raise RuntimeError("no four-octet AS numbers")
    return negotiated


_NEGOTIATED = _session()


def decode(message: bytes) -> Any:
    """Decode; the header is read by its connection, and has been."""
    return Update.unpack_message(message[19:], Direction.IN, _NEGOTIATED)


def encode(update: Any) -> bytes:
    """Encode; it may take several messages for what came in one."""
    return b"".join(update.messages(_NEGOTIATED))


def prefixes(update: Any) -> int:
    """Count them."""
    return len(update.nlris)


def routes(update: Any) -> Iterable[tuple[Hashable, Any]]:
    """Yield what its own incoming table keeps."""
    for nlri in update.nlris:
        change = Change(nlri, update.attributes)
        yield change.index(), change


if __name__ == "__main__":
    measure.main(measure.Subject(decode, encode, prefixes, routes))
