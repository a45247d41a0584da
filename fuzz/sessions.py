# Whatever a peer sends, and in whatever order the verbs are called: nothing raises, states follow on each other, all
# that is sent is whole messages, and a session that is down has let go of its connection and times only a pause.
"""Fuzz a session: an octet for the peer, then verbs, an octet each, some with the octets to receive behind it."""

from collections.abc import Callable

from bgp import CloseConnection, Output, Prefix, Session, State
from bgp.vocabulary import Timer
from bgp.wire import Reader
from fuzz.peers import ADDRESSES, CONFIGS, ROUTES, check_sent, follow, greeting, message


def check(data: bytes) -> None:
    """Check one input."""
    reader, now = Reader(data.ljust(1, b"\0")), 0.0
    session = Session(CONFIGS[reader.uint8() % len(CONFIGS)])
    while reader.remaining:
        state, negotiated, octet = session.state, session.negotiated, reader.uint8()
        now += (octet >> 4) ** 3 / 8  # up to seven minutes
        outputs = _call(session, octet % 16, reader, now)
        check_sent(outputs, session.negotiated, negotiated)
        assert follow(outputs, state) is session.state
        if session.state is State.IDLE:
            assert not any(session._timers.runs(timer) for timer in Timer if timer is not Timer.IDLE_HOLD)
            assert session.negotiated is None
            assert session.our_open is None
            assert CloseConnection() in outputs or state is State.IDLE


def _call(session: Session, verb: int, reader: Reader, now: float) -> list[Output]:
    if verb % 2:
        session.data_sent(now)
    verbs: tuple[Callable[[], list[Output]], ...] = (
        lambda: session.start(now),
        lambda: session.stop(now),
        lambda: session.reset(now),
        lambda: session.connection_opened(now, **ADDRESSES),
        lambda: session.connection_failed(now, "refused"),
        lambda: session.connection_lost(now),
        lambda: session.announce(ROUTES, now),
        lambda: session.withdraw([Prefix("203.0.113.7/32")], now),
        lambda: session.replace(ROUTES[1:], now),
        lambda: session.handle_timeout(now),
        lambda: session.handle_timeout(session.next_timeout() or now),
        lambda: session.receive_data(greeting(session.config), now),
        lambda: session.receive_data(message(reader), now),
        lambda: session.receive_data(message(reader), now),
        lambda: session.receive_data(reader.take(min(reader.remaining, 25)), now),
    )
    return verbs[min(verb, len(verbs) - 1)]()
