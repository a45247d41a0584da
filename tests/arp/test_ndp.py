"""Messages of Neighbor Discovery: octets to values and back, and every rule by which received ones are dropped."""

from collections.abc import Callable
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arp
from arp import (
    ALL_NODES,
    ALL_ROUTERS,
    AddressError,
    DecodeError,
    EthernetFrame,
    IPv6Packet,
    LocalError,
    NDPMessage,
    NeighborAdvertisement,
    NeighborSolicitation,
    Nonce,
    RouterAdvertisement,
    RouterSolicitation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
    decode_packet,
    encode_packet,
    icmpv6_checksum,
    solicited_node_group,
)
from arp.testing import frames, ndp_messages, ndp_packets
from tests.arp.neighbours import LINUX

MAC = "02:00:00:00:00:01"
TARGET = "2001:db8::7"
GROUP = "ff02::1:ff00:7"
HOST = "2001:db8::1"
LINK_LOCAL = "fe80::1"
SOURCE = SourceLinkLayerAddress(MAC)


def router_advertisement(**changes: object) -> RouterAdvertisement:
    fields = {
        "hop_limit": 64,
        "managed": True,
        "other": False,
        "router_lifetime": 1800,
        "reachable_time": 30_000,
        "retrans_timer": 1000,
    }
    return RouterAdvertisement(**(fields | changes))  # type: ignore[arg-type]  # tests pass what types forbid


def neighbor_advertisement(**changes: object) -> NeighborAdvertisement:
    fields = {"target": TARGET, "router": False, "solicited": True, "override": True}
    return NeighborAdvertisement(**(fields | changes))  # type: ignore[arg-type]  # tests pass what types forbid


# Field by field as in the figures of RFC 4861 4.1 to 4.4.
_TARGET = "20010db8000000000000000000000007"
FIGURES: list[tuple[NDPMessage, str]] = [
    (RouterSolicitation(), "85 00 0000 00000000"),
    (RouterSolicitation([SOURCE]), "85 00 0000 00000000 0101020000000001"),
    (router_advertisement(), "86 00 0000 40 80 0708 00007530 000003e8"),
    (router_advertisement(managed=False, other=True), "86 00 0000 40 40 0708 00007530 000003e8"),
    (router_advertisement(options=[SOURCE]), "86 00 0000 40 80 0708 00007530 000003e8 0101020000000001"),
    (NeighborSolicitation(TARGET), "87 00 0000 00000000" + _TARGET),
    (NeighborSolicitation(TARGET, [SOURCE]), "87 00 0000 00000000" + _TARGET + "0101020000000001"),
    (neighbor_advertisement(), "88 00 0000 60000000" + _TARGET),
    (neighbor_advertisement(solicited=False), "88 00 0000 20000000" + _TARGET),
    (neighbor_advertisement(router=True, override=False), "88 00 0000 c0000000" + _TARGET),
    (
        neighbor_advertisement(options=[TargetLinkLayerAddress(MAC)]),
        "88 00 0000 60000000" + _TARGET + "0201020000000001",
    ),
]


def pack(message: bytes, source: str = LINK_LOCAL, destination: str = HOST, **changes: int) -> bytes:
    """Make a packet of any message, with a right checksum."""
    sender, receiver = IPv6Address(source), IPv6Address(destination)
    zeroed = message[:2] + bytes(2) + message[4:]
    checksum = icmpv6_checksum(sender, receiver, zeroed).to_bytes(2, "big")
    fields = {"next_header": 58, "hop_limit": 255} | changes
    payload = zeroed[:2] + checksum + zeroed[4:]
    return IPv6Packet(source=sender, destination=receiver, payload=payload, **fields).encode()


def complaint_about(packet: bytes) -> str:
    with pytest.raises(DecodeError) as raised:
        decode_packet(packet)
    return str(raised.value)


# Octets


@pytest.mark.parametrize(("message", "octets"), FIGURES)
def test_a_message_has_the_octets_of_its_figure(message: NDPMessage, octets: str) -> None:
    assert message.encode() == bytes.fromhex(octets)
    assert decode_packet(pack(message.encode()))[1] == message


def test_a_packet_carries_hop_limit_and_checksum() -> None:
    octets = encode_packet(NeighborSolicitation(TARGET), HOST, GROUP)
    packet, _ = decode_packet(octets)
    assert (packet.source, packet.destination) == (IPv6Address(HOST), IPv6Address(GROUP))
    assert (packet.hop_limit, packet.next_header, packet.traffic_class, packet.flow_label) == (255, 58, 0, 0)
    assert icmpv6_checksum(packet.source, packet.destination, packet.payload) == 0


LINUX_MEANS: dict[str, Callable[[IPv6Packet, EthernetFrame], NDPMessage]] = {
    "router solicitation": lambda _, frame: RouterSolicitation([SourceLinkLayerAddress(frame.source)]),
    "neighbour solicitation, duplicate address detection": lambda packet, _: NeighborSolicitation(
        IPv6Address(packet.payload[8:24]), [Nonce(packet.payload[26:])]
    ),
    "neighbour solicitation, multicast": lambda _, frame: NeighborSolicitation(
        "2001:db8::2", [SourceLinkLayerAddress(frame.source)]
    ),
    "neighbour solicitation, unicast": lambda _, frame: NeighborSolicitation(
        "2001:db8::1", [SourceLinkLayerAddress(frame.source)]
    ),
    "neighbour advertisement": lambda _, frame: neighbor_advertisement(
        target="2001:db8::2", options=[TargetLinkLayerAddress(frame.source)]
    ),
}


@pytest.mark.parametrize("kind", LINUX_MEANS)
def test_what_linux_sends_is_read_as_it_was_meant_and_written_as_it_was(kind: str) -> None:
    frame = EthernetFrame.decode(LINUX[kind])
    packet, message = decode_packet(frame.payload)
    assert message == LINUX_MEANS[kind](packet, frame)
    assert encode_packet(message, packet.source, packet.destination) == frame.payload


def test_every_frame_of_linux_is_looked_at() -> None:
    assert {kind for kind in LINUX if not kind.startswith("ARP")} == LINUX_MEANS.keys()


# Properties


@given(ndp_messages(), st.binary(max_size=18))
def test_a_message_survives_the_round_trip_and_padding(message: NDPMessage, padding: bytes) -> None:
    solicited = isinstance(message, NeighborAdvertisement) and message.solicited
    destination = HOST if solicited else ALL_NODES
    octets = encode_packet(message, LINK_LOCAL, destination)
    packet, decoded = decode_packet(octets + padding)
    assert decoded == message
    assert packet.encode() == octets


@given(ndp_packets(addresses=[IPv6Address(TARGET), IPv6Address(HOST)]))
def test_we_refuse_to_send_just_what_we_would_refuse_to_receive(packet: IPv6Packet) -> None:
    try:
        _, message = decode_packet(packet.encode())
    except DecodeError as error:
        refused = str(error)
    else:
        assert encode_packet(message, packet.source, packet.destination) == packet.encode()
        return
    if packet.hop_limit == 255:
        # Between two hosts, nothing but a source or destination can be wrong with these messages.
        _, message = decode_packet(pack(packet.payload))
        with pytest.raises(LocalError) as raised:
            encode_packet(message, packet.source, packet.destination)
        assert str(raised.value) == refused


@given(frames(mac=MAC, addresses=[TARGET, "203.0.113.7"]))
def test_any_frame_is_a_value_or_raises_the_documented_error(octets: bytes) -> None:
    try:
        packet, message = decode_packet(EthernetFrame.decode(octets).payload)
    except DecodeError:
        return
    assert packet in {packet}
    assert message in {message}
    assert eval(repr(message), vars(arp) | {"IPv6Address": IPv6Address}) == message
    assert decode_packet(encode_packet(message, packet.source, packet.destination))[1] == message


@given(
    kind=st.integers(133, 136) | st.integers(0, 0xFF),
    code=st.sampled_from([0, 0, 0, 1]),
    body=st.binary(max_size=60),
    source=st.sampled_from(["::", LINK_LOCAL, HOST, "ff02::1"]),
    destination=st.sampled_from([HOST, GROUP, "ff02::1"]),
)
def test_any_message_with_a_right_checksum_is_a_value_or_raises_the_documented_error(
    kind: int, code: int, body: bytes, source: str, destination: str
) -> None:
    try:
        _, message = decode_packet(pack(bytes([kind, code, 0, 0]) + body, source, destination))
    except DecodeError:
        return
    assert message.type == kind
    assert decode_packet(encode_packet(message, source, destination))[1] == message


# RFC 4861 6.1.1, 6.1.2, 7.1.1, 7.1.2: what has to be dropped

MESSAGES: list[NDPMessage] = [
    RouterSolicitation([SOURCE]),
    router_advertisement(options=[SOURCE]),
    NeighborSolicitation(TARGET, [SOURCE]),
    neighbor_advertisement(options=[TargetLinkLayerAddress(MAC)]),
]


def named(message: NDPMessage) -> str:
    return type(message).__name__


each_message = pytest.mark.parametrize("message", MESSAGES, ids=named)


@each_message
@pytest.mark.parametrize("hop_limit", [254, 64, 0])
def test_another_hop_limit_is_refused(message: NDPMessage, hop_limit: int) -> None:
    assert f"hop limit {hop_limit}, must be 255" in complaint_about(
        pack(message.encode(), hop_limit=hop_limit)
    )


@each_message
def test_every_octet_is_under_the_checksum(message: NDPMessage) -> None:
    good = pack(message.encode())
    decode_packet(good)
    for at in [*range(8, 40), *range(40, len(good))]:
        bad = bytearray(good)
        bad[at] ^= 0x10
        wrong = bytes(bad[42:44]).hex()
        assert complaint_about(bytes(bad)) == f"ICMPv6 checksum {wrong} does not fit the message"


@each_message
def test_another_code_is_refused(message: NDPMessage) -> None:
    octets = message.encode()
    complaint = complaint_about(pack(octets[:1] + b"\1" + octets[2:]))
    assert complaint == f"code 1 of ICMPv6 type {message.type}, must be 0"


@pytest.mark.parametrize(("kind", "shortest"), [(133, 8), (134, 16), (135, 24), (136, 24)])
def test_a_message_that_is_too_short_is_refused(kind: int, shortest: int) -> None:
    octets = bytes([kind]) + bytes(shortest - 1)
    decode_packet(pack(octets))
    for length in range(4, shortest):
        complaint = complaint_about(pack(octets[:length]))
        assert complaint == f"message of ICMPv6 type {kind} with {length} octets, must be at least {shortest}"


@pytest.mark.parametrize("length", range(4))
def test_a_message_without_a_whole_header_is_refused(length: int) -> None:
    packet = IPv6Packet(
        source=LINK_LOCAL, destination=HOST, next_header=58, hop_limit=255, payload=b"\x87\0\0\0"[:length]
    )
    complaint = complaint_about(packet.encode())
    assert complaint == f"ICMPv6 message of {length} octets, the header alone has 4"


@each_message
@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        (b"\x01\x00" + bytes(6), "length 0, must be at least 1"),
        (b"\x01\x02" + bytes(6), "16 octets, 8 are left"),
        (b"\x01", "1 octet is left"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(message: NDPMessage, option: bytes, complaint: str) -> None:
    octets = message.encode()
    told = complaint_about(pack(octets + option))
    assert complaint in told
    assert f"at octet {len(octets)}: " in told


@pytest.mark.parametrize("kind", [135, 136])
def test_a_multicast_target_is_refused(kind: int) -> None:
    octets = bytes([kind]) + bytes(7) + ALL_NODES.packed
    assert complaint_about(pack(octets)) == "target ff02::1 is a multicast address"


@pytest.mark.parametrize("kind", [0, 132, 137, 143])
def test_other_messages_of_icmpv6_are_refused(kind: int) -> None:
    assert complaint_about(pack(bytes([kind]) + bytes(39))) == f"ICMPv6 type {kind}, must be 133 to 136"


def test_another_protocol_and_what_is_no_packet_are_refused() -> None:
    octets = NeighborSolicitation(TARGET).encode()
    assert complaint_about(pack(octets, next_header=44)) == "next header 44, must be 58 for ICMPv6"
    assert complaint_about(pack(octets)[:-1]).startswith("IPv6 payload of 24 octets declared")


MALFORMED_SOURCE = UnknownOption(1, bytes(14))
AGAINST_THE_RULES: list[tuple[NDPMessage, str, str, str]] = [
    (RouterSolicitation([SOURCE]), "::", "ff02::2", "source :: of a solicitation with a source link-layer"),
    (RouterSolicitation([MALFORMED_SOURCE]), "::", "ff02::2", "source :: of a solicitation with a source"),
    (
        NeighborSolicitation(TARGET, [SOURCE]),
        "::",
        GROUP,
        "source :: of a solicitation with a source link-layer",
    ),
    (
        NeighborSolicitation(TARGET, [MALFORMED_SOURCE]),
        "::",
        GROUP,
        "source :: of a solicitation with a source",
    ),
    (
        NeighborSolicitation(TARGET),
        "::",
        TARGET,
        "destination 2001:db8::7 of a solicitation from ::, must be a",
    ),
    (
        NeighborSolicitation(TARGET),
        "::",
        "ff02::1",
        "destination ff02::1 of a solicitation from ::, must be a",
    ),
    (
        router_advertisement(),
        HOST,
        "ff02::1",
        "source 2001:db8::1 of a router advertisement, must be link-local",
    ),
    (router_advertisement(), "::", "ff02::1", "source :: of a router advertisement, must be link-local"),
    (
        neighbor_advertisement(),
        TARGET,
        "ff02::1",
        "destination ff02::1 of a solicited neighbour advertisement",
    ),
    (RouterSolicitation(), "ff02::1", "ff02::2", "source ff02::1 is a multicast address"),
    (neighbor_advertisement(), "ff02::1", HOST, "source ff02::1 is a multicast address"),
]


@pytest.mark.parametrize(("message", "source", "destination", "complaint"), AGAINST_THE_RULES)
def test_a_message_that_its_addresses_make_invalid_is_refused_both_ways(
    message: NDPMessage, source: str, destination: str, complaint: str
) -> None:
    assert complaint in complaint_about(pack(message.encode(), source, destination))
    with pytest.raises(LocalError, match=complaint):
        encode_packet(message, source, destination)


@pytest.mark.parametrize(
    ("message", "source", "destination"),
    [
        (RouterSolicitation(), "::", ALL_ROUTERS),
        (RouterSolicitation([SOURCE]), LINK_LOCAL, ALL_ROUTERS),
        (NeighborSolicitation(TARGET), "::", solicited_node_group(TARGET)),
        (NeighborSolicitation(TARGET, [TargetLinkLayerAddress(MAC), Nonce(bytes(6))]), "::", GROUP),
        (NeighborSolicitation(TARGET), HOST, TARGET),  # a reachability probe, without any option
        (router_advertisement(), "febf::1", ALL_NODES),
        (neighbor_advertisement(solicited=False), TARGET, ALL_NODES),
        (neighbor_advertisement(), TARGET, HOST),
    ],
)
def test_what_lies_close_to_these_rules_is_valid(
    message: NDPMessage, source: str, destination: IPv6Address | str
) -> None:
    assert decode_packet(encode_packet(message, source, destination))[1] == message


# What cannot be built


@pytest.mark.parametrize("kind", [NeighborSolicitation, lambda target: neighbor_advertisement(target=target)])
@pytest.mark.parametrize("target", ["ff02::1", "203.0.113.7", ""])
def test_a_target_is_a_unicast_address(kind: Callable[[str], NDPMessage], target: str) -> None:
    with pytest.raises(AddressError):
        kind(target)


@pytest.mark.parametrize("flag", ["router", "solicited", "override"])
def test_flags_of_a_neighbour_are_flags(flag: str) -> None:
    with pytest.raises(LocalError, match=f"{flag} 1, must be True or False"):
        neighbor_advertisement(**{flag: 1})


@pytest.mark.parametrize(
    "changes",
    [
        {"hop_limit": 256},
        {"managed": 1},
        {"other": None},
        {"router_lifetime": 0x10000},
        {"reachable_time": 1 << 32},
        {"retrans_timer": -1},
        {"options": [b"\x01\x01\x02\x00\x00\x00\x00\x01"]},
    ],
)
def test_a_field_of_a_router_out_of_range_cannot_be_built(changes: dict[str, object]) -> None:
    with pytest.raises(LocalError):
        router_advertisement(**changes)


def test_more_than_a_packet_holds_cannot_be_sent() -> None:
    message = NeighborSolicitation(TARGET, [Nonce(bytes(2038))] * 33)
    with pytest.raises(LocalError, match="must be 0 to 65535"):
        encode_packet(message, HOST, GROUP)
