# Whatever arrives and whenever, a BFD session raises nothing, moves only as its table says, always knows what is due
# next, and sends nothing but legal packets.
"""Fuzz BFD: an octet for the configuration, then packets, each behind an octet for a pause and one for its length."""

import attrs

from bgp import bfd
from bgp.bfd.fsm import TRANSITIONS
from bgp.wire import Reader, WireError

_KEY = bfd.BFDKey("simple-password", "k", 1)
_MOVES = {(old, transition[0]) for (old, _), transition in TRANSITIONS.items()}


def check(data: bytes) -> None:
    """Check one input."""
    choice, reader = data[0] if data else 0, Reader(data[1:])
    keys = [_KEY] if choice & 2 else None
    config = bfd.BFDConfig(passive=bool(choice & 1), multiplier=1 + (choice >> 4), authentication=keys)
    session = bfd.BFDSession(config, discriminator=1)
    now, state = 0.0, session.state
    outputs = session.start(now)
    try:
        while reader.remaining:
            now += reader.uint8() / 50
            outputs += session.handle_timeout(now)
            due = session.next_timeout()
            assert due is None or due > now
            packet = reader.take(reader.uint8())
            if choice & 4:
                session.change(attrs.evolve(config, multiplier=1 + len(packet) % 9))
            outputs += session.receive_data(packet, now)
            session.statistics(now)
    except WireError:
        pass
    for output in outputs:
        match output:
            case bfd.BFDStateChanged(old=old, new=new):
                assert old is state
                assert (old, new) in _MOVES
                state = new
            case bfd.SendPacket(octets):
                sent = bfd.decode(octets)
                assert isinstance(sent, bfd.BFDPacket)
                assert bfd.encode(sent) == octets
                assert not sent.demand
                assert not sent.poll or not sent.final
                assert sent.state is bfd.BFDState.UP or sent.desired_min_tx_us >= 1_000_000
    assert session.state is state
