"""The messages as values, and their encoding (RFC 4271 4).

    OPEN          who I am and what I can do; the first message of each side
    UPDATE        these routes are gone, those are there
    KEEPALIVE     I am alive; also: I accept your OPEN
    NOTIFICATION  this is wrong (or: I want to stop), and the end of the session
    ROUTE-REFRESH send me your routes again; also: here they begin, here they end

Every message can be built only in a legal form, so that `encode` fails for one reason alone: it does not fit
into 4096 octets. `decode` takes one whole message and raises nothing but `PeerError`.
"""

from collections.abc import Iterable

import attrs

from bgp.attributes import Fault, PathAttributes, Treatment, decode_attributes, encode_attributes
from bgp.errors import HeaderError, LocalError, RouteRefreshError, UpdateError
from bgp.framing import HEADER_LENGTH, MARKER, MAX_MESSAGE, judge_header
from bgp.iana import (
    AttributeCode,
    HeaderSubcode,
    MessageType,
    RefreshSubtype,
    RouteRefreshSubcode,
    UpdateSubcode,
)
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI
from bgp.notification import Notification
from bgp.open import Open, decode_open, encode_open
from bgp.prefix import Family
from bgp.values import UINT8
from bgp.wire import Reader, WireError, uint8, uint16


def _faults(values: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class Update:
    """UPDATE: routes that are gone, and routes that are there and share their attributes (RFC 4271 4.3)."""

    withdrawn: NLRI = attrs.field(default=NLRI(), converter=NLRI)
    """Prefixes without a route from now on; a list of strings is accepted."""

    announced: NLRI = attrs.field(default=NLRI(), converter=NLRI)
    """Prefixes with a route from now on; a list of strings is accepted."""

    attributes: PathAttributes = attrs.field(default=PathAttributes())
    """The attributes of the announced routes."""

    faults: tuple[Fault, ...] = attrs.field(default=(), converter=_faults)
    """What was wrong with a received UPDATE, and survived (RFC 7606)."""

    @property
    def treatment(self) -> Treatment:
        """What the faults cost: the strongest of their treatments."""
        return max((fault.treatment for fault in self.faults), default=Treatment.NONE)

    @property
    def is_end_of_rib(self) -> bool:
        """Whether this UPDATE says no more than that the initial routes have all been sent (RFC 4724 2)."""
        return not (self.withdrawn or self.announced or self.faults) and self.attributes == PathAttributes()


@attrs.frozen
class Keepalive:
    """KEEPALIVE: a header alone (RFC 4271 4.4)."""


def _subtype(number: int) -> int:
    return RefreshSubtype.name_of(number)


@attrs.frozen
class RouteRefresh:
    """ROUTE-REFRESH: send the routes of a family again (RFC 2918), or where that begins and ends (RFC 7313)."""

    family: Family
    """Which routes."""

    subtype: int = attrs.field(default=RefreshSubtype.REQUEST, converter=_subtype, validator=UINT8)
    """A `RefreshSubtype`; others are to be ignored (RFC 7313 5)."""

    data: bytes = b""
    """What follows: Outbound Route Filters (RFC 5291), which this library does not read."""


Message = Open | Update | Keepalive | Notification | RouteRefresh
"""Any message."""


def encode(message: Message, negotiated: Negotiated) -> bytes:
    """Turn a message into octets, header included; raise `LocalError` if they are more than 4096."""
    match message:
        case Open():
            message_type, body = MessageType.OPEN, encode_open(message)
        case Update():
            message_type, body = MessageType.UPDATE, _encode_update(message, negotiated)
        case Keepalive():
            message_type, body = MessageType.KEEPALIVE, b""
        case Notification():
            message_type = MessageType.NOTIFICATION
            body = uint8(message.code) + uint8(message.subcode) + message.data
        case RouteRefresh():
            message_type, body = MessageType.ROUTE_REFRESH, _encode_refresh(message)
    length = HEADER_LENGTH + len(body)
    if length > MAX_MESSAGE:
        raise LocalError(f"{message_type.name} of {length} octets, at most {MAX_MESSAGE} fit")
    return MARKER + uint16(length) + uint8(message_type) + body


def decode(data: bytes, negotiated: Negotiated) -> Message:
    """Read one whole message; raise the `PeerError` that fits the fault."""
    message_type, length = judge_header(data)
    if length != len(data):
        reason = f"message of {len(data)} octets says {length}"
        raise HeaderError(reason, HeaderSubcode.BAD_MESSAGE_LENGTH, uint16(length))
    body = Reader(data[HEADER_LENGTH:])
    match message_type:
        case MessageType.OPEN:
            return decode_open(body)
        case MessageType.UPDATE:
            return _decode_update(body, negotiated)
        case MessageType.KEEPALIVE:
            return Keepalive()
        case MessageType.NOTIFICATION:
            return Notification(body.uint8(), body.uint8(), body.rest())
        case MessageType.ROUTE_REFRESH:
            return _decode_refresh(data)


def _encode_update(message: Update, negotiated: Negotiated) -> bytes:
    withdrawn = message.withdrawn.encode()
    attributes = encode_attributes(message.attributes, negotiated)
    if max(len(withdrawn), len(attributes)) > MAX_MESSAGE:
        raise LocalError(f"UPDATE of more than {MAX_MESSAGE} octets")
    announced = message.announced.encode()
    return uint16(len(withdrawn)) + withdrawn + uint16(len(attributes)) + attributes + announced


def _decode_update(reader: Reader, negotiated: Negotiated) -> Update:
    try:
        withdrawn = reader.take(reader.uint16())
        block = reader.take(reader.uint16())
    except WireError as error:
        # RFC 7606 3 (b): without these lengths nothing can be found.
        raise UpdateError(str(error), UpdateSubcode.MALFORMED_ATTRIBUTE_LIST) from error
    announced = NLRI.decode(reader.rest())
    attributes, faults = decode_attributes(block, negotiated)
    return Update(
        withdrawn=NLRI.decode(withdrawn),
        announced=announced,
        attributes=attributes,
        faults=(*faults, *_missing(attributes, faults)) if announced else faults,
    )


def _missing(attributes: PathAttributes, faults: Iterable[Fault]) -> list[Fault]:
    """Faults for the attributes that a route cannot be without (RFC 4271 5, RFC 7606 3 (d))."""
    reported = {fault.code for fault in faults}
    mandatory = {
        AttributeCode.ORIGIN: attributes.origin,
        AttributeCode.AS_PATH: attributes.as_path,
        AttributeCode.NEXT_HOP: attributes.next_hop,
    }
    return [
        Fault(code, Treatment.TREAT_AS_WITHDRAW, f"{code.name} is missing")
        for code, value in mandatory.items()
        if value is None and code not in reported
    ]


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
