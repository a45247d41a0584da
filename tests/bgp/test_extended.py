from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import LocalError
from bgp.communities import decode_communities, encode_communities
from bgp.extended import KINDS, ExtendedCommunity, IPv6ExtendedCommunity, extended_communities
from bgp.extended import ipv6_extended_communities as read_ipv6
from bgp.notation import Value
from bgp.testing.labels import extended_communities as all_extended_communities
from bgp.testing.labels import ipv6_extended_communities


@pytest.mark.parametrize(
    ("text", "octets", "values"),
    [
        ("rt:64512:7", "0002fc0000000007", (64512, 7)),
        ("rt:64512:4294967295", "0002fc00ffffffff", (64512, 0xFFFFFFFF)),
        ("rt:192.0.2.1:7", "0102c00002010007", (IPv4Address("192.0.2.1"), 7)),
        ("rt:4200000000:7", "0202fa56ea000007", (4200000000, 7)),
        ("rt:64512L:7", "02020000fc000007", (64512, 7)),
        ("soo:64512:7", "0003fc0000000007", (64512, 7)),
        ("bandwidth:64512:12500000", "4004fc004b3ebc20", (64512, 12500000.0)),
        ("bandwidth-transitive:23456:0", "00045ba000000000", (23456, 0.0)),
        ("ospf-domain-id:0.0.0.1:512", "0105000000010200", (IPv4Address("0.0.0.1"), 512)),
        ("ospf-route-type:0.0.0.0:1:0", "0306000000000100", (IPv4Address("0.0.0.0"), 1, 0)),
        ("ospf-router-id:192.0.2.1", "0107c00002010000", (IPv4Address("192.0.2.1"),)),
        ("source-as:64512:0", "0009fc0000000000", (64512, 0)),
        ("vrf-route-import:192.0.2.1:3", "010bc00002010003", (IPv4Address("192.0.2.1"), 3)),
        ("color:0:100", "030b000000000064", (0, 100)),
        ("encapsulation:vxlan", "030c000000000008", (8,)),
        ("default-gateway", "030d000000000000", ()),
        ("ovs:valid", "4300000000000000", (0,)),
        ("ovs:not-found", "4300000000000001", (1,)),
        ("ovs:invalid", "4300000000000002", (2,)),
        ("mac-mobility:1:7", "0600010000000007", (1, 7)),
        ("esi-label:1:1000", "06010100000003e8", (1, 1000)),
        ("es-import:02:00:5e:00:53:01", "060202005e005301", ("02:00:5e:00:53:01",)),
        ("router-mac:02:00:5e:00:53:01", "060302005e005301", ("02:00:5e:00:53:01",)),
        ("traffic-rate-bytes:0:1000", "80060000447a0000", (0, 1000.0)),
        ("traffic-rate-packets:0:1000", "800c0000447a0000", (0, 1000.0)),
        ("traffic-action:3", "8007000000000003", (3,)),
        ("rt-redirect:64512:7", "8008fc0000000007", (64512, 7)),
        ("rt-redirect:192.0.2.1:7", "8108c00002010007", (IPv4Address("192.0.2.1"), 7)),
        ("rt-redirect:4200000000:7", "8208fa56ea000007", (4200000000, 7)),
        ("traffic-marking:46", "800900000000002e", (46,)),
    ],
)
def test_kinds_with_a_name(text: str, octets: str, values: tuple[Value, ...]) -> None:
    community = ExtendedCommunity(text)
    assert community.wire == bytes.fromhex(octets)
    assert community == ExtendedCommunity(bytes.fromhex(octets))
    assert str(community) == text
    assert community.kind == text.partition(":")[0]
    assert community.values == values


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("0x000a:64512:7", "0x000a", (64512, 7)),
        ("0x4102:192.0.2.1:7", "0x4102", (IPv4Address("192.0.2.1"), 7)),
        ("0x420a:64512L:7", "0x420a", (64512, 7)),
        ("0x4302000000000001", "0x4302", (b"\0\0\0\0\0\1",)),
        ("0x030c000000010008", "encapsulation", (8,)),  # what is reserved is set
        ("0x400400017fc00000", "bandwidth", None),  # no number
    ],
)
def test_what_has_no_name_or_no_text(text: str, kind: str, values: tuple[Value, ...] | None) -> None:
    community = ExtendedCommunity(text)
    assert str(community) == text
    assert community.kind == kind
    assert values is None or community.values == values


def test_type_and_subtype() -> None:
    target, validity = ExtendedCommunity("rt:4200000000:7"), ExtendedCommunity("ovs:valid")
    assert (target.type, target.subtype, target.is_transitive) == (0x02, 0x02, True)
    assert (validity.type, validity.subtype, validity.is_transitive) == (0x43, 0x00, False)


def test_an_administrator_takes_the_form_that_holds_it() -> None:
    assert ExtendedCommunity("RT:1.10:7") == ExtendedCommunity("rt:65546:7")
    assert ExtendedCommunity("rt:0.10:7") == ExtendedCommunity("rt:10:7")
    assert ExtendedCommunity("0x0202:10:7") == ExtendedCommunity("rt:10L:7")


@pytest.mark.parametrize(
    ("text", "right"),
    [
        (
            "rt:70000:70000",
            "rt:<0-65535>:<0-4294967295> or rt:<IPv4>:<0-65535> or rt:<0-4294967295>:<0-65535>, or 0x",
        ),
        ("ovs:unknown", r"ovs:<valid\|not-found\|invalid\|0-255>"),
        ("64512:7", "one of bandwidth, .*, vrf-route-import, or 0x and 16 digits"),
        ("0x43020000000001", "one of "),
        ("", "one of "),
    ],
)
def test_says_what_would_be_right(text: str, right: str) -> None:
    with pytest.raises(LocalError, match=f"extended community '{text}', must be {right}"):
        ExtendedCommunity(text)


def test_refuses_what_is_not_eight_octets() -> None:
    with pytest.raises(LocalError, match="ExtendedCommunity of 9 octets, must be 8"):
        ExtendedCommunity(bytes(9))


def test_kinds_have_different_numbers() -> None:
    assert len({kind.number for kind in KINDS}) == len(KINDS)
    assert all(sum(each.width for each in kind.layout) == 6 for kind in KINDS)


@given(all_extended_communities())
def test_prints_what_makes_it_again(community: ExtendedCommunity) -> None:
    assert ExtendedCommunity(str(community)) == community
    assert eval(repr(community)) == community
    assert ExtendedCommunity(f"0x{community.wire.hex()}") == community
    assert isinstance(community.values, tuple)


@given(all_extended_communities(), all_extended_communities())
def test_is_its_octets(one: ExtendedCommunity, other: ExtendedCommunity) -> None:
    assert (one == other) == (one.wire == other.wire)
    assert (one < other) == (one.wire < other.wire)
    assert hash(ExtendedCommunity(one.wire)) == hash(one)


@given(
    st.text()
    | st.builds("{}:{}".format, st.sampled_from([kind.name for kind in KINDS]), st.text("0123456789:.L"))
)
def test_any_text_is_a_community_or_refused(text: str) -> None:
    for kind in (ExtendedCommunity, IPv6ExtendedCommunity):
        try:
            community = kind(text)
        except LocalError:
            continue
        assert kind(str(community)) == community


# With an IPv6 address.


def test_the_kinds_with_an_ipv6_address() -> None:
    community = IPv6ExtendedCommunity("rt:[2001:db8::1]:7")
    assert community.wire == bytes.fromhex("0002 20010db8000000000000000000000001 0007")
    assert (community.kind, community.values) == ("rt", (IPv6Address("2001:db8::1"), 7))
    assert community.is_transitive
    assert repr(community) == "IPv6ExtendedCommunity('rt:[2001:db8::1]:7')"
    assert str(IPv6ExtendedCommunity("0x4002:[2001:db8::1]:7")) == "0x4002:[2001:db8::1]:7"
    assert not IPv6ExtendedCommunity("0x4002:[2001:db8::1]:7").is_transitive


@given(ipv6_extended_communities())
def test_one_with_an_ipv6_address_prints_what_makes_it_again(community: IPv6ExtendedCommunity) -> None:
    assert IPv6ExtendedCommunity(str(community)) == community
    assert eval(repr(community)) == community


# Lists.


def test_reads_several() -> None:
    community = ExtendedCommunity("rt:1:2")
    assert extended_communities(["rt:1:2", community]) == (community, community)
    other = IPv6ExtendedCommunity("rt:[::]:7")
    assert read_ipv6(["rt:[::]:7", other]) == (other, other)


@given(st.lists(all_extended_communities(), min_size=1), st.lists(ipv6_extended_communities(), min_size=1))
def test_lists_travel(short: list[ExtendedCommunity], long: list[IPv6ExtendedCommunity]) -> None:
    assert decode_communities(ExtendedCommunity, encode_communities(short)) == tuple(short)
    assert decode_communities(IPv6ExtendedCommunity, encode_communities(long)) == tuple(long)


def test_one_community_is_no_list() -> None:
    for read in (extended_communities, read_ipv6):
        with pytest.raises(LocalError, match="extended_communities 'rt:64512:7', must be a list"):
            read("rt:64512:7")
