"""Recordings: what was negotiated is found out, and what is broken is stepped over."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import IPV4_UNICAST, Negotiated, PathAttributes, Update, encode
from bgp.capabilities import Capability
from bgp.errors import HeaderError, LocalError, OpenError, PeerError, UpdateError
from bgp.iana import AddPathDirection, AttributeCode
from bgp.messages import Keepalive, Message
from bgp.nlri import NLRI, Path
from bgp.offers import AddPathCapability, ExtendedMessageCapability, FourOctetASCapability
from bgp.open import Open
from bgp.recording import Assumptions, Incomplete, Recorded, read_recording
from bgp.testing import messages, negotiated_sessions

WIDE = Negotiated(four_octet_as=True)
NARROW = Negotiated(four_octet_as=False)
KEEPALIVE = encode(Keepalive(), WIDE)
ROUTE = Update(
    announced=["192.0.2.0/24"],
    attributes=PathAttributes(origin=0, as_path=[4200000000], next_hop="192.0.2.1"),
)


def contents(data: bytes, assumptions: Assumptions | None = None) -> list[object]:
    """What is in a recording, which is read without a gap."""
    pieces = list(read_recording(data, assumptions or Assumptions()))
    assert b"".join(piece.octets for piece in pieces) == data
    assert [piece.offset for piece in pieces] == [
        sum(len(before.octets) for before in pieces[:number]) for number in range(len(pieces))
    ]
    return [piece.content for piece in pieces]


def opening(asn: int, capabilities: Iterable[Capability] = ()) -> bytes:
    """The OPEN of a speaker."""
    message = Open(
        my_as=asn,
        hold_time=90,
        router_id="192.0.2.1",
        capabilities=[FourOctetASCapability(asn), *capabilities],
    )
    return encode(message, WIDE)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda end: b"\xff" * 16 + end))
def test_any_octets_are_a_recording(data: bytes) -> None:
    contents(data)


@given(st.data(), negotiated_sessions())
def test_all_messages_are_found(data: st.DataObject, negotiated: Negotiated) -> None:
    said: list[Message] = data.draw(st.lists(messages(negotiated), max_size=4))
    stream = b"".join(encode(message, negotiated) for message in said)
    pieces = list(read_recording(stream, Assumptions(extended_message=True)))
    assert [piece.octets for piece in pieces] == [encode(message, negotiated) for message in said]
    assert not any(isinstance(piece.content, Incomplete) for piece in pieces)


def test_without_opens_as_numbers_have_four_octets() -> None:
    assert contents(encode(ROUTE, WIDE)) == [ROUTE]
    narrow = encode(ROUTE, NARROW)
    assert contents(narrow) != [ROUTE]
    assert contents(narrow, Assumptions(two_octet_as=True)) == [ROUTE]


def test_opens_say_how_wide_as_numbers_are() -> None:
    old = encode(Open(my_as=64513, hold_time=90, router_id="192.0.2.2"), WIDE)
    assert contents(opening(64512) + old + encode(ROUTE, NARROW))[-1] == ROUTE
    assert contents(old + encode(ROUTE, NARROW))[-1] == ROUTE
    assert contents(encode(ROUTE, NARROW) + opening(64512) + old)[0] == ROUTE
    assert contents(opening(64512) + opening(64513) + encode(ROUTE, WIDE))[-1] == ROUTE


def test_path_identifiers_depend_on_who_sends() -> None:
    sends = AddPathCapability({IPV4_UNICAST: AddPathDirection.SEND})
    receives = AddPathCapability({IPV4_UNICAST: AddPathDirection.RECEIVE})
    identified = Update(announced=NLRI([Path("192.0.2.0/24", 7)]), attributes=ROUTE.attributes)
    with_paths = Negotiated(four_octet_as=True, add_path_send=[IPV4_UNICAST])
    stream = (
        opening(64512, [sends])
        + encode(identified, with_paths)
        + opening(64513, [receives])
        + encode(ROUTE, WIDE)
    )
    assert contents(stream)[1::2] == [identified, ROUTE]
    assert contents(encode(identified, with_paths), Assumptions(add_path=[IPV4_UNICAST])) == [identified]
    with pytest.raises(LocalError, match="add_path"):
        Assumptions(add_path=["ipv4-unicast"])  # type: ignore[list-item]


def test_a_second_session_has_opens_of_its_own() -> None:
    old = encode(Open(my_as=64513, hold_time=90, router_id="192.0.2.2"), WIDE)
    first = opening(64512) + old + encode(ROUTE, NARROW)
    second = opening(64512) + opening(64513) + encode(ROUTE, WIDE)
    assert [content for content in contents(first + second) if not isinstance(content, Open)] == [ROUTE] * 2


def test_internal_sessions() -> None:
    internal = Negotiated(four_octet_as=True, peer_type=bgp.PeerType.INTERNAL)
    route = Update(announced=ROUTE.announced, attributes=ROUTE.attributes.evolve(local_pref=100))
    octets = encode(route, internal)
    (discarded,) = contents(octets)
    assert isinstance(discarded, Update)
    assert [fault.code for fault in discarded.faults] == [AttributeCode.LOCAL_PREF]
    assert contents(octets, Assumptions(internal=True)) == [route]
    assert contents(opening(64512) + opening(64512) + octets)[-1] == route
    assert contents(opening(64512) + opening(64513) + octets)[-1] == discarded


def test_extended_messages() -> None:
    long = Update(
        announced=[f"10.{high}.{low}.0/24" for high in range(5) for low in range(250)],
        attributes=ROUTE.attributes,
    )
    octets = encode(long, Negotiated(four_octet_as=True, extended_message=True))
    refused, after = contents(octets + KEEPALIVE)
    assert isinstance(refused, HeaderError)
    assert after == Keepalive()
    assert contents(octets, Assumptions(extended_message=True)) == [long]
    offer = [ExtendedMessageCapability()]
    assert contents(opening(64512, offer) + opening(64513, offer) + octets)[-1] == long


@pytest.mark.parametrize(
    ("broken", "subcode"),
    [
        (b"\x00" * 24, 1),
        (b"GET / HTTP/1.1\r\n\r\n", 1),
        (KEEPALIVE[:18] + b"\x09", 3),
        (KEEPALIVE[:16] + b"\x00\x17\x09" + bytes(4), 3),
        (KEEPALIVE[:16] + b"\x00\x05\x04", 2),
        (KEEPALIVE[:16] + b"\x00\x15\x04" + bytes(2), 2),
        (KEEPALIVE[:16] + b"\xff\xff\x04", 2),
        (KEEPALIVE[:16] + b"\x00\x13\x02", 2),
        (b"\x01\x02\xff", 1),
    ],
)
def test_a_broken_header_is_stepped_over(broken: bytes, subcode: int) -> None:
    before, error, *after = contents(KEEPALIVE + broken + KEEPALIVE + KEEPALIVE)
    assert isinstance(error, HeaderError)
    assert error.subcode == subcode
    assert (before, after) == (Keepalive(), [Keepalive(), Keepalive()])
    assert isinstance(contents(broken)[0], HeaderError | Incomplete)


def test_a_broken_body_is_stepped_over() -> None:
    version = bytearray(opening(64512))
    version[19] = 3
    withdrawn = KEEPALIVE[:16] + b"\x00\x17\x02\x00\xff\x00\x00"
    first, second, third = contents(bytes(version) + withdrawn + KEEPALIVE)
    assert isinstance(first, OpenError)
    assert isinstance(second, UpdateError)
    assert third == Keepalive()


def test_what_is_cut_short() -> None:
    route = encode(ROUTE, WIDE)
    assert contents(KEEPALIVE + route[:-5]) == [Keepalive(), Incomplete(5)]
    assert contents(KEEPALIVE[:10]) == [Incomplete(9)]
    assert contents(KEEPALIVE[:18]) == [Incomplete(1)]
    assert contents(route[:-5] + KEEPALIVE) == [Incomplete(5), Keepalive()]
    assert contents(KEEPALIVE + b"?" + KEEPALIVE)[::2] == [Keepalive()] * 2
    assert contents(KEEPALIVE + KEEPALIVE[:10]) == [Keepalive(), Incomplete(9)]


def test_any_kind_of_octets() -> None:
    (piece,) = read_recording(bytearray(KEEPALIVE))
    assert piece == Recorded(offset=0, octets=KEEPALIVE, content=Keepalive())
    with pytest.raises(LocalError, match="must be octets"):
        list(read_recording("ff"))  # type: ignore[arg-type]


def conversations() -> Iterator[Any]:
    """What daemons said to a peer, with that peer's OPEN in front."""
    for file in sorted((FilePath(__file__).parents[1] / "data" / "captures").glob("*.json")):
        for session in json.loads(file.read_text())["sessions"]:
            if "sent_open" in session:
                octets = [session["sent_open"], *(line.split()[1] for line in session["received"])]
                yield pytest.param(
                    bytes.fromhex("".join(octets)), len(octets), id=f"{file.stem}-{session['session']}"
                )


@pytest.mark.parametrize(("stream", "count"), [*conversations()])
def test_what_daemons_say(stream: bytes, count: int) -> None:
    found = contents(stream)
    assert len(found) == count
    assert not [each for each in found if isinstance(each, PeerError | Incomplete)]
    faults = [fault.reason for each in found if isinstance(each, Update) for fault in each.faults]
    # FRR forgets it, as tests/data/README.md tells.
    assert set(faults) <= {"NEXT_HOP is missing"}
