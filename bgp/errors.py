"""What can go wrong, and who is to blame.

    BGPError
    ├── LocalError            the caller asked for something that cannot be
    ├── MRTError              a dump holds what is no MRT record, RFC 6396
    ├── BMPError              a router sent what is no BMP message, RFC 7854
    └── PeerError             the peer broke the protocol; ends the session with a NOTIFICATION
        ├── HeaderError           code 1, RFC 4271 6.1
        ├── OpenError             code 2, RFC 4271 6.2
        ├── UpdateError           code 3, RFC 4271 6.3 as revised by RFC 7606
        ├── HoldTimerExpired      code 4, RFC 4271 6.5
        ├── FSMError              code 5, RFC 4271 6.6
        ├── RouteRefreshError     code 7, RFC 7313 5
        └── SendHoldTimerExpired  code 8, RFC 9687

A `PeerError` is raised where the fault is seen, with the data field that its NOTIFICATION has to carry: later
nobody could say any more which octets were wrong.
"""

from typing import ClassVar

from bgp.iana import SUBCODES, ErrorCode


class BGPError(Exception):
    """Anything that this library raises on purpose."""


class LocalError(BGPError, ValueError):
    """The caller's fault: a value out of range, text that cannot be read, a message that is too long."""


class MRTError(BGPError):
    """A record of a dump that cannot be read (RFC 6396); the message says where it begins."""

    def __init__(self, reason: str, offset: int = 0) -> None:
        super().__init__(f"MRT record at octet {offset}: {reason}")
        self.reason = reason
        self.offset = offset
        """Octets in the stream before the record."""


class BMPError(BGPError):
    """Octets of a monitored router that are no BMP message; what follows them cannot be read either (RFC 7854)."""


class PeerError(BGPError):
    """The peer's fault, and what the NOTIFICATION about it says.

    `code`, `subcode` and `data` are the fields of that NOTIFICATION; `str()` explains to a person. What is raised is
    always one of the classes below, since the code is theirs: this class, to catch them all by, has none.
    """

    code: ClassVar[ErrorCode]
    """The error code, by class."""

    def __init__(self, reason: str, subcode: int = 0, data: bytes = b"") -> None:
        super().__init__(reason)
        self.subcode = subcode
        self.data = data

    def __repr__(self) -> str:
        code = getattr(self, "code", None)
        subcodes = None if code is None else SUBCODES.get(code)
        subcode = subcodes.name_of(self.subcode) if subcodes else self.subcode
        return f"{type(self).__name__}({str(self)!r}, code={code!r}, subcode={subcode!r}, data={self.data!r})"


class HeaderError(PeerError):
    """The stream is broken: marker, length or type of a message (RFC 4271 6.1)."""

    code = ErrorCode.MESSAGE_HEADER_ERROR


class OpenError(PeerError):
    """An OPEN that cannot be read or that we cannot agree to (RFC 4271 6.2)."""

    code = ErrorCode.OPEN_MESSAGE_ERROR


class UpdateError(PeerError):
    """An UPDATE so broken that the session has to be reset (RFC 7606 2)."""

    code = ErrorCode.UPDATE_MESSAGE_ERROR


class HoldTimerExpired(PeerError):  # noqa: N818  the name that RFC 4271 gives it
    """Nothing was heard from the peer for the hold time (RFC 4271 6.5)."""

    code = ErrorCode.HOLD_TIMER_EXPIRED


class FSMError(PeerError):
    """A message in a state in which it must not come (RFC 4271 6.6, RFC 6608)."""

    code = ErrorCode.FINITE_STATE_MACHINE_ERROR


class RouteRefreshError(PeerError):
    """A ROUTE-REFRESH of a wrong length (RFC 7313 5)."""

    code = ErrorCode.ROUTE_REFRESH_MESSAGE_ERROR


class SendHoldTimerExpired(PeerError):  # noqa: N818  the name that RFC 9687 gives it
    """The peer has taken nothing of what we sent for the send hold time (RFC 9687)."""

    code = ErrorCode.SEND_HOLD_TIMER_EXPIRED
