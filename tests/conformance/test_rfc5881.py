"""RFC 5881: BFD with a neighbour on the same link."""

import socket

import pytest

from bgp import LocalError
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import PacketDiscarded
from bgp.bfd.packet import Discard
from bgp.bfd.sockets import Listener, Sender
from bgp.bfd.table import BFDPath
from tests.bgp.bfd.ends import DOWN, alone, said
from tests.conformance.requirements import rfc


@rfc("5881 4", "MUST send to UDP port 3784")
def test_port() -> None:
    assert (BFDConfig().destination_port, BFDConfig().listening_port) == (3784, 3784)


@rfc("5881 4", "MUST send from a port between 49152 and 65535, the same for all packets of a session")
@rfc("5881 4", "SHOULD have a source port for each session")
def test_source_port() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        peer.settimeout(10)
        config = BFDConfig(port=peer.getsockname()[1])
        senders = [Sender(BFDPath(peer="127.0.0.1"), config) for _ in range(2)]
        ports = []
        for sender in (*senders, *senders):
            sender.send(b"packet")
            ports.append(peer.recvfrom(100)[1][1])
            sender.close()  # whatever happens to its socket
    assert ports[:2] == ports[2:]
    assert all(49152 <= port <= 65535 for port in ports)
    assert ports[0] != ports[1]


@rfc("5881 5", "MUST send with a TTL or hop limit of 255")
@pytest.mark.parametrize(("version", "address"), [(4, "127.0.0.1"), (6, "::1")])
def test_sent_ttl(version: int, address: str) -> None:
    listener = Listener(version, 0)
    port = listener.socket.getsockname()[1]
    sender = Sender(BFDPath(peer=address), BFDConfig(port=port))
    sender.send(b"packet")
    listener.socket.settimeout(10)  # on the loopback interface it is there at once, but who knows
    (arrival,) = (next(listener.receive()),)
    sender.close()
    listener.socket.close()
    assert (arrival.data, arrival.ttl, arrival.interface) == (b"packet", 255, "lo")
    assert str(arrival.peer) == str(arrival.local_address) == address


@rfc("5881 5", "MUST discard packets with another TTL or hop limit than 255, if not authenticated")
def test_received_ttl() -> None:
    assert PacketDiscarded(Discard.TTL) in alone().receive_data(said(DOWN), 0.0, ttl=254)
    assert PacketDiscarded(Discard.TTL) not in alone().receive_data(said(DOWN), 0.0, ttl=255)
    with pytest.raises(LocalError, match="minimum_ttl"):
        BFDConfig(minimum_ttl=254)
