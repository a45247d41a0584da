"""`k8sglue check`: what is wrong in configuration and manifest files, offline.

A file may hold manifests, the ConfigMap among them, or the bare document that goes into the ConfigMap's key
`config`. Every problem is a line `file:line: path: what`.
"""

from collections.abc import Mapping

import attrs

from k8sglue.config import Config
from k8sglue.configmap import CONFIG_KEY, Reading, read_document
from k8sglue.documents import Document, DocumentError, load, load_embedded
from k8sglue.fields import Problem
from k8sglue.resources import Kind, ResourceError, kind_of, parse

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
        data = document.data
        kind = kind_of(data)
        if kind is not None:
            self.objects += 1
            return self._check_object(kind, document)
        if isinstance(data, Mapping) and "kind" in data:
            return []
        if not isinstance(data, Mapping) or not _BARE_KEYS & data.keys():
            what = "neither an object with a kind nor a configuration (peers, bgp-communities, address-pools)"
            return [(document.line_of(()), what)]
        self.objects += 1
        return self._check_config(read_document(document), document)

    def _check_object(self, kind: Kind, document: Document) -> list[tuple[int, str]]:
        found = _lines(document, document.problems)
        try:
            parse(kind, document.data)
        except ResourceError as error:
            return found + _lines(document, error.problems)
        text = _config_text(document) if kind is Kind.CONFIG_MAP else None
        if text is None:
            return found
        path = ("data", CONFIG_KEY)
        try:
            inner = load_embedded(text, document, path)
        except DocumentError as error:
            line = document.line_of(path) + error.line
            return [*found, (line, f"data.{CONFIG_KEY}: not YAML: {error.message}")]
        return found + self._check_config(read_document(inner), inner)

    def _check_config(self, reading: Reading, document: Document) -> list[tuple[int, str]]:
        if reading.config is not None:
            self.configs.append(reading.config)
        return _lines(document, reading.problems)


def _config_text(document: Document) -> str | None:
    assert isinstance(document.data, Mapping)
    data = document.data.get("data")
    return data.get(CONFIG_KEY) if isinstance(data, Mapping) else None


def _lines(document: Document, problems: list[Problem] | tuple[Problem, ...]) -> list[tuple[int, str]]:
    return [(document.line_of(problem.path), str(problem)) for problem in problems]
