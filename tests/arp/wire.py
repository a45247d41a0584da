"""A node and a client on one cable, in network namespaces, with the test itself on the node.

An `Interface` runs in the test's own event loop; what it sends is read by a tap on the client's end.
"""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import attrs

from arp import (
    ETHERTYPE_ARP,
    ETHERTYPE_IPV6,
    ARPPacket,
    DecodeError,
    EthernetFrame,
    MACAddress,
    NeighborAdvertisement,
    Operation,
    Settings,
    decode_packet,
)
from arp.interface import Interface
from tests.interop.netns import NetworkNamespace, run

CLIENT, CLIENT6 = "203.0.113.1", "2001:db8::1"
CLIENT_MAC, NODE_MAC = MACAddress("02:00:00:00:00:c1"), MACAddress("02:00:00:00:00:01")
_ALL_PROTOCOLS = 3
# No wait for duplicate address detection; addresses that outlive a link; and three questions in 0.3 s before the kernel
# gives up.
_SETTINGS = {
    "ipv6/conf/eth0/accept_dad": 0,
    "ipv6/conf/eth0/keep_addr_on_down": 1,
    "ipv4/neigh/eth0/retrans_time_ms": 100,
    "ipv6/neigh/eth0/retrans_time_ms": 100,
}


@attrs.frozen(eq=False)
class Wire:
    """Both ends, and the client's tap."""

    node: NetworkNamespace
    client: NetworkNamespace
    tap: socket.socket

    def ip(self, command: str) -> None:
        """Run `ip` on the node."""
        self.node.run("ip", *command.split())

    def client_ip(self, command: str) -> None:
        """Run `ip` on the client."""
        self.client.run("ip", *command.split())

    def ask(self, address: str) -> None:
        """Make the client's kernel want to send to an address, and so resolve it."""
        ask(self.client, address)

    def neighbour(self, address: str) -> tuple[MACAddress | None, str]:
        """Give the MAC address and the state that the client's kernel has for an address."""
        found = json.loads(self.client.run("ip", "-j", "neigh", "show", address, "dev", "eth0") or "[]")
        entry = found[0] if found else {}
        mac = MACAddress(entry["lladdr"]) if "lladdr" in entry else None
        return mac, " ".join(entry.get("state", []))

    def send(self, *frames: bytes) -> None:
        """Send frames from the client's end."""
        for frame in frames:
            self.tap.send(frame)

    def heard(self) -> list[bytes]:
        """Give the frames of the node that arrived at the client since the last time."""
        frames = []
        with contextlib.suppress(OSError):  # nothing is left to read, or the link is down
            while True:
                frame, about = self.tap.recvfrom(2048)
                if about[2] != socket.PACKET_OUTGOING:
                    frames.append(frame)
        return frames

    def announced(self) -> list[tuple[str, MACAddress]]:
        """Give what those frames announce to everyone: an address and who has it."""
        return [said for frame in self.heard() if (said := announcement(frame)) is not None]


def ask(host: NetworkNamespace, address: str) -> None:
    """Make the kernel of a host want to send to an address, and so resolve it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with host.entered(), socket.socket(family, socket.SOCK_DGRAM) as sending:
        sending.sendto(b"?", (address, 9))


def announcement(frame: bytes) -> tuple[str, MACAddress] | None:
    """Read a gratuitous ARP request, or an unsolicited advertisement."""
    received = EthernetFrame.decode(frame)
    if received.ethertype == ETHERTYPE_ARP:
        packet = ARPPacket.decode(received.payload)
        is_one = packet.sender_ip == packet.target_ip and packet.operation == Operation.REQUEST
        return (str(packet.sender_ip), packet.sender_mac) if is_one else None
    if received.ethertype == ETHERTYPE_IPV6:
        with contextlib.suppress(DecodeError):
            _, message = decode_packet(received.payload)
            if isinstance(message, NeighborAdvertisement) and not message.solicited:
                return str(message.target), received.source
    return None


@contextmanager
def wire() -> Iterator[Wire]:
    """Lay the cable and go to the node's end."""
    with NetworkNamespace("node") as node, NetworkNamespace("client") as client:
        plug_in(node, client)
        with client.entered():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            tap.bind(("eth0", _ALL_PROTOCOLS))
        with tap, node.entered():
            yield Wire(node, client, tap)


def plug_in(node: NetworkNamespace, client: NetworkNamespace) -> None:
    """Give each end its eth0, with all that belongs to it."""
    ends = f"eth0 address {NODE_MAC} netns {node.name} type veth peer name eth0 address {CLIENT_MAC}"
    run("ip", "link", "add", *ends.split(), "netns", client.name)
    client.run(
        "sh", "-c", "; ".join(f"echo {value} > /proc/sys/net/{name}" for name, value in _SETTINGS.items())
    )
    node.run("ip", "link", "set", "eth0", "up")
    client.run("ip", "link", "set", "eth0", "up")
    client.run("ip", "address", "add", f"{CLIENT}/24", "dev", "eth0")
    client.run("ip", "address", "add", f"{CLIENT6}/64", "dev", "eth0", "nodad")


_USUAL = Settings()


@contextlib.asynccontextmanager
async def answering(
    *addresses: str, name: str = "eth0", settings: Settings = _USUAL
) -> AsyncIterator[Interface]:
    """Run an interface that owns these addresses."""
    async with Interface(name, settings=settings) as interface:
        interface.replace(addresses)
        # What was changed is carried out at the end of the turn. A question that comes before would be resolved by the
        # announcement, and such an entry is confirmed only seconds later.
        await asyncio.sleep(0)
        yield interface
