"""BFD: strategies for its values, and two sessions on a fake wire with a virtual clock."""

import heapq
from collections.abc import Callable
from itertools import count

import attrs
from hypothesis import strategies as st

from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDOutput, BFDStateChanged, PacketDiscarded, SendPacket
from bgp.bfd.packet import AuthenticationSection, AuthenticationType, BFDPacket, BFDState, diagnostic
from bgp.bfd.session import BFDSession, no_jitter

_UINT32 = st.integers(0, 0xFFFFFFFF)
_INTERVALS = st.integers(10_000, 60_000_000).map(lambda microseconds: microseconds / 1_000_000)


def authentication_sections() -> st.SearchStrategy[AuthenticationSection]:
    """Authentication sections of any type, signed by nobody."""
    return st.builds(
        AuthenticationSection,
        st.sampled_from(AuthenticationType) | st.integers(0, 255),
        st.integers(0, 255),
        st.binary(max_size=32),
    )


def bfd_packets() -> st.SearchStrategy[BFDPacket]:
    """Packets with any values that the fields can have."""
    return st.builds(
        BFDPacket,
        diagnostic=st.integers(0, 31).map(diagnostic),
        state=st.sampled_from(BFDState),
        poll=st.booleans(),
        final=st.booleans(),
        control_plane_independent=st.booleans(),
        demand=st.booleans(),
        multiplier=st.integers(1, 255),
        my_discriminator=st.integers(1, 0xFFFFFFFF),
        your_discriminator=_UINT32,
        desired_min_tx_us=_UINT32,
        required_min_rx_us=_UINT32,
        required_min_echo_rx_us=_UINT32,
        authentication=st.none() | authentication_sections(),
    )


def bfd_keys() -> st.SearchStrategy[BFDKey]:
    """Passwords and keys of any type."""
    return st.sampled_from(AuthenticationType).flatmap(
        lambda kind: st.builds(
            BFDKey,
            st.just(kind),
            st.binary(min_size=1, max_size=20 if "SHA1" in kind.name else 16),
            st.integers(0, 255),
        )
    )


def bfd_configs() -> st.SearchStrategy[BFDConfig]:
    """Configurations, of single hop and multihop, with and without a key."""
    return st.builds(
        BFDConfig,
        transmit_interval=_INTERVALS,
        receive_interval=_INTERVALS,
        multiplier=st.integers(1, 255),
        passive=st.booleans(),
        multihop=st.booleans(),
        authentication=st.none() | bfd_keys(),
        port=st.none() | st.integers(1, 65535),
        local_port=st.none() | st.integers(1, 65535),
    )


@attrs.define(eq=False)
class BFDEnd:
    """One end of a `BFDLink`."""

    session: BFDSession

    deaf: bool = attrs.field(default=False, init=False)
    """While set, packets that get here are lost."""

    events: list[BFDStateChanged | PacketDiscarded] = attrs.field(factory=list, init=False)
    """All that happened so far."""

    sent: list[tuple[float, bytes]] = attrs.field(factory=list, init=False)
    """All packets sent so far, with the time of each."""

    @property
    def state(self) -> BFDState:
        """Where its session is."""
        return self.session.state

    @property
    def changes(self) -> list[BFDStateChanged]:
        """All changes of state so far."""
        return [event for event in self.events if isinstance(event, BFDStateChanged)]


class BFDLink:
    """Two BFD sessions, a fake wire and a virtual clock; `latency` is how many seconds a packet takes.

    link = BFDLink(BFDConfig(), BFDConfig())
    link.start()
    link.run(10.0)
    link.right.deaf = True      # packets from the left are lost from now on
    link.run(1.0)
    assert link.left.state is BFDState.DOWN
    """

    def __init__(
        self,
        left: BFDConfig,
        right: BFDConfig,
        *,
        latency: float = 0.001,
        jitter: Callable[[], float] = no_jitter,
    ) -> None:
        self.left = BFDEnd(BFDSession(left, discriminator=1, jitter=jitter, sequence=0xFFFFFFFE))
        self.right = BFDEnd(BFDSession(right, discriminator=2, jitter=jitter, sequence=7))
        self.latency = latency
        self.now = 0.0
        self._order = count()
        self._wire: list[tuple[float, int, BFDEnd, bytes]] = []

    @property
    def ends(self) -> tuple[BFDEnd, BFDEnd]:
        """Both ends."""
        return self.left, self.right

    def start(self) -> None:
        """Start both ends."""
        for end in self.ends:
            self.perform(end, end.session.start(self.now))

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

    def perform(self, end: BFDEnd, outputs: list[BFDOutput]) -> None:
        """Carry out what a verb of one end returned."""
        for output in outputs:
            if isinstance(output, SendPacket):
                end.sent.append((self.now, output.data))
                other = self.right if end is self.left else self.left
                heapq.heappush(self._wire, (self.now + self.latency, next(self._order), other, output.data))
            else:
                end.events.append(output)

    def _next_moment(self) -> float | None:
        moments = [end.session.next_timeout() for end in self.ends]
        if self._wire:
            moments.append(self._wire[0][0])
        return min((moment for moment in moments if moment is not None), default=None)

    def _step(self) -> None:
        while self._wire and self._wire[0][0] <= self.now:
            _, _, end, data = heapq.heappop(self._wire)
            if not end.deaf:
                self.perform(end, end.session.receive_data(data, self.now))
        for end in self.ends:
            self.perform(end, end.session.handle_timeout(self.now))
