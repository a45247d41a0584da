"""The state machine of a BFD session, as a table (RFC 5880 6.2, 6.8.4, 6.8.6, 6.8.16).

The way up is a handshake of three packets: DOWN is answered by INIT, INIT by UP. Each side reports its own state and
moves by what the other reports, so the table is about pairs: our state, and the peer's or what happened here.
"""

import enum
from typing import Final

from bgp.bfd.packet import BFDState, Diagnostic


class Reason(enum.Enum):
    """Why a session has changed its state, for a person."""

    HANDSHAKE = "the peer has answered"
    DETECTION_TIME_EXPIRED = "nothing was heard from the peer for the detection time"
    NEIGHBOR_DOWN = "the peer says that its session is down"
    NEIGHBOR_DISABLED = "the peer has disabled its session"
    DISABLED = "the session was disabled here"
    ENABLED = "the session was enabled here"
    MONITOR_FAILED = "what runs the session has failed"

    def __repr__(self) -> str:
        return f"Reason.{self.name}"


class Local(enum.Enum):
    """What moves a session beside the states that the peer reports."""

    SILENCE = "the detection time has expired"
    DISABLE = "disable the session"
    ENABLE = "enable it again"

    def __repr__(self) -> str:
        return f"Local.{self.name}"


Transition = tuple[BFDState, Diagnostic | None, Reason]
"""The next state, what to tell the peer about it (None: what we told before), and why."""

_ADMIN_DOWN, _DOWN, _INIT, _UP = BFDState
_ANSWERED: Final[Transition] = (_UP, Diagnostic.NONE, Reason.HANDSHAKE)
_SIGNALED: Final = Diagnostic.NEIGHBOR_SIGNALED_SESSION_DOWN
_DISABLED: Final[Transition] = (_DOWN, _SIGNALED, Reason.NEIGHBOR_DISABLED)
_SILENT: Final[Transition] = (
    _DOWN,
    Diagnostic.CONTROL_DETECTION_TIME_EXPIRED,
    Reason.DETECTION_TIME_EXPIRED,
)
_STOPPED: Final[Transition] = (_ADMIN_DOWN, Diagnostic.ADMINISTRATIVELY_DOWN, Reason.DISABLED)

TRANSITIONS: Final[dict[tuple[BFDState, BFDState | Local], Transition]] = {
    (_DOWN, _DOWN): (_INIT, None, Reason.HANDSHAKE),
    (_DOWN, _INIT): _ANSWERED,
    (_INIT, _ADMIN_DOWN): _DISABLED,
    (_INIT, _INIT): _ANSWERED,
    (_INIT, _UP): _ANSWERED,
    (_UP, _ADMIN_DOWN): _DISABLED,
    (_UP, _DOWN): (_DOWN, _SIGNALED, Reason.NEIGHBOR_DOWN),
    (_INIT, Local.SILENCE): _SILENT,
    (_UP, Local.SILENCE): _SILENT,
    (_DOWN, Local.DISABLE): _STOPPED,
    (_INIT, Local.DISABLE): _STOPPED,
    (_UP, Local.DISABLE): _STOPPED,
    (_ADMIN_DOWN, Local.ENABLE): (_DOWN, Diagnostic.NONE, Reason.ENABLED),
}
"""By our state and what happens: a state that a packet reports, or one of `Local`. What is not here changes nothing."""
