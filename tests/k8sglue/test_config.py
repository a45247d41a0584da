"""What the values of the configuration say about themselves."""

from ipaddress import ip_address

import pytest

from k8sglue.config import DynamicASN, Peer, ServiceScope
from k8sglue.selectors import Operator, Requirement, Selector


def labelled(key: str, value: str) -> Selector:
    return Selector((Requirement(key, Operator.IN, frozenset({value})),))


TEAM, TIER = labelled("team", "x"), labelled("tier", "y")
HOME, ABROAD = ({"team": "x"}, {"team": "z"})


@pytest.mark.parametrize(
    ("scope", "namespace", "namespace_labels", "service_labels", "admitted"),
    [
        (ServiceScope(), "a", {}, {}, True),
        (ServiceScope(namespaces=frozenset({"a"})), "a", {}, {}, True),
        (ServiceScope(namespaces=frozenset({"a"})), "b", {}, {}, False),
        (ServiceScope(namespace_selectors=(TEAM,)), "b", HOME, {}, True),
        (ServiceScope(namespace_selectors=(TEAM,)), "b", ABROAD, {}, False),
        (ServiceScope(namespaces=frozenset({"a"}), namespace_selectors=(TEAM,)), "a", ABROAD, {}, True),
        (ServiceScope(namespaces=frozenset({"a"}), namespace_selectors=(TEAM,)), "b", HOME, {}, True),
        (ServiceScope(namespaces=frozenset({"a"}), namespace_selectors=(TEAM,)), "b", ABROAD, {}, False),
        (ServiceScope(service_selectors=(TIER,)), "a", {}, {"tier": "y"}, True),
        (ServiceScope(service_selectors=(TIER,)), "a", {}, {}, False),
        (ServiceScope(namespaces=frozenset({"a"}), service_selectors=(TIER,)), "a", {}, {}, False),
        (ServiceScope(namespaces=frozenset({"a"}), service_selectors=(TIER,)), "b", {}, {"tier": "y"}, False),
        (
            ServiceScope(namespaces=frozenset({"a"}), service_selectors=(TIER, TEAM)),
            "a",
            {},
            {"tier": "y"},
            True,
        ),
    ],
)
def test_a_scope_admits_by_namespace_and_by_service(
    scope: ServiceScope,
    namespace: str,
    namespace_labels: dict[str, str],
    service_labels: dict[str, str],
    admitted: bool,
) -> None:
    assert scope.admits(namespace, namespace_labels, service_labels) is admitted


@pytest.mark.parametrize(
    ("peer", "endpoint", "accepted"),
    [
        (Peer(name="p", address=ip_address("10.0.0.1"), asn=2, my_asn=1), "10.0.0.1:179", 2),
        (Peer(name="p", address=ip_address("fd00::1"), port=1179, asn=2, my_asn=1), "[fd00::1]:1179", 2),
        (Peer(name="p", interface="eth0", dynamic_asn=DynamicASN.INTERNAL, my_asn=1), "eth0:179", 1),
        (Peer(name="p", interface="eth0", dynamic_asn=DynamicASN.EXTERNAL, my_asn=1), "eth0:179", None),
    ],
)
def test_where_a_peer_is_and_who_it_may_be(peer: Peer, endpoint: str, accepted: int | None) -> None:
    assert (peer.endpoint, peer.accepted_asn) == (endpoint, accepted)
