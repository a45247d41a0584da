"""A folder of manifest files, read again and again without ever believing half a file.

People save files with editors, scripts and `cp`; none of them is atomic. A file counts once its writer has closed
it, or once it has stopped changing for a moment; a file that vanished counts as gone after the same moment,
because many editors move the old file away before they write the new one. A file that is no YAML keeps the objects
that it last had, and one bad object in a file keeps its own last good state while the others go on.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TypeAlias

import attrs

from k8sglue.documents import DocumentError, load
from k8sglue.resources import Key, Kind, Resource, ResourceError, kind_of, parse, unfold

SETTLE_TIME = 0.2
"""Seconds without a change after which a file that nobody was seen to close is believed."""

Signature: TypeAlias = tuple[int, int, int] | None
"""What changes when a file does: modification time, size and inode; None for a file that is gone."""


@attrs.frozen
class Manifest:
    """What one text holds: the objects that can be used, and what is wrong with the others."""

    objects: tuple[Resource, ...] = ()
    errors: tuple[str, ...] = ()
    """Lines for people, each beginning with the line number: `3: spec.ports[0].port: …`."""
    unreadable: bool = False
    """It is no YAML at all."""
    broken: frozenset[tuple[Kind, Key]] = frozenset()
    """The objects that can not be used, as far as one can tell which they are."""


def read_manifest(text: str) -> Manifest:
    """Read the objects of the kinds that the programs know; objects of other kinds are left out."""
    try:
        documents = load(text)
    except DocumentError as error:
        return Manifest(errors=(f"{error.line}: not YAML: {error.message}",), unreadable=True)
    objects: list[Resource] = []
    errors: list[str] = []
    broken: set[tuple[Kind, Key]] = set()
    for document in documents:
        errors += [f"{document.line_of(problem.path)}: {problem}" for problem in document.problems]
        for place, data in unfold(document.data):
            kind = kind_of(data)
            try:
                if kind is not None:
                    objects.append(parse(kind, data))
            except ResourceError as error:
                errors += [f"{document.line_of(place + each.path)}: {each}" for each in error.problems]
                broken.add((error.kind, error.key))
    return Manifest(tuple(objects), tuple(errors), broken=frozenset(broken))


@attrs.define
class _File:
    signature: Signature = None
    manifest: Manifest = attrs.field(factory=Manifest)
    pending: tuple[Signature, float] | None = None
    """A newer state that is not believed yet, and when it was first seen."""


@attrs.define
class Folder:
    """The manifests directly in one folder: `*.yaml`, `*.yml` and `*.json`, but no hidden ones."""

    path: Path
    generation: int = attrs.field(init=False, default=0)
    """Another one whenever something was read or is gone."""
    gone: set[tuple[Kind, Key]] = attrs.field(init=False, factory=set)
    """Objects that were here, and are not any more: no broken file hides them."""
    _files: dict[str, _File] = attrs.field(init=False, factory=dict)
    _unsettled: set[str] = attrs.field(init=False, factory=set)

    def refresh(
        self,
        now: float,
        *,
        only: Collection[str] | None = None,
        closed: Collection[str] = (),
        trusted: bool = False,
    ) -> float | None:
        """Look at the files; return in how many seconds to look again at one that is still changing.

        `only` are the names to look at, beside those that are still changing; None for all. `closed` are names of
        files that their writers have just closed; `trusted` says that all files here are written atomically. Raise
        OSError if the folder can not be read; what is known stays.
        """
        first = self.generation == 0
        names = self._list() if only is None else {*filter(_is_manifest, only), *self._unsettled}
        waits = [self._look(name, now, trusted=trusted or first, closed=name in closed) for name in names]
        self._unsettled = {name for name, file in self._files.items() if file.pending}
        self.generation = max(self.generation, 1)
        return min(filter(None, waits), default=None)

    @property
    def objects(self) -> Iterator[tuple[str, Resource]]:
        """All objects with the names of their files, in the order of these names."""
        for name, file in sorted(self._files.items()):
            for resource in file.manifest.objects:
                yield name, resource

    @property
    def names(self) -> set[str]:
        """The names of the files."""
        return set(self._files)

    @property
    def errors(self) -> list[str]:
        """What is wrong in the files: `name:line: path: what`."""
        return [
            f"{name}:{error}" for name, file in sorted(self._files.items()) for error in file.manifest.errors
        ]

    @property
    def hides_objects(self) -> bool:
        """A file can not be read whole: there may be objects that nobody knows of."""
        return any(file.manifest.unreadable or file.manifest.broken for file in self._files.values())

    def _list(self) -> set[str]:
        with os.scandir(self.path) as entries:
            return {entry.name for entry in entries if _is_manifest(entry.name)} | self._files.keys()

    def _look(self, name: str, now: float, *, trusted: bool, closed: bool) -> float | None:
        """Look at one file; return how much longer it has to stay as it is to be believed, if it has to."""
        file = self._files.get(name, _File())
        signature = self._signature(name)
        # A file of no size is most often one that is about to be written.
        finished = trusted or (closed and signature is not None and signature[1] > 0)
        if signature == file.signature:
            file.pending = None
        elif finished or (wait := _wait(file, signature, now)) <= 0:
            self._read(name, file, signature)
        else:
            self._files[name] = file
            return wait
        if file.signature is None:
            self._files.pop(name, None)
        return None

    def _signature(self, name: str) -> Signature:
        try:
            status = os.stat(self.path / name)
        except FileNotFoundError:
            return None
        except OSError:
            # A loop of links, no right to look: it is there, and can not be read.
            return (0, 0, 0)
        return (status.st_mtime_ns, status.st_size, status.st_ino)

    def _read(self, name: str, file: _File, signature: Signature) -> None:
        self.generation += 1
        file.pending = None
        file.signature = signature
        before = {(each.kind, each.key) for each in file.manifest.objects}
        if signature is None:
            self.gone |= before
            return
        self._files[name] = file
        try:
            manifest = _read_file(self.path / name)
        except (OSError, UnicodeDecodeError) as error:
            manifest = _unreadable(str(error))
        file.manifest = _keeping(manifest, file.manifest)
        after = {(each.kind, each.key) for each in file.manifest.objects}
        self.gone = (self.gone | before) - after


def _is_manifest(name: str) -> bool:
    return name.endswith((".yaml", ".yml", ".json")) and not name.startswith(".")


def _read_file(path: Path) -> Manifest:
    # A pipe or a device would keep us waiting for ever.
    if not path.is_file():
        return _unreadable("not a regular file")
    text = path.read_text()
    # A full disk, or a writer that was killed: nobody empties a file to delete what was in it.
    return read_manifest(text) if text else _unreadable("empty")


def _unreadable(why: str) -> Manifest:
    return Manifest(errors=(f"1: {why}",), unreadable=True)


def _wait(file: _File, signature: Signature, now: float) -> float:
    """Return how much longer the file has to stay as it is to be believed."""
    if file.pending is None or file.pending[0] != signature:
        file.pending = (signature, now)
    return file.pending[1] + SETTLE_TIME - now


def _keeping(manifest: Manifest, previous: Manifest) -> Manifest:
    """Fill in the last good state of what is broken now."""
    if manifest.unreadable:
        return attrs.evolve(manifest, objects=previous.objects)
    kept = tuple(old for old in previous.objects if (old.kind, old.key) in manifest.broken)
    return attrs.evolve(manifest, objects=manifest.objects + kept)
