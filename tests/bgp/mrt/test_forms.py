"""Records as text and as JSON."""

import json

import attrs
import pytest
from hypothesis import given

import bgp
from bgp import mrt
from bgp.iana import MRTState
from bgp.mrt.forms import record_to_json, record_to_text
from bgp.testing import mrt_records

NEGOTIATED = bgp.Negotiated(four_octet_as=True)
KEEPALIVE = bgp.encode(bgp.Keepalive(), NEGOTIATED)
SAID = mrt.BGPMessage(
    timestamp=0,
    peer_as=64513,
    local_as=64512,
    peer_address="192.0.2.2",
    local_address="192.0.2.1",
    data=KEEPALIVE,
)
CHANGED = mrt.StateChange(
    timestamp=0,
    peer_as=64513,
    local_as=64512,
    peer_address="192.0.2.2",
    local_address="192.0.2.1",
    old=MRTState.OPEN_CONFIRM,
    new=MRTState.ESTABLISHED,
)
ATTRIBUTES = bgp.PathAttributes(origin=0, as_path=[64513], next_hop="192.0.2.2")


@given(mrt_records())
def test_every_record_has_both_forms(record: mrt.Record) -> None:
    assert json.loads(json.dumps(record_to_json(record)))["type"] == type(record).__name__
    assert record_to_text(record)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (
            SAID,
            "1970-01-01 00:00:00 from 192.0.2.2 AS 64513: KEEPALIVE",
        ),
        (
            attrs.evolve(SAID, local=True),
            "1970-01-01 00:00:00 to 192.0.2.2 AS 64513: KEEPALIVE",
        ),
        (
            CHANGED,
            "1970-01-01 00:00:00 192.0.2.2 AS 64513: state open-confirm -> established",
        ),
        (
            mrt.RIB(
                timestamp=0,
                destination="203.0.113.0/24",
                entries=[mrt.RIBEntry.of(ATTRIBUTES, peer_index=3, path_id=7)],
            ),
            "1970-01-01 00:00:00 203.0.113.0/24\n"
            "  of peer 3 path 7: origin igp, as path 64513, next hop 192.0.2.2",
        ),
    ],
)
def test_text(record: mrt.Record, text: str) -> None:
    assert record_to_text(record) == text


def test_messages_that_cannot_be_read() -> None:
    broken = attrs.evolve(SAID, data=KEEPALIVE[:18] + b"\xff")
    assert "type 255" in record_to_text(broken)
    shown = record_to_json(broken)
    assert shown["octets"] == broken.data.hex()
    assert "error" in shown
