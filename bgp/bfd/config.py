"""What we want of a BFD session: parsed and judged once, legal ever after. All times are in seconds."""

from typing import Final

import attrs

from bgp.bfd.authentication import BFDKey, bfd_keys
from bgp.errors import LocalError
from bgp.values import FLAG, in_range, seconds

SINGLE_HOP_PORT: Final = 3784
"""Where single-hop packets go (RFC 5881 4)."""

MULTIHOP_PORT: Final = 4784
"""Where multihop packets go (RFC 5883 5)."""

SOURCE_PORTS: Final = range(49152, 65536)
"""Where they come from (RFC 5881 4)."""

_PORT = attrs.validators.optional(in_range(1, 65535))


@attrs.frozen(kw_only=True)
class BFDConfig:
    """One BFD session: `BFDConfig(transmit_interval=0.1, receive_interval=0.1, multiplier=3)`.

    The failure of the peer is noticed after its multiplier times the interval agreed on for its packets: the longer of
    its transmit interval and our receive interval. Raises `LocalError` for a value that cannot be, with its limit.
    """

    transmit_interval: float = attrs.field(default=0.3, validator=seconds(0.01, 60))
    """How often we would like to send, 0.01 to 60; while the session is not up at most once a second."""

    receive_interval: float = attrs.field(default=0.3, validator=seconds(0.01, 60))
    """How often we can receive, 0.01 to 60."""

    multiplier: int = attrs.field(default=3, validator=in_range(1, 255))
    """How many of our packets in a row the peer may miss, 1 to 255; with the last of them it takes us for dead."""

    passive: bool = attrs.field(default=False, validator=FLAG)
    """Send nothing before the peer does (RFC 5880 6.1)."""

    multihop: bool = attrs.field(default=False, validator=FLAG)
    """There are routers between the peer and us (RFC 5883)."""

    minimum_ttl: int | None = attrs.field(default=None, validator=attrs.validators.optional(in_range(1, 255)))
    """The smallest TTL or hop limit to take; None: 255 on a single hop, any with `multihop`.

    On a single hop nothing but 255 will do (RFC 5881 5), which keeps out packets from elsewhere. A peer behind routers
    may send another number than 255 to begin with: BIRD leaves it to the system, which takes 64.
    """

    authentication: tuple[BFDKey, ...] = attrs.field(default=(), converter=bfd_keys)
    """One or more keys, all of one type; the first signs, all are taken. Empty: no authentication."""

    port: int | None = attrs.field(default=None, validator=_PORT)
    """The UDP port to send to, 1 to 65535; None: 3784, with `multihop` 4784."""

    local_port: int | None = attrs.field(default=None, validator=_PORT)
    """The UDP port to receive on, 1 to 65535; None: the same as `port`."""

    @minimum_ttl.validator
    def _check_minimum_ttl(self, _attribute: object, value: int | None) -> None:
        if value not in (None, 255) and not self.multihop:
            raise LocalError(f"minimum_ttl {value} without multihop, must be 255")

    @property
    def least_ttl(self) -> int:
        """The smallest TTL or hop limit to take."""
        return self.minimum_ttl or (1 if self.multihop else 255)

    @property
    def destination_port(self) -> int:
        """The UDP port to send to."""
        return self.port or (MULTIHOP_PORT if self.multihop else SINGLE_HOP_PORT)

    @property
    def listening_port(self) -> int:
        """The UDP port to receive on."""
        return self.local_port or self.destination_port
