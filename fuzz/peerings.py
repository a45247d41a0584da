# As for a session, with up to two connections: nothing raises, states follow on each other, all that is sent is whole
# messages on a connection that stands, and a peering that is down has let go of all connections.
"""Fuzz a peering: an octet for the peer, then verbs, an octet each, some with octets to receive behind it."""

from bgp import CloseConnection, OpenConnection, Output, Peering, SendBytes, State
from bgp.wire import Reader
from fuzz.peers import ADDRESSES, CONFIGS, ROUTES, check_sent, follow, greeting, message


def check(data: bytes) -> None:
    """Check one input."""
    reader, now, live = Reader(data.ljust(1, b"\0")), 0.0, list[int]()
    peering = Peering(CONFIGS[reader.uint8() % len(CONFIGS)])
    while reader.remaining:
        state, negotiated, octet = peering.state, peering.negotiated, reader.uint8()
        now += (octet >> 6) ** 4  # up to 81 seconds
        outputs = _call(peering, octet, live, reader, now)
        check_sent(outputs, peering.negotiated, negotiated)
        for output in outputs:
            if isinstance(output, OpenConnection):
                live.append(output.connection)
            elif isinstance(output, CloseConnection):
                live = [each for each in live if each != output.connection]
            assert not isinstance(output, SendBytes) or output.connection in live
        assert follow(outputs, state) is peering.state
        assert peering.state is not State.IDLE or not live


def _call(peering: Peering, octet: int, live: list[int], reader: Reader, now: float) -> list[Output]:
    number = live[(octet >> 4) % len(live)] if live else 99
    match octet % 16:
        case 0 | 1 | 2:
            return (peering.start, peering.stop, peering.reset)[octet % 16](now)
        case 3:
            return peering.connection_opened(number, now, **ADDRESSES)
        case 4:
            accepted, outputs = peering.connection_accepted(now, **ADDRESSES)
            live.append(accepted)
            return outputs
        case 5 | 6:
            live[:] = [each for each in live if each != number]
            return (peering.connection_lost, peering.connection_failed)[octet % 2](number, now, "gone")
        case 7:
            return peering.replace(ROUTES[octet >> 7 :], now)
        case 8 | 9:
            return peering.handle_timeout((peering.next_timeout() or now) if octet % 2 else now)
        case 10 | 11:
            return peering.receive_data(number, greeting(peering.config), now)
    received = message(reader) if octet % 16 < 14 else reader.take(min(reader.remaining, 25))
    return peering.receive_data(number, received, now)
