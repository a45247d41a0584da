"""RFC 4271, sections 4 and 6, as far as they are about what happens in a session, and the timers of section 10."""

import pytest

from bgp import (
    IPV4_UNICAST,
    Established,
    Keepalive,
    LocalError,
    Notification,
    Open,
    RoutesReceived,
    State,
    Update,
)
from bgp.config import PrefixLimit
from bgp.errors import FSMError
from bgp.events import AttemptFailed, SessionClosed
from bgp.iana import CeaseSubcode, ErrorCode, FSMSubcode, HeaderSubcode, OpenSubcode, UpdateSubcode
from bgp.offers import FourOctetASCapability
from tests.conformance.neighbour import Neighbour, config
from tests.conformance.octets import AS_PATH, NEXT_HOP, ORIGIN, PREFIX, message, update
from tests.conformance.requirements import rfc

CONNECTED = [State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED]


# 4.2: OPEN.


@rfc("4271 4.2", "MUST send an OPEN as the first message on a connection")
def test_open_comes_first() -> None:
    [first] = Neighbour.at(State.OPEN_SENT).hears()
    assert isinstance(first, Open)


@rfc("4271 4.2", "MUST answer an OPEN that it accepts with KEEPALIVE")
def test_keepalive_confirms() -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.hears()
    peer.says(peer.greeting())
    assert peer.hears() == [Keepalive()]


@rfc("4271 4.2", "MUST use the smaller of its own hold time and the one in the peer's OPEN")
@rfc("4271 6.2", "MUST use the negotiated hold time once it has accepted an OPEN")
@pytest.mark.parametrize(("ours", "theirs"), [(30, 90), (90, 30)])
def test_hold_time(ours: int, theirs: int) -> None:
    peer = Neighbour.at(State.OPEN_SENT, hold_time=ours)
    peer.says(peer.greeting(hold_time=theirs), Keepalive())
    assert peer.waits(29).state is State.ESTABLISHED
    assert peer.waits(1).state is State.IDLE


@rfc("4271 4.2", "MUST NOT offer a hold time of one or two seconds, whatever is configured")
def test_configured_hold_time() -> None:
    for seconds in (1, 2, 65536):
        with pytest.raises(LocalError, match="hold time"):
            config(hold_time=seconds)


# 4.3: UPDATE.


@rfc("4271 4.3", "SHOULD treat a prefix that is withdrawn and announced as though it were only announced")
def test_withdrawn_and_announced() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(update(PREFIX, ORIGIN + AS_PATH + NEXT_HOP, PREFIX))
    table: set[str] = set()
    for routes in peer.told(RoutesReceived):
        table -= set(map(str, routes.withdrawn))
        table |= set(map(str, routes.announced))
    assert table == {"203.0.113.0/24"}


# 4.4: KEEPALIVE.


def keepalives(peer: Neighbour, seconds: float) -> int:
    """How many KEEPALIVEs are heard in so many seconds, in which the peer is heard too."""
    peer.hears()
    for _ in range(int(seconds / 0.5)):
        peer.waits(0.5)
        peer.says(Keepalive())
    return peer.hears().count(Keepalive())


@rfc("4271 4.4", "MUST send KEEPALIVEs so often that the peer's hold timer does not expire")
def test_often_enough() -> None:
    assert keepalives(Neighbour.at(State.ESTABLISHED, hold_time=9), 90) == 30


@rfc("4271 4.4", "MUST NOT send more than one KEEPALIVE a second")
def test_not_too_often() -> None:
    peer = Neighbour.at(State.ESTABLISHED, jitter=lambda: 0.75, hold_time=3)
    assert keepalives(peer, 30) <= 30


@rfc("4271 4.4", "MUST NOT send KEEPALIVEs by the clock if the negotiated hold time is 0")
@rfc("4271 4.2", "MUST NOT run the hold timer if the negotiated hold time is 0")
def test_no_hold_time() -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.says(peer.greeting(hold_time=0), Keepalive())
    peer.hears()
    assert peer.waits(100_000).state is State.ESTABLISHED
    assert peer.hears() == []


# 6: errors.


@rfc("4271 6", "MUST send the NOTIFICATION that a fault asks for and close the connection")
@rfc("4271 6.1", "MUST answer every fault of a header with Message Header Error")
@pytest.mark.parametrize("state", CONNECTED)
def test_header(state: State) -> None:
    peer = Neighbour.at(state)
    peer.says(message(9))
    assert peer.last_word() == Notification(
        ErrorCode.MESSAGE_HEADER_ERROR, HeaderSubcode.BAD_MESSAGE_TYPE, b"\x09"
    )
    assert peer.state is State.IDLE


@rfc("4271 4.5", "MUST close the connection right after a NOTIFICATION")
def test_nothing_after_a_notification() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.hears()
    peer.says(message(9) + message(4) * 3 + message(9))
    assert len(peer.hears()) == 1
    assert not peer.connected


@rfc("4271 6", "MUST NOT use routes of the peer any more after that")
def test_routes_are_gone() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(update("", ORIGIN + AS_PATH + NEXT_HOP, PREFIX), message(9))
    assert any(isinstance(event, SessionClosed | AttemptFailed) for event in peer.events[-2:])
    peer.says(update("", ORIGIN + AS_PATH + NEXT_HOP, PREFIX))
    assert len(peer.told(RoutesReceived)) == 1


@rfc("4271 6.2", "MUST answer every fault of an OPEN with OPEN Message Error")
@rfc("4271 6.2", "MUST answer an AS number that is not the peer's with Bad Peer AS")
def test_another_as() -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.says(peer.greeting(my_as=64999, capabilities=[FourOctetASCapability(64999)]))
    assert peer.last_word() == Notification(ErrorCode.OPEN_MESSAGE_ERROR, OpenSubcode.BAD_PEER_AS)


@rfc("4271 6.2", "MUST answer the own identifier of an internal peer with Bad BGP Identifier")
def test_our_identifier() -> None:
    peer = Neighbour.at(State.OPEN_SENT, peer_as=64512)
    peer.says(peer.greeting(router_id="192.0.2.1"))
    assert peer.last_word() == Notification(ErrorCode.OPEN_MESSAGE_ERROR, OpenSubcode.BAD_BGP_IDENTIFIER)


@rfc("4271 6.3", "MUST answer every fault of an UPDATE that ends the session with UPDATE Message Error")
def test_update() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(message(2, "0001 0000"))
    assert peer.last_word() == Notification(
        ErrorCode.UPDATE_MESSAGE_ERROR, UpdateSubcode.MALFORMED_ATTRIBUTE_LIST
    )


@rfc("4271 6.4", "MUST NOT answer a NOTIFICATION, not even a faulty one, with another")
@pytest.mark.parametrize("body", ["06 02", "ff ff", "01 02 0013"])
@pytest.mark.parametrize("state", CONNECTED)
def test_notification(state: State, body: str) -> None:
    peer = Neighbour.at(state)
    peer.hears()
    peer.says(message(3, body))
    assert (peer.hears(), peer.connected, peer.state) == ([], False, State.IDLE)


@rfc("4271 6.4", "SHOULD tell people of a NOTIFICATION with a code that it does not know")
def test_unknown_code() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(message(3, "2a 07"))
    assert "42/7" in peer.closed().reason
    assert peer.closed().received == Notification(42, 7)


@rfc("4271 6.5", "MUST send Hold Timer Expired and close when nothing came for the hold time")
@pytest.mark.parametrize("state", [State.OPEN_CONFIRM, State.ESTABLISHED])
def test_silence(state: State) -> None:
    peer = Neighbour.at(state)
    assert peer.waits(89).state is state
    peer.waits(1)
    assert peer.last_word() == Notification(ErrorCode.HOLD_TIMER_EXPIRED)
    assert peer.state is State.IDLE


@rfc("4271 6.5", "MUST take KEEPALIVE and UPDATE for signs of life")
@pytest.mark.parametrize("sign", [Keepalive(), Update(withdrawn=["10.0.0.0/8"])])
def test_signs_of_life(sign: Keepalive | Update) -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.waits(80)
    peer.says(sign)
    assert peer.waits(80).state is State.ESTABLISHED


@rfc("4271 6.6", "MUST answer an event out of place with Finite State Machine Error")
@pytest.mark.parametrize(
    ("state", "said", "subcode", "data"),
    [
        (State.OPEN_SENT, Keepalive(), FSMSubcode.UNEXPECTED_MESSAGE_IN_OPEN_SENT, b"\x04"),
        (State.OPEN_CONFIRM, Update(), FSMSubcode.UNEXPECTED_MESSAGE_IN_OPEN_CONFIRM, b"\x02"),
    ],
)
def test_out_of_place(state: State, said: Keepalive | Update, subcode: FSMSubcode, data: bytes) -> None:
    peer = Neighbour.at(state)
    peer.says(said)
    assert peer.last_word() == Notification(FSMError.code, subcode, data)


# 6.7: Cease.


@rfc("4271 6.7", "MAY end a session that it has no fault to find with by Cease")
@pytest.mark.parametrize("state", CONNECTED)
def test_cease(state: State) -> None:
    peer = Neighbour.at(state)
    peer.perform(peer.session.stop(peer.now))
    assert peer.last_word() == Notification.cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN)


@rfc("4271 6.7", "MUST NOT say Cease where there is a fault with a code of its own")
def test_no_cease() -> None:
    for octets in (message(9), message(2, "0001 0000"), message(1)):
        peer = Neighbour.at(State.ESTABLISHED)
        peer.says(octets)
        word = peer.last_word()
        assert word is not None
        assert word.code != ErrorCode.CEASE


@rfc("4271 6.7", "MUST say Cease when it ends a session for too many prefixes")
def test_too_many_prefixes() -> None:
    peer = Neighbour.at(State.ESTABLISHED, prefix_limits={IPV4_UNICAST: PrefixLimit(1)})
    peer.says(update("", ORIGIN + AS_PATH + NEXT_HOP, PREFIX))
    assert peer.state is State.ESTABLISHED
    peer.says(update("", ORIGIN + AS_PATH + NEXT_HOP, "18 cb0072"))
    assert peer.last_word() == Notification.maximum_prefixes(IPV4_UNICAST, 1)


# 10: timers.


@rfc("4271 10", "MUST have a hold time for each peer that can be configured")
def test_configurable() -> None:
    assert [Neighbour.at(State.OPEN_SENT, hold_time=n).session.config.hold_time for n in (3, 180)] == [3, 180]


@rfc("4271 10", "SHOULD shorten ConnectRetry and KEEPALIVE timers at random, to three quarters at most")
def test_jitter() -> None:
    for factor in (0.75, 1.0):
        connecting = Neighbour.at(State.CONNECT, jitter=lambda: factor, connect_retry_time=100)  # noqa: B023
        assert connecting.session.next_timeout() == 100 * factor
        up = Neighbour.at(State.ESTABLISHED, jitter=lambda: factor)  # noqa: B023
        assert up.session.next_timeout() == 30 * factor


@rfc("4271 8", "MUST NOT let a peer's octets, however cut, change what they mean")
def test_pieces() -> None:
    said = update("", ORIGIN + AS_PATH + NEXT_HOP, PREFIX) + message(4)
    whole, pieces = Neighbour.at(State.ESTABLISHED), Neighbour.at(State.ESTABLISHED)
    whole.says(said)
    pieces.says(*(said[n : n + 1] for n in range(len(said))))
    assert [type(event) for event in pieces.events] == [type(event) for event in whole.events]
    assert pieces.told(RoutesReceived) == whole.told(RoutesReceived)
    assert len(whole.told(Established)) == 1
