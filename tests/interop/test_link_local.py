"""Sessions over IPv6 link-local addresses: who is who, and that packets really go where the next hops say."""

import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import bgp
from bgp.bfd.config import BFDConfig
from bgp.bfd.packet import BFDState
from bgp.speaker import Speaker
from tests.bgp.speakers import FAST, OPEN, up
from tests.conditions import DEADLINE, until
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces, run

pytestmark = [*needs_namespaces]

A, A6 = "203.0.113.1/32", "2001:db8:a::1/128"
BOTH: dict[str, Any] = {
    "families": [bgp.IPV4_UNICAST, bgp.IPV6_UNICAST],
    "extended_next_hop": [(bgp.IPV4_UNICAST, bgp.AFI.IPV6)],
    **FAST,
}


@pytest.fixture
def there() -> Iterator[NetworkNamespace]:
    """A host at fe80::2; the test is at the other end of the cable, at fe80::1 and fe80::3."""
    with NetworkNamespace("ours") as ours, NetworkNamespace("there") as there:
        connect(ours, "192.0.2.1/24", there, "192.0.2.2/24")
        for namespace, numbers in ((ours, (1, 3)), (there, (2,))):
            for number in numbers:
                namespace.run("ip", "address", "add", f"fe80::{number}/64", "dev", "eth0", "nodad")
        with ours.entered():
            yield there


def typed(zone: str) -> dict[str, Any]:
    """A peer's address and other options, with the zone given in one way or another."""
    match zone:
        case "name":
            return {"peer": "fe80::3%eth0"}
        case "number":
            return {"peer": f"fe80::3%{socket.if_nametoindex('eth0')}"}
        case _:
            return {"peer": "fe80::3", "interface": "eth0"}


@pytest.mark.parametrize("zone", ["name", "number", "interface"])
@pytest.mark.parametrize("local", [None, "fe80::1", "fe80::1%eth0"])
@pytest.mark.usefixtures("there")
async def test_a_peer_that_dials_is_known_however_its_zone_was_typed(zone: str, local: str | None) -> None:
    async with (
        Speaker(local_as=64512, router_id="192.0.2.1") as one,
        Speaker(local_as=64513, router_id="192.0.2.3") as two,
    ):
        await one.listen("fe80::1%eth0")
        # Nobody can come from there, and that is no trouble.
        one.add_peer("fe80::3%gone", peer_as=64513, passive=True)
        found = one.add_peer(**typed(zone), peer_as=64513, local_address=local, passive=True)
        await up(found, two.add_peer("fe80::1%eth0", peer_as=64512, local_address="fe80::3", **FAST))
        assert found.endpoints is not None
        assert [str(address) for address, _ in found.endpoints] == ["fe80::1%eth0", "fe80::3%eth0"]


BIRD = """
router id 192.0.2.2;
protocol device {}
protocol kernel { ipv4 { export all; }; }
protocol kernel { ipv6 { export all; }; }
protocol bfd { interface "eth0" { interval 100 ms; multiplier 20; }; }
protocol bgp speaker {
    local fe80::2%eth0 as 64513;
    neighbor fe80::1%eth0 as 64512;
    passive;
    bfd on;
    ipv4 { import all; export all; extended next hop on; };
    ipv6 { import all; export all; };
}
"""


def arrives(there: NetworkNamespace, address: str) -> bool:
    """Whether a packet from there comes to an address of ours."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with there.entered():
        sender = socket.socket(family, socket.SOCK_DGRAM)
    with sender, socket.socket(family, socket.SOCK_DGRAM) as receiver:
        receiver.bind((address, 0))
        receiver.settimeout(DEADLINE)
        sender.sendto(b"hello", (address, receiver.getsockname()[1]))
        return receiver.recv(16) == b"hello"


@pytest.mark.skipif(shutil.which("bird") is None, reason="needs BIRD 2 (Debian: bird2)")
async def test_packets_go_where_our_next_hops_say(there: NetworkNamespace, tmp_path: Path) -> None:
    (tmp_path / "bird.conf").write_text(BIRD)
    there.start("bird", "-f", "-c", str(tmp_path / "bird.conf"), "-s", str(tmp_path / "bird.ctl"))

    async with Speaker(local_as=64512, router_id="192.0.2.1") as speaker:
        bfd = BFDConfig(transmit_interval=0.1, receive_interval=0.1, multiplier=20)
        peer = speaker.add_peer(
            "fe80::2%eth0", peer_as=64513, local_address="fe80::1", bfd=bfd, **BOTH, **OPEN
        )
        await up(peer)
        speaker.announce(A, A6)
        await until(lambda: "via inet6 fe80::1 dev eth0" in there.run("ip", "route", "show", A))
        await until(lambda: "via fe80::1 dev eth0" in there.run("ip", "-6", "route", "show", A6))
        for prefix in (A, A6):
            run("ip", "address", "add", prefix, "dev", "lo")
            assert arrives(there, prefix.partition("/")[0])
        await until(lambda: peer.bfd and peer.bfd.state is BFDState.UP)
