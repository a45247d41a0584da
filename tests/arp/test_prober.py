"""Questions to others: what is asked, what counts as an answer, and when a question is over."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import (
    BROADCAST,
    ETHERTYPE_IPV6,
    UNKNOWN,
    AddressError,
    Answer,
    EthernetFrame,
    LocalError,
    MACAddress,
    NeighborSolicitation,
    Operation,
    Prober,
    Responder,
    RouterSolicitation,
    SourceLinkLayerAddress,
    TargetLinkLayerAddress,
    decode_packet,
    group_mac,
    solicited_node_group,
)
from arp.testing import frames
from tests.arp.octets import CLIENT, GROUP, MAC, RIVAL, VIP, VIP6, advertisement, arp, ndp, sent

LINK_LOCAL = IPv6Address("fe80::1")


def reply(*, mac: MACAddress = RIVAL, address: str = VIP, target_mac: MACAddress = MAC) -> bytes:
    """Make a station's answer to our ARP question."""
    return arp(
        destination=MAC,
        source=mac,
        operation=Operation.REPLY,
        sender_ip=address,
        target_mac=target_mac,
        target_ip="0.0.0.0",
    )


def answered(mac: MACAddress = RIVAL) -> bytes:
    """Make a station's answer to our solicitation from a link-local address."""
    return advertisement(source=mac, receiver=LINK_LOCAL, solicited=True)


@pytest.fixture
def prober() -> Prober:
    """Give a prober with a link-local address."""
    return Prober(mac=MAC, link_local=LINK_LOCAL)


@pytest.mark.parametrize("mac", [None, RIVAL])
def test_an_arp_question_comes_from_no_address(prober: Prober, mac: MACAddress | None) -> None:
    number, outputs = prober.ask(VIP, 0.0, mac=mac)
    assert number == 1
    assert sent(outputs) == [
        arp(destination=mac or BROADCAST, source=MAC, sender_ip="0.0.0.0", target_mac=UNKNOWN)
    ]


@pytest.mark.parametrize("mac", [None, RIVAL])
@pytest.mark.parametrize("link_local", [None, "fe80::1"])
def test_a_solicitation_comes_from_the_link_local_address_if_there_is_one(
    mac: MACAddress | None, link_local: str | None
) -> None:
    _, outputs = Prober(mac=MAC, link_local=link_local).ask(VIP6, 0.0, mac=mac)
    frame = EthernetFrame.decode(sent(outputs)[0])
    group = solicited_node_group(VIP6)
    assert (frame.destination, frame.source) == (mac or group_mac(group), MAC)
    assert frame.ethertype == ETHERTYPE_IPV6
    packet, message = decode_packet(frame.payload)
    told = [SourceLinkLayerAddress(MAC)] if link_local else []
    assert message == NeighborSolicitation(IPv6Address(VIP6), told)
    assert packet.source == IPv6Address(link_local or "::")
    assert packet.destination == (IPv6Address(VIP6) if mac and link_local else group)


@pytest.mark.parametrize("address", [VIP, VIP6])
@pytest.mark.parametrize("link_local", [None, "fe80::1"])
@pytest.mark.parametrize("mac", [None, RIVAL])
def test_a_responder_answers(address: str, link_local: str | None, mac: MACAddress | None) -> None:
    responder, prober = Responder(mac=RIVAL), Prober(mac=MAC, link_local=link_local)
    responder.add(address, 0.0)
    number, outputs = prober.ask(address, 5.0, mac=mac)
    (answer,) = sent(responder.receive_frame(sent(outputs)[0], 5.0))
    expected = Answer(question=number, address=next(iter(responder.addresses)), mac=RIVAL, elapsed=0.25)
    assert prober.receive_frame(answer, 5.25) == [expected]


def test_everyone_who_answers_a_question_to_everyone_counts_once(prober: Prober) -> None:
    number, _ = prober.ask(VIP, 0.0)
    answers = [prober.receive_frame(reply(mac=mac), 0.1) for mac in (RIVAL, CLIENT, RIVAL)]
    assert [[answer.mac for answer in each] for each in answers] == [[RIVAL], [CLIENT], []]
    assert prober.addresses
    assert prober.next_timeout() == 1.0
    assert prober.handle_timeout(0.9) == []
    assert prober.handle_timeout(1.0) == [number]
    assert not prober.busy
    assert prober.next_timeout() is None
    assert prober.receive_frame(reply(), 1.1) == []


def test_a_question_to_one_station_ends_with_its_answer(prober: Prober) -> None:
    prober.ask(VIP, 0.0, mac=RIVAL)
    assert prober.receive_frame(reply(mac=CLIENT), 0.1) == []
    assert len(prober.receive_frame(reply(), 0.2)) == 1
    assert not prober.busy
    assert prober.handle_timeout(9.0) == []


def test_questions_are_told_apart(prober: Prober) -> None:
    first, _ = prober.ask(VIP, 0.0, timeout=3.0)
    second, _ = prober.ask(VIP, 1.0, mac=RIVAL)
    third, _ = prober.ask(VIP6, 1.0, timeout=0.5)
    assert prober.addresses == {IPv4Address(VIP), IPv6Address(VIP6)}
    answers = prober.receive_frame(reply(), 1.25)
    assert [(answer.question, answer.elapsed) for answer in answers] == [(first, 1.25), (second, 0.25)]
    assert [answer.question for answer in prober.receive_frame(answered(), 1.25)] == [third]
    assert prober.handle_timeout(9.0) == [first, third]


def test_a_question_can_be_cancelled(prober: Prober) -> None:
    number, _ = prober.ask(VIP, 0.0)
    prober.cancel(number)
    prober.cancel(number)
    assert not prober.busy


def test_no_more_stations_are_told_than_anybody_wants(prober: Prober) -> None:
    prober.ask(VIP, 0.0)
    macs = [MACAddress(b"\2\0\0\1" + number.to_bytes(2, "big")) for number in range(300)]
    assert sum(len(prober.receive_frame(reply(mac=mac), 0.1)) for mac in macs) == 256


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        reply(address="203.0.113.8"),
        reply(target_mac=CLIENT),
        reply(mac=GROUP),
        reply(mac=UNKNOWN),
        reply(mac=MAC),
        reply()[:40],
        arp(source=RIVAL, sender_ip=VIP, target_mac=MAC),
        reply()[:12] + b"\x81\0\0\5" + reply()[12:],
        reply()[:12] + b"\x08\0" + reply()[14:],
        advertisement(),
        advertisement(receiver=LINK_LOCAL, solicited=False),
        advertisement(
            source=RIVAL, receiver=LINK_LOCAL, solicited=True, options=[TargetLinkLayerAddress(MAC)]
        ),
        advertisement(
            source=MAC, receiver=LINK_LOCAL, solicited=True, options=[TargetLinkLayerAddress(RIVAL)]
        ),
        answered()[:-1],
        ndp(RouterSolicitation(), receiver="ff02::2"),
    ],
)
def test_what_is_no_answer_to_us_is_none(prober: Prober, frame: bytes) -> None:
    prober.ask(VIP, 0.0)
    prober.ask(VIP6, 0.0)
    assert prober.receive_frame(frame, 0.1) == []


def test_without_a_link_local_address_any_advertisement_counts() -> None:
    prober = Prober(mac=MAC)
    prober.ask(VIP6, 0.0)
    (answer,) = prober.receive_frame(advertisement(options=[]), 0.1)
    assert answer.mac == RIVAL


def test_what_cannot_be_asked_is_refused_and_leaves_nothing(prober: Prober) -> None:
    with pytest.raises(AddressError):
        prober.ask("224.0.0.1", 0.0)
    with pytest.raises(AddressError):
        prober.ask(VIP, 0.0, mac="ff:ff:ff:ff:ff:ff")
    for timeout in (0.0, -1.0, float("inf"), float("nan")):
        with pytest.raises(LocalError, match=f"timeout {timeout!r}"):
            prober.ask(VIP, 0.0, timeout=timeout)
    with pytest.raises(AddressError):
        Prober(mac=BROADCAST)
    with pytest.raises(AddressError):
        Prober(mac=MAC, link_local="203.0.113.1")
    assert not prober.busy


@given(st.lists(frames(mac=MAC, addresses=[VIP, VIP6]) | st.binary(max_size=90), max_size=5))
def test_any_octets_are_an_answer_or_none(received: list[bytes]) -> None:
    prober = Prober(mac=MAC)
    prober.ask(VIP, 0.0)
    prober.ask(VIP6, 0.0)
    for frame in received:
        for answer in prober.receive_frame(frame, 0.5):
            assert str(answer.address) in (VIP, VIP6)
            assert answer.mac != MAC
