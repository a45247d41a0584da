"""A virtual environment for every peer, so that none of them touches ours or another's.

They lie beside this file in `.venvs`, are made when first needed, and stay; the file `ready` in one says what was
asked for, so that changing a version here makes it anew.
"""

import subprocess
import sys
import venv
from pathlib import Path

import attrs

_DIRECTORY = Path(__file__).parent / ".venvs"


class InstallError(Exception):
    """A peer could not be installed; the last lines of pip tell why."""


@attrs.frozen
class Peer:
    """An implementation to measure, as its index of packages has it."""

    module: str
    """Which of our modules uses it."""

    installs: tuple[tuple[str, ...], ...]
    """The arguments of `pip install`, call by call."""

    octets: int
    """How much of a workload is enough for a second of work, or so."""


PEERS = {
    "exabgp": Peer("exabgp", (("exabgp==5.0.15",),), 1_000_000),
    "os-ken": Peer("os_ken", (("os-ken==4.2.2",),), 1_000_000),
    # Its setup.py was written for an older setuptools, and asks for a web server that its codec does without.
    "yabgp": Peer(
        "yabgp",
        (("setuptools<58", "wheel", "netaddr"), ("--no-build-isolation", "--no-deps", "yabgp==0.8.2")),
        1_000_000_000,
    ),
    "scapy": Peer("scapy", (("scapy==2.8.0",),), 100_000),
}
"""The peers, by the names that people know."""


def python(name: str) -> Path:
    """The interpreter of a peer's environment, which is made if need be; raise `InstallError`."""
    peer = PEERS[name]
    directory = _DIRECTORY / name
    ready, wanted = directory / "ready", f"{sys.version}\n{peer.installs}\n"
    if not ready.exists() or ready.read_text() != wanted:
        print(f"installing {name} into {directory}", file=sys.stderr)
        venv.create(directory, clear=True, with_pip=True)
        for arguments in peer.installs:
            _pip(directory, arguments)
        ready.write_text(wanted)
    return directory / "bin" / "python"


def _pip(directory: Path, arguments: tuple[str, ...]) -> None:
    command = [
        str(directory / "bin" / "pip"),
        "install",
        "--quiet",
        "--disable-pip-version-check",
        *arguments,
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise InstallError("\n".join(result.stderr.splitlines()[-5:]))
