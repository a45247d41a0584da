"""Messages as the RFCs draw them: octets, legal or not, and what the library makes of them.

Octets are written in hexadecimal; spaces may stand anywhere.
"""

from typing import Final

import pytest

from bgp import Negotiated, Notification, PeerError, PeerType, Update, decode
from bgp.iana import AttributeCode, MessageType

Octets = bytes | str
"""Octets, or their hexadecimal text."""

EXTERNAL: Final = Negotiated(four_octet_as=True)
"""A session with another AS."""

INTERNAL: Final = Negotiated(four_octet_as=True, peer_type=PeerType.INTERNAL)
"""A session within the AS."""

OLD: Final = Negotiated(four_octet_as=False)
"""A session with a speaker that knows AS numbers of two octets only."""


def octets(text: Octets) -> bytes:
    """Read hexadecimal text; octets stay what they are."""
    return text if isinstance(text, bytes) else bytes.fromhex(text)


def message(
    kind: int, body: Octets = b"", *, length: int | None = None, marker: bytes = b"\xff" * 16
) -> bytes:
    """A message with a header; its length is told truly unless given."""
    data = octets(body)
    size = 19 + len(data) if length is None else length
    return marker + size.to_bytes(2, "big") + bytes([kind]) + data


def open_message(
    *,
    version: int = 4,
    my_as: int = 64513,
    hold_time: int = 90,
    router_id: Octets = "c0000202",
    parameters: Octets = b"",
    length: int | None = None,
) -> bytes:
    """An OPEN; `length` is that of the parameters, told truly unless given."""
    data = octets(parameters)
    fields = bytes([version]) + my_as.to_bytes(2, "big") + hold_time.to_bytes(2, "big") + octets(router_id)
    return message(MessageType.OPEN, fields + bytes([len(data) if length is None else length]) + data)


def capabilities(*values: Octets) -> bytes:
    """An optional parameter that holds capabilities."""
    data = b"".join(map(octets, values))
    return bytes([2, len(data)]) + data


_WELL_KNOWN: Final = {1, 2, 3, 5, 6}
_NON_TRANSITIVE: Final = {4, 9, 10, 14, 15, 26}


def attribute(code: int, value: Octets = b"", flags: int | None = None, length: int | None = None) -> bytes:
    """A path attribute, with the flags that belong to its code and its true length unless given."""
    data = octets(value)
    if flags is None:
        flags = 0x40 if code in _WELL_KNOWN else 0x80 if code in _NON_TRANSITIVE else 0xC0
    size = len(data) if length is None else length
    if size > 255:
        flags |= 0x10
    return bytes([flags, code]) + size.to_bytes(2 if flags & 0x10 else 1, "big") + data


ORIGIN: Final = attribute(AttributeCode.ORIGIN, "00")
AS_PATH: Final = attribute(AttributeCode.AS_PATH, "0201 0000fc01")
NEXT_HOP: Final = attribute(AttributeCode.NEXT_HOP, "c0000202")
LOCAL_PREF: Final = attribute(AttributeCode.LOCAL_PREF, "00000064")

PREFIX: Final = "18 cb0071"
"""203.0.113.0/24."""

IPV6_ROUTE: Final = "0002 01 10 20010db8000000000000000000000001 00 20 20010db8"
"""MP_REACH_NLRI for 2001:db8::/32 by way of 2001:db8::1."""


def update(withdrawn: Octets = b"", attributes: bytes = b"", nlri: Octets = b"") -> bytes:
    """An UPDATE of three fields."""
    gone = octets(withdrawn)
    body = len(gone).to_bytes(2, "big") + gone + len(attributes).to_bytes(2, "big") + attributes
    return message(MessageType.UPDATE, body + octets(nlri))


def received(data: bytes, negotiated: Negotiated = EXTERNAL) -> Update:
    """What the library makes of an UPDATE."""
    value = decode(data, negotiated)
    assert isinstance(value, Update)
    return value


def route_with(
    *changed: bytes, negotiated: Negotiated = EXTERNAL, without: int = 0, withdrawn: Octets = b""
) -> Update:
    """Receive a route for `PREFIX` with the usual attributes, but some changed, added or left out."""
    usual = [ORIGIN, AS_PATH, NEXT_HOP]
    if negotiated.peer_type is PeerType.INTERNAL:
        usual.append(LOCAL_PREF)
    codes = {item[1] for item in changed} | {without}
    block = b"".join([*(item for item in usual if item[1] not in codes), *changed])
    return received(update(withdrawn, block, PREFIX), negotiated)


def refusal(data: bytes, negotiated: Negotiated = EXTERNAL) -> Notification:
    """The NOTIFICATION that answers a message which ends the session."""
    with pytest.raises(PeerError) as caught:
        decode(data, negotiated)
    return Notification.from_error(caught.value)
