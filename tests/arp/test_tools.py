"""Other people's programs for layer 2 against a responder: what they find is what is owned, and nothing else."""

import shutil
import subprocess
from ipaddress import ip_address
from pathlib import Path

import pytest

from arp import BROADCAST, Conflict, Outcome, Reason
from tests.arp.lan import CLIENT_MAC, NODE_MAC, OTHER, OTHER_MAC, VIP, VIP6, Host, Lan, happened
from tests.arp.wire import answering
from tests.conditions import until
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

FREE, FREE6 = "203.0.113.9", "2001:db8::9"
_UNPACKED = Path(__file__).parents[2] / ".venv" / "debian"  # by .ci/packages


def find_arping(author: str, path: str, package: str) -> str:
    """Give the path of one of the two programs called arping, or skip the test."""
    for candidate in (Path("/", path), _UNPACKED / path):
        if candidate.exists():
            said = subprocess.run([candidate, "-V"], capture_output=True, text=True, check=False)
            if author in said.stdout + said.stderr:
                return str(candidate)
    pytest.skip(f"needs the arping of {author} (Debian: {package})")


@pytest.fixture
def iputils() -> str:
    """Give the path of arping from iputils."""
    return find_arping("iputils", "usr/bin/arping", "iputils-arping")


@pytest.fixture
def habets() -> str:
    """Give the path of arping by Thomas Habets."""
    return find_arping("Habets", "usr/sbin/arping", "arping")


def needs(program: str, package: str) -> pytest.MarkDecorator:
    """Skip a test where the program is not installed."""
    reason = f"needs the program {program} (Debian: {package})"
    return pytest.mark.skipif(shutil.which(program) is None, reason=reason)


# arping of iputils


async def test_arping_of_iputils_is_answered_and_goes_on_by_asking_us_alone(
    switched: Lan, iputils: str
) -> None:
    async with answering(VIP) as interface:
        status, said = await switched.client.finish(iputils, "-c", "3", "-w", "9", "-I", "eth0", VIP)
        assert (status, "Received 3 response" in said) == (0, True), said
        assert said.upper().count(f"UNICAST REPLY FROM {VIP} [{NODE_MAC}]".upper()) == 3
        asked = [question.destination for question in switched.received(VIP)]
        assert asked == [BROADCAST, NODE_MAC, NODE_MAC]
        assert interface.statistics.replies == {ip_address(VIP): 3}


@pytest.mark.parametrize(("address", "status"), [(VIP, 1), (FREE, 0)])
async def test_arping_of_iputils_sees_by_duplicate_detection_what_is_taken(
    switched: Lan, iputils: str, address: str, status: int
) -> None:
    async with answering(VIP) as interface:
        command = (iputils, "-D", "-c", "2", "-w", "3", "-I", "eth0", address)
        assert (await switched.client.finish(*command))[0] == status
        assert not sum(interface.statistics.conflicts.values()), "a question is no use of the address"


@pytest.mark.parametrize("mode", ["-U", "-A"])
async def test_arping_of_iputils_that_claims_our_address_is_answered_by_a_defence(
    switched: Lan, iputils: str, mode: str
) -> None:
    client = switched.client
    client.namespace.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_nonlocal_bind")
    async with answering(VIP) as interface:
        events = interface.events()
        switched.other.ask(VIP)
        await until(lambda: switched.other.neighbour(VIP) == (NODE_MAC, "REACHABLE"))
        status, said = await client.finish(iputils, mode, "-c", "1", "-w", "1", "-s", VIP, "-I", "eth0", VIP)
        assert "Sent 1 probe" in said, (status, said)
        event = await happened(events)
        assert isinstance(event, Conflict)
        assert (event.mac, event.outcome) == (CLIENT_MAC, Outcome.DEFENDED)
        await until(lambda: switched.other.neighbour(VIP)[0] == NODE_MAC)
        assert interface.statistics.defences == {ip_address(VIP): 1}


# arping by Habets


@pytest.mark.parametrize("options", [(), ("-0",)])  # as a host; from 0.0.0.0, as one that has no address yet
async def test_arping_of_habets_is_answered(switched: Lan, habets: str, options: tuple[str, ...]) -> None:
    async with answering(VIP) as interface:
        command = (habets, *options, "-c", "3", "-W", "0.1", "-w", "5", "-i", "eth0", VIP)
        status, said = await switched.client.finish(*command)
        assert (status, said.count(str(NODE_MAC))) == (0, 3), said
        assert interface.statistics.replies == {ip_address(VIP): 3}


@pytest.mark.parametrize("twice", [False, True])
async def test_arping_of_habets_sees_whether_an_address_has_two_holders(
    switched: Lan, habets: str, twice: bool
) -> None:
    if twice:
        switched.other.take(VIP)
    async with answering(VIP):
        command = (habets, "-d", "-c", "2", "-W", "0.1", "-w", "5", "-i", "eth0", VIP)
        status, said = await switched.client.finish(*command)
        assert (status, str(OTHER_MAC) in said) == ((1, True) if twice else (0, False)), said


async def test_arping_of_habets_that_claims_our_address_is_answered_by_a_defence(
    switched: Lan, habets: str
) -> None:
    async with answering(VIP) as interface:
        events = interface.events()
        await switched.client.finish(habets, "-U", "-c", "2", "-W", "0.1", "-S", VIP, "-i", "eth0", VIP)
        event = await happened(events)
        assert isinstance(event, Conflict)
        assert (event.mac, event.outcome) == (CLIENT_MAC, Outcome.DEFENDED)
        await until(lambda: interface.statistics.conflicts[ip_address(VIP)] == 2)
        assert interface.statistics.defences == {ip_address(VIP): 1}


# arp-scan


async def scan(host: Host, *options: str) -> dict[str, str]:
    """Let arp-scan look at some addresses; give who has which."""
    command = ("arp-scan", "--interface=eth0", "--retry=2", "--timeout=200", "--plain", *options)
    status, said = await host.finish(*command, "203.0.113.0/28")
    assert status == 0, said
    rows = [line.split("\t") for line in said.splitlines() if line.count("\t")]
    return {row[0]: row[1] for row in rows}


@needs("arp-scan", "arp-scan")
@pytest.mark.parametrize("options", [(), ("--arpspa=0.0.0.0",), ("--padding=00112233",)])
async def test_arp_scan_finds_what_is_owned_and_no_more(switched: Lan, options: tuple[str, ...]) -> None:
    more = "203.0.113.12"
    async with answering(VIP, more):
        found = await scan(switched.client, *options)
    assert found == {OTHER: str(OTHER_MAC), VIP: str(NODE_MAC), more: str(NODE_MAC)}


@needs("arp-scan", "arp-scan")
@pytest.mark.parametrize(
    "options",
    [("--arpop=2",), ("--arppro=0x86dd",), ("--arphln=8",), ("--arpop=8",), ("--destaddr=02:99:0:0:0:1",)],
)
async def test_arp_scan_gets_nothing_for_what_is_no_question(switched: Lan, options: tuple[str, ...]) -> None:
    async with answering(VIP) as interface:
        assert VIP not in await scan(switched.client, *options)
        assert interface.statistics.replies == {ip_address(VIP): 0}


@needs("arp-scan", "arp-scan")
async def test_arp_scan_that_asks_in_our_name_gets_a_defence_and_no_answer(switched: Lan) -> None:
    async with answering(VIP) as interface:
        await scan(switched.client, "--arpspa=dest")
        statistics = interface.statistics
        assert statistics.replies == {ip_address(VIP): 0}
        assert statistics.defences == {ip_address(VIP): 1}
        assert statistics.ignored[Reason.CONFLICT] >= 1


# ndisc6 and rdisc6


@needs("ndisc6", "ndisc6")
async def test_ndisc6_finds_one_holder(switched: Lan) -> None:
    async with answering(VIP6):
        status, said = await switched.client.finish("ndisc6", "-m", "-r", "2", "-w", "300", VIP6, "eth0")
        assert status == 0, said
        told = [line.split()[-1] for line in said.splitlines() if "Target link-layer" in line]
        assert set(told) == {str(NODE_MAC).upper()}, said


@needs("ndisc6", "ndisc6")
async def test_ndisc6_finds_nobody_for_an_address_that_is_not_owned(switched: Lan) -> None:
    async with answering(VIP6):
        status, said = await switched.client.finish("ndisc6", "-r", "2", "-w", "200", FREE6, "eth0")
        assert (status, "No response" in said) == (2, True), said


@needs("rdisc6", "ndisc6")
async def test_rdisc6_finds_no_router(switched: Lan) -> None:
    async with answering(VIP6):
        status, said = await switched.client.finish("rdisc6", "-r", "2", "-w", "200", "eth0")
        assert (status, "No response" in said) == (2, True), said
