"""What Wireshark's dissectors find in frames, and what they ought to find in ours: pairs of a field and its value."""

import subprocess
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from ipaddress import IPv6Address
from pathlib import Path
from typing import assert_never

import attrs

from arp import (
    ICMPV6,
    MTU,
    S_TAG,
    ARPPacket,
    EthernetFrame,
    IPv6Packet,
    NDPMessage,
    NDPOption,
    NeighborAdvertisement,
    NeighborSolicitation,
    Nonce,
    PrefixInformation,
    RedirectedHeader,
    RouterAdvertisement,
    RouterSolicitation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
    VLANTag,
    encode_packet,
)
from tests.interop import pcap

Fields = list[tuple[str, str]]
"""Names as in a display filter, and values, with all numbers in decimal."""

_WARNING = 0x60_0000  # epan/proto.h: PI_WARN, above it PI_ERROR


def dissect(capture: Path, frames: Sequence[bytes]) -> list[Fields]:
    """Let tshark read the frames by way of a capture file; give all fields of each, in their order."""
    pcap.write(capture, frames)
    command = ["tshark", "-n", "-r", str(capture), "-T", "pdml"]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return [
        [(field.get("name", ""), _plain(field.get("show", ""))) for field in packet.iter("field")]
        for packet in ElementTree.fromstring(done.stdout).iter("packet")
    ]


def complaints(capture: Path, frames: Sequence[bytes]) -> list[str]:
    """Let tshark read the frames by way of a capture file; give what it warns of, or finds malformed."""
    pcap.write(capture, frames)
    command = ["tshark", "-n", "-r", str(capture), "-o", "arp.detect_duplicate_ips:FALSE"]
    command += ["-Y", f"_ws.malformed || _ws.expert.severity >= {_WARNING:#x}"]
    command += ["-T", "fields", "-e", "frame.number", "-e", "_ws.col.Info", "-e", "_ws.expert.message"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [f"{line}: {frames[int(line.split()[0]) - 1].hex()}" for line in done.stdout.splitlines()]


def _plain(shown: str) -> str:
    """Undo what differs by the version of tshark, and write IPv6 addresses as Python does."""
    if shown.startswith("0x"):
        return str(int(shown, 16))
    try:
        return str(IPv6Address(shown))
    except ValueError:
        return {"True": "1", "False": "0"}.get(shown, shown)


@attrs.frozen
class Discovery:
    """A message of Neighbor Discovery on its way."""

    message: NDPMessage
    source: IPv6Address
    destination: IPv6Address

    def encode(self) -> bytes:
        """Give the octets of the packet."""
        return encode_packet(self.message, self.source, self.destination)


def expected(frame: EthernetFrame, content: ARPPacket | Discovery) -> Fields:
    """Give the fields that a frame of ours ought to have, by the values that it was made from."""
    found = [("eth.dst", str(frame.destination)), ("eth.src", str(frame.source))]
    for tag in frame.tags:
        found += _of_tag(tag)
    if isinstance(content, ARPPacket):
        return found + _of_arp(content)
    message = content.message
    found += _of_packet(ICMPV6, 255, content.source, content.destination) + _of_message(message)
    for option in message.options:
        found += [("icmpv6.opt.type", str(int(option.kind))), *_of_option(option)]
    return found


def _of_tag(tag: VLANTag) -> Fields:
    name = "ieee8021ad" if tag.protocol == S_TAG else "vlan"
    return [
        (f"{name}.priority", str(tag.priority)),
        (f"{name}.dei", str(int(tag.drop_eligible))),
        (f"{name}.id", str(tag.vlan)),
    ]


def _of_arp(packet: ARPPacket) -> Fields:
    return [
        ("arp.opcode", str(int(packet.operation))),
        ("arp.src.hw_mac", str(packet.sender_mac)),
        ("arp.src.proto_ipv4", str(packet.sender_ip)),
        ("arp.dst.hw_mac", str(packet.target_mac)),
        ("arp.dst.proto_ipv4", str(packet.target_ip)),
    ]


def _of_packet(next_header: int, hop_limit: int, source: IPv6Address, destination: IPv6Address) -> Fields:
    return [
        ("ipv6.tclass", "0"),
        ("ipv6.flow", "0"),
        ("ipv6.nxt", str(next_header)),
        ("ipv6.hlim", str(hop_limit)),
        ("ipv6.src", str(source)),
        ("ipv6.dst", str(destination)),
    ]


def _of_message(message: NDPMessage) -> Fields:
    found = [("icmpv6.type", str(int(message.type))), ("icmpv6.code", "0"), ("icmpv6.checksum.status", "1")]
    match message:
        case RouterSolicitation():
            return found
        case RouterAdvertisement():
            return [
                *found,
                ("icmpv6.nd.ra.cur_hop_limit", str(message.hop_limit)),
                ("icmpv6.nd.ra.flag.m", str(int(message.managed))),
                ("icmpv6.nd.ra.flag.o", str(int(message.other))),
                ("icmpv6.nd.ra.router_lifetime", str(message.router_lifetime)),
                ("icmpv6.nd.ra.reachable_time", str(message.reachable_time)),
                ("icmpv6.nd.ra.retrans_timer", str(message.retrans_timer)),
            ]
        case NeighborSolicitation():
            return [*found, ("icmpv6.nd.ns.target_address", str(message.target))]
        case NeighborAdvertisement():
            return [
                *found,
                ("icmpv6.nd.na.flag.r", str(int(message.router))),
                ("icmpv6.nd.na.flag.s", str(int(message.solicited))),
                ("icmpv6.nd.na.flag.o", str(int(message.override))),
                ("icmpv6.nd.na.target_address", str(message.target)),
            ]
    assert_never(message)


def _of_option(option: NDPOption) -> Fields:
    match option:
        case SourceLinkLayerAddress():
            return [("icmpv6.opt.src_linkaddr", str(option.mac))]
        case TargetLinkLayerAddress():
            return [("icmpv6.opt.target_linkaddr", str(option.mac))]
        case PrefixInformation():
            return [
                ("icmpv6.opt.prefix.length", str(option.prefix.prefixlen)),
                ("icmpv6.opt.prefix.flag.l", str(int(option.on_link))),
                ("icmpv6.opt.prefix.flag.a", str(int(option.autonomous))),
                ("icmpv6.opt.prefix.valid_lifetime", str(option.valid_lifetime)),
                ("icmpv6.opt.prefix.preferred_lifetime", str(option.preferred_lifetime)),
                ("icmpv6.opt.prefix", str(option.prefix.network_address)),
            ]
        case RedirectedHeader():
            packet = IPv6Packet.decode(option.packet)
            return _of_packet(packet.next_header, packet.hop_limit, packet.source, packet.destination)
        case MTU():
            return [("icmpv6.opt.mtu", str(option.mtu))]
        case Nonce():
            return [("icmpv6.opt.nonce", option.nonce.hex(":"))]
        case UnknownOption():
            return []
    assert_never(option)
