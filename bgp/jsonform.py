"""Messages, events and what they are made of as JSON: for logs, for jq, for programs in other languages.

    json.dumps(to_json(message))

The form follows from the values, so that whatever this library can hold has one. Its rules:

- Keys are the names of the fields in this library, where they are documented: `hold_time`, `router_id`, `as_path`,
  `med`. Every object has all of its keys, with null or an empty list where there is nothing; but path attributes are
  there only if the route has them, and `reserved` bits only if they are set.
- `type` says what an object is: "OPEN", "UPDATE", "NOTIFICATION", "KEEPALIVE", "ROUTE-REFRESH"; for events and errors
  the name of the class, such as "RoutesReceived". Parts of a message have none, except for segments of a path.
- A family is "ipv4-unicast"; "16388/99", AFI and SAFI, if one of the two has no name here.
- A member of a registry is its name in lower case, "igp", "route-server", or a number that has no name here. Codes and
  subcodes are numbers, with the name beside.
- Flags are lists of names: ["optional", "transitive"], ["send", "receive"].
- Addresses, prefixes and communities are text that the library reads. Octets without a meaning are hexadecimal text.
- NLRI are lists of objects with `prefix` and, where there are any, `path_id`, `labels` and `route_distinguisher`; with
  `octets` for the NLRI of families that the library does not read.
- An AS path is a list of segments: {"type": "as-sequence", "asns": [64512, 64513]}.
- A route is its destination, like one of NLRI, with `path_id`, `next_hop`, `attributes`, and `source`, the address of
  the peer that it came from.
- An UPDATE has `end_of_rib`, a family, and `treatment`, the strongest of its `faults` (RFC 7606), as well.

The order of attributes, traffic classes of labels, and lengths in more octets than needed are not in it.
"""

import enum
import itertools
import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from typing import Final, get_args

import attrs

from bgp.aspath import ASPath
from bgp.attributes import PathAttributes, UnknownAttribute
from bgp.attributetable import BY_CODE
from bgp.capabilities import Capability, encode_capability
from bgp.communities import Community, Octets
from bgp.errors import LocalError, PeerError
from bgp.events import Event
from bgp.faults import Fault
from bgp.iana import AFI, SAFI, AddPathDirection, AttributeCode, CapabilityCode
from bgp.labelled import LabelledPrefix, RouteDistinguisher, VPNPrefix
from bgp.messages import Keepalive, Message, RouteRefresh
from bgp.multiprotocol import MPReach, MPUnreach, NextHop
from bgp.negotiated import Negotiated
from bgp.nlri import NLRI, Destination, OpaqueNLRI, Path
from bgp.notification import Notification
from bgp.open import Open
from bgp.prefix import Family, Prefix
from bgp.route import Route
from bgp.update import Update
from bgp.values import check_kind, shown

JSON = dict[str, "JSON"] | list["JSON"] | str | int | float | bool | None
"""What `json.dumps` takes."""

Representable = (
    Message
    | Event
    | PeerError
    | Negotiated
    | Capability
    | PathAttributes
    | Route
    | Fault
    | Destination
    | Path
)
"""What has a JSON object of its own."""


def to_json(value: Representable) -> dict[str, JSON]:
    """The JSON object that stands for a value; the head of the module says what it looks like."""
    if isinstance(value, PeerError):
        return _error(value)
    if isinstance(value, Prefix):
        return _destination(value)
    found = _compound(value)
    assert isinstance(found, dict)
    return found


def family_name(family: Family) -> str:
    """The name of a family, such as "ipv4-unicast"; "16388/99" if its AFI or its SAFI has none."""
    afi, safi = family.afi, family.safi
    if isinstance(afi, enum.Enum) and isinstance(safi, enum.Enum):
        return f"{_member(afi)}-{_member(safi)}"
    return f"{int(afi)}/{int(safi)}"


def read_family(text: str) -> Family:
    """Read what `family_name` writes, or AFI and SAFI of any family, "1/1"; raise `LocalError` for anything else."""
    check_kind("family", text, str)
    numbers = _FAMILY_NUMBERS.fullmatch(text)
    if numbers:
        return Family(*map(int, numbers.groups()))
    for afi, safi in itertools.product(AFI, SAFI):
        family = Family(afi, safi)
        if family_name(family) == text.lower():
            return family
    raise LocalError(f"family {shown(text)}, must be such as ipv4-unicast, or AFI/SAFI such as 1/1")


_FAMILY_NUMBERS: Final = re.compile(r"([0-9]{1,5})/([0-9]{1,3})")


def flag_names(flags: enum.IntFlag) -> list[str]:
    """The names of the flags that are set, in lower case, that of the highest bit first."""
    return [_member(flag) for flag in sorted(type(flags), reverse=True) if flag in flags]


_MESSAGES: Final[dict[type, str]] = {
    Open: "OPEN",
    Update: "UPDATE",
    Notification: "NOTIFICATION",
    Keepalive: "KEEPALIVE",
    RouteRefresh: "ROUTE-REFRESH",
}

_TYPES: Final[dict[type, str]] = _MESSAGES | {event: event.__name__ for event in get_args(Event)}
"""What `type` says."""


def _plain(value: object) -> JSON:
    """What stands for a value that is a field of another."""
    match value:
        case None | bool():
            return value
        case enum.IntFlag():
            return [*flag_names(value)]
        case enum.IntEnum():
            return _member(value)
        case enum.Enum():
            return str(value.value)
        case Community() | Octets() | RouteDistinguisher() | IPv4Address() | IPv6Address() | Prefix():
            return str(value)
        case str() | int() | float():
            return value
        case bytes():
            return value.hex()
        case Family():
            return family_name(value)
        case _:
            return _compound(value)


def _compound(value: object) -> JSON:
    """What stands for a value that is made of others."""
    match value:
        case PathAttributes():
            return dict(_attributes(value))
        case NLRI():
            return [_destination(item) for item in value]
        case LabelledPrefix() | VPNPrefix() | OpaqueNLRI() | Path():
            return _destination(value)
        case NextHop():
            return {"addresses": [*map(str, value.addresses)], "octets": value.wire.hex()}
        case ASPath():
            return [*map(_plain, value.segments)]
        case Route():
            return _route(value)
        case MPReach() | MPUnreach():
            return {"family": family_name(value.family)} | fields_to_json(value)
        case UnknownAttribute() | Fault():
            return _coded(value, value.code, AttributeCode)
        case Update():
            return fields_to_json(value) | {
                "end_of_rib": _plain(value.end_of_rib),
                "treatment": _plain(value.treatment),
            }
        case Notification():
            return _notification(value)
        case Family() as family, AddPathDirection() as direction:
            return {"family": family_name(family), "directions": _plain(direction)}
        case Family() as family, afi:
            return {"family": family_name(family), "next_hop_afi": _plain(afi)}
        case tuple():
            return [*map(_plain, value)]
        case frozenset():
            return [*map(_plain, sorted(value))]
        case _ if isinstance(value, Capability):
            return _coded(value, encode_capability(value)[0], CapabilityCode)
        case _:
            return fields_to_json(value)


def fields_to_json(value: object) -> dict[str, JSON]:
    """What stands for the fields of a value of an attrs class, those that its constructor takes."""
    kind = type(value)
    assert attrs.has(kind), "all that the library returns is made of attrs classes and of what is above"
    found: dict[str, JSON] = {"type": _TYPES[kind]} if kind in _TYPES else {}
    for field in attrs.fields(kind):
        content = getattr(value, field.name)
        if field.init and (content or field.name != "reserved"):
            found[field.name] = _plain(content)
    return found


def _member(member: enum.Enum) -> str:
    return member.name.lower().replace("_", "-")


def _coded(value: object, code: int, registry: type[enum.IntEnum]) -> dict[str, JSON]:
    """The fields of a value that has a code, and the code's name."""
    name = _member(registry(code)) if code in registry._value2member_map_ else None
    found: dict[str, JSON] = {"code": int(code), "name": name}
    fields = {key: content for key, content in fields_to_json(value).items() if key != "code"}
    if isinstance(value, Fault):
        fields["subcode"] = int(value.subcode)
    return found | fields


def _attributes(attributes: PathAttributes) -> Iterator[tuple[str, JSON]]:
    """The attributes that are there, by the names of their fields."""
    for code in attributes.raw:
        if code in BY_CODE:
            field = BY_CODE[code].field
            yield field, _plain(getattr(attributes, field))
    if attributes.partial:
        yield "partial", [BY_CODE[code].field for code in sorted(attributes.partial)]
    if attributes.unknown:
        yield "unknown", _plain(attributes.unknown)


def _destination(item: Destination | Path) -> dict[str, JSON]:
    match item:
        case Path():
            return _destination(item.destination) | {"path_id": item.path_id}
        case Prefix():
            return {"prefix": str(item)}
        case LabelledPrefix():
            return {"prefix": str(item.network), "labels": [*item.labels]}
        case VPNPrefix():
            return {
                "route_distinguisher": str(item.rd),
                "prefix": str(item.network),
                "labels": [*item.labels],
            }
        case _:
            return {"octets": item.wire.hex()}


def _route(route: Route) -> dict[str, JSON]:
    return _destination(route.prefix) | {
        "path_id": route.path_id,
        "next_hop": _plain(route.next_hop),
        "attributes": _plain(route.attributes),
        "source": _plain(route.source.address if route.source else None),
    }


def _notification(message: Notification) -> dict[str, JSON]:
    inner, limit = message.encapsulated, message.prefix_limit
    # One level: a peer may put hard resets into each other, thousands deep.
    within: JSON = None
    if inner:
        within = {"code": int(inner.code), "subcode": int(inner.subcode), "data": inner.data.hex()}
    return {
        "type": "NOTIFICATION",
        "code": int(message.code),
        "subcode": int(message.subcode),
        "meaning": str(message),
        "communication": message.communication,
        "prefix_limit": {"family": family_name(limit[0]), "limit": limit[1]} if limit else None,
        "encapsulated": within,
        "data": message.data.hex(),
    }


def _error(error: PeerError) -> dict[str, JSON]:
    notification = _notification(Notification.from_error(error))
    return {"type": type(error).__name__, "reason": str(error), "notification": notification}
