"""Custom resources that say something wrong: what a person is told, and where."""

import pytest

from k8sglue.check import Check
from tests.k8sglue.objects import resource

POOL = "IPAddressPool"
PEER = "BGPPeer"
BGP = "BGPAdvertisement"
L2 = "L2Advertisement"
BFD = "BFDProfile"
GOOD_PEER = "myASN: 64512, peerASN: 64513, peerAddress: 10.0.0.1"


def pool(more: str, addresses: str = "10.0.0.0/24") -> tuple[str, str]:
    return POOL, f"{{addresses: [{addresses}], {more}}}"


def ranges(addresses: str) -> tuple[str, str]:
    return POOL, f"{{addresses: [{addresses}]}}"


def peer(more: str) -> tuple[str, str]:
    return PEER, f"{{{GOOD_PEER}, {more}}}"


def selecting(selector: str) -> tuple[str, str]:
    return L2, f"{{nodeSelectors: [{selector}]}}"


NETWORK = "must be a network (10.0.0.0/24) or a range (10.0.0.1-10.0.0.9)"
COMMUNITY = "must be an alias that can be used, or a:b with both from 0 to 65535, or large:a:b:c"
HOLD_TIME = "must be 0 (no keepalives) or from 3s to 65535s"

WRONG = [
    ((POOL, "{}"), "spec.addresses: missing, must be a list of networks (10.0.0.0/24) and ranges"),
    ((POOL, "5"), 'spec: "5", must be a mapping'),
    ((POOL, "{addresses: 10.0.0.0/24}"), 'spec.addresses: "10.0.0.0/24", must be a list'),
    (ranges("{}"), "spec.addresses[0]: a mapping, must be a string"),
    (ranges("10.0.0.0"), f'spec.addresses[0]: "10.0.0.0", {NETWORK}'),
    (ranges("10.0.0.0/24, 10.0.0.0/33"), f'spec.addresses[1]: "10.0.0.0/33", {NETWORK}'),
    (ranges("10.0.0.9-10.0.0.1"), 'spec.addresses[0]: "10.0.0.9-10.0.0.1", ends before it begins'),
    (ranges('"10.0.0.1-2001:db8::1"'), "mixes IPv4 and IPv6"),
    (ranges("10.0.0.1-5"), "must be first-last with an IP address on either side"),
    (
        ranges("10.0.0.0/24, 10.0.0.128/25"),
        '"10.0.0.128/25" overlaps with 10.0.0.0-10.0.0.255 of the same pool',
    ),
    (ranges('"fe80::/64"'), "overlaps with fe80::-febf:"),
    (ranges("127.0.0.0/30"), "overlaps with 127.0.0.0-127.255.255.255, which no Service can have"),
    (pool("autoAssign: 1"), 'spec.autoAssign: "1", must be true or false'),
    (pool('avoidBuggyIPs: "yes"'), 'spec.avoidBuggyIPs: "yes", must be true or false'),
    (
        pool("avoidbuggyips: true"),
        "spec.avoidbuggyips: unknown key, must be one of addresses, autoAssign, avoidBuggy",
    ),
    (
        pool("allocation: Highest"),
        'spec.allocation: "Highest", must be Lowest or Random or LeastRecentlyUsed',
    ),
    (pool("reuseDelay: 5"), 'spec.reuseDelay: "5", must be a duration with a unit, for example "5s"'),
    (pool("reuseDelay: -5s"), "spec.reuseDelay: -5s, must be 0 (at once) or from 1s to 31536000s"),
    (pool("reuseDelay: 500ms"), "spec.reuseDelay: 500ms, must be 0 (at once) or from 1s to 31536000s"),
    (pool("quota: 0"), "spec.quota: 0, must be from 1 to 2147483647"),
    (pool("reserved: [10.1.0.1]"), 'spec.reserved[0]: "10.1.0.1", none of it is in the pool\'s addresses'),
    (pool("reserved: [ten]"), 'spec.reserved[0]: "ten", must be an address (10.0.0.1), a network'),
    (pool("serviceAllocation: []"), "spec.serviceAllocation: a list, must be a mapping"),
    (
        pool("serviceAllocation: {priority: -1}"),
        "spec.serviceAllocation.priority: -1, must be from 0 to 2147483647",
    ),
    (
        pool("serviceAllocation: {namespaces: [a, b, a]}"),
        'spec.serviceAllocation.namespaces[2]: "a", the same as one above',
    ),
    (
        pool("serviceAllocation: {namespaceSelectors: [{matchLabels: {a: b}}, {matchLabels: {a: b}}]}"),
        "spec.serviceAllocation.namespaceSelectors[1]: the same as one above",
    ),
    (
        pool("serviceAllocation: {serviceSelector: []}"),
        "spec.serviceAllocation.serviceSelector: unknown key, must be one of priority, namespaces, namespaceSel",
    ),
    (
        selecting("{matchLabels: {a b: c}}"),
        'nodeSelectors[0].matchLabels.a b: "a b", must be the key of a label',
    ),
    (selecting("{matchLabels: {a: b c}}"), 'matchLabels.a: "b c", must be at most 63 letters, digits'),
    (
        selecting("{matchlabels: {a: b}}"),
        "matchlabels: unknown key, must be one of matchLabels, matchExpressions",
    ),
    (
        selecting("{matchExpressions: [{key: a, operator: Equals, values: [b]}]}"),
        'matchExpressions[0].operator: "Equals", must be one of In, NotIn, Exists, DoesNotExist',
    ),
    (
        selecting("{matchExpressions: [{key: a, operator: In}]}"),
        "matchExpressions[0].values: must not be empty with the operator In",
    ),
    ((PEER, "{}"), "spec.myASN: missing, must be an AS number from 1 to 4294967295"),
    ((PEER, "{myASN: 1}"), "spec.peerASN: missing, must be an AS number from 1 to 4294967295"),
    ((PEER, "{myASN: 1, peerASN: 2}"), "spec.peerAddress: missing, a peer needs the address of the router"),
    ((PEER, "{myASN: 0, peerASN: 2, peerAddress: 10.0.0.1}"), "spec.myASN: 0, must be from 1 to 4294967295"),
    (peer("peerASN: 4294967296"), "spec.peerASN: given again on line 5"),
    ((PEER, "{myASN: 1, peerASN: 4294967296}"), "spec.peerASN: 4294967296, must be from 0 to 4294967295"),
    ((PEER, "{myASN: 1, peerASN: 64512.1}"), 'spec.peerASN: "64512.1", must be a whole number'),
    (peer("dynamicASN: internal"), "spec.dynamicASN: given together with peerASN, must be one of them"),
    ((PEER, "{myASN: 1, dynamicASN: any}"), 'spec.dynamicASN: "any", must be internal or external'),
    (peer("localASN: 0"), "spec.localASN: 0, must be from 1 to 4294967295"),
    (peer("interface: eth0"), "spec.interface: given together with peerAddress, must be one of them"),
    (
        (PEER, "{myASN: 1, peerASN: 2, interface: eth/0}"),
        'spec.interface: "eth/0", must be at most 15 octets without white space, / and :',
    ),
    (
        (PEER, f"{{myASN: 1, peerASN: 2, interface: {'e' * 16}}}"),
        "spec.interface: 16 octets, must be at most 15",
    ),
    ((PEER, "{myASN: 1, peerASN: 2, peerAddress: tor}"), 'spec.peerAddress: "tor", must be an IP address'),
    (
        (PEER, "{myASN: 1, peerASN: 2, peerAddress: 10.0.0.0/24}"),
        'spec.peerAddress: "10.0.0.0/24", must be an IP',
    ),
    (
        (PEER, "{myASN: 1, peerASN: 2, peerAddress: '::ffff:10.0.0.1'}"),
        "must be written as IPv4: 10.0.0.1",
    ),
    (
        (PEER, "{myASN: 1, peerASN: 2, peerAddress: 255.255.255.255}"),
        "spec.peerAddress: 255.255.255.255, must be the address of one router",
    ),
    (
        (PEER, "{myASN: 1, peerASN: 2, peerAddress: 'fe80::1'}"),
        "spec.peerAddress: fe80::1 is on every link, name the interface in its place",
    ),
    (peer("sourceAddress: 'fd00::1'"), "spec.sourceAddress: fd00::1, must be IPv4 as peerAddress is"),
    (peer("sourceAddress: 0.0.0.0"), "spec.sourceAddress: 0.0.0.0, must be an address of the node"),
    (peer("peerPort: 65536"), "spec.peerPort: 65536, must be from 0 to 65535"),
    (peer("holdTime: 120"), 'spec.holdTime: "120", must be a duration with a unit, for example "120s"'),
    (peer("holdTime: 2s"), f"spec.holdTime: 2s, {HOLD_TIME}"),
    (peer("holdTime: 500ms"), f"spec.holdTime: 500ms, {HOLD_TIME}"),
    (peer("holdTime: 20h"), f"spec.holdTime: 20h, {HOLD_TIME}"),
    (
        peer("holdTime: 9s, keepaliveTime: 10s"),
        "spec.keepaliveTime: 10s, must be at most the hold time of 9s",
    ),
    (
        peer("keepaliveTime: 7h"),
        "spec.keepaliveTime: 25200s, must be at most 21845s, a third of the longest hold",
    ),
    (peer("connectTime: 0s"), "spec.connectTime: 0s, must be from 1s to 65535s"),
    (peer("connectTime: 500ms"), "spec.connectTime: 500ms, must be from 1s to 65535s"),
    (peer("routerID: 'fd00::1'"), "spec.routerID: fd00::1, must be an IPv4 address"),
    (peer("routerID: 0.0.0.0"), "spec.routerID: 0.0.0.0, must not be zero"),
    (peer("routerID: seven"), 'spec.routerID: "seven", must be an IPv4 address'),
    (
        peer("password: a, passwordSecret: {name: b}"),
        "spec.passwordSecret: given together with password, must be one of them",
    ),
    (peer("passwordSecret: {}"), "spec.passwordSecret.name: missing, must be the name of a Secret"),
    (
        peer("passwordSecret: {name: a, namespace: default}"),
        'spec.passwordSecret.namespace: "default", must be metallb-system, where the BGPPeer is',
    ),
    (peer(f"password: {'x' * 81}"), "spec.password: 81 octets, must be at most 80"),
    (peer("ebgpMultiHop: perhaps"), 'spec.ebgpMultiHop: "perhaps", must be true or false'),
    (
        (PEER, "{myASN: 1, peerASN: 1, peerAddress: 10.0.0.1, ebgpMultiHop: true}"),
        "spec.ebgpMultiHop: true, but a peer of our own AS is never external",
    ),
    (peer("vrf: my vrf"), 'spec.vrf: "my vrf", must be at most 15 octets without white space'),
    (peer("ttlSecurity: 255"), "spec.ttlSecurity: 255, must be from 1 to 254"),
    (peer("maxPrefixes: 0"), "spec.maxPrefixes: 0, must be from 1 to 4294967295"),
    (peer(f"shutdownMessage: {'é' * 128}"), "spec.shutdownMessage: 256 octets, must be at most 255"),
    (peer("nodeSelector: []"), "spec.nodeSelector: unknown key, must be one of myASN, peerASN, dynamicASN"),
    ((BGP, "{aggregationLength: 33}"), "spec.aggregationLength: 33, must be from 1 to 32"),
    ((BGP, "{aggregationLength: 0}"), "spec.aggregationLength: 0, must be from 1 to 32"),
    ((BGP, "{aggregationLengthV6: 129}"), "spec.aggregationLengthV6: 129, must be from 1 to 128"),
    (
        (BGP, "{aggregationLength: 24, serviceSelectors: [{matchLabels: {a: b}}]}"),
        "spec.aggregationLength: 24, must be 32 with serviceSelectors",
    ),
    ((BGP, "{localPref: -1}"), "spec.localPref: -1, must be from 0 to 4294967295"),
    ((BGP, "{communities: ['65536:1']}"), f'spec.communities[0]: "65536:1", {COMMUNITY}'),
    ((BGP, "{communities: ['large:1:2']}"), f'spec.communities[0]: "large:1:2", {COMMUNITY}'),
    (
        (BGP, f"{{communities: [{', '.join(f'1:{n}' for n in range(64))}]}}"),
        "spec.communities: 64 communities, must be at most 63",
    ),
    (
        (BGP, "{extendedCommunities: ['rt:7']}"),
        'spec.extendedCommunities[0]: "rt:7", must be an extended community',
    ),
    ((BGP, "{med: 4294967296}"), "spec.med: 4294967296, must be from 0 to 4294967295"),
    ((BGP, "{asPathPrepend: 11}"), "spec.asPathPrepend: 11, must be from 0 to 10"),
    ((BGP, "{weight: Endpoints}"), 'spec.weight: "Endpoints", must be EndpointCount'),
    ((BGP, "{peers: [a, a]}"), 'spec.peers[1]: "a", the same as one above'),
    ((BGP, "{ipAddressPools: [a, a]}"), 'spec.ipAddressPools[1]: "a", the same as one above'),
    ((L2, "{ipAddressPools: a}"), 'spec.ipAddressPools: "a", must be a list'),
    ((L2, "{interfaces: ['']}"), 'spec.interfaces[0]: "", must be 1 to 15 octets without white space'),
    ((L2, "{placement: Even}"), 'spec.placement: "Even", must be Hash or Balanced'),
    ((L2, "{failback: Later}"), 'spec.failback: "Later", must be Immediate, Never or a duration with a unit'),
    ((L2, "{failback: -1s}"), "spec.failback: -1s, must be Immediate, Never or from 1s to 31536000s"),
    ((L2, "{gratuitousInterval: 2h}"), "spec.gratuitousInterval: 2h, must be 0 (never) or from 1s to 3600s"),
    ((L2, "{conflictPolicy: Fight}"), 'spec.conflictPolicy: "Fight", must be Defend or Yield or Ignore'),
    ((L2, "{probeBeforeClaim: 3}"), 'spec.probeBeforeClaim: "3", must be true or false'),
    (
        (L2, "{preferredNodeSelectors: [{weight: 101}]}"),
        "spec.preferredNodeSelectors[0].weight: 101, must be from 1 to 100",
    ),
    (
        (L2, "{preferredNodeSelectors: [{preference: {}}]}"),
        "spec.preferredNodeSelectors[0].weight: missing, must be a number from 1 to 100",
    ),
    (
        ("Community", "{communities: [{value: '1:2'}]}"),
        "spec.communities[0].name: missing, must be the name to use",
    ),
    (
        ("Community", "{communities: [{name: a}]}"),
        "spec.communities[0].value: missing, must be a:b or large:a:b:c",
    ),
    (
        ("Community", "{communities: [{name: a, value: 1}]}"),
        'spec.communities[0].value: "1", must be a:b with both from 0 to 65535, or large:a:b:c',
    ),
    (
        ("Community", "{communities: [{name: a, value: '1:2'}, {name: a, value: '1:3'}]}"),
        'spec.communities[1].name: "a", the same as one above',
    ),
    ((BFD, "{receiveInterval: 9}"), "spec.receiveInterval: 9, must be from 10 to 60000"),
    ((BFD, "{transmitInterval: 60001}"), "spec.transmitInterval: 60001, must be from 10 to 60000"),
    ((BFD, "{detectMultiplier: 1}"), "spec.detectMultiplier: 1, must be from 2 to 255"),
    ((BFD, "{echoInterval: 300ms}"), 'spec.echoInterval: "300ms", must be a whole number'),
    ((BFD, "{minimumTtl: 255}"), "spec.minimumTtl: 255, must be from 1 to 254"),
]


@pytest.mark.parametrize(("written", "expected"), WRONG, ids=lambda value: str(value)[:60])
def test_what_is_wrong_is_said_with_its_place(written: tuple[str, str], expected: str) -> None:
    check = Check()
    check.add("file", resource(written[0], "thing", written[1]))
    result = check.result()
    lines = [*result.problems, *result.notes]
    assert [line for line in lines if line.startswith("file:5: spec") and expected in line], lines
