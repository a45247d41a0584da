"""ExaBGP in the matrix: it passes nothing on and keeps nothing, so the table of what it has heard is made here."""

import json
from collections.abc import Mapping
from pathlib import Path
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
    RESTART_TIME,
    ROUTE_TARGET,
    ROUTER4,
    ROUTER6,
    ROUTER_AS,
    TWO_PATHS,
    Neighbour,
)
from tests.interop.matrix.router import Router, Seen

_LABELS: Final = (
    f"community {COMMUNITY} large-community {LARGE_COMMUNITY} extended-community target:{ROUTE_TARGET}"
)
_TEN_THOUSAND: Final = ("10.0.0.0/11", "10.32.0.0/14", "10.36.0.0/15", "10.38.0.0/16", "10.39.0.0/20")
"""Which have 10,000 networks of 256 addresses, those of `neighbours.TEN_THOUSAND`."""


class ExaBGP(Router):
    """ExaBGP, with a program of its own that copies commands out of a file, and what was heard into another."""

    name = "ExaBGP"
    package = "exabgp"
    programs = ("exabgp",)
    version = "4.2.21"
    passes_on = False
    cannot: ClassVar[Mapping[str, str]] = {
        "ipv6_over_link_local": "takes no zone in an address",
        "ipv4_over_link_local": "takes no zone in an address",
        "bfd": "does not speak BFD",
        "we_restart": "keeps no routes of others",
        "ttl_security": "looks at the TTL of all its neighbours or of none",
        "collision": "sometimes closes one connection and then sends no OPEN on the other",
        "it_limits_us": "keeps no routes of others, and counts none",
        "it_says_why": "takes no text from its operator",
        "we_say_why": "cannot decode a NOTIFICATION with a text",
    }
    without = frozenset({"ipv6_over_link_local", "ipv4_over_link_local"})
    phrases: ClassVar[Mapping[CeaseSubcode, str]] = {
        CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED: "6/1",
        CeaseSubcode.ADMINISTRATIVE_SHUTDOWN: "6/2",
    }

    def launch(self) -> None:
        """Start it, listening."""
        self._heard = _Heard(self.folder / "heard")
        for path in (self._commands, self._heard.file):
            path.write_text("")
        # The one that copies commands ends with ExaBGP, however that ends.
        script = self.write(
            "copy.sh", f"tail -f -n +1 --pid=$PPID {self._commands} &\nexec cat >>{self._heard.file}\n"
        )
        process = f"process copy {{ run /bin/sh {script}; encoder json; }}\n"
        config = self.write("exabgp.conf", process + "".join(map(_neighbour, self.neighbours)))
        addresses = f"{ROUTER4} {ROUTER6}"
        self.run(*starting.exabgp(config, addresses=addresses, log_level="INFO", api_ack="false"))

    def is_ready(self) -> bool:
        """It is as soon as it listens."""
        return True

    def is_established(self, neighbour: Neighbour) -> bool:
        """Whether there is a session."""
        self._heard.read()
        return self._heard.states.get(neighbour.address) == "up"

    def routes(self, neighbour: Neighbour, family: bgp.Family = bgp.IPV4_UNICAST) -> list[Seen]:
        """The routes that it has heard from a neighbour."""
        self._heard.read()
        name = "ipv4 unicast" if family == bgp.IPV4_UNICAST else "ipv6 unicast"
        table = self._heard.tables.get(neighbour.address, {})
        return [path for (kind, *_), path in table.items() if kind == name]

    def count(self, neighbour: Neighbour) -> int:
        """How many of them there are."""
        return len(self.routes(neighbour))

    def last_error(self, neighbour: Neighbour) -> str:
        """Code and subcode of the last NOTIFICATION, and the text in it."""
        self._heard.read()
        return self._heard.errors.get(neighbour.address, "")

    def announce(self, prefix: str) -> None:
        """Announce a route to everyone."""
        self._say(f"announce route {prefix} next-hop {ROUTER6 if ':' in prefix else 'self'}")

    def withdraw(self, prefix: str) -> None:
        """Take it back."""
        self._say(f"withdraw route {prefix} next-hop {ROUTER6 if ':' in prefix else 'self'}")

    def refresh(self, neighbour: Neighbour) -> None:
        """Send a ROUTE-REFRESH."""
        self._say(f"neighbor {neighbour.address} announce route-refresh ipv4 unicast")

    def shut_down(self, neighbour: Neighbour, text: str) -> None:
        """Tear the session down; what to say this version does not take."""
        self._say(f"neighbor {neighbour.address} teardown 2")

    @property
    def _commands(self) -> Path:
        return self.folder / "commands"

    def _say(self, command: str) -> None:
        with self._commands.open("a") as file:
            file.write(command + "\n")


class _Heard:
    """What ExaBGP has told of its neighbours; `read` takes in what is new."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.states: dict[str, str] = {}
        self.errors: dict[str, str] = {}
        self.tables: dict[str, dict[tuple[str, str, str], Seen]] = {}
        self._offset = 0

    def read(self) -> None:
        """Follow the file up to its last whole line."""
        with self.file.open("rb") as file:
            file.seek(self._offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                if line.startswith(b"{"):
                    self._take(json.loads(line, strict=False))

    def _take(self, message: dict[str, Any]) -> None:
        neighbour = message.get("neighbor", {})
        peer = neighbour.get("address", {}).get("peer", "")
        match message["type"]:
            case "state":
                self.states[peer] = neighbour["state"]
                if neighbour["state"] != "up":
                    self.tables.pop(peer, None)
            case "notification":
                said = neighbour["notification"]
                text = bytes.fromhex(said["data"].removeprefix("0x"))[1:].decode(errors="replace")
                self.errors[peer] = f"{said['code']}/{said['subcode']} {text}"
            case "update":
                self._follow(self.tables.setdefault(peer, {}), neighbour["message"].get("update", {}))

    def _follow(self, table: dict[tuple[str, str, str], Seen], update: dict[str, Any]) -> None:
        for family, gone in update.get("withdraw", {}).items():
            for each in gone:
                table.pop(_key(family, each), None)
        for family, by_next_hop in update.get("announce", {}).items():
            for next_hop, announced in by_next_hop.items():
                for each in announced:
                    if "nlri" in each:
                        table[_key(family, each)] = _path(each, next_hop, update.get("attribute", {}))


def _key(family: str, shown: dict[str, Any]) -> tuple[str, str, str]:
    return family, shown.get("nlri", ""), shown.get("path-information", "")


def _path(shown: dict[str, Any], next_hop: str, attributes: dict[str, Any]) -> Seen:
    extended = [each["string"] for each in attributes.get("extended-community", ())]
    path_id = shown.get("path-information")
    return Seen(
        prefix=shown["nlri"],
        next_hop=next_hop,
        as_path=tuple(attributes.get("as-path", ())),
        communities=_joined(attributes.get("community", ())),
        large_communities=_joined(attributes.get("large-community", ())),
        route_targets=frozenset(
            each.removeprefix("target:") for each in extended if each.startswith("target:")
        ),
        med=attributes.get("med"),
        local_pref=attributes.get("local-preference"),
        path_id=None if path_id is None else int.from_bytes(bytes(map(int, path_id.split(".")))),
    )


def _joined(values: list[list[int]]) -> frozenset[str]:
    return frozenset(":".join(map(str, value)) for value in values)


def _neighbour(neighbour: Neighbour) -> str:
    families = [name for name, wanted in (("ipv4", neighbour.ipv4), ("ipv6", neighbour.ipv6)) if wanted]
    return f"""
neighbor {neighbour.address} {{
    router-id {ROUTER4};
    local-address {neighbour.router_address};
    local-as {ROUTER_AS};
    peer-as {neighbour.asn};
    passive {"false" if neighbour.dials else "true"};
    hold-time 90;
    {f"md5-password {neighbour.password};" if neighbour.password else ""}
    {"outgoing-ttl 255; incoming-ttl 255;" if neighbour.ttl_security else ""}
    api {{ processes [ copy ]; neighbor-changes; receive {{ parsed; update; notification; }} }}
    capability {{
        asn4 enable;
        route-refresh enable;
        {f"graceful-restart {RESTART_TIME};" if neighbour.graceful_restart else ""}
        {"add-path send/receive;" if neighbour.add_path else ""}
        {"nexthop enable;" if neighbour.extended_next_hop else ""}
    }}
    {"nexthop { ipv4 unicast ipv6; }" if neighbour.extended_next_hop else ""}
    family {{ {" ".join(f"{family} unicast;" for family in families)} }}
    announce {{ {" ".join(f"{family} {{ {_routes(neighbour, family)} }}" for family in families)} }}
}}
"""


def _routes(neighbour: Neighbour, family: str) -> str:
    if family == "ipv6":
        return f"unicast {PLAIN6} next-hop {ROUTER6}; unicast {LABELLED6} next-hop {ROUTER6} {_LABELS};"
    next_hop = ROUTER6 if neighbour.extended_next_hop else "self"
    routes = [f"{PLAIN4} next-hop {next_hop}", f"{LABELLED4} next-hop {next_hop} {_LABELS}"]
    if neighbour.name == "paths_from_it":
        routes += [f"{TWO_PATHS} next-hop self path-information {n} med {n}" for n in (1, 2)]
    if neighbour.name == "many_from_it":
        routes += [f"{block} next-hop self split /24 {_LABELS}" for block in _TEN_THOUSAND]
    return " ".join(f"unicast {route};" for route in routes)
