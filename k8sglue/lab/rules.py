"""The packet rewriting that a node needs, as an nftables script. Pure: objects in, text out.

What kube-proxy does, as far as the lab has use for it:

- A packet to a Service's address (cluster IP, load-balancer addresses, node ports) goes to one of its endpoints
  that can serve, in turn. With externalTrafficPolicy Local, what comes from outside the cluster goes to the
  node's own endpoints only.
- If the endpoint is on another node, the packet leaves by the LAN again; it takes this node's address as its
  source then, or the answer would not come back this way. An endpoint on this node sees the client's own address.
- What is addressed to a Service and has no endpoint to go to is rejected, so that clients need not wait.

The same for either family, in a table of its own: endpoints of one family serve the addresses of that family.

Left out: session affinity, allocation of health-check ports, and forgetting UDP flows whose endpoint is gone.

The script replaces both tables in one transaction: there is no moment without rules.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from ipaddress import ip_address

import attrs

from k8sglue.config import parse_address
from k8sglue.lab.topology import LAN_INTERFACE
from k8sglue.resources import EndpointSlice, Key, Service, ServicePort

TABLE = "k8sglue-lab"

_TEMPLATE = """\
table {family} {table}
delete table {family} {table}
table {family} {table} {{
    chain services {{
{services}
    }}
    chain unserved {{
{unserved}
    }}
    chain from-outside {{ type nat hook prerouting priority -100; jump services; }}
    chain from-this-node {{ type nat hook output priority -100; jump services; }}
    chain to-another-node {{ type nat hook postrouting priority 100; ct status dnat oifname "{lan}" masquerade; }}
    chain through-this-node {{ type filter hook forward priority 0; jump unserved; }}
    chain out-of-this-node {{ type filter hook output priority 0; jump unserved; }}
}}
"""
_PROTOCOLS = {"TCP": "tcp", "UDP": "udp"}


@attrs.frozen(kw_only=True)
class _Family:
    version: int
    keyword: str
    """What nftables calls it."""
    address_type: str
    """What EndpointSlices call it."""
    icmp: str
    passed_over: tuple[str, ...] = ()
    """What is addressed to a Service and for somebody else to answer: not to be rejected, and to go no further."""


_FAMILIES = (
    _Family(version=4, keyword="ip", address_type="IPv4", icmp="icmp"),
    _Family(
        version=6,
        keyword="ip6",
        address_type="IPv6",
        icmp="icmpv6",
        # A client makes sure of a neighbour by asking it alone (RFC 4861 7.3.3). The speaker answers; the kernel, to
        # which the address means nothing, would forward the question.
        passed_over=("icmpv6 type nd-neighbor-solicit drop",),
    ),
)


@attrs.frozen
class _Endpoint:
    address: str
    node: str


def ruleset(services: Collection[Service], slices: Collection[EndpointSlice], node: str) -> str:
    """Return the nftables script for a node, to be fed to `nft -f -`."""
    by_service: dict[Key, list[EndpointSlice]] = {}
    for each in slices:
        by_service.setdefault(each.service, []).append(each)
    ordered = sorted(services, key=lambda service: service.key)
    return "".join(_table(family, ordered, by_service, node) for family in _FAMILIES)


def _table(
    family: _Family,
    services: Collection[Service],
    slices: Mapping[Key, Collection[EndpointSlice]],
    node: str,
) -> str:
    rules: list[str] = []
    addresses: set[str] = set()
    for service in services:
        rules += _service_rules(family, service, slices.get(service.key, ()), node)
        addresses.update(_of(family, service.cluster_ips + service.ingress))
    return _TEMPLATE.format(
        family=family.keyword,
        table=TABLE,
        lan=LAN_INTERFACE,
        services=_indent(rules),
        unserved=_indent(_rejections(family, sorted(addresses, key=ip_address))),
    )


def _service_rules(
    family: _Family, service: Service, slices: Collection[EndpointSlice], node: str
) -> Iterator[str]:
    comment = f'comment "{service.key}"' if re.fullmatch(r"[a-z0-9./-]{1,120}", str(service.key)) else ""
    for port in service.ports:
        protocol = _PROTOCOLS.get(port.protocol)
        if protocol is None:
            continue
        everywhere = _endpoints(family, port, slices)
        local = {endpoint: number for endpoint, number in everywhere.items() if endpoint.node == node}
        outside = local if service.external_traffic_policy == "Local" else everywhere
        destination = f"{family.keyword} daddr"
        matches = [
            (f"{destination} {address}", port.port, everywhere)
            for address in _of(family, service.cluster_ips)
        ]
        matches += [
            (f"{destination} {address}", port.port, outside) for address in _of(family, service.ingress)
        ]
        if port.node_port:
            matches.append(("fib daddr type local", port.node_port, outside))
        for match, number, endpoints in matches:
            if endpoints:
                yield f"{match} {protocol} dport {number} {_rewriting(endpoints)} {comment}".rstrip()


def _endpoints(
    family: _Family, port: ServicePort, slices: Collection[EndpointSlice]
) -> Mapping[_Endpoint, int]:
    """Return the endpoints of a family that can serve a port of a Service, with the port number of each."""
    found = {}
    for each in slices:
        numbers = [
            target.port
            for target in each.ports
            if target.port and (target.name, target.protocol) == (port.name, port.protocol)
        ]
        for endpoint in each.endpoints if numbers and each.address_type == family.address_type else ():
            # All addresses of one endpoint lead to the same pod, so the API has clients use the first.
            for address in _of(family, endpoint.addresses[:1]) if endpoint.can_serve else ():
                found[_Endpoint(address, endpoint.node_name)] = numbers[0]
    return dict(sorted(found.items(), key=lambda item: ip_address(item[0].address)))


def _rewriting(endpoints: Mapping[_Endpoint, int]) -> str:
    targets = ", ".join(
        f"{turn} : {endpoint.address} . {number}" for turn, (endpoint, number) in enumerate(endpoints.items())
    )
    return f"dnat to numgen inc mod {len(endpoints)} map {{ {targets} }}"


def _rejections(family: _Family, addresses: Collection[str]) -> Iterator[str]:
    """What is still addressed to a Service after rewriting found no endpoint."""
    if addresses:
        destinations = f"{family.keyword} daddr {{ {', '.join(addresses)} }}"
        yield from (f"{destinations} {rule}" for rule in family.passed_over)
        yield f"{destinations} meta l4proto tcp reject with tcp reset"
        yield f"{destinations} reject with {family.icmp} type port-unreachable"


def _of(family: _Family, texts: Collection[str]) -> Iterator[str]:
    """Keep what is an address of a family; a cluster IP may be `None` or of the other one."""
    for address in map(parse_address, texts):
        if address is not None and address.version == family.version:
            yield str(address)


def _indent(lines: Collection[str] | Iterator[str]) -> str:
    return "\n".join(f"        {line}" for line in lines)
