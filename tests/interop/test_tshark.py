"""tshark as a second decoder: what our encoder writes, it reads as the values that we wrote.

A capture holds connections, each with both OPENs and then messages: a fixed one for each attribute, capability and
family, or hundreds drawn from the strategies of `bgp.testing`. What tshark 4.0 does not read is counted, so that no
more than this stays out of the comparison:

    OPEN        the long form of parameters (RFC 9072); of roles (RFC 9234), long-lived graceful restart (RFC 9494),
                software versions and whatever `UnknownCapability` stands for, all but type and length
    attributes  of ONLY_TO_CUSTOMER (RFC 9234) and IPv6 extended communities (RFC 5701), all but flags, type and length;
                of extended communities that are neither route target nor route origin, all but type and subtype
    NLRI        VPN with path identifiers, or of IPv6, or with a route distinguisher of a type that nobody has assigned;
                a default route with labels, or with more routes behind it; families that we do not read either
    context     tshark is told how many octets AS numbers have, since otherwise it guesses. Whether prefixes have path
                identifiers it guesses all the same, from their octets, and a wrong guess ends what it reads
"""

import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import bgp.nlri
from bgp import (
    NLRI,
    AddPathDirection,
    Aggregator,
    AttributeCode,
    AttributeFlag,
    Capability,
    CeaseSubcode,
    Keepalive,
    LabelledPrefix,
    Message,
    MPReach,
    MPUnreach,
    Negotiated,
    NextHop,
    Notification,
    Open,
    Origin,
    PathAttributes,
    PeerType,
    Prefix,
    Role,
    RouteRefresh,
    UnknownAttribute,
    Update,
    VPNPrefix,
    encode,
)
from bgp.attributes import AttributeValues
from bgp.attributetable import ROWS
from bgp.capabilities import UnknownCapability
from bgp.iana import WELL_KNOWN_COMMUNITIES, RefreshSubtype
from bgp.nlri import Destination
from bgp.offers import (
    AddPathCapability,
    EnhancedRouteRefreshCapability,
    ExtendedMessageCapability,
    ExtendedNextHopCapability,
    FourOctetASCapability,
    FQDNCapability,
    GracefulRestartCapability,
    LongLivedGracefulRestartCapability,
    MultiprotocolCapability,
    RoleCapability,
    RouteRefreshCapability,
    SoftwareVersionCapability,
)
from bgp.prefix import (
    IPV4_MULTICAST,
    IPV4_UNICAST,
    IPV4_VPN,
    IPV6_MULTICAST,
    IPV6_UNICAST,
    Family,
)
from bgp.testing import READABLE_FAMILIES, notifications, opens, route_refreshes, updates
from tests.interop.comparison import (
    GUESSED_PATH_IDS,
    LABELLED_DEFAULT_ROUTE,
    PATH_IDS_OF_VPN,
    UNKNOWN_DISTINGUISHER,
    VPN_IPV6,
    compare,
)
from tests.interop.dissection import dissect
from tests.interop.pcap import Connection, write

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark (Debian: tshark)")

_T = TypeVar("_T")

WIDTHS = pytest.mark.parametrize("wide", [True, False], ids=["four octets", "two octets"])


def session(*, wide: bool, add_path: bool = False) -> Negotiated:
    """A session in which every attribute may be sent, and messages of every length."""
    families = READABLE_FAMILIES if add_path else ()
    return Negotiated(
        four_octet_as=wide,
        peer_type=PeerType.INTERNAL,
        families=READABLE_FAMILIES,
        add_path_send=families,
        extended_message=True,
    )


def greeting(negotiated: Negotiated, direction: AddPathDirection) -> Open:
    """The OPEN of one side of such a session."""
    capabilities: list[Capability] = [MultiprotocolCapability(family) for family in READABLE_FAMILIES]
    if negotiated.four_octet_as:
        capabilities.append(FourOctetASCapability(64512))
    if negotiated.add_path_send:
        capabilities.append(AddPathCapability([(family, direction) for family in READABLE_FAMILIES]))
    return Open(my_as=64512, hold_time=90, router_id="192.0.2.1", capabilities=capabilities)


def examined(path: Path, conversations: Iterable[tuple[Negotiated, list[Message]]]) -> Counter[str]:
    """Let tshark read conversations in sessions of one AS width, and compare; count what was left out."""
    frames: list[bytes] = []
    sent: list[tuple[Message, bytes]] = []
    wide = True
    for number, (negotiated, messages) in enumerate(conversations):
        wide, connection = negotiated.four_octet_as, Connection(number)
        ours, theirs = (
            greeting(negotiated, way) for way in (AddPathDirection.SEND, AddPathDirection.RECEIVE)
        )
        for message, dialling in [(theirs, False), *((each, True) for each in (ours, *messages))]:
            octets = encode(message, negotiated)
            sent.append((message, octets))
            frames.append(connection.frame(octets, dialling=dialling))
    write(path, frames)
    dissected = dissect(path, as_octets=4 if wide else 2)
    assert len(dissected) == len(sent)
    left_out: Counter[str] = Counter()
    for (message, octets), field in zip(sent, dissected, strict=True):
        try:
            left_out.update(compare(message, octets, wide, field))
        except Exception as error:
            error.add_note(f"{message}\n{octets.hex()}")
            raise
    return left_out


def is_known(update: Update) -> bool:
    """Whether an UPDATE holds no octets that are garbage to whoever knows more attributes and families than we do."""
    parts = [part for part in (update.mp_reach, update.mp_unreach) if part is not None]
    strange = (AttributeCode.has(attribute.code) for attribute in update.attributes.unknown)
    return all(part.nlri.is_known for part in parts) and not any(strange)


def drawn(strategy: st.SearchStrategy[_T], count: int) -> list[_T]:
    """So many values of a strategy, the same each time."""
    found: list[_T] = []

    @settings(
        derandomize=True,
        database=None,
        max_examples=count,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def draw(value: _T) -> None:
        found.append(value)

    draw()
    return found


# One of each.

ROUTES: dict[str, Destination] = {
    "198.51.100.0/25": Prefix("198.51.100.0/25"),
    "2001:db8::/33": Prefix("2001:db8::/33"),
    "192.0.2.0/24": Prefix("192.0.2.0/24", IPV4_MULTICAST),
    "2001:db8:1::/48": Prefix("2001:db8:1::/48", IPV6_MULTICAST),
    "198.51.100.0/25 label 100/200": LabelledPrefix("198.51.100.0/25", labels=[100, 200]),
    "2001:db8::/33 label 1048575": LabelledPrefix("2001:db8::/33", labels=[0xFFFFF]),
    "64512:1:198.51.100.0/25 label 100/200": VPNPrefix("198.51.100.0/25", rd="64512:1", labels=[100, 200]),
    "192.0.2.1:1:198.51.100.0/25 label 3": VPNPrefix("198.51.100.0/25", rd="192.0.2.1:1", labels=[3]),
    "70000:1:198.51.100.0/25 label 16": VPNPrefix("198.51.100.0/25", rd="70000:1", labels=[16]),
    "64512:1:2001:db8::/33 label 100": VPNPrefix("2001:db8::/33", rd="64512:1", labels=[100]),
}
"""By their text, as in `ATTRIBUTES`: they are their octets."""

GONE: list[Destination] = [
    *list(ROUTES.values())[:4],
    LabelledPrefix("198.51.100.0/25"),
    LabelledPrefix("2001:db8::/33"),
    VPNPrefix("198.51.100.0/25", rd="64512:1"),
    VPNPrefix("2001:db8::/33", rd="64512:1"),
]

PLAIN = PathAttributes(origin=Origin.IGP, as_path=[64512, 70000], next_hop="192.0.2.1")

ATTRIBUTES: list[AttributeValues] = [
    {"origin": Origin.EGP},
    {"origin": Origin.INCOMPLETE},
    {"as_path": ""},
    {"as_path": "1 2 {3 4} (5 6) [7 8] 9 | 10"},
    {"as_path": "1 4200000000 {70000}", "aggregator": Aggregator(70000, "192.0.2.9")},
    {"as_path": [64512] * 300},
    {"med": 0, "local_pref": 0xFFFFFFFF, "atomic_aggregate": True},
    {"aggregator": Aggregator(64512, "192.0.2.9")},
    {"communities": ["64512:100", "0:0", *WELL_KNOWN_COMMUNITIES], "partial": [AttributeCode.COMMUNITIES]},
    {"large_communities": ["64512:1:2", "4294967295:0:4294967295"]},
    {"extended_communities": ["rt:64512:7", "rt:192.0.2.1:7", "rt:70000:7", "soo:64512:7", "color:0:100"]},
    {"ipv6_extended_communities": ["rt:[2001:db8::1]:7"]},
    {"originator_id": "192.0.2.3", "cluster_list": ["192.0.2.4", "192.0.2.5"]},
    {"aigp": 0xFFFFFFFFFFFFFFFF, "only_to_customer": 64512},
    {"unknown": [UnknownAttribute(AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE, 250, bytes(300))]},
]

CAPABILITIES: list[Capability] = [
    *map(MultiprotocolCapability, READABLE_FAMILIES),
    RouteRefreshCapability(),
    ExtendedNextHopCapability({(IPV4_UNICAST, 2), (IPV4_VPN, 2)}),
    ExtendedMessageCapability(),
    RoleCapability(Role.CUSTOMER),
    GracefulRestartCapability(
        restart_time=4095, families={IPV4_UNICAST: True, IPV6_UNICAST: False}, notification=True
    ),
    GracefulRestartCapability(restart_time=1, restarting=True),
    FourOctetASCapability(4200000000),
    AddPathCapability(zip(READABLE_FAMILIES, [AddPathDirection(n % 3 + 1) for n in range(8)], strict=True)),
    EnhancedRouteRefreshCapability(),
    LongLivedGracefulRestartCapability({IPV4_UNICAST: 600}),
    FQDNCapability("router", "example.net"),
    SoftwareVersionCapability("speaker 1.0"),
    UnknownCapability(200, b"abc"),
]


def next_hop(family: Family) -> NextHop:
    """A next hop as such routes have it; both addresses where there can be two."""
    return NextHop("192.0.2.1") if family.afi == 1 else NextHop("2001:db8::1", "fe80::1")


def in_lists(destinations: Iterable[Destination], add_path: bool) -> list[NLRI]:
    """Each destination in a list of its own, with a path identifier if wanted."""
    return [NLRI([bgp.nlri.Path(each, 0x01020304) if add_path else each]) for each in destinations]


def attributes_of(values: AttributeValues) -> PathAttributes:
    """Attributes that hold what they were made of: they are octets, so comparing them alone would not tell."""
    attributes = PLAIN.evolve(**values)
    given = dict(values)
    for row in ROWS:
        if row.field in given:
            assert getattr(attributes, row.field) == row.convert(given[row.field])
    return attributes


@WIDTHS
def test_every_attribute(tmp_path: Path, wide: bool) -> None:
    messages: list[Message] = [
        Update(announced=["203.0.113.0/24", "10.0.0.0/8"], attributes=attributes_of(values))
        for values in ATTRIBUTES
    ]
    left_out = examined(tmp_path / "attributes.pcap", [(session(wide=wide), messages)])
    assert left_out.keys() == {"attribute 25", "attribute 35", "attribute 250"}


@pytest.mark.parametrize("add_path", [False, True], ids=["plain", "path identifiers"])
def test_every_family(tmp_path: Path, add_path: bool) -> None:
    assert list(map(str, ROUTES.values())) == list(ROUTES)
    reaches = [MPReach(nlri, next_hop(nlri.family)) for nlri in in_lists(ROUTES.values(), add_path)]
    for reach in reaches:
        assert reach.next_hop.addresses == next_hop(reach.family).addresses
    first, default = in_lists([ROUTES["198.51.100.0/25"], Prefix("0.0.0.0/0")], add_path)
    messages: list[Message] = [
        *(Update(attributes=PLAIN, mp_reach=reach) for reach in [*reaches, MPReach(first, "2001:db8::1")]),
        *(Update(mp_unreach=MPUnreach(nlri)) for nlri in in_lists(GONE, add_path)),
        *(Update(mp_unreach=MPUnreach(NLRI([], family))) for family in READABLE_FAMILIES),
        Update(withdrawn=first, announced=default, attributes=PLAIN),
    ]
    left_out = examined(tmp_path / "families.pcap", [(session(wide=True, add_path=add_path), messages)])
    assert left_out.keys() == {PATH_IDS_OF_VPN if add_path else VPN_IPV6}


def test_every_capability(tmp_path: Path) -> None:
    messages: list[Message] = [
        Open(my_as=64512, hold_time=hold_time, router_id="192.0.2.1", capabilities=[each])
        for each in CAPABILITIES
        for hold_time in (0, 65535)
    ]
    left_out = examined(tmp_path / "capabilities.pcap", [(session(wide=True), messages)])
    # Roles, long-lived graceful restart, software versions, and the one that nobody knows.
    assert left_out.keys() == {"capability 9", "capability 71", "capability 75", "capability 200"}


def test_every_notification_and_refresh(tmp_path: Path) -> None:
    messages: list[Message] = [
        Keepalive(),
        Notification.shutdown("maintenance, back at 6"),
        Notification.reset("très court"),
        Notification.hard_reset(Notification.cease(CeaseSubcode.PEER_DE_CONFIGURED)),
        Notification.maximum_prefixes(IPV4_UNICAST, 1000),
        *(Notification(code, subcode) for code in range(1, 8) for subcode in range(12)),
        *(RouteRefresh(family, subtype) for family in READABLE_FAMILIES for subtype in RefreshSubtype),
    ]
    assert not examined(tmp_path / "others.pcap", [(session(wide=True), messages)])


# What strategies think of.


@WIDTHS
def test_updates_of_every_kind(tmp_path: Path, wide: bool) -> None:
    sessions = [session(wide=wide, add_path=add_path) for add_path in (False, True)]
    conversations = [(each, list[Message](drawn(updates(each).filter(is_known), 150))) for each in sessions]
    left_out = examined(tmp_path / "updates.pcap", conversations)
    lists = (GUESSED_PATH_IDS, PATH_IDS_OF_VPN, VPN_IPV6, UNKNOWN_DISTINGUISHER, LABELLED_DEFAULT_ROUTE)
    assert sum(left_out[reason] for reason in lists) < 100


def test_other_messages_of_every_kind(tmp_path: Path) -> None:
    others = opens() | notifications() | route_refreshes() | st.just(Keepalive())
    examined(tmp_path / "others.pcap", [(session(wide=True), drawn(others, 200))])
