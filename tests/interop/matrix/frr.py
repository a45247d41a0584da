"""FRR (bgpd with zebra) in the matrix."""

import json
import shutil
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import bgp
from bgp import CeaseSubcode
from tests.interop import starting
from tests.interop.matrix.neighbours import (
    BFD_INTERVAL,
    BFD_MULTIPLIER,
    COMMUNITY,
    LABELLED4,
    LABELLED6,
    LARGE_COMMUNITY,
    NEIGHBOUR_OF,
    PLAIN4,
    PLAIN6,
    RESTART_TIME,
    ROUTE_TARGET,
    ROUTER4,
    ROUTER_AS,
    Neighbour,
)
from tests.interop.matrix.router import Router, Seen, wait_until

_WELL_KNOWN: Final = {"noExport": "65535:65281"}

_ROUTER: Final = [
    "frr defaults datacenter",
    # First: bgpd acts on a route map five seconds after it has changed.
    "route-map labels permit 10",
    f" set community {COMMUNITY}",
    f" set large-community {LARGE_COMMUNITY}",
    f" set extcommunity rt {ROUTE_TARGET}",
    f"router bgp {ROUTER_AS}",
    f" bgp router-id {ROUTER4}",
    " no bgp default ipv4-unicast",
    " no bgp ebgp-requires-policy",
    # Instead of a second in which it waits for more to tell.
    " coalesce-time 10",
    " no bgp network import-check",
    f" bgp graceful-restart restart-time {RESTART_TIME}",
    " bgp graceful-restart preserve-fw-state",
]
_NETWORKS: Final = f"""
 address-family ipv4 unicast
  network {PLAIN4}
  network {LABELLED4} route-map labels
 exit-address-family
 address-family ipv6 unicast
  network {PLAIN6}
  network {LABELLED6} route-map labels
 exit-address-family
"""


class FRR(Router):
    """bgpd, controlled through vtysh; zebra tells it what interfaces there are, bfdd which paths are dead."""

    name = "FRR"
    package = "frr"
    programs = ("vtysh",)
    version = "8.4.4"
    phrases: ClassVar[Mapping[CeaseSubcode, str]] = {
        CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED: "Cease/Maximum Number of Prefixes Reached",
        CeaseSubcode.ADMINISTRATIVE_SHUTDOWN: "Cease/Administrative Shutdown",
    }

    def launch(self) -> None:
        """Start zebra, bfdd and bgpd, with the kernel's routes left alone."""
        vty = self.folder / "vty"
        if not vty.exists():
            vty.mkdir()
            for name in ("zebra.conf", "bfdd.conf"):
                self.write(name, "")
            self.write("bgpd.conf", self._config())
        # They give up root.
        for path in (self.folder, *self.folder.iterdir()):
            shutil.chown(path, "frr", "frr")
        zebra = starting.zebra_socket(self.folder)
        zebra.unlink(missing_ok=True)
        self._start("zebra")
        wait_until(zebra.exists)
        self._start("bfdd", "--bfdctl", str(self.folder / "bfdd.sock"))
        self._start("bgpd", "--no_kernel", "--log", "stdout", "--log-level", "info")

    def is_ready(self) -> bool:
        """Whether zebra has told bgpd that the neighbours which it is to dial are near."""
        try:
            return f"{NEIGHBOUR_OF['it_dials'].address} valid" in self._vtysh("show bgp nexthop")
        except RuntimeError:
            return False

    def is_established(self, neighbour: Neighbour) -> bool:
        """Whether there is a session."""
        return self._neighbour(neighbour).get("bgpState") == "Established"

    def routes(self, neighbour: Neighbour, family: bgp.Family = bgp.IPV4_UNICAST) -> list[Seen]:
        """The routes that it has from a neighbour."""
        table = json.loads(self._vtysh(f"show bgp {_family(family)} json detail"))
        return [
            _path(prefix, path)
            for prefix, paths in table.get("routes", {}).items()
            for path in paths
            # The first element of each list is about the prefix alone.
            if path.get("peer", {}).get("peerId") == neighbour.address
        ]

    def count(self, neighbour: Neighbour) -> int:
        """How many IPv4 routes it has from a neighbour."""
        peers = json.loads(self._vtysh("show bgp ipv4 unicast summary json")).get("peers", {})
        count = peers.get(neighbour.address, {}).get("pfxRcd", 0)
        assert isinstance(count, int)
        return count

    def last_error(self, neighbour: Neighbour) -> str:
        """What it logs of NOTIFICATIONs: name and text. What vtysh shows, bgpd forgets when it starts anew."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if f"received from neighbor {neighbour.address} " in line)

    def announce(self, prefix: str) -> None:
        """Add a network."""
        self._configure(_block(prefix), f"network {prefix}")

    def withdraw(self, prefix: str) -> None:
        """Take it away."""
        self._configure(_block(prefix), f"no network {prefix}")

    def refresh(self, neighbour: Neighbour) -> None:
        """Clear the session's incoming half."""
        self._vtysh(f"clear bgp ipv4 unicast {neighbour.address} soft in")

    def shut_down(self, neighbour: Neighbour, text: str) -> None:
        """Shut the neighbor down."""
        self._configure(f"neighbor {neighbour.address} shutdown message {text}")

    def _start(self, program: str, *options: str) -> None:
        self.run(*starting.frr(program, self.folder, *options))

    def _configure(self, *lines: str) -> None:
        self._vtysh("configure terminal", f"router bgp {ROUTER_AS}", *lines)

    def _vtysh(self, *commands: str) -> str:
        arguments = [word for command in commands for word in ("-c", command)]
        return self.namespace.run("vtysh", "--vty_socket", str(self.folder / "vty"), *arguments)

    def _neighbour(self, neighbour: Neighbour) -> dict[str, Any]:
        shown = json.loads(self._vtysh(f"show bgp neighbors {neighbour.address} json"))
        found: dict[str, Any] = shown.get(neighbour.address, {})
        return found

    def _config(self) -> str:
        lines = list(_ROUTER)
        for neighbour in self.neighbours:
            lines += [f" neighbor {neighbour.address} {line}" for line in _session(neighbour) if line]
        for neighbour in self.neighbours:
            for family, wanted in (("ipv4 unicast", neighbour.ipv4), ("ipv6 unicast", neighbour.ipv6)):
                if wanted:
                    lines.append(f" address-family {family}")
                    lines += [
                        f"  neighbor {neighbour.address} {line}" for line in _channel(neighbour) if line
                    ]
                    lines.append(" exit-address-family")
        return "\n".join(lines) + _NETWORKS


def _session(neighbour: Neighbour) -> list[str]:
    return [
        f"remote-as {neighbour.asn}",
        "timers connect 1" if neighbour.dials else "passive",
        "advertisement-interval 0",
        "capability extended-nexthop" if neighbour.extended_next_hop else "",
        f"password {neighbour.password}" if neighbour.password else "",
        "ttl-security hops 1" if neighbour.ttl_security else "",
        f"bfd {BFD_MULTIPLIER} {BFD_INTERVAL} {BFD_INTERVAL}" if neighbour.bfd else "",
        "interface eth0" if neighbour.is_link_local else "",
        "graceful-restart" if neighbour.graceful_restart else "",
    ]


def _channel(neighbour: Neighbour) -> list[str]:
    return [
        "activate",
        "addpath-tx-all-paths" if neighbour.add_path else "",
        f"maximum-prefix {neighbour.max_prefixes} restart 1" if neighbour.max_prefixes else "",
    ]


def _family(family: bgp.Family) -> str:
    return "ipv4 unicast" if family == bgp.IPV4_UNICAST else "ipv6 unicast"


def _block(prefix: str) -> str:
    return f"address-family {'ipv6' if ':' in prefix else 'ipv4'} unicast"


def _path(prefix: str, shown: dict[str, Any]) -> Seen:
    extended = shown.get("extendedCommunity", {}).get("string", "").split()
    hops = [hop for hop in shown["nexthops"] if hop.get("scope") != "link-local"]
    return Seen(
        prefix=prefix,
        next_hop=hops[0]["ip"],
        as_path=tuple(map(int, shown["aspath"]["string"].replace("Local", "").split())),
        communities=frozenset(
            _WELL_KNOWN.get(each, each) for each in shown.get("community", {}).get("list", ())
        ),
        large_communities=frozenset(shown.get("largeCommunity", {}).get("list", ())),
        route_targets=frozenset(each.removeprefix("RT:") for each in extended if each.startswith("RT:")),
        med=shown.get("metric"),
        local_pref=shown.get("locPrf"),
        path_id=shown.get("addpathRxId") or None,
    )
