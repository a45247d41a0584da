"""What a recording needs of a daemon; `recording_frr`, `recording_bird` and so on are the five there are.

A daemon has the addresses 192.0.2.1 and 2001:db8::1, listens, and is configured for every account. It originates
routes of its own with what attributes it can be told to set, and passes on what the sources announce.
"""

import abc
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from tests.interop.netns import NetworkNamespace
from tests.interop.recording_peer import FAMILIES, Account

ADDRESS4 = "192.0.2.1"
ADDRESS6 = "2001:db8::1"
HOST = "router"
"""The host name of the daemon's machine: some put it into their OPEN."""


class Daemon(abc.ABC):
    """A BGP daemon in a network namespace."""

    package: ClassVar[str]
    """The Debian package that it is in."""

    families: ClassVar[tuple[tuple[int, int], ...]] = FAMILIES
    """The families to offer it."""

    survives_refresh: ClassVar[bool] = True
    """Whether a ROUTE-REFRESH does not end the session."""

    def __init__(
        self, namespace: NetworkNamespace, folder: Path, asn: int, accounts: Sequence[Account]
    ) -> None:
        self.namespace = namespace
        self.folder = folder
        self.asn = asn
        self.accounts = accounts
        self.processes: list[subprocess.Popen[bytes]] = []

    @abc.abstractmethod
    def start(self) -> None:
        """Write the configuration and start the daemon, in the foreground."""

    def ask_again(self, account: Account) -> None:  # noqa: B027  # GoBGP never does
        """Make it send a ROUTE-REFRESH."""

    @abc.abstractmethod
    def shut_down(self, account: Account, text: str) -> None:
        """Make it end the session with a shutdown communication (RFC 9003)."""

    def change(self) -> None:  # noqa: B027  # OpenBGPD cannot
        """Make it withdraw routes of its own."""

    def terminate(self) -> None:
        """Ask the daemon to end, which makes it say goodbye to its peers."""
        for process in reversed(self.processes):
            process.terminate()

    def wait_ended(self) -> None:
        """Wait for the daemon to end; whoever does not is killed."""
        for process in self.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process in the namespace, on a host called `HOST`."""
        renamed = ("unshare", "--uts", "sh", "-c", f'hostname {HOST}; exec "$@"', "sh")
        process = self.namespace.start(*renamed, *command)
        self.processes.append(process)
        return process

    def write(self, name: str, text: str) -> str:
        """Write a file into the folder and return its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def is_internal(self, account: Account) -> bool:
        """Whether a session is one of iBGP."""
        return account.is_internal(self.asn)


def wait_until(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Wait for something to come true; raise `TimeoutError` if it does not within so many seconds."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} is still not so after {within} s")
        time.sleep(0.1)


def local_address(account: Account) -> str:
    """The address that a peer connects to."""
    return ADDRESS6 if ":" in account.address else ADDRESS4


def slug(account: Account) -> str:
    """The name of an account, as an identifier."""
    return "to_" + account.name.replace("-", "_")
