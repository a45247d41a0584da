"""What Services ask for."""

import attrs
import pytest

from k8sglue.refusals import Refusal, RefusedError
from k8sglue.sharing import ALONE, Claim
from k8sglue.wishes import Wish, claim_of, deprecations, versions_of
from tests.k8sglue.allocating import BOTH, asking, ports
from tests.k8sglue.objects import addresses, service


@pytest.mark.parametrize(
    ("fields", "versions"),
    [
        ({"cluster_ips": ("10.96.0.1",)}, (4,)),
        ({"cluster_ips": ("fd00::1", "10.96.0.1"), "ip_families": ("IPv4",)}, (6, 4)),
        ({"cluster_ips": ("None",), "ip_families": ("IPv6",)}, (6,)),
        ({"cluster_ips": ()}, (4,)),
        ({"cluster_ips": (), "ip_families": ("IPv6", "IPv4")}, (6, 4)),
        ({"cluster_ips": (), "ip_families": ("IPv6",), "ip_family_policy": "PreferDualStack"}, (6, 4)),
        ({"cluster_ips": (), "ip_family_policy": "RequireDualStack"}, (4, 6)),
        ({"cluster_ips": ("10.96.0.1",), "ip_family_policy": "PreferDualStack"}, (4,)),
    ],
)
def test_cluster_ips_decide_on_families_then_what_the_service_says(
    fields: dict[str, object], versions: tuple[int, ...]
) -> None:
    assert versions_of(service(**fields)) == versions  # type: ignore[arg-type]  # no name among them


def test_dual_stack_that_the_cluster_does_not_have_can_not_be_required() -> None:
    with pytest.raises(RefusedError) as refused:
        Wish.of(service(cluster_ips=("10.96.0.1",), ip_family_policy="RequireDualStack"))
    assert refused.value.refusal is Refusal.NOT_ENOUGH_CLUSTER_IPS
    assert refused.value.detail == "10.96.0.1"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.1", ("10.0.0.1",)),
        (" 10.0.0.1 , 2001:db8::1", ("10.0.0.1", "2001:db8::1")),
        ("2001:db8::1,10.0.0.1", ("2001:db8::1", "10.0.0.1")),
    ],
)
def test_addresses_are_read_from_the_annotation(text: str, found: tuple[str, ...]) -> None:
    assert Wish.of(asking("a", text, cluster_ips=BOTH)).addresses == addresses(*found)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("10.0.0.256", Refusal.MALFORMED_ADDRESS),
        ("10.0.0.1,", Refusal.MALFORMED_ADDRESS),
        ("fe80::1%eth0", Refusal.MALFORMED_ADDRESS),
        ("10.0.0.1/32", Refusal.MALFORMED_ADDRESS),
        ("10.0.0.1,10.0.0.2", Refusal.TOO_MANY_ADDRESSES),
        ("10.0.0.1,10.0.0.1", Refusal.TOO_MANY_ADDRESSES),
        ("10.0.0.1,2001:db8::1,10.0.0.2", Refusal.TOO_MANY_ADDRESSES),
    ],
)
def test_addresses_that_can_not_be_meant_are_refused(text: str, refusal: Refusal) -> None:
    with pytest.raises(RefusedError) as refused:
        Wish.of(asking("a", text, cluster_ips=BOTH))
    assert refused.value.refusal is refusal


def test_an_address_must_be_of_a_family_of_the_service() -> None:
    with pytest.raises(RefusedError) as refused:
        Wish.of(asking("a", "10.0.0.1,2001:db8::1"))
    assert (refused.value.refusal, refused.value.detail) == (Refusal.WRONG_FAMILY, "2001:db8::1")


def test_addresses_are_asked_for_in_one_place() -> None:
    assert Wish.of(asking("a", load_balancer_ip="10.0.0.1")).addresses == addresses("10.0.0.1")
    with pytest.raises(RefusedError) as refused:
        Wish.of(asking("a", "10.0.0.2", load_balancer_ip="10.0.0.1"))
    assert refused.value.refusal is Refusal.TWO_REQUESTS
    assert "10.0.0.1 and 10.0.0.2" in refused.value.detail


def test_the_newer_prefix_counts_and_the_older_one_is_deprecated() -> None:
    both = {"metallb.io/address-pool": "new", "metallb.universe.tf/address-pool": "old"}
    assert Wish.of(service(annotations=both)).pool == "new"
    old = {"metallb.universe.tf/address-pool": "old", "metallb.universe.tf/allow-shared-ip": "key"}
    made = service(annotations=old)
    assert Wish.of(made).pool == "old"
    assert claim_of(made).sharing_key == "key"
    assert deprecations(made) == (
        "annotation metallb.universe.tf/address-pool is deprecated, use metallb.io/address-pool",
        "annotation metallb.universe.tf/allow-shared-ip is deprecated, use metallb.io/allow-shared-ip",
    )
    assert deprecations(asking("a", pool="new")) == ()
    assert Wish.of(service(annotations={"metallb.io/address-pool": ""})).pool == ""


def test_terms_depend_on_pods_only_where_traffic_stays_on_the_node() -> None:
    made = asking("a", sharing="key", ports=ports(80, 443), selector={"app": "web", "tier": "front"})
    assert claim_of(made) == Claim("key", (), frozenset({("TCP", 80), ("TCP", 443)}))
    local = attrs.evolve(made, external_traffic_policy="Local")
    assert claim_of(local).backends == (("app", "web"), ("tier", "front"))
    assert claim_of(asking("a", ports=ports(80))) == ALONE
