"""The messages as values, and their encoding (RFC 4271 4).

    OPEN          who I am and what I can do; the first message of each side
    UPDATE        these routes are gone, those are there
    KEEPALIVE     I am alive; also: I accept your OPEN
    NOTIFICATION  this is wrong (or: I want to stop), and the end of the session

Every message can be built only in a legal form, so that `encode` fails for one reason alone: it does not fit
into 4096 octets. `decode` takes one whole message and raises nothing but `PeerError`.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any

import attrs

from bgp.attributes import Fault, PathAttributes, Treatment, decode_attributes, encode_attributes
from bgp.capabilities import Capability, Negotiated, decode_capability, encode_capability, four_octet_as
from bgp.errors import HeaderError, LocalError, OpenError, PeerError, UpdateError
from bgp.framing import HEADER_LENGTH, MARKER, MAX_MESSAGE, judge_header
from bgp.iana import (
    SUBCODES,
    AttributeCode,
    CeaseSubcode,
    ErrorCode,
    HeaderSubcode,
    MessageType,
    OpenSubcode,
    ParameterType,
    UpdateSubcode,
)
from bgp.nlri import NLRI
from bgp.values import in_range, ipv4_address, octets, quoted
from bgp.wire import Reader, WireError, uint8, uint16

VERSION = 4
"""The version of BGP."""


def router_id(value: str | IPv4Address) -> IPv4Address:
    """Read a BGP Identifier: four octets written as an IPv4 address, not 0 (RFC 6286)."""
    address = ipv4_address(value)
    if not int(address):
        raise LocalError("router ID 0.0.0.0, must not be zero")
    return address


def hold_time_in_range(_instance: object, _attribute: object, value: Any) -> None:
    """Validate a hold time (RFC 4271 4.2)."""
    if not isinstance(value, int) or not (value == 0 or 3 <= value <= 0xFFFF):
        raise LocalError(f"hold time {value} s, must be 0 or 3 to 65535")


def _capabilities(values: Iterable[Capability]) -> tuple[Capability, ...]:
    return tuple(values)


def _faults(values: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(values)


@attrs.frozen(kw_only=True)
class Open:
    """OPEN: who the sender is and what it can do (RFC 4271 4.2)."""

    my_as: int = attrs.field(validator=in_range(1, 0xFFFF))
    """The sender's AS number, 1 to 65535; AS_TRANS if it needs four octets and stands in a capability."""

    hold_time: int = attrs.field(validator=hold_time_in_range)
    """Seconds: 0 or 3 to 65535."""

    router_id: IPv4Address = attrs.field(converter=router_id, repr=quoted)
    """The BGP Identifier of the sender."""

    capabilities: tuple[Capability, ...] = attrs.field(default=(), converter=_capabilities)
    """What the sender offers."""

    @property
    def asn(self) -> int:
        """The sender's AS number, wherever it stands."""
        return four_octet_as(self.capabilities) or self.my_as


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


Message = Open | Update | Keepalive | Notification
"""Any message."""


def _title(name: str) -> str:
    words = [word if word in _ACRONYMS else word.capitalize() for word in name.split("_")]
    return " ".join(words)


_ACRONYMS = {"AS", "BFD", "BGP", "OPEN", "UPDATE"}


def encode(message: Message, negotiated: Negotiated) -> bytes:
    """Turn a message into octets, header included; raise `LocalError` if they are more than 4096."""
    match message:
        case Open():
            message_type, body = MessageType.OPEN, _encode_open(message)
        case Update():
            message_type, body = MessageType.UPDATE, _encode_update(message, negotiated)
        case Keepalive():
            message_type, body = MessageType.KEEPALIVE, b""
        case Notification():
            message_type = MessageType.NOTIFICATION
            body = uint8(message.code) + uint8(message.subcode) + message.data
    length = HEADER_LENGTH + len(body)
    if length > MAX_MESSAGE:
        raise LocalError(f"{message_type.name} of {length} octets, at most {MAX_MESSAGE} fit")
    return MARKER + uint16(length) + uint8(message_type) + body


def decode(data: bytes, negotiated: Negotiated) -> Message:
    """Read one whole message; raise `HeaderError`, `OpenError` or `UpdateError`, as the fault is."""
    message_type, length = judge_header(data)
    if length != len(data):
        reason = f"message of {len(data)} octets says {length}"
        raise HeaderError(reason, HeaderSubcode.BAD_MESSAGE_LENGTH, uint16(length))
    body = Reader(data[HEADER_LENGTH:])
    match message_type:
        case MessageType.OPEN:
            return _decode_open(body)
        case MessageType.UPDATE:
            return _decode_update(body, negotiated)
        case MessageType.KEEPALIVE:
            return Keepalive()
        case MessageType.NOTIFICATION:
            return Notification(body.uint8(), body.uint8(), body.rest())


def _encode_open(message: Open) -> bytes:
    capabilities = b"".join(map(encode_capability, message.capabilities))
    if len(capabilities) > 0xFF - 2:
        raise LocalError(f"capabilities of {len(capabilities)} octets, at most {0xFF - 2} fit into an OPEN")
    parameter = b""
    if capabilities:
        parameter = uint8(ParameterType.CAPABILITIES) + uint8(len(capabilities)) + capabilities
    return (
        uint8(VERSION)
        + uint16(message.my_as)
        + uint16(message.hold_time)
        + message.router_id.packed
        + uint8(len(parameter))
        + parameter
    )


def _decode_open(reader: Reader) -> Open:
    # RFC 4271 6.2, in its order.
    version = reader.uint8()
    if version != VERSION:
        raise OpenError(f"BGP version {version}", OpenSubcode.UNSUPPORTED_VERSION_NUMBER, uint16(VERSION))
    my_as, hold_time, identifier = reader.uint16(), reader.uint16(), IPv4Address(reader.take(4))
    if my_as == 0:
        raise OpenError("AS number 0", OpenSubcode.BAD_PEER_AS)
    if hold_time in (1, 2):
        raise OpenError(f"hold time {hold_time} s, must not be 1 or 2", OpenSubcode.UNACCEPTABLE_HOLD_TIME)
    if not int(identifier):
        raise OpenError("router ID 0.0.0.0", OpenSubcode.BAD_BGP_IDENTIFIER)
    try:
        with reader.limited_to(reader.remaining):
            capabilities = _decode_parameters(reader)
    except WireError as error:
        raise OpenError(f"optional parameters: {error}", OpenSubcode.UNSPECIFIC) from error
    return Open(my_as=my_as, hold_time=hold_time, router_id=identifier, capabilities=capabilities)


def _decode_parameters(reader: Reader) -> Iterable[Capability]:
    found: list[Capability] = []
    with reader.limited_to(reader.uint8()):
        while reader.remaining:
            parameter_type = reader.uint8()
            if parameter_type != ParameterType.CAPABILITIES:
                reason = f"optional parameter {parameter_type} is not known"
                raise OpenError(reason, OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER)
            with reader.limited_to(reader.uint8()):
                while reader.remaining:
                    found.append(decode_capability(reader))
    return found


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
