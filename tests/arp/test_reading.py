"""What frames say about owned addresses: each rule by an example, and all together beside the codecs."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import (
    ALL_NODES,
    BROADCAST,
    C_TAG,
    S_TAG,
    UNKNOWN,
    MACAddress,
    Nonce,
    Operation,
    Reason,
    RouterAdvertisement,
    RouterSolicitation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    UnknownOption,
    group_mac,
    solicited_node_group,
)
from arp.reading import Question, Reading, Use, read
from arp.testing import frames
from tests.arp.octets import (
    CLIENT,
    CLIENT_IP,
    CLIENT_IP6,
    GROUP,
    MAC,
    OTHER_VIP,
    OTHER_VIP6,
    RIVAL,
    VIP,
    VIP6,
    advertisement,
    arp,
    duplicate_detection,
    ndp,
    solicitation,
)
from tests.arp.slow import slow_reading

ADDRESSES = [VIP, OTHER_VIP, VIP6, OTHER_VIP6]
OWNED = {ip_address(address).packed for address in ADDRESSES}
KEY, KEY6 = IPv4Address(VIP).packed, IPv6Address(VIP6).packed
ASKER, ASKER6 = IPv4Address(CLIENT_IP).packed, IPv6Address(CLIENT_IP6).packed
RELAY = MACAddress("02:00:00:00:00:77")
THIRD = IPv6Address("2001:db8::3")


def reading(frame: bytes) -> Reading:
    """Read a frame for our station with its addresses."""
    return read(frame, MAC.packed, OWNED)


def changed(frame: bytes, position: int, value: int) -> bytes:
    """Change one octet."""
    return frame[:position] + bytes([value]) + frame[position + 1 :]


def tagged(frame: bytes, protocol: int) -> bytes:
    """Put a VLAN tag in."""
    return frame[:12] + protocol.to_bytes(2, "big") + b"\0\5" + frame[12:]


@pytest.mark.parametrize(
    "frame",
    [
        arp(),
        arp(destination=MAC),
        arp(target_mac=BROADCAST) + bytes(18),
        arp(source=RELAY, sender_mac=CLIENT),
    ],
    ids=["to everyone", "to us", "padded", "relayed"],
)
def test_a_request_for_an_owned_address_is_a_question(frame: bytes) -> None:
    assert reading(frame) == Question(KEY, CLIENT.packed, ASKER)


def test_a_probe_is_a_question_from_no_address() -> None:
    assert reading(arp(sender_ip="0.0.0.0")) == Question(KEY, CLIENT.packed, bytes(4))  # RFC 5227 2.1.1


@pytest.mark.parametrize(
    "frame",
    [
        solicitation(),
        solicitation(options=[]),  # RFC 4861 4.3: it may be left out where the target knows it
        solicitation(receiver=VIP6),
        solicitation(receiver=VIP6, options=[]),
        solicitation(destination=MAC),  # RFC 6085: to the group, in a frame to us
        solicitation() + bytes(10),
        solicitation(source=RELAY, options=[SourceLinkLayerAddress(CLIENT)]),
        solicitation(options=[TargetLinkLayerAddress(RIVAL)]),
        solicitation(options=[UnknownOption(1, bytes(14))]),
    ],
)
def test_a_solicitation_for_an_owned_address_is_a_question(frame: bytes) -> None:
    assert reading(frame) == Question(KEY6, CLIENT.packed, ASKER6)


def test_the_nonces_of_a_probe_are_read() -> None:
    nonces = [Nonce(b"abcdef"), Nonce(b"ghijkl")]
    expected = Question(KEY6, RIVAL.packed, bytes(16), (b"abcdef", b"ghijkl"))
    assert reading(duplicate_detection(options=nonces)) == expected


@pytest.mark.parametrize(
    ("frame", "use"),
    [
        (arp(sender_ip=VIP), Use(KEY, CLIENT.packed)),
        (arp(sender_ip=VIP, target_ip=CLIENT_IP, destination=GROUP), Use(KEY, CLIENT.packed)),
        (arp(sender_ip=VIP, operation=Operation.REPLY, destination=CLIENT), Use(KEY, CLIENT.packed)),
        (arp(sender_ip=VIP, source=RELAY, sender_mac=CLIENT), Use(KEY, CLIENT.packed)),
        (advertisement(), Use(KEY6, RIVAL.packed)),
        (advertisement(options=[]), Use(KEY6, RIVAL.packed)),
        (advertisement(source=RELAY, options=[TargetLinkLayerAddress(RIVAL)]), Use(KEY6, RIVAL.packed)),
        (advertisement(sender=THIRD), Use(KEY6, RIVAL.packed)),
        (advertisement(receiver=CLIENT_IP6, destination=CLIENT, solicited=True), Use(KEY6, RIVAL.packed)),
        (advertisement(target=str(THIRD), sender=VIP6), Use(KEY6, RIVAL.packed)),
        (solicitation(target=str(THIRD), sender=VIP6), Use(KEY6, CLIENT.packed)),
        (solicitation(target=OTHER_VIP6, sender=VIP6), Use(KEY6, CLIENT.packed)),
        (ndp(RouterSolicitation(), sender=VIP6, receiver="ff02::2"), Use(KEY6, CLIENT.packed)),
    ],
)
def test_the_sender_of_an_owned_address_uses_it(frame: bytes, use: Use) -> None:
    assert reading(frame) == use


def test_a_router_that_advertises_itself_from_an_owned_address_uses_it() -> None:
    message = RouterAdvertisement(
        hop_limit=64,
        managed=False,
        other=False,
        router_lifetime=0,
        reachable_time=0,
        retrans_timer=0,
        options=[SourceLinkLayerAddress(RIVAL)],
    )
    key = IPv6Address("fe80::7").packed
    assert read(ndp(message, sender="fe80::7"), MAC.packed, {key}) == Use(key, RIVAL.packed)


SOLICITATION, ADVERTISEMENT = solicitation(), advertisement()
NS_TO_US = solicitation(receiver=VIP6)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (tagged(arp(), C_TAG), Reason.TAGGED),
        (tagged(SOLICITATION, S_TAG), Reason.TAGGED),
        (changed(arp(), 13, 0), Reason.OTHER_PROTOCOL),
        (b"", Reason.OTHER_PROTOCOL),
        (arp()[:13], Reason.OTHER_PROTOCOL),
        (arp()[:14], Reason.TRUNCATED),
        (arp()[:41], Reason.TRUNCATED),
        (changed(arp(), 15, 6), Reason.NOT_IPV4),
        (arp(target_ip="203.0.113.8"), Reason.NOT_OURS),
        (arp(source=MAC), Reason.OWN_FRAME),
        (arp(sender_mac=MAC), Reason.OWN_FRAME),
        (arp(source=MAC, sender_ip=VIP), Reason.OWN_FRAME),
        (arp(source=GROUP, sender_mac=CLIENT), Reason.BAD_SENDER),
        (arp(sender_mac=GROUP), Reason.BAD_SENDER),
        (arp(sender_mac=BROADCAST), Reason.BAD_SENDER),
        (arp(source=UNKNOWN, sender_mac=CLIENT), Reason.BAD_SENDER),
        (arp(sender_mac=UNKNOWN, sender_ip=VIP), Reason.BAD_SENDER),
        (arp(operation=Operation.REPLY), Reason.NOT_A_REQUEST),
        (arp(operation=8), Reason.NOT_A_REQUEST),
        (arp(destination=CLIENT), Reason.NOT_TO_US),
        (arp(destination=GROUP), Reason.NOT_TO_US),
        (SOLICITATION[:14], Reason.TRUNCATED),
        (SOLICITATION[:20], Reason.TRUNCATED),
        (SOLICITATION[:54], Reason.TRUNCATED),
        (SOLICITATION[:61], Reason.TRUNCATED),
        (SOLICITATION[:77], Reason.TRUNCATED),
        (changed(SOLICITATION, 20, 6)[:40], Reason.OTHER_PROTOCOL),
        (changed(SOLICITATION, 54, 128)[:60], Reason.OTHER_PROTOCOL),
        (changed(SOLICITATION, 20, 0), Reason.OTHER_PROTOCOL),
        (changed(SOLICITATION, 54, 128), Reason.OTHER_PROTOCOL),
        (changed(SOLICITATION, 54, 137), Reason.OTHER_PROTOCOL),
        (solicitation(target=str(THIRD)), Reason.NOT_OURS),
        (ndp(RouterSolicitation(), receiver="ff02::2"), Reason.NOT_OURS),
        (changed(SOLICITATION, 14, 0x50), Reason.INVALID),
        (changed(SOLICITATION, 21, 254), Reason.INVALID),
        (changed(SOLICITATION, 55, 1), Reason.INVALID),
        (changed(SOLICITATION, 57, SOLICITATION[57] ^ 1), Reason.INVALID),
        (changed(SOLICITATION, 19, 16), Reason.INVALID),
        (changed(SOLICITATION, 19, 25), Reason.INVALID),
        (changed(SOLICITATION, 79, 0), Reason.INVALID),
        (SOLICITATION[:-1], Reason.INVALID),
        (changed(ADVERTISEMENT, 21, 254), Reason.INVALID),
        (solicitation(source=MAC, options=[]), Reason.OWN_FRAME),
        (solicitation(options=[SourceLinkLayerAddress(MAC)]), Reason.OWN_FRAME),
        (duplicate_detection(source=MAC), Reason.OWN_FRAME),
        (advertisement(source=MAC), Reason.OWN_FRAME),
        (advertisement(options=[TargetLinkLayerAddress(MAC)]), Reason.OWN_FRAME),
        (solicitation(source=GROUP, options=[]), Reason.BAD_SENDER),
        (solicitation(options=[SourceLinkLayerAddress(GROUP)]), Reason.BAD_SENDER),
        (advertisement(options=[TargetLinkLayerAddress(UNKNOWN)]), Reason.BAD_SENDER),
        (solicitation(destination=CLIENT), Reason.NOT_TO_US),
        (solicitation(receiver=VIP6, destination=CLIENT), Reason.NOT_TO_US),
        (solicitation(receiver=THIRD), Reason.NOT_TO_US),
        (solicitation(receiver=ALL_NODES), Reason.NOT_TO_US),
        (solicitation(receiver=VIP6, destination=group_mac(solicited_node_group(VIP6))), Reason.NOT_TO_US),
    ],
)
def test_what_is_neither_has_a_reason(frame: bytes, reason: Reason) -> None:
    assert reading(frame) == reason


def test_a_group_as_sender_is_invalid_even_with_its_checksum() -> None:
    frame = changed(SOLICITATION, 22, 0xFF)  # fe80::2 becomes ff80::2
    checksum = int.from_bytes(frame[56:58], "big") - 0x0100
    assert reading(frame[:56] + checksum.to_bytes(2, "big") + frame[58:]) == Reason.INVALID


def same(left: Reading, right: Reading) -> bool:
    return type(left) is type(right) and left == right


@given(frames(mac=MAC, addresses=ADDRESSES) | st.binary(max_size=100))
def test_the_fast_path_agrees_with_the_codecs(frame: bytes) -> None:
    assert same(reading(frame), slow_reading(frame, MAC, OWNED))


@pytest.mark.parametrize(
    "frame",
    [arp(), SOLICITATION, NS_TO_US, ADVERTISEMENT, duplicate_detection(), solicitation(options=[])],
    ids=["ARP", "NS", "NS to us", "NA", "DAD", "NS without option"],
)
def test_it_agrees_with_them_whichever_octet_is_damaged(frame: bytes) -> None:
    assert same(reading(frame), slow_reading(frame, MAC, OWNED))
    for position in range(len(frame)):
        assert same(reading(frame[:position]), slow_reading(frame[:position], MAC, OWNED))
        for bit in range(8):
            damaged = changed(frame, position, frame[position] ^ 1 << bit)
            assert same(reading(damaged), slow_reading(damaged, MAC, OWNED))


def test_every_reason_is_explained() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason)
