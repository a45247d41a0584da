"""The packet rewriting of the lab's nodes: from Services and endpoints to an nftables script, without a kernel."""

import itertools
import re

import attrs

from k8sglue.lab.rules import ruleset
from k8sglue.resources import Endpoint, EndpointSlice, Key, Service, ServicePort

WEB = Service(
    key=Key("default", "web"),
    type="LoadBalancer",
    cluster_ips=("10.96.0.7",),
    ingress=("192.0.2.240",),
    ports=(ServicePort(80, node_port=32000),),
)
PODS = EndpointSlice(
    key=Key("default", "web-1"),
    service=WEB.key,
    ports=(ServicePort(8080),),
    endpoints=(Endpoint(("10.244.1.10",), "a"), Endpoint(("10.244.2.10",), "b")),
)


def rules(script: str, match: str) -> list[str]:
    """Return the rewriting rules of a script whose match begins like that, without their comments."""
    lines = [line.strip() for line in script.splitlines() if " dnat to " in line]
    return [re.sub(r' comment ".*"', "", line) for line in lines if line.startswith(match)]


def targets(script: str, match: str) -> set[str]:
    """Return the endpoints that packets for `match` go to."""
    found = [re.findall(r"\d+ : (\S+ \. \d+)", line) for line in rules(script, match)]
    return {target.replace(" . ", ":") for target in itertools.chain(*found)}


def test_an_address_leads_to_every_endpoint_in_turn() -> None:
    assert rules(ruleset([WEB], [PODS], "a"), "ip daddr 192.0.2.240") == [
        "ip daddr 192.0.2.240 tcp dport 80 dnat to "
        "numgen inc mod 2 map { 0 : 10.244.1.10 . 8080, 1 : 10.244.2.10 . 8080 }"
    ]


def test_cluster_ip_and_node_port_lead_there_too() -> None:
    script = ruleset([WEB], [PODS], "c")
    assert targets(script, "ip daddr 10.96.0.7 tcp dport 80") == {"10.244.1.10:8080", "10.244.2.10:8080"}
    assert targets(script, "fib daddr type local tcp dport 32000") == {"10.244.1.10:8080", "10.244.2.10:8080"}


def test_policy_local_keeps_what_comes_from_outside_on_the_node() -> None:
    local = attrs.evolve(WEB, external_traffic_policy="Local")
    script = ruleset([local], [PODS], "a")
    assert targets(script, "ip daddr 192.0.2.240") == {"10.244.1.10:8080"}
    assert targets(script, "fib daddr type local") == {"10.244.1.10:8080"}
    assert targets(script, "ip daddr 10.96.0.7") == {"10.244.1.10:8080", "10.244.2.10:8080"}


def test_without_an_endpoint_packets_are_rejected() -> None:
    local = attrs.evolve(WEB, external_traffic_policy="Local")
    script = ruleset([local], [PODS], "c")
    assert rules(script, "ip daddr 192.0.2.240") == []
    assert "ip daddr { 10.96.0.7, 192.0.2.240 } meta l4proto tcp reject with tcp reset" in script
    assert "ip daddr { 10.96.0.7, 192.0.2.240 } reject with icmp type port-unreachable" in script


def test_only_packets_that_leave_for_another_node_are_masqueraded() -> None:
    assert 'postrouting priority 100; ct status dnat oifname "eth0" masquerade;' in ruleset(
        [WEB], [PODS], "a"
    )


def test_an_endpoint_that_can_not_serve_gets_nothing() -> None:
    waiting = attrs.evolve(PODS.endpoints[0], can_serve=False)
    slices = attrs.evolve(PODS, endpoints=(waiting, PODS.endpoints[1]))
    assert targets(ruleset([WEB], [slices], "a"), "ip daddr 192.0.2.240") == {"10.244.2.10:8080"}


def test_ports_are_joined_by_name_and_protocol() -> None:
    dns = attrs.evolve(
        WEB,
        ports=(ServicePort(53, "UDP", "dns"), ServicePort(53, "TCP", "dns-tcp"), ServicePort(9, "SCTP", "x")),
    )
    pods = attrs.evolve(
        PODS,
        ports=(
            ServicePort(5354, "TCP", "dns-tcp"),
            ServicePort(5353, "UDP", "dns"),
            ServicePort(9, "SCTP", "x"),
        ),
    )
    script = ruleset([dns], [pods], "a")
    assert targets(script, "ip daddr 192.0.2.240 udp dport 53") == {"10.244.1.10:5353", "10.244.2.10:5353"}
    assert targets(script, "ip daddr 192.0.2.240 tcp dport 53") == {"10.244.1.10:5354", "10.244.2.10:5354"}
    assert "sctp" not in script


def test_the_endpoints_of_all_slices_of_a_service_count_once() -> None:
    more = attrs.evolve(
        PODS,
        key=Key("default", "web-2"),
        endpoints=(Endpoint(("10.244.3.10", "10.244.3.11"), "c"), PODS.endpoints[0]),
    )
    other = attrs.evolve(PODS, service=Key("default", "other"), endpoints=(Endpoint(("10.244.9.9",), "a"),))
    assert targets(ruleset([WEB], [PODS, more, other], "a"), "ip daddr 192.0.2.240") == {
        "10.244.1.10:8080",
        "10.244.2.10:8080",
        "10.244.3.10:8080",
    }


SIX = attrs.evolve(WEB, cluster_ips=("fd00::7",), ingress=("2001:db8::240",))
SIX_PODS = attrs.evolve(
    PODS, address_type="IPv6", endpoints=(Endpoint(("fd00:1::10",), "a"), Endpoint(("fd00:2::10",), "b"))
)


def test_ipv6_is_rewritten_by_a_table_of_its_own() -> None:
    script = ruleset([SIX], [SIX_PODS], "a")
    ipv4, ipv6 = script.split("delete table ip6 k8sglue-lab\n")
    assert rules(ipv4, "") == []
    assert rules(ipv6, "ip6 daddr 2001:db8::240") == [
        "ip6 daddr 2001:db8::240 tcp dport 80 dnat to "
        "numgen inc mod 2 map { 0 : fd00:1::10 . 8080, 1 : fd00:2::10 . 8080 }"
    ]
    assert len(rules(ipv6, "ip6 daddr fd00::7")) == len(rules(ipv6, "fib daddr type local")) == 1


def test_a_dual_stack_service_leads_to_the_endpoints_of_each_family() -> None:
    both = attrs.evolve(WEB, cluster_ips=WEB.cluster_ips + SIX.cluster_ips, ingress=WEB.ingress + SIX.ingress)
    script = ruleset([both], [PODS, SIX_PODS], "a")
    assert targets(script, "ip daddr 192.0.2.240") == {"10.244.1.10:8080", "10.244.2.10:8080"}
    assert targets(script, "ip6 daddr 2001:db8::240") == {"fd00:1::10:8080", "fd00:2::10:8080"}
    assert len(rules(script, "fib daddr type local")) == 2


def test_an_address_whose_family_has_no_endpoint_is_rejected() -> None:
    script = ruleset([SIX], [PODS], "a")
    assert rules(script, "ip6 daddr") == []
    assert "ip6 daddr { 2001:db8::240, fd00::7 } meta l4proto tcp reject with tcp reset" in script
    assert "ip6 daddr { 2001:db8::240, fd00::7 } reject with icmpv6 type port-unreachable" in script


def test_questions_of_neighbours_are_left_to_the_speaker() -> None:
    lines = [line.strip() for line in ruleset([SIX], [SIX_PODS], "a").splitlines()]
    silent = lines.index("ip6 daddr { 2001:db8::240, fd00::7 } icmpv6 type nd-neighbor-solicit drop")
    assert "reject" in lines[silent + 1]
    assert "icmpv6" not in ruleset([WEB], [PODS], "a")


def test_what_is_no_address_is_left_out() -> None:
    headless = attrs.evolve(WEB, cluster_ips=("None",), ingress=("nonsense",), ports=(ServicePort(80),))
    script = ruleset([headless], [PODS], "a")
    assert "dnat" not in script.replace("ct status dnat", "")
    assert "reject" not in script


def test_the_order_of_objects_does_not_matter() -> None:
    second = attrs.evolve(WEB, key=Key("default", "second"), ingress=("192.0.2.241",))
    reverse = attrs.evolve(PODS, endpoints=PODS.endpoints[::-1])
    assert ruleset([WEB, second], [PODS], "a") == ruleset([second, WEB], [reverse], "a")


def test_a_rule_names_its_service_unless_the_name_could_end_the_comment() -> None:
    assert 'comment "default/web"' in ruleset([WEB], [PODS], "a")
    odd = attrs.evolve(WEB, key=Key("default", 'x" }\ndelete table'))
    script = ruleset([odd], [attrs.evolve(PODS, service=odd.key)], "a")
    assert "comment" not in script
    assert targets(script, "ip daddr 192.0.2.240")
    assert script.count("delete table") == 2


def test_the_tables_are_replaced_at_once() -> None:
    lines = [line for line in ruleset([], [], "a").splitlines() if "table" in line]
    assert lines == [
        f"{verb}{family} k8sglue-lab{end}"
        for family in ("ip", "ip6")
        for verb, end in (("table ", ""), ("delete table ", ""), ("table ", " {"))
    ]
