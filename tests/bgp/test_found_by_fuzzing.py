"""What `make hunt` has found, each with a name and the octets that did it; the fix is in the commit that added it."""

import pytest

from bgp import (
    LabelledPrefix,
    NextHop,
    PathAttributes,
    RouteDistinguisher,
    VPNPrefix,
)
from bgp.prefix import IPV4_LABELLED, IPV4_VPN
from tests.bgp.pasting import pasted


def test_a_next_hop_of_no_octets_can_be_pasted() -> None:
    # MP_REACH_NLRI of a family that the library does not read, next hop length 0.
    assert pasted(NextHop(b"")) == NextHop(b"")


@pytest.mark.parametrize("flags", ["80", "a0"], ids=["plain", "partial"])
def test_an_aigp_without_a_metric_prints_as_none_at_all(flags: str) -> None:
    # AIGP with a TLV of another type alone, so no metric (RFC 7311 3).
    attributes = PathAttributes.from_wire(bytes.fromhex(flags + "1a03 020003"))
    assert attributes.aigp is None
    assert repr(attributes) == "PathAttributes()"


@pytest.mark.parametrize(
    "labels",
    [
        "000002 000011",  # label 0 with a traffic class, on top of another
        "000643",  # label 100 with a traffic class
        "000000",  # a withdrawal, as RFC 3107 had it
    ],
)
def test_labels_that_we_would_not_write_can_be_pasted(labels: str) -> None:
    stack = bytes.fromhex(labels)
    labelled = LabelledPrefix.from_wire(IPV4_LABELLED, bytes([8 * len(stack) + 8]) + stack + b"\x0a")
    assert pasted(labelled) == labelled
    rd = RouteDistinguisher("64512:1").wire
    vpn = VPNPrefix.from_wire(IPV4_VPN, bytes([8 * len(stack) + 72]) + stack + rd + b"\x0a")
    assert pasted(vpn) == vpn
