"""Dumps that BIRD, FRR and GoBGP write of what our speaker says, and one of ours that GoBGP reads."""

import asyncio
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from bgp import Keepalive, Notification, Open, PathAttributes, Route, Update, mrt
from bgp.iana import MRTState
from bgp.mrt.file import open_mrt
from bgp.speaker import Speaker
from tests.conditions import DEADLINE, until
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces

pytestmark = [*needs_namespaces]

A, B = "203.0.113.1/32", "203.0.113.2/32"
ROUTES = [Route(A, communities=["64512:100"], med=7), Route(B, as_path=[70000])]
AS_SENT = {
    A: PathAttributes(origin=0, as_path=[64512], next_hop="10.0.0.1", communities=["64512:100"], med=7),
    B: PathAttributes(origin=0, as_path=[64512, 70000], next_hop="10.0.0.1"),
}

BIRD = """
router id 10.0.0.2;
mrtdump "{folder}/updates";
mrtdump protocols {{ messages, states }};
protocol device {{}}
protocol static {{ ipv4; route 198.51.100.0/24 blackhole; }}
protocol bgp speaker {{
    local 10.0.0.2 as 64513;
    neighbor 10.0.0.1 as 64512;
    passive;
    ipv4 {{ import all; export none; }};
}}
"""

FRR = """
dump bgp all {folder}/updates
dump bgp routes-mrt {folder}/table 1
router bgp 64513
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.0.0.1 remote-as 64512
 neighbor 10.0.0.1 passive
 address-family ipv4 unicast
  network 198.51.100.0/24
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8::/32
 exit-address-family
"""

GOBGP = """
[global.config]
as = 64513
router-id = "10.0.0.2"
[[neighbors]]
[neighbors.config]
neighbor-address = "10.0.0.1"
peer-as = 64512
[neighbors.transport.config]
passive-mode = true
[[mrt-dump]]
[mrt-dump.config]
dump-type = "updates"
file-name = "updates"
"""

_BGPD = Path("/usr/lib/frr/bgpd")


def needs(program: str, package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"needs {package} (Debian: {package})")


@pytest.fixture
def there() -> Iterator[NetworkNamespace]:
    """Where the daemon is to run; the test itself is at the other end of the cable."""
    with NetworkNamespace("ours") as ours, NetworkNamespace("daemon") as there:
        connect(ours, "10.0.0.1/24", there, "10.0.0.2/24")
        with ours.entered():
            yield there


@contextlib.asynccontextmanager
async def speaking() -> AsyncIterator[None]:
    """A session in which both routes were announced."""
    async with Speaker(local_as=64512, router_id="10.0.0.1") as speaker:
        speaker.announce(*ROUTES)
        peer = speaker.add_peer("10.0.0.2", peer_as=64513, idle_hold_time=0.05, connect_retry_time=0.5)
        async with asyncio.timeout(DEADLINE):
            await peer.wait_established()
        yield


def records(path: Path) -> list[mrt.Record]:
    """What there is so far: a daemon may be in the midst of a record."""
    if not path.exists():
        return []
    with open_mrt(path) as file:
        return list(mrt.read(file, lambda _: None))


def messages(path: Path, kind: type) -> list[Any]:
    found = [record.message for record in records(path) if isinstance(record, mrt.BGPMessage)]
    return [message for message in found if isinstance(message, kind)]


def announced(path: Path) -> dict[str, PathAttributes]:
    return {
        str(prefix): update.attributes for update in messages(path, Update) for prefix in update.announced
    }


def table(path: Path) -> dict[str, mrt.RIB]:
    return {str(record.destination): record for record in records(path) if isinstance(record, mrt.RIB)}


def peers(path: Path) -> list[tuple[str, int]]:
    (index,) = (record for record in records(path) if isinstance(record, mrt.PeerIndexTable))
    return [(str(peer.address), peer.asn) for peer in index.peers]


def check_session(path: Path) -> None:
    """A whole session is in the file, from the OPEN to the farewell."""
    found = records(path)
    assert {record.peer_as for record in found if isinstance(record, mrt.BGPMessage)} == {64512}
    (greeting,) = messages(path, Open)
    assert greeting.asn == 64512
    assert Keepalive() in messages(path, Keepalive)
    assert messages(path, Notification)[-1] == Notification(6, 2)
    assert messages(path, Update)[-1].announced == Update().announced
    states = [record.new for record in found if isinstance(record, mrt.StateChange)]
    assert MRTState.ESTABLISHED in states
    assert states[-1] == MRTState.IDLE


def check_entry(path: Path, prefix: str, **local: Any) -> None:
    """The route that we announced is in the table."""
    (entry,) = table(path)[prefix].entries
    assert peers(path)[entry.peer_index] == ("10.0.0.1", 64512)
    assert entry.attributes == AS_SENT[prefix].evolve(**local)
    assert str(entry.next_hop) == "10.0.0.1"
    assert entry.faults == ()


@needs("bird", "bird2")
async def test_bird(there: NetworkNamespace, tmp_path: Path) -> None:
    config, control, updates = tmp_path / "bird.conf", tmp_path / "bird.ctl", tmp_path / "updates"
    config.write_text(BIRD.format(folder=tmp_path))
    there.start("bird", "-f", "-c", str(config), "-s", str(control))
    await until(control.exists)
    async with speaking():
        await until(lambda: announced(updates) == AS_SENT)
        name = f'"{tmp_path}/table"'
        there.run("birdc", "-s", str(control), "mrt", "dump", "table", '"master4"', "to", name)
        await until(lambda: table(tmp_path / "table").keys() >= {A, B, "198.51.100.0/24"})
    for prefix in (A, B):
        check_entry(tmp_path / "table", prefix, local_pref=100)
    await until(lambda: messages(updates, Notification))
    await until(lambda: records(updates)[-1].new == MRTState.IDLE)  # type: ignore[union-attr]  # a StateChange
    check_session(updates)


@pytest.mark.skipif(not _BGPD.exists(), reason="needs FRR (Debian: frr)")
async def test_frr(there: NetworkNamespace, tmp_path: Path) -> None:
    # It gives up root, and may not look into the folders of tests.
    with tempfile.TemporaryDirectory(prefix="mrt-") as name:
        folder = Path(name)
        (folder / "bgpd.conf").write_text(FRR.format(folder=folder))
        for path in (folder, folder / "bgpd.conf"):
            shutil.chown(path, "frr", "frr")
        there.start(
            *(str(_BGPD), "-f", str(folder / "bgpd.conf"), "-i", str(folder / "pid")),
            *(
                "-z",
                str(folder / "zserv"),
                "--vty_socket",
                str(folder),
                "-P",
                "0",
                "--no_kernel",
                "--no_zebra",
            ),
        )
        updates, dump = folder / "updates", folder / "table"
        async with speaking():
            await until(lambda: announced(updates) == AS_SENT)
            await until(lambda: table(dump).keys() >= {A, B, "198.51.100.0/24", "2001:db8::/32"})
            shutil.copy(dump, tmp_path / "table")
        for prefix in (A, B):
            check_entry(tmp_path / "table", prefix)
        found = table(tmp_path / "table")
        assert str(found["198.51.100.0/24"].entries[0].next_hop) == "0.0.0.0"
        # FRR writes MP_REACH_NLRI whole, RFC 6396 4.3.4 notwithstanding.
        assert str(found["2001:db8::/32"].entries[0].next_hop) == "::"
        await until(lambda: messages(updates, Notification))
        await until(lambda: records(updates)[-1].new == MRTState.IDLE)  # type: ignore[union-attr]  # a StateChange
        check_session(updates)


async def start_gobgp(there: NetworkNamespace, folder: Path) -> None:
    config = folder / "gobgpd.toml"
    config.write_text(GOBGP)
    # It takes digits in the name of a dump for parts of a date, and the folder's name has some.
    script = 'cd "$1" && exec gobgpd -f gobgpd.toml --log-level error --api-hosts 127.0.0.1:50051'
    there.start("sh", "-c", script, "sh", str(folder))

    def answers() -> bool:
        try:
            there.run("gobgp", "global")
        except RuntimeError:
            return False
        return True

    await until(answers)


@needs("gobgpd", "gobgpd")
async def test_gobgp_writes(there: NetworkNamespace, tmp_path: Path) -> None:
    await start_gobgp(there, tmp_path)
    async with speaking():
        await until(lambda: announced(tmp_path / "updates") == AS_SENT)


def our_dump() -> list[mrt.Record]:
    index = mrt.PeerIndexTable(
        timestamp=1_700_000_000,
        collector_id="192.0.2.9",
        view_name="ours",
        peers=[
            mrt.Peer(address="192.0.2.1", asn=64512, router_id="192.0.2.1", four_octet_as=False),
            mrt.Peer(address="2001:db8::1", asn=70000, router_id="192.0.2.2"),
        ],
    )
    plain = PathAttributes(origin=0, as_path=[70000, 64499], next_hop="192.0.2.1", communities=["64512:7"])
    wide = plain.evolve(next_hop="192.0.2.3", large_communities=["70000:1:2"], med=3)
    return [
        index,
        mrt.RIB(timestamp=index.timestamp, destination=A, entries=[mrt.RIBEntry.of(plain, peer_index=0)]),
        mrt.RIB(
            timestamp=index.timestamp,
            sequence=1,
            destination="198.51.100.0/25",
            entries=[
                mrt.RIBEntry.of(wide, peer_index=1, originated=1_600_000_000),
                mrt.RIBEntry.of(plain, peer_index=0),
            ],
        ),
        *(
            mrt.RIB(
                timestamp=index.timestamp,
                sequence=2 + number,
                destination=f"10.{number >> 8}.{number & 0xFF}.0/24",
                entries=[mrt.RIBEntry.of(plain, peer_index=0)],
            )
            for number in range(3000)
        ),
    ]


@needs("gobgpd", "gobgpd")
async def test_gobgp_reads(there: NetworkNamespace, tmp_path: Path) -> None:
    # IPv4 alone: GoBGP 3.10 takes the shortened MP_REACH_NLRI of RFC 6396 4.3.4 for a whole one. And it goes before its
    # daemon has taken the last records, so there are many behind those that count.
    await start_gobgp(there, tmp_path)
    dump = tmp_path / "table"
    dump.write_bytes(b"".join(map(mrt.encode, our_dump())))
    assert there.run("gobgp", "mrt", "inject", "global", str(dump)) == ""

    def shown() -> dict[str, list[dict[int, Any]]]:
        found = json.loads(there.run("gobgp", "global", "rib", "-j"))
        return {
            prefix: [{attribute["type"]: attribute for attribute in path["attrs"]} for path in paths]
            for prefix, paths in found.items()
        }

    await until(lambda: {A, "198.51.100.0/25"} <= shown().keys())
    found = shown()
    (only,) = found[A]
    assert only[2]["as_paths"][0]["asns"] == [70000, 64499]
    assert only[3]["nexthop"] == "192.0.2.1"
    assert only[8]["communities"] == [64512 << 16 | 7]
    wide = next(path for path in found["198.51.100.0/25"] if 32 in path)
    assert wide[3]["nexthop"] == "192.0.2.3"
    assert wide[4]["metric"] == 3
    assert wide[32]["value"] == [{"ASN": 70000, "LocalData1": 1, "LocalData2": 2}]
