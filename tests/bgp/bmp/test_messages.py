from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import IPV4_UNICAST, PathAttributes, Update, encode
from bgp.bmp.messages import (
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
from bgp.bmp.peer import MonitoredPeer
from bgp.errors import LocalError, PeerError
from bgp.iana import AddPathDirection, BMPInformationType, BMPStatistic, BMPTerminationReason
from bgp.negotiated import Negotiated, PeerType
from bgp.nlri import Path
from bgp.notification import Notification
from bgp.offers import AddPathCapability, FourOctetASCapability
from bgp.open import Open
from bgp.testing import bmp_messages

PEER = MonitoredPeer(address="192.0.2.2", asn=64513, router_id="192.0.2.3")
SESSION = Negotiated(four_octet_as=True)
CEASE = encode(Notification(6, 2), SESSION)


def greeting(asn: int = 64512, hold_time: int = 90, **values: Any) -> Open:
    return Open(my_as=asn, hold_time=hold_time, router_id="192.0.2.1", **values)


def peer_up(**values: Any) -> PeerUp:
    usual = {"local_address": "192.0.2.1", "sent_open": greeting(), "received_open": greeting(64513)}
    return PeerUp(**{"peer": PEER, **usual, **values})


@given(bmp_messages())
def test_values(message: Any) -> None:
    assert message in {message}
    assert str(message)


def test_information_is_text_or_octets() -> None:
    assert Information(2, "router") == Information(2, b"router")
    assert Information(0, b"r\xff").text == "r\ufffd"


@pytest.mark.parametrize("wide", [True, False])
def test_routes_have_the_as_width_that_the_header_says(wide: bool) -> None:
    update = Update(
        announced=["203.0.113.0/24"],
        attributes=PathAttributes(origin=0, as_path=[64513, 70000], next_hop="192.0.2.2"),
    )
    peer = MonitoredPeer(address="192.0.2.2", asn=64513, router_id="192.0.2.3", two_octet_as=not wide)
    report = RouteMonitoring(peer, encode(update, Negotiated(four_octet_as=wide)))
    assert report.message_in(SESSION) == update


@pytest.mark.parametrize("out", [True, False])
def test_path_identifiers_are_those_of_the_direction(out: bool) -> None:
    way = AddPathDirection.SEND if out else AddPathDirection.RECEIVE
    other = AddPathDirection.RECEIVE if out else AddPathDirection.SEND
    up = peer_up(
        sent_open=greeting(capabilities=[AddPathCapability([(IPV4_UNICAST, way)])]),
        received_open=greeting(64513, capabilities=[AddPathCapability([(IPV4_UNICAST, other)])]),
    )
    update = Update(withdrawn=[Path("203.0.113.0/24", 7)])
    octets = encode(update, Negotiated(four_octet_as=True, add_path_send=[IPV4_UNICAST]))
    peer = MonitoredPeer(address="192.0.2.2", asn=64513, router_id="192.0.2.3", adj_rib_out=out)
    assert RouteMonitoring(peer, octets).message_in(up.negotiated) == update


def test_broken_routes() -> None:
    with pytest.raises(PeerError):
        RouteMonitoring(PEER, b"x").message_in(SESSION)


def test_what_a_session_negotiated() -> None:
    wide = [FourOctetASCapability(64512)]
    session = peer_up(
        sent_open=greeting(capabilities=wide), received_open=greeting(hold_time=30, capabilities=wide)
    ).negotiated
    assert (session.peer_type, session.hold_time, session.four_octet_as) == (PeerType.INTERNAL, 30, True)
    assert peer_up().negotiated.peer_type is PeerType.EXTERNAL


@pytest.mark.parametrize(
    ("reason", "data", "notification", "event"),
    [
        (1, CEASE, Notification(6, 2), None),
        (3, CEASE, Notification(6, 2), None),
        (1, CEASE[:-1], None, None),
        (3, b"\xff" * 16 + b"\x00\x13\x04", None, None),
        (2, b"\x00\x12", None, 18),
        (2, b"\x12", None, None),
        (4, b"", None, None),
        (5, CEASE, None, None),
    ],
)
def test_why_a_session_ended(
    reason: int, data: bytes, notification: Notification | None, event: int | None
) -> None:
    down = PeerDown(PEER, reason, data)
    assert (down.notification, down.fsm_event) == (notification, event)


def test_initiation() -> None:
    assert Initiation.of("router", "speaker").information == (
        Information(BMPInformationType.SYS_DESCR, "speaker"),
        Information(BMPInformationType.SYS_NAME, "router"),
    )


def test_termination() -> None:
    plain = Termination.of(BMPTerminationReason.OUT_OF_RESOURCES)
    assert plain.information == (Information(1, b"\0\2"),)
    assert plain.reason == BMPTerminationReason.OUT_OF_RESOURCES
    assert Termination.of(0, "bye").information == (Information(1, b"\0\0"), Information(0, "bye"))
    assert Termination([Information(0, "bye")]).reason is None


def test_mirrored_messages() -> None:
    mirroring = RouteMirroring(PEER, [Information(1, b"\0\0"), Information(0, CEASE), Information(0, b"x")])
    assert mirroring.messages == (CEASE, b"x")


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Information(0x10000, b""), "type 65536, must be 0 to 65535"),
        (lambda: Information(0, bytes(0x10000)), "value of 65536 octets, at most 65535 fit"),
        (lambda: Information(0, "\ud800"), "cannot be written in UTF-8"),
        (lambda: Statistic(99, 0), "statistic 99 is not known, must be an UnknownStatistic"),
        (lambda: Statistic(0, 1 << 32), "value 4294967296, must be 0 to 4294967295"),
        (lambda: Statistic(7, 1 << 64), "must be 0 to 18446744073709551615"),
        (lambda: Statistic(9, 1), "statistic BMPStatistic.ADJ_RIB_IN_ROUTES_OF_FAMILY with family None"),
        (lambda: Statistic(7, 1, IPV4_UNICAST), "with family ipv4 unicast"),
        (lambda: UnknownStatistic(7, b""), "statistic 7 is known, must be a Statistic"),
        (lambda: StatisticsReport(PEER, [1]), "must be Statistic or UnknownStatistic"),  # type: ignore[list-item]
        (lambda: PeerDown(PEER, 256), "reason 256, must be 0 to 255"),
        (lambda: UnknownMessage(6, b""), "type 6, must be 7 to 255"),
        (lambda: peer_up(local_address="::"), "addresses 192.0.2.2 and ::, must be of one version"),
        (lambda: peer_up(local_address=None), "addresses 192.0.2.2 and None"),
        (lambda: peer_up(local_port=65536), "local_port 65536"),
        (lambda: Initiation("x"), "information 'x', must be a list"),  # type: ignore[arg-type]
        (lambda: RouteMonitoring("x", b""), "peer 'x', must be MonitoredPeer"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be(make: Any, reason: str) -> None:
    with pytest.raises(LocalError, match=reason):
        make()


@given(st.sampled_from(BMPStatistic))
def test_every_statistic_can_be_made(kind: BMPStatistic) -> None:
    family = IPV4_UNICAST if kind.name.endswith("OF_FAMILY") else None
    assert Statistic(kind, 5, family).value == 5
