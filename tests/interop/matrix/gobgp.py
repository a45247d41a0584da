"""GoBGP in the matrix."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

import bgp
from bgp import CeaseSubcode
from tests.interop.matrix.neighbours import (
    COMMUNITY,
    LABELLED4,
    LABELLED6,
    LARGE_COMMUNITY,
    PLAIN4,
    PLAIN6,
    RESTART_TIME,
    ROUTE_TARGET,
    ROUTER4,
    ROUTER6,
    ROUTER_AS,
    Neighbour,
)
from tests.interop.matrix.router import Router, Seen

_GLOBAL: Final = f"""
[global.config]
as = {ROUTER_AS}
router-id = "{ROUTER4}"
local-address-list = ["{ROUTER4}", "::"]
"""
_LABELS: Final = ("community", COMMUNITY, "large-community", LARGE_COMMUNITY, "rt", ROUTE_TARGET)


class GoBGP(Router):
    """gobgpd, controlled through gobgp."""

    name = "GoBGP"
    package = "gobgpd"
    programs = ("gobgpd", "gobgp")
    version = "3.10.0"
    cannot: ClassVar[Mapping[str, str]] = {
        "it_asks_for_refresh": "has no command that sends ROUTE-REFRESH: softresetin judges anew what it has kept",
        "bfd": "does not speak BFD",
    }
    phrases: ClassVar[Mapping[CeaseSubcode, str]] = {
        CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED: "maximum number of prefixes reached",
        CeaseSubcode.ADMINISTRATIVE_SHUTDOWN: "administrative shutdown",
    }

    def launch(self) -> None:
        """Start it, to recover its sessions if it has been there before."""
        config = self.folder / "gobgpd.toml"
        recovery = ("--graceful-restart",) if config.exists() else ()
        self.write(config.name, _GLOBAL + "".join(map(_neighbour, self.neighbours)))
        self.run("gobgpd", "--config-file", str(config), "--log-level", "info", *recovery)

    def is_ready(self) -> bool:
        """Whether it answers; then it gets its routes, which no configuration can hold."""
        try:
            self._gobgp("global")
        except RuntimeError:
            return False
        for prefix, labels in ((PLAIN4, ()), (LABELLED4, _LABELS), (PLAIN6, ()), (LABELLED6, _LABELS)):
            self._rib("add", prefix, *labels)
        return True

    def is_established(self, neighbour: Neighbour) -> bool:
        """Whether there is a session."""
        # The numbers are those of the API: BGP_FSM_ESTABLISHED.
        return bool(self._neighbour(neighbour)["state"].get("session_state") == 6)

    def routes(self, neighbour: Neighbour, family: bgp.Family = bgp.IPV4_UNICAST) -> list[Seen]:
        """The routes that it has from a neighbour."""
        table = self._shown("neighbor", neighbour.address + neighbour.zone, "adj-in", "-a", _family(family))
        return [_path(path) for paths in table.values() for path in paths] if table else []

    def count(self, neighbour: Neighbour) -> int:
        """How many IPv4 routes it has from a neighbour."""
        families = self._neighbour(neighbour).get("afi_safis", [])
        return sum(
            each["state"].get("received", 0)
            for each in families
            if each["state"].get("family", {}).get("afi") == bgp.AFI.IPV4
        )

    def last_error(self, neighbour: Neighbour) -> str:
        """What it logs of NOTIFICATIONs: of each the text in it first, then its name."""
        return "\n".join(
            f"{entry['msg']}: {entry.get('Communicated-Reason', '')} {entry.get('Reason', '')}"
            for entry in self._log_entries()
            if entry.get("Key") == neighbour.address + neighbour.zone
        )

    def announce(self, prefix: str) -> None:
        """Add a route."""
        self._rib("add", prefix)

    def withdraw(self, prefix: str) -> None:
        """Take it away."""
        self._rib("del", prefix)

    def refresh(self, neighbour: Neighbour) -> None:
        """Ask for a soft reset, which judges anew what it has: it sends no ROUTE-REFRESH."""
        self._gobgp("neighbor", neighbour.address + neighbour.zone, "softresetin")

    def shut_down(self, neighbour: Neighbour, text: str) -> None:
        """Shut the neighbor down."""
        self._gobgp("neighbor", neighbour.address + neighbour.zone, "shutdown", "--reason", text)

    def _rib(self, verb: str, prefix: str, *attributes: str) -> None:
        is_ipv6 = ":" in prefix
        next_hop = ("nexthop", ROUTER6) if is_ipv6 else ()
        self._gobgp(
            "global", "rib", verb, prefix, *next_hop, *attributes, "-a", "ipv6" if is_ipv6 else "ipv4"
        )

    def _gobgp(self, *command: str) -> str:
        return self.namespace.run("gobgp", *command)

    def _shown(self, *command: str) -> Any:
        return json.loads(self._gobgp("-j", *command))

    def _neighbour(self, neighbour: Neighbour) -> dict[str, Any]:
        shown = self._shown("neighbor", neighbour.address + neighbour.zone)
        found: dict[str, Any] = shown[0] if isinstance(shown, list) else shown
        return found

    def _log_entries(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_text().splitlines():
            if line.startswith("{"):
                yield json.loads(line)


def _neighbour(neighbour: Neighbour) -> str:
    families = [
        name
        for name, wanted in (("ipv4-unicast", neighbour.ipv4), ("ipv6-unicast", neighbour.ipv6))
        if wanted
    ]
    password = f'auth-password = "{neighbour.password}"' if neighbour.password else ""
    return f"""
[[neighbors]]
[neighbors.config]
neighbor-address = "{neighbour.address}{neighbour.zone}"
peer-as = {neighbour.asn}
{password}
[neighbors.timers.config]
connect-retry = 1
idle-hold-time-after-reset = 1
[neighbors.transport.config]
passive-mode = {_flag(not neighbour.dials)}
local-address = "{neighbour.router_address}"
[neighbors.ttl-security.config]
enabled = {_flag(neighbour.ttl_security)}
ttl-min = 255
[neighbors.graceful-restart.config]
enabled = {_flag(neighbour.graceful_restart)}
restart-time = {RESTART_TIME}
deferral-time = 2
{"".join(_afi_safi(neighbour, family) for family in families)}
"""


def _afi_safi(neighbour: Neighbour, family: str) -> str:
    return f"""
[[neighbors.afi-safis]]
[neighbors.afi-safis.config]
afi-safi-name = "{family}"
[neighbors.afi-safis.mp-graceful-restart.config]
enabled = {_flag(neighbour.graceful_restart)}
[neighbors.afi-safis.add-paths.config]
receive = {_flag(neighbour.add_path)}
send-max = {8 if neighbour.add_path else 0}
[neighbors.afi-safis.prefix-limit.config]
max-prefixes = {neighbour.max_prefixes or 0}
"""


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _family(family: bgp.Family) -> str:
    return "ipv4" if family == bgp.IPV4_UNICAST else "ipv6"


def _path(shown: dict[str, Any]) -> Seen:
    attributes = {each["type"]: each for each in shown["attrs"]}
    asns = [asn for segment in _of(attributes, 2, "as_paths") for asn in segment["asns"]]
    next_hop = attributes[3]["nexthop"] if 3 in attributes else attributes[14]["nexthop"]
    large = [
        f"{each['ASN']}:{each['LocalData1']}:{each['LocalData2']}" for each in _of(attributes, 32, "value")
    ]
    return Seen(
        prefix=shown["nlri"]["prefix"],
        next_hop=next_hop,
        as_path=tuple(asns),
        communities=frozenset(f"{each >> 16}:{each & 0xFFFF}" for each in _of(attributes, 8, "communities")),
        large_communities=frozenset(large),
        route_targets=frozenset(
            each["value"] for each in _of(attributes, 16, "value") if each["subtype"] == 2
        ),
        med=attributes[4]["metric"] if 4 in attributes else None,
        local_pref=attributes[5]["value"] if 5 in attributes else None,
        path_id=shown["nlri"].get("id") or shown.get("id") or None,
    )


def _of(attributes: dict[int, dict[str, Any]], code: int, name: str) -> list[Any]:
    found: list[Any] = attributes.get(code, {}).get(name) or []
    return found
