"""A scripted BGP peer that writes down, octet for octet, what a daemon says to it.

It builds its few messages by hand and reads no more than it must, and it does not use the `bgp` package: what is
recorded here tests that package, so it must not depend on it.

`Account` says who a peer is and how much its OPEN offers; `ScriptedPeer` is one connection of it. The peers of a
recording share one thread: `settle` lets all of them listen until the daemon has nothing more to say to any.
"""

import enum
import selectors
import socket
import time
from collections.abc import Iterable
from ipaddress import ip_address

import attrs

from tests.interop.netns import NetworkNamespace

OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE_REFRESH = range(1, 6)

IPV4_UNICAST, IPV6_UNICAST = (1, 1), (2, 1)
IPV4_MULTICAST, IPV6_MULTICAST = (1, 2), (2, 2)
IPV4_LABELLED, IPV6_LABELLED = (1, 4), (2, 4)
IPV4_VPN, IPV6_VPN = (1, 128), (2, 128)
FAMILIES = (
    *(IPV4_UNICAST, IPV6_UNICAST, IPV4_MULTICAST, IPV6_MULTICAST),
    *(IPV4_LABELLED, IPV6_LABELLED, IPV4_VPN, IPV6_VPN),
)
"""All that are recorded, as (AFI, SAFI)."""

AS_TRANS = 23456
_MARKER = b"\xff" * 16
_CONNECT_WITHIN = 10.0


class Offer(enum.Enum):
    """How much the OPEN of a peer offers."""

    EVERYTHING = "every capability there is"
    USUAL = "IPv4 and IPv6, route refresh, four-octet AS numbers: what most of the routers of today have in common"
    TWO_OCTET = "IPv4 and IPv6, but no four-octet AS numbers: a router from before RFC 4893"
    NOTHING = "no capability: a router from before RFC 5492"


@attrs.frozen
class Account:
    """A peer, as the daemon's configuration and the peer itself have to know it."""

    name: str
    """What the recording calls the session."""

    address: str
    """Where it connects from."""

    asn: int

    offer: Offer = Offer.EVERYTHING

    families: tuple[tuple[int, int], ...] = FAMILIES
    """What "everything" means for families, as (AFI, SAFI)."""

    is_client: bool = False
    """Of the daemon's own AS, and a client of its route reflection."""

    role: str = ""
    """The daemon's role towards this peer (RFC 9234), "" for none."""

    is_source: bool = False
    """It announces routes, for the daemon to pass on."""

    has_long_attributes: bool = False
    """Among them one whose AS path is longer than a segment can be, and one with very many communities."""

    has_extended_open: bool = False
    """Its OPEN has parameter lengths of two octets, and so should the daemon's (RFC 9072)."""

    version: int = 4
    """Of BGP. To be refused, as are an AS number and a hold time that the daemon does not expect."""

    hold_time: int = 240
    claimed_asn: int = attrs.field()

    @claimed_asn.default
    def _honest(self) -> int:
        return self.asn

    @property
    def is_refused(self) -> bool:
        """Whether a daemon that knows the rules refuses its OPEN."""
        return self.version != 4 or self.hold_time in (1, 2) or self.claimed_asn != self.asn

    def is_internal(self, daemon_asn: int) -> bool:
        """Whether the session is one of iBGP."""
        return self.asn == daemon_asn


def message(kind: int, body: bytes = b"") -> bytes:
    """A whole message."""
    return _MARKER + (19 + len(body)).to_bytes(2) + bytes([kind]) + body


def family_octets(families: Iterable[tuple[int, int]], tail: bytes = b"") -> bytes:
    """AFI and SAFI of each, with something behind."""
    return b"".join(afi.to_bytes(2) + bytes([safi]) + tail for afi, safi in families)


def open_message(account: Account) -> bytes:
    """The OPEN of a peer."""
    asn = account.claimed_asn
    address = ip_address(account.address)
    identifier = address.packed if address.version == 4 else b"\xc0\x00\x02" + address.packed[-1:]
    two_octet_as = asn if asn < 1 << 16 else AS_TRANS
    body = bytes([account.version]) + two_octet_as.to_bytes(2) + account.hold_time.to_bytes(2) + identifier
    capabilities = _capabilities(account)
    offered = b"".join(bytes([code, len(value)]) + value for code, value in capabilities)
    if account.has_extended_open:
        parameter = b"\2" + len(offered).to_bytes(2) + offered
        return message(OPEN, body + b"\xff\xff" + len(parameter).to_bytes(2) + parameter)
    parameter = bytes([2, len(offered)]) + offered if offered else b""
    return message(OPEN, body + bytes([len(parameter)]) + parameter)


_OUR_ROLE = {"provider": 3, "customer": 0, "peer": 4, "rs-server": 2, "rs-client": 1}
"""The role of the other side, by the daemon's own (RFC 9234 4.1)."""


def _capabilities(account: Account) -> list[tuple[int, bytes]]:
    if account.offer is Offer.NOTHING:
        return []
    unicast = (IPV4_UNICAST, IPV6_UNICAST)
    families = account.families if account.offer is Offer.EVERYTHING else unicast
    found = [(1, afi.to_bytes(2) + b"\0" + bytes([safi])) for afi, safi in families]
    found.append((2, b""))  # route refresh
    if account.offer is Offer.TWO_OCTET:
        return found
    found.append((65, account.claimed_asn.to_bytes(4)))  # four-octet AS
    if account.offer is Offer.USUAL:
        return found
    found += [
        (5, b"".join(afi.to_bytes(2) + safi.to_bytes(2) + b"\0\2" for afi, safi in families if afi == 1)),
        (6, b""),  # extended message
        (64, (120).to_bytes(2) + family_octets(unicast, b"\x80")),  # graceful restart
        (69, family_octets(families, b"\3")),  # ADD-PATH, both ways
        (70, b""),  # enhanced route refresh
        (71, family_octets(unicast, b"\x80" + (3600).to_bytes(3))),  # long-lived graceful restart
        (73, b"\x08recorder\x0bexample.net"),  # FQDN
        (75, b"\x0crecorder 1.0"),  # software version
    ]
    if account.role:
        found.append((9, bytes([_OUR_ROLE[account.role]])))
    return found


class ScriptedPeer:
    """One connection to the daemon: says hello, keeps the session up, and remembers every message."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.heard: list[bytes] = []
        self.is_leaving = False
        """No UPDATE is worth keeping any more: the other sessions are ending."""

        self._pending = b""
        self._socket: socket.socket | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection is there."""
        return self._socket is not None

    @property
    def is_established(self) -> bool:
        """Whether the daemon has accepted our OPEN."""
        return self.is_open and any(octets[18] == KEEPALIVE for octets in self.heard)

    def connect(self, namespace: NetworkNamespace, daemon: str) -> None:
        """Connect and send the OPEN; wait for the daemon to listen."""
        family = socket.AF_INET6 if ":" in daemon else socket.AF_INET
        deadline = time.monotonic() + _CONNECT_WITHIN
        while self._socket is None:
            with namespace.entered():
                attempt = socket.socket(family)
            try:
                attempt.bind((self.account.address, 0))
                attempt.connect((daemon, 179))
                self._socket = attempt
            except OSError:
                attempt.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        self.send(open_message(self.account))

    def send(self, *messages: bytes) -> None:
        """Send messages, if the connection is still there."""
        if self._socket is None:
            return
        try:
            self._socket.sendall(b"".join(messages))
        except OSError:
            self.close()

    def close(self) -> None:
        """End the connection without a word."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def fileno(self) -> int:
        """For selectors."""
        assert self._socket is not None
        return self._socket.fileno()

    def listen(self) -> None:
        """Take in what has arrived, and answer an OPEN."""
        assert self._socket is not None
        try:
            data = self._socket.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self.close()
        self._pending += data
        while len(self._pending) >= 19:
            length = int.from_bytes(self._pending[16:18])
            if len(self._pending) < length:
                break
            octets, self._pending = self._pending[:length], self._pending[length:]
            if not (self.is_leaving and octets[18] == UPDATE):
                self.heard.append(octets)
            if octets[18] == OPEN:
                self.send(message(KEEPALIVE))


def settle(peers: Iterable[ScriptedPeer], *, quiet: float = 2.5, limit: float = 20.0) -> None:
    """Let peers listen until none has heard anything for `quiet` seconds, at most `limit` seconds long."""
    end = time.monotonic() + limit
    for peer in peers:
        if peer.is_established:
            peer.send(message(KEEPALIVE))
    while time.monotonic() < end:
        with selectors.DefaultSelector() as selector:
            for peer in peers:
                if peer.is_open:
                    selector.register(peer, selectors.EVENT_READ)
            ready = selector.select(quiet) if selector.get_map() else []
        if not ready:
            return
        for key, _ in ready:
            assert isinstance(key.fileobj, ScriptedPeer)
            key.fileobj.listen()
