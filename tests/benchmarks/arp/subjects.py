"""Who answers, and how it is started and ended."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen

import attrs

from tests.benchmarks.arp.family import Address, Family
from tests.interop.netns import NetworkNamespace

_ROOT = Path(__file__).parents[3]


@attrs.frozen
class Subject:
    """One of those that are compared."""

    name: str
    owns: int = 1
    """How many addresses."""
    module: str = ""
    """The program, beside this file; empty for the kernel, which needs none."""
    occupation: str = ""
    """What the program does besides; empty for nothing."""

    @contextmanager
    def running(self, namespace: NetworkNamespace, family: Family) -> Iterator[int | None]:
        """Let it answer on the eth0 of a namespace; gives the process id, None if it has none."""
        addresses = family.owned(self.owns)
        if self.module:
            with self._program(namespace, family, addresses) as pid:
                yield pid
        else:
            with _kernel(namespace, family, addresses):
                yield None

    @contextmanager
    def _program(
        self, namespace: NetworkNamespace, family: Family, addresses: list[Address]
    ) -> Iterator[int]:
        argument = str(addresses[0]) if self.module == "loop" else str(self.owns)
        command = [sys.executable, "-m", f"{__package__}.{self.module}", family.name, argument]
        if self.occupation:
            command.append(self.occupation)
        process = namespace.start("env", f"PYTHONPATH={_ROOT}", *command, piped=True)
        try:
            assert process.stdout is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError(f"{self.name} does not start")
            yield process.pid
        finally:
            _end(process)


_RESPONDERS = tuple(Subject(f"ours-{count}", owns=count, module="ours") for count in (1, 100, 10_000))
OURS = tuple(subject.name for subject in _RESPONDERS)
"""The names of those that are ours, by how many addresses they own."""

_OCCUPIED = tuple(Subject(name, module="ours", occupation=name) for name in ("asleep", "computing"))
OCCUPIED = tuple(subject.name for subject in _OCCUPIED)
"""The names of those that are ours, and whose event loop is busy."""

SUBJECTS = {
    subject.name: subject
    for subject in (Subject("kernel"), Subject("loop", module="loop"), *_RESPONDERS, *_OCCUPIED)
}
"""All of them, by name."""


@contextmanager
def _kernel(namespace: NetworkNamespace, family: Family, addresses: list[Address]) -> Iterator[None]:
    options = ("nodad",) if family.asker.version == 6 else ()
    texts = [f"{address}/{family.length}" for address in addresses]
    for text in texts:
        namespace.run("ip", "address", "add", text, "dev", "eth0", *options)
    try:
        yield
    finally:
        for text in texts:
            namespace.run("ip", "address", "del", text, "dev", "eth0")


def _end(process: Popen[bytes]) -> None:
    process.kill()
    process.wait()
