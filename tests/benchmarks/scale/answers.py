"""Read what routers say about themselves: how many prefixes they have from a peer."""

import json
import re
from typing import Any

_BIRD_ROUTES = re.compile(r"Routes:\s+(\d+) imported")


def bird_imported(text: str) -> int:
    """Of `show protocols all NAME`, one channel."""
    found = _BIRD_ROUTES.search(text)
    return int(found[1]) if found else 0


def bird_established(text: str) -> bool:
    """Whether the session of `show protocols all NAME` is up."""
    return re.search(r"BGP state:\s+Established", text) is not None


def frr_received(text: str, peer: str) -> int:
    """Of `show bgp ipv4 unicast summary json`."""
    try:
        found: dict[str, Any] = json.loads(text)
    except json.JSONDecodeError:
        return 0
    peers = found.get("ipv4Unicast", found).get("peers", {})
    return int(peers.get(peer, {}).get("pfxRcd", 0))


def gobgp_received(text: str, peer: str) -> int:
    """Of `gobgp neighbor`: received and accepted prefixes stand at the end of a peer's line."""
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == peer and "Establ" in words:
            return int(words[-1])
    return 0


def openbgpd_received(text: str) -> int:
    """Of `bgpctl show neighbor ADDRESS`: what it sent and what it was sent stand in one line, in this order."""
    found = re.search(r"^\s*Prefixes\s+(\d+)\s+(\d+)", text, re.MULTILINE)
    return int(found[2]) if found else 0
