"""How soon routes of the subject's own reach a router: 500 of them, and BIRD.

The subject dials a BIRD that waits; BIRD is asked every two milliseconds. What counts is the time between the answer
that first says Established and the one that first says 500 routes.
"""

import abc
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median
from typing import ClassVar

from tests.benchmarks.scale import answers
from tests.benchmarks.scale.control import BirdControl
from tests.benchmarks.scale.courses import Figures
from tests.interop.netns import NetworkNamespace, connect
from tests.interop.netns import run as run_program

COUNT = 500
"""How many routes."""

POLL = 0.002
"""How often BIRD is asked, in seconds: what is shorter than that is not known."""

_BIRD, _ORIGIN = "192.0.2.254", "192.0.2.1"
_BIRD_AS, _ORIGIN_AS = 64500, 64496
_PATIENCE = 30.0
_ROOT = Path(__file__).parents[3]
_FIRST = int(IPv4Address("198.18.0.0"))
PREFIXES = tuple(f"{IPv4Address(_FIRST + 256 * number)}/24" for number in range(COUNT))
"""The routes."""


class Origin(abc.ABC):
    """A subject that has routes of its own."""

    programs: ClassVar[tuple[str, ...]] = ()
    """The programs without which there is none."""

    def __init__(self, namespace: NetworkNamespace, folder: Path) -> None:
        self.namespace = namespace
        self.folder = folder

    @classmethod
    def missing(cls) -> list[str]:
        """The programs that this machine lacks."""
        return [each for each in cls.programs if shutil.which(each, path="/usr/sbin:/usr/bin") is None]

    @abc.abstractmethod
    def prepare(self) -> None:
        """Write its configuration."""

    @abc.abstractmethod
    def command(self) -> tuple[str, ...]:
        """How to start it; it dials BIRD."""

    def begin(self) -> None:  # noqa: B027  # most know their routes from the start
        """Called once it runs: give it its routes."""


class Ours(Origin):
    """`bgp`, in a small program: see `announce`."""

    def prepare(self) -> None:
        """There is nothing to write."""

    def command(self) -> tuple[str, ...]:
        """How to start it."""
        return "env", f"PYTHONPATH={_ROOT}", sys.executable, "-m", "tests.benchmarks.scale.announce"


class ExaBGP(Origin):
    """ExaBGP, with its routes in its configuration."""

    programs = ("exabgp",)

    def prepare(self) -> None:
        """Write the configuration."""
        routes = "".join(f" route {prefix} next-hop self;\n" for prefix in PREFIXES)
        (self.folder / "exabgp.conf").write_text(f"""
neighbor {_BIRD} {{
 router-id {_ORIGIN};
 local-address {_ORIGIN};
 local-as {_ORIGIN_AS};
 peer-as {_BIRD_AS};
 family {{ ipv4 unicast; }}
 static {{
{routes} }}
}}
""")

    def command(self) -> tuple[str, ...]:
        """How to start it."""
        settings = ("daemon.user=root", "daemon.drop=false", "log.level=CRIT", "api.cli=false")
        return "env", *(f"exabgp.{each}" for each in settings), "exabgp", str(self.folder / "exabgp.conf")


class GoBGP(Origin):
    """gobgpd; it gets its routes over its API, and then its peer."""

    programs = ("gobgpd", "gobgp")

    def prepare(self) -> None:
        """Write the configuration."""
        (self.folder / "gobgpd.toml").write_text(f"""
[global.config]
as = {_ORIGIN_AS}
router-id = "{_ORIGIN}"
port = -1
""")

    def command(self) -> tuple[str, ...]:
        """How to start it."""
        path = str(self.folder / "gobgpd.toml")
        return "gobgpd", "--config-file", path, "--log-level", "error", "--api-hosts", "127.0.0.1:50051"

    def begin(self) -> None:
        """Add the routes, then the peer."""
        _until(self._answers)
        for prefix in PREFIXES:
            self._gobgp("global", "rib", "add", prefix)
        self._gobgp("neighbor", "add", _BIRD, "as", str(_BIRD_AS))

    def _answers(self) -> bool:
        try:
            return bool(self._gobgp("global"))
        except RuntimeError:
            return False

    def _gobgp(self, *command: str) -> str:
        with self.namespace.entered():
            return run_program("gobgp", *command)


ORIGINS: dict[str, type[Origin]] = {"ours": Ours, "exabgp": ExaBGP, "gobgp": GoBGP}
"""The subjects, by the names that people know."""


def run(kind: type[Origin], times: int) -> Figures:
    """Let it come up so many times; the median counts."""
    with (
        tempfile.TemporaryDirectory(prefix="k8sglue-scale-") as folder,
        NetworkNamespace("bird") as inside,
        NetworkNamespace("origin") as outside,
    ):
        connect(inside, f"{_BIRD}/24", outside, f"{_ORIGIN}/24")
        control = _start_bird(inside, Path(folder))
        origin = kind(outside, Path(folder))
        origin.prepare()
        try:
            found = [_once(origin, control) for _ in range(times)]
        finally:
            control.close()
    return {"seconds": median(found)}


def _start_bird(namespace: NetworkNamespace, folder: Path) -> BirdControl:
    path, control = folder / "bird.conf", folder / "bird.ctl"
    path.write_text(f"""
router id {_BIRD};
protocol device {{}}
protocol bgp origin {{
    local {_BIRD} as {_BIRD_AS};
    neighbor {_ORIGIN} as {_ORIGIN_AS};
    passive;
    error wait time 1, 1;
    ipv4 {{ import all; export none; }};
}}
""")
    namespace.start("bird", "-f", "-c", str(path), "-s", str(control))
    _until(control.exists)
    return BirdControl(control)


def _once(origin: Origin, control: BirdControl) -> float:
    def show() -> str:
        return control.ask("show protocols all origin")

    process = origin.namespace.start(*origin.command(), output=origin.folder / "log")
    origin.begin()
    established = _until(lambda: answers.bird_established(show()))
    complete = _until(lambda: answers.bird_imported(show()) >= COUNT)
    process.terminate()
    process.wait()
    _until(lambda: not answers.bird_established(show()))
    return complete - established


def _until(condition: Callable[[], bool]) -> float:
    """When the condition was first seen to hold."""
    deadline = time.monotonic() + _PATIENCE
    for _ in itertools.count():
        if condition():
            break
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} is still not so after {_PATIENCE:.0f} s")
        time.sleep(POLL)
    return time.monotonic()
