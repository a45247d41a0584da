"""Reading messages without having been a party to the session: from a file, a capture, a log.

A session knows what was negotiated, and ends with the first broken message. A recording has to find out the one, from
the OPENs that are in it, and to go on after the other, as far as framing permits:

- Where there are OPENs, a message is read as the sender of the last OPEN before it meant it. The first OPEN goes with
  the second, the third with the fourth, and so on. So the octets of one direction may follow those of the other; or
  messages may stand in the order of time, as long as path identifiers are used in both directions or not at all. One
  OPEN that is left alone is taken for that of both sides.
- Without any, AS numbers have four octets, and there are no extended messages and no path identifiers.
- `Assumptions` are for what a person knows better.

The next message begins where the length of the one before says, if there is a marker, or at the next marker.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from bgp.errors import HeaderError, PeerError
from bgp.framing import HEADER_LENGTH, MARKER, MAX_EXTENDED, judge_header
from bgp.iana import MessageType
from bgp.messages import Message, decode
from bgp.negotiated import Negotiated, PeerType
from bgp.open import Open
from bgp.prefix import Family
from bgp.values import FLAG, as_octets, several
from bgp.wire import uint8


@attrs.frozen
class Incomplete:
    """The octets end, or another message begins, before a message is whole."""

    missing: int
    """How many octets there should be more; at least so many, if not even the header is whole."""


@attrs.frozen(kw_only=True)
class Recorded:
    """A piece of a recording."""

    offset: int
    """Where it begins, in octets."""

    octets: bytes
    """What there is of it."""

    content: Message | PeerError | Incomplete
    """The message; or what is wrong, with the NOTIFICATION that a speaker would answer; or only a part of a message."""


def _families(values: Iterable[Family]) -> frozenset[Family]:
    return frozenset(several("add_path", values, Family))


@attrs.frozen(kw_only=True)
class Assumptions:
    """What is known of a session beside its octets."""

    two_octet_as: bool = attrs.field(default=False, validator=FLAG)
    """AS numbers have two octets, whatever the OPENs say."""

    add_path: frozenset[Family] = attrs.field(default=frozenset(), converter=_families)
    """Families with path identifiers, beside those that the OPENs say."""

    internal: bool = attrs.field(default=False, validator=FLAG)
    """The session is internal. So it is if two OPENs have the same AS number."""

    extended_message: bool = attrs.field(default=False, validator=FLAG)
    """Messages may have more than 4096 octets, whatever the OPENs say."""


NOTHING_KNOWN: Final = Assumptions()
"""For a recording of which only the octets are known."""


def read_recording(
    data: bytes | bytearray | memoryview, assumptions: Assumptions = NOTHING_KNOWN
) -> Iterator[Recorded]:
    """Yield the messages in a stream of octets, and whatever else is there, in order and without a gap."""
    data = as_octets(data)
    pieces = list(_pieces(data))
    opens = list(_opens(data, pieces))
    negotiated = _negotiated(opens, 0, assumptions)
    seen = 0
    for start, end, missing in pieces:
        octets = data[start:end]
        content = Incomplete(missing) if missing else _read(octets, negotiated)
        yield Recorded(offset=start, octets=octets, content=content)
        if isinstance(content, Open):
            negotiated = _negotiated(opens, seen, assumptions)
            seen += 1


_NO_OPEN: Final = Negotiated(four_octet_as=True)
"""What is taken for granted where there is no OPEN."""


def _opens(data: bytes, pieces: Iterable[tuple[int, int, int]]) -> Iterator[Open]:
    for start, end, _ in pieces:
        if data[start + HEADER_LENGTH - 1 : start + HEADER_LENGTH] == _OPEN:
            content = _read(data[start:end], _NO_OPEN)
            if isinstance(content, Open):
                yield content


_OPEN: Final = uint8(MessageType.OPEN)


def _read(octets: bytes, negotiated: Negotiated) -> Message | PeerError:
    try:
        return decode(octets, negotiated)
    except PeerError as error:
        return error


def _negotiated(opens: list[Open], sender: int, assumptions: Assumptions) -> Negotiated:
    """What holds for messages from the sender of the OPEN with this number."""
    found = _NO_OPEN
    if opens:
        theirs = opens[sender]
        ours = opens[sender ^ 1] if sender ^ 1 < len(opens) else theirs
        internal = ours is not theirs and ours.asn == theirs.asn
        found = Negotiated.between(
            ours.capabilities,
            theirs.capabilities,
            peer_type=PeerType.INTERNAL if internal else PeerType.EXTERNAL,
            hold_time=min(ours.hold_time, theirs.hold_time),
        )
    return attrs.evolve(
        found,
        four_octet_as=found.four_octet_as and not assumptions.two_octet_as,
        peer_type=PeerType.INTERNAL if assumptions.internal else found.peer_type,
        add_path_receive=found.add_path_receive | assumptions.add_path,
        extended_message_receive=found.extended_message_receive or assumptions.extended_message,
    )


def _pieces(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Cut a stream; yield where each piece begins and ends, and how many octets its message lacks."""
    start = 0
    while start < len(data):
        end, missing = _extent(data, start)
        yield start, end, missing
        start = end


def _extent(data: bytes, start: int) -> tuple[int, int]:
    left = len(data) - start
    if left < HEADER_LENGTH and MARKER.startswith(data[start : start + len(MARKER)]):
        return len(data), HEADER_LENGTH - left
    try:
        # Whether it may be longer than 4096 octets is for the decoder to say.
        _, length = judge_header(data, start, MAX_EXTENDED)
    except HeaderError:
        return _resumption(data, start), 0
    end = start + length
    if length <= left and MARKER.startswith(data[end : end + len(MARKER)]):
        return end, 0
    # The data end, or another message begins, inside of it.
    found = _next_marker(data, start + HEADER_LENGTH)
    return (found, end - found) if found < end else (end, 0)


def _resumption(data: bytes, start: int) -> int:
    """Where the next message may begin after a header that is broken."""
    if not data.startswith(MARKER, start):
        return _next_marker(data, start + 1)
    length = int.from_bytes(data[start + 16 : start + 18], "big")
    end = start + length
    if length >= HEADER_LENGTH and (end == len(data) or data.startswith(MARKER, end)):
        return end
    return _next_marker(data, start + HEADER_LENGTH)


def _next_marker(data: bytes, start: int) -> int:
    """Where the next marker begins; the end of the data if there is none."""
    found = data.find(MARKER, start)
    if found < 0:
        return len(data)
    # What stands before it may end in 0xff too. No length begins with 0xff, or hardly any.
    while data[found + len(MARKER) : found + len(MARKER) + 1] == b"\xff":
        found += 1
    return found
