"""BFD: notices within a fraction of a second that a path is dead (RFC 5880, 5881, 5883).

    from bgp.bfd.monitor import BFDMonitor                      # the whole thing, on asyncio
    session = bgp.bfd.BFDSession(bgp.bfd.BFDConfig(), discriminator=1)   # one session, without I/O

It needs nothing of BGP, and BGP of it no more than `BFDConfig`. To learn it from the code, read the files in this
order. Without I/O: packet, authentication, config, fsm, events, session, table. With sockets and processes: orders,
sockets, server, channel, monitor.
"""

from bgp.bfd.authentication import BFDKey
from bgp.bfd.config import BFDConfig
from bgp.bfd.events import (
    BFDEvent,
    BFDOutput,
    BFDStateChanged,
    BFDStatistics,
    PacketDiscarded,
    SendPacket,
    SocketFailed,
)
from bgp.bfd.fsm import Reason
from bgp.bfd.packet import (
    AuthenticationSection,
    AuthenticationType,
    BFDPacket,
    BFDState,
    Diagnostic,
    Discard,
    decode,
    encode,
)
from bgp.bfd.session import BFDSession
from bgp.bfd.table import BFDPath, BFDTable

__all__ = [
    # packets
    "decode",
    "encode",
    "BFDPacket",
    "BFDState",
    "Diagnostic",
    "AuthenticationSection",
    "AuthenticationType",
    "Discard",
    # sessions
    "BFDConfig",
    "BFDKey",
    "BFDSession",
    "BFDPath",
    "BFDTable",
    # what comes out of them
    "BFDOutput",
    "SendPacket",
    "BFDEvent",
    "BFDStateChanged",
    "Reason",
    "PacketDiscarded",
    "SocketFailed",
    "BFDStatistics",
]
