"""BIRD, FRR and GoBGP as peers of the speaker under test."""

import shutil
import subprocess
from collections.abc import Collection, Mapping

from tests.benchmarks.scale.control import BirdControl
from tests.soak import shown
from tests.soak.agent import VARIANTS
from tests.soak.parties import OUR_AS, US, Party
from tests.soak.shown import Shown


class Bird(Party):
    """BIRD 2."""

    programs = ("bird", "birdc")

    def start(self, *, restarting: bool = False) -> None:
        """Start it."""
        self._write()
        (self.folder / "bird.ctl").unlink(missing_ok=True)
        self.run(
            *("bird", "-f", "-c", str(self.folder / "bird.conf"), "-s", str(self.folder / "bird.ctl")),
            *(["-R"] if restarting else []),
        )

    def is_ready(self) -> bool:
        """Whether its control socket is there."""
        return (self.folder / "bird.ctl").exists()

    def change(self, announced: Mapping[str, int], withdrawn: list[str]) -> None:
        """Read the configuration again."""
        self._write()
        self._birdc("configure")

    def shown(self) -> Shown:
        """What its protocol has imported."""
        return shown.of_bird(self._birdc("show route all protocol speaker"))

    def refresh(self) -> None:
        """Reload."""
        self._birdc("reload in speaker")

    def _birdc(self, command: str) -> str:
        control = BirdControl(self.folder / "bird.ctl")
        try:
            return control.ask(command)
        finally:
            control.close()

    def _write(self) -> None:
        routes = ""
        for prefix, variant in self.routes.items():
            values = f"bgp_community.add((64999,{variant}));" if variant else ""
            routes += f"    route {prefix} blackhole {{ {values} }};\n"
        # A MED that is set before the filter of an external session does not leave.
        numbers = range(1, VARIANTS)
        meds = "\n".join(f"if (64999,{each}) ~ bgp_community then bgp_med = {10 * each};" for each in numbers)
        (self.folder / "bird.conf").write_text(f"""
log stderr all;
router id {self.address};
protocol device {{}}
protocol static {{
    ipv4;
{routes}}}
filter own {{
    if source != RTS_STATIC then reject;
{meds}
    accept;
}}
protocol bgp speaker {{
    strict bind;
    local {self.address} as {self.asn};
    neighbor {US} as {OUR_AS};
    graceful restart;
    hold time 9;
    connect retry time 2;
    error wait time 1, 2;
    ipv4 {{ import all; export filter own; }};
}}
""")


class FRR(Party):
    """bgpd of FRR, with a zebra that is never disturbed."""

    programs = ("vtysh", "/usr/lib/frr/bgpd", "/usr/lib/frr/zebra")

    _zebra: subprocess.Popen[bytes] | None = None
    _networks: Collection[str] = ()

    def start(self, *, restarting: bool = False) -> None:
        """Start bgpd, and zebra before that."""
        self._write()
        self._networks = set(self.routes)
        if self._zebra is None:
            (self.folder / "vty").mkdir()
            (self.folder / "zebra.conf").write_text("hostname soak\n")
            for path in (self.folder, *self.folder.iterdir()):  # both give up root
                shutil.chown(path, "frr", "frr")
            self._run("zebra")
            self._zebra = self.process
        (self.folder / "vty" / "bgpd.vty").unlink(missing_ok=True)
        self._run("bgpd", "--no_kernel", "-l", self.address, "-p", "179")

    def _run(self, program: str, *options: str) -> None:
        self.run(
            *(f"/usr/lib/frr/{program}", "-f", str(self.folder / f"{program}.conf"), *options),
            *("-i", str(self.folder / f"{program}.pid"), "-z", str(self.folder / "zserv.api")),
            *("--vty_socket", str(self.folder / "vty"), "-P", "0", "--log", "stdout", "--log-level", "info"),
        )

    def is_ready(self) -> bool:
        """Whether bgpd answers."""
        return "soak" in self._vtysh("show running-config")

    def change(self, announced: Mapping[str, int], withdrawn: list[str]) -> None:
        """Add and take away networks."""
        # What it does not have it does not want to hear of, and ignores all that follows.
        lines = [f"no network {prefix}" for prefix in withdrawn if prefix in self._networks]
        lines += [f"network {prefix} route-map v{variant}" for prefix, variant in announced.items()]
        self._vtysh("configure terminal", f"router bgp {self.asn}", "address-family ipv4 unicast", *lines)
        self._networks = set(self.routes)
        self._write()

    def shown(self) -> Shown:
        """The routes that it holds from us."""
        return shown.of_frr(self._vtysh(f"show bgp ipv4 unicast neighbors {US} routes json"))

    def refresh(self) -> None:
        """Clear the incoming half."""
        self._vtysh(f"clear bgp ipv4 unicast {US} soft in")

    def _vtysh(self, *commands: str) -> str:
        arguments = [word for command in commands for word in ("-c", command)]
        return self.ask("vtysh", "--vty_socket", str(self.folder / "vty"), "-d", "bgpd", *arguments)

    def _write(self) -> None:
        lines = [
            "hostname soak",
            "frr defaults datacenter",
            f"router bgp {self.asn}",
            f" bgp router-id {self.address}",
            " no bgp ebgp-requires-policy",
            " no bgp network import-check",
            f" neighbor {US} remote-as {OUR_AS}",
            f" neighbor {US} update-source {self.address}",
            f" neighbor {US} timers 3 9",
            f" neighbor {US} timers connect 2",
            f" neighbor {US} advertisement-interval 0",
            " address-family ipv4 unicast",
            *(f"  network {prefix} route-map v{variant}" for prefix, variant in self.routes.items()),
            f"  neighbor {US} filter-list own out",  # else it passes our routes back to us
            " exit-address-family",
            "bgp as-path access-list own seq 5 permit ^$",
        ]
        for variant in range(VARIANTS):
            lines.append(f"route-map v{variant} permit 10")
            if variant:
                lines += [f" set metric {10 * variant}", f" set community 64999:{variant}"]
        path = self.folder / "bgpd.conf"
        path.write_text("\n".join(lines) + "\n")
        shutil.chown(path, "frr", "frr")


class GoBGP(Party):
    """gobgpd."""

    programs = ("gobgpd", "gobgp")

    def start(self, *, restarting: bool = False) -> None:
        """Start it; its routes come later, see `is_ready`."""
        path = self.folder / "gobgpd.toml"
        path.write_text(f"""
[global.config]
as = {self.asn}
router-id = "{self.address}"
local-address-list = ["{self.address}"]
[[neighbors]]
[neighbors.config]
neighbor-address = "{US}"
peer-as = {OUR_AS}
[neighbors.timers.config]
hold-time = 9
connect-retry = 2
[neighbors.transport.config]
local-address = "{self.address}"
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "ipv4-unicast"
""")
        self.run("gobgpd", "--config-file", str(path), "--api-hosts", "127.0.0.1:50051")
        self._is_filled = False

    _is_filled = False

    def is_ready(self) -> bool:
        """Whether it answers; then it gets its routes."""
        if not self._gobgp("global"):
            return False
        if not self._is_filled:
            self._is_filled = True
            self.change(self.routes, [])
        return True

    def change(self, announced: Mapping[str, int], withdrawn: list[str]) -> None:
        """Add and delete routes."""
        for prefix in withdrawn:
            self._gobgp("global", "rib", "del", prefix)
        for prefix, variant in announced.items():
            values = f"med {10 * variant} community 64999:{variant}" if variant else ""
            self._gobgp("global", "rib", "add", prefix, *values.split())

    def shown(self) -> Shown:
        """Its Adj-RIB-In."""
        return shown.of_gobgp(self._gobgp("neighbor", US, "adj-in", "-j"))

    def refresh(self) -> None:
        """Reset it softly."""
        self._gobgp("neighbor", US, "softresetin")

    def _gobgp(self, *command: str) -> str:
        return self.ask("gobgp", *command)


DAEMONS: dict[str, type[Party]] = {"bird": Bird, "frr": FRR, "gobgp": GoBGP}
"""The other implementations, by the names that people know."""
