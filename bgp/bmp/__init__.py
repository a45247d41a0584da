"""The BGP Monitoring Protocol: what a router tells a station about its peers (RFC 7854, RFC 8671, RFC 9069).

    framer = bmp.Framer()
    for octets in framer.feed(chunk):
        match bmp.decode(octets):
            case bmp.PeerUp() as up:
                sessions[up.peer.address] = up.negotiated
            case bmp.RouteMonitoring(peer) as report:
                print(peer.address, report.message_in(sessions[peer.address]))

BMP goes one way: the router connects or is connected to, and sends; the station never says a word.

    Initiation         the first message: what the router is
    PeerUp             a session came up, with both OPENs
    RouteMonitoring    an UPDATE: routes of the peer, all of them after its PeerUp, then what changes
    RouteMirroring     messages as they came, broken ones too
    StatisticsReport   numbers
    PeerDown           a session ended, and why; the routes of the peer are gone
    Termination        the last message, with a reason

`decode` raises nothing but `BMPError`. feed.py makes these messages from what happens to peers, and exporter.py
sends them to a station.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from bgp.bmp.messages import (
    GAUGES,
    OF_FAMILY,
    BMPMessage,
    Information,
    Initiation,
    PeerDown,
    PeerUp,
    RouteMirroring,
    RouteMonitoring,
    Statistic,
    StatisticsReport,
    Termination,
    UnknownMessage,
    UnknownStatistic,
)
from bgp.bmp.peer import MonitoredPeer, decode_address, decode_peer, encode_address, encode_peer
from bgp.errors import BMPError, LocalError, PeerError
from bgp.framing import HEADER_LENGTH, judge_header
from bgp.iana import BMPMessageType, BMPStatistic
from bgp.messages import decode as decode_message
from bgp.messages import encode as encode_message
from bgp.negotiated import Negotiated
from bgp.open import Open
from bgp.prefix import Family
from bgp.values import as_octets, shown
from bgp.wire import Reader, WireError, uint8, uint16, uint32

__all__ = [
    "MAX_MESSAGE",
    "BMPError",
    "BMPMessage",
    "Framer",
    "Information",
    "Initiation",
    "MonitoredPeer",
    "PeerDown",
    "PeerUp",
    "RouteMirroring",
    "RouteMonitoring",
    "Statistic",
    "StatisticsReport",
    "Termination",
    "UnknownMessage",
    "UnknownStatistic",
    "decode",
    "encode",
]

VERSION: Final = 3
"""The version of BMP."""

MAX_MESSAGE: Final = 1 << 20
"""The longest message that is read, in octets. BMP has no limit; a Peer Up with two of the longest OPENs is short."""

_HEADER: Final = 6
"""Octets of version, length and type."""

_ANY: Final = Negotiated(four_octet_as=True)
"""OPENs are the same in every session."""


def encode(message: BMPMessage) -> bytes:
    """Turn a message into octets, header included; raise `LocalError` for what is none, or is too long to be read."""
    match message:
        case RouteMonitoring(peer, data):
            kind: int = BMPMessageType.ROUTE_MONITORING
            body = encode_peer(peer) + data
        case StatisticsReport(peer, statistics):
            kind = BMPMessageType.STATISTICS_REPORT
            body = encode_peer(peer) + uint32(len(statistics)) + b"".join(map(_encode_statistic, statistics))
        case PeerDown(peer, reason, data):
            kind, body = BMPMessageType.PEER_DOWN, encode_peer(peer) + uint8(reason) + data
        case PeerUp():
            kind, body = BMPMessageType.PEER_UP, _encode_peer_up(message)
        case RouteMirroring(peer, information):
            kind, body = BMPMessageType.ROUTE_MIRRORING, encode_peer(peer) + _encode_information(information)
        case Initiation(information):
            kind, body = BMPMessageType.INITIATION, _encode_information(information)
        case Termination(information):
            kind, body = BMPMessageType.TERMINATION, _encode_information(information)
        case UnknownMessage(kind, body):
            pass
        case _:
            raise LocalError(f"{shown(message)} is no BMP message, such as an Initiation")
    length = _HEADER + len(body)
    if length > MAX_MESSAGE:
        raise LocalError(f"BMP message of {length} octets, at most {MAX_MESSAGE} are read")
    return uint8(VERSION) + uint32(length) + uint8(kind) + body


def _tlv(kind: int, value: bytes) -> bytes:
    return uint16(kind) + uint16(len(value)) + value


def _encode_information(information: Iterable[Information]) -> bytes:
    return b"".join(_tlv(each.type, each.value) for each in information)


def _encode_statistic(statistic: Statistic | UnknownStatistic) -> bytes:
    if isinstance(statistic, UnknownStatistic):
        return _tlv(statistic.type, statistic.value)
    family = statistic.family
    of_family = b"" if family is None else uint16(family.afi) + uint8(family.safi)
    width = 8 if statistic.type in GAUGES else 4
    return _tlv(statistic.type, of_family + statistic.value.to_bytes(width, "big"))


def _encode_peer_up(message: PeerUp) -> bytes:
    return b"".join(
        (
            encode_peer(message.peer),
            encode_address(message.local_address),
            uint16(message.local_port),
            uint16(message.remote_port),
            encode_message(message.sent_open, _ANY),
            encode_message(message.received_open, _ANY),
            _encode_information(message.information),
        )
    )


def _judge_header(octets: bytes, at: int = 0) -> int:
    """The length of the message that begins at a place with a whole header; raise `BMPError` if none can."""
    if octets[at] != VERSION:
        raise BMPError(f"BMP version {octets[at]}, must be {VERSION}")
    length = int.from_bytes(octets[at + 1 : at + 5], "big")
    if not _HEADER <= length <= MAX_MESSAGE:
        raise BMPError(f"BMP message of {length} octets, must be {_HEADER} to {MAX_MESSAGE}")
    return length


def decode(data: bytes | bytearray | memoryview) -> BMPMessage:
    """Read one whole message; raise `BMPError` if it is none."""
    octets = as_octets(data)
    if len(octets) < _HEADER:
        raise BMPError(f"{len(octets)} octets are no header")
    length = _judge_header(octets)
    if length != len(octets):
        raise BMPError(f"BMP message of {len(octets)} octets says {length}")
    kind = octets[_HEADER - 1]
    decode_body = _BODIES.get(kind)
    if decode_body is None:
        return UnknownMessage(kind, octets[_HEADER:])
    try:
        return decode_body(Reader(octets[_HEADER:]))
    except (WireError, LocalError, PeerError) as error:
        raise BMPError(f"{BMPMessageType(kind).name}: {error}") from error


def _decode_route_monitoring(reader: Reader) -> RouteMonitoring:
    return RouteMonitoring(decode_peer(reader), reader.rest())


def _decode_statistics_report(reader: Reader) -> StatisticsReport:
    peer, count = decode_peer(reader), reader.uint32()
    statistics = []
    while reader.remaining:
        statistics.append(_decode_statistic(reader))
    if len(statistics) != count:
        raise WireError(f"{len(statistics)} statistics, there should be {count}")
    return StatisticsReport(peer, statistics)


def _decode_statistic(reader: Reader) -> Statistic | UnknownStatistic:
    kind, length = reader.uint16(), reader.uint16()
    if not BMPStatistic.has(kind):
        return UnknownStatistic(kind, reader.take(length))
    with reader.limited_to(length):
        family = Family(reader.uint16(), reader.uint8()) if kind in OF_FAMILY else None
        value = int.from_bytes(reader.take(8 if kind in GAUGES else 4), "big")
    return Statistic(kind, value, family)


def _decode_peer_down(reader: Reader) -> PeerDown:
    return PeerDown(decode_peer(reader), reader.uint8(), reader.rest())


def _decode_peer_up(reader: Reader) -> PeerUp:
    peer = decode_peer(reader)
    return PeerUp(
        peer=peer,
        local_address=decode_address(reader.take(16), peer.address),
        local_port=reader.uint16(),
        remote_port=reader.uint16(),
        sent_open=_decode_open(reader),
        received_open=_decode_open(reader),
        information=_decode_information(reader),
    )


def _decode_open(reader: Reader) -> Open:
    header = reader.take(HEADER_LENGTH)
    _, length = judge_header(header)
    message = decode_message(header + reader.take(length - HEADER_LENGTH), _ANY)
    if not isinstance(message, Open):
        raise WireError(f"{type(message).__name__}, must be an OPEN")
    return message


def _decode_information(reader: Reader) -> list[Information]:
    found = []
    while reader.remaining:
        kind, length = reader.uint16(), reader.uint16()
        found.append(Information(kind, reader.take(length)))
    return found


_BODIES: Final[dict[int, Callable[[Reader], BMPMessage]]] = {
    BMPMessageType.ROUTE_MONITORING: _decode_route_monitoring,
    BMPMessageType.STATISTICS_REPORT: _decode_statistics_report,
    BMPMessageType.PEER_DOWN: _decode_peer_down,
    BMPMessageType.PEER_UP: _decode_peer_up,
    BMPMessageType.INITIATION: lambda reader: Initiation(_decode_information(reader)),
    BMPMessageType.TERMINATION: lambda reader: Termination(_decode_information(reader)),
    BMPMessageType.ROUTE_MIRRORING: lambda reader: RouteMirroring(
        decode_peer(reader), _decode_information(reader)
    ),
}


@attrs.define(eq=False)
class Framer:
    """Collects the stream of a router and yields the messages in it."""

    _buffer: bytes = attrs.field(default=b"", init=False)

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """Add octets; yield each message that is whole; raise `BMPError` where the stream is broken.

        A header is judged before its body is awaited, so that no more than `MAX_MESSAGE` octets are kept. What is not
        taken from the iterator is lost: take all, or let the connection go.
        """
        return self._messages(as_octets(data))

    def _messages(self, data: bytes) -> Iterator[bytes]:
        buffer = self._buffer + data if self._buffer else data
        self._buffer = b""
        position = 0
        while len(buffer) - position >= _HEADER:
            end = position + _judge_header(buffer, position)
            if end > len(buffer):
                break
            yield buffer[position:end]
            position = end
        self._buffer = buffer[position:]
