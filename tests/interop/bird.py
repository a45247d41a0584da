"""BIRD 2 in a network namespace, as a neighbour at 10.0.0.2 of a speaker at 10.0.0.1 unless told otherwise."""

import subprocess
from pathlib import Path

from tests.interop.netns import NetworkNamespace, run

_CONFIG = """
router id 10.0.0.2;
protocol device {{}}
protocol static {{ ipv4; route 198.51.100.0/24 blackhole; }}
protocol bgp speaker {{
    local {here} as {asn};
    neighbor {there} as 64512;
    passive;
    error wait time 1, 2;
    {extra}
    ipv4 {{ import all; export where source = RTS_STATIC; next hop self; }};
}}
"""


class Bird:
    """A BIRD; `extra` are lines for its BGP protocol."""

    def __init__(
        self,
        namespace: NetworkNamespace,
        folder: Path,
        *,
        asn: int = 64513,
        here: str = "10.0.0.2",
        there: str = "10.0.0.1",
        extra: str = "",
    ) -> None:
        self._namespace = namespace
        self._config = folder / "bird.conf"
        self._socket = folder / "bird.ctl"
        self._process: subprocess.Popen[bytes] | None = None
        self._config.write_text(_CONFIG.format(asn=asn, here=here, there=there, extra=extra))

    def start(self) -> None:
        """Start it, in the foreground."""
        self._process = self._namespace.start("bird", "-f", "-c", str(self._config), "-s", str(self._socket))

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it without a chance to say goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)

    def show(self, what: str) -> str:
        """Return the answer to a `show` command; nothing while BIRD is not there to answer."""
        if not self._socket.exists():
            return ""
        try:
            return run("birdc", "-s", str(self._socket), "show", *what.split())
        except RuntimeError:
            return ""

    def routes(self) -> dict[str, str]:
        """The routes that it has from the speaker: all that it shows of each, by prefix."""
        found: dict[str, str] = {}
        prefix = ""
        for line in self.show("route all protocol speaker").splitlines():
            if line[:1].isdigit():
                prefix = line.split()[0]
            if prefix:
                found[prefix] = found.get(prefix, "") + line + "\n"
        return found

    def last_error(self) -> str:
        """What it says was the end of the last session."""
        lines = self.show("protocols all speaker").splitlines()
        return next((line.split(":", 1)[1].strip() for line in lines if "Last error" in line), "")
