"""YAML documents as plain data, with the line that each value stands on.

YAML 1.1's guesses about unquoted scalars have bitten every Kubernetes user: the community `65535:10` is a
base-60 number to it, `no` a truth value. So unquoted scalars stay text here (`Plain`), and whoever reads a field
decides what it is (fields.py). The tree is walked as nodes rather than constructed by PyYAML's classes, because
only nodes know their lines.
"""

from collections.abc import Iterator, Mapping

import attrs
import yaml

from k8sglue.fields import Path, Plain, Problem, show

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MERGE = "<<"
_DEEPEST = 100
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class DocumentError(Exception):
    """The text is no YAML; `line` counts from 1 and is 0 where the parser can not tell it."""

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {message}" if line else message)
        self.message = message
        self.line = line


@attrs.frozen
class Document:
    """One YAML document."""

    data: object
    """Mappings, lists, None, `str` for quoted scalars and `Plain` for others."""
    lines: Mapping[Path, int]
    """The line in the text, from 1, of each value."""
    problems: tuple[Problem, ...] = ()
    """Keys that are given twice, with the first one in force."""

    def line_of(self, path: Path) -> int:
        """Return the line of a value, or of the nearest one around it that is there."""
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path, 1)


def load(text: str) -> list[Document]:
    """Read all documents of a text, leaving out empty ones. Raise DocumentError if it is no YAML."""
    loader = _Loader(text)
    try:
        _require_shallow(text)
        return list(_documents(loader))
    except yaml.MarkedYAMLError as error:
        # At the end of the text the parser points behind it.
        line = min(error.problem_mark.line + 1, len(text.splitlines())) if error.problem_mark else 0
        raise DocumentError(str(error.problem or error.context or error), line) from None
    except yaml.YAMLError as error:
        raise DocumentError(" ".join(str(error).split())) from None
    finally:
        loader.dispose()


def load_embedded(text: str, around: Document | None = None, path: Path = ()) -> Document:
    """Read the one document that a string value holds, as the ConfigMap's `data.config` does.

    Its lines continue those of the document `around` it, exactly where the string is a literal block (`|`).
    """
    documents = load(text)
    if len(documents) > 1:
        raise DocumentError(f"{len(documents)} documents, must be one")
    document = documents[0] if documents else Document(None, {(): 1})
    if around is None:
        return document
    offset = around.line_of(path)
    return attrs.evolve(document, lines={place: line + offset for place, line in document.lines.items()})


def _require_shallow(text: str) -> None:
    """Raise DocumentError for what is nested so deeply that the parser, which recurses, would overflow its stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            line = event.start_mark.line + 1 if event.start_mark else 0
            raise DocumentError(f"nested more than {_DEEPEST} deep", line)


def _documents(loader: yaml.SafeLoader) -> Iterator[Document]:
    while loader.check_node():
        node = loader.get_node()
        builder = _Builder()
        data = builder.build(node, ()) if node else None
        if data is not None:
            yield Document(data, builder.lines, tuple(builder.problems))


@attrs.define
class _Builder:
    lines: dict[Path, int] = attrs.field(factory=dict)
    problems: list[Problem] = attrs.field(factory=list)
    _built: dict[yaml.Node, object] = attrs.field(factory=dict)
    _open: set[yaml.Node] = attrs.field(factory=set)

    def build(self, node: yaml.Node, path: Path) -> object:
        self.lines.setdefault(path, node.start_mark.line + 1)
        # A node that aliases point to is built once, or a page of aliases to aliases would fill the memory.
        if node in self._built:
            return self._built[node]
        if node in self._open:
            raise DocumentError("an alias that contains itself", node.start_mark.line + 1)
        self._open.add(node)
        self._built[node] = self._value(node, path)
        self._open.discard(node)
        return self._built[node]

    def _value(self, node: yaml.Node, path: Path) -> object:
        match node:
            case yaml.ScalarNode():
                return _scalar(node)
            case yaml.SequenceNode():
                return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
            case yaml.MappingNode():
                return self._mapping(node, path)
            case _:
                raise DocumentError(f"unexpected {node.tag}", node.start_mark.line + 1)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[object, object]:
        mapping: dict[object, object] = {}
        merged: list[object] = []
        for key_node, value_node in node.value:
            key = self._key(key_node)
            value = self.build(value_node, (*path, key))
            if key == _MERGE:
                merged += value if isinstance(value, list) else [value]
            elif key in mapping:
                self.problems.append(
                    Problem((*path, key), f"given again on line {key_node.start_mark.line + 1}")
                )
            else:
                mapping[key] = value
        for other in merged:
            if isinstance(other, dict):
                mapping = {**other, **mapping}
        return mapping

    def _key(self, node: yaml.Node) -> str:
        if isinstance(node, yaml.ScalarNode):
            return str(node.value)
        raise DocumentError(f"{show(node.value)} as a key, must be a scalar", node.start_mark.line + 1)


def _scalar(node: yaml.ScalarNode) -> str | None:
    if node.style in ("'", '"', "|", ">"):
        return str(node.value)
    return None if node.value in _NULLS else Plain(node.value)
