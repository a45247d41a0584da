"""What the speaker agrees on with its peers; all else that it does is seen in the lab, and against an API server."""

from ipaddress import ip_address

import pytest

from bgp import IPV4_UNICAST, IPV6_UNICAST
from bgp.prefix import Family
from k8sglue.config import Peer
from k8sglue.speaker import _options
from tests.k8sglue.objects import addresses

IPV4, IPV6 = "10.211.55.11", "fd10:211:55::11"


@pytest.mark.parametrize(
    ("peer", "own", "families", "next_hops"),
    [
        ("10.211.55.2", (), {IPV4_UNICAST}, (None, None)),
        ("10.211.55.2", (IPV4,), {IPV4_UNICAST}, (None, None)),
        ("10.211.55.2", (IPV4, IPV6), {IPV4_UNICAST, IPV6_UNICAST}, (None, IPV6)),
        ("fd10:211:55::2", (), {IPV6_UNICAST}, (None, None)),
        ("fd10:211:55::2", (IPV4, IPV6), {IPV4_UNICAST, IPV6_UNICAST}, (IPV4, None)),
    ],
)
def test_a_family_is_offered_where_its_routes_can_lead_to_the_node(
    peer: str, own: tuple[str, ...], families: set[Family], next_hops: tuple[str | None, str | None]
) -> None:
    address = ip_address(peer)
    configured = Peer(name="router", address=address, asn=64513, my_asn=64512)
    options = _options(configured, address, frozenset(addresses(*own)))
    assert set(options["families"]) == families
    found = options["next_hop_ipv4"], options["next_hop_ipv6"]
    assert tuple(str(address) if address else None for address in found) == next_hops
