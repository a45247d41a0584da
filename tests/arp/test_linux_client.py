"""Linux's own neighbour code as the client: what it makes of our answers and announcements, state by state."""

from ipaddress import ip_address
from pathlib import Path

import pytest

from arp import MACAddress
from tests.arp.lan import NODE_MAC, VIP, VIP6, Lan
from tests.arp.wire import answering
from tests.conditions import until
from tests.interop.netns import needs_namespaces

pytestmark = [*needs_namespaces]

OLD_MAC = MACAddress("02:00:00:00:00:99")
BOTH = pytest.mark.parametrize("vip", [VIP, VIP6])


@BOTH
async def test_linux_goes_through_its_states_and_always_finds_us_reachable(
    switched: Lan, vip: str, tmp_path: Path
) -> None:
    client, changes = switched.client, tmp_path / "changes"
    # Reachable for 1.05 to 3.15 s; an entry is stale only if it was not used in the last second of that. Then the
    # kernel waits as long for a hint that we are still there, and asks us alone.
    client.tune(neigh_base_reachable_time_ms=2100, neigh_delay_first_probe_time=1)
    client.tune(neigh_retrans_time_ms=1000)  # a test that looks at the table keeps the responder waiting
    client.monitor(changes)
    async with answering(vip) as interface:
        client.ask(vip)
        await until(lambda: client.neighbour(vip) == (NODE_MAC, "REACHABLE"))
        await until(lambda: client.neighbour(vip) == (NODE_MAC, "STALE"))
        before = len(switched.received(vip))
        client.ask(vip)
        assert client.neighbour(vip) == (NODE_MAC, "DELAY")
        await until(lambda: client.neighbour(vip) == (NODE_MAC, "REACHABLE"))
        assert [probe.destination for probe in switched.received(vip)[before:]] == [NODE_MAC]
        assert interface.statistics.replies == {ip_address(vip): 2}
    await until(lambda: "PROBE" in changes.read_text())
    assert "FAILED" not in changes.read_text()


@BOTH
@pytest.mark.parametrize("state", ["stale", "reachable"])
async def test_a_client_with_the_former_holder_in_its_cache_is_corrected_by_the_first_announcement(
    switched: Lan, vip: str, state: str
) -> None:
    client = switched.client
    client.ip(f"neigh replace {vip} lladdr {OLD_MAC} nud {state} dev eth0")
    async with answering(vip) as interface:
        await until(lambda: client.neighbour(vip)[0] == NODE_MAC)
        # Two frames of ARP; the override flag lets one advertisement do for a reachable entry too.
        assert interface.statistics.gratuitous == {ip_address(vip): 1 if ":" in vip else 2}


@BOTH
async def test_a_client_that_asks_while_there_is_no_holder_learns_from_the_first_announcement(
    switched: Lan, vip: str
) -> None:
    client = switched.client
    client.tune(neigh_retrans_time_ms=3_600_000)  # it does not ask again
    client.ask(vip)
    await until(lambda: client.neighbour(vip)[1] == "INCOMPLETE")
    async with answering(vip) as interface:
        await until(lambda: client.neighbour(vip)[0] == NODE_MAC)
        assert interface.statistics.replies == {ip_address(vip): 0}
