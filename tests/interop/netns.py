"""Network namespaces for tests with real daemons and real packets; needs root.

with NetworkNamespace("a") as a, NetworkNamespace("b") as b:
    connect(a, "10.0.0.1/24", b, "10.0.0.2/24")
    daemon = b.start("bird", "-f", ...)
    with a.entered():
        ...                     # sockets made here are in the namespace
"""

import contextlib
import ctypes
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

_CLONE_NEWNET = 0x40000000
_numbers = itertools.count()

needs_namespaces = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to make network namespaces"),
    pytest.mark.skipif(shutil.which("ip") is None, reason="needs iproute2"),
]
"""Marks for a test that makes namespaces: `pytestmark = [*needs_namespaces]`."""


class NetworkNamespace:
    """A namespace with a name of its own; removed, with the processes started in it, when left."""

    def __init__(self, label: str) -> None:
        self.name = f"k8sglue-{os.getpid()}-{next(_numbers)}-{label}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        run("ip", "netns", "add", self.name)
        self.run("ip", "link", "set", "lo", "up")
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()
        run("ip", "netns", "delete", self.name)

    def run(self, *command: str) -> str:
        """Run a command in the namespace and return what it prints; raise if it fails."""
        return run("ip", "netns", "exec", self.name, *command)

    def start(
        self, *command: str, output: Path | None = None, piped: bool = False
    ) -> subprocess.Popen[bytes]:
        """Start a process in the namespace; its id is that of the command itself.

        What it prints is added to the file `output`, if that is given; `piped`: its standard output is a pipe to us.
        """
        arguments = ["ip", "netns", "exec", self.name, *command]
        if output is None:
            process = subprocess.Popen(arguments, stdout=subprocess.PIPE if piped else None)
        else:
            with output.open("ab") as file:
                process = subprocess.Popen(arguments, stdout=file, stderr=subprocess.STDOUT)
        self._processes.append(process)
        return process

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Put the calling thread into the namespace: sockets that it makes are there."""
        with Path("/proc/thread-self/ns/net").open() as home, Path("/run/netns", self.name).open() as here:
            _setns(here.fileno())
            try:
                yield
            finally:
                _setns(home.fileno())


def connect(
    left: NetworkNamespace,
    left_address: str,
    right: NetworkNamespace,
    right_address: str,
    *,
    interface: str = "eth0",
) -> None:
    """Lay a cable: an interface `eth0` in each namespace, with an address such as "10.0.0.1/24"."""
    run(
        *("ip", "link", "add", interface, "netns", left.name, "type", "veth"),
        *("peer", "name", interface, "netns", right.name),
    )
    for namespace, address in ((left, left_address), (right, right_address)):
        namespace.run("ip", "address", "add", address, "dev", interface)
        namespace.run("ip", "link", "set", interface, "up")


def run(*command: str) -> str:
    """Run a command and return what it prints; raise with its complaint if it fails."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: exit status {result.returncode}: {result.stderr.strip()}")
    return result.stdout


def exit_when_terminated() -> None:
    """Let SIGTERM end the program as an error would: namespaces are removed on the way out."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise SystemExit(1)

    signal.signal(signal.SIGTERM, end)


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
