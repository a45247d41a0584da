"""What can be seen of a lab from its hosts: addresses given, routes learned, hardware addresses in use."""

import re
import sys
from collections.abc import Collection

import yaml

from k8sglue.lab.lab import Lab
from k8sglue.lab.topology import CLIENT, NODE_OF_MAC, NODES, ROUTER
from k8sglue.membership import lease_name


def addresses_of(lab: Lab, service: str) -> tuple[str, ...]:
    """Return the addresses that the controller gave a Service of the namespace default."""
    try:
        text = (lab.manifests / "status" / "services" / f"default.{service}.yaml").read_text()
    except FileNotFoundError:
        return ()
    ingress = yaml.safe_load(text)["status"]["loadBalancer"]["ingress"]
    return tuple(str(point["ip"]) for point in ingress)


def bird(lab: Lab, *command: str) -> str:
    """Return what BIRD answers to `birdc COMMAND`."""
    return lab.run_on(ROUTER, ["birdc", "-s", lab.bird.socket, *command]).output


def nodes_in_routes(lab: Lab, prefix: str) -> set[str]:
    """Return the nodes through which BIRD has a route to `prefix`."""
    next_hops = set(re.findall(r"via (\S+) on", bird(lab, "show", "route", prefix)))
    return {node.name for node in NODES if next_hops & set(node.addresses)}


def kernel_routes(lab: Lab, prefix: str) -> set[str]:
    """Return the nodes among which the router's kernel chooses for `prefix`."""
    family = "-6" if ":" in prefix else "-4"
    shown = lab.run_on(ROUTER, ["ip", family, "route", "show", prefix]).output
    next_hops = set(re.findall(r"via (\S+)", shown))
    return {node.name for node in NODES if next_hops & set(node.addresses)}


def session_established(lab: Lab, node: str) -> bool:
    """Return whether BIRD has a session with the speaker of a node."""
    return "Established" in bird(lab, "show", "protocols", node.replace("-", "_"))


def neighbour(lab: Lab, address: str) -> str:
    """Return the hardware address that the client's kernel has for `address`; empty if none."""
    entry = lab.run_on(CLIENT, ["ip", "neigh", "show", address]).output
    found = re.search(r"lladdr (\S+)", entry)
    return found[1] if found else ""


def answers(lab: Lab, host: str, url: str) -> bool:
    """Return whether a host gets a page."""
    return lab.run_on(host, ["curl", "-s", "-o", "/dev/null", "--max-time", "1", url]).status == 0


def heartbeats(lab: Lab) -> set[str]:
    """Return the nodes whose speakers are heard of."""
    folder = lab.manifests / "status" / "leases"
    return {node.name for node in NODES if (folder / f"{lease_name(node.name)}.yaml").exists()}


def sole_owner(lab: Lab, address: str) -> str:
    """Return the node that answers for `address`, and that the client uses; empty if it is not one and the same."""
    macs = re.findall(r" is at (\S+),", _who_has(lab, address))
    return NODE_OF_MAC.get(macs[0], "") if macs == [neighbour(lab, address)] else ""


def are_free(lab: Lab, addresses: Collection[str]) -> bool:
    """Return whether nobody on the LAN answers for any of these addresses."""
    return " is at " not in _who_has(lab, *addresses)


def _who_has(lab: Lab, *addresses: str) -> str:
    """Return what the client gets to know when it asks the LAN."""
    return lab.run_on(CLIENT, [sys.executable, "-m", "k8sglue", "lab", "who-has", *addresses]).output
