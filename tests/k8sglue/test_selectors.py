"""Label selectors."""

from k8sglue.selectors import Operator, Requirement, Selector


def test_requirements() -> None:
    values = frozenset({"1", "2"})
    table = {
        Operator.IN: [True, False, False],
        Operator.NOT_IN: [False, True, True],
        Operator.EXISTS: [True, True, False],
        Operator.DOES_NOT_EXIST: [False, False, True],
    }
    for operator, expected in table.items():
        requirement = Requirement("a", operator, values)
        assert [requirement.matches(labels) for labels in ({"a": "1"}, {"a": "3"}, {"b": "1"})] == expected


def test_all_requirements_together_and_none_for_everything() -> None:
    both = Selector((Requirement("a", Operator.EXISTS), Requirement("b", Operator.EXISTS)))
    assert both.matches({"a": "", "b": ""})
    assert not both.matches({"a": ""})
    assert Selector().matches({})
