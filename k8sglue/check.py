"""`k8sglue check`: what is wrong in configuration and manifest files, offline.

A file may hold manifests, custom resources and the ConfigMap among them, or the bare document that goes into the
ConfigMap's key `config`. All files are judged together, since they may refer to each other. Every problem is a line
`file:line: path: what`. What a resource refers to may also be in the cluster already, so its absence is only noted.
"""

from collections.abc import Iterable, Mapping

import attrs

from k8sglue.config import Config
from k8sglue.configmap import CONFIG_KEY, TOP_KEYS, ConfigMapReading, path_in_object, read_document
from k8sglue.customresources import CustomResource
from k8sglue.declarations import Declaration, ObjectName
from k8sglue.documents import Document, DocumentError, load, load_embedded
from k8sglue.fields import Path, Problem, show
from k8sglue.findings import Severity
from k8sglue.judgement import judge
from k8sglue.kinds import CUSTOM_KINDS, GROUP, Key, Kind, kind_of
from k8sglue.resources import ConfigMap, ResourceError, Secret, parse, unfold
from k8sglue.schema import Form
from k8sglue.specs import Spec


@attrs.frozen
class _Source:
    """Where an object, or the document in a ConfigMap, stands."""

    file: str
    document: Document
    place: Path = ()

    def at(self, problem: Problem) -> tuple[str, int, str]:
        return self.file, self.document.line_of(self.place + problem.path), str(problem)


@attrs.define
class Check:
    """What the files given so far hold."""

    objects: int = 0
    """How many objects and configurations were looked at."""
    _files: list[str] = attrs.field(factory=list)
    _found: list[tuple[str, int, str]] = attrs.field(factory=list)
    _sources: dict[ObjectName, _Source] = attrs.field(factory=dict)
    _declarations: list[Declaration[Spec]] = attrs.field(factory=list)
    _secrets: dict[Key, Secret] = attrs.field(factory=dict)
    _complete: bool = True

    def add(self, name: str, text: str) -> None:
        """Take one file in."""
        self._files.append(name)
        try:
            documents = load(text)
        except DocumentError as error:
            self._found.append((name, error.line or 1, f"not YAML: {error.message}"))
            return
        for document in documents:
            self._add_document(name, document)

    def add_unreadable(self, name: str, reason: str) -> None:
        """Take one in that could not be read."""
        self._files.append(name)
        self._found.append((name, 1, reason))

    def result(self) -> "Result":
        """Judge all of it."""
        resources = [each for each in self._declarations if each.form is Form.RESOURCE]
        # Only one ConfigMap is ever in force: others that are given are judged for themselves.
        maps = {each.origin for each in self._declarations if each.form is Form.CONFIG_MAP}
        readings = [
            judge(
                [*resources, *(each for each in self._declarations if each.origin == origin)],
                secrets=self._secrets or None,
                complete=self._complete,
            )
            for origin in sorted(maps, key=str)
        ] or [judge(resources, secrets=self._secrets or None, complete=self._complete)]
        unknown = {(each.origin, problem) for each in self._declarations for problem in each.unknown_keys}
        problems = list(self._found)
        notes: list[tuple[str, int, str]] = []
        for finding in (finding for reading in readings for finding in reading.findings):
            wrong = finding.severity is Severity.PROBLEM or (finding.object, finding.problem) in unknown
            (problems if wrong else notes).append(self._sources[finding.object].at(finding.problem))
        return Result(
            problems=self._lines(problems),
            notes=self._lines(notes),
            configs=tuple(reading.config for reading in readings),
            objects=self.objects,
        )

    def _lines(self, found: Iterable[tuple[str, int, str]]) -> tuple[str, ...]:
        ordered = sorted(set(found), key=lambda each: (self._files.index(each[0]), *each[1:]))
        return tuple(f"{file}:{line}: {text}" for file, line, text in ordered)

    def _add_document(self, file: str, document: Document) -> None:
        whole = _Source(file, document)
        bare = (
            isinstance(document.data, Mapping)
            and "kind" not in document.data
            and TOP_KEYS & document.data.keys()
        )
        if bare:
            self.objects += 1
            origin = ObjectName(Kind.CONFIG_MAP, Key("", file))
            self._add_config(origin, _Source(file, document), read_document(document, origin))
            return
        self._found += map(whole.at, document.problems)
        for place, data in unfold(document.data):
            self._add_object(_Source(file, document, place), data)

    def _add_object(self, source: _Source, data: object) -> None:
        if not isinstance(data, Mapping) or "kind" not in data:
            what = f"neither an object with a kind nor a configuration ({', '.join(TOP_KEYS)})"
            self._found.append(source.at(Problem((), what)))
            return
        kind = kind_of(data)
        if kind is None:
            self._found += map(source.at, _stranger(data))
            return
        self.objects += 1
        try:
            parsed = parse(kind, data)
        except ResourceError as error:
            self._found += map(source.at, error.problems)
            self._complete &= kind not in (Kind.CONFIG_MAP, Kind.IP_ADDRESS_POOL)
            return
        origin = ObjectName(kind, parsed.key)
        match parsed:
            case CustomResource() if origin in self._sources:
                file, line, _ = self._sources[origin].at(Problem((), ""))
                self._found.append(
                    source.at(Problem(("metadata", "name"), f"{origin} is in {file}:{line} already"))
                )
            case CustomResource():
                self._sources[origin] = source
                self._declarations.append(parsed.declaration)
            case Secret():
                self._secrets[parsed.key] = parsed
            case ConfigMap() if CONFIG_KEY in parsed.data:
                self._add_embedded(origin, source, parsed.data[CONFIG_KEY])

    def _add_embedded(self, origin: ObjectName, source: _Source, text: str) -> None:
        path = source.place + path_in_object(())
        try:
            inner = load_embedded(text, source.document, path)
        except DocumentError as error:
            line = source.document.line_of(path) + error.line
            self._found.append((source.file, line, f"data.{CONFIG_KEY}: not YAML: {error.message}"))
            self._complete = False
            return
        self._add_config(origin, _Source(source.file, inner), read_document(inner, origin))

    def _add_config(self, origin: ObjectName, source: _Source, reading: ConfigMapReading) -> None:
        self._sources[origin] = source
        self._declarations += reading.declarations
        self._found += map(source.at, reading.problems)
        self._complete &= not reading.problems


def _stranger(data: Mapping[str, object]) -> Iterable[Problem]:
    """Judge an object of a kind that is not read: somebody else's, or one of ours that is not written well."""
    kind, version = str(data["kind"]), str(data.get("apiVersion", ""))
    ours = next((each for each in CUSTOM_KINDS if each.value == kind), None)
    if ours is not None and (not version or "metallb" in version):
        wanted = " or ".join(f"{GROUP}/{each}" for each in ours.versions)
        yield Problem(
            ("apiVersion",), f"{show(version)}, must be {wanted}" if version else f"missing, must be {wanted}"
        )
    if kind == "AddressPool" and version.startswith(f"{GROUP}/"):
        yield Problem(
            ("kind",), "AddressPool is read no more, must be an IPAddressPool with an advertisement"
        )


@attrs.frozen(kw_only=True)
class Result:
    """What was found."""

    problems: tuple[str, ...]
    """One line each, in the order of the files and of the lines in them."""
    notes: tuple[str, ...]
    """The same of what may be as it should be."""
    configs: tuple[Config, ...]
    """What would be in force; one for each ConfigMap, if there are several."""
    objects: int
    """How many objects and configurations were looked at."""
