"""The ConfigMap of MetalLB v0.7: what it means, and what is wrong with it, with its place."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sglue.config import AddressRange, BFDProfile, BGPAdvertisement, L2Advertisement, Peer, Pool
from k8sglue.configmap import read_document, read_text
from k8sglue.documents import Document
from k8sglue.judgement import Reading, judge
from k8sglue.selectors import Operator, Requirement, Selector
from k8sglue.specs import BGPAdvertisementSpec
from tests.k8sglue.objects import ARTICLE_CONFIG, CONFIG_NAME, config

FULL = """\
peers:
- my-asn: 64512
  peer-asn: 64513
  peer-address: 10.0.0.1
  peer-port: 1179
  hold-time: 2m
  router-id: 10.0.0.9
  password: 12345
  node-selectors:
  - match-labels: {rack: "7"}
    match-expressions:
    - {key: role, operator: NotIn, values: [edge, gpu]}
    - {key: fast, operator: Exists}
- {my-asn: 42, peer-asn: 42, peer-address: "2001:db8::1", peer-port: 0, hold-time: "0", router-id: 10.0.0.9}
bgp-communities:
  sixty: 65535:10
address-pools:
- name: routed
  protocol: bgp
  avoid-buggy-ips: yes
  auto-assign: off
  addresses: [198.51.100.77/26, "203.0.113.1-203.0.113.9"]
  bgp-advertisements:
  -
  - {aggregation-length: 32, localpref: 0, communities: [sixty, 65535:10, "1:2"]}
- name: 42
  protocol: layer2
  addresses: [2001:db8:1::/64]
"""


def span(first: str, last: str) -> AddressRange:
    return AddressRange(ip_address(first), ip_address(last))


def test_the_article_s_configuration() -> None:
    assert config(ARTICLE_CONFIG).pools == {
        "my-ip-space": Pool(
            name="my-ip-space",
            ranges=(span("10.211.55.240", "10.211.55.255"),),
            layer2=(L2Advertisement(name="my-ip-space"),),
        )
    }


def test_every_key_means_what_it_means_to_metallb() -> None:
    read = config(FULL)
    assert read.pools["routed"] == Pool(
        name="routed",
        ranges=(span("198.51.100.64", "198.51.100.127"), span("203.0.113.1", "203.0.113.9")),
        auto_assign=False,
        avoid_buggy_ips=True,
        bgp=(
            BGPAdvertisement(name="routed"),
            BGPAdvertisement(name="routed-2", local_pref=0, communities=("1:2", "65535:10")),
        ),
    )
    assert read.pools["42"].layer2
    selector = Selector(
        (
            Requirement("rack", Operator.IN, frozenset({"7"})),
            Requirement("role", Operator.NOT_IN, frozenset({"edge", "gpu"})),
            Requirement("fast", Operator.EXISTS),
        )
    )
    assert read.peers == (
        Peer(
            name="peer-10.0.0.1-1179",
            address=ip_address("10.0.0.1"),
            asn=64513,
            my_asn=64512,
            port=1179,
            hold_time=120.0,
            router_id=IPv4Address("10.0.0.9"),
            password="12345",
            node_selectors=(selector,),
        ),
        Peer(
            name="peer-2001-db8--1",
            address=ip_address("2001:db8::1"),
            asn=42,
            my_asn=42,
            hold_time=0.0,
            router_id=IPv4Address("10.0.0.9"),
        ),
    )
    assert "12345" not in repr(read.peers)


def test_a_configuration_without_pools_says_so() -> None:
    assert config("address-pools: []").pools == {}


PEER = {"my-asn": "64512", "peer-asn": "64513", "peer-address": "10.0.0.1"}
POOL = {"name": "p", "protocol": "layer2", "addresses": "[10.0.0.0/24]"}


def peer_with(**changes: str) -> str:
    fields = {**PEER, **{key.replace("_", "-"): value for key, value in changes.items()}}
    return "peers:\n- {" + ", ".join(f"{key}: {value}" for key, value in fields.items() if value) + "}"


def pool_with(**changes: str) -> str:
    fields = {**POOL, **{key.replace("_", "-"): value for key, value in changes.items()}}
    return (
        "address-pools:\n- {" + ", ".join(f"{key}: {value}" for key, value in fields.items() if value) + "}"
    )


WRONG = [
    (
        "colour: red",
        "colour: unknown key, must be one of peers, bgp-communities, bfd-profiles, address-pools",
    ),
    ("peers: 5", 'peers: "5", must be a list'),
    ("peers: [5]", 'peers[0]: "5", must be a mapping'),
    ("address-pools: {}", "address-pools: a mapping, must be a list"),
    (peer_with(my_asn=""), "peers[0].my-asn: missing, must be an AS number from 1 to 4294967295"),
    (peer_with(peer_asn="0"), "peers[0].peer-asn: missing, must be an AS number from 1 to 4294967295"),
    (peer_with(peer_asn="4294967296"), "peers[0].peer-asn: 4294967296, must be from 0 to 4294967295"),
    (peer_with(peer_asn="as1"), 'peers[0].peer-asn: "as1", must be a whole number'),
    (peer_with(peer_address=""), "peers[0].peer-address: missing, a peer needs the address of the router"),
    (peer_with(peer_address="10.0.0.256"), 'peers[0].peer-address: "10.0.0.256", must be an IP address'),
    (peer_with(peer_port="65536"), "peers[0].peer-port: 65536, must be from 0 to 65535"),
    (
        peer_with(hold_time="120"),
        'peers[0].hold-time: "120", must be a duration with a unit, for example "120s"',
    ),
    (peer_with(hold_time="soon"), 'peers[0].hold-time: "soon", must be a duration with a unit'),
    (
        peer_with(hold_time="500ms"),
        "peers[0].hold-time: 500ms, must be 0 (no keepalives) or from 3s to 65535s",
    ),
    (
        peer_with(hold_time="2900ms"),
        "peers[0].hold-time: 2900ms, must be 0 (no keepalives) or from 3s to 65535s",
    ),
    (peer_with(hold_time="-9s"), "peers[0].hold-time: -9s, must be 0 (no keepalives) or from 3s to 65535s"),
    (peer_with(hold_time="19h"), "peers[0].hold-time: 19h, must be 0 (no keepalives) or from 3s to 65535s"),
    (peer_with(router_id="'fd00::1'"), "peers[0].router-id: fd00::1, must be an IPv4 address"),
    (peer_with(router_id="me"), 'peers[0].router-id: "me", must be an IPv4 address'),
    (peer_with(router_id="0.0.0.0"), "peers[0].router-id: 0.0.0.0, must not be zero"),
    (
        peer_with(peer_address="224.0.0.5"),
        "peers[0].peer-address: 224.0.0.5, must be the address of one router",
    ),
    (peer_with(my_asn="1" * 5000), "peers[0].my-asn: "),
    (peer_with(hold_time="9" * 400 + "h"), "peers[0].hold-time: "),
    (
        pool_with(addresses="[239.1.1.0/28]"),
        "overlaps with 224.0.0.0-255.255.255.255, which no Service can have",
    ),
    (pool_with(addresses="[0.0.0.0/0]"), "overlaps with 0.0.0.0-0.255.255.255, which no Service can have"),
    (peer_with(password="x" * 81), "peers[0].password: 81 octets, must be at most 80"),
    (
        peer_with(passwort="x"),
        "peers[0].passwort: unknown key, must be one of my-asn, peer-asn, peer-address, ",
    ),
    (peer_with(node_selectors="[{labels: {}}]"), "peers[0].node-selectors[0].labels: unknown key"),
    (
        peer_with(node_selectors="[{match-expressions: [{key: a, operator: Is}]}]"),
        'peers[0].node-selectors[0].match-expressions[0].operator: "Is", must be one of In, NotIn, Exists, DoesNot',
    ),
    (
        peer_with(node_selectors="[{match-expressions: [{key: a, operator: In}]}]"),
        "peers[0].node-selectors[0].match-expressions[0].values: must not be empty with the operator In",
    ),
    (
        peer_with(node_selectors="[{match-expressions: [{key: a, operator: Exists, values: [b]}]}]"),
        "peers[0].node-selectors[0].match-expressions[0].values: must be empty with the operator Exists",
    ),
    (
        peer_with(node_selectors="[{match-expressions: [{operator: Exists}]}]"),
        "peers[0].node-selectors[0].match-expressions[0].key: missing, an expression needs the key of a label",
    ),
    (
        "bgp-communities: {a: 65536:1}",
        'bgp-communities.a: "65536:1", must be a:b with both from 0 to 65535, or large:a:b:c',
    ),
    (
        "bgp-communities: {a: 1}",
        'bgp-communities.a: "1", must be a:b with both from 0 to 65535, or large:a:b:c',
    ),
    (pool_with(name=""), "address-pools[0].name: missing, a pool needs a name"),
    (pool_with(protocol=""), "address-pools[0].protocol: missing, must be layer2 or bgp"),
    (pool_with(protocol="arp"), 'address-pools[0].protocol: "arp", must be layer2 or bgp'),
    (
        pool_with(addresses=""),
        "address-pools[0].addresses: missing, must be a list of networks (10.0.0.0/24) and ranges",
    ),
    (
        pool_with(addresses="[]"),
        "address-pools[0].addresses: missing, must be a list of networks (10.0.0.0/24) and ranges",
    ),
    (pool_with(addresses="10.0.0.0/24"), 'address-pools[0].addresses: "10.0.0.0/24", must be a list'),
    (
        pool_with(addresses="[10.0.0.0]"),
        'address-pools[0].addresses[0]: "10.0.0.0", must be a network (10.0.0.0/24)',
    ),
    (pool_with(addresses="[10.0.0.0/33]"), 'address-pools[0].addresses[0]: "10.0.0.0/33", must be a network'),
    (pool_with(addresses="[10.0.0.9-10.0.0.1]"), 'addresses[0]: "10.0.0.9-10.0.0.1", ends before it begins'),
    (pool_with(addresses="['10.0.0.1-fd00::1']"), 'addresses[0]: "10.0.0.1-fd00::1", mixes IPv4 and IPv6'),
    (
        pool_with(addresses="[10.0.0.1-9]"),
        'addresses[0]: "10.0.0.1-9", must be first-last with an IP address',
    ),
    (
        pool_with(addresses="[10.0.0.0/24, 10.0.0.9-10.0.0.9]"),
        'addresses[1]: "10.0.0.9-10.0.0.9" overlaps with 10.0.0.0-10.0.0.255 of the same pool',
    ),
    (pool_with(auto_assign="maybe"), 'address-pools[0].auto-assign: "maybe", must be true or false'),
    (pool_with(auto_assign="'false'"), 'address-pools[0].auto-assign: "false", must be true or false'),
    (
        pool_with(bgp_advertisements="[{}]"),
        "bgp-advertisements: only a pool with protocol bgp has advertisements",
    ),
    (
        pool_with(protocol="bgp", bgp_advertisements="[{aggregation-length: 33}]"),
        "address-pools[0].bgp-advertisements[0].aggregation-length: 33, must be from 1 to 32",
    ),
    (
        pool_with(protocol="bgp", bgp_advertisements="[{aggregation-length: 20}]"),
        'bgp-advertisements[0].aggregation-length: 20, shorter than 10.0.0.0/24 of the pool "p"',
    ),
    (
        pool_with(protocol="bgp", bgp_advertisements="[{localpref: -1}]"),
        "bgp-advertisements[0].localpref: -1, must be from 0 to 4294967295",
    ),
    (
        pool_with(protocol="bgp", bgp_advertisements="[{communities: [x]}]"),
        'bgp-advertisements[0].communities[0]: "x", must be an alias that can be used, or a:b',
    ),
    ("address-pools: [{name: a, name: b}]", "address-pools[0].name: given again on line 1"),
]


def read(text: str, previous: Reading | None = None) -> Reading:
    found = read_text(text, CONFIG_NAME)
    assert not found.problems
    return judge(found.declarations, previous=previous)


def problems(reading: Reading) -> list[str]:
    return [str(finding.problem) for finding in reading.findings]


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_what_is_wrong_is_said_with_its_place(text: str, expected: str) -> None:
    found = read_text(text, CONFIG_NAME)
    reading = judge(found.declarations)
    assert [problem for problem in (*map(str, found.problems), *problems(reading)) if expected in problem]
    assert not reading.config.peers
    # A pool is in force without an advertisement that has a problem.
    assert not any(pool.layer2 or pool.bgp for pool in reading.config.pools.values())


@pytest.mark.parametrize(
    "text",
    [
        "a: [",
        "just words",
        "[1, 2]",
        "\tx: 1",
        "a: &b [*b]",
        "{}\n---\n{}",
        "",
        "# nothing",
        "addres-pools: []",
        "address-pools: nonsense",
        "address-pools: []\naddress-pools: []",
        "peers: nonsense",
    ],
)
def test_what_is_no_document_says_so_as_a_whole(text: str) -> None:
    found = read_text(text, CONFIG_NAME)
    assert found.problems
    assert not found.declarations


GOOD_POOL = "- {name: good, protocol: layer2, addresses: [192.0.2.0/24]}\n"


def test_a_bad_pool_is_set_aside_and_the_others_are_in_force() -> None:
    reading = read(pool_with(addresses="[nonsense]") + "\n" + GOOD_POOL)
    assert list(reading.config.pools) == ["good"]
    assert not reading.config.complete


def test_of_two_pools_that_overlap_the_first_is_in_force() -> None:
    reading = read(pool_with(addresses="[192.0.2.7-192.0.3.1]") + "\n" + GOOD_POOL)
    assert list(reading.config.pools) == ["p"]
    expected = '192.0.2.0-192.0.2.255 overlaps with 192.0.2.7-192.0.3.1 of the pool "p"'
    assert problems(reading) == [f"address-pools[1].addresses[0]: {expected}"]


def test_of_two_pools_of_one_name_the_first_is_in_force_with_its_own_advertisements() -> None:
    second = "- {name: p, protocol: bgp, addresses: [192.0.2.0/24]}\n"
    reading = read(pool_with() + "\n" + second)
    assert str(reading.config.pools["p"].ranges[0]) == "10.0.0.0-10.0.0.255"
    assert not reading.config.pools["p"].bgp
    assert problems(reading) == [
        'address-pools[1]: "p" is the name of another IPAddressPool too, names must be unique'
    ]


def good(reading: Reading) -> Reading:
    assert not reading.findings
    return reading


def test_a_pool_that_goes_bad_keeps_its_last_good_state() -> None:
    before = good(read(pool_with() + "\n" + GOOD_POOL))
    bad = pool_with(addresses="[nonsense]") + "\n" + GOOD_POOL.replace("192.0.2", "192.0.3")
    after = read(bad, before).config
    assert str(after.pools["p"].ranges[0]) == "10.0.0.0-10.0.0.255"
    assert after.pools["p"].layer2
    assert str(after.pools["good"].ranges[0]) == "192.0.3.0-192.0.3.255"
    assert read(bad, read(bad, before)).config == after


def test_a_last_good_state_that_overlaps_with_what_is_new_is_given_up() -> None:
    before = good(read(pool_with()))
    text = pool_with(addresses="[nonsense]") + "\n" + GOOD_POOL.replace("192.0.2.0", "10.0.0.0")
    assert list(read(text, before).config.pools) == ["good"]


def test_a_peer_that_goes_bad_keeps_its_last_good_state_and_one_that_is_removed_goes() -> None:
    two = peer_with() + "\n- {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.2}"
    before = good(read(two))
    after = read(peer_with(hold_time="1s"), before).config
    assert [(peer.name, peer.hold_time) for peer in after.peers] == [("peer-10.0.0.1", 90.0)]


def test_an_advertisement_that_goes_bad_keeps_its_last_good_state() -> None:
    text = pool_with(protocol="bgp", bgp_advertisements="[{localpref: 7}]")
    after = read(text.replace("7", "seven"), good(read(text))).config
    assert [each.local_pref for each in after.pools["p"].bgp] == [7]


def test_peers_at_one_address_have_names_of_their_own() -> None:
    text = peer_with(node_selectors="[{match-labels: {a: b}}]") + peer_with().removeprefix("peers:")
    assert [peer.name for peer in good(read(text)).config.peers] == ["peer-10.0.0.1", "peer-10.0.0.1-2"]


LATER = """\
peers:
- {my-asn: 1, peer-asn: 2, peer-address: 10.0.0.1, source-address: 10.0.0.7, keepalive-time: 5s, ebgp-multihop: true,
   bfd-profile: fast}
bfd-profiles:
- {name: fast, receive-interval: 100, transmit-interval: 50, detect-multiplier: 4, echo-interval: 70,
   passive-mode: true, minimum-ttl: 250}
- {name: usual}
address-pools:
- name: six
  protocol: bgp
  addresses: ["2001:db8:1::/64"]
  bgp-advertisements: [{aggregation-length-v6: 64}]
"""


def test_the_keys_of_later_versions_mean_what_they_mean_to_metallb() -> None:
    read_config = config(LATER)
    assert read_config.peers == (
        Peer(
            name="peer-10.0.0.1",
            address=ip_address("10.0.0.1"),
            asn=2,
            my_asn=1,
            source_address=ip_address("10.0.0.7"),
            keepalive_time=5.0,
            hold_time=15.0,
            ebgp_multihop=True,
            bfd_profile=BFDProfile(
                name="fast",
                receive_interval=0.1,
                transmit_interval=0.05,
                multiplier=4,
                passive=True,
                minimum_ttl=250,
            ),
        ),
    )
    assert read_config.pools["six"].bgp[0].aggregation_length_v6 == 64


_KEYS = ["name", "protocol", "addresses", "my-asn", "peer-asn", "peer-address", "hold-time", "node-selectors"]


def test_all_problems_come_at_once() -> None:
    text = peer_with(my_asn="", peer_address="x", hold_time="1") + "\n" + pool_with(name="", addresses="[x]")
    assert len(read(text).findings) == 5


@given(st.text())
def test_any_text_is_a_configuration_or_has_problems(text: str) -> None:
    found = read_text(text, CONFIG_NAME)
    assert found.problems or found.declarations or text.strip()


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(_KEYS) | st.text(), inner),
        max_leaves=20,
    )
)
def test_any_data_is_a_configuration_or_has_problems(data: object) -> None:
    document = Document({"address-pools": [data], "peers": [data]}, {})
    found = read_document(document, CONFIG_NAME)
    assert found.problems or judge(found.declarations).findings


def test_nothing_of_the_form_of_resources_gets_in() -> None:
    found = read_text(
        "address-pools: [{name: p, protocol: bgp, addresses: [10.0.0.0/24], quota: 3}]", CONFIG_NAME
    )
    assert "unknown key" in str(judge(found.declarations).findings[0])
    (advertisement,) = (each.spec for each in found.declarations if each.kind.value == "BGPAdvertisement")
    assert advertisement == BGPAdvertisementSpec(ip_address_pools=("p",))
