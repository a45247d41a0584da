"""What a node announces, and the reason for everything that it does not."""

from collections.abc import Iterable

import attrs
import pytest

import bgp
from k8sglue.config import Config, Protocol
from k8sglue.desired import EXCLUDE_LABEL, Announcement, Cluster, Desired, Refusal, Silence, desire
from k8sglue.resources import EndpointSlice, Key, Node, Service
from tests.k8sglue.objects import addresses, config, endpoints, node, pool, pools, service

NGINX = service(ingress=("10.211.55.240",))
NODES = (node("node-a"), node("node-b"), node("node-c"))
KEY = Key("default", "nginx")

BGP_CONFIG = """\
peers:
- {my-asn: 64512, peer-asn: 64513, peer-address: 10.211.55.2}
- my-asn: 64512
  peer-asn: 64514
  peer-address: 10.211.55.3
  node-selectors: [{match-labels: {rack: one}}]
bgp-communities: {red: "64512:7"}
address-pools:
- name: routed
  protocol: bgp
  addresses: [198.51.100.0/24]
  bgp-advertisements:
  - {aggregation-length: 32, localpref: 50, communities: [red]}
  - {aggregation-length: 24, communities: ["65535:65281"]}
"""
ROUTED = service(ingress=("198.51.100.7",))


def on(
    name: str,
    *,
    in_force: Config | None = None,
    services: Iterable[Service] = (NGINX,),
    slices: Iterable[EndpointSlice] = (endpoints("nginx", "node-a"),),
    nodes: Iterable[Node] = NODES,
    alive: Iterable[str] = ("node-a", "node-b", "node-c"),
    lb_class: str = "",
) -> Desired:
    cluster = Cluster(
        config=in_force or config(),
        services={each.key: each for each in services},
        endpoint_slices={each.key: each for each in slices},
        nodes={each.key: each for each in nodes},
        alive=frozenset(alive),
        lb_class=lb_class,
    )
    return desire(cluster, name)


def announcers(**fields: object) -> list[str]:
    return [each.name for each in NODES if on(each.name, **fields).addresses]  # type: ignore[arg-type]  # as `on`


def refusal(name: str, **fields: object) -> Refusal:
    desired = on(name, **fields)  # type: ignore[arg-type]  # as `on`
    assert desired.addresses == frozenset()
    assert desired.routes == ()
    return desired.services[KEY].refused[0]


def test_exactly_one_node_answers_for_a_layer_2_address() -> None:
    [winner] = announcers()
    assert on(winner).addresses == set(addresses("10.211.55.240"))
    assert on(winner).services[KEY].announced == (
        Announcement(addresses("10.211.55.240")[0], Protocol.LAYER2),
    )
    loser = next(each.name for each in NODES if each.name != winner)
    assert refusal(loser) == Refusal(Silence.NOT_ELECTED, Protocol.LAYER2, winner)


def test_services_of_a_class_are_announced_by_whoever_is_of_that_class() -> None:
    ours = attrs.evolve(NGINX, load_balancer_class="example.com/ours")
    assert len(announcers(services=[ours], lb_class="example.com/ours")) == 1
    assert str(refusal("node-a", services=[ours])) == "it belongs to the load balancer class example.com/ours"
    assert str(refusal("node-a", lb_class="example.com/ours")) == "it belongs to no load balancer class"


def test_another_node_answers_when_the_winner_is_gone() -> None:
    [winner] = announcers()
    others = {each.name for each in NODES} - {winner}
    [heir] = [name for name in announcers(alive=others) if name != winner]
    assert heir in others


def test_one_node_answers_for_all_addresses_of_a_service() -> None:
    both = ("192.0.2.5", "2001:db8::5")
    in_force = pools(pool("both", "192.0.2.1-192.0.2.9", "2001:db8::1-2001:db8::9"))
    [winner] = announcers(in_force=in_force, services=[service(ingress=both)])
    desired = on(winner, in_force=in_force, services=[service(ingress=both)])
    assert desired.addresses == set(addresses(*both))
    assert announcers(in_force=in_force, services=[service(ingress=both[:1])]) == [winner]
    [for_ipv6_alone] = announcers(in_force=in_force, services=[service(ingress=both[1:])])
    desired = on(for_ipv6_alone, in_force=in_force, services=[service(ingress=both[1:])])
    assert desired.addresses == set(addresses(both[1]))


def test_with_policy_local_only_a_node_with_an_endpoint_answers() -> None:
    local = attrs.evolve(NGINX, external_traffic_policy="Local")
    for name in ("node-a", "node-b", "node-c"):
        assert announcers(services=[local], slices=[endpoints("nginx", name)]) == [name]


@pytest.mark.parametrize(
    ("expected", "fields"),
    [
        (Silence.NOT_LOAD_BALANCER, {"services": [attrs.evolve(NGINX, type="ClusterIP")]}),
        (Silence.OTHER_CLASS, {"services": [attrs.evolve(NGINX, load_balancer_class="example.com/other")]}),
        (Silence.OTHER_CLASS, {"lb_class": "example.com/ours"}),
        (Silence.NO_ADDRESS, {"services": [attrs.evolve(NGINX, ingress=())]}),
        (Silence.INVALID_ADDRESS, {"services": [attrs.evolve(NGINX, ingress=("nonsense",))]}),
        (Silence.IN_NO_POOL, {"services": [attrs.evolve(NGINX, ingress=("192.0.2.1",))]}),
        (Silence.NO_ENDPOINTS, {"slices": []}),
        (Silence.NO_ENDPOINTS, {"slices": [endpoints("nginx", "node-a", can_serve=False)]}),
        (Silence.NO_ENDPOINTS, {"slices": [endpoints("other", "node-a")]}),
        (Silence.NODE_UNKNOWN, {"nodes": [node("node-b")]}),
        (Silence.NODE_EXCLUDED, {"nodes": [attrs.evolve(node("node-a"), labels={EXCLUDE_LABEL: ""})]}),
        (Silence.NETWORK_UNAVAILABLE, {"nodes": [node("node-a", network_unavailable=True)]}),
        (Silence.NO_CANDIDATE, {"alive": ["node-z"]}),
    ],
)
def test_every_silence_has_a_reason(expected: Silence, fields: dict[str, object]) -> None:
    found = refusal("node-a", **fields)
    assert found.reason is expected
    assert "{}" not in str(found)


def test_without_a_configuration_nothing_is_announced() -> None:
    cluster = Cluster(
        config=None, services={KEY: NGINX}, endpoint_slices={}, nodes={}, alive=frozenset({"node-a"})
    )
    assert desire(cluster, "node-a").services[KEY].refused == (Refusal(Silence.NO_CONFIG),)


def test_an_excluded_node_is_no_candidate_for_the_others_either() -> None:
    [winner] = announcers()
    nodes = [
        attrs.evolve(each, labels={EXCLUDE_LABEL: "true"}) if each.name == winner else each for each in NODES
    ]
    assert len(announcers(nodes=nodes)) == 1
    assert announcers(nodes=nodes) != [winner]


def test_every_node_announces_a_routed_address() -> None:
    for name in ("node-a", "node-b"):
        desired = on(name, in_force=config(BGP_CONFIG), services=[ROUTED])
        assert [str(route.prefix) for route in desired.routes] == ["198.51.100.7/32", "198.51.100.0/24"]
        assert desired.routes[0] == bgp.Route("198.51.100.7/32", communities=["64512:7"], local_pref=50)
        assert desired.routes[1].local_pref is None
        assert [peer.endpoint for peer in desired.peers] == ["10.211.55.2:179"]


def test_a_peer_is_for_the_nodes_that_it_selects() -> None:
    nodes = [node("node-a", rack="one"), node("node-b", rack="two")]
    in_force = config(BGP_CONFIG)
    assert len(on("node-a", in_force=in_force, nodes=nodes).peers) == 2
    assert len(on("node-b", in_force=in_force, nodes=nodes).peers) == 1
    excluded = [attrs.evolve(nodes[0], labels={EXCLUDE_LABEL: "", "rack": "one"})]
    assert on("node-a", in_force=in_force, nodes=excluded).peers == ()


def test_with_policy_local_only_nodes_with_an_endpoint_announce_the_route() -> None:
    local = attrs.evolve(ROUTED, external_traffic_policy="Local")
    slices = [endpoints("nginx", "node-a")]
    assert on("node-a", in_force=config(BGP_CONFIG), services=[local], slices=slices).routes
    found = refusal("node-b", in_force=config(BGP_CONFIG), services=[local], slices=slices)
    assert found == Refusal(Silence.NO_LOCAL_ENDPOINTS, Protocol.BGP)


def test_without_a_peer_there_is_nobody_to_announce_to() -> None:
    found = refusal(
        "node-a", in_force=pools(pool("routed", "198.51.100.0-198.51.100.9", bgp=True)), services=[ROUTED]
    )
    assert found == Refusal(Silence.NO_PEER, Protocol.BGP)


def test_services_that_share_an_aggregate_announce_it_once() -> None:
    other = attrs.evolve(service("other"), ingress=("198.51.100.9",))
    slices = [endpoints("nginx", "node-a"), endpoints("other", "node-b")]
    desired = on("node-c", in_force=config(BGP_CONFIG), services=[ROUTED, other], slices=slices)
    assert [str(route.prefix) for route in desired.routes].count("198.51.100.0/24") == 1
    assert len(desired.routes) == 3


def test_two_advertisements_of_one_prefix_are_joined() -> None:
    in_force = config("""\
peers: [{my-asn: 64512, peer-asn: 64512, peer-address: 10.211.55.2}]
address-pools:
- name: routed
  protocol: bgp
  addresses: [198.51.100.0/24]
  bgp-advertisements: [{communities: ["1:1"], localpref: 7}, {communities: ["2:2"]}]
""")
    [route] = on("node-a", in_force=in_force, services=[ROUTED]).routes
    assert route == bgp.Route("198.51.100.7/32", communities=["1:1", "2:2"], local_pref=7)


BOTH_ROUTED = attrs.evolve(ROUTED, ingress=("198.51.100.7", "2001:db8:100::7"))
BOTH_CONFIG = BGP_CONFIG.replace("[198.51.100.0/24]", "[198.51.100.0/24, '2001:db8:100::/64']")


def test_ipv6_addresses_are_announced_one_by_one() -> None:
    nodes = [node("node-a", internal_ips=("10.211.55.11", "fd10:211:55::11"))]
    desired = on("node-a", in_force=config(BOTH_CONFIG), services=[BOTH_ROUTED], nodes=nodes)
    assert [str(route.prefix) for route in desired.routes] == [
        "198.51.100.7/32",
        "198.51.100.0/24",
        "2001:db8:100::7/128",
    ]
    # Both advertisements have come to the same prefix.
    assert desired.routes[2] == bgp.Route(
        "2001:db8:100::7/128", communities=["64512:7", "65535:65281"], local_pref=50
    )
    assert desired.next_hops == set(addresses("10.211.55.11", "fd10:211:55::11"))


@pytest.mark.parametrize(
    ("internal_ips", "peer_address", "refused"),
    [
        ((), "10.211.55.2", ["IPv6"]),
        (("10.211.55.11",), "10.211.55.2", ["IPv6"]),
        (("fe80::1", "ff02::1", "::", "::1", "nonsense"), "10.211.55.2", ["IPv6"]),
        (("fd10:211:55::11",), "10.211.55.2", []),
        ((), "fd10:211:55::2", ["IPv4"]),
        (("10.211.55.11",), "fd10:211:55::2", []),
    ],
)
def test_a_route_of_the_other_family_than_the_session_needs_an_address_to_lead_to(
    internal_ips: tuple[str, ...], peer_address: str, refused: list[str]
) -> None:
    text = f"""\
peers: [{{my-asn: 64512, peer-asn: 64513, peer-address: "{peer_address}", router-id: 10.0.0.1}}]
address-pools: [{{name: both, protocol: bgp, addresses: [198.51.100.0/24, "2001:db8:100::/64"]}}]
"""
    desired = on(
        "node-a",
        in_force=config(text),
        services=[BOTH_ROUTED],
        nodes=[node("node-a", internal_ips=internal_ips)],
    )
    assert desired.services[KEY].refused == tuple(
        Refusal(Silence.NO_NEXT_HOP, Protocol.BGP, family) for family in refused
    )
    assert len(desired.routes) == 2 - len(refused)


def test_the_first_address_of_a_family_is_the_next_hop() -> None:
    nodes = [node("node-a", internal_ips=("10.211.55.11", "10.9.9.9", "2001:db8::1", "2001:db8::2"))]
    assert on("node-a", nodes=nodes).next_hops == set(addresses("10.211.55.11", "2001:db8::1"))
