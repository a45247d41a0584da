"""Captures made up from BGP messages: the pcap format, Ethernet, IPv4 and TCP, as little of each as a reader needs."""

import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from pathlib import Path

import attrs

_MAGIC, _SNAP_LENGTH, _ETHERNET = 0xA1B2C3D4, 0x40000, 1
_BGP_PORT = 179


@attrs.define
class _Side:
    """One end of a connection."""

    address: IPv4Address
    port: int
    sequence: int = 1


@attrs.define(init=False)
class Connection:
    """A TCP connection on which two speakers talk, captured after its handshake; `number` tells it from others.

    `port` is that of the side which listens.
    """

    dialling: _Side
    listening: _Side

    def __init__(self, number: int, port: int = _BGP_PORT) -> None:
        self.__attrs_init__(
            _Side(IPv4Address("192.0.2.1"), 50000 + number), _Side(IPv4Address("192.0.2.2"), port)
        )

    def frame(self, message: bytes, *, dialling: bool = True) -> bytes:
        """The frame with a message from one side, by default the one that has dialled."""
        sender, receiver = (self.dialling, self.listening)[:: 1 if dialling else -1]
        segment = struct.pack(
            "!HHIIBBHHH",
            sender.port,
            receiver.port,
            sender.sequence,
            receiver.sequence,
            0x50,  # five words of header
            0x18,  # PSH, ACK
            0xFFFF,
            0,
            0,
        )
        sender.sequence += len(message)
        length = 20 + len(segment) + len(message)
        packet = struct.pack("!BBHHHBBH", 0x45, 0, length, 0, 0, 64, 6, 0)
        packet += sender.address.packed + receiver.address.packed
        return bytes(12) + b"\x08\x00" + packet + segment + message


def write(path: Path, frames: Iterable[bytes]) -> None:
    """Write a capture, a frame a second."""
    path.write_bytes(b"".join(_records(frames)))


def _records(frames: Iterable[bytes]) -> Iterator[bytes]:
    yield struct.pack("!IHHiIII", _MAGIC, 2, 4, 0, 0, _SNAP_LENGTH, _ETHERNET)
    for second, frame in enumerate(frames):
        yield struct.pack("!IIII", second, 0, len(frame), len(frame)) + frame
