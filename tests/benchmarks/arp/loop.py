"""The floor: the least that Python has to do for an answer. One address, nothing counted, nothing checked.

loop.py FAMILY ADDRESS          on eth0, until it is killed
"""

import socket
import struct
import sys
from ipaddress import ip_address
from typing import Protocol

_WORDS = struct.Struct("!8H")


class Raw(Protocol):
    """What a loop needs of a socket."""

    def recv(self, bufsize: int, /) -> bytes:
        """Wait for a frame."""

    def send(self, data: bytes, /) -> object:
        """Send a frame."""


def arp(raw: Raw, mac: bytes, owned: bytes) -> None:
    """Answer ARP requests for ever."""
    reply = mac + b"\x08\x06\x00\x01\x08\x00\x06\x04\x00\x02" + mac + owned
    while True:
        frame = raw.recv(2048)
        if frame[38:42] == owned and frame[20:22] == b"\0\1":
            asker = frame[22:32]
            raw.send(frame[6:12] + reply + asker)


def ndp(raw: Raw, mac: bytes, owned: bytes) -> None:
    """Answer neighbour solicitations for ever."""
    header = mac + b"\x86\xdd\x60\0\0\0\0\x20\x3a\xff" + owned
    flags_and_below = b"\x60\0\0\0" + owned + b"\2\1" + mac
    constant = 32 + 58 + 0x8800 + _sum(owned) + _sum(flags_and_below)
    while True:
        frame = raw.recv(2048)
        if frame[62:78] == owned and frame[54] == 135:
            asker = frame[22:38]
            total = constant + sum(_WORDS.unpack(asker))
            total = (total & 0xFFFF) + (total >> 16)
            checksum = ~(total + (total >> 16)) & 0xFFFF
            raw.send(frame[6:12] + header + asker + b"\x88\0" + checksum.to_bytes(2, "big") + flags_and_below)


def _sum(octets: bytes) -> int:
    return sum(struct.unpack(f"!{len(octets) // 2}H", octets))


def main(family: str, address: str) -> None:
    """Say `ready`, then answer."""
    ethertype, answer = {"arp": (0x0806, arp), "ndp": (0x86DD, ndp)}[family]
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind(("eth0", ethertype))
        print("ready", flush=True)
        answer(raw, raw.getsockname()[4], ip_address(address).packed)


if __name__ == "__main__":
    main(*sys.argv[1:])
