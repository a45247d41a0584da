"""Record what this machine's kernel tells of interfaces, for tests/data/netlink.json. As root:

python -m tests.arp.record_netlink
"""

import json
import socket
from pathlib import Path

from arp import netlink
from tests.interop.netns import NetworkNamespace

DATA = Path(__file__).parents[1] / "data" / "netlink.json"
STEPS = {
    "veth added": "link add eth0 address 02:00:00:00:00:01 type veth peer name eth1",
    "veth up": "link set eth0 up",
    "peer up": "link set eth1 up",
    "ipv6 address added": "-6 address add fe80::1/64 dev eth0",
    "ipv4 address added": "address add 192.0.2.1/24 dev eth0",
    "mac changed": "link set eth0 address 02:00:00:00:00:02",
    "ipv6 address removed": "-6 address del fe80::1/64 dev eth0",
    "bridge added": "link add br0 address 02:00:00:00:00:03 type bridge",
    "enslaved": "link set eth0 master br0",
    "released": "link set eth0 nomaster",
    "macvlan added": "link add link eth0 name macvlan0 address 02:00:00:00:00:04 type macvlan mode bridge",
    "arp off": "link set macvlan0 arp off",
    "renamed": "link set macvlan0 name wan0",
    "peer down": "link set eth1 down",
    "veth removed": "link delete eth0",
}


def record() -> dict[str, list[str]]:
    """Give the datagrams that each step brought, and those that answer each request, in hexadecimal."""
    recorded: dict[str, list[str]] = {}
    groups = (1 << netlink.LINK_GROUP - 1) | (1 << netlink.IPV6_ADDRESS_GROUP - 1)
    with (
        NetworkNamespace("record") as namespace,
        namespace.entered(),
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as listening,
    ):
        listening.bind((0, groups))
        for name, step in STEPS.items():
            if name == "veth removed":
                recorded |= answers(listening)
            namespace.run("ip", *step.split())
            recorded[name] = drain(listening, 1.0)
    return recorded


def answers(asking: socket.socket) -> dict[str, list[str]]:
    """Ask for everything, and once for what does not exist."""
    requests = {
        "one link": netlink.link_request("eth0"),
        "no link": netlink.link_request("nothing"),
        "all links": netlink.links_request(),
        "all ipv6 addresses": netlink.ipv6_addresses_request(),
    }
    found = {}
    for name, request in requests.items():
        asking.send(request)
        found[name] = drain(asking, 0.2)
    return found


def drain(listening: socket.socket, pause: float) -> list[str]:
    """Read until nothing came for a while."""
    datagrams = []
    listening.settimeout(pause)
    while True:
        try:
            datagrams.append(listening.recv(65536).hex())
        except TimeoutError:
            return datagrams


if __name__ == "__main__":
    DATA.write_text(json.dumps(record(), indent=1) + "\n")
