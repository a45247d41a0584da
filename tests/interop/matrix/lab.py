"""The network of the matrix: for each router a namespace of its own and one of ours, joined by a cable."""

from tests.interop.matrix.neighbours import NEIGHBOURS, NEXT_HOP6, ROUTER4, ROUTER6, ROUTER_LINK_LOCAL
from tests.interop.netns import NetworkNamespace, connect


def cable(ours: NetworkNamespace, router: NetworkNamespace) -> None:
    """Join the two, and give ours the addresses of all neighbours."""
    connect(ours, "192.0.2.2/24", router, f"{ROUTER4}/24")
    for address in (ROUTER6, ROUTER_LINK_LOCAL):
        router.run("ip", "address", "add", f"{address}/64", "dev", "eth0", "nodad")
    lines = []
    for neighbour in NEIGHBOURS:
        bits = 64 if neighbour.is_ipv6 else 24
        lines.append(
            f"address add {neighbour.address}/{bits} dev eth0 {'nodad' if neighbour.is_ipv6 else ''}"
        )
    lines.append(f"address add {NEXT_HOP6}/64 dev eth0 nodad")
    ours.run("sh", "-c", "\n".join(f"ip {line}" for line in lines))
