"""What two OPENs amount to (RFC 5492, and the RFC of each capability)."""

import itertools
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp.capabilities import (
    AddPathCapability,
    Capability,
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
from bgp.errors import LocalError
from bgp.iana import AFI, AddPathDirection, Role
from bgp.negotiated import Negotiated, PeerType, RoleAgreement, role_agreement
from bgp.prefix import IPV4_UNICAST, IPV6_UNICAST, Family
from bgp.testing import capabilities
from tests.bgp.pasting import pasted

FOUR = FourOctetASCapability(64512)
V4 = MultiprotocolCapability(IPV4_UNICAST)
V6 = MultiprotocolCapability(IPV6_UNICAST)
RECEIVE, SEND = AddPathDirection.RECEIVE, AddPathDirection.SEND


def between(
    ours: list[Capability], theirs: list[Capability], peer_type: PeerType = PeerType.EXTERNAL
) -> Negotiated:
    return Negotiated.between(ours, theirs, peer_type=peer_type, hold_time=30)


def test_a_script_needs_no_more_than_the_width_of_as_numbers() -> None:
    negotiated = Negotiated(four_octet_as=True)
    assert negotiated.families == {IPV4_UNICAST}
    assert negotiated == Negotiated.between([FOUR], [FOUR], peer_type=PeerType.EXTERNAL, hold_time=0)


@pytest.mark.parametrize(
    ("theirs", "families", "four_octet_as"),
    [
        ([V4, FOUR], {IPV4_UNICAST}, True),
        ([FOUR], {IPV4_UNICAST}, True),  # from before RFC 4760
        ([V4], {IPV4_UNICAST}, False),  # from before RFC 6793
        ([], {IPV4_UNICAST}, False),
        ([V6, FOUR], set(), True),
        ([V6, V4], {IPV4_UNICAST}, False),
        ([V4, V4], {IPV4_UNICAST}, False),  # RFC 5492 4: a copy changes nothing
    ],
)
def test_families_and_as_numbers(
    theirs: list[Capability], families: set[Family], four_octet_as: bool
) -> None:
    assert between([V4, FOUR], theirs, PeerType.INTERNAL) == Negotiated(
        four_octet_as=four_octet_as, families=families, peer_type=PeerType.INTERNAL, hold_time=30
    )


def test_without_four_octets_on_our_side() -> None:
    assert not between([V4], [V4, FOUR]).four_octet_as


@given(st.lists(capabilities(), max_size=6), st.lists(capabilities(), max_size=6), st.sampled_from(PeerType))
def test_both_sides_come_to_the_same(
    ours: list[Capability], theirs: list[Capability], peer_type: PeerType
) -> None:
    mine, yours = between(ours, theirs, peer_type), between(theirs, ours, peer_type)
    assert mine.add_path_send == yours.add_path_receive
    assert mine.add_path_receive == yours.add_path_send
    for name in (
        "families",
        "four_octet_as",
        "extended_message",
        "extended_next_hop",
        "graceful_notification",
    ):
        assert getattr(mine, name) == getattr(yours, name)
    assert (mine.graceful_restart is None) == (yours.graceful_restart is None)
    assert pasted(mine) == mine
    assert hash(mine) == hash(attrs.evolve(mine))


# Messages.


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [(True, True, True), (True, False, False), (False, True, False), (False, False, False)],
)
def test_extended_messages_and_enhanced_refresh_need_both(ours: bool, theirs: bool, expected: bool) -> None:
    offers: list[Capability] = [ExtendedMessageCapability(), EnhancedRouteRefreshCapability()]
    found = between([V4, *offers * ours], [V4, *offers * theirs])
    assert found.extended_message is expected  # RFC 8654 4
    assert found.extended_message_receive is ours  # RFC 8654 4
    assert found.enhanced_route_refresh is expected  # RFC 7313 4


def test_route_refresh_needs_only_the_peer() -> None:
    # RFC 2918 4: the capability says that requests are answered.
    assert between([], [RouteRefreshCapability()]).route_refresh
    assert not between([RouteRefreshCapability()], []).route_refresh


# ADD-PATH: RFC 7911 4.


@pytest.mark.parametrize(
    ("ours", "theirs", "receive", "send"),
    [
        (RECEIVE, SEND, True, False),
        (SEND, RECEIVE, False, True),
        (RECEIVE | SEND, RECEIVE | SEND, True, True),
        (RECEIVE, RECEIVE, False, False),
        (SEND, SEND, False, False),
        (RECEIVE | SEND, SEND, True, False),
    ],
)
def test_add_path_takes_a_sender_and_a_receiver(
    ours: AddPathDirection, theirs: AddPathDirection, receive: bool, send: bool
) -> None:
    found = between([AddPathCapability({IPV4_UNICAST: ours})], [AddPathCapability({IPV4_UNICAST: theirs})])
    assert found.add_path_receive == ({IPV4_UNICAST} if receive else set())
    assert found.add_path_send == ({IPV4_UNICAST} if send else set())


def test_add_path_is_only_for_families_of_the_session() -> None:
    offer = AddPathCapability({IPV4_UNICAST: RECEIVE | SEND, IPV6_UNICAST: RECEIVE | SEND})
    found = between([V4, V6, offer], [V6, offer])
    assert found.add_path_receive == found.add_path_send == {IPV6_UNICAST}


def test_add_path_of_several_instances_adds_up_and_the_last_word_counts() -> None:
    ours: list[Capability] = [V4, V6, AddPathCapability({IPV4_UNICAST: RECEIVE, IPV6_UNICAST: RECEIVE})]
    first = AddPathCapability({IPV4_UNICAST: SEND, IPV6_UNICAST: SEND})
    found = between(ours, [V4, V6, first, AddPathCapability({IPV4_UNICAST: RECEIVE})])
    assert found.add_path_receive == {IPV6_UNICAST}
    assert found.add_path_send == set()


# Extended next hop: RFC 8950 4.


def test_extended_next_hop_needs_both_and_the_family() -> None:
    pair = (IPV4_UNICAST, AFI.IPV6)
    other = (Family(1, 128), AFI.IPV6)
    ours: list[Capability] = [V4, ExtendedNextHopCapability([pair, other])]
    assert between(ours, [V4, ExtendedNextHopCapability([pair, other])]).extended_next_hop == {pair}
    assert between(ours, [V4, ExtendedNextHopCapability([other])]).extended_next_hop == set()
    assert between(ours, [V4]).extended_next_hop == set()
    in_two: list[Capability] = [V4, ExtendedNextHopCapability([other]), ExtendedNextHopCapability([pair])]
    assert between(ours, in_two).extended_next_hop == {pair}


# Roles: RFC 9234 4.2.

_PAIRS = {
    (Role.PROVIDER, Role.CUSTOMER),
    (Role.CUSTOMER, Role.PROVIDER),
    (Role.ROUTE_SERVER, Role.ROUTE_SERVER_CLIENT),
    (Role.ROUTE_SERVER_CLIENT, Role.ROUTE_SERVER),
    (Role.PEER, Role.PEER),
}


@pytest.mark.parametrize(("ours", "theirs"), list(itertools.product([*Role, 5], [*Role, 5])))
def test_five_pairs_of_roles_fit(ours: int, theirs: int) -> None:
    expected = RoleAgreement.AGREED if (ours, theirs) in _PAIRS else RoleAgreement.MISMATCH
    found = between([RoleCapability(ours)], [RoleCapability(theirs)])
    assert found.role_agreement is role_agreement(ours, [theirs]) is expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([], [], RoleAgreement.UNKNOWN),
        ([Role.PEER], [], RoleAgreement.UNKNOWN),
        ([], [Role.PEER], RoleAgreement.UNKNOWN),
        ([Role.PEER], [Role.PEER, Role.PEER], RoleAgreement.AGREED),
        ([Role.PEER], [Role.PEER, Role.CUSTOMER], RoleAgreement.MISMATCH),
        ([], [Role.PEER, Role.CUSTOMER], RoleAgreement.MISMATCH),
    ],
)
def test_roles_that_are_missing_or_many(
    ours: list[Role], theirs: list[Role], expected: RoleAgreement
) -> None:
    found = between([RoleCapability(role) for role in ours], [RoleCapability(role) for role in theirs])
    assert found.role_agreement is expected
    assert found.peer_roles == set(theirs)
    assert repr(expected) == f"RoleAgreement.{expected.name}"


@pytest.mark.parametrize("peer_type", [PeerType.INTERNAL, PeerType.CONFEDERATION])
def test_roles_are_for_external_sessions(peer_type: PeerType) -> None:
    found = between([RoleCapability(Role.PEER)], [RoleCapability(Role.CUSTOMER)], peer_type)
    assert found.role is None
    assert not found.peer_roles
    assert found.role_agreement is RoleAgreement.UNKNOWN


# Graceful restart: RFC 4724, RFC 8538, RFC 9494.

PLAIN = GracefulRestartCapability(restart_time=60)
WITH_N = GracefulRestartCapability(restart_time=90, notification=True)
LONG = LongLivedGracefulRestartCapability({IPV4_UNICAST: 3600})
LONGER = LongLivedGracefulRestartCapability({IPV4_UNICAST: 7200})


def test_graceful_restart_is_what_the_peer_says() -> None:
    assert between([PLAIN], [WITH_N]).graceful_restart == WITH_N
    assert between([], [WITH_N]).graceful_restart is None
    assert between([PLAIN], []).graceful_restart is None


def test_the_last_instance_counts() -> None:
    # RFC 4724 3.
    found = between([WITH_N], [WITH_N, PLAIN])
    assert found.graceful_restart == PLAIN
    assert not found.graceful_notification


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [(WITH_N, WITH_N, True), (WITH_N, PLAIN, False), (PLAIN, WITH_N, False), (WITH_N, None, False)],
)
def test_notifications_keep_routes_if_both_say_so(
    ours: GracefulRestartCapability, theirs: GracefulRestartCapability | None, expected: bool
) -> None:
    # RFC 8538 4.
    assert between([ours], [theirs] if theirs else []).graceful_notification is expected


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ([PLAIN, LONG], [PLAIN, LONGER], LONGER),
        ([PLAIN, LONG], [PLAIN, LONG, LONGER], LONGER),
        ([PLAIN, LONG], [LONGER], None),  # RFC 9494 4.5
        ([LONG], [PLAIN, LONGER], None),
        ([PLAIN], [PLAIN, LONGER], None),
        ([PLAIN, LONG], [PLAIN], None),
    ],
)
def test_long_lived_needs_graceful_restart_beside(
    ours: list[Capability],
    theirs: list[Capability],
    expected: LongLivedGracefulRestartCapability | None,
) -> None:
    assert between(ours, theirs).long_lived_graceful_restart == expected


# What people want to know.


def test_names() -> None:
    name = FQDNCapability("r1", "example.net")
    found = between([], [name, SoftwareVersionCapability("x 1")])
    assert (found.peer_name, found.peer_software) == (name, "x 1")
    assert (between([name], []).peer_name, between([name], []).peer_software) == (None, None)


# The key of memos.


def test_the_context_tells_apart_what_the_octets_of_attributes_depend_on() -> None:
    sessions = [
        Negotiated(four_octet_as=wide, peer_type=peer_type, reject_as_sets=reject)
        for wide, peer_type, reject in itertools.product([False, True], PeerType, [False, True])
    ]
    assert len({negotiated.context for negotiated in sessions}) == len(sessions)
    assert all(isinstance(negotiated.context, int) for negotiated in sessions)
    wide = Negotiated(four_octet_as=True)
    assert wide.context == Negotiated(four_octet_as=True, hold_time=90, extended_message=True).context
    assert attrs.evolve(wide, four_octet_as=False).context == Negotiated(four_octet_as=False).context


def test_the_choice_about_as_sets_is_taken_over() -> None:
    found = Negotiated.between([], [], peer_type=PeerType.EXTERNAL, hold_time=0, reject_as_sets=True)
    assert found.reject_as_sets


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("four_octet_as", "yes", "four_octet_as 'yes', must be bool"),
        ("peer_type", ..., "peer_type Ellipsis, must be PeerType"),
        ("peer_type", "internal", "peer_type 'internal', must be PeerType"),
        ("families", ["ipv4"], "families 'ipv4', must be Family"),
        ("add_path_send", IPV4_UNICAST, "must be a list"),
        ("extended_next_hop", [5], "next hops 5, must be tuple"),
        ("hold_time", "90", "hold_time '90' s, must be 0 to 65535"),
        ("role", 256, "role 256, must be 0 to 255"),
        ("peer_roles", ["x"], "role 'x', must be 0 to 255"),
        ("graceful_restart", True, "graceful_restart 1, must be GracefulRestartCapability or None"),
    ],
)
def test_refuses_other_types(field: str, value: object, message: str) -> None:
    values: Any = {"four_octet_as": True, field: value}
    with pytest.raises(LocalError, match=message):
        Negotiated(**values)


def test_negotiates_capabilities_alone() -> None:
    wrong: Any = [5]
    with pytest.raises(LocalError, match="theirs 5, must be"):
        between([FOUR], wrong)
