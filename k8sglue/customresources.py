"""Custom resources of the group `metallb.io`, as values parsed from what an API server or a manifest says.

A resource whose spec makes no sense is a value too, with its problems: whoever judges the configuration has to know
that it is there, and a person has to be told. So nothing is raised here.
"""

from collections.abc import Mapping

import attrs

from k8sglue import rules, schema
from k8sglue.declarations import Declaration, ObjectName, place
from k8sglue.fields import Fields, Problem
from k8sglue.kinds import GROUP, Key, Kind
from k8sglue.peerspecs import BFDProfileSpec, BGPPeerSpec
from k8sglue.schema import Form
from k8sglue.specs import BGPAdvertisementSpec, CommunitySpec, IPAddressPoolSpec, L2AdvertisementSpec, Spec

SPECS: Mapping[Kind, type[Spec]] = {
    Kind.IP_ADDRESS_POOL: IPAddressPoolSpec,
    Kind.BGP_PEER: BGPPeerSpec,
    Kind.BGP_ADVERTISEMENT: BGPAdvertisementSpec,
    Kind.L2_ADVERTISEMENT: L2AdvertisementSpec,
    Kind.COMMUNITY: CommunitySpec,
    Kind.BFD_PROFILE: BFDProfileSpec,
}
"""What each kind of custom resource holds."""


@attrs.frozen(kw_only=True)
class CustomResource:
    """One custom resource."""

    kind: Kind
    key: Key
    declaration: Declaration[Spec]
    """What it configures, and what is wrong with that."""
    status: Mapping[str, int] = attrs.field(factory=dict)
    """The whole numbers in its status, such as the counters of a pool."""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""


def custom_resource(kind: Kind, key: Key, metadata: Fields, fields: Fields) -> CustomResource:
    """Read a custom resource. Problems of its metadata are noted in `fields`, those of its spec in the value."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    own = fields.apart(problems)
    version = own.text("apiVersion").removeprefix(f"{GROUP}/") or kind.versions[0]
    if version not in kind.versions:
        own.problem(f'"{GROUP}/{version}", must be {GROUP}/{" or ".join(kind.versions)}', "apiVersion")
    fields_of_spec = own.fields("spec")
    spec_type = SPECS[kind]
    spec: Spec = schema.read(spec_type, fields_of_spec, Form.RESOURCE)
    unknown = schema.unknown(spec_type, fields_of_spec, Form.RESOURCE, version)
    path = fields_of_spec.path
    add_rules(spec, Form.RESOURCE, path, problems, warnings)
    declaration = Declaration(
        kind=kind,
        name=key.name,
        spec=spec,
        origin=ObjectName(kind, key),
        path=path,
        labels=metadata.text_map("labels"),
        created=metadata.text("creationTimestamp"),
        problems=tuple(problems),
        warnings=tuple(warnings),
        unknown_keys=tuple(Problem(path, message) for path, message in unknown),
    )
    status = fields.apart([]).fields("status")
    return CustomResource(
        kind=kind,
        key=key,
        declaration=declaration,
        status={name: status.integer(name) for name in status.keys},
        uid=metadata.text("uid"),
        generation=metadata.integer("generation"),
        resource_version=metadata.text("resourceVersion"),
    )


def add_rules(
    spec: Spec, form: Form, path: tuple[str | int, ...], problems: list[Problem], warnings: list[Problem]
) -> None:
    """Judge a spec that stands at `path` by itself, and add what is found; a place with a problem gets no second."""
    taken = {problem.path for problem in problems}
    for found, findings in ((problems, rules.problems(spec)), (warnings, rules.warnings(spec))):
        for finding in findings:
            where = place(spec, form, path, finding.attribute, *finding.steps)
            if where not in taken:
                found.append(Problem(where, finding.message))
