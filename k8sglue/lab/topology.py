"""What there is in a lab: hosts, their addresses and the cables between them. Values only, nothing is done here.

Hardware addresses are chosen so that a reader recognises them: that of node-a ends in 0a, of node-b in 0b. Every
interface has an IPv6 address beside its IPv4 address, written with the same digits: 10.211.55.11 goes with
fd10:211:55::11. (Unique local prefixes should be random, RFC 4193 3.2.1; these need not be told from anybody's.) All
addresses may be the same in every lab, since no two labs share a network.

The interface names of a node matter: speakers answer ARP on `eth0`, and keep away from `vethpod`, because that is
what the links to pods are called on a real node.
"""

from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import TypeAlias

import attrs

LAN = "lan"
CONTROL_PLANE = "control-plane"
CLIENT = "client"
NEWCOMER = "newcomer"
CLIENT2 = "client2"
ROUTER = "router"

LAN_INTERFACE = "eth0"
"""The name that every host gives its interface on the LAN."""

ROUTER_ASN = 64513
NODES_ASN = 64512

Pair: TypeAlias = tuple[str, str]
"""What there is of each family, the one of IPv4 first."""


def _assigned(addresses: tuple[str, ...]) -> tuple[IPv4Interface | IPv6Interface, ...]:
    return tuple(map(ip_interface, addresses))


@attrs.frozen(kw_only=True)
class Interface:
    """One end of a cable."""

    name: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...] = attrs.field(converter=_assigned)
    """Its addresses, each with the length of the prefix on that link."""
    mac: str
    peer: str
    """The host at the other end, `lan` for a port of the switch."""
    peer_name: str
    """The interface at the other end."""
    first: bool = True
    """This end is the one that makes the cable."""


@attrs.frozen(kw_only=True)
class Host:
    """A machine, or a pod: something with a network of its own."""

    name: str
    what: str
    """Who that is, for people."""
    interfaces: tuple[Interface, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()
    """Destination and next hop."""
    settings: tuple[tuple[str, str], ...] = ()
    """Keys and values below /proc/sys/net."""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the first interface, which this host goes by."""
        return tuple(str(address.ip) for address in self.interfaces[0].addresses) if self.interfaces else ()


@attrs.frozen(kw_only=True)
class Node:
    """A node of the cluster and its pod: the names, numbers and addresses that go with each other."""

    name: str
    letter: str
    number: int

    @property
    def addresses(self) -> Pair:
        """Its addresses on the LAN."""
        return _lan_addresses(10 + self.number)

    @property
    def mac(self) -> str:
        return f"02:00:00:00:00:0{self.letter}"

    @property
    def pod(self) -> str:
        return f"pod-{self.letter}"

    @property
    def pod_networks(self) -> Pair:
        return f"10.244.{self.number}.0/24", f"fd10:244:{self.number}::/64"

    @property
    def pod_addresses(self) -> Pair:
        return f"10.244.{self.number}.10", f"fd10:244:{self.number}::10"

    @property
    def gateways(self) -> Pair:
        """The node's own addresses on the network of its pods."""
        return f"10.244.{self.number}.1", f"fd10:244:{self.number}::1"


def url(address: str) -> str:
    """Return the URL of the page at an address (RFC 3986 3.2.2: that of IPv6 stands in brackets)."""
    return f"http://[{address}]" if ":" in address else f"http://{address}"


def _lan_addresses(number: int) -> Pair:
    return f"10.211.55.{number}", f"fd10:211:55::{number}"


NODES = tuple(
    Node(name=f"node-{letter}", letter=letter, number=number) for number, letter in enumerate("abc", start=1)
)
NODE_OF_MAC = {node.mac: node.name for node in NODES}

_ROUTER_NUMBER = 2
_FORWARDING = (
    ("ipv4/ip_forward", "1"),
    ("ipv4/conf/all/send_redirects", "0"),
    ("ipv4/conf/default/send_redirects", "0"),
    ("ipv6/conf/all/forwarding", "1"),
)


def _with_lengths(addresses: Pair) -> Pair:
    return f"{addresses[0]}/24", f"{addresses[1]}/64"


def _via(next_hops: Pair) -> tuple[Pair, Pair]:
    """Default routes."""
    return ("0.0.0.0/0", next_hops[0]), ("::/0", next_hops[1])


def _on_lan(host: str, number: int, mac: str) -> Interface:
    return Interface(
        name=LAN_INTERFACE,
        addresses=_with_lengths(_lan_addresses(number)),
        mac=mac,
        peer=LAN,
        peer_name=host,
    )


def _node(node: Node) -> Host:
    to_pod = Interface(
        name="vethpod",
        addresses=_with_lengths(node.gateways),
        mac=f"02:00:00:00:01:0{node.letter}",
        peer=node.pod,
        peer_name="eth0",
    )
    to_other_pods = [
        route
        for other in NODES
        if other != node
        for route in zip(other.pod_networks, other.addresses, strict=True)
    ]
    return Host(
        name=node.name,
        what="node of the cluster",
        interfaces=(_on_lan(node.name, 10 + node.number, node.mac), to_pod),
        routes=(*_via(_lan_addresses(_ROUTER_NUMBER)), *to_other_pods),
        settings=_FORWARDING,
    )


def _pod(node: Node) -> Host:
    to_node = Interface(
        name="eth0",
        addresses=_with_lengths(node.pod_addresses),
        mac=f"02:00:00:00:02:0{node.letter}",
        peer=node.name,
        peer_name="vethpod",
        first=False,
    )
    return Host(
        name=node.pod,
        what=f"pod on {node.name}, a web server",
        interfaces=(to_node,),
        routes=_via(node.gateways),
    )


def _client_on_lan(name: str, what: str, number: int, mac: str) -> Host:
    return Host(
        name=name,
        what=what,
        interfaces=(_on_lan(name, number, mac),),
        routes=_via(_lan_addresses(_ROUTER_NUMBER)),
    )


_CLIENT2_LINK = Interface(
    name="eth0",
    addresses=("192.0.2.10/24", "2001:db8:2::10/64"),
    mac="02:00:00:00:00:c3",
    peer=ROUTER,
    peer_name="eth1",
    first=False,
)
_ROUTER_LINK = Interface(
    name="eth1",
    addresses=("192.0.2.1/24", "2001:db8:2::1/64"),
    mac="02:00:00:00:00:e2",
    peer=CLIENT2,
    peer_name="eth0",
)

HOSTS = (
    Host(name=LAN, what="the switch that all but client2 are plugged into"),
    Host(name=CONTROL_PLANE, what="where the controller runs"),
    _client_on_lan(CLIENT, "a client on the LAN", 10, "02:00:00:00:00:c1"),
    _client_on_lan(NEWCOMER, "a client that asks for every address anew", 20, "02:00:00:00:00:c2"),
    Host(
        name=ROUTER,
        what="a router with BIRD",
        interfaces=(_on_lan(ROUTER, _ROUTER_NUMBER, "02:00:00:00:00:e1"), _ROUTER_LINK),
        # Choose among equal routes by ports too, so that one client meets every node.
        settings=(
            *_FORWARDING,
            ("ipv4/fib_multipath_hash_policy", "1"),
            ("ipv6/fib_multipath_hash_policy", "1"),
        ),
    ),
    Host(
        name=CLIENT2,
        what="a client behind the router",
        interfaces=(_CLIENT2_LINK,),
        routes=_via(("192.0.2.1", "2001:db8:2::1")),
    ),
    *map(_node, NODES),
    *map(_pod, NODES),
)
HOST_NAMES = tuple(host.name for host in HOSTS)


def host(name: str) -> Host:
    """Return the host of that name. Raise KeyError if there is none."""
    return {each.name: each for each in HOSTS}[name]
