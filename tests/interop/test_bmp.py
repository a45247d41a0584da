"""tshark as a second reader of BMP: each kind of message, field by field.

Not compared, since tshark 4.0 does not read them: information behind the OPENs of a Peer Up, all but the first of a
Termination, the event of a Peer Down, the flags of a Loc-RIB, what is in a Route Mirroring.
"""

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    Negotiated,
    Notification,
    Open,
    PathAttributes,
    PeerType,
    RoutesReceived,
    SessionClosed,
    Update,
    bmp,
    encode,
)
from bgp.bmp.feed import Feed, MonitoredSession
from bgp.iana import BMPStatistic
from bgp.offers import FourOctetASCapability
from tests.interop.dissection import Field, dissect
from tests.interop.pcap import Connection, write

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark (Debian: tshark)")

PORT = 11019
WIDE = Negotiated(four_octet_as=True)
OURS, THEIRS = (
    Open(my_as=asn, hold_time=hold, router_id=router_id, capabilities=[FourOctetASCapability(asn)])
    for asn, hold, router_id in ((64512, 90, "192.0.2.1"), (64513, 30, "192.0.2.3"))
)
PLAIN = PathAttributes(origin=0, as_path=[64513, 70000], next_hop="192.0.2.2")
UPDATE = Update(announced=["203.0.113.0/24"], attributes=PLAIN)


def peer(**values: Any) -> bmp.MonitoredPeer:
    usual = {"address": "192.0.2.2", "asn": 70000, "router_id": "192.0.2.3"}
    return bmp.MonitoredPeer(**{**usual, "timestamp": 1_700_000_000, "microseconds": 7, **values})


def read(path: Path, stream: Iterable[bytes]) -> list[Field]:
    """What tshark makes of messages, each in a segment of its own."""
    connection = Connection(0, PORT)
    frames = [connection.frame(octets) for octets in stream]
    write(path / "capture", frames)
    found = dissect(path / "capture", 4, bmp_port=PORT)
    assert len(found) == len(frames)
    return found


def one(path: Path, message: bmp.BMPMessage) -> Field:
    octets = bmp.encode(message)
    (field,) = read(path, [octets])
    assert field.shows("bmp.version") == ["3"]
    assert field.shows("bmp.length") == [str(len(octets))]
    return field


def check(field: Field, **expected: str | list[str]) -> None:
    """Fields by their names, `_` for `.`, without the `bmp.` in front."""
    for name, value in expected.items():
        shown = field.shows("bmp." + name.replace("_", "."))
        assert shown == ([value] if isinstance(value, str) else value), name


FLAGS = ("ipv6", "post_policy", "as_path", "adj_rib_out")


@pytest.mark.parametrize(
    ("values", "flags"),
    [
        ({}, "0000"),
        ({"post_policy": True}, "0100"),
        ({"two_octet_as": True}, "0010"),
        ({"adj_rib_out": True}, "0001"),
        ({"adj_rib_out": True, "post_policy": True}, "0101"),
    ],
)
def test_peers(tmp_path: Path, values: dict[str, Any], flags: str) -> None:
    field = one(tmp_path, bmp.PeerDown(peer(type=1, distinguisher="64512:7", **values), 4))
    check(
        field,
        type="2",
        peer_type="1",
        peer_distinguisher="00:00:fc:00:00:00:00:07",
        peer_ip_addr="192.0.2.2",
        peer_asn="70000",
        peer_id="192.0.2.3",
        peer_timestamp_sec="1700000000",
        peer_timestamp_msec="7",
        peer_down_reason="4",
    )
    assert [field.shows(f"bmp.peer.flags.{name}") for name in FLAGS] == [[flag] for flag in flags]


def test_a_peer_of_ipv6(tmp_path: Path) -> None:
    field = one(tmp_path, bmp.PeerDown(peer(address="2001:db8::2"), 5))
    check(field, peer_ipv6_addr="2001:db8::2", peer_flags_ipv6="1", peer_down_reason="5")


def test_a_loc_rib(tmp_path: Path) -> None:
    field = one(tmp_path, bmp.RouteMonitoring(peer(type=3, address=None), encode(UPDATE, WIDE)))
    check(field, type="0", peer_type="3")
    assert field.shows("nlri_prefix") == ["203.0.113.0"]


def test_initiation_and_termination(tmp_path: Path) -> None:
    field = one(tmp_path, bmp.Initiation.of("router", "a speaker"))
    check(field, type="4", init_type=["1", "2"], init_info=["a speaker", "router"])
    check(one(tmp_path, bmp.Termination.of(2, "bye")), type="5", term_type="1", term_reason="2")
    field = one(tmp_path, bmp.Termination([bmp.Information(0, "bye")]))
    check(field, type="5", term_type="0", term_info="bye")


def test_peer_up(tmp_path: Path) -> None:
    message = bmp.PeerUp(
        peer=peer(),
        local_address="192.0.2.1",
        local_port=179,
        remote_port=40000,
        sent_open=OURS,
        received_open=THEIRS,
    )
    field = one(tmp_path, message)
    check(field, type="3", peer_up_ip_addr="192.0.2.1", peer_up_port_local="179", peer_up_port_remote="40000")
    assert field.shows("open.myas") == ["64512", "64513"]
    assert field.shows("open.holdtime") == ["90", "30"]
    assert field.shows("open.identifier") == ["192.0.2.1", "192.0.2.3"]


def test_route_monitoring(tmp_path: Path) -> None:
    field = one(tmp_path, bmp.RouteMonitoring(peer(), encode(UPDATE, WIDE)))
    check(field, type="0")
    assert field.shows("nlri_prefix") == ["203.0.113.0"]
    assert field.shows("update.path_attribute.as_path_segment.as4") == ["64513", "70000"]
    assert field.shows("update.path_attribute.next_hop") == ["192.0.2.2"]


@pytest.mark.parametrize("kind", BMPStatistic)
def test_statistics(tmp_path: Path, kind: BMPStatistic) -> None:
    family = IPV6_UNICAST if kind.name.endswith("OF_FAMILY") else None
    field = one(tmp_path, bmp.StatisticsReport(peer(), [bmp.Statistic(kind, 258, family)]))
    check(field, type="1", stats_count="1", stats_type=str(int(kind)))
    (data,) = field.all("bmp.stats.data")
    assert data.octets.endswith(b"\x01\x02")
    values = [each.shown for each in field if each.name.startswith("bmp.stats.data.")]
    assert values == (["258"] if family is None else ["2", "1", "258"])


def test_peer_down_with_a_notification(tmp_path: Path) -> None:
    for reason in (1, 3):
        field = one(tmp_path, bmp.PeerDown(peer(), reason, encode(Notification(6, 4), WIDE)))
        check(field, type="2", peer_down_reason=str(reason))
        assert (field.shows("notify.major_error"), field.shows("notify.minor_error_cease")) == (["6"], ["4"])


def test_peer_down_with_an_event(tmp_path: Path) -> None:
    field = one(tmp_path, bmp.PeerDown(peer(), 2, b"\0\x12"))
    check(field, peer_down_reason="2")


def test_route_mirroring(tmp_path: Path) -> None:
    mirrored = [bmp.Information(1, b"\0\1"), bmp.Information(0, encode(UPDATE, WIDE))]
    field = one(tmp_path, bmp.RouteMirroring(peer(), mirrored))
    check(field, type="6", peer_asn="70000")


def test_a_whole_conversation(tmp_path: Path) -> None:
    session = MonitoredSession(
        local_address=peer(address="192.0.2.1").address,  # type: ignore[arg-type]  # it has one
        local_port=179,
        peer_address=peer().address,  # type: ignore[arg-type]
        peer_port=40000,
        sent_open=OURS,
        received_open=THEIRS,
        negotiated=Negotiated.between(
            OURS.capabilities, THEIRS.capabilities, peer_type=PeerType.EXTERNAL, hold_time=30
        ),
    )
    feed, now = Feed(), 1_700_000_000.5
    event = RoutesReceived(
        family=IPV4_UNICAST, announced=UPDATE.announced, withdrawn=NLRI(["10.0.0.0/8"]), attributes=PLAIN
    )
    stream = [
        feed.begin("router", "a speaker"),
        feed.peer_up(1, session, now),
        feed.routes(1, event, now),
        feed.end_of_rib(1, IPV6_UNICAST, now),
        feed.statistics(1, {IPV4_UNICAST: 1}, now),
        feed.peer_down(1, SessionClosed("bye", received=Notification(6, 2)), now),
        feed.end(0),
    ]
    found = read(tmp_path, stream)
    assert [field.shows("bmp.type")[0] for field in found] == ["4", "3", "0", "0", "1", "2", "5"]
    check(found[2], peer_timestamp_msec="500000", peer_asn="64513")
    assert found[2].shows("nlri_prefix") == ["203.0.113.0"]
    assert found[2].shows("withdrawn_prefix") == ["10.0.0.0"]
