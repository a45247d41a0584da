"""BIRD 2 and FRR as neighbours for BFD, in network namespaces.

Our end is 10.0.0.1, 2001:db8::1 and fe80::1, and 10.9.0.1 which is not on the cable; theirs is 10.0.0.2 and so on.
"""

import abc
import json
import re
import shutil
import subprocess
from pathlib import Path

import attrs

from tests.conditions import until
from tests.interop.netns import NetworkNamespace, connect, run

PEERS = ("10.0.0.2", "2001:db8::2", "fe80::2%eth0")
"""The addresses of a daemon at a cable."""

FAR = "10.9.0.1"
"""The address of ours that a daemon reaches by way of 10.0.0.1."""


def lay_cable(ours: NetworkNamespace, there: NetworkNamespace) -> None:
    """Join both ends, with all their addresses."""
    connect(ours, "10.0.0.1/24", there, "10.0.0.2/24")
    for namespace, number in ((ours, 1), (there, 2)):
        for address in (f"2001:db8::{number}/64", f"fe80::{number}/64"):
            namespace.run("ip", "address", "add", address, "dev", "eth0", "nodad")
    ours.run("ip", "address", "add", f"{FAR}/32", "dev", "lo")
    there.run("ip", "route", "add", f"{FAR}/32", "via", "10.0.0.1")


@attrs.frozen
class Seen:
    """A session as a daemon sees it; times in seconds."""

    state: str
    transmit_interval: float
    detection_time: float
    remote_diagnostic: str = ""


class BFDDaemon(abc.ABC):
    """A daemon with BFD; sends every 150 ms, takes packets every 100 ms, may be missed four times."""

    def __init__(self, namespace: NetworkNamespace, folder: Path) -> None:
        self.namespace = namespace
        self.folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @abc.abstractmethod
    async def start(self) -> None:
        """Start it."""

    @abc.abstractmethod
    def sessions(self) -> dict[str, Seen]:
        """Its sessions, by the address of ours; none while it is not there to answer."""

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process is not None
        self.process.send_signal(number)


_BIRD = """
router id 10.0.0.2;
protocol device {{}}
protocol bfd {{
    interface "eth0" {{ min rx interval 100 ms; min tx interval 150 ms; multiplier 4; {options} }};
    multihop {{ min rx interval 100 ms; min tx interval 150 ms; multiplier 4; {options} }};
    neighbor 10.0.0.1 dev "eth0";
    neighbor 2001:db8::1 dev "eth0";
    neighbor fe80::1%eth0;
    neighbor {far} local {local} multihop;
}}
"""

_BIRD_SESSION = re.compile(r"^(\S+) +\S+ +(Up|Init|Down|AdminDown) +\S+ +([0-9.]+) +([0-9.]+)$", re.MULTILINE)


class BirdBFD(BFDDaemon):
    """BIRD; `options` are lines for each of its interfaces."""

    def __init__(
        self,
        namespace: NetworkNamespace,
        folder: Path,
        *,
        options: str = "",
        far: str = FAR,
        local: str = "10.0.0.2",
    ) -> None:
        super().__init__(namespace, folder)
        self._socket = folder / "bird.ctl"
        self._config = folder / "bird.conf"
        self._config.write_text(_BIRD.format(options=options, far=far, local=local))

    async def start(self) -> None:
        """Start it, in the foreground."""
        command = ("bird", "-f", "-c", str(self._config), "-s", str(self._socket))
        self.process = self.namespace.start(*command)
        await until(self.sessions)

    def sessions(self) -> dict[str, Seen]:
        """What it shows; its interval is the one that it sends at."""
        if not self._socket.exists():
            return {}
        shown = run("birdc", "-s", str(self._socket), "show", "bfd", "sessions")
        return {
            address: Seen(state.lower(), float(interval), float(timeout))
            for address, state, interval, timeout in _BIRD_SESSION.findall(shown)
        }


_FRR = f"""
bfd
 peer 10.0.0.1 interface eth0
  receive-interval 100
  transmit-interval 150
  detect-multiplier 4
 exit
 peer 2001:db8::1 local-address 2001:db8::2 interface eth0
  receive-interval 100
  transmit-interval 150
  detect-multiplier 4
 exit
 peer fe80::1 local-address fe80::2 interface eth0
  receive-interval 100
  transmit-interval 150
  detect-multiplier 4
 exit
 peer {FAR} multihop local-address 10.0.0.2
  receive-interval 100
  transmit-interval 150
  detect-multiplier 4
 exit
exit
"""

_FRR_LIBRARY = Path("/usr/lib/frr")


class FRRBFD(BFDDaemon):
    """FRR: bfdd, and zebra that gives it interfaces."""

    async def start(self) -> None:
        """Start both, in the foreground."""
        (self.folder / "vty").mkdir()
        (self.folder / "zebra.conf").write_text("")
        (self.folder / "bfdd.conf").write_text(_FRR)
        # Both give up root.
        for path in (self.folder, *self.folder.iterdir()):
            shutil.chown(path, "frr", "frr")
        self._start("zebra")
        await until((self.folder / "zserv.api").exists)
        self.process = self._start("bfdd", "--bfdctl", str(self.folder / "bfdd.sock"))
        await until(self.sessions)

    def sessions(self) -> dict[str, Seen]:
        """What it shows."""
        try:
            shown = self.namespace.run(
                "vtysh", "--vty_socket", str(self.folder / "vty"), "-d", "bfdd", "-c", "show bfd peers json"
            )
        except RuntimeError:
            return {}
        return {each["peer"]: _seen_by_frr(each) for each in json.loads(shown)}

    def _start(self, program: str, *options: str) -> subprocess.Popen[bytes]:
        return self.namespace.start(
            *(str(_FRR_LIBRARY / program), "-f", str(self.folder / f"{program}.conf"), *options),
            *("-i", str(self.folder / f"{program}.pid"), "-z", str(self.folder / "zserv.api")),
            *("--vty_socket", str(self.folder / "vty"), "-P", "0"),
        )


def _seen_by_frr(shown: dict[str, object]) -> Seen:
    numbers = {name: int(str(value)) for name, value in shown.items() if str(value).isdecimal()}
    transmit = max(numbers["transmit-interval"], numbers["remote-receive-interval"]) / 1000
    receive = max(numbers["receive-interval"], numbers["remote-transmit-interval"]) / 1000
    return Seen(
        str(shown["status"]),
        transmit,
        round(numbers["remote-detect-multiplier"] * receive, 6),
        str(shown["remote-diagnostic"]),
    )
