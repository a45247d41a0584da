from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import IPV6_UNICAST, Keepalive, Negotiated
from bgp import encode as encode_bgp
from bgp.bmp import (
    MAX_MESSAGE,
    BMPError,
    BMPMessage,
    Framer,
    Information,
    Initiation,
    MonitoredPeer,
    PeerDown,
    PeerUp,
    RouteMirroring,
    RouteMonitoring,
    Statistic,
    StatisticsReport,
    Termination,
    UnknownMessage,
    UnknownStatistic,
    decode,
    encode,
)
from bgp.errors import LocalError
from bgp.open import Open
from bgp.testing import bmp_messages
from bgp.wire import uint32

PEER = MonitoredPeer(address="192.0.2.2", asn=64513, router_id="192.0.2.3")
HEADER = "0000 0000000000000000 000000000000000000000000c0000202 0000fc01 c0000203 0000000000000000"
OURS, THEIRS = (Open(my_as=asn, hold_time=90, router_id="192.0.2.1") for asn in (64512, 64513))
OPENS = b"".join(encode_bgp(each, Negotiated(four_octet_as=True)) for each in (OURS, THEIRS))


def message(kind: int, body: bytes) -> bytes:
    return b"\x03" + uint32(6 + len(body)) + bytes([kind]) + body


@given(bmp_messages())
def test_round_trip(sent: BMPMessage) -> None:
    octets = encode(sent)
    assert decode(octets) == sent
    assert decode(memoryview(octets)) == sent


@pytest.mark.parametrize(
    ("value", "octets"),
    [
        (RouteMonitoring(PEER, b"abc"), "03 00000033 00" + HEADER + "616263"),
        (
            StatisticsReport(
                PEER, [Statistic(0, 1), Statistic(7, 2), Statistic(9, 3, IPV6_UNICAST), UnknownStatistic(99, b"x")]
            ),
            "03 0000005c 01" + HEADER + "00000004"
            "0000 0004 00000001 0007 0008 0000000000000002 0009 000b 0002 01 0000000000000003 0063 0001 78",
        ),
        (PeerDown(PEER, 2, b"\0\x12"), "03 00000033 02" + HEADER + "02 0012"),
        (
            PeerUp(
                peer=PEER,
                local_address="192.0.2.1",
                local_port=179,
                remote_port=40000,
                sent_open=OURS,
                received_open=THEIRS,
                information=[Information(0, "x")],
            ),
            "03 00000083 03" + HEADER + "000000000000000000000000c0000201 00b3 9c40"
            + OPENS.hex() + "0000 0001 78",
        ),
        (Initiation.of("r", "d"), "03 00000010 04 0001 0001 64 0002 0001 72"),
        (Termination.of(2), "03 0000000c 05 0001 0002 0002"),
        (RouteMirroring(PEER, [Information(1, b"\0\1")]), "03 00000036 06" + HEADER + "0001 0002 0001"),
        (UnknownMessage(251, b"ab"), "03 00000008 fb 6162"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_octets(value: BMPMessage, octets: str) -> None:
    assert encode(value) == bytes.fromhex(octets)
    assert decode(bytes.fromhex(octets)) == value


@given(st.integers(0, 8), st.binary(max_size=120))
def test_any_body_is_a_message_or_an_error(kind: int, body: bytes) -> None:
    for octets in (body, message(kind, body), message(kind, bytes.fromhex(HEADER) + body)):
        try:
            found = decode(octets)
        except BMPError:
            continue
        assert decode(encode(found)) == found


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"\x03\0\0\0", "4 octets are no header"),
        (b"\x02\0\0\0\x06\x04", "BMP version 2, must be 3"),
        (b"\x03\0\0\0\x05\x04", "BMP message of 5 octets, must be 6 to 1048576"),
        (b"\x03\0\x10\0\x01\x04", "BMP message of 1048577 octets, must be 6 to 1048576"),
        (b"\x03\0\0\0\x07\x04", "BMP message of 6 octets says 7"),
        (message(0, b"x"), "ROUTE_MONITORING: 1 octets expected, 0 left"),
        (message(4, b"\0\1\0\2x"), "INITIATION: 2 octets expected, 1 left"),
        (message(1, bytes.fromhex(HEADER) + uint32(1)), "STATISTICS_REPORT: 0 statistics, there should be 1"),
        (
            message(1, bytes.fromhex(HEADER) + uint32(1) + b"\0\0\0\x05" + bytes(5)),
            "STATISTICS_REPORT: 1 octets left over in a block of 5",
        ),
        (
            message(3, bytes.fromhex(HEADER) + bytes(20) + encode_bgp(Keepalive(), Negotiated(four_octet_as=True))),
            "PEER_UP: Keepalive, must be an OPEN",
        ),
        (message(3, bytes.fromhex(HEADER) + bytes(20) + bytes(19)), "PEER_UP: marker is not all ones"),
        (message(3, bytes.fromhex(HEADER) + bytes(20) + OPENS[:19] + b"\3" + OPENS[20:]), "PEER_UP: BGP version 3"),
    ],
)  # fmt: skip
def test_what_cannot_be_read(octets: bytes, reason: str) -> None:
    with pytest.raises(BMPError, match=reason):
        decode(octets)


def test_what_cannot_be_written() -> None:
    with pytest.raises(LocalError, match="1 is no BMP message"):
        encode(1)  # type: ignore[arg-type]
    with pytest.raises(LocalError, match="BMP message of 1048577 octets, at most 1048576 are read"):
        encode(UnknownMessage(255, bytes(MAX_MESSAGE - 5)))


@given(st.lists(bmp_messages(), max_size=4), st.binary(max_size=20), st.integers(1, 30))
def test_every_split_yields_the_same_messages(sent: list[BMPMessage], rubbish: bytes, step: int) -> None:
    stream = b"".join(map(encode, sent)) + rubbish
    cut = read(stream[at : at + step] for at in range(0, len(stream), step))
    assert cut == read([stream])
    assert cut[0][: len(sent)] == list(map(encode, sent))


def read(pieces: object) -> tuple[list[bytes], str]:
    framer, found = Framer(), []
    try:
        for piece in pieces:  # type: ignore[attr-defined]
            for each in framer.feed(piece):
                found.append(each)
    except BMPError as error:
        return found, str(error)
    return found, ""


@pytest.mark.parametrize(
    "call",
    [lambda: Framer().feed("x"), lambda: decode("x")],  # type: ignore[arg-type]
)
def test_text_is_no_octets(call: Callable[[], object]) -> None:
    with pytest.raises(LocalError):
        call()
