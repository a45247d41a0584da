"""The packet filters, run on a small interpreter of the instructions that they use (linux/filter.h)."""

import random
import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arp import Reason, Responder
from arp.bpf import MOST_INSTRUCTIONS, Interest, arp_filter, ndp_filter
from arp.testing import frames

MAC = "02:00:00:00:00:01"
VIP, OTHER = "203.0.113.7", "203.0.113.8"
VIP6, OTHER6 = "2001:db8::7", "2001:db8::8"
INDEX = 0x1234
ANCILLARY = {0xFFFFF004: "packet_type", 0xFFFFF008: "interface", 0xFFFFF030: "vlan"}
SIZES = {0x20: 4, 0x28: 2, 0x30: 1}


def interest(owned: Iterable[str] = (), asked: Iterable[str] = (), *, everything: bool = False) -> Interest:
    """Make an interest from text."""
    return Interest(
        index=INDEX,
        owned=frozenset(map(ip_address, owned)),
        asked=frozenset(map(ip_address, asked)),
        everything=everything,
    )


def passes(
    program: bytes, frame: bytes, *, packet_type: int = 1, interface: int = INDEX, vlan: int = 0
) -> bool:
    """Run a filter as the kernel does: a load beyond the end of the frame refuses it."""
    known = {"packet_type": packet_type, "interface": interface, "vlan": vlan}
    instructions = list(struct.iter_unpack("=HBBI", program))
    counter = accumulator = 0
    while True:
        code, if_true, if_false, k = instructions[counter]
        counter += 1
        if k in ANCILLARY:
            assert code == 0x20
            accumulator = known[ANCILLARY[k]]
        elif code in SIZES:
            if k + SIZES[code] > len(frame):
                return False
            accumulator = int.from_bytes(frame[k : k + SIZES[code]], "big")
        elif code == 0x05:
            counter += k
        elif code in (0x15, 0x25, 0x35):
            holds = {0x15: accumulator == k, 0x25: accumulator > k, 0x35: accumulator >= k}[code]
            counter += if_true if holds else if_false
        else:
            assert code == 0x06
            return bool(k)


def arp(sender: str, target: str, operation: int = 1) -> bytes:
    """Build an ARP frame for everyone."""
    head = bytes.fromhex("ffffffffffff 020000000002 0806 000108000604") + operation.to_bytes(2, "big")
    sender_ip, target_ip = IPv4Address(sender).packed, IPv4Address(target).packed
    return head + bytes.fromhex("020000000002") + sender_ip + bytes(6) + target_ip


def ndp(kind: int, source: str, target: str, *, hop_limit: int = 255, code: int = 0) -> bytes:
    """Build a message of neighbour discovery whose octets matter to a filter."""
    ethernet = bytes.fromhex("3333ff000007 020000000002 86dd")
    ipv6 = bytes.fromhex("60000000 0018 3a") + bytes([hop_limit])
    addresses = IPv6Address(source).packed + IPv6Address("ff02::1").packed
    return ethernet + ipv6 + addresses + bytes([kind, code]) + bytes(6) + IPv6Address(target).packed


def test_questions_and_other_words_about_owned_addresses_pass() -> None:
    program = arp_filter(interest([VIP], [OTHER]))
    assert passes(program, arp("203.0.113.1", VIP))
    assert passes(program, arp("0.0.0.0", VIP))
    assert passes(program, arp(VIP, "203.0.113.1", operation=2))  # a conflict
    assert passes(program, arp("203.0.113.1", VIP, operation=2))
    assert passes(program, arp(OTHER, "203.0.113.1", operation=2))  # the answer to a question of ours
    assert not passes(program, arp("203.0.113.1", OTHER))
    assert not passes(program, arp("203.0.113.1", "203.0.113.2"))
    assert not passes(program, arp("203.0.113.1", VIP)[:41])


@pytest.mark.parametrize("kind", [135, 136])
def test_solicitations_and_advertisements_about_addresses_pass(kind: int) -> None:
    program = ndp_filter(interest([VIP6], [OTHER6]))
    assert passes(program, ndp(kind, "fe80::1", VIP6))
    assert passes(program, ndp(kind, "::", VIP6))
    assert passes(program, ndp(kind, "fe80::1", OTHER6))
    assert passes(program, ndp(kind, VIP6, "2001:db8::1"))  # a conflict
    assert not passes(program, ndp(kind, OTHER6, "2001:db8::1"))
    assert not passes(program, ndp(kind, "fe80::1", "2001:db8::9"))
    assert not passes(program, ndp(kind, "fe80::1", VIP6, hop_limit=254))
    assert not passes(program, ndp(kind, "fe80::1", VIP6, code=1))


@pytest.mark.parametrize(
    ("kind", "is_ndp"), [(132, False), (133, True), (134, True), (137, True), (138, False)]
)
def test_other_messages_of_neighbour_discovery_pass_only_from_owned_addresses(
    kind: int, is_ndp: bool
) -> None:
    program = ndp_filter(interest([VIP6]))
    assert passes(program, ndp(kind, VIP6, "fe80::1")) == is_ndp
    assert not passes(program, ndp(kind, "fe80::1", VIP6))


def test_other_protocols_do_not_pass() -> None:
    arp_program, ndp_program = arp_filter(interest(everything=True)), ndp_filter(interest(everything=True))
    assert not passes(arp_program, ndp(135, "fe80::1", VIP6))
    assert not passes(ndp_program, arp(VIP, VIP))
    tcp = bytearray(ndp(135, "fe80::1", VIP6))
    tcp[20] = 6
    assert not passes(ndp_program, bytes(tcp))
    for position in (15, 17, 18, 19):  # of the pair of protocols, or of the address lengths
        other = bytearray(arp(VIP, VIP))
        other[position] ^= 1
        assert not passes(arp_program, bytes(other))


def test_who_watches_sees_all_of_both_protocols() -> None:
    assert passes(arp_filter(interest(everything=True)), arp("203.0.113.1", "203.0.113.2", operation=2))
    for kind in (133, 134, 135, 136, 137):
        assert passes(ndp_filter(interest(everything=True)), ndp(kind, "fe80::1", "fe80::2"))


def test_without_addresses_nothing_passes() -> None:
    assert not passes(arp_filter(interest([VIP6])), arp(VIP, VIP))
    assert not passes(ndp_filter(interest([VIP])), ndp(135, VIP6, VIP6))


def test_whether_ipv6_matters_at_all() -> None:
    assert not interest([VIP]).has_ipv6
    assert interest([VIP], [VIP6]).has_ipv6
    assert interest(everything=True).has_ipv6


def test_other_interfaces_vlans_stations_and_our_own_frames_do_not_pass() -> None:
    question = (arp_filter(interest([VIP])), arp("203.0.113.1", VIP))
    solicitation = (ndp_filter(interest([VIP6])), ndp(135, "fe80::1", VIP6))
    for program, frame in (question, solicitation):
        assert passes(program, frame, packet_type=0)
        assert not passes(program, frame, interface=INDEX + 1)  # an interface for a VLAN on top of ours
        assert not passes(program, frame, vlan=1)
        assert not any(passes(program, frame, packet_type=packet_type) for packet_type in (3, 4))
    assert passes(*solicitation, packet_type=2)
    assert not passes(*question, packet_type=2)


ipv4_addresses = st.integers(0, 2**32 - 1) | st.integers(0xCB007100, 0xCB007140)
ipv6_addresses = (
    st.integers(0, 2**128 - 1)
    | st.integers(0, 40).map(lambda low: int(IPv6Address("2001:db8::")) + low)
    | st.integers(0, 8).map(lambda middle: (0x20010DB8 << 96) + (middle << 64) + 5)
    | st.sampled_from([0, 2**128 - 1, 2**32, 2**32 - 1, 2**64, 2**96 - 1])
)


@given(st.sets(ipv4_addresses, max_size=40), st.sets(ipv4_addresses, max_size=5), st.data())
def test_few_addresses_of_ipv4_are_told_apart_exactly(
    owned: set[int], asked: set[int], data: st.DataObject
) -> None:
    program = arp_filter(
        Interest(
            index=INDEX, owned=frozenset(map(IPv4Address, owned)), asked=frozenset(map(IPv4Address, asked))
        )
    )
    known = [near for number in owned | asked for near in (number - 1, number, number + 1)]
    some = st.sampled_from([near for near in known if 0 <= near < 2**32] or [1]) | ipv4_addresses
    sender, target = data.draw(some), data.draw(some)
    frame = arp(str(IPv4Address(sender)), str(IPv4Address(target)))
    assert passes(program, frame) == (target in owned or sender in owned | asked)


@given(st.sets(ipv6_addresses, max_size=20), st.sets(ipv6_addresses, max_size=5), st.data())
def test_few_addresses_of_ipv6_are_told_apart_exactly(
    owned: set[int], asked: set[int], data: st.DataObject
) -> None:
    program = ndp_filter(
        Interest(
            index=INDEX, owned=frozenset(map(IPv6Address, owned)), asked=frozenset(map(IPv6Address, asked))
        )
    )
    known = [near for number in owned | asked for near in (number - 1, number, number + 1, number + 2**64)]
    some = st.sampled_from([near for near in known if 0 <= near < 2**128] or [1]) | ipv6_addresses
    source, target = data.draw(some), data.draw(some)
    frame = ndp(135, str(IPv6Address(source)), str(IPv6Address(target)))
    assert passes(program, frame) == (source in owned or target in owned | asked)


def test_many_consecutive_addresses_cost_as_little_as_two() -> None:
    whole = frozenset(IPv4Address(0xC6336400 + last) for last in range(5000))
    program = arp_filter(Interest(index=INDEX, owned=whole))
    assert len(program) == len(arp_filter(interest([VIP, OTHER])))
    assert passes(program, arp("192.0.2.1", str(max(whole))))
    assert not passes(program, arp("192.0.2.1", str(max(whole) + 1)))


@pytest.mark.parametrize("count", [300, 10_000])
def test_of_many_addresses_none_is_missed_and_most_others_are_kept_out(count: int) -> None:
    drawn = random.Random(count)
    # Half of them in a block, the others anywhere.
    ipv4 = {IPv4Address(drawn.randrange(0xC6120000, 0xC6140000)) for _ in range(count // 2)}
    ipv4 |= {IPv4Address(drawn.randrange(0x01000000, 0xE0000000)) for _ in range(count // 2)}
    ipv6 = {IPv6Address((0x20010DB8 << 96) + drawn.randrange(2**64)) for _ in range(count // 2)}
    ipv6 |= {IPv6Address(drawn.randrange(2**125, 2**126)) for _ in range(count // 2)}
    interested = Interest(index=INDEX, owned=frozenset(ipv4 | ipv6))
    arp_program, ndp_program = arp_filter(interested), ndp_filter(interested)
    for program in (arp_program, ndp_program):
        assert len(program) // 8 <= MOST_INSTRUCTIONS
    for address in drawn.sample(sorted(ipv4), 100):
        assert passes(arp_program, arp("0.0.0.0", str(address)))
        assert passes(arp_program, arp(str(address), "0.0.0.0"))
    for address6 in drawn.sample(sorted(ipv6), 100):
        assert passes(ndp_program, ndp(135, "fe80::1", str(address6)))
        assert passes(ndp_program, ndp(136, str(address6), "fe80::1"))
    assert not passes(arp_program, arp("0.0.0.0", str(max(ipv4) + 1)))
    assert not passes(ndp_program, ndp(135, "::", str(max(ipv6) + 1)))


def test_the_smallest_gaps_are_given_up_first() -> None:
    evens = frozenset(IPv4Address(0xC6330000 + 2 * number) for number in range(400))
    far = IPv4Address(0xC6400000)
    program = arp_filter(Interest(index=INDEX, owned=evens | {far}))
    assert passes(program, arp("192.0.2.1", str(far)))
    assert not passes(program, arp("192.0.2.1", str(far - 1)))


def test_every_jump_stays_within_the_program_and_every_path_ends() -> None:
    drawn = random.Random(1)
    owned = frozenset(IPv6Address(drawn.randrange(2**128)) for _ in range(1000))
    program = list(struct.iter_unpack("=HBBI", ndp_filter(Interest(index=INDEX, owned=owned))))
    for at, (code, if_true, if_false, k) in enumerate(program):
        jumps = {0x05: [k], 0x15: [if_true, if_false], 0x25: [if_true, if_false], 0x35: [if_true, if_false]}
        assert all(at + 1 + jump < len(program) for jump in jumps.get(code, []))
    assert program[-1][0] == 0x06


@given(frames(mac=MAC, addresses=[VIP, VIP6]))
def test_nothing_that_would_be_answered_or_is_a_conflict_is_kept_back(frame: bytes) -> None:
    responder = Responder(mac=MAC)
    responder.replace([VIP, VIP6], now=0.0)
    responder.receive_frame(frame, now=0.1)
    statistics = responder.statistics
    if sum(statistics.replies.values()) or statistics.ignored[Reason.CONFLICT]:
        owned = interest([VIP, VIP6])
        assert passes(arp_filter(owned), frame) or passes(ndp_filter(owned), frame)
