"""`k8sglue check`: what is wrong in configuration and manifest files, offline.

A file may hold manifests, the ConfigMap among them, or the bare document that goes into the ConfigMap's key
`config`. Every problem is a line `file:line: path: what`.
"""

from collections.abc import Iterable, Mapping

import attrs

from k8sglue.config import Config
from k8sglue.configmap import CONFIG_KEY, Reading, read_document
from k8sglue.documents import Document, DocumentError, load, load_embedded
from k8sglue.fields import Path, Problem
from k8sglue.resources import ConfigMap, Kind, ResourceError, kind_of, parse, unfold

_BARE_KEYS = frozenset({"peers", "bgp-communities", "address-pools"})


@attrs.define
class Findings:
    """What the files checked so far hold."""

    problems: list[str] = attrs.field(factory=list)
    """One line each, in the order of the files and of the lines in them."""
    configs: list[Config] = attrs.field(factory=list)
    """The configurations found."""
    objects: int = 0
    """How many objects and configurations were looked at."""

    def check(self, name: str, text: str) -> None:
        """Check one file."""
        try:
            documents = load(text)
        except DocumentError as error:
            self.problems.append(f"{name}:{error.line or 1}: not YAML: {error.message}")
            return
        found: list[tuple[int, str]] = []
        for document in documents:
            found += self._check_document(document)
        self.problems += [f"{name}:{line}: {problem}" for line, problem in sorted(found)]

    def _check_document(self, document: Document) -> list[tuple[int, str]]:
        found = _lines(document, document.problems)
        for place, data in unfold(document.data):
            kind = kind_of(data)
            if kind is not None:
                self.objects += 1
                found += self._check_object(kind, document, place, data)
            elif not isinstance(data, Mapping) or ("kind" not in data and not _BARE_KEYS & data.keys()):
                what = "neither an object with a kind nor a configuration (peers, bgp-communities, address-pools)"
                found.append((document.line_of(place), what))
            elif "kind" not in data:
                self.objects += 1
                return self._check_config(read_document(document), document)
        return found

    def _check_object(
        self, kind: Kind, document: Document, place: Path, data: object
    ) -> list[tuple[int, str]]:
        try:
            parsed = parse(kind, data)
        except ResourceError as error:
            return _lines(document, error.problems, place)
        text = parsed.data.get(CONFIG_KEY) if isinstance(parsed, ConfigMap) else None
        if text is None:
            return []
        path = (*place, "data", CONFIG_KEY)
        try:
            inner = load_embedded(text, document, path)
        except DocumentError as error:
            return [(document.line_of(path) + error.line, f"data.{CONFIG_KEY}: not YAML: {error.message}")]
        return self._check_config(read_document(inner), inner)

    def _check_config(self, reading: Reading, document: Document) -> list[tuple[int, str]]:
        if reading.config is not None:
            self.configs.append(reading.config)
        return _lines(document, reading.problems)


def _lines(document: Document, problems: Iterable[Problem], place: Path = ()) -> list[tuple[int, str]]:
    return [(document.line_of(place + problem.path), str(problem)) for problem in problems]
