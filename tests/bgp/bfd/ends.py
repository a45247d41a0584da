"""BFD sessions for tests: two on a fake wire, or one that hears what the test says."""

from itertools import pairwise

from bgp.bfd.config import BFDConfig
from bgp.bfd.events import BFDOutput, SendPacket
from bgp.bfd.packet import BFDPacket, BFDState, decode, encode
from bgp.bfd.session import BFDSession
from bgp.testing import BFDEnd, BFDLink

ADMIN_DOWN, DOWN, INIT, UP = BFDState

FAST = BFDConfig(transmit_interval=0.1, receive_interval=0.1)
PEER = 77
"""What the other side calls the session, where there is no other session."""


def established(left: BFDConfig = FAST, right: BFDConfig = FAST, **options: float) -> BFDLink:
    """A link with both sessions up, their Poll Sequences over, and nothing on the wire."""
    link = BFDLink(left, right, **options)  # type: ignore[arg-type]  # latency
    link.start()
    assert link.run_until(lambda: all(end.state is UP for end in link.ends), 10)
    link.run(10.05)
    return link


def packets(end: BFDEnd, since: float = 0.0) -> list[tuple[float, BFDPacket]]:
    """The packets that an end has sent."""
    found = []
    for moment, data in end.sent:
        packet = decode(data)
        assert isinstance(packet, BFDPacket)
        if moment >= since:
            found.append((moment, packet))
    return found


def gaps(end: BFDEnd, since: float) -> set[float]:
    """The intervals between packets."""
    moments = [moment for moment, _ in packets(end, since)]
    return {round(later - earlier, 6) for earlier, later in pairwise(moments)}


def sent(outputs: list[BFDOutput]) -> list[BFDPacket]:
    """The packets among outputs."""
    found = [decode(output.data) for output in outputs if isinstance(output, SendPacket)]
    return [packet for packet in found if isinstance(packet, BFDPacket)]


def alone(state: BFDState = DOWN, config: BFDConfig = FAST, **options: object) -> BFDSession:
    """A session in a state, at the time 0, with a peer that sends every 100 ms."""
    session = BFDSession(config, discriminator=1, **options)  # type: ignore[arg-type]  # any option
    session.start(0.0)
    if state in (INIT, UP):
        session.receive_data(said(DOWN), 0.0)
    if state is UP:
        session.receive_data(said(INIT), 0.0)
        session.receive_data(said(UP, final=True), 0.0)
        session.receive_data(said(UP), 0.0)
    assert session.state is state
    return session


def said(state: BFDState, **values: object) -> bytes:
    """A packet from the peer."""
    whole = {"your_discriminator": 1, "desired_min_tx_us": 100_000, "required_min_rx_us": 100_000, **values}
    return encode(BFDPacket(state=state, my_discriminator=PEER, **whole))  # type: ignore[arg-type]  # any field
