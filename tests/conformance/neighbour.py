"""A neighbour that follows a script: what it says to a session of ours, and what it hears from it.

    peer = Neighbour.at(State.OPEN_SENT, hold_time=30)
    peer.says(peer.greeting())
    assert peer.hears() == [Keepalive()]

Time is virtual. We are AS 64512 at 192.0.2.1, the neighbour is AS 64513 at 192.0.2.2, unless configured otherwise.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

from bgp import (
    Capability,
    Keepalive,
    Message,
    Negotiated,
    Notification,
    Open,
    OpenConnection,
    Output,
    PeerConfig,
    SendBytes,
    Session,
    State,
    decode,
    encode,
)
from bgp.events import AttemptFailed, Event, SessionClosed
from bgp.framing import MAX_EXTENDED, Framer
from bgp.offers import FourOctetASCapability
from bgp.vocabulary import CloseConnection

OURS, THEIRS = "192.0.2.1", "192.0.2.2"

_E = TypeVar("_E")


def _as_configured(peer: "Neighbour") -> Negotiated:
    peer_type = peer.session.config.peer_type
    return Negotiated(four_octet_as=True, extended_message=True, peer_type=peer_type)


def no_jitter() -> float:
    """Change no duration."""
    return 1.0


def config(**values: Any) -> PeerConfig:
    """A configuration, ours unless told otherwise."""
    return PeerConfig(**{"local_as": 64512, "peer_as": 64513, "router_id": OURS, **values})


@attrs.define(eq=False)
class Neighbour:
    """The other side of one session."""

    session: Session
    negotiated: Negotiated = attrs.field(default=attrs.Factory(_as_configured, takes_self=True))
    """How messages are written and read, on both sides."""

    now: float = 0.0
    connected: bool = False
    """Whether there is a TCP connection."""

    dialled: int = 0
    """How often the session has asked for one."""

    takes: bool = True
    """Whether the neighbour's TCP takes what is sent."""

    events: list[Event] = attrs.field(factory=list)
    _said: list[Message] = attrs.field(factory=list)
    _framer: Framer = attrs.field(factory=lambda: Framer(MAX_EXTENDED))

    @classmethod
    def at(
        cls, state: State, *offers: Capability, jitter: Callable[[], float] = no_jitter, **values: Any
    ) -> "Neighbour":
        """Bring a session to a state; `offers` are the neighbour's, `values` the configuration's."""
        peer = cls(Session(config(**values), jitter))
        steps: dict[State, Callable[[], None]] = {
            State.CONNECT: lambda: peer.perform(peer.session.start(peer.now)),
            State.OPEN_SENT: peer.connects,
            State.OPEN_CONFIRM: lambda: peer.says(peer.greeting(*offers)),
            State.ESTABLISHED: lambda: peer.says(Keepalive()),
        }
        if state is State.ACTIVE:
            return cls.at(State.OPEN_SENT, jitter=jitter, **values).hangs_up()
        for step_to, step in steps.items():
            if peer.session.state is state:
                break
            step()
            assert peer.session.state is step_to
        assert peer.session.state is state
        return peer

    @property
    def state(self) -> State:
        """Where our session is."""
        return self.session.state

    def greeting(self, *offers: Capability, **values: Any) -> Open:
        """The neighbour's OPEN."""
        asn = self.session.config.peer_as
        assert asn is not None
        usual = {"my_as": asn, "hold_time": 90, "router_id": THEIRS}
        return Open(**{**usual, "capabilities": [FourOctetASCapability(asn), *offers], **values})

    # What the neighbour and its network do.

    def connects(self) -> None:
        """TCP comes up."""
        self.connected = True
        self.perform(self.session.connection_opened(self.now, local_address=OURS, remote_address=THEIRS))

    def refuses(self) -> None:
        """TCP does not come up."""
        self.perform(self.session.connection_failed(self.now, "refused"))

    def hangs_up(self) -> "Neighbour":
        """TCP goes away."""
        self.connected = False
        self.perform(self.session.connection_lost(self.now))
        return self

    def says(self, *said: Message | bytes) -> None:
        """Messages arrive, or octets."""
        for each in said:
            data = each if isinstance(each, bytes) else encode(each, self.negotiated)
            self.perform(self.session.receive_data(data, self.now))

    def waits(self, seconds: float) -> "Neighbour":
        """Time passes, and whatever happens in it."""
        end = self.now + seconds
        while (moment := self.session.next_timeout()) is not None and moment <= end:
            self.now = max(self.now, moment)
            if self.takes:
                self.session.data_sent(self.now)
            self.perform(self.session.handle_timeout(self.now))
        self.now = end
        return self

    def perform(self, outputs: list[Output]) -> None:
        """Carry out what a verb of the session returned."""
        for output in outputs:
            match output:
                case SendBytes(data):
                    self._said += [decode(raw, self.negotiated) for raw in self._framer.feed(data)]
                case OpenConnection():
                    self.dialled += 1
                case CloseConnection():
                    self.connected = False
                case _:
                    self.events.append(output)

    # What is seen of it.

    def hears(self) -> list[Message]:
        """What the session has sent since the last time."""
        said, self._said = self._said, []
        return said

    def last_word(self) -> Notification | None:
        """The NOTIFICATION that the session has ended with, if it has sent one and closed the connection."""
        said = [message for message in self.hears() if isinstance(message, Notification)]
        assert len(said) <= 1, "never more than one"
        return said[0] if said and not self.connected else None

    def closed(self) -> SessionClosed | AttemptFailed:
        """What the application was told last of an end."""
        return (self.told(SessionClosed) + self.told(AttemptFailed))[-1]

    def gave_up(self) -> bool:
        """Whether the session is in Idle, has closed its connection and said so, and tries again after a pause."""
        down = (
            self.state is State.IDLE
            and not self.connected
            and bool(self.told(SessionClosed) or self.told(AttemptFailed))
        )
        tried = self.dialled
        return down and self.waits(200).dialled > tried

    def told(self, kind: type[_E]) -> list[_E]:
        """The events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]
