"""One thing that somebody configured, as written: a custom resource, or an entry of the ConfigMap.

Both forms come here, and from here on nothing distinguishes them but where a problem is, and who wins where two have
the same name. A declaration with problems of its own is never in force; one without may still not go together with
the others, which judgement.py finds out.
"""

from collections.abc import Mapping
from typing import Generic, NamedTuple, TypeVar

import attrs

from k8sglue.fields import Path, Problem
from k8sglue.kinds import Key, Kind
from k8sglue.schema import Form, properties
from k8sglue.specs import Spec

S = TypeVar("S", bound=Spec, covariant=True)


class ObjectName(NamedTuple):
    """An object that can have problems."""

    kind: Kind
    key: Key

    def __str__(self) -> str:
        return f"{self.kind.value} {self.key}"


class Identity(NamedTuple):
    """What stays the same when a thing is written down anew."""

    kind: Kind
    name: str
    form: Form


@attrs.frozen(kw_only=True)
class Declaration(Generic[S]):
    """One thing that is configured."""

    kind: Kind
    """What it is, whatever it stands in."""
    name: str
    """Empty if it has none that can be told."""
    spec: S
    origin: ObjectName
    """The object that it stands in: itself, or the ConfigMap."""
    path: Path = ("spec",)
    """Where in that object."""
    form: Form = Form.RESOURCE
    labels: Mapping[str, str] = attrs.field(factory=dict)
    created: str = ""
    """When, as the API server wrote it; empty if there was none. Of two that clash the older one wins."""
    problems: tuple[Problem, ...] = ()
    """What is wrong with it, whatever else there is."""
    warnings: tuple[Problem, ...] = ()
    """What does not mean what one might think."""
    unknown_keys: tuple[Problem, ...] = ()
    """Keys that mean nothing to us. An API server drops them, or has them from a newer CRD: that is no problem."""

    @property
    def identity(self) -> Identity:
        """What stays the same when it is written down anew."""
        return Identity(self.kind, self.name, self.form)

    def place(self, attribute: str, *steps: str | int) -> Path:
        """Return where a field of the spec stands, and what is below it."""
        return place(self.spec, self.form, self.path, attribute, *steps)


def place(spec: Spec, form: Form, path: Path, attribute: str, *steps: str | int) -> Path:
    """Return where the field of `spec` stands that is the attribute `attribute`, and what is below it.

    Without an attribute, and for a field that the form does not have, that is where the whole thing stands.
    """
    meant = properties(type(spec)).get(attribute)
    key = meant.name_in(form) if meant else ""
    return (*path, key, *steps) if key else path
