"""What TCP does for the speaker, in network namespaces: signing, TTL security, devices; with BIRD and FRR."""

import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from bgp import LocalError, State
from bgp.listener import Incoming, Listener
from bgp.speaker import Peer, Speaker
from bgp.transport import Connection
from tests.bgp.ends import Owner, Passive, closed, config, needs_signing
from tests.bgp.router import DEADLINE
from tests.conditions import until
from tests.interop.bird import Bird
from tests.interop.netns import NetworkNamespace, connect, needs_namespaces
from tests.interop.speaking import Waiting

pytestmark = [*needs_namespaces]

needs_bird = pytest.mark.skipif(shutil.which("bird") is None, reason="needs BIRD 2 (Debian: bird2)")
needs_nft = pytest.mark.skipif(shutil.which("nft") is None, reason="needs nftables")

BGPD = Path("/usr/lib/frr/bgpd")
needs_frr = pytest.mark.skipif(not BGPD.exists(), reason="needs FRR (Debian: frr)")

VERSIONS = pytest.mark.parametrize("version", [4, 6])


@pytest.fixture
def ours() -> Iterator[NetworkNamespace]:
    """Where the test is: 10.0.0.1, 2001:db8::1 and fe80::1 on eth0."""
    with NetworkNamespace("ours") as namespace:
        yield namespace


@pytest.fixture
def there(ours: NetworkNamespace) -> Iterator[NetworkNamespace]:
    """The other end of the cable: 10.0.0.2, 2001:db8::2 and fe80::2 on eth0."""
    with NetworkNamespace("there") as there:
        ready_at_once(ours, there)
        connect(ours, "10.0.0.1/24", there, "10.0.0.2/24")
        for number, namespace in ((1, ours), (2, there)):
            for address in (f"2001:db8::{number}/64", f"fe80::{number}/64"):
                namespace.run("ip", "address", "add", address, "dev", "eth0")
        with ours.entered():
            yield there


@pytest.fixture
def far(ours: NetworkNamespace) -> Iterator[NetworkNamespace]:
    """Behind a router: 10.0.2.2 and 2001:db8:2::2, while we are 10.0.1.1 and 2001:db8:1::1."""
    with NetworkNamespace("router") as router, NetworkNamespace("far") as far:
        ready_at_once(ours, router, far)
        connect(ours, "10.0.1.1/24", router, "10.0.1.254/24")
        connect(far, "10.0.2.2/24", router, "10.0.2.254/24", interface="eth1")
        for number, namespace, end in ((1, ours, "eth0"), (2, far, "eth1")):
            namespace.run("ip", "address", "add", f"2001:db8:{number}::{number}/64", "dev", end)
            router.run(
                "ip", "address", "add", f"2001:db8:{number}::ff/64", "dev", f"eth{number - 1}", "nodad"
            )
            namespace.run("ip", "route", "add", "default", "via", f"10.0.{number}.254")
            namespace.run("ip", "route", "add", "default", "via", f"2001:db8:{number}::ff")
        router.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        with ours.entered():
            yield far


def ready_at_once(*namespaces: NetworkNamespace) -> None:
    """Do without the second for which an IPv6 address waits whether another host has it too (RFC 4862 5.4)."""
    for namespace in namespaces:
        namespace.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")


def address(version: int, number: int, network: str = "") -> str:
    """The address of an end: `address(4, 2)`, or behind the router `address(6, 2, "far")`."""
    if network:
        return f"10.0.{number}.{number}" if version == 4 else f"2001:db8:{number}::{number}"
    return f"10.0.0.{number}" if version == 4 else f"2001:db8::{number}"


class Meeting:
    """Listens in one namespace and dials from another; remembers what both ends were told."""

    def __init__(
        self, listening: NetworkNamespace, listen_on: str | None, options: dict[str, object]
    ) -> None:
        """Take the interface to listen on, and the options with which connections are claimed."""
        self.passive = Passive(config("192.0.2.1", **options))
        with listening.entered():
            self.listener = Listener.open(None, 179, self.passive.accept, interface=listen_on)
        self._dialled: list[Connection] = []

    def dial(self, to: str, **options: object) -> Owner:
        """Dial, from the namespace that the test is in."""
        owner = Owner()
        self._dialled.append(Connection.dial(config(to, user_timeout=1, **options), owner, 7))
        return owner

    async def outcome(self, to: str, **options: object) -> str:
        """Dial, and tell how it ended."""
        owner = self.dial(to, **options)
        await until(lambda: owner.told)
        return owner.told[0]

    async def close(self) -> None:
        """Let go of everything."""
        self.listener.close()
        await closed(*self._dialled, *self.passive.connections)


@contextlib.asynccontextmanager
async def meeting(
    listening: NetworkNamespace, listen_on: str | None = None, **options: object
) -> AsyncIterator[Meeting]:
    """Let two ends meet."""
    met = Meeting(listening, listen_on, options)
    try:
        yield met
    finally:
        await met.close()


@contextlib.asynccontextmanager
async def waiting(of: str, **options: object) -> AsyncIterator[Waiting]:
    """Wait for a peer to dial us."""
    ours = Waiting(of, **options)
    try:
        yield ours
    finally:
        await ours.close()


async def up(peer: Peer) -> Peer:
    async with asyncio.timeout(DEADLINE):
        await peer.wait_established()
    return peer


def add(to: Speaker, peer_address: str = "10.0.0.2", **options: object) -> Peer:
    values = {"idle_hold_time": 0.05, "connect_retry_time": 2, "peer_as": 64513, **options}
    return to.add_peer(peer_address, **values)  # type: ignore[arg-type]  # any option


def speaker() -> Speaker:
    return Speaker(local_as=64512, router_id="10.0.0.1")


def was_reset(owner: Owner) -> bool:
    """Whether the peer reset the connection, be it so soon that it was never seen to be up."""
    return bool(owner.told) and owner.told[-1].endswith("Connection reset by peer")


TIMED_OUT = "7 failed: cannot connect: Connection timed out"


# Signing (RFC 2385).


@needs_signing
@VERSIONS
async def test_keys_among_ourselves(there: NetworkNamespace, version: int) -> None:
    to, source = address(version, 2), address(version, 1)
    network = "10.0.0.0/24" if version == 4 else "2001:db8::/64"
    async with meeting(there, password="own") as met:
        met.listener.set_key(network, b"range")
        met.listener.set_key(source, b"own")
        # The longest prefix counts.
        assert await met.outcome(to, password="range") == TIMED_OUT
        assert await met.outcome(to) == TIMED_OUT
        assert await met.outcome(to, password="own") == "7 opened"
        await until(lambda: met.passive.connections)
        assert met.passive.told == []
        # Without the longer one, the range.
        met.listener.remove_key(source)
        met.passive.config = config("192.0.2.1", password="range")
        assert await met.outcome(to, password="own") == TIMED_OUT
        assert await met.outcome(to, password="range") == "7 opened"
        await until(lambda: len(met.passive.connections) == 2)


@needs_signing
@VERSIONS
async def test_many_keys(there: NetworkNamespace, version: int) -> None:
    async with meeting(there, password="own") as met:
        for number in range(3, 200):
            met.listener.set_key(address(version, number), b"another")
        met.listener.set_key(address(version, 1), b"own")
        assert await met.outcome(address(version, 2), password="own") == "7 opened"
        for number in range(3, 200):
            met.listener.remove_key(address(version, number))


@needs_signing
async def test_more_keys_than_the_kernel_has_room_for(there: NetworkNamespace) -> None:
    async with meeting(there) as met:

        def fill() -> None:
            for host in IPv4Network("10.0.0.0/8"):
                met.listener.set_key(host, b"key")

        with pytest.raises(LocalError, match=r"net\.core\.optmem_max leaves no room for one more"):
            fill()


@needs_signing
@needs_bird
@pytest.mark.parametrize("password", ["secret", "wrong", None])
async def test_bird_dials_us_and_signs(there: NetworkNamespace, tmp_path: Path, password: str | None) -> None:
    async with waiting("10.0.0.2", password="secret") as ours:
        ours.listener.set_key("10.0.0.0/30", b"secret")
        signing = f'password "{password}";' if password else ""
        Bird(there, tmp_path, extra=f"passive off; connect delay time 1; {signing}").start()
        if password == "secret":
            await until(lambda: ours.state is State.ESTABLISHED)
        else:
            counter = "TCPMD5Failure" if password else "TCPMD5NotFound"
            await until(lambda: kernel_count(counter))
            assert ours.state is State.ACTIVE
        assert ours.refusals == []


def kernel_count(name: str) -> int:
    """A counter of the kernel for the namespace that we are in."""
    lines = Path("/proc/thread-self/net/netstat").read_text().splitlines()
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        if name in names.split():
            return int(values.split()[names.split().index(name)])
    raise AssertionError(f"the kernel does not count {name}")


FRR = """\
frr defaults datacenter
router bgp 64513
 bgp router-id 10.0.0.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.0.0.1 remote-as 64512
 neighbor 10.0.0.1 password secret
 neighbor 10.0.0.1 timers connect 1
 neighbor 10.0.0.1 disable-connected-check
 {extra}
"""


@contextlib.contextmanager
def frr(there: NetworkNamespace, extra: str = "") -> Iterator[None]:
    """Start bgpd alone, at 10.0.0.2, in a folder that it can read once it has given up root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "bgpd.conf").write_text(FRR.format(extra=extra))
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "frr", "frr")
        bgpd = there.start(
            *(str(BGPD), "-f", str(folder / "bgpd.conf"), "-i", str(folder / "bgpd.pid"), "--no_kernel"),
            *("--no_zebra", "--vty_socket", name, "-P", "0", "--log", "stdout", "--log-level", "warn"),
        )
        yield
        bgpd.kill()
        bgpd.wait()


@needs_signing
@needs_frr
async def test_frr_dials_us_and_signs(there: NetworkNamespace) -> None:
    async with waiting("10.0.0.2", password="secret") as ours:
        ours.listener.set_key("10.0.0.0/24", b"secret")
        with frr(there):
            await until(lambda: ours.state is State.ESTABLISHED)
        assert ours.refusals == []


@needs_signing
@needs_frr
async def test_we_dial_frr_and_sign(there: NetworkNamespace) -> None:
    with frr(there, "neighbor 10.0.0.1 passive"):
        async with speaker() as ours:
            await up(add(ours, password="secret"))


# TTL security (RFC 5082).


@VERSIONS
async def test_ttl_security_of_who_is_dialled(far: NetworkNamespace, version: int) -> None:
    async with meeting(far, ttl_security=2) as met:
        to = address(version, 2, "far")
        # The SYN-ACK comes with 254.
        assert await met.outcome(to, ttl_security=1) == TIMED_OUT
        assert await met.outcome(to, ttl_security=2) == "7 opened"


@VERSIONS
async def test_ttl_security_of_who_dials(far: NetworkNamespace, version: int) -> None:
    async with meeting(far, ttl_security=1) as met:
        to = address(version, 2, "far")
        owner = met.dial(to, ttl=255)
        await until(lambda: was_reset(owner))
        assert met.passive.told == [
            "not claimed: its SYN came with a TTL of 254, ttl_security 1 wants 255 or more"
        ]
        met.passive.config = config("192.0.2.1", ttl_security=2)
        assert await met.outcome(to, ttl_security=2) == "7 opened"
        await until(lambda: met.passive.connections)


async def test_a_flood_of_syns_does_not_open_the_door(there: NetworkNamespace) -> None:
    # With cookies alone, the kernel keeps no SYN.
    there.run("sysctl", "-qw", "net.ipv4.tcp_syncookies=2")
    async with meeting(there, ttl_security=1) as met:
        met.dial("10.0.0.2", ttl_security=1)
        await until(lambda: met.passive.told)
        assert met.passive.told == [
            "not claimed: nothing is known of its SYN, which ttl_security and a password have to see"
        ]


@VERSIONS
async def test_a_ttl_that_does_not_reach_the_peer(far: NetworkNamespace, version: int) -> None:
    async with meeting(far) as met:
        to = address(version, 2, "far")
        assert "failed: cannot connect" in await met.outcome(to, ttl=1)
        assert await met.outcome(to, ttl=2) == "7 opened"


@needs_bird
@pytest.mark.parametrize("option", [{"ttl_security": 1}, {"ttl": 255}])
async def test_we_dial_a_bird_that_checks(
    there: NetworkNamespace, tmp_path: Path, option: dict[str, object]
) -> None:
    Bird(there, tmp_path, extra="ttl security on;").start()
    async with speaker() as ours:
        await up(add(ours, "10.0.0.2", **option))


@needs_bird
async def test_bird_dials_us_and_both_check(there: NetworkNamespace, tmp_path: Path) -> None:
    async with waiting("10.0.0.2", ttl_security=1) as ours:
        Bird(there, tmp_path, extra="passive off; connect delay time 1; ttl security on;").start()
        await until(lambda: ours.state is State.ESTABLISHED)
        assert ours.refusals == []


@needs_bird
async def test_a_bird_that_does_not_heed_our_check_is_refused(
    there: NetworkNamespace, tmp_path: Path
) -> None:
    async with waiting("10.0.0.2", ttl_security=1) as ours:
        Bird(there, tmp_path, extra="passive off; connect delay time 1;").start()
        await until(lambda: ours.refusals)
        assert ours.refusals[0] == "its SYN came with a TTL of 1, ttl_security 1 wants 255 or more"


@needs_bird
async def test_a_bird_two_hops_away(far: NetworkNamespace, tmp_path: Path) -> None:
    bird = Bird(far, tmp_path, here="10.0.2.2", there="10.0.1.1", extra="multihop 2; ttl security on;")
    bird.start()
    async with speaker() as ours:
        await up(add(ours, "10.0.2.2", ttl_security=2))


# What packets look like.


def sniffer(namespace: NetworkNamespace) -> socket.socket:
    """A socket that gets all packets of a namespace, from the IP header on."""
    with namespace.entered():
        return socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, socket.htons(3))


def traffic_classes(found: socket.socket) -> dict[str, set[int]]:
    """The DSCPs of the TCP packets sniffed, by source address."""
    seen: dict[str, set[int]] = {}
    with contextlib.suppress(BlockingIOError):
        while packet := found.recv(65536):
            if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
                source, octet = socket.inet_ntop(socket.AF_INET, packet[12:16]), packet[1]
            elif packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP:
                source, octet = (
                    socket.inet_ntop(socket.AF_INET6, packet[8:24]),
                    (packet[0] << 4 | packet[1] >> 4) & 255,
                )
            else:
                continue
            seen.setdefault(source, set()).add(octet >> 2)
    return seen


@VERSIONS
@pytest.mark.parametrize(("options", "dscp"), [({}, 48), ({"dscp": 10}, 10), ({"dscp": 0}, 0)])
async def test_dscp(there: NetworkNamespace, version: int, options: dict[str, int], dscp: int) -> None:
    with sniffer(there) as found:
        async with meeting(there) as met:
            owner = met.dial(address(version, 2), **options)
            await until(lambda: met.passive.connections)
            met.passive.connections[0].send(b"x")
            await until(lambda: owner.received)
        # From the first packet to the last.
        assert traffic_classes(found) == {address(version, 1): {dscp}, address(version, 2): {48}}


# Interfaces.


@VERSIONS
async def test_dialling_through_an_interface(
    ours: NetworkNamespace, there: NetworkNamespace, version: int
) -> None:
    with NetworkNamespace("nowhere") as nowhere:
        connect(ours, "10.0.9.1/24", nowhere, "10.0.9.2/24", interface="eth1")
        async with meeting(there) as met:
            to = address(version, 2)
            assert await met.outcome(to, interface="eth0") == "7 opened"
            assert "7 failed: cannot connect" in await met.outcome(to, interface="eth1")


@pytest.mark.parametrize(
    ("interface", "outcome"), [("eth0", "7 opened"), ("eth1", "7 failed: cannot connect: Connection refused")]
)
async def test_listening_on_an_interface(there: NetworkNamespace, interface: str, outcome: str) -> None:
    with NetworkNamespace("elsewhere") as elsewhere:
        connect(there, "10.0.9.2/24", elsewhere, "10.0.9.1/24", interface="eth1")
        async with meeting(there, interface) as met:
            assert await met.outcome("10.0.0.2") == outcome


async def test_a_connection_that_came_by_another_interface(there: NetworkNamespace) -> None:
    with NetworkNamespace("elsewhere") as elsewhere:
        connect(there, "10.0.9.2/24", elsewhere, "10.0.9.1/24", interface="eth1")
        async with meeting(there, interface="eth1") as met:
            owner = met.dial("10.0.0.2")
            await until(lambda: met.passive.connections)
            met._dialled[0].send(b"never acknowledged")
            await until(lambda: len(owner.told) == 2)
            assert owner.told[1].startswith("7 lost: connection lost: ")
            assert met.passive.received == b""


async def test_a_vrf(ours: NetworkNamespace, there: NetworkNamespace) -> None:
    try:
        ours.run("ip", "link", "add", "red", "type", "vrf", "table", "10")
    except RuntimeError:
        pytest.skip("needs a kernel with CONFIG_NET_VRF")
    ours.run("ip", "link", "set", "red", "up")
    ours.run("ip", "link", "set", "eth0", "master", "red")
    async with meeting(there) as met:
        assert "7 failed: cannot connect" in await met.outcome("10.0.0.2")
        assert await met.outcome("10.0.0.2", interface="red") == "7 opened"


@pytest.mark.parametrize(
    ("to", "options"),
    [
        ("fe80::2%eth0", {}),
        ("fe80::2", {"interface": "eth0"}),
        ("fe80::2%eth0", {"local_address": "fe80::1"}),
        ("fe80::2%eth0", {"local_address": "fe80::1%eth0", "ttl_security": 1}),
        pytest.param("fe80::2%eth0", {"password": "secret"}, marks=needs_signing),
    ],
)
async def test_link_local_addresses(there: NetworkNamespace, to: str, options: dict[str, object]) -> None:
    # Both ends have to send with 255.
    same = {name: options.get(name) for name in ("password", "ttl_security")}
    async with meeting(there, None, **same) as met:
        if "password" in options:
            met.listener.set_key("fe80::1%eth0", b"secret")
        owner = met.dial(to, **options)
        await until(lambda: owner.told and met.passive.connections)
        assert list(map(str, owner.addresses or ())) == ["fe80::1%eth0", "fe80::2%eth0"]
        assert list(map(str, met.passive.addresses or ())) == ["fe80::2%eth0", "fe80::1%eth0"]


@needs_bird
async def test_a_bird_at_a_link_local_address(there: NetworkNamespace, tmp_path: Path) -> None:
    Bird(there, tmp_path, here="fe80::2", there="fe80::1%eth0").start()
    async with speaker() as ours:
        await up(add(ours, "fe80::2%eth0"))


# Failures.


@needs_nft
async def test_user_timeout(there: NetworkNamespace) -> None:
    async with meeting(there) as met:
        owner = met.dial("10.0.0.2")
        await until(lambda: owner.told)
        there.run(
            "nft",
            "add table ip lost; add chain ip lost in { type filter hook input priority 0; policy drop; }",
        )
        met._dialled[0].send(b"never acknowledged")
        await until(lambda: len(owner.told) == 2)
        assert owner.told[1] == "7 lost: connection lost: Connection timed out"


PRIVILEGE = """
import asyncio, os
from bgp import LocalError
from bgp.listener import Listener

async def listen(port):
    try:
        Listener.open(None, port, print).close()
    except LocalError as error:
        return str(error)

os.setuid(65534)
print(asyncio.run(listen(179)), asyncio.run(listen(1790)), sep="\\n")
"""


def test_a_port_that_needs_a_privilege(ours: NetworkNamespace) -> None:
    ours.run("sysctl", "-qw", "net.ipv4.ip_unprivileged_port_start=1024")
    assert ours.run(sys.executable, "-c", PRIVILEGE).splitlines() == [
        "cannot listen on 0.0.0.0 port 179: needs CAP_NET_BIND_SERVICE, or another port, such as port=1790",
        "None",
    ]


@VERSIONS
async def test_nothing_is_left(ours: NetworkNamespace, there: NetworkNamespace, version: int) -> None:
    async with meeting(there) as met:
        assert await met.outcome(address(version, 2)) == "7 opened"
        await until(lambda: met.passive.connections)
        met.passive.config = config("192.0.2.1", ttl_security=1)
        refused = met.dial(address(version, 2))
        await until(lambda: was_reset(refused))
    # Who closes first remembers it for a minute; nobody remembers what was refused.
    lines = [line.split() for where in (ours, there) for line in where.run("ss", "-tanH").splitlines()]
    assert [line[0] for line in lines] in ([], ["TIME-WAIT"], ["TIME-WAIT", "TIME-WAIT"])
    with there.entered():
        Listener.open(None, 179, Incoming.refuse).close()
