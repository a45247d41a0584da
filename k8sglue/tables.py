"""What `k8sglue get` and `k8sglue plan` print: rows of text, as kubectl lays them out."""

import json
from collections.abc import Iterable, Sequence

from k8sglue.cluster import Store
from k8sglue.config import Config, Pool, parse_address
from k8sglue.desired import Desired, Silence
from k8sglue.fields import printable
from k8sglue.findings import Finding
from k8sglue.membership import SESSIONS_ANNOTATION
from k8sglue.resources import Service


def layout(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Lay out a table: columns as wide as they need to be, three spaces apart."""
    table = [[printable(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)
    return "\n".join(line.rstrip() for line in lines)


def services(store: Store) -> str:
    """All Services, with a column for their namespaces if there is more than `default`."""
    found = sorted(store.services.values(), key=lambda service: service.key)
    if not found:
        return "No Services found."
    spaced = any(service.key.namespace != "default" for service in found)
    head = ("NAMESPACE",) * spaced + ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)")
    return layout(head, [(service.key.namespace,) * spaced + _service_row(service) for service in found])


def _service_row(service: Service) -> tuple[str, ...]:
    pending = "<pending>" if service.type == "LoadBalancer" else "<none>"
    ports = (
        f"{port.port}:{port.node_port}/{port.protocol}" if port.node_port else f"{port.port}/{port.protocol}"
        for port in service.ports
    )
    return (
        service.key.name,
        service.type,
        ",".join(service.cluster_ips) or "<none>",
        ",".join(service.ingress) or pending,
        ",".join(ports) or "<none>",
    )


def pools(config: Config, store: Store) -> str:
    """All pools in force, and how many of their addresses Services have."""
    if not config.pools:
        return "No pools found."
    taken = [
        address
        for service in store.services.values()
        for address in map(parse_address, service.ingress)
        if address is not None
    ]
    rows = (
        (
            pool.name,
            "+".join(protocol.value for protocol in pool.protocols),
            ",".join(map(str, pool.ranges)),
            "yes" if pool.auto_assign else "no",
            f"{sum(address in pool for address in taken)}/{_size(pool)}",
        )
        for pool in config.pools.values()
    )
    return layout(("NAME", "PROTOCOL", "ADDRESSES", "AUTO-ASSIGN", "IN USE"), rows)


def _size(pool: Pool) -> int:
    return sum(addresses.size for addresses in pool.ranges)


def peers(config: Config, store: Store) -> str:
    """All peers in force, with the state of each node's session with them, as that node's speaker last said."""
    if not config.peers:
        return "No peers found."
    sessions = {
        lease.holder: _sessions(lease.annotations.get(SESSIONS_ANNOTATION, ""))
        for lease in store.leases.values()
    }
    rows = []
    for peer in config.peers:
        nodes = sorted(node.name for node in store.nodes.values() if peer.selects(node.labels)) or ["<none>"]
        for node in nodes:
            state = sessions.get(node, {}).get(
                peer.endpoint, "<no speaker>" if node not in sessions else "<unknown>"
            )
            rows.append((peer.endpoint, str(peer.asn), str(peer.my_asn), f"{peer.hold_time:g}s", node, state))
    return layout(("PEER", "ASN", "MY-ASN", "HOLD-TIME", "NODE", "SESSION"), rows)


def problems(findings: Iterable[Finding]) -> str:
    """All that is wrong with what is configured, a line each, uncut."""
    lines = [f"{finding.severity.value.upper():<7}   {finding}" for finding in findings]
    return "\n".join(lines) or "No problems found."


def _sessions(text: str) -> dict[str, str]:
    try:
        states = json.loads(text)
    except ValueError:
        return {}
    return {str(peer): str(state) for peer, state in states.items()} if isinstance(states, dict) else {}


def plan(desired: Desired, node: str) -> str:
    """What a node would announce, and why it would not announce the rest."""
    announced = [
        (str(key), str(each.address), each.protocol.value)
        for key, verdict in desired.services.items()
        for each in verdict.announced
    ]
    refused = [
        (str(key), refusal.protocol.value if refusal.protocol else "any", str(refusal))
        for key, verdict in desired.services.items()
        for refusal in verdict.refused
        if refusal.reason is not Silence.NOT_LOAD_BALANCER
    ]
    parts = [
        f"Node {node} announces:\n" + layout(("SERVICE", "ADDRESS", "PROTOCOL"), announced)
        if announced
        else f"Node {node} announces nothing."
    ]
    if desired.peers:
        parts.append(f"By BGP to {', '.join(peer.endpoint for peer in desired.peers)}:")
        parts[-1] += "".join(f"\n{route.prefix}" for route in desired.routes) or " nothing"
    if refused:
        parts.append("It does not announce:\n" + layout(("SERVICE", "PROTOCOL", "BECAUSE"), refused))
    return "\n\n".join(parts)


def plan_json(desired: Desired, node: str) -> str:
    """The same for machines."""
    document = {
        "node": node,
        "layer2": sorted(map(str, desired.addresses)),
        "peers": [peer.endpoint for peer in desired.peers],
        "routes": [
            {
                "prefix": str(route.prefix),
                "communities": [str(community) for community in route.communities],
                "localPref": route.local_pref,
            }
            for route in desired.routes
        ],
        "services": {
            str(key): {
                "announced": [
                    {"address": str(each.address), "protocol": each.protocol.value}
                    for each in verdict.announced
                ],
                "refused": [
                    {
                        "reason": refusal.reason.name,
                        "protocol": refusal.protocol.value if refusal.protocol else None,
                        "text": str(refusal),
                    }
                    for refusal in verdict.refused
                ],
            }
            for key, verdict in desired.services.items()
        },
    }
    return json.dumps(document, indent=2)
