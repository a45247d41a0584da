import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import State, Update
from bgp.errors import HeaderError, LocalError
from bgp.iana import MRTState
from bgp.messages import Keepalive, decode, encode
from bgp.mrt.session import (
    BGPMessage,
    StateChange,
    decode_session_record,
    encode_session_record,
    session_of,
)
from bgp.negotiated import PeerType
from bgp.testing import messages
from bgp.wire import Reader, WireError

KEEPALIVE = b"\xff" * 16 + b"\x00\x13\x04"
CAPTURES = Path(__file__).parents[2] / "data" / "captures"

HEAD: dict[str, Any] = {
    "timestamp": 5,
    "peer_as": 64513,
    "local_as": 64512,
    "interface_index": 3,
    "peer_address": "192.0.2.2",
    "local_address": "192.0.2.1",
}


def message(**values: Any) -> BGPMessage:
    return BGPMessage(**{**HEAD, "data": KEEPALIVE, **values})


NARROW, WIDE = "fc01 fc00 0003 0001 c0000202 c0000201", "0000fc01 0000fc00 0003 0001 c0000202 c0000201"


@pytest.mark.parametrize(
    ("subtype", "head", "values"),
    [
        (1, NARROW, {"four_octet_as": False}),
        (4, WIDE, {}),
        (6, NARROW, {"four_octet_as": False, "local": True}),
        (7, WIDE, {"local": True}),
        (8, NARROW, {"four_octet_as": False, "add_path": True}),
        (9, WIDE, {"add_path": True}),
        (10, NARROW, {"four_octet_as": False, "local": True, "add_path": True}),
        (11, WIDE, {"local": True, "add_path": True}),
    ],
)
def test_messages_in_octets(subtype: int, head: str, values: dict[str, Any]) -> None:
    record, octets = message(**values), bytes.fromhex(head) + KEEPALIVE
    assert encode_session_record(record) == (subtype, octets)
    assert decode_session_record(5, None, subtype, Reader(octets)) == record
    assert record.message == Keepalive()


@pytest.mark.parametrize(("subtype", "head", "wide"), [(0, NARROW, False), (5, WIDE, True)])
def test_state_changes_in_octets(subtype: int, head: str, wide: bool) -> None:
    record = StateChange(**HEAD, four_octet_as=wide, old=State.OPEN_CONFIRM, new=State.ESTABLISHED)
    octets = bytes.fromhex(head + "0005 0006")
    assert encode_session_record(record) == (subtype, octets)
    assert decode_session_record(5, None, subtype, Reader(octets)) == record
    assert (record.old, record.new) == (MRTState.OPEN_CONFIRM, MRTState.ESTABLISHED)


def test_ipv6() -> None:
    record = message(peer_address="2001:db8::2", local_address="fe80::1%eth0")
    _, octets = encode_session_record(record)
    assert octets[10:12] == b"\x00\x02"
    assert decode_session_record(5, None, 4, Reader(octets)) == record


@pytest.mark.parametrize("state", State)
def test_every_state_has_a_number(state: State) -> None:
    change = StateChange(**HEAD, old=state, new=7)
    assert isinstance(change.old, MRTState)
    assert change.old.name == state.name
    assert change.new == 7


def test_time() -> None:
    assert message().time == 5.0
    assert message(microseconds=250_000).time == 5.25


@given(st.booleans(), st.booleans(), st.booleans(), st.data())
def test_a_message_is_read_as_its_record_says(
    wide: bool, internal: bool, add_path: bool, data: st.DataObject
) -> None:
    session = session_of(wide, internal, add_path)
    assert session.peer_type is (PeerType.INTERNAL if internal else PeerType.EXTERNAL)
    sent = data.draw(messages(session))
    peer_as = HEAD["local_as"] if internal else HEAD["peer_as"]
    record = message(four_octet_as=wide, peer_as=peer_as, add_path=add_path, data=encode(sent, session))
    assert record.negotiated == session
    assert record.message == sent


@pytest.mark.parametrize("daemon", ["bird", "exabgp", "frr", "gobgp", "openbgpd"])
def test_what_daemons_said(daemon: str) -> None:
    count = 0
    for session in json.loads((CAPTURES / f"{daemon}.json").read_text())["sessions"]:
        add_path = bool(session["add_path"])
        if add_path and session["add_path"] != session["families"]:
            continue  # in some families there are path identifiers, a record has no room for that
        local_as = 64513 if session["peer_type"] == "internal" else 64512
        for line in session["received"]:
            data = bytes.fromhex(line.split()[1])
            record = message(
                data=data, four_octet_as=session["four_octet_as"], add_path=add_path, local_as=local_as
            )
            subtype, octets = encode_session_record(record)
            again = decode_session_record(5, None, subtype, Reader(octets))
            assert isinstance(again, BGPMessage)
            assert again.data == data
            assert again.message == decode(data, record.negotiated)
            count += isinstance(again.message, Update)
    assert count >= 10


def test_a_broken_message_is_for_who_looks() -> None:
    record = message(data=b"\xff" * 18)
    with pytest.raises(HeaderError):
        _ = record.message


@pytest.mark.parametrize(
    ("octets", "reason"),
    [("", "4 octets expected, 0 left"), (WIDE.replace("0001", "0003"), "AFI 3, must be 1 or 2")],
)
def test_what_cannot_be_read(octets: str, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        decode_session_record(5, None, 4, Reader(bytes.fromhex(octets)))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"peer_as": 70000, "four_octet_as": False}, "peer_as 70000 in two octets"),
        ({"local_as": 70000, "four_octet_as": False}, "local_as 70000 in two octets"),
        ({"peer_address": "::"}, "addresses :: and 192.0.2.1 of two versions"),
        ({"interface_index": 65536}, "interface_index 65536, must be 0 to 65535"),
        ({"data": "x"}, "data 'x', must be bytes"),
        ({"microseconds": -1}, "microseconds -1"),
    ],
)
def test_messages_that_cannot_be(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        message(**values)


def test_states_that_cannot_be() -> None:
    with pytest.raises(LocalError, match="state 65536, must be 0 to 65535"):
        StateChange(**HEAD, old=0, new=65536)
