"""RFC 4724: restarts that cost no routes. What a session does about it is at the end."""

import pytest

from bgp import (
    IPV4_UNICAST,
    IPV6_UNICAST,
    NLRI,
    MPUnreach,
    Negotiated,
    Open,
    PeerType,
    Update,
    decode,
    encode,
)
from bgp.capabilities import UnknownCapability
from bgp.offers import GracefulRestartCapability, RestartFamily
from tests.conformance.octets import (
    AS_PATH,
    EXTERNAL,
    NEXT_HOP,
    ORIGIN,
    attribute,
    capabilities,
    open_message,
    received,
    update,
)
from tests.conformance.requirements import rfc


def offer_in(*values: str) -> GracefulRestartCapability:
    """Receive an OPEN with such capabilities, and offer the same; what counts?"""
    value = decode(open_message(parameters=capabilities(*values)), EXTERNAL)
    assert isinstance(value, Open)
    negotiated = Negotiated.between(
        [GracefulRestartCapability()], value.capabilities, peer_type=PeerType.EXTERNAL, hold_time=0
    )
    assert negotiated.graceful_restart is not None
    return negotiated.graceful_restart


@rfc("4724 2", "MUST say End-of-RIB of IPv4 unicast by an UPDATE of 23 octets")
def test_end_of_rib() -> None:
    assert encode(Update(), EXTERNAL) == update()
    assert len(update()) == 23
    assert received(update()).end_of_rib == IPV4_UNICAST


@rfc("4724 2", "MUST say End-of-RIB of other families by an empty MP_UNREACH_NLRI alone")
def test_end_of_rib_of_ipv6() -> None:
    marker = update("", attribute(15, "0002 01"))
    assert encode(Update(mp_unreach=MPUnreach(NLRI([], IPV6_UNICAST))), EXTERNAL) == marker
    assert received(marker).end_of_rib == IPV6_UNICAST


@rfc("4724 2", "MUST NOT take another UPDATE for End-of-RIB")
def test_no_end_of_rib() -> None:
    for data in (
        update("00"),
        update("", ORIGIN + AS_PATH + NEXT_HOP),
        update("", attribute(15, "0002 01 00")),
        update("", ORIGIN + attribute(15, "0002 01")),
    ):
        assert received(data).end_of_rib is None


@rfc("4724 3", "MUST offer restarts by capability 64: flags, restart time, and flags of each family")
def test_capability() -> None:
    offer = GracefulRestartCapability(
        restart_time=120, families={IPV4_UNICAST: True, IPV6_UNICAST: False}, restarting=True
    )
    value = Open(my_as=1, hold_time=90, router_id="192.0.2.1", capabilities=[offer])
    assert encode(value, EXTERNAL).endswith(bytes.fromhex("400a 8078 0001 01 80 0002 01 00"))
    assert offer_in("400a 8078 0001 01 80 0002 01 00") == offer


@rfc("4724 3", "MUST leave reserved bits 0, and MUST ignore them")
def test_reserved_bits() -> None:
    assert offer_in("4006 3078 0001 01 7f") == offer_in("4006 0078 0001 01 00")
    assert offer_in("4006 0078 0001 01 00").families == (RestartFamily(IPV4_UNICAST),)
    plain = GracefulRestartCapability(restart_time=1, families={IPV4_UNICAST: False})
    value = Open(my_as=1, hold_time=90, router_id="192.0.2.1", capabilities=[plain])
    assert encode(value, EXTERNAL).endswith(bytes.fromhex("4006 0001 0001 01 00"))


@rfc("4724 3", "MUST take a capability without families for a peer that only helps others to restart")
def test_helper() -> None:
    assert offer_in("4002 0078") == GracefulRestartCapability(restart_time=120)


@rfc("4724 3", "MUST ignore all but the last of several such capabilities")
def test_last_counts() -> None:
    assert offer_in("4002 0001", "4002 0002").restart_time == 2


@rfc("4724 3", "MUST NOT understand a capability of a length that cannot be")
@pytest.mark.parametrize("value", ["4001 00", "4003 0001 00"])
def test_length(value: str) -> None:
    opening = decode(open_message(parameters=capabilities(value)), EXTERNAL)
    assert isinstance(opening, Open)
    assert isinstance(opening.capabilities[0], UnknownCapability)
