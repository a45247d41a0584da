"""The configuration in force for machines: every default filled in, passwords left out."""

import enum
import json
import math
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address

import attrs

from k8sglue.config import AddressRange, Config

_ACRONYMS = {"asn": "ASN", "id": "ID", "ips": "IPs", "ttl": "TTL", "v6": "V6", "bgp": "BGP", "bfd": "BFD"}


def config_json(configs: Sequence[Config]) -> str:
    """Return configurations as one JSON object, with the names of fields in the style of the resources."""
    pools = {name: pool for config in configs for name, pool in config.pools.items()}
    peers = {peer: None for config in configs for peer in config.peers}
    return json.dumps(
        {"pools": [_shown(pool) for pool in pools.values()], "peers": [_shown(peer) for peer in peers]},
        indent=2,
    )


def _shown(value: object) -> object:
    match value:
        case AddressRange() | IPv4Address() | IPv6Address():
            return str(value)
        case enum.Enum():
            return _shown(value.value)
        case float():
            return "Never" if value == math.inf else value
        case frozenset():
            return sorted(map(_shown, value), key=str)
        case tuple() | list():
            return [_shown(each) for each in value]
        case Mapping():
            return {str(key): _shown(each) for key, each in value.items()}
        case _ if attrs.has(kind := type(value)):
            public = (each.name for each in attrs.fields(kind) if not each.name.startswith("_"))
            return dict(_field(name, getattr(value, name)) for name in public)
        case _:
            return value


def _field(name: str, value: object) -> tuple[str, object]:
    if name == "password":
        return "hasPassword", bool(value)
    first, *others = name.split("_")
    return first + "".join(_ACRONYMS.get(each, each.capitalize()) for each in others), _shown(value)
