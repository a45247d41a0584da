"""RFC 9234, section 5: what roles mean for routes that come in, and that other families know no roles."""

import pytest

from bgp import IPV4_UNICAST, Role
from bgp.ingress import Refusal
from bgp.offers import RoleCapability
from bgp.prefix import IPV4_MULTICAST, Prefix
from tests.bgp.lab import Lab, Remote
from tests.conformance.requirements import rfc

A = "10.0.0.0/24"

OPPOSITE = {
    Role.PROVIDER: Role.CUSTOMER,
    Role.CUSTOMER: Role.PROVIDER,
    Role.ROUTE_SERVER: Role.ROUTE_SERVER_CLIENT,
    Role.ROUTE_SERVER_CLIENT: Role.ROUTE_SERVER,
    Role.PEER: Role.PEER,
}


def peer_with(lab: Lab, ours: Role) -> Remote:
    """A peer to which we are that; it is AS 64513."""
    families = [IPV4_UNICAST, IPV4_MULTICAST]
    return lab.open_peer(64513, RoleCapability(OPPOSITE[ours]), role=ours, families=families)


def taken(ours: Role, otc: int | None) -> int | Refusal | None:
    """What OTC a route has once it is in, or why it is not."""
    lab = Lab()
    peer_with(lab, ours).announces(A, only_to_customer=otc)
    best = lab.router.best(IPV4_UNICAST)
    if best:
        return best[0].attributes.only_to_customer
    [explanation] = lab.router.explain(A)
    assert isinstance(explanation.reason, Refusal)
    return explanation.reason


@rfc("9234 5", "MUST NOT use a route with OTC of a customer or a client")
@pytest.mark.parametrize("ours", [Role.PROVIDER, Role.ROUTE_SERVER])
def test_leak_from_below(ours: Role) -> None:
    assert taken(ours, 64513) is Refusal.LEAKED
    assert taken(ours, 9) is Refusal.LEAKED
    assert taken(ours, None) is None


@rfc("9234 5", "MUST NOT use a route of a lateral peer with OTC of another AS")
def test_leak_across() -> None:
    assert taken(Role.PEER, 9) is Refusal.LEAKED
    assert taken(Role.PEER, 64513) == 64513


@rfc("9234 5", "MUST attach OTC with the remote AS to routes of providers, peers and route servers")
@pytest.mark.parametrize("ours", [Role.CUSTOMER, Role.PEER, Role.ROUTE_SERVER_CLIENT])
def test_otc_is_attached(ours: Role) -> None:
    assert taken(ours, None) == 64513
    assert taken(ours, 9) == (Refusal.LEAKED if ours is Role.PEER else 9)


@rfc("9234 5", "MUST NOT do so for other families than IPv4 and IPv6 unicast")
@pytest.mark.parametrize("ours", OPPOSITE)
def test_other_families(ours: Role) -> None:
    lab = Lab()
    one, two = peer_with(lab, Role.PROVIDER), peer_with(lab, ours)
    prefix = Prefix.from_wire(IPV4_MULTICAST, b"\x18\x0a\x00\x00")
    one.announces(prefix, next_hop=one.address, only_to_customer=9)
    [best] = lab.router.best(IPV4_MULTICAST)
    assert best.attributes.only_to_customer == 9
    assert two.routes[A][0].only_to_customer == 9
    one.announces(prefix, next_hop=one.address)
    assert two.routes[A][0].only_to_customer is None
