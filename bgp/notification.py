"""NOTIFICATION: why a session ends (RFC 4271 4.5).

Its data field means what code and subcode say. Where that is of use to a person or to a session, there is a
constructor for what we send and a property for what arrives:

    shutdown, reset    text from one operator to the other (RFC 9003)         communication
    hard_reset         another NOTIFICATION, which ends the session for good  encapsulated
                       in spite of graceful restart (RFC 8538)
    maximum_prefixes   how many prefixes of which family we take (RFC 4486)   prefix_limit

Peers write what they like into these fields, so properties never raise, and `str()` is one line that is fit for a log.
"""

from typing import Final

import attrs

from bgp.errors import LocalError, PeerError
from bgp.framing import HEADER_LENGTH, MAX_MESSAGE
from bgp.iana import SUBCODES, CeaseSubcode, ErrorCode
from bgp.prefix import Family
from bgp.values import UINT8, check_kind, integer, octets, printable, utf8
from bgp.wire import Reader, WireError, uint8, uint16, uint32

_OVERHEAD: Final = HEADER_LENGTH + 2
"""What a NOTIFICATION has beside its data."""

MAX_COMMUNICATION: Final = 255
"""The most octets of UTF-8 in a shutdown communication (RFC 9003 2)."""


def _code(number: int) -> int:
    return ErrorCode.name_of(integer("code", number, 0, 0xFF))


@attrs.frozen
class Notification:
    """NOTIFICATION: why the session ends; the last message of a session (RFC 4271 4.5)."""

    code: int = attrs.field(converter=_code)
    """An `ErrorCode`, or a number that we do not know."""

    subcode: int = attrs.field(default=0, validator=UINT8)
    """Its meaning depends on the code, as which it has a name where we know it; 0 where there is none."""

    data: bytes = attrs.field(default=b"", validator=octets(0xFFFF - _OVERHEAD))
    """Details, as the code and subcode define them; more than 4075 octets need extended messages (RFC 8654)."""

    def __attrs_post_init__(self) -> None:
        subcodes = SUBCODES.get(self.code)
        subcode = subcodes.name_of(self.subcode) if subcodes else int(self.subcode)
        object.__setattr__(self, "subcode", subcode)

    @classmethod
    def from_error(cls, error: PeerError) -> "Notification":
        """Make the message that tells the peer about its fault.

        Data that no peer but one with extended messages could take is cut off: it repeats what the peer has sent.
        """
        return cls(error.code, error.subcode, error.data[: MAX_MESSAGE - _OVERHEAD])

    @classmethod
    def cease(cls, subcode: CeaseSubcode) -> "Notification":
        """Make the message that ends a session for a reason of our own (RFC 4486)."""
        return cls(ErrorCode.CEASE, subcode)

    @classmethod
    def shutdown(cls, text: str = "") -> "Notification":
        """Make an Administrative Shutdown: the session stays down, and `text` says why (RFC 9003 2).

        Raises `LocalError` if the text has more than 255 octets of UTF-8. Speakers that know only RFC 8203 take 128.
        """
        return cls(ErrorCode.CEASE, CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, _encode_text(text))

    @classmethod
    def reset(cls, text: str = "") -> "Notification":
        """Make an Administrative Reset: the session will come back, and `text` says why; limits as in `shutdown`."""
        return cls(ErrorCode.CEASE, CeaseSubcode.ADMINISTRATIVE_RESET, _encode_text(text))

    @classmethod
    def hard_reset(cls, reason: "Notification") -> "Notification":
        """Make a Hard Reset: the session ends for `reason`, and no route is to be kept (RFC 8538 3.1)."""
        check_kind("reason", reason, Notification)
        return cls(
            ErrorCode.CEASE,
            CeaseSubcode.HARD_RESET,
            uint8(reason.code) + uint8(reason.subcode) + reason.data,
        )

    @classmethod
    def maximum_prefixes(cls, family: Family, limit: int) -> "Notification":
        """Make the message that more than `limit` prefixes of a family have come, 0 to 4294967295 (RFC 4486 4)."""
        check_kind("family", family, Family)
        integer("limit", limit, 0, 0xFFFFFFFF)
        return cls(
            ErrorCode.CEASE,
            CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED,
            uint16(family.afi) + uint8(family.safi) + uint32(limit),
        )

    @property
    def communication(self) -> str | None:
        r"""What the peer's operator has to say (RFC 9003 2); None if nothing.

        That of a hard reset is the one of its reason. Octets that are not UTF-8 become `\x..`; a length that lies is
        believed as far as there is data.
        """
        return (self.encapsulated or self)._text()

    @property
    def encapsulated(self) -> "Notification | None":
        """The reason of a hard reset (RFC 8538 3.1); None if this is none, or one without a reason."""
        if not self._is_cease(CeaseSubcode.HARD_RESET):
            return None
        reader = Reader(self.data)
        try:
            return Notification(reader.uint8(), reader.uint8(), reader.rest())
        except WireError:
            return None

    @property
    def prefix_limit(self) -> tuple[Family, int] | None:
        """The family of which too many prefixes came, and how many are taken (RFC 4486 4); None if not told."""
        if not self._is_cease(CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED):
            return None
        reader = Reader(self.data)
        try:
            with reader.limited_to(len(self.data)):
                found = Family(reader.uint16(), reader.uint8()), reader.uint32()
        except WireError:
            return None
        return found

    def _is_cease(self, *subcodes: CeaseSubcode) -> bool:
        return self.code == ErrorCode.CEASE and self.subcode in subcodes

    def _text(self) -> str | None:
        if not self._is_cease(CeaseSubcode.ADMINISTRATIVE_SHUTDOWN, CeaseSubcode.ADMINISTRATIVE_RESET):
            return None
        reader = Reader(self.data)
        if not reader.remaining:
            return None
        length = reader.uint8()
        return reader.take(min(length, reader.remaining)).decode(errors="backslashreplace") or None

    def __str__(self) -> str:
        inner = self.encapsulated
        # A peer may put hard resets into each other, thousands deep; one level says enough.
        return f"{self._summary()} ({inner._summary()})" if inner else self._summary()

    def _summary(self) -> str:
        name, text, limit = _name(self.code, self.subcode), self._text(), self.prefix_limit
        if text is not None:
            return f'{name}: "{printable(text)}"'
        return f"{name}: {limit[1]} of {limit[0]}" if limit else name


def _encode_text(text: str) -> bytes:
    data = utf8("communication", text)
    if len(data) > MAX_COMMUNICATION:
        raise LocalError(f"communication of {len(data)} octets, at most {MAX_COMMUNICATION} fit")
    # RFC 9003 2: nothing to say is said with no octet at all, or with a length of 0.
    return uint8(len(data)) + data if data else b""


def _name(code: int, subcode: int) -> str:
    if not ErrorCode.has(code):
        return f"error {code}/{subcode}"
    text = _title(ErrorCode(code).name)
    subcodes = SUBCODES.get(code)
    if subcodes is not None and subcodes.has(subcode):
        return f"{text} / {_title(subcodes(subcode).name)}"
    return f"{text} / {subcode}" if subcode else text


def _title(name: str) -> str:
    return _TITLES.get(name) or " ".join(_WORDS.get(word) or word.capitalize() for word in name.split("_"))


_TITLES = {
    "PEER_DE_CONFIGURED": "Peer De-configured",
    "ROUTE_REFRESH_MESSAGE_ERROR": "ROUTE-REFRESH Message Error",
}
"""Names with a hyphen in the registry."""


_WORDS = {word.upper(): word for word in ("AS", "BFD", "BGP", "LSDB", "OPEN", "UPDATE", "of")}
"""Words that the registry does not write with one capital in front."""
