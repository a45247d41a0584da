"""What we offer, and what we agree to: RFC 4271 6.2 and the RFCs of the capabilities."""

from ipaddress import IPv4Address, IPv6Address

import pytest

from bgp.agreement import RouterID, agree, offer
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
    RestartFamily,
    RoleCapability,
    RouteRefreshCapability,
)
from bgp.config import GracefulRestartConfig, PeerConfig
from bgp.errors import OpenError
from bgp.iana import AFI, AddPathDirection, Role
from bgp.negotiated import Negotiated
from bgp.offers import LongLivedFamily
from bgp.open import Open
from bgp.prefix import IPV4_LABELLED, IPV4_UNICAST, IPV6_LABELLED, IPV6_UNICAST

OUR_ID = IPv4Address("192.0.2.1")
ALWAYS = [MultiprotocolCapability(IPV4_UNICAST), FourOctetASCapability(64512)]
REFRESH = [RouteRefreshCapability(), EnhancedRouteRefreshCapability()]


def config(**values: object) -> PeerConfig:
    return PeerConfig(**{"local_as": 64512, "peer_as": 64513, **values})  # type: ignore[arg-type]  # any value


def theirs(*capabilities: Capability, asn: int = 64513, router_id: str = "192.0.2.2") -> Open:
    return Open(my_as=asn, hold_time=30, router_id=router_id, capabilities=capabilities)


def agreed(wanted: PeerConfig, said: Open) -> Negotiated:
    return agree(wanted, offer(wanted, OUR_ID), said)


def test_an_identifier_for_all_peers() -> None:
    # RFC 4271 4.2: the same on every interface and to every peer.
    identity = RouterID()
    assert identity.of(IPv6Address("2001:db8::1")) is None
    assert identity.of(OUR_ID) == OUR_ID
    assert identity.of(IPv4Address("198.51.100.1")) == identity.of(IPv6Address("2001:db8::1")) == OUR_ID
    assert identity.chosen == OUR_ID


@pytest.mark.parametrize(
    ("values", "capabilities"),
    [
        ({}, REFRESH),
        ({"route_refresh": False}, []),
        ({"extended_message": True}, [*REFRESH, ExtendedMessageCapability()]),
        (
            {"extended_next_hop": [(IPV4_UNICAST, AFI.IPV6)]},
            [*REFRESH, ExtendedNextHopCapability({(IPV4_UNICAST, AFI.IPV6)})],
        ),
        (
            {"add_path": {IPV4_UNICAST: AddPathDirection.SEND}},
            [*REFRESH, AddPathCapability({IPV4_UNICAST: AddPathDirection.SEND})],
        ),
        ({"role": Role.CUSTOMER}, [*REFRESH, RoleCapability(Role.CUSTOMER)]),
        ({"role": Role.CUSTOMER, "peer_as": 64512}, REFRESH),
        ({"capabilities": [FQDNCapability("node-a")]}, [*REFRESH, FQDNCapability("node-a")]),
    ],
)
def test_what_follows_from_the_configuration(
    values: dict[str, object], capabilities: list[Capability]
) -> None:
    ours = offer(config(**values), OUR_ID)
    assert ours.capabilities == (*ALWAYS, *capabilities)
    assert (ours.my_as, ours.hold_time, ours.router_id) == (64512, 90, OUR_ID)


def test_an_as_number_of_four_octets() -> None:
    # RFC 6793 4.2.2: AS_TRANS in the field, the number in the capability.
    ours = offer(config(local_as=70000), OUR_ID)
    assert (ours.my_as, ours.asn) == (23456, 70000)


@pytest.mark.parametrize("restarting", [True, False])
def test_graceful_restart(restarting: bool) -> None:
    wanted = GracefulRestartConfig(restart_time=60, notification=False, long_lived={IPV6_UNICAST: 600})
    families = [IPV6_UNICAST, IPV4_UNICAST]
    ours = offer(config(graceful_restart=wanted, families=families), OUR_ID, restarting=restarting)
    assert ours.capabilities[-2:] == (
        GracefulRestartCapability(
            restart_time=60,
            families=[RestartFamily(IPV4_UNICAST, True), RestartFamily(IPV6_UNICAST, True)],
            restarting=restarting,
        ),
        LongLivedGracefulRestartCapability([LongLivedFamily(IPV6_UNICAST, 600, True)]),
    )
    plain = offer(config(graceful_restart=GracefulRestartConfig(forwarding_preserved=False)), OUR_ID)
    assert plain.capabilities[-1] == GracefulRestartCapability(
        restart_time=120, families={IPV4_UNICAST: False}, notification=True
    )


def test_the_smaller_hold_time_counts() -> None:
    assert agreed(config(), theirs()).hold_time == 30
    assert agreed(config(hold_time=9), theirs()).hold_time == 9


def test_our_choices_are_part_of_what_is_agreed() -> None:
    assert agreed(config(reject_as_sets=True), theirs()).reject_as_sets


def refusal(wanted: PeerConfig, said: Open) -> OpenError:
    with pytest.raises(OpenError) as caught:
        agreed(wanted, said)
    return caught.value


@pytest.mark.parametrize(
    ("values", "said", "subcode", "data"),
    [
        # RFC 4271 6.2: Bad Peer AS.
        ({}, theirs(asn=64999), 2, b""),
        # RFC 6286 2.2: an identifier of ours, within our AS.
        ({"peer_as": 64512}, theirs(asn=64512, router_id="192.0.2.1"), 3, b""),
        # RFC 5492 5: the capability that we cannot do without; or each of them.
        ({}, theirs(MultiprotocolCapability(IPV6_UNICAST)), 7, b"\x01\x04\x00\x01\x00\x01"),
        (
            {"families": [IPV6_LABELLED, IPV4_LABELLED]},
            theirs(),
            7,
            b"\x01\x04\x00\x01\x00\x04\x01\x04\x00\x02\x00\x04",
        ),
        # RFC 9234 4.2: roles that do not fit, roles that contradict each other, no role for the strict.
        ({"role": Role.CUSTOMER}, theirs(RoleCapability(Role.PEER)), 11, b""),
        ({"role": Role.CUSTOMER}, theirs(*map(RoleCapability, [Role.PROVIDER, Role.PEER])), 11, b""),
        ({"role": Role.CUSTOMER, "role_strict": True}, theirs(), 11, b""),
    ],
)
def test_what_is_refused(values: dict[str, object], said: Open, subcode: int, data: bytes) -> None:
    error = refusal(config(**values), said)
    assert (error.subcode, error.data) == (subcode, data)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, theirs(router_id="192.0.2.1")),
        ({"role": Role.CUSTOMER, "role_strict": True}, theirs(RoleCapability(Role.PROVIDER))),
        ({"role": Role.CUSTOMER}, theirs()),
        ({"role": Role.CUSTOMER, "role_strict": True, "peer_as": 64512}, theirs(asn=64512)),
    ],
)
def test_what_is_not_refused(values: dict[str, object], said: Open) -> None:
    assert agreed(config(**values), said).families == {IPV4_UNICAST}


def test_reasons_are_for_people() -> None:
    assert str(refusal(config(families=[IPV6_UNICAST]), theirs())) == "the peer does not offer ipv6 unicast"
    said = theirs(RoleCapability(Role.ROUTE_SERVER), RoleCapability(9))
    assert str(refusal(config(role=Role.PEER), said)) == (
        "the peer says that its role is route server and 9, ours is peer"
    )
    assert str(refusal(config(), said)).endswith("ours is None")
