"""The messages of the BGP Monitoring Protocol as values (RFC 7854, RFC 8671, RFC 9069); bmp.py writes and reads them.

The octets of routes are kept, since what they mean depends on the session (`PeerUp.negotiated`); OPENs do not, and are
read. What a router was told by others may be broken: a NOTIFICATION that cannot be read does not hide that the peer is
down.
"""

import functools
from collections.abc import Iterable
from typing import Final

import attrs

from bgp.bmp.peer import MonitoredPeer, address_or_none
from bgp.errors import LocalError, PeerError
from bgp.iana import (
    BMPInformationType,
    BMPMessageType,
    BMPMirroringType,
    BMPPeerDownReason,
    BMPStatistic,
    BMPTerminationType,
)
from bgp.messages import Message
from bgp.messages import decode as decode_message
from bgp.negotiated import Negotiated, PeerType
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import Family
from bgp.values import UINT16, Address, in_range, integer, is_a, octets, quoted, several, utf8
from bgp.wire import uint16

_SESSION: Final = Negotiated(four_octet_as=True, extended_message=True)
_PEER: Final = is_a(MonitoredPeer)


# What messages are made of.


def _value(value: bytes | str) -> bytes:
    return utf8("value", value) if isinstance(value, str) else value


@attrs.frozen
class Information:
    """A piece of information: `Information(BMPInformationType.SYS_NAME, "router")` (RFC 7854 4.4)."""

    type: int = attrs.field(validator=UINT16)
    """What it is; the numbers of Initiation and Peer Up, of Termination and of Route Mirroring differ."""

    value: bytes = attrs.field(converter=_value, validator=octets(0xFFFF))
    """Its octets; text is accepted."""

    @property
    def text(self) -> str:
        """The value as text; what is no UTF-8 becomes U+FFFD."""
        return self.value.decode(errors="replace")


def _information(values: Iterable[Information]) -> tuple[Information, ...]:
    return several("information", values, Information)


_COUNTER, _GAUGE = 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF

OF_FAMILY: Final = frozenset(
    {
        BMPStatistic.ADJ_RIB_IN_ROUTES_OF_FAMILY,
        BMPStatistic.LOC_RIB_ROUTES_OF_FAMILY,
        BMPStatistic.PRE_POLICY_ADJ_RIB_OUT_ROUTES_OF_FAMILY,
        BMPStatistic.POST_POLICY_ADJ_RIB_OUT_ROUTES_OF_FAMILY,
    }
)
"""The statistics that are about one family."""

GAUGES: Final = OF_FAMILY | {
    BMPStatistic.ADJ_RIB_IN_ROUTES,
    BMPStatistic.LOC_RIB_ROUTES,
    BMPStatistic.PRE_POLICY_ADJ_RIB_OUT_ROUTES,
    BMPStatistic.POST_POLICY_ADJ_RIB_OUT_ROUTES,
}
"""The statistics that can fall: they have eight octets, others four."""


def _statistic(number: int) -> BMPStatistic:
    if not BMPStatistic.has(integer("type", number, 0, 0xFFFF)):
        raise LocalError(f"statistic {number} is not known, must be an UnknownStatistic")
    return BMPStatistic(number)


def _unknown(_instance: object, _attribute: object, number: int) -> None:
    if BMPStatistic.has(number):
        raise LocalError(f"statistic {number} is known, must be a Statistic")


@attrs.frozen
class Statistic:
    """A number: `Statistic(BMPStatistic.ADJ_RIB_IN_ROUTES, 100)` (RFC 7854 4.8, RFC 8671 6.2)."""

    type: BMPStatistic = attrs.field(converter=_statistic)
    """What is counted."""

    value: int
    """How many: 0 to 4294967295 for what only grows, to 18446744073709551615 for numbers of routes."""

    family: Family | None = attrs.field(default=None, validator=is_a(Family | None))
    """The family of the routes, for the types that have one."""

    def __attrs_post_init__(self) -> None:
        integer("value", self.value, 0, _GAUGE if self.type in GAUGES else _COUNTER)
        if (self.family is None) is (self.type in OF_FAMILY):
            raise LocalError(f"statistic {self.type!r} with family {self.family}")


@attrs.frozen
class UnknownStatistic:
    """A statistic of a type that this library does not know."""

    type: int = attrs.field(validator=[UINT16, _unknown])
    """Its number."""

    value: bytes = attrs.field(validator=octets(0xFFFF))
    """Its octets."""


def _statistics(values: Iterable[Statistic | UnknownStatistic]) -> tuple[Statistic | UnknownStatistic, ...]:
    return several("statistics", values, Statistic | UnknownStatistic)


# The messages.


@functools.lru_cache(maxsize=256)
def _as_reported(session: Negotiated, two_octet_as: bool, adj_rib_out: bool) -> Negotiated:
    """The session as it is to who reads a report: what the router sends to the peer is received, too."""
    return attrs.evolve(
        session,
        four_octet_as=not two_octet_as,
        add_path_receive=session.add_path_send if adj_rib_out else session.add_path_receive,
        extended_message_receive=True,
    )


@attrs.frozen
class RouteMonitoring:
    """Routes of a peer, as an UPDATE; an End-of-RIB after the first dump of each family (RFC 7854 4.6, 5)."""

    peer: MonitoredPeer = attrs.field(validator=_PEER)
    data: bytes = attrs.field(validator=is_a(bytes))
    """The octets of the UPDATE, header included."""

    def message_in(self, session: Negotiated) -> Message:
        """Decode the UPDATE in the session that `PeerUp.negotiated` tells of; raises `PeerError`.

        How many octets AS numbers have is up to `peer.two_octet_as`, whatever was negotiated.
        """
        reported = _as_reported(session, self.peer.two_octet_as, self.peer.adj_rib_out)
        return decode_message(self.data, reported)


@attrs.frozen
class StatisticsReport:
    """Numbers about a peer (RFC 7854 4.8)."""

    peer: MonitoredPeer = attrs.field(validator=_PEER)
    statistics: tuple[Statistic | UnknownStatistic, ...] = attrs.field(converter=_statistics)


def _reason(number: int) -> int:
    return BMPPeerDownReason.name_of(integer("reason", number, 0, 0xFF))


@attrs.frozen
class PeerDown:
    """A session ended; the routes of the peer are gone (RFC 7854 4.9, RFC 9069 5.3)."""

    peer: MonitoredPeer = attrs.field(validator=_PEER)

    reason: int = attrs.field(converter=_reason)
    """A `BMPPeerDownReason`, or a number that we do not know."""

    data: bytes = attrs.field(default=b"", validator=is_a(bytes))
    """What the reason asks for: a NOTIFICATION with its header, or the number of an event of the state machine."""

    @property
    def notification(self) -> Notification | None:
        """The NOTIFICATION that ended the session; None if none did, or if it cannot be read."""
        if self.reason not in (BMPPeerDownReason.LOCAL_NOTIFICATION, BMPPeerDownReason.REMOTE_NOTIFICATION):
            return None
        try:
            message = decode_message(self.data, _SESSION)
        except PeerError:
            return None
        return message if isinstance(message, Notification) else None

    @property
    def fsm_event(self) -> int | None:
        """The event that ended the session, by its number in RFC 4271 8.1; None if not told, 0 if there is none."""
        if self.reason != BMPPeerDownReason.LOCAL_EVENT or len(self.data) != 2:
            return None
        return int.from_bytes(self.data, "big")


@attrs.frozen(kw_only=True)
class PeerUp:
    """A session came up (RFC 7854 4.10). Raises `LocalError` for addresses of two versions."""

    peer: MonitoredPeer = attrs.field(validator=_PEER)

    local_address: Address | None = attrs.field(default=None, converter=address_or_none, repr=quoted)
    """The router's address; None for a Loc-RIB."""

    local_port: int = attrs.field(default=0, validator=UINT16)
    """The router's TCP port; 0 for a Loc-RIB."""

    remote_port: int = attrs.field(default=0, validator=UINT16)
    """The peer's TCP port."""

    sent_open: Open = attrs.field(validator=is_a(Open))
    """What the router said of itself."""

    received_open: Open = attrs.field(validator=is_a(Open))
    """What the peer said of itself."""

    information: tuple[Information, ...] = attrs.field(default=(), converter=_information)
    """More, of the types of `BMPInformationType`."""

    def __attrs_post_init__(self) -> None:
        versions = {address and address.version for address in (self.peer.address, self.local_address)}
        if len(versions) > 1:
            raise LocalError(
                f"addresses {self.peer.address} and {self.local_address}, must be of one version"
            )

    @property
    def negotiated(self) -> Negotiated:
        """What both sides agreed on, as the router sees it."""
        internal = self.sent_open.asn == self.received_open.asn
        return Negotiated.between(
            self.sent_open.capabilities,
            self.received_open.capabilities,
            peer_type=PeerType.INTERNAL if internal else PeerType.EXTERNAL,
            hold_time=min(self.sent_open.hold_time, self.received_open.hold_time),
        )


@attrs.frozen
class Initiation:
    """The first message: what the router is (RFC 7854 4.3)."""

    information: tuple[Information, ...] = attrs.field(converter=_information)
    """Of the types of `BMPInformationType`; SYS_DESCR and SYS_NAME have to be there."""

    @classmethod
    def of(cls, system_name: str, system_description: str) -> "Initiation":
        """Make one with the two that it needs."""
        description = Information(BMPInformationType.SYS_DESCR, system_description)
        return cls([description, Information(BMPInformationType.SYS_NAME, system_name)])


@attrs.frozen
class Termination:
    """The last message (RFC 7854 4.5)."""

    information: tuple[Information, ...] = attrs.field(converter=_information)
    """Of the types of `BMPTerminationType`."""

    @classmethod
    def of(cls, reason: int, text: str = "") -> "Termination":
        """Make one with a `BMPTerminationReason` and, unless it is empty, a text."""
        code = Information(BMPTerminationType.REASON, uint16(integer("reason", reason, 0, 0xFFFF)))
        return cls([code, Information(BMPTerminationType.STRING, text)] if text else [code])

    @property
    def reason(self) -> int | None:
        """Why; None if it is not told."""
        values = [each.value for each in self.information if each.type == BMPTerminationType.REASON]
        return int.from_bytes(values[0], "big") if values else None


@attrs.frozen
class RouteMirroring:
    """Messages of a peer as they came (RFC 7854 4.7)."""

    peer: MonitoredPeer = attrs.field(validator=_PEER)

    information: tuple[Information, ...] = attrs.field(converter=_information)
    """Of the types of `BMPMirroringType`: messages, and what is to be known of them."""

    @property
    def messages(self) -> tuple[bytes, ...]:
        """The octets of the messages, headers included."""
        return tuple(e.value for e in self.information if e.type == BMPMirroringType.BGP_MESSAGE)


@attrs.frozen
class UnknownMessage:
    """A message of a type that this library does not know: to be ignored (RFC 7854 4.1)."""

    type: int = attrs.field(validator=in_range(len(BMPMessageType), 0xFF))
    data: bytes = attrs.field(validator=is_a(bytes))
    """The octets behind the header."""


BMPMessage = (
    RouteMonitoring
    | StatisticsReport
    | PeerDown
    | PeerUp
    | Initiation
    | Termination
    | RouteMirroring
    | UnknownMessage
)
"""Any message."""
