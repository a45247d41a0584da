"""`k8sglue convert`: what MetalLB's ConfigMap says, as custom resources.

Names are taken over where a resource may have them, and else made fit; references follow. The result is judged as any
configuration is, so that whatever resources may not say is noted rather than found out later.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

import attrs
import yaml

from k8sglue.configmap import CONFIG_KEY, TOP_KEYS, path_in_object, read_document
from k8sglue.customresources import SPECS
from k8sglue.declarations import Declaration, ObjectName
from k8sglue.documents import Document, DocumentError, load, load_embedded
from k8sglue.findings import Severity
from k8sglue.judgement import judge
from k8sglue.kinds import GROUP, Key, Kind, kind_of
from k8sglue.peerspecs import BGPPeerSpec
from k8sglue.resources import ConfigMap, ResourceError, is_name, parse, unfold
from k8sglue.schema import Form, dump
from k8sglue.specs import AliasSpec, BGPAdvertisementSpec, CommunitySpec, L2AdvertisementSpec, Spec

_ALIASES = "bgp-communities"
"""The name of the one Community that has all aliases."""

_LONGEST_NAME = 253


@attrs.frozen(kw_only=True)
class Conversion:
    """What came of a ConfigMap."""

    text: str = ""
    """The resources, as YAML."""
    problems: tuple[str, ...] = ()
    """Lines `line: path: what` about what could not be taken over."""
    notes: tuple[str, ...] = ()
    """The same about what is not quite as it was."""


def convert(text: str, namespace: str) -> Conversion:
    """Convert the ConfigMap in a file, or the bare document of one."""
    try:
        origin, document = _document(load(text))
    except DocumentError as error:
        return Conversion(problems=(f"{error.line or 1}: not YAML: {error.message}",))
    except LookupError as error:
        return Conversion(problems=(f"1: {error}",))
    read = read_document(document, origin)
    judged = judge(read.declarations)
    problems = [
        *read.problems,
        *(each.problem for each in judged.findings if each.severity is Severity.PROBLEM),
    ]
    written = list(
        _renamed([good.declaration for good in judged.good.values()], read.declarations, namespace)
    )
    after = judge(written)
    return Conversion(
        text="---\n".join(_yaml(each) for each in written),
        problems=tuple(f"{document.line_of(problem.path)}: {problem}" for problem in problems),
        notes=tuple(f"1: as a resource: {finding}" for finding in after.findings),
    )


def _document(documents: Iterable[Document]) -> tuple[ObjectName, Document]:
    """Find the ConfigMap; raise LookupError if there is none, or more than one."""
    found: list[tuple[ObjectName, Document]] = []
    for document in documents:
        data = document.data
        if isinstance(data, Mapping) and "kind" not in data and data.keys() & set(TOP_KEYS):
            found.append((ObjectName(Kind.CONFIG_MAP, Key("", "config")), document))
            continue
        for place, manifest in unfold(data):
            if kind_of(manifest) is Kind.CONFIG_MAP:
                try:
                    parsed = parse(Kind.CONFIG_MAP, manifest)
                except ResourceError as error:
                    raise LookupError(str(error)) from None
                if isinstance(parsed, ConfigMap) and CONFIG_KEY in parsed.data:
                    inner = load_embedded(parsed.data[CONFIG_KEY], document, place + path_in_object(()))
                    found.append((ObjectName(Kind.CONFIG_MAP, parsed.key), inner))
    if len(found) != 1:
        raise LookupError(f"{len(found)} ConfigMaps with a key {CONFIG_KEY}, must be one")
    return found[0]


def _renamed(
    good: Iterable[Declaration[Spec]], everything: Iterable[Declaration[Spec]], namespace: str
) -> Iterator[Declaration[Spec]]:
    """Go through declarations as resources in a namespace, the aliases gathered in one, in the order of SPECS."""
    good = list(good)
    names = {kind: _names(each.name for each in good if each.kind is kind) for kind in SPECS}
    aliases = tuple(
        AliasSpec(name=alias.name, value=alias.value)
        for each in everything
        if isinstance(each.spec, CommunitySpec) and not each.problems
        for alias in each.spec.communities
    )
    for kind in SPECS:
        if kind is Kind.COMMUNITY and aliases:
            yield _resource(kind, _ALIASES, CommunitySpec(communities=aliases), namespace)
        for each in good:
            if each.kind is kind:
                yield _resource(kind, names[kind][each.name], _refer(each.spec, names), namespace)


def _resource(kind: Kind, name: str, spec: Spec, namespace: str) -> Declaration[Spec]:
    return Declaration(
        kind=kind,
        name=name,
        spec=spec,
        origin=ObjectName(kind, Key(namespace, name)),
        form=Form.RESOURCE,
    )


def _refer(spec: Spec, names: Mapping[Kind, Mapping[str, str]]) -> Spec:
    """Return a spec with the new names in it."""
    match spec:
        case BGPAdvertisementSpec() | L2AdvertisementSpec():
            pools = names[Kind.IP_ADDRESS_POOL]
            return attrs.evolve(
                spec, ip_address_pools=tuple(pools.get(each, each) for each in spec.ip_address_pools)
            )
        case BGPPeerSpec(bfd_profile=profile):
            return attrs.evolve(spec, bfd_profile=names[Kind.BFD_PROFILE].get(profile, profile))
        case _:
            return spec


def _names(wanted: Iterable[str]) -> dict[str, str]:
    """Return a name that a resource may have for each that somebody wrote, no two alike."""
    wanted = list(wanted)
    found = {name: name for name in wanted if is_name(name)}
    for name in wanted:
        if name not in found:
            base = re.sub("[^a-z0-9.]+", "-", name.lower())[: _LONGEST_NAME - 10].strip("-.") or "unnamed"
            candidate, number = base, 1
            while candidate in found.values():
                number += 1
                candidate = f"{base}-{number}"
            found[name] = candidate
    return found


def _yaml(declaration: Declaration[Spec]) -> str:
    key = declaration.origin.key
    manifest = {
        "apiVersion": f"{GROUP}/{declaration.kind.versions[0]}",
        "kind": declaration.kind.value,
        "metadata": {"name": key.name, "namespace": key.namespace},
        "spec": dump(declaration.spec),
    }
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)
