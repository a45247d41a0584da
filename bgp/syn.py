"""What the first segment of a connection tells about who sent it.

Linux keeps the headers of the SYN for whoever accepts the connection (TCP_SAVED_SYN). Two facts in it decide whether a
peer may come in, and neither can be forged: a TTL only ever falls on the way, and the kernel has dropped a SYN that is
signed wrongly, or signed although no key is set for its sender.
"""

from typing import Final

import attrs

_TCP: Final = 6  # IANA, protocol numbers
_END, _NO_OPERATION, _MD5_SIGNATURE = 0, 1, 19  # IANA, TCP option kinds
_MD5_SIGNATURE_LENGTH: Final = 18


@attrs.frozen
class Syn:
    """The first segment of a connection."""

    ttl: int
    """Its TTL, or hop limit, when it arrived, 0 to 255."""

    is_signed: bool
    """Whether it has a TCP MD5 signature (RFC 2385)."""

    @classmethod
    def decode(cls, headers: bytes) -> "Syn":
        """Read an IP header and the TCP header after it, whole, as the kernel has found them good.

        A segment with extension headers of IPv6 counts as not signed: nobody's SYN has any.
        """
        if headers[0] >> 4 == 4:
            start, protocol, ttl = 4 * (headers[0] & 0x0F), headers[9], headers[8]
        else:
            start, protocol, ttl = 40, headers[6], headers[7]
        return cls(ttl, protocol == _TCP and _has_signature(headers[start:]))


def _has_signature(tcp: bytes) -> bool:
    """Look for a signature among the options of a TCP header (RFC 9293 3.1), as the kernel does.

    It has not looked at the options: an option that cannot be, or does not fit, is the last one that counts.
    """
    options = tcp[20 : 4 * (tcp[12] >> 4)]
    while len(options) >= _MD5_SIGNATURE_LENGTH and options[0] != _END:
        if options[0] == _NO_OPERATION:
            options = options[1:]
            continue
        kind, length = options[0], options[1]
        if kind == _MD5_SIGNATURE and length == _MD5_SIGNATURE_LENGTH:
            return True
        if length < 2:
            return False
        options = options[length:]
    return False
