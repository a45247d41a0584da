"""YAML with line numbers, and none of YAML's guesses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8sglue.documents import Document, DocumentError, load, load_embedded
from k8sglue.fields import Plain


def only(text: str) -> Document:
    [document] = load(text)
    return document


def test_unquoted_scalars_stay_text() -> None:
    data = only("a: 65535:10\nb: no\nc: '80'\nd: 80\ne: ~\nf:\ng: 2001-01-01\nh: |\n  text\n").data
    assert data == {
        "a": "65535:10",
        "b": "no",
        "c": "80",
        "d": "80",
        "e": None,
        "f": None,
        "g": "2001-01-01",
        "h": "text\n",
    }
    assert isinstance(data, dict)
    assert [key for key, value in data.items() if isinstance(value, Plain)] == ["a", "b", "d", "g"]


def test_every_value_knows_its_line() -> None:
    document = only("a:\n- x\n- b: 1\n  c: {d: 2}\n")
    assert document.line_of(("a", 0)) == 2
    assert document.line_of(("a", 1, "c", "d")) == 4
    assert document.line_of(("a", 1, "missing")) == 3
    assert document.line_of(("missing",)) == 1


def test_empty_documents_are_left_out() -> None:
    assert [document.data for document in load("---\n# nothing\n---\na: 1\n---\n")] == [{"a": "1"}]
    assert load("") == []


def test_the_lines_of_an_embedded_document_go_on_from_those_around_it() -> None:
    outer = only("kind: ConfigMap\ndata:\n  config: |\n    a:\n    - b\n")
    assert isinstance(outer.data, dict)
    inner = load_embedded(outer.data["data"]["config"], outer, ("data", "config"))
    assert inner.line_of(("a", 0)) == 5


def test_keys_given_twice_are_problems_and_the_first_counts() -> None:
    document = only("a: 1\nb: 2\na: 3\n")
    assert document.data == {"a": "1", "b": "2"}
    assert list(map(str, document.problems)) == ["a: given again on line 3"]


def test_aliases_and_merges() -> None:
    assert only("base: &b {x: 1, y: 2}\nuse: {<<: *b, y: 3}\nagain: *b").data == {
        "base": {"x": "1", "y": "2"},
        "use": {"x": "1", "y": "3"},
        "again": {"x": "1", "y": "2"},
    }


def test_aliases_do_not_multiply() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert len(only("\n".join(lines)).lines) < 1000


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: [\n", 1),
        ("a: 1\n b: 2", 2),
        ("? [a]\n: b", 1),
        ("a: &x [*x]", 1),
        ("[" * 50000, 1),
        ("a: " + "{b: " * 120, 1),
    ],
)
def test_what_is_no_yaml_says_where(text: str, line: int) -> None:
    with pytest.raises(DocumentError) as caught:
        load(text)
    assert not line or caught.value.line == line


def test_two_embedded_documents_are_one_too_many() -> None:
    with pytest.raises(DocumentError, match="2 documents, must be one"):
        load_embedded("a: 1\n---\nb: 2\n")


@given(st.text())
def test_any_text_is_documents_or_no_yaml(text: str) -> None:
    try:
        documents = load(text)
    except DocumentError:
        return
    for document in documents:
        assert all(document.line_of(path) >= 1 for path in document.lines)
