# Whatever arrives and whenever, a watcher raises nothing, tells in printable lines and in JSON, says no address in a
# finding that no frame has named, and remembers no more addresses than it may.
"""Fuzz a watcher: an octet for a pause, then the edits of a frame."""

import json
from ipaddress import IPv4Address, IPv6Address

from arp import Watcher
from bgp.wire import Reader, WireError
from fuzz.segments import frame

_CAPACITY = 2


def check(data: bytes) -> None:
    """Check one input."""
    watcher, reader, now = Watcher(capacity=_CAPACITY), Reader(data), 0.0
    named: set[IPv4Address | IPv6Address] = set()
    while reader.remaining:
        now += (reader.uint8() >> 6) ** 4 / 10  # up to 8.1 seconds
        try:
            octets = frame(reader)
        except WireError:
            return
        for seen in watcher.receive_frame(octets, now):
            assert seen.text.isascii()
            assert seen.text.isprintable()
            assert json.dumps(seen.to_dict())
            assert not seen.what.is_finding or seen.addresses <= named
            named |= seen.addresses
        assert len(watcher.holders) <= _CAPACITY
