"""Who is alive, judged by when changes were seen."""

import attrs
import pytest

from arp import MACAddress
from k8sglue.membership import MACS_ANNOTATION, Membership, lease_name, macs
from k8sglue.resources import Key, Lease


def lease(node: str, renewed: int) -> Lease:
    return Lease(
        key=Key("metallb-system", lease_name(node)), holder=node, duration=2.0, renew_time=f"{renewed}"
    )


def test_a_speaker_whose_heartbeat_nobody_can_see_is_no_candidate() -> None:
    membership = Membership("a")
    assert membership.alive(0.0) == frozenset()
    assert membership.next_timeout(0.0) is None
    membership.observe([lease("b", 1)], 0.0)
    assert membership.alive(0.0) == {"b"}
    membership.observe([lease("a", 1), lease("b", 1)], 0.1)
    assert membership.alive(0.1) == {"a", "b"}
    membership.observe([lease("b", 1)], 0.2)
    assert membership.alive(0.2) == {"b"}


def test_a_speaker_that_stops_renewing_is_gone_after_its_duration() -> None:
    membership = Membership("a")
    membership.observe([lease("a", 1), lease("b", 1)], 10.0)
    assert membership.next_timeout(10.0) == 12.0
    membership.observe([lease("a", 2), lease("b", 1)], 11.5)
    assert membership.alive(11.9) == {"a", "b"}
    assert membership.next_timeout(11.9) == 12.0
    assert membership.alive(12.0) == {"a"}
    membership.observe([lease("a", 3), lease("b", 2)], 13.0)
    assert membership.alive(13.0) == {"a", "b"}


def test_what_the_holder_s_clock_says_does_not_matter() -> None:
    membership = Membership("a")
    membership.observe([lease("a", 1), lease("b", 999)], 0.0)
    membership.observe([lease("a", 2), lease("b", -5)], 1.9)
    assert membership.alive(3.0) == {"a", "b"}


def test_a_lease_that_is_taken_back_counts_at_once() -> None:
    membership = Membership("a")
    membership.observe([lease("a", 1), lease("b", 1)], 0.0)
    membership.observe([lease("a", 1)], 0.1)
    assert membership.alive(0.1) == {"a"}


def test_leases_of_others_in_the_namespace_do_not_count() -> None:
    membership = Membership("a")
    foreign = Lease(key=Key("metallb-system", "controller"), holder="c-1", duration=15.0)
    membership.observe([lease("a", 1), foreign], 0.0)
    assert membership.alive(0.0) == {"a"}


def test_a_speaker_that_is_cut_off_judges_nobody() -> None:
    membership = Membership("a")
    membership.observe([lease("a", 1), lease("b", 1), lease("c", 1)], 0.0)
    assert membership.alive(0.0) == {"a", "b", "c"}
    # Nothing comes through any more, the own heartbeat neither.
    assert membership.alive(100.0) == {"a", "b", "c"}
    assert membership.next_timeout(100.0) is None


def test_who_was_cut_off_gives_everybody_their_full_duration_anew() -> None:
    membership = Membership("a")
    membership.observe([lease("a", 1), lease("b", 1), lease("c", 1)], 0.0)
    membership.alive(0.0)
    membership.observe([lease("a", 2), lease("b", 1), lease("c", 1)], 100.0)
    assert membership.alive(101.0) == {"a", "b", "c"}
    membership.observe([lease("a", 3), lease("b", 2), lease("c", 1)], 101.5)
    assert membership.alive(102.0) == {"a", "b"}


def test_an_onlooker_judges_by_what_it_sees() -> None:
    membership = Membership("")
    membership.observe([lease("a", 1), lease("b", 1)], 0.0)
    membership.observe([lease("a", 2), lease("b", 1)], 1.0)
    assert membership.alive(2.5) == {"a"}


def test_the_lease_of_a_speaker_that_has_long_been_dead_is_to_be_removed() -> None:
    membership = Membership("a")
    membership.observe([lease("a", 1), lease("b", 1)], 0.0)
    for second in range(1, 9):
        membership.observe([lease("a", 1 + second), lease("b", 1)], float(second))
        assert membership.long_dead(float(second)) == frozenset()
    membership.observe([lease("a", 20), lease("b", 1)], 8.1)
    assert membership.long_dead(8.2) == {"b"}
    # Whoever is cut off has no right to judge that.
    assert membership.long_dead(100.0) == frozenset()


def with_macs(node: str, text: str) -> Lease:
    return attrs.evolve(lease(node, 1), annotations={MACS_ANNOTATION: text})


def test_speakers_say_their_hardware_addresses() -> None:
    leases = [
        with_macs("a", '["02:00:00:00:00:0a"]'),
        with_macs("b", '["02:00:00:00:00:0b", "02:00:00:00:01:0b"]'),
        with_macs("c", "[]"),
        lease("d", 1),
        attrs.evolve(with_macs("e", '["02:00:00:00:00:0e"]'), key=Key("metallb-system", "other")),
    ]
    assert macs(leases, but="a") == {MACAddress("02:00:00:00:00:0b"), MACAddress("02:00:00:00:01:0b")}


@pytest.mark.parametrize(
    "text", ["", "nonsense", "null", "7", '["nonsense"]', "[7]", "[null]", "[" * 100_000]
)
def test_hardware_addresses_that_are_none_are_passed_over(text: str) -> None:
    assert macs([with_macs("b", text), with_macs("c", '["02:00:00:00:00:0c"]')], but="a") == {
        MACAddress("02:00:00:00:00:0c")
    }
