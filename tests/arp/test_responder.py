"""The responder on a virtual clock: what it answers, what it is silent about and why, and when it announces."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import (
    BROADCAST,
    ETHERTYPE_ARP,
    UNKNOWN,
    AddressError,
    ARPPacket,
    DecodeError,
    EthernetFrame,
    Ignored,
    MACAddress,
    Operation,
    Output,
    Reason,
    Responder,
    SendFrame,
)
from arp.testing import frames, ip_addresses

MAC = MACAddress("02:00:00:00:00:01")
CLIENT = MACAddress("02:00:00:00:00:02")
GROUP = MACAddress("01:00:5e:00:00:01")
VIP = "203.0.113.7"
OTHER_VIP = "203.0.113.9"


def frame(
    *,
    destination: MACAddress = BROADCAST,
    source: MACAddress = CLIENT,
    ethertype: int = ETHERTYPE_ARP,
    operation: int = Operation.REQUEST,
    sender_mac: MACAddress = CLIENT,
    sender_ip: str = "203.0.113.1",
    target_mac: MACAddress = UNKNOWN,
    target_ip: str = VIP,
) -> bytes:
    """Make a client's question for VIP, or what is left of one after the changes."""
    packet = ARPPacket(
        operation=operation,
        sender_mac=sender_mac,
        sender_ip=sender_ip,
        target_mac=target_mac,
        target_ip=target_ip,
    )
    payload = packet.encode()
    return EthernetFrame(
        destination=destination, source=source, ethertype=ethertype, payload=payload
    ).encode()


@pytest.fixture
def responder() -> Responder:
    """Give a responder that owns VIP and OTHER_VIP since time 0."""
    responder = Responder(mac=MAC)
    responder.replace([VIP, OTHER_VIP], now=0.0)
    return responder


# What is answered


REPLY = frame(
    destination=CLIENT,
    source=MAC,
    operation=Operation.REPLY,
    sender_mac=MAC,
    sender_ip=VIP,
    target_mac=CLIENT,
    target_ip="203.0.113.1",
)


@pytest.mark.parametrize("destination", [BROADCAST, MAC])
def test_a_request_to_everyone_or_to_us_is_answered(responder: Responder, destination: MACAddress) -> None:
    assert responder.receive_frame(frame(destination=destination), now=0.1) == [SendFrame(REPLY)]


def test_padding_and_a_filled_target_mac_address_change_nothing(responder: Responder) -> None:
    question = frame(target_mac=BROADCAST) + bytes(18)
    assert responder.receive_frame(question, now=0.1) == [SendFrame(REPLY)]


def test_a_probe_is_answered(responder: Responder) -> None:
    (output,) = responder.receive_frame(frame(sender_ip="0.0.0.0"), now=0.1)  # RFC 5227 2.1.1
    assert isinstance(output, SendFrame)
    reply = ARPPacket.decode(output.frame[14:])
    assert (reply.sender_ip, reply.target_ip) == (IPv4Address(VIP), IPv4Address("0.0.0.0"))


def test_the_reply_goes_to_the_asker_even_if_another_station_relays_the_question(
    responder: Responder,
) -> None:
    relay = MACAddress("02:00:00:00:00:77")
    assert responder.receive_frame(frame(source=relay), now=0.1) == [SendFrame(REPLY)]


# What is not answered, in the order of the rules


@pytest.mark.parametrize(
    ("received", "reason"),
    [
        (frame(ethertype=0x0800), Reason.NOT_ARP),
        (frame()[:12] + bytes.fromhex("81000005") + frame()[12:], Reason.NOT_ARP),
        (b"", Reason.NOT_ARP),
        (frame()[:41], Reason.TRUNCATED),
        (frame()[:14], Reason.TRUNCATED),
        (frame()[:13], Reason.NOT_ARP),
        (frame()[:15] + b"\x06" + frame()[16:], Reason.NOT_IPV4),
        (frame(source=MAC), Reason.OWN_FRAME),
        (frame(sender_mac=MAC), Reason.OWN_FRAME),
        (frame(source=MAC, sender_mac=MAC, sender_ip=VIP), Reason.OWN_FRAME),
        (frame(source=GROUP), Reason.BAD_SENDER),
        (frame(sender_mac=GROUP), Reason.BAD_SENDER),
        (frame(sender_mac=BROADCAST), Reason.BAD_SENDER),
        (frame(source=UNKNOWN), Reason.BAD_SENDER),
        (frame(sender_mac=UNKNOWN), Reason.BAD_SENDER),
        (frame(sender_ip=VIP), Reason.CONFLICT),
        (frame(sender_ip=OTHER_VIP), Reason.CONFLICT),
        (frame(sender_ip=VIP, operation=Operation.REPLY, destination=CLIENT), Reason.CONFLICT),
        (frame(operation=Operation.REPLY), Reason.NOT_A_REQUEST),
        (frame(operation=8), Reason.NOT_A_REQUEST),
        (frame(destination=CLIENT), Reason.NOT_TO_US),
        (frame(destination=GROUP), Reason.NOT_TO_US),
        (frame(target_ip="203.0.113.8"), Reason.NOT_OURS),
    ],
)
def test_silence_has_a_reason_and_is_counted(responder: Responder, received: bytes, reason: Reason) -> None:
    assert responder.receive_frame(received, now=0.1) == [Ignored(reason)]
    counted = {reason: count for reason, count in responder.statistics.ignored.items() if count}
    assert counted == {reason: 1}
    assert not any(responder.statistics.replies.values())


def slow_answer(received: bytes, owned: set[IPv4Address]) -> Output:
    """Say what the responder must, by the codecs and in the words of the RFCs."""
    try:
        question = EthernetFrame.decode(received)
    except DecodeError:
        return Ignored(Reason.NOT_ARP)
    if question.tags or question.ethertype != ETHERTYPE_ARP:
        return Ignored(Reason.NOT_ARP)
    try:
        packet = ARPPacket.decode(question.payload)
    except DecodeError:
        return Ignored(Reason.TRUNCATED if len(received) < 42 else Reason.NOT_IPV4)
    senders = [question.source, packet.sender_mac]
    rules = [
        (MAC in senders, Reason.OWN_FRAME),
        (any(mac.is_multicast or mac.is_zero for mac in senders), Reason.BAD_SENDER),
        (packet.sender_ip in owned, Reason.CONFLICT),
        (packet.operation != Operation.REQUEST, Reason.NOT_A_REQUEST),
        (question.destination not in (BROADCAST, MAC), Reason.NOT_TO_US),
        (packet.target_ip not in owned, Reason.NOT_OURS),
    ]
    for applies, reason in rules:
        if applies:
            return Ignored(reason)
    return SendFrame(
        frame(
            destination=packet.sender_mac,
            source=MAC,
            operation=Operation.REPLY,
            sender_mac=MAC,
            sender_ip=str(packet.target_ip),
            target_mac=packet.sender_mac,
            target_ip=str(packet.sender_ip),
        )
    )


@given(frames(mac=MAC, addresses=[VIP, OTHER_VIP]))
def test_the_fast_path_agrees_with_the_codecs(received: bytes) -> None:
    responder = Responder(mac=MAC)
    responder.replace([VIP, OTHER_VIP], now=0.0)
    assert responder.receive_frame(received, now=0.1) == [
        slow_answer(received, {IPv4Address(VIP), IPv4Address(OTHER_VIP)})
    ]


@given(st.data(), st.lists(ip_addresses(), unique=True, max_size=5))
def test_only_owned_addresses_are_ever_answered_for(data: st.DataObject, owned: list[IPv4Address]) -> None:
    responder = Responder(mac=MAC)
    responder.replace(owned, now=0.0)
    for received in data.draw(st.lists(frames(mac=MAC, addresses=[VIP, *owned]), max_size=5)):
        (output,) = responder.receive_frame(received, now=0.1)
        if isinstance(output, SendFrame):
            assert ARPPacket.decode(output.frame[14:]).sender_ip in owned


# Announcing


def announced(outputs: list[SendFrame]) -> list[tuple[int, str]]:
    """Read gratuitous frames as (operation, address), and check what they have in common."""
    seen = []
    for output in outputs:
        sent = EthernetFrame.decode(output.frame)
        packet = ARPPacket.decode(sent.payload)
        assert (sent.destination, sent.source, sent.ethertype) == (BROADCAST, MAC, ETHERTYPE_ARP)
        assert packet.sender_mac == MAC
        assert packet.sender_ip == packet.target_ip
        # RFC 5227 2.1.1, RFC 5944 4.6
        assert packet.target_mac == (UNKNOWN if packet.operation == Operation.REQUEST else MAC)
        seen.append((packet.operation, str(packet.sender_ip)))
    return seen


def run_until(responder: Responder, end: float) -> list[tuple[float, list[tuple[int, str]]]]:
    """Call at each deadline until `end`, and give what was announced when."""
    timeline = []
    while (due := responder.next_timeout()) is not None and due <= end:
        timeline.append((round(due, 6), announced(responder.handle_timeout(due))))
    return timeline


def test_an_added_address_is_announced_in_both_forms_at_once_and_then_for_five_seconds() -> None:
    responder = Responder(mac=MAC)
    both = [(1, VIP), (2, VIP)]
    assert announced(responder.add(VIP, now=10.0)) == both
    assert run_until(responder, 100.0) == [(11.1, both), (12.2, both), (13.3, both), (14.4, both)]
    assert responder.next_timeout() is None
    assert responder.statistics.gratuitous == {IPv4Address(VIP): 10}


def test_nothing_is_announced_early_and_nothing_is_made_up_for() -> None:
    responder = Responder(mac=MAC)
    responder.add(VIP, now=0.0)
    assert responder.handle_timeout(1.0) == []
    assert len(responder.handle_timeout(3.5)) == 2  # two rounds were missed
    assert run_until(responder, 100.0) == [(4.6, [(1, VIP), (2, VIP)])]


def test_addresses_have_schedules_of_their_own() -> None:
    responder = Responder(mac=MAC)
    responder.add(VIP, now=0.0)
    responder.add(OTHER_VIP, now=4.0)
    later = [(1, OTHER_VIP), (2, OTHER_VIP)]
    assert run_until(responder, 5.2)[3:] == [(4.4, [(1, VIP), (2, VIP)]), (5.1, later)]


def test_a_removed_address_is_neither_announced_nor_answered_for(responder: Responder) -> None:
    assert responder.remove(VIP, now=0.5) == []
    assert all(address == OTHER_VIP for _, sent in run_until(responder, 100.0) for _, address in sent)
    assert responder.receive_frame(frame(), now=6.0) == [Ignored(Reason.NOT_OURS)]


@pytest.mark.parametrize("again", [0.0, 0.5])
def test_an_address_that_returns_is_announced_anew_and_not_twice_as_often(again: float) -> None:
    responder = Responder(mac=MAC)
    responder.add(VIP, now=0.0)
    responder.remove(VIP, now=again)
    responder.add(VIP, now=again)
    rounds = [round(again + 1.1 * number, 6) for number in range(1, 5)]
    assert [due for due, _ in run_until(responder, 100.0)] == rounds


def test_replace_with_the_same_addresses_neither_restarts_nor_extends(responder: Responder) -> None:
    assert responder.replace([OTHER_VIP, VIP, VIP], now=1.0) == []
    assert responder.add(VIP, now=1.0) == []
    assert [due for due, _ in run_until(responder, 100.0)] == [
        due for due in (1.1, 2.2, 3.3, 4.4) for _ in "1"
    ]


def test_replace_announces_only_what_is_new(responder: Responder) -> None:
    assert announced(responder.replace([VIP, "203.0.113.20"], now=10.0)) == [
        (1, "203.0.113.20"),
        (2, "203.0.113.20"),
    ]
    assert responder.addresses == {IPv4Address(VIP), IPv4Address("203.0.113.20")}
    assert responder.receive_frame(frame(target_ip=OTHER_VIP), now=10.0) == [Ignored(Reason.NOT_OURS)]


@given(st.lists(st.sets(ip_addresses(), max_size=4), max_size=4))
def test_after_replace_exactly_these_are_owned(sets: list[set[IPv4Address]]) -> None:
    responder = Responder(mac=MAC)
    before: set[IPv4Address] = set()
    for now, wanted in enumerate(sets):
        outputs = responder.replace(wanted, now=float(now))
        assert {address for _, address in announced(outputs)} == {str(address) for address in wanted - before}
        assert responder.addresses == wanted
        before = wanted


# What can be owned


@pytest.mark.parametrize(
    "address",
    [
        "203.0.113",
        "",
        "224.0.0.1",
        "0.0.0.0",
        "127.0.0.1",
        "255.255.255.255",
        "203.0.113.7/32",
        "2001:db8::1",
    ],
)
def test_what_cannot_be_owned_is_refused_before_anything_changes(responder: Responder, address: str) -> None:
    before = responder.addresses
    with pytest.raises(AddressError):
        responder.add(address, now=0.0)
    with pytest.raises(AddressError):
        responder.remove(address, now=0.0)
    with pytest.raises(AddressError):
        responder.replace(["203.0.113.20", address], now=0.0)
    assert responder.addresses == before


def test_ipv6_is_refused_by_name_and_objects_are_accepted() -> None:
    responder = Responder(mac=MAC)
    with pytest.raises(AddressError, match="IPv6 address 2001:db8::1 is not supported"):
        responder.add(ip_address("2001:db8::1"), now=0.0)
    responder.add(ip_address(VIP), now=0.0)
    assert responder.addresses == {IPv4Address(VIP)}


def test_what_is_neither_text_nor_an_address_is_refused() -> None:
    with pytest.raises(AddressError):
        Responder(mac=MAC).add(7, now=0.0)  # type: ignore[arg-type]  # a caller without a type checker


@pytest.mark.parametrize("mac", [BROADCAST, GROUP, UNKNOWN, "02:00"])
def test_only_a_station_can_respond(mac: MACAddress | str) -> None:
    with pytest.raises(AddressError):
        Responder(mac=mac)


def test_the_mac_address_is_fixed(responder: Responder) -> None:
    with pytest.raises(AttributeError):
        responder.mac = CLIENT


# Counting


def test_replies_are_counted_for_each_address_and_end_with_it(responder: Responder) -> None:
    for target in (VIP, VIP, OTHER_VIP):
        responder.receive_frame(frame(target_ip=target), now=0.1)
    before = responder.statistics
    assert before.replies == {IPv4Address(VIP): 2, IPv4Address(OTHER_VIP): 1}
    assert set(before.ignored) == set(Reason)
    responder.remove(VIP, now=0.2)
    assert responder.statistics.replies == {IPv4Address(OTHER_VIP): 1}
    assert before.replies[IPv4Address(VIP)] == 2, "a snapshot does not change"


def test_every_reason_is_explained() -> None:
    assert len({reason.value for reason in Reason}) == len(Reason)
