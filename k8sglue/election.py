"""Who announces a layer-2 address: one node, on which all agree without talking to each other.

Every speaker ranks the candidates in the same way, so all come to the same answer as long as they see the same
candidates. The rank is MetalLB's (since its 0.11): the SHA-256 of `node#address`, lowest first. A cluster that
changes over from MetalLB keeps its announcers, and when a node leaves only its own addresses move.
"""

from collections.abc import Iterable
from hashlib import sha256

from k8sglue.config import IPAddress


def rank(candidates: Iterable[str], address: IPAddress) -> list[str]:
    """Order the names of nodes: the first one announces the address."""
    return sorted(candidates, key=lambda node: sha256(f"{node}#{address}".encode()).digest())
