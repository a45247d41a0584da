"""Another reader of the same RFCs: Wireshark's dissectors on all that is encoded, and on what a responder sends."""

import shutil
import subprocess
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from arp import (
    ALL_NODES,
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    MTU,
    S_TAG,
    UNKNOWN,
    UNSPECIFIED,
    ARPPacket,
    EthernetFrame,
    IPv6Packet,
    MACAddress,
    NDPMessage,
    NeighborSolicitation,
    Nonce,
    Operation,
    PrefixInformation,
    RedirectedHeader,
    Responder,
    RouterAdvertisement,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
    VLANTag,
    solicited_node_group,
)
from arp.testing import arp_packets, ipv6_addresses, ndp_messages, stations, vlan_tags
from tests.arp.dissection import Discovery, complaints, dissect, expected
from tests.arp.made import advertisement
from tests.arp.octets import sent
from tests.interop import pcap

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
    return sent([*announcement, reply])


def test_wireshark_reads_what_we_send_as_it_was_meant_and_has_no_complaint(tmp_path: Path) -> None:
    capture = tmp_path / "sent.pcap"
    pcap.write(capture, sent_frames())
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


@pytest.mark.parametrize("damage", ["checksum", "truncation"])
def test_wireshark_complains_of_damage(tmp_path: Path, damage: str) -> None:
    sound = advertisement(MACAddress(MAC))
    damaged = sound[:-1] + b"\xff" if damage == "checksum" else sound[:60]
    assert len(complaints(tmp_path / "damaged.pcap", [*sent_frames(), sound, damaged])) == 1


# Whatever the codecs make


Sample = tuple[EthernetFrame, ARPPacket | Discovery]
"""A frame, and what is in it."""


def framed(content: ARPPacket | Discovery, source: MACAddress | str, tags: list[VLANTag]) -> Sample:
    """Put a packet into a frame."""
    ethertype = ETHERTYPE_ARP if isinstance(content, ARPPacket) else ETHERTYPE_IPV6
    frame = EthernetFrame(
        destination=BROADCAST, source=source, tags=tags, ethertype=ethertype, payload=content.encode()
    )
    return frame, content


def samples() -> st.SearchStrategy[Sample]:
    """Give frames with ARP or with Neighbor Discovery between two hosts, tagged now and then."""
    discoveries = st.builds(
        Discovery,
        ndp_messages().filter(has_no_inner_structure),
        st.integers(1, 0xFFFF_FFFF).map(lambda number: IPv6Address(0xFE80 << 112 | number)),
        ipv6_addresses(),
    )
    untagged: st.SearchStrategy[list[VLANTag]] = st.just([])
    tags = untagged | st.lists(vlan_tags(), max_size=3).filter(has_one_service_provider)
    return st.builds(framed, arp_packets() | discoveries, stations(), tags)


def has_one_service_provider(tags: list[VLANTag]) -> bool:
    """Wireshark gives the fields of two S-tags in a row other names."""
    return [tag.protocol for tag in tags].count(S_TAG) < 2


def has_no_inner_structure(message: NDPMessage) -> bool:
    """In some options, Wireshark looks for more than the random octets that a strategy draws."""
    return not any(isinstance(option, RedirectedHeader | UnknownOption) for option in message.options)


def test_wireshark_finds_in_our_frames_just_what_we_put_there(tmp_path: Path) -> None:
    sent = [*drawn_samples(), *samples_with_every_option()]
    wanted = [expected(*sample) for sample in sent]
    vocabulary = {name for fields in wanted for name, _ in fields}
    found = dissect(tmp_path / "encoded.pcap", [frame.encode() for frame, _ in sent])
    for sample, ours, theirs in zip(sent, wanted, found, strict=True):
        assert [(name, value) for name, value in theirs if name in vocabulary] == ours, sample
        assert not [name for name, _ in theirs if "malformed" in name], sample


def drawn_samples() -> list[Sample]:
    """Draw frames, the same ones each time."""
    drawn: list[Sample] = []

    @settings(derandomize=True, database=None, max_examples=300, phases=[Phase.generate])
    @given(samples())
    def collect(sample: Sample) -> None:
        drawn.append(sample)

    collect()
    return drawn


def samples_with_every_option() -> list[Sample]:
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
    return [
        framed(Discovery(advertisement, IPv6Address("fe80::1"), ALL_NODES), MAC, tags),
        framed(Discovery(solicitation, UNSPECIFIED, solicited_node_group(solicitation.target)), MAC, tags),
    ]
