"""The fields of the resources as data: complete, and written as they are read."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sglue import schema
from k8sglue.customresources import SPECS
from k8sglue.fields import Fields, Problem
from k8sglue.peerspecs import BGPPeerSpec
from k8sglue.schema import Form, properties
from k8sglue.selectors import Operator, Requirement, Selector
from k8sglue.specs import L2AdvertisementSpec, PreferredNodeSelectorSpec, Spec


@pytest.mark.parametrize("spec", SPECS.values())
def test_every_attribute_is_declared_with_a_sentence(spec: type[Spec]) -> None:
    assert properties(spec).keys() == {attribute.name for attribute in attrs.fields(spec)}
    assert all(meant.about.endswith(".") and meant.type.rule for meant in properties(spec).values())


@pytest.mark.parametrize("spec", SPECS.values())
def test_a_default_is_written_as_nothing_and_read_back(spec: type[Spec]) -> None:
    written = schema.dump(spec())
    assert written.keys() == {meant.name for meant in properties(spec).values() if meant.required}


def read_back(spec: Spec) -> Spec:
    problems: list[Problem] = []
    read = schema.read(type(spec), Fields.of(schema.dump(spec), problems), Form.RESOURCE)
    assert not problems
    return read


WORDS = st.sampled_from(["a", "b", "c"])
REQUIREMENTS = st.builds(
    Requirement, WORDS, st.sampled_from([Operator.IN, Operator.NOT_IN]), st.frozensets(WORDS, min_size=1)
) | st.builds(Requirement, WORDS, st.sampled_from([Operator.EXISTS, Operator.DOES_NOT_EXIST]))
SELECTORS = st.builds(Selector, st.lists(REQUIREMENTS, max_size=3).map(tuple))


@given(st.lists(SELECTORS, max_size=3, unique_by=lambda each: frozenset(each.requirements)).map(tuple))
def test_selectors_mean_the_same_when_they_are_written_and_read(selectors: tuple[Selector, ...]) -> None:
    spec = L2AdvertisementSpec(
        node_selectors=selectors,
        preferred_node_selectors=tuple(
            PreferredNodeSelectorSpec(weight=3, preference=each) for each in selectors
        ),
    )
    read = read_back(spec)
    assert isinstance(read, L2AdvertisementSpec)
    for found, wanted in zip(read.node_selectors, selectors, strict=True):
        assert set(found.requirements) == set(wanted.requirements)


@given(st.sampled_from([0.0, float("inf"), 1.0, 90.0, 31536000.0]), st.sampled_from([0.0, 1.0, 3600.0]))
def test_times_are_written_as_they_are_read(failback: float, interval: float) -> None:
    spec = L2AdvertisementSpec(failback=failback, gratuitous_interval=interval)
    assert read_back(spec) == spec


def test_the_forms_differ_in_the_keys_that_they_have() -> None:
    meant = properties(BGPPeerSpec)["ebgp_multi_hop"]
    assert (meant.name_in(Form.RESOURCE), meant.name_in(Form.CONFIG_MAP)) == ("ebgpMultiHop", "ebgp-multihop")
    assert properties(BGPPeerSpec)["vrf"].name_in(Form.CONFIG_MAP) == ""
