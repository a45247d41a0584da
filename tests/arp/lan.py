"""Hosts with Linux's own neighbour code on one switch, in network namespaces, with the test itself on the node.

The node holds no address of the segment; a responder on it answers in the test's own event loop. `client` and `other`
are ordinary hosts. The switch is a bridge that snoops MLD and sends queries, so that nothing is proven by multicast
that a real switch would have kept back. All that the node sends is recorded on the switch's side of its cable.
"""

import asyncio
import contextlib
import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path

import attrs

from arp import ETHERTYPE_ARP, ETHERTYPE_IPV6, ICMPV6, EthernetFrame, MACAddress, NDPType
from arp.events import Event
from arp.interface import EventStream
from tests.conditions import DEADLINE
from tests.interop.netns import NetworkNamespace, run

NODE_MAC, CLIENT_MAC, OTHER_MAC = (MACAddress(f"02:00:00:00:00:{last}") for last in ("01", "c1", "c2"))
CLIENT, CLIENT6 = "203.0.113.1", "2001:db8::1"
OTHER, OTHER6 = "203.0.113.2", "2001:db8::2"
VIP, VIP6 = "203.0.113.7", "2001:db8::7"

_ALL_PROTOCOLS = 3
_NEIGHBOUR_DISCOVERY = {NDPType.NEIGHBOR_SOLICITATION, NDPType.NEIGHBOR_ADVERTISEMENT}
# In hundredths of a second. A bridge forwards all multicast until its first query has been answered.
_SWITCH = "mcast_snooping 1 mcast_query_response_interval 20 mcast_last_member_interval 10"


@attrs.frozen(eq=False)
class Host:
    """A host with its eth0, and what its kernel is made to do."""

    namespace: NetworkNamespace
    mac: MACAddress

    def ip(self, command: str) -> str:
        """Run `ip`."""
        return self.namespace.run("ip", *command.split())

    def tune(self, **settings: int) -> None:
        """Change settings of eth0 for both families, such as `neigh_retrans_time_ms`; those of one only, for it."""
        for name, value in settings.items():
            group, _, key = name.partition("_")
            paths = [f"/proc/sys/net/{family}/{group}/eth0/{key}" for family in ("ipv4", "ipv6")]
            script = f"for path in {' '.join(paths)}; do ! [ -e $path ] || echo {value} > $path; done"
            self.namespace.run("sh", "-c", script)

    def take(self, address: str) -> None:
        """Give the host an address for its own use."""
        length = 64 if ":" in address else 24
        self.namespace.run("ip", "address", "add", f"{address}/{length}", "dev", "eth0")

    def drop(self, address: str) -> None:
        """Take it away again."""
        length = 64 if ":" in address else 24
        self.ip(f"address delete {address}/{length} dev eth0")

    def ask(self, address: str, source: str | None = None) -> None:
        """Make the kernel want to send to an address, and so resolve it, as a host with the address `source`."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.namespace.entered(), socket.socket(family, socket.SOCK_DGRAM) as sending:
            if source is not None:
                sending.bind((source, 0))
            sending.sendto(b"?", (address, 9))

    def neighbour(self, address: str) -> tuple[MACAddress | None, str]:
        """Give the MAC address and the state that the kernel has for an address; None and "" if nothing."""
        found = json.loads(self.ip(f"-j neigh show {address} dev eth0") or "[]")
        entry = found[0] if found else {}
        mac = MACAddress(entry["lladdr"]) if "lladdr" in entry else None
        return mac, " ".join(entry.get("state", []))

    def flags(self, address: str) -> set[str]:
        """Give what is set of `tentative`, `dadfailed` and the like for an address of its own; none if it has none."""
        (link,) = json.loads(self.ip("-j address show dev eth0"))
        return {
            flag
            for info in link["addr_info"]
            if info.get("local") == str(ip_address(address))
            for flag, is_set in info.items()
            if is_set is True
        }

    def monitor(self, output: Path) -> None:
        """Write each change of the neighbour table to a file, until the host is removed."""
        self.namespace.start("stdbuf", "-oL", "ip", "monitor", "neigh", output=output)

    async def finish(self, *command: str, deadline: float = 20.0) -> tuple[int, str]:
        """Run a command to its end while the test's own event loop goes on; give its exit status and output."""

        def wait() -> tuple[int, str]:
            done = subprocess.run(
                ["ip", "netns", "exec", self.namespace.name, *command],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=deadline,
                check=False,
            )
            return done.returncode, done.stdout

        return await asyncio.to_thread(wait)


@attrs.define(eq=False)
class Lan:
    """The hosts, and what has passed through the cable of the node."""

    node: Host
    client: Host
    other: Host
    switch: NetworkNamespace
    _tap: socket.socket
    _sent: list[bytes] = attrs.field(factory=list)
    _received: list[bytes] = attrs.field(factory=list)

    def sent(self) -> list[bytes]:
        """Give the frames of ARP and Neighbor Discovery that the node has sent until now."""
        self._listen()
        return [frame for frame in self._sent if _is_neighbourly(frame)]

    def received(self, address: str) -> list[EthernetFrame]:
        """Give those about an address that were sent to the node, whether it wanted them or not."""
        self._listen()
        packed = ip_address(address).packed
        return [
            EthernetFrame.decode(frame)
            for frame in self._received
            if _is_neighbourly(frame) and packed in frame
        ]

    def _listen(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, about = self._tap.recvfrom(2048)
                # What goes out of the switch's port goes to the node.
                (self._received if about[2] == socket.PACKET_OUTGOING else self._sent).append(frame)


async def happened(events: EventStream) -> Event:
    """Wait for the next event."""
    async with asyncio.timeout(DEADLINE):
        return await anext(events)


def _is_neighbourly(frame: bytes) -> bool:
    received = EthernetFrame.decode(frame)
    if received.ethertype == ETHERTYPE_IPV6:
        return received.payload[6] == ICMPV6 and received.payload[40] in _NEIGHBOUR_DISCOVERY
    return received.ethertype == ETHERTYPE_ARP


@contextmanager
def lan() -> Iterator[Lan]:
    """Make the hosts and their switch, and go to the node's end."""
    with (
        NetworkNamespace("switch") as switch,
        NetworkNamespace("node") as node,
        NetworkNamespace("client") as client,
        NetworkNamespace("other") as other,
    ):
        hosts = Host(node, NODE_MAC), Host(client, CLIENT_MAC), Host(other, OTHER_MAC)
        switch.run(*f"ip link add br0 type bridge {_SWITCH}".split())
        for port, host in zip(("to-node", "to-client", "to-other"), hosts, strict=True):
            _plug_in(switch, port, host)
        # It asks twice, and then only after minutes: it needs an address to ask from before it begins.
        switch.run("ip", "link", "set", "br0", "up")
        switch.run("ip", "address", "add", "fe80::b/64", "dev", "br0", "nodad")
        switch.run("ip", "link", "set", "br0", "type", "bridge", "mcast_querier", "1")
        for host, addresses in zip(hosts[1:], ((CLIENT, CLIENT6), (OTHER, OTHER6)), strict=True):
            for address in addresses:
                host.take(address)
        with switch.entered():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            tap.bind(("to-node", _ALL_PROTOCOLS))
        with tap, node.entered():
            yield Lan(*hosts, switch, tap)


def _plug_in(switch: NetworkNamespace, port: str, host: Host) -> None:
    end = f"eth0 address {host.mac} netns {host.namespace.name}"
    run(*f"ip link add {port} netns {switch.name} type veth peer name {end}".split())
    switch.run(*f"ip link set {port} master br0 up".split())
    # No wait for duplicate address detection where it is not what is tested, and three questions in 0.3 s before the
    # kernel gives up.
    host.tune(conf_accept_dad=0, neigh_retrans_time_ms=100)
    host.ip("link set eth0 up")
