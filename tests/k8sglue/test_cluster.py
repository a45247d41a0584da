"""The store: what is there, and what changed."""

import attrs

from k8sglue.cluster import Store
from k8sglue.resources import Kind
from tests.k8sglue.objects import node, service


def test_changes_are_noted_once_and_only_when_they_are_some() -> None:
    store = Store(frozenset({Kind.SERVICE}))
    calls: list[None] = []
    store.subscribe(lambda: calls.append(None))
    store.put(service("a"))
    store.put(service("a"))
    assert len(calls) == 1
    store.put(attrs.evolve(service("a"), ingress=("10.0.0.1",)))
    store.remove(Kind.SERVICE, service("b").key)
    assert len(calls) == 2
    assert set(store.take_changes()) == {(Kind.SERVICE, service("a").key)}
    assert not store.take_changes()
    store.remove(Kind.SERVICE, service("a").key)
    assert set(store.take_changes()) == {(Kind.SERVICE, service("a").key)}


def test_a_list_replaces_what_was_known() -> None:
    store = Store(frozenset({Kind.SERVICE}))
    services = store.services
    store.replace(Kind.SERVICE, [service("a"), service("b")])
    store.take_changes()
    store.replace(Kind.SERVICE, [service("b"), service("c")])
    assert {key.name for key in services} == {"b", "c"}
    assert {key.name for _, key in store.take_changes()} == {"a", "c"}


def test_the_store_is_synced_once_every_kind_has_been_listed() -> None:
    store = Store(frozenset({Kind.SERVICE, Kind.NODE}))
    calls: list[None] = []
    store.subscribe(lambda: calls.append(None))
    store.replace(Kind.SERVICE, [])
    store.put(node("a"))
    assert [store.synced] == [False]
    store.replace(Kind.NODE, [])
    assert [store.synced] == [True]
    # Even an empty list is news the first time, and only then.
    assert len(calls) == 3
    store.replace(Kind.NODE, [])
    assert len(calls) == 3
