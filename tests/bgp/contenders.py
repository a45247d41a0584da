"""Candidates for tests of the decision process: short to write, and drawn so that they often tie."""

from ipaddress import IPv4Address, ip_address
from typing import Any

from hypothesis import strategies as st

from bgp import ASPath, PathAttributes, PeerType
from bgp.candidate import Candidate, Source
from bgp.values import Address

COSTS: dict[Address, int] = {IPv4Address(f"198.51.100.{host}"): host for host in (1, 2)}
"""Interior costs to next hops; 198.51.100.9 cannot be reached."""


def cost(address: Address) -> int | None:
    """What `rank` and `explain` take."""
    return COSTS.get(address)


def cost_of(contender: Candidate) -> int | None:
    """The cost to the next hop of a candidate; ours without one cost nothing."""
    return 0 if contender.address is None else cost(contender.address)


PATHS = ("64513 64514", "64514 64513", "64515 {64516}", "{64513} 64514", "(65001) 64513 64514", "(65001)", "")
"""Of two ASes by their first number, of none, and by confederations."""

BASE: dict[str, Any] = {
    "origin": 0,
    "as_path": [64513, 64514],
    "next_hop": "198.51.100.1",
    "med": 10,
}


def peer(
    address: str = "192.0.2.10",
    router_id: str = "192.0.2.10",
    peer_type: PeerType = PeerType.EXTERNAL,
    asn: int = 64513,
    stale: bool = False,
) -> Source:
    """A peer that offers paths; all alike unless told otherwise."""
    identity = (address, router_id)
    return Source(
        identity, ip_address(address), asn, IPv4Address(router_id), peer_type, is_long_lived_stale=stale
    )


def ourselves() -> Source:
    """The source of what we announce; its identifier is the highest, so that this is not why it wins."""
    return Source(None, None, 64512, IPv4Address("203.0.113.255"), None)


def candidate(source: Source | None = None, path_id: int = 0, **changes: Any) -> Candidate:
    """A path that differs from the others in what is named only; changes are those of `PathAttributes`."""
    return Candidate(source or peer(), PathAttributes(**{**BASE, **changes}), None, path_id)


def contests() -> st.SearchStrategy[list[Candidate]]:
    """Up to five paths to a destination, of few values each, so that they often tie until late."""
    source = st.builds(
        peer,
        address=st.sampled_from(["192.0.2.10", "192.0.2.11", "2001:db8::10"]),
        router_id=st.sampled_from(["192.0.2.10", "192.0.2.11"]),
        peer_type=st.sampled_from([PeerType.EXTERNAL, *PeerType]),
        asn=st.sampled_from([64513, 64514]),
        stale=st.sampled_from([False, False, False, True]),
    ) | st.builds(ourselves)
    changes = st.fixed_dictionaries(
        {
            "as_path": st.sampled_from(PATHS).map(ASPath),
            "med": st.sampled_from([None, 10, 20]),
            "next_hop": st.sampled_from(["198.51.100.1", "198.51.100.2", "198.51.100.9"]),
        },
        optional={
            "local_pref": st.sampled_from([90, 100, 110]),
            "aigp": st.sampled_from([5, 6]),
            "origin": st.sampled_from([0, 2]),
            "originator_id": st.sampled_from(["192.0.2.9", "192.0.2.10"]),
            "cluster_list": st.sampled_from([["192.0.2.1"], ["192.0.2.1", "192.0.2.2"]]),
            "communities": st.sampled_from([["64512:1"], ["llgr-stale"]]),
        },
    )
    numbered = st.lists(st.tuples(source, changes), max_size=5)
    return numbered.map(lambda drawn: [candidate(who, at, **what) for at, (who, what) in enumerate(drawn)])
