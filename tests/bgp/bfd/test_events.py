"""What comes out of a BFD session."""

import pytest

from bgp.bfd.events import BFDStateChanged, BFDStatistics, PacketDiscarded, SendPacket, SocketFailed
from bgp.bfd.fsm import Reason
from bgp.bfd.packet import BFDState, Diagnostic, Discard
from tests.bgp.pasting import pasted

ADMIN_DOWN, DOWN, INIT, UP = BFDState


@pytest.mark.parametrize(
    ("old", "new", "reason", "is_failure"),
    [
        (UP, DOWN, Reason.DETECTION_TIME_EXPIRED, True),
        (UP, DOWN, Reason.NEIGHBOR_DOWN, True),
        (UP, DOWN, Reason.MONITOR_FAILED, True),
        (UP, DOWN, Reason.NEIGHBOR_DISABLED, False),
        (UP, ADMIN_DOWN, Reason.DISABLED, False),
        (INIT, DOWN, Reason.DETECTION_TIME_EXPIRED, False),
        (INIT, UP, Reason.HANDSHAKE, False),
    ],
)
def test_what_is_a_failure_of_the_path(
    old: BFDState, new: BFDState, reason: Reason, is_failure: bool
) -> None:
    assert BFDStateChanged(old=old, new=new, reason=reason).is_failure is is_failure


def test_values_can_be_pasted() -> None:
    change = BFDStateChanged(
        old=UP, new=DOWN, reason=Reason.NEIGHBOR_DOWN, diagnostic=3, remote_diagnostic=31
    )
    assert change.diagnostic is Diagnostic.NEIGHBOR_SIGNALED_SESSION_DOWN
    for value in (change, PacketDiscarded(Discard.TTL), SocketFailed("why"), BFDStatistics(uptime=1.0)):
        assert pasted(value) == value


def test_octets_are_not_shown() -> None:
    assert repr(SendPacket(bytes(24))) == "SendPacket(data=<24 octets>)"
