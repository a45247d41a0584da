"""OpenBGPD, the portable one, in the matrix."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final

import bgp
from bgp import CeaseSubcode
from tests.interop import starting
from tests.interop.matrix.neighbours import (
    COMMUNITY,
    LABELLED4,
    LABELLED6,
    LARGE_COMMUNITY,
    PLAIN4,
    PLAIN6,
    ROUTE_TARGET,
    ROUTER4,
    ROUTER6,
    ROUTER_AS,
    ROUTER_LINK_LOCAL,
    Neighbour,
)
from tests.interop.matrix.router import Router, Seen

_LABELS: Final = f"community {COMMUNITY} large-community {LARGE_COMMUNITY} ext-community rt {ROUTE_TARGET}"
_WELL_KNOWN: Final = {"NO_EXPORT": "65535:65281"}


class OpenBGPD(Router):
    """bgpd of OpenBSD, controlled through bgpctl."""

    name = "OpenBGPD"
    package = "openbgpd"
    programs = ("bgpd", "bgpctl")
    version = "7.7"
    cannot: ClassVar[Mapping[str, str]] = {
        "ipv6_over_ipv4_from_it": "takes ::1 for its own IPv6 address, and says so in next hops",
        "ipv4_over_ipv6": "does not know IPv6 next hops for IPv4 routes",
        "ipv4_over_link_local": "does not know IPv6 next hops for IPv4 routes",
        "bfd": "does not speak BFD",
        "we_ask_for_refresh": "takes our request for one about a family that was not negotiated",
        "signed": "takes the key, but on Linux does not hand it to the kernel",
        "it_restarts": "does not offer to keep its forwarding state",
    }
    phrases: ClassVar[Mapping[CeaseSubcode, str]] = {
        CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED: "max-prefix exceeded",
        CeaseSubcode.ADMINISTRATIVE_SHUTDOWN: "administratively down",
    }

    def launch(self) -> None:
        """Start it."""
        head = f"""
AS {ROUTER_AS}
router-id {ROUTER4}
listen on {ROUTER4}
listen on {ROUTER6}
listen on {ROUTER_LINK_LOCAL}%eth0
socket "{self._socket}"
fib-update no
rde evaluate all
nexthop qualify via default
network {PLAIN4}
network {LABELLED4} set {{ {_LABELS} }}
network {PLAIN6}
network {LABELLED6} set {{ {_LABELS} }}
allow from any
allow to any
"""
        config = self.write("bgpd.conf", head + "".join(map(_neighbour, self.neighbours)))
        self.run(*starting.openbgpd(config))

    def is_ready(self) -> bool:
        """Whether bgpctl gets answers."""
        try:
            self._bgpctl("show")
        except RuntimeError:
            return False
        return True

    def is_established(self, neighbour: Neighbour) -> bool:
        """Whether there is a session."""
        return bool(self._neighbour(neighbour)["state"] == "Established")

    def routes(self, neighbour: Neighbour, family: bgp.Family = bgp.IPV4_UNICAST) -> list[Seen]:
        """The routes that it has from a neighbour."""
        version = "inet" if family == bgp.IPV4_UNICAST else "inet6"
        shown = self._shown("show", "rib", "detail", version, "neighbor", neighbour.address + neighbour.zone)
        return [_path(path) for path in shown.get("rib", [])]

    def count(self, neighbour: Neighbour) -> int:
        """How many routes it has from a neighbour."""
        return int(self._neighbour(neighbour)["stats"]["prefixes"]["received"])

    def last_error(self, neighbour: Neighbour) -> str:
        """What it says was the end of the last session, with the text that came with it."""
        shown = self._bgpctl("show", "neighbor", neighbour.address + neighbour.zone)
        wanted = ("Last received", "Last error received")
        return "\n".join(line.strip() for line in shown.splitlines() if line.strip().startswith(wanted))

    def announce(self, prefix: str) -> None:
        """Add a network."""
        self._bgpctl("network", "add", prefix)

    def withdraw(self, prefix: str) -> None:
        """Take it away."""
        self._bgpctl("network", "delete", prefix)

    def refresh(self, neighbour: Neighbour) -> None:
        """Refresh the neighbor."""
        self._bgpctl("neighbor", neighbour.address, "refresh")

    def shut_down(self, neighbour: Neighbour, text: str) -> None:
        """Take the neighbor down."""
        self._bgpctl("neighbor", neighbour.address, "down", text)

    def dial(self, neighbour: Neighbour) -> None:
        """Have it start anew: by itself it tries every other minute."""
        for verb in ("down", "up"):
            self._bgpctl("neighbor", neighbour.address, verb)

    @property
    def _socket(self) -> str:
        return str(self.folder / "bgpd.sock")

    def _bgpctl(self, *command: str) -> str:
        return self.namespace.run("bgpctl", "-s", self._socket, *command)

    def _shown(self, *command: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._bgpctl("-j", *command))
        return found

    def _neighbour(self, neighbour: Neighbour) -> dict[str, Any]:
        found: dict[str, Any] = self._shown("show", "neighbor", neighbour.address + neighbour.zone)[
            "neighbors"
        ][0]
        return found


def _neighbour(neighbour: Neighbour) -> str:
    lines = [
        f"neighbor {neighbour.address}{neighbour.zone} {{",
        f"remote-as {neighbour.asn}",
        f"local-address {neighbour.router_address}",
        "" if neighbour.dials else "passive",
        f"announce IPv4 {'unicast' if neighbour.ipv4 else 'none'}",
        f"announce IPv6 {'unicast' if neighbour.ipv6 else 'none'}",
        f"tcp md5sig password {neighbour.password}" if neighbour.password else "",
        "ttl-security yes" if neighbour.ttl_security else "",
        f"max-prefix {neighbour.max_prefixes}" if neighbour.max_prefixes else "",
        "announce add-path recv yes\nannounce add-path send all" if neighbour.add_path else "",
        "}",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _path(shown: dict[str, Any]) -> Seen:
    extended = shown.get("extended_communities", [])
    return Seen(
        prefix=shown["prefix"],
        next_hop=shown["exit_nexthop"],
        as_path=tuple(map(int, shown["aspath"].split())),
        communities=frozenset(_WELL_KNOWN.get(each, each) for each in shown.get("communities", ())),
        large_communities=frozenset(shown.get("large_communities", ())),
        route_targets=frozenset(each.removeprefix("rt ") for each in extended if each.startswith("rt ")),
        med=shown.get("metric"),
        local_pref=shown.get("localpref"),
        path_id=shown.get("path-id") or None,
    )
