"""Answers, counted."""

from ipaddress import IPv4Address

from arp import Answer, MACAddress
from arp.tally import Tally, Verdict

ADDRESS = IPv4Address("203.0.113.7")
A, B = MACAddress("02:00:00:00:00:0a"), MACAddress("02:00:00:00:00:0b")


def answer(mac: MACAddress, elapsed: float) -> Answer:
    """Make an answer."""
    return Answer(question=1, address=ADDRESS, mac=mac, elapsed=elapsed)


def test_nobody() -> None:
    tally = Tally(ADDRESS)
    tally.add([])
    tally.add([])
    assert (tally.verdict, tally.holders) == (Verdict.NO_HOLDER, [])
    assert tally.lines() == ["nobody has 203.0.113.7: 2 asked, no answer"]


def test_one_holder() -> None:
    tally = Tally(ADDRESS)
    for answers in ([answer(A, 0.001)], [], [answer(A, 0.004)]):
        tally.add(answers)
    assert (tally.verdict, tally.holders) == (Verdict.ONE_HOLDER, [A])
    assert tally.lines() == [f"{A}: 2 of 3 answered, fastest 1.00 ms, mean 2.50 ms, slowest 4.00 ms"]


def test_several_holders() -> None:
    tally = Tally(ADDRESS)
    tally.add([answer(B, 0.001), answer(A, 0.002)])
    assert (tally.verdict, tally.holders) == (Verdict.SEVERAL_HOLDERS, [B, A])
    assert tally.lines()[-1] == "CONFLICT: 2 stations have 203.0.113.7"
    assert len(tally.lines()) == 3


def test_the_verdicts_are_exit_statuses_beside_that_of_an_error() -> None:
    assert [int(verdict) for verdict in Verdict] == [0, 1, 3]
