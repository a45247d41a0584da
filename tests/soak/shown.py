"""Read what daemons show of the routes that they have from a peer: prefix, AS path, communities, MED."""

import json
from collections.abc import Iterator
from typing import Any

Shown = dict[str, tuple[str, tuple[str, ...] | None, int | None]]
"""By prefix: AS path, communities (None: it does not say), MED."""


def of_bird(text: str) -> Shown:
    """Read `show route all protocol NAME`, as the control socket gives it: with codes in front, or a blank."""
    found: Shown = {}
    prefix, path, med = "", "", None
    communities: tuple[str, ...] = ()
    for line in text.splitlines():
        line = line[5:] if line[:4].isdigit() else line[1:]
        key, _, value = line.strip().partition(": ")
        if line[:1].isdigit():
            prefix, path, communities, med = line.split()[0], "", (), None
        elif key == "BGP.as_path":
            path = value
        elif key == "BGP.community":
            communities = tuple(sorted(each.strip("()").replace(",", ":") for each in value.split()))
        elif key == "BGP.med":
            med = int(value)
        if prefix:
            found[prefix] = path, communities, med
    return found


def of_frr(text: str) -> Shown:
    """Read `show bgp ipv4 unicast neighbors ADDRESS routes json`, which knows no communities."""
    table: dict[str, Any] = json.loads(text) if text.strip() else {}
    found: Shown = {}
    for prefix, paths in table.get("routes", {}).items():
        for each in paths:
            found[prefix] = (str(each.get("path", "")), None, each.get("metric"))
    return found


def of_gobgp(text: str) -> Shown:
    """Read `gobgp neighbor ADDRESS adj-in -j`."""
    if not text.strip().startswith(("[", "{")):
        return {}
    return dict(_paths_of_gobgp(json.loads(text)))


_PATH, _MED, _COMMUNITIES = 2, 4, 8


def _paths_of_gobgp(table: Any) -> Iterator[tuple[str, tuple[str, tuple[str, ...], int | None]]]:
    rows = table if isinstance(table, list) else [each for paths in table.values() for each in paths]
    for each in rows:
        attributes = {attribute["type"]: attribute for attribute in each["attrs"]}
        segments = attributes.get(_PATH, {}).get("as_paths") or []
        path = " ".join(str(asn) for segment in segments for asn in segment["asns"])
        numbers = attributes.get(_COMMUNITIES, {}).get("communities") or []
        communities = tuple(sorted(f"{number >> 16}:{number & 0xFFFF}" for number in numbers))
        yield each["nlri"]["prefix"], (path, communities, attributes.get(_MED, {}).get("metric"))
