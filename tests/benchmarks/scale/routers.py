"""The subjects as routers: each takes all routes of its peers, and tells all of them to all others.

What a router needs is written into its configuration and no more; all else is as its packager wants it.
"""

import abc
import itertools
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import attrs

from tests.benchmarks.generator import Workload
from tests.benchmarks.scale import answers, usage
from tests.benchmarks.scale.control import BirdControl, Control, LineControl, VtyControl
from tests.interop.netns import NetworkNamespace, run

ADDRESS = "192.0.2.254"
"""Of the router; its peers, and the next hops of the routes, are on the same network, 192.0.2.0/24."""

AS = 64500
_ROOT = Path(__file__).parents[3]
_READY_WITHIN = 20.0


@attrs.frozen
class Neighbor:
    """A peer, as the router's configuration has to know it."""

    address: str
    asn: int


class Router(abc.ABC):
    """A router in a namespace."""

    programs: ClassVar[tuple[str, ...]] = ()
    """The programs without which there is no such router."""

    passes_on: ClassVar[bool] = True
    """Whether it tells peers of each other's routes."""

    poll: ClassVar[float] = 0.02
    """How long to wait before it is asked again whether it has all."""

    def __init__(self, namespace: NetworkNamespace, folder: Path, neighbors: Sequence[Neighbor]) -> None:
        self.namespace = namespace
        self.folder = folder
        self.neighbors = neighbors
        self.processes: list[subprocess.Popen[bytes]] = []

    @classmethod
    def missing(cls) -> list[str]:
        """The programs that this machine lacks."""
        return [each for each in cls.programs if shutil.which(each, path=_PATH) is None]

    @abc.abstractmethod
    def start(self) -> None:
        """Write the configuration and start the router, in the foreground."""

    @abc.abstractmethod
    def is_ready(self) -> bool:
        """Whether it answers questions."""

    @abc.abstractmethod
    def has_all(self, workload: Workload, number: int = 0) -> bool:
        """Whether it says that all prefixes of the peer with this number are in its table."""

    def wait_ready(self) -> None:
        """Wait until it answers questions; raise `TimeoutError` if it never does."""
        deadline = time.monotonic() + _READY_WITHIN
        while not self.is_ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{type(self).__name__} does not answer after {_READY_WITHIN} s")
            time.sleep(0.05)

    def pids(self) -> list[int]:
        """All that is to be measured."""
        return list(itertools.chain.from_iterable(usage.tree(process.pid) for process in self.processes))

    def run(self, *command: str) -> None:
        """Start a program in the namespace; what it says is kept."""
        self.processes.append(self.namespace.start(*command, output=self._log))

    def ask(self, *command: str) -> str:
        """Run a program in the namespace and return what it prints; nothing if it fails."""
        try:
            # Without "ip netns exec", which takes longer than the program.
            with self.namespace.entered():
                return run(*command)
        except RuntimeError:
            return ""

    def last_words(self) -> str:
        """The end of what its programs have said."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        return "; ".join(lines[-2:])

    @property
    def _log(self) -> Path:
        return self.folder / "log"

    def write(self, name: str, text: str) -> Path:
        """Write a file into the folder."""
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o600)
        return path


_FRR_SUMMARY = "show bgp ipv4 unicast summary json"
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib/frr"


class Ours(Router):
    """`bgp`, in a small program."""

    _control: Control | None = None

    def start(self) -> None:
        """Start it."""
        peers = [f"{each.address}/{each.asn}" for each in self.neighbors]
        module = "tests.benchmarks.scale.ours"
        self.run(
            *("env", f"PYTHONPATH={_ROOT}", sys.executable, "-m", module),
            *(str(AS), ADDRESS, str(self._socket), *peers),
        )

    @property
    def _socket(self) -> Path:
        return self.folder / "ours.sock"

    def is_ready(self) -> bool:
        """Whether it listens."""
        return self._socket.exists()

    def has_all(self, workload: Workload, number: int = 0) -> bool:
        """Whether it has taken in all UPDATEs, End-of-RIB too; each is done when it is counted."""
        if self._control is None:
            self._control = LineControl(self._socket)
        return int(self._control.ask(self.neighbors[number].address)) > len(workload.messages)


class Bird(Router):
    """BIRD 2."""

    programs = ("bird",)
    _control: Control | None = None

    def start(self) -> None:
        """Start it."""
        text = f"router id {ADDRESS};\nprotocol device {{}}\nprotocol direct {{ ipv4; }}\n"
        for number, each in enumerate(self.neighbors):
            text += f"""
protocol bgp peer{number} {{
    local {ADDRESS} as {AS};
    neighbor {each.address} as {each.asn};
    passive;
    ipv4 {{ import all; export where source = RTS_BGP; }};
}}
"""
        self.run("bird", "-f", "-c", str(self.write("bird.conf", text)), "-s", str(self._socket))

    @property
    def _socket(self) -> Path:
        return self.folder / "bird.ctl"

    def is_ready(self) -> bool:
        """Whether its control socket is there."""
        return self._socket.exists()

    def has_all(self, workload: Workload, number: int = 0) -> bool:
        """Whether so many routes are imported."""
        if self._control is None:
            self._control = BirdControl(self._socket)
        text = self._control.ask(f"show protocols all peer{number}")
        return answers.bird_imported(text) >= workload.prefixes


class FRR(Router):
    """bgpd of FRR, with zebra, which tells it of next hops; the kernel's routes are left alone."""

    programs = ("/usr/lib/frr/zebra", "/usr/lib/frr/bgpd")
    _control: Control | None = None

    def start(self) -> None:
        """Start both, one after the other."""
        (self.folder / "vty").mkdir()
        self.write("zebra.conf", "hostname router\n")
        lines = [
            "frr defaults datacenter",
            f"router bgp {AS}",
            f" bgp router-id {ADDRESS}",
            " no bgp ebgp-requires-policy",
        ]
        for each in self.neighbors:
            lines += [f" neighbor {each.address} remote-as {each.asn}", f" neighbor {each.address} passive"]
        self.write("bgpd.conf", "\n".join(lines) + "\n")
        for path in (self.folder, *self.folder.iterdir()):  # both give up root
            shutil.chown(path, "frr", "frr")
        self._start("zebra")
        self._wait_for(self.folder / "zserv.api")
        self._start("bgpd", "--no_kernel")

    def _start(self, program: str, *options: str) -> None:
        self.run(
            *(f"/usr/lib/frr/{program}", "-f", str(self.folder / f"{program}.conf"), *options),
            *("-i", str(self.folder / f"{program}.pid"), "-z", str(self.folder / "zserv.api")),
            *("--vty_socket", str(self.folder / "vty"), "-P", "0", "--log", "stdout", "--log-level", "err"),
        )

    def _wait_for(self, path: Path) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while not path.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"there is no {path.name} after {_READY_WITHIN} s")
            time.sleep(0.05)

    def is_ready(self) -> bool:
        """Whether bgpd knows its peers."""
        path = self.folder / "vty" / "bgpd.vty"
        if self._control is None and path.exists():
            self._control = VtyControl(path)
        return self._control is not None and self.neighbors[-1].address in self._control.ask(_FRR_SUMMARY)

    def has_all(self, workload: Workload, number: int = 0) -> bool:
        """Whether the peer is said to have sent so many."""
        assert self._control is not None
        text = self._control.ask(_FRR_SUMMARY)
        return answers.frr_received(text, self.neighbors[number].address) >= workload.prefixes


class GoBGP(Router):
    """gobgpd."""

    programs = ("gobgpd", "gobgp")
    poll = 0.1  # its tool takes a fifth of that, and a processor meanwhile

    def start(self) -> None:
        """Start it."""
        text = f"""
[global.config]
as = {AS}
router-id = "{ADDRESS}"
local-address-list = ["{ADDRESS}"]
"""
        for each in self.neighbors:
            text += f"""
[[neighbors]]
[neighbors.config]
neighbor-address = "{each.address}"
peer-as = {each.asn}
[neighbors.transport.config]
passive-mode = true
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-unicast"
"""
        path = self.write("gobgpd.toml", text)
        self.run(
            "gobgpd", "--config-file", str(path), "--log-level", "error", "--api-hosts", "127.0.0.1:50051"
        )

    def is_ready(self) -> bool:
        """Whether it knows its peers."""
        return self.neighbors[-1].address in self.ask("gobgp", "neighbor")

    def has_all(self, workload: Workload, number: int = 0) -> bool:
        """Whether so many are accepted."""
        text = self.ask("gobgp", "neighbor")
        return answers.gobgp_received(text, self.neighbors[number].address) >= workload.prefixes


class OpenBGPD(Router):
    """bgpd of OpenBSD."""

    programs = ("bgpd", "bgpctl")

    def start(self) -> None:
        """Start it."""
        text = f"""
AS {AS}
router-id {ADDRESS}
listen on {ADDRESS}
socket "{self._socket}"
fib-update no
nexthop qualify via default
allow from any
allow to any
"""
        for each in self.neighbors:
            text += (
                f"neighbor {each.address} {{\n remote-as {each.asn}\n local-address {ADDRESS}\n passive\n}}\n"
            )
        # Its processes shut themselves into a directory that only a service manager would have made.
        script = 'mount -t tmpfs tmpfs /run && mkdir /run/openbgpd && exec "$@"'
        config = str(self.write("bgpd.conf", text))
        self.run("unshare", "--mount", "sh", "-c", script, "sh", "bgpd", "-d", "-f", config)

    @property
    def _socket(self) -> Path:
        return self.folder / "bgpd.sock"

    def is_ready(self) -> bool:
        """Whether its control socket answers."""
        return self._socket.exists() and self.neighbors[-1].address in self._show("summary")

    def _show(self, *what: str) -> str:
        return self.ask("bgpctl", "-s", str(self._socket), "show", *what)

    def has_all(self, workload: Workload, number: int = 0) -> bool:
        """Whether the peer is said to have sent so many."""
        text = self._show("neighbor", self.neighbors[number].address)
        return answers.openbgpd_received(text) >= workload.prefixes


class ExaBGP(Router):
    """ExaBGP, with a program that counts what it says; it passes nothing on."""

    programs = ("exabgp",)
    passes_on = False

    def start(self) -> None:
        """Start it."""
        counter = f"{sys.executable} {Path(__file__).parent / 'counter.py'} {self._count}"
        text = f"process counter {{\n run {counter};\n encoder json;\n}}\n"
        for each in self.neighbors:
            text += f"""
neighbor {each.address} {{
    router-id {ADDRESS};
    local-address {ADDRESS};
    local-as {AS};
    peer-as {each.asn};
    passive true;
    adj-rib-in true;
    family {{ ipv4 unicast; }}
    api {{ processes [ counter ]; receive {{ parsed; update; }} }}
}}
"""
        settings = {
            "exabgp.tcp.bind": ADDRESS,
            "exabgp.tcp.port": "179",
            "exabgp.daemon.user": "root",
            "exabgp.daemon.drop": "false",
            "exabgp.log.level": "CRIT",
            "exabgp.log.destination": "stderr",
            "exabgp.api.cli": "false",
        }
        arguments = [f"{name}={value}" for name, value in settings.items()]
        self.run("env", *arguments, "exabgp", str(self.write("exabgp.conf", text)))

    @property
    def _count(self) -> Path:
        return self.folder / "count"

    def is_ready(self) -> bool:
        """Whether the program that counts runs."""
        return self._count.exists()

    def pids(self) -> list[int]:
        """ExaBGP itself; who counts is not measured."""
        return [process.pid for process in self.processes]

    def has_all(self, workload: Workload, number: int = 0) -> bool:
        """Whether so many prefixes were told to the program."""
        return int(self._count.read_text() or 0) >= workload.prefixes


ROUTERS: dict[str, type[Router]] = {
    "ours": Ours,
    "bird": Bird,
    "openbgpd": OpenBGPD,
    "frr": FRR,
    "gobgp": GoBGP,
    "exabgp": ExaBGP,
}
"""All subjects, by the names that people know."""
