"""What the matrix needs of a router; `bird`, `exabgp`, `frr`, `gobgp` and `openbgpd` are the five there are.

A router has the addresses 192.0.2.1 and 2001:db8::1, is in AS 4200000001, listens, and knows all of
`neighbours.NEIGHBOURS` but for those that it cannot have. It originates the routes named there. What it shows of
routes comes out as `Seen`s, whatever it calls things itself.
"""

import abc
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Final

import attrs

import bgp
from tests.interop.matrix.neighbours import NEIGHBOURS, Neighbour
from tests.interop.netns import NetworkNamespace

START_TIME: Final = 30.0
"""Seconds that a router may take to begin to listen, or to end."""


@attrs.frozen(kw_only=True)
class Seen:
    """A route as a router has it."""

    prefix: str
    next_hop: str
    as_path: tuple[int, ...] = ()
    communities: frozenset[str] = frozenset()
    """Such as "64500:11"."""

    large_communities: frozenset[str] = frozenset()
    """Such as "4200000003:1:2"."""

    route_targets: frozenset[str] = frozenset()
    """Of the extended communities: such as "64500:100"."""

    med: int | None = None
    local_pref: int | None = None
    path_id: int | None = None
    """The path identifier that we gave it, where the router shows it."""


class Router(abc.ABC):
    """A BGP daemon in a network namespace."""

    name: ClassVar[str]
    """What the README calls it."""

    package: ClassVar[str]
    """The Debian package that it is in."""

    programs: ClassVar[tuple[str, ...]]
    """What has to be in the path."""

    version: ClassVar[str]
    """The version that `cannot` is about."""

    cannot: ClassVar[Mapping[str, str]] = {}
    """The cells that this version has no way to fill, by name, each with the reason."""

    passes_on: ClassVar[bool] = True
    """Whether it announces to one what it has heard from another."""

    without: ClassVar[frozenset[str]] = frozenset()
    """The names of neighbours that its configuration cannot express."""

    phrases: ClassVar[Mapping[bgp.CeaseSubcode, str]]
    """What it calls the reasons to end a session, in what `last_error` returns."""

    def __init__(self, namespace: NetworkNamespace, folder: Path) -> None:
        self.namespace = namespace
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def neighbours(self) -> list[Neighbour]:
        """Those that it is configured with."""
        return [each for each in NEIGHBOURS if each.name not in self.without]

    @property
    def log(self) -> Path:
        """What it prints."""
        return self.folder / "log"

    # Its life.

    @abc.abstractmethod
    def launch(self) -> None:
        """Write the configuration and start the processes, in the foreground."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers."""

    def start(self) -> None:
        """Start it, and wait until it listens and answers."""
        self.launch()
        wait_until(lambda: not self.is_running or (self._listens() and self.is_ready()))
        assert self.is_running, f"{self.name} does not start: {self.log.read_text()}"

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        for process in self.processes:
            process.kill()
        self._wait_ended()

    def freeze(self) -> None:
        """Let it stand still: its processes do nothing, and their sockets stay."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for process in self.processes:
            process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to end, and wait until it has."""
        for process in reversed(self.processes):
            process.terminate()
        self._wait_ended()

    def _wait_ended(self) -> None:
        for process in self.processes:
            process.wait(START_TIME)
        self.processes.clear()
        wait_until(lambda: not self._listens())

    @property
    def is_running(self) -> bool:
        """Whether none of its processes has ended."""
        return bool(self.processes) and all(process.poll() is None for process in self.processes)

    def _listens(self) -> bool:
        return ":179 " in self.namespace.run("ss", "--no-header", "--listening", "--tcp", "--numeric")

    # What it knows of us.

    @abc.abstractmethod
    def is_established(self, neighbour: Neighbour) -> bool:
        """Whether there is a session."""

    @abc.abstractmethod
    def routes(self, neighbour: Neighbour, family: bgp.Family = bgp.IPV4_UNICAST) -> list[Seen]:
        """The routes that it has from a neighbour."""

    @abc.abstractmethod
    def count(self, neighbour: Neighbour) -> int:
        """How many IPv4 routes it has from a neighbour; quicker than to look at them."""

    @abc.abstractmethod
    def last_error(self, neighbour: Neighbour) -> str:
        """What it says was the end of the last session, with the text that we gave for it."""

    # What it can be told to do.

    @abc.abstractmethod
    def announce(self, prefix: str) -> None:
        """Originate one more route."""

    @abc.abstractmethod
    def withdraw(self, prefix: str) -> None:
        """Take it back."""

    @abc.abstractmethod
    def refresh(self, neighbour: Neighbour) -> None:
        """Ask a neighbour for its routes again (ROUTE-REFRESH)."""

    @abc.abstractmethod
    def shut_down(self, neighbour: Neighbour, text: str) -> None:
        """End a session, saying why (RFC 9003)."""

    def dial(self, neighbour: Neighbour) -> None:  # noqa: B027  # most do so every other second
        """See to it that it connects to a neighbour soon, if it is not waiting for that one."""

    # For the subclasses.

    def run(self, *command: str) -> None:
        """Start a process of the router in its namespace."""
        self.processes.append(self.namespace.start(*command, output=self.log))

    def write(self, name: str, text: str) -> str:
        """Write a file into the folder and return its path."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)


def wait_until(holds: Callable[[], object], deadline: float = START_TIME) -> None:
    """Wait until `holds()` is true; raise `TimeoutError` after so many seconds."""
    end = time.monotonic() + deadline
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"{holds} is still not so after {deadline} s")
        time.sleep(0.02)
