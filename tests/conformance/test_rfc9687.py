"""RFC 9687: a peer whose TCP takes nothing any more."""

from typing import Any

import pytest

from bgp import Keepalive, LocalError, State
from tests.conformance.neighbour import Neighbour, config
from tests.conformance.requirements import rfc


def stuck(**values: Any) -> Neighbour:
    """A session whose peer says KEEPALIVE but takes nothing."""
    peer = Neighbour.at(State.ESTABLISHED, **values)
    peer.takes = False
    return peer


def chatter(peer: Neighbour, seconds: int) -> State:
    """The peer goes on sending for so long."""
    for _ in range(seconds // 10):
        peer.waits(10)
        peer.says(Keepalive())
    return peer.state


@rfc("9687 4.3", "MUST start the send hold timer when the session is established")
@rfc("9687 5", "MUST close the connection when nothing could be sent for the send hold time")
def test_expiry() -> None:
    peer = stuck(send_hold_time=120)
    assert chatter(peer, 110) is State.ESTABLISHED
    assert chatter(peer, 10) is State.IDLE
    assert not peer.connected


@rfc("9687 5", "MUST tell of Send Hold Timer Expired where errors are told")
@rfc("9687 7", "SHOULD give that as the reason for which the session is down")
def test_reason() -> None:
    peer = stuck(send_hold_time=120)
    chatter(peer, 120)
    assert "Send Hold Timer Expired" in peer.closed().reason


@rfc("9687 4.3", "MAY send a NOTIFICATION only if that does not delay the end")
def test_no_notification() -> None:
    peer = stuck(send_hold_time=120)
    chatter(peer, 120)
    assert peer.last_word() is None
    assert peer.closed().sent is None


@rfc("9687 4.3", "MUST restart the timer with each message that is sent")
def test_restart() -> None:
    peer = stuck(send_hold_time=120)
    chatter(peer, 110)
    peer.session.data_sent(peer.now)
    assert chatter(peer, 110) is State.ESTABLISHED
    assert chatter(peer, 10) is State.IDLE


@rfc("9687 4.3", "MUST NOT run the timer if the send hold time is 0")
@rfc("9687 4.3", "MUST NOT run the timer if the negotiated hold time is 0")
@pytest.mark.parametrize("values", [{"send_hold_time": 0}, {"hold_time": 0, "send_hold_time": 120}])
def test_no_timer(values: dict[str, Any]) -> None:
    assert chatter(stuck(**values), 3600) is State.ESTABLISHED


@rfc("9687 4.3", "MUST stop the timer when the session ends")
def test_stopped() -> None:
    peer = stuck(send_hold_time=120)
    peer.perform(peer.session.stop(peer.now))
    assert peer.session.next_timeout() is None


@rfc("9687 4.3", "MUST go to Idle, and count the failure, when the timer expires")
def test_state() -> None:
    peer = stuck(send_hold_time=120, idle_hold_time=8)
    chatter(peer, 120)
    assert peer.state is State.IDLE
    assert peer.waits(7).state is State.IDLE
    assert peer.waits(1).state is State.CONNECT


@rfc("9687 4.4", "MUST have a send hold time of 0, or of more than the hold time")
def test_limit() -> None:
    for seconds in (90, 1):
        with pytest.raises(LocalError, match="send_hold_time"):
            config(hold_time=90, send_hold_time=seconds)
    assert config(hold_time=90, send_hold_time=91).send_hold_time == 91


@rfc(
    "9687 6",
    "SHOULD run the timer by default, for eight minutes or for twice the hold time if that is longer",
)
@pytest.mark.parametrize(("hold_time", "seconds"), [(30, 480), (300, 600)])
def test_default(hold_time: int, seconds: int) -> None:
    peer = Neighbour.at(State.OPEN_SENT, hold_time=hold_time)
    peer.says(peer.greeting(hold_time=hold_time), Keepalive())
    peer.takes = False
    assert chatter(peer, seconds - 10) is State.ESTABLISHED
    assert chatter(peer, 10) is State.IDLE
