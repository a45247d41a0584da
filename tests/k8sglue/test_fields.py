"""Typed look-ups: the value, or the default and a problem with its place."""

import pytest

from k8sglue.fields import Fields, Plain, Problem, render_path


def read(value: object) -> tuple[Fields, list[Problem]]:
    problems: list[Problem] = []
    return Fields.of(value, problems), problems


def test_values_of_the_right_type_come_back() -> None:
    fields, problems = read(
        {"t": "x", "i": 5, "b": False, "m": {"a": "b", "gone": None}, "l": ["x", Plain("7")], "n": None}
    )
    assert fields.text("t") == "x"
    assert fields.integer("i") == 5
    assert fields.boolean("b", True) is False
    assert fields.text_map("m") == {"a": "b"}
    assert fields.texts("l") == ("x", "7")
    assert fields.text("n", "default") == "default"
    assert fields.integer("none", 9) == 9
    assert ("t" in fields, "n" in fields) == (True, False)
    assert not problems


def test_plain_scalars_are_what_their_reader_says() -> None:
    fields, problems = read(
        {"v": Plain("80"), "yes": Plain("yes"), "off": Plain("off"), "octal": Plain("010")}
    )
    assert fields.integer("v") == 80
    assert fields.text("v") == "80"
    assert fields.text_or_integer("v") == "80"
    assert fields.boolean("yes", False) is True
    assert fields.boolean("off", True) is False
    assert not problems
    assert fields.integer("octal", 3) == 3
    assert str(problems[0]) == 'octal: "010", must be a whole number'


@pytest.mark.parametrize(
    ("value", "look_up", "expected"),
    [
        (5, "text", "v: 5, must be a string"),
        ("5", "integer", 'v: "5", must be a whole number'),
        (True, "integer", "v: True, must be a whole number"),
        (2**63, "integer", f"v: {2**63}, must be from 0 to {2**63 - 1}"),
        ("yes", "boolean", 'v: "yes", must be true or false'),
        ([], "fields", "v: a list, must be a mapping"),
        ({}, "texts", "v: a mapping, must be a list"),
        ([5], "texts", "v[0]: 5, must be a string"),
        ({"a": 1}, "text_map", "v.a: 1, must be a string"),
        ("x" * 90, "texts", f'v: "{"x" * 76} …", must be a list'),
        ("a\x1b[31m\nb", "texts", 'v: "a\\x1b[31m\\nb", must be a list'),
    ],
)
def test_values_of_the_wrong_type_are_problems(value: object, look_up: str, expected: str) -> None:
    fields, problems = read({"v": value})
    method = getattr(fields, look_up)
    method("v", True) if look_up == "boolean" else method("v")
    assert list(map(str, problems)) == [expected]


def test_lists_of_mappings_are_gone_through_with_their_places() -> None:
    fields, problems = read({"l": [{"a": "x"}, None, 5]})
    assert [each.text("a") for each in fields.each("l")] == ["x", "", ""]
    assert list(map(str, problems)) == ["l[2]: 5, must be a mapping"]


def test_unknown_keys_are_problems() -> None:
    fields, problems = read({"a": 1, "z": 2})
    fields.only("a", "b")
    assert list(map(str, problems)) == ["z: unknown key, must be one of a, b"]


def test_paths_read_as_people_write_them() -> None:
    assert render_path(("a", 0, "b", 1, 2)) == "a[0].b[1][2]"
    assert str(Problem((), "all wrong")) == "all wrong"
