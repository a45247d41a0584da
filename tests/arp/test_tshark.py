"""Another reader of the same RFCs: Wireshark's dissectors on all that is encoded, and on what a responder sends."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from arp import (
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    MTU,
    S_TAG,
    UNKNOWN,
    ARPPacket,
    DecodeError,
    EthernetFrame,
    IPv6Packet,
    MACAddress,
    NeighborSolicitation,
    Nonce,
    Operation,
    PrefixInformation,
    RedirectedHeader,
    Responder,
    RouterAdvertisement,
    SendFrame,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
    VLANTag,
    decode_packet,
    encode_packet,
)
from arp.testing import arp_packets, mac_addresses, ndp_packets, stations, vlan_tags
from tests.arp.dissection import dissect, expected

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None, reason="needs the program tshark (Debian: tshark)"
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


# Whatever the codecs make


@st.composite
def encoded(draw: st.DrawFn) -> EthernetFrame:
    """Give a frame with ARP or with a valid message of Neighbor Discovery, tagged now and then."""
    ethertype, payloads = draw(
        st.sampled_from(
            [
                (ETHERTYPE_ARP, arp_packets().map(lambda packet: packet.encode())),
                (ETHERTYPE_IPV6, ndp_packets().filter(is_plain).map(lambda packet: packet.encode())),
            ]
        )
    )
    return EthernetFrame(
        destination=draw(mac_addresses()),
        source=draw(stations()),
        tags=draw(st.just([]) | st.lists(vlan_tags(), max_size=3).filter(has_one_service_provider)),
        ethertype=ethertype,
        payload=draw(payloads),
    )


def has_one_service_provider(tags: list[VLANTag]) -> bool:
    """Wireshark gives the fields of two S-tags in a row other names."""
    return [tag.protocol for tag in tags].count(S_TAG) < 2


def is_plain(packet: IPv6Packet) -> bool:
    """Whether it is valid, and without options in which Wireshark would look for more than random octets."""
    try:
        _, message = decode_packet(packet.encode())
    except DecodeError:
        return False
    return not any(isinstance(option, RedirectedHeader | UnknownOption) for option in message.options)


def test_wireshark_finds_in_our_frames_just_what_we_put_there(tmp_path: Path) -> None:
    sent = [*drawn_frames(), *frames_with_every_option()]
    vocabulary = {name for frame in sent for name, _ in expected(frame)}
    found = dissect(tmp_path / "encoded.pcap", [frame.encode() for frame in sent])
    for frame, fields in zip(sent, found, strict=True):
        assert [(name, value) for name, value in fields if name in vocabulary] == expected(frame), frame
        assert not [name for name, _ in fields if "malformed" in name], frame
    assert {"eth.src", "vlan.dei", "ieee8021ad.id", "arp.opcode", "icmpv6.opt.mtu"} <= vocabulary


def drawn_frames() -> list[EthernetFrame]:
    """Draw frames, the same ones each time."""
    drawn: list[EthernetFrame] = []

    @settings(derandomize=True, database=None, max_examples=300, phases=[Phase.generate])
    @given(encoded())
    def collect(frame: EthernetFrame) -> None:
        drawn.append(frame)

    collect()
    return drawn


def frames_with_every_option() -> list[EthernetFrame]:
    """Give a router's advertisement and a host's solicitation with the options that belong there, and some more."""
    prefix = PrefixInformation(
        prefix="2001:db8:1::/48",
        on_link=True,
        autonomous=False,
        valid_lifetime=86400,
        preferred_lifetime=3600,
    )
    advertisement = RouterAdvertisement(
        hop_limit=64,
        managed=True,
        other=False,
        router_lifetime=1800,
        reachable_time=30_000,
        retrans_timer=1000,
        options=[SourceLinkLayerAddress(MAC), TargetLinkLayerAddress(MAC), prefix, MTU(1400)],
    )
    lost = IPv6Packet(source="fe80::1", destination="fe80::2", next_header=59, hop_limit=1, payload=b"")
    redirected, unknown = RedirectedHeader(lost.encode()), UnknownOption(253, bytes(14))
    solicitation = NeighborSolicitation("2001:db8::7", [Nonce(b"random"), redirected, unknown])
    tags = [VLANTag(5, protocol=S_TAG), VLANTag(0x123, priority=6, drop_eligible=True)]
    payloads = [
        encode_packet(advertisement, "fe80::1", "ff02::1"),
        encode_packet(solicitation, "::", "ff02::1:ff00:7"),
    ]
    return [
        EthernetFrame(destination=BROADCAST, source=MAC, tags=tags, ethertype=ETHERTYPE_IPV6, payload=payload)
        for payload in payloads
    ]
