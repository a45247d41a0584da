"""The messages as values, and their encoding (RFC 4271 4).

    OPEN          who I am and what I can do; the first message of each side
    UPDATE        these routes are gone, those are there
    KEEPALIVE     I am alive; also: I accept your OPEN
    NOTIFICATION  this is wrong (or: I want to stop), and the end of the session
    ROUTE-REFRESH send me your routes again; also: here they begin, here they end

Every message can be built only in a legal form, so that `encode` fails for two reasons alone: the message is too long
for the session, or its prefixes lack the path identifiers that were negotiated. `decode` takes one whole message and
raises nothing but `PeerError`.

Sessions consist of UPDATEs, so decoding them avoids what is not needed: prefixes are cut but not looked at (nlri.py),
attributes are judged but not read (judgement.py).
"""

from struct import Struct
from typing import Final

import attrs

from bgp.errors import HeaderError, LocalError, RouteRefreshError
from bgp.framing import HEADER_LENGTH, MARKER, MAX_EXTENDED, MAX_MESSAGE, judge_header
from bgp.iana import HeaderSubcode, MessageType, RefreshSubtype, RouteRefreshSubcode
from bgp.negotiated import Negotiated
from bgp.notification import Notification
from bgp.open import Open, decode_open, encode_open
from bgp.prefix import FAMILY, Family
from bgp.update import Update, decode_update, encode_update
from bgp.values import as_octets, integer, octets, shown
from bgp.wire import Reader, WireError, uint8, uint16


@attrs.frozen
class Keepalive:
    """KEEPALIVE: a header alone (RFC 4271 4.4)."""


def _subtype(number: int) -> int:
    return RefreshSubtype.name_of(integer("subtype", number, 0, 0xFF))


@attrs.frozen
class RouteRefresh:
    """ROUTE-REFRESH: send the routes of a family again (RFC 2918), or where that begins and ends (RFC 7313)."""

    family: Family = attrs.field(validator=FAMILY)
    """Which routes."""

    subtype: int = attrs.field(default=RefreshSubtype.REQUEST, converter=_subtype)
    """A `RefreshSubtype`; others are to be ignored (RFC 7313 5)."""

    data: bytes = attrs.field(default=b"", validator=octets(MAX_EXTENDED - HEADER_LENGTH - 4))
    """What follows: Outbound Route Filters (RFC 5291), which this library does not read."""


Message = Open | Update | Keepalive | Notification | RouteRefresh
"""Any message."""


def encode(message: Message, negotiated: Negotiated) -> bytes:
    """Turn a message into octets, header included.

    Raises `LocalError` if they are more than 4096, or 65535 where extended messages were negotiated, and for NLRI
    with path identifiers in a session without them or the other way round.
    """
    limit = MAX_EXTENDED if negotiated.extended_message else MAX_MESSAGE
    match message:
        case Update():
            message_type, body = MessageType.UPDATE, encode_update(message, negotiated)
        case Open():
            # RFC 8654 4: an OPEN and a KEEPALIVE are never longer.
            message_type, body, limit = MessageType.OPEN, encode_open(message), MAX_MESSAGE
        case Keepalive():
            message_type, body = MessageType.KEEPALIVE, b""
        case Notification():
            message_type = MessageType.NOTIFICATION
            body = uint8(message.code) + uint8(message.subcode) + message.data
        case RouteRefresh():
            message_type, body = MessageType.ROUTE_REFRESH, _encode_refresh(message)
        case _:
            raise LocalError(f"{shown(message)} is no message, such as an Update or a Keepalive()")
    length = HEADER_LENGTH + len(body)
    if length > limit:
        raise LocalError(f"{message_type.name} of {length} octets, at most {limit} fit")
    return b"".join((MARKER, uint16(length), uint8(message_type), body))


def decode(data: bytes | bytearray | memoryview, negotiated: Negotiated) -> Message:
    """Read one whole message; raise the `PeerError` that fits the fault, and `LocalError` for what are no octets."""
    if type(data) is not bytes:
        data = as_octets(data)
    size = len(data)
    if 23 <= size <= MAX_MESSAGE and data[:16] == MARKER and _LENGTH_AND_TYPE(data, 16) == (size, 2):
        # What sessions consist of, and `judge_header` would find nothing wrong with.
        return decode_update(data, negotiated)
    limit = MAX_EXTENDED if negotiated.extended_message_receive else MAX_MESSAGE
    message_type, length = judge_header(data, 0, limit)
    if length != size:
        reason = f"message of {size} octets says {length}"
        raise HeaderError(reason, HeaderSubcode.BAD_MESSAGE_LENGTH, uint16(length))
    body = Reader(data[HEADER_LENGTH:])
    match message_type:
        case MessageType.UPDATE:
            return decode_update(data, negotiated)
        case MessageType.OPEN:
            return decode_open(body)
        case MessageType.KEEPALIVE:
            return Keepalive()
        case MessageType.NOTIFICATION:
            return Notification(body.uint8(), body.uint8(), body.rest())
        case _:
            return _decode_refresh(data)


_LENGTH_AND_TYPE: Final = Struct("!HB").unpack_from


def _encode_refresh(message: RouteRefresh) -> bytes:
    family = message.family
    return uint16(family.afi) + uint8(message.subtype) + uint8(family.safi) + message.data


def _decode_refresh(message: bytes) -> RouteRefresh:
    reader = Reader(message[HEADER_LENGTH:])
    try:
        afi, subtype, safi = reader.uint16(), reader.uint8(), reader.uint8()
        if subtype in (RefreshSubtype.BEGIN, RefreshSubtype.END):
            with reader.limited_to(reader.remaining):
                return RouteRefresh(Family(afi, safi), subtype)
    except WireError as error:
        # RFC 7313 5: the data is the whole message.
        reason = f"ROUTE-REFRESH: {error}"
        raise RouteRefreshError(reason, RouteRefreshSubcode.INVALID_MESSAGE_LENGTH, message) from error
    return RouteRefresh(Family(afi, safi), subtype, reader.rest())
