"""The life of one claim: probing, holding, defending, yielding, and what is told about it."""

import attrs
import pytest

from arp import (
    Claimed,
    ClaimState,
    Conflict,
    ConflictPolicy,
    MACAddress,
    Nonce,
    Outcome,
    Output,
    Settings,
    decode_packet,
)
from arp.addresses import host_address
from arp.claim import Claim
from arp.frames import frames_about
from arp.pacing import AT_ONCE, REFRESHED, REPEATED
from tests.arp.octets import MAC, RIVAL, VIP, VIP6, said, sent

PROBING = Settings(probe_count=2, announce_duration=2.0, refresh_interval=0)
YIELD = Settings(conflict_policy=ConflictPolicy.YIELD)
IGNORE = attrs.evolve(PROBING, conflict_policy=ConflictPolicy.IGNORE)
_Deadline = tuple[float, float] | None


def claim_of(address: str = VIP) -> Claim:
    """Make a claim that has not begun."""
    parsed = host_address(address)
    return Claim(address=parsed, frames=frames_about(parsed, MAC), interface="eth0")


def half() -> float:
    """Draw the middle, every time."""
    return 0.5


def step(claim: Claim, settings: Settings, now: float = 10.0) -> tuple[list[str], _Deadline]:
    """Advance, and give in words what is sent and told."""
    outputs, deadline = claim.advance(settings, half, now)
    words = [type(output).__name__ for output in outputs if not hasattr(output, "frame")]
    return words + [said(frame)[0] for frame in sent(outputs)], deadline


def test_without_probes_it_is_held_and_announced_and_then_refreshed_with_jitter() -> None:
    claim, settings = claim_of(), Settings(announce_duration=2.0)
    claim.begin(settings)
    assert claim.state is ClaimState.HELD
    steps = [(step(claim, settings), claim.is_settled) for _ in range(2)]
    assert steps == [
        ((["announce", "announce"], (11.1, REPEATED)), False),
        ((["announce", "announce"], (10 + 60 * 0.875, REFRESHED)), True),
    ]
    assert claim.advance(settings, lambda: 0.0, 0.0)[1] == (45.0, REFRESHED)
    assert claim.gratuitous == 6


def test_without_refreshes_there_is_an_end() -> None:
    claim, settings = claim_of(VIP6), Settings(announce_duration=0, refresh_interval=0)
    claim.begin(settings)
    assert step(claim, settings) == (["announce"], None)


def test_probes_come_first_and_what_nobody_has_is_claimed() -> None:
    claim = claim_of()
    claim.begin(PROBING)
    assert step(claim, PROBING) == (["probe"], (10.1, AT_ONCE))
    assert step(claim, PROBING) == (["probe"], (10.1, AT_ONCE))
    assert (claim.state, claim.probes) == (ClaimState.PROBING, 2)
    assert step(claim, PROBING) == (["Claimed", "announce", "announce"], (11.1, REPEATED))
    assert claim.state is ClaimState.HELD
    assert step(claim, PROBING) == (["announce", "announce"], None)


def test_the_claim_is_told_before_it_is_announced() -> None:
    claim = claim_of()
    claim.probe(PROBING)
    outputs: list[Output] = []
    while claim.state is ClaimState.PROBING:
        outputs, _ = claim.advance(PROBING, half, 0.0)
    assert outputs[0] == Claimed(address=host_address(VIP), interface="eth0")


def test_each_probe_has_a_nonce_of_its_own_that_is_known_until_the_next_probing() -> None:
    claim, draws = claim_of(VIP6), iter([0.0, 0.25])
    claim.begin(PROBING)
    nonces = []
    for _ in range(2):
        (frame,) = sent(claim.advance(PROBING, lambda: next(draws), 0.0)[0])
        _, message = decode_packet(frame[14:])
        (option,) = message.options
        assert isinstance(option, Nonce)
        nonces.append(option.nonce)
    assert nonces == [MAC.packed, bytes([MAC.packed[0] ^ 0x40]) + MAC.packed[1:]]
    assert all(claim.is_own_probe([bytes(6), nonce]) for nonce in nonces)
    assert not claim.is_own_probe([bytes(6)])
    claim.probe(PROBING)
    assert not claim.is_own_probe(nonces)


@pytest.mark.parametrize("policy", [ConflictPolicy.DEFEND, ConflictPolicy.YIELD])
def test_what_somebody_has_is_yielded_and_probed_again_later(policy: ConflictPolicy) -> None:
    claim, settings = claim_of(), attrs.evolve(PROBING, conflict_policy=policy)
    claim.begin(settings)
    step(claim, settings)
    assert claim.dispute(settings, 10.0) is Outcome.YIELDED
    assert claim.state is ClaimState.YIELDED
    assert claim.reclaim(settings, half, 10.0) == (10 + 30 * 1.125, AT_ONCE)
    assert claim.dispute(settings, 11.0) is None
    assert claim.conflicts == 2
    assert step(claim, settings) == (["probe"], (10.1, AT_ONCE))
    assert step(claim, settings)[0] == ["probe"]
    assert step(claim, settings)[0] == ["Claimed", "announce", "announce"]


def test_it_can_be_left_for_good() -> None:
    assert claim_of().reclaim(Settings(reclaim_interval=0), half, 10.0) is None


def test_a_yielded_address_is_probed_even_where_no_probes_are_set() -> None:
    claim = claim_of()
    claim.begin(YIELD)
    claim.state = ClaimState.YIELDED
    assert [step(claim, YIELD)[0] for _ in range(3)] == [
        ["probe"],
        ["probe"],
        ["Claimed", "announce", "announce"],
    ]


def test_policy_ignore_claims_what_somebody_has_and_never_defends() -> None:
    claim = claim_of()
    claim.begin(IGNORE)
    step(claim, IGNORE)
    assert claim.dispute(IGNORE, 10.0) is Outcome.IGNORED
    step(claim, IGNORE)
    assert step(claim, IGNORE)[0] == ["Claimed", "announce", "announce"]
    assert claim.dispute(IGNORE, 11.0) is Outcome.IGNORED
    assert (claim.conflicts, claim.defences) == (2, 0)


def test_policy_defend_defends_once_in_each_interval_and_never_gives_up() -> None:
    claim, settings = claim_of(), Settings()
    claim.begin(settings)
    outcomes = [claim.dispute(settings, float(second)) for second in range(25)]
    defended = [second for second, outcome in enumerate(outcomes) if outcome is Outcome.DEFENDED]
    assert defended == [0, 10, 20]
    assert set(outcomes) == {Outcome.DEFENDED, Outcome.TOLERATED}
    assert (claim.state, claim.defences, claim.conflicts) == (ClaimState.HELD, 3, 25)


def test_a_defence_takes_no_announcement_away() -> None:
    claim, settings = claim_of(), Settings(announce_duration=2.0)
    claim.begin(settings)
    step(claim, settings)
    claim.dispute(settings, 10.0)
    assert step(claim, settings)[1] == (11.1, REPEATED)
    assert step(claim, settings)[1] == (10 + 60 * 0.875, REFRESHED)
    claim.dispute(settings, 30.0)
    assert step(claim, settings)[1] == (10 + 60 * 0.875, REFRESHED)


@pytest.mark.parametrize(
    ("moments", "outcomes"),
    [
        ([0.0, 5.0], [Outcome.DEFENDED, Outcome.YIELDED]),
        ([0.0, 0.05, 0.1], [Outcome.DEFENDED, Outcome.TOLERATED, Outcome.YIELDED]),
        ([0.0, 10.0, 20.0], [Outcome.DEFENDED] * 3),
        ([0.0, 10.0, 19.9], [Outcome.DEFENDED, Outcome.DEFENDED, Outcome.YIELDED]),
    ],
)
def test_policy_yield_gives_up_at_a_second_conflict_within_the_interval(
    moments: list[float], outcomes: list[Outcome]
) -> None:
    claim = claim_of()
    claim.begin(YIELD)
    assert [claim.dispute(YIELD, moment) for moment in moments] == outcomes


def test_starting_over_announces_what_is_held_and_probes_for_the_rest() -> None:
    claim, settings = claim_of(), Settings(announce_duration=2.0)
    claim.begin(settings)
    for _ in range(3):
        step(claim, settings)
    claim.start_over(settings)
    assert step(claim, settings)[1] == (11.1, REPEATED)
    claim.state = ClaimState.YIELDED
    claim.start_over(settings)
    assert claim.state is ClaimState.PROBING


def test_a_conflict_with_a_station_is_told_once_in_an_interval_but_a_yield_always() -> None:
    claim, settings = claim_of(), Settings()
    told = claim.report(RIVAL.packed, Outcome.DEFENDED, settings, 0.0)
    assert told == [
        Conflict(address=host_address(VIP), mac=RIVAL, interface="eth0", outcome=Outcome.DEFENDED)
    ]
    assert claim.report(RIVAL.packed, Outcome.TOLERATED, settings, 9.9) == []
    assert len(claim.report(MAC.packed, Outcome.TOLERATED, settings, 9.9)) == 1
    assert len(claim.report(RIVAL.packed, Outcome.YIELDED, settings, 9.9)) == 1
    assert claim.report(RIVAL.packed, Outcome.TOLERATED, settings, 19.8) == []
    assert len(claim.report(RIVAL.packed, Outcome.TOLERATED, settings, 20.0)) == 1


def test_a_station_with_many_addresses_cannot_cause_a_flood_of_events() -> None:
    claim, settings = claim_of(), Settings()
    macs = [MACAddress(b"\2\0\0\0" + number.to_bytes(2, "big")) for number in range(1000)]
    told = [event for mac in macs for event in claim.report(mac.packed, Outcome.TOLERATED, settings, 1.0)]
    assert len(told) == 16
    assert len(claim.report(macs[999].packed, Outcome.TOLERATED, settings, 11.0)) == 1
