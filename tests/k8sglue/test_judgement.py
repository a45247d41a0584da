"""What is in force of all that is configured: who wins, what is set aside, and what stays."""

from ipaddress import IPv4Address, ip_address

import pytest

from k8sglue.config import (
    AllocationOrder,
    BFDProfile,
    BGPAdvertisement,
    ConflictPolicy,
    DynamicASN,
    L2Advertisement,
    Peer,
    Placement,
    Pool,
    ServiceScope,
    Weight,
    WeightedSelector,
)
from k8sglue.findings import Severity
from k8sglue.judgement import Reading
from k8sglue.kinds import Key
from k8sglue.resources import Secret
from k8sglue.selectors import Operator, Requirement, Selector
from tests.k8sglue.objects import judged, resource


def labelled(key: str, value: str) -> Selector:
    return Selector((Requirement(key, Operator.IN, frozenset({value})),))


def found(reading: Reading, *severities: Severity) -> list[str]:
    return [str(finding) for finding in reading.findings if not severities or finding.severity in severities]


def pool(name: str, addresses: str = "10.0.0.0/24", more: str = "", **metadata: str) -> str:
    return resource("IPAddressPool", name, f"{{addresses: [{addresses}]{more}}}", **metadata)


def config_map(text: str) -> str:
    lines = text.replace("\n", "\n    ")
    head = (
        "---\nkind: ConfigMap\nmetadata: {namespace: metallb-system, name: config}\ndata:\n  config: |\n    "
    )
    return f"{head}{lines}\n"


def names(reading: Reading) -> list[str]:
    return list(reading.config.pools)


def ranges(reading: Reading, name: str) -> str:
    return " ".join(map(str, reading.config.pools[name].ranges))


def test_every_field_of_a_pool() -> None:
    text = pool(
        "p",
        "10.0.0.0/30, 2001:db8::/126, 10.1.0.1 - 10.1.0.9",
        ", autoAssign: false, avoidBuggyIPs: true, allocation: LeastRecentlyUsed, reuseDelay: 5m, quota: 3, "
        "reserved: [10.0.0.1, 10.1.0.8-10.1.0.9], serviceAllocation: {priority: 20, namespaces: [b, a], "
        "namespaceSelectors: [{matchLabels: {team: x}}], serviceSelectors: [{matchLabels: {tier: y}}]}",
        labels="{zone: east}",
    )
    reading = judged(text)
    assert not found(reading)
    (read,) = reading.config.pools.values()
    assert attrs_of(read) == {
        "ranges": "10.0.0.0-10.0.0.3 2001:db8::-2001:db8::3 10.1.0.1-10.1.0.9",
        "reserved": "10.0.0.1-10.0.0.1 10.1.0.8-10.1.0.9",
    }
    assert (read.auto_assign, read.avoid_buggy_ips, read.quota) == (False, True, 3)
    assert (read.order, read.reuse_delay) == (AllocationOrder.LEAST_RECENTLY_USED, 300.0)
    assert read.labels == {"zone": "east"}
    assert read.scope == ServiceScope(
        priority=20,
        namespaces=frozenset({"a", "b"}),
        namespace_selectors=(labelled("team", "x"),),
        service_selectors=(labelled("tier", "y"),),
    )


def attrs_of(read: Pool) -> dict[str, str]:
    return {"ranges": " ".join(map(str, read.ranges)), "reserved": " ".join(map(str, read.reserved))}


def test_every_field_of_a_peer() -> None:
    text = resource(
        "BGPPeer",
        "tor",
        "{myASN: 64512, dynamicASN: external, localASN: 64999, peerAddress: 10.0.0.1, sourceAddress: 10.0.0.2, "
        "peerPort: 1179, holdTime: 30s, keepaliveTime: 5s, connectTime: 7s, routerID: 10.0.0.3, bfdProfile: fast, "
        "nodeSelectors: [{matchLabels: {rack: r}}], passwordSecret: {name: word}, enableGracefulRestart: true, "
        "ebgpMultiHop: true, vrf: red, dualStackAddressFamily: true, passive: true, ttlSecurity: 3, "
        "maxPrefixes: 10, shutdownMessage: going down}",
    ) + resource(
        "BFDProfile",
        "fast",
        "{receiveInterval: 50, transmitInterval: 60, detectMultiplier: 5, "
        "passiveMode: true, minimumTtl: 253}",
    )
    key = Key("metallb-system", "word")
    secrets = {key: Secret(key=key, type="kubernetes.io/basic-auth", password="x")}
    reading = judged(text, secrets=secrets)
    assert not found(reading)
    assert reading.config.peers == (
        Peer(
            name="tor",
            address=ip_address("10.0.0.1"),
            dynamic_asn=DynamicASN.EXTERNAL,
            my_asn=64512,
            local_asn=64999,
            port=1179,
            source_address=ip_address("10.0.0.2"),
            hold_time=30.0,
            keepalive_time=5.0,
            connect_time=7.0,
            router_id=IPv4Address("10.0.0.3"),
            password="x",
            bfd_profile=BFDProfile(
                name="fast",
                receive_interval=0.05,
                transmit_interval=0.06,
                multiplier=5,
                passive=True,
                minimum_ttl=253,
            ),
            graceful_restart=True,
            ebgp_multihop=True,
            vrf="red",
            dual_stack=True,
            listen=True,
            passive=True,
            ttl_security=3,
            max_prefixes=10,
            shutdown_message="going down",
            node_selectors=(labelled("rack", "r"),),
        ),
    )


def test_every_field_of_advertisements() -> None:
    text = (
        pool("a", labels="{zone: east}")
        + pool("b", "10.2.0.0/24")
        + resource("Community", "names", "{communities: [{name: ours, value: 64512:7}]}")
        + resource(
            "BGPAdvertisement",
            "routed",
            "{aggregationLength: 24, localPref: 7, communities: [ours, 'large:1:2:3', '1:2'], ipAddressPools: [b], "
            "med: 5, asPathPrepend: 2, extendedCommunities: ['rt:64512:7'], weight: EndpointCount, "
            "nodeSelectors: [{matchLabels: {rack: r}}]}",
        )
        + resource(
            "L2Advertisement",
            "flat",
            "{ipAddressPoolSelectors: [{matchLabels: {zone: east}}], interfaces: [eth1, eth0], placement: Balanced, "
            "failback: 90s, gratuitousInterval: 30s, conflictPolicy: Yield, probeBeforeClaim: true, "
            "serviceSelectors: [{matchLabels: {tier: y}}], "
            "preferredNodeSelectors: [{weight: 10, preference: {matchLabels: {rack: r}}}]}",
        )
    )
    reading = judged(text)
    assert not found(reading)
    pools = reading.config.pools
    assert not pools["a"].bgp
    assert not pools["b"].layer2
    assert pools["b"].bgp == (
        BGPAdvertisement(
            name="routed",
            aggregation_length=24,
            local_pref=7,
            communities=("1:2", "64512:7", "large:1:2:3"),
            node_selectors=(labelled("rack", "r"),),
            med=5,
            as_path_prepend=2,
            extended_communities=("rt:64512:7",),
            weight=Weight.ENDPOINT_COUNT,
        ),
    )
    assert pools["a"].layer2 == (
        L2Advertisement(
            name="flat",
            service_selectors=(labelled("tier", "y"),),
            interfaces=("eth0", "eth1"),
            preferred_node_selectors=(WeightedSelector(10, labelled("rack", "r")),),
            placement=Placement.BALANCED,
            failback=90.0,
            gratuitous_interval=30.0,
            conflict_policy=ConflictPolicy.YIELD,
            probe_before_claim=True,
        ),
    )


def test_an_advertisement_without_pools_is_for_all_of_both_forms() -> None:
    text = (
        pool("a")
        + resource("L2Advertisement", "all", "{}")
        + config_map("address-pools:\n- {name: old, protocol: bgp, addresses: [10.9.0.0/24]}")
    )
    pools = judged(text).config.pools
    assert [each.name for each in pools["a"].layer2] == ["all"]
    assert pools["a"].bgp == ()
    assert [each.name for each in pools["old"].layer2] == ["all"]
    assert [each.name for each in pools["old"].bgp] == ["old"]


def test_a_resource_wins_over_the_config_map_and_a_warning_names_what_that_adds() -> None:
    old = "address-pools:\n- {name: a, protocol: layer2, addresses: [10.9.0.0/24]}\n"
    old += "- {name: b, protocol: layer2, addresses: [10.8.0.0/24]}"
    reading = judged(pool("a") + config_map(old))
    assert ranges(reading, "a") == "10.0.0.0-10.0.0.255"
    assert reading.config.pools["a"].layer2 == ()
    assert names(reading) == ["a", "b"]
    assert found(reading, Severity.WARNING) == [
        'ConfigMap metallb-system/config: address-pools[0]: not in force, since the IPAddressPool "a" is there as a '
        "resource",
        'ConfigMap metallb-system/config: in force beside the resources: IPAddressPool "b"',
    ]
    assert not found(reading, Severity.PROBLEM)


def test_of_two_pools_that_overlap_the_older_wins_and_else_the_name_decides() -> None:
    assert names(judged(pool("b") + pool("a"))) == ["a"]
    older, younger = (f"'2024-01-0{day}T00:00:00Z'" for day in (1, 2))
    text = pool("b", creationTimestamp=older) + pool("a", creationTimestamp=younger)
    reading = judged(text)
    assert names(reading) == ["b"]
    assert found(reading) == [
        "IPAddressPool metallb-system/a: spec.addresses[0]: 10.0.0.0-10.0.0.255 overlaps with 10.0.0.0-10.0.0.255 of "
        'the pool "b"'
    ]
    assert not reading.config.complete


PEER = "myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1"


def test_a_peer_waits_for_its_secret_and_keeps_its_session_when_that_is_gone() -> None:
    text = resource("BGPPeer", "p", f"{{{PEER}, passwordSecret: {{name: word}}}}")
    key = Key("metallb-system", "word")
    first = judged(text, secrets={})
    assert not first.config.peers
    assert found(first, Severity.MISSING) == [
        'BGPPeer metallb-system/p: spec.passwordSecret.name: there is no Secret "word"'
    ]
    good = judged(
        text, first, secrets={key: Secret(key=key, type="kubernetes.io/basic-auth", password="secret")}
    )
    assert not found(good)
    later = judged(text, good, secrets={})
    assert later.config == good.config
    assert found(later)


@pytest.mark.parametrize(
    ("secret", "expected"),
    [
        (
            Secret(key=Key("metallb-system", "word"), password="x"),
            "is of type Opaque, must be of kubernetes.io/basic",
        ),
        (
            Secret(key=Key("metallb-system", "word"), type="kubernetes.io/basic-auth"),
            "has nothing under the key passwo",
        ),
        (
            Secret(key=Key("metallb-system", "word"), type="kubernetes.io/basic-auth", password="x" * 81),
            "81 octets, must be at most 80",
        ),
    ],
)
def test_a_secret_that_will_not_do(secret: Secret, expected: str) -> None:
    text = resource("BGPPeer", "p", f"{{{PEER}, passwordSecret: {{name: word}}}}")
    reading = judged(text, secrets={secret.key: secret})
    assert expected in found(reading)[0]
    assert not reading.config.peers


def test_an_advertisement_goes_with_the_pools_that_it_fits() -> None:
    text = pool("a", "10.0.0.0/24") + pool("b", "10.1.0.0/28")
    reading = judged(text + resource("BGPAdvertisement", "wide", "{aggregationLength: 24}"))
    assert [len(each.bgp) for each in reading.config.pools.values()] == [1, 0]
    assert found(reading) == [
        "BGPAdvertisement metallb-system/wide: spec.aggregationLength: 24, shorter than 10.1.0.0/28 of the "
        'pool "b"'
    ]


def test_a_range_is_as_wide_as_its_widest_network() -> None:
    wide = resource("BGPAdvertisement", "wide", "{aggregationLength: 29}")
    assert not found(judged(pool("a", "10.0.0.1-10.0.0.15") + wide))
    assert found(judged(pool("a", "10.0.0.1-10.0.0.7") + wide))


def test_two_advertisements_do_not_contradict_each_other() -> None:
    text = pool("a") + resource("BGPAdvertisement", "x", "{localPref: 5}")
    other = "{{localPref: 6{}}}"
    for more, clash in [
        ("", True),
        (", peers: [p]", True),
        (", aggregationLength: 31", False),
        (", nodeSelectors: [{matchLabels: {a: b}}]", True),
        (", serviceSelectors: [{matchLabels: {a: b}}]", False),
    ]:
        reading = judged(text + resource("BGPAdvertisement", "y", other.format(more)))
        assert bool(found(reading, Severity.PROBLEM)) is clash
        assert len(reading.config.pools["a"].bgp) == 2 - clash


def test_what_is_not_there_is_named_and_the_rest_goes_on() -> None:
    text = pool("a") + resource("BGPAdvertisement", "x", "{ipAddressPools: [a, b], peers: [p]}")
    reading = judged(text)
    assert [each.peers for each in reading.config.pools["a"].bgp] == [("p",)]
    assert found(reading, Severity.MISSING) == [
        'BGPAdvertisement metallb-system/x: spec.ipAddressPools[1]: there is no IPAddressPool "b"',
        'BGPAdvertisement metallb-system/x: spec.peers[0]: there is no BGPPeer "p"',
    ]


def test_without_its_community_nothing_is_announced() -> None:
    text = pool("a") + resource("BGPAdvertisement", "x", "{communities: [no-export]}")
    assert judged(text).config.pools["a"].bgp == ()
    alias = resource("Community", "c", "{communities: [{name: no-export, value: '65535:65281'}]}")
    good = judged(text + alias)
    assert good.config.pools["a"].bgp[0].communities == ("65535:65281",)
    assert judged(text, good).config == good.config


def test_an_alias_belongs_to_one_object() -> None:
    text = "".join(
        resource("Community", name, f"{{communities: [{{name: x, value: '1:{value}'}}]}}")
        for name, value in (("b", 2), ("a", 1))
    )
    reading = judged(text + pool("p") + resource("BGPAdvertisement", "x", "{communities: [x]}"))
    assert reading.config.pools["p"].bgp[0].communities == ("1:1",)
    assert found(reading) == [
        'Community metallb-system/b: spec.communities[0].name: "x", which Community metallb-system/a has already'
    ]


def test_addresses_in_use_stay_in_a_pool_that_shrinks_until_nobody_has_them() -> None:
    before = judged(pool("p", "10.0.0.0/24") + resource("L2Advertisement", "all", "{}"))
    used = [ip_address(text) for text in ("10.0.0.200", "10.0.0.201", "10.0.0.5")]
    smaller = pool("p", "10.0.0.0/26") + resource("L2Advertisement", "all", "{}")
    after = judged(smaller, before, in_use=used)
    assert ranges(after, "p") == "10.0.0.0-10.0.0.63"
    assert [str(each) for each in after.config.pools["p"].kept] == ["10.0.0.200-10.0.0.201"]
    assert after.config.pool_of(used[0]) is after.config.pools["p"]
    assert found(after) == [
        'IPAddressPool metallb-system/p: 10.0.0.200-10.0.0.201: 2 in use that the pool "p" has no longer; the '
        "Services keep them"
    ]
    again = judged(smaller, after, in_use=used)
    assert again.config == after.config
    assert not judged(smaller, again, in_use=used[2:]).config.pools["p"].kept


def test_addresses_in_use_stay_when_their_pool_is_gone_but_not_in_anothers_way() -> None:
    before = judged(pool("p", "10.0.0.0/24") + resource("L2Advertisement", "all", "{}"))
    used = [ip_address(text) for text in ("10.0.0.200", "10.0.0.5")]
    after = judged(pool("q", "10.0.0.0/26"), before, in_use=used)
    gone = after.config.pools["p"]
    assert (gone.ranges, gone.auto_assign, [str(each) for each in gone.kept]) == (
        (),
        False,
        ["10.0.0.200-10.0.0.200"],
    )
    assert gone.layer2
    assert judged("", after, in_use=used[:1]).config.pools.keys() == {"p"}
    assert judged("", after).config.pools == {}


def test_a_pool_finds_its_addresses_among_many() -> None:
    text = "".join(pool(f"p{n}", f"10.0.{n}.0/25, 2001:db8:{n}::/64") for n in range(9))
    config = judged(text).config
    for text, expected in (
        ("10.0.4.127", "p4"),
        ("10.0.4.128", None),
        ("9.9.9.9", None),
        ("2001:db8:8::7", "p8"),
        ("2001:db8:9::", None),
    ):
        found_pool = config.pool_of(ip_address(text))
        assert (found_pool and found_pool.name) == expected


def test_two_peers_at_one_place_are_warned_of() -> None:
    text = resource("BGPPeer", "a", f"{{{PEER}}}") + resource("BGPPeer", "b", f"{{{PEER}}}")
    assert found(judged(text)) == [
        'BGPPeer metallb-system/b: spec.peerAddress: 10.0.0.1:179, where "a" is too: only that one gets a session'
    ]
