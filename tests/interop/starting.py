"""How the daemons are started in the foreground, without a service manager: their command lines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FRR: Final = Path("/usr/lib/frr")
_EXABGP: Final[Mapping[str, str]] = {
    "exabgp.tcp.port": "179",
    "exabgp.daemon.user": "root",
    "exabgp.daemon.drop": "false",
    "exabgp.log.destination": "stdout",
    "exabgp.api.cli": "false",
}


def frr(program: str, folder: Path, *options: str) -> list[str]:
    """`zebra` or `bgpd` of FRR, with all of its files in a folder."""
    return [
        *(str(_FRR / program), "-f", str(folder / f"{program}.conf"), *options),
        *("-i", str(folder / f"{program}.pid"), "-z", str(zebra_socket(folder))),
        *("--vty_socket", str(folder / "vty"), "-P", "0"),
    ]


def zebra_socket(folder: Path) -> Path:
    """Where zebra listens, once it is there."""
    return folder / "zserv.api"


def openbgpd(config: str) -> list[str]:
    """The bgpd of OpenBSD."""
    # Its processes shut themselves into a directory that only a service manager would have made.
    script = 'mount -t tmpfs tmpfs /run && mkdir /run/openbgpd && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh", "bgpd", "-d", "-f", config]


def exabgp(config: str, *, addresses: str, **settings: str) -> list[str]:
    """ExaBGP, listening at these addresses; `settings` are more of its own, such as `log_level`."""
    more = {f"exabgp.{name.replace('_', '.')}": value for name, value in settings.items()}
    values = {**_EXABGP, "exabgp.tcp.bind": addresses, **more}
    return ["env", *(f"{name}={value}" for name, value in values.items()), "exabgp", config]
