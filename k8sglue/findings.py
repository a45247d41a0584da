"""What is wrong with what is configured: where, how bad, and in words."""

import enum
from collections.abc import Mapping

import attrs

from k8sglue.declarations import Declaration, ObjectName
from k8sglue.fields import Problem
from k8sglue.schema import Form
from k8sglue.specs import Spec


class Severity(enum.Enum):
    """How bad it is."""

    PROBLEM = "problem"
    """The thing, or a part of it, is not in force until somebody mends it."""
    MISSING = "missing"
    """Nor is this, but it may be mended by something that is yet to come: a Secret, a profile, a pool."""
    WARNING = "warning"
    """All of it is in force, but perhaps not as meant."""


@attrs.frozen
class Finding:
    """One thing that is wrong."""

    object: ObjectName
    severity: Severity
    problem: Problem
    """Its place is in the object, or for the ConfigMap in the document that it holds."""

    def __str__(self) -> str:
        return f"{self.object}: {self.problem}"


@attrs.define
class Findings:
    """What is found while everything is judged."""

    found: list[Finding] = attrs.field(factory=list)

    def add(
        self,
        declaration: Declaration[Spec],
        message: str,
        attribute: str = "",
        *steps: str | int,
        severity: Severity = Severity.PROBLEM,
    ) -> None:
        """Note that something is wrong with a field of a declaration, or without one, with the whole of it."""
        problem = Problem(declaration.place(attribute, *steps), message)
        self.found.append(Finding(declaration.origin, severity, problem))

    def add_own(self, declaration: Declaration[Spec]) -> None:
        """Note what is wrong with a declaration by itself."""
        self.found += (Finding(declaration.origin, Severity.PROBLEM, each) for each in declaration.problems)
        self.found += (Finding(declaration.origin, Severity.WARNING, each) for each in declaration.warnings)
        self.found += (
            Finding(declaration.origin, Severity.WARNING, each) for each in declaration.unknown_keys
        )


def missing_in(declaration: Declaration[Spec]) -> Severity:
    """Return how bad it is that something is not there that a declaration names.

    The ConfigMap has all that it names; what a resource names may be created after it.
    """
    return Severity.MISSING if declaration.form is Form.RESOURCE else Severity.PROBLEM


def by_object(
    findings: tuple[Finding, ...], *severities: Severity
) -> Mapping[ObjectName, tuple[Problem, ...]]:
    """Gather the findings of these severities by object."""
    gathered: dict[ObjectName, tuple[Problem, ...]] = {}
    for finding in findings:
        if finding.severity in severities:
            gathered[finding.object] = (*gathered.get(finding.object, ()), finding.problem)
    return gathered
