"""What a lab remembers in files: one folder, removed with the lab, and a lock beside it.

    /run/k8sglue-lab/NAME.lock      held while somebody builds, shows or removes the lab; holds that process's id
    /run/k8sglue-lab/NAME/up        there once the lab is whole and left running
    /run/k8sglue-lab/NAME/programs  what was started, one JSON object a line
    /run/k8sglue-lab/NAME/manifests the directory that the controller, the speakers and the proxies read
    /run/k8sglue-lab/NAME/logs      what the programs print

Namespaces are found by their names and processes by their namespaces, never by these files: they are for people
who ask for the status, and a lab that was killed half-way can be removed without them.
"""

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import attrs

from k8sglue.lab.errors import LabError

_ROOT = Path("/run/k8sglue-lab")


@attrs.frozen(kw_only=True)
class Program:
    """A program that was started, and was meant to run on."""

    title: str
    """What people call it: `speaker on node-a`."""
    host: str
    pid: int
    log: str
    """Path of the file that has its output."""


@attrs.frozen
class State:
    """The files of the lab `name`."""

    name: str

    @property
    def folder(self) -> Path:
        return _ROOT / self.name

    @property
    def manifests(self) -> Path:
        return self.folder / "manifests"

    @property
    def exists(self) -> bool:
        return self.folder.exists()

    @property
    def up(self) -> bool:
        """The lab was built to the end and left running."""
        return (self.folder / "up").exists()

    def mark_up(self) -> None:
        """Note that the lab is whole."""
        (self.folder / "up").touch()

    def create(self) -> None:
        """Make the folder, which must not be there."""
        self.manifests.mkdir(parents=True)
        (self.folder / "logs").mkdir()

    def remove(self) -> None:
        """Remove the folder, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder)

    def log(self, title: str) -> Path:
        """Return the path of the log of a program."""
        return self.folder / "logs" / f"{title.replace(' on ', '-').replace(' ', '-')}.log"

    def remember(self, program: Program) -> None:
        """Note a program that was started, in place of an earlier one of that title."""
        programs = [other for other in self.programs() if other.title != program.title]
        lines = [json.dumps(attrs.asdict(each)) + "\n" for each in (*programs, program)]
        (self.folder / "programs").write_text("".join(lines))

    def programs(self) -> list[Program]:
        """Return the programs that were started."""
        try:
            lines = (self.folder / "programs").read_text().splitlines()
        except FileNotFoundError:
            return []
        return [Program(**json.loads(line)) for line in lines]

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from building or removing this lab. Raise LabError if one is doing so."""
        path = self.folder.with_name(f"{self.name}.lock")
        descriptor = self._acquire(path)
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(descriptor)
            with contextlib.suppress(OSError):
                _ROOT.rmdir()

    def _acquire(self, path: Path) -> int:
        while True:
            _ROOT.mkdir(mode=0o755, exist_ok=True)
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(descriptor, 20, 0).decode() or "unknown"
                os.close(descriptor)
                raise LabError(
                    f"another `k8sglue lab` is at work on the lab {self.name}, process {holder}: "
                    "wait for it, stop it with Ctrl-C, or give this one a --name"
                ) from None
            # Whoever held it before us may have removed the file in between; then the lock is on nothing.
            if _same_file(descriptor, path):
                return descriptor
            os.close(descriptor)


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
