"""The state machine of BFD: RFC 5880 6.2, 6.8.4, 6.8.6, 6.8.16."""

import itertools

import pytest

from bgp.bfd.fsm import TRANSITIONS, Local, Reason
from bgp.bfd.packet import BFDState, Diagnostic

ADMIN_DOWN, DOWN, INIT, UP = BFDState

NEXT = {
    #            AdminDown  Down  Init  Up    what the peer reports
    DOWN: (DOWN, INIT, UP, DOWN),
    INIT: (DOWN, INIT, UP, UP),
    UP: (DOWN, DOWN, UP, UP),
    ADMIN_DOWN: (ADMIN_DOWN,) * 4,
}
"""The end of RFC 5880 6.8.6, written as the RFC draws it in 6.2."""

HERE = {
    #            silence, disable, enable
    DOWN: (DOWN, ADMIN_DOWN, DOWN),
    INIT: (DOWN, ADMIN_DOWN, INIT),
    UP: (DOWN, ADMIN_DOWN, UP),
    ADMIN_DOWN: (ADMIN_DOWN, ADMIN_DOWN, DOWN),
}


@pytest.mark.parametrize(("state", "event"), [*itertools.product(BFDState, [*BFDState, *Local])], ids=str)
def test_every_pair(state: BFDState, event: BFDState | Local) -> None:
    expected = HERE[state][list(Local).index(event)] if isinstance(event, Local) else NEXT[state][event]
    transition = TRANSITIONS.get((state, event))
    assert (transition[0] if transition else state) is expected
    # What is in the table changes something.
    assert transition is None or transition[0] is not state


@pytest.mark.parametrize(
    ("state", "event", "diagnostic", "reason"),
    [
        (UP, DOWN, Diagnostic.NEIGHBOR_SIGNALED_SESSION_DOWN, Reason.NEIGHBOR_DOWN),
        (UP, ADMIN_DOWN, Diagnostic.NEIGHBOR_SIGNALED_SESSION_DOWN, Reason.NEIGHBOR_DISABLED),
        (INIT, ADMIN_DOWN, Diagnostic.NEIGHBOR_SIGNALED_SESSION_DOWN, Reason.NEIGHBOR_DISABLED),
        (UP, Local.SILENCE, Diagnostic.CONTROL_DETECTION_TIME_EXPIRED, Reason.DETECTION_TIME_EXPIRED),
        (INIT, Local.SILENCE, Diagnostic.CONTROL_DETECTION_TIME_EXPIRED, Reason.DETECTION_TIME_EXPIRED),
        (UP, Local.DISABLE, Diagnostic.ADMINISTRATIVELY_DOWN, Reason.DISABLED),
        (INIT, UP, Diagnostic.NONE, Reason.HANDSHAKE),
    ],
)
def test_what_the_peer_is_told(
    state: BFDState, event: BFDState | Local, diagnostic: Diagnostic, reason: Reason
) -> None:
    assert TRANSITIONS[state, event][1:] == (diagnostic, reason)


def test_on_the_way_up_the_peer_still_learns_why_the_session_was_down() -> None:
    assert TRANSITIONS[DOWN, DOWN][1] is None


def test_names() -> None:
    assert repr([Reason.HANDSHAKE, Local.SILENCE]) == "[Reason.HANDSHAKE, Local.SILENCE]"
