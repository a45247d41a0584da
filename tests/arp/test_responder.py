"""The responder on a virtual clock: whom it answers, what it announces when, and what it does about others."""

from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import (
    BROADCAST,
    UNKNOWN,
    AddressError,
    ARPPacket,
    Claimed,
    ClaimState,
    Conflict,
    ConflictPolicy,
    EthernetFrame,
    Ignored,
    MACAddress,
    NeighborAdvertisement,
    Nonce,
    Outcome,
    Output,
    Reason,
    Responder,
    SendFrame,
    Settings,
    TargetLinkLayerAddress,
    decode_packet,
)
from arp.testing import ip_addresses, ipv6_addresses
from tests.arp.octets import (
    CLIENT,
    CLIENT_IP,
    CLIENT_IP6,
    GROUP,
    MAC,
    OTHER_VIP,
    RIVAL,
    VIP,
    VIP6,
    arp,
    duplicate_detection,
    probe,
    question,
    rival,
    said,
    sent,
)

BOTH = pytest.mark.parametrize("vip", [VIP, VIP6])
PROBING = Settings(probe_count=2)
NEW_MAC = MACAddress("02:00:00:00:00:11")
Timeline = list[tuple[float, list[str]]]


def words(outputs: Sequence[Output]) -> list[str]:
    """Tell outputs as words; an announcement of either family is one."""
    told = []
    for output in outputs:
        match output:
            case SendFrame(frame):
                verb, address = said(frame)
                told.append(f"{verb} {address}")
            case Ignored(reason):
                told.append(f"ignored: {reason.value}")
            case Claimed(address=claimed):
                told.append(f"claimed {claimed}")
            case Conflict(address=disputed, outcome=outcome):
                told.append(f"conflict {disputed}: {outcome.value}")
    # Gratuitous ARP is two frames.
    return [
        word
        for number, word in enumerate(told)
        if not (number and "announce" in word and ":" not in word and told[number - 1] == word)
    ]


def run_until(responder: Responder, end: float) -> Timeline:
    """Call at each deadline until `end`, and give what came out when."""
    timeline = []
    while (due := responder.next_timeout()) is not None and due <= end:
        timeline.append((round(due, 6), words(responder.handle_timeout(due))))
    return timeline


def owning(*addresses: str, settings: Settings | None = None) -> Responder:
    """Give a responder that owns these addresses since time 0."""
    responder = Responder(mac=MAC, interface="eth0", settings=settings or Settings())
    responder.replace(addresses, 0.0)
    return responder


# Answers


@BOTH
def test_a_question_is_answered_to_the_asker_and_counted(vip: str) -> None:
    responder = owning(vip, OTHER_VIP)
    (output,) = responder.receive_frame(question(vip), 0.1)
    assert isinstance(output, SendFrame)
    assert said(output.frame) == ("answer", vip)
    assert EthernetFrame.decode(output.frame).destination == CLIENT
    responder.receive_frame(question(vip), 0.1)
    replies = responder.statistics.replies
    assert replies == {ip_address(vip): 2, ip_address(OTHER_VIP): 0}
    responder.remove(vip, 0.2)
    assert responder.statistics.replies == {ip_address(OTHER_VIP): 0}
    assert replies[ip_address(vip)] == 2, "a snapshot does not change"


FORGOTTEN: dict[str, tuple[Callable[[Responder, str], object], str]] = {
    "it is removed": (lambda responder, vip: responder.remove(vip, 1.0), "ignored: not ours"),
    "it is replaced": (lambda responder, _: responder.replace([OTHER_VIP], 1.0), "ignored: not ours"),
    "the asker's is owned": (
        lambda responder, vip: responder.add(CLIENT_IP6 if ":" in vip else CLIENT_IP, 1.0),
        "ignored: conflict",
    ),
    "the link is down": (lambda responder, _: responder.link_down(1.0), "ignored: link down"),
    "it is yielded": (
        lambda responder, vip: [responder.receive_frame(rival(vip), now) for now in (1.0, 2.0)],
        "ignored: yielded",
    ),
}


@BOTH
@pytest.mark.parametrize(("change", "silence"), FORGOTTEN.values(), ids=FORGOTTEN)
def test_a_question_that_comes_again_is_judged_by_what_is_true_then(
    vip: str, change: Callable[[Responder, str], object], silence: str
) -> None:
    responder = owning(vip, OTHER_VIP, settings=Settings(conflict_policy=ConflictPolicy.YIELD))
    for now in (0.1, 0.2, 0.3):
        assert words(responder.receive_frame(question(vip), now)) == [f"answer {vip}"]
    change(responder, vip)
    assert words(responder.receive_frame(question(vip), 3.0))[0] == silence


@BOTH
def test_a_question_that_comes_again_is_answered_with_the_mac_of_then(vip: str) -> None:
    responder = owning(vip)
    responder.receive_frame(question(vip), 0.1)
    responder.change_mac(NEW_MAC, 0.2)
    (output,) = responder.receive_frame(question(vip), 0.3)
    assert isinstance(output, SendFrame)
    assert EthernetFrame.decode(output.frame).source == NEW_MAC


def test_more_askers_than_are_remembered_are_answered_each_with_his_own() -> None:
    responder = owning(VIP)
    askers = [MACAddress(bytes(4) + number.to_bytes(2, "big")) for number in range(1, 1500)]
    for source in askers * 2:
        (output,) = responder.receive_frame(question(VIP, source), 0.1)
        assert isinstance(output, SendFrame)
        assert EthernetFrame.decode(output.frame).destination == source
    assert len(responder._answered) <= 1024


def test_a_question_with_an_endless_tail_is_answered_and_not_remembered() -> None:
    responder = owning(VIP)
    assert words(responder.receive_frame(question(VIP) + bytes(1400), 0.1)) == [f"answer {VIP}"]
    assert not responder._answered


def test_an_arp_probe_is_answered_to_the_prober() -> None:
    (output,) = owning(VIP).receive_frame(probe(VIP), 0.1)
    assert isinstance(output, SendFrame)
    assert ARPPacket.decode(output.frame[14:]).target_ip == IPv4Address("0.0.0.0")


def test_duplicate_address_detection_is_answered_to_everyone() -> None:
    (output,) = owning(VIP6).receive_frame(duplicate_detection(options=[Nonce(bytes(6))]), 0.1)
    assert isinstance(output, SendFrame)
    packet, message = decode_packet(output.frame[14:])
    assert packet.destination == IPv6Address("ff02::1")
    assert isinstance(message, NeighborAdvertisement)
    assert (message.router, message.solicited, message.override) == (False, False, True)


@BOTH
def test_silence_has_a_reason_and_is_counted(vip: str) -> None:
    responder = owning(OTHER_VIP)
    assert words(responder.receive_frame(question(vip), 0.1)) == ["ignored: not ours"]
    assert words(responder.receive_frame(b"", 0.1)) == ["ignored: neither ARP nor neighbour discovery"]
    counted = {reason: count for reason, count in responder.statistics.ignored.items() if count}
    assert counted == {Reason.NOT_OURS: 1, Reason.OTHER_PROTOCOL: 1}
    assert set(responder.statistics.ignored) == set(Reason)


# Announcing


@BOTH
def test_an_added_address_is_announced_at_once_and_for_five_seconds_and_every_minute(vip: str) -> None:
    responder = Responder(mac=MAC)
    both = [f"announce {vip}"]
    assert words(responder.add(vip, 10.0)) == both
    burst, refreshes = [11.1, 12.2, 13.3, 14.4], [14.4 + 52.5, 14.4 + 105.0]
    assert run_until(responder, 150.0) == [(due, both) for due in burst + refreshes]
    frames = 1 if ":" in vip else 2
    assert responder.statistics.gratuitous == {ip_address(vip): 7 * frames}


def test_nothing_is_announced_early_and_rounds_that_were_missed_are_not_made_up_for_at_once() -> None:
    responder = owning(VIP, settings=Settings(refresh_interval=0))
    assert responder.handle_timeout(1.0) == []
    assert words(responder.handle_timeout(3.5)) == [f"announce {VIP}"]
    assert [due for due, _ in run_until(responder, 100.0)] == [4.6, 5.7, 6.8]
    assert responder.next_timeout() is None


def test_addresses_have_schedules_of_their_own() -> None:
    responder = owning(VIP)
    run_until(responder, 4.0)
    responder.add(VIP6, 4.0)
    assert run_until(responder, 5.2) == [(4.4, [f"announce {VIP}"]), (5.1, [f"announce {VIP6}"])]


@BOTH
def test_a_removed_address_is_neither_announced_nor_answered_for(vip: str) -> None:
    responder = owning(vip, OTHER_VIP)
    assert responder.remove(vip, 0.5) == []
    assert responder.remove(vip, 0.5) == []
    assert all(told == [f"announce {OTHER_VIP}"] for _, told in run_until(responder, 100.0))
    assert words(responder.receive_frame(question(vip), 6.0)) == ["ignored: not ours"]


@pytest.mark.parametrize("again", [0.0, 0.5])
def test_an_address_that_returns_is_announced_anew_and_not_twice_as_often(again: float) -> None:
    responder = owning(VIP)
    responder.remove(VIP, again)
    responder.add(VIP, again)
    rounds = [round(again + 1.1 * number, 6) for number in range(1, 5)]
    assert [due for due, _ in run_until(responder, 10.0)] == rounds


def test_replace_announces_only_what_is_new() -> None:
    responder = owning(VIP, OTHER_VIP)
    assert responder.replace([OTHER_VIP, VIP, VIP], 1.0) == []
    assert responder.add(VIP, 1.0) == []
    assert words(responder.replace([VIP, VIP6], 1.05)) == [f"announce {VIP6}"]
    assert responder.addresses == {IPv4Address(VIP), IPv6Address(VIP6)}
    assert [due for due, told in run_until(responder, 10.0) if VIP in told[0]] == [1.1, 2.2, 3.3, 4.4]


@given(st.lists(st.sets(ip_addresses() | ipv6_addresses(), max_size=4), max_size=4))
def test_after_replace_exactly_these_are_owned(sets: list[set[IPv4Address | IPv6Address]]) -> None:
    responder = Responder(mac=MAC, settings=Settings(announce_duration=0, refresh_interval=0))
    before: set[IPv4Address | IPv6Address] = set()
    for now, wanted in enumerate(sets):
        told = words(responder.replace(wanted, float(now)))
        assert sorted(told) == sorted(f"announce {address}" for address in wanted - before)
        assert responder.addresses == wanted
        before = wanted


def test_a_limit_holds_for_all_addresses_together_and_starves_none() -> None:
    addresses = [f"203.0.113.{number}" for number in range(11, 31)]
    responder = owning(settings=Settings(announcements_per_second=10, announce_duration=1.0))
    assert words(responder.replace(addresses, 0.0)) == [f"announce {addresses[0]}"]
    timeline = run_until(responder, 1.95)
    assert [due for due, _ in timeline] == [pytest.approx(number / 10) for number in range(1, 20)]
    assert [told for _, told in timeline] == [[f"announce {address}"] for address in addresses[1:]]
    assert words(responder.receive_frame(question(addresses[19]), 0.1)) == [f"answer {addresses[19]}"]


@BOTH
def test_a_farewell_names_the_successor_and_comes_from_us(vip: str) -> None:
    responder = owning(vip)
    farewell = sent(responder.remove(vip, 1.0, successor=RIVAL))
    assert [said(frame) for frame in farewell] == [("announce", vip)] * (1 if ":" in vip else 2)
    for frame in map(EthernetFrame.decode, farewell):
        assert frame.source == MAC
        if ":" in vip:
            _, message = decode_packet(frame.payload)
            assert message.options == (TargetLinkLayerAddress(RIVAL),)
        else:
            assert ARPPacket.decode(frame.payload).sender_mac == RIVAL
    assert run_until(responder, 100.0) == []


def test_there_is_no_farewell_for_what_is_not_held() -> None:
    responder = owning(VIP, settings=PROBING)
    assert responder.remove(VIP, 0.05, successor=RIVAL) == []
    assert responder.remove(VIP6, 0.05, successor=RIVAL) == []


@pytest.mark.parametrize("successor", [MAC, BROADCAST, UNKNOWN])
def test_a_successor_is_another_station(successor: MACAddress) -> None:
    responder = owning(VIP)
    with pytest.raises(AddressError, match=str(successor)):
        responder.remove(VIP, 1.0, successor=successor)
    assert responder.addresses == {IPv4Address(VIP)}


# Probing


@BOTH
def test_a_probed_address_is_claimed_after_200_ms_of_silence(vip: str) -> None:
    responder = Responder(mac=MAC, settings=PROBING)
    assert words(responder.add(vip, 0.0)) == [f"probe {vip}"]
    assert responder.claims == {ip_address(vip): ClaimState.PROBING}
    assert run_until(responder, 0.3) == [
        (0.1, [f"probe {vip}"]),
        (0.2, [f"claimed {vip}", f"announce {vip}"]),
    ]
    assert responder.claims == {ip_address(vip): ClaimState.HELD}
    assert responder.statistics.probes == {ip_address(vip): 2}


@BOTH
def test_nobody_is_answered_while_probing(vip: str) -> None:
    responder = owning(vip, settings=PROBING)
    assert words(responder.receive_frame(question(vip), 0.05)) == ["ignored: still probing"]
    assert run_until(responder, 0.2)[-1][1] == [f"claimed {vip}", f"announce {vip}"]


@BOTH
@pytest.mark.parametrize("evidence", [rival, probe])
def test_what_somebody_has_or_probes_for_is_left_to_him_and_probed_again(vip: str, evidence: object) -> None:
    responder = owning(vip, settings=PROBING)
    assert callable(evidence)
    outputs = responder.receive_frame(evidence(vip), 0.05)
    assert words(outputs) == ["ignored: conflict", f"conflict {vip}: yielded"]
    assert outputs[1] == Conflict(
        address=ip_address(vip), mac=RIVAL, interface="eth0", outcome=Outcome.YIELDED
    )
    assert responder.claims == {ip_address(vip): ClaimState.YIELDED}
    assert words(responder.receive_frame(question(vip), 1.0)) == ["ignored: yielded"]
    assert words(responder.receive_frame(rival(vip), 1.0)) == ["ignored: conflict"]
    assert [told for _, told in run_until(responder, 40.0)][:3] == [
        [f"probe {vip}"],
        [f"probe {vip}"],
        [f"claimed {vip}", f"announce {vip}"],
    ]


def test_a_yielded_address_is_left_for_good_where_that_is_wanted() -> None:
    responder = owning(VIP, settings=attrs.evolve(PROBING, reclaim_interval=0))
    responder.receive_frame(rival(VIP), 0.05)
    assert responder.next_timeout() is None


def test_our_own_probe_is_no_rival_even_from_another_mac_address() -> None:
    responder = Responder(mac=MAC, settings=PROBING)
    (frame,) = sent(responder.add(VIP6, 0.0))
    assert responder.receive_frame(frame, 0.01) == [Ignored(Reason.OWN_FRAME)]
    relayed = frame[:6] + RIVAL.packed + frame[12:]
    assert responder.receive_frame(relayed, 0.01) == [Ignored(Reason.OWN_FRAME)]
    other = duplicate_detection(options=[Nonce(b"others")])
    assert words(responder.receive_frame(other, 0.02))[0] == "ignored: conflict"


@BOTH
def test_policy_ignore_claims_all_the_same(vip: str) -> None:
    responder = owning(vip, settings=attrs.evolve(PROBING, conflict_policy=ConflictPolicy.IGNORE))
    assert words(responder.receive_frame(rival(vip), 0.05))[1:] == [f"conflict {vip}: ignored"]
    assert run_until(responder, 0.2)[-1] == (0.2, [f"claimed {vip}", f"announce {vip}"])


# Conflicts


@BOTH
def test_policy_defend_announces_once_in_an_interval(vip: str) -> None:
    responder = owning(vip, settings=Settings(announce_duration=0, refresh_interval=0))
    conflict = ["ignored: conflict", f"announce {vip}", f"conflict {vip}: defended"]
    assert words(responder.receive_frame(rival(vip), 1.0)) == conflict
    assert words(responder.receive_frame(rival(vip), 10.9)) == ["ignored: conflict"]
    assert words(responder.receive_frame(rival(vip, CLIENT), 10.9)) == [
        "ignored: conflict",
        f"conflict {vip}: tolerated",
    ]
    assert words(responder.receive_frame(rival(vip), 11.0)) == conflict
    statistics = responder.statistics
    assert (statistics.conflicts, statistics.defences) == ({ip_address(vip): 4}, {ip_address(vip): 2})
    assert statistics.ignored[Reason.CONFLICT] == 4


@BOTH
def test_policy_yield_defends_once_and_gives_up_at_the_next(vip: str) -> None:
    responder = owning(vip, settings=Settings(conflict_policy=ConflictPolicy.YIELD))
    assert words(responder.receive_frame(rival(vip), 0.5))[-1] == f"conflict {vip}: defended"
    assert words(responder.receive_frame(rival(vip), 0.9))[-1] == f"conflict {vip}: yielded"
    assert responder.next_timeout() == 0.9 + 30 * 1.125
    run_until(responder, 40.0)
    assert responder.claims == {ip_address(vip): ClaimState.HELD}


@BOTH
def test_a_friend_may_have_our_addresses(vip: str) -> None:
    responder = owning(vip, settings=Settings(friends=[RIVAL], announce_duration=0))
    assert words(responder.receive_frame(rival(vip), 1.0)) == ["ignored: friend"]
    assert not any(responder.statistics.conflicts.values())
    probing = owning(vip, settings=attrs.evolve(PROBING, friends=[RIVAL]))
    assert words(probing.receive_frame(probe(vip), 0.05)) == ["ignored: friend"]
    assert words(probing.receive_frame(rival(vip), 0.05)) == ["ignored: friend"]
    assert run_until(probing, 0.2)[-1][1] == [f"claimed {vip}", f"announce {vip}"]


def test_a_defence_waits_for_the_limit_but_passes_refreshes() -> None:
    addresses = [f"203.0.113.{number}" for number in range(1, 5)]
    settings = Settings(announcements_per_second=1, announce_duration=0, refresh_interval=4)
    responder = owning(*addresses, settings=settings)
    run_until(responder, 3.0)
    told = words(responder.receive_frame(rival(addresses[3]), 3.6))
    assert told == ["ignored: conflict", f"conflict {addresses[3]}: defended"]
    assert run_until(responder, 5.0)[0][1] == [f"announce {addresses[3]}"]


# The link


@BOTH
def test_nothing_is_sent_while_the_link_is_down_and_all_is_announced_when_it_is_up(vip: str) -> None:
    responder = owning(vip)
    run_until(responder, 10.0)
    assert responder.link_down(10.0) == []
    assert responder.next_timeout() is None
    assert words(responder.receive_frame(question(vip), 11.0)) == ["ignored: link down"]
    assert words(responder.receive_frame(rival(vip), 11.0)) == ["ignored: link down"]
    assert responder.add(OTHER_VIP, 11.0) == []
    assert responder.remove(vip, 11.0, successor=RIVAL) == []
    assert responder.replace([vip, OTHER_VIP], 11.0) == []
    assert responder.notify_peers(11.0) == []
    assert responder.change_settings(Settings(refresh_interval=30), 11.0) == []
    assert responder.handle_timeout(100.0) == []
    assert sorted(words(responder.link_up(20.0))) == sorted([f"announce {vip}", f"announce {OTHER_VIP}"])
    assert [due for due, _ in run_until(responder, 25.0)] == [21.1, 22.2, 23.3, 24.4]
    assert responder.link_up(26.0) == []


def test_probing_starts_over_when_the_link_comes_back() -> None:
    responder = owning(VIP, VIP6, settings=PROBING)
    responder.receive_frame(rival(VIP6), 0.05)
    responder.link_down(0.1)
    assert words(responder.link_up(5.0)) == [f"probe {VIP}", f"probe {VIP6}"]
    run_until(responder, 5.3)
    assert set(responder.claims.values()) == {ClaimState.HELD}


@BOTH
def test_another_mac_address_is_announced_and_answered_with(vip: str) -> None:
    responder = owning(vip)
    run_until(responder, 10.0)
    assert responder.change_mac(MAC, 10.0) == []
    outputs = responder.change_mac(NEW_MAC, 10.0)
    assert words(outputs) == [f"announce {vip}"]
    assert {EthernetFrame.decode(frame).source for frame in sent(outputs)} == {NEW_MAC}
    assert len(run_until(responder, 15.0)) == 4
    (answer,) = sent(responder.receive_frame(question(vip), 15.0))
    assert EthernetFrame.decode(answer).source == responder.mac == NEW_MAC
    assert responder.receive_frame(question(vip, source=NEW_MAC), 15.0) == [Ignored(Reason.OWN_FRAME)]
    with pytest.raises(AddressError):
        responder.change_mac(GROUP, 16.0)


def test_a_mac_address_that_changes_while_the_link_is_down_is_announced_when_it_is_up() -> None:
    responder = owning(VIP)
    responder.link_down(1.0)
    assert responder.change_mac(NEW_MAC, 2.0) == []
    outputs = responder.link_up(3.0)
    assert {EthernetFrame.decode(frame).source for frame in sent(outputs)} == {NEW_MAC}


def test_peers_are_notified_of_what_is_held() -> None:
    responder = owning(VIP, VIP6, settings=PROBING)
    responder.receive_frame(rival(VIP6), 0.05)
    run_until(responder, 10.0)
    assert words(responder.notify_peers(10.0)) == [f"announce {VIP}"]
    assert [due for due, _ in run_until(responder, 15.0)] == [11.1, 12.2, 13.3, 14.4]
    assert responder.claims[ip_address(VIP6)] is ClaimState.YIELDED


# Settings


def test_another_refresh_interval_holds_at_once_for_what_is_settled() -> None:
    responder = owning(VIP, settings=Settings(announce_duration=0))
    responder.add(VIP6, 1.0)
    assert responder.change_settings(attrs.evolve(responder.settings, refresh_interval=8), 2.0) == []
    assert [due for due, _ in run_until(responder, 10.0)] == [9.0]
    assert responder.change_settings(attrs.evolve(responder.settings, refresh_interval=0), 10.0) == []
    assert responder.next_timeout() is None
    assert responder.settings.refresh_interval == 0


def test_the_same_refresh_interval_changes_no_deadline() -> None:
    responder = owning(VIP, settings=Settings(announce_duration=0))
    due = responder.next_timeout()
    assert responder.change_settings(attrs.evolve(responder.settings, probe_count=1), 30.0) == []
    assert responder.next_timeout() == due


@BOTH
@pytest.mark.parametrize(
    "changed",
    [
        attrs.evolve(PROBING, friends=[RIVAL]),
        attrs.evolve(PROBING, conflict_policy=ConflictPolicy.IGNORE),
        attrs.evolve(PROBING, reclaim_interval=5),
    ],
)
def test_a_yielded_address_is_tried_again_when_the_cause_may_be_gone(vip: str, changed: Settings) -> None:
    responder = owning(vip, settings=PROBING)
    responder.receive_frame(rival(vip), 0.05)
    assert responder.change_settings(attrs.evolve(PROBING, probe_interval=0.2), 1.0) == []
    assert words(responder.change_settings(changed, 1.0)) == [f"probe {vip}"]


def test_another_limit_holds_at_once() -> None:
    addresses = [f"203.0.113.{number}" for number in range(1, 5)]
    responder = owning(*addresses, settings=Settings(announcements_per_second=0.1))
    assert len(words(responder.change_settings(Settings(), 0.5))) == 3


# What can be owned


@pytest.mark.parametrize("address", ["203.0.113", "224.0.0.1", "203.0.113.7/32", "ff02::1", "::1"])
def test_what_cannot_be_owned_is_refused_before_anything_changes(address: str) -> None:
    responder = owning(VIP)
    with pytest.raises(AddressError):
        responder.add(address, 0.0)
    with pytest.raises(AddressError):
        responder.remove(address, 0.0)
    with pytest.raises(AddressError):
        responder.replace(["203.0.113.20", address], 0.0)
    assert responder.addresses == {IPv4Address(VIP)}


def test_the_groups_are_those_of_all_owned_ipv6_addresses() -> None:
    responder = owning(VIP, VIP6, "2001:db8:1::7", "fe80::aa:1", settings=PROBING)
    assert responder.groups == {IPv6Address("ff02::1:ff00:7"), IPv6Address("ff02::1:ffaa:1")}


@pytest.mark.parametrize("mac", [BROADCAST, GROUP, UNKNOWN, "02:00"])
def test_only_a_station_can_respond(mac: MACAddress | str) -> None:
    with pytest.raises(AddressError):
        Responder(mac=mac)


@pytest.mark.parametrize("name", ["mac", "settings", "interface"])
def test_what_has_a_verb_to_change_it_cannot_be_set(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(owning(VIP), name, None)


def test_jitter_is_drawn_for_each_refresh() -> None:
    draws = iter([0.0, 0.5, 0.999])
    settings = Settings(announce_duration=0)
    responder = Responder(mac=MAC, settings=settings, random=lambda: next(draws))
    responder.replace([VIP, VIP6, OTHER_VIP], 0.0)
    draws = iter([0.5] * 10)
    assert Counter(round(due) for due, _ in run_until(responder, 60.0)) == {45: 1, 52: 1, 60: 1}


def test_a_question_for_what_a_rival_uses_is_a_conflict_and_no_question() -> None:
    assert words(owning(VIP, OTHER_VIP).receive_frame(arp(sender_ip=OTHER_VIP), 0.5)) == [
        "ignored: conflict",
        f"announce {OTHER_VIP}",
        f"conflict {OTHER_VIP}: defended",
    ]
