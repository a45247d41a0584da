from ipaddress import IPv4Network, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import AFI, IPV4_UNICAST, IPV6_UNICAST, SAFI, Family, LocalError, Prefix
from bgp.testing import prefixes


def test_is_the_octets_of_the_wire() -> None:
    assert Prefix("203.0.113.0/24").wire == b"\x18\xcb\x00\x71"
    assert Prefix("0.0.0.0/0").wire == b"\x00"
    assert Prefix("2001:db8::/29").wire == b"\x1d\x20\x01\x0d\xb8"


@pytest.mark.parametrize("text", ["203.0.113.0/24", "0.0.0.0/0", "192.0.2.1/32", "2001:db8::/32", "::/0"])
def test_prints_as_it_was_typed(text: str) -> None:
    assert str(Prefix(text)) == text
    assert repr(Prefix(text)) == f"Prefix('{text}')"


def test_shows_itself_as_a_network() -> None:
    assert Prefix("192.0.2.0/25").network == IPv4Network("192.0.2.0/25")
    assert Prefix("2001:db8::/32").network == IPv6Network("2001:db8::/32")
    assert Prefix("2001:db8::/32").family == IPV6_UNICAST


@given(prefixes())
def test_reads_every_form(prefix: Prefix) -> None:
    assert Prefix(str(prefix)) == Prefix(prefix.network) == Prefix(prefix) == prefix
    assert Prefix.from_wire(IPV4_UNICAST, prefix.wire) == prefix
    assert hash(Prefix(str(prefix))) == hash(prefix)


@given(st.lists(prefixes()))
def test_orders_as_networks_do(several: list[Prefix]) -> None:
    assert [prefix.network for prefix in sorted(several)] == sorted(p.network for p in several)


@pytest.mark.parametrize("text", ["203.0.113.7/24", "203.0.113.0/33", "example", "", "1.2.3/24"])
def test_refuses_what_is_no_prefix(text: str) -> None:
    with pytest.raises(LocalError, match="is not a prefix"):
        Prefix(text)


def test_does_not_compare_with_other_things() -> None:
    with pytest.raises(TypeError):
        assert Prefix("0.0.0.0/0") < "0.0.0.0/0"


def test_a_family_knows_names_and_keeps_numbers() -> None:
    assert repr(Family(1, 1)) == "Family(afi=AFI.IPV4, safi=SAFI.UNICAST)"
    assert Family(AFI.IPV4, SAFI.UNICAST) == IPV4_UNICAST
    assert str(Family(7, 200)) == "7 200"
    assert str(IPV4_UNICAST) == "ipv4 unicast"
    with pytest.raises(LocalError, match="afi 65536, must be 0 to 65535"):
        Family(65536, 1)
