import itertools
from ipaddress import IPv4Network, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bgp import AFI, LabelledPrefix, LocalError, Prefix, RouteDistinguisher, VPNPrefix
from bgp.labelled import check_labelled, check_vpn, withdrawal
from bgp.prefix import IPV4_LABELLED, IPV4_VPN, IPV6_LABELLED, IPV6_VPN, Family
from bgp.testing import label_stacks, labelled_prefixes, networks, route_distinguishers, vpn_prefixes
from tests.bgp.pasting import pasted

AFIS = st.sampled_from([AFI.IPV4, AFI.IPV6])

# Route distinguishers.


@pytest.mark.parametrize(
    ("text", "wire"),
    [
        ("64512:1", "0000 fc00 00000001"),
        ("0:4294967295", "0000 0000 ffffffff"),
        ("192.0.2.1:7", "0001 c0000201 0007"),
        ("70000:7", "0002 00011170 0007"),
        ("64512L:7", "0002 0000fc00 0007"),
        ("0x0003000000000001", "0003 000000000001"),
    ],
)
def test_distinguishers_both_ways(text: str, wire: str) -> None:
    assert RouteDistinguisher(text).wire == bytes.fromhex(wire)
    assert str(RouteDistinguisher(bytes.fromhex(wire))) == text
    assert repr(RouteDistinguisher(text)) == f"RouteDistinguisher('{text}')"


@given(route_distinguishers())
def test_every_distinguisher_has_a_text(rd: RouteDistinguisher) -> None:
    assert RouteDistinguisher(str(rd)) == RouteDistinguisher(rd.wire) == RouteDistinguisher(rd) == rd


@pytest.mark.parametrize(
    "text",
    [
        "",
        "64512",
        "1:2:3",
        "x:1",
        ":1",
        "L:1",
        "-1:1",
        "+1:1",
        "1_0:1",
        "\u0661:1",
        "64512:4294967296",
        "70000:65536",
        "4294967296:1",
        "99999999999:1",
        "192.0.2.1:65536",
        "192.0.2.256:1",
        "0xzz",
    ],
)
def test_text_that_is_no_distinguisher(text: str) -> None:
    with pytest.raises(LocalError, match="must be AS:number, address:number or 0x and 16 digits"):
        RouteDistinguisher(text)


@pytest.mark.parametrize("value", [b"", bytes(9)])
def test_distinguishers_have_eight_octets(value: bytes) -> None:
    with pytest.raises(LocalError, match=r"distinguisher of \d octets, must be 8"):
        RouteDistinguisher(value)


# Prefixes.


@pytest.mark.parametrize(
    ("prefix", "family", "wire", "text"),
    [
        # RFC 8277 2.2: one label.
        (
            LabelledPrefix("192.0.2.0/24", labels=[100]),
            IPV4_LABELLED,
            "30 000641 c00002",
            "192.0.2.0/24 label 100",
        ),
        # RFC 8277 2.3: a stack, and a prefix that does not end with an octet.
        (
            LabelledPrefix("2001:db8::/29", labels=[16, 1048575, 3]),
            IPV6_LABELLED,
            "65 000100 fffff0 000031 20010db8",
            "2001:db8::/29 label 16/1048575/3",
        ),
        # RFC 8277 2.4: a withdrawal.
        (LabelledPrefix("0.0.0.0/0"), IPV4_LABELLED, "18 800000", "0.0.0.0/0"),
        # Explicit null is a label like others.
        (LabelledPrefix("0.0.0.0/0", labels=[0]), IPV4_LABELLED, "18 000001", "0.0.0.0/0 label 0"),
        # RFC 4364 4.3.4.
        (
            VPNPrefix("10.0.0.0/8", rd="64512:1", labels=[100]),
            IPV4_VPN,
            "60 000641 0000fc0000000001 0a",
            "64512:1:10.0.0.0/8 label 100",
        ),
        # RFC 4659 3.2.
        (
            VPNPrefix("2001:db8::/32", rd="192.0.2.1:7"),
            IPV6_VPN,
            "78 800000 0001c00002010007 20010db8",
            "192.0.2.1:7:2001:db8::/32",
        ),
    ],
)
def test_known_octets(prefix: LabelledPrefix | VPNPrefix, family: Family, wire: str, text: str) -> None:
    assert prefix.family == family
    assert prefix.wire == bytes.fromhex(wire)
    assert type(prefix).from_wire(family, bytes.fromhex(wire)) == prefix
    assert str(prefix) == text


@given(AFIS.flatmap(networks), label_stacks())
def test_a_labelled_prefix_is_what_it_was_made_of(
    network: IPv4Network | IPv6Network, labels: list[int]
) -> None:
    prefix = LabelledPrefix(network, labels=labels)
    assert (prefix.network, list(prefix.labels)) == (network, labels)
    assert LabelledPrefix(Prefix(network), labels=labels) == prefix
    assert hash(LabelledPrefix(str(network), labels=labels)) == hash(prefix)
    check_labelled(prefix.family, prefix.wire)


@given(AFIS.flatmap(networks), route_distinguishers(), label_stacks().filter(lambda stack: len(stack) < 3))
def test_a_vpn_prefix_is_what_it_was_made_of(
    network: IPv4Network | IPv6Network, rd: RouteDistinguisher, labels: list[int]
) -> None:
    prefix = VPNPrefix(network, rd=rd, labels=labels)
    assert (prefix.network, prefix.rd, list(prefix.labels)) == (network, rd, labels)
    check_vpn(prefix.family, prefix.wire)


@given(AFIS.flatmap(lambda afi: labelled_prefixes(afi) | vpn_prefixes(afi)))
def test_repr_can_be_pasted_back(prefix: LabelledPrefix | VPNPrefix) -> None:
    assert pasted(prefix) == prefix


def test_old_withdrawals_have_a_label_of_zeros() -> None:
    # RFC 3107 left the value open.
    wire = bytes.fromhex("30 000000 c00002")
    check_labelled(IPV4_LABELLED, wire)
    assert LabelledPrefix.from_wire(IPV4_LABELLED, wire).labels == ()


@pytest.mark.parametrize(
    ("family", "wire"),
    [
        (IPV4_LABELLED, "30 000000 c00002"),  # a withdrawal as RFC 3107 allowed it
        (IPV4_LABELLED, "30 00064f c00002"),  # with a traffic class
        (IPV4_LABELLED, "48 00000e 000641 c00002"),  # which makes a 0 on top no withdrawal
        (IPV6_VPN, "58 00064f 0000fc0000000001"),
    ],
)
def test_labels_written_in_other_ways_print_their_octets(family: Family, wire: str) -> None:
    kind = VPNPrefix if family == IPV6_VPN else LabelledPrefix
    prefix = kind.from_wire(family, bytes.fromhex(wire))
    assert "from_wire" in repr(prefix)
    assert pasted(prefix) == prefix


def test_zeros_below_the_top_do_not_end_a_stack() -> None:
    wire = bytes.fromhex("78 000640 000000 800000 000071 c00002")
    check_labelled(IPV4_LABELLED, wire)
    assert LabelledPrefix.from_wire(IPV4_LABELLED, wire).labels == (100, 0, 0x80000, 7)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([-1], "label -1, must be 0 to 1048575"),
        ([1, 1048576], "label 1048576, must be 0 to 1048575"),
        ([0, 1], "label 0 on top of others, which would be read as a withdrawal"),
        ([0x80000, 1], "label 524288 on top of others"),
        ([1] * 10, "10 labels, so many do not fit into 32 octets"),
    ],
)
def test_labels_that_cannot_be(labels: list[int], message: str) -> None:
    with pytest.raises(LocalError, match=message):
        LabelledPrefix("192.0.2.0/24", labels=labels)


def test_as_many_labels_as_fit() -> None:
    assert len(LabelledPrefix("192.0.2.0/24", labels=[1] * 9).labels) == 9
    with pytest.raises(LocalError, match="is not a prefix"):
        VPNPrefix("10.0.0.1/8", rd="64512:1")


@pytest.mark.parametrize(
    ("family", "wire", "message"),
    [
        (IPV4_LABELLED, "00", "a stack of labels that does not end"),
        (IPV4_LABELLED, "10 0006", "does not end"),
        (IPV4_LABELLED, "30 000640 c00002", "does not end"),
        (IPV4_LABELLED, "14 000641", "-4 bits beside the labels, must be 0 to 32"),
        (IPV4_LABELLED, "39 000641 c000020180", "33 bits beside the labels, must be 0 to 32"),
        (IPV6_LABELLED, "99 000641" + "00" * 17, "129 bits beside the labels, must be 0 to 128"),
        (IPV4_VPN, "57 000641 0000fc00000000", "-1 bits"),
        (IPV4_VPN, "79 000641 0000fc0000000001 c000020180", "33 bits"),
        (IPV6_VPN, "d9 000641" + "00" * 25, "129 bits"),
    ],
)
def test_octets_that_are_no_such_prefix(family: Family, wire: str, message: str) -> None:
    check = check_labelled if family in (IPV4_LABELLED, IPV6_LABELLED) else check_vpn
    with pytest.raises(LocalError, match=message):
        check(family, bytes.fromhex(wire))


@pytest.mark.parametrize(
    ("family", "wire"),
    [
        (IPV4_LABELLED, "38 000641 c0000201"),
        (IPV6_LABELLED, "98 000641" + "00" * 16),
        (IPV4_VPN, "58 000641 0000fc0000000001"),
        (IPV4_VPN, "78 000641 0000fc0000000001 c0000201"),
        (IPV6_VPN, "d8 000641" + "00" * 24),
    ],
)
def test_octets_at_the_limit(family: Family, wire: str) -> None:
    (check_labelled if family in (IPV4_LABELLED, IPV6_LABELLED) else check_vpn)(family, bytes.fromhex(wire))


# Keys and order.


@given(networks(), label_stacks(), label_stacks(), route_distinguishers())
def test_the_key_leaves_the_labels_out(
    network: IPv4Network, labels: list[int], others: list[int], rd: RouteDistinguisher
) -> None:
    plain = Prefix(network)
    one, other, gone = (LabelledPrefix(network, labels=each) for each in (labels, others, ()))
    assert one.key == other.key == gone.key == plain.wire
    here, there, away = (VPNPrefix(network, rd=rd, labels=each) for each in (labels, others, ()))
    assert here.key == there.key == away.key == bytes([64 + plain.length]) + rd.wire + plain.wire[1:]


def test_labelled_prefixes_order_by_prefix_then_labels() -> None:
    ordered = [
        LabelledPrefix("9.0.0.0/8", labels=[9, 9]),
        LabelledPrefix("10.0.0.0/8", labels=[1]),
        LabelledPrefix("10.0.0.0/8", labels=[2]),
        LabelledPrefix("10.0.0.0/9", labels=[1]),
        LabelledPrefix("::/0", labels=[1]),
    ]
    assert all(sorted(several) == ordered for several in itertools.permutations(ordered))


def test_prefixes_of_vpns_order_by_distinguisher_then_prefix() -> None:
    ordered = [
        VPNPrefix("10.0.0.0/8", rd="1:1", labels=[2]),
        VPNPrefix("10.0.0.0/9", rd="1:1", labels=[1]),
        VPNPrefix("9.0.0.0/8", rd="1:2", labels=[1]),
        VPNPrefix("9.0.0.0/8", rd="1:2", labels=[3]),
        VPNPrefix("::/0", rd="1:1", labels=[1]),
    ]
    assert all(sorted(several) == ordered for several in itertools.permutations(ordered))


def test_does_not_compare_with_other_things() -> None:
    for value in (LabelledPrefix("10.0.0.0/8", labels=[1]), VPNPrefix("10.0.0.0/8", rd="1:1")):
        with pytest.raises(TypeError):
            assert value < Prefix("10.0.0.0/8")


# Other types.


@pytest.mark.parametrize("labels", [100, "100", ["100"], [1.0], None, [10**5000]])
def test_labels_are_a_list_of_integers(labels: Any) -> None:
    with pytest.raises(LocalError, match="label"):
        LabelledPrefix("10.0.0.0/8", labels=labels)


@pytest.mark.parametrize("value", [5, None, ["64512:1"], bytearray(8)])
def test_a_distinguisher_is_text_or_octets(value: Any) -> None:
    with pytest.raises(LocalError, match=r"route distinguisher .*, must be bytes"):
        RouteDistinguisher(value)


@pytest.mark.parametrize("text", ["0x00", "0x00 00 00 00 00 00 00 01", "0x" + "g" * 16])
def test_hexadecimal_has_sixteen_digits(text: str) -> None:
    with pytest.raises(LocalError, match="0x and 16 digits"):
        RouteDistinguisher(text)


@given(AFIS.flatmap(labelled_prefixes) | AFIS.flatmap(vpn_prefixes))
def test_a_withdrawal_has_no_labels(prefix: LabelledPrefix | VPNPrefix) -> None:
    gone = type(prefix).from_wire(prefix.family, withdrawal(prefix.key))
    assert (gone.labels, gone.network, gone.key) == ((), prefix.network, prefix.key)
    assert pasted(gone) == gone
