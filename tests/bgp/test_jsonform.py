"""The JSON form: every value has one, and it says what the value says."""

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import Negotiated, PathAttributes, decode
from bgp.attributes import UnknownAttribute
from bgp.capabilities import Capability, UnknownCapability
from bgp.errors import HoldTimerExpired, PeerError, UpdateError
from bgp.events import AttemptFailed, Event, FamilyDisabled, PrefixLimitWarning, RefreshRequested
from bgp.faults import Fault, Treatment
from bgp.iana import AFI, AddPathDirection, AttributeFlag
from bgp.jsonform import JSON, Representable, family_name, read_family, to_json
from bgp.labelled import LabelledPrefix, VPNPrefix
from bgp.messages import Keepalive, Message, RouteRefresh
from bgp.nlri import NLRI, OpaqueNLRI, Path
from bgp.notification import Notification
from bgp.offers import (
    AddPathCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    GracefulRestartCapability,
    MultiprotocolCapability,
    RoleCapability,
    RouteRefreshCapability,
)
from bgp.open import Open
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family, Prefix
from bgp.testing import capabilities, families, malformed_updates, messages, negotiated_sessions, routes
from bgp.update import Update

NEGOTIATED = Negotiated(four_octet_as=True)


def written(value: Representable) -> dict[str, JSON]:
    """The form, as it comes out of JSON text."""
    form: dict[str, JSON] = json.loads(json.dumps(to_json(value), allow_nan=False))
    assert form == to_json(value)
    return form


def outcome(octets: bytes, negotiated: Negotiated) -> Message | PeerError:
    """What a decoder makes of octets."""
    try:
        return decode(octets, negotiated)
    except PeerError as error:
        return error


@given(st.data(), negotiated_sessions())
def test_every_message_has_a_form(data: st.DataObject, negotiated: Negotiated) -> None:
    message: Message = data.draw(messages(negotiated))
    assert written(message)["type"] in ("OPEN", "UPDATE", "NOTIFICATION", "KEEPALIVE", "ROUTE-REFRESH")


@given(st.data(), negotiated_sessions())
def test_every_malformed_update_has_a_form(data: st.DataObject, negotiated: Negotiated) -> None:
    case = data.draw(malformed_updates(negotiated))
    form = written(outcome(case.octets, negotiated))
    if case.treatment is None:
        assert form["type"] == "UpdateError"
    else:
        assert form["treatment"] == case.treatment.name.lower().replace("_", "-")
        assert form["faults"]


@given(capabilities())
def test_every_capability_has_a_form(capability: Capability) -> None:
    assert isinstance(written(capability)["code"], int)


@given(negotiated_sessions())
def test_every_negotiation_has_a_form(negotiated: Negotiated) -> None:
    assert "context" not in written(negotiated)


def test_route() -> None:
    route = bgp.Route("2001:db8::/32", next_hop="2001:db8::1", communities=["64512:100"], path_id=7)
    assert written(route) == {
        "prefix": "2001:db8::/32",
        "path_id": 7,
        "next_hop": {"addresses": ["2001:db8::1"], "octets": "20010db8000000000000000000000001"},
        "attributes": {"origin": "igp", "as_path": [], "communities": ["64512:100"]},
        "source": None,
    }


@given(routes())
def test_every_route_has_a_form(route: bgp.Route) -> None:
    destination = route.prefix
    assert not isinstance(destination, OpaqueNLRI)
    network = destination if isinstance(destination, bgp.Prefix) else destination.network
    assert written(route)["prefix"] == str(network)


def test_open() -> None:
    message = Open(
        my_as=23456,
        hold_time=90,
        router_id="192.0.2.1",
        capabilities=[
            MultiprotocolCapability(IPV6_UNICAST),
            MultiprotocolCapability(Family(AFI.IPV4, 99), reserved=7),
            RouteRefreshCapability(),
            RoleCapability(1),
            RoleCapability(77),
            FourOctetASCapability(4200000000),
            AddPathCapability({IPV4_UNICAST: AddPathDirection.SEND | AddPathDirection.RECEIVE}),
            ExtendedNextHopCapability([(IPV4_UNICAST, AFI.IPV6), (IPV4_UNICAST, 99)]),
            GracefulRestartCapability(restart_time=120, families={IPV4_UNICAST: True}, restarting=True),
            UnknownCapability(3, b"\x01"),
            UnknownCapability(200),
        ],
    )
    assert written(message) == {
        "type": "OPEN",
        "my_as": 23456,
        "hold_time": 90,
        "router_id": "192.0.2.1",
        "capabilities": [
            {"code": 1, "name": "multiprotocol", "family": "ipv6-unicast"},
            {"code": 1, "name": "multiprotocol", "family": "1/99", "reserved": 7},
            {"code": 2, "name": "route-refresh"},
            {"code": 9, "name": "role", "role": "route-server"},
            {"code": 9, "name": "role", "role": 77},
            {"code": 65, "name": "four-octet-as", "asn": 4200000000},
            {
                "code": 69,
                "name": "add-path",
                "families": [{"family": "ipv4-unicast", "directions": ["send", "receive"]}],
            },
            {
                "code": 5,
                "name": "extended-next-hop",
                "next_hops": [
                    {"family": "ipv4-unicast", "next_hop_afi": "ipv6"},
                    {"family": "ipv4-unicast", "next_hop_afi": 99},
                ],
            },
            {
                "code": 64,
                "name": "graceful-restart",
                "restart_time": 120,
                "families": [{"family": "ipv4-unicast", "forwarding_preserved": True}],
                "restarting": True,
                "notification": False,
            },
            {"code": 3, "name": "outbound-route-filtering", "value": "01"},
            {"code": 200, "name": None, "value": ""},
        ],
        "layout": None,
    }


def test_update() -> None:
    attributes = PathAttributes(
        origin=0,
        as_path="64512 {64513 64514}",
        next_hop="192.0.2.1",
        med=7,
        atomic_aggregate=True,
        aggregator=bgp.Aggregator(64512, "192.0.2.9"),
        communities=["64512:100", "no-export"],
        large_communities=["64512:1:2"],
        extended_communities=["rt:64512:7"],
        aigp=1 << 60,
        partial=[8],
        unknown=[UnknownAttribute(AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE, 99, b"\x01\x02")],
    )
    update = Update(withdrawn=["192.0.2.0/24"], announced=["203.0.113.7/32"], attributes=attributes)
    assert written(update) == {
        "type": "UPDATE",
        "withdrawn": [{"prefix": "192.0.2.0/24"}],
        "announced": [{"prefix": "203.0.113.7/32"}],
        "attributes": {
            "origin": "igp",
            "as_path": [
                {"type": "as-sequence", "asns": [64512]},
                {"type": "as-set", "asns": [64513, 64514]},
            ],
            "next_hop": "192.0.2.1",
            "med": 7,
            "atomic_aggregate": True,
            "aggregator": {"asn": 64512, "address": "192.0.2.9"},
            "communities": ["64512:100", "no-export"],
            "large_communities": ["64512:1:2"],
            "extended_communities": ["rt:64512:7"],
            "aigp": 1 << 60,
            "partial": ["communities"],
            "unknown": [{"code": 99, "name": None, "flags": ["optional", "transitive"], "value": "0102"}],
        },
        "mp_reach": None,
        "mp_unreach": None,
        "faults": [],
        "end_of_rib": None,
        "treatment": "none",
    }


def test_routes_of_other_families() -> None:
    update = Update(
        mp_reach=bgp.MPReach(NLRI([Path("2001:db8::/32", 7)]), bgp.NextHop("2001:db8::1", "fe80::1")),
        mp_unreach=bgp.MPUnreach(NLRI([], IPV6_UNICAST)),
    )
    form = written(update)
    assert form["mp_reach"] == {
        "family": "ipv6-unicast",
        "nlri": [{"prefix": "2001:db8::/32", "path_id": 7}],
        "next_hop": {
            "addresses": ["2001:db8::1", "fe80::1"],
            "octets": "20010db8000000000000000000000001fe800000000000000000000000000001",
        },
    }
    assert form["mp_unreach"] == {"family": "ipv6-unicast", "nlri": []}


def test_the_family_of_routes() -> None:
    assert written(Update(mp_unreach=bgp.MPUnreach(NLRI([], IPV6_UNICAST))))["end_of_rib"] == "ipv6-unicast"


@pytest.mark.parametrize(
    ("destination", "expected"),
    [
        (Prefix("192.0.2.0/24"), {"prefix": "192.0.2.0/24"}),
        (LabelledPrefix("192.0.2.0/24", labels=[1, 2]), {"prefix": "192.0.2.0/24", "labels": [1, 2]}),
        (
            VPNPrefix("192.0.2.0/24", rd="64512:1"),
            {"route_distinguisher": "64512:1", "prefix": "192.0.2.0/24", "labels": []},
        ),
        (OpaqueNLRI(Family(25, 70), b"\x01\xff"), {"octets": "01ff"}),
        (Path("192.0.2.0/24", 3), {"prefix": "192.0.2.0/24", "path_id": 3}),
    ],
)
def test_destinations(destination: Prefix, expected: dict[str, JSON]) -> None:
    assert written(destination) == expected


def test_faults() -> None:
    fault = Fault(99, Treatment.AFI_SAFI_DISABLE, "it is odd", 9, b"\x80", IPV6_UNICAST)
    assert written(fault) == {
        "code": 99,
        "name": None,
        "treatment": "afi-safi-disable",
        "reason": "it is odd",
        "subcode": 9,
        "data": "80",
        "family": "ipv6-unicast",
    }
    assert written(attrs.evolve(fault, code=5))["name"] == "local-pref"


def test_notifications() -> None:
    inner = Notification.shutdown("upgrade")
    assert written(Notification.hard_reset(inner)) == {
        "type": "NOTIFICATION",
        "code": 6,
        "subcode": 9,
        "meaning": 'Cease / Hard Reset (Cease / Administrative Shutdown: "upgrade")',
        "communication": "upgrade",
        "prefix_limit": None,
        "encapsulated": {"code": 6, "subcode": 2, "data": b"\x07upgrade".hex()},
        "data": "0602" + b"\x07upgrade".hex(),
    }
    limit = written(Notification.maximum_prefixes(IPV4_UNICAST, 9))
    assert (limit["prefix_limit"], limit["encapsulated"]) == ({"family": "ipv4-unicast", "limit": 9}, None)


def test_a_hard_reset_that_is_thousands_deep() -> None:
    assert written(Notification(6, 9, b"\x06\x09" * 20000))["code"] == 6


def test_keepalive_and_route_refresh() -> None:
    assert written(Keepalive()) == {"type": "KEEPALIVE"}
    assert written(RouteRefresh(IPV4_UNICAST, 1)) == {
        "type": "ROUTE-REFRESH",
        "family": "ipv4-unicast",
        "subtype": "begin",
        "data": "",
    }


def test_errors() -> None:
    form = written(UpdateError("too short", 1, b"\x01"))
    assert (form["type"], form["reason"]) == ("UpdateError", "too short")
    assert form["notification"]["data"] == "01"  # type: ignore[index,call-overload]  # an object
    assert written(HoldTimerExpired("silence"))["type"] == "HoldTimerExpired"


def test_events_are_known_by_their_names() -> None:
    route = bgp.Route("192.0.2.0/24")
    notification = Notification.shutdown()
    some: list[Event] = [
        bgp.StateChanged(bgp.State.IDLE, bgp.State.ACTIVE),
        AttemptFailed("refused", received=notification),
        FamilyDisabled(IPV6_UNICAST, (Fault(14, Treatment.AFI_SAFI_DISABLE, "odd"),)),
        PrefixLimitWarning(IPV4_UNICAST, 8, 10),
        RefreshRequested(IPV4_UNICAST),
        bgp.RouteRefused(route, "too long"),
        bgp.Established(NEGOTIATED, Open(my_as=1, hold_time=0, router_id="192.0.2.1")),
        bgp.RoutesReceived(
            family=IPV6_UNICAST,
            announced=NLRI(["2001:db8::/32"]),
            withdrawn=NLRI([], IPV6_UNICAST),
            attributes=PathAttributes(origin=2),
            next_hop=bgp.NextHop(b"odd"),
        ),
    ]
    forms = [written(event) for event in some]
    assert [form["type"] for form in forms] == [type(event).__name__ for event in some]
    assert forms[0] == {"type": "StateChanged", "old": "Idle", "new": "Active"}
    assert forms[5]["route"] == written(route)
    assert forms[7]["next_hop"] == {"addresses": [], "octets": b"odd".hex()}


def test_an_established_session_says_what_was_negotiated() -> None:
    negotiated = Negotiated(
        four_octet_as=True,
        families=[IPV6_UNICAST, IPV4_UNICAST],
        extended_next_hop=[(IPV4_UNICAST, AFI.IPV6)],
        role=3,
    )
    form = written(negotiated)
    assert form["families"] == ["ipv4-unicast", "ipv6-unicast"]
    assert form["extended_next_hop"] == [{"family": "ipv4-unicast", "next_hop_afi": "ipv6"}]
    assert (form["peer_type"], form["hold_time"], form["role"]) == ("external", 0.0, 3)


def test_an_aigp_without_a_metric() -> None:
    wire = bytes.fromhex("801a04") + b"\x02\x00\x04\x00"
    assert written(PathAttributes.from_wire(wire)) == {"aigp": None}


def test_family_names() -> None:
    assert family_name(Family(AFI.L2VPN, 70)) == "l2vpn-evpn"
    assert family_name(Family(9999, 1)) == "9999/1"


@given(families())
def test_family_names_can_be_read(family: Family) -> None:
    assert read_family(family_name(family)) == family


@pytest.mark.parametrize("text", ["ipv4", "ipv4-unicast ", "1/1/1", "70000/1", ""])
def test_what_is_no_family(text: str) -> None:
    with pytest.raises(bgp.LocalError):
        read_family(text)


def test_families_as_people_write_them() -> None:
    assert read_family("IPv6-Unicast") == read_family("2/1") == IPV6_UNICAST
