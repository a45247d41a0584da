"""tshark as a second decoder of BFD: what our encoder writes, it reads as the values that we wrote.

A capture of UDP datagrams to port 3784, written here, with hundreds of packets from the strategies of `bgp.testing`,
some of them signed. tshark 4.0 does not check digests; those are between us and BIRD (test_bfd.py).
"""

import json
import shutil
import struct
import subprocess
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import strategies as st

from bgp.bfd.authentication import BFDKey, sign
from bgp.bfd.packet import AuthenticationType, BFDPacket, encode
from bgp.testing import bfd_keys, bfd_packets
from tests.interop.pcap import write
from tests.interop.test_tshark import drawn

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark (Debian: tshark)")

Fields = dict[str, list[str | bool]]


def frame(payload: bytes) -> bytes:
    """An Ethernet frame with a datagram from 192.0.2.1 to the BFD port of 192.0.2.2."""
    datagram = struct.pack("!HHHH", 49152, 3784, 8 + len(payload), 0) + payload
    addresses = IPv4Address("192.0.2.1").packed + IPv4Address("192.0.2.2").packed
    header = struct.pack("!BBHHHBBH", 0x45, 0xC0, 20 + len(datagram), 0, 0, 255, 17, 0)
    return bytes(12) + b"\x08\x00" + header + addresses + datagram


def dissected(path: Path, packets: list[bytes]) -> list[Fields]:
    """What tshark makes of packets: values by field, without the `bfd.` in front."""
    write(path, map(frame, packets))
    command = ["tshark", "-n", "-r", str(path), "-T", "ek", "-J", "bfd"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True, text=True)
    layers = [json.loads(line)["layers"]["bfd"] for line in done.stdout.splitlines() if '"layers"' in line]
    assert len(layers) == len(packets)
    return [
        {
            name.removeprefix("bfd_bfd_"): value if isinstance(value, list) else [value]
            for name, value in layer.items()
        }
        for layer in layers
    ]


def number(fields: Fields, name: str) -> int:
    """A field as a number, however tshark shows it."""
    (value,) = fields[name]
    return int(value) if isinstance(value, bool) else int(value, 0)


HEADER = {
    "diag": "diagnostic",
    "sta": "state",
    "flags_p": "poll",
    "flags_f": "final",
    "flags_c": "control_plane_independent",
    "flags_d": "demand",
    "detect_time_multiplier": "multiplier",
    "my_discriminator": "my_discriminator",
    "your_discriminator": "your_discriminator",
    "desired_min_tx_interval": "desired_min_tx_us",
    "required_min_rx_interval": "required_min_rx_us",
    "required_min_echo_interval": "required_min_echo_rx_us",
}
"""tshark's names and ours."""


def compare_header(packet: BFDPacket, fields: Fields) -> None:
    assert {name: number(fields, name) for name in HEADER} == {
        name: int(getattr(packet, ours)) for name, ours in HEADER.items()
    }
    assert (number(fields, "version"), number(fields, "flags_m")) == (1, 0)


def test_packets(tmp_path: Path) -> None:
    packets = drawn(bfd_packets().filter(lambda packet: packet.authentication is None), 300)
    for packet, fields in zip(packets, dissected(tmp_path / "a.pcap", [*map(encode, packets)]), strict=True):
        compare_header(packet, fields)
        assert number(fields, "flags_a") == 0
        assert number(fields, "message_length") == 24


def test_signed_packets(tmp_path: Path) -> None:
    cases = drawn(st.tuples(bfd_packets(), bfd_keys(), st.integers(0, 0xFFFFFFFF)), 300)
    signed = [sign(*case) for case in cases]
    for case, octets, fields in zip(cases, signed, dissected(tmp_path / "a.pcap", signed), strict=True):
        compare_header(case[0], fields)
        compare_section(case[1], case[2], octets, fields)


def compare_section(key: BFDKey, sequence: int, octets: bytes, fields: Fields) -> None:
    assert number(fields, "flags_a") == 1
    assert number(fields, "message_length") == len(octets)
    assert (number(fields, "auth_type"), number(fields, "auth_key")) == (key.type, key.key_id)
    assert number(fields, "auth_len") == len(octets) - 24
    if key.type is not AuthenticationType.SIMPLE_PASSWORD:
        assert number(fields, "auth_seq_num") == sequence
