# However the network cuts a stream, the same messages come out of it, then the same `HeaderError` if any; and no
# message, nor what is kept for later, is longer than was negotiated.
"""Fuzz framing: an octet for the cuts and the longest message, then the stream."""

from collections.abc import Iterable

from bgp.errors import HeaderError
from bgp.framing import MAX_EXTENDED, MAX_MESSAGE, Framer

_Outcome = tuple[list[bytes], tuple[str, int, bytes] | None]


def check(data: bytes) -> None:
    """Check one input."""
    octet, stream = data[0] if data else 0, data[1:]
    longest = MAX_EXTENDED if octet & 0x80 else MAX_MESSAGE
    step = (octet & 0x7F) + 1
    whole = _frame([stream], longest)
    assert _frame((stream[at : at + step] for at in range(0, len(stream), step)), longest) == whole
    messages, _ = whole
    assert all(19 <= len(message) <= longest for message in messages)
    assert stream.startswith(b"".join(messages))


def _frame(pieces: Iterable[bytes], longest: int) -> _Outcome:
    framer = Framer(longest)
    messages: list[bytes] = []
    try:
        for piece in pieces:
            for message in framer.feed(piece):
                messages.append(message)
    except HeaderError as error:
        return messages, (str(error), error.subcode, error.data)
    return messages, None
