"""The BFD Control packet: its numbers, its value, its octets (RFC 5880 4).

    packet = BFDPacket(state=BFDState.DOWN, my_discriminator=1)
    assert decode(encode(packet)) == packet

`decode` judges what can be judged without a session (RFC 5880 6.8.6) and raises nothing: it returns the packet, or the
`Discard` that says why it is none. What a session has to say about a packet is in session.py, and who has signed it
in authentication.py: the authentication section is kept here as it stands, so that what is decoded encodes to the same
octets.

Intervals are whole microseconds here, as they are in the packet; everywhere else they are seconds.

https://www.iana.org/assignments/bfd-parameters
"""

import enum
import struct
from typing import Final

import attrs

from bgp.values import FLAG, UINT32, in_range, is_a, octets

VERSION: Final = 1
"""The version of the protocol (RFC 5880 4.1)."""

HEADER_LENGTH: Final = 24
"""Octets of a packet without an authentication section."""

_HEADER: Final = struct.Struct("!BBBBIIIII")
_AUTHENTICATED: Final = 0x04  # the A bit, in the second octet


class _Number(enum.IntEnum):
    """A number with a name; prints as it is written in code."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}.{self.name}"


class BFDState(_Number):
    """Where a session is (RFC 5880 4.1)."""

    ADMIN_DOWN = 0
    DOWN = 1
    INIT = 2
    UP = 3

    @property
    def text(self) -> str:
        """The name that the RFC gives it."""
        return "AdminDown" if self is BFDState.ADMIN_DOWN else self.name.title()


class Diagnostic(_Number):
    """BFD Diagnostic Codes: why a session left Up, or is kept down."""

    NONE = 0  # RFC 5880
    CONTROL_DETECTION_TIME_EXPIRED = 1  # RFC 5880
    ECHO_FUNCTION_FAILED = 2  # RFC 5880
    NEIGHBOR_SIGNALED_SESSION_DOWN = 3  # RFC 5880
    FORWARDING_PLANE_RESET = 4  # RFC 5880
    PATH_DOWN = 5  # RFC 5880
    CONCATENATED_PATH_DOWN = 6  # RFC 5880
    ADMINISTRATIVELY_DOWN = 7  # RFC 5880
    REVERSE_CONCATENATED_PATH_DOWN = 8  # RFC 5880
    MIS_CONNECTIVITY_DEFECT = 9  # RFC 6428


def diagnostic(number: int) -> Diagnostic | int:
    """The `Diagnostic` for a number, or the plain number if it has none."""
    return Diagnostic(number) if number in Diagnostic._value2member_map_ else number


class AuthenticationType(_Number):
    """BFD Authentication Types."""

    SIMPLE_PASSWORD = 1  # RFC 5880
    KEYED_MD5 = 2  # RFC 5880
    METICULOUS_KEYED_MD5 = 3  # RFC 5880
    KEYED_SHA1 = 4  # RFC 5880
    METICULOUS_KEYED_SHA1 = 5  # RFC 5880


class Discard(enum.Enum):
    """Why a packet was not taken (RFC 5880 6.7, 6.8.6; RFC 5881 5), for a person."""

    # Whatever the session.
    TOO_SHORT = "it is shorter than a BFD Control packet"
    VERSION = "its version is not 1"
    LENGTH = "its length field is too small, or says more octets than there are"
    MULTIPLIER = "its detection multiplier is zero"
    MULTIPOINT = "its multipoint bit is set"
    MY_DISCRIMINATOR = "its discriminator is zero"
    AUTHENTICATION_LENGTH = "the length of its authentication section is wrong"

    # Seen from the session.
    NO_SESSION = "no session here is meant"
    STATE = "it says Init or Up without our discriminator"
    TTL = "its TTL or hop limit says that it comes from too far away"
    UNEXPECTED_AUTHENTICATION = "it is authenticated, which the session is not to be"
    MISSING_AUTHENTICATION = "it is not authenticated"
    AUTHENTICATION_TYPE = "it is authenticated in another way"
    KEY_ID = "it is authenticated with a key that we do not have"
    SEQUENCE = "its sequence number is not one of those that may come next"
    DIGEST = "its password or digest is wrong"
    ADMINISTRATIVELY_DOWN = "the session is administratively down"

    def __repr__(self) -> str:
        return f"Discard.{self.name}"


@attrs.frozen
class AuthenticationSection:
    """What follows the header of an authenticated packet (RFC 5880 4.2 to 4.4)."""

    type: int = attrs.field(validator=in_range(0, 0xFF))
    """An `AuthenticationType`, or another number, 0 to 255."""

    key_id: int = attrs.field(validator=in_range(0, 0xFF))
    """Which of the keys, 0 to 255."""

    content: bytes = attrs.field(validator=octets(0xFF - HEADER_LENGTH - 3))
    """What follows the key ID: the password; or a reserved octet, the sequence number and the digest."""


@attrs.frozen(kw_only=True)
class BFDPacket:
    """A BFD Control packet (RFC 5880 4.1). Raises `LocalError` for a value that the field cannot have.

    The version is 1 and the multipoint bit clear: no other packet is ever sent or taken.
    """

    diagnostic: int = attrs.field(default=Diagnostic.NONE, validator=in_range(0, 31))
    """Why the sender's session left Up, or is kept down: a `Diagnostic`, or another number, 0 to 31."""

    state: BFDState = attrs.field(validator=is_a(BFDState))
    """The state of the sender's session."""

    poll: bool = attrs.field(default=False, validator=FLAG)
    """The sender wants an answer (P bit, 6.5)."""

    final: bool = attrs.field(default=False, validator=FLAG)
    """The answer to one with `poll` (F bit, 6.5)."""

    control_plane_independent: bool = attrs.field(default=False, validator=FLAG)
    """The sender's BFD goes on while its control plane does not (C bit)."""

    demand: bool = attrs.field(default=False, validator=FLAG)
    """The sender wants no periodic packets (D bit, 6.6)."""

    multiplier: int = attrs.field(default=3, validator=in_range(1, 0xFF))
    """How many packets of the sender may be missed, 1 to 255."""

    my_discriminator: int = attrs.field(validator=in_range(1, 0xFFFFFFFF))
    """What the sender calls the session, 1 to 4294967295."""

    your_discriminator: int = attrs.field(default=0, validator=UINT32)
    """What the receiver calls it; 0: the sender does not know."""

    desired_min_tx_us: int = attrs.field(default=1_000_000, validator=UINT32)
    """The shortest interval at which the sender would like to send, in microseconds."""

    required_min_rx_us: int = attrs.field(default=1_000_000, validator=UINT32)
    """The shortest interval at which the sender can receive, in microseconds; 0: send no periodic packets."""

    required_min_echo_rx_us: int = attrs.field(default=0, validator=UINT32)
    """The same for Echo packets; 0: the sender does not return any."""

    authentication: AuthenticationSection | None = attrs.field(
        default=None, validator=is_a(AuthenticationSection | None)
    )
    """Who has signed it; None: nobody."""


def encode(packet: BFDPacket) -> bytes:
    """Write a packet, with its authentication section as it stands; authentication.py signs."""
    section = b""
    if packet.authentication is not None:
        signed = packet.authentication
        section = bytes((signed.type, 3 + len(signed.content), signed.key_id)) + signed.content
    bits = packet.poll << 5 | packet.final << 4 | packet.control_plane_independent << 3 | packet.demand << 1
    header = _HEADER.pack(
        VERSION << 5 | packet.diagnostic,
        packet.state << 6 | bits | (_AUTHENTICATED if section else 0),
        packet.multiplier,
        HEADER_LENGTH + len(section),
        packet.my_discriminator,
        packet.your_discriminator,
        packet.desired_min_tx_us,
        packet.required_min_rx_us,
        packet.required_min_echo_rx_us,
    )
    return header + section


def decode(data: bytes) -> BFDPacket | Discard:
    """Read the payload of a UDP datagram; octets behind the packet's own length are ignored (RFC 5880 6.8.6)."""
    if len(data) < HEADER_LENGTH:
        return Discard.TOO_SHORT
    first, second, multiplier, length, *words = _HEADER.unpack_from(data)
    fault = _fault(first, second, multiplier, length, len(data))
    if fault is not None:
        return fault
    mine, theirs, desired_tx, required_rx, required_echo = words
    if mine == 0:
        return Discard.MY_DISCRIMINATOR
    section = _section(data[HEADER_LENGTH:length]) if second & _AUTHENTICATED else None
    if isinstance(section, Discard):
        return section
    return BFDPacket(
        diagnostic=diagnostic(first & 0x1F),
        state=BFDState(second >> 6),
        poll=bool(second & 0x20),
        final=bool(second & 0x10),
        control_plane_independent=bool(second & 0x08),
        demand=bool(second & 0x02),
        multiplier=multiplier,
        my_discriminator=mine,
        your_discriminator=theirs,
        desired_min_tx_us=desired_tx,
        required_min_rx_us=required_rx,
        required_min_echo_rx_us=required_echo,
        authentication=section,
    )


def your_discriminator(data: bytes) -> int:
    """Read the field that says which session is meant, without a look at the rest; 0 if it is not there."""
    return int.from_bytes(data[8:12], "big")


def _fault(first: int, second: int, multiplier: int, length: int, available: int) -> Discard | None:
    """What RFC 5880 6.8.6 finds wrong with the first four octets, in its order."""
    if first >> 5 != VERSION:
        return Discard.VERSION
    if not HEADER_LENGTH + (2 if second & _AUTHENTICATED else 0) <= length <= available:
        return Discard.LENGTH
    if multiplier == 0:
        return Discard.MULTIPLIER
    return Discard.MULTIPOINT if second & 0x01 else None


def _section(data: bytes) -> AuthenticationSection | Discard:
    # No section is shorter than type, length and key ID, and there is nothing behind it.
    if len(data) < 3 or data[1] != len(data):
        return Discard.AUTHENTICATION_LENGTH
    return AuthenticationSection(data[0], data[2], data[3:])
