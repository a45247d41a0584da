"""RFC 4724, sections 2, 4 and 5: what a session does before and after a restart of the peer.

Which routes are stale is known to who keeps them; the library says of which family, from when, and until when.
"""

from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    Capability,
    CloseConnection,
    Keepalive,
    Message,
    Notification,
    Open,
    OpenConnection,
    Output,
    Peering,
    Route,
    SendBytes,
    State,
    Update,
    decode,
    encode,
)
from bgp.config import GracefulRestartConfig
from bgp.events import Event, RoutesStale, SessionClosed, StaleRoutesGone
from bgp.framing import Framer
from bgp.offers import FourOctetASCapability, GracefulRestartCapability, MultiprotocolCapability
from tests.conformance.neighbour import OURS, THEIRS, Neighbour, config
from tests.conformance.octets import EXTERNAL
from tests.conformance.requirements import rfc

OURS_TO_OFFER = GracefulRestartConfig(restart_time=60, stale_time=300, notification=False)

BOTH = [IPV4_UNICAST, IPV6_UNICAST]


def promise(
    *, preserved: bool = True, families: Iterable[Any] = BOTH, **more: Any
) -> GracefulRestartCapability:
    """What a peer offers."""
    return GracefulRestartCapability(restart_time=60, families=dict.fromkeys(families, preserved), **more)


@attrs.define(eq=False)
class Restarting:
    """A peer that comes and goes, and what we are told."""

    peering: Peering = attrs.field(
        factory=lambda: Peering(config(graceful_restart=OURS_TO_OFFER, families=BOTH, idle_hold_time=1))
    )
    now: float = 0.0
    connection: int = 0
    events: list[Event] = attrs.field(factory=list)
    heard: list[tuple[int, Message]] = attrs.field(factory=list)
    closed: list[int] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.perform(self.peering.start(0.0))

    def comes(self, *offers: Capability) -> "Restarting":
        """Let it take our call and agree; what it offers beside the families."""
        self.waits(1)
        self.perform(
            self.peering.connection_opened(
                self.connection, self.now, local_address=OURS, remote_address=THEIRS
            )
        )
        return self.agrees(self.connection, *offers)

    def calls(self, *offers: Capability) -> int:
        """Let it call us and agree."""
        number, outputs = self.peering.connection_accepted(
            self.now, local_address=OURS, remote_address=THEIRS
        )
        self.perform(outputs)
        self.agrees(number, *offers)
        return number

    def agrees(self, number: int, *offers: Capability) -> "Restarting":
        usual: list[Capability] = [*map(MultiprotocolCapability, BOTH), FourOctetASCapability(64513)]
        greeting = Open(my_as=64513, hold_time=0, router_id=THEIRS, capabilities=[*usual, *offers])
        self.says(greeting, Keepalive(), connection=number)
        assert self.peering.state is State.ESTABLISHED
        return self

    def says(self, *messages: Message, connection: int | None = None) -> None:
        for message in messages:
            data = encode(message, EXTERNAL)
            self.perform(self.peering.receive_data(connection or self.connection, data, self.now))

    def leaves(self) -> "Restarting":
        """TCP fails."""
        self.perform(self.peering.connection_lost(self.connection, self.now))
        return self

    def waits(self, seconds: float) -> "Restarting":
        """Time passes. Until it takes our calls, nothing comes of them."""
        end = self.now + seconds
        while (moment := self.peering.next_timeout()) is not None and moment <= end:
            self.now = max(self.now, moment)
            self.perform(self.peering.handle_timeout(self.now))
        self.now = end
        return self

    def perform(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case OpenConnection(number):
                    self.connection = number
                case CloseConnection(number):
                    self.closed.append(number)
                case SendBytes(data, number):
                    self.heard += [(number, decode(raw, EXTERNAL)) for raw in Framer().feed(data)]
                case _:
                    self.events.append(output)

    def stale(self) -> list[RoutesStale | StaleRoutesGone]:
        """What we were told of stale routes since the last time."""
        told = [event for event in self.events if isinstance(event, RoutesStale | StaleRoutesGone)]
        self.events.clear()
        return told

    def our_offer(self) -> GracefulRestartCapability:
        """What we offered last; there must be just one such capability in an OPEN."""
        opens = [message for _, message in self.heard if isinstance(message, Open)]
        [found] = [c for c in opens[-1].capabilities if isinstance(c, GracefulRestartCapability)]
        return found


ALL_STALE: list[RoutesStale | StaleRoutesGone] = [RoutesStale(family) for family in BOTH]
ALL_GONE: list[RoutesStale | StaleRoutesGone] = [StaleRoutesGone(family) for family in BOTH]


# What is said.


@rfc("4724 2", "SHOULD say End-of-RIB after the first routes, whether or not restarts were agreed on")
@rfc("4724 4", "MUST say End-of-RIB once it has sent its routes")
@pytest.mark.parametrize("offers", [[], [promise()]])
def test_end_of_rib(offers: list[GracefulRestartCapability]) -> None:
    peer = Neighbour.at(State.OPEN_CONFIRM, *offers)
    peer.perform(peer.session.announce([Route("10.0.0.0/8")], peer.now))
    peer.hears()
    peer.says(Keepalive())
    routes, end = peer.hears()
    assert isinstance(routes, Update)
    assert routes.announced
    assert end == Update()


@rfc("4724 3", "MUST NOT wait for End-of-RIB of a peer that has restarted")
def test_no_waiting() -> None:
    peer = Restarting().comes(promise(restarting=True))
    assert any(message == Update() for _, message in peer.heard)


@rfc("4724 3", "MUST NOT offer graceful restart twice in an OPEN")
@rfc("4724 4", "MAY offer families whose forwarding state it keeps")
def test_offer() -> None:
    offer = Restarting().comes().our_offer()
    assert [entry.family for entry in offer.families] == BOTH
    assert offer.restart_time == 60


@rfc("4724 4.1", "MUST set the R bit after a restart of its own")
@rfc("4724 4.2", "MUST NOT set the R bit otherwise")
def test_restart_bit() -> None:
    wanted = config(graceful_restart=OURS_TO_OFFER, families=BOTH)
    peer = Restarting(Peering(wanted, restarting=True)).comes(promise())
    assert peer.our_offer().restarting
    assert not peer.leaves().comes(promise()).our_offer().restarting
    assert not Restarting().comes().our_offer().restarting


# What becomes of the peer's routes.


@rfc("4724 4.2", "MUST keep the peer's routes, and mark them as stale, when TCP fails")
def test_stale() -> None:
    peer = Restarting().comes(promise()).leaves()
    assert isinstance(peer.events[-3], SessionClosed)
    assert peer.stale() == ALL_STALE


@rfc("4724 4.2", "MUST keep routes of those families alone that the peer has named")
def test_families_that_were_named() -> None:
    assert Restarting().comes(promise(families=[IPV6_UNICAST])).leaves().stale() == ALL_STALE[1:]
    assert Restarting().comes(promise(families=[])).leaves().stale() == []
    assert Restarting().comes().leaves().stale() == []


@rfc("4724 4.2", "MUST remove the stale routes that are left when the peer says End-of-RIB")
def test_end_of_stale_routes() -> None:
    peer = Restarting().comes(promise()).leaves().comes(promise(restarting=True))
    assert peer.stale() == ALL_STALE
    peer.says(Update())
    assert peer.stale() == ALL_GONE[:1]


@rfc("4724 4.2", "MUST remove all stale routes if the session is not back within the restart time")
def test_restart_time() -> None:
    peer = Restarting().comes(promise()).leaves()
    assert peer.waits(59).stale() == ALL_STALE
    assert peer.waits(1).stale() == ALL_GONE


@rfc(
    "4724 4.2",
    "MUST remove the stale routes of a family at once if the peer has not kept its forwarding state",
)
def test_forwarding_lost() -> None:
    peer = Restarting().comes(promise()).leaves().comes(promise(preserved=False))
    assert peer.stale() == ALL_STALE + ALL_GONE


@rfc("4724 4.2", "MUST remove the stale routes of a family at once if the peer no longer names it")
def test_family_lost() -> None:
    peer = Restarting().comes(promise()).leaves().comes(promise(families=[IPV4_UNICAST]))
    assert peer.stale() == ALL_STALE + ALL_GONE[1:]


@rfc("4724 4.2", "MUST remove all stale routes at once if the peer comes back without the capability")
def test_capability_lost() -> None:
    assert Restarting().comes(promise()).leaves().comes().stale() == ALL_STALE + ALL_GONE


@rfc("4724 4.2", "MUST remove routes that were stale already when the peer goes away again")
def test_twice() -> None:
    peer = Restarting().comes(promise()).leaves().comes(promise())
    peer.stale()
    assert peer.leaves().stale() == ALL_GONE + ALL_STALE


@rfc("4724 4.2", "MAY limit how long it keeps stale routes of a peer that is back")
def test_stale_time() -> None:
    peer = Restarting().comes(promise()).leaves().comes(promise())
    peer.stale()
    assert peer.waits(299).stale() == []
    assert peer.waits(1).stale() == ALL_GONE


@rfc("4724 4", "MUST NOT keep routes when the session ends with a NOTIFICATION, from whichever side")
def test_notification() -> None:
    told = Restarting().comes(promise())
    told.says(Notification(6, 4))
    assert told.stale() == []
    telling = Restarting().comes(promise())
    telling.perform(telling.peering.reset(telling.now))
    assert telling.stale() == []


@rfc("4724 4.2", "MUST take another connection of the peer for the end of the old one, and keep its routes")
@rfc("4724 5", "MUST close the old connection then, and go on with the new one")
def test_newcomer() -> None:
    peer = Restarting().comes(promise())
    old = peer.connection
    new = peer.calls(promise(restarting=True))
    assert peer.stale() == ALL_STALE
    assert peer.closed == [old]
    peer.says(Update(), connection=new)
    assert peer.stale() == ALL_GONE[:1]


@rfc("4724 4.2", "SHOULD NOT send a NOTIFICATION on the old connection then")
def test_newcomer_silently() -> None:
    peer = Restarting().comes(promise())
    old = peer.connection
    peer.calls(promise(restarting=True))
    assert not any(number == old and isinstance(message, Notification) for number, message in peer.heard)
