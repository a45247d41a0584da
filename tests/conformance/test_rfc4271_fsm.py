"""RFC 4271, section 8: the state machine, seen from outside; up to where an OPEN is out.

Names of tests say state and event by the RFC's numbers: `test_connect_9` is event 9 in state Connect.
"""

from typing import Any

import pytest

from bgp import (
    Keepalive,
    Notification,
    Open,
    Session,
    State,
)
from bgp.iana import CeaseSubcode
from tests.conformance.neighbour import Neighbour, config
from tests.conformance.octets import message, open_message
from tests.conformance.requirements import rfc

CONNECTED = [State.OPEN_SENT, State.OPEN_CONFIRM, State.ESTABLISHED]
EVERY_STATE = [State.CONNECT, State.ACTIVE, *CONNECTED]

BAD_OPEN = open_message(version=3)


def waiting_for_open(**values: Any) -> Neighbour:
    """A session in Connect whose TCP is up and whose DelayOpen timer runs."""
    peer = Neighbour.at(State.CONNECT, delay_open_time=20, **values)
    peer.connects()
    assert (peer.state, peer.hears()) == (State.CONNECT, [])
    return peer


# 8: all states.


@rfc("4271 8.2.1", "MUST have a state machine of its own for each peer")
def test_own_machine() -> None:
    one, other = Neighbour.at(State.ESTABLISHED), Neighbour.at(State.CONNECT)
    one.says(message(9))
    assert (one.state, other.state) == (State.IDLE, State.CONNECT)


@rfc("4271 8.2.2", "MUST be in Idle at first")
def test_idle_at_first() -> None:
    session = Session(config())
    assert session.state is State.IDLE
    assert session.next_timeout() is None


@rfc("4271 8.1.2", "MUST ignore another start outside of Idle")
@pytest.mark.parametrize("state", EVERY_STATE)
def test_start_again(state: State) -> None:
    peer = Neighbour.at(state)
    assert peer.session.start(peer.now) == []
    assert peer.state is state


@rfc("4271 8.1.2", "MUST go to Idle and stay there when it is stopped, in any state")
@pytest.mark.parametrize("state", EVERY_STATE)
def test_stop(state: State) -> None:
    peer = Neighbour.at(state)
    peer.perform(peer.session.stop(peer.now))
    tried = peer.dialled
    assert peer.waits(10_000).state is State.IDLE
    assert (peer.dialled, peer.connected) == (tried, False)


@rfc("4271 8.1.2", "MUST come back by itself after a stop that was not made by hand")
@pytest.mark.parametrize("state", CONNECTED)
def test_automatic_stop(state: State) -> None:
    peer = Neighbour.at(state)
    peer.perform(peer.session.reset(peer.now))
    assert peer.last_word() == Notification.cease(CeaseSubcode.ADMINISTRATIVE_RESET)
    assert peer.gave_up()


@rfc("4271 8.1.1", "MAY pause after a failure, longer with each, before it tries again")
def test_damping() -> None:
    peer = Neighbour.at(State.CONNECT, idle_hold_time=4)
    for pause in (4, 8, 16):
        peer.refuses()
        assert peer.waits(pause - 1).state is State.IDLE
        assert peer.waits(1).state is State.CONNECT


# 8.2.2: Idle.


@rfc("4271 8.2.2", "MUST refuse connections in Idle")
def test_idle_refuses() -> None:
    peer = Neighbour(Session(config()))
    peer.connects()
    assert (peer.connected, peer.state, peer.hears()) == (False, State.IDLE, [])


@rfc("4271 8.2.2", "MUST open TCP and start the ConnectRetry timer when it is started")
def test_idle_1() -> None:
    peer = Neighbour.at(State.CONNECT, connect_retry_time=30)
    assert (peer.dialled, peer.session.next_timeout()) == (1, 30)


@rfc("4271 8.2.2", "MUST wait in Active, without dialling, when it is started with passive establishment")
def test_idle_4() -> None:
    peer = Neighbour(Session(config(passive=True)))
    peer.perform(peer.session.start(0.0))
    assert (peer.waits(10_000).state, peer.dialled) == (State.ACTIVE, 0)
    peer.connects()
    assert peer.state is State.OPEN_SENT


@rfc("4271 8.2.2", "MUST ignore all other events in Idle")
def test_idle_others() -> None:
    session = Session(config())
    session.receive_data(message(4), 0.0)
    session.connection_lost(0.0)
    session.connection_failed(0.0, "nothing there")
    assert (session.state, session.next_timeout()) == (State.IDLE, None)


# 8.2.2: Connect.


@rfc("4271 8.2.2", "MUST give up and open TCP anew, in Connect, when the ConnectRetry timer expires")
def test_connect_9() -> None:
    peer = Neighbour.at(State.CONNECT, connect_retry_time=30)
    assert (peer.waits(30).state, peer.dialled) == (State.CONNECT, 2)
    assert peer.session.next_timeout() == 60


@rfc("4271 8.2.2", "MUST send an OPEN, stop the ConnectRetry timer and await the peer's OPEN once TCP is up")
@pytest.mark.parametrize("state", [State.CONNECT, State.ACTIVE])
def test_connect_16(state: State) -> None:
    peer = Neighbour.at(state)
    peer.hears()
    peer.connects()
    assert peer.state is State.OPEN_SENT
    assert [type(each) for each in peer.hears()] == [Open]


@rfc("4271 8.2.2", "MUST wait four minutes for the peer's OPEN")
def test_large_hold_time() -> None:
    peer = Neighbour.at(State.OPEN_SENT, hold_time=3)
    assert peer.waits(239).state is State.OPEN_SENT
    assert peer.waits(1).state is State.IDLE


@rfc("4271 8.2.2", "MUST go to Idle when TCP does not come up and the DelayOpen timer does not run")
def test_connect_18() -> None:
    peer = Neighbour.at(State.CONNECT)
    peer.refuses()
    assert peer.gave_up()


@rfc(
    "4271 8.2.2",
    "MUST go to Active, the ConnectRetry timer running anew, when TCP fails while DelayOpen runs",
)
def test_connect_18_delayed() -> None:
    peer = waiting_for_open(connect_retry_time=30)
    peer.waits(10).hangs_up()
    assert (peer.state, peer.session.next_timeout()) == (State.ACTIVE, 40)


@rfc("4271 8.2.2", "MUST hold its OPEN back until the DelayOpen timer expires")
def test_connect_12() -> None:
    peer = waiting_for_open()
    assert peer.waits(19).hears() == []
    peer.waits(1)
    assert peer.state is State.OPEN_SENT
    assert [type(each) for each in peer.hears()] == [Open]


@rfc("4271 8.2.2", "MUST answer an OPEN that comes while DelayOpen runs with OPEN and KEEPALIVE")
def test_connect_20() -> None:
    peer = waiting_for_open()
    peer.says(peer.greeting())
    assert peer.state is State.OPEN_CONFIRM
    assert [type(each) for each in peer.hears()] == [Open, Keepalive]


@rfc("4271 8.2.2", "MUST go to Idle when a message is faulty before its OPEN is out")
@rfc("4271 8.1.1", "MUST NOT send a NOTIFICATION before an OPEN, unless it is configured to")
@pytest.mark.parametrize("octets", [message(9), BAD_OPEN])
def test_connect_21_22(octets: bytes) -> None:
    peer = waiting_for_open()
    peer.says(octets)
    assert peer.hears() == []
    assert peer.gave_up()


@rfc("4271 8.2.2", "MUST go to Idle when a NOTIFICATION comes before the OPENs")
def test_connect_24() -> None:
    peer = waiting_for_open()
    peer.says(Notification(2, 1))
    assert peer.hears() == []
    assert peer.gave_up()


@rfc("4271 8.2.2", "MUST go to Idle when any other event comes in Connect")
def test_connect_others() -> None:
    peer = waiting_for_open()
    peer.says(Keepalive())
    assert peer.hears() == []
    assert peer.gave_up()


# 8.2.2: Active.


@rfc("4271 8.2.2", "MUST open TCP and go to Connect when the ConnectRetry timer expires in Active")
def test_active_9() -> None:
    peer = Neighbour.at(State.ACTIVE, connect_retry_time=30)
    tried = peer.dialled
    assert peer.waits(30).state is State.CONNECT
    assert peer.dialled == tried + 1


@rfc("4271 8.2.2", "MUST go to Idle when TCP fails in Active")
def test_active_18() -> None:
    peer = Neighbour(Session(config(passive=True, delay_open_time=20)))
    peer.perform(peer.session.start(0.0))
    peer.connects()
    assert peer.hangs_up().state is State.IDLE


@rfc("4271 8.2.2", "MUST treat DelayOpen in Active as in Connect")
def test_active_12_20() -> None:
    for says_first in (True, False):
        peer = Neighbour(Session(config(passive=True, delay_open_time=20)))
        peer.perform(peer.session.start(0.0))
        peer.connects()
        assert (peer.state, peer.hears()) == (State.ACTIVE, [])
        if says_first:
            peer.says(peer.greeting())
        else:
            peer.waits(20)
        assert peer.state is (State.OPEN_CONFIRM if says_first else State.OPEN_SENT)
