# Text is a value or a `LocalError`; a value, also one made from octets, prints as text that is read as the same.
"""Fuzz what people type: an octet for the kind of value, then the text, in UTF-8, or the octets."""

from bgp import (
    ASPath,
    Community,
    ExtendedCommunity,
    IPv6ExtendedCommunity,
    LargeCommunity,
    LocalError,
    NextHop,
    Prefix,
    RouteDistinguisher,
)
from bgp.aspath import read_asn
from fuzz.contexts import check_value

_OF_WIDTH = {8: (ExtendedCommunity, RouteDistinguisher), 12: (LargeCommunity,), 20: (IPv6ExtendedCommunity,)}
_KINDS = (
    ASPath,
    Community,
    ExtendedCommunity,
    IPv6ExtendedCommunity,
    LargeCommunity,
    NextHop,
    Prefix,
    RouteDistinguisher,
    read_asn,
)


def check(data: bytes) -> None:
    """Check one input."""
    for kind in _OF_WIDTH.get(len(data) - 1, ()):
        value = kind(data[1:])
        assert kind(str(value)) == value
        assert check_value(value) == value
    read = _KINDS[data[0] % len(_KINDS)] if data else ASPath
    try:
        found = read(data[1:].decode(errors="ignore"))
    except LocalError:
        return
    assert read(str(found)) == found
    assert check_value(found) == found
