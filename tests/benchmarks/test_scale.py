"""The parts of the benchmark of whole speakers that read and count, on made-up octets and canned answers."""

import struct

import pytest

from tests.benchmarks.generator import realistic
from tests.benchmarks.scale import answers, usage
from tests.benchmarks.scale.courses import Figures
from tests.benchmarks.scale.feeds import PEER_AS, SECOND_AS, worse
from tests.benchmarks.scale.player import END_OF_RIB, message, open_message
from tests.benchmarks.scale.report import Results, render
from tests.benchmarks.scale.tally import Tally


def told(prefixes: bytes, *path: int, withdrawn: bytes = b"") -> bytes:
    """An UPDATE of a router."""
    value = struct.pack(f"!BB{len(path)}I", 2, len(path), *path) if path else b""
    block = b"\x40\1\1\0" + bytes([0x40, 2, len(value)]) + value
    body = struct.pack("!H", len(withdrawn)) + withdrawn + struct.pack("!H", len(block)) + block + prefixes
    return message(2, body)


A, B = b"\x18\xc6\x12\0", b"\x18\xc6\x12\1"


def test_a_tally_counts_prefixes_by_the_neighbour_they_come_from() -> None:
    tally = Tally()
    octets = told(A + B, 64500, PEER_AS) + message(4) + told(A, 64500, SECOND_AS, PEER_AS)
    for when, start in enumerate(range(0, len(octets), 7)):
        tally.add(float(when), octets[start : start + 7])
    assert tally.prefixes == 0
    tally.digest()
    assert (tally.prefixes, tally.via(PEER_AS), tally.via(SECOND_AS), tally.updates) == (2, 1, 1, 2)
    assert tally.octets == len(octets)
    assert tally.last_change == (len(octets) - 1) // 7
    tally.add(99.0, told(A, 64500, SECOND_AS, PEER_AS) + END_OF_RIB)
    tally.digest()
    assert tally.last_change < 99, "nothing new was told"
    tally.add(100.0, told(b"", withdrawn=B) + message(3, b"\6\2"))
    tally.digest()
    assert (tally.prefixes, tally.via(PEER_AS), tally.last_change) == (1, 0, 100.0)
    assert tally.notification == b"\6\2"


def test_a_worse_feed_has_the_same_prefixes_by_one_hop_more() -> None:
    workload = realistic(500)
    assert workload.prefixes == 500
    tallies = Tally(), Tally()
    for tally, feed in zip(tallies, (workload, worse(workload)), strict=True):
        tally.add(0.0, b"".join(feed.messages))
        tally.digest()
        assert tally.prefixes == 500
    # In the feeds themselves the second AS is the one behind the peer's own.
    assert tallies[1].via(PEER_AS) == 500
    assert tallies[0].via(PEER_AS) == 0


def test_an_open_is_one() -> None:
    octets = open_message(64496, "192.0.2.11")
    assert int.from_bytes(octets[16:18]) == len(octets)
    assert octets[19:29] == b"\4" + (64496).to_bytes(2) + (240).to_bytes(2) + bytes([192, 0, 2, 11, 14])


def test_answers_of_bird() -> None:
    text = "1006-  BGP state:          Established\n     Routes:         4978 imported, 0 exported, 4978 preferred\n"
    assert answers.bird_imported(text) == 4978
    assert answers.bird_established(text)
    assert answers.bird_imported("1006-  BGP state:          Passive\n") == 0
    assert not answers.bird_established("1006-  BGP state:          Passive\n")


def test_answers_of_frr() -> None:
    text = '{"peers": {"192.0.2.11": {"pfxRcd": 7}, "192.0.2.12": {"pfxRcd": 8}}}'
    assert answers.frr_received(text, "192.0.2.12") == 8
    assert answers.frr_received(text, "192.0.2.13") == 0
    assert answers.frr_received("% no", "192.0.2.12") == 0


def test_answers_of_gobgp() -> None:
    text = """\
Peer          AS  Up/Down State       |#Received  Accepted
192.0.2.11 64496 00:00:05 Establ      |     4000      3990
192.0.2.12 64497    never Active      |        0         0
"""
    assert answers.gobgp_received(text, "192.0.2.11") == 3990
    assert answers.gobgp_received(text, "192.0.2.12") == 0


def test_answers_of_openbgpd() -> None:
    text = "  Update statistics:\n                  Sent       Received\n  Prefixes             3         20000\n"
    assert answers.openbgpd_received(text) == 20000
    assert answers.openbgpd_received("") == 0


def test_the_name_of_a_process_may_hold_anything() -> None:
    assert usage.of_stat("7 (a) b) S 1 7 7 0 -1 0 0 0 0 0 30 12 0 0 20 0 1 0") == 42


def results(**seconds: float) -> Results:
    found = Results({"receive": 1000, "readvertise": 1000})
    for subject, value in seconds.items():
        found.add("receive", subject, {"seconds": value, "processor": value, "octets": 200_000.0})
    return found


def line(text: str, start: str) -> str:
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(start))


def test_the_best_of_the_rounds_counts() -> None:
    found = results(ours=2.0, exabgp=30.0)
    found.add("receive", "ours", {"seconds": 1.0, "processor": 3.0, "octets": 300_000.0})
    assert found.best("receive", "ours", "seconds") == 1.0
    assert found.ratio("receive", "exabgp") == 30
    assert line(render(found, markdown=False), "bgp").split() == ["bgp", "1.00", "-", "2.00", "200", "-"]


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [({"octets": 349_000.0}, "met"), ({"octets": 351_000.0}, "MISSED"), ({}, "not measured")],
)
def test_a_target_is_met_missed_or_not_measured(figures: Figures, verdict: str) -> None:
    found = results(ours=1.0, exabgp=9.9, frr=1.1)
    found.add("readvertise", "ours", figures)
    text = render(found, markdown=False)
    assert line(text, "readvertise, octets a prefix").endswith(verdict)
    assert line(text, "receive, times exabgp").endswith("MISSED")
    assert line(text, "receive, times frr").endswith("met")
    assert line(text, "latency").endswith("not measured")


def test_markdown_is_one_table_with_what_is_shorter_than_can_be_known() -> None:
    found = results(ours=1.0)
    found.add("latency", "ours", {"seconds": 0.0001})
    found.add("latency", "gobgp", {"seconds": 0.0121})
    text = render(found, markdown=True)
    assert line(text, "| bgp |") == "| bgp | 1.00 | - | - | - | - | - | - | under 2 |"
    assert line(text, "| gobgp |").endswith("| 12 |")
