"""Following what is configured: the ConfigMap and the resources, and what stays when either goes bad or away."""

import logging

import attrs
import pytest

from k8sglue.cluster import Store
from k8sglue.documents import load
from k8sglue.inforce import CONFIG_KINDS, ConfigInForce
from k8sglue.kinds import Key, Kind, kind_of
from k8sglue.resources import ConfigMap, parse, unfold
from tests.k8sglue.objects import ARTICLE_CONFIG, resource, service

KEY = Key("metallb-system", "config")


@pytest.fixture
def store() -> Store:
    return Store(frozenset({Kind.SERVICE, *CONFIG_KINDS}))


def put(store: Store, text: str) -> None:
    for document in load(text):
        for _, manifest in unfold(document.data):
            kind = kind_of(manifest)
            assert kind is not None
            store.put(parse(kind, manifest))


def put_config(store: Store, text: str) -> None:
    store.put(ConfigMap(key=KEY, data={"config": text}))


def pools(in_force: ConfigInForce) -> list[str]:
    assert in_force.config is not None
    return list(in_force.config.pools)


def test_nothing_is_in_force_until_there_is_something(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    in_force = ConfigInForce(KEY)
    assert not in_force.update(store)
    assert not in_force.update(store)
    assert in_force.config is None
    assert [record.message for record in caplog.records] == [
        "ConfigMap metallb-system/config: no such ConfigMap, and there are no resources either; nothing is given out "
        "or announced until there is one"
    ]
    put_config(store, ARTICLE_CONFIG)
    assert in_force.update(store)
    assert pools(in_force) == ["my-ip-space"]
    assert not in_force.update(store)


def test_resources_alone_are_enough_and_the_status_of_one_changes_nothing(store: Store) -> None:
    in_force = ConfigInForce(KEY)
    put(store, resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}"))
    assert in_force.update(store)
    assert pools(in_force) == ["p"]
    (pool,) = store.custom_resources
    store.put(attrs.evolve(pool, resource_version="2", status={"assignedIPv4": 1}))
    assert not in_force.update(store)


def test_what_is_wrong_is_logged_once_and_so_is_that_it_is_not_any_more(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    in_force = ConfigInForce(KEY)
    put(store, resource("IPAddressPool", "p", "{addresses: [ten]}"))
    in_force.update(store)
    put(store, resource("IPAddressPool", "q", "{addresses: [10.0.0.0/24]}"))
    in_force.update(store)
    wrong = [record.message for record in caplog.records if "ten" in record.message]
    assert wrong == [
        'IPAddressPool metallb-system/p: spec.addresses[0]: "ten", must be a network (10.0.0.0/24) or a range '
        "(10.0.0.1-10.0.0.9)"
    ]
    put(store, resource("IPAddressPool", "p", "{addresses: [10.0.1.0/24]}"))
    in_force.update(store)
    assert caplog.messages[-2].endswith("(10.0.0.1-10.0.0.9): no longer")
    assert caplog.messages[-1] == "configuration: pools 2, peers 0"


@pytest.mark.parametrize("text", ["address-pools: nonsense", "a: [", "", "addres-pools: []"])
def test_a_config_map_that_can_not_be_read_leaves_the_last_one_in_force(store: Store, text: str) -> None:
    in_force = ConfigInForce(KEY)
    put_config(store, ARTICLE_CONFIG)
    in_force.update(store)
    put_config(store, text)
    assert not in_force.update(store)
    assert pools(in_force) == ["my-ip-space"]
    assert in_force.reading is not None
    assert in_force.reading.problems


def test_a_config_map_that_never_could_be_read_leaves_it_open_what_pools_there_are(store: Store) -> None:
    in_force = ConfigInForce(KEY)
    put_config(store, "a: [")
    in_force.update(store)
    assert in_force.config is not None
    assert not in_force.config.complete


def test_a_config_map_that_is_gone_stays_in_force_until_there_are_resources(store: Store) -> None:
    in_force = ConfigInForce(KEY)
    put_config(store, ARTICLE_CONFIG)
    in_force.update(store)
    store.remove(Kind.CONFIG_MAP, KEY)
    assert not in_force.update(store)
    assert pools(in_force) == ["my-ip-space"]
    put(store, resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}"))
    assert in_force.update(store)
    assert pools(in_force) == ["p"]


def test_an_address_in_use_is_kept_until_its_service_lets_go(store: Store) -> None:
    in_force = ConfigInForce(KEY)
    put(store, resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}"))
    store.put(service(ingress=("10.0.0.200",)))
    in_force.update(store)
    put(store, resource("IPAddressPool", "p", "{addresses: [10.0.0.0/26]}"))
    assert in_force.update(store)
    assert in_force.config is not None
    assert [str(each) for each in in_force.config.pools["p"].kept] == ["10.0.0.200-10.0.0.200"]
    store.put(service("other", ingress=("10.0.0.1",)))
    assert not in_force.update(store)
    store.remove(Kind.SERVICE, service().key)
    assert in_force.update(store)
    assert in_force.config.pools["p"].kept == ()


def test_the_last_pool_may_be_removed(store: Store) -> None:
    in_force = ConfigInForce(KEY)
    put(store, resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}"))
    in_force.update(store)
    store.replace(Kind.IP_ADDRESS_POOL, [])
    assert in_force.update(store)
    assert pools(in_force) == []


def test_resources_of_other_namespaces_are_not_ours(store: Store) -> None:
    in_force = ConfigInForce(KEY)
    put(store, resource("IPAddressPool", "p", "{addresses: [10.0.0.0/24]}").replace("metallb-system", "shop"))
    in_force.update(store)
    assert pools(in_force) == []
    assert in_force.reading is not None
    assert [str(finding) for finding in in_force.reading.findings] == [
        "IPAddressPool shop/p: metadata.namespace: shop, must be metallb-system"
    ]
