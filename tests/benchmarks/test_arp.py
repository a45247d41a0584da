"""The benchmark of answers: its octets, its tables, and all of it with a handful of questions."""

import pytest

from arp.ethernet import EthernetFrame, MACAddress
from arp.ndp import NeighborAdvertisement, NeighborSolicitation, decode_packet
from arp.options import TargetLinkLayerAddress
from arp.packet import ARPPacket, Operation
from tests.benchmarks.arp import course, loop
from tests.benchmarks.arp.course import Amounts
from tests.benchmarks.arp.family import ARP, FAMILIES, NDP, Family
from tests.benchmarks.arp.report import SCENARIOS, Results, render
from tests.benchmarks.arp.subjects import OCCUPIED, OURS, SUBJECTS
from tests.interop.netns import needs_namespaces

ASKER, ANSWERER = MACAddress("02:00:00:00:00:01"), MACAddress("02:00:00:00:00:02")


class Played(loop.Raw):
    """A socket that receives what is given, and then no more."""

    def __init__(self, *frames: bytes) -> None:
        self.frames = list(frames)
        self.sent: list[bytes] = []

    def recv(self, bufsize: int, /) -> bytes:
        if not self.frames:
            raise EOFError
        return self.frames.pop(0)

    def send(self, data: bytes, /) -> int:
        self.sent.append(data)
        return len(data)


def questions(family: Family) -> list[bytes]:
    return family.questions(ASKER, [*family.others(1), *family.owned(2), *family.gaps(1)])


def test_the_loop_answers_arp_for_its_address_alone() -> None:
    played = Played(*questions(ARP))
    with pytest.raises(EOFError):
        loop.arp(played, ANSWERER.packed, ARP.owned_from.packed)
    (octets,) = played.sent
    frame = EthernetFrame.decode(octets)
    assert (frame.destination, frame.source) == (ASKER, ANSWERER)
    answer = ARPPacket.decode(frame.payload)
    assert (answer.operation, answer.sender_mac, answer.sender_ip) == (
        Operation.REPLY,
        ANSWERER,
        ARP.owned_from,
    )
    assert (answer.target_mac, answer.target_ip) == (ASKER, ARP.asker)
    assert octets[ARP.mark[0]] == ARP.mark[1]
    assert ARP.target(octets) == ARP.owned_from.packed


def test_the_loop_answers_solicitations_for_its_address_alone() -> None:
    played = Played(*questions(NDP))
    with pytest.raises(EOFError):
        loop.ndp(played, ANSWERER.packed, NDP.owned_from.packed)
    (octets,) = played.sent
    frame = EthernetFrame.decode(octets)
    assert (frame.destination, frame.source) == (ASKER, ANSWERER)
    packet, answer = decode_packet(frame.payload)
    assert (packet.source, packet.destination) == (NDP.owned_from, NDP.asker)
    assert isinstance(answer, NeighborAdvertisement)
    assert (answer.router, answer.solicited, answer.override) == (False, True, True)
    assert answer.options == (TargetLinkLayerAddress(ANSWERER),)
    assert octets[NDP.mark[0]] == NDP.mark[1]
    assert NDP.target(octets) == NDP.owned_from.packed


def test_a_question_is_one_and_no_answer() -> None:
    request, *_ = ARP.questions(ASKER, ARP.owned(1))
    assert ARPPacket.decode(EthernetFrame.decode(request).payload).target_ip == ARP.owned_from
    assert request[ARP.mark[0]] != ARP.mark[1]
    solicitation, *_ = NDP.questions(ASKER, NDP.owned(1))
    _, message = decode_packet(EthernetFrame.decode(solicitation).payload)
    assert isinstance(message, NeighborSolicitation)
    assert message.target == NDP.owned_from
    assert solicitation[NDP.mark[0]] != NDP.mark[1]


@pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
def test_nobody_has_two_roles(family: Family) -> None:
    roles = family.owned(10_000), family.gaps(10_000), family.others(10_000), [family.asker]
    assert len({address for role in roles for address in role}) == sum(map(len, roles))


FIGURES = {
    "latency": {"median": 12e-6, "p99": 20e-6},
    "burst": {"answered": 20_000.0, "seconds": 0.5, "sending": 0.1},
    "busy": {"processor": 0.002},
    "gaps": {"processor": 0.4},
}


def results(**changed: dict[str, float]) -> Results:
    found = Results(Amounts())
    for scenario, figures in FIGURES.items():
        found.add("arp", scenario, "loop", figures)
        for name in OURS:
            found.add("arp", scenario, name, figures | changed.get(scenario, {}))
    for name in OCCUPIED:
        found.add("arp", "waits", name, {"longest": 0.01} | changed.get("waits", {}))
    return found


def verdict(text: str, target: str) -> str:
    (line,) = (line for line in text.splitlines() if target in line)
    return line.split()[-1]


def test_the_best_of_the_rounds_counts_and_of_a_burst_the_worst_share() -> None:
    found = results()
    found.add("arp", "latency", "loop", {"median": 24e-6, "p99": 10e-6})
    found.add("arp", "burst", "loop", {"answered": 5_000.0, "seconds": 0.1, "sending": 0.05})
    assert found.least("arp", "latency", "loop", "median") == 12e-6
    assert found.spread("arp", "latency", "loop", "median") == 1.0
    assert found.answered("arp", "loop") == 0.25
    assert found.rate("arp", "loop") == 50_000
    assert found.sending("arp") == 400_000
    lines = [line.split() for line in render(found, markdown=False).splitlines()]
    assert ["loop", "12.0", "100%", "10.0", "1.00", "-"] in lines
    assert ["loop", "25%", "50,000"] in lines
    assert ["loop", "0.400", "4.0"] in lines


@pytest.mark.parametrize(
    ("changed", "target"),
    [
        ({}, ""),
        ({"latency": {"median": 14.5e-6}}, "ours-1, median, times loop"),
        ({"burst": {"answered": 19_999.0}}, "ours-100, share of the burst"),
        ({"busy": {"processor": 0.011}}, "ours-10000, busy"),
        ({"waits": {"longest": 0.5}}, "computing, longest wait"),
    ],
)
def test_a_target_is_met_or_missed(changed: dict[str, dict[str, float]], target: str) -> None:
    text = render(results(**changed), markdown=False)
    assert verdict(text, target) == "MISSED" if target else "MISSED" not in text
    assert verdict(text, "ours-10000, median, times ours-1") == "met"


def test_what_was_not_measured_is_said_to_be_so() -> None:
    found = Results(Amounts())
    found.add("ndp", "latency", "kernel", FIGURES["latency"])
    text = render(found, markdown=False)
    assert text.count("not measured") == 12
    assert "ARP" not in text


def test_markdown_is_one_table() -> None:
    found = results()
    found.add("ndp", "latency", "kernel", FIGURES["latency"])
    lines = render(found, markdown=True).splitlines()
    rows = [line for line in lines if line.startswith("| ")]
    assert len({line.count("|") for line in rows}) == 1
    assert "| loop | 12.0 | 20.0 | 100% | 40,000 | 0.002 | - | - | - | - | - |" in rows
    assert not any(name in line for name in OCCUPIED for line in rows)
    assert "| kernel | - | - | - | - | - | 12.0 | 20.0 | - | - | - |" in rows


class TestOnASegment:
    """With few questions: what is measured is not looked at, but that it can be."""

    pytestmark = needs_namespaces
    amounts = Amounts(latency=20, burst=50, busy=100, gaps=100, waits=20)

    @pytest.mark.parametrize("name", ["kernel", "loop", "ours-100"])
    @pytest.mark.parametrize("family", FAMILIES.values(), ids=list(FAMILIES))
    def test_a_subject_goes_through_all_scenarios(self, family: Family, name: str) -> None:
        with course.segment() as where:
            found = course.run(SUBJECTS[name], family, SCENARIOS, self.amounts, where)
        others = {"busy", "gaps", "waits"} if name == "kernel" else {"waits"}
        assert set(found) == set(SCENARIOS) - others
        assert 0 < found["latency"]["median"] <= found["latency"]["p99"]
        assert found["burst"]["answered"] == self.amounts.burst
        for scenario in found.keys() & {"busy", "gaps"}:
            assert found[scenario]["answered"] == 0

    def test_a_busy_subject_is_asked_how_long_one_waits(self) -> None:
        with course.segment() as where:
            found = course.run(SUBJECTS["asleep"], ARP, SCENARIOS, self.amounts, where)
        assert set(found) == {"waits"}
        assert found["waits"]["longest"] > 0
