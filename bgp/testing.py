"""Tools for tests of BGP software: hypothesis strategies for every value, and two sessions on a fake wire.

Strategies yield only legal values. Those that depend on what was negotiated take a `Negotiated`, so that
`decode(encode(message, negotiated), negotiated) == message` holds for all they yield:

    @given(st.data(), negotiated_sessions())
    def test_round_trip(data, negotiated):
        message = data.draw(messages(negotiated))

`Link` joins two sessions without network or clock. A hold time of ninety seconds passes in microseconds:

    link = Link(PeerConfig(local_as=1, peer_as=2), PeerConfig(local_as=2, peer_as=1))
    link.start()
    link.run(1.0)
    link.silent = True      # nothing gets through from now on
    link.run(90.0)
    assert link.left.session.state is State.IDLE

Needs hypothesis: `pip install k8sglue[testing]`.
"""

import heapq
from collections.abc import Callable
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from itertools import count

import attrs
from hypothesis import strategies as st

from bgp.aspath import ASPath, ASSegment
from bgp.attributes import Aggregator, PathAttributes, UnknownAttribute
from bgp.capabilities import (
    Capability,
    FourOctetASCapability,
    MultiprotocolCapability,
    Negotiated,
    PeerType,
    UnknownCapability,
)
from bgp.communities import Community
from bgp.config import PeerConfig
from bgp.events import Event, Output, SendBytes
from bgp.fsm import CloseConnection, OpenConnection
from bgp.iana import AttributeCode, AttributeFlag, CapabilityCode, Origin, SegmentType
from bgp.messages import Keepalive, Message, Notification, Open, Update
from bgp.nlri import NLRI
from bgp.prefix import Family, Prefix
from bgp.rib import Route
from bgp.session import Session

# Values.


def _numbers(high: int, low: int = 0) -> st.SearchStrategy[int]:
    return st.integers(low, high)


def asns(four_octet_as: bool = True) -> st.SearchStrategy[int]:
    """AS numbers of four octets, or of two."""
    return _numbers(0xFFFFFFFF if four_octet_as else 0xFFFF, low=1)


def router_ids() -> st.SearchStrategy[IPv4Address]:
    """BGP Identifiers: any four octets but zero."""
    return _numbers(0xFFFFFFFF, low=1).map(IPv4Address)


def prefixes() -> st.SearchStrategy[Prefix]:
    """IPv4 prefixes of every length."""
    return st.builds(_prefix, _numbers(0xFFFFFFFF), _numbers(32))


def _prefix(address: int, length: int) -> Prefix:
    return Prefix(IPv4Network((address, length), strict=False))


def nlris() -> st.SearchStrategy[NLRI]:
    """Lists of IPv4 prefixes, the empty one too."""
    return st.lists(prefixes(), max_size=12).map(NLRI)


def families() -> st.SearchStrategy[Family]:
    """Address families, unassigned numbers too."""
    return st.builds(Family, _numbers(0xFFFF), _numbers(0xFF))


def as_paths(four_octet_as: bool = True) -> st.SearchStrategy[ASPath]:
    """AS paths of all four segment types, the empty one too."""
    members = st.lists(asns(four_octet_as), min_size=1, max_size=6)
    segment = st.builds(ASSegment, st.sampled_from(SegmentType), members)
    return st.lists(segment, max_size=4).map(ASPath)


def communities() -> st.SearchStrategy[Community]:
    """Communities of every value."""
    return _numbers(0xFFFFFFFF).map(Community)


def unknown_attributes() -> st.SearchStrategy[UnknownAttribute]:
    """Optional attributes that the library does not interpret, short and long."""
    transitivity = st.sampled_from([AttributeFlag(0), AttributeFlag.TRANSITIVE, AttributeFlag.PARTIAL])
    return st.builds(
        UnknownAttribute,
        transitivity.map(lambda flag: AttributeFlag.OPTIONAL | flag),
        _numbers(255).filter(lambda code: not AttributeCode.has(code)),
        st.binary(max_size=20) | st.just(bytes(300)),
    )


def path_attributes(negotiated: Negotiated) -> st.SearchStrategy[PathAttributes]:
    """The attributes of a route, as a peer in such a session may send them."""
    wide = negotiated.four_octet_as
    addresses = _numbers(0xFFFFFFFF).map(IPv4Address)
    number = st.none() | _numbers(0xFFFFFFFF)
    return st.builds(
        PathAttributes,
        origin=st.sampled_from(Origin),
        as_path=as_paths(wide),
        next_hop=addresses,
        med=number,
        local_pref=number if negotiated.peer_type is PeerType.INTERNAL else st.none(),
        atomic_aggregate=st.booleans(),
        aggregator=st.none() | st.builds(Aggregator, asns(wide), addresses),
        communities=st.lists(communities(), max_size=8),
        unknown=st.lists(unknown_attributes(), max_size=3, unique_by=lambda attribute: attribute.code),
    )


def capabilities() -> st.SearchStrategy[Capability]:
    """Capabilities, known and unknown."""
    unknown = st.builds(
        UnknownCapability,
        _numbers(255).filter(lambda code: not CapabilityCode.has(code)),
        st.binary(max_size=20),
    )
    return st.builds(MultiprotocolCapability, families()) | st.builds(FourOctetASCapability, asns()) | unknown


def negotiated_sessions() -> st.SearchStrategy[Negotiated]:
    """Outcomes of a negotiation that the codec has to tell apart."""
    return st.builds(Negotiated, four_octet_as=st.booleans(), peer_type=st.sampled_from(PeerType))


def routes() -> st.SearchStrategy[Route]:
    """Routes as an application announces them."""
    number = st.none() | _numbers(0xFFFFFFFF)
    return st.builds(
        Route,
        prefixes(),
        next_hop=st.none() | _numbers(0xFFFFFFFF).map(IPv4Address),
        communities=st.lists(communities(), max_size=5),
        med=number,
        local_pref=number,
        as_path=as_paths(),
        origin=st.sampled_from(Origin),
    )


# Messages.


def opens() -> st.SearchStrategy[Open]:
    """OPEN messages."""
    return st.builds(
        Open,
        my_as=_numbers(0xFFFF, low=1),
        hold_time=st.just(0) | _numbers(0xFFFF, low=3),
        router_id=router_ids(),
        capabilities=st.lists(capabilities(), max_size=8),
    )


def updates(negotiated: Negotiated) -> st.SearchStrategy[Update]:
    """UPDATE messages without faults, End-of-RIB among them."""
    withdrawals = st.builds(Update, withdrawn=nlris())
    announced = st.lists(prefixes(), min_size=1, max_size=12).map(NLRI)
    return withdrawals | st.builds(
        Update, withdrawn=nlris(), announced=announced, attributes=path_attributes(negotiated)
    )


def notifications() -> st.SearchStrategy[Notification]:
    """NOTIFICATION messages, unassigned codes too."""
    return st.builds(Notification, _numbers(255), _numbers(255), st.binary(max_size=40))


def messages(negotiated: Negotiated) -> st.SearchStrategy[Message]:
    """Messages of every type."""
    return opens() | updates(negotiated) | st.just(Keepalive()) | notifications()


# Two sessions on a fake wire.


@attrs.define(eq=False)
class End:
    """One end of a `Link`."""

    session: Session
    address: str
    events: list[Event] = attrs.field(factory=list, init=False)
    """All events of the session so far."""

    sent: list[bytes] = attrs.field(factory=list, init=False)
    """All that the session sent so far, piece by piece."""

    wants_connection: bool = attrs.field(default=False, init=False)
    """The session has asked for a connection and not got it yet."""


class Link:
    """Two sessions, a fake wire and a virtual clock; `left` is at 192.0.2.1, `right` at 192.0.2.2.

    A connection comes up as soon as both sessions want one. `latency` is how many seconds octets take.
    """

    def __init__(self, left: PeerConfig, right: PeerConfig, *, latency: float = 0.001) -> None:
        self.left = End(Session(left), "192.0.2.1")
        self.right = End(Session(right), "192.0.2.2")
        self.latency = latency
        self.now = 0.0
        self.connected = False
        self.silent = False
        """While set, octets vanish on the way, and neither side is told of anything."""
        self._order = count()
        self._deliveries: list[tuple[float, int, Callable[[], None]]] = []
        self._connections = 0

    def start(self) -> None:
        """Start both sessions."""
        for end in (self.left, self.right):
            self.perform(end, end.session.start(self.now))

    def cut(self) -> None:
        """Break the connection; both sides notice."""
        self.connected = False
        for end in (self.left, self.right):
            self.perform(end, end.session.connection_lost(self.now))

    def run(self, seconds: float) -> None:
        """Let so much time pass, with all that happens in it."""
        self.run_until(lambda: False, self.now + seconds)

    def run_until(self, condition: Callable[[], bool], deadline: float) -> bool:
        """Let time pass until the condition holds or the clock shows `deadline`; return whether it holds."""
        while not condition():
            moment = self._next_moment()
            if moment is None or moment > deadline:
                self.now = max(self.now, deadline)
                return False
            self.now = max(self.now, moment)
            self._step()
        return True

    def perform(self, end: End, outputs: list[Output]) -> None:
        """Carry out what one of the sessions returned from a verb."""
        for output in outputs:
            match output:
                case OpenConnection():
                    end.wants_connection = True
                    self._connect()
                case CloseConnection():
                    end.wants_connection = False
                    self._close(end)
                case SendBytes(data):
                    end.sent.append(data)
                    self._send(end, data)
                case _:
                    end.events.append(output)

    def _other(self, end: End) -> End:
        return self.right if end is self.left else self.left

    def _connect(self) -> None:
        if not (self.left.wants_connection and self.right.wants_connection):
            return
        self.connected = True
        self._connections += 1
        for end in (self.left, self.right):
            end.wants_connection = False
            self._later(partial(self._open, end))

    def _open(self, end: End) -> None:
        other = self._other(end)
        outputs = end.session.connection_opened(
            self.now, local_address=end.address, remote_address=other.address
        )
        self.perform(end, outputs)

    def _close(self, end: End) -> None:
        if self.connected:
            self.connected = False
            other = self._other(end)
            self._tell(other, lambda: other.session.connection_lost(self.now))

    def _send(self, end: End, data: bytes) -> None:
        other = self._other(end)
        self._tell(other, lambda: other.session.receive_data(data, self.now))

    def _tell(self, end: End, verb: Callable[[], list[Output]]) -> None:
        """Let an end hear something over the present connection, if it gets through and still stands then."""
        connection = self._connections

        def hear() -> None:
            if connection == self._connections:
                self.perform(end, verb())

        if not self.silent:
            self._later(hear)

    def _later(self, action: Callable[[], None]) -> None:
        heapq.heappush(self._deliveries, (self.now + self.latency, next(self._order), action))

    def _next_moment(self) -> float | None:
        moments = [end.session.next_timeout() for end in (self.left, self.right)]
        if self._deliveries:
            moments.append(self._deliveries[0][0])
        return min((moment for moment in moments if moment is not None), default=None)

    def _step(self) -> None:
        while self._deliveries and self._deliveries[0][0] <= self.now:
            heapq.heappop(self._deliveries)[2]()
        for end in (self.left, self.right):
            self.perform(end, end.session.handle_timeout(self.now))
