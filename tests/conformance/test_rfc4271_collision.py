"""RFC 4271, section 6.8: two connections with one peer, where one must go."""

import attrs
import pytest

from bgp import (
    CloseConnection,
    Keepalive,
    Message,
    Notification,
    Open,
    Output,
    Peering,
    SendBytes,
    State,
    decode,
    encode,
)
from bgp.framing import Framer
from bgp.iana import CeaseSubcode
from bgp.offers import FourOctetASCapability
from bgp.testing import Link
from tests.conformance.neighbour import OURS, THEIRS, config
from tests.conformance.octets import EXTERNAL
from tests.conformance.requirements import rfc

COLLISION = Notification.cease(CeaseSubcode.CONNECTION_COLLISION_RESOLUTION)

LOWER, HIGHER = "192.0.2.0", "192.0.2.2"
"""Identifiers of the peer; ours is 192.0.2.1."""


@attrs.define
class Two:
    """Two connections with one peer: `dialled` by us, `accepted` from it; the peer says what a test lets it say."""

    router_id: str
    peering: Peering = attrs.field(factory=lambda: Peering(config()))
    dialled: int = 1
    accepted: int = 0
    heard: dict[int, list[Message]] = attrs.field(factory=dict)
    closed: set[int] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        self._see(self.peering.start(0.0))
        self._see(self.peering.connection_opened(1, 0.0, local_address=OURS, remote_address=THEIRS))
        self.accepted, outputs = self.peering.connection_accepted(
            0.0, local_address=OURS, remote_address=THEIRS
        )
        self._see(outputs)

    def opens(self, connection: int) -> "Two":
        """The peer's OPEN arrives."""
        offers = [FourOctetASCapability(64513)]
        return self.says(
            connection, Open(my_as=64513, hold_time=90, router_id=self.router_id, capabilities=offers)
        )

    def says(self, connection: int, message: Message) -> "Two":
        """A message of the peer arrives."""
        self._see(self.peering.receive_data(connection, encode(message, EXTERNAL), 0.0))
        return self

    def _see(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case SendBytes(data, number):
                    said = [decode(raw, EXTERNAL) for raw in Framer().feed(data)]
                    self.heard.setdefault(number, []).extend(said)
                case CloseConnection(number):
                    self.closed.add(number)

    def survivor(self) -> int:
        """The connection that goes on, if the other was closed with the right word, and nobody complained here."""
        [loser] = self.closed
        winner = self.dialled if loser == self.accepted else self.accepted
        assert self.heard[loser][-1] == COLLISION
        assert not any(isinstance(message, Notification) for message in self.heard[winner])
        return winner


@rfc("4271 8.2.1", "MUST have a state machine for each incoming connection, too")
def test_machine_for_each() -> None:
    two = Two(HIGHER)
    assert [type(two.heard[number][0]) for number in (two.dialled, two.accepted)] == [Open, Open]
    assert two.closed == set()


@rfc("4271 6.8", "MUST look for a collision whenever an OPEN comes, and MUST close one of two connections")
@rfc("4271 6.8", "MUST keep the connection that the side with the higher identifier has dialled")
@pytest.mark.parametrize("first", ["dialled", "accepted"])
def test_identifiers(first: str) -> None:
    for router_id, expected in ((HIGHER, "accepted"), (LOWER, "dialled")):
        two = Two(router_id)
        one, other = (two.dialled, two.accepted) if first == "dialled" else (two.accepted, two.dialled)
        two.opens(one).opens(other)
        assert two.survivor() == getattr(two, expected)


@rfc("4271 6.8", "MUST compare identifiers as unsigned numbers of four octets")
def test_unsigned() -> None:
    two = Two("255.0.0.1")
    two.opens(two.dialled).opens(two.accepted)
    assert two.survivor() == two.accepted


@rfc("4271 6.8", "MUST say Cease on the connection that it closes")
def test_cease() -> None:
    two = Two(HIGHER)
    two.opens(two.dialled).opens(two.accepted)
    assert two.heard[two.dialled][-1] == COLLISION


@rfc("4271 6.8", "MUST NOT find a collision with a connection on which no OPEN has come")
def test_no_collision_yet() -> None:
    # That on which none has come would win. If the other would, and is ours, 6.8 lets us look at it in OpenSent, too.
    two = Two(HIGHER)
    two.opens(two.dialled)
    assert two.closed == set()


@rfc("4271 6.8", "MUST keep an established session, and close the connection that is new")
@pytest.mark.parametrize("router_id", [LOWER, HIGHER])
def test_established(router_id: str) -> None:
    two = Two(router_id)
    two.opens(two.dialled).says(two.dialled, Keepalive())
    assert two.peering.state is State.ESTABLISHED
    two.opens(two.accepted)
    assert two.survivor() == two.dialled
    assert two.peering.state is State.ESTABLISHED


@rfc("4271 6.8", "MUST go on with the other connection as though there had been one only")
def test_the_other_goes_on() -> None:
    two = Two(HIGHER)
    two.opens(two.dialled).opens(two.accepted).says(two.accepted, Keepalive())
    assert two.peering.state is State.ESTABLISHED


@rfc("4271 6.8", "MUST come to the same end on both sides when both dial at once")
def test_both_sides() -> None:
    link = Link(config(), config(local_as=64513, peer_as=64512, router_id=THEIRS))
    link.start()
    assert link.run_until(lambda: all(end.state is State.ESTABLISHED for end in link.ends), 1.0)
    link.run(1000)
    assert [(end.state, end.connections) for end in link.ends] == [(State.ESTABLISHED, 1)] * 2
