"""A folder of manifests, read without ever believing half a file. Time is an argument."""

import os
from pathlib import Path

import pytest

from k8sglue.directory import SETTLE_TIME, Folder

LATER = SETTLE_TIME + 0.01


def manifest(*names: str) -> str:
    return "---\n".join(
        f"kind: Service\nmetadata: {{name: {name}}}\nspec: {{type: LoadBalancer}}\n" for name in names
    )


def names(folder: Folder) -> list[str]:
    return [resource.key.name for _, resource in folder.objects]


def started(path: Path, **files: str) -> Folder:
    for name, text in files.items():
        (path / f"{name}.yaml").write_text(text)
    folder = Folder(path)
    folder.refresh(0.0)
    return folder


def test_all_manifests_are_read_at_the_start(tmp_path: Path) -> None:
    (tmp_path / ".hidden.yaml").write_text(manifest("hidden"))
    (tmp_path / "note.txt").write_text("not for us")
    (tmp_path / "c.json").write_text('{"kind": "Node", "metadata": {"name": "n"}}')
    folder = started(tmp_path, a=manifest("one", "two"), b="kind: Pod\nmetadata: {}\n")
    assert names(folder) == ["one", "two", "n"]
    assert not folder.errors


def test_a_file_counts_when_its_writer_has_closed_it(tmp_path: Path) -> None:
    folder = started(tmp_path)
    (tmp_path / "a.yaml").write_text(manifest("one"))
    assert folder.refresh(1.0, closed={"a.yaml"}) is None
    assert names(folder) == ["one"]


def test_a_file_that_nobody_was_seen_to_close_has_to_settle(tmp_path: Path) -> None:
    folder = started(tmp_path)
    (tmp_path / "a.yaml").write_text(manifest("one"))
    assert folder.refresh(1.0) == pytest.approx(SETTLE_TIME)
    (tmp_path / "a.yaml").write_text(manifest("one", "two"))
    assert folder.refresh(1.0 + LATER) == pytest.approx(SETTLE_TIME)
    assert names(folder) == []
    assert folder.refresh(1.0 + 2 * LATER) is None
    assert names(folder) == ["one", "two"]


def test_an_empty_file_keeps_what_it_had(tmp_path: Path) -> None:
    folder = started(tmp_path, a=manifest("one"))
    (tmp_path / "a.yaml").write_text("")
    assert folder.refresh(1.0, closed={"a.yaml"}) == pytest.approx(SETTLE_TIME)
    assert names(folder) == ["one"]
    assert folder.refresh(1.0 + LATER) is None
    assert names(folder) == ["one"]
    assert folder.errors == ["a.yaml:1: empty"]


def test_an_editor_may_move_the_old_file_away_before_it_writes_the_new_one(tmp_path: Path) -> None:
    folder = started(tmp_path, a=manifest("one"))
    (tmp_path / "a.yaml").rename(tmp_path / "a.yaml~")
    folder.refresh(1.0)
    assert names(folder) == ["one"]
    (tmp_path / "a.yaml").write_text(manifest("two"))
    folder.refresh(1.1, closed={"a.yaml"})
    assert names(folder) == ["two"]


def test_a_file_that_stays_away_is_gone(tmp_path: Path) -> None:
    folder = started(tmp_path, a=manifest("one"))
    (tmp_path / "a.yaml").unlink()
    assert folder.refresh(1.0) == pytest.approx(SETTLE_TIME)
    folder.refresh(1.0 + LATER)
    assert names(folder) == []
    assert folder.refresh(2.0) is None


def test_a_file_that_is_no_yaml_keeps_what_it_had(tmp_path: Path) -> None:
    folder = started(tmp_path, a=manifest("one"))
    (tmp_path / "a.yaml").write_text(manifest("one") + "spec: [")
    folder.refresh(1.0, closed={"a.yaml"})
    assert names(folder) == ["one"]
    assert folder.hides_objects
    assert folder.errors[0].startswith("a.yaml:4: not YAML: ")
    (tmp_path / "a.yaml").write_text(manifest("two"))
    folder.refresh(2.0, closed={"a.yaml"})
    assert names(folder) == ["two"]
    assert not folder.hides_objects


def test_one_bad_object_keeps_its_last_good_state_and_the_others_go_on(tmp_path: Path) -> None:
    folder = started(tmp_path, a=manifest("one", "two"))
    (tmp_path / "a.yaml").write_text(
        manifest("one").replace("LoadBalancer", "[]") + "---\n" + manifest("three")
    )
    folder.refresh(1.0, closed={"a.yaml"})
    assert sorted(names(folder)) == ["one", "three"]
    assert folder.errors == ["a.yaml:3: spec.type: a list, must be a string"]
    assert folder.hides_objects


def test_octets_that_are_no_text_are_reported(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    folder = Folder(tmp_path)
    folder.refresh(0.0)
    assert "a.yaml:1: 'utf-8' codec can't decode" in folder.errors[0]


def test_a_name_that_is_no_name_is_a_problem(tmp_path: Path) -> None:
    folder = started(tmp_path, a="kind: Service\nmetadata: {name: ../../etc/passwd}\n", b="kind: Node\n")
    assert names(folder) == []
    assert 'metadata.name: "../../etc/passwd", must be lower case letters' in folder.errors[0]
    assert "metadata.name: missing" in folder.errors[1]


def test_only_what_is_named_and_what_is_still_changing_is_looked_at(tmp_path: Path) -> None:
    folder = started(tmp_path, a=manifest("one"))
    (tmp_path / "a.yaml").write_text(manifest("two"))
    (tmp_path / "b.yaml").write_text(manifest("three"))
    (tmp_path / "c.yaml").write_text(manifest("four"))
    before = folder.generation
    folder.refresh(1.0, only=())
    assert folder.generation == before
    folder.refresh(1.0, only=("b.yaml", "c.yaml", "notes.txt"), closed=("b.yaml",))
    assert names(folder) == ["one", "three"]
    folder.refresh(1.0 + LATER, only=())
    assert names(folder) == ["one", "three", "four"]


def test_what_is_no_regular_file_is_reported(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").mkdir()
    (tmp_path / "c.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "e.yaml").symlink_to(tmp_path / "e.yaml")
    folder = started(tmp_path, d=manifest("one"))
    assert names(folder) == ["one"]
    assert folder.errors == [f"{name}.yaml:1: not a regular file" for name in "abe"]


def test_a_list_is_its_items(tmp_path: Path) -> None:
    items = "".join(f"- {{kind: Service, metadata: {{name: {name}}}}}\n" for name in ("one", "B@D", "two"))
    folder = started(tmp_path, a="kind: List\nitems:\n" + items)
    assert names(folder) == ["one", "two"]
    assert folder.errors[0].startswith('a.yaml:4: metadata.name: "B@D", must be')
