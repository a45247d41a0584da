"""What there is in a lab: hosts, their addresses and the cables between them. Values only, nothing is done here.

Hardware addresses are chosen so that a reader recognises them: that of node-a ends in 0a, of node-b in 0b. All
addresses may be the same in every lab, since no two labs share a network.

The interface names of a node matter: speakers answer ARP on `eth0`, and keep away from `vethpod`, because that is
what the links to pods are called on a real node.
"""

from ipaddress import IPv4Interface

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


@attrs.frozen(kw_only=True)
class Interface:
    """One end of a cable."""

    name: str
    address: IPv4Interface = attrs.field(converter=IPv4Interface)
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
    """Keys and values below /proc/sys/net/ipv4."""

    @property
    def address(self) -> str:
        """The first address, which this host goes by."""
        return str(self.interfaces[0].address.ip) if self.interfaces else ""


@attrs.frozen(kw_only=True)
class Node:
    """A node of the cluster and its pod: the names, numbers and addresses that go with each other."""

    name: str
    letter: str
    number: int

    @property
    def address(self) -> str:
        return f"10.211.55.{10 + self.number}"

    @property
    def mac(self) -> str:
        return f"02:00:00:00:00:0{self.letter}"

    @property
    def pod(self) -> str:
        return f"pod-{self.letter}"

    @property
    def pod_network(self) -> str:
        return f"10.244.{self.number}.0/24"

    @property
    def pod_address(self) -> str:
        return f"10.244.{self.number}.10"

    @property
    def gateway(self) -> str:
        """The node's own address on the network of its pods."""
        return f"10.244.{self.number}.1"


NODES = tuple(
    Node(name=f"node-{letter}", letter=letter, number=number) for number, letter in enumerate("abc", start=1)
)
NODE_OF_MAC = {node.mac: node.name for node in NODES}

_ROUTER_ADDRESS = "10.211.55.2"
_FORWARDING = (("ip_forward", "1"), ("conf/all/send_redirects", "0"), ("conf/default/send_redirects", "0"))


def _on_lan(host: str, address: str, mac: str) -> Interface:
    return Interface(name=LAN_INTERFACE, address=f"{address}/24", mac=mac, peer=LAN, peer_name=host)


def _node(node: Node) -> Host:
    to_pod = Interface(
        name="vethpod",
        address=f"{node.gateway}/24",
        mac=f"02:00:00:00:01:0{node.letter}",
        peer=node.pod,
        peer_name="eth0",
    )
    return Host(
        name=node.name,
        what="node of the cluster",
        interfaces=(_on_lan(node.name, node.address, node.mac), to_pod),
        routes=(
            ("default", _ROUTER_ADDRESS),
            *((other.pod_network, other.address) for other in NODES if other != node),
        ),
        settings=_FORWARDING,
    )


def _pod(node: Node) -> Host:
    to_node = Interface(
        name="eth0",
        address=f"{node.pod_address}/24",
        mac=f"02:00:00:00:02:0{node.letter}",
        peer=node.name,
        peer_name="vethpod",
        first=False,
    )
    return Host(
        name=node.pod,
        what=f"pod on {node.name}, a web server",
        interfaces=(to_node,),
        routes=(("default", node.gateway),),
    )


_CLIENT2_LINK = Interface(
    name="eth0",
    address="192.0.2.10/24",
    mac="02:00:00:00:00:c3",
    peer=ROUTER,
    peer_name="eth1",
    first=False,
)
_ROUTER_LINK = Interface(
    name="eth1", address="192.0.2.1/24", mac="02:00:00:00:00:e2", peer=CLIENT2, peer_name="eth0"
)

HOSTS = (
    Host(name=LAN, what="the switch that all but client2 are plugged into"),
    Host(name=CONTROL_PLANE, what="where the controller runs"),
    Host(
        name=CLIENT,
        what="a client on the LAN",
        interfaces=(_on_lan(CLIENT, "10.211.55.10", "02:00:00:00:00:c1"),),
        routes=(("default", _ROUTER_ADDRESS),),
    ),
    Host(
        name=NEWCOMER,
        what="a client that asks for every address anew",
        interfaces=(_on_lan(NEWCOMER, "10.211.55.20", "02:00:00:00:00:c2"),),
        routes=(("default", _ROUTER_ADDRESS),),
    ),
    Host(
        name=ROUTER,
        what="a router with BIRD",
        interfaces=(_on_lan(ROUTER, _ROUTER_ADDRESS, "02:00:00:00:00:e1"), _ROUTER_LINK),
        # Choose among equal routes by ports too, so that one client meets every node.
        settings=(*_FORWARDING, ("fib_multipath_hash_policy", "1")),
    ),
    Host(
        name=CLIENT2,
        what="a client behind the router",
        interfaces=(_CLIENT2_LINK,),
        routes=(("default", "192.0.2.1"),),
    ),
    *map(_node, NODES),
    *map(_pod, NODES),
)
HOST_NAMES = tuple(host.name for host in HOSTS)


def host(name: str) -> Host:
    """Return the host of that name. Raise KeyError if there is none."""
    return {each.name: each for each in HOSTS}[name]
