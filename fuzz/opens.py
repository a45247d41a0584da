# The body of an OPEN is an `Open` or an `OpenError`; what was decoded encodes to the very same octets.
"""Fuzz the bodies of OPENs."""

from bgp.errors import OpenError
from bgp.open import decode_open, encode_open
from bgp.wire import Reader
from fuzz.contexts import check_value


def check(data: bytes) -> None:
    """Check one input."""
    try:
        message = decode_open(Reader(data))
    except OpenError:
        return
    assert encode_open(message) == data
    assert 1 <= message.asn <= 0xFFFFFFFF
    assert check_value(message) == message
