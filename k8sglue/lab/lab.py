"""A lab as a whole: built from nothing, populated with programs, taken away without a trace."""

import os
import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path

import attrs

from k8sglue.lab import manifests
from k8sglue.lab.daemons import Bird, web_server
from k8sglue.lab.errors import LabError
from k8sglue.lab.interrupts import Interrupts
from k8sglue.lab.namespaces import Namespaces
from k8sglue.lab.processes import Completed, Runner, wait_until
from k8sglue.lab.rules import TABLE
from k8sglue.lab.state import Program, State
from k8sglue.lab.topology import CONTROL_PLANE, NODES, ROUTER, Node, url

DEFAULT_NAME = "lab"

_TOOLS = {"ip": "iproute2", "nft": "nftables", "bird": "bird2", "birdc": "bird2", "curl": "curl"}
_SYSTEM_PATH = "/usr/local/sbin:/usr/sbin:/sbin"
_TIMEOUT = 30.0


def check_machine() -> None:
    """Raise LabError if this machine or this user can not have a lab, saying what to do about it."""
    if not sys.platform.startswith("linux"):
        raise LabError("the lab is made of network namespaces, which only Linux has")
    if os.geteuid() != 0:
        raise LabError("only root can make network namespaces: run this with sudo")
    if not Path("/proc/sys/net/ipv6").exists():
        raise LabError(
            "this kernel has no IPv6 (switched off when it was started?), which half of the lab is about"
        )
    # A user's PATH often lacks the directories of system programs.
    os.environ["PATH"] = f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_PATH}"
    missing = sorted({package for tool, package in _TOOLS.items() if shutil.which(tool) is None})
    if missing:
        raise LabError(
            f"these Debian packages are missing: {' '.join(missing)}\n"
            "`make demo` installs them without starting any service, or do it yourself:\n"
            f"    apt-get install --no-install-recommends {' '.join(missing)}"
        )


@attrs.frozen
class Lab:
    """The lab `name`: its network, its files, its programs."""

    name: str
    interrupts: Interrupts = attrs.field(factory=Interrupts)
    notice: Callable[[str], None] = print
    """Tells the person what is being waited for, if that takes long."""
    runner: Runner = attrs.field(init=False)
    state: State = attrs.field(init=False)
    namespaces: Namespaces = attrs.field(init=False)
    bird: Bird = attrs.field(init=False)

    @runner.default
    def _runner(self) -> Runner:
        return Runner(self.interrupts)

    @state.default
    def _state(self) -> State:
        return State(self.name)

    @namespaces.default
    def _namespaces(self) -> Namespaces:
        return Namespaces(self.name, self.runner)

    @bird.default
    def _bird(self) -> Bird:
        return Bird(self.state.folder)

    @property
    def manifests(self) -> Path:
        """The directory of manifests, the `--source` of all programs."""
        return self.state.manifests

    @property
    def exists(self) -> bool:
        """There is something of this lab on the machine, whole or not."""
        return self.state.exists or bool(self.namespaces.present())

    def typed(self, command: str) -> str:
        """Return a command of the lab as a person would type it."""
        name = "" if self.name == DEFAULT_NAME else f"--name {self.name} "
        return f"k8sglue lab {name}{command}"

    def build(self) -> None:
        """Make the network and start all but the controller and the speakers. Raise LabError if that fails."""
        self.state.create()
        self.namespaces.build()
        self._start("BIRD", ROUTER, self.bird.command())
        for node in NODES:
            title = f"web server on {node.pod}"
            self._start(title, node.pod, web_server(self.state.folder, node))
            self._start_k8sglue(
                f"proxy on {node.name}", node.name, ["lab", "proxy"], ["--node-name", node.name]
            )
        self.require("BIRD answers", self._bird_answers, "BIRD")
        for node in NODES:
            self._require_node(node)

    def remove(self) -> None:
        """Stop everything and leave nothing, whatever state the lab is in. Raise LabError if that fails."""
        self.namespaces.remove()
        self.state.remove()

    def populate(self) -> None:
        """Fill in the whole demonstration at once: both pools, all Services, the controller and the speakers."""
        self.write("nodes.yaml", manifests.nodes())
        self.write("config.yaml", manifests.CONFIG + manifests.IPV6_CONFIG + manifests.BGP_CONFIG)
        for service in manifests.SERVICES:
            self.write(service.endpoints_file, service.endpoints())
            self.write(service.file, service.manifest())
        self.start_controller()
        for node in NODES:
            self.start_speaker(node.name)

    def start_controller(self) -> None:
        """Start `k8sglue controller`."""
        self._start_k8sglue("controller", CONTROL_PLANE, ["controller"])

    def start_speaker(self, node: str) -> None:
        """Start `k8sglue speaker` on a node."""
        self._start_k8sglue(f"speaker on {node}", node, ["speaker"], ["--node-name", node])

    def write(self, name: str, text: str) -> None:
        """Write a manifest."""
        manifests.write(self.manifests, name, text)

    def run_on(self, host: str, command: Collection[str]) -> Completed:
        """Run a command on a host to its end."""
        return self.runner.run(self.namespaces.inside(host, command))

    def run_k8sglue(self, arguments: Collection[str]) -> Completed:
        """Run one of our own commands beside the lab, where a person would type it."""
        return self.runner.run([sys.executable, "-m", "k8sglue", *arguments])

    def program(self, title: str) -> Program:
        """Return what is known of a program that was started. Raise KeyError if it was not."""
        return {program.title: program for program in self.state.programs()}[title]

    def require(
        self, what: str, condition: Callable[[], bool], *titles: str, timeout: float = _TIMEOUT
    ) -> None:
        """Wait until `condition` holds. Raise LabError if it does not in time, or if one of these programs ends."""
        programs = [self.program(title) for title in titles]

        def holds() -> bool:
            if condition():
                return True
            self._require_running(programs, what)
            return False

        if not wait_until(holds, timeout, lambda: self.notice(f"waiting until {what}")):
            log = Path(programs[0].log) if programs else None
            raise LabError(f"still not so after {timeout:g} s: {what}", log=log)

    def _require_running(self, programs: Collection[Program], what: str) -> None:
        running = self.runner.running()
        for program in programs:
            if program.pid not in running:
                raise LabError(
                    f"{program.title} has ended, while waiting for this: {what}", log=Path(program.log)
                )

    def _start_k8sglue(
        self, title: str, host: str, command: Collection[str], arguments: Collection[str] = ()
    ) -> None:
        source = ["--source", str(self.manifests)]
        self._start(title, host, [sys.executable, "-m", "k8sglue", *command, *source, *arguments])

    def _start(self, title: str, host: str, command: Collection[str]) -> None:
        log = self.state.log(title)
        with self.runner.starting(self.namespaces.inside(host, command), log) as process:
            self.state.remember(Program(title=title, host=host, pid=process.pid, log=str(log)))

    def _bird_answers(self) -> bool:
        return self.run_on(ROUTER, ["birdc", "-s", self.bird.socket, "show", "status"]).status == 0

    def _require_node(self, node: Node) -> None:
        for address in node.pod_addresses:
            self._require_page(node, address)
        listing = ["nft", "list", "table", "ip6", TABLE]
        self.require(
            f"the proxy has its rules in force on {node.name}",
            lambda: self.run_on(node.name, listing).status == 0,
            f"proxy on {node.name}",
        )

    def _require_page(self, node: Node, address: str) -> None:
        fetch = ["curl", "-s", "-o", "/dev/null", "--max-time", "1", url(address)]
        self.require(
            f"{node.pod} serves its page at {address}",
            lambda: self.run_on(node.name, fetch).status == 0,
            f"web server on {node.pod}",
        )
