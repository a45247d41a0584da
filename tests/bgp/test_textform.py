"""The text form: it says everything, in lines that no peer can break."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bgp
from bgp import Negotiated, PathAttributes, decode
from bgp.attributes import UnknownAttribute
from bgp.capabilities import Capability, UnknownCapability
from bgp.errors import OpenError, PeerError, UpdateError
from bgp.events import AttemptFailed, EndOfRib, Event, FamilyDisabled, PrefixLimitWarning, RouteRefused
from bgp.faults import Fault, Treatment
from bgp.iana import AFI, AddPathDirection, AttributeFlag
from bgp.labelled import LabelledPrefix, VPNPrefix
from bgp.messages import Keepalive, Message, RouteRefresh
from bgp.nlri import NLRI, OpaqueNLRI, Path
from bgp.notification import Notification
from bgp.offers import (
    AddPathCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    LongLivedFamily,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RestartFamily,
    RoleCapability,
    RouteRefreshCapability,
    SoftwareVersionCapability,
)
from bgp.open import Open, ParameterLayout
from bgp.prefix import IPV4_MULTICAST, IPV4_UNICAST, IPV6_UNICAST, Family
from bgp.testing import capabilities, malformed_updates, messages, negotiated_sessions
from bgp.textform import capability_text, to_text
from bgp.update import Update

GOLDEN = """\
UPDATE, treat-as-withdraw
  withdrawn: 192.0.2.0/24
  announced: 203.0.113.7/32, 203.0.113.8/32
  ORIGIN: igp [well-known, transitive]
  AS_PATH: 64512 {64513 64514} [well-known, transitive]
  MULTI_EXIT_DISC: 7 [optional]
  ATOMIC_AGGREGATE [well-known, transitive]
  AGGREGATOR: AS 64512, 192.0.2.9 [optional, transitive]
  COMMUNITIES: 64512:100 no-export [optional, transitive, partial]
  PREFIX_SID: 0x01 [optional, transitive]
  attribute 99 [optional]
  fault: NEXT_HOP is missing; treat-as-withdraw, once UPDATE Message Error / Missing Well Known Attribute; 0x03"""


def sound(value: Message | Event | PeerError) -> str:
    """The text of a value, of which all lines are fit for a terminal."""
    text = to_text(value)
    lines = text.split("\n")
    assert all(line.isprintable() and line.strip() for line in lines), text
    return text


@given(st.data(), negotiated_sessions())
def test_every_message_has_a_text(data: st.DataObject, negotiated: Negotiated) -> None:
    sound(data.draw(messages(negotiated)))


@given(st.data(), negotiated_sessions())
def test_every_malformed_update_has_a_text(data: st.DataObject, negotiated: Negotiated) -> None:
    case = data.draw(malformed_updates(negotiated))
    try:
        outcome: Message | PeerError = decode(case.octets, negotiated)
    except PeerError as error:
        outcome = error
    headline = (
        "ERROR" if case.treatment is None else "UPDATE, " + case.treatment.name.lower().replace("_", "-")
    )
    assert sound(outcome).startswith(headline)


@given(capabilities())
def test_every_capability_has_a_text(capability: Capability) -> None:
    assert capability_text(capability).isprintable()


@given(negotiated_sessions())
def test_every_negotiation_has_a_text(negotiated: Negotiated) -> None:
    sound(bgp.Established(negotiated, Open(my_as=1, hold_time=0, router_id="192.0.2.1")))


def test_update() -> None:
    attributes = PathAttributes(
        origin=0,
        as_path="64512 {64513 64514}",
        med=7,
        atomic_aggregate=True,
        aggregator=bgp.Aggregator(64512, "192.0.2.9"),
        communities=["64512:100", "no-export"],
        partial=[8],
        unknown=[
            UnknownAttribute(AttributeFlag.OPTIONAL, 99),
            UnknownAttribute(AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE, 40, b"\x01"),
        ],
    )
    update = Update(
        withdrawn=["192.0.2.0/24"], announced=["203.0.113.7/32", "203.0.113.8/32"], attributes=attributes
    )
    negotiated = Negotiated(four_octet_as=True)
    assert to_text(decode(bgp.encode(update, negotiated), negotiated)) == GOLDEN


def test_update_of_other_families() -> None:
    update = Update(
        attributes=PathAttributes(origin=2, as_path=[]),
        mp_reach=bgp.MPReach(NLRI([Path("2001:db8::/32", 7)]), bgp.NextHop("2001:db8::1", "fe80::1")),
        mp_unreach=bgp.MPUnreach(NLRI([], Family(25, 70))),
    )
    assert to_text(update).split("\n  ") == [
        "UPDATE",
        "withdrawn of l2vpn evpn: none",
        "announced of ipv6 unicast: 2001:db8::/32 path 7",
        "next hop: 2001:db8::1, fe80::1",
        "ORIGIN: incomplete [well-known, transitive]",
        "AS_PATH: empty [well-known, transitive]",
    ]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (LabelledPrefix("192.0.2.0/24", labels=[1, 2]), "192.0.2.0/24 label 1/2"),
        (VPNPrefix("192.0.2.0/24", rd="64512:1"), "64512:1:192.0.2.0/24"),
        (OpaqueNLRI(Family(25, 70), b"\x01\xff"), "0x01ff"),
    ],
)
def test_destinations(item: OpaqueNLRI, expected: str) -> None:
    line = to_text(Update(mp_unreach=bgp.MPUnreach(NLRI([item])))).split("\n  ")[1]
    assert line == f"withdrawn of {item.family}: {expected}"


def test_end_of_rib() -> None:
    assert to_text(Update()) == "UPDATE, End-of-RIB of ipv4 unicast"


def test_an_aigp_without_a_metric() -> None:
    attributes = PathAttributes.from_wire(bytes.fromhex("801a04") + b"\x02\x00\x04\x00")
    assert "AIGP: no metric [optional]" in to_text(Update(announced=["192.0.2.0/24"], attributes=attributes))


def test_a_fault_in_no_attribute() -> None:
    fault = Fault(0, Treatment.TREAT_AS_WITHDRAW, "cut short")
    expected = "fault: cut short; treat-as-withdraw, once UPDATE Message Error / Unspecific"
    assert to_text(Update(faults=[fault])).split("\n  ")[1:] == [expected]


OFFERS: dict[str, Capability] = {
    "1 multiprotocol: ipv6 unicast": MultiprotocolCapability(IPV6_UNICAST),
    "2 route-refresh": RouteRefreshCapability(),
    "5 extended-next-hop: ipv4 unicast through ipv6, ipv4 unicast through 99": ExtendedNextHopCapability(
        [(IPV4_UNICAST, AFI.IPV6), (IPV4_UNICAST, 99)]
    ),
    "9 role: route-server": RoleCapability(1),
    "9 role: 77": RoleCapability(77),
    "64 graceful-restart: 120 s, restarting, after NOTIFICATIONs too, ipv4 unicast (forwarding preserved), "
    "ipv6 unicast": GracefulRestartCapability(
        restart_time=120,
        families=[RestartFamily(IPV4_UNICAST, True), RestartFamily(IPV6_UNICAST)],
        restarting=True,
        notification=True,
    ),
    "64 graceful-restart: 0 s": GracefulRestartCapability(),
    "65 four-octet-as: 4200000000": FourOctetASCapability(4200000000),
    "69 add-path: ipv4 unicast send/receive": AddPathCapability(
        {IPV4_UNICAST: AddPathDirection.SEND | AddPathDirection.RECEIVE}
    ),
    "71 long-lived-graceful-restart: ipv4 unicast for 9 s (forwarding preserved), ipv6 unicast for 8 s": (
        LongLivedGracefulRestartCapability(
            [LongLivedFamily(IPV4_UNICAST, 9, True), LongLivedFamily(IPV6_UNICAST, 8)]
        )
    ),
    r"73 fqdn: router\x1b.example.net": FQDNCapability("router\x1b", "example.net"),
    "73 fqdn: router": FQDNCapability("router"),
    r"75 software-version: BIRD\n2": SoftwareVersionCapability("BIRD\n2"),
    "200: 0x01": UnknownCapability(200, b"\x01"),
    "201": UnknownCapability(201),
}


@pytest.mark.parametrize("text", OFFERS)
def test_capabilities(text: str) -> None:
    assert capability_text(OFFERS[text]) == text


def test_open() -> None:
    plain = Open(my_as=64512, hold_time=90, router_id="192.0.2.1")
    assert to_text(plain) == "OPEN: AS 64512, hold time 90 s, router ID 192.0.2.1"
    wide = Open(
        my_as=23456,
        hold_time=90,
        router_id="192.0.2.1",
        capabilities=[FourOctetASCapability(4200000000)],
        layout=ParameterLayout([1, 0]),
    )
    assert to_text(wide).split("\n  ") == [
        "OPEN: AS 4200000000 (23456 in two octets), hold time 90 s, router ID 192.0.2.1",
        "capability 65 four-octet-as: 4200000000",
        "in 2 optional parameters",
    ]
    extended = attrs.evolve(wide, layout=ParameterLayout([1], extended=True))
    assert to_text(extended).endswith("in 1 optional parameters, with extended lengths")


def test_messages_without_routes() -> None:
    assert to_text(Keepalive()) == "KEEPALIVE"
    assert to_text(RouteRefresh(IPV4_UNICAST)) == "ROUTE-REFRESH: request of ipv4 unicast"
    assert to_text(RouteRefresh(IPV4_UNICAST, 9, b"\x01")) == (
        "ROUTE-REFRESH: subtype 9 of ipv4 unicast\n  data: 0x01"
    )
    assert to_text(Notification(4)) == "NOTIFICATION 4/0: Hold Timer Expired"
    assert to_text(Notification.shutdown("a\nb")) == (
        'NOTIFICATION 6/2: Cease / Administrative Shutdown: "a\\nb"\n  data: 0x03610a62'
    )


def test_errors() -> None:
    assert to_text(OpenError("BGP version 3", 1, b"\0\4")).split("\n  ") == [
        "ERROR: BGP version 3",
        "to be answered with NOTIFICATION 2/1: OPEN Message Error / Unsupported Version Number",
        "to be answered with data: 0x0004",
    ]
    assert to_text(UpdateError("odd")).endswith("NOTIFICATION 3/0: UPDATE Message Error / Unspecific")


def test_established() -> None:
    negotiated = Negotiated(
        four_octet_as=False,
        families=[IPV6_UNICAST, IPV4_UNICAST],
        hold_time=90,
        extended_message=True,
        add_path_receive=[IPV4_UNICAST],
        add_path_send=[IPV6_UNICAST],
        graceful_restart=GracefulRestartCapability(restart_time=60),
        role=3,
        peer_roles=[0, 9],
        peer_name=FQDNCapability("router", "example.net"),
        peer_software="BIRD",
    )
    opened = Open(my_as=64513, hold_time=90, router_id="192.0.2.2")
    assert to_text(bgp.Established(negotiated, opened)).split("\n  ") == [
        "established with AS 64513, router ID 192.0.2.2",
        "external session, hold time 90 s, ipv4 unicast, ipv6 unicast",
        "AS numbers of two octets",
        "extended messages",
        "path identifiers from the peer in ipv4 unicast",
        "path identifiers to the peer in ipv6 unicast",
        "the peer's graceful restart: 60 s",
        "the peer's role: provider, 9",
        "the peer's name: router.example.net",
        "the peer's software: BIRD",
    ]
    usual = bgp.Established(Negotiated(four_octet_as=True, families=[]), opened)
    assert to_text(usual).split("\n  ")[1:] == ["external session, no hold time, no family"]


def test_routes_received() -> None:
    attributes = PathAttributes(
        origin=0,
        as_path="64513",
        next_hop="192.0.2.2",
        atomic_aggregate=True,
        unknown=[UnknownAttribute(AttributeFlag.OPTIONAL, 99, b"\x01")],
    )
    event = bgp.RoutesReceived(
        family=IPV4_UNICAST,
        announced=NLRI(["192.0.2.0/24", "203.0.113.0/24"]),
        withdrawn=NLRI(["198.51.100.0/24"]),
        attributes=attributes,
        faults=(Fault(5, Treatment.ATTRIBUTE_DISCARD, "LOCAL_PREF: from outside"),),
    )
    about = "origin igp, as path 64513, next hop 192.0.2.2, atomic aggregate, attribute 99 0x01"
    assert to_text(event).split("\n") == [
        "- 198.51.100.0/24",
        f"+ 192.0.2.0/24 {about}",
        f"+ 203.0.113.0/24 {about}",
        "fault: LOCAL_PREF: from outside; attribute-discard, once UPDATE Message Error / Unspecific",
    ]


def test_routes_received_of_other_families() -> None:
    event = bgp.RoutesReceived(
        family=IPV4_MULTICAST,
        announced=NLRI([bgp.Prefix("192.0.2.0/24", IPV4_MULTICAST)]),
        withdrawn=NLRI([], IPV4_MULTICAST),
        attributes=PathAttributes(origin=0),
        next_hop=bgp.NextHop("192.0.2.2"),
    )
    assert to_text(event) == "+ ipv4 multicast 192.0.2.0/24 next hop 192.0.2.2, origin igp"
    gone = attrs.evolve(event, announced=event.withdrawn, withdrawn=event.announced)
    assert to_text(gone) == "- ipv4 multicast 192.0.2.0/24"


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (bgp.StateChanged(bgp.State.OPEN_SENT, bgp.State.IDLE), "OpenSent -> Idle"),
        (bgp.SessionClosed("hold timer"), "session closed: hold timer"),
        (AttemptFailed("refused"), "attempt failed: refused"),
        (EndOfRib(IPV4_UNICAST), "end of rib: ipv4 unicast"),
        (PrefixLimitWarning(IPV4_UNICAST, 8, 10), "prefix limit warning: ipv4 unicast, 8, 10"),
        (RouteRefused(bgp.Route("192.0.2.0/24"), "too long"), "route refused: 192.0.2.0/24, too long"),
        (
            FamilyDisabled(IPV6_UNICAST, (Fault(14, Treatment.AFI_SAFI_DISABLE, "odd"),)),
            "family disabled: ipv6 unicast, odd",
        ),
    ],
)
def test_other_events(event: Event, expected: str) -> None:
    assert sound(event) == expected
