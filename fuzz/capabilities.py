# Octets are capabilities or an `OpenError`; capabilities encode to the very same octets, and whatever both sides
# offer amounts to something, which is the same for both where it ought to be.
"""Fuzz capabilities: an octet that says where ours end and the peer's begin, then all of them."""

from bgp import Negotiated, PeerType
from bgp.capabilities import Capability, decode_capability, encode_capability
from bgp.errors import OpenError
from bgp.wire import Reader
from fuzz.contexts import check_value

_SYMMETRIC = ("four_octet_as", "families", "extended_message", "extended_next_hop", "graceful_notification")


def check(data: bytes) -> None:
    """Check one input."""
    reader = Reader(data[1:])
    found: list[Capability] = []
    try:
        while reader.remaining:
            found.append(decode_capability(reader))
    except OpenError:
        return
    assert b"".join(map(encode_capability, found)) == data[1:]
    for capability in found:
        assert check_value(capability) == capability
    middle = data[0] % (len(found) + 1) if data else 0
    ours, theirs = found[:middle], found[middle:]
    for peer_type in PeerType:
        one = Negotiated.between(ours, theirs, peer_type=peer_type, hold_time=90.0)
        other = Negotiated.between(theirs, ours, peer_type=peer_type, hold_time=90.0)
        check_value(one)
        assert one.add_path_send == other.add_path_receive
        assert all(getattr(one, name) == getattr(other, name) for name in _SYMMETRIC)
