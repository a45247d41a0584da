"""Another reader of the same RFCs: Wireshark's dissectors on every kind of frame that a responder sends."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from arp import (
    BROADCAST,
    ETHERTYPE_ARP,
    UNKNOWN,
    ARPPacket,
    EthernetFrame,
    MACAddress,
    Operation,
    Responder,
    SendFrame,
)

MAC = "02:00:00:00:00:01"
CLIENT = "02:00:00:00:00:02"
VIP = "203.0.113.7"
FIELDS = [
    "eth.dst",
    "eth.src",
    "arp.opcode",
    "arp.isgratuitous",
    "arp.src.hw_mac",
    "arp.src.proto_ipv4",
    "arp.dst.hw_mac",
    "arp.dst.proto_ipv4",
    "_ws.malformed",
    "_ws.expert.message",
]


def sent_frames() -> list[bytes]:
    """Give an announcement, which is two frames, and the reply to a question."""
    responder = Responder(mac=MAC)
    announcement = responder.add(VIP, now=0.0)
    question = ARPPacket(
        operation=Operation.REQUEST,
        sender_mac=MACAddress(CLIENT),
        sender_ip="203.0.113.1",
        target_mac=UNKNOWN,
        target_ip=VIP,
    )
    received = EthernetFrame(
        destination=BROADCAST, source=CLIENT, ethertype=ETHERTYPE_ARP, payload=question.encode()
    )
    (reply,) = responder.receive_frame(received.encode(), now=0.1)
    assert isinstance(reply, SendFrame)
    return [output.frame for output in (*announcement, reply)]


def write_capture(path: Path, frames: list[bytes]) -> None:
    """Write a file in the classic pcap format, link type Ethernet."""
    header = struct.pack("=IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    records = [struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame for frame in frames]
    path.write_bytes(header + b"".join(records))


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs the program tshark (Debian: tshark)")
def test_wireshark_reads_what_we_send_as_it_was_meant_and_has_no_complaint(tmp_path: Path) -> None:
    capture = tmp_path / "sent.pcap"
    write_capture(capture, sent_frames())
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    true, everyone, unknown = rows[0][3], str(BROADCAST), str(UNKNOWN)
    assert true in ("1", "True")  # by the version of tshark
    assert rows == [
        [everyone, MAC, "1", true, MAC, VIP, unknown, VIP, "", ""],
        [everyone, MAC, "2", true, MAC, VIP, MAC, VIP, "", ""],
        [CLIENT, MAC, "2", rows[2][3], MAC, VIP, CLIENT, "203.0.113.1", "", ""],
    ]
    assert rows[2][3] != true
