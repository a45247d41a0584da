"""From what happens to peers to what a station is told about it: BMP without I/O (RFC 7854).

One `Feed` is one connection to a station. It is told of sessions and routes and returns octets to send, in this order:

    begin                              once
    peer_up                            when a session comes up, or is found up
    dump, end_of_rib                   for a session found up: what its Adj-RIB-In holds
    routes, update, statistics         as they happen
    peer_down                          when it ends
    end                                once

What it tells of is the Adj-RIB-In before the import policy, which is what a peer says and not what we make of it; so
no flag is set but those for IPv6 and for AS numbers of two octets. These stay as the peer sends them, since a path
that is made longer could be too long. Whatever it is told of a peer that is not up comes to nothing.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Final, Protocol

import attrs

from bgp.attributes import PathAttributes
from bgp.bmp import (
    BMPMessage,
    Initiation,
    MonitoredPeer,
    PeerDown,
    PeerUp,
    RouteMonitoring,
    Statistic,
    StatisticsReport,
    Termination,
    encode,
)
from bgp.events import RoutesReceived, SessionClosed
from bgp.framing import MAX_MESSAGE
from bgp.iana import BMPPeerDownReason, BMPStatistic
from bgp.messages import encode as encode_message
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI, Destination
from bgp.open import Open
from bgp.prefix import IPV4_UNICAST, Family
from bgp.update import Update
from bgp.values import Address

_BATCH: Final = 1000
"""So many routes of a dump are looked at together, to find those that fit into one UPDATE."""

_OVERHEAD: Final = 100
"""More octets than an UPDATE has beside its attributes and its destinations."""


class ReceivedRoute(Protocol):
    """What a feed has to know of a route of a peer; `bgp.Route` is one."""

    @property
    def prefix(self) -> Destination:
        """Where it leads."""

    @property
    def path_id(self) -> int:
        """Which of the peer's paths it is."""

    @property
    def attributes(self) -> PathAttributes:
        """Its attributes."""

    @property
    def next_hop(self) -> NextHop | None:
        """Where to send the packets, for routes of MP_REACH_NLRI."""


@attrs.frozen(kw_only=True)
class MonitoredSession:
    """A session that is up."""

    local_address: Address
    """Our address."""

    local_port: int
    """Our TCP port, 0 to 65535."""

    peer_address: Address
    """The peer's address."""

    peer_port: int
    """The peer's TCP port, 0 to 65535."""

    sent_open: Open
    """What we said of ourselves."""

    received_open: Open
    """What the peer said of itself."""

    negotiated: Negotiated
    """What both sides agreed on."""

    def peer(self, now: float) -> MonitoredPeer:
        """The peer as BMP tells of it; `now` in seconds since 1970."""
        seconds, fraction = divmod(now, 1)
        return MonitoredPeer(
            address=self.peer_address,
            asn=self.received_open.asn,
            router_id=self.received_open.router_id,
            timestamp=int(seconds),
            microseconds=int(fraction * 1_000_000),
            two_octet_as=not self.negotiated.four_octet_as,
        )

    @property
    def mirrored(self) -> Negotiated:
        """The session in which we write what the peer sends, of whatever length."""
        session = self.negotiated
        return attrs.evolve(session, add_path_send=session.add_path_receive, extended_message=True)


@attrs.define(eq=False)
class Feed:
    """One connection to a station. Peers have keys, which are the caller's choice; times are seconds since 1970."""

    _up: dict[Hashable, tuple[MonitoredSession, Negotiated]] = attrs.field(factory=dict, init=False)

    def begin(self, system_name: str, system_description: str) -> bytes:
        """Open the conversation."""
        return encode(Initiation.of(system_name, system_description))

    def end(self, reason: int, text: str = "") -> bytes:
        """Close it, for a `BMPTerminationReason`."""
        return encode(Termination.of(reason, text))

    def is_up(self, key: Hashable) -> bool:
        """Whether the station takes the session for up."""
        return key in self._up

    def peer_up(self, key: Hashable, session: MonitoredSession, now: float) -> bytes:
        """Tell that a session came up; of one that is up already, first that it is not any more."""
        gone = self.peer_down(key, None, now)
        self._up[key] = session, session.mirrored
        message = PeerUp(
            peer=session.peer(now),
            local_address=session.local_address,
            local_port=session.local_port,
            remote_port=session.peer_port,
            sent_open=session.sent_open,
            received_open=session.received_open,
        )
        return gone + encode(message)

    def peer_down(self, key: Hashable, closed: SessionClosed | None, now: float) -> bytes:
        """Tell that a session ended; None: or that no more will be told of it."""
        if key not in self._up:
            return b""
        session, mirrored = self._up.pop(key)
        peer = session.peer(now)
        if closed is None:
            message = PeerDown(peer, BMPPeerDownReason.DE_CONFIGURED)
        elif closed.sent is not None:
            data = encode_message(closed.sent, mirrored)
            message = PeerDown(peer, BMPPeerDownReason.LOCAL_NOTIFICATION, data)
        elif closed.received is not None:
            data = encode_message(closed.received, mirrored)
            message = PeerDown(peer, BMPPeerDownReason.REMOTE_NOTIFICATION, data)
        else:
            message = PeerDown(peer, BMPPeerDownReason.REMOTE)
        return encode(message)

    def update(self, key: Hashable, update: Update | bytes, now: float) -> bytes:
        """Tell of an UPDATE that the peer sent: its octets, or what they say."""
        if key not in self._up:
            return b""
        session, mirrored = self._up[key]
        data = update if isinstance(update, bytes) else encode_message(update, mirrored)
        return encode(RouteMonitoring(session.peer(now), data))

    def routes(self, key: Hashable, event: RoutesReceived, now: float) -> bytes:
        """Tell of routes that the peer announced or withdrew; those with faults as they were taken (RFC 7606)."""
        update = event.update
        return b"" if update is None else self.update(key, update, now)

    def end_of_rib(self, key: Hashable, family: Family, now: float) -> bytes:
        """Tell that these were all routes of a family that there are so far."""
        if family == IPV4_UNICAST:
            return self.update(key, Update(), now)
        return self.update(key, Update(mp_unreach=MPUnreach(NLRI((), family))), now)

    def dump(
        self, key: Hashable, family: Family, routes: Iterable[ReceivedRoute], now: float
    ) -> Iterator[bytes]:
        """Yield what tells of routes of one family, a piece for a thousand of them or so."""
        waiting = iter(routes)
        while key in self._up and (batch := list(islice(waiting, _BATCH))):
            add_path = family in self._up[key][1].add_path_send
            yield b"".join(self.update(key, update, now) for update in _packed(family, batch, add_path))

    def statistics(self, key: Hashable, routes: Mapping[Family, int], now: float) -> bytes:
        """Tell how many routes there are in the peer's Adj-RIB-In."""
        if key not in self._up:
            return b""
        counts = [Statistic(BMPStatistic.ADJ_RIB_IN_ROUTES, sum(routes.values()))]
        counts += [
            Statistic(BMPStatistic.ADJ_RIB_IN_ROUTES_OF_FAMILY, count, family)
            for family, count in routes.items()
        ]
        message: BMPMessage = StatisticsReport(self._up[key][0].peer(now), counts)
        return encode(message)


def _packed(family: Family, routes: Iterable[ReceivedRoute], add_path: bool) -> Iterator[Update]:
    """Few UPDATEs: routes that share their attributes share a message."""
    alike: dict[tuple[PathAttributes, NextHop | None], list[bytes]] = {}
    for route in routes:
        path_id = route.path_id.to_bytes(4, "big") if add_path else b""
        alike.setdefault((route.attributes, route.next_hop), []).append(path_id + route.prefix.wire)
    for (attributes, hop), wires in alike.items():
        for nlri in _cut(family, wires, add_path, MAX_MESSAGE - _OVERHEAD - len(attributes.wire)):
            if family == IPV4_UNICAST and (hop is None or hop.address == attributes.next_hop):
                yield Update(announced=nlri, attributes=attributes)
            else:
                yield Update(attributes=attributes, mp_reach=MPReach(nlri, hop or NextHop(b"")))


def _cut(family: Family, wires: list[bytes], add_path: bool, room: int) -> Iterator[NLRI]:
    """Lists of destinations of no more octets than that, if one alone is not longer."""
    start = taken = 0
    for position, wire in enumerate(wires):
        if taken and taken + len(wire) > room:
            yield NLRI.from_wire(wires[start:position], family, add_path)
            start, taken = position, 0
        taken += len(wire)
    yield NLRI.from_wire(wires[start:], family, add_path)
