"""RFC 9234: roles, and routes that are only for customers. Some of the rules for routes are in `notyet.py`."""

from typing import Any

import pytest

from bgp import (
    AttributeFlag,
    Capability,
    Negotiated,
    Notification,
    Open,
    Origin,
    PathAttributes,
    PeerType,
    Role,
    State,
    Treatment,
    Update,
    decode,
    encode,
)
from bgp.capabilities import UnknownCapability
from bgp.iana import AttributeCode, ErrorCode, OpenSubcode
from bgp.negotiated import RoleAgreement
from bgp.offers import RoleCapability
from bgp.router import Router
from tests.conformance import routing
from tests.conformance.neighbour import Neighbour
from tests.conformance.octets import EXTERNAL, attribute, capabilities, open_message, received, route_with
from tests.conformance.requirements import rfc

PAIRS = {
    (Role.PROVIDER, Role.CUSTOMER),
    (Role.CUSTOMER, Role.PROVIDER),
    (Role.ROUTE_SERVER, Role.ROUTE_SERVER_CLIENT),
    (Role.ROUTE_SERVER_CLIENT, Role.ROUTE_SERVER),
    (Role.PEER, Role.PEER),
}


def agreement(ours: list[int], theirs: list[int], peer_type: PeerType = PeerType.EXTERNAL) -> RoleAgreement:
    """Whether speakers that state such roles agree."""
    sides = [[RoleCapability(role) for role in side] for side in (ours, theirs)]
    return Negotiated.between(*sides, peer_type=peer_type, hold_time=0).role_agreement


def offers_of(*values: str) -> tuple[Capability, ...]:
    value = decode(open_message(parameters=capabilities(*values)), EXTERNAL)
    assert isinstance(value, Open)
    return value.capabilities


@rfc("9234 4.1", "MUST state the role by capability 9, in one octet")
def test_capability() -> None:
    for number, role in enumerate(["PROVIDER", "ROUTE_SERVER", "ROUTE_SERVER_CLIENT", "CUSTOMER", "PEER"]):
        value = Open(my_as=1, hold_time=90, router_id="192.0.2.1", capabilities=[RoleCapability(Role[role])])
        assert encode(value, EXTERNAL).endswith(bytes([9, 1, number]))
        assert offers_of(f"0901 {number:02x}") == (RoleCapability(Role[role]),)


@rfc("9234 4.1", "MUST NOT take a role of another length than one octet for one")
@pytest.mark.parametrize("value", ["0900", "0902 0001"])
def test_length_of_the_capability(value: str) -> None:
    [offer] = offers_of(value)
    assert isinstance(offer, UnknownCapability)


@rfc("9234 4.2", "MUST find that two roles agree in just five pairs, and that all others mismatch")
def test_pairs() -> None:
    for ours in Role:
        for theirs in Role:
            expected = RoleAgreement.AGREED if (ours, theirs) in PAIRS else RoleAgreement.MISMATCH
            assert agreement([ours], [theirs]) is expected
        assert agreement([ours], [7]) is RoleAgreement.MISMATCH


@rfc("9234 4.2", "SHOULD go on where it states a role and the peer does not")
def test_absent() -> None:
    assert agreement([Role.CUSTOMER], []) is RoleAgreement.UNKNOWN


@rfc("9234 4.2", "MUST find a mismatch if the peer states several roles that differ")
def test_contradiction() -> None:
    contradiction: list[int] = [Role.PROVIDER, Role.PEER]
    assert agreement([Role.CUSTOMER], contradiction) is RoleAgreement.MISMATCH
    assert agreement([], contradiction) is RoleAgreement.MISMATCH


@rfc("9234 4.2", "MUST take several capabilities that state the same role for one")
def test_repetition() -> None:
    assert agreement([Role.CUSTOMER], [Role.PROVIDER, Role.PROVIDER]) is RoleAgreement.AGREED


@rfc("9234 4", "MUST heed roles on external sessions alone")
def test_internal() -> None:
    assert agreement([Role.PEER], [Role.PROVIDER], PeerType.INTERNAL) is RoleAgreement.UNKNOWN


@rfc("9234 5", "MUST write OTC as an AS number of four octets, in the optional transitive attribute 35")
def test_attribute() -> None:
    route = PathAttributes(origin=Origin.IGP, as_path=[1], next_hop="192.0.2.1", only_to_customer=65536)
    data = encode(Update(announced=["10.0.0.0/8"], attributes=route), EXTERNAL)
    assert bytes.fromhex("c023 04 00010000") in data
    assert received(data).attributes.only_to_customer == 65536


@rfc("9234 5", "MUST treat as withdrawn if OTC is not of four octets")
@pytest.mark.parametrize("value", ["", "000001", "0000000001"])
def test_length(value: str) -> None:
    broken = route_with(attribute(AttributeCode.ONLY_TO_CUSTOMER, value))
    assert broken.treatment is Treatment.TREAT_AS_WITHDRAW


@rfc("9234 5", "MUST keep OTC unchanged once it is set")
def test_unchanged() -> None:
    attributes = route_with(attribute(AttributeCode.ONLY_TO_CUSTOMER, "0000fc05")).attributes
    passed = attributes.passed_on().evolve(as_path=[1, 2])
    assert passed.only_to_customer == 64517
    assert passed.raw[35].flags == AttributeFlag.OPTIONAL | AttributeFlag.TRANSITIVE


# What a session does.

MISMATCH = Notification(ErrorCode.OPEN_MESSAGE_ERROR, OpenSubcode.ROLE_MISMATCH)


def meets(*roles: int, **values: Any) -> Neighbour:
    """A session that gets an OPEN which states these roles."""
    peer = Neighbour.at(State.OPEN_SENT, **values)
    peer.says(peer.greeting(*map(RoleCapability, roles)))
    return peer


@rfc("9234 4.1", "MUST state the role that is configured, once, to an external peer")
def test_stated() -> None:
    for values, stated in (
        ({"role": Role.CUSTOMER}, [RoleCapability(Role.CUSTOMER)]),
        ({"role": Role.CUSTOMER, "peer_as": 64512}, []),
        ({}, []),
    ):
        [opening] = Neighbour.at(State.OPEN_SENT, **values).hears()
        assert isinstance(opening, Open)
        assert [c for c in opening.capabilities if isinstance(c, RoleCapability)] == stated


@rfc("9234 4.2", "MUST reject an OPEN with a role that does not fit, with Role Mismatch")
@rfc("9234 4.2", "MUST reject an OPEN with roles that differ, with Role Mismatch")
@pytest.mark.parametrize("roles", [[Role.CUSTOMER], [Role.PEER], [Role.PROVIDER, Role.PEER], [200]])
def test_rejected(roles: list[int]) -> None:
    assert meets(*roles, role=Role.CUSTOMER).last_word() == MISMATCH


@rfc("9234 4.2", "MUST accept an OPEN with the role that fits")
def test_accepted() -> None:
    for ours, theirs in PAIRS:
        assert meets(theirs, role=ours).state is State.OPEN_CONFIRM


@rfc("9234 4.2", "SHOULD accept an OPEN without a role")
@rfc("9234 4.2", "MAY reject an OPEN without a role, with Role Mismatch, if it is configured to be strict")
def test_strict() -> None:
    assert meets(role=Role.CUSTOMER).state is State.OPEN_CONFIRM
    assert meets(role=Role.CUSTOMER, role_strict=True).last_word() == MISMATCH


# What a router does with routes. Those that come down get OTC, too: see tests/bgp/test_ingress.py.

DOWN = (Role.PROVIDER, Role.ROUTE_SERVER, Role.PEER)
UP = (Role.CUSTOMER, Role.ROUTE_SERVER_CLIENT, Role.PEER)


def passed_on(role: Role, **values: Any) -> PathAttributes | None:
    """What a peer, to whom we have a role, is told of a route of another; None: nothing."""
    router = Router()
    sender = routing.Neighbour.of(router, "192.0.2.2", 64513)
    listener = routing.Neighbour.of(router, "192.0.2.3", 64514, role=role)
    sender.says(routing.announcement(64513, **values))
    return listener.routes().get("203.0.113.0/24")


@rfc("9234 5", "MUST attach OTC with the own AS to routes for customers, peers and clients")
@pytest.mark.parametrize("role", DOWN)
def test_attached(role: Role) -> None:
    attributes = passed_on(role)
    assert attributes is not None
    assert attributes.only_to_customer == routing.US


@rfc("9234 5", "MUST NOT send a route with OTC to providers, peers or route servers")
@pytest.mark.parametrize("role", Role)
def test_not_up(role: Role) -> None:
    attributes = passed_on(role, only_to_customer=64999)
    assert (attributes is None) is (role in UP)
    assert attributes is None or attributes.only_to_customer == 64999
