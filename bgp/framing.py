"""From a stream of octets to whole messages (RFC 4271 4.1, 6.1).

Three answers are kept apart: here is a message, more octets are needed, this stream is broken. A header is
judged as soon as its 19 octets are there and before its body is awaited, so a peer cannot make us wait for,
or hold, more than the longest message. How the network cut the stream makes no difference.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final

import attrs

from bgp.errors import HeaderError
from bgp.iana import HeaderSubcode, MessageType
from bgp.values import as_octets, in_range
from bgp.wire import uint16

MARKER: Final = b"\xff" * 16
"""Begins every message."""

HEADER_LENGTH: Final = 19
"""Marker, length, type."""

MAX_MESSAGE: Final = 4096
"""The longest message, header included, unless both sides can do more."""

MAX_EXTENDED: Final = 65535
"""The longest message after both sides have offered extended messages (RFC 8654)."""

_LENGTHS: Final = {
    MessageType.OPEN: (29, MAX_MESSAGE),
    MessageType.UPDATE: (23, MAX_MESSAGE),
    MessageType.NOTIFICATION: (21, MAX_MESSAGE),
    MessageType.KEEPALIVE: (HEADER_LENGTH, HEADER_LENGTH),
    # A short one has an error code of its own (RFC 7313 5).
    MessageType.ROUTE_REFRESH: (HEADER_LENGTH, MAX_MESSAGE),
}

_NEVER_EXTENDED: Final = (MessageType.OPEN, MessageType.KEEPALIVE)  # RFC 8654 4

_HEADER: Final = Struct("!16sHB").unpack_from
_UPDATE: Final = int(MessageType.UPDATE)
_SHORTEST_UPDATE: Final = _LENGTHS[MessageType.UPDATE][0]


def judge_header(data: bytes, start: int = 0, max_message: int = MAX_MESSAGE) -> tuple[MessageType, int]:
    """Return type and length of the message that begins at `start`; raise `HeaderError` if none can.

    `max_message` is the longest that was negotiated, in octets.
    """
    header = data[start : start + HEADER_LENGTH]
    if len(header) < HEADER_LENGTH:
        raise HeaderError(f"{len(header)} octets are no header", HeaderSubcode.CONNECTION_NOT_SYNCHRONIZED)
    if not header.startswith(MARKER):
        raise HeaderError("marker is not all ones", HeaderSubcode.CONNECTION_NOT_SYNCHRONIZED)
    length, code = int.from_bytes(header[16:18], "big"), header[18]
    if not MessageType.has(code):
        if HEADER_LENGTH <= length <= max_message:
            raise HeaderError(f"message type {code}", HeaderSubcode.BAD_MESSAGE_TYPE, header[18:])
        raise HeaderError(f"message of {length} octets", HeaderSubcode.BAD_MESSAGE_LENGTH, uint16(length))
    kind = MessageType(code)
    low, high = _LENGTHS[kind]
    if kind not in _NEVER_EXTENDED:
        high = max_message
    if not low <= length <= high:
        raise HeaderError(
            f"{kind.name} of {length} octets, must be {low} to {high}",
            HeaderSubcode.BAD_MESSAGE_LENGTH,
            uint16(length),
        )
    return kind, length


@attrs.define(eq=False)
class Framer:
    """Collects a stream and yields the messages in it."""

    max_message: int = attrs.field(default=MAX_MESSAGE, validator=in_range(HEADER_LENGTH, MAX_EXTENDED))
    """The longest message in octets; `MAX_EXTENDED` once that was negotiated."""

    _buffer: bytes = attrs.field(default=b"", init=False)

    def feed(self, data: bytes | bytearray | memoryview) -> Iterator[bytes]:
        """Add octets; yield each message that is whole; raise `HeaderError` where the stream is broken.

        What is not taken from the iterator is lost: take all, or let the connection go. Raises `LocalError` at once,
        and forgets nothing, if `data` are no octets.
        """
        return self._messages(as_octets(data))

    def _messages(self, data: bytes) -> Iterator[bytes]:
        buffer = self._buffer + data if self._buffer else data
        self._buffer = b""
        position = 0
        while len(buffer) - position >= HEADER_LENGTH:
            marker, length, code = _HEADER(buffer, position)
            if code != _UPDATE or marker != MARKER or not _SHORTEST_UPDATE <= length <= self.max_message:
                # Else it is what sessions consist of, and `judge_header` would find nothing wrong with it.
                _, length = judge_header(buffer, position, self.max_message)
            if position + length > len(buffer):
                break
            yield buffer[position : position + length]
            position += length
        self._buffer = buffer[position:]
