"""Kubernetes label selectors: which objects are meant, by their labels."""

import enum
from collections.abc import Mapping, Sequence

import attrs


class Operator(enum.Enum):
    """How a requirement compares, in the API's spelling."""

    IN = "In"
    NOT_IN = "NotIn"
    EXISTS = "Exists"
    DOES_NOT_EXIST = "DoesNotExist"


@attrs.frozen
class Requirement:
    """One condition on one label."""

    key: str
    operator: Operator
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels fulfil it. An absent label is in no set, so `NotIn` holds for it."""
        match self.operator:
            case Operator.IN:
                return self.key in labels and labels[self.key] in self.values
            case Operator.NOT_IN:
                return self.key not in labels or labels[self.key] not in self.values
            case Operator.EXISTS:
                return self.key in labels
            case Operator.DOES_NOT_EXIST:
                return self.key not in labels


@attrs.frozen
class Selector:
    """All of its requirements together; without any it selects everything."""

    requirements: tuple[Requirement, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Tell whether an object with these labels is selected."""
        return all(requirement.matches(labels) for requirement in self.requirements)


def selected(selectors: Sequence[Selector], labels: Mapping[str, str]) -> bool:
    """Tell whether any of the selectors selects an object with these labels; none at all select everything."""
    return not selectors or any(selector.matches(labels) for selector in selectors)
