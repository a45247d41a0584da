"""The rank of announcers is MetalLB's, so that a cluster that changes over keeps them."""

from ipaddress import ip_address

import pytest

from k8sglue.election import rank

# Computed with MetalLB's rule: ascending SHA-256 of node name, "#" and address.
VECTORS = [
    ("10.0.0.1", ["node-a", "node-b", "node-c"], ["node-b", "node-a", "node-c"]),
    ("10.0.0.2", ["node-a", "node-b", "node-c"], ["node-b", "node-c", "node-a"]),
    ("192.168.1.240", ["node-1", "node-2", "node-3"], ["node-3", "node-2", "node-1"]),
    ("192.168.1.241", ["node-1", "node-2", "node-3"], ["node-1", "node-2", "node-3"]),
    ("10.20.30.1", ["iris1", "iris2"], ["iris2", "iris1"]),
    ("10.20.30.2", ["iris1", "iris2"], ["iris1", "iris2"]),
]


@pytest.mark.parametrize(("address", "candidates", "expected"), VECTORS)
def test_the_order_is_metallb_s(address: str, candidates: list[str], expected: list[str]) -> None:
    assert rank(candidates, ip_address(address)) == expected
    assert rank(reversed(candidates), ip_address(address)) == expected


def test_a_node_that_leaves_moves_only_its_own_addresses() -> None:
    for number in range(50):
        address = ip_address(f"10.0.0.{number}")
        order = rank("abcde", address)
        assert rank(set("abcde") - {order[3]}, address)[0] == order[0]
        assert rank(set("abcde") - {order[0]}, address)[0] == order[1]
