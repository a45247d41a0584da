"""BIRD 2 in the matrix."""

import re
from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

import bgp
from bgp import CeaseSubcode
from tests.interop.matrix.neighbours import (
    BFD_INTERVAL,
    BFD_MULTIPLIER,
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


def _commas(value: str) -> str:
    return value.replace(":", ",")


_LABELS: Final = f"""{{
    bgp_community.add(({_commas(COMMUNITY)}));
    bgp_large_community.add(({_commas(LARGE_COMMUNITY)}));
    bgp_ext_community.add((rt, {_commas(ROUTE_TARGET)}));
}}"""

_HEAD: Final = f"""
log stderr all;
router id {ROUTER4};
# After a restart it tells nobody anything until all whom it keeps waiting are back, or for so many seconds.
graceful restart wait 2;
protocol device {{}}
protocol direct {{ ipv4; ipv6; }}
protocol bfd {{ interface "eth0" {{ interval {BFD_INTERVAL} ms; multiplier {BFD_MULTIPLIER}; }}; }}
protocol static own4 {{
    ipv4;
    route {PLAIN4} blackhole;
    route {LABELLED4} blackhole {_LABELS};
    include "late4.conf";
}}
protocol static own6 {{
    ipv6;
    route {PLAIN6} blackhole;
    route {LABELLED6} blackhole {_LABELS};
    include "late6.conf";
}}
"""


class Bird(Router):
    """BIRD, controlled through birdc."""

    name = "BIRD"
    package = "bird2"
    programs = ("bird", "birdc")
    version = "2.0.12"
    phrases: ClassVar[Mapping[CeaseSubcode, str]] = {
        CeaseSubcode.MAXIMUM_NUMBER_OF_PREFIXES_REACHED: "Received: Maximum number of prefixes reached",
        CeaseSubcode.ADMINISTRATIVE_SHUTDOWN: "Received: Administrative shutdown",
    }

    def launch(self) -> None:
        """Start BIRD, to recover its sessions if it has been there before."""
        is_new = not (self.folder / "bird.conf").exists()
        if is_new:
            self._write_late()
            self.write("bird.conf", _HEAD + "".join(map(_protocol, self.neighbours)))
        (self.folder / "bird.ctl").unlink(missing_ok=True)
        recovery = () if is_new else ("-R",)
        self.run("bird", "-f", "-c", str(self.folder / "bird.conf"), "-s", self._control, *recovery)

    def is_ready(self) -> bool:
        """Whether birdc gets answers."""
        return (self.folder / "bird.ctl").exists()

    def is_established(self, neighbour: Neighbour) -> bool:
        """Whether there is a session."""
        return "Established" in self._birdc("show", "protocols", _slug(neighbour))

    def routes(self, neighbour: Neighbour, family: bgp.Family = bgp.IPV4_UNICAST) -> list[Seen]:
        """The routes that it has from a neighbour."""
        table = "master4" if family == bgp.IPV4_UNICAST else "master6"
        shown = self._birdc("show", "route", "all", "protocol", _slug(neighbour), "table", table)
        return [_path(prefix, text) for prefix, text in _split(shown)]

    def count(self, neighbour: Neighbour) -> int:
        """How many IPv4 routes it has from a neighbour."""
        shown = self._birdc("show", "route", "count", "protocol", _slug(neighbour), "table", "master4")
        found = re.search(r"(\d+) of \d+ routes", shown)
        return int(found[1]) if found else 0

    def last_error(self, neighbour: Neighbour) -> str:
        """What it says was the end of the last session, with the text that came with it."""
        shown = self._birdc("show", "protocols", "all", _slug(neighbour))
        wanted = ("Last error:", "Message:")
        return "\n".join(line.split(":", 1)[1].strip() for line in shown.splitlines() if _has(line, wanted))

    def announce(self, prefix: str) -> None:
        """Add a static route."""
        self._write_late(prefix)
        self._birdc("configure")

    def withdraw(self, prefix: str) -> None:
        """Take it away."""
        self._write_late()
        self._birdc("configure")

    def refresh(self, neighbour: Neighbour) -> None:
        """Reload the routes of a neighbour."""
        self._birdc("reload", "in", _slug(neighbour))

    def shut_down(self, neighbour: Neighbour, text: str) -> None:
        """Disable the protocol."""
        self._birdc("disable", _slug(neighbour), f'"{text}"')

    @property
    def _control(self) -> str:
        return str(self.folder / "bird.ctl")

    def _birdc(self, *command: str) -> str:
        return self.namespace.run("birdc", "-s", self._control, *command)

    def _write_late(self, *prefixes: str) -> None:
        for name, is_ipv6 in (("late4.conf", False), ("late6.conf", True)):
            lines = [f"route {prefix} blackhole;\n" for prefix in prefixes if (":" in prefix) is is_ipv6]
            self.write(name, "".join(lines))


def _protocol(neighbour: Neighbour) -> str:
    common = "import all; export all; next hop self;"
    if neighbour.add_path:
        common += " add paths on;"
    if neighbour.max_prefixes is not None:
        common += f" receive limit {neighbour.max_prefixes} action restart;"
    ipv4 = common + (" extended next hop on;" if neighbour.extended_next_hop else "")
    ipv6 = common + ("" if neighbour.is_ipv6 else f" next hop address {ROUTER6};")
    restart = f"graceful restart on; graceful restart time {RESTART_TIME};"
    lines = [
        f"protocol bgp {_slug(neighbour)} {{",
        f"local {neighbour.router_address} as {ROUTER_AS};",
        f"neighbor {neighbour.address}{neighbour.zone} as {neighbour.asn};",
        "direct;",
        "connect delay time 1; connect retry time 1;" if neighbour.dials else "passive;",
        "error wait time 1, 1;",
        f'password "{neighbour.password}";' if neighbour.password else "",
        "bfd on;" if neighbour.bfd else "",
        "ttl security on;" if neighbour.ttl_security else "",
        restart if neighbour.graceful_restart else "",
        f"ipv4 {{ {ipv4} }};" if neighbour.ipv4 else "",
        f"ipv6 {{ {ipv6} }};" if neighbour.ipv6 else "",
        "}",
    ]
    return "\n".join(filter(None, lines)) + "\n"


def _slug(neighbour: Neighbour) -> str:
    """An identifier: some names are words of BIRD's own."""
    return f"to_{neighbour.name}"


def _has(line: str, words: tuple[str, ...]) -> bool:
    return any(word in line for word in words)


def _split(shown: str) -> Iterator[tuple[str, str]]:
    """Each path of what `show route all` prints, with its prefix."""
    prefix = ""
    for block in re.split(r"^(?=\S*\s+(?:unicast|unreachable|blackhole) \[)", shown, flags=re.MULTILINE)[1:]:
        prefix = block.split(maxsplit=1)[0] if not block[0].isspace() else prefix
        yield prefix, block


def _path(prefix: str, text: str) -> Seen:
    values = dict(re.findall(r"^\tBGP\.(\w+): ?(.*)$", text, flags=re.MULTILINE))
    groups = re.findall(r"\(([^)]*)\)", values.get("ext_community", ""))
    targets = [re.split(r", *", group) for group in groups]
    return Seen(
        prefix=prefix,
        # A link-local address is shown behind another, or behind "::".
        next_hop=values["next_hop"].removeprefix(":: ").split()[0],
        as_path=tuple(map(int, values["as_path"].split())),
        communities=_set(values.get("community", "")),
        large_communities=_set(values.get("large_community", "")),
        route_targets=frozenset(":".join(rest) for kind, *rest in targets if kind == "rt"),
        med=int(values["med"]) if "med" in values else None,
        local_pref=int(values["local_pref"]) if "local_pref" in values else None,
    )


def _set(text: str) -> frozenset[str]:
    return frozenset(re.sub(r", *", ":", group) for group in re.findall(r"\(([^)]*)\)", text))
