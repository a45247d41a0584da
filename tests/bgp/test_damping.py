"""The pause after failures: IdleHoldTime and DampPeerOscillations of RFC 4271 8.1.1."""

import pytest

from bgp.damping import MAX_IDLE_HOLD_TIME, STABLE_TIME, Damping


def test_the_pause_doubles_up_to_a_limit() -> None:
    damping = Damping(1.0)
    pauses = [damping.failed(0.0) for _ in range(10_000)]
    assert pauses[:9] == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    assert pauses[-1] == MAX_IDLE_HOLD_TIME


@pytest.mark.parametrize(("lasted", "pause"), [(STABLE_TIME - 1, 4.0), (STABLE_TIME, 1.0)])
def test_a_session_that_lasted_makes_failures_forgotten(lasted: float, pause: float) -> None:
    damping = Damping(1.0)
    damping.failed(0.0)
    damping.failed(0.0)
    damping.established(10.0)
    assert damping.failed(10.0 + lasted) == pause
    # It lasted once only.
    assert damping.failed(1000.0) == 2 * pause


def test_forget() -> None:
    damping = Damping(0.5)
    damping.failed(0.0)
    damping.forget()
    assert damping.failed(0.0) == 0.5
