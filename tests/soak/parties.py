"""The peers of the speaker under test: processes in one namespace, each at an address of its own.

Those that are speakers of ours are here, as is the one under test; the others are in daemons.py.
"""

import abc
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from tests.interop.netns import NetworkNamespace, run
from tests.soak.agent import PeerSetup, Setup
from tests.soak.shown import Shown

US, OUR_AS = "10.0.0.1", 64512
"""The speaker under test."""

_ROOT = Path(__file__).parents[2]


class Party(abc.ABC):
    """A peer: it announces `routes`, prefixes in their variants, and shows what it was told."""

    programs: ClassVar[tuple[str, ...]] = ()
    """The programs without which there is none."""

    def __init__(self, namespace: NetworkNamespace, folder: Path, address: str, asn: int) -> None:
        self.namespace = namespace
        self.folder = folder
        self.address = address
        self.asn = asn
        self.routes: dict[str, int] = {}
        self.is_frozen = False
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(mode=0o755)

    def __str__(self) -> str:
        return f"{type(self).__name__.lower()} {self.address}"

    @classmethod
    def is_here(cls) -> bool:
        """Whether its programs are installed."""
        return all(shutil.which(each, path="/usr/sbin:/usr/bin:/sbin:/bin") for each in cls.programs)

    @property
    def peer_address(self) -> str:
        """Where the speaker under test finds it."""
        return self.address

    @abc.abstractmethod
    def start(self, *, restarting: bool = False) -> None:
        """Start it, with the routes of now."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it can be told things."""

    @abc.abstractmethod
    def change(self, announced: Mapping[str, int], withdrawn: list[str]) -> None:
        """Have other routes from now on; `routes` says so already."""

    @abc.abstractmethod
    def shown(self) -> Shown:
        """What it has from the speaker under test."""

    def refresh(self) -> None:  # noqa: B027  # not everybody can be asked for that
        """Ask the speaker under test for all its routes."""

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None
        self.is_frozen = False

    def freeze(self) -> None:
        """Stop it from doing anything."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGSTOP)
            self.is_frozen = True

    def thaw(self) -> None:
        """Let it go on."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGCONT)
        self.is_frozen = False

    @property
    def is_running(self) -> bool:
        """Whether it can act."""
        return self.process is not None and not self.is_frozen

    def run(self, *command: str) -> None:
        """Start its program; what it says is kept in its folder."""
        self.process = self.namespace.start(*command, output=self.folder / "log")

    def ask(self, *command: str) -> str:
        """Run a tool of it; nothing if that fails."""
        try:
            with self.namespace.entered():
                return run(*command)
        except RuntimeError:
            return ""


class AgentError(Exception):
    """An agent could not do what it was told, or did not answer."""


class AgentParty(Party):
    """A speaker of ours in agent.py; as a peer, or under test."""

    peers: dict[str, PeerSetup]
    relay = ""

    def start(self, *, restarting: bool = False) -> None:
        """Start it."""
        setup = Setup(
            asn=self.asn,
            address=self.address,
            peers=self.peers,
            routes=self.routes,
            restarting=restarting,
            relay=self.relay,
        )
        self._socket.unlink(missing_ok=True)
        command = (
            "env",
            f"PYTHONPATH={_ROOT}",
            sys.executable,
            "-X",
            "faulthandler",
            "-m",
            "tests.soak.agent",
        )
        self.run(*command, str(self._socket), json.dumps(setup))

    @property
    def _socket(self) -> Path:
        return self.folder / "agent.sock"

    @property
    def peer_address(self) -> str:
        """Its own address, or that of its relay."""
        return self.relay or self.address

    def is_ready(self) -> bool:
        """Whether it listens to us."""
        return self._socket.exists()

    def call(self, what: str, **arguments: Any) -> Any:
        """Let it do something, and return what comes of it."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            try:
                sock.connect(str(self._socket))
                sock.sendall(json.dumps({"do": what, **arguments}).encode() + b"\n")
                sock.shutdown(socket.SHUT_WR)
                data = b"".join(iter(lambda: sock.recv(1 << 16), b""))
            except OSError as error:
                raise AgentError(f"{self}: {what}: {type(error).__name__}: {error}") from error
        reply = json.loads(data or b'{"error": "hung up"}')
        if "error" in reply:
            raise AgentError(f"{self}: {what} {arguments}: {reply['error']}")
        return reply["result"]

    def change(self, announced: Mapping[str, int], withdrawn: list[str]) -> None:
        """Announce and withdraw."""
        self.call("withdraw", prefixes=withdrawn)
        self.call("announce", routes=dict(announced))

    def shown(self) -> Shown:
        """Its Adj-RIB-In."""
        return rows_shown(self.call("received", peer=self.us))

    @property
    def us(self) -> str:
        """Where it finds the speaker under test."""
        return self.relay or US

    def refresh(self) -> None:
        """Ask for a refresh."""
        self.call("refresh", peer=self.us)


def rows_shown(rows: list[list[Any]]) -> Shown:
    """Rows of an agent, with the path identifier beside the prefix if there is one."""
    found: Shown = {}
    for prefix, path_id, path, communities, med in rows:
        found[f"{prefix} {path_id}" if path_id else prefix] = path, tuple(communities), med
    return found
