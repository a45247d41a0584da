"""RFC 4271, section 8.2.2: the state machine from where our OPEN is out. Names of tests as in test_rfc4271_fsm.py."""

from itertools import pairwise

import pytest

from bgp import Keepalive, Notification, Route, RoutesReceived, State, Update
from bgp.errors import FSMError
from bgp.events import StateChanged
from bgp.iana import ErrorCode, OpenSubcode
from tests.conformance.neighbour import OURS, THEIRS, Neighbour
from tests.conformance.octets import AS_PATH, NEXT_HOP, ORIGIN, PREFIX, message, open_message, update
from tests.conformance.requirements import rfc

CONNECTED = [State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED]

BAD_OPEN = open_message(version=3)
VERSION = Notification(ErrorCode.OPEN_MESSAGE_ERROR, OpenSubcode.UNSUPPORTED_VERSION_NUMBER, b"\0\4")


# 8.2.2: OpenSent.


@rfc("4271 8.2.2", "MUST send Cease and go to Idle when it is stopped with its OPEN out")
@pytest.mark.parametrize("state", CONNECTED)
def test_stop_says_cease(state: State) -> None:
    peer = Neighbour.at(state)
    peer.perform(peer.session.stop(peer.now))
    word = peer.last_word()
    assert word is not None
    assert word.code == ErrorCode.CEASE


@rfc("4271 8.2.2", "MUST send Hold Timer Expired and go to Idle when the peer's OPEN does not come")
def test_open_sent_10() -> None:
    peer = Neighbour.at(State.OPEN_SENT).waits(240)
    assert peer.last_word() == Notification(ErrorCode.HOLD_TIMER_EXPIRED)
    assert peer.gave_up()


@rfc("4271 8.2.2", "MUST go to Active, the ConnectRetry timer running anew, when TCP goes in OpenSent")
def test_open_sent_18() -> None:
    peer = Neighbour.at(State.OPEN_SENT, connect_retry_time=30)
    peer.waits(100).hangs_up()
    assert (peer.state, peer.session.next_timeout()) == (State.ACTIVE, 130)


@rfc(
    "4271 8.2.2", "MUST send KEEPALIVE, start both timers by the negotiated hold time, and go to OpenConfirm"
)
def test_open_sent_19() -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.hears()
    peer.waits(200).says(peer.greeting(hold_time=30))
    assert (peer.state, peer.hears()) == (State.OPEN_CONFIRM, [Keepalive()])
    assert peer.waits(10).hears() == [Keepalive()]
    assert peer.waits(20).state is State.IDLE


@rfc("4271 8.2.2", "MUST send the NOTIFICATION about a faulty OPEN or header and go to Idle")
def test_open_sent_21_22() -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.says(BAD_OPEN)
    assert peer.last_word() == VERSION
    assert peer.gave_up()


@rfc(
    "4271 8.2.2",
    "MUST close and go to Idle, without an answer, when the peer says that it does not know the version",
)
@pytest.mark.parametrize("state", CONNECTED[:2])
def test_open_sent_24(state: State) -> None:
    peer = Neighbour.at(state)
    peer.hears()
    peer.says(VERSION)
    assert peer.hears() == []
    assert peer.gave_up()


@rfc(
    "4271 8.2.2", "MUST send Finite State Machine Error and go to Idle when any other event comes in OpenSent"
)
@pytest.mark.parametrize("said", [Keepalive(), Update()])
def test_open_sent_others(said: Keepalive | Update) -> None:
    peer = Neighbour.at(State.OPEN_SENT)
    peer.says(said)
    word = peer.last_word()
    assert word is not None
    assert word.code == FSMError.code
    assert peer.gave_up()


# 8.2.2: OpenConfirm.


@rfc("4271 8.2.2", "MUST send a KEEPALIVE whenever the keepalive timer expires, in OpenConfirm too")
def test_open_confirm_11() -> None:
    peer = Neighbour.at(State.OPEN_CONFIRM)
    peer.hears()
    assert peer.waits(60).hears() == [Keepalive(), Keepalive()]
    assert peer.state is State.OPEN_CONFIRM


@rfc("4271 8.2.2", "MUST go to Idle when TCP goes in OpenConfirm or Established")
@pytest.mark.parametrize("state", CONNECTED[1:])
def test_open_confirm_18(state: State) -> None:
    assert Neighbour.at(state).hangs_up().gave_up()


@rfc("4271 8.2.2", "MUST restart the hold timer and go to Established when a KEEPALIVE comes in OpenConfirm")
def test_open_confirm_26() -> None:
    peer = Neighbour.at(State.OPEN_CONFIRM)
    peer.waits(80).says(Keepalive())
    assert peer.state is State.ESTABLISHED
    assert peer.waits(80).state is State.ESTABLISHED


@rfc(
    "4271 8.2.2",
    "MUST send Finite State Machine Error and go to Idle when any other event comes in OpenConfirm",
)
def test_open_confirm_others() -> None:
    peer = Neighbour.at(State.OPEN_CONFIRM)
    peer.says(update("", ORIGIN + AS_PATH + NEXT_HOP, PREFIX))
    word = peer.last_word()
    assert word is not None
    assert word.code == FSMError.code
    assert peer.gave_up()
    assert peer.told(RoutesReceived) == []


# 8.2.2: Established.


@rfc("4271 8.2.2", "MUST restart the hold timer with each KEEPALIVE and UPDATE, and process the UPDATE")
def test_established_26_27() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    for _ in range(3):
        peer.waits(80).says(Keepalive())
        peer.waits(80).says(update("", ORIGIN + AS_PATH + NEXT_HOP, PREFIX))
    assert peer.state is State.ESTABLISHED
    assert len(peer.told(RoutesReceived)) == 3


@rfc("4271 8.2.2", "MUST restart the keepalive timer with each KEEPALIVE or UPDATE that it sends")
def test_established_11() -> None:
    peer = Neighbour.at(State.ESTABLISHED).waits(20)
    peer.perform(peer.session.announce([Route("203.0.113.7/32")], peer.now))
    peer.hears()
    assert peer.waits(29).hears() == []
    assert peer.waits(1).hears() == [Keepalive()]


@rfc("4271 8.2.2", "MUST send UPDATE Message Error and go to Idle when an UPDATE cannot be processed")
def test_established_28() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(message(2, "ffff 0000"))
    word = peer.last_word()
    assert word is not None
    assert word.code == ErrorCode.UPDATE_MESSAGE_ERROR
    assert peer.gave_up()


@rfc(
    "4271 8.2.2",
    "MUST send Finite State Machine Error and go to Idle when any other event comes in Established",
)
def test_established_others() -> None:
    peer = Neighbour.at(State.ESTABLISHED)
    peer.says(peer.greeting())
    word = peer.last_word()
    assert word is not None
    assert word.code == FSMError.code
    assert peer.gave_up()


@rfc("4271 8.2.2", "MUST pass through all states on the way up, and tell of each")
def test_way_up() -> None:
    changes = Neighbour.at(State.ESTABLISHED).told(StateChanged)
    states = [State.IDLE, State.CONNECT, *CONNECTED]
    assert [(each.old, each.new) for each in changes] == list(pairwise(states))


@rfc("4271 8.2.2", "MUST NOT touch a second connection while it has one")
@pytest.mark.parametrize("state", CONNECTED)
def test_second_connection(state: State) -> None:
    peer = Neighbour.at(state)
    assert peer.session.connection_opened(peer.now, local_address=OURS, remote_address=THEIRS) == []
    assert peer.state is state
