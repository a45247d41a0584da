"""OPEN: who the sender is and what it can do; the first message of each side (RFC 4271 4.2).

Capabilities stand in optional parameters, and how they are spread over these means nothing: all in one, one in each,
or any mix; with lengths of one octet, or of two if there are many (RFC 9072). So `Open.capabilities` is a flat tuple,
and the rest is a `ParameterLayout`, which an OPEN that was read has only if the sender did other than we would. Two
OPENs that say the same are equal, whatever their layout.
"""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address
from itertools import islice
from typing import Any

import attrs

from bgp.capabilities import Capability, decode_capability, encode_capability, four_octet_as
from bgp.errors import LocalError, OpenError
from bgp.iana import OpenSubcode, ParameterType
from bgp.values import FLAG, in_range, integer, ipv4_address, is_a, quoted, several, shown
from bgp.wire import Reader, WireError, uint8, uint16

VERSION = 4
"""The version of BGP."""

_SHORT, _EXTENDED = 0xFF, 0xFFFF
"""The most octets of optional parameters, by RFC 4271 and by RFC 9072."""


def router_id(value: str | IPv4Address) -> IPv4Address:
    """Read a BGP Identifier: four octets written as an IPv4 address, not 0 (RFC 6286)."""
    address = ipv4_address(value)
    if not int(address):
        raise LocalError("router ID 0.0.0.0, must not be zero")
    return address


def hold_time_in_range(_instance: object, _attribute: object, value: Any) -> None:
    """Validate a hold time (RFC 4271 4.2)."""
    if not isinstance(value, int) or not (value == 0 or 3 <= value <= 0xFFFF):
        raise LocalError(f"hold time {shown(value)} s, must be 0 or 3 to 65535")


def _groups(values: Iterable[int]) -> tuple[int, ...]:
    return tuple(integer("group", count, 0, _EXTENDED) for count in several("groups", values))


@attrs.frozen
class ParameterLayout:
    """How the capabilities of an OPEN are spread over its optional parameters.

    `ParameterLayout([1] * 3)` puts three of them into parameters of their own, as some old speakers need it.
    """

    groups: tuple[int, ...] = attrs.field(converter=_groups)
    """How many capabilities each parameter holds, in their order."""

    extended: bool = attrs.field(default=False, validator=FLAG)
    """Whether lengths have two octets although one would do (RFC 9072 2)."""

    ignored_length: int = attrs.field(default=_SHORT, validator=in_range(1, 0xFF))
    """The octet of the extended form where the short form has its length: 255; receivers ignore it, but for 0."""


def capability_list(values: Iterable[Capability]) -> tuple[Capability, ...]:
    """Read several capabilities."""
    return several("capabilities", values, Capability)


def _places_all(instance: "Open", _attribute: object, layout: ParameterLayout | None) -> None:
    count = len(instance.capabilities)
    if layout is not None and sum(layout.groups) != count:
        raise LocalError(f"layout of {sum(layout.groups)} capabilities, must be of all {count}")


@attrs.frozen(kw_only=True)
class Open:
    """OPEN: who the sender is and what it can do (RFC 4271 4.2)."""

    my_as: int = attrs.field(validator=in_range(1, 0xFFFF))
    """The sender's AS number, 1 to 65535; AS_TRANS if it needs four octets and stands in a capability."""

    hold_time: int = attrs.field(validator=hold_time_in_range)
    """Seconds: 0 or 3 to 65535."""

    router_id: IPv4Address = attrs.field(converter=router_id, repr=quoted)
    """The BGP Identifier of the sender."""

    capabilities: tuple[Capability, ...] = attrs.field(default=(), converter=capability_list)
    """What the sender offers."""

    layout: ParameterLayout | None = attrs.field(
        default=None, eq=False, validator=[is_a(ParameterLayout | None), _places_all]
    )
    """How the capabilities are written; None: the usual way, all in one parameter. Not compared."""

    @property
    def asn(self) -> int:
        """The sender's AS number, wherever it stands."""
        return four_octet_as(self.capabilities) or self.my_as


def encode_open(message: Open) -> bytes:
    """Write the body of an OPEN; raise `LocalError` if its layout has no room for its capabilities."""
    return (
        uint8(VERSION)
        + uint16(message.my_as)
        + uint16(message.hold_time)
        + message.router_id.packed
        + _encode_parameters(message.capabilities, message.layout)
    )


def _encode_parameters(capabilities: tuple[Capability, ...], layout: ParameterLayout | None) -> bytes:
    encoded = list(map(encode_capability, capabilities))
    layout = layout or _usual_layout(encoded)
    remaining = iter(encoded)
    blocks = [b"".join(islice(remaining, count)) for count in layout.groups]
    limit, uint = (_EXTENDED, uint16) if layout.extended else (_SHORT, uint8)
    total = sum(map(len, blocks)) + len(blocks) * _overhead(layout)
    if total > limit:
        raise LocalError(f"optional parameters of {total} octets, at most {limit} fit")
    parameters = b"".join(uint8(ParameterType.CAPABILITIES) + uint(len(block)) + block for block in blocks)
    if layout.extended:
        return (
            uint8(layout.ignored_length) + uint8(ParameterType.EXTENDED_LENGTH) + uint16(total) + parameters
        )
    return uint8(total) + parameters


def _overhead(layout: ParameterLayout) -> int:
    """How many octets a parameter takes beside its value: type and length."""
    return 3 if layout.extended else 2


def _usual_layout(encoded: list[bytes]) -> ParameterLayout:
    # RFC 9072 2: the extended form only for what does not fit into the short one.
    one = ParameterLayout((len(encoded),) if encoded else ())
    return attrs.evolve(one, extended=sum(map(len, encoded)) + _overhead(one) > _SHORT)


def decode_open(reader: Reader) -> Open:
    """Read the body of an OPEN; raise `OpenError` with the subcode that RFC 4271 6.2 has for what is wrong."""
    try:
        # In the order of RFC 4271 6.2.
        version = reader.uint8()
        if version != VERSION:
            raise OpenError(f"BGP version {version}", OpenSubcode.UNSUPPORTED_VERSION_NUMBER, uint16(VERSION))
        my_as, hold_time, identifier = reader.uint16(), reader.uint16(), IPv4Address(reader.take(4))
        _judge(my_as, hold_time, identifier)
        capabilities, layout = _decode_parameters(reader)
    except WireError as error:
        raise OpenError(f"OPEN: {error}", OpenSubcode.UNSPECIFIC) from error
    return Open(
        my_as=my_as, hold_time=hold_time, router_id=identifier, capabilities=capabilities, layout=layout
    )


def _judge(my_as: int, hold_time: int, identifier: IPv4Address) -> None:
    if my_as == 0:
        # RFC 7607: it stands for no AS.
        raise OpenError("AS number 0", OpenSubcode.BAD_PEER_AS)
    if hold_time in (1, 2):
        raise OpenError(f"hold time {hold_time} s, must not be 1 or 2", OpenSubcode.UNACCEPTABLE_HOLD_TIME)
    if not int(identifier):
        # RFC 6286 2.2.
        raise OpenError("router ID 0.0.0.0", OpenSubcode.BAD_BGP_IDENTIFIER)


def _decode_parameters(reader: Reader) -> tuple[tuple[Capability, ...], ParameterLayout | None]:
    length = reader.uint8()
    data = reader.rest()
    parameters = Reader(data)
    # RFC 9072 2: a parameter of this type in front, and the length before it means nothing, but for 0: no parameters.
    extended = bool(length) and data.startswith(uint8(ParameterType.EXTENDED_LENGTH))
    if extended:
        parameters.uint8()
    declared = parameters.uint16() if extended else length
    with parameters.limited_to(parameters.remaining), parameters.limited_to(declared):
        groups = list(_decode_groups(parameters, extended))
    capabilities = tuple(capability for group in groups for capability in group)
    layout = ParameterLayout(map(len, groups), extended, length if extended else _SHORT)
    usual = _usual_layout(list(map(encode_capability, capabilities)))
    return capabilities, None if layout == usual else layout


def _decode_groups(reader: Reader, extended: bool) -> Iterator[list[Capability]]:
    while reader.remaining:
        parameter_type = reader.uint8()
        if parameter_type != ParameterType.CAPABILITIES:
            reason = f"optional parameter {parameter_type} is not known"
            raise OpenError(reason, OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER)
        group = []
        with reader.limited_to(reader.uint16() if extended else reader.uint8()):
            while reader.remaining:
                group.append(decode_capability(reader))
        yield group
