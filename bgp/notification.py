"""NOTIFICATION: why a session ends (RFC 4271 4.5)."""

import attrs

from bgp.errors import PeerError
from bgp.framing import HEADER_LENGTH, MAX_MESSAGE
from bgp.iana import SUBCODES, CeaseSubcode, ErrorCode
from bgp.values import in_range, octets


@attrs.frozen
class Notification:
    """NOTIFICATION: why the session ends; the last message of a session (RFC 4271 4.5)."""

    code: int = attrs.field(validator=in_range(0, 255))
    """An `ErrorCode`, or a number that we do not know."""

    subcode: int = attrs.field(default=0, validator=in_range(0, 255))
    """Its meaning depends on the code; 0 where there is none."""

    data: bytes = attrs.field(default=b"", validator=octets(MAX_MESSAGE - HEADER_LENGTH - 2))
    """Details, as the code and subcode define them."""

    @classmethod
    def from_error(cls, error: PeerError) -> "Notification":
        """The message that tells the peer about its fault."""
        return cls(error.code, error.subcode, error.data)

    @classmethod
    def cease(cls, subcode: CeaseSubcode) -> "Notification":
        """The message that ends a session for a reason of our own (RFC 4486)."""
        return cls(ErrorCode.CEASE, subcode)

    def __str__(self) -> str:
        if not ErrorCode.has(self.code):
            return f"error {self.code}/{self.subcode}"
        text = _title(ErrorCode(self.code).name)
        subcodes = SUBCODES.get(self.code)
        if subcodes is not None and subcodes.has(self.subcode):
            return f"{text} / {_title(subcodes(self.subcode).name)}"
        return f"{text} / {self.subcode}" if self.subcode else text


def _title(name: str) -> str:
    words = [word if word in _ACRONYMS else word.capitalize() for word in name.split("_")]
    return " ".join(words)


_ACRONYMS = {"AS", "BFD", "BGP", "OPEN", "UPDATE"}
