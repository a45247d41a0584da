"""Messages that break one rule each, and what the RFCs demand of the speaker that receives them.

    @given(malformed_updates(negotiated))
    def test_survives(case):
        update = decode(case.octets, negotiated)        # or the decoder of any other implementation
        assert update.treatment is case.treatment, case.rule

Octets are put together from the text of the RFCs and not by the encoder of this library, so that both sides of it can
be wrong. Where the RFCs contradict each other, or leave a subcode open, there is no case: wrong flags of AGGREGATOR and
ATOMIC_AGGREGATE cost the route by RFC 7606 3 (c) and the attribute by 3 (f). Everything beside the broken rule is in
order: AS numbers, addresses and prefixes are those reserved for documentation (RFC 5398, 5737, 3849), attributes come
in any order.
"""

import attrs
from hypothesis import strategies as st

from bgp.faults import Treatment
from bgp.iana import ErrorCode, HeaderSubcode, MessageType, OpenSubcode
from bgp.testing.labels import numbers, octets
from bgp.wire import uint16


@attrs.frozen
class Malformed:
    """A whole message that breaks one rule; exactly one of `treatment` and `error` is there."""

    octets: bytes
    """The message, with its header."""

    rule: str
    """Which rule: the section of an RFC, and what is wrong."""

    treatment: Treatment | None = None
    """What an UPDATE that is survived costs, or None.

    RFC 7606 2 allows to reset the session in the place of AFI/SAFI disable.
    """

    error: tuple[int, int] | None = None
    """Code and subcode of the NOTIFICATION that ends the session, or None."""


def whole_message(kind: int, body: bytes) -> bytes:
    """A message with a good header (RFC 4271 4.1)."""
    return b"\xff" * 16 + uint16(19 + len(body)) + bytes([kind]) + body


def hosts() -> st.SearchStrategy[bytes]:
    """Addresses of 192.0.2.0/24."""
    return numbers(254, low=1).map(lambda host: b"\xc0\x00\x02" + bytes([host]))


# The header.


def malformed_headers() -> st.SearchStrategy[Malformed]:
    """Messages with a header that ends the session (RFC 4271 6.1)."""
    keepalive = whole_message(MessageType.KEEPALIVE, b"")
    markers = octets(16).filter(lambda marker: marker != b"\xff" * 16)
    short = numbers(18).map(lambda length: keepalive[:16] + uint16(length) + keepalive[18:])
    sizes: list[tuple[MessageType, st.SearchStrategy[int]]] = [
        (MessageType.OPEN, numbers(9) | numbers(4200, low=4078)),  # never longer than 4096, RFC 8654 4
        (MessageType.UPDATE, numbers(3)),
        (MessageType.KEEPALIVE, numbers(60, low=1)),
    ]
    wrong = [
        size.map(lambda count, kind=kind: whole_message(kind, bytes(count)))  # type: ignore[misc]
        for kind, size in sizes
    ]
    types = st.just(0) | numbers(255, low=6)
    return st.one_of(
        _header_case(
            "marker is not all ones",
            HeaderSubcode.CONNECTION_NOT_SYNCHRONIZED,
            markers.map(lambda marker: marker + keepalive[16:]),
        ),
        _header_case("length is less than 19", HeaderSubcode.BAD_MESSAGE_LENGTH, short),
        _header_case("length does not fit the type", HeaderSubcode.BAD_MESSAGE_LENGTH, st.one_of(*wrong)),
        _header_case(
            "type is unknown",
            HeaderSubcode.BAD_MESSAGE_TYPE,
            types.map(lambda kind: whole_message(kind, b"")),
        ),
    )


def _header_case(
    what: str, subcode: HeaderSubcode, messages: st.SearchStrategy[bytes]
) -> st.SearchStrategy[Malformed]:
    error = (int(ErrorCode.MESSAGE_HEADER_ERROR), int(subcode))
    return messages.map(lambda data: Malformed(data, f"RFC 4271 6.1: {what}", error=error))


# OPEN.


def malformed_opens() -> st.SearchStrategy[Malformed]:
    """OPEN messages that end the session (RFC 4271 6.2, 5492, 6286, 6793, 7607)."""
    versions = numbers(255).filter(lambda version: version != 4).map(lambda version: bytes([version]))
    types = numbers(254, low=3)  # 1 had a meaning once, 2 and 255 have one
    overrun = st.tuples(octets(2), numbers(255, low=3)).map(lambda p: b"\x02" + bytes([p[1]]) + p[0])
    capability = st.tuples(numbers(255), octets(2), numbers(255, low=3)).map(
        lambda p: b"\x02\x04" + bytes([p[0], p[2]]) + p[1]
    )
    return st.one_of(
        _open_case(
            "RFC 4271 6.2: version is not 4", OpenSubcode.UNSUPPORTED_VERSION_NUMBER, version=versions
        ),
        _open_case("RFC 7607 2: AS 0", OpenSubcode.BAD_PEER_AS, asn=st.just(bytes(2))),
        _open_case(
            "RFC 4271 6.2: hold time of 1 or 2 s",
            OpenSubcode.UNACCEPTABLE_HOLD_TIME,
            hold_time=st.sampled_from([b"\0\1", b"\0\2"]),
        ),
        _open_case(
            "RFC 6286 2.2: BGP Identifier 0", OpenSubcode.BAD_BGP_IDENTIFIER, identifier=st.just(bytes(4))
        ),
        _open_case(
            "RFC 4271 6.2: optional parameter of an unknown type",
            OpenSubcode.UNSUPPORTED_OPTIONAL_PARAMETER,
            parameters=types.map(lambda kind: bytes([kind, 1, 0])),
        ),
        _open_case("RFC 4271 6.2: optional parameter runs over", OpenSubcode.UNSPECIFIC, parameters=overrun),
        _open_case("RFC 5492 4: capability runs over", OpenSubcode.UNSPECIFIC, parameters=capability),
        _open_case(
            "RFC 7607 2: AS 0 in the four-octet AS capability",
            OpenSubcode.BAD_PEER_AS,
            parameters=st.just(b"\x02\x06\x41\x04" + bytes(4)),
        ),
    )


def _open_case(
    rule: str, subcode: OpenSubcode, **bad: st.SearchStrategy[bytes]
) -> st.SearchStrategy[Malformed]:
    good = {
        "version": st.just(b"\x04"),
        "asn": numbers(64511, low=64496).map(uint16),
        "hold_time": st.sampled_from([0, 3, 90, 65535]).map(uint16),
        "identifier": hosts(),
        "parameters": st.sampled_from([b"", b"\x02\x06\x01\x04\x00\x01\x00\x01"]),
    }
    fields = st.tuples(*(good | bad).values())
    error = (int(ErrorCode.OPEN_MESSAGE_ERROR), int(subcode))
    return fields.map(
        lambda parts: Malformed(
            whole_message(MessageType.OPEN, b"".join(parts[:4]) + bytes([len(parts[4])]) + parts[4]),
            rule,
            error=error,
        )
    )
