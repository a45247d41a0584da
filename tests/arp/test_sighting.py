"""One frame in words."""

import json
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given

from arp import (
    ALL_NODES,
    ALL_ROUTERS,
    BROADCAST,
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    ICMPV6,
    S_TAG,
    UNKNOWN,
    UNSPECIFIED,
    EthernetFrame,
    IPv6Packet,
    MACAddress,
    NeighborAdvertisement,
    PrefixInformation,
    RouterAdvertisement,
    RouterSolicitation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    VLANTag,
    What,
)
from arp.sighting import Sighting, sight
from arp.testing import frames
from tests.arp import made
from tests.arp.made import CLIENT, CLIENT_4, CLIENT_6, NOBODY, VIP_4, VIP_6, A, B

LINK_LOCAL = IPv6Address("fe80::1")
TAGS = (VLANTag(100, protocol=S_TAG), VLANTag(0, priority=3), VLANTag(5))


def router(lifetime: int, *options: PrefixInformation) -> RouterAdvertisement:
    """Make a router's advertisement."""
    return RouterAdvertisement(
        hop_limit=64,
        managed=False,
        other=True,
        router_lifetime=lifetime,
        reachable_time=0,
        retrans_timer=0,
        options=options,
    )


PREFIX = PrefixInformation(
    prefix="2001:db8::/64", on_link=True, autonomous=True, valid_lifetime=60, preferred_lifetime=60
)


@pytest.mark.parametrize(
    ("frame", "what", "words"),
    [
        (made.request(), What.ARP_REQUEST, f"192.0.2.1 ({CLIENT}) asks who has 203.0.113.7"),
        (
            made.request(to=A),
            What.ARP_REQUEST,
            f"192.0.2.1 ({CLIENT}) asks {A} whether it has 203.0.113.7",
        ),
        (made.reply(A), What.ARP_REPLY, f"203.0.113.7 is at {A}, told to 192.0.2.1 ({CLIENT})"),
        (
            made.arp(2, (A, VIP_4), NOBODY, to=CLIENT),
            What.ARP_REPLY,
            f"203.0.113.7 is at {A}, told to one without address ({CLIENT})",
        ),
        (made.probe(CLIENT), What.ARP_PROBE, f"{CLIENT} asks who has 203.0.113.7"),
        (
            made.announcement(A),
            What.ARP_ANNOUNCEMENT,
            f"203.0.113.7 is at {A}, told to all by gratuitous request",
        ),
        (
            made.arp(2, (A, VIP_4), VIP_4, to=CLIENT),
            What.ARP_ANNOUNCEMENT,
            f"203.0.113.7 is at {A}, told to {CLIENT} by gratuitous reply",
        ),
        (
            made.announcement(B, source=A, tags=TAGS),
            What.ARP_ANNOUNCEMENT,
            f"203.0.113.7 is at {B}, told to all by gratuitous request, sent by {A} [VLAN 100.5]",
        ),
        (
            made.arp(8, (A, VIP_4), CLIENT_4),
            What.ARP_OTHER,
            f"{A} sends operation 8 about 192.0.2.1",
        ),
        (
            made.solicitation(),
            What.SOLICITATION,
            f"2001:db8::1 ({CLIENT}) asks who has 2001:db8::7",
        ),
        (
            made.solicitation(to=A),
            What.SOLICITATION,
            f"2001:db8::1 ({CLIENT}) asks {A} whether it has 2001:db8::7",
        ),
        (
            made.duplicate_detection(B),
            What.DUPLICATE_DETECTION,
            f"{B} wants 2001:db8::7 and asks whether it is free",
        ),
        (
            made.advertisement(A, router=True),
            What.ADVERTISEMENT,
            f"2001:db8::7 is at {A}, told to 2001:db8::1 (router, solicited, override)",
        ),
        (
            made.advertisement(A, to_all=True, override=False, bare=True),
            What.ANNOUNCEMENT,
            f"2001:db8::7 is at {A}, told to all (no flags)",
        ),
        (
            made.discovery(
                RouterSolicitation([TargetLinkLayerAddress(B), SourceLinkLayerAddress(A)]),
                LINK_LOCAL,
                ALL_ROUTERS,
                mac=A,
            ),
            What.ROUTER_SOLICITATION,
            f"fe80::1 ({A}) asks for routers",
        ),
        (
            made.discovery(RouterSolicitation(), UNSPECIFIED, ALL_ROUTERS, mac=A),
            What.ROUTER_SOLICITATION,
            f"{A} asks for routers",
        ),
        (
            made.discovery(router(1800, PREFIX), LINK_LOCAL, ALL_NODES, mac=A),
            What.ROUTER_ADVERTISEMENT,
            f"fe80::1 ({A}) is a default router for 1800 s, prefixes 2001:db8::/64",
        ),
        (
            made.discovery(router(0), LINK_LOCAL, ALL_NODES, mac=A),
            What.ROUTER_ADVERTISEMENT,
            f"fe80::1 ({A}) is no default router",
        ),
        (
            made.arp(1, (UNKNOWN, CLIENT_4), VIP_4, source=A),
            What.MALFORMED,
            f"from {A}: ARP sender {UNKNOWN}, must be a single station",
        ),
        (
            made.discovery(
                NeighborAdvertisement(
                    VIP_6,
                    router=False,
                    solicited=False,
                    override=True,
                    options=[TargetLinkLayerAddress(BROADCAST)],
                ),
                VIP_6,
                ALL_NODES,
                mac=A,
            ),
            What.MALFORMED,
            f"from {A}: link-layer address {BROADCAST}, must be a single station's",
        ),
        (
            made.request()[:20],
            What.MALFORMED,
            f"from {CLIENT}: ARP packet of 6 octets, IPv4 over Ethernet takes 28",
        ),
        (
            made.solicitation()[:21] + b"\xfe" + made.solicitation()[22:],
            What.MALFORMED,
            f"from {CLIENT}: hop limit 254, must be 255: it may come from another link",
        ),
    ],
)
def test_every_kind_of_frame_has_words(frame: bytes, what: What, words: str) -> None:
    seen = seen_of(frame).seen(2.5)
    assert (seen.what, seen.time, seen.text) == (what, 2.5, words)
    assert seen.facts["source"] == str(MACAddress(frame[6:12]))
    assert not seen.what.is_finding


def seen_of(frame: bytes) -> Sighting:
    """Read a frame that says something."""
    sighting = sight(frame)
    assert sighting is not None
    return sighting


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        made.request()[:13],
        EthernetFrame(destination=A, source=B, ethertype=0x0800, payload=bytes(40)).encode(),
        EthernetFrame(destination=A, source=B, ethertype=ETHERTYPE_IPV6, payload=bytes(40)).encode(),
        made.solicitation()[: 14 + 40],
        EthernetFrame(
            destination=A,
            source=B,
            ethertype=ETHERTYPE_IPV6,
            payload=IPv6Packet(
                source=VIP_6,
                destination=CLIENT_6,
                next_header=ICMPV6,
                hop_limit=64,
                payload=b"\x80" + bytes(7),
            ).encode(),
        ).encode(),
    ],
)
def test_what_is_neither_arp_nor_neighbour_discovery_is_nothing(frame: bytes) -> None:
    assert sight(frame) is None


@pytest.mark.parametrize(
    ("frame", "claimed", "asked"),
    [
        (made.request(), CLIENT_4, VIP_4),
        (made.reply(A), VIP_4, None),
        (made.announcement(A), VIP_4, None),
        (made.probe(A), None, VIP_4),
        (made.arp(8, (A, VIP_4), CLIENT_4), None, None),
        (made.arp(2, (A, NOBODY), NOBODY), None, None),
        (made.arp(1, (A, IPv4Address("255.255.255.255")), VIP_4), None, VIP_4),
        (made.arp(1, (A, CLIENT_4), IPv4Address("224.0.0.1")), CLIENT_4, None),
        (made.solicitation(), CLIENT_6, VIP_6),
        (made.duplicate_detection(A), None, VIP_6),
        (made.advertisement(A), VIP_6, None),
        (made.discovery(router(0), LINK_LOCAL, ALL_NODES, mac=A), LINK_LOCAL, None),
        (made.request()[:20], None, None),
    ],
)
def test_what_a_frame_claims_and_asks(frame: bytes, claimed: object, asked: object) -> None:
    sighting = seen_of(frame)
    assert (sighting.claimed, sighting.asked) == (claimed, asked)
    assert sighting.addresses == {claimed, asked} - {None}


def test_facts_for_programs() -> None:
    assert seen_of(made.announcement(B, source=A, tags=TAGS)).seen(0).to_dict() == {
        "what": "arp_announcement",
        "mac": str(B),
        "address": "203.0.113.7",
        "target": "203.0.113.7",
        "operation": 1,
        "source": str(A),
        "destination": str(BROADCAST),
        "vlans": (100, 5),
    }
    assert seen_of(made.advertisement(A)).facts["flags"] == ["solicited", "override"]


@given(frames(mac=A, addresses=[VIP_4, VIP_6]))
def test_no_frame_breaks_a_terminal(frame: bytes) -> None:
    sighting = sight(frame)
    if sighting is not None:
        seen = sighting.seen(0)
        assert seen.text.isascii()
        assert seen.text.isprintable()
        assert json.loads(json.dumps(seen.to_dict()))["what"]


def test_a_frame_of_noise_is_never_arp_by_chance() -> None:
    noise = EthernetFrame(destination=A, source=B, ethertype=ETHERTYPE_ARP, payload=bytes(60)).encode()
    assert seen_of(noise).what is What.MALFORMED
