"""What the peers announce: the workload `realistic` of the other benchmark, in any size, as one string of octets."""

import struct

from tests.benchmarks.generator import Workload

PEER_AS = 64496
"""The AS that the messages of the generator come from."""

SECOND_AS = 64497
"""The AS of a peer that has the same routes by one hop more."""

_AS_PATH = 2
_EXTENDED_LENGTH = 0x10
_SEQUENCE = 2


def worse(workload: Workload) -> Workload:
    """The same routes as `SECOND_AS` would pass them on: with its number in front of the path."""
    return Workload(tuple(map(_through_second, workload.messages)), workload.counts)


def _through_second(message: bytes) -> bytes:
    withdrawn = int.from_bytes(message[19:21])
    start = 21 + withdrawn + 2
    end = start + int.from_bytes(message[start - 2 : start])
    block = _prepended(message[start:end])
    body = message[19 : start - 2] + struct.pack("!H", len(block)) + block + message[end:]
    return message[:16] + struct.pack("!HB", 19 + len(body), message[18]) + body


def _prepended(block: bytes) -> bytes:
    position = 0
    while block[position + 1] != _AS_PATH:
        position = _end(block, position)
    end = _end(block, position)
    header = 4 if block[position] & _EXTENDED_LENGTH else 3
    kind, count = block[position + header], block[position + header + 1]
    assert kind == _SEQUENCE
    assert count < 60  # the length of the attribute goes on fitting into an octet
    path = struct.pack("!BBI", kind, count + 1, SECOND_AS) + block[position + header + 2 : end]
    return block[:position] + struct.pack("!BBB", 0x40, _AS_PATH, len(path)) + path + block[end:]


def _end(block: bytes, position: int) -> int:
    """Where the attribute ends that begins here."""
    if block[position] & _EXTENDED_LENGTH:
        return position + 4 + int.from_bytes(block[position + 2 : position + 4])
    return position + 3 + block[position + 2]
