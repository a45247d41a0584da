"""What happens in sessions, in dumps: BGP4MP and BGP4MP_ET (RFC 6396 4.4, RFC 8050 3).

A `BGPMessage` keeps the octets of its message, so that it is written again as it was and costs little to those who
look for something else; `message` decodes them. What the record says of its session is all that there is to know about
it: how many octets AS numbers have, whether prefixes have path identifiers, and the AS numbers of both sides.
"""

import functools
from typing import Any, Final

import attrs

from bgp.errors import LocalError
from bgp.iana import AFI, BGP4MPSubtype, MRTState
from bgp.messages import Message
from bgp.messages import decode as decode_message
from bgp.mrt.parts import check_asn, read_address
from bgp.negotiated import Negotiated, PeerType
from bgp.prefix import (
    IPV4_LABELLED,
    IPV4_MULTICAST,
    IPV4_UNICAST,
    IPV4_VPN,
    IPV6_LABELLED,
    IPV6_MULTICAST,
    IPV6_UNICAST,
    IPV6_VPN,
    Family,
)
from bgp.values import FLAG, UINT16, UINT32, Address, integer, is_a, plain_address, quoted
from bgp.vocabulary import State
from bgp.wire import Reader, uint16, uint32

_FAMILIES: Final[frozenset[Family]] = frozenset(
    {
        *(IPV4_UNICAST, IPV4_MULTICAST, IPV4_LABELLED, IPV4_VPN),
        *(IPV6_UNICAST, IPV6_MULTICAST, IPV6_LABELLED, IPV6_VPN),
    }
)
"""The families of which the library reads the destinations."""


@functools.cache
def session_of(four_octet_as: bool, internal: bool, add_path: bool) -> Negotiated:
    """A session of which no more is known than that."""
    families = _FAMILIES if add_path else ()
    return Negotiated(
        four_octet_as=four_octet_as,
        peer_type=PeerType.INTERNAL if internal else PeerType.EXTERNAL,
        families=_FAMILIES,
        add_path_receive=families,
        add_path_send=families,
        extended_message=True,
    )


@attrs.frozen(kw_only=True)
class _Happening:
    """What the records of sessions have in common."""

    timestamp: int = attrs.field(validator=UINT32)
    """Seconds since 1970, UTC."""

    microseconds: int | None = attrs.field(default=None, validator=attrs.validators.optional(UINT32))
    """And so many microseconds, fewer than a million; None in a record without (BGP4MP, not BGP4MP_ET)."""

    peer_as: int = attrs.field(validator=UINT32)
    """The peer's AS number."""

    local_as: int = attrs.field(validator=UINT32)
    """The collector's AS number."""

    interface_index: int = attrs.field(default=0, validator=UINT16)
    """The SNMP number of the collector's interface; 0: unknown."""

    peer_address: Address = attrs.field(converter=plain_address, repr=quoted)
    """The peer's address; a zone is dropped."""

    local_address: Address = attrs.field(converter=plain_address, repr=quoted)
    """The collector's address, of the same version."""

    four_octet_as: bool = attrs.field(default=True, validator=FLAG)
    """AS numbers have four octets, in the record and in AS_PATHs of its message."""

    def __attrs_post_init__(self) -> None:
        check_asn("peer_as", self.peer_as, self.four_octet_as)
        check_asn("local_as", self.local_as, self.four_octet_as)
        if self.peer_address.version != self.local_address.version:
            raise LocalError(f"addresses {self.peer_address} and {self.local_address} of two versions")

    @property
    def time(self) -> float:
        """Seconds since 1970, UTC, with what is known of their fraction."""
        return self.timestamp + (self.microseconds or 0) / 1_000_000


@attrs.frozen(kw_only=True)
class BGPMessage(_Happening):
    """A message that a peer sent, or was sent (RFC 6396 4.4.2, 4.4.3, 4.4.5, 4.4.6)."""

    add_path: bool = attrs.field(default=False, validator=FLAG)
    """Prefixes have path identifiers in front of them (RFC 8050 3)."""

    local: bool = attrs.field(default=False, validator=FLAG)
    """The collector sent it to the peer."""

    data: bytes = attrs.field(validator=is_a(bytes))
    """The octets of the message, header included, as they were on the connection."""

    @property
    def negotiated(self) -> Negotiated:
        """The session, as far as the record tells: internal if both sides are in one AS, external if not."""
        return session_of(self.four_octet_as, self.peer_as == self.local_as, self.add_path)

    @property
    def message(self) -> Message:
        """The message; raises the `PeerError` that says what is wrong with it.

        It is decoded anew each time. Where more is known of the session, use `bgp.decode(record.data, negotiated)`.
        """
        return decode_message(self.data, self.negotiated)


def _state(value: State | int) -> int:
    if isinstance(value, State):
        return MRTState[value.name]
    return MRTState.name_of(integer("state", value, 0, 0xFFFF))


@attrs.frozen(kw_only=True)
class StateChange(_Happening):
    """The state machine of a session moved (RFC 6396 4.4.1, 4.4.4)."""

    old: int = attrs.field(converter=_state)
    """The state before, an `MRTState` where it is one; a `State` is accepted."""

    new: int = attrs.field(converter=_state)
    """The state after."""


_MESSAGES: Final[dict[tuple[bool, bool, bool], BGP4MPSubtype]] = {
    (False, False, False): BGP4MPSubtype.MESSAGE,
    (True, False, False): BGP4MPSubtype.MESSAGE_AS4,
    (False, True, False): BGP4MPSubtype.MESSAGE_LOCAL,
    (True, True, False): BGP4MPSubtype.MESSAGE_AS4_LOCAL,
    (False, False, True): BGP4MPSubtype.MESSAGE_ADDPATH,
    (True, False, True): BGP4MPSubtype.MESSAGE_AS4_ADDPATH,
    (False, True, True): BGP4MPSubtype.MESSAGE_LOCAL_ADDPATH,
    (True, True, True): BGP4MPSubtype.MESSAGE_AS4_LOCAL_ADDPATH,
}
"""By what they say: AS numbers of four octets, sent by the collector, with path identifiers."""

_KINDS: Final = {int(subtype): kind for kind, subtype in _MESSAGES.items()}

_STATE_CHANGES: Final = (BGP4MPSubtype.STATE_CHANGE, BGP4MPSubtype.STATE_CHANGE_AS4)

SESSION_SUBTYPES: Final = frozenset({*_KINDS, *map(int, _STATE_CHANGES)})
"""The subtypes that are read."""


def encode_session_record(record: BGPMessage | StateChange) -> tuple[BGP4MPSubtype, bytes]:
    """Choose the subtype and write the body of the record, without microseconds."""
    asn = uint32 if record.four_octet_as else uint16
    afi = AFI.IPV4 if record.peer_address.version == 4 else AFI.IPV6
    head = asn(record.peer_as) + asn(record.local_as) + uint16(record.interface_index) + uint16(afi)
    head += record.peer_address.packed + record.local_address.packed
    if isinstance(record, StateChange):
        return _STATE_CHANGES[record.four_octet_as], head + uint16(record.old) + uint16(record.new)
    return _MESSAGES[record.four_octet_as, record.local, record.add_path], head + record.data


def decode_session_record(
    timestamp: int, microseconds: int | None, subtype: int, reader: Reader
) -> BGPMessage | StateChange:
    """Read the body of a record behind its microseconds; raises `WireError`."""
    kind = _KINDS.get(subtype)
    wide = subtype == BGP4MPSubtype.STATE_CHANGE_AS4 if kind is None else kind[0]
    asn = reader.uint32 if wide else reader.uint16
    peer_as, local_as, interface_index, afi = asn(), asn(), reader.uint16(), reader.uint16()
    head: dict[str, Any] = {
        "timestamp": timestamp,
        "microseconds": microseconds,
        "peer_as": peer_as,
        "local_as": local_as,
        "interface_index": interface_index,
        "peer_address": read_address(reader, afi),
        "local_address": read_address(reader, afi),
        "four_octet_as": wide,
    }
    if kind is None:
        return StateChange(**head, old=reader.uint16(), new=reader.uint16())
    return BGPMessage(**head, local=kind[1], add_path=kind[2], data=reader.rest())
