"""Record how Linux finds its neighbours: `python -m tests.arp.record`, as root, writes data/neighbours/linux.json.

A client comes up on a segment of network namespaces, takes addresses, looks for routers and for a host, and finds the
host. Of each kind of frame the first is kept.
"""

import json
import subprocess
import sys
from pathlib import Path

from arp import MACAddress
from tests.arp.namespaces import Segment, segment, wait_until

FILE = Path(__file__).parents[1] / "data" / "neighbours" / "linux.json"
HOST = {4: "203.0.113.2", 6: "2001:db8::2"}

# Prints what goes through the client's port of the switch, ARP and ICMPv6, in hexadecimal.
_LISTEN = """
import socket
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
tap.bind(("client", 3))
print("ready", flush=True)
while True:
    frame = tap.recv(2048)
    if frame[12:14] == b"\\x08\\x06" or frame[12:14] == b"\\x86\\xdd" and frame[20] == 58:
        print(frame.hex(), flush=True)
"""
_ASK = "import socket, sys; socket.socket(socket.AF_INET6, 2).sendto(b'?', (sys.argv[1], 9))"


def kind_of(frame: bytes) -> str | None:
    """Name what a frame of ARP or ICMPv6 is, None if it is not kept."""
    if frame[12:14] == b"\x08\x06":
        return {1: "ARP request", 2: "ARP reply"}.get(frame[21])
    probe = not any(frame[22:38])
    match frame[54]:
        case 133:
            return "router solicitation"
        case 135 if probe:
            return "neighbour solicitation, duplicate address detection"
        case 135:
            return "neighbour solicitation, " + ("multicast" if frame[38] == 0xFF else "unicast")
        case 136:
            return "neighbour advertisement"
    return None


WANTED = {
    "ARP request",
    "ARP reply",
    "router solicitation",
    "neighbour solicitation, duplicate address detection",
    "neighbour solicitation, multicast",
    "neighbour solicitation, unicast",
    "neighbour advertisement",
}


def record(lan: Segment) -> dict[str, str]:
    """Give the first frame of each kind, in hexadecimal."""
    found: dict[str, str] = {}
    command = ["ip", "netns", "exec", lan.namespace("switch"), sys.executable, "-c", _LISTEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tap:
        assert tap.stdout is not None
        try:
            assert tap.stdout.readline() == "ready\n"
            _talk(lan)
            hosts = {MACAddress(lan.mac(host)) for host in ("client", "node-a")}  # not the switch
            for line in tap.stdout:
                frame = bytes.fromhex(line)
                kind = kind_of(frame)
                if kind is not None and MACAddress(frame[6:12]) in hosts:
                    found.setdefault(kind, line.strip())
                if found.keys() >= WANTED:
                    return found
        finally:
            tap.kill()
    raise AssertionError(f"the tap has ended, with {sorted(found)}")


def _talk(lan: Segment) -> None:
    for host, number in (("node-a", 2), ("client", 1)):
        lan.ip(host, "link", "set", "eth0", "down")
        lan.ip(host, "link", "set", "eth0", "up")
        lan.ip(host, "address", "replace", f"203.0.113.{number}/24", "dev", "eth0")
        lan.ip(host, "address", "add", f"2001:db8::{number}/64", "dev", "eth0")
    wait_until(lambda: not any(_is_tentative(lan, host) for host in ("node-a", "client")))
    lan.ask(HOST[4])
    lan.python("client", _ASK, HOST[6])


def _is_tentative(lan: Segment, host: str) -> bool:
    return "tentative" in lan.ip(host, "-6", "address", "show", "dev", "eth0")


def main() -> None:
    """Write the file."""
    with segment() as lan:
        found = record(lan)
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(json.dumps(dict(sorted(found.items())), indent=1) + "\n")


if __name__ == "__main__":
    main()
