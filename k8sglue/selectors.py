"""Kubernetes label selectors: which objects are meant, by their labels."""

import enum
import re
from collections.abc import Mapping, Sequence

import attrs

from k8sglue.fields import Fields, show


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


_WORD = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_VALUE_RULE = "must be at most 63 letters, digits, -, _ and ., with a letter or digit at both ends"


def read_selector(fields: Fields, *, dashed: bool = False) -> Selector:
    """Read a label selector as the API has it, or `dashed` as the ConfigMap has it: `match-labels`."""
    labels, expressions = (
        ("match-labels", "match-expressions") if dashed else ("matchLabels", "matchExpressions")
    )
    fields.only(labels, expressions)
    requirements: list[Requirement] = []
    for key, value in fields.text_map(labels).items():
        _check_key(fields, key, labels, key)
        _check_value(fields, value, labels, key)
        requirements.append(Requirement(key, Operator.IN, frozenset({value})))
    for expression in fields.each(expressions):
        requirements += filter(None, [_requirement(expression)])
    return Selector(tuple(requirements))


def _requirement(fields: Fields) -> Requirement | None:
    fields.only("key", "operator", "values")
    key, text, values = fields.text("key"), fields.text("operator"), fields.texts("values")
    operator = next((each for each in Operator if each.value == text), None)
    if not key:
        fields.problem("missing, an expression needs the key of a label", "key")
    else:
        _check_key(fields, key, "key")
    if operator is None:
        fields.problem(
            f"{show(text)}, must be one of {', '.join(each.value for each in Operator)}", "operator"
        )
        return None
    if (operator in (Operator.IN, Operator.NOT_IN)) != bool(values):
        rule = "must not be empty" if not values else "must be empty"
        fields.problem(f"{rule} with the operator {text}", "values")
    for index, value in enumerate(values):
        _check_value(fields, value, "values", index)
    return Requirement(key, operator, frozenset(values))


def _check_key(fields: Fields, key: str, *steps: str | int) -> None:
    prefix, slash, name = key.rpartition("/")
    if (slash and not _PREFIX.fullmatch(prefix)) or not _WORD.fullmatch(name):
        fields.problem(f"{show(key)}, must be the key of a label such as topology.kubernetes.io/zone", *steps)


def _check_value(fields: Fields, value: str, *steps: str | int) -> None:
    if value and not _WORD.fullmatch(value):
        fields.problem(f"{show(value)}, {_VALUE_RULE}", *steps)


def dump_selector(selector: Selector) -> dict[str, object]:
    """Write a selector as the API has it."""
    labels: dict[str, str] = {}
    expressions: list[dict[str, object]] = []
    for each in selector.requirements:
        values = sorted(each.values)
        if each.operator is Operator.IN and len(values) == 1 and each.key not in labels:
            labels[each.key] = values[0]
        else:
            expressions.append(
                {"key": each.key, "operator": each.operator.value, **({"values": values} if values else {})}
            )
    written = {"matchLabels": labels, "matchExpressions": expressions}
    return {key: value for key, value in written.items() if value}
